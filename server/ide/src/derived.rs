//! Quantities that Go does not print but its lines determine.
//!
//! One function a quantity, for one row of a series; formulas use the names of [`Cycles`] and [`Samples`]. An answer is
//! NaN where a field it needs is absent (release, tear) or where it would mislead. Nothing here judges: that is for rules.
//!
//! `ms cpu` numbers are **P-time**: wall time during which a P was held, time descheduled by the operating system
//! included, so an upper bound of CPU time. Shares of two such numbers hold, absolute ones are too high on busy machines.

use std::borrow::Cow;
use std::ops::Range;

use crate::view::{Cycles, Samples};

/// Live heap below which quantities that compare it with a goal say nothing, MB: sizes are printed in whole megabytes.
const MIN_PAIR_LIVE_MB: f64 = 8.0;

/// Live heap below which the effective GOGC is not computed, MB: truncation alone moves it by 10 points there.
const MIN_GOGC_LIVE_MB: f64 = 20.0;

/// The quantities that most rules ask for, of every row of a run.
#[derive(Clone, Debug)]
pub(crate) struct DerivedSeries {
    interval_s: Vec<f64>,
    cycle_wall_ms: Vec<f64>,
    gc_cpu_ms: Vec<f64>,
    effective_gogc_pct: Vec<f64>,
}

impl DerivedSeries {
    fn of(cycles: &Cycles) -> Self {
        Self {
            interval_s: intervals(cycles),
            cycle_wall_ms: cycle_walls(cycles),
            gc_cpu_ms: gc_cpu(cycles),
            effective_gogc_pct: effective_gogc(cycles),
        }
    }
}

fn series(cycles: &Cycles) -> &DerivedSeries {
    cycles.derived.get_or_init(|| DerivedSeries::of(cycles))
}

/// Works them out side by side. Only before anything asks for them: a task that waits for what another computes must not
/// be what this one waits for.
pub(crate) fn prepare(cycles: &Cycles) {
    if cycles.derived.get().is_some() {
        return;
    }
    let ((interval_s, cycle_wall_ms), (gc_cpu_ms, effective_gogc_pct)) =
        rayon::join(|| (intervals(cycles), cycle_walls(cycles)), || (gc_cpu(cycles), effective_gogc(cycles)));
    // Somebody may have asked after all.
    _ = cycles.derived.set(DerivedSeries { interval_s, cycle_wall_ms, gc_cpu_ms, effective_gogc_pct });
}

/// A series with an element for every row: loops over several of equal length ask for no bounds.
fn column(series: &[f64], n: usize) -> Cow<'_, [f64]> {
    match series.get(..n) {
        Some(series) => Cow::Borrowed(series),
        None => Cow::Owned((0..n).map(|row| at(series, row)).collect()),
    }
}

/// [`interval_s`] of every row.
pub(crate) fn intervals_s(cycles: &Cycles) -> &[f64] {
    &series(cycles).interval_s
}

/// [`cycle_wall_ms`] of every row.
pub(crate) fn cycle_walls_ms(cycles: &Cycles) -> &[f64] {
    &series(cycles).cycle_wall_ms
}

/// [`gc_cpu_ms`] of every row.
pub(crate) fn gc_cpu_of_all_ms(cycles: &Cycles) -> &[f64] {
    &series(cycles).gc_cpu_ms
}

/// The value of a row, NaN past the end.
fn at(series: &[f64], row: usize) -> f64 {
    series.get(row).copied().unwrap_or(f64::NAN)
}

/// P-time of assists, of background or of idle workers, ms; 0 where the concurrent mark took no time.
///
/// A cycle whose clock says so marked while the world was stopped (`(forced)` of Go 1.5 – 1.8, `gcstoptheworld`); the
/// three numbers it prints are stale, from the last concurrent cycle.
fn worker_ms_at(cycles: &Cycles, series: &[f64], row: usize) -> f64 {
    if at(&cycles.mark_ms, row) == 0.0 { 0.0 } else { at(series, row) }
}

/// Whether row `row + 1` is the very next cycle: no line in between was lost.
fn next_is_adjacent(cycles: &Cycles, row: usize) -> bool {
    matches!((cycles.n.get(row), cycles.n.get(row + 1)), (Some(a), Some(b)) if is_next(*a, *b))
}

fn is_next(n: u64, next: u64) -> bool {
    n.checked_add(1) == Some(next)
}

