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

impl Codes {
    fn clear(&mut self) {
        self.single.clear();
        self.pool.clear();
        self.ends.clear();
    }
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

/// A part of a template. The usual kinds of value have their own step, which saves choosing twice.
enum Step {
    Literal(Expected),
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
            match *piece {
                Piece::Literal(text) => {
                    steps.extend(text.as_bytes().chunks(8).map(|part| Step::Literal(Expected::new(part))));
                }
                Piece::Value(field, Kind::IntList) => {
                    layout.lists.push(field);
                    steps.push(Step::List);
                }
                Piece::Value(field, kind) => {
                    kinds[usize::from(field)] = kind;
                    layout.single.push(field);
                    steps.push(match kind {
                        Kind::Uint => Step::Uint,
                        Kind::Millis2 => Step::Millis2,
                        Kind::Int => Step::Int,
                        _ => Step::Value(kind),
                    });
                }
                Piece::Flag(field, text) => {
                    layout.single.push(field);
                    layout.flags.push(field);
                    match steps.last_mut() {
                        Some(Step::Flags(texts)) => texts.push(text),
                        _ => steps.push(Step::Flags(vec![text])),
                    }
                }
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
    codes.clear();
    follow(&program(shape).steps, line, codes).is_some_and(<[u8]>::is_empty)
}

/// Follows all steps; what is left of the line behind them.
#[inline]
fn follow<'a>(steps: &[Step], line: &'a [u8], codes: &mut Codes) -> Option<&'a [u8]> {
    let mut rest = line;
    for step in steps {
        let (code, len) = match step {
            Step::Literal(expected) => {
                if !expected.begins(rest) {
                    return None;
                }
                rest = rest.get(expected.len..)?;
                continue;
            }
            Step::Uint => cells::read(Kind::Uint, rest)?,
            Step::Millis2 => cells::read(Kind::Millis2, rest)?,
            Step::Int => cells::read(Kind::Int, rest)?,
            Step::Value(kind) => cells::read(*kind, rest)?,
            Step::List => {
                let len = cells::read_list(rest, |code| codes.pool.push(code))?;
                codes.ends.push(codes.pool.len());
                rest = rest.get(len..)?;
                continue;
            }
            Step::Flags(texts) => {
                let printed = texts.iter().position(|text| rest.starts_with(text.as_bytes()));
                codes.single.extend((0..texts.len()).map(|index| u64::from(printed == Some(index))));
                if let Some(index) = printed {
                    rest = &rest[texts[index].len()..];
                }
                continue;
            }
        };
        codes.single.push(code);
        rest = rest.get(len..)?;
    }
    Some(rest)
}
