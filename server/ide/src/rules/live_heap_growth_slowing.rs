//! ## What it looks for
//!
//! Live heap that still rises at the end of the run, but slower than at the beginning, down to a fifth of the pace, and
//! that is no leak by the test of `live-heap-leak`. Trend, gain and what was given back are those of that test; instead
//! of the two stories the second half needs tau ≥ 0.30.
//!
//! ## Why it matters
//!
//! A cache that fills looks like this, and so does a leak whose cause gets rarer. The log is too short to tell them
//! apart.
//!
//! ## What to do next
//!
//! 1. Let the program run two or three times longer and look again: a cache levels off.
//! 2. Give the cache a limit if it has none. Growth that slows down without an end, as in a table of all names ever
//!    seen, still ends at the memory limit.
//!
//! ## Limits
//!
//! As `live-heap-leak`: 40 cycles, 30 s, Go 1.5 or later. A cache that fills up early in the run is past this state and
//! is not reported.
//!
//! ## Example
//!
//! ```text
//! gc 150 @4.249s 6%: 0.80+4.1+0.003 ms clock, 1.6+0.11/0.42/0+0.006 ms cpu, 17->17->8 MB, 18 MB goal, 0 MB stacks, 0 MB globals, 2 P
//! gc 250 @16.430s 3%: 0.12+15+0.003 ms clock, 0.24+0.089/7.9/0.94+0.006 ms cpu, 58->60->32 MB, 63 MB goal, 0 MB stacks, 0 MB globals, 2 P
//! gc 400 @51.289s 2%: 0.35+7.7+0.003 ms clock, 0.71+0.75/3.6/2.8+0.007 ms cpu, 73->74->38 MB, 79 MB goal, 0 MB stacks, 0 MB globals, 2 P
//! ```

use tracelog::catalog::gc;

use super::evidence::{Confidence, Test};
use super::growth::replay::{self, Standing};
use super::growth::{self, Series, Thresholds, Verdict};
use super::{Check, Finding, Findings, Kind, Limits, Place, Rule, Severity};
use crate::view::RunView;
use crate::words::{rough, rough_span};

/// GC102.
pub(crate) static RULE: Rule = Rule {
    code: "GC102",
    slug: "live-heap-growth-slowing",
    title: "Live heap still rises, but ever slower",
    severity: Severity::Info,
    kind: Kind::Trend,
    reads: &[gc::HEAP_LIVE_MB, gc::HEAP_AFTER_MB, gc::HEAP_PREV_LIVE_MB],
    limits: &growth::trend_limits(),
    check: Check::Run(check),
};

fn check(run: &RunView, limits: &Limits, out: &mut Findings) {
    let cycles = &run.cycles;
    let series = Series::live_heap(run);
    let points = &series.points[..];
    let thresholds = Thresholds::of(limits);
    let mut test = Test::default();
    if !series.is_enough(&thresholds, &mut test) {
        return out.declined(&RULE, Some(run.run), test);
    }
    if replay::live_heap_rising(run, &thresholds).is_some() {
        return;
    }
    let slowing = replay::standing(points, &thresholds, Verdict::Slowing);
    let Some(Standing { evidence, since, thresholds }) = slowing else { return };
    evidence.test_slowing(&thresholds, &mut test);
    let [early, late] = [evidence.early_mb_per_s, evidence.late_mb_per_s].map(|slope| rough(3600.0 * slope));
    let (base, end, apart) = (rough(evidence.base_mb), rough(evidence.end_mb), rough_span(evidence.apart_s));
    let released = growth::released(&evidence, points);
    out.push(Finding {
        severity: Severity::Info,
        run: Some(run.run),
        place: Place { line: series.line(cycles, since), field: Some(gc::HEAP_LIVE_MB) },
        message: format!(
            "Live heap still rising but slowing: {early} → {late} MB/h, {base}→{end} MB over {apart}, {released}; \
             typical of a cache that is filling."
        ),
        related: series.landmarks(cycles, evidence.first, gc::HEAP_LIVE_MB),
        count: evidence.n_cycles,
        numbers: evidence.numbers(),
        test,
        confidence: Some(Confidence::Moderate),
        ..Finding::about(&RULE)
    });
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::super::growth::shapes::{check, cycles, run};
    use super::*;

    /// A fill that would take `tau` runs to come within a third of full.
    fn fill(n: usize, tau: f64) -> RunView {
        run(&cycles(n, 100.0, |share| 20.0 + 80.0 * (1.0 - (-share / tau).exp())))
    }

    #[test]
    fn reports_a_cache_that_still_fills() {
        check(
            &RULE,
            &fill(200, 0.4),
            expect![[r#"
                61 Info GC102: Live heap still rising but slowing: 2999 → 1017 MB/h, 55→91 MB over 67 s, no release seen in 100 s; typical of a cache that is filling.
                  31 first used: 45 MB at 15.1 s
                  195 highest: 93 MB at 97.5 s
                  200 last used: 93 MB at 100.0 s
            "#]],
        );
    }

    #[test]
    fn silent_when_the_second_half_is_fast_enough_for_a_leak() {
        check(&RULE, &fill(200, 2.0), expect![[""]]);
    }

    #[test]
    fn silent_when_the_cache_is_full() {
        check(&RULE, &fill(200, 0.15), expect![[""]]);
    }

    #[test]
    fn silent_with_too_few_cycles() {
        check(&RULE, &fill(39, 0.4), expect![[""]]);
    }

    #[test]
    fn silent_without_times() {
        let mut run = fill(200, 0.4);
        run.cycles.at_s.fill(f64::NAN);
        check(&RULE, &run, expect![[""]]);
    }
}
