//! ## What it looks for
//!
//! More than 30 s, and more than ten times the usual gap, between two neighbors among the lines of one process that carry
//! a time (`gc` lines, scheduler samples); or a time that goes back by more than a second while the GC number rises.
//!
//! ## Why it matters
//!
//! Either nothing was allocated in that time, or lines of it are missing, or the whole process or machine stood still
//! (suspended, paused container, moved virtual machine). Rates and shares over such a gap are averages of two different
//! things.
//!
//! ## What to do next
//!
//! Look at the application's own log of that time: when it is silent too, the process did not run. For a container ask
//! whether it was paused:
//!
//! ```sh
//! # when the machine was suspended or the container frozen
//! journalctl --since 'TIME' --until 'TIME' | grep -iE 'suspend|resume|freez|thaw|pause'
//! ```
//!
//! ## Limits
//!
//! The runtime collects an idle program every two minutes (`timer-gc`): gaps up to such a cycle are not reported, nor
//! those in which GC numbers are missing (`gc-number-gap`). Needs five gaps to know what is usual. Go 1.0 to 1.4 print no
//! time on `gc` lines.
//!
//! ## Example
//!
//! ```text
//! gc 31 @12.876s 1%: 0.12+0.37+0.020 ms clock, 0.24+0/0.37/0.66+0.040 ms cpu, 29->29->15 MB, 30 MB goal, 4 P
//! gc 32 @87.120s 1%: 0.11+0.39+0.022 ms clock, 0.23+0/0.38/0.71+0.044 ms cpu, 29->29->15 MB, 30 MB goal, 4 P
//! ```

use tracelog::catalog::{gc, sched};

use super::evidence::{Bound, Test};
use super::point::{Hit, Words, as_finding};
use super::{Check, Finding, Findings, Kind, Limit, Limits, Place, Rule, Severity, limit, timer_gc};
use crate::stats::{median, thinned};
use crate::view::RunView;
use crate::words::{count, rough_span};

/// LG104.
pub(crate) static RULE: Rule = Rule {
    code: "LG104",
    slug: "time-jump",
    title: "A long time without a trace line",
    severity: Severity::Hint,
    kind: Kind::Point,
    reads: &[gc::AT_S, sched::AT_MS],
    limits: LIMITS,
    check: Check::Run(check),
};

const LIMITS: &[Limit] = &[
    limit("min_gap_s", 30.0, "s", "Shortest gap that is reported."),
    limit("factor", 10.0, "times", "How many times the usual gap it must be."),
    limit("min_gaps", 5.0, "gaps", "How many gaps say what is usual."),
    limit("min_back_s", 1.0, "s", "How far the time must go back to be reported."),
];

/// Gaps from which the usual one is taken.
const MAX_USUAL: usize = 4000;

/// A line with a time.
#[derive(Clone, Copy)]
struct Stamp {
    at_s: f64,
    place: Place,
    /// Row among the cycles.
    cycle: Option<usize>,
}

fn check(run: &RunView, limits: &Limits, findings: &mut Findings) {
    let back = times_going_back(run, limits.get("min_back_s"));
    if back.is_empty() { gaps(run, limits, findings) } else { report_back(run, &back, limits, findings) }
}

