//! The test of GC107 and GC104 for runs with few cycles: is the growth as steady to the end as a leak's?
//!
//! With so few values there are no windows and no noise to speak of: where almost everything survives, the live heap of
//! a cycle is what it is. What counts is the pace between them.

use super::replay::{self, Answer};
use crate::rules::evidence::{Bound, Test};

/// What the test is held against.
#[derive(Clone, Copy, Debug)]
pub(in crate::rules) struct Thresholds {
    pub min_cycles: f64,
    pub max_cycles: f64,
    pub min_span_s: f64,
    pub min_end_mb: f64,
    /// Growth since the first quarter of the time.
    pub min_growth: f64,
    pub(in crate::rules) steady: Steady,
}

/// How steady the growth must be.
#[derive(Clone, Copy, Debug)]
pub(in crate::rules) struct Steady {
    /// Largest drop below the running maximum, as a share of the last value; 2 MB are always allowed.
    max_drop: f64,
    /// Pace of the last quarter over the faster of the two before.
    min_last: f64,
    /// Slowest of the last three quarters over the fastest.
    min_slowest: f64,
    /// Pace since the last cycles over that of the last three quarters.
    min_now: f64,
    /// Rise of the last four cycles, as a share of the last value; 1 MB in any case.
    min_late_rise: f64,
    /// Time without a cycle, in gaps that steady growth leads to expect.
    max_overdue: f64,
}

/// Cycles that must lie in the second half of the time. Two would find more leaks, but one in six full caches too.
const MIN_LATE_CYCLES: f64 = 3.0;

/// The last four cycles must span this share of the time.
const MIN_LATE_SPAN: f64 = 0.15;

/// The last cycles that tell the present pace span at least this share of the time.
const NOW_SPAN: f64 = 0.12;

/// The verdict on a run with few cycles is kept until it has so many times as many: by then the trend test, which takes
/// over, has more than the first windows.
const KEPT: f64 = 1.5;

/// Growth over the last gap, of what the pace leads to expect, and how much that must be for whole megabytes to show it,
/// MB. Where almost everything survives no gap is without growth; once a cache is full, all are.
const LAST_GAP: (f64, f64) = (0.10, 4.0);

/// A straight line: its slowest quarter over its fastest, and the share of its rise that is late.
const STRAIGHT: f64 = 0.75;

/// Growth that is asked of a straight line since the first quarter, instead of a doubling: a leak upon a large base.
const STRAIGHT_GROWTH: f64 = 1.2;

impl Thresholds {
    /// The catalogue's, and what was found to be missing there: the present pace, and straight lines.
    pub(in crate::rules) const DEFAULT: Self = Self {
        min_cycles: 10.0,
        max_cycles: 39.0,
        min_span_s: 60.0,
        min_end_mb: 8.0,
        min_growth: 2.0,
        steady: Steady {
            max_drop: 0.10,
            min_last: 0.50,
            min_slowest: 0.33,
            min_now: 0.65,
            min_late_rise: 0.06,
            max_overdue: 2.0,
        },
    };

    /// Those that a verdict has to fail before it is withdrawn (catalogue, section 0).
    fn softened(&self) -> Self {
        Self {
            min_growth: 0.7 * self.min_growth,
            steady: Steady {
                max_drop: 0.20,
                min_last: 0.25,
                min_slowest: 0.0,
                min_now: 0.20,
                min_late_rise: 0.0,
                max_overdue: 4.0,
            },
            ..*self
        }
    }
}

/// Numbers of a series that grows cycle by cycle.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::rules) struct Pace {
    pub n_cycles: usize,
    /// First value, value at a quarter of the time, last value, MB.
    pub start_mb: f64,
    pub quarter_mb: f64,
    pub end_mb: f64,
    /// From the first to the last cycle, s.
    pub span_s: f64,
    /// Rise in each of the last three quarters, MB/s.
    paces: [f64; 3],
    /// Rise since the last cycles that span a little time, MB/s; half a megabyte of rounding is in its favor.
    now_mb_per_s: f64,
    largest_drop_mb: f64,
    /// No value before the last one is higher.
    is_highest: bool,
    n_late: usize,
    /// Of the [`latest`] cycles: whether one falls, what they rise together, MB, and the share of the time they span.
    late_falls: bool,
    late_rise_mb: f64,
    late_span: f64,
    /// Last gap, and the growth over it: the next gap is that much longer.
    last_gap_s: f64,
    last_growth: f64,
    last_rise_mb: f64,
    last_s: f64,
}

