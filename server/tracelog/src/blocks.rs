//! Blocks as objects: what the lines of a dump, of a scheddetail block, of a profile say together.
//!
//! Rows are dealt to blocks run by run, in the order of their lines. Nothing is copied but rows and numbers: texts stay in
//! the log.

mod dump;
mod profile;
mod race;
mod sched;

use crate::catalog::Family;
use crate::log::{Log, RowId};
use crate::runs::Runs;

pub use dump::{Cause, Dump, Goroutine, Group};
pub use profile::{Profile, Record};
pub use race::{Access, Race};
pub use sched::{Link, Node, SchedBlock};

/// A block.
#[derive(Clone, Debug, PartialEq)]
pub enum Block {
    /// The state of the scheduler at one moment.
    Sched(SchedBlock),
    /// Goroutines that one event printed.
    Dump(Dump),
    /// A text profile.
    Profile(Profile),
    /// A report of the race detector.
    Race(Race),
}

impl Block {
    /// First and last line.
    pub fn lines(&self) -> (u32, u32) {
        match self {
            Self::Sched(block) => block.lines,
            Self::Dump(dump) => dump.lines,
            Self::Profile(profile) => profile.lines,
            Self::Race(race) => race.lines,
        }
    }

    /// Index of its run.
    pub fn run(&self) -> usize {
        match self {
            Self::Sched(block) => block.run,
            Self::Dump(dump) => dump.run,
            Self::Profile(profile) => profile.run,
            Self::Race(race) => race.run,
        }
    }
}

/// All blocks of a log, in the order of their first lines.
#[derive(Clone, Debug, Default)]
pub struct Blocks {
    /// The blocks.
    pub list: Vec<Block>,
}

impl Blocks {
    /// Deals the rows of a log to blocks.
    pub fn of(log: &Log, runs: &Runs) -> Self {
        let mut list = Vec::new();
        for (number, run) in runs.list.iter().enumerate() {
            let rows = |families: &[Family]| {
                let mut rows: Vec<(u32, RowId)> =
                    families.iter().flat_map(|family| run.rows(*family)).map(|row| (log.line(*row), *row)).collect();
                rows.sort_unstable();
                rows
            };
            list.extend(sched::blocks(log, number, &rows(&sched::FAMILIES)).map(Block::Sched));
            list.extend(dump::dumps(log, number, &rows(&dump::FAMILIES)).into_iter().map(Block::Dump));
            list.extend(profile::profiles(log, number, &rows(&profile::FAMILIES)).into_iter().map(Block::Profile));
            list.extend(race::races(log, number, &rows(&race::FAMILIES)).into_iter().map(Block::Race));
        }
        list.sort_by_key(Block::lines);
        Self { list }
    }

    /// The block that a line is in; the innermost begins last.
    pub fn at_line(&self, line: u32) -> Option<&Block> {
        self.list.iter().rev().find(|block| block.lines().0 <= line && line <= block.lines().1)
    }
}
