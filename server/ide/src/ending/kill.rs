//! Processes that somebody else killed: what the kernel, a container runtime, a supervisor or a shell says, put together,
//! and the run that it ended.
//!
//! A killed process prints nothing. Its run is found by the process id or the name that carriers of its lines give, or
//! else by where its lines end.

use tracelog::carrier::WallTime;
use tracelog::catalog::{kill, shapes};
use tracelog::{Family, Lines, Log, RowId, Run, Runs, Shape};

use crate::derived::interval_s;
use crate::rules::LogView;
use crate::view::Cycles;

/// What is said about why a process was killed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Word {
    /// SIGKILL, whoever sent it.
    Killed,
    /// Memory was short: the kernel's word, or that of an orchestrator who asked it.
    OutOfMemory,
}

/// Which process was killed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Victim {
    /// The one that wrote the run with this index, as its process id or name says.
    Named(usize),
    /// The one whose run with this index ends before the kill.
    ByPlace(usize),
    /// None of those that wrote the traces of this log.
    Other,
    /// There are no traces.
    Unknown,
}

impl Victim {
    /// Index of its run.
    pub(crate) const fn run(self) -> Option<usize> {
        match self {
            Self::Named(run) | Self::ByPlace(run) => Some(run),
            Self::Other | Self::Unknown => None,
        }
    }
}

/// One kill, with all lines that tell of it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Kill {
    /// The lines, in order.
    pub(crate) rows: Vec<RowId>,
    /// The one that says most.
    pub(crate) head: RowId,
    /// Why.
    pub(crate) word: Word,
    /// Resident memory of the process that belongs to no file, MB.
    pub(crate) rss_mb: Option<f64>,
    /// All its resident memory, MB: what a limit of memory counts of it.
    resident_mb: Option<f64>,
    /// The limit of its group, MB, as the kernel printed it.
    limit_mb: Option<f64>,
    /// Whether the kernel killed because the group was at its limit, not the machine.
    is_of_group: bool,
    /// Its number, as the host counts.
    pub(crate) pid: Option<u64>,
    /// Its name: of the process, the unit or the container.
    pub(crate) name: Option<String>,
    /// The status or the word that stands for SIGKILL was printed as 137.
    pub(crate) is_status_137: bool,
    /// Which run it ended.
    pub(crate) victim: Victim,
}

/// A limit of memory that a log tells.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct MemoryLimit {
    /// MB of 2^20 bytes.
    pub(crate) mb: f64,
    /// Whether the kernel printed the limit; else it is what the killed process had, which is a little less or just as much.
    pub(crate) is_printed: bool,
    /// The line that says so.
    pub(crate) line: u32,
}

/// The limit of memory that the kernel named when it killed, or the resident memory of a process that was killed because its
/// group was at the limit; the last one of a log. `run` (its index) asks for kills of that run first.
pub(crate) fn memory_limit_mb(log: &Log, kills: &[Kill], run: Option<usize>) -> Option<MemoryLimit> {
    let of_run = kills.iter().rev().filter(|kill| run.is_some() && kill.victim.run() == run);
    let of_log = kills.iter().rev().filter(|kill| kill.victim != Victim::Other);
    of_run.chain(of_log).find_map(|kill| kill.limit(log))
}

impl Kill {
    /// The limit that this kill tells.
    pub(crate) fn limit(&self, log: &Log) -> Option<MemoryLimit> {
        let printed = self.limit_mb.map(|mb| (mb, true));
        let at_limit = self.resident_mb.filter(|_| self.is_of_group).map(|mb| (mb, false));
        let (mb, is_printed) = printed.or(at_limit)?;
        let of_limit = |row: &RowId| is_printed && log.code(*row, kill::LIMIT_KB).is_some();
        let row = self.rows.iter().copied().find(of_limit).unwrap_or(self.head);
        Some(MemoryLimit { mb, is_printed, line: log.line(row) })
    }

    /// The line of the one that says most.
    pub(crate) fn line(&self, log: &Log) -> u32 {
        log.line(self.head)
    }
}

/// What the log shows of a process right before it was killed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct LastWords {
    /// Index of its run among the views.
    pub(crate) view: usize,
    /// Its last cycle.
    pub(crate) row: usize,
    /// The most that its Go heap can have been, MB: the goal of that cycle or its size at the end.
    pub(crate) heap_mb: f64,
    /// Its stacks, MB; NaN where the release does not print them.
    pub(crate) stacks_mb: f64,
    /// From that cycle to the kill, s, where carriers tell the time of both.
    pub(crate) age_s: Option<f64>,
    /// Whether the cycle is too old to tell the heap: more than two of the last intervals.
    pub(crate) is_stale: bool,
}

