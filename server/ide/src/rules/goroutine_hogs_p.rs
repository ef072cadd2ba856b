//! ## What it looks for
//!
//! Two blocks of scheddetail or more in a row, at least 100 ms apart, in which the same P runs the same goroutine and has
//! started no other in between (`schedtick` is the same), while other goroutines wait. With less than three blocks and
//! less than half a second it is a hint. Goroutines in system calls, the workers of the collector, blocks in which the
//! world is being stopped, and samples that came late are left out.
//!
//! ## Why it matters
//!
//! A goroutine should give up its P after 10 ms when others wait. One that does not makes them wait for as long as it
//! runs, and a collection cannot begin meanwhile.
//!
//! ## What to do next
//!
//! Since Go 1.14 loops can be preempted, so look for long calls into C or assembly, very long calls of the runtime (a huge
//! append or copy), and `asyncpreemptoff=1`; before, for loops without calls. Find the goroutine by its number:
//!
//! ```sh
//! # stacks of all goroutines; ends the process
//! kill -QUIT PID
//! ```
//!
//! ## Limits
//!
//! Ticks are counted per P and only for goroutines that get a fresh time slice. A machine that is short of CPUs can keep a
//! thread, and so its P, from running at all for some time; where the samples are late too, that is left out.
//!
//! ## Example
//!
//! ```text
//!   P1: status=1 schedtick=520 syscalltick=1 m=4 runqsize=12 gfreecnt=0 timerslen=2
//!   M4: p=1 curg=24 mallocing=0 throwing=0 preemptoff= locks=0 dying=0 spinning=false blocked=false lockedg=nil
//! ```

use tracelog::catalog::{sched_m, sched_p};

use super::evidence::{Bound, Test};
use super::point::{Hit, Words};
use super::samples::report_tested;
use super::{Check, Findings, Kind, Limit, Limits, Place, Rule, Severity, limit};
use crate::derived::runnable;
use crate::stats::median;
use crate::view::RunView;
use crate::view::detail::Running;
use crate::words::rough_span;

/// SC115.
pub(crate) static RULE: Rule = Rule {
    code: "SC115",
    slug: "goroutine-hogs-p",
    title: "A goroutine keeps its P while others wait",
    severity: Severity::Info,
    kind: Kind::Point,
    reads: &[sched_p::SCHEDTICK, sched_p::P_STATUS, sched_m::CURG],
    limits: LIMITS,
    check: Check::Run(check),
};

const LIMITS: &[Limit] = &[
    limit("min_samples", 2.0, "samples", "Fewest blocks in a row."),
    limit("min_span_ms", 100.0, "ms", "Shortest time from the first to the last of them.").in_latency(50.0),
    limit("min_info_samples", 3.0, "samples", "So many in a row are more than a hint."),
    limit("min_info_ms", 500.0, "ms", "So long is more than a hint.").in_latency(250.0),
];

/// A gap of so many usual ones says nothing about who ran meanwhile.
const LATE: f64 = 1.8;

/// A goroutine that keeps its P.
struct Hold {
    last: Running,
    first_block: usize,
    n_blocks: usize,
    last_block: usize,
    /// Most goroutines that waited meanwhile.
    waiting: f64,
}

