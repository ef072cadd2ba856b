//! Logs to be measured. The lines are made like those of a service on Go 1.22: the same for the same size, with the
//! spread of digits, states and functions that real lines have.

use tracelog::catalog::{At, Family, sched_g, sched_m, sched_p};
use tracelog::fixture::{Cycle, LogBuilder, Printed, Sample};

/// Go `1.MINOR` whose lines are made.
const MINOR: u8 = 22;

/// What a log consists of.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Lines {
    /// `gc` lines.
    Gctrace,
    /// `SCHED` lines.
    Schedtrace,
    /// Blocks of scheddetail: 8 Ps, some threads, 1,000 goroutines.
    Scheddetail,
    /// Dumps of 1,000 goroutines each.
    Dumps,
    /// Goroutine and heap profiles with `debug=1`.
    Profiles,
    /// `gc` and `SCHED` lines, with lines of the application between them.
    Mixed,
    /// All of these, and lines of every family that can stand anywhere.
    Everything,
}

impl Lines {
    /// All kinds.
    pub const ALL: [Self; 7] = [
        Self::Gctrace,
        Self::Schedtrace,
        Self::Scheddetail,
        Self::Dumps,
        Self::Profiles,
        Self::Mixed,
        Self::Everything,
    ];

    /// A log of this kind, of about so many MB.
    pub fn make(self, mb: usize) -> String {
        let mut maker = Maker::new(mb as u64);
        while maker.log.text().len() < mb * 1_000_000 {
            match self {
                Self::Gctrace => maker.cycle(),
                Self::Schedtrace => maker.sample(),
                Self::Scheddetail => maker.detail(1000),
                Self::Dumps => maker.dump(1000),
                Self::Profiles => maker.profiles(500),
                Self::Mixed => maker.mixed(),
                Self::Everything => maker.everything(),
            }
        }
        maker.log.text().to_owned()
    }
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

    /// A whole number from 0 to `end`, without `end`.
    fn below(&mut self, end: usize) -> usize {
        (self.next() % end as u64) as usize
    }

    fn choice<'a>(&mut self, words: &[&'a str]) -> &'a str {
        words[self.below(words.len())]
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

/// Wait reasons, as often as they are seen.
const REASONS: [&str; 10] = [
    "chan receive",
    "chan receive",
    "select",
    "select",
    "IO wait",
    "IO wait",
    "sleep",
    "semacquire",
    "sync.Mutex.Lock",
    "chan send",
];

const PACKAGES: [&str; 8] = [
    "main",
    "net/http",
    "internal/poll",
    "database/sql",
    "example.com/shop/orders",
    "example.com/shop/internal/cache",
    "google.golang.org/grpc/internal/transport",
    "runtime",
];

const FUNCTIONS: [&str; 10] = [
    "(*conn).serve",
    "(*Server).Serve.func1",
    "(*FD).Read",
    "run",
    "worker.func1.2",
    "(*DB).connectionOpener",
    "gopark",
    "(*loopyWriter).run",
    "Handler[...].ServeHTTP",
    "watch",
];

/// A log with what the process has done so far.
struct Maker {
    log: LogBuilder,
    random: Random,
    cycle: Cycle,
    sample: Sample,
    n_goroutines: usize,
}

impl Maker {
    fn new(seed: u64) -> Self {
        Self {
            log: LogBuilder::new(MINOR),
            random: Random(seed),
            cycle: Cycle { n: 0, at_s: 0.0, procs: 8, ..Cycle::default() },
            sample: Sample { procs: 8, ..Sample::default() },
            n_goroutines: 0,
        }
    }

    fn cycle(&mut self) {
        let Self { random, cycle, .. } = self;
        let live = 40.0 + 30.0 * random.part();
        cycle.n += 1;
        cycle.at_s += random.around(0.4);
        cycle.sweep_term_ms = random.around(0.05);
        cycle.mark_ms = random.around(1.2);
        cycle.mark_term_ms = random.around(0.003);
        cycle.mark_cpu_ms = [random.around(0.2), random.around(2.0), random.around(0.5)];
        cycle.heap_mb = [live * 1.8, live * 1.9, live];
        cycle.goal_mb = live * 2.0;
        self.log.gc(cycle);
    }

    fn advance(&mut self) {
        let Self { random, sample, .. } = self;
        sample.at_ms += 100 + random.next() % 9;
        sample.idle_procs = (random.next() % 8) as u32;
        sample.threads = 12 + (random.next() % 4) as u32;
        let queue = |random: &mut Random| if random.part() < 0.85 { 0 } else { (random.next() % 6) as i64 };
        sample.local = (0..8).map(|_| queue(random)).collect();
    }

    fn sample(&mut self) {
        self.advance();
        self.log.sched(&self.sample);
    }

