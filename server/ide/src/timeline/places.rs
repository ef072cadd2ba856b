//! A time and a cycle for every row of a run, whether its line prints one or not.
//!
//! - Its time: the one it prints (`@0.031s`, `SCHED 1004ms:`), else that of the row before it in the run;
//! - its cycle: the number that a `gc` line prints, else that of the row before it.
//!
//! Rows before the first that tells take the time of that one, and the cycle before it. What Go prints of a cycle before
//! its `gc` line goes with that line. The clock of the scheduler starts at its first sample, that of the collector when
//! the runtime does: they agree to a few milliseconds.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tracelog::catalog::{gc, init, sched};
use tracelog::{Family, Log, RowId, Runs};

/// The rows of each run in the order of their lines, with the blocks (dumps, panics, profiles) that its process printed:
/// what names no run goes with the row before it that has the same source, or the one behind it.
pub fn rows_of_runs(log: &Log, runs: &Runs) -> Vec<Vec<RowId>> {
    let of_blocks = Family::ALL.iter().filter(|family| family.is_of_blocks()).flat_map(|family| log.rows(*family));
    let of_runs = runs.list.iter().enumerate().flat_map(|(index, run)| {
        let rows = Family::ALL.iter().flat_map(|family| run.rows(*family));
        rows.map(move |row| (*row, Some(index)))
    });
    let mut rows: Vec<(RowId, Option<usize>)> = of_runs.chain(of_blocks.map(|row| (row, None))).collect();
    rows.sort_by_key(|(row, _)| (log.line(*row), row.chunk, row.row));
    let mut by_run = vec![Vec::new(); runs.list.len()];
    let mut last: HashMap<Arc<[u8]>, usize> = HashMap::new();
    let mut before_any: HashMap<Arc<[u8]>, Vec<RowId>> = HashMap::new();
    for (row, run) in rows {
        match run {
            Some(run) => {
                let source = &runs.list[run].source;
                if last.insert(source.clone(), run).is_none() {
                    by_run[run].extend(before_any.remove(source).unwrap_or_default());
                }
                by_run[run].push(row);
            }
            None => {
                let source = log.source(row);
                match last.get(&source) {
                    Some(run) => by_run[*run].push(row),
                    None => before_any.entry(source).or_default().push(row),
                }
            }
        }
    }
    by_run
}

/// The time that a row prints, since the process started.
pub fn printed_time(log: &Log, row: RowId) -> Option<Duration> {
    let seconds = match row.family {
        Family::Gc => log.value(row, gc::AT_S),
        Family::Sched => log.value(row, sched::AT_MS).map(|at_ms| at_ms / 1000.0),
        Family::Init => log.value(row, init::START_MS).map(|start_ms| start_ms / 1000.0),
        _ => None,
    };
    // Decimal digits are printed; as floats they are a little off.
    let at_us = seconds.filter(|seconds| *seconds >= 0.0).map(|seconds| (seconds * 1e6).round() as u64);
    at_us.map(Duration::from_micros)
}

/// The time of each row since the process started; none when no row tells.
pub fn times(log: &Log, rows: &[RowId]) -> Vec<Option<Duration>> {
    let mut times: Vec<Option<Duration>> = rows.iter().map(|row| printed_time(log, *row)).collect();
    announce(rows, &mut times);
    fill(&mut times, |first| first);
    times
}

/// The cycle of each row; none when no row tells.
pub fn cycles(log: &Log, rows: &[RowId]) -> Vec<Option<u64>> {
    let printed = |row: &RowId| if row.family == Family::Gc { log.code(*row, gc::N) } else { None };
    let mut cycles: Vec<Option<u64>> = rows.iter().map(printed).collect();
    announce(rows, &mut cycles);
    fill(&mut cycles, |first: u64| first.saturating_sub(1));
    cycles
}

/// What Go prints of a cycle before its `gc` line: that the timer forced it (runtime/proc.go, sysmon), what the pacer
/// plans and what came of it (runtime/mgcpacer.go, startCycle and endCycle).
const fn is_before_its_cycle(family: Family) -> bool {
    matches!(family, Family::GcForced | Family::PacerStart | Family::PacerEnd)
}

/// What stands before the line of its cycle goes with the cycle whose line comes next.
fn announce<T: Copy>(rows: &[RowId], places: &mut [Option<T>]) {
    let mut next = None;
    for (row, place) in rows.iter().zip(places).rev() {
        match row.family {
            Family::Gc => next = *place,
            family if is_before_its_cycle(family) => *place = next,
            _ => {}
        }
    }
}

/// Gives rows without a place the one of the row before, and those before the first the one in front of it.
fn fill<T: Copy>(places: &mut [Option<T>], in_front_of: fn(T) -> T) {
    let mut last = places.iter().copied().flatten().next().map(in_front_of);
    for place in places {
        last = place.or(last);
        *place = last;
    }
}
