//! Fixtures of navigation: log text with the cursor at `$0` in; the lines that are led to out.

mod around;

use std::sync::Arc;

use expect_test::{Expect, expect};
use tracelog::{LineCol, Loc, Log, Text};

use super::*;
use crate::Settings;

const BLOCK: &str = "\
SCHED 501ms: gomaxprocs=2 idleprocs=1 threads=3 spinningthreads=0 needspinning=0 idlethreads=0 runqueue=0 gcwaiting=false nmidlelocked=0 stopwait=0 sysmonwait=false
  P0: status=1 schedtick=2 syscalltick=0 m=3 runqsize=0 gfreecnt=0 timerslen=0
  P1: status=0 schedtick=2 syscalltick=0 m=nil runqsize=0 gfreecnt=0 timerslen=0
  M3: p=0 curg=17 mallocing=0 throwing=0 preemptoff= locks=0 dying=0 spinning=false blocked=false lockedg=nil
  M1: p=nil curg=99 mallocing=0 throwing=0 preemptoff= locks=0 dying=0 spinning=false blocked=false lockedg=18
  M0: p=7 curg=nil mallocing=0 throwing=0 preemptoff= locks=0 dying=0 spinning=false blocked=false lockedg=nil
  G1: status=4(chan receive) m=nil lockedm=nil
  G17: status=2() m=3 lockedm=nil
  G18: status=4(select) m=8 lockedm=1
";

/// A fatal error with three goroutines, of which 17 created 18 and 19.
const DUMP: &str = "\
fatal error: all goroutines are asleep - deadlock!

goroutine 1 [chan receive]:
main.main()
\t/src/main.go:12 +0x1d

goroutine 17 [select]:
main.serve(...)
\t/src/main.go:33
main.main.func1()
\t/src/main.go:20 +0x25
created by main.main in goroutine 1
\t/src/main.go:18 +0x1f

goroutine 18 [select]:
main.work()
\t/src/main.go:40 +0x25
created by main.serve in goroutine 17
\t/src/main.go:31 +0x1f

goroutine 19 [select]:
main.work()
\t/src/main.go:40 +0x25
created by main.serve in goroutine 5
\t/src/main.go:31 +0x1f
";

const RACE: &str = "\
==================
WARNING: DATA RACE
Write at 0x00c0000980f0 by goroutine 9:
  main.main.func2()
      /src/main.go:18 +0x44

Previous read at 0x00c0000980f0 by goroutine 7:
  main.main()
      /src/main.go:17 +0xc9

Goroutine 9 (running) created at:
  main.main()
      /src/main.go:18 +0x132
==================
";

fn snapshot(text: &str) -> Snapshot {
    Snapshot::new(Arc::new(Text::new(text)), Log::read(text.as_bytes()), Arc::new(Settings::default()))
}

/// A snapshot of a text without its cursor, and where that was.
fn at_cursor(fixture: &str) -> (Snapshot, LineCol) {
    let at = fixture.find("$0").expect("a fixture has a cursor");
    let before = &fixture[..at];
    let line = before.matches('\n').count() as u32;
    let byte = (at - before.rfind('\n').map_or(0, |end| end + 1)) as u32;
    (snapshot(&fixture.replacen("$0", "", 1)), LineCol { line, byte })
}

/// `8: G17`: lines count from 1.
fn show(snapshot: &Snapshot, loc: Loc) -> String {
    let line = snapshot.lines.line(loc.line);
    format!("{}: {}", loc.line + 1, String::from_utf8_lossy(&line[loc.start as usize..loc.end as usize]))
}

fn leads(fixture: &str) -> String {
    let (snapshot, at) = at_cursor(fixture);
    let Some(resolved) = resolve(&snapshot, at) else { return "no number".to_owned() };
    let to = match resolved.resolution {
        Resolution::Here(target) => {
            format!("{} of lines {}-{}", show(&snapshot, target.loc), target.lines.0 + 1, target.lines.1 + 1)
        }
        Resolution::Nothing(words) => words.to_owned(),
        Resolution::Unlisted(words) => words,
    };
    format!("{} -> {to}", show(&snapshot, resolved.origin))
}

