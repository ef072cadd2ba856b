//! Crashes as the runtime prints them: a head, notes before it, stacks behind it.

use std::collections::HashMap;

use tracelog::blocks::{Block, Dump, Goroutine};
use tracelog::catalog::{frame, goroutine, location, panic, shapes, signal};
use tracelog::{Family, Log, RowId, Run, Shape};

use crate::blocks::{Which, is_of_ending, is_of_program, is_own, named_frames, own_frame, panicking_frame};
use crate::rules::BlocksView;

/// Why a process ended, or why it printed its stacks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cause {
    /// Nothing could run any more.
    Deadlock,
    /// The operating system refused memory.
    OutOfMemory,
    /// The stack of a goroutine passed its limit.
    StackOverflow,
    /// The program has as many threads as it may have.
    ThreadLimit,
    /// Two goroutines used a map at a time.
    ConcurrentMap,
    /// Somebody asked for all stacks.
    Quit,
    /// A panic that nothing recovered.
    Panic,
    /// A panic that net/http recovered: the process goes on.
    Recovered,
    /// The operating system refused a thread.
    NoThread,
    /// Any other fatal error, or a signal that nothing handled.
    Other,
}

/// What a process printed at its end.
#[derive(Clone, Debug)]
pub(crate) struct Crash<'a> {
    /// Why.
    pub(crate) cause: Cause,
    /// Index of its run.
    pub(crate) run: usize,
    /// The line `panic:`, `fatal error:` or `SIGQUIT:`, or a note of the runtime where that line was lost.
    pub(crate) head: RowId,
    /// Lines `panic:` and `fatal error:`, in printed order; the last one ended the process.
    pub(crate) panics: Vec<RowId>,
    /// Notes of the runtime before the head that tell the cause with numbers.
    notes: Vec<RowId>,
    /// Lines at which further threads print the same signal (GOTRACEBACK=crash) or the same fatal error.
    pub(crate) relays: Vec<u32>,
    /// The signal behind a panic, or the place of one that ended the process.
    has_signal_lines: bool,
    /// The status that `go run` tells.
    has_exit_status: bool,
    /// The goroutines.
    pub(crate) dump: Option<&'a Dump>,
}

/// What the panic says with which `go test` ends a test that took too long, in front of the time.
pub(crate) const TEST_TIMEOUT: &str = "test timed out after ";

/// A goroutine, with what of its stack tells where it happened.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Culprit {
    /// Its number.
    pub(crate) id: Option<u64>,
    /// The function of the program.
    pub(crate) function: Option<String>,
    /// The file of that place, as it was printed, and the line in it.
    pub(crate) place: Option<(String, u64)>,
    /// The line of the log to look at: the function, or the header of a goroutine without a stack.
    pub(crate) line: u32,
    /// Where the function is not the program's: the one of the program that called it.
    pub(crate) caller: Option<Caller>,
    /// The line that tells who created it, and whom it names.
    pub(crate) created_by: Option<(u32, String)>,
}

/// A function of the program on the stack of a [`Culprit`].
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Caller {
    function: String,
    /// Its file, as it was printed, and the line in it.
    place: Option<(String, u64)>,
    /// Its line in the log.
    pub(crate) line: u32,
}

impl Culprit {
    /// `goroutine 21 in main.write (cache.go:31)`, fit to be shown plain.
    pub(crate) fn in_words(&self) -> String {
        let id = self.id.map_or_else(|| "a goroutine".to_owned(), |id| format!("goroutine {id}"));
        let function = self.function.as_ref().map_or_else(String::new, |function| format!(" in {}", shown(function)));
        id + &function + &place_in_words(self.place.as_ref())
    }

    /// `called by main.write (cache.go:31)`, where the function is not the program's.
    pub(crate) fn caller_in_words(&self) -> Option<String> {
        let Caller { function, place, .. } = self.caller.as_ref()?;
        Some(format!("called by {}{}", shown(function), place_in_words(place.as_ref())))
    }
}

/// ` (cache.go:31)`; nothing where it is not known.
fn place_in_words(place: Option<&(String, u64)>) -> String {
    place.map_or_else(String::new, |(file, line)| {
        let name = file.rsplit(['/', '\\']).next().unwrap_or(file);
        format!(" ({}:{line})", shown(name))
    })
}

