//! ## What it looks for
//!
//! Goroutines that wait and become ever more. With `scheddetail=1` those with status 4 or 10 are counted, block by block,
//! without those of the runtime; the `gc` lines of Go 1.4 print a number of goroutines. The series goes through the trend
//! test of `live-heap-leak` with 20 samples (40 cycles in Go 1.4) and a gain of 20 goroutines and half of where it began.
//! When all together do not grow, each wait reason is looked at alone. Growth is a warning. A goroutine with
//! status 10 was found leaked by a leak check: one is proof, and an error.
//!
//! ## Why it matters
//!
//! A goroutine that waits for something that never comes stays until the program ends, with its stack and all that the
//! stack points to. Ever more of them end in an out-of-memory kill.
//!
//! ## What to do next
//!
//! Look for the largest groups of goroutines that wait for the same reason at the same place.
//!
//! ```sh
//! # all goroutines with their stacks, to open here
//! curl -so goroutines.txt 'http://HOST/debug/pprof/goroutine?debug=2'
//! ```
//!
//! With Go 1.27 (1.26 with GOEXPERIMENT=goroutineleakprofile) ask for proven leaks:
//!
//! ```sh
//! # goroutines that can never go on, found by a leak check
//! curl -so leaked.txt 'http://HOST/debug/pprof/goroutineleak?debug=2'
//! ```
//!
//! ## Limits
//!
//! A server that gets more connections has more goroutines too, and a pool that fills is growth while it fills: the
//! verdict is about the log so far. Blocks that were cut are left out: a block never has fewer goroutine lines than the
//! one before it, because Go prints ended goroutines too. The `gc` lines of Go 1.4 have no time, so there the number of
//! cycles stands for it, and running goroutines are counted too.
//!
//! ## Example
//!
//! ```text
//! SCHED 57089ms: gomaxprocs=2 idleprocs=2 threads=6 spinningthreads=0 needspinning=0 idlethreads=3 runqueue=0 gcwaiting=false nmidlelocked=0 stopwait=0 sysmonwait=false
//!   G26: status=4(chan send) m=nil lockedm=nil
//!   G27: status=4(chan send) m=nil lockedm=nil
//! ```

use tracelog::catalog::{gc, sched_g};

use super::count_growth::{Counted, Growing, growing};
use super::evidence::{Confidence, Test};
use super::growth::Thresholds;
use super::{Check, Finding, Findings, Kind, Limit, Limits, Place, Related, Rule, Severity, limit};
use crate::view::RunView;
use crate::view::detail::{Detail, Reason};
use crate::words::{rough, rough_span, shorten};

/// SC110.
pub(crate) static RULE: Rule = Rule {
    code: "SC110",
    slug: "goroutine-count-leak",
    title: "Ever more goroutines wait",
    severity: Severity::Error,
    kind: Kind::Trend,
    reads: &[sched_g::G_STATUS, sched_g::REASON, gc::GOROUTINES],
    limits: LIMITS,
    check: Check::Run(check),
};

const LIMITS: &[Limit] = &[
    limit("min_samples", 20.0, "samples", "Fewest blocks of scheddetail."),
    limit("min_cycles", 40.0, "cycles", "Fewest cycles of Go 1.4."),
    limit("min_span_s", 15.0, "s", "Runs that span less time are not judged."),
    limit("min_gain", 20.0, "goroutines", "Smaller growth is not reported."),
    limit("min_gain_share", 0.50, "of the base", "Growth below this share of its base is not reported."),
    limit("max_p", 0.01, "", "Largest probability of the trend by chance."),
    limit("min_tau", 0.40, "", "Weakest trend: rising pairs less falling ones, as a share of all."),
    limit("max_given_back", 0.35, "of the gain", "Growth is not reported when at least this share was given back."),
    limit("min_reason_share", 0.80, "of the gain", "A wait reason that carries so much is named alone."),
];

/// Goroutines of a server that wait for one of these are as many as its connections or timers, without a leak too.
const MAY_FOLLOW_LOAD: [&str; 3] = ["IO wait", "sleep", "select"];

fn check(run: &RunView, limits: &Limits, out: &mut Findings) {
    let is_proven = leaked(run, out);
    if !run.detail.is_empty() {
        by_block(run, limits, is_proven, out);
    }
    if run.cycles.goroutines.iter().any(|n| n.is_finite()) {
        by_cycle(run, limits, out);
    }
}

