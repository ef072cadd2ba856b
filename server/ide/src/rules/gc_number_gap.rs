//! ## What it looks for
//!
//! Numbers that are missing between two `gc` lines of one process. GC numbers rise by one; a gap means that lines were
//! lost on the way.
//!
//! ## Why it matters
//!
//! What happened in the gap is not known. Sums (time in GC, number of pauses) are too small by what is missing, and the
//! worst pause may be among the lost lines. Trends are still right: they use time, not line numbers.
//!
//! ## What to do next
//!
//! Look at how the log came here: rotation, `grep`, `tail`, a collector that samples or drops under load, a size limit
//! on lines. Collect standard error whole if the numbers matter.
//!
//! ## Limits
//!
//! Silent about the beginning (logs often start in mid-run) and where lines of several processes are mixed. Lines that are there but torn or in a form not known are not
//! counted as missing; `torn-line` and `unknown-dialect` speak of them. Go 1.5 can print two lines in the wrong order
//! and one number twice instead of the two: numbers are put in order first, and a doubled number counts for the missing
//! one before it.
//!
//! ## Example
//!
//! ```text
//! gc 7 @0.220s 3%: 0.66+17+0.004 ms clock, 1.3+0.047/1.1/3.9+0.009 ms cpu, 12->14->7 MB, 14 MB goal, 0 MB stacks, 0 MB globals, 2 P
//! gc 12 @0.422s 3%: 1.0+4.9+0.002 ms clock, 2.0+0.051/0.69/4.2+0.005 ms cpu, 11->12->6 MB, 12 MB goal, 0 MB stacks, 0 MB globals, 2 P
//! ```

use tracelog::Family;
use tracelog::catalog::gc;

use super::evidence::{Bound, Test};
use super::point::{Hit, Words, as_finding};
use super::{Check, Finding, Findings, Kind, Limit, Limits, LogView, Place, Rule, Severity, limit};
use crate::view::RunView;
use crate::words::span;

/// LG102.
pub(crate) static RULE: Rule = Rule {
    code: "LG102",
    slug: "gc-number-gap",
    title: "GC numbers are missing between two lines",
    severity: Severity::Info,
    kind: Kind::Point,
    reads: &[gc::N],
    limits: LIMITS,
    check: Check::Log(check),
};

const LIMITS: &[Limit] = &[limit("min_missing", 1.0, "cycles", "Smallest number of missing cycles that is reported.")];

fn check(log: &LogView, limits: &Limits, findings: &mut Findings) {
    let mut damaged: Vec<u32> = Vec::new();
    damaged.extend(log.torn.iter().filter(|torn| torn.family == Family::Gc).map(|torn| torn.line));
    damaged.extend(log.unknown.iter().filter(|unknown| unknown.family == Family::Gc).map(|unknown| unknown.line));
    damaged.sort_unstable();

    // Where processes alternate, a line that seems to be missing may have been given to another one.
    for run in log.runs.iter().filter(|run| run.interleaved.is_empty()) {
        let gaps = gaps(run, &damaged, limits.get("min_missing"));
        let hits: Vec<Hit> = gaps.iter().map(|gap| gap.hit(run)).collect();
        let mut test = Test::default();
        let finding = as_finding(
            &RULE,
            run.run,
            &hits,
            |idx| gaps[idx].in_words(run),
            |worst| {
                test.value("cycles missing", hits[worst].weight, Bound::AtLeast(limits.get("min_missing")), "");
                test.fact("no torn line and no doubled number in their place", true);
                let missing: u64 = gaps.iter().map(|gap| gap.missing).sum();
                let total = if gaps.len() > 1 {
                    format!(" {missing} are missing in {} places of this run.", gaps.len())
                } else {
                    String::new()
                };
                Words {
                    severity: Severity::Info,
                    message: format!("{}: rotated, filtered or truncated log.{total}", gaps[worst].in_words(run)),
                    numbers: vec![("missing_cycles", missing as f64)],
                }
            },
        );
        if let Some(finding) = finding {
            findings.push(Finding { test, ..finding });
        }
    }
}

/// A gap between two cycles that follow each other in number, by row.
struct Gap {
    before: usize,
    after: usize,
    missing: u64,
}

impl Gap {
    fn hit(&self, run: &RunView) -> Hit {
        let place = Place { line: run.cycles.line[self.after], field: Some(gc::N) };
        Hit { row: self.after, place, weight: self.missing as f64 }
    }

    fn in_words(&self, run: &RunView) -> String {
        let cycles = &run.cycles;
        let missing = self.missing;
        let noun = if missing == 1 { "cycle" } else { "cycles" };
        let between = format!("between gc {} and gc {}", cycles.n[self.before], cycles.n[self.after]);
        let elapsed = cycles.at_s[self.after] - cycles.at_s[self.before];
        let elapsed = if elapsed.is_finite() { format!(" ({})", span(elapsed)) } else { String::new() };
        format!("{missing} GC {noun} missing {between}{elapsed}")
    }
}

