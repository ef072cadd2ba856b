//! ## What it looks for
//!
//! Mark termination, the last pause of a cycle, is regularly the slow one: it takes 1 ms or more in at least five cycles
//! and a quarter of all, and its median there is five times that of sweep termination.
//!
//! ## Why it matters
//!
//! Since Go 1.8 little is done in this pause, it takes some 10 to 100 µs. Up to Go 1.7 all stacks were scanned a second
//! time in it, so it grew with the number of goroutines.
//!
//! ## What to do next
//!
//! Up to Go 1.7: update; in 1.8 to 1.11 see that GODEBUG=gcrescanstacks=1 is not set. Later: see that no checking mode is
//! on (GODEBUG with gccheckmark, checkfinalizers or, up to 1.11, gctrace=2), and whether GOMAXPROCS is far above the CPUs
//! that the process may use. Else something was slow to stop:
//!
//! ```sh
//! # five seconds of execution trace, opened in the browser
//! curl -so t.out 'http://HOST/debug/pprof/trace?seconds=5' && go tool trace t.out
//! ```
//!
//! ## Limits
//!
//! Cycles without a concurrent mark (the whole mark is in the last pause) and those that check for goroutine leaks are
//! left out.
//!
//! ## Example
//!
//! ```text
//! gc 40 @1.840s 28%: 0.028+20+17 ms clock, 0.056+0/20/0.53+35 ms cpu, 15->15->7 MB, 16 MB goal, 0 MB stacks, 0 MB globals, 2 P
//! ```

use tracelog::catalog::gc;

use super::evidence::Test;
use super::phase::{Asked, Phase, lopsided};
use super::point::{Hit, Words, as_finding, cycle_name, ms};
use super::{Check, Finding, Findings, Kind, Limit, Limits, Place, Rule, Severity, limit};
use crate::view::RunView;
use crate::words::percent;

/// GC304.
pub(crate) static RULE: Rule = Rule {
    code: "GC304",
    slug: "mark-termination-slow",
    title: "Mark termination is the slow pause",
    severity: Severity::Info,
    kind: Kind::Point,
    reads: &[gc::WALL_MARK_TERM_MS, gc::WALL_SWEEP_TERM_MS],
    limits: LIMITS,
    check: Check::Run(check),
};

const LIMITS: &[Limit] = &[
    limit("min_ms", 1.0, "ms", "From when on the pause is long.").in_latency(0.5),
    limit("min_cycles", 5.0, "cycles", "In how many cycles it must be."),
    limit("min_share", 0.25, "of the cycles", "In what share of them."),
    limit("factor", 5.0, "times", "How many times the other pause it must be."),
];

/// The last release that scans stacks again in this pause (1.7; the hybrid write barrier of 1.8 ended it).
const LAST_RESCANNING: u8 = 7;

fn check(run: &RunView, limits: &Limits, findings: &mut Findings) {
    let cycles = &run.cycles;
    let asked = Asked {
        min_ms: limits.get("min_ms"),
        min_cycles: limits.get("min_cycles"),
        min_share: limits.get("min_share"),
        factor: limits.get("factor"),
    };
    let mut test = Test::default();
    let slow = Phase::MarkTermination;
    let Some(found) = lopsided(cycles, slow, Phase::SweepTermination, asked, &mut test) else { return };
    let hits: Vec<Hit> = found
        .rows
        .iter()
        .map(|&row| Hit {
            row,
            place: Place { line: cycles.line[row], field: Some(gc::WALL_MARK_TERM_MS) },
            weight: cycles.mark_term_ms[row],
        })
        .collect();
    let meaning = match run.go.and_then(|go| Some((go.oldest()?, go.newest()?))) {
        Some((_, newest)) if newest <= LAST_RESCANNING => "; this release scans stacks again in it",
        Some((oldest, _)) if oldest > LAST_RESCANNING => "",
        // The lines of 1.6 to 1.17 look alike.
        _ => "; by design if this is Go 1.7 or older, which scans stacks again in it",
    };
    let seen = |idx: usize| format!("{} in {}", ms(hits[idx].weight), cycle_name(run, hits[idx].row));
    let finding = as_finding(&RULE, run.run, &hits, seen, |_| Words {
        severity: Severity::Info,
        message: format!(
            "Mark termination is the slow pause: {} vs sweep termination {} (medians of {} cycles, {}){meaning}.",
            ms(found.slow_ms),
            ms(found.other_ms),
            found.rows.len(),
            percent(found.share()),
        ),
        numbers: vec![
            ("mark_term_ms", found.slow_ms),
            ("sweep_term_ms", found.other_ms),
            ("share_of_cycles", found.share()),
        ],
    });
    if let Some(finding) = finding {
        // The lines are one pattern; those of 10 ms or more are marked by stw-long.
        findings.push(Finding { test, further: Vec::new(), ..finding });
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;
    use crate::rules::fixture::{GcLine, check, findings_in, gc_lines};

    /// `n` cycles a second apart, of which every `step`-th ends with a pause of so many ms.
    fn every(n: u64, step: u64, ms: f64) -> String {
        gc_lines(n, |idx| GcLine {
            n: idx + 1,
            at_s: idx as f64,
            clock_ms: [0.03, 1.0, if idx.is_multiple_of(step) { ms } else { 0.01 }],
            ..GcLine::default()
        })
    }

    #[test]
    fn names_both_medians() {
        check(
            &RULE,
            &every(40, 2, 17.0),
            expect![[r#"
            1:wall_mark_term_ms Info GC304: Mark termination is the slow pause: 17 ms vs sweep termination 0.03 ms (medians of 20 cycles, 50 %).
              3:wall_mark_term_ms as bad: 17 ms in gc 3 @2.000s
        "#]],
        );
    }

    #[test]
    fn explains_the_pause_of_releases_that_scan_stacks_again() {
        let old = every(40, 2, 5.0).replace(", 0 MB stacks, 0 MB globals", "");
        assert!(findings_in(&RULE, &old).contains("if this is Go 1.7 or older"));
    }

    #[test]
    fn silent_just_below_each_limit() {
        assert_eq!(findings_in(&RULE, &every(40, 2, 0.99)), "");
        assert_ne!(findings_in(&RULE, &every(9, 2, 5.0)), "");
        assert_eq!(findings_in(&RULE, &every(8, 2, 5.0)), "", "four cycles");
        assert_ne!(findings_in(&RULE, &every(100, 4, 5.0)), "");
        assert_eq!(findings_in(&RULE, &every(100, 5, 5.0)), "", "a fifth of the cycles");
        let both = every(40, 1, 5.0).replace(": 0.030+", ": 1.1+");
        assert_eq!(findings_in(&RULE, &both), "", "less than five times the other");
    }

    #[test]
    fn cycles_without_a_concurrent_mark_do_not_count() {
        let log = every(40, 1, 17.0).replace("+1.0+17 ms clock", "+0+17 ms clock");
        assert_eq!(findings_in(&RULE, &log), "");
    }
}
