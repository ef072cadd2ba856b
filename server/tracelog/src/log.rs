//! A whole document, read: chunks of lines, and the ways into them.
//!
//! Immutable and cheap to clone. An edit gives a new log that shares every chunk it did not touch; a log that grows at
//! its end reads only what was added. The last line stands in a chunk of its own, because it may still be unfinished.

use std::borrow::Cow;
use std::sync::Arc;

use crate::carrier::{self, Peeled};
use crate::catalog::{Family, Field, Kind, Shape};
use crate::cells;
use crate::chunk::{Chunk, ChunkBuilder, Fragment, Mark, Table};
use crate::tear::Carry;
use crate::template;
use crate::text::{Edited, Text};

/// Lines of a new chunk.
const CHUNK_LINES: u32 = 512;
/// A chunk that grew beyond this is split.
const MAX_LINES: u32 = 1024;
/// A touched chunk below this is read together with the next one.
const MIN_LINES: u32 = 256;

/// A document, read.
#[derive(Clone, Debug, Default)]
pub struct Log {
    /// Complete lines in chunks, and the last line in a chunk of its own.
    chunks: Vec<Arc<Chunk>>,
    /// First line of each chunk.
    starts: Vec<u32>,
}

/// A row of a family's table: which chunk, which row in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RowId {
    /// The family.
    pub family: Family,
    /// Index of the chunk.
    pub chunk: u32,
    /// Row in the chunk's table.
    pub row: u32,
}

impl Log {
    /// Reads a document.
    pub fn read(bytes: &[u8]) -> Self {
        let body_end = memchr::memrchr(b'\n', bytes).map_or(0, |at| at + 1);
        let mut chunks = Vec::new();
        let mut builder = ChunkBuilder::new(Carry::default());
        for line in lines(&bytes[..body_end]) {
            builder.line(line);
            if builder.n_lines() == CHUNK_LINES {
                chunks.push(Arc::new(builder.split()));
            }
        }
        if builder.n_lines() > 0 {
            chunks.push(Arc::new(builder.split()));
        }
        builder.last_line(&bytes[body_end..]);
        chunks.push(Arc::new(builder.end()));
        Self::of(chunks)
    }

    /// Reads the document of an editor. Gives up, with nothing, when `go_on` says no; asked between chunks.
    pub fn read_text(text: &Text, mut go_on: impl FnMut() -> bool) -> Option<Self> {
        let last = text.n_lines() - 1;
        let mut chunks = Vec::with_capacity((last / CHUNK_LINES) as usize + 2);
        let mut builder = ChunkBuilder::new(Carry::default());
        let mut buffer = Vec::new();
        let mut first = 0;
        while first < last {
            if !go_on() {
                return None;
            }
            let next = (first + CHUNK_LINES).min(last);
            read_range(&mut builder, text, first, next, &mut buffer);
            chunks.push(Arc::new(builder.split()));
            first = next;
        }
        builder.last_line(text.line(last).as_bytes());
        chunks.push(Arc::new(builder.end()));
        Some(Self::of(chunks))
    }

    fn of(chunks: Vec<Arc<Chunk>>) -> Self {
        let mut first = 0;
        let starts = chunks
            .iter()
            .map(|chunk| {
                let start = first;
                first += chunk.n_lines();
                start
            })
            .collect();
        Self { chunks, starts }
    }