    fn detail(&mut self, n_goroutines: usize) {
        let number = |number: usize| Printed::Number(number as f64);
        self.advance();
        self.log.line(&format!(
            "SCHED {}ms: gomaxprocs=8 idleprocs={} threads={} spinningthreads=0 needspinning=0 idlethreads=3 runqueue=0 \
             gcwaiting=false nmidlelocked=0 stopwait=0 sysmonwait=false",
            self.sample.at_ms, self.sample.idle_procs, self.sample.threads
        ));
        for p in 0..8 {
            let fields = [
                (sched_p::P, number(p)),
                (sched_p::SCHEDTICK, number(self.random.below(100_000))),
                (sched_p::SYSCALLTICK, number(self.random.below(10_000))),
                (sched_p::M, number(self.random.below(12))),
                (sched_p::RUNQSIZE, number(self.random.below(8))),
                (sched_p::GFREECNT, number(self.random.below(40))),
            ];
            self.log.item(Family::SchedP, &fields);
        }
        for m in (0..self.sample.threads as usize).rev() {
            let preemptoff = Printed::Text(String::new());
            self.log.item(Family::SchedM, &[(sched_m::THREAD, number(m)), (sched_m::PREEMPTOFF, preemptoff)]);
        }
        for g in 1..=n_goroutines {
            let status = if self.random.part() < 0.95 { 4 } else { 1 + self.random.below(3) };
            let reason = Printed::Text(self.random.choice(&REASONS).to_owned());
            let fields = [(sched_g::G, number(g)), (sched_g::G_STATUS, number(status)), (sched_g::REASON, reason)];
            self.log.item(Family::SchedG, &fields);
        }
    }

    fn function(&mut self) -> String {
        format!("{}.{}", self.random.choice(&PACKAGES), self.random.choice(&FUNCTIONS))
    }

    fn file(&mut self) -> String {
        let package = self.random.choice(&PACKAGES);
        format!(
            "/usr/local/go/src/{package}/{}.go:{}",
            self.random.choice(&["server", "conn", "run"]),
            self.random.below(3000)
        )
    }

    fn goroutine(&mut self) {
        self.n_goroutines += 1 + self.random.below(3);
        let minutes = match self.random.below(4) {
            0 => format!(", {} minutes", self.random.below(900)),
            _ => String::new(),
        };
        let state = self.random.choice(&REASONS);
        self.log.line(&format!("goroutine {} [{state}{minutes}]:", self.n_goroutines));
        for _ in 0..3 + self.random.below(6) {
            let arguments = match self.random.below(3) {
                0 => "...".to_owned(),
                1 => format!("0xc{:09x}", self.random.below(1 << 30)),
                _ => format!(
                    "{{0x{:x}, 0xc{:09x}}}, 0x{:x}",
                    self.random.below(1 << 23),
                    self.random.below(1 << 30),
                    self.random.below(64)
                ),
            };
            let function = self.function();
            self.log.line(&format!("{function}({arguments})"));
            let file = self.file();
            self.log.line(&format!("\t{file} +0x{:x}", self.random.below(4096)));
        }
        let function = self.function();
        self.log.line(&format!("created by {function} in goroutine {}", 1 + self.random.below(self.n_goroutines)));
        let file = self.file();
        self.log.line(&format!("\t{file} +0x{:x}", self.random.below(4096)));
        self.log.line("");
    }

    fn dump(&mut self, n_goroutines: usize) {
        self.n_goroutines = 0;
        self.log.line("SIGQUIT: quit").line("PC=0x46e2e1 m=0 sigcode=0").line("");
        for _ in 0..n_goroutines {
            self.goroutine();
        }
        for register in ["rax", "rbx", "rcx", "rdx", "rip"] {
            self.log.line(&format!("{register}    0x{:x}", self.random.next()));
        }
    }

    fn stack(&mut self) -> Vec<u64> {
        (0..4 + self.random.below(8)).map(|_| 0x400_000 + self.random.next() % 0x400_000).collect()
    }

    /// Frames of a record as the profiler prints them.
    fn frames(&mut self, stack: &[u64]) {
        for pc in stack {
            let function = self.function();
            let file = self.file();
            self.log.line(&format!("#\t0x{pc:x}\t{function}+0x{:x}\t\t{file}", self.random.below(4096)));
        }
        self.log.line("");
    }

    fn profiles(&mut self, n_records: usize) {
        let words = |stack: &[u64]| stack.iter().map(|pc| format!(" 0x{pc:x}")).collect::<String>();
        self.log.line(&format!("goroutine profile: total {}", n_records * 7));
        for _ in 0..n_records {
            let stack = self.stack();
            self.log.line(&format!("{} @{}", 1 + self.random.below(900), words(&stack)));
            self.frames(&stack);
        }
        self.log.line("heap profile: 27: 6272 [74: 140128] @ heap/1048576");
        for _ in 0..n_records {
            let stack = self.stack();
            let (n, bytes) = (self.random.below(90), self.random.below(100_000));
            self.log.line(&format!("{n}: {bytes} [{}: {}] @{}", n * 2, bytes * 3, words(&stack)));
            self.frames(&stack);
        }
    }

    /// Lines of the application.
    fn application(&mut self) {
        for _ in 0..self.random.next() % 4 {
            let ms = self.random.around(6.0);
            self.log.line(&format!("time=2024-01-02T15:04:05.{:03}Z level=info msg=\"request done\" path=/api/v1/orders status=200 dur={ms:.1}ms", self.random.next() % 1000));
        }
    }

    fn mixed(&mut self) {
        self.cycle();
        self.sample();
        self.application();
    }

    fn everything(&mut self) {
        let has_layout = |family: &&Family| {
            let mut shapes = family.def().shapes.iter().map(|shape| shape.def());
            shapes.any(|def| def.at == At::Anywhere && def.go.contains(MINOR))
        };
        for family in Family::ALL.iter().filter(has_layout) {
            self.mixed();
            self.log.item(*family, &[]);
        }
        self.detail(50);
        self.application();
        self.dump(30);
        self.application();
        self.profiles(8);
    }
}
