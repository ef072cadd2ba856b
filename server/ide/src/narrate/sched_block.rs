//! A block of scheddetail: who runs where, what waits for what, and what changed since the block before.

use std::collections::BTreeMap;

use tracelog::blocks::{Block, Node, SchedBlock};
use tracelog::catalog::{sched, sched_g, sched_m, sched_p};
use tracelog::{Field, Log, RowId};

use super::{Sentence, Told, has_have, is_are, list, sample, span};
use crate::blocks::{self, G_GONE, G_RUNNABLE, G_RUNNING, G_SYSCALL, G_WAITING};
use crate::words;

/// Goroutines that are named; the rest is a number.
const MAX_NAMED: usize = 4;

/// Wait reasons that are named.
const MAX_REASONS: usize = 4;

/// Status of a P that has a thread (`runtime/runtime2.go`).
const P_RUNNING: u64 = 1;

/// Title and sentences for a line of a block.
pub(super) fn tell(told: &Told, block: &SchedBlock) -> Option<(String, Vec<Sentence>)> {
    let log = &told.parsed.log;
    let at_ms = log.value(block.head, sched::AT_MS);
    let title = match at_ms {
        Some(at_ms) => format!("Scheduler at {} s, with all it knows", words::number(at_ms / 1000.0)),
        None => "Scheduler, with all it knows".to_owned(),
    };
    let head = Told {
        parsed: told.parsed,
        run: told.run,
        row: block.head,
        index: told.parsed.index_of(block.head).map_or(0, |(_, index)| index),
    };
    let state = State::of(log, block);
    let sentences = [
        state.counts(&head),
        state.running(log, block),
        state.waiting(log),
        stopping(&head, block),
        locked(log, block),
        change(&head, block, &state),
    ];
    Some((title, sentences.into_iter().flatten().collect()))
}

/// The goroutines of a block by what they do.
struct State {
    running: Vec<RowId>,
    runnable: usize,
    in_syscalls: Vec<RowId>,
    waiting: Vec<RowId>,
    /// All that exist.
    alive: usize,
}

impl State {
    fn of(log: &Log, block: &SchedBlock) -> Self {
        let mut state =
            Self { running: Vec::new(), runnable: 0, in_syscalls: Vec::new(), waiting: Vec::new(), alive: 0 };
        for row in &block.gs {
            let Some(status) = log.code(*row, sched_g::G_STATUS) else { continue };
            if G_GONE.contains(&status) {
                continue;
            }
            state.alive += 1;
            // The collector adds 4096 while it scans the stack.
            match status % 4096 {
                G_RUNNING => state.running.push(*row),
                G_RUNNABLE => state.runnable += 1,
                G_SYSCALL => state.in_syscalls.push(*row),
                _ if G_WAITING.contains(&status) => state.waiting.push(*row),
                _ => {}
            }
        }
        state
    }

    fn counts(&self, head: &Told) -> Option<Sentence> {
        let procs = sample::procs(head).map(|procs| format!(" {procs}")).unwrap_or_default();
        if self.alive == 0 {
            return sample::procs(head).map(Sentence::new);
        }
        let parts = vec![
            format!("{} running", self.running.len()),
            format!("{} runnable", self.runnable),
            format!("{} in system calls", self.in_syscalls.len()),
            format!("{} waiting", self.waiting.len()),
        ];
        Some(Sentence::new(format!("{}: {}.{procs}", words::count(self.alive, "goroutine"), list(parts))))
    }

    /// Which goroutine is on which thread, with which P.
    fn running(&self, log: &Log, block: &SchedBlock) -> Option<Sentence> {
        let threads = threads(log, block);
        let place = |row: &RowId| {
            let g = SchedBlock::node(log, *row)?;
            let thread = SchedBlock::reference(log, *row, sched_g::M)?;
            let held = threads.get(&thread).and_then(|m| SchedBlock::reference(log, *m, sched_m::HELD_P));
            let with = held.map(|p| format!(" with {p}")).unwrap_or_default();
            Some(format!("{g} on {thread}{with}"))
        };
        let named = |rows: &[RowId]| {
            let mut named: Vec<String> = rows.iter().filter_map(place).take(MAX_NAMED).collect();
            if !named.is_empty() && rows.len() > named.len() {
                named.push(format!("{} more", rows.len() - named.len()));
            }
            named
        };
        let (running, in_syscalls) = (named(&self.running), named(&self.in_syscalls));
        let text = match (running.is_empty(), in_syscalls.is_empty()) {
            (true, true) => return None,
            (false, true) => format!("Running: {}.", list(running)),
            (true, false) => format!("No goroutine runs; in system calls or C: {}.", list(in_syscalls)),
            (false, false) => format!("Running: {}; in system calls or C: {}.", list(running), list(in_syscalls)),
        };
        Some(Sentence::new(text))
    }

