//! What happened at a line, told in a few sentences of numbers: a collection, a sample of the scheduler, a block of
//! scheddetail, a goroutine of a dump, the end of a process.
//!
//! Every sentence is made of numbers of the log. What a line does not show is left out: releases before 1.5 do not say
//! why a collection started, so nothing is said about it. Advice and judgment are for rules.

mod cycle;
mod fatal;
mod goroutine;
mod sample;
mod sched_block;

use tracelog::blocks::Block;
use tracelog::catalog::{Field, gc};
use tracelog::{Family, GoReleases, Item, LineCol, Loc, RowId};

use crate::markup::{self, Markup, Shown};
use crate::snapshot::{Parsed, Snapshot};
use crate::words;

/// Sentences of a narration at most.
pub const MAX_SENTENCES: usize = 6;

/// Characters of a text of the log that a sentence holds.
const MAX_LOG_TEXT: usize = 100;

/// What happened at a place.
#[derive(Clone, Debug, PartialEq)]
pub struct Narration {
    /// The item it was asked for.
    pub loc: Loc,
    /// What is told about: `gc 412 @31.204s`. Without text of the log.
    pub title: String,
    /// At most [`MAX_SENTENCES`].
    pub sentences: Vec<Sentence>,
}

/// A sentence: words of ours, with text of the log between them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sentence {
    parts: Vec<Shown>,
}

impl Sentence {
    fn new(words: impl Into<String>) -> Self {
        Self::default().words(words)
    }

    /// Goes on with words.
    fn words(mut self, words: impl Into<String>) -> Self {
        let words = words.into();
        match self.parts.last_mut() {
            Some(Shown::Words(last)) => last.push_str(&words),
            _ => self.parts.push(Shown::Words(words)),
        }
        self
    }

    /// Goes on with text of the log.
    fn log(mut self, text: &str) -> Self {
        self.parts.push(Shown::Verbatim(words::shorten(text, MAX_LOG_TEXT)));
        self
    }

    /// With a full stop, unless the text of the log before it has a mark.
    fn end(self) -> Self {
        let is_ended = self.parts.last().is_some_and(|part| part.text().ends_with(['.', '!', '?']));
        if is_ended { self } else { self.words(".") }
    }

    /// As plain text in which nothing is hidden.
    pub fn text(&self) -> String {
        self.parts.iter().map(|part| markup::plain(part.text())).collect()
    }
}

impl Narration {
    /// As Markdown: a title and a list.
    pub fn markdown(&self) -> String {
        let mut markup = Markup::default();
        markup.title(&self.title, "");
        self.write(&mut markup);
        markup.finish()
    }

    /// As it stands in a hover, with a heading of its own.
    pub fn in_hover(&self) -> String {
        let mut markup = Markup::default();
        self.append(&mut markup);
        markup.finish()
    }

    fn append(&self, markup: &mut Markup) {
        markup.paragraph("What happened:");
        self.write(markup);
    }

    fn write(&self, markup: &mut Markup) {
        self.sentences.iter().for_each(|sentence| markup.sentence(&sentence.parts));
    }
}

/// Tells what happened at a place; at the first item of the line where none stands there.
///
/// None for lines that tell nothing by themselves, and as long as the document is not read.
pub fn narrate(snapshot: &Snapshot, at: LineCol) -> Option<Narration> {
    let items = snapshot.items(at.line).items;
    let item = items.iter().find(|item| item.loc.touches(at)).or(items.first())?;
    of_item(snapshot, item)
}

/// Appends the narration of an item to its hover, where `field` is what stands there (none: the line's keyword).
pub fn append(markup: &mut Markup, snapshot: &Snapshot, item: &Item, field: Option<Field>) {
    const BY_KEYWORD: [Family; 4] = [Family::Sched, Family::Panic, Family::Signal, Family::GcForced];
    let is_told = match field {
        Some(field) => field == gc::N,
        None => BY_KEYWORD.contains(&item.family()),
    };
    if let Some(narration) = is_told.then(|| of_item(snapshot, item)).flatten() {
        narration.append(markup);
    }
}

