//! ## What it looks for
//!
//! Lines in which somebody else says that the process was killed: the kernel when memory was short, Kubernetes and Docker
//! (`OOMKilled`, exit code 137), systemd, shells. They are put together and joined with the run that ends there.
//! The death of a process whose trace is not in the log is Info.
//!
//! And, as a hint, a log that ends without a word while its live heap was rising or stood at the memory limit.
//!
//! ## Why it matters
//!
//! A process that is killed prints nothing; its log just ends. What was its memory at that moment, and how much of it the Go
//! heap can have been, stands in two places that nobody reads together: the kernel's line and the last `gc` line.
//!
//! ## What to do next
//!
//! A large rest beside the heap is free memory that the runtime keeps, its metadata, C code or mapped files. Ask the runtime
//! how much of it is its own:
//!
//! ```sh
//! # what the runtime holds and has given back
//! curl -s 'http://HOST/debug/pprof/heap?debug=1' | grep -E '# (Sys|HeapSys|HeapIdle|HeapReleased|StackSys|OtherSys) ='
//! ```
//!
//! ```sh
//! # record what the scavenger gives back
//! GODEBUG=gctrace=1,scavtrace=1 PROGRAM
//! ```
//!
//! A small rest: the heap itself filled the memory. See whether it was rising (`live-heap-leak`, `live-heap-compounding`,
//! `crash-loop-growth`) and take two heap profiles. Where only 137 or SIGKILL is known, ask who sent it and why; a liveness
//! probe that failed and a stop that took too long send it, too:
//!
//! ```sh
//! # the reason as Kubernetes knows it
//! kubectl describe pod POD
//! ```
//!
//! ```sh
//! # the kernel's own words
//! journalctl -k | grep -i -E 'oom|killed process'
//! ```
//!
//! ## Limits
//!
//! 137 is 128 + SIGKILL and says nothing of memory: only the word of the kernel, `OOMKilled` or `oom-kill` is called lack of
//! memory here. The run is found by process id or name where carriers print them, else by where its lines end. The heap
//! can have been larger than said if a cycle was running that never finished. A last cycle that is older than two of its
//! intervals tells nothing of the heap.
//!
//! ## Example
//!
//! ```text
//! Memory cgroup out of memory: Killed process 4711 (server) total-vm:1724312kB, anon-rss:520416kB, file-rss:8964kB, shmem-rss:0kB
//! ```

use tracelog::Log;
use tracelog::catalog::kill;

use super::evidence::{Bound, Confidence, Test};
use super::point::cycle_name;
use super::{BlocksView, Check, Finding, Findings, Kind, Limit, Limits, Place, Related, Rule, Severity, limit};
use crate::ending::{Kill, LastWords, Victim, Word, kills, shown};
use crate::view::RunView;
use crate::words::{rough, rough_span};

/// FT111.
pub(crate) static RULE: Rule = Rule {
    code: "FT111",
    slug: "killed-from-outside",
    title: "Somebody else killed the process",
    severity: Severity::Error,
    kind: Kind::Point,
    reads: &[kill::ANON_RSS_KB, kill::LIMIT_KB],
    limits: LIMITS,
    check: Check::Blocks(check),
};

const LIMITS: &[Limit] =
    &[limit("min_rest_share", 0.3, "of the RSS", "Share from which on the memory that is no heap is told as a lot.")];

fn check(view: &BlocksView<'_>, limits: &Limits, findings: &mut Findings) {
    for kill in kills(view.log, view.runs) {
        findings.push(finding(view, limits, &kill));
    }
}

fn finding(view: &BlocksView<'_>, limits: &Limits, kill: &Kill) -> Finding {
    let log = view.log;
    let last = LastWords::of(log, view.runs, view.lines, view.view, kill);
    let series = last.map(|last| &view.view.runs[last.view]);
    let told = Told {
        kill,
        last: last.zip(series),
        limit_mb: kill.limit(log).map(|limit| limit.mb).or(limits.memory_limit_mb),
    };
    let (message, numbers) = message(&told);
    let field = kill.rss_mb.map(|_| kill::ANON_RSS_KB);
    Finding {
        // Of a process that wrote no trace here only the line is known.
        severity: if kill.victim == Victim::Other { Severity::Info } else { Severity::Error },
        run: kill.victim.run().map(|index| view.runs.list[index].number),
        place: Place { line: kill.line(log), field },
        message,
        related: related(log, &told),
        numbers,
        test: test(&told, limits),
        confidence: Some(match kill.victim {
            Victim::Named(_) => Confidence::Strong,
            _ => Confidence::Moderate,
        }),
        ..Finding::about(&RULE)
    }
}

