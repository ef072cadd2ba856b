//! Process runs: which rows were printed by the same life of the same process.
//!
//! Nothing in a trace line names its process, but counters and clocks of one process only rise. Rows are dealt to
//! *chains* in the order of their lines: a row goes to the chain it continues best, or starts a new one. A chain that
//! starts after another has ended is a restart; chains that alternate are processes writing to one stream.
//!
//! Lines of blocks (dumps, profiles) say nothing of counters or clocks; they follow what their process printed last.
//!
//! Some exports print the newest line first. Then rows are dealt from the last line to the first, so that the rows of a
//! run are in the order of time in any case.

use std::cmp::Reverse;
use std::sync::Arc;

use rustc_hash::FxHashMap;

use crate::catalog::{At, Family, Field, GoReleases, gc, sched};
use crate::cells;
use crate::chunk::{Chunk, Mark, Table};
use crate::log::{Log, RowId};
use crate::template;

mod part;
mod told;

/// One life of one process, as far as the log shows it.
#[derive(Clone, Debug)]
pub struct Run {
    /// Its number among all runs of the log, from 0.
    pub number: usize,
    /// First and last line on which an item of the run begins.
    pub lines: (u32, u32),
    /// Its rows by family, in the order in which they were printed; indexed by [`Family`].
    rows: Vec<Vec<RowId>>,
    /// How their ids go.
    order: Order,
    /// Releases that can have printed all its lines. Empty when no single release can.
    pub go: GoReleases,
    /// What carriers say about the process; empty where they say nothing.
    pub source: Arc<[u8]>,
    /// Number of the run that ended where this one starts.
    pub restarts: Option<usize>,
    /// Numbers of the runs whose lines alternate with this one's.
    pub interleaved: Vec<usize>,
    /// Printed by the Go toolchain (`go run`, `go test`, `go build`) and not by the program itself.
    pub toolchain: bool,
}

/// How the ids of rows go that are in the order of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Order {
    /// They rise, as in all logs without torn items.
    Rising,
    /// They fall: the newest line comes first.
    Falling,
    Mixed,
}

impl Order {
    fn of(rows: &[Vec<RowId>]) -> Self {
        if rows.iter().all(|rows| rows.is_sorted()) {
            Self::Rising
        } else if rows.iter().all(|rows| rows.is_sorted_by(|a, b| a >= b)) {
            Self::Falling
        } else {
            Self::Mixed
        }
    }
}

impl Run {
    /// Rows of a family.
    pub fn rows(&self, family: Family) -> &[RowId] {
        &self.rows[family as usize]
    }

    /// Number of rows of all families.
    pub fn n_rows(&self) -> usize {
        self.rows.iter().map(Vec::len).sum()
    }
}

/// All runs of a log, in the order of their first lines.
#[derive(Clone, Debug, Default)]
pub struct Runs {
    /// The runs.
    pub list: Vec<Run>,
    /// Only a part of the log is looked at: rows that are in no run were left out, see [`Runs::part`].
    pub is_part: bool,
}

impl Runs {
    /// Deals the rows of a log to runs.
    pub fn of(log: &Log) -> Self {
        let mut dealer = Dealer::default();
        let mut rows = rows_by_line(log);
        let is_newest_first = is_newest_first(log, &rows);
        if is_newest_first {
            // Items of one line keep their order.
            rows.sort_by_key(|(line, _)| Reverse(*line));
        }
        for (line, row) in rows {
            dealer.deal(log, line, row);
        }
        let mut list: Vec<Run> = dealer.chains.into_iter().map(|chain| chain.run).collect();
        if log.n_rows(Family::Kill) > 0 && !is_newest_first {
            told::join(&mut list, log);
        }
        for (number, run) in list.iter_mut().enumerate() {
            run.number = number;
            run.order = Order::of(&run.rows);
        }
        relate(&mut list);
        mark_toolchain(&mut list, log);
        Self { list, is_part: false }
    }

