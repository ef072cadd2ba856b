//! What the P, M and G lines of scheddetail say, as series of a run: one element a block in every series.
//!
//! A block is no snapshot and is often not whole: lines of it are lost or torn, the head of the next one can be missing,
//! the last one can still be growing. A value that needs lines which are not there is NaN. How many goroutine lines a
//! block has never falls, because their structures are kept and printed when the goroutine is gone (`allgs` in
//! `runtime/proc.go`): that is how a cut block is told from goroutines that ended.

use rustc_hash::FxHashMap;
use tracelog::catalog::{sched, sched_g, sched_m, sched_p};
use tracelog::{Family, Field, Log, RowId, Run, cells};

use super::Samples;
use super::fill::local_queues;
use crate::blocks::{G_GONE, G_RUNNING, G_WAITING};

/// P status "running": a thread has it and runs Go code or the scheduler; since Go 1.26 also in a system call.
const P_RUNNING: u64 = 1;

/// Status of a goroutine that a leak check found leaked (Go 1.26 and later).
const G_LEAKED: u64 = 10;

/// Set in the status of a goroutine whose stack the collector scans.
const SCAN_BIT: u64 = 0x1000;

/// A block with fewer goroutine lines than this share of an earlier one is cut.
const MIN_LINES: f64 = 0.9;

/// Wait reasons that are told apart. Go 1.27 has 44; damaged lines could have any number.
const MAX_REASONS: usize = 64;

/// What only goroutines of the runtime itself ever wait for.
pub(crate) const OF_RUNTIME: &[&str] = &[
    "GC worker (idle)",
    "GC worker (active)",
    "force gc (idle)",
    "GC sweep wait",
    "GC scavenge wait",
    "finalizer wait",
    "cleanup wait",
    "GOMAXPROCS updater (idle)",
    "timer goroutine (idle)",
    "mark worker (idle)",
    "mark wait (idle)",
    "Concurrent GC wait",
];

/// What the collector and the tracer make goroutines of the program wait for: no leak of it.
const OF_COLLECTOR: &[&str] = &[
    "trace reader (blocked)",
    "GC assist wait",
    "GC assist marking",
    "garbage collection",
    "garbage collection scan",
    "GC mark termination",
    "GC weak to strong wait",
    "stopping the world",
    "flushing proc caches",
    "wait for GC cycle",
];

/// The blocks of scheddetail of a run.
#[derive(Debug, Default, Clone)]
pub struct Detail {
    /// The row of each block's head in [`Samples`].
    pub sample: Vec<usize>,
    /// Somebody stops the world or has stopped it.
    pub gcwaiting: Vec<bool>,
    /// Ps that whoever stops the world still waits for.
    pub stopwait: Vec<f64>,
    /// Timers of all Ps (Go 1.14 and later).
    pub timers: Vec<f64>,
    /// Waiting goroutines, those of the runtime left out.
    pub waiting: Vec<f64>,
    /// Goroutines that a leak check found leaked (Go 1.26 and later); they are among the waiting ones too. Counted in
    /// cut blocks as well: there may be more.
    pub leaked: Vec<f64>,
    /// Goroutines that are locked to a thread.
    pub locked: Vec<f64>,
    /// What goroutines wait for.
    pub reasons: Vec<Reason>,
    /// The Ps that run something, block by block.
    pub running: Vec<Running>,
    /// Where the Ps of each block end in `running`.
    running_ends: Vec<usize>,
}

/// How many goroutines wait for the same thing.
#[derive(Debug, Clone)]
pub struct Reason {
    /// As printed; empty where a goroutine waits and nothing says for what.
    pub name: String,
    /// How many in each block; shorter than the series where later ones have none.
    counts: Vec<u32>,
}

/// A P with status 1, and what runs on it as far as the lines of the block say.
#[derive(Debug, Clone, Copy)]
pub struct Running {
    /// Number of the P.
    pub p: u64,
    /// Goroutines it has started with a fresh time slice.
    pub schedtick: Option<u64>,
    /// Its thread.
    pub m: Option<u64>,
    /// The goroutine on that thread.
    pub g: Option<u64>,
    /// Whether that goroutine runs code of the program. It does not in a system call (Go 1.26 and later leave it its P
    /// there), nor as a worker of the collector, which keeps its P for as long as the mark phase lasts.
    pub is_in_program: bool,
    /// The line of the P.
    pub p_line: u32,
    /// The line of the thread.
    pub m_line: Option<u32>,
}

