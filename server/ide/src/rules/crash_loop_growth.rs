//! ## What it looks for
//!
//! Three or more runs of one program in a row that end without a message of their own, each at about the same age and the
//! same live heap, and each with the live heap still rising: at its end it is the highest and at least 1.3 times that at
//! half of the run. It is an error where a known limit (the setting `memoryLimit`, or that of a kill line) can have been
//! reached.
//!
//! ## Why it matters
//!
//! Each of the runs is too short for a verdict on growth, and their ends say nothing. Together they show a program that
//! grows until somebody kills it, is started again, and grows again: the restarts hide a leak, or a limit that is too small
//! for the program's normal size.
//!
//! ## What to do next
//!
//! Ask for the reason of the ends; a kill for memory leaves its trace with the kernel and the container runtime:
//!
//! ```sh
//! # the last end as Kubernetes knows it
//! kubectl describe pod POD
//! ```
//!
//! ```sh
//! # the kernel's own words
//! journalctl -k | grep -i -E 'oom|killed process'
//! ```
//!
//! Take a heap profile when a run has lived two thirds of its usual time, and compare the size with the limit:
//!
//! ```sh
//! # a heap profile, by what is in use
//! curl -so heap.pb.gz http://HOST/debug/pprof/heap && go tool pprof -sample_index=inuse_space -top heap.pb.gz
//! ```
//!
//! ## Limits
//!
//! Needs 5 cycles and a live heap of 8 MB at the end of each run, and lines that carry times (Go 1.5 and later). Deployments
//! and restarts by a clock do not matter, for it is the rise at the end of every run that counts. A program that is still
//! warming up whenever it ends looks the same. Runs of different programs, by their Ps, globals and pace, are not put
//! together. Recorded with Go 1.22 and 1.27, killed at a fixed size and started again: heap leak, session leak and
//! goroutine leak end at 1.6 to 2.2 times the live heap of half their life and are found; a steady service, a full cache, one
//! that is full at half of the life, batches and small requests, killed every 20 s, are not.
//!
//! ## Example
//!
//! ```text
//! gc 16 @18.090s 1%: 0.091+12+0.003 ms clock, 0.18+0.12/8.1/0+0.006 ms cpu, 109->111->106 MB, 111 MB goal, 0 MB stacks, 0 MB globals, 2 P
//! gc 1 @0.003s 6%: 0.045+0.55+0.007 ms clock, 0.090+0.10/0.25/0+0.014 ms cpu, 3->4->3 MB, 4 MB goal, 0 MB stacks, 0 MB globals, 2 P
//! ```

mod spread;

use std::collections::{HashMap, HashSet};
use std::ops::Range;

use tracelog::catalog::gc;
use tracelog::{Family, Log, Runs};

use self::spread::Spread;
use super::evidence::{Bound, Confidence, Test};
use super::point::cycle_name;
use super::{BlocksView, Check, Finding, Findings, Kind, Limit, Limits, Place, Related, Rule, Severity, limit};
use crate::derived::live_before_mark_mb;
use crate::ending::{Cause, Kill, Word, crashes, kills};
use crate::stats::{mann_kendall, median, theil_sen};
use crate::view::RunView;
use crate::words::{count, rough};

/// GC108.
pub(crate) static RULE: Rule = Rule {
    code: "GC108",
    slug: "crash-loop-growth",
    title: "Run after run ends while its live heap rises",
    severity: Severity::Error,
    kind: Kind::Trend,
    reads: &[gc::HEAP_LIVE_MB],
    limits: LIMITS,
    check: Check::Blocks(check),
};

const LIMITS: &[Limit] = &[
    limit("min_runs", 3.0, "runs", "How many runs in a row must end alike."),
    limit("min_cycles", 5.0, "cycles", "Cycles that a run needs."),
    limit("min_live_mb", 8.0, "MB", "Live heap that a run must have at its end."),
    limit("max_length_ratio", 2.0, "", "Longest run over the shortest one."),
    limit("max_live_ratio", 2.0, "", "Highest live heap at an end over the lowest one."),
    limit("min_rise", 1.3, "", "Live heap at the end of each run over that at half of it."),
    limit("min_tau", 0.6, "", "Kendall's tau of the live heap over the time since start, all runs together."),
];

