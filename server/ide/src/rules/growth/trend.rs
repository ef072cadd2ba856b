//! The numbers of the trend test, and what they say.

use std::sync::OnceLock;

use super::fit::Fit;
use super::swings;
use super::{ODDS, Series, Thresholds, Verdict};
use crate::derived::alloc_rate_over;
use crate::rules::evidence::{Bound, Confidence, Test};
use crate::stats::{Floor, floor_noise, mann_kendall, median, median_of_three, spearman, theil_sen};
use crate::view::Cycles;

/// Fewest windows that carry a verdict, and the most that are used.
const WINDOWS: (usize, usize) = (8, 24);

/// Cycles that should fall into one window.
const CYCLES_PER_WINDOW: usize = 5;

/// Cycles of a window that are looked at; of more, evenly spread ones. A floor does not get better by more of them, and
/// the verdict on a long log costs no more than that on a short one.
const LOOKED_AT: usize = 100;

/// Warm-up at the start of a run: this share of its time, and at least so many cycles.
const WARM_UP: (f64, usize) = (0.15, 10);

/// Floors on each side of a split that are compared to find a step.
const STEP_FLOORS: usize = 4;

/// Share of the gain that one jump must make to be the whole story.
const STEP_SHARE: f64 = 0.80;

/// Share of the gain that two neighboring windows must make for a jump rather than a ramp.
const STEEP_SHARE: f64 = 0.70;

/// Smallest tau, and largest p, of the floors after a jump that says they rise on. Four floors in order are chance.
const AFTER_JUMP: (f64, f64) = (0.40, 0.04);

/// Higher odds than this are not told: no model of a program is that sure.
const MAX_ODDS: f64 = 1000.0;

/// What is said of the paces of the two halves.
const PACE: &str = "pace of the second half, times that of the first";

/// Rank correlation with the allocation rate from which growth is taken to follow the load.
const MIN_LOAD_CORRELATION: f64 = 0.80;

/// The largest rise between neighboring stretches of the floors.
#[derive(Clone, Copy, Debug)]
pub(in crate::rules) struct Jump {
    /// Medians of the floors before and after it, MB.
    pub(in crate::rules) levels_mb: (f64, f64),
    /// Its share of the whole gain.
    share: f64,
    /// Whether it is over within two windows.
    is_steep: bool,
    /// Whether the floors after it rise on beyond doubt.
    rises_on: bool,
    /// Start and end of the three windows in which it lies, s.
    at_s: (f64, f64),
}

/// The numbers of the trend test over one series.
#[derive(Clone, Debug)]
pub(in crate::rules) struct Evidence {
    /// Index of the first point after warm-up.
    pub(in crate::rules) first: usize,
    floors: Vec<Floor>,
    window_s: f64,
    /// Points after warm-up.
    pub(in crate::rules) n_cycles: usize,
    /// Median floors of the first and the last fifth, MB, and the time between the middles of the two, s.
    pub(in crate::rules) base_mb: f64,
    pub(in crate::rules) end_mb: f64,
    pub(in crate::rules) apart_s: f64,
    /// The smaller of `end − base` and what the Theil–Sen slope gives over the span, MB: an outlier makes only one large.
    pub(in crate::rules) gain_mb: f64,
    /// Noise of the floors, MB.
    pub(in crate::rules) noise_mb: f64,
    /// Trend of all floors.
    pub(in crate::rules) tau: f64,
    pub(in crate::rules) p_rising: f64,
    /// Largest drop below the running maximum beyond noise, as a share of the gain up to the maximum.
    pub(in crate::rules) given_back: f64,
    /// Slopes of the two halves, MB/s.
    pub(in crate::rules) early_mb_per_s: f64,
    pub(in crate::rules) late_mb_per_s: f64,
    /// Trend of the second half.
    pub(in crate::rules) late_tau: f64,
    /// See [`Self::odds`].
    odds: OnceLock<f64>,
    /// The largest jump, where there are floors enough to look for one.
    pub(in crate::rules) jump: Option<Jump>,
}

