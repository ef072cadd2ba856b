//! Reads what the protocol says about places. Every number is possible, none is an error: places outside the text are
//! moved to the nearest one inside, and the ends of a range are put in order.

use std::ops::Range;

use tower_lsp::gen_lsp_types::{self as proto, TextDocumentContentChangeEvent};
use tracelog::position::{Encoding, LineCol};
use tracelog::text::Text;

/// One change of a document as the client described it: a range and its new text, or the whole new text.
pub(super) struct Change {
    pub(super) range: Option<proto::Range>,
    pub(super) text: String,
}

/// The changes of one `didChange`, in the order they apply.
pub(super) fn changes(events: Vec<TextDocumentContentChangeEvent>) -> Vec<Change> {
    let change = |event| match event {
        TextDocumentContentChangeEvent::TextDocumentContentChangePartial(partial) => {
            Change { range: Some(partial.range), text: partial.text }
        }
        TextDocumentContentChangeEvent::TextDocumentContentChangeWholeDocument(whole) => {
            Change { range: None, text: whole.text }
        }
    };
    events.into_iter().map(change).collect()
}

/// The place in the text that a position means.
pub(super) fn position(text: &Text, encoding: Encoding, position: proto::Position) -> LineCol {
    text.place(encoding, position.line, position.character)
}

/// The places in the text that a range means.
pub(super) fn range(text: &Text, encoding: Encoding, range: proto::Range) -> Range<LineCol> {
    let (start, end) = (position(text, encoding, range.start), position(text, encoding, range.end));
    start.min(end)..start.max(end)
}

/// The lines a range touches, as a half-open range of lines inside the text.
pub(super) fn lines(text: &Text, range: proto::Range) -> Range<u32> {
    let (first, last) = (range.start.line.min(range.end.line), range.start.line.max(range.end.line));
    let n_lines = text.n_lines();
    first.min(n_lines)..last.saturating_add(1).min(n_lines)
}
