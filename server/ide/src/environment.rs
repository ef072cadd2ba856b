//! The configuration of a process, read off its log: what was set, with the lines that show it, or why they do not.
//!
//! Only what follows from printed lines is claimed. A log without `scav` lines may have been filtered, so nothing is said
//! about switches that are off; a goal at its floor says nothing about GOGC; a number that two settings explain is unknown.

mod heap;
mod process;
mod switches;

use tracelog::{Blocks, GoReleases, Log, Run};

use crate::rules::memory_limit_active::{self, InCharge};
use crate::rules::memory_limit_thrash;
use crate::view::RunView;
use crate::words;

pub use heap::{EstimatedLimit, Gogc, MemoryLimit};
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
    let GoalSettings { memory_limit, gogc, .. } = goal_settings(view).clone();
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

/// What the goals of a run say, whatever the settings of the rules are.
#[derive(Clone, Debug)]
pub(crate) struct GoalSettings {
    /// Whether a memory limit sets the goal.
    pub(crate) memory_limit: Fact<MemoryLimit>,
    /// GOGC in effect.
    pub(crate) gogc: Fact<Vec<Gogc>>,
    /// The cycles in which the live heap had reached the limit.
    pub(crate) pressed: Option<InCharge>,
}

/// What the goals of a run say about a memory limit and about GOGC; found out once a view.
pub(crate) fn goal_settings(view: &RunView) -> &GoalSettings {
    view.goal_settings.get_or_init(|| {
        let (steered, pressed) = (memory_limit_active::in_charge(view), memory_limit_thrash::in_charge(view));
        let memory_limit = heap::memory_limit(view, steered.as_ref(), pressed.as_ref());
        let gogc = heap::gogc(view, &memory_limit);
        GoalSettings { memory_limit, gogc, pressed }
    })
}

/// What the memory limit of a run is set to, as far as goals under it tell.
pub(crate) fn estimated_limit(view: &RunView) -> Option<EstimatedLimit> {
    match goal_settings(view).memory_limit.value {
        Ok(MemoryLimit::InCharge { estimate, .. }) => estimate,
        _ => None,
    }
}

/// The cycles of a run in which the live heap had reached a memory limit.
pub(crate) fn pressed_by_limit(view: &RunView) -> Option<&InCharge> {
    goal_settings(view).pressed.as_ref()
}

