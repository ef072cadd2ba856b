//! ## What it looks for
//!
//! The place where a new life of the process begins: the GC number falls to 3 or less, or the time since start falls by
//! more than a second while the number falls. For scheduler samples: their time falls to less than half.
//!
//! ## Why it matters
//!
//! All other rules judge one life at a time. A program that was restarted has a small heap again and a percentage that
//! starts over; read as one process the log would seem to have recovered by itself. A restart that nobody asked for is
//! often a crash or a kill.
//!
//! ## What to do next
//!
//! Read the lines just before: a `panic:`, `fatal error:` or signal says why the life before ended. When there is none,
//! ask the supervisor for the exit status; 137 means the process was killed from outside, often for its memory.
//!
//! ```sh
//! # why a container ended: exit code, and whether it was out of memory
//! docker inspect --format '{{.State.ExitCode}} {{.State.OOMKilled}}' CONTAINER
//! ```
//!
//! ```sh
//! # the last state of a pod's containers
//! kubectl describe pod POD | grep -A8 'Last State'
//! ```
//!
//! ```sh
//! # what systemd says about a unit's end
//! journalctl -u UNIT -n 50
//! ```
//!
//! ## Limits
//!
//! Silent where two processes write at the same time: `interleaved-processes` speaks of those. Lines carry no process
//! id, so a restart after fewer than three collections can go unseen. A log that was exported with its newest line first
//! has no restarts and no trends either: turn it around.
//!
//! ## Example
//!
//! ```text
//! gc 31 @3.876s 1%: 3.1+0.37+0.020 ms clock, 6.2+0/0.37/6.6+0.040 ms cpu, 29->29->15 MB, 30 MB goal, 4 P
//! gc 1 @0.020s 47%: 459+2.3+0.076 ms clock, 918+0.14/0.77/0+0.15 ms cpu, 4->4->2 MB, 5 MB goal, 4 P
//! ```

use tracelog::Field;
use tracelog::catalog::{gc, sched};

use super::evidence::Test;
use super::point::cycle_name;
use super::{Check, Finding, Findings, Kind, Limits, LogView, Place, Related, Rule, Severity};
use crate::view::RunView;

/// LG101.
pub(crate) static RULE: Rule = Rule {
    code: "LG101",
    slug: "restart-in-log",
    title: "A new process run starts inside the log",
    severity: Severity::Info,
    kind: Kind::Point,
    reads: &[gc::N, gc::AT_S, sched::AT_MS],
    limits: &[],
    check: Check::Log(check),
};

/// A new process starts with GC number 1; so many may have been lost.
const FIRST_NUMBERS: u64 = 3;

/// A fall of the time since start that no swapped lines explain, s.
const CLEAR_FALL_S: f64 = 1.0;

fn check(log: &LogView, _limits: &Limits, findings: &mut Findings) {
    for run in &log.runs {
        let before = run.restarts.and_then(|before| log.index_of(before)).map(|before| &log.runs[before]);
        let Some(before) = before else { continue };
        if !run.interleaved.is_empty() || !before.interleaved.is_empty() {
            continue;
        }
        let Some(Sign { text, field }) = by_cycles(before, run).or_else(|| by_samples(before, run)) else {
            continue;
        };
        let mut test = Test::default();
        test.fact(&format!("number or time begins anew: {text}"), true);
        test.fact("the two do not alternate", true);
        findings.push(Finding {
            severity: Severity::Info,
            run: Some(run.run),
            place: Place { line: run.lines.0, field },
            message: format!("New process run starts here ({text})."),
            related: vec![Related {
                place: Place { line: before.lines.1, field: None },
                text: "the run before ends here".into(),
            }],
            test,
            ..Finding::about(&RULE)
        });
    }
}

/// What shows a restart.
struct Sign {
    /// The two lines, for the message.
    text: String,
    /// The field on the first line of the new run, if that line shows it.
    field: Option<Field>,
}

fn by_cycles(before: &RunView, run: &RunView) -> Option<Sign> {
    // A torn line can have lost its number.
    let is_numbered = |run: &RunView, row: &usize| run.cycles.n[*row] > 0;
    let last = (0..before.cycles.len()).rev().find(|row| is_numbered(before, row))?;
    let next = (0..run.cycles.len()).find(|row| is_numbered(run, row))?;
    let (last_n, next_n) = (before.cycles.n[last], run.cycles.n[next]);
    let fall_s = before.cycles.at_s[last] - run.cycles.at_s[next];
    // Newest line first is an order some log viewers export, not a series of restarts.
    let is_backwards = last_n == next_n + 1 && before.cycles.len() == 1;
    let is_restart = next_n < last_n && (next_n <= FIRST_NUMBERS || fall_s > CLEAR_FALL_S) && !is_backwards;
    is_restart.then(|| Sign {
        text: format!("{}, then {}", cycle_name(before, last), cycle_name(run, next)),
        field: (run.cycles.line[next] == run.lines.0).then_some(gc::N),
    })
}

