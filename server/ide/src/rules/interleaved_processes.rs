//! ## What it looks for
//!
//! Lines of two or more processes that alternate in one log: the `gc` lines split into chains in which the number rises
//! by one, the time rises and GOMAXPROCS stays the same.
//!
//! ## Why it matters
//!
//! Read as one process, the numbers of such a log jump back and forth and every trend is wrong. Each chain is a run of
//! its own here, with its own findings.
//!
//! ## What to do next
//!
//! Often the second process is the Go tool itself: `go run`, `go test` and `go build` under GODEBUG make the compiler and
//! the linker print too. Build first, then run the binary:
//!
//! ```sh
//! # build without GODEBUG, then run the program alone with it
//! go build -o app . && GODEBUG=gctrace=1 ./app
//! ```
//!
//! Where two services share one stream, let the collector write the name or the process id before each line, or split the
//! stream.
//!
//! ## Limits
//!
//! Lines carry no process id: each is given to the chain whose last number and time it continues best. Two processes
//! that started together and collect at the same pace can swap lines.
//!
//! ## Example
//!
//! ```text
//! gc 3 @0.277s 0%: 2.5+2.9+0.63 ms clock, 5.1+0.36/2.8/6.0+1.2 ms cpu, 215->217->148 MB, 288 MB goal, 8 P
//! gc 1 @0.532s 0%: 0.022+1.9+0.48 ms clock, 0.044+0/1.7/1.7+0.97 ms cpu, 4->4->2 MB, 5 MB goal, 2 P
//! gc 4 @0.862s 2%: 74+3.6+0.98 ms clock, 149+0.27/2.2/0.072+1.9 ms cpu, 259->259->147 MB, 297 MB goal, 8 P
//! ```

use tracelog::catalog::{gc, sched};

use super::evidence::Test;
use super::{Check, Finding, Findings, Kind, Limits, LogView, Place, Related, Rule, Severity};

/// LG103.
pub(crate) static RULE: Rule = Rule {
    code: "LG103",
    slug: "interleaved-processes",
    title: "Lines of several processes are mixed",
    severity: Severity::Info,
    kind: Kind::Point,
    reads: &[gc::N, gc::AT_S, sched::AT_MS],
    limits: &[],
    check: Check::Log(check),
};

/// How many processes are named one by one.
const MAX_NAMED: usize = 5;

fn check(log: &LogView, _limits: &Limits, findings: &mut Findings) {
    for group in groups(log) {
        // The mixture begins with the first line of the second process.
        let Some(second) = group.get(1) else { continue };
        let line = log.runs[*second].lines.0;
        let related = group
            .iter()
            .take(MAX_NAMED)
            .map(|&idx| Related {
                place: Place { line: log.runs[idx].lines.0, field: None },
                text: format!("run {} starts here", log.runs[idx].run + 1),
            })
            .collect();
        let mut test = Test::default();
        test.data("chains with rising numbers and times", group.len() as f64, 2.0, "");
        test.fact("their lines alternate", true);
        findings.push(Finding {
            severity: Severity::Info,
            run: None,
            place: Place { line, field: None },
            message: format!("Lines of {} processes are mixed here; analyzed separately.", group.len()),
            related,
            numbers: vec![("processes", group.len() as f64)],
            test,
            ..Finding::about(&RULE)
        });
    }
}