/// Time from the start of a cycle to the start of the next, s: `at_s[n+1] − at_s[n]`.
///
/// NaN on the last row, where a line is missing in between (the interval would hold a cycle whose cost is not known)
/// and before Go 1.5. May be 0: times have three decimals, and a starved heap collects more than once a millisecond.
pub fn interval_s(cycles: &Cycles, row: usize) -> f64 {
    at(&series(cycles).interval_s, row)
}

fn intervals(cycles: &Cycles) -> Vec<f64> {
    let at_s = column(&cycles.at_s, cycles.len());
    let numbers = cycles.n.windows(2).map(|pair| is_next(pair[0], pair[1]));
    let mut intervals = Vec::with_capacity(cycles.len());
    intervals.extend(at_s.windows(2).zip(numbers).map(|(at_s, is_next)| {
        let interval = at_s[1] - at_s[0];
        if is_next && interval >= 0.0 { interval } else { f64::NAN }
    }));
    intervals.resize(cycles.len(), f64::NAN);
    intervals
}

/// Wall time of a cycle from its first to its last pause, ms: `sweep_term + mark + mark_term`.
pub fn cycle_wall_ms(cycles: &Cycles, row: usize) -> f64 {
    at(&series(cycles).cycle_wall_ms, row)
}

fn cycle_walls(cycles: &Cycles) -> Vec<f64> {
    let n = cycles.len();
    let [first, mark, last] =
        [&cycles.sweep_term_ms, &cycles.mark_ms, &cycles.mark_term_ms].map(|series| column(series, n));
    first.iter().zip(mark.iter()).zip(last.iter()).map(|((first, mark), last)| first + mark + last).collect()
}

/// P-time that a cycle took from the program, ms: `cpu_sweep_term + cpu_assist + cpu_background + cpu_mark_term`.
///
/// Idle workers are left out, as in the percentage that Go prints: they run on Ps that had nothing to do. Neither
/// contains sweeping, the scavenger or write barriers. The pauses are clock × CPUs, computed by the runtime: the time it
/// takes to stop the program is in them although the program still runs then.
pub fn gc_cpu_ms(cycles: &Cycles, row: usize) -> f64 {
    at(&series(cycles).gc_cpu_ms, row)
}

fn gc_cpu(cycles: &Cycles) -> Vec<f64> {
    let n = cycles.len();
    let [first, assist, background, last, mark_ms] = [
        &cycles.cpu_sweep_term_ms,
        &cycles.cpu_assist_ms,
        &cycles.cpu_background_ms,
        &cycles.cpu_mark_term_ms,
        &cycles.mark_ms,
    ]
    .map(|series| column(series, n));
    let (first, assist, background, last, mark_ms) =
        (&first[..n], &assist[..n], &background[..n], &last[..n], &mark_ms[..n]);
    let of_row = |row: usize| {
        let worker = |ms: f64| if mark_ms[row] == 0.0 { 0.0 } else { ms };
        first[row] + worker(assist[row]) + worker(background[row]) + last[row]
    };
    (0..n).map(of_row).collect()
}

/// [`gc_cpu_ms`] and idle workers, ms: what a cycle took of a CPU quota (go#33803).
pub fn gc_cpu_and_idle_ms(cycles: &Cycles, row: usize) -> f64 {
    gc_cpu_ms(cycles, row) + worker_ms_at(cycles, &cycles.cpu_idle_ms, row)
}

/// Share of all P-time that collecting took from the start of one cycle to the start of the next, 0 to about 1:
/// `gc_cpu / (1000 · procs · interval)`.
///
/// The interval's own share. The printed `#%` is since program start, cut to an integer, and counts pauses differently.
/// NaN where the interval is 0; use [`gc_share_over`] there.
pub fn gc_share(cycles: &Cycles, row: usize) -> f64 {
    gc_share_over(cycles, row..row + 1)
}

/// [`gc_share`] over the intervals that start in `rows`, rows without an interval left out. NaN when none is left.
pub fn gc_share_over(cycles: &Cycles, rows: Range<usize>) -> f64 {
    ratio_over(rows, |row| (gc_cpu_ms(cycles, row), 1000.0 * at(&cycles.procs, row) * interval_s(cycles, row)))
}

