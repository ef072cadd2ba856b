//! ## What it looks for
//!
//! A printed percentage that is far from what collecting costs now: over the last minute of the log it is at least five
//! points and a factor of two away.
//!
//! ## Why it matters
//!
//! The percentage at the head of a `gc` line is an average since the program started. After a day it hardly moves: a bad
//! hour is invisible in it, and an expensive start stays in it for long.
//!
//! ## What to do next
//!
//! Judge by the share of the last minute. `gc-cpu-high` names the worst stretch of a run.
//!
//! ## Limits
//!
//! Needs a minute of log with five cycles in it. The two are counted a little differently: the runtime counts of the time
//! to stop the program only the Ps that had stopped already. Go 1.5 and later.
//!
//! ## Example
//!
//! ```text
//! gc 58 @3.959s 25%: 6.3+15+0.10 ms clock, 12+37/14/0+0.20 ms cpu, 75->75->38 MB, 77 MB goal, 4 P
//! ```

use tracelog::catalog::gc;

use super::evidence::{Bound, Test};
use super::{Check, Finding, Findings, Kind, Limit, Limits, Place, Rule, Severity, limit};
use crate::derived::gc_share_over;
use crate::view::RunView;
use crate::words::percent;

/// GC206.
pub(crate) static RULE: Rule = Rule {
    code: "GC206",
    slug: "percent-misleads",
    title: "The printed percentage is far from what collecting costs now",
    severity: Severity::Hint,
    kind: Kind::Point,
    reads: &[gc::GC_CPU_PCT],
    limits: LIMITS,
    check: Check::Run(check),
};

const LIMITS: &[Limit] = &[
    limit("min_points", 5.0, "points", "How far apart the two must be."),
    limit("factor", 2.0, "times", "How many times the other one of them must be."),
    limit("last_s", 60.0, "s", "The time at the end of the log that is looked at."),
    limit("min_cycles", 5.0, "cycles", "Fewest cycles in that time."),
];

fn check(run: &RunView, limits: &Limits, findings: &mut Findings) {
    let cycles = &run.cycles;
    let Some(last) = (0..cycles.len()).next_back() else { return };
    let last_s = limits.get("last_s");
    let from_s = cycles.at_s[last] - last_s;
    // Walked from the end: most of a long log is not looked at.
    let first = (0..=last).rev().find(|&row| cycles.at_s[row] < from_s);
    let (Some(first), printed) = (first.map(|before| before + 1), cycles.gc_cpu_pct[last]) else { return };
    // The first cycles on a coarse clock print nonsense (gctrace.md, section 10).
    if !(0.0..=100.0).contains(&printed) {
        return;
    }
    let recent = 100.0 * gc_share_over(cycles, first..last);
    let mut test = Test::default();
    let holds = test.data("cycles in that time", last.saturating_sub(first) as f64, limits.get("min_cycles"), "")
        && test.value("apart", (recent - printed).abs(), Bound::AtLeast(limits.get("min_points")), "points")
        && test.value(
            "times the other",
            recent.max(printed) / recent.min(printed),
            Bound::AtLeast(limits.get("factor")),
            "",
        );
    if holds {
        findings.push(Finding {
            run: Some(run.run),
            place: Place { line: cycles.line[last], field: Some(gc::GC_CPU_PCT) },
            message: format!("Since start {printed:.0} %, last {last_s:.0} s {}.", percent(recent / 100.0)),
            numbers: vec![("printed_pct", printed), ("recent_pct", recent)],
            test,
            ..Finding::about(&RULE)
        });
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;
    use crate::rules::fixture::{GcLine, check, findings_in, gc_lines};

    /// `n` cycles a second apart on 4 Ps (4000 ms), the last minute of which cost so many ms each; 1 % is printed.
    fn minute(n: u64, background_ms: f64) -> String {
        gc_lines(n, |idx| GcLine {
            n: idx + 1,
            at_s: idx as f64,
            clock_ms: [0.0, 50.0, 0.0],
            cpu_ms: [0.0, if idx + 61 >= n { background_ms } else { 10.0 }],
            ..GcLine::default()
        })
    }

    #[test]
    fn tells_both_numbers() {
        check(
            &RULE,
            &minute(600, 400.0),
            expect![[r#"
            600:gc_cpu_pct Hint GC206: Since start 1 %, last 60 s 10 %.
        "#]],
        );
        // The other way: an expensive start.
        check(
            &RULE,
            &minute(600, 40.0).replace("s 1%:", "s 12%:"),
            expect![[r#"
            600:gc_cpu_pct Hint GC206: Since start 12 %, last 60 s 1 %.
        "#]],
        );
    }

    #[test]
    fn silent_just_below_each_limit() {
        assert_ne!(findings_in(&RULE, &minute(600, 241.0)), "");
        assert_eq!(findings_in(&RULE, &minute(600, 239.0)), "", "less than five points");
        assert_eq!(findings_in(&RULE, &minute(600, 760.0).replace("s 1%:", "s 10%:")), "", "less than twice");
        assert_eq!(findings_in(&RULE, &minute(60, 400.0)), "", "less than a minute");
        let rare: String = minute(600, 400.0).lines().step_by(15).map(|line| line.to_owned() + "\n").collect();
        assert_eq!(findings_in(&RULE, &rare), "", "lines are missing");
    }

    #[test]
    fn impossible_percentages_are_not_compared() {
        assert_eq!(findings_in(&RULE, &minute(600, 400.0).replace("s 1%:", "s 250%:")), "");
    }

    #[test]
    fn silent_for_releases_without_a_percentage() {
        let line = |n| format!("gc{n}(2): 0+3+2 ms, 5 -> 5 MB 107296 -> 107296 (107316-20) objects, 0(0) handoff\n");
        assert_eq!(findings_in(&RULE, &(1..60).map(line).collect::<String>()), "");
    }
}
