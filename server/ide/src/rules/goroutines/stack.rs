//! A stack as rules read it: functions with their places, and what the goroutine waits for.

use std::hash::{Hash, Hasher};

use rustc_hash::FxHasher;
use tracelog::blocks::{Goroutine, Record};
use tracelog::catalog::{frame, location, profile_frame};
use tracelog::{Field, Log, RowId};

use crate::blocks::{is_of_runtime, is_own};
use crate::rules::BlocksView;
use crate::{markup, words};

/// Characters of a function that a message shows.
const MAX_FUNCTION: usize = 80;

/// A function of a stack.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::rules) struct Frame {
    /// As it is printed.
    pub function: String,
    /// Where, as far as it is printed.
    pub file: Option<String>,
    pub line: Option<u64>,
}

/// State and functions of a goroutine.
#[derive(Clone, Debug)]
pub(in crate::rules) struct Stack {
    /// As it is printed; none in a profile.
    pub state: Option<String>,
    /// Innermost first.
    pub frames: Vec<Frame>,
}

/// What a goroutine does, as far as rules ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::rules) enum Wait {
    /// A channel, several of them, a wait group, a condition.
    Blocked,
    /// `select {}`, or a channel that is nil.
    Forever,
    /// A lock.
    Lock,
    /// The network.
    Io,
    /// A system call, or C.
    Syscall,
    /// Running, sleeping, something of the runtime.
    Other,
}

impl Frame {
    /// `main.f (/src/a.go:7)`.
    pub fn in_words(&self) -> String {
        let function = self.short();
        match (&self.file, self.line) {
            (Some(file), Some(line)) => format!("{function} ({}:{line})", markup::plain(file)),
            _ => function,
        }
    }

    /// The function, cut where it is very long.
    pub fn short(&self) -> String {
        words::shorten(&markup::plain(&self.function), MAX_FUNCTION)
    }

    /// The function as every compiler writes it: gccgo prints `sync.Mutex.Lock` for `sync.(*Mutex).Lock`.
    pub fn plain(&self) -> String {
        plain(&self.function)
    }

    /// The type or function whose other methods may be at work elsewhere: `main.(*Store)` of `main.(*Store).Get`.
    pub fn receiver(&self) -> &str {
        let end = self.function.find(").").map(|at| at + 1);
        end.map_or(self.function.as_str(), |end| &self.function[..end])
    }
}

fn plain(function: &str) -> String {
    function.replace("(*", "").replace(").", ".")
}

impl Stack {
    pub fn of_goroutine(log: &Log, entry: &Goroutine) -> Self {
        let read = |(row, place): &(RowId, Option<RowId>)| {
            let function = log.text(*row, frame::FUNCTION)?.into_owned();
            let file = place.and_then(|place| log.text(place, location::SOURCE_FILE)).map(|file| file.into_owned());
            let line = place.and_then(|place| number(log, place, location::LINE_NO));
            Some(Frame { function, file, line })
        };
        Self { state: Some(entry.state(log)), frames: entry.frames.iter().filter_map(read).collect() }
    }

    pub fn of_record(view: &BlocksView, record: &Record) -> Self {
        let log = view.log;
        let read = |row: &RowId| {
            let function = log.text(*row, profile_frame::FUNCTION)?.into_owned();
            let file = log.text(*row, profile_frame::SOURCE_FILE).map(|file| file.into_owned());
            Some(Frame { function, file, line: number(log, *row, profile_frame::LINE_NO) })
        };
        let mut frames: Vec<Frame> = record.frames.iter().filter_map(read).collect();
        if record.frames.is_empty() {
            frames = in_plain_text(view, log.line(record.row));
        }
        Self { state: None, frames }
    }

    /// The frame that tells what the goroutine does, as narration names it; none for a goroutine of the runtime.
    pub fn own(&self) -> Option<&Frame> {
        self.frames.iter().find(|frame| is_own(&frame.function))
    }

    /// Where the goroutine is, for a message.
    pub fn place(&self) -> String {
        match self.own().or(self.frames.first()) {
            Some(frame) => frame.in_words(),
            None => "a place that is not shown".to_owned(),
        }
    }

    /// Whether a frame's function, as every compiler writes it, is so.
    pub fn has(&self, is_it: impl Fn(&str) -> bool) -> bool {
        self.frames.iter().any(|frame| is_it(&frame.plain()))
    }

    /// A number that stacks with the same functions at the same lines share. Frames of the runtime do not count: dumps
    /// and profiles show different ones.
    pub fn key(&self) -> u64 {
        let mut hasher = FxHasher::default();
        for frame in self.frames.iter().filter(|frame| !is_of_runtime(&frame.function)) {
            (&frame.function, frame.line).hash(&mut hasher);
        }
        hasher.finish()
    }

