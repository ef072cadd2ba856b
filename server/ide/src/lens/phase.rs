//! What changed where a phase of a run begins, in one line.

use super::{Lens, LensAction, LensKind, MAX_CHARS};
use crate::phases::Phase;
use crate::snapshot::Parsed;
use crate::words;

/// Phases that get a lens of their own.
const MAX_PHASES: usize = 300;

/// The lenses of phases. The first one of a run begins where the run has its own.
pub(super) fn lenses(parsed: &Parsed) -> Vec<Lens> {
    let phases = parsed.analysis().phases.iter().flat_map(|phases| phases.iter().skip(1));
    phases
        .take(MAX_PHASES)
        .map(|phase| Lens {
            action: Some(LensAction::Narrate { line: phase.begin }),
            ..Lens::new(LensKind::Phase, phase.begin, phase_title(phase))
        })
        .collect()
}

/// `from 12.3 s: live 20→64 MB, GC 2→9 % CPU · 151 cycles in 40 s`. Changes that do not fit are left out whole.
pub fn phase_title(phase: &Phase) -> String {
    let begin = begin(phase);
    let begin = if begin.is_empty() { String::new() } else { format!("from {begin}: ") };
    let tail = rows_of(phase).map_or_else(String::new, |rows| format!(" · {rows}"));
    let room = MAX_CHARS.saturating_sub(begin.chars().count() + tail.chars().count());
    format!("{begin}{}{tail}", changes_of(phase, room))
}

/// What changed, as far as it fits.
pub(crate) fn changes_of(phase: &Phase, room: usize) -> String {
    let mut text = String::new();
    for change in &phase.changes {
        let change = change.in_words();
        let separator = if text.is_empty() { "" } else { ", " };
        if text.chars().count() + separator.len() + change.chars().count() <= room {
            text.push_str(separator);
            text.push_str(&change);
        }
    }
    text
}

/// When a phase begins: its time, or else the number of its first cycle.
pub(crate) fn begin(phase: &Phase) -> String {
    match (phase.span_s, phase.first_cycle) {
        (Some((first, _)), _) => words::span(first),
        (None, Some(n)) => format!("gc {n}"),
        (None, None) => String::new(),
    }
}

/// How much there is of a phase.
pub(crate) fn rows_of(phase: &Phase) -> Option<String> {
    let rows = match (phase.n_cycles, phase.n_samples) {
        (0, 0) => return None,
        (0, n) => words::count(n, "sample"),
        (n, _) => words::count(n, "cycle"),
    };
    let span_s = phase.span_s.map(|(first, last)| last - first).filter(|span_s| *span_s > 0.0);
    Some(span_s.map_or_else(|| rows.clone(), |span_s| format!("{rows} in {}", words::span(span_s))))
}
