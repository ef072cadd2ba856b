//! The two matchers mean the same, and what they read prints back.

use proptest::prelude::*;
use tracelog::catalog::{At, Kind, Piece, SHAPES, Shape};
use tracelog::template::{self, Codes, Datum, Match};

use crate::lines::{self, Printed};

/// What the byte matcher says, in the order of the template.
fn whole(shape: Shape, line: &[u8]) -> Option<Vec<Datum>> {
    let mut codes = Codes::default();
    if !template::whole(shape, line, &mut codes) {
        return None;
    }
    let mut single = codes.single.iter();
    let starts = std::iter::once(0).chain(codes.ends.iter().copied());
    let mut lists = starts.zip(&codes.ends).map(|(start, end)| codes.pool[start..*end].to_vec());
    let mut one = || *single.next().expect("as many values as the shape has");
    let values = shape.def().pieces.iter().filter_map(|piece| match *piece {
        Piece::Literal(_) | Piece::Pad => None,
        Piece::Value(_, kind) if kind.is_list() => {
            Some(Datum::List(kind, lists.next().expect("as many lists as the shape has")))
        }
        Piece::Value(_, kind) if kind.is_text() => {
            Some(Datum::Text(String::from_utf8_lossy(&line[template::span(one())]).into_owned()))
        }
        Piece::Value(_, kind) => Some(Datum::One(kind, one())),
        Piece::Flag(..) => Some(Datum::One(Kind::Flag, one())),
    });
    Some(values.collect())
}

/// What the token matcher says of a whole line.
fn longest(shape: Shape, line: &[u8]) -> Option<Vec<Datum>> {
    let found = template::longest(shape, line);
    (found.is_complete() && found.end == line.len())
        .then(|| found.values.into_iter().map(|value| value.datum).collect())
}

/// The line that the values make, put between the literals.
fn reprint(found: &Match) -> String {
    let mut values = found.values.iter();
    let print = |piece: &Piece| match piece {
        Piece::Literal(text) => (*text).to_owned(),
        Piece::Pad => " ".to_owned(),
        Piece::Value(..) => values.next().map(|value| value.datum.print()).unwrap_or_default(),
        Piece::Flag(_, text) => {
            let printed = values.next().is_some_and(|value| value.end > value.start);
            if printed { (*text).to_owned() } else { String::new() }
        }
    };
    found.shape.def().pieces.iter().map(print).collect()
}

/// Damage to a line.
#[derive(Clone, Debug)]
enum Damage {
    Delete,
    Insert(u8),
    Replace(u8),
    Truncate,
    Glue(String),
}

fn damage() -> impl Strategy<Value = (Damage, prop::sample::Index)> {
    let byte = || prop_oneof![4 => prop::sample::select(b"0123456789 .-+x[]()nm\0\r".to_vec()), 1 => any::<u8>()];
    let damage = prop_oneof![
        Just(Damage::Delete),
        byte().prop_map(Damage::Insert),
        byte().prop_map(Damage::Replace),
        Just(Damage::Truncate),
        lines::foreign().prop_map(Damage::Glue),
    ];
    (damage, any::<prop::sample::Index>())
}

fn damaged(line: &str, damages: &[(Damage, prop::sample::Index)]) -> Vec<u8> {
    let mut bytes = line.as_bytes().to_vec();
    for (damage, at) in damages {
        if bytes.is_empty() {
            break;
        }
        let at = at.index(bytes.len());
        match damage {
            Damage::Delete => drop(bytes.remove(at)),
            Damage::Insert(byte) => bytes.insert(at, *byte),
            Damage::Replace(byte) => bytes[at] = *byte,
            Damage::Truncate => bytes.truncate(at),
            Damage::Glue(text) => bytes.extend_from_slice(text.as_bytes()),
        }
    }
    bytes
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn a_printed_line_is_read_by_both_and_prints_back(printed in lines::line()) {
        let Printed { shape, text, values, .. } = printed;
        prop_assert_eq!(whole(shape, text.as_bytes()), Some(values.clone()));
        prop_assert_eq!(longest(shape, text.as_bytes()), Some(values));
        let best = template::best(text.as_bytes()).expect("a printed line is of some shape");
        prop_assert_eq!((best.is_complete(), best.end), (true, text.len()));
        prop_assert_eq!(reprint(&best), text);
    }

    /// What was learned from earlier lines decides which shape is tried first; that may not change what a line is.
    #[test]
    fn a_line_is_of_one_shape_only(printed in lines::line()) {
        for number in 0..SHAPES.len() {
            let shape = Shape(number as u16);
            if shape.def().at == At::Line {
                continue;
            }
            prop_assert_eq!(whole(shape, printed.text.as_bytes()).is_some(), shape == printed.shape, "{}", shape.def().id);
        }
    }

    #[test]
    fn both_agree_on_damaged_lines(printed in lines::line(), damages in prop::collection::vec(damage(), 1..4)) {
        let line = damaged(&printed.text, &damages);
        for number in 0..SHAPES.len() {
            let shape = Shape(number as u16);
            prop_assert_eq!(whole(shape, &line), longest(shape, &line), "{}: {}", shape.def().id, line.escape_ascii());
        }
    }
}
