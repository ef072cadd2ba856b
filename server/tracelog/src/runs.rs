//! Process runs: which rows were printed by the same life of the same process.
//!
//! Nothing in a trace line names its process, but counters and clocks of one process only rise. Rows are dealt to
//! *chains* in the order of their lines: a row goes to the chain it continues best, or starts a new one. A chain that
//! starts after another has ended is a restart; chains that alternate are processes writing to one stream.

use std::sync::Arc;

use rustc_hash::FxHashMap;

use crate::catalog::{Family, Field, GoReleases, gc, sched};
use crate::chunk::Mark;
use crate::log::{Log, RowId};
use crate::template;

/// One life of one process, as far as the log shows it.
#[derive(Clone, Debug)]
pub struct Run {
    /// First and last line on which an item of the run begins.
    pub lines: (u32, u32),
    /// Its rows by family, in the order of their lines; indexed by [`Family`].
    rows: Vec<Vec<RowId>>,
    /// Releases that can have printed all its lines. Empty when no single release can.
    pub go: GoReleases,
    /// What carriers say about the process; empty where they say nothing.
    pub source: Arc<[u8]>,
    /// The run that ended where this one starts.
    pub restarts: Option<usize>,
    /// Runs whose lines alternate with this one's.
    pub interleaved: Vec<usize>,
    /// Printed by the Go toolchain (`go run`, `go test`, `go build`) and not by the program itself.
    pub toolchain: bool,
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
}

impl Runs {
    /// Deals the rows of a log to runs.
    pub fn of(log: &Log) -> Self {
        let mut dealer = Dealer { log, chains: Vec::new(), recent: Vec::new() };
        for row in rows_by_line(log) {
            dealer.deal(row);
        }
        let mut list: Vec<Run> = dealer.chains.into_iter().map(|chain| chain.run).collect();
        relate(&mut list);
        mark_toolchain(&mut list, log);
        Self { list }
    }

    /// The run of a row.
    pub fn of_row(&self, row: RowId) -> Option<usize> {
        let has = |run: &Run| {
            let rows = run.rows(row.family);
            // Rows stand in line order, which is their own order too but for torn items.
            rows.binary_search(&row).is_ok() || !rows.is_sorted() && rows.contains(&row)
        };
        self.list.iter().position(has)
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

fn rows_by_line(log: &Log) -> Vec<RowId> {
    let mut rows: Vec<(u32, RowId)> =
        Family::ALL.iter().flat_map(|family| log.rows(*family)).map(|row| (log.line(row), row)).collect();
    rows.sort_by_key(|(line, row)| (*line, row.chunk, row.row));
    rows.into_iter().map(|(_, row)| row).collect()
}

/// A run being built, with what its last rows said.
struct Chain {
    run: Run,
    /// GC number of the last `gc` row.
    n: Option<u64>,
    /// A clock of `gc` rows that only rises: start time in ms, or mallocs so far where no time is printed.
    clock: Option<u64>,
    /// Time of the last `SCHED` row, ms.
    sched_ms: Option<u64>,
    procs: Option<u64>,
}

/// How well a row continues a chain.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Fit {
    /// Possible, with rows of this family missing or none there yet.
    Gap,
    /// Directly the next.
    Next,
}

struct Dealer<'a> {
    log: &'a Log,
    chains: Vec<Chain>,
    /// Chains by last use, latest first.
    recent: Vec<usize>,
}

/// Chains that can still grow. More processes than this on one stream without names are not told apart.
const MAX_RECENT: usize = 64;

impl Dealer<'_> {
    fn deal(&mut self, row: RowId) {
        let source = self.log.source(row);
        let go = self.go(row);
        let facts = Facts::of(self.log, row);
        let mut best: Option<(Fit, usize)> = None;
        for (rank, index) in self.recent.iter().enumerate() {
            let chain = &self.chains[*index];
            if chain.run.source != source || chain.run.go.intersection(go).is_empty() {
                continue;
            }
            // Among equal fits the chain used last wins: it comes first.
            if let Some(fit) = facts.fit(chain)
                && best.is_none_or(|(best, _)| fit > best)
            {
                best = Some((fit, rank));
            }
        }
        let index = match best {
            Some((_, rank)) => self.recent.remove(rank),
            None => {
                self.chains.push(Chain {
                    run: Run {
                        lines: (self.log.line(row), self.log.line(row)),
                        rows: vec![Vec::new(); Family::ALL.len()],
                        go: GoReleases::ALL,
                        source,
                        restarts: None,
                        interleaved: Vec::new(),
                        toolchain: false,
                    },
                    n: None,
                    clock: None,
                    sched_ms: None,
                    procs: None,
                });
                self.chains.len() - 1
            }
        };
        self.recent.insert(0, index);
        self.recent.truncate(MAX_RECENT);
        let chain = &mut self.chains[index];
        facts.update(chain);
        chain.run.go = chain.run.go.intersection(go);
        chain.run.lines.1 = chain.run.lines.1.max(self.log.line(row));
        chain.run.rows[row.family as usize].push(row);
    }

    fn go(&self, row: RowId) -> GoReleases {
        let shape = self.log.shape(row);
        let flags = shape.def().pieces.iter().filter_map(|piece| match piece {
            crate::catalog::Piece::Flag(field, _) => Some(*field),
            _ => None,
        });
        let printed = flags.filter(|field| self.log.code(row, Field { family: row.family, index: *field }) == Some(1));
        template::releases(shape, printed)
    }
}

