//! A question sees exactly the edits sent before it.

use std::collections::HashMap;

use serde_json::{Value, json};

use super::{GC_LINE, N_LENSES, URI, gc_line, healthy};
use crate::client::{Client, at, range};

/// The GC number a hover is about.
fn number_in(hover: &Value) -> u32 {
    let text = hover["contents"]["value"].as_str().unwrap_or_else(|| panic!("no hover: {hover}"));
    let digits = text.strip_prefix("GC number: ").unwrap_or_else(|| panic!("of another field: {text}"));
    digits.chars().take_while(char::is_ascii_digit).collect::<String>().parse().expect("a number follows")
}

#[test]
fn ten_thousand_edits_and_hovers_in_turn_are_never_misplaced() {
    const N: u32 = 10_000;
    let mut client = Client::start_pulling();
    client.open(URI, &format!("start\n{}\nend", gc_line(0, 4)));
    let mut asked = HashMap::new();
    let mut n_digits = 1;
    for n in 1..=N {
        let new = n.to_string();
        client.change(URI, n.into(), json!([{"range": range(1, 3, 3 + n_digits), "text": new}]));
        n_digits = new.len() as u32;
        asked.insert(client.request("textDocument/hover", at(URI, 1, 3)), n);
    }
    let wrong = asked.into_iter().filter(|&(id, n)| number_in(&client.result(id)) != n).count();
    assert_eq!(wrong, 0, "of {N}");
    client.finish();
}

#[test]
fn whole_text_changes_and_reopening_take_their_turn_too() {
    let mut client = Client::start_pulling();
    client.open(URI, &gc_line(1, 4));
    let first = client.request("textDocument/hover", at(URI, 0, 3));
    client.change(URI, 2, json!([{"text": gc_line(2, 4)}]));
    let second = client.request("textDocument/hover", at(URI, 0, 3));
    client.open(URI, &gc_line(3, 4));
    let third = client.request("textDocument/hover", at(URI, 0, 3));
    client.close(URI);
    let closed = client.request("textDocument/hover", at(URI, 0, 3));
    client.open(URI, &gc_line(4, 4));
    let fourth = client.request("textDocument/hover", at(URI, 0, 3));
    for (id, n) in [(first, 1), (second, 2), (third, 3), (fourth, 4)] {
        assert_eq!(number_in(&client.result(id)), n);
    }
    assert_eq!(client.result(closed), Value::Null);
    client.finish();
}

#[test]
fn the_changes_of_one_message_apply_in_their_order() {
    let mut client = Client::start_pulling();
    client.open(URI, "");
    client.change(
        URI,
        2,
        json!([
            {"range": range(0, 0, 0), "text": GC_LINE.replacen('7', "X", 1)},
            {"range": range(0, 3, 4), "text": "12"},
            {"range": range(0, 4, 5), "text": "34"},
        ]),
    );
    assert_eq!(number_in(&client.hover(URI, 0, 3)), 134);
    client.finish();
}

/// Lenses need the whole log, which is parsed beside; each must still be that of its own text.
#[test]
fn questions_that_wait_for_the_parse_see_their_own_text() {
    const N_BEFORE: u32 = 5_000;
    let mut client = Client::start_pulling();
    client.open(URI, &healthy(N_BEFORE));
    let mut asked = Vec::new();
    for n in N_BEFORE + 1..=N_BEFORE + 50 {
        client.change(URI, n.into(), json!([{"range": range(n - 1, 0, 0), "text": gc_line(n, 4) + "\n"}]));
        asked.push((n, client.request("textDocument/codeLens", json!({"textDocument": {"uri": URI}}))));
    }
    for (n, id) in asked {
        let lenses = client.result(id);
        let title = lenses[1]["command"]["title"].as_str().expect("a run has a lens");
        assert!(title.contains(&format!("{n} GC cycles")), "after {n} lines: {title}");
    }
    client.finish();
}

#[test]
fn a_hover_does_not_wait_for_the_parse_of_any_document() {
    let mut client = Client::start_pulling();
    client.open("file:///big.log", &healthy(30_000));
    let lens = client.request("textDocument/codeLens", json!({"textDocument": {"uri": "file:///big.log"}}));
    let hover = client.request("textDocument/hover", at("file:///big.log", 29_998, 3));
    client.open(URI, &gc_line(5, 4));
    let other = client.request("textDocument/hover", at(URI, 0, 3));
    assert_eq!(number_in(&client.result(hover)), 29_999);
    assert_eq!(number_in(&client.result(other)), 5);
    assert!(!client.has_response(lens), "the parse of 4 MB was faster than two hovers");
    assert_eq!(client.result(lens).as_array().map(Vec::len), Some(N_LENSES));
    client.finish();
}
