//! Does a series rise, how fast, and how noisy is it?
//!
//! The pairwise methods cost O(n²): they are meant for the at most 20 floors of [`window_floors`], not for raw lines.

use super::{MAD_TO_SIGMA, mad, median, sorted_finite};

/// Result of the Mann–Kendall test for a rising trend.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MannKendall {
    /// Kendall's tau-a: (rising pairs − falling pairs) / all pairs, −1 to 1. Not tau-b: values in whole megabytes are
    /// full of ties, and tau-b turns a handful of changes among them into a strong trend.
    pub tau: f64,
    /// One-sided probability of so much rise by chance, with the variance corrected for ties.
    ///
    /// Assumes independent values. On autocorrelated ones it is far too small, so it is never enough by itself.
    pub p_rising: f64,
}

/// Mann–Kendall test over values in time order. `None` below 3 values.
pub fn mann_kendall(values: &[f64]) -> Option<MannKendall> {
    let values: Vec<f64> = values.iter().copied().filter(|value| value.is_finite()).collect();
    if values.len() < 3 {
        return None;
    }
    let mut score = 0.0;
    for (idx, early) in values.iter().enumerate() {
        for late in &values[idx + 1..] {
            // Not `signum`: it gives 1 for a difference of zero.
            score += f64::from(i8::from(late > early) - i8::from(late < early));
        }
    }
    let n = values.len() as f64;
    let tau = score / (n * (n - 1.0) / 2.0);
    let sorted = sorted_finite(&values);
    let tied: f64 = sorted.chunk_by(|a, b| a == b).map(|group| variance_term(group.len() as f64)).sum();
    let variance = (variance_term(n) - tied) / 18.0;
    let p_rising = if variance > 0.0 {
        // Continuity correction: S moves in steps of 2.
        let z = (score.abs() - 1.0).max(0.0).copysign(score) / variance.sqrt();
        libm::erfc(z / std::f64::consts::SQRT_2) / 2.0
    } else {
        0.5
    };
    Some(MannKendall { tau, p_rising })
}

fn variance_term(n: f64) -> f64 {
    n * (n - 1.0) * (2.0 * n + 5.0)
}

/// Theil–Sen slope: the median of the slopes between all pairs of `(x, y)` points.
///
/// Up to 29 % of the points may lie anywhere without moving it much. `None` without two different finite x.
pub fn theil_sen(points: &[(f64, f64)]) -> Option<f64> {
    let mut slopes = Vec::with_capacity(points.len() * points.len().saturating_sub(1) / 2);
    for (idx, a) in points.iter().enumerate() {
        for b in &points[idx + 1..] {
            if a.0 != b.0 {
                slopes.push((b.1 - a.1) / (b.0 - a.0));
            }
        }
    }
    median(&slopes)
}

/// The floor of one window of a series.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Floor {
    /// Middle of the window, in the unit of the series' time.
    pub at: f64,
    /// 20th percentile of the values in the window: what is there even when nothing else is.
    pub value: f64,
}

/// Cuts the time span of `(time, value)` points into `n_windows` windows of equal length and takes the 20th percentile
/// of each: element ⌊0.2·k⌋ of its k sorted values.
///
/// Removes request-sized noise and most autocorrelation and keeps the part that never went away. Windows without a
/// point are skipped, so fewer floors than windows may come back; a series without extent gives none.
pub fn window_floors(points: &[(f64, f64)], n_windows: usize) -> Vec<Floor> {
    let usable = || points.iter().copied().filter(|(at, value)| at.is_finite() && value.is_finite());
    let (first, last) =
        usable().fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), (at, _)| (low.min(at), high.max(at)));
    let width = (last - first) / n_windows as f64;
    if !(width > 0.0 && width.is_finite()) {
        return Vec::new();
    }
    let mut windows: Vec<Vec<f64>> = vec![Vec::new(); n_windows];
    for (at, value) in usable() {
        // The last point would start a window of its own.
        let idx = (((at - first) / width) as usize).min(n_windows - 1);
        windows[idx].push(value);
    }
    let mut floors = Vec::with_capacity(n_windows);
    for (idx, values) in windows.iter_mut().enumerate() {
        if values.is_empty() {
            continue;
        }
        let rank = values.len() / 5;
        let (_, value, _) = values.select_nth_unstable_by(rank, f64::total_cmp);
        floors.push(Floor { at: first + (idx as f64 + 0.5) * width, value: *value });
    }
    floors
}