fn of_item(snapshot: &Snapshot, item: &Item) -> Option<Narration> {
    let parsed = snapshot.parsed.as_deref()?;
    let row = item.row?;
    let (run, index) = parsed.index_of(row)?;
    let told = Told { parsed, run, row, index };
    let (title, mut sentences) = match row.family {
        Family::Gc => cycle::tell(&told)?,
        Family::GcForced => cycle::tell_announced(&told)?,
        Family::Sched if told.block().is_none() => sample::tell(&told)?,
        Family::Sched | Family::SchedP | Family::SchedM | Family::SchedG => match told.block()? {
            Block::Sched(block) => sched_block::tell(&told, block)?,
            _ => return None,
        },
        Family::Goroutine
        | Family::Frame
        | Family::Location
        | Family::CreatedBy
        | Family::Ancestor
        | Family::StackNote => match told.block()? {
            Block::Dump(dump) => goroutine::tell(&told, dump, item.loc.line)?,
            _ => return None,
        },
        Family::Panic
        | Family::PanicText
        | Family::Signal
        | Family::SignalPc
        | Family::Register
        | Family::HttpPanic => fatal::tell(&told)?,
        _ => return None,
    };
    sentences.truncate(MAX_SENTENCES);
    (!sentences.is_empty()).then_some(Narration { loc: item.loc, title, sentences })
}

/// What is told about: a row, and where it stands.
struct Told<'a> {
    parsed: &'a Parsed,
    /// Index of the run.
    run: usize,
    row: RowId,
    /// Among the rows of its family in the run.
    index: usize,
}

impl<'a> Told<'a> {
    /// The rows of a family in the run.
    fn rows(&self, family: Family) -> &'a [RowId] {
        self.parsed.runs.list[self.run].rows(family)
    }

    /// Releases that can have printed the run, or the row where no single one can have printed the run.
    fn go(&self) -> GoReleases {
        let of_run = self.parsed.runs.list[self.run].go;
        if of_run.is_empty() { self.parsed.log.shape(self.row).def().go } else { of_run }
    }

    /// The block that the row is in.
    fn block(&self) -> Option<&'a Block> {
        let line = self.parsed.log.line(self.row);
        let block = self.parsed.blocks().at_line(line).filter(|block| block.run() == self.run)?;
        // A sample without lines of its own may stand within a dump.
        let is_sched = matches!(self.row.family, Family::Sched | Family::SchedP | Family::SchedM | Family::SchedG);
        match block {
            Block::Sched(sched) if self.row.family == Family::Sched => (sched.head == self.row).then_some(block),
            Block::Sched(_) => is_sched.then_some(block),
            _ => (!is_sched).then_some(block),
        }
    }

    /// A number of the row.
    fn value(&self, field: Field) -> Option<f64> {
        self.parsed.log.value(self.row, field).filter(|value| value.is_finite())
    }
}

/// Whole megabytes, as Go prints them: truncated.
fn mb(value: f64) -> String {
    if value < 1.0 { "less than 1 MB".to_owned() } else { format!("{} MB", words::number(value)) }
}

/// A duration as Go prints it.
fn ms(value: f64) -> String {
    format!("{} ms", words::number(value))
}

/// A sum of durations, or a duration that was computed: two digits, as many as the printed ones have.
fn about_ms(value: f64) -> String {
    let decimals = match value.abs() {
        value if value >= 9.95 => 0,
        value if value >= 0.995 => 1,
        value if value >= 0.0995 => 2,
        _ => 3,
    };
    format!("{value:.decimals$} ms")
}

/// A time between two lines: `25 ms`, `3.2 s`, `4.1 min`.
fn span(seconds: f64) -> String {
    if seconds < 1.0 { format!("{} ms", words::number((seconds * 1000.0).round())) } else { words::span(seconds) }
}

/// Several things in words: `a, b and c`.
fn list(mut things: Vec<String>) -> String {
    match things.pop() {
        Some(last) if !things.is_empty() => format!("{} and {last}", things.join(", ")),
        last => last.unwrap_or_default(),
    }
}

/// `is` or `are`.
fn is_are(n: usize) -> &'static str {
    if n == 1 { "is" } else { "are" }
}

/// `has` or `have`.
fn has_have(n: usize) -> &'static str {
    if n == 1 { "has" } else { "have" }
}