    /// The log after an edit: `text` is the new text, `edited` what [`Text::replace`] said.
    pub fn edited(&self, text: &Text, edited: Edited) -> Self {
        let n_body = self.chunks.len() - 1;
        let old_last = self.starts[n_body];
        let new_last = text.n_lines() - 1;
        let mut buffer = Vec::new();
        // Chunks `first..end` are read again; all lines of the text from `from` to `to` belong to them.
        let mut first = self.chunk_of(edited.first);
        let mut end = self.chunk_of(edited.first + edited.old - 1) + 1;
        let mut builder;
        let from;
        if first == n_body && n_body > 0 && self.chunks[n_body - 1].n_lines() < CHUNK_LINES {
            // Appended: the last body chunk goes on with the new lines only.
            first -= 1;
            builder = ChunkBuilder::resume((*self.chunks[first]).clone());
            from = old_last;
        } else {
            builder = ChunkBuilder::new(self.carry_before(first));
            from = self.starts[first];
        }
        let shift = i64::from(new_last) - i64::from(old_last);
        let new_end = |end: usize| {
            let old = if end >= n_body { old_last } else { self.starts[end] };
            if end > n_body {
                new_last
            } else {
                (i64::from(old) + shift).clamp(i64::from(from), i64::from(new_last)) as u32
            }
        };
        while end < n_body && new_end(end) - from < MIN_LINES {
            end += 1;
        }
        let mut chunks: Vec<Arc<Chunk>> = self.chunks[..first].to_vec();
        let mut at = from;
        let to = new_end(end);
        while at < to {
            let left = to - at;
            let fits = builder.n_lines() + left <= MAX_LINES;
            let room = if fits { left } else { CHUNK_LINES.saturating_sub(builder.n_lines()).clamp(1, left) };
            read_range(&mut builder, text, at, at + room, &mut buffer);
            at += room;
            if at < to {
                chunks.push(Arc::new(builder.split()));
            }
        }
        if builder.n_lines() > 0 {
            chunks.push(Arc::new(builder.split()));
        }
        // Chunks behind the edit stay as they are once a chunk leaves the same open as before.
        while end < n_body {
            let carry = chunks.last().map(|chunk| chunk.carry().clone()).unwrap_or_default();
            if carry == self.carry_before(end) {
                chunks.extend_from_slice(&self.chunks[end..n_body]);
                end = n_body;
                break;
            }
            let mut builder = ChunkBuilder::new(carry);
            let start = new_end(end);
            read_range(&mut builder, text, start, start + self.chunks[end].n_lines(), &mut buffer);
            chunks.push(Arc::new(builder.finish()));
            end += 1;
        }
        let carry = chunks.last().map(|chunk| chunk.carry().clone()).unwrap_or_default();
        if end == n_body && carry == self.carry_before(n_body) && edited.first + edited.old <= old_last {
            chunks.push(self.chunks[n_body].clone());
        } else {
            let mut tail = ChunkBuilder::new(carry);
            tail.last_line(text.line(new_last).as_bytes());
            chunks.push(Arc::new(tail.end()));
        }
        Self::of(chunks)
    }

    fn carry_before(&self, chunk: usize) -> Carry {
        if chunk == 0 { Carry::default() } else { self.chunks[chunk - 1].carry().clone() }
    }

    /// Number of lines: one more than there are LFs.
    pub fn n_lines(&self) -> u32 {
        self.starts.last().map_or(0, |start| start + 1)
    }

    /// The chunks, each with its first line.
    pub fn chunks(&self) -> impl Iterator<Item = (u32, &Chunk)> {
        self.starts.iter().copied().zip(self.chunks.iter().map(AsRef::as_ref))
    }

    /// The chunk that holds a line, or the last one.
    pub(crate) fn chunk_of(&self, line: u32) -> usize {
        self.starts.partition_point(|start| *start <= line).saturating_sub(1)
    }

    pub(crate) fn chunk(&self, index: usize) -> (u32, &Chunk) {
        (self.starts[index], &self.chunks[index])
    }

    pub(crate) fn n_chunks(&self) -> usize {
        self.chunks.len()
    }

