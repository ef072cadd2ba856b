//! Edits: the text equals a string that is edited alike, and the log equals one that is read afresh.

use proptest::prelude::*;
use tracelog::{Edited, Encoding, Family, Field, LineCol, Log, Text};

use crate::lines;

/// All that a log says, without how it is cut into chunks.
#[derive(Debug, PartialEq)]
struct Content {
    n_lines: u32,
    rows: Vec<Row>,
    fragments: Vec<String>,
    marks: Vec<String>,
}

/// What a row has of a field: its index, number, text, list.
type Value = (u8, Option<u64>, Option<String>, Vec<i64>);

#[derive(Debug, PartialEq, PartialOrd)]
struct Row {
    family: Family,
    line: u32,
    shape: &'static str,
    source: Vec<u8>,
    values: Vec<Value>,
}

fn content(log: &Log) -> Content {
    let mut rows = Vec::new();
    for family in Family::ALL.iter().copied() {
        for row in log.rows(family) {
            let value = |index: usize| {
                let field = Field { family, index: index as u8 };
                // The number of a text depends on the chunk that it is in.
                let is_number = !field.def().kind.is_list() && !field.def().kind.is_text();
                let code = if is_number { log.code(row, field) } else { None };
                let text = log.text(row, field).map(|text| text.into_owned());
                (index as u8, code, text, log.list(row, field))
            };
            let values = (0..family.def().fields.len()).map(value).collect();
            let source = log.source(row).to_vec();
            rows.push(Row { family, line: log.line(row), shape: log.shape(row).def().id, source, values });
        }
    }
    // Rows of one line stand in the order in which their items were completed.
    rows.sort_by(|a, b| a.partial_cmp(b).expect("no NaN in a row"));
    let mut fragments: Vec<String> = log
        .fragments()
        .map(|(start, row, fragment)| {
            let part = |part: &tracelog::chunk::PartAt| (i64::from(start) + part.line, part.start, part.end);
            let parts: Vec<_> = fragment.parts.iter().map(part).collect();
            format!(
                "{:?} {parts:?} {} {:?} row at {}",
                fragment.shape,
                fragment.headless,
                fragment.doubtful,
                log.line(row)
            )
        })
        .collect();
    fragments.sort();
    let marks = log.marks().map(|mark| format!("{mark:?}")).collect();
    Content { n_lines: log.n_lines(), rows, fragments, marks }
}

/// What questions about a line are answered from, without row ids, which depend on chunks.
fn items(log: &Log, line: u32, text: &Text) -> String {
    let mut found = log.items(line, text);
    for item in &mut found.items {
        let line = item.row.map(|row| log.line(row));
        assert!(line.is_some(), "every item has its row: {item:?} in\n{text}");
        item.row = None;
    }
    format!("{found:?}")
}

fn check_same(log: &Log, text: &Text, lines: impl Iterator<Item = u32>) {
    let fresh = Log::read_text(text, || true).expect("is not told to stop");
    assert_eq!(content(log), content(&fresh));
    for line in lines {
        assert_eq!(items(log, line, text), items(&fresh, line, text), "line {line}");
    }
}

/// An edit in any text: where, as parts of the whole, how much, and what comes instead.
#[derive(Clone, Debug)]
struct Edit {
    at: prop::sample::Index,
    n_bytes: usize,
    new: String,
}

fn edit() -> impl Strategy<Value = Edit> {
    let new = prop_oneof![
        3 => lines::document(0..3),
        2 => lines::any_line(),
        1 => "[a😀é\u{301}\u{b}\u{c}\u{85}\u{2028}\u{2029}\u{0}\r\n]{0,6}",
        1 => Just(String::new()),
    ];
    let n_bytes = prop_oneof![3 => Just(0_usize), 2 => 1_usize..4, 2 => 1_usize..400];
    (any::<prop::sample::Index>(), n_bytes, new).prop_map(|(at, n_bytes, new)| Edit { at, n_bytes, new })
}

/// The place of a byte, found without the code under test.
fn place(string: &str, byte: usize) -> LineCol {
    let before = &string[..byte];
    let line_start = before.rfind('\n').map_or(0, |at| at + 1);
    LineCol { line: before.matches('\n').count() as u32, byte: (byte - line_start) as u32 }
}

/// Applies an edit to both texts.
fn apply(string: &mut String, text: &mut Text, edit: &Edit) -> Edited {
    let start = string.floor_char_boundary(edit.at.index(string.len() + 1));
    let end = string.floor_char_boundary((start + edit.n_bytes).min(string.len()));
    let edited = text.replace(place(string, start), place(string, end), &edit.new);
    string.replace_range(start..end, &edit.new);
    assert_eq!(text.to_string(), *string);
    edited
}