    /// The run of a row.
    pub fn of_row(&self, row: RowId) -> Option<usize> {
        self.list.iter().position(|run| {
            let rows = run.rows(row.family);
            match run.order {
                Order::Rising => rows.binary_search(&row).is_ok(),
                Order::Falling => rows.binary_search_by(|other| row.cmp(other)).is_ok(),
                Order::Mixed => rows.contains(&row),
            }
        })
    }

    /// The last run that has begun at a line; the first one for lines before any.
    pub fn at_line(&self, line: u32) -> Option<usize> {
        let covering = |run: &Run| run.lines.0 <= line && line <= run.lines.1;
        self.list
            .iter()
            .rposition(covering)
            .or_else(|| self.list.iter().rposition(|run| run.lines.0 <= line))
            .or(if self.list.is_empty() { None } else { Some(0) })
    }
}

/// All rows, each with its line, in the order of their lines.
fn rows_by_line(log: &Log) -> Vec<(u32, RowId)> {
    let n_rows = Family::ALL.iter().map(|family| log.n_rows(*family)).sum();
    let mut rows = Vec::with_capacity(n_rows);
    for (index, (start, chunk)) in log.chunks().enumerate() {
        let first = rows.len();
        for family in Family::ALL {
            let Some(table) = chunk.table(*family) else { continue };
            rows.extend((0..table.len()).map(|row| {
                let line = (i64::from(start) + table.line(row)).max(0) as u32;
                (line, RowId { family: *family, chunk: index as u32, row: row as u32 })
            }));
        }
        rows[first..].sort_unstable();
    }
    // Only the head of a torn item stands in an earlier chunk than its row.
    if !rows.is_sorted() {
        rows.sort_unstable();
    }
    rows
}

/// Whether the log was exported with its newest line first: cycles count down by one, or samples go back in time, nearly
/// always. A process that starts over counts from one or prints its sample 0, so these say nothing.
fn is_newest_first(log: &Log, rows: &[(u32, RowId)]) -> bool {
    const MIN_STEPS_BACK: usize = 2;
    const MAX_STEPS: usize = 1000;
    let mut before: FxHashMap<(Family, &Arc<[u8]>), u64> = FxHashMap::default();
    let (mut back, mut forth) = (0_usize, 0_usize);
    for (_, row) in rows {
        let (_, chunk) = log.chunk(row.chunk as usize);
        let field = match row.family {
            Family::Gc => gc::N,
            Family::Sched => sched::AT_MS,
            _ => continue,
        };
        let Some(now) = log.value(*row, field).map(|value| value as u64) else { continue };
        let last = before.insert((row.family, chunk.source(row.family, row.row as usize)), now);
        let is_gc = row.family == Family::Gc;
        let Some(last) = last else { continue };
        let is_step_back = if is_gc { now > 1 && now + 1 == last } else { now > 0 && now < last };
        let is_step_forth = if is_gc { now == last + 1 } else { last > 0 && now > last };
        back += usize::from(is_step_back);
        forth += usize::from(is_step_forth);
        if back + forth == MAX_STEPS {
            break;
        }
    }
    back >= MIN_STEPS_BACK && back > 4 * forth
}

/// A run being built, with what its last rows said.
struct Chain {
    run: Run,
    /// The highest GC number of its `gc` rows.
    n: Option<u64>,
    /// GC numbers just below it that have not been seen: their lines may still come, see [`Facts::is_late`].
    missing: Vec<u64>,
    /// Start of the last `gc` row's cycle, ms since the process started; since Go 1.5.
    gc_ms: Option<u64>,
    /// Objects allocated so far, as the last `gc` row says; up to Go 1.4.
    mallocs: Option<u64>,
    /// Time of the last `SCHED` row, ms since the process started.
    sched_ms: Option<u64>,
    /// Time between the last two `SCHED` rows, ms.
    step_ms: u64,
    procs: Option<u64>,
    /// Number of rows dealt when the last one came here.
    last_dealt: u64,
    /// The most rows that were dealt between two that came here.
    longest_wait: u64,
}

