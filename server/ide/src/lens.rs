//! Lenses: what happened, in one line, at the top of the file and at the start of each run.
//!
//! How many there are depends on runs alone, so a growing run changes their text and never their number.

use tracelog::Loc;
use tracelog::blocks::{Block, Cause};

use crate::blocks;
use crate::rules::Severity;
use crate::snapshot::{Parsed, Snapshot};
use crate::summary::{GcSummary, RunSummary, SchedSummary};
use crate::words;

/// One line of text above a line of the log.
#[derive(Clone, Debug, PartialEq)]
pub struct Lens {
    /// The line, as an empty range at its start.
    pub loc: Loc,
    /// The text, at most [`MAX_CHARS`] characters.
    pub title: String,
}

/// A lens is read at a glance; editors cut longer ones.
pub const MAX_CHARS: usize = 120;

/// Runs that get a lens of their own.
const MAX_RUNS: usize = 200;

/// Dumps, profiles and reports that get one.
const MAX_BLOCKS: usize = 200;

/// The lens of the file, then one for each run. Nothing when the document holds no trace or is not read yet.
pub fn lenses(snapshot: &Snapshot) -> Vec<Lens> {
    let Some(parsed) = &snapshot.parsed else { return Vec::new() };
    let analysis = parsed.analysis();
    if analysis.summaries.is_empty() {
        return Vec::new();
    }
    let mut lenses = vec![Lens { loc: Loc::default(), title: cut(&file_title(snapshot)) }];
    // A run of nothing but blocks has no numbers to tell: its blocks tell.
    for summary in analysis.summaries.iter().filter(|summary| has_numbers(summary)).take(MAX_RUNS) {
        lenses.push(Lens { loc: Loc::new(summary.lines.0, 0, 0), title: cut(&run_title(summary)) });
    }
    for block in parsed.blocks().list.iter().filter(|block| is_told(block)).take(MAX_BLOCKS) {
        let lens = Lens { loc: Loc::new(block.lines().0, 0, 0), title: cut(&blocks::title(&parsed.log, block)) };
        // A file of one dump says it once.
        if lenses.first() != Some(&lens) {
            lenses.push(lens);
        }
    }
    lenses
}

/// Whether a run has lines whose numbers a lens can tell.
fn has_numbers(summary: &RunSummary) -> bool {
    summary.gc.is_some() || summary.sched.is_some()
}

/// Whether a block has a lens of its own. Of samples of the scheduler and events of allocfreetrace there are thousands.
fn is_told(block: &Block) -> bool {
    !matches!(block, Block::Sched(_)) && !matches!(block, Block::Dump(dump) if dump.cause == Cause::Allocation)
}

/// The verdict on the whole file: the worst that was found, or that nothing was.
pub fn file_title(snapshot: &Snapshot) -> String {
    let Some(parsed) = &snapshot.parsed else { return "reading…".to_owned() };
    let analysis = parsed.analysis();
    let shown = || analysis.findings.iter().filter(|finding| finding.severity >= Severity::Info);
    let worst = shown().max_by_key(|finding| (finding.severity, std::cmp::Reverse(finding.place.line)));
    let n_runs = analysis.summaries.len();
    let runs = if n_runs > 1 { format!("{n_runs} runs · ") } else { String::new() };
    match worst {
        Some(worst) => {
            let more = shown().count() - 1;
            let more = if more > 0 { format!(" (+{more} more)") } else { String::new() };
            let tail = format!(" · {}{more}", worst.rule.code);
            let room = MAX_CHARS.saturating_sub(runs.chars().count() + tail.chars().count());
            format!("{runs}{}{tail}", headline(&worst.message, room))
        }
        None if last_words(parsed).is_some() || !analysis.summaries.iter().any(has_numbers) => {
            format!("{runs}{}", of_blocks(parsed))
        }
        None => format!("{runs}{}", quiet(&analysis.summaries)),
    }
}

/// The first clauses of a message that fit.
fn headline(message: &str, room: usize) -> String {
    let message = message.trim_end_matches('.');
    if message.chars().count() <= room {
        return message.to_owned();
    }
    let clauses = message.match_indices(['(', ';', ',']).map(|(at, _)| message[..at].trim_end());
    let mut fitting =
        clauses.filter(|clause| clause.chars().count() <= room && clause.chars().any(|c| c.is_ascii_digit()));
    fitting.next_back().map_or_else(|| words::shorten(message, room), str::to_owned)
}

