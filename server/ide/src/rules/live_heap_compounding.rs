//! ## What it looks for
//!
//! Steady growth in a run with few cycles. Where almost everything survives, each cycle comes later than the one
//! before (with GOGC at 100 the goal is twice the live heap), and `live-heap-leak` never gets its 40. Looked at are
//! runs of 10 to 39 cycles over at least a minute: the live heap has at least doubled since the first quarter, was
//! never given back, rises in each of the last three quarters at a comparable pace, and still does in the last four
//! cycles.
//!
//! ## Why it matters
//!
//! The collector runs seldom, so nothing looks wrong: pauses are rare, the percentage is 0. The heap grows all the
//! same, and its peak is about twice the live heap.
//!
//! ## What to do next
//!
//! Record longer, and take two heap profiles some minutes apart, as for `live-heap-leak`. If `goroutine-stack-growth`
//! is reported too, look at the goroutines first.
//!
//! ## Limits
//!
//! A large build, a load phase or a cache that takes all of the run to fill are not to be told apart from a leak while
//! they last. A leak on top of a large heap does not double it and has to wait for `live-heap-leak`. Silent once the
//! next cycle is overdue by other lines of the log: a program that stopped growing and allocates little stops
//! collecting. The evidence is never called strong.
//!
//! ## Example
//!
//! ```text
//! gc 10 @58.993s 0%: 0.19+6.3+0.006 ms clock, 0.39+0.069/6.1/15+0.013 ms cpu, 100->100->77 MB, 102 MB goal, 0 MB stacks, 0 MB globals, 4 P
//! gc 11 @89.837s 0%: 0.43+11+0.007 ms clock, 0.86+0/9.8/27+0.015 ms cpu, 151->151->116 MB, 154 MB goal, 0 MB stacks, 0 MB globals, 4 P
//! ```

use tracelog::catalog::gc;

use super::growth::{self, Series, first_sufficient};
use super::{Check, Finding, Findings, Kind, Limits, Place, Rule, Severity, limit};
use crate::derived::live_before_mark_mb;
use crate::view::RunView;
use crate::words::{rough, rough_span};

/// GC107.
pub(crate) static RULE: Rule = Rule {
    code: "GC107",
    slug: "live-heap-compounding",
    title: "Live heap grows steadily, cycle after ever rarer cycle",
    severity: Severity::Warning,
    kind: Kind::Trend,
    reads: &[gc::HEAP_LIVE_MB, gc::HEAP_AFTER_MB, gc::HEAP_PREV_LIVE_MB],
    limits: &[
        limit("min_cycles", Thresholds::DEFAULT.min_cycles, "cycles", "Shorter runs are not judged."),
        limit("max_cycles", Thresholds::DEFAULT.max_cycles, "cycles", "Longer runs are left to live-heap-leak."),
        limit("min_span_s", Thresholds::DEFAULT.min_span_s, "s", "Runs that span less time are not judged."),
        limit("min_live_mb", Thresholds::DEFAULT.min_end_mb, "MB", "A smaller live heap at the end is not reported."),
        limit("min_growth", Thresholds::DEFAULT.min_growth, "times", "Growth since the first quarter of the run."),
    ],
    check: Check::Run(check),
};

/// Largest drop below the running maximum: MB, and share of the last value; the larger counts.
const MAX_DROP: (f64, f64) = (2.0, 0.10);

/// The last four cycles must rise together by so many MB, and by this share of the last value.
const MIN_LATE_RISE: (f64, f64) = (1.0, 0.06);

/// The last four cycles must span this share of the time.
const MIN_LATE_SPAN: f64 = 0.15;

/// Cycles that must lie in the second half of the time. Two would find more leaks, but one in six full caches too.
const MIN_LATE_CYCLES: usize = 3;

/// Pace of the last quarter, and of the slowest of the last three, over that of the fastest.
const MIN_PACE: (f64, f64) = (0.50, 0.33);

