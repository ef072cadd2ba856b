//! ## What it looks for
//!
//! Live heap that jumped once and stayed there: the trend test of `live-heap-leak` passes, but one jump between
//! neighboring stretches of the run makes at least 80 % of all that the floors rise from the first one on, most of it
//! within two of them, and afterwards the heap does not rise on. Not reported beside `live-heap-leak`.
//!
//! ## Why it matters
//!
//! Something was loaded or connected at that moment and is kept. That is often right (a configuration, a model, a first
//! wave of users), but every cycle now marks it, and the peak of the heap has risen by more than the jump: with GOGC at
//! 100 by twice as much.
//!
//! ## What to do next
//!
//! Look at what was deployed, loaded or connected at that time. If it should have been dropped, compare heap profiles
//! from before and after, here from now and from after the next step:
//!
//! ```sh
//! # two heap profiles, before and after, compared by what is in use
//! curl -so h1.pb.gz http://HOST/debug/pprof/heap && sleep 300 && curl -so h2.pb.gz http://HOST/debug/pprof/heap
//! go tool pprof -sample_index=inuse_space -diff_base h1.pb.gz h2.pb.gz
//! ```
//!
//! ## Limits
//!
//! As `live-heap-leak`: 40 cycles, 30 s, Go 1.5 or later. A jump near the beginning or the
//! end of the run (the first quarter, the last fifth) is not seen.
//!
//! ## Example
//!
//! ```text
//! gc 5 @2.891s 0%: 0.042+8.1+0.004 ms clock, 0.084+0.057/8.0/2.9+0.008 ms cpu, 48->50->48 MB, 52 MB goal, 0 MB stacks, 0 MB globals, 4 P
//! gc 6 @5.404s 0%: 0.079+8.2+0.004 ms clock, 0.15+0/8.2/7.8+0.009 ms cpu, 91->91->87 MB, 97 MB goal, 0 MB stacks, 0 MB globals, 4 P
//! gc 7 @18.230s 0%: 0.10+5.8+0.004 ms clock, 0.20+0/5.8/7.1+0.008 ms cpu, 166->166->87 MB, 174 MB goal, 0 MB stacks, 0 MB globals, 4 P
//! ```

use tracelog::catalog::gc;

use super::evidence::{Confidence, Test};
use super::growth::replay::{self, Standing};
use super::growth::{self, Series, Thresholds, Verdict};
use super::{Check, Finding, Findings, Kind, Limits, Place, Rule, Severity};
use crate::view::RunView;
use crate::words::{rough, rough_span};

/// GC103.
pub(crate) static RULE: Rule = Rule {
    code: "GC103",
    slug: "live-heap-step",
    title: "Live heap jumped once and stayed there",
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
    let step = replay::standing(points, &thresholds, Verdict::Step);
    let Some(Standing { evidence, thresholds, .. }) = step else { return };
    let (Some(jump), Some(idx)) = (evidence.jump, evidence.jump_point(points)) else { return };
    evidence.test_step(&thresholds, &mut test);
    let (before_mb, after_mb) = jump.levels_mb;
    let at_s = points[idx].0;
    let mut numbers = vec![("before_mb", before_mb), ("after_mb", after_mb), ("at_s", at_s)];
    numbers.extend(evidence.numbers());
    out.push(Finding {
        severity: Severity::Info,
        run: Some(run.run),
        place: Place { line: series.line(cycles, idx), field: Some(gc::HEAP_LIVE_MB) },
        message: format!(
            "Live heap stepped from {} to {} MB around {} and stayed.",
            rough(before_mb),
            rough(after_mb),
            rough_span(at_s)
        ),
        related: series.landmarks(cycles, evidence.first, gc::HEAP_LIVE_MB),
        count: evidence.n_cycles,
        numbers,
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

    fn step(n: usize, place: f64, to_mb: f64) -> RunView {
        run(&cycles(n, 100.0, |share| if share < place { 40.0 } else { to_mb }))
    }

    #[test]
    fn reports_a_step_at_its_place() {
        check(
            &RULE,
            &step(200, 0.5, 70.0),
            expect![[r#"
                101 Info GC103: Live heap stepped from 40 to 70 MB around 50 s and stayed.
                  31 first used: 40 MB at 15.1 s
                  101 highest: 70 MB at 50.3 s
                  200 last used: 70 MB at 100.0 s
            "#]],
        );
    }

    #[test]
    fn single_high_cycles_do_not_move_the_place() {
        let mut points = cycles(200, 100.0, |share| if share < 0.5 { 40.0 } else { 70.0 });
        for idx in [90, 93, 96, 98] {
            points[idx].1 = 80.0;
        }
        check(
            &RULE,
            &run(&points),
            expect![[r#"
                101 Info GC103: Live heap stepped from 40 to 70 MB around 50 s and stayed.
                  31 first used: 40 MB at 15.1 s
                  91 highest: 80 MB at 45.2 s
                  200 last used: 70 MB at 100.0 s
            "#]],
        );
    }

    #[test]
    fn reports_a_late_step_that_a_trend_test_takes_for_a_leak() {
        check(
            &RULE,
            &step(200, 0.75, 70.0),
            expect![[r#"
                151 Info GC103: Live heap stepped from 40 to 70 MB around 75 s and stayed.
                  31 first used: 40 MB at 15.1 s
                  151 highest: 70 MB at 75.4 s
                  200 last used: 70 MB at 100.0 s
            "#]],
        );
    }

    #[test]
    fn silent_below_a_tenth_of_the_base() {
        check(&RULE, &step(200, 0.5, 43.0), expect![[""]]);
    }

    #[test]
    fn silent_about_a_ramp_that_ended() {
        let ramp = cycles(200, 100.0, |share| 40.0 + 100.0 * ((share - 0.4) / 0.2).clamp(0.0, 1.0));
        check(&RULE, &run(&ramp), expect![[""]]);
    }

    #[test]
    fn silent_about_a_cache_that_filled_along_a_line() {
        // The first fifth of the floors lies on the ramp: what is left of it is no jump.
        for full in [0.3, 0.34, 0.4] {
            let filled = cycles(200, 100.0, |share| 32.0 * (share / full).min(1.0));
            check(&RULE, &run(&filled), expect![[""]]);
        }
    }

    #[test]
    fn silent_about_a_step_that_rises_on() {
        let steps = cycles(200, 100.0, |share| if share < 0.4 { 40.0 } else { 100.0 + 25.0 * (share - 0.4) });
        check(&RULE, &run(&steps), expect![[""]]);
    }

    #[test]
    fn silent_when_it_was_given_back() {
        let batch = cycles(200, 100.0, |share| if (0.4..0.8).contains(&share) { 70.0 } else { 40.0 });
        check(&RULE, &run(&batch), expect![[""]]);
    }

    #[test]
    fn silent_with_too_few_cycles_and_without_times() {
        check(&RULE, &step(39, 0.5, 70.0), expect![[""]]);
        let mut old = step(200, 0.5, 70.0);
        old.cycles.at_s.fill(f64::NAN);
        check(&RULE, &old, expect![[""]]);
    }
}
