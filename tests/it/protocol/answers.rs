//! One test for each kind of request: what its answer looks like on the wire.

use serde_json::{Value, json};

use super::{GC_LINE, N_LENSES, URI, healthy, leaking};
use crate::client::{Client, at, range};

fn pulling() -> Value {
    json!({"textDocument": {"codeLens": {}, "diagnostic": {"relatedInformation": true},
        "hover": {"contentFormat": ["markdown", "plaintext"]},
        "documentSymbol": {"hierarchicalDocumentSymbolSupport": true}}})
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
    client.open(URI, &format!("starting\n{}", healthy(3)));
    let lenses = client.about("textDocument/codeLens", URI);
    let at_and_title = |idx: usize| {
        let lens: &Value = &lenses[idx];
        (lens["range"]["start"]["line"].as_u64(), lens["command"]["title"].as_str().expect("a lens has a title"))
    };
    assert_eq!(lenses.as_array().map(Vec::len), Some(N_LENSES));
    assert_eq!(at_and_title(0).0, Some(0), "the file");
    assert_eq!(at_and_title(1).0, Some(1), "the run");
    assert!(at_and_title(1).1.contains("3 GC cycles"), "{lenses}");
    client.finish();
}

#[test]
fn pulled_diagnostics_are_sent_once_for_each_change_of_them() {
    let mut client = Client::start(pulling());
    client.open(URI, &leaking());
    let full = client.about("textDocument/diagnostic", URI);
    assert_eq!(full["kind"], "full");
    let leak = |report: &Value| {
        let items = report["items"].as_array().expect("a full report has items");
        items.iter().find(|item| item["code"] == "GC101").cloned().unwrap_or_else(|| panic!("no leak: {report}"))
    };
    let found = leak(&full);
    assert_eq!(found["source"], "gotracelens");
    assert_eq!(found["severity"], 2);
    assert_eq!(found["relatedInformation"][0]["location"]["uri"], URI);
    let pull = json!({"textDocument": {"uri": URI}, "previousResultId": full["resultId"]});
    let again = client.ask("textDocument/diagnostic", pull.clone());
    assert_eq!(again, json!({"kind": "unchanged", "resultId": full["resultId"]}));
    client.change(URI, 2, json!([{"range": range(0, 0, 0), "text": "\n"}]));
    let moved = client.ask("textDocument/diagnostic", pull);
    let line = |finding: &Value| finding["range"]["start"]["line"].as_u64().expect("a range has a line");
    assert_eq!(line(&leak(&moved)), line(&found) + 1);
    client.finish();
}

#[test]
fn diagnostics_carry_what_they_rest_on() {
    let mut client = Client::start(pulling());
    client.open(URI, &leaking());
    let report = client.about("textDocument/diagnostic", URI);
    let items = report["items"].as_array().expect("a full report has items");
    let leak = items.iter().find(|item| item["code"] == "GC101").expect("it leaks");
    let data = &leak["data"];
    assert_eq!((&data["slug"], &data["run"], &data["isFurther"]), (&json!("live-heap-leak"), &json!(0), &json!(false)));
    assert!(data["numbers"]["gain_mb"].as_f64().is_some_and(|gain| gain > 10.0), "{data}");
    assert!(data["conditions"].is_array() && data["partOf"].is_null(), "{data}");
    client.finish();
}

#[test]
fn evidence_is_told_for_a_rule_and_a_run_or_a_line() {
    let mut client = Client::start(pulling());
    client.open(URI, &format!("{}{}", leaking(), healthy(5)));
    let mut ask = |params: Value| {
        let mut about = json!({"textDocument": {"uri": URI}});
        about.as_object_mut().expect("an object").extend(params.as_object().cloned().unwrap_or_default());
        client.ask("gotracelens/evidence", about)
    };
    let found = ask(json!({"code": "GC101", "run": 0}));
    assert_eq!((&found["code"], &found["run"]), (&json!("GC101"), &json!(0)));
    let text = found["markdown"].as_str().expect("it is text");
    assert!(
        text.starts_with("**GC101 live-heap-leak**: warning") && text.contains("Live heap keeps rising: "),
        "{text}"
    );
    assert_eq!(ask(json!({"code": "live-heap-leak"})), found, "the first run with something to show");
    let short = ask(json!({"code": "GC101", "line": 102}));
    assert_eq!(short["run"], 1);
    assert!(short["markdown"].as_str().is_some_and(|text| text.contains("✗ cycles: 5 (≥ 40 needed)")), "{short}");
    assert_eq!(ask(json!({"code": "GC999", "run": 0})), Value::Null);
    assert_eq!(ask(json!({"code": "GC101", "run": 9})), Value::Null);
    client.finish();
}