    /// Removes the carriers of a line of this log, knowing what the lines before it have shown.
    pub fn peel<'a>(&self, line: u32, text: &'a [u8]) -> Peeled<'a> {
        if self.chunks.is_empty() {
            return carrier::peel(text);
        }
        let (start, chunk) = self.chunk(self.chunk_of(line));
        carrier::peel_in(text, chunk.context(line.saturating_sub(start)))
    }

    /// Whether there is any trace line, or piece of one.
    pub fn has_items(&self) -> bool {
        self.chunks.iter().any(|chunk| Family::ALL.iter().any(|family| chunk.table(*family).is_some()))
    }

    /// Number of rows of a family.
    pub fn n_rows(&self, family: Family) -> usize {
        self.chunks.iter().filter_map(|chunk| chunk.table(family)).map(Table::len).sum()
    }

    /// All rows of a family, in the order of their lines.
    pub fn rows(&self, family: Family) -> Vec<RowId> {
        let mut rows = Vec::with_capacity(self.n_rows(family));
        for (index, chunk) in self.chunks.iter().enumerate() {
            let n = chunk.table(family).map_or(0, Table::len) as u32;
            rows.extend((0..n).map(|row| RowId { family, chunk: index as u32, row }));
        }
        // Only torn items stand out of order, so this is one pass in nearly every log.
        if !rows.is_sorted_by_key(|row| self.line(*row)) {
            rows.sort_by_key(|row| self.line(*row));
        }
        rows
    }

    fn table(&self, row: RowId) -> Option<&Table> {
        self.chunks.get(row.chunk as usize)?.table(row.family)
    }

    /// The line on which a row's item begins.
    pub fn line(&self, row: RowId) -> u32 {
        let within = self.table(row).map_or(0, |table| table.line(row.row as usize));
        (i64::from(self.starts[row.chunk as usize]) + within).max(0) as u32
    }

    /// The shape of a row.
    pub fn shape(&self, row: RowId) -> Shape {
        self.table(row).map_or(Shape(0), |table| table.shape(row.row as usize))
    }

    /// The code of a value; None where it was not printed. The field must be of the row's family.
    pub fn code(&self, row: RowId, field: Field) -> Option<u64> {
        debug_assert_eq!(row.family, field.family, "a row has fields of its family only");
        self.table(row)?.code(row.row as usize, field.index)
    }

    /// A value as a number; None where it was not printed.
    pub fn value(&self, row: RowId, field: Field) -> Option<f64> {
        debug_assert_eq!(row.family, field.family, "a row has fields of its family only");
        let table = self.table(row)?;
        let code = table.code(row.row as usize, field.index)?;
        Some(cells::value(template::kind(table.shape(row.row as usize), field.index), code))
    }

    /// The values of a field over rows of its family, as numbers; NaN where it was not printed.
    ///
    /// Says the same as [`Self::value`] of each row; a column is looked up once for all neighbors.
    pub fn values(&self, rows: &[RowId], field: Field) -> Vec<f64> {
        let mut values = Vec::with_capacity(rows.len());
        for rows in rows.chunk_by(|a, b| a.chunk == b.chunk && a.family == b.family) {
            debug_assert_eq!(rows[0].family, field.family, "a row has fields of its family only");
            let Some((table, column)) = self.table(rows[0]).and_then(|table| Some((table, table.column(field.index)?)))
            else {
                values.resize(values.len() + rows.len(), f64::NAN);
                continue;
            };
            let mut known: Option<(Shape, Kind)> = None;
            values.extend(rows.iter().map(|row| {
                let Some(code) = column.get(row.row as usize) else { return f64::NAN };
                let shape = table.shape(row.row as usize);
                let kind = match known {
                    Some((last, kind)) if last == shape => kind,
                    _ => template::kind(shape, field.index),
                };
                known = Some((shape, kind));
                cells::value(kind, code)
            }));
        }
        values
    }

    /// A text; None where it was not printed, or the field is no text.
    pub fn text(&self, row: RowId, field: Field) -> Option<Cow<'_, str>> {
        debug_assert_eq!(row.family, field.family, "a row has fields of its family only");
        let chunk = self.chunks.get(row.chunk as usize)?;
        let table = chunk.table(row.family)?;
        template::kind(table.shape(row.row as usize), field.index).is_text().then_some(())?;
        Some(String::from_utf8_lossy(chunk.texts().get(table.code(row.row as usize, field.index)?)))
    }

    /// The bytes of a text; None where it was not printed.
    pub(crate) fn text_bytes(&self, row: RowId, field: Field) -> Option<&[u8]> {
        let chunk = self.chunks.get(row.chunk as usize)?;
        let code = chunk.table(row.family)?.code(row.row as usize, field.index)?;
        Some(chunk.texts().get(code))
    }

    /// The line on which the item of a row ends, if that is not the one on which it begins.
    pub(crate) fn last_line(&self, row: RowId) -> Option<u32> {
        let (start, chunk) = self.chunk(row.chunk as usize);
        let is_of_row = |fragment: &&Fragment| fragment.row == row.row && fragment.shape.def().family == row.family;
        let last = chunk.fragments().iter().find(is_of_row)?.parts.last()?;
        u32::try_from(i64::from(start) + last.line).ok()
    }

    /// Whether a line is blank, among those between lines of blocks; elsewhere nobody asks.
    pub(crate) fn is_blank(&self, line: u32) -> bool {
        let (start, chunk) = self.chunk(self.chunk_of(line));
        line.checked_sub(start).is_some_and(|line| chunk.is_blank(line))
    }

    /// The numbers of a list; nothing where it was not printed.
    pub fn list(&self, row: RowId, field: Field) -> Vec<i64> {
        let Some(table) = self.table(row) else { return Vec::new() };
        let codes = table.list(row.row as usize, field.index);
        match template::kind(table.shape(row.row as usize), field.index) {
            // Addresses are below 2^63 wherever Go runs.
            Kind::HexList => codes.map(|code| code as i64).collect(),
            _ => codes.map(cells::unzigzag).collect(),
        }
    }

    /// What the carrier says about the process of a row; empty where it says nothing.
    pub fn source(&self, row: RowId) -> Arc<[u8]> {
        self.chunks[row.chunk as usize].source(row.family, row.row as usize).clone()
    }

    /// Items that are not whole on one line, with the first line of their chunk and their row.
    pub fn fragments(&self) -> impl Iterator<Item = (u32, RowId, &Fragment)> {
        self.chunks.iter().enumerate().flat_map(move |(index, chunk)| {
            chunk.fragments().iter().map(move |fragment| {
                let family = fragment.shape.def().family;
                (self.starts[index], RowId { family, chunk: index as u32, row: fragment.row }, fragment)
            })
        })
    }

    /// Lines that say something about the process around the trace.
    pub fn marks(&self) -> impl Iterator<Item = (u32, Mark)> {
        self.chunks().flat_map(|(start, chunk)| chunk.marks().iter().map(move |(line, mark)| (start + line, *mark)))
    }

    /// Bytes of heap memory held.
    pub fn n_bytes(&self) -> usize {
        self.chunks.iter().map(|chunk| chunk.n_bytes() + size_of::<Chunk>()).sum::<usize>()
            + self.chunks.capacity() * size_of::<Arc<Chunk>>()
            + self.starts.capacity() * 4
    }
}