/// Share of a CPU quota that collecting used over the intervals that start in `rows`:
/// `(gc_cpu + cpu_idle) / (1000 · cpu_limit · interval)`.
///
/// For processes under a CPU limit smaller than GOMAXPROCS: idle workers burn the quota too (go#33803).
pub fn gc_quota_share_over(cycles: &Cycles, rows: Range<usize>, cpu_limit: f64) -> f64 {
    ratio_over(rows, |row| (gc_cpu_and_idle_ms(cycles, row), 1000.0 * cpu_limit * interval_s(cycles, row)))
}

/// Share of wall time with a cycle in progress, for one interval: `cycle_wall / (1000 · interval)`.
pub fn duty(cycles: &Cycles, row: usize) -> f64 {
    duty_over(cycles, row..row + 1)
}

/// [`duty`] over the intervals that start in `rows`, rows without an interval left out. NaN when none is left.
pub fn duty_over(cycles: &Cycles, rows: Range<usize>) -> f64 {
    ratio_over(rows, |row| (cycle_wall_ms(cycles, row), 1000.0 * interval_s(cycles, row)))
}

/// Share of concurrent mark P-time that allocating goroutines paid: `Σ cpu_assist / Σ (cpu_assist + cpu_background)`.
///
/// Over a window only: a single short cycle is noise.
pub fn assist_share_over(cycles: &Cycles, rows: Range<usize>) -> f64 {
    ratio_over(rows, |row| {
        let assist = worker_ms_at(cycles, &cycles.cpu_assist_ms, row);
        (assist, assist + worker_ms_at(cycles, &cycles.cpu_background_ms, row))
    })
}

/// Live heap below which the speed of marking is not computed, MB, and the shortest mark, ms: of shorter ones most is
/// waiting and starting.
const MIN_MARK: (f64, f64) = (8.0, 2.0);

/// Marking speed of a cycle, MB per ms of P-time: `heap_live / (cpu_assist + cpu_background + cpu_idle)`.
///
/// Falls where CPU is missing: a worker that the operating system stops keeps its P, and the time goes on counting.
/// Depends on the data too (many pointers mark slowly), so it compares only with the same run. NaN for marks shorter than
/// 2 ms or below 8 MB live.
pub fn mark_speed_mb_per_ms(cycles: &Cycles, row: usize) -> f64 {
    let live = at(&cycles.heap_live_mb, row);
    let mark_ms = at(&cycles.mark_ms, row);
    let p_time_ms = at(&cycles.cpu_assist_ms, row) + at(&cycles.cpu_background_ms, row) + at(&cycles.cpu_idle_ms, row);
    if live >= MIN_MARK.0 && mark_ms >= MIN_MARK.1 && p_time_ms > 0.0 { live / p_time_ms } else { f64::NAN }
}

/// What a cycle scans beside the heap, MB: `stacks + globals`. Go 1.18 and later; 1.18 and 1.19 print allocated stack
/// space, later releases the bytes in use.
pub fn roots_mb(cycles: &Cycles, row: usize) -> f64 {
    at(&cycles.stacks_mb, row) + at(&cycles.globals_mb, row)
}

/// Live heap without what was allocated while the cycle marked, MB: `heap_live − (heap_end − heap_start)` where that
/// difference is more than 2 MB and more than 5 % of `heap_live`, else `heap_live`. Called L in rules.
///
/// Objects allocated during the mark are born marked, so they are inside `heap_live` whether they live or not: in
/// allocation-bound runs `heap_live` swings by a factor of two while L stands still. On small steady heaps the plain
/// difference would only add rounding noise, hence the two conditions. Goal and GOGC follow `heap_live`, not L.
pub fn live_before_mark_mb(cycles: &Cycles, row: usize) -> f64 {
    let live = at(&cycles.heap_live_mb, row);
    let born_marked = at(&cycles.heap_end_mb, row) - at(&cycles.heap_start_mb, row);
    // False for NaN: releases that print fewer numbers keep `heap_live`.
    if born_marked > 2.0 && born_marked > 0.05 * live { (live - born_marked).max(0.0) } else { live }
}

/// Allocation rate between the end of a cycle and the start of the next, MB/s:
/// `(heap_start[n+1] − heap_live[n]) / (interval − cycle_wall)`, the divisor at least 1 ms.
///
/// What is allocated during the mark is inside `heap_live` already. On a gap of a few milliseconds the whole megabytes
/// make it coarse; use [`alloc_rate_over`] for trends.
pub fn alloc_rate_mb_per_s(cycles: &Cycles, row: usize) -> f64 {
    let (allocated, gap) = allocation(cycles, row);
    allocated / gap
}

