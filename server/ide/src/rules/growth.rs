//! The trend test that GC101, GC102, GC103 and GC104 share: does what survives every collection keep growing?
//!
//! Works on the floors of 8 to 24 windows of any `(seconds, megabytes)` series. A significant trend is not enough: the
//! growth must have size, must not have been given back, and must go on. Mann–Kendall by itself calls one flat series
//! in five a leak, a straight-line fit calls most caches that filled one.
//!
//! [`Evidence`] holds the numbers and knows no limits; [`Evidence::verdict`] holds them against [`Thresholds`]. A log
//! that grows keeps a verdict by softer thresholds than those that raised it ([`replay`]).

mod fit;
pub(super) mod pace;
pub(crate) mod replay;
pub(crate) mod so_far;
mod swings;
pub(super) mod trend;

pub(super) use self::replay::first_sufficient;
pub(super) use self::trend::Evidence;
use crate::derived::live_before_mark_mb;
use crate::environment;
use crate::rules::evidence::Test;
use crate::rules::{Limit, Limits, Place, Related, Severity, limit};
use crate::view::{Cycles, RunView};
use crate::words::{rough, rough_span};

#[cfg(test)]
pub(super) mod shapes;

/// What compares the two stories of [`Fit`](fit::Fit), in the words of a condition.
const ODDS: &str = "odds that it goes on rising, against a level that was reached";

/// One quantity of the cycles of a run over time; rows without a time or a value are left out.
#[derive(Debug, Default)]
pub(crate) struct Series {
    /// Seconds since program start and value; times never fall.
    pub(super) points: Vec<(f64, f64)>,
    /// The row in [`Cycles`] of each point.
    pub(super) rows: Vec<usize>,
}

