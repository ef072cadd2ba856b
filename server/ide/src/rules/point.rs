//! One finding out of the many lines on which a point rule fires.
//!
//! A point rule looks at single lines. It is shown once per run, at its worst line, and names the first and the next
//! worst; the others follow as further lines.

use super::{Finding, Findings, Place, Related, Rule, Severity};
use crate::view::RunView;
use crate::words::rough;

/// A cycle as people find it in the log: `gc 31 @3.876s`, or `gc 31` where the release prints no time.
pub(crate) fn cycle_name(run: &RunView, row: usize) -> String {
    let n = run.cycles.n[row];
    let at_s = run.cycles.at_s[row];
    if at_s.is_finite() { format!("gc {n} @{at_s:.3}s") } else { format!("gc {n}") }
}

/// A short time: `0.02 ms`, `84 ms`.
pub(crate) fn ms(value: f64) -> String {
    format!("{} ms", rough(value))
}

/// How many further lines a finding carries.
pub(crate) const MAX_FURTHER: usize = 20;

/// A line on which a point rule fired.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Hit {
    /// Row in the series that the rule reads.
    pub row: usize,
    /// Where.
    pub place: Place,
    /// How bad; the greatest is the worst. Never NaN.
    pub weight: f64,
}

/// What a finding says beside its places.
#[derive(Debug)]
pub(crate) struct Words {
    /// How bad it is.
    pub severity: Severity,
    /// The message.
    pub message: String,
    /// The numbers of the message, by name with unit.
    pub numbers: Vec<(&'static str, f64)>,
}

/// Reports `hits` (in the order of the log) as one finding; nothing without hits. `words` gets the worst hit's index,
/// `seen` says what is seen at the hit with an index.
pub(crate) fn report(
    findings: &mut Findings,
    rule: &'static Rule,
    run: usize,
    hits: &[Hit],
    seen: impl Fn(usize) -> String,
    words: impl FnOnce(usize) -> Words,
) {
    if let Some(finding) = as_finding(rule, run, hits, seen, words) {
        findings.push(finding);
    }
}

/// The finding that [`report`] pushes, for rules that add to it.
pub(crate) fn as_finding(
    rule: &'static Rule,
    run: usize,
    hits: &[Hit],
    seen: impl Fn(usize) -> String,
    words: impl FnOnce(usize) -> Words,
) -> Option<Finding> {
    let by_weight = worst_first(hits);
    let (&worst, others) = by_weight.split_first()?;

    let mut related = Vec::new();
    if worst != 0 {
        related.push(Related { place: hits[0].place, text: format!("first: {}", seen(0)) });
    }
    if let Some(&next) = others.iter().find(|&&idx| idx != 0) {
        let what = if hits[next].weight < hits[worst].weight { "next worst" } else { "as bad" };
        related.push(Related { place: hits[next].place, text: format!("{what}: {}", seen(next)) });
    }
    let Words { severity, message, numbers } = words(worst);
    Some(Finding {
        severity,
        run: Some(run),
        place: hits[worst].place,
        message,
        related,
        further: others.iter().map(|&idx| hits[idx].place).collect(),
        count: hits.len(),
        numbers,
        ..Finding::about(rule)
    })
}

/// The indices of the worst hit and those that a finding names beside it; of equal ones the first in the log is the worst.
fn worst_first(hits: &[Hit]) -> Vec<usize> {
    // A rule can fire on every line of a long log, and few are shown.
    const N_SHOWN: usize = MAX_FURTHER + 1;
    let mut shown: Vec<usize> = Vec::with_capacity(N_SHOWN + 1);
    for (idx, hit) in hits.iter().enumerate() {
        let is_as_bad = |&other: &usize| hits[other].weight.total_cmp(&hit.weight).is_ge();
        if shown.len() == N_SHOWN && shown.last().is_some_and(is_as_bad) {
            continue;
        }
        shown.insert(shown.partition_point(is_as_bad), idx);
        shown.truncate(N_SHOWN);
    }
    shown
}
