//! ## What it looks for
//!
//! Ten samples or more in a row with no idle P and at least four runnable goroutines per P waiting. It is a warning when
//! there are twenty and the backlog also grows (`run-queue-growing`).
//!
//! ## Why it matters
//!
//! For a batch job this is ideal: all Ps are used and there is always more to do. For a service it is latency: each
//! request waits for many others before it gets a turn, however fast it is itself.
//!
//! ## What to do next
//!
//! For a service, take a CPU profile to see what the Ps are busy with, and check that GOMAXPROCS is the real share of
//! CPUs (a container quota below it throttles). Fewer goroutines that compute at the same time, or more CPUs, shorten the
//! queue; more goroutines do not.
//!
//! ```sh
//! # thirty seconds of CPU profile, opened in the browser
//! go tool pprof -http=: 'http://HOST/debug/pprof/profile?seconds=30'
//! ```
//!
//! ## Limits
//!
//! The number of waiting goroutines is not a waiting time: that depends on how long each runs. With `scheddetail=1` the
//! queues of the Ps stand on lines of their own: where one of these is missing, the numbers are a lower bound, and the
//! message says "at least".
//!
//! ## Example
//!
//! ```text
//! SCHED 1033ms: gomaxprocs=1 idleprocs=0 threads=3 spinningthreads=0 idlethreads=1 runqueue=21 [27]
//! SCHED 1134ms: gomaxprocs=1 idleprocs=0 threads=3 spinningthreads=0 idlethreads=1 runqueue=23 [13]
//! ```

use tracelog::catalog::sched;

use super::evidence::{Bound, Test};
use super::run_queue_growing::{self, growths, is_lower_bound, waiting};
use super::{Check, Finding, Findings, Kind, Limit, Limits, Place, Related, Rule, Severity, limit};
use crate::stats::median;
use crate::view::{RunView, Samples};
use crate::words::{rough, span};

/// SC101.
pub(crate) static RULE: Rule = Rule {
    code: "SC101",
    slug: "run-queue-saturated",
    title: "All Ps are busy and many goroutines wait for one",
    severity: Severity::Warning,
    kind: Kind::Point,
    reads: &[sched::RUNQUEUE, sched::LOCAL_RUNQUEUES, sched::IDLEPROCS],
    limits: LIMITS,
    check: Check::Run(check),
};

const LIMITS: &[Limit] = &[
    limit("min_per_p", 4.0, "goroutines per P", "How many must wait.").in_latency(2.0),
    limit("info_samples", 10.0, "samples", "How many samples in a row are reported."),
    limit("warning_samples", 20.0, "samples", "How many, with a growing backlog, are a warning."),
];

fn check(run: &RunView, limits: &Limits, out: &mut Findings) {
    let samples = &run.samples;
    let (stretches, n_longest) = saturated(samples, limits);
    let mut test = Test::default();
    if !test.data("samples", samples.len() as f64, limits.get("info_samples"), "") {
        if !samples.is_empty() {
            out.declined(&RULE, Some(run.run), test);
        }
        return;
    }
    let min_per_p = rough(limits.get("min_per_p"));
    let what = format!("samples in a row with no idle P and {min_per_p} waiting per P");
    if !test.value(&what, n_longest as f64, Bound::AtLeast(limits.get("info_samples")), "") {
        return out.declined(&RULE, Some(run.run), test);
    }
    // Of equally long ones the first.
    let Some(longest) = stretches.iter().rev().max_by_key(|rows| rows.len()) else { return };
    let (Some(&first), Some(&last)) = (longest.first(), longest.last()) else { return };

    let backlog: Vec<f64> = longest.iter().map(|&row| waiting(samples, row)).collect();
    let backlog = median(&backlog).unwrap_or(f64::NAN);
    let worst = longest.iter().rev().copied().max_by(|&a, &b| per_p(samples, a).total_cmp(&per_p(samples, b)));
    let worst = worst.unwrap_or(first);
    let procs = samples.gomaxprocs[first];
    let seconds = samples.at_s[last] - samples.at_s[first];
    // Its own limits, not those of this rule.
    let growth_limits = Limits { declared: run_queue_growing::RULE.limits, changed: &[], ..*limits };
    let overlaps = |rows: &[usize]| rows.first() <= Some(&last) && rows.last() >= Some(&first);
    let grows = growths(samples, &growth_limits).iter().any(|growth| overlaps(&growth.rows));
    let is_warning = longest.len() as f64 >= limits.get("warning_samples") && grows;

    let place = |row: usize| Place { line: samples.line[row], field: Some(sched::RUNQUEUE) };
    let related = [("first", first), ("last", last)].map(|(what, row)| Related {
        place: place(row),
        text: format!("{what}: {:.0} waiting at {:.1} s", waiting(samples, row), samples.at_s[row]),
    });
    out.push(Finding {
        severity: if is_warning { Severity::Warning } else { Severity::Info },
        run: Some(run.run),
        place: place(worst),
        message: format!(
            "{} busy, {}{backlog:.0} goroutines waiting ({:.0} per P) for {} ({} samples): good for a batch job, \
             latency for a service.",
            if procs == 1.0 { "The only P is".into() } else { format!("All {procs:.0} Ps are") },
            if is_lower_bound(samples, first) { "at least " } else { "" },
            backlog / procs,
            span(seconds),
            longest.len(),
        ),
        related: related.into(),
        count: stretches.iter().map(Vec::len).sum(),
        numbers: vec![("runnable", backlog), ("runnable_per_p", backlog / procs), ("span_s", seconds)],
        test,
        ..Finding::about(&RULE)
    });
}

