//! Inlay hints: short texts behind values, each kind by itself, and the summary at the end of lines, for editors that
//! show no lenses.
//!
//! A hint never comes between a number and its unit, or between the numbers of a group: it stands behind the whole of
//! it. A line gets a few characters more and no more, so that it does not wrap unasked.

use std::ops::Range;

use tracelog::catalog::{gc, sched};
use tracelog::template::Datum;
use tracelog::{Family, Item, ItemValue, LineCol, Role, RowId};

use crate::clock;
use crate::derived;
use crate::lens::Lens;
use crate::outlier::outlier;
use crate::snapshot::{Parsed, Snapshot};
use crate::view::Cycles;
use crate::words;

/// Text behind a value, or behind a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InlayHint {
    /// Where it stands.
    pub at: LineCol,
    /// The text.
    pub label: String,
}

/// Which hints are shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Kinds {
    /// How much the live heap changed since the cycle before.
    pub live_heap_delta: bool,
    /// Share of P-time that collecting took from a cycle to the next.
    pub interval: bool,
    /// How many times its median a value is that is far above the others of its run.
    pub outliers: bool,
    /// Wall clock at the time of a cycle or sample.
    pub wall_clock: bool,
    /// Names of states that are printed as numbers.
    pub states: bool,
}

/// Characters that are added to a line at most.
pub const MAX_CHARS: usize = 24;

/// What these lenses of the document say, behind the lines above which they would stand.
pub fn summary_hints(snapshot: &Snapshot, lenses: Vec<Lens>) -> Vec<InlayHint> {
    let hint = |lens: Lens| {
        let byte = snapshot.lines.line(lens.loc.line).len() as u32;
        InlayHint { at: LineCol { line: lens.loc.line, byte }, label: lens.title }
    };
    lenses.into_iter().map(hint).collect()
}

/// The hints of some lines. Nothing before the document is read.
pub fn hints(snapshot: &Snapshot, lines: Range<u32>, kinds: Kinds) -> Vec<InlayHint> {
    let mut hints = Vec::new();
    let Some(parsed) = snapshot.parsed.as_ref().filter(|_| kinds != Kinds::default()) else { return hints };
    for line in lines {
        let items = snapshot.items(line).items;
        if items.is_empty() {
            continue;
        }
        let text = snapshot.lines.line(line);
        let mut found = Vec::new();
        for item in &items {
            if let Some(row) = item.row {
                let of = OfItem { snapshot, parsed, item, row, line, text: &text };
                of.hints(kinds, &mut found);
            }
        }
        hints.extend(fitting(line, found));
    }
    hints
}

/// A hint before it is known whether it fits: what it tells first, then where it stands.
struct Candidate {
    rank: u8,
    /// Larger tells more, among those of one rank.
    size: f64,
    byte: u32,
    label: String,
}

/// The most telling hints that fit into a line, in the order of their places; one at each place.
fn fitting(line: u32, mut found: Vec<Candidate>) -> Vec<InlayHint> {
    found.sort_by(|a, b| a.rank.cmp(&b.rank).then(b.size.total_cmp(&a.size)).then(a.byte.cmp(&b.byte)));
    let mut room = MAX_CHARS;
    let mut hints: Vec<InlayHint> = Vec::new();
    for Candidate { byte, label, .. } in found {
        // The editor puts a blank in front of it.
        let n_chars = label.chars().count() + 1;
        if n_chars <= room && hints.iter().all(|hint| hint.at.byte != byte) {
            room -= n_chars;
            hints.push(InlayHint { at: LineCol { line, byte }, label });
        }
    }
    hints.sort_by_key(|hint| hint.at.byte);
    hints
}

/// An item on a line.
struct OfItem<'a> {
    snapshot: &'a Snapshot,
    parsed: &'a Parsed,
    item: &'a Item,
    row: RowId,
    line: u32,
    text: &'a [u8],
}

