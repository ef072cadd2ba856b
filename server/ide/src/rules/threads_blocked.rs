//! ## What it looks for
//!
//! Threads that are neither idle nor run on a P: `threads − idlethreads − (gomaxprocs − idleprocs)`, the median of five
//! samples in a row. From 16 on, and two for each P, it is a remark; from 64 on, and eight for each P, a warning. 8000
//! threads in one sample are an error: at 10000 the program ends.
//!
//! ## Why it matters
//!
//! Each is in a system call or in C, or is kept by a goroutine that is locked to it. A few are normal (one or two belong
//! to the runtime). Many mean that work waits outside of Go, where no `GOMAXPROCS` limits it: a slow disk, a network file
//! system, DNS through C, a C library that blocks.
//!
//! ## What to do next
//!
//! ```sh
//! # goroutines that are in system calls, with their stacks
//! curl -s 'http://HOST/debug/pprof/goroutine?debug=2' | grep -A 20 '\[syscall'
//! ```
//!
//! Limit how many such calls run at once (a semaphore around them), or give them a timeout.
//!
//! ## Limits
//!
//! The counters of a sample are not read at one instant, so single samples are off by a few. The limit of 10000 is Go's
//! default (`debug.SetMaxThreads`); a limit of processes in the container or for the user may come earlier.
//!
//! ## Example
//!
//! ```text
//! SCHED 5929ms: gomaxprocs=2 idleprocs=1 threads=151 spinningthreads=0 idlethreads=0 runqueue=0 [0 0]
//! ```

use tracelog::catalog::sched;

use super::evidence::{Bound, Test};
use super::point::{Hit, Words};
use super::samples::{place, report_tested};
use super::{Check, Finding, Findings, Kind, Limit, Limits, Related, Rule, Severity, limit};
use crate::derived::blocked_threads;
use crate::stats::median;
use crate::view::RunView;
use crate::words::rough_span;

/// SC106.
pub(crate) static RULE: Rule = Rule {
    code: "SC106",
    slug: "threads-blocked",
    title: "Many threads are in system calls or C",
    severity: Severity::Error,
    kind: Kind::Point,
    reads: &[sched::THREADS, sched::IDLETHREADS],
    limits: LIMITS,
    check: Check::Run(check),
};

const LIMITS: &[Limit] = &[
    limit("samples", 5.0, "samples", "How many in a row the median is taken of."),
    limit("info_threads", 16.0, "threads", "Blocked threads that are remarked upon."),
    limit("info_per_p", 2.0, "threads per P", "The same, for each P; the larger counts."),
    limit("warning_threads", 64.0, "threads", "Blocked threads that are a warning."),
    limit("warning_per_p", 8.0, "threads per P", "The same, for each P; the larger counts."),
    limit("error_threads", 8000.0, "threads", "Threads of all kinds that are an error."),
];

fn check(run: &RunView, limits: &Limits, out: &mut Findings) {
    let samples = &run.samples;
    let error_threads = limits.get("error_threads");
    let near: Vec<Hit> = (0..samples.len())
        .filter(|&row| samples.threads[row] >= error_threads)
        .map(|row| Hit { row, place: place(run, row, sched::THREADS), weight: samples.threads[row] })
        .collect();
    if !near.is_empty() {
        let mut test = Test::default();
        let most = near.iter().map(|hit| hit.weight).fold(0.0, f64::max);
        test.value("threads", most, Bound::AtLeast(error_threads), "");
        let seen = |idx: usize| format!("{:.0} threads at {:.1} s", near[idx].weight, samples.at_s[near[idx].row]);
        report_tested(out, &RULE, run.run, &near, seen, test, |worst| Words {
            severity: Severity::Error,
            message: format!(
                "{:.0} threads; the program ends at 10000 unless debug.SetMaxThreads says otherwise.",
                near[worst].weight
            ),
            numbers: vec![("threads", near[worst].weight)],
        });
        return;
    }
    blocked(run, limits, out);
}