/// Characters of a text of the log in a message.
const MAX_TEXT: usize = 120;

/// Text of the log, fit for a message.
pub(crate) fn shown(text: &str) -> String {
    crate::words::shorten(&crate::markup::plain(text.trim()), MAX_TEXT)
}

impl Crash<'_> {
    /// The line that a finding about it stands at: the note that tells the cause, a fatal error behind a panic, or the head.
    pub(crate) fn line(&self, log: &Log) -> u32 {
        let later_fatal = self.panics.last().filter(|row| log.shape(**row) == shapes::PANIC_LATER_FATAL_1_26);
        log.line(*self.notes.first().or(later_fatal).unwrap_or(&self.head))
    }

    /// The text of the line that ended the process: the value of the last panic, what a fatal error says.
    pub(crate) fn text(&self, log: &Log) -> String {
        text(log, self.panics.last().copied().unwrap_or(self.head))
    }

    /// The note with this shape.
    pub(crate) fn note(&self, log: &Log, shape: Shape) -> Option<RowId> {
        self.notes.iter().copied().find(|row| log.shape(*row) == shape)
    }

    /// Whether a panic was raised again by the function that had recovered it.
    pub(crate) fn is_raised_again(&self, log: &Log) -> bool {
        const AGAIN: [Shape; 2] = [shapes::PANIC_REPANICKED_1_25, shapes::PANIC_LATER_REPANICKED_1_25];
        match self.panics[..] {
            [only] => AGAIN.contains(&log.shape(only)),
            [first, .., last] => text(log, first) == text(log, last),
            [] => false,
        }
    }

    /// The goroutine in which it happened; none where the stacks do not tell, as in a deadlock.
    pub(crate) fn culprit(&self, log: &Log) -> Option<Culprit> {
        let entry = match self.cause {
            Cause::Deadlock | Cause::Quit => return None,
            // What the runtime did when memory was refused says nothing of the program.
            Cause::OutOfMemory => {
                let entry = self.dump?.goroutines.iter().find(|entry| entry.id(log) != Some(0))?;
                let culprit = culprit(log, entry, None);
                return Some(culprit).filter(|culprit| culprit.function.as_deref().is_some_and(is_own));
            }
            // The one that raised the alarm comes first.
            Cause::Panic if self.is_test_timeout(log) => self.test_goroutine(log)?,
            // The stack of the thread that took a signal comes first, as goroutine 0.
            _ => self.dump?.goroutines.iter().find(|entry| entry.id(log) != Some(0))?,
        };
        // A server recovers and asks for the stack then: the frames above are its own.
        let which = if self.cause == Cause::Recovered { Some(Which::Last) } else { None };
        Some(culprit(log, entry, which))
    }

    /// Whether `go test` ended a test that took too long (testing.go, startAlarm).
    pub(crate) fn is_test_timeout(&self, log: &Log) -> bool {
        self.text(log).starts_with(TEST_TIMEOUT)
    }

    /// The goroutine of the test that has waited longest: one with a function of the test, started by the testing package.
    fn test_goroutine(&self, log: &Log) -> Option<&Goroutine> {
        let is_of_test = |entry: &&Goroutine| {
            let named = named_frames(log, entry);
            named.iter().any(|(name, _)| name == "testing.tRunner")
                && own_frame(&named).is_some_and(|at| !named[at].0.starts_with("testing."))
        };
        let minutes = |entry: &&Goroutine| log.code(entry.row, goroutine::MINUTES).unwrap_or_default();
        // Of several it is the first.
        self.dump?.goroutines.iter().filter(is_of_test).rev().max_by_key(minutes)
    }

    /// The goroutine that is printed first. In a deadlock that is mostly the main goroutine.
    pub(crate) fn first(&self, log: &Log) -> Option<Culprit> {
        Some(culprit(log, self.dump?.goroutines.first()?, None))
    }

    /// Whether this is a head alone that another thread printed just before `next`, for the same reason: two goroutines
    /// that write one map both notice, and only one prints the stacks.
    fn is_of_thread_beside(&self, next: &Self, log: &Log) -> bool {
        /// Lines between the two heads.
        const BESIDE: u32 = 2;
        let is_alone = self.notes.is_empty() && self.dump.is_none_or(|dump| dump.goroutines.is_empty());
        is_alone
            && is_fatal(log, self)
            && log.shape(self.head) == log.shape(next.head)
            && log.line(self.head) + BESIDE >= log.line(next.head)
            && self.text(log) == next.text(log)
    }

    /// The first line behind all that is known to belong to it.
    fn end(&self, log: &Log) -> u32 {
        let own = self.panics.iter().chain(&self.notes).chain([&self.head]).map(|row| log.line(*row));
        let dump = self.dump.map(|dump| dump.lines.1);
        own.chain(dump).max().map_or(0, |line| line + 1)
    }
}

