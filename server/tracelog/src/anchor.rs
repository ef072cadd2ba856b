//! Where the clock of a process stands in the time of its machine.
//!
//! A trace line says how long after the start of its process something happened; what carries it says when the line was
//! written. A line is written after what it tells of, and read a little later still, so the true difference of the two
//! clocks is not above the smallest that any line shows.
//!
//! Reads no clock: everything stands in the log.

use crate::carrier::WallTime;
use crate::catalog::{Family, gc, sched};
use crate::item::Lines;
use crate::log::{Log, RowId};
use crate::runs::Run;

/// An event with both its times.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point {
    /// When its line was written, as the carrier says.
    pub wall: WallTime,
    /// When it happened, ms since the process started.
    pub at_ms: f64,
}

/// When the clock of a process stood at zero.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Anchor {
    /// The moment of `@0`: ns since the start of 1970, as if in UTC where the zone is not known.
    pub start_ns: i64,
    /// How far the moment may be off, ns: how late lines were written, and how finely the carrier counts.
    pub error_ns: i64,
    /// Whether the carrier named its zone.
    pub zone_known: bool,
    /// Whether the carrier named the year.
    pub year_known: bool,
}

impl Anchor {
    /// The wall clock at a time since the start of the process, in ms: ns since the start of 1970.
    pub fn at(&self, at_ms: f64) -> i64 {
        self.start_ns + ms_to_ns(at_ms)
    }
}

/// Lines may come late by this much, or by a tenth of the time they span; more is no delay but another clock: a log that
/// was stamped when it was copied, a machine that slept.
const MAX_LATE_NS: i64 = 1_000_000_000;

fn ms_to_ns(ms: f64) -> i64 {
    (ms * 1e6).round() as i64
}

/// Estimates when the clock of a process stood at zero; none where the times of its lines contradict each other, or no
/// line has both.
pub fn anchor(points: &[Point]) -> Option<Anchor> {
    let first = points.first()?.wall;
    let alike = |point: &&Point| {
        (point.wall.zone_known, point.wall.year_known) == (first.zone_known, first.year_known)
            && point.at_ms.is_finite()
            && point.at_ms >= 0.0
    };
    let mut differences = Vec::with_capacity(points.len());
    let mut resolution_ns = 0;
    let mut span = (i64::MAX, i64::MIN);
    let mut years_ns = 0;
    let mut before_ns = first.ns;
    for point in points.iter().filter(alike) {
        // Without a year, January follows December of the year before.
        if !first.year_known && point.wall.ns + years_ns + YEAR_NS / 2 < before_ns {
            years_ns += YEAR_NS;
        }
        let wall_ns = point.wall.ns + years_ns;
        before_ns = wall_ns;
        let at_ns = ms_to_ns(point.at_ms);
        span = (span.0.min(at_ns), span.1.max(at_ns));
        resolution_ns = resolution_ns.max(point.wall.resolution_ns);
        differences.push(wall_ns.checked_sub(at_ns)?);
    }
    let (start_ns, latest_ns) = (*differences.iter().min()?, *differences.iter().max()?);
    let spread_ns = latest_ns - start_ns;
    // A stamp that is cut to its unit may be early by one.
    if spread_ns > resolution_ns + MAX_LATE_NS.max((span.1 - span.0) / 10) {
        return None;
    }
    Some(Anchor {
        start_ns,
        error_ns: spread_ns + resolution_ns,
        zone_known: first.zone_known,
        year_known: first.year_known,
    })
}

/// A year of 366 days, as the one that stands for years that were not printed.
const YEAR_NS: i64 = 366 * 86_400 * 1_000_000_000;

/// Lines of a run that are read for an anchor: evenly spread over it.
const MAX_POINTS: usize = 256;

/// The cycles and samples of a run with both their times, in order.
pub fn points(log: &Log, run: &Run, lines: &(impl Lines + ?Sized)) -> Vec<Point> {
    let rows: Vec<RowId> = [Family::Gc, Family::Sched].iter().flat_map(|family| run.rows(*family)).copied().collect();
    let step = rows.len().div_ceil(MAX_POINTS).max(1);
    let mut points: Vec<Point> = rows
        .iter()
        .step_by(step)
        .filter_map(|row| {
            let at_ms = happened_ms(log, *row)?;
            let line = log.line(*row);
            let wall = log.peel(line, &lines.line(line)).time?;
            Some(Point { wall, at_ms })
        })
        .collect();
    points.sort_by(|a, b| a.at_ms.total_cmp(&b.at_ms));
    points
}

