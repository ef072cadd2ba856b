//! Semantic tokens: each value colored by its role, each line's keyword by its family.
//!
//! Needs one line at a time, so it answers in a file of any size; what is far above the others of its run is told once
//! the file is read.

use std::cell::OnceCell;
use std::ops::Range;

use tracelog::template::Datum;
use tracelog::{ItemValue, Loc, Part, Role, RowId};

use crate::outlier;
use crate::snapshot::{Parsed, Snapshot};

/// A colored range.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Token {
    /// The range; tokens do not overlap and come in order.
    pub loc: Loc,
    /// What it is.
    pub kind: TokenKind,
    /// Whether it is far above what its run usually has.
    pub is_outlier: bool,
}

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenKind {
    /// The word that begins a trace line.
    Keyword,
    /// A value.
    Value(Role),
}

/// The tokens of some lines.
pub fn tokens(snapshot: &Snapshot, lines: Range<u32>) -> Vec<Token> {
    let mut tokens = Vec::new();
    for line in lines {
        let first = tokens.len();
        for item in snapshot.items(line).items {
            let here = |loc: Loc| loc.line == line && loc.start < loc.end;
            if item.part == Part::Tail {
                if let Some(head_line) = item.head_line {
                    // The values of a tail are known on its head.
                    let head = snapshot.items(head_line).items.into_iter().find(|head| head.row == item.row);
                    let values = head.into_iter().flat_map(|head| head.values);
                    push(snapshot, item.row, &mut tokens, values.filter(|value| here(value.loc)));
                    continue;
                }
            } else if let Some(end) = keyword_end(&item) {
                tokens.push(Token { loc: Loc { end, ..item.loc }, kind: TokenKind::Keyword, is_outlier: false });
            }
            push(snapshot, item.row, &mut tokens, item.values.into_iter().filter(|value| here(value.loc)));
        }
        tokens[first..].sort_by_key(|token| token.loc.start);
    }
    tokens
}

fn push(snapshot: &Snapshot, row: Option<RowId>, tokens: &mut Vec<Token>, values: impl Iterator<Item = ItemValue>) {
    let parsed = snapshot.parsed.as_ref();
    // The run of a row is looked for once an item, and only where a value could be an outlier.
    let run = OnceCell::new();
    let run_of_row = || *run.get_or_init(|| parsed?.run_of(row?));
    tokens.extend(values.map(|value| Token {
        loc: value.loc,
        kind: TokenKind::Value(value.field.def().role),
        is_outlier: parsed.is_some_and(|parsed| is_outlier(parsed, &value, &run_of_row)),
    }));
}

fn is_outlier(parsed: &Parsed, value: &ItemValue, run: &impl Fn() -> Option<usize>) -> bool {
    let number =
        value.datum.as_ref().and_then(Datum::number).filter(|number| outlier::is_candidate(value.field, *number));
    let found = number.and_then(|number| outlier::outlier(parsed, run()?, value.field, number));
    found.is_some()
}

/// The keyword ends at the first blank, colon, bracket or value.
fn keyword_end(item: &tracelog::Item) -> Option<u32> {
    let tracelog::catalog::Piece::Literal(text) = item.shape.def().pieces.first()? else { return None };
    let word = text.find([' ', ':', '(']).unwrap_or(text.len());
    let word = if item.shape.def().pieces.len() == 1 { text.len() } else { word };
    Some((item.loc.start + word as u32).min(item.loc.end))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tracelog::{Log, Text};

    use super::*;
    use crate::rules::fixture::{GcLine, gc_lines};

    /// The text of the outliers of a line.
    fn outliers(text: &str, line: u32) -> Vec<String> {
        let log = Log::read(text.as_bytes());
        let snapshot = Snapshot::new(Arc::new(Text::new(text)), log, Arc::default());
        let line_text = text.lines().nth(line as usize).unwrap();
        let found = tokens(&snapshot, line..line + 1).into_iter().filter(|token| token.is_outlier);
        found.map(|token| line_text[token.loc.start as usize..token.loc.end as usize].to_owned()).collect()
    }

    fn cycles(n: u64, odd: impl Fn(u64) -> (f64, u64)) -> String {
        gc_lines(n, |idx| {
            let (pause_ms, live_mb) = odd(idx);
            GcLine {
                n: idx + 1,
                at_s: idx as f64,
                clock_ms: [0.02, 1.5, pause_ms],
                heap_mb: [19, 20, live_mb, 20],
                ..GcLine::default()
            }
        })
    }

    #[test]
    fn what_is_far_above_the_others_of_its_run_is_an_outlier() {
        let text = cycles(40, |idx| if idx == 30 { (25.0, 80) } else { (0.01 + idx as f64 / 1000.0, 10) });
        assert_eq!(outliers(&text, 30), ["25", "25", "80"]);
        assert_eq!(outliers(&text, 31), [""; 0]);
    }

    #[test]
    fn nothing_small_and_nothing_in_a_short_run_is_an_outlier() {
        let small = cycles(40, |idx| if idx == 30 { (0.4, 6) } else { (0.001, 1) });
        assert_eq!(outliers(&small, 30), [""; 0]);
        let short = cycles(15, |idx| if idx == 10 { (25.0, 80) } else { (0.01, 10) });
        assert_eq!(outliers(&short, 10), [""; 0]);
    }

    #[test]
    fn nothing_is_an_outlier_before_the_document_is_read() {
        let text = cycles(40, |idx| if idx == 30 { (25.0, 80) } else { (0.01, 10) });
        let snapshot = Snapshot { lines: Arc::new(Text::new(&text)), parsed: None };
        assert!(tokens(&snapshot, 0..40).iter().all(|token| !token.is_outlier));
    }
}
