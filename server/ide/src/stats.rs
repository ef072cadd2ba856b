//! Robust statistics for short, tied, outlier-ridden series.
//!
//! Rank-based where possible: trace values are whole megabytes, pauses are log-normal-like, and one spike in ten lines
//! is normal. There is no mean, no variance and no least-squares line here on purpose: a step, a ramp that ended or a
//! cache that filled passes R² > 0.7.
//!
//! Every function takes any input. Values that are not finite are left out; what cannot be said is `None`, and no
//! answer is NaN or infinite.

mod running;
mod trend;

use std::cmp::Ordering;

pub use running::{LogHistogram, Lowest, RunningMedian};
pub use trend::{Floor, MannKendall, floor_noise, mann_kendall, median_of_three, spearman, theil_sen, window_floors};

/// The MAD times this estimates the standard deviation of normal data.
const MAD_TO_SIGMA: f64 = 1.4826;

/// The finite values, in ascending order.
fn sorted_finite(values: &[f64]) -> Vec<f64> {
    let mut sorted: Vec<f64> = values.iter().copied().filter(|value| value.is_finite()).collect();
    sorted.sort_unstable_by(f64::total_cmp);
    sorted
}

/// The middle value; the midpoint of the two middle ones where the number is even.
pub fn median(values: &[f64]) -> Option<f64> {
    /// A window around a cycle: asked for so often that its memory is taken once.
    const FEW: usize = 32;
    let finite = values.iter().filter(|value| value.is_finite()).map(|value| in_order(value.to_bits() as i64));
    if values.len() >= MANY
        && let Some(median) = median_of_many(values)
    {
        return Some(median);
    }
    if values.len() > FEW {
        let mut keys: Vec<i64> = Vec::with_capacity(values.len());
        keys.extend(finite);
        return median_of_keys(&mut keys);
    }
    let (mut keys, mut n) = ([0; FEW], 0);
    for key in finite {
        keys[n] = key;
        n += 1;
    }
    median_of_keys(&mut keys[..n])
}

/// From so many values on a sample of them says between which two the median must be: few are copied then.
const MANY: usize = 1 << 14;

/// The median where it is near that of a sample, as it nearly always is.
fn median_of_many(values: &[f64]) -> Option<f64> {
    const SAMPLE: usize = 4000;
    // Four standard deviations of the place of the median among so many random values.
    const MARGIN: usize = 128;
    let sample = sorted_finite(&thinned(values, SAMPLE));
    let middle = sample.len() / 2;
    let (low, high) = (*sample.get(middle.saturating_sub(MARGIN))?, *sample.get(middle + MARGIN)?);
    let n = values.iter().filter(|value| value.is_finite()).count();
    let n_below = values.iter().filter(|value| (f64::MIN..low).contains(*value)).count();
    // The lower one of two in the middle, and how many are in the middle.
    let (rank, n_middle) = ((n - 1) / 2, 2 - n % 2);
    let rank = rank.checked_sub(n_below)?;
    if low == high {
        let n_equal = values.iter().filter(|value| **value == low).count();
        return (rank + n_middle <= n_equal).then_some(low);
    }
    let mut near: Vec<f64> = values.iter().copied().filter(|value| (low..=high).contains(value)).collect();
    if rank + n_middle > near.len() {
        return None;
    }
    let (_, lower, above) = near.select_nth_unstable_by(rank, f64::total_cmp);
    let upper = above.iter().copied().min_by(f64::total_cmp).filter(|_| n_middle == 2);
    Some(upper.map_or(*lower, |upper| f64::midpoint(*lower, upper)))
}

/// How the median of the values compares to a bound: in most cases counting tells.
pub fn compare_median(values: &[f64], bound: f64) -> Option<Ordering> {
    let n = values.iter().filter(|value| value.is_finite()).count();
    if 2 * values.iter().filter(|value| (f64::MIN..bound).contains(*value)).count() > n {
        return Some(Ordering::Less);
    }
    if 2 * values.iter().filter(|value| **value > bound && **value < f64::INFINITY).count() > n {
        return Some(Ordering::Greater);
    }
    median(values)?.partial_cmp(&bound)
}

/// The median of numbers by their [`in_order`] bits.
fn median_of_keys(keys: &mut [i64]) -> Option<f64> {
    let n = keys.len();
    if n == 0 {
        return None;
    }
    let of_key = |key: i64| f64::from_bits(in_order(key) as u64);
    // Not sorted: a run can have hundreds of thousands of values.
    let (below, upper, _) = keys.select_nth_unstable(n / 2);
    let upper = of_key(*upper);
    if n % 2 == 1 {
        return Some(upper);
    }
    below.iter().max().map(|lower| f64::midpoint(of_key(*lower), upper))
}

