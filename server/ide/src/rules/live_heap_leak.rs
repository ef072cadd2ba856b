//! ## What it looks for
//!
//! Live heap that rises to the end of the run: what is left after each collection, without what was allocated while it
//! ran. The first 15 % of the run are warm-up. The rest is cut into 8 to 24 windows, and the mean of what lies between
//! the lowest tenth and the median of each is its floor. Where the heap goes up and down in a beat (batches, caches that
//! are flushed) and a window would hold less than two of six or more such swings, each swing has one floor instead. The
//! floors must show a trend (Mann-Kendall p < 0.01 and tau ≥ 0.40), a gain of at least 2 MB, 10 % of where they began and
//! twice their noise, 8 MB at the end, and no moment at which 35 % of the gain had come back.
//!
//! A cache that filled shows all that too. So two stories are held against the floors, each in the forms in which it
//! occurs: growth that goes on (along a line, from the beginning or from some time on) and a level that was reached (at
//! once, along a line, as a cache fills). The likelihood of a story is the mean over its forms and over noise of
//! several correlations, so that what the heap wanders by is not taken for a bend. The odds of growth against a level
//! must be 1.7 to 1. Where the second half rises at less than 0.6 of the pace of the first, they must be higher, 4.5 to
//! 1 at 0.47 of it and 27 to 1 at 0.3, below which growth does not go on: a cache that fills passes each of the two by
//! chance more often than both.
//!
//! A verdict stands until its test clearly fails: p above 0.05, tau below 0.25, 0.7 of the gain, half of it given back,
//! a second half at less than 0.25 of the pace, odds below 0.85 to 1 (below 0.6 of the pace higher ones), or odds that fell
//! to a thirtieth. Both it and its opposite are looked for when the run has become a thirty-sixth longer, a sixteenth from
//! 1,000 cycles on; in between only odds below 0.5 to 1 or one of the others withdraws it. Each time it was withdrawn it
//! takes odds half as high again to raise it, up to eight times. Then the summary says since when it rises no longer.
//!
//! It is a warning: without a limit no size of the gain proves anything. It is an error where the live heap reaches a known
//! limit (the setting `memoryLimit`, or the one that the goals tell) within a day, and Info where the allocation rate rose
//! at least as much, so that more load explains it.
//!
//! ## Why it matters
//!
//! Memory that survives every collection and keeps growing ends at the memory limit of the machine or the container.
//! Until then every cycle costs more, as the collector marks all of it each time.
//!
//! ## What to do next
//!
//! Take two heap profiles some minutes apart and compare what is in use:
//!
//! ```sh
//! # two heap profiles five minutes apart, compared by what is in use
//! curl -so h1.pb.gz http://HOST/debug/pprof/heap && sleep 300 && curl -so h2.pb.gz http://HOST/debug/pprof/heap
//! go tool pprof -sample_index=inuse_space -diff_base h1.pb.gz h2.pb.gz
//! ```
//!
//! If `goroutine-stack-growth` is reported too, look at the goroutines first: what they hold grows with them.
//!
//! ```sh
//! # all goroutines with their stacks; open the file here
//! curl -so goroutines.txt 'http://HOST/debug/pprof/goroutine?debug=2'
//! ```
//!
//! Check maps and caches without eviction, tickers that are not stopped, `defer` in loops, small slices of large arrays,
//! contexts that are never cancelled.
//!
//! ## Limits
//!
//! Needs 40 cycles and 30 s, and the times that Go prints since 1.5. A log shows that memory stays, not that nobody
//! needs it: a table that is meant to grow, or a store that is flushed every two hours, looks the same until the
//! release. While a cache fills it grows, and is called growing so far. Growth that follows the allocation rate is
//! reported as Info, since more load explains it. Leaks that are small beside the noise are missed. Error only when a
//! known memory limit is reached within 24 hours at the present pace: one that was set, or the one that the goals of
//! the run show.
//!
//! How often it is right was measured on synthetic heaps of 60 to 600 cycles (2,000 runs a figure, `server/eval`), each
//! figure with little noise on 100 MB, on a heap of 8 MB, and with noise of 14 %. Called a leak: flat 0.1, 0.1 and 1.4
//! %; a cache with a time constant of 12 % of the run 0, 2.2 and 9.3 %, of 25 % 0.3, 5.0 and 11 %; one step 0, 0.1 and
//! 1.1 %; a ramp that ends 0, 0.4 and 3.8 %; sawtooth and daily curve less than 0.2 %. Growth that is found: by a fifth
//! 75, 2.8 and 12 %; by half 99, 73 and 46 %; threefold 100, 100 and 97 %; in the last 40 % of the run 99, 95 and 92 %;
//! in stairs 100, 97 and 82 %; logarithmic, with `live-heap-growth-slowing`, 75, 8.8 and 15 %.
//!
//! ## Example
//!
//! ```text
//! gc 81 @12.022s 2%: 0.85+11+0.003 ms clock, 1.7+0.17/4.8/9.6+0.006 ms cpu, 50->51->29 MB, 59 MB goal, 0 MB stacks, 0 MB globals, 2 P
//! gc 363 @89.687s 1%: 0.12+7.4+0.004 ms clock, 0.24+2.0/2.0/7.2+0.008 ms cpu, 131->132->67 MB, 135 MB goal, 0 MB stacks, 0 MB globals, 2 P
//! ```

