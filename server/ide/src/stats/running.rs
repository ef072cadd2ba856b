//! Quantities of long series of positive values in one pass: a histogram with buckets of equal ratio, and the median of a
//! series so far.
//!
//! Sorting hundreds of thousands of values takes longer than all that rules do with them. A bucket is less than 1 % wide,
//! which is what "three times as slow as usual" needs.

use std::ops::Range;

/// Buckets between a value and its double.
const PER_OCTAVE_BITS: u32 = 7;

/// The smallest and the largest value told apart: powers of two.
const RANGE: (i32, i32) = (-32, 32);

const N_BUCKETS: usize = ((RANGE.1 - RANGE.0) as usize) << PER_OCTAVE_BITS;

/// Bits of the fraction of an `f64`, and what is added to its exponent (IEEE 754).
const FRACTION_BITS: u32 = 52;
const EXPONENT_BIAS: i32 = 1023;

/// The bucket of a value: its exponent and the leading bits of its fraction. What is 0 or below goes into the first.
fn bucket_of(value: f64) -> usize {
    let first = ((RANGE.0 + EXPONENT_BIAS) as u64) << PER_OCTAVE_BITS;
    if value <= 0.0 {
        return 0;
    }
    let bits = value.to_bits() >> (FRACTION_BITS - PER_OCTAVE_BITS);
    (bits.saturating_sub(first) as usize).min(N_BUCKETS - 1)
}

/// The middle of a bucket.
fn middle_of(bucket: usize) -> f64 {
    let steps = 1 << PER_OCTAVE_BITS;
    let (octave, step) = (RANGE.0 + (bucket / steps) as i32, bucket % steps);
    2f64.powi(octave) * (1.0 + (step as f64 + 0.5) / steps as f64)
}

/// The smallest values of stretches of a series, to rule out at once that anything in a window is small.
#[derive(Clone, Debug)]
pub struct Lowest {
    of_chunks: Vec<f64>,
}

impl Lowest {
    const CHUNK: usize = 32;

    /// Of a series; values that are not numbers are left out.
    pub fn of(values: &[f64]) -> Self {
        let lowest = |chunk: &[f64]| chunk.iter().copied().fold(f64::INFINITY, f64::min);
        Self { of_chunks: values.chunks(Self::CHUNK).map(lowest).collect() }
    }

    /// The smallest of all; infinite for none.
    pub fn of_all(&self) -> f64 {
        self.of_chunks.iter().copied().fold(f64::INFINITY, f64::min)
    }

    /// At most the smallest value in `rows`: some before and behind them are looked at too. Infinite for none.
    pub fn around(&self, rows: Range<usize>) -> f64 {
        let chunks = rows.start / Self::CHUNK..rows.end.div_ceil(Self::CHUNK).min(self.of_chunks.len());
        self.of_chunks.get(chunks).map_or(f64::INFINITY, |chunks| chunks.iter().copied().fold(f64::INFINITY, f64::min))
    }
}

/// How often positive values occur, by size.
#[derive(Clone, Debug)]
pub struct LogHistogram {
    weights: Vec<u64>,
}

impl Default for LogHistogram {
    fn default() -> Self {
        Self { weights: vec![0; N_BUCKETS] }
    }
}

impl LogHistogram {
    /// Takes a value in that counts so often; one that is not finite is left out.
    pub fn add(&mut self, value: f64, weight: u64) {
        if value.is_finite() {
            self.weights[bucket_of(value)] += weight;
        }
    }

    /// The values, ascending and to within half a percent, each with its weight.
    pub fn counted(&self) -> Vec<(f64, usize)> {
        let used = self.weights.iter().enumerate().filter(|(_, weight)| **weight > 0);
        used.map(|(bucket, weight)| (middle_of(bucket), *weight as usize)).collect()
    }
}

/// The median so far of positive values, to within half a percent: a value costs two steps, the median nothing.
#[derive(Clone, Debug, Default)]
pub struct RunningMedian {
    values: LogHistogram,
    n: u64,
    /// The bucket that the median is in, and how many values are in those before it.
    middle: usize,
    n_before: u64,
    median: f64,
}

