//! Lines that mean something only inside a block: frames of a goroutine, registers of a signal, records of a profile.
//!
//! A header opens a block, and a line is claimed only inside a block that has such lines. Some lines say too little by
//! themselves even there: they wait until a later line confirms them, and are the program's own text when none does. A
//! process has blocks of its own, so that dumps of two containers in one stream do not mix.
//!
//! In exports with the newest line first a goroutine stands upside down: its frames wait for its header.

mod index;
mod line;

use std::sync::Arc;

use crate::catalog::{Block, Family, Reader, Shape, shapes};
use crate::template::{self, Codes, Match};
pub(crate) use index::Hints;
use index::{Candidate, Group, index};
use line::{begins_numbers, is_delimiter, is_frame, is_frame_text, is_of_goleak, is_place, is_signal_of_panic};

/// Processes of which blocks are kept open at a time.
const MAX_OPEN: usize = 8;

/// Lines that can wait to be confirmed: values of panics and notes may be long.
const MAX_PENDING: usize = 64;

/// Lines that can stand above their goroutine's header.
const MAX_UPWARD: usize = 256;

/// Lines of the program that can stand between a function and its file.
const MAX_BETWEEN: u32 = 2;

/// Functions that can wait for their files at a time: collectors swap lines that are close to each other.
const MAX_FRAMES: usize = 3;

/// The blocks that lines so far leave open. Lines are counted from the end of the chunk, so they are negative.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Blocks {
    open: Vec<Open>,
}

/// What is open of one process.
#[derive(Clone, Debug, PartialEq)]
struct Open {
    source: Arc<[u8]>,
    kinds: Kinds,
    /// The last line that belongs to it.
    last: Option<Shape>,
    /// A blank line stands behind that.
    is_blank: bool,
    /// Lines of the program behind that.
    n_foreign: u32,
    pending: Vec<Waiting>,
}

/// A line that waits to be confirmed.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Waiting {
    /// The line, counted like rows.
    pub(crate) line: i64,
    pub(crate) shape: Shape,
    pub(crate) text: Vec<u8>,
    /// It stands above the header of its goroutine, which confirms it.
    upward: bool,
    /// It stands behind what the program had written of a line.
    unfinished: bool,
}

/// A set of kinds of blocks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Kinds(u32);

impl Kinds {
    const fn of(block: Block) -> Self {
        Self(1 << block as u32)
    }

    const fn with(self, block: Block) -> Self {
        Self(self.0 | Self::of(block).0)
    }

    const fn without(self, block: Block) -> Self {
        Self(self.0 & !Self::of(block).0)
    }

    const fn has(self, block: Block) -> bool {
        self.0 & Self::of(block).0 != 0
    }

    fn all_of(blocks: &[Block]) -> Self {
        blocks.iter().fold(Self::default(), |kinds, block| kinds.with(*block))
    }

    const fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    const fn overlaps(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Lines of the program after which a block is over.
    fn patience(self) -> u32 {
        const DUMPS: Kinds = Kinds::of(Block::Crash)
            .with(Block::Signal)
            .with(Block::Goroutine)
            .with(Block::Goleak)
            .with(Block::Race)
            .with(Block::Finalizers)
            .with(Block::Alloc);
        match self.overlaps(DUMPS) {
            true => 64,
            false if self.has(Block::GcOld) => 0,
            // Profiles are written in one go.
            false => 2,
        }
    }
}

/// How a line is offered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Offer {
    /// Only what is certain counts, whatever stands around it, and nothing is noted when nothing is.
    Raw,
    /// Without what carried it, and when it is nothing else.
    Content {
        /// A logger's form was around it.
        is_logged: bool,
        /// The program had not ended the line.
        is_unfinished: bool,
    },
}

/// A line that belongs to a block.
#[derive(Debug)]
pub(crate) struct Claim {
    pub(crate) shape: Shape,
    /// What code read; for templates, the codes have it.
    pub(crate) found: Option<Match>,
    /// Earlier lines that this one confirms.
    pub(crate) confirmed: Vec<Waiting>,
    /// This line itself has to wait.
    pub(crate) waits: bool,
}

impl Blocks {
    /// Goes on after `n_lines` lines of a chunk that was left with these blocks.
    pub(crate) fn resume(mut self, n_lines: u32) -> Self {
        self.shift(i64::from(n_lines));
        self
    }

    /// What is left open at the end of a chunk of `n_lines` lines.
    pub(crate) fn finish(mut self, n_lines: u32) -> Self {
        self.shift(-i64::from(n_lines));
        self
    }