impl Pace {
    /// Measures `(seconds, MB)` points in order of time. What cannot be told is NaN, and meets no condition.
    pub(in crate::rules) fn of(points: &[(f64, f64)]) -> Self {
        let at = |idx: usize| points.get(idx).copied().unwrap_or((f64::NAN, f64::NAN));
        let (first, last) = (at(0), at(points.len().wrapping_sub(1)));
        let span_s = last.0 - first.0;
        let [quarter_mb, half_mb, third_mb] =
            [0.25, 0.5, 0.75].map(|share| interpolate(points, first.0 + share * span_s));
        let rises = [half_mb - quarter_mb, third_mb - half_mb, last.1 - third_mb];
        let late = latest(points, span_s);
        let late_first = late.first().copied().unwrap_or(last);
        let now = points.iter().rev().skip(1).find(|point| last.0 - point.0 >= NOW_SPAN * span_s).copied();
        let now = now.unwrap_or(first);
        let before = at(points.len().wrapping_sub(2));
        Self {
            n_cycles: points.len(),
            start_mb: first.1,
            quarter_mb,
            end_mb: last.1,
            span_s,
            paces: rises.map(|rise| rise / (span_s / 4.0)),
            now_mb_per_s: (last.1 - now.1 + 0.5) / (last.0 - now.0),
            largest_drop_mb: largest_drop(points),
            is_highest: points.iter().all(|point| point.1 <= last.1),
            n_late: points.iter().filter(|point| point.0 >= last.0 - span_s / 2.0).count(),
            late_falls: late.windows(2).any(|pair| pair[1].1 < pair[0].1),
            late_rise_mb: last.1 - late_first.1,
            late_span: (last.0 - late_first.0) / span_s,
            last_gap_s: last.0 - before.0,
            last_growth: last.1 / before.1,
            last_rise_mb: last.1 - before.1,
            last_s: last.0,
        }
    }

    /// Whether it still rises, however it came here: the last value is the highest, the second half of the time gained
    /// `least_mb` or a tenth, and the last cycles go on at half of its pace at least.
    pub(in crate::rules) fn still_rises(&self, least_mb: f64) -> bool {
        let gained_mb = (self.paces[1] + self.paces[2]) * self.span_s / 4.0;
        let is_large = gained_mb >= least_mb && gained_mb >= 0.1 * (self.end_mb - gained_mb);
        let is_going_on = self.now_mb_per_s >= 0.5 * gained_mb / (self.span_s / 2.0);
        is_large && is_going_on && self.is_highest && !self.late_falls && self.late_rise_mb >= 1.0
    }

    /// Rise in the last three quarters together, MB/s.
    pub(in crate::rules) fn mb_per_s(&self) -> f64 {
        (self.end_mb - self.quarter_mb) / (0.75 * self.span_s)
    }

    /// Rise in the last quarter, MB/s.
    pub(in crate::rules) fn last_mb_per_s(&self) -> f64 {
        self.paces[2]
    }

    /// Goes through all conditions; `last_seen_s` is the last time that any line carries.
    pub(in crate::rules) fn test(&self, thresholds: &Thresholds, last_seen_s: Option<f64>, test: &mut Test) {
        let Thresholds { steady, .. } = thresholds;
        test.data("cycles", self.n_cycles as f64, thresholds.min_cycles, "");
        test.data("time", self.span_s, thresholds.min_span_s, "s");
        test.data("cycles in the second half", self.n_late as f64, MIN_LATE_CYCLES, "");
        test.value("last value", self.end_mb, Bound::AtLeast(thresholds.min_end_mb), "MB");

        let fastest = self.paces.into_iter().fold(f64::MIN, f64::max);
        let slowest = self.paces.into_iter().fold(f64::MAX, f64::min);
        let is_straight = fastest > 0.0 && slowest >= STRAIGHT * fastest;
        let growth = if is_straight { STRAIGHT_GROWTH.min(thresholds.min_growth) } else { thresholds.min_growth };
        let growth_seen = self.end_mb / self.quarter_mb;
        test.value("growth since the first quarter of the time", growth_seen, Bound::AtLeast(growth), "times");
        let max_drop_mb = (steady.max_drop * self.end_mb).max(2.0);
        test.value("largest drop", self.largest_drop_mb, Bound::AtMost(max_drop_mb), "MB");
        let last = self.paces[2] / self.paces[0].max(self.paces[1]);
        let last_pace = "pace of the last quarter over the faster of the two before";
        test.value(last_pace, positive(last, fastest), Bound::AtLeast(steady.min_last), "");
        let slowest_pace = "slowest over fastest of the last three quarters";
        test.value(slowest_pace, positive(slowest / fastest, fastest), Bound::AtLeast(steady.min_slowest), "");
        let now = self.now_mb_per_s / self.mb_per_s();
        let now_pace = "pace of the last cycles over that of the last three quarters";
        test.value(now_pace, positive(now, self.mb_per_s()), Bound::AtLeast(steady.min_now), "");
        let expected_mb = self.mb_per_s() * self.last_gap_s;
        if expected_mb >= LAST_GAP.1 {
            // Half a megabyte of rounding is in its favor.
            let share = 100.0 * (self.last_rise_mb + 0.5) / expected_mb;
            let what = "rise over the last gap, of what the pace leads to expect";
            test.value(what, share, Bound::AtLeast(100.0 * LAST_GAP.0), "%");
        }
        test.fact("the last four cycles do not fall", !self.late_falls);
        let late_rise_mb = (steady.min_late_rise * self.end_mb).max(1.0);
        test.value("rise over the last four cycles", self.late_rise_mb, Bound::AtLeast(late_rise_mb), "MB");
        let late_span = "share of the time that the last four cycles span";
        test.value(late_span, 100.0 * self.late_span, Bound::AtLeast(100.0 * MIN_LATE_SPAN), "%");
        if let Some(seen_s) = last_seen_s {
            // While all that is allocated is kept, gaps grow with the heap; a program that stopped growing and allocates
            // little stops collecting.
            let overdue = (seen_s - self.last_s) / (self.last_gap_s * self.last_growth);
            let what = "time without a cycle over the gap that steady growth leads to expect";
            test.value(what, overdue, Bound::AtMost(steady.max_overdue), "times");
        }
    }