/// Levels of the effective GOGC of a run, also where it cannot be told what sets the goal.
pub(crate) fn effective_gogc_levels(view: &RunView) -> Vec<Gogc> {
    heap::effective_levels(view, &goal_settings(view).memory_limit)
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

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tracelog::Text;

    use super::*;
    use crate::rules::fixture::{GcLine, gc_lines, sched_lines};
    use crate::{Settings, Snapshot};

    /// The items of the only run of a log, one a line.
    fn read(log: &str) -> String {
        let snapshot =
            Snapshot::new(Arc::new(Text::new(log)), Log::read(log.as_bytes()), Arc::new(Settings::default()));
        let parsed = snapshot.parsed.unwrap();
        let [environment] = parsed.analysis().environments.as_slice() else { panic!("one run") };
        let items = environment.items().into_iter().map(|item| {
            let lines: Vec<String> = item.evidence.iter().map(|shown| (shown.line + 1).to_string()).collect();
            let value = item.value.unwrap_or_else(|why| format!("unknown: {why}"));
            format!("{} {value} [{}]\n", item.id, lines.join(" "))
        });
        items.collect()
    }

    /// Cycles whose live heap grows by a megabyte each, from 30 MB on; `goal` gives the goal for the live heap before.
    fn growing(n: u64, goal: impl Fn(u64, u64) -> u64) -> String {
        gc_lines(n, |idx| {
            let live = 30 + idx;
            let goal = goal(idx, live - 1);
            GcLine { n: idx + 7, at_s: idx as f64, heap_mb: [goal - 4, goal - 3, live, goal], ..GcLine::default() }
        })
    }

    #[test]
    fn gogc_follows_from_how_the_goal_follows_the_live_heap() {
        for gogc in [50, 100, 200, 400] {
            let text = read(&growing(40, |_, live| live + live * gogc / 100));
            assert!(text.contains(&format!("\ngogc about {gogc} [")), "{text}");
            assert!(text.contains("memory_limit does not set the goal"), "{text}");
        }
    }

    #[test]
    fn stacks_that_grow_with_the_live_heap_are_no_gogc() {
        // The goal of GOGC=100 where a megabyte of stacks comes with each megabyte that lives.
        let log: String = growing(40, |_, live| 2 * live + (live - 20))
            .lines()
            .zip(10u64..)
            .map(|(line, stacks)| line.replace(" 0 MB stacks", &format!(" {stacks} MB stacks")) + "\n")
            .collect();
        assert!(read(&log).contains("\ngogc about 100 ["), "{}", read(&log));
    }

    #[test]
    fn a_goal_that_stays_is_a_memory_limit_and_tells_no_gogc() {
        let text = read(&growing(20, |_, _| 60));
        assert!(text.contains("memory_limit sets the goal, near 60 MB;"), "{text}");
        assert!(text.contains("gogc unknown: a memory limit sets the goal"), "{text}");
    }

    #[test]
    fn a_changed_gogc_is_told_with_the_cycle_that_shows_it() {
        let text = read(&growing(60, |idx, live| live + live * if idx < 30 { 100 } else { 300 } / 100));
        assert!(text.contains("gogc about 100, about 300 from gc 37 on"), "{text}");
        // Few cycles tell a change that is far.
        let for_a_while = |gogc: u64, n: u64| {
            let gogc = move |idx: u64| if (30..30 + n).contains(&idx) { gogc } else { 100 };
            read(&growing(60, |idx, live| live + live * gogc(idx) / 100))
        };
        let text = for_a_while(300, 6);
        assert!(text.contains("gogc about 100, about 300 from gc 37 on, about 100 from gc 43 on"), "{text}");
        assert!(for_a_while(300, 4).contains("gogc about 100 ["), "{}", for_a_while(300, 4));
        assert!(for_a_while(150, 6).contains("gogc about 100 ["), "{}", for_a_while(150, 6));
    }

    #[test]
    fn a_live_heap_that_stands_still_leaves_two_explanations() {
        let still = |n: u64| {
            gc_lines(n, |idx| GcLine { n: idx + 7, at_s: idx as f64, heap_mb: [57, 58, 30, 60], ..GcLine::default() })
        };
        let text = read(&still(20));
        assert!(text.contains("gogc unknown: 100 fits, but after the start the live heap hardly moves"), "{text}");
        // Before Go 1.19 there is no limit.
        let old = read(&still(20).replace(", 0 MB stacks, 0 MB globals", ""));
        assert!(old.contains("gogc about 100 ["), "{old}");
        assert!(old.contains("memory_limit none: it came with Go 1.19"), "{old}");
    }

    #[test]
    fn a_floor_says_nothing() {
        let text = read(&gc_lines(30, |idx| GcLine {
            n: idx + 1,
            at_s: idx as f64,
            heap_mb: [3, 4, 1, 4],
            ..GcLine::default()
        }));
        assert!(text.contains("gogc unknown: the live heap stays below 20 MB"), "{text}");
        assert!(text.contains("memory_limit unknown"), "{text}");
    }

    #[test]
    fn gomaxprocs_and_its_changes_are_told_with_their_lines() {
        let log = sched_lines(3, 4, 1.0, |_| (4, 0))
            + &sched_lines(6, 2, 1.0, |_| (2, 0)).lines().skip(3).map(|line| format!("{line}\n")).collect::<String>();
        assert!(read(&log).contains("gomaxprocs 4 → 2 [1 4]\n"), "{}", read(&log));
    }

    #[test]
    fn the_period_of_samples_is_that_or_a_little_less_than_their_gaps() {
        for (period_s, said) in [(0.1, "schedtrace=100 (90 to 100 fit)"), (1.0, "schedtrace=1000 (990 to 1000 fit)")] {
            assert!(read(&sched_lines(20, 2, period_s, |_| (2, 0))).contains(said));
        }
        let few = read(&sched_lines(2, 2, 1.0, |_| (2, 0)));
        assert!(few.contains("schedtrace=1010 or less"), "{few}");
    }

    #[test]
    fn the_block_of_a_crash_is_neither_a_period_nor_scheddetail() {
        let crash = "SCHED 1234ms: gomaxprocs=2 idleprocs=1 threads=3 spinningthreads=0 idlethreads=0 runqueue=0 \
                     gcwaiting=0 nmidlelocked=0 stopwait=0 sysmonwait=0\n  \
                     P0: status=1 schedtick=5 syscalltick=0 m=0 runqsize=0 gfreecnt=0\npanic: boom\n";
        let alone = read(crash);
        assert!(!alone.contains("sched"), "{alone}");
        let behind = read(&(sched_lines(2, 2, 1.0, |_| (2, 0)) + crash));
        assert!(behind.contains("schedtrace=1010 or less") && !behind.contains("scheddetail"), "{behind}");
    }
}
