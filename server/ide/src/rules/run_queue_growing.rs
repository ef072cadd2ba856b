//! ## What it looks for
//!
//! A backlog of runnable goroutines that grows over ten samples or more: a clear rising trend (Mann–Kendall, p < 0.01,
//! tau ≥ 0.6), by at least four goroutines per P, to at least twice its size. Looked for in the run as a whole and in
//! every stretch in which more goroutines wait than there are Ps.
//!
//! ## Why it matters
//!
//! Work arrives faster than the Ps finish it. Unlike a long but steady queue this does not settle: waiting times grow
//! until something is shed, times out, or runs out of memory.
//!
//! ## What to do next
//!
//! Compare the arrival rate with what the Ps can do: a CPU profile shows where their time goes, `gomaxprocs` against the
//! real share of CPUs whether there are too few. A backlog that begins with a GC cycle points at marking and assists
//! (`gc-cpu-high`). Limit concurrency where the work comes in.
//!
//! ```sh
//! # thirty seconds of CPU profile, opened in the browser
//! go tool pprof -http=: 'http://HOST/debug/pprof/profile?seconds=30'
//! ```
//!
//! ## Limits
//!
//! Samples are snapshots, so a queue that fills and drains between two of them is not seen. With `scheddetail=1` the
//! queues of the Ps stand on lines of their own: where one of these is missing, the numbers are a lower bound, and the
//! message says "at least".
//!
//! ## Example
//!
//! ```text
//! SCHED 1047ms: gomaxprocs=2 idleprocs=0 threads=4 spinningthreads=0 idlethreads=1 runqueue=114 [12 204]
//! SCHED 5236ms: gomaxprocs=2 idleprocs=0 threads=4 spinningthreads=0 idlethreads=1 runqueue=3356 [8 220]
//! ```

use tracelog::catalog::{gc, sched};

use super::evidence::{Bound, Test};
use super::{Check, Finding, Findings, Kind, Limit, Limits, Place, Related, Rule, Severity, limit};
use crate::derived::{cycle_wall_ms, runnable};
use crate::stats::{mann_kendall, median};
use crate::view::{RunView, Samples};
use crate::words::span;

/// SC102.
pub(crate) static RULE: Rule = Rule {
    code: "SC102",
    slug: "run-queue-growing",
    title: "The backlog of runnable goroutines grows",
    severity: Severity::Warning,
    kind: Kind::Trend,
    reads: &[sched::RUNQUEUE, sched::LOCAL_RUNQUEUES],
    limits: LIMITS,
    check: Check::Run(check),
};

const LIMITS: &[Limit] = &[
    limit("min_samples", 10.0, "samples", "Fewest samples in a stretch."),
    limit("max_p", 0.01, "", "Largest probability of the trend by chance."),
    limit("min_tau", 0.6, "", "Weakest trend: rising pairs less falling ones, as a share of all."),
    limit("min_gain", 4.0, "goroutines per P", "Smallest growth from the first fifth to the last.").in_latency(2.0),
    limit("min_factor", 2.0, "times", "How many times the first fifth the last must be."),
];

/// The trend test costs the square of its points, so a stretch is cut into so many parts.
const MAX_PARTS: usize = 20;

fn check(run: &RunView, limits: &Limits, out: &mut Findings) {
    let samples = &run.samples;
    let Some(mut growth) = growths(samples, limits).into_iter().max_by_key(|growth| growth.rows.len()) else {
        // Why the run as a whole does not.
        let rows = whole(samples);
        if let Some(test) = growth(samples, &rows, limits).err().filter(|_| !rows.is_empty()) {
            out.declined(&RULE, Some(run.run), test);
        }
        return;
    };
    let (Some(&first), Some(&last)) = (growth.rows.first(), growth.rows.last()) else { return };
    let n_samples = growth.rows.len();
    let place = |row: usize| Place { line: samples.line[row], field: Some(sched::RUNQUEUE) };
    let seconds = samples.at_s[last] - samples.at_s[first];
    let mut related: Vec<Related> = [("first", first), ("last", last)]
        .map(|(what, row)| Related {
            place: place(row),
            text: format!("{what}: {:.0} runnable at {:.1} s", waiting(samples, row), samples.at_s[row]),
        })
        .into();
    related.extend(gc_in(run, samples.at_s[first], samples.at_s[last]));
    out.push(Finding {
        severity: Severity::Warning,
        run: Some(run.run),
        place: place(growth.evident),
        message: format!(
            "Backlog grows: {}{:.0} → {:.0} runnable in {} ({} samples, tau {:.2}).",
            if is_lower_bound(samples, first) { "at least " } else { "" },
            growth.early,
            growth.late,
            span(seconds),
            n_samples,
            growth.tau,
        ),
        related,
        count: n_samples,
        numbers: vec![
            ("runnable_early", growth.early),
            ("runnable_late", growth.late),
            ("span_s", seconds),
            ("tau", growth.tau),
        ],
        test: std::mem::take(&mut growth.test),
        ..Finding::about(&RULE)
    });
}