impl LastWords {
    /// What was shown before a kill of the run with this index.
    pub(crate) fn of(log: &Log, runs: &Runs, lines: &dyn Lines, view: &LogView, kill: &Kill) -> Option<Self> {
        let run = kill.victim.run()?;
        let index = view.index_of(runs.list[run].number)?;
        let cycles = &view.runs[index].cycles;
        let line = log.line(*kill.rows.first()?);
        let row = cycles.line.partition_point(|cycle| *cycle < line).checked_sub(1)?;
        let known = |series: &[f64]| series[row];
        let heap_mb = known(&cycles.heap_goal_mb).max(known(&cycles.heap_end_mb)).max(known(&cycles.heap_live_mb));
        if !heap_mb.is_finite() {
            return None;
        }
        let age_s = age_s(log, lines, cycles, row, line);
        // Of the first cycle the interval before it is not known.
        let gap_s = row.checked_sub(1).map_or(f64::NAN, |before| interval_s(cycles, before));
        Some(Self {
            view: index,
            row,
            heap_mb,
            stacks_mb: known(&cycles.stacks_mb),
            age_s,
            is_stale: age_s.is_some_and(|age_s| age_s > MAX_AGE * gap_s + MIN_AGE_S),
        })
    }
}

/// Intervals between cycles after which the last one says nothing about the heap any more.
const MAX_AGE: f64 = 2.0;

/// Stamps of collectors and of the kernel may differ by this, s.
const MIN_AGE_S: f64 = 2.0;

/// Seconds between the line of a cycle and a later line; none where they do not tell the time in the same way.
fn age_s(log: &Log, lines: &dyn Lines, cycles: &Cycles, row: usize, line: u32) -> Option<f64> {
    let time = |line: u32| -> Option<WallTime> { log.peel(line, &lines.line(line)).time };
    let (cycle, kill) = (time(cycles.line[row])?, time(line)?);
    if (cycle.zone_known, cycle.year_known) != (kill.zone_known, kill.year_known) {
        return None;
    }
    let age_s = kill.ns.checked_sub(cycle.ns)? as f64 / 1e9;
    // Times since the machine was started, as the kernel prints them, are no dates.
    (-MIN_AGE_S..MAX_CREDIBLE_S).contains(&age_s).then(|| age_s.max(0.0))
}

/// Times further apart than this are not of one clock, s.
const MAX_CREDIBLE_S: f64 = 30.0 * 86_400.0;

/// Shapes of the kernel that name the process and its memory.
const WITH_MEMORY: [Shape; 3] = [shapes::KILL_CGROUP_1_0, shapes::KILL_GLOBAL_1_0, shapes::KILL_PROCESS_1_0];

/// Shapes that say that memory was short.
const OUT_OF_MEMORY: [Shape; 9] = [
    shapes::KILL_CGROUP_1_0,
    shapes::KILL_GLOBAL_1_0,
    shapes::KILL_CGROUP_CHOICE_1_0,
    shapes::KILL_GLOBAL_CHOICE_1_0,
    shapes::KILL_REAPED_1_0,
    shapes::KILL_KUBERNETES_1_0,
    shapes::KILL_KUBERNETES_REASON_1_0,
    shapes::KILL_KUBERNETES_REASON_INDENTED_1_0,
    shapes::KILL_DOCKER_1_0,
];

/// Shapes that say it of a group of processes, or of a whole unit.
const OF_GROUP: [Shape; 7] = [
    shapes::KILL_CGROUP_1_0,
    shapes::KILL_CGROUP_CHOICE_1_0,
    shapes::KILL_LIMIT_1_0,
    shapes::KILL_KUBERNETES_1_0,
    shapes::KILL_KUBERNETES_REASON_1_0,
    shapes::KILL_KUBERNETES_REASON_INDENTED_1_0,
    shapes::KILL_DOCKER_1_0,
];

/// Shapes that print the exit status.
const STATUS_137: [Shape; 4] = [
    shapes::KILL_KUBERNETES_EXIT_CODE_1_0,
    shapes::KILL_KUBERNETES_EXIT_CODE_INDENTED_1_0,
    shapes::KILL_COMPOSE_1_0,
    shapes::KILL_MAKE_STATUS_1_0,
];

/// What may be said of anybody where no trace stands beside it.
const ANYBODYS: [Shape; 2] = [shapes::KILL_SHELL_1_0, shapes::KILL_SHELL_NUMBER_1_0];

/// What systemd says of a unit.
const OF_UNIT: [Shape; 2] = [shapes::KILL_SYSTEMD_EXIT_1_0, shapes::KILL_SYSTEMD_RESULT_1_0];

