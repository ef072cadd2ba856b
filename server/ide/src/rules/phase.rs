//! The phases of a collection whose length rules judge, and which of the two pauses is the slow one.

use tracelog::Field;
use tracelog::catalog::gc;

use super::evidence::{Bound, Test};
use super::machine::LongPhase;
use super::point::{Hit, Words, as_finding, cycle_name, ms};
use super::{Finding, Limit, Limits, Place, Rule, Severity, limit};
use crate::derived::interval_s;
use crate::stats::median;
use crate::view::{Cycles, RunView};
use crate::words::percent;

/// A phase of a collection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// First pause.
    SweepTermination,
    /// Between the two pauses, while the program runs.
    Mark,
    /// Last pause.
    MarkTermination,
    /// The whole collection, which is one pause in Go 1.0 to 1.4.
    Collection,
}

impl Phase {
    /// The two pauses, or the one of releases that stop the world for the whole collection.
    pub(crate) fn pauses(cycles: &Cycles) -> &'static [Self] {
        let is_concurrent = cycles.sweep_term_ms.iter().any(|value| value.is_finite());
        if is_concurrent { &[Self::SweepTermination, Self::MarkTermination] } else { &[Self::Collection] }
    }

    /// At the beginning of a sentence.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::SweepTermination => "Sweep termination",
            Self::Mark => "Concurrent mark",
            Self::MarkTermination => "Mark termination",
            Self::Collection => "The whole collection",
        }
    }

    /// Its name among the numbers of a finding.
    fn number(self) -> &'static str {
        match self {
            Self::SweepTermination => "sweep_term_ms",
            Self::Mark => "mark_ms",
            Self::MarkTermination => "mark_term_ms",
            Self::Collection => "pause_ms",
        }
    }

    /// What is underlined; none where the time is the sum of several fields.
    pub(crate) fn field(self) -> Option<Field> {
        match self {
            Self::SweepTermination => Some(gc::WALL_SWEEP_TERM_MS),
            Self::MarkTermination => Some(gc::WALL_MARK_TERM_MS),
            Self::Mark | Self::Collection => None,
        }
    }

    /// Its time in every cycle, ms; NaN where absent.
    pub(crate) fn series(self, cycles: &Cycles) -> &[f64] {
        match self {
            Self::SweepTermination => &cycles.sweep_term_ms,
            Self::Mark => &cycles.mark_ms,
            Self::MarkTermination => &cycles.mark_term_ms,
            Self::Collection => &cycles.pause_ms,
        }
    }

    /// Its median, ms; without the cycles that check for leaks.
    pub(crate) fn median_ms(self, cycles: &Cycles) -> Option<f64> {
        if cycles.leak_check.contains(&true) {
            let times: Vec<f64> = self.times_from(cycles, f64::NEG_INFINITY).map(|(_, ms)| ms).collect();
            return median(&times);
        }
        median(self.series(cycles))
    }

    /// The cycles in which it took at least `min_ms`, with its time, ms; without those that check for leaks.
    pub(crate) fn times_from(self, cycles: &Cycles, min_ms: f64) -> impl Iterator<Item = (usize, f64)> {
        let times = self.series(cycles).iter().zip(&cycles.leak_check).enumerate();
        // Of infinite ones nothing is known.
        let of_row = move |(row, (ms, is_leak_check)): (usize, (&f64, &bool))| {
            (*ms >= min_ms && *ms < f64::INFINITY && !is_leak_check).then_some((row, *ms))
        };
        times.filter_map(of_row)
    }
}

/// Whether all pauses are whole milliseconds, as the clock of some systems has it. Numbers of 10 and more are printed whole.
pub(crate) fn has_coarse_clock(cycles: &Cycles) -> bool {
    const MIN_VALUES: usize = 6;
    let mut values = cycles.sweep_term_ms.iter().chain(&cycles.mark_term_ms).filter(|ms| **ms < 10.0);
    let n = values.clone().count();
    n >= MIN_VALUES && values.all(|ms| ms.fract() == 0.0)
}

/// The limits of the rules about one pause that is regularly longer than the other.
pub(crate) const LOPSIDED: [Limit; 4] = [
    limit("min_ms", 1.0, "ms", "From when on the pause is long.").in_latency(0.5),
    limit("min_cycles", 5.0, "cycles", "In how many cycles it must be."),
    limit("min_share", 0.25, "of the cycles", "In what share of them."),
    limit("factor", 5.0, "times", "How many times the other pause it must be."),
];

