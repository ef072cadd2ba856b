//! Where the level of a series changes: penalized least squares over its stretches, the noise read off its own
//! differences.
//!
//! A cost of squared distances, divided by the noise, and a price for each cut that grows with the logarithm of the
//! length (a Bayesian information criterion) are minimized exactly, stretch by stretch. What keeps the answer silent on
//! series that are only noisy is the noise: it is measured over blocks of several lengths, and the largest counts. Values
//! that hang together (a slow swing, the teeth of a saw, a ramp) differ more from block to block than single ones
//! would, and so are noise and no change. A cut that a curve without a
//! jump explains as well is dropped, and so are all cuts of a series that swings to and fro.

/// The price of a cut, in units of the noise squared, for each unit of the logarithm of the length.
const PRICE: f64 = 4.0;

/// Of so few values the noise is half unknown: a cut costs twice as much.
const FEW: f64 = 12.0;

/// The shortest stretch.
pub(super) const MIN_LEN: usize = 3;

/// The shortest series that is looked at.
const MIN_VALUES: usize = 8;

/// Blocks that there must be of a length, so that the noise at that length can be told.
const MIN_BLOCKS: usize = 9;

/// The median of the absolute difference of two normal values, in standard deviations of one.
const MEDIAN_OF_DIFFERENCES: f64 = 0.953_87;
/// Likewise the upper quartile.
const QUARTILE_OF_DIFFERENCES: f64 = 1.626_86;

/// A change of level.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Cut {
    /// Index of the first value of the new level.
    pub(super) at: usize,
    /// How much of the squared distance the cut explains, in units of the noise squared.
    pub(super) gain: f64,
}

/// Sums over the first values of a series.
struct Sums {
    value: Vec<f64>,
    square: Vec<f64>,
    /// Of each value times its index.
    moment: Vec<f64>,
}

impl Sums {
    fn of(values: &[f64]) -> Self {
        let mut sums = Self { value: vec![0.0], square: vec![0.0], moment: vec![0.0] };
        let (mut value, mut square, mut moment) = (0.0, 0.0, 0.0);
        for (idx, x) in values.iter().enumerate() {
            value += x;
            square += x * x;
            moment += x * idx as f64;
            sums.value.push(value);
            sums.square.push(square);
            sums.moment.push(moment);
        }
        sums
    }

    fn mean(&self, from: usize, to: usize) -> f64 {
        (self.value[to] - self.value[from]) / (to - from) as f64
    }

    /// Squared distances of values `from..to` from their mean.
    fn about_mean(&self, from: usize, to: usize) -> f64 {
        let sum = self.value[to] - self.value[from];
        (self.square[to] - self.square[from] - sum * sum / (to - from) as f64).max(0.0)
    }

    /// Sum of index times value, both about their means.
    fn about_means(&self, from: usize, to: usize) -> f64 {
        let center = (from + to - 1) as f64 / 2.0;
        self.moment[to] - self.moment[from] - center * (self.value[to] - self.value[from])
    }

    /// Sum of the squares of indexes about their mean.
    fn spread(from: usize, to: usize) -> f64 {
        let n = (to - from) as f64;
        n * (n * n - 1.0) / 12.0
    }

    /// Squared distances from the two parallel lines that fit best, and the step between them.
    fn about_parallels(&self, from: usize, at: usize, to: usize) -> (f64, f64) {
        let moment = self.about_means(from, at) + self.about_means(at, to);
        let spread = Self::spread(from, at) + Self::spread(at, to);
        let slope = moment / spread;
        let left = self.about_mean(from, at) + self.about_mean(at, to) - moment * slope;
        let between_centers = (to - from) as f64 / 2.0;
        (left.max(0.0), self.mean(at, to) - self.mean(from, at) - slope * between_centers)
    }
}

/// Changes of the level of a series, in order. All values must be finite; `floor` is the least noise assumed: what
/// rounding alone makes of values.
pub(super) fn cuts(values: &[f64], floor: f64) -> Vec<Cut> {
    if values.len() < MIN_VALUES {
        return Vec::new();
    }
    let calm = median_of_three(values);
    let noise = noise(values, &calm, floor).max(floor);
    let n = values.len() as f64;
    let price = PRICE * n.ln() * (1.0 + FEW / n);
    let calm: Vec<f64> = calm.iter().map(|value| value / noise).collect();
    let sums = Sums::of(&calm);
    let mut cuts: Vec<Cut> = best(&sums, values.len(), price).into_iter().map(|at| Cut { at, gain: 0.0 }).collect();
    // The least convincing cut goes first: without it, its neighbors may be more convincing, or less.
    loop {
        let borders = borders(&cuts, values.len());
        for (cut, around) in cuts.iter_mut().zip(borders.windows(3)) {
            cut.gain = gain(&calm, &sums, [around[0], around[1], around[2]], price);
        }
        let Some((idx, worst)) = cuts.iter().enumerate().min_by(|a, b| a.1.gain.total_cmp(&b.1.gain)) else { break };
        if worst.gain >= price {
            break;
        }
        cuts.remove(idx);
    }
    if swings(&sums, &borders(&cuts, values.len())) {
        cuts.clear();
    }
    // Where most values are equal their steps tell no noise: levels count if they are what there is to see, and not
    // if they are one burst of many.
    if is_idle(values, floor) {
        let sums = Sums::of(values);
        let left: f64 = borders(&cuts, values.len()).windows(2).map(|pair| sums.about_mean(pair[0], pair[1])).sum();
        if cuts.len() > MAX_IDLE_CUTS || left > MAX_LEFT * sums.about_mean(0, values.len()) {
            cuts.clear();
        }
    }
    cuts
}