impl Evidence {
    /// The test's numbers for `(seconds, MB)` points in order of time; `None` when they are too few or too short.
    pub(in crate::rules) fn of(points: &[(f64, f64)], thresholds: &Thresholds) -> Option<Self> {
        let (start_s, end_s) = (points.first()?.0, points.last()?.0);
        let span_s = end_s - start_s;
        let is_long = points.len() as f64 >= thresholds.min_cycles && span_s >= thresholds.min_span_s;
        if !is_long {
            return None;
        }
        let warm_s = start_s + WARM_UP.0 * span_s;
        let first = points.partition_point(|&(at_s, _)| at_s < warm_s).max(WARM_UP.1);
        let used = points.get(first..)?;
        let n_windows = (used.len() / CYCLES_PER_WINDOW).clamp(WINDOWS.0, WINDOWS.1);
        let swings = swings::floors(used, n_windows);
        let n_windows = swings.as_ref().map_or(n_windows, Vec::len);
        let floors = swings.unwrap_or_else(|| low_floors(used, n_windows));
        if floors.len() < n_windows.min(WINDOWS.0) {
            return None;
        }
        let used_s = end_s - used.first()?.0;
        let values: Vec<f64> = floors.iter().map(|floor| floor.value).collect();
        let trend = mann_kendall(&values)?;
        let (early, late) = floors.split_at(floors.len() / 2);
        let (base, end) = fifths(&floors)?;
        let noise_mb = floor_noise(&values);
        Some(Self {
            first,
            n_cycles: used.len(),
            window_s: used_s / n_windows as f64,
            base_mb: base.value,
            end_mb: end.value,
            apart_s: end.at - base.at,
            gain_mb: (slope(&floors)? * used_s).min(end.value - base.value),
            noise_mb,
            tau: trend.tau,
            p_rising: trend.p_rising,
            given_back: given_back(&values, noise_mb),
            early_mb_per_s: slope(early)?,
            late_mb_per_s: slope(late)?,
            late_tau: tau(late),
            jump: largest_jump(&floors, end.value - base.value.min(floors.first()?.value)),
            odds: OnceLock::new(),
            floors,
        })
    }

    /// Slope of the second half over that of the first; infinite when the first half is flat or falls.
    pub(in crate::rules) fn late_ratio(&self) -> f64 {
        if self.early_mb_per_s > 0.0 { self.late_mb_per_s / self.early_mb_per_s } else { f64::INFINITY }
    }

    /// What the floors say, held against the thresholds.
    pub(in crate::rules) fn verdict(&self, thresholds: &Thresholds) -> Verdict {
        let mut trend = Test::default();
        let has_risen = self.has_risen(thresholds, &mut trend);
        let is_small = self.end_mb < thresholds.min_end_mb;
        if !has_risen || is_small || self.end_mb - self.base_mb < self.needed_mb(thresholds) {
            return Verdict::Flat;
        }
        if self.given_back >= thresholds.max_given_back {
            return Verdict::GivenBack;
        }
        let is_large = self.gain_mb >= self.needed_mb(thresholds);
        if is_large && self.goes_on(thresholds, &mut Test::default()) {
            return Verdict::Rising;
        }
        // A jump in the second half is a trend of that half too; what counts is whether it rises on after the jump.
        if self.jump.is_some_and(|jump| jump.is_steep && jump.share >= STEP_SHARE && !jump.rises_on) {
            return Verdict::Step;
        }
        if is_large && self.slows_down(thresholds, &mut Test::default()) { Verdict::Slowing } else { Verdict::Plateau }
    }

    /// Goes through all conditions of growth that goes on.
    pub(in crate::rules) fn test_rising(&self, thresholds: &Thresholds, test: &mut Test) {
        self.has_risen(thresholds, test);
        self.is_large(thresholds, test);
        self.was_kept(thresholds, test);
        self.goes_on(thresholds, test);
    }

    /// Goes through all conditions of growth that slows down.
    pub(in crate::rules) fn test_slowing(&self, thresholds: &Thresholds, test: &mut Test) {
        self.has_risen(thresholds, test);
        self.is_large(thresholds, test);
        self.was_kept(thresholds, test);
        self.slows_down(thresholds, test);
    }

    /// Goes through all conditions of a step.
    pub(in crate::rules) fn test_step(&self, thresholds: &Thresholds, test: &mut Test) {
        self.has_risen(thresholds, test);
        let gain_mb = self.end_mb - self.base_mb;
        test.value("growth of the lows", gain_mb, Bound::AtLeast(self.needed_mb(thresholds)), "MB");
        self.tells_enough(thresholds, test);
        self.was_kept(thresholds, test);
        let share = self.jump.map_or(f64::NAN, |jump| 100.0 * jump.share);
        test.value("share of one jump in the growth", share, Bound::AtLeast(100.0 * STEP_SHARE), "%");
        test.fact("the jump is over within two windows", self.jump.is_some_and(|jump| jump.is_steep));
        test.fact("the lows do not rise on after it", self.jump.is_some_and(|jump| !jump.rises_on));
    }

