//! Seeded synthetic live heaps, and the share of them that the trend test calls what.
//!
//! The shares are the acceptance of catalogue section 15: a change that makes a flat heap a leak more often than the
//! bounds below allow is a regression.

use std::fmt::Write;

use expect_test::Expect;

use super::*;
use crate::rules::{Check, Findings, Rule};
use crate::view::RunView;

/// SplitMix64: the same numbers on every machine.
pub(in crate::rules) struct Random(pub u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// From `low` up to, not including, `high`.
    pub(in crate::rules) fn uniform(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// Standard normal, near enough: the sum of twelve uniform numbers.
    fn normal(&mut self) -> f64 {
        (0..12).map(|_| self.uniform(0.0, 1.0)).sum::<f64>() - 6.0
    }
}

/// Base and noise of a live heap, MB.
#[derive(Clone, Copy, Debug)]
pub(in crate::rules) struct Heap {
    pub base_mb: f64,
    pub sigma_mb: f64,
}

const LOW_NOISE: Heap = Heap { base_mb: 100.0, sigma_mb: 2.0 };
const SMALL: Heap = Heap { base_mb: 8.0, sigma_mb: 1.0 };
const STRONG_NOISE: Heap = Heap { base_mb: 100.0, sigma_mb: 14.0 };

/// `n` cycles over `span_s`: base × (1 + `shape`(share of the run)), AR(1) noise, a request in flight in one cycle of
/// seven, whole megabytes.
pub(in crate::rules) fn heap(
    random: &mut Random,
    n: usize,
    span_s: f64,
    heap: Heap,
    shape: impl Fn(f64) -> f64,
) -> Vec<(f64, f64)> {
    const KEPT: f64 = 0.7;
    let mut noise = 0.0;
    (0..n)
        .map(|idx| {
            let share = (idx as f64 + random.uniform(0.0, 0.9)) / n as f64;
            noise = KEPT * noise + (1.0 - KEPT * KEPT).sqrt() * random.normal() * heap.sigma_mb;
            let in_flight = random.uniform(0.0, 1.0) < 0.15;
            let request = if in_flight { random.uniform(0.0, 0.3 * heap.base_mb) } else { 0.0 };
            let live = heap.base_mb * (1.0 + shape(share)) + noise + request;
            (share * span_s, live.max(0.0).floor())
        })
        .collect()
}

/// A name, and a live heap that looks like a leak and is none.
pub(in crate::rules) type Trap = (&'static str, fn(f64) -> f64);

/// `n` cycles, evenly over `span_s`, with `live_mb` at a share of the run, rounded down as Go prints it.
pub(in crate::rules) fn cycles(n: usize, span_s: f64, live_mb: impl Fn(f64) -> f64) -> Vec<(f64, f64)> {
    (0..n).map(|idx| idx as f64 / (n - 1) as f64).map(|share| (share * span_s, live_mb(share).floor())).collect()
}

/// A run whose live heap (and nothing else) is given.
pub(in crate::rules) fn run(points: &[(f64, f64)]) -> RunView {
    let mut run = RunView::default();
    for (line, &(at_s, live_mb)) in (0..).zip(points) {
        run.cycles.line.push(line);
        run.cycles.n.push(u64::from(line) + 1);
        run.cycles.at_s.push(at_s);
        run.cycles.heap_live_mb.push(live_mb);
        run.cycles.forced.push(false);
    }
    run
}

/// What a rule says about a run: line (from 1), severity, message; then the related lines.
pub(in crate::rules) fn said(rule: &'static Rule, run: &RunView, memory_limit_mb: Option<f64>) -> String {
    let Check::Run(check) = rule.check else { return String::new() };
    let limits = Limits { memory_limit_mb, ..Limits::defaults(rule.limits) };
    let mut findings = Findings::default();
    check(run, &limits, &mut findings);
    let mut text = String::new();
    for finding in findings.into_vec() {
        let line = finding.place.line + 1;
        writeln!(text, "{line} {:?} {}: {}", finding.severity, finding.rule.code, finding.message).unwrap();
        for related in finding.related {
            writeln!(text, "  {} {}", related.place.line + 1, related.text).unwrap();
        }
        assert!(finding.numbers.iter().all(|(_, number)| number.is_finite()), "{:?}", finding.numbers);
    }
    text
}

/// Asserts what a rule says about a run.
pub(in crate::rules) fn check(rule: &'static Rule, run: &RunView, expect: Expect) {
    expect.assert_eq(&said(rule, run, None));
}

/// [`check`] where the process may use so much memory.
pub(in crate::rules) fn check_with_limit(rule: &'static Rule, run: &RunView, limit_mb: f64, expect: Expect) {
    expect.assert_eq(&said(rule, run, Some(limit_mb)));
}

/// A shape of growth, and what share of such runs may and must be called rising, in percent, for the three heaps.
struct Shape {
    name: &'static str,
    /// Growth over the base at a share of the run; the second number is a random share for shapes that have a place.
    growth: fn(f64, f64) -> f64,
    at_most: [u32; 3],
    at_least: [u32; 3],
    /// The least that counts.
    verdict: Verdict,
}

const fn none(name: &'static str, growth: fn(f64, f64) -> f64, at_most: [u32; 3]) -> Shape {
    Shape { name, growth, at_most, at_least: [0; 3], verdict: Verdict::Rising }
}

const fn leak(name: &'static str, growth: fn(f64, f64) -> f64, at_least: [u32; 3]) -> Shape {
    Shape { name, growth, at_most: [100; 3], at_least, verdict: Verdict::Rising }
}

/// Growth that slows down: GC101 or GC102.
const fn slows(name: &'static str, growth: fn(f64, f64) -> f64, at_least: [u32; 3]) -> Shape {
    Shape { verdict: Verdict::Slowing, ..leak(name, growth, at_least) }
}

const SHAPES: &[Shape] = &[
    none("flat", |_, _| 0.0, [2, 2, 5]),
    none("cache fill, tau 12 %", |x, _| 1.0 - (-x / 0.12).exp(), [0, 1, 5]),
    none("cache fill, tau 25 %", |x, _| 1.0 - (-x / 0.25).exp(), [3, 5, 13]),
    none("one step", |x, r| if x < 0.2 + 0.6 * r { 0.0 } else { 0.5 }, [3, 7, 10]),
    none("ramp, then flat", |x, r| (x / (0.3 + 0.2 * r)).min(1.0), [0, 0, 5]),
    none("ramp to 80 %, then flat", |x, _| (x / 0.8).min(1.0), [20, 60, 60]),
    none("flat, ramp, flat", |x, _| ((x - 0.4) / 0.4).clamp(0.0, 1.0), [10, 95, 90]),
    none("sawtooth", |x, r| (x * (3.0 + 4.0 * r)).fract(), [0, 0, 0]),
    none("up and down", |x, _| 1.0 - (2.0 * x - 1.0).abs(), [0, 0, 0]),
    none("daily curve", |x, r| 0.5 + 0.5 * (std::f64::consts::TAU * (x * (1.0 + r) + r)).sin(), [0, 0, 0]),
    leak("linear +20 %", |x, _| 0.2 * x, [72, 0, 0]),
    leak("linear +50 %", |x, _| 0.5 * x, [97, 40, 41]),
    leak("linear +200 %", |x, _| 2.0 * x, [98, 98, 98]),
    leak("starts late", |x, _| (x - 0.6).max(0.0) * 2.5, [97, 93, 92]),
    leak("staircase", |x, _| (x * 8.0).floor() / 8.0, [97, 92, 81]),
    slows("logarithmic +50 %", |x, _| 0.5 * (1.0 + 19.0 * x).ln() / 20f64.ln(), [65, 3, 11]),
];

/// Runs of 60 to 600 cycles, seeds from 0.
#[test]
fn leaks_are_found_and_harmless_shapes_are_not_called_leaks() {
    const N_RUNS: u32 = 120;
    let mut wrong = String::new();
    for shape in SHAPES {
        for (idx, kind) in [LOW_NOISE, SMALL, STRONG_NOISE].into_iter().enumerate() {
            let rising = (0..u64::from(N_RUNS)).filter(|&seed| verdict(shape, kind, seed) >= Some(shape.verdict));
            let percent = rising.count() as u32 * 100 / N_RUNS;
            if percent < shape.at_least[idx] || percent > shape.at_most[idx] {
                writeln!(wrong, "{}, {kind:?}: {percent} % called growing", shape.name).unwrap();
            }
        }
    }
    assert_eq!(wrong, "");
}

fn verdict(shape: &Shape, kind: Heap, seed: u64) -> Option<Verdict> {
    let mut random = Random(seed);
    let n = random.uniform(60.0, 600.0) as usize;
    let place = random.uniform(0.0, 1.0);
    let points = heap(&mut random, n, 600.0, kind, |share| (shape.growth)(share, place));
    Evidence::of(&points, &Thresholds::DEFAULT).map(|evidence| evidence.verdict(&Thresholds::DEFAULT))
}

#[test]
fn a_series_leaves_out_rows_without_time_or_value() {
    let mut run = run(&[(1.0, 4.0), (f64::NAN, 5.0), (2.0, f64::NAN), (1.5, 6.0), (1.4, 7.0)]);
    run.cycles.n = vec![1; 5];
    let series = Series::of(&run.cycles, |row| run.cycles.heap_live_mb[row]);
    assert_eq!(series.points, [(1.0, 4.0), (1.5, 6.0)]);
    assert_eq!(series.rows, [0, 3]);
}

#[test]
fn first_sufficient_needs_truth_to_the_end() {
    let points: Vec<(f64, f64)> = (0..1000).map(|idx| (f64::from(idx), 0.0)).collect();
    // True from 100 points on but for 400 to 450: the evidence counts from there.
    let first = first_sufficient(&points, 40, |prefix| prefix.len() >= 100 && !(400..450).contains(&prefix.len()));
    assert!((449..510).contains(&first), "{first}");
    assert_eq!(first_sufficient(&points, 40, |_| true), 39);
    assert_eq!(first_sufficient(&points, 40, |_| false), 999);
    assert_eq!(first_sufficient(&points[..20], 40, |_| true), 19);
    assert_eq!(first_sufficient(&[], 0, |_| true), 0);
}

#[test]
fn hostile_series_do_not_panic() {
    let values = [0.0, -5.0, 1e300, f64::MAX, 3.0, 1e-300];
    for len in 0..120usize {
        for scale in [1e-12, 1.0, 1e12, f64::MAX / 200.0] {
            let points: Vec<(f64, f64)> =
                (0..len).map(|idx| (idx as f64 * scale, values[idx * idx % values.len()])).collect();
            if let Some(evidence) = Evidence::of(&points, &Thresholds::DEFAULT) {
                evidence.verdict(&Thresholds::DEFAULT);
                evidence.jump_point(&points);
                evidence.moves_with_load(&Series::default(), &Cycles::default());
            }
        }
    }
}
