//! Every line of a document, read once and in order.
//!
//! `Log::items` answers for one line at a time and can do everything; for a whole file that is slow. Nearly all lines
//! are one whole item or none, which the columns already say: those are read here directly. A test over the corpus
//! holds both ways equal.

use std::borrow::Cow;
use std::io;
use std::ops::Range;

use tracelog::carrier::Carrier;
use tracelog::catalog::{At, Piece};
use tracelog::chunk::Chunk;
use tracelog::template::{self, Codes, Datum};
use tracelog::{Family, GoReleases, Item, Log, Part, RowId, Runs, Shape};

use super::input::Document;

/// A line, read.
#[derive(Default)]
pub(super) struct ParsedLine<'a> {
    /// Number, from 0.
    pub(super) line: u32,
    /// What carried it, outermost first.
    pub(super) carriers: Vec<Carrier>,
    /// Its items, in order.
    pub(super) items: Vec<ParsedItem>,
    /// The rest of what the program wrote, made UTF-8; none when nothing is left.
    pub(super) foreign: Option<Cow<'a, str>>,
}

/// An item, or the piece of it that stands on a line.
pub(super) struct ParsedItem {
    pub(super) shape: Shape,
    pub(super) part: Part,
    pub(super) torn: bool,
    /// First byte in the line, from 0.
    pub(super) start: u32,
    /// On a tail whose head is known: the line of the head, from 0.
    pub(super) head_line: Option<u32>,
    /// The row of its values.
    pub(super) row: Option<RowId>,
    /// Index of its run.
    pub(super) run: Option<u32>,
    /// Releases that can have printed this.
    pub(super) go: GoReleases,
    /// What is known of its values, in template order.
    pub(super) values: Values,
}

/// Values of an item by field, in template order; values that are not certain are left out.
#[derive(Default)]
pub(super) struct Values {
    /// Numbers and flags: field and code.
    pub(super) single: Vec<(u8, u64)>,
    /// Lists: field and where its codes stand in the pool.
    pub(super) lists: Vec<(u8, Range<usize>)>,
    /// Codes of all lists.
    pub(super) pool: Vec<u64>,
    /// All texts; the code of a text says where it stands in them, see [`template::span`].
    pub(super) texts: String,
}

impl Values {
    /// Takes over what a whole line says.
    fn take(&mut self, shape: Shape, codes: &Codes, content: &[u8]) {
        let layout = template::layout(shape);
        self.single.clear();
        self.single.extend(layout.single.iter().copied().zip(codes.single.iter().copied()));
        self.texts.clear();
        for slot in &layout.texts {
            let span = template::span(codes.single[usize::from(*slot)]);
            self.single[usize::from(*slot)].1 = self.text(&String::from_utf8_lossy(&content[span]));
        }
        self.lists.clear();
        let starts = std::iter::once(0).chain(codes.ends.iter().copied());
        self.lists.extend(
            layout.lists.iter().zip(starts).zip(&codes.ends).map(|((field, start), end)| (*field, start..*end)),
        );
        self.pool.clone_from(&codes.pool);
    }
}

impl Values {
    /// Adds a text; gives its code.
    fn text(&mut self, text: &str) -> u64 {
        let start = self.texts.len() as u64;
        self.texts.push_str(text);
        start << 32 | text.len() as u64
    }
}

impl ParsedItem {
    pub(super) fn family(&self) -> Family {
        self.shape.def().family
    }
}