fn thresholds(limits: &Limits) -> Thresholds {
    Thresholds {
        min_cycles: limits.get("min_samples"),
        min_span_s: limits.get("min_span_s"),
        max_p: limits.get("max_p"),
        min_tau: limits.get("min_tau"),
        min_gain_mb: limits.get("min_gain"),
        min_gain_share: limits.get("min_gain_share"),
        max_given_back: limits.get("max_given_back"),
        min_end_mb: 0.0,
        ..Thresholds::DEFAULT
    }
}

fn head(run: &RunView, block: usize) -> Place {
    Place { line: run.samples.line[run.detail.sample[block]], field: None }
}

/// Goroutines that a leak check found leaked.
fn leaked(run: &RunView, out: &mut Findings) -> bool {
    let detail = &run.detail;
    let seen: Vec<usize> = (0..detail.len()).filter(|&block| detail.leaked[block] > 0.0).collect();
    let (Some(&first), Some(&last)) = (seen.first(), seen.last()) else { return false };
    let most =
        seen.iter().copied().rev().max_by(|&a, &b| detail.leaked[a].total_cmp(&detail.leaked[b])).unwrap_or(last);
    let n = detail.leaked[most];
    let mut test = Test::default();
    test.fact("a leak check found goroutines leaked (status 10)", true);
    let at = |block: usize| run.samples.at_s[detail.sample[block]];
    let related = [("first", first), ("last", last)].into_iter().filter(|(_, block)| *block != most);
    out.push(Finding {
        run: Some(run.run),
        place: head(run, most),
        message: if n == 1.0 {
            "1 goroutine leaked (status 10): a leak check found that it can never go on.".to_owned()
        } else {
            format!("{n:.0} goroutines leaked (status 10): a leak check found that they can never go on.")
        },
        related: related
            .map(|(what, block)| Related {
                place: head(run, block),
                text: format!("{what}: {:.0} leaked at {:.1} s", detail.leaked[block], at(block)),
            })
            .collect(),
        count: seen.len(),
        numbers: vec![("leaked", n)],
        test,
        confidence: Some(Confidence::Strong),
        ..Finding::about(&RULE)
    });
    true
}

/// The time and a count of each block that has both, with its number.
fn points(run: &RunView, count: impl Fn(usize) -> f64) -> (Vec<(f64, f64)>, Vec<usize>) {
    let detail = &run.detail;
    let mut latest = f64::NEG_INFINITY;
    let mut points = Vec::new();
    let mut blocks = Vec::new();
    for (block, &sample) in detail.sample.iter().enumerate() {
        let (at_s, count) = (run.samples.at_s[sample], count(block));
        if at_s.is_finite() && count.is_finite() && at_s >= latest {
            latest = at_s;
            points.push((at_s, count));
            blocks.push(block);
        }
    }
    (points, blocks)
}

const WAITING: Counted = Counted { points: "blocks of scheddetail", time: "s", what: "goroutines" };

fn by_block(run: &RunView, limits: &Limits, is_proven: bool, out: &mut Findings) {
    let detail = &run.detail;
    let thresholds = thresholds(limits);
    let (all, blocks) = points(run, |block| detail.waiting[block]);
    let mut test = Test::default();
    if let Some(growing) = growing(&all, &thresholds, &WAITING, &mut test) {
        let gains = gains(detail, &blocks, growing.first);
        let named = named(&gains, limits.get("min_reason_share"));
        let only = gains.first().filter(|(share, _)| *share >= limits.get("min_reason_share"));
        let found = finding(run, growing, test, (&all, &blocks), ("Waiting goroutines keep", &named));
        out.push(with_load(found, only.map(|(_, reason)| *reason)));
        return;
    }
    // One reason can grow while others come and go.
    let mut found: Option<(Growing, &Reason, Test)> = None;
    for reason in detail.reasons.iter().filter(|_| test.missing().next().is_none()) {
        let (points, _) = points(run, |block| detail.waiting_for(reason, block));
        let mut test = Test::default();
        let Some(growing) = growing(&points, &thresholds, &WAITING, &mut test) else { continue };
        if found.as_ref().is_none_or(|(most, ..)| growing.to - growing.from > most.to - most.from) {
            found = Some((growing, reason, test));
        }
    }
    match found {
        Some((growing, reason, test)) => {
            let (points, blocks) = points(run, |block| detail.waiting_for(reason, block));
            let who = format!("Goroutines waiting in {} keep", quoted(&reason.name));
            let found = finding(run, growing, test, (&points, &blocks), (&who, ""));
            out.push(with_load(found, Some(reason)));
        }
        None if !is_proven => out.declined(&RULE, Some(run.run), test),
        None => {}
    }
}

