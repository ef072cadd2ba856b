//! Switches of GODEBUG whose lines are in the log, with the values that the lines tell.

use tracelog::catalog::{ancestor, shapes};
use tracelog::{Family, Log, RowId, Run};

use super::Evidence;
use crate::stats;
use crate::view::{Cycles, RunView, Samples};
use crate::words;

/// A switch that was on.
#[derive(Clone, Debug, PartialEq)]
pub struct Switch {
    /// Its name: `gctrace`.
    pub name: &'static str,
    /// What its value can have been.
    pub level: Level,
    /// Where it stands: releases before 1.2 had a variable of its own for gctrace.
    variable: &'static str,
    /// Lines that show it.
    pub evidence: Vec<Evidence>,
}

/// What the value of a switch can have been.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// This one.
    Exactly(u64),
    /// Any but 0, all of them alike.
    On,
    /// This one or more: lines of higher values look alike.
    AtLeast(u64),
    /// Between these, both included; most likely the roundest of them.
    Between {
        /// Least.
        least: u64,
        /// Greatest.
        greatest: u64,
        /// The roundest number of these.
        likely: u64,
    },
    /// At most this.
    AtMost(u64),
}

impl Level {
    /// Whether a value is possible.
    pub fn allows(self, value: u64) -> bool {
        match self {
            Self::Exactly(exact) => value == exact,
            Self::On => value > 0,
            Self::AtLeast(least) => value >= least,
            Self::Between { least, greatest, .. } => least <= value && value <= greatest,
            Self::AtMost(greatest) => value <= greatest,
        }
    }
}

impl Switch {
    /// The environment variable that it stands in.
    pub fn variable(&self) -> &'static str {
        self.variable
    }

    /// Whether it is the one that prints gc lines.
    pub(super) fn is_of_gctrace(&self) -> bool {
        self.name == "gctrace"
    }

    /// `gctrace=1`, `schedtrace=1000`.
    pub fn in_words(&self) -> String {
        let name = if self.variable == "GOGCTRACE" { "" } else { self.name };
        let equals = if name.is_empty() { "" } else { "=" };
        match self.level {
            Level::Exactly(value) => format!("{name}{equals}{value}"),
            Level::On => format!("{name}{equals}1"),
            Level::AtLeast(least) => format!("{name}{equals}{least} or more"),
            Level::Between { least, greatest, likely } if least == greatest => format!("{name}{equals}{likely}"),
            Level::Between { least, greatest, likely } => {
                format!("{name}{equals}{likely} ({least} to {greatest} fit)")
            }
            Level::AtMost(greatest) => format!("{name}{equals}{greatest} or less"),
        }
    }
}

/// All switches whose lines are there.
pub(super) fn seen(log: &Log, run: &Run, view: &RunView) -> Vec<Switch> {
    let mut switches = Vec::new();
    switches.extend(gctrace(log, run));
    switches.extend(schedtrace(log, run, view));
    switches.extend(scheddetail(log, run));
    for (name, level, families) in BY_LINES {
        let first = families.iter().filter_map(|family| run.rows(*family).first()).min_by_key(|row| log.line(**row));
        switches.extend(first.map(|row| switch(name, *level, log, *row, "its lines")));
    }
    switches.extend(gcstoptheworld(&view.cycles));
    switches.extend(tracebackancestors(log, run));
    switches.extend(http2debug(log, run));
    switches.extend(netdns(log, run));
    switches
}

/// Switches whose families nothing else prints (formats reference, README 1 and other 1).
const BY_LINES: &[(&str, Level, &[Family])] = &[
    ("gcpacertrace", Level::On, &[Family::PacerStart, Family::PacerEnd, Family::PacerSweep]),
    ("scavtrace", Level::On, &[Family::Scav]),
    ("inittrace", Level::On, &[Family::Init]),
    ("allocfreetrace", Level::On, &[Family::Tracealloc, Family::Tracefree, Family::Tracegc]),
    ("checkfinalizers", Level::AtLeast(1), &[Family::Checkfinalizers]),
];

