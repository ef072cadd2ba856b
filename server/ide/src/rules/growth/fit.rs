//! Which story fits the floors better: growth that goes on, or a level that was reached?
//!
//! A trend test cannot tell them apart: a cache that filled rises as surely as a leak does. So both stories are held
//! against the floors, each in the forms in which it occurs, and the odds between them are what the floors say.
//!
//! The likelihood of a story is the mean over its forms, not that of its best one: a level that may be reached at any
//! of forty times has more ways to fit by chance than a straight line has. And floors are not independent. What the
//! live heap wanders by from one to the next looks like growth that bends, and a plain sum of squared errors takes it
//! for that; so each form is held against noise of several correlations (AR(1)), and the likelihood is their mean too.

use crate::stats::Floor;

/// Variance that rounding to whole megabytes leaves in a floor, the mean of four values or more, MB²: no fit is better.
const ROUNDING: f64 = 0.02;

/// Correlations that the noise of neighboring floors may have.
const CORRELATIONS: [f64; 4] = [0.0, 0.25, 0.5, 0.75];

/// Growth that is so many times its error is growth beyond doubt.
const SURE: f64 = 8.0;

/// When what grows along a line reaches its level: shares of the time.
const FULL: [f64; 15] = [0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8];

/// When a cache begins to fill, and its time constant: it is full at the end, or nearly so.
const FILLS: [(f64, f64); 14] = [
    (0.0, 0.05),
    (0.0, 0.1),
    (0.0, 0.15),
    (0.0, 0.2),
    (0.0, 0.25),
    (0.0, 0.3),
    (0.0, 0.35),
    (0.1, 0.1),
    (0.1, 0.2),
    (0.2, 0.1),
    (0.2, 0.2),
    (0.3, 0.1),
    (0.3, 0.15),
    (0.4, 0.1),
];

/// Begin and end of a rise between two levels.
const RAMPS: [(f64, f64); 6] = [(0.2, 0.4), (0.2, 0.6), (0.3, 0.75), (0.4, 0.6), (0.4, 0.8), (0.6, 0.8)];

/// When growth begins that does so late.
const LATE: [f64; 14] = [0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5, 0.55, 0.6, 0.65, 0.7];

/// Likelihoods of the two stories, in a unit that both share.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::rules) struct Fit {
    /// It rose and reached a level: at once, along a line, or as a cache fills.
    level: f64,
    /// It rises to the end: from the beginning or from some time on.
    rising: f64,
}

impl Fit {
    /// Holds all forms against the floors.
    pub(super) fn of(floors: &[Floor]) -> Option<Self> {
        let data = Data::of(floors)?;
        let steps = data.times.windows(2).skip(1).take(data.times.len().saturating_sub(4));
        let steps = steps.map(|pair| f64::midpoint(pair[0], pair[1]));
        // A level is as likely to be met as it is long.
        let level = [
            weighted(steps.map(|at| (1.0 - at, data.likelihood(|time| step(time, at))))),
            weighted(FULL.into_iter().map(|at| (1.0 - at, data.likelihood(|time| time.min(at))))),
            mean(FILLS.into_iter().map(|(from, tau)| data.likelihood(|time| -(-(time - from).max(0.0) / tau).exp()))),
            weighted(RAMPS.into_iter().map(|(from, to)| (1.0 - to, data.likelihood(|time| time.clamp(from, to))))),
        ];
        let rising = [
            data.likelihood(|time| time),
            mean(LATE.into_iter().map(|from| data.likelihood(|time| (time - from).max(0.0)))),
        ];
        Some(Self { level: mean(level.into_iter()), rising: mean(rising.into_iter()) })
    }

    /// The odds of growth that goes on against a level that was reached.
    pub(super) fn odds(&self) -> f64 {
        self.rising / self.level
    }
}

/// The floors, ready to be held against many forms.
struct Data {
    /// Shares of the time.
    times: Vec<f64>,
    /// Values around their mean, MB.
    values: Vec<f64>,
    noises: [Noise; CORRELATIONS.len()],
    /// The sum of their squares and what rounding adds, MB²: that of no growth at all.
    variation: f64,
}

