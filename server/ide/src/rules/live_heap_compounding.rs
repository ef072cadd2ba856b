//! ## What it looks for
//!
//! Steady growth in a run with few cycles. Where almost everything survives, each cycle comes later than the one
//! before (with GOGC at 100 the goal is twice the live heap), and `live-heap-leak` never gets its 40. Looked at are
//! runs of 10 to 39 cycles over at least a minute, three of them in the second half: the live heap has at least doubled
//! since the first quarter (along a straight line 1.2 times is enough), was never given back, rises in each of the last
//! three quarters at a comparable pace, and still does in the last four cycles and since the last of them. It is an error where
//! a known limit is reached within a day.
//!
//! ## Why it matters
//!
//! The collector runs seldom, so nothing looks wrong: pauses are rare, the percentage is 0. The heap grows all the
//! same, and its peak is about twice the live heap.
//!
//! ## What to do next
//!
//! Record longer, and take two heap profiles some minutes apart, as for `live-heap-leak`. If `goroutine-stack-growth`
//! is reported too, look at the goroutines first.
//!
//! ```sh
//! # two heap profiles five minutes apart, compared by what is in use
//! curl -so h1.pb.gz http://HOST/debug/pprof/heap && sleep 300 && curl -so h2.pb.gz http://HOST/debug/pprof/heap
//! go tool pprof -sample_index=inuse_space -diff_base h1.pb.gz h2.pb.gz
//! ```
//!
//! ## Limits
//!
//! A large build, a load phase or a cache that takes all of the run to fill are not to be told apart from a leak while
//! they last. Silent once the next cycle is overdue by other lines of the log: a program that stopped growing and
//! allocates little stops collecting. A verdict stands until it clearly fails: the last quarter below a quarter of the
//! pace, a fifth given back, no cycle for four times the gap to be expected, or a last gap with less than a tenth of
//! the growth to be expected (where that is 4 MB or more). The evidence is never called strong.
//! From the 40th cycle on `live-heap-leak` decides. What was reported before is kept beside it up to the 58th, unless that
//! test says that the growth is over: its first windows are too few to go on.
//! Growth with fewer cycles is told by summary and lens as rising so far, with what is missing.
//!
//! Recorded runs of 10 to 39 cycles, Go 1.6 to 1.27: of 16 leaks that last a minute and have three cycles in the second
//! half, all are found; the other four are rising so far. Of 12 harmless ones (caches full after a third to 70 % of the
//! run, hit rates, load then idle, two loads, batches, up and down, lookup) none is reported. Without the pace since
//! the last cycles the cache full after 70 % was, and without the straight line leaks upon 30 MB of tables and upon 160
//! MB (of 40 MB in 14 cycles) were missed. Where the last four cycles span less than 15 % of the time, four that do are
//! taken: under a memory limit cycles come ever faster, and a leak of 3 to 54 MB in 26 cycles below 100 MiB was
//! reported at half time and no more at the end.
//! Read line by line, one cache is called growing at its cycles 36 to 38, while it fills in a straight line, and no
//! longer at 39, the first at which it is full. In no leak is a gap without growth; in all three caches that are full at
//! the end, and in the heap that goes down again, the last ones are.
//!
//! ## Example
//!
//! ```text
//! gc 10 @58.993s 0%: 0.19+6.3+0.006 ms clock, 0.39+0.069/6.1/15+0.013 ms cpu, 100->100->77 MB, 102 MB goal, 0 MB stacks, 0 MB globals, 4 P
//! gc 11 @89.837s 0%: 0.43+11+0.007 ms clock, 0.86+0/9.8/27+0.015 ms cpu, 151->151->116 MB, 154 MB goal, 0 MB stacks, 0 MB globals, 4 P
//! ```

use tracelog::catalog::gc;

use super::evidence::{Bound, Confidence, Test};
use super::growth::pace::{self, Pace, Standing, Thresholds};
use super::growth::{self, Ceiling, Series, replay};
use super::live_heap_leak::heap_peak;
use super::{Check, Finding, Findings, Kind, Limits, Place, Rule, Severity, limit};
use crate::view::RunView;
use crate::words::{rough, rough_span};

/// GC107.
pub(crate) static RULE: Rule = Rule {
    code: "GC107",
    slug: "live-heap-compounding",
    title: "Live heap grows steadily, cycle after ever rarer cycle",
    severity: Severity::Error,
    kind: Kind::Trend,
    reads: &[gc::HEAP_LIVE_MB, gc::HEAP_AFTER_MB, gc::HEAP_PREV_LIVE_MB],
    limits: &[
        limit("min_cycles", Thresholds::DEFAULT.min_cycles, "cycles", "Shorter runs are not judged."),
        limit(
            "max_cycles",
            Thresholds::DEFAULT.max_cycles,
            "cycles",
            "Longer runs are left to live-heap-leak; what was reported before is kept up to 1.5 times as many.",
        ),
        limit("min_span_s", Thresholds::DEFAULT.min_span_s, "s", "Runs that span less time are not judged."),
        limit("min_live_mb", Thresholds::DEFAULT.min_end_mb, "MB", "A smaller live heap at the end is not reported."),
        limit("min_growth", Thresholds::DEFAULT.min_growth, "times", "Growth since the first quarter of the run."),
    ],
    check: Check::Run(check),
};

