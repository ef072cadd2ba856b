//! ## What it looks for
//!
//! Ten cycles or more in a row in which the goal is hardly above the live heap (effective GOGC below 10) and a cycle is
//! in progress at least half of the time, for a second or longer in all; where the log shows that GOGC itself is higher,
//! so that only a memory limit can have pulled the goal down.
//!
//! ## Why it matters
//!
//! The live heap has reached the memory limit. Each collection frees next to nothing and the next one starts at once; the
//! program still runs, but crawls. The runtime caps the collector at about half of the CPU, so this can go on for hours.
//! The percentage in the line is an average since start and looks harmless for long.
//!
//! ## What to do next
//!
//! Either something leaks (see `live-heap-leak`, `live-heap-compounding`; take two heap profiles) or the limit is too
//! small for what the program needs: only a higher GOMEMLIMIT or a smaller live heap helps. A GOGC value does nothing
//! here, the runtime takes the smaller of the two goals. If the process should rather die and be restarted than crawl,
//! leave the memory limit away and rely on the container's.
//!
//! ```sh
//! # two heap profiles a minute apart, compared
//! curl -so before.pb.gz http://HOST/debug/pprof/heap && sleep 60 && curl -so after.pb.gz http://HOST/debug/pprof/heap && go tool pprof -sample_index=inuse_space -diff_base before.pb.gz after.pb.gz
//! ```
//!
//! ## Limits
//!
//! Needs a live heap of 20 MB or more, and the beginning of the run or a time before the trouble. A very low GOGC set on
//! purpose looks alike and is not reported. Forced collections are left out. Go 1.19 and later only.
//!
//! ## Example
//!
//! ```text
//! gc 165 @4.670s 6%: 0.88+24+0.19 ms clock, 1.7+0.039/18/3.5+0.39 ms cpu, 61->65->61 MB, 61 MB goal, 0 MB stacks, 0 MB globals, 4 P
//! gc 166 @4.697s 6%: 2.2+13+0.003 ms clock, 4.5+0.25/0.001/1.1+0.007 ms cpu, 61->64->60 MB, 61 MB goal, 0 MB stacks, 0 MB globals, 4 P
//! ```

use std::ops::Range;

use tracelog::catalog::gc;

use super::evidence::{Bound, Test};
use super::memory_limit_active::{InCharge, may_have_memory_limit};
use super::point::cycle_name;
use super::{Check, Finding, Findings, Kind, Limit, Limits, Place, Related, Rule, Severity, limit};
use crate::derived::{duty_over, effective_gogc_pct, gc_share_over, interval_s};
use crate::stats::median;
use crate::view::{Cycles, RunView};
use crate::words::percent;

/// GC403.
pub(crate) static RULE: Rule = Rule {
    code: "GC403",
    slug: "memory-limit-thrash",
    title: "Collections run back to back against the memory limit",
    severity: Severity::Error,
    kind: Kind::Point,
    reads: &[gc::HEAP_GOAL_MB, gc::HEAP_LIVE_MB],
    limits: LIMITS,
    check: Check::Run(check),
};

const LIMITS: &[Limit] = &[
    limit("max_gogc", 10.0, "%", "Effective GOGC below which the goal counts as pressed onto the live heap."),
    limit("min_duty", 0.5, "of the time", "Share of time with a cycle in progress."),
    limit("min_cycles", 10.0, "cycles", "How many cycles in a row must show both."),
    limit("min_span_s", 1.0, "s", "How long such stretches must last in all."),
];

/// Effective GOGC above which the setting itself cannot be the cause, in percent.
const CLEARLY_HIGHER_GOGC: f64 = 20.0;

/// Stretches in which cycles run back to back against a limit.
struct Thrash {
    windows: Vec<Range<usize>>,
    /// All rows of the windows; never empty.
    rows: Vec<usize>,
    /// The row at which there was enough to say so.
    evident: usize,
}

fn thrash(run: &RunView, limits: &Limits) -> Option<Thrash> {
    let cycles = &run.cycles;
    if !may_have_memory_limit(run) {
        return None;
    }
    let windows = thrashing_windows(cycles, limits);
    let rows = rows_of(&windows);
    let mut span_s = 0.0;
    let evident = rows.iter().copied().find(|&row| {
        span_s += interval_s(cycles, row);
        span_s >= limits.get("min_span_s")
    })?;
    gogc_is_higher(cycles, *rows.last()?).then_some(Thrash { windows, rows, evident })
}