/// The next cycle is overdue after so many times the gap that steady growth leads to expect.
const OVERDUE: f64 = 2.0;

/// What the test is held against.
#[derive(Clone, Copy, Debug)]
pub(super) struct Thresholds {
    pub(super) min_cycles: f64,
    pub(super) max_cycles: f64,
    pub(super) min_span_s: f64,
    pub(super) min_end_mb: f64,
    pub(super) min_growth: f64,
}

impl Thresholds {
    /// The catalogue's.
    pub(super) const DEFAULT: Self =
        Self { min_cycles: 10.0, max_cycles: 39.0, min_span_s: 60.0, min_end_mb: 8.0, min_growth: 2.0 };
}

/// Numbers of a series that grows steadily.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Compounding {
    /// First value, value at a quarter of the time, last value, MB.
    pub(super) start_mb: f64,
    pub(super) quarter_mb: f64,
    pub(super) end_mb: f64,
    /// From the first to the last cycle, s.
    pub(super) span_s: f64,
    /// Rise in the last three quarters together, and in the last one, MB/s.
    pub(super) mb_per_s: f64,
    pub(super) last_mb_per_s: f64,
}

impl Compounding {
    /// Whether `(seconds, MB)` points in order of time grow steadily to the end; `None` when not or when too few.
    pub(super) fn of(points: &[(f64, f64)], thresholds: &Thresholds) -> Option<Self> {
        let (first, last) = (*points.first()?, *points.last()?);
        let (span_s, end_mb) = (last.0 - first.0, last.1);
        let n = points.len() as f64;
        let is_judged = n >= thresholds.min_cycles
            && n <= thresholds.max_cycles
            && span_s > 0.0
            && span_s >= thresholds.min_span_s
            && end_mb >= thresholds.min_end_mb;
        if !is_judged {
            return None;
        }
        let quarters = [0.25, 0.5, 0.75].map(|share| interpolate(points, first.0 + share * span_s));
        let [quarter_mb, half_mb, third_mb] = quarters;
        let paces = [half_mb - quarter_mb, third_mb - half_mb, end_mb - third_mb].map(|rise| rise / (span_s / 4.0));
        let fastest = paces.into_iter().fold(f64::MIN, f64::max);
        let slowest = paces.into_iter().fold(f64::MAX, f64::min);
        let is_steady = paces[2] >= MIN_PACE.0 * paces[0].max(paces[1]) && slowest >= MIN_PACE.1 * fastest;
        let holds = end_mb >= thresholds.min_growth * quarter_mb
            && largest_drop(points) <= MAX_DROP.0.max(MAX_DROP.1 * end_mb)
            && is_steady
            && slowest > 0.0
            && rises_late(points, span_s);
        let mb_per_s = (end_mb - quarter_mb) / (0.75 * span_s);
        holds.then_some(Self { start_mb: first.1, quarter_mb, end_mb, span_s, mb_per_s, last_mb_per_s: paces[2] })
    }
}

/// Whether the growth goes on in the last cycles, and enough of them are there to see it.
fn rises_late(points: &[(f64, f64)], span_s: f64) -> bool {
    let Some(&[first, _, _, last]) = points.last_chunk::<4>() else { return false };
    let middle_s = last.0 - span_s / 2.0;
    let n_late = points.len() - points.partition_point(|&(at_s, _)| at_s < middle_s);
    let falls = points[points.len() - 4..].windows(2).any(|pair| pair[1].1 < pair[0].1);
    n_late >= MIN_LATE_CYCLES
        && !falls
        && last.1 - first.1 >= MIN_LATE_RISE.0.max(MIN_LATE_RISE.1 * last.1)
        && last.0 - first.0 >= MIN_LATE_SPAN * span_s
}

fn largest_drop(points: &[(f64, f64)]) -> f64 {
    let (mut highest, mut largest) = (f64::NEG_INFINITY, 0.0f64);
    for &(_, value) in points {
        highest = highest.max(value);
        largest = largest.max(highest - value);
    }
    largest
}

