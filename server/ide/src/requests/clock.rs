//! The common clock of collections and requests: the wall time at which the clock of the process stood at zero.
//!
//! A `gc` line prints when its cycle began, counted from the start of the process, and is written when the cycle ends. A
//! request is stamped with the wall clock. What joins both is, first, a stamp that a collector put on the `gc` lines
//! themselves; else the order of the lines of one stream: a `gc` line between two stamped lines was written between them,
//! and what all cycles say together is narrow. Where they contradict each other (a logger with a buffer, another stream,
//! a clock that was set or drifts) it is tried again in windows of ten minutes; where that fails too nothing is said.

use tracelog::carrier::WallTime;

/// When a line was written, as a stamp says: ns since the start of 1970, cut to the unit of its last digit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stamp {
    pub(super) ns: i64,
    pub(super) resolution_ns: i64,
}

/// A cycle, as far as it tells about the clock.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Tick {
    /// When its line was written, ms since the process started; the runtime cuts the start to a millisecond.
    pub(super) end_ms: f64,
    /// The collector's stamp on its line.
    pub(super) stamp: Option<Stamp>,
    /// Stamps of the program's lines next before and next behind it in its stream.
    pub(super) between: (Option<Stamp>, Option<Stamp>),
}

/// What joins the clocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Joint {
    /// Stamps of a collector on the `gc` lines.
    Collector,
    /// The order of `gc` lines and stamped lines of the program in one stream.
    Position,
}

/// The common clock of a stretch of a run.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Stretch {
    /// When the clock of the process stood at zero: ns since the start of 1970.
    pub start_ns: i64,
    /// How far that may be off, ms, with what the stamps leave open.
    pub error_ms: f64,
    /// The stretch, ms since the process started.
    pub from_ms: f64,
    /// Its end.
    pub to_ms: f64,
}

/// The common clock of a run.
#[derive(Clone, Debug, PartialEq)]
pub struct Clock {
    /// What joins the clocks.
    pub joint: Joint,
    /// One stretch, or those windows of ten minutes in which lines agree.
    pub stretches: Vec<Stretch>,
}

impl Clock {
    /// The largest error of its stretches, ms.
    pub fn error_ms(&self) -> f64 {
        self.stretches.iter().map(|stretch| stretch.error_ms).fold(0.0, f64::max)
    }

    /// A wall time, ns since the start of 1970, as ms since the process started; none where the clock says nothing.
    pub fn at_ms(&self, wall_ns: i64) -> Option<f64> {
        self.stretches.iter().find_map(|stretch| {
            let at_ms = (wall_ns - stretch.start_ns) as f64 / 1e6;
            (stretch.from_ms..=stretch.to_ms).contains(&at_ms).then_some(at_ms)
        })
    }
}

/// Why there is no common clock.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Unclear {
    /// No cycle has a stamp, and none stands between stamped lines of the program.
    NoStamps,
    /// The clock is not known well enough: how well, and how well it is needed, ms.
    Coarse {
        /// The error, ms.
        error_ms: f64,
        /// The largest that would do.
        needed_ms: f64,
    },
}

/// A window that is fitted by itself where the whole run cannot be, ms.
const WINDOW_MS: f64 = 600_000.0;

/// Cycles a window must have.
const MIN_TICKS: usize = 5;

/// The part of the cycles whose word does not count where not all agree: a stamp is taken before its line gets to the
/// stream, and the goroutine that prints a `gc` line may have to wait for a processor.
const STRAY: f64 = 0.05;

/// The error that a start cut to a millisecond leaves, ms.
const CUT_MS: f64 = 1.0;

const NS_PER_MS: f64 = 1e6;

/// Joins the clocks. `ticks` are in the order of time; an error above `needed_ms` is too large.
pub(super) fn join(ticks: &[Tick], needed_ms: f64) -> Result<Clock, Unclear> {
    let mut best = Unclear::NoStamps;
    for (joint, fit) in [(Joint::Collector, by_collector as Fit), (Joint::Position, by_position)] {
        let Some(mut whole) = fit(ticks) else { continue };
        whole.error_ms = whole.error_ms.max(moved_ms(ticks, fit));
        if whole.error_ms <= needed_ms {
            return Ok(Clock { joint, stretches: vec![whole] });
        }
        let first_ms = ticks.first().map_or(0.0, |tick| tick.end_ms);
        let window = |tick: &Tick| ((tick.end_ms - first_ms) / WINDOW_MS) as i64;
        let windows: Vec<&[Tick]> = ticks.chunk_by(|a, b| window(a) == window(b)).collect();
        if windows.len() > 1 {
            let fitted = windows.iter().filter(|ticks| ticks.len() >= MIN_TICKS).filter_map(|ticks| fit(ticks));
            let stretches: Vec<Stretch> = fitted.filter(|stretch| stretch.error_ms <= needed_ms).collect();
            if !stretches.is_empty() {
                return Ok(Clock { joint, stretches });
            }
        }
        if best == Unclear::NoStamps {
            best = Unclear::Coarse { error_ms: whole.error_ms, needed_ms };
        }
    }
    Err(best)
}

