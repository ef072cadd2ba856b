//! GOGC and the memory limit, from goals and live heaps; leak checks and the signature of throttling.
//!
//! The printed goal of a cycle was set from the live heap of the cycle before. GOGC makes it follow that live heap with
//! the slope 1 + GOGC/100, a memory limit makes it stay (catalogue, GC402 and GC404).

use super::{Evidence, Fact};
use crate::derived;
use crate::rules::memory_limit_active::{InCharge, may_have_memory_limit, slope_of_goal};
use crate::stats;
use crate::view::{Cycles, RunView};
use crate::words;

/// GOGC from a line on.
#[derive(Clone, Debug, PartialEq)]
pub struct Gogc {
    /// Percent, to the nearest 5; none for `GOGC=off`.
    pub percent: Option<f64>,
    /// The first cycle that shows it: its line.
    pub line: u32,
    /// Its number.
    pub n: u64,
}

/// What the goals say about a memory limit.
#[derive(Clone, Debug, PartialEq)]
pub enum MemoryLimit {
    /// Go before 1.19 has none.
    NotKnownToGo,
    /// The goal follows the live heap: a limit may be set, but does not set the goal.
    NotInCharge,
    /// A limit sets the goal.
    InCharge {
        /// First and last index of the cycles that show it, in the run.
        rows: (usize, usize),
        /// The goal under the limit, MB. The limit is larger by memory that is not heap.
        goal_mb: f64,
        /// Whether the live heap has reached the limit, so that the goal is just the live heap.
        is_pressed: bool,
        /// What the limit is set to, as far as goals above the live heap tell.
        estimate: Option<EstimatedLimit>,
    },
}

/// What a memory limit is set to, as far as the goals under it tell.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct EstimatedLimit {
    /// Most likely, MB (MiB).
    pub mb: f64,
    /// Least, MB.
    pub low_mb: f64,
    /// Most, MB.
    pub high_mb: f64,
}

impl MemoryLimit {
    pub(super) fn in_words(&self) -> String {
        match self {
            Self::NotKnownToGo => "none: it came with Go 1.19".to_owned(),
            Self::NotInCharge => "does not set the goal, whether there is one or not".to_owned(),
            Self::InCharge { goal_mb, is_pressed: false, estimate, .. } => {
                let limit = estimate.map_or_else(
                    || "that and the memory that is not heap".to_owned(),
                    |limit| format!("about {:.0} MB ({:.0} to {:.0})", limit.mb, limit.low_mb, limit.high_mb),
                );
                format!("sets the goal, near {} MB; the limit is {limit}", words::number(*goal_mb))
            }
            Self::InCharge { goal_mb, is_pressed: true, .. } => {
                format!("sets the goal, {} MB at most, and the live heap has reached it", words::number(*goal_mb))
            }
        }
    }
}

pub(super) fn in_words(levels: &[Gogc]) -> String {
    let shown =
        |gogc: &Gogc| gogc.percent.map_or("off".to_owned(), |percent| format!("about {}", words::number(percent)));
    let mut text = levels.first().map(shown).unwrap_or_default();
    for gogc in &levels[levels.len().min(1)..] {
        text += &format!(", {} from gc {} on", shown(gogc), gogc.n);
    }
    text
}

fn evidence(cycles: &Cycles, row: usize, words: String) -> Evidence {
    Evidence::new(cycles.line[row], words)
}

/// `gc 7: goal 41 MB after 20 MB live`.
fn goal_at(cycles: &Cycles, row: usize) -> Evidence {
    let goal = words::number(cycles.heap_goal_mb[row]);
    let live = row.checked_sub(1).map(|before| cycles.heap_live_mb[before]).filter(|live| live.is_finite());
    let after = live.map_or_else(String::new, |live| format!(" after {} MB live", words::number(live)));
    evidence(cycles, row, format!("gc {}: goal {goal} MB{after}", cycles.n[row]))
}

