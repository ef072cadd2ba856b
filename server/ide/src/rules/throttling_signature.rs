//! ## What it looks for
//!
//! The rhythm of a CPU quota, in one of two places.
//!
//! - Scheduler samples that come 30 ms or more late, again and again 100, 200 or 300 ms after the late one before: at least
//!   ten such distances are within 10 ms of that, and more than chance would put there (a binomial test, p at most 0.0001
//!   where 20 % are expected).
//! - Phases that last just under 100, 200 or 300 ms: of all pauses, and of what marks took beyond their median, at least
//!   five values fall into the last 45 ms before one of these marks, and more of those above 10 ms than chance would put
//!   there (p at most 0.03 where 49 % are expected).
//!
//! ## Why it matters
//!
//! A CPU quota is handed out anew every 100 ms. A process with more running threads than its quota allows uses it up
//! early and is stopped until the period ends, whatever it is doing: in the middle of a mark, or while the world is
//! stopped.
//!
//! ## What to do next
//!
//! ```sh
//! # how often the container was out of CPU quota (nr_throttled, throttled_usec)
//! cat /sys/fs/cgroup/cpu.stat
//! ```
//!
//! Where `nr_throttled` rises, set GOMAXPROCS to the quota. Go 1.25 does so by itself, but only when the main module says
//! `go 1.25` or later and GOMAXPROCS is not set.
//!
//! ## Limits
//!
//! The rhythm of the samples is as good as a proof that something stops the process every 100 ms, but it needs a short period of
//! them (`schedtrace=20`): with 1000 ms a stop of 60 ms is not seen. In six recorded runs that were stopped for 60 of every
//! 100 ms it had 85 to 336 distances, p below 1e-27; in 16 others with late samples p was above 0.1.
//!
//! The phases are a pattern, not a proof: other things take 60 to 100 ms too, and marks that differ by tens of milliseconds
//! hide it: without the samples one of two such runs is told by its phases. Where marking became slower in the course of a run,
//! `mark-starved` is the better evidence. One recorded run whose world was hard to stop (phases of 10 to 250 ms, evenly)
//! would meet a plain majority; the binomial test leaves it out. Quotas with another period than 100 ms are not seen.
//!
//! ## Example
//!
//! ```text
//! gc 41 @12.731s 2%: 0.053+81+0.006 ms clock, 0.21+0.11/155/150+0.024 ms cpu, 118->121->60 MB, 121 MB goal, 0 MB stacks, 0 MB globals, 4 P
//! ```

use tracelog::catalog::{gc, sched};

use super::evidence::{Bound, Confidence, Test};
use super::mark_starved;
use super::phase::Phase;
use super::point::{Hit, Words, as_finding, cycle_name, ms};
use super::sample_late::late_samples;
use super::samples::place;
use super::{Check, Finding, Findings, Kind, Limit, Limits, Place, Related, Rule, Severity, limit};
use crate::stats::{median, thinned};
use crate::view::{Cycles, RunView};

/// GC305.
pub(crate) static RULE: Rule = Rule {
    code: "GC305",
    slug: "throttling-signature",
    title: "The process is stopped in the rhythm of a CPU quota",
    severity: Severity::Info,
    kind: Kind::Point,
    reads: &[gc::WALL_SWEEP_TERM_MS, gc::WALL_MARK_MS, gc::WALL_MARK_TERM_MS, sched::AT_MS],
    limits: LIMITS,
    check: Check::Run(check),
};

const LIMITS: &[Limit] = &[
    limit("period_ms", 100.0, "ms", "Period of the quota."),
    limit("band_ms", 45.0, "ms", "How long before the end of a period counts."),
    limit("min_values", 5.0, "phases", "How many must fall there."),
    limit("long_ms", 10.0, "ms", "From when on a phase is long."),
    limit("max_p", 0.03, "", "Largest chance of so many that counts."),
    limit("late_ms", 30.0, "ms", "How much later than usual a scheduler sample is late."),
    limit("min_distances", 10.0, "distances", "How many late samples must follow another in that rhythm."),
    limit("max_distance_off_ms", 10.0, "ms", "How far from whole periods such a distance may be."),
    limit("max_distance_p", 0.0001, "", "Largest chance of so many distances that counts."),
];

/// Periods that are looked at.
const PERIODS: u32 = 3;

