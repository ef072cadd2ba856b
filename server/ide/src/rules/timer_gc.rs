//! ## What it looks for
//!
//! Collections that the runtime started because two minutes had passed without one: announced by a line `GC forced`, or,
//! where that line is missing, 120 to 180 s after the cycle before with less than half of the room up to the goal used.
//!
//! ## Why it matters
//!
//! It does not, usually: an idle program is collected every two minutes by design. With a large live heap each of these
//! cycles still marks all of it, which can be seen as a regular latency blip of a service that has little to do.
//!
//! ## What to do next
//!
//! Nothing. If the blips hurt, a smaller live heap (fewer pointers) makes these cycles cheaper; with GOGC=off, and
//! perhaps a memory limit, the runtime does not start them at all.
//!
//! ## Limits
//!
//! Not to be confused with `(forced)` at the end of a line, which means that the program called `runtime.GC`. Before
//! Go 1.4 the line reads `scvg7: GC forced` and follows its cycle.
//!
//! ## Example
//!
//! ```text
//! GC forced
//! gc 4 @121.013s 0%: 0.047+0.43+0.004 ms clock, 0.094+0/0.20/0+0.008 ms cpu, 28->28->0 MB, 57 MB goal, 0 MB stacks, 0 MB globals, 4 P
//! ```

use std::ops::RangeInclusive;

use tracelog::catalog::gc;

use super::evidence::Test;
use super::point::{Hit, Words, as_finding, cycle_name};
use super::{Check, Finding, Findings, Kind, Limit, Limits, Place, Rule, Severity, limit};
use crate::derived::{interval_s, intervals_s};
use crate::view::{Cycles, RunView};
use crate::words::count;

/// GC502.
pub(crate) static RULE: Rule = Rule {
    code: "GC502",
    slug: "timer-gc",
    title: "The runtime collected because two minutes had passed",
    severity: Severity::Hint,
    kind: Kind::Point,
    reads: &[gc::N],
    limits: LIMITS,
    check: Check::Run(check),
};

const LIMITS: &[Limit] = &[limit(
    "max_room_used",
    0.5,
    "of the room up to the goal",
    "How much may be allocated since the cycle before where no line announces the cycle.",
)];

/// Distance from the cycle before, s: two minutes (`forcegcperiod` in `runtime/proc.go`), and up to another one while an
/// idle monitor thread sleeps.
const DISTANCE_S: RangeInclusive<f64> = 119.9..=180.0;

fn check(run: &RunView, limits: &Limits, findings: &mut Findings) {
    let cycles = &run.cycles;
    // Nearly all cycles come sooner than the clock would have them.
    let distances = std::iter::once(&f64::NAN).chain(intervals_s(cycles)).zip(&cycles.timer).enumerate();
    let rows = distances.filter(|(_, (distance_s, is_timer))| **is_timer || DISTANCE_S.contains(*distance_s));
    let rows = rows.map(|(row, _)| row).filter(|&row| cycles.timer[row] || looks_periodic(cycles, row, limits));
    let mut hits: Vec<Hit> =
        rows.map(|row| Hit { row, place: Place { line: cycles.line[row], field: Some(gc::N) }, weight: 0.0 }).collect();
    let has_cycles = !hits.is_empty();
    if !has_cycles {
        // Announced, but the lines of the cycles are missing.
        let announced = |line: &u32| Hit { row: 0, place: Place { line: *line, field: None }, weight: 0.0 };
        hits = run.timer_lines.iter().map(announced).collect();
    }
    let seen = |idx: usize| match has_cycles {
        true => cycle_name(run, hits[idx].row),
        false => "announced here".to_owned(),
    };
    let finding = as_finding(&RULE, run.run, &hits, seen, |_| {
        let verb = if hits.len() == 1 { "is" } else { "are" };
        let of_all = if cycles.is_empty() { String::new() } else { format!(" of {}", cycles.len()) };
        Words {
            severity: Severity::Hint,
            message: format!(
                "{}{of_all} {verb} periodic: the process allocated too little to reach the goal in 2 minutes.",
                count(hits.len(), "cycle")
            ),
            numbers: vec![("periodic_cycles", hits.len() as f64)],
        }
    });
    if let Some(finding) = finding {
        let is_announced = !run.timer_lines.is_empty();
        let mut test = Test::default();
        test.fact(
            if is_announced { "announced by a line GC forced" } else { "120 to 180 s after the cycle before" },
            true,
        );
        if !is_announced {
            test.fact("little of the room up to the goal was used", true);
        }
        findings.push(Finding { test, ..finding });
    }
}

/// Whether a cycle came by the clock and not by allocation, as far as the log shows it.
pub(crate) fn is_periodic(cycles: &Cycles, row: usize) -> bool {
    cycles.timer[row] || looks_periodic(cycles, row, &Limits::defaults(LIMITS))
}

