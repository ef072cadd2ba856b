//! The outline: runs, in each run its phases, and in these what was found and the blocks, so that a big file has few
//! entries and each leads somewhere. Goroutines that are alike are one entry.

use std::collections::HashMap;

use tracelog::Loc;
use tracelog::blocks::{Block, SchedBlock};

use crate::blocks;
use crate::diagnostics::locate;
use crate::lens;
use crate::markup;
use crate::phases::Phase;
use crate::rules::{Finding, Severity};
use crate::snapshot::{Parsed, Snapshot};
use crate::summary::RunSummary;
use crate::words;

/// An entry of the outline.
#[derive(Clone, Debug, PartialEq)]
pub struct Symbol {
    /// Short name.
    pub name: String,
    /// More, in gray.
    pub detail: String,
    /// What it is.
    pub kind: SymbolKind,
    /// First and last line.
    pub lines: (u32, u32),
    /// Where to go.
    pub loc: Loc,
    /// Entries below it.
    pub children: Vec<Symbol>,
}

/// What an entry stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SymbolKind {
    /// A process run.
    Run,
    /// A phase of a run.
    Phase,
    /// A finding.
    Finding,
    /// A dump, a profile, the state of the scheduler, a data race.
    Block,
    /// A goroutine of a dump, or several that are alike.
    Goroutine,
}

// Entries of each kind at most: together below 5,000, and no kind leaves no room for another.
const MAX_RUNS: usize = 1500;
const MAX_PHASES: usize = 600;
const MAX_FINDINGS: usize = 1000;
const MAX_BLOCKS: usize = 500;
const MAX_SCHED: usize = 500;
const MAX_GOROUTINES: usize = 800;

/// Groups of goroutines that a dump lists.
const MAX_GROUPS: usize = 100;

/// Runs, with the findings in each.
pub fn symbols(snapshot: &Snapshot) -> Vec<Symbol> {
    snapshot.parsed.as_ref().map_or_else(Vec::new, |parsed| parsed.symbols(snapshot).to_vec())
}

/// The outline of a document that was read.
pub(crate) fn all(snapshot: &Snapshot, parsed: &Parsed) -> Vec<Symbol> {
    let analysis = parsed.analysis();
    let mut entries = of_runs(snapshot, parsed);
    let mut phases_left = MAX_PHASES;
    let mut runs = Vec::new();
    for (summary, phases) in analysis.summaries.iter().zip(&analysis.phases).take(MAX_RUNS) {
        let mut children = entries.remove(&summary.run).unwrap_or_default();
        // An entry must lie inside the one above it.
        children.retain(|child| is_inside(child.lines, summary.lines));
        children.sort_by_key(|child| child.lines);
        if phases.len() <= phases_left {
            phases_left -= phases.len();
            children = into_phases(children, phases, summary.lines);
        }
        runs.push(run_symbol(parsed, summary, children));
    }
    runs
}

fn is_inside(inner: (u32, u32), outer: (u32, u32)) -> bool {
    outer.0 <= inner.0 && inner.1 <= outer.1
}

fn run_symbol(parsed: &Parsed, summary: &RunSummary, children: Vec<Symbol>) -> Symbol {
    let source = String::from_utf8_lossy(&parsed.runs.list[summary.run].source).into_owned();
    let number = format!("run {}", summary.run + 1);
    Symbol {
        name: if source.is_empty() { number } else { format!("{number} {}", markup::plain(&source)) },
        detail: lens::run_title(summary),
        kind: SymbolKind::Run,
        lines: summary.lines,
        loc: Loc::new(summary.lines.0, 0, 0),
        children,
    }
}

/// Puts entries of a run below its phases, each of which reaches to the next.
fn into_phases(entries: Vec<Symbol>, phases: &[Phase], run: (u32, u32)) -> Vec<Symbol> {
    if phases.is_empty() {
        return entries;
    }
    let mut below: Vec<Symbol> = phases.iter().map(phase_symbol).collect();
    below.sort_by_key(|phase| phase.lines);
    for idx in 0..below.len() {
        let first = if idx == 0 { run.0 } else { below[idx].lines.0 };
        let end = below.get(idx + 1).map_or(run.1 + 1, |next| next.lines.0);
        below[idx].lines = (first, end.saturating_sub(1).max(below[idx].lines.0));
    }
    let mut outside = Vec::new();
    for entry in entries {
        let at = below.partition_point(|phase| phase.lines.0 <= entry.lines.0);
        match at.checked_sub(1).map(|at| &mut below[at]).filter(|phase| is_inside(entry.lines, phase.lines)) {
            Some(phase) => phase.children.push(entry),
            None => outside.push(entry),
        }
    }
    below.extend(outside);
    below.sort_by_key(|entry| entry.lines);
    below
}

