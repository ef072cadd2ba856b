//! ## What it looks for
//!
//! Scheduler samples that come far too late: at least twice the usual time after the one before, and at least 50 ms later
//! than usual. Three such gaps are reported, or two when they are 5 % of the samples.
//!
//! ## Why it matters
//!
//! The thread that prints the samples (sysmon) needs no P and is not stopped with the world. When it is late, the process
//! as a whole did not run: its container was throttled, the host had no CPU for it, the machine was suspended, or whoever
//! reads its standard error did not. Pauses and slow requests at such a time say nothing about the program.
//!
//! ## What to do next
//!
//! ```sh
//! # whether the container was throttled: nr_throttled and throttled_usec
//! cat /sys/fs/cgroup/cpu.stat
//! ```
//!
//! ```sh
//! # whether tasks of the host wait for CPU
//! cat /proc/pressure/cpu
//! ```
//!
//! ## Limits
//!
//! A sample whose line was lost leaves a gap too, of a whole number of periods. Such gaps are not counted where that can
//! be told, which is for periods of 100 ms and more. On a host with twice as many busy threads as CPUs the latest sample
//! was 1.6 periods behind the one before; with periods of 10 ms, where sysmon's own sleep is as long, the 50 ms decide.
//!
//! ## Example
//!
//! ```text
//! SCHED 1005ms: gomaxprocs=4 idleprocs=0 threads=8 spinningthreads=0 idlethreads=1 runqueue=2 [1 2 0 0]
//! SCHED 1361ms: gomaxprocs=4 idleprocs=0 threads=8 spinningthreads=0 idlethreads=1 runqueue=2 [1 2 0 0]
//! ```

use tracelog::catalog::sched;

use super::evidence::{Bound, Test};
use super::point::{Hit, Words};
use super::samples::{place, report_tested};
use super::{Check, Findings, Kind, Limit, Limits, Rule, Severity, limit};
use crate::stats::median;
use crate::view::{RunView, Samples};
use crate::words::ms;

/// SC114.
pub(crate) static RULE: Rule = Rule {
    code: "SC114",
    slug: "sample-late",
    title: "The process did not run when a sample was due",
    severity: Severity::Info,
    kind: Kind::Point,
    reads: &[sched::AT_MS],
    limits: LIMITS,
    check: Check::Run(check),
};

const LIMITS: &[Limit] = &[
    limit("min_samples", 10.0, "samples", "Shorter runs are not judged."),
    limit("min_factor", 2.0, "periods", "How many times the usual gap a late one is."),
    limit("min_late_ms", 50.0, "ms", "How much later than usual it is.").in_latency(25.0),
    limit("min_count", 3.0, "gaps", "How many are reported."),
    limit("min_share", 0.05, "of the samples", "Share of the samples of which two are reported too."),
];

/// sysmon sleeps up to so long between its rounds.
const SYSMON_MS: f64 = 10.0;

/// Shortest period in which a gap of whole periods can be told from others.
const MIN_WHOLE_MS: f64 = 100.0;

fn check(run: &RunView, limits: &Limits, out: &mut Findings) {
    let samples = &run.samples;
    let rows: Vec<usize> = (0..samples.len()).filter(|&row| samples.at_s[row].is_finite()).collect();
    let gaps: Vec<(usize, f64)> =
        rows.windows(2).map(|pair| (pair[1], 1000.0 * (samples.at_s[pair[1]] - samples.at_s[pair[0]]))).collect();
    let Some(usual_ms) = median(&gaps.iter().map(|(_, gap_ms)| *gap_ms).collect::<Vec<_>>()) else { return };
    let mut test = Test::default();
    if !test.data("samples", rows.len() as f64, limits.get("min_samples"), "") {
        return out.declined(&RULE, Some(run.run), test);
    }
    // Two streams that are dealt to one run.
    if usual_ms <= 0.0 {
        return;
    }
    let nominal_ms = ((usual_ms / SYSMON_MS).round() * SYSMON_MS).max(SYSMON_MS);
    let is_late = |gap_ms: f64| {
        gap_ms >= limits.get("min_factor") * nominal_ms && gap_ms - nominal_ms >= limits.get("min_late_ms")
    };
    let late: Vec<(usize, f64)> =
        gaps.iter().copied().filter(|&(_, gap_ms)| is_late(gap_ms) && !is_lost(gap_ms, usual_ms)).collect();
    let n = late.len() as f64;
    let by_share = n >= 2.0 && n >= limits.get("min_share") * rows.len() as f64;
    let needed = if by_share { 2.0 } else { limits.get("min_count") };
    if !test.value("late samples", n, Bound::AtLeast(needed), "") {
        return out.declined(&RULE, Some(run.run), test);
    }
    let hits: Vec<Hit> =
        late.iter().map(|&(row, gap_ms)| Hit { row, place: place(run, row, sched::AT_MS), weight: gap_ms }).collect();
    let lost_ms: f64 = late.iter().map(|(_, gap_ms)| gap_ms - nominal_ms).sum();
    let seen = |idx: usize| format!("{} after the one before", ms(hits[idx].weight));
    report_tested(out, &RULE, run.run, &hits, seen, test, |worst| Words {
        severity: Severity::Info,
        message: format!(
            "{} of {} samples came late: at worst {} after the one before instead of {}, {} late altogether; the process \
             did not run then, or nobody read its output.",
            hits.len(),
            rows.len(),
            ms(hits[worst].weight),
            ms(nominal_ms),
            ms(lost_ms),
        ),
        numbers: vec![
            ("gap_ms", hits[worst].weight),
            ("nominal_ms", nominal_ms),
            ("late", n),
            ("late_altogether_ms", lost_ms),
        ],
    });
}