impl Detail {
    /// Number of blocks.
    pub fn len(&self) -> usize {
        self.sample.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.sample.is_empty()
    }

    /// The Ps of a block that run something.
    pub fn running_in(&self, block: usize) -> &[Running] {
        let start = block.checked_sub(1).and_then(|before| self.running_ends.get(before)).copied().unwrap_or(0);
        let end = self.running_ends.get(block).copied().unwrap_or(start);
        self.running.get(start..end).unwrap_or_default()
    }

    /// How many wait for one thing in a block; NaN where its lines are cut.
    pub fn waiting_for(&self, reason: &Reason, block: usize) -> f64 {
        match self.waiting.get(block) {
            Some(waiting) if waiting.is_finite() => reason.counts.get(block).map_or(0.0, |n| f64::from(*n)),
            _ => f64::NAN,
        }
    }

    /// Reads the blocks of a run. The queues of the Ps go into `samples`, whose heads do not print them.
    pub(super) fn of(log: &Log, run: &Run, samples: &mut Samples) -> Self {
        let mut filling = Filling { log, detail: Self::default(), reason_of: FxHashMap::default(), most_gs: 0 };
        let heads = run.rows(Family::Sched);
        let families = [Family::SchedP, Family::SchedM, Family::SchedG].map(|family| run.rows(family));
        if families.iter().all(|rows| rows.is_empty()) && !heads.iter().any(|row| is_head(log, *row)) {
            return filling.detail;
        }
        let mut rest = families;
        for (sample, head) in heads.iter().enumerate() {
            let next = heads.get(sample + 1).map(|next| log.line(*next));
            let mut taken = [0; 3].map(|_| &[] as &[RowId]);
            for (taken, rest) in taken.iter_mut().zip(&mut rest) {
                // What stands before the first head belongs to a block whose head is lost.
                let before = rest.iter().take_while(|row| is_before(run, log.line(**row), log.line(*head))).count();
                let behind = &rest[before..];
                let end = next.map_or(behind.len(), |next| {
                    behind.iter().take_while(|row| is_before(run, log.line(**row), next)).count()
                });
                (*taken, *rest) = behind.split_at(end);
            }
            if is_head(log, *head) || taken.iter().any(|rows| !rows.is_empty()) {
                filling.add(run, sample, *head, taken, samples);
            }
        }
        filling.detail
    }
}

/// Whether a line comes before another in the order of time: some logs are exported with the newest line first.
fn is_before(run: &Run, line: u32, other: u32) -> bool {
    let heads = run.rows(Family::Sched);
    let is_falling = matches!(heads, [first, .., last] if first > last);
    if is_falling { line > other } else { line < other }
}

/// Only the head of a block tells whether somebody stops the world.
fn is_head(log: &Log, row: RowId) -> bool {
    log.code(row, sched::GCWAITING).is_some() || log.code(row, sched::STOPWAIT).is_some()
}

/// A reference to a P, thread or goroutine; none for `nil`, `-1` and what was not printed.
fn reference(log: &Log, row: RowId, field: Field) -> Option<u64> {
    let code = log.code(row, field)?;
    (!cells::is_nil(code)).then(|| cells::unzigzag(code).unsigned_abs())
}

/// A number that is no reference.
fn number(log: &Log, row: RowId, field: Field) -> Option<u64> {
    log.value(row, field).filter(|value| *value >= 0.0).map(|value| value as u64)
}

struct Filling<'a> {
    log: &'a Log,
    detail: Detail,
    /// Index of each reason by where a chunk keeps its text; none for those of the runtime.
    reason_of: FxHashMap<(u32, u64), Option<usize>>,
    /// Most goroutine lines of a block so far.
    most_gs: usize,
}

