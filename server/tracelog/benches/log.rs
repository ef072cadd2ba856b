//! How fast logs are read: `cargo bench -p tracelog`.
//!
//! Logs of 1 and 10 MB; with `TRACELOG_BENCH_MB=100` also of that size. The lines are made like those of a service on
//! Go 1.22: the same for the same size, with the spread of digits that real lines have.

use std::sync::Mutex;

use divan::Bencher;
use divan::counter::BytesCount;
use tracelog::fixture::{Cycle, LogBuilder, Sample};
use tracelog::{LineCol, Log, Runs, Text};

fn main() {
    divan::main();
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Lines {
    Gctrace,
    Schedtrace,
    /// Both, with lines of the application between them.
    Mixed,
}

const KINDS: [Lines; 3] = [Lines::Gctrace, Lines::Schedtrace, Lines::Mixed];

/// Kinds and sizes in MB.
fn logs() -> Vec<(Lines, usize)> {
    let more = std::env::var("TRACELOG_BENCH_MB").ok().and_then(|mb| mb.parse().ok());
    let sizes: Vec<usize> = [1, 10].into_iter().chain(more).collect();
    sizes.into_iter().flat_map(|mb| KINDS.map(|kind| (kind, mb))).collect()
}

/// Numbers that look random and are the same every time (splitmix64).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number from 0 to 1.
    fn part(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// A positive number whose logarithm is spread evenly around that of `middle`, as times are.
    fn around(&mut self, middle: f64) -> f64 {
        middle * 10_f64.powf(self.part() * 2.0 - 1.0)
    }
}

fn make(kind: Lines, mb: usize) -> String {
    let mut random = Random(mb as u64);
    let mut log = LogBuilder::new(22);
    let mut cycle = Cycle { n: 0, at_s: 0.0, procs: 8, ..Cycle::default() };
    let mut sample = Sample { procs: 8, ..Sample::default() };
    while log.text().len() < mb * 1_000_000 {
        if kind != Lines::Schedtrace {
            let live = 40.0 + 30.0 * random.part();
            cycle.n += 1;
            cycle.at_s += random.around(0.4);
            cycle.sweep_term_ms = random.around(0.05);
            cycle.mark_ms = random.around(1.2);
            cycle.mark_term_ms = random.around(0.003);
            cycle.mark_cpu_ms = [random.around(0.2), random.around(2.0), random.around(0.5)];
            cycle.heap_mb = [live * 1.8, live * 1.9, live];
            cycle.goal_mb = live * 2.0;
            log.gc(&cycle);
        }
        if kind != Lines::Gctrace {
            sample.at_ms += 100 + random.next() % 9;
            sample.idle_procs = (random.next() % 8) as u32;
            sample.threads = 12 + (random.next() % 4) as u32;
            let queue = |random: &mut Random| if random.part() < 0.85 { 0 } else { (random.next() % 6) as i64 };
            sample.local = (0..8).map(|_| queue(&mut random)).collect();
            log.sched(&sample);
        }
        if kind == Lines::Mixed {
            for _ in 0..random.next() % 4 {
                let ms = random.around(6.0);
                log.line(&format!("time=2024-01-02T15:04:05.{:03}Z level=info msg=\"request done\" path=/api/v1/orders status=200 dur={ms:.1}ms", random.next() % 1000));
            }
        }
    }
    log.text().to_owned()
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
    let text: &'static str = make(kind, mb).leak();
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
