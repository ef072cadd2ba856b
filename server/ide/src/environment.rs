//! The configuration of a process, read off its log: what was set, with the lines that show it, or why they do not.
//!
//! Only what follows from printed lines is claimed. A log without `scav` lines may have been filtered, so nothing is said
//! about switches that are off; a goal at its floor says nothing about GOGC; a number that two settings explain is unknown.

mod heap;
mod process;
mod switches;

use tracelog::{Blocks, GoReleases, Log, Run};

use crate::view::RunView;
use crate::words;

pub use heap::{Gogc, MemoryLimit};
pub use process::{Procs, Traceback};
pub use switches::{Level, Switch};

/// What is known about the configuration of a run.
#[derive(Clone, Debug, PartialEq)]
pub struct Environment {
    /// Number of the run.
    pub run: usize,
    /// Releases that can have printed it.
    pub go: Fact<GoReleases>,
    /// GOGC from line to line; one element unless it changed.
    pub gogc: Fact<Vec<Gogc>>,
    /// Whether a memory limit sets the goal.
    pub memory_limit: Fact<MemoryLimit>,
    /// GOMAXPROCS from line to line; one element unless it changed.
    pub gomaxprocs: Fact<Vec<Procs>>,
    /// Switches whose lines are there.
    pub switches: Vec<Switch>,
    /// Cycles that looked for leaked goroutines.
    pub leak_checks: Option<Fact<usize>>,
    /// Long phases end where a CPU quota is refilled: the pattern of throttling. A hint, no proof.
    pub throttling: Option<Fact<usize>>,
    /// Built with the race detector.
    pub race: Option<Fact<()>>,
    /// Built with cgo, or linked to C.
    pub cgo: Option<Fact<()>>,
    /// GOTRACEBACK, where a crash shows it.
    pub traceback: Option<Fact<Traceback>>,
}

/// Something that was found out, or why it cannot be.
#[derive(Clone, Debug, PartialEq)]
pub struct Fact<T> {
    /// The value, or the reason why it is unknown.
    pub value: Result<T, String>,
    /// Lines that show it, the most telling first.
    pub evidence: Vec<Evidence>,
}

/// A line that shows something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Evidence {
    /// The line, from 0.
    pub line: u32,
    /// What is seen there. Without text of the log.
    pub words: String,
}

impl<T> Fact<T> {
    fn known(value: T, evidence: Vec<Evidence>) -> Self {
        Self { value: Ok(value), evidence }
    }

    fn unknown(why: impl Into<String>) -> Self {
        Self { value: Err(why.into()), evidence: Vec::new() }
    }

    fn unknown_at(why: impl Into<String>, evidence: Vec<Evidence>) -> Self {
        Self { value: Err(why.into()), evidence }
    }
}

impl Evidence {
    fn new(line: u32, words: impl Into<String>) -> Self {
        Self { line, words: words.into() }
    }
}

/// One item of the configuration, in words.
#[derive(Clone, Debug, PartialEq)]
pub struct Item {
    /// What it is: `GOMAXPROCS`.
    pub name: &'static str,
    /// Permanent id: `gomaxprocs`.
    pub id: &'static str,
    /// Its value in words, or why it is unknown.
    pub value: Result<String, String>,
    /// Lines that show it, the most telling first.
    pub evidence: Vec<Evidence>,
}

/// Reads the configuration of a run. `blocks` are asked for where the run holds dumps.
pub fn of<'a>(log: &Log, run: &Run, view: &RunView, blocks: &impl Fn() -> &'a Blocks) -> Environment {
    let memory_limit = heap::memory_limit(view);
    let gogc = heap::gogc(log, run, view, &memory_limit);
    Environment {
        run: run.number,
        go: process::go(log, run),
        gogc,
        memory_limit,
        gomaxprocs: process::gomaxprocs(view),
        switches: switches::seen(log, run, view),
        leak_checks: heap::leak_checks(view),
        throttling: heap::throttling(view),
        race: process::race(log, run),
        cgo: process::cgo(log, run),
        traceback: process::traceback(log, run, blocks),
    }
}

impl Environment {
    /// Whether a memory limit was seen setting the goal of the cycle with this index in the run.
    pub fn limit_sets_goal_of(&self, index: usize) -> bool {
        matches!(&self.memory_limit.value, Ok(MemoryLimit::InCharge { rows, .. }) if (rows.0..=rows.1).contains(&index))
    }

    /// Everything in words, in the order in which people ask. What no line can show is left out; what lines could show
    /// but do not, says why.
    pub fn items(&self) -> Vec<Item> {
        let mut items = vec![item("go", "Go", &self.go, ToString::to_string)];
        let is_of_gc = self.gomaxprocs.value.is_ok() || !self.switches.is_empty();
        if is_of_gc {
            items.push(item("gomaxprocs", "GOMAXPROCS", &self.gomaxprocs, |procs| process::in_words(procs)));
        }
        if self.switches.iter().any(|switch| switch.is_of_gctrace()) {
            items.push(item("gogc", "GOGC", &self.gogc, |levels| heap::in_words(levels)));
            items.push(item("memory_limit", "memory limit", &self.memory_limit, MemoryLimit::in_words));
        }
        items.extend(self.switches.iter().map(|switch| Item {
            name: switch.variable(),
            id: "switch",
            value: Ok(switch.in_words()),
            evidence: switch.evidence.clone(),
        }));
        let times = |n: &usize| words::count(*n, "cycle");
        items.extend(self.leak_checks.iter().map(|fact| item("leak_checks", "leak checks", fact, times)));
        items.extend(self.throttling.iter().map(|fact| {
            item("throttling", "CPU quota", fact, |n| {
                format!("{n} long phases end just before a multiple of 100 ms, as under a quota that is used up")
            })
        }));
        items.extend(self.race.iter().map(|fact| item("race", "race detector", fact, |()| "built in".to_owned())));
        items.extend(self.cgo.iter().map(|fact| item("cgo", "cgo", fact, |()| "in use".to_owned())));
        items.extend(self.traceback.iter().map(|fact| item("gotraceback", "GOTRACEBACK", fact, Traceback::in_words)));
        items
    }
}

fn item<T>(id: &'static str, name: &'static str, fact: &Fact<T>, in_words: impl Fn(&T) -> String) -> Item {
    let value = fact.value.as_ref().map(in_words).map_err(Clone::clone);
    Item { name, id, value, evidence: fact.evidence.clone() }
}