/// Whether a memory limit sets the goal.
pub(super) fn memory_limit(
    view: &RunView,
    steered: Option<&InCharge>,
    pressed: Option<&InCharge>,
) -> Fact<MemoryLimit> {
    let cycles = &view.cycles;
    if cycles.is_empty() {
        return Fact::unknown("there are no gc lines");
    }
    if !may_have_memory_limit(view) {
        return Fact::known(MemoryLimit::NotKnownToGo, Vec::new());
    }
    let (is_pressed, goal_mb) = (pressed.is_some(), steered.or(pressed).map(|found| found.goal_mb));
    let rows = [steered, pressed].into_iter().flatten().map(|found| found.rows);
    let rows = rows.reduce(|a, b| (a.0.min(b.0), a.1.max(b.1)));
    if let (Some(rows), Some(goal_mb)) = (rows, goal_mb) {
        let estimate = steered.and_then(|steered| steered.limit);
        let limit = MemoryLimit::InCharge { rows, goal_mb, is_pressed, estimate };
        return Fact::known(limit, vec![goal_at(cycles, rows.0), goal_at(cycles, rows.1)]);
    }
    let rows = telling(cycles, 0..cycles.len());
    match slope_of_goal(cycles, rows.iter().copied()) {
        Some(slope) if slope >= MIN_SLOPE_OF_GOGC => {
            let ends = [rows.first(), rows.last()].into_iter().flatten();
            Fact::known(MemoryLimit::NotInCharge, ends.map(|row| goal_at(cycles, *row)).collect())
        }
        _ if first_goal_agrees(cycles, &rows) => {
            let ends = [Some(&0), rows.last()].into_iter().flatten();
            Fact::known(MemoryLimit::NotInCharge, ends.map(|row| goal_at(cycles, *row)).collect())
        }
        _ => Fact::unknown(why_undetermined(cycles, rows.len())),
    }
}

/// Slope of the goal on the live heap from which GOGC sets it: GOGC is 10 or more (catalogue, GC404).
const MIN_SLOPE_OF_GOGC: f64 = 1.1;

/// Cycles that must tell GOGC.
const MIN_TELLING: usize = 3;

/// Cycles in a row that must show another GOGC before it counts as changed (catalogue, GC404).
const MIN_CHANGED: usize = 10;

/// Cycles from which the level of a stretch is taken.
const MAX_USUAL: usize = 4000;

/// Cycles that are enough where it is [`FAR`] from the level before: a high GOGC has few cycles.
const MIN_CHANGED_FAR: usize = 5;

/// How many times the level before, or what part of it.
const FAR: f64 = 2.0;

/// How far GOGC may be from the level of a stretch and still belong to it.
const SAME_LEVEL: f64 = 0.2;

/// Rows whose goal tells GOGC unless a limit set it: live heap large enough, not the floor, no late start.
fn telling(cycles: &Cycles, rows: std::ops::Range<usize>) -> Vec<usize> {
    rows.filter(|row| derived::effective_gogc_pct(cycles, *row).is_finite() && !derived::goal_is_lifted(cycles, *row))
        .collect()
}

/// Why nothing can be said about GOGC or a limit.
fn why_undetermined(cycles: &Cycles, n_telling: usize) -> &'static str {
    let is_any = |series: &[f64], least: f64| series.iter().any(|value| *value >= least);
    if !is_any(&cycles.heap_goal_mb, 0.0) {
        "no goal is printed"
    } else if cycles.len() < MIN_TELLING + 1 {
        "there are too few gc lines"
    } else if !is_any(&cycles.heap_live_mb, 20.0) {
        "the live heap stays below 20 MB, and sizes are printed in whole MB"
    } else if n_telling < MIN_TELLING {
        "hardly any goal tells: cycles start late, or the live heap is below 20 MB"
    } else {
        "after the start the live heap hardly moves, so that GOGC and a memory limit look alike"
    }
}

