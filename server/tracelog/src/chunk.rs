//! A stretch of lines, read: the columns of every family and what the last lines leave open.
//!
//! A chunk depends on its lines and on the [`Carry`] of the chunk before it, on nothing else. That is what makes editing
//! cheap: a chunk whose lines and incoming carry did not change is the same chunk.

use std::sync::Arc;

use crate::block::{Blocks, Claim, Hints, Offer, Waiting};
use crate::carrier::{self, Context, Memory};
use crate::catalog::{At, Family, Shape};
use crate::durations::{self, AppDurations};
use crate::table::Batch;
use crate::tear::{Carry, Found, Tears};
use crate::template::{self, Codes, Match};
use crate::texts::{Numbers, Texts};

pub use crate::table::Table;

/// A piece of an item and where it stands: a line, counted from the chunk's first line, and a range of its content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PartAt {
    /// The line; negative in an earlier chunk.
    pub line: i64,
    /// First byte of the line's content.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
    /// A blank stood before it that was lost when the line was wrapped.
    pub blank: bool,
}

/// An item that is not whole on its line.
#[derive(Clone, Debug, PartialEq)]
pub struct Fragment {
    /// What it is.
    pub shape: Shape,
    /// Its row in the table of its family.
    pub row: u32,
    /// Its pieces, head first. One piece where the rest was not found.
    pub parts: Vec<PartAt>,
    /// The head is lost: the first piece begins in the middle of the template.
    pub headless: bool,
    /// A value that may hold digits of what was written into the line, so that it counts as not printed.
    pub doubtful: Option<u8>,
}

impl Fragment {
    /// Whether all of the item was found.
    pub fn is_joined(&self) -> bool {
        !self.headless && self.parts.len() > 1
    }
}

/// A line that says something about the process around the trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Mark {
    /// `# command-line-arguments` or `# package`: the Go toolchain compiled something.
    ToolchainHeading,
    /// `exit status N`: a process ended under `go run` or a shell.
    ExitStatus,
}

/// A stretch of lines, read.
#[derive(Clone, Debug)]
pub struct Chunk {
    n_lines: u32,
    tables: Vec<Option<Box<Table>>>,
    fragments: Vec<Fragment>,
    texts: Texts,
    /// Blank lines behind lines of blocks: they end what stands before them.
    blanks: Vec<u32>,
    /// How many lines before the first one rows can begin: lines that wait in one chunk may be confirmed in the next.
    reach: u32,
    /// Names of processes as carriers give them; the first is empty.
    sources: Vec<Arc<[u8]>>,
    marks: Vec<(u32, Mark)>,
    /// What lines of the program say of time.
    durations: AppDurations,
    /// What lines have shown about those that follow, each from the line on which it holds first.
    contexts: Vec<(u32, Arc<Context>)>,
    carry: Carry,
}

/// Equal when they say the same about the same lines.
impl PartialEq for Chunk {
    fn eq(&self, other: &Self) -> bool {
        self.n_lines == other.n_lines
            && self.tables == other.tables
            && self.texts == other.texts
            && self.fragments == other.fragments
            && self.sources == other.sources
            && self.marks == other.marks
            && self.durations == other.durations
            && self.contexts == other.contexts
            && self.carry == other.carry
    }
}

impl Chunk {
    /// Number of lines.
    pub fn n_lines(&self) -> u32 {
        self.n_lines
    }

    /// The rows of a family, if there are any.
    pub fn table(&self, family: Family) -> Option<&Table> {
        self.tables[family as usize].as_deref()
    }

    /// Items that are not whole on one line, in the order in which they were given up or joined.
    pub fn fragments(&self) -> &[Fragment] {
        &self.fragments
    }

    /// Whether the item of a row is not whole on one line.
    pub(crate) fn is_torn(&self, family: Family, row: u32) -> bool {
        self.fragments.iter().any(|fragment| fragment.row == row && fragment.shape.def().family == family)
    }

    /// Lines that say something about the process, counted from the chunk's first line.
    pub fn marks(&self) -> &[(u32, Mark)] {
        &self.marks
    }

    /// Durations in lines of the program itself.
    pub fn durations(&self) -> &AppDurations {
        &self.durations
    }

    /// What the carrier says about the process of a row: container, unit, pid; empty where it says nothing.
    pub fn source(&self, family: Family, row: usize) -> &Arc<[u8]> {
        let index = self.table(family).map_or(0, |table| table.source(row));
        self.sources.get(index).unwrap_or(&self.sources[0])
    }

    /// The texts of columns, by their codes.
    pub fn texts(&self) -> &Texts {
        &self.texts
    }

