//! Whether slow requests begin in garbage collections more often than all do.
//!
//! By where a request *begins*, never by what it overlaps: a long request overlaps more cycles because it is long. And a
//! request that started the cycle itself, by allocating, began before it.

use crate::stats;

use super::Series;

/// What the comparison says.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Verdict {
    /// Slow requests begin in a cycle no more often than all do.
    NotGc,
    /// They begin in one clearly more often.
    InGc,
    /// Neither can be said; about so many requests would be needed, where more would help.
    CannotTell(Option<usize>),
}

/// Requests that begin in a cycle beside those that begin outside.
#[derive(Clone, Debug, PartialEq)]
pub struct Split {
    /// The verdict.
    pub verdict: Verdict,
    /// Requests that begin in a cycle, and outside of all.
    pub n: (usize, usize),
    /// Their 99th percentiles, ms.
    pub p99_ms: (f64, f64),
    /// Slow requests, and those of them that begin in a cycle.
    pub slow: (usize, usize),
    /// Share of requests that is expected to begin in a cycle: of all requests that do, or of time where only slow ones
    /// are logged.
    pub expected: f64,
    /// 95 % interval of the share of slow ones that do.
    pub interval: (f64, f64),
    /// Pauses inside slow requests, as a share of their time.
    pub pauses: f64,
    /// Cycles in which slow requests begin.
    pub n_cycles: usize,
    /// Only requests above this many ms are logged, as it seems.
    pub logged_above_ms: Option<f64>,
    /// Whether the clock and the numbers are good enough to rely on.
    pub is_strong: bool,
}

/// Slow requests that are needed.
pub(crate) const MIN_SLOW: usize = 30;

/// Shares of requests in cycles between which the comparison means anything: above, the collector runs back to back.
pub(crate) const EXPECTED: std::ops::RangeInclusive<f64> = 0.005..=0.5;

/// Not the collector: the upper bound is at most so many times what is expected.
pub(crate) const NOT_ABOVE: f64 = 1.5;
/// And pauses, or cycles where the clock is not sharp enough to tell them apart, are at most this share of slow time.
pub(crate) const MAX_INSIDE: f64 = 0.1;

/// The collector: the lower bound is at least so many times what is expected.
pub(crate) const IN_ABOVE: f64 = 2.0;
/// And so many slow requests begin in so many different cycles.
pub(crate) const MIN_IN: usize = 10;
/// See [`MIN_IN`].
pub(crate) const MIN_CYCLES: usize = 5;
/// The 99th percentile in a cycle is at least so many times the one outside.
pub(crate) const MIN_SLOWER: f64 = 1.2;

/// Half the width of a 95 % interval in standard deviations, and what has to be added for an even chance of four in five.
const Z: f64 = 1.96;
const Z_POWER: f64 = 0.84;

/// Compares the requests of a series. Slow are those above `slow_ms`, or the slowest where that is not set (0).
pub fn split(series: &Series, slow_ms: f64) -> Option<Split> {
    let n = series.ms.len();
    let is_in = |at: usize| series.cycle[at].is_some();
    let of = |inside: bool| -> Vec<f64> { (0..n).filter(|at| is_in(*at) == inside).map(|at| series.ms[at]).collect() };
    let (ins, outs) = (of(true), of(false));
    let p99_ms = (stats::quantile(&ins, 0.99)?, stats::quantile(&outs, 0.99)?);
    let logged_above_ms = threshold(&series.ms);
    let slow = match logged_above_ms {
        Some(_) => (0..n).collect(),
        None => slowest(&series.ms, slow_ms),
    };
    let k = slow.len();
    let begin_in: Vec<u32> = slow.iter().filter_map(|at| series.cycle[*at]).collect();
    let x = begin_in.len();
    let mut cycles = begin_in;
    cycles.sort_unstable();
    cycles.dedup();
    let of_requests = ins.len() as f64 / n as f64;
    let expected = if logged_above_ms.is_some() { series.share_of_time } else { of_requests };
    let interval = wilson(x, k);
    let sum = |values: &[f64]| slow.iter().map(|at| values[*at]).sum::<f64>();
    let slow_total_ms = sum(&series.ms);
    let pauses = sum(&series.pause_ms) / slow_total_ms;
    let has_tail = slow.last().is_some_and(|at| Some(series.ms[*at]) > stats::median(&series.ms));
    let verdict = if !EXPECTED.contains(&expected) || !has_tail && logged_above_ms.is_none() {
        Verdict::CannotTell(None)
    } else if k < MIN_SLOW {
        Verdict::CannotTell(Some(needed(expected)))
    } else if interval.0 >= IN_ABOVE * expected
        && x >= MIN_IN
        && cycles.len() >= MIN_CYCLES
        // A difference that is there but that nobody would feel, and cycles shorter than the clock is sharp.
        && (p99_ms.0 >= MIN_SLOWER * p99_ms.1 || logged_above_ms.is_some())
        && series.is_sharp
    {
        Verdict::InGc
    } else if interval.1 <= NOT_ABOVE * expected
        && pauses <= MAX_INSIDE
        && (series.is_sharp || sum(&series.inside_ms) <= MAX_INSIDE * slow_total_ms)
        // Requests that begin in cycles more often than time is spent there are no sample that says anything.
        && of_requests <= NOT_ABOVE * series.share_of_time
    {
        Verdict::NotGc
    } else {
        Verdict::CannotTell(Some(needed(expected)).filter(|needed| *needed > n))
    };
    Some(Split {
        verdict,
        n: (ins.len(), outs.len()),
        p99_ms,
        slow: (k, x),
        expected,
        interval,
        pauses,
        n_cycles: cycles.len(),
        logged_above_ms,
        is_strong: series.error_ms <= 1.0 && k >= 100 && series.n_cycles >= 20,
    })
}

