//! Reports of the race detector: two accesses to one place, with the stacks of both.

use crate::catalog::{Family, shapes};
use crate::log::{Log, RowId};

pub(super) const FAMILIES: [Family; 3] = [Family::Race, Family::Frame, Family::Location];

/// A report.
#[derive(Clone, Debug, PartialEq)]
pub struct Race {
    /// Index of its run.
    pub run: usize,
    /// First and last line.
    pub lines: (u32, u32),
    /// Accesses, the later one first.
    pub accesses: Vec<Access>,
}

/// An access to memory.
#[derive(Clone, Debug, PartialEq)]
pub struct Access {
    /// The line that tells it.
    pub row: RowId,
    /// Functions of its stack, innermost first.
    pub frames: Vec<RowId>,
}

/// The reports among the rows of a run.
pub(super) fn races(log: &Log, run: usize, rows: &[(u32, RowId)]) -> Vec<Race> {
    let mut races: Vec<Race> = Vec::new();
    // The line before a warning delimits the report; the one behind it ends it.
    let mut delimiter = None;
    let mut is_open = false;
    let mut takes_frames = false;
    for (line, row) in rows {
        let shape = log.shape(*row);
        match races.last_mut().filter(|_| is_open) {
            _ if shape == shapes::RACE_WARNING_1_1 => {
                let first = delimiter.take().unwrap_or(*line);
                races.push(Race { run, lines: (first, *line), accesses: Vec::new() });
                is_open = true;
                takes_frames = false;
            }
            Some(race) if shape == shapes::RACE_DELIMITER_1_1 => {
                race.lines.1 = *line;
                is_open = false;
            }
            _ if shape == shapes::RACE_DELIMITER_1_1 => delimiter = Some(*line),
            Some(race) => {
                if row.family == Family::Race {
                    takes_frames = [shapes::RACE_ACCESS_1_1, shapes::RACE_ACCESS_MAIN_1_1].contains(&shape);
                    if takes_frames {
                        race.accesses.push(Access { row: *row, frames: Vec::new() });
                    }
                } else if let (true, Family::Frame, Some(access)) = (takes_frames, row.family, race.accesses.last_mut())
                {
                    access.frames.push(*row);
                }
                race.lines.1 = *line;
            }
            None => {}
        }
    }
    races
}
