//! ## What it looks for
//!
//! Marking that got slow compared with the run's own history: in 20 seconds with at least six cycles that can be measured
//! (2 ms of mark, 8 MB live, not asked for by the program or the clock), a quarter of them and at least three mark less
//! than a third of the median of all cycles before, in MB per ms of P-time.
//!
//! ## Why it matters
//!
//! P-time goes on counting while the operating system keeps a thread from running. When the same heap takes three times
//! the P-time, the process did not get the CPU that its Ps stand for: it was throttled by a quota, or the host was busy.
//! Everything else in the program was slower in that time, too.
//!
//! ## What to do next
//!
//! ```sh
//! # how often the container was out of CPU quota (nr_throttled, throttled_usec)
//! cat /sys/fs/cgroup/cpu.stat
//! ```
//!
//! Where `nr_throttled` rises, set GOMAXPROCS to the quota (Go 1.25 does so by itself for modules at `go 1.25`) or raise
//! the quota. Else look at the load of the host at that time.
//!
//! ## Limits
//!
//! The heap itself can have changed: many small objects with pointers take longer to mark than large blocks of bytes, so
//! a cache that fills with small entries looks alike. The share of time that workers hold a P (the numbers of the line)
//! says nothing here: it stays the same when they are stopped. Processes that were stopped for 60 of every 100 ms were
//! recognized 15 to 27 s later in four of four runs. Needs twelve cycles before, and the times of Go 1.5.
//!
//! ## Example
//!
//! ```text
//! gc 40 @12.210s 2%: 0.046+14+0.005 ms clock, 0.18+0.048/26/24+0.021 ms cpu, 118->120->60 MB, 121 MB goal, 0 MB stacks, 0 MB globals, 4 P
//! gc 41 @12.731s 2%: 0.053+81+0.006 ms clock, 0.21+0.11/155/150+0.024 ms cpu, 118->121->60 MB, 121 MB goal, 0 MB stacks, 0 MB globals, 4 P
//! ```

use std::collections::VecDeque;

use tracelog::catalog::gc;

use super::evidence::{Bound, Confidence, Test};
use super::point::cycle_name;
use super::{Check, Finding, Findings, Kind, Limit, Limits, Place, Related, Rule, Severity, limit};
use crate::derived::mark_speed_mb_per_ms;
use crate::stats::{RunningMedian, median};
use crate::view::{Cycles, RunView};
use crate::words::{number, rough};

/// GC205.
pub(crate) static RULE: Rule = Rule {
    code: "GC205",
    slug: "mark-starved",
    title: "Marking became much slower than it was",
    severity: Severity::Info,
    kind: Kind::Point,
    reads: &[gc::WALL_MARK_MS, gc::CPU_BACKGROUND_MS, gc::CPU_IDLE_MS, gc::CPU_ASSIST_MS],
    limits: LIMITS,
    check: Check::Run(check),
};

const LIMITS: &[Limit] = &[
    limit("factor", 3.0, "times", "How many times slower than usual a cycle must mark."),
    limit("min_earlier", 12.0, "cycles", "How many cycles before say what is usual."),
    limit("window_s", 20.0, "s", "Time in which slow cycles are counted."),
    limit("min_cycles", 6.0, "cycles", "How many cycles must be in it."),
    limit("min_slow", 3.0, "cycles", "How many of them must be slow."),
    limit("min_slow_share", 0.25, "of the cycles", "What share of them must be slow."),
];

/// A stretch of time with slow marking.
#[derive(Clone, Debug)]
pub(crate) struct Starved {
    /// First and last cycle, by row.
    pub(crate) rows: (usize, usize),
    /// Its slow cycles.
    slow: Vec<usize>,
    /// All its measured cycles.
    n_measured: usize,
    /// Median speed of the slow ones, and of those before, MB per ms of P-time.
    speeds: (f64, f64),
}

/// The worst stretch of a run with this rule's own limits; other rules say "at most" there.
pub(crate) fn starved(run: &RunView) -> Option<Starved> {
    worst(&run.cycles, &Limits::defaults(LIMITS))
}

