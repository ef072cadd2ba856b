//! Is the collector my latency? Durations of requests beside the collections of the same process.
//!
//! The program's own lines say how long requests took and when they ended (`tracelog::durations`); the `gc` lines say when
//! cycles began and how long they were. [`clock`] joins both, [`split`] compares the requests that begin in a cycle with
//! those that do not. Where that cannot be done well it says so and nothing else.

pub mod clock;
mod hover;
pub mod split;

pub use hover::first_on;
pub(crate) use hover::hover;

use std::collections::HashMap;
use std::sync::Arc;

use tracelog::carrier::WallTime;
use tracelog::{Lines, Log, Run, Runs};

use crate::view::{Cycles, RunView};
use crate::words;
use clock::{Clock, Stamp, Tick, Unclear};
use split::{Split, Verdict, split};

/// The requests of a run, with their place among its cycles.
#[derive(Clone, Debug)]
pub struct Requests {
    /// What joins the clocks of requests and cycles, or why nothing does.
    pub clock: Result<Clock, Silence>,
    /// One series for each key, or for each key and route where a few routes are nearly all; empty without a clock.
    pub series: Vec<Series>,
    /// What comparing them says, with the index of the series: first where the collector is found, then the largest.
    pub splits: Vec<(usize, Split)>,
    /// Durations in lines of the program during this run, before anything was left out.
    pub n_read: usize,
}

/// Requests that are compared with each other, in the order of the log. Only those that begin between the first and the
/// last cycle, and not where cycles are missing.
#[derive(Clone, Debug, Default)]
pub struct Series {
    /// The key that holds the duration.
    pub key: String,
    /// The route, where routes are told apart.
    pub route: Option<String>,
    /// Lines.
    pub line: Vec<u32>,
    /// How long each took, ms.
    pub ms: Vec<f64>,
    /// The same as one takes its place among them.
    pub all: crate::series::Series,
    /// The cycle in which each begins, as an index of the run's cycles.
    pub cycle: Vec<Option<u32>>,
    /// Stop-the-world time inside each, ms.
    pub pause_ms: Vec<f64>,
    /// Time of cycles inside each, widened by the error of the clock, ms.
    pub inside_ms: Vec<f64>,
    /// Share of time that cycles took around these requests: what would begin in one by chance.
    pub share_of_time: f64,
    /// Error of the clock, ms.
    pub error_ms: f64,
    /// Cycles are clearly longer than that error.
    pub is_sharp: bool,
    /// Cycles of the run.
    pub n_cycles: usize,
}

/// Why requests cannot be compared.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Silence {
    /// There are no cycles with a time.
    NoCycles,
    /// No line with a duration says when it was written.
    NoStamps,
    /// Several processes write here, and lines of the program do not say of which they are.
    SeveralProcesses,
    /// The clocks cannot be joined.
    Clock(Unclear),
}

impl Silence {
    /// The reason in words.
    pub fn reason(&self) -> String {
        match self {
            Self::NoCycles => "no cycles with a time".to_owned(),
            Self::NoStamps => "the lines with durations do not say when they were written".to_owned(),
            Self::SeveralProcesses => "several processes write here and lines do not say of which they are".to_owned(),
            Self::Clock(Unclear::NoStamps) => "no stamped line next to a gc line, and no stamp on gc lines".to_owned(),
            Self::Clock(Unclear::Coarse { error_ms, needed_ms }) => format!(
                "cycles and requests have no common clock: known to {}, {} needed",
                words::ms(*error_ms),
                words::ms(*needed_ms)
            ),
        }
    }
}

