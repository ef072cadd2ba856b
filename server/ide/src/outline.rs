//! The outline: runs, and in each run what was found, so that a big file has few entries and each leads somewhere.

use tracelog::Loc;

use crate::diagnostics::locate;
use crate::lens;
use crate::markup;
use crate::rules::Severity;
use crate::snapshot::Snapshot;
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
        let children: Vec<Symbol> = of_run
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
