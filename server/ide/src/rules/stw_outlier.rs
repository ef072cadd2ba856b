//! ## What it looks for
//!
//! Single pauses of 1 ms or more that are far out of line for their run: at least ten times the median of their phase and
//! a robust z score of 5 or more on a logarithmic scale. Pauses within a second of each other count as one moment.
//!
//! ## Why it matters
//!
//! A run whose pauses are 20 µs and once in a while 6 ms has a tail that no average shows. What happened in those moments
//! is often outside of the collector: a thread that did not get a CPU, a page fault, one goroutine that was slow to stop.
//!
//! ## What to do next
//!
//! Compare the times with what the machine and the program did then: deployments, backups, cron jobs, large requests.
//! When they come back, record one:
//!
//! ```sh
//! # five seconds of execution trace, opened in the browser
//! curl -so t.out 'http://HOST/debug/pprof/trace?seconds=5' && go tool trace t.out
//! ```
//!
//! ## Limits
//!
//! Needs 30 cycles. Silent in runs of which `stw-long` speaks: pauses of 10 ms or more, or many of 1 ms or more, are the
//! same story told louder. Cycles that check for goroutine leaks are left out. What is usual is taken from at most 4,000
//! cycles of a run, evenly spread.
//!
//! ## Example
//!
//! ```text
//! gc 90 @4.470s 0%: 0.041+0.60+0.003 ms clock, 0.082+0/0.31/0.52+0.006 ms cpu, 7->7->3 MB, 8 MB goal, 0 MB stacks, 0 MB globals, 2 P
//! gc 91 @4.520s 0%: 6.5+0.63+0.003 ms clock, 13+0/0.30/0.50+0.006 ms cpu, 7->7->3 MB, 8 MB goal, 0 MB stacks, 0 MB globals, 2 P
//! ```

use tracelog::catalog::gc;

use super::evidence::{Bound, Test};
use super::machine::{LongPhase, origin};
use super::phase::Phase;
use super::point::{Hit, Words, as_finding, cycle_name, ms};
use super::{Check, Finding, Findings, Kind, Limit, Limits, Place, Rule, Severity, limit, stw_long};
use crate::stats::{LogScale, median, thinned};
use crate::view::{Cycles, RunView};
use crate::words::{count, rough};

/// GC302.
pub(crate) static RULE: Rule = Rule {
    code: "GC302",
    slug: "stw-outlier",
    title: "Single pauses are far longer than usual",
    severity: Severity::Info,
    kind: Kind::Point,
    reads: &[gc::WALL_SWEEP_TERM_MS, gc::WALL_MARK_TERM_MS],
    limits: LIMITS,
    check: Check::Run(check),
};

const LIMITS: &[Limit] = &[
    limit("min_cycles", 30.0, "cycles", "Shorter runs are not judged."),
    limit("min_z", 5.0, "", "Robust z score of the pause on a logarithmic scale."),
    limit("min_ms", 1.0, "ms", "Shorter pauses are not reported.").in_latency(0.5),
    limit("factor", 10.0, "times", "How many times the median of its phase a pause must be."),
    limit("apart_s", 1.0, "s", "Pauses closer to each other are one moment."),
];

/// Cycles from which the usual pause is taken.
const MAX_USUAL: usize = 4000;

/// A pause that stands out.
struct Outlier {
    long: LongPhase,
    z: f64,
    usual_ms: f64,
}

