//! ## What it looks for
//!
//! Five samples or more in which one local run queue holds 16 goroutines or more, another is empty, the queues are very
//! unequal (Gini coefficient of 0.6 or more), and a P is idle. Only with four Ps or more.
//!
//! ## Why it matters
//!
//! An idle P steals half of the queue of another one. Where that does not happen, work waits beside a P that could do it.
//! With all Ps busy an unequal queue is harmless and not reported.
//!
//! ## What to do next
//!
//! See what keeps the idle Ps from stealing: goroutines locked to threads, a quota that keeps threads from waking up, a
//! stop of the world that takes long.
//!
//! ```sh
//! # five seconds of the scheduler, goroutine by goroutine
//! curl -so trace.out 'http://HOST/debug/pprof/trace?seconds=5' && go tool trace trace.out
//! ```
//!
//! ## Limits
//!
//! Off by default: a single sample often catches a queue before others have stolen from it. The queues and the number of
//! idle Ps are not read at one instant.
//!
//! ## Example
//!
//! ```text
//! SCHED 1523ms: gomaxprocs=4 idleprocs=1 threads=9 spinningthreads=1 idlethreads=3 runqueue=0 [211 0 0 0]
//! ```

use tracelog::catalog::sched;

use super::evidence::{Bound, Test};
use super::point::{Hit, Words};
use super::samples::{place, report_tested};
use super::{Check, Findings, Kind, Limit, Limits, Rule, Severity, limit};
use crate::view::RunView;

/// SC103.
pub(crate) static RULE: Rule = Rule {
    code: "SC103",
    slug: "imbalance",
    title: "One run queue is long beside an idle P",
    severity: Severity::Info,
    kind: Kind::Off,
    reads: &[sched::LOCAL_RUNQUEUES, sched::IDLEPROCS],
    limits: LIMITS,
    check: Check::Run(check),
};

const LIMITS: &[Limit] = &[
    limit("min_gini", 0.6, "", "How unequal the local queues are, from 0 to 1."),
    limit("min_longest", 16.0, "goroutines", "Goroutines in the longest of them."),
    limit("min_samples", 5.0, "samples", "How many are reported."),
    limit("min_procs", 4.0, "Ps", "With fewer Ps it is not looked for."),
];

fn check(run: &RunView, limits: &Limits, out: &mut Findings) {
    let samples = &run.samples;
    let is_unequal = |row: &usize| {
        let row = *row;
        samples.gomaxprocs[row] >= limits.get("min_procs")
            && samples.idleprocs[row] >= 1.0
            && samples.local_max[row] >= limits.get("min_longest")
            && samples.local_min[row] == 0.0
            && samples.local_gini[row] >= limits.get("min_gini")
    };
    let hits: Vec<Hit> = (0..samples.len())
        .filter(is_unequal)
        .map(|row| Hit { row, place: place(run, row, sched::LOCAL_RUNQUEUES), weight: samples.local_max[row] })
        .collect();
    let mut test = Test::default();
    if !test.value(
        "samples with a long queue beside an idle P",
        hits.len() as f64,
        Bound::AtLeast(limits.get("min_samples")),
        "",
    ) {
        return;
    }
    let seen = |idx: usize| {
        let row = hits[idx].row;
        format!("{:.0} of {:.0} in one queue", samples.local_max[row], samples.local_sum[row])
    };
    report_tested(out, &RULE, run.run, &hits, seen, test, |worst| {
        let row = hits[worst].row;
        Words {
            severity: Severity::Info,
            message: format!(
                "{:.0} of {:.0} queued goroutines wait for one P while {:.0} of {:.0} Ps are idle; {} of {} samples are so.",
                samples.local_max[row],
                samples.local_sum[row],
                samples.idleprocs[row],
                samples.gomaxprocs[row],
                hits.len(),
                samples.len(),
            ),
            numbers: vec![
                ("longest", samples.local_max[row]),
                ("gini", samples.local_gini[row]),
                ("samples", hits.len() as f64),
            ],
        }
    });
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;
    use crate::rules::fixture::{check, findings_in, sched_lines};

    /// Twenty samples of four Ps, of which so many have these queues and idle Ps.
    fn queues(n: u64, idle: u64, queues: &str) -> String {
        let lines = sched_lines(20, 4, 0.1, |idx| (if idx < n { idle } else { 0 }, 0));
        let with =
            |(line, idx): (&str, u64)| line.replace("[0 0 0 0]", if idx < n { queues } else { "[1 0 2 0]" }) + "\n";
        lines.lines().zip(0..).map(with).collect()
    }

    #[test]
    fn a_long_queue_beside_an_idle_p() {
        check(
            &RULE,
            &queues(6, 2, "[31 0 1 0]"),
            expect![[r#"
            1:local_runqueues Info SC103: 31 of 32 queued goroutines wait for one P while 2 of 4 Ps are idle; 6 of 20 samples are so.
              2:local_runqueues as bad: 31 of 32 in one queue
              further 2:local_runqueues, 3:local_runqueues, 4:local_runqueues, 5:local_runqueues, 6:local_runqueues
        "#]],
        );
    }

    #[test]
    fn silent_just_below_each_limit() {
        assert_eq!(findings_in(&RULE, &queues(4, 2, "[31 0 1 0]")), "", "four samples");
        assert_ne!(findings_in(&RULE, &queues(5, 1, "[16 0 1 0]")), "");
        assert_eq!(findings_in(&RULE, &queues(6, 0, "[31 0 1 0]")), "", "no P is idle");
        assert_eq!(findings_in(&RULE, &queues(6, 2, "[15 0 0 0]")), "", "fifteen");
        assert_eq!(findings_in(&RULE, &queues(6, 2, "[31 1 1 1]")), "", "none is empty");
        assert_eq!(findings_in(&RULE, &queues(6, 2, "[31 30 0 0]")), "", "two queues are long");
        let three = queues(6, 2, "[31 0 0]").replace("gomaxprocs=4", "gomaxprocs=3");
        assert_eq!(findings_in(&RULE, &three), "", "three Ps");
        assert_eq!(findings_in(&RULE, &queues(6, 2, "gcwaiting=0")), "", "no queues are printed");
    }
}