/// A finding about waiting goroutines; `who` begins its message, `named` ends it.
fn finding(
    run: &RunView,
    mut growing: Growing,
    test: Test,
    (points, blocks): (&[(f64, f64)], &[usize]),
    (who, named): (&str, &str),
) -> Finding {
    let rate = (growing.to - growing.from) / growing.apart;
    let message = format!(
        "{who} growing: {:.0} → {:.0} in {} ({} per s){named}.",
        growing.from,
        growing.to,
        rough_span(growing.apart),
        rough(rate),
    );
    growing.numbers.extend([("apart_s", growing.apart), ("rate_per_s", rate)]);
    let seen = |idx: usize| format!("{:.0} waiting at {:.1} s", points[idx].1, points[idx].0);
    let finding = growing.finding(&RULE, test, points.len(), |idx| head(run, blocks[idx]), seen);
    Finding { severity: Severity::Warning, run: Some(run.run), message, ..finding }
}

/// As certain as the trend, unless goroutines that wait for this may follow the load.
fn with_load(finding: Finding, reason: Option<&Reason>) -> Finding {
    let follows_load = reason.is_some_and(|reason| MAY_FOLLOW_LOAD.contains(&reason.name.as_str()));
    let confidence = if follows_load { Some(Confidence::Moderate) } else { finding.confidence };
    Finding { confidence, ..finding }
}

/// Each reason's share of the growth between the first and the last fifth of the blocks, the largest first.
fn gains<'a>(detail: &'a Detail, blocks: &[usize], first: usize) -> Vec<(f64, &'a Reason)> {
    let used = &blocks[first.min(blocks.len())..];
    let fifth = used.len().div_ceil(5);
    let typical = |reason: &Reason, blocks: &[usize]| {
        let counts: Vec<f64> = blocks.iter().map(|&block| detail.waiting_for(reason, block)).collect();
        crate::stats::median(&counts).unwrap_or(0.0)
    };
    let gain = |reason| typical(reason, &used[used.len() - fifth..]) - typical(reason, &used[..fifth]);
    let mut gains: Vec<(f64, &Reason)> = detail.reasons.iter().map(|reason| (gain(reason), reason)).collect();
    let total: f64 = gains.iter().map(|(gain, _)| gain.max(0.0)).sum();
    gains.iter_mut().for_each(|(gain, _)| *gain = if total > 0.0 { *gain / total } else { 0.0 });
    gains.sort_by(|a, b| b.0.total_cmp(&a.0));
    gains
}

/// `, 98 % of it in "chan send"`; two reasons where one does not carry enough.
fn named(gains: &[(f64, &Reason)], min_share: f64) -> String {
    let percent = |share: f64| format!("{:.0} %", 100.0 * share);
    match gains {
        [(share, reason), ..] if *share >= min_share => {
            format!(", {} of it in {}", percent(*share), quoted(&reason.name))
        }
        [(share, reason), (next_share, next), ..] if *next_share > 0.0 => format!(
            ", {} of it in {}, {} in {}",
            percent(*share),
            quoted(&reason.name),
            percent(*next_share),
            quoted(&next.name)
        ),
        _ => String::new(),
    }
}

/// A reason as a message shows it. Lines that are damaged can hold anything.
fn quoted(reason: &str) -> String {
    if reason.is_empty() { "a state without a reason".to_owned() } else { format!("\"{}\"", shorten(reason, 40)) }
}