fn gaps(run: &RunView, limits: &Limits, findings: &mut Findings) {
    let (min_gap_s, factor) = (limits.get("min_gap_s"), limits.get("factor"));
    // Almost no run has one: nothing is put together for the others.
    let is_long = |times: &[f64]| times.windows(2).any(|pair| pair[1] - pair[0] > min_gap_s);
    if !is_long(&run.cycles.at_s) && !is_long(&run.samples.at_s) {
        return;
    }
    let stamps = stamps(run);
    let all: Vec<f64> = stamps.windows(2).map(|pair| pair[1].at_s - pair[0].at_s).collect();
    let Some(usual) = median(&thinned(&all, MAX_USUAL)) else { return };
    let needed_s = min_gap_s.max(factor * usual);
    let (ends_s, hits): (Vec<f64>, Vec<Hit>) = stamps
        .windows(2)
        .filter(|pair| pair[1].at_s - pair[0].at_s > needed_s && !is_explained(run, pair[0], pair[1]))
        .map(|pair| (pair[1].at_s, Hit { row: 0, place: pair[1].place, weight: pair[1].at_s - pair[0].at_s }))
        .unzip();
    let mut test = Test::default();
    let worst_s = hits.iter().map(|hit| hit.weight).fold(f64::NAN, f64::max);
    let holds = test.data("gaps", all.len() as f64, limits.get("min_gaps"), "")
        && test.value("longest gap", worst_s, Bound::Above(needed_s), "s")
        && test.fact("not a periodic collection, and no GC number missing", true);
    if !holds {
        return;
    }
    let seen = |idx: usize| format!("{} without a line before {:.1} s", rough_span(hits[idx].weight), ends_s[idx]);
    let finding = as_finding(&RULE, run.run, &hits, seen, |worst| Words {
        severity: Severity::Hint,
        message: format!(
            "{} without a trace line (typical gap {}){}.",
            rough_span(hits[worst].weight),
            rough_span(usual),
            if hits.len() > 1 { format!("; {} in this run", count(hits.len(), "such gap")) } else { String::new() },
        ),
        numbers: vec![("gap_s", hits[worst].weight), ("typical_gap_s", usual)],
    });
    if let Some(finding) = finding {
        findings.push(Finding { test, ..finding });
    }
}

/// All lines with a time, in the order of their times. The two clocks agree to a few milliseconds.
fn stamps(run: &RunView) -> Vec<Stamp> {
    let cycles = run.cycles.at_s.iter().enumerate().map(|(row, at_s)| Stamp {
        at_s: *at_s,
        place: Place { line: run.cycles.line[row], field: Some(gc::AT_S) },
        cycle: Some(row),
    });
    let samples = run.samples.at_s.iter().enumerate().map(|(row, at_s)| Stamp {
        at_s: *at_s,
        place: Place { line: run.samples.line[row], field: Some(sched::AT_MS) },
        cycle: None,
    });
    let mut stamps: Vec<Stamp> = cycles.chain(samples).filter(|stamp| stamp.at_s.is_finite()).collect();
    stamps.sort_by(|a, b| a.at_s.total_cmp(&b.at_s));
    stamps
}

/// Whether a gap ends with a periodic collection, or holds cycles whose lines are missing.
fn is_explained(run: &RunView, before: Stamp, after: Stamp) -> bool {
    let Some(row) = after.cycle else { return false };
    let is_next = match before.cycle {
        Some(before) => run.cycles.n[before].checked_add(1) == Some(run.cycles.n[row]),
        None => true,
    };
    !is_next || timer_gc::is_periodic(&run.cycles, row)
}

/// Rows at which the time is earlier than at the cycle before although the number is the next one.
fn times_going_back(run: &RunView, min_back_s: f64) -> Vec<(usize, f64)> {
    let cycles = &run.cycles;
    (1..cycles.len())
        .filter(|&row| cycles.n[row - 1].checked_add(1) == Some(cycles.n[row]))
        .map(|row| (row, cycles.at_s[row - 1] - cycles.at_s[row]))
        .filter(|(_, back_s)| *back_s > min_back_s)
        .collect()
}

