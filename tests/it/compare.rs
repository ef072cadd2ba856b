//! One file: what the product printed against the checker's reading.

use std::collections::BTreeMap;

use crate::blocks::is_family;
use crate::corpus::{Entry, scrambled};
use crate::grammar::{Reading, Value};
use crate::json::Json;
use crate::product::ParsedLine;
use crate::reading::{Expected, FileReading, Wrapping};
use crate::unwrap;
use crate::values::not_as_printed;

/// Fields that say whether a note was printed. They are not values of the line.
const NOTES: [&str; 3] = ["forced", "leak_check", "controller_reset"];

/// JSON types seen per field id: one id has one type everywhere.
#[derive(Debug, Default)]
pub struct Types {
    seen: BTreeMap<String, BTreeMap<String, String>>,
}

impl Types {
    fn note(&mut self, id: &str, json: &Json, place: &str) {
        let name = json.type_name();
        if name != "null" && name != "list of nothing" {
            self.seen.entry(id.to_owned()).or_default().entry(name).or_insert_with(|| place.to_owned());
        }
    }

    /// Ids with more than one type, and where each was seen first.
    pub fn conflicts(&self) -> Vec<String> {
        let conflicting = self.seen.iter().filter(|(_, types)| types.len() > 1);
        conflicting.map(|(id, types)| format!("field {id} has several JSON types: {types:?}")).collect()
    }
}

/// Appends every difference between the product's lines and the checker's reading of a file.
pub fn compare_file(
    entry: &Entry,
    file: &FileReading,
    parsed: &[ParsedLine],
    types: &mut Types,
    differences: &mut Vec<String>,
) {
    let numbers: Vec<i128> = parsed.iter().map(|parsed| parsed.line).collect();
    let wanted: Vec<i128> = (1..).take(file.n_lines).collect();
    if numbers != wanted {
        differences.push(format!("{}: {} line objects for {} lines", entry.path, numbers.len(), wanted.len()));
        return;
    }
    for (idx, parsed) in parsed.iter().enumerate() {
        let line = idx + 1;
        let place = format!("{}:{line}", entry.path);
        for (id, json) in parsed.items.iter().flat_map(|item| item.get("fields").members()) {
            types.note(id, json, &place);
        }
        let text = &file.texts[idx];
        let found = if scrambled(&entry.path).contains(&line) {
            scrambled_line(&parsed.items, text)
        } else {
            compare_line(entry, file, line, parsed)
        };
        differences.extend(found.into_iter().map(|difference| format!("{place}: {difference}\n    {text}")));
    }
}

/// Of a line that cannot be put together only what was printed may be given, and marked as torn.
fn scrambled_line(items: &[Json], text: &str) -> Vec<String> {
    let mut differences = Vec::new();
    for item in items {
        if item.get("torn") != &Json::Bool(true) {
            differences.push("an item of a scrambled line is not marked as torn".to_owned());
        }
        differences.extend(invented(item, text));
    }
    differences
}

fn compare_line(entry: &Entry, file: &FileReading, line: usize, parsed: &ParsedLine) -> Vec<String> {
    let items = &parsed.items;
    let text = &file.texts[line - 1];
    let all = file.on_line(line);
    let expected: Vec<&Expected> = all.iter().collect();
    let mut differences = Vec::new();
    let mut rest: Vec<&Json> = Vec::new();
    for item in items {
        if is_family(item.get("family").text()) && unwrap::is_lost(&entry.wrapper) {
            continue;
        }
        let is_tail = item.get("part").text() == "tail";
        let is_cut = line == 1 || file.tails.contains_key(&line);
        let is_open = file.open_heads.contains(&line) && item.get("part").text() == "head";
        if is_tail && is_cut {
            differences.extend(compare_tail(item, file.tails.get(&line).copied()));
        } else if is_open && item.get("torn") == &Json::Bool(true) {
            differences.extend(invented(item, text));
        } else {
            rest.push(item);
        }
    }
    if rest.len() != expected.len() {
        let families: Vec<&str> = expected.iter().map(|expected| expected.reading.family).collect();
        let got: Vec<&str> = rest.iter().map(|item| item.get("shape").text()).collect();
        differences.push(format!("items {got:?} instead of {families:?}"));
    } else {
        for (item, expected) in rest.iter().zip(&expected) {
            differences.extend(compare_item(entry, item, expected));
        }
    }
    let is_known = !all.is_empty() || file.tails.contains_key(&line) || file.open_heads.contains(&line);
    let is_plain = entry.wrapping() == Wrapping::Plain;
    if is_plain && !is_known && !items.is_empty() {
        differences.push(format!("application line claimed as {:?}", items[0].get("family").text()));
    }
    if is_plain {
        let is_whole = matches!(expected.as_slice(), [one] if one.reading.text == *text);
        differences.extend(compare_text(&parsed.text, text, items.is_empty(), is_whole));
    }
    differences
}

