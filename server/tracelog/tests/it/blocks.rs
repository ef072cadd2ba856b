//! Lines of blocks: claimed where their header stands, confirmed by what follows, and put together as objects.

use tracelog::blocks::{Block, Cause};
use tracelog::{Blocks, Log, Runs, Text};

/// The family of each line, with a dash for the program's own.
fn families(log: &str) -> Vec<&'static str> {
    let text = Text::new(log);
    let read = Log::read(log.as_bytes());
    let family = |line: u32| read.items(line, &text).items.first().map_or("-", |item| item.family().def().id);
    (0..text.n_lines() - 1).map(family).collect()
}

fn blocks(log: &str) -> (Log, Vec<Block>) {
    let log = Log::read(log.as_bytes());
    let list = Blocks::of(&log, &Runs::of(&log)).list;
    (log, list)
}

#[test]
fn frames_and_registers_are_lines_of_the_program_outside_of_a_dump() {
    let log = "main.f(0x1)\n\t/src/a.go:1\nrax    0x1\nexit status 2\nruntime: hello\n";
    assert_eq!(families(log), ["-"; 5]);
    let dump = format!("SIGQUIT: quit\nPC=0x1 m=0 sigcode=0\n\ngoroutine 1 [select]:\n{log}");
    assert_eq!(
        families(&dump),
        ["signal", "signal_pc", "-", "goroutine", "frame", "location", "register", "exit_status", "-"]
    );
}

#[test]
fn output_of_the_program_between_frames_stays_its_own() {
    let log = "\
goroutine 1 [running]:
main.f(0x1)
served /a in 3ms
\t/src/a.go:1 +0x1
handle()
main.main()
\t/src/a.go:9 +0x2

";
    assert_eq!(families(log), ["goroutine", "frame", "-", "location", "-", "frame", "location", "-"]);
}

#[test]
fn what_a_logger_calls_a_panic_needs_a_goroutine() {
    let said = "2024/01/02 15:04:05 panic: recovered from x\n2024/01/02 15:04:06 served\n";
    assert_eq!(families(said), ["-", "-"]);
    let real = "2024/01/02 15:04:05 panic: x\n2024/01/02 15:04:05 \n2024/01/02 15:04:05 goroutine 1 [running]:\n";
    assert_eq!(families(real), ["panic", "-", "goroutine"]);
}

#[test]
fn the_value_of_a_panic_goes_on_up_to_the_blank_line_before_a_goroutine() {
    assert_eq!(
        families("panic: first\nsecond\nthird\n\ngoroutine 1 [running]:\n"),
        ["panic", "panic_text", "panic_text", "-", "goroutine"]
    );
    assert_eq!(families("panic: first\nserved /a\n\nserved /b\n"), ["panic", "-", "-", "-"]);
}

#[test]
fn a_goroutine_with_its_newest_line_first_is_read_upwards() {
    let log = "\t/src/a.go:9 +0x2\nmain.main()\n\t/src/a.go:1 +0x1\nmain.f(0x1)\ngoroutine 1 [running]:\n";
    assert_eq!(families(log), ["location", "frame", "location", "frame", "goroutine"]);
    let without = log.replace("goroutine 1 [running]:\n", "served /a\n");
    assert_eq!(families(&without), ["-"; 5]);
}

#[test]
fn dumps_of_two_containers_in_one_stream_do_not_mix() {
    let log = "\
a-1  | goroutine 1 [select]:
b-1  | goroutine 7 [sleep]:
a-1  | main.f()
b-1  | main.g()
b-1  | \t/src/g.go:1 +0x1
a-1  | \t/src/f.go:1 +0x1
";
    assert_eq!(families(log), ["goroutine", "goroutine", "frame", "frame", "location", "location"]);
    let (read, list) = blocks(log);
    let functions: Vec<Vec<String>> = list
        .iter()
        .map(|block| match block {
            Block::Dump(dump) => dump.goroutines[0].functions(&read),
            _ => panic!("only dumps are there"),
        })
        .collect();
    assert_eq!(functions, [["main.f"], ["main.g"]]);
}

