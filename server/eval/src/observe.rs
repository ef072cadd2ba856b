//! What a log shows, and what the rules say about it.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use ide::Settings;
use ide::analysis::Analysis;
use ide::rules::{Kind, LogView, RULES, Severity};
use ide::settings::{Level, RuleSettings};
use ide::view::{Cycles, RunView};
use tracelog::blocks::Block;
use tracelog::{Blocks, Family, Log, Runs};

use crate::corpus::Entry;

/// Files that are read at the same time.
const N_THREADS: usize = 2;

/// Amounts of what a log shows, of the run that has most of it: what a label demands is only asked where the log can
/// show it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Facts {
    /// Collections.
    pub cycles: f64,
    /// Time from the first to the last collection, s; 0 before Go 1.5, which prints no time.
    pub seconds: f64,
    /// Collections in the second half of that time.
    pub late_cycles: f64,
    /// Collections that the program asked for.
    pub forced_cycles: f64,
    /// Collections that a `GC forced` line announces.
    pub timer_cycles: f64,
    /// The longest stop of the world, ms.
    pub pause_ms: f64,
    /// Scheduler samples.
    pub samples: f64,
    /// Time from the first to the last of them, s.
    pub sample_seconds: f64,
    /// Scheduler samples that list their goroutines.
    pub detail_samples: f64,
    /// Goroutines of the largest dump.
    pub goroutines: f64,
}

/// A finding as it is counted.
#[derive(Clone, Debug)]
pub struct Seen {
    /// Code of the rule.
    pub code: &'static str,
    /// Line, from 1.
    pub line: u32,
    /// How bad it is.
    pub severity: Severity,
    /// What it says.
    pub message: String,
    /// Whether the rule runs when nobody asks for it.
    pub is_default: bool,
}

/// A rule that found nothing, and why.
#[derive(Clone, Debug)]
pub struct Silent {
    /// Code of the rule.
    pub code: &'static str,
    /// Whether it lacked data, rather than found its test not met.
    pub is_too_short: bool,
    /// The conditions that do not hold.
    pub why: String,
}

/// What is known about a log once it was analyzed.
#[derive(Clone, Debug, Default)]
pub struct Observed {
    /// Amounts.
    pub facts: Facts,
    /// Collections of all runs together.
    pub n_cycles: usize,
    /// Findings, in the order of lines and codes.
    pub findings: Vec<Seen>,
    /// Rules that say why not.
    pub silent: Vec<Silent>,
}

impl Observed {
    /// Analyzes a log. All rules run, those too that have to be asked for.
    pub fn of(bytes: &[u8]) -> Self {
        let log = Log::read(bytes);
        let lines: Vec<&[u8]> = bytes.split(|byte| *byte == b'\n').collect();
        let runs = Runs::of(&log);
        let blocks = Blocks::of(&log, &runs);
        let analysis = Analysis::of(&log, &runs, &lines, &settings(), || &blocks);
        let view = LogView::of(&log, &runs);
        let findings = analysis.findings.iter().map(|finding| Seen {
            code: finding.rule.code,
            line: finding.place.line + 1,
            severity: finding.severity,
            message: finding.message.clone(),
            is_default: finding.rule.kind != Kind::Off,
        });
        let silent = analysis.declined.iter().map(|declined| {
            let unmet = declined.test.conditions.iter().filter(|condition| !condition.holds);
            Silent {
                code: declined.rule.code,
                is_too_short: declined.test.missing().next().is_some(),
                why: unmet.map(|condition| condition.in_words()).collect::<Vec<_>>().join(", "),
            }
        });
        Self {
            facts: facts(&view, &log, &runs, &blocks),
            n_cycles: view.runs.iter().map(|run| run.cycles.len()).sum(),
            findings: findings.collect(),
            silent: silent.collect(),
        }
    }

    /// Whether a rule found anything.
    pub fn fired(&self, code: &str) -> bool {
        self.findings.iter().any(|finding| finding.code == code)
    }
}

