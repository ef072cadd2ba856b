//! ## What it looks for
//!
//! Two blocks of scheddetail or more in a row, at least 100 ms apart, in which somebody stops the world (`gcwaiting`) and
//! still waits for Ps (`stopwait` of 1 or more). The culprit is read from the block: the P with status 1 while others have
//! status 3, its thread, and the goroutine on that thread. Where different goroutines keep running, three blocks are
//! asked for. Up to 200 ms it is a hint.
//!
//! ## Why it matters
//!
//! To stop the world is a matter of microseconds. While it lasts, all goroutines that have stopped already do nothing:
//! requests time out, and no `gc` line is printed because the collection cannot begin or end. Up to Go 1.13 a loop without
//! calls cannot be stopped at all; since then it can, unless `GODEBUG=asyncpreemptoff=1` is set.
//!
//! ## What to do next
//!
//! The stack of the goroutine shows the loop.
//!
//! ```sh
//! # stacks of all goroutines; ends the process
//! kill -QUIT PID
//! ```
//!
//! The dump may have to wait for the same goroutine; a profile of the CPU or a debugger does not:
//!
//! ```sh
//! # where the threads of the process are
//! perf record -g -p PID -- sleep 5
//! ```
//!
//! ## Limits
//!
//! The lines of a block are not read at one instant. Where goroutines were started between the blocks (`schedtick`), they
//! show several stops, each of which was long, rather than one; the message says so. On a machine short of CPUs the thread that does not stop
//! may just not have run. The block that a crash prints is no such stop and is left out.
//!
//! ## Example
//!
//! ```text
//! SCHED 6588ms: gomaxprocs=4 idleprocs=0 threads=7 spinningthreads=0 needspinning=0 idlethreads=4 runqueue=1 gcwaiting=true nmidlelocked=0 stopwait=1 sysmonwait=false
//!   P1: status=1 schedtick=158 syscalltick=0 m=4 runqsize=0 gfreecnt=0 timerslen=1
//!   M4: p=1 curg=23 mallocing=0 throwing=0 preemptoff= locks=0 dying=0 spinning=false blocked=false lockedg=nil
//! ```

use tracelog::catalog::{sched, sched_m, sched_p};

use super::evidence::{Bound, Confidence, Test};
use super::{Check, Finding, Findings, Kind, Limit, Limits, Place, Related, Rule, Severity, limit};
use crate::view::RunView;
use crate::view::detail::Running;
use crate::words::rough_span;

/// SC116.
pub(crate) static RULE: Rule = Rule {
    code: "SC116",
    slug: "world-not-stopping",
    title: "Something does not let the world be stopped",
    severity: Severity::Warning,
    kind: Kind::Point,
    reads: &[sched::STOPWAIT, sched::GCWAITING, sched_p::P_STATUS, sched_m::CURG],
    limits: LIMITS,
    check: Check::Run(check),
};

const LIMITS: &[Limit] = &[
    limit("min_samples", 2.0, "samples", "Fewest blocks in a row in which the same goroutine runs on."),
    limit("min_samples_other", 3.0, "samples", "Fewest blocks in a row when it is not the same goroutine."),
    limit("min_span_ms", 100.0, "ms", "Shortest time between the first and the last of them.").in_latency(50.0),
    limit("min_warning_ms", 200.0, "ms", "Shortest time that is a warning.").in_latency(100.0),
];

/// A crash waits for so many Ps (`freezeStopWait` in `runtime/proc.go`), and prints a block.
const FREEZE_STOP_WAIT: f64 = 2_147_483_647.0;

/// A stretch of blocks in which the world is being stopped.
struct Stop {
    /// Blocks, by number.
    blocks: Vec<usize>,
    span_s: f64,
    /// Who runs on, in the block in which that is seen last.
    culprit: Option<(usize, Running)>,
    /// Blocks in which the same goroutine runs on.
    n_same: usize,
}