/// [`alloc_rate_mb_per_s`] of every row.
pub(crate) fn alloc_rates_mb_per_s(cycles: &Cycles) -> Vec<f64> {
    let n = cycles.len();
    let (start_mb, live_mb) = (column(&cycles.heap_start_mb, n), column(&cycles.heap_live_mb, n));
    let [intervals_s, walls_ms] = [intervals_s(cycles), cycle_walls_ms(cycles)].map(|series| column(series, n));
    let gaps = intervals_s.iter().zip(walls_ms.iter()).map(|(interval_s, wall_ms)| gap_s(*interval_s, *wall_ms));
    let mut rates = Vec::with_capacity(n);
    rates.extend(
        start_mb.iter().skip(1).zip(live_mb.iter()).zip(gaps).map(|((next, live), gap_s)| (next - live) / gap_s),
    );
    rates.resize(n, f64::NAN);
    rates
}

/// Allocation rate over the gaps that follow the cycles in `rows`, MB/s: all megabytes over all seconds.
pub fn alloc_rate_over(cycles: &Cycles, rows: Range<usize>) -> f64 {
    ratio_over(rows, |row| allocation(cycles, row))
}

/// Megabytes allocated, and seconds, from the end of a cycle to the start of the next.
fn allocation(cycles: &Cycles, row: usize) -> (f64, f64) {
    let allocated = at(&cycles.heap_start_mb, row + 1) - at(&cycles.heap_live_mb, row);
    (allocated, gap_s(interval_s(cycles, row), cycle_wall_ms(cycles, row)))
}

/// Seconds from the end of a cycle to the start of the next.
fn gap_s(interval_s: f64, wall_ms: f64) -> f64 {
    let gap_s = interval_s - wall_ms / 1000.0;
    // `max` would turn NaN into 1 ms.
    if gap_s < 0.001 { 0.001 } else { gap_s }
}

/// Share of the heap that outlived a cycle, 0 to 1: `heap_live / heap_end`.
pub fn survival(cycles: &Cycles, row: usize) -> f64 {
    let share = at(&cycles.heap_live_mb, row) / at(&cycles.heap_end_mb, row);
    if share.is_finite() { share } else { f64::NAN }
}

/// GOGC as the goal of cycle `row` implies it, in percent:
/// `100 · (heap_goal[n] − heap_live[n−1]) / (heap_live[n−1] + stacks[n−1] + globals[n−1])`.
///
/// The printed goal is the finished cycle's own (go#68643), set from what the cycle before left. Before Go 1.18 only
/// the live heap counts; in 1.19 the printed stacks are allocated space while the goal uses the bytes scanned, so with
/// many goroutines this reads low. NaN without the cycle before, below 20 MB live, and where the goal is the smallest
/// heap (4 MB · GOGC/100), which says nothing about GOGC.
///
/// Not always the setting: a late start lifts the goal (see [`goal_is_lifted`]) and a memory limit lowers it.
pub fn effective_gogc_pct(cycles: &Cycles, row: usize) -> f64 {
    at(&series(cycles).effective_gogc_pct, row)
}

fn effective_gogc(cycles: &Cycles) -> Vec<f64> {
    let n = cycles.len();
    let [live, goal, stacks, globals] =
        [&cycles.heap_live_mb, &cycles.heap_goal_mb, &cycles.stacks_mb, &cycles.globals_mb]
            .map(|series| column(series, n));
    let (live, goal, stacks, globals) = (&live[..n], &goal[..n], &stacks[..n], &globals[..n]);
    let known = |size: f64| if size.is_finite() { size } else { 0.0 };
    let mut of_rows = vec![f64::NAN; n];
    for row in 1..n {
        let (live, roots) = (live[row - 1], known(stacks[row - 1]) + known(globals[row - 1]));
        let gogc = 100.0 * (goal[row] - live) / (live + roots);
        let is_told = live >= MIN_GOGC_LIVE_MB && goal[row] > 4.0 * gogc / 100.0 && gogc.is_finite();
        if is_told && next_is_adjacent(cycles, row - 1) {
            of_rows[row] = gogc;
        }
    }
    of_rows
}