#[test]
fn goroutines_that_are_alike_are_one_group() {
    let stack = |id: u32, offset: u32, minutes: &str| {
        format!("goroutine {id} [chan receive{minutes}]:\nmain.f(0x{id})\n\t/src/a.go:1 +0x{offset}\n\n")
    };
    let log = format!(
        "panic: x\n\n{}{}goroutine 9 [select]:\nmain.f()\n\t/src/a.go:1 +0x1\n",
        stack(5, 1, ""),
        stack(6, 2, ", 3 minutes")
    );
    let (_, list) = blocks(&log);
    let [Block::Dump(dump)] = list.as_slice() else { panic!("one dump: {list:?}") };
    assert_eq!((dump.cause, dump.lines), (Cause::Panic, (0, 12)));
    let groups: Vec<(Vec<usize>, Option<u64>)> =
        dump.groups.iter().map(|group| (group.goroutines.clone(), group.longest_minutes)).collect();
    assert_eq!(groups, [(vec![0, 1], Some(3)), (vec![2], None)]);
}

#[test]
fn a_panic_that_net_http_recovered_is_a_dump_of_its_own() {
    let log = "\
panic: x

goroutine 1 [running]:
main.f(0x1)
\t/src/a.go:1 +0x1

2024/01/02 15:04:05 http: panic serving 127.0.0.1:4711: y
goroutine 19 [running]:
main.g(0x1)
\t/src/a.go:2 +0x1
";
    let (_, list) = blocks(log);
    let causes: Vec<(Cause, u32)> = list
        .iter()
        .map(|block| match block {
            Block::Dump(dump) => (dump.cause, dump.lines.0),
            _ => panic!("only dumps are there"),
        })
        .collect();
    assert_eq!(causes, [(Cause::Panic, 0), (Cause::Stack, 6)]);
}

#[test]
fn an_append_and_an_edit_inside_a_dump_equal_a_fresh_log() {
    let stack = "goroutine 1 [select]:\nmain.f(0x1)\n\t/src/a.go:1 +0x1\ncreated by main.main\n\t/src/a.go:9 +0x2\n\n";
    let whole = stack.repeat(400);
    // A chunk ends inside a goroutine, between a function and its file.
    for cut in [whole.len() / 2, whole.len() / 2 + 13, whole.len() - 40] {
        let cut = whole[..cut].rfind('\n').expect("there are lines") + 1;
        let mut text = Text::new(&whole[..cut]);
        let log = Log::read_text(&text, || true).expect("nothing interrupts it");
        let n_lines = text.n_lines() - 1;
        let at = tracelog::LineCol { line: n_lines, byte: 0 };
        let edited = text.replace(at, at, &whole[cut..]);
        let log = log.edited(&text, edited);
        let fresh = Log::read(whole.as_bytes());
        for family in tracelog::Family::ALL {
            let lines = |log: &Log| log.rows(*family).iter().map(|row| log.line(*row)).collect::<Vec<_>>();
            assert_eq!(lines(&log), lines(&fresh), "{family:?} after an append at byte {cut}");
        }
        assert_eq!(fresh.n_rows(tracelog::Family::Frame), 400);
    }
}

/// A report of goleak 1.3: what one test left behind.
const LEFT: &str = "\
[Goroutine 4 in state chan receive, with example.com/leaky.listen on top of the stack:
example.com/leaky.listen(0xc00006a2a0)
\t/src/leaky_test.go:17 +0x94
created by example.com/leaky.TestReceive in goroutine 3
\t/src/leaky_test.go:24 +0xad
 Goroutine 5 in state select, 2 minutes, with net/http.(*persistConn).writeLoop on top of the stack:
net/http.(*persistConn).writeLoop(0xc0001166c0)
\t/usr/local/go/src/net/http/transport.go:2458 +0xf0
created by net/http.(*Transport).dialConn in goroutine 13
\t/usr/local/go/src/net/http/transport.go:1800 +0x1585
]
";

const OF_LEFT: [&str; 11] = [
    "goroutine",
    "frame",
    "location",
    "created_by",
    "location",
    "goroutine",
    "frame",
    "location",
    "created_by",
    "location",
    "goleak",
];

