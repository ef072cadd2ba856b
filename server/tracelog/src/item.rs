//! The items of one line, found again from its text: which shape, which values, where each stands.
//!
//! Nothing of this is stored. Whole items need the line alone; for torn ones the log says where their pieces are.

use std::borrow::Cow;
use std::collections::VecDeque;

use crate::carrier::{self, Carrier, Peeled};
use crate::catalog::{At, Family, Field, GoReleases, Kind, Shape};
use crate::chunk::{Fragment, trim_end};
use crate::log::{Log, RowId};
use crate::position::{LineCol, Loc};
use crate::tear::{self, Tears};
use crate::template::{self, Datum, Match};

/// Which piece of an item stands on a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// All of it.
    Whole,
    /// Its beginning.
    Head,
    /// A later piece.
    Tail,
}

/// A value of an item.
#[derive(Clone, Debug, PartialEq)]
pub struct ItemValue {
    /// The field.
    pub field: Field,
    /// What was printed; none where other output may have mixed into it.
    pub datum: Option<Datum>,
    /// Where it stands. A flag that is not printed is an empty range. Values of a torn item may stand on other lines.
    pub loc: Loc,
}

/// An item, or the piece of it that stands on a line.
#[derive(Clone, Debug, PartialEq)]
pub struct Item {
    /// Its layout.
    pub shape: Shape,
    /// Which piece this is.
    pub part: Part,
    /// Whether other output tore it apart, or its end or beginning is missing.
    pub torn: bool,
    /// Where the piece stands.
    pub loc: Loc,
    /// On the head: all values that are known. On a tail: none, they are on the head.
    pub values: Vec<ItemValue>,
    /// On a tail whose head is known: the head's line.
    pub head_line: Option<u32>,
    /// The row in the table of its family.
    pub row: Option<RowId>,
}

impl Item {
    /// The family.
    pub fn family(&self) -> Family {
        self.shape.def().family
    }

    /// Releases that can have printed exactly this.
    pub fn go(&self) -> GoReleases {
        let datum = |field: u8| self.values.iter().find(|value| value.field.index == field)?.datum.as_ref();
        let is_set = |flag: u8| matches!(datum(flag), Some(Datum::One(Kind::Flag, 1)));
        template::releases_of(self.shape, |field| datum(field).is_some(), is_set)
    }

    /// The value of a field.
    pub fn get(&self, field: Field) -> Option<&Datum> {
        self.values.iter().find(|value| value.field == field)?.datum.as_ref()
    }

    /// The value at a place, if one stands there.
    pub fn value_at(&self, at: LineCol) -> Option<&ItemValue> {
        let at_place = |value: &&ItemValue| value.loc.touches(at) && value.loc.start < value.loc.end;
        let mut touching = self.values.iter().filter(at_place);
        // Between two values that touch, the one that begins here is meant.
        let first = touching.next()?;
        Some(touching.next().filter(|_| first.loc.end == at.byte).unwrap_or(first))
    }
}

/// A line, read for a question.
#[derive(Debug)]
pub struct LineItems {
    /// What carried the line, outermost first.
    pub carriers: Vec<Carrier>,
    /// Its items, in order.
    pub items: Vec<Item>,
    /// The rest of what the program wrote on this line; none when nothing is left.
    pub foreign: Option<String>,
}

/// Gives the text of lines without their line ends; lines that do not exist are empty.
pub trait Lines {
    /// The text of a line, from 0.
    fn line(&self, line: u32) -> Cow<'_, [u8]>;
}

impl Lines for crate::Text {
    fn line(&self, line: u32) -> Cow<'_, [u8]> {
        match self.line(line) {
            Cow::Borrowed(text) => Cow::Borrowed(text.as_bytes()),
            Cow::Owned(text) => Cow::Owned(text.into_bytes()),
        }
    }
}

impl<T: Lines + ?Sized> Lines for std::sync::Arc<T> {
    fn line(&self, line: u32) -> Cow<'_, [u8]> {
        (**self).line(line)
    }
}

impl Lines for Vec<&[u8]> {
    fn line(&self, line: u32) -> Cow<'_, [u8]> {
        self.as_slice().line(line)
    }
}

impl Lines for [&[u8]] {
    fn line(&self, line: u32) -> Cow<'_, [u8]> {
        Cow::Borrowed(self.get(line as usize).map_or(b"".as_slice(), |line| trim_end(line)))
    }
}

/// The items of a line by itself, without a log: torn pieces are not seen, rows are not known.
pub fn alone(line: u32, text: &[u8]) -> LineItems {
    let peeled = carrier::peel(text);
    let items = Tears::whole_items(&peeled.content, 0).iter().map(|found| whole(found, line, &peeled, None)).collect();
    finish(&peeled, items)
}