/// GOGC in effect.
pub(super) fn gogc(view: &RunView, limit: &Fact<MemoryLimit>) -> Fact<Vec<Gogc>> {
    let cycles = &view.cycles;
    if cycles.is_empty() {
        return Fact::unknown("there are no gc lines");
    }
    if view.go.and_then(|go| go.newest()).is_some_and(|newest| newest < 5) {
        return Fact::unknown("Go before 1.5 prints no goal");
    }
    let no_goal = without_goal(cycles);
    let off = |row: &usize| Gogc { percent: None, line: cycles.line[*row], n: cycles.n[*row] };
    let mut levels: Vec<Gogc> = no_goal.first().map(off).into_iter().collect();
    let mut shown: Vec<Evidence> = no_goal
        .first()
        .map(|row| evidence(cycles, *row, format!("gc {}: no goal", cycles.n[*row])))
        .into_iter()
        .collect();
    let from = no_goal.last().map_or(0, |row| row + 1);
    // Under a limit goals say nothing; before it took over they do.
    let end = match &limit.value {
        Ok(MemoryLimit::InCharge { rows, .. }) => rows.0,
        _ => cycles.len(),
    };
    let rows = telling(cycles, from..end.max(from));
    let found = match &limit.value {
        _ if rows.len() < MIN_TELLING => Err(why_undetermined(cycles, rows.len()).to_owned()),
        Ok(MemoryLimit::InCharge { .. }) => {
            match slope_of_goal(cycles, rows.iter().copied()).filter(|slope| *slope >= MIN_SLOPE_OF_GOGC) {
                Some(_) => Ok(stretches(view, &rows)),
                None => Err("a memory limit sets the goal".to_owned()),
            }
        }
        Ok(_) => Ok(stretches(view, &rows)),
        // Where the first goal shows that GOGC was in charge, a change later is one of GOGC.
        Err(_) if first_stretch_agrees(view, &rows) => Ok(stretches(view, &rows)),
        Err(why) => {
            let near = stats::median(&effective(cycles, &rows)).map(round);
            Err(near.map_or_else(|| why.clone(), |near| format!("{} fits, but {why}", words::number(near))))
        }
    };
    match found {
        Ok(stretches) => {
            shown.extend(stretches.iter().map(|gogc| {
                let row = rows.iter().copied().find(|row| cycles.n[*row] == gogc.n).unwrap_or(rows[0]);
                goal_at(cycles, row)
            }));
            levels.extend(stretches);
            Fact::known(levels, shown)
        }
        // Off at one cycle says nothing about those behind it that cannot be read, but all of it that is read is off.
        Err(_) if !levels.is_empty() && no_goal.len() == cycles.len() => Fact::known(levels, shown),
        Err(why) if !levels.is_empty() => {
            Fact::unknown_at(format!("off at gc {}; behind that {why}", levels[0].n), shown)
        }
        Err(why) => Fact::unknown(match &limit.value {
            Ok(MemoryLimit::InCharge { .. }) => "a memory limit sets the goal".to_owned(),
            _ => why,
        }),
    }
}

/// Levels of what GOGC comes to, one behind the other, whether GOGC or something else sets the goal; none under a memory
/// limit, where it follows the live heap.
pub(super) fn effective_levels(view: &RunView, limit: &Fact<MemoryLimit>) -> Vec<Gogc> {
    if matches!(limit.value, Ok(MemoryLimit::InCharge { .. })) {
        return Vec::new();
    }
    let rows = telling(&view.cycles, 0..view.cycles.len());
    if rows.len() < MIN_TELLING { Vec::new() } else { stretches(view, &rows) }
}

/// Rows that print "no limit" as their goal.
fn without_goal(cycles: &Cycles) -> Vec<usize> {
    cycles.no_goal.iter().enumerate().filter(|(_, no_goal)| **no_goal).map(|(row, _)| row).collect()
}