    fn has_risen(&self, thresholds: &Thresholds, test: &mut Test) -> bool {
        let is_sure =
            test.value("chance that the lows rise by accident (p)", self.p_rising, Bound::Below(thresholds.max_p), "");
        let is_steady =
            test.value("how steadily the lows rise (tau, at most 1)", self.tau, Bound::AtLeast(thresholds.min_tau), "");
        is_sure && is_steady
    }

    /// The growth that the thresholds ask for, MB.
    fn needed_mb(&self, thresholds: &Thresholds) -> f64 {
        thresholds
            .min_gain_mb
            .max(thresholds.min_gain_share * self.base_mb)
            .max(thresholds.min_gain_noise * self.noise_mb)
    }

    fn is_large(&self, thresholds: &Thresholds, test: &mut Test) {
        let needed_mb = self.needed_mb(thresholds);
        test.value("growth of the lows", self.gain_mb, Bound::AtLeast(needed_mb), "MB");
        self.tells_enough(thresholds, test);
    }

    /// Told only where it does not hold: of most heaps it goes without saying.
    fn tells_enough(&self, thresholds: &Thresholds, test: &mut Test) {
        if self.end_mb < thresholds.min_end_mb {
            test.value("lows at the end", self.end_mb, Bound::AtLeast(thresholds.min_end_mb), "MB");
        }
    }

    fn was_kept(&self, thresholds: &Thresholds, test: &mut Test) {
        let allowed = 100.0 * thresholds.max_given_back;
        if self.end_mb > self.base_mb {
            test.value("of that given back again", 100.0 * self.given_back, Bound::Below(allowed), "%");
        }
    }

    /// Whether it rises to the end: no level was reached, and the pace did not fall off.
    fn goes_on(&self, thresholds: &Thresholds, test: &mut Test) -> bool {
        let ratio = self.late_ratio();
        let keeps_pace = if self.late_mb_per_s <= 0.0 {
            test.fact("the second half rises", false)
        } else if ratio.is_finite() {
            test.value(PACE, ratio, Bound::AtLeast(thresholds.min_late_ratio), "")
        } else {
            test.fact("the second half rises, the first did not", true)
        };
        let is_likelier = test.value(ODDS, self.odds(), Bound::AtLeast(thresholds.odds_at(ratio)), "");
        keeps_pace && is_likelier
    }

    /// How much likelier the floors are if the growth goes on than if it reached a level. Counted out when it is asked
    /// for: the floors of most runs show no growth at all.
    pub(super) fn odds(&self) -> f64 {
        *self.odds.get_or_init(|| Fit::of(&self.floors).map_or(f64::NAN, |fit| fit.odds().min(MAX_ODDS)))
    }

    fn slows_down(&self, thresholds: &Thresholds, test: &mut Test) -> bool {
        let (min_ratio, min_tau) = thresholds.slowing;
        let ratio = self.late_ratio();
        let keeps_pace = test.value(PACE, ratio, Bound::AtLeast(min_ratio), "");
        let slows = test.value(PACE, ratio, Bound::Below(1.0), "");
        let rises =
            test.value("how steadily they do in the second half (tau)", self.late_tau, Bound::AtLeast(min_tau), "");
        keeps_pace && slows && rises
    }

    /// How sure: many windows, hardly a falling pair, and a gain far out of the noise are strong evidence.
    pub(in crate::rules) fn confidence(&self) -> Confidence {
        let is_strong = self.tau >= 0.8 && self.floors.len() >= 15 && self.gain_mb >= 5.0 * self.noise_mb;
        if is_strong { Confidence::Strong } else { Confidence::Moderate }
    }

