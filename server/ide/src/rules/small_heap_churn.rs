//! ## What it looks for
//!
//! Five collections a second or more, over five seconds or longer, on a small live heap (half of the cycles have 16 MB or
//! less). From 20 a second on, where collecting takes 2 % or more of the CPU too, it is a warning; not where the last
//! seconds of the log are no longer so, as those of a program that started small and grew. Where it takes less than
//! 0.3 %, or is over and took less than 2 %, it is a hint.
//!
//! ## Why it matters
//!
//! The goal is twice the live heap. With 3 MB live the program may allocate another 3 MB until the next collection,
//! which a busy service does in some milliseconds: it collects all day over a heap that would fit many times into the
//! memory that it has. Large services saved 30 % of their CPU by giving such processes more room.
//!
//! ## What to do next
//!
//! Give the heap room. GOGC=400 makes collections four times as rare and costs a few megabytes here. Where memory is
//! reserved for this process alone, GOGC=off with a GOMEMLIMIT collects only when that budget is used up:
//!
//! ```sh
//! # what the CPU spends on collecting and allocating, thirty seconds
//! go tool pprof -top 'http://HOST/debug/pprof/profile?seconds=30'
//! ```
//!
//! Since Go 1.19 a ballast (a large allocation that is never used) is the worse way to the same end.
//!
//! ## Limits
//!
//! Cycles that the program asked for do not count. Not judged where lines are missing in between. It speaks of 73 of
//! 903 recorded logs, mostly test programs that do little but allocate, at 0.3 to 7 % of the CPU; in 10 it warns. Of
//! 105 services 14 had such a start, at 0.1 to 0.5 %. Where pauses make most of the cost it stays a remark: they
//! include the time to stop the program, which a busy machine prolongs. Needs Go 1.5 or later.
//!
//! ## Example
//!
//! ```text
//! gc 60 @1.933s 2%: 0.095+1.1+0.011 ms clock, 0.19+0.015/0.77/0.036+0.022 ms cpu, 4->4->2 MB, 5 MB goal, 4 P
//! gc 61 @1.957s 2%: 0.31+0.81+0.004 ms clock, 0.62+0/0.52/0.55+0.009 ms cpu, 4->4->2 MB, 5 MB goal, 4 P
//! ```

use tracelog::catalog::gc;

use super::evidence::{Bound, Test};
use super::point::cycle_name;
use super::{Check, Finding, Findings, Kind, Limit, Limits, Place, Related, Rule, Severity, limit};
use crate::derived::{gc_cpu_ms, interval_s};
use crate::stats::median;
use crate::view::{Cycles, RunView};
use crate::words::{percent, rough};

/// GC203.
pub(crate) static RULE: Rule = Rule {
    code: "GC203",
    slug: "small-heap-churn",
    title: "Many collections a second over a small live heap",
    severity: Severity::Warning,
    kind: Kind::Point,
    reads: &[gc::N, gc::HEAP_LIVE_MB, gc::HEAP_GOAL_MB],
    limits: LIMITS,
    check: Check::Run(check),
};

const LIMITS: &[Limit] = &[
    limit("info_rate", 5.0, "a second", "Collections from which it is reported."),
    limit("warning_rate", 20.0, "a second", "Collections from which it can be a warning."),
    limit("warning_share", 0.02, "of P-time", "What they must cost then."),
    limit("max_live_mb", 16.0, "MB", "Live heap that counts as small."),
    limit("min_span_s", 5.0, "s", "Shortest stretch that is judged."),
];

/// Share of P-time below which they cost next to nothing: most services that start with a small heap, for some seconds.
const NEXT_TO_NOTHING: f64 = 0.003;

/// Share of the cost from which it counts as pauses.
const MOSTLY_PAUSES: f64 = 0.5;

