//! What a run says in one line.

use tracelog::Family;

use super::{Lens, LensAction, LensKind, fitting};
use crate::evidence;
use crate::requests;
use crate::rules::SoFar;
use crate::snapshot::Parsed;
use crate::summary::{GcSummary, RunSummary, SchedSummary};
use crate::words;

/// Runs that get a lens of their own.
const MAX_RUNS: usize = 200;

/// The lenses of runs. A run of nothing but blocks has no numbers to tell: its blocks tell.
pub(super) fn lenses(parsed: &Parsed) -> Vec<Lens> {
    let summaries = parsed.analysis().summaries.iter().filter(|summary| has_numbers(summary));
    let lens = |summary: &RunSummary| Lens {
        action: action(parsed, summary),
        ..Lens::new(LensKind::Run(summary.run), summary.lines.0, title(parsed, summary))
    };
    summaries.take(MAX_RUNS).flat_map(|summary| [lens(summary)].into_iter().chain(of_requests(summary))).collect()
}

/// Whether slow requests of a run are the collector's.
fn of_requests(summary: &RunSummary) -> Option<Lens> {
    let text = requests::short(summary.requests.as_deref()?)?;
    Some(Lens::new(LensKind::Requests, summary.lines.0, format!("requests {text}")))
}

/// To the worst that was found in the run, or else to its longest pause.
fn action(parsed: &Parsed, summary: &RunSummary) -> Option<LensAction> {
    if summary.n_findings.iter().sum::<usize>() > 0 {
        let of_run = parsed.analysis().findings.iter().filter(|finding| finding.run == Some(summary.run));
        let worst = of_run.max_by_key(|finding| finding.weight())?;
        return Some(LensAction::Findings { line: worst.place.line });
    }
    let rows = parsed.runs.list.get(summary.run)?.rows(Family::Gc);
    let longest = summary.gc.as_ref()?.pause_ms.as_ref().ok()?.max_index;
    rows.get(longest).map(|row| LensAction::Reveal { line: parsed.log.line(*row) })
}

/// Whether a run has lines whose numbers a lens can tell.
pub(super) fn has_numbers(summary: &RunSummary) -> bool {
    summary.gc.is_some() || summary.sched.is_some()
}

/// The numbers of a run, and what a verdict on its growth lacks, where there is room to say so.
fn title(parsed: &Parsed, summary: &RunSummary) -> String {
    let title = run_title(summary);
    // One rule is enough in one line; the summary names them all.
    let lacking = evidence::not_enough(parsed, summary.run);
    match evidence::not_enough_in_words(lacking.get(..1).unwrap_or_default()) {
        Some(words) => fitting(vec![title, words]),
        None => title,
    }
}

/// The numbers of one run, the most telling first; what does not fit is left out whole.
pub fn run_title(summary: &RunSummary) -> String {
    let mut parts = Vec::new();
    if summary.toolchain {
        parts.push("Go toolchain".to_owned());
    }
    if let Some(gc) = &summary.gc {
        parts.extend(gc_parts(gc, summary.so_far.as_ref()));
    }
    if let Some(sched) = &summary.sched {
        parts.extend(sched_parts(sched, summary.gc.is_some()));
    }
    parts.insert(1.min(parts.len()), summary.go.map_or("Go releases mixed".to_owned(), |go| format!("Go {go}")));
    fitting(parts)
}

fn gc_parts(gc: &GcSummary, so_far: Option<&SoFar>) -> Vec<String> {
    let mut parts = vec![match gc.span_s {
        Ok((first, last)) => format!("{} in {}", words::count(gc.n_cycles, "GC cycle"), words::span(last - first)),
        Err(_) => words::count(gc.n_cycles, "GC cycle"),
    }];
    if let Ok(live) = &gc.live_mb {
        let shape = words::sparkline(&live.shape);
        parts.push(format!("live {}→{} MB {shape}", words::rough(live.first), words::rough(live.last)));
    }
    parts.extend(so_far.map(SoFar::in_short));
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
