//! Logs of one and of several processes; each run is shown with its lines (from 1) and what is known of it.

use std::fmt::Write as _;

use expect_test::{Expect, expect};

use super::*;
use crate::fixture::{Cycle, LogBuilder, Sample};

/// One line a run: its lines, number of rows, source, releases, and how it stands to the others.
fn check(text: &str, expected: Expect) {
    let log = Log::read(text.as_bytes());
    let runs = Runs::of(&log);
    let mut shown = String::new();
    for run in &runs.list {
        let mut lines: Vec<u32> =
            Family::ALL.iter().flat_map(|family| run.rows(*family)).map(|row| log.line(*row) + 1).collect();
        lines.sort_unstable();
        write!(shown, "lines {lines:?}").unwrap();
        if !run.source.is_empty() {
            write!(shown, " of {}", String::from_utf8_lossy(&run.source)).unwrap();
        }
        write!(shown, ", Go {}", run.go).unwrap();
        if let Some(before) = run.restarts {
            write!(shown, ", restarts {before}").unwrap();
        }
        if !run.interleaved.is_empty() {
            write!(shown, ", alternates with {:?}", run.interleaved).unwrap();
        }
        if run.toolchain {
            shown.push_str(", toolchain");
        }
        shown.push('\n');
        for row in Family::ALL.iter().flat_map(|family| run.rows(*family)) {
            assert!(std::ptr::eq(&runs.list[runs.of_row(*row).expect("a row of a run")], run));
        }
    }
    expected.assert_eq(&shown);
}

fn cycle(n: u32, at_s: f64) -> Cycle {
    Cycle { n, at_s, ..Cycle::default() }
}

fn sample(at_ms: u64) -> Sample {
    Sample { at_ms, ..Sample::default() }
}

