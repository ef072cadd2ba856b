//! ## What it looks for
//!
//! At least three lines of one kind that begin as this tool knows them (`gc 7 @…`, `SCHED 10ms:`, `scav …`) and go on in
//! a way that no Go release it knows prints.
//!
//! ## Why it matters
//!
//! Go's documentation says that the format of trace lines may change. What was read up to the unknown part is used; the
//! rest of these lines is not, so findings and figures that need it are missing. Silence of other rules means nothing
//! for such a log.
//!
//! ## What to do next
//!
//! Compare the Go release of the program with the newest one this tool knows (`gotracelens --version`) and update the
//! tool:
//!
//! ```sh
//! # the Go release and the settings that a program was built with
//! go version -m PROGRAM
//! ```
//!
//! Where the lines came through a web page or a mail, take the original. Otherwise please report one such line with the
//! output of that command.
//!
//! ## Limits
//!
//! Speaks only of kinds of which no line could be read whole: a line that another writer broke is a matter of
//! `torn-line`. What a viewer or mail program does to all lines looks the same: wrapped at 72 columns, `->` written as
//! `-&gt;`. A program that imitates the beginning of a trace line three times gets this hint too.
//!
//! ## Example
//!
//! All lines that Go 1.0 to the newest known release printed are read whole; a copy out of a web page is not:
//!
//! ```text
//! gc 1 @0.322s 1%: 5.9+8.9+0.028 ms clock, 11+0.19/3.8/0+0.057 ms cpu, 3-&gt;3-&gt;0 MB, 4 MB goal, 0 MB stacks, 0 MB globals, 4 P
//! ```

use tracelog::Family;

use super::evidence::Test;
use super::point::MAX_FURTHER;
use super::{Check, Finding, Findings, Kind, Limit, Limits, LogView, Place, Rule, Severity, Unknown, limit};

/// LG106.
pub(crate) static RULE: Rule = Rule {
    code: "LG106",
    slug: "unknown-dialect",
    title: "Trace lines of a Go version this tool does not know",
    severity: Severity::Hint,
    kind: Kind::Point,
    reads: &[],
    limits: LIMITS,
    check: Check::Log(check),
};

const LIMITS: &[Limit] = &[limit("min_lines", 3.0, "lines", "How many such lines of one kind are needed.")];

fn check(log: &LogView, limits: &Limits, findings: &mut Findings) {
    for &family in Family::ALL {
        let lines: Vec<&Unknown> = log.unknown.iter().filter(|unknown| unknown.family == family).collect();
        let Some((first, others)) = lines.split_first() else { continue };
        let mut test = Test::default();
        if !test.data("lines with a known head and an unknown rest", lines.len() as f64, limits.get("min_lines"), "") {
            continue;
        }
        test.fact("no line of the kind was read whole", true);
        let read = match first.last_field {
            Some(field) => format!("fields up to '{}' were read", field.def().id),
            None => "none of their fields were read".into(),
        };
        let count = lines.len();
        findings.push(Finding {
            severity: Severity::Hint,
            run: None,
            place: Place { line: first.line, field: None },
            message: format!(
                "{count} lines look like {} of a Go version this tool does not know, or were changed on the way; {read}.",
                switch(family)
            ),
            further: others.iter().take(MAX_FURTHER).map(|unknown| Place { line: unknown.line, field: None }).collect(),
            count,
            numbers: vec![("unknown_lines", count as f64)],
            test,
            ..Finding::about(&RULE)
        });
    }
}

/// The name of the switch that prints the family: `gctrace` of `GODEBUG=gctrace=1`.
fn switch(family: Family) -> &'static str {
    let knob = family.def().knob.trim_start_matches("GODEBUG=");
    knob.split('=').next().unwrap_or(knob)
}

#[cfg(test)]
mod tests {
    use expect_test::expect;
    use tracelog::catalog::{gc, sched};

    use super::*;
    use crate::rules::fixture::findings_with;

    fn log(lines: &[(u32, Family)]) -> LogView {
        let unknown = lines
            .iter()
            .map(|&(line, family)| {
                let last_field = if family == Family::Gc { gc::CPU_MARK_TERM_MS } else { sched::RUNQUEUE };
                Unknown { line, family, last_field: Some(last_field) }
            })
            .collect();
        LogView { unknown, ..LogView::default() }
    }

    #[test]
    fn speaks_once_for_each_kind_of_line() {
        let lines = [
            (0, Family::Gc),
            (1, Family::Sched),
            (2, Family::Gc),
            (3, Family::Sched),
            (4, Family::Gc),
            (5, Family::Sched),
        ];
        expect![[r#"
            1 Hint LG106: 3 lines look like gctrace of a Go version this tool does not know, or were changed on the way; fields up to 'cpu_mark_term_ms' were read.
              further 3, 5
            2 Hint LG106: 3 lines look like schedtrace of a Go version this tool does not know, or were changed on the way; fields up to 'runqueue' were read.
              further 4, 6
        "#]]
        .assert_eq(&findings_with(&RULE, &log(&lines), &[]));
    }

    #[test]
    fn two_lines_of_a_kind_are_not_enough() {
        let lines = [(0, Family::Gc), (1, Family::Sched), (2, Family::Gc), (3, Family::Sched)];
        assert_eq!(findings_with(&RULE, &log(&lines), &[]), "");
    }

    #[test]
    fn says_when_no_field_was_read() {
        let mut log = log(&[(0, Family::Gc), (1, Family::Gc), (2, Family::Gc)]);
        log.unknown.iter_mut().for_each(|unknown| unknown.last_field = None);
        expect![[r#"
            1 Hint LG106: 3 lines look like gctrace of a Go version this tool does not know, or were changed on the way; none of their fields were read.
              further 2, 3
        "#]]
        .assert_eq(&findings_with(&RULE, &log, &[]));
    }

    #[test]
    fn every_family_has_a_switch_to_name() {
        for &family in Family::ALL {
            assert!(!switch(family).is_empty() && !switch(family).contains('='), "{}", family.def().id);
        }
    }
}
