//! Shares with their uncertainty.

/// Quantile of the normal distribution for 95 % on two sides.
const Z: f64 = 1.959_963_984_540_054;

/// A count out of a number of trials.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Share {
    /// How often it was so.
    pub hits: usize,
    /// Out of how many.
    pub trials: usize,
}

impl Share {
    /// `hits` of `hits + others`.
    pub const fn of(hits: usize, others: usize) -> Self {
        Self { hits, trials: hits + others }
    }

    /// The share, 0 to 1; none without trials.
    pub fn value(self) -> Option<f64> {
        (self.trials > 0).then(|| self.hits as f64 / self.trials as f64)
    }

    /// The Wilson interval of the share at 95 %; none without trials.
    pub fn wilson(self) -> Option<(f64, f64)> {
        let share = self.value()?;
        let n = self.trials as f64;
        let center = share + Z * Z / (2.0 * n);
        let half = Z * (share * (1.0 - share) / n + Z * Z / (4.0 * n * n)).sqrt();
        let scale = 1.0 + Z * Z / n;
        Some((((center - half) / scale).max(0.0), ((center + half) / scale).min(1.0)))
    }

    /// Whether this share is smaller than another; never where one of them has no trials.
    pub fn is_below(self, other: Self) -> bool {
        let (this, that) = (self.hits * other.trials, other.hits * self.trials);
        self.trials > 0 && other.trials > 0 && this < that
    }

    /// `95 % (76–99)`, or nothing without trials.
    pub fn in_words(self) -> String {
        let Some((value, (low, high))) = self.value().zip(self.wilson()) else { return "–".to_owned() };
        format!("{:.0} % ({:.0}–{:.0})", 100.0 * value, 100.0 * low, 100.0 * high)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wilson_intervals_are_those_of_the_textbook() {
        // Newcombe 1998, table I, method 3: 81 of 263, 15 of 148, 0 of 20, 1 of 29.
        for (hits, trials, low, high) in
            [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)]
        {
            let (seen_low, seen_high) = Share { hits, trials }.wilson().unwrap();
            assert!((seen_low - low).abs() < 1e-4 && (seen_high - high).abs() < 1e-4, "{hits}: {seen_low} {seen_high}");
        }
    }

    #[test]
    fn shares_are_compared_whatever_their_trials() {
        assert!(Share::of(1, 2).is_below(Share::of(1, 1)));
        assert!(!Share::of(2, 2).is_below(Share::of(1, 1)));
        assert!(!Share::of(0, 0).is_below(Share::of(1, 0)));
        assert_eq!(Share::of(0, 0).in_words(), "–");
        assert_eq!(Share::of(19, 1).in_words(), "95 % (76–99)");
    }
}