use tracelog::catalog::gc;

use super::evidence::Test;
use super::growth::replay::{self, Standing};
use super::growth::{self, Ceiling, Evidence, Series, Thresholds};
use super::{Check, Finding, Findings, Kind, Limits, Place, Rule, Severity};
use crate::derived::{effective_gogc_pct, goal_is_lifted};
use crate::stats::median;
use crate::view::{Cycles, RunView};
use crate::words::{rough, rough_span};

/// GC101.
pub(crate) static RULE: Rule = Rule {
    code: "GC101",
    slug: "live-heap-leak",
    title: "Live heap keeps rising",
    severity: Severity::Error,
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
        out.declined(&RULE, Some(run.run), test);
        return;
    }
    let rising = replay::live_heap_rising(run, &thresholds);
    let Some(Standing { evidence, since, thresholds }) = rising else {
        replay::why_not_rising(points, &thresholds, &mut test);
        out.declined(&RULE, Some(run.run), test);
        return;
    };
    evidence.test_rising(&thresholds, &mut test);

    let ceiling = Ceiling::of(run, limits, evidence.end_mb, evidence.late_mb_per_s);
    let follows_load = evidence.moves_with_load(series, cycles);
    if follows_load {
        test.fact("the allocation rate rose as much: more load explains it", true);
    }
    let mut numbers = evidence.numbers();
    numbers.extend(ceiling.map(|ceiling| ("to_limit_s", ceiling.left_s)));
    numbers.extend(heap_peak(cycles, evidence.end_mb));
    out.push(Finding {
        severity: if follows_load { Severity::Info } else { growth::severity(ceiling) },
        run: Some(run.run),
        place: Place { line: series.line(cycles, since), field: Some(gc::HEAP_LIVE_MB) },
        message: message(&evidence, points, ceiling.map(Ceiling::in_words), follows_load),
        related: series.landmarks(cycles, evidence.first, gc::HEAP_LIVE_MB),
        count: evidence.n_cycles,
        numbers,
        test,
        confidence: Some(evidence.confidence()),
        ..Finding::about(&RULE)
    });
}

/// How high the heap grows above that much of live heap, by the goals at the end of the run: live × (1 + GOGC/100).
pub(super) fn heap_peak(cycles: &Cycles, live_mb: f64) -> Option<(&'static str, f64)> {
    const LAST: usize = 31;
    let last = cycles.len().saturating_sub(LAST)..cycles.len();
    let told: Vec<f64> =
        last.filter(|row| !goal_is_lifted(cycles, *row)).map(|row| effective_gogc_pct(cycles, row)).collect();
    median(&told).map(|gogc_pct| ("heap_peak_mb", live_mb * (1.0 + gogc_pct / 100.0)))
}

