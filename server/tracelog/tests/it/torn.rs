//! Torn lines: whatever is written into a line and wherever, no value is invented.

use proptest::prelude::*;
use tracelog::catalog::Piece;
use tracelog::template::{self, Datum};
use tracelog::{Kind, Log, Part, Text};

use crate::lines::{self, Printed};

/// The values that were printed, by field.
fn printed_values(line: &Printed) -> Vec<(u8, Datum)> {
    let fields = line.shape.def().pieces.iter().filter_map(|piece| match *piece {
        Piece::Literal(_) | Piece::Pad => None,
        Piece::Value(field, _) | Piece::Flag(field, _) => Some(field),
    });
    fields.zip(line.values.iter().cloned()).collect()
}

/// Reads a line torn at a byte; every value that any item has must be one that was printed. Gives the joined items.
fn check(line: &Printed, at: usize, foreign: &str) -> usize {
    let document = format!("{}{foreign}\n{}\nlast\n", &line.text[..at], &line.text[at..]);
    let text = Text::new(&document);
    let log = Log::read(document.as_bytes());
    let printed = printed_values(line);
    let mut n_joined = 0;
    for number in 0..text.n_lines() {
        for item in log.items(number, &text).items {
            for value in &item.values {
                let Some(datum) = &value.datum else { continue };
                // A flag that is not printed is no value; torn off, it cannot be known.
                if *datum == Datum::One(Kind::Flag, 0) {
                    continue;
                }
                let matches = printed.iter().any(|(field, printed)| *field == value.field.index && printed == datum);
                assert!(matches, "{:?} {datum:?} was not printed in\n{document}", value.field);
            }
            let is_all = item.part == Part::Head && item.values.len() == printed.len();
            n_joined += usize::from(is_all);
        }
    }
    n_joined
}

/// FIXME: a rest that begins with 1088124579968 begins with a time stamp in milliseconds, as far as its line tells.
fn begins_like_a_time_stamp(rest: &str) -> bool {
    [10, 13, 16, 19].contains(&rest.bytes().take_while(u8::is_ascii_digit).count())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(120))]

    #[test]
    fn no_value_is_invented(line in lines::long_line(), foreign in lines::foreign()) {
        // FIXME: where a lone blank stands between two numbers (`scav 12 0 KiB work`, Go 1.15 to 1.20), foreign text that
        // begins with a number and a blank cannot be told from the first number.
        let has_lone_blank = line.shape.def().pieces.contains(&Piece::Literal(" ")) || line.text.starts_with("scav ");
        prop_assume!(!(has_lone_blank && foreign.starts_with(|first: char| first.is_ascii_digit())));
        for at in (1..line.text.len()).filter(|at| line.text.is_char_boundary(*at)) {
            // A line that is whole before text that cannot be more of its last number is whole to everybody; Go writes
            // its numbers in one go.
            let is_whole = template::best(&line.text.as_bytes()[..at]).is_some_and(|item| item.is_complete());
            let is_more = foreign.starts_with(|first: char| first.is_ascii_digit()) && !foreign.starts_with("2026/");
            if (!is_whole || is_more) && !begins_like_a_time_stamp(&line.text[at..]) {
                check(&line, at, &foreign);
            }
        }
    }

    #[test]
    fn a_line_torn_between_pieces_is_joined_again(line in lines::long_line(), piece in any::<prop::sample::Index>()) {
        let inner = &line.ends[2..line.ends.len() - 1];
        let at = inner[piece.index(inner.len())];
        // What is complete without the flag that follows is not waited for.
        prop_assume!(!template::longest(line.shape, &line.text.as_bytes()[..at]).is_complete());
        prop_assume!(!begins_like_a_time_stamp(&line.text[at..]));
        prop_assert_eq!(check(&line, at, "2026/11/21 07:01:08 GET /metrics 200 6.3ms"), 1, "torn at {}", at);
    }
}

/// Zeros in front and exponents of six digits are no number of Go's, so a date behind the number is none of it.
#[test]
fn a_float_glued_to_a_date_is_a_float_of_either_notation() {
    for (number, code) in [("0", 0.0), ("1e-10", 1e-10), ("0.5", 0.5), ("+1.500000e-003", 0.0015)] {
        let head = "pacer: 25% CPU (25 exp.) for 11+22+33 B work (44 B exp.) in 100 B -> 200 B (∆goal 300, cons/mark ";
        let document = format!("{head}{number}2026/11/21 07:01:08 GET /metrics 200 6.3ms\n)\nlast\n");
        let log = Log::read(document.as_bytes());
        let line = log.items(0, &Text::new(&document));
        let [item] = &line.items[..] else { panic!("{number}: {:?}", line.items) };
        let ratio =
            item.values.iter().find(|value| value.field.def().id == "cons_mark").and_then(|value| value.datum.as_ref());
        assert_eq!(ratio.and_then(Datum::number), Some(code), "{number}");
    }
}

/// Between the pieces of a line torn twice stands a line that begins with the blank with which the torn one goes on.
#[test]
fn an_item_behind_the_middle_of_a_line_has_its_row() {
    let document = "gc 50 @588.556s x\n1852%: 998+741+61+519+702 ms clock, 914+581+537+912/694/509+910  P8: status=0 schedtick=0 syscalltick=9 m=nil \
                    runqsize=0/0 gfreecnt=0\nlast\n";
    let log = Log::read(document.as_bytes());
    let line = log.items(1, &Text::new(document));
    let [tail, processor] = &line.items[..] else { panic!("{:?}", line.items) };
    assert_eq!((tail.part, processor.part), (Part::Tail, Part::Whole));
    assert!(processor.row.is_some(), "{processor:?}");
}