/// The samples that came so much later than usual, for rules that look for a rhythm in them.
pub(crate) fn late_samples(samples: &Samples, min_late_ms: f64) -> Vec<usize> {
    let rows: Vec<usize> = (0..samples.len()).filter(|&row| samples.at_s[row].is_finite()).collect();
    let gaps: Vec<(usize, f64)> =
        rows.windows(2).map(|pair| (pair[1], 1000.0 * (samples.at_s[pair[1]] - samples.at_s[pair[0]]))).collect();
    let all_ms: Vec<f64> = gaps.iter().map(|(_, gap_ms)| *gap_ms).collect();
    let Some(usual_ms) = median(&all_ms).filter(|usual_ms| *usual_ms > 0.0) else { return Vec::new() };
    gaps.into_iter().filter(|(_, gap_ms)| gap_ms - usual_ms >= min_late_ms).map(|(row, _)| row).collect()
}

/// Whether a gap is a whole number of usual ones, as it is where the lines of samples were lost.
fn is_lost(gap_ms: f64, usual_ms: f64) -> bool {
    let periods = (gap_ms / usual_ms).round();
    // Each period varies by half of sysmon's sleep either way.
    let slack_ms = SYSMON_MS / 2.0 * (1.0 + periods.sqrt());
    usual_ms >= MIN_WHOLE_MS && periods >= 2.0 && (gap_ms - periods * usual_ms).abs() <= slack_ms
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;
    use crate::rules::fixture::{check, findings_in, sched_lines, view, why_not};

    /// Samples with these gaps, ms.
    fn gaps(gaps: impl IntoIterator<Item = u64>) -> String {
        let mut at_ms = 0;
        let gaps: Vec<u64> = gaps.into_iter().collect();
        let lines = sched_lines(gaps.len() as u64, 2, 1.0, |_| (1, 0));
        lines
            .lines()
            .zip(gaps)
            .map(|(line, gap)| {
                at_ms += gap;
                format!("SCHED {at_ms}ms:{}\n", line.split_once(':').unwrap().1)
            })
            .collect()
    }

    #[test]
    fn samples_that_come_far_too_late() {
        check(
            &RULE,
            &gaps((0..60).map(|idx| match idx {
                10 => 356,
                25 => 1240,
                40 => 270,
                _ => 100 + idx % 3,
            })),
            expect![[r#"
                26:at_ms Info SC114: 3 of 60 samples came late: at worst 1.2 s after the one before instead of 100 ms, 1.6 s late altogether; the process did not run then, or nobody read its output.
                  11:at_ms first: 356 ms after the one before
                  41:at_ms next worst: 270 ms after the one before
                  further 11:at_ms, 41:at_ms
            "#]],
        );
    }

    #[test]
    fn just_below_each_limit() {
        let late = |n: u64, gap: u64, usual: u64, of: u64| {
            gaps((0..of).map(move |idx| if idx % 20 == 7 && idx / 20 < n { gap } else { usual }))
        };
        assert_ne!(findings_in(&RULE, &late(3, 235, 100, 100)), "");
        assert_eq!(findings_in(&RULE, &late(2, 235, 100, 100)), "", "two of a hundred");
        assert_ne!(findings_in(&RULE, &late(2, 235, 100, 40)), "", "5 %");
        assert_eq!(findings_in(&RULE, &late(3, 190, 100, 100)), "", "1.9 periods");
        assert_eq!(findings_in(&RULE, &late(4, 55, 10, 200)), "", "45 ms");
        assert_ne!(findings_in(&RULE, &late(4, 65, 10, 200)), "");
        assert_eq!(findings_in(&RULE, &gaps([100, 100, 370, 100, 370, 100, 370, 100, 100])), "", "nine samples");
    }

    #[test]
    fn lost_lines_are_no_late_samples() {
        let text = sched_lines(100, 2, 0.5, |_| (1, 0));
        let lost: String =
            text.lines().enumerate().filter(|(idx, _)| idx % 9 > 1).map(|(_, line)| format!("{line}\n")).collect();
        assert_eq!(findings_in(&RULE, &lost), "");
    }

    #[test]
    fn says_why_not() {
        expect![[r#"
            ✓ samples: 40 (≥ 10 needed)
            ✗ late samples: 0 (≥ 3 needed)
        "#]]
        .assert_eq(&why_not(&RULE, &view(&gaps([100; 40]))));
        assert_eq!(why_not(&RULE, &view("")), "");
    }
}