/// Defaults, with the rules on that are off.
fn settings() -> Settings {
    let off = RULES.iter().filter(|rule| rule.kind == Kind::Off);
    let on = off.map(|rule| RuleSettings {
        slug: rule.slug.to_owned(),
        level: Some(Level::At(rule.severity)),
        limits: Vec::new(),
    });
    Settings { rules: on.collect(), ..Settings::default() }
}

fn facts(view: &LogView, log: &Log, runs: &Runs, blocks: &Blocks) -> Facts {
    let mut facts = Facts::default();
    let own = || view.runs.iter().filter(|run| !run.toolchain);
    if let Some(run) = own().max_by_key(|run| run.cycles.len()) {
        of_cycles(&run.cycles, &mut facts);
    }
    facts.timer_cycles = own().map(|run| run.timer_lines.len()).max().unwrap_or(0) as f64;
    if let Some(run) = own().max_by_key(|run| run.samples.len()) {
        facts.samples = run.samples.len() as f64;
        facts.sample_seconds = span_s(&run.samples.at_s);
    }
    facts.detail_samples = own().map(|run| detail_samples(run, log, runs)).max().unwrap_or(0) as f64;
    let dumps = blocks.list.iter().filter_map(|block| if let Block::Dump(dump) = block { Some(dump) } else { None });
    facts.goroutines = dumps.map(|dump| dump.goroutines.len()).max().unwrap_or(0) as f64;
    facts
}

fn of_cycles(cycles: &Cycles, facts: &mut Facts) {
    facts.cycles = cycles.len() as f64;
    facts.seconds = span_s(&cycles.at_s);
    let first_s = cycles.at_s.iter().copied().find(|at_s| at_s.is_finite()).unwrap_or(f64::NAN);
    let is_late = |at_s: &&f64| **at_s >= first_s + facts.seconds / 2.0;
    facts.late_cycles = cycles.at_s.iter().filter(is_late).count() as f64;
    facts.forced_cycles = cycles.forced.iter().filter(|forced| **forced).count() as f64;
    facts.pause_ms = cycles.pause_ms.iter().copied().fold(0.0, f64::max);
}

/// Samples whose lines of goroutines follow.
fn detail_samples(run: &RunView, log: &Log, runs: &Runs) -> usize {
    let Some(dealt) = runs.list.iter().find(|dealt| dealt.number == run.run) else { return 0 };
    let goroutines: Vec<u32> = dealt.rows(Family::SchedG).iter().map(|row| log.line(*row)).collect();
    let heads = &run.samples.line;
    let has_goroutines = |idx: usize| {
        let from = goroutines.partition_point(|line| *line < heads[idx]);
        let next = heads.get(idx + 1).copied().unwrap_or(u32::MAX);
        goroutines.get(from).is_some_and(|line| *line < next)
    };
    (0..heads.len()).filter(|idx| has_goroutines(*idx)).count()
}

fn span_s(at_s: &[f64]) -> f64 {
    let known = || at_s.iter().copied().filter(|at_s| at_s.is_finite());
    let (first, last) = (known().next(), known().next_back());
    first.zip(last).map_or(0.0, |(first, last)| (last - first).max(0.0))
}

/// Analyzes all logs, in their order.
///
/// # Errors
/// The first log that cannot be read.
pub fn observe(entries: &[Entry]) -> Result<Vec<Observed>, String> {
    let next = AtomicUsize::new(0);
    let done: Vec<OnceLock<Result<Observed, String>>> = entries.iter().map(|_| OnceLock::new()).collect();
    let work = || {
        loop {
            let idx = next.fetch_add(1, Ordering::Relaxed);
            let Some((entry, slot)) = entries.get(idx).zip(done.get(idx)) else { break };
            slot.get_or_init(|| entry.read().map(|bytes| Observed::of(&bytes)));
        }
    };
    std::thread::scope(|scope| (0..N_THREADS).for_each(|_| drop(scope.spawn(work))));
    done.into_iter().flat_map(OnceLock::into_inner).collect()
}