impl Filling<'_> {
    fn add(&mut self, run: &Run, sample: usize, head: RowId, rows: [&[RowId]; 3], samples: &mut Samples) {
        let log = self.log;
        let rows = without_next(log, run, rows);
        let [ps, ms, gs] = rows;
        let block = self.detail.len();
        self.detail.sample.push(sample);
        self.detail.gcwaiting.push(log.code(head, sched::GCWAITING).is_some_and(|code| code % 2 == 1));
        self.detail.stopwait.push(log.value(head, sched::STOPWAIT).unwrap_or(f64::NAN));
        let has_all_ps = !ps.is_empty() && samples.gomaxprocs[sample] == ps.len() as f64;
        let sum = |field| ps.iter().map(|row| log.value(*row, field).unwrap_or(f64::NAN)).sum::<f64>();
        self.detail.timers.push(if has_all_ps { sum(sched_p::TIMERSLEN) } else { f64::NAN });
        if has_all_ps && samples.local_sum[sample].is_nan() {
            let queues: Vec<f64> =
                ps.iter().map(|row| log.value(*row, sched_p::RUNQSIZE).unwrap_or(f64::NAN)).collect();
            local_queues(&queues).put(samples, sample);
            samples.schedticks_sum[sample] = sum(sched_p::SCHEDTICK);
        }
        self.goroutines(block, gs);
        self.running(ps, ms, gs);
    }

    fn goroutines(&mut self, block: usize, gs: &[RowId]) {
        let is_cut = gs.is_empty() || (gs.len() as f64) < MIN_LINES * self.most_gs as f64;
        self.most_gs = self.most_gs.max(gs.len());
        let (mut waiting, mut leaked, mut locked) = (0u32, 0u32, 0u32);
        for row in gs {
            let Some(status) = self.log.code(*row, sched_g::G_STATUS) else { continue };
            if !G_GONE.contains(&(status & !SCAN_BIT)) && reference(self.log, *row, sched_g::LOCKEDM).is_some() {
                locked += 1;
            }
            if !G_WAITING.contains(&status) {
                continue;
            }
            if status & !SCAN_BIT == G_LEAKED {
                leaked += 1;
            }
            let Some(reason) = self.reason(*row) else { continue };
            waiting += 1;
            if let Some(reason) = self.detail.reasons.get_mut(reason) {
                reason.counts.resize(block + 1, 0);
                reason.counts[block] += 1;
            }
        }
        let or_cut = |n: u32| if is_cut { f64::NAN } else { f64::from(n) };
        self.detail.waiting.push(or_cut(waiting));
        self.detail.locked.push(or_cut(locked));
        self.detail.leaked.push(f64::from(leaked));
    }

    /// The index of a waiting goroutine's reason, one behind the last where there are too many; none for the runtime's.
    fn reason(&mut self, row: RowId) -> Option<usize> {
        // What a torn line has lost counts as a reason that nothing is known of.
        let code = self.log.code(row, sched_g::REASON).unwrap_or(u64::MAX);
        let (log, reasons) = (self.log, &mut self.detail.reasons);
        *self.reason_of.entry((row.chunk, code)).or_insert_with(|| {
            let name = log.text(row, sched_g::REASON).unwrap_or_default();
            if OF_RUNTIME.contains(&&*name) || OF_COLLECTOR.contains(&&*name) {
                return None;
            }
            let known = reasons.iter().position(|reason| reason.name == name);
            Some(known.unwrap_or_else(|| {
                if reasons.len() < MAX_REASONS {
                    reasons.push(Reason { name: name.into_owned(), counts: Vec::new() });
                    reasons.len() - 1
                } else {
                    MAX_REASONS
                }
            }))
        })
    }

    fn running(&mut self, ps: &[RowId], ms: &[RowId], gs: &[RowId]) {
        let log = self.log;
        let start = self.detail.running.len();
        for row in ps.iter().filter(|row| number(log, **row, sched_p::P_STATUS) == Some(P_RUNNING)) {
            let Some(p) = number(log, *row, sched_p::P) else { continue };
            let m = reference(log, *row, sched_p::M);
            let schedtick = number(log, *row, sched_p::SCHEDTICK);
            let p_line = log.line(*row);
            self.detail.running.push(Running { p, schedtick, m, g: None, is_in_program: false, p_line, m_line: None });
        }
        let running = &mut self.detail.running[start..];
        for row in if running.is_empty() { &[] } else { ms } {
            let m = number(log, *row, sched_m::THREAD);
            if let Some(running) = running.iter_mut().find(|running| running.m.is_some() && running.m == m) {
                running.g = reference(log, *row, sched_m::CURG);
                running.m_line = Some(log.line(*row));
            }
        }
        if running.iter().any(|running| running.g.is_some()) {
            for row in gs {
                // Since Go 1.20 workers of the collector have status 4 and a thread while they mark.
                if log.code(*row, sched_g::G_STATUS).is_none_or(|status| status & !SCAN_BIT != G_RUNNING) {
                    continue;
                }
                let g = number(log, *row, sched_g::G);
                let Some(running) = running.iter_mut().find(|running| running.g == g) else { continue };
                // The reason of its last wait, which is not cleared; before, it tells the workers.
                let reason = log.text(*row, sched_g::REASON);
                running.is_in_program = !reason.is_some_and(|reason| OF_RUNTIME.contains(&&*reason));
            }
        }
        self.detail.running_ends.push(self.detail.running.len());
    }
}