#[test]
fn diagnostics_are_pushed_to_clients_that_do_not_pull() {
    let mut client =
        Client::start(json!({"textDocument": {"codeLens": {}, "publishDiagnostics": {"versionSupport": true}}}));
    client.open(URI, &leaking());
    let published = client.notification("textDocument/publishDiagnostics");
    assert_eq!((&published["uri"], &published["version"]), (&json!(URI), &json!(1)));
    let finding = &published["diagnostics"][0];
    assert!(finding["code"].is_string() && finding.get("relatedInformation").is_none(), "{finding}");
    client.change(URI, 2, json!([{"text": "nothing of interest"}]));
    let published = client.notification("textDocument/publishDiagnostics");
    assert_eq!((&published["version"], &published["diagnostics"]), (&json!(2), &json!([])));
    client.change(URI, 3, json!([{"text": leaking()}]));
    client.notification("textDocument/publishDiagnostics");
    client.close(URI);
    let published = client.notification("textDocument/publishDiagnostics");
    assert_eq!(published["diagnostics"], json!([]), "a closed document has no findings");
    client.finish();
}

#[test]
fn symbols_are_a_tree_or_a_list_as_the_client_can() {
    let mut client = Client::start(pulling());
    client.open(URI, &leaking());
    let symbols = client.about("textDocument/documentSymbol", URI);
    assert_eq!(symbols[0]["range"]["end"]["line"], 99, "a run reaches to its last line");
    assert!(symbols[0]["children"][0]["name"].as_str().is_some_and(|name| name.contains("GC101")), "{symbols}");
    client.finish();

    let mut client = Client::start(json!({"textDocument": {"diagnostic": {}}}));
    client.open(URI, &leaking());
    let symbols = client.about("textDocument/documentSymbol", URI);
    let symbols = symbols.as_array().expect("a list");
    assert!(symbols.len() > 1 && symbols.iter().all(|symbol| symbol["location"]["uri"] == URI), "{symbols:?}");
    client.finish();
}

#[test]
fn folding_ranges_are_whole_lines_and_named_where_names_are_shown() {
    for (folding, want) in [(json!({"collapsedText": true}), true), (json!({}), false)] {
        let mut client =
            Client::start(json!({"textDocument": {"diagnostic": {}, "foldingRange": {"foldingRange": folding}}}));
        client.open(URI, &format!("{}{}{}", healthy(4), "request done\n".repeat(6), healthy(4)));
        let folds = client.about("textDocument/foldingRange", URI);
        assert_eq!((&folds[0]["startLine"], &folds[0]["endLine"]), (&json!(0), &json!(3)), "{folds}");
        assert_eq!(folds[0].get("collapsedText").is_some(), want, "{folds}");
        client.finish();
    }
}

#[test]
fn tokens_of_a_range_are_those_of_the_whole_inside_it() {
    let mut client = Client::start(pulling());
    client.open(URI, &format!("starting\n{}", healthy(3)));
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
    client.open(URI, &healthy(20_000));
    assert_eq!(client.about("textDocument/semanticTokens/full", URI), Value::Null);
    let lines = json!({"textDocument": {"uri": URI}, "range": range(19_000, 0, 9)});
    assert!(
        client.ask("textDocument/semanticTokens/range", lines)["data"].as_array().is_some_and(|data| data.len() >= 5)
    );
    client.finish();
}

