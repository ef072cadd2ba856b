//! How fast logs are read: `cargo bench -p tracelog`.
//!
//! Logs of 1 and 10 MB; with `TRACELOG_BENCH_MB=100` also of that size. `cargo bench -p tracelog -- 'read.*Dumps'` runs
//! those that match. Prints first how many bytes the columns take.

use std::sync::Mutex;

use divan::Bencher;
use divan::counter::BytesCount;
use tracelog::{LineCol, Log, Runs, Text};

mod lines;

use lines::Lines;

fn main() {
    print_sizes();
    divan::main();
}

/// Bytes of columns per byte of text.
#[expect(clippy::print_stdout, reason = "a bench prints its results")]
fn print_sizes() {
    for kind in Lines::ALL {
        let text = text_of((kind, 1));
        let n_bytes = Log::read(text.as_bytes()).n_bytes();
        println!("columns of {kind:?}: {:.2} of the text", n_bytes as f64 / text.len() as f64);
    }
}

/// Kinds and sizes in MB.
fn logs() -> Vec<(Lines, usize)> {
    let more = std::env::var("TRACELOG_BENCH_MB").ok().and_then(|mb| mb.parse().ok());
    let sizes: Vec<usize> = [1, 10].into_iter().chain(more).collect();
    sizes.into_iter().flat_map(|mb| Lines::ALL.map(|kind| (kind, mb))).collect()
}

struct Made {
    kind: Lines,
    mb: usize,
    text: &'static str,
}

/// A log, made when it is first asked for.
fn text_of((kind, mb): (Lines, usize)) -> &'static str {
    static MADE: Mutex<Vec<Made>> = Mutex::new(Vec::new());
    let mut made = MADE.lock().expect("no bench panics while it makes a log");
    if let Some(made) = made.iter().find(|made| (made.kind, made.mb) == (kind, mb)) {
        return made.text;
    }
    let text: &'static str = kind.make(mb).leak();
    made.push(Made { kind, mb, text });
    text
}

fn bench<T>(bencher: Bencher<'_, '_>, text: &'static str, run: impl Fn() -> T + Sync) {
    bencher.counter(BytesCount::of_str(text)).bench(run);
}

/// From bytes to columns.
#[divan::bench(args = logs())]
fn read(bencher: Bencher<'_, '_>, log: (Lines, usize)) {
    let text = text_of(log);
    bench(bencher, text, || Log::read(text.as_bytes()));
}

/// From the text of an opened document to its rope and columns.
#[divan::bench(args = logs())]
fn open(bencher: Bencher<'_, '_>, log: (Lines, usize)) {
    let text = text_of(log);
    bench(bencher, text, || {
        let text = Text::new(text);
        let log = Log::read_text(&text, || true);
        (text, log)
    });
}

/// Dealing rows to runs.
#[divan::bench(args = logs())]
fn runs(bencher: Bencher<'_, '_>, log: (Lines, usize)) {
    let text = text_of(log);
    let log = Log::read(text.as_bytes());
    bench(bencher, text, || Runs::of(&log));
}

/// A line typed in the middle of the document.
#[divan::bench(args = logs())]
fn edit(bencher: Bencher<'_, '_>, log: (Lines, usize)) {
    let text = Text::new(text_of(log));
    let log = Log::read(text_of(log).as_bytes());
    let at = LineCol { line: text.n_lines() / 2, byte: 0 };
    bencher.with_inputs(|| text.clone()).bench_values(|mut text| {
        let edited = text.replace(at, at, "x\n");
        (log.edited(&text, edited), text)
    });
}

/// A line appended, as a log grows.
#[divan::bench(args = logs())]
fn append(bencher: Bencher<'_, '_>, log: (Lines, usize)) {
    let text = Text::new(text_of(log));
    let log = Log::read(text_of(log).as_bytes());
    let at = LineCol { line: text.n_lines() - 1, byte: 0 };
    bencher.with_inputs(|| text.clone()).bench_values(|mut text| {
        let edited = text.replace(at, at, "gc 99 @9.9s 1%: torn\n");
        (log.edited(&text, edited), text)
    });
}

/// The items of one line, as every hover needs them.
#[divan::bench(args = logs())]
fn items(bencher: Bencher<'_, '_>, log: (Lines, usize)) {
    let text = Text::new(text_of(log));
    let log = Log::read(text_of(log).as_bytes());
    let line = text.n_lines() / 2;
    bencher.bench(|| log.items(line, &text));
}