fn check(run: &RunView, limits: &Limits, out: &mut Findings) {
    let at_s = |block: usize| run.samples.at_s[run.detail.sample[block]];
    let span_s = |hold: &Hold| at_s(hold.last_block) - at_s(hold.first_block);
    let min_span_s = limits.get("min_span_ms") / 1000.0;
    let holds: Vec<Hold> = holds(run)
        .into_iter()
        .filter(|hold| hold.n_blocks as f64 >= limits.get("min_samples") && span_s(hold) >= min_span_s)
        .collect();
    let hits: Vec<Hit> = holds
        .iter()
        .enumerate()
        .map(|(idx, hold)| Hit {
            row: idx,
            place: Place { line: hold.last.p_line, field: Some(sched_p::SCHEDTICK) },
            weight: span_s(hold),
        })
        .collect();
    let Some(worst) = holds.iter().max_by(|a, b| span_s(a).total_cmp(&span_s(b))) else { return };
    let mut test = Test::default();
    let n = worst.n_blocks as f64;
    test.value(
        "blocks in a row with the same goroutine and schedtick",
        n,
        Bound::AtLeast(limits.get("min_samples")),
        "",
    );
    test.value(
        "time from the first to the last",
        1000.0 * span_s(worst),
        Bound::AtLeast(limits.get("min_span_ms")),
        "ms",
    );
    test.value("goroutines that wait meanwhile", worst.waiting, Bound::AtLeast(1.0), "");
    let seen = |idx: usize| format!("{} for {}", name(&holds[idx].last), rough_span(span_s(&holds[idx])));
    report_tested(out, &RULE, run.run, &hits, seen, test, |worst| {
        let hold = &holds[worst];
        let is_clear = hold.n_blocks as f64 >= limits.get("min_info_samples")
            || 1000.0 * span_s(hold) >= limits.get("min_info_ms");
        Words {
            severity: if is_clear { Severity::Info } else { Severity::Hint },
            message: format!(
                "{} for {} ({} samples) while up to {:.0} goroutines wait.",
                name(&hold.last),
                rough_span(span_s(hold)),
                hold.n_blocks,
                hold.waiting
            ),
            numbers: vec![
                ("span_s", span_s(hold)),
                ("goroutine", hold.last.g.map_or(f64::NAN, |g| g as f64)),
                ("p", hold.last.p as f64),
                ("runnable", hold.waiting),
            ],
        }
    });
}

/// `G24 has kept P1`.
fn name(running: &Running) -> String {
    running.g.map_or_else(|| format!("something has kept P{}", running.p), |g| format!("G{g} has kept P{}", running.p))
}