/// Puts the requests of a log into the views of its runs. Slow are those above `slow_ms`; the slowest, where it is 0.
pub(crate) fn fill(views: &mut [RunView], log: &Log, runs: &Runs, lines: &dyn Lines, slow_ms: f64) {
    if log.chunks().all(|(_, chunk)| chunk.durations().rows().is_empty()) {
        return;
    }
    let mut by_run = deal(log, runs);
    for (view, run) in views.iter_mut().zip(&runs.list) {
        let Some(rows) = by_run.remove(&run.number) else { continue };
        let time_of_line = |line: u32| log.peel(line, &lines.line(line)).time;
        let requests = Requests::of(view, !run.source.is_empty(), time_of_line, &rows);
        view.requests = Some(Arc::new(requests.compared(slow_ms)));
    }
}

/// A duration in a line of the program.
#[derive(Clone, Debug)]
struct Row {
    line: u32,
    ns: u64,
    time: Option<WallTime>,
    is_begin: bool,
    key: Arc<[u8]>,
    route: Arc<[u8]>,
}

/// The durations of each run: those of its source, from its first line up to the next run of that source.
fn deal(log: &Log, runs: &Runs) -> HashMap<usize, Vec<Row>> {
    let mut by_run: HashMap<usize, Vec<Row>> = HashMap::new();
    let mut by_source: HashMap<Arc<[u8]>, Vec<&Run>> = HashMap::new();
    let of_source = |source: &[u8]| -> Vec<&Run> {
        let is_of = |run: &&Run| run.source.is_empty() || source.is_empty() || *run.source == *source;
        let mut of_source: Vec<&Run> = runs.list.iter().filter(|run| !run.toolchain).filter(is_of).collect();
        of_source.sort_by_key(|run| run.lines.0);
        of_source
    };
    for (start, chunk) in log.chunks() {
        let durations = chunk.durations();
        for row in durations.rows() {
            let (line, tag) = (start + row.line, durations.tag(row));
            let candidates = by_source.entry(tag.source.clone()).or_insert_with(|| of_source(&tag.source));
            let begun = candidates.partition_point(|run| run.lines.0 <= line);
            let Some(run) = candidates.get(begun.saturating_sub(1)) else { continue };
            by_run.entry(run.number).or_default().push(Row {
                line,
                ns: row.ns,
                time: durations.time(row),
                is_begin: tag.is_begin,
                key: tag.key.clone(),
                route: tag.route.clone(),
            });
        }
    }
    by_run
}

/// When a cycle of a run began and ended, ms since the process started.
struct Times {
    start_ms: Vec<f64>,
    end_ms: Vec<f64>,
}

impl Times {
    /// Of cycles whose times and phases are all printed; absent ones are NaN.
    fn of(cycles: &Cycles) -> Self {
        let start_ms: Vec<f64> = cycles.at_s.iter().map(|at_s| at_s * 1000.0).collect();
        let length = |row: usize| cycles.mark_ms[row] + cycles.pause_ms[row];
        let end_ms = (0..cycles.len()).map(|row| start_ms[row] + length(row)).collect();
        Self { start_ms, end_ms }
    }
}

/// The runtime cuts the start of a cycle to a millisecond: on average it is later by half of one.
const CUT_MS: f64 = 0.5;

/// Stamps of collectors that are read of a run, evenly spread over it.
const MAX_STAMPS: usize = 4096;

