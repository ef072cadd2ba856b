//! ## What it looks for
//!
//! Timers of all Ps together (`timerslen` of scheddetail, Go 1.14 and later) that become ever more: the trend test of
//! `live-heap-leak` with 20 samples, 5 s and a gain of 1000 timers and half of where it began.
//!
//! ## Why it matters
//!
//! Each pending timer holds memory, and all of them make every timer slower to set. Up to Go 1.22 `time.After` in a select
//! inside a loop keeps each of its timers until it fires, however soon the select went on: one program had 27651 timers
//! after 8 s with Go 1.21, and 1 with Go 1.27.
//!
//! ## What to do next
//!
//! Look for `time.After` and `time.NewTimer` in loops. Reuse one timer with Stop and Reset, or build with Go 1.23 or later
//! (in the main module's `go` line too): timers that nothing refers to are then collected. Tickers that are never
//! stopped show the same way.
//!
//! ```sh
//! # who makes timers: where the memory was allocated
//! go tool pprof -top -sample_index=inuse_objects -focus 'time\.(After|NewTimer|AfterFunc|NewTicker)' 'http://HOST/debug/pprof/heap'
//! ```
//!
//! ## Limits
//!
//! Timers with a long time that are used on purpose (an hour for each session) grow until the first of them fire. Blocks
//! in which a P line is missing are left out.
//!
//! ## Example
//!
//! ```text
//!   P0: status=1 schedtick=3115 syscalltick=12 m=3 runqsize=0 gfreecnt=0 timerslen=13894
//!   P1: status=0 schedtick=3050 syscalltick=9 m=-1 runqsize=0 gfreecnt=0 timerslen=13757
//! ```

use tracelog::catalog::sched_p;

use super::count_growth::{Counted, growing};
use super::evidence::Test;
use super::growth::Thresholds;
use super::{Check, Finding, Findings, Kind, Limit, Limits, Place, Rule, Severity, limit};
use crate::view::RunView;
use crate::words::{rough, rough_span};

/// SC118.
pub(crate) static RULE: Rule = Rule {
    code: "SC118",
    slug: "timer-growth",
    title: "Ever more timers are pending",
    severity: Severity::Warning,
    kind: Kind::Trend,
    reads: &[sched_p::TIMERSLEN],
    limits: LIMITS,
    check: Check::Run(check),
};

const LIMITS: &[Limit] = &[
    limit("min_samples", 20.0, "samples", "Fewest blocks of scheddetail."),
    limit("min_span_s", 5.0, "s", "Runs that span less time are not judged."),
    limit("min_gain", 1000.0, "timers", "Smaller growth is not reported."),
    limit("min_gain_share", 0.50, "of the base", "Growth below this share of its base is not reported."),
    limit("max_p", 0.01, "", "Largest probability of the trend by chance."),
    limit("min_tau", 0.40, "", "Weakest trend: rising pairs less falling ones, as a share of all."),
    limit("max_given_back", 0.35, "of the gain", "Growth is not reported when at least this share was given back."),
];

fn check(run: &RunView, limits: &Limits, out: &mut Findings) {
    let detail = &run.detail;
    if detail.timers.iter().all(|timers| timers.is_nan()) {
        return;
    }
    let thresholds = Thresholds {
        min_cycles: limits.get("min_samples"),
        min_span_s: limits.get("min_span_s"),
        max_p: limits.get("max_p"),
        min_tau: limits.get("min_tau"),
        min_gain_mb: limits.get("min_gain"),
        min_gain_share: limits.get("min_gain_share"),
        max_given_back: limits.get("max_given_back"),
        min_end_mb: 0.0,
        ..Thresholds::DEFAULT
    };
    let at_s = |block: usize| run.samples.at_s[detail.sample[block]];
    let whole = |block: &usize| (at_s(*block) + detail.timers[*block]).is_finite();
    let blocks: Vec<usize> = (0..detail.len()).filter(whole).collect();
    let points: Vec<(f64, f64)> = blocks.iter().map(|&block| (at_s(block), detail.timers[block])).collect();
    let counted = Counted { points: "blocks of scheddetail", time: "s", what: "timers" };
    let mut test = Test::default();
    let Some(mut growing) = growing(&points, &thresholds, &counted, &mut test) else {
        out.declined(&RULE, Some(run.run), test);
        return;
    };
    let place = |idx: usize| Place { line: run.samples.line[detail.sample[blocks[idx]]], field: None };
    let rate = (growing.to - growing.from) / growing.apart;
    let seen = |idx: usize| format!("{:.0} timers at {:.1} s", points[idx].1, points[idx].0);
    let message = format!(
        "Pending timers grow {:.0} → {:.0} in {} ({} per s).",
        growing.from,
        growing.to,
        rough_span(growing.apart),
        rough(rate)
    );
    growing.numbers.extend([("apart_s", growing.apart), ("rate_per_s", rate)]);
    let finding = growing.finding(&RULE, test, points.len(), place, seen);
    out.push(Finding { run: Some(run.run), message, ..finding });
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;
    use crate::rules::detail_fixture::{Block, blocks};
    use crate::rules::fixture::{check, findings_in, view, why_not};

    fn timers(n: u64, of_each_p: impl Fn(u64) -> u64) -> String {
        blocks(n, 400, |idx| Block { timers: of_each_p(idx), ..Block::default() })
    }

    #[test]
    fn timers_that_become_ever_more() {
        check(
            &RULE,
            &timers(30, |idx| 700 * idx),
            expect![[r#"
            77 Warning SC118: Pending timers grow 16450 → 36750 in 5.7 s (3561 per s).
              41 first used: 14000 timers at 4.0 s
              117 last used: 40600 timers at 11.6 s
        "#]],
        );
    }

    #[test]
    fn timers_that_fire_or_are_few_are_silent() {
        assert_eq!(findings_in(&RULE, &timers(60, |idx| (700 * idx).min(9000))), "");
        assert_eq!(findings_in(&RULE, &timers(60, |_| 50_000)), "");
        assert_eq!(findings_in(&RULE, &timers(60, |idx| 900 * (idx % 10))), "");
        assert_eq!(findings_in(&RULE, &timers(30, |idx| 20 * idx)), "", "a gain of less than 1000");
        assert_ne!(findings_in(&RULE, &timers(30, |idx| 60 * idx)), "");
        assert_eq!(findings_in(&RULE, &timers(19, |idx| 700 * idx)), "", "nineteen samples");
        assert_eq!(
            findings_in(&RULE, &blocks(30, 150, |idx| Block { timers: 700 * idx, ..Block::default() })),
            "",
            "less than 5 s"
        );
    }

    #[test]
    fn a_block_with_a_torn_p_line_is_left_out() {
        let text = timers(30, |idx| 700 * idx);
        let torn = text.replacen("gfreecnt=0 timerslen=7000", "gfreecnt=0 ti", 1);
        assert_ne!(text, torn);
        assert!(findings_in(&RULE, &torn).contains("Pending timers grow"), "{}", findings_in(&RULE, &torn));
    }

    #[test]
    fn before_go_1_14_no_timers_are_printed() {
        let text = timers(30, |idx| 700 * idx)
            .lines()
            .map(|line| line.split(" timerslen").next().unwrap().to_owned() + "\n")
            .collect::<String>();
        assert_eq!(findings_in(&RULE, &text), "");
        assert_eq!(why_not(&RULE, &view(&text)), "");
    }
}
