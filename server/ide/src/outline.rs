//! The outline: runs, and in each run what was found and the blocks, so that a big file has few entries and each leads
//! somewhere. Goroutines that are alike are one entry.

use tracelog::Loc;
use tracelog::blocks::Block;

use crate::blocks;
use crate::diagnostics::locate;
use crate::lens;
use crate::markup;
use crate::rules::Severity;
use crate::snapshot::{Parsed, Snapshot};
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
    /// A finding.
    Finding,
    /// A dump, a profile, the state of the scheduler, a data race.
    Block,
    /// A goroutine of a dump, or several that are alike.
    Goroutine,
}

/// Entries of the outline, all levels together, are kept below this.
const MAX_ENTRIES: usize = 4_000;

/// Runs, with the findings in each.
pub fn symbols(snapshot: &Snapshot) -> Vec<Symbol> {
    let Some(parsed) = &snapshot.parsed else { return Vec::new() };
    let analysis = parsed.analysis();
    let mut left = MAX_ENTRIES;
    let mut symbols = Vec::new();
    for summary in &analysis.summaries {
        if left == 0 {
            break;
        }
        left -= 1;
        let of_run = analysis.findings.iter().filter(|finding| {
            let here = summary.lines.0 <= finding.place.line && finding.place.line <= summary.lines.1;
            finding.severity > Severity::Hint && (finding.run == Some(summary.run) || finding.run.is_none() && here)
        });
        let mut children: Vec<Symbol> = of_run
            .take(left)
            .map(|finding| Symbol {
                name: format!("{} {}", finding.rule.code, finding.rule.slug),
                detail: markup::plain(&words::shorten(&finding.message, lens::MAX_CHARS)),
                kind: SymbolKind::Finding,
                // An entry must lie inside the one above it.
                lines: (
                    finding.place.line.clamp(summary.lines.0, summary.lines.1),
                    finding.place.line.clamp(summary.lines.0, summary.lines.1),
                ),
                loc: locate(snapshot, finding.place),
                children: Vec::new(),
            })
            .filter(|symbol| symbol.loc.line == symbol.lines.0)
            .collect();
        left -= children.len();
        let blocks = parsed.blocks().list.iter().filter(|block| block.run() == summary.run);
        for block in blocks {
            if left == 0 {
                break;
            }
            let symbol = block_symbol(parsed, block, &mut left);
            // An entry must lie inside the one above it.
            if summary.lines.0 <= symbol.lines.0 && symbol.lines.1 <= summary.lines.1 {
                children.push(symbol);
            }
        }
        children.sort_by_key(|symbol| symbol.lines);
        let source = String::from_utf8_lossy(&parsed.runs.list[summary.run].source).into_owned();
        let name = if source.is_empty() {
            format!("run {}", summary.run + 1)
        } else {
            format!("run {} {}", summary.run + 1, markup::plain(&source))
        };
        symbols.push(Symbol {
            name,
            detail: lens::run_title(summary),
            kind: SymbolKind::Run,
            lines: summary.lines,
            loc: Loc::new(summary.lines.0, 0, 0),
            children,
        });
    }
    symbols
}

/// Groups of goroutines that a dump lists.
const MAX_GROUPS: usize = 100;

/// A block; below a dump its groups of goroutines, the largest first.
fn block_symbol(parsed: &Parsed, block: &Block, left: &mut usize) -> Symbol {
    let log = &parsed.log;
    *left -= 1;
    let mut children = Vec::new();
    if let Block::Dump(dump) = block {
        for group in dump.groups.iter().take(MAX_GROUPS.min(*left)) {
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
        *left -= children.len();
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
