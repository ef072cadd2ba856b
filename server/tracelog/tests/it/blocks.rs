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
