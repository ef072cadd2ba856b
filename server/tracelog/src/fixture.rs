//! Logs made from numbers, for tests and measurements: lines look like those of a given Go release because they are
//! printed from the catalog's templates.
//!
//! Does not imitate a runtime: numbers that belong together are the caller's business.

use crate::catalog::{Family, Field, GoReleases, Kind, Piece, Shape, gc, sched};
use crate::cells;

/// A value to be printed.
#[derive(Clone, Debug, PartialEq)]
pub enum Printed {
    /// A number in the unit of the field; for a flag, whether it is printed.
    Number(f64),
    /// A list.
    List(Vec<i64>),
    /// A text.
    Text(String),
}

impl From<f64> for Printed {
    fn from(number: f64) -> Self {
        Self::Number(number)
    }
}

/// One garbage collection. Releases up to 1.4 have no line for most of it; they print the heap and the pauses.
#[derive(Clone, Debug)]
pub struct Cycle {
    /// GC number.
    pub n: u32,
    /// Start, seconds since the process started.
    pub at_s: f64,
    /// GC CPU share since start, percent.
    pub gc_cpu_pct: f64,
    /// First pause, ms.
    pub sweep_term_ms: f64,
    /// Concurrent mark, ms.
    pub mark_ms: f64,
    /// Last pause, ms.
    pub mark_term_ms: f64,
    /// Assist, background and idle P-time, ms.
    pub mark_cpu_ms: [f64; 3],
    /// Heap at start, at end and live, MB.
    pub heap_mb: [f64; 3],
    /// Heap goal, MB.
    pub goal_mb: f64,
    /// Ps.
    pub procs: u32,
    /// Whether the program asked for it.
    pub forced: bool,
}

impl Default for Cycle {
    fn default() -> Self {
        Self {
            n: 1,
            at_s: 0.05,
            gc_cpu_pct: 1.0,
            sweep_term_ms: 0.024,
            mark_ms: 0.4,
            mark_term_ms: 0.003,
            mark_cpu_ms: [0.061, 0.3, 0.02],
            heap_mb: [4.0, 4.0, 2.0],
            goal_mb: 4.0,
            procs: 4,
            forced: false,
        }
    }
}

/// One scheduler sample.
#[derive(Clone, Debug)]
pub struct Sample {
    /// Time since the process started, ms.
    pub at_ms: u64,
    /// GOMAXPROCS.
    pub procs: u32,
    /// Ps without work.
    pub idle_procs: u32,
    /// Threads.
    pub threads: u32,
    /// Threads looking for work.
    pub spinning_threads: u32,
    /// Idle threads.
    pub idle_threads: u32,
    /// Goroutines in the global run queue.
    pub runqueue: u32,
    /// Goroutines in the run queue of each P.
    pub local: Vec<i64>,
}

impl Default for Sample {
    fn default() -> Self {
        Self {
            at_ms: 0,
            procs: 4,
            idle_procs: 2,
            threads: 6,
            spinning_threads: 0,
            idle_threads: 3,
            runqueue: 0,
            local: vec![0; 4],
        }
    }
}

/// A log of one Go release, built line by line.
#[derive(Clone, Debug)]
pub struct LogBuilder {
    minor: u8,
    text: String,
}

impl LogBuilder {
    /// An empty log of Go `1.minor`.
    pub fn new(minor: u8) -> Self {
        Self { minor, text: String::new() }
    }

    /// The text so far.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Appends a line as it is.
    pub fn line(&mut self, line: &str) -> &mut Self {
        self.text.push_str(line);
        self.text.push('\n');
        self
    }