/// Reads all lines, each into the same buffers.
pub(super) fn each_line(
    document: &Document,
    log: &Log,
    runs: &Runs,
    mut visit: impl FnMut(&ParsedLine<'_>) -> io::Result<()>,
) -> io::Result<()> {
    let run_index = RunIndex::new(log, runs);
    let pieces = lines_with_pieces(log);
    let confirmed_later = lines_confirmed_later(log);
    let mut parsed = ParsedLine::default();
    let mut on_line = Vec::new();
    let mut codes = Codes::default();
    for (chunk_index, (start, chunk)) in log.chunks().enumerate() {
        rows_by_line(chunk, chunk_index as u32, &mut on_line);
        for (line, rows) in (start..document.n_lines()).zip(&on_line) {
            parsed.line = line;
            let quick = match rows {
                _ if pieces.binary_search(&line).is_ok() || confirmed_later.binary_search(&line).is_ok() => false,
                Rows::None => no_item(log, line, document.bytes_of(line), &mut parsed),
                Rows::One(row) => {
                    let found = one_item(log, *row, document.bytes_of(line), &mut codes, &mut parsed);
                    if found {
                        parsed.items[0].row = Some(*row);
                        parsed.items[0].run = run_index.get(*row);
                    }
                    found
                }
                Rows::Several => false,
            };
            if !quick {
                any_items(document, log, &run_index, &mut parsed);
            }
            visit(&parsed)?;
        }
    }
    Ok(())
}

/// What the columns know of a line.
#[derive(Clone, Copy)]
enum Rows {
    None,
    One(RowId),
    Several,
}

fn rows_by_line(chunk: &Chunk, chunk_index: u32, on_line: &mut Vec<Rows>) {
    on_line.clear();
    on_line.resize(chunk.n_lines() as usize, Rows::None);
    for family in Family::ALL {
        let Some(table) = chunk.table(*family) else { continue };
        for row in 0..table.len() {
            // Rows whose line stands in an earlier chunk are read the careful way.
            let Ok(line) = usize::try_from(table.line(row)) else { continue };
            let Some(rows) = on_line.get_mut(line) else { continue };
            *rows = match rows {
                Rows::None => Rows::One(RowId { family: *family, chunk: chunk_index, row: row as u32 }),
                _ => Rows::Several,
            };
        }
    }
}

/// Lines whose rows are in a later chunk, sorted: they were believed only once another line had confirmed them.
fn lines_confirmed_later(log: &Log) -> Vec<u32> {
    let mut lines = Vec::new();
    for (start, chunk) in log.chunks() {
        for table in Family::ALL.iter().filter_map(|family| chunk.table(*family)) {
            let before = (0..table.len()).map(|row| table.line(row)).filter(|line| *line < 0);
            lines.extend(before.map(|line| (i64::from(start) + line).max(0) as u32));
        }
    }
    lines.sort_unstable();
    lines
}

/// Lines on which a piece of a torn item stands, sorted.
fn lines_with_pieces(log: &Log) -> Vec<u32> {
    let mut lines: Vec<u32> = log
        .fragments()
        .flat_map(|(start, _, fragment)| fragment.parts.iter().map(move |part| i64::from(start) + part.line))
        .filter_map(|line| u32::try_from(line).ok())
        .collect();
    lines.sort_unstable();
    lines.dedup();
    lines
}

fn no_item(log: &Log, line: u32, text: &[u8], parsed: &mut ParsedLine<'_>) -> bool {
    let peeled = log.peel(line, text);
    let (carriers, foreign) = peeled.as_foreign();
    parsed.items.clear();
    parsed.foreign =
        Some(String::from_utf8_lossy(foreign).into_owned()).filter(|text| !text.is_empty()).map(Cow::Owned);
    parsed.carriers.clear();
    parsed.carriers.extend_from_slice(carriers);
    true
}

/// Reads a line that is the shape from end to end, as it stands there or in what carries it.
fn one_item(log: &Log, row: RowId, text: &[u8], codes: &mut Codes, parsed: &mut ParsedLine<'_>) -> bool {
    let shape = log.shape(row);
    let mut values = parsed.items.pop().map_or_else(Values::default, |item| item.values);
    parsed.items.clear();
    parsed.carriers.clear();
    let mut start = 0;
    // What is all of a line may begin with any text, so what carries it must go first.
    if shape.def().at == At::Anywhere && template::whole(shape, text, codes) {
        values.take(shape, codes, text);
    } else {
        let peeled = log.peel(parsed.line, text);
        if !template::whole(shape, &peeled.content, codes) {
            return false;
        }
        start = peeled.raw(0);
        parsed.carriers.clone_from(&peeled.layers);
        values.take(shape, codes, &peeled.content);
    }
    parsed.foreign = None;
    let flags = shape.def().pieces.iter().filter_map(|piece| match piece {
        Piece::Flag(field, _) => Some(*field),
        _ => None,
    });
    let go = template::releases(shape, flags.filter(|flag| values.single.contains(&(*flag, 1))));
    parsed.items.push(ParsedItem {
        shape,
        part: Part::Whole,
        torn: false,
        start,
        head_line: None,
        row: None,
        run: None,
        go,
        values,
    });
    true
}

fn any_items(document: &Document, log: &Log, run_index: &RunIndex, parsed: &mut ParsedLine<'_>) {
    let read = log.items(parsed.line, document);
    parsed.carriers = read.carriers;
    parsed.foreign = read.foreign.map(Cow::Owned);
    parsed.items.clear();
    parsed.items.extend(read.items.iter().map(|item| ParsedItem {
        shape: item.shape,
        part: item.part,
        torn: item.torn,
        start: item.loc.start,
        head_line: item.head_line,
        row: item.row,
        run: item.row.and_then(|row| run_index.get(row)),
        go: head_of(document, log, item).map_or_else(|| item.go(), |head| head.go()),
        values: values(item),
    }));
}

/// The head of a torn item, for a later piece of it: the piece by itself says little.
fn head_of(document: &Document, log: &Log, tail: &Item) -> Option<Item> {
    log.items(tail.head_line?, document).items.into_iter().find(|item| item.row == tail.row)
}

/// The values of an item in the form in which whole lines are read.
fn values(item: &Item) -> Values {
    let mut values = Values::default();
    for value in &item.values {
        match &value.datum {
            Some(Datum::One(_, code)) => values.single.push((value.field.index, *code)),
            Some(Datum::Text(text)) => {
                let code = values.text(text);
                values.single.push((value.field.index, code));
            }
            Some(Datum::List(_, list)) => {
                let start = values.pool.len();
                values.pool.extend_from_slice(list);
                values.lists.push((value.field.index, start..values.pool.len()));
            }
            None => {}
        }
    }
    values
}

/// The run of every row.
struct RunIndex {
    /// By family, chunk and row; [`u32::MAX`] where a row has no run.
    runs: Vec<Vec<Vec<u32>>>,
}

impl RunIndex {
    fn new(log: &Log, runs: &Runs) -> Self {
        let by_chunk = |family: &Family| {
            log.chunks().map(|(_, chunk)| vec![u32::MAX; chunk.table(*family).map_or(0, |table| table.len())]).collect()
        };
        let mut index = Self { runs: Family::ALL.iter().map(by_chunk).collect() };
        for (number, run) in runs.list.iter().enumerate() {
            for row in Family::ALL.iter().flat_map(|family| run.rows(*family)) {
                index.runs[row.family as usize][row.chunk as usize][row.row as usize] = number as u32;
            }
        }
        index
    }

    fn get(&self, row: RowId) -> Option<u32> {
        let run = *self.runs[row.family as usize].get(row.chunk as usize)?.get(row.row as usize)?;
        (run != u32::MAX).then_some(run)
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    /// What a line says, for comparing.
    fn told(parsed: &ParsedLine<'_>) -> String {
        let item = |item: &ParsedItem| {
            let ParsedItem { shape, part, torn, start, head_line, row, run, go, values } = item;
            let Values { single, lists, pool, texts } = values;
            format!(
                "{shape:?} {part:?} {torn} {start} {head_line:?} {row:?} {run:?} {go:?} {single:?} {lists:?} {pool:?} {texts}"
            )
        };
        let items: Vec<String> = parsed.items.iter().map(item).collect();
        format!("{} {:?} {items:?} {:?}", parsed.line, parsed.carriers, parsed.foreign)
    }

    #[test]
    fn whole_lines_are_read_as_the_careful_way_reads_them() {
        let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/corpus");
        let mut n_items = 0;
        for folder in ["wrapped", "published", "runs/1.4.3", "runs/1.13.10", "runs/1.26.6"] {
            for file in std::fs::read_dir(corpus.join(folder)).unwrap() {
                let path = file.unwrap().path();
                let Ok(document) = Document::read(&path) else { continue };
                let log = Log::read(&document.bytes);
                let runs = Runs::of(&log);
                let index = RunIndex::new(&log, &runs);
                each_line(&document, &log, &runs, |quick| {
                    let mut careful = ParsedLine { line: quick.line, ..ParsedLine::default() };
                    any_items(&document, &log, &index, &mut careful);
                    assert_eq!(told(quick), told(&careful), "{}", path.display());
                    n_items += quick.items.len();
                    Ok(())
                })
                .unwrap();
            }
        }
        assert!(n_items > 5_000, "only {n_items} items were compared");
    }
}
