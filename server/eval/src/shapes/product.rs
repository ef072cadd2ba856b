//! The rules on the live heap, asked through the code that runs in editors: a run with nothing but its cycles.

use ide::Settings;
use ide::rules::{Check, Findings, RULES};
use ide::view::RunView;

/// What the rules say about a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Said {
    /// GC101.
    pub leak: bool,
    /// GC102.
    pub slowing: bool,
    /// GC103.
    pub step: bool,
}

/// The verdicts on `(seconds, MB)` points, with default settings.
pub fn said(points: &[(f64, f64)]) -> Said {
    let found = found(points, &["GC101", "GC102", "GC103"]);
    let is_found = |code| found.contains(&code);
    Said { leak: is_found("GC101"), slowing: is_found("GC102"), step: is_found("GC103") }
}

/// Whether GC101 calls the points a leak.
pub fn is_leak(points: &[(f64, f64)]) -> bool {
    !found(points, &["GC101"]).is_empty()
}

/// What those of some rules find.
fn found(points: &[(f64, f64)], codes: &[&str]) -> Vec<&'static str> {
    let run = run(points);
    let settings = Settings::default();
    let mut findings = Findings::default();
    for rule in RULES.iter().filter(|rule| codes.contains(&rule.code)) {
        if let Check::Run(check) = rule.check {
            check(&run, &settings.limits(rule), &mut findings);
        }
    }
    findings.into_vec().iter().map(|finding| finding.rule.code).collect()
}

/// A run whose live heap is given. Nothing is allocated while the collector marks.
pub fn run(points: &[(f64, f64)]) -> RunView {
    let mut run = RunView::default();
    for (line, &(at_s, live_mb)) in (0..).zip(points) {
        run.cycles.line.push(line);
        run.cycles.n.push(u64::from(line) + 1);
        run.cycles.at_s.push(at_s);
        run.cycles.heap_live_mb.push(live_mb);
        run.cycles.forced.push(false);
    }
    run.lines = (0, points.len().saturating_sub(1) as u32);
    run
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rules_are_asked() {
        let rising: Vec<(f64, f64)> = (0..200).map(f64::from).map(|idx| (idx, 100.0 + idx)).collect();
        assert_eq!(said(&rising), Said { leak: true, ..Said::default() });
        let jump: Vec<(f64, f64)> =
            rising.iter().map(|&(at, _)| (at, if at < 100.0 { 100.0 } else { 160.0 })).collect();
        assert_eq!(said(&jump), Said { step: true, ..Said::default() });
        assert_eq!(said(&[]), Said::default());
    }
}