    /// Appends a `gc` line.
    pub fn gc(&mut self, cycle: &Cycle) -> &mut Self {
        let [assist, background, idle] = cycle.mark_cpu_ms;
        let [start, end, live] = cycle.heap_mb;
        let procs = f64::from(cycle.procs);
        let n = f64::from(cycle.n);
        let fields = [
            (gc::N, n),
            (gc::AT_S, cycle.at_s),
            (gc::GC_CPU_PCT, cycle.gc_cpu_pct),
            (gc::GC_THREADS, procs),
            (gc::WALL_SWEEP_TERM_MS, cycle.sweep_term_ms),
            (gc::WALL_MARK_MS, cycle.mark_ms),
            (gc::WALL_MARK_TERM_MS, cycle.mark_term_ms),
            (gc::CPU_SWEEP_TERM_MS, cycle.sweep_term_ms * procs),
            (gc::CPU_ASSIST_MS, assist),
            (gc::CPU_BACKGROUND_MS, background),
            (gc::CPU_IDLE_MS, idle),
            (gc::CPU_MARK_TERM_MS, cycle.mark_term_ms * procs),
            (gc::STW_MARK_MS, cycle.mark_ms),
            (gc::STW_STOP_US, cycle.sweep_term_ms * 1000.0),
            (gc::STW_MARK_US, cycle.mark_ms * 1000.0),
            (gc::STW_WAIT_US, cycle.mark_term_ms * 1000.0),
            (gc::HEAP_PREV_LIVE_MB, live),
            (gc::HEAP_START_MB, start),
            (gc::HEAP_AFTER_MB, live),
            (gc::HEAP_END_MB, end),
            (gc::HEAP_LIVE_MB, live),
            (gc::HEAP_GOAL_MB, cycle.goal_mb),
            (gc::MALLOCS, n * 1000.0),
            (gc::FREES, n * 900.0),
            (gc::PROCS, procs),
            (gc::FORCED, f64::from(u8::from(cycle.forced))),
        ];
        self.item(Family::Gc, &fields.map(|(field, number)| (field, number.into())))
    }

    /// Appends a `SCHED` line.
    pub fn sched(&mut self, sample: &Sample) -> &mut Self {
        let fields = [
            (sched::AT_MS, (sample.at_ms as f64).into()),
            (sched::GOMAXPROCS, f64::from(sample.procs).into()),
            (sched::IDLEPROCS, f64::from(sample.idle_procs).into()),
            (sched::THREADS, f64::from(sample.threads).into()),
            (sched::SPINNINGTHREADS, f64::from(sample.spinning_threads).into()),
            (sched::IDLETHREADS, f64::from(sample.idle_threads).into()),
            (sched::RUNQUEUE, f64::from(sample.runqueue).into()),
            (sched::LOCAL_RUNQUEUES, Printed::List(sample.local.clone())),
            (sched::SCHEDTICKS, Printed::List(vec![1; sample.local.len()])),
        ];
        self.item(Family::Sched, &fields)
    }

    /// Appends a line of a family in the layout of the release that prints most of these fields; others are 0.
    pub fn item(&mut self, family: Family, values: &[(Field, Printed)]) -> &mut Self {
        let is_of_release = |shape: &&Shape| shape.def().go.contains(self.minor);
        let n_printed = |shape: &Shape| {
            let printed = |field: u8| values.iter().any(|(value, _)| value.index == field);
            shape.def().pieces.iter().filter(|piece| field_of(piece).is_some_and(printed)).count()
        };
        // `max_by_key` gives the last of equals; the first layout of a release is its usual one.
        let shapes = family.def().shapes.iter().rev().filter(is_of_release);
        let shape = shapes.max_by_key(|shape| n_printed(shape)).copied();
        let shape = shape.unwrap_or_else(|| panic!("Go 1.{} prints no {} line", self.minor, family.def().id));
        let line = line_of(shape, values);
        self.line(&line)
    }
}

fn field_of(piece: &Piece) -> Option<u8> {
    match piece {
        Piece::Literal(_) | Piece::Pad => None,
        Piece::Value(field, _) | Piece::Flag(field, _) => Some(*field),
    }
}

/// A line of a shape with these values; fields that are not given are 0, and their flags are not printed.
pub fn line_of(shape: Shape, values: &[(Field, Printed)]) -> String {
    let value = |field: u8| values.iter().find(|(value, _)| value.index == field).map(|(_, printed)| printed);
    let mut line = String::new();
    for piece in shape.def().pieces {
        match *piece {
            Piece::Literal(text) => line.push_str(text),
            Piece::Pad => line.push(' '),
            Piece::Value(field, kind) => match value(field) {
                Some(Printed::Text(text)) => line.push_str(text),
                Some(Printed::List(numbers)) => {
                    let numbers: Vec<String> = numbers.iter().map(i64::to_string).collect();
                    line.push_str(&numbers.join(" "));
                }
                Some(Printed::Number(number)) => cells::print(kind, code(kind, *number), &mut line),
                None => cells::print(kind, 0, &mut line),
            },
            Piece::Flag(field, text) if value(field) == Some(&Printed::Number(1.0)) => line.push_str(text),
            Piece::Flag(..) => {}
        }
    }
    line
}