fn check(run: &RunView, limits: &Limits, findings: &mut Findings) {
    let cycles = &run.cycles;
    let Some(found) = worst(cycles, limits) else { return };
    let Starved { rows: (first, last), slow, n_measured, speeds: (speed, usual) } = found;
    let share = slow.len() as f64 / n_measured as f64;
    let mut test = Test::default();
    test.data("measured cycles", n_measured as f64, limits.get("min_cycles"), "");
    test.data("slow cycles", slow.len() as f64, limits.get("min_slow"), "");
    test.value("share of slow cycles", 100.0 * share, Bound::AtLeast(100.0 * limits.get("min_slow_share")), "%");
    test.value("times slower than usual", usual / speed, Bound::AtLeast(limits.get("factor")), "");
    // Of equally slow ones the first.
    let slowest = slow
        .iter()
        .copied()
        .min_by(|&a, &b| mark_speed_mb_per_ms(cycles, a).total_cmp(&mark_speed_mb_per_ms(cycles, b)))
        .unwrap_or(last);
    let place = |row: usize| Place { line: cycles.line[row], field: Some(gc::WALL_MARK_MS) };
    let related = |row: usize, what: &str| Related {
        place: place(row),
        text: format!("{what}: {} ms of mark in {}", rough(cycles.mark_ms[row]), cycle_name(run, row)),
    };
    findings.push(Finding {
        run: Some(run.run),
        place: place(slowest),
        message: format!(
            "Marking went {} times slower than usual in {} of {n_measured} cycles between {:.0} and {:.0} s ({} instead of \
             {} MB per ms of P-time): the process was short of CPU, or the heap changed.",
            rough(usual / speed),
            slow.len(),
            cycles.at_s[first],
            cycles.at_s[last],
            number(speed),
            number(usual),
        ),
        related: vec![related(slow[0], "first slow"), related(slow[slow.len() - 1], "last slow")],
        count: slow.len(),
        numbers: vec![
            ("mb_per_ms", speed),
            ("usual_mb_per_ms", usual),
            ("slow_cycles", slow.len() as f64),
            ("measured_cycles", n_measured as f64),
        ],
        test,
        confidence: Some(Confidence::Moderate),
        ..Finding::about(&RULE)
    });
}

/// A measured cycle.
struct Measured {
    row: usize,
    at_s: f64,
    is_slow: bool,
}

/// The speed of marking in every cycle that the program itself caused, where it is measured; else NaN.
fn speeds(cycles: &Cycles) -> Vec<f64> {
    let is_asked_for = |row: usize| cycles.forced[row] || cycles.timer[row] || cycles.leak_check[row];
    let mut latest_s = f64::NEG_INFINITY;
    let speed = |row: usize| {
        let at_s = cycles.at_s[row];
        // Times that go back would make windows without end.
        if is_asked_for(row) || !at_s.is_finite() || at_s < latest_s {
            return f64::NAN;
        }
        let speed = mark_speed_mb_per_ms(cycles, row);
        if speed.is_finite() {
            latest_s = at_s;
        }
        speed
    };
    (0..cycles.len()).map(speed).collect()
}

/// The rows that mark so many times slower than the median of those before, where there are enough of these.
fn slow_rows(speeds: &[f64], factor: f64, min_earlier: f64) -> Vec<usize> {
    let (lowest, highest) =
        speeds.iter().fold((f64::INFINITY, 0.0_f64), |(low, high), speed| (low.min(*speed), high.max(*speed)));
    // What is usual is at most the largest.
    if lowest >= highest / factor {
        return Vec::new();
    }
    let mut earlier = RunningMedian::default();
    let mut slow = Vec::new();
    for (row, speed) in speeds.iter().enumerate().filter(|(_, speed)| speed.is_finite()) {
        let usual = earlier.median().filter(|_| earlier.len() as f64 >= min_earlier);
        if usual.is_some_and(|usual| *speed < usual / factor) {
            slow.push(row);
        }
        earlier.push(*speed);
    }
    slow
}

/// Of all windows with enough slow cycles, the one with the largest share of them.
fn worst(cycles: &Cycles, limits: &Limits) -> Option<Starved> {
    let (factor, min_earlier) = (limits.get("factor"), limits.get("min_earlier"));
    let window_s = limits.get("window_s");
    let (min_cycles, min_slow, min_share) =
        (limits.get("min_cycles"), limits.get("min_slow"), limits.get("min_slow_share"));
    let all = speeds(cycles);
    let slow_rows = slow_rows(&all, factor, min_earlier);
    if slow_rows.is_empty() || (slow_rows.len() as f64) < min_slow {
        return None;
    }
    let mut next_slow = slow_rows.iter().peekable();
    let mut window: VecDeque<Measured> = VecDeque::new();
    let mut n_slow = 0_usize;
    let mut worst: Option<(f64, Range)> = None;
    for row in (0..cycles.len()).filter(|row| all[*row].is_finite()) {
        let at_s = cycles.at_s[row];
        let is_slow = next_slow.next_if_eq(&&row).is_some();
        window.push_back(Measured { row, at_s, is_slow });
        n_slow += usize::from(is_slow);
        // The last one is in it, whatever the setting is.
        while window.len() > 1 && at_s - window[0].at_s > window_s {
            n_slow -= window.pop_front().map_or(0, |first| usize::from(first.is_slow));
        }
        if n_slow == 0 {
            continue;
        }
        let n = window.len();
        let share = n_slow as f64 / n as f64;
        let is_found = n as f64 >= min_cycles && n_slow as f64 >= min_slow && share >= min_share;
        if is_found && worst.as_ref().is_none_or(|(most, _)| share > *most) {
            let slow = window.iter().filter(|one| one.is_slow).map(|one| one.row).collect();
            worst = Some((share, Range { rows: (window[0].row, row), slow, n_measured: n }));
        }
    }
    let (_, Range { rows, slow, n_measured }) = worst?;
    let slow_speeds: Vec<f64> = slow.iter().map(|row| all[*row]).collect();
    let speeds = (median(&slow_speeds)?, median(&all[..*slow.first()?])?);
    Some(Starved { rows, n_measured, speeds, slow })
}

