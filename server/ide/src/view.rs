//! One process run as plain series, the only thing trend and point rules read.
//!
//! A [`RunView`] is filled from the columns of the parsed log (`view/fill.rs`) and lives as long as one pass of the rules.
//! Absent values are NaN in float series: a rule must say what it does then (usually: skip the row, or stay silent).

pub(crate) mod detail;
mod fill;
mod memstats;
mod pacer;
mod scav;

use std::sync::{Arc, OnceLock};

pub(crate) use fill::{NO_GOAL_MB, STOPPED_MS, STOPPED_US, WRAPPED_MS};
pub use memstats::Memstats;
pub use pacer::Pacer;
pub use scav::{Scav, Scvg};
use tracelog::GoReleases;

use self::detail::Detail;
use crate::derived::DerivedSeries;
use crate::environment::GoalSettings;
use crate::requests::Requests;
use crate::rules::growth::Series;
use crate::rules::growth::replay::Standing;
use crate::rules::memory_limit_active::Point;

/// One life of one process, as far as the log shows it.
#[derive(Debug, Default)]
pub struct RunView {
    /// Number of the run in the log, from 0.
    pub run: usize,
    /// The run of the same process slot that ended where this one starts (a restart), if any.
    pub restarts: Option<usize>,
    /// Runs whose lines alternate with this one's (two processes on one stream).
    pub interleaved: Vec<usize>,
    /// Printed by the Go toolchain and not by the program itself.
    pub toolchain: bool,
    /// Releases that can have printed all lines of the run.
    pub go: Option<GoReleases>,
    /// First and last line of the run.
    pub lines: (u32, u32),
    /// Its garbage collections, in order.
    pub cycles: Cycles,
    /// Its scheduler samples, in order.
    pub samples: Samples,
    /// What those of scheddetail say about Ps, threads and goroutines.
    pub detail: Detail,
    /// Lines `GC forced`, in order.
    pub timer_lines: Vec<u32>,
    /// What the scavenger says since Go 1.14, in order.
    pub scav: Scav,
    /// What the scavenger says up to Go 1.13, in order.
    pub scvg: Scvg,
    /// What the pacer says, cycle by cycle.
    pub pacer: Pacer,
    /// Numbers of MemStats, block by block.
    pub memstats: Memstats,
    /// How long its requests took, where lines of the program say so; filled by [`crate::requests`].
    pub requests: Option<Arc<Requests>>,
    /// The last time (seconds since start) that any line of the run carries, when later than the last cycle.
    pub last_seen_s: Option<f64>,
    /// What the goals say about GOGC and a memory limit, once: several rules ask.
    pub(crate) goal_settings: OnceLock<GoalSettings>,
    /// Live heaps and the goals that were set from them, once.
    pub(crate) goal_points: OnceLock<Vec<Point>>,
    /// The live heap as the rules on growth see it, once.
    pub(crate) live_heap: OnceLock<Series>,
    /// Whether it keeps rising, once.
    pub(crate) rising: OnceLock<Option<Standing>>,
}

/// The direction in which a log was written: newest line last, or first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Axis {
    falls: bool,
}

impl Axis {
    /// Of the lines of one family, in the order of time; where there are too few to tell, of the cycles.
    pub(crate) fn of(lines: &[u32], cycles: &Cycles) -> Self {
        let falls = |lines: &[u32]| Some(lines.last()? < lines.first()?);
        let told = if lines.len() > 1 { falls(lines) } else { falls(&cycles.line) };
        Self { falls: told.unwrap_or(false) }
    }

    /// Something that rises with time.
    pub(crate) fn place(self, line: u32) -> u32 {
        if self.falls { u32::MAX - line } else { line }
    }

    /// How many of these lines, in the order of time, were written before this one.
    pub(crate) fn n_before(self, lines: &[u32], line: u32) -> usize {
        lines.partition_point(|other| self.place(*other) < self.place(line))
    }
}

