//! ## What it looks for
//!
//! Ten cycles or more in a row during which a collection is in progress at least half of the time, for a second or longer
//! in all; in runs shorter than five seconds a fifth of the run is enough. Eight of ten cycles must show it each by
//! itself, so that one long mark among short ones does not count.
//!
//! ## Why it matters
//!
//! While a cycle is in progress a quarter of the CPUs marks, every pointer write costs more, and goroutines that allocate
//! are made to help. Normal programs are in a cycle up to 16 % of the time, bursts of large buffers 38 %, programs that
//! only allocate 68 % (medians of recorded runs).
//!
//! ## What to do next
//!
//! Find out who allocates:
//!
//! ```sh
//! # who allocates most, by bytes since start
//! go tool pprof -sample_index=alloc_space http://HOST/debug/pprof/heap
//! ```
//!
//! Where memory allows, raise GOGC: twice the value about halves the number of cycles. If `memory-limit-active` speaks
//! too, only a higher limit or a smaller live heap helps.
//!
//! ## Limits
//!
//! Silent where a memory limit is the reason (`memory-limit-thrash`), and where most of the time is long pauses
//! (`stw-long`). Cycles that the program asked for (`runtime.GC` in a loop, benchmarks) are left out. Times have three
//! decimals, so cycles less than a few milliseconds apart are only right together. It speaks of 29 of 1,192 recorded logs;
//! without the second it would of four more, two of them benchmarks and one a start of 0.2 s. Needs Go 1.5 or later:
//! earlier releases print no times.
//!
//! ## Example
//!
//! ```text
//! gc 16 @1.140s 27%: 4.1+76+4.1 ms clock, 8.2+99/37/0+8.2 ms cpu, 73->88->51 MB, 75 MB goal, 0 MB stacks, 0 MB globals, 4 P
//! gc 17 @1.268s 29%: 8.9+58+0.056 ms clock, 17+65/29/0+0.11 ms cpu, 84->95->51 MB, 103 MB goal, 0 MB stacks, 0 MB globals, 4 P
//! ```

use std::ops::Range;

use tracelog::catalog::gc;

use super::evidence::{Bound, Test};
use super::point::cycle_name;
use super::{Check, Finding, Findings, Kind, Limit, Limits, Place, Related, Rule, Severity, limit};
use crate::derived::{cycle_wall_ms, cycle_walls_ms, interval_s, intervals_s};
use crate::environment;
use crate::view::{Cycles, RunView};
use crate::words::percent;

/// GC202.
pub(crate) static RULE: Rule = Rule {
    code: "GC202",
    slug: "gc-back-to-back",
    title: "A collection is in progress most of the time",
    severity: Severity::Warning,
    kind: Kind::Point,
    reads: &[gc::N, gc::AT_S, gc::WALL_MARK_MS],
    limits: LIMITS,
    check: Check::Run(check),
};

const LIMITS: &[Limit] = &[
    limit("min_duty", 0.5, "of the time", "Share of time with a cycle in progress."),
    limit("min_cycles", 10.0, "cycles", "How many cycles in a row must show it together."),
    limit("min_span_s", 1.0, "s", "How long such stretches must last in all."),
    limit("min_share_of_run", 0.2, "of the run", "How much of a shorter run they must be instead."),
];

/// Share of the cycles of a window that must each show it by themselves.
const EACH: f64 = 0.8;

/// Share of the time in cycles that are long pauses, and from when on a pause is long: stw-long speaks of those.
const MOSTLY_PAUSES: f64 = 0.5;
const LONG_PAUSE_MS: f64 = 10.0;

/// From this share of time on the cycles leave no room between them.
const HARDLY_A_BREAK: f64 = 0.8;

fn check(run: &RunView, limits: &Limits, findings: &mut Findings) {
    let cycles = &run.cycles;
    let mut stretches = stretches(cycles, limits);
    if stretches.is_empty() {
        return;
    }
    if let Some(pressed) = environment::pressed_by_limit(run) {
        stretches.retain(|stretch| stretch.end <= pressed.rows.0 || stretch.start > pressed.rows.1);
    }
    stretches.retain(|stretch| pauses_s(cycles, stretch) < MOSTLY_PAUSES * busy_s(cycles, stretch));
    let Some(worst) = stretches.iter().max_by(|a, b| span_s(cycles, a).total_cmp(&span_s(cycles, b))) else { return };
    let in_all_s: f64 = stretches.iter().map(|stretch| span_s(cycles, stretch)).sum();
    let needed_s = enough_s(cycles, limits.get("min_span_s"), limits.get("min_share_of_run"));
    let duty = busy_s(cycles, worst) / span_s(cycles, worst);

    let mut test = Test::default();
    let holds = test.data("cycles in a row", worst.len() as f64, limits.get("min_cycles"), "")
        && test.value(
            "time with a cycle in progress",
            100.0 * duty,
            Bound::AtLeast(100.0 * limits.get("min_duty")),
            "%",
        )
        && test.data("such stretches last in all", in_all_s, needed_s, "s");
    if !holds {
        return;
    }
    let (first, last) = (worst.start, worst.end - 1);
    let (from, to) = (cycles.at_s[first], cycles.at_s[last]);
    let others = match stretches.len() {
        1 => String::new(),
        n => format!(", {n} such stretches of {in_all_s:.1} s in all"),
    };
    let meaning = if duty >= HARDLY_A_BREAK { "; collections run back to back" } else { "" };
    let place = |row: usize| Place { line: cycles.line[row], field: Some(gc::N) };
    let related =
        |row: usize, what: &str| Related { place: place(row), text: format!("{what}: {}", cycle_name(run, row)) };
    findings.push(Finding {
        run: Some(run.run),
        place: place(last),
        message: format!(
            "A cycle is in progress {} of the time ({} cycles in a row, {from:.1} to {to:.1} s{others}){meaning}.",
            percent(duty.min(1.0)),
            worst.len(),
        ),
        related: vec![related(first, "the longest stretch begins"), related(last, "and ends")],
        count: stretches.iter().map(ExactSizeIterator::len).sum(),
        numbers: vec![("duty", duty), ("from_s", from), ("to_s", to), ("span_s", in_all_s)],
        test,
        ..Finding::about(&RULE)
    });
}

