//! Filling the views from the columns of a log.

use std::collections::HashSet;
use std::ops::Range;
use std::sync::OnceLock;

use tracelog::catalog::{gc, sched};
use tracelog::{Family, Field, Log, RowId, Run, Runs};

use super::detail::Detail;
use super::{Cycles, Memstats, Pacer, RunView, Samples, Scav, Scvg};
use crate::rules::{LogView, Torn, Unknown};

/// A goal of this many MB and more is "no goal" (`GOGC=off`; formats reference, gctrace 5).
pub(crate) const NO_GOAL_MB: f64 = 1e9;

/// A duration of this many ms and more is a wrapped negative one (formats reference, gctrace 10).
pub(crate) const WRAPPED_MS: f64 = 1e9;

impl LogView {
    /// The views of all runs of a log, and its damaged lines.
    pub fn of(log: &Log, runs: &Runs) -> Self {
        let views = runs.list.iter().map(|run| RunView::of(log, run)).collect();
        let (torn, unknown) = damaged(log, runs);
        Self { runs: views, torn, unknown }
    }
}

impl RunView {
    /// The view of one run.
    pub fn of(log: &Log, run: &Run) -> Self {
        let timer_lines: Vec<u32> = run.rows(Family::GcForced).iter().map(|row| log.line(*row)).collect();
        let mut cycles = cycles(log, run.rows(Family::Gc));
        announce(&mut cycles, &timer_lines);
        let mut samples = samples(log, run.rows(Family::Sched));
        let detail = Detail::of(log, run, &mut samples);
        let last_seen_s = last_seen(&cycles, &samples);
        let pacer = Pacer::of(log, run, &cycles);
        Self {
            run: run.number,
            restarts: run.restarts,
            interleaved: run.interleaved.clone(),
            toolchain: run.toolchain,
            go: (!run.go.is_empty()).then_some(run.go),
            lines: run.lines,
            scav: Scav::of(log, run, &cycles, &samples, &pacer),
            scvg: Scvg::of(log, run, &cycles, &samples),
            pacer,
            memstats: Memstats::of(log, run),
            cycles,
            samples,
            detail,
            timer_lines,
            requests: None,
            last_seen_s,
            goal_settings: OnceLock::new(),
            goal_points: OnceLock::new(),
            live_heap: OnceLock::new(),
            rising: OnceLock::new(),
        }
    }
}

impl Cycles {
    /// A window of the `gc` rows of a run, as in the view of the whole run but for the last live heap of Go 1.3 and 1.4,
    /// which stands on the line behind it.
    pub fn window(log: &Log, run: &Run, rows: Range<usize>) -> Self {
        let all = run.rows(Family::Gc);
        let end = rows.end.min(all.len());
        let start = rows.start.min(end);
        let before = start.checked_sub(1).map(|before| log.line(all[before]));
        let mut timer_lines: Vec<u32> = run.rows(Family::GcForced).iter().map(|row| log.line(*row)).collect();
        timer_lines.retain(|line| before.is_none_or(|before| before < *line));
        let mut cycles = cycles(log, &all[start..end]);
        announce(&mut cycles, &timer_lines);
        cycles
    }
}

/// Stop-the-world phases of all releases: only one group is ever printed together.
pub(crate) const STOPPED_MS: [Field; 6] = [
    gc::WALL_SWEEP_TERM_MS,
    gc::WALL_MARK_TERM_MS,
    gc::STW_MARK_MS,
    gc::STW_SWEEP_MS,
    gc::STW_OTHER_MS,
    gc::STW_CLEANUP_MS,
];

/// Likewise, of 1.3 and 1.4, which print microseconds.
pub(crate) const STOPPED_US: [Field; 4] = [gc::STW_STOP_US, gc::STW_SWEEP_US, gc::STW_MARK_US, gc::STW_WAIT_US];

/// Values of a field over rows; NaN where absent.
pub(super) fn series(log: &Log, rows: &[RowId], field: Field) -> Vec<f64> {
    log.values(rows, field)
}

/// Durations: wrapped ones are no values.
fn durations(log: &Log, rows: &[RowId], field: Field) -> Vec<f64> {
    let mut values = series(log, rows, field);
    values.iter_mut().filter(|value| **value >= WRAPPED_MS).for_each(|value| *value = f64::NAN);
    values
}

/// The sum of fields, row by row. Absent ones do not count unless all are.
fn sum(log: &Log, rows: &[RowId], fields: &[Field]) -> Vec<f64> {
    let mut total = vec![f64::NAN; rows.len()];
    for field in fields {
        for (total, value) in total.iter_mut().zip(durations(log, rows, *field)) {
            if !value.is_nan() {
                *total = if total.is_nan() { value } else { *total + value };
            }
        }
    }
    total
}

