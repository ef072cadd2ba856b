//! The end of a process: what ended it, what that means, where it happened, and what Go does next.

use tracelog::blocks::{Block, Cause, Dump};
use tracelog::catalog::{http_panic, panic, shapes, signal};
use tracelog::{Family, RowId};

use super::goroutine::written_at;
use super::{Sentence, Told};
use crate::blocks::{self, Which, named_frames, own_frame, panicking_frame};
use crate::words;

/// Title and sentences for a line that tells why a process ends.
pub(super) fn tell(told: &Told) -> Option<(String, Vec<Sentence>)> {
    let log = &told.parsed.log;
    let end = End::of(told)?;
    let mut sentences = Vec::new();
    let (title, ended) = end.cause(told)?;
    sentences.push(ended);
    sentences.extend(end.chain(told));
    sentences.extend(end.meaning(told));
    if let Some(dump) = end.dump {
        sentences.extend(place(told, dump, &end.text(told, end.last())));
        sentences.extend(others(log, dump));
    }
    sentences.extend(end.next(told));
    Some((title.to_owned(), sentences))
}

/// What a process printed when it ended.
struct End<'a> {
    head: RowId,
    dump: Option<&'a Dump>,
    /// The lines `panic:` and `fatal error:`, in printed order.
    panics: Vec<RowId>,
}

impl<'a> End<'a> {
    fn of(told: &Told<'a>) -> Option<Self> {
        let log = &told.parsed.log;
        let line = log.line(told.row);
        let head = told.heads().rfind(|row| log.line(*row) <= line)?;
        let first = log.line(head);
        // Its dump is the one that begins at the head; a crash log may have been cut before it.
        let dump = told.parsed.blocks().list.iter().find_map(|block| match block {
            Block::Dump(dump) if dump.run == told.run && dump.head == Some(head) => Some(dump),
            _ => None,
        });
        let end = dump.map_or(u32::MAX, |dump| dump.goroutines.first().map_or(dump.lines.1, |entry| entry.lines.0));
        let next_head = told.heads().find(|row| log.line(*row) > first).map_or(u32::MAX, |row| log.line(row));
        let rows = told.rows(Family::Panic).iter().copied();
        let panics = rows.filter(|row| (first..end.min(next_head)).contains(&log.line(*row))).collect();
        Some(Self { head, dump, panics })
    }

    fn text(&self, told: &Told, row: RowId) -> String {
        let field = match row.family {
            Family::Panic => panic::TEXT,
            Family::HttpPanic => http_panic::TEXT,
            _ => return String::new(),
        };
        told.parsed.log.text(row, field).map(|text| text.into_owned()).unwrap_or_default()
    }

    /// The line that ended the process: the last of a chain of panics.
    fn last(&self) -> RowId {
        self.panics.last().copied().unwrap_or(self.head)
    }

    fn is_fatal(&self, told: &Told) -> bool {
        let shape = told.parsed.log.shape(self.last());
        [shapes::PANIC_FATAL_1_1, shapes::PANIC_LATER_FATAL_1_26, shapes::PANIC_THROW_1_0].contains(&shape)
    }

    fn cause(&self, told: &Told) -> Option<(&'static str, Sentence)> {
        let log = &told.parsed.log;
        let last = self.last();
        let of_process = match self.head.family {
            Family::Signal => return signal_cause(told, self.head),
            Family::HttpPanic => {
                let sentence = Sentence::new("A handler of net/http panicked, and the server recovered it: ");
                return Some(("Panic of a handler", sentence.log(&self.text(told, last)).end()));
            }
            _ if self.is_fatal(told) => ("Fatal error", "A fatal error ended the process: "),
            _ => ("Panic", "A panic that nothing recovered ended the process: "),
        };
        let (title, begin) = of_process;
        let mut sentence = Sentence::new(begin).log(&self.text(told, last));
        let signal = told.rows(Family::Signal).iter().find(|row| {
            let shape = log.shape(**row);
            let line = log.line(**row);
            let is_behind = line > log.line(last) && self.dump.is_some_and(|dump| line < dump.lines.1);
            is_behind && (shape == shapes::SIGNAL_PANIC_1_0 || shape == shapes::SIGNAL_PANIC_1_7)
        });
        if let Some(addr) = signal.and_then(|row| log.code(*row, signal::ADDR)) {
            sentence = sentence.words(format!("; the address was {addr:#x}"));
        }
        Some((title, sentence.end()))
    }

    /// Panics that came while others were in flight.
    fn chain(&self, told: &Told) -> Option<Sentence> {
        let log = &told.parsed.log;
        let repanicked = [shapes::PANIC_REPANICKED_1_25, shapes::PANIC_LATER_REPANICKED_1_25];
        let first = self.text(told, *self.panics.first()?);
        let is_raised_again = match self.panics.len() {
            1 => repanicked.contains(&log.shape(self.last())),
            _ => first == self.text(told, self.last()),
        };
        if is_raised_again {
            let sentence = Sentence::new("A deferred function had recovered it and raised the same value again");
            let entry = self.dump.and_then(|dump| dump.goroutines.first());
            let named = entry.map(|entry| named_frames(log, entry)).unwrap_or_default();
            let origin = panicking_frame(&named, Which::First).map(|at| &named[at].0);
            return Some(match origin {
                Some(origin) => sentence.words("; it came first from ").log(origin).end(),
                None => sentence.end(),
            });
        }
        if self.panics.len() < 2 {
            return None;
        }
        let n = self.panics.len() - 1;
        let before =
            if n == 1 { "The panic before it".to_owned() } else { format!("The first of {n} panics before it") };
        Some(Sentence::new(format!("{before} was the cause: ")).log(&first).end())
    }