/// Lines of bytes that end in LF (the last may lack it), without their LFs.
fn lines(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut from = 0;
    let mut ends = memchr::memchr_iter(b'\n', bytes);
    std::iter::from_fn(move || {
        let end = ends.next().or((from < bytes.len()).then_some(bytes.len()))?;
        let line = &bytes[from..end];
        from = end + 1;
        Some(line)
    })
}

/// Reads lines `first..last` of a text.
fn read_range(builder: &mut ChunkBuilder, text: &Text, first: u32, last: u32, buffer: &mut Vec<u8>) {
    buffer.clear();
    text.copy_lines(first, last, buffer);
    for line in lines(buffer) {
        builder.line(line);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::gc;

    #[test]
    fn a_column_says_what_its_values_say() {
        let lines = [
            "gc 1 @0.010s 2%: 0.011+0.30+0.002 ms clock, 0.023+0.10/0.20/0.31+0.004 ms cpu, 4->4->1 MB, 5 MB goal, 2 P",
            "gc 2 @0.020s 2%: 0.011+12+120 ms clock, 0.023+0.10/0.20/0.31+0.004 ms cpu, 4->4->1 MB, 4 MB goal, 0 MB stacks, \
             1 MB globals, 2 P (forced)",
            "gc1(1): 0+1.2+0 ms, 0 -> 1 MB 12 -> 13 (14-1) objects, 0(0) handoff, 0(0) steal, 0/0/0 yields",
            "a line of the program",
        ];
        let text: String = (0..8_000).map(|idx| format!("{}\n", lines[idx * 7 % 5 % 4])).collect();
        let log = Log::read(text.as_bytes());
        assert!(log.chunks.len() > 1, "one chunk shows no boundary");
        let rows = log.rows(Family::Gc);
        for field in [gc::AT_S, gc::WALL_MARK_MS, gc::HEAP_LIVE_MB, gc::STACKS_MB, gc::FORCED, gc::GOROUTINES] {
            let one_by_one: Vec<Option<f64>> = rows.iter().map(|row| log.value(*row, field)).collect();
            let values = log.values(&rows, field);
            assert_eq!(values.len(), rows.len());
            let absent_as_nan = |value: f64| (!value.is_nan()).then_some(value);
            assert_eq!(values.into_iter().map(absent_as_nan).collect::<Vec<_>>(), one_by_one, "{field:?}");
        }
        assert!(log.values(&[], gc::AT_S).is_empty());
    }
}
