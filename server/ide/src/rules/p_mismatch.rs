//! ## What it looks for
//!
//! A `gc` line whose number of Ps is not the `gomaxprocs` of the scheduler samples before and after it, which agree with
//! each other.
//!
//! ## Why it matters
//!
//! Either the lines are of two processes, and every verdict about the run mixes the two, or GOMAXPROCS was changed and
//! changed back between two samples, which stops the world each time.
//!
//! ## What to do next
//!
//! For two processes, give each an output of its own, or let the collector add the name of the container or the process
//! id to each line: lines are then told apart. For a change, search for `runtime.GOMAXPROCS`.
//!
//! ```sh
//! # who changes GOMAXPROCS, in the program and what it is built from
//! go list -deps -f '{{.Dir}}' ./... | xargs grep -ln 'GOMAXPROCS('
//! ```
//!
//! ## Limits
//!
//! Go 1.4 and earlier print the number of threads that help collecting in that place; they are not judged. A cycle that
//! began before the sample in front of it is compared with the samples since its beginning.
//!
//! ## Example
//!
//! ```text
//! SCHED 1004ms: gomaxprocs=4 idleprocs=4 threads=8 spinningthreads=0 idlethreads=5 runqueue=0 [0 0 0 0]
//! gc 3 @1.318s 0%: 0.018+0.57+0.046 ms clock, 0.036+0/0.21/0.32+0.092 ms cpu, 4->4->1 MB, 5 MB goal, 2 P
//! SCHED 2011ms: gomaxprocs=4 idleprocs=4 threads=8 spinningthreads=0 idlethreads=5 runqueue=0 [0 0 0 0]
//! ```

use tracelog::catalog::{gc, sched};

use super::evidence::Test;
use super::point::{Hit, Words, cycle_name};
use super::samples::report_tested;
use super::{Check, Findings, Kind, Limits, Place, Rule, Severity};
use crate::view::RunView;

/// SC113.
pub(crate) static RULE: Rule = Rule {
    code: "SC113",
    slug: "p-mismatch",
    title: "A collection has another number of Ps than the samples around it",
    severity: Severity::Info,
    kind: Kind::Point,
    reads: &[gc::PROCS, sched::GOMAXPROCS],
    limits: &[],
    check: Check::Run(check),
};

fn check(run: &RunView, _: &Limits, out: &mut Findings) {
    let (cycles, samples) = (&run.cycles, &run.samples);
    let rows: Vec<usize> = (0..samples.len()).filter(|&row| samples.gomaxprocs[row].is_finite()).collect();
    if rows.len() < 2 {
        return;
    }
    let (mut hits, mut arounds) = (Vec::new(), Vec::new());
    let mut n_looked_at = 0usize;
    for row in 0..cycles.len() {
        let (procs, line, at_s) = (cycles.procs[row], cycles.line[row], cycles.at_s[row]);
        let after = rows.partition_point(|&sample| samples.line[sample] < line);
        if !procs.is_finite() || after == 0 || after == rows.len() {
            continue;
        }
        // From the last sample that was printed before the cycle began.
        let mut before = after - 1;
        while before > 0 && samples.at_s[rows[before]] >= at_s {
            before -= 1;
        }
        let around = samples.gomaxprocs[rows[after]];
        n_looked_at += 1;
        if around != procs && rows[before..after].iter().all(|&sample| samples.gomaxprocs[sample] == around) {
            hits.push(Hit { row, place: Place { line, field: Some(gc::PROCS) }, weight: (around - procs).abs() });
            arounds.push(around);
        }
    }
    let seen = |idx: usize| {
        let row = hits[idx].row;
        let (procs, around) = (cycles.procs[row], arounds[idx]);
        format!("{procs:.0} P in {}, gomaxprocs={around:.0} around it", cycle_name(run, row))
    };
    let mut test = Test::default();
    test.fact("the samples around the cycle agree with each other and not with it", true);
    report_tested(out, &RULE, run.run, &hits, seen, test, |worst| Words {
        severity: Severity::Info,
        message: format!(
            "{}: lines of two processes, or a change in between{}.",
            seen(worst),
            if hits.len() > 1 { format!(" ({} of {n_looked_at} cycles)", hits.len()) } else { String::new() }
        ),
        numbers: vec![
            ("procs", cycles.procs[hits[worst].row]),
            ("cycles", hits.len() as f64),
            ("cycles_looked_at", n_looked_at as f64),
        ],
    });
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;
    use crate::rules::fixture::{GcLine, check, findings_in, sched_lines};

    /// Ten samples a second apart, a cycle with so many Ps behind each.
    fn log(procs: impl Fn(u64) -> u64, gomaxprocs: impl Fn(u64) -> u64) -> String {
        (0..10)
            .map(|idx| {
                let procs = GcLine { n: idx + 1, at_s: idx as f64 + 0.3, procs: procs(idx), ..GcLine::default() };
                let samples = sched_lines(idx + 1, gomaxprocs(idx), 1.0, |_| (1, 0));
                format!("{}\n{procs}", samples.lines().last().unwrap())
            })
            .collect()
    }

    #[test]
    fn a_collection_of_another_number_of_ps() {
        check(
            &RULE,
            &log(|idx| if idx % 4 == 1 { 2 } else { 4 }, |_| 4),
            expect![[r#"
            4:procs Info SC113: 2 P in gc 2 @1.300s, gomaxprocs=4 around it: lines of two processes, or a change in between (2 of 9 cycles).
              12:procs as bad: 2 P in gc 6 @5.300s, gomaxprocs=4 around it
              further 12:procs
        "#]],
        );
    }

    #[test]
    fn silent_where_they_agree_or_gomaxprocs_is_changed() {
        assert_eq!(findings_in(&RULE, &log(|_| 4, |_| 4)), "");
        assert_eq!(findings_in(&RULE, &log(|idx| if idx < 5 { 4 } else { 2 }, |idx| if idx < 5 { 4 } else { 2 })), "");
        assert_eq!(
            findings_in(&RULE, &log(|idx| if idx < 5 { 4 } else { 2 }, |idx| if idx < 6 { 4 } else { 2 })),
            "",
            "between two samples"
        );
        let last = log(|idx| if idx == 9 { 2 } else { 4 }, |_| 4);
        assert_eq!(findings_in(&RULE, &last), "", "no sample after it");
    }

    #[test]
    fn helpers_of_old_releases_are_no_ps() {
        let old = |n: u64| {
            let sample = sched_lines(n + 1, 4, 1.0, |_| (1, 0)).lines().last().unwrap().to_owned();
            let cycle = format!("gc{n}(2): 0+3+2 ms, 5 -> 5 MB 107296 -> 107296 (107316-20) objects, 0(0) handoff");
            format!("{sample}\n{cycle}\n")
        };
        assert_eq!(findings_in(&RULE, &(1..10).map(old).collect::<String>()), "");
    }

    #[test]
    fn a_cycle_that_began_before_the_change() {
        let text = sched_lines(2, 4, 1.0, |_| (1, 0))
            + sched_lines(3, 2, 1.0, |_| (1, 0)).lines().last().unwrap()
            + "\n"
            + &GcLine { at_s: 1.4, procs: 4, ..GcLine::default() }.to_string()
            + sched_lines(4, 2, 1.0, |_| (1, 0)).lines().last().unwrap()
            + "\n";
        assert_eq!(findings_in(&RULE, &text), "");
    }
}