impl Requests {
    /// `is_named`: what carries the lines names the process. `time_of_line`: when it says that a line was written.
    fn of(view: &RunView, is_named: bool, time_of_line: impl Fn(u32) -> Option<WallTime>, rows: &[Row]) -> Self {
        let silent = |silence| Self { clock: Err(silence), series: Vec::new(), splits: Vec::new(), n_read: rows.len() };
        let cycles = &view.cycles;
        let times = Times::of(cycles);
        let known: Vec<usize> = (0..cycles.len()).filter(|row| times.end_ms[*row].is_finite()).collect();
        // A log that was exported with its newest line first has its cycles from its end.
        if known.len() < 2 || !known.is_sorted_by(|a, b| times.start_ms[*a] < times.start_ms[*b]) {
            return silent(Silence::NoCycles);
        }
        if !view.interleaved.is_empty() && !is_named {
            return silent(Silence::SeveralProcesses);
        }
        let Some(kind) = kind_of_stamps(rows) else { return silent(Silence::NoStamps) };
        let stamped = |time: Option<WallTime>| time.filter(|time| kind_of(time) == kind).map(stamp);
        let ticks = ticks(cycles, &times, &known, rows, |line| stamped(time_of_line(line)), stamped);
        let lengths: Vec<f64> = known.iter().map(|row| times.end_ms[*row] - times.start_ms[*row]).collect();
        let median_ms = crate::stats::median(&lengths).unwrap_or(0.0);
        let clock = match clock::join(&ticks, (median_ms / 4.0).max(2.0)) {
            Ok(clock) => clock,
            Err(unclear) => return silent(Silence::Clock(unclear)),
        };
        let placed = Placed { cycles, times, error_ms: clock.error_ms(), known };
        let series = grouped(rows)
            .into_iter()
            .map(|(key, route, rows)| {
                let is_sharp = clock.error_ms() <= median_ms / 2.0;
                placed.series(Series { key, route, is_sharp, ..Series::default() }, &rows, &clock, |time| {
                    stamped(Some(time))
                })
            })
            .filter(|series| !series.ms.is_empty())
            .collect();
        Self { clock: Ok(clock), series, splits: Vec::new(), n_read: rows.len() }
    }

    fn compared(mut self, slow_ms: f64) -> Self {
        let compare = |(index, series): (usize, &Series)| Some((index, split(series, slow_ms)?));
        self.splits = self.series.iter().enumerate().filter_map(compare).collect();
        self.splits
            .sort_by_key(|(_, split)| (split.verdict != Verdict::InGc, std::cmp::Reverse(split.n.0 + split.n.1)));
        self
    }
}

fn stamp(time: WallTime) -> Stamp {
    Stamp { ns: time.ns, resolution_ns: time.resolution_ns }
}

/// What stamps must share to be compared: whether they name their zone and year.
fn kind_of(time: &WallTime) -> (bool, bool) {
    (time.zone_known, time.year_known)
}

/// The kind that most durations have.
fn kind_of_stamps(rows: &[Row]) -> Option<(bool, bool)> {
    let mut counts: HashMap<(bool, bool), usize> = HashMap::new();
    rows.iter().filter_map(|row| row.time).for_each(|time| *counts.entry(kind_of(&time)).or_default() += 1);
    counts.into_iter().max_by_key(|(kind, n)| (*n, *kind)).map(|(kind, _)| kind)
}

fn ticks(
    cycles: &Cycles,
    times: &Times,
    known: &[usize],
    rows: &[Row],
    stamp_of_line: impl Fn(u32) -> Option<Stamp>,
    stamped: impl Fn(Option<WallTime>) -> Option<Stamp>,
) -> Vec<Tick> {
    let step = known.len().div_ceil(MAX_STAMPS).max(1);
    let tick = |(nth, row): (usize, &usize)| {
        let line = cycles.line[*row];
        let next = rows.partition_point(|other| other.line < line);
        let of = |row: &Row| stamped(row.time).filter(|_| !row.is_begin);
        Tick {
            end_ms: times.end_ms[*row],
            stamp: (nth % step == 0).then(|| stamp_of_line(line)).flatten(),
            between: (rows[..next].last().and_then(of), rows.get(next).and_then(of)),
        }
    };
    known.iter().enumerate().map(tick).collect()
}

/// Routes that are told apart are nearly all: this share of the requests are of the largest three.
const SHARE_OF_ROUTES: f64 = 0.8;
const N_ROUTES: usize = 3;

