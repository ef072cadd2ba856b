//! Matching text against the catalog's templates.
//!
//! Two matchers, one meaning. [`whole`] runs over bytes, knows only "all of it" and is what reads megabytes. [`longest`]
//! runs over tokens, tells how far a torn line got and where each value stands, and is what answers questions about one
//! line. A property test holds them equal.

mod goroutine;
mod rest;
mod whole;

use std::sync::OnceLock;

use aho_corasick::{AhoCorasick, MatchKind};

use crate::catalog::{At, Family, Field, GoReleases, Kind, Piece, Reader, SHAPES, Shape};
use crate::cells;
use crate::lex::{self, Token};

pub use rest::rest_of;
pub use whole::{Codes, Layout, kind, layout, span, whole};

/// A value of an item and where it stands, in bytes of the text that was matched.
#[derive(Clone, Debug, PartialEq)]
pub struct Value {
    /// The field.
    pub field: Field,
    /// First byte.
    pub start: usize,
    /// One past the last byte. A flag that is not printed is empty.
    pub end: usize,
    /// What was printed.
    pub datum: Datum,
}

/// A printed value.
#[derive(Clone, Debug, PartialEq)]
pub enum Datum {
    /// A number or flag, as its cell code.
    One(Kind, u64),
    /// A list of this kind, as codes.
    List(Kind, Vec<u64>),
    /// Text; bytes that are no UTF-8 have become U+FFFD.
    Text(String),
}

impl Datum {
    /// The number; for a list, none.
    pub fn number(&self) -> Option<f64> {
        match self {
            Self::One(kind, code) => Some(cells::value(*kind, *code)),
            Self::List(..) | Self::Text(_) => None,
        }
    }

    /// The text as printed. Flags, which are words and not values, give nothing.
    pub fn print(&self) -> String {
        let mut text = String::new();
        match self {
            Self::One(kind, code) => cells::print(*kind, *code, &mut text),
            Self::List(kind, codes) => {
                for (at, code) in codes.iter().enumerate() {
                    if at > 0 || *kind == Kind::HexList {
                        text.push(' ');
                    }
                    cells::print(*kind, *code, &mut text);
                }
            }
            Self::Text(printed) => text.push_str(printed),
        }
        text
    }
}

/// How far a text follows a shape.
#[derive(Clone, Debug, PartialEq)]
pub struct Match {
    /// The shape.
    pub shape: Shape,
    /// Pieces matched completely.
    pub pieces: usize,
    /// One past the last byte that is certain to belong to the item: the end of the last complete literal, or of all.
    pub end: usize,
    /// The furthest byte up to which the text agrees with the template.
    pub furthest: usize,
    /// Ends of complete pieces after [`Match::end`] that may belong to the item or to what was written into it.
    pub doubtful: Option<usize>,
    /// Values that are certain, in template order: those that a complete literal follows.
    pub values: Vec<Value>,
}

impl Match {
    /// Whether the text has the whole shape.
    pub fn is_complete(&self) -> bool {
        self.pieces == self.shape.def().pieces.len()
    }

    /// Whether enough was matched to call this a piece of a trace line without having seen the rest.
    pub fn is_certain(&self) -> bool {
        self.pieces >= usize::from(self.shape.def().certain_after)
    }
}

/// A flag at the start of `rest`: two flags in a row exclude each other, so one that was printed here ends the matter.
fn flag_at(shape: Shape, index: u8, literal: &str, at: usize, rest: &[u8], before: &[Value]) -> (Value, usize) {
    let taken = before
        .last()
        .is_some_and(|last| last.end == at && last.end > last.start && matches!(last.datum, Datum::One(Kind::Flag, _)));
    let len = if !taken && rest.starts_with(literal.as_bytes()) { literal.len() } else { 0 };
    let field = Field { family: shape.def().family, index };
    (Value { field, start: at, end: at + len, datum: Datum::One(Kind::Flag, u64::from(len > 0)) }, len)
}