/// Finds the cycles that a memory limit presses, as the configuration of a run tells it: whatever the rule's settings
/// are. Their goal is the live heap and says nothing about the limit.
pub(crate) fn in_charge(run: &RunView) -> Option<InCharge> {
    let defaults = Limits::defaults(LIMITS);
    let rows = thrash(run, &defaults)?.rows;
    let goals: Vec<f64> = rows.iter().map(|row| run.cycles.heap_goal_mb[*row]).collect();
    Some(InCharge { rows: (*rows.first()?, *rows.last()?), goal_mb: median(&goals)?, limit: None })
}

fn check(run: &RunView, limits: &Limits, findings: &mut Findings) {
    let cycles = &run.cycles;
    let Some(Thrash { windows, rows, evident }) = thrash(run, limits) else {
        if !cycles.is_empty() {
            findings.declined(&RULE, Some(run.run), why_not(run, limits));
        }
        return;
    };
    let (first, last) = (rows[0], rows[rows.len() - 1]);

    let span_s: f64 = rows.iter().map(|&row| interval_s(cycles, row)).sum();
    let gogc: Vec<f64> = rows.iter().map(|&row| effective_gogc_pct(cycles, row)).collect();
    let gogc = median(&gogc).unwrap_or(f64::NAN);
    let shares = windows.iter().map(|window| (gc_share_over(cycles, window.clone()), window.start));
    let (share, worst) = shares.max_by(|a, b| a.0.total_cmp(&b.0)).unwrap_or((f64::NAN, first));
    let busy_s: f64 = rows.iter().map(|&row| duty_over(cycles, row..row + 1) * interval_s(cycles, row)).sum();
    let duty = busy_s / span_s;

    let related = |row: usize, what: &str| Related {
        place: Place { line: cycles.line[row], field: Some(gc::HEAP_GOAL_MB) },
        text: format!("{what}: {}", cycle_name(run, row)),
    };
    findings.push(Finding {
        severity: Severity::Error,
        run: Some(run.run),
        place: Place { line: cycles.line[evident], field: Some(gc::HEAP_GOAL_MB) },
        message: format!(
            "GC is running back to back against the memory limit: effective GOGC {gogc:.0}, {} of the time in GC, up to \
             {} of CPU ({} cycles).",
            percent(duty.min(1.0)),
            percent(share),
            rows.len(),
        ),
        related: vec![related(first, "first"), related(worst, "most CPU"), related(last, "last")],
        count: rows.len(),
        numbers: vec![("effective_gogc_pct", gogc), ("duty", duty), ("gc_share", share), ("span_s", span_s)],
        test: test(cycles, &rows, (gogc, duty, span_s), limits),
        ..Finding::about(&RULE)
    });
}

/// What is asked of cycles, with what these show.
fn test(cycles: &Cycles, rows: &[usize], (gogc, duty, span_s): (f64, f64, f64), limits: &Limits) -> Test {
    let mut test = Test::default();
    test.fact("Go 1.19 or later, which knows memory limits", true);
    test.value("cycles in a row", rows.len() as f64, Bound::AtLeast(limits.get("min_cycles")), "");
    test.value("effective GOGC, median", gogc, Bound::Below(limits.get("max_gogc")), "%");
    test.value("time in a cycle", 100.0 * duty, Bound::AtLeast(100.0 * limits.get("min_duty")), "%");
    test.value("time", span_s, Bound::AtLeast(limits.get("min_span_s")), "s");
    let is_higher = rows.last().is_some_and(|last| gogc_is_higher(cycles, *last));
    test.fact("GOGC itself is higher, so that a limit pulls the goal down", is_higher);
    test
}

