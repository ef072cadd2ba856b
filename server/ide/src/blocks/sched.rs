//! What a scheddetail block says: who runs, who could, who waits for what, and what is different from the block before.

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap};

use tracelog::blocks::{Block, SchedBlock};
use tracelog::catalog::{sched, sched_g};
use tracelog::{Log, RowId};

use super::{MAX_REASONS, by_count, text};
use crate::words;

/// Goroutine states of scheddetail (`runtime/runtime2.go`).
pub(crate) const G_RUNNABLE: u64 = 1;
/// See [`G_RUNNABLE`].
pub(crate) const G_RUNNING: u64 = 2;
/// See [`G_RUNNABLE`]: in a system call or in C.
pub(crate) const G_SYSCALL: u64 = 3;
/// Goroutine states of scheddetail that count as gone (`runtime/runtime2.go`): dead, and of an idle thread for C.
pub(crate) const G_GONE: [u64; 2] = [6, 11];
/// States in which the wait reason holds: waiting, leaked, and both while their stack is scanned.
pub(crate) const G_WAITING: [u64; 4] = [4, 10, 4100, 4106];

/// How many goroutines of a block are in which state.
#[derive(Debug, Default)]
struct States {
    alive: usize,
    running: usize,
    runnable: usize,
    in_system_calls: usize,
    /// By what they wait for.
    waiting: BTreeMap<String, usize>,
}

impl States {
    fn of(log: &Log, block: &SchedBlock) -> Self {
        let mut states = Self::default();
        for row in &block.gs {
            states.count(log, *row);
        }
        states
    }

    fn count(&mut self, log: &Log, row: RowId) {
        let status = log.code(row, sched_g::G_STATUS);
        if status.is_some_and(|status| G_GONE.contains(&status)) {
            return;
        }
        self.alive += 1;
        let Some(status) = status else { return };
        // The collector adds 4096 while it scans the stack.
        match status % 4096 {
            G_RUNNING => self.running += 1,
            G_RUNNABLE => self.runnable += 1,
            G_SYSCALL => self.in_system_calls += 1,
            _ => {}
        }
        if G_WAITING.contains(&status)
            && let Some(reason) = text(log, row, sched_g::REASON)
        {
            let reason = if reason.is_empty() { "waiting".to_owned() } else { reason };
            *self.waiting.entry(reason).or_default() += 1;
        }
    }

    /// What is different: `+3 runnable`, `-2 select`, the largest difference first.
    fn since(&self, before: &Self) -> Vec<String> {
        let mut reasons: Vec<&String> = self.waiting.keys().chain(before.waiting.keys()).collect();
        reasons.sort_unstable();
        reasons.dedup();
        let n = |states: &Self, reason: &String| states.waiting.get(reason).copied().unwrap_or(0) as i64;
        let mut differences: Vec<(i64, &str)> =
            reasons.into_iter().map(|reason| (n(self, reason) - n(before, reason), reason.as_str())).collect();
        differences.push((self.runnable as i64 - before.runnable as i64, "runnable"));
        differences.push((self.running as i64 - before.running as i64, "running"));
        differences.push((self.in_system_calls as i64 - before.in_system_calls as i64, "in system calls"));
        differences.retain(|(difference, _)| *difference != 0);
        differences.sort_by_key(|(difference, name)| (-difference.abs(), *name));
        differences.iter().take(MAX_REASONS).map(|(difference, name)| format!("{difference:+} {name}")).collect()
    }
}

/// States of the scheduler in the order of their lines, each with the one before it in its run. Where there are more
/// than so many, those in which most has changed.
pub(crate) fn sched_blocks<'a>(
    log: &Log,
    list: &'a [Block],
    max: usize,
) -> Vec<(&'a SchedBlock, Option<&'a SchedBlock>)> {
    let mut last: HashMap<usize, &SchedBlock> = HashMap::new();
    let mut pairs: Vec<(&SchedBlock, Option<&SchedBlock>)> = Vec::new();
    for block in list {
        if let Block::Sched(block) = block {
            pairs.push((block, last.insert(block.run, block)));
        }
    }
    if pairs.len() > max {
        pairs.sort_by_cached_key(|(block, before)| Reverse(difference(log, block, *before)));
        pairs.truncate(max);
        pairs.sort_by_key(|(block, _)| block.lines);
    }
    pairs
}

/// How much differs, at a glance: goroutines, threads, idle Ps and the length of the queue. Of a first block, all of it.
fn difference(log: &Log, block: &SchedBlock, before: Option<&SchedBlock>) -> u64 {
    let numbers = |block: &SchedBlock| {
        let head = |field| log.code(block.head, field).unwrap_or(0);
        [block.gs.len() as u64, block.ms.len() as u64, head(sched::IDLEPROCS), head(sched::RUNQUEUE)]
    };
    let before = before.map_or([0; 4], numbers);
    numbers(block).into_iter().zip(before).map(|(now, before)| now.abs_diff(before)).sum()
}

/// A short name for lists.
pub(crate) fn name(log: &Log, block: &SchedBlock) -> String {
    let at_ms = log.value(block.head, sched::AT_MS);
    at_ms.map_or_else(|| "scheduler".to_owned(), |at_ms| format!("scheduler at {at_ms} ms"))
}

/// What a block says, the most telling first, and how it differs from the one before it.
pub(crate) fn parts(log: &Log, block: &SchedBlock, before: Option<&SchedBlock>) -> Vec<String> {
    let states = States::of(log, block);
    let mut parts = vec![
        words::count(states.alive, "goroutine"),
        format!("{} running", states.running),
        format!("{} runnable", states.runnable),
    ];
    if let Some(before) = before {
        let since = log.value(before.head, sched::AT_MS).map_or_else(
            || "since the block before".to_owned(),
            |at_ms| format!("since {}", words::span(at_ms / 1000.0)),
        );
        let differences = states.since(&States::of(log, before));
        let differences = if differences.is_empty() { "no change".to_owned() } else { differences.join(", ") };
        parts.insert(0, format!("{differences} {since}"));
    }
    if states.in_system_calls > 0 {
        parts.push(format!("{} in system calls", states.in_system_calls));
    }
    parts.extend(by_count(states.waiting.into_iter()));
    parts.push(words::count(block.ms.len(), "thread"));
    parts.push(words::count(block.ps.len(), "P"));
    parts
}
