//! The Go releases, GOMAXPROCS, how the program was built, and GOTRACEBACK.

use tracelog::blocks::{Block, Cause, Dump};
use tracelog::catalog::{frame, goroutine, location, panic, shapes};
use tracelog::{Blocks, Family, GoReleases, Log, RowId, Run, template};

use super::{Evidence, Fact};
use crate::view::RunView;
use crate::words;

/// GOMAXPROCS from a line on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Procs {
    /// Its value.
    pub n: u64,
    /// The first line that shows it.
    pub line: u32,
}

pub(super) fn in_words(levels: &[Procs]) -> String {
    const MAX_SHOWN: usize = 4;
    let values: Vec<String> = levels.iter().map(|procs| procs.n.to_string()).collect();
    match values.len() {
        0..=MAX_SHOWN => values.join(" → "),
        n => format!("{} → … → {} ({} changes)", values[..2].join(" → "), values[n - 1], n - 1),
    }
}

/// The releases that can have printed the run, with the lines that narrowed them.
pub(super) fn go(log: &Log, run: &Run) -> Fact<GoReleases> {
    if run.go.is_empty() {
        return Fact::unknown("no single release prints all these lines");
    }
    let mut left = GoReleases::ALL;
    let mut evidence = Vec::new();
    for family in Family::ALL {
        for row in run.rows(*family) {
            if left == run.go {
                break;
            }
            let shape = log.shape(*row);
            let flags = template::layout(shape).flags.iter().copied();
            let is_set = |flag: &u8| log.code(*row, tracelog::Field { family: *family, index: *flag }) == Some(1);
            let releases = template::releases(shape, flags.filter(is_set));
            // What a block claims may not fit the run, which then keeps its releases.
            let narrowed = left.intersection(releases);
            if narrowed != left && narrowed.contains_all(run.go) {
                left = narrowed;
                evidence.push(Evidence::new(log.line(*row), format!("printed so by Go {releases}")));
            }
        }
    }
    // The last line that narrowed them says most.
    evidence.reverse();
    Fact::known(run.go, evidence)
}

/// GOMAXPROCS and its changes, from samples and cycles.
pub(super) fn gomaxprocs(view: &RunView) -> Fact<Vec<Procs>> {
    let (samples, cycles) = (&view.samples, &view.cycles);
    let of = |lines: &[u32], values: &[f64]| -> Vec<Procs> {
        let known = lines.iter().zip(values).filter(|(_, value)| value.is_finite() && **value >= 1.0);
        known.map(|(line, value)| Procs { n: *value as u64, line: *line }).collect()
    };
    let mut all = of(&samples.line, &samples.gomaxprocs);
    all.extend(of(&cycles.line, &cycles.procs));
    let is_newest_first = |lines: &[u32]| lines.len() > 1 && lines[0] > lines[lines.len() - 1];
    all.sort_by_key(|procs| procs.line);
    if is_newest_first(&samples.line) || is_newest_first(&cycles.line) {
        all.reverse();
    }
    all.dedup_by_key(|procs| procs.n);
    match all.len() {
        0 if cycles.is_empty() => Fact::unknown("there are neither gc nor SCHED lines"),
        0 => Fact::unknown("gc lines of Go before 1.5 do not print it"),
        n if n > 1 && !view.interleaved.is_empty() => {
            Fact::unknown("lines of several processes alternate, and their numbers differ")
        }
        _ => {
            let evidence = all.iter().take(MAX_EVIDENCE).map(|procs| Evidence::new(procs.line, procs.n.to_string()));
            let evidence = evidence.collect();
            Fact::known(all, evidence)
        }
    }
}

/// Lines that are named as evidence of changes.
const MAX_EVIDENCE: usize = 5;

/// Reports of the race detector.
pub(super) fn race(log: &Log, run: &Run) -> Option<Fact<()>> {
    let report = run.rows(Family::Race).iter().find(|row| log.shape(**row) == shapes::RACE_WARNING_1_1)?;
    Some(Fact::known((), vec![Evidence::new(log.line(*report), "a report of the race detector")]))
}

/// Frames that are looked at: a dump of a huge program repeats itself.
const MAX_FRAMES: usize = 50_000;