    /// How many lines before the first one its rows can begin, pieces of torn items aside.
    pub(crate) fn reach(&self) -> u32 {
        self.reach
    }

    /// Whether a line, counted from the chunk's first line, is blank and stands behind one of a block.
    pub(crate) fn is_blank(&self, line: u32) -> bool {
        self.blanks.binary_search(&line).is_ok()
    }

    /// What the lines before a line have shown, counted from the chunk's first line.
    pub(crate) fn context(&self, line: u32) -> &Context {
        let n_before = self.contexts.partition_point(|(first, _)| *first <= line);
        n_before.checked_sub(1).map_or(&carrier::NOTHING, |last| &*self.contexts[last].1)
    }

    /// What the chunk leaves open.
    pub fn carry(&self) -> &Carry {
        &self.carry
    }

    /// Bytes of heap memory held.
    pub fn n_bytes(&self) -> usize {
        self.tables.iter().flatten().map(|table| table.n_bytes() + size_of::<Table>()).sum::<usize>()
            + self.tables.capacity() * size_of::<Option<Box<Table>>>()
            + self.fragments.capacity() * size_of::<Fragment>()
            + self.texts.n_bytes()
            + self.durations.n_bytes()
    }
}

/// Reads lines into a chunk.
pub struct ChunkBuilder {
    chunk: Chunk,
    tears: Tears,
    blocks: Blocks,
    numbers: Numbers,
    memory: Memory,
    memory_source: u32,
    codes: Codes,
    /// For lines that are confirmed by the one that is read.
    confirmed: Codes,
    /// The shape that matched last, by first byte.
    preferred: Box<[Option<Shape>; 256]>,
    /// The same for lines of blocks.
    hints: Hints,
    /// By family: the last rows, not yet in its table.
    batches: Vec<Batch>,
}

impl ChunkBuilder {
    /// A builder for the chunk that follows one with this carry.
    pub fn new(carry: Carry) -> Self {
        let shown = Some((0, carry.context.clone())).filter(|(_, context)| **context != carrier::NOTHING);
        Self::resume(Chunk {
            n_lines: 0,
            tables: vec![None; Family::ALL.len()],
            fragments: Vec::new(),
            texts: Texts::default(),
            blanks: Vec::new(),
            reach: 0,
            sources: vec![Arc::from([].as_slice())],
            marks: Vec::new(),
            durations: AppDurations::default(),
            contexts: shown.into_iter().collect(),
            carry,
        })
    }

    /// A builder that appends lines to a chunk.
    pub fn resume(mut chunk: Chunk) -> Self {
        let mut carry = std::mem::take(&mut chunk.carry);
        let blocks = std::mem::take(&mut carry.blocks).resume(chunk.n_lines);
        let tears = Tears::resume(carry, chunk.n_lines);
        Self {
            numbers: Numbers::of(&chunk.texts),
            chunk,
            tears,
            blocks,
            memory: Memory::default(),
            memory_source: 0,
            codes: Codes::default(),
            confirmed: Codes::default(),
            preferred: Box::new([None; 256]),
            hints: Hints::default(),
            batches: Family::ALL.iter().map(|_| Batch::new()).collect(),
        }
    }

    /// Number of lines so far.
    pub fn n_lines(&self) -> u32 {
        self.chunk.n_lines
    }

    /// Reads one line, without its LF.
    pub fn line(&mut self, line: &[u8]) {
        let line = trim_end(line);
        self.chunk.n_lines += 1;
        if line.is_empty() {
            self.blank(&[]);
        } else if !self.quick(line, 0) {
            match self.memory.offset(line) {
                Some(offset) if !self.tears.holds() && self.quick(&line[offset..], self.memory_source) => {}
                _ => self.any(line),
            }
        }
    }

    /// Reads the last line of a document, which is empty where the document ends with an LF: that is no blank line.
    pub fn last_line(&mut self, line: &[u8]) {
        if line.is_empty() {
            self.chunk.n_lines += 1;
        } else {
            self.line(line);
        }
    }

    /// The fast ways: the whole line is one item that can stand anywhere, or certainly one of an open block.
    #[inline]
    fn quick(&mut self, content: &[u8], source: u32) -> bool {
        self.whole(content, source) || self.block(content, source, Offer::Raw)
    }

    /// Ends the text: heads that are still open become what was read of them.
    pub fn end(mut self) -> Chunk {
        let found = self.tears.end();
        self.keep(found, 0, 0);
        for (source, waiting) in self.blocks.end() {
            let source = self.source(&source);
            self.confirm(&waiting, source);
        }
        self.finish()
    }

