//! ## What it looks for
//!
//! Five collections or more that the program asked for (`(forced)`: `runtime.GC` or `debug.FreeOSMemory`), where they
//! are a fifth of all, or where there is one every ten seconds over half a minute or longer.
//!
//! ## Why it matters
//!
//! A collection that nobody needs costs as much as one that is due: it marks the whole live heap and stops the program
//! twice. The runtime starts one by itself when it pays; asking for more mostly costs CPU and memory bandwidth.
//!
//! ## What to do next
//!
//! First see who fetches profiles: `/debug/pprof/heap?gc=1`, and continuous profilers that collect before each heap
//! profile; a fixed period of 10, 15 or 60 s speaks for them. Then look for the calls in code and dependencies.
//!
//! ```sh
//! # calls that force a collection, in code and dependencies
//! grep -rn 'runtime\.GC()\|FreeOSMemory' . "$(go env GOMODCACHE)"
//! ```
//!
//! ## Limits
//!
//! Collections that look for leaked goroutines are left out (`leak-check-gc`), and so are those of the runtime's own
//! two-minute timer, which carry no `(forced)` (`timer-gc`). Where they take less than 0.1 % of the P-time they are Info:
//! nobody will feel them. Package `testing` forces one before each round of a
//! benchmark: where lines of `go test` stand beside them it is a hint. Go 1.0 to 1.4 do not print the word. In Go 1.5 to
//! 1.8 `gcstoptheworld` marks every cycle so; a run whose forced cycles all start at their goal is taken for that.
//!
//! ## Example
//!
//! ```text
//! gc 24 @9.030s 0%: 0.045+5.3+0.002 ms clock, 0.091+0.035/3.4/1.8+0.005 ms cpu, 65->66->34 MB, 74 MB goal, 0 MB stacks, 0 MB globals, 2 P (forced)
//! gc 25 @9.531s 0%: 0.085+3.4+0.004 ms clock, 0.17+0.086/0.49/1.9+0.008 ms cpu, 63->64->32 MB, 70 MB goal, 0 MB stacks, 0 MB globals, 2 P (forced)
//! ```

use tracelog::catalog::gc;
use tracelog::{Lines, Log};

use super::evidence::{Bound, Test};
use super::point::{Hit, Words, as_finding, cycle_name};
use super::{BlocksView, Check, Findings, Kind, Limit, Limits, Place, Rule, Severity, limit};
use crate::derived::gc_cpu_of_all_ms;
use crate::stats::{mad, median};
use crate::view::{Cycles, RunView};
use crate::words::{percent, rough, rough_span};

/// GC501.
pub(crate) static RULE: Rule = Rule {
    code: "GC501",
    slug: "forced-gc-storm",
    title: "The program keeps forcing collections",
    severity: Severity::Warning,
    kind: Kind::Point,
    reads: &[gc::FORCED],
    limits: LIMITS,
    check: Check::Blocks(check),
};

const LIMITS: &[Limit] = &[
    limit("min_forced", 5.0, "cycles", "Fewest forced cycles."),
    limit("min_share", 0.2, "of the cycles", "Share of all cycles that must be forced."),
    limit("min_per_10_s", 1.0, "cycles", "Or how many of them there must be in ten seconds."),
    limit("warning_share", 0.001, "of the P-time", "What they must take to be a warning; below it is Info."),
    limit("min_span_s", 30.0, "s", "How long the run must be for that."),
];

/// Lines before and after a forced cycle in which lines of `go test` are looked for, and at how many cycles.
const NEAR: (u32, usize) = (4, 20);

/// Spread of the time between forced cycles, in parts of it, up to which they come by the clock.
const MAX_SPREAD_OF_PERIOD: f64 = 0.05;

fn check(view: &BlocksView<'_>, limits: &Limits, findings: &mut Findings) {
    for run in view.view.runs.iter().filter(|run| !run.toolchain) {
        check_run(run, view.log, view.lines, limits, findings);
    }
}