fn check(run: &RunView, limits: &Limits, findings: &mut Findings) {
    let cycles = &run.cycles;
    let Some(worst) = worst_window(cycles, limits) else { return };
    let (first, last) = worst.rows;
    let rows: Vec<usize> = (first..=last).filter(|&row| counts(cycles, row)).collect();
    let of_rows = |series: &[f64]| median(&rows.iter().map(|&row| series[row]).collect::<Vec<_>>());
    let live_mb = of_rows(&cycles.heap_live_mb).unwrap_or(f64::NAN);
    let gc_ms: f64 = rows.iter().map(|&row| gc_cpu_ms(cycles, row)).filter(|ms| ms.is_finite()).sum();
    let pause_ms = |row: &usize| cycles.cpu_sweep_term_ms[*row] + cycles.cpu_mark_term_ms[*row];
    let pauses_ms: f64 = rows.iter().map(pause_ms).filter(|ms| ms.is_finite()).sum();
    let cpu_ms: f64 = rows.iter().map(|&row| 1000.0 * interval_s(cycles, row) * cycles.procs[row]).sum();
    let share = gc_ms / cpu_ms;

    let mut test = Test::default();
    let holds = test.data("length of the stretch", worst.span_s, limits.get("min_span_s"), "s")
        && test.value("collections", worst.rate, Bound::AtLeast(limits.get("info_rate")), "a second")
        && test.value("median live heap", live_mb, Bound::AtMost(limits.get("max_live_mb")), "MB");
    if !holds {
        return;
    }
    let is_costly = worst.rate >= limits.get("warning_rate")
        && share >= limits.get("warning_share")
        && pauses_ms < MOSTLY_PAUSES * gc_ms;
    // A program that starts small and grows has such a stretch, and is through with it.
    let is_over = !churns_at_end(cycles, limits);
    if is_over {
        test.fact("no longer so when the log ends", true);
    }
    let goal = of_rows(&cycles.heap_goal_mb).map_or("the goal".to_owned(), |goal| format!("the goal of {goal:.0} MB"));
    let cost = if share.is_finite() { format!("; they cost up to {} of CPU", percent(share)) } else { String::new() };
    let over = if is_over { format!("; no longer after {:.0} s", cycles.at_s[last]) } else { String::new() };
    let severity = match share {
        _ if is_costly && !is_over => Severity::Warning,
        share if share < NEXT_TO_NOTHING || is_over && share < limits.get("warning_share") => Severity::Hint,
        _ => Severity::Info,
    };
    findings.push(Finding {
        severity,
        run: Some(run.run),
        place: Place { line: cycles.line[last], field: Some(gc::HEAP_LIVE_MB) },
        message: format!(
            "{} collections a second on a live heap of {live_mb:.0} MB: {goal} is reached every {} ms{cost}{over}.",
            rough(worst.rate),
            rough(1000.0 / worst.rate),
        ),
        related: vec![Related {
            place: Place { line: cycles.line[first], field: None },
            text: format!("the busiest {:.0} s begin: {}", worst.span_s, cycle_name(run, first)),
        }],
        count: rows.len(),
        numbers: vec![("collections_per_s", worst.rate), ("live_mb", live_mb), ("gc_share", share)],
        test,
        ..Finding::about(&RULE)
    });
}

/// A stretch of time.
struct Window {
    rows: (usize, usize),
    span_s: f64,
    rate: f64,
}

/// Whether the last seconds of the run are such a stretch too.
fn churns_at_end(cycles: &Cycles, limits: &Limits) -> bool {
    let (mut n, mut n_small, mut span_s) = (0.0, 0.0, 0.0);
    for row in (0..cycles.len()).rev().filter(|&row| counts(cycles, row)) {
        n += 1.0;
        n_small += f64::from(u8::from(cycles.heap_live_mb[row] <= limits.get("max_live_mb")));
        span_s += interval_s(cycles, row);
        if span_s >= limits.get("min_span_s") {
            break;
        }
    }
    n >= limits.get("info_rate") * span_s && 2.0 * n_small >= n
}

/// Whether the time that a row starts is judged: the next line is there, and nobody asked for the cycle.
fn counts(cycles: &Cycles, row: usize) -> bool {
    interval_s(cycles, row).is_finite() && !cycles.forced[row] && !cycles.leak_check[row]
}