/// Runnable goroutines that wait: all queues, or the global one where only that is printed.
pub(super) fn waiting(samples: &Samples, row: usize) -> f64 {
    if is_lower_bound(samples, row) { samples.runqueue[row] } else { runnable(samples, row) }
}

/// Whether the local queues are missing, so that [`waiting`] is too small.
pub(super) fn is_lower_bound(samples: &Samples, row: usize) -> bool {
    samples.local_sum[row].is_nan()
}

/// A stretch of samples over which the backlog grows.
pub(super) struct Growth {
    /// Its samples, by row; torn ones are left out.
    pub(super) rows: Vec<usize>,
    /// The row at which the trend was evident.
    evident: usize,
    /// Median backlog of its first and of its last fifth.
    early: f64,
    late: f64,
    tau: f64,
    test: Test,
}

/// Every stretch that grows; `limits` are those of this rule.
pub(super) fn growths(samples: &Samples, limits: &Limits) -> Vec<Growth> {
    let rows = whole(samples);
    // More goroutines wait than there are Ps.
    let is_backlog = |row: usize| waiting(samples, row) > samples.gomaxprocs[row];
    let stretches = rows.chunk_by(|&a, &b| is_backlog(a) == is_backlog(b));
    let is_long = |stretch: &[usize]| stretch.len() as f64 >= limits.get("min_samples");
    let backlogs = stretches.filter(|stretch| is_backlog(stretch[0]) && stretch.len() < rows.len() && is_long(stretch));
    std::iter::once(&rows[..]).chain(backlogs).filter_map(|rows| growth(samples, rows, limits).ok()).collect()
}

/// Samples that are not torn.
fn whole(samples: &Samples) -> Vec<usize> {
    let is_whole = |&row: &usize| (waiting(samples, row) + samples.gomaxprocs[row]).is_finite();
    (0..samples.len()).filter(is_whole).collect()
}

/// The growth over a stretch, or why it is none.
fn growth(samples: &Samples, rows: &[usize], limits: &Limits) -> Result<Growth, Test> {
    let mut test = Test::default();
    let min_samples = limits.get("min_samples").max(2.0);
    if !test.data("samples", rows.len() as f64, min_samples, "") {
        return Err(test);
    }
    let backlog: Vec<f64> = rows.iter().map(|&row| waiting(samples, row)).collect();
    let min_gain = limits.get("min_gain") * samples.gomaxprocs[rows[0]];
    let step = backlog.len().div_ceil(MAX_PARTS);
    let parts: Vec<f64> = backlog.chunks(step).filter_map(median).collect();
    let measure = |n_parts: usize, test: &mut Test| {
        let backlog = &backlog[..(n_parts * step).min(backlog.len())];
        let fifth = (backlog.len() / 5).max(1);
        let early = median(&backlog[..fifth]).unwrap_or(f64::NAN);
        let late = median(&backlog[backlog.len() - fifth..]).unwrap_or(f64::NAN);
        let trend = mann_kendall(&parts[..n_parts]);
        let (tau, p_rising) = trend.map_or((f64::NAN, f64::NAN), |trend| (trend.tau, trend.p_rising));
        test.value("chance that it rises by accident (p)", p_rising, Bound::Below(limits.get("max_p")), "");
        test.value("how steadily it rises (tau, at most 1)", tau, Bound::AtLeast(limits.get("min_tau")), "");
        test.value("growth from the first fifth to the last", late - early, Bound::AtLeast(min_gain), "goroutines");
        test.value("the last fifth", late, Bound::AtLeast(limits.get("min_factor") * early), "goroutines");
        (early, late, tau)
    };
    let (early, late, tau) = measure(parts.len(), &mut test);
    if !test.holds() {
        return Err(test);
    }
    let is_evident = |n_parts: &usize| {
        let mut test = Test::default();
        let is_long = (n_parts * step).min(backlog.len()) as f64 >= min_samples;
        is_long && {
            measure(*n_parts, &mut test);
            test.holds()
        }
    };
    let evident = (1..parts.len()).find(is_evident).unwrap_or(parts.len());
    let evident = rows[(evident * step).min(rows.len()) - 1];
    Ok(Growth { rows: rows.to_vec(), evident, early, late, tau, test })
}

