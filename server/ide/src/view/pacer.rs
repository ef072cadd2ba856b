//! What the pacer says about each cycle: its start, its end and the sweep, put together (Go 1.5 and later).
//!
//! All lines from one `assist ratio` line up to the next are about one cycle, and so is the `gc` line among them
//! (formats reference, README 4). A cycle that stopped the world prints no line of the pacer, so the content decides:
//! the heap at the start is the same number on both lines.

use tracelog::catalog::{pacer_end, pacer_start, pacer_sweep};
use tracelog::{Family, Log, RowId, Run};

use super::{Axis, Cycles};

/// What the pacer says, one element a cycle in every series; NaN where a line is missing or a release prints less.
#[derive(Debug, Default, Clone)]
pub struct Pacer {
    /// Line of the start; where that is missing, the first line about the cycle.
    pub line: Vec<u32>,
    /// Line of the end.
    pub end_line: Vec<Option<u32>>,
    /// The cycle, where its `gc` line is there.
    pub cycle: Vec<Option<usize>>,
    /// Scan work owed per allocated byte at the start.
    pub assist_ratio: Vec<f64>,
    /// Heap when the cycle started, MB.
    pub heap_start_mb: Vec<f64>,
    /// Goal, MB.
    pub heap_goal_mb: Vec<f64>,
    /// Share of the CPU that marking used, 0 to 1: `N% CPU` since 1.18, `u_a` before.
    pub mark_cpu: Vec<f64>,
    /// Share of the CPU that marking should use, 0 to 1: 0.25, in Go 1.10 to 1.17 0.30.
    pub mark_cpu_goal: Vec<f64>,
    /// Bytes scanned: heap, stacks and globals since 1.18, `W_a` before.
    pub scanned_bytes: Vec<f64>,
    /// Bytes that were expected to be scanned (Go 1.18 and later).
    pub expected_bytes: Vec<f64>,
    /// Heap when the mark ended, bytes.
    pub heap_end_bytes: Vec<f64>,
    /// Heap when the sweep ended, MB.
    pub heap_sweep_end_mb: Vec<f64>,
}

/// Which line about a cycle.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Start,
    End,
    Sweep,
}

impl Pacer {
    /// Number of cycles.
    pub fn len(&self) -> usize {
        self.line.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.line.is_empty()
    }

    pub(super) fn of(log: &Log, run: &Run, cycles: &Cycles) -> Self {
        let mut rows: Vec<(u32, Kind, RowId)> = Vec::new();
        let families =
            [(Family::PacerStart, Kind::Start), (Family::PacerEnd, Kind::End), (Family::PacerSweep, Kind::Sweep)];
        for (family, kind) in families {
            rows.extend(run.rows(family).iter().map(|row| (log.line(*row), kind, *row)));
        }
        if rows.is_empty() {
            return Self::default();
        }
        let axis = Axis::of(&run.rows(rows[0].2.family).iter().map(|row| log.line(*row)).collect::<Vec<_>>(), cycles);
        // Stable, so that the rows of a family stay in order.
        rows.sort_by_key(|(line, ..)| axis.place(*line));
        let mut pacer = Self::default();
        for (line, kind, row) in rows {
            pacer.add(log, line, kind, row);
        }
        pacer.pair(axis, cycles);
        pacer
    }

    fn add(&mut self, log: &Log, line: u32, kind: Kind, row: RowId) {
        let is_full = match kind {
            Kind::Start => true,
            Kind::End => self.end_line.last().is_none_or(Option::is_some),
            Kind::Sweep => self.line.is_empty(),
        };
        if is_full {
            self.begin(line);
        }
        let Some(last) = self.line.len().checked_sub(1) else { return };
        let value = |field| log.value(row, field).unwrap_or(f64::NAN);
        match kind {
            Kind::Start => {
                self.assist_ratio[last] = value(pacer_start::ASSIST_RATIO);
                self.heap_start_mb[last] = value(pacer_start::HEAP_START_MB);
                self.heap_goal_mb[last] = value(pacer_start::HEAP_GOAL_MB);
            }
            Kind::End => {
                let either = |new: f64, old: f64| if new.is_nan() { old } else { new };
                self.end_line[last] = Some(line);
                let percent = value(pacer_end::MARK_CPU_PCT) / 100.0;
                self.mark_cpu[last] = either(percent, value(pacer_end::MARK_UTILIZATION));
                let goal = value(pacer_end::MARK_CPU_GOAL_PCT) / 100.0;
                self.mark_cpu_goal[last] = either(goal, value(pacer_end::GOAL_UTILIZATION));
                let parts =
                    [pacer_end::HEAP_WORK_BYTES, pacer_end::STACK_WORK_BYTES, pacer_end::GLOBALS_WORK_BYTES].map(value);
                self.scanned_bytes[last] = either(parts.iter().sum(), value(pacer_end::SCAN_WORK_BYTES));
                self.expected_bytes[last] = value(pacer_end::EXPECTED_WORK_BYTES);
                self.heap_end_bytes[last] = value(pacer_end::HEAP_END_BYTES);
            }
            Kind::Sweep => self.heap_sweep_end_mb[last] = value(pacer_sweep::HEAP_SWEEP_END_MB),
        }
    }