/// Share of long phases that fall into the bands by chance: 135 of the 290 ms from 10 to 300, and a little more.
const BY_CHANCE: f64 = 0.49;

/// Cycles from which the usual mark is taken.
const MAX_USUAL: usize = 4000;

/// A long phase.
struct Long {
    row: usize,
    phase: Phase,
    /// Its time; of a mark what goes beyond the usual.
    ms: f64,
}

fn check(run: &RunView, limits: &Limits, findings: &mut Findings) {
    match in_samples(run, limits) {
        Some(finding) => findings.push(finding),
        None => findings.extend(in_phases(run, limits)),
    }
}

/// The rhythm in the times of late samples: sysmon prints them, and is stopped with the process.
fn in_samples(run: &RunView, limits: &Limits) -> Option<Finding> {
    let samples = &run.samples;
    let (period_ms, off_ms) = (limits.get("period_ms"), limits.get("max_distance_off_ms"));
    let late = late_samples(samples, limits.get("late_ms"));
    let distance_ms = |pair: &[usize]| 1000.0 * (samples.at_s[pair[1]] - samples.at_s[pair[0]]);
    let near: Vec<&[usize]> =
        late.windows(2).filter(|pair| distance_ms(pair) <= f64::from(PERIODS) * period_ms + off_ms).collect();
    let is_in_rhythm = |pair: &&&[usize]| {
        let periods = (distance_ms(pair) / period_ms).round();
        periods >= 1.0 && (distance_ms(pair) - periods * period_ms).abs() <= off_ms
    };
    let in_rhythm: Vec<&[usize]> = near.iter().filter(is_in_rhythm).copied().collect();
    let mut test = Test::default();
    let by_chance = 2.0 * off_ms / period_ms;
    let n = in_rhythm.len();
    let holds = test.data("late samples in the rhythm", n as f64, limits.get("min_distances"), "")
        && test.value(
            &format!("chance of {n} of {}", near.len()),
            chance_of_at_least(n, near.len(), by_chance.clamp(0.0, 1.0)),
            Bound::AtMost(limits.get("max_distance_p")),
            "",
        );
    let (first, last) = (in_rhythm.first()?[0], in_rhythm.last()?[1]);
    if !holds {
        return None;
    }
    let place = |row: usize| place(run, row, sched::AT_MS);
    Some(Finding {
        severity: Severity::Info,
        run: Some(run.run),
        place: place(first),
        message: format!(
            "{} scheduler samples came late, {n} of them {period_ms:.0} ms or a multiple of it after the late one before, \
             between {:.1} and {:.1} s: the process is stopped in the rhythm of a CPU quota.",
            late.len(),
            samples.at_s[first],
            samples.at_s[last],
        ),
        related: vec![Related { place: place(last), text: format!("last: at {:.1} s", samples.at_s[last]) }],
        count: n,
        numbers: vec![
            ("late_samples", late.len() as f64),
            ("in_rhythm", n as f64),
            ("from_s", samples.at_s[first]),
            ("to_s", samples.at_s[last]),
        ],
        test,
        confidence: Some(Confidence::Strong),
        ..Finding::about(&RULE)
    })
}

