//! ## What it looks for
//!
//! The `MB stacks` of a `gc` line that keep growing. Runs of 40 cycles or more go through the trend test of
//! `live-heap-leak`, runs of 10 to 39 through that of `live-heap-compounding` (with 2 MB at the end instead of 8). The
//! gain must be at least 1 MB and half of where it began; for Go 1.18 and 1.19, 3 MB. What the test for few cycles said
//! is kept up to 58 cycles, unless the other one says that it is over.
//!
//! ## Why it matters
//!
//! Stack bytes follow the number (and the depth) of live goroutines, so a goroutine leak shows in gctrace alone. A
//! leaked goroutine keeps everything alive that its stack points to, and every cycle scans it.
//!
//! ## What to do next
//!
//! Save the goroutines and open the file here: large groups that wait at the same place are the leak.
//!
//! ```sh
//! # all goroutines with their stacks; open the file here
//! curl -so goroutines.txt 'http://HOST/debug/pprof/goroutine?debug=2'
//! ```
//!
//! With Go 1.27 (1.26 with GOEXPERIMENT=goroutineleakprofile) ask for proven leaks:
//!
//! ```sh
//! # goroutines that nothing can wake anymore (Go 1.27)
//! curl -so leaked.txt 'http://HOST/debug/pprof/goroutineleak?debug=2'
//! ```
//!
//! ## Limits
//!
//! Go prints stacks since 1.18. To 1.19 the number is allocated stack space, 2.1 to 2.3 KB per blocked goroutine; since
//! 1.20 it is bytes in use: 256 B for one blocked on a channel, 0.5 KB in a select with a timer, 1.0 to 1.3 KB for a
//! net/http connection, some KB for deep stacks. The estimate of goroutines is no better than that. Fewer than some
//! thousand goroutines are not visible in whole megabytes. More connections grow stacks too: growth that follows the
//! allocation rate is reported as Info.
//!
//! ## Example
//!
//! ```text
//! gc 35 @61.480s 0%: 6.4+20+0.004 ms clock, 12+0/20/37+0.008 ms cpu, 24->24->12 MB, 25 MB goal, 2 MB stacks, 0 MB globals, 4 P
//! gc 36 @67.278s 0%: 1.0+9.7+0.004 ms clock, 2.0+0/9.2/26+0.008 ms cpu, 26->26->13 MB, 27 MB goal, 2 MB stacks, 0 MB globals, 4 P
//! ```

use tracelog::GoReleases;
use tracelog::catalog::gc;

use super::evidence::{Bound, Confidence, Test};
use super::growth::pace::{self, Pace};
use super::growth::{self, Series, Verdict, replay};
use super::{Check, Finding, Findings, Kind, Limits, Place, Rule, Severity, limit};
use crate::view::RunView;
use crate::words::{rough, rough_span};

/// GC104.
pub(crate) static RULE: Rule = Rule {
    code: "GC104",
    slug: "goroutine-stack-growth",
    title: "Goroutine stacks keep growing",
    severity: Severity::Warning,
    kind: Kind::Trend,
    reads: &[gc::STACKS_MB],
    limits: &[
        limit("min_gain_mb", 1.0, "MB", "Smaller growth is not reported; Go 1.20 and later."),
        limit("min_gain_old_mb", 3.0, "MB", "Smaller growth is not reported; Go 1.18 and 1.19."),
        limit("min_gain_share", 0.50, "of the base", "Growth below this share of its base is not reported."),
    ],
    check: Check::Run(check),
};

/// Releases whose `MB stacks` is the space allocated for stacks; later ones print the bytes in use.
const PRINTS_ALLOCATED: GoReleases = GoReleases::range(18, 19);

/// Stack bytes of one goroutine: allocated to 1.19, then in use, for small and for usual blocked ones.
const ALLOCATED_BYTES: f64 = 2200.0;
const IN_USE_BYTES: (f64, f64) = (256.0, 1300.0);

/// Last value that the test for few cycles asks for, MB.
const MIN_END_MB: f64 = 2.0;

