//! What a block says in one line: a dump, a profile, the state of the scheduler, a data race.

mod profile;
mod sched;
mod stack;

use std::collections::BTreeMap;

use tracelog::blocks::{Block, Cause, Dump, Goroutine, Group, Race};
use tracelog::catalog::{goroutine, http_panic, panic, race, signal};
use tracelog::{Family, Field, Log, RowId};

use crate::markup;
use crate::words;

pub(crate) use profile::{largest_record, unsampled_bytes};
pub(crate) use sched::{G_GONE, G_RUNNABLE, G_RUNNING, G_SYSCALL, G_WAITING};
pub(crate) use sched::{name as sched_name, parts as sched_parts, sched_blocks};
pub(crate) use stack::{
    Which, is_of_ending, is_of_program, is_of_runtime, is_own, named_frames, own_frame, panicking_frame,
};

/// Reasons that a title names; the rest is a number.
const MAX_REASONS: usize = 3;

/// What a block says, the most telling first.
pub fn title(log: &Log, block: &Block) -> String {
    parts(log, block).join(" · ")
}

/// The parts of a title.
pub(crate) fn parts(log: &Log, block: &Block) -> Vec<String> {
    match block {
        Block::Dump(dump) => dump_parts(log, dump),
        Block::Sched(block) => sched_parts(log, block, None),
        Block::Profile(profile) => profile::parts(log, profile),
        Block::Race(race) => race_parts(log, race),
    }
}

/// A short name for lists.
pub fn name(log: &Log, block: &Block) -> String {
    match block {
        Block::Dump(dump) => match dump.goroutines.len() {
            1 => format!("dump: {}", dump.cause.name()),
            n => format!("dump: {}, {}", dump.cause.name(), words::count(n, "goroutine")),
        },
        Block::Sched(block) => sched_name(log, block),
        Block::Profile(profile) if profile.head.family == Family::Memstats => "MemStats".to_owned(),
        Block::Profile(profile) if profile.head.family == Family::ProfileRecord => {
            "profile without its head".to_owned()
        }
        Block::Profile(profile) => format!("profile: {}", markup::plain(&profile.kind(log))),
        Block::Race(_) => "data race".to_owned(),
    }
}

fn text(log: &Log, row: RowId, field: Field) -> Option<String> {
    log.text(row, field).map(|text| markup::plain(&text))
}

/// `panic: order 4711: no such customer`, as its line says it.
fn head(log: &Log, dump: &Dump) -> String {
    let said = |row: RowId| {
        [panic::TEXT, signal::SIGNAL, http_panic::TEXT]
            .into_iter()
            .find(|field| field.family == row.family)
            .and_then(|field| text(log, row, field))
    };
    // Somebody asked for stacks, or net/http printed one.
    let cause = match (dump.cause, dump.head) {
        (Cause::Stack, None) => "goroutine dump",
        (Cause::Stack, Some(_)) => "http: panic serving",
        (Cause::Goleak, _) => "goleak: left by a test",
        (cause, _) => cause.name(),
    };
    let said = dump.head.and_then(said);
    said.map_or_else(|| cause.to_owned(), |said| format!("{cause}: {}", words::shorten(&said, 60)))
}

fn dump_parts(log: &Log, dump: &Dump) -> Vec<String> {
    let mut parts = vec![head(log, dump)];
    let n = dump.goroutines.len();
    let n_leaked = dump.goroutines.iter().filter(|entry| log.code(entry.row, goroutine::LEAKED) == Some(1)).count();
    if n == 1 {
        let only = &dump.goroutines[0];
        let top = own_function(log, only);
        let id = only.id(log).map_or_else(String::new, |id| format!("goroutine {id} "));
        parts.push(format!("{id}{}", markup::plain(&only.state(log))));
        parts.extend(top.map(|function| format!("in {}", markup::plain(&function))));
        return parts;
    }
    parts.push(format!("{} in {}", words::count(n, "goroutine"), words::count(dump.groups.len(), "group")));
    if n_leaked > 0 {
        parts.push(format!("{n_leaked} leaked"));
    }
    if let Some(minutes) = dump.groups.iter().filter_map(|group| group.longest_minutes).max() {
        parts.push(format!("longest wait {minutes} min"));
    }
    // Goroutines of a group have the same state.
    let state = |group: &Group| {
        let first = dump.goroutines.get(*group.goroutines.first()?)?;
        Some((markup::plain(&first.state(log)), group.goroutines.len()))
    };
    parts.extend(by_count(dump.groups.iter().filter_map(state)));
    parts.extend(largest_group(log, dump));
    parts
}

