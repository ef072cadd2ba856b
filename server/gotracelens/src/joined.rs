//! Files that are one log: a rotated set, or the pieces in which one was saved.
//!
//! Their order is that of their names, [`rotation`](crate::rotation) says how; then the contents are asked. Where the
//! cycles or samples of a file go on in another one and the names would have it otherwise, the contents win.

use std::sync::Arc;

use tracelog::catalog::{gc, sched};
use tracelog::{Family, Log, RowId, Run, Runs};

use crate::input::Document;
use crate::rotation::Rotation;

/// What the order of documents was taken from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Order {
    OfNames,
    /// The names would have had it otherwise.
    OfContents,
}

/// The documents, oldest first.
pub(crate) fn in_order(documents: Vec<Document>) -> (Vec<Document>, Order) {
    let by_name = order_of_names(&documents.iter().map(|document| document.name.as_str()).collect::<Vec<_>>());
    let documents = picked(documents, &by_name);
    if documents.len() < 2 {
        return (documents, Order::OfNames);
    }
    let lives: Vec<Vec<Life>> = documents.iter().map(|document| Life::all_in(&document.bytes)).collect();
    match order_of_contents(&lives) {
        Some(order) => (picked(documents, &order), Order::OfContents),
        None => (documents, Order::OfNames),
    }
}

/// The documents with these indices.
fn picked(documents: Vec<Document>, order: &[usize]) -> Vec<Document> {
    let mut slots: Vec<Option<Document>> = documents.into_iter().map(Some).collect();
    order.iter().filter_map(|index| slots[*index].take()).collect()
}

/// Indices of the names, oldest first. Sets stand in the order in which they were named.
fn order_of_names(names: &[&str]) -> Vec<usize> {
    let rotations: Vec<Rotation> = names.iter().map(|name| Rotation::of(name)).collect();
    let set = |rotation: &Rotation| rotations.iter().position(|other| other.stem == rotation.stem);
    let mut order: Vec<usize> = (0..names.len()).collect();
    order.sort_by_key(|index| {
        let Rotation { age, is_packed, .. } = &rotations[*index];
        (set(&rotations[*index]), age, !is_packed)
    });
    order
}

/// How a run begins and ends in a file.
#[derive(Debug)]
pub(crate) struct Life {
    /// No other run of the process came before it in the file.
    is_first: bool,
    /// None came after it.
    is_last: bool,
    pub(crate) n_cycles: usize,
    pub(crate) n_samples: usize,
    source: Arc<[u8]>,
    /// First and last GC number.
    cycles: Option<(u64, u64)>,
    /// Start of the first and of the last cycle, ms.
    pub(crate) cycles_ms: Option<(u64, u64)>,
    /// Time of the first and of the last sample, ms.
    pub(crate) samples_ms: Option<(u64, u64)>,
    /// Time between the last two samples, ms.
    step_ms: u64,
}

/// Runs that are compared at each end of a file: more processes are not told apart either.
const MAX_LIVES: usize = 64;

/// Lines that may be lost to a tear where one file ends and the next begins.
const MAX_LOST: u64 = 1;

impl Life {
    fn all_in(bytes: &[u8]) -> Vec<Self> {
        let log = Log::read(bytes);
        Self::all(&log, &Runs::of(&log))
    }

    /// All runs of a log, in their order.
    pub(crate) fn all(log: &Log, runs: &Runs) -> Vec<Self> {
        let mut lives: Vec<Self> = runs.list.iter().map(|run| Self::of(log, run)).collect();
        for before in runs.list.iter().filter_map(|run| run.restarts) {
            if let Some(life) = lives.get_mut(before) {
                life.is_last = false;
            }
        }
        lives
    }

    /// The last of the older lives that goes on in this one, as an index.
    pub(crate) fn origin_in(&self, older: &[Self]) -> Option<usize> {
        older.iter().rposition(|life| self.is_first && life.is_last && life.goes_on_in(self))
    }

