//! What a run shows about the cost of its collections, and what that cost would be under other settings.
//!
//! The model: a collection costs what it costs to mark the live heap, whenever it comes; how often it comes is how fast
//! the room up to the goal is allocated. GOGC and the memory limit move the goal and nothing else. It holds while live heap
//! and allocation stay what they were.

use std::ops::Range;

use crate::derived::{
    alloc_rate_over, effective_gogc_pct, gc_cpu_and_idle_ms, goal_is_lifted, interval_s, live_before_mark_mb,
};
use crate::stats::{median, quantile};
use crate::view::RunView;

/// Warm-up at the start of a run: this share of its time, and so many cycles where that leaves enough of them.
const WARM_UP: (f64, usize) = (0.15, 10);

/// Fewest cycles behind warm-up from which anything is predicted.
const MIN_CYCLES: usize = 8;

/// Rows of which medians are taken.
const MAX_SAMPLED: usize = 4_096;

/// Share of memory below a limit that the runtime keeps free (`memoryLimitHeapGoal` in `runtime/mgcpacer.go`, since 1.21).
const HEADROOM: f64 = 0.03;

/// What the runtime needs besides heap objects: MB, and share of the limit (9 to 19 MB in programs with 40 to 400 MB).
const NON_HEAP: (f64, f64) = (10.0, 0.03);

/// A run in the numbers that its future depends on. Sizes are MiB, which Go prints as MB.
#[derive(Clone, Debug, PartialEq)]
pub struct Measured {
    /// Cycles behind warm-up, and the time they span, s.
    pub n_cycles: usize,
    /// See `n_cycles`.
    pub span_s: f64,
    /// 95th percentile of the live heap without what was allocated while it was marked.
    pub live_mb: f64,
    /// What must fit below a limit, MB: `live_mb`, or what was live during warm-up, where that was more.
    pub held_mb: f64,
    /// Median of the live heap as printed, which is what goals are made of.
    pub marked_mb: f64,
    /// Stacks and globals, which goals since 1.18 count too; 0 where they are not printed.
    pub roots_mb: f64,
    /// Objects allocated, MB/s.
    pub alloc_mb_per_s: f64,
    /// P-time of a collection, idle workers included, ms.
    pub cycle_cpu_ms: f64,
    /// How far the heap grows from what one cycle left to the end of the next, MB; median.
    pub room_mb: f64,
    /// Share of all P-time (of `cpu_limit`, where that is known) that collecting took, 0 to about 1.
    pub gc_share: f64,
    /// Processors of which that is a share.
    pub cpus: f64,
    /// GOMAXPROCS.
    pub procs: f64,
    /// Median goal.
    pub goal_mb: f64,
    /// Largest heap behind warm-up.
    pub peak_mb: f64,
    /// Largest heap of the whole run.
    pub highest_mb: f64,
    /// GOGC in effect, %, where goals tell it.
    pub gogc_pct: Option<f64>,
}

/// A setting of the collector to predict a run under.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Collector {
    /// `GOGC=`, %.
    Gogc(f64),
    /// `GOGC=off GOMEMLIMIT=`, MiB.
    LimitOnly(f64),
    /// Both: the lower goal counts.
    Both {
        /// `GOGC=`, %.
        gogc_pct: f64,
        /// `GOMEMLIMIT=`, MiB.
        limit_mb: f64,
    },
}

/// A run as it would be under a setting.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Predicted {
    /// The setting.
    pub collector: Collector,
    /// The goal of its cycles, MB: about its peak heap.
    pub peak_mb: f64,
    /// Share of P-time that collecting takes.
    pub gc_share: f64,
}

