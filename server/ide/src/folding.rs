//! Folding: runs, their phases, blocks, stacks and what repeats in them, cycles in which nothing was found, and
//! stretches of other output between trace lines.
//!
//! Folds nest: one that would cross another is left out. Of each kind there are only so many, so that no kind leaves no
//! room for another; stretches of other output take the room that is left.

mod cycles;
mod stacks;

use tracelog::blocks::Block;
use tracelog::{Family, Run};

use crate::blocks;
use crate::lens;
use crate::markup;
use crate::phases::Phase;
use crate::snapshot::{Parsed, Snapshot};
use crate::words;

/// A range of whole lines that can be folded away.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fold {
    /// The line that stays.
    pub first: u32,
    /// The last line that goes.
    pub last: u32,
    /// What stands for the folded lines.
    pub text: String,
}

/// Editors keep about this many.
const MAX_FOLDS: usize = 4_900;

// Of each kind at most; together less than all.
const MAX_RUNS: usize = 500;
const MAX_PHASES: usize = 500;
const MAX_BLOCKS: usize = 1000;
const MAX_STACKS: usize = 1500;
const MAX_CYCLES: usize = 800;

/// Stretches of foreign lines shorter than this are left alone.
const MIN_FOREIGN: u32 = 4;

/// Characters that stand for a folded block.
const MAX_TEXT: usize = 80;

/// What can be folded.
pub fn folds(snapshot: &Snapshot) -> Vec<Fold> {
    snapshot.parsed.as_ref().map_or_else(Vec::new, |parsed| parsed.folds().to_vec())
}

/// All folds of a document that was read.
pub(crate) fn all(parsed: &Parsed) -> Vec<Fold> {
    let mut folds = of_runs(&parsed.runs.list);
    folds.extend(of_phases(parsed));
    let list = &parsed.blocks().list;
    folds.extend(list.iter().filter_map(|block| of_block(parsed, block)).take(MAX_BLOCKS));
    folds.extend(list.iter().flat_map(|block| stacks::folds(&parsed.log, block)).take(MAX_STACKS));
    folds.extend(cycles::folds(parsed).into_iter().take(MAX_CYCLES));
    let left = MAX_FOLDS.saturating_sub(folds.len());
    folds.extend(of_other_output(parsed).into_iter().take(left));
    nested(folds)
}

/// Folds in the order of their lines, without those that cross one that begins before them.
fn nested(mut folds: Vec<Fold>) -> Vec<Fold> {
    folds.sort_by_key(|fold| (fold.first, std::cmp::Reverse(fold.last)));
    folds.dedup_by_key(|fold| (fold.first, fold.last));
    let mut open: Vec<u32> = Vec::new();
    folds.retain(|fold| {
        while open.last().is_some_and(|last| *last < fold.first) {
            open.pop();
        }
        let fits = fold.first < fold.last && open.last().is_none_or(|last| fold.last <= *last);
        if fits {
            open.push(fold.last);
        }
        fits
    });
    folds
}

/// Runs that alternate would overlap, which folds cannot.
fn is_alone(run: &Run) -> bool {
    run.interleaved.is_empty()
}

fn of_runs(list: &[Run]) -> Vec<Fold> {
    // One run is the file.
    if list.len() < 2 {
        return Vec::new();
    }
    let fold = |run: &Run| {
        let text = format!("run {} · {}", run.number + 1, words::count(run.n_rows(), "trace line"));
        Fold { first: run.lines.0, last: run.lines.1, text }
    };
    list.iter().filter(|run| is_alone(run)).take(MAX_RUNS).map(fold).collect()
}

/// Each phase reaches to the line before the next.
fn of_phases(parsed: &Parsed) -> Vec<Fold> {
    let mut folds = Vec::new();
    for (run, phases) in parsed.runs.list.iter().zip(&parsed.analysis().phases) {
        if !is_alone(run) || folds.len() + phases.len() > MAX_PHASES {
            continue;
        }
        let mut in_order: Vec<&Phase> = phases.iter().collect();
        in_order.sort_by_key(|phase| phase.lines);
        for (idx, phase) in in_order.iter().enumerate() {
            let last = in_order.get(idx + 1).map_or(run.lines.1, |next| next.lines.0.saturating_sub(1));
            let text = if phase.changes.is_empty() {
                lens::rows_of(phase).unwrap_or_default()
            } else {
                lens::changes_of(phase, MAX_TEXT)
            };
            folds.push(Fold { first: phase.lines.0, last, text });
        }
    }
    folds
}

fn of_block(parsed: &Parsed, block: &Block) -> Option<Fold> {
    let (first, last) = block.lines();
    let text = || markup::plain(&words::shorten(&blocks::title(&parsed.log, block), MAX_TEXT));
    (first < last).then(|| Fold { first, last, text: text() })
}

fn of_other_output(parsed: &Parsed) -> Vec<Fold> {
    let mut lines: Vec<u32> =
        Family::ALL.iter().flat_map(|family| parsed.log.rows(*family)).map(|row| parsed.log.line(row)).collect();
    for (start, _, fragment) in parsed.log.fragments() {
        lines.extend(fragment.parts.iter().map(|part| (i64::from(start) + part.line).max(0) as u32));
    }
    lines.sort_unstable();
    lines.dedup();
    let is_long = |pair: &&[u32]| pair[1] - pair[0] > MIN_FOREIGN;
    let fold = |pair: &[u32]| {
        let n = pair[1] - pair[0] - 1;
        Fold { first: pair[0] + 1, last: pair[1] - 1, text: words::count(n as usize, "other line") }
    };
    lines.windows(2).filter(is_long).map(fold).collect()
}

#[cfg(test)]
mod tests;