/// Of the shortest windows that are long enough and whose live heap is small, the one with the most collections a second.
fn worst_window(cycles: &Cycles, limits: &Limits) -> Option<Window> {
    let (min_span_s, min_rate, max_live_mb) =
        (limits.get("min_span_s"), limits.get("info_rate"), limits.get("max_live_mb"));
    if !cycles.heap_live_mb.iter().any(|live_mb| *live_mb <= max_live_mb) {
        return None;
    }
    // What a row adds to the time, to the cycles and to those with a small heap.
    let parts = |row: usize| match counts(cycles, row) {
        true => (interval_s(cycles, row), 1, usize::from(cycles.heap_live_mb[row] <= max_live_mb)),
        false => (0.0, 0, 0),
    };
    let (mut first, mut n, mut n_small, mut span_s) = (0, 0, 0, 0.0);
    let mut worst: Option<Window> = None;
    for last in 0..cycles.len() {
        let (added_s, added, added_small) = parts(last);
        span_s += added_s;
        n += added;
        n_small += added_small;
        while first < last {
            let (first_s, counted, small) = parts(first);
            if span_s - first_s < min_span_s {
                break;
            }
            span_s -= first_s;
            n -= counted;
            n_small -= small;
            first += 1;
        }
        let rate = n as f64 / span_s;
        let is_found = span_s >= min_span_s && rate >= min_rate && 2 * n_small >= n;
        if is_found && worst.as_ref().is_none_or(|worst| rate > worst.rate) {
            worst = Some(Window { rows: (first, last), span_s, rate });
        }
    }
    worst
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;
    use crate::rules::fixture::{GcLine, check, findings_in, gc_lines};

    /// `n` cycles, so many a second, that cost so many ms of P-time each, on 4 Ps and 3 MB live.
    fn churn(n: u64, per_second: f64, background_ms: f64) -> String {
        gc_lines(n, |idx| GcLine {
            n: idx + 1,
            at_s: idx as f64 / per_second,
            cpu_ms: [0.0, background_ms],
            heap_mb: [5, 6, 3, 6],
            ..GcLine::default()
        })
    }

    #[test]
    fn tells_the_rate_of_the_busiest_seconds() {
        check(
            &RULE,
            &churn(1000, 50.0, 4.0),
            expect![[r#"
            250:heap_live_mb Warning GC203: 50 collections a second on a live heap of 3 MB: the goal of 6 MB is reached every 20 ms; they cost up to 5 % of CPU.
              1 the busiest 5 s begin: gc 1 @0.000s
        "#]],
        );
    }

    #[test]
    fn a_remark_below_twenty_a_second_or_where_it_costs_little() {
        assert!(findings_in(&RULE, &churn(1000, 19.0, 40.0)).contains("Info GC203: 19 collections a second"));
        assert!(findings_in(&RULE, &churn(1000, 50.0, 1.0)).contains("Info GC203"));
        assert!(findings_in(&RULE, &churn(1000, 5.0, 4.0)).contains("Info GC203"));
        assert!(findings_in(&RULE, &churn(1000, 5.0, 1.0)).contains("Hint GC203"), "next to nothing");
    }

    #[test]
    fn a_start_that_is_over_is_a_remark() {
        let found = |mark_cpu_ms: f64| {
            let log = gc_lines(400, |idx| GcLine {
                n: idx + 1,
                at_s: idx as f64 / if idx < 300 { 50.0 } else { 1.0 } + if idx < 300 { 0.0 } else { -294.0 },
                cpu_ms: [0.0, mark_cpu_ms],
                heap_mb: if idx < 300 { [5, 6, 3, 6] } else { [90, 91, 60, 91] },
                ..GcLine::default()
            });
            findings_in(&RULE, &log)
        };
        let dear = found(4.0);
        assert!(dear.contains("Info GC203: 50 collections") && dear.contains("no longer after 5 s"), "{dear}");
        assert!(found(0.8).contains("Hint GC203: 50 collections"), "1 % of CPU, and over");
    }

    #[test]
    fn silent_just_below_each_limit() {
        assert_eq!(findings_in(&RULE, &churn(1000, 4.9, 1.0)), "");
        assert_ne!(findings_in(&RULE, &churn(52, 10.0, 1.0)), "");
        assert_eq!(findings_in(&RULE, &churn(50, 10.0, 1.0)), "", "4.9 s");
        let live = |mb: u32| churn(1000, 50.0, 4.0).replace("5->6->3 MB, 6 MB", &format!("32->33->{mb} MB, 34 MB"));
        assert_ne!(findings_in(&RULE, &live(16)), "");
        assert_eq!(findings_in(&RULE, &live(17)), "");
    }

    #[test]
    fn cost_that_is_mostly_pauses_is_no_warning() {
        let log = gc_lines(1000, |idx| GcLine {
            n: idx + 1,
            at_s: idx as f64 / 50.0,
            clock_ms: [1.9, 0.1, 0.01],
            cpu_ms: [0.0, 0.5],
            heap_mb: [5, 6, 3, 6],
            ..GcLine::default()
        });
        assert!(findings_in(&RULE, &log).contains("Info GC203"), "{}", findings_in(&RULE, &log));
    }

    #[test]
    fn forced_cycles_and_missing_lines_do_not_count() {
        assert_eq!(findings_in(&RULE, &churn(1000, 50.0, 4.0).replace(" P\n", " P (forced)\n")), "");
        let every_second: String =
            churn(1000, 50.0, 4.0).lines().step_by(2).map(|line| line.to_owned() + "\n").collect();
        assert_eq!(findings_in(&RULE, &every_second), "");
    }

    #[test]
    fn silent_for_releases_without_times() {
        let line = |n| format!("gc{n}(2): 0+3+2 ms, 5 -> 5 MB 107296 -> 107296 (107316-20) objects, 0(0) handoff\n");
        assert_eq!(findings_in(&RULE, &(1..600).map(line).collect::<String>()), "");
    }
}