impl RunningMedian {
    /// Takes a value in; one that is not finite is left out.
    pub fn push(&mut self, value: f64) {
        if !value.is_finite() {
            return;
        }
        let bucket = bucket_of(value);
        self.values.weights[bucket] += 1;
        self.n += 1;
        self.n_before += u64::from(bucket < self.middle);
        // The rank of the lower one of two in the middle.
        let rank = (self.n - 1) / 2;
        let was = self.middle;
        while self.n_before > rank {
            self.middle -= 1;
            self.n_before -= self.values.weights[self.middle];
        }
        while self.n_before + self.values.weights[self.middle] <= rank {
            self.n_before += self.values.weights[self.middle];
            self.middle += 1;
        }
        if self.middle != was || self.n == 1 {
            self.median = middle_of(self.middle);
        }
    }

    /// How many values it has.
    pub fn len(&self) -> usize {
        self.n as usize
    }

    /// Whether it has none.
    pub fn is_empty(&self) -> bool {
        self.n == 0
    }

    /// The middle value; the lower one of the two where the number is even.
    pub fn median(&self) -> Option<f64> {
        (self.n > 0).then_some(self.median)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The lower one of the two values in the middle.
    fn lower_median(values: &[f64]) -> f64 {
        let mut sorted = values.to_vec();
        sorted.sort_unstable_by(f64::total_cmp);
        sorted[(sorted.len() - 1) / 2]
    }

    #[test]
    fn follows_the_median_of_all_values_so_far() {
        let mut running = RunningMedian::default();
        assert_eq!((running.median(), running.is_empty()), (None, true));
        let mut seen = Vec::new();
        for idx in 0_u32..2_000 {
            // Seven orders of magnitude, first mostly large ones, then mostly small ones.
            let share = f64::from(idx.wrapping_mul(2_654_435_761)) / f64::from(u32::MAX);
            let value = 1e-3 * 1e7_f64.powf(if idx < 700 { share.sqrt() } else { share * share });
            seen.push(value);
            running.push(value);
            let (told, exact) = (running.median().unwrap(), lower_median(&seen));
            assert!((told / exact - 1.0).abs() < 0.005, "{told} for {exact} after {} values", seen.len());
            assert_eq!(running.len(), seen.len());
        }
    }

    #[test]
    fn values_that_are_not_finite_are_left_out() {
        let mut running = RunningMedian::default();
        [f64::NAN, 4.0, f64::INFINITY, 4.0].into_iter().for_each(|value| running.push(value));
        assert_eq!(running.len(), 2);
        assert!((running.median().unwrap() / 4.0 - 1.0).abs() < 0.005);
    }

    #[test]
    fn a_histogram_keeps_values_by_size_with_their_weights() {
        let mut histogram = LogHistogram::default();
        [(1000.0, 2), (0.25, 5), (1001.0, 1), (f64::NAN, 9)].into_iter().for_each(|(value, n)| histogram.add(value, n));
        let counted = histogram.counted();
        assert_eq!(counted.iter().map(|(_, n)| *n).collect::<Vec<_>>(), [5, 3]);
        assert!((counted[0].0 / 0.25 - 1.0).abs() < 0.005 && (counted[1].0 / 1000.0 - 1.0).abs() < 0.005);
    }

    #[test]
    fn the_lowest_around_some_rows_is_never_above_their_lowest() {
        let values: Vec<f64> = (0_u32..500).map(|idx| f64::from(idx.wrapping_mul(2_654_435_761) % 1009)).collect();
        let lowest = Lowest::of(&values);
        for (from, to) in [(0, 1), (0, 500), (31, 33), (64, 96), (470, 499), (7, 7)] {
            let exact = values[from..to].iter().copied().fold(f64::INFINITY, f64::min);
            assert!(lowest.around(from..to) <= exact, "{from}..{to}");
        }
        assert!(lowest.around(64..96) == values[64..96].iter().copied().fold(f64::INFINITY, f64::min));
        assert_eq!(Lowest::of(&[]).around(0..0), f64::INFINITY);
    }

    #[test]
    fn values_out_of_range_are_kept_at_its_ends() {
        let mut histogram = LogHistogram::default();
        [0.0, -3.0, 1e-300, 1e300].into_iter().for_each(|value| histogram.add(value, 1));
        assert_eq!(histogram.counted().iter().map(|(_, n)| *n).collect::<Vec<_>>(), [3, 1]);
    }
}