/// The stamps of the lines before and behind a line.
pub(crate) type Around = (Option<WallTime>, Option<WallTime>);

/// The wall time at which the clock of a process stood at zero, ns, and its error, ms: from a few lines of the process,
/// each with the time at which it was written and the stamps of the lines around it. Good enough to show things side by
/// side; [`join`] says whether it is good enough to judge.
pub(crate) fn local_start_ns(lines: &[(f64, Around)]) -> Option<(i64, f64)> {
    let stamp = |time: WallTime| Stamp { ns: time.ns, resolution_ns: time.resolution_ns };
    let tick = |(end_ms, (before, after)): &(f64, Around)| Tick {
        end_ms: *end_ms,
        stamp: None,
        between: (before.map(stamp), after.map(stamp)),
    };
    let ticks: Vec<Tick> = lines.iter().map(tick).collect();
    by_position(&ticks).map(|fitted| (fitted.start_ns, fitted.error_ms))
}

type Fit = fn(&[Tick]) -> Option<Stretch>;

/// How far the clocks moved against each other, ms: between the first and the last third, where both are sure of it. Lines
/// that are far apart agree with one clock although it drifts.
fn moved_ms(ticks: &[Tick], fit: Fit) -> f64 {
    let third = ticks.len() / 3;
    if third < MIN_TICKS {
        return 0.0;
    }
    let (Some(first), Some(last)) = (fit(&ticks[..third]), fit(&ticks[ticks.len() - third..])) else { return 0.0 };
    let moved_ms = (last.start_ns - first.start_ns).abs() as f64 / NS_PER_MS;
    if moved_ms > first.error_ms + last.error_ms { moved_ms } else { 0.0 }
}

/// A line is stamped when it is read, never before it is written: the true difference of the clocks is the smallest that
/// any line shows. How far typical lines are from it says how late lines are.
fn by_collector(ticks: &[Tick]) -> Option<Stretch> {
    let mut resolution_ns = 0;
    let mut differences: Vec<i64> = Vec::new();
    for tick in ticks {
        let Some(stamp) = tick.stamp else { continue };
        resolution_ns = resolution_ns.max(stamp.resolution_ns);
        differences.push(stamp.ns.checked_sub(ms_to_ns(tick.end_ms))?);
    }
    differences.sort_unstable();
    let (least, median) = (*differences.first()?, *differences.get(differences.len() / 2)?);
    stretch(ticks, least + resolution_ns / 2, (median - least) / 2, resolution_ns)
}

/// Each cycle ended between the line before and the line behind it.
fn by_position(ticks: &[Tick]) -> Option<Stretch> {
    let mut resolution_ns = 0;
    let (mut lowest, mut highest) = (Vec::new(), Vec::new());
    for tick in ticks {
        let (before, after) = tick.between;
        for stamp in [before, after].into_iter().flatten() {
            resolution_ns = resolution_ns.max(stamp.resolution_ns);
        }
        lowest.extend(before.and_then(|stamp| stamp.ns.checked_sub(ms_to_ns(tick.end_ms + CUT_MS))));
        highest.extend(after.and_then(|stamp| (stamp.ns + stamp.resolution_ns).checked_sub(ms_to_ns(tick.end_ms))));
    }
    lowest.sort_unstable_by(|a, b| b.cmp(a));
    highest.sort_unstable();
    let mut edges = (*lowest.first()?, *highest.first()?);
    if edges.0 > edges.1 {
        let after_strays = |bounds: &[i64]| bounds.get((bounds.len() as f64 * STRAY) as usize).copied();
        edges = (after_strays(&lowest)?, after_strays(&highest)?);
    }
    // Where bounds still cross, the truth lies somewhere around where they do.
    let middle = edges.0 + (edges.1 - edges.0) / 2;
    stretch(ticks, middle, (edges.1 - edges.0).abs() / 2, resolution_ns)
}

fn stretch(ticks: &[Tick], start_ns: i64, half_ns: i64, resolution_ns: i64) -> Option<Stretch> {
    Some(Stretch {
        start_ns,
        error_ms: (half_ns + resolution_ns) as f64 / NS_PER_MS,
        from_ms: ticks.first()?.end_ms,
        to_ms: ticks.last()?.end_ms,
    })
}

