//! The byte matcher: a shape as a flat list of steps over a line, with nothing decided twice.

use std::ops::Range;
use std::sync::OnceLock;

use memchr::memmem::{Finder, FinderRev};

use super::{is_blank, pad_len, text_len};
use crate::catalog::{Kind, Piece, Reader, SHAPES, Shape, ShapeDef};
use crate::cells;
use crate::word::Expected;

/// Codes of the values of one line, as [`whole`] found them.
#[derive(Default)]
pub struct Codes {
    /// Values and flags, in the order of the template ([`Layout::single`]). For a text, its place: see [`span`].
    pub single: Vec<u64>,
    /// Codes of all lists, one list after the other.
    pub pool: Vec<u64>,
    /// Where each list ends in the pool, in the order of the template ([`Layout::lists`]).
    pub ends: Vec<usize>,
}

/// Which field each code belongs to.
pub struct Layout {
    /// Fields of [`Codes::single`].
    pub single: Vec<u8>,
    /// Fields of [`Codes::ends`].
    pub lists: Vec<u8>,
    /// Those of the first that are flags.
    pub flags: Vec<u8>,
    /// Indexes into the first that are texts.
    pub texts: Vec<u8>,
}

/// The bytes of the line that a text's code in [`Codes::single`] stands for.
pub fn span(code: u64) -> Range<usize> {
    let start = (code >> 32) as usize;
    start..start + (code & u64::from(u32::MAX)) as usize
}

/// A literal of a template and what stands behind it.
struct Step {
    /// A longer literal takes several steps, with nothing behind all but the last.
    literal: Expected,
    behind: Behind,
}

