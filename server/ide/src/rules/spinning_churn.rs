//! ## What it looks for
//!
//! Spinning threads in at least 60 % of the samples in which fewer than half of the Ps are busy and fewer goroutines wait
//! than there are Ps; 20 such samples or more.
//!
//! ## Why it matters
//!
//! A spinning thread searches for work and uses CPU without running any. Where work comes in drips, each drop wakes a
//! searcher, and a program that does little uses a whole CPU.
//!
//! ## What to do next
//!
//! Let work come in larger portions (batches, longer timer periods), or lower GOMAXPROCS, which limits how many threads
//! may search.
//!
//! ```sh
//! # how much of the CPU the search takes: look for runtime.findRunnable
//! go tool pprof -top 'http://HOST/debug/pprof/profile?seconds=30'
//! ```
//!
//! ## Limits
//!
//! Off by default. Measured: at most one sample in ten in healthy programs, one in three under a throttled quota.
//! `needspinning=1` (Go 1.20 and later) says something else and is no problem by itself. Go 1.2 and 1.3 print the number in
//! blocks of scheddetail only and are not judged.
//!
//! ## Example
//!
//! ```text
//! SCHED 2213ms: gomaxprocs=8 idleprocs=6 threads=12 spinningthreads=1 idlethreads=5 runqueue=0 [0 0 0 0 0 0 0 0]
//! ```

use tracelog::catalog::sched;

use super::evidence::{Bound, Test};
use super::samples::place;
use super::{Check, Finding, Findings, Kind, Limit, Limits, Related, Rule, Severity, limit};
use crate::derived::busy;
use crate::rules::run_queue_growing::waiting;
use crate::view::RunView;
use crate::words::percent;

/// SC107.
pub(crate) static RULE: Rule = Rule {
    code: "SC107",
    slug: "spinning-churn",
    title: "Threads search for work that is not there",
    severity: Severity::Info,
    kind: Kind::Off,
    reads: &[sched::SPINNINGTHREADS],
    limits: LIMITS,
    check: Check::Run(check),
};

const LIMITS: &[Limit] = &[
    limit("min_samples", 20.0, "samples", "Fewest samples with little to do."),
    limit("min_share", 0.6, "of the samples", "Share of them in which a thread spins."),
    limit("max_busy", 0.5, "of the Ps", "Share of busy Ps from which on there is enough to do."),
];

fn check(run: &RunView, limits: &Limits, out: &mut Findings) {
    let samples = &run.samples;
    let is_quiet = |row: &usize| {
        samples.spinningthreads[*row].is_finite()
            && busy(samples, *row) < limits.get("max_busy")
            && waiting(samples, *row) < samples.gomaxprocs[*row]
    };
    let quiet: Vec<usize> = (0..samples.len()).filter(is_quiet).collect();
    let spinning: Vec<usize> = quiet.iter().copied().filter(|&row| samples.spinningthreads[row] > 0.0).collect();
    let (Some(&first), Some(&last)) = (spinning.first(), spinning.last()) else { return };
    let share = spinning.len() as f64 / quiet.len() as f64;
    let mut test = Test::default();
    let enough = test.data("samples with little to do", quiet.len() as f64, limits.get("min_samples"), "");
    let is_most = test.value("share with a spinning thread", share, Bound::AtLeast(limits.get("min_share")), "");
    if !enough || !is_most {
        return out.declined(&RULE, Some(run.run), test);
    }
    let most = spinning.iter().rev().copied();
    let worst =
        most.max_by(|&a, &b| samples.spinningthreads[a].total_cmp(&samples.spinningthreads[b])).unwrap_or(first);
    let related = [("first", first), ("last", last)].into_iter().filter(|(_, row)| *row != worst);
    out.push(Finding {
        run: Some(run.run),
        place: place(run, worst, sched::SPINNINGTHREADS),
        message: format!(
            "Threads spin in {} of {} samples with little to do ({}), up to {:.0} at once.",
            spinning.len(),
            quiet.len(),
            percent(share),
            samples.spinningthreads[worst],
        ),
        related: related
            .map(|(what, row)| Related {
                place: place(run, row, sched::SPINNINGTHREADS),
                text: format!("{what}: {:.0} spinning at {:.1} s", samples.spinningthreads[row], samples.at_s[row]),
            })
            .collect(),
        count: spinning.len(),
        numbers: vec![("share", share), ("spinningthreads", samples.spinningthreads[worst])],
        test,
        ..Finding::about(&RULE)
    });
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;
    use crate::rules::fixture::{check, findings_in, sched_lines};

    /// Samples of four Ps of which one is busy; in six of ten, or in another share, a thread spins.
    fn spinning(n: u64, of_ten: u64) -> String {
        let lines = sched_lines(n, 4, 0.1, |_| (3, 0));
        let with = |(line, idx): (&str, u64)| {
            if idx % 10 < of_ten {
                line.replace("spinningthreads=0", "spinningthreads=1") + "\n"
            } else {
                format!("{line}\n")
            }
        };
        lines.lines().zip(0..).map(with).collect()
    }

    #[test]
    fn threads_that_spin_nearly_always() {
        check(
            &RULE,
            &spinning(30, 7),
            expect![[r#"
            1:spinningthreads Info SC107: Threads spin in 21 of 30 samples with little to do (70 %), up to 1 at once.
              27:spinningthreads last: 1 spinning at 2.6 s
        "#]],
        );
    }

    #[test]
    fn silent_just_below_each_limit() {
        assert_ne!(findings_in(&RULE, &spinning(20, 6)), "");
        assert_eq!(findings_in(&RULE, &spinning(19, 10)), "", "nineteen samples");
        assert_eq!(findings_in(&RULE, &spinning(30, 5)), "", "half of them");
        assert_eq!(
            findings_in(&RULE, &spinning(30, 9).replace("idleprocs=3", "idleprocs=2")),
            "",
            "half of the Ps are busy"
        );
        assert_eq!(findings_in(&RULE, &spinning(30, 9).replace("runqueue=0", "runqueue=4")), "", "goroutines wait");
        assert_eq!(
            findings_in(&RULE, &spinning(30, 9).replace(" spinningthreads=1", "").replace(" spinningthreads=0", "")),
            "",
            "Go 1.2"
        );
    }
}
