//! How long questions take in a large log: `cargo bench -p ide --bench reading`.
//!
//! Logs of 50 MB, or of `IDE_BENCH_MB`. Prints quantiles over hovers at places all over the log; the first hover of a
//! field in a run also counts its values, which the server does beforehand (`Parsed::warm`).

use std::sync::Arc;
use std::time::{Duration, Instant};

use ide::{Settings, Snapshot};
use tracelog::catalog::{sched, sched_g, sched_m, sched_p};
use tracelog::fixture::{Cycle, LogBuilder, Sample};
use tracelog::{Family, LineCol, Log, Text};

/// Hovers of each log.
const N_HOVERS: usize = 20_000;

#[expect(clippy::print_stdout, reason = "a bench prints its results")]
fn main() {
    let mb = std::env::var("IDE_BENCH_MB").ok().and_then(|mb| mb.parse().ok()).unwrap_or(50);
    for (name, make) in [("gctrace and schedtrace", mixed as fn(usize) -> String), ("scheddetail", detail)] {
        let text = make(mb * 1_000_000);
        let snapshot = open(&text);
        let warm = Instant::now();
        snapshot.parsed.as_ref().expect("it is read").warm();
        let warm = warm.elapsed();
        let mut times = hovers(&snapshot);
        times.sort_unstable();
        let at = |share: f64| times[((times.len() - 1) as f64 * share) as usize];
        println!(
            "{name}, {mb} MB: median {:?}, p99 {:?}, longest {:?} of {} hovers; counted beforehand in {warm:?}",
            at(0.5),
            at(0.99),
            at(1.0),
            times.len()
        );
        story(&snapshot);
    }
}

/// Times of a question, shown as quantiles.
#[expect(clippy::print_stdout, reason = "a bench prints its results")]
fn show(question: &str, mut times: Vec<Duration>) {
    times.sort_unstable();
    let at = |share: f64| times[((times.len() - 1) as f64 * share) as usize];
    println!("  {question}: median {:?}, p99 {:?}, longest {:?} of {}", at(0.5), at(0.99), at(1.0), times.len());
}

fn timed<T>(n: usize, mut question: impl FnMut(usize) -> T) -> Vec<Duration> {
    let one = |idx| {
        let start = Instant::now();
        std::hint::black_box(question(idx));
        start.elapsed()
    };
    (0..n).map(one).collect()
}

/// Lines that an editor shows at once.
const VIEWPORT: u32 = 80;

/// Lenses, outline, folds, and the tokens and hints of what an editor shows.
fn story(snapshot: &Snapshot) {
    let all = ide::Kinds { live_heap_delta: true, interval: true, outliers: true, wall_clock: true, states: true };
    let n_lines = snapshot.parsed.as_ref().map_or(0, |parsed| parsed.log.n_lines());
    let viewport = |idx: usize| {
        let first = (idx as u32).wrapping_mul(2_654_435_761) % n_lines.saturating_sub(VIEWPORT).max(1);
        first..first + VIEWPORT
    };
    show("lenses", timed(100, |_| ide::lenses(snapshot)));
    show("outline", timed(100, |_| ide::symbols(snapshot)));
    show("folds", timed(10, |_| ide::folds(snapshot)));
    show("tokens of a viewport", timed(1000, |idx| ide::tokens(snapshot, viewport(idx))));
    show("hints of a viewport", timed(1000, |idx| ide::hints(snapshot, viewport(idx), all)));
}

fn open(text: &str) -> Snapshot {
    let log = Log::read(text.as_bytes());
    Snapshot::new(Arc::new(Text::new(text)), log, Arc::new(Settings::default()))
}

/// Hovers over places that a multiplier spreads over all lines and all columns.
fn hovers(snapshot: &Snapshot) -> Vec<Duration> {
    let n_lines = snapshot.parsed.as_ref().map_or(0, |parsed| parsed.log.n_lines());
    let mut state = 1u64;
    let mut next = move |below: u64| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % below.max(1)
    };
    let mut times = Vec::with_capacity(N_HOVERS);
    while times.len() < N_HOVERS {
        let line = next(u64::from(n_lines)) as u32;
        let byte = next(snapshot.lines.line(line).len() as u64) as u32;
        let start = Instant::now();
        let hover = ide::hover(snapshot, LineCol { line, byte });
        let time = start.elapsed();
        if hover.is_some() {
            times.push(time);
        }
    }
    times
}

/// Cycles and samples that go up and down, with a long pause now and then.
fn mixed(n_bytes: usize) -> String {
    let mut log = LogBuilder::new(25);
    let mut n = 0;
    while log.text().len() < n_bytes {
        n += 1;
        let wave = f64::from(n % 97);
        log.gc(&Cycle {
            n,
            at_s: f64::from(n) * 0.25,
            sweep_term_ms: 0.02 + wave / 1000.0,
            mark_ms: 2.0 + wave / 10.0,
            mark_term_ms: if n % 500 == 0 { 48.0 } else { 0.003 + wave / 10_000.0 },
            heap_mb: [90.0 + wave, 92.0 + wave, 44.0 + wave / 2.0],
            goal_mb: 96.0 + wave,
            ..Cycle::default()
        });
        log.sched(&Sample {
            at_ms: u64::from(n) * 250,
            runqueue: n % 7,
            local: vec![i64::from(n % 5), 0, i64::from(n % 11), 1],
            ..Sample::default()
        });
    }
    log.text().to_owned()
}

/// Blocks of 4 Ps, 10 threads and 300 goroutines.
fn detail(n_bytes: usize) -> String {
    let mut log = LogBuilder::new(25);
    let mut n = 0;
    while log.text().len() < n_bytes {
        n += 1;
        let number = |value: u32| f64::from(value).into();
        log.item(
            Family::Sched,
            &[(sched::AT_MS, number(n * 1000)), (sched::GOMAXPROCS, number(4)), (sched::GCWAITING, number(0))],
        );
        for p in 0..4 {
            log.item(
                Family::SchedP,
                &[
                    (sched_p::P, number(p)),
                    (sched_p::SCHEDTICK, number(n * 17 + p)),
                    (sched_p::RUNQSIZE, number((n + p) % 9)),
                    (sched_p::TIMERSLEN, number(n % 13)),
                ],
            );
        }
        for m in 0..10 {
            log.item(Family::SchedM, &[(sched_m::THREAD, number(9 - m)), (sched_m::LOCKS, number(m % 3))]);
        }
        for g in 1..=300 {
            let reason = tracelog::fixture::Printed::Text("chan receive".to_owned());
            log.item(
                Family::SchedG,
                &[(sched_g::G, number(g)), (sched_g::G_STATUS, number(4)), (sched_g::REASON, reason)],
            );
        }
    }
    assert!(log.text().contains("gcwaiting"), "the head is one of scheddetail");
    log.text().to_owned()
}