    fn shift(&mut self, by: i64) {
        self.open.iter_mut().flat_map(|open| &mut open.pending).for_each(|waiting| waiting.line += by);
    }

    /// A blank line of a process: None when no block is open, or what it confirms. A function with arguments in words of
    /// the machine is believed without its file, which was lost.
    pub(crate) fn blank(&mut self, source: &[u8]) -> Option<Option<Waiting>> {
        let index = self.find(source)?;
        let open = &mut self.open[index];
        let is_in_goroutine = open.kinds.has(Block::Goroutine);
        let is_certain = |waiting: &&Waiting| {
            is_frame(waiting.shape) && !waiting.upward && memchr::memmem::find(&waiting.text, b"(0x").is_some()
        };
        let confirmed = open.pending.last().filter(is_certain).filter(|_| is_in_goroutine).cloned();
        open.is_blank = true;
        open.kinds = open.kinds.without(Block::Goroutine).without(Block::Alloc).without(Block::GcOld);
        open.pending.retain(|waiting| !is_frame(waiting.shape) && !waiting.upward);
        self.drop_if_over(index);
        Some(confirmed)
    }

    /// The text ends: a function with its arguments that still waits for its file is believed, the rest is lost. Each
    /// with its process.
    pub(crate) fn end(&mut self) -> Vec<(Arc<[u8]>, Waiting)> {
        let is_certain = |open: &Open, waiting: &Waiting| {
            is_frame(waiting.shape)
                && !waiting.upward
                && waiting.text.ends_with(b")")
                && open.kinds.has(Block::Goroutine)
        };
        let mut found = Vec::new();
        for open in self.open.drain(..) {
            let last = open.pending.last().filter(|waiting| is_certain(&open, waiting));
            found.extend(last.map(|waiting| (open.source.clone(), waiting.clone())));
        }
        found
    }

    /// A line that is found anywhere has opened a block.
    pub(crate) fn opened(&mut self, block: Block, source: &Arc<[u8]>) {
        let open = self.of(source);
        open.kinds = Kinds::of(block);
        open.n_foreign = 0;
    }

    fn find(&self, source: &[u8]) -> Option<usize> {
        self.open.iter().position(|open| *open.source == *source)
    }

    fn of(&mut self, source: &Arc<[u8]>) -> &mut Open {
        let index = self.find(source).unwrap_or_else(|| {
            if self.open.len() == MAX_OPEN {
                self.open.remove(0);
            }
            self.open.push(Open {
                source: source.clone(),
                kinds: Kinds::default(),
                last: None,
                is_blank: false,
                n_foreign: 0,
                pending: Vec::new(),
            });
            self.open.len() - 1
        });
        &mut self.open[index]
    }

    fn drop_if_over(&mut self, index: usize) {
        let open = &self.open[index];
        if open.kinds.is_empty() && open.pending.is_empty() || open.n_foreign > open.kinds.patience() {
            self.open.remove(index);
        }
    }

    /// Claims a line, which is not blank, for a block. When its shape is read by a template, `codes` has its values.
    pub(crate) fn read(
        &mut self,
        content: &[u8],
        line: i64,
        source: &Arc<[u8]>,
        offer: Offer,
        hints: &mut Hints,
        codes: &mut Codes,
    ) -> Option<Claim> {
        let index = self.find(source);
        let open = index.map(|index| &self.open[index]);
        let Some((shape, found)) = shape_of(content, open, offer, hints, codes) else {
            if let (Some(index), Offer::Content { .. }) = (index, offer) {
                self.foreign(index);
            }
            return None;
        };
        let open = self.of(source);
        let waits = open.must_wait(shape, offer);
        let unfinished = matches!(offer, Offer::Content { is_unfinished: true, .. });
        let confirmed = open.take(shape, waits, line, content);
        if let Some(last) = open.pending.last_mut().filter(|last| waits && last.line == line) {
            last.unfinished = unfinished;
        }
        let claim = Claim { shape, found, confirmed, waits };
        if shape.def().family == Family::ExitStatus {
            self.open.retain(|open| *open.source != **source);
        }
        Some(claim)
    }

