//! Help where GODEBUG is set: on the wire, and only when it is switched on.

use serde_json::{Value, json};

use super::{GC_LINE, URI};
use crate::client::{Client, at, range};

const FILE: &str = "file:///app/compose.yaml";
const TEXT: &str = "environment:\n  GODEBUG: gctrace=1,gctraec=1,\n";

fn capabilities() -> Value {
    json!({"textDocument": {"diagnostic": {}, "hover": {"contentFormat": ["markdown"]}, "codeLens": {},
        "completion": {"completionItem": {"documentationFormat": ["markdown"]}}}})
}

fn start(options: Value) -> Client {
    Client::start_with(
        json!({"processId": null, "rootUri": null, "capabilities": capabilities(), "initializationOptions": options}),
    )
    .0
}

fn open(client: &mut Client, uri: &str, language: &str, text: &str) {
    let document = json!({"uri": uri, "languageId": language, "version": 1, "text": text});
    client.notify("textDocument/didOpen", json!({"textDocument": document}));
}

fn enabled() -> Value {
    json!({"godebug": {"enable": true}})
}

#[test]
fn hover_completion_and_problems_are_answered_when_switched_on() {
    let mut client = start(enabled());
    open(&mut client, FILE, "yaml", TEXT);
    let hover = client.hover(FILE, 1, 13);
    assert_eq!(hover["range"], range(1, 11, 20));
    assert!(hover["contents"]["value"].as_str().is_some_and(|text| text.starts_with("**gctrace**: `1`")), "{hover}");
    let report = client.about("textDocument/diagnostic", FILE);
    let problems = report["items"].as_array().expect("a full report has items");
    assert_eq!(problems.len(), 1, "{report}");
    assert_eq!(problems[0]["code"], "GD101");
    assert_eq!(problems[0]["source"], "gotracelens");
    assert_eq!(problems[0]["severity"], 2);
    assert_eq!(problems[0]["range"], range(1, 21, 28));
    let list = client.ask("textDocument/completion", at(FILE, 1, 31));
    let items = list.as_array().expect("completions are a list");
    let item = items.iter().find(|item| item["label"] == "schedtrace").expect("it is not set yet");
    assert_eq!(item["textEdit"], json!({"range": range(1, 31, 31), "newText": "schedtrace=100"}));
    assert_eq!(item["documentation"]["kind"], "markdown");
    assert!(items.iter().all(|item| item["label"] != "gctrace"), "it is set already");
    let values = client.ask("textDocument/completion", at(FILE, 1, 20));
    assert_eq!(values[0]["textEdit"], json!({"range": range(1, 19, 20), "newText": "0"}));
    // An edit is seen by the next question.
    client.change(FILE, 2, json!([{"range": range(1, 21, 28), "text": "inittrace"}]));
    assert_eq!(client.about("textDocument/diagnostic", FILE)["items"], json!([]));
    client.finish();
}

#[test]
fn nothing_is_answered_unless_it_is_switched_on() {
    let mut client = start(json!({}));
    open(&mut client, FILE, "yaml", TEXT);
    assert_eq!(client.hover(FILE, 1, 13), Value::Null);
    assert_eq!(client.ask("textDocument/completion", at(FILE, 1, 31)), Value::Null);
    assert_eq!(client.about("textDocument/diagnostic", FILE)["items"], json!([]));
    client.notify("workspace/didChangeConfiguration", json!({"settings": {"gotracelens": enabled()}}));
    assert_eq!(client.about("textDocument/diagnostic", FILE)["items"].as_array().map(Vec::len), Some(1));
    client.notify("workspace/didChangeConfiguration", json!({"settings": {"gotracelens": {}}}));
    assert_eq!(client.about("textDocument/diagnostic", FILE)["items"], json!([]));
    client.finish();
}

/// A YAML file is no log, whatever stands in it; and a log has no completions, whatever stands in it.
#[test]
fn files_and_logs_are_kept_apart() {
    for options in [json!({}), enabled()] {
        let mut client = start(options);
        open(&mut client, FILE, "yaml", GC_LINE);
        assert_eq!(client.hover(FILE, 0, 3), Value::Null);
        assert_eq!(client.about("textDocument/codeLens", FILE), Value::Null);
        assert_eq!(client.about("textDocument/documentSymbol", FILE), Value::Null);
        // Editors fold by indentation where the answer is null, and not at all where it is empty.
        assert_eq!(client.about("textDocument/foldingRange", FILE), Value::Null);
        client.open(URI, &format!("{GC_LINE}\nGODEBUG=gctrace=1,"));
        assert_ne!(client.hover(URI, 0, 3), Value::Null);
        assert_eq!(client.hover(URI, 1, 9), Value::Null);
        assert_eq!(client.ask("textDocument/completion", at(URI, 1, 18)), Value::Null);
        client.finish();
    }
}

#[test]
fn problems_are_pushed_to_clients_that_do_not_pull_and_taken_back() {
    let mut client = Client::start(json!({"textDocument": {"publishDiagnostics": {"versionSupport": true}}}));
    open(&mut client, FILE, "yaml", TEXT);
    client.notify("workspace/didChangeConfiguration", json!({"settings": {"gotracelens": enabled()}}));
    let pushed = client.notification("textDocument/publishDiagnostics");
    assert_eq!(pushed["diagnostics"][0]["code"], "GD101");
    client.notify("workspace/didChangeConfiguration", json!({"settings": {"gotracelens": {}}}));
    assert_eq!(client.notification("textDocument/publishDiagnostics")["diagnostics"], json!([]));
    client.close(FILE);
    client.finish();
}

#[test]
fn a_document_that_is_opened_again_in_another_language_is_read_anew() {
    let mut client = start(enabled());
    open(&mut client, FILE, "yaml", GC_LINE);
    assert_eq!(client.hover(FILE, 0, 3), Value::Null);
    open(&mut client, FILE, "log", GC_LINE);
    assert_ne!(client.hover(FILE, 0, 3), Value::Null);
    open(&mut client, FILE, "dotenv", "GODEBUG=gctrace=1");
    assert_eq!(client.hover(FILE, 0, 9)["range"], range(0, 8, 17));
    client.finish();
}
