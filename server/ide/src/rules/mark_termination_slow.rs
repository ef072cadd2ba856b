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
//! left out. On recorded runs on a machine loaded far beyond its cores the rule speaks of 26 of 190, most of them of
//! Go 1.5 to 1.7: below 10 ms, or in fewer than half of the cycles, the message says that it may be the machine's.
//!
//! ## Example
//!
//! ```text
//! gc 40 @1.840s 28%: 0.028+20+17 ms clock, 0.056+0/20/0.53+35 ms cpu, 15->15->7 MB, 16 MB goal, 0 MB stacks, 0 MB globals, 2 P
//! ```

use tracelog::catalog::gc;

use super::evidence::Test;
use super::phase::{self, Lopsided, Phase};
use super::{Check, Finding, Findings, Kind, Limits, Rule, Severity};
use crate::view::RunView;

/// GC304.
pub(crate) static RULE: Rule = Rule {
    code: "GC304",
    slug: "mark-termination-slow",
    title: "Mark termination is the slow pause",
    severity: Severity::Info,
    kind: Kind::Point,
    reads: &[gc::WALL_MARK_TERM_MS, gc::WALL_SWEEP_TERM_MS],
    limits: &phase::LOPSIDED,
    check: Check::Run(check),
};

/// Shorter ones are what a busy machine makes of any stop.
const LONG_MS: f64 = 10.0;

/// Share of the cycles from which on long ones are a habit: a busy machine stops nobody always in the same pause.
const MOSTLY: f64 = 0.5;

/// The last release that scans stacks again in this pause (1.7; the hybrid write barrier of 1.8 ended it).
const LAST_RESCANNING: u8 = 7;

fn check(run: &RunView, limits: &Limits, findings: &mut Findings) {
    let mut test = Test::default();
    let Some(found) = Lopsided::of(&run.cycles, Phase::MarkTermination, limits, &mut test) else { return };
    let is_the_programs = found.slow_ms >= LONG_MS && found.share() >= MOSTLY;
    let meaning = match run.go.and_then(|go| Some((go.oldest()?, go.newest()?))) {
        Some((_, newest)) if newest <= LAST_RESCANNING => "; this release scans stacks again in it",
        Some((oldest, _)) if oldest > LAST_RESCANNING && is_the_programs => "",
        Some((oldest, _)) if oldest > LAST_RESCANNING => "; where the machine was busy, it may be the machine's",
        // The lines of 1.6 to 1.17 look alike.
        _ if is_the_programs => "; by design if this is Go 1.7 or older, which scans stacks again in it",
        _ => {
            "; by design if this is Go 1.7 or older, which scans stacks again in it; else, where the machine was busy, it may \
             be the machine's"
        }
    };
    if !is_the_programs {
        test.fact("may be the machine's: a busy one makes a few milliseconds of any stop, and more of some", true);
    }
    if let Some(finding) = found.finding(run, &RULE, Severity::Info, meaning) {
        findings.push(Finding { test, ..finding });
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
    fn long_pauses_in_every_cycle_are_the_programs() {
        assert!(findings_in(&RULE, &every(40, 1, 17.0)).contains("(medians of 40 cycles, 100 %).\n"));
        let doubt = "; where the machine was busy, it may be the machine's.\n";
        assert!(findings_in(&RULE, &every(40, 1, 9.0)).contains(doubt), "a few milliseconds");
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

    #[test]
    fn silent_for_releases_that_stop_the_world_for_all_of_it() {
        let line = |n| format!("gc{n}(2): 1+30+20 ms, 5 -> 5 MB 107296 -> 107296 (107316-20) objects, 0(0) handoff\n");
        assert_eq!(findings_in(&RULE, &(1..60).map(line).collect::<String>()), "");
    }
}