/// How long something must last in all: so many seconds, or a share of a run that is short.
pub(crate) fn enough_s(cycles: &Cycles, seconds: f64, share_of_run: f64) -> f64 {
    let times = || cycles.at_s.iter().copied().filter(|at_s| at_s.is_finite());
    let run_s = times().next_back().unwrap_or(f64::NAN) - times().next().unwrap_or(f64::NAN);
    // NaN where there are no times: nothing is ever enough.
    if run_s.is_finite() { seconds.min(share_of_run * run_s) } else { f64::NAN }
}

fn span_s(cycles: &Cycles, rows: &Range<usize>) -> f64 {
    rows.clone().map(|row| interval_s(cycles, row)).sum()
}

/// Time in pauses that are long, s: the short ones of hundreds of small cycles belong to them.
fn pauses_s(cycles: &Cycles, rows: &Range<usize>) -> f64 {
    rows.clone().map(|row| cycles.pause_ms[row]).filter(|ms| *ms >= LONG_PAUSE_MS).sum::<f64>() / 1000.0
}

fn busy_s(cycles: &Cycles, rows: &Range<usize>) -> f64 {
    rows.clone().map(|row| cycle_wall_ms(cycles, row) / 1000.0).sum()
}

/// The stretches of rows in which a cycle is in progress most of the time: windows of so many cycles that show it, put
/// together where they overlap.
fn stretches(cycles: &Cycles, limits: &Limits) -> Vec<Range<usize>> {
    let (length, min_duty) = (limits.get("min_cycles") as usize, limits.get("min_duty"));
    if length == 0 {
        return Vec::new();
    }
    let (walls_ms, intervals_s) = (cycle_walls_ms(cycles), intervals_s(cycles));
    let is_busy = |row: usize| walls_ms[row] / 1000.0 >= min_duty * intervals_s[row];
    // Most runs have too few busy cycles for any window.
    if ((0..cycles.len()).filter(|row| is_busy(*row)).count() as f64) < EACH * length as f64 {
        return Vec::new();
    }
    let mut stretches: Vec<Range<usize>> = Vec::new();
    let mut sums = Sums::default();
    for row in 0..cycles.len() {
        let (busy_s, span_s) = (walls_ms[row] / 1000.0, intervals_s[row]);
        let is_usable = (busy_s + span_s).is_finite() && !cycles.forced[row] && !cycles.leak_check[row];
        if !is_usable {
            sums = Sums::default();
            continue;
        }
        sums.add(busy_s, span_s, min_duty);
        if sums.rows > length {
            let old = row - length;
            sums.take(walls_ms[old] / 1000.0, intervals_s[old], min_duty);
        }
        let is_busy = sums.busy_s >= min_duty * sums.span_s && sums.busy_rows as f64 >= EACH * length as f64;
        if sums.rows == length && is_busy {
            let start = row + 1 - length;
            match stretches.last_mut().filter(|last| start <= last.end) {
                Some(last) => last.end = row + 1,
                None => stretches.push(start..row + 1),
            }
        }
    }
    // What is quiet at the ends came in with a window whose other rows are busy.
    for stretch in &mut stretches {
        while stretch.start < stretch.end && !is_busy(stretch.start) {
            stretch.start += 1;
        }
        while stretch.start < stretch.end && !is_busy(stretch.end - 1) {
            stretch.end -= 1;
        }
    }
    stretches
}

/// Sums over the rows of a window.
#[derive(Default)]
struct Sums {
    rows: usize,
    busy_rows: usize,
    busy_s: f64,
    span_s: f64,
}

impl Sums {
    fn add(&mut self, busy_s: f64, span_s: f64, min_duty: f64) {
        self.rows += 1;
        self.busy_rows += usize::from(busy_s >= min_duty * span_s);
        self.busy_s += busy_s;
        self.span_s += span_s;
    }