fn gaps(run: &RunView, damaged: &[u32], min_missing: f64) -> Vec<Gap> {
    let cycles = &run.cycles;
    // A torn line can have lost its number.
    let mut rows: Vec<usize> = (0..cycles.len()).filter(|&row| cycles.n[row] > 0).collect();
    rows.sort_by_key(|&row| cycles.n[row]);

    let mut gaps = Vec::new();
    for (idx, pair) in rows.windows(2).enumerate() {
        let (before, after) = (pair[0], pair[1]);
        let skipped = (cycles.n[after] - cycles.n[before]).saturating_sub(1);
        if skipped == 0 || cycles.at_s[after] < cycles.at_s[before] {
            continue;
        }
        let (from, to) = (cycles.line[before], cycles.line[after]);
        let damaged_between =
            damaged.partition_point(|&line| line < to) - damaged.partition_point(|&line| line <= from);
        // Go 1.5 prints a number after it has grown: two cycles close together carry that of the second.
        let doubled = rows[idx + 2..].iter().take_while(|&&row| cycles.n[row] == cycles.n[after]).count();
        let missing = skipped.saturating_sub((damaged_between + doubled) as u64);
        if missing as f64 >= min_missing {
            gaps.push(Gap { before, after, missing });
        }
    }
    gaps
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;
    use crate::rules::fixture::{GcLine, check, findings_in, findings_with, gc_lines, view};
    use crate::rules::{Torn, Unknown};

    /// `gc` lines with these numbers, 0.1 s a cycle.
    fn numbered(numbers: &[u64]) -> String {
        gc_lines(numbers.len() as u64, |idx| {
            let n = numbers[idx as usize];
            GcLine { n, at_s: n as f64 / 10.0, ..GcLine::default() }
        })
    }

    #[test]
    fn counts_what_is_missing_between_two_lines() {
        check(
            &RULE,
            "\
gc 7 @0.220s 3%: 0.66+17+0.004 ms clock, 1.3+0.047/1.1/3.9+0.009 ms cpu, 12->14->7 MB, 14 MB goal, 0 MB stacks, 0 MB globals, 2 P
gc 12 @0.422s 3%: 1.0+4.9+0.002 ms clock, 2.0+0.051/0.69/4.2+0.005 ms cpu, 11->12->6 MB, 12 MB goal, 0 MB stacks, 0 MB globals, 2 P
",
            expect![[r#"
                2:n Info LG102: 4 GC cycles missing between gc 7 and gc 12 (0.202 s): rotated, filtered or truncated log.
            "#]],
        );
    }

    #[test]
    fn shows_the_largest_gap_of_several() {
        check(
            &RULE,
            &numbered(&[5, 7, 8, 20, 24]),
            expect![[r#"
                4:n Info LG102: 11 GC cycles missing between gc 8 and gc 20 (1.2 s): rotated, filtered or truncated log. 15 are missing in 3 places of this run.
                  2:n first: 1 GC cycle missing between gc 5 and gc 7 (0.2 s)
                  5:n next worst: 3 GC cycles missing between gc 20 and gc 24 (0.4 s)
                  further 5:n, 2:n
            "#]],
        );
    }

    #[test]
    fn silent_about_complete_logs_and_about_the_beginning() {
        assert_eq!(findings_in(&RULE, &numbered(&[118, 119, 120])), "");
        assert_eq!(findings_in(&RULE, &numbered(&[118])), "");
        assert_eq!(findings_in(&RULE, ""), "");
    }

    #[test]
    fn swapped_and_doubled_numbers_of_go_1_5_are_not_missing() {
        let mut log = view(&numbered(&[149, 150, 151, 152]));
        for numbers in [[149, 151, 150, 152], [149, 151, 151, 152]] {
            log.runs[0].cycles.n = numbers.to_vec();
            log.runs[0].cycles.at_s = numbers.map(|n| n as f64).to_vec();
            assert_eq!(findings_with(&RULE, &log, &[]), "", "{numbers:?}");
        }
    }

    #[test]
    fn torn_and_unknown_lines_in_between_are_not_missing() {
        let mut log = view(&numbered(&[5, 8]));
        log.runs[0].cycles.line = vec![0, 3];
        log.torn = vec![Torn { line: 1, tail: None, family: Family::Gc, last_field: None }];
        log.unknown = vec![Unknown { line: 2, family: Family::Gc, last_field: None }];
        assert_eq!(findings_with(&RULE, &log, &[]), "");
        log.unknown.clear();
        expect![[r#"
            4:n Info LG102: 1 GC cycle missing between gc 5 and gc 8 (0.3 s): rotated, filtered or truncated log.
        "#]]
        .assert_eq(&findings_with(&RULE, &log, &[]));
    }

    #[test]
    fn silent_where_processes_are_mixed() {
        let mut log = view(&numbered(&[5, 7]));
        log.runs[0].interleaved = vec![1];
        assert_eq!(findings_with(&RULE, &log, &[]), "");
    }

    #[test]
    fn a_line_that_lost_its_number_is_no_beginning() {
        let mut log = view(&numbered(&[6, 7, 8]));
        log.runs[0].cycles.n[0] = 0;
        assert_eq!(findings_with(&RULE, &log, &[]), "");
    }

    #[test]
    fn works_without_times() {
        check(
            &RULE,
            "\
gc1(2): 26+1+87+0 us, 0 -> 0 MB, 30 (30-0) objects, 2 goroutines, 21/0/0 sweeps, 0(0) handoff, 1(2) steal, 16/1/0 yields
gc4(2): 26+1+87+0 us, 0 -> 0 MB, 1603 (1634-31) objects, 4 goroutines, 35/0/0 sweeps, 0(0) handoff, 2(4) steal, 16/1/0 yields
",
            expect![[r#"
                2:n Info LG102: 2 GC cycles missing between gc 1 and gc 4: rotated, filtered or truncated log.
            "#]],
        );
    }

    #[test]
    fn a_larger_limit_hides_small_gaps() {
        let log = view(&numbered(&[5, 7]));
        assert_eq!(findings_with(&RULE, &log, &[("min_missing".into(), 2.0)]), "");
    }
}