fn check(run: &RunView, limits: &Limits, out: &mut Findings) {
    let stops = stops(run);
    let is_long = |stop: &&Stop| test(stop, limits).holds();
    let found: Vec<&Stop> = stops.iter().filter(is_long).collect();
    // The one that is surest about who it is; of equal ones the longest, then the first.
    let by_evidence = |a: &&&Stop, b: &&&Stop| a.n_same.cmp(&b.n_same).then(a.span_s.total_cmp(&b.span_s));
    let Some(worst) = found.iter().rev().max_by(by_evidence) else {
        if let Some(longest) = stops.iter().max_by_key(|stop| stop.blocks.len()) {
            out.declined(&RULE, Some(run.run), test(longest, limits));
        }
        return;
    };
    let place = |block: usize| Place { line: head_line(run, block), field: Some(sched::STOPWAIT) };
    let at = |block: usize| run.samples.at_s[run.detail.sample[block]];
    let (first, last) = (worst.blocks[0], worst.blocks[worst.blocks.len() - 1]);
    let mut related = Vec::new();
    if let Some((block, culprit)) = worst.culprit {
        let name = name(&culprit);
        let seen = format!("{name} runs on at {:.1} s", at(block));
        related.push(Related { place: Place { line: culprit.p_line, field: Some(sched_p::P_STATUS) }, text: seen });
        if let Some(line) = culprit.m_line {
            let place = Place { line, field: Some(sched_m::CURG) };
            related.push(Related { place, text: format!("the thread and what runs on it: {name}") });
        }
    }
    related.push(Related { place: place(last), text: format!("last: still being stopped at {:.1} s", at(last)) });
    let further = found.iter().filter(|stop| stop.blocks[0] != first).map(|stop| place(stop.blocks[0]));
    let mut numbers = vec![
        ("span_s", worst.span_s),
        ("samples", worst.blocks.len() as f64),
        ("stopwait", run.detail.stopwait[first]),
    ];
    if let Some((_, culprit)) = worst.culprit {
        numbers.extend(culprit.g.map(|g| ("goroutine", g as f64)));
        numbers.extend(culprit.m.map(|m| ("thread", m as f64)));
        numbers.push(("p", culprit.p as f64));
    }
    let is_warning = 1000.0 * worst.span_s >= limits.get("min_warning_ms");
    out.push(Finding {
        severity: if is_warning { Severity::Warning } else { Severity::Hint },
        run: Some(run.run),
        place: place(first),
        message: message(run, worst),
        related,
        further: further.take(super::point::MAX_FURTHER).collect(),
        count: found.iter().map(|stop| stop.blocks.len()).sum(),
        numbers,
        test: test(worst, limits),
        confidence: Some(if worst.n_same >= 2 { Confidence::Strong } else { Confidence::Moderate }),
        ..Finding::about(&RULE)
    });
}

fn test(stop: &Stop, limits: &Limits) -> Test {
    let mut test = Test::default();
    let is_same = stop.n_same as f64 >= limits.get("min_samples");
    let needed = limits.get(if is_same { "min_samples" } else { "min_samples_other" });
    test.value("blocks in a row with gcwaiting and stopwait ≥ 1", stop.blocks.len() as f64, Bound::AtLeast(needed), "");
    test.value(
        "time from the first to the last",
        1000.0 * stop.span_s,
        Bound::AtLeast(limits.get("min_span_ms")),
        "ms",
    );
    if is_same && let Some((_, culprit)) = stop.culprit {
        test.fact(&format!("{} runs on in {} of them", goroutine(&culprit), stop.n_same), true);
    }
    test
}

fn message(run: &RunView, stop: &Stop) -> String {
    let n = stop.blocks.len();
    let span = rough_span(stop.span_s);
    let (first, last) = (stop.blocks[0], stop.blocks[n - 1]);
    // While the world stands, nothing is started on any P.
    let ticks = |block: usize| run.samples.schedticks_sum[run.detail.sample[block]];
    let is_one_stop = ticks(first) == ticks(last);
    let mut message = if is_one_stop {
        format!("The world has been trying to stop for {span} ({n} samples)")
    } else {
        format!("In {n} samples in a row, over {span}, the world was trying to stop")
    };
    if let Some((_, culprit)) = stop.culprit {
        let times = if stop.n_same == n { String::new() } else { format!(" (seen in {} of them)", stop.n_same) };
        message += &format!("; {} does not yield{times}", name(&culprit));
    }
    message + "."
}

fn goroutine(running: &Running) -> String {
    running.g.map_or_else(|| "what it runs".to_owned(), |g| format!("G{g}"))
}

/// `G23 on M4/P1`, as far as it is known.
fn name(running: &Running) -> String {
    match (running.g, running.m) {
        (Some(g), Some(m)) => format!("G{g} on M{m}/P{}", running.p),
        (None, Some(m)) => format!("M{m} on P{}", running.p),
        _ => format!("P{}", running.p),
    }
}

/// Who does not stop in the only sample of a run, where the world is being stopped there; one sample is no finding.
pub(crate) fn only_sample(run: &RunView) -> Option<String> {
    let stops = if run.detail.len() == 1 { stops(run) } else { Vec::new() };
    let (_, culprit) = stops.first()?.culprit.as_ref()?;
    Some(name(culprit))
}

fn head_line(run: &RunView, block: usize) -> u32 {
    run.samples.line[run.detail.sample[block]]
}