fn per_p(samples: &Samples, row: usize) -> f64 {
    waiting(samples, row) / samples.gomaxprocs[row]
}

/// The stretches of samples, long enough, in which no P is idle and goroutines wait, and how long the longest of all is.
fn saturated(samples: &Samples, limits: &Limits) -> (Vec<Vec<usize>>, usize) {
    // Torn samples do not end a stretch.
    let is_whole = |&row: &usize| (per_p(samples, row) + samples.idleprocs[row]).is_finite();
    let rows: Vec<usize> = (0..samples.len()).filter(is_whole).collect();
    let is_saturated = |&row: &usize| samples.idleprocs[row] == 0.0 && per_p(samples, row) >= limits.get("min_per_p");
    let mut n_longest = 0;
    let mut stretches = Vec::new();
    for stretch in rows.chunk_by(|a, b| is_saturated(a) == is_saturated(b)) {
        if is_saturated(&stretch[0]) {
            n_longest = n_longest.max(stretch.len());
            if stretch.len() as f64 >= limits.get("info_samples") {
                stretches.push(stretch.to_vec());
            }
        }
    }
    (stretches, n_longest)
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;
    use crate::rules::detail_fixture::{Block, blocks};
    use crate::rules::fixture::{check, findings_in, sched_lines, view, why_not};

    #[test]
    fn a_long_steady_queue_is_info() {
        check(
            &RULE,
            &sched_lines(60, 2, 0.1, |idx| (0, 58 + idx % 3)),
            expect![[r#"
            3:runqueue Info SC101: All 2 Ps are busy, 59 goroutines waiting (30 per P) for 5.9 s (60 samples): good for a batch job, latency for a service.
              1:runqueue first: 58 waiting at 0.0 s
              60:runqueue last: 60 waiting at 5.9 s
        "#]],
        );
    }

    #[test]
    fn a_long_growing_queue_is_a_warning() {
        let text = findings_in(&RULE, &sched_lines(40, 2, 0.1, |idx| (0, 10 + 3 * idx)));
        assert!(text.contains("Warning SC101"), "{text}");
        let short = findings_in(&RULE, &sched_lines(19, 2, 0.1, |idx| (0, 10 + 6 * idx)));
        assert!(short.contains("Info SC101"), "{short}");
    }

    #[test]
    fn silent_just_below_each_limit() {
        assert_eq!(findings_in(&RULE, &sched_lines(60, 2, 0.1, |_| (0, 7))), "", "3.5 per P");
        assert_eq!(findings_in(&RULE, &sched_lines(60, 2, 0.1, |_| (1, 58))), "", "an idle P");
        assert_eq!(findings_in(&RULE, &sched_lines(9, 2, 0.1, |_| (0, 58))), "", "nine samples");
        let interrupted = sched_lines(60, 2, 0.1, |idx| (u64::from(idx % 10 == 9), 58));
        assert_eq!(findings_in(&RULE, &interrupted), "", "never ten in a row");
    }

    #[test]
    fn one_p_and_the_first_of_two_stretches() {
        let log = sched_lines(50, 1, 0.1, |idx| (u64::from(idx == 25), 8));
        check(
            &RULE,
            &log,
            expect![[r#"
            1:runqueue Info SC101: The only P is busy, 8 goroutines waiting (8 per P) for 2.4 s (25 samples): good for a batch job, latency for a service.
              1:runqueue first: 8 waiting at 0.0 s
              25:runqueue last: 8 waiting at 2.4 s
        "#]],
        );
    }

    #[test]
    fn says_why_not() {
        expect![[r#"
            ✓ samples: 30 (≥ 10 needed)
            ✗ samples in a row with no idle P and 4 waiting per P: 3 (≥ 10 needed)
        "#]]
        .assert_eq(&why_not(&RULE, &view(&sched_lines(30, 2, 0.1, |idx| (u64::from(idx % 4 == 0), 60)))));
        assert_eq!(why_not(&RULE, &view("")), "");
    }

    #[test]
    fn the_queues_of_scheddetail_count() {
        let text =
            blocks(20, 100, |_| Block { runqsize: 29, running: vec![[0, 3, 7, 1], [1, 4, 8, 1]], ..Block::default() });
        assert!(
            findings_in(&RULE, &text).contains("All 2 Ps are busy, 58 goroutines waiting (29 per P)"),
            "{}",
            findings_in(&RULE, &text)
        );
    }

    #[test]
    fn without_local_queues_the_numbers_are_a_lower_bound() {
        let log = sched_lines(20, 2, 0.1, |_| (0, 58)).replace(" [0 0]", " gcwaiting=0 nmidlelocked=0");
        assert!(findings_in(&RULE, &log).contains("at least 58 goroutines waiting"), "{}", findings_in(&RULE, &log));
    }
}
