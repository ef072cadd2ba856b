//! ## What it looks for
//!
//! GOMAXPROCS that differs from the line before: `gomaxprocs` of the scheduler samples, or `P` of the `gc` lines,
//! whichever shows more changes. More than three changes within a minute are a warning.
//!
//! ## Why it matters
//!
//! Each change stops the world, and shares of P-time before and after are not comparable. Since Go 1.25 the runtime
//! follows the CPU limit of its container by itself (when the main module says `go 1.25` or later and GOMAXPROCS is set
//! neither in the environment nor by a call). Otherwise someone called `runtime.GOMAXPROCS`.
//!
//! ## What to do next
//!
//! For a change that was not meant: see whether the container's CPU limit changed at that time, and search for
//! `runtime.GOMAXPROCS` in code and dependencies. `GODEBUG=updatemaxprocs=0` stops the runtime from following.
//!
//! ## Limits
//!
//! A change back and forth between two samples is not seen. Lines of two processes that could not be told apart look the
//! same: silent where `interleaved-processes` speaks.
//!
//! ## Example
//!
//! ```text
//! SCHED 0ms: gomaxprocs=4 idleprocs=3 threads=2 spinningthreads=0 needspinning=0 idlethreads=0 runqueue=0 [0 0 0 0]
//! SCHED 201ms: gomaxprocs=2 idleprocs=1 threads=5 spinningthreads=0 needspinning=0 idlethreads=3 runqueue=0 [0 0]
//! ```

use tracelog::Field;
use tracelog::catalog::{gc, sched};

use super::evidence::{Bound, Test};
use super::point::{Hit, Words};
use super::samples::report_tested;
use super::{Check, Findings, Kind, Limit, Limits, Place, Rule, Severity, limit};
use crate::view::RunView;

/// SC112.
pub(crate) static RULE: Rule = Rule {
    code: "SC112",
    slug: "gomaxprocs-change",
    title: "GOMAXPROCS changed while the program ran",
    severity: Severity::Warning,
    kind: Kind::Point,
    reads: &[gc::PROCS, sched::GOMAXPROCS],
    limits: LIMITS,
    check: Check::Run(check),
};

const LIMITS: &[Limit] =
    &[limit("max_per_minute", 3.0, "changes", "How many changes within a minute are not yet a warning.")];

fn check(run: &RunView, limits: &Limits, findings: &mut Findings) {
    if !run.interleaved.is_empty() {
        return;
    }
    let (samples, cycles) = (&run.samples, &run.cycles);
    let by_sample = changes(&samples.gomaxprocs, &samples.at_s, &samples.line, sched::GOMAXPROCS);
    let by_cycle = changes(&cycles.procs, &cycles.at_s, &cycles.line, gc::PROCS);
    let changes = if by_cycle.len() > by_sample.len() { by_cycle } else { by_sample };
    // Samples and cycles of one process are never at the same time: these are two processes.
    if changes.iter().any(|change| change.after_s <= 0.0) {
        return;
    }

    // `max_per_minute + 1` changes within a minute; times that are absent never are.
    let too_many = (limits.get("max_per_minute") as usize).saturating_add(1);
    let is_flapping = changes.windows(too_many).any(|few| few[too_many - 1].at_s - few[0].at_s <= 60.0);
    let hits: Vec<Hit> = changes.iter().map(Change::hit).collect();
    let mut test = Test::default();
    test.value("changes in this run", hits.len() as f64, Bound::AtLeast(1.0), "");
    report_tested(
        findings,
        &RULE,
        run.run,
        &hits,
        |idx| changes[idx].in_words(),
        test,
        |worst| {
            let total = if hits.len() > 1 { format!("; {} changes in this run", hits.len()) } else { String::new() };
            Words {
                severity: if is_flapping { Severity::Warning } else { Severity::Info },
                message: format!("GOMAXPROCS changed {}{total}.", changes[worst].in_words()),
                numbers: vec![("from", changes[worst].from), ("to", changes[worst].to), ("changes", hits.len() as f64)],
            }
        },
    );
}

struct Change {
    row: usize,
    place: Place,
    at_s: f64,
    /// Time since the line before, s; NaN where absent.
    after_s: f64,
    from: f64,
    to: f64,
}

impl Change {
    fn hit(&self) -> Hit {
        Hit { row: self.row, place: self.place, weight: (self.to - self.from).abs() }
    }