/// The number of goroutines in the `gc` lines of Go 1.4.
fn by_cycle(run: &RunView, limits: &Limits, out: &mut Findings) {
    let cycles = &run.cycles;
    let rows: Vec<usize> = (0..cycles.len()).filter(|&row| cycles.goroutines[row].is_finite()).collect();
    // These lines have no time.
    let points: Vec<(f64, f64)> =
        rows.iter().enumerate().map(|(idx, &row)| (idx as f64, cycles.goroutines[row])).collect();
    let thresholds = Thresholds { min_cycles: limits.get("min_cycles"), min_span_s: 0.0, ..thresholds(limits) };
    let counted = Counted { points: "gc lines that count goroutines", time: "cycles", what: "goroutines" };
    let mut test = Test::default();
    let Some(growing) = growing(&points, &thresholds, &counted, &mut test) else {
        out.declined(&RULE, Some(run.run), test);
        return;
    };
    let place = |idx: usize| Place { line: cycles.line[rows[idx]], field: Some(gc::GOROUTINES) };
    let seen = |idx: usize| format!("{:.0} goroutines in gc {}", points[idx].1, cycles.n[rows[idx]]);
    let message = format!(
        "Goroutines keep growing: {:.0} → {:.0} over {:.0} cycles, as the gc lines count them.",
        growing.from, growing.to, growing.apart,
    );
    let finding = growing.finding(&RULE, test, points.len(), place, seen);
    out.push(Finding { severity: Severity::Warning, run: Some(run.run), message, ..finding });
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;
    use crate::rules::detail_fixture::{Block, blocks};
    use crate::rules::fixture::{check, findings_in, view, why_not};

    /// `n` blocks a second apart with so many goroutines in `chan send`, and a few of the runtime.
    fn senders(n: u64, waiting: impl Fn(u64) -> u64) -> String {
        blocks(n, 1000, |idx| Block {
            goroutines: vec![
                ("4(chan send)", waiting(idx)),
                ("4(IO wait)", 3 + idx % 3),
                ("4(GC worker (idle))", 2),
                // Go prints those that ended, too.
                ("6()", 300u64.saturating_sub(waiting(idx) + idx % 3)),
            ],
            ..Block::default()
        })
    }

    #[test]
    fn goroutines_that_wait_for_the_same_thing_and_become_ever_more() {
        check(
            &RULE,
            &senders(40, |idx| 5 * idx),
            expect![[r#"
                5853 Warning SC110: Waiting goroutines keep growing: 67 → 176 in 22 s (5 per s), 100 % of it in "chan send".
                  3081 first used: 54 waiting at 10.0 s
                  12013 last used: 198 waiting at 39.0 s
            "#]],
        );
    }

    #[test]
    fn a_pool_that_filled_and_one_that_is_emptied_are_silent() {
        assert_eq!(findings_in(&RULE, &senders(60, |idx| (6 * idx).min(119))), "");
        assert_eq!(findings_in(&RULE, &senders(60, |idx| 10 * (idx % 12))), "");
        assert_eq!(findings_in(&RULE, &senders(60, |_| 2000)), "");
        assert_eq!(findings_in(&RULE, &senders(60, |idx| if idx < 30 { 10 } else { 200 })), "", "one step");
    }

    #[test]
    fn just_below_each_limit() {
        assert_ne!(findings_in(&RULE, &senders(40, |idx| idx)), "");
        assert_eq!(findings_in(&RULE, &senders(40, |idx| idx / 3)), "", "a gain of less than 20");
        assert_ne!(findings_in(&RULE, &senders(40, |idx| 100 + 4 * idx)), "");
        assert_eq!(findings_in(&RULE, &senders(40, |idx| 200 + 2 * idx)), "", "less than half of the base");
        assert_eq!(findings_in(&RULE, &senders(19, |idx| 20 * idx)), "", "nineteen samples");
        assert_ne!(findings_in(&RULE, &senders(24, |idx| 20 * idx)), "");
    }

    #[test]
    fn says_what_is_missing() {
        expect![[r#"
            ✗ blocks of scheddetail: 12 (≥ 20 needed)
            ✗ time: 11 s (≥ 15 s needed)
        "#]]
        .assert_eq(&why_not(&RULE, &view(&senders(12, |idx| 20 * idx))));
        expect![[r#"
            ✓ blocks of scheddetail: 60 (≥ 20 needed)
            ✓ time: 59 s (≥ 15 s needed)
            ✗ chance that it rises by accident (p): 0.032 (below 0.01 needed)
            ✓ how steadily it rises (tau, at most 1): 0.444 (≥ 0.4 needed)
            ✗ growth: 1.25 goroutines (≥ 44.125 needed)
            ✓ of that given back again: 0 % (below 35 % needed)
            ✓ no single step made it
            ✗ it still rises in the second half
        "#]]
        .assert_eq(&why_not(&RULE, &view(&senders(60, |idx| (6 * idx).min(119)))));
    }

    #[test]
    fn a_reason_that_grows_where_others_come_and_go() {
        let text = blocks(60, 1000, |idx| Block {
            goroutines: vec![
                ("4(chan receive)", 2 * idx),
                ("4(IO wait)", 100 + 80 * (idx * 7 % 5)),
                ("6()", 480 - 80 * (idx * 7 % 5)),
            ],
            ..Block::default()
        });
        check(
            &RULE,
            &text,
            expect![[r#"
            13916 Warning SC110: Goroutines waiting in "chan receive" keep growing: 28 → 108 in 39 s (2 per s).
              5921 first used: 20 waiting at 10.0 s
              37820 last used: 118 waiting at 59.0 s
        "#]],
        );
    }

    #[test]
    fn a_cut_block_is_neither_a_drop_nor_a_jump() {
        let whole = senders(60, |_| 250);
        // Of some blocks a part is lost, of one more the next head as well.
        let is_lost =
            |line: usize| [4_100..4_250, 9_000..9_290, 12_400..12_900].iter().any(|lost| lost.contains(&line));
        let lines = whole.lines().enumerate().filter(|(line, _)| !is_lost(*line));
        let cut: String = lines.map(|(_, line)| format!("{line}\n")).collect();
        assert_eq!(findings_in(&RULE, &cut), "");
        let growing = senders(60, |idx| 5 * idx);
        let n_lines = growing.lines().count();
        let cut: String = growing.lines().take(n_lines - 250).map(|line| format!("{line}\n")).collect();
        assert!(findings_in(&RULE, &cut).contains("Waiting goroutines keep growing"));
    }

    #[test]
    fn one_leaked_goroutine_is_proof() {
        let text = blocks(2, 1000, |idx| Block {
            goroutines: vec![("10(chan send)", 7 * idx), ("4(select)", 2)],
            ..Block::default()
        });
        check(
            &RULE,
            &text,
            expect![[r#"
            6 Error SC110: 7 goroutines leaked (status 10): a leak check found that they can never go on.
        "#]],
        );
        let scanned = text.replace("status=10(", "status=4106(");
        assert!(findings_in(&RULE, &scanned).contains("7 goroutines leaked (status 10)"));
    }

    #[test]
    fn dead_goroutines_and_those_of_the_runtime_are_not_counted() {
        for status in
            ["6()", "6(chan send)", "11()", "4107()", "4(GC assist wait)", "4(wait for GC cycle)", "2(chan send)"]
        {
            let text = blocks(40, 1000, |idx| Block { goroutines: vec![(status, 5 * idx)], ..Block::default() });
            assert_eq!(findings_in(&RULE, &text), "", "{status}");
        }
    }

    #[test]
    fn gc_lines_of_go_1_4_count_goroutines() {
        let line = |n: u64, goroutines: u64| {
            format!(
                "gc{n}(2): 26+1+87+0 us, 0 -> 0 MB, 1603 (1634-31) objects, {goroutines} goroutines, 35/0/0 sweeps, \
                 0(0) handoff, 2(4) steal, 16/1/0 yields\n"
            )
        };
        check(
            &RULE,
            &(1..=60).map(|n| line(n, 4 + 3 * n)).collect::<String>(),
            expect![[r#"
            40:goroutines Warning SC110: Goroutines keep growing: 49 → 169 over 39 cycles, as the gc lines count them.
              11:goroutines first used: 37 goroutines in gc 11
              60:goroutines last used: 184 goroutines in gc 60
        "#]],
        );
        assert_eq!(findings_in(&RULE, &(1..=60).map(|n| line(n, 4 + n % 9)).collect::<String>()), "");
        assert_eq!(findings_in(&RULE, &(1..=39).map(|n| line(n, 4 + 9 * n)).collect::<String>()), "", "39 cycles");
    }

    #[test]
    fn releases_that_do_not_count_goroutines_say_nothing() {
        let log = crate::rules::fixture::sched_lines(60, 2, 1.0, |_| (0, 0));
        assert_eq!(findings_in(&RULE, &log), "");
        assert_eq!(why_not(&RULE, &view(&log)), "");
    }
}
