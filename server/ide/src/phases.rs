//! What changed: the phases of a run, cut where the level of one or more of its series changes.
//!
//! Series are looked at one by one, on a scale on which their noise is even (`phases/changes.rs`), over at most
//! [`MAX_WINDOWS`] windows; then each cut is moved to its line. Cuts of several series that lie near each other are one
//! border. What is said of a phase compares it with the one before: only what differs by an amount that a reader would
//! care for, whatever the statistics say. Growth is no change of level: that is for the rules about it.

mod changes;
mod measure;

pub use measure::{Change, Measure};

use crate::derived;
use crate::stats;
use crate::view::{Cycles, RunView, Samples};
use changes::Cut;

/// Phases of a run that are told at most; the borders that explain most are kept.
pub const MAX_PHASES: usize = 12;

/// Windows that a series is cut into at most before its level is looked at.
const MAX_WINDOWS: usize = 384;

/// Values of a window that are looked at: enough for a median.
const MAX_IN_WINDOW: usize = 32;

/// A stretch of a run in which the level of its series stays.
#[derive(Clone, Debug, PartialEq)]
pub struct Phase {
    /// First and last line of the cycles and samples in it.
    pub lines: (u32, u32),
    /// The line of its first cycle or sample in time, which is its last line where the log has its newest line first.
    pub begin: u32,
    /// Time of its first and its last cycle or sample, s since the process started, where printed.
    pub span_s: Option<(f64, f64)>,
    /// GC number of its first cycle.
    pub first_cycle: Option<u64>,
    /// GC cycles in it.
    pub n_cycles: usize,
    /// Scheduler samples in it.
    pub n_samples: usize,
    /// What differs from the phase before, the largest difference first. Nothing in the first phase.
    pub changes: Vec<Change>,
}

/// Cycles or samples of a run, as rows of series.
struct Rows<'a> {
    lines: &'a [u32],
    at_s: &'a [f64],
    of: Of<'a>,
    /// First rows of the windows, and the number of rows.
    windows: Vec<usize>,
}

