//! A goroutine of a dump: what it does, since when, who started it, and how many others stand where it stands.

use tracelog::blocks::{Cause, Dump, Goroutine};
use tracelog::catalog::{goroutine, location};
use tracelog::{GoReleases, Log, RowId};

use super::{Sentence, Told};
use crate::blocks::{is_of_runtime, named_frames, own_frame};
use crate::words;

/// Title and sentences for a line of a goroutine.
pub(super) fn tell(told: &Told, dump: &Dump, line: u32) -> Option<(String, Vec<Sentence>)> {
    let log = &told.parsed.log;
    let at = dump.goroutines.iter().position(|entry| entry.lines.0 <= line && line <= entry.lines.1)?;
    let entry = &dump.goroutines[at];
    let name = entry.id(log).map_or_else(|| "A goroutine".to_owned(), |id| format!("Goroutine {id}"));
    let sentences = [
        Some(state(log, dump, entry, &name, told.go())),
        place(log, entry),
        origin(log, dump, entry),
        alike(log, dump, entry),
        locked(log, entry),
    ];
    Some((name, sentences.into_iter().flatten().collect()))
}

/// What it does or waits for, and since when.
fn state(log: &Log, dump: &Dump, entry: &Goroutine, name: &str, go: GoReleases) -> Sentence {
    let state = entry.state(log);
    if log.code(entry.row, goroutine::LEAKED) == Some(1) {
        return Sentence::new(format!("{name} is leaked: it is blocked in "))
            .log(&state)
            .words(", and the runtime found that nothing can ever wake it.");
    }
    let sentence = match meaning(&state, go) {
        Some(meaning) if meaning.starts_with(&state) => Sentence::new(format!("{name}: {meaning}")),
        Some(meaning) => Sentence::new(format!("{name} is in state ")).log(&state).words(format!(": {meaning}")),
        None => Sentence::new(format!("{name} is in state ")).log(&state),
    };
    let caused_it = match dump.cause {
        Cause::Panic if is_first(dump, entry) => ", and it panicked",
        Cause::FatalError if is_first(dump, entry) && state == "running" => ", and it hit the fatal error",
        _ => "",
    };
    let since = match entry.minutes(log) {
        Some(1) => ", for a minute or longer".to_owned(),
        Some(minutes) => format!(", for {minutes} minutes or longer"),
        None => String::new(),
    };
    let left = if dump.cause == Cause::Goleak { " It was still there at the end of a test." } else { "" };
    sentence.words(format!("{caused_it}{since}.{left}"))
}

fn is_first(dump: &Dump, entry: &Goroutine) -> bool {
    dump.goroutines.first().is_some_and(|first| first.row == entry.row)
}

/// The first sentence of what the catalog says about a state, as a part of a sentence.
fn meaning(state: &str, go: GoReleases) -> Option<String> {
    let named = |name: &&tracelog::catalog::NameDef| name.printed == state && !name.go.intersection(go).is_empty();
    let meaning = goroutine::STATE.def().names.iter().find(named)?.meaning;
    let first = meaning.split(". ").next().unwrap_or(meaning).trim_end_matches('.');
    let mut chars = first.chars();
    let begin = chars.next()?;
    // "GC ..." and the like stay as they are.
    let is_word = chars.clone().next().is_some_and(|next| next.is_lowercase() || next == ' ');
    Some(if is_word { begin.to_lowercase().chain(chars).collect() } else { first.to_owned() })
}

/// The function that it is in, as its program names it, and who called that.
fn place(log: &Log, entry: &Goroutine) -> Option<Sentence> {
    let named = named_frames(log, entry);
    let at = own_frame(&named)?;
    let (name, place) = &named[at];
    let mut sentence = Sentence::new("It is in ").log(name);
    if let Some(place) = place {
        sentence = written_at(log, *place, sentence);
    }
    // What it called there: a lock, a read. Helpers of the runtime say nothing.
    if let Some((called, _)) = at.checked_sub(1).and_then(|inner| named.get(inner))
        && !is_of_runtime(called)
        && !called.starts_with("internal/runtime")
    {
        sentence = sentence.words(", inside of ").log(called);
    }
    if let Some((caller, _)) = named.get(at + 1).filter(|(caller, _)| !is_of_runtime(caller)) {
        sentence = sentence.words(", called by ").log(caller);
    }
    Some(sentence.end())
}

/// ` (file:line)`, where the place is known.
pub(super) fn written_at(log: &Log, place: RowId, sentence: Sentence) -> Sentence {
    let (Some(file), Some(line)) = (log.text(place, location::SOURCE_FILE), log.code(place, location::LINE_NO)) else {
        return sentence;
    };
    let line = tracelog::cells::value(location::LINE_NO.def().kind, line);
    sentence.words(" (").log(&format!("{file}:{}", words::number(line))).words(")")
}

fn origin(log: &Log, dump: &Dump, entry: &Goroutine) -> Option<Sentence> {
    let Some(function) = entry.created_by(log) else {
        return (entry.id(log) == Some(1)).then(|| Sentence::new("Goroutine 1 is the main goroutine."));
    };
    let sentence = Sentence::new("It was started by ").log(&function);
    let Some(creator) = entry.creator(log) else { return Some(sentence.end()) };
    let is_there = dump.goroutines.iter().any(|other| other.id(log) == Some(creator));
    let there = if is_there { ", which is in this dump" } else { ", which is not in this dump" };
    Some(sentence.words(format!(" in goroutine {creator}{there}.")))
}

fn alike(log: &Log, dump: &Dump, entry: &Goroutine) -> Option<Sentence> {
    let n = dump.goroutines.len();
    if n < 2 {
        return None;
    }
    let group = dump.groups.get(entry.group)?;
    let n_others = group.goroutines.len().saturating_sub(1);
    if n_others == 0 {
        return Some(Sentence::new(format!(
            "No other of the {n} goroutines of the dump has the same state and frames."
        )));
    }
    let longest = group.longest_minutes.filter(|minutes| entry.minutes(log).is_none_or(|own| own < *minutes));
    let longest = longest.map_or_else(String::new, |minutes| format!(", the longest for {minutes} minutes"));
    let others = if n_others == 1 { "1 other goroutine has".to_owned() } else { format!("{n_others} others have") };
    Some(Sentence::new(format!("{others} the same state and frames, of {n} in the dump{longest}.")))
}

fn locked(log: &Log, entry: &Goroutine) -> Option<Sentence> {
    let is_locked = log.code(entry.row, goroutine::LOCKED_TO_THREAD) == Some(1);
    is_locked.then(|| Sentence::new("It is locked to its thread, which runs nothing else."))
}