/// Whether the heap was at or above its goal when the cycle started.
///
/// A late start lifts the goal to just above the heap: such a row says nothing about GOGC where its
/// [`effective_gogc_pct`] is above the usual one; below the usual one it is the signature of a memory limit.
pub fn goal_is_lifted(cycles: &Cycles, row: usize) -> bool {
    at(&cycles.heap_goal_mb, row) <= at(&cycles.heap_start_mb, row)
}

/// `(heap_live[n−1], heap_goal[n])` in MB, for the slope of goal on live heap. `None` where a line in between is
/// missing, a value is absent, or less than 8 MB live.
pub fn live_goal_pair(cycles: &Cycles, row: usize) -> Option<(f64, f64)> {
    let before = row.checked_sub(1).filter(|&before| next_is_adjacent(cycles, before))?;
    let live = at(&cycles.heap_live_mb, before);
    let goal = at(&cycles.heap_goal_mb, row);
    (live >= MIN_PAIR_LIVE_MB && goal.is_finite()).then_some((live, goal))
}

/// Runnable goroutines that wait for a P: `runqueue + Σ local queues`. Called R in rules.
///
/// NaN where the local queues are not printed on the line (scheddetail heads): the global queue alone misses most.
pub fn runnable(samples: &Samples, row: usize) -> f64 {
    at(&samples.runqueue, row) + at(&samples.local_sum, row)
}

/// Share of Ps that are in use, 0 to 1: `(gomaxprocs − idleprocs) / gomaxprocs`.
pub fn busy(samples: &Samples, row: usize) -> f64 {
    let procs = at(&samples.gomaxprocs, row);
    if procs > 0.0 { (procs - at(&samples.idleprocs, row)) / procs } else { f64::NAN }
}

/// Threads in system calls or cgo: `threads − idlethreads − (gomaxprocs − idleprocs)`.
///
/// One or two of them are the runtime's own (sysmon and, often, a locked main thread). The counters of a sample are not
/// read at one instant, so it may be off by a few, even below 0.
pub fn blocked_threads(samples: &Samples, row: usize) -> f64 {
    let busy_procs = at(&samples.gomaxprocs, row) - at(&samples.idleprocs, row);
    at(&samples.threads, row) - at(&samples.idlethreads, row) - busy_procs
}