/// Runs that are interleaved with each other, directly or through others; by index, each group in order of its starts.
fn groups(log: &LogView) -> Vec<Vec<usize>> {
    let mut grouped = vec![false; log.runs.len()];
    let mut groups = Vec::new();
    for start in 0..log.runs.len() {
        if grouped[start] {
            continue;
        }
        grouped[start] = true;
        let mut group = vec![start];
        let mut next = 0;
        while let Some(&idx) = group.get(next) {
            next += 1;
            for number in &log.runs[idx].interleaved {
                let other = log.index_of(*number);
                if let Some(other) = other.filter(|&other| !grouped[other]) {
                    grouped[other] = true;
                    group.push(other);
                }
            }
        }
        group.sort_by_key(|&idx| log.runs[idx].lines.0);
        groups.push(group);
    }
    groups
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;
    use crate::rules::fixture::{check, findings_in, findings_with};
    use crate::view::RunView;

    const TWO: &str = "\
gc 3 @0.277s 0%: 2.5+2.9+0.63 ms clock, 5.1+0.36/2.8/6.0+1.2 ms cpu, 215->217->148 MB, 288 MB goal, 8 P
gc 1 @0.532s 0%: 0.022+1.9+0.48 ms clock, 0.044+0/1.7/1.7+0.97 ms cpu, 4->4->2 MB, 5 MB goal, 2 P
gc 2 @0.747s 0%: 0.43+4.5+0.25 ms clock, 0.87+1.4/4.4/0.032+0.50 ms cpu, 4->4->2 MB, 5 MB goal, 2 P
gc 4 @0.862s 2%: 74+3.6+0.98 ms clock, 149+0.27/2.2/0.072+1.9 ms cpu, 259->259->147 MB, 297 MB goal, 8 P
gc 3 @1.147s 0%: 0.31+7.1+0.33 ms clock, 0.62+2.7/7.2/2.9+0.66 ms cpu, 5->5->4 MB, 6 MB goal, 2 P
gc 5 @1.411s 1%: 0.089+1.9+1.6 ms clock, 0.17+0.41/3.0/0.040+3.2 ms cpu, 276->276->147 MB, 295 MB goal, 8 P
";

    #[test]
    fn speaks_where_the_second_process_begins() {
        check(
            &RULE,
            TWO,
            expect![[r#"
            2 Info LG103: Lines of 2 processes are mixed here; analyzed separately.
              1 run 1 starts here
              2 run 2 starts here
        "#]],
        );
    }

    #[test]
    fn processes_that_meet_through_a_third_are_one_mixture() {
        let run = |run: usize, lines: (u32, u32), interleaved: &[usize]| RunView {
            run,
            lines,
            interleaved: interleaved.to_vec(),
            ..RunView::default()
        };
        let runs = vec![run(0, (0, 4), &[1, 2]), run(1, (1, 1), &[0]), run(2, (3, 3), &[0]), run(3, (5, 5), &[])];
        expect![[r#"
            2 Info LG103: Lines of 3 processes are mixed here; analyzed separately.
              1 run 1 starts here
              2 run 2 starts here
              4 run 3 starts here
        "#]]
        .assert_eq(&findings_with(&RULE, &LogView { runs, ..LogView::default() }, &[]));
    }

    #[test]
    fn silent_for_one_process_and_for_two_one_after_the_other() {
        let only =
            |procs: &str| TWO.lines().filter(|line| line.ends_with(procs)).map(|line| format!("{line}\n")).collect();
        let (large, small): (String, String) = (only("8 P"), only("2 P"));
        assert_eq!(findings_in(&RULE, &large), "");
        assert_eq!(findings_in(&RULE, &(large + &small)), "");
        assert_eq!(findings_in(&RULE, ""), "");
    }

    #[test]
    fn without_times_numbers_tell_the_chains() {
        let line = |n: u64, mb: u64| {
            format!("gc{n}(2): 0+3+2 ms, {mb} -> {mb} MB 107296 -> 107296 (107316-20) objects, 0(0) handoff\n")
        };
        let mixed: String = (1..8).map(|n| line(n + 40, 200) + &line(n, 5)).collect();
        assert!(
            findings_in(&RULE, &mixed).contains("Lines of 2 processes are mixed here"),
            "{}",
            findings_in(&RULE, &mixed)
        );
        let one: String = (1..16).map(|n| line(n, 5)).collect();
        assert_eq!(findings_in(&RULE, &one), "");
    }
}
