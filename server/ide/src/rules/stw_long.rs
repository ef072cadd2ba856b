//! ## What it looks for
//!
//! Pauses of 10 ms or more in either stop-the-world phase of a collection: sweep termination (the first number of the
//! clock) and mark termination (the last). When there is none, but at least 5 % of the cycles stopped the world for 1 ms
//! or more, that is one remark (from 20 cycles on; from 10 where three or more did).
//!
//! ## Why it matters
//!
//! No goroutine runs during these phases. The Go team's published objective (2018) is 500 µs of pause per cycle. Both
//! numbers include the time it takes to stop the program, so a long one often means that it could not be stopped, not
//! that the collector had much to do.
//!
//! ## What to do next
//!
//! See which phase is slow and whether it is always the same one. Sweep termination alone: a goroutine without a
//! preemption point (before Go 1.14 any loop without calls), a long system call or page fault, an unfinished sweep. Both
//! phases, or single pauses: the process was short of CPU. Look there first:
//!
//! ```sh
//! # how often the container was out of CPU quota (nr_throttled, throttled_usec)
//! cat /sys/fs/cgroup/cpu.stat
//! ```
//!
//! An execution trace around the time shows who was late:
//!
//! ```sh
//! # five seconds of execution trace, opened in the browser
//! curl -so t.out 'http://HOST/debug/pprof/trace?seconds=5' && go tool trace t.out
//! ```
//!
//! ## Limits
//!
//! On a machine loaded far beyond its cores the cycles of healthy programs show pauses of 10 to 300 ms: in 190
//! recorded runs of that kind they were mostly 1 to 15 % of the cycles, with 16 Ps on 2 CPUs up to 43 %, in both phases.
//! A loop that could not be stopped showed them in 45 to 76 % of its cycles, in sweep termination alone. So where long
//! pauses are no habit of the run (fewer than 40 % of its cycles, or not one and the same phase) and the worst is twice
//! what such cycles usually take, the message says that it may be the machine's, and below 100 ms it is Info. Cycles that check for goroutine
//! leaks are left out. A cycle without any concurrent mark (`(forced)` in Go 1.5 to 1.8, or
//! `gcstoptheworld`) marks in its last phase; the message says so. Up to Go 1.4 the whole collection is one pause by
//! design: reported as Info from 10 ms on.
//!
//! ## Example
//!
//! ```text
//! gc 12 @7.181s 0%: 11+16+11 ms clock, 23+0.045/0.21/0+22 ms cpu, 283->285->145 MB, 287 MB goal, 0 MB stacks, 0 MB globals, 8 P
//! ```

use tracelog::catalog::gc;

use super::evidence::{Bound, Test};
use super::machine::{LongPhase, Origin, origin};
use super::phase::{Phase, has_coarse_clock};
use super::point::{Hit, Words, as_finding, cycle_name, ms};
use super::{Check, Finding, Findings, Kind, Limit, Limits, Place, Rule, Severity, limit};
use crate::settings::Preset;
use crate::view::{Cycles, RunView};
use crate::words::percent;

/// GC301.
pub(crate) static RULE: Rule = Rule {
    code: "GC301",
    slug: "stw-long",
    title: "A phase of a collection stopped the world for long",
    severity: Severity::Warning,
    kind: Kind::Point,
    reads: &[
        gc::WALL_SWEEP_TERM_MS,
        gc::WALL_MARK_TERM_MS,
        gc::STW_MARK_MS,
        gc::STW_SWEEP_MS,
        gc::STW_CLEANUP_MS,
        gc::STW_OTHER_MS,
        gc::STW_STOP_US,
        gc::STW_SWEEP_US,
        gc::STW_MARK_US,
        gc::STW_WAIT_US,
    ],
    limits: LIMITS,
    check: Check::Run(check),
};

const LIMITS: &[Limit] = &[
    limit("warning_ms", 10.0, "ms", "Pause of one phase that is a warning.").in_latency(5.0),
    limit("very_long_ms", 100.0, "ms", "Pause that the message counts apart."),
    limit("info_ms", 1.0, "ms", "Pause of one phase that is remarked upon where it is common.").in_latency(0.5),
    limit("info_share", 0.05, "of cycles", "How common it must be."),
    limit("info_cycles", 20.0, "cycles", "Fewest cycles for that remark; half of it where at least three have one."),
];

/// So many noticeable pauses are no accident in a short excerpt.
const SEVERAL: usize = 3;

fn check(run: &RunView, limits: &Limits, findings: &mut Findings) {
    if let Some(finding) = found(run, limits) {
        findings.push(finding);
    }
}

