//! Goroutine dumps: what one event printed.
//!
//! A dump begins at the line that says why (a panic, a fatal error, a signal, an event of allocfreetrace), or at a
//! goroutine without one. It ends where the next begins, where a goroutine comes again, behind the `-----` that separates
//! the dumps of threads, or, when nothing says why it was printed, at a line of the program between two goroutines.
//! A stack without a goroutine's header (`runtime stack:`, the first one of a signal dump of 1.2) is no goroutine.

use std::hash::{Hash, Hasher};

use rustc_hash::{FxHashMap, FxHashSet, FxHasher};

use crate::catalog::{Family, Field, created_by, frame, goroutine, location, shapes};
use crate::log::{Log, RowId};

pub(super) const FAMILIES: [Family; 16] = [
    Family::Goleak,
    Family::HttpPanic,
    Family::Panic,
    Family::PanicText,
    Family::Signal,
    Family::SignalPc,
    Family::Register,
    Family::Tracealloc,
    Family::Tracefree,
    Family::Tracegc,
    Family::Goroutine,
    Family::Frame,
    Family::Location,
    Family::CreatedBy,
    Family::Ancestor,
    Family::StackNote,
];

/// Goroutines that one event printed.
#[derive(Clone, Debug, PartialEq)]
pub struct Dump {
    /// Index of its run.
    pub run: usize,
    /// First and last line.
    pub lines: (u32, u32),
    /// Why it was printed.
    pub cause: Cause,
    /// The line that says so.
    pub head: Option<RowId>,
    /// Goroutines, in printed order.
    pub goroutines: Vec<Goroutine>,
    /// Goroutines that are alike: same state, same functions at the same lines. The largest first.
    pub groups: Vec<Group>,
}

/// Why a dump was printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// A panic that nothing recovered.
    Panic,
    /// A fatal error: a throw, a deadlock.
    FatalError,
    /// A signal.
    Signal,
    /// An event of allocfreetrace.
    Allocation,
    /// A test left goroutines behind, and goleak says which.
    Goleak,
    /// Somebody asked for stacks: `debug.Stack`, a profile with `debug=2`, `http: panic serving`.
    Stack,
}

impl Cause {
    /// Permanent name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Panic => "panic",
            Self::FatalError => "fatal error",
            Self::Signal => "signal",
            Self::Allocation => "allocation",
            Self::Goleak => "goleak",
            Self::Stack => "stack",
        }
    }
}

/// A goroutine of a dump.
#[derive(Clone, Debug, PartialEq)]
pub struct Goroutine {
    /// Its header.
    pub row: RowId,
    /// First and last line.
    pub lines: (u32, u32),
    /// Its functions, innermost first, each with its place.
    pub frames: Vec<(RowId, Option<RowId>)>,
    /// The line that tells where it was created.
    pub created_by: Option<RowId>,
    /// The file and line of that.
    pub created_at: Option<RowId>,
    /// Index of its group.
    pub group: usize,
}

/// Goroutines of a dump that are alike.
#[derive(Clone, Debug, PartialEq)]
pub struct Group {
    /// Indexes of its goroutines, in printed order.
    pub goroutines: Vec<usize>,
    /// The longest that one of them has been blocked, whole minutes.
    pub longest_minutes: Option<u64>,
}

impl Goroutine {
    /// Its number.
    pub fn id(&self, log: &Log) -> Option<u64> {
        log.code(self.row, goroutine::GOROUTINE)
    }

    /// Its state or wait reason, without what is appended to it.
    pub fn state(&self, log: &Log) -> String {
        log.text(self.row, goroutine::STATE).map(|state| state.into_owned()).unwrap_or_default()
    }

    /// Whole minutes that it has been blocked, where the runtime prints them.
    pub fn minutes(&self, log: &Log) -> Option<u64> {
        log.code(self.row, goroutine::MINUTES)
    }

    /// The number of the goroutine that created it, where the release prints it.
    pub fn creator(&self, log: &Log) -> Option<u64> {
        log.code(self.created_by?, created_by::CREATOR)
    }

    /// The function that created it.
    pub fn created_by(&self, log: &Log) -> Option<String> {
        log.text(self.created_by?, created_by::CREATOR_FUNCTION).map(|function| function.into_owned())
    }

    /// Names of its functions, innermost first.
    pub fn functions(&self, log: &Log) -> Vec<String> {
        let name = |row: RowId| log.text(row, frame::FUNCTION).map(|function| function.into_owned());
        self.frames.iter().filter_map(|(row, _)| name(*row)).collect()
    }

