//! Fragments whose beginning is lost: the text from some point of a template to its end.

use std::cmp::Reverse;
use std::sync::OnceLock;

use super::{Datum, Match, Value, flag_at, pad_len, text_len, value_at};
use crate::catalog::{At, Field, Piece, SHAPES, Shape};

/// Values a fragment must have to be believed.
const MIN_VALUES: usize = 3;

/// A piece of a shape: the literal in which, or right before which, the fragment begins.
type Place = (Shape, usize);

/// Beginnings of fragments with the places they stand for, by first byte.
type Beginnings = Vec<Vec<(&'static [u8], Vec<Place>)>>;

struct Index {
    /// Whole literals: digits of the value before may precede them.
    literals: Beginnings,
    /// Literals without their first bytes.
    cut_literals: Beginnings,
    /// Bytes with which a shape can end.
    last: [bool; 256],
}

fn index() -> &'static Index {
    static INDEX: OnceLock<Index> = OnceLock::new();
    INDEX.get_or_init(|| {
        let mut index =
            Index { literals: vec![Vec::new(); 256], cut_literals: vec![Vec::new(); 256], last: [false; 256] };
        for (number, def) in SHAPES.iter().enumerate().filter(|(_, def)| def.at == At::Anywhere) {
            for (piece, literal) in literals(def.pieces) {
                let place = (Shape(number as u16), piece);
                if piece == 0 {
                    // Of what a line begins with, only blanks are lost without a trace.
                    let n_blanks = literal.iter().take_while(|byte| **byte == b' ').count();
                    (1..=n_blanks).for_each(|cut| add(&mut index.cut_literals, &literal[cut..], place));
                    continue;
                }
                add(&mut index.literals, literal, place);
                (1..literal.len()).for_each(|cut| add(&mut index.cut_literals, &literal[cut..], place));
            }
            for piece in def.pieces.iter().rev() {
                match piece {
                    Piece::Literal(text) | Piece::Flag(_, text) => {
                        index.last[usize::from(text.as_bytes()[text.len() - 1])] = true;
                    }
                    Piece::Pad => {}
                    // `true`, `false`, `nil` and hexadecimal digits end in lower-case letters.
                    Piece::Value(..) => index.last.iter_mut().zip(0..=255_u8).for_each(|(last, byte)| {
                        *last |= byte.is_ascii_digit() || byte.is_ascii_lowercase();
                    }),
                }
                if !matches!(piece, Piece::Flag(..)) {
                    break;
                }
            }
        }
        index
    })
}

fn literals(pieces: &'static [Piece]) -> impl Iterator<Item = (usize, &'static [u8])> {
    pieces.iter().enumerate().filter_map(|(index, piece)| match piece {
        Piece::Literal(text) => Some((index, text.as_bytes())),
        _ => None,
    })
}

fn add(beginnings: &mut Beginnings, text: &'static [u8], place: Place) {
    let same_byte = &mut beginnings[usize::from(text[0])];
    match same_byte.iter_mut().find(|(known, _)| *known == text) {
        Some((_, places)) => places.push(place),
        None => same_byte.push((text, vec![place])),
    }
}

/// A fragment of a shape whose beginning is lost, if `text` is one from some piece on to its end.
///
/// The first number may have lost digits, so values count only after the first complete literal.
pub fn rest_of(text: &[u8]) -> Option<Match> {
    let index = index();
    if !index.last[usize::from(*text.last()?)] {
        return None;
    }
    let digits = text.iter().take_while(|byte| byte.is_ascii_digit() || **byte == b'.').count();
    let behind_digits = begin(&index.literals, &text[digits..]).map(|(len, place)| (digits + len, place));
    let cut = begin(&index.cut_literals, text);
    let all: Vec<Match> = behind_digits.chain(cut).filter_map(|(at, place)| follow(place, text, at)).collect();
    // `threads=0 …` may be the end of `spinningthreads=0 …`: what is read in several ways counts where they agree.
    let mut best = all.iter().max_by_key(|found| (found.values.len(), Reverse(found.shape)))?.clone();
    best.values.retain(|value| all.iter().all(|found| found.values.contains(value)));
    Some(best)
}

/// Places that a text can begin at, each with the length of its literal.
fn begin<'a>(beginnings: &'a Beginnings, text: &'a [u8]) -> impl Iterator<Item = (usize, Place)> + 'a {
    let same_byte = text.first().map_or([].as_slice(), |first| &beginnings[usize::from(*first)]);
    same_byte
        .iter()
        .filter(|(literal, _)| text.starts_with(literal))
        .flat_map(|(literal, places)| places.iter().map(|place| (literal.len(), *place)))
}

/// Follows a shape behind one of its literals, which ends at `at`, to the end of the text.
fn follow((shape, literal): Place, text: &[u8], mut at: usize) -> Option<Match> {
    let def = shape.def();
    let mut values: Vec<Value> = Vec::new();
    for (piece, next) in def.pieces[literal + 1..].iter().zip(literal + 2..) {
        let rest = &text[at..];
        match *piece {
            Piece::Pad => match pad_len(rest) {
                0 => return None,
                len => at += len,
            },
            Piece::Value(index, kind) if kind.is_text() => {
                let len = text_len(kind, &def.pieces[next..], rest)?;
                let datum = Datum::Text(String::from_utf8_lossy(&rest[..len]).into_owned());
                values.push(Value { field: Field { family: def.family, index }, start: at, end: at + len, datum });
                at += len;
            }
            Piece::Literal(literal) if rest.starts_with(literal.as_bytes()) => at += literal.len(),
            Piece::Literal(_) => return None,
            Piece::Flag(index, literal) => {
                let (value, len) = flag_at(shape, index, literal, at, rest, &values);
                values.push(value);
                at += len;
            }
            Piece::Value(index, kind) => {
                let (datum, len) = value_at(kind, rest)?;
                values.push(Value { field: Field { family: def.family, index }, start: at, end: at + len, datum });
                at += len;
            }
        }
    }
    let printed = values.iter().filter(|value| value.end > value.start).count();
    let complete = at == text.len() && printed >= MIN_VALUES;
    complete.then_some(Match { shape, pieces: def.pieces.len(), end: at, furthest: at, doubtful: None, values })
}
