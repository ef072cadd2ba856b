//! What happened in a run, in numbers: the lens, the outline and `gotracelens summary` say the same thing in their own
//! words.
//!
//! An absent number carries the reason why it is absent.

use std::sync::Arc;

use tracelog::GoReleases;

use crate::derived;
use crate::glimpse::{Glimpse, glimpses};
use crate::requests::Requests;
use crate::rules::growth::so_far::{SoFar, so_far};
use crate::rules::{Finding, Severity};
use crate::stats;
use crate::view::{Cycles, Memstats, RunView, Samples};

/// A number, or why there is none.
pub type Known<T> = Result<T, Absent>;

/// Why a number is absent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Absent {
    /// The releases that can have printed this run do not print what it needs.
    NotPrinted,
    /// With scheddetail=1 it stands on the P lines and not on the SCHED line.
    OnDetailLines,
    /// There are no such lines in the run.
    NoLines,
    /// There are too few lines.
    TooFew,
    /// The values say nothing about it (for example a goal at its floor about GOGC).
    Undetermined,
}

impl Absent {
    /// The reason in words.
    pub const fn reason(self) -> &'static str {
        match self {
            Self::NotPrinted => "not printed by this Go release",
            Self::OnDetailLines => "with scheddetail=1 the queues are on the P lines",
            Self::NoLines => "no such lines in the run",
            Self::TooFew => "too few lines",
            Self::Undetermined => "the values do not tell",
        }
    }
}

/// One process run.
#[derive(Clone, Debug)]
pub struct RunSummary {
    /// Number of the run in the log, from 0.
    pub run: usize,
    /// First and last line, from 0.
    pub lines: (u32, u32),
    /// Releases that can have printed it; none when no single release can.
    pub go: Option<GoReleases>,
    /// Printed by the Go toolchain and not by the program.
    pub toolchain: bool,
    /// Garbage collection.
    pub gc: Option<GcSummary>,
    /// Scheduler.
    pub sched: Option<SchedSummary>,
    /// Numbers of MemStats that were printed several times.
    pub memstats: Option<MemstatsSummary>,
    /// How long requests took, where lines of the program say so.
    pub requests: Option<Arc<Requests>>,
    /// Growth of the live heap that is not sure yet, or is no more; nothing where a rule reports growth.
    pub so_far: Option<SoFar>,
    /// What else stands out in a run that is too short for the rules that would say it.
    pub glimpses: Vec<Glimpse>,
    /// Number of findings by severity, Hints left out: errors, warnings, infos. Those that are part of another's story
    /// do not count.
    pub n_findings: [usize; 3],
}

/// Garbage collection of a run.
#[derive(Clone, Debug)]
pub struct GcSummary {
    /// Cycles seen.
    pub n_cycles: usize,
    /// Cycles that must have happened between the first and the last seen, but have no line.
    pub n_missing: u64,
    /// First and last GC number.
    pub numbers: (u64, u64),
    /// Start of the first and of the last cycle, s since process start.
    pub span_s: Known<(f64, f64)>,
    /// Share of P-time spent in GC between the first and the last cycle, from interval sums, 0 – 1.
    pub cpu_share: Known<f64>,
    /// The percentage the last line prints: since process start, truncated.
    pub printed_pct: Known<f64>,
    /// Stop-the-world time a cycle, ms.
    pub pause_ms: Known<Distribution>,
    /// Live heap.
    pub live_mb: Known<Trend>,
    /// Largest heap, MB.
    pub peak_mb: Known<f64>,
    /// Goal of the last cycle that has one, MB.
    pub goal_mb: Known<f64>,
    /// GOGC in effect, median over lines that tell, %.
    pub gogc_pct: Known<f64>,
    /// Allocation rate, MB/s, median over cycles.
    pub alloc_mb_per_s: Known<f64>,
    /// Cycles forced by a call.
    pub n_forced: usize,
    /// Cycles started by the two-minute timer.
    pub n_timer: usize,
    /// GOMAXPROCS of the last cycle.
    pub procs: Known<f64>,
}

/// How values are spread: nearest ranks.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Distribution {
    /// Median.
    pub p50: f64,
    /// 99th percentile.
    pub p99: f64,
    /// Largest.
    pub max: f64,
    /// Index of the cycle with the largest value.
    pub max_index: usize,
}

/// How a level moved.
#[derive(Clone, Debug, PartialEq)]
pub struct Trend {
    /// Median of the first few cycles behind the first sixth, which is start-up.
    pub first: f64,
    /// Median of the last few.
    pub last: f64,
    /// Smallest and largest.
    pub range: (f64, f64),
    /// Medians of up to 16 stretches of equal time, for a sparkline; of equally many lines where those carry no time.
    pub shape: Vec<f64>,
}