/// Where each of the texts leads when the cursor is at its start. Each stands once in the log.
fn check_leads(log: &str, texts: &[&str], expected: Expect) {
    let lines = texts.iter().map(|text| {
        assert_eq!(log.matches(text).count(), 1, "{text:?} stands once");
        leads(&log.replacen(text, &format!("$0{text}"), 1))
    });
    expected.assert_eq(&lines.collect::<Vec<_>>().join("\n"));
}

fn check_named(fixture: &str, expected: Expect) {
    let (snapshot, at) = at_cursor(fixture);
    let shown = |locs: Option<Vec<Loc>>| {
        let locs = locs.map(|locs| locs.into_iter().map(|loc| show(&snapshot, loc)).collect::<Vec<_>>().join(", "));
        locs.unwrap_or_else(|| "none".to_owned())
    };
    let all = shown(references(&snapshot, at, Declarations::Included));
    let others = shown(references(&snapshot, at, Declarations::Left));
    let marked = highlights(&snapshot, at).into_iter();
    let marked = marked.map(|marked| format!("{:?} {}", marked.kind, show(&snapshot, marked.loc)));
    let marked: Vec<String> = marked.collect();
    expected.assert_eq(&format!("all: {all}\nleading there: {others}\nmarked: {}", marked.join(", ")));
}