/// Which condition the run does not meet, by the windows that come nearest.
fn why_not(run: &RunView, limits: &Limits) -> Test {
    let cycles = &run.cycles;
    let mut unmet = Test::default();
    if !unmet.fact("Go 1.19 or later, which knows memory limits", may_have_memory_limit(run)) {
        return unmet;
    }
    let windows = thrashing_windows(cycles, limits);
    if windows.is_empty() {
        let longest = longest_pressed(cycles, limits);
        let what = "cycles in a row with an effective GOGC below the limit";
        if unmet.value(what, longest.len() as f64, Bound::AtLeast(limits.get("min_cycles")), "") {
            unmet.value(
                "share of time in a cycle",
                duty_over(cycles, longest),
                Bound::AtLeast(limits.get("min_duty")),
                "",
            );
        }
        if unmet.holds() {
            unmet.fact("ten of them in a row are back to back", false);
        }
        return unmet;
    }
    let rows = rows_of(&windows);
    let span_s: f64 = rows.iter().map(|&row| interval_s(cycles, row)).sum();
    let gogc: Vec<f64> = rows.iter().map(|&row| effective_gogc_pct(cycles, row)).collect();
    let busy_s: f64 = rows.iter().map(|&row| duty_over(cycles, row..row + 1) * interval_s(cycles, row)).sum();
    test(cycles, &rows, (median(&gogc).unwrap_or(f64::NAN), busy_s / span_s, span_s), limits)
}

/// The rows of windows that are in order and may overlap.
fn rows_of(windows: &[Range<usize>]) -> Vec<usize> {
    let mut rows: Vec<usize> = Vec::new();
    for window in windows {
        let from = rows.last().map_or(window.start, |last| window.start.max(last + 1));
        rows.extend(from..window.end);
    }
    rows
}

/// The longest stretch of cycles whose goal is pressed onto the live heap.
fn longest_pressed(cycles: &Cycles, limits: &Limits) -> Range<usize> {
    let max_gogc = limits.get("max_gogc");
    let mut longest = 0..0;
    let mut start = 0;
    for row in 0..cycles.len() {
        let is_pressed = effective_gogc_pct(cycles, row) < max_gogc && !cycles.forced[row];
        if !is_pressed {
            start = row + 1;
        } else if row + 1 - start > longest.len() {
            longest = start..row + 1;
        }
    }
    longest
}

/// Windows of `min_cycles` rows in which every goal is pressed onto the live heap and cycles hardly pause.
fn thrashing_windows(cycles: &Cycles, limits: &Limits) -> Vec<Range<usize>> {
    let length = limits.get("min_cycles") as usize;
    let (max_gogc, min_duty) = (limits.get("max_gogc"), limits.get("min_duty"));
    let mut windows = Vec::new();
    let mut pressed = 0;
    for row in 0..cycles.len() {
        let is_pressed = effective_gogc_pct(cycles, row) < max_gogc && !cycles.forced[row];
        pressed = if is_pressed && interval_s(cycles, row).is_finite() { pressed + 1 } else { 0 };
        if pressed >= length && length > 0 {
            let window = row + 1 - length..row + 1;
            if duty_over(cycles, window.clone()) >= min_duty {
                windows.push(window);
            }
        }
    }
    windows
}

/// Whether the rows up to `last` show that GOGC would put the goal higher than it is.
///
/// Any of: a first goal that is clearly GOGC's (4 MB and roots, times GOGC/100); a goal well above the live heap earlier
/// in the run; a heap above its goal at the start of a cycle, which only a limit leaves so (elsewhere a late start lifts
/// the goal above the heap, in 1.19 nearly).
fn gogc_is_higher(cycles: &Cycles, last: usize) -> bool {
    first_goal_is_higher(cycles)
        || (0..=last).filter(|&row| !cycles.forced[row]).any(|row| {
            let (heap, goal) = (cycles.heap_start_mb[row], cycles.heap_goal_mb[row]);
            let was_higher = effective_gogc_pct(cycles, row) >= CLEARLY_HIGHER_GOGC && goal > heap + 1.0;
            was_higher || heap > goal
        })
}