fn indented(text: &str, by: &str) -> String {
    text.lines().map(|line| format!("{by}{line}\n")).collect()
}

#[test]
fn a_report_of_goleak_is_a_dump_of_what_a_test_left() {
    let text = format!("goleak: Errors on successful test run: found unexpected goroutines:\n{LEFT}FAIL\n");
    assert_eq!(families(&text), [&["goleak"], &OF_LEFT[..], &["-"]].concat());
    let (log, list) = blocks(&text);
    let [Block::Dump(dump)] = &list[..] else { panic!("{list:?}") };
    assert_eq!((dump.cause, dump.lines), (Cause::Goleak, (0, 11)));
    let [first, second] = &dump.goroutines[..] else { panic!("{dump:?}") };
    assert_eq!((first.id(&log), first.state(&log), first.minutes(&log)), (Some(4), "chan receive".to_owned(), None));
    assert_eq!((second.id(&log), second.state(&log), second.minutes(&log)), (Some(5), "select".to_owned(), Some(2)));
    assert_eq!(first.functions(&log), ["example.com/leaky.listen"]);
    assert_eq!(second.created_by(&log).as_deref(), Some("net/http.(*Transport).dialConn"));
    let created_at = second.created_at.and_then(|row| log.value(row, tracelog::catalog::location::LINE_NO));
    assert_eq!(created_at, Some(1800.0));
}

#[test]
fn go_test_and_assertions_indent_a_report() {
    let of_test = format!("    leaky_test.go:27: found unexpected goroutines:\n{}", indented(LEFT, "        "));
    assert_eq!(families(&of_test), [&["goleak"], &OF_LEFT[..]].concat());
    let head = "\tError:\tReceived unexpected error:\n\t\tcheck: found unexpected goroutines:\n";
    let of_assertion = format!("{head}{}", indented(LEFT, "\t\t\t"));
    assert_eq!(families(&of_assertion), [&["-", "-"], &OF_LEFT[..]].concat());
    let of_container = format!("found unexpected goroutines:\n{LEFT}");
    let stamp = "2024-01-02T15:04:05.123456789Z stderr F ";
    assert_eq!(families(&indented(&of_container, stamp)), [&["goleak"], &OF_LEFT[..]].concat());
}

#[test]
fn before_goleak_1_3_a_goroutine_has_its_own_header_below() {
    let text = "\
found unexpected goroutines:
[Goroutine 5 in state select, with main.run on top of the stack:
goroutine 5 [select]:
main.run(...)
\t/src/main_test.go:22
created by main.newWorker in goroutine 18
\t/src/main_test.go:33 +0xbf

 Goroutine 6 in state chan send, with main.send on top of the stack:
goroutine 6 [chan send]:
main.send()
\t/src/main_test.go:40 +0x1
created by main.newWorker in goroutine 18
\t/src/main_test.go:34 +0xbf

]
goroutine 6 [chan send]:
main.send()
\t/src/main_test.go:40 +0x1
";
    let (log, list) = blocks(text);
    let [Block::Dump(report), Block::Dump(dump)] = &list[..] else { panic!("{list:?}") };
    assert_eq!((report.cause, report.lines), (Cause::Goleak, (0, 15)));
    let ids: Vec<_> = report.goroutines.iter().map(|entry| (entry.id(&log), entry.frames.len())).collect();
    assert_eq!(ids, [(Some(5), 1), (Some(6), 1)]);
    assert_eq!((dump.cause, dump.goroutines.len()), (Cause::Stack, 1));
}

#[test]
fn words_and_brackets_of_a_program_are_no_report_of_goleak() {
    let said = "found unexpected goroutines:\n[1, 2]\n]\nGoroutine 5 in state select, with main.run\n]\n";
    assert_eq!(families(said), ["-"; 5]);
    let cut = format!("{}{{\n]\n", LEFT.trim_end_matches("]\n"));
    assert_eq!(families(&cut)[10..], ["-", "-"]);
    // The report has ended.
    assert_eq!(families(&format!("{LEFT}]\n"))[10..], ["goleak", "-"]);
    let stack = "goroutine 1 [running]:\nmain.f()\n\t/src/a.go:1 +0x1\n]\n";
    assert_eq!(families(stack), ["goroutine", "frame", "location", "-"]);
}