fn effective(cycles: &Cycles, rows: &[usize]) -> Vec<f64> {
    rows.iter().map(|row| derived::effective_gogc_pct(cycles, *row)).collect()
}

/// To the nearest 5, as far as whole megabytes tell.
fn round(gogc: f64) -> f64 {
    (gogc / 5.0).round() * 5.0
}

/// Levels of GOGC over rows that tell it, one behind the other.
fn stretches(view: &RunView, rows: &[usize]) -> Vec<Gogc> {
    let cycles = &view.cycles;
    let values = effective(cycles, rows);
    let mut cuts = vec![0];
    let mut from = 0;
    while from < rows.len() {
        let level = stats::median(&values[from..(from + MIN_CHANGED).min(rows.len())]).unwrap_or(f64::NAN);
        let differs = |at: usize| (values[at] - level).abs() > SAME_LEVEL * level;
        let has_changed = |at: usize, n: usize, is_far: bool| {
            // Nearly always the first of these does not differ: no median is taken then.
            let Some(next) = values.get(at..at + n) else { return false };
            let is_one_level = |new: f64| {
                next.iter().all(|v| (v - new).abs() <= SAME_LEVEL * new)
                    && (!is_far || new >= FAR * level || FAR * new <= level)
            };
            (at..at + n).all(differs) && stats::median(next).is_some_and(is_one_level)
        };
        let change = (from + 1..rows.len())
            .find(|at| has_changed(*at, MIN_CHANGED, false) || has_changed(*at, MIN_CHANGED_FAR, true));
        match change {
            Some(at) => {
                cuts.push(at);
                from = at;
            }
            None => break,
        }
    }
    let ends = cuts.iter().skip(1).copied().chain([rows.len()]);
    let level = |(from, end): (usize, usize)| {
        let percent = of_stretch(view, &rows[from..end], &values[from..end]);
        Gogc { percent: Some(percent), line: cycles.line[rows[from]], n: cycles.n[rows[from]] }
    };
    let mut levels: Vec<Gogc> = cuts.iter().copied().zip(ends).map(level).collect();
    levels.dedup_by_key(|gogc| gogc.percent.map(|percent| percent as i64));
    levels
}

/// GOGC of a stretch. In Go 1.19 the printed stacks are not those the goal was set from, so only the slope tells it.
fn of_stretch(view: &RunView, rows: &[usize], values: &[f64]) -> f64 {
    let may_be_1_19 = view.go.is_none_or(|go| go.contains(19)) && view.cycles.stacks_mb.iter().any(|mb| *mb >= 1.0);
    let by_slope = if may_be_1_19 && !stacks_explain(&view.cycles, rows, values) {
        slope_of_goal(&view.cycles, rows.iter().copied()).filter(|slope| *slope >= MIN_SLOPE_OF_GOGC)
    } else {
        None
    };
    let usual = || stats::median(&stats::thinned(values, MAX_USUAL)).map(round);
    by_slope.map(|slope| round(100.0 * (slope - 1.0))).or_else(usual).unwrap_or(f64::NAN)
}

/// Whether the stacks move, and with them in the sum all goals of a stretch tell the same GOGC: then they are those the
/// goals were set from. The slope of the goal on the live heap alone counts stacks that grow with it as GOGC (recorded
/// with Go 1.27: 160 with 60,000 goroutines more, under GOGC=100).
fn stacks_explain(cycles: &Cycles, rows: &[usize], values: &[f64]) -> bool {
    /// How far the stacks must move, MB, and how near to their median all values must be.
    const MOVES_MB: f64 = 2.0;
    const NEAR: f64 = 0.08;
    let stacks = rows.iter().filter_map(|row| row.checked_sub(1)).map(|before| cycles.stacks_mb[before]);
    let (low, high) = stacks.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), mb| (low.min(mb), high.max(mb)));
    let is_one = |level: f64| values.iter().all(|value| (value - level).abs() <= NEAR * level);
    high - low >= MOVES_MB && stats::median(values).is_some_and(is_one)
}