/// The value at a time within the series, on the line between its neighbors.
fn interpolate(points: &[(f64, f64)], at_s: f64) -> f64 {
    let after = points.partition_point(|&(time, _)| time < at_s);
    match (after.checked_sub(1).and_then(|before| points.get(before)), points.get(after)) {
        (Some(&(t0, v0)), Some(&(t1, v1))) => v0 + (v1 - v0) * (at_s - t0) / (t1 - t0),
        (Some(&(_, value)), None) | (None, Some(&(_, value))) => value,
        (None, None) => f64::NAN,
    }
}

/// Whether later lines show that the next cycle should have come. While all that is allocated is kept, gaps grow with
/// the heap; a program that stopped growing and allocates little stops collecting.
pub(super) fn next_is_overdue(points: &[(f64, f64)], last_seen_s: Option<f64>) -> bool {
    let (Some(&[before, last]), Some(seen_s)) = (points.last_chunk::<2>(), last_seen_s) else { return false };
    let expected_s = (last.0 - before.0) * last.1 / before.1;
    seen_s - last.0 > OVERDUE * expected_s
}

fn check(run: &RunView, limits: &Limits, out: &mut Findings) {
    let cycles = &run.cycles;
    let series = Series::of(cycles, |row| live_before_mark_mb(cycles, row));
    let points = &series.points[..];
    let thresholds = Thresholds {
        min_cycles: limits.get("min_cycles"),
        max_cycles: limits.get("max_cycles"),
        min_span_s: limits.get("min_span_s"),
        min_end_mb: limits.get("min_live_mb"),
        min_growth: limits.get("min_growth"),
    };
    let Some(compounding) = Compounding::of(points, &thresholds) else { return };
    if next_is_overdue(points, run.last_seen_s) {
        return;
    }
    let sufficient = first_sufficient(points, thresholds.min_cycles as usize, |prefix| {
        Compounding::of(prefix, &thresholds).is_some()
    });

    let Compounding { start_mb, end_mb, span_s, mb_per_s, last_mb_per_s, .. } = compounding;
    let to_limit_s = growth::time_to_limit_s(limits, end_mb, last_mb_per_s);
    let limit = growth::limit_words(limits, to_limit_s).map_or_else(String::new, |limit| format!(", {limit}"));
    let mut numbers = compounding.numbers();
    numbers.push(("n_cycles", points.len() as f64));
    numbers.extend(to_limit_s.map(|left_s| ("to_limit_s", left_s)));
    out.push(Finding {
        severity: growth::severity(to_limit_s),
        run: Some(run.run),
        place: Place { line: series.line(cycles, sufficient), field: Some(gc::HEAP_LIVE_MB) },
        message: format!(
            "Live heap has grown from {} to {} MB over {} in {} cycles at a steady {} MB/h, almost everything survives; \
             so far no release{limit}.",
            rough(start_mb),
            rough(end_mb),
            rough_span(span_s),
            points.len(),
            rough(3600.0 * mb_per_s),
        ),
        related: series.landmarks(cycles, 0, gc::HEAP_LIVE_MB),
        count: points.len(),
        numbers,
        ..Finding::about(&RULE)
    });
}

