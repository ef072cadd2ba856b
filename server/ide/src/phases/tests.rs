//! Fixtures of phases: cycles and samples in; where a run is cut and what changed out.

use expect_test::{Expect, expect};

use super::random::Random;
use super::*;
use crate::rules::fixture::{GcLine, gc_lines, sched_lines, view};

/// Phases of all runs of a log, one line each.
fn check(log: &str, expect: Expect) {
    let mut shown = String::new();
    for run in &view(log).runs {
        for phase in phases(run) {
            let changes: Vec<String> = phase.changes.iter().map(Change::in_words).collect();
            let (first, last) = (phase.lines.0 + 1, phase.lines.1 + 1);
            let rows = format!("{} cycles, {} samples", phase.n_cycles, phase.n_samples);
            shown.push_str(&format!(
                "{first}-{last} {rows}; {}\n",
                if changes.is_empty() { "-".to_owned() } else { changes.join(", ") }
            ));
        }
    }
    expect.assert_eq(&shown);
}

/// Cycles of a program, four a second, whose live heap and assist and worker time are given.
fn program(n: u64, of: impl Fn(u64) -> (u64, f64)) -> String {
    gc_lines(n, |idx| {
        let (live, cpu_ms) = of(idx);
        let heap_mb = [2 * live - 1, 2 * live, live, 2 * live];
        GcLine { n: idx + 1, at_s: idx as f64 / 4.0, heap_mb, cpu_ms: [0.0, cpu_ms], ..GcLine::default() }
    })
}

#[test]
fn a_steady_run_has_no_phases() {
    check(&program(200, |idx| (20 + idx % 2, 3.0)), expect![[""]]);
}

#[test]
fn cuts_of_several_series_near_each_other_are_one_border() {
    check(
        &program(100, |idx| if idx < 60 { (20, 3.0) } else { (64, 90.0) }),
        expect![[r#"
            1-60 60 cycles, 0 samples; -
            61-100 40 cycles, 0 samples; live 20→64 MB, GC 0.3→9 % CPU, alloc 82→254 MB/s
        "#]],
    );
}

#[test]
fn growth_is_no_change() {
    check(&program(120, |idx| (20 + idx / 2, 3.0)), expect![[""]]);
}

#[test]
fn what_fills_while_a_program_starts_is_no_change() {
    check(&program(100, |idx| (if idx < 4 { 5 } else { 40 }, 3.0)), expect![[""]]);
}

#[test]
fn a_collector_that_is_switched_on_is_told_however_early() {
    let off = |idx: u64| if idx == 0 { 8_796_093_022_191 } else { 4 };
    let log = gc_lines(20, |idx| GcLine {
        n: idx + 1,
        at_s: 2.6 + idx as f64 / 10.0,
        heap_mb: [3, 3, 0, off(idx)],
        ..GcLine::default()
    });
    check(
        &log,
        expect![[r#"
            1-1 1 cycles, 0 samples; -
            2-20 19 cycles, 0 samples; GC switched on
        "#]],
    );
}

#[test]
fn the_queue_and_the_idle_processors_of_a_load_that_comes_and_goes() {
    let is_loaded = |idx: u64| (30..60).contains(&idx);
    check(
        &sched_lines(100, 8, 1.0, |idx| if is_loaded(idx) { (0, 40 + idx % 5) } else { (6, 0) }),
        expect![[r#"
            1-30 0 cycles, 30 samples; -
            31-60 0 cycles, 30 samples; idle Ps 6→0, runnable 0→42
            61-100 0 cycles, 40 samples; idle Ps 0→6, runnable 42→0
        "#]],
    );
}

#[test]
fn phases_of_a_log_with_its_newest_line_first_are_in_the_order_of_time() {
    let log = program(100, |idx| if idx < 60 { (20, 3.0) } else { (64, 90.0) });
    let newest_first: String = log.lines().rev().map(|line| format!("{line}\n")).collect();
    check(
        &newest_first,
        expect![[r#"
            41-100 60 cycles, 0 samples; -
            1-40 40 cycles, 0 samples; live 20→64 MB, GC 0.3→9 % CPU, alloc 82→254 MB/s
        "#]],
    );
}

#[test]
fn a_long_log_is_cut_at_the_line() {
    let log = program(5000, |idx| if idx < 3210 { (20 + idx % 3, 3.0) } else { (64 + idx % 7, 90.0) });
    check(
        &log,
        expect![[r#"
            1-3210 3210 cycles, 0 samples; -
            3211-5000 1790 cycles, 0 samples; live 21→67 MB, GC 0.3→9 % CPU, alloc 81→266 MB/s
        "#]],
    );
}

/// Cycles as a steady program prints them: log-normal pauses, intervals and rates that swing a little, whole megabytes.
fn steady(random: &mut Random, n: usize) -> RunView {
    let mut cycles = Cycles::default();
    let (mut at_s, mut drift) = (0.1, 0.0);
    for idx in 0..n {
        drift = 0.5 * drift + random.normal();
        at_s += 0.2 * (0.2 * drift).exp();
        let live = (20.0 + 1.5 * random.normal()).floor();
        let pause = 0.2 * (0.8 * random.normal()).exp();
        cycles.line.push(idx as u32);
        cycles.n.push(idx as u64 + 1);
        cycles.at_s.push((at_s * 1000.0).round() / 1000.0);
        cycles.pause_ms.push(pause);
        cycles.sweep_term_ms.push(pause / 2.0);
        cycles.mark_term_ms.push(pause / 2.0);
        cycles.mark_ms.push(2.0 * (0.4 * random.normal()).exp());
        cycles.cpu_sweep_term_ms.push(pause);
        cycles.cpu_mark_term_ms.push(pause);
        cycles.cpu_assist_ms.push(random.unit());
        cycles.cpu_background_ms.push(3.0 * (0.5 * random.normal()).exp());
        cycles.cpu_idle_ms.push(0.0);
        cycles.heap_start_mb.push(2.0 * live - 1.0);
        cycles.heap_end_mb.push(2.0 * live);
        cycles.heap_live_mb.push(live);
        cycles.heap_goal_mb.push(2.0 * live);
        cycles.procs.push(4.0);
    }
    RunView { lines: (0, n as u32 - 1), cycles, ..RunView::default() }
}

#[test]
fn hardly_any_steady_run_is_cut() {
    let mut random = Random::new(23);
    for n in [20, 80, 300] {
        let n_cut = (0..100).filter(|_| !phases(&steady(&mut random, n)).is_empty()).count();
        assert!(n_cut <= 2, "{n} cycles: {n_cut} of 100 runs are cut");
    }
}