    /// The program has written a line.
    fn foreign(&mut self, index: usize) {
        let open = &mut self.open[index];
        open.n_foreign += 1;
        let is_cut_out = |family| matches!(family, Family::Memstats | Family::ProfileRecord);
        open.pending
            .retain(|waiting| !waiting.upward && !waiting.unfinished && !is_cut_out(waiting.shape.def().family));
        if open.is_blank {
            // The value of a panic ends with a blank line and the first goroutine.
            open.pending.retain(|waiting| waiting.shape.def().family != Family::PanicText);
        }
        if open.n_foreign > MAX_BETWEEN {
            open.pending.retain(|waiting| !is_frame(waiting.shape));
        }
        self.drop_if_over(index);
    }
}

impl Open {
    /// What a line can belong to: a panic that waits to be confirmed may be confirmed by what only a crash has, and the
    /// first of some numbers by the next, a record of a profile by the first line of its stack.
    fn kinds(&self) -> Kinds {
        let waits = |family| self.pending.iter().any(|waiting| waiting.shape.def().family == family);
        let crash = if waits(Family::Panic) { Kinds::of(Block::Crash) } else { Kinds::default() };
        let memstats = if waits(Family::Memstats) { Kinds::of(Block::Memstats) } else { Kinds::default() };
        let records = if waits(Family::ProfileRecord) { Kinds::of(Block::CountProfile) } else { Kinds::default() };
        self.kinds.or(crash).or(memstats).or(records)
    }

    /// Whether a line is believed only once a later one confirms it.
    fn must_wait(&self, shape: Shape, offer: Offer) -> bool {
        match shape.def().family {
            Family::Frame | Family::PanicText => true,
            // What `log` wrote may only say panic.
            Family::Panic => matches!(offer, Offer::Content { is_logged: true, .. }),
            Family::Signal => matches!(offer, Offer::Content { is_unfinished: true, .. }),
            Family::RuntimeNote => !shape.def().within.is_empty() && !self.kinds.has(Block::Crash),
            Family::Race => is_delimiter(shape) && !self.kinds.has(Block::Race),
            Family::Goleak => shape != shapes::GOLEAK_END_1_0,
            Family::Location | Family::CreatedBy => self.is_upward(shape),
            Family::Memstats => begins_numbers(shape) && !self.kinds.has(Block::Memstats),
            Family::ProfileRecord => !self.kinds.has(Block::CountProfile),
            _ => false,
        }
    }

    /// Notes a line of the block; gives the lines that it confirms.
    fn take(&mut self, shape: Shape, waits: bool, line: i64, content: &[u8]) -> Vec<Waiting> {
        let is_behind_blank = self.is_blank;
        self.n_foreign = 0;
        self.is_blank = false;
        let family = shape.def().family;
        if waits && self.is_upward(shape) {
            if self.pending.len() == MAX_UPWARD {
                self.pending.remove(0);
            }
            self.pending.push(Waiting { line, shape, text: content.to_vec(), upward: true, unfinished: false });
            return Vec::new();
        }
        if waits {
            self.pending.retain(|waiting| !waiting.unfinished);
            let n_frames = self.pending.iter().filter(|waiting| is_frame(waiting.shape)).count();
            if is_frame(shape)
                && n_frames == MAX_FRAMES
                && let Some(oldest) = self.pending.iter().position(|waiting| is_frame(waiting.shape))
            {
                self.pending.remove(oldest);
            }
            if self.pending.len() == MAX_PENDING {
                self.pending.remove(0);
            }
            self.pending.push(Waiting { line, shape, text: content.to_vec(), upward: false, unfinished: false });
            return Vec::new();
        }
        if self.pending.is_empty() {
            self.claim(&[], shape);
            return Vec::new();
        }
        // A file belongs to the function before it; another that still waits may have changed places with a file.
        let newest_frame = self.pending.iter().rposition(|waiting| is_frame(waiting.shape));
        let newest_frame = newest_frame.map(|index| self.pending[index].line);
        let is_whole = self.pending.last().is_some_and(|waiting| is_frame(waiting.shape));
        let confirms = |waiting: &Waiting| match waiting.shape.def().family {
            _ if waiting.upward => family == Family::Goroutine && is_whole,
            // A program that logs what it recovered writes this too, but no blank line between that and a stack.
            Family::Panic if waiting.unfinished => match family {
                Family::Goroutine => is_behind_blank,
                _ => is_signal_of_panic(shape),
            },
            Family::Signal => family == Family::SignalPc,
            Family::Frame => family == Family::Location && newest_frame == Some(waiting.line),
            Family::RuntimeNote => family == Family::Panic,
            Family::Race => family == Family::Race,
            Family::Goleak => is_of_goleak(shape),
            Family::Memstats => family == Family::Memstats,
            Family::ProfileRecord => matches!(family, Family::ProfileFrame | Family::ProfileLabels),
            _ => matches!(family, Family::Goroutine | Family::Signal | Family::StackNote | Family::Panic),
        };
        let confirmed: Vec<Waiting> = self.pending.extract_if(.., |waiting| confirms(waiting)).collect();
        if family != Family::Location {
            self.pending.retain(|waiting| !is_frame(waiting.shape));
        }
        self.claim(&confirmed, shape);
        confirmed
    }

