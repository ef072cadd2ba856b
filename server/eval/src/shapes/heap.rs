//! Seeded synthetic live heaps: the shapes of catalogue section 15, each for three heaps.
//!
//! The catalogue names the shapes, the number of cycles, the strongest noise and how often requests are in flight, and no
//! more. The other numbers here were searched so that its plain test gives its table: one correlation of the noise and
//! one size of the requests for all heaps, and a place and a size of each shape. How near that comes stands in the table
//! that [`super::run`] writes. The catalogue's own shares, of 120 runs each, are good to about nine points.

/// SplitMix64: the same numbers on every machine.
#[derive(Clone, Debug)]
pub struct Random(u64);

impl Random {
    /// A sequence of its own for each seed.
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// From `low` up to, not including, `high`.
    pub fn uniform(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// Standard normal (Box and Muller).
    pub fn normal(&mut self) -> f64 {
        let radius = (-2.0 * (1.0 - self.uniform(0.0, 1.0)).ln()).sqrt();
        radius * (std::f64::consts::TAU * self.uniform(0.0, 1.0)).cos()
    }
}

/// Base and noise of a live heap.
#[derive(Clone, Copy, Debug)]
pub struct Heap {
    /// As the table calls it.
    pub name: &'static str,
    /// Where it begins, MB.
    pub base_mb: f64,
    /// Standard deviation of the noise, MB.
    pub sigma_mb: f64,
}

/// The three heaps of the table.
pub const HEAPS: [Heap; 3] = [
    Heap { name: "low noise, base 100 MB", base_mb: 100.0, sigma_mb: 2.85 },
    Heap { name: "base 8 MB", base_mb: 8.0, sigma_mb: 0.54 },
    Heap { name: "strong noise", base_mb: 100.0, sigma_mb: 14.1 },
];

/// Correlation of the noise of neighboring cycles.
const KEPT: f64 = 0.9;

/// Share of the cycles in which requests are in flight, and the most that they hold, as a share of the base.
const REQUESTS: (f64, f64) = (0.15, 0.5);

/// Cycles of a run, and its length, s.
const CYCLES: (f64, f64) = (60.0, 601.0);
const SPAN_S: f64 = 600.0;

/// A shape of growth.
#[derive(Clone, Copy, Debug)]
pub struct Shape {
    /// As the table calls it.
    pub name: &'static str,
    /// Growth over the base at a share of the run; two numbers between 0 and 1 place what has a place and a size.
    pub growth: fn(share: f64, place: f64, size: f64) -> f64,
}

/// The shapes of the table, in its order; three of them stand in one row there.
pub const SHAPES: [Shape; 14] = [
    Shape { name: "flat", growth: |_, _, _| 0.0 },
    Shape {
        name: "cache fill, τ = 12 % of run",
        growth: |x, place, _| 0.43 * filled(x - between(0.20, 0.40, place), 0.12),
    },
    Shape { name: "cache fill, τ = 25 % of run", growth: |x, _, size| between(0.58, 0.80, size) * filled(x, 0.25) },
    Shape {
        name: "one step",
        growth: |x, place, size| {
            let since = x - between(0.49, 0.63, place);
            if since < 0.0 { 0.0 } else { between(0.54, 0.96, size) * (1.0 - SETTLED * since) }
        },
    },
    Shape {
        name: "ramp up, then flat",
        growth: |x, place, size| between(0.48, 0.77, size) * (x / between(0.29, 0.52, place)).min(1.0),
    },
    Shape { name: "sawtooth", growth: |x, place, _| (x * between(3.0, 7.0, place)).fract() },
    Shape { name: "ramp up and down", growth: |x, _, _| 1.0 - (2.0 * x - 1.0).abs() },
    Shape {
        name: "daily curve",
        growth: |x, place, _| 0.5 - 0.5 * (std::f64::consts::TAU * (between(1.0, 2.0, place) * x)).cos(),
    },
    Shape { name: "linear +20 % of base", growth: |x, _, _| 0.2 * x },
    Shape { name: "linear +50 %", growth: |x, _, _| 0.5 * x },
    Shape { name: "linear +200 %", growth: |x, _, _| 2.0 * x },
    Shape { name: "starts late (last 40 %)", growth: |x, _, size| between(0.1, 4.4, size) * (x - 0.6).max(0.0) / 0.4 },
    Shape {
        name: "staircase",
        growth: |x, place, size| {
            let n_steps = between(3.9, 7.3, place).round();
            between(1.20, 1.34, size) * (n_steps * x).floor() / n_steps
        },
    },
    Shape { name: "logarithmic growth", growth: |x, _, _| 0.63 * (165.0 * x).ln_1p() / 165f64.ln_1p() },
];

/// What a step loses again over the whole run, as a share of it.
const SETTLED: f64 = 0.06;

fn between(low: f64, high: f64, share: f64) -> f64 {
    low + (high - low) * share
}

fn filled(share: f64, tau: f64) -> f64 {
    1.0 - (-share.max(0.0) / tau).exp()
}

/// What a run is drawn for: how long it is, where its shape has its place, and how large it is, each 0 to 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Draw {
    length: f64,
    place: f64,
    size: f64,
}