/// A literal, token by token, for [`longest`].
type LiteralTokens = Vec<(Token, &'static [u8])>;

/// Follows the shape from the start of `text` as far as it goes.
pub fn longest(shape: Shape, text: &[u8]) -> Match {
    follow(shape, text, value_at)
}

/// Reads a value at the start of a text: what it is and how many bytes it takes.
type ValueReader = fn(Kind, &[u8]) -> Option<(Datum, usize)>;

/// Follows the shape from the start of `text`; `value_at` reads its values.
fn follow(shape: Shape, text: &[u8], value_at: ValueReader) -> Match {
    if shape.def().reader == Reader::Goroutine {
        return goroutine::read(shape, text);
    }
    let mut found = Match { shape, pieces: 0, end: 0, furthest: 0, doubtful: None, values: Vec::new() };
    let mut values = Vec::new();
    let mut at = 0;
    let pieces = shape.def().pieces;
    for (index, piece) in pieces.iter().enumerate() {
        let rest = &text[at..];
        let len = match *piece {
            Piece::Literal(literal) => match literal_len(&index_of().literals[usize::from(shape.0)][index], rest) {
                Some(len) => len,
                None => {
                    found.furthest = at + common_prefix(literal.as_bytes(), rest);
                    return found;
                }
            },
            Piece::Pad => match pad_len(rest) {
                0 => {
                    found.furthest = at;
                    return found;
                }
                len => len,
            },
            Piece::Value(field, kind) if kind.is_text() => {
                let Some(len) = text_len(kind, &pieces[index + 1..], rest) else {
                    found.furthest = at;
                    return found;
                };
                values.push(Value {
                    field: Field { family: shape.def().family, index: field },
                    start: at,
                    end: at + len,
                    datum: Datum::Text(String::from_utf8_lossy(&rest[..len]).into_owned()),
                });
                len
            }
            Piece::Value(field, kind) => {
                // Where nothing follows a value, digits right behind it say that it is another one.
                let is_last = index + 1 == pieces.len();
                let ends = |len: usize| !(is_last && rest.get(len).is_some_and(u8::is_ascii_digit));
                let Some((datum, len)) = value_at(kind, rest).filter(|(_, len)| ends(*len)) else {
                    found.furthest = at;
                    return found;
                };
                values.push(Value {
                    field: Field { family: shape.def().family, index: field },
                    start: at,
                    end: at + len,
                    datum,
                });
                len
            }
            Piece::Flag(field, literal) => {
                let (value, len) = flag_at(shape, field, literal, at, rest, &values);
                values.push(value);
                len
            }
        };
        at += len;
        found.pieces = index + 1;
        found.furthest = at;
        let settled = matches!(piece, Piece::Literal(_)) || index + 1 == pieces.len();
        if settled {
            found.end = at;
            found.doubtful = None;
            found.values.append(&mut values);
        } else {
            found.doubtful = Some(at);
        }
    }
    found
}

/// No value is longer; a token that is would be lexed again for every item that begins before it.
const MAX_VALUE_LEN: usize = 40;

/// A value at the start of `rest`, as the token that stands there says.
fn value_at(kind: Kind, rest: &[u8]) -> Option<(Datum, usize)> {
    if kind.is_list() {
        let mut codes = Vec::new();
        let len = match kind {
            Kind::HexList => cells::read_hex_list(rest, |code| codes.push(code)),
            _ => cells::read_list(rest, |code| codes.push(code))?,
        };
        return Some((Datum::List(kind, codes), len));
    }
    // Floats have signs before and inside them, and words for what is no number.
    if matches!(kind, Kind::FloatE | Kind::FloatG) {
        let (code, len) = cells::read(kind, rest)?;
        return Some((Datum::One(kind, code), len));
    }
    let rest = &rest[..rest.len().min(MAX_VALUE_LEN)];
    let mut tokens = lex::tokens(rest);
    let (first, text) = tokens.next()?;
    let (token, text) = match (kind, first, text) {
        // A minus sign is a token of its own.
        (Kind::Int | Kind::Ref, Token::Punct, b"-") => {
            let (token, digits) = tokens.next()?;
            (token, &rest[..1 + digits.len()])
        }
        _ => (first, text),
    };
    // A number token may be longer than the value (`1.5` where a whole number stands); the next literal will tell.
    let is_number = matches!(token, Token::Int | Token::Float | Token::Hex);
    let is_word = matches!(kind, Kind::Bool | Kind::Ref) && token == Token::Word;
    if !(is_number || is_word) {
        return None;
    }
    let (code, len) = cells::read(kind, text)?;
    Some((Datum::One(kind, code), len))
}

/// A value as [`value_at`] reads it, or a time in digits that Go would not have chosen.
fn loose_value_at(kind: Kind, rest: &[u8]) -> Option<(Datum, usize)> {
    let (_, text) = lex::tokens(&rest[..rest.len().min(MAX_VALUE_LEN)]).next()?;
    match value_at(kind, rest) {
        Some((datum, len)) if len >= text.len() || !matches!(kind, Kind::Millis2 | Kind::Seconds3) => {
            Some((datum, len))
        }
        _ => Some((Datum::One(kind, cells::read_loose(kind, text)?), text.len())),
    }
}

/// The length of a literal if `rest` begins with its tokens. What follows the literal is not looked at, so its last
/// token ends where the literal ends.
fn literal_len(literal: &LiteralTokens, rest: &[u8]) -> Option<usize> {
    let len = literal.iter().map(|(_, text)| text.len()).sum();
    let tokens = lex::tokens(rest.get(..len)?);
    tokens.eq(literal.iter().copied()).then_some(len)
}

/// The length of a text: up to where the template goes on.
fn text_len(kind: Kind, next: &[Piece], rest: &[u8]) -> Option<usize> {
    match next.first() {
        None => Some(rest.len()),
        Some(Piece::Pad) => rest.iter().position(|byte| is_blank(*byte)),
        Some(Piece::Literal(literal)) if kind == Kind::LongText => memchr::memmem::rfind(rest, literal.as_bytes()),
        Some(Piece::Literal(literal)) => memchr::memmem::find(rest, literal.as_bytes()),
        // Flags behind a text end the line, and at most one is printed.
        Some(_) => {
            let printed = next.iter().filter_map(|piece| match piece {
                Piece::Flag(_, text) if rest.ends_with(text.as_bytes()) => Some(text.len()),
                _ => None,
            });
            Some(rest.len() - printed.max().unwrap_or(0))
        }
    }
}

/// Number of blanks and tabs at the start.
pub fn pad_len(rest: &[u8]) -> usize {
    rest.iter().take_while(|byte| is_blank(**byte)).count()
}

fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t')
}