/// Whether most values are equal to the one before.
fn is_idle(values: &[f64], floor: f64) -> bool {
    at_share(&steps(values), 0.5) < floor
}

/// The first values of stretches, and the number of values.
fn borders(cuts: &[Cut], n: usize) -> Vec<usize> {
    [0].into_iter().chain(cuts.iter().map(|cut| cut.at)).chain([n]).collect()
}

/// Whether a series goes up and down again and again by about as much: that is how it is, and no change.
fn swings(sums: &Sums, borders: &[usize]) -> bool {
    const MIN_TURNS: usize = 4;
    const MAX_FACTOR: f64 = 3.0;
    let levels: Vec<f64> = borders.windows(2).map(|pair| sums.mean(pair[0], pair[1])).collect();
    let shifts: Vec<f64> = levels.windows(2).map(|pair| pair[1] - pair[0]).collect();
    let least = shifts.iter().map(|shift| shift.abs()).fold(f64::INFINITY, f64::min);
    let most = shifts.iter().map(|shift| shift.abs()).fold(0.0, f64::max);
    let turns = shifts.windows(2).all(|pair| pair[0] * pair[1] < 0.0);
    shifts.len() >= MIN_TURNS && turns && most <= MAX_FACTOR * least
}

/// The share of squared distances that levels may leave unexplained where most values are equal.
const MAX_LEFT: f64 = 0.5;
/// More changes than this among values most of which are equal are bursts.
const MAX_IDLE_CUTS: usize = 6;
/// What a cut of `values[from..to]` explains; nothing where a curve without a jump explains it too.
fn gain(values: &[f64], sums: &Sums, [from, at, to]: [usize; 3], price: f64) -> f64 {
    let levels = sums.about_mean(from, at) + sums.about_mean(at, to);
    let explained = sums.about_mean(from, to) - levels;
    if explained < price {
        return explained;
    }
    if !is_near(values, sums, [from, at, to]) {
        return 0.0;
    }
    let curve = about_curve(&values[from..to]);
    if levels < curve {
        return explained;
    }
    // A jump on a slope.
    let (parallels, step) = sums.about_parallels(from, at, to);
    let shift = sums.mean(at, to) - sums.mean(from, at);
    let jumps = step * shift > 0.0 && step.abs() >= 0.5 * shift.abs() && curve - parallels >= price;
    if jumps { curve - parallels } else { 0.0 }
}

/// Whether much of the difference between two levels lies where they meet. Where growth begins, it does not.
fn is_near(values: &[f64], sums: &Sums, [from, at, to]: [usize; 3]) -> bool {
    const LEN: usize = 5;
    const LEAST: f64 = 0.4;
    let middle = |part: &[f64]| {
        let mut part = part.to_vec();
        part.sort_unstable_by(f64::total_cmp);
        part[part.len() / 2]
    };
    let near = middle(&values[at..to.min(at + LEN)]) - middle(&values[from.max(at.saturating_sub(LEN))..at]);
    let shift = sums.mean(at, to) - sums.mean(from, at);
    near * shift > 0.0 && near.abs() >= LEAST * shift.abs()
}

/// Squared distances from the curve of third degree that fits best: growth that slows down, or speeds up, or both.
fn about_curve(values: &[f64]) -> f64 {
    const DEGREE: usize = 3;
    let n = values.len();
    let mut left = values.to_vec();
    // Polynomials that are orthogonal to each other over the indexes, each made of the one before.
    let mut basis: Vec<Vec<f64>> = Vec::new();
    for degree in 0..=DEGREE.min(n - 1) {
        let center = |idx: usize| (2.0 * idx as f64 - (n - 1) as f64) / n as f64;
        let mut next: Vec<f64> = match basis.last() {
            Some(last) if degree > 0 => last.iter().enumerate().map(|(idx, value)| value * center(idx)).collect(),
            _ => vec![1.0; n],
        };
        for other in &basis {
            let shared: f64 = next.iter().zip(other).map(|(a, b)| a * b).sum();
            next.iter_mut().zip(other).for_each(|(value, other)| *value -= shared * other);
        }
        let length = next.iter().map(|value| value * value).sum::<f64>().sqrt();
        next.iter_mut().for_each(|value| *value /= length);
        let shared: f64 = left.iter().zip(&next).map(|(a, b)| a * b).sum();
        left.iter_mut().zip(&next).for_each(|(value, part)| *value -= shared * part);
        basis.push(next);
    }
    left.iter().map(|value| value * value).sum()
}