/// Scheduler samples of a run.
#[derive(Clone, Debug)]
pub struct SchedSummary {
    /// Samples seen.
    pub n_samples: usize,
    /// Time of the first and of the last sample, s since the first sample of the process.
    pub span_s: (f64, f64),
    /// GOMAXPROCS of the last sample.
    pub gomaxprocs: f64,
    /// Share of Ps that were not idle, mean over samples, 0 – 1.
    pub busy: Known<f64>,
    /// Waiting goroutines in all queues.
    pub runnable: Known<Distribution>,
    /// Threads in the first and in the last sample.
    pub threads: (f64, f64),
}

/// Numbers of MemStats of a run, which were printed twice or more: in heap profiles or alone.
#[derive(Clone, Debug, PartialEq)]
pub struct MemstatsSummary {
    /// How often they were printed.
    pub n_blocks: usize,
    /// Heap objects, MB: what is live, and what is dead and not swept yet.
    pub heap_objects_mb: Known<Trend>,
    /// Obtained from the system in all, MB, the last time.
    pub sys_mb: Known<f64>,
    /// Completed collections, the first and the last time.
    pub num_gc: Known<(f64, f64)>,
}

impl RunSummary {
    /// Samples of the scheduler.
    pub fn n_samples(&self) -> usize {
        self.sched.as_ref().map_or(0, |sched| sched.n_samples)
    }
}

/// Summarizes a run, about which these are the findings.
pub fn of(run: &RunView, findings: &[&Finding]) -> RunSummary {
    let primary = || findings.iter().filter(|finding| finding.part_of.is_none());
    let count = |severity| primary().filter(|finding| finding.severity == severity).count();
    let is_told = findings.iter().any(|finding| matches!(finding.rule.code, "GC101" | "GC102" | "GC103" | "GC107"));
    RunSummary {
        run: run.run,
        lines: run.lines,
        go: run.go,
        toolchain: run.toolchain,
        gc: gc(&run.cycles, limit_steers(findings)),
        sched: sched(&run.samples),
        memstats: memstats(&run.memstats),
        requests: run.requests.clone(),
        so_far: if is_told || run.toolchain { None } else { so_far(run) },
        glimpses: glimpses(run, findings),
        n_findings: [count(Severity::Error), count(Severity::Warning), count(Severity::Info)],
    }
}

/// Whether a memory limit was seen steering the goal, which then says nothing about GOGC.
fn limit_steers(findings: &[&Finding]) -> bool {
    findings.iter().any(|finding| matches!(finding.rule.code, "GC402" | "GC403"))
}

fn gc(cycles: &Cycles, limit_steers: bool) -> Option<GcSummary> {
    let n_cycles = cycles.len();
    if n_cycles == 0 {
        return None;
    }
    let rows = 0..n_cycles;
    let numbers: Vec<u64> = cycles.n.iter().copied().filter(|n| *n > 0).collect();
    let (low, high) = (numbers.iter().min().copied().unwrap_or(0), numbers.iter().max().copied().unwrap_or(0));
    let distinct = {
        let mut sorted = numbers.clone();
        sorted.sort_unstable();
        sorted.dedup();
        sorted.len() as u64
    };
    let times = known(&cycles.at_s);
    let span_s = times.as_ref().map(|times| (times[0], times[times.len() - 1])).map_err(|absent| *absent);
    let live: Vec<f64> = rows.clone().map(|row| live_mb(cycles, row)).collect();
    Some(GcSummary {
        n_cycles,
        n_missing: if numbers.is_empty() { 0 } else { (high - low + 1).saturating_sub(distinct) },
        numbers: (low, high),
        span_s,
        cpu_share: number(derived::gc_share_over(cycles, rows.clone()), &cycles.cpu_background_ms),
        printed_pct: last(&cycles.gc_cpu_pct),
        pause_ms: distribution(&cycles.pause_ms),
        live_mb: trend(&cycles.at_s, &live),
        peak_mb: known(&either(&cycles.heap_end_mb, &cycles.heap_start_mb))
            .map(|all| all.into_iter().fold(0.0, f64::max)),
        goal_mb: last(&cycles.heap_goal_mb),
        gogc_pct: if limit_steers { Err(Absent::Undetermined) } else { gogc(cycles) },
        alloc_mb_per_s: {
            let rates: Vec<f64> = rows.clone().map(|row| derived::alloc_rate_mb_per_s(cycles, row)).collect();
            // It needs the time, which releases before Go 1.5 do not print, and a next cycle.
            number(known(&rates).ok().and_then(|rates| stats::median(&rates)).unwrap_or(f64::NAN), &cycles.at_s)
        },
        n_forced: cycles.forced.iter().filter(|forced| **forced).count(),
        n_timer: cycles.timer.iter().filter(|timer| **timer).count(),
        procs: last(&cycles.procs),
    })
}

