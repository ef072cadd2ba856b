//! Matching text against the catalog's templates.
//!
//! Two matchers, one meaning. [`whole`] runs over bytes, knows only "all of it" and is what reads megabytes. [`longest`]
//! runs over tokens, tells how far a torn line got and where each value stands, and is what answers questions about one
//! line. A property test holds them equal.

use std::sync::OnceLock;

use aho_corasick::{AhoCorasick, MatchKind};

use crate::catalog::{Family, Field, Kind, Piece, SHAPES, Shape};
use crate::cells;
use crate::lex::{self, Token};

/// Codes of the values of one line, in template order: what [`whole`] found.
#[derive(Default)]
pub struct Codes {
    /// Values and flags.
    pub single: Vec<(u8, u64)>,
    /// Lists: field, and range in [`Codes::pool`].
    pub lists: Vec<(u8, usize, usize)>,
    /// Codes of all lists.
    pub pool: Vec<u64>,
}

impl Codes {
    fn clear(&mut self) {
        self.single.clear();
        self.lists.clear();
        self.pool.clear();
    }
}

/// Whether `line` is the shape from its first to its last byte; if so, `codes` holds its values.
#[inline]
pub fn whole(shape: Shape, line: &[u8], codes: &mut Codes) -> bool {
    codes.clear();
    let mut at = 0;
    // Two flags in a row exclude each other.
    let mut flagged = false;
    for piece in shape.def().pieces {
        let rest = &line[at..];
        match *piece {
            Piece::Literal(text) => {
                if !rest.starts_with(text.as_bytes()) {
                    return false;
                }
                at += text.len();
            }
            Piece::Value(field, Kind::IntList) => {
                let start = codes.pool.len();
                let Some(len) = read_list(rest, |code| codes.pool.push(code)) else { return false };
                codes.lists.push((field, start, codes.pool.len()));
                at += len;
            }
            Piece::Value(field, kind) => {
                let Some((code, len)) = cells::read(kind, rest) else { return false };
                codes.single.push((field, code));
                at += len;
            }
            Piece::Flag(field, text) => {
                let printed = !flagged && rest.starts_with(text.as_bytes());
                codes.single.push((field, u64::from(printed)));
                if printed {
                    at += text.len();
                    flagged = true;
                    continue;
                }
            }
        }
        flagged = false;
    }
    at == line.len()
}

/// Integers separated by single blanks at the start of `bytes`: how many bytes they take.
#[inline]
fn read_list(bytes: &[u8], mut push: impl FnMut(u64)) -> Option<usize> {
    let mut at = 0;
    loop {
        let (code, len) = cells::read(Kind::Int, &bytes[at..])?;
        push(code);
        at += len;
        // A blank that no number follows belongs to the next literal.
        if !matches!(bytes[at..], [b' ', b'-' | b'0'..=b'9', ..]) {
            return Some(at);
        }
        at += 1;
    }
}

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
    /// A list, as codes of [`Kind::IntList`].
    List(Vec<u64>),
}

impl Datum {
    /// The number; for a list, none.
    pub fn number(&self) -> Option<f64> {
        match self {
            Self::One(kind, code) => Some(cells::value(*kind, *code)),
            Self::List(_) => None,
        }
    }

