//! ## What it looks for
//!
//! Samples with an idle P although goroutines wait for one: at least two, and half as many as there are Ps. Reported are
//! 60 % of 30 samples in a row, a warning from 80 % on; ten in a row without an exception; and 80 % of a run that has
//! fewer than 30 samples, but at least ten.
//!
//! ## Why it matters
//!
//! A P that is idle should take waiting work within microseconds. When it does not, requests wait although there is CPU
//! for them: the thread that should run the P does not wake up in time.
//!
//! ## What to do next
//!
//! Usual causes: a CPU quota that throttles the container, a host with fewer free CPUs than GOMAXPROCS, calls of C that
//! keep the threads, goroutines locked to threads.
//!
//! ```sh
//! # whether the container was throttled: nr_throttled and throttled_usec
//! cat /sys/fs/cgroup/cpu.stat
//! ```
//!
//! ```sh
//! # five seconds of the scheduler, goroutine by goroutine
//! curl -so trace.out 'http://HOST/debug/pprof/trace?seconds=5' && go tool trace trace.out
//! ```
//!
//! ## Limits
//!
//! The queues and the number of idle Ps are not read at one instant, so single samples show it in healthy programs: at
//! most one in ten as measured, three in ten while GOMAXPROCS is changed all the time. Where goroutines hand work to each
//! other all the time on a host with half as many CPUs as Ps, it is four in ten, and six of ten in a row happen: hence the
//! 30. Heads of scheddetail do not print the queues of the Ps: where a P line is missing, the sample is left out.
//!
//! ## Example
//!
//! ```text
//! SCHED 2206ms: gomaxprocs=4 idleprocs=2 threads=9 spinningthreads=0 idlethreads=4 runqueue=3 [0 6 0 0]
//! SCHED 2307ms: gomaxprocs=4 idleprocs=2 threads=9 spinningthreads=0 idlethreads=4 runqueue=2 [0 5 1 0]
//! ```

use tracelog::catalog::sched;

use super::evidence::{Bound, Test};
use super::samples::place;
use super::{Check, Finding, Findings, Kind, Limit, Limits, Related, Rule, Severity, limit};
use crate::derived::runnable;
use crate::view::{RunView, Samples};
use crate::words::{percent, rough_span};

/// SC104.
pub(crate) static RULE: Rule = Rule {
    code: "SC104",
    slug: "idle-while-runnable",
    title: "Ps are idle although goroutines wait for one",
    severity: Severity::Warning,
    kind: Kind::Point,
    reads: &[sched::IDLEPROCS, sched::RUNQUEUE, sched::LOCAL_RUNQUEUES],
    limits: LIMITS,
    check: Check::Run(check),
};

const LIMITS: &[Limit] = &[
    limit("samples", 30.0, "samples", "How many in a row are judged together."),
    limit("min_samples", 10.0, "samples", "Shorter runs are not judged."),
    limit("min_runnable", 2.0, "goroutines", "Fewest that wait."),
    limit("min_runnable_per_p", 0.5, "goroutines per P", "The same, for each P; the larger counts.").in_latency(0.25),
    limit("info_share", 0.6, "of the samples", "Share that is reported."),
    limit("warning_share", 0.8, "of the samples", "Share that is a warning, and that shorter runs need."),
];

fn check(run: &RunView, limits: &Limits, out: &mut Findings) {
    let samples = &run.samples;
    let is_whole =
        |&row: &usize| (runnable(samples, row) + samples.idleprocs[row] + samples.gomaxprocs[row]).is_finite();
    let rows: Vec<usize> = (0..samples.len()).filter(is_whole).collect();
    if rows.is_empty() {
        return;
    }
    let mut test = Test::default();
    let at_least = (limits.get("min_samples").max(1.0) as usize).min(10_000);
    if !test.data("samples", rows.len() as f64, at_least as f64, "") {
        return out.declined(&RULE, Some(run.run), test);
    }
    let idle: Vec<bool> = rows.iter().map(|&row| is_idle_while_runnable(samples, row, limits)).collect();
    let wanted = (limits.get("samples").max(1.0) as usize).clamp(at_least, 10_000);
    let is_short = rows.len() < wanted;
    let window = fullest(&idle, wanted.min(rows.len()));
    let without_exception = fullest(&idle, at_least);
    let share = |window: &Window| window.n_idle as f64 / window.rows.len() as f64;
    let needed = limits.get(if is_short { "warning_share" } else { "info_share" });
    let (window, needed) = if share(&window) < needed && share(&without_exception) >= 1.0 {
        (without_exception, 1.0)
    } else {
        (window, needed)
    };
    let n = window.rows.len();
    let what = format!("share with idle Ps while goroutines wait, of {n} samples in a row");
    if !test.value(&what, share(&window), Bound::AtLeast(needed), "") {
        return out.declined(&RULE, Some(run.run), test);
    }
    let is_warning = share(&window) >= limits.get("warning_share") && (n >= wanted || is_short);
    let hits: Vec<usize> = window.rows.clone().filter(|&idx| idle[idx]).map(|idx| rows[idx]).collect();
    let waste = |row: usize| runnable(samples, row).min(samples.idleprocs[row]);
    let Some(worst) = hits.iter().rev().copied().max_by(|&a, &b| waste(a).total_cmp(&waste(b))) else { return };
    let related = [("first", hits[0]), ("last", hits[hits.len() - 1])].into_iter().filter(|(_, row)| *row != worst);
    let words = |row: usize| {
        let idle = samples.idleprocs[row];
        format!("{idle:.0} idle, {:.0} waiting at {:.1} s", runnable(samples, row), samples.at_s[row])
    };
    out.push(Finding {
        severity: if is_warning { Severity::Warning } else { Severity::Info },
        run: Some(run.run),
        place: place(run, worst, sched::IDLEPROCS),
        message: format!(
            "{} of {n} samples in a row ({}) show idle Ps while goroutines wait, e.g. {:.0} of {:.0} Ps idle and {:.0} \
             waiting.",
            percent(share(&window)),
            rough_span(samples.at_s[rows[window.rows.end - 1]] - samples.at_s[rows[window.rows.start]]),
            samples.idleprocs[worst],
            samples.gomaxprocs[worst],
            runnable(samples, worst),
        ),
        related: related
            .map(|(what, row)| Related {
                place: place(run, row, sched::IDLEPROCS),
                text: format!("{what}: {}", words(row)),
            })
            .collect(),
        count: idle.iter().filter(|is_idle| **is_idle).count(),
        numbers: vec![
            ("share", share(&window)),
            ("idleprocs", samples.idleprocs[worst]),
            ("runnable", runnable(samples, worst)),
            ("samples", n as f64),
        ],
        test,
        ..Finding::about(&RULE)
    });
}