impl Compounding {
    /// The evidence by name, for machines.
    pub(super) fn numbers(&self) -> Vec<(&'static str, f64)> {
        vec![
            ("start_mb", self.start_mb),
            ("quarter_mb", self.quarter_mb),
            ("end_mb", self.end_mb),
            ("span_s", self.span_s),
            ("rate_mb_per_h", 3600.0 * self.mb_per_s),
            ("last_mb_per_h", 3600.0 * self.last_mb_per_s),
        ]
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::super::growth::shapes::{self, check, run};
    use super::*;

    /// The cycles of a program that allocates 1 MB/s and whose live heap is `live_mb` of the time: the next cycle comes
    /// when as much was allocated as lives. From 4 MB live on, over 100 s.
    fn doubling(garbage: f64, live_mb: impl Fn(f64) -> f64) -> Vec<(f64, f64)> {
        let mut points = vec![(1.0, live_mb(1.0).floor())];
        while let Some(&(at_s, live)) = points.last() {
            let next_s = at_s + live.max(4.0) / (1.0 + garbage);
            if next_s > 100.0 {
                break;
            }
            points.push((next_s, live_mb(next_s).floor()));
        }
        points
    }

    fn leak() -> Vec<(f64, f64)> {
        doubling(4.0, |at_s| 1.0 * at_s)
    }

    #[test]
    fn reports_steady_growth_in_few_cycles() {
        check(
            &RULE,
            &run(&leak()),
            expect![[r#"
                22 Warning GC107: Live heap has grown from 1 to 87 MB over 86 s in 22 cycles at a steady 3633 MB/h, almost everything survives; so far no release.
                  1 first used: 1 MB at 1.0 s
                  22 last used: 87 MB at 87.2 s
            "#]],
        );
    }

    #[test]
    fn is_an_error_when_a_known_limit_is_near() {
        shapes::check_with_limit(
            &RULE,
            &run(&leak()),
            512.0,
            expect![[r#"
                22 Error GC107: Live heap has grown from 1 to 87 MB over 86 s in 22 cycles at a steady 3633 MB/h, almost everything survives; so far no release, 512 MB in 6.9 min.
                  1 first used: 1 MB at 1.0 s
                  22 last used: 87 MB at 87.2 s
            "#]],
        );
    }

    #[test]
    fn silent_below_a_doubling_since_the_first_quarter() {
        check(&RULE, &run(&doubling(4.0, |at_s| 30.0 + 0.8 * at_s)), expect![[""]]);
    }

    #[test]
    fn silent_with_too_few_too_short_or_too_small() {
        let leak = leak();
        check(&RULE, &run(&leak[leak.len() - 9..]), expect![[""]]);
        let fast: Vec<(f64, f64)> = leak.iter().map(|&(at_s, live)| (0.5 * at_s, live)).collect();
        check(&RULE, &run(&fast), expect![[""]]);
        let small: Vec<(f64, f64)> = leak.iter().map(|&(at_s, live)| (at_s, (0.08 * live).floor())).collect();
        check(&RULE, &run(&small), expect![[""]]);
    }

    #[test]
    fn leaves_forty_cycles_to_the_trend_test() {
        let many = shapes::cycles(40, 100.0, |share| 20.0 + 60.0 * share);
        check(&RULE, &run(&many), expect![[""]]);
    }

    #[test]
    fn silent_before_go_1_5_which_prints_no_times() {
        let mut old = run(&leak());
        old.cycles.at_s.fill(f64::NAN);
        check(&RULE, &old, expect![[""]]);
        check(&RULE, &RunView::default(), expect![[""]]);
    }

    #[test]
    fn silent_about_what_looks_like_a_leak_and_is_none() {
        let traps: [shapes::Trap; 5] = [
            ("load, then idle", |at_s| at_s.min(20.0)),
            ("cache full at half time", |at_s| at_s.min(50.0)),
            ("exponential fill", |at_s| 60.0 * (1.0 - (-at_s / 25.0).exp())),
            ("batches", |at_s| 60.0 * (at_s / 30.0).fract()),
            ("two load steps", |at_s| if at_s < 50.0 { 20.0 } else { 60.0 }),
        ];
        for (name, live_mb) in traps {
            let points = doubling(2.0, live_mb);
            assert!((10..40).contains(&points.len()), "{name}: {} cycles", points.len());
            assert_eq!(shapes::said(&RULE, &run(&points), None), "", "{name}");
        }
    }

    #[test]
    fn silent_once_the_next_cycle_is_overdue() {
        let mut stopped = run(&leak());
        stopped.last_seen_s = Some(110.0);
        assert_ne!(shapes::said(&RULE, &stopped, None), "");
        stopped.last_seen_s = Some(200.0);
        check(&RULE, &stopped, expect![[""]]);
    }
}
