//! ## What it looks for
//!
//! Three cycles or more whose assist ratio at the start is at least three times the usual one (median of the twenty
//! cycles before) and at least 1. Off unless a setting gives it a level.
//!
//! ## Why it matters
//!
//! The ratio is the scan work that a goroutine owes for each byte it allocates while the collector marks. A high one
//! means that the cycle started late or the heap to scan grew: requests that allocate become slower for its time.
//!
//! ## What to do next
//!
//! Look at the assist time of the next `gc` line (the second number group of `ms cpu`) and at what allocated then.
//!
//! ```sh
//! # an execution trace shows who assists, and for how long
//! curl -so trace.out 'http://HOST/debug/pprof/trace?seconds=10' && go tool trace trace.out
//! ```
//!
//! ## Limits
//!
//! Needs `GODEBUG=gcpacertrace=1` (Go 1.5 and later) and ten cycles before. The line describes the cycle of the next
//! `gc` line.
//!
//! ## Example
//!
//! ```text
//! pacer: assist ratio=+6.751984e+000 (scan 6 MB in 26->4 MB) workers=1+0
//! ```

use tracelog::catalog::pacer_start;

use super::evidence::{Bound, Test};
use super::point::{Hit, Words, as_finding};
use super::{Check, Finding, Findings, Kind, Limit, Limits, Place, Rule, Severity, limit};
use crate::stats::median;
use crate::view::RunView;
use crate::words::{count, rough};

/// GC701.
pub(crate) static RULE: Rule = Rule {
    code: "GC701",
    slug: "assist-ratio-high",
    title: "Allocation owed far more marking than usual",
    severity: Severity::Info,
    kind: Kind::Off,
    reads: &[pacer_start::ASSIST_RATIO],
    limits: LIMITS,
    check: Check::Run(check),
};

const LIMITS: &[Limit] = &[
    limit("min_factor", 3.0, "times", "How many times the usual ratio it must be."),
    limit("min_ratio", 1.0, "", "The ratio below which it does not matter."),
    limit("min_cycles", 3.0, "cycles", "How many cycles must show it."),
    limit("window", 20.0, "cycles", "How many cycles before tell what is usual."),
    limit("min_window", 10.0, "cycles", "How many of them must exist."),
];

fn check(run: &RunView, limits: &Limits, findings: &mut Findings) {
    let pacer = &run.pacer;
    let (min_ratio, window) = (limits.get("min_ratio"), limits.get("window").max(0.0) as usize);
    let mut hits = Vec::new();
    for (row, &ratio) in pacer.assist_ratio.iter().enumerate() {
        // True of nearly all rows: no median is taken for them. The first cycle may owe without end.
        if !ratio.is_finite() || ratio < min_ratio {
            continue;
        }
        let before: Vec<f64> = pacer.assist_ratio[row.saturating_sub(window)..row]
            .iter()
            .copied()
            .filter(|ratio| ratio.is_finite())
            .collect();
        let Some(usual) = median(&before).filter(|usual| *usual > 0.0) else { continue };
        let factor = ratio / usual;
        if (before.len() as f64) >= limits.get("min_window") && factor >= limits.get("min_factor") {
            let place = Place { line: pacer.line[row], field: Some(pacer_start::ASSIST_RATIO) };
            hits.push(Hit { row, place, weight: factor });
        }
    }
    let mut test = Test::default();
    if !test.value("cycles with such a ratio", hits.len() as f64, Bound::AtLeast(limits.get("min_cycles")), "") {
        return;
    }
    let seen = |idx: usize| {
        let ratio = pacer.assist_ratio[hits[idx].row];
        format!("{} bytes instead of {}", rough(ratio), rough(ratio / hits[idx].weight))
    };
    let finding = as_finding(&RULE, run.run, &hits, seen, |worst| Words {
        severity: Severity::Info,
        message: format!(
            "Each allocated byte had to pay {}× the usual marking ({}); {} of {} paid three times as much or more.",
            rough(hits[worst].weight),
            seen(worst),
            hits.len(),
            count(pacer.len(), "cycle"),
        ),
        numbers: vec![("times_usual", hits[worst].weight), ("assist_ratio", pacer.assist_ratio[hits[worst].row])],
    });
    if let Some(finding) = finding {
        test.value(
            "times the usual ratio",
            hits.iter().map(|hit| hit.weight).fold(0.0, f64::max),
            Bound::AtLeast(limits.get("min_factor")),
            "",
        );
        findings.push(Finding { test, ..finding });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::fixture::{findings_with, view};

    fn starts(ratio: impl Fn(usize) -> f64) -> String {
        (0..40)
            .map(|idx| format!("pacer: assist ratio={} (scan 9 MB in 38->40 MB) workers=1+0\n", ratio(idx)))
            .collect()
    }

    fn found(log: &str) -> String {
        findings_with(&RULE, &view(log), &[])
    }

    #[test]
    fn a_few_cycles_far_above_the_usual_ratio() {
        let text = found(&starts(|idx| match idx {
            20 | 25 => 3.0,
            30 => 4.5,
            _ => 0.75,
        }));
        let expected = "31:assist_ratio Info GC701: Each allocated byte had to pay 6× the usual marking (4.5 bytes instead of 0.8); \
                        3 of 40 cycles paid three times as much or more.\n";
        assert!(text.starts_with(expected), "{text}");
    }

    #[test]
    fn silent_just_below_the_limits() {
        let at = |n: usize, high: f64, usual: f64| found(&starts(|idx| if idx >= 40 - n { high } else { usual }));
        assert_ne!(at(3, 1.5, 0.5), "");
        assert_eq!(at(2, 1.5, 0.5), "");
        assert_eq!(at(3, 1.4, 0.5), "");
        assert_eq!(at(3, 0.9, 0.1), "", "below 1");
        // Nothing before tells what is usual.
        assert_eq!(found(&starts(|idx| if idx < 10 { 9.0 } else { 0.5 })), "");
    }

    #[test]
    fn a_ratio_without_end_is_no_number() {
        let log = starts(|_| 0.5).replace("ratio=0.5", "ratio=+Inf");
        assert_eq!(found(&log), "");
    }
}