/// Whether GOGC changes, and the floor at the first cycle agrees with its first level.
fn first_stretch_agrees(view: &RunView, rows: &[usize]) -> bool {
    let levels = stretches(view, rows);
    let Some(change) = levels.get(1) else { return false };
    let n_first = rows.iter().take_while(|row| view.cycles.n[**row] < change.n).count();
    first_goal_agrees(&view.cycles, &rows[..n_first])
}

/// Whether the floor at the first cycle and the goals later say the same GOGC, which a limit would only by chance.
///
/// Nothing is live before the first cycle, so GOGC's goal is 4 MB · GOGC/100 there; it is printed truncated.
fn first_goal_agrees(cycles: &Cycles, rows: &[usize]) -> bool {
    if rows.len() < MIN_TELLING || cycles.n[0] != 1 || cycles.forced[0] {
        return false;
    }
    let goal = cycles.heap_goal_mb[0];
    if !goal.is_finite() || derived::goal_is_lifted(cycles, 0) {
        return false;
    }
    let Some(gogc) = stats::median(&effective(cycles, rows)) else { return false };
    let roots: f64 = [cycles.stacks_mb[0], cycles.globals_mb[0]].into_iter().filter(|mb| mb.is_finite()).sum();
    let (low, high) = (goal * 100.0 / (4.0 + roots), (goal + 1.0) * 100.0 / 4.0);
    (0.9 * low..1.1 * high).contains(&gogc)
}

/// Cycles that looked for leaked goroutines.
pub(super) fn leak_checks(view: &RunView) -> Option<Fact<usize>> {
    let cycles = &view.cycles;
    let rows: Vec<usize> = (0..cycles.len()).filter(|row| cycles.leak_check[*row]).collect();
    let first = *rows.first()?;
    let shown = evidence(cycles, first, format!("gc {} checks for goroutine leaks", cycles.n[first]));
    Some(Fact::known(rows.len(), vec![shown]))
}

/// Long phases cluster just below a multiple of the period of CPU quotas, 100 ms (catalogue, GC305).
pub(super) fn throttling(view: &RunView) -> Option<Fact<usize>> {
    const PERIOD_MS: f64 = 100.0;
    /// How far below the end of a period a value may end.
    const WIDTH_MS: f64 = 40.0;
    const MIN_VALUES: usize = 5;
    let cycles = &view.cycles;
    let mark = stats::median(&cycles.mark_ms)?;
    let phases = |row: usize| [cycles.sweep_term_ms[row], cycles.mark_term_ms[row], cycles.mark_ms[row] - mark];
    let long: Vec<(usize, f64)> = (0..cycles.len())
        .flat_map(|row| phases(row).map(|value| (row, value)))
        .filter(|(_, value)| *value > 10.0)
        .collect();
    let is_hit = |value: f64| {
        (1..=3).any(|k| {
            let end = f64::from(k) * PERIOD_MS;
            end - WIDTH_MS <= value && value <= end
        })
    };
    let hits: Vec<(usize, f64)> = long.iter().copied().filter(|(_, value)| is_hit(*value)).collect();
    // The windows are two fifths of the time they lie in, so that chance alone gives as many; loops that cannot be stopped
    // give any length.
    let n_near = long.iter().filter(|(_, value)| (PERIOD_MS - WIDTH_MS..=3.0 * PERIOD_MS).contains(value)).count();
    if hits.len() < MIN_VALUES || hits.len() * 2 < long.len() || hits.len() * 5 < n_near * 4 {
        return None;
    }
    let shown = hits.iter().take(3).map(|(row, value)| {
        evidence(cycles, *row, format!("gc {}: {} ms of a phase", cycles.n[*row], words::number(*value)))
    });
    Some(Fact::known(hits.len(), shown.collect()))
}