fn check(run: &RunView, limits: &Limits, out: &mut Findings) {
    let cycles = &run.cycles;
    let series = Series::live_heap(run);
    let points = &series.points[..];
    let thresholds = thresholds(limits);
    let has_many = points.len() as f64 > thresholds.max_cycles;
    let mut test = Test::default();
    if has_many {
        let n_cycles = points.len() as f64;
        test.value("cycles (live-heap-leak judges longer runs)", n_cycles, Bound::AtMost(thresholds.max_cycles), "");
        if replay::live_heap_rising(run, &growth::Thresholds::DEFAULT).is_some() {
            return out.declined(&RULE, Some(run.run), test);
        }
    }
    let Some(standing) = pace::standing(points, &thresholds, run.last_seen_s, |_| true) else {
        if has_many {
            return out.declined(&RULE, Some(run.run), test);
        }
        Pace::of(points).test(&thresholds, run.last_seen_s, &mut test);
        if !test.holds() {
            out.declined(&RULE, Some(run.run), test);
        }
        return;
    };
    let Standing { pace, since, test } = standing;
    let Pace { start_mb, end_mb, span_s, .. } = pace;
    let ceiling = Ceiling::of(run, limits, end_mb, pace.last_mb_per_s());
    let limit = ceiling.map_or_else(String::new, |ceiling| format!(", {}", ceiling.in_words()));
    let mut numbers = pace.numbers();
    numbers.extend(ceiling.map(|ceiling| ("to_limit_s", ceiling.left_s)));
    numbers.extend(heap_peak(cycles, end_mb));
    out.push(Finding {
        severity: growth::severity(ceiling),
        run: Some(run.run),
        place: Place { line: series.line(cycles, since), field: Some(gc::HEAP_LIVE_MB) },
        message: format!(
            "Live heap has grown from {} to {} MB over {} in {} cycles at a steady {} MB/h, almost everything survives; \
             so far no release{limit}.",
            rough(start_mb),
            rough(end_mb),
            rough_span(span_s),
            points.len(),
            rough(3600.0 * pace.mb_per_s()),
        ),
        related: series.landmarks(cycles, 0, gc::HEAP_LIVE_MB),
        count: points.len(),
        numbers,
        test,
        confidence: Some(Confidence::Moderate),
        ..Finding::about(&RULE)
    });
}

