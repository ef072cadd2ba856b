//! Hierarchy, search, selections, files of frames.

use expect_test::{Expect, expect};
use tracelog::Lines;

use super::*;

fn text_of(snapshot: &Snapshot, range: &std::ops::Range<LineCol>) -> String {
    if range.start.line == range.end.line {
        let loc = Loc::new(range.start.line, range.start.byte, range.end.byte);
        return show(snapshot, loc);
    }
    format!("lines {}-{}", range.start.line + 1, range.end.line + 1)
}

fn check_selections(fixture: &str, expected: Expect) {
    let (snapshot, at) = at_cursor(fixture);
    let shown: Vec<String> = selections(&snapshot, at).iter().map(|range| text_of(&snapshot, range)).collect();
    expected.assert_eq(&shown.join("\n"));
}

const PACED: &str = "\
starting
GC forced
pacer: assist ratio=+2.053072e+000 (scan 0 MB in 4->4 MB) workers=0++2.500000e-001
pacer: 26% CPU (25 exp.) for 64160+17608+75880 B work (158544 B exp.) in 4114704 B -> 4133224 B (\u{394}goal 61136, cons/mark +0.000000e+000)
gc 1 @0.018s 2%: 0.022+1.1+0.040 ms clock, 0.17+0.92/1.0/0.21+0.32 ms cpu, 9->10->4 MB, 10 MB goal, 0 MB stacks, 0 MB globals, 8 P
pacer: sweep done at heap size 4MB; allocated 0MB during sweep; swept 518 pages at +1.250000e-004 pages/byte
request done
pacer: assist ratio=+2.053072e+000 (scan 0 MB in 4->4 MB) workers=0++2.500000e-001
gc 2 @1.018s 2%: 0.022+1.1+0.040 ms clock, 0.17+0.92/1.0/0.21+0.32 ms cpu, 9->10->4 MB, 10 MB goal, 0 MB stacks, 0 MB globals, 8 P (forced)
request done
";

