//! ## What it looks for
//!
//! Sweep termination, the first pause of a cycle, is regularly the slow one: it takes 1 ms or more in at least five cycles
//! and a quarter of all, and its median there is five times that of mark termination. From a median of 10 ms on it is a
//! warning.
//!
//! ## Why it matters
//!
//! Little is done in this pause. Its time is mostly that of stopping the program, so a long one points to one of three: a
//! goroutine or thread that does not stop soon; a sweep that the cycle before left unfinished and that is done now; many
//! `sync.Pool`s that are cleared now.
//!
//! ## What to do next
//!
//! A goroutine that cannot be stopped is found while it runs:
//!
//! ```sh
//! # five seconds of execution trace, opened in the browser
//! curl -so t.out 'http://HOST/debug/pprof/trace?seconds=5' && go tool trace t.out
//! ```
//!
//! Look for loops without calls (before Go 1.14, or with GODEBUG=asyncpreemptoff=1), large copies, page faults and huge
//! pages. The process can also have been without CPU:
//!
//! ```sh
//! # how often the container was out of CPU quota (nr_throttled, throttled_usec)
//! cat /sys/fs/cgroup/cpu.stat
//! ```
//!
//! With `GODEBUG=gctrace=1,gcpacertrace=1` a line `pacer: sweep done` inside or just before the pause shows an
//! unfinished sweep.
//!
//! ## Limits
//!
//! On a busy machine one cycle in five of a healthy program has a first pause of 1 to 3 ms: of 903 recorded logs 114 have
//! five such cycles and short second pauses, 48 have them in a quarter of their cycles (all loops that cannot be stopped
//! among them, else mostly programs whose collections run back to back), so the quarter is asked for. Cycles that check
//! for goroutine leaks are left out. Go 1.5 and later.
//!
//! ## Example
//!
//! ```text
//! gc 9 @1.571s 0%: 254+0.62+0.004 ms clock, 509+0/0.61/0.87+0.009 ms cpu, 4->4->0 MB, 5 MB goal, 2 P
//! gc 10 @2.166s 0%: 746+0.55+0.004 ms clock, 1493+0/0.51/0.89+0.008 ms cpu, 4->4->0 MB, 5 MB goal, 2 P
//! ```

use tracelog::catalog::gc;

use super::evidence::Test;
use super::machine::{Origin, origin};
use super::phase::{self, Lopsided, Phase, sweep_may_be_unfinished};
use super::{Check, Finding, Findings, Kind, Limit, Limits, Rule, Severity, limit};
use crate::view::RunView;

/// GC303.
pub(crate) static RULE: Rule = Rule {
    code: "GC303",
    slug: "stop-is-slow",
    title: "Stopping the program is the slow pause",
    severity: Severity::Warning,
    kind: Kind::Point,
    reads: &[gc::WALL_SWEEP_TERM_MS, gc::WALL_MARK_TERM_MS],
    limits: LIMITS,
    check: Check::Run(check),
};

const LIMITS: &[Limit] = &{
    let [min_ms, min_cycles, min_share, factor] = phase::LOPSIDED;
    let warning_ms = limit("warning_ms", 10.0, "ms", "Median from which it is a warning.").in_latency(5.0);
    [min_ms, min_cycles, min_share, factor, warning_ms]
};

/// Share of the cycles with a sweep that may be unfinished from which that is named.
const MOSTLY: f64 = 0.5;

