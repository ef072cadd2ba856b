//! ## What it looks for
//!
//! Stacks and globals of 50 MB or more that are at least half as large as the live heap.
//!
//! ## Why it matters
//!
//! They are scanned in every cycle beside the live heap, and since Go 1.18 they count for the goal too: the heap may grow
//! by GOGC percent of all three. With many goroutines the stacks can be most of what a collection works on, and no heap
//! profile shows them.
//!
//! ## What to do next
//!
//! See how many goroutines there are and where they stand; thousands that wait at one place can often be a pool of a few.
//!
//! ```sh
//! # all goroutines, the same stacks counted together
//! curl -s 'http://HOST/debug/pprof/goroutine?debug=1' | head -40
//! ```
//!
//! If the number only rises, `goroutine-stack-growth` is the finding to read.
//!
//! ## Limits
//!
//! Go 1.18 and later print the two sizes. 1.18 and 1.19 print the space allocated for stacks, later releases what is in
//! use of it. Deep recursion looks the same as many goroutines.
//!
//! ## Example
//!
//! ```text
//! gc 4 @1.012s 2%: 0.12+41+0.003 ms clock, 0.24+0/80/0+0.006 ms cpu, 64->64->32 MB, 66 MB goal, 119 MB stacks, 0 MB globals, 2 P
//! ```

use tracelog::catalog::gc;

use super::evidence::{Bound, Test};
use super::point::{Hit, Words, as_finding, cycle_name};
use super::{Check, Finding, Findings, Kind, Limit, Limits, Place, Rule, Severity, limit};
use crate::derived::roots_mb;
use crate::view::RunView;
use crate::words::{count, percent};

/// GC106.
pub(crate) static RULE: Rule = Rule {
    code: "GC106",
    slug: "roots-dominate",
    title: "Stacks and globals are a large part of what is scanned",
    severity: Severity::Info,
    kind: Kind::Point,
    reads: &[gc::STACKS_MB, gc::GLOBALS_MB],
    limits: LIMITS,
    check: Check::Run(check),
};

const LIMITS: &[Limit] = &[
    limit("min_mb", 50.0, "MB", "Stacks and globals from which it is reported."),
    limit("min_share", 0.5, "of the live heap", "How large they must be beside the live heap."),
];

fn check(run: &RunView, limits: &Limits, findings: &mut Findings) {
    let cycles = &run.cycles;
    let (min_mb, min_share) = (limits.get("min_mb"), limits.get("min_share"));
    let hits: Vec<Hit> = (0..cycles.len())
        .map(|row| (row, roots_mb(cycles, row)))
        .filter(|(row, roots)| *roots >= min_mb && *roots >= min_share * cycles.heap_live_mb[*row])
        .map(|(row, roots)| {
            let is_stacks = cycles.stacks_mb[row] >= cycles.globals_mb[row];
            let field = if is_stacks { gc::STACKS_MB } else { gc::GLOBALS_MB };
            Hit { row, place: Place { line: cycles.line[row], field: Some(field) }, weight: roots }
        })
        .collect();
    let mut test = Test::default();
    let seen = |idx: usize| format!("{:.0} MB in {}", hits[idx].weight, cycle_name(run, hits[idx].row));
    let finding = as_finding(&RULE, run.run, &hits, seen, |worst| {
        let (row, roots) = (hits[worst].row, hits[worst].weight);
        let live = cycles.heap_live_mb[row];
        test.value("stacks and globals", roots, Bound::AtLeast(min_mb), "MB");
        test.value("beside the live heap", 100.0 * roots / live, Bound::AtLeast(100.0 * min_share), "%");
        let others = if hits.len() > 1 { format!(" ({})", count(hits.len(), "cycle")) } else { String::new() };
        Words {
            severity: Severity::Info,
            message: format!(
                "Stacks and globals ({roots:.0} MB) are {} of what every cycle scans, beside {live:.0} MB of live heap{others}.",
                percent(roots / (roots + live)),
            ),
            numbers: vec![("roots_mb", roots), ("heap_live_mb", live), ("share_of_scan", roots / (roots + live))],
        }
    });
    if let Some(finding) = finding {
        // The size hardly changes from cycle to cycle: no need to mark each of them.
        findings.push(Finding { test, further: Vec::new(), ..finding });
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;
    use crate::rules::fixture::{GcLine, check, findings_in, gc_lines};

    /// Cycles with so many MB of stacks beside 32 MB of live heap.
    fn with_stacks(mb: u64) -> String {
        let line = |idx| GcLine { n: idx + 1, at_s: idx as f64, heap_mb: [64, 64, 32, 66], ..GcLine::default() };
        gc_lines(3, line).replace(" 0 MB stacks", &format!(" {mb} MB stacks"))
    }

    #[test]
    fn names_the_cycle_with_the_largest_roots() {
        let log = with_stacks(60).replacen("60 MB stacks, 0 MB globals", "96 MB stacks, 2 MB globals", 1);
        check(
            &RULE,
            &log,
            expect![[r#"
            1:stacks_mb Info GC106: Stacks and globals (98 MB) are 75 % of what every cycle scans, beside 32 MB of live heap (3 cycles).
              2:stacks_mb next worst: 60 MB in gc 2 @1.000s
        "#]],
        );
    }

    #[test]
    fn silent_just_below_either_limit() {
        assert_ne!(findings_in(&RULE, &with_stacks(50)), "");
        assert_eq!(findings_in(&RULE, &with_stacks(49)), "");
        // 50 MB beside 101 MB.
        let large = with_stacks(50).replace("64->64->32 MB", "204->204->101 MB");
        assert_eq!(findings_in(&RULE, &large), "");
        let half = with_stacks(50).replace("64->64->32 MB", "204->204->100 MB");
        assert_ne!(findings_in(&RULE, &half), "");
    }

    #[test]
    fn large_globals_count_too() {
        let log = with_stacks(0).replace("0 MB globals", "80 MB globals");
        assert!(findings_in(&RULE, &log).starts_with("1:globals_mb Info GC106: Stacks and globals (80 MB) are 71 %"));
    }

    #[test]
    fn silent_for_releases_that_do_not_print_the_sizes() {
        let log = with_stacks(90).replace(", 90 MB stacks, 0 MB globals", "");
        assert_eq!(findings_in(&RULE, &log), "");
    }
}