    fn of(log: &Log, run: &Run) -> Self {
        let numbers = |family, of: &dyn Fn(RowId) -> Option<u64>| -> Vec<u64> {
            run.rows(family).iter().filter_map(|row| of(*row)).collect()
        };
        let ends = |numbers: &[u64]| Some((*numbers.first()?, *numbers.last()?));
        let whole = |value: Option<f64>| value.filter(|value| *value >= 0.0).map(|value| value.round() as u64);
        let samples = numbers(Family::Sched, &|row| whole(log.value(row, sched::AT_MS)));
        Self {
            is_first: run.restarts.is_none(),
            is_last: true,
            n_cycles: run.rows(Family::Gc).len(),
            n_samples: run.rows(Family::Sched).len(),
            source: run.source.clone(),
            cycles: ends(&numbers(Family::Gc, &|row| log.code(row, gc::N))),
            cycles_ms: ends(&numbers(Family::Gc, &|row| whole(log.value(row, gc::AT_S).map(|at_s| at_s * 1000.0)))),
            step_ms: samples.last_chunk().map_or(0, |[before, last]| last.saturating_sub(*before)),
            samples_ms: ends(&samples),
        }
    }

    /// Whether another file goes on with this process just where this one stops.
    fn goes_on_in(&self, next: &Self) -> bool {
        let gap = |ends: Option<(u64, u64)>, next: Option<(u64, u64)>| Some((ends?.1, next?.0));
        let is_back = |gap: Option<(u64, u64)>| gap.is_some_and(|(last, first)| first < last);
        let cycles = gap(self.cycles, next.cycles);
        let samples = gap(self.samples_ms, next.samples_ms);
        if self.source != next.source || is_back(gap(self.cycles_ms, next.cycles_ms)) {
            return false;
        }
        match (cycles, samples) {
            (Some((last, first)), _) => (last + 1..=last + 1 + MAX_LOST).contains(&first) && !is_back(samples),
            // A sample that is late by half a step is nothing unusual.
            (None, Some((last, first))) => {
                let most = self.step_ms * (1 + MAX_LOST) + self.step_ms / 2;
                (last + 1..=last + most).contains(&first)
            }
            (None, None) => false,
        }
    }
}

fn goes_on(lives: &[Life], next: &[Life]) -> bool {
    let mut last = lives.iter().rev().filter(|life| life.is_last).take(MAX_LIVES);
    last.any(|life| next.iter().filter(|next| next.is_first).take(MAX_LIVES).any(|next| life.goes_on_in(next)))
}

