//! Findings for people: each with its lines, and at the end how many there are.

use std::io::{self, Write};

use annotate_snippets::{AnnotationKind, Element, Group, Level as Title, Renderer, Snippet};
use ide::rules::Severity;
use ide::{Diagnostic, budget, words};
use tracelog::Loc;

use super::{Checked, Report};
use crate::cli::input::{Document, InputError};
use crate::cli::visible::{visible, visible_range};
use crate::cli::{Exit, findings, terminal};

/// Writes to standard output as files are read.
pub(super) struct Human<W> {
    out: W,
    tally: Tally,
    /// What was selected, in words; empty for everything.
    selected: String,
    /// How bad the worst finding is that was shown, its rule, and its file.
    worst: Option<(Severity, &'static str, String)>,
}

impl<W: Write> Human<W> {
    pub(super) fn new(out: W, selected: String) -> Self {
        Self { out, tally: Tally::default(), selected, worst: None }
    }
}

impl<W: Write> Report for Human<W> {
    fn file(&mut self, checked: &Checked<'_>) -> io::Result<()> {
        let document = &checked.asked.document;
        for found in checked.shown() {
            writeln!(self.out, "{}\n", render(document, found))?;
            let is_worse = self.worst.as_ref().is_none_or(|(severity, ..)| found.severity > *severity);
            if is_worse && found.code != budget::CODE {
                self.worst = Some((found.severity, found.code, document.name.clone()));
            }
        }
        if let Some(nothing) = checked.asked.nothing() {
            writeln!(self.out, "{}: {nothing}", visible(&document.name))?;
        }
        self.tally.add(checked);
        Ok(())
    }

    fn unreadable(&mut self, _: &InputError) -> io::Result<()> {
        Ok(())
    }

    fn finish(&mut self, _: Exit) -> io::Result<()> {
        if self.tally.n_files > 0 {
            writeln!(self.out, "{}{}", self.tally.in_words(), self.selected)?;
        }
        if let Some((_, code, name)) = &self.worst {
            let file = if is_plain_word(name) { name } else { "FILE" };
            writeln!(self.out, "for the numbers behind a finding, try `gotracelens explain {code} --file {file}`")?;
        }
        self.out.flush()
    }
}

/// Whether a name can stand in a command as it is.
fn is_plain_word(name: &str) -> bool {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "._/-".contains(c);
    !name.starts_with('-') && !name.is_empty() && name.chars().all(is_plain)
}

/// What was found in all files.
#[derive(Default)]
struct Tally {
    n_files: usize,
    /// Errors, warnings, infos and hints.
    n: [usize; 4],
    n_hidden: usize,
}

const SEVERITIES: [Severity; 4] = [Severity::Error, Severity::Warning, Severity::Info, Severity::Hint];

impl Tally {
    fn add(&mut self, checked: &Checked<'_>) {
        let all = &checked.all;
        self.n_files += checked.asked.document.joined().len().max(1);
        self.n_hidden += all.len() - checked.shown().count();
        for (n, severity) in self.n.iter_mut().zip(SEVERITIES) {
            *n += all.iter().filter(|found| found.severity == severity).count();
        }
    }

    fn in_words(&self) -> String {
        let counts = self.n.iter().zip(SEVERITIES).filter(|(n, _)| **n > 0);
        let counts: Vec<String> = counts.map(|(n, severity)| words::count(*n, findings::name(severity))).collect();
        let found = if counts.is_empty() { "nothing found".to_owned() } else { counts.join(", ") };
        let hidden = if self.n_hidden > 0 {
            format!("; {} not shown, --show hint shows all", self.n_hidden)
        } else {
            String::new()
        };
        format!("{found} in {}{hidden}", words::count(self.n_files, "file"))
    }
}

/// Characters of a line that are shown where the width of the terminal is not known.
const WIDTH: usize = 140;

/// A finding with its lines.
fn render(document: &Document, found: &Diagnostic) -> String {
    let level = match found.severity {
        Severity::Error => Title::ERROR,
        Severity::Warning => Title::WARNING,
        Severity::Info => Title::INFO,
        Severity::Hint => Title::NOTE.with_name("hint"),
    };
    let title = level.primary_title(visible(&found.message)).id(found.code);
    let mut elements: Vec<Element<'_>> = vec![snippet(document, found.loc, AnnotationKind::Primary, "").into()];
    for (loc, text) in &found.related {
        elements.push(snippet(document, *loc, AnnotationKind::Context, text).into());
    }
    let page = if found.code == budget::CODE { "ci" } else { found.code };
    elements.push(Title::NOTE.message(format!("{}, see `gotracelens explain {page}`", found.slug)).into());
    let report = [Group::with_title(title).elements(elements)];
    Renderer::styled().term_width(terminal::width().unwrap_or(WIDTH)).render(&report)
}

fn snippet<'a>(
    document: &'a Document,
    loc: Loc,
    kind: AnnotationKind,
    label: &str,
) -> Snippet<'a, annotate_snippets::Annotation<'a>> {
    let line = String::from_utf8_lossy(document.bytes_of(loc.line));
    let (text, range) = visible_range(&line, loc.start as usize..loc.end as usize);
    let label = Some(visible(label).into_owned()).filter(|label| !label.is_empty());
    let place = document.place(loc.line, loc.start);
    let name = visible(place.file);
    Snippet::source(text).path(name).line_start(place.line as usize + 1).annotation(kind.span(range).label(label))
}
