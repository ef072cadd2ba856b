//! Torn lines: the product's values against what a person reads, in `torn.toml`.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::corpus::{entries, folder};
use crate::grammar::Grammar;
use crate::json::Json;
use crate::product::{ParsedLine, parse_file};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Truths {
    item: Vec<Truth>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Truth {
    path: String,
    line: usize,
    tail: Option<usize>,
    family: String,
    /// Nobody can put it together for certain.
    #[serde(default)]
    hard: bool,
    printed: String,
}

/// What of a torn item was not as it was printed.
#[derive(Debug, Default, PartialEq)]
struct Faults {
    /// Values that were not printed, or not there.
    invented: Vec<String>,
    missing: Vec<String>,
}

fn truths() -> Vec<Truth> {
    let truths: Truths = toml::from_str(include_str!("torn.toml")).expect("the truths are TOML");
    truths.item
}

/// Values in the order of the fields, lists opened. Nothing is said by what is absent.
fn given(fields: &Json) -> Vec<&Json> {
    let values = fields.members().iter().map(|(_, value)| value);
    let opened =
        values.flat_map(|value| if let Json::List(items) = value { items.iter().collect() } else { vec![value] });
    opened.filter(|value| **value != Json::Null && **value != Json::Text(String::new())).collect()
}

fn is_same(value: &Json, printed: &str) -> bool {
    match value {
        Json::Integer(value) => printed.parse() == Ok(*value),
        Json::Float(value) => printed.parse() == Ok(*value),
        Json::Bool(true) => matches!(printed, "true" | "1" | "forced"),
        Json::Bool(false) => matches!(printed, "false" | "0"),
        // A blank inside of a text is written as U+00A0.
        Json::Text(value) => printed.replace('\u{a0}', " ") == *value,
        _ => false,
    }
}

fn faults(fields: &Json, printed: &str) -> Faults {
    let mut rest: Vec<&str> = printed.split(' ').filter(|value| !matches!(*value, "" | "nil")).collect();
    let mut faults = Faults::default();
    for value in given(fields) {
        let found = rest.iter().position(|printed| is_same(value, printed));
        // A note that was not printed is false.
        if value == &Json::Bool(false) && found != Some(0) {
            continue;
        }
        match found {
            Some(at) => {
                faults.missing.extend(rest.drain(..at).map(str::to_owned));
                rest.remove(0);
            }
            None => faults.invented.push(format!("{value:?}")),
        }
    }
    faults.missing.extend(rest.into_iter().map(str::to_owned));
    faults
}

/// The item of a family on a line that is nearest to the truth; none counts as one without fields.
fn of_item(parsed: &[ParsedLine], truth: &Truth) -> Faults {
    let on_line = |line: usize| parsed.get(line - 1).map_or(&[][..], |parsed| &parsed.items);
    // A blank that was torn off is no head: then all that was printed stands on the tail.
    let alone = truth.tail.map_or(&[][..], on_line).iter().filter(|item| item.get("head_line") == &Json::Null);
    let items = on_line(truth.line).iter().chain(alone).filter(|item| item.get("family").text() == truth.family);
    let all = items.map(|item| faults(item.get("fields"), &truth.printed));
    all.min_by_key(|faults| (faults.invented.len(), faults.missing.len()))
        .unwrap_or_else(|| faults(&Json::Null, &truth.printed))
}

#[test]
fn torn_lines_give_what_was_printed_and_nothing_else() {
    let folder = folder();
    let mut parsed: BTreeMap<String, Vec<ParsedLine>> = BTreeMap::new();
    let (mut n_values, mut n_missing, mut n_hard_missing, mut n_items) = (0, 0, 0, 0);
    let (mut invented, mut unmarked) = (Vec::new(), Vec::new());
    for truth in truths() {
        if !folder.join(&truth.path).is_file() {
            continue;
        }
        let parsed = parsed.entry(truth.path.clone()).or_insert_with(|| parse_file(&folder.join(&truth.path)));
        let faults = of_item(parsed, &truth);
        let Truth { path, line, family, .. } = &truth;
        n_items += 1;
        n_values += truth.printed.split(' ').filter(|value| !value.is_empty()).count();
        if !faults.missing.is_empty() {
            println!("{path}:{line}: {family}: missing {:?}", faults.missing);
        }
        *if truth.hard { &mut n_hard_missing } else { &mut n_missing } += faults.missing.len();
        if !faults.invented.is_empty() {
            invented.push(format!("{path}:{line}: {family}: {:?}", faults.invented));
        }
        let tail = truth.tail.map(|tail| &parsed[tail - 1].items);
        let is_joined = tail.is_none_or(|items| items.iter().any(|item| item.get("part").text() == "tail"));
        if !is_joined && !truth.hard {
            unmarked.push(format!("{path}:{line}: {family}"));
        }
    }
    println!("{n_items} torn items, {n_values} values: {n_missing} missing, of hard ones {n_hard_missing}");
    assert!(n_items > 20, "only {n_items} torn items are at hand");
    assert_eq!(invented, Vec::<String>::new(), "values that were not printed there");
    assert_eq!(unmarked, Vec::<String>::new(), "tails that no item stands for");
    assert!(n_missing * 100 <= n_values, "more than one of a hundred values is missing");
}

/// The truths themselves: every torn line of the manifest is among them, unless the grammar shows that it is whole.
#[test]
fn every_torn_line_of_the_manifest_is_written_down() {
    let folder = folder();
    let grammar = Grammar::load();
    let truths = truths();
    let (mut n_torn, mut n_whole) = (0, 0);
    let mut left = Vec::new();
    for entry in entries(&folder).iter().filter(|entry| !entry.torn_lines.is_empty()) {
        let file = entry.read(&grammar, &folder);
        for line in &entry.torn_lines {
            let is_it =
                |truth: &&Truth| truth.path == entry.path && [Some(truth.line), truth.tail].contains(&Some(*line));
            let is_written = truths.iter().any(|truth| is_it(&truth));
            let is_whole = grammar.read(&file.texts[line - 1]).is_some();
            n_torn += usize::from(is_written);
            n_whole += usize::from(is_whole);
            if !is_written && !is_whole {
                left.push(format!("{}:{line}: {}", entry.path, file.texts[line - 1]));
            }
        }
    }
    println!("torn lines of the manifest: {n_torn} written down, {n_whole} whole by the grammar");
    assert!(n_torn > 0, "the manifest lists no torn line");
    assert_eq!(left, Vec::<String>::new());
}

/// A truth that does not fit the line it is about would excuse a fault.
#[test]
fn truths_hold_the_digits_of_their_lines() {
    let folder = folder();
    let digits = |text: &str| -> String { text.chars().filter(char::is_ascii_digit).collect() };
    for truth in truths().iter().filter(|truth| folder.join(&truth.path).is_file()) {
        let bytes = std::fs::read(folder.join(&truth.path)).expect("the file is there");
        let text = String::from_utf8_lossy(&bytes);
        let lines: Vec<&str> = text.split('\n').collect();
        let joined = format!("{}{}", lines[truth.line - 1], truth.tail.map_or("", |tail| lines[tail - 1]));
        let printed = digits(&truth.printed.replace("true", "").replace("false", ""));
        let mut all = digits(&joined).chars().collect::<Vec<char>>().into_iter();
        assert!(printed.chars().all(|digit| all.any(|c| c == digit)), "{}:{}: {joined}", truth.path, truth.line);
    }
}

#[test]
fn tells_missing_values_from_invented_ones() {
    let of = |fields: &str, printed: &str| faults(&serde_json::from_str(fields).expect("it is JSON"), printed);
    let right = r#"{"n":7,"at_s":0.5,"m":null,"list":[0,1],"state":"chan receive","waiting":false,"forced":true}"#;
    assert_eq!(of(right, "7 0.5 nil 0 1 chan\u{a0}receive 0 forced"), Faults::default());
    assert_eq!(of(right, "7 0.5 3 nil 0 1 chan\u{a0}receive 0 forced 9").missing, ["3", "9"]);
    assert_eq!(of(r#"{"n":7,"at_s":0.55,"forced":false}"#, "7 0.5").invented, ["Float(0.55)"]);
    assert_eq!(of(r#"{"at_s":0.5,"n":7}"#, "7 0.5").invented, ["Integer(7)"]);
}