/// All kills that a log tells of, in the order of their lines.
pub(crate) fn kills(log: &Log, runs: &Runs) -> Vec<Kill> {
    if log.n_rows(Family::Kill) == 0 {
        return Vec::new();
    }
    let processes = Processes::of(log, runs);
    let is_wanted = |row: &RowId| !runs.is_part || runs.of_row(*row).is_some();
    let rows: Vec<RowId> = log.rows(Family::Kill).into_iter().filter(is_wanted).collect();
    let mut groups: Vec<Group> = Vec::new();
    for row in rows {
        let facts = Facts::of(log, row);
        match groups.last_mut().filter(|group| group.takes(log, &facts, &processes)) {
            Some(group) => group.add(facts),
            None => groups.push(Group::new(facts)),
        }
    }
    let told = groups.into_iter().filter(|group| !group.only_limit);
    told.filter_map(|group| group.into_kill(log, &processes)).collect()
}

/// What a line says.
struct Facts {
    row: RowId,
    line: u32,
    shape: Shape,
    pid: Option<u64>,
    name: Option<String>,
}

impl Facts {
    fn of(log: &Log, row: RowId) -> Self {
        let text = |field| log.text(row, field).map(|text| text.into_owned());
        let unit = |unit: String| unit.strip_suffix(".service").map_or(unit.clone(), str::to_owned);
        let name = text(kill::PROCESS).or_else(|| text(kill::SYSTEMD_UNIT).map(unit)).or_else(|| text(kill::CONTAINER));
        Self { row, line: log.line(row), shape: log.shape(row), pid: log.code(row, kill::PID), name }
    }

    fn is_limit(&self) -> bool {
        self.shape == shapes::KILL_LIMIT_1_0
    }
}

/// Lines that tell of one kill.
struct Group {
    rows: Vec<RowId>,
    shapes: Vec<Shape>,
    last_line: u32,
    pid: Option<u64>,
    name: Option<String>,
    only_limit: bool,
}

/// Lines of the kernel's report on memory, and of what supervisors say of it, that can stand between two of one kill.
const MAX_BETWEEN: u32 = 400;

impl Group {
    fn new(facts: Facts) -> Self {
        let mut group = Self {
            rows: Vec::new(),
            shapes: Vec::new(),
            last_line: facts.line,
            pid: None,
            name: None,
            only_limit: true,
        };
        group.add(facts);
        group
    }

    /// Whether a line tells of the same kill: nothing in it contradicts, and no process has begun between.
    fn takes(&self, log: &Log, facts: &Facts, processes: &Processes) -> bool {
        if facts.line - self.last_line > MAX_BETWEEN || processes.begins_between(self.last_line, facts.line) {
            return false;
        }
        if let (Some(a), Some(b)) = (self.pid, facts.pid) {
            return a == b || self.chose(facts);
        }
        let is_new_report = facts.is_limit() && !self.only_limit;
        let is_unit = |shape: &Shape| OF_UNIT.contains(shape);
        let is_other_unit =
            is_unit(&facts.shape) && self.shapes.iter().any(is_unit) && self.name_of(log, is_unit) != facts.name;
        !is_new_report && !is_other_unit && !self.shapes.contains(&facts.shape)
    }

    /// Whether a line tells what the kernel killed for the process that it had chosen: up to Linux 4.x it names the thread
    /// that it chose, and may kill another one of the process, or a child of it (mm/oom_kill.c, oom_kill_process).
    fn chose(&self, facts: &Facts) -> bool {
        const CHOICES: [Shape; 2] = [shapes::KILL_CGROUP_CHOICE_1_0, shapes::KILL_GLOBAL_CHOICE_1_0];
        const NEAR: u32 = 4;
        facts.shape == shapes::KILL_PROCESS_1_0
            && self.shapes.last().is_some_and(|shape| CHOICES.contains(shape))
            && facts.line - self.last_line <= NEAR
    }

    fn name_of(&self, log: &Log, is_wanted: impl Fn(&Shape) -> bool) -> Option<String> {
        let row = self.rows.iter().find(|row| is_wanted(&log.shape(**row)))?;
        Facts::of(log, *row).name
    }

    fn add(&mut self, facts: Facts) {
        self.only_limit &= facts.is_limit();
        if self.chose(&facts) {
            (self.pid, self.name) = (None, None);
        }
        self.rows.push(facts.row);
        self.shapes.push(facts.shape);
        self.last_line = facts.line;
        self.pid = self.pid.or(facts.pid);
        self.name = self.name.take().or(facts.name);
    }