/// Noise of a floor series: its standard deviation around whatever slow shape it has, at least 0.5 (MB: printed sizes
/// are whole megabytes, rounded down).
///
/// Taken from first differences. Residuals around a straight line would be wrong: they grow with curvature.
pub fn floor_noise(floors: &[f64]) -> f64 {
    let differences: Vec<f64> = floors.windows(2).map(|pair| pair[1] - pair[0]).collect();
    mad(&differences).map_or(0.5, |spread| (MAD_TO_SIGMA * spread / std::f64::consts::SQRT_2).max(0.5))
}

/// Each value replaced by the median of itself and its two neighbors; the first and the last stay.
pub fn median_of_three(values: &[f64]) -> Vec<f64> {
    let mut smooth = values.to_vec();
    for (idx, triple) in values.windows(3).enumerate() {
        if let Some(middle) = median(triple) {
            smooth[idx + 1] = middle;
        }
    }
    smooth
}

/// Spearman's rank correlation of two series of the same length, −1 to 1; ties share their mean rank.
///
/// Pairs with a value that is not finite are left out. `None` below 3 pairs or when one series is constant.
pub fn spearman(a: &[f64], b: &[f64]) -> Option<f64> {
    let pairs: Vec<(f64, f64)> =
        a.iter().copied().zip(b.iter().copied()).filter(|(a, b)| a.is_finite() && b.is_finite()).collect();
    if pairs.len() < 3 {
        return None;
    }
    let ranks_a = mean_ranks(pairs.iter().map(|pair| pair.0).collect());
    let ranks_b = mean_ranks(pairs.iter().map(|pair| pair.1).collect());
    let center = (pairs.len() + 1) as f64 / 2.0;
    let (mut cross, mut square_a, mut square_b) = (0.0, 0.0, 0.0);
    for (a, b) in ranks_a.into_iter().zip(ranks_b) {
        cross += (a - center) * (b - center);
        square_a += (a - center) * (a - center);
        square_b += (b - center) * (b - center);
    }
    (square_a > 0.0 && square_b > 0.0).then(|| cross / (square_a * square_b).sqrt())
}