#[test]
fn counting_again_from_one_is_a_restart() {
    let mut log = LogBuilder::new(22);
    for at in [0.1, 0.2, 0.3] {
        log.gc(&cycle((at * 10.0) as u32, at));
    }
    log.gc(&cycle(1, 0.05)).gc(&cycle(2, 0.9)).gc(&cycle(3, 1.5)).gc(&cycle(4, 1.6));
    check(
        log.text(),
        expect![[r#"
        lines [1, 2, 3], Go 1.18 – 1.27
        lines [4, 5, 6, 7], Go 1.18 – 1.27, restarts 0
    "#]],
    );
}

#[test]
fn missing_cycles_and_a_lost_head_do_not_split_a_run() {
    let mut log = LogBuilder::new(22);
    log.gc(&cycle(417, 90.0)).gc(&cycle(418, 90.2)).gc(&cycle(431, 93.0)).gc(&cycle(432, 93.1));
    check(
        log.text(),
        expect![[r#"
        lines [1, 2, 3, 4], Go 1.18 – 1.27
    "#]],
    );
}

#[test]
fn two_processes_on_one_stream_are_told_apart_by_number_and_clock() {
    let mut log = LogBuilder::new(22);
    log.gc(&cycle(1, 0.03)).gc(&cycle(2, 0.40)).gc(&cycle(3, 0.90));
    log.gc(&cycle(1, 0.02)).gc(&cycle(4, 1.30)).gc(&cycle(2, 0.31)).gc(&cycle(3, 0.52)).gc(&cycle(5, 1.90));
    // Both are at the same number; the time of the first is nearer.
    log.gc(&cycle(4, 0.70)).gc(&cycle(5, 0.95)).gc(&cycle(6, 1.15)).gc(&cycle(6, 2.10));
    check(
        log.text(),
        expect![[r#"
        lines [1, 2, 3, 5, 8, 12], Go 1.18 – 1.27, alternates with [1]
        lines [4, 6, 7, 9, 10, 11], Go 1.18 – 1.27, alternates with [0]
    "#]],
    );
}

#[test]
fn the_published_log_of_two_etcd_processes_under_one_pid_has_two_runs() {
    // etcd issue 8472, shortened to what tells the processes apart.
    let line = |n: u32, at: &str| {
        format!(
            "Sep 01 18:07:11 etcd-wrapper[15450]: gc {n} @{at}s 3%: 0.026+1.3+1.2 ms clock, 0.053+0/0/2.3+2.5 ms cpu, \
             4->4->1 MB, 5 MB goal, 2 P\n"
        )
    };
    let times = [(1, "0.031"), (2, "0.338"), (3, "0.429"), (1, "0.027"), (2, "0.042"), (3, "0.118"), (4, "0.164")];
    let text: String = times.iter().map(|(n, at)| line(*n, at)).collect();
    check(
        &text,
        expect![[r#"
        lines [1, 2, 3] of etcd-wrapper[15450], Go 1.6 – 1.17
        lines [4, 5, 6, 7] of etcd-wrapper[15450], Go 1.6 – 1.17, restarts 0
    "#]],
    );
}

#[test]
fn names_in_front_of_the_lines_are_processes() {
    let mut log = LogBuilder::new(17);
    log.gc(&cycle(1, 0.1)).gc(&cycle(2, 0.2)).gc(&cycle(3, 0.3));
    let lines: Vec<&str> = log.text().lines().collect();
    let names = ["api-1", "jobs-1", "api-1"];
    let text: String = lines.iter().zip(names).map(|(line, name)| format!("{name:8} | {line}\n")).collect();
    check(
        &text,
        expect![[r#"
        lines [1, 3] of api-1, Go 1.6 – 1.17
        lines [2] of jobs-1, Go 1.6 – 1.17
    "#]],
    );
}

#[test]
fn samples_of_two_processes_are_told_apart_by_procs_and_by_time() {
    // Every process prints its first sample at 0 ms.
    let later = |step: u64, by: u64| sample(step * 1000 + if step > 0 { by } else { 0 });
    let mut log = LogBuilder::new(22);
    for step in 0..3 {
        log.sched(&Sample { procs: 8, ..later(step, 0) });
        log.sched(&Sample { procs: 4, ..later(step, 7) });
    }
    check(
        log.text(),
        expect![[r#"
        lines [1, 3, 5], Go 1.20 – 1.24, alternates with [1]
        lines [2, 4, 6], Go 1.20 – 1.24, alternates with [0]
    "#]],
    );
    // Alike in everything, they still drift apart.
    let mut log = LogBuilder::new(22);
    for step in 0..4 {
        log.sched(&later(step, 2 * step)).sched(&later(step, 5 * step + 1));
    }
    check(
        log.text(),
        expect![[r#"
        lines [1, 4, 6, 8], Go 1.20 – 1.24, alternates with [1]
        lines [2, 3, 5, 7], Go 1.20 – 1.24, alternates with [0]
    "#]],
    );
    // Without their first samples, the number of Ps and the pace tell.
    let mut log = LogBuilder::new(22);
    log.sched(&sample(5000)).sched(&sample(6000)).sched(&Sample { procs: 8, ..sample(6100) });
    log.sched(&sample(7000)).sched(&Sample { procs: 8, ..sample(7100) });
    check(
        log.text(),
        expect![[r#"
        lines [1, 2, 4], Go 1.20 – 1.24, alternates with [1]
        lines [3, 5], Go 1.20 – 1.24, alternates with [0]
    "#]],
    );
}

#[test]
fn a_process_that_ended_gets_no_lines_of_the_next_one() {
    let mut log = LogBuilder::new(22);
    for step in 0..20 {
        log.sched(&sample(step * 100));
    }
    for step in 0..40 {
        log.sched(&sample(step * 100 + 3));
    }
    let runs = Runs::of(&Log::read(log.text().as_bytes()));
    let n_rows: Vec<usize> = runs.list.iter().map(Run::n_rows).collect();
    assert_eq!(n_rows, [20, 40]);
}

#[test]
fn cycles_and_samples_of_one_process_are_one_run() {
    let mut log = LogBuilder::new(20);
    log.sched(&sample(0)).gc(&cycle(1, 0.01)).sched(&sample(1000)).gc(&cycle(2, 1.4)).line("GC forced");
    check(
        log.text(),
        expect![[r#"
        lines [1, 2, 3, 4, 5], Go 1.20 – 1.24
    "#]],
    );
}

#[test]
fn a_first_cycle_long_after_the_samples_is_another_process() {
    let mut log = LogBuilder::new(20);
    log.sched(&sample(59_000)).sched(&sample(60_000)).gc(&cycle(1, 0.01)).sched(&sample(61_000)).gc(&cycle(2, 0.02));
    check(
        log.text(),
        expect![[r#"
        lines [1, 2, 4], Go 1.20 – 1.24, alternates with [1]
        lines [3, 5], Go 1.18 – 1.27, alternates with [0]
    "#]],
    );
}

#[test]
fn lines_that_a_collector_swapped_stay_in_their_run() {
    let mut log = LogBuilder::new(4);
    log.gc(&cycle(2, 0.0))
        .gc(&cycle(1, 0.0))
        .gc(&cycle(3, 0.0))
        .gc(&cycle(5, 0.0))
        .gc(&cycle(4, 0.0))
        .gc(&cycle(6, 0.0));
    check(
        log.text(),
        expect![[r#"
        lines [1, 2, 3, 4, 5, 6], Go 1.4
    "#]],
    );
}

#[test]
fn a_next_cycle_is_not_taken_for_a_late_one_of_another_process() {
    let line = |n: u32, at: &str| {
        format!("gc {n} @{at}s 1%: 0.01+1.1+0.01 ms clock, 0.1+0/1.0/0+0.1 ms cpu, 4->4->1 MB, 5 MB goal, 4 P\n")
    };
    // Of the first process lines were cut out; the second one goes on.
    let text = line(1, "0.021") + &line(9, "0.082") + &line(4, "0.001") + &line(5, "0.002") + &line(6, "0.037");
    check(
        &text,
        expect![[r#"
        lines [1, 2], Go 1.6 – 1.17
        lines [3, 4, 5], Go 1.6 – 1.17, restarts 0
    "#]],
    );
}

#[test]
fn go_1_5_prints_two_cycles_under_one_number() {
    let line = |n: u32, at: &str| {
        format!(
            "gc {n} @{at}s 45%: 14+60+15+45+0.34 ms clock, 29+60+0+161/45/1.0+0.69 ms cpu, 24->46->36 MB, 44 MB goal, 4 P\n"
        )
    };
    let text = line(7, "0.852") + &line(8, "0.867") + &line(8, "0.860") + &line(9, "0.880");
    check(
        &text,
        expect![[r#"
        lines [1, 2, 3, 4], Go 1.5
    "#]],
    );
    // No other release does: there it is a second process.
    let later = text.replace("60+15+45+", "45+").replace("60+0+161", "161");
    check(
        &later,
        expect![[r#"
        lines [1, 2, 4], Go 1.6 – 1.17, alternates with [1]
        lines [3], Go 1.6 – 1.17, alternates with [0]
    "#]],
    );
}

#[test]
fn a_torn_line_belongs_to_the_run_around_it() {
    let text = "\
SCHED 180ms: gomaxprocs=2 idleprocs=0 threads=5 spinningthreads=0 needspinning=1 idlethreads=2 runqueue=0 [0 0]
gc 2026/11/21 07:01:08 GET /metrics 200 6.3ms
7 @0.162s 15%: 6.7+4.8+0.003 ms clock, 13+0.52/0/0+0.007 ms cpu, 4->4->3 MB, 4 MB goal, 0 MB stacks, 0 MB globals, 2 P
gc 8 @0.226s 11%: 0.087+2.8+0.004 ms clock, 0.17+0.50/0/0+0.008 ms cpu, 4->4->3 MB, 4 MB goal, 0 MB stacks, 0 MB globals, 2 P
SCHED 213ms: gomaxprocs=2 idleprocs=0 threads=5
";
    check(
        text,
        expect![[r#"
        lines [1, 2, 4, 5], Go 1.20 – 1.24
    "#]],
    );
}

#[test]
fn output_of_go_test_between_cycles_changes_nothing() {
    let text = "\
=== RUN   TestQuick
gc 14 @0.009s 19%: 0.044+0.15+0.093 ms clock, 0.088+0.039/0.021/0+0.18 ms cpu, 4->4->1 MB, 6 MB goal, 2 P
--- PASS: TestQuick (0.01s)
gc 15 @0.009s 20%: 0.021+0+0.074 ms clock, 0.043+0.039/0.021/0+0.14 ms cpu, 1->1->0 MB, 1 MB goal, 2 P (forced)
gc 16 @0.009s 22%: 0.074+0+0.073 ms clock, 0.14+0.039/0.021/0+0.14 ms cpu, 0->0->0 MB, 0 MB goal, 2 P (forced)
BenchmarkAlloc-2   \tgc 17 @0.010s 23%: 0.069+0+0.077 ms clock, 0.13+0.039/0.021/0+0.15 ms cpu, 0->0->0 MB, 0 MB goal, 2 P (forced)
PASS
";
    check(
        text,
        expect![[r#"
        lines [2, 4, 5, 6], Go 1.6 – 1.17
    "#]],
    );
}

#[test]
fn what_comes_before_a_heading_of_the_toolchain_is_not_the_program() {
    let mut log = LogBuilder::new(22);
    log.gc(&cycle(1, 0.02)).gc(&cycle(2, 0.05)).line("# command-line-arguments");
    log.gc(&cycle(1, 0.01)).gc(&cycle(2, 0.9));
    check(
        log.text(),
        expect![[r#"
        lines [1, 2], Go 1.18 – 1.27, toolchain
        lines [4, 5], Go 1.18 – 1.27, restarts 0
    "#]],
    );
    let mut log = LogBuilder::new(22);
    log.gc(&cycle(1, 0.02)).line("# HELP go_goroutines Number of goroutines").gc(&cycle(1, 0.01));
    check(
        log.text(),
        expect![[r#"
        lines [1], Go 1.18 – 1.27
        lines [3], Go 1.18 – 1.27, restarts 0
    "#]],
    );
}

/// The lines of a log, the newest first.
fn reversed(text: &str) -> String {
    text.lines().rev().map(|line| format!("{line}\n")).collect()
}

#[test]
fn a_log_with_its_newest_line_first_is_read_from_its_end() {
    let mut log = LogBuilder::new(22);
    log.sched(&sample(0)).gc(&cycle(1, 0.1)).gc(&cycle(2, 0.5)).sched(&sample(1000)).gc(&cycle(3, 1.2));
    log.sched(&sample(2000)).gc(&cycle(4, 2.1));
    // The process starts over.
    log.sched(&sample(0)).gc(&cycle(1, 0.2)).gc(&cycle(2, 0.6)).gc(&cycle(3, 0.8));
    let text = reversed(log.text());
    check(
        &text,
        expect![[r#"
        lines [5, 6, 7, 8, 9, 10, 11], Go 1.20 – 1.24
        lines [1, 2, 3, 4], Go 1.20 – 1.24, restarts 0
    "#]],
    );
    let log = Log::read(text.as_bytes());
    let runs = Runs::of(&log);
    let numbers: Vec<f64> = runs.list[0].rows(Family::Gc).iter().map(|row| log.value(*row, gc::N).unwrap()).collect();
    assert_eq!(numbers, [1.0, 2.0, 3.0, 4.0]);
}

#[test]
fn neither_a_crash_loop_nor_two_processes_are_a_log_with_its_newest_line_first() {
    let mut log = LogBuilder::new(22);
    for _ in 0..4 {
        log.gc(&cycle(1, 0.1)).gc(&cycle(2, 0.5));
    }
    assert_eq!(Runs::of(&Log::read(log.text().as_bytes())).list.len(), 4);
    let mut log = LogBuilder::new(22);
    for n in 1..6 {
        log.gc(&cycle(100 + n, 50.0 + f64::from(n))).gc(&cycle(n, f64::from(n)));
    }
    let runs = Runs::of(&Log::read(log.text().as_bytes()));
    assert!(runs.list.iter().all(|run| run.rows(Family::Gc).is_sorted()));
}