impl Chain {
    fn new(line: u32, source: &Arc<[u8]>) -> Self {
        Self {
            run: Run {
                number: 0,
                lines: (line, line),
                rows: vec![Vec::new(); Family::ALL.len()],
                order: Order::Rising,
                go: GoReleases::ALL,
                source: source.clone(),
                restarts: None,
                interleaved: Vec::new(),
                toolchain: false,
            },
            n: None,
            missing: Vec::new(),
            gc_ms: None,
            mallocs: None,
            sched_ms: None,
            step_ms: 0,
            procs: None,
            last_dealt: 0,
            longest_wait: 0,
        }
    }

    /// Whether the process seems to be still writing: it has not been silent for much longer than ever before.
    fn is_alive(&self, n_dealt: u64) -> bool {
        n_dealt - self.last_dealt <= 8 + 4 * self.longest_wait
    }
}

/// How well a row continues a chain; the greatest wins.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Fit {
    /// Directly the next of its kind, not one behind a gap.
    is_next: bool,
    is_alive: bool,
    /// As many Ps as before.
    same_procs: bool,
    /// How far the row is from where it was expected.
    distance: Reverse<u64>,
}

#[derive(Default)]
struct Dealer {
    chains: Vec<Chain>,
    /// Chains by last use, latest first.
    recent: Vec<usize>,
    n_dealt: u64,
}

/// Chains that can still grow. More processes than this on one stream without names are not told apart.
const MAX_RECENT: usize = 64;

impl Dealer {
    fn deal(&mut self, log: &Log, line: u32, row: RowId) {
        let (_, chunk) = log.chunk(row.chunk as usize);
        let Some(table) = chunk.table(row.family) else { return };
        let source = chunk.source(row.family, row.row as usize);
        let facts = Facts::of(chunk, table, row);
        let mut best: Option<(Fit, usize)> = None;
        for (rank, index) in self.recent.iter().enumerate() {
            let chain = &self.chains[*index];
            let is_of_release = facts.is_of_block || !chain.run.go.intersection(facts.go).is_empty();
            if chain.run.source != *source || !is_of_release {
                continue;
            }
            // Among equal fits the chain used last wins: it comes first.
            if let Some(fit) = facts.fit(chain, self.n_dealt)
                && best.is_none_or(|(best, _)| fit > best)
            {
                best = Some((fit, rank));
            }
        }
        let index = match best {
            Some((_, rank)) => {
                self.recent[..=rank].rotate_right(1);
                self.recent[0]
            }
            None => {
                self.chains.push(Chain::new(line, source));
                self.recent.insert(0, self.chains.len() - 1);
                self.recent.truncate(MAX_RECENT);
                self.chains.len() - 1
            }
        };
        let chain = &mut self.chains[index];
        facts.update(chain);
        if best.is_some() {
            chain.longest_wait = chain.longest_wait.max(self.n_dealt - chain.last_dealt);
        }
        chain.last_dealt = self.n_dealt;
        chain.run.lines = (chain.run.lines.0.min(line), chain.run.lines.1.max(line));
        chain.run.rows[row.family as usize].push(row);
        self.n_dealt += 1;
    }
}

/// What a row says about the identity of its process.
struct Facts {
    family: Family,
    /// It is a line of a dump or a profile.
    is_of_block: bool,
    /// Releases that can have printed it.
    go: GoReleases,
    n: Option<u64>,
    gc_ms: Option<u64>,
    mallocs: Option<u64>,
    sched_ms: Option<u64>,
    procs: Option<u64>,
}

/// A `SCHED` line and a cycle agree in time if they are no further apart than this: a cycle is dated by its start and
/// printed at its end, ms.
const MAX_CYCLE_MS: u64 = 2_000;

/// Cycles that a line may stand behind the place where it belongs.
const MAX_SWAP: u64 = 3;