fn check_run(run: &RunView, log: &Log, lines: &dyn Lines, limits: &Limits, findings: &mut Findings) {
    let cycles = &run.cycles;
    let is_forced = cycles.forced.iter().zip(&cycles.leak_check).map(|(forced, leak_check)| *forced && !leak_check);
    let rows: Vec<usize> = is_forced.enumerate().filter_map(|(row, is_forced)| is_forced.then_some(row)).collect();
    if rows.is_empty() {
        return;
    }
    let n_cycles = cycles.leak_check.iter().filter(|leak_check| !**leak_check).count();
    let share = rows.len() as f64 / n_cycles as f64;
    let span_s = span_s(cycles);
    let per_10_s = if span_s > 0.0 { 10.0 * rows.len() as f64 / span_s } else { f64::NAN };
    let mut test = Test::default();
    test.value("forced cycles", rows.len() as f64, Bound::AtLeast(limits.get("min_forced")), "");
    let is_often = per_10_s >= limits.get("min_per_10_s") && span_s >= limits.get("min_span_s");
    if share >= limits.get("min_share") || !is_often {
        test.value("share of the cycles", share, Bound::AtLeast(limits.get("min_share")), "");
    } else {
        test.value("forced cycles in 10 s", per_10_s, Bound::AtLeast(limits.get("min_per_10_s")), "");
        test.data("time", span_s, limits.get("min_span_s"), "s");
    }
    if !test.holds() {
        findings.declined(&RULE, Some(run.run), test);
        return;
    }
    if !test.fact("they do not all start at their goal, as with gcstoptheworld", !starts_at_goals(cycles, &rows)) {
        findings.declined(&RULE, Some(run.run), test);
        return;
    }
    let is_benchmark = is_near_go_test(log, lines, cycles, &rows);
    // The dearest one is the worst; old releases print no times of CPU.
    let cost_ms = gc_cpu_of_all_ms(cycles);
    let weight = |row: usize| if cost_ms[row].is_finite() { cost_ms[row] } else { 0.0 };
    let place = |row: usize| Place { line: cycles.line[row], field: Some(gc::FORCED) };
    let hits: Vec<Hit> = rows.iter().map(|&row| Hit { row, place: place(row), weight: weight(row) }).collect();
    let cpu_share =
        hits.iter().map(|hit| hit.weight).sum::<f64>() / (1000.0 * median(&cycles.procs).unwrap_or(f64::NAN) * span_s);
    let severity = match cpu_share {
        _ if is_benchmark => Severity::Hint,
        share if share < limits.get("warning_share") => Severity::Info,
        _ => Severity::Warning,
    };
    let finding = as_finding(
        &RULE,
        run.run,
        &hits,
        |idx| cycle_name(run, hits[idx].row),
        |_| {
            let rate = if per_10_s.is_finite() { format!(" ({}/min)", rough(6.0 * per_10_s)) } else { String::new() };
            let period = period_s(cycles, &rows).map_or(String::new(), |s| format!(", one every {}", rough_span(s)));
            let cost = if cpu_share.is_finite() {
                format!("; they took {} of the P-time", percent(cpu_share))
            } else {
                String::new()
            };
            let why = if is_benchmark { "; lines of go test stand beside them" } else { "" };
            Words {
                severity,
                message: format!("{} of {n_cycles} cycles were forced by a call{rate}{period}{cost}{why}.", rows.len()),
                numbers: vec![
                    ("forced_cycles", rows.len() as f64),
                    ("share_of_cycles", share),
                    ("forced_per_10_s", per_10_s),
                    ("share_of_p_time", cpu_share),
                ],
            }
        },
    );
    if let Some(finding) = finding {
        findings.push(super::Finding { test, ..finding });
    }
}

/// Whether forced cycles mark while the world is stopped and start where the heap reached the goal: allocation started
/// them, and `gcstoptheworld` of Go 1.5 to 1.8 had the word printed.
fn starts_at_goals(cycles: &Cycles, rows: &[usize]) -> bool {
    let at_goal = |row: &&usize| {
        cycles.mark_ms[**row] == 0.0 && cycles.heap_start_mb[**row] >= 0.9 * cycles.heap_goal_mb[**row] - 1.0
    };
    let concurrent = (0..cycles.len()).filter(|row| !cycles.forced[*row]).count();
    concurrent == 0 && rows.iter().filter(at_goal).count() * 10 >= rows.len() * 9
}

/// From the first to the last cycle, s.
fn span_s(cycles: &Cycles) -> f64 {
    let known = |at: &&f64| at.is_finite();
    let (first, last) = (cycles.at_s.iter().find(known), cycles.at_s.iter().rfind(known));
    first.zip(last).map_or(f64::NAN, |(first, last)| last - first)
}

/// The time between forced cycles, s, where it is nearly the same each time and at least a second.
fn period_s(cycles: &Cycles, rows: &[usize]) -> Option<f64> {
    let gaps = || rows.windows(2).map(|pair| cycles.at_s[pair[1]] - cycles.at_s[pair[0]]);
    if 2 * gaps().filter(|gap| *gap < 1.0).count() > gaps().len() {
        return None;
    }
    let gaps: Vec<f64> = gaps().collect();
    let period = median(&gaps)?;
    (period >= 1.0 && mad(&gaps)? <= MAX_SPREAD_OF_PERIOD * period).then_some(period)
}

/// Whether lines that `go test` prints about benchmarks stand beside forced cycles.
fn is_near_go_test(log: &Log, lines: &dyn Lines, cycles: &Cycles, rows: &[usize]) -> bool {
    let (reach, n_cycles) = NEAR;
    rows.iter().take(n_cycles).any(|&row| {
        let line = cycles.line[row];
        let last = line.saturating_add(reach).min(log.n_lines().saturating_sub(1));
        (line.saturating_sub(reach)..=last).any(|line| {
            let text = lines.line(line);
            is_of_benchmark(log.peel(line, &text).as_foreign().1)
        })
    })
}

