//! Goroutines as the rules about dumps see them: what one moment shows, alike ones counted together.
//!
//! A dump (`debug=2`, a crash, a signal) prints each goroutine with its state and its wait; a goroutine profile
//! (`debug=1`) counts stacks and says nothing of states. Both become a [`Moment`], so that a rule is written once.
//!
//! Nothing follows from what is not there: a dump that was cut ([`Moment::is_whole`]) tells about the goroutines that it
//! shows and about no others.

pub(super) mod connection;
#[cfg(test)]
pub(super) mod fixture;
mod stack;
mod worst;

use std::collections::HashMap;

use tracelog::blocks::{Block, Cause, Dump, Profile, Record};
use tracelog::catalog::{goroutine, profile, profile_record};
use tracelog::{Family, Log};

use super::{BlocksView, Place};

pub(super) use stack::{Frame, Stack, Wait};
pub(super) use worst::Worst;

/// The goroutines that a dump or a profile shows.
pub(super) struct Moment<'a> {
    view: BlocksView<'a>,
    /// Number of its run.
    pub run: usize,
    /// First and last line.
    pub lines: (u32, u32),
    /// How many goroutines there were, as far as it says.
    pub n: usize,
    /// Nothing of it is missing, as far as that can be seen.
    pub is_whole: bool,
    /// The process ended with it.
    pub is_end: bool,
    /// What it was read from.
    pub source: Source<'a>,
}

/// Where goroutines are from.
#[derive(Clone, Copy)]
pub(super) enum Source<'a> {
    /// Each one printed.
    Dump(&'a Dump),
    /// Counted.
    Profile(&'a Profile),
}

/// Goroutines that stand at the same place in the same state.
pub(super) struct Alike {
    /// How many.
    pub n: usize,
    /// State and frames.
    pub stack: Stack,
    /// The first one's line; its state, or the count of a record.
    pub place: Place,
    /// The first one's number, in a dump.
    pub id: Option<u64>,
    /// Whole minutes that each has been blocked, rising; nothing for those that print none.
    pub minutes: Vec<u64>,
    /// How many of them the runtime has proven leaked.
    pub n_leaked: usize,
    /// Addresses of the locks of package sync that they wait for, of each whose arguments tell it.
    pub locks: Vec<u64>,
}

/// How old the process is at least, minutes: the longest wait of any goroutine. None where no wait is printed.
pub(super) fn age_minutes(groups: &[Alike]) -> Option<u64> {
    groups.iter().filter_map(Alike::longest_minutes).max()
}

/// What a process printed about its goroutines, in the order of the log.
pub(super) fn moments<'a>(view: &BlocksView<'a>) -> Vec<Moment<'a>> {
    view.blocks.list.iter().filter_map(|block| moment(*view, block)).collect()
}

fn moment<'a>(view: BlocksView<'a>, block: &'a Block) -> Option<Moment<'a>> {
    let log = view.log;
    match block {
        // Events of allocfreetrace print stacks by the thousand, to tell who allocates; goleak prints what a test left of
        // them, and no others.
        Block::Dump(dump)
            if !matches!(dump.cause, Cause::Allocation | Cause::Goleak) && !dump.goroutines.is_empty() =>
        {
            let is_end = dump.cause != Cause::Stack;
            let (run, lines, n) = (dump.run, dump.lines, dump.goroutines.len());
            let is_whole = is_whole(log, dump);
            Some(Moment { view, run, lines, n, is_whole, is_end, source: Source::Dump(dump) })
        }
        Block::Profile(profile) if is_of(log, profile, "goroutine") => {
            let counted: u64 = profile.records.iter().filter_map(|record| count(log, record)).sum();
            let total = log.code(profile.head, profile::TOTAL).unwrap_or(counted).max(counted);
            let (run, lines, n) = (profile.run, profile.lines, total as usize);
            let is_whole = counted == total;
            Some(Moment { view, run, lines, n, is_whole, is_end: false, source: Source::Profile(profile) })
        }
        _ => None,
    }
}

/// Whether a profile counts stacks under this name.
pub(super) fn is_of(log: &Log, profile: &Profile, name: &str) -> bool {
    profile.head.family == Family::Profile && profile.kind(log) == name
}

fn count(log: &Log, record: &Record) -> Option<u64> {
    (record.row.family == Family::ProfileRecord).then(|| log.code(record.row, profile_record::COUNT)).flatten()
}