/// The function that tells what a goroutine does, as narration names it.
fn own_function(log: &Log, entry: &Goroutine) -> Option<String> {
    let mut named = named_frames(log, entry);
    let at = own_frame(&named)?;
    Some(named.swap_remove(at).0).filter(|function| !is_of_runtime(function))
}

/// Where most goroutines of a dump are, if many are at one place.
fn largest_group(log: &Log, dump: &Dump) -> Option<String> {
    let largest = dump.groups.first().filter(|group| group.goroutines.len() > 1)?;
    let first = dump.goroutines.get(*largest.goroutines.first()?)?;
    let function = own_function(log, first)?;
    let function = words::shorten(&markup::plain(&function), MAX_FUNCTION);
    Some(format!("{} in {function}", largest.goroutines.len()))
}

/// Characters of a function in a title.
const MAX_FUNCTION: usize = 40;

/// How often each occurs, the most frequent first.
pub(crate) fn counts(states: impl Iterator<Item = String>) -> Vec<(String, usize)> {
    sums(states.map(|state| (state, 1)))
}

fn sums(states: impl Iterator<Item = (String, usize)>) -> Vec<(String, usize)> {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for (state, n) in states {
        *counts.entry(state).or_default() += n;
    }
    let mut counts: Vec<(String, usize)> = counts.into_iter().collect();
    counts.sort_by_key(|(_, n)| std::cmp::Reverse(*n));
    counts
}

/// `12 chan receive`, `3 select`: the most frequent first.
fn by_count(states: impl Iterator<Item = (String, usize)>) -> Vec<String> {
    let counts = sums(states);
    let rest: usize = counts.iter().skip(MAX_REASONS).map(|(_, n)| n).sum();
    let mut shown: Vec<String> = counts.iter().take(MAX_REASONS).map(|(state, n)| format!("{n} {state}")).collect();
    if rest > 0 {
        shown.push(format!("{rest} other"));
    }
    shown
}

fn race_parts(log: &Log, race: &Race) -> Vec<String> {
    let mut parts = vec!["data race".to_owned()];
    for access in &race.accesses {
        let what = text(log, access.row, race::ACCESS).unwrap_or_else(|| "access".to_owned()).to_lowercase();
        let function = access.frames.first().and_then(|row| text(log, *row, tracelog::catalog::frame::FUNCTION));
        parts.push(function.map_or(what.clone(), |function| format!("{what} in {function}")));
    }
    parts
}

#[cfg(test)]
mod tests {
    use tracelog::{Blocks, Runs};

    use super::*;

    fn titles(log: &str) -> Vec<String> {
        let log = Log::read(log.as_bytes());
        Blocks::of(&log, &Runs::of(&log)).list.iter().map(|block| title(&log, block)).collect()
    }

    #[test]
    fn every_living_goroutine_of_a_scheduler_block_is_counted_once() {
        let log = "\
SCHED 501ms: gomaxprocs=1 idleprocs=1 threads=2 spinningthreads=0 needspinning=0 idlethreads=0 runqueue=0 gcwaiting=false nmidlelocked=0 stopwait=0 sysmonwait=false
  P0: status=0 schedtick=2 syscalltick=0 m=nil runqsize=0 gfreecnt=0 timerslen=0
  M0: p=nil curg=1 mallocing=0 throwing=0 preemptoff= locks=0 dying=0 spinning=false blocked=false lockedg=nil
  G1: status=3() m=0 lockedm=nil
  G2: status=4(select) m=nil lockedm=nil
  G3: status=4100(select) m=nil lockedm=nil
  G4: status=6() m=nil lockedm=nil
  G5: status=1(sleep) m=nil lockedm=nil
";
        let want = "4 goroutines · 0 running · 1 runnable · 1 in system calls · 2 select · 1 thread · 1 P";
        assert_eq!(titles(log), [want]);
    }

    #[test]
    fn a_dump_that_somebody_asked_for_is_told_from_a_crash() {
        let stack = "goroutine 1 [running]:\nmain.f(0x1)\n\t/src/a.go:1 +0x1\n";
        assert_eq!(titles(stack), ["goroutine dump · goroutine 1 running · in main.f"]);
        let served = format!("http: panic serving 127.0.0.1:4711: boom\n{stack}");
        assert_eq!(titles(&served), ["http: panic serving: boom · goroutine 1 running · in main.f"]);
        let crash = format!("panic: boom\n\n{stack}");
        assert_eq!(titles(&crash), ["panic: boom · goroutine 1 running · in main.f"]);
    }
}