impl Series {
    /// Reads `quantity` of every cycle. Releases that print no time (before Go 1.5) give an empty series.
    pub(super) fn of(cycles: &Cycles, quantity: impl Fn(usize) -> f64) -> Self {
        let mut series = Self { points: Vec::with_capacity(cycles.len()), rows: Vec::with_capacity(cycles.len()) };
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

    /// The live heap, without what was allocated during the mark where that can be told.
    pub(crate) fn live_heap(run: &RunView) -> &Self {
        run.live_heap.get_or_init(|| Self::of(&run.cycles, |row| live_before_mark_mb(&run.cycles, row)))
    }

    /// From the first point to the last, s.
    pub(super) fn span_s(&self) -> f64 {
        self.points.last().zip(self.points.first()).map_or(0.0, |(last, first)| last.0 - first.0)
    }

    /// Whether there are data enough for the trend test.
    pub(super) fn is_enough(&self, thresholds: &Thresholds, test: &mut Test) -> bool {
        let has_cycles = test.data("cycles", self.points.len() as f64, thresholds.min_cycles, "");
        let has_time = test.data("time", self.span_s(), thresholds.min_span_s, "s");
        has_cycles && has_time
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
pub(super) const fn trend_limits() -> [Limit; 9] {
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
        limit("min_end_mb", DEFAULT.min_end_mb, "MB", "A smaller live heap at the end is not reported."),
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

/// What the conditions are held against: catalogue GC101. What is asked of the second half is the same for all rules.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Thresholds {
    pub(super) min_cycles: f64,
    pub(super) min_span_s: f64,
    pub(super) max_p: f64,
    pub(super) min_tau: f64,
    /// Of less, whole megabytes tell too little; 0 for what is counted otherwise.
    pub(super) min_end_mb: f64,
    pub(super) min_gain_mb: f64,
    pub(super) min_gain_share: f64,
    pub(super) min_gain_noise: f64,
    pub(super) max_given_back: f64,
    /// Least pace of the second half over that of the first, of growth that goes on.
    pub(super) min_late_ratio: f64,
    /// Its odds against a level that was reached, from `even_pace` on; growth that lost more of its pace needs higher ones.
    pub(super) min_odds: f64,
    pub(super) even_pace: f64,
    /// Least pace of the second half over that of the first, and tau there, of growth that slows down.
    pub(super) slowing: (f64, f64),
}

impl Thresholds {
    /// The catalogue's.
    pub(super) const DEFAULT: Self = Self {
        min_cycles: 40.0,
        min_span_s: 30.0,
        max_p: 0.01,
        min_tau: 0.40,
        min_end_mb: 8.0,
        min_gain_mb: 2.0,
        min_gain_share: 0.10,
        min_gain_noise: 2.0,
        max_given_back: 0.35,
        min_late_ratio: 0.3,
        min_odds: 1.7,
        even_pace: 0.6,
        slowing: (0.20, 0.30),
    };

    /// Those of a rule that declares [`trend_limits`].
    pub(super) fn of(limits: &Limits) -> Self {
        Self {
            min_cycles: limits.get("min_cycles"),
            min_span_s: limits.get("min_span_s"),
            max_p: limits.get("max_p"),
            min_tau: limits.get("min_tau"),
            min_end_mb: limits.get("min_end_mb"),
            min_gain_mb: limits.get("min_gain_mb"),
            min_gain_share: limits.get("min_gain_share"),
            min_gain_noise: limits.get("min_gain_noise"),
            max_given_back: limits.get("max_given_back"),
            ..Self::DEFAULT
        }
    }

    /// The odds that growth must have whose second half has such a pace, times that of the first.
    ///
    /// Pace and odds are two looks at the same floors, and a cache that fills passes each of them by chance more often
    /// than both: at a pace of 0.47 the odds must be 4.5 instead of 1.7, at 0.3 they must be 27.
    pub(super) fn odds_at(&self, pace: f64) -> f64 {
        self.min_odds * (self.even_pace / pace.max(self.min_late_ratio)).max(1.0).powi(4)
    }

    /// Those that a verdict has to fail before it is withdrawn (catalogue, section 0): p 0.05, tau 0.25, 0.7 of the size,
    /// half given back, and a second half that says clearly that it is over.
    pub(super) fn softened(&self) -> Self {
        Self {
            max_p: 5.0 * self.max_p,
            min_tau: 0.625 * self.min_tau,
            min_end_mb: 0.7 * self.min_end_mb,
            min_gain_mb: 0.7 * self.min_gain_mb,
            min_gain_share: 0.7 * self.min_gain_share,
            min_gain_noise: 0.7 * self.min_gain_noise,
            max_given_back: self.max_given_back + 0.15,
            min_late_ratio: 0.25,
            min_odds: 0.85,
            slowing: (0.15, 0.20),
            ..*self
        }
    }

    /// Those that a verdict has to fail between two looks at a run.
    pub(super) fn between_looks(&self) -> Self {
        Self { min_late_ratio: 0.2, min_odds: 0.5, even_pace: 0.35, ..self.softened() }
    }

    /// Those that raise a verdict which was withdrawn so many times: each time its odds must be half as high again.
    pub(super) fn after_withdrawals(&self, n: u32) -> Self {
        const PER_WITHDRAWAL: f64 = 1.5;
        const AT_MOST: f64 = 8.0;
        let factor = PER_WITHDRAWAL.powi(n.min(16) as i32).min(AT_MOST);
        Self { min_odds: factor * self.min_odds, ..*self }
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

/// A limit that growing memory reaches.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ceiling {
    mb: f64,
    /// Read off the goals of the run, and not set by the user.
    is_estimate: bool,
    /// Seconds until it is reached at the present pace, 0 when it is.
    pub(super) left_s: f64,
}

impl Ceiling {
    /// The limit that is known, by a setting or by the goals of the run, for what grows by `mb_per_s`; none that is not
    /// reached within a year.
    pub(super) fn of(run: &RunView, limits: &Limits, now_mb: f64, mb_per_s: f64) -> Option<Self> {
        const YEAR_S: f64 = 365.0 * 86_400.0;
        let estimate = || environment::estimated_limit(run).map(|limit| limit.mb);
        let mb = limits.memory_limit_mb.or_else(estimate)?;
        let left_s = (mb - now_mb).max(0.0) / mb_per_s;
        let is_known = mb_per_s > 0.0 && left_s <= YEAR_S;
        is_known.then_some(Self { mb, is_estimate: limits.memory_limit_mb.is_none(), left_s })
    }

    /// `512 MB in 7 min`.
    pub(super) fn in_words(self) -> String {
        let mb = if self.is_estimate { format!("about {}", rough(self.mb)) } else { rough(self.mb) };
        if self.left_s > 0.0 {
            format!("{mb} MB in {}", rough_span(self.left_s))
        } else {
            format!("{mb} MB are reached")
        }
    }
}

/// Severity of proven growth: an error only when a known limit is reached within a day.
pub(super) fn severity(ceiling: Option<Ceiling>) -> Severity {
    const DAY_S: f64 = 86_400.0;
    if ceiling.is_some_and(|ceiling| ceiling.left_s <= DAY_S) { Severity::Error } else { Severity::Warning }
}

/// What came back of the growth over the whole run, in words.
pub(super) fn released(evidence: &Evidence, points: &[(f64, f64)]) -> String {
    let run_s = points.last().zip(points.first()).map_or(0.0, |(last, first)| last.0 - first.0);
    match evidence.given_back {
        share if share < 0.01 => format!("no release seen in {}", rough_span(run_s)),
        share => format!("at most {:.0} % of it released in {}", 100.0 * share, rough_span(run_s)),
    }
}