    /// What those wait for that wait, the runtime's own goroutines apart.
    fn waiting(&self, log: &Log) -> Option<Sentence> {
        let mut counts = blocks::counts(
            self.waiting
                .iter()
                .map(|row| log.text(*row, sched_g::REASON).map(|reason| reason.into_owned()).unwrap_or_default()),
        );
        let n_own: usize = counts.iter().filter(|(reason, _)| IDLERS.contains(&reason.as_str())).map(|(_, n)| n).sum();
        counts.retain(|(reason, _)| !IDLERS.contains(&reason.as_str()));
        let own = match n_own {
            0 => String::new(),
            n => format!("{n} of the runtime's own idle"),
        };
        if counts.is_empty() {
            return (n_own > 0)
                .then(|| Sentence::new(format!("Only goroutines of the runtime wait, {n_own} of them.")));
        }
        let mut sentence = Sentence::new("Waiting: ");
        for (at, (reason, n)) in counts.iter().take(MAX_REASONS).enumerate() {
            let comma = if at > 0 { ", " } else { "" };
            sentence = sentence.words(format!("{comma}{n} in "));
            sentence =
                if reason.is_empty() { sentence.words("a state without a reason") } else { sentence.log(reason) };
        }
        let rest: usize = counts.iter().skip(MAX_REASONS).map(|(_, n)| n).sum();
        if rest > 0 {
            sentence = sentence.words(format!(", {rest} for other reasons"));
        }
        if !own.is_empty() {
            sentence = sentence.words(format!("; {own}"));
        }
        Some(sentence.end())
    }
}

/// Reasons of the runtime's own goroutines that have nothing to do (catalogue, SC110).
const IDLERS: [&str; 13] = [
    "GC worker (idle)",
    "GC worker (active)",
    "force gc (idle)",
    "GC sweep wait",
    "GC scavenge wait",
    "finalizer wait",
    "cleanup wait",
    "GOMAXPROCS updater (idle)",
    "timer goroutine (idle)",
    "trace reader (blocked)",
    "mark worker (idle)",
    "mark wait (idle)",
    "Concurrent GC wait",
];

/// Whether somebody stops the world, and who is in the way.
fn stopping(head: &Told, block: &SchedBlock) -> Option<Sentence> {
    let log = &head.parsed.log;
    if log.code(head.row, sched::GCWAITING)? & 1 == 0 {
        return None;
    }
    let left = head.value(sched::STOPWAIT).unwrap_or(0.0);
    if left <= 0.0 {
        return Some(Sentence::new("The world is stopped, or is being stopped (gcwaiting), and no P is waited for."));
    }
    let threads = threads(log, block);
    let in_the_way = |p: &RowId| {
        (log.code(*p, sched_p::P_STATUS) == Some(P_RUNNING)).then_some(())?;
        let thread = SchedBlock::reference(log, *p, sched_p::M)?;
        let g = threads.get(&thread).and_then(|m| SchedBlock::reference(log, *m, sched_m::CURG));
        let runs = g.map_or_else(String::new, |g| format!(" running {g}"));
        Some(format!("{} on {thread}{runs}", SchedBlock::node(log, *p)?))
    };
    let mut running: Vec<String> = block.ps.iter().filter_map(in_the_way).collect();
    let n = running.len();
    running.truncate(MAX_NAMED);
    let who = match n {
        0 => String::new(),
        _ if left == 1.0 && n == 1 => format!(": {}", running[0]),
        _ => format!("; still running {} {}", is_are(n), list(running)),
    };
    Some(Sentence::new(format!(
        "The world is being stopped (gcwaiting), and {} {} not stopped yet{who}.",
        words::count(left as usize, "P"),
        has_have(left as usize)
    )))
}