fn is_of_benchmark(content: &[u8]) -> bool {
    let is_name = content
        .strip_prefix(b"Benchmark")
        .is_some_and(|name| name.first().is_some_and(|first| first.is_ascii_uppercase() || *first == b'_'));
    is_name || content.starts_with(b"--- BENCH: ") || content.ends_with(b" ns/op")
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;
    use crate::rules::fixture::{GcLine, check, findings_in_text, gc_lines};

    /// `n` cycles, every `nth` forced, so many seconds apart.
    fn forced(n: u64, nth: u64, apart_s: f64) -> String {
        let log = gc_lines(n, |idx| GcLine { n: idx + 1, at_s: idx as f64 * apart_s, ..GcLine::default() });
        log.lines()
            .enumerate()
            .map(
                |(idx, line)| {
                    if (idx as u64 + 1).is_multiple_of(nth) {
                        format!("{line} (forced)\n")
                    } else {
                        format!("{line}\n")
                    }
                },
            )
            .collect()
    }

    #[test]
    fn many_forced_cycles() {
        check(
            &RULE,
            &forced(12, 2, 0.15),
            expect![[r#"
                2:forced Warning GC501: 6 of 12 cycles were forced by a call (218/min); they took 0.1 % of the P-time.
                  4:forced as bad: gc 4 @0.450s
                  further 4:forced, 6:forced, 8:forced, 10:forced, 12:forced
            "#]],
        );
    }

    #[test]
    fn what_costs_next_to_nothing_is_info() {
        let rare = findings_in_text(&RULE, &forced(60, 3, 5.0));
        assert!(rare.contains("Info GC501") && rare.contains("they took 0.003 % of the P-time"), "{rare}");
    }

    #[test]
    fn a_period_is_named() {
        let text = findings_in_text(&RULE, &forced(60, 3, 5.0));
        assert!(text.contains("20 of 60 cycles were forced by a call (4.1/min), one every 15 s;"), "{text}");
    }

    #[test]
    fn rare_among_many_but_often_in_time() {
        // One in ten, every ten seconds.
        assert_ne!(findings_in_text(&RULE, &forced(100, 10, 0.99)), "");
        assert_eq!(findings_in_text(&RULE, &forced(100, 10, 1.02)), "", "less than one in ten seconds");
        assert_eq!(findings_in_text(&RULE, &forced(100, 10, 0.29)), "", "29 s");
    }

    #[test]
    fn silent_just_below_the_limits() {
        assert_eq!(findings_in_text(&RULE, &forced(4, 1, 0.1)), "", "four");
        assert_ne!(findings_in_text(&RULE, &forced(5, 1, 0.1)), "");
        assert_ne!(findings_in_text(&RULE, &forced(25, 5, 0.1)), "");
        assert_eq!(findings_in_text(&RULE, &forced(35, 6, 0.1)), "", "a seventh");
    }

    #[test]
    fn leak_checks_and_timer_cycles_are_not_calls() {
        let checks = forced(30, 1, 0.5).replace("s 1%:", "s 1% (checking for goroutine leaks):");
        assert_eq!(findings_in_text(&RULE, &checks), "");
        let timer: String = (0..9u64)
            .map(|idx| format!("GC forced\n{}", GcLine { n: idx + 1, at_s: 120.0 * idx as f64, ..GcLine::default() }))
            .collect();
        assert_eq!(findings_in_text(&RULE, &timer), "");
    }

    #[test]
    fn cycles_that_stop_the_world_by_setting_are_no_calls() {
        let line = |n: u64, heap: u64| {
            format!(
                "gc {n} @{n}.1s 6%: 0.024+0+2.7 ms clock, 0.049+0/0/0+5.4 ms cpu, {heap}->{heap}->8 MB, 16 MB goal, 2 P (forced)\n"
            )
        };
        let at_goal: String = (1..20).map(|n| line(n, 16)).collect();
        assert_eq!(findings_in_text(&RULE, &at_goal), "");
        let called: String = (1..20).map(|n| line(n, 10)).collect();
        assert_ne!(findings_in_text(&RULE, &called), "");
    }

    #[test]
    fn benchmarks_are_a_hint() {
        let log = "goos: linux\nBenchmarkAlloc\n".to_owned()
            + &forced(12, 2, 0.15)
            + "BenchmarkAlloc-2   \t   14619\t     23987 ns/op\nPASS\n";
        assert!(findings_in_text(&RULE, &log).contains("Hint GC501"));
        // The word alone is no benchmark.
        let other = log.replace("BenchmarkAlloc", "Benchmarking").replace(" ns/op", " ops");
        assert!(findings_in_text(&RULE, &other).contains("Warning GC501"));
    }

    #[test]
    fn silent_about_releases_that_do_not_print_the_word() {
        let line = |n: u64| {
            format!(
                "gc{n}(2): 26+1+87+0 us, 0 -> {n} MB, 30 (30-0) objects, 2 goroutines, 21/0/0 sweeps, 0(0) handoff, \
                 1(2) steal, 16/1/0 yields\n"
            )
        };
        assert_eq!(findings_in_text(&RULE, &(1..60).map(line).collect::<String>()), "");
    }
}