fn common_prefix(a: &[u8], b: &[u8]) -> usize {
    a.iter().zip(b).take_while(|(a, b)| a == b).count()
}

/// What is looked up about all shapes together; built once.
struct Index {
    /// Finds places where a shape can begin.
    starts: AhoCorasick,
    /// Shapes that can begin with a byte.
    by_byte: Vec<Vec<Shape>>,
    /// Tokens of every literal piece, by shape and piece.
    literals: Vec<Vec<LiteralTokens>>,
}

fn index_of() -> &'static Index {
    static INDEX: OnceLock<Index> = OnceLock::new();
    INDEX.get_or_init(|| {
        let mut by_byte = vec![Vec::new(); 256];
        let mut starts = Vec::new();
        let mut literals = Vec::new();
        for (number, def) in SHAPES.iter().enumerate() {
            for start in def.starts.iter().filter(|_| def.at == At::Anywhere) {
                starts.push(*start);
                let shapes: &mut Vec<Shape> = &mut by_byte[usize::from(start.as_bytes()[0])];
                if shapes.last() != Some(&Shape(number as u16)) {
                    shapes.push(Shape(number as u16));
                }
            }
            literals.push(
                def.pieces
                    .iter()
                    .map(|piece| match piece {
                        Piece::Literal(text) => lex::tokens(text.as_bytes()).collect(),
                        _ => LiteralTokens::new(),
                    })
                    .collect(),
            );
        }
        let starts = AhoCorasick::builder()
            .match_kind(MatchKind::LeftmostLongest)
            .build(starts)
            .expect("the starts of all shapes are a few short literals");
        Index { starts, by_byte, literals }
    })
}

/// Shapes that are looked for anywhere in a line and can begin with this byte.
#[inline]
pub fn shapes_at(byte: u8) -> &'static [Shape] {
    &index_of().by_byte[usize::from(byte)]
}

/// The first place at or after `from` where some shape can begin.
pub fn next_start(text: &[u8], from: usize) -> Option<usize> {
    index_of().starts.find(aho_corasick::Input::new(text).range(from..)).map(|found| found.start())
}

/// The best match of any shape at the start of `text`: complete ones first, then those that go furthest.
pub fn best(text: &[u8]) -> Option<Match> {
    let mut best: Option<Match> = None;
    for shape in shapes_at(*text.first()?) {
        let found = longest(*shape, text);
        let rank = |found: &Match| (found.is_complete(), found.furthest, found.pieces);
        if found.furthest > 0 && best.as_ref().is_none_or(|best| rank(&found) > rank(best)) {
            best = Some(found);
        }
    }
    best.filter(|found| found.pieces > 0)
}

/// A whole item whose times have digits that Go would not have chosen: a line that was edited or written by hand.
pub fn handwritten(text: &[u8]) -> Option<Match> {
    let shapes = shapes_at(*text.first()?).iter();
    shapes.map(|shape| follow(*shape, text, loose_value_at)).find(Match::is_complete)
}

/// Follows the shape as [`longest`] does; of an incomplete item, only values that every shape which goes as far would
/// read alike.
pub fn agreed(shape: Shape, text: &[u8]) -> Match {
    let mut found = longest(shape, text);
    let first = text.first().copied().unwrap_or(0);
    for other in shapes_at(first).iter().filter(|other| **other != shape) {
        if found.is_complete() {
            break;
        }
        let other = longest(*other, text);
        if other.furthest == found.furthest {
            found.values.retain(|value| other.values.contains(value));
        }
    }
    found
}

/// The releases that can have printed an item. One of which not all is known may be of any shape that has its fields.
pub fn releases_of(shape: Shape, is_known: impl Fn(u8) -> bool, is_set: impl Fn(u8) -> bool) -> GoReleases {
    let layout = layout(shape);
    if layout.single.iter().all(|field| is_known(*field)) {
        return releases(shape, layout.flags.iter().copied().filter(|flag| is_set(*flag)));
    }
    let has_all = |other: &Shape| {
        let fields = &self::layout(*other).single;
        layout.single.iter().filter(|field| is_known(**field)).all(|field| fields.contains(field))
    };
    let shapes = shape.def().family.def().shapes.iter().filter(|other| has_all(other));
    shapes.map(|shape| shape.def().go).reduce(GoReleases::union).unwrap_or(GoReleases::ALL)
}

/// The releases that can have printed these values in this shape: optional notes came later than the shape.
pub fn releases(shape: Shape, printed_flags: impl Iterator<Item = u8>) -> GoReleases {
    let family: Family = shape.def().family;
    printed_flags.fold(shape.def().go, |go, field| go.intersection(family.def().fields[usize::from(field)].go))
}