    /// Notes that the block has lines of these shapes.
    fn claim(&mut self, confirmed: &[Waiting], shape: Shape) {
        for opens in confirmed.iter().map(|waiting| waiting.shape).chain([shape]) {
            self.open(opens.def().opens);
        }
        // The second delimiter ends the report.
        if is_delimiter(shape) {
            self.kinds = self.kinds.without(Block::Race);
        }
        // The head of the profile was cut off.
        if confirmed.iter().any(|waiting| waiting.shape == shapes::PROFILE_RECORD_1_0) {
            self.kinds = self.kinds.with(Block::CountProfile);
        }
        // Whatever an assertion wrote around a report, its goroutines tell that it is one.
        if is_of_goleak(shape) {
            self.kinds = self.kinds.with(Block::Goleak);
        } else if shape == shapes::GOLEAK_END_1_0 {
            self.kinds = self.kinds.without(Block::Goleak).without(Block::Goroutine);
        }
        self.last = Some(shape);
    }

    fn open(&mut self, block: Option<Block>) {
        match block {
            None => {}
            Some(Block::Goroutine | Block::Signal | Block::Finalizers) => {
                self.kinds = block.into_iter().fold(self.kinds, Kinds::with);
            }
            // What a crash prints follows it.
            Some(Block::Crash) => self.kinds = self.kinds.without(Block::Goroutine).with(Block::Crash),
            Some(other) => self.kinds = Kinds::of(other),
        }
    }

    /// Whether a file waits for its function, which comes behind it.
    fn has_upward_place(&self) -> bool {
        self.pending.last().is_some_and(|waiting| waiting.upward && waiting.shape.def().family == Family::Location)
    }

    /// Whether a line of a stack stands above its goroutine's header: none is open, and files come before functions.
    fn is_upward(&self, shape: Shape) -> bool {
        let is_of_stack = matches!(shape.def().family, Family::Frame | Family::Location | Family::CreatedBy);
        is_of_stack
            && !self.kinds.overlaps(Kinds::all_of(shape.def().within))
            && !self.pending.iter().any(|waiting| !waiting.upward)
    }

    /// Whether a line of this shape can stand here.
    fn fits(&self, shape: Shape, content: &[u8]) -> bool {
        let last = self.last.map(|shape| shape.def().family);
        let frame_waits = self.pending.last().is_some_and(|waiting| is_frame(waiting.shape));
        match shape.def().family {
            // Names of C functions are plain words: one does not push out a function that waits for its file.
            Family::Frame => {
                // Only those of race reports are indented; other blanks are what carries the line.
                let indent = if shape.def().template.starts_with("  ") { 2 } else { 0 };
                content.get(indent..).is_some_and(is_frame_text)
                    && (!frame_waits || content.iter().any(|byte| b"(.".contains(byte)))
            }
            // A file follows its function; where that was lost, the offset in the function tells a frame.
            Family::Location => {
                let is_near = self.n_foreign <= MAX_BETWEEN;
                frame_waits && !self.has_upward_place()
                    || is_near && matches!(last, Some(Family::CreatedBy | Family::Ancestor))
                    || is_near && last == Some(Family::Location) && content[0] == b'\t' && content.contains(&b'/')
                    || memchr::memmem::find(content, b" +0x").is_some()
            }
            Family::PanicText => {
                let goes_on =
                    self.pending.last().is_some_and(|waiting| waiting.shape.def().family == Family::PanicText);
                !self.is_blank && self.n_foreign == 0 && (last == Some(Family::Panic) || goes_on)
            }
            // A bracket alone is a line of any program: the last goroutine ends right before it.
            Family::Goleak if shape == shapes::GOLEAK_END_1_0 => {
                self.n_foreign == 0
                    && self.pending.iter().all(|waiting| waiting.upward)
                    && matches!(last, Some(Family::Location | Family::StackNote))
            }
            // Without the head of the profile, addresses tell what it is.
            Family::ProfileRecord if !self.kinds.has(Block::CountProfile) => {
                memchr::memmem::find(content, b" @ 0x").is_some()
            }
            // Without their heading, two numbers in their order tell what they are.
            Family::Memstats if !self.kinds.has(Block::Memstats) => {
                let waits = self.pending.last().filter(|_| self.n_foreign == 0).map(|waiting| waiting.shape);
                match shape {
                    shapes::MEMSTATS_TOTAL_ALLOC_1_0 => waits == Some(shapes::MEMSTATS_ALLOC_1_0),
                    shapes::MEMSTATS_HEAP_SYS_1_0 => waits == Some(shapes::MEMSTATS_HEAP_ALLOC_1_0),
                    _ => shape.def().opens.is_some(),
                }
            }
            _ => true,
        }
    }
}