    /// The text as printed. Flags, which are words and not values, give nothing.
    pub fn print(&self) -> String {
        let mut text = String::new();
        match self {
            Self::One(kind, code) => cells::print(*kind, *code, &mut text),
            Self::List(codes) => {
                for (at, code) in codes.iter().enumerate() {
                    if at > 0 {
                        text.push(' ');
                    }
                    cells::print(Kind::IntList, *code, &mut text);
                }
            }
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
    let mut found = Match { shape, pieces: 0, end: 0, furthest: 0, doubtful: None, values: Vec::new() };
    let mut values = Vec::new();
    let mut at = 0;
    let pieces = shape.def().pieces;
    for (index, piece) in pieces.iter().enumerate() {
        let rest = &text[at..];
        let len = match *piece {
            Piece::Literal(literal) => match literal_len(&index_of().literals[usize::from(shape.0)][index], rest) {
                Ok(len) => len,
                Err(_) => {
                    found.furthest = at + common_prefix(literal.as_bytes(), rest);
                    return found;
                }
            },
            Piece::Value(field, kind) => {
                let Some((datum, len)) = value_at(kind, rest) else {
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

/// A value at the start of `rest`, as the token that stands there says.
fn value_at(kind: Kind, rest: &[u8]) -> Option<(Datum, usize)> {
    if kind == Kind::IntList {
        let mut codes = Vec::new();
        let len = read_list(rest, |code| codes.push(code))?;
        return Some((Datum::List(codes), len));
    }
    let mut tokens = lex::tokens(rest);
    let (first, text) = tokens.next()?;
    let (token, text) = match (kind, first, text) {
        // A minus sign is a token of its own.
        (Kind::Int, Token::Punct, b"-") => {
            let (token, digits) = tokens.next()?;
            (token, &rest[..1 + digits.len()])
        }
        _ => (first, text),
    };
    // A number token may be longer than the value (`1.5` where a whole number stands); the next literal will tell.
    let is_number = matches!(token, Token::Int | Token::Float | Token::Hex);
    let is_word = kind == Kind::Bool && token == Token::Word;
    if !(is_number || is_word) {
        return None;
    }
    let (code, len) = cells::read(kind, text)?;
    Some((Datum::One(kind, code), len))
}

/// The length of a literal if `rest` begins with it; the last token of the text may go on where the literal ends.
fn literal_len(literal: &LiteralTokens, rest: &[u8]) -> Result<usize, usize> {
    let mut len = 0;
    let mut tokens = lex::tokens(rest);
    for (index, (kind, expected)) in literal.iter().enumerate() {
        let Some((token, text)) = tokens.next() else { return Err(len) };
        let is_last = index + 1 == literal.len();
        if token == *kind && text == *expected || is_last && text.starts_with(expected) {
            len += expected.len();
        } else {
            return Err(len);
        }
    }
    Ok(len)
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
            for start in def.starts {
                starts.push(*start);
                let shapes: &mut Vec<Shape> = &mut by_byte[usize::from(start.as_bytes()[0])];
                if shapes.last() != Some(&Shape(number as u8)) {
                    shapes.push(Shape(number as u8));
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

/// Shapes that can begin with this byte.
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
        let rank = |found: &Match| (found.is_complete(), found.pieces, found.furthest);
        if found.furthest > 0 && best.as_ref().is_none_or(|best| rank(&found) > rank(best)) {
            best = Some(found);
        }
    }
    best.filter(|found| found.pieces > 0)
}

/// A fragment of a shape whose beginning is lost, if `text` is one from some piece on to its end.
///
/// The first number may have lost digits, so values count only after the first complete literal.
pub fn rest_of(text: &[u8]) -> Option<Match> {
    let mut best: Option<Match> = None;
    for number in 0..SHAPES.len() {
        let shape = Shape(number as u8);
        if let Some(found) = rest_of_shape(shape, text)
            && best.as_ref().is_none_or(|best| found.values.len() > best.values.len())
        {
            best = Some(found);
        }
    }
    best
}

/// Values a headless fragment must have to be believed.
const MIN_REST_VALUES: usize = 3;

/// Where the literal ends, if `text` begins with it, with a part of it, or with digits of the value before it.
fn rest_of_literal(literal: &[u8], text: &[u8]) -> Option<usize> {
    let digits = text.iter().take_while(|byte| byte.is_ascii_digit() || **byte == b'.').count();
    if text[digits..].starts_with(literal) {
        return Some(digits + literal.len());
    }
    (1..literal.len()).find(|cut| text.starts_with(&literal[*cut..])).map(|cut| literal.len() - cut)
}

fn rest_of_shape(shape: Shape, text: &[u8]) -> Option<Match> {
    let pieces = shape.def().pieces;
    for (index, piece) in pieces.iter().enumerate().skip(1) {
        let Piece::Literal(literal) = piece else { continue };
        let Some(mut at) = rest_of_literal(literal.as_bytes(), text) else { continue };
        let mut values = Vec::new();
        for piece in &pieces[index + 1..] {
            let rest = &text[at..];
            let field = |index| Field { family: shape.def().family, index };
            match *piece {
                Piece::Literal(literal) if rest.starts_with(literal.as_bytes()) => at += literal.len(),
                Piece::Literal(_) => return None,
                Piece::Flag(index, literal) => {
                    let (value, len) = flag_at(shape, index, literal, at, rest, &values);
                    values.push(value);
                    at += len;
                }
                Piece::Value(index, kind) => {
                    let (datum, len) = value_at(kind, rest)?;
                    values.push(Value { field: field(index), start: at, end: at + len, datum });
                    at += len;
                }
            }
        }
        let enough = values.iter().filter(|value| value.end > value.start).count() >= MIN_REST_VALUES;
        if at == text.len() && enough {
            return Some(Match { shape, pieces: pieces.len(), end: at, furthest: at, doubtful: None, values });
        }
    }
    None
}

/// The releases that can have printed these values in this shape: optional notes came later than the shape.
pub fn releases(shape: Shape, printed_flags: impl Iterator<Item = u8>) -> crate::GoReleases {
    let family: Family = shape.def().family;
    printed_flags.fold(shape.def().go, |go, field| go.intersection(family.def().fields[usize::from(field)].go))
}