/// Runs that end alike are judged in the order in which they ran; what is asked of one run and of all of them.
fn check(view: &BlocksView<'_>, limits: &Limits, findings: &mut Findings) {
    let programs = programs(view);
    if programs.is_empty() {
        let is_judged = |run: &&RunView| !run.toolchain && !run.cycles.is_empty();
        let n_runs = view.view.runs.iter().filter(is_judged).count();
        let mut test = Test::default();
        if n_runs > 0 && !test.data("runs of one program", n_runs as f64, limits.get("min_runs"), "") {
            findings.declined(&RULE, None, test);
        }
        return;
    }
    let loud = loud_runs(view);
    let kills = kills(view.log, view.runs);
    let by_run: HashMap<usize, &Kill> =
        kills.iter().filter_map(|kill| Some((view.runs.list[kill.victim.run()?].number, kill))).collect();
    for runs in programs {
        let lives: Vec<Option<Life>> = runs.iter().map(|index| Life::of(view, *index, &loud, limits)).collect();
        for streak in streaks(&lives, limits) {
            let lives: Vec<&Life> = lives[streak].iter().flatten().collect();
            judge(view, &lives, &by_run, limits, findings);
        }
    }
}

/// Indexes of the views of runs that may be lives of one program: of one source but for the process id, one after the other.
/// Programs with fewer runs than three are left out.
fn programs(view: &BlocksView<'_>) -> Vec<Vec<usize>> {
    const MIN_RUNS: usize = 3;
    let mut by_source: HashMap<Vec<u8>, Vec<usize>> = HashMap::new();
    let numbers: HashMap<usize, usize> =
        view.runs.list.iter().enumerate().map(|(index, run)| (run.number, index)).collect();
    for (index, run) in view.view.runs.iter().enumerate() {
        let Some(source) = numbers.get(&run.run).map(|at| &view.runs.list[*at].source) else { continue };
        // A few cycles in between are those of a tool or a supervisor that writes to the same stream.
        let is_stray = !run.interleaved.is_empty() && run.cycles.len() < STRAY_CYCLES;
        if run.toolchain || run.cycles.is_empty() || is_stray {
            continue;
        }
        by_source.entry(without_pid(source)).or_default().push(index);
    }
    let mut programs: Vec<Vec<usize>> = by_source.into_values().filter(|runs| runs.len() >= MIN_RUNS).collect();
    for runs in &mut programs {
        runs.sort_by_key(|index| view.view.runs[*index].lines.0);
    }
    programs.sort();
    programs
}

/// Processes with fewer cycles than this, between the lines of another one, are not lives of the program.
const STRAY_CYCLES: usize = 5;

/// A source without the process id, which is another one in each life: `api[4711]`.
fn without_pid(source: &[u8]) -> Vec<u8> {
    match source.iter().position(|byte| *byte == b'[').filter(|at| *at > 0) {
        Some(open) if source[open + 1..].iter().all(|byte| byte.is_ascii_digit() || b"]: ".contains(byte)) => {
            source[..open].to_vec()
        }
        _ => source.to_vec(),
    }
}

/// Numbers of the runs that say themselves why they end.
fn loud_runs(view: &BlocksView<'_>) -> HashSet<usize> {
    let number = |index: usize| view.runs.list[index].number;
    let ends = crashes(view).into_iter().filter(|crash| crash.cause != Cause::Recovered).map(|crash| number(crash.run));
    let with_status = |runs: &Runs| {
        let has_status = |run: &&tracelog::Run| !run.rows(Family::ExitStatus).is_empty();
        runs.list.iter().filter(has_status).map(|run| run.number).collect::<Vec<_>>()
    };
    ends.chain(with_status(view.runs)).collect()
}

