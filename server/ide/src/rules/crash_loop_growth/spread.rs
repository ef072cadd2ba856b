//! How far apart runs that end alike are: their lengths, their heaps, their memory.

use crate::words::rough;

/// The smallest and the largest of some values.
#[derive(Clone, Copy)]
pub(super) struct Spread {
    pub(super) min: f64,
    pub(super) max: f64,
}

impl Default for Spread {
    fn default() -> Self {
        Self { min: f64::INFINITY, max: f64::NEG_INFINITY }
    }
}

impl Spread {
    pub(super) fn of(value: f64) -> Self {
        Self { min: value, max: value }
    }

    pub(super) fn with(self, value: f64) -> Self {
        Self { min: self.min.min(value), max: self.max.max(value) }
    }

    pub(super) fn over(values: impl Iterator<Item = f64>) -> Self {
        values.fold(Self::default(), Self::with)
    }

    pub(super) fn ratio(self) -> f64 {
        self.max / self.min
    }

    /// `18–21`, or one number where both round to the same.
    pub(super) fn in_words(self) -> String {
        let (min, max) = (rough(self.min), rough(self.max));
        if min == max { min } else { format!("{min}–{max}") }
    }
}
