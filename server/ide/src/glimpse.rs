//! What a short excerpt shows that is too little for a verdict.
//!
//! Three cycles or five samples prove nothing, and a pasted log often has no more. What stands out in all of them is
//! worth a word with its numbers and with what a rule would need; it is no finding, no rule asks for it, and a log that is
//! long enough for the rule has none of it.

use tracelog::blocks::{Block, Cause};

use crate::derived::{blocked_threads, runnable};
use crate::rules::{Finding, LEAKS, world_not_stopping};
use crate::snapshot::Parsed;
use crate::stats;
use crate::summary::RunSummary;
use crate::view::{Cycles, RunView, Samples};
use crate::words::{count, grouped, percent, rough};

/// Something that stands out in an excerpt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Glimpse {
    /// The rule that would judge it.
    pub code: &'static str,
    /// What is seen, with its numbers: `allocating goroutines did 64 % of the marking in 3 cycles`.
    pub words: String,
    /// What the rule needs: `20 cycles`.
    pub needs: &'static str,
}

impl Glimpse {
    /// `allocating goroutines did 64 % of the marking in 3 cycles (GC204 needs 20 cycles)`.
    pub fn in_words(&self) -> String {
        format!("{} ({} needs {})", self.words, self.code, self.needs)
    }
}

/// What stands out in a run that is too short for the rules that would say it; nothing a rule has found.
pub fn glimpses(run: &RunView, findings: &[&Finding]) -> Vec<Glimpse> {
    if run.toolchain {
        return Vec::new();
    }
    let samples = &run.samples;
    let all = [assists(&run.cycles), stopping(run), saturated(samples), blocked(samples), idle(run), retained(run)];
    let is_found = |glimpse: &Glimpse| findings.iter().any(|finding| finding.rule.code == glimpse.code);
    all.into_iter().flatten().filter(|glimpse| !is_found(glimpse)).collect()
}

/// Cycles, time and samples from which on growth and queues are judged (GC101, SC101).
const ENOUGH: (usize, f64, usize) = (40, 30.0, MIN_SAMPLES);

/// What to record, so that more can be said about a log that is too short: `To know more: 40 cycles and 30 s with
/// GODEBUG=gctrace=1`. None where there is enough, or nothing that more of would help.
pub fn to_record(parsed: &Parsed) -> Option<String> {
    let runs = || parsed.analysis().summaries.iter().filter(|summary| !summary.toolchain);
    let mut wanted: Vec<String> = Vec::new();
    let collected: Vec<(usize, f64)> = runs()
        .filter_map(|summary| summary.gc.as_ref())
        // Where cycles have no time growth is not judged, however many there are.
        .filter_map(|gc| gc.span_s.ok().map(|(first, last)| (gc.n_cycles, last - first)))
        .collect();
    let is_short = |(n, span_s): &(usize, f64)| *n < ENOUGH.0 || *span_s < ENOUGH.1;
    let is_told = parsed.analysis().findings.iter().any(|finding| LEAKS.contains(&finding.rule.code));
    if !collected.is_empty() && collected.iter().all(is_short) && !is_told {
        wanted.push(format!("{} cycles and {} s of one process with GODEBUG=gctrace=1", ENOUGH.0, ENOUGH.1));
    }
    let most_samples = runs().map(RunSummary::n_samples).max().unwrap_or_default();
    if (1..ENOUGH.2).contains(&most_samples) {
        wanted.push(format!("{} samples with GODEBUG=schedtrace=1000,scheddetail=1", ENOUGH.2));
    }
    let is_moment = |block: &&Block| match block {
        Block::Dump(dump) => dump.cause == Cause::Stack && dump.goroutines.len() > 1,
        Block::Profile(profile) => profile.kind(&parsed.log) == "goroutine",
        _ => false,
    };
    if parsed.blocks().list.iter().filter(is_moment).count() == 1 {
        wanted.push("a second goroutine dump some minutes later, which shows what becomes more".to_owned());
    }
    (!wanted.is_empty()).then(|| format!("to know more: {}", wanted.join("; ")))
}

/// Fewest cycles that GC204 judges, and cycles at the start of a program that it leaves out.
const ASSISTS: (usize, u64) = (20, 10);

/// Share of the marking from which on assists stand out: no steady program was recorded with so much of it, of any release.
const MOSTLY_ASSISTS: f64 = 0.6;

