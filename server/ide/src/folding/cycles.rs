//! Folds of cycles in which nothing was found: trace lines right behind each other, under what their numbers say.

use std::collections::HashSet;

use tracelog::catalog::gc;
use tracelog::{Family, Field, Log, RowId, Run};

use super::{Fold, MAX_CYCLES, is_alone};
use crate::rules::Severity;
use crate::series;
use crate::snapshot::Parsed;
use crate::view::{STOPPED_MS, STOPPED_US};
use crate::words;

/// Lines of these may stand among the cycles of a fold.
const FAMILIES: [Family; 9] = [
    Family::Gc,
    Family::GcForced,
    Family::GcPause,
    Family::PacerStart,
    Family::PacerEnd,
    Family::PacerSweep,
    Family::Scvg,
    Family::Scav,
    Family::Sched,
];

/// Cycles that are worth a fold.
const MIN_CYCLES: usize = 5;

/// Lines of a fold, where a log is not so long that this gave too many.
const MAX_LINES: usize = 100;

/// Stretches of cycles in which nothing was found.
pub(super) fn folds(parsed: &Parsed) -> Vec<Fold> {
    let analysis = parsed.analysis();
    let found = analysis.findings.iter().filter(|finding| finding.severity > Severity::Hint);
    let found: HashSet<u32> =
        found.flat_map(|finding| finding.further.iter().chain([&finding.place])).map(|place| place.line).collect();
    // So do blocks, and the state of the scheduler begins with a line of a family that may stand among cycles.
    let blocks: HashSet<u32> = parsed.blocks().list.iter().map(|block| block.lines().0).collect();
    let mut folds = Vec::new();
    for (run, phases) in parsed.runs.list.iter().zip(&analysis.phases) {
        // A phase has a fold of its own: none may cross it.
        let begins: HashSet<u32> = phases.iter().map(|phase| phase.lines.0).collect();
        if is_alone(run) {
            folds.extend(of_run(&parsed.log, run, &found, &begins, &blocks));
        }
    }
    folds
}

/// `found` are lines that stay, at `begins` a fold begins anew, and `blocks` are no cycles.
fn of_run(log: &Log, run: &Run, found: &HashSet<u32>, begins: &HashSet<u32>, blocks: &HashSet<u32>) -> Vec<Fold> {
    let of_family = |family: &Family| run.rows(*family).iter().map(|row| (log.line(*row), *row));
    let mut rows: Vec<(u32, RowId)> = FAMILIES.iter().flat_map(of_family).collect();
    rows.retain(|(line, _)| !blocks.contains(line));
    rows.sort_unstable();
    let max_lines = MAX_LINES.max(rows.len().div_ceil(MAX_CYCLES));
    let mut folds = Vec::new();
    let mut from = 0;
    for at in 0..rows.len() {
        let line = rows[at].0;
        if at + 1 < rows.len() && !found.contains(&line) {
            let next = rows[at + 1].0;
            let goes_on = next <= line + 1 && !found.contains(&next) && !begins.contains(&next);
            if goes_on && at + 1 - from < max_lines {
                continue;
            }
        }
        if !found.contains(&line) {
            folds.extend(fold(log, &rows[from..=at]));
        }
        from = at + 1;
    }
    folds
}

/// `38 cycles, live 20–22 MB, pause max 0.3 ms`.
fn fold(log: &Log, rows: &[(u32, RowId)]) -> Option<Fold> {
    let n = |family: Family| rows.iter().filter(|(_, row)| row.family == family).count();
    let (n_cycles, n_samples) = (n(Family::Gc), n(Family::Sched));
    if n_cycles + n_samples < MIN_CYCLES {
        return None;
    }
    let mut parts = Vec::new();
    if n_cycles > 0 {
        parts.push(words::count(n_cycles, "cycle"));
        let live = [gc::HEAP_LIVE_MB, gc::HEAP_AFTER_MB, gc::HEAP_PREV_LIVE_MB];
        if let Some((low, high)) = live.into_iter().find_map(|field| range(log, rows, field)) {
            let range = if low < high { format!("{low}–{high}") } else { low.to_string() };
            parts.push(format!("live {range} MB"));
        }
        let longest = rows.iter().filter_map(|(_, row)| stopped_ms(log, *row)).reduce(f64::max);
        parts.extend(longest.map(|ms| format!("pause max {} ms", words::rough(ms))));
    }
    if n_samples > 0 {
        parts.push(words::count(n_samples, "sample"));
    }
    Some(Fold { first: rows[0].0, last: rows[rows.len() - 1].0, text: parts.join(", ") })
}

/// How long a cycle stopped the world; None of other rows.
fn stopped_ms(log: &Log, row: RowId) -> Option<f64> {
    if row.family != Family::Gc {
        return None;
    }
    let sum =
        |fields: &[Field]| fields.iter().filter_map(|field| series::ordinary(log, row, *field)).reduce(|a, b| a + b);
    sum(&STOPPED_MS).or_else(|| Some(sum(&STOPPED_US)? / 1000.0))
}

/// The smallest and the largest value of a field; None where no row has one.
fn range(log: &Log, rows: &[(u32, RowId)], field: Field) -> Option<(f64, f64)> {
    let of_family = rows.iter().filter(|(_, row)| row.family == field.family);
    of_family.filter_map(|(_, row)| series::ordinary(log, *row, field)).fold(None, |range, value| {
        let (low, high) = range.unwrap_or((value, value));
        Some((f64::min(low, value), f64::max(high, value)))
    })
}
