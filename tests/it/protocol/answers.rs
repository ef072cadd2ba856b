//! One test for each kind of request: what its answer looks like on the wire.

use serde_json::{Value, json};

use super::{GC_LINE, URI, gc_line};
use crate::client::{Client, range};

fn pulling() -> Value {
    json!({"textDocument": {"codeLens": {}, "diagnostic": {"relatedInformation": true},
        "hover": {"contentFormat": ["markdown", "plaintext"]},
        "documentSymbol": {"hierarchicalDocumentSymbolSupport": true}}})
}

/// A document without a trace line, then one with three.
fn log() -> String {
    format!("starting\n{}\n{} (forced)\nrequest done\n{}\n", gc_line(1), gc_line(2), gc_line(3))
}

#[test]
fn hover_explains_in_markdown_or_plain_text_as_the_client_can() {
    for (formats, want) in [
        (json!(["markdown", "plaintext"]), "markdown"),
        (json!(["plaintext"]), "plaintext"),
        (json!(null), "plaintext"),
    ] {
        let mut client =
            Client::start(json!({"textDocument": {"hover": {"contentFormat": formats}, "diagnostic": {}}}));
        client.open(URI, GC_LINE);
        let hover = client.hover(URI, 0, 3);
        assert_eq!(hover["contents"]["kind"], want);
        let text = hover["contents"]["value"].as_str().expect("a hover has text");
        assert_eq!(text.contains("**"), want == "markdown", "{text}");
        client.finish();
    }
}

#[test]
fn code_lenses_are_complete_and_need_no_resolving() {
    let mut client = Client::start(pulling());
    client.open(URI, &log());
    let lenses = client.about("textDocument/codeLens", URI);
    assert_eq!(lenses.as_array().map(Vec::len), Some(1));
    assert_eq!(lenses[0]["range"]["start"]["line"], 1);
    assert!(lenses[0]["command"]["title"].as_str().is_some_and(|title| title.contains('3')));
    client.finish();
}

#[test]
fn pulled_diagnostics_are_sent_once_for_each_change_of_them() {
    let mut client = Client::start(pulling());
    client.open(URI, &log());
    let full = client.about("textDocument/diagnostic", URI);
    assert_eq!(full["kind"], "full");
    assert_eq!(full["items"][0]["source"], "gotracelens");
    assert_eq!(full["items"][0]["range"]["start"]["line"], 2);
    let pull = json!({"textDocument": {"uri": URI}, "previousResultId": full["resultId"]});
    let again = client.ask("textDocument/diagnostic", pull.clone());
    assert_eq!(again, json!({"kind": "unchanged", "resultId": full["resultId"]}));
    client.change(URI, 2, json!([{"range": range(0, 0, 0), "text": "\n"}]));
    let moved = client.ask("textDocument/diagnostic", pull);
    assert_eq!(moved["kind"], "full");
    assert_eq!(moved["items"][0]["range"]["start"]["line"], 3);
    client.finish();
}

#[test]
fn diagnostics_are_pushed_to_clients_that_do_not_pull() {
    let mut client =
        Client::start(json!({"textDocument": {"codeLens": {}, "publishDiagnostics": {"versionSupport": true}}}));
    client.open(URI, &log());
    let published = client.notification("textDocument/publishDiagnostics");
    assert_eq!((&published["uri"], &published["version"]), (&json!(URI), &json!(1)));
    assert_eq!(published["diagnostics"].as_array().map(Vec::len), Some(1));
    client.change(URI, 2, json!([{"text": "nothing of interest"}]));
    let published = client.notification("textDocument/publishDiagnostics");
    assert_eq!((&published["version"], &published["diagnostics"]), (&json!(2), &json!([])));
    client.change(URI, 3, json!([{"text": log()}]));
    client.notification("textDocument/publishDiagnostics");
    client.close(URI);
    let published = client.notification("textDocument/publishDiagnostics");
    assert_eq!(published["diagnostics"], json!([]), "a closed document has no findings");
    client.finish();
}

#[test]
fn symbols_are_a_tree_or_a_list_as_the_client_can() {
    let mut client = Client::start(pulling());
    client.open(URI, &log());
    let symbols = client.about("textDocument/documentSymbol", URI);
    assert!(symbols[0]["range"].is_object() && symbols[0]["children"].is_array(), "{symbols}");
    client.finish();

    let mut client = Client::start(json!({"textDocument": {"diagnostic": {}}}));
    client.open(URI, &log());
    let symbols = client.about("textDocument/documentSymbol", URI);
    let symbols = symbols.as_array().expect("a list");
    assert!(symbols.len() > 1 && symbols.iter().all(|symbol| symbol["location"]["uri"] == URI), "{symbols:?}");
    client.finish();
}

#[test]
fn folding_ranges_are_whole_lines() {
    let mut client = Client::start(pulling());
    client.open(URI, &log());
    let folds = client.about("textDocument/foldingRange", URI);
    assert_eq!((&folds[0]["startLine"], &folds[0]["endLine"]), (&json!(1), &json!(4)));
    client.finish();
}