/// Whether this rule, as it is when no limit of it was changed, speaks about the run: others that would say the same of
/// shorter pauses are silent then.
pub(crate) fn speaks(run: &RunView, preset: Preset) -> bool {
    let limits = Limits { preset, ..Limits::defaults(LIMITS) };
    let warning_ms = limits.get("warning_ms");
    let is_long = |phase: &Phase| phase.times_from(&run.cycles, warning_ms).next().is_some();
    Phase::pauses(&run.cycles).iter().any(is_long) || found(run, &limits).is_some()
}

fn found(run: &RunView, limits: &Limits) -> Option<Finding> {
    let phases = Phase::pauses(&run.cycles);
    // What a clock of whole milliseconds calls 1 ms can be any time up to 2.
    let least_ms = if has_coarse_clock(&run.cycles) { 2.0 } else { 0.0 };
    let (warning_ms, info_ms) = (limits.get("warning_ms"), limits.get("info_ms").max(least_ms));
    let Pauses { mut long, n_judged } = Pauses::of(&run.cycles, phases, warning_ms.min(info_ms));
    let is_long = |one: &LongPhase| one.ms >= warning_ms;
    if long.iter().any(is_long) {
        long.retain(is_long);
        return long_pauses(run, phases, &long, n_judged, limits);
    }
    long.retain(|one| one.ms >= info_ms);
    remark(run, phases, &long, (n_judged, info_ms), limits)
}

fn long_pauses(
    run: &RunView,
    phases: &[Phase],
    long: &[LongPhase],
    n_judged: usize,
    limits: &Limits,
) -> Option<Finding> {
    let (warning_ms, very_long_ms) = (limits.get("warning_ms"), limits.get("very_long_ms"));
    let very_long = long.iter().filter(|one| one.ms >= very_long_ms).count();
    let is_concurrent = phases != [Phase::Collection];
    let origin = origin(&run.cycles, long, n_judged)?;
    // A busy host stops any program for some milliseconds now and then: nobody can act on that.
    let is_remark = !matches!(origin, Origin::TheProgram(_)) && very_long == 0;
    let severity = if is_concurrent && !is_remark { Severity::Warning } else { Severity::Info };

    let seen = |idx: usize| in_words(run, &long[idx]);
    let finding = as_finding(&RULE, run.run, &hits(&run.cycles, long), seen, |worst| {
        let mut message = worst_pause(run, &long[worst]) + &other_pause(run, phases, &long[worst], warning_ms);
        if long.len() > 1 {
            message += &format!("; {} of {n_judged} cycles had {} or more", long.len(), ms(warning_ms));
            if very_long > 0 {
                message += &format!(", {very_long} of them {} or more", ms(very_long_ms));
            }
        }
        let numbers = vec![
            ("pause_ms", long[worst].ms),
            ("long_cycles", long.len() as f64),
            ("very_long_cycles", very_long as f64),
            ("share_of_cycles", long.len() as f64 / n_judged as f64),
        ];
        Words { severity, message: message + origin.clause() + ".", numbers }
    })?;
    let mut test = Test::default();
    let worst_ms = long.iter().map(|one| one.ms).fold(0.0, f64::max);
    test.value("longest pause of one phase", worst_ms, Bound::AtLeast(warning_ms), "ms");
    test.fact(&origin.fact(), true);
    Some(Finding { test, ..finding })
}

/// One remark about shorter pauses where they are common.
fn remark(
    run: &RunView,
    phases: &[Phase],
    noticeable: &[LongPhase],
    (n_judged, info_ms): (usize, f64),
    limits: &Limits,
) -> Option<Finding> {
    let share = noticeable.len() as f64 / n_judged as f64;
    let mut test = Test::default();
    let needed = limits.get("info_cycles") * if noticeable.len() >= SEVERAL { 0.5 } else { 1.0 };
    let holds = phases != [Phase::Collection]
        && test.data("cycles", n_judged as f64, needed, "")
        && test.value(
            &format!("share of cycles with a pause of {} or more", ms(info_ms)),
            100.0 * share,
            Bound::AtLeast(100.0 * limits.get("info_share")),
            "%",
        );
    if !holds {
        return None;
    }
    let origin = origin(&run.cycles, noticeable, n_judged)?;
    test.fact(&origin.fact(), true);
    let seen = |idx: usize| in_words(run, &noticeable[idx]);
    let finding = as_finding(&RULE, run.run, &hits(&run.cycles, noticeable), seen, |worst| Words {
        severity: Severity::Info,
        message: format!(
            "{} of {n_judged} cycles ({}) stopped the world for {} or more; worst: {}{}.",
            noticeable.len(),
            percent(share),
            ms(info_ms),
            seen(worst),
            origin.clause(),
        ),
        numbers: vec![("pause_ms", noticeable[worst].ms), ("share_of_cycles", share)],
    })?;
    Some(Finding { test, ..finding })
}

/// The long pauses of a run.
struct Pauses {
    /// The phase of each cycle that took longer, where that was long.
    long: Vec<LongPhase>,
    /// How many cycles have a pause at all.
    n_judged: usize,
}