impl Log {
    /// The items of a line, with pieces of torn ones and the rows of all.
    pub fn items(&self, line: u32, lines: &(impl Lines + ?Sized)) -> LineItems {
        let text = lines.line(line);
        let peeled = self.peel(line, &text);
        let on_line = self.rows_on(line);
        if let Some(row) = on_line.iter().find(|row| self.shape(**row).def().at == At::Line) {
            return of_line_shape(self.shape(*row), line, &text, peeled, *row);
        }
        if let [row] = on_line[..]
            && self.fragments_near(line).next().is_none()
            && let Some(found) = to_the_end(self.shape(row), &peeled.content)
        {
            return finish(&peeled, vec![whole(&found, line, &peeled, Some(row))]);
        }
        let mut items = Vec::new();
        let mut from = 0;
        for (chunk_start, row, fragment) in self.fragments_near(line) {
            let here = |part: &crate::chunk::PartAt| chunk_start as i64 + part.line == i64::from(line);
            for (index, part) in fragment.parts.iter().enumerate().filter(|(_, part)| here(part)) {
                if index > 0 && part.start == 0 {
                    from = part.end as usize;
                }
                items.push(piece(self, lines, &peeled, chunk_start, row, fragment, index));
            }
        }
        let used: Vec<RowId> = items.iter().filter_map(|item| item.row).collect();
        let mut rows = vec![VecDeque::new(); Family::ALL.len()];
        for row in on_line.into_iter().filter(|row| !used.contains(row)) {
            rows[row.family as usize].push_back(row);
        }
        for found in Tears::whole_items(&peeled.content, from) {
            // The first record of a line may hold all of an item but a note at its end.
            let at = peeled.raw(start_of(&found));
            if items.iter().any(|item: &Item| item.part == Part::Head && item.loc.start == at) {
                continue;
            }
            // Rows of a family stand in the order in which their items stand on the line.
            let row = rows[found.shape.def().family as usize].pop_front();
            items.push(whole(&found, line, &peeled, row));
        }
        items.sort_by_key(|item| item.loc.start);
        finish(&peeled, items)
    }

    /// Fragments with a piece on this line can stand only in its chunk and in those soon after it.
    fn fragments_near(&self, line: u32) -> impl Iterator<Item = (u32, RowId, &Fragment)> {
        const REACH: u32 = 512;
        (self.chunk_of(line)..self.n_chunks())
            .map(|index| (index, self.chunk(index)))
            .take_while(move |(_, (start, _))| *start <= line + REACH)
            .flat_map(|(index, (start, chunk))| {
                chunk.fragments().iter().map(move |fragment| {
                    let family = fragment.shape.def().family;
                    (start, RowId { family, chunk: index as u32, row: fragment.row }, fragment)
                })
            })
    }

    /// Whether an item begins on a line.
    pub(crate) fn has_rows_on(&self, line: u32) -> bool {
        !self.rows_on(line).is_empty()
    }

    /// Rows whose items begin on a line.
    fn rows_on(&self, line: u32) -> Vec<RowId> {
        let index = self.chunk_of(line);
        // Lines that waited to be confirmed have their rows in the next chunk, or behind it in that of the last line.
        let behind = (index + 1..self.n_chunks().min(index + 3)).filter(|index| {
            let (start, chunk) = self.chunk(*index);
            start <= line + chunk.reach()
        });
        let mut rows = Vec::new();
        for index in std::iter::once(index).chain(behind) {
            let (start, chunk) = self.chunk(index);
            let wanted = i64::from(line) - i64::from(start);
            for family in Family::ALL {
                let Some(table) = chunk.table(*family) else { continue };
                let on_line = (0..table.len()).filter(|row| table.line(*row) == wanted);
                rows.extend(on_line.map(|row| RowId { family: *family, chunk: index as u32, row: row as u32 }));
            }
        }
        rows
    }
}

/// The item of a shape that is all of a line. Numbers that begin a line may look like a time stamp, so what carries it may
/// be nothing after all.
fn of_line_shape(shape: Shape, line: u32, text: &[u8], peeled: Peeled<'_>, row: RowId) -> LineItems {
    let found = template::longest(shape, &peeled.content);
    if is_all(&found, &peeled.content) {
        return finish(&peeled, vec![whole(&found, line, &peeled, Some(row))]);
    }
    let peeled = Peeled::bare(text);
    let found = template::longest(shape, text);
    finish(&peeled, vec![whole(&found, line, &peeled, Some(row))])
}

/// The item of a shape that begins where an item can first begin and reaches to the end of the line: what nearly every
/// trace line is. Spares a look at all other shapes.
fn to_the_end(shape: Shape, content: &[u8]) -> Option<Match> {
    let start = template::next_start(content, 0)?;
    let text = &content[start..];
    let mut found = template::longest(shape, text);
    // A word without a value must stand alone, which `Tears::items` looks at.
    if !is_all(&found, text) || found.values.is_empty() {
        return None;
    }
    tear::shift(&mut found, start);
    Some(found)
}

fn is_all(found: &Match, text: &[u8]) -> bool {
    found.is_complete() && found.end == text.len()
}