/// One run that rises until it ends.
struct Life {
    /// Index of its view.
    view: usize,
    first_line: u32,
    last_line: u32,
    /// Since start of the process, s.
    length_s: f64,
    /// Live heap at the end and at half of its length, MB.
    end_mb: f64,
    half_mb: f64,
    /// What the heap can have been at the end, with stacks, MB.
    peak_mb: f64,
    procs: f64,
    globals_mb: f64,
}

impl Life {
    /// None where the run says why it ends, is short of data, or does not rise until its end.
    fn of(view: &BlocksView<'_>, index: usize, loud: &HashSet<usize>, limits: &Limits) -> Option<Self> {
        let run = &view.view.runs[index];
        let cycles = &run.cycles;
        if loud.contains(&run.run) || (cycles.len() as f64) < limits.get("min_cycles") {
            return None;
        }
        let points = points(run);
        let (&(first_s, _), &(length_s, end_mb)) = (points.first()?, points.last()?);
        let half_mb = at(&points, length_s / 2.0)?;
        let highest = points.iter().map(|(_, mb)| *mb).fold(f64::NEG_INFINITY, f64::max);
        let is_rising = end_mb >= limits.get("min_live_mb")
            && end_mb >= highest
            && end_mb >= limits.get("min_rise") * half_mb.max(1.0);
        // A run whose begin is not in the log need not have been half as old as it seems.
        if !is_rising || first_s > length_s / 2.0 {
            return None;
        }
        let last = cycles.len() - 1;
        let stacks = if cycles.stacks_mb[last].is_finite() { cycles.stacks_mb[last] } else { 0.0 };
        Some(Self {
            view: index,
            first_line: run.lines.0,
            last_line: cycles.line[last],
            length_s,
            end_mb,
            half_mb,
            peak_mb: cycles.heap_goal_mb[last].max(cycles.heap_end_mb[last]).max(end_mb) + stacks,
            procs: cycles.procs[last],
            globals_mb: cycles.globals_mb[last],
        })
    }

    /// Whether another one can be the next life of the same program.
    fn is_like(&self, other: &Self) -> bool {
        let differs = |a: f64, b: f64, by: f64| a.is_finite() && b.is_finite() && (a - b).abs() > by;
        self.last_line < other.first_line
            && !differs(self.procs, other.procs, 0.0)
            && !differs(self.globals_mb, other.globals_mb, 1.0)
    }
}

/// Time since start and live heap of each cycle that has both.
fn points(run: &RunView) -> Vec<(f64, f64)> {
    let cycles = &run.cycles;
    let points = (0..cycles.len()).map(|row| (cycles.at_s[row], live_before_mark_mb(cycles, row)));
    points.filter(|(at_s, mb)| at_s.is_finite() && mb.is_finite()).collect()
}

/// The live heap at a time, between the cycles around it.
fn at(points: &[(f64, f64)], at_s: f64) -> Option<f64> {
    let behind = points.partition_point(|(time, _)| *time < at_s);
    let &(late_s, late_mb) = points.get(behind).or(points.last())?;
    let &(early_s, early_mb) = behind.checked_sub(1).map_or(points.first(), |before| points.get(before))?;
    let span = late_s - early_s;
    Some(if span > 0.0 { early_mb + (late_mb - early_mb) * ((at_s - early_s) / span).clamp(0.0, 1.0) } else { late_mb })
}