/// A kill and what was shown before it.
struct Told<'a> {
    kill: &'a Kill,
    last: Option<(LastWords, &'a RunView)>,
    limit_mb: Option<f64>,
}

impl Told<'_> {
    /// Last words that tell the heap.
    fn heap(&self) -> Option<&LastWords> {
        self.last.as_ref().map(|(last, _)| last).filter(|last| !last.is_stale)
    }

    /// Memory that is neither heap nor stacks, MB; nothing where the heap may have been all of it.
    fn rest_mb(&self) -> Option<f64> {
        let heap = self.heap()?;
        let stacks = if heap.stacks_mb.is_finite() { heap.stacks_mb } else { 0.0 };
        Some((self.kill.rss_mb? - heap.heap_mb - stacks).max(0.0))
    }
}

/// A share of the memory below which the rest is no news.
const SMALL_REST: f64 = 0.05;

fn message(told: &Told<'_>) -> (String, Vec<(&'static str, f64)>) {
    let kill = told.kill;
    let mut numbers = Vec::new();
    let mut number = |name: &'static str, value: f64| {
        if value.is_finite() {
            numbers.push((name, value));
        }
    };
    let size = kill.rss_mb.map_or(f64::NAN, |mb| mb);
    number("rss_mb", size);
    number("limit_mb", told.limit_mb.unwrap_or(f64::NAN));
    if let Some((last, _)) = &told.last {
        number("age_s", last.age_s.unwrap_or(f64::NAN));
    }
    if let Some(heap) = told.heap() {
        number("heap_at_most_mb", heap.heap_mb);
        number("stacks_mb", heap.stacks_mb);
        number("rest_mb", told.rest_mb().unwrap_or(f64::NAN));
    }
    let killed = match kill.rss_mb {
        Some(mb) => format!("Killed at {} MB RSS", rough(mb)),
        None => match kill.word {
            Word::OutOfMemory => "Killed for lack of memory".to_owned(),
            Word::Killed if kill.is_status_137 => "Killed (137, SIGKILL)".to_owned(),
            Word::Killed => "Killed (SIGKILL)".to_owned(),
        },
    };
    (format!("{killed}{}.", rest_of_message(told)), numbers)
}

/// What follows `Killed at 511 MB RSS`.
fn rest_of_message(told: &Told<'_>) -> String {
    let Some((last, run)) = &told.last else {
        let process = match (&told.kill.name, told.kill.pid) {
            (Some(name), Some(pid)) => format!(": {} (process {pid})", shown(name)),
            (Some(name), None) => format!(": {}", shown(name)),
            (None, Some(pid)) => format!(": process {pid}"),
            (None, None) => String::new(),
        };
        return match told.kill.victim {
            Victim::Other => format!("{process}, whose trace is not in this log"),
            _ => process,
        };
    };
    let cycle = cycle_name(run, last.row);
    let after = match last.age_s {
        Some(age_s) => format!("{} after {cycle}", rough_span(age_s)),
        None => format!("after {cycle}"),
    };
    if last.is_stale {
        return format!(" {after}, which is too long ago to tell its heap");
    }
    let heap = format!("{} MB", rough(last.heap_mb));
    let stacks = match last.stacks_mb {
        mb if mb >= 1.0 => format!(", stacks {} MB", rough(mb)),
        _ => String::new(),
    };
    match (told.kill.rss_mb, told.rest_mb()) {
        (Some(rss), Some(rest)) if rest > SMALL_REST * rss => {
            format!("; Go heap ≤ {heap}{stacks} → about {} MB is free spans, metadata, cgo or mmap", rough(rest))
        }
        (Some(_), _) => format!("; Go heap ≤ {heap}{stacks} ({cycle}) → the heap may have been all of it"),
        (None, _) => {
            let limit = told.limit_mb.map_or_else(|| "unknown".to_owned(), |mb| format!("{} MB", rough(mb)));
            format!(" {after}: heap ≤ {heap}{stacks}, limit {limit}")
        }
    }
}