#[test]
fn references_of_a_block_lead_to_its_lines_or_are_explained() {
    check_leads(
        BLOCK,
        &[
            "m=3 runqsize",
            "m=nil runqsize",
            "p=0",
            "curg=17",
            "lockedg=18",
            "lockedm=1",
            "m=3 lockedm",
            "curg=99",
            "p=7",
            "m=8",
            "curg=nil",
            "p=nil",
            "lockedm=nil\n  G17",
            "M3: ",
            "G17: ",
            "schedtick=2 syscalltick=0 m=3",
        ],
        expect![[r#"
            2: m=3 -> 4: M3 of lines 4-4
            3: m=nil -> no thread holds this P
            4: p=0 -> 2: P0 of lines 2-2
            4: curg=17 -> 8: G17 of lines 8-8
            5: lockedg=18 -> 9: G18 of lines 9-9
            9: lockedm=1 -> 5: M1 of lines 5-5
            8: m=3 -> 4: M3 of lines 4-4
            5: curg=99 -> G99 has no line in this block: it was created or ended while the block was printed, or the line was lost
            6: p=7 -> P7 has no line in this block, which lists 2 Ps: their number has changed, or a line was lost
            9: m=8 -> M8 has no line in this block: the world keeps running while a block is printed, or the line was lost
            6: curg=nil -> this thread runs no goroutine
            5: p=nil -> this thread holds no P
            7: lockedm=nil -> this goroutine is not locked to a thread
            4: M3 -> 4: M3 of lines 4-4
            8: G17 -> 8: G17 of lines 8-8
            no number"#]],
    );
}

#[test]
fn a_hover_says_why_a_number_leads_nowhere() {
    let hover = |fixture: &str| {
        let (snapshot, at) = at_cursor(fixture);
        crate::hover(&snapshot, at).expect("there is a number").markdown
    };
    let lost = hover(&BLOCK.replacen("curg=99", "curg=$099", 1));
    assert!(lost.contains("**Leads nowhere:** G99 has no line in this block"), "{lost}");
    for found in ["curg=17", "lockedg=18", "curg=nil", "M3: "] {
        let cursor = found.find(['=', '3']).unwrap() + usize::from(found.contains('='));
        let fixture = BLOCK.replacen(found, &format!("{}$0{}", &found[..cursor], &found[cursor..]), 1);
        assert!(!hover(&fixture).contains("Leads nowhere"), "{found}");
    }
    let gone = hover(&DUMP.replacen("goroutine 5", "goroutine $05", 1));
    assert!(gone.contains("goroutine 5 is in no dump of this run"), "{gone}");
}

#[test]
fn a_goroutine_leads_to_its_entry_and_to_its_creator() {
    check_leads(
        &format!("{BLOCK}{DUMP}"),
        &["curg=17", "G17: ", "G18: ", "goroutine 17 [", "goroutine 1\n", "goroutine 17\n", "goroutine 5"],
        expect![[r#"
            4: curg=17 -> 8: G17 of lines 8-8
            8: G17 -> 16: goroutine 17 of lines 16-22
            9: G18 -> 24: goroutine 18 of lines 24-28
            16: goroutine 17 -> 16: goroutine 17 of lines 16-22
            21: goroutine 1 -> 12: goroutine 1 of lines 12-14
            27: goroutine 17 -> 16: goroutine 17 of lines 16-22
            33: goroutine 5 -> goroutine 5 is in no dump of this run; this one lists 4 goroutines, and a goroutine that has ended is in none"#]],
    );
}

#[test]
fn a_goroutine_that_the_program_speaks_of_leads_to_its_entry() {
    check_leads(
        &format!("2024/04/12 16:36:46 stuck: goroutine 18 in pool\n{DUMP}worker goroutine=99 gone, Goroutine: 1\n"),
        &["goroutine 18 in pool", "goroutine=99", "Goroutine: 1"],
        expect![[r#"
            1: goroutine 18 -> 16: goroutine 18 of lines 16-20
            no number
            27: Goroutine: 1 -> 4: goroutine 1 of lines 4-6"#]],
    );
    check_named(
        &format!("{DUMP}\nworker goroutine=1$07 is done\n"),
        expect![[r#"
        all: 7: goroutine 17, 18: goroutine 17
        leading there: 18: goroutine 17
        marked: "#]],
    );
}

#[test]
fn goroutines_of_a_race_report_lead_to_where_they_were_created() {
    check_leads(
        RACE,
        &["goroutine 9:", "goroutine 7", "Goroutine 9", "18 +0x44"],
        expect![[r#"
        3: goroutine 9 -> 11: Goroutine 9 of lines 11-11
        7: goroutine 7 -> the report does not tell where goroutine 7 was created
        11: Goroutine 9 -> 11: Goroutine 9 of lines 11-11
        no number"#]],
    );
}

#[test]
fn all_lines_of_a_run_that_name_a_thing_are_found() {
    let later = BLOCK.replace("501ms", "1502ms").replace("curg=17", "curg=18");
    check_named(
        &format!("{BLOCK}{later}{DUMP}").replacen("curg=17", "cu$0rg=17", 1),
        expect![[r#"
        all: 4: curg=17, 8: G17, 17: G17, 25: goroutine 17, 36: goroutine 17
        leading there: 4: curg=17, 36: goroutine 17
        marked: Reference 4: curg=17, Own 8: G17"#]],
    );
    check_named(
        &format!("{BLOCK}{later}{DUMP}").replacen("  M1: p=nil", "  M$01: p=nil", 1),
        expect![[r#"
        all: 5: M1, 9: lockedm=1, 14: M1, 18: lockedm=1
        leading there: 9: lockedm=1, 18: lockedm=1
        marked: Own 5: M1, Reference 9: lockedm=1"#]],
    );
    check_named(
        &DUMP.replacen("in goroutine 17", "in gor$0outine 17", 1),
        expect![[r#"
        all: 7: goroutine 17, 18: goroutine 17
        leading there: 18: goroutine 17
        marked: Own 7: goroutine 17, Reference 18: goroutine 17"#]],
    );
    check_named(
        &RACE.replacen("by goroutine 9", "by goroutine $09", 1),
        expect![[r#"
        all: 3: goroutine 9, 11: Goroutine 9
        leading there: 3: goroutine 9
        marked: Reference 3: goroutine 9, Own 11: Goroutine 9"#]],
    );
    check_named(
        &BLOCK.replacen("status=4(sel", "status=$04(sel", 1),
        expect![[r#"
        all: none
        leading there: none
        marked: "#]],
    );
}

#[test]
fn processes_that_write_to_one_stream_keep_their_things_apart() {
    let of = |name: &str, log: &str| log.lines().map(|line| format!("{name}  | {line}\n")).collect::<Vec<_>>();
    let other = BLOCK.replace("501ms", "9000ms").replace("m=3 runqsize", "m=1 runqsize");
    let mixed = of("web-1", BLOCK).into_iter().zip(of("web-2", &other)).map(|(a, b)| a + &b).collect::<String>();
    check_leads(
        &mixed,
        &["m=3 runqsize", "m=1 runqsize"],
        expect![[r#"
        3: m=3 -> 7: M3 of lines 7-7
        4: m=1 -> 10: M1 of lines 10-10"#]],
    );
}

#[test]
fn a_block_whose_first_line_is_lost_is_a_block_of_its_own() {
    let (_, headless) = BLOCK.split_once('\n').unwrap();
    // Before the first block of the log.
    let before = format!("{headless}{}", BLOCK.replace("m=3", "m=1").replace("curg=17", "curg=1"));
    check_leads(
        &before,
        &["curg=17", "m=3 runqsize"],
        expect![[r#"
        3: curg=17 -> 7: G17 of lines 7-7
        1: m=3 -> 3: M3 of lines 3-3"#]],
    );
    check_named(
        &before.replacen("M3: ", "M$03: ", 1),
        expect![[r#"
        all: 1: m=3, 3: M3, 7: m=3, 12: M3
        leading there: 1: m=3, 7: m=3
        marked: Reference 1: m=3, Own 3: M3, Reference 7: m=3"#]],
    );
    // Behind another: both are read as one.
    let behind = format!("{}{headless}", BLOCK.replace("m=3", "m=1").replace("curg=17", "curg=1"));
    check_leads(
        &behind,
        &["curg=17", "m=3 runqsize", "m=3 lockedm"],
        expect![[r#"
        12: curg=17 -> 16: G17 of lines 16-16
        10: m=3 -> 12: M3 of lines 12-12
        16: m=3 -> 12: M3 of lines 12-12"#]],
    );
}

#[test]
fn labels_are_found_behind_colors() {
    let colored = BLOCK.replace("  G17: ", "  G\x1b[1;35m17\x1b[0m: ").replace("curg=17", "curg=\x1b[35m17\x1b[0m");
    let (snapshot, at) = at_cursor(&colored.replacen("curg=", "curg$0=", 1));
    let references = references(&snapshot, at, Declarations::Included).expect("there is a number");
    let shown: Vec<String> = references.iter().map(|loc| show(&snapshot, *loc)).collect();
    assert_eq!(shown, ["4: curg=\x1b[35m17", "8: G\x1b[1;35m17"]);
}

#[test]
fn goroutine_0_is_another_one_in_each_thread() {
    let crash = "\
SIGQUIT: quit
PC=0x46d2c1 m=0 sigcode=0

goroutine 0 gp=0x5f9c80 m=0 mp=0x5fac80 [idle]:
runtime.futex()
\t/usr/local/go/src/runtime/sys_linux_amd64.s:558 +0x21

goroutine 1 gp=0xc000002380 m=3 mp=0xc000040008 [running]:
main.main()
\t/src/main.go:12 +0x1d

-----

goroutine 0 gp=0x5f9c81 m=3 mp=0x5fac81 [idle]:
runtime.futex()
\t/usr/local/go/src/runtime/sys_linux_amd64.s:558 +0x21
";
    check_leads(
        crash,
        &["m=0 sigcode", "goroutine 0 gp=0x5f9c80", "goroutine 0 gp=0x5f9c81", "m=3 mp=0xc0"],
        expect![[r#"
            2: m=0 -> no block of scheddetail in this run has a line for M0
            4: goroutine 0 -> 4: goroutine 0 of lines 4-6
            14: goroutine 0 -> 14: goroutine 0 of lines 14-16
            8: m=3 -> no block of scheddetail in this run has a line for M3"#]],
    );
    check_named(
        &crash.replacen("goroutine 0 gp=0x5f9c81", "gorout$0ine 0 gp=0x5f9c81", 1),
        expect![[r#"
        all: 14: goroutine 0
        leading there: 
        marked: Own 14: goroutine 0"#]],
    );
}