fn whole(found: &Match, line: u32, peeled: &Peeled<'_>, row: Option<RowId>) -> Item {
    let start = start_of(found);
    let values = found.values.iter().map(|value| ItemValue {
        field: value.field,
        datum: Some(value.datum.clone()),
        loc: Loc::new(line, peeled.raw(value.start), raw_end(peeled, value.start, value.end)),
    });
    Item {
        shape: found.shape,
        part: Part::Whole,
        torn: false,
        loc: Loc::new(line, peeled.raw(start), raw_end(peeled, start, found.end)),
        values: values.collect(),
        head_line: None,
        row,
    }
}

/// Where a whole item begins.
fn start_of(found: &Match) -> usize {
    if found.shape.def().at == At::Line {
        return 0;
    }
    found.values.first().map_or(found.end, |value| value.start) - literal_before(found)
}

/// Length of the literal before the first value, or of the whole text of a shape without values.
fn literal_before(found: &Match) -> usize {
    match found.shape.def().pieces.first() {
        Some(crate::catalog::Piece::Literal(text)) => text.len(),
        _ => 0,
    }
}

/// The end of a range in the line: behind its last byte, so that an escape in front of what follows is left out.
fn raw_end(peeled: &Peeled<'_>, start: usize, end: usize) -> u32 {
    if end == start {
        return peeled.raw(start);
    }
    match peeled.offset() {
        Some(_) => peeled.raw(end),
        // An escaped character may be long; one that stands for itself is one byte.
        None if peeled.raw(end) - peeled.raw(end - 1) > 1 && peeled.content[end - 1] != b'>' => peeled.raw(end - 1) + 1,
        None => peeled.raw(end),
    }
}

/// The piece of a torn item that stands on a line, with all values when it is the head.
fn piece(
    log: &Log,
    lines: &(impl Lines + ?Sized),
    peeled: &Peeled<'_>,
    chunk_start: u32,
    row: RowId,
    fragment: &Fragment,
    index: usize,
) -> Item {
    let line_of = |part: &crate::chunk::PartAt| (i64::from(chunk_start) + part.line).max(0) as u32;
    let here = &fragment.parts[index];
    let is_head = index == 0;
    let mut values = Vec::new();
    if is_head {
        // The text of all pieces, and where each byte of it stands.
        let mut text = Vec::new();
        let mut places = Vec::new();
        for part in &fragment.parts {
            let line = line_of(part);
            let raw = lines.line(line);
            let peeled = log.peel(line, &raw);
            let (start, end) = (part.start as usize, (part.end as usize).min(peeled.content.len()));
            if part.blank {
                text.push(b' ');
                places.push((line, peeled.raw(start)));
            }
            text.extend_from_slice(peeled.content.get(start..end).unwrap_or_default());
            places.extend((start..end).map(|at| (line, peeled.raw(at))));
        }
        let found =
            if fragment.headless { template::rest_of(&text) } else { Some(template::agreed(fragment.shape, &text)) };
        for value in found.into_iter().flat_map(|found| found.values) {
            let (line, start) = places.get(value.start).or(places.last()).copied().unwrap_or_default();
            let end = if value.end > value.start { places[value.end - 1].1 + 1 } else { start };
            let doubtful = fragment.doubtful == Some(value.field.index);
            values.push(ItemValue {
                field: value.field,
                datum: (!doubtful).then_some(value.datum),
                loc: Loc::new(line, start, end.max(start)),
            });
        }
    }
    Item {
        shape: fragment.shape,
        part: if is_head && !fragment.headless { Part::Head } else { Part::Tail },
        torn: true,
        loc: Loc::new(
            line_of(here),
            peeled.raw(here.start as usize),
            raw_end(
                peeled,
                here.start as usize,
                (here.end as usize).min(peeled.content.len()).max(here.start as usize),
            ),
        ),
        values,
        head_line: (!is_head).then(|| line_of(&fragment.parts[0])),
        row: Some(row),
    }
}

/// What no item takes of the content is foreign. Items are in the order in which they stand.
fn finish(peeled: &Peeled<'_>, items: Vec<Item>) -> LineItems {
    if items.is_empty() {
        let (carriers, text) = peeled.as_foreign();
        let foreign = Some(String::from_utf8_lossy(text).into_owned()).filter(|text| !text.is_empty());
        return LineItems { carriers: carriers.to_vec(), items, foreign };
    }
    let mut foreign = Vec::new();
    let mut next = 0;
    for (at, byte) in peeled.content.iter().enumerate() {
        let raw = peeled.raw(at);
        while items.get(next).is_some_and(|item| item.loc.end <= raw) {
            next += 1;
        }
        if items.get(next).is_none_or(|item| raw < item.loc.start) {
            foreign.push(*byte);
        }
    }
    let foreign = String::from_utf8_lossy(&foreign).into_owned();
    let carriers = peeled.layers.clone();
    LineItems { carriers, items, foreign: Some(foreign).filter(|text| !text.is_empty()) }
}
