//! Blocks of scheddetail for tests: series that would be too long to paste.

use std::fmt::Write;

/// A block of Go 1.22 with two Ps, of which nothing runs.
#[derive(Clone)]
pub(crate) struct Block {
    /// Time, ms.
    pub at_ms: u64,
    /// GOMAXPROCS and P lines.
    pub procs: u64,
    /// Between `runqueue=0 ` and the end of the head.
    pub gcwaiting: bool,
    /// Ps that do not stop.
    pub stopwait: u64,
    /// Timers of each P.
    pub timers: u64,
    /// Runnable goroutines in the queue of each P.
    pub runqsize: u64,
    /// Goroutines that run: P, thread, goroutine, schedtick.
    pub running: Vec<[u64; 4]>,
    /// Goroutine lines: status with reason, and how many.
    pub goroutines: Vec<(&'static str, u64)>,
    /// Goroutines that are locked to a thread.
    pub locked: u64,
}

impl Default for Block {
    fn default() -> Self {
        Self {
            at_ms: 0,
            procs: 2,
            gcwaiting: false,
            stopwait: 0,
            timers: 0,
            runqsize: 0,
            running: Vec::new(),
            goroutines: vec![("4(force gc (idle))", 1)],
            locked: 0,
        }
    }
}

impl Block {
    /// As Go 1.20 and later print it.
    pub(crate) fn text(&self) -> String {
        let Self { at_ms, procs, gcwaiting, stopwait, timers, runqsize, .. } = self;
        let idle = procs - self.running.len() as u64;
        let mut text = format!(
            "SCHED {at_ms}ms: gomaxprocs={procs} idleprocs={idle} threads=6 spinningthreads=0 needspinning=0 idlethreads=3 \
             runqueue=0 gcwaiting={gcwaiting} nmidlelocked=0 stopwait={stopwait} sysmonwait=false\n"
        );
        for p in 0..*procs {
            let running = self.running.iter().find(|running| running[0] == p);
            let status = if running.is_some() { 1 } else { 3 * u64::from(*gcwaiting) };
            let m = running.map_or("nil".to_owned(), |running| running[1].to_string());
            let tick = running.map_or(7, |running| running[3]);
            writeln!(
                text,
                "  P{p}: status={status} schedtick={tick} syscalltick=0 m={m} runqsize={runqsize} gfreecnt=0 \
                 timerslen={timers}"
            )
            .unwrap();
        }
        for [p, m, g, _] in self.running.iter().rev() {
            writeln!(
                text,
                "  M{m}: p={p} curg={g} mallocing=0 throwing=0 preemptoff= locks=0 dying=0 spinning=false blocked=false \
                 lockedg=nil"
            )
            .unwrap();
        }
        for [_, m, g, _] in &self.running {
            writeln!(text, "  G{g}: status=2() m={m} lockedm=nil").unwrap();
        }
        let mut number = 100;
        for (status, n) in &self.goroutines {
            for _ in 0..*n {
                number += 1;
                let locked = if number - 100 <= self.locked { number.to_string() } else { "nil".to_owned() };
                writeln!(text, "  G{number}: status={status} m=nil lockedm={locked}").unwrap();
            }
        }
        text
    }
}

/// `n` blocks, `period_ms` apart, each made from its index.
pub(crate) fn blocks(n: u64, period_ms: u64, block: impl Fn(u64) -> Block) -> String {
    (0..n).map(|idx| Block { at_ms: idx * period_ms, ..block(idx) }.text()).collect()
}