/// The rows of a block, up to where the next one begins whose head is lost: its Ps begin anew, or stand behind
/// goroutines.
fn without_next<'a>(log: &Log, run: &Run, rows: [&'a [RowId]; 3]) -> [&'a [RowId]; 3] {
    let [ps, ms, gs] = rows;
    let p = |row: &RowId| number(log, *row, sched_p::P);
    let again =
        ps.windows(2).find(|pair| p(&pair[1]).is_some() && p(&pair[1]) <= p(&pair[0])).map(|pair| log.line(pair[1]));
    let first_g = gs.first().map(|row| log.line(*row));
    let behind = |rows: &[RowId]| {
        let is_behind = |line: &u32| first_g.is_some_and(|g| is_before(run, g, *line));
        rows.iter().map(|row| log.line(*row)).find(is_behind)
    };
    let earlier = |a: u32, b: u32| if is_before(run, a, b) { a } else { b };
    let Some(end) = [again, behind(ps), behind(ms)].into_iter().flatten().reduce(earlier) else { return rows };
    rows.map(|rows| &rows[..rows.iter().take_while(|row| is_before(run, log.line(**row), end)).count()])
}

#[cfg(test)]
mod tests {
    use crate::rules::detail_fixture::{Block, blocks};
    use crate::rules::fixture::view;
    use crate::view::RunView;

    fn run(text: &str) -> RunView {
        let mut view = view(text);
        assert_eq!(view.runs.len(), 1);
        view.runs.remove(0)
    }

    fn waiting(n: u64) -> Block {
        Block { goroutines: vec![("4(chan send)", n), ("4(GC worker (idle))", 2), ("6()", 40)], ..Block::default() }
    }

    #[test]
    fn counts_what_waits_by_reason_without_the_runtime() {
        let of = |status| Block { goroutines: vec![(status, 3), ("4(finalizer wait)", 1)], ..Block::default() };
        let run = run(&[
            of("4(chan send)"),
            of("4100(select)"),
            of("10(chan receive)"),
            of("4106(chan receive)"),
            of("1(sleep)"),
        ]
        .into_iter()
        .zip(0..)
        .map(|(block, idx)| Block { at_ms: 1000 * idx, ..block }.text())
        .collect::<String>());
        let detail = &run.detail;
        assert_eq!(detail.waiting, [3.0, 3.0, 3.0, 3.0, 0.0]);
        assert_eq!(detail.leaked, [0.0, 0.0, 3.0, 3.0, 0.0]);
        let names: Vec<&str> = detail.reasons.iter().map(|reason| reason.name.as_str()).collect();
        assert_eq!(names, ["chan send", "select", "chan receive"]);
        assert_eq!(
            (0..5).map(|block| detail.waiting_for(&detail.reasons[1], block)).collect::<Vec<_>>(),
            [0.0, 3.0, 0.0, 0.0, 0.0]
        );
    }

