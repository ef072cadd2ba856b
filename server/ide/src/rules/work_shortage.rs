//! ## What it looks for
//!
//! Three quarters of the Ps or more are idle in at least 80 % of the samples, and hardly anything waits for one.
//!
//! ## Why it matters
//!
//! During a load test it says that the program cannot use its CPUs: it waits for something else, a lock, a database, the
//! one goroutine that all work goes through. Of a program that has nothing to do it says nothing.
//!
//! ## What to do next
//!
//! See what the goroutines wait for.
//!
//! ```sh
//! # all goroutines with their stacks, to open here
//! curl -so goroutines.txt 'http://HOST/debug/pprof/goroutine?debug=2'
//! ```
//!
//! ```sh
//! # where goroutines wait for locks; needs runtime.SetMutexProfileFraction
//! go tool pprof -top 'http://HOST/debug/pprof/mutex?seconds=30'
//! ```
//!
//! ## Limits
//!
//! Off by default, because a log does not say whether there was load.
//!
//! ## Example
//!
//! ```text
//! SCHED 5030ms: gomaxprocs=8 idleprocs=7 threads=10 spinningthreads=0 idlethreads=5 runqueue=0 [0 0 0 0 0 0 0 0]
//! ```

use tracelog::catalog::sched;

use super::evidence::{Bound, Test};
use super::samples::place;
use super::{Check, Finding, Findings, Kind, Limit, Limits, Related, Rule, Severity, limit};
use crate::rules::run_queue_growing::waiting;
use crate::stats::median;
use crate::view::RunView;
use crate::words::percent;

/// SC109.
pub(crate) static RULE: Rule = Rule {
    code: "SC109",
    slug: "work-shortage",
    title: "Most Ps have nothing to do",
    severity: Severity::Hint,
    kind: Kind::Off,
    reads: &[sched::IDLEPROCS],
    limits: LIMITS,
    check: Check::Run(check),
};

const LIMITS: &[Limit] = &[
    limit("min_samples", 10.0, "samples", "Shorter runs are not judged."),
    limit("min_idle", 0.75, "of the Ps", "Share of idle Ps."),
    limit("max_runnable_per_p", 0.5, "goroutines per P", "Most that wait."),
    limit("min_share", 0.8, "of the samples", "Share of samples that are so."),
];

fn check(run: &RunView, limits: &Limits, out: &mut Findings) {
    let samples = &run.samples;
    let idle = |row: usize| samples.idleprocs[row] / samples.gomaxprocs[row];
    let whole = |row: &usize| (idle(*row) + waiting(samples, *row)).is_finite();
    let rows: Vec<usize> = (0..samples.len()).filter(whole).collect();
    let is_short = |row: &usize| {
        idle(*row) >= limits.get("min_idle")
            && waiting(samples, *row) <= limits.get("max_runnable_per_p") * samples.gomaxprocs[*row]
    };
    let short: Vec<usize> = rows.iter().copied().filter(is_short).collect();
    let (Some(&first), Some(&last)) = (short.first(), short.last()) else { return };
    let share = short.len() as f64 / rows.len() as f64;
    let mut test = Test::default();
    let enough = test.data("samples", rows.len() as f64, limits.get("min_samples"), "");
    let is_most = test.value("share of samples with most Ps idle", share, Bound::AtLeast(limits.get("min_share")), "");
    if !enough || !is_most {
        return out.declined(&RULE, Some(run.run), test);
    }
    let idle = median(&rows.iter().map(|&row| idle(row)).collect::<Vec<_>>()).unwrap_or(f64::NAN);
    out.push(Finding {
        run: Some(run.run),
        place: place(run, first, sched::IDLEPROCS),
        message: format!(
            "{} of the Ps are idle (median), three quarters or more of them in {} of {} samples: little work, or work that \
             waits for something else.",
            percent(idle),
            short.len(),
            rows.len(),
        ),
        related: vec![Related {
            place: place(run, last, sched::IDLEPROCS),
            text: format!("last: {:.0} of {:.0} Ps idle", samples.idleprocs[last], samples.gomaxprocs[last]),
        }],
        count: short.len(),
        numbers: vec![("share", share), ("idle_share", idle)],
        test,
        ..Finding::about(&RULE)
    });
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;
    use crate::rules::fixture::{check, findings_in, sched_lines};

    #[test]
    fn most_ps_idle_nearly_always() {
        check(
            &RULE,
            &sched_lines(20, 4, 1.0, |idx| (if idx % 5 == 0 { 1 } else { 3 }, 1)),
            expect![[r#"
            2:idleprocs Hint SC109: 75 % of the Ps are idle (median), three quarters or more of them in 16 of 20 samples: little work, or work that waits for something else.
              20:idleprocs last: 3 of 4 Ps idle
        "#]],
        );
    }

    #[test]
    fn silent_just_below_each_limit() {
        assert_ne!(findings_in(&RULE, &sched_lines(10, 4, 1.0, |_| (3, 2))), "");
        assert_eq!(findings_in(&RULE, &sched_lines(9, 4, 1.0, |_| (3, 2))), "", "nine samples");
        assert_eq!(findings_in(&RULE, &sched_lines(20, 4, 1.0, |_| (2, 0))), "", "half of the Ps");
        assert_eq!(findings_in(&RULE, &sched_lines(20, 4, 1.0, |_| (3, 3))), "", "goroutines wait");
        assert_eq!(
            findings_in(&RULE, &sched_lines(20, 4, 1.0, |idx| (3 * (idx % 4).min(1), 0))),
            "",
            "three samples of four"
        );
    }

    #[test]
    fn torn_samples_are_left_out() {
        let torn = sched_lines(20, 4, 1.0, |_| (3, 0)).replace(" idleprocs=3", " idlepr");
        assert_eq!(findings_in(&RULE, &torn), "");
        let busy = sched_lines(20, 4, 1.0, |idx| (if idx < 10 { 3 } else { 0 }, 0));
        assert_eq!(findings_in(&RULE, &busy), "", "half of twenty");
        let torn = busy.replace(" idleprocs=0", " idlepr");
        assert!(findings_in(&RULE, &torn).contains("in 10 of 10 samples"), "{}", findings_in(&RULE, &torn));
    }
}