/// The code with which a kind of value holds a number, rounded as the runtime rounds.
fn code(kind: Kind, number: f64) -> u64 {
    match kind {
        Kind::Uint | Kind::Hex | Kind::HexList | Kind::Flag | Kind::Text | Kind::LongText => number.max(0.0) as u64,
        Kind::FloatE | Kind::FloatG => number.to_bits(),
        Kind::Int | Kind::IntList | Kind::Ref => cells::zigzag(number.abs() as u64, number < 0.0).unwrap_or(0),
        Kind::Seconds3 => (number.max(0.0) * 1000.0).round() as u64,
        // The runtime's own words for a switch are those of today; a code of 2 or 3 is a word.
        Kind::Bool => 2 + u64::from(number != 0.0),
        Kind::Millis2 => {
            let us = (number.max(0.0) * 1000.0).round() as u64;
            match us {
                0..100 => us,
                100..1_000 => 90 + us / 10,
                1_000..10_000 => 180 + us / 100,
                _ => 270 + us / 1000,
            }
        }
    }
}

/// The releases that can have printed a text of one line, for asserting that a built line is what it should be.
pub fn releases_of(line: &str) -> Option<GoReleases> {
    let item = crate::template::best(line.as_bytes()).filter(crate::template::Match::is_complete)?;
    Some(item.shape.def().go)
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::{Expect, expect};

    fn check(minor: u8, expected: Expect) {
        let mut log = LogBuilder::new(minor);
        log.gc(&Cycle { n: 7, at_s: 1.204, mark_term_ms: 48.0, heap_mb: [90.0, 91.0, 44.0], ..Cycle::default() });
        if minor >= 2 {
            log.sched(&Sample { at_ms: 1005, local: vec![0, 3, 0, 0], ..Sample::default() });
        }
        for line in log.text().lines() {
            assert!(releases_of(line).is_some_and(|go| go.contains(minor)), "Go 1.{minor}: {line}");
        }
        expected.assert_eq(log.text());
    }

    #[test]
    fn prints_lines_of_the_release() {
        check(
            1,
            expect![[r#"
            gc7(4): 0+0+0 ms, 90 -> 44 MB 0 -> 0 (7000-6300) objects, 0(0) handoff, 0(0) steal, 0/0/0 yields
        "#]],
        );
        check(
            4,
            expect![[r#"
            gc7(4): 24+0+400+48000 us, 44 -> 90 MB, 0 (7000-6300) objects, 0 goroutines, 0/0/0 sweeps, 0(0) handoff, 0(0) steal, 0/0/0 yields
            SCHED 1005ms: gomaxprocs=4 idleprocs=2 threads=6 spinningthreads=0 idlethreads=3 runqueue=0 [0 3 0 0]
        "#]],
        );
        check(
            17,
            expect![[r#"
            gc 7 @1.204s 1%: 0.024+0.40+48 ms clock, 0.096+0.061/0.30/0.020+192 ms cpu, 90->91->44 MB, 4 MB goal, 4 P
            SCHED 1005ms: gomaxprocs=4 idleprocs=2 threads=6 spinningthreads=0 idlethreads=3 runqueue=0 [0 3 0 0]
        "#]],
        );
        check(
            22,
            expect![[r#"
            gc 7 @1.204s 1%: 0.024+0.40+48 ms clock, 0.096+0.061/0.30/0.020+192 ms cpu, 90->91->44 MB, 4 MB goal, 0 MB stacks, 0 MB globals, 4 P
            SCHED 1005ms: gomaxprocs=4 idleprocs=2 threads=6 spinningthreads=0 needspinning=0 idlethreads=3 runqueue=0 [0 3 0 0]
        "#]],
        );
        check(
            27,
            expect![[r#"
            gc 7 @1.204s 1%: 0.024+0.40+48 ms clock, 0.096+0.061/0.30/0.020+192 ms cpu, 90->91->44 MB, 4 MB goal, 0 MB stacks, 0 MB globals, 4 P
            SCHED 1005ms: gomaxprocs=4 idleprocs=2 threads=6 spinningthreads=0 needspinning=0 idlethreads=3 runqueue=0 [ 0 3 0 0 ] schedticks=[ 1 1 1 1 ]
        "#]],
        );
    }

    #[test]
    fn milliseconds_lose_their_third_digit() {
        for (ms, text) in [(0.0004, "0"), (0.0996, "0.10"), (0.456, "0.45"), (4.56, "4.5"), (9.99, "9.9"), (61.7, "61")]
        {
            let mut printed = String::new();
            cells::print(Kind::Millis2, code(Kind::Millis2, ms), &mut printed);
            assert_eq!(printed, text);
        }
    }
}
