//! What the scavenger of every release says: `scvg` lines up to Go 1.13, `scav` lines since Go 1.14.
//!
//! None of these lines carries a time; they get that of the cycle they belong to. Numbers keep the unit they are printed
//! in: MB (MiB) up to 1.13, KiB since.

use tracelog::catalog::{scav, scvg};
use tracelog::{Family, Log, RowId, Run};

use super::fill::{flags, series};
use super::pacer::Pacer;
use super::{Axis, Cycles, Samples};

/// The `scav` lines of a run (Go 1.14 and later), one element a line in every series; NaN where a release prints less.
#[derive(Debug, Default, Clone)]
pub struct Scav {
    /// Line in the document, from 0.
    pub line: Vec<u32>,
    /// Returned since the line before, KiB (Go 1.14 to 1.20).
    pub work_kib: Vec<f64>,
    /// Returned in the background since the line before, KiB (Go 1.21 and later).
    pub background_kib: Vec<f64>,
    /// Returned on the allocation path since the line before, on a forced line by the call, KiB (Go 1.21 and later).
    pub eager_kib: Vec<f64>,
    /// Returned at present, KiB.
    pub released_kib: Vec<f64>,
    /// Heap in use, as a percentage of the heap that is not returned.
    pub util_pct: Vec<f64>,
    /// `(forced)`: the line of a call of debug.FreeOSMemory.
    pub forced: Vec<bool>,
    /// The cycle whose sweep it ends, as far as the order of the lines tells; a forced line follows the forced cycle.
    pub cycle: Vec<Option<usize>>,
    /// Start of that cycle, s; without `gc` lines the time of the last scheduler sample before the line; else NaN.
    pub at_s: Vec<f64>,
}

/// The `scvg` lines of a run that tell the state of the heap (Go 1.0 to 1.13), one element a line in every series.
#[derive(Debug, Default, Clone)]
pub struct Scvg {
    /// Line in the document, from 0.
    pub line: Vec<u32>,
    /// Free spans, returned or not, MB.
    pub idle_mb: Vec<f64>,
    /// Heap obtained from the operating system, MB.
    pub sys_mb: Vec<f64>,
    /// Returned at present, MB.
    pub released_mb: Vec<f64>,
    /// Printed for a call of debug.FreeOSMemory: pass -1, or `forced` in Go 1.13.
    pub forced: Vec<bool>,
    /// Of Go 1.13, which prints one line each background step and not one each pass.
    pub is_step: Vec<bool>,
    /// Start of the last cycle before the line, s, or time of the last scheduler sample; else NaN.
    pub at_s: Vec<f64>,
}

impl Scav {
    /// Number of lines.
    pub fn len(&self) -> usize {
        self.line.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.line.is_empty()
    }

    /// What a line says was returned since the one before, on whatever path, KiB.
    pub fn returned_kib(&self, row: usize) -> f64 {
        let work = self.work_kib[row];
        if work.is_nan() { self.background_kib[row] + self.eager_kib[row] } else { work }
    }

    pub(super) fn of(log: &Log, run: &Run, cycles: &Cycles, samples: &Samples, pacer: &Pacer) -> Self {
        let rows = run.rows(Family::Scav);
        if rows.is_empty() {
            return Self::default();
        }
        let line: Vec<u32> = rows.iter().map(|row| log.line(*row)).collect();
        let axis = Axis::of(&line, cycles);
        let forced = flags(log, rows, scav::FORCED);
        let cycle = cycles_of(axis, &line, &forced, cycles, pacer);
        let at_s = line.iter().zip(&cycle).map(|(line, cycle)| match cycle {
            Some(cycle) => cycles.at_s[*cycle],
            None => last_seen_s(axis, *line, cycles, samples),
        });
        Self {
            work_kib: series(log, rows, scav::WORK_KIB),
            background_kib: series(log, rows, scav::WORK_BACKGROUND_KIB),
            eager_kib: series(log, rows, scav::WORK_EAGER_KIB),
            released_kib: series(log, rows, scav::RELEASED_KIB),
            util_pct: series(log, rows, scav::UTIL_PCT),
            at_s: at_s.collect(),
            forced,
            cycle,
            line,
        }
    }
}

impl Scvg {
    /// Number of lines.
    pub fn len(&self) -> usize {
        self.line.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.line.is_empty()
    }

    pub(super) fn of(log: &Log, run: &Run, cycles: &Cycles, samples: &Samples) -> Self {
        let tells = |row: &RowId| log.value(*row, scvg::SYS_MB).is_some();
        let rows: Vec<RowId> = run.rows(Family::Scvg).iter().copied().filter(tells).collect();
        let line: Vec<u32> = rows.iter().map(|row| log.line(*row)).collect();
        let axis = Axis::of(&line, cycles);
        let pass = series(log, &rows, scvg::PASS);
        let forced = flags(log, &rows, scvg::FORCED);
        Self {
            idle_mb: series(log, &rows, scvg::IDLE_MB),
            sys_mb: series(log, &rows, scvg::SYS_MB),
            released_mb: series(log, &rows, scvg::RELEASED_MB),
            forced: pass.iter().zip(forced).map(|(pass, forced)| forced || *pass == -1.0).collect(),
            is_step: pass.iter().map(|pass| pass.is_nan()).collect(),
            at_s: line.iter().map(|line| last_seen_s(axis, *line, cycles, samples)).collect(),
            line,
        }
    }
}