/// Another order than the given one, in which more files go on in the next; None when there is none.
fn order_of_contents(lives: &[Vec<Life>]) -> Option<Vec<usize>> {
    let n_files = lives.len();
    let n_seams = |order: &[usize]| order.windows(2).filter(|pair| goes_on(&lives[pair[0]], &lives[pair[1]])).count();
    let given: Vec<usize> = (0..n_files).collect();
    // Files from which nothing or something unknown comes before stand where they stood; what goes on follows at once.
    let next_of = |index: usize, is_free: &dyn Fn(usize) -> bool| {
        let following = (index + 1..n_files).chain(0..index);
        following.filter(|other| is_free(*other)).find(|other| goes_on(&lives[index], &lives[*other]))
    };
    let has_before = |index: usize| (0..n_files).any(|other| other != index && goes_on(&lives[other], &lives[index]));
    let mut order: Vec<usize> = Vec::with_capacity(n_files);
    let starts = given.iter().copied().filter(|index| !has_before(*index)).chain(given.iter().copied());
    for start in starts {
        let mut at = Some(start).filter(|start| !order.contains(start));
        while let Some(index) = at {
            order.push(index);
            at = next_of(index, &|other| !order.contains(&other));
        }
    }
    (n_seams(&order) > n_seams(&given)).then_some(order)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gc(n: u64, at_ms: u64) -> String {
        format!(
            "gc {n} @{}.{:03}s 4%: 0.022+0.27+0.040 ms clock, 0.18+0.10/0.41/0.066+0.32 ms cpu, 4->4->0 MB, 5 MB goal, 8 P\n",
            at_ms / 1000,
            at_ms % 1000
        )
    }

    fn sched(at_ms: u64) -> String {
        format!(
            "SCHED {at_ms}ms: gomaxprocs=4 idleprocs=0 threads=7 spinningthreads=0 idlethreads=1 runqueue=12 [3 0 4 1]\n"
        )
    }

    /// The order in which files with these names and texts are read, as indices.
    fn order(files: &[(&str, String)]) -> Vec<usize> {
        let documents: Vec<Document> =
            files.iter().map(|(name, text)| Document::new((*name).into(), text.clone().into())).collect();
        let index = |document: &Document| files.iter().position(|(name, _)| *name == document.name).unwrap();
        in_order(documents).0.iter().map(index).collect()
    }

    fn cycles(numbers: std::ops::Range<u64>) -> String {
        numbers.map(|n| gc(n, n * 100)).collect()
    }

    #[test]
    fn names_decide_where_contents_say_nothing() {
        let text = "hello\n".to_owned();
        let files = ["app.log", "app.log.10", "app.log.2.gz", "app.log-20261121.gz", "app.log-20261120"];
        assert_eq!(order(&files.map(|name| (name, text.clone()))), [4, 3, 1, 2, 0]);
        let files = ["err.log", "out.log.1", "err.log.1", "out.log"];
        assert_eq!(order(&files.map(|name| (name, text.clone()))), [2, 0, 1, 3], "set by set, as they were named");
    }

    #[test]
    fn contents_that_go_on_win_over_names() {
        // A rotation that counts upward.
        let files = [("app.log", cycles(7..9)), ("app.log.1", cycles(1..4)), ("app.log.2", cycles(4..7))];
        assert_eq!(order(&files), [1, 2, 0]);
        let samples = |range: std::ops::Range<u64>| range.map(|at| sched(at * 100)).collect::<String>();
        let files = [("b", samples(11..20)), ("c", samples(20..30)), ("a", samples(1..11))];
        assert_eq!(order(&files), [2, 0, 1]);
    }

    #[test]
    fn a_restart_between_files_does_not_turn_them_around() {
        let files = [("app.log.1", cycles(30..50)), ("app.log", cycles(1..20))];
        assert_eq!(order(&files), [0, 1]);
        // The first life in the newer file stops where the other file begins.
        let files = [("app.log.1", cycles(5..9) + &cycles(1..9)), ("app.log", cycles(1..5) + &cycles(1..3))];
        assert_eq!(order(&files), [0, 1]);
        let files = [("app.log.2", cycles(1..5)), ("app.log.1", cycles(1..5)), ("app.log", cycles(1..5))];
        assert_eq!(order(&files), [0, 1, 2]);
    }

    #[test]
    fn a_number_lost_to_the_seam_does_not_matter() {
        let mut text = cycles(1..6);
        text.truncate(text.len() - 100);
        let rest = format!("ms cpu, 4->4->0 MB, 5 MB goal, 8 P\n{}", cycles(6..9));
        assert_eq!(order(&[("b", rest), ("a", text)]), [1, 0]);
    }

    #[test]
    fn files_that_go_on_in_each_other_are_all_read_once() {
        // Numbers without times: either may come first.
        let old = |n: u64| {
            format!("gc{n}(1): 0+0+0 ms, 0 -> 0 MB 16 -> 20 (21-1) objects, 0(0) handoff, 0(0) steal, 0/0/0 yields\n")
        };
        let files = [("b", old(1) + &old(2)), ("a", old(3) + &old(0))];
        let mut found = order(&files);
        found.sort_unstable();
        assert_eq!(found, [0, 1]);
    }
}
