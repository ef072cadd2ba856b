//! The series whose level is looked at, and from what difference on a reader cares.

use super::Of;
use crate::derived;
use crate::words;

/// What is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Measure {
    /// Whether the collector has a goal: it has none under `GOGC=off` without a memory limit. 0 or 1.
    GcOn,
    /// Live heap after a cycle, without what was allocated while it marked, MB.
    LiveHeap,
    /// Share of P-time that collecting took from one cycle to the next, 0 to 1.
    GcShare,
    /// Stop-the-world time of a cycle, ms.
    Pause,
    /// Allocation between cycles, MB/s.
    AllocRate,
    /// Goal of a cycle, MB.
    Goal,
    /// Time from one cycle to the next, s.
    Interval,
    /// GOMAXPROCS of a cycle.
    Procs,
    /// Goroutines that wait for a P.
    Runnable,
    /// Ps without work.
    IdleProcs,
    /// OS threads.
    Threads,
    /// GOMAXPROCS of a sample.
    Gomaxprocs,
}

/// A measure of one phase and of the one before.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Change {
    /// What is measured.
    pub measure: Measure,
    /// Its level in the phase before: the median, or all of it over all the time.
    pub before: f64,
    /// Its level in this phase.
    pub after: f64,
}

/// What is known of a measure.
struct Def {
    /// Permanent name, with its unit.
    id: &'static str,
    /// Name in lenses.
    name: &'static str,
    unit: &'static str,
    /// Added before the logarithm is taken, in the unit of the measure: below it differences are rounding. None: the
    /// value has no noise.
    scale: Option<f64>,
    /// The least factor and the least amount that a reader cares for.
    factor: f64,
    amount: f64,
}

const OF_CYCLES: [Measure; 8] = [
    Measure::GcOn,
    Measure::LiveHeap,
    Measure::GcShare,
    Measure::Pause,
    Measure::AllocRate,
    Measure::Goal,
    Measure::Interval,
    Measure::Procs,
];

const OF_SAMPLES: [Measure; 4] = [Measure::Runnable, Measure::IdleProcs, Measure::Threads, Measure::Gomaxprocs];