/// What the settings ask for.
pub(super) fn thresholds(limits: &Limits) -> Thresholds {
    Thresholds {
        min_cycles: limits.get("min_cycles"),
        max_cycles: limits.get("max_cycles"),
        min_span_s: limits.get("min_span_s"),
        min_end_mb: limits.get("min_live_mb"),
        min_growth: limits.get("min_growth"),
        ..Thresholds::DEFAULT
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::super::growth::shapes::{self, check, run};
    use super::*;
    use crate::rules::LogView;
    use crate::rules::fixture::why_not;

    /// The cycles of a program that allocates 1 MB/s and whose live heap is `live_mb` of the time: the next cycle comes
    /// when as much was allocated as lives. From 4 MB live on, over 100 s.
    fn doubling(garbage: f64, live_mb: impl Fn(f64) -> f64) -> Vec<(f64, f64)> {
        let mut points = vec![(1.0, live_mb(1.0).floor())];
        while let Some(&(at_s, live)) = points.last() {
            let next_s = at_s + live.max(4.0) / (1.0 + garbage);
            if next_s > 100.0 {
                break;
            }
            points.push((next_s, live_mb(next_s).floor()));
        }
        points
    }

    fn leak() -> Vec<(f64, f64)> {
        doubling(4.0, |at_s| 1.0 * at_s)
    }

    #[test]
    fn reports_steady_growth_in_few_cycles() {
        check(
            &RULE,
            &run(&leak()),
            expect![[r#"
                21 Warning GC107: Live heap has grown from 1 to 87 MB over 86 s in 22 cycles at a steady 3633 MB/h, almost everything survives; so far no release.
                  1 first used: 1 MB at 1.0 s
                  22 last used: 87 MB at 87.2 s
            "#]],
        );
    }

    #[test]
    fn reports_growth_under_a_memory_limit_where_cycles_come_ever_faster() {
        // Recorded with Go 1.27: GOGC=off, a limit of 100 MiB, 0.5 MB/s leak beneath 12 MB/s of garbage.
        let recorded = "6:3 12:6 18:9 24:12 30:14 36:18 41:20 46:23 51:25 55:27 60:29 64:31 68:34 71:36 75:37 79:39 82:41 \
                        86:42 89:44 92:45 95:47 98:48 101:50 104:51 106:52 109:54";
        let pair = |pair: &str| pair.split_once(':').map(|(s, mb)| (s.parse().unwrap(), mb.parse().unwrap()));
        let points: Vec<(f64, f64)> = recorded.split(' ').filter_map(pair).collect();
        check(
            &RULE,
            &run(&points),
            expect![[r#"
                13 Warning GC107: Live heap has grown from 3 to 54 MB over 103 s in 26 cycles at a steady 1810 MB/h, almost everything survives; so far no release.
                  1 first used: 3 MB at 6.0 s
                  26 last used: 54 MB at 109.0 s
            "#]],
        );
        // The same until 68 s, then a level.
        let full: Vec<(f64, f64)> = points.iter().map(|&(at_s, mb)| (at_s, mb.min(34.0))).collect();
        check(&RULE, &run(&full), expect![[""]]);
    }

    #[test]
    fn is_an_error_when_a_known_limit_is_near() {
        shapes::check_with_limit(
            &RULE,
            &run(&leak()),
            512.0,
            expect![[r#"
                21 Error GC107: Live heap has grown from 1 to 87 MB over 86 s in 22 cycles at a steady 3633 MB/h, almost everything survives; so far no release, 512 MB in 6.9 min.
                  1 first used: 1 MB at 1.0 s
                  22 last used: 87 MB at 87.2 s
            "#]],
        );
    }

    #[test]
    fn silent_below_a_doubling_since_the_first_quarter() {
        check(&RULE, &run(&doubling(4.0, |at_s| 30.0 + 0.8 * at_s)), expect![[""]]);
    }

    #[test]
    fn silent_with_too_few_too_short_or_too_small() {
        let leak = leak();
        check(&RULE, &run(&leak[leak.len() - 9..]), expect![[""]]);
        let fast: Vec<(f64, f64)> = leak.iter().map(|&(at_s, live)| (0.5 * at_s, live)).collect();
        check(&RULE, &run(&fast), expect![[""]]);
        let small: Vec<(f64, f64)> = leak.iter().map(|&(at_s, live)| (at_s, (0.08 * live).floor())).collect();
        check(&RULE, &run(&small), expect![[""]]);
    }

    #[test]
    fn leaves_forty_cycles_to_the_trend_test() {
        let many = shapes::cycles(40, 100.0, |share| 20.0 + 60.0 * share);
        let many = LogView { runs: vec![run(&many)], ..LogView::default() };
        assert_eq!(why_not(&RULE, &many), "✗ cycles (live-heap-leak judges longer runs): 40 (≤ 39 needed)\n");
        let steady = shapes::cycles(453, 100.0, |_| 20.0);
        let steady = LogView { runs: vec![run(&steady)], ..LogView::default() };
        assert_eq!(why_not(&RULE, &steady), "✗ cycles (live-heap-leak judges longer runs): 453 (≤ 39 needed)\n");
    }

    #[test]
    fn silent_before_go_1_5_which_prints_no_times() {
        let mut old = run(&leak());
        old.cycles.at_s.fill(f64::NAN);
        check(&RULE, &old, expect![[""]]);
        check(&RULE, &RunView::default(), expect![[""]]);
    }

    #[test]
    fn silent_about_what_looks_like_a_leak_and_is_none() {
        let traps: [shapes::Trap; 5] = [
            ("load, then idle", |at_s| at_s.min(20.0)),
            ("cache full at half time", |at_s| at_s.min(50.0)),
            ("exponential fill", |at_s| 60.0 * (1.0 - (-at_s / 25.0).exp())),
            ("batches", |at_s| 60.0 * (at_s / 30.0).fract()),
            ("two load steps", |at_s| if at_s < 50.0 { 20.0 } else { 60.0 }),
        ];
        for (name, live_mb) in traps {
            let points = doubling(2.0, live_mb);
            assert!((10..40).contains(&points.len()), "{name}: {} cycles", points.len());
            assert_eq!(shapes::said(&RULE, &run(&points), None), "", "{name}");
        }
    }

    #[test]
    fn withdrawn_at_the_first_gap_without_growth() {
        // Full at 80 s; the cycles before are those of a leak.
        let cache = doubling(4.0, |at_s| at_s.min(80.0));
        let n_filling = cache.partition_point(|&(at_s, _)| at_s < 80.0);
        assert_ne!(shapes::said(&RULE, &run(&cache[..n_filling]), None), "");
        // The first cycle that is full has seen it fill for a part of its gap; the next has not.
        let full = cache[n_filling];
        let next = (full.0 + full.1 / 5.0, full.1);
        check(&RULE, &run(&[&cache[..=n_filling], &[next]].concat()), expect![[""]]);
    }

    #[test]
    fn silent_once_the_next_cycle_is_overdue() {
        let mut stopped = run(&leak());
        stopped.last_seen_s = Some(110.0);
        assert_ne!(shapes::said(&RULE, &stopped, None), "");
        stopped.last_seen_s = Some(200.0);
        check(&RULE, &stopped, expect![[""]]);
    }
}