fn culprit(log: &Log, entry: &Goroutine, which: Option<Which>) -> Culprit {
    let named = named_frames(log, entry);
    let at = which.and_then(|which| panicking_frame(&named, which)).or_else(|| own_frame(&named));
    let at = at.filter(|at| !is_of_ending(&named[*at].0));
    let function = at.map(|at| named[at].0.clone());
    let line_of = |function: &str| {
        let is_it = |row: &RowId| log.text(*row, frame::FUNCTION).is_some_and(|name| name == function);
        entry.frames.iter().map(|(row, _)| *row).find(is_it).map(|row| log.line(row))
    };
    let place_of = |at: usize| {
        let row = named[at].1?;
        let line = tracelog::cells::value(location::LINE_NO.def().kind, log.code(row, location::LINE_NO)?);
        Some((log.text(row, location::SOURCE_FILE)?.into_owned(), line as u64))
    };
    let caller = at.filter(|at| !is_of_program(&named[*at].0)).and_then(|at| {
        let caller = (at + 1..named.len()).find(|outer| is_of_program(&named[*outer].0))?;
        Some(Caller { function: named[caller].0.clone(), place: place_of(caller), line: line_of(&named[caller].0)? })
    });
    let created_by = entry.created_by.and_then(|row| Some((log.line(row), entry.created_by(log)?)));
    Culprit {
        id: log.code(entry.row, goroutine::GOROUTINE),
        line: function.as_deref().and_then(line_of).unwrap_or(entry.lines.0),
        function,
        place: at.and_then(place_of),
        caller,
        created_by,
    }
}

fn text(log: &Log, row: RowId) -> String {
    let field = match row.family {
        Family::Panic => panic::TEXT,
        Family::HttpPanic => tracelog::catalog::http_panic::TEXT,
        Family::Signal => signal::TEXT,
        _ => return String::new(),
    };
    log.text(row, field).map(|text| text.into_owned()).unwrap_or_default()
}

/// Families that a crash is read from.
const FAMILIES: [Family; 8] = [
    Family::Panic,
    Family::Signal,
    Family::SignalPc,
    Family::HttpPanic,
    Family::RuntimeNote,
    Family::StackNote,
    Family::ExitStatus,
    Family::Goroutine,
];

/// Families one of which every crash has.
const HEADS: [Family; 4] = [Family::Panic, Family::Signal, Family::HttpPanic, Family::RuntimeNote];

/// Notes that tell a cause. Others are details of it.
const CAUSES: [Shape; 5] = [
    shapes::RUNTIME_NOTE_NEWOSPROC_1_0,
    shapes::RUNTIME_NOTE_PTHREAD_1_0,
    shapes::RUNTIME_NOTE_STACK_1_2,
    shapes::RUNTIME_NOTE_THREADS_1_2,
    shapes::RUNTIME_NOTE_MEMORY_1_0,
];

/// Lines between a note and the head that it belongs to.
const MAX_BEFORE: u32 = 8;

/// All crashes of a log, run by run, each in the order of its lines.
pub(crate) fn crashes<'a>(view: &BlocksView<'a>) -> Vec<Crash<'a>> {
    if HEADS.iter().all(|family| view.log.n_rows(*family) == 0) {
        return Vec::new();
    }
    let dumps: HashMap<RowId, &Dump> = view
        .blocks
        .list
        .iter()
        .filter_map(|block| if let Block::Dump(dump) = block { Some((dump.head?, dump)) } else { None })
        .collect();
    let of_run = |(index, run)| of_run(view.log, index, run, &dumps);
    let all = view.runs.list.iter().enumerate().flat_map(of_run);
    all.filter(|crash| is_believed(view, crash)).collect()
}