    /// Ends the chunk.
    pub fn finish(mut self) -> Chunk {
        Family::ALL.iter().for_each(|family| self.flush(*family));
        self.chunk.tables.iter_mut().flatten().for_each(|table| table.shrink());
        self.chunk.texts.shrink();
        self.chunk.durations.shrink();
        let context = self.chunk.contexts.last().map(|(_, context)| context.clone()).unwrap_or_default();
        self.chunk.carry = self.tears.finish(self.chunk.n_lines, context);
        self.chunk.carry.blocks = self.blocks.finish(self.chunk.n_lines);
        self.chunk
    }

    /// Starts the next chunk where this one ends, keeping what was learned about how lines look.
    pub fn split(&mut self) -> Chunk {
        let mut next = Self::new(Carry::default());
        std::mem::swap(&mut next.memory, &mut self.memory);
        std::mem::swap(&mut next.preferred, &mut self.preferred);
        std::mem::swap(&mut next.hints, &mut self.hints);
        std::mem::swap(&mut next.codes, &mut self.codes);
        Family::ALL.iter().for_each(|family| self.flush(*family));
        std::mem::swap(&mut next.batches, &mut self.batches);
        std::mem::swap(&mut next.numbers, &mut self.numbers);
        next.numbers.clear();
        let memory_source = self.chunk.sources[self.memory_source as usize].clone();
        let done = std::mem::replace(self, next).finish();
        self.chunk.contexts = Self::new(done.carry.clone()).chunk.contexts;
        self.tears = Tears::resume(done.carry.clone(), 0);
        self.blocks = done.carry.blocks.clone();
        self.memory_source = self.source(&memory_source);
        done
    }

    /// The whole line is one item that can stand anywhere.
    #[inline]
    fn whole(&mut self, content: &[u8], source: u32) -> bool {
        let Some(&first) = content.first() else { return false };
        let line = i64::from(self.chunk.n_lines) - 1;
        let preferred = self.preferred[usize::from(first)];
        if let Some(shape) = preferred
            && template::whole(shape, content, &mut self.codes)
        {
            self.push_codes(shape, line, source, content);
            return true;
        }
        for shape in template::shapes_at(first) {
            if Some(*shape) != preferred && template::whole(*shape, content, &mut self.codes) {
                self.preferred[usize::from(first)] = Some(*shape);
                self.push_codes(*shape, line, source, content);
                return true;
            }
        }
        false
    }

    /// The line is blank, or all of it is what carries it.
    fn blank(&mut self, source: &[u8]) {
        let Some(confirmed) = self.blocks.blank(source) else { return };
        self.chunk.blanks.push(self.chunk.n_lines - 1);
        if let Some(waiting) = confirmed {
            let source = self.source(source);
            self.confirm(&waiting, source);
        }
    }

    /// The line belongs to a block of its process.
    fn block(&mut self, content: &[u8], source: u32, offer: Offer) -> bool {
        let line = i64::from(self.chunk.n_lines) - 1;
        let name = &self.chunk.sources[source as usize];
        let Some(claim) = self.blocks.read(content, line, name, offer, &mut self.hints, &mut self.codes) else {
            return false;
        };
        let Claim { shape, found, confirmed, waits } = claim;
        if !confirmed.is_empty() {
            std::mem::swap(&mut self.codes, &mut self.confirmed);
            for waiting in confirmed {
                self.confirm(&waiting, source);
            }
            std::mem::swap(&mut self.codes, &mut self.confirmed);
        }
        match found {
            _ if waits => {}
            Some(found) => _ = self.push_match(&found, line, source, None),
            None => self.push_codes(shape, line, source, content),
        }
        true
    }

    /// A line that waited is believed.
    fn confirm(&mut self, waiting: &Waiting, source: u32) {
        if template::whole(waiting.shape, &waiting.text, &mut self.codes) {
            self.push_codes(waiting.shape, waiting.line, source, &waiting.text);
            self.chunk.reach = self.chunk.reach.max((-waiting.line).max(0) as u32);
        }
    }

    /// Appends the row of a line that the codes are of.
    #[inline]
    fn push_codes(&mut self, shape: Shape, line: i64, source: u32, content: &[u8]) {
        let def = shape.def();
        for slot in &template::layout(shape).texts {
            let code = &mut self.codes.single[usize::from(*slot)];
            *code = self.numbers.number(&content[template::span(*code)], &mut self.chunk.texts);
        }
        if self.batches[def.family as usize].shape != shape {
            self.flush(def.family);
            self.batches[def.family as usize].shape = shape;
        }
        self.batches[def.family as usize].push(line, source, &self.codes);
        if def.at == At::Anywhere
            && let Some(block) = def.opens
        {
            self.blocks.opened(block, &self.chunk.sources[source as usize]);
        }
    }

