//! ## What it looks for
//!
//! What GOGC must be, from how the goal of each collection follows the live heap before it: a goal of twice the live
//! heap and its roots is GOGC=100. A remark where that is not the default, and one where it changes within a run for ten
//! cycles or more, five where it doubles or halves.
//!
//! ## Why it matters
//!
//! GOGC decides how often the collector runs and how much memory the heap takes at its peak. It may come from the
//! environment, from `debug.SetGCPercent`, or from a library that tunes it; the log shows what is in effect.
//!
//! ## What to do next
//!
//! Nothing, if you set it. Otherwise look for the environment variable of the process and for calls in code and
//! dependencies.
//!
//! ```sh
//! # calls that change GOGC or the memory limit
//! grep -rn 'SetGCPercent\|SetMemoryLimit' .
//! ```
//!
//! ## Limits
//!
//! Needs a live heap of 20 MB or more: sizes are printed in whole megabytes. Rounded to 5; the default reads as 95 to
//! 110. A memory limit that sets the goal hides GOGC (`memory-limit-active`), and where the live heap never moves the
//! two look alike: silent, unless the level changes. A change of the effective GOGC can also come from a memory limit that
//! was set anew. Five cycles are enough where it doubles or halves, for a high GOGC has few: recorded with Go 1.22, 50, then
//! 400 for 27 s and 6 cycles, then 100. On smaller heaps only `off` and `on` can be told apart. Go 1.0 to 1.4 print no goal.
//!
//! ## Example
//!
//! ```text
//! gc 57 @9.879s 3%: 0.20+6.4+0.003 ms clock, 0.40+1.0/1.8/7.1+0.006 ms cpu, 74->75->41 MB, 87 MB goal, 0 MB stacks, 0 MB globals, 2 P
//! gc 59 @11.149s 3%: 0.25+45+0.26 ms clock, 0.51+10/11/3.1+0.52 ms cpu, 167->174->52 MB, 181 MB goal, 0 MB stacks, 0 MB globals, 2 P
//! ```

use tracelog::catalog::gc;

use super::evidence::{Bound, Test};
use super::{Check, Finding, Findings, Kind, Limit, Limits, Place, Related, Rule, Severity, limit};
use crate::environment::{self, Gogc};
use crate::view::RunView;
use crate::words::number;

/// GC404.
pub(crate) static RULE: Rule = Rule {
    code: "GC404",
    slug: "gogc-inferred",
    title: "GOGC is not the default, or changes",
    severity: Severity::Info,
    kind: Kind::Trend,
    reads: &[gc::HEAP_GOAL_MB],
    limits: LIMITS,
    check: Check::Run(check),
};

const LIMITS: &[Limit] = &[
    limit("default_low", 85.0, "%", "GOGC from which on it may be the default."),
    limit("default_high", 120.0, "%", "GOGC up to which it may be the default."),
];

/// Cycles with a goal that show that GOGC is on.
const MIN_ON: f64 = 10.0;

fn check(run: &RunView, limits: &Limits, findings: &mut Findings) {
    let mut test = Test::default();
    let effective;
    let levels = match &environment::goal_settings(run).gogc.value {
        Ok(levels) => levels,
        Err(why) => {
            effective = environment::effective_gogc_levels(run);
            if effective.len() < 2 {
                match switched_on(run) {
                    Some(finding) => findings.push(finding),
                    None => {
                        test.fact(&format!("goals tell GOGC (not here: {why})"), false);
                        findings.declined(&RULE, Some(run.run), test);
                    }
                }
                return;
            }
            &effective
        }
    };
    test.fact("goals tell GOGC", true);
    let Some((first, changes)) = levels.split_first() else { return };
    let place = |level: &Gogc| Place { line: level.line, field: Some(gc::HEAP_GOAL_MB) };
    if let Some(change) = changes.first() {
        test.fact("another level is held for 10 cycles or more, 5 where it doubles or halves", true);
        let mut levels_in_words = in_words(first);
        for level in changes {
            levels_in_words += &format!(" → {} at gc {}", in_words(level), level.n);
        }
        findings.push(Finding {
            severity: Severity::Info,
            run: Some(run.run),
            place: place(change),
            message: format!("Effective GOGC changed {levels_in_words}."),
            related: levels
                .iter()
                .filter(|level| level.line != change.line)
                .map(|level| Related {
                    place: place(level),
                    text: format!("{} from gc {} on", in_words(level), level.n),
                })
                .collect(),
            count: changes.len(),
            numbers: vec![
                ("gogc_before_pct", first.percent.unwrap_or(f64::NAN)),
                ("gogc_after_pct", change.percent.unwrap_or(f64::NAN)),
            ],
            test,
            ..Finding::about(&RULE)
        });
        return;
    }
    let percent = first.percent.unwrap_or(f64::NAN);
    let (low, high) = (limits.get("default_low"), limits.get("default_high"));
    let is_other = match first.percent {
        None => test.fact("no goal is printed: GOGC=off", true),
        Some(percent) if percent < low => test.value("GOGC", percent, Bound::Below(low), "%"),
        Some(percent) => test.value("GOGC", percent, Bound::Above(high), "%"),
    };
    if !is_other {
        findings.declined(&RULE, Some(run.run), test);
        return;
    }
    findings.push(Finding {
        severity: Severity::Hint,
        run: Some(run.run),
        place: place(first),
        message: format!("GOGC looks like {}; the default is 100.", in_words(first)),
        numbers: vec![("gogc_pct", percent)],
        test,
        ..Finding::about(&RULE)
    });
}