fn check(run: &RunView, limits: &Limits, findings: &mut Findings) {
    let cycles = &run.cycles;
    if (cycles.len() as f64) < limits.get("min_cycles") {
        return;
    }
    let is_noticeable = |phase: &Phase| phase.times_from(cycles, limits.get("min_ms")).next().is_some();
    if !Phase::pauses(cycles).iter().any(is_noticeable) || stw_long::speaks(run, limits.preset) {
        return;
    }
    let outliers = outliers(cycles, limits);
    if outliers.is_empty() {
        return;
    }
    let moments = moments(cycles, outliers, limits.get("apart_s"));
    let hits: Vec<Hit> = moments
        .iter()
        .map(|Outlier { long: LongPhase { row, phase, ms: time_ms }, .. }| Hit {
            row: *row,
            place: Place { line: cycles.line[*row], field: phase.field() },
            weight: *time_ms,
        })
        .collect();
    let long: Vec<LongPhase> = moments.iter().map(|moment| moment.long).collect();
    let Some(origin) = origin(cycles, &long, cycles.len()) else { return };
    let mut test = Test::default();
    let seen = |idx: usize| {
        let LongPhase { row, phase, ms: time_ms } = moments[idx].long;
        format!("{} {} in {}", phase.name().to_lowercase(), ms(time_ms), cycle_name(run, row))
    };
    let finding = as_finding(&RULE, run.run, &hits, seen, |worst| {
        let Outlier { long, z, usual_ms } = &moments[worst];
        test.data("cycles", cycles.len() as f64, limits.get("min_cycles"), "");
        test.value("longest pause", long.ms, Bound::AtLeast(limits.get("min_ms")), "ms");
        test.value("out of the ordinary by (robust z)", *z, Bound::AtLeast(limits.get("min_z")), "");
        test.value("times its median", long.ms / usual_ms, Bound::AtLeast(limits.get("factor")), "");
        test.fact(&origin.fact(), true);
        let others =
            if moments.len() > 1 { format!("; {}", count(moments.len(), "such moment")) } else { String::new() };
        let name = long.phase.name();
        let factor = rough(long.ms / usual_ms);
        Words {
            severity: Severity::Info,
            message: format!(
                "{name} stopped the world for {}, {factor} times its median of {}{others}{}.",
                ms(long.ms),
                ms(*usual_ms),
                origin.clause(),
            ),
            numbers: vec![
                ("pause_ms", long.ms),
                ("median_ms", *usual_ms),
                ("z", *z),
                ("moments", moments.len() as f64),
            ],
        }
    });
    if let Some(finding) = finding {
        findings.push(Finding { test, ..finding });
    }
}

/// The pauses that stand out, in the order of the log, at most one a cycle.
fn outliers(cycles: &Cycles, limits: &Limits) -> Vec<Outlier> {
    let (min_ms, min_z, factor) = (limits.get("min_ms"), limits.get("min_z"), limits.get("factor"));
    let mut outliers: Vec<Outlier> = Vec::new();
    for &phase in Phase::pauses(cycles) {
        let candidates: Vec<(usize, f64)> = phase.times_from(cycles, min_ms).collect();
        if candidates.is_empty() {
            continue;
        }
        let usual = thinned(phase.series(cycles), MAX_USUAL);
        let (Some(scale), Some(usual_ms)) = (LogScale::of(&usual), median(&usual)) else { continue };
        let far_out = candidates.into_iter().filter_map(|(row, time_ms)| {
            let z = scale.z(time_ms).filter(|z| *z >= min_z && time_ms >= factor * usual_ms)?;
            Some(Outlier { long: LongPhase { row, phase, ms: time_ms }, z, usual_ms })
        });
        outliers.extend(far_out);
    }
    outliers.sort_by_key(|outlier| outlier.long.row);
    outliers
}