/// Stretches of runs in a row that rise until they end, all about as long and about as large, of one program.
fn streaks(lives: &[Option<Life>], limits: &Limits) -> Vec<Range<usize>> {
    let mut streaks = Vec::new();
    let (mut start, mut length, mut live) = (0, Spread::default(), Spread::default());
    let min_runs = limits.get("min_runs").max(2.0);
    let mut close = |range: Range<usize>| {
        if range.len() as f64 >= min_runs {
            streaks.push(range);
        }
    };
    for (index, life) in lives.iter().enumerate() {
        let Some(life) = life else {
            close(start..index);
            (start, length, live) = (index + 1, Spread::default(), Spread::default());
            continue;
        };
        let (longer, larger) = (length.with(life.length_s), live.with(life.end_mb));
        let is_alike = index == start || lives[index - 1].as_ref().is_some_and(|before| before.is_like(life));
        let fits = longer.ratio() <= limits.get("max_length_ratio")
            && larger.ratio() <= limits.get("max_live_ratio")
            && is_alike;
        if fits {
            (length, live) = (longer, larger);
        } else {
            close(start..index);
            (start, length, live) = (index, Spread::of(life.length_s), Spread::of(life.end_mb));
        }
    }
    close(start..lives.len());
    streaks
}

/// Runs and cycles of each that are pooled: pairs of points cost the square of their number.
const MAX_POOLED_RUNS: usize = 32;
/// See [`MAX_POOLED_RUNS`].
const MAX_POOLED_CYCLES: usize = 8;

/// Cycles of all runs over the time since the start of their process, in the order of that time.
fn pooled(view: &BlocksView<'_>, lives: &[&Life]) -> Vec<(f64, f64)> {
    let evenly = |n: usize, max: usize| {
        let step = n.div_ceil(max).max(1);
        // The last one belongs to it, whatever the step.
        (0..n).rev().step_by(step)
    };
    let mut pooled: Vec<(f64, f64)> = Vec::new();
    for life in evenly(lives.len(), MAX_POOLED_RUNS).map(|at| lives[at]) {
        let points = points(&view.view.runs[life.view]);
        pooled.extend(evenly(points.len(), MAX_POOLED_CYCLES).map(|at| points[at]));
    }
    pooled.sort_by(|a, b| a.0.total_cmp(&b.0));
    pooled
}

fn judge(
    view: &BlocksView<'_>,
    lives: &[&Life],
    kills: &HashMap<usize, &Kill>,
    limits: &Limits,
    findings: &mut Findings,
) {
    let pooled = pooled(view, lives);
    let values: Vec<f64> = pooled.iter().map(|(_, mb)| *mb).collect();
    let (Some(trend), Some(slope)) = (mann_kendall(&values), theil_sen(&pooled)) else { return };
    let lengths = Spread::over(lives.iter().map(|life| life.length_s));
    let ends = Spread::over(lives.iter().map(|life| life.end_mb));
    let rises: Vec<f64> = lives.iter().map(|life| life.end_mb / life.half_mb.max(1.0)).collect();
    let number = |life: &Life| view.view.runs[life.view].run;
    let killed: Vec<&Kill> = lives.iter().filter_map(|life| kills.get(&number(life)).copied()).collect();

    let mut test = Test::default();
    let holds = [
        test.data("runs in a row that end without a message", lives.len() as f64, limits.get("min_runs"), ""),
        test.value("longest run over the shortest", lengths.ratio(), Bound::AtMost(limits.get("max_length_ratio")), ""),
        test.value(
            "highest live heap at an end over the lowest",
            ends.ratio(),
            Bound::AtMost(limits.get("max_live_ratio")),
            "",
        ),
        test.value(
            "smallest rise from half of a run to its end",
            Spread::over(rises.iter().copied()).min,
            Bound::AtLeast(limits.get("min_rise")),
            "",
        ),
        test.value("how steadily all runs rise (tau, at most 1)", trend.tau, Bound::AtLeast(limits.get("min_tau")), ""),
        test.value("slope of all runs", slope * 60.0, Bound::Above(0.0), "MB/min"),
    ];
    let first = lives[0];
    let run = number(first);
    if holds.contains(&false) {
        findings.declined(&RULE, Some(run), test);
        return;
    }
    let reach = Reach::of(view.log, lives, &killed, limits);
    if let Some(reach) = reach.filter(|reach| reach.is_reached()) {
        test.value("heap and the rest at the end", reach.needs_mb, Bound::AtLeast(NEAR * reach.limit_mb), "MB");
    }
    let half_of_them = killed.len() * 2 >= lives.len();
    let evident = lives[(limits.get("min_runs").clamp(1.0, lives.len() as f64) as usize) - 1];
    let mut numbers = vec![
        ("runs", lives.len() as f64),
        ("shortest_s", lengths.min),
        ("longest_s", lengths.max),
        ("lowest_end_mb", ends.min),
        ("highest_end_mb", ends.max),
        ("mb_per_min", slope * 60.0),
        ("tau", trend.tau),
        ("rise", median(&rises).unwrap_or(f64::NAN)),
        ("killed", killed.len() as f64),
    ];
    numbers.extend(reach.map(|reach| ("limit_mb", reach.limit_mb)));
    findings.push(Finding {
        severity: if reach.is_some_and(|reach| reach.is_reached()) { Severity::Error } else { Severity::Warning },
        run: Some(run),
        runs: lives.iter().map(|life| number(life)).collect(),
        place: Place { line: evident.last_line, field: Some(gc::HEAP_LIVE_MB) },
        message: message(lives, &killed, lengths, ends, slope * 60.0),
        related: related(view, lives),
        count: lives.len(),
        numbers,
        test,
        confidence: Some(if half_of_them { Confidence::Strong } else { Confidence::Moderate }),
        ..Finding::about(&RULE)
    });
}