/// What a row says about the identity of its process.
struct Facts {
    family: Family,
    n: Option<u64>,
    clock: Option<u64>,
    sched_ms: Option<u64>,
    procs: Option<u64>,
}

impl Facts {
    fn of(log: &Log, row: RowId) -> Self {
        let code = |field: Field| log.code(row, field);
        let number = |field: Field| log.value(row, field).filter(|value| *value >= 0.0).map(|value| value as u64);
        let mut facts = Self { family: row.family, n: None, clock: None, sched_ms: None, procs: None };
        match row.family {
            Family::Gc => {
                facts.n = code(gc::N);
                facts.clock = code(gc::AT_S).or_else(|| code(gc::MALLOCS));
                facts.procs = code(gc::PROCS);
            }
            Family::Sched => {
                facts.sched_ms = number(sched::AT_MS);
                facts.procs = code(sched::GOMAXPROCS);
            }
            Family::GcForced | Family::Scvg | Family::Scav => {}
        }
        facts
    }

    /// How well this continues a chain; None when it cannot.
    fn fit(&self, chain: &Chain) -> Option<Fit> {
        match self.family {
            Family::Gc => self.fit_gc(chain),
            Family::Sched => self.fit_sched(chain),
            // Nothing in these lines identifies a process: they follow the chain used last.
            Family::GcForced | Family::Scvg | Family::Scav => Some(Fit::Gap),
        }
    }

    fn fit_gc(&self, chain: &Chain) -> Option<Fit> {
        let later = |now: Option<u64>, before: Option<u64>| match (now, before) {
            (Some(now), Some(before)) => now >= before,
            _ => true,
        };
        if !later(self.clock, chain.clock) {
            return None;
        }
        match (self.n, chain.n) {
            (Some(n), Some(before)) if n == before + 1 => Some(Fit::Next),
            // Go 1.5 can print two cycles out of order or under one number (formats reference, gctrace 4).
            (Some(n), Some(before)) if n == before && self.clock.is_some() && self.clock != chain.clock => {
                Some(Fit::Gap)
            }
            (Some(n), Some(before)) => (n > before).then_some(Fit::Gap),
            (Some(n), None) => self.joins_samples(n, chain).then_some(Fit::Gap),
            // A torn line without a number goes where its time fits.
            (None, _) => Some(Fit::Gap),
        }
    }

    /// Whether a first cycle can belong to a process of which only scheduler samples are known.
    fn joins_samples(&self, n: u64, chain: &Chain) -> bool {
        match (chain.sched_ms, self.clock) {
            // A first cycle of a process that has been tracing for long is plausible; a late one is not, unless its
            // time agrees.
            (Some(ms), Some(clock)) => n == 1 || clock + 2_000 >= ms,
            _ => true,
        }
    }

    fn fit_sched(&self, chain: &Chain) -> Option<Fit> {
        // A torn line without a time follows the chain used last. The first sample of a process prints 0; one that starts
        // later has lost its first samples.
        let (Some(ms), Some(before)) = (self.sched_ms, chain.sched_ms) else { return Some(Fit::Gap) };
        if ms < before {
            return None;
        }
        Some(if self.procs == chain.procs { Fit::Next } else { Fit::Gap })
    }

    fn update(&self, chain: &mut Chain) {
        chain.n = self.n.or(chain.n);
        chain.clock = self.clock.or(chain.clock);
        chain.sched_ms = self.sched_ms.or(chain.sched_ms);
        if self.family == Family::Sched {
            chain.procs = self.procs.or(chain.procs);
        }
    }
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
    for index in 0..list.len() {
        let start = list[index].lines.0;
        let seen = by_source.entry(list[index].source.clone()).or_default();
        let (open, ended): (Vec<usize>, Vec<usize>) = seen.open.iter().partition(|other| list[**other].lines.1 > start);
        seen.ended = ended.into_iter().chain(seen.ended).max_by_key(|other| list[*other].lines.1);
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
    let headings: Vec<u32> =
        log.marks().filter(|(_, mark)| *mark == Mark::ToolchainHeading).map(|(line, _)| line).collect();
    for run in list {
        run.toolchain = headings.iter().any(|heading| run.lines.1 < *heading);
    }
}
