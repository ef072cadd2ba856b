//! Fixtures of the time axis: log text in; what was said around a line out.

use std::fmt::Write;
use std::sync::Arc;

use expect_test::{Expect, expect};
use tracelog::{Log, Text};

use super::*;
use crate::Settings;

fn snapshot(text: &str) -> Snapshot {
    Snapshot::new(Arc::new(Text::new(text)), Log::read(text.as_bytes()), Arc::new(Settings::default()))
}

/// What was said within a second of a line, from 1.
fn check(text: &str, line: u32, expected: Expect) {
    check_all(&[text], line, 1000, expected);
}

fn check_all(texts: &[&str], line: u32, within_ms: u64, expected: Expect) {
    let snapshots: Vec<Snapshot> = texts.iter().map(|text| snapshot(text)).collect();
    let others: Vec<&Snapshot> = snapshots[1..].iter().collect();
    let found = around(&snapshots[0], line - 1, Duration::from_millis(within_ms), &others);
    expected.assert_eq(&found.map_or("nothing\n".to_owned(), |found| shown(&found)));
}

fn shown(found: &Around) -> String {
    let names = ["log", "proxy", "bare"];
    let mut shown = format!("at {}\n", found.at);
    let lines = found.lines(&names).into_iter().map(|line| words::shorten(&line, 70));
    lines.chain(found.remarks(&names)).for_each(|line| writeln!(shown, "{line}").unwrap());
    shown
}

fn gc(n: u32, at: &str) -> String {
    format!(
        "gc {n} @{at}s 1%: 0.02+1.1+0.01 ms clock, 0.1+0.3/0.2/0.1+0.04 ms cpu, 4->4->2 MB, 5 MB goal, 0 MB stacks, \
         0 MB globals, 4 P\n"
    )
}

fn sched(ms: u32) -> String {
    format!("SCHED {ms}ms: gomaxprocs=4 idleprocs=2 threads=6 spinningthreads=0 idlethreads=3 runqueue=0 [0 0 0 0]\n")
}

