//! A bug in one place costs one answer. Needs the feature `fault`, which lets a test place the bugs.

use serde_json::{Value, json};

use super::{GC_LINE, N_LENSES, URI, gc_line, healthy};
use crate::client::{Client, at};

const INTERNAL_ERROR: i64 = -32603;

fn start() -> Client {
    let mut client = Client::start(json!({"textDocument": {"codeLens": {}, "diagnostic": {}}}));
    client.open(URI, GC_LINE);
    assert_alive(&mut client);
    client
}

fn arm(client: &mut Client, place: &str, times: u32) {
    client.ask("gotracelens/fault", json!({"place": place, "times": times}));
}

fn assert_alive(client: &mut Client) {
    assert!(client.hover(URI, 0, 3)["contents"]["value"].is_string());
    assert_eq!(client.about("textDocument/codeLens", URI).as_array().map(Vec::len), Some(N_LENSES));
}

#[test]
fn a_panic_of_a_handler_costs_one_answer_and_names_its_method() {
    let mut client = start();
    arm(&mut client, "handler", 1);
    let hover = client.request("textDocument/hover", at(URI, 0, 3));
    assert_eq!(client.error_code(hover), INTERNAL_ERROR);
    assert_alive(&mut client);
    assert!(client.finish().stderr.contains("textDocument/hover panicked"));
}

#[test]
fn thousands_of_panicking_answers_are_all_answered() {
    const N: u32 = 5_000;
    let mut client = start();
    arm(&mut client, "answer", N);
    let asked: Vec<i64> = (0..N).map(|_| client.request("textDocument/hover", at(URI, 0, 3))).collect();
    for id in asked {
        assert_eq!(client.error_code(id), INTERNAL_ERROR);
    }
    assert_alive(&mut client);
    client.finish();
}

#[test]
fn a_panic_of_the_owner_costs_one_event() {
    let mut client = start();
    arm(&mut client, "owner", 1);
    let hover = client.request("textDocument/hover", at(URI, 0, 3));
    assert_eq!(client.error_code(hover), INTERNAL_ERROR);
    assert_alive(&mut client);
    client.finish();
}

#[test]
fn a_panic_while_the_log_follows_an_edit_leads_to_a_new_parse() {
    let mut client = start();
    arm(&mut client, "follow", 1);
    client.change(URI, 2, json!([{"text": healthy(2)}]));
    let lenses = client.about("textDocument/codeLens", URI);
    assert!(lenses[1]["command"]["title"].as_str().is_some_and(|title| title.contains("2 GC cycles")), "{lenses}");
    client.finish();
}

#[test]
fn a_panic_of_the_parse_fails_its_questions_until_the_text_changes() {
    let mut client = start();
    arm(&mut client, "parse", 1);
    client.open("file:///b.log", GC_LINE);
    let lens = client.request("textDocument/codeLens", json!({"textDocument": {"uri": "file:///b.log"}}));
    assert_eq!(client.error_code(lens), INTERNAL_ERROR);
    assert!(client.hover("file:///b.log", 0, 3).is_object(), "a hover needs no log");
    assert_alive(&mut client);
    client.change("file:///b.log", 2, json!([{"text": gc_line(2, 4)}]));
    assert_eq!(client.about("textDocument/codeLens", "file:///b.log").as_array().map(Vec::len), Some(N_LENSES));
    client.finish();
}

#[test]
fn a_panic_while_the_text_is_edited_closes_that_document_only() {
    let mut client = start();
    client.open("file:///b.log", GC_LINE);
    arm(&mut client, "edit", 1);
    client.change("file:///b.log", 2, json!([{"text": gc_line(2, 4)}]));
    assert_eq!(client.hover("file:///b.log", 0, 3), Value::Null);
    assert_alive(&mut client);
    client.open("file:///b.log", GC_LINE);
    assert!(client.hover("file:///b.log", 0, 3).is_object());
    client.finish();
}
