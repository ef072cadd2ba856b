//! Rows of one family in columns.

use crate::catalog::{Family, Shape};
use crate::cells::{self, Column, ListColumn};
use crate::template::{self, Codes, Datum, Layout};
use crate::texts::{Numbers, Texts};

/// The rows of one family in a chunk.
#[derive(Clone, Debug, PartialEq)]
pub struct Table {
    /// Line of each row, counted from the chunk's first line; negative where the head stands in an earlier chunk.
    lines: Column,
    /// Shape of each row.
    shapes: Column,
    /// Index into the chunk's sources of each row.
    sources: Column,
    /// Values, by field; None while no row has the field.
    columns: Vec<Option<Column>>,
    /// Lists, by field.
    lists: Vec<Option<ListColumn>>,
    len: usize,
}

impl Table {
    /// No rows of a family.
    pub(crate) fn new(family: Family) -> Self {
        let n_fields = family.def().fields.len();
        Self {
            lines: Column::default(),
            shapes: Column::default(),
            sources: Column::default(),
            columns: vec![None; n_fields],
            lists: vec![None; n_fields],
            len: 0,
        }
    }

    /// Number of rows.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Line of a row, counted from the chunk's first line.
    pub fn line(&self, row: usize) -> i64 {
        cells::unzigzag(self.lines.get(row).unwrap_or(0))
    }

    /// Shape of a row.
    pub fn shape(&self, row: usize) -> Shape {
        Shape(self.shapes.get(row).unwrap_or(0) as u16)
    }

    /// The code of a value, for a text its number in the chunk's texts; None where it was not printed.
    pub fn code(&self, row: usize, field: u8) -> Option<u64> {
        self.columns[usize::from(field)].as_ref()?.get(row)
    }

    /// The column of a field, if any row has it.
    pub fn column(&self, field: u8) -> Option<&Column> {
        self.columns[usize::from(field)].as_ref()
    }

    /// The codes of a list; nothing where it was not printed.
    pub fn list(&self, row: usize, field: u8) -> impl Iterator<Item = u64> + '_ {
        self.lists[usize::from(field)].iter().flat_map(move |lists| lists.get(row))
    }

    /// Appends rows of one shape.
    pub(crate) fn append(&mut self, batch: &Batch) {
        let n_rows = batch.lines.len();
        self.lines.extend(batch.lines.iter().copied());
        self.shapes.extend(std::iter::repeat_n(u64::from(batch.shape.0), n_rows));
        self.sources.extend(batch.sources.iter().copied());
        let Layout { single, lists, .. } = template::layout(batch.shape);
        for (slot, field) in single.iter().enumerate() {
            let column = self.columns[usize::from(*field)].get_or_insert_with(|| Column::absent(self.len));
            column.extend(batch.codes.chunks_exact(single.len()).map(|row| row[slot]));
        }
        for (slot, field) in lists.iter().enumerate() {
            let column = self.lists[usize::from(*field)].get_or_insert_with(|| ListColumn::empty(self.len));
            column.extend(&batch.lists[slot]);
        }
        self.end_rows(n_rows);
    }

    /// Appends a row of which some values are known.
    pub(crate) fn push(
        &mut self,
        line: i64,
        shape: Shape,
        source: u32,
        values: &[(u8, &Datum)],
        (numbers, texts): (&mut Numbers, &mut Texts),
    ) {
        self.lines.push(line_code(line));
        self.shapes.push(u64::from(shape.0));
        self.sources.push(u64::from(source));
        for (field, datum) in values {
            let field = usize::from(*field);
            match datum {
                Datum::One(_, code) => self.columns[field].get_or_insert_with(|| Column::absent(self.len)).push(*code),
                Datum::Text(text) => {
                    let code = numbers.number(text.as_bytes(), texts);
                    self.columns[field].get_or_insert_with(|| Column::absent(self.len)).push(code);
                }
                Datum::List(_, codes) => {
                    self.lists[field].get_or_insert_with(|| ListColumn::empty(self.len)).push(codes)
                }
            }
        }
        self.end_rows(1);
    }

    /// Columns that got nothing for the last rows lack a value there.
    fn end_rows(&mut self, n_rows: usize) {
        self.len += n_rows;
        self.columns.iter_mut().flatten().for_each(|column| column.fill(self.len));
        self.lists.iter_mut().flatten().for_each(|lists| lists.fill(self.len));
    }

    /// Gives back memory kept for further rows.
    pub(crate) fn shrink(&mut self) {
        self.lines.shrink();
        self.shapes.shrink();
        self.sources.shrink();
        self.columns.iter_mut().flatten().for_each(Column::shrink);
        self.lists.iter_mut().flatten().for_each(ListColumn::shrink);
    }

    /// Index into the chunk's sources of a row.
    pub(crate) fn source(&self, row: usize) -> usize {
        self.sources.get(row).unwrap_or(0) as usize
    }

    /// Bytes of heap memory held.
    pub(crate) fn n_bytes(&self) -> usize {
        let columns = self.columns.iter().flatten().map(Column::n_bytes);
        let lists = self.lists.iter().flatten().map(ListColumn::n_bytes);
        let slots =
            self.columns.len() * size_of::<Option<Column>>() + self.lists.len() * size_of::<Option<ListColumn>>();
        self.lines.n_bytes()
            + self.shapes.n_bytes()
            + self.sources.n_bytes()
            + columns.chain(lists).sum::<usize>()
            + slots
    }
}

fn line_code(line: i64) -> u64 {
    cells::zigzag(line.unsigned_abs(), line < 0).unwrap_or(0)
}

/// Rows of one shape on their way into columns: writing a column in one go is several times faster than cell by cell.
#[derive(Debug)]
pub(crate) struct Batch {
    pub(crate) shape: Shape,
    lines: Vec<u64>,
    sources: Vec<u64>,
    /// Values, row by row.
    codes: Vec<u64>,
    /// Lists, one entry for each list of the shape.
    lists: Vec<Lists>,
}

/// One list of each row: all values, and where each row's end.
#[derive(Debug, Default)]
pub(crate) struct Lists {
    pub(crate) codes: Vec<u64>,
    pub(crate) ends: Vec<u32>,
}

impl Batch {
    /// No rows of any shape.
    pub(crate) fn new() -> Self {
        Self { shape: Shape(0), lines: Vec::new(), sources: Vec::new(), codes: Vec::new(), lists: Vec::new() }
    }

    /// Whether there is no row.
    pub(crate) fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// Forgets all rows, keeping the memory.
    pub(crate) fn clear(&mut self) {
        self.lines.clear();
        self.sources.clear();
        self.codes.clear();
        for list in &mut self.lists {
            list.codes.clear();
            list.ends.clear();
        }
    }

    /// Appends a row of the batch's shape.
    #[inline]
    pub(crate) fn push(&mut self, line: i64, source: u32, codes: &Codes) {
        self.lines.push(line_code(line));
        self.sources.push(u64::from(source));
        self.codes.extend_from_slice(&codes.single);
        let mut start = 0;
        for (index, end) in codes.ends.iter().enumerate() {
            if index == self.lists.len() {
                self.lists.push(Lists::default());
            }
            let list = &mut self.lists[index];
            list.codes.extend_from_slice(&codes.pool[start..*end]);
            list.ends.push(list.codes.len() as u32);
            start = *end;
        }
    }
}