fn switch(name: &'static str, level: Level, log: &Log, row: RowId, words: &str) -> Switch {
    Switch { name, level, variable: "GODEBUG", evidence: vec![Evidence::new(log.line(row), words)] }
}

/// gc lines, and in old releases the lines of the scavenger, need it. Only statistics of scans (1.25 and later) tell
/// level 2 (formats reference, gctrace 8).
fn gctrace(log: &Log, run: &Run) -> Option<Switch> {
    let families = [Family::Gc, Family::GcForced, Family::Scvg, Family::Scan];
    let first = families.iter().filter_map(|family| run.rows(*family).first()).min_by_key(|row| log.line(**row))?;
    let mut found = if let Some(scan) = run.rows(Family::Scan).first() {
        switch("gctrace", Level::AtLeast(2), log, *scan, "statistics of scans")
    } else {
        let has_statistics = run.go.oldest().is_some_and(|oldest| oldest >= 25) && !run.rows(Family::Gc).is_empty();
        let level = if has_statistics { Level::Exactly(1) } else { Level::AtLeast(1) };
        switch("gctrace", level, log, *first, "its lines")
    };
    match (run.go.oldest(), run.go.newest()) {
        (Some(0 | 1), Some(0 | 1)) => found.variable = "GOGCTRACE",
        (Some(0 | 1), _) => found.variable = "GOGCTRACE or GODEBUG",
        _ => {}
    }
    Some(found)
}

/// Whether a SCHED line heads a block.
fn is_block(log: &Log, row: RowId) -> bool {
    use tracelog::catalog::sched;
    log.code(row, sched::GCWAITING).is_some() || log.code(row, sched::STOPWAIT).is_some()
}

/// Samples that a period brought: a crash prints a block at any time, with or without a period, beside lines with queues.
fn periodic(log: &Log, run: &Run) -> Vec<usize> {
    let rows = run.rows(Family::Sched);
    let is_crash = !run.rows(Family::Panic).is_empty() || !run.rows(Family::Signal).is_empty();
    let with_queues: Vec<usize> = (0..rows.len()).filter(|at| !is_block(log, rows[*at])).collect();
    if !with_queues.is_empty() {
        return with_queues;
    }
    // Of a single block nobody can tell: the crash may have been cut off.
    let n = rows.len() - usize::from(is_crash && !rows.is_empty());
    if n > 1 { (0..n).collect() } else { Vec::new() }
}

/// Samples come at least the interval apart, and as a rule at most 10 ms more (formats reference, schedtrace 4). A line
/// that was printed late makes the gap behind it shorter.
fn schedtrace(log: &Log, run: &Run, view: &RunView) -> Option<Switch> {
    let periodic = periodic(log, run);
    let row = run.rows(Family::Sched)[*periodic.first()?];
    let gaps = gaps_ms(&view.samples, &periodic);
    let (Some(shortest), Some(median)) = (stats::quantile(&gaps, 0.0), stats::median(&gaps)) else {
        return Some(switch("schedtrace", Level::AtLeast(1), log, row, "its lines"));
    };
    if !view.interleaved.is_empty() {
        return Some(switch("schedtrace", Level::AtLeast(1), log, row, "its lines"));
    }
    let level = if gaps.len() >= MIN_GAPS {
        let (least, greatest) = ((shortest - SYSMON_SLEEP_MS).max(1.0) as u64, median.max(1.0) as u64);
        Level::Between { least, greatest, likely: roundest(least, greatest) }
    } else {
        Level::AtMost((stats::quantile(&gaps, 1.0).unwrap_or(median) + SYSMON_SLEEP_MS) as u64)
    };
    let words = format!("samples are {} ms apart", words::number(median));
    Some(switch("schedtrace", level, log, row, &words))
}

/// sysmon sleeps so long between two rounds, ms.
const SYSMON_SLEEP_MS: f64 = 10.0;

/// Gaps whose spread is taken for that of sysmon's rounds.
const MIN_GAPS: usize = 5;

