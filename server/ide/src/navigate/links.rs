//! Files that frames name. Whether one exists, and which file of this machine it is, is not decided here.

use std::collections::HashMap;

use tracelog::catalog::{location, profile_frame};
use tracelog::{Family, Field, Item, LineCol, Loc, RowId};

use crate::snapshot::Snapshot;

/// A place in a file that a frame names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FilePlace {
    /// Where it stands: `/src/main.go:12`.
    pub loc: Loc,
    /// The file as printed.
    pub file: String,
    /// The line in it, from 1.
    pub line_no: u32,
}

/// Links of a document. A dump of 100,000 goroutines has a million places, more than editors keep; each of them still
/// answers when it is asked for its definition.
const MAX_LINKS: usize = 5_000;

/// The fields of a family that name a place in a file.
fn fields(family: Family) -> Option<(Field, Field)> {
    match family {
        Family::Location => Some((location::SOURCE_FILE, location::LINE_NO)),
        Family::ProfileFrame => Some((profile_frame::SOURCE_FILE, profile_frame::LINE_NO)),
        _ => None,
    }
}

/// The place in a file that stands at a place of the log.
pub fn file_at(snapshot: &Snapshot, at: LineCol) -> Option<FilePlace> {
    let items = snapshot.items(at.line).items;
    items.iter().filter_map(file_of).find(|place| place.loc.touches(at))
}

fn file_of(item: &Item) -> Option<FilePlace> {
    let (file, line_no) = fields(item.family())?;
    let value = |field: Field| item.values.iter().find(|value| value.field == field);
    let (file, line_no) = (value(file)?, value(line_no)?);
    let number = line_no.datum.as_ref()?.number().filter(|number| *number >= 1.0)?;
    Some(FilePlace {
        loc: Loc { end: line_no.loc.end, ..file.loc },
        file: file.datum.as_ref()?.print(),
        line_no: number as u32,
    })
}

/// The places in files that a document names, in the order of the lines. `leads_somewhere` is asked once a file.
pub fn file_links(snapshot: &Snapshot, mut leads_somewhere: impl FnMut(&str) -> bool) -> Vec<FilePlace> {
    let Some(parsed) = &snapshot.parsed else { return Vec::new() };
    let log = &parsed.log;
    let mut answers: HashMap<String, bool> = HashMap::new();
    let mut rows: Vec<RowId> = Vec::new();
    for family in [Family::Location, Family::ProfileFrame] {
        let Some((field, _)) = fields(family) else { continue };
        let mut n_wanted = 0;
        for row in log.rows(family) {
            let Some(file) = log.text(row, field) else { continue };
            let is_wanted = match answers.get(&*file) {
                Some(answer) => *answer,
                None => {
                    let answer = leads_somewhere(&file);
                    answers.insert(file.into_owned(), answer);
                    answer
                }
            };
            if is_wanted {
                rows.push(row);
                n_wanted += 1;
            }
            if n_wanted == MAX_LINKS {
                break;
            }
        }
    }
    rows.sort_by_key(|row| log.line(*row));
    rows.truncate(MAX_LINKS);
    let place = |row: RowId| {
        let items = snapshot.items(log.line(row)).items;
        items.iter().find(|item| item.row == Some(row)).and_then(file_of)
    };
    rows.into_iter().filter_map(place).collect()
}
