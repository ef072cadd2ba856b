//! ## What it looks for
//!
//! Three cycles or more that scanned at least twice the bytes the pacer had expected, and at least 1 MB more. Off unless
//! a setting gives it a level.
//!
//! ## Why it matters
//!
//! The pacer expects each cycle to scan what the last one did. Where the live heap jumps between cycles it starts too
//! late, and goroutines that allocate have to catch up by assisting.
//!
//! ## What to do next
//!
//! Nothing by itself: it explains assists (`assist-dominant`) and heaps above their goal (`goal-overshoot`) of programs
//! that load or build large structures in one go.
//!
//! ## Limits
//!
//! Needs `GODEBUG=gcpacertrace=1` and Go 1.18 or later, whose line has both numbers. The first five cycles of a process
//! are left out, in which everything is new. The line describes the cycle of the next `gc` line.
//!
//! ## Example
//!
//! ```text
//! pacer: 25% CPU (25 exp.) for 5081008+11976+206314 B work (1543994 B exp.) in 40131824 B -> 48897520 B (∆goal 1738198, cons/mark 4.172919365567294)
//! ```

use tracelog::catalog::pacer_end;

use super::evidence::{Bound, Test};
use super::point::{Hit, Words, as_finding};
use super::{Check, Finding, Findings, Kind, Limit, Limits, Place, Rule, Severity, limit};
use crate::view::RunView;
use crate::words::{count, rough};

/// GC703.
pub(crate) static RULE: Rule = Rule {
    code: "GC703",
    slug: "scan-estimate-off",
    title: "Cycles scanned far more than the pacer expected",
    severity: Severity::Hint,
    kind: Kind::Off,
    reads: &[pacer_end::EXPECTED_WORK_BYTES],
    limits: LIMITS,
    check: Check::Run(check),
};

const LIMITS: &[Limit] = &[
    limit("min_factor", 2.0, "times", "How many times the expected bytes must be scanned."),
    limit("min_more_mb", 1.0, "MB", "How much more it must be in size."),
    limit("min_cycles", 3.0, "cycles", "How many cycles must show it."),
];

/// Cycles at the start of a process, in which all of the heap is new.
const START_UP: u64 = 5;

fn check(run: &RunView, limits: &Limits, findings: &mut Findings) {
    const BYTES_PER_MB: f64 = 1_048_576.0;
    let pacer = &run.pacer;
    let is_start_up = |row: usize| pacer.cycle[row].is_some_and(|cycle| run.cycles.n[cycle] <= START_UP);
    let mut hits = Vec::new();
    for row in 0..pacer.len() {
        let (scanned, expected) = (pacer.scanned_bytes[row], pacer.expected_bytes[row]);
        let factor = scanned / expected;
        let is_more = scanned - expected >= limits.get("min_more_mb") * BYTES_PER_MB;
        let Some(line) = pacer.end_line[row] else { continue };
        if factor >= limits.get("min_factor") && factor.is_finite() && is_more && !is_start_up(row) {
            let place = Place { line, field: Some(pacer_end::EXPECTED_WORK_BYTES) };
            hits.push(Hit { row, place, weight: factor });
        }
    }
    let mut test = Test::default();
    if !test.value("cycles so far off", hits.len() as f64, Bound::AtLeast(limits.get("min_cycles")), "") {
        return;
    }
    let seen = |idx: usize| {
        let row = hits[idx].row;
        let [scanned, expected] =
            [pacer.scanned_bytes[row], pacer.expected_bytes[row]].map(|bytes| rough(bytes / BYTES_PER_MB));
        format!("{scanned} MB scanned, {expected} MB expected")
    };
    let finding = as_finding(&RULE, run.run, &hits, seen, |worst| Words {
        severity: Severity::Hint,
        message: format!(
            "{}, {}× as much; {} of {} were so far off: the live heap jumps between cycles.",
            seen(worst),
            rough(hits[worst].weight),
            hits.len(),
            count(pacer.len(), "cycle"),
        ),
        numbers: vec![("times_expected", hits[worst].weight), ("cycles", hits.len() as f64)],
    });
    if let Some(finding) = finding {
        test.value(
            "times the expected bytes",
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

    fn ends(n_off: usize, scanned_mb: u64, expected_mb: u64) -> String {
        (0..20)
            .map(|idx| {
                let scanned = if idx < n_off { scanned_mb << 20 } else { expected_mb << 20 };
                format!(
                    "pacer: 25% CPU (25 exp.) for {scanned}+0+0 B work ({} B exp.) in 3469128 B -> 4409576 B (∆goal 215272, \
                     cons/mark 0.7285619681331793)\n",
                    expected_mb << 20
                )
            })
            .collect()
    }

    fn found(log: &str) -> String {
        findings_with(&RULE, &view(log), &[])
    }

    #[test]
    fn cycles_that_scanned_far_more() {
        let text = found(&ends(3, 30, 10));
        assert!(
            text.starts_with(
                "1:expected_work_bytes Hint GC703: 30 MB scanned, 10 MB expected, 3× as much; 3 of 20 cycles"
            ),
            "{text}"
        );
    }

    #[test]
    fn silent_just_below_the_limits() {
        assert_eq!(found(&ends(2, 30, 10)), "");
        assert_eq!(found(&ends(9, 19, 10)), "");
        assert_ne!(found(&ends(3, 20, 10)), "");
        let little = found(&ends(9, 2, 1));
        assert_ne!(little, "");
        assert_eq!(found(&ends(9, 2, 1).replace("for 2097152+", "for 2097151+")), "", "less than 1 MB more");
    }

    #[test]
    fn the_old_line_has_no_expectation() {
        let line = "pacer: H_m_prev=2150925 h_t=+9.500000e-001 H_T=4194304 h_a=+1.100000e+000 H_a=4516942 h_g=+1.000000e+000 \
                    H_g=4301850 u_a=+4.5e-001 u_g=+3.000000e-001 W_a=111820800 goalΔ=+5.000000e-002 \
                    actualΔ=+1.500000e-001 u_a/u_g=+1.800000e+000\n";
        assert_eq!(found(&line.repeat(20)), "");
    }
}
