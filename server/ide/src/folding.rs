//! Folding: runs, where there is more than one, blocks and the goroutines of dumps, and stretches of other output
//! between trace lines.

use tracelog::Family;
use tracelog::blocks::Block;

use crate::blocks;
use crate::markup;
use crate::snapshot::Snapshot;
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

/// Stretches of foreign lines shorter than this are left alone.
const MIN_FOREIGN: u32 = 4;

/// Characters that stand for a folded block.
const MAX_TEXT: usize = 80;

/// What can be folded.
pub fn folds(snapshot: &Snapshot) -> Vec<Fold> {
    let Some(parsed) = &snapshot.parsed else { return Vec::new() };
    let mut folds = Vec::new();
    let list = &parsed.runs.list;
    if list.len() > 1 {
        for (index, run) in list.iter().enumerate().filter(|(_, run)| run.lines.0 < run.lines.1) {
            // Runs that alternate would overlap, which folds cannot.
            if run.interleaved.is_empty() {
                let text = format!("run {} · {}", index + 1, words::count(run.n_rows(), "trace line"));
                folds.push(Fold { first: run.lines.0, last: run.lines.1, text });
            }
        }
    }
    for block in &parsed.blocks().list {
        let (first, last) = block.lines();
        if first < last {
            let text = markup::plain(&words::shorten(&blocks::title(&parsed.log, block), MAX_TEXT));
            folds.push(Fold { first, last, text });
        }
        if let Block::Dump(dump) = block {
            let stacks = dump.goroutines.iter().filter(|goroutine| goroutine.lines.0 < goroutine.lines.1);
            folds.extend(stacks.map(|goroutine| Fold {
                first: goroutine.lines.0,
                last: goroutine.lines.1,
                text: words::count(goroutine.frames.len(), "frame"),
            }));
        }
    }
    // What is outside comes first, so that the limit takes the innermost.
    folds.truncate(MAX_FOLDS);
    let mut lines: Vec<u32> =
        Family::ALL.iter().flat_map(|family| parsed.log.rows(*family)).map(|row| parsed.log.line(row)).collect();
    for (start, _, fragment) in parsed.log.fragments() {
        lines.extend(fragment.parts.iter().map(|part| (i64::from(start) + part.line).max(0) as u32));
    }
    lines.sort_unstable();
    lines.dedup();
    for pair in lines.windows(2) {
        let n = pair[1] - pair[0] - 1;
        if n >= MIN_FOREIGN {
            let text = words::count(n as usize, "other line");
            folds.push(Fold { first: pair[0] + 1, last: pair[1] - 1, text });
        }
    }
    folds.truncate(MAX_FOLDS);
    folds.sort_by_key(|fold| (fold.first, std::cmp::Reverse(fold.last)));
    folds
}