fn by_samples(before: &RunView, run: &RunView) -> Option<Sign> {
    let (last, next) = (*before.samples.at_s.last()?, *run.samples.at_s.first()?);
    // The first sample of a process prints 0 ms; the first ones may be lost, but not half a life.
    let is_restart = next < 0.5 * last;
    is_restart.then(|| Sign {
        text: format!("SCHED {:.0}ms, then SCHED {:.0}ms", last * 1000.0, next * 1000.0),
        field: (run.samples.line[0] == run.lines.0).then_some(sched::AT_MS),
    })
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;
    use crate::rules::fixture::{GcLine, check, findings_in, findings_with, gc_lines, view};

    const TWO_LIVES: &str = "\
gc 30 @3.767s 1%: 0.049+0.31+0.036 ms clock, 0.098+0/0.22/0.29+0.073 ms cpu, 29->29->15 MB, 30 MB goal, 4 P
gc 31 @3.876s 1%: 3.1+0.37+0.020 ms clock, 6.2+0/0.37/6.6+0.040 ms cpu, 29->29->15 MB, 30 MB goal, 4 P
gc 1 @0.020s 47%: 459+2.3+0.076 ms clock, 918+0.14/0.77/0+0.15 ms cpu, 4->4->2 MB, 5 MB goal, 4 P
gc 2 @0.520s 47%: 459+2.3+0.076 ms clock, 918+0.14/0.77/0+0.15 ms cpu, 4->4->2 MB, 5 MB goal, 4 P
";

    #[test]
    fn names_the_two_cycles_around_the_restart() {
        check(
            &RULE,
            TWO_LIVES,
            expect![[r#"
            3:n Info LG101: New process run starts here (gc 31 @3.876s, then gc 1 @0.020s).
              2 the run before ends here
        "#]],
        );
    }

    #[test]
    fn names_samples_where_there_are_no_cycles() {
        let log = "\
SCHED 1003ms: gomaxprocs=4 idleprocs=4 threads=8 spinningthreads=0 idlethreads=4 runqueue=0 [0 0 0 0]
SCHED 2004ms: gomaxprocs=4 idleprocs=4 threads=8 spinningthreads=0 idlethreads=4 runqueue=0 [0 0 0 0]
SCHED 0ms: gomaxprocs=4 idleprocs=2 threads=4 spinningthreads=1 idlethreads=0 runqueue=0 [0 0 0 0]
SCHED 1000ms: gomaxprocs=4 idleprocs=2 threads=4 spinningthreads=1 idlethreads=0 runqueue=0 [0 0 0 0]
";
        check(
            &RULE,
            log,
            expect![[r#"
            3:at_ms Info LG101: New process run starts here (SCHED 2004ms, then SCHED 0ms).
              2 the run before ends here
        "#]],
        );
    }

    #[test]
    fn leaves_the_time_out_where_the_release_prints_none() {
        let line = |n: u64| {
            format!(
                "gc{n}(2): 20+1+87+0 us, 0 -> 0 MB, 1603 (1634-31) objects, 4 goroutines, 35/0/0 sweeps, \
                 0(0) handoff, 2(4) steal, 16/1/0 yields\n"
            )
        };
        check(
            &RULE,
            &[7, 8, 9, 1, 2].map(line).concat(),
            expect![[r#"
            4:n Info LG101: New process run starts here (gc 9, then gc 1).
              3 the run before ends here
        "#]],
        );
    }

    #[test]
    fn silent_for_one_life() {
        let one: String = TWO_LIVES.lines().take(2).map(|line| format!("{line}\n")).collect();
        assert_eq!(findings_in(&RULE, &one), "");
        assert_eq!(findings_in(&RULE, ""), "");
    }

    #[test]
    fn silent_where_the_newest_line_comes_first() {
        let backwards: String =
            gc_lines(9, |idx| GcLine { n: 30 - idx, at_s: 60.0 - 2.0 * idx as f64, ..GcLine::default() });
        assert_eq!(findings_in(&RULE, &backwards), "");
    }

    #[test]
    fn silent_where_nothing_fell() {
        // However the lines were dealt to runs.
        let mut log = view(TWO_LIVES);
        log.runs[0].cycles.n = vec![1, 1];
        log.runs[1].cycles.n = vec![2, 3];
        assert_eq!(findings_with(&RULE, &log, &[]), "");
    }

    #[test]
    fn silent_where_processes_are_interleaved() {
        let mut log = view(TWO_LIVES);
        for run in &mut log.runs {
            run.interleaved = vec![2];
        }
        assert_eq!(findings_with(&RULE, &log, &[]), "");
    }
}