fn assists(cycles: &Cycles) -> Option<Glimpse> {
    let is_usable = |row: &usize| {
        cycles.n[*row] > ASSISTS.1 && cycles.mark_ms[*row] > 0.0 && !cycles.forced[*row] && !cycles.leak_check[*row]
    };
    let rows: Vec<usize> = (0..cycles.len()).filter(is_usable).collect();
    if cycles.len() >= ASSISTS.0 || rows.len() < 2 {
        return None;
    }
    let sum = |values: &[f64]| rows.iter().map(|&row| values[row]).sum::<f64>();
    let (assist_ms, background_ms) = (sum(&cycles.cpu_assist_ms), sum(&cycles.cpu_background_ms));
    let share = assist_ms / (assist_ms + background_ms);
    // Short marks are noise.
    let is_much = assist_ms >= 10.0 * rows.len() as f64 && share >= MOSTLY_ASSISTS;
    is_much.then(|| Glimpse {
        code: "GC204",
        words: format!("allocating goroutines did {} of the marking in {}", percent(share), count(rows.len(), "cycle")),
        needs: "20 cycles",
    })
}

/// Samples that rules about queues and about blocked threads need.
const MIN_SAMPLES: usize = 10;
/// See [`MIN_SAMPLES`].
const MIN_SAMPLES_BLOCKED: usize = 5;

/// `in all 5 samples`, `in the only sample`.
fn in_samples(n: usize) -> String {
    if n == 1 { "in the only sample".to_owned() } else { format!("in all {n} samples") }
}

/// `all 4 Ps`, `the only P`.
fn all_ps(n: f64) -> String {
    if n == 1.0 { "the only P".to_owned() } else { format!("all {n} Ps") }
}

fn saturated(samples: &Samples) -> Option<Glimpse> {
    const PER_P: f64 = 4.0;
    let n = samples.len();
    let is_full =
        |row: usize| samples.idleprocs[row] == 0.0 && runnable(samples, row) >= PER_P * samples.gomaxprocs[row];
    // At the very start nothing waits yet.
    let from = usize::from(n > 2 && samples.at_s[0] == 0.0 && !is_full(0));
    if !(2..MIN_SAMPLES).contains(&n) || !(from..n).all(is_full) {
        return None;
    }
    let [first, last] = [from, n - 1].map(|row| grouped(runnable(samples, row) as usize));
    let median = stats::median(&(from..n).map(|row| runnable(samples, row)).collect::<Vec<_>>())?;
    let per_p = median / samples.gomaxprocs[n - 1];
    Some(Glimpse {
        code: "SC101",
        words: format!(
            "{} busy and {first} → {last} goroutines waiting ({per_p:.0} per P) {}",
            all_ps(samples.gomaxprocs[n - 1]),
            in_samples(n - from) + if from > 0 { " behind the first" } else { "" }
        ),
        needs: "10 samples",
    })
}

fn blocked(samples: &Samples) -> Option<Glimpse> {
    const MANY: (f64, f64) = (64.0, 8.0);
    let n = samples.len();
    let is_many = |row: &usize| {
        let blocked = blocked_threads(samples, *row);
        blocked >= MANY.0 && blocked >= MANY.1 * samples.gomaxprocs[*row]
    };
    let many: Vec<usize> = (0..n).filter(is_many).collect();
    let worst = *many
        .iter()
        .max_by(|a, b| blocked_threads(samples, **a).total_cmp(&blocked_threads(samples, **b)))
        .filter(|_| n < MIN_SAMPLES_BLOCKED)?;
    Some(Glimpse {
        code: "SC106",
        words: format!(
            "{} of {} threads in system calls or C, in {} of {}",
            grouped(blocked_threads(samples, worst) as usize),
            grouped(samples.threads[worst] as usize),
            many.len(),
            count(n, "sample")
        ),
        needs: "5 samples",
    })
}

fn stopping(run: &RunView) -> Option<Glimpse> {
    let who = world_not_stopping::only_sample(run)?;
    Some(Glimpse {
        code: "SC116",
        words: format!("the world was being stopped in the only sample, and {who} ran on"),
        needs: "2 samples",
    })
}

/// Nothing runs: what everything waits for stands in no sample.
fn idle(run: &RunView) -> Option<Glimpse> {
    let samples = &run.samples;
    let n = samples.len();
    let is_idle = |row: usize| samples.idleprocs[row] == samples.gomaxprocs[row] && samples.gomaxprocs[row] > 0.0;
    let is_short = (1..MIN_SAMPLES).contains(&n) && run.cycles.is_empty();
    (is_short && (0..n).all(is_idle)).then(|| Glimpse {
        code: "GR103",
        words: format!("{} idle {}", all_ps(samples.gomaxprocs[0]), in_samples(n)),
        needs: "a goroutine dump, which tells what everything waits for",
    })
}