fn test(told: &Told<'_>, limits: &Limits) -> Test {
    let mut test = Test::default();
    match told.kill.word {
        Word::OutOfMemory => test.fact("killed because memory was short, as the kernel or an orchestrator says", true),
        Word::Killed => test.fact("killed with SIGKILL; nobody says that memory was short", true),
    };
    match told.kill.victim {
        Victim::Named(_) => test.fact("process id or name are those of the run", true),
        Victim::ByPlace(_) => test.fact("the run's lines end before it", true),
        Victim::Other | Victim::Unknown => true,
    };
    if let (Some(rest), Some(rss)) = (told.rest_mb(), told.kill.rss_mb.filter(|rss| *rss > 0.0)) {
        let share = rest / rss;
        let bound = limits.get("min_rest_share");
        let (what, bound) = match share >= bound {
            true => ("no heap and no stacks", Bound::AtLeast(bound)),
            false => ("no heap and no stacks, not much", Bound::Below(bound)),
        };
        test.value(what, share, bound, "of the RSS");
    }
    test
}

fn related(log: &Log, told: &Told<'_>) -> Vec<Related> {
    let mut related = Vec::new();
    if let Some((last, run)) = &told.last {
        let place = Place { line: run.cycles.line[last.row], field: None };
        related.push(Related { place, text: format!("the last cycle before: {}", cycle_name(run, last.row)) });
    }
    for row in &told.kill.rows {
        if let Some(kb) = log.value(*row, kill::LIMIT_KB) {
            let place = Place { line: log.line(*row), field: Some(kill::LIMIT_KB) };
            related.push(Related { place, text: format!("the limit of its group: {} MB", rough(kb / 1024.0)) });
        } else if *row != told.kill.head {
            let place = Place { line: log.line(*row), field: None };
            related.push(Related { place, text: "said of the same kill".to_owned() });
        }
    }
    related
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;
    use crate::rules::fixture::{check, findings_in_blocks, findings_in_text};

    /// Two cycles four seconds apart; the last one has a goal of 310 MB.
    fn cycles(carrier: impl Fn(u32) -> String) -> String {
        let line = |n: u32, live: u32| {
            format!(
                "{}gc {n} @{}.017s 2%: 0.31+1.6+0.004 ms clock, 0.62+0.030/1.7/0.002+0.008 ms cpu, {}->{}->{live} MB, {} MB goal, 12 MB stacks, 0 MB globals, 2 P\n",
                carrier(n),
                4 * n,
                live + 1,
                live + 2,
                2 * live
            )
        };
        line(1, 78) + &line(2, 155)
    }

    fn bare() -> String {
        cycles(|_| String::new())
    }

    const CGROUP: &str = "Memory cgroup out of memory: Killed process 4711 (server) total-vm:1724312kB, anon-rss:523456kB, file-rss:8964kB, shmem-rss:0kB, UID:0 pgtables:1188kB oom_score_adj:968\n";

    #[test]
    fn the_kernel_tells_the_memory_and_the_last_cycle_the_heap() {
        check(
            &RULE,
            &(bare() + CGROUP),
            expect![[r#"
                3:anon_rss_kb Error FT111: Killed at 511 MB RSS; Go heap ≤ 310 MB, stacks 12 MB → about 189 MB is free spans, metadata, cgo or mmap.
                  2 the last cycle before: gc 2 @8.017s
            "#]],
        );
    }

    #[test]
    fn a_journal_is_one_story_with_the_limit_and_the_time() {
        let log = cycles(|n| format!("Nov 21 12:00:0{n} node1 server[4711]: "))
            + "\
Nov 21 12:00:04 node1 kernel: memory: usage 524288kB, limit 524288kB, failcnt 1031
Nov 21 12:00:04 node1 kernel: "
            + CGROUP
            + "\
Nov 21 12:00:04 node1 kernel: oom_reaper: reaped process 4711 (server), now anon-rss:0kB, file-rss:0kB, shmem-rss:0kB
Nov 21 12:00:04 node1 systemd[1]: server.service: Main process exited, code=killed, status=9/KILL
Nov 21 12:00:04 node1 systemd[1]: server.service: Failed with result 'oom-kill'.
" + &cycles(|n| format!("Nov 21 12:00:1{n} node1 server[4720]: "));
        check(
            &RULE,
            &log,
            expect![[r#"
                4:anon_rss_kb Error FT111: Killed at 511 MB RSS; Go heap ≤ 310 MB, stacks 12 MB → about 189 MB is free spans, metadata, cgo or mmap.
                  2 the last cycle before: gc 2 @8.017s
                  3:limit_kb the limit of its group: 512 MB
                  5 said of the same kill
                  6 said of the same kill
                  7 said of the same kill
            "#]],
        );
    }

    #[test]
    fn older_kernels_write_two_lines() {
        let log = bare()
            + "Memory cgroup out of memory: Kill process 4711 (server) score 1968 or sacrifice child\n\
               Killed process 4711 (server) total-vm:1724312kB, anon-rss:523456kB, file-rss:8964kB, shmem-rss:0kB\n";
        check(
            &RULE,
            &log,
            expect![[r#"
                4:anon_rss_kb Error FT111: Killed at 511 MB RSS; Go heap ≤ 310 MB, stacks 12 MB → about 189 MB is free spans, metadata, cgo or mmap.
                  2 the last cycle before: gc 2 @8.017s
                  3 said of the same kill
            "#]],
        );
    }

    #[test]
    fn the_thread_that_was_chosen_and_the_process_that_was_killed_are_one() {
        let log = "Memory cgroup out of memory: Kill process 24572 (server) score 0 or sacrifice child\n\
                   Killed process 28438 (server) total-vm:1724312kB, anon-rss:523456kB, file-rss:8964kB, shmem-rss:0kB\n";
        check(
            &RULE,
            log,
            expect![[r#"
                2:anon_rss_kb Error FT111: Killed at 511 MB RSS: server (process 28438).
                  1 said of the same kill
            "#]],
        );
    }

    #[test]
    fn status_137_is_killed_and_not_out_of_memory() {
        for (line, said) in [
            (
                "app-1 exited with code 137\n",
                "Killed (137, SIGKILL) after gc 2 @8.017s: heap ≤ 310 MB, stacks 12 MB, limit unknown.",
            ),
            ("      Exit Code:    137\n", "Killed (137, SIGKILL) after gc 2 @8.017s: heap ≤ 310 MB"),
            ("signal: killed\n", "Killed (SIGKILL) after gc 2 @8.017s: heap ≤ 310 MB"),
            ("Killed\n", "Killed (SIGKILL) after gc 2 @8.017s: heap ≤ 310 MB"),
            ("./run.sh: line 2: 14801 Killed                  ./server\n", "Killed (SIGKILL) after gc 2 @8.017s"),
            ("Killed: 9\n", "Killed (SIGKILL) after gc 2 @8.017s: heap ≤ 310 MB"),
            ("zsh: killed     ./server\n", "Killed (SIGKILL) after gc 2 @8.017s: heap ≤ 310 MB"),
            ("make: *** [Makefile:2: run] Killed\n", "Killed (SIGKILL) after gc 2 @8.017s: heap ≤ 310 MB"),
            ("make: *** [Makefile:4: sub] Error 137\n", "Killed (137, SIGKILL) after gc 2 @8.017s: heap ≤ 310 MB"),
            ("Command terminated by signal 9\n", "Killed (SIGKILL) after gc 2 @8.017s: heap ≤ 310 MB"),
            (
                "2026-11-22 13:39:47,072 WARN exited: server (terminated by SIGKILL; not expected)\n",
                "Killed (SIGKILL) after gc 2 @8.017s: heap ≤ 310 MB",
            ),
            ("OOMKilled\n", "Killed for lack of memory after gc 2 @8.017s: heap ≤ 310 MB"),
        ] {
            let found = findings_in_text(&RULE, &(bare() + line));
            assert!(found.contains(said), "{line}: {found}");
            assert_eq!(found.matches("FT111").count(), 1, "{line}: {found}");
            assert_eq!(found.contains("memory"), line.starts_with("OOM"), "{line}: {found}");
        }
        let both = bare() + "      Reason:       OOMKilled\n      Exit Code:    137\n";
        let found = findings_in_text(&RULE, &both);
        assert!(found.starts_with("3 Error FT111: Killed for lack of memory after gc 2"), "{found}");
        assert_eq!(found.matches("FT111").count(), 1, "{found}");
    }

    #[test]
    fn the_limit_that_the_user_set_is_named() {
        let limits = Limits { memory_limit_mb: Some(512.0), ..Limits::defaults(RULE.limits) };
        let found = findings_in_blocks(&RULE, &(bare() + "app-1 exited with code 137\n"), &limits);
        assert!(found.contains("limit 512 MB."), "{found}");
    }

    #[test]
    fn a_heap_that_may_have_been_all_of_it() {
        let small = CGROUP.replace("anon-rss:523456kB", "anon-rss:323456kB");
        let found = findings_in_text(&RULE, &(bare() + &small));
        assert!(found.contains("Killed at 316 MB RSS; Go heap ≤ 310 MB, stacks 12 MB (gc 2 @8.017s) → the heap may have been all of it."), "{found}");
    }

    #[test]
    fn a_cycle_that_is_long_past_tells_nothing_of_the_heap() {
        let log = |second: u32| {
            cycles(|n| format!("2026-11-21T12:00:0{n}Z ")) + &format!("2026-11-21T12:00:{second:02}Z {CGROUP}")
        };
        let late = findings_in_text(&RULE, &log(40));
        assert!(
            late.contains("Killed at 511 MB RSS 38 s after gc 2 @8.017s, which is too long ago to tell its heap."),
            "{late}"
        );
        let near = findings_in_text(&RULE, &log(11));
        assert!(near.contains("Go heap ≤ 310 MB"), "{near}");
    }

    #[test]
    fn releases_without_stacks_and_goal_tell_what_they_have() {
        let old = "gc1(2): 58+1+2861+1 us, 0 -> 64 MB, 23 (24-1) objects, 0/0/0 sweeps, 0(0) handoff, 2(3) steal, 16/1/0 yields\n".to_owned()
            + "gc2(2): 58+1+2861+1 us, 64 -> 64 MB, 23 (24-1) objects, 0/0/0 sweeps, 0(0) handoff, 2(3) steal, 16/1/0 yields\n";
        let found = findings_in_text(&RULE, &(old + CGROUP));
        assert!(found.contains("Error FT111: Killed at 511 MB RSS"), "{found}");
        assert!(!found.contains("stacks"), "{found}");
    }

    #[test]
    fn two_kills_are_two_and_each_has_its_run() {
        let found = findings_in_text(&RULE, &(bare() + "Killed\n" + &bare() + "Killed\n"));
        assert_eq!(found.matches("Killed (SIGKILL) after gc 2").count(), 2, "{found}");
        assert!(found.contains("  5 the last cycle before"), "{found}");
    }

    #[test]
    fn a_process_whose_trace_is_not_here_is_a_remark() {
        let log = cycles(|n| format!("Nov 21 12:00:0{n} node1 server[4711]: "))
            + "Nov 21 12:00:04 node1 kernel: Out of memory: Killed process 99 (postgres) total-vm:1724312kB, anon-rss:523456kB, file-rss:8964kB, shmem-rss:0kB\n"
            + &cycles(|n| format!("Nov 21 12:00:0{n} node1 server[4711]: "))
                .replace("gc 1 @4", "gc 3 @14")
                .replace("gc 2 @8", "gc 4 @18");
        check(
            &RULE,
            &log,
            expect![[r#"
                3:anon_rss_kb Info FT111: Killed at 511 MB RSS: postgres (process 99), whose trace is not in this log.
            "#]],
        );
    }

    #[test]
    fn what_the_kernel_says_is_told_without_a_trace() {
        check(
            &RULE,
            CGROUP,
            expect![[r#"
                1:anon_rss_kb Error FT111: Killed at 511 MB RSS: server (process 4711).
            "#]],
        );
    }

    #[test]
    fn a_word_in_the_output_of_a_program_that_goes_on_is_none() {
        let first = bare();
        let later = bare().replace("gc 1 @4", "gc 3 @14").replace("gc 2 @8", "gc 4 @18");
        check(&RULE, &format!("{first}Killed\n{later}"), expect![""]);
        check(&RULE, "Killed\n", expect![""]);
        check(&RULE, "Killed: 9\n", expect![""]);
        check(&RULE, &format!("{first}Killed 3 stale sessions\n"), expect![""]);
    }

    #[test]
    fn names_of_a_log_cannot_draw() {
        let evil = CGROUP.replace("(server)", "(\u{1b}[31m)");
        assert!(!findings_in_text(&RULE, &evil).contains('\u{1b}'));
    }
}