/// The last dump that tells why a process ended.
fn last_words(parsed: &Parsed) -> Option<&Block> {
    const ENDS: [Cause; 3] = [Cause::Panic, Cause::FatalError, Cause::Signal];
    parsed.blocks().list.iter().rfind(|block| matches!(block, Block::Dump(dump) if ENDS.contains(&dump.cause)))
}

/// What blocks say of a file in which no rule found anything: why it ended, or else what comes first.
fn of_blocks(parsed: &Parsed) -> String {
    let told: Vec<&Block> = parsed.blocks().list.iter().filter(|block| is_told(block)).collect();
    match last_words(parsed).or(told.first().copied()).or(parsed.blocks().list.first()) {
        Some(block) => {
            let more = if told.len() > 1 { format!(" (+{} more)", told.len() - 1) } else { String::new() };
            format!("{}{more}", words::shorten(&blocks::title(&parsed.log, block), MAX_CHARS - more.len()))
        }
        None => "nothing found".to_owned(),
    }
}

/// Nothing was found; that means little when there was little to look at.
fn quiet(summaries: &[RunSummary]) -> String {
    let gc = summaries.iter().filter_map(|summary| summary.gc.as_ref());
    let longest = gc.filter_map(|gc| gc.span_s.ok().map(|(first, last)| (gc.n_cycles, last - first)));
    let longest = longest.max_by(|a, b| a.1.total_cmp(&b.1));
    match longest {
        Some((n, span)) if n < TREND_CYCLES || span < TREND_SPAN_S => format!(
            "nothing found, but {} in {} are too few to judge growth (needs {TREND_CYCLES} and {})",
            words::count(n, "cycle"),
            words::span(span),
            words::span(TREND_SPAN_S)
        ),
        _ => "nothing found".to_owned(),
    }
}

/// What GC101 asks for before it judges (diagnostics catalogue, section 4).
const TREND_CYCLES: usize = 40;
/// See [`TREND_CYCLES`].
const TREND_SPAN_S: f64 = 30.0;

/// The numbers of one run, the most telling first; what does not fit is left out whole.
pub fn run_title(summary: &RunSummary) -> String {
    let mut parts = Vec::new();
    if summary.toolchain {
        parts.push("Go toolchain".to_owned());
    }
    if let Some(gc) = &summary.gc {
        parts.extend(gc_parts(gc));
    }
    if let Some(sched) = &summary.sched {
        parts.extend(sched_parts(sched, summary.gc.is_some()));
    }
    parts.insert(1.min(parts.len()), summary.go.map_or("Go releases mixed".to_owned(), |go| format!("Go {go}")));
    let mut title = String::new();
    for part in parts {
        let separator = if title.is_empty() { "" } else { " · " };
        if title.chars().count() + separator.chars().count() + part.chars().count() <= MAX_CHARS {
            title.push_str(separator);
            title.push_str(&part);
        }
    }
    title
}

fn gc_parts(gc: &GcSummary) -> Vec<String> {
    let mut parts = vec![match gc.span_s {
        Ok((first, last)) => format!("{} in {}", words::count(gc.n_cycles, "GC cycle"), words::span(last - first)),
        Err(_) => words::count(gc.n_cycles, "GC cycle"),
    }];
    if let Ok(live) = &gc.live_mb {
        let shape = words::sparkline(&live.shape);
        parts.push(format!("live {}→{} MB {shape}", words::rough(live.first), words::rough(live.last)));
    }
    if let Ok(share) = gc.cpu_share {
        parts.push(format!("GC {} CPU", words::percent(share)));
    }
    if let Ok(pause) = &gc.pause_ms {
        parts.push(format!("pause p99 {}, max {} ms", words::rough(pause.p99), words::rough(pause.max)));
    }
    if gc.n_missing > 0 {
        parts.push(format!("{} missing", gc.n_missing));
    }
    parts
}

fn sched_parts(sched: &SchedSummary, short: bool) -> Vec<String> {
    let (first, last) = sched.span_s;
    let mut parts = Vec::new();
    if !short {
        parts.push(format!("{} in {}", words::count(sched.n_samples, "scheduler sample"), words::span(last - first)));
    }
    if let Ok(runnable) = &sched.runnable {
        parts.push(format!("runnable p50 {}, max {}", words::rough(runnable.p50), words::rough(runnable.max)));
    }
    if let Ok(busy) = sched.busy {
        parts.push(format!("{} of {} Ps busy", words::rough(busy * sched.gomaxprocs), words::rough(sched.gomaxprocs)));
    }
    if !short {
        parts.push(format!("threads {}→{}", words::rough(sched.threads.0), words::rough(sched.threads.1)));
    }
    parts
}

fn cut(title: &str) -> String {
    words::shorten(title, MAX_CHARS)
}