#[test]
fn inlay_hints_show_the_summary_where_lenses_do_not_exist() {
    let mut client = Client::start(json!({"textDocument": {"inlayHint": {}, "diagnostic": {}}}));
    client.open(URI, &format!("starting\n{}", healthy(3)));
    let lines = |from: u32, to: u32| json!({"textDocument": {"uri": URI}, "range": {"start": {"line": from, "character": 0}, "end": {"line": to, "character": 0}}});
    let hints = client.ask("textDocument/inlayHint", lines(0, 5));
    assert_eq!(hints.as_array().map(Vec::len), Some(N_LENSES));
    assert_eq!(hints[0]["position"], json!({"line": 0, "character": 8}), "behind the first line");
    assert_eq!(hints[1]["position"]["line"], 1);
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

/// But those in which GODEBUG is set: see `godebug`.
#[test]
fn documents_of_any_language_and_address_are_looked_at() {
    let mut client = Client::start(pulling());
    for (language, uri) in [
        ("plaintext", "untitled:Untitled-1"),
        ("rust", "file:///a%20b/app[1].log"),
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
    client.open(URI, &healthy(50_000));
    for method in ["workspace/codeLens/refresh", "workspace/foldingRange/refresh"] {
        let request = client.server_request(method);
        client.reply(&request, Value::Null);
    }
    client.finish();
}

/// A client that runs our command to narrate.
fn narrating() -> Value {
    json!({"processId": null, "rootUri": null, "capabilities": pulling(),
        "initializationOptions": {"commands": ["gotracelens.narrate"]}})
}

#[test]
fn what_happened_is_told_in_sentences_about_a_range() {
    let mut client = Client::start(pulling());
    client.open(URI, &format!("starting\n{}", healthy(3)));
    let told = client.ask("gotracelens/narrate", at(URI, 2, 3));
    assert_eq!(told["title"], "Collection gc 2 @4.000s");
    let sentences = told["sentences"].as_array().expect("sentences");
    assert!(sentences.len() >= 3 && sentences.len() <= 6, "{told}");
    let first = sentences[0].as_str().expect("a sentence is text");
    assert!(first.contains("its goal of 8 MB"), "{first}");
    assert!(told["markdown"].as_str().is_some_and(|text| text.starts_with("**Collection") && text.contains("- ")));
    assert_eq!(told["range"]["start"], json!({"line": 2, "character": 0}));
    // Beside trace lines there is nothing to tell.
    assert_eq!(client.ask("gotracelens/narrate", at(URI, 0, 1)), Value::Null);
    client.finish();
}

#[test]
fn a_command_is_offered_to_clients_that_run_it() {
    let ask = |client: &mut Client, only: Value| {
        let context = json!({"diagnostics": [], "only": only});
        let params = json!({"textDocument": {"uri": URI}, "range": range(1, 3, 3), "context": context});
        client.ask("textDocument/codeAction", params)
    };
    let (mut client, answer) = Client::start_with(narrating());
    assert_eq!(answer["capabilities"]["codeActionProvider"]["codeActionKinds"], json!(["quickfix", ""]));
    client.open(URI, &healthy(3));
    let actions = ask(&mut client, Value::Null);
    let told: Vec<&Value> = actions
        .as_array()
        .expect("a list")
        .iter()
        .filter(|action| action["command"]["command"] == "gotracelens.narrate")
        .collect();
    let [action] = told.as_slice() else { panic!("{actions}") };
    assert_eq!(action["title"], "Tell what happened: Collection gc 2 @4.000s");
    // What it carries is what the request takes.
    let about = action["command"]["arguments"][0].clone();
    assert_eq!(client.ask("gotracelens/narrate", about)["title"], "Collection gc 2 @4.000s");
    assert_eq!(ask(&mut client, json!(["quickfix"])), json!([]), "telling is no fix");
    client.finish();

    let (mut client, answer) =
        Client::start_with(json!({"processId": null, "rootUri": null, "capabilities": pulling()}));
    assert_eq!(answer["capabilities"]["codeActionProvider"], Value::Null);
    client.open(URI, &healthy(3));
    assert_eq!(ask(&mut client, Value::Null), json!([]));
    client.finish();
}

#[test]
fn around_tells_what_was_said_near_a_line_in_all_open_documents() {
    let (mut client, _) = Client::start_with(json!({"capabilities": {"textDocument": {"diagnostic": {}}},
        "processId": null, "rootUri": null, "initializationOptions": {"commands": ["gotracelens.around"]}}));
    let other = "file:///logs/proxy.log";
    client.open(URI, &format!("2024-05-31T16:08:39.004Z {GC_LINE}\n2024-05-31T16:08:39.104Z hello\n"));
    client.open(other, "time=2024-05-31T16:08:39.050Z msg=answered\n");
    let asked = |all: bool| {
        json!({"textDocument": {"uri": URI}, "position": {"line": 0, "character": 30}, "withinMs": 500,
            "allDocuments": all})
    };
    let alone = client.ask("gotracelens/around", asked(false));
    let entries = |answer: &Value| -> Vec<(String, String, bool)> {
        let list = answer["entries"].as_array().expect("a list of entries");
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        list.iter().map(|e| (text(&e["uri"]), text(&e["family"]), e["isFocus"] == true)).collect()
    };
    let of = |uri: &str, family: &str, is_focus| (uri.to_owned(), family.to_owned(), is_focus);
    assert_eq!(entries(&alone), [of(URI, "gc", true), of(URI, "app", false)], "{alone}");
    let all = client.ask("gotracelens/around", asked(true));
    assert_eq!(entries(&all), [of(URI, "gc", true), of(other, "app", false), of(URI, "app", false)], "{all}");
    assert!(all["text"].as_str().is_some_and(|text| text.contains("proxy.log:1")), "{all}");

    let params = json!({"textDocument": {"uri": URI}, "range": range(0, 30, 30), "context": {"diagnostics": []}});
    let actions = client.ask("textDocument/codeAction", params);
    let commands: Vec<&Value> =
        actions.as_array().expect("actions").iter().map(|action| &action["command"]["command"]).collect();
    assert_eq!(commands, ["gotracelens.around"], "{actions}");
    client.finish();
}
