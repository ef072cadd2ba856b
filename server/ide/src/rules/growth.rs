//! The trend test that GC101, GC102, GC103 and GC104 share: does what survives every collection keep growing?
//!
//! Works on the floors of 8 to 20 windows of any `(seconds, megabytes)` series. A significant trend is not enough: the
//! growth must have size, must not have been given back, and must go on in the second half. Mann–Kendall by itself
//! calls one flat series in five a leak, a straight-line fit calls most caches that filled one.
//!
//! [`Evidence`] holds the numbers and knows no limits; [`Evidence::verdict`] holds them against [`Thresholds`]. A log
//! that grows can so keep a verdict by softer thresholds than those that raised it.

use crate::derived::alloc_rate_over;
use crate::rules::{Limit, Limits, Place, Related, Severity, limit};
use crate::stats::{Floor, floor_noise, mann_kendall, median, median_of_three, spearman, theil_sen, window_floors};
use crate::view::Cycles;
use crate::words::{rough, rough_span};

#[cfg(test)]
pub(super) mod shapes;

/// Fewest windows that carry a verdict, and the most that are used.
const WINDOWS: (usize, usize) = (8, 20);

/// Cycles that should fall into one window.
const CYCLES_PER_WINDOW: usize = 5;

/// Warm-up at the start of a run: this share of its time, and at least so many cycles.
const WARM_UP: (f64, usize) = (0.15, 10);

/// Floors on each side of a split that are compared to find a step.
const STEP_FLOORS: usize = 4;

/// Floors that the last quarter has at least.
const MIN_LAST_FLOORS: usize = 4;

/// A last quarter is flat when a rise of so many times the noise was due and its slope is below this share of the pace.
const LEVEL: (f64, f64) = (4.0, 0.20);

/// Share of the gain that one jump must make to be the whole story.
const STEP_SHARE: f64 = 0.80;

/// Share of the gain that two neighboring windows must make for a jump rather than a ramp.
const STEEP_SHARE: f64 = 0.70;

/// Largest p of the floors after a jump that says they rise on. Stricter than tau: four floors in order are chance.
const MAX_P_AFTER_JUMP: f64 = 0.04;

/// Smallest tau of the second half that is a rise, and that still is one while growth slows down.
const LATE_TAU: (f64, f64) = (0.40, 0.30);

/// Smallest slope of the second half over that of the first: growth that goes on, and growth that slows down.
const LATE_RATIO: (f64, f64) = (0.50, 0.20);

/// Rank correlation with the allocation rate from which growth is taken to follow the load.
const MIN_LOAD_CORRELATION: f64 = 0.80;

/// One quantity of the cycles of a run over time; rows without a time or a value are left out.
#[derive(Debug, Default)]
pub(super) struct Series {
    /// Seconds since program start and value; times never fall.
    pub(super) points: Vec<(f64, f64)>,
    /// The row in [`Cycles`] of each point.
    pub(super) rows: Vec<usize>,
}

impl Series {
    /// Reads `quantity` of every cycle. Releases that print no time (before Go 1.5) give an empty series.
    pub(super) fn of(cycles: &Cycles, quantity: impl Fn(usize) -> f64) -> Self {
        let mut series = Self::default();
        let mut latest = f64::NEG_INFINITY;
        for (row, &at_s) in cycles.at_s.iter().enumerate() {
            let value = quantity(row);
            if at_s.is_finite() && value.is_finite() && at_s >= latest {
                latest = at_s;
                series.points.push((at_s, value));
                series.rows.push(row);
            }
        }
        series
    }

    /// The line of a point.
    pub(super) fn line(&self, cycles: &Cycles, idx: usize) -> u32 {
        self.rows.get(idx).and_then(|&row| cycles.line.get(row)).copied().unwrap_or(0)
    }