    /// A number that goroutines of one group share.
    fn signature(&self, log: &Log) -> u64 {
        let mut hasher = FxHasher::default();
        let mut text = |row: RowId, field: Field| log.text_bytes(row, field).hash(&mut hasher);
        text(self.row, goroutine::STATE);
        for (function, place) in &self.frames {
            text(*function, frame::FUNCTION);
            if let Some(place) = place {
                text(*place, location::SOURCE_FILE);
            }
        }
        for place in self.frames.iter().filter_map(|(_, place)| *place) {
            log.code(place, location::LINE_NO).hash(&mut hasher);
        }
        hasher.finish()
    }
}

/// What is being read.
struct Reader<'a> {
    log: &'a Log,
    run: usize,
    dumps: Vec<Dump>,
    /// Numbers of the goroutines of the last dump.
    seen: FxHashSet<u64>,
    /// The line that says why the next goroutine is printed.
    begun: Option<(u32, RowId, Cause)>,
    /// The last dump may go on.
    is_open: bool,
    /// Lines belong to the last goroutine.
    is_stack: bool,
    /// They are of those that created it.
    is_ancestor: bool,
    /// The last line that belongs to the dump.
    last_line: u32,
}

/// The dumps among the rows of a run.
pub(super) fn dumps(log: &Log, run: usize, rows: &[(u32, RowId)]) -> Vec<Dump> {
    let mut reader = Reader {
        log,
        run,
        dumps: Vec::new(),
        seen: FxHashSet::default(),
        begun: None,
        is_open: false,
        is_stack: false,
        is_ancestor: false,
        last_line: 0,
    };
    for (line, row) in rows {
        reader.row(*line, *row);
    }
    let mut dumps = reader.dumps;
    for dump in &mut dumps {
        group(log, dump);
    }
    dumps
}