impl Data {
    fn of(floors: &[Floor]) -> Option<Self> {
        let (begin, end) = (floors.first()?.at, floors.last()?.at);
        let n = floors.len() as f64;
        let mean = floors.iter().map(|floor| floor.value / n).sum::<f64>();
        let values: Vec<f64> = floors.iter().map(|floor| floor.value - mean).collect();
        let noises = CORRELATIONS.map(|kept| Noise::of(kept, &values));
        let variation = values.iter().map(|value| value * value).sum::<f64>() + ROUNDING * n;
        let times = floors.iter().map(|floor| (floor.at - begin) / (end - begin)).collect();
        Some(Self { times, values, noises, variation })
    }

    /// The likelihood of `a + b·form + noise`, over all `a`, all `b` that are not negative, and all sizes and
    /// correlations of the noise. The form is scaled to rise by 1, so that `b` is the growth.
    fn likelihood(&self, form: impl Fn(f64) -> f64) -> f64 {
        let (Some(&first), Some(&last)) = (self.times.first(), self.times.last()) else { return 0.0 };
        let (low, high) = (form(first), form(last));
        let scale = 1.0 / (high - low);
        let (mut squared, mut with_values, mut sum) = (Products::default(), Products::default(), 0.0);
        let mut before = (0.0, 0.0);
        for (&time, &value) in self.times.iter().zip(&self.values) {
            let now = (scale * (form(time) - low), value);
            squared.add((before.0, before.0), (now.0, now.0));
            with_values.add(before, now);
            sum += now.0;
            before = now;
        }
        // A form begins at 0 and ends at 1.
        squared.ends = 1.0;
        with_values.ends = before.1;
        let with_one = Products { all: sum, neighbors: 2.0 * sum - 1.0, ends: 1.0 };
        let n = self.times.len() as f64;
        let free = n - 2.0;
        mean(self.noises.iter().map(|noise| {
            let form_mean = with_one.whitened(noise.kept);
            let xx = squared.whitened(noise.kept) - form_mean * form_mean / noise.ones;
            let xy = with_values.whitened(noise.kept) - form_mean * noise.values_mean;
            let growth = xy / xx;
            let error = (noise.variation - growth * xy).max(0.0) + ROUNDING * n;
            let t = growth * (xx * free / error).sqrt();
            let rises = if t < SURE { libm::erfc(-t / std::f64::consts::SQRT_2) / 2.0 } else { 1.0 };
            rises * ((self.variation / error).powi(free as i32) * noise.scale / xx).sqrt()
        }))
    }
}

/// What noise of one correlation makes of the values, whatever the form.
struct Noise {
    kept: f64,
    /// The series of ones, whitened, times itself, and the values times it, over that.
    ones: f64,
    values_mean: f64,
    /// Sum of the squares of the whitened values around their mean, MB².
    variation: f64,
    /// What all likelihoods share.
    scale: f64,
}

impl Noise {
    fn of(kept: f64, values: &[f64]) -> Self {
        let (mut squared, mut before) = (Products::default(), 0.0);
        for &value in values {
            squared.add((before, before), (value, value));
            before = value;
        }
        let [first, last] = [values.first(), values.last()].map(|end| end.copied().unwrap_or(0.0));
        squared.ends = first * first + last * last;
        let (sum, ends, n) = (values.iter().sum::<f64>(), first + last, values.len() as f64);
        let ones = Products { all: n, neighbors: 2.0 * (n - 1.0), ends: 2.0 }.whitened(kept);
        let values_mean = Products { all: sum, neighbors: 2.0 * sum - ends, ends }.whitened(kept) / ones;
        let variation = squared.whitened(kept) - values_mean * values_mean * ones;
        Self { kept, ones, values_mean, variation, scale: (1.0 - kept * kept) / ones }
    }
}

/// Sums of products of two series: of the same places, of neighboring ones, and of the two ends. From them follows the
/// product of the two after whitening, whatever the correlation.
#[derive(Default)]
struct Products {
    all: f64,
    neighbors: f64,
    ends: f64,
}