pub(super) fn flags(log: &Log, rows: &[RowId], field: Field) -> Vec<bool> {
    rows.iter().map(|row| log.code(*row, field) == Some(1)).collect()
}

/// Which of several fields a release prints for the same thing.
fn either(a: Vec<f64>, b: Vec<f64>) -> Vec<f64> {
    a.into_iter().zip(b).map(|(a, b)| if a.is_nan() { b } else { a }).collect()
}

fn cycles(log: &Log, rows: &[RowId]) -> Cycles {
    let ms = sum(log, rows, &STOPPED_MS);
    let us = sum(log, rows, &STOPPED_US);
    let pause_ms = either(ms, us.into_iter().map(|us| us / 1000.0).collect());
    let mut goal = series(log, rows, gc::HEAP_GOAL_MB);
    let no_goal = goal.iter().map(|goal| *goal >= NO_GOAL_MB).collect();
    goal.iter_mut().filter(|goal| **goal >= NO_GOAL_MB).for_each(|goal| *goal = f64::NAN);
    Cycles {
        line: rows.iter().map(|row| log.line(*row)).collect(),
        n: rows.iter().map(|row| log.code(*row, gc::N).unwrap_or(0)).collect(),
        at_s: series(log, rows, gc::AT_S),
        gc_cpu_pct: series(log, rows, gc::GC_CPU_PCT),
        sweep_term_ms: durations(log, rows, gc::WALL_SWEEP_TERM_MS),
        mark_ms: sum(log, rows, &[gc::WALL_SCAN_MS, gc::WALL_SYNC_MS, gc::WALL_MARK_MS]),
        mark_term_ms: durations(log, rows, gc::WALL_MARK_TERM_MS),
        pause_ms,
        cpu_sweep_term_ms: durations(log, rows, gc::CPU_SWEEP_TERM_MS),
        cpu_assist_ms: durations(log, rows, gc::CPU_ASSIST_MS),
        cpu_background_ms: durations(log, rows, gc::CPU_BACKGROUND_MS),
        cpu_idle_ms: durations(log, rows, gc::CPU_IDLE_MS),
        cpu_mark_term_ms: durations(log, rows, gc::CPU_MARK_TERM_MS),
        heap_start_mb: series(log, rows, gc::HEAP_START_MB),
        heap_end_mb: series(log, rows, gc::HEAP_END_MB),
        heap_live_mb: live(log, rows),
        heap_goal_mb: goal,
        no_goal,
        stacks_mb: series(log, rows, gc::STACKS_MB),
        globals_mb: series(log, rows, gc::GLOBALS_MB),
        goroutines: series(log, rows, gc::GOROUTINES),
        procs: series(log, rows, gc::PROCS),
        forced: flags(log, rows, gc::FORCED),
        leak_check: flags(log, rows, gc::LEAK_CHECK),
        timer: vec![false; rows.len()],
        derived: OnceLock::new(),
    }
}

/// Live heap after each cycle, from whatever the release prints.
fn live(log: &Log, rows: &[RowId]) -> Vec<f64> {
    let printed = either(series(log, rows, gc::HEAP_LIVE_MB), series(log, rows, gc::HEAP_AFTER_MB));
    // 1.3 and 1.4 print what was live after the cycle before.
    let mut later = series(log, rows, gc::HEAP_PREV_LIVE_MB);
    let n = later.len();
    later.rotate_left(usize::from(n > 0));
    if let Some(last) = later.last_mut() {
        *last = f64::NAN;
    }
    either(printed, later)
}

/// `GC forced` announces the cycle whose line comes next.
fn announce(cycles: &mut Cycles, timer_lines: &[u32]) {
    for line in timer_lines {
        let next = cycles.line.partition_point(|cycle| cycle < line);
        if let Some(timer) = cycles.timer.get_mut(next) {
            *timer = true;
        }
    }
}

fn samples(log: &Log, rows: &[RowId]) -> Samples {
    let absent = || vec![f64::NAN; rows.len()];
    let mut samples = Samples {
        line: rows.iter().map(|row| log.line(*row)).collect(),
        at_s: series(log, rows, sched::AT_MS).into_iter().map(|ms| ms / 1000.0).collect(),
        gomaxprocs: series(log, rows, sched::GOMAXPROCS),
        idleprocs: series(log, rows, sched::IDLEPROCS),
        threads: series(log, rows, sched::THREADS),
        idlethreads: series(log, rows, sched::IDLETHREADS),
        spinningthreads: series(log, rows, sched::SPINNINGTHREADS),
        runqueue: series(log, rows, sched::RUNQUEUE),
        idle_locked: series(log, rows, sched::NMIDLELOCKED),
        local_sum: absent(),
        local_max: absent(),
        local_min: absent(),
        local_gini: absent(),
        schedticks_sum: absent(),
    };
    let mut queues = Vec::new();
    for (index, row) in rows.iter().enumerate() {
        queues.clear();
        queues.extend(log.list(*row, sched::LOCAL_RUNQUEUES).into_iter().map(|value| value as f64));
        local_queues(&queues).put(&mut samples, index);
        let ticks = log.list(*row, sched::SCHEDTICKS).into_iter().map(|value| value as f64);
        samples.schedticks_sum[index] = ticks.reduce(|a, b| a + b).unwrap_or(f64::NAN);
    }
    samples
}