    /// The first point used, the highest one and the last, as related places of a finding.
    pub(super) fn landmarks(&self, cycles: &Cycles, first: usize, field: tracelog::Field) -> Vec<Related> {
        let Some(last) = self.points.len().checked_sub(1).filter(|last| first <= *last) else { return Vec::new() };
        // Reversed: of equally high points `max_by` takes the last, people look for the first.
        let highest = (first..=last).rev().max_by(|&a, &b| self.points[a].1.total_cmp(&self.points[b].1));
        let highest = highest.filter(|highest| ![first, last].contains(highest));
        [("first used", Some(first)), ("highest", highest), ("last used", Some(last))]
            .into_iter()
            .filter_map(|(what, idx)| Some((what, idx?)))
            .map(|(what, idx)| {
                let (at_s, value) = self.points[idx];
                let place = Place { line: self.line(cycles, idx), field: Some(field) };
                Related { place, text: format!("{what}: {} MB at {at_s:.1} s", rough(value)) }
            })
            .collect()
    }
}

/// The limits of the rules on the live heap.
pub(super) const fn trend_limits() -> [Limit; 8] {
    const DEFAULT: Thresholds = Thresholds::DEFAULT;
    [
        limit("min_cycles", DEFAULT.min_cycles, "cycles", "Shorter runs are not judged."),
        limit("min_span_s", DEFAULT.min_span_s, "s", "Runs that span less time are not judged."),
        limit(
            "max_p",
            DEFAULT.max_p,
            "",
            "Largest one-sided Mann-Kendall p of the window floors that counts as a trend.",
        ),
        limit("min_tau", DEFAULT.min_tau, "", "Smallest Kendall tau-a of the window floors that counts as a trend."),
        limit("min_gain_mb", DEFAULT.min_gain_mb, "MB", "Smaller growth is not reported."),
        limit(
            "min_gain_share",
            DEFAULT.min_gain_share,
            "of the base",
            "Growth below this share of its base is not reported.",
        ),
        limit(
            "min_gain_noise",
            DEFAULT.min_gain_noise,
            "noise",
            "Growth must be so many times the noise of the window floors.",
        ),
        limit(
            "max_given_back",
            DEFAULT.max_given_back,
            "of the gain",
            "Growth is not reported when at least this share was given back.",
        ),
    ]
}

/// What the conditions are held against: catalogue GC101, steps 1 to 5. Step 6 is the same for all.
#[derive(Clone, Copy, Debug)]
pub(super) struct Thresholds {
    pub(super) min_cycles: f64,
    pub(super) min_span_s: f64,
    pub(super) max_p: f64,
    pub(super) min_tau: f64,
    pub(super) min_gain_mb: f64,
    pub(super) min_gain_share: f64,
    pub(super) min_gain_noise: f64,
    pub(super) max_given_back: f64,
}

impl Thresholds {
    /// The catalogue's.
    pub(super) const DEFAULT: Self = Self {
        min_cycles: 40.0,
        min_span_s: 30.0,
        max_p: 0.01,
        min_tau: 0.40,
        min_gain_mb: 2.0,
        min_gain_share: 0.10,
        min_gain_noise: 2.0,
        max_given_back: 0.35,
    };

    /// Those of a rule that declares [`trend_limits`].
    pub(super) fn of(limits: &Limits) -> Self {
        Self {
            min_cycles: limits.get("min_cycles"),
            min_span_s: limits.get("min_span_s"),
            max_p: limits.get("max_p"),
            min_tau: limits.get("min_tau"),
            min_gain_mb: limits.get("min_gain_mb"),
            min_gain_share: limits.get("min_gain_share"),
            min_gain_noise: limits.get("min_gain_noise"),
            max_given_back: limits.get("max_given_back"),
        }
    }
}

/// What the floors say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Verdict {
    /// No trend, or one too small to matter.
    Flat,
    /// It rose and a good part came back: batches, a sawtooth, a day.
    GivenBack,
    /// It rose and stopped: a cache that filled.
    Plateau,
    /// One jump made the gain.
    Step,
    /// It still rises, at less than half the pace of the beginning.
    Slowing,
    /// It rises to the end.
    Rising,
}