impl OfItem<'_> {
    fn hints(&self, kinds: Kinds, found: &mut Vec<Candidate>) {
        let here = |value: &&ItemValue| value.loc.line == self.line && value.loc.start < value.loc.end;
        for value in self.item.values.iter().filter(here) {
            let hint = match value.field {
                gc::AT_S | sched::AT_MS if kinds.wall_clock => self.wall_clock(value).map(|label| (4, 0.0, label)),
                gc::HEAP_LIVE_MB | gc::HEAP_AFTER_MB | gc::HEAP_PREV_LIVE_MB if kinds.live_heap_delta => {
                    self.live_heap_delta(value).map(|label| (1, 0.0, label))
                }
                gc::CPU_MARK_TERM_MS if kinds.interval => self.interval().map(|label| (2, 0.0, label)),
                _ => None,
            };
            let byte = self.behind(value.loc.end);
            found.extend(hint.map(|(rank, size, label)| Candidate { rank, size, byte, label }));
            if kinds.states && value.field.def().role == Role::State {
                found.extend(self.state(value).map(|label| Candidate { rank: 3, size: 0.0, byte, label }));
            }
            if kinds.outliers
                && let Some(multiple) = self.multiple(value)
            {
                let label = format!("{}× median", words::rough(multiple));
                found.push(Candidate { rank: 0, size: multiple, byte, label });
            }
        }
    }

    /// Behind the group of numbers that ends at or behind a byte, its unit and what is in brackets.
    fn behind(&self, end: u32) -> u32 {
        const UNITS: [&str; 11] =
            [" ms clock", " ms cpu", " MB goal", " MB stacks", " MB globals", " MB", " ms", " us", " P", "ms", "s"];
        let bytes = self.text;
        let mut at = (end as usize).min(bytes.len());
        loop {
            // Up to Go 1.4 there are blanks around the arrow.
            let is_arrow =
                bytes[at..].starts_with(ARROW) && bytes.get(at + ARROW.len()).is_some_and(u8::is_ascii_digit);
            if is_arrow {
                at += ARROW.len();
            } else if bytes.get(at).is_some_and(|byte| byte.is_ascii_digit() || b".+/->%".contains(byte)) {
                at += 1;
            } else {
                break;
            }
        }
        at += brackets(&bytes[at..]);
        let is_whole = |unit: &&&str| {
            let next = bytes[at..].strip_prefix(unit.as_bytes());
            next.is_some_and(|next| !next.first().is_some_and(u8::is_ascii_alphanumeric))
        };
        (at + UNITS.iter().find(is_whole).map_or(0, |unit| unit.len())) as u32
    }

    fn wall_clock(&self, value: &ItemValue) -> Option<String> {
        let at_ms = match value.field {
            gc::AT_S => value.datum.as_ref()?.number()? * 1000.0,
            _ => value.datum.as_ref()?.number()?,
        };
        let anchor = clock::anchor(self.snapshot, self.parsed.run_of(self.row)?)?;
        let moment = clock::date_and_time(anchor.at(at_ms), anchor.year_known);
        moment.rsplit(' ').next().map(str::to_owned)
    }

    fn live_heap_delta(&self, value: &ItemValue) -> Option<String> {
        let now = value.datum.as_ref()?.number()?;
        let (run, index) = self.parsed.index_of(self.row)?;
        let (_, before) = self.parsed.value_before(run, value.field, index)?;
        (now != before)
            .then(|| format!("{}{} MB", if now > before { "+" } else { "-" }, words::number((now - before).abs())))
    }

    fn interval(&self) -> Option<String> {
        let (run, index) = self.parsed.index_of(self.row)?;
        let run = &self.parsed.runs.list[run];
        let end = (index + 2).min(run.rows(Family::Gc).len());
        let share = derived::gc_share(&Cycles::window(&self.parsed.log, run, index..end), 0);
        share.is_finite().then(|| format!("{} CPU", words::percent(share)))
    }

    fn multiple(&self, value: &ItemValue) -> Option<f64> {
        let number = value.datum.as_ref().and_then(Datum::number)?;
        let found = outlier(self.parsed, self.parsed.run_of(self.row)?, value.field, number)?;
        Some(found.multiple).filter(|multiple| multiple.is_finite())
    }

    fn state(&self, value: &ItemValue) -> Option<String> {
        let run = self.parsed.run_of(self.row)?;
        let name = words::name_of(value, self.parsed.runs.list[run].go)?.name;
        let short = name.trim_start_matches("_G").trim_start_matches("_P");
        (!short.is_empty() && short != "none").then(|| short.to_owned())
    }
}

const ARROW: &[u8] = b" -> ";

/// Bytes of what is in brackets at the start of a text: `(force gc (idle))`.
fn brackets(text: &[u8]) -> usize {
    let mut depth = 0;
    for (idx, byte) in text.iter().enumerate() {
        match byte {
            b'(' => depth += 1,
            b')' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return if idx > 0 { idx + 1 } else { 0 };
        }
    }
    0
}

#[cfg(test)]
mod tests;