/// `14 runs of 18–21 s each ended without a message with the live heap at 102–106 MB, still rising 340 MB/min: ...`.
fn message(lives: &[&Life], killed: &[&Kill], lengths: Spread, ends: Spread, mb_per_min: f64) -> String {
    let rss = Spread::over(killed.iter().filter_map(|kill| kill.rss_mb));
    let how = match killed.len() {
        0 => "ended without a message".to_owned(),
        n if n == lives.len() => "ended by a kill".to_owned(),
        n => format!("ended without a message, {n} of them killed,"),
    };
    let at_rss = if rss.min.is_finite() { format!(" at {} MB RSS", rss.in_words()) } else { String::new() };
    format!(
        "{} of {} s each {how}{at_rss} with the live heap at {} MB, still rising {} MB/min: they end at the same size again and again.",
        count(lives.len(), "run"),
        lengths.in_words(),
        ends.in_words(),
        rough(mb_per_min)
    )
}

/// The limit of memory and what the runs needed at their ends.
#[derive(Clone, Copy)]
struct Reach {
    limit_mb: f64,
    needs_mb: f64,
}

/// Share of a limit from which on it can have been reached: what is known of the rest is rough.
const NEAR: f64 = 0.95;

impl Reach {
    fn of(log: &Log, lives: &[&Life], killed: &[&Kill], limits: &Limits) -> Option<Self> {
        let told = killed.iter().rev().find_map(|kill| kill.limit(log)).map(|limit| limit.mb);
        let limit_mb = limits.memory_limit_mb.or(told)?;
        let peak_mb = lives.iter().map(|life| life.peak_mb).fold(f64::NEG_INFINITY, f64::max);
        // What else a process has: as the kernel saw it, else 10 MB and 3 % (section 18 of the diagnostics catalogue).
        let rss_mb = killed.iter().filter(|kill| kill.word == Word::OutOfMemory).filter_map(|kill| kill.rss_mb);
        let seen_mb = rss_mb.fold(f64::NEG_INFINITY, f64::max);
        Some(Self { limit_mb, needs_mb: seen_mb.max(peak_mb + 10.0 + 0.03 * limit_mb) })
    }

    fn is_reached(&self) -> bool {
        self.needs_mb >= NEAR * self.limit_mb
    }
}