/// Ranks from 1, in the order of the values.
fn mean_ranks(values: Vec<f64>) -> Vec<f64> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|&a, &b| values[a].total_cmp(&values[b]));
    let mut ranks = vec![0.0; values.len()];
    let mut below = 0;
    for group in order.chunk_by(|&a, &b| values[a] == values[b]) {
        for &idx in group {
            ranks[idx] = below as f64 + (group.len() + 1) as f64 / 2.0;
        }
        below += group.len();
    }
    ranks
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn close(actual: Option<f64>, expected: f64) {
        let actual = actual.unwrap();
        assert!((actual - expected).abs() < 1e-4, "{actual} is not {expected}");
    }

    #[test]
    fn mann_kendall_of_a_rise() {
        let rise: Vec<f64> = (0..10).map(f64::from).collect();
        let result = mann_kendall(&rise).unwrap();
        assert_eq!(result.tau, 1.0);
        // S = 45, variance = 10·9·25/18 = 125, z = 44/√125 = 3.9354.
        assert!((result.p_rising - 4.15e-5).abs() < 1e-6, "{result:?}");
    }

    #[test]
    fn mann_kendall_of_a_fall_is_not_a_rise() {
        let fall: Vec<f64> = (0..10).map(|idx| -f64::from(idx)).collect();
        let result = mann_kendall(&fall).unwrap();
        assert_eq!(result.tau, -1.0);
        assert!(result.p_rising > 0.9999);
    }

    #[test]
    fn mann_kendall_counts_ties_as_no_change() {
        // One change among nine equal values: tau-b would be 0.52, tau-a is 0.2.
        let step = [1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 2.0];
        let result = mann_kendall(&step).unwrap();
        assert_eq!(result.tau, 0.2);
        // S = 9, variance = (2250 − 9·8·23)/18 = 33, z = 8/√33 = 1.3926.
        close(Some(result.p_rising), 0.08186);
    }

    #[test]
    fn mann_kendall_of_constant_and_short_series() {
        assert_eq!(mann_kendall(&[5.0; 30]), Some(MannKendall { tau: 0.0, p_rising: 0.5 }));
        assert_eq!(mann_kendall(&[1.0, 2.0]), None);
        assert_eq!(mann_kendall(&[1.0, f64::NAN, 2.0]), None);
    }

    #[test]
    fn theil_sen_ignores_a_spike() {
        let mut points: Vec<(f64, f64)> = (0..20).map(|idx| (f64::from(idx), 3.0 * f64::from(idx))).collect();
        points[7].1 = 1e6;
        close(theil_sen(&points), 3.0);
        assert_eq!(theil_sen(&[]), None);
        assert_eq!(theil_sen(&[(1.0, 5.0), (1.0, 9.0)]), None);
        assert_eq!(theil_sen(&[(0.0, f64::MIN), (1e-300, f64::MAX)]), None);
    }

    #[test]
    fn floors_are_low_values_of_equal_windows() {
        // Two windows of 5 s; the spike of 100 in the first and the only dip in the second do not count.
        let points = [
            (0.0, 10.0),
            (1.0, 100.0),
            (2.0, 11.0),
            (3.0, 12.0),
            (4.0, 13.0),
            (5.0, 20.0),
            (6.0, 21.0),
            (7.0, 5.0),
            (8.0, 22.0),
            (10.0, 23.0),
        ];
        assert_eq!(window_floors(&points, 2), [Floor { at: 2.5, value: 11.0 }, Floor { at: 7.5, value: 20.0 }]);
    }

    #[test]
    fn empty_windows_are_skipped() {
        let floors = window_floors(&[(0.0, 1.0), (10.0, 2.0)], 10);
        assert_eq!(floors.iter().map(|floor| floor.value).collect::<Vec<_>>(), [1.0, 2.0]);
    }

    #[test]
    fn floors_of_nothing() {
        assert_eq!(window_floors(&[], 8), []);
        assert_eq!(window_floors(&[(3.0, 1.0), (3.0, 2.0)], 8), []);
        assert_eq!(window_floors(&[(0.0, 1.0), (3.0, 2.0)], 0), []);
        assert_eq!(window_floors(&[(f64::NAN, 1.0), (f64::INFINITY, 2.0), (1.0, 1.0)], 8), []);
    }

    #[test]
    fn noise_does_not_count_a_slope() {
        let straight: Vec<f64> = (0..20).map(|idx| 10.0 * f64::from(idx)).collect();
        assert_eq!(floor_noise(&straight), 0.5);
        let shaky: Vec<f64> = (0..20).map(|idx| f64::from(idx * idx * 7 % 23)).collect();
        assert!(floor_noise(&shaky) > 5.0);
        assert_eq!(floor_noise(&[]), 0.5);
    }

    #[test]
    fn median_of_three_removes_single_spikes() {
        assert_eq!(median_of_three(&[1.0, 9.0, 2.0, 3.0, 0.0, 4.0]), [1.0, 2.0, 3.0, 2.0, 3.0, 4.0]);
        assert_eq!(median_of_three(&[1.0, 9.0]), [1.0, 9.0]);
        assert_eq!(median_of_three(&[]), [] as [f64; 0]);
    }

    #[test]
    fn spearman_sees_order_only() {
        let a = [1.0, 2.0, 3.0, 4.0, 5.0];
        close(spearman(&a, &[1.0, 10.0, 100.0, 1000.0, 9999.0]), 1.0);
        close(spearman(&a, &[5.0, 4.0, 3.0, 2.0, 1.0]), -1.0);
        // Ranks of b: 1.5 1.5 3 4.5 4.5.
        close(spearman(&a, &[7.0, 7.0, 8.0, 9.0, 9.0]), 0.9487);
        assert_eq!(spearman(&a, &[1.0; 5]), None);
        assert_eq!(spearman(&a, &[1.0, f64::NAN, 2.0, f64::INFINITY, f64::NAN]), None);
    }

    fn any_values() -> impl Strategy<Value = Vec<f64>> {
        let value = prop_oneof![4 => 0.0..64.0, 2 => (0u8..4).prop_map(f64::from), 1 => any::<f64>()];
        prop::collection::vec(value, 0..40)
    }

    proptest! {
        #[test]
        fn nothing_panics_and_no_answer_is_nan(xs in any_values(), ys in any_values(), n_windows in 0usize..25) {
            let points: Vec<(f64, f64)> = xs.iter().copied().zip(ys.iter().copied()).collect();
            let mut answers: Vec<f64> = Vec::new();
            answers.extend(median(&xs));
            answers.extend(mad(&xs));
            answers.extend(theil_sen(&points));
            answers.extend(spearman(&xs, &ys));
            answers.push(floor_noise(&xs));
            answers.extend(mann_kendall(&xs).map(|result| result.tau));
            answers.extend(mann_kendall(&xs).map(|result| result.p_rising));
            answers.extend(window_floors(&points, n_windows).iter().flat_map(|floor| [floor.at, floor.value]));
            answers.extend(super::super::quantile(&xs, 0.99));
            prop_assert!(answers.iter().all(|answer| answer.is_finite()), "{answers:?}");
        }
    }
}
