//! Lines that a collector cut into records: `P` and `F` of container runtimes, Docker's records of 16 kB.
//!
//! Unlike a tear the cut may stand anywhere, inside a number too, and nothing stands between the pieces: the next record
//! of the same stream goes on where this one ended.

use std::sync::Arc;

use super::{Found, Open, Tears, head, next_text, rest_of_value};
use crate::carrier::Peeled;
use crate::catalog::{Piece, SHAPES};
use crate::chunk::PartAt;
use crate::template::{self, Match};

/// Streams whose lines are open at a time.
const MAX_HELD: usize = 8;

/// The end of a record, from where an item begins that reaches to the end of it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Held {
    text: Vec<u8>,
    pub(super) parts: Vec<PartAt>,
    stream: Option<u8>,
    source: Arc<[u8]>,
}

impl Tears {
    /// Whether the end of a record waits for the next one.
    pub fn holds(&self) -> bool {
        !self.held.is_empty()
    }

    /// The items of a record. `goes_on`: its line goes on in the next record of the same stream.
    pub fn read_record(&mut self, peeled: &Peeled<'_>, goes_on: bool, line: i64, source: &Arc<[u8]>) -> Vec<Found> {
        let content: &[u8] = &peeled.content;
        let mut found = Vec::new();
        self.give_up(line, &mut found);
        let mut from = 0;
        let is_mine = |held: &Held| held.stream == peeled.stream() && held.source == *source;
        if let Some(index) = self.held.iter().position(is_mine) {
            let mut held = self.held.remove(index);
            let n_before = held.text.len();
            held.text.extend_from_slice(content);
            match template::best(&held.text) {
                Some(item)
                    if item.is_complete() && item.end > n_before && !(goes_on && may_go_on(&item, &held.text)) =>
                {
                    from = item.end - n_before;
                    held.parts.push(PartAt { line, start: 0, end: from as u32, blank: false });
                    let Held { parts, source, .. } = held;
                    found.push(Found::Fragment { item, parts, headless: false, doubtful: None, source });
                }
                _ if goes_on && open_end(&held.text, 0) == 0 => {
                    held.parts.push(PartAt { line, start: 0, end: content.len() as u32, blank: false });
                    self.held.push(held);
                    return found;
                }
                _ => {
                    held.text.truncate(n_before);
                    self.give_back(held, &mut found);
                }
            }
        }
        if from == 0 {
            from = self.join(content, line, &mut found);
        }
        let end = if goes_on { open_end(content, from) } else { content.len() };
        let n_before = found.len();
        self.items(&content[..end], from, line, source, &mut found);
        if end < content.len() {
            let part = PartAt { line, start: end as u32, end: content.len() as u32, blank: false };
            let text = content[end..].to_vec();
            self.held.push(Held { text, parts: vec![part], stream: peeled.stream(), source: source.clone() });
            if self.held.len() > MAX_HELD {
                let oldest = self.held.remove(0);
                self.give_back(oldest, &mut found);
            }
        } else if from == 0 && found.len() == n_before && self.open.last().is_none_or(|open| open.parts[0].line != line)
        {
            found.extend(super::headless(content, line, source));
        }
        found
    }

    /// What did not go on after all is an item, the head of a torn one, or foreign.
    pub(super) fn give_back(&mut self, held: Held, found: &mut Vec<Found>) {
        let Held { text, mut parts, source, .. } = held;
        let Some(item) = template::best(&text) else { return };
        if item.is_complete() {
            match parts.as_mut_slice() {
                [part] => {
                    let line = part.line;
                    found.push(Found::Late { item, line, source });
                }
                _ => {
                    shorten(&mut parts, text.len() - item.end);
                    found.push(Found::Fragment { item, parts, headless: false, doubtful: None, source });
                }
            }
            return;
        }
        let (item, cuts) = head(item, &text);
        shorten(&mut parts, text.len() - item.furthest);
        let certain = item.is_certain();
        self.open.push(Open { text: text[..item.furthest].to_vec(), cuts, parts, certain, rest: None, source });
    }
}

/// Takes bytes off the end.
fn shorten(parts: &mut Vec<PartAt>, mut surplus: usize) {
    while let Some(last) = parts.pop() {
        let len = (last.end - last.start) as usize;
        if surplus < len || parts.is_empty() {
            parts.push(PartAt { end: last.end - surplus.min(len) as u32, ..last });
            return;
        }
        surplus -= len;
    }
}

/// Whether what stands behind the end of a text may belong to an item in it.
fn may_go_on(item: &Match, text: &[u8]) -> bool {
    if !item.is_complete() {
        return next_text(item).is_some() || rest_of_value(&text[item.furthest..]).is_some();
    }
    // Of a note at the end the first letters may be there.
    let rest = &text[item.end..];
    let mut notes = item.shape.def().pieces.iter().rev().map_while(|piece| match piece {
        Piece::Flag(_, note) => Some(note.as_bytes()),
        _ => None,
    });
    // A layout of later releases may go on where one of earlier releases ends.
    let mut others = template::shapes_at(text[0]).iter().map(|shape| template::longest(*shape, text));
    rest.is_empty()
        || notes.any(|note| note.starts_with(rest))
        || others.any(|other| !other.is_complete() && other.furthest == text.len() && other.furthest > item.end)
}

/// Where the item begins that reaches to the end of the content and may go on behind it; the end when none does.
fn open_end(content: &[u8], from: usize) -> usize {
    let mut at = from;
    while let Some(start) = template::next_start(content, at) {
        let text = &content[start..];
        at = match template::best(text) {
            Some(item) if may_go_on(&item, text) => return start,
            Some(item) if item.is_complete() || item.is_certain() => start + item.end,
            _ => start + 1,
        };
    }
    // The first letters of an item may stand at the end.
    let starts = || SHAPES.iter().flat_map(|shape| shape.starts);
    let is_cut = |tail: &[u8]| starts().any(|start| start.len() > tail.len() && start.as_bytes().starts_with(tail));
    let longest = starts().map(|start| start.len()).max().unwrap_or(0);
    let first = content.len().saturating_sub(longest).max(at);
    (first..content.len()).find(|start| is_cut(&content[*start..])).unwrap_or(content.len())
}
