//! How long the rules take over 360,000 `gc` lines, without reading them: `cargo bench -p ide --bench judging`.
//!
//! The aim is 40 ms for all rules together (`all`). `each` says which rules make the time; `views` is what they read,
//! `analysis` is everything that an edit computes again: views, rules, summaries, phases, configuration.

use std::fmt;
use std::sync::OnceLock;

use divan::Bencher;
use divan::counter::ItemsCount;
use ide::Settings;
use ide::analysis::Analysis;
use ide::rules::{LogView, RULES, Rule, pass};
use tracelog::fixture::{Cycle, LogBuilder};
use tracelog::{Blocks, Log, Runs, Text};

/// Collections: a day of a service that collects four times a second.
const N_CYCLES: u32 = 360_000;

fn main() {
    divan::main();
}

/// What the process does.
#[derive(Clone, Copy, Debug)]
enum Life {
    /// Nothing: no rule has much to say.
    Calm,
    /// Its live heap grows, which is looked at most closely.
    Leak,
    /// Long pauses, spikes and dear cycles in every line: rules about single lines find thousands.
    Trouble,
}

const LIVES: [Life; 3] = [Life::Calm, Life::Leak, Life::Trouble];

/// A log, read.
struct Made {
    text: Text,
    log: Log,
    runs: Runs,
    blocks: Blocks,
    view: LogView,
}

fn made(life: Life) -> &'static Made {
    static MADE: [OnceLock<Made>; 3] = [const { OnceLock::new() }; 3];
    MADE[life as usize].get_or_init(|| {
        let text = write(life);
        let (log, text) = (Log::read(text.as_bytes()), Text::new(&text));
        let runs = Runs::of(&log);
        let (blocks, view) = (Blocks::of(&log, &runs), LogView::of(&log, &runs));
        Made { text, log, runs, blocks, view }
    })
}

fn write(life: Life) -> String {
    let mut log = LogBuilder::new(25);
    let mut prev_live_mb = 60.0f64;
    for n in 1..=N_CYCLES {
        // Spread over all values by a multiplier, the same in every run.
        let noise = |salt: u32| f64::from((n ^ salt).wrapping_mul(2_654_435_761) >> 12) / f64::from(1u32 << 20);
        let trouble = matches!(life, Life::Trouble);
        let grown = if matches!(life, Life::Leak) { f64::from(n) / 1000.0 } else { 0.0 };
        let live_mb = (60.0 + grown) * (0.98 + 0.04 * noise(1));
        let goal_mb = 2.0 * prev_live_mb;
        let start_mb = goal_mb * if trouble && noise(2) < 0.1 { 3.0 } else { 0.98 };
        log.gc(&Cycle {
            n,
            at_s: f64::from(n) * 0.25 + 0.02 * noise(3),
            gc_cpu_pct: if trouble { 30.0 } else { 2.0 },
            sweep_term_ms: 0.03 + 0.05 * noise(4),
            mark_ms: if trouble { 190.0 } else { 2.0 + 4.0 * noise(5) },
            mark_term_ms: if trouble && noise(6) < 0.2 { 48.0 } else { 0.02 + 0.05 * noise(7) },
            mark_cpu_ms: if trouble { [200.0, 190.0, 90.0] } else { [0.1, 4.0, 1.0] },
            heap_mb: [start_mb.floor(), (start_mb + 1.0).floor(), live_mb.floor()],
            goal_mb: goal_mb.floor(),
            procs: 4,
            forced: trouble && noise(8) < 0.3,
        });
        prev_live_mb = live_mb;
    }
    log.text().to_owned()
}

/// All rules, those too that are off by default.
#[divan::bench(args = LIVES)]
fn all(bencher: Bencher<'_, '_>, life: Life) {
    let (made, settings) = (made(life), Settings::default());
    // What several rules share is worked out by the first that asks, so each pass has a view that nobody has asked yet.
    bencher
        .counter(ItemsCount::new(N_CYCLES))
        .with_inputs(|| LogView::of(&made.log, &made.runs))
        .bench_refs(|view| pass(RULES, (&made.log, &made.runs), &made.text, view, &settings, &|| &made.blocks));
}

/// A rule and a log that it goes over.
#[derive(Clone, Copy)]
struct One(&'static Rule, Life);

impl fmt::Display for One {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {:?}", self.0.code, self.1)
    }
}

fn ones() -> Vec<One> {
    LIVES.iter().flat_map(|life| RULES.iter().map(|rule| One(rule, *life))).collect()
}

/// One rule.
#[divan::bench(args = ones())]
fn each(bencher: Bencher<'_, '_>, one: One) {
    let (made, settings) = (made(one.1), Settings::default());
    bencher.bench(|| pass(&[one.0], (&made.log, &made.runs), &made.text, &made.view, &settings, &|| &made.blocks));
}

/// From columns to the series that rules read.
#[divan::bench(args = LIVES)]
fn views(bencher: Bencher<'_, '_>, life: Life) {
    let made = made(life);
    bencher.counter(ItemsCount::new(N_CYCLES)).bench(|| LogView::of(&made.log, &made.runs));
}

/// Everything that is found out once about a document.
#[divan::bench(args = LIVES)]
fn analysis(bencher: Bencher<'_, '_>, life: Life) {
    let (made, settings) = (made(life), Settings::default());
    bencher
        .counter(ItemsCount::new(N_CYCLES))
        .bench(|| Analysis::of(&made.log, &made.runs, &made.text, &settings, || &made.blocks));
}