/// The bits of a number as an integer with the order of the numbers ([`f64::total_cmp`]), and back: comparing integers is
/// most of what a median costs.
fn in_order(bits: i64) -> i64 {
    bits ^ (((bits >> 63) as u64) >> 1) as i64
}

/// At most `max` of the values, evenly spread: enough of them to tell what is usual in a long run.
pub fn thinned(values: &[f64], max: usize) -> Vec<f64> {
    let step = values.len().div_ceil(max.max(1)).max(1);
    values.iter().copied().step_by(step).collect()
}

/// Nearest-rank quantile: the smallest value that at least `share` (0 to 1) of the values do not exceed.
///
/// Always one of the values, never an interpolation, so "p99 = 84 ms" names a pause that happened.
pub fn quantile(values: &[f64], share: f64) -> Option<f64> {
    if share.is_nan() {
        return None;
    }
    let sorted = sorted_finite(values);
    let rank = (share * sorted.len() as f64).ceil() as usize;
    sorted.get(rank.max(1).min(sorted.len()).checked_sub(1)?).copied()
}

/// Median absolute deviation from the median, in the unit of the values (not scaled to a standard deviation).
pub fn mad(values: &[f64]) -> Option<f64> {
    let center = median(values)?;
    let deviations: Vec<f64> = values.iter().map(|value| (value - center).abs()).collect();
    median(&deviations)
}

/// Center and spread of positive values on a logarithmic scale, to say how far out of the ordinary one of them is.
///
/// Pauses and sizes spread by factors, not by amounts: a plain z score on milliseconds flags every second line.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LogScale {
    center_ln: f64,
    spread_ln: f64,
}

impl LogScale {
    /// Smallest spread assumed, in ln units: a series of near-equal values must not turn 5 % into an outlier.
    const MIN_SPREAD_LN: f64 = 0.25;

    /// The scale of the positive values; `None` without any.
    pub fn of(values: &[f64]) -> Option<Self> {
        let logs: Vec<f64> = values.iter().filter(|value| **value > 0.0).map(|value| value.ln()).collect();
        let spread_ln = (MAD_TO_SIGMA * mad(&logs)?).max(Self::MIN_SPREAD_LN);
        Some(Self { center_ln: median(&logs)?, spread_ln })
    }

    /// Likewise, of distinct values, ascending, with how often each occurs.
    pub fn of_counted(values: &[(f64, usize)]) -> Option<Self> {
        let logs: Vec<(f64, usize)> =
            values.iter().filter(|(value, _)| *value > 0.0).map(|(value, n)| (value.ln(), *n)).collect();
        let center_ln = median_counted(&logs)?;
        let mut deviations: Vec<(f64, usize)> = logs.iter().map(|(ln, n)| ((ln - center_ln).abs(), *n)).collect();
        deviations.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
        let spread_ln = (MAD_TO_SIGMA * median_counted(&deviations)?).max(Self::MIN_SPREAD_LN);
        Some(Self { center_ln, spread_ln })
    }

    /// Robust z score: how many spreads `value` lies above (or, negative, below) the center.
    pub fn z(self, value: f64) -> Option<f64> {
        let z = (value.ln() - self.center_ln) / self.spread_ln;
        z.is_finite().then_some(z)
    }
}