    fn take(&mut self, busy_s: f64, span_s: f64, min_duty: f64) {
        self.rows -= 1;
        self.busy_rows -= usize::from(busy_s >= min_duty * span_s);
        self.busy_s -= busy_s;
        self.span_s -= span_s;
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;
    use crate::rules::fixture::{GcLine, check, findings_in, findings_with, gc_lines, view};

    /// `n` cycles 100 ms apart after a minute of quiet ones; each marks for so long.
    fn busy(n: u64, mark_ms: impl Fn(u64) -> f64) -> String {
        gc_lines(120 + n, |idx| match idx.checked_sub(120) {
            None => GcLine { n: idx + 1, at_s: idx as f64 / 2.0, ..GcLine::default() },
            Some(busy) => GcLine {
                n: idx + 1,
                at_s: 60.0 + busy as f64 / 10.0,
                clock_ms: [0.02, mark_ms(busy), 0.01],
                ..GcLine::default()
            },
        })
    }

    #[test]
    fn tells_how_long_and_how_many_in_a_row() {
        check(
            &RULE,
            &busy(31, |_| 90.0),
            expect![[r#"
                150:n Warning GC202: A cycle is in progress 90 % of the time (30 cycles in a row, 60.0 to 62.9 s); collections run back to back.
                  121:n the longest stretch begins: gc 121 @60.000s
                  150:n and ends: gc 150 @62.900s
            "#]],
        );
        // In two stretches.
        let pause = |idx: u64| if (15..25).contains(&idx) { 1.0 } else { 60.0 };
        check(
            &RULE,
            &busy(41, pause),
            expect![[r#"
                160:n Warning GC202: A cycle is in progress 60 % of the time (15 cycles in a row, 62.5 to 63.9 s, 2 such stretches of 3.0 s in all).
                  146:n the longest stretch begins: gc 146 @62.500s
                  160:n and ends: gc 160 @63.900s
            "#]],
        );
    }

    #[test]
    fn silent_just_below_each_limit() {
        // The last cycle has no successor, so 12 lines are 11 cycles.
        assert_ne!(findings_in(&RULE, &busy(12, |_| 50.0)), "");
        assert_eq!(findings_in(&RULE, &busy(12, |_| 49.0)), "", "in progress for less than half of the time");
        assert_eq!(findings_in(&RULE, &busy(9, |_| 99.0)), "", "nine cycles");
        let long = view(&busy(12, |_| 90.0));
        assert_eq!(findings_with(&RULE, &long, &[("min_span_s".into(), 1.2)]), "", "1.1 s");
    }

    #[test]
    fn one_long_mark_makes_no_stretch() {
        // 900 ms of 1 s in one cycle: the others fit into the rest.
        let log = gc_lines(60, |idx| GcLine {
            n: idx + 1,
            at_s: idx as f64 / 10.0 + if idx > 30 { 3.0 } else { 0.0 },
            clock_ms: [0.02, if idx == 30 { 3000.0 } else { 5.0 }, 0.01],
            ..GcLine::default()
        });
        assert_eq!(findings_in(&RULE, &log), "");
    }

    #[test]
    fn a_short_run_is_judged_by_its_share() {
        let short = |n, mark_ms| {
            gc_lines(n, |idx| GcLine {
                n: idx + 1,
                at_s: idx as f64 / 100.0,
                clock_ms: [0.02, mark_ms, 0.01],
                ..GcLine::default()
            })
        };
        assert_ne!(findings_in(&RULE, &short(60, 8.0)), "", "0.6 s of a run of 0.6 s");
        assert_eq!(findings_in(&RULE, &short(60, 2.0)), "");
    }

    #[test]
    fn forced_cycles_in_a_loop_are_left_out() {
        assert_eq!(findings_in(&RULE, &busy(60, |_| 90.0).replace(" P\n", " P (forced)\n")), "");
    }

    #[test]
    fn long_pauses_are_another_story() {
        let log = gc_lines(60, |idx| GcLine {
            n: idx + 1,
            at_s: idx as f64,
            clock_ms: [700.0, 10.0, 0.01],
            ..GcLine::default()
        });
        assert_eq!(findings_in(&RULE, &log), "");
    }

    #[test]
    fn silent_where_the_memory_limit_is_the_reason() {
        // Effective GOGC of 2 after a healthy beginning: memory-limit-thrash speaks.
        let pressed = gc_lines(60, |idx| GcLine {
            n: idx + 1,
            at_s: if idx < 20 { idx as f64 } else { 20.0 + (idx - 20) as f64 / 10.0 },
            clock_ms: [0.02, if idx < 20 { 1.0 } else { 80.0 }, 0.01],
            heap_mb: if idx < 20 { [59, 59, 30, 60] } else { [60, 61, 60, 61] },
            ..GcLine::default()
        });
        assert_ne!(findings_in(&super::super::memory_limit_thrash::RULE, &pressed), "");
        assert_eq!(findings_in(&RULE, &pressed), "");
    }

    #[test]
    fn silent_for_releases_without_times() {
        let line = |n| format!("gc{n}(2): 0+30+2 ms, 5 -> 5 MB 107296 -> 107296 (107316-20) objects, 0(0) handoff\n");
        assert_eq!(findings_in(&RULE, &(1..60).map(line).collect::<String>()), "");
    }
}