/// All stretches of blocks in which one goroutine keeps its P, two blocks or more.
fn holds(run: &RunView) -> Vec<Hold> {
    let detail = &run.detail;
    let at_s = |block: usize| run.samples.at_s[detail.sample[block]];
    let gap_s = |block: usize| if block > 0 { at_s(block) - at_s(block - 1) } else { 0.0 };
    let usual_s = median(&(1..detail.len()).map(gap_s).collect::<Vec<_>>()).unwrap_or(f64::NAN);
    let mut open: Vec<Hold> = Vec::new();
    let mut ended: Vec<Hold> = Vec::new();
    for block in 0..detail.len() {
        // The process as a whole did not run, or lines are missing.
        if gap_s(block) >= LATE * usual_s {
            ended.extend(open.drain(..).filter(|hold| hold.n_blocks > 1));
        }
        let sample = detail.sample[block];
        let waiting = runnable(&run.samples, sample);
        // Where a P line is missing the global queue is a lower bound.
        let waiting = if waiting.is_finite() { waiting } else { run.samples.runqueue[sample] };
        let is_looked_at = waiting >= 1.0 && !detail.gcwaiting[block] && run.samples.at_s[sample].is_finite();
        let mut still: Vec<Hold> = Vec::new();
        for running in detail.running_in(block).iter().filter(|_| is_looked_at) {
            if running.g.is_none() || running.schedtick.is_none() || !running.is_in_program {
                continue;
            }
            let is_same = |hold: &Hold| {
                (hold.last.p, hold.last.g, hold.last.schedtick) == (running.p, running.g, running.schedtick)
            };
            still.push(match open.iter().find(|hold| is_same(hold)) {
                Some(hold) => Hold {
                    last: *running,
                    first_block: hold.first_block,
                    n_blocks: hold.n_blocks + 1,
                    last_block: block,
                    waiting: hold.waiting.max(waiting),
                },
                None => Hold { last: *running, first_block: block, n_blocks: 1, last_block: block, waiting },
            });
        }
        let goes_on = |hold: &Hold| {
            still.iter().any(|other| other.last.p == hold.last.p && other.first_block == hold.first_block)
        };
        ended.extend(open.into_iter().filter(|hold| hold.n_blocks > 1 && !goes_on(hold)));
        open = still;
    }
    ended.extend(open.into_iter().filter(|hold| hold.n_blocks > 1));
    ended
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;
    use crate::rules::detail_fixture::{Block, blocks};
    use crate::rules::fixture::{check, findings_in};

    /// A block in which G24 on M5 has P1 and four goroutines wait.
    fn hogged(tick: u64) -> Block {
        Block { running: vec![[1, 5, 24, tick]], runqsize: 2, ..Block::default() }
    }

    #[test]
    fn names_the_goroutine_and_for_how_long() {
        check(
            &RULE,
            &blocks(8, 250, |idx| hogged(if idx < 2 { idx } else { 2 })),
            expect![[r#"
            45:schedtick Info SC115: G24 has kept P1 for 1.2 s (6 samples) while up to 4 goroutines wait.
        "#]],
        );
    }

    #[test]
    fn silent_where_others_get_their_turn_or_nobody_waits() {
        assert_eq!(findings_in(&RULE, &blocks(8, 250, hogged)), "", "it started others");
        assert_eq!(findings_in(&RULE, &blocks(8, 250, |_| Block { runqsize: 0, ..hogged(2) })), "", "nobody waits");
        assert_eq!(
            findings_in(&RULE, &blocks(8, 250, |idx| Block { running: vec![[1, 5, 24 + idx % 2, 2]], ..hogged(2) })),
            "",
            "goroutines take turns"
        );
        assert_eq!(findings_in(&RULE, &blocks(2, 99, |_| hogged(2))), "", "99 ms");
        assert!(findings_in(&RULE, &blocks(2, 100, |_| hogged(2))).contains("Hint SC115"));
        assert!(findings_in(&RULE, &blocks(2, 500, |_| hogged(2))).contains("Info SC115"));
        assert_eq!(
            findings_in(&RULE, &blocks(8, 250, |_| Block { gcwaiting: true, stopwait: 1, ..hogged(2) })),
            "",
            "the world is being stopped"
        );
    }

    #[test]
    fn workers_of_the_collector_and_system_calls_are_no_hogs() {
        let text = blocks(8, 250, |_| hogged(2));
        assert_eq!(findings_in(&RULE, &text.replace("G24: status=2()", "G24: status=2(GC worker (idle))")), "");
        assert_eq!(findings_in(&RULE, &text.replace("G24: status=2()", "G24: status=3()")), "");
        assert_eq!(findings_in(&RULE, &text.replace("G24: status=2()", "G24: status=4(GC worker (active))")), "");
        assert_ne!(findings_in(&RULE, &text.replace("G24: status=2()", "G24: status=2(GC assist wait)")), "");
    }

    #[test]
    fn a_stall_of_the_whole_process_is_not_the_goroutines() {
        // It starts others all the time but for the stall in front of every fifth block.
        let block = |idx: u64| {
            let is_stalled = idx > 0 && idx.is_multiple_of(5);
            Block { at_ms: 250 * idx + 600 * (idx / 5), ..hogged(20 * (idx - u64::from(is_stalled))) }
        };
        let text: String = (0..20).map(|idx| block(idx).text()).collect();
        assert_eq!(findings_in(&RULE, &text), "");
    }

    #[test]
    fn without_thread_lines_nobody_is_named() {
        let text: String = blocks(8, 250, |_| hogged(2))
            .lines()
            .filter(|line| !line.starts_with("  M"))
            .map(|line| format!("{line}\n"))
            .collect();
        assert_eq!(findings_in(&RULE, &text), "");
    }
}
