//! Hover: what a field means, and what it means here.
//!
//! Over a value, or the name that is printed before it, the field; elsewhere on an item the whole line. The files below
//! write one part each; the important comes first, and all of it fits on a screen.

use tracelog::{Family, Field, GoReleases, Item, ItemValue, LineCol, Loc, Part};

use crate::requests;
use crate::snapshot::Snapshot;
use crate::special;

mod at;
mod before;
mod field;
mod finding;
mod footer;
mod formula;
mod line;
mod place;

/// An answer: Markdown about a range.
#[derive(Clone, Debug, PartialEq)]
pub struct Hover {
    /// What the text is about.
    pub loc: Loc,
    /// Markdown.
    pub markdown: String,
}

/// What stands at a place: a field, or the line's keyword for all of it.
pub fn hover(snapshot: &Snapshot, at: LineCol) -> Option<Hover> {
    answer(snapshot, at, None)
}

/// The same for an editor that shows the messages of findings at a place above the hover: they are not said again.
pub fn hover_below_findings(snapshot: &Snapshot, at: LineCol) -> Option<Hover> {
    answer(snapshot, at, Some(at))
}

/// `above` is the place whose findings stand above the hover.
fn answer(snapshot: &Snapshot, at: LineCol, above: Option<LineCol>) -> Option<Hover> {
    let line = snapshot.items(at.line);
    let Some(item) = line.items.iter().find(|item| item.loc.touches(at)) else {
        return requests::hover(snapshot, at).or_else(|| finding::alone(snapshot, at, above));
    };
    if item.part == Part::Tail && item.head_line.is_some() {
        return tail(snapshot, item, at, above);
    }
    if let Some(value) = item.value_at(at) {
        return Some(Hover { loc: value.loc, markdown: field::text(snapshot, item, value, above) });
    }
    if let Some((value, loc)) = at::named(item, &snapshot.lines.line(at.line), at) {
        return Some(Hover { loc, markdown: field::text(snapshot, item, value, above) });
    }
    Some(Hover { loc: between_values(item, at), markdown: line::text(snapshot, item, above) })
}

/// The values of a tail are known on its head.
fn tail(snapshot: &Snapshot, tail: &Item, at: LineCol, above: Option<LineCol>) -> Option<Hover> {
    let head_line = tail.head_line?;
    let head = snapshot.items(head_line).items.into_iter().find(|item| item.row == tail.row)?;
    match head.value_at(at) {
        Some(value) => Some(Hover { loc: value.loc, markdown: field::text(snapshot, &head, value, above) }),
        None => Some(Hover { loc: tail.loc, markdown: line::text(snapshot, &head, above) }),
    }
}

/// The text around a place in which no value stands: editors put the hover beside it.
fn between_values(item: &Item, at: LineCol) -> Loc {
    let printed = || item.values.iter().filter(|value| value.loc.line == at.line && value.loc.end > value.loc.start);
    let before = printed().map(|value| value.loc.end).filter(|end| *end <= at.byte).max();
    let behind = printed().map(|value| value.loc.start).filter(|start| *start >= at.byte).min();
    Loc { start: before.unwrap_or(item.loc.start), end: behind.unwrap_or(item.loc.end), ..item.loc }
}

/// Releases to speak of: those of the run, or of the line alone while the run is not known.
fn releases(snapshot: &Snapshot, item: &Item) -> GoReleases {
    let of_run = snapshot.parsed.as_ref().and_then(|parsed| {
        let run = parsed.run_of(item.row?)?;
        Some(parsed.runs.list[run].go).filter(|go| !go.is_empty())
    });
    of_run.unwrap_or_else(|| item.go())
}

/// What a pasted line says, field by field, without a run to compare with.
pub fn explain(text: &[u8]) -> Vec<(Family, Vec<(Field, String)>)> {
    let explained = |item: &Item| {
        let shown = |value: &ItemValue| Some((value.field, special::shown(value, item.go())?.text().to_owned()));
        (item.family(), item.values.iter().filter_map(shown).collect())
    };
    tracelog::item::alone(0, text).items.iter().map(explained).collect()
}
