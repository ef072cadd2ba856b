//! Which shapes a line of a block can have, by its first byte.

use std::sync::OnceLock;

use super::Kinds;
use super::line::{begins_numbers, is_delimiter};
use crate::catalog::{At, BLOCKS, Family, Piece, Reader, SHAPES, Shape, ShapeDef};
use crate::word::Expected;

/// Shapes that are whole lines.
pub(super) struct Index {
    /// Those that begin with a literal or with blanks, by their first byte.
    pub(super) by_byte: Vec<Vec<Group>>,
    /// Those that begin with a value.
    pub(super) by_value: Vec<Candidate>,
}

/// Shapes of which no two match the same line. Groups, and what they were made of, are in the order of the catalog.
#[derive(Default)]
pub(super) struct Group {
    pub(super) candidates: Vec<Candidate>,
    /// The blocks that any of them needs; none when one of them needs none.
    pub(super) within: Kinds,
}

/// A shape, with what decides whether a line can have it.
#[derive(Clone, Copy)]
pub(super) struct Candidate {
    pub(super) shape: Shape,
    /// The first bytes of its lines behind blanks that it begins with, where a literal stands there.
    start: Expected,
    is_padded: bool,
    /// The blocks in one of which it stands; none when it stands anywhere.
    pub(super) within: Kinds,
    /// Its words are those of any program, so it is never certain.
    pub(super) is_doubtful: bool,
    /// It comes before what opens its block: a note of the runtime before the crash that it explains, a line of `=`
    /// before the word race, the first of some numbers or records whose heading was cut off.
    pub(super) is_early: bool,
}

/// The shape that matched last, by first byte: what to try first. It never decides what a line is.
pub(crate) struct Hints(pub(super) Box<[Option<Shape>; 256]>);

impl Default for Hints {
    fn default() -> Self {
        Self(Box::new([None; 256]))
    }
}

impl Candidate {
    fn of(shape: Shape) -> Self {
        let family = shape.def().family;
        let is_padded = shape.def().pieces.first() == Some(&Piece::Pad);
        let start = match shape.def().pieces.get(usize::from(is_padded)) {
            Some(Piece::Literal(text)) => Expected::new(&text.as_bytes()[..text.len().min(8)]),
            _ => Expected::NOTHING,
        };
        Self {
            shape,
            start,
            is_padded,
            within: Kinds::all_of(shape.def().within),
            is_doubtful: matches!(family, Family::PanicText | Family::RuntimeNote | Family::Panic),
            is_early: matches!(family, Family::RuntimeNote | Family::ProfileRecord)
                || is_delimiter(shape)
                || begins_numbers(shape),
        }
    }

    /// Whether a line begins like the shape: most do not, and that is told at once. `unpadded` is the line without the
    /// blanks in front.
    #[inline]
    pub(super) fn begins(&self, line: &[u8], unpadded: &[u8]) -> bool {
        self.start.begins(if self.is_padded { unpadded } else { line })
    }
}

pub(super) fn index() -> &'static Index {
    static INDEX: OnceLock<Index> = OnceLock::new();
    INDEX.get_or_init(|| {
        debug_assert!(BLOCKS.len() <= 32, "a set of blocks has 32 bits");
        let mut by_byte: Vec<Vec<Shape>> = vec![Vec::new(); 256];
        let mut by_value = Vec::new();
        for (number, def) in SHAPES.iter().enumerate().filter(|(_, def)| def.at == At::Line) {
            let shape = Shape(number as u16);
            for start in def.starts {
                let shapes = &mut by_byte[usize::from(start.as_bytes()[0])];
                if shapes.last() != Some(&shape) {
                    shapes.push(shape);
                }
            }
            match def.pieces.first() {
                Some(Piece::Pad) => b"\t ".iter().for_each(|byte| by_byte[usize::from(*byte)].push(shape)),
                Some(Piece::Value(..)) => by_value.push(Candidate::of(shape)),
                _ => {}
            }
        }
        Index { by_byte: by_byte.iter().map(|shapes| groups(shapes)).collect(), by_value }
    })
}

fn groups(shapes: &[Shape]) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    for shape in shapes {
        let is_apart = |other: &Candidate| exclude(shape.def(), other.shape.def());
        match groups.last_mut() {
            Some(group) if group.candidates.iter().all(is_apart) => group.candidates.push(Candidate::of(*shape)),
            _ => groups.push(Group { candidates: vec![Candidate::of(*shape)], ..Group::default() }),
        }
    }
    for Group { candidates, within } in &mut groups {
        if candidates.iter().all(|candidate| !candidate.within.is_empty()) {
            *within = candidates.iter().fold(Kinds::default(), |within, candidate| within.or(candidate.within));
        }
    }
    groups
}

/// Whether no line matches both shapes, as far as their templates tell: what they begin with alike is read alike, and
/// there both go on with different words.
fn exclude(a: &ShapeDef, b: &ShapeDef) -> bool {
    if a.reader != Reader::Template || b.reader != Reader::Template {
        return false;
    }
    let n_alike = a.pieces.iter().zip(b.pieces).take_while(|(a, b)| a == b).count();
    // A text ends where the next words stand, and flags end where no other follows.
    if let Some(Piece::Value(_, kind)) = a.pieces[..n_alike].last()
        && kind.is_text()
    {
        return false;
    }
    match (a.pieces.get(n_alike), b.pieces.get(n_alike)) {
        (Some(Piece::Literal(a)), Some(Piece::Literal(b))) => !a.starts_with(b) && !b.starts_with(a),
        (Some(Piece::Literal(_) | Piece::Pad), None) | (None, Some(Piece::Literal(_) | Piece::Pad)) => true,
        _ => false,
    }
}