/// Live heap without what was allocated during mark, where that can be told; the printed live heap elsewhere.
fn live_mb(cycles: &Cycles, row: usize) -> f64 {
    let live = derived::live_before_mark_mb(cycles, row);
    if live.is_nan() { cycles.heap_live_mb[row] } else { live }
}

fn either(a: &[f64], b: &[f64]) -> Vec<f64> {
    a.iter().zip(b).map(|(a, b)| if a.is_nan() { *b } else { *a }).collect()
}

/// Values that are there, in order.
fn known(values: &[f64]) -> Known<Vec<f64>> {
    if values.is_empty() {
        return Err(Absent::NoLines);
    }
    let known: Vec<f64> = values.iter().copied().filter(|value| value.is_finite()).collect();
    if known.is_empty() { Err(Absent::NotPrinted) } else { Ok(known) }
}

fn last(values: &[f64]) -> Known<f64> {
    known(values).map(|values| values[values.len() - 1])
}

/// A computed number: absent where its sources are, or too few.
fn number(value: f64, source: &[f64]) -> Known<f64> {
    if value.is_finite() { Ok(value) } else { known(source).and(Err(Absent::TooFew)) }
}

fn distribution(values: &[f64]) -> Known<Distribution> {
    let all = known(values)?;
    let max_index = (0..values.len())
        .filter(|index| values[*index].is_finite())
        .max_by(|a, b| values[*a].total_cmp(&values[*b]).then(b.cmp(a)));
    Ok(Distribution {
        p50: stats::quantile(&all, 0.5).ok_or(Absent::TooFew)?,
        p99: stats::quantile(&all, 0.99).ok_or(Absent::TooFew)?,
        max: all.iter().copied().fold(f64::NEG_INFINITY, f64::max),
        max_index: max_index.unwrap_or(0),
    })
}

/// Sparkline stretches.
const N_SHAPE: usize = 16;

fn trend(times: &[f64], values: &[f64]) -> Known<Trend> {
    let all = known(values)?;
    // The first sixth is start-up: the level begins behind it, where there is enough.
    let begin = if all.len() >= 6 { all.len() / 6 } else { 0 };
    let end_len = (all.len() / 20).clamp(1, 5);
    let median = |part: &[f64]| stats::median(part).ok_or(Absent::TooFew);
    Ok(Trend {
        first: median(&all[begin..begin + end_len])?,
        last: median(&all[all.len() - end_len..])?,
        range: (
            all.iter().copied().fold(f64::INFINITY, f64::min),
            all.iter().copied().fold(f64::NEG_INFINITY, f64::max),
        ),
        shape: shape_in_time(times, values).unwrap_or_else(|| shape_in_order(&all)),
    })
}

/// Medians of stretches of equally many values.
fn shape_in_order(all: &[f64]) -> Vec<f64> {
    let n = all.len().min(N_SHAPE);
    (0..n).filter_map(|k| stats::median(&all[k * all.len() / n..(k + 1) * all.len() / n])).collect()
}

/// Medians of stretches of equal time, on the line between their neighbors where nothing was printed: while a heap grows,
/// cycles come ever more rarely, and by cycles a straight line would look like an explosion. None without times.
fn shape_in_time(times: &[f64], values: &[f64]) -> Option<Vec<f64>> {
    let is_known = |(time, value): &(f64, f64)| time.is_finite() && value.is_finite();
    let points: Vec<(f64, f64)> = times.iter().copied().zip(values.iter().copied()).filter(is_known).collect();
    let (first, last) = (points.first()?.0, points.last()?.0);
    if last <= first || !points.is_sorted_by(|a, b| a.0 <= b.0) {
        return None;
    }
    let n = points.len().min(N_SHAPE);
    let edge = |k: usize| first + (last - first) * k as f64 / n as f64;
    let from = |k: usize| if k == n { points.len() } else { points.partition_point(|(time, _)| *time < edge(k)) };
    let stretch = |k: usize| {
        let inside: Vec<f64> = points[from(k)..from(k + 1)].iter().map(|(_, value)| *value).collect();
        stats::median(&inside).or_else(|| {
            let ((t0, v0), (t1, v1)) = (points[from(k).checked_sub(1)?], *points.get(from(k))?);
            Some(v0 + (v1 - v0) * ((edge(k) + edge(k + 1)) / 2.0 - t0) / (t1 - t0))
        })
    };
    (0..n).map(stretch).collect()
}

/// Lines from which GOGC can be told that are asked for.
const MIN_GOGC_LINES: usize = 3;

fn gogc(cycles: &Cycles) -> Known<f64> {
    known(&cycles.heap_goal_mb)?;
    let telling = (0..cycles.len()).filter(|row| !derived::goal_is_lifted(cycles, *row));
    let values: Vec<f64> =
        telling.map(|row| derived::effective_gogc_pct(cycles, row)).filter(|gogc| gogc.is_finite()).collect();
    if values.len() < MIN_GOGC_LINES {
        return Err(Absent::Undetermined);
    }
    stats::median(&values).ok_or(Absent::TooFew)
}

