//! ## What it looks for
//!
//! Goroutines that are locked to a thread and become ever more (scheddetail: goroutines with `lockedm`, or idle locked
//! threads where the goroutine lines are missing): the trend test of `live-heap-leak` with 20 samples, 5 s and a gain of 10.
//!
//! ## Why it matters
//!
//! A goroutine that called `runtime.LockOSThread` and waits keeps its thread all the time. Ever more of them are threads
//! that nothing else can use, until a limit of threads or processes is reached.
//!
//! ## What to do next
//!
//! Look for `LockOSThread` without `UnlockOSThread` in goroutines that do not end, and for libraries that need it (GUI,
//! graphics, network namespaces).
//!
//! ```sh
//! # goroutines that are locked to a thread
//! curl -s 'http://HOST/debug/pprof/goroutine?debug=2' | grep -A 20 'locked to thread'
//! ```
//!
//! ## Limits
//!
//! A fixed number of locked threads, as a program makes them when it starts, is normal. Since Go 1.10 a thread ends with a
//! goroutine that is still locked to it.
//!
//! ## Example
//!
//! ```text
//!   M7: p=nil curg=nil mallocing=0 throwing=0 preemptoff= locks=0 dying=0 spinning=false blocked=true lockedg=25
//!   G25: status=4(select (no cases)) m=nil lockedm=7
//! ```

use tracelog::catalog::{sched, sched_g};

use super::count_growth::{Counted, growing};
use super::evidence::Test;
use super::growth::Thresholds;
use super::{Check, Finding, Findings, Kind, Limit, Limits, Place, Rule, Severity, limit};
use crate::view::RunView;
use crate::words::rough_span;

/// SC117.
pub(crate) static RULE: Rule = Rule {
    code: "SC117",
    slug: "locked-threads",
    title: "Ever more goroutines are locked to threads",
    severity: Severity::Info,
    kind: Kind::Trend,
    reads: &[sched_g::LOCKEDM, sched::NMIDLELOCKED],
    limits: LIMITS,
    check: Check::Run(check),
};

const LIMITS: &[Limit] = &[
    limit("min_samples", 20.0, "samples", "Fewest blocks of scheddetail."),
    limit("min_span_s", 5.0, "s", "Runs that span less time are not judged."),
    limit("min_gain", 10.0, "goroutines", "Smaller growth is not reported."),
    limit("min_gain_share", 0.50, "of the base", "Growth below this share of its base is not reported."),
    limit("max_p", 0.01, "", "Largest probability of the trend by chance."),
    limit("min_tau", 0.40, "", "Weakest trend: rising pairs less falling ones, as a share of all."),
];

fn check(run: &RunView, limits: &Limits, out: &mut Findings) {
    let (detail, samples) = (&run.detail, &run.samples);
    let at_s = |block: usize| samples.at_s[detail.sample[block]];
    let goroutines = |block: usize| detail.locked[block];
    let idle = |block: usize| samples.idle_locked[detail.sample[block]];
    let has_goroutines = detail.locked.iter().any(|locked| locked.is_finite());
    let locked = |block: usize| if has_goroutines { goroutines(block) } else { idle(block) };
    let blocks: Vec<usize> = (0..detail.len()).filter(|&block| (at_s(block) + locked(block)).is_finite()).collect();
    let points: Vec<(f64, f64)> = blocks.iter().map(|&block| (at_s(block), locked(block))).collect();
    // Nearly every program has one at most; why there are not more is no question.
    if points.iter().all(|(_, locked)| *locked < limits.get("min_gain")) {
        return;
    }
    let thresholds = Thresholds {
        min_cycles: limits.get("min_samples"),
        min_span_s: limits.get("min_span_s"),
        max_p: limits.get("max_p"),
        min_tau: limits.get("min_tau"),
        min_gain_mb: limits.get("min_gain"),
        min_gain_share: limits.get("min_gain_share"),
        min_end_mb: 0.0,
        ..Thresholds::DEFAULT
    };
    let counted = Counted { points: "blocks of scheddetail", time: "s", what: "goroutines" };
    let mut test = Test::default();
    let Some(mut growing) = growing(&points, &thresholds, &counted, &mut test) else {
        return out.declined(&RULE, Some(run.run), test);
    };
    let field = (!has_goroutines).then_some(sched::NMIDLELOCKED);
    let place = |idx: usize| Place { line: samples.line[detail.sample[blocks[idx]]], field };
    let seen = |idx: usize| format!("{:.0} locked at {:.1} s", points[idx].1, points[idx].0);
    let message = format!(
        "{} grow {:.0} → {:.0} in {}.",
        if has_goroutines { "Goroutines locked to threads" } else { "Idle threads locked to goroutines" },
        growing.from,
        growing.to,
        rough_span(growing.apart),
    );
    growing.numbers.push(("apart_s", growing.apart));
    let finding = growing.finding(&RULE, test, points.len(), place, seen);
    out.push(Finding { run: Some(run.run), message, ..finding });
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;
    use crate::rules::detail_fixture::{Block, blocks};
    use crate::rules::fixture::{check, findings_in, view, why_not};

    fn locked(n: u64, locked: impl Fn(u64) -> u64) -> String {
        blocks(n, 500, |idx| Block {
            locked: locked(idx),
            goroutines: vec![("4(select (no cases))", 130)],
            ..Block::default()
        })
    }

    #[test]
    fn goroutines_that_keep_their_threads() {
        check(
            &RULE,
            &locked(40, |idx| 2 * idx),
            expect![[r#"
            2528 Info SC117: Goroutines locked to threads grow 25 → 69 in 11 s.
              1331 first used: 20 locked at 5.0 s
              5188 last used: 78 locked at 19.5 s
        "#]],
        );
    }

    #[test]
    fn a_fixed_number_and_few_are_silent() {
        assert_eq!(findings_in(&RULE, &locked(40, |_| 60)), "");
        assert_eq!(findings_in(&RULE, &locked(40, |idx| idx / 5)), "");
        assert_eq!(findings_in(&RULE, &locked(40, |idx| (10 * idx).min(60))), "");
        assert_eq!(findings_in(&RULE, &locked(19, |idx| 5 * idx)), "", "nineteen samples");
        assert_eq!(why_not(&RULE, &view(&locked(40, |_| 1))), "");
    }

    #[test]
    fn without_goroutine_lines_the_idle_threads_count() {
        let text: String = (0..40)
            .map(|idx| {
                Block { at_ms: 500 * idx, ..Block::default() }
                    .text()
                    .replace("nmidlelocked=0", &format!("nmidlelocked={}", 2 * idx))
            })
            .collect();
        let text: String =
            text.lines().filter(|line| !line.starts_with("  G")).map(|line| format!("{line}\n")).collect();
        assert!(
            findings_in(&RULE, &text).contains(":nmidlelocked Info SC117: Idle threads locked to goroutines grow"),
            "{}",
            findings_in(&RULE, &text)
        );
    }
}