    /// Whether the growth follows the allocation rate, which grew at least as much: more load rather than a leak.
    pub(in crate::rules) fn moves_with_load(&self, series: &Series, cycles: &Cycles) -> bool {
        let rate = |floor: &Floor| {
            let before = |end: f64| series.points.partition_point(|&(at_s, _)| at_s < end);
            let window = before(floor.at - self.window_s / 2.0)..before(floor.at + self.window_s / 2.0);
            let (Some(&first), Some(&last)) = (series.rows.get(window.start), series.rows.get(window.end.max(1) - 1))
            else {
                return f64::NAN;
            };
            alloc_rate_over(cycles, first..last + 1)
        };
        let rates: Vec<Floor> = self.floors.iter().map(|floor| Floor { at: floor.at, value: rate(floor) }).collect();
        let values = |floors: &[Floor]| floors.iter().map(|floor| floor.value).collect::<Vec<f64>>();
        let correlation = spearman(&values(&rates), &values(&self.floors)).unwrap_or(0.0);
        let rise = |floors: &[Floor]| fifths(floors).map(|(base, end)| end.value / base.value);
        // Without a base the growth is beyond all measure, and NaN compares as false.
        match (rise(&rates), rise(&self.floors)) {
            (Some(load), Some(growth)) => correlation >= MIN_LOAD_CORRELATION && growth.is_finite() && load >= growth,
            _ => false,
        }
    }

    /// The first point at the upper level of the jump. Within its windows, the split that leaves the fewest points
    /// on the wrong side, the last of several such: what single requests add reaches above the middle before the jump.
    pub(in crate::rules) fn jump_point(&self, points: &[(f64, f64)]) -> Option<usize> {
        let jump = self.jump?;
        let middle_mb = f64::midpoint(jump.levels_mb.0, jump.levels_mb.1);
        let start = points.partition_point(|&(at_s, _)| at_s < jump.at_s.0);
        let (mut score, mut best, mut split) = (0i64, 0i64, start);
        for (idx, &(at_s, value)) in points.iter().enumerate().skip(start) {
            if at_s > jump.at_s.1 {
                break;
            }
            score += if value < middle_mb { 1 } else { -1 };
            if score >= best {
                (best, split) = (score, idx + 1);
            }
        }
        (split < points.len()).then_some(split)
    }

    /// The evidence by name, for machines.
    pub(in crate::rules) fn numbers(&self) -> Vec<(&'static str, f64)> {
        let mut numbers = vec![
            ("base_mb", self.base_mb),
            ("end_mb", self.end_mb),
            ("apart_s", self.apart_s),
            ("rate_mb_per_h", 3600.0 * (self.end_mb - self.base_mb) / self.apart_s),
            ("early_mb_per_h", 3600.0 * self.early_mb_per_s),
            ("late_mb_per_h", 3600.0 * self.late_mb_per_s),
            ("gain_mb", self.gain_mb),
            ("noise_mb", self.noise_mb),
            ("tau", self.tau),
            ("p", self.p_rising),
            ("late_tau", self.late_tau),
            ("given_back_share", self.given_back),
            ("n_windows", self.floors.len() as f64),
            ("n_cycles", self.n_cycles as f64),
        ];
        // Infinite after a flat first half; machines would have to guess what that means.
        numbers.extend(Some(("late_ratio", self.late_ratio())).filter(|(_, ratio)| ratio.is_finite()));
        numbers.extend(Some(("odds", self.odds())).filter(|(_, odds)| odds.is_finite()));
        numbers
    }
}

/// Cuts the time of `(time, value)` points, which never fall back, into windows of equal length and takes the low level
/// of each: the mean of what lies between the lowest tenth and the median.
///
/// What requests hold for a moment is above it, a single wrong value below it does not count, and being a mean of whole
/// megabytes it has fractions: leaks of a few megabytes show in it earlier than in a quantile. Windows without a point
/// are skipped.
fn low_floors(points: &[(f64, f64)], n_windows: usize) -> Vec<Floor> {
    let (Some(first), Some(last)) = (points.first(), points.last()) else { return Vec::new() };
    let width = (last.0 - first.0) / n_windows as f64;
    if !(width > 0.0 && width.is_finite()) {
        return Vec::new();
    }
    let mut floors = Vec::with_capacity(n_windows);
    let (mut rest, mut values) = (points, Vec::with_capacity(LOOKED_AT));
    for idx in 0..n_windows {
        let end = first.0 + (idx + 1) as f64 * width;
        let n = if idx + 1 == n_windows { rest.len() } else { rest.partition_point(|&(at, _)| at < end) };
        let (window, behind) = rest.split_at(n);
        rest = behind;
        if window.is_empty() {
            continue;
        }
        values.clear();
        values.extend(spread(window.len(), LOOKED_AT).map(|at| window[at].1));
        floors.push(Floor { at: first.0 + (idx as f64 + 0.5) * width, value: low_level(&mut values) });
    }
    floors
}

