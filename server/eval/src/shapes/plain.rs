//! The catalogue's test of section 4, GC101 steps 1 to 6, as it stands there: what the table of section 15 was measured
//! with. The generator is held against it, and so are the rules, which have a better one.

use ide::stats::{Floor, floor_noise, mann_kendall, median, median_of_three, theil_sen, window_floors};

/// What the plain test says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Plain {
    /// Nothing: no data, no trend, too small, given back, or a plateau.
    Silent,
    /// One jump made the gain.
    Step,
    /// Rises at a fifth to a half of the first pace.
    Slowing,
    /// Rises on.
    Leak,
}

/// The verdict on `(seconds, MB)` points.
pub fn plain(points: &[(f64, f64)]) -> Plain {
    verdict(points).unwrap_or(Plain::Silent)
}

/// The steps in their order; nothing where one of 1 to 5 fails.
fn verdict(points: &[(f64, f64)]) -> Option<Plain> {
    // 1. Data, without warm-up.
    let (start_s, end_s) = (points.first()?.0, points.last()?.0);
    if points.len() < 40 || end_s - start_s < 30.0 {
        return None;
    }
    let warm_s = start_s + 0.15 * (end_s - start_s);
    let used = &points[points.partition_point(|&(at_s, _)| at_s < warm_s).max(10)..];
    // 2. Floors.
    let n_windows = (used.len() / 5).clamp(8, 20);
    let floors = window_floors(used, n_windows);
    if floors.len() < 8 {
        return None;
    }
    let values: Vec<f64> = floors.iter().map(|floor| floor.value).collect();
    // 3. Trend.
    let trend = mann_kendall(&values)?;
    if trend.p_rising >= 0.01 || trend.tau < 0.40 {
        return None;
    }
    // 4. Size.
    let fifth = values.len().div_ceil(5);
    let (base, end) = (median(&values[..fifth])?, median(&values[values.len() - fifth..])?);
    let (noise, gain) = (floor_noise(&values), end - base);
    let span_s = end_s - used.first()?.0;
    if gain.min(slope(&floors) * span_s) < 2f64.max(0.10 * base).max(2.0 * noise) {
        return None;
    }
    // 5. Not given back.
    if given_back(&values, noise) >= 0.35 {
        return None;
    }
    // 6. Still going.
    let (early, late) = floors.split_at(floors.len() / 2);
    let late_tau = mann_kendall(&values[floors.len() / 2..])?.tau;
    let ratio = if slope(early) > 0.0 { slope(late) / slope(early) } else { f64::INFINITY };
    let is_jump = || largest_jump(&values).is_some_and(|jump| jump >= 0.8 * gain);
    Some(match ratio {
        _ if late_tau >= 0.40 && ratio >= 0.5 => Plain::Leak,
        _ if late_tau < 0.40 && is_jump() => Plain::Step,
        0.2..0.5 if late_tau >= 0.30 => Plain::Slowing,
        _ => Plain::Silent,
    })
}

fn slope(floors: &[Floor]) -> f64 {
    theil_sen(&floors.iter().map(|floor| (floor.at, floor.value)).collect::<Vec<_>>()).unwrap_or(0.0)
}

fn given_back(values: &[f64], noise: f64) -> f64 {
    let smooth = median_of_three(values);
    let base = smooth.first().copied().unwrap_or(0.0);
    let (mut highest, mut drop) = (base, 0.0f64);
    for &value in &smooth {
        highest = highest.max(value);
        drop = drop.max(highest - value);
    }
    if highest > base { (drop - 2.0 * noise).max(0.0) / (highest - base) } else { 1.0 }
}

fn largest_jump(values: &[f64]) -> Option<f64> {
    let jump = |split: usize| Some(median(&values[split..split + 4])? - median(&values[split - 4..split])?);
    (4..=values.len().checked_sub(4)?).filter_map(jump).max_by(f64::total_cmp)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cycles(n: usize, live_mb: impl Fn(f64) -> f64) -> Vec<(f64, f64)> {
        (0..n).map(|idx| idx as f64 / (n - 1) as f64).map(|share| (300.0 * share, live_mb(share).floor())).collect()
    }

    #[test]
    fn plain_shapes_get_plain_verdicts() {
        assert_eq!(plain(&cycles(200, |share| 100.0 + 50.0 * share)), Plain::Leak);
        assert_eq!(plain(&cycles(200, |share| 100.0 + 60.0 * (1.0 - (-share / 0.4).exp()))), Plain::Slowing);
        assert_eq!(plain(&cycles(200, |share| if share < 0.5 { 100.0 } else { 150.0 })), Plain::Step);
        assert_eq!(plain(&cycles(200, |_| 100.0)), Plain::Silent);
        assert_eq!(plain(&cycles(200, |share| 100.0 + 8.0 * share)), Plain::Silent);
        assert_eq!(plain(&cycles(200, |share| 100.0 + 50.0 * (3.0 * share).fract())), Plain::Silent);
        assert_eq!(plain(&cycles(39, |share| 100.0 + 50.0 * share)), Plain::Silent);
        assert_eq!(plain(&[]), Plain::Silent);
    }
}
