//! Which story fits the floors better: growth that goes on, or a level that was reached?
//!
//! A trend test cannot tell them apart: a cache that filled rises as surely as a leak does. So both stories are fitted,
//! each in the forms in which it occurs, and their errors are compared. All forms have the same number of free
//! parameters (where it begins, how much it rises, when it bends), so the errors can be compared as they are.

use crate::stats::Floor;

/// Error that the rounding to whole megabytes leaves in the best of fits, MB²: no fit is better than that.
const ROUNDING: f64 = 0.1;

/// When what reaches a level does: shares of the time.
const BENDS: [f64; 14] = [0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5, 0.55, 0.6, 0.65, 0.7];

/// Time constants of a cache that fills: up to a third of the time, it is full at the end.
const FILLS: [f64; 6] = [0.05, 0.1, 0.15, 0.2, 0.25, 0.3];

/// Time constants of growth that slows down and goes on.
const SLOWING: [f64; 2] = [0.7, 1.0];

/// Begin and end of a rise between two levels.
const RAMPS: [(f64, f64); 6] = [(0.2, 0.4), (0.2, 0.6), (0.3, 0.75), (0.4, 0.6), (0.4, 0.8), (0.6, 0.8)];

/// The largest share of [`Fit::weight`] that the mere presence of growth gives.
const MAX_PRESENCE: f64 = 2.5;

/// Sums of squared errors of the best fit of each story, MB².
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::rules) struct Fit {
    /// Nothing happened.
    pub flat: f64,
    /// It rose and reached a level: at once, along a line, or as a cache fills.
    pub level: f64,
    /// It rises to the end: from the beginning or from some time on, along a line or a little slower.
    pub rising: f64,
}

impl Fit {
    /// Fits all forms to the floors.
    pub(super) fn of(floors: &[Floor]) -> Option<Self> {
        let (begin, end) = (floors.first()?.at, floors.last()?.at);
        let times: Vec<f64> = floors.iter().map(|floor| (floor.at - begin) / (end - begin)).collect();
        let error = |form: &dyn Fn(f64) -> f64| error(floors, times.iter().map(|time| form(*time)));
        let least = |errors: &mut dyn Iterator<Item = f64>| errors.fold(f64::INFINITY, f64::min);

        let flat = error(&|_| 0.0);
        let steps =
            times.windows(2).skip(1).take(times.len().saturating_sub(4)).map(|pair| f64::midpoint(pair[0], pair[1]));
        let level = [
            flat,
            least(&mut steps.map(|at| error(&|time| f64::from(u8::from(time > at))))),
            least(&mut BENDS.into_iter().skip(1).chain([0.75, 0.8]).map(|at| error(&|time| time.min(at)))),
            least(&mut FILLS.into_iter().map(|tau| error(&|time| -(-time / tau).exp()))),
            least(&mut RAMPS.into_iter().map(|(from, to)| error(&|time| time.clamp(from, to)))),
        ];
        let rising = [
            error(&|time| time),
            least(&mut BENDS.into_iter().map(|at| error(&|time| (time - at).max(0.0)))),
            least(&mut SLOWING.into_iter().map(|tau| error(&|time| -(-time / tau).exp()))),
        ];
        Some(Self { flat, level: least(&mut level.into_iter()), rising: least(&mut rising.into_iter()) })
    }

    /// How much speaks for growth that goes on: three times the logarithm of the error of a level over that of growth,
    /// and once that of no growth at all over that of growth.
    ///
    /// The factor was found by logistic regression over the shapes of `server/eval`.
    pub(super) fn weight(&self) -> f64 {
        3.0 * self.level_over_rising().ln() + self.over_rising(self.flat).ln().min(MAX_PRESENCE)
    }

    /// Error of a level that was reached over that of growth that goes on.
    pub(super) fn level_over_rising(&self) -> f64 {
        self.over_rising(self.level)
    }

    fn over_rising(&self, error: f64) -> f64 {
        (error + ROUNDING) / (self.rising + ROUNDING)
    }
}

/// Sum of squared errors of the best `a + b·form` with `b` not negative: no story is about a fall.
fn error(floors: &[Floor], form: impl Iterator<Item = f64> + Clone) -> f64 {
    let n = floors.len() as f64;
    let mean_x = form.clone().sum::<f64>() / n;
    let mean_y = floors.iter().map(|floor| floor.value).sum::<f64>() / n;
    let (mut xx, mut xy, mut yy) = (0.0, 0.0, 0.0);
    for (x, floor) in form.zip(floors) {
        let (x, y) = (x - mean_x, floor.value - mean_y);
        xx += x * x;
        xy += x * y;
        yy += y * y;
    }
    if xx > 0.0 && xy > 0.0 { (yy - xy * xy / xx).max(0.0) } else { yy }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn weight(value: impl Fn(f64) -> f64) -> f64 {
        let floors: Vec<Floor> =
            (0..20).map(f64::from).map(|idx| Floor { at: 10.0 * idx, value: value(idx / 19.0) }).collect();
        Fit::of(&floors).unwrap().weight()
    }

    #[test]
    fn growth_that_goes_on_weighs_more_than_a_level() {
        assert!(weight(|time| 50.0 + 40.0 * time) > 3.0);
        assert!(weight(|time| 50.0 + 40.0 * (time - 0.5).max(0.0)) > 3.0);
        assert!(weight(|time| 50.0 + 40.0 * (8.0 * time).floor() / 8.0) > 0.5);
    }

    #[test]
    fn a_level_that_was_reached_weighs_against_growth() {
        assert!(weight(|time| if time < 0.5 { 50.0 } else { 80.0 }) < -3.0);
        assert!(weight(|time| 50.0 + 40.0 * time.min(0.6)) < -3.0);
        assert!(weight(|time| 50.0 + 40.0 * (1.0 - (-time / 0.15).exp())) < -3.0);
        assert!(weight(|time| 50.0 + 40.0 * time.clamp(0.4, 0.8)) < -3.0);
        assert!(weight(|time| 80.0 - 40.0 * time).abs() < 1e-9, "a fall fits no story");
    }

    #[test]
    fn no_answer_is_nan() {
        assert_eq!(weight(|_| 50.0), 0.0);
        assert!(Fit::of(&[]).is_none());
        let one = [Floor { at: 1.0, value: 1.0 }];
        assert!(Fit::of(&one).is_some_and(|fit| fit.weight().is_finite()));
    }
}