/// The largest rise between neighboring stretches of the floors.
#[derive(Clone, Copy, Debug)]
pub(super) struct Jump {
    /// Medians of the floors before and after it, MB.
    pub(super) levels_mb: (f64, f64),
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
pub(super) struct Evidence {
    /// Index of the first point after warm-up.
    pub(super) first: usize,
    floors: Vec<Floor>,
    window_s: f64,
    /// Points after warm-up.
    pub(super) n_cycles: usize,
    /// Median floors of the first and the last fifth, MB, and the time between the middles of the two, s.
    pub(super) base_mb: f64,
    pub(super) end_mb: f64,
    pub(super) apart_s: f64,
    /// The smaller of `end − base` and what the Theil–Sen slope gives over the span, MB: an outlier makes only one large.
    pub(super) gain_mb: f64,
    /// Noise of the floors, MB.
    pub(super) noise_mb: f64,
    /// Trend of all floors.
    pub(super) tau: f64,
    pub(super) p_rising: f64,
    /// Largest drop below the running maximum beyond noise, as a share of the gain up to the maximum.
    pub(super) given_back: f64,
    /// Slopes of the two halves, MB/s.
    pub(super) early_mb_per_s: f64,
    pub(super) late_mb_per_s: f64,
    /// Trend of the second half.
    pub(super) late_tau: f64,
    /// Slope of the last quarter, MB/s, and how long that is, s.
    pub(super) last_mb_per_s: f64,
    last_s: f64,
    /// The largest jump, where there are floors enough to look for one.
    pub(super) jump: Option<Jump>,
}

impl Evidence {
    /// The test's numbers for `(seconds, MB)` points in order of time; `None` when they are too few or too short.
    pub(super) fn of(points: &[(f64, f64)], thresholds: &Thresholds) -> Option<Self> {
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
        let floors = window_floors(used, n_windows);
        if floors.len() < WINDOWS.0 {
            return None;
        }
        let used_s = end_s - used.first()?.0;
        let values: Vec<f64> = floors.iter().map(|floor| floor.value).collect();
        let trend = mann_kendall(&values)?;
        let (early, late) = floors.split_at(floors.len() / 2);
        let last = &floors[floors.len() - (floors.len() / 4).max(MIN_LAST_FLOORS)..];
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
            last_mb_per_s: slope(last)?,
            last_s: last.len() as f64 * used_s / n_windows as f64,
            jump: largest_jump(&floors, end.value - base.value),
            floors,
        })
    }

    /// Slope of the second half over that of the first; infinite when the first half is flat or falls.
    pub(super) fn late_ratio(&self) -> f64 {
        if self.early_mb_per_s > 0.0 { self.late_mb_per_s / self.early_mb_per_s } else { f64::INFINITY }
    }

    /// The numbers held against the thresholds.
    pub(super) fn verdict(&self, thresholds: &Thresholds) -> Verdict {
        let needed_mb = thresholds
            .min_gain_mb
            .max(thresholds.min_gain_share * self.base_mb)
            .max(thresholds.min_gain_noise * self.noise_mb);
        let has_trend = self.p_rising < thresholds.max_p && self.tau >= thresholds.min_tau;
        if !has_trend || self.end_mb - self.base_mb < needed_mb {
            return Verdict::Flat;
        }
        if self.given_back >= thresholds.max_given_back {
            return Verdict::GivenBack;
        }
        // A jump in the second half is a trend of that half too; what counts is whether it rises on after the jump.
        if self.jump.is_some_and(|jump| jump.is_steep && jump.share >= STEP_SHARE && !jump.rises_on) {
            return Verdict::Step;
        }
        if self.gain_mb < needed_mb {
            return Verdict::Flat;
        }
        if self.has_levelled_off() {
            return Verdict::Plateau;
        }
        let ratio = self.late_ratio();
        if self.late_tau >= LATE_TAU.0 && ratio >= LATE_RATIO.0 {
            Verdict::Rising
        } else if self.late_tau >= LATE_TAU.1 && (LATE_RATIO.1..LATE_RATIO.0).contains(&ratio) {
            Verdict::Slowing
        } else {
            Verdict::Plateau
        }
    }

    /// Whether the last quarter is flat although, at the pace of the second half, its rise would show above the noise.
    fn has_levelled_off(&self) -> bool {
        self.late_mb_per_s * self.last_s >= LEVEL.0 * self.noise_mb && self.last_mb_per_s < LEVEL.1 * self.late_mb_per_s
    }

    /// How sure: many windows, hardly a falling pair, and a gain far out of the noise are strong evidence.
    pub(super) fn strength(&self) -> &'static str {
        let is_strong = self.tau >= 0.8 && self.floors.len() >= 15 && self.gain_mb >= 5.0 * self.noise_mb;
        if is_strong { "strong" } else { "moderate" }
    }

    /// Whether the growth follows the allocation rate, which grew at least as much: more load rather than a leak.
    pub(super) fn moves_with_load(&self, series: &Series, cycles: &Cycles) -> bool {
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
    pub(super) fn jump_point(&self, points: &[(f64, f64)]) -> Option<usize> {
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
    pub(super) fn numbers(&self) -> Vec<(&'static str, f64)> {
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
        numbers
    }
}

/// The shortest prefix from which on `holds` is true of every longer one looked at, as the index of its last point.
///
/// Prefixes grow by an eighth, from `shortest` points on: a few dozen checks whatever the length, and the answer stays
/// the same point while a log grows. Truth need not be monotone, so this is no binary search. The caller knows that
/// `holds` is true of all points.
pub(super) fn first_sufficient(points: &[(f64, f64)], shortest: usize, holds: impl Fn(&[(f64, f64)]) -> bool) -> usize {
    let next = |length: &usize| Some(length + (length / 8).max(1));
    let lengths: Vec<usize> =
        std::iter::successors(Some(shortest.max(1)), next).take_while(|length| *length < points.len()).collect();
    let held = lengths.into_iter().rev().take_while(|length| holds(&points[..*length]));
    held.last().unwrap_or(points.len()).max(1) - 1
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
    let rises_on =
        mann_kendall(&after).is_some_and(|after| after.tau >= LATE_TAU.0 && after.p_rising < MAX_P_AFTER_JUMP);
    let at_s = (floors[steepest - 1].at, floors[steepest + 1].at);
    let half_s = (at_s.1 - at_s.0) / 4.0;
    Some(Jump { levels_mb, share, is_steep, rises_on, at_s: (at_s.0 - half_s, at_s.1 + half_s) })
}

/// Seconds until what grows by `mb_per_s` reaches the memory limit, 0 when it is there; `None` without a limit.
pub(super) fn time_to_limit_s(limits: &Limits, now_mb: f64, mb_per_s: f64) -> Option<f64> {
    let left_s = (limits.memory_limit_mb? - now_mb).max(0.0) / mb_per_s;
    (mb_per_s > 0.0 && left_s.is_finite()).then_some(left_s)
}

/// When the memory limit is reached, in words; nothing without one.
pub(super) fn limit_words(limits: &Limits, to_limit_s: Option<f64>) -> Option<String> {
    let limit = rough(limits.memory_limit_mb?);
    let left_s = to_limit_s?;
    Some(if left_s > 0.0 { format!("{limit} MB in {}", rough_span(left_s)) } else { format!("{limit} MB are reached") })
}

/// Severity of proven growth: an error only when a known limit is reached within a day.
pub(super) fn severity(to_limit_s: Option<f64>) -> Severity {
    const DAY_S: f64 = 86_400.0;
    if to_limit_s.is_some_and(|left_s| left_s <= DAY_S) { Severity::Error } else { Severity::Warning }
}

/// What came back of the growth over the whole run, in words.
pub(super) fn released(evidence: &Evidence, points: &[(f64, f64)]) -> String {
    let run_s = points.last().zip(points.first()).map_or(0.0, |(last, first)| last.0 - first.0);
    match evidence.given_back {
        share if share < 0.01 => format!("no release seen in {}", rough_span(run_s)),
        share => format!("at most {:.0} % of it released in {}", 100.0 * share, rough_span(run_s)),
    }
}