#[test]
fn a_report_whose_lines_are_torn_keeps_what_is_whole() {
    let torn = LEFT.replace("with example.com", "with exa\nserved /a\nmple.com");
    let read = families(&torn);
    assert_eq!(read[..3], ["-"; 3]);
    assert_eq!(read[7..], OF_LEFT[5..]);
    let (_, list) = blocks(&torn);
    let [Block::Dump(report)] = &list[..] else { panic!("{list:?}") };
    assert_eq!((report.cause, report.goroutines.len()), (Cause::Goleak, 1));
}

#[test]
fn numbers_of_memstats_are_read_without_their_profile() {
    let text = "\
# runtime.MemStats
# Alloc = 24958136
# TotalAlloc = 60000000
# HeapAlloc = 24958136
# Stack = 458752 / 458752
# NumGC = 7
";
    assert_eq!(families(text), ["memstats"; 6]);
    assert_eq!(families(text.split_once('\n').unwrap().1), ["memstats"; 5]);
    let excerpt = "in use:\n# HeapAlloc = 24958136\n# HeapSys = 66781184\n# HeapIdle = 40000000\nserved /a\n";
    assert_eq!(families(excerpt), ["-", "memstats", "memstats", "memstats", "-"]);
    let quoted: String = text.lines().map(|line| format!("> {line}\n")).collect();
    assert_eq!(families(&quoted), ["memstats"; 6]);
    let stamp = "Jan  2 15:04:05 host app[7]: ";
    assert_eq!(families(&indented(text, stamp)), ["memstats"; 6]);
}

#[test]
fn each_time_numbers_of_memstats_are_printed_is_a_block() {
    let numbers = "# Alloc = 1\n# TotalAlloc = 2\n# HeapAlloc = 1\n# NumGC = 7\n";
    let lines = |text: &str| -> Vec<(String, (u32, u32))> {
        let (log, list) = blocks(text);
        let of = |block: &Block| match block {
            Block::Profile(profile) => (profile.kind(&log), profile.lines),
            other => panic!("{other:?}"),
        };
        list.iter().map(of).collect()
    };
    let two = format!("{numbers}served /a\n{numbers}");
    assert_eq!(lines(&two), [("memstats".to_owned(), (0, 3)), ("memstats".to_owned(), (5, 8))]);
    let profile = format!("heap profile: 1: 48 [1: 48] @ heap/1048576\n\n# runtime.MemStats\n{numbers}\n{numbers}");
    assert_eq!(lines(&profile), [("heap".to_owned(), (0, 6)), ("memstats".to_owned(), (8, 11))]);
    let others = format!("goroutine profile: total 1\n1 @ 0x43\n\n# runtime.MemStats\n{numbers}");
    assert_eq!(lines(&others), [("goroutine".to_owned(), (0, 1)), ("memstats".to_owned(), (3, 7))]);
}

#[test]
fn a_comment_that_looks_like_one_number_of_memstats_is_the_program_s() {
    let settings = "# Alloc = 5\n# Sys = 7\n# HeapAlloc = 3\n# NumGC = 9\n# TotalAlloc = 2\n";
    assert_eq!(families(settings), ["-"; 5]);
    assert_eq!(families("# Alloc = 5\nserved\n# TotalAlloc = 2\n"), ["-"; 3]);
    assert_eq!(families("# Alloc = 5\n# Alloc = 6\n# HeapSys = 6\n"), ["-"; 3]);
}

#[test]
fn what_a_program_prints_of_memstats_in_its_own_words_is_its_own() {
    let own = "Alloc = 3 MiB\tTotalAlloc = 8 MiB\tSys = 12 MiB\tNumGC = 4\n\
               {Alloc:5 TotalAlloc:7 Sys:9 NumGC:3}\n{\"Alloc\":5,\"TotalAlloc\":7,\"Sys\":9}\n{\"NumGC\":5,\"NumForcedGC\":0}\n";
    assert_eq!(families(own), ["-"; 4]);
}
