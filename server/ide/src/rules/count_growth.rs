//! The trend test of GC101 over counts: goroutines, timers. What differs is how many are many, and what it is called.

use super::evidence::{Bound, Confidence, Test};
use super::growth::replay::{self, Standing};
use super::growth::{Evidence, Thresholds, Verdict};
use super::{Finding, Place, Related, Rule};

/// A count that keeps growing.
#[derive(Debug)]
pub(super) struct Growing {
    /// Typical of the first and of the last fifth of the points after warm-up.
    pub(super) from: f64,
    pub(super) to: f64,
    /// Time between the middles of the two, in the unit of the points.
    pub(super) apart: f64,
    /// The first point after warm-up, and the point at which the evidence was sufficient.
    pub(super) first: usize,
    pub(super) sufficient: usize,
    pub(super) confidence: Confidence,
    pub(super) numbers: Vec<(&'static str, f64)>,
}

impl Growing {
    /// A finding at the point where the evidence was sufficient, with the first and the last of the `n_points` used.
    /// `place` and `seen` are of a point: where it stands, and what was counted when. Run and message are the caller's.
    pub(super) fn finding(
        self,
        rule: &'static Rule,
        test: Test,
        n_points: usize,
        place: impl Fn(usize) -> Place,
        seen: impl Fn(usize) -> String,
    ) -> Finding {
        let related =
            |(what, idx): (&str, usize)| Related { place: place(idx), text: format!("{what}: {}", seen(idx)) };
        let ends = [("first used", self.first), ("last used", n_points.saturating_sub(1))];
        Finding {
            place: place(self.sufficient),
            related: ends.map(related).into(),
            count: n_points.saturating_sub(self.first),
            numbers: self.numbers,
            test,
            confidence: Some(self.confidence),
            ..Finding::about(rule)
        }
    }
}

/// What a count is called in conditions, and the units of its points.
pub(super) struct Counted {
    /// One point, e.g. `samples`.
    pub(super) points: &'static str,
    /// What lies between them: `s`, `cycles`.
    pub(super) time: &'static str,
    /// What is counted, e.g. `goroutines`.
    pub(super) what: &'static str,
}

/// Tests `(time, count)` points in order of time; each condition goes into `test`.
pub(super) fn growing(
    points: &[(f64, f64)],
    thresholds: &Thresholds,
    counted: &Counted,
    test: &mut Test,
) -> Option<Growing> {
    let span = points.first().zip(points.last()).map_or(0.0, |(first, last)| last.0 - first.0);
    let enough = test.data(counted.points, points.len() as f64, thresholds.min_cycles, "");
    let long = thresholds.min_span_s <= 0.0 || test.data("time", span, thresholds.min_span_s, counted.time);
    if !enough || !long {
        return None;
    }
    let standing = replay::standing(points, thresholds, Verdict::Rising);
    let Some(Standing { evidence, since, thresholds }) = standing else {
        match Evidence::of(points, thresholds) {
            Some(evidence) => {
                conditions(&evidence, thresholds, counted, test);
                if test.holds() {
                    test.fact(replay::held_back(points, &evidence, thresholds), false);
                }
            }
            None => _ = test.data("stretches of the run that have values", f64::NAN, 8.0, ""),
        }
        return None;
    };
    conditions(&evidence, &thresholds, counted, test);
    Some(Growing {
        from: evidence.base_mb,
        to: evidence.end_mb,
        apart: evidence.apart_s,
        first: evidence.first,
        sufficient: since,
        confidence: evidence.confidence(),
        numbers: vec![
            ("from", evidence.base_mb),
            ("to", evidence.end_mb),
            ("gain", evidence.gain_mb),
            ("noise", evidence.noise_mb),
            ("tau", evidence.tau),
            ("p", evidence.p_rising),
            ("late_tau", evidence.late_tau),
            ("given_back_share", evidence.given_back),
            ("n_points", evidence.n_cycles as f64),
        ],
    })
}

/// What is asked of the trend. A verdict that stands is held against softer thresholds.
fn conditions(evidence: &Evidence, thresholds: &Thresholds, counted: &Counted, test: &mut Test) {
    let verdict = evidence.verdict(thresholds);
    let needed = thresholds
        .min_gain_mb
        .max(thresholds.min_gain_share * evidence.base_mb)
        .max(thresholds.min_gain_noise * evidence.noise_mb);
    test.value("chance that it rises by accident (p)", evidence.p_rising, Bound::Below(thresholds.max_p), "");
    test.value("how steadily it rises (tau, at most 1)", evidence.tau, Bound::AtLeast(thresholds.min_tau), "");
    test.value("growth", evidence.gain_mb, Bound::AtLeast(needed), counted.what);
    // Of nothing nothing can be given back.
    if evidence.gain_mb > 0.0 {
        let given_back = Bound::Below(100.0 * thresholds.max_given_back);
        test.value("of that given back again", 100.0 * evidence.given_back, given_back, "%");
    }
    test.fact("no single step made it", verdict != Verdict::Step);
    test.fact("it still rises in the second half", verdict == Verdict::Rising);
}

#[cfg(test)]
mod tests {
    use super::super::growth::shapes::{Heap, Random, heap};
    use super::*;

    /// Samples of a run.
    const N: usize = 120;

    #[test]
    fn a_verdict_on_a_growing_log_is_not_withdrawn_by_the_next_sample() {
        let thresholds = Thresholds { min_cycles: 20.0, min_gain_mb: 20.0, min_end_mb: 0.0, ..Thresholds::DEFAULT };
        let counted = Counted { points: "samples", time: "s", what: "goroutines" };
        let noisy = Heap { base_mb: 40.0, sigma_mb: 4.0 };
        let withdrawn = |rises: &dyn Fn(usize) -> bool| (21..=N).filter(|&n| rises(n - 1) && !rises(n)).count();
        let (mut of_rule, mut without_memory, mut n_told) = (0, 0, 0);
        for seed in 0..10 {
            let points = heap(&mut Random(seed), N, 100.0, noisy, |share| share);
            let told = |n: usize| growing(&points[..n], &thresholds, &counted, &mut Test::default()).is_some();
            let plain = |n: usize| {
                Evidence::of(&points[..n], &thresholds).is_some_and(|it| it.verdict(&thresholds) == Verdict::Rising)
            };
            of_rule += withdrawn(&told);
            without_memory += withdrawn(&plain);
            n_told += usize::from(told(N));
        }
        // Of 40 such leaks 38 are told in the end, 39 without memory: what was withdrawn takes higher odds.
        assert_eq!(n_told, 9, "leaks that are told in the end");
        assert!(3 * of_rule < without_memory, "{of_rule} withdrawals, {without_memory} without memory");
    }
}