impl Facts {
    fn of(chunk: &Chunk, table: &Table, row: RowId) -> Self {
        let row_idx = row.row as usize;
        let shape = table.shape(row_idx);
        let field_code = |field: u8| table.code(row_idx, field);
        let is_set = |flag: u8| field_code(flag) == Some(1);
        let go = if chunk.is_torn(row.family, row.row) {
            template::releases_of(shape, |field| field_code(field).is_some(), is_set)
        } else {
            template::releases(shape, template::layout(shape).flags.iter().copied().filter(|flag| is_set(*flag)))
        };
        let code = |field: Field| field_code(field.index);
        let number = |field: Field| {
            let value = cells::value(template::kind(shape, field.index), code(field)?);
            (value >= 0.0).then_some(value)
        };
        let mut facts = Self {
            family: row.family,
            is_of_block: shape.def().at == At::Line,
            go,
            n: None,
            gc_ms: None,
            mallocs: None,
            sched_ms: None,
            procs: None,
        };
        match row.family {
            Family::Gc => {
                facts.n = code(gc::N);
                facts.gc_ms = number(gc::AT_S).map(|at_s| (at_s * 1000.0).round() as u64);
                facts.mallocs = code(gc::MALLOCS);
                facts.procs = code(gc::PROCS);
            }
            Family::Sched => {
                facts.sched_ms = number(sched::AT_MS).map(|ms| ms as u64);
                facts.procs = number(sched::GOMAXPROCS).map(|procs| procs as u64);
            }
            _ => {}
        }
        facts
    }

    /// How well this continues a chain; None when it cannot.
    fn fit(&self, chain: &Chain, n_dealt: u64) -> Option<Fit> {
        let (is_next, distance) = match self.family {
            Family::Gc => self.fit_gc(chain)?,
            Family::Sched => self.fit_sched(chain)?,
            // Nothing in these lines identifies a process: they follow the chain used last.
            _ => return Some(Fit::UNKNOWN),
        };
        let same_procs = self.procs.is_none() || chain.procs.is_none() || self.procs == chain.procs;
        Some(Fit { is_next, is_alive: chain.is_alive(n_dealt), same_procs, distance: Reverse(distance) })
    }

    /// Whether a cycle is the next of a chain, and how far from it; None when it cannot belong to it.
    fn fit_gc(&self, chain: &Chain) -> Option<(bool, u64)> {
        let is_earlier =
            |now: Option<u64>, before: Option<u64>| matches!((now, before), (Some(now), Some(before)) if now < before);
        // Lines that lost their number to a tear go where their time fits.
        let (Some(n), Some(before)) = (self.n, chain.n) else {
            let impossible = is_earlier(self.gc_ms, chain.gc_ms)
                || is_earlier(self.mallocs, chain.mallocs)
                || is_earlier(self.gc_ms.map(|ms| ms + MAX_CYCLE_MS), chain.sched_ms);
            return (!impossible).then_some((false, 0));
        };
        if self.is_double(n, before, chain) {
            return Some((false, 0));
        }
        if self.is_late(n, before, chain) {
            let apart = self.gc_ms.zip(chain.gc_ms).map_or(before - n, |(now, before)| before - now);
            return Some((true, apart));
        }
        if n <= before || is_earlier(self.gc_ms, chain.gc_ms) || is_earlier(self.mallocs, chain.mallocs) {
            return None;
        }
        let elapsed = self.gc_ms.zip(chain.gc_ms).map_or(0, |(now, before)| now - before);
        Some(if n == before + 1 { (true, elapsed) } else { (false, n - before) })
    }

    /// Collectors that merge streams may swap lines that are close to each other: the number was missing, and what rises
    /// has not risen that far.
    fn is_late(&self, n: u64, before: u64, chain: &Chain) -> bool {
        let is_later =
            |now: Option<u64>, before: Option<u64>| matches!((now, before), (Some(now), Some(before)) if now > before);
        n + MAX_SWAP >= before
            && chain.missing.contains(&n)
            && !is_later(self.gc_ms, chain.gc_ms)
            && !is_later(self.mallocs, chain.mallocs)
    }

    /// Go 1.5 numbers two cycles alike, and prints the earlier one last, when the second begins while the first has not
    /// been printed yet (formats reference, gctrace 4).
    fn is_double(&self, n: u64, before: u64, chain: &Chain) -> bool {
        let only_1_5 = self.go.oldest() == Some(5) && self.go.newest() == Some(5);
        let near = self.gc_ms.zip(chain.gc_ms).is_some_and(|(now, before)| now.abs_diff(before) <= MAX_CYCLE_MS);
        only_1_5 && n == before && n > 1 && self.gc_ms != chain.gc_ms && near
    }