/// The worst of each group of outliers that are close in time.
fn moments(cycles: &Cycles, outliers: Vec<Outlier>, apart_s: f64) -> Vec<Outlier> {
    let mut moments: Vec<Outlier> = Vec::new();
    let mut last_s = f64::NAN;
    for outlier in outliers {
        let at_s = cycles.at_s[outlier.long.row];
        // Without times only the two pauses of one cycle are one moment.
        let is_same_cycle = moments.last().is_some_and(|moment| moment.long.row == outlier.long.row);
        let is_close = is_same_cycle || at_s - last_s <= apart_s;
        last_s = at_s;
        match moments.last_mut().filter(|_| is_close) {
            Some(moment) if moment.long.ms < outlier.long.ms => *moment = outlier,
            Some(_) => {}
            None => moments.push(outlier),
        }
    }
    moments
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;
    use crate::rules::fixture::{GcLine, check, findings_in, gc_lines};

    /// `n` cycles 0.5 s apart with the clock that `clock` gives for their index.
    fn clocks(n: u64, clock: impl Fn(u64) -> [f64; 3]) -> String {
        gc_lines(n, |idx| GcLine { n: idx + 1, at_s: idx as f64 / 2.0, clock_ms: clock(idx), ..GcLine::default() })
    }

    #[test]
    fn groups_what_is_close_in_time() {
        let clock = |idx| match idx {
            20 => [1.5, 1.0, 0.01],
            21 => [4.2, 1.0, 0.01],
            22 => [0.03, 1.0, 2.0],
            60 => [0.03, 1.0, 3.1],
            _ => [0.03, 1.0, 0.01],
        };
        check(
            &RULE,
            &clocks(100, clock),
            expect![[r#"
            22:wall_sweep_term_ms Info GC302: Sweep termination stopped the world for 4.2 ms, 140 times its median of 0.03 ms; 2 such moments; it may be the machine's.
              61:wall_mark_term_ms next worst: mark termination 3.1 ms in gc 61 @30.000s
              further 61:wall_mark_term_ms
        "#]],
        );
    }

    #[test]
    fn silent_just_below_each_limit() {
        let one = |n: u64, usual: f64, ms: f64| clocks(n, |idx| [if idx == 20 { ms } else { usual }, 1.0, 0.01]);
        assert_ne!(findings_in(&RULE, &one(100, 0.03, 1.0)), "");
        assert_eq!(findings_in(&RULE, &one(100, 0.03, 0.99)), "", "below a millisecond");
        assert_eq!(findings_in(&RULE, &one(100, 0.50, 4.9)), "", "less than ten times the median");
        assert_eq!(findings_in(&RULE, &one(29, 0.03, 5.0)), "", "29 cycles");
        // Pauses that spread by a factor of ten anyway.
        let wide = clocks(100, |idx| [0.02 * 1.6_f64.powi((idx % 8) as i32), 1.0, 0.01]);
        assert_eq!(findings_in(&RULE, &wide.replacen("0.02+", "3.0+", 1)), "");
    }

    #[test]
    fn silent_in_runs_whose_pauses_are_reported_already() {
        let clock = |idx| match idx {
            20 => [4.2, 1.0, 0.01],
            60 => [12.0, 1.0, 0.01],
            _ => [0.03, 1.0, 0.01],
        };
        assert_ne!(findings_in(&stw_long::RULE, &clocks(100, clock)), "");
        assert_eq!(findings_in(&RULE, &clocks(100, clock)), "");
        let common = |idx: u64| [if idx.is_multiple_of(12) { 4.2 } else { 0.03 }, 1.0, 0.01];
        assert_ne!(findings_in(&stw_long::RULE, &clocks(100, common)), "");
        assert_eq!(findings_in(&RULE, &clocks(100, common)), "");
    }

    #[test]
    fn leak_checks_do_not_count() {
        let clock = |idx| [if idx == 20 { 4.2 } else { 0.03 }, 1.0, 0.01];
        let log = clocks(100, clock).replace("gc 21 @10.000s 1%:", "gc 21 @10.000s 1% (checking for goroutine leaks):");
        assert_eq!(findings_in(&RULE, &log), "");
    }

    #[test]
    fn before_go_1_5_the_whole_collection_is_compared() {
        let line = |n: u64, us: u64| {
            format!(
                "gc{n}(2): 0+0+{us}+11 us, 0 -> 1 MB, 167 (289-122) objects, 6 goroutines, 39/28/0 sweeps, 7(73) handoff, \
                 2(3) steal, 16/1/0 yields\n"
            )
        };
        let log = |us: u64| (1..60).map(|n| line(n, if n == 40 { us } else { 100 + n % 7 })).collect::<String>();
        let text = findings_in(&RULE, &log(4000));
        assert!(text.starts_with("40 Info GC302: The whole collection stopped the world for 4 ms, 35 times"), "{text}");
        assert_eq!(findings_in(&RULE, &log(900)), "", "below a millisecond");
    }
}