/// What is kept of the local run queues of a sample.
pub(super) struct LocalQueues {
    sum: f64,
    max: f64,
    min: f64,
    gini: f64,
}

impl LocalQueues {
    pub(super) fn put(&self, samples: &mut Samples, index: usize) {
        samples.local_sum[index] = self.sum;
        samples.local_max[index] = self.max;
        samples.local_min[index] = self.min;
        samples.local_gini[index] = self.gini;
    }
}

/// Measures the local run queues of a sample; NaN without any.
pub(super) fn local_queues(queues: &[f64]) -> LocalQueues {
    let fold = |fold: fn(f64, f64) -> f64| queues.iter().copied().reduce(fold).unwrap_or(f64::NAN);
    let sum = fold(|a, b| a + b);
    let gini = if sum > 0.0 {
        let mut sorted = queues.to_vec();
        sorted.sort_unstable_by(f64::total_cmp);
        let n = sorted.len() as f64;
        let ranked: f64 = sorted.iter().zip(1u32..).map(|(value, rank)| f64::from(rank) * value).sum();
        2.0 * ranked / (n * sum) - (n + 1.0) / n
    } else {
        // 0, or NaN without any.
        sum
    };
    LocalQueues { sum, max: fold(f64::max), min: fold(f64::min), gini }
}

/// The last time any line carries, where that is later than the last cycle.
fn last_seen(cycles: &Cycles, samples: &Samples) -> Option<f64> {
    let last_cycle = cycles.at_s.iter().rev().find(|at| !at.is_nan());
    let last_sample = samples.at_s.iter().rev().find(|at| !at.is_nan())?;
    last_cycle.is_none_or(|cycle| last_sample > cycle).then_some(*last_sample)
}

/// Torn lines, and lines that begin like a family and go on like none of its shapes.
///
/// A head without a tail is a tear where other output follows it on its line, and an unknown dialect where the line is
/// all the program's own. The difference cannot be seen from one line; what tells is that a dialect breaks every line at
/// the same field, so a family whose lines never match wholly is unknown, not torn.
fn damaged(log: &Log, runs: &Runs) -> (Vec<Torn>, Vec<Unknown>) {
    let mut torn = Vec::new();
    let mut unknown = Vec::new();
    let mut whole: Vec<usize> = Family::ALL.iter().map(|family| log.n_rows(*family)).collect();
    for (_, row, _) in log.fragments() {
        whole[row.family as usize] -= 1;
    }
    let wanted: HashSet<RowId> = match runs.is_part {
        true => {
            runs.list.iter().flat_map(|run| Family::ALL.iter().flat_map(|family| run.rows(*family))).copied().collect()
        }
        false => HashSet::new(),
    };
    let is_wanted = |row: RowId| !runs.is_part || wanted.contains(&row);
    for (chunk_start, row, fragment) in log.fragments().filter(|(_, row, _)| is_wanted(*row)) {
        let line_of = |part: &tracelog::chunk::PartAt| (i64::from(chunk_start) + part.line).max(0) as u32;
        let last_field = last_field(log, row);
        let line = line_of(&fragment.parts[0]);
        let lonely = fragment.parts.len() == 1 && !fragment.headless;
        if lonely && whole[row.family as usize] == 0 {
            unknown.push(Unknown { line, family: row.family, last_field });
        } else {
            let tail = if fragment.is_joined() { fragment.parts.last().map(line_of) } else { None };
            torn.push(Torn { line, tail, family: row.family, last_field });
        }
    }
    torn.sort_by_key(|torn| torn.line);
    unknown.sort_by_key(|unknown| unknown.line);
    (torn, unknown)
}

fn last_field(log: &Log, row: RowId) -> Option<Field> {
    let fields = 0..row.family.def().fields.len() as u8;
    let printed = |field: &Field| log.code(row, *field).is_some() || !log.list(row, *field).is_empty();
    fields.map(|index| Field { family: row.family, index }).rfind(printed)
}
