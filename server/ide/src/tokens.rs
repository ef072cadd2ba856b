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