/// Whether an unannounced cycle came by the clock and not by allocation. Never without times and goals.
fn looks_periodic(cycles: &Cycles, row: usize, limits: &Limits) -> bool {
    let Some(before) = row.checked_sub(1) else { return false };
    let live = cycles.heap_live_mb[before];
    let used = cycles.heap_start_mb[row] - live;
    let room = cycles.heap_goal_mb[row] - live;
    !cycles.forced[row]
        && !cycles.leak_check[row]
        && DISTANCE_S.contains(&interval_s(cycles, before))
        && room > 0.0
        && used < limits.get("max_room_used") * room
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;
    use crate::rules::fixture::{check, findings_in};

    const RESTING: &str = "\
gc 3 @0.776s 10%: 53+170+0.027 ms clock, 106+0.063/58/1.2+0.054 ms cpu, 24->28->28 MB, 28 MB goal, 0 MB stacks, 0 MB globals, 4 P
GC forced
gc 4 @121.013s 0%: 0.047+0.43+0.004 ms clock, 0.094+0/0.20/0+0.008 ms cpu, 28->28->0 MB, 57 MB goal, 0 MB stacks, 0 MB globals, 4 P
GC forced
gc 5 @241.020s 0%: 0.047+0.43+0.004 ms clock, 0.094+0/0.20/0+0.008 ms cpu, 0->0->0 MB, 4 MB goal, 0 MB stacks, 0 MB globals, 4 P
";

    #[test]
    fn announced_cycles() {
        check(
            &RULE,
            RESTING,
            expect![[r#"
                3:n Hint GC502: 2 cycles of 3 are periodic: the process allocated too little to reach the goal in 2 minutes.
                  5:n as bad: gc 5 @241.020s
                  further 5:n
            "#]],
        );
    }

    #[test]
    fn the_distance_tells_where_the_announcement_was_filtered_out() {
        let filtered: String =
            RESTING.lines().filter(|line| *line != "GC forced").map(|line| format!("{line}\n")).collect();
        check(
            &RULE,
            &filtered,
            expect![[r#"
                2:n Hint GC502: 2 cycles of 3 are periodic: the process allocated too little to reach the goal in 2 minutes.
                  3:n as bad: gc 5 @241.020s
                  further 3:n
            "#]],
        );
        // Just below two minutes.
        assert_eq!(findings_in(&RULE, &filtered.replace("@121.013s", "@120.6s").replace("@241.020s", "@240.4s")), "");
    }

    #[test]
    fn a_cycle_after_two_minutes_that_allocation_started_is_not_periodic() {
        let busy = "\
gc 3 @0.776s 10%: 53+170+0.027 ms clock, 106+0.063/58/1.2+0.054 ms cpu, 24->28->28 MB, 28 MB goal, 0 MB stacks, 0 MB globals, 4 P
gc 4 @131.013s 0%: 0.047+0.43+0.004 ms clock, 0.094+0/0.20/0+0.008 ms cpu, 52->53->28 MB, 57 MB goal, 0 MB stacks, 0 MB globals, 4 P
";
        assert_eq!(findings_in(&RULE, busy), "");
        let half = busy.replace("52->53", "43->43");
        assert_eq!(findings_in(&RULE, &half), "", "15 of 29 MB");
        assert_ne!(findings_in(&RULE, &half.replace("43->43", "42->42")), "", "14 of 29 MB");
    }

    #[test]
    fn a_call_of_runtime_gc_every_two_minutes_is_not_periodic() {
        let calls = RESTING.replace("GC forced\n", "").replace(" P\n", " P (forced)\n");
        assert_eq!(findings_in(&RULE, &calls), "");
    }

    #[test]
    fn a_missing_line_in_between_says_nothing() {
        let gap = RESTING.replace("GC forced\n", "").replace("gc 4 ", "gc 40 ").replace("gc 5 ", "gc 50 ");
        assert_eq!(findings_in(&RULE, &gap), "");
    }

    #[test]
    fn announcements_without_their_cycle_count() {
        check(
            &RULE,
            "GC forced\n",
            expect![[r#"
                1 Hint GC502: 1 cycle is periodic: the process allocated too little to reach the goal in 2 minutes.
            "#]],
        );
    }

    #[test]
    fn silent_without_times() {
        let line = |n| {
            format!(
                "gc{n}(2): 26+1+87+0 us, 0 -> 0 MB, 30 (30-0) objects, 2 goroutines, 21/0/0 sweeps, 0(0) handoff, \
                 1(2) steal, 16/1/0 yields\n"
            )
        };
        assert_eq!(findings_in(&RULE, &(1..9).map(line).collect::<String>()), "");
    }
}