impl Reader<'_> {
    fn row(&mut self, line: u32, row: RowId) {
        match row.family {
            Family::Panic => {
                let is_later = self.log.shape(row).def().template.starts_with('\t');
                let is_panic = self.log.shape(row).def().template.starts_with("panic");
                if !is_later {
                    self.begin(line, row, if is_panic { Cause::Panic } else { Cause::FatalError });
                }
            }
            Family::Signal => {
                let shape = self.log.shape(row);
                let is_own_line = shape == shapes::SIGNAL_NAME_1_0 || shape == shapes::SIGNAL_NUMBER_1_0;
                // Behind a panic it is a detail of that; the panic's line may have been cut off.
                if is_own_line || self.begun.is_none() {
                    self.begin(line, row, Cause::Signal);
                }
            }
            // A panic that net/http recovered: the program goes on.
            Family::HttpPanic => self.begin(line, row, Cause::Stack),
            Family::Tracealloc | Family::Tracefree => self.begin(line, row, Cause::Allocation),
            Family::Tracegc => {
                if self.log.shape(row).def().template.starts_with("tracegc") {
                    self.begin(line, row, Cause::Allocation);
                }
            }
            Family::Goleak if self.log.shape(row) == shapes::GOLEAK_END_1_0 => {
                self.extend_dump(line);
                self.is_open = false;
            }
            Family::Goleak => self.begin(line, row, Cause::Goleak),
            Family::Goroutine => self.goroutine(line, row),
            Family::StackNote if self.log.shape(row) == shapes::STACK_NOTE_NEXT_THREAD_1_5 => {
                self.is_stack = false;
                self.is_open = false;
            }
            Family::StackNote if self.log.shape(row) == shapes::STACK_NOTE_RUNTIME_STACK_1_2 => self.is_stack = false,
            Family::Ancestor => {
                self.is_ancestor = true;
                self.extend(line);
            }
            Family::PanicText | Family::SignalPc => {}
            Family::Register => self.extend_dump(line),
            _ => self.stack_line(line, row),
        }
    }

    fn begin(&mut self, line: u32, row: RowId, cause: Cause) {
        self.begun = Some((line, row, cause));
        self.is_stack = false;
    }

    fn goroutine(&mut self, line: u32, row: RowId) {
        let id = self.log.code(row, goroutine::GOROUTINE);
        let shape = self.log.shape(row);
        // A report that an assertion wrote around it begins without its head.
        if shape == shapes::GOROUTINE_GOLEAK_FIRST_1_0 && self.begun.is_none() {
            self.is_open = false;
        }
        let is_of_goleak = shape != shapes::GOROUTINE_1_0;
        if !is_of_goleak && self.repeats(line, id) {
            return self.extend(line);
        }
        let is_other = self.dumps.last().is_some_and(|dump| (dump.cause == Cause::Goleak) != is_of_goleak);
        let is_again = id.is_some_and(|id| self.seen.contains(&id));
        let is_closed = self.dumps.last().is_some_and(|dump| dump.cause == Cause::Stack) && self.is_cut_before(line);
        if !self.is_open || self.begun.is_some() || is_again || is_closed || is_other {
            let unnamed = if is_of_goleak { Cause::Goleak } else { Cause::Stack };
            let begun = self.begun.take().filter(|(_, _, cause)| (*cause == Cause::Goleak) == is_of_goleak);
            let (first, cause) = begun.map_or((line, unnamed), |(line, _, cause)| (line, cause));
            self.dumps.push(Dump {
                run: self.run,
                lines: (first, line),
                cause,
                head: begun.map(|(_, row, _)| row),
                goroutines: Vec::new(),
                groups: Vec::new(),
            });
            self.seen.clear();
        }
        self.seen.extend(id);
        if let Some(dump) = self.dumps.last_mut() {
            let frames = Vec::new();
            let (created_by, created_at) = (None, None);
            dump.goroutines.push(Goroutine { row, lines: (line, line), frames, created_by, created_at, group: 0 });
            dump.lines.1 = line;
        }
        (self.is_open, self.is_stack, self.is_ancestor, self.last_line) = (true, true, false, line);
    }

    /// Whether the runtime's header of a goroutine stands right below what goleak says of it, as up to goleak 1.2.1.
    fn repeats(&self, line: u32, id: Option<u64>) -> bool {
        let dump = self.dumps.last().filter(|dump| dump.cause == Cause::Goleak && self.is_open);
        let above = dump.and_then(|dump| dump.goroutines.last());
        above.is_some_and(|above| above.frames.is_empty() && above.id(self.log) == id) && self.last_line + 1 == line
    }

    /// Whether the program has written between the last goroutine and this line.
    fn is_cut_before(&self, line: u32) -> bool {
        let mut is_behind_blank = false;
        (self.last_line + 1..line).any(|between| {
            let is_blank = self.log.is_blank(between);
            is_behind_blank |= is_blank;
            is_behind_blank && !is_blank && !self.log.has_rows_on(between)
        })
    }

    fn stack_line(&mut self, line: u32, row: RowId) {
        if !self.is_stack || self.is_blank_since(line) {
            self.is_stack = false;
            return;
        }
        self.extend(line);
        let Some(goroutine) = self.dumps.last_mut().and_then(|dump| dump.goroutines.last_mut()) else { return };
        match row.family {
            _ if self.is_ancestor => {}
            Family::Frame => goroutine.frames.push((row, None)),
            Family::CreatedBy => goroutine.created_by = Some(row),
            Family::Location if goroutine.created_by.is_some() => {
                goroutine.created_at = goroutine.created_at.or(Some(row));
            }
            Family::Location => {
                if let Some((_, place @ None)) = goroutine.frames.last_mut() {
                    *place = Some(row);
                }
            }
            _ => {}
        }
    }

    fn is_blank_since(&self, line: u32) -> bool {
        (self.last_line + 1..line).any(|between| self.log.is_blank(between))
    }

    fn extend(&mut self, line: u32) {
        self.last_line = line;
        if let Some(dump) = self.dumps.last_mut() {
            dump.lines.1 = line;
            if let Some(goroutine) = dump.goroutines.last_mut() {
                goroutine.lines.1 = line;
            }
        }
    }

    fn extend_dump(&mut self, line: u32) {
        self.is_stack = false;
        if let Some(dump) = self.dumps.last_mut() {
            dump.lines.1 = line;
        }
    }
}

fn group(log: &Log, dump: &mut Dump) {
    let mut by_signature: FxHashMap<u64, usize> = FxHashMap::default();
    let mut groups: Vec<Group> = Vec::new();
    for (index, goroutine) in dump.goroutines.iter().enumerate() {
        let at = *by_signature.entry(goroutine.signature(log)).or_insert_with(|| {
            groups.push(Group { goroutines: Vec::new(), longest_minutes: None });
            groups.len() - 1
        });
        groups[at].goroutines.push(index);
        groups[at].longest_minutes = groups[at].longest_minutes.max(goroutine.minutes(log));
    }
    groups.sort_by_key(|group| std::cmp::Reverse(group.goroutines.len()));
    for (number, group) in groups.iter().enumerate() {
        for goroutine in &group.goroutines {
            dump.goroutines[*goroutine].group = number;
        }
    }
    dump.groups = groups;
}