/// Free heap that is not returned, in fewer lines of the scavenger than tell for how long (GC604).
fn retained(run: &RunView) -> Option<Glimpse> {
    /// Fewest lines that the rule judges.
    const MIN_LINES: usize = 5;
    /// Least share of the heap.
    const MIN_SHARE: f64 = 0.5;
    /// And least size, MB: a small heap is hardly worth a word.
    const MIN_MB: f64 = 64.0;
    let scvg = &run.scvg;
    let rows: Vec<usize> = (0..scvg.len()).filter(|row| !scvg.is_step[*row] && !scvg.forced[*row]).collect();
    let free_mb = |row: usize| scvg.idle_mb[row] - scvg.released_mb[row];
    let is_much = |row: &usize| free_mb(*row) >= MIN_MB.max(MIN_SHARE * scvg.sys_mb[*row]);
    let last = *rows.last().filter(|_| rows.len() < MIN_LINES && rows.iter().all(is_much))?;
    let lines =
        if rows.len() == 1 { "in the only scvg line".to_owned() } else { format!("in all {} scvg lines", rows.len()) };
    Some(Glimpse {
        code: "GC604",
        words: format!(
            "{} of {} MB heap are free and not returned {lines}",
            rough(free_mb(last)),
            rough(scvg.sys_mb[last])
        ),
        needs: "5 lines",
    })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tracelog::{Log, Text};

    use super::*;
    use crate::lens::file_title;
    use crate::rules::RULES;
    use crate::rules::fixture::{GcLine, gc_lines, sched_lines, view};
    use crate::snapshot::Snapshot;

    /// The verdict on a file, and what to record.
    fn told(text: &str) -> (String, Option<String>) {
        let snapshot = Snapshot::new(Arc::new(Text::new(text)), Log::read(text.as_bytes()), Arc::default());
        (file_title(&snapshot), to_record(snapshot.parsed.as_ref().unwrap()))
    }

    #[test]
    fn a_log_that_is_too_short_says_what_to_record() {
        let gc = |n| gc_lines(n, |idx| GcLine { n: idx + 1, at_s: idx as f64, ..GcLine::default() });
        let sched = |n| sched_lines(n, 2, 1.0, |_| (1, 0));
        let dump = "goroutine 1 [running]:\nmain.main()\n\t/src/main.go:7 +0x20\n\n\
                    goroutine 5 [select]:\nmain.work()\n\t/src/main.go:9 +0x20\ncreated by main.main\n\t/src/main.go:5 +0x20\n";
        let (cycles, samples) = (
            "40 cycles and 30 s of one process with GODEBUG=gctrace=1",
            "10 samples with GODEBUG=schedtrace=1000,scheddetail=1",
        );
        assert_eq!(told(&gc(12)).1, Some(format!("to know more: {cycles}")));
        assert_eq!(told(&gc(45)).1, None);
        assert_eq!(told(&(gc(12) + &sched(3))).1, Some(format!("to know more: {cycles}; {samples}")));
        assert_eq!(told(&sched(10)).1, None);
        let again =
            Some("to know more: a second goroutine dump some minutes later, which shows what becomes more".to_owned());
        assert_eq!(told(dump).1, again);
        assert_eq!(told(&format!("{dump}\ndumped\n\n{dump}")).1, None);
        let untimed = "gc1(1): 0+0+0+0 us, 0 -> 0 MB, 78 (78-0) objects, 2 goroutines, 18/0/0 sweeps, 0(0) handoff, 0(0) steal, 0/0/0 yields\n";
        assert_eq!(told(untimed), ("nothing found".to_owned(), None), "no number of such lines would do");
    }

    #[test]
    fn the_verdict_on_a_file_is_what_stands_out() {
        let sched = |n, idle: u64, queue| sched_lines(n, 2, 1.0, move |_| (idle, queue));
        assert_eq!(
            told(&sched(5, 0, 20)).0,
            "too short to judge · so far all 2 Ps busy and 20 → 20 goroutines waiting (10 per P) in all 5 samples"
        );
        assert_eq!(told(&sched(5, 1, 0)).0, "nothing found, but 5 samples are too few to judge (needs 10)");
        assert_eq!(told(&sched(1, 1, 0)).0, "nothing found, but 1 sample is too few to judge (needs 10)");
        assert_eq!(told(&sched(10, 1, 0)).0, "nothing found");
    }

    /// What is seen; what the rule is said to need is one of its limits.
    fn seen(log: &str) -> Vec<String> {
        let glimpses = glimpses(&view(log).runs[0], &[]);
        for glimpse in &glimpses {
            let rule = RULES.iter().find(|rule| rule.code == glimpse.code).unwrap();
            if let Ok(needed) = glimpse.needs.split(' ').next().unwrap().parse::<f64>() {
                assert!(rule.limits.iter().any(|limit| limit.default == needed), "{glimpse:?}");
            }
        }
        glimpses.iter().map(Glimpse::in_words).collect()
    }

    fn assisted(n: u64, first: u64, assist_ms: f64) -> String {
        gc_lines(n, |idx| GcLine {
            n: first + idx,
            at_s: 100.0 + idx as f64,
            clock_ms: [0.1, 10.0, 0.1],
            cpu_ms: [assist_ms, 50.0],
            ..GcLine::default()
        })
    }

    #[test]
    fn assists_of_a_few_cycles() {
        assert_eq!(
            seen(&assisted(3, 400, 100.0)),
            ["allocating goroutines did 67 % of the marking in 3 cycles (GC204 needs 20 cycles)"]
        );
        assert!(seen(&assisted(3, 400, 70.0)).is_empty(), "58 %");
        assert!(seen(&assisted(1, 400, 100.0)).is_empty(), "one cycle");
        assert!(seen(&assisted(3, 1, 100.0)).is_empty(), "the start of a program");
        assert!(seen(&assisted(20, 400, 100.0)).is_empty(), "enough for the rule");
    }

    #[test]
    fn queues_of_a_few_samples() {
        let busy = |n, queue| sched_lines(n, 2, 1.0, move |idx| (0, queue + idx));
        assert_eq!(
            seen(&busy(5, 20)),
            ["all 2 Ps busy and 20 → 24 goroutines waiting (11 per P) in all 5 samples (SC101 needs 10 samples)"]
        );
        assert!(seen(&busy(10, 20)).is_empty(), "enough for the rule");
        let started = sched_lines(4, 2, 1.0, |idx| if idx == 0 { (1, 0) } else { (0, 20) });
        assert_eq!(
            seen(&started),
            [
                "all 2 Ps busy and 20 → 20 goroutines waiting (10 per P) in all 3 samples behind the first (SC101 needs 10 samples)"
            ]
        );
        assert!(seen(&busy(5, 6)).is_empty(), "3.5 per P in the second");
        assert!(seen(&busy(1, 20)).is_empty());
    }

    #[test]
    fn free_heap_in_a_few_lines_of_the_scavenger() {
        let pass = |pass: u32, idle: u32, released: u32| {
            format!(
                "scvg{pass}: inuse: {}, idle: {idle}, sys: 1000, released: {released}, consumed: {} (MB)\n",
                1000 - idle,
                1000 - released
            )
        };
        assert_eq!(
            seen(&pass(59, 900, 0)),
            ["900 of 1000 MB heap are free and not returned in the only scvg line (GC604 needs 5 lines)"]
        );
        assert_eq!(seen(&(pass(1, 900, 0) + &pass(2, 900, 300))).len(), 1);
        assert!(seen(&(pass(1, 900, 0) + &pass(2, 900, 600))).is_empty(), "it is being returned");
        assert!(seen(&(1..6).map(|n| pass(n, 900, 0)).collect::<String>()).is_empty(), "enough for the rule");
    }

    #[test]
    fn nothing_runs() {
        let idle = |n| sched_lines(n, 2, 1.0, |_| (2, 0));
        assert_eq!(
            seen(&idle(1)),
            ["all 2 Ps idle in the only sample (GR103 needs a goroutine dump, which tells what everything waits for)"]
        );
        assert!(seen(&idle(10)).is_empty());
        assert!(seen(&(idle(3) + &assisted(1, 400, 1.0))).is_empty(), "it collects");
    }

    #[test]
    fn threads_in_system_calls() {
        let line = |idle: u32| {
            format!(
                "SCHED 0ms: gomaxprocs=4 idleprocs=2 threads=1003 spinningthreads=2 idlethreads={idle} runqueue=0 [0 0 0 0]\n"
            )
        };
        assert_eq!(
            seen(&line(32)),
            ["969 of 1,003 threads in system calls or C, in 1 of 1 sample (SC106 needs 5 samples)"]
        );
        assert!(seen(&line(1000)).is_empty());
    }

    #[test]
    fn a_stop_in_the_only_sample() {
        let block = "\
SCHED 1016ms: gomaxprocs=2 idleprocs=0 threads=5 spinningthreads=0 idlethreads=2 runqueue=0 gcwaiting=1 nmidlelocked=0 stopwait=1 sysmonwait=0
  P0: status=3 schedtick=25 syscalltick=163151 m=4 runqsize=0 gfreecnt=0
  P1: status=1 schedtick=2 syscalltick=0 m=0 runqsize=0 gfreecnt=0
  M0: p=1 curg=21 mallocing=0 throwing=0 preemptoff= locks=0 dying=0 helpgc=0 spinning=false blocked=false lockedg=-1
  G21: status=2() m=0 lockedm=-1
";
        assert_eq!(
            seen(block),
            ["the world was being stopped in the only sample, and G21 on M0/P1 ran on (SC116 needs 2 samples)"]
        );
    }
}
