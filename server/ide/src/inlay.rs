//! Inlay hints: the summary at the end of lines, for editors that show no lenses.

use tracelog::LineCol;

use crate::lens::Lens;
use crate::snapshot::Snapshot;

/// Text behind a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InlayHint {
    /// The end of the line.
    pub at: LineCol,
    /// The text.
    pub label: String,
}

/// What these lenses of the document say, behind the lines above which they would stand.
pub fn summary_hints(snapshot: &Snapshot, lenses: Vec<Lens>) -> Vec<InlayHint> {
    let hint = |lens: Lens| {
        let byte = snapshot.lines.line(lens.loc.line).len() as u32;
        InlayHint { at: LineCol { line: lens.loc.line, byte }, label: lens.title }
    };
    lenses.into_iter().map(hint).collect()
}
