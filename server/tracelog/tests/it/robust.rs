//! Texts that no program prints: reading them ends, soon and without a panic.

use proptest::prelude::*;
use tracelog::{Log, Runs, Text};

/// Reads a text in every way there is; questions are asked about every line.
fn read(bytes: &[u8]) -> Log {
    let log = Log::read(bytes);
    let lines: Vec<&[u8]> = bytes.split(|byte| *byte == b'\n').collect();
    assert_eq!(log.n_lines() as usize, lines.len());
    for line in 0..log.n_lines() {
        log.items(line, lines.as_slice());
    }
    let runs = Runs::of(&log);
    let n_rows: usize = tracelog::Family::ALL.iter().map(|family| log.n_rows(*family)).sum();
    assert_eq!(runs.list.iter().map(tracelog::Run::n_rows).sum::<usize>(), n_rows, "every row belongs to one run");
    log
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn any_bytes_are_read(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
        read(&bytes);
    }

    #[test]
    fn any_words_are_read(words in prop::collection::vec(prop::sample::select(WORDS.to_vec()), 0..120)) {
        read(words.concat().as_bytes());
    }
}

/// What trace lines and carriers are made of.
const WORDS: [&str; 44] = [
    "gc ",
    "gc",
    "gc 1 @",
    "s ",
    "%: ",
    "0.013",
    "+",
    " ms clock, ",
    "/",
    " ms cpu, ",
    "->",
    " MB, ",
    " MB goal, ",
    " P",
    " (forced)",
    "SCHED ",
    "ms: gomaxprocs=",
    " idleprocs=",
    " threads=",
    " runqueue=",
    " [",
    "]",
    "0 0 ",
    "scvg",
    ": inuse: ",
    "scav ",
    " KiB work, ",
    "GC forced",
    "forced ",
    "{\"log\":\"",
    "\\n\"",
    "\\u003e",
    "}",
    "msg=\"",
    "2024-01-02T15:04:05Z ",
    "web | ",
    "[pod/a/b] ",
    "\u{1b}[36m",
    "\u{feff}",
    "\n",
    "\r",
    "\0",
    "18446744073709551616",
    "é",
];

#[test]
fn a_long_line_of_anything_is_read() {
    for word in WORDS.iter().filter(|word| !word.contains('\n')) {
        read(word.repeat(64_000 / word.len()).as_bytes());
    }
}

#[test]
fn a_line_of_megabytes_is_read() {
    let gc = "gc 1 @0.050s 0%: 0.013+0.40+0.017 ms clock, 0.027+0.12/0.077/0+0.035 ms cpu, 4->4->0 MB, 5 MB goal, 4 P";
    let n_items = 2_000_000 / gc.len();
    assert_eq!(read(gc.repeat(n_items).as_bytes()).n_rows(tracelog::Family::Gc), n_items);
    for word in ["x", "9", "\\u003e", "["] {
        Log::read(word.repeat(10_000_000 / word.len()).as_bytes());
    }
    // Each of these begins an item half a million times; were any of them read to the end of the line, this would not end.
    for word in ["gc", "gc 1 @", "SCHED "] {
        Log::read(word.repeat(500_000).as_bytes());
    }
}

#[test]
fn deep_json_is_read() {
    let deep = format!("{{\"a\":{}{}", "[{\"b\":".repeat(100_000), "gc 1 @0.1s");
    read(deep.as_bytes());
    let nested = format!("{{\"msg\":\"{}\"}}", "{\\\"msg\\\":".repeat(10_000));
    read(nested.as_bytes());
}

#[test]
fn a_line_that_never_ends_its_list_is_read() {
    let list =
        format!("SCHED 1ms: gomaxprocs=2 idleprocs=0 threads=3 idlethreads=0 runqueue=0 [{}", "1 ".repeat(500_000));
    let text = Text::new(&list);
    let log = Log::read_text(&text, || true).expect("is not told to stop");
    assert_eq!(log.items(0, &text).items.len(), 1);
}
