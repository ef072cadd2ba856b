//! One field over one run: what a value is compared with.
//!
//! Kept as counts of distinct values, because Go prints few digits: 300,000 pauses have some hundred distinct values, so
//! a series costs a few kilobytes and a rank is one binary search. Computed once by the first that asks
//! ([`Parsed::series`](crate::Parsed::series)).

use tracelog::{Field, Log, RowId};

use crate::special;
use crate::stats::{self, LogScale};

/// Stretches of a run for a sparkline.
pub const N_SHAPE: usize = 24;

/// The ordinary values of a field in a run: those that were printed and mean what the field says (`special.rs`).
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Series {
    /// Distinct values, ascending.
    values: Vec<f64>,
    /// How many values are at most as large as each of them.
    up_to: Vec<u32>,
    n_rows: usize,
    shape: Vec<f64>,
    scale: Option<LogScale>,
}

/// Where a value stands among others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rank {
    /// How many are smaller.
    pub below: usize,
    /// How many are equal.
    pub equal: usize,
    /// How many are larger.
    pub above: usize,
}

impl Series {
    /// The values of a field in these rows, in the order of their lines.
    pub fn of(log: &Log, rows: &[RowId], field: Field) -> Self {
        let value = |row: &RowId| ordinary(log, *row, field).unwrap_or(f64::NAN);
        Self::of_values(&rows.iter().map(value).collect::<Vec<f64>>())
    }

    /// Of values in order; those that are not finite are absent.
    pub fn of_values(in_order: &[f64]) -> Self {
        let mut sorted: Vec<f64> = in_order.iter().copied().filter(|value| value.is_finite()).collect();
        sorted.sort_unstable_by(f64::total_cmp);
        let mut values = Vec::new();
        let mut up_to: Vec<u32> = Vec::new();
        for equal in sorted.chunk_by(|a, b| a == b) {
            values.push(equal[0]);
            up_to.push(up_to.last().copied().unwrap_or(0) + equal.len() as u32);
        }
        let n_shape = in_order.len().min(N_SHAPE);
        let stretch = |k: usize| &in_order[k * in_order.len() / n_shape..(k + 1) * in_order.len() / n_shape];
        let shape = (0..n_shape).map(|k| stats::median(stretch(k)).unwrap_or(f64::NAN)).collect();
        let mut series = Self { values, up_to, n_rows: in_order.len(), shape, scale: None };
        series.scale = LogScale::of_counted(&series.counted());
        series
    }

    /// Distinct values, ascending, with how often each occurs.
    fn counted(&self) -> Vec<(f64, usize)> {
        let before = std::iter::once(0).chain(self.up_to.iter().copied());
        self.values
            .iter()
            .zip(&self.up_to)
            .zip(before)
            .map(|((v, up_to), before)| (*v, (up_to - before) as usize))
            .collect()
    }

    /// Number of values.
    pub fn n(&self) -> usize {
        self.up_to.last().map_or(0, |n| *n as usize)
    }

    /// Nearest-rank quantile, see [`stats::quantile`].
    pub fn quantile(&self, share: f64) -> Option<f64> {
        if share.is_nan() {
            return None;
        }
        let rank = ((share * self.n() as f64).ceil().max(1.0) as u32).min(self.n() as u32);
        let at = self.up_to.partition_point(|up_to| *up_to < rank);
        self.values.get(at).copied()
    }

    /// The lower middle value.
    pub fn median(&self) -> Option<f64> {
        self.quantile(0.5)
    }

    /// The smallest value.
    pub fn min(&self) -> Option<f64> {
        self.values.first().copied()
    }

    /// The largest value.
    pub fn max(&self) -> Option<f64> {
        self.values.last().copied()
    }

    /// Where a value stands. It need not be one of the series.
    pub fn rank(&self, value: f64) -> Rank {
        let count = |end: usize| end.checked_sub(1).map_or(0, |last| self.up_to[last] as usize);
        let below = count(self.values.partition_point(|other| *other < value));
        let at_most = count(self.values.partition_point(|other| *other <= value));
        Rank { below, equal: at_most - below, above: self.n() - at_most }
    }

    /// Medians of up to [`N_SHAPE`] equal stretches of the run; NaN for one without values.
    pub fn shape(&self) -> &[f64] {
        &self.shape
    }

    /// The stretch of [`Self::shape`] in which the row with this index in its run is.
    pub fn stretch_of(&self, index: usize) -> usize {
        let n_shape = self.shape.len();
        // The inverse of the bounds above, which are rounded down.
        (0..n_shape).rfind(|k| k * self.n_rows / n_shape <= index).unwrap_or(0)
    }

    /// Robust z score on a logarithmic scale: how many spreads a value lies above the median. None where it says nothing.
    pub fn z(&self, value: f64) -> Option<f64> {
        self.scale?.z(value)
    }
}

/// A value that was printed and is what its field says.
pub(crate) fn ordinary(log: &Log, row: RowId, field: Field) -> Option<f64> {
    log.value(row, field).filter(|value| value.is_finite() && special::of(field, *value).is_none())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranks_and_quantiles_are_those_of_all_values() {
        let series = Series::of_values(&[4.0, 1.0, 4.0, f64::NAN, 2.0, 4.0, 9.0]);
        assert_eq!(series.n(), 6);
        assert_eq!(series.rank(4.0), Rank { below: 2, equal: 3, above: 1 });
        assert_eq!(series.rank(3.0), Rank { below: 2, equal: 0, above: 4 });
        assert_eq!(series.rank(10.0), Rank { below: 6, equal: 0, above: 0 });
        let values = [1.0, 2.0, 4.0, 4.0, 4.0, 9.0];
        for share in [0.0, 0.1, 0.17, 0.34, 0.5, 0.84, 0.99, 1.0, 7.0] {
            assert_eq!(series.quantile(share), stats::quantile(&values, share), "{share}");
        }
        assert_eq!((series.min(), series.max()), (Some(1.0), Some(9.0)));
    }

    #[test]
    fn an_empty_series_says_nothing() {
        let series = Series::of_values(&[f64::NAN]);
        assert_eq!((series.n(), series.median(), series.z(1.0)), (0, None, None));
        assert_eq!(series.rank(1.0), Rank { below: 0, equal: 0, above: 0 });
        assert_eq!(Series::of_values(&[]).shape(), &[] as &[f64]);
    }

    #[test]
    fn every_row_is_in_the_stretch_whose_median_counts_it() {
        for n in [1, 5, N_SHAPE, 100, 1001] {
            let values: Vec<f64> = (0..n).map(|index| index as f64).collect();
            let series = Series::of_values(&values);
            let n_shape = series.shape().len();
            for index in 0..n {
                let k = series.stretch_of(index);
                assert!((k * n / n_shape..(k + 1) * n / n_shape).contains(&index), "{index} of {n} in {k}");
            }
        }
    }

    #[test]
    fn the_scale_of_counts_is_that_of_the_values() {
        let values = [1.0, 1.0, 2.0, 3.0, 5.0, 5.0, 5.0, 80.0, 0.0];
        let series = Series::of_values(&values);
        let want = LogScale::of(&values).and_then(|scale| scale.z(80.0)).unwrap();
        assert!((series.z(80.0).unwrap() - want).abs() < 1e-9, "{:?} {want}", series.z(80.0));
    }
}