/// Cycles without a goal, followed by ones that have a goal too small to tell more.
fn switched_on(run: &RunView) -> Option<Finding> {
    let cycles = &run.cycles;
    let off = cycles.no_goal.iter().rposition(|no_goal| *no_goal)?;
    let on: Vec<usize> = (off + 1..cycles.len()).filter(|row| cycles.heap_goal_mb[*row].is_finite()).collect();
    let mut test = Test::default();
    test.fact("a cycle without a goal: GOGC=off", true);
    if !test.data("cycles with a goal behind it", on.len() as f64, MIN_ON, "") {
        return None;
    }
    let place = |row: usize| Place { line: cycles.line[row], field: Some(gc::HEAP_GOAL_MB) };
    Some(Finding {
        severity: Severity::Info,
        run: Some(run.run),
        place: place(on[0]),
        message: format!("Effective GOGC changed off → on at gc {}.", cycles.n[on[0]]),
        related: vec![Related { place: place(off), text: format!("off at gc {}", cycles.n[off]) }],
        test,
        ..Finding::about(&RULE)
    })
}

fn in_words(level: &Gogc) -> String {
    level.percent.map_or_else(|| "off".to_owned(), number)
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;
    use crate::rules::fixture::{GcLine, check, findings_in, gc_lines, view, why_not};

    /// Cycles whose live heap grows by a megabyte each, from 30 MB on, under the GOGC of their index.
    fn growing(n: u64, gogc: impl Fn(u64) -> u64) -> String {
        gc_lines(n, |idx| {
            let live = 30 + idx;
            let goal = (live - 1) * (100 + gogc(idx)) / 100;
            GcLine { n: idx + 7, at_s: idx as f64, heap_mb: [goal - 4, goal - 3, live, goal], ..GcLine::default() }
        })
    }

    #[test]
    fn a_change_is_told_where_it_shows_first() {
        check(
            &RULE,
            &growing(60, |idx| if idx < 30 { 100 } else { 300 }),
            expect![[r#"
                31:heap_goal_mb Info GC404: Effective GOGC changed 100 → 300 at gc 37.
                  2:heap_goal_mb 100 from gc 8 on
            "#]],
        );
    }

    #[test]
    fn another_level_than_the_default_is_a_hint() {
        check(
            &RULE,
            &growing(40, |_| 400),
            expect![[r#"
                2:heap_goal_mb Hint GC404: GOGC looks like 400; the default is 100.
            "#]],
        );
        for gogc in [50, 80, 125, 200] {
            assert!(findings_in(&RULE, &growing(40, |_| gogc)).contains(&format!("GOGC looks like {gogc};")));
        }
    }

    #[test]
    fn the_default_is_not_worth_a_word() {
        for gogc in [90, 100, 110, 120] {
            assert_eq!(findings_in(&RULE, &growing(40, |_| gogc)), "", "GOGC={gogc}");
        }
        expect![[r#"
            ✓ goals tell GOGC
            ✗ GOGC: 100 % (above 120 % needed)
        "#]]
        .assert_eq(&why_not(&RULE, &view(&growing(40, |_| 100))));
    }

    #[test]
    fn how_long_another_level_must_hold() {
        let at = |gogc: u64, n: u64| growing(60, move |idx| if (30..30 + n).contains(&idx) { gogc } else { 100 });
        assert_eq!(findings_in(&RULE, &at(180, 9)), "");
        assert!(findings_in(&RULE, &at(180, 10)).contains("100 → 180 at gc 37 → 100 at gc 47"));
        assert_eq!(findings_in(&RULE, &at(300, 4)), "");
        assert!(findings_in(&RULE, &at(300, 6)).contains("100 → 300 at gc 37 → 100 at gc 43"));
    }

    #[test]
    fn a_memory_limit_hides_it() {
        let log = gc_lines(20, |idx| GcLine {
            n: idx + 7,
            at_s: idx as f64,
            heap_mb: [59, 60, 30 + idx, 60],
            ..GcLine::default()
        });
        assert_eq!(findings_in(&RULE, &log), "");
        let why = why_not(&RULE, &view(&log));
        assert!(why.contains("a memory limit sets the goal"), "{why}");
    }

    #[test]
    fn off_from_the_start_and_switched_on_later() {
        let log = "\
gc 1 @2.506s 0%: 0.10+63+0.011 ms clock, 0.21+0/31/62+0.023 ms cpu, 391->391->30 MB, 17592186044415 MB goal, 0 MB stacks, 0 MB globals, 2 P (forced)
";
        assert!(findings_in(&RULE, log).contains("Hint GC404: GOGC looks like off"));
        let then = log.to_owned()
            + &gc_lines(20, |idx| {
                let (live, before) = (30 + idx, if idx == 0 { 30 } else { 29 + idx });
                let heap_mb = [2 * before - 2, 2 * before - 1, live, 2 * before];
                GcLine { n: idx + 2, at_s: 3.0 + idx as f64, heap_mb, ..GcLine::default() }
            });
        let text = findings_in(&RULE, &then);
        assert!(text.contains("Info GC404: Effective GOGC changed off → 100 at gc"), "{text}");
    }

    #[test]
    fn a_change_shows_although_the_live_heap_stands_still() {
        let still = |goal: fn(u64) -> u64| {
            gc_lines(40, |idx| GcLine {
                n: idx + 7,
                at_s: idx as f64,
                heap_mb: [50, 51, 41, goal(idx)],
                ..GcLine::default()
            })
        };
        let text = findings_in(&RULE, &still(|idx| if idx < 20 { 82 } else { 61 }));
        assert!(text.contains("Effective GOGC changed 100 → 50 at gc 27."), "{text}");
        assert_eq!(findings_in(&RULE, &still(|_| 82)), "");
    }

    #[test]
    fn off_and_on_are_told_apart_on_small_heaps() {
        let off = "gc 1 @2.506s 0%: 0.10+63+0.011 ms clock, 0.21+0/31/62+0.023 ms cpu, 391->391->3 MB, 17592186044415 MB \
                   goal, 0 MB stacks, 0 MB globals, 2 P (forced)\n";
        let small = |n| {
            gc_lines(n, |idx| GcLine { n: idx + 2, at_s: 3.0 + idx as f64, heap_mb: [7, 8, 3, 8], ..GcLine::default() })
        };
        let text = findings_in(&RULE, &(off.to_owned() + &small(10)));
        assert!(text.starts_with("2:heap_goal_mb Info GC404: Effective GOGC changed off → on at gc 2."), "{text}");
        assert_eq!(findings_in(&RULE, &(off.to_owned() + &small(9))), "");
    }

    #[test]
    fn small_heaps_and_releases_without_a_goal_tell_nothing() {
        let small =
            gc_lines(30, |idx| GcLine { n: idx + 1, at_s: idx as f64, heap_mb: [3, 4, 1, 4], ..GcLine::default() });
        assert_eq!(findings_in(&RULE, &small), "");
        let old = "gc7(2): 25+3619+2836+0 us, 3 -> 6 MB, 141593 (141616-23) objects, 429/0/0 sweeps, 0(0) handoff, \
                   3(13) steal, 16/1/0 yields\n";
        assert_eq!(findings_in(&RULE, old), "");
    }
}