/// Threads and goroutines that belong together.
fn locked(log: &Log, block: &SchedBlock) -> Option<Sentence> {
    let pair = |m: &RowId| {
        let g = SchedBlock::reference(log, *m, sched_m::LOCKEDG)?;
        Some(format!("{} to {g}", SchedBlock::node(log, *m)?))
    };
    let mut pairs: Vec<String> = block.ms.iter().filter_map(pair).collect();
    let n = pairs.len();
    if n == 0 {
        return None;
    }
    if n > MAX_NAMED {
        pairs.truncate(MAX_NAMED);
        pairs.push(format!("{} more", n - MAX_NAMED));
    }
    Some(Sentence::new(format!("{} {} locked: {}.", words::count(n, "thread"), is_are(n), list(pairs))))
}

/// What changed since the block before of the run.
fn change(head: &Told, block: &SchedBlock, state: &State) -> Option<Sentence> {
    let log = &head.parsed.log;
    let before = block_before(head, block)?;
    let elapsed_ms = head.value(sched::AT_MS)? - log.value(before.head, sched::AT_MS)?;
    let mut changes = Vec::new();
    if before.gs.len().max(block.gs.len()) <= MAX_DIFFED {
        let (then, now) = (alive(log, before), alive(log, block));
        let n_new = now.iter().filter(|id| then.binary_search(id).is_err()).count();
        let n_gone = then.iter().filter(|id| now.binary_search(id).is_err()).count();
        if n_new + n_gone > 0 {
            let began = words::count(n_new, "goroutine");
            changes.push(format!("{began} began and {n_gone} ended, {} → {}", then.len(), state.alive));
        }
    }
    if block.ms.len() != before.ms.len() {
        changes.push(format!("threads {} → {}", before.ms.len(), block.ms.len()));
    }
    if block.ps.len() != before.ps.len() {
        changes.push(format!("Ps {} → {}", before.ps.len(), block.ps.len()));
    }
    let held = kept(log, before, block);
    if !held.is_empty() {
        changes.push(list(held));
    }
    let since = format!("Since the block {} before", span(elapsed_ms / 1000.0));
    Some(Sentence::new(match changes.is_empty() {
        true => format!("{since} no goroutine or thread came or went."),
        false => format!("{since}: {}.", changes.join("; ")),
    }))
}

fn block_before<'a>(head: &Told<'a>, block: &SchedBlock) -> Option<&'a SchedBlock> {
    let list = &head.parsed.blocks().list;
    let at = list.partition_point(|other| other.lines() < block.lines);
    list[..at].iter().rev().find_map(|other| match other {
        Block::Sched(other) if other.run == block.run => Some(other),
        _ => None,
    })
}

/// Goroutines beyond this many are not compared one by one: an answer must not take long.
const MAX_DIFFED: usize = 5_000;

/// Numbers of the goroutines that exist, ascending.
fn alive(log: &Log, block: &SchedBlock) -> Vec<u64> {
    let is_alive = |row: &&RowId| log.code(**row, sched_g::G_STATUS).is_some_and(|status| !G_GONE.contains(&status));
    let mut ids: Vec<u64> = block.gs.iter().filter(is_alive).filter_map(|row| log.code(*row, sched_g::G)).collect();
    ids.sort_unstable();
    ids
}

/// The lines of the threads of a block.
fn threads(log: &Log, block: &SchedBlock) -> BTreeMap<Node, RowId> {
    block.ms.iter().filter_map(|row| Some((SchedBlock::node(log, *row)?, *row))).collect()
}

/// Ps that still run what they ran, with no goroutine started meanwhile.
fn kept(log: &Log, before: &SchedBlock, block: &SchedBlock) -> Vec<String> {
    let (threads_then, threads_now) = (threads(log, before), threads(log, block));
    let runs = |threads: &BTreeMap<Node, RowId>, p: RowId| {
        (log.code(p, sched_p::P_STATUS) == Some(P_RUNNING)).then_some(())?;
        let thread = SchedBlock::reference(log, p, sched_p::M)?;
        SchedBlock::reference(log, *threads.get(&thread)?, sched_m::CURG)
    };
    let ticks = |p: RowId| [sched_p::SCHEDTICK, sched_p::SYSCALLTICK].map(|field: Field| log.code(p, field));
    let held = |p: &RowId| {
        let node = SchedBlock::node(log, *p)?;
        let earlier = *before.ps.iter().find(|earlier| SchedBlock::node(log, **earlier) == Some(node))?;
        let g = runs(&threads_now, *p)?;
        let is_same = runs(&threads_then, earlier) == Some(g) && ticks(*p) == ticks(earlier);
        is_same.then(|| format!("{node} still runs {g} and started nothing else"))
    };
    block.ps.iter().filter_map(held).take(MAX_NAMED).collect()
}