/// Times between samples, ms.
fn gaps_ms(samples: &Samples, rows: &[usize]) -> Vec<f64> {
    let at_ms = |row: usize| samples.at_s[row] * 1000.0;
    let gaps = rows.windows(2).map(|pair| (at_ms(pair[1]) - at_ms(pair[0])).round());
    gaps.filter(|gap| *gap >= 1.0).collect()
}

/// The number between two, both included, that people would choose.
fn roundest(least: u64, greatest: u64) -> u64 {
    let mut step = 10_u64.pow(greatest.max(1).ilog10());
    loop {
        for divided in [step, step / 2, step / 4] {
            if divided > 0 && greatest / divided * divided >= least {
                return greatest / divided * divided;
            }
        }
        if step == 1 {
            return greatest;
        }
        step /= 10;
    }
}

/// Blocks that a period brought.
fn scheddetail(log: &Log, run: &Run) -> Option<Switch> {
    let row = run.rows(Family::Sched)[*periodic(log, run).first()?];
    is_block(log, row).then(|| switch("scheddetail", Level::On, log, row, "blocks with all Ps, threads and goroutines"))
}

/// In 1.9 to 1.11 a cycle whose mark takes no time and that nobody asked for is stop-the-world (formats reference,
/// gctrace 10). Elsewhere its lines look like others, or like those of runtime.GC.
fn gcstoptheworld(cycles: &Cycles) -> Option<Switch> {
    const MIN_CYCLES: usize = 3;
    let is_stopped = |row: &usize| cycles.mark_ms[*row] == 0.0 && !cycles.forced[*row];
    let stopped: Vec<usize> = (0..cycles.len()).filter(is_stopped).collect();
    let first = *stopped.first().filter(|_| stopped.len() >= MIN_CYCLES)?;
    let evidence = vec![Evidence::new(cycles.line[first], "a cycle that marks nothing concurrently")];
    Some(Switch { name: "gcstoptheworld", level: Level::AtLeast(1), variable: "GODEBUG", evidence })
}

/// Stacks of the goroutines that started one: as many as were asked for, or there were.
fn tracebackancestors(log: &Log, run: &Run) -> Option<Switch> {
    let rows = run.rows(Family::Ancestor);
    let first = *rows.first()?;
    let deepest = longest_chain(log, run, rows);
    let known = log.code(first, ancestor::ANCESTOR).is_some();
    known.then(|| switch("tracebackancestors", Level::AtLeast(deepest), log, first, "stacks of creators"))
}

/// The most ancestors that one goroutine shows.
fn longest_chain(log: &Log, run: &Run, ancestors: &[RowId]) -> u64 {
    let headers: Vec<u32> = run.rows(Family::Goroutine).iter().map(|row| log.line(*row)).collect();
    let of = |row: &RowId| headers.partition_point(|header| *header < log.line(*row));
    let counts = ancestors.chunk_by(|a, b| of(a) == of(b)).map(|chain| chain.len() as u64);
    counts.max().unwrap_or(1)
}

/// Level 2 adds the lines of framers.
fn http2debug(log: &Log, run: &Run) -> Option<Switch> {
    let rows = run.rows(Family::Http2);
    let is_framer = |row: &&RowId| [shapes::HTTP2_WROTE_1_6, shapes::HTTP2_READ_1_6].contains(&log.shape(**row));
    match rows.iter().find(is_framer) {
        Some(row) => Some(switch("http2debug", Level::AtLeast(2), log, *row, "frames")),
        None => Some(switch("http2debug", Level::AtLeast(1), log, *rows.first()?, "its lines")),
    }
}

/// Level 2 adds the order of each look-up.
fn netdns(log: &Log, run: &Run) -> Option<Switch> {
    let rows = run.rows(Family::Netdns);
    let is_lookup = |row: &&RowId| [shapes::NETDNS_HOST_1_5, shapes::NETDNS_ADDR_1_21].contains(&log.shape(**row));
    match rows.iter().find(is_lookup) {
        Some(row) => Some(switch("netdns", Level::AtLeast(2), log, *row, "the order of a look-up")),
        None => Some(switch("netdns", Level::AtLeast(1), log, *rows.first()?, &words::count(rows.len(), "line"))),
    }
}