/// The slowest: a hundredth, or a twentieth where that are few; or all above a limit. The slowest first.
fn slowest(ms: &[f64], slow_ms: f64) -> Vec<usize> {
    let n = ms.len();
    let mut order: Vec<usize> = (0..n).collect();
    // The sort is stable: of equal ones the first in the log comes first.
    order.sort_by(|a, b| ms[*b].total_cmp(&ms[*a]));
    let k = if slow_ms > 0.0 { ms.iter().filter(|ms| **ms > slow_ms).count() } else { n_slowest(n) };
    order.truncate(k);
    order
}

fn n_slowest(n: usize) -> usize {
    (n / 100).max((n / 20).min(500))
}

/// Requests after which four in five runs would say "not the collector" if it is not.
fn needed(expected: f64) -> usize {
    let spread = (1.0 - expected) / expected;
    let k = ((Z + Z_POWER).powi(2) * spread / (NOT_ABOVE - 1.0).powi(2)).ceil().max(MIN_SLOW as f64);
    let n = if k <= 500.0 { 20.0 * k } else { 100.0 * k };
    // Two digits: it is an estimate.
    let unit = 10_f64.powf(n.log10().floor() - 1.0);
    ((n / unit).ceil() * unit) as usize
}

/// Wilson's 95 % interval of a share.
fn wilson(x: usize, k: usize) -> (f64, f64) {
    if k == 0 {
        return (0.0, 1.0);
    }
    let (x, k) = (x as f64, k as f64);
    let (share, z2) = (x / k, Z * Z);
    let center = (share + z2 / (2.0 * k)) / (1.0 + z2 / k);
    let half = Z * (share * (1.0 - share) / k + z2 / (4.0 * k * k)).sqrt() / (1.0 + z2 / k);
    ((center - half).max(0.0), (center + half).min(1.0))
}

/// The limit above which requests are logged at all: a round number that durations crowd behind, with none below.
fn threshold(ms: &[f64]) -> Option<f64> {
    const NEAR: f64 = 1.1;
    let least = ms.iter().copied().fold(f64::INFINITY, f64::min);
    let decade = 10_f64.powf(least.log10().floor());
    let round = [1.0, 2.0, 3.0, 5.0].map(|digit| digit * decade).into_iter().rfind(|round| *round <= least)?;
    let n_near = ms.iter().filter(|ms| **ms <= NEAR * least).count();
    let is_cut = least >= 1.0 && least <= 1.02 * round && n_near * 20 >= ms.len() && ms.len() >= MIN_SLOW;
    (is_cut && stats::median(ms)? >= 1.3 * least).then_some(round)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wilson_is_that_of_the_books() {
        let shown = |x, k| {
            let (low, high) = wilson(x, k);
            format!("{low:.3} {high:.3}")
        };
        assert_eq!(shown(10, 150), "0.037 0.118");
        assert_eq!(shown(0, 30), "0.000 0.114");
        assert_eq!(shown(30, 30), "0.886 1.000");
        assert_eq!(shown(0, 0), "0.000 1.000");
    }

    #[test]
    fn the_slowest_are_a_twentieth_and_later_a_hundredth() {
        assert_eq!([600, 3000, 16_500, 100_000].map(n_slowest), [30, 150, 500, 1000]);
        assert_eq!(slowest(&[1.0, 9.0, 5.0, 7.0], 4.0), [1, 3, 2]);
        assert_eq!([needed(0.07), needed(0.3), needed(0.01)], [8400, 1500, 320_000]);
    }

    #[test]
    fn a_limit_of_logging_is_seen() {
        let tail =
            |least: f64| -> Vec<f64> { (0..1000).map(|i| least - 50.0 * (1.0 - i as f64 / 1000.0).ln()).collect() };
        assert_eq!(threshold(&tail(100.01)), Some(100.0));
        assert_eq!(threshold(&tail(137.0)), None, "not a round number");
        assert_eq!(threshold(&tail(0.001)), None);
        let steady: Vec<f64> = (0..1000).map(|i| 10.0 + i as f64 / 5000.0).collect();
        assert_eq!(threshold(&steady), None, "all alike");
    }
}
