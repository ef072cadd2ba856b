//! Random lines: what Go prints, what carries it, and what stands around it.

use proptest::prelude::*;
use tracelog::catalog::{At, Kind, Piece, SHAPES, Shape};
use tracelog::cells;
use tracelog::template::Datum;

/// A line of a shape, with the codes of its values in template order.
#[derive(Clone, Debug)]
pub struct Printed {
    pub shape: Shape,
    pub text: String,
    /// For each piece: where it ends.
    pub ends: Vec<usize>,
    /// For each piece that is a value or a flag, what it says.
    pub values: Vec<Datum>,
}

/// A code from random bits: small ones as often as large ones.
fn code(kind: Kind, bits: u64) -> u64 {
    let spread = bits >> (bits % 64);
    match kind {
        Kind::Bool => bits % 4,
        Kind::Flag => bits % 2,
        // Digits enough for either notation, and a finite number.
        Kind::FloatE | Kind::FloatG => ((spread % 10_000_000) as f64 / 1e4).to_bits(),
        Kind::Ref if bits.is_multiple_of(3) => u64::MAX,
        // Sums with a constant must fit, here and in the reader.
        Kind::Millis2 | Kind::Seconds3 => spread >> 1,
        _ => spread,
    }
}

/// Texts as they stand in lines: states, packages, types.
const TEXTS: [&str; 6] = ["chan receive", "", "force gc (idle)", "internal/bytealg", "map[string]*main.T", "Δ"];

/// A value of this kind from random bits.
fn value(kind: Kind, mut next: impl FnMut() -> u64) -> Datum {
    match kind {
        Kind::Text | Kind::LongText => Datum::Text(TEXTS[(next() % 6) as usize].to_owned()),
        Kind::IntList => Datum::List(kind, (0..1 + next() % 9).map(|_| code(kind, next())).collect()),
        Kind::HexList => Datum::List(kind, (0..next() % 9).map(|_| code(kind, next())).collect()),
        // What reads floats gives back what it printed.
        Kind::FloatE | Kind::FloatG => {
            let printed = Datum::One(kind, code(kind, next())).print();
            let (code, _) = cells::read(kind, printed.as_bytes()).expect("a printed float is read");
            Datum::One(kind, code)
        }
        _ => Datum::One(kind, code(kind, next())),
    }
}

fn print(shape: Shape, bits: &[u64]) -> Printed {
    let mut bits = bits.iter().copied().cycle();
    let mut next = || bits.next().expect("cycles");
    let mut printed = Printed { shape, text: String::new(), ends: Vec::new(), values: Vec::new() };
    let mut after_flag = false;
    for (index, piece) in shape.def().pieces.iter().enumerate() {
        let mut is_printed_flag = false;
        match *piece {
            Piece::Literal(text) => printed.text.push_str(text),
            Piece::Pad => printed.text.push_str(["\t", " ", "\t\t"][(next() % 3) as usize]),
            Piece::Value(_, kind) => {
                let mut datum = value(kind, &mut next);
                // A text ends where the next words stand, so none that Go prints holds them.
                if let (Datum::Text(text), Some(Piece::Literal(words))) =
                    (&mut datum, shape.def().pieces.get(index + 1))
                    && text.contains(words)
                {
                    *text = text.replace(words, "");
                }
                printed.text.push_str(&datum.print());
                printed.values.push(datum);
            }
            // Two flags in a row exclude each other.
            Piece::Flag(_, text) => {
                is_printed_flag = !after_flag && next() % 2 == 1;
                if is_printed_flag {
                    printed.text.push_str(text);
                }
                printed.values.push(Datum::One(Kind::Flag, u64::from(is_printed_flag)));
            }
        }
        after_flag = is_printed_flag;
        printed.ends.push(printed.text.len());
    }
    printed
}

/// Shapes that are found anywhere in a line.
fn shapes() -> Vec<Shape> {
    let all = (0..SHAPES.len()).map(|number| Shape(number as u16));
    all.filter(|shape| shape.def().at == At::Anywhere).collect()
}

/// A line of any shape whose numbers come from these bits.
fn line_of(bits: impl Strategy<Value = u64>) -> impl Strategy<Value = Printed> {
    let bits = prop::collection::vec(bits, 1..40);
    (prop::sample::select(shapes()), bits).prop_map(|(shape, bits)| print(shape, &bits))
}

/// A line of any shape with any numbers.
pub fn line() -> impl Strategy<Value = Printed> {
    line_of(any::<u64>())
}

/// A line with values enough to be known from its pieces, and with numbers small enough to be told from a date behind
/// them.
pub fn long_line() -> impl Strategy<Value = Printed> {
    line_of(0..1_u64 << 40).prop_filter("has a certain head", |line| line.values.len() > 4)
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
        let at = line.text.floor_char_boundary(at.index(line.text.len()));
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