#[test]
fn lines_of_all_families_are_merged_by_time() {
    let log = [
        &gc(1, "1.000"),
        &sched(1500),
        "connected\n",
        "GC forced\n",
        &gc(2, "2.100"),
        &sched(2500),
        // Printed later than it began.
        &gc(3, "2.300"),
        &sched(9000),
    ]
    .map(str::to_owned)
    .concat();
    check(
        &log,
        5,
        expect![[r#"
            at 2.100 s after the start of the process
                 -600 ms  sched     log:2  SCHED 1500ms: gomaxprocs=4 idleprocs=2…
                 -600 ms~ app       log:3  connected
                 +0.0 ms~ gc_forced log:4  GC forced
            >    +0.0 ms  gc        log:5  gc 2 @2.100s 1%: 0.02+1.1+0.01 ms cloc…
                 +200 ms  gc        log:7  gc 3 @2.300s 1%: 0.02+1.1+0.01 ms cloc…
                 +400 ms  sched     log:6  SCHED 2500ms: gomaxprocs=4 idleprocs=2…
            ~ by position: a line without a usable stamp is put at the time of the line before it
        "#]],
    );
    check(
        &log,
        3,
        expect![[r#"
            at 1.500 s after the start of the process
                 -500 ms  gc        log:1  gc 1 @1.000s 1%: 0.02+1.1+0.01 ms cloc…
                 +0.0 ms  sched     log:2  SCHED 1500ms: gomaxprocs=4 idleprocs=2…
            >    +0.0 ms~ app       log:3  connected
                 +600 ms~ gc_forced log:4  GC forced
                 +600 ms  gc        log:5  gc 2 @2.100s 1%: 0.02+1.1+0.01 ms cloc…
                 +800 ms  gc        log:7  gc 3 @2.300s 1%: 0.02+1.1+0.01 ms cloc…
                +1000 ms  sched     log:6  SCHED 2500ms: gomaxprocs=4 idleprocs=2…
            ~ by position: a line without a usable stamp is put at the time of the line before it
        "#]],
    );
}

#[test]
fn stamped_lines_of_the_application_find_their_time() {
    let log = [
        "time=2024-05-31T16:08:37.000Z msg=a\n",
        &gc(1, "1.000"),
        "time=2024-05-31T16:08:37.005Z msg=b\n",
        "time=2024-05-31T16:08:37.900Z msg=c\n",
        "time=2024-05-31T16:08:38.500Z msg=d\n",
        &gc(2, "2.600"),
        "time=2024-05-31T16:08:38.610Z msg=e\n",
        "time=2024-05-31T16:08:39.700Z msg=f\n",
    ]
    .concat();
    check(
        &log,
        6,
        expect![[r#"
            at 2.600 s after the start of the process, 2024-05-31 16:08:38.551
                 -651 ms  app       log:4  time=2024-05-31T16:08:37.900Z msg=c
                  -51 ms  app       log:5  time=2024-05-31T16:08:38.500Z msg=d
            >    +0.0 ms  gc        log:6  gc 2 @2.600s 1%: 0.02+1.1+0.01 ms cloc…
                  +59 ms  app       log:7  time=2024-05-31T16:08:38.610Z msg=e
            stamps and the clock of the process agree to 54 ms
        "#]],
    );
    check(
        &log,
        4,
        expect![[r#"
            at 1.899 s after the start of the process, 2024-05-31 16:08:37.900
                 -900 ms  app       log:1  time=2024-05-31T16:08:37.000Z msg=a
                 -899 ms  gc        log:2  gc 1 @1.000s 1%: 0.02+1.1+0.01 ms cloc…
                 -895 ms  app       log:3  time=2024-05-31T16:08:37.005Z msg=b
            >    +0.0 ms  app       log:4  time=2024-05-31T16:08:37.900Z msg=c
                 +600 ms  app       log:5  time=2024-05-31T16:08:38.500Z msg=d
                 +701 ms  gc        log:6  gc 2 @2.600s 1%: 0.02+1.1+0.01 ms cloc…
                 +710 ms  app       log:7  time=2024-05-31T16:08:38.610Z msg=e
            stamps and the clock of the process agree to 4.5 ms
        "#]],
    );
}

#[test]
fn a_cycle_that_was_under_way_is_there() {
    let long = gc(2, "2.000").replace("+1.1+", "+900+");
    check_all(
        &[&[&gc(1, "1.000"), "hello\n", &long, &sched(2850)].concat()],
        4,
        100,
        expect![[r#"
        at 2.850 s after the start of the process
             -850 ms  gc        log:3  gc 2 @2.000s 1%: 0.02+900+0.01 ms cloc…
        >    +0.0 ms  sched     log:4  SCHED 2850ms: gomaxprocs=4 idleprocs=2…
    "#]],
    );
}

#[test]
fn text_of_the_log_is_plain() {
    let log = format!("{}\u{1b}[31mred\u{202e} <b>\u{7}\n{}", gc(1, "1.000"), gc(2, "1.100"));
    let found = around(&snapshot(&log), 0, Duration::from_secs(1), &[]).unwrap();
    assert!(found.entries.iter().all(|entry| !entry.text.chars().any(markup::is_unsafe)), "{found:?}");
    assert_eq!(found.entries.len(), 3);
}

#[test]
fn other_documents_join_by_the_wall_clock() {
    let stamped = |log: &str| -> String {
        let mut second = 37;
        log.split_inclusive('\n')
            .map(|line| {
                second += 1;
                format!("2024-05-31T16:08:{second}.004Z {line}")
            })
            .collect()
    };
    let service = stamped(&[gc(1, "1.000"), gc(2, "2.000"), gc(3, "3.000")].concat());
    let proxy = "time=2024-05-31T16:08:38.900Z msg=before\ntime=2024-05-31T16:08:39.250Z msg=during\n\
                 time=2024-05-31T16:08:41.000Z msg=after\n";
    let bare = "no stamp\n";
    check_all(
        &[&service, proxy, bare],
        2,
        500,
        expect![[r#"
            at 2.000 s after the start of the process, 2024-05-31 16:08:39.002
                 -103 ms  app       proxy:1  time=2024-05-31T16:08:38.900Z msg=be…
            >    +0.0 ms  gc        log:2    gc 2 @2.000s 1%: 0.02+1.1+0.01 ms cl…
                 +247 ms  app       proxy:2  time=2024-05-31T16:08:39.250Z msg=du…
            bare: no wall clock in common with this line
        "#]],
    );
}

#[test]
fn an_answer_is_bounded() {
    let mut log = gc(1, "1.000");
    (0..5000).for_each(|n| writeln!(log, "line {n}").unwrap());
    log += &gc(2, "1.001");
    let found = around(&snapshot(&log), 0, Duration::from_secs(1), &[]).unwrap();
    assert_eq!((found.entries.len(), found.entries.iter().filter(|entry| entry.is_focus).count()), (MAX_ENTRIES, 1));
    assert!(found.n_left_out > 3000, "{}", found.n_left_out);
}

#[test]
fn nothing_without_any_time() {
    check(
        "hello\nworld\n",
        1,
        expect![[r#"
        nothing
    "#]],
    );
    check(
        &gc(1, "1.000"),
        9,
        expect![[r#"
        nothing
    "#]],
    );
}

#[test]
fn releases_that_print_no_time_leave_the_stamps() {
    let old = "gc7(2): 26+1+87+0 us, 0 -> 0 MB, 30 (30-0) objects, 2 goroutines, 21/0/0 sweeps, 0(0) handoff, \
               1(2) steal, 16/1/0 yields\n";
    let log = format!("2024/05/31 16:08:37.100000 a\n{old}2024/05/31 16:08:37.900000 b\n");
    let found = around(&snapshot(&log), 0, Duration::from_secs(1), &[]).unwrap();
    let told: Vec<u32> =
        found.entries.iter().filter(|entry| entry.family.is_none()).map(|entry| entry.loc.line).collect();
    assert_eq!(told, [0, 2]);
    assert_eq!(around(&snapshot(old), 0, Duration::from_secs(1), &[]), None);
}

#[test]
fn a_log_of_stamps_alone_has_an_axis_too() {
    check(
        "2024/05/31 16:08:37.100000 a\n2024/05/31 16:08:37.900000 b\n2024/05/31 16:08:39.000000 c\n",
        1,
        expect![[r#"
            at 2024-05-31 16:08:37.100
            >    +0.0 ms  app       log:1  2024/05/31 16:08:37.100000 a
                 +800 ms  app       log:2  2024/05/31 16:08:37.900000 b
        "#]],
    );
}