#[test]
fn tokens_of_a_range_are_those_of_the_whole_inside_it() {
    let mut client = Client::start(pulling());
    client.open(URI, &log());
    let full = client.about("textDocument/semanticTokens/full", URI);
    let lines = json!({"start": {"line": 0, "character": 0}, "end": {"line": 9, "character": 0}});
    let part = client.ask("textDocument/semanticTokens/range", json!({"textDocument": {"uri": URI}, "range": lines}));
    assert_eq!(full["data"], part["data"]);
    let one_line = json!({"textDocument": {"uri": URI}, "range": range(2, 0, 9)});
    let part = client.ask("textDocument/semanticTokens/range", one_line);
    assert_eq!(part["data"][0], 2, "the first token is on line 2");
    assert!(part["data"].as_array().expect("a list").len() < full["data"].as_array().expect("a list").len());
    client.finish();
}

#[test]
fn tokens_of_a_big_text_are_asked_for_by_range() {
    let mut client = Client::start(pulling());
    client.open(URI, &format!("{GC_LINE}\n").repeat(30_000));
    assert_eq!(client.about("textDocument/semanticTokens/full", URI), Value::Null);
    let lines = json!({"textDocument": {"uri": URI}, "range": range(20_000, 0, 9)});
    assert!(
        client.ask("textDocument/semanticTokens/range", lines)["data"].as_array().is_some_and(|data| data.len() >= 5)
    );
    client.finish();
}

#[test]
fn inlay_hints_show_the_summary_where_lenses_do_not_exist() {
    let mut client = Client::start(json!({"textDocument": {"inlayHint": {}, "diagnostic": {}}}));
    client.open(URI, &log());
    let lines = |from: u32, to: u32| json!({"textDocument": {"uri": URI}, "range": {"start": {"line": from, "character": 0}, "end": {"line": to, "character": 0}}});
    let hints = client.ask("textDocument/inlayHint", lines(0, 5));
    assert_eq!(hints.as_array().map(Vec::len), Some(1));
    assert_eq!(hints[0]["position"]["line"], 1);
    assert_eq!(client.ask("textDocument/inlayHint", lines(3, 5)), json!([]));
    client.finish();
}

#[test]
fn documents_without_a_trace_line_get_nothing_whatever_they_are_called() {
    let mut client = Client::start(pulling());
    client.open(URI, "GET /index.html 200\nlistening on :8080\n");
    assert_eq!(client.hover(URI, 0, 0), Value::Null);
    for (method, want) in [
        ("codeLens", json!([])),
        ("documentSymbol", Value::Null),
        ("foldingRange", json!([])),
        ("semanticTokens/full", json!({"data": []})),
    ] {
        assert_eq!(client.about(&format!("textDocument/{method}"), URI), want, "{method}");
    }
    assert_eq!(client.about("textDocument/diagnostic", URI)["items"], json!([]));
    client.finish();
}

#[test]
fn documents_of_any_language_and_address_are_looked_at() {
    let mut client = Client::start(pulling());
    for (language, uri) in [
        ("plaintext", "untitled:Untitled-1"),
        ("go", "file:///a%20b/app[1].log"),
        ("", "vscode-remote://host/x y|z.log"),
        ("made-up", "file:///\u{e9}\u{4e2d}.log"),
    ] {
        let document = json!({"uri": uri, "languageId": language, "version": 1, "text": GC_LINE});
        client.notify("textDocument/didOpen", json!({"textDocument": document}));
        assert!(client.hover(uri, 0, 3)["contents"]["value"].is_string(), "{language} {uri}");
    }
    client.finish();
}

#[test]
fn documents_that_are_not_open_get_nothing() {
    let mut client = Client::start(pulling());
    assert_eq!(client.hover(URI, 0, 0), Value::Null);
    assert_eq!(client.about("textDocument/codeLens", URI), Value::Null);
    assert_eq!(client.about("textDocument/diagnostic", URI), json!({"kind": "full", "items": []}));
    client.change(URI, 2, json!([{"text": GC_LINE}]));
    assert_eq!(client.hover(URI, 0, 3), Value::Null, "a change does not open a document");
    client.finish();
}

#[test]
fn after_a_big_file_is_parsed_clients_that_can_be_told_are_told() {
    let mut client = Client::start(json!({
        "textDocument": {"codeLens": {}, "diagnostic": {}},
        "workspace": {"codeLens": {"refreshSupport": true}, "foldingRange": {"refreshSupport": true}},
    }));
    client.open(URI, &format!("{GC_LINE}\n").repeat(50_000));
    for method in ["workspace/codeLens/refresh", "workspace/foldingRange/refresh"] {
        let request = client.server_request(method);
        client.reply(&request, Value::Null);
    }
    client.finish();
}