    fn in_words(&self) -> String {
        let Self { at_s, from, to, .. } = *self;
        let at = if at_s.is_finite() { format!(" at {at_s:.3} s") } else { String::new() };
        format!("{from:.0} → {to:.0}{at}")
    }
}

fn changes(procs: &[f64], at_s: &[f64], lines: &[u32], field: Field) -> Vec<Change> {
    let mut changes = Vec::new();
    let rows: Vec<usize> = (0..procs.len()).filter(|&row| procs[row].is_finite()).collect();
    for pair in rows.windows(2) {
        let (before, row) = (pair[0], pair[1]);
        if procs[before] != procs[row] {
            let place = Place { line: lines[row], field: Some(field) };
            let after_s = at_s[row] - at_s[before];
            changes.push(Change { row, place, at_s: at_s[row], after_s, from: procs[before], to: procs[row] });
        }
    }
    changes
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;
    use crate::rules::fixture::{GcLine, check, findings_in, findings_with, gc_lines, sched_lines, view};

    #[test]
    fn shows_the_largest_change() {
        let log = sched_lines(3, 4, 1.0, |_| (4, 0))
            + &sched_lines(6, 2, 1.0, |_| (2, 0)).lines().skip(3).map(|line| format!("{line}\n")).collect::<String>()
            + &sched_lines(9, 8, 1.0, |_| (8, 0)).lines().skip(6).map(|line| format!("{line}\n")).collect::<String>();
        check(
            &RULE,
            &log,
            expect![[r#"
            7:gomaxprocs Info SC112: GOMAXPROCS changed 2 → 8 at 6.000 s; 2 changes in this run.
              4:gomaxprocs first: 4 → 2 at 3.000 s
              further 4:gomaxprocs
        "#]],
        );
    }

    /// Samples `period_s` apart that change between 4 and 2 Ps at each.
    fn flapping(n: u64, period_s: f64) -> String {
        let line = |idx: u64| {
            let procs = if idx.is_multiple_of(2) { 4 } else { 2 };
            let lines = sched_lines(idx + 1, procs, period_s, |_| (procs, 0));
            format!("{}\n", lines.lines().last().unwrap())
        };
        (0..n).map(line).collect()
    }

    #[test]
    fn more_than_three_changes_a_minute_are_a_warning() {
        assert!(findings_in(&RULE, &flapping(5, 20.0)).contains("Warning SC112: GOMAXPROCS changed 4 → 2"));
        assert!(findings_in(&RULE, &flapping(5, 20.1)).contains("Info SC112"));
        assert!(findings_in(&RULE, &flapping(4, 1.0)).contains("Info SC112"));
    }

    #[test]
    fn gc_lines_show_it_too() {
        let log = gc_lines(6, |idx| GcLine {
            n: idx + 1,
            at_s: idx as f64,
            procs: if idx < 3 { 2 } else { 1 },
            ..GcLine::default()
        });
        check(
            &RULE,
            &log,
            expect![[r#"
            4:procs Info SC112: GOMAXPROCS changed 2 → 1 at 3.000 s.
        "#]],
        );
    }

    #[test]
    fn silent_without_change_and_where_processes_are_mixed() {
        assert_eq!(findings_in(&RULE, &sched_lines(50, 4, 1.0, |_| (4, 0))), "");
        let mut mixed = view(&flapping(5, 1.0));
        mixed.runs[0].interleaved = vec![1];
        assert_eq!(findings_with(&RULE, &mixed, &[]), "");
    }

    #[test]
    fn silent_where_two_samples_are_at_the_same_time() {
        let mut two = view(&flapping(6, 1.0));
        two.runs[0].samples.at_s = vec![0.0, 0.0, 0.1, 0.1, 0.2, 0.2];
        assert_eq!(findings_with(&RULE, &two, &[]), "");
    }

    #[test]
    fn releases_that_do_not_print_it_say_nothing() {
        let line = |n| {
            format!(
                "gc{n}({n}): 26+1+87+0 us, 0 -> 0 MB, 30 (30-0) objects, 2 goroutines, 21/0/0 sweeps, 0(0) handoff, \
                 1(2) steal, 16/1/0 yields\n"
            )
        };
        assert_eq!(findings_in(&RULE, &(1..9).map(line).collect::<String>()), "");
    }
}