/// Samples in a row.
struct Window {
    rows: std::ops::Range<usize>,
    n_idle: usize,
}

/// Of all windows of `n` samples the first of those with most; `n` is 1 to the number of samples.
fn fullest(idle: &[bool], n: usize) -> Window {
    let mut n_idle = idle[..n].iter().filter(|is_idle| **is_idle).count();
    let mut fullest = Window { rows: 0..n, n_idle };
    for start in 1..=idle.len() - n {
        n_idle = n_idle + usize::from(idle[start + n - 1]) - usize::from(idle[start - 1]);
        if n_idle > fullest.n_idle {
            fullest = Window { rows: start..start + n, n_idle };
        }
    }
    fullest
}

fn is_idle_while_runnable(samples: &Samples, row: usize, limits: &Limits) -> bool {
    let needed = limits.get("min_runnable").max(limits.get("min_runnable_per_p") * samples.gomaxprocs[row]);
    samples.idleprocs[row] >= 1.0 && runnable(samples, row) >= needed
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;
    use crate::rules::fixture::{check, findings_in, sched_lines, view, why_not};

    #[test]
    fn idle_ps_beside_waiting_goroutines() {
        check(
            &RULE,
            &sched_lines(40, 4, 0.1, |idx| if (10..30).contains(&idx) && idx % 10 != 4 { (2, 5) } else { (0, 1) }),
            expect![[r#"
                11:idleprocs Info SC104: 60 % of 30 samples in a row (2.9 s) show idle Ps while goroutines wait, e.g. 2 of 4 Ps idle and 5 waiting.
                  30:idleprocs last: 2 idle, 5 waiting at 2.9 s
            "#]],
        );
    }

    #[test]
    fn just_below_and_at_each_limit() {
        let of_ten = |n: u64| sched_lines(60, 4, 0.1, move |idx| if idx % 10 < n { (1, 2) } else { (4, 0) });
        assert_eq!(findings_in(&RULE, &of_ten(5)), "");
        assert!(findings_in(&RULE, &of_ten(6)).contains("Info SC104"));
        assert!(findings_in(&RULE, &of_ten(7)).contains("Info SC104"));
        assert!(findings_in(&RULE, &of_ten(8)).contains("Warning SC104"));
        assert_eq!(findings_in(&RULE, &sched_lines(40, 4, 0.1, |_| (1, 1))), "", "one waits");
        assert_eq!(findings_in(&RULE, &sched_lines(40, 4, 0.1, |_| (0, 60))), "", "none is idle");
        assert_eq!(findings_in(&RULE, &sched_lines(40, 16, 0.1, |_| (8, 7))), "", "fewer than half of the Ps");
        assert_ne!(findings_in(&RULE, &sched_lines(40, 16, 0.1, |_| (8, 8))), "");
        assert_eq!(findings_in(&RULE, &sched_lines(9, 4, 0.1, |_| (1, 2))), "", "nine samples");
    }

    #[test]
    fn short_runs_and_short_stretches_need_more() {
        let first = |n: u64, of: u64| sched_lines(of, 4, 0.1, move |idx| if idx < n { (1, 2) } else { (4, 0) });
        assert_eq!(findings_in(&RULE, &first(9, 12)), "", "three quarters of twelve");
        assert!(findings_in(&RULE, &first(10, 12)).contains("Warning SC104"));
        assert_eq!(findings_in(&RULE, &first(9, 60)), "", "nine in a row");
        assert!(findings_in(&RULE, &first(10, 60)).contains("Info SC104: 100 % of 10 samples in a row"));
    }

    #[test]
    fn torn_samples_and_heads_without_queues_are_left_out() {
        let text = sched_lines(12, 4, 0.1, |_| (2, 5));
        assert_ne!(findings_in(&RULE, &text.replacen(" runqueue=5 [0 0 0 0]", "", 2)), "");
        assert_eq!(findings_in(&RULE, &text.replacen(" runqueue=5 [0 0 0 0]", "", 3)), "", "nine are left");
        assert_eq!(findings_in(&RULE, &text.replace(" [0 0 0 0]", " gcwaiting=0 nmidlelocked=0")), "");
    }

    #[test]
    fn says_why_not() {
        expect![[r#"
            ✓ samples: 40 (≥ 10 needed)
            ✗ share with idle Ps while goroutines wait, of 30 samples in a row: 0.2 (≥ 0.6 needed)
        "#]]
        .assert_eq(&why_not(&RULE, &view(&sched_lines(40, 4, 0.1, |idx| (2, 5 * u64::from(idx % 5 == 0))))));
    }
}