/// The first values of stretches, such that distances and prices are least.
fn best(sums: &Sums, n: usize, price: f64) -> Vec<usize> {
    // The least cost of the first values, and where their last stretch begins.
    let mut cost = vec![f64::INFINITY; n + 1];
    let mut begins = vec![0; n + 1];
    cost[0] = -price;
    for end in MIN_LEN..=n {
        for begin in 0..=end - MIN_LEN {
            let total = cost[begin] + sums.about_mean(begin, end) + price;
            if total < cost[end] {
                (cost[end], begins[end]) = (total, begin);
            }
        }
    }
    let mut cuts = Vec::new();
    let mut end = begins[n];
    while end > 0 {
        cuts.push(end);
        end = begins[end];
    }
    cuts.reverse();
    cuts
}

/// Each value, or the middle one of it and its neighbors: a lone outlier is no level.
pub(super) fn median_of_three(values: &[f64]) -> Vec<f64> {
    let middle = |a: f64, b: f64, c: f64| a.max(b).min(a.min(b).max(c));
    (0..values.len())
        .map(|idx| match (idx.checked_sub(1).map(|idx| values[idx]), values.get(idx + 1)) {
            (Some(before), Some(after)) => middle(before, values[idx], *after),
            // At the ends the neighbor counts: one value is no level.
            (None, Some(after)) => *after,
            (Some(before), None) => before,
            (None, None) => values[idx],
        })
        .collect()
}

/// The noise of one value, as a standard deviation: what means of blocks differ by, scaled to one value; of all lengths
/// of blocks the largest.
fn noise(values: &[f64], calm: &[f64], floor: f64) -> f64 {
    let mut noise = spread_of_steps(values);
    // Where most values are equal, the few steps tell what happened and not how it happens.
    let inertia = if is_idle(values, floor) { 0.0 } else { inertia(values, noise.max(floor)) };
    noise *= ((1.0 + inertia) / (1.0 - inertia)).sqrt();
    let mut len = 2;
    while calm.len() / len >= MIN_BLOCKS {
        let means: Vec<f64> = calm.chunks_exact(len).map(|block| block.iter().sum::<f64>() / len as f64).collect();
        noise = noise.max(at_share(&steps(&means), 0.5) / MEDIAN_OF_DIFFERENCES * (len as f64).sqrt());
        len *= 2;
    }
    noise
}

/// How much of its distance from the level a value passes on to the next, 0 to [`MAX_INERTIA`], as the steps tell it: of
/// values that know nothing of each other a step is half taken back by the next.
fn inertia(values: &[f64], noise: f64) -> f64 {
    let limit = 2.0 * noise;
    let steps: Vec<f64> = values.windows(2).map(|pair| (pair[1] - pair[0]).clamp(-limit, limit)).collect();
    // What is taken for granted where there are few steps, or none.
    let (mut same, mut all) = (-PRIOR_STEPS * noise * noise, 2.0 * PRIOR_STEPS * noise * noise);
    for pair in steps.windows(2) {
        same += pair[0] * pair[1];
        all += (pair[0] * pair[0] + pair[1] * pair[1]) / 2.0;
    }
    (1.0 + 2.0 * same / all).clamp(0.0, MAX_INERTIA)
}

/// See [`inertia`].
const MAX_INERTIA: f64 = 0.95;
/// See [`inertia`]: as many steps count as taken back by half.
const PRIOR_STEPS: f64 = 1.0;

/// The standard deviation of values as their steps tell it. A few steps of another size do not count, unless every
/// fourth is large: many values of a series that idles are equal.
fn spread_of_steps(values: &[f64]) -> f64 {
    let steps = steps(values);
    (at_share(&steps, 0.5) / MEDIAN_OF_DIFFERENCES).max(at_share(&steps, 0.75) / QUARTILE_OF_DIFFERENCES)
}

/// How far each value is from the one before, in ascending order.
fn steps(values: &[f64]) -> Vec<f64> {
    let mut steps: Vec<f64> = values.windows(2).map(|pair| (pair[1] - pair[0]).abs()).collect();
    steps.sort_unstable_by(f64::total_cmp);
    steps
}

fn at_share(sorted: &[f64], share: f64) -> f64 {
    sorted.get((share * sorted.len() as f64) as usize).copied().unwrap_or(0.0)
}

#[cfg(test)]
mod tests;