/// What stands behind a literal. The usual kinds of value have a case of their own, which saves choosing twice.
enum Behind {
    Nothing,
    Uint,
    Millis2,
    Int,
    Value(Kind),
    List,
    HexList,
    Text(Box<TextEnd>),
    Pad,
    /// Flags in a row: at most one of them is printed.
    Flags(Vec<&'static str>),
}

/// Where a text ends, as [`text_len`] has it.
enum TextEnd {
    /// With the line.
    Line,
    Blank,
    /// Where this byte stands first, or last.
    Byte(u8),
    LastByte(u8),
    /// Where these bytes stand first, or last.
    Literal(Finder<'static>),
    /// Searching from the front is several times faster, and most lines do not have them.
    LastLiteral(Finder<'static>, FinderRev<'static>),
    /// What follows says it.
    Pieces(Kind, &'static [Piece]),
}

impl TextEnd {
    fn of(kind: Kind, next: &'static [Piece]) -> Self {
        match next.first() {
            None => Self::Line,
            Some(Piece::Pad) => Self::Blank,
            Some(Piece::Literal(literal)) => match (kind, literal.as_bytes()) {
                (Kind::LongText, [byte]) => Self::LastByte(*byte),
                (Kind::LongText, bytes) => Self::LastLiteral(Finder::new(bytes), FinderRev::new(bytes)),
                (_, [byte]) => Self::Byte(*byte),
                (_, bytes) => Self::Literal(Finder::new(bytes)),
            },
            Some(_) => Self::Pieces(kind, next),
        }
    }

    #[inline]
    fn len(&self, rest: &[u8]) -> Option<usize> {
        match self {
            Self::Line => Some(rest.len()),
            Self::Blank => rest.iter().position(|byte| is_blank(*byte)),
            Self::Byte(byte) => memchr::memchr(*byte, rest),
            Self::LastByte(byte) => memchr::memrchr(*byte, rest),
            Self::Literal(finder) => finder.find(rest),
            Self::LastLiteral(first, last) => first.find(rest).and_then(|_| last.rfind(rest)),
            Self::Pieces(kind, next) => text_len(*kind, next, rest),
        }
    }
}

struct Program {
    steps: Vec<Step>,
    layout: Layout,
    /// By field: how the shape prints it.
    kinds: Vec<Kind>,
}

impl Program {
    fn of(shape: &'static ShapeDef) -> Self {
        let mut steps = Vec::new();
        let mut layout = Layout { single: Vec::new(), lists: Vec::new(), flags: Vec::new(), texts: Vec::new() };
        let mut kinds: Vec<Kind> = shape.family.def().fields.iter().map(|field| field.kind).collect();
        for (piece, next) in shape.pieces.iter().zip(1..) {
            let behind = match *piece {
                Piece::Literal(text) => {
                    let parts = text.as_bytes().chunks(8);
                    steps.extend(parts.map(|part| Step { literal: Expected::new(part), behind: Behind::Nothing }));
                    continue;
                }
                Piece::Pad => Behind::Pad,
                Piece::Value(field, kind) if kind.is_list() => {
                    kinds[usize::from(field)] = kind;
                    layout.lists.push(field);
                    if kind == Kind::HexList { Behind::HexList } else { Behind::List }
                }
                Piece::Value(field, kind) => {
                    kinds[usize::from(field)] = kind;
                    if kind.is_text() {
                        layout.texts.push(layout.single.len() as u8);
                    }
                    layout.single.push(field);
                    match kind {
                        Kind::Text | Kind::LongText => Behind::Text(Box::new(TextEnd::of(kind, &shape.pieces[next..]))),
                        Kind::Uint => Behind::Uint,
                        Kind::Millis2 => Behind::Millis2,
                        Kind::Int => Behind::Int,
                        _ => Behind::Value(kind),
                    }
                }
                Piece::Flag(field, text) => {
                    layout.single.push(field);
                    layout.flags.push(field);
                    if let Some(Step { behind: Behind::Flags(texts), .. }) = steps.last_mut() {
                        texts.push(text);
                        continue;
                    }
                    Behind::Flags(vec![text])
                }
            };
            match steps.last_mut() {
                Some(step) if matches!(step.behind, Behind::Nothing) => step.behind = behind,
                _ => steps.push(Step { literal: Expected::NOTHING, behind }),
            }
        }
        Self { steps, layout, kinds }
    }
}

fn program(shape: Shape) -> &'static Program {
    static PROGRAMS: OnceLock<Vec<Program>> = OnceLock::new();
    &PROGRAMS.get_or_init(|| SHAPES.iter().map(Program::of).collect())[usize::from(shape.0)]
}

/// Which fields the codes of a shape belong to.
pub fn layout(shape: Shape) -> &'static Layout {
    &program(shape).layout
}

/// How a shape prints a field, which may differ from what the field says by itself.
pub fn kind(shape: Shape, field: u8) -> Kind {
    program(shape).kinds[usize::from(field)]
}

/// Whether `line` is the shape from its first to its last byte; if so, `codes` holds its values. Shapes that are read by
/// code have optional values, which codes cannot say: they are never whole here.
pub fn whole(shape: Shape, line: &[u8], codes: &mut Codes) -> bool {
    if shape.def().reader != Reader::Template {
        return false;
    }
    let Program { steps, layout, .. } = program(shape);
    // Most shapes that are tried begin with other words.
    if !steps.first().is_none_or(|step| step.literal.begins(line)) {
        return false;
    }
    codes.single.resize(layout.single.len(), 0);
    codes.pool.clear();
    codes.ends.clear();
    follow(steps, line, codes).is_some_and(<[u8]>::is_empty)
}

/// Follows all steps; what is left of the line behind them.
#[inline]
fn follow<'a>(steps: &[Step], line: &'a [u8], codes: &mut Codes) -> Option<&'a [u8]> {
    let mut rest = line;
    let mut slots = codes.single.iter_mut();
    for Step { literal, behind } in steps {
        if !literal.begins(rest) {
            return None;
        }
        rest = rest.get(literal.len..)?;
        let (code, len) = match behind {
            Behind::Nothing => continue,
            Behind::Uint => cells::read_uint(rest)?,
            Behind::Millis2 => cells::read_millis2(rest)?,
            Behind::Int => cells::read_int(rest)?,
            Behind::Value(kind) => cells::read(*kind, rest)?,
            Behind::Text(end) => {
                let len = end.len(rest)?;
                (((line.len() - rest.len()) as u64) << 32 | len as u64, len)
            }
            Behind::Pad => match pad_len(rest) {
                0 => return None,
                len => {
                    rest = &rest[len..];
                    continue;
                }
            },
            Behind::HexList => {
                let len = cells::read_hex_list(rest, |code| codes.pool.push(code));
                codes.ends.push(codes.pool.len());
                rest = rest.get(len..)?;
                continue;
            }
            Behind::List => {
                let len = cells::read_list(rest, |code| codes.pool.push(code))?;
                codes.ends.push(codes.pool.len());
                rest = rest.get(len..)?;
                continue;
            }
            Behind::Flags(texts) => {
                let printed = texts.iter().position(|text| rest.starts_with(text.as_bytes()));
                for (index, slot) in (0..texts.len()).zip(&mut slots) {
                    *slot = u64::from(printed == Some(index));
                }
                if let Some(index) = printed {
                    rest = &rest[texts[index].len()..];
                }
                continue;
            }
        };
        *slots.next()? = code;
        rest = rest.get(len..)?;
    }
    Some(rest)
}