/// The ends of the first run, of the one with the highest live heap, and of the last one.
fn related(view: &BlocksView<'_>, lives: &[&Life]) -> Vec<Related> {
    let highest =
        lives.iter().enumerate().max_by(|(_, a), (_, b)| a.end_mb.total_cmp(&b.end_mb)).map_or(0, |(at, _)| at);
    let mut named = vec![("first run ends", 0)];
    if highest != 0 && highest != lives.len() - 1 {
        named.push(("highest", highest));
    }
    named.push(("last run ends", lives.len() - 1));
    let place = |(what, at): (&str, usize)| {
        let life = lives[at];
        let run = &view.view.runs[life.view];
        Related {
            place: Place { line: life.last_line, field: Some(gc::HEAP_LIVE_MB) },
            text: format!(
                "{what}: {}, live heap {} MB, {} MB at half of it",
                cycle_name(run, run.cycles.len() - 1),
                rough(life.end_mb),
                rough(life.half_mb)
            ),
        }
    };
    named.into_iter().map(place).collect()
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;
    use crate::rules::fixture::{GcLine, check, findings_in_blocks, findings_in_text, gc_lines, why_not_in_text};

    /// One life of `n` cycles a second apart, with this live heap.
    fn life(n: u64, live: impl Fn(u64) -> u64) -> String {
        gc_lines(n, |idx| {
            let live = live(idx);
            GcLine {
                n: idx + 1,
                at_s: 1.0 + idx as f64,
                heap_mb: [live + 1, live + 2, live, 2 * live],
                ..GcLine::default()
            }
        })
    }

    fn leak(n: u64) -> String {
        life(n, |idx| 4 + 5 * idx)
    }

    #[test]
    fn runs_that_rise_and_end_alike_are_one_finding() {
        check(
            &RULE,
            &leak(20).repeat(4),
            expect![[r#"
            60:heap_live_mb Warning GC108: 4 runs of 20 s each ended without a message with the live heap at 99 MB, still rising 300 MB/min: they end at the same size again and again.
              20:heap_live_mb first run ends: gc 20 @20.000s, live heap 99 MB, 49 MB at half of it
              80:heap_live_mb last run ends: gc 20 @20.000s, live heap 99 MB, 49 MB at half of it
        "#]],
        );
    }

    #[test]
    fn two_runs_are_too_few_and_three_are_enough() {
        assert_eq!(findings_in_text(&RULE, &leak(20).repeat(2)), "");
        assert_eq!(why_not_in_text(&RULE, &leak(20).repeat(2)), "✗ runs of one program: 2 (≥ 3 needed)\n");
        assert_ne!(findings_in_text(&RULE, &leak(20).repeat(3)), "");
    }

    #[test]
    fn silent_just_below_each_limit() {
        let found = |log: String| findings_in_text(&RULE, &log);
        assert_eq!(found(leak(4).repeat(5)), "", "four cycles");
        assert_eq!(found(life(20, |idx| 1 + idx / 3).repeat(4)), "", "a heap of 7 MB");
        assert_ne!(found(life(20, |idx| 2 + idx / 3).repeat(4)), "", "a heap of 8 MB");
        assert_eq!(found(leak(20) + &leak(41) + &leak(20)), "", "lengths of 20 and 41 s");
        assert_ne!(found(leak(20) + &leak(39) + &leak(20)), "", "lengths of 20 and 39 s");
        let base = |base: u64| life(20, move |idx| base + 2 * idx);
        assert_eq!(found(base(60).repeat(4)), "", "98 MB after 79 MB at half");
        assert_ne!(found(base(40).repeat(4)), "", "78 MB after 59 MB at half");
    }

    #[test]
    fn steady_programs_full_caches_and_sawteeth_that_are_started_again_are_none() {
        let found = |live: fn(u64) -> u64| findings_in_text(&RULE, &life(24, live).repeat(6));
        assert_eq!(found(|_| 40), "");
        assert_eq!(found(|idx| 40 + idx % 3), "");
        assert_eq!(found(|idx| 4 * idx.min(10)), "", "full at two fifths");
        assert_eq!(found(|idx| 10 + 10 * (idx % 5)), "", "batches");
        assert_eq!(found(|idx| 100 - 3 * idx), "", "falling");
        // The last cycle is a peak by chance.
        assert_eq!(found(|idx| if idx == 23 { 90 } else { 40 + idx % 2 }), "");
    }

    #[test]
    fn runs_that_say_why_they_end_are_left_to_what_they_say() {
        let crash = "panic: boom\n\ngoroutine 1 [running]:\nmain.main()\n\t/src/main.go:7 +0x20\nexit status 2\n";
        assert_eq!(findings_in_text(&RULE, &(leak(20) + crash).repeat(4)), "");
    }

    #[test]
    fn kills_between_raise_the_confidence_and_a_known_limit_makes_it_an_error() {
        let kill = "memory: usage 131072kB, limit 131072kB, failcnt 9\n\
            Memory cgroup out of memory: Killed process 4711 (server) total-vm:1724312kB, anon-rss:129456kB, file-rss:964kB, shmem-rss:0kB\n";
        let found = findings_in_text(&RULE, &(leak(20) + kill).repeat(4));
        assert!(found.contains("Error GC108: 4 runs of 20 s each ended by a kill at 126 MB RSS"), "{found}");
        let quiet = leak(20).repeat(4);
        let limited = |mb: f64| {
            let limits = Limits { memory_limit_mb: Some(mb), ..Limits::defaults(RULE.limits) };
            findings_in_blocks(&RULE, &quiet, &limits)
        };
        assert!(limited(200.0).contains("Error GC108"), "peaks of 198 MB");
        assert!(limited(512.0).contains("Warning GC108"));
    }

    #[test]
    fn runs_of_different_programs_are_not_put_together() {
        let other = leak(20).replace(" 4 P", " 8 P");
        assert_eq!(findings_in_text(&RULE, &(leak(20) + &other).repeat(3)), "");
    }

    #[test]
    fn a_cycle_of_another_process_between_does_not_matter_and_two_programs_at_a_time_do() {
        let lines: Vec<String> = leak(20).repeat(4).lines().map(|line| format!("{line}\n")).collect();
        let stray = "gc 1 @31.000s 0%: 0.02+1.5+0.01 ms clock, 0.02+0/1.5/0+0.01 ms cpu, 4->4->1 MB, 4 MB goal, 0 MB stacks, 0 MB globals, 2 P\n";
        let log = lines[..30].concat() + stray + &lines[30..].concat();
        assert!(findings_in_text(&RULE, &log).contains("4 runs of 20 s each"), "{}", findings_in_text(&RULE, &log));
        let both: String = lines.iter().map(|line| line.clone() + &line.replace(" 4 P", " 8 P")).collect();
        assert_eq!(findings_in_text(&RULE, &both), "");
    }

    #[test]
    fn the_process_id_of_a_journal_changes_with_every_life() {
        let log: String = (0..4)
            .map(|life| {
                leak(20)
                    .lines()
                    .map(|line| format!("Nov 21 12:00:0{life} node1 api[{}]: {line}\n", 4711 + life))
                    .collect::<String>()
            })
            .collect();
        assert!(findings_in_text(&RULE, &log).contains("4 runs of 20 s each"), "{}", findings_in_text(&RULE, &log));
    }

    #[test]
    fn silent_before_go_1_5_which_prints_no_times() {
        let old = "gc7(2): 58+1+2861+1 us, 64 -> 128 MB, 23 (24-1) objects, 0/0/0 sweeps, 0(0) handoff, 2(3) steal, 16/1/0 yields\n";
        let life: String = (1..8)
            .map(|n| old.replace("gc7", &format!("gc{n}")).replace("64 -> 128", &format!("{} -> {}", 8 * n, 16 * n)))
            .collect();
        assert_eq!(findings_in_text(&RULE, &life.repeat(4)), "");
    }

    #[test]
    fn thousands_of_runs_are_one_finding() {
        let found = findings_in_text(&RULE, &leak(6).repeat(3000));
        assert_eq!(found.matches("GC108").count(), 1, "{}", found.len());
        assert!(found.contains("3000 runs of 6 s"), "{found}");
    }
}
