//! Floors of a series that swings up and down: one a swing instead of one a stretch of time.
//!
//! Batches, caches that are flushed, load that comes in waves: where a window is about as long as such a swing, it holds
//! the low between two of them or it does not, and its floor is chance. From peak to peak there is one low in each.

use super::trend::{low_level, spread};
use crate::stats::{Floor, median};

/// Fewest swings whose lows carry a verdict: six in order are hardly chance.
const FEWEST: usize = 6;

/// A swing goes up and down by this share of what the values range over, and by so much, MB.
const SIZE: (f64, f64) = (1.0 / 3.0, 4.0);

/// What the values range over: from this share of them to that, so that single ones do not count.
const RANGE: (f64, f64) = (0.05, 0.95);

/// Cycles of a swing, on average, and the share of them that is nearer to its peak than to its low: what is high for a
/// cycle is a request in flight.
const CYCLES: usize = 4;
const HIGH: f64 = 0.2;

/// No swing lasts so many times as long as the median, or so small a part: what wanders has no beat.
const UNEVEN: f64 = 2.0;

/// Nor do many last so many times as long or so small a part: this share of them does not.
const EVEN: (f64, f64) = (1.35, 0.75);

/// The last swing counts once it has lasted this share of the median: the lows of a shorter one lack those of its rise.
const ENOUGH: f64 = 0.8;

/// Points that are looked at; of more, evenly spread ones.
const LOOKED_AT: usize = 2_400;

/// The floors of a series that swings so often that `n_windows` of equal length would hold less than two swings each.
pub(super) fn floors(points: &[(f64, f64)], n_windows: usize) -> Option<Vec<Floor>> {
    let looked_at: Vec<(f64, f64)> = spread(points.len(), LOOKED_AT).map(|idx| points[idx]).collect();
    let size = size(&looked_at)?;
    let swings = even(swings(&looked_at, size))?;
    let n_cycles: usize = swings.iter().map(|swing| swing.len()).sum();
    let is_slow = swings.len() < 2 * n_windows && CYCLES * swings.len() <= n_cycles;
    let n_high: usize = swings.iter().map(|swing| n_high(swing)).sum();
    let is_broad = n_high as f64 >= HIGH * n_cycles as f64;
    (swings.len() >= FEWEST && is_slow && is_broad).then(|| swings.into_iter().filter_map(floor).collect())
}

/// By how much the values must go down and up again for a swing, MB; nothing where they hardly differ.
fn size(points: &[(f64, f64)]) -> Option<f64> {
    let mut values: Vec<f64> = points.iter().map(|point| point.1).collect();
    let mut at = |share: f64| {
        let idx = (share * values.len().checked_sub(1)? as f64) as usize;
        Some(*values.select_nth_unstable_by(idx, f64::total_cmp).1)
    };
    let size = SIZE.0 * (at(RANGE.1)? - at(RANGE.0)?);
    (size >= SIZE.1).then_some(size)
}

/// The stretches from behind one peak to the next, each of which goes down and up by `size` at least; the last one need
/// not have reached its peak.
fn swings(points: &[(f64, f64)], size: f64) -> Vec<&[(f64, f64)]> {
    let mut swings = Vec::new();
    // The last peak, and the highest and the lowest value since the turn that is looked for began.
    let (mut peak, mut high, mut low) = (None, 0, 0);
    let mut falls = false;
    for (idx, &(_, value)) in points.iter().enumerate() {
        if falls {
            if value < points[low].1 {
                low = idx;
            } else if value >= points[low].1 + size {
                (falls, high) = (false, idx);
            }
        } else if value >= points[high].1 {
            high = idx;
        } else if value <= points[high].1 - size {
            swings.extend(peak.map(|peak: usize| &points[peak + 1..=high]));
            (peak, falls, low) = (Some(high), true, idx);
        }
    }
    if !falls {
        swings.extend(peak.map(|peak| &points[peak + 1..]));
    }
    swings
}

/// The swings if all last about as long; without the last one where it has not.
fn even(mut swings: Vec<&[(f64, f64)]>) -> Option<Vec<&[(f64, f64)]>> {
    let (first, last) = (|swing: &&[(f64, f64)]| Some(swing.first()?.0), swings.last()?);
    let starts: Vec<f64> = swings.iter().filter_map(first).collect();
    let lasts: Vec<f64> = starts.windows(2).map(|pair| pair[1] - pair[0]).collect();
    let usual = median(&lasts)?;
    if last.last()?.0 - last.first()?.0 < ENOUGH * usual {
        swings.pop();
    }
    let n_within = |factor: f64| lasts.iter().filter(|one| (usual / factor..=usual * factor).contains(one)).count();
    let has_beat = n_within(UNEVEN) == lasts.len() && n_within(EVEN.0) as f64 >= EVEN.1 * lasts.len() as f64;
    has_beat.then_some(swings)
}

/// Points of a swing that are nearer to its highest than to its lowest.
fn n_high(swing: &[(f64, f64)]) -> usize {
    let values = || swing.iter().map(|point| point.1);
    let middle = f64::midpoint(values().fold(f64::MAX, f64::min), values().fold(f64::MIN, f64::max));
    values().filter(|value| *value > middle).count()
}

fn floor(swing: &[(f64, f64)]) -> Option<Floor> {
    let at = f64::midpoint(swing.first()?.0, swing.last()?.0);
    let mut values: Vec<f64> = swing.iter().map(|point| point.1).collect();
    Some(Floor { at, value: low_level(&mut values) })
}

#[cfg(test)]
mod tests {
    use super::super::shapes::{Heap, Random, cycles, heap};
    use super::*;

    /// Batches of 40 MB, `n` of them, upon a heap that rises by `rise_mb`.
    fn batches(n: f64, rise_mb: f64) -> Vec<(f64, f64)> {
        cycles(100, 130.0, |share| 5.0 + rise_mb * share + 40.0 * (n * share).fract())
    }

    #[test]
    fn a_floor_is_the_low_of_a_swing() {
        let floors = floors(&batches(9.5, 40.0), 16).unwrap();
        assert_eq!(floors.len(), 8, "{floors:?}");
        assert!(floors.windows(2).all(|pair| pair[0].value < pair[1].value), "{floors:?}");
        assert!(floors.windows(2).all(|pair| (13.0..15.0).contains(&(pair[1].at - pair[0].at))), "{floors:?}");
    }

    #[test]
    fn windows_stay_where_they_hold_enough_swings_or_there_are_too_few() {
        assert!(floors(&batches(4.5, 40.0), 16).is_none());
        assert!(floors(&batches(24.5, 40.0), 8).is_none());
        assert!(floors(&cycles(100, 130.0, |share| 20.0 + 40.0 * share), 16).is_none());
        assert!(floors(&cycles(100, 130.0, |share| 20.0 + 2.0 * (9.0 * share).fract()), 16).is_none(), "3 MB");
        assert!(floors(&[], 8).is_none());
    }

    #[test]
    fn requests_in_flight_are_no_swings() {
        for seed in 0..20 {
            let calm = Heap { base_mb: 100.0, sigma_mb: 2.0 };
            let points = heap(&mut Random(seed), 120, 600.0, calm, |share| 0.5 * share);
            assert!(floors(&points, 20).is_none(), "seed {seed}");
        }
    }
}
