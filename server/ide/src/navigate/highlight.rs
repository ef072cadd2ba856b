//! Marks in a block: all places that name the thing under the cursor.

use tracelog::blocks::{Block, Node};
use tracelog::{LineCol, Loc};

use super::things::{Mention, locate, scope_of, spot};
use super::{race, within};
use crate::snapshot::Snapshot;

/// A place that names the thing under the cursor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Highlight {
    /// The number with its label.
    pub loc: Loc,
    /// What the line says of it.
    pub kind: HighlightKind,
}

/// What a line says of a thing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HighlightKind {
    /// It is about it.
    Own,
    /// It leads to it.
    Reference,
}

/// The places of the block that name the thing at a place. Nothing where there is no thing, so that an editor may mark
/// equal words.
pub fn highlights(snapshot: &Snapshot, at: LineCol) -> Vec<Highlight> {
    if let Some(highlights) = race::highlights(snapshot, at) {
        return highlights;
    }
    of_thing(snapshot, at).unwrap_or_default()
}

fn of_thing(snapshot: &Snapshot, at: LineCol) -> Option<Vec<Highlight>> {
    let parsed = snapshot.parsed.as_ref()?;
    let spot = spot(snapshot, at)?;
    let node = spot.node?;
    let scope = scope_of(parsed, spot.run, spot.row);
    let lines = scope.map_or((at.line, at.line), |scope| scope.lines);
    let is_here = |mention: &Mention| {
        let Some(scope) = scope.filter(|_| node != Node::G(0)) else { return mention.row() == spot.row };
        match scope_of(parsed, spot.run, mention.row()) {
            Some(other) => scope.is(&other),
            // What stands between the goroutines of a dump.
            None => matches!(scope.block, Some((_, Block::Dump(_)))),
        }
    };
    let mentions = within(parsed, parsed.things().mentions(spot.run, node), lines).filter(is_here);
    let marked = mentions.filter_map(|mention| {
        let kind = if mention.is_own() { HighlightKind::Own } else { HighlightKind::Reference };
        Some(Highlight { loc: locate(snapshot, mention.row(), mention.field())?, kind })
    });
    Some(marked.collect())
}
