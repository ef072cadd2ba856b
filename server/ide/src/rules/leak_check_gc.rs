//! ## What it looks for
//!
//! Collections whose line says `(checking for goroutine leaks)`.
//!
//! ## Why it matters
//!
//! Someone fetched the profile of leaked goroutines: a collection that marks twice to find goroutines which nothing can
//! wake. It costs more than a normal one and its line also says `(forced)`; the other rules leave it out.
//!
//! ## What to do next
//!
//! Read the profile itself: it names the goroutines. If nobody asked for it, find the scraper that does.
//!
//! ```sh
//! # goroutines that nothing can wake any more, with their stacks
//! curl -s 'http://HOST/debug/pprof/goroutineleak?debug=2'
//! ```
//!
//! ## Limits
//!
//! Go 1.26 prints it where the experiment `goroutineleakprofile` was built in, Go 1.27 always.
//!
//! ## Example
//!
//! ```text
//! gc 1 @0.038s 0% (checking for goroutine leaks): 0.19+4.1+0.27 ms clock, 0.39+0/0.12/0.062+0.55 ms cpu, 0->0->0 MB, 4 MB goal, 0 MB stacks, 0 MB globals, 2 P (forced)
//! ```

use tracelog::catalog::gc;

use super::evidence::Test;
use super::point::{Hit, Words, as_finding, cycle_name};
use super::{Check, Findings, Kind, Limits, Place, Rule, Severity};
use crate::view::RunView;
use crate::words::count;

/// GC503.
pub(crate) static RULE: Rule = Rule {
    code: "GC503",
    slug: "leak-check-gc",
    title: "A collection checked for goroutine leaks",
    severity: Severity::Hint,
    kind: Kind::Point,
    reads: &[gc::LEAK_CHECK],
    limits: &[],
    check: Check::Run(check),
};

fn check(run: &RunView, _: &Limits, findings: &mut Findings) {
    let cycles = &run.cycles;
    let rows = (0..cycles.len()).filter(|row| cycles.leak_check[*row]);
    let hits: Vec<Hit> = rows
        .map(|row| Hit { row, place: Place { line: cycles.line[row], field: Some(gc::LEAK_CHECK) }, weight: 0.0 })
        .collect();
    let finding = as_finding(
        &RULE,
        run.run,
        &hits,
        |idx| cycle_name(run, hits[idx].row),
        |_| Words {
            severity: Severity::Hint,
            message: format!(
                "{} of {} checked for goroutine leaks: the goroutineleak profile was fetched.",
                count(hits.len(), "cycle"),
                cycles.len()
            ),
            numbers: vec![("leak_check_cycles", hits.len() as f64)],
        },
    );
    if let Some(mut finding) = finding {
        let mut test = Test::default();
        test.fact("the line says so", true);
        finding.test = test;
        findings.push(finding);
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;
    use crate::rules::fixture::{GcLine, check, findings_in, gc_lines};

    #[test]
    fn leak_checks_are_told_once() {
        let line = "gc 1 @0.038s 0% (checking for goroutine leaks): 0.19+4.1+0.27 ms clock, 0.39+0/0.12/0.062+0.55 ms \
                    cpu, 0->0->0 MB, 4 MB goal, 0 MB stacks, 0 MB globals, 2 P (forced)\n";
        let log = line.to_owned()
            + &gc_lines(3, |idx| GcLine { n: idx + 2, at_s: idx as f64 + 1.0, ..GcLine::default() })
            + &line.replace("gc 1 @0.0", "gc 5 @9.0");
        check(
            &RULE,
            &log,
            expect![[r#"
                1:leak_check Hint GC503: 2 cycles of 5 checked for goroutine leaks: the goroutineleak profile was fetched.
                  5:leak_check as bad: gc 5 @9.038s
                  further 5:leak_check
            "#]],
        );
    }

    #[test]
    fn a_forced_cycle_is_none() {
        let log = gc_lines(9, |idx| GcLine { n: idx + 1, ..GcLine::default() }).replace(" P\n", " P (forced)\n");
        assert_eq!(findings_in(&RULE, &log), "");
    }
}