impl Pauses {
    /// The cycles with a phase of at least `min_ms`.
    fn of(cycles: &Cycles, phases: &[Phase], min_ms: f64) -> Self {
        let (first, last) = match phases {
            [.., last] => (phases[0], *last),
            [] => return Self { long: Vec::new(), n_judged: 0 },
        };
        let mut pauses = Self { long: Vec::new(), n_judged: 0 };
        let times = first.series(cycles).iter().zip(last.series(cycles)).zip(&cycles.leak_check);
        for (row, ((&first_ms, &last_ms), is_leak_check)) in times.enumerate() {
            // An absent one is no maximum; of equal ones it is the last.
            let ms = first_ms.max(last_ms);
            if !ms.is_finite() || *is_leak_check {
                continue;
            }
            pauses.n_judged += 1;
            if ms >= min_ms {
                let phase = if last_ms == ms { last } else { first };
                pauses.long.push(LongPhase { row, phase, ms });
            }
        }
        pauses
    }
}

fn hits(cycles: &Cycles, long: &[LongPhase]) -> Vec<Hit> {
    let hit = |one: &LongPhase| Hit {
        row: one.row,
        place: Place { line: cycles.line[one.row], field: one.phase.field() },
        weight: one.ms,
    };
    long.iter().map(hit).collect()
}

fn in_words(run: &RunView, one: &LongPhase) -> String {
    format!("{} {} in {}", one.phase.name().to_lowercase(), ms(one.ms), cycle_name(run, one.row))
}

/// `Mark termination stopped the world for 84 ms (median 0.012 ms)`. Of one cycle or two a median tells nothing.
fn worst_pause(run: &RunView, worst: &LongPhase) -> String {
    let cycles = &run.cycles;
    let LongPhase { row, phase, ms: time_ms } = *worst;
    let median = phase.median_ms(cycles).filter(|_| cycles.len() > 2);
    let median = median.map_or_else(String::new, |median| format!(" (median {})", ms(median)));
    let marked_inside = phase == Phase::MarkTermination && cycles.mark_ms[row] == 0.0;
    let why = if marked_inside { ": the whole mark ran inside it" } else { "" };
    format!("{} stopped the world for {}{median}{why}", phase.name(), ms(time_ms))
}