/// Reads the rows of a run.
struct Reader<'a, 'd> {
    log: &'a Log,
    run: usize,
    dumps: &'d HashMap<RowId, &'a Dump>,
    crashes: Vec<Crash<'a>>,
    notes: Vec<RowId>,
    /// The stacks of another thread follow.
    is_next_thread: bool,
    /// Goroutines have been printed behind the last head.
    is_behind_stacks: bool,
}

fn of_run<'a>(log: &'a Log, index: usize, run: &Run, dumps: &HashMap<RowId, &'a Dump>) -> Vec<Crash<'a>> {
    if HEADS.iter().all(|family| run.rows(*family).is_empty()) {
        return Vec::new();
    }
    let mut rows: Vec<(u32, RowId)> =
        FAMILIES.iter().flat_map(|family| run.rows(*family)).map(|row| (log.line(*row), *row)).collect();
    rows.sort_unstable();
    let mut reader = Reader {
        log,
        run: index,
        dumps,
        crashes: Vec::new(),
        notes: Vec::new(),
        is_next_thread: false,
        is_behind_stacks: false,
    };
    for (line, row) in rows {
        reader.row(line, row);
    }
    reader.orphans();
    let mut crashes = reader.crashes;
    crashes.sort_by_key(|crash| crash.line(log));
    for crash in &mut crashes {
        crash.cause = cause(log, crash);
    }
    crashes
}

impl Reader<'_, '_> {
    fn row(&mut self, line: u32, row: RowId) {
        let shape = self.log.shape(row);
        match row.family {
            Family::RuntimeNote if CAUSES.contains(&shape) => self.notes.push(row),
            Family::StackNote => self.is_next_thread |= shape == shapes::STACK_NOTE_NEXT_THREAD_1_5,
            Family::Goroutine => self.is_behind_stacks = true,
            Family::Panic if shape.def().template.starts_with('\t') => {
                if let Some(crash) = self.crashes.last_mut().filter(|_| !self.is_behind_stacks) {
                    crash.panics.push(row);
                }
            }
            Family::Panic => self.head(line, row, vec![row]),
            Family::HttpPanic => self.head(line, row, Vec::new()),
            Family::Signal if [shapes::SIGNAL_NAME_1_0, shapes::SIGNAL_NUMBER_1_0].contains(&shape) => {
                match self.crashes.last_mut().filter(|_| self.is_next_thread) {
                    Some(crash) => crash.relays.push(line),
                    None => self.head(line, row, Vec::new()),
                }
            }
            Family::Signal | Family::SignalPc => match self.crashes.last_mut() {
                Some(crash) if !self.is_behind_stacks => crash.has_signal_lines = true,
                // The line of the panic was cut off.
                _ if row.family == Family::Signal => {
                    self.head(line, row, Vec::new());
                    if let Some(crash) = self.crashes.last_mut() {
                        crash.has_signal_lines = true;
                    }
                }
                _ => {}
            },
            Family::ExitStatus => {
                if let Some(crash) = self.crashes.last_mut() {
                    crash.has_exit_status = true;
                }
                self.is_next_thread = false;
            }
            _ => {}
        }
    }

    fn head(&mut self, line: u32, head: RowId, panics: Vec<RowId>) {
        let (log, run) = (self.log, self.run);
        let is_near = |row: &RowId| log.line(*row) + MAX_BEFORE >= line;
        let first = self.notes.iter().position(is_near).unwrap_or(self.notes.len());
        let notes = self.notes.split_off(first);
        self.orphans();
        let dump = self.dumps.get(&head).copied();
        let mut crash = Crash { notes, panics, dump, ..Crash::of(run, head) };
        if let Some(other) = self.crashes.pop_if(|before| before.is_of_thread_beside(&crash, log)) {
            crash.relays.extend(other.relays.iter().copied().chain([log.line(other.head)]));
        }
        self.crashes.push(crash);
        self.is_next_thread = false;
        self.is_behind_stacks = false;
    }

    /// Notes whose heads were lost.
    fn orphans(&mut self) {
        let notes = std::mem::take(&mut self.notes);
        for of_one in notes.chunk_by(|a, b| self.log.line(*a) + MAX_BEFORE >= self.log.line(*b)) {
            self.crashes.push(Crash { notes: of_one.to_vec(), ..Crash::of(self.run, of_one[0]) });
        }
    }
}