/// The stretches of blocks in which the world is being stopped.
fn stops(run: &RunView) -> Vec<Stop> {
    let detail = &run.detail;
    let is_stopping = |&block: &usize| {
        detail.gcwaiting[block] && detail.stopwait[block] >= 1.0 && detail.stopwait[block] < FREEZE_STOP_WAIT
    };
    let blocks: Vec<usize> = (0..detail.len()).collect();
    blocks
        .chunk_by(|a, b| is_stopping(a) && is_stopping(b))
        .filter(|blocks| is_stopping(&blocks[0]))
        .map(|blocks| {
            let at = |block: usize| run.samples.at_s[detail.sample[block]];
            let culprits: Vec<(usize, Running)> = blocks
                .iter()
                .flat_map(|&block| detail.running_in(block).iter().map(move |running| (block, *running)))
                .collect();
            let times = |running: &Running| culprits.iter().filter(|(_, other)| other.g == running.g).count();
            let known = culprits.iter().filter(|(_, running)| running.g.is_some());
            let culprit = known.max_by_key(|(_, running)| times(running)).or(culprits.last()).copied();
            Stop {
                blocks: blocks.to_vec(),
                span_s: at(blocks[blocks.len() - 1]) - at(blocks[0]),
                n_same: culprit.map_or(0, |(_, culprit)| if culprit.g.is_some() { times(&culprit) } else { 0 }),
                culprit,
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;
    use crate::rules::detail_fixture::{Block, blocks};
    use crate::rules::fixture::{check, findings_in};

    /// A block in which G23 on M5 and P1 runs on.
    fn stopping() -> Block {
        Block { gcwaiting: true, stopwait: 1, running: vec![[1, 5, 23, 20]], ..Block::default() }
    }

    #[test]
    fn names_who_does_not_yield() {
        check(
            &RULE,
            &blocks(6, 500, |idx| if (1..5).contains(&idx) { stopping() } else { Block::default() }),
            expect![[r#"
                5:stopwait Warning SC116: The world has been trying to stop for 1.5 s (4 samples); G23 on M5/P1 does not yield.
                  25:p_status G23 on M5/P1 runs on at 2.0 s
                  26:curg the thread and what runs on it: G23 on M5/P1
                  23:stopwait last: still being stopped at 2.0 s
            "#]],
        );
    }

    #[test]
    fn go_1_2_to_1_19_print_numbers() {
        let text = blocks(3, 500, |_| stopping())
            .replace("gcwaiting=true", "gcwaiting=1")
            .replace("nil", "-1")
            .replace("sysmonwait=false", "sysmonwait=0")
            .replace(" needspinning=0", "");
        assert!(findings_in(&RULE, &text).contains("G23 on M5/P1 does not yield"), "{text}");
    }

    #[test]
    fn stops_that_ended_in_between_are_told_as_such() {
        let text = blocks(3, 500, |idx| Block { running: vec![[1, 5, 23, 20 + idx]], ..stopping() });
        assert!(
            findings_in(&RULE, &text).contains(
                "In 3 samples in a row, over 1 s, the world was trying to stop; G23 on M5/P1 does not yield."
            ),
            "{}",
            findings_in(&RULE, &text)
        );
    }

    #[test]
    fn silent_just_below_each_limit() {
        assert_eq!(
            findings_in(&RULE, &blocks(5, 500, |idx| if idx == 2 { stopping() } else { Block::default() })),
            "",
            "one sample"
        );
        assert_eq!(findings_in(&RULE, &blocks(2, 90, |_| stopping())), "", "90 ms");
        assert!(findings_in(&RULE, &blocks(2, 100, |_| stopping())).contains("Hint SC116"));
        assert!(findings_in(&RULE, &blocks(2, 200, |_| stopping())).contains("Warning SC116"));
        let stopped = Block { stopwait: 0, ..stopping() };
        assert_eq!(findings_in(&RULE, &blocks(5, 500, |_| stopped.clone())), "", "all have stopped");
        let not_waiting = Block { gcwaiting: false, ..stopping() };
        assert_eq!(findings_in(&RULE, &blocks(5, 500, |_| not_waiting.clone())), "", "nobody stops the world");
    }

    #[test]
    fn different_goroutines_need_three_samples() {
        let other = |idx| Block { running: vec![[1, 5, 23 + idx, 20]], ..stopping() };
        assert_eq!(findings_in(&RULE, &blocks(2, 500, other)), "");
        assert_ne!(findings_in(&RULE, &blocks(3, 500, other)), "");
    }

    #[test]
    fn the_blocks_of_crashes_are_no_stop() {
        let frozen = Block { stopwait: 2_147_483_647, ..stopping() };
        assert_eq!(findings_in(&RULE, &blocks(3, 500, |_| frozen.clone())), "");
    }

    #[test]
    fn a_thread_line_that_is_lost_leaves_the_p() {
        let text: String = blocks(4, 500, |_| stopping())
            .lines()
            .filter(|line| !line.starts_with("  M"))
            .map(|line| format!("{line}\n"))
            .collect();
        assert!(findings_in(&RULE, &text).contains("M5 on P1 does not yield"), "{}", findings_in(&RULE, &text));
    }
}