/// When a row's line was printed, ms since the process started: a cycle is printed when it ends.
fn happened_ms(log: &Log, row: RowId) -> Option<f64> {
    match row.family {
        Family::Gc => {
            let start_ms = log.value(row, gc::AT_S)? * 1000.0;
            let phases =
                [gc::WALL_SWEEP_TERM_MS, gc::WALL_SCAN_MS, gc::WALL_SYNC_MS, gc::WALL_MARK_MS, gc::WALL_MARK_TERM_MS];
            Some(start_ms + phases.iter().filter_map(|phase| log.value(row, *phase)).sum::<f64>())
        }
        Family::Sched => log.value(row, sched::AT_MS),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::Runs;

    const S: i64 = 1_000_000_000;

    fn point(wall_ns: i64, at_ms: f64) -> Point {
        Point { wall: WallTime { ns: wall_ns, resolution_ns: 1_000, zone_known: true, year_known: true }, at_ms }
    }

    #[test]
    fn takes_the_line_that_came_soonest() {
        let found =
            anchor(&[point(100 * S + 7_000_000, 5.0), point(102 * S + 1_000_000, 2000.5), point(105 * S, 4990.0)]);
        let wanted = Anchor { start_ns: 100 * S + 500_000, error_ns: 9_501_000, zone_known: true, year_known: true };
        assert_eq!(found, Some(wanted));
        assert_eq!(wanted.at(1500.0), 101 * S + 500_500_000);
    }

    #[test]
    fn says_nothing_of_a_log_that_was_stamped_when_it_was_copied() {
        let copied: Vec<Point> = (0..10).map(|n| point(100 * S + n * 1000, n as f64 * 1000.0)).collect();
        assert_eq!(anchor(&copied), None);
        assert_eq!(anchor(&[]), None);
    }

    #[test]
    fn a_year_may_end_within_a_log_without_years() {
        let stamp = |day: i64, second: i64| WallTime {
            ns: (10_957 + day) * 86_400 * S + second * S,
            resolution_ns: S,
            zone_known: false,
            year_known: false,
        };
        let found =
            anchor(&[Point { wall: stamp(365, 86_399), at_ms: 1000.0 }, Point { wall: stamp(0, 1), at_ms: 3000.0 }]);
        assert_eq!(found.map(|anchor| (anchor.start_ns, anchor.error_ns)), Some((stamp(365, 86_398).ns, S)));
    }

    /// The anchor of the first run of a log of the corpus.
    fn of_file(name: &str) -> Option<Anchor> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/corpus/wrapped");
        let bytes = std::fs::read(folder.join(name)).unwrap();
        let lines: Vec<&[u8]> = bytes.split(|byte| *byte == b'\n').collect();
        let log = Log::read(&bytes);
        let runs = Runs::of(&log);
        anchor(&points(&log, &runs.list[0], lines.as_slice()))
    }

    /// The stamps of these files were made from the starts of the cycles, so the anchor is early by the longest of them.
    #[test]
    fn anchors_real_logs() {
        for (name, start, error_ms, zone_known, year_known) in [
            ("docker-json-gc0-1.18.10-heapleak.log", "2024-07-31T20:37:33.000Z", 60, true, true),
            ("journald-short-precise-gc1-1.9.7-rest.log", "Mar 24 04:13:23.000", 500, false, false),
            ("ts-sched3-1.7.6-lockedthreads.log", "Jan 11 05:54:48", 2000, false, false),
            ("kubectl-ts-sched3-1.26.6-runqueue_overload.log", "2024-11-13T03:06:07.000Z", 10, true, true),
        ] {
            let found = of_file(name).unwrap_or_else(|| panic!("{name}: no anchor"));
            assert_eq!((found.zone_known, found.year_known), (zone_known, year_known), "{name}");
            let wanted = crate::carrier::peel(start.as_bytes()).time.unwrap_or_else(|| panic!("{start} is no time"));
            let off_ms = (found.start_ns - wanted.ns).abs() / 1_000_000;
            assert!(off_ms <= error_ms && found.error_ns / 1_000_000 <= error_ms, "{name}: {found:?}, {off_ms} ms off");
        }
    }
}