/// Rows by key, and by route where a few routes hold most of them.
fn grouped(rows: &[Row]) -> Vec<(String, Option<String>, Vec<&Row>)> {
    let text = |name: &[u8]| String::from_utf8_lossy(name).into_owned();
    let mut groups = Vec::new();
    for (key, of_key) in by(&rows.iter().collect::<Vec<_>>(), |row| &row.key) {
        let mut routes = by(&of_key, |row| &row.route);
        routes.sort_by_key(|(_, rows)| std::cmp::Reverse(rows.len()));
        let is_single = routes.len() < 2;
        routes.truncate(N_ROUTES);
        let n_told: usize = routes.iter().map(|(_, rows)| rows.len()).sum();
        if is_single || (n_told as f64) < SHARE_OF_ROUTES * of_key.len() as f64 {
            groups.push((text(key), None, of_key));
        } else {
            groups.extend(routes.into_iter().map(|(route, rows)| (text(key), Some(text(route)), rows)));
        }
    }
    groups
}

/// Rows that share a name, in the order in which the names come first.
fn by<'a>(rows: &[&'a Row], name: impl Fn(&'a Row) -> &'a Arc<[u8]>) -> Vec<(&'a Arc<[u8]>, Vec<&'a Row>)> {
    let mut places: HashMap<&[u8], usize> = HashMap::new();
    let mut groups: Vec<(&Arc<[u8]>, Vec<&Row>)> = Vec::new();
    for row in rows {
        let name = name(row);
        let at = *places.entry(name).or_insert_with(|| {
            groups.push((name, Vec::new()));
            groups.len() - 1
        });
        groups[at].1.push(row);
    }
    groups
}

/// Cycles with their times.
struct Placed<'a> {
    cycles: &'a Cycles,
    times: Times,
    /// Rows of the cycles whose times are known, in the order of time.
    known: Vec<usize>,
    error_ms: f64,
}

/// Cycles on either side from which the share of time around a request is taken.
const N_AROUND: usize = 10;

impl Placed<'_> {
    fn series(
        &self,
        mut series: Series,
        rows: &[&Row],
        clock: &Clock,
        stamped: impl Fn(WallTime) -> Option<Stamp>,
    ) -> Series {
        let mut share = 0.0;
        for row in rows {
            let Some(stamp) = row.time.and_then(&stamped) else { continue };
            let middle_ns = stamp.ns + stamp.resolution_ns / 2;
            let begin_ns = if row.is_begin { middle_ns } else { middle_ns - row.ns as i64 };
            let Some(begin_ms) = clock.at_ms(begin_ns) else { continue };
            let Some(at) = self.last_before(begin_ms) else { continue };
            if self.is_gap(at) {
                continue;
            }
            let ms = row.ns as f64 / 1e6;
            let cycle = self.known[at];
            let is_in = begin_ms < self.times.end_ms[cycle] + CUT_MS;
            let (pause_ms, inside_ms) = self.overlap(at, begin_ms, begin_ms + ms);
            share += self.share_around(at);
            series.line.push(row.line);
            series.ms.push(ms);
            series.cycle.push(is_in.then_some(cycle as u32));
            series.pause_ms.push(pause_ms);
            series.inside_ms.push(inside_ms);
        }
        series.all = crate::series::Series::of_values(&series.ms);
        series.share_of_time = share / series.ms.len().max(1) as f64;
        series.error_ms = self.error_ms;
        series.n_cycles = self.known.len();
        series
    }

    /// The last cycle that began before a time; none before the first and behind the last.
    fn last_before(&self, ms: f64) -> Option<usize> {
        let at = self.known.partition_point(|row| self.times.start_ms[*row] + CUT_MS <= ms);
        (at < self.known.len()).then(|| at.checked_sub(1)).flatten()
    }

    /// Whether lines are missing between a cycle and the next.
    fn is_gap(&self, at: usize) -> bool {
        self.cycles.n[self.known[at + 1]] != self.cycles.n[self.known[at]] + 1
    }

    /// Pauses and time of cycles between two times. Where in a pause phase the request was is not known to less than the
    /// error of the clock, so what it touches counts whole.
    fn overlap(&self, from: usize, begin_ms: f64, end_ms: f64) -> (f64, f64) {
        let (mut pauses, mut inside) = (0.0, 0.0);
        for row in self.known[from..].iter().copied() {
            let (start, end) = (self.times.start_ms[row] + CUT_MS, self.times.end_ms[row] + CUT_MS);
            if start - self.error_ms > end_ms {
                break;
            }
            if end + self.error_ms < begin_ms {
                continue;
            }
            inside += (end + self.error_ms).min(end_ms) - (start - self.error_ms).max(begin_ms);
            let [first, last] = [&self.cycles.sweep_term_ms, &self.cycles.mark_term_ms]
                .map(|phase| if phase[row].is_finite() { phase[row] } else { 0.0 });
            if begin_ms <= start + first + self.error_ms {
                pauses += first;
            }
            if end_ms >= end - last - self.error_ms {
                pauses += last;
            }
        }
        (pauses.min(end_ms - begin_ms), inside.max(0.0))
    }

    /// The share of time that the cycles around one took.
    fn share_around(&self, at: usize) -> f64 {
        let from = at.saturating_sub(N_AROUND);
        let to = (at + N_AROUND).min(self.known.len() - 1);
        let in_cycles: f64 =
            self.known[from..to].iter().map(|row| self.times.end_ms[*row] - self.times.start_ms[*row]).sum();
        let span = self.times.start_ms[self.known[to]] - self.times.start_ms[self.known[from]];
        if span > 0.0 { in_cycles / span } else { 0.0 }
    }
}