/// The time of what was printed last before a line: a cycle, or else a sample.
fn last_seen_s(axis: Axis, line: u32, cycles: &Cycles, samples: &Samples) -> f64 {
    let before = |lines: &[u32], at_s: &[f64]| axis.n_before(lines, line).checked_sub(1).map(|row| at_s[row]);
    let cycle = before(&cycles.line, &cycles.at_s).filter(|at| at.is_finite());
    cycle.or_else(|| before(&samples.line, &samples.at_s)).unwrap_or(f64::NAN)
}

/// The cycle of each `scav` line (formats reference, README 4).
///
/// With lines of the pacer all between two of its starts is one cycle. Without, a line belongs to the `gc` line before
/// it; of two between the same `gc` lines the second belongs to the one after, since a short sweep ends before its
/// cycle is printed. The line of a call follows the cycle that the call made.
fn cycles_of(axis: Axis, line: &[u32], forced: &[bool], cycles: &Cycles, pacer: &Pacer) -> Vec<Option<usize>> {
    let mut taken: Option<usize> = None;
    line.iter()
        .zip(forced)
        .map(|(line, forced)| {
            let before = axis.n_before(&cycles.line, *line).checked_sub(1);
            if *forced {
                return before;
            }
            let start = axis.n_before(&pacer.line, *line).checked_sub(1);
            if let Some(cycle) = start.and_then(|start| pacer.cycle[start]) {
                return Some(cycle);
            }
            let cycle = match before {
                Some(before) if taken == Some(before) => Some(before + 1).filter(|next| *next < cycles.len()),
                Some(before) if taken.is_none_or(|taken| taken < before) => Some(before),
                // The line before it was that of a cycle yet to be printed.
                Some(_) => None,
                None => None,
            };
            taken = cycle.or(taken);
            cycle
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use crate::rules::fixture::view;

    fn gc(n: u64) -> String {
        format!(
            "gc {n} @{n}.000s 1%: 0.02+1.5+0.01 ms clock, 0.02+0/1.5/0+0.01 ms cpu, 19->20->10 MB, 20 MB goal, \
             0 MB stacks, 0 MB globals, 4 P\n"
        )
    }

    fn scav(eager: u64) -> String {
        format!("scav 8 KiB work (bg), {eager} KiB work (eager), 2168 KiB now, 58% util\n")
    }

    #[test]
    fn every_release_is_read() {
        let read = |text: &str| view(text).runs.remove(0).scav;
        let scav_1_14 = read("scav 448 KiB work, 3368 KiB total, 16% util\n");
        assert_eq!((scav_1_14.returned_kib(0), scav_1_14.forced[0]), (448.0, false));
        let scav_1_15 = read("scav 1 576 KiB work, 60808 KiB total, 17% util (forced)\n");
        assert_eq!((scav_1_15.returned_kib(0), scav_1_15.forced[0]), (576.0, true));
        assert!(scav_1_15.eager_kib[0].is_nan());
        let log = view(&(gc(7) + &scav(100)));
        let new = &log.runs[0].scav;
        assert_eq!(
            (new.returned_kib(0), new.eager_kib[0], new.released_kib[0], new.util_pct[0]),
            (108.0, 100.0, 2168.0, 58.0)
        );
        let log = view(
            "scvg-1: inuse: 1, idle: 50, sys: 52, released: 50, consumed: 1 (MB)\n\
             scvg7: 3 MB released\n\
             scvg7: inuse: 42, idle: 0, sys: 43, released: 0, consumed: 42 (MB)\n",
        );
        let scvg = &log.runs[0].scvg;
        assert_eq!((&scvg.forced[..], &scvg.is_step[..]), (&[true, false][..], &[false, false][..]));
        assert_eq!((scvg.idle_mb[0], scvg.sys_mb[0], scvg.released_mb[0]), (50.0, 52.0, 50.0));
    }

    #[test]
    fn a_line_belongs_to_the_cycle_before_and_a_second_one_to_the_cycle_after() {
        let log = gc(1) + &scav(0) + &gc(2) + &scav(0) + &scav(1) + &gc(3) + &gc(4) + &scav(2);
        let log = view(&log);
        let scav = &log.runs[0].scav;
        assert_eq!(scav.cycle, [Some(0), Some(1), Some(2), Some(3)]);
        assert_eq!(scav.at_s, [1.0, 2.0, 3.0, 4.0]);
    }

    #[test]
    fn lines_of_the_pacer_tell_the_cycle() {
        // The first sweep ends before its cycle is printed.
        let start = "pacer: assist ratio=0.45 (scan 0 MB in 19->20 MB) workers=1+0\n";
        let log = start.to_owned() + &scav(0) + &gc(1) + start + &gc(2) + &scav(0);
        assert_eq!(view(&log).runs[0].scav.cycle, [Some(0), Some(1)]);
    }

    #[test]
    fn the_line_of_a_call_follows_its_cycle() {
        let forced = "scav 0 KiB work (bg), 76880 KiB work (eager), 109760 KiB now, 97% util (forced)\n";
        let log = gc(1) + &scav(0) + forced + &gc(2) + &scav(0);
        assert_eq!(view(&log).runs[0].scav.cycle, [Some(0), Some(0), Some(1)]);
    }

    #[test]
    fn a_log_with_its_newest_line_first_is_read_from_its_end() {
        let lines = gc(1) + &scav(1) + &gc(2) + &scav(2) + &gc(3) + &scav(3) + &gc(4) + &scav(4);
        let turned: String = lines.lines().rev().map(|line| format!("{line}\n")).collect();
        assert_eq!(view(&turned).runs[0].scav.cycle, [Some(0), Some(1), Some(2), Some(3)]);
    }
}