/// Growth of the stacks, as either of the two tests shows it.
struct Growth {
    from_mb: f64,
    to_mb: f64,
    over_s: f64,
    /// First point used, and the point at which the evidence was sufficient.
    first: usize,
    since: usize,
    follows_load: bool,
    numbers: Vec<(&'static str, f64)>,
    test: Test,
    confidence: Confidence,
}

fn check(run: &RunView, limits: &Limits, out: &mut Findings) {
    let cycles = &run.cycles;
    let series = Series::of(cycles, |row| cycles.stacks_mb.get(row).copied().unwrap_or(f64::NAN));
    if series.points.is_empty() {
        // Releases before 1.18 print no stacks: there is nothing to decline.
        return;
    }
    let has_few = (series.points.len() as f64) < growth::Thresholds::DEFAULT.min_cycles;
    let growth = if has_few {
        by_pace(run, limits, &series)
    } else {
        // What was reported does not go because the cycle came from which on another test decides.
        by_trend(run, limits, &series).or_else(|why_not| by_pace(run, limits, &series).map_err(|_| why_not))
    };
    let growth = match growth {
        Ok(growth) => growth,
        Err(test) => {
            if !test.holds() {
                out.declined(&RULE, Some(run.run), test);
            }
            return;
        }
    };
    let gain_mb = growth.to_mb - growth.from_mb;
    let mut numbers = vec![("from_mb", growth.from_mb), ("to_mb", growth.to_mb)];
    numbers.extend(growth.numbers);
    out.push(Finding {
        severity: if growth.follows_load { Severity::Info } else { Severity::Warning },
        run: Some(run.run),
        place: Place { line: series.line(cycles, growth.since), field: Some(gc::STACKS_MB) },
        message: format!(
            "Goroutine stacks keep growing: {}→{} MB over {}, {} goroutines more, or deeper recursion{}.",
            rough(growth.from_mb),
            rough(growth.to_mb),
            rough_span(growth.over_s),
            goroutines(run, gain_mb),
            if growth.follows_load { "; the allocation rate rose as much" } else { "" },
        ),
        related: series.landmarks(cycles, growth.first, gc::STACKS_MB),
        count: series.points.len() - growth.first,
        numbers,
        test: growth.test,
        confidence: Some(growth.confidence),
        ..Finding::about(&RULE)
    });
}

/// Runs long enough for window floors; or why not.
fn by_trend(run: &RunView, limits: &Limits, series: &Series) -> Result<Growth, Test> {
    let thresholds = growth::Thresholds {
        min_gain_mb: min_gain_mb(run, limits),
        min_gain_share: limits.get("min_gain_share"),
        min_end_mb: 0.0,
        ..growth::Thresholds::DEFAULT
    };
    let mut test = Test::default();
    if !series.is_enough(&thresholds, &mut test) {
        return Err(test);
    }
    let Some(standing) = replay::standing(&series.points, &thresholds, Verdict::Rising) else {
        replay::why_not_rising(&series.points, &thresholds, &mut test);
        return Err(test);
    };
    let replay::Standing { evidence, since, thresholds } = standing;
    evidence.test_rising(&thresholds, &mut test);
    Ok(Growth {
        from_mb: evidence.base_mb,
        to_mb: evidence.end_mb,
        over_s: evidence.apart_s,
        first: evidence.first,
        since,
        follows_load: evidence.moves_with_load(series, &run.cycles),
        numbers: evidence.numbers(),
        test,
        confidence: evidence.confidence(),
    })
}

/// Runs with fewer cycles, where almost everything survives; or why not.
fn by_pace(run: &RunView, limits: &Limits, series: &Series) -> Result<Growth, Test> {
    let thresholds = pace::Thresholds { min_end_mb: MIN_END_MB, ..pace::Thresholds::DEFAULT };
    let (min_gain_mb, min_gain_share) = (min_gain_mb(run, limits), limits.get("min_gain_share"));
    let gain_mb = |pace: &Pace| pace.end_mb - pace.start_mb;
    let needed_mb = |pace: &Pace| min_gain_mb.max(min_gain_share * pace.start_mb);
    let is_large = |pace: &Pace| gain_mb(pace) >= needed_mb(pace);
    let ask = |pace: &Pace, test: &mut Test| {
        test.value("growth of the stacks", gain_mb(pace), Bound::AtLeast(needed_mb(pace)), "MB");
    };
    let Some(standing) = pace::standing(&series.points, &thresholds, run.last_seen_s, is_large) else {
        let (mut test, pace) = (Test::default(), Pace::of(&series.points));
        pace.test(&thresholds, run.last_seen_s, &mut test);
        ask(&pace, &mut test);
        return Err(test);
    };
    let pace::Standing { pace, since, mut test } = standing;
    ask(&pace, &mut test);
    Ok(Growth {
        from_mb: pace.start_mb,
        to_mb: pace.end_mb,
        over_s: pace.span_s,
        first: 0,
        since,
        follows_load: false,
        numbers: pace.numbers(),
        test,
        confidence: Confidence::Moderate,
    })
}

fn min_gain_mb(run: &RunView, limits: &Limits) -> f64 {
    let is_old = run.go.is_some_and(|go| !go.is_empty() && PRINTS_ALLOCATED.contains_all(go));
    limits.get(if is_old { "min_gain_old_mb" } else { "min_gain_mb" })
}

/// How many goroutines a gain of stacks may be. Where the release is not known, the range spans both meanings.
fn goroutines(run: &RunView, gain_mb: f64) -> String {
    let go = run.go.unwrap_or(GoReleases::ALL);
    let can_be_old = !go.intersection(PRINTS_ALLOCATED).is_empty();
    let can_be_new = !PRINTS_ALLOCATED.contains_all(go);
    let number = |bytes: f64| about(gain_mb * f64::from(1 << 20) / bytes);
    match (can_be_old, can_be_new) {
        (true, false) => format!("about {}", number(ALLOCATED_BYTES)),
        (true, true) => format!("about {}–{}", number(ALLOCATED_BYTES), number(IN_USE_BYTES.0)),
        (false, _) => format!("about {}–{}", number(IN_USE_BYTES.1), number(IN_USE_BYTES.0)),
    }
}

/// A count with two significant digits: more would be a lie.
fn about(count: f64) -> String {
    let unit = 10f64.powf(count.max(1.0).log10().floor() - 1.0).max(1.0);
    format!("{:.0}", (count / unit).round() * unit)
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::super::growth::shapes::{self, check, cycles, run};
    use super::*;

    /// A run whose stacks are the given series, of releases `1.first` to `1.last`.
    fn stacks(points: &[(f64, f64)], first: u8, last: u8) -> RunView {
        let mut run = run(points);
        run.cycles.stacks_mb = points.iter().map(|&(_, value)| value.floor()).collect();
        run.cycles.heap_live_mb = vec![20.0; points.len()];
        run.go = Some(GoReleases::range(first, last));
        run
    }

    /// A few cycles, each later than the one before.
    fn few(rise_mb: f64) -> Vec<(f64, f64)> {
        (0..20u8).map(f64::from).map(|idx| (5.0 + 0.25 * idx * idx, rise_mb * idx * idx / 361.0)).collect()
    }

    #[test]
    fn counts_have_two_digits() {
        assert_eq!([0.0, 7.2, 31.4, 1468.6, 39_999.0].map(about), ["0", "7", "31", "1500", "40000"]);
    }

    #[test]
    fn reports_growth_by_trend() {
        check(
            &RULE,
            &stacks(&cycles(200, 100.0, |share| 12.0 * share), 20, 27),
            expect![[r#"
                61 Warning GC104: Goroutine stacks keep growing: 2→10 MB over 67 s, about 6500–33000 goroutines more, or deeper recursion.
                  31 first used: 1 MB at 15.1 s
                  200 last used: 12 MB at 100.0 s
            "#]],
        );
    }

    #[test]
    fn reports_growth_in_few_cycles() {
        check(
            &RULE,
            &stacks(&few(30.0), 20, 27),
            expect![[r#"
                17 Warning GC104: Goroutine stacks keep growing: 0→30 MB over 90 s, about 24000–120000 goroutines more, or deeper recursion.
                  1 first used: 0 MB at 5.0 s
                  20 last used: 30 MB at 95.2 s
            "#]],
        );
    }

    #[test]
    fn the_number_of_goroutines_depends_on_the_release() {
        check(
            &RULE,
            &stacks(&few(30.0), 18, 19),
            expect![[r#"
                17 Warning GC104: Goroutine stacks keep growing: 0→30 MB over 90 s, about 14000 goroutines more, or deeper recursion.
                  1 first used: 0 MB at 5.0 s
                  20 last used: 30 MB at 95.2 s
            "#]],
        );
        check(
            &RULE,
            &stacks(&few(30.0), 18, 27),
            expect![[r#"
                17 Warning GC104: Goroutine stacks keep growing: 0→30 MB over 90 s, about 14000–120000 goroutines more, or deeper recursion.
                  1 first used: 0 MB at 5.0 s
                  20 last used: 30 MB at 95.2 s
            "#]],
        );
    }

    #[test]
    fn releases_that_print_allocated_space_need_more() {
        assert_ne!(shapes::said(&RULE, &stacks(&few(2.5), 20, 27), None), "");
        check(&RULE, &stacks(&few(2.5), 18, 19), expect![[""]]);
    }

    #[test]
    fn silent_just_below_half_of_the_base() {
        let growth = |gain: f64| cycles(200, 100.0, move |share| 40.0 + gain * share);
        assert_ne!(shapes::said(&RULE, &stacks(&growth(38.0), 20, 27), None), "");
        check(&RULE, &stacks(&growth(22.0), 20, 27), expect![[""]]);
    }

    #[test]
    fn silent_with_too_few_cycles() {
        check(&RULE, &stacks(&few(30.0)[11..], 20, 27), expect![[""]]);
    }

    #[test]
    fn silent_before_go_1_18_which_prints_no_stacks() {
        check(&RULE, &run(&cycles(200, 100.0, |share| 20.0 + 40.0 * share)), expect![[""]]);
    }

    #[test]
    fn silent_about_a_pool_that_filled() {
        check(&RULE, &stacks(&cycles(200, 100.0, |share| 12.0 * (share / 0.4).min(1.0)), 20, 27), expect![[""]]);
        let filled: Vec<(f64, f64)> = few(30.0).into_iter().map(|(at_s, value)| (at_s, value.min(6.0))).collect();
        check(&RULE, &stacks(&filled, 20, 27), expect![[""]]);
    }

    #[test]
    fn silent_once_the_next_cycle_is_overdue() {
        let mut stopped = stacks(&few(30.0), 20, 27);
        stopped.last_seen_s = Some(900.0);
        check(&RULE, &stopped, expect![[""]]);
    }

    #[test]
    fn is_info_when_the_load_rises_as_much() {
        let mut busier = stacks(&cycles(200, 100.0, |share| 8.0 + 16.0 * share), 20, 27);
        for series in [&mut busier.cycles.sweep_term_ms, &mut busier.cycles.mark_ms, &mut busier.cycles.mark_term_ms] {
            *series = vec![1.0; 200];
        }
        // What each half second allocates: from 80 to 400 MB while the stacks grow from 8 to 24, and the same all the time.
        let rising = busier.cycles.stacks_mb.iter().map(|stacks| 20.0 + 20.0 * (stacks - 4.0)).collect();
        for (heap_mb, expected) in [
            (rising, "Info GC104: Goroutine stacks keep growing: 11→22 MB over 67 s"),
            (vec![220.0; 200], "Warning GC104: Goroutine stacks keep growing: 11→22 MB over 67 s"),
        ] {
            busier.cycles.heap_start_mb = heap_mb;
            busier.cycles.heap_end_mb = busier.cycles.heap_start_mb.clone();
            let said = shapes::said(&RULE, &busier, None);
            assert!(said.contains(expected), "{said}");
            assert_eq!(said.contains("; the allocation rate rose as much."), expected.starts_with("Info"), "{said}");
        }
    }
}