impl Measure {
    /// What is measured in cycles, or in samples.
    pub(super) fn of(rows: Of) -> &'static [Self] {
        match rows {
            Of::Cycles(_) => &OF_CYCLES,
            Of::Samples(_) => &OF_SAMPLES,
        }
    }

    const fn def(self) -> Def {
        const fn def(id: &'static str, name: &'static str, unit: &'static str, numbers: (f64, f64, f64)) -> Def {
            Def { id, name, unit, scale: Some(numbers.0), factor: numbers.1, amount: numbers.2 }
        }
        match self {
            Self::GcOn => Def { scale: None, ..def("gc_on", "GC", "", (0.0, 1.0, 1.0)) },
            Self::LiveHeap => def("live_mb", "live", "MB", (4.0, 1.3, 3.0)),
            Self::GcShare => def("gc_cpu_share", "GC", "% CPU", (0.005, 2.0, 0.02)),
            Self::Pause => def("pause_ms", "pause", "ms", (0.05, 2.5, 0.5)),
            Self::AllocRate => def("alloc_mb_per_s", "alloc", "MB/s", (4.0, 2.0, 8.0)),
            Self::Goal => def("goal_mb", "goal", "MB", (4.0, 1.3, 4.0)),
            Self::Interval => def("interval_s", "a cycle every", "s", (0.005, 2.0, 0.02)),
            Self::Procs => Def { scale: None, ..def("procs", "GOMAXPROCS", "", (0.0, 1.0, 1.0)) },
            Self::Runnable => def("runnable", "runnable", "", (2.0, 2.0, 3.0)),
            Self::IdleProcs => def("idle_ps", "idle Ps", "", (2.0, 1.3, 1.0)),
            Self::Threads => def("threads", "threads", "", (4.0, 1.3, 3.0)),
            Self::Gomaxprocs => Def { scale: None, ..def("gomaxprocs", "GOMAXPROCS", "", (0.0, 1.0, 1.0)) },
        }
    }

    /// Permanent name, with its unit.
    pub const fn id(self) -> &'static str {
        self.def().id
    }

    /// The value of a row; NaN where absent.
    pub(super) fn value(self, rows: Of, row: usize) -> f64 {
        match rows {
            Of::Cycles(cycles) => match self {
                Self::GcOn => {
                    // A goal that a tear took away has the number of Ps behind it, which is gone too.
                    let is_whole = cycles.heap_live_mb[row].is_finite() && cycles.procs[row].is_finite();
                    if is_whole { f64::from(u8::from(cycles.heap_goal_mb[row].is_finite())) } else { f64::NAN }
                }
                Self::LiveHeap => {
                    let live = derived::live_before_mark_mb(cycles, row);
                    if live.is_nan() { cycles.heap_live_mb[row] } else { live }
                }
                Self::GcShare => derived::gc_share(cycles, row),
                Self::Pause => cycles.pause_ms[row],
                Self::AllocRate => derived::alloc_rate_mb_per_s(cycles, row),
                Self::Goal => cycles.heap_goal_mb[row],
                Self::Interval => derived::interval_s(cycles, row),
                Self::Procs => cycles.procs[row],
                _ => f64::NAN,
            },
            Of::Samples(samples) => match self {
                Self::Runnable => derived::runnable(samples, row),
                Self::IdleProcs => samples.idleprocs[row],
                Self::Threads => samples.threads[row],
                Self::Gomaxprocs => samples.gomaxprocs[row],
                _ => f64::NAN,
            },
        }
    }

    /// Whether it has no noise: each change is one.
    pub(super) const fn is_exact(self) -> bool {
        self.def().scale.is_none()
    }

    /// A value on the scale on which noise is even: values spread by factors, not by amounts.
    pub(super) fn scaled(self, value: f64) -> f64 {
        self.def().scale.map_or(value, |scale| (value.max(0.0) + scale).ln())
    }

    /// The least noise assumed on that scale: what makes a difference that a reader cares for clear within a few values.
    pub(super) fn rounding(self) -> f64 {
        self.def().factor.ln() / 4.0
    }

    /// Whether a reader cares for the difference.
    pub(super) fn matters(self, before: f64, after: f64) -> bool {
        let Def { factor, amount, .. } = self.def();
        let (low, high) = (before.min(after), before.max(after));
        high - low >= amount && high >= factor * low
    }

    /// How large a difference is, against the least that matters; for an order.
    fn size(self, before: f64, after: f64) -> f64 {
        (self.scaled(after) - self.scaled(before)).abs() / self.def().factor.ln().max(0.1)
    }
}

impl Change {
    /// How large it is, against the least that a reader cares for; endless where any change counts.
    pub fn size(&self) -> f64 {
        if self.measure.is_exact() { f64::INFINITY } else { self.measure.size(self.before, self.after) }
    }

    /// `live 20→64 MB`, as lenses and lists say it.
    pub fn in_words(&self) -> String {
        let Def { name, unit, .. } = self.measure.def();
        if self.measure == Measure::GcOn {
            return if self.after > 0.0 { "GC switched on" } else { "GC switched off" }.to_owned();
        }
        let scale = if self.measure == Measure::GcShare { 100.0 } else { 1.0 };
        let text = format!("{name} {}→{}", words::rough(self.before * scale), words::rough(self.after * scale));
        words::with_unit(&text, unit)
    }
}

/// Puts the largest difference first and drops those that say what another says already: the goal follows the live heap,
/// and both kinds of lines print GOMAXPROCS.
pub(super) fn drop_echoes(changes: &mut Vec<Change>) {
    let has = |measure: Measure, changes: &[Change]| {
        changes.iter().find(|change| change.measure == measure).map(|change| change.after > change.before)
    };
    if has(Measure::Goal, changes).is_some() && has(Measure::Goal, changes) == has(Measure::LiveHeap, changes) {
        changes.retain(|change| change.measure != Measure::Goal);
    }
    if has(Measure::Procs, changes).is_some() {
        changes.retain(|change| change.measure != Measure::Gomaxprocs);
    }
    changes.sort_by(|a, b| b.size().total_cmp(&a.size()));
}