    /// Moves the rows of a family that are still in its batch to its table.
    fn flush(&mut self, family: Family) {
        let batch = &mut self.batches[family as usize];
        if !batch.is_empty() {
            self.chunk.tables[family as usize].get_or_insert_with(|| Box::new(Table::new(family))).append(batch);
            batch.clear();
        }
    }

    /// The careful way: carriers, several items, pieces of items, foreign text.
    fn any(&mut self, line: &[u8]) {
        let context = self.chunk.context(self.chunk.n_lines);
        let peeled = carrier::peel_in(line, context);
        let goes_on = peeled.goes_on(context);
        if let Some(after) = context.after(&peeled) {
            self.memory.forget();
            self.chunk.contexts.push((self.chunk.n_lines, Arc::new(after)));
        }
        let source = if peeled.source.is_empty() { 0 } else { self.source(&line[peeled.source.clone()]) };
        if !peeled.layers.is_empty() {
            self.memory.learn(line, &peeled);
            self.memory_source = source;
        }
        let is_record = goes_on || self.tears.holds();
        if peeled.content.is_empty() && !is_record {
            return self.blank(&line[peeled.source.clone()]);
        }
        // A line that nothing carries was offered as it is already.
        let is_other = peeled.content.len() < line.len() || !peeled.layers.is_empty();
        if !is_record && is_other && !peeled.is_unfinished() && self.block(&peeled.content, source, Offer::Raw) {
            return;
        }
        self.mark(&peeled.content);
        let line_in_chunk = i64::from(self.chunk.n_lines) - 1;
        let name = self.chunk.sources[source as usize].clone();
        let found = if is_record {
            self.tears.read_record(&peeled, goes_on, line_in_chunk, &name)
        } else {
            self.tears.read(&peeled.content, line_in_chunk, &name)
        };
        // Text that a block could claim only for want of anything better.
        if found.is_empty()
            && !is_record
            && !self.block(&peeled.content, source, offer_of(&peeled))
            && let Some(said) = durations::read(&peeled)
        {
            self.chunk.durations.push(self.chunk.n_lines - 1, &name, &said);
        }
        self.keep(found, line_in_chunk, source);
    }

    fn keep(&mut self, found: Vec<Found>, line_in_chunk: i64, source: u32) {
        for found in found {
            match found {
                Found::Whole(item) => {
                    self.push_match(&item, line_in_chunk, source, None);
                }
                Found::Late { item, line, source } => {
                    let source = self.source(&source);
                    self.push_match(&item, line, source, None);
                }
                Found::Fragment { item, parts, headless, doubtful, source } => {
                    let source = self.source(&source);
                    let row = self.push_match(&item, parts[0].line, source, doubtful);
                    self.chunk.fragments.push(Fragment { shape: item.shape, row, parts, headless, doubtful });
                }
            }
        }
    }

    fn push_match(&mut self, item: &Match, line: i64, source: u32, doubtful: Option<u8>) -> u32 {
        let family = item.shape.def().family;
        self.flush(family);
        self.chunk.reach = self.chunk.reach.max((-line).max(0) as u32);
        let known = item.values.iter().filter(|value| Some(value.field.index) != doubtful);
        let values: Vec<_> = known.map(|value| (value.field.index, &value.datum)).collect();
        let Chunk { tables, texts, .. } = &mut self.chunk;
        let table = tables[family as usize].get_or_insert_with(|| Box::new(Table::new(family)));
        table.push(line, item.shape, source, &values, (&mut self.numbers, texts));
        (table.len() - 1) as u32
    }

    fn source(&mut self, name: &[u8]) -> u32 {
        if let Some(index) = self.chunk.sources.iter().rposition(|known| **known == *name) {
            return index as u32;
        }
        self.chunk.sources.push(Arc::from(name));
        (self.chunk.sources.len() - 1) as u32
    }

    fn mark(&mut self, content: &[u8]) {
        // Comments of profiles begin like the headings of the toolchain.
        let mark = if content.starts_with(b"# ") && !content[2..].contains(&b' ') && content.len() > 2 {
            Mark::ToolchainHeading
        } else if content.starts_with(b"exit status ") {
            Mark::ExitStatus
        } else {
            return;
        };
        self.chunk.marks.push((self.chunk.n_lines - 1, mark));
    }
}

/// How the content of a line is offered to its block.
fn offer_of(peeled: &carrier::Peeled) -> Offer {
    Offer::Content { is_logged: peeled.is_logged(), is_unfinished: peeled.is_unfinished() }
}

/// A line without the CRs at its end.
pub fn trim_end(mut line: &[u8]) -> &[u8] {
    while let [rest @ .., b'\r'] = line {
        line = rest;
    }
    line
}