impl Series {
    /// What it is of, for people: `took`, `took of GET /items`.
    pub fn name(&self) -> String {
        match self.route.as_deref() {
            Some("") => format!("{} without a route", self.key),
            Some(route) => format!("{} of {route}", self.key),
            None => self.key.clone(),
        }
    }
}

impl Requests {
    /// What is told of them in a summary, one line each.
    pub fn in_words(&self) -> Vec<String> {
        const MAX_SERIES: usize = 6;
        let n_read = words::grouped(self.n_read);
        let clock = match &self.clock {
            Ok(clock) => clock,
            Err(silence) => return vec![format!("{n_read} durations, not compared: {}", silence.reason())],
        };
        let by = match clock.joint {
            clock::Joint::Collector => "stamps on the gc lines",
            clock::Joint::Position => "the order of the lines",
        };
        let mut lines = vec![format!("{n_read} durations; clock by {by}, to {}", words::ms(clock.error_ms()))];
        let told = self.splits.iter().take(MAX_SERIES);
        lines.extend(told.map(|(index, split)| format!("{}: {}", self.series[*index].name(), split.in_short())));
        if self.splits.is_empty() {
            lines.push("too few begin inside of cycles, or outside, to compare them".to_owned());
        }
        lines
    }
}

/// The comparison in one short line: `in mark: p99 43 ms (n=1,204); outside: 41 ms → not GC`. Nothing where there are no
/// requests, or where why nothing can be said is the summary's matter.
pub fn short(requests: &Requests) -> Option<String> {
    requests.splits.first().map(|(_, split)| split.in_short())
}

impl Split {
    /// The comparison in one short line.
    pub fn in_short(&self) -> String {
        let (inside, outside) = (words::ms(self.p99_ms.0), words::ms(self.p99_ms.1));
        let numbers = format!("in mark: p99 {inside} (n={}); outside: {outside}", words::grouped(self.n.0));
        match self.verdict {
            Verdict::NotGc => format!("{numbers} → not GC"),
            Verdict::InGc => format!("{numbers} → GC"),
            Verdict::CannotTell(Some(needed)) => format!(
                "{numbers} → cannot tell ({}, needs about {})",
                words::count(self.slow.0, "slow request"),
                words::grouped(needed)
            ),
            Verdict::CannotTell(None) => format!("{numbers} → cannot tell"),
        }
    }
}

#[cfg(test)]
mod tests;