    #[test]
    fn a_block_whose_end_is_missing_counts_nothing() {
        let whole = blocks(4, 1000, |_| waiting(60));
        let n_lines = whole.lines().count();
        let cut: String = whole.lines().take(n_lines - 30).map(|line| format!("{line}\n")).collect();
        assert_eq!(run(&whole).detail.waiting, [60.0; 4]);
        let seen = run(&cut).detail.waiting;
        assert_eq!(seen[..3], [60.0; 3]);
        assert!(seen[3].is_nan());
    }

    #[test]
    fn a_block_whose_head_is_missing_is_not_added_to_the_one_before() {
        let whole = blocks(4, 1000, |_| Block { timers: 5, ..waiting(60) });
        let lost = whole.replacen("SCHED 2000ms", "XXXXX 2000ms", 1);
        let run = run(&lost);
        assert_eq!(run.detail.waiting, [60.0; 3]);
        assert_eq!(run.detail.timers, [10.0; 3]);
        // Its Ps are lost as well: threads behind goroutines.
        let ps_too: String = lost
            .lines()
            .filter(|line| !line.starts_with("  P") && !line.starts_with("XXXXX"))
            .map(|line| format!("{line}\n"))
            .collect();
        assert_eq!(self::run(&ps_too).detail.waiting.len(), 3);
    }

    #[test]
    fn timers_need_all_ps() {
        let text = blocks(3, 1000, |_| Block { timers: 5, ..Block::default() });
        let torn = text.replacen("  P1: status=0 schedtick=7", "  P1: stat", 1);
        let timers = run(&torn).detail.timers;
        assert!(timers[0].is_nan(), "{timers:?}");
        assert_eq!(timers[1..], [10.0, 10.0]);
    }

    #[test]
    fn the_queues_of_the_ps_are_those_of_the_sample() {
        let run = run(&blocks(2, 1000, |_| Block { runqsize: 4, ..Block::default() }));
        assert_eq!(
            (run.samples.local_sum[1], run.samples.local_max[1], run.samples.schedticks_sum[1]),
            (8.0, 4.0, 14.0)
        );
    }

    #[test]
    fn what_runs_is_found_through_the_thread_of_its_p() {
        let block = Block { running: vec![[1, 5, 23, 20]], ..Block::default() };
        let run = run(&blocks(2, 1000, |_| block.clone()));
        let running = run.detail.running_in(1);
        assert_eq!(running.len(), 1);
        assert_eq!((running[0].p, running[0].m, running[0].g, running[0].schedtick), (1, Some(5), Some(23), Some(20)));
        assert!(running[0].is_in_program);
        assert_eq!(run.detail.running_in(0)[0].p_line + 6, running[0].p_line);
    }

    #[test]
    fn newest_line_first_is_the_same() {
        let text = blocks(4, 1000, |idx| waiting(60 + idx));
        let reversed: String = text.lines().rev().map(|line| format!("{line}\n")).collect();
        assert_eq!(run(&reversed).detail.waiting, run(&text).detail.waiting);
    }

    #[test]
    fn go_1_2_prints_numbers_for_words_and_minus_one_for_none() {
        let run = run("\
SCHED 0ms: gomaxprocs=2 idleprocs=0 threads=4 idlethreads=0 runqueue=0 gcwaiting=1 nmidlelocked=1 nmspinning=0 stopwait=1 sysmonwait=0
  P0: status=3 schedtick=1 syscalltick=0 m=0 runqsize=0/128 gfreecnt=0
  P1: status=1 schedtick=1 syscalltick=0 m=3 runqsize=0/128 gfreecnt=0
  M3: p=1 curg=7 mallocing=0 throwing=0 gcing=0 locks=0 dying=0 helpgc=1 spinning=0 lockedg=-1
  M0: p=0 curg=1 mallocing=0 throwing=0 gcing=1 locks=0 dying=0 helpgc=0 spinning=0 lockedg=1
  G1: status=4(garbage collection) m=0 lockedm=0
  G7: status=2() m=3 lockedm=-1
  G8: status=4(select) m=-1 lockedm=-1
");
        let detail = &run.detail;
        assert_eq!(
            (detail.gcwaiting[0], detail.stopwait[0], detail.waiting[0], detail.locked[0]),
            (true, 1.0, 1.0, 1.0)
        );
        assert!(detail.timers[0].is_nan());
        assert_eq!(detail.running_in(0)[0].g, Some(7));
    }
}