/// A line without items is foreign as a whole, a whole trace line not at all. What is left of torn and glued lines is
/// checked where nothing may be lost: by the parser's own properties.
fn compare_text(got: &Json, text: &str, is_foreign: bool, is_whole: bool) -> Option<String> {
    // The checker's text replaces invalid UTF-8; how the product prints that is not judged here.
    if text.contains(char::REPLACEMENT_CHARACTER) {
        return None;
    }
    let wanted = if is_foreign && !text.is_empty() {
        Json::Text(text.to_owned())
    } else if text.is_empty() || is_whole {
        Json::Null
    } else {
        return None;
    };
    let is_blank = text.is_empty() && got.text().is_empty();
    (got != &wanted && !is_blank).then(|| format!("text {got:?} instead of {wanted:?}"))
}

fn compare_tail(item: &Json, head_line: Option<usize>) -> Option<String> {
    let wanted = head_line.map_or(Json::Null, |line| Json::Integer(i128::try_from(line).expect("a line number fits")));
    (item.get("head_line") != &wanted)
        .then(|| format!("tail of line {:?} instead of {wanted:?}", item.get("head_line")))
}

fn compare_item(entry: &Entry, item: &Json, expected: &Expected) -> Vec<String> {
    let Reading { family, shape, values, notes, text, printed } = &expected.reading;
    let mut differences = Vec::new();
    let mut check = |what: &str, got: String, wanted: String| {
        if got != wanted {
            differences.push(format!("{what} {got} instead of {wanted}"));
        }
    };
    check("family", item.get("family").text().to_owned(), (*family).to_owned());
    if !shape.is_empty() {
        check("shape", item.get("shape").text().to_owned(), shape.clone());
    }
    let is_torn = expected.tail_line.is_some();
    check("torn", format!("{:?}", item.get("torn")), format!("{:?}", Json::Bool(is_torn)));
    check("part", item.get("part").text().to_owned(), if is_torn { "head" } else { "whole" }.to_owned());
    let got_notes: Vec<&str> =
        NOTES.into_iter().filter(|note| item.get("fields").get(note) == &Json::Bool(true)).collect();
    let wanted_notes: Vec<&str> = NOTES.into_iter().filter(|note| notes.contains(note)).collect();
    check("notes", format!("{got_notes:?}"), format!("{wanted_notes:?}"));
    if shape.is_empty() {
        differences.extend(not_as_printed(family, item.get("fields"), text, printed));
    } else if !same_values(&printed_values(item), values) {
        differences.push(format!("values {:?} instead of {values:?}", printed_values(item)));
    }
    if let Some(release) = entry.release {
        let range: Vec<(u32, u32)> = item.get("go").list().iter().filter_map(|go| parse_release(go.text())).collect();
        if range.len() != 2 || release < range[0] || release > range[1] {
            differences.push(format!("go {:?} does not hold {release:?}", item.get("go")));
        }
    }
    differences
}

fn parse_release(text: &str) -> Option<(u32, u32)> {
    let (major, minor) = text.split_once('.')?;
    Some((major.parse().ok()?, minor.parse().ok()?))
}

/// Values of an item in the order of its fields; lists are opened, notes and absent values left out.
fn printed_values(item: &Json) -> Vec<Json> {
    let fields = item.get("fields").members().iter().filter(|(id, _)| !NOTES.contains(&id.as_str()));
    let mut values = Vec::new();
    for (_, json) in fields {
        match json {
            Json::Null => {}
            Json::List(items) => values.extend(items.iter().cloned()),
            json => values.push(json.clone()),
        }
    }
    values
}

fn same_values(got: &[Json], wanted: &[Value]) -> bool {
    got.len() == wanted.len()
        && got.iter().zip(wanted).all(|(got, wanted)| match (got, wanted) {
            (Json::Integer(got), Value::Integer(wanted)) => got == wanted,
            (Json::Float(got), Value::Decimal(wanted)) => got == wanted,
            (Json::Integer(got), Value::Decimal(wanted)) => *got as f64 == *wanted,
            (Json::Bool(got), Value::Flag(wanted)) => got == wanted,
            _ => false,
        })
}

/// Values of a torn item that the text does not print in this order.
fn invented(item: &Json, text: &str) -> Option<String> {
    let number = regex::Regex::new(r"0x[0-9a-f]+|\d+\.\d+|\d+").expect("a constant expression");
    let mut printed_numbers = number.find_iter(text).map(|found| found.as_str());
    let unprinted = printed_values(item).into_iter().find(|value| match value {
        Json::Integer(value) => !printed_numbers.any(|text| is_number(text, *value as f64)),
        Json::Float(value) => !printed_numbers.any(|text| is_number(text, *value)),
        _ => false,
    });
    unprinted.map(|value| format!("value {value:?} of a torn item was not printed"))
}

fn is_number(text: &str, value: f64) -> bool {
    let number = match text.strip_prefix("0x") {
        Some(hex) => i64::from_str_radix(hex, 16).ok().map(|number| number as f64),
        None => text.parse().ok(),
    };
    number.is_some_and(|number: f64| number == value.abs())
}

