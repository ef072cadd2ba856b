//! Lenses: what happened, in one line, at the top of the file, at the start of each run and phase, and above blocks.
//!
//! Their number depends on what was printed and not on what its numbers say, phases apart, so a log that grows changes
//! their text and adds to them. Each says its verdict first and carries what a command on it needs.

mod block;
mod file;
mod init;
mod phase;
mod run;

use tracelog::Loc;
use tracelog::blocks::{Block, Cause};

use crate::snapshot::{Parsed, Snapshot};
use crate::words;

pub use file::file_title;
pub use phase::phase_title;
pub(crate) use phase::{begin, changes_of, rows_of};
pub use run::run_title;

/// One line of text above a line of the log.
#[derive(Clone, Debug, PartialEq)]
pub struct Lens {
    /// The line, as an empty range at its start.
    pub loc: Loc,
    /// The text, at most [`MAX_CHARS`] characters.
    pub title: String,
    /// What it is about.
    pub kind: LensKind,
    /// Where it leads, for editors with commands.
    pub action: Option<LensAction>,
}

/// What a lens is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LensKind {
    /// The whole file.
    File,
    /// The run with this number.
    Run(usize),
    /// How long the requests of a run took, and whether that is the collector's.
    Requests,
    /// A phase of a run.
    Phase,
    /// A dump, a profile, the state of the scheduler, a data race.
    Block,
    /// How long the packages of a run took to initialize.
    Init,
}

/// What a click on a lens does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LensAction {
    /// Goes to a line.
    Reveal {
        /// The line.
        line: u32,
    },
    /// Shows what was found.
    Findings {
        /// The line of the worst.
        line: u32,
    },
    /// Tells what happened at a line.
    Narrate {
        /// The line.
        line: u32,
    },
}

/// A lens is read at a glance; editors cut longer ones.
pub const MAX_CHARS: usize = 120;

impl Lens {
    fn new(kind: LensKind, line: u32, title: String) -> Self {
        Self { loc: Loc::new(line, 0, 0), title: words::shorten(&title, MAX_CHARS), kind, action: None }
    }
}

/// The lens of the file, then of its runs, their phases, and the blocks. Nothing when the document holds no trace or is
/// not read yet.
pub fn lenses(snapshot: &Snapshot) -> Vec<Lens> {
    snapshot.parsed.as_ref().map_or_else(Vec::new, |parsed| parsed.lenses().to_vec())
}

/// All lenses of a document that was read.
pub(crate) fn all(parsed: &Parsed) -> Vec<Lens> {
    if parsed.analysis().summaries.is_empty() {
        return Vec::new();
    }
    let mut lenses = vec![file::lens(parsed)];
    lenses.extend(run::lenses(parsed));
    lenses.extend(phase::lenses(parsed));
    lenses.extend(init::lenses(parsed));
    for lens in block::lenses(parsed) {
        if lenses[0].loc != lens.loc {
            lenses.push(lens);
        } else if let Some(title) = beyond_the_file(parsed, &lens) {
            lenses.push(Lens { title, ..lens });
        }
    }
    lenses
}

/// What the lens of a block says beyond that of the file, which stands beside it; a file of one dump says it once.
fn beyond_the_file(parsed: &Parsed, lens: &Lens) -> Option<String> {
    if file::title(parsed) == lens.title {
        return None;
    }
    if file::worst(parsed).is_none_or(|worst| worst.place.line != lens.loc.line) {
        return Some(lens.title.clone());
    }
    // The verdict is the first part: how the process ended. It names the only goroutine, but not groups of them.
    let (_, rest) = lens.title.split_once(SEPARATOR)?;
    (!rest.starts_with("goroutine ")).then(|| rest.to_owned())
}

/// Whether a block is told by itself. Of samples of the scheduler and events of allocfreetrace there are thousands.
fn is_told(block: &Block) -> bool {
    !matches!(block, Block::Sched(_)) && !matches!(block, Block::Dump(dump) if dump.cause == Cause::Allocation)
}

/// What stands between the parts of a title.
const SEPARATOR: &str = " · ";

/// The parts up to the first that does not fit into a title: without it, those behind it would say something else.
fn leading(parts: Vec<String>) -> String {
    let mut n_chars = 0;
    let fits = |part: &String| {
        n_chars += part.chars().count() + SEPARATOR.chars().count();
        n_chars <= MAX_CHARS + SEPARATOR.chars().count()
    };
    let n = parts.iter().map(fits).take_while(|fits| *fits).count().max(1);
    parts[..n.min(parts.len())].join(SEPARATOR)
}

/// The parts that fit into a title, in their order; what does not fit is left out whole.
fn fitting(parts: Vec<String>) -> String {
    let mut title = String::new();
    for part in parts {
        let separator = if title.is_empty() { "" } else { SEPARATOR };
        if title.chars().count() + separator.chars().count() + part.chars().count() <= MAX_CHARS {
            title.push_str(separator);
            title.push_str(&part);
        }
    }
    title
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tracelog::{Log, Text};

    use super::*;
    use crate::rules::fixture::{GcLine, gc_lines};
    use crate::settings::Settings;

    fn titles(text: &str) -> Vec<String> {
        let snapshot =
            Snapshot::new(Arc::new(Text::new(text)), Log::read(text.as_bytes()), Arc::new(Settings::default()));
        lenses(&snapshot).into_iter().map(|lens| lens.title).collect()
    }

    const PANIC: &str = "panic: boom\n\ngoroutine 1 [running]:\nmain.main()\n\t/src/main.go:7 +0x1d\n";

    #[test]
    fn a_panic_of_one_goroutine_at_the_first_line_is_told_once() {
        assert_eq!(titles(PANIC), ["Panic: boom; goroutine 1 in main.main (main.go:7) · FT107"]);
        let two = format!("{PANIC}\ngoroutine 5 [select]:\nmain.wait()\n\t/src/main.go:9 +0x1d\n");
        let told = titles(&two);
        assert_eq!(told.len(), 2);
        assert!(told[1].starts_with("2 goroutines in 2 groups"), "{told:?}");
    }

    #[test]
    fn a_verdict_on_all_runs_counts_them_once() {
        let life = |n| {
            gc_lines(17, move |idx| {
                let live = 10 + 7 * idx + n % 2;
                GcLine {
                    n: idx + 1,
                    at_s: 1.2 * idx as f64,
                    heap_mb: [2 * live, 2 * live, live, 2 * live],
                    ..GcLine::default()
                }
            })
        };
        let told = titles(&(0..4_u64).map(life).collect::<String>());
        assert!(told[0].starts_with("4 runs of ") && told[0].contains("GC108"), "{told:?}");
        let told = titles(&(gc_lines(5, |idx| GcLine { n: idx + 1, at_s: idx as f64, ..GcLine::default() })).repeat(2));
        assert!(told[0].starts_with("2 runs · "), "{told:?}");
    }
}