fn ms_to_ns(ms: f64) -> i64 {
    (ms * NS_PER_MS).round() as i64
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: i64 = 1_000_000;
    const START: i64 = 1_717_171_717_000_000_000;

    fn at(ms: f64, resolution_ns: i64) -> Option<Stamp> {
        let ns = START + ms_to_ns(ms);
        Some(Stamp { ns: ns - ns.rem_euclid(resolution_ns), resolution_ns })
    }

    /// A cycle every 285.3 ms, between lines that come 7 ms before and 3 ms behind it or a little less.
    fn ticks(n: usize, edit: impl Fn(usize, &mut Tick)) -> Vec<Tick> {
        let tick = |idx: usize| {
            let end_ms = 300.0 + 285.3 * idx as f64;
            let gap = |seed: usize, width: f64| (idx * seed % 97) as f64 / 97.0 * width;
            let between = (at(end_ms - gap(31, 7.0), 1000), at(end_ms + gap(57, 3.0), 1000));
            let mut tick = Tick { end_ms: end_ms.floor(), stamp: None, between };
            edit(idx, &mut tick);
            tick
        };
        (0..n).map(tick).collect()
    }

    #[test]
    fn the_order_of_lines_tells() {
        let clock = join(&ticks(200, |_, _| {}), 2.0).unwrap();
        assert_eq!((clock.joint, clock.stretches.len()), (Joint::Position, 1));
        assert!(clock.error_ms() < 1.0, "{clock:?}");
        let off_ms = (clock.stretches[0].start_ns - START) as f64 / 1e6;
        assert!(off_ms.abs() <= clock.error_ms(), "{off_ms} ms off: {clock:?}");
        assert_eq!(clock.at_ms(START + 1000 * MS).map(f64::round), Some(1000.0));
        assert_eq!(clock.at_ms(START - 1000 * MS), None, "before the first cycle");
    }

    #[test]
    fn stamps_of_a_collector_come_first() {
        let late = |idx: usize, tick: &mut Tick| tick.stamp = at(tick.end_ms + 0.1 + (idx * 13 % 10) as f64 / 10.0, 1);
        let clock = join(&ticks(200, late), 2.0).unwrap();
        assert_eq!(clock.joint, Joint::Collector);
        let off_ms = (clock.stretches[0].start_ns - START) as f64 / 1e6;
        assert!(off_ms.abs() <= clock.error_ms().max(0.2) && clock.error_ms() < 1.0, "{off_ms}: {clock:?}");
    }

    #[test]
    fn a_few_lines_out_of_order_do_not_count() {
        let strays = |idx: usize, tick: &mut Tick| {
            if idx % 40 == 7 {
                tick.between.0 = at(tick.end_ms + 25.0, 1000);
            }
        };
        let clock = join(&ticks(200, strays), 2.0).unwrap();
        assert!((clock.stretches[0].start_ns - START).abs() < 2 * MS, "{clock:?}");
    }

    #[test]
    fn a_buffered_logger_is_noticed() {
        // Lines are written up to 400 ms after they were stamped.
        let buffered = |idx: usize, tick: &mut Tick| {
            let age_ms = (idx * 37 % 400) as f64;
            tick.between = (at(tick.end_ms - age_ms - 5.0, 1000), at(tick.end_ms - age_ms, 1000));
        };
        let unclear = join(&ticks(200, buffered), 5.0).unwrap_err();
        assert!(matches!(unclear, Unclear::Coarse { error_ms, .. } if error_ms > 100.0), "{unclear:?}");
    }

    #[test]
    fn a_clock_that_was_set_is_fitted_in_windows() {
        // Set forward by 3 s after 15 minutes: the second window holds both, the others one of them.
        let set = |_: usize, tick: &mut Tick| {
            let shift = if tick.end_ms > 900_000.0 { 3000.0 } else { 0.0 };
            let (before, after) = tick.between;
            let moved = |stamp: Option<Stamp>| stamp.map(|s| Stamp { ns: s.ns + ms_to_ns(shift), ..s });
            tick.between = (moved(before), moved(after));
        };
        let clock = join(&ticks(6000, set), 2.0).unwrap();
        let starts: Vec<i64> =
            clock.stretches.iter().map(|s| (s.start_ns - START + 500 * MS) / 1_000_000_000).collect();
        assert_eq!(starts, [0, 3]);
    }

    #[test]
    fn whole_seconds_are_too_coarse() {
        let coarse = |_: usize, tick: &mut Tick| {
            let widen = |stamp: Option<Stamp>| {
                stamp.map(|s| Stamp { ns: s.ns - s.ns.rem_euclid(1000 * MS), resolution_ns: 1000 * MS })
            };
            tick.between = (widen(tick.between.0), widen(tick.between.1));
        };
        assert!(matches!(join(&ticks(200, coarse), 5.0), Err(Unclear::Coarse { error_ms, .. }) if error_ms >= 1000.0));
    }

    #[test]
    fn no_stamps_no_clock() {
        assert_eq!(join(&ticks(200, |_, tick| tick.between = (None, None)), 2.0), Err(Unclear::NoStamps));
        assert_eq!(join(&[], 2.0), Err(Unclear::NoStamps));
    }
}
