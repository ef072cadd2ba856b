//! Text profiles (`debug=1`): a head, records with their stacks, and for heap profiles the numbers of MemStats. These may
//! also stand alone, cut out of a profile.

use crate::catalog::{Family, shapes};
use crate::log::{Log, RowId};

pub(super) const FAMILIES: [Family; 9] = [
    Family::Profile,
    Family::ProfileRecord,
    Family::ProfileLabels,
    Family::ProfileFrame,
    Family::HeapProfile,
    Family::HeapRecord,
    Family::ContentionProfile,
    Family::ContentionRecord,
    Family::Memstats,
];

/// A text profile.
#[derive(Clone, Debug, PartialEq)]
pub struct Profile {
    /// Index of its run.
    pub run: usize,
    /// First and last line.
    pub lines: (u32, u32),
    /// Its first line; where numbers of MemStats or records stand alone, the first of them.
    pub head: RowId,
    /// Its records, in printed order.
    pub records: Vec<Record>,
    /// Other lines: rates, and the numbers of MemStats.
    pub numbers: Vec<RowId>,
}

/// A record of a profile.
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    /// The line with its numbers.
    pub row: RowId,
    /// Its labels.
    pub labels: Option<RowId>,
    /// The lines of its stack, innermost first.
    pub frames: Vec<RowId>,
}

impl Profile {
    /// Whether a number of MemStats belongs to it: heap profiles end with them, and each stands there once.
    fn goes_on_with(&self, log: &Log, row: RowId) -> bool {
        let has_memstats = matches!(self.head.family, Family::HeapProfile | Family::Memstats);
        let shape = log.shape(row);
        let is_head = shape == shapes::MEMSTATS_1_0;
        let known = || [self.head].into_iter().chain(self.numbers.iter().copied());
        let mut known = known().filter(|known| known.family == Family::Memstats).map(|known| log.shape(known));
        has_memstats && !known.any(|known| known == shape || is_head)
    }

    /// `goroutine`, `heap`, `memstats`, `contention`, `mutex` or the name of a profile of the program's own, as the head
    /// names it; `count` where the head of one that counts stacks was cut off.
    pub fn kind(&self, log: &Log) -> String {
        match self.head.family {
            Family::Profile => log
                .text(self.head, crate::catalog::profile::PROFILE)
                .map_or_else(|| "unknown".to_owned(), |name| name.trim().to_owned()),
            Family::HeapProfile => "heap".to_owned(),
            Family::Memstats => "memstats".to_owned(),
            Family::ProfileRecord => "count".to_owned(),
            _ if log.shape(self.head) == shapes::CONTENTION_PROFILE_MUTEX_1_8 => "mutex".to_owned(),
            _ => "contention".to_owned(),
        }
    }
}

/// The profiles among the rows of a run.
pub(super) fn profiles(log: &Log, run: usize, rows: &[(u32, RowId)]) -> Vec<Profile> {
    let mut profiles: Vec<Profile> = Vec::new();
    for (line, row) in rows {
        let is_contention = || {
            let heads = [shapes::CONTENTION_PROFILE_BLOCK_1_1, shapes::CONTENTION_PROFILE_MUTEX_1_8];
            heads.contains(&log.shape(*row))
        };
        let is_head = match row.family {
            Family::Profile | Family::HeapProfile => true,
            Family::ContentionProfile => is_contention(),
            Family::Memstats => profiles.last().is_none_or(|last| !last.goes_on_with(log, *row)),
            Family::ProfileRecord => {
                let counts = |last: &Profile| matches!(last.head.family, Family::Profile | Family::ProfileRecord);
                !profiles.last().is_some_and(counts)
            }
            _ => false,
        };
        if is_head {
            let (records, numbers) = (Vec::new(), Vec::new());
            profiles.push(Profile { run, lines: (*line, *line), head: *row, records, numbers });
            if row.family != Family::ProfileRecord {
                continue;
            }
        }
        let Some(profile) = profiles.last_mut() else { continue };
        profile.lines.1 = *line;
        match (row.family, profile.records.last_mut()) {
            (Family::ProfileRecord | Family::HeapRecord | Family::ContentionRecord, _) => {
                profile.records.push(Record { row: *row, labels: None, frames: Vec::new() });
            }
            (Family::ProfileLabels, Some(record)) => record.labels = Some(*row),
            (Family::ProfileFrame, Some(record)) => record.frames.push(*row),
            _ => profile.numbers.push(*row),
        }
    }
    profiles
}
