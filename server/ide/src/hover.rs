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
    let line = snapshot.items(at.line);
    let Some(item) = line.items.iter().find(|item| item.loc.touches(at)) else {
        return requests::hover(snapshot, at).or_else(|| finding::alone(snapshot, at));
    };
    if item.part == Part::Tail && item.head_line.is_some() {
        return tail(snapshot, item, at);
    }
    if let Some(value) = item.value_at(at) {
        return Some(Hover { loc: value.loc, markdown: field::text(snapshot, item, value) });
    }
    if let Some((value, loc)) = at::named(item, &snapshot.lines.line(at.line), at) {
        return Some(Hover { loc, markdown: field::text(snapshot, item, value) });
    }
    Some(Hover { loc: keyword(item), markdown: line::text(snapshot, item) })
}

/// The values of a tail are known on its head.
fn tail(snapshot: &Snapshot, tail: &Item, at: LineCol) -> Option<Hover> {
    let head_line = tail.head_line?;
    let head = snapshot.items(head_line).items.into_iter().find(|item| item.row == tail.row)?;
    match head.value_at(at) {
        Some(value) => Some(Hover { loc: value.loc, markdown: field::text(snapshot, &head, value) }),
        None => Some(Hover { loc: tail.loc, markdown: line::text(snapshot, &head) }),
    }
}

/// From the start of an item to its first value.
fn keyword(item: &Item) -> Loc {
    let first = item.values.iter().find(|value| value.loc.line == item.loc.line && value.loc.end > value.loc.start);
    let end = first.map_or(item.loc.end, |value| value.loc.start).max(item.loc.start);
    Loc { end, ..item.loc }
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