    /// What it waits for: its state where there is one, else what its innermost frames are.
    pub fn wait(&self) -> Wait {
        match self.state.as_deref() {
            Some("chan receive (nil chan)" | "chan send (nil chan)" | "select (no cases)") => Wait::Forever,
            Some("sync.Mutex.Lock" | "sync.RWMutex.Lock" | "sync.RWMutex.RLock") => Wait::Lock,
            Some("semacquire") if self.is_at_lock() => Wait::Lock,
            Some("chan receive" | "chan send" | "select" | "semacquire") => Wait::Blocked,
            Some(state) if state.starts_with("sync.") => Wait::Blocked,
            Some("IO wait") => Wait::Io,
            Some("syscall") => Wait::Syscall,
            Some(_) => Wait::Other,
            None => self.wait_by_frames(),
        }
    }

    fn wait_by_frames(&self) -> Wait {
        let Some(first) = self.frames.iter().find(|frame| !is_of_runtime(&frame.function)) else { return Wait::Other };
        let plain = first.plain();
        match plain.as_str() {
            _ if self.is_at_lock() => Wait::Lock,
            function if function.ends_with("runtime_pollWait") || function.ends_with("runtime__pollWait") => Wait::Io,
            "time.Sleep" => Wait::Other,
            function if function.starts_with("syscall.") || function.contains("/syscall.") => Wait::Syscall,
            // Which of several it is cannot be told; goroutines that run are hardly ever many at one instruction.
            _ => Wait::Blocked,
        }
    }

    /// Whether the innermost frames are those of a lock of package sync.
    fn is_at_lock(&self) -> bool {
        self.lock_depth().is_some()
    }

    /// Index of the frame above the lock.
    pub fn lock_depth(&self) -> Option<usize> {
        let above = self.frames.iter().position(|frame| is_own(&frame.function)).unwrap_or(self.frames.len());
        self.frames[..above].iter().any(|frame| is_of_lock(&frame.function)).then_some(above)
    }
}

/// Whether a function is a method of a lock of package sync.
fn is_of_lock(function: &str) -> bool {
    const LOCKS: [&str; 4] = ["sync.Mutex.", "sync.RWMutex.", "internal/sync.Mutex.", "internal_1sync.Mutex."];
    let plain = plain(function);
    LOCKS.iter().any(|lock| plain.starts_with(lock))
}

/// Address of the lock that a goroutine waits for: the receiver of the lock's innermost method that prints one.
///
/// The `Mutex` of an `RWMutex` is its first field (`sync/rwmutex.go`), so both have the same address. Inlined methods
/// print `(...)`, and a `?` marks a value that may be out of date (Go 1.18 and later).
pub(super) fn lock_address(log: &Log, entry: &Goroutine) -> Option<u64> {
    let function = |row: RowId| log.text(row, frame::FUNCTION);
    let inner = entry.frames.iter().take_while(|(row, _)| function(*row).is_none_or(|name| !is_own(&name)));
    let of_lock = inner.filter(|(row, _)| function(*row).is_some_and(|name| is_of_lock(&name)));
    let mut receivers = of_lock.filter_map(|(row, _)| {
        let args = log.text(*row, frame::ARGS)?;
        let first = args.split([',', '?']).next()?;
        let is_certain = args.as_bytes().get(first.len()) != Some(&b'?');
        u64::from_str_radix(first.strip_prefix("0x")?, 16).ok().filter(|address| is_certain && *address > 0)
    });
    receivers.next()
}

/// The frames below a record whose lines have lost their `#`: who pastes a profile as Markdown loses it, for there it
/// makes a heading.
fn in_plain_text(view: &BlocksView, record: u32) -> Vec<Frame> {
    let below = (record + 1..view.log.n_lines()).take(MAX_FRAMES);
    below.map_while(|line| frame_in(&view.log.peel(line, &view.lines.line(line)).content)).collect()
}

/// Frames of a stack in a profile (`GODEBUG=profstackdepth`).
const MAX_FRAMES: usize = 128;

/// `0x822124 net/http.(*persistConn).writeLoop+0x164 /usr/local/go/src/net/http/transport.go:1759`
fn frame_in(text: &[u8]) -> Option<Frame> {
    let text = std::str::from_utf8(text).ok()?.trim();
    let is_hex = |digits: &str| !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    let (pc, rest) = text.split_once(char::is_whitespace)?;
    pc.strip_prefix("0x").filter(|digits| is_hex(digits))?;
    let (symbol, place) = rest.trim_start().split_once(char::is_whitespace)?;
    let (function, offset) = symbol.rsplit_once("+0x")?;
    let (file, line) = place.trim_start().rsplit_once(':')?;
    let line = line.parse().ok()?;
    is_hex(offset).then(|| Frame { function: function.to_owned(), file: Some(file.to_owned()), line: Some(line) })
}

fn number(log: &Log, row: RowId, field: Field) -> Option<u64> {
    log.value(row, field).map(|value| value as u64)
}
