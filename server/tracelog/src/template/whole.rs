//! The byte matcher: a shape as a flat list of steps over a line, with nothing decided twice.

use std::sync::OnceLock;

use crate::catalog::{Kind, Piece, SHAPES, Shape, ShapeDef};
use crate::cells;
use crate::word::Expected;

/// Codes of the values of one line, as [`whole`] found them.
#[derive(Default)]
pub struct Codes {
    /// Values and flags, in the order of the template ([`Layout::single`]).
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
    /// Flags in a row: at most one of them is printed.
    Flags(Vec<&'static str>),
}

struct Program {
    steps: Vec<Step>,
    layout: Layout,
    /// By field: how the shape prints it.
    kinds: Vec<Kind>,
}

impl Program {
    fn of(shape: &ShapeDef) -> Self {
        let mut steps = Vec::new();
        let mut layout = Layout { single: Vec::new(), lists: Vec::new(), flags: Vec::new() };
        let mut kinds: Vec<Kind> = shape.family.def().fields.iter().map(|field| field.kind).collect();
        for piece in shape.pieces {
            let behind = match *piece {
                Piece::Literal(text) => {
                    let parts = text.as_bytes().chunks(8);
                    steps.extend(parts.map(|part| Step { literal: Expected::new(part), behind: Behind::Nothing }));
                    continue;
                }
                Piece::Value(field, Kind::IntList) => {
                    layout.lists.push(field);
                    Behind::List
                }
                Piece::Value(field, kind) => {
                    kinds[usize::from(field)] = kind;
                    layout.single.push(field);
                    match kind {
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

/// Whether `line` is the shape from its first to its last byte; if so, `codes` holds its values.
pub fn whole(shape: Shape, line: &[u8], codes: &mut Codes) -> bool {
    let Program { steps, layout, .. } = program(shape);
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