/// Line `edited` says that all but some lines stayed as they were.
fn check_edited(before: &str, after: &str, edited: Edited) {
    let before: Vec<&str> = before.split('\n').collect();
    let after: Vec<&str> = after.split('\n').collect();
    let (first, old, new) = (edited.first as usize, edited.old as usize, edited.new as usize);
    assert_eq!(before[..first], after[..first]);
    assert_eq!(before[first + old..], after[first + new..]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn an_edited_log_equals_a_fresh_one(start in lines::document(0..40), edits in prop::collection::vec(edit(), 1..8)) {
        let mut string = start;
        let mut text = Text::new(&string);
        let mut log = Log::read_text(&text, || true).expect("is not told to stop");
        for edit in &edits {
            let before = string.clone();
            let edited = apply(&mut string, &mut text, edit);
            check_edited(&before, &string, edited);
            log = log.edited(&text, edited);
            check_same(&log, &text, 0..text.n_lines());
        }
    }

    #[test]
    fn reading_bytes_and_text_gives_the_same(string in lines::document(0..60)) {
        let text = Text::new(&string);
        let from_text = Log::read_text(&text, || true).expect("is not told to stop");
        prop_assert_eq!(content(&Log::read(string.as_bytes())), content(&from_text));
    }

    #[test]
    fn a_log_that_grows_equals_a_fresh_one(parts in prop::collection::vec(lines::document(0..6), 1..12), cut in any::<prop::sample::Index>()) {
        let string = parts.concat();
        let cut = string.floor_char_boundary(cut.index(string.len() + 1));
        let mut text = Text::default();
        let mut log = Log::read_text(&text, || true).expect("is not told to stop");
        for part in [&string[..cut], &string[cut..]].iter().flat_map(|part| part.split_inclusive('\n')) {
            let end = place(&text.to_string(), text.n_bytes());
            let edited = text.replace(end, end, part);
            log = log.edited(&text, edited);
        }
        prop_assert_eq!(text.to_string(), string);
        check_same(&log, &text, 0..text.n_lines());
    }

    #[test]
    fn replacing_all_equals_a_fresh_log(old in lines::document(0..20), new in lines::document(0..20), kept in any::<prop::sample::Index>()) {
        let kept = old.floor_char_boundary(kept.index(old.len() + 1));
        let new = format!("{}{new}", &old[..kept]);
        let mut text = Text::new(&old);
        let log = Log::read_text(&text, || true).expect("is not told to stop");
        let edited = text.replace_all(&new);
        prop_assert_eq!(text.to_string(), new.clone());
        check_edited(&old, &new, edited);
        check_same(&log.edited(&text, edited), &text, 0..text.n_lines());
    }

    #[test]
    fn places_round_trip_in_three_encodings(string in lines::document(0..12)) {
        let text = Text::new(&string);
        for encoding in [Encoding::Utf8, Encoding::Utf16, Encoding::Utf32] {
            for (byte, _) in string.char_indices().chain([(string.len(), ' ')]) {
                let at = place(&string, byte);
                let character = text.character(encoding, at);
                let line = string.split('\n').nth(at.line as usize).expect("a place is on a line");
                let before = &line[..at.byte as usize];
                let units = match encoding {
                    Encoding::Utf8 => before.len(),
                    Encoding::Utf16 => before.encode_utf16().count(),
                    Encoding::Utf32 => before.chars().count(),
                };
                prop_assert_eq!(character as usize, units);
                prop_assert_eq!(text.place(encoding, at.line, character), at);
            }
        }
    }
}

proptest! {
    // Documents of several chunks take long to compare, so there are few; all borders of chunks come to be crossed.
    #![proptest_config(ProptestConfig::with_cases(2))]

    #[test]
    fn edits_across_chunks_equal_a_fresh_log(
        start in lines::document(1100..1500),
        large in lines::document(400..900),
        edits in prop::collection::vec(edit(), 8),
    ) {
        let mut string = start;
        let mut text = Text::new(&string);
        let mut log = Log::read_text(&text, || true).expect("is not told to stop");
        for (number, edit) in edits.iter().enumerate() {
            // Now and then a large piece is taken out or put in.
            let edit = match number % 4 {
                1 => Edit { n_bytes: string.len() / 3, ..edit.clone() },
                3 => Edit { new: large.clone(), ..edit.clone() },
                _ => edit.clone(),
            };
            let edited = apply(&mut string, &mut text, &edit);
            log = log.edited(&text, edited);
            let from = edited.first.saturating_sub(40);
            check_same(&log, &text, from..(from + 80).min(text.n_lines()));
        }
        check_same(&log, &text, 0..text.n_lines());
    }
}