impl Crash<'_> {
    fn of(run: usize, head: RowId) -> Self {
        Self {
            cause: Cause::Other,
            run,
            head,
            panics: Vec::new(),
            notes: Vec::new(),
            relays: Vec::new(),
            has_signal_lines: false,
            has_exit_status: false,
            dump: None,
        }
    }
}

/// What a crash says of itself (formats reference, goroutines 5 and 6).
fn cause(log: &Log, crash: &Crash<'_>) -> Cause {
    for (shape, cause) in [
        (shapes::RUNTIME_NOTE_NEWOSPROC_1_0, Cause::NoThread),
        (shapes::RUNTIME_NOTE_PTHREAD_1_0, Cause::NoThread),
        (shapes::RUNTIME_NOTE_THREADS_1_2, Cause::ThreadLimit),
        (shapes::RUNTIME_NOTE_STACK_1_2, Cause::StackOverflow),
        (shapes::RUNTIME_NOTE_MEMORY_1_0, Cause::OutOfMemory),
    ] {
        if crash.note(log, shape).is_some() {
            return cause;
        }
    }
    match crash.head.family {
        Family::HttpPanic => Cause::Recovered,
        Family::Signal if log.text(crash.head, signal::SIGNAL).is_some_and(|name| name == "QUIT") => Cause::Quit,
        Family::Panic if !is_fatal(log, crash) => Cause::Panic,
        Family::Panic => match &*crash.text(log) {
            text if text.ends_with("- deadlock!") => Cause::Deadlock,
            text if text.contains("out of memory") || text.contains("cannot allocate memory") => Cause::OutOfMemory,
            text if text.starts_with("concurrent map ") => Cause::ConcurrentMap,
            "stack overflow" => Cause::StackOverflow,
            "thread exhaustion" => Cause::ThreadLimit,
            "newosproc" | "runtime.newosproc" => Cause::NoThread,
            _ => Cause::Other,
        },
        _ => Cause::Other,
    }
}

fn is_fatal(log: &Log, crash: &Crash<'_>) -> bool {
    const FATAL: [Shape; 3] = [shapes::PANIC_FATAL_1_1, shapes::PANIC_LATER_FATAL_1_26, shapes::PANIC_THROW_1_0];
    crash.panics.last().is_some_and(|row| FATAL.contains(&log.shape(*row)))
}

/// Whether it is a crash and no text that begins like one.
///
/// Stacks, what the processor reported, and the status of the process follow crashes only, and notes that tell a cause are
/// the runtime's. A head alone is believed where it is the last that its process wrote: with GOTRACEBACK=none, and in a log
/// that was cut.
fn is_believed(view: &BlocksView<'_>, crash: &Crash<'_>) -> bool {
    let has_more = crash.dump.is_some_and(|dump| !dump.goroutines.is_empty())
        || !crash.notes.is_empty()
        || crash.has_signal_lines
        || crash.has_exit_status
        || crash.head.family == Family::HttpPanic;
    has_more || is_known(view.log, crash) || is_last_word(view, crash)
}

/// Whether the text is one of those that only the runtime uses.
fn is_known(log: &Log, crash: &Crash<'_>) -> bool {
    let text = crash.text(log);
    is_fatal(log, crash) && panic::TEXT.def().names.iter().any(|name| name.printed == text && text.contains(' '))
}

/// Lines behind a head that are looked at for what its process wrote next.
const MAX_BEHIND: u32 = 40;

/// Whether the process wrote nothing behind a head.
fn is_last_word(view: &BlocksView<'_>, crash: &Crash<'_>) -> bool {
    let (log, lines) = (view.log, view.lines);
    let source = log.source(crash.head);
    let from = crash.end(log);
    for line in from..(from + MAX_BEHIND).min(log.n_lines()) {
        let text = lines.line(line);
        let peeled = log.peel(line, &text);
        if peeled.content.iter().all(u8::is_ascii_whitespace) || text[peeled.source.clone()] != *source {
            continue;
        }
        let items = log.items(line, lines).items;
        let of_others = items.iter().find(|item| !matches!(item.family(), Family::Kill | Family::ExitStatus));
        return match of_others {
            // Stacks without a goroutine: that of the thread alone.
            Some(item) if item.family() == Family::StackNote => true,
            Some(item) => item.row.is_none_or(|row| view.runs.of_row(row) != Some(crash.run)),
            None => !items.is_empty(),
        };
    }
    true
}