/// The collection that was in progress during at least half of the time, if one was.
fn gc_in(run: &RunView, from_s: f64, to_s: f64) -> Option<Related> {
    let cycles = &run.cycles;
    let row = (0..cycles.len()).find(|&row| {
        let start = cycles.at_s[row];
        let end = start + cycle_wall_ms(cycles, row) / 1000.0;
        end.min(to_s) - start.max(from_s) >= 0.5 * (to_s - from_s)
    })?;
    let text = format!("starts with gc {}, mark ran {:.0} ms", cycles.n[row], cycles.mark_ms[row]);
    Some(Related { place: Place { line: cycles.line[row], field: Some(gc::WALL_MARK_MS) }, text })
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;
    use crate::rules::fixture::{check, findings_in, sched_lines, view, why_not};

    #[test]
    fn a_backlog_that_grows_all_the_time() {
        check(
            &RULE,
            &sched_lines(40, 2, 0.1, |idx| (0, 5 + 3 * idx)),
            expect![[r#"
            12:runqueue Warning SC102: Backlog grows: 16 → 112 runnable in 3.9 s (40 samples, tau 1.00).
              1:runqueue first: 5 runnable at 0.0 s
              40:runqueue last: 122 runnable at 3.9 s
        "#]],
        );
    }

    #[test]
    fn finds_the_stretch_in_a_run_that_recovered() {
        let backlog = |idx| if (100..130).contains(&idx) { 4 + 2 * (idx - 100) } else { idx % 2 };
        check(
            &RULE,
            &sched_lines(300, 2, 0.1, |idx| (0, backlog(idx))),
            expect![[r#"
            112:runqueue Warning SC102: Backlog grows: 9 → 57 runnable in 2.9 s (30 samples, tau 1.00).
              101:runqueue first: 4 runnable at 10.0 s
              130:runqueue last: 62 runnable at 12.9 s
        "#]],
        );
    }

    #[test]
    fn silent_just_below_each_limit() {
        let growing = |n, gain: u64, base: u64| {
            findings_in(&RULE, &sched_lines(n, 2, 0.1, |idx| (0, base + gain * idx / (n - 1))))
        };
        assert_eq!(growing(9, 400, 3), "", "nine samples");
        assert_ne!(growing(10, 400, 3), "");
        assert_eq!(growing(40, 8, 3), "", "gain of less than four per P between the fifths");
        assert_eq!(growing(40, 50, 50), "", "less than twice the beginning");
        assert_ne!(growing(40, 50, 10), "");
    }

    #[test]
    fn says_why_not() {
        expect![[r#"
            ✓ samples: 40 (≥ 10 needed)
            ✓ chance that it rises by accident (p): less than 0.001 (below 0.01 needed)
            ✓ how steadily it rises (tau, at most 1): 1 (≥ 0.6 needed)
            ✓ growth from the first fifth to the last: 32 goroutines (≥ 8 needed)
            ✗ the last fifth: 85.5 goroutines (≥ 107 needed)
        "#]]
        .assert_eq(&why_not(&RULE, &view(&sched_lines(40, 2, 0.1, |idx| (0, 50 + idx)))));
        expect![[r#"
            ✗ samples: 4 (≥ 10 needed)
        "#]]
        .assert_eq(&why_not(&RULE, &view(&sched_lines(4, 2, 0.1, |idx| (0, 50 + idx)))));
        assert_eq!(why_not(&RULE, &view("")), "");
    }

    #[test]
    fn torn_samples_are_left_out() {
        let whole = sched_lines(40, 2, 0.1, |idx| (0, 5 + 3 * idx));
        let torn = whole.replacen(" runqueue=14 [0 0]", "", 1);
        assert_ne!(whole, torn);
        assert!(findings_in(&RULE, &torn).contains("(39 samples"), "{}", findings_in(&RULE, &torn));
        let none = whole.replace(" runqueue=", " ");
        assert_eq!(findings_in(&RULE, &none), "");
    }

    #[test]
    fn silent_for_a_long_but_steady_queue_and_for_one_step() {
        assert_eq!(findings_in(&RULE, &sched_lines(60, 2, 0.1, |idx| (0, 58 + idx * 7 % 5))), "");
        assert_eq!(findings_in(&RULE, &sched_lines(60, 2, 0.1, |idx| (0, if idx < 30 { 0 } else { 60 }))), "");
        assert_eq!(findings_in(&RULE, &sched_lines(60, 2, 0.1, |_| (2, 0))), "");
    }

    #[test]
    fn without_local_queues_the_numbers_are_a_lower_bound() {
        let log = sched_lines(40, 2, 0.1, |idx| (0, 5 + 3 * idx)).replace(" [0 0]", " gcwaiting=0 nmidlelocked=0");
        assert!(findings_in(&RULE, &log).contains("Backlog grows: at least "), "{}", findings_in(&RULE, &log));
    }

    #[test]
    fn names_a_collection_that_covers_the_growth() {
        let log = sched_lines(12, 48, 0.05, |idx| (0, 5215 + 600 * idx))
            + "\
gc 17 @0.010s 3%: 0.11+580+0.055 ms clock, 5.3+900/13000/0+2.6 ms cpu, 4100->4900->2300 MB, 4600 MB goal, 48 P
";
        assert!(findings_in(&RULE, &log).contains("13:wall_mark_ms starts with gc 17, mark ran 580 ms"), "{log}");
        let elsewhere = log.replace("@0.010s", "@7.010s");
        assert!(!findings_in(&RULE, &elsewhere).contains("gc 17"));
    }
}