#[derive(Clone, Copy)]
pub(crate) enum Of<'a> {
    Cycles(&'a Cycles),
    Samples(&'a Samples),
}

impl<'a> Rows<'a> {
    fn of(lines: &'a [u32], at_s: &'a [f64], of: Of<'a>) -> Self {
        Self { lines, at_s, of, windows: windows(at_s) }
    }

    fn len(&self) -> usize {
        self.lines.len()
    }

    /// Whether the log has its newest line first.
    fn is_falling(&self) -> bool {
        self.lines.first() > self.lines.last()
    }

    /// The first row at a line, or behind it in time.
    fn row_at(&self, line: u32) -> usize {
        let falling = self.is_falling();
        self.lines.partition_point(|at| if falling { *at > line } else { *at < line })
    }

    /// Values of a measure in rows, at most so many, evenly spaced.
    fn sample(&self, measure: Measure, rows: std::ops::Range<usize>, n: usize) -> Vec<f64> {
        let step = rows.len().div_ceil(n).max(1);
        let values = rows.step_by(step).map(|row| measure.value(self.of, row));
        values.filter(|value| value.is_finite()).collect()
    }
}

/// A change of one series, or several near each other.
struct Border {
    line: u32,
    /// Lines within which a change is the same one.
    near: (u32, u32),
    /// How much it explains.
    gain: f64,
    measures: Vec<Measure>,
}

/// The phases of a run, in the order of time; nothing where no level changes.
pub fn phases(run: &RunView) -> Vec<Phase> {
    let cycles = Rows::of(&run.cycles.line, &run.cycles.at_s, Of::Cycles(&run.cycles));
    let samples = Rows::of(&run.samples.line, &run.samples.at_s, Of::Samples(&run.samples));
    let both = [&cycles, &samples];
    let mut found: Vec<Border> = Vec::new();
    for rows in both {
        for measure in Measure::of(rows.of) {
            found.extend(borders_of(rows, *measure));
        }
    }
    found.sort_by(|a, b| b.gain.total_cmp(&a.gain));
    let mut borders: Vec<Border> = Vec::new();
    for found in found {
        let is_same = |border: &&mut Border| border.near.0 <= found.near.1 && found.near.0 <= border.near.1;
        match borders.iter_mut().find(is_same) {
            Some(border) => {
                border.gain += found.gain;
                border.measures.extend(found.measures);
            }
            None => borders.push(found),
        }
    }
    borders.sort_by(|a, b| b.gain.total_cmp(&a.gain));
    borders.truncate(MAX_PHASES - 1);
    let falling = cycles.is_falling() || samples.is_falling();
    borders.sort_by_key(|border| if falling { u32::MAX - border.line } else { border.line });
    loop {
        let phases = between(run, both, &borders);
        let Some(same) = phases.iter().skip(1).position(|phase| phase.changes.is_empty()) else { return phases };
        borders.remove(same);
    }
}

/// The phases between borders; nothing without any.
fn between(run: &RunView, both: [&Rows; 2], borders: &[Border]) -> Vec<Phase> {
    if borders.is_empty() {
        return Vec::new();
    }
    let ends = |rows: &Rows| -> Vec<usize> {
        let inner = borders.iter().map(|border| rows.row_at(border.line));
        [0].into_iter().chain(inner).chain([rows.len()]).collect()
    };
    let (cycles, samples) = (ends(both[0]), ends(both[1]));
    let mut phases: Vec<Phase> = Vec::new();
    for idx in 0..=borders.len() {
        let of = [cycles[idx]..cycles[idx + 1], samples[idx]..samples[idx + 1]];
        let mut lines: Vec<u32> = Vec::new();
        let mut times: Vec<f64> = Vec::new();
        for (rows, of) in both.iter().zip(&of).filter(|(_, of)| !of.is_empty()) {
            lines.extend([rows.lines[of.start], rows.lines[of.end - 1]]);
            times.extend(rows.at_s[of.clone()].iter().find(|at| at.is_finite()));
            times.extend(rows.at_s[of.clone()].iter().rfind(|at| at.is_finite()));
        }
        let mut changes = Vec::new();
        if idx > 0 {
            let before = [cycles[idx - 1]..cycles[idx], samples[idx - 1]..samples[idx]];
            for ((rows, before), after) in both.iter().zip(before).zip(of.clone()) {
                let own = &borders[idx - 1].measures;
                changes.extend(
                    Measure::of(rows.of)
                        .iter()
                        .filter_map(|measure| change(rows, *measure, before.clone(), after.clone(), own)),
                );
            }
            measure::drop_echoes(&mut changes);
        }
        let (low, high) = (lines.iter().min().copied().unwrap_or(0), lines.iter().max().copied().unwrap_or(0));
        let is_falling = both.iter().any(|rows| rows.is_falling());
        phases.push(Phase {
            lines: (low, high),
            begin: if is_falling { high } else { low },
            span_s: times.iter().copied().reduce(f64::min).zip(times.iter().copied().reduce(f64::max)),
            first_cycle: run.cycles.n.get(of[0].start).copied().filter(|_| !of[0].is_empty()),
            n_cycles: of[0].len(),
            n_samples: of[1].len(),
            changes,
        });
    }
    phases
}

/// Rows of a phase whose values are compared with those of the phase before.
const MAX_COMPARED: usize = 512;

/// Rows on both sides of a border that are compared, too, where another series gave the border.
const NEAR_ROWS: usize = 5;
/// The share of the difference of both phases that must lie there.
const NEAR_SHARE: f64 = 0.4;

/// How a measure differs from rows to those behind them: by an amount that matters, and its values apart from each
/// other.
fn change(
    rows: &Rows,
    measure: Measure,
    before: std::ops::Range<usize>,
    after: std::ops::Range<usize>,
    own: &[Measure],
) -> Option<Change> {
    let mut low = rows.sample(measure, before.clone(), MAX_COMPARED);
    let mut high = rows.sample(measure, after.clone(), MAX_COMPARED);
    low.sort_unstable_by(f64::total_cmp);
    high.sort_unstable_by(f64::total_cmp);
    let quartile =
        |values: &[f64], k: usize| values.get((values.len() * k / 4).min(values.len().wrapping_sub(1))).copied();
    let [a, b] = [quartile(&low, 2)?, quartile(&high, 2)?];
    if !measure.matters(a, b) {
        return None;
    }
    let is_apart = match a < b {
        true => quartile(&low, 3)? < quartile(&high, 1)?,
        false => quartile(&low, 1)? > quartile(&high, 3)?,
    };
    // Where growth begins or ends, values are apart, and yet nothing jumps.
    let is_near = || {
        let last = rows.sample(measure, before.end - before.len().min(NEAR_ROWS)..before.end, NEAR_ROWS);
        let first = rows.sample(measure, after.start..after.start + after.len().min(NEAR_ROWS), NEAR_ROWS);
        let [near_a, near_b] = [stats::median(&last), stats::median(&first)].map(|near| near.unwrap_or(f64::NAN));
        let step = measure.scaled(near_b) - measure.scaled(near_a);
        let shift = measure.scaled(b) - measure.scaled(a);
        step * shift > 0.0 && step.abs() >= NEAR_SHARE * shift.abs()
    };
    if !(own.contains(&measure) || is_apart && is_near()) {
        return None;
    }
    // Shares and rates of a stretch are sums over sums; they must tell the same story as the values one by one.
    let level = |rows_of: std::ops::Range<usize>, median: f64| match (measure, rows.of) {
        (Measure::GcShare, Of::Cycles(cycles)) => derived::gc_share_over(cycles, rows_of),
        (Measure::AllocRate, Of::Cycles(cycles)) => derived::alloc_rate_over(cycles, rows_of),
        _ => median,
    };
    let (before, after) = (level(before, a), level(after, b));
    measure.matters(before, after).then_some(Change { measure, before, after })
}

/// First rows of windows, and the number of rows: in a long series each window has the same share of rows and of time
/// taken together, so that neither a busy minute nor a quiet hour is one window.
fn windows(at_s: &[f64]) -> Vec<usize> {
    let n = at_s.len();
    if n <= MAX_WINDOWS {
        return (0..=n).collect();
    }
    let known = || at_s.iter().copied().filter(|at| at.is_finite());
    let (first, last) = (known().next().unwrap_or(0.0), known().next_back().unwrap_or(0.0));
    let (mut windows, mut time) = (vec![0], 0.0_f64);
    for (row, at) in at_s.iter().enumerate() {
        if at.is_finite() && last > first {
            time = time.max((at - first) / (last - first));
        }
        let passed = if last > first { f64::midpoint(row as f64 / n as f64, time) } else { row as f64 / n as f64 };
        if row > 0 && passed * MAX_WINDOWS as f64 >= windows.len() as f64 {
            windows.push(row);
        }
    }
    windows.push(n);
    windows
}

/// Where the level of one measure changes.
fn borders_of(rows: &Rows, measure: Measure) -> Vec<Border> {
    let cuts = if measure.is_exact() { exact(rows, measure) } else { of_level(rows, measure) };
    // A collector that is switched on tells how the process is run, however early.
    let begin = if measure == Measure::GcOn { 0 } else { start_up(rows) };
    cuts.into_iter()
        .filter(|(row, ..)| *row > begin)
        .map(|(row, (from, to), gain)| {
            let line = |row: usize| rows.lines[row.min(rows.len() - 1)];
            let (a, b) = (line(from), line(to));
            Border { line: line(row), near: (a.min(b), a.max(b)), gain, measures: vec![measure] }
        })
        .collect()
}

/// Rows that lie near a border and may be where another series shows the same change.
const NEAR: usize = 2;

/// A row, the rows near it, and how much a cut there explains.
type RowCut = (usize, (usize, usize), f64);

/// What a change of a value that has no noise explains: as much as a clear one of others.
const EXACT_GAIN: f64 = 400.0;

/// Exact values that change more often than this are no levels.
const MAX_EXACT: usize = 24;

/// Where an exact value changes.
fn exact(rows: &Rows, measure: Measure) -> Vec<RowCut> {
    let mut cuts = Vec::new();
    let mut last = f64::NAN;
    for row in 0..rows.len() {
        let value = measure.value(rows.of, row);
        if !value.is_finite() {
            continue;
        }
        if !last.is_nan() && value != last {
            cuts.push((row, (row.saturating_sub(NEAR), row + NEAR), EXACT_GAIN));
        }
        last = value;
    }
    if cuts.len() > MAX_EXACT { Vec::new() } else { cuts }
}

/// Where the level of a noisy measure changes.
fn of_level(rows: &Rows, measure: Measure) -> Vec<RowCut> {
    let mut values = Vec::new();
    // The window of each value; windows without any are left out.
    let mut of_window = Vec::new();
    for (window, pair) in rows.windows.windows(2).enumerate() {
        let mut known = rows.sample(measure, pair[0]..pair[1], MAX_IN_WINDOW);
        if known.is_empty() {
            continue;
        }
        let middle = known.len() / 2;
        let (_, median, _) = known.select_nth_unstable_by(middle, f64::total_cmp);
        values.push(measure.scaled(*median));
        of_window.push(window);
    }
    let cuts = changes::cuts(&values, measure.rounding());
    let borders: Vec<usize> = [0].into_iter().chain(cuts.iter().map(|cut| cut.at)).chain([values.len()]).collect();
    cuts.iter()
        .zip(borders.windows(3))
        .map(|(Cut { at, gain }, around)| {
            let level = |from: usize, to: usize| {
                let mut part = values[from..to].to_vec();
                part.sort_unstable_by(f64::total_cmp);
                part[part.len() / 2]
            };
            let levels = (level(around[0], *at), level(*at, around[2]));
            let from = rows.windows[of_window[at.saturating_sub(2)]];
            let to = rows.windows[of_window[(at + 1).min(of_window.len() - 1)] + 1];
            let row = first_of(rows, measure, from..to, levels);
            let near = (from.min(row.saturating_sub(NEAR)), (to - 1).max(row + NEAR));
            (row, near, *gain)
        })
        .collect()
}

/// The row of a window with which the second of two levels begins.
fn first_of(rows: &Rows, measure: Measure, window: std::ops::Range<usize>, levels: (f64, f64)) -> usize {
    let (low, high) = (levels.0.min(levels.1), levels.0.max(levels.1));
    let (mut cost, mut least, mut first) = (0.0, f64::INFINITY, window.start);
    for row in window {
        let value = measure.scaled(measure.value(rows.of, row));
        if !value.is_finite() {
            continue;
        }
        if cost < least {
            (least, first) = (cost, row);
        }
        let value = value.clamp(low, high);
        cost += (value - levels.0).powi(2) - (value - levels.1).powi(2);
    }
    first
}

/// Cycles and samples of the start of a process, at most.
const START_UP_ROWS: usize = 10;
/// The start of a process, s, where it ran long enough.
const START_UP_S: f64 = 1.0;
/// Likewise, as a share of the whole time: of a long run at least the first, of a short one at most the second.
const START_UP_SHARE: f64 = 0.02;
const START_UP_SHORT: f64 = 0.2;

/// The number of rows that may belong to the start of the process. A heap that is filled while a program starts is no change.
fn start_up(rows: &Rows) -> usize {
    let known = || rows.at_s.iter().copied().filter(|at| at.is_finite());
    let (first, last) = (known().next().unwrap_or(0.0), known().next_back().unwrap_or(0.0));
    let until = first + (START_UP_SHARE * (last - first)).max(START_UP_S.min(START_UP_SHORT * (last - first)));
    let n = rows.at_s.iter().take_while(|at| !at.is_finite() || **at < until).count();
    n.min(START_UP_ROWS).min(rows.len() / 4)
}

#[cfg(test)]
mod random;
#[cfg(test)]
mod tests;