/// The median of ascending values, each of which occurs so often.
fn median_counted(values: &[(f64, usize)]) -> Option<f64> {
    let n: usize = values.iter().map(|(_, n)| n).sum();
    let nth = |wanted: usize| {
        let mut seen = 0;
        values.iter().find(|(_, n)| {
            seen += n;
            seen > wanted
        })
    };
    let (lower, upper) = (nth(n.checked_sub(1)? / 2)?.0, nth(n / 2)?.0);
    Some(f64::midpoint(lower, upper))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn median_of_odd_even_and_empty() {
        assert_eq!(median(&[3.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(median(&[4.0, 1.0, 2.0, 3.0]), Some(2.5));
        assert_eq!(median(&[]), None);
    }

    #[test]
    fn the_median_of_many_is_that_of_all_sorted() {
        let random = |n: u32| f64::from(n.wrapping_mul(2_654_435_761) >> 8) / 1000.0;
        let n = MANY as u32 + 1;
        let shapes: [&dyn Fn(u32) -> f64; 7] = [
            &random,
            &f64::from,
            &|n| -random(n).floor(),
            &|_| 4.0,
            &|n| if n % 5 == 0 { 9.0 } else { 4.0 },
            &|n| if n % 3 == 0 { f64::NAN } else { random(n) },
            // The sample sees one kind of them alone.
            &|n| if n % 5 == 0 { f64::from(n) } else { 1e9 + f64::from(n) },
        ];
        for (idx, shape) in shapes.iter().enumerate() {
            for n in [n, n + 1] {
                let values: Vec<f64> = (0..n).map(shape).collect();
                let sorted = sorted_finite(&values);
                let middle = f64::midpoint(sorted[(sorted.len() - 1) / 2], sorted[sorted.len() / 2]);
                assert_eq!(median(&values), Some(middle), "{idx}, {n} values");
            }
        }
        assert_eq!(median(&vec![f64::NAN; MANY]), None);
    }

    #[test]
    fn a_median_compares_to_a_bound_as_itself_does() {
        for n in 1..8_u32 {
            let values: Vec<f64> = (0..n).map(|idx| f64::from(idx * 7 % 5)).chain([f64::NAN, f64::INFINITY]).collect();
            let middle = median(&values).unwrap();
            for bound in [-1.0, 0.0, 1.0, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0] {
                assert_eq!(compare_median(&values, bound), middle.partial_cmp(&bound), "{values:?}, {bound}");
            }
        }
        assert_eq!(compare_median(&[f64::NAN], 1.0), None);
    }

    #[test]
    fn thinning_keeps_the_spread_of_a_series() {
        let values: Vec<f64> = (0..10_001).map(f64::from).collect();
        let thin = thinned(&values, 1000);
        assert!(thin.len() <= 1000 && thin.len() > 800, "{}", thin.len());
        assert!((median(&thin).unwrap() - 5000.0).abs() < 20.0);
        assert_eq!(thinned(&values[..3], 1000), [0.0, 1.0, 2.0]);
        assert_eq!(thinned(&values[..3], 0), [0.0]);
        assert!(thinned(&[], 5).is_empty());
    }

    #[test]
    fn values_that_are_not_finite_are_left_out() {
        assert_eq!(median(&[f64::NAN, 1.0, f64::INFINITY, 3.0, f64::NEG_INFINITY]), Some(2.0));
        assert_eq!(median(&[f64::NAN, f64::INFINITY]), None);
        assert_eq!(quantile(&[f64::NAN, 5.0], 1.0), Some(5.0));
        assert_eq!(mad(&[f64::INFINITY, 1.0, 1.0, 4.0]), Some(0.0));
    }

    #[test]
    fn median_of_huge_values_does_not_overflow() {
        assert_eq!(median(&[f64::MAX, f64::MAX]), Some(f64::MAX));
        assert_eq!(mad(&[f64::MAX, f64::MIN]), Some(f64::MAX));
    }

    #[test]
    fn quantile_is_nearest_rank() {
        let values = [15.0, 20.0, 35.0, 40.0, 50.0];
        let at = |share| quantile(&values, share);
        assert_eq!(
            [at(0.0), at(0.05), at(0.3), at(0.4), at(0.5), at(1.0)],
            [15.0, 15.0, 20.0, 20.0, 35.0, 50.0].map(Some)
        );
        assert_eq!([at(-3.0), at(7.0), at(f64::NAN)], [Some(15.0), Some(50.0), None]);
        assert_eq!(quantile(&[], 0.5), None);
    }

    #[test]
    fn mad_ignores_one_outlier() {
        assert_eq!(mad(&[1.0, 2.0, 3.0, 4.0, 1000.0]), Some(1.0));
        assert_eq!(mad(&[7.0; 9]), Some(0.0));
    }

    #[test]
    fn log_scale_measures_factors() {
        let scale = LogScale::of(&[1.0, 1.0, 1.0, 1.0]).unwrap();
        // A constant series has the smallest spread, 0.25: a factor e is four spreads.
        assert!((scale.z(std::f64::consts::E).unwrap() - 4.0).abs() < 1e-12);
        assert_eq!(scale.z(1.0), Some(0.0));
        assert_eq!(scale.z(0.0), None);
        assert_eq!(scale.z(-1.0), None);
        assert_eq!(scale.z(f64::INFINITY), None);
        assert_eq!(LogScale::of(&[0.0, -1.0, f64::NAN]), None);
    }

    #[test]
    fn log_scale_widens_with_the_data() {
        let narrow = LogScale::of(&[1.0, 1.1, 0.9, 1.0, 1.05]).unwrap();
        let wide = LogScale::of(&[0.1, 1.0, 10.0, 0.2, 5.0]).unwrap();
        assert!(narrow.z(20.0).unwrap() > 10.0);
        assert!(wide.z(20.0).unwrap() < 3.0);
    }
}