    fn answer(&self, thresholds: &Thresholds, last_seen_s: Option<f64>) -> (Answer, Test) {
        let mut test = Test::default();
        self.test(thresholds, last_seen_s, &mut test);
        if test.holds() {
            return (Answer::Yes, test);
        }
        let mut softer = Test::default();
        self.test(&thresholds.softened(), last_seen_s, &mut softer);
        if softer.holds() { (Answer::Unclear, softer) } else { (Answer::No, test) }
    }

    /// The evidence by name, for machines.
    pub(in crate::rules) fn numbers(&self) -> Vec<(&'static str, f64)> {
        vec![
            ("start_mb", self.start_mb),
            ("quarter_mb", self.quarter_mb),
            ("end_mb", self.end_mb),
            ("span_s", self.span_s),
            ("rate_mb_per_h", 3600.0 * self.mb_per_s()),
            ("last_mb_per_h", 3600.0 * self.last_mb_per_s()),
            ("n_cycles", self.n_cycles as f64),
            ("n_late_cycles", self.n_late as f64),
        ]
    }
}

/// Growth that is steady now, or was and has not clearly ended.
pub(in crate::rules) struct Standing {
    /// The present numbers.
    pub pace: Pace,
    /// The point at which the evidence became sufficient.
    pub since: usize,
    /// What the present numbers meet.
    pub test: Test,
}

/// Whether points grow steadily; `also` is what a rule asks beside. Of more cycles than the test is for, whether it said so
/// in time, and the trend test does not say beyond doubt that it is over.
pub(in crate::rules) fn standing(
    points: &[(f64, f64)],
    thresholds: &Thresholds,
    last_seen_s: Option<f64>,
    also: impl Fn(&Pace) -> bool,
) -> Option<Standing> {
    let (n, most) = (points.len() as f64, thresholds.max_cycles);
    if n > KEPT * most || n > most && replay::is_over(points) {
        return None;
    }
    let pace = Pace::of(points);
    let (now, test) = pace.answer(thresholds, last_seen_s);
    if !also(&pace) {
        return None;
    }
    let since = replay::since(points.len(), thresholds.min_cycles as usize, now, |length| {
        let pace = Pace::of(&points[..length]);
        if also(&pace) { pace.answer(thresholds, None).0 } else { Answer::No }
    })?;
    (n <= most || (since as f64) < most).then_some(Standing { pace, since, test })
}

/// The last four cycles. Where these span next to no time, four of the last ones that span enough: under a memory limit
/// cycles come ever faster, and the last four of a leak are a moment.
fn latest(points: &[(f64, f64)], span_s: f64) -> Vec<(f64, f64)> {
    const N_LATEST: usize = 4;
    let Some(last) = points.last() else { return Vec::new() };
    let from = points.partition_point(|point| point.0 <= last.0 - MIN_LATE_SPAN * span_s).saturating_sub(1);
    let used = &points[from.min(points.len().saturating_sub(N_LATEST))..];
    if used.len() <= N_LATEST {
        return used.to_vec();
    }
    (0..N_LATEST).map(|idx| used[idx * (used.len() - 1) / (N_LATEST - 1)]).collect()
}

/// A ratio of paces, which says something only where the second one rises.
fn positive(ratio: f64, divisor: f64) -> f64 {
    if divisor > 0.0 { ratio } else { f64::NAN }
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