impl Products {
    /// Adds a place; the one before the first is 0.
    fn add(&mut self, before: (f64, f64), now: (f64, f64)) {
        self.all += now.0 * now.1;
        self.neighbors += before.0 * now.1 + now.0 * before.1;
    }

    /// The product of the series `a[i] − kept·a[i − 1]` and the like of `b`; the first ones stay, scaled to the same noise.
    fn whitened(&self, kept: f64) -> f64 {
        (1.0 + kept * kept) * self.all - kept * self.neighbors - kept * kept * self.ends
    }
}

fn step(time: f64, at: f64) -> f64 {
    f64::from(u8::from(time > at))
}

fn mean(values: impl Iterator<Item = f64>) -> f64 {
    weighted(values.map(|value| (1.0, value)))
}

/// The mean of values with their weights; 0 without any.
fn weighted(values: impl Iterator<Item = (f64, f64)>) -> f64 {
    let (sum, weight) = values.fold((0.0, 0.0), |(sum, all), (weight, value)| (sum + weight * value, all + weight));
    if weight > 0.0 { sum / weight } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn odds(value: impl Fn(f64) -> f64) -> f64 {
        let floors: Vec<Floor> =
            (0..20).map(f64::from).map(|idx| Floor { at: 10.0 * idx, value: value(idx / 19.0) }).collect();
        Fit::of(&floors).unwrap().odds()
    }

    #[test]
    fn growth_that_goes_on_is_likelier_than_a_level() {
        assert!(odds(|time| 50.0 + 40.0 * time) > 1e3);
        assert!(odds(|time| 50.0 + 40.0 * (time - 0.5).max(0.0)) > 1e3);
        assert!(odds(|time| 50.0 + 40.0 * (8.0 * time).floor() / 8.0) > 3.0);
    }

    #[test]
    fn a_level_that_was_reached_is_likelier_than_growth() {
        assert!(odds(|time| if time < 0.5 { 50.0 } else { 80.0 }) < 1e-3);
        assert!(odds(|time| 50.0 + 40.0 * time.min(0.6)) < 1e-3);
        assert!(odds(|time| 50.0 + 40.0 * (1.0 - (-time / 0.15).exp())) < 1e-3);
        assert!(odds(|time| 50.0 + 40.0 * time.clamp(0.4, 0.8)) < 1e-3);
    }

    #[test]
    fn what_wanders_decides_nothing() {
        // A line and a slow wave on it: as plain squares the bend at the end would weigh 40 to 1.
        let wave = |time: f64| 50.0 + 10.0 * time + 6.0 * (9.0 * time).sin();
        assert!((0.2..5.0).contains(&odds(wave)), "{}", odds(wave));
        assert!((0.2..5.0).contains(&odds(|_| 50.0)), "{}", odds(|_| 50.0));
    }

    #[test]
    fn whitening_is_that_of_the_series() {
        let (a, b, kept) = ([1.0, 3.0, 2.0, 5.0], [2.0, -1.0, 4.0, 0.5], 0.4f64);
        let white = |series: [f64; 4]| {
            let rest = series.windows(2).map(|pair| pair[1] - kept * pair[0]).collect::<Vec<_>>();
            [vec![series[0] * (1.0 - kept * kept).sqrt()], rest].concat()
        };
        let plain: f64 = white(a).iter().zip(white(b)).map(|(a, b)| a * b).sum();
        let mut products = Products { ends: a[0] * b[0] + a[3] * b[3], ..Products::default() };
        let mut before = (0.0, 0.0);
        for now in a.into_iter().zip(b) {
            products.add(before, now);
            before = now;
        }
        assert!((products.whitened(kept) - plain).abs() < 1e-12);
    }

    #[test]
    fn too_few_floors_have_no_odds() {
        assert!(Fit::of(&[]).is_none());
        let one = [Floor { at: 1.0, value: 1.0 }];
        assert!(Fit::of(&one).is_some_and(|fit| fit.odds().is_nan()));
    }
}
