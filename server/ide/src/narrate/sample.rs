//! A line of the scheduler trace: Ps, queues, threads, and what changed since the sample before.

use tracelog::catalog::sched;
use tracelog::{Family, Field};

use super::{Sentence, Told, is_are, list, span};
use crate::words;

/// Title and sentences for a `SCHED` line with its queues.
pub(super) fn tell(told: &Told) -> Option<(String, Vec<Sentence>)> {
    let at_ms = told.value(sched::AT_MS)?;
    let title = format!("Scheduler at {} s", words::number(at_ms / 1000.0));
    let sample = Sample { told, queues: told.parsed.log.list(told.row, sched::LOCAL_RUNQUEUES) };
    let sentences = [sample.procs(), sample.waiting(), sample.threads(), sample.change(), sample.dispatches()];
    Some((title, sentences.into_iter().flatten().collect()))
}

struct Sample<'a> {
    told: &'a Told<'a>,
    /// Lengths of the local queues, by P.
    queues: Vec<i64>,
}

impl Sample<'_> {
    fn n(&self, field: Field) -> Option<usize> {
        self.told.value(field).filter(|value| *value >= 0.0).map(|value| value as usize)
    }

    fn procs(&self) -> Option<Sentence> {
        Some(Sentence::new(procs(self.told)?))
    }

    fn waiting(&self) -> Option<Sentence> {
        let global = self.n(sched::RUNQUEUE)?;
        let n_queues = self.queues.len();
        if n_queues == 0 || n_queues != self.n(sched::GOMAXPROCS)? {
            return Some(Sentence::new(format!(
                "In the global queue {} {} to run.",
                words::count(global, "goroutine"),
                if global == 1 { "waits" } else { "wait" }
            )));
        }
        let local: usize = self.queues.iter().map(|length| usize::try_from(*length).unwrap_or(0)).sum();
        let total = global + local;
        if total == 0 {
            return Some(Sentence::new("No goroutine waits in a queue."));
        }
        let (longest, at) = self.queues.iter().zip(0..).max_by_key(|(length, at)| (**length, -at))?;
        let n_empty = self.queues.iter().filter(|length| **length == 0).count();
        // One long queue beside empty ones: the work is not spread.
        let uneven = if *longest >= MIN_UNEVEN && n_empty > 0 {
            format!(
                "; it is spread unevenly: P{at} has {longest} of them, and {n_empty} of {n_queues} queues {} empty",
                is_are(n_empty)
            )
        } else {
            String::new()
        };
        let per_p = total as f64 / n_queues as f64;
        let is_many = per_p >= 1.0 && n_queues > 1;
        let each = if is_many { format!(" ({} for each P)", words::rough(per_p)) } else { String::new() };
        let idle = self.n(sched::IDLEPROCS).filter(|idle| *idle > 0 && total >= 2);
        let idle = idle
            .map_or_else(String::new, |idle| format!(", although {} {} idle", words::count(idle, "P"), is_are(idle)));
        let of_ps = if n_queues == 1 { "that of the P" } else { "those of the Ps" };
        Some(Sentence::new(format!(
            "{} {} to run{each}, {global} in the global queue and {local} in {of_ps}{idle}{uneven}.",
            words::count(total, "goroutine"),
            if total == 1 { "waits" } else { "wait" }
        )))
    }

    fn threads(&self) -> Option<Sentence> {
        Some(Sentence::new(threads(self.told)?))
    }

    fn change(&self) -> Option<Sentence> {
        change(self.told)
    }

    /// Since Go 1.25: goroutines started since the sample before.
    fn dispatches(&self) -> Option<Sentence> {
        let log = &self.told.parsed.log;
        let now = log.list(self.told.row, sched::SCHEDTICKS);
        let before = before(self.told)?;
        let then = log.list(before, sched::SCHEDTICKS);
        let elapsed_ms = self.told.value(sched::AT_MS)? - log.value(before, sched::AT_MS)?;
        if now.is_empty() || now.len() != then.len() || elapsed_ms <= 0.0 {
            return None;
        }
        // Counters of 32 bits wrap.
        let started: Vec<u32> = now.iter().zip(&then).map(|(now, then)| (now - then) as u32).collect();
        let total: u64 = started.iter().copied().map(u64::from).sum();
        let n_still = started.iter().filter(|ticks| **ticks == 0).count();
        let still = match n_still {
            0 => String::new(),
            n if n == started.len() => "; no P started any".to_owned(),
            n => format!("; {n} of {} Ps started none", started.len()),
        };
        let rate = words::number(total as f64 / elapsed_ms * 1000.0);
        Some(Sentence::new(format!(
            "Since then the Ps started at least {}, {rate} a second{still}.",
            words::count(usize::try_from(total).unwrap_or(usize::MAX), "goroutine")
        )))
    }
}