/// Indices of at most `most` of `n` values, one out of each of as many equal parts. Where in a part changes from
/// one to the next by the golden ratio: what repeats every few cycles is not always met at the same place.
pub(super) fn spread(n: usize, most: usize) -> impl Iterator<Item = usize> {
    const GOLDEN: f64 = 0.618_033_988_749_895;
    let parts = n.min(most);
    let width = n as f64 / parts as f64;
    (0..parts).map(move |part| {
        let within = if parts == n { 0.0 } else { (part as f64 * GOLDEN).fract() };
        (((part as f64 + within) * width) as usize).min(n - 1)
    })
}

/// Mean of the values from the lowest tenth to the median, of at least one.
pub(super) fn low_level(values: &mut [f64]) -> f64 {
    let n = values.len();
    let (low, high) = ((n + 5) / 10, n.div_ceil(2));
    let high = high.max(low + 1);
    values.select_nth_unstable_by(high - 1, f64::total_cmp);
    values[..high].select_nth_unstable_by(low, f64::total_cmp);
    values[low..high].iter().sum::<f64>() / (high - low) as f64
}

/// Medians of the first and the last fifth, each with the middle of its time.
fn fifths(floors: &[Floor]) -> Option<(Floor, Floor)> {
    let n = floors.len().div_ceil(5);
    let middle = |part: &[Floor]| {
        let value = median(&part.iter().map(|floor| floor.value).collect::<Vec<_>>())?;
        let at = median(&part.iter().map(|floor| floor.at).collect::<Vec<_>>())?;
        Some(Floor { at, value })
    };
    Some((middle(floors.get(..n)?)?, middle(floors.get(floors.len() - n..)?)?))
}

fn slope(floors: &[Floor]) -> Option<f64> {
    theil_sen(&floors.iter().map(|floor| (floor.at, floor.value)).collect::<Vec<_>>())
}

fn tau(floors: &[Floor]) -> f64 {
    let values: Vec<f64> = floors.iter().map(|floor| floor.value).collect();
    mann_kendall(&values).map_or(0.0, |result| result.tau)
}

/// Largest drop below the running maximum, less twice the noise, as a share of the largest gain; 1 without a gain.
fn given_back(floors: &[f64], noise: f64) -> f64 {
    let smooth = median_of_three(floors);
    let Some(&base) = smooth.first() else { return 1.0 };
    let (mut highest, mut largest_drop) = (base, 0.0f64);
    for &value in &smooth {
        highest = highest.max(value);
        largest_drop = largest_drop.max(highest - value);
    }
    if highest > base { (largest_drop - 2.0 * noise).max(0.0) / (highest - base) } else { 1.0 }
}

/// The gain is that since the first floor: what rose along a line before the base was reached did not jump.
fn largest_jump(floors: &[Floor], gain_mb: f64) -> Option<Jump> {
    let level = |part: &[Floor]| median(&part.iter().map(|floor| floor.value).collect::<Vec<_>>());
    let mut largest: Option<(usize, (f64, f64))> = None;
    for split in STEP_FLOORS..=floors.len().checked_sub(STEP_FLOORS)? {
        let before = level(&floors[split - STEP_FLOORS..split])?;
        let after = level(&floors[split..split + STEP_FLOORS])?;
        if largest.is_none_or(|(_, levels)| after - before > levels.1 - levels.0) {
            largest = Some((split, (before, after)));
        }
    }
    let (split, levels_mb) = largest?;
    let share = (levels_mb.1 - levels_mb.0) / gain_mb;
    // The medians place it to about two windows; the steepest place says where it really is.
    let rise = |idx: usize| floors[idx + 1].value - floors[idx - 1].value;
    let steepest = (split - 2..=split + 2).rev().max_by(|&a, &b| rise(a).total_cmp(&rise(b))).unwrap_or(split);
    let is_steep = rise(steepest) >= STEEP_SHARE * gain_mb;
    let after: Vec<f64> = floors[steepest + 1..].iter().map(|floor| floor.value).collect();
    let rises_on = mann_kendall(&after).is_some_and(|after| after.tau >= AFTER_JUMP.0 && after.p_rising < AFTER_JUMP.1);
    let at_s = (floors[steepest - 1].at, floors[steepest + 1].at);
    let half_s = (at_s.1 - at_s.0) / 4.0;
    Some(Jump { levels_mb, share, is_steep, rises_on, at_s: (at_s.0 - half_s, at_s.1 + half_s) })
}