/// `, sweep termination for 38 ms in the same cycle`, where that is long, too.
fn other_pause(run: &RunView, phases: &[Phase], worst: &LongPhase, warning_ms: f64) -> String {
    let others = phases.iter().filter(|phase| **phase != worst.phase);
    let other = others.map(|phase| (phase, phase.series(&run.cycles)[worst.row])).find(|(_, ms)| *ms >= warning_ms);
    other.map_or_else(String::new, |(phase, time_ms)| {
        format!(", {} for {} in the same cycle", phase.name().to_lowercase(), ms(time_ms))
    })
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;
    use crate::rules::fixture::{GcLine, check, findings_in, findings_with, gc_lines, view};

    /// `n` cycles with the clock that `clock` gives for their index.
    fn clocks(n: u64, clock: impl Fn(u64) -> [f64; 3]) -> String {
        gc_lines(n, |idx| GcLine { n: idx + 1, at_s: idx as f64, clock_ms: clock(idx), ..GcLine::default() })
    }

    #[test]
    fn shows_the_worst_pause_and_counts_the_others() {
        let clock = |idx| match idx {
            2 => [12.0, 1.0, 0.01],
            5 => [0.02, 1.0, 250.0],
            8 => [84.0, 1.0, 0.01],
            _ => [0.02, 1.0, 0.01],
        };
        check(
            &RULE,
            &clocks(10, clock),
            expect![[r#"
                6:wall_mark_term_ms Warning GC301: Mark termination stopped the world for 250 ms (median 0.01 ms); 3 of 10 cycles had 10 ms or more, 1 of them 100 ms or more; it may be the machine's.
                  3:wall_sweep_term_ms first: sweep termination 12 ms in gc 3 @2.000s
                  9:wall_sweep_term_ms next worst: sweep termination 84 ms in gc 9 @8.000s
                  further 9:wall_sweep_term_ms, 3:wall_sweep_term_ms
            "#]],
        );
    }

    #[test]
    fn one_long_pause_needs_no_count() {
        check(
            &RULE,
            "\
gc 4 @0.044s 3%: 0.17+0.31+0.055 ms clock, 0.34+0.19/0.11/0.21+0.11 ms cpu, 3->3->2 MB, 4 MB goal, 2 P
gc 5 @0.045s 3%: 10+0.31+0.055 ms clock, 20+0.19/0.11/0.21+0.11 ms cpu, 3->3->2 MB, 4 MB goal, 2 P
gc 6 @0.087s 3%: 0.17+0.31+0.055 ms clock, 0.34+0.19/0.11/0.21+0.11 ms cpu, 3->3->2 MB, 4 MB goal, 2 P
",
            expect![[r#"
                2:wall_sweep_term_ms Info GC301: Sweep termination stopped the world for 10 ms (median 0.2 ms); it may be the machine's.
            "#]],
        );
    }

    #[test]
    fn both_pauses_of_a_cycle_are_told_where_both_are_long() {
        let found = findings_in(&RULE, &clocks(1, |_| [38.0, 203.0, 129.0]));
        let want =
            "Mark termination stopped the world for 129 ms, sweep termination for 38 ms in the same cycle; it may be";
        assert!(found.contains(want), "{found}");
        assert!(!findings_in(&RULE, &clocks(1, |_| [9.9, 203.0, 129.0])).contains("in the same cycle"));
    }

    #[test]
    fn pauses_just_below_the_limit_are_one_remark_when_common() {
        let clock = |idx: u64| if idx.is_multiple_of(10) { [9.9, 1.0, 0.01] } else { [0.02, 1.0, 0.01] };
        check(
            &RULE,
            &clocks(20, clock),
            expect![[r#"
                1:wall_sweep_term_ms Info GC301: 2 of 20 cycles (10 %) stopped the world for 1 ms or more; worst: sweep termination 9.9 ms in gc 1 @0.000s; it may be the machine's.
                  11:wall_sweep_term_ms as bad: sweep termination 9.9 ms in gc 11 @10.000s
                  further 11:wall_sweep_term_ms
            "#]],
        );
    }

    #[test]
    fn silent_where_such_pauses_are_rare_or_the_run_is_short() {
        let clock = |idx: u64| if idx.is_multiple_of(25) { [9.9, 1.0, 0.01] } else { [0.99, 1.0, 0.01] };
        assert_eq!(findings_in(&RULE, &clocks(100, clock)), "");
        let few = |n: u64, long: u64| clocks(n, |idx| [if idx < long { 9.9 } else { 0.03 }, 1.0, 0.01]);
        assert_ne!(findings_in(&RULE, &few(20, 2)), "");
        assert_eq!(findings_in(&RULE, &few(19, 2)), "", "two of 19");
        assert_ne!(findings_in(&RULE, &few(10, 3)), "");
        assert_eq!(findings_in(&RULE, &few(9, 9)), "", "nine cycles");
    }

    #[test]
    fn leak_checks_do_not_count() {
        let log = "\
gc 1 @0.038s 0% (checking for goroutine leaks): 14+4.1+0.27 ms clock, 28+0/0.12/0.062+0.55 ms cpu, 0->0->0 MB, 4 MB goal, 0 MB stacks, 0 MB globals, 2 P (forced)
";
        assert_eq!(findings_in(&RULE, log), "");
    }

    #[test]
    fn impossible_times_do_not_count() {
        let log = "\
gc 5 @0.045s 3%: 18446744073709+0.31+0.055 ms clock, 20+0.19/0.11/0.21+0.11 ms cpu, 3->3->2 MB, 4 MB goal, 2 P
";
        assert_eq!(findings_in(&RULE, log), "");
    }

    #[test]
    fn says_when_the_mark_ran_inside_the_pause() {
        check(
            &RULE,
            "\
gc 5 @0.045s 3%: 0.074+0+33 ms clock, 0.14+1045/1583/374+66 ms cpu, 3->3->2 MB, 4 MB goal, 2 P (forced)
",
            expect![[r#"
                1:wall_mark_term_ms Info GC301: Mark termination stopped the world for 33 ms: the whole mark ran inside it; it may be the machine's.
            "#]],
        );
    }

    #[test]
    fn before_go_1_5_the_whole_collection_is_the_pause() {
        check(
            &RULE,
            "\
gc4(2): 26+1+87+0 us, 0 -> 0 MB, 1603 (1634-31) objects, 4 goroutines, 35/0/0 sweeps, 0(0) handoff, 2(4) steal, 16/1/0 yields
gc5(2): 26+1+20487+0 us, 0 -> 0 MB, 1603 (1634-31) objects, 4 goroutines, 35/0/0 sweeps, 0(0) handoff, 2(4) steal, 16/1/0 yields
",
            expect![[r#"
                2 Info GC301: The whole collection stopped the world for 21 ms; it may be the machine's.
            "#]],
        );
    }

    #[test]
    fn the_limit_can_be_changed() {
        let log = view(&clocks(3, |_| [0.02, 1.0, 4.2]));
        assert_eq!(findings_with(&RULE, &log, &[]), "");
        let text = findings_with(&RULE, &log, &[("warning_ms".into(), 4.0)]);
        assert!(
            text.contains("Mark termination stopped the world for 4.2 ms (median 4.2 ms); 3 of 3 cycles"),
            "{text}"
        );
    }
}