    /// What the catalog says about the text.
    fn meaning(&self, told: &Told) -> Option<Sentence> {
        let text = self.text(told, self.last());
        let go = told.go();
        let named = |name: &&tracelog::catalog::NameDef| name.printed == text && !name.go.intersection(go).is_empty();
        let meaning = panic::TEXT.def().names.iter().find(named)?.meaning;
        let first = meaning.split(". ").next().unwrap_or(meaning).trim_end_matches('.');
        Some(Sentence::new(format!("{first}.")))
    }

    fn next(&self, told: &Told) -> Option<Sentence> {
        let go = told.go();
        let n = self.dump.map_or(0, |dump| dump.goroutines.len());
        Some(Sentence::new(match self.head.family {
            Family::HttpPanic => "The program goes on; the stack is cut at 64 KiB.",
            Family::Signal => "Go prints the stacks of all goroutines and the registers, and ends the process.",
            _ if self.is_fatal(told) => {
                "It cannot be recovered: Go prints the stacks and ends the process with exit code 2."
            }
            _ if n == 1 && go.oldest().is_some_and(|oldest| oldest >= 6) => {
                "Go prints the stack of this goroutine, of all with GOTRACEBACK=all, and ends the process with exit code 2."
            }
            _ => "Go prints the stacks and ends the process with exit code 2.",
        }))
    }
}

impl Told<'_> {
    /// Lines of the run that tell why it ends, or what a server recovered, in the order of the log.
    fn heads(&self) -> impl DoubleEndedIterator<Item = RowId> {
        let log = &self.parsed.log;
        let is_head = |row: &RowId| match row.family {
            Family::Panic => !log.shape(*row).def().template.starts_with('\t'),
            Family::Signal => [shapes::SIGNAL_NAME_1_0, shapes::SIGNAL_NUMBER_1_0].contains(&log.shape(*row)),
            _ => true,
        };
        let families = [Family::Panic, Family::Signal, Family::HttpPanic];
        let mut heads: Vec<RowId> = families.iter().flat_map(|family| self.rows(*family)).copied().collect();
        heads.retain(is_head);
        heads.sort_by_key(|row| log.line(*row));
        heads.into_iter()
    }
}

/// What a signal says about who sent it and why.
fn signal_cause(told: &Told, head: RowId) -> Option<(&'static str, Sentence)> {
    let log = &told.parsed.log;
    let Some(name) = log.text(head, signal::SIGNAL) else {
        let number = log.code(head, signal::SIGNAL_NUMBER)?;
        return Some(("Signal", Sentence::new(format!("Signal {number}, which nothing handled, ended the process."))));
    };
    let why = match &*name {
        "QUIT" => ": somebody asked for the stacks of all goroutines",
        "ABRT" => ": the process aborted itself, as C code does, or was told to",
        "SEGV" | "BUS" => ": memory was accessed at an address that is not the process's to use",
        _ => "",
    };
    let sentence = Sentence::new("Signal ").log(&format!("SIG{name}")).words(format!(" ended the process{why}."));
    Some(("Signal", sentence))
}

/// The goroutine, function and line in which it happened.
fn place(told: &Told, dump: &Dump, text: &str) -> Option<Sentence> {
    let log = &told.parsed.log;
    let entry = match dump.cause {
        Cause::Panic | Cause::FatalError | Cause::Stack => dump.goroutines.first()?,
        // The thread that took the signal was anywhere.
        _ => return None,
    };
    let named = named_frames(log, entry);
    // A deadlock has no place: the first goroutine waits like all others.
    let is_deadlock = text.contains("deadlock!");
    let begin = if is_deadlock { "First comes" } else { "It happened in" };
    let id = entry.id(log).map_or_else(|| "a goroutine".to_owned(), |id| format!("goroutine {id}"));
    // A server recovers and asks for the stack then: the frames above are its own.
    let panicked = if dump.cause == Cause::Stack { panicking_frame(&named, Which::Last) } else { None };
    let Some(at) = panicked.or(own_frame(&named)) else { return Some(Sentence::new(format!("{begin} {id}."))) };
    let (name, place) = &named[at];
    let mut sentence = Sentence::new(format!("{begin} {id}, in ")).log(name);
    if let Some(place) = place {
        sentence = written_at(log, *place, sentence);
    }
    Some(sentence.end())
}

/// States of the goroutines, where there are several.
fn others(log: &tracelog::Log, dump: &Dump) -> Option<Sentence> {
    const MAX_STATES: usize = 4;
    const RUNS: [&str; 6] = ["running", "runnable", "idle", "waiting", "preempted", "dead"];
    let n = dump.goroutines.len();
    if n < 2 {
        return None;
    }
    let counts = blocks::counts(dump.goroutines.iter().map(|entry| entry.state(log)));
    let mut sentence = Sentence::new(format!("The dump shows {}: ", words::count(n, "goroutine")));
    for (at, (state, n)) in counts.iter().take(MAX_STATES).enumerate() {
        let comma = if at > 0 { ", " } else { "" };
        // Those that wait are in something.
        let is_in = !RUNS.contains(&state.as_str());
        sentence = sentence.words(format!("{comma}{n} {}", if is_in { "in " } else { "" })).log(state);
    }
    let rest: usize = counts.iter().skip(MAX_STATES).map(|(_, n)| n).sum();
    let rest = if rest > 0 { format!(", {rest} in other states.") } else { ".".to_owned() };
    Some(sentence.words(rest))
}