    fn into_kill(self, log: &Log, processes: &Processes) -> Option<Kill> {
        let first = log.line(*self.rows.first()?);
        let with_memory = self.rows.iter().copied().find(|row| WITH_MEMORY.contains(&log.shape(*row)));
        let is_word = |row: &RowId| OUT_OF_MEMORY.contains(&log.shape(*row));
        let is_told = |row: &RowId| log.shape(*row) != shapes::KILL_LIMIT_1_0;
        let word = self.rows.iter().copied().find(is_word);
        let head = with_memory.or(word).or_else(|| self.rows.iter().copied().find(is_told))?;
        let value = |field| with_memory.and_then(|row| log.value(row, field)).map(|kb| kb / 1024.0);
        let parts = [kill::ANON_RSS_KB, kill::FILE_RSS_KB, kill::SHMEM_RSS_KB].map(value);
        let limits = self.rows.iter().filter_map(|row| log.value(*row, kill::LIMIT_KB));
        // A group without a limit prints the largest number there is.
        let limit_mb = limits.map(|kb| kb / 1024.0).find(|mb| *mb < MAX_LIMIT_MB);
        let is_oom_unit = self.shapes.contains(&shapes::KILL_SYSTEMD_RESULT_1_0);
        let victim = processes.victim(first, self.pid, self.name.as_deref(), &self.shapes)?;
        Some(Kill {
            word: if word.is_some() || is_oom_unit { Word::OutOfMemory } else { Word::Killed },
            rss_mb: parts[0],
            resident_mb: parts[0].map(|_| parts.iter().flatten().sum()),
            limit_mb,
            is_status_137: self.shapes.iter().any(|shape| STATUS_137.contains(shape)),
            is_of_group: self.shapes.iter().any(|shape| OF_GROUP.contains(shape)),
            pid: self.pid,
            name: self.name,
            victim,
            head,
            rows: self.rows,
        })
    }
}

/// No machine has so much memory, MB.
const MAX_LIMIT_MB: f64 = 1e9;

/// A process whose trace a log holds.
#[derive(Clone, Copy)]
struct Process<'a> {
    /// Index of its run.
    index: usize,
    run: &'a Run,
    /// Its first line and the last one that it wrote itself: what others say of its end is counted to its run.
    lines: (u32, u32),
}

/// The processes whose traces a log holds.
struct Processes<'a> {
    /// In the order of their first lines.
    list: Vec<Process<'a>>,
    /// The same in the order of their last lines.
    by_end: Vec<Process<'a>>,
}

/// Processes before a line that are looked at for the one that was killed there.
const MAX_RECENT: usize = 64;

impl<'a> Processes<'a> {
    fn of(log: &Log, runs: &'a Runs) -> Self {
        const TRACES: [Family; 3] = [Family::Gc, Family::Sched, Family::Init];
        let process = |(index, run): (usize, &'a Run)| {
            let has_trace = TRACES.iter().any(|family| !run.rows(*family).is_empty());
            let own = Family::ALL.iter().filter(|family| **family != Family::Kill);
            let last = own.filter_map(|family| run.rows(*family).iter().map(|row| log.line(*row)).max()).max()?;
            has_trace.then_some(Process { index, run, lines: (run.lines.0, last) })
        };
        let mut list: Vec<Process> = runs.list.iter().enumerate().filter_map(process).collect();
        list.sort_by_key(|process| process.lines.0);
        let mut by_end = list.clone();
        by_end.sort_by_key(|process| process.lines.1);
        Self { list, by_end }
    }

    fn begins_between(&self, from: u32, to: u32) -> bool {
        let at = self.list.partition_point(|process| process.lines.0 <= from);
        self.list.get(at).is_some_and(|process| process.lines.0 < to)
    }

    /// The process that was killed at a line; none where the line need not tell of one, as the word `Killed` in the output
    /// of a program that goes on.
    fn victim(&self, line: u32, pid: Option<u64>, name: Option<&str>, shapes_of: &[Shape]) -> Option<Victim> {
        if self.list.is_empty() {
            // A shell's word alone may be anybody's.
            let only_word = shapes_of.iter().all(|shape| ANYBODYS.contains(shape));
            return (!only_word).then_some(Victim::Unknown);
        }
        let n_begun = self.list.partition_point(|process| process.lines.0 < line);
        let contradicts = |process: &Process| matches!((pid, process.run.process_id()), (Some(a), Some(b)) if a != b);
        let recent = || self.list[..n_begun].iter().rev().take(MAX_RECENT).filter(|process| !contradicts(process));
        let has_pid = |process: &&Process| pid.is_some() && process.run.process_id() == pid;
        let has_name = |process: &&Process| name.is_some_and(|name| process.run.is_named(name));
        if let Some(process) = recent().find(has_pid).or_else(|| recent().find(has_name)) {
            return Some(Victim::Named(process.index));
        }
        // One that writes before and behind the line was not killed there, and may have written it.
        let is_ambiguous = recent().any(|process| process.lines.1 > line);
        let n_ended = self.by_end.partition_point(|process| process.lines.1 < line);
        let ended = self.by_end[..n_ended].iter().rev().take(MAX_RECENT).find(|process| !contradicts(process));
        match ended.filter(|_| !is_ambiguous) {
            Some(process) => Some(Victim::ByPlace(process.index)),
            None => (pid.is_some() || name.is_some()).then_some(Victim::Other),
        }
    }
}