#[test]
fn tells_invented_values_from_printed_ones() {
    let item: Json =
        serde_json::from_str(r#"{"fields":{"at_ms":895,"gomaxprocs":2,"idleprocs":-1,"threads":null}}"#).expect("JSON");
    assert_eq!(invented(&item, "SCHED 895ms: gomaxprocs=2 idleprocs=-1 thre"), None);
    assert!(invented(&item, "SCHED 895ms: gomaxprocs=2 idle").is_some());
    assert!(invented(&item, "SCHED 895ms: idleprocs=-1 gomaxprocs=2").is_some());
}

#[test]
fn compares_values_by_number_and_type() {
    let item: Json =
        serde_json::from_str(r#"{"fields":{"n":7,"at_s":0.5,"list":[1,2],"forced":true,"gcwaiting":false}}"#)
            .expect("JSON");
    let wanted = [Value::Integer(7), Value::Decimal(0.5), Value::Integer(1), Value::Integer(2), Value::Flag(false)];
    assert!(same_values(&printed_values(&item), &wanted));
    assert!(!same_values(&printed_values(&item), &wanted[1..]));
    assert!(!same_values(&[Json::Float(7.0)], &[Value::Integer(7)]));
}

#[test]
fn finds_every_kind_of_difference() {
    use crate::grammar::Grammar;
    use crate::product::parsed_line;
    use crate::reading::read_file;

    const LOG: &str = "served /healthz\nscvg1: 512 MB released\nSCHED 5ms: gomaxprocs=2 idle2026/11/21 06:56:30 GET /\n\
                       procs=0 threads=3 idlethreads=0 runqueue=0 [0 1]\n";
    const OUTPUT: [&str; 4] = [
        r#"{"file":"a","line":1,"carrier":null,"items":[],"text":"served /healthz"}"#,
        r#"{"file":"a","line":2,"carrier":null,"items":[{"family":"scvg","shape":"scvg_released","go":["1.2","1.12"],
            "fields":{"pass":1,"released_pass_mb":512},"torn":false,"part":"whole"}],"text":null}"#,
        r#"{"file":"a","line":3,"carrier":null,"items":[{"family":"sched","shape":"sched_1_2","go":["1.2","1.3"],
            "fields":{"at_ms":5,"gomaxprocs":2,"idleprocs":0,"threads":3,"idlethreads":0,"runqueue":0,
            "local_runqueues":[0,1]},"torn":true,"part":"head"}],"text":"2026/11/21 06:56:30 GET /"}"#,
        r#"{"file":"a","line":4,"carrier":null,"items":[{"family":"sched","shape":"sched_1_2","go":["1.2","1.3"],
            "fields":{},"torn":true,"part":"tail","head_line":3}],"text":null}"#,
    ];
    let grammar = Grammar::load();
    let entry = Entry {
        path: "runs/a.log".to_owned(),
        release: Some((1, 3)),
        wrapper: "none".to_owned(),
        sources: Vec::new(),
        torn_lines: Vec::new(),
    };
    let file = read_file(&grammar, LOG.as_bytes(), Wrapping::Plain);
    let differences = |output: &[String]| {
        let parsed: Vec<ParsedLine> = output.iter().map(|line| parsed_line(line)).collect();
        let mut differences = Vec::new();
        compare_file(&entry, &file, &parsed, &mut Types::default(), &mut differences);
        differences
    };
    let output: Vec<String> = OUTPUT.iter().map(|line| (*line).to_owned()).collect();
    assert_eq!(differences(&output), Vec::<String>::new());
    for (idx, from, to) in [
        (0, r#""items":[]"#, r#""items":[{"family":"gc_forced"}]"#),
        (0, r#""text":"served /healthz""#, r#""text":"served""#),
        (1, r#""family":"scvg""#, r#""family":"scav""#),
        (1, r#""scvg_released""#, r#""scvg_released_1_0""#),
        (1, r#""pass":1,"released_pass_mb":512"#, r#""released_pass_mb":512,"pass":1"#),
        (1, "512", "513"),
        (1, "512", "512.0"),
        (1, "512}", r#"512,"forced":true}"#),
        (1, r#"["1.2","1.12"]"#, r#"["1.4","1.12"]"#),
        (1, r#""text":null"#, r#""text":"MB released""#),
        (2, r#""torn":true"#, r#""torn":false"#),
        (2, "[0,1]", "[0]"),
        (2, r#""part":"head""#, r#""part":"whole""#),
        (3, r#""head_line":3"#, r#""head_line":2"#),
        (3, r#""part":"tail""#, r#""part":"whole""#),
    ] {
        let mut changed = output.clone();
        changed[idx] = changed[idx].replace(from, to);
        assert_ne!(changed[idx], output[idx], "{from} is not in line {idx}");
        assert!(!differences(&changed).is_empty(), "{to} instead of {from} goes unnoticed");
    }
    assert_eq!(differences(&output[..3]).len(), 1);
}