fn report_back(run: &RunView, back: &[(usize, f64)], limits: &Limits, findings: &mut Findings) {
    let cycles = &run.cycles;
    let hits: Vec<Hit> = back
        .iter()
        .map(|&(row, back_s)| Hit {
            row,
            place: Place { line: cycles.line[row], field: Some(gc::AT_S) },
            weight: back_s,
        })
        .collect();
    let mut test = Test::default();
    let seen = |idx: usize| format!("{} back at gc {}", rough_span(hits[idx].weight), cycles.n[hits[idx].row]);
    let finding = as_finding(&RULE, run.run, &hits, seen, |worst| {
        let (row, back_s) = back[worst];
        test.value("time goes back", back_s, Bound::Above(limits.get("min_back_s")), "s");
        Words {
            severity: Severity::Hint,
            message: format!(
                "The time goes back by {} from gc {} to gc {}: lines of two processes, or a clock that was set back.",
                rough_span(back_s),
                cycles.n[row - 1],
                cycles.n[row],
            ),
            numbers: vec![("back_s", back_s)],
        }
    });
    if let Some(finding) = finding {
        findings.push(Finding { test, ..finding });
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;
    use crate::rules::fixture::{GcLine, check, findings_in, gc_lines, sched_lines};

    /// Cycles at these seconds. Their heap is full, so no clock started them.
    fn at(times_s: impl IntoIterator<Item = f64>) -> String {
        let times_s: Vec<f64> = times_s.into_iter().collect();
        gc_lines(times_s.len() as u64, |idx| GcLine { n: idx + 1, at_s: times_s[idx as usize], ..GcLine::default() })
    }

    /// Twenty cycles a second apart, and twenty more after a pause.
    fn jump(gap_s: f64) -> String {
        at((0..40).map(|idx| f64::from(idx) + if idx < 20 { 0.0 } else { gap_s - 1.0 }))
    }

    #[test]
    fn names_the_longest_gap() {
        check(
            &RULE,
            &jump(74.0),
            expect![[r#"
            21:at_s Hint LG104: 74 s without a trace line (typical gap 1 s).
        "#]],
        );
        let two = at((0..60).map(|idx| f64::from(idx) + 60.0 * f64::from(idx / 20) * f64::from(1 + idx / 20)));
        check(
            &RULE,
            &two,
            expect![[r#"
            41:at_s Hint LG104: 4 min without a trace line (typical gap 1 s); 2 such gaps in this run.
              21:at_s first: 2 min without a line before 140.0 s
              further 21:at_s
        "#]],
        );
    }

    #[test]
    fn silent_just_below_each_limit() {
        assert_ne!(findings_in(&RULE, &jump(31.0)), "");
        assert_eq!(findings_in(&RULE, &jump(30.0)), "");
        let slow = |gap_s: f64| at((0..40).map(|idx| 5.0 * f64::from(idx) + if idx < 20 { 0.0 } else { gap_s - 5.0 }));
        assert_ne!(findings_in(&RULE, &slow(51.0)), "");
        assert_eq!(findings_in(&RULE, &slow(50.0)), "", "ten times the usual gap");
        assert_eq!(findings_in(&RULE, &at([0.0, 1.0, 2.0, 3.0, 80.0])), "", "four gaps");
    }

    #[test]
    fn an_idle_program_is_collected_by_the_clock() {
        let log = jump(121.0);
        assert_ne!(findings_in(&RULE, &log), "");
        assert_eq!(findings_in(&RULE, &log.replacen("gc 21 ", "GC forced\ngc 21 ", 1)), "");
        // Not announced, but nothing was allocated.
        let line = log.lines().find(|line| line.starts_with("gc 21 ")).unwrap();
        assert_eq!(findings_in(&RULE, &log.replace(line, &line.replace("19->20->10 MB", "10->10->10 MB"))), "");
    }

    #[test]
    fn missing_cycles_are_told_by_another_rule() {
        let log: String =
            jump(74.0).lines().filter(|line| !line.starts_with("gc 21 ")).map(|line| format!("{line}\n")).collect();
        assert_eq!(findings_in(&RULE, &log), "");
    }

    #[test]
    fn samples_fill_a_gap_and_have_gaps_of_their_own() {
        let samples = sched_lines(120, 4, 1.0, |_| (4, 0));
        let at_s = |line: &str| -> f64 {
            let number = |text: &str| -> f64 { text.parse().unwrap() };
            match line.split_once("ms:") {
                Some((head, _)) => number(&head["SCHED ".len()..]) / 1000.0,
                None => number(line.split_once('@').unwrap().1.split_once('s').unwrap().0),
            }
        };
        let cycles = jump(74.0);
        let mut both: Vec<&str> = cycles.lines().chain(samples.lines()).collect();
        both.sort_by(|a, b| at_s(a).total_cmp(&at_s(b)));
        assert_eq!(findings_in(&RULE, &(both.join("\n") + "\n")), "");
        let lines: Vec<&str> = samples.lines().collect();
        let with_gap = lines[..40].join("\n") + "\n" + &lines[90..].join("\n") + "\n";
        check(
            &RULE,
            &with_gap,
            expect![[r#"
            41:at_ms Hint LG104: 51 s without a trace line (typical gap 1 s).
        "#]],
        );
    }

    #[test]
    fn silent_for_releases_without_times() {
        let line = |n| format!("gc{n}(2): 0+3+2 ms, 5 -> 5 MB 107296 -> 107296 (107316-20) objects, 0(0) handoff\n");
        assert_eq!(findings_in(&RULE, &(1..60).map(line).collect::<String>()), "");
    }
}