/// The `gc` lines of a run, one element a line in every series.
///
/// Fields that a release does not print are NaN for the whole run; see the field reference for meanings.
#[derive(Debug, Default, Clone)]
pub struct Cycles {
    /// Line in the document, from 0.
    pub line: Vec<u32>,
    /// GC number.
    pub n: Vec<u64>,
    /// Start time, s since start (Go 1.5 and later; before, NaN).
    pub at_s: Vec<f64>,
    /// The printed percentage, since start.
    pub gc_cpu_pct: Vec<f64>,
    /// First stop-the-world phase, ms (`p1`). Go 1.0 – 1.4: the whole cycle is one pause and stands in `pause_ms` only.
    pub sweep_term_ms: Vec<f64>,
    /// Concurrent mark, ms (`m`); in Go 1.5 scan + sync + mark.
    pub mark_ms: Vec<f64>,
    /// Last stop-the-world phase, ms (`p2`).
    pub mark_term_ms: Vec<f64>,
    /// Sum of all stop-the-world time of the cycle, ms, in every release.
    pub pause_ms: Vec<f64>,
    /// P-time of the first pause, ms (`c1`).
    pub cpu_sweep_term_ms: Vec<f64>,
    /// P-time of assists, ms (`ca`).
    pub cpu_assist_ms: Vec<f64>,
    /// P-time of dedicated and fractional workers, ms (`cb`).
    pub cpu_background_ms: Vec<f64>,
    /// P-time of idle workers, ms (`ci`).
    pub cpu_idle_ms: Vec<f64>,
    /// P-time of the last pause, ms (`c2`).
    pub cpu_mark_term_ms: Vec<f64>,
    /// Heap at the start of the cycle, MB (`h0`).
    pub heap_start_mb: Vec<f64>,
    /// Heap at mark termination, MB (`h1`).
    pub heap_end_mb: Vec<f64>,
    /// Live heap, MB (`h2`): marked live since Go 1.5; heap after the collection in 1.0 – 1.2;
    /// in 1.3 and 1.4 the first heap number of the *next* line (its "live after the previous GC"), NaN on the last.
    pub heap_live_mb: Vec<f64>,
    /// Goal of this cycle, MB; NaN for "no goal" values (10^9 MB and more).
    pub heap_goal_mb: Vec<f64>,
    /// A "no goal" value is printed: `GOGC=off` and no memory limit.
    pub no_goal: Vec<bool>,
    /// Scannable stacks, MB (Go 1.18 and later).
    pub stacks_mb: Vec<f64>,
    /// Scannable globals, MB (Go 1.18 and later).
    pub globals_mb: Vec<f64>,
    /// Goroutines (Go 1.4).
    pub goroutines: Vec<f64>,
    /// GOMAXPROCS.
    pub procs: Vec<f64>,
    /// `(forced)`.
    pub forced: Vec<bool>,
    /// `(checking for goroutine leaks)`.
    pub leak_check: Vec<bool>,
    /// A `GC forced` line announced this cycle.
    pub timer: Vec<bool>,
    /// What [`crate::derived`] makes of these series, once; they do not change after.
    pub(crate) derived: OnceLock<DerivedSeries>,
}

/// The `SCHED` lines of a run, one element a line in every series.
#[derive(Debug, Default, Clone)]
pub struct Samples {
    /// Line in the document, from 0.
    pub line: Vec<u32>,
    /// Time, s since the first sample of the process.
    pub at_s: Vec<f64>,
    /// GOMAXPROCS.
    pub gomaxprocs: Vec<f64>,
    /// Idle Ps.
    pub idleprocs: Vec<f64>,
    /// OS threads.
    pub threads: Vec<f64>,
    /// Idle threads.
    pub idlethreads: Vec<f64>,
    /// Spinning threads (Go 1.4 and later).
    pub spinningthreads: Vec<f64>,
    /// Length of the global run queue.
    pub runqueue: Vec<f64>,
    /// Idle threads that are locked to a goroutine (scheddetail).
    pub idle_locked: Vec<f64>,
    /// Sum of the local run queues. Heads of scheddetail do not print them: theirs are those of the P lines, NaN where
    /// one of these is missing.
    pub local_sum: Vec<f64>,
    /// Longest local run queue.
    pub local_max: Vec<f64>,
    /// Shortest local run queue.
    pub local_min: Vec<f64>,
    /// How unequal the local run queues are: their Gini coefficient, 0 to 1; 0 where all are empty.
    pub local_gini: Vec<f64>,
    /// Sum of schedticks (Go 1.25 and later, and scheddetail of all releases).
    pub schedticks_sum: Vec<f64>,
}

impl Cycles {
    /// Number of cycles.
    pub fn len(&self) -> usize {
        self.line.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.line.is_empty()
    }
}

impl Samples {
    /// Number of samples.
    pub fn len(&self) -> usize {
        self.line.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.line.is_empty()
    }
}