/// The rhythm in the length of phases.
fn in_phases(run: &RunView, limits: &Limits) -> Option<Finding> {
    let cycles = &run.cycles;
    let long = long(cycles, limits.get("long_ms"));
    let (period_ms, band_ms) = (limits.get("period_ms"), limits.get("band_ms"));
    let ends = (1..=PERIODS).map(|n| f64::from(n) * period_ms);
    let ends: Vec<f64> = ends.collect();
    let is_in_band = |ms: f64| ends.iter().any(|end| (end - band_ms..=*end).contains(&ms));
    let in_band: Vec<&Long> = long.iter().filter(|one| is_in_band(one.ms)).collect();
    let mut test = Test::default();
    let holds = test.data("phases just before the end of a period", in_band.len() as f64, limits.get("min_values"), "")
        && test.value(
            &format!("chance of {} of {} long ones", in_band.len(), long.len()),
            chance_of_at_least(in_band.len(), long.len(), BY_CHANCE),
            Bound::AtMost(limits.get("max_p")),
            "",
        );
    if !holds || in_band.is_empty() {
        return None;
    }
    let starved = mark_starved::starved(run);
    let field = |phase: Phase| if phase == Phase::Mark { Some(gc::WALL_MARK_MS) } else { phase.field() };
    let hits: Vec<Hit> = in_band
        .iter()
        .map(|Long { row, phase, .. }| Hit {
            row: *row,
            place: Place { line: cycles.line[*row], field: field(*phase) },
            weight: phase.series(cycles)[*row],
        })
        .collect();
    let seen = |idx: usize| {
        let Hit { row, weight, .. } = hits[idx];
        format!("{} {} in {}", in_band[idx].phase.name().to_lowercase(), ms(weight), cycle_name(run, row))
    };
    let finding = as_finding(&RULE, run.run, &hits, seen, |_| Words {
        severity: Severity::Info,
        message: format!(
            "{} of {} long phases cluster just under {period_ms:.0} ms or a multiple of it: the pattern of CPU quota \
             throttling.",
            in_band.len(),
            long.len(),
        ),
        numbers: vec![("phases", in_band.len() as f64), ("long_phases", long.len() as f64)],
    });
    let confidence = if starved.is_some() {
        test.fact("marking became slower too (mark-starved)", true);
        Confidence::Strong
    } else {
        Confidence::Moderate
    };
    Some(Finding { test, confidence: Some(confidence), ..finding? })
}

/// Pauses, and what marks took beyond their median, of this length or longer.
fn long(cycles: &Cycles, min_ms: f64) -> Vec<Long> {
    let usual_mark_ms = median(&thinned(&cycles.mark_ms, MAX_USUAL)).unwrap_or(0.0);
    let phases = [(Phase::SweepTermination, 0.0), (Phase::Mark, usual_mark_ms), (Phase::MarkTermination, 0.0)];
    let mut long = Vec::new();
    for (phase, usual_ms) in phases {
        let beyond = phase.times_from(cycles, min_ms).map(|(row, ms)| Long { row, phase, ms: ms - usual_ms });
        long.extend(beyond.filter(|one| one.ms > min_ms));
    }
    long.sort_by_key(|one| one.row);
    long
}