fn memstats(blocks: &Memstats) -> Option<MemstatsSummary> {
    const MB: f64 = 1_048_576.0;
    let megabytes = |bytes: &[f64]| bytes.iter().map(|bytes| bytes / MB).collect::<Vec<f64>>();
    (blocks.len() > 1).then(|| MemstatsSummary {
        n_blocks: blocks.len(),
        heap_objects_mb: trend(&[], &megabytes(&blocks.heap_alloc_bytes)),
        sys_mb: last(&megabytes(&blocks.sys_bytes)),
        num_gc: known(&blocks.num_gc).map(|all| (all[0], all[all.len() - 1])),
    })
}

fn sched(samples: &Samples) -> Option<SchedSummary> {
    let n_samples = samples.len();
    if n_samples == 0 {
        return None;
    }
    let rows = 0..n_samples;
    let runnable: Vec<f64> = rows.clone().map(|row| derived::runnable(samples, row)).collect();
    let busy: Vec<f64> = rows.map(|row| derived::busy(samples, row)).collect();
    let ends = |values: &[f64]| {
        let all = known(values).unwrap_or_default();
        (all.first().copied().unwrap_or(f64::NAN), all.last().copied().unwrap_or(f64::NAN))
    };
    Some(SchedSummary {
        n_samples,
        span_s: ends(&samples.at_s),
        gomaxprocs: last(&samples.gomaxprocs).unwrap_or(f64::NAN),
        busy: known(&busy).map(|busy| busy.iter().sum::<f64>() / busy.len() as f64),
        // Every release prints the queues on the SCHED line, unless it heads a block.
        runnable: distribution(&runnable).map_err(|absent| match absent {
            Absent::NotPrinted => Absent::OnDetailLines,
            other => other,
        }),
        threads: ends(&samples.threads),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::fixture::{GcLine, gc_lines, view};

    fn alloc(log: &str) -> Known<f64> {
        of(&view(log).runs[0], &[]).gc.unwrap().alloc_mb_per_s
    }

    #[test]
    fn a_rate_of_allocation_needs_two_cycles_and_their_times() {
        let cycles = |n| {
            gc_lines(n, |idx| GcLine { n: idx + 1, at_s: idx as f64, heap_mb: [30, 30, 10, 40], ..GcLine::default() })
        };
        assert!(alloc(&cycles(2)).is_ok());
        assert_eq!(alloc(&cycles(1)), Err(Absent::TooFew));
        let old = "gc1(2): 26+1+87+0 us, 400 -> 800 MB, 30 (30-0) objects, 2 goroutines, 21/0/0 sweeps, 0(0) handoff, \
                   1(2) steal, 16/1/0 yields\n";
        assert_eq!(alloc(old), Err(Absent::NotPrinted));
    }

    #[test]
    fn the_shape_of_the_live_heap_is_that_over_time() {
        // A straight line to 64 MB with a cycle at each doubling, as when almost everything survives.
        let doubling = |n| {
            gc_lines(n, |idx| GcLine {
                n: idx + 1,
                at_s: f64::from(1 << idx),
                heap_mb: [1 << idx, 1 << idx, 1 << idx, 2 << idx],
                ..GcLine::default()
            })
        };
        let shape = of(&view(&doubling(7)).runs[0], &[]).gc.unwrap().live_mb.unwrap().shape;
        assert_eq!(shape, [3.0, 16.0, 23.5, 32.0, 41.5, 50.5, 64.0]);
    }

    #[test]
    fn numbers_of_memstats_that_come_again_have_a_trend() {
        let block = |mb: u64, n: u64| {
            let bytes = mb << 20;
            format!("# runtime.MemStats\n# Alloc = {bytes}\n# TotalAlloc = 1\n# HeapAlloc = {bytes}\n# NumGC = {n}\n\n")
        };
        assert_eq!(of(&view(&block(4, 1)).runs[0], &[]).memstats, None);
        let log: String = (1..=5).map(|n| block(4 * n, n + 2)).collect();
        let memstats = of(&view(&log).runs[0], &[]).memstats.unwrap();
        let heap = memstats.heap_objects_mb.unwrap();
        assert_eq!((memstats.n_blocks, heap.first, heap.last, heap.range), (5, 4.0, 20.0, (4.0, 20.0)));
        assert_eq!(heap.shape, [4.0, 8.0, 12.0, 16.0, 20.0], "without times in their order");
        assert_eq!((memstats.num_gc, memstats.sys_mb), (Ok((3.0, 7.0)), Err(Absent::NotPrinted)));
    }
}