fn phase_symbol(phase: &Phase) -> Symbol {
    let begin = lens::begin(phase);
    let (name, detail) = match phase.changes.is_empty() {
        true => ("start".to_owned(), lens::rows_of(phase).unwrap_or_default()),
        false => (format!("from {begin}"), lens::changes_of(phase, lens::MAX_CHARS)),
    };
    let loc = Loc::new(phase.begin, 0, 0);
    Symbol { name, detail, kind: SymbolKind::Phase, lines: phase.lines, loc, children: Vec::new() }
}

/// Findings and blocks, by run.
fn of_runs(snapshot: &Snapshot, parsed: &Parsed) -> HashMap<usize, Vec<Symbol>> {
    let analysis = parsed.analysis();
    let mut entries: HashMap<usize, Vec<Symbol>> = HashMap::new();
    let mut begins: Vec<(u32, usize)> =
        analysis.summaries.iter().map(|summary| (summary.lines.0, summary.run)).collect();
    begins.sort_unstable();
    let findings = analysis.findings.iter().filter(|finding| finding.severity > Severity::Hint);
    for finding in findings.take(MAX_FINDINGS) {
        // One about the file as a whole is listed where the last run before it is.
        let before = begins.partition_point(|(first, _)| *first <= finding.place.line);
        let nearest = before.checked_sub(1).map(|at| begins[at].1);
        if let Some(run) = finding.run.or(nearest) {
            entries.entry(run).or_default().push(finding_symbol(snapshot, finding));
        }
    }
    let list = &parsed.blocks().list;
    let mut goroutines_left = MAX_GOROUTINES;
    for block in list.iter().filter(|block| !matches!(block, Block::Sched(_))).take(MAX_BLOCKS) {
        let symbol = block_symbol(parsed, block, &mut goroutines_left);
        entries.entry(block.run()).or_default().push(symbol);
    }
    for (block, _) in blocks::sched_blocks(&parsed.log, list, MAX_SCHED) {
        entries.entry(block.run).or_default().push(sched_symbol(parsed, block));
    }
    entries
}

fn finding_symbol(snapshot: &Snapshot, finding: &Finding) -> Symbol {
    let loc = locate(snapshot, finding.place);
    Symbol {
        name: format!("{} {}", finding.rule.code, finding.rule.slug),
        detail: markup::plain(&words::shorten(&finding.message, lens::MAX_CHARS)),
        kind: SymbolKind::Finding,
        lines: (loc.line, loc.line),
        loc,
        children: Vec::new(),
    }
}

fn sched_symbol(parsed: &Parsed, block: &SchedBlock) -> Symbol {
    let lines = block.lines;
    Symbol {
        name: blocks::sched_name(&parsed.log, block),
        detail: words::shorten(&blocks::sched_parts(&parsed.log, block, None).join(" · "), lens::MAX_CHARS),
        kind: SymbolKind::Block,
        lines,
        loc: Loc::new(lines.0, 0, 0),
        children: Vec::new(),
    }
}

/// A block; below a dump its groups of goroutines, the largest first.
fn block_symbol(parsed: &Parsed, block: &Block, goroutines_left: &mut usize) -> Symbol {
    let log = &parsed.log;
    let mut children = Vec::new();
    if let Block::Dump(dump) = block {
        for group in dump.groups.iter().take(MAX_GROUPS.min(*goroutines_left)) {
            let Some(first) = group.goroutines.first().and_then(|index| dump.goroutines.get(*index)) else { continue };
            let id = first.id(log).map_or_else(String::new, |id| id.to_string());
            let name = match group.goroutines.len() {
                1 => format!("goroutine {id}"),
                n => format!("{n} goroutines like {id}"),
            };
            let function = first.functions(log).into_iter().next().unwrap_or_default();
            let detail = format!("{} · {function}", first.state(log));
            children.push(Symbol {
                name,
                detail: markup::plain(&words::shorten(&detail, lens::MAX_CHARS)),
                kind: SymbolKind::Goroutine,
                lines: first.lines,
                loc: Loc::new(first.lines.0, 0, 0),
                children: Vec::new(),
            });
        }
        *goroutines_left -= children.len();
    }
    let lines = block.lines();
    Symbol {
        name: blocks::name(log, block),
        detail: words::shorten(&blocks::title(log, block), lens::MAX_CHARS),
        kind: SymbolKind::Block,
        lines,
        loc: Loc::new(lines.0, 0, 0),
        children,
    }
}