/// Names that only the cgo tool generates, frames of C, and the texts of package runtime/cgo.
///
/// `runtime.cgocall` alone says nothing: on Windows all system calls go through it.
pub(super) fn cgo(log: &Log, run: &Run) -> Option<Fact<()>> {
    const GENERATED: [&str; 4] = ["._Cfunc_", "._C2func_", "_cgoexp_", "._Cgo_"];
    let seen = |row: &RowId, what: &str| Some(Fact::known((), vec![Evidence::new(log.line(*row), what)]));
    let of_shape = |family: Family, shape| run.rows(family).iter().find(|row| log.shape(**row) == shape);
    if let Some(row) = of_shape(Family::RuntimeNote, shapes::RUNTIME_NOTE_PTHREAD_1_0) {
        return seen(row, "printed by package runtime/cgo");
    }
    if let Some(row) = of_shape(Family::StackNote, shapes::STACK_NOTE_CGO_1_7) {
        return seen(row, "a frame of C");
    }
    if let Some(row) = of_shape(Family::SignalPc, shapes::SIGNAL_PC_CGO_1_0) {
        return seen(row, "a signal that came while C code ran");
    }
    let generated = run.rows(Family::Frame).iter().take(MAX_FRAMES).find(|row| {
        log.text(**row, frame::FUNCTION).is_some_and(|name| GENERATED.iter().any(|part| name.contains(part)))
    });
    seen(generated?, "a function that the cgo tool generates")
}

/// GOTRACEBACK, as far as a crash shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Traceback {
    /// Only the goroutine that crashed.
    Single,
    /// All goroutines of the program; up to Go 1.5 that is the default.
    All,
    /// With frames of the runtime, maybe repeated for each thread.
    SystemOrCrash,
    /// Repeated for each thread.
    Crash,
}

impl Traceback {
    pub(super) fn in_words(&self) -> String {
        match self {
            Self::Single => "single",
            Self::All => "all",
            Self::SystemOrCrash => "system or crash",
            Self::Crash => "crash",
        }
        .to_owned()
    }
}

/// A test that took too long: package testing asks for all goroutines itself.
fn is_of_testing(log: &Log, dump: &Dump) -> bool {
    let text = dump.head.filter(|row| row.family == Family::Panic).and_then(|row| log.text(row, panic::TEXT));
    text.is_some_and(|text| text.starts_with("test timed out after "))
}

/// The level of detail of a crash, set by GOTRACEBACK or debug.SetTraceback. Dumps that somebody asked for say nothing: they show all goroutines anyway.
pub(super) fn traceback<'a>(log: &Log, run: &Run, blocks: &impl Fn() -> &'a Blocks) -> Option<Fact<Traceback>> {
    if run.rows(Family::Panic).is_empty() && run.rows(Family::Signal).is_empty() {
        return None;
    }
    let is_separator = |row: &&RowId| log.shape(**row) == shapes::STACK_NOTE_NEXT_THREAD_1_5;
    if let Some(row) = run.rows(Family::StackNote).iter().find(is_separator) {
        let shown = Evidence::new(log.line(*row), "the dump is repeated for the next thread");
        return Some(Fact::known(Traceback::Crash, vec![shown]));
    }
    let is_end = |dump: &&Dump| matches!(dump.cause, Cause::Panic | Cause::FatalError | Cause::Signal);
    let dump = blocks().list.iter().find_map(|block| match block {
        Block::Dump(dump) if dump.run == run.number => Some(dump).filter(is_end),
        _ => None,
    })?;
    let line = dump.lines.0;
    // Throws of the runtime and signals show frames of the runtime at any level, and all goroutines at most levels.
    if dump.cause != Cause::Panic || is_of_testing(log, dump) {
        return None;
    }
    let detailed = dump.goroutines.iter().find(|entry| {
        let has_address = log.code(entry.row, goroutine::GP).is_some()
            || entry.frames.iter().filter_map(|(_, place)| *place).any(|place| log.code(place, location::FP).is_some());
        has_address && entry.id(log) != Some(0)
    });
    if let Some(entry) = detailed {
        let shown = Evidence::new(log.line(entry.row), "addresses of goroutines and frames are printed");
        return Some(Fact::known(Traceback::SystemOrCrash, vec![shown]));
    }
    // Up to Go 1.5 all goroutines are the default.
    if run.go.oldest().is_none_or(|oldest| oldest < 6) {
        return None;
    }
    let n = dump.goroutines.len();
    if n > 1 {
        let shown = Evidence::new(
            line,
            format!("a panic shows {} without frames of the runtime", words::count(n, "goroutine")),
        );
        return Some(Fact::known(Traceback::All, vec![shown]));
    }
    // The main goroutine exists as long as the program runs, so one that is not it cannot be alone.
    match dump.goroutines.first()?.id(log)? {
        1 => Some(Fact::unknown("the only goroutine that is shown may be the only one there is")),
        id => {
            let shown = Evidence::new(line, format!("a panic of goroutine {id} shows no other"));
            Some(Fact::known(Traceback::Single, vec![shown]))
        }
    }
}
