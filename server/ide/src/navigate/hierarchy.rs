//! Who created whom: goroutines of a dump as a hierarchy.
//!
//! Up: the goroutine of `created by ... in goroutine N` (Go 1.21 and later), or of the first `[originating from
//! goroutine N]` line, and from there the next of these. Down: the goroutines of the same dump that name it as their
//! creator.

use tracelog::blocks::{Dump, Goroutine, Node};
use tracelog::catalog::{ancestor, created_by, frame, goroutine};
use tracelog::{Family, Field, LineCol, Loc, RowId};

use super::things::{locate, locate_value, spot};
use super::{dump_of, within};
use crate::blocks::is_of_runtime;
use crate::markup;
use crate::snapshot::{Parsed, Snapshot};
use crate::words;

/// A goroutine of a hierarchy.
#[derive(Clone, Debug, PartialEq)]
pub struct GoroutineItem {
    /// `goroutine 17 [select]`.
    pub name: String,
    /// What it does, or why there is no more to say.
    pub detail: String,
    /// Its lines; the line that names it where the dump does not list it.
    pub lines: (u32, u32),
    /// Where it is named there. Asking about this place gives the goroutine again.
    pub loc: Loc,
}

/// A step of a hierarchy.
#[derive(Clone, Debug, PartialEq)]
pub struct Creation {
    /// The goroutine at the other end.
    pub item: GoroutineItem,
    /// Where the creator does it: its frame of the creating function, as long as that has not returned.
    pub at: Loc,
}

/// Goroutines that are listed below one.
const MAX_CREATED: usize = 1_000;

/// Longest name and detail, in characters.
const MAX_CHARS: usize = 120;

/// A goroutine as a line of the dump names it.
#[derive(Clone, Copy)]
struct Named<'a> {
    parsed: &'a Parsed,
    run: usize,
    dump: &'a Dump,
    id: u64,
    /// The row that names it, and the field.
    row: RowId,
    field: Field,
    /// Its entry, where the dump has one.
    entry: Option<&'a Goroutine>,
}

/// The goroutine that a place of a dump names.
fn named(snapshot: &Snapshot, at: LineCol) -> Option<Named<'_>> {
    let parsed = snapshot.parsed.as_ref()?;
    let spot = spot(snapshot, at)?;
    let Some(Node::G(id)) = spot.node else { return None };
    let dump = dump_of(parsed, spot.run, spot.row)?;
    let is_header = spot.row.family == Family::Goroutine;
    let by_row = dump.goroutines.iter().find(|entry| entry.row == spot.row);
    let entry = if is_header { by_row } else { entry_of(parsed, dump, id) };
    Some(Named { parsed, run: spot.run, dump, id, row: spot.row, field: spot.field, entry })
}

fn entry_of<'a>(parsed: &Parsed, dump: &'a Dump, id: u64) -> Option<&'a Goroutine> {
    dump.goroutines.iter().find(|entry| id != 0 && entry.id(&parsed.log) == Some(id))
}

impl<'a> Named<'a> {
    /// As an item: of its entry, else of the line that names it.
    fn item(&self, snapshot: &Snapshot) -> Option<GoroutineItem> {
        let log = &self.parsed.log;
        let Some(entry) = self.entry else {
            let loc = locate(snapshot, self.row, self.field)?;
            let name = format!("goroutine {}", self.id);
            return Some(GoroutineItem {
                name,
                detail: "not listed in this dump".to_owned(),
                lines: (loc.line, loc.line),
                loc,
            });
        };
        let functions = entry.functions(log);
        let function = functions.iter().find(|function| !is_of_runtime(function)).or(functions.first());
        let state = entry.state(log);
        let name = format!("goroutine {} [{state}]", self.id);
        Some(GoroutineItem {
            name: markup::plain(&words::shorten(&name, MAX_CHARS)),
            detail: function.map_or_else(String::new, |name| markup::plain(&words::shorten(name, MAX_CHARS))),
            lines: entry.lines,
            loc: locate(snapshot, entry.row, goroutine::GOROUTINE)?,
        })
    }

    /// The same dump, seen from another line.
    fn through(&self, row: RowId, field: Field) -> Option<Self> {
        let id = self.parsed.log.code(row, field)?;
        Some(Self { id, row, field, entry: entry_of(self.parsed, self.dump, id), ..*self })
    }