fn first_goal_is_higher(cycles: &Cycles) -> bool {
    let roots: f64 = [cycles.stacks_mb[0], cycles.globals_mb[0]].into_iter().filter(|mb| mb.is_finite()).sum();
    let goal = cycles.heap_goal_mb[0];
    let is_lifted = goal <= cycles.heap_start_mb[0];
    cycles.n[0] == 1 && !cycles.forced[0] && !is_lifted && 100.0 * goal / (4.0 + roots) >= CLEARLY_HIGHER_GOGC
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;
    use crate::rules::fixture::{GcLine, check, findings_in, gc_lines};

    /// Cycles every 25 ms against a goal of `goal` MB with 60 MB live, marking for `mark_ms`.
    fn pressed(n: u64, goal: u64, mark_ms: f64) -> String {
        gc_lines(n, |idx| GcLine {
            n: idx + 2,
            at_s: 1.0 + idx as f64 * 0.025,
            clock_ms: [0.1, mark_ms, 0.1],
            cpu_ms: [5.0, 20.0],
            heap_mb: [goal, goal + 1, 60, goal],
            procs: 2,
        })
    }

    const HEALTHY_START: &str = "\
gc 1 @0.017s 2%: 0.31+1.6+0.004 ms clock, 0.62+0.030/1.7/0.002+0.008 ms cpu, 3->4->0 MB, 4 MB goal, 0 MB stacks, 0 MB globals, 2 P
";

    fn after_healthy_start(log: &str) -> String {
        HEALTHY_START.to_owned() + log
    }

    #[test]
    fn back_to_back_cycles_against_the_limit_are_an_error() {
        check(
            &RULE,
            &after_healthy_start(&pressed(50, 60, 20.0)),
            expect![[r#"
                42:heap_goal_mb Error GC403: GC is running back to back against the memory limit: effective GOGC 0, 81 % of the time in GC, up to 50 % of CPU (48 cycles).
                  3:heap_goal_mb first: gc 3 @1.025s
                  39:heap_goal_mb most CPU: gc 39 @1.925s
                  50:heap_goal_mb last: gc 50 @2.200s
            "#]],
        );
    }

    #[test]
    fn silent_just_below_each_limit() {
        let start = |log: String| findings_in(&RULE, &after_healthy_start(&log));
        assert_eq!(start(pressed(50, 67, 20.0)), "", "effective GOGC 11");
        assert_eq!(start(pressed(50, 60, 12.0)), "", "duty 0.49");
        assert_eq!(start(pressed(40, 60, 20.0)), "", "less than a second");
        assert_ne!(start(pressed(50, 65, 13.0)), "");
    }

    #[test]
    fn nine_cycles_in_a_row_are_not_enough() {
        // Every tenth cycle pauses for long.
        let log = gc_lines(200, |idx| GcLine {
            n: idx + 2,
            at_s: 1.0 + idx as f64 * 0.025,
            clock_ms: [0.1, 20.0, 0.1],
            heap_mb: [60, 61, 60, if idx % 10 == 0 { 90 } else { 60 }],
            ..GcLine::default()
        });
        assert_eq!(findings_in(&RULE, &after_healthy_start(&log)), "");
    }

    #[test]
    fn a_log_without_beginning_needs_another_proof_of_a_limit() {
        // A GOGC of 2 looks the same.
        assert_eq!(findings_in(&RULE, &pressed(50, 61, 20.0)), "");
        let above_goal = pressed(50, 61, 20.0).replacen("61->62->60 MB, 61 MB goal", "63->63->60 MB, 61 MB goal", 1);
        assert_ne!(findings_in(&RULE, &above_goal), "");
        let was_higher = pressed(50, 61, 20.0).replacen("61->62->60 MB, 61 MB goal", "70->71->60 MB, 75 MB goal", 2);
        assert_ne!(findings_in(&RULE, &was_higher), "");
    }

    #[test]
    fn a_low_gogc_from_the_start_is_no_limit() {
        let low = HEALTHY_START.replace("3->4->0 MB, 4 MB goal", "0->0->0 MB, 0 MB goal");
        assert_eq!(findings_in(&RULE, &(low + &pressed(50, 61, 20.0))), "");
    }

    #[test]
    fn forced_cycles_in_a_loop_are_left_out() {
        let log = pressed(50, 60, 20.0).replace(" P\n", " P (forced)\n");
        assert_eq!(findings_in(&RULE, &after_healthy_start(&log)), "");
    }

    #[test]
    fn small_heaps_are_left_out() {
        let log = pressed(50, 60, 20.0).replace("->60 MB, 60 MB goal", "->19 MB, 19 MB goal");
        assert_eq!(findings_in(&RULE, &after_healthy_start(&log)), "");
    }

    #[test]
    fn releases_before_memory_limits_are_left_out() {
        let log = after_healthy_start(&pressed(50, 60, 20.0)).replace(", 0 MB stacks, 0 MB globals", "");
        assert_eq!(findings_in(&RULE, &log), "");
    }
}
