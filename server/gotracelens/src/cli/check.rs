//! `gotracelens check`: what is wrong, at the lines where it shows.

use std::io::{self, BufWriter, Write};

use annotate_snippets::{AnnotationKind, Element, Group, Level as Title, Renderer, Snippet};
use clap::ValueEnum;
use clap::builder::PossibleValue;
use ide::rules::Severity;
use ide::{Diagnostic, words};
use schemars::JsonSchema;
use serde::Serialize;
use tracelog::Loc;

use super::findings::{Asked, FindingJson, Level};
use super::input::Document;
use super::joined::Files;
use super::select::{Selection, SelectionJson};
use super::visible::{visible, visible_range};
use super::{Exit, json, report, settings, terminal};

/// Options of `check`.
#[derive(clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    files: Files,

    #[command(flatten)]
    selection: Selection,

    #[command(flatten)]
    settings: settings::Flags,

    /// Lines of the log with what was found, or one JSON object
    #[arg(long, value_enum, default_value_t = Format::Human)]
    format: Format,

    /// Exit with 1 when something of this level or above is found
    #[arg(long, value_name = "LEVEL", value_enum, default_value_t = FailOn(Some(Level(Severity::Error))))]
    fail_on: FailOn,

    /// Leave out what is below this level; what makes the command fail is always shown
    #[arg(long, value_name = "LEVEL", value_enum, default_value_t = Level(Severity::Info))]
    show: Level,
}

#[derive(Clone, Copy, ValueEnum)]
enum Format {
    Human,
    Json,
}

/// A level, or none.
#[derive(Clone, Copy)]
struct FailOn(Option<Level>);

impl ValueEnum for FailOn {
    fn value_variants<'a>() -> &'a [Self] {
        &[
            Self(Some(Level(Severity::Error))),
            Self(Some(Level(Severity::Warning))),
            Self(Some(Level(Severity::Info))),
            Self(Some(Level(Severity::Hint))),
            Self(None),
        ]
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        match self.0 {
            Some(level) => level.to_possible_value(),
            None => Some(PossibleValue::new("never")),
        }
    }
}

/// What `check --format json` writes.
#[derive(Serialize, JsonSchema)]
#[schemars(title = "gotracelens check")]
pub(super) struct CheckJson {
    /// Version of this layout.
    schema: u32,
    /// What of the files was looked at; null for everything.
    selection: Option<SelectionJson>,
    /// One entry a file, in the order of the arguments; files that were joined have one entry.
    files: Vec<CheckedFileJson>,
}

/// The findings of one file.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "CheckedFile")]
struct CheckedFileJson {
    /// Name as it was given; `-` for standard input. Of joined files, their names in reading order with ` + ` between.
    path: String,
    /// The files that were joined, in reading order; empty for a file by itself.
    joined: Vec<String>,
    /// Why the file could not be read, or not to its end; else null.
    error: Option<String>,
    /// What was found, in the order of lines.
    findings: Vec<FindingJson>,
}

pub(super) fn run(args: &Args) -> io::Result<Exit> {
    if let Some(exit) = args.selection.refused() {
        return Ok(exit);
    }
    let mut chooser = match args.settings.chooser() {
        Ok(chooser) => chooser,
        Err(problem) => {
            report(&visible(&problem));
            return Ok(Exit::Trouble);
        }
    };
    let show = args.fail_on.0.map_or(args.show, |level| level.min(args.show)).0;
    let mut tally = Tally::default();
    let mut exit = Exit::Success;
    let mut files = Vec::new();
    let mut out = terminal::stdout();
    for document in args.files.documents() {
        let asked = match document {
            Ok(document) => {
                let settings = chooser.of(&document);
                Asked::of(document, &args.selection, settings)
            }
            Err(error) => {
                report(&error);
                exit = Exit::Trouble;
                let (path, joined, findings) = (error.name().to_owned(), Vec::new(), Vec::new());
                files.push(CheckedFileJson { path, joined, error: Some(error.to_string()), findings });
                continue;
            }
        };
        exit = exit.max(asked.exit);
        let all = asked.diagnostics();
        let shown: Vec<&Diagnostic> = all.iter().filter(|found| found.severity >= show).collect();
        tally.add(&all, shown.len(), asked.document.joined().len().max(1));
        match args.format {
            Format::Human => {
                for found in &shown {
                    writeln!(out, "{}\n", render(&asked.document, found))?;
                }
                if let Some(nothing) = asked.nothing() {
                    writeln!(out, "{}: {nothing}", visible(&asked.document.name))?;
                }
            }
            Format::Json => files.push(CheckedFileJson {
                path: asked.document.name.clone(),
                joined: asked.document.joined(),
                error: asked.document.cut_in_words(),
                findings: shown.iter().map(|found| FindingJson::of(found, &asked.document)).collect(),
            }),
        }
        for error in &asked.document.cut {
            report(error);
            exit = Exit::Trouble;
        }
    }
    match args.format {
        Format::Human => {
            if tally.n_files > 0 {
                let selected =
                    if args.selection.is_partial() { format!(" ({})", args.selection) } else { String::new() };
                writeln!(out, "{}{selected}", tally.in_words())?;
            }
            out.flush()?;
        }
        Format::Json => {
            let mut out = BufWriter::new(io::stdout().lock());
            json::write_line(&CheckJson { schema: 1, selection: args.selection.to_json(), files }, &mut out)?;
            out.flush()?;
        }
    }
    let failed = args.fail_on.0.is_some_and(|level| tally.worst >= Some(level.0));
    Ok(if exit == Exit::Success && failed { Exit::Findings } else { exit })
}

/// What was found in all files.
#[derive(Default)]
struct Tally {
    n_files: usize,
    /// Errors, warnings, infos and hints.
    n: [usize; 4],
    n_hidden: usize,
    worst: Option<Severity>,
}

const SEVERITIES: [Severity; 4] = [Severity::Error, Severity::Warning, Severity::Info, Severity::Hint];

impl Tally {
    fn add(&mut self, all: &[Diagnostic], n_shown: usize, n_files: usize) {
        self.n_files += n_files;
        self.n_hidden += all.len() - n_shown;
        for (n, severity) in self.n.iter_mut().zip(SEVERITIES) {
            *n += all.iter().filter(|found| found.severity == severity).count();
        }
        self.worst = self.worst.max(all.iter().map(|found| found.severity).max());
    }

    fn in_words(&self) -> String {
        let counts = self.n.iter().zip(SEVERITIES).filter(|(n, _)| **n > 0);
        let counts: Vec<String> =
            counts.map(|(n, severity)| words::count(*n, super::findings::name(severity))).collect();
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
    elements.push(Title::NOTE.message(format!("{}, see `gotracelens explain {}`", found.slug, found.code)).into());
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