/// The chance that at least `k` of `n` things happen, each of which does with chance `p`.
fn chance_of_at_least(k: usize, n: usize, p: f64) -> f64 {
    // In logarithms: the factors of a long run are out of range.
    let log_choose =
        |k: usize| libm::lgamma(n as f64 + 1.0) - libm::lgamma(k as f64 + 1.0) - libm::lgamma((n - k) as f64 + 1.0);
    (k..=n).map(|k| (log_choose(k) + k as f64 * p.ln() + (n - k) as f64 * (1.0 - p).ln()).exp()).sum::<f64>().min(1.0)
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;
    use crate::rules::fixture::{GcLine, check, findings_in, gc_lines, sched_lines, view};

    /// 100 cycles with marks of 20 ms; the first ones take these ms more.
    fn marks(more_ms: &[f64]) -> String {
        gc_lines(100, |idx| {
            let more = more_ms.get(idx as usize).copied().unwrap_or(0.0);
            GcLine { n: idx + 1, at_s: idx as f64, clock_ms: [0.02, 20.0 + more, 0.01], ..GcLine::default() }
        })
    }

    #[test]
    fn counts_phases_just_under_a_period() {
        check(
            &RULE,
            &marks(&[62.0, 64.0, 61.0, 98.0, 163.0, 70.0]),
            expect![[r#"
            5:wall_mark_ms Info GC305: 6 of 6 long phases cluster just under 100 ms or a multiple of it: the pattern of CPU quota throttling.
              1:wall_mark_ms first: concurrent mark 82 ms in gc 1 @0.000s
              4:wall_mark_ms next worst: concurrent mark 118 ms in gc 4 @3.000s
              further 4:wall_mark_ms, 6:wall_mark_ms, 2:wall_mark_ms, 1:wall_mark_ms, 3:wall_mark_ms
        "#]],
        );
    }

    #[test]
    fn pauses_count_as_they_are() {
        let log = gc_lines(100, |idx| GcLine {
            n: idx + 1,
            at_s: idx as f64,
            clock_ms: [if idx < 3 { 75.0 } else { 0.02 }, 20.0, if (3..5).contains(&idx) { 80.0 } else { 0.01 }],
            ..GcLine::default()
        });
        assert!(findings_in(&RULE, &log).contains("5 of 5 long phases"));
    }

    #[test]
    fn silent_where_it_can_be_chance() {
        assert_ne!(findings_in(&RULE, &marks(&[62.0, 64.0, 61.0, 98.0, 70.0])), "");
        assert_eq!(findings_in(&RULE, &marks(&[62.0, 64.0, 61.0, 98.0, 70.0, 163.0, 12.0])), "", "six of seven");
        assert_eq!(findings_in(&RULE, &marks(&[62.0, 64.0, 61.0, 98.0])), "", "four phases");
        assert_eq!(findings_in(&RULE, &marks(&[62.0, 64.0, 61.0, 98.0, 101.0])), "", "one beyond the period");
        let spread: Vec<f64> = (0..48).map(|idx| 12.0 + 5.0 * f64::from(idx)).collect();
        assert_eq!(findings_in(&RULE, &marks(&spread)), "", "evenly from 12 to 247 ms");
        assert_eq!(findings_in(&RULE, &marks(&[])), "");
    }

    /// Samples every 20 ms of a process that is stopped for 60 ms, at the times that `stops_ms` names.
    fn samples(stops_ms: impl Iterator<Item = u64>) -> String {
        let stops: Vec<u64> = stops_ms.collect();
        let mut at_ms = 0;
        let mut log = String::new();
        while at_ms < 6000 {
            at_ms += 20;
            if let Some(stop) = stops.iter().find(|stop| (**stop..**stop + 60).contains(&at_ms)) {
                at_ms = stop + 60;
            }
            log += &sched_lines(1, 2, 1.0, |_| (1, 0)).replace("SCHED 0ms", &format!("SCHED {at_ms}ms"));
        }
        log
    }

    #[test]
    fn samples_that_are_late_every_100_ms() {
        check(
            &RULE,
            &samples((20..40).map(|n| 100 * n)),
            expect![[r#"
                100:at_ms Info GC305: 20 scheduler samples came late, 19 of them 100 ms or a multiple of it after the late one before, between 2.1 and 4.0 s: the process is stopped in the rhythm of a CPU quota.
                  138:at_ms last: at 4.0 s
            "#]],
        );
    }

    #[test]
    fn samples_that_are_late_now_and_then() {
        assert_ne!(findings_in(&RULE, &samples((20..31).map(|n| 100 * n))), "");
        assert_eq!(findings_in(&RULE, &samples((20..30).map(|n| 100 * n))), "", "nine distances");
        assert_eq!(findings_in(&RULE, &samples((0..40).map(|n| 137 * n))), "", "another rhythm");
        assert_eq!(findings_in(&RULE, &samples((0..5).map(|n| 1000 * n))), "", "too far apart");
    }

    #[test]
    fn silent_for_releases_without_phases() {
        let line = |n| format!("gc{n}(2): 0+82+0 ms, 5 -> 5 MB 107296 -> 107296 (107316-20) objects, 0(0) handoff\n");
        assert_eq!(findings_in(&RULE, &(1..60).map(line).collect::<String>()), "");
    }

    #[test]
    fn slower_marking_makes_it_surer() {
        let log = view(&gc_lines(100, |idx| {
            let is_stopped = idx >= 50 && idx.is_multiple_of(2);
            GcLine {
                n: idx + 1,
                at_s: idx as f64,
                clock_ms: [0.02, if is_stopped { 85.0 } else { 20.0 }, 0.01],
                cpu_ms: [0.0, if is_stopped { 170.0 } else { 40.0 }],
                heap_mb: [118, 120, 60, 121],
                ..GcLine::default()
            }
        }));
        let mut findings = Findings::default();
        super::check(&log.runs[0], &Limits::defaults(LIMITS), &mut findings);
        let confidence = findings.into_vec().pop().and_then(|finding| finding.confidence);
        assert_eq!(confidence, Some(Confidence::Strong));
    }

    #[test]
    fn chances_add_up() {
        assert!((chance_of_at_least(0, 7, 0.45) - 1.0).abs() < 1e-9);
        assert!((chance_of_at_least(5, 5, 0.45) - 0.45_f64.powi(5)).abs() < 1e-12);
        assert!(chance_of_at_least(4000, 9000, 0.45) > 0.5);
        assert_eq!(chance_of_at_least(0, 0, 0.45), 1.0);
    }
}