/// The cycles of a window.
struct Range {
    /// First and last.
    rows: (usize, usize),
    slow: Vec<usize>,
    n_measured: usize,
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;
    use crate::rules::fixture::{GcLine, check, findings_in, gc_lines};

    /// `n` cycles two seconds apart with 60 MB live, which take so many ms of P-time to mark.
    fn marks(n: u64, background_ms: impl Fn(u64) -> f64) -> String {
        marks_apart(2.0, n, background_ms)
    }

    fn marks_apart(apart_s: f64, n: u64, background_ms: impl Fn(u64) -> f64) -> String {
        gc_lines(n, |idx| GcLine {
            n: idx + 1,
            at_s: apart_s * idx as f64,
            clock_ms: [0.02, background_ms(idx) / 2.0, 0.01],
            cpu_ms: [0.0, background_ms(idx)],
            heap_mb: [118, 120, 60, 121],
            ..GcLine::default()
        })
    }

    /// Every third cycle from the 30th on takes so many times as long.
    fn starved(factor: f64) -> String {
        marks(60, |idx| if idx >= 30 && idx.is_multiple_of(3) { 20.0 * factor } else { 20.0 })
    }

    #[test]
    fn tells_how_much_slower_and_how_often() {
        check(
            &RULE,
            &starved(4.0),
            expect![[r#"
            31:wall_mark_ms Info GC205: Marking went 4 times slower than usual in 4 of 11 cycles between 58 and 78 s (0.75 instead of 3 MB per ms of P-time): the process was short of CPU, or the heap changed.
              31:wall_mark_ms first slow: 40 ms of mark in gc 31 @60.000s
              40:wall_mark_ms last slow: 40 ms of mark in gc 40 @78.000s
        "#]],
        );
    }

    #[test]
    fn silent_just_below_each_limit() {
        assert_eq!(findings_in(&RULE, &starved(2.9)), "");
        let every = |step: u64, n: u64| {
            marks(60, |idx| if idx >= 30 && idx < 30 + n && idx.is_multiple_of(step) { 80.0 } else { 20.0 })
        };
        assert_ne!(findings_in(&RULE, &every(3, 7)), "", "three slow cycles");
        assert_eq!(findings_in(&RULE, &every(3, 6)), "", "two slow cycles");
        let fifth = marks_apart(1.0, 90, |idx| if idx >= 30 && idx.is_multiple_of(5) { 80.0 } else { 20.0 });
        assert_eq!(findings_in(&RULE, &fifth), "", "5 of 21 cycles");
    }

    #[test]
    fn silent_without_history() {
        let slow_from = |first: u64, n: u64| marks(n, |idx| if idx < first { 20.0 } else { 80.0 });
        assert_ne!(findings_in(&RULE, &slow_from(12, 15)), "");
        assert_eq!(findings_in(&RULE, &slow_from(11, 14)), "", "two slow cycles that have twelve before them");
        assert_eq!(findings_in(&RULE, &marks(40, |_| 80.0)), "", "what is always slow is usual");
    }

    #[test]
    fn what_the_program_or_the_clock_asked_for_does_not_count() {
        let forced: String = starved(4.0)
            .lines()
            .map(|line| if line.contains("0/80/0") { format!("{line} (forced)\n") } else { format!("{line}\n") })
            .collect();
        assert_eq!(findings_in(&RULE, &forced), "");
        let timer: String = starved(4.0)
            .lines()
            .map(|line| if line.contains("0/80/0") { format!("GC forced\n{line}\n") } else { format!("{line}\n") })
            .collect();
        assert_eq!(findings_in(&RULE, &timer), "");
    }

    #[test]
    fn a_heap_that_grows_marks_longer_and_not_slower() {
        let log = gc_lines(60, |idx| GcLine {
            n: idx + 1,
            at_s: 2.0 * idx as f64,
            clock_ms: [0.02, 5.0 + idx as f64, 0.01],
            cpu_ms: [0.0, 10.0 + 2.0 * idx as f64],
            heap_mb: [118, 120, 20 + 4 * idx, 121],
            ..GcLine::default()
        });
        assert_eq!(findings_in(&RULE, &log), "");
    }

    #[test]
    fn silent_for_small_heaps_and_old_releases() {
        let small = starved(4.0).replace("118->120->60 MB", "14->15->7 MB");
        assert_eq!(findings_in(&RULE, &small), "");
        let line = |n| format!("gc{n}(2): 0+30+2 ms, 5 -> 5 MB 107296 -> 107296 (107316-20) objects, 0(0) handoff\n");
        assert_eq!(findings_in(&RULE, &(1..60).map(line).collect::<String>()), "");
    }
}