    /// What created it, and the function that did.
    fn creator(&self) -> Option<(Self, Option<String>)> {
        let log = &self.parsed.log;
        let ancestors = |lines: (u32, u32)| ancestors(self.parsed, self.run, lines);
        if let Some(entry) = self.entry {
            let function = entry.created_by(log);
            let by_line = entry.created_by.and_then(|row| self.through(row, created_by::CREATOR));
            let by_ancestor = || ancestors(entry.lines).next().and_then(|row| self.through(row, ancestor::ANCESTOR));
            return by_line.or_else(by_ancestor).map(|creator| (creator, function));
        }
        // It is named as an ancestor: its own creator is the next one of the same goroutine.
        let line = log.line(self.row);
        let child = self.dump.goroutines.iter().find(|entry| entry.lines.0 <= line && line <= entry.lines.1)?;
        let next = match self.row.family {
            // The first ancestor is the goroutine that this line names.
            Family::CreatedBy => ancestors(child.lines).nth(1),
            Family::Ancestor => ancestors(child.lines).find(|row| log.line(*row) > line),
            _ => None,
        };
        next.and_then(|row| self.through(row, ancestor::ANCESTOR)).map(|creator| (creator, None))
    }

    /// Where this goroutine runs a function, else where it is named.
    fn frame(&self, snapshot: &Snapshot, function: Option<&str>) -> Option<Loc> {
        let log = &self.parsed.log;
        let at_frame = self.entry.zip(function).and_then(|(entry, function)| {
            let runs_it = |row: &RowId| log.text(*row, frame::FUNCTION).is_some_and(|name| name == function);
            let (row, _) = entry.frames.iter().rev().find(|(row, _)| runs_it(row))?;
            locate_value(snapshot, *row, frame::FUNCTION)
        });
        at_frame.or_else(|| Some(self.item(snapshot)?.loc))
    }
}

/// The goroutine that a place names: in its header, in `in goroutine N`, as an ancestor.
pub fn goroutine_at(snapshot: &Snapshot, at: LineCol) -> Option<GoroutineItem> {
    named(snapshot, at)?.item(snapshot)
}

/// What created the goroutine that a place names. None where the dump does not tell.
pub fn creator(snapshot: &Snapshot, at: LineCol) -> Option<Creation> {
    let (creator, function) = named(snapshot, at)?.creator()?;
    let at = creator.frame(snapshot, function.as_deref())?;
    Some(Creation { item: creator.item(snapshot)?, at })
}

/// The goroutines of the same dump that were created by the one that a place names, in printed order.
pub fn created(snapshot: &Snapshot, at: LineCol) -> Vec<Creation> {
    let Some(creator) = named(snapshot, at) else { return Vec::new() };
    let parsed = creator.parsed;
    let mentions = parsed.things().mentions(creator.run, Node::G(creator.id));
    let mut creations = Vec::new();
    for mention in within(parsed, mentions, creator.dump.lines) {
        if creations.len() == MAX_CREATED {
            break;
        }
        let line = parsed.log.line(mention.row());
        let n_begun = creator.dump.goroutines.partition_point(|entry| entry.lines.0 <= line);
        let Some(child) = creator.dump.goroutines[..n_begun].last().filter(|entry| line <= entry.lines.1) else {
            continue;
        };
        let is_creator = match mention.row().family {
            Family::CreatedBy => child.created_by == Some(mention.row()),
            // Before 1.21 the first ancestor says it.
            Family::Ancestor => {
                let first = ancestors(parsed, creator.run, child.lines).next();
                child.creator(&parsed.log).is_none() && first == Some(mention.row())
            }
            _ => false,
        };
        if !is_creator {
            continue;
        }
        let Some(id) = child.id(&parsed.log) else { continue };
        let named = Named { id, row: child.row, field: goroutine::GOROUTINE, entry: Some(child), ..creator };
        let at = creator.frame(snapshot, child.created_by(&parsed.log).as_deref());
        if let (Some(item), Some(at)) = (named.item(snapshot), at) {
            creations.push(Creation { item, at });
        }
    }
    creations
}

/// The lines of a goroutine that name its ancestors, its creator first.
fn ancestors(parsed: &Parsed, run: usize, lines: (u32, u32)) -> impl Iterator<Item = RowId> {
    let rows = parsed.runs.list[run].rows(Family::Ancestor);
    let first = rows.partition_point(|row| parsed.log.line(*row) < lines.0);
    rows[first..].iter().copied().take_while(move |row| parsed.log.line(*row) <= lines.1)
}
