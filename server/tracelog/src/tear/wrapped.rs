//! Lines that were wrapped: mail breaks them at a blank before column 72, which is lost, terminals at the last column.
//!
//! A head that reaches to the end of its line goes on at the start of the very next one, with the blank or without it.
//! Joined only when one of the two makes an item.

use super::{Found, Open, Tears, head, rest_of_value};
use crate::catalog::sched;
use crate::chunk::PartAt;
use crate::template::{self, Datum, Match};

/// A head and the line behind it, as one text.
pub(super) struct Wrapped {
    text: Vec<u8>,
    item: Match,
    /// A blank was lost between them.
    blank: bool,
}

impl Open {
    /// The item that the head makes with the next line when its own line was wrapped.
    pub(super) fn wrapped(&self, content: &[u8], line: i64) -> Option<Wrapped> {
        let is_next = self.parts.last().is_some_and(|part| part.line + 1 == line);
        let rest = self.rest.as_ref().filter(|_| self.certain && is_next)?;
        let head = [&self.text[..], rest].concat();
        let alone = template::best(&self.text)?.pieces;
        let join = |between: &[u8]| {
            let text = [&head, between, content].concat();
            let item = template::best(&text)?;
            let is_more = item.end > head.len() + between.len() && (item.is_complete() || item.pieces > alone);
            let goes_on = item.is_complete() || rest_of_value(&text[item.furthest..]).is_some();
            let fits = is_more && goes_on && fits(&item);
            fits.then_some(Wrapped { text, item, blank: !between.is_empty() })
        };
        match (join(b""), join(b" ")) {
            // `[1` and `2]`: one number or two, and the line does not tell how many there are.
            (Some(_), Some(_)) => None,
            (one, other) => one.or(other),
        }
    }
}

/// A line of schedtrace prints as many numbers in its lists as it has Ps, which tells whether one was put together well.
fn fits(item: &Match) -> bool {
    let procs = item.values.iter().find(|value| value.field == sched::GOMAXPROCS);
    let Some(procs) = procs.and_then(|value| value.datum.number()) else { return true };
    item.values.iter().all(|value| match &value.datum {
        Datum::List(_, list) => list.len() as f64 == procs,
        Datum::Text(_) => true,
        Datum::One(..) => true,
    })
}

impl Tears {
    /// Keeps what a head became. Returns how many bytes of the line it takes.
    pub(super) fn keep_wrapped(
        &mut self,
        index: usize,
        wrapped: Wrapped,
        content: &[u8],
        line: i64,
        found: &mut Vec<Found>,
    ) -> usize {
        let Wrapped { mut text, item, blank } = wrapped;
        let mut open = self.open.remove(index);
        let before = text.len() - content.len();
        let rest = open.rest.take().map_or(0, |rest| rest.len());
        if let Some(last) = open.parts.last_mut() {
            last.end += rest as u32;
        }
        if item.is_complete() {
            let taken = item.end - before;
            open.parts.push(PartAt { line, start: 0, end: taken as u32, blank });
            let Open { parts, source, .. } = open;
            found.push(Found::Fragment { item, parts, headless: false, doubtful: None, source });
            return taken;
        }
        let (item, cuts) = head(item, &text);
        let taken = item.furthest.saturating_sub(before);
        open.parts.push(PartAt { line, start: 0, end: taken as u32, blank });
        open.rest = rest_of_value(&content[taken..]);
        text.truncate(item.furthest);
        open.text = text;
        open.cuts = cuts;
        open.certain |= item.is_certain();
        self.open.push(open);
        taken
    }
}