#[test]
fn a_value_grows_to_its_group_its_item_its_cycle_its_run() {
    check_selections(
        &PACED.replacen("0.92/", "0.$092/", 1),
        expect![[r#"
        5: 0.92
        5: 0.17+0.92/1.0/0.21+0.32
        5: 0.17+0.92/1.0/0.21+0.32 ms cpu
        5: gc 1 @0.018s 2%: 0.022+1.1+0.040 ms clock, 0.17+0.92/1.0/0.21+0.32 ms cpu, 9->10->4 MB, 10 MB goal, 0 MB stacks, 0 MB globals, 8 P
        lines 2-6
        lines 2-9
        lines 1-11"#]],
    );
    check_selections(
        &PACED.replacen("10 MB goal", "10 MB go$0al", 1),
        expect![[r#"
        5: 10 MB goal
        5: gc 1 @0.018s 2%: 0.022+1.1+0.040 ms clock, 0.17+0.92/1.0/0.21+0.32 ms cpu, 9->10->4 MB, 10 MB goal, 0 MB stacks, 0 MB globals, 8 P
        lines 2-6
        lines 2-9
        lines 1-11"#]],
    );
    check_selections(
        &PACED.replacen("GC forced", "GC f$0orced", 1),
        expect![[r#"
        2: GC forced
        lines 2-6
        lines 2-9
        lines 1-11"#]],
    );
    check_selections(
        &PACED.replacen("request", "req$0uest", 1),
        expect![[r#"
        7: request
        7: request done
        lines 2-9
        lines 1-11"#]],
    );
}

#[test]
fn a_cycle_grows_to_its_phase() {
    let cycle = |n: u32, live_mb: u32| {
        let (at_s, top_mb) = (2 * n, 2 * live_mb);
        format!(
            "pacer: assist ratio=+2.053072e+000 (scan 0 MB in 4->4 MB) workers=0++2.500000e-001\n\
             gc {n} @{at_s}.000s 3%: 0.022+1.1+0.040 ms clock, 0.17+0.92/1.0/0.21+0.32 ms cpu, \
             {top_mb}->{top_mb}->{live_mb} MB, {top_mb} MB goal, 0 MB stacks, 0 MB globals, 8 P\n"
        )
    };
    let log: String = (1..=80).map(|n| cycle(n, if n <= 40 { 4 } else { 40 })).collect();
    check_selections(
        &log.replacen("gc 20 @", "gc $020 @", 1),
        expect![[r#"
        40: 20
        40: gc 20 @40.000s 3%: 0.022+1.1+0.040 ms clock, 0.17+0.92/1.0/0.21+0.32 ms cpu, 8->8->4 MB, 8 MB goal, 0 MB stacks, 0 MB globals, 8 P
        lines 39-40
        lines 1-80
        lines 1-160
        lines 1-161"#]],
    );
    check_selections(
        &log.replacen("gc 41 @", "gc $041 @", 1),
        expect![[r#"
        82: 41
        82: gc 41 @82.000s 3%: 0.022+1.1+0.040 ms clock, 0.17+0.92/1.0/0.21+0.32 ms cpu, 80->80->40 MB, 80 MB goal, 0 MB stacks, 0 MB globals, 8 P
        lines 81-82
        lines 81-160
        lines 1-160
        lines 1-161"#]],
    );
}

#[test]
fn lines_of_scheddetail_grow_to_their_block() {
    let two = format!("{BLOCK}{}", BLOCK.replace("501ms", "1502ms"));
    check_selections(
        &two.replacen("status=4(select", "status=4(se$0lect", 1),
        expect![[r#"
        9: select
        9: 4(select
        9: status=4(select)
        9:   G18: status=4(select) m=8 lockedm=1
        lines 1-9
        lines 1-18
        lines 1-19"#]],
    );
    check_selections(
        &two.replacen("P0: ", "P$00: ", 1),
        expect![[r#"
        2: 0
        2: P0
        2:   P0: status=1 schedtick=2 syscalltick=0 m=3 runqsize=0 gfreecnt=0 timerslen=0
        lines 1-9
        lines 1-18
        lines 1-19"#]],
    );
    check_selections(
        &two.replacen("threads=3", "threads=$03", 1),
        expect![[r#"
        1: 3
        1: threads=3
        1: SCHED 501ms: gomaxprocs=2 idleprocs=1 threads=3 spinningthreads=0 needspinning=0 idlethreads=0 runqueue=0 gcwaiting=false nmidlelocked=0 stopwait=0 sysmonwait=false
        lines 1-9
        lines 1-18
        lines 1-19"#]],
    );
}

#[test]
fn a_frame_grows_to_its_goroutine_and_dump() {
    let log = format!("starting\n{DUMP}exit status 2\n");
    check_selections(
        &log.replacen("main.go:33", "main.go:3$03", 1),
        expect![[r#"
        10: 33
        10: /src/main.go:33
        10: 	/src/main.go:33
        lines 8-14
        lines 2-26
        lines 2-27
        lines 1-28"#]],
    );
}

#[test]
fn selections_nest_strictly_everywhere() {
    for log in [PACED, BLOCK, DUMP, RACE] {
        let torn = log.replacen("9->10", "9->1starting\n0", 1).replacen("curg=17", "cu\nrg=17", 1);
        for text in [log.to_owned(), torn, format!("{{\"log\":\"{}\\n\"}}\n", log.lines().nth(3).unwrap())] {
            let snapshot = snapshot(&text);
            for line in 0..text.matches('\n').count() as u32 + 1 {
                let n_bytes = snapshot.lines.line(line).len() as u32;
                for byte in 0..=n_bytes {
                    let at = LineCol { line, byte };
                    let ranges = selections(&snapshot, at);
                    assert!(!ranges.is_empty(), "{at:?} in {text:?}");
                    assert!(ranges.iter().all(|range| range.start <= at && at <= range.end), "{at:?}: {ranges:?}");
                    let is_nested = |pair: &[std::ops::Range<LineCol>]| {
                        pair[1].start <= pair[0].start && pair[0].end <= pair[1].end && pair[0] != pair[1]
                    };
                    assert!(ranges.windows(2).all(is_nested), "{at:?}: {ranges:?}");
                }
            }
        }
    }
}

fn check_hierarchy(fixture: &str, expected: Expect) {
    let (snapshot, at) = at_cursor(fixture);
    let item = |item: &GoroutineItem| {
        let lines = (item.lines.0 + 1, item.lines.1 + 1);
        format!("{} · {} · lines {}-{} · {}", item.name, item.detail, lines.0, lines.1, show(&snapshot, item.loc))
    };
    let creation = |creation: &Creation| format!("{} · by {}", item(&creation.item), show(&snapshot, creation.at));
    let mut shown = vec![goroutine_at(&snapshot, at).as_ref().map_or("no goroutine".to_owned(), item)];
    shown.extend(creator(&snapshot, at).as_ref().map(|found| format!("created by {}", creation(found))));
    shown.extend(created(&snapshot, at).iter().map(|found| format!("created {}", creation(found))));
    expected.assert_eq(&shown.join("\n"));
}

#[test]
fn goroutines_lead_to_who_created_them_and_whom_they_created() {
    let dump = DUMP.replace("goroutine 5", "goroutine 17");
    check_hierarchy(
        &dump.replacen("goroutine 17 [", "goroutine$0 17 [", 1),
        expect![[r#"
        goroutine 17 [select] · main.serve · lines 7-13 · 7: goroutine 17
        created by goroutine 1 [chan receive] · main.main · lines 3-5 · 3: goroutine 1 · by 4: main.main
        created goroutine 18 [select] · main.work · lines 15-19 · 15: goroutine 18 · by 8: main.serve
        created goroutine 19 [select] · main.work · lines 21-25 · 21: goroutine 19 · by 8: main.serve"#]],
    );
    check_hierarchy(
        &dump.replacen("goroutine 1 [", "goroutine$0 1 [", 1),
        expect![[r#"
        goroutine 1 [chan receive] · main.main · lines 3-5 · 3: goroutine 1
        created goroutine 17 [select] · main.serve · lines 7-13 · 7: goroutine 17 · by 4: main.main"#]],
    );
    check_hierarchy(
        &dump.replacen("in goroutine 17", "in gorou$0tine 17", 1),
        expect![[r#"
        goroutine 17 [select] · main.serve · lines 7-13 · 7: goroutine 17
        created by goroutine 1 [chan receive] · main.main · lines 3-5 · 3: goroutine 1 · by 4: main.main
        created goroutine 18 [select] · main.work · lines 15-19 · 15: goroutine 18 · by 8: main.serve
        created goroutine 19 [select] · main.work · lines 21-25 · 21: goroutine 19 · by 8: main.serve"#]],
    );
    check_hierarchy(
        &DUMP.replacen("goroutine 5", "goroutine $05", 1),
        expect![[r#"
        goroutine 5 · not listed in this dump · lines 24-24 · 24: goroutine 5
        created goroutine 19 [select] · main.work · lines 21-25 · 21: goroutine 19 · by 24: goroutine 5"#]],
    );
    check_hierarchy(&DUMP.replacen("main.work", "main.wo$0rk", 1), expect!["no goroutine"]);
}

#[test]
fn ancestors_go_on_where_the_dump_does_not() {
    let dump = "\
goroutine 9 [running]:
main.leaf()
\t/src/main.go:12 +0x1d
created by main.middle
\t/src/main.go:20 +0x1f
[originating from goroutine 8]:
main.middle(...)
\t/src/main.go:20 +0x1f
created by main.root
\t/src/main.go:30 +0x1f
[originating from goroutine 7]:
main.root(...)
\t/src/main.go:30 +0x1f
created by main.main
\t/src/main.go:40 +0x1f
";
    check_hierarchy(
        &dump.replacen("goroutine 9", "goroutine $09", 1),
        expect![[r#"
        goroutine 9 [running] · main.leaf · lines 1-15 · 1: goroutine 9
        created by goroutine 8 · not listed in this dump · lines 6-6 · 6: goroutine 8 · by 6: goroutine 8"#]],
    );
    check_hierarchy(
        &dump.replacen("goroutine 8", "goroutine $08", 1),
        expect![[r#"
        goroutine 8 · not listed in this dump · lines 6-6 · 6: goroutine 8
        created by goroutine 7 · not listed in this dump · lines 11-11 · 11: goroutine 7 · by 11: goroutine 7
        created goroutine 9 [running] · main.leaf · lines 1-15 · 1: goroutine 9 · by 6: goroutine 8"#]],
    );
    check_hierarchy(
        &dump.replacen("goroutine 7", "goroutine $07", 1),
        expect!["goroutine 7 · not listed in this dump · lines 11-11 · 11: goroutine 7"],
    );
    let both = format!("{dump}\ngoroutine 8 [select]:\nmain.middle()\n\t/src/main.go:21 +0x1d\n");
    check_hierarchy(
        &both.replacen("goroutine 8 [", "goroutine $08 [", 1),
        expect![[r#"
        goroutine 8 [select] · main.middle · lines 17-19 · 17: goroutine 8
        created goroutine 9 [running] · main.leaf · lines 1-15 · 1: goroutine 9 · by 18: main.middle"#]],
    );
}

fn check_search(log: &str, query: &str, expected: Expect) {
    let snapshot = snapshot(log);
    let shown: Vec<String> = search(&snapshot, query)
        .iter()
        .map(|found| {
            format!("{:?} {:?} {} · {} · {}", found.fit, found.kind, found.name, found.container, found.loc.line + 1)
        })
        .collect();
    expected.assert_eq(&shown.join("\n"));
}

#[test]
fn things_are_found_by_their_names() {
    let log = format!("{PACED}{BLOCK}{DUMP}");
    check_search(
        &log,
        "gc 2",
        expect![[r#"
        Exact Cycle gc 2 @1.018s · run 1 · 9
        Word Finding GC502 timer-gc: 1 cycle of 2 is periodic: the process allocated too little to reach the goal in 2 minutes. · run 1 · 5"#]],
    );
    check_search(
        &log,
        "goroutine 17",
        expect![[r#"
        Exact Goroutine goroutine 17, 1 line · scheddetail, run 1 · 18
        Exact Goroutine goroutine 17 [select] · dump, run 1 · 26"#]],
    );
    check_search(
        &log,
        "G18",
        expect![[r#"
        Exact Goroutine goroutine 18, 1 line · scheddetail, run 1 · 19
        Exact Goroutine goroutine 18 [select] · dump, run 1 · 34"#]],
    );
    check_search(&log, "m3", expect!["Exact Thread thread M3, 1 line · scheddetail, run 1 · 14"]);
    check_search(&log, "P1", expect!["Exact Processor processor P1, 1 line · scheddetail, run 1 · 13"]);
    check_search(
        &log,
        "main.",
        expect![[r#"
            Start Function main.main · 1 frame · 23
            Start Function main.serve · 1 frame · 27
            Start Function main.main.func1 · 1 frame · 29
            Start Function main.work · 2 frames · 35
            Word Block fatal error: all goroutines are asleep - deadlock! · 4 goroutines in 3 groups · 3 select · 1 chan receive · 2 in main.w… · run 1 · 20"#]],
    );
    check_search(
        &log,
        "deadlock",
        expect![[r#"
            Exact Finding FT101 deadlock: All 4 goroutines are blocked and nothing can wake them: 3 select, 1 chan receive. · run 1 · 20
            Word Block fatal error: all goroutines are asleep - deadlock! · 4 goroutines in 3 groups · 3 select · 1 chan receive · 2 in main.w… · run 1 · 20"#]],
    );
    check_search(&log, "run 1", expect!["Exact Run run 1 · 37 trace lines · 2"]);
    check_search(&log, "no such thing", expect![[r#""#]]);
}

#[test]
fn findings_are_found_by_code_slug_and_words() {
    let cycles = (1..=100).map(|n| {
        let (at_s, live_mb) = (2 * n, n + 4);
        let top_mb = 2 * live_mb;
        format!(
            "gc {n} @{at_s}.000s 3%: 0.022+1.1+0.040 ms clock, 0.17+0.92/1.0/0.21+0.32 ms cpu, \
             {top_mb}->{top_mb}->{live_mb} MB, {top_mb} MB goal, 0 MB stacks, 0 MB globals, 8 P\n"
        )
    });
    let log: String = cycles.collect();
    for query in ["GC101", "live-heap-leak", "heap keeps rising"] {
        let found = search(&snapshot(&log), query);
        let first = found.first().map(|found| found.name.as_str());
        assert!(first.is_some_and(|name| name.starts_with("GC101 live-heap-leak: ")), "{query}: {found:?}");
    }
    let first = search(&snapshot(&log), "GC101").remove(0);
    expect!["GC101 live-heap-leak: Live heap keeps rising: 29→94 MB over 2.1 min (1821 MB/h, strong evidence); still rising in the s…"].assert_eq(&first.name);
    let all = search(&snapshot(&log), "");
    assert!(all.iter().any(|found| found.kind == FoundKind::Finding), "{all:?}");
    assert!(all.iter().any(|found| found.kind == FoundKind::Run), "{all:?}");
    assert!(all.iter().all(|found| matches!(found.kind, FoundKind::Finding | FoundKind::Run)), "{all:?}");
}

#[test]
fn answers_to_a_search_are_bounded() {
    let dump: String =
        (1..=500).map(|n| format!("goroutine {n} [select]:\nmain.f{n}()\n\t/src/a.go:1 +0x1\n\n")).collect();
    let found = search(&snapshot(&dump), "main.f");
    assert_eq!(found.len(), MAX_FOUND);
    assert!(found.is_sorted_by_key(|found| found.fit));
}

#[test]
fn frames_name_their_files() {
    let profile = "\
goroutine profile: total 3
2 @ 0x43e5ce 0x44f3f8
#\t0x46f2e4\tmain.worker+0x24\t/src/a b/main.go:31

";
    let log = format!("{DUMP}{RACE}{profile}");
    let snapshot = snapshot(&log);
    let mut asked = Vec::new();
    let links = file_links(&snapshot, |file| {
        asked.push(file.to_owned());
        file.ends_with("main.go")
    });
    let shown: Vec<String> =
        links.iter().map(|link| format!("{} -> {} {}", show(&snapshot, link.loc), link.file, link.line_no)).collect();
    expect![[r#"
        5: /src/main.go:12 -> /src/main.go 12
        9: /src/main.go:33 -> /src/main.go 33
        11: /src/main.go:20 -> /src/main.go 20
        13: /src/main.go:18 -> /src/main.go 18
        17: /src/main.go:40 -> /src/main.go 40
        19: /src/main.go:31 -> /src/main.go 31
        23: /src/main.go:40 -> /src/main.go 40
        25: /src/main.go:31 -> /src/main.go 31
        30: /src/main.go:18 -> /src/main.go 18
        34: /src/main.go:17 -> /src/main.go 17
        38: /src/main.go:18 -> /src/main.go 18
        42: /src/a b/main.go:31 -> /src/a b/main.go 31"#]]
    .assert_eq(&shown.join("\n"));
    assert_eq!(asked, ["/src/main.go", "/src/a b/main.go"], "each file is asked about once");
    assert_eq!(file_links(&snapshot, |_| false), []);
    for link in &links {
        let middle = LineCol { line: link.loc.line, byte: (link.loc.start + link.loc.end) / 2 };
        assert_eq!(file_at(&snapshot, middle).as_ref(), Some(link));
    }
    assert_eq!(file_at(&snapshot, LineCol { line: 0, byte: 0 }), None);
}