impl Draw {
    /// Of one of many runs: they are spread evenly over all combinations (Roberts' additive recurrence), so that shares
    /// vary by the noise alone and not by what lengths happened to be drawn.
    pub fn of(run: u64) -> Self {
        /// The root of x⁴ = x + 1, to the powers −1, −2 and −3.
        const STEPS: [f64; 3] = [0.819_172_513_396_164_4, 0.671_043_606_703_789_2, 0.549_700_477_901_969];
        let [length, place, size] = STEPS.map(|step| (0.5 + run as f64 * step).fract());
        Self { length, place, size }
    }
}

/// The cycles of a run as `(seconds, MB)`: a shape over a base, AR(1) noise, requests in flight, whole megabytes.
pub fn live_heap(shape: &Shape, heap: &Heap, draw: Draw, random: &mut Random) -> Vec<(f64, f64)> {
    let n = between(CYCLES.0, CYCLES.1, draw.length) as usize;
    let mut noise = heap.sigma_mb * random.normal();
    let fresh = heap.sigma_mb * (1.0 - KEPT * KEPT).sqrt();
    (0..n)
        .map(|idx| {
            let share = (idx as f64 + random.uniform(0.0, 0.9)) / n as f64;
            noise = KEPT * noise + fresh * random.normal();
            let growth = 1.0 + (shape.growth)(share, draw.place, draw.size);
            let is_in_flight = random.uniform(0.0, 1.0) < REQUESTS.0;
            let requests = if is_in_flight { random.uniform(0.0, REQUESTS.1) } else { 0.0 };
            let live = heap.base_mb * (growth + requests) + noise;
            (share * SPAN_S, live.max(0.0).floor())
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_gives_one_series() {
        let series = |seed| live_heap(&SHAPES[9], &HEAPS[0], Draw::of(1), &mut Random::new(seed));
        assert_eq!(series(7), series(7));
        assert_ne!(series(7), series(8));
    }

    #[test]
    fn cycles_come_in_order_and_in_whole_megabytes() {
        for shape in &SHAPES {
            for heap in &HEAPS {
                let points = live_heap(shape, heap, Draw::of(1), &mut Random::new(1));
                assert!((60..=600).contains(&points.len()));
                assert!(points.is_sorted_by(|a, b| a.0 < b.0), "{}", shape.name);
                assert!(points.iter().all(|&(at_s, live)| at_s <= SPAN_S && live >= 0.0 && live.fract() == 0.0));
            }
        }
    }

    #[test]
    fn the_noise_is_as_strong_as_stated() {
        let mut random = Random::new(3);
        let normal: Vec<f64> = (0..10_000).map(|_| random.normal()).collect();
        let variance = normal.iter().map(|value| value * value).sum::<f64>() / 10_000.0;
        assert!((variance - 1.0).abs() < 0.05, "{variance}");
    }
}
