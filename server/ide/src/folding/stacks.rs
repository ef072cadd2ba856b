//! Folds inside a dump: each stack, goroutines that repeat the one before them, and frames of the runtime alone.

use tracelog::Log;
use tracelog::blocks::{Block, Dump, Goroutine};
use tracelog::catalog::frame;

use super::Fold;
use crate::blocks::is_of_runtime;
use crate::words;

/// Frames of the runtime in a row that are worth a fold.
const MIN_FRAMES: usize = 2;

/// Goroutines that repeat the one before them, from so many on.
const MIN_REPEATED: usize = 2;

/// The folds of a block; none where it is no dump.
pub(super) fn folds(log: &Log, block: &Block) -> Vec<Fold> {
    let Block::Dump(dump) = block else { return Vec::new() };
    let mut folds = repeated(log, dump);
    for goroutine in &dump.goroutines {
        let (first, last) = goroutine.lines;
        if first < last {
            folds.push(Fold { first, last, text: words::count(goroutine.frames.len(), "frame") });
            folds.extend(of_runtime(log, goroutine));
        }
    }
    folds
}

/// Goroutines of one group behind each other: the first one stays. The fold begins at the blank line in front of the
/// others, where there is one, so that their stacks keep folds of their own.
fn repeated(log: &Log, dump: &Dump) -> Vec<Fold> {
    let alike = dump.goroutines.chunk_by(|a, b| a.group == b.group);
    alike
        .filter(|alike| alike.len() > MIN_REPEATED)
        .map(|alike| {
            let first = (alike[0].lines.1 + 1).min(alike[1].lines.0);
            let id = alike[0].id(log).map_or_else(|| "the one before".to_owned(), |id| format!("goroutine {id}"));
            Fold { first, last: alike[alike.len() - 1].lines.1, text: format!("{} more like {id}", alike.len() - 1) }
        })
        .collect()
}

/// Frames in a row that are all of the runtime.
fn of_runtime(log: &Log, goroutine: &Goroutine) -> Vec<Fold> {
    let is_runtime = |idx: usize| {
        let (row, _) = goroutine.frames[idx];
        log.text(row, frame::FUNCTION).is_some_and(|function| is_of_runtime(&function))
    };
    let indexes: Vec<usize> = (0..goroutine.frames.len()).collect();
    let alike = indexes.chunk_by(|a, b| is_runtime(*a) == is_runtime(*b));
    alike
        .filter(|alike| alike.len() >= MIN_FRAMES && alike.len() < indexes.len() && is_runtime(alike[0]))
        .map(|alike| {
            let (last, place) = goroutine.frames[alike[alike.len() - 1]];
            Fold {
                first: log.line(goroutine.frames[alike[0]].0),
                last: log.line(place.unwrap_or(last)),
                text: words::count(alike.len(), "runtime frame"),
            }
        })
        .collect()
}