fn check(run: &RunView, limits: &Limits, findings: &mut Findings) {
    let cycles = &run.cycles;
    let mut test = Test::default();
    let Some(found) = Lopsided::of(cycles, Phase::SweepTermination, limits, &mut test) else { return };
    let unfinished = found.rows.iter().filter(|&&row| sweep_may_be_unfinished(cycles, row)).count();
    let Some(origin) = origin(cycles, &found.long(cycles), found.n_judged) else { return };
    let is_long = found.slow_ms >= limits.get("warning_ms");
    let is_sweep = unfinished as f64 >= MOSTLY * found.rows.len() as f64;
    let is_the_programs = is_long && matches!(origin, Origin::TheProgram(_));
    if is_sweep {
        test.fact("the sweep before may be unfinished: forced cycles, or no time between cycles", true);
    }
    if is_the_programs {
        test.fact(&origin.fact(), true);
    } else {
        test.fact("may be the machine's: a few milliseconds are what a busy one makes of any stop", true);
    }
    let meaning = match (is_sweep, is_the_programs) {
        (true, true) => ": the sweep before may be finished inside it",
        (true, false) => {
            ": the sweep before may be finished inside it; where the machine was busy, it may be the machine's"
        }
        (false, true) => ": something in the program is slow to stop",
        (false, false) => ": something is slow to stop; where the machine was busy, it may be the machine's",
    };
    let severity = if is_long { Severity::Warning } else { Severity::Info };
    if let Some(finding) = found.finding(run, &RULE, severity, meaning) {
        findings.push(Finding { test, ..finding });
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;
    use crate::rules::fixture::{GcLine, check, findings_in, gc_lines};

    /// `n` cycles a second apart with the pauses that `pauses` gives for their index.
    fn pauses(n: u64, pauses: impl Fn(u64) -> [f64; 2]) -> String {
        gc_lines(n, |idx| {
            let [sweep, mark] = pauses(idx);
            GcLine { n: idx + 1, at_s: idx as f64, clock_ms: [sweep, 1.0, mark], ..GcLine::default() }
        })
    }

    /// Every second cycle takes so many ms to stop.
    fn every_second(n: u64, ms: f64) -> String {
        pauses(n, |idx| [if idx.is_multiple_of(2) { ms } else { 0.03 }, 0.01])
    }

    #[test]
    fn a_program_that_does_not_stop_is_a_warning() {
        check(
            &RULE,
            &every_second(40, 240.0),
            expect![[r#"
            1:wall_sweep_term_ms Warning GC303: Sweep termination is the slow pause: 240 ms vs mark termination 0.01 ms (medians of 20 cycles, 50 %): something in the program is slow to stop.
              3:wall_sweep_term_ms as bad: 240 ms in gc 3 @2.000s
        "#]],
        );
    }

    #[test]
    fn some_milliseconds_are_a_remark_and_may_be_the_machines() {
        check(
            &RULE,
            &every_second(40, 3.0),
            expect![[r#"
            1:wall_sweep_term_ms Info GC303: Sweep termination is the slow pause: 3 ms vs mark termination 0.01 ms (medians of 20 cycles, 50 %): something is slow to stop; where the machine was busy, it may be the machine's.
              3:wall_sweep_term_ms as bad: 3 ms in gc 3 @2.000s
        "#]],
        );
    }

    #[test]
    fn does_not_speak_of_stopping_where_the_sweep_may_be_unfinished() {
        let forced = every_second(40, 240.0).replace(" P\n", " P (forced)\n");
        check(
            &RULE,
            &forced,
            expect![[r#"
            1:wall_sweep_term_ms Warning GC303: Sweep termination is the slow pause: 240 ms vs mark termination 0.01 ms (medians of 20 cycles, 50 %): the sweep before may be finished inside it.
              3:wall_sweep_term_ms as bad: 240 ms in gc 3 @2.000s
        "#]],
        );
        // Marking takes most of the time between two cycles.
        let busy = gc_lines(40, |idx| GcLine {
            n: idx + 1,
            at_s: idx as f64,
            clock_ms: [20.0, 800.0, 0.01],
            ..GcLine::default()
        });
        assert!(findings_in(&RULE, &busy).contains("the sweep before may be finished inside it.\n"));
        let short = findings_in(&RULE, &every_second(40, 3.0).replace(" P\n", " P (forced)\n"));
        let doubt =
            "the sweep before may be finished inside it; where the machine was busy, it may be the machine's.\n";
        assert!(short.contains(doubt), "{short}");
    }

    #[test]
    fn silent_just_below_each_limit() {
        assert_eq!(findings_in(&RULE, &every_second(40, 0.99)), "", "below a millisecond");
        assert_ne!(findings_in(&RULE, &every_second(9, 5.0)), "");
        assert_eq!(findings_in(&RULE, &every_second(8, 5.0)), "", "four cycles");
        let every = |step: u64| pauses(100, |idx| [if idx.is_multiple_of(step) { 5.0 } else { 0.03 }, 0.01]);
        assert_ne!(findings_in(&RULE, &every(4)), "");
        assert_eq!(findings_in(&RULE, &every(5)), "", "a fifth of the cycles");
        let both = |mark_ms: f64| pauses(40, |_| [5.0, mark_ms]);
        assert_ne!(findings_in(&RULE, &both(1.0)), "");
        assert_eq!(findings_in(&RULE, &both(1.1)), "", "less than five times the other");
    }

    #[test]
    fn leak_checks_and_old_releases_do_not_count() {
        let log = every_second(40, 240.0).replace("s 1%:", "s 1% (checking for goroutine leaks):");
        assert_eq!(findings_in(&RULE, &log), "");
        let line = |n| format!("gc{n}(2): 260+30+2 ms, 5 -> 5 MB 107296 -> 107296 (107316-20) objects, 0(0) handoff\n");
        assert_eq!(findings_in(&RULE, &(1..60).map(line).collect::<String>()), "");
    }
}