impl Measured {
    /// Measures a run. None where it is too short, its release prints too little, or it hardly allocates.
    pub fn of(run: &RunView, cpu_limit: Option<f64>) -> Option<Self> {
        let cycles = &run.cycles;
        let rows = steady(run)?;
        let ordinary: Vec<usize> = rows.clone().filter(|row| !cycles.forced[*row] && !cycles.timer[*row]).collect();
        if ordinary.len() < MIN_CYCLES {
            return None;
        }
        // Medians of every row of a big log would cost more than all rules; those of evenly spread ones say the same.
        let ordinary: Vec<usize> = ordinary.iter().copied().step_by(ordinary.len().div_ceil(MAX_SAMPLED)).collect();
        let over =
            |quantity: &dyn Fn(usize) -> f64| -> Vec<f64> { ordinary.iter().map(|row| quantity(*row)).collect() };
        let middle = |quantity: &dyn Fn(usize) -> f64| median(&over(quantity));
        let alloc_mb_per_s = alloc_rate_over(cycles, rows.clone());
        let cycle_cpu_ms = middle(&|row| gc_cpu_and_idle_ms(cycles, row))?;
        let span_s: f64 = rows.clone().map(|row| interval_s(cycles, row)).filter(|gap| gap.is_finite()).sum();
        let procs = middle(&|row| cycles.procs[row])?;
        let cpus = cpu_limit.map_or(procs, |limit| limit.min(procs));
        let spent_ms: f64 = rows
            .clone()
            .filter(|row| interval_s(cycles, *row).is_finite())
            .map(|row| gc_cpu_and_idle_ms(cycles, row))
            .filter(|ms| ms.is_finite())
            .sum();
        let printed = |sizes: &[f64]| middle(&|row| sizes[row]).unwrap_or(0.0);
        let gogc: Vec<f64> = ordinary
            .iter()
            .filter(|row| !goal_is_lifted(cycles, **row))
            .map(|row| effective_gogc_pct(cycles, *row))
            .collect();
        let highest = |rows: Range<usize>| rows.map(|row| cycles.heap_end_mb[row]).fold(f64::NAN, f64::max);
        let peak_mb = highest(rows.clone());
        let live_mb = quantile(&over(&|row| live_before_mark_mb(cycles, row)), 0.95)?;
        let is_known = alloc_mb_per_s.is_finite() && alloc_mb_per_s > 0.0 && span_s > 0.0 && peak_mb.is_finite();
        is_known.then_some(())?;
        Some(Self {
            n_cycles: rows.len(),
            span_s,
            live_mb,
            held_mb: held_mb(live_mb, (0..rows.start).map(|row| live_before_mark_mb(cycles, row))),
            marked_mb: middle(&|row| cycles.heap_live_mb[row])?,
            roots_mb: printed(&cycles.stacks_mb) + printed(&cycles.globals_mb),
            alloc_mb_per_s,
            cycle_cpu_ms,
            room_mb: middle(&|row| room_mb(run, row))?,
            gc_share: spent_ms / (1000.0 * cpus * span_s),
            cpus,
            procs,
            goal_mb: middle(&|row| cycles.heap_goal_mb[row])?,
            peak_mb,
            highest_mb: highest(0..cycles.len()),
            gogc_pct: median(&gogc),
        })
    }

    /// The run under another setting.
    pub fn under(&self, collector: Collector) -> Predicted {
        let peak_mb = match collector {
            Collector::Gogc(gogc_pct) => self.goal_of_gogc(gogc_pct),
            Collector::LimitOnly(limit_mb) => self.goal_of_limit(limit_mb),
            Collector::Both { gogc_pct, limit_mb } => self.goal_of_gogc(gogc_pct).min(self.goal_of_limit(limit_mb)),
        };
        // As many times fewer collections as there is more room between them. The runtime does not spend more than half of
        // the processors on them (`runtime/mgclimit.go`).
        let room_mb = (peak_mb - self.marked_mb).max(f64::MIN_POSITIVE);
        let gc_share = (self.gc_share * self.room_mb / room_mb).min(0.5_f64.max(self.gc_share));
        Predicted { collector, peak_mb: peak_mb.max(self.marked_mb), gc_share }
    }

    /// The goal that GOGC gives, at least 4 MB for GOGC=100 (`gcControllerState.commit`).
    fn goal_of_gogc(&self, gogc_pct: f64) -> f64 {
        let goal_mb = self.marked_mb + (self.marked_mb + self.roots_mb) * gogc_pct / 100.0;
        goal_mb.max(4.0 * gogc_pct / 100.0)
    }

    /// The highest goal under a memory limit.
    pub fn goal_of_limit(&self, limit_mb: f64) -> f64 {
        (1.0 - HEADROOM) * (limit_mb - non_heap_mb(limit_mb))
    }

    /// Effective GOGC at a memory limit, %: how far the heap may grow above the most that it has to hold.
    pub fn gogc_at_limit_pct(&self, limit_mb: f64) -> f64 {
        100.0 * (self.goal_of_limit(limit_mb) - self.held_mb) / (self.held_mb + self.roots_mb)
    }
}

/// Memory of the runtime that is not heap objects, under a limit.
pub(super) fn non_heap_mb(limit_mb: f64) -> f64 {
    NON_HEAP.0 + NON_HEAP.1 * limit_mb
}

/// The live heap, or the highest of those of warm-up, where that is clearly more: sizes are printed in whole MB.
fn held_mb(live_mb: f64, warm_up: impl Iterator<Item = f64>) -> f64 {
    const CLEARLY_MB: f64 = 2.0;
    let highest_mb = warm_up.fold(live_mb, f64::max);
    if highest_mb >= live_mb + CLEARLY_MB { highest_mb } else { live_mb }
}

/// How far the heap grew from what the cycle before left to the end of this one, MB; NaN where a line is missing between.
fn room_mb(run: &RunView, row: usize) -> f64 {
    let before = row.checked_sub(1).filter(|before| interval_s(&run.cycles, *before).is_finite());
    before.map_or(f64::NAN, |before| run.cycles.heap_end_mb[row] - run.cycles.heap_live_mb[before])
}

/// The rows behind warm-up.
fn steady(run: &RunView) -> Option<Range<usize>> {
    let at_s = &run.cycles.at_s;
    let (start_s, end_s) = (at_s.iter().find(|at| at.is_finite())?, at_s.iter().rev().find(|at| at.is_finite())?);
    let warm_s = start_s + WARM_UP.0 * (end_s - start_s);
    let by_time = at_s.iter().position(|at| *at >= warm_s)?;
    let n_rows = at_s.len();
    let by_number = if n_rows >= WARM_UP.1 + MIN_CYCLES { WARM_UP.1 } else { 0 };
    let first = by_time.max(by_number);
    (first + MIN_CYCLES <= n_rows).then_some(first..n_rows)
}
