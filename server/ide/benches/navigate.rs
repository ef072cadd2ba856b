//! How long navigation takes in a large log: `cargo bench -p ide --bench navigate`.
//!
//! Logs of 50 MB, or of `IDE_BENCH_MB`: blocks of scheddetail, and one dump. Prints quantiles over places all over the log.

use std::fmt::Write;
use std::sync::Arc;
use std::time::{Duration, Instant};

use ide::{Declarations, Settings, Snapshot};
use tracelog::{LineCol, Log, Text};

/// Questions of a kind, fewer where they take long.
const N_QUESTIONS: usize = 2_000;
/// Time for the questions of a kind.
const LIMIT: Duration = Duration::from_secs(5);

#[expect(clippy::print_stdout, reason = "a bench prints its results")]
fn main() {
    let mb = std::env::var("IDE_BENCH_MB").ok().and_then(|mb| mb.parse().ok()).unwrap_or(50);
    for (name, make) in [("scheddetail", detail as fn(usize) -> String), ("a dump", dump)] {
        let text = make(mb * 1_000_000);
        let snapshot = open(&text);
        let parsed = snapshot.parsed.clone().expect("it is read");
        let warm = Instant::now();
        parsed.warm();
        println!("{name}, {mb} MB, {} lines, made ready in {:?}", parsed.log.n_lines(), warm.elapsed());
        measure("definition", &snapshot, |at| drop(ide::resolve(&snapshot, at)));
        measure("marks", &snapshot, |at| drop(ide::highlights(&snapshot, at)));
        measure("references", &snapshot, |at| drop(ide::references(&snapshot, at, Declarations::Included)));
        measure("selections", &snapshot, |at| drop(ide::selections(&snapshot, at)));
        measure("created", &snapshot, |at| drop(ide::created(&snapshot, at)));
        for query in ["goroutine 17", "m3", "gc 12", "main.f7", "deadlock", ""] {
            measure(&format!("search {query:?}"), &snapshot, |_| drop(ide::search(&snapshot, query)));
        }
        measure("links", &snapshot, |_| drop(ide::file_links(&snapshot, |_| true)));
    }
}

fn open(text: &str) -> Snapshot {
    let log = Log::read(text.as_bytes());
    Snapshot::new(Arc::new(Text::new(text)), log, Arc::new(Settings::default()))
}

/// Asks at places that a multiplier spreads over all lines and all columns.
#[expect(clippy::print_stdout, reason = "a bench prints its results")]
fn measure(name: &str, snapshot: &Snapshot, ask: impl Fn(LineCol)) {
    let n_lines = snapshot.parsed.as_ref().map_or(0, |parsed| parsed.log.n_lines());
    let mut state = 1u64;
    let mut next = move |below: u64| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % below.max(1)
    };
    let mut times = Vec::new();
    let begin = Instant::now();
    while times.len() < N_QUESTIONS && begin.elapsed() < LIMIT {
        let line = next(u64::from(n_lines)) as u32;
        let byte = next(snapshot.lines.line(line).len() as u64) as u32;
        let start = Instant::now();
        ask(LineCol { line, byte });
        times.push(start.elapsed());
    }
    times.sort_unstable();
    let at = |share: f64| times[((times.len() - 1) as f64 * share) as usize];
    println!("  {name}: median {:?}, p99 {:?}, longest {:?} of {}", at(0.5), at(0.99), at(1.0), times.len());
}

/// Blocks of 8 Ps, 20 threads and 300 goroutines.
fn detail(n_bytes: usize) -> String {
    let mut text = String::with_capacity(n_bytes + 100_000);
    let mut n = 0u64;
    while text.len() < n_bytes {
        n += 1;
        let _ = writeln!(
            text,
            "SCHED {}ms: gomaxprocs=8 idleprocs=0 threads=20 spinningthreads=0 needspinning=0 idlethreads=12 runqueue=0 \
             gcwaiting=false nmidlelocked=0 stopwait=0 sysmonwait=false",
            n * 1000
        );
        for p in 0..8 {
            let _ = writeln!(
                text,
                "  P{p}: status=1 schedtick={} syscalltick=0 m={} runqsize=0 gfreecnt=0 timerslen=0",
                n * 7 + p,
                p + 3
            );
        }
        for m in (0..20).rev() {
            let (p, g) = match m {
                3..11 => ((m - 3).to_string(), (m * 7 + n % 100).to_string()),
                _ => ("nil".to_owned(), "nil".to_owned()),
            };
            let _ = writeln!(
                text,
                "  M{m}: p={p} curg={g} mallocing=0 throwing=0 preemptoff= locks=0 dying=0 spinning=false blocked=false \
                 lockedg=nil"
            );
        }
        for g in 1..=300 {
            let _ = writeln!(text, "  G{g}: status=4(chan receive) m=nil lockedm=nil");
        }
    }
    text
}

/// One dump: each goroutine was created by one of the first hundred.
fn dump(n_bytes: usize) -> String {
    let mut text = "fatal error: all goroutines are asleep - deadlock!\n".to_owned();
    let mut n = 0u64;
    while text.len() < n_bytes {
        n += 1;
        let _ = write!(text, "\ngoroutine {n} [chan receive, {} minutes]:\n", n % 40 + 1);
        for frame in 0..4 {
            let function = (n * 3 + frame) % 2_000;
            let _ =
                writeln!(text, "main.f{function}(0xc000{n:06x})\n\t/src/app/file{}.go:{} +0x1d", frame, n % 900 + 1);
        }
        let _ = writeln!(text, "created by main.main in goroutine {}\n\t/src/app/main.go:12 +0x1f", n % 100 + 1);
    }
    text
}