fn blocked(run: &RunView, limits: &Limits, out: &mut Findings) {
    let samples = &run.samples;
    let of_row = |row: usize| (row, blocked_threads(samples, row));
    let rows: Vec<(usize, f64)> = (0..samples.len()).map(of_row).filter(|(_, blocked)| blocked.is_finite()).collect();
    let n = (limits.get("samples").max(1.0) as usize).min(1_000);
    let bound =
        |row: usize, threads: &str, per_p: &str| limits.get(threads).max(limits.get(per_p) * samples.gomaxprocs[row]);
    let info = |row: usize| bound(row, "info_threads", "info_per_p");
    let mut test = Test::default();
    test.data("samples", rows.len() as f64, n as f64, "");
    // Without so many in one sample no median is so high.
    let is_any = rows.iter().any(|&(row, blocked)| blocked >= info(row));
    let medians: Vec<(usize, f64)> = if is_any && rows.len() >= n { medians(&rows, n) } else { Vec::new() };
    let hits: Vec<(usize, f64)> = medians.into_iter().filter(|&(row, blocked)| blocked >= info(row)).collect();
    let most = hits.iter().copied().max_by(|a, b| a.1.total_cmp(&b.1));
    let highest = most.or_else(|| rows.iter().copied().max_by(|a, b| a.1.total_cmp(&b.1)));
    let Some((row, blocked)) = highest else { return };
    test.value("blocked threads, median of samples in a row", blocked, Bound::AtLeast(info(row)), "");
    if hits.is_empty() {
        if !test.holds() {
            out.declined(&RULE, Some(run.run), test);
        }
        return;
    }
    let is_warning = |&(row, blocked): &(usize, f64)| blocked >= bound(row, "warning_threads", "warning_per_p");
    let (first, last) = (hits[0], hits[hits.len() - 1]);
    // A median is late by half of its samples.
    let span_s = samples.at_s[last.0] - samples.at_s[first.0.saturating_sub(n / 2)];
    let related = [("first", first), ("last", last)].into_iter().filter(|(_, hit)| hit.0 != row);
    out.push(Finding {
        severity: if hits.iter().any(is_warning) { Severity::Warning } else { Severity::Info },
        run: Some(run.run),
        place: place(run, row, sched::THREADS),
        message: format!(
            "{blocked:.0} of {:.0} threads are neither idle nor on one of the {:.0} Ps, in {} of {} samples ({}): in system \
             calls or C, or locked to goroutines that wait.",
            samples.threads[row],
            samples.gomaxprocs[row],
            hits.len(),
            rows.len(),
            rough_span(span_s),
        ),
        related: related
            .map(|(what, (row, blocked))| Related {
                place: place(run, row, sched::THREADS),
                text: format!("{what}: {blocked:.0} blocked threads at {:.1} s", samples.at_s[row]),
            })
            .collect(),
        count: hits.len(),
        numbers: vec![
            ("blocked_threads", blocked),
            ("threads", samples.threads[row]),
            ("samples", hits.len() as f64),
            ("span_s", span_s),
        ],
        test,
        ..Finding::about(&RULE)
    });
}

/// The median of each `n` in a row, at the last of them.
fn medians(rows: &[(usize, f64)], n: usize) -> Vec<(usize, f64)> {
    let of = |window: &[(usize, f64)]| {
        let values: Vec<f64> = window.iter().map(|(_, blocked)| *blocked).collect();
        Some((window.last()?.0, median(&values)?))
    };
    rows.windows(n).filter_map(of).collect()
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;
    use crate::rules::fixture::{check, findings_in, sched_lines, view, why_not};

    /// Samples 100 ms apart of a program with two busy Ps, three idle threads and so many that are blocked.
    fn blocked(n: u64, blocked: impl Fn(u64) -> u64) -> String {
        let lines = sched_lines(n, 2, 0.1, |_| (0, 0));
        let with =
            |(line, idx): (&str, u64)| line.replace("threads=8 ", &format!("threads={} ", blocked(idx) + 5)) + "\n";
        lines.lines().zip(0..).map(with).collect()
    }

    #[test]
    fn three_hundred_blocking_calls_are_a_warning() {
        check(
            &RULE,
            &blocked(20, |idx| if idx < 5 { 2 } else { 302 }),
            expect![[r#"
            20:threads Warning SC106: 302 of 307 threads are neither idle nor on one of the 2 Ps, in 13 of 20 samples (1.4 s): in system calls or C, or locked to goroutines that wait.
              8:threads first: 302 blocked threads at 0.7 s
        "#]],
        );
    }

    #[test]
    fn just_below_and_at_each_limit() {
        assert_eq!(findings_in(&RULE, &blocked(20, |_| 15)), "");
        assert!(findings_in(&RULE, &blocked(20, |_| 16)).contains("Info SC106: 16 of 21 threads"));
        assert!(findings_in(&RULE, &blocked(20, |_| 63)).contains("Info SC106"));
        assert!(findings_in(&RULE, &blocked(20, |_| 64)).contains("Warning SC106"));
        assert_eq!(findings_in(&RULE, &blocked(4, |_| 300)), "", "four samples");
        assert_eq!(
            findings_in(&RULE, &blocked(20, |idx| if idx % 5 < 2 { 300 } else { 2 })),
            "",
            "never three of five"
        );
    }

    #[test]
    fn more_ps_may_have_more() {
        let of_64 = |n: u64| blocked(20, move |_| n + 62).replace("gomaxprocs=2", "gomaxprocs=64");
        assert_eq!(findings_in(&RULE, &of_64(127)), "");
        assert!(findings_in(&RULE, &of_64(511)).contains("Info SC106"));
        assert!(findings_in(&RULE, &of_64(512)).contains("Warning SC106"));
    }

    #[test]
    fn near_the_limit_of_threads_one_sample_is_enough() {
        check(
            &RULE,
            &blocked(3, |idx| 7994 + idx),
            expect![[r#"
            3:threads Error SC106: 8001 threads; the program ends at 10000 unless debug.SetMaxThreads says otherwise.
              2:threads first: 8000 threads at 0.1 s
              further 2:threads
        "#]],
        );
    }

    #[test]
    fn says_why_not() {
        expect![[r#"
            ✓ samples: 20 (≥ 5 needed)
            ✗ blocked threads, median of samples in a row: 2 (≥ 16 needed)
        "#]]
        .assert_eq(&why_not(&RULE, &view(&blocked(20, |_| 2))));
    }
}