    fn begin(&mut self, line: u32) {
        self.line.push(line);
        self.end_line.push(None);
        self.cycle.push(None);
        for series in [
            &mut self.assist_ratio,
            &mut self.heap_start_mb,
            &mut self.heap_goal_mb,
            &mut self.mark_cpu,
            &mut self.mark_cpu_goal,
            &mut self.scanned_bytes,
            &mut self.expected_bytes,
            &mut self.heap_end_bytes,
            &mut self.heap_sweep_end_mb,
        ] {
            series.push(f64::NAN);
        }
    }

    /// Finds the `gc` line of each element: the first one behind it and before the next whose heap sizes are the same.
    fn pair(&mut self, axis: Axis, cycles: &Cycles) {
        for at in 0..self.len() {
            let from = axis.n_before(&cycles.line, self.line[at]);
            let end = self.line.get(at + 1).map_or(cycles.len(), |next| axis.n_before(&cycles.line, *next));
            self.cycle[at] = (from..end).find(|cycle| self.is_about(at, cycles, *cycle));
        }
    }

    fn is_about(&self, at: usize, cycles: &Cycles, cycle: usize) -> bool {
        let is_same = |mine: f64, theirs: f64| mine.is_nan() || theirs.is_nan() || mine == theirs;
        let end_mb = (self.heap_end_bytes[at] / f64::from(1 << 20)).floor();
        is_same(self.heap_start_mb[at], cycles.heap_start_mb[cycle]) && is_same(end_mb, cycles.heap_end_mb[cycle])
    }
}

#[cfg(test)]
mod tests {
    use crate::rules::fixture::view;

    const GC_1: &str = "gc 1 @0.038s 1%: 0.02+1.5+0.01 ms clock, 0.02+0/1.5/0+0.01 ms cpu, 3->4->0 MB, 4 MB goal, \
                        0 MB stacks, 0 MB globals, 2 P\n";
    const START: &str = "pacer: assist ratio=0.4711601045815085 (scan 0 MB in 3->4 MB) workers=1+0\n";
    const END: &str = "pacer: 25% CPU (25 exp.) for 123352+11968+206314 B work (341674 B exp.) in 3469128 B -> \
                       4409576 B (∆goal 215272, cons/mark 0.7285619681331793)\n";
    const SWEEP: &str =
        "pacer: sweep done at heap size 1MB; allocated 1MB during sweep; swept 565 pages at 0.0003844 pages/byte\n";

    #[test]
    fn lines_about_a_cycle_are_put_together_wherever_the_sweep_ends() {
        for log in [[START, END, GC_1, SWEEP].concat(), [START, END, SWEEP, GC_1].concat()] {
            let log = view(&log);
            let pacer = &log.runs[0].pacer;
            assert_eq!((pacer.len(), pacer.cycle[0], pacer.end_line[0]), (1, Some(0), Some(1)));
            assert_eq!((pacer.mark_cpu[0], pacer.mark_cpu_goal[0]), (0.25, 0.25));
            assert_eq!((pacer.scanned_bytes[0], pacer.expected_bytes[0]), (341_634.0, 341_674.0));
            assert_eq!((pacer.heap_start_mb[0], pacer.heap_goal_mb[0], pacer.heap_sweep_end_mb[0]), (3.0, 4.0, 1.0));
        }
    }

    #[test]
    fn a_gc_line_with_other_sizes_is_of_another_cycle() {
        let forced = GC_1.replace("3->4->0", "1->1->0");
        let log = view(&[START, END, &forced, &GC_1.replace("gc 1", "gc 2"), START].concat());
        assert_eq!(log.runs[0].pacer.cycle, [Some(1), None]);
    }

    #[test]
    fn ends_without_a_start_stand_alone() {
        let log = view(&[END, GC_1, END].concat());
        let pacer = &log.runs[0].pacer;
        assert_eq!((pacer.len(), &pacer.cycle[..]), (2, &[Some(0), None][..]));
        assert!(pacer.assist_ratio.iter().all(|ratio| ratio.is_nan()));
    }

    #[test]
    fn the_old_end_line_has_a_share_of_the_cpu_and_no_expectation() {
        let end = "pacer: H_m_prev=2150925 h_t=+9.500000e-001 H_T=4194304 h_a=+1.100000e+000 H_a=4516942 \
                   h_g=+1.000000e+000 H_g=4301850 u_a=+4.500000e-001 u_g=+2.500000e-001 W_a=1118208 \
                   goalΔ=+5.000000e-002 actualΔ=+1.500000e-001 u_a/u_g=+1.800000e+000\n";
        let log = view(&[end].concat());
        let pacer = &log.runs[0].pacer;
        assert_eq!((pacer.mark_cpu[0], pacer.mark_cpu_goal[0], pacer.scanned_bytes[0]), (0.45, 0.25, 1_118_208.0));
        assert!(pacer.expected_bytes[0].is_nan());
    }
}