fn message(evidence: &Evidence, points: &[(f64, f64)], limit: Option<String>, follows_load: bool) -> String {
    let (base, end) = (rough(evidence.base_mb), rough(evidence.end_mb));
    let rate = rough(3600.0 * (evidence.end_mb - evidence.base_mb) / evidence.apart_s);
    let (apart, confidence) = (rough_span(evidence.apart_s), evidence.confidence().name());
    let released = growth::released(evidence, points);
    let ending = match limit {
        _ if follows_load => format!("{released}; the allocation rate rose as much"),
        Some(limit) => format!("{released}, {limit}"),
        None => format!("so far {released}"),
    };
    format!(
        "Live heap keeps rising: {base}→{end} MB over {apart} ({rate} MB/h, {confidence} evidence); still rising in the \
         second half, {ending}."
    )
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::super::growth::shapes::{self, Heap, Random, check, cycles, run};
    use super::*;
    use crate::rules::fixture::{GcLine, gc_lines, view, why_not};

    #[test]
    fn reports_a_linear_leak_where_it_became_plain() {
        let leak = run(&cycles(200, 100.0, |share| 20.0 + 40.0 * share));
        check(
            &RULE,
            &leak,
            expect![[r#"
                61 Warning GC101: Live heap keeps rising: 29→56 MB over 67 s (1428 MB/h, strong evidence); still rising in the second half, so far no release seen in 100 s.
                  31 first used: 26 MB at 15.1 s
                  200 last used: 60 MB at 100.0 s
            "#]],
        );
    }

    #[test]
    fn says_what_data_are_missing() {
        let log = gc_lines(12, |idx| GcLine { n: idx + 1, at_s: idx as f64, ..GcLine::default() });
        expect![[r#"
            ✗ cycles: 12 (≥ 40 needed)
            ✗ time: 11 s (≥ 30 s needed)
        "#]]
        .assert_eq(&why_not(&RULE, &view(&log)));
    }

    #[test]
    fn is_an_error_when_a_known_limit_is_reached_within_a_day() {
        let leak = run(&cycles(200, 100.0, |share| 20.0 + 40.0 * share));
        shapes::check_with_limit(
            &RULE,
            &leak,
            4096.0,
            expect![[r#"
                61 Error GC101: Live heap keeps rising: 29→56 MB over 67 s (1428 MB/h, strong evidence); still rising in the second half, no release seen in 100 s, 4096 MB in 2.8 h.
                  31 first used: 26 MB at 15.1 s
                  200 last used: 60 MB at 100.0 s
            "#]],
        );
        shapes::check_with_limit(
            &RULE,
            &leak,
            1_000_000.0,
            expect![[r#"
                61 Warning GC101: Live heap keeps rising: 29→56 MB over 67 s (1428 MB/h, strong evidence); still rising in the second half, no release seen in 100 s, 1000000 MB in 29 d.
                  31 first used: 26 MB at 15.1 s
                  200 last used: 60 MB at 100.0 s
            "#]],
        );
        shapes::check_with_limit(
            &RULE,
            &leak,
            50.0,
            expect![[r#"
                61 Error GC101: Live heap keeps rising: 29→56 MB over 67 s (1428 MB/h, strong evidence); still rising in the second half, no release seen in 100 s, 50 MB are reached.
                  31 first used: 26 MB at 15.1 s
                  200 last used: 60 MB at 100.0 s
            "#]],
        );
    }

    #[test]
    fn is_info_when_the_load_rises_as_much() {
        let mut leak = run(&cycles(200, 100.0, |share| 20.0 + 40.0 * share));
        // What each half second allocates rises from 100 to 500 MB while the live heap rises from 20 to 60.
        leak.cycles.heap_start_mb = leak.cycles.heap_live_mb.iter().map(|live| live + 10.0 * (live - 10.0)).collect();
        for series in [&mut leak.cycles.sweep_term_ms, &mut leak.cycles.mark_ms, &mut leak.cycles.mark_term_ms] {
            *series = vec![1.0; 200];
        }
        leak.cycles.heap_end_mb = leak.cycles.heap_start_mb.clone();
        check(
            &RULE,
            &leak,
            expect![[r#"
                61 Info GC101: Live heap keeps rising: 29→56 MB over 67 s (1428 MB/h, strong evidence); still rising in the second half, no release seen in 100 s; the allocation rate rose as much.
                  31 first used: 26 MB at 15.1 s
                  200 last used: 60 MB at 100.0 s
            "#]],
        );
        // The same allocation all the time: a leak.
        leak.cycles.heap_start_mb = leak.cycles.heap_live_mb.iter().map(|live| 200.0 + live).collect();
        leak.cycles.heap_end_mb = leak.cycles.heap_start_mb.clone();
        check(
            &RULE,
            &leak,
            expect![[r#"
                61 Warning GC101: Live heap keeps rising: 29→56 MB over 67 s (1428 MB/h, strong evidence); still rising in the second half, so far no release seen in 100 s.
                  31 first used: 26 MB at 15.1 s
                  200 last used: 60 MB at 100.0 s
            "#]],
        );
    }

    #[test]
    fn silent_just_below_the_smallest_gain() {
        // The first and the last fifth of what follows the warm-up are 0.68 of the whole rise apart.
        assert_ne!(shapes::said(&RULE, &run(&cycles(200, 100.0, |share| 20.0 + 4.0 * share)), None), "");
        check(&RULE, &run(&cycles(200, 100.0, |share| 20.0 + 2.0 * share)), expect![[""]]);
        assert_ne!(shapes::said(&RULE, &run(&cycles(200, 100.0, |share| 100.0 + 17.0 * share)), None), "");
        check(&RULE, &run(&cycles(200, 100.0, |share| 100.0 + 14.0 * share)), expect![[""]]);
    }

    #[test]
    fn silent_when_the_run_is_short() {
        check(&RULE, &run(&cycles(39, 100.0, |share| 20.0 + 40.0 * share)), expect![[""]]);
        check(&RULE, &run(&cycles(200, 29.0, |share| 20.0 + 40.0 * share)), expect![[""]]);
    }

    #[test]
    fn silent_before_go_1_5_which_prints_no_times() {
        let mut old = run(&cycles(200, 100.0, |share| 20.0 + 40.0 * share));
        old.cycles.at_s.fill(f64::NAN);
        check(&RULE, &old, expect![[""]]);
    }

    #[test]
    fn silent_without_live_sizes() {
        let mut torn = run(&cycles(200, 100.0, |share| 20.0 + 40.0 * share));
        torn.cycles.heap_live_mb.fill(f64::NAN);
        check(&RULE, &torn, expect![[""]]);
        check(&RULE, &RunView::default(), expect![[""]]);
    }

    #[test]
    fn silent_about_what_looks_like_a_leak_and_is_none() {
        let traps: [shapes::Trap; 7] = [
            ("cache fill", |share| 20.0 + 80.0 * (1.0 - (-share / 0.2).exp())),
            ("step", |share| if share < 0.6 { 40.0 } else { 80.0 }),
            ("sawtooth", |share| 20.0 + 60.0 * (5.5 * share).fract()),
            ("ramp, then flat", |share| 20.0 + 60.0 * (share / 0.5).min(1.0)),
            ("ramp to a late end", |share| 20.0 + 60.0 * (share / 0.8).min(1.0)),
            ("up and down", |share| 20.0 + 60.0 * (1.0 - (2.0 * share - 1.0).abs())),
            ("warm-up, then flat", |share| 20.0 + 60.0 * (share / 0.15).min(1.0)),
        ];
        for (name, shape) in traps {
            assert_eq!(shapes::said(&RULE, &run(&cycles(300, 300.0, shape)), None), "", "{name}");
        }
    }

    #[test]
    fn silent_about_noise() {
        let noisy = Heap { base_mb: 60.0, sigma_mb: 6.0 };
        for seed in 0..20 {
            let points = shapes::heap(&mut Random(seed), 300, 300.0, noisy, |_| 0.0);
            assert_eq!(shapes::said(&RULE, &run(&points), None), "", "seed {seed}");
        }
    }

    #[test]
    fn allocation_during_the_mark_is_not_growth() {
        // Live heap steady at 30 MB; ever more is allocated while the collector marks, and counts as live.
        let mut busy = run(&cycles(200, 100.0, |share| 30.0 + 60.0 * share));
        busy.cycles.heap_start_mb = vec![60.0; 200];
        busy.cycles.heap_end_mb = busy.cycles.heap_live_mb.iter().map(|live| 30.0 + live).collect();
        check(&RULE, &busy, expect![[""]]);
    }

    #[test]
    fn the_place_does_not_move_while_the_log_grows() {
        let points = cycles(400, 200.0, |share| 20.0 + 80.0 * share);
        let place = |n: usize| {
            let text = shapes::said(&RULE, &run(&points[..n]), None);
            text.split(' ').next().unwrap_or_default().to_owned()
        };
        assert_ne!(place(150), "");
        assert_eq!([place(200), place(300), place(400)], [place(150), place(150), place(150)]);
    }
}