/// Length of a local queue from which an empty one beside it is worth a word.
const MIN_UNEVEN: i64 = 4;

/// How many Ps are in use.
pub(super) fn procs(told: &Told) -> Option<String> {
    let (procs, idle) = (told.value(sched::GOMAXPROCS)?, told.value(sched::IDLEPROCS)?);
    let busy = (procs - idle).max(0.0) as usize;
    let procs = procs as usize;
    Some(match busy {
        0 if procs == 1 => "The only P is idle.".to_owned(),
        0 => format!("None of {procs} Ps is in use."),
        1 if procs == 1 => "The only P is in use.".to_owned(),
        _ if busy == procs => format!("All of {procs} Ps are in use."),
        _ => {
            format!("Of {procs} Ps {busy} {} in use and {} {} idle.", is_are(busy), procs - busy, is_are(procs - busy))
        }
    })
}

/// What the threads do.
pub(super) fn threads(told: &Told) -> Option<String> {
    let (threads, parked) = (told.value(sched::THREADS)?, told.value(sched::IDLETHREADS)?);
    let spinning = told.value(sched::SPINNINGTHREADS).or(told.value(sched::NMSPINNING)).unwrap_or(0.0);
    let busy_procs = told.value(sched::GOMAXPROCS)? - told.value(sched::IDLEPROCS)?;
    let without_p = threads - parked - busy_procs;
    // The counters are not read at one instant and need not add up.
    if without_p < 0.0 || busy_procs < 0.0 {
        return Some(format!("Of {} {} are parked.", words::count(threads as usize, "thread"), words::number(parked)));
    }
    let spinning = match spinning {
        0.0 => String::new(),
        1.0 => " (1 looks for work)".to_owned(),
        n => format!(" ({} look for work)", words::number(n)),
    };
    let rest = match without_p {
        0.0 => String::new(),
        n => format!("; {} in system calls or C, or the runtime's own", words::number(n)),
    };
    Some(format!(
        "{}: {} parked, {} with a P{spinning}{rest}.",
        words::count(threads as usize, "thread"),
        words::number(parked),
        words::number(busy_procs)
    ))
}

/// The sample before in the run.
pub(super) fn before(told: &Told) -> Option<tracelog::RowId> {
    told.index.checked_sub(1).map(|before| told.rows(Family::Sched)[before])
}

/// What changed since the sample before.
fn change(told: &Told) -> Option<Sentence> {
    const CHANGING: [(Field, &str); 5] = [
        (sched::GOMAXPROCS, "GOMAXPROCS"),
        (sched::IDLEPROCS, "idle Ps"),
        (sched::RUNQUEUE, "the global queue"),
        (sched::THREADS, "threads"),
        (sched::IDLETHREADS, "parked threads"),
    ];
    let log = &told.parsed.log;
    let before = before(told)?;
    let elapsed_ms = told.value(sched::AT_MS)? - log.value(before, sched::AT_MS)?;
    let changed = |(field, what): &(Field, &str)| {
        let (now, then) = (told.value(*field)?, log.value(before, *field)?);
        (now != then).then(|| format!("{what} {} → {}", words::number(then), words::number(now)))
    };
    let mut changes: Vec<String> = CHANGING.iter().filter_map(changed).collect();
    let sum = |row| log.list(row, sched::LOCAL_RUNQUEUES).into_iter().reduce(|a, b| a + b);
    if let (Some(now), Some(then)) = (sum(told.row), sum(before))
        && now != then
    {
        changes.push(format!("the queues of the Ps {then} → {now}"));
    }
    let since = format!("Since the sample {} before", span(elapsed_ms / 1000.0));
    Some(Sentence::new(match changes.is_empty() {
        true => format!("{since} none of these numbers changed."),
        false => format!("{since}: {}.", list(changes)),
    }))
}