/// Cycles in which one of the two pauses is long, and by how much it is longer than the other.
#[derive(Debug)]
pub(crate) struct Lopsided {
    slow: Phase,
    other: Phase,
    /// The cycles in which the slow pause is long, in order.
    pub(crate) rows: Vec<usize>,
    /// Of how many.
    pub(crate) n_judged: usize,
    /// Median of the slow pause over these cycles, ms.
    pub(crate) slow_ms: f64,
    other_ms: f64,
}

impl Lopsided {
    /// The cycles in which `slow` is long, where it is regularly so and the other pause is not. The test is filled in.
    ///
    /// Cycles that check for goroutine leaks and those without a concurrent mark are left out.
    pub(crate) fn of(cycles: &Cycles, slow: Phase, limits: &Limits, test: &mut Test) -> Option<Self> {
        let other = match slow {
            Phase::SweepTermination => Phase::MarkTermination,
            _ => Phase::SweepTermination,
        };
        let min_ms = limits.get("min_ms");
        let (slow_all, other_all) = (slow.series(cycles), other.series(cycles));
        let times = slow_all.iter().zip(other_all).zip(cycles.mark_ms.iter().zip(&cycles.leak_check));
        let (mut n_judged, mut rows) = (0, Vec::new());
        for (row, ((slow_ms, other_ms), (mark_ms, is_leak_check))) in times.enumerate() {
            let is_judged = (slow_ms + other_ms).is_finite() && *mark_ms > 0.0 && !is_leak_check;
            n_judged += usize::from(is_judged);
            if is_judged && *slow_ms >= min_ms {
                rows.push(row);
            }
        }
        let of_rows = |series: &[f64]| {
            let values: Vec<f64> = rows.iter().map(|&row| series[row]).collect();
            median(&values).unwrap_or(f64::NAN)
        };
        let (slow_ms, other_ms) = (of_rows(slow_all), of_rows(other_all));
        let found = Self { slow, other, rows, n_judged, slow_ms, other_ms };
        let name = slow.name().to_lowercase();
        let holds = test.data(
            &format!("cycles with {name} of {min_ms} ms or more"),
            found.rows.len() as f64,
            limits.get("min_cycles"),
            "",
        ) && test.value(
            "share of all cycles",
            100.0 * found.share(),
            Bound::AtLeast(100.0 * limits.get("min_share")),
            "%",
        ) && test.value(
            &format!("median {name} there"),
            slow_ms,
            Bound::AtLeast(limits.get("factor") * other_ms),
            "ms",
        );
        holds.then_some(found)
    }

    /// The long pauses, one a cycle.
    pub(crate) fn long(&self, cycles: &Cycles) -> Vec<LongPhase> {
        let series = self.slow.series(cycles);
        self.rows.iter().map(|&row| LongPhase { row, phase: self.slow, ms: series[row] }).collect()
    }

    /// One finding about all of them; `meaning` is the end of its message, with the punctuation before it.
    pub(crate) fn finding(
        &self,
        run: &RunView,
        rule: &'static Rule,
        severity: Severity,
        meaning: &str,
    ) -> Option<Finding> {
        let cycles = &run.cycles;
        let hit = |long: LongPhase| Hit {
            row: long.row,
            place: Place { line: cycles.line[long.row], field: self.slow.field() },
            weight: long.ms,
        };
        let hits: Vec<Hit> = self.long(cycles).into_iter().map(hit).collect();
        let seen = |idx: usize| format!("{} in {}", ms(hits[idx].weight), cycle_name(run, hits[idx].row));
        let finding = as_finding(rule, run.run, &hits, seen, |_| Words {
            severity,
            message: format!(
                "{} is the slow pause: {} vs {} {} (medians of {} cycles, {}){meaning}.",
                self.slow.name(),
                ms(self.slow_ms),
                self.other.name().to_lowercase(),
                ms(self.other_ms),
                self.rows.len(),
                percent(self.share()),
            ),
            numbers: vec![
                (self.slow.number(), self.slow_ms),
                (self.other.number(), self.other_ms),
                ("share_of_cycles", self.share()),
            ],
        })?;
        // The lines are one pattern; those of 10 ms or more are marked by stw-long.
        Some(Finding { further: Vec::new(), ..finding })
    }

    /// Share of the cycles.
    pub(crate) fn share(&self) -> f64 {
        self.rows.len() as f64 / self.n_judged as f64
    }
}

/// Whether the sweep of the cycle before can be unfinished when this one starts: the program asked for the cycle, or the
/// mark before took half of the time since its start. What is left to sweep is swept inside the first pause
/// (`finishsweep_m` in `runtime/mgcsweep.go`).
pub(crate) fn sweep_may_be_unfinished(cycles: &Cycles, row: usize) -> bool {
    cycles.forced[row]
        || row.checked_sub(1).is_some_and(|before| cycles.mark_ms[before] / 1000.0 >= 0.5 * interval_s(cycles, before))
}