/// Sum of the first numbers over sum of the second, rows with an absent one left out; NaN for nothing or over 0.
fn ratio_over(rows: Range<usize>, parts: impl Fn(usize) -> (f64, f64)) -> f64 {
    let (mut over, mut under) = (0.0, 0.0);
    for row in rows {
        let (a, b) = parts(row);
        if a.is_finite() && b.is_finite() {
            over += a;
            under += b;
        }
    }
    if under > 0.0 { over / under } else { f64::NAN }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Cycles with the given `(n, at_s, [h0, h1, h2, goal])`; every clock part 1 ms, every CPU part 2 ms, 4 Ps.
    fn cycles(rows: &[(u64, f64, [f64; 4])]) -> Cycles {
        let all = |value: f64| vec![value; rows.len()];
        let heap = |idx: usize| rows.iter().map(|row| row.2[idx]).collect();
        Cycles {
            line: (0..).take(rows.len()).collect(),
            n: rows.iter().map(|row| row.0).collect(),
            at_s: rows.iter().map(|row| row.1).collect(),
            sweep_term_ms: all(1.0),
            mark_ms: all(1.0),
            mark_term_ms: all(1.0),
            cpu_sweep_term_ms: all(2.0),
            cpu_assist_ms: all(2.0),
            cpu_background_ms: all(2.0),
            cpu_idle_ms: all(2.0),
            cpu_mark_term_ms: all(2.0),
            heap_start_mb: heap(0),
            heap_end_mb: heap(1),
            heap_live_mb: heap(2),
            heap_goal_mb: heap(3),
            stacks_mb: all(2.0),
            globals_mb: all(3.0),
            procs: all(4.0),
            ..Cycles::default()
        }
    }

    fn three() -> Cycles {
        cycles(&[
            (7, 1.0, [40.0, 41.0, 30.0, 42.0]),
            (8, 1.1, [60.0, 61.0, 45.0, 65.0]),
            (10, 1.3, [90.0, 91.0, 50.0, 95.0]),
        ])
    }

    #[test]
    fn shares_of_an_interval() {
        let cycles = three();
        assert!((interval_s(&cycles, 0) - 0.1).abs() < 1e-12);
        assert_eq!(gc_cpu_ms(&cycles, 0), 8.0);
        assert!((gc_share(&cycles, 0) - 8.0 / 400.0).abs() < 1e-12);
        assert!((duty(&cycles, 0) - 0.03).abs() < 1e-12);
        assert!((gc_quota_share_over(&cycles, 0..2, 0.5) - 10.0 / 50.0).abs() < 1e-12);
        assert_eq!(assist_share_over(&cycles, 0..3), 0.5);
    }

    #[test]
    fn workers_of_a_cycle_without_concurrent_mark_are_stale() {
        let mut cycles = three();
        cycles.mark_ms[0] = 0.0;
        assert_eq!((gc_cpu_ms(&cycles, 0), gc_cpu_and_idle_ms(&cycles, 0)), (4.0, 4.0));
        assert!(assist_share_over(&cycles, 0..1).is_nan());
        assert_eq!(assist_share_over(&cycles, 0..2), 0.5);
    }

    #[test]
    fn an_interval_with_a_missing_cycle_or_no_end_says_nothing() {
        let cycles = three();
        for row in [1, 2, 3, 99] {
            assert!(interval_s(&cycles, row).is_nan(), "row {row}");
            assert!(gc_share(&cycles, row).is_nan(), "row {row}");
            assert!(alloc_rate_mb_per_s(&cycles, row).is_nan(), "row {row}");
        }
        // Over a window such rows are left out of both sums.
        assert_eq!(gc_share_over(&cycles, 0..3), gc_share(&cycles, 0));
    }

    #[test]
    fn an_interval_of_zero_counts_in_windows_only() {
        let row = [9.0, 9.0, 9.0, 9.0];
        let cycles = cycles(&[(1, 0.5, row), (2, 0.5, row), (3, 0.6, row)]);
        assert!(gc_share(&cycles, 0).is_nan());
        assert!((gc_share_over(&cycles, 0..2) - 16.0 / 400.0).abs() < 1e-12);
    }

    #[test]
    fn live_leaves_out_what_was_born_marked() {
        let cycles = cycles(&[
            (1, 0.0, [40.0, 90.0, 80.0, 0.0]),    // 50 MB allocated during the mark
            (2, 1.0, [40.0, 42.0, 30.0, 0.0]),    // 2 MB: rounding
            (3, 2.0, [200.0, 204.0, 100.0, 0.0]), // 4 %: rounding
            (4, 3.0, [10.0, 90.0, 20.0, 0.0]),    // torn line
            (5, 3.0, [f64::NAN, f64::NAN, 20.0, 0.0]),
        ]);
        let live: Vec<f64> = (0..5).map(|row| live_before_mark_mb(&cycles, row)).collect();
        assert_eq!(live, [30.0, 30.0, 100.0, 0.0, 20.0]);
        assert!(live_before_mark_mb(&cycles, 5).is_nan());
    }

    #[test]
    fn allocation_rate_is_measured_between_cycles() {
        let cycles = three();
        assert!((alloc_rate_mb_per_s(&cycles, 0) - 30.0 / 0.097).abs() < 1e-9);
        assert_eq!(alloc_rate_over(&cycles, 0..3), alloc_rate_mb_per_s(&cycles, 0));
        let of_rows: Vec<f64> = (0..3).map(|row| alloc_rate_mb_per_s(&cycles, row)).collect();
        let known =
            |rates: Vec<f64>| rates.into_iter().map(|rate| rate.is_finite().then_some(rate)).collect::<Vec<_>>();
        assert_eq!(known(alloc_rates_mb_per_s(&cycles)), known(of_rows));
    }

    #[test]
    fn allocation_gap_is_at_least_a_millisecond() {
        let row = [9.0, 9.0, 4.0, 9.0];
        let cycles = cycles(&[(1, 0.5, row), (2, 0.501, row)]);
        assert_eq!(alloc_rate_mb_per_s(&cycles, 0), 5000.0);
    }

    #[test]
    fn mark_speed_is_for_marks_that_can_be_measured() {
        let mut cycles = three();
        cycles.cpu_assist_ms[0] = 1.0;
        cycles.cpu_background_ms[0] = 2.0;
        cycles.cpu_idle_ms = vec![3.0; 3];
        cycles.mark_ms[0] = 2.0;
        assert_eq!(mark_speed_mb_per_ms(&cycles, 0), cycles.heap_live_mb[0] / 6.0);
        cycles.mark_ms[0] = 1.9;
        assert!(mark_speed_mb_per_ms(&cycles, 0).is_nan(), "the mark is too short");
        cycles.mark_ms[0] = 2.0;
        cycles.heap_live_mb[0] = 7.0;
        assert!(mark_speed_mb_per_ms(&cycles, 0).is_nan(), "the heap is too small");
        assert!(mark_speed_mb_per_ms(&cycles, 9).is_nan());
    }

    #[test]
    fn roots_are_stacks_and_globals() {
        let cycles = three();
        assert_eq!(roots_mb(&cycles, 0), cycles.stacks_mb[0] + cycles.globals_mb[0]);
        assert!(roots_mb(&Cycles::default(), 0).is_nan());
    }

    #[test]
    fn survival_needs_a_heap() {
        let cycles = cycles(&[(1, 0.0, [0.0, 40.0, 10.0, 4.0]), (2, 1.0, [0.0, 0.0, 0.0, 4.0])]);
        assert_eq!(survival(&cycles, 0), 0.25);
        assert!(survival(&cycles, 1).is_nan());
    }

    #[test]
    fn effective_gogc_uses_the_cycle_before() {
        let cycles = three();
        assert!(effective_gogc_pct(&cycles, 0).is_nan());
        assert_eq!(effective_gogc_pct(&cycles, 1), 100.0); // (65 − 30) / (30 + 2 + 3)
        assert!(effective_gogc_pct(&cycles, 2).is_nan(), "cycle 9 is missing");
        assert_eq!(live_goal_pair(&cycles, 1), Some((30.0, 65.0)));
        assert_eq!(live_goal_pair(&cycles, 0), None);
        assert_eq!(live_goal_pair(&cycles, 2), None);
    }

    #[test]
    fn effective_gogc_before_1_18_has_no_roots() {
        let mut cycles = three();
        cycles.stacks_mb = vec![f64::NAN; 3];
        cycles.globals_mb = Vec::new();
        assert!((effective_gogc_pct(&cycles, 1) - 100.0 * 35.0 / 30.0).abs() < 1e-12);
    }

    #[test]
    fn effective_gogc_is_silent_on_small_heaps() {
        let small = cycles(&[(1, 0.0, [19.0, 19.0, 19.0, 40.0]), (2, 1.0, [38.0, 38.0, 19.0, 40.0])]);
        assert!(effective_gogc_pct(&small, 1).is_nan());
        assert!(live_goal_pair(&small, 1).is_some());
        assert!(!goal_is_lifted(&small, 1));
        let no_goal = cycles(&[(1, 0.0, [30.0; 4]), (2, 1.0, [30.0, 30.0, 30.0, f64::NAN])]);
        assert!(effective_gogc_pct(&no_goal, 1).is_nan());
        assert_eq!(live_goal_pair(&no_goal, 1), None);
        assert!(goal_is_lifted(&no_goal, 0));
        assert!(!goal_is_lifted(&no_goal, 1));
    }

    #[test]
    fn old_releases_say_nothing() {
        let cycles = Cycles {
            line: vec![0, 1],
            n: vec![1, 2],
            at_s: vec![f64::NAN; 2],
            heap_live_mb: vec![3.0, 4.0],
            ..Cycles::default()
        };
        for value in [interval_s, gc_cpu_ms, gc_share, duty, alloc_rate_mb_per_s, survival, effective_gogc_pct] {
            assert!(value(&cycles, 0).is_nan());
        }
        assert_eq!(live_before_mark_mb(&cycles, 1), 4.0);
    }

    #[test]
    fn scheduler_quantities() {
        let samples = Samples {
            line: vec![0, 1],
            gomaxprocs: vec![8.0, 0.0],
            idleprocs: vec![2.0, 0.0],
            threads: vec![20.0, 3.0],
            idlethreads: vec![5.0, 1.0],
            runqueue: vec![3.0, 1.0],
            local_sum: vec![4.0, f64::NAN],
            ..Samples::default()
        };
        assert_eq!((runnable(&samples, 0), busy(&samples, 0), blocked_threads(&samples, 0)), (7.0, 0.75, 9.0));
        assert!(runnable(&samples, 1).is_nan());
        assert!(busy(&samples, 1).is_nan());
        assert!(runnable(&samples, 2).is_nan());
    }
}
