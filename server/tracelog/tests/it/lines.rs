//! Random lines: what Go prints, what carries it, and what stands around it.

use proptest::prelude::*;
use tracelog::catalog::{Kind, Piece, SHAPES, Shape};
use tracelog::cells;

/// A line of a shape, with the codes of its values in template order.
#[derive(Clone, Debug)]
pub struct Printed {
    pub shape: Shape,
    pub text: String,
    /// For each piece: where it ends.
    pub ends: Vec<usize>,
    /// For each piece that is a value, its codes: one, or those of a list. Flags have one.
    pub codes: Vec<Vec<u64>>,
}

/// A code from random bits: small ones as often as large ones.
fn code(kind: Kind, bits: u64) -> u64 {
    let spread = bits >> (bits % 64);
    match kind {
        Kind::Bool => bits % 4,
        Kind::Flag => bits % 2,
        // Sums with a constant must fit, here and in the reader.
        Kind::Millis2 | Kind::Seconds3 => spread >> 1,
        _ => spread,
    }
}

fn print(shape: Shape, bits: &[u64]) -> Printed {
    let mut bits = bits.iter().copied().cycle();
    let mut next = || bits.next().expect("cycles");
    let mut printed = Printed { shape, text: String::new(), ends: Vec::new(), codes: Vec::new() };
    let mut after_flag = false;
    for piece in shape.def().pieces {
        let mut is_printed_flag = false;
        match *piece {
            Piece::Literal(text) => printed.text.push_str(text),
            Piece::Value(_, kind) => {
                let n = if kind == Kind::IntList { 1 + next() % 9 } else { 1 };
                let codes: Vec<u64> = (0..n).map(|_| code(kind, next())).collect();
                for (index, code) in codes.iter().enumerate() {
                    if index > 0 {
                        printed.text.push(' ');
                    }
                    cells::print(kind, *code, &mut printed.text);
                }
                printed.codes.push(codes);
            }
            // Two flags in a row exclude each other.
            Piece::Flag(_, text) => {
                is_printed_flag = !after_flag && next() % 2 == 1;
                if is_printed_flag {
                    printed.text.push_str(text);
                }
                printed.codes.push(vec![u64::from(is_printed_flag)]);
            }
        }
        after_flag = is_printed_flag;
        printed.ends.push(printed.text.len());
    }
    printed
}

/// A line of any shape whose numbers come from these bits.
fn line_of(bits: impl Strategy<Value = u64>) -> impl Strategy<Value = Printed> {
    let bits = prop::collection::vec(bits, 1..40);
    (0..SHAPES.len(), bits).prop_map(|(shape, bits)| print(Shape(shape as u8), &bits))
}

/// A line of any shape with any numbers.
pub fn line() -> impl Strategy<Value = Printed> {
    line_of(any::<u64>())
}

/// A line with values enough to be known from its pieces, and with numbers small enough to be told from a date behind
/// them.
pub fn long_line() -> impl Strategy<Value = Printed> {
    line_of(0..1_u64 << 40).prop_filter("has a certain head", |line| line.codes.len() > 4)
}

/// What programs print between trace lines.
pub fn foreign() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("2026/11/21 07:01:08 GET /metrics 200 6.3ms".to_owned()),
        Just("[api] 2026/11/21 07:01:08.719161 applog.go:21: request done path=/api/v1/orders in 27349us".to_owned()),
        Just("time=2024-01-02T15:04:05.057Z level=INFO msg=\"request done\" status=200".to_owned()),
        Just(r#"{"time":"2024-01-02T15:04:05Z","level":"INFO","msg":"a \"b\" \u003e c","n":7}"#.to_owned()),
        Just("panic: runtime error: index out of range [5] with length 3".to_owned()),
        Just("# command-line-arguments".to_owned()),
        Just("exit status 2".to_owned()),
        Just("12 34 56".to_owned()),
        Just(String::new()),
        // A blank in front would be the end of a number in Go 1.0 and a tear in Go 1.1: `0+0+0 ms` and ` ` or `, …`.
        "[a-z][a-z ]{0,11}",
    ]
}

/// A line behind a carrier, or bare.
pub fn carried(line: String) -> impl Strategy<Value = String> {
    let json = line.replace('\\', "\\\\").replace('"', "\\\"").replace('>', "\\u003e");
    prop_oneof![
        6 => Just(line.clone()),
        1 => Just(format!("web-1  | {line}")),
        1 => Just(format!("2025-01-23T10:25:22.050319161Z stderr F {line}")),
        1 => Just(format!("Jun 24 18:35:16 node-3 api[15609]: {line}")),
        1 => Just(format!("{{\"log\":\"{json}\\n\",\"stream\":\"stderr\",\"time\":\"2024-09-19T17:19:42.463Z\"}}")),
        1 => Just(format!("\u{1b}[36mapi-1     | \u{1b}[0m{line}")),
    ]
}

/// One line of a document: trace, pieces of traces, other text, characters that some editors take for line ends.
pub fn any_line() -> impl Strategy<Value = String> {
    let piece = |line: Printed, at: prop::sample::Index, head: bool| {
        let at = at.index(line.text.len());
        if head { line.text[..at].to_owned() } else { line.text[at..].to_owned() }
    };
    prop_oneof![
        6 => line().prop_map(|line| line.text),
        2 => line().prop_flat_map(|line| carried(line.text)),
        2 => (long_line(), any::<prop::sample::Index>(), any::<bool>()).prop_map(move |(line, at, head)| piece(line, at, head)),
        1 => (line(), line()).prop_map(|(a, b)| a.text + &b.text),
        1 => (long_line(), any::<prop::sample::Index>(), foreign())
            .prop_map(move |(line, at, foreign)| piece(line, at, true) + &foreign),
        3 => foreign(),
        1 => "[a😀é\u{301}\t\u{b}\u{c}\u{85}\u{2028}\u{2029}\u{0}\r]{0,8}",
    ]
}

/// A text of some lines with all kinds of line end.
pub fn document(n_lines: std::ops::Range<usize>) -> impl Strategy<Value = String> {
    let end = prop_oneof![8 => Just("\n"), 1 => Just("\r\n"), 1 => Just("\r\r\n"), 1 => Just("\r")];
    prop::collection::vec((any_line(), end), n_lines)
        .prop_map(|lines| lines.into_iter().flat_map(|(line, end)| [line, end.to_owned()]).collect())
}