/// Whether a dump has a beginning and an end. `runtime.Stack` stops where its buffer ends, in the midst of a stack; a log
/// that was rotated begins there.
fn is_whole(log: &Log, dump: &Dump) -> bool {
    let (Some(first), Some(last)) = (dump.goroutines.first(), dump.goroutines.last()) else { return false };
    // Who asks for a dump comes first, and runs. A head is at the beginning of what is printed.
    let has_begin = dump.head.is_some() || first.state(log) == "running" || first.lines.0 > 0;
    // A stack ends with who created the goroutine; the first two have no creator, and what is not readable has no frames.
    let has_end = last.created_by.is_some() || last.id(log).is_none_or(|id| id <= 1) || last.frames.is_empty();
    has_begin && has_end
}

impl Moment<'_> {
    /// Whether it counts goroutines and does not print them.
    pub fn is_profile(&self) -> bool {
        matches!(self.source, Source::Profile(_))
    }

    /// Goroutines that are alike, the most first.
    pub fn groups(&self) -> Vec<Alike> {
        match self.source {
            Source::Dump(dump) => of_dump(self.view.log, dump),
            Source::Profile(profile) => of_profile(&self.view, profile),
        }
    }
}

fn of_dump(log: &Log, dump: &Dump) -> Vec<Alike> {
    let of_group = |group: &tracelog::blocks::Group| {
        let members = || group.goroutines.iter().filter_map(|at| dump.goroutines.get(*at));
        let first = members().next()?;
        let mut minutes: Vec<u64> = members().filter_map(|entry| entry.minutes(log)).collect();
        minutes.sort_unstable();
        let stack = Stack::of_goroutine(log, first);
        let waiting = members().filter(|_| stack.wait() == Wait::Lock);
        Some(Alike {
            n: group.goroutines.len(),
            locks: waiting.filter_map(|entry| stack::lock_address(log, entry)).collect(),
            stack,
            place: Place { line: log.line(first.row), field: Some(goroutine::STATE) },
            id: first.id(log),
            minutes,
            n_leaked: members().filter(|entry| log.code(entry.row, goroutine::LEAKED) == Some(1)).count(),
        })
    };
    dump.groups.iter().filter_map(of_group).collect()
}

/// The records of a profile that differ in nothing but labels or addresses are one.
pub(super) fn of_profile(view: &BlocksView, profile: &Profile) -> Vec<Alike> {
    let log = view.log;
    let mut groups: Vec<Alike> = Vec::new();
    let mut known: HashMap<u64, usize> = HashMap::new();
    for record in &profile.records {
        let Some(n) = count(log, record).map(|n| n as usize) else { continue };
        let stack = Stack::of_record(view, record);
        match known.get(&stack.key()).filter(|_| !stack.frames.is_empty()) {
            Some(at) => groups[*at].n += n,
            None => {
                known.insert(stack.key(), groups.len());
                let place = Place { line: log.line(record.row), field: Some(profile_record::COUNT) };
                groups.push(Alike { n, stack, place, id: None, minutes: Vec::new(), n_leaked: 0, locks: Vec::new() });
            }
        }
    }
    groups.sort_by_key(|group| std::cmp::Reverse(group.n));
    groups
}

impl Alike {
    /// Counts others in that wait at the same place; the larger group says how they came there.
    pub fn absorb(&mut self, other: Self) {
        let n = self.n + other.n;
        let n_leaked = self.n_leaked + other.n_leaked;
        let mut minutes = std::mem::take(&mut self.minutes);
        minutes.extend(&other.minutes);
        minutes.sort_unstable();
        let mut locks = std::mem::take(&mut self.locks);
        locks.extend(&other.locks);
        if other.n > self.n {
            *self = other;
        }
        (self.n, self.n_leaked, self.minutes, self.locks) = (n, n_leaked, minutes, locks);
    }

    /// How many have been blocked for so long.
    pub fn n_waiting(&self, minutes: f64) -> usize {
        self.minutes.iter().filter(|waited| **waited as f64 >= minutes).count()
    }

    /// The longest wait.
    pub fn longest_minutes(&self) -> Option<u64> {
        self.minutes.last().copied()
    }

    /// `goroutine 17`, or what a profile can say.
    pub fn name(&self) -> String {
        self.id.map_or_else(|| "a goroutine".to_owned(), |id| format!("goroutine {id}"))
    }
}