    /// Whether a sample is the next of a chain, and how far from it; None when it cannot belong to it.
    fn fit_sched(&self, chain: &Chain) -> Option<(bool, u64)> {
        match (self.sched_ms, chain.sched_ms) {
            // Samples are a millisecond apart at least.
            (Some(ms), Some(before)) if ms <= before => None,
            // A process that changes its Ps keeps its pace.
            (Some(ms), Some(before)) if self.procs != chain.procs && (ms - before) * 2 < chain.step_ms => None,
            // The pace of a process that has printed one sample only is not known: any is as expected.
            (Some(_), Some(_)) if chain.step_ms == 0 => Some((true, 0)),
            (Some(ms), Some(before)) => Some((true, ms.abs_diff(before + chain.step_ms))),
            (Some(ms), None) => chain.gc_ms.is_none_or(|gc_ms| ms + MAX_CYCLE_MS >= gc_ms).then_some((false, 0)),
            // A torn line without a time follows the chain used last.
            (None, _) => Some((false, 0)),
        }
    }

    fn update(&self, chain: &mut Chain) {
        let go = chain.run.go.intersection(self.go);
        if !self.is_of_block || !go.is_empty() {
            chain.run.go = go;
        }
        if let (Some(ms), Some(before)) = (self.sched_ms, chain.sched_ms) {
            chain.step_ms = ms.saturating_sub(before);
        }
        if let Some(n) = self.n {
            chain.missing.retain(|missing| *missing != n && *missing + MAX_SWAP >= n);
            // What came before the first line of a process can be late only at its very start.
            let known = chain.n.unwrap_or(if n <= MAX_SWAP { 0 } else { n });
            chain.missing.extend((known + 1).max(n.saturating_sub(MAX_SWAP))..n);
        }
        chain.n = self.n.max(chain.n);
        chain.gc_ms = self.gc_ms.max(chain.gc_ms);
        chain.mallocs = self.mallocs.max(chain.mallocs);
        chain.sched_ms = self.sched_ms.or(chain.sched_ms);
        chain.procs = self.procs.or(chain.procs);
    }
}

impl Fit {
    const UNKNOWN: Self = Self { is_next: false, is_alive: true, same_procs: true, distance: Reverse(0) };
}

/// Finds out which runs follow each other and which alternate.
fn relate(list: &mut [Run]) {
    /// Runs of one source that are still going on, and the one that ended last.
    #[derive(Default)]
    struct Seen {
        open: Vec<usize>,
        ended: Option<usize>,
    }
    let mut by_source: FxHashMap<Arc<[u8]>, Seen> = FxHashMap::default();
    // The line on which a run began and the one on which it ended, counted in the direction of time.
    let is_falling = list.iter().any(|run| run.order == Order::Falling);
    let lines = |run: &Run| {
        let (first, last) = run.lines;
        if is_falling { (u32::MAX - last, u32::MAX - first) } else { (first, last) }
    };
    for index in 0..list.len() {
        let start = lines(&list[index]).0;
        let seen = by_source.entry(list[index].source.clone()).or_default();
        let (open, ended): (Vec<usize>, Vec<usize>) =
            seen.open.iter().partition(|other| lines(&list[**other]).1 > start);
        seen.ended = ended.into_iter().chain(seen.ended).max_by_key(|other| lines(&list[*other]).1);
        seen.open = open;
        list[index].restarts = seen.ended;
        for other in &seen.open {
            list[index].interleaved.push(*other);
            list[*other].interleaved.push(index);
        }
        seen.open.push(index);
    }
}

/// Under `go run` and its like the toolchain prints first, then a heading, then the program runs.
fn mark_toolchain(list: &mut [Run], log: &Log) {
    let headings = log.marks().filter(|(_, mark)| *mark == Mark::ToolchainHeading);
    let Some(last_heading) = headings.map(|(line, _)| line).max() else { return };
    for run in list {
        run.toolchain = run.lines.1 < last_heading;
    }
}

#[cfg(test)]
mod tests;