/// The shape of a line that can be claimed now.
fn shape_of(
    content: &[u8],
    open: Option<&Open>,
    offer: Offer,
    hints: &mut Hints,
    codes: &mut Codes,
) -> Option<(Shape, Option<Match>)> {
    let index = index();
    let first = *content.first()?;
    let unpadded = &content[template::pad_len(content)..];
    let kinds = open.map_or(Kinds::default(), Open::kinds);
    let is_raw = offer == Offer::Raw;
    let matches = |shape: Shape, codes: &mut Codes| -> Option<(Shape, Option<Match>)> {
        if open.is_some_and(|open| !open.fits(shape, content)) {
            return None;
        }
        if shape.def().reader == Reader::Template {
            return template::whole(shape, content, codes).then_some((shape, None));
        }
        let found = template::longest(shape, content);
        found.is_complete().then_some((shape, Some(found)))
    };
    let is_below_place = open.is_some_and(Open::has_upward_place);
    let may_be_upward = is_below_place || is_place(content);
    let is_upward = |shape: Shape| match shape.def().family {
        Family::Location => is_place(content),
        Family::Frame | Family::CreatedBy => is_below_place,
        _ => false,
    };
    let claimable = |candidate: &Candidate| {
        let is_within = candidate.within.is_empty() || candidate.within.overlaps(kinds);
        (is_within || may_be_upward && is_upward(candidate.shape)) && !(is_raw && candidate.is_doubtful)
    };
    let can_stand = |candidate: &Candidate| claimable(candidate) || !is_raw && candidate.is_early;
    for Group { candidates, within } in index.by_byte[usize::from(first)].iter() {
        if !(within.is_empty() || within.overlaps(kinds) || may_be_upward || !is_raw) {
            continue;
        }
        // At most one shape of a group matches a line, so any order will do.
        let hint = hints.0[usize::from(first)];
        let hinted = hint.and_then(|hint| candidates.iter().find(|candidate| candidate.shape == hint));
        let others = candidates.iter().filter(|candidate| Some(candidate.shape) != hint);
        let found = hinted
            .into_iter()
            .chain(others)
            .filter(|candidate| candidate.begins(content, unpadded) && can_stand(candidate));
        if let Some(found) = found.map(|candidate| candidate.shape).find_map(|shape| matches(shape, codes)) {
            hints.0[usize::from(first)] = Some(found.0);
            return Some(found);
        }
    }
    if is_raw && kinds.is_empty() && !is_below_place {
        return None;
    }
    // What begins with a value takes whatever stands in front of it for that, so it needs its block.
    let is_sure = |candidate: &&Candidate| !is_raw || !candidate.within.is_empty();
    let by_value = index.by_value.iter().filter(|candidate| can_stand(candidate)).filter(is_sure);
    by_value.map(|candidate| candidate.shape).find_map(|shape| matches(shape, codes))
}

/// Whether a text is a line of some block, told by the words that it begins with. Whether it means that here is another
/// question; nothing that carries a line looks like one. A bracket alone shows nothing.
pub(crate) fn is_line(content: &[u8]) -> bool {
    let Some(&first) = content.first() else { return false };
    let unpadded = &content[template::pad_len(content)..];
    let mut codes = Codes::default();
    let mut is_whole = |candidate: &Candidate| {
        candidate.shape != shapes::GOLEAK_END_1_0
            && candidate.begins(content, unpadded)
            && match candidate.shape.def().reader {
                Reader::Template => template::whole(candidate.shape, content, &mut codes),
                _ => template::longest(candidate.shape, content).is_complete(),
            }
    };
    // Indented text is common; goleak separates goroutines by a blank.
    let may_be = first != b' ' || content.starts_with(b" Goroutine ");
    may_be && index().by_byte[usize::from(first)].iter().any(|group| group.candidates.iter().any(&mut is_whole))
}
