//! `initialize`: what is announced, to whom.

use serde_json::{Value, json};

use crate::client::Client;

fn announced(capabilities: Value) -> Value {
    let (client, result) =
        Client::start_with(json!({"processId": null, "rootUri": null, "capabilities": capabilities}));
    client.finish();
    result
}

#[test]
fn announces_what_it_can_do_and_who_it_is() {
    let result = announced(json!({}));
    assert_eq!(result["serverInfo"]["name"], "gotracelens");
    assert_eq!(result["serverInfo"]["version"], env!("CARGO_PKG_VERSION"));
    let capabilities = &result["capabilities"];
    assert_eq!(capabilities["textDocumentSync"], json!({"openClose": true, "change": 2}));
    for (name, want) in [
        ("hoverProvider", json!(true)),
        ("codeLensProvider", json!({})),
        ("documentSymbolProvider", json!(true)),
        ("foldingRangeProvider", json!(true)),
        ("inlayHintProvider", json!(true)),
        ("definitionProvider", json!(true)),
        ("referencesProvider", json!(true)),
        ("documentHighlightProvider", json!(true)),
        ("documentLinkProvider", json!({})),
        ("selectionRangeProvider", json!(true)),
        ("callHierarchyProvider", json!(true)),
        ("workspaceSymbolProvider", json!(true)),
        ("workspace", json!({"workspaceFolders": {"supported": true, "changeNotifications": true}})),
        ("completionProvider", json!({"triggerCharacters": ["=", ",", "\""]})),
    ] {
        assert_eq!(capabilities[name], want, "{name}");
    }
    assert_eq!(capabilities["semanticTokensProvider"]["range"], true);
    assert_eq!(capabilities["semanticTokensProvider"]["full"], true);
}

#[test]
fn absent_fields_are_left_out() {
    fn assert_no_null(value: &Value, path: &str) {
        match value {
            Value::Null => panic!("{path} is null"),
            Value::Array(items) => items.iter().for_each(|item| assert_no_null(item, path)),
            Value::Object(fields) => {
                fields.iter().for_each(|(key, item)| assert_no_null(item, &format!("{path}.{key}")))
            }
            _ => {}
        }
    }
    assert_no_null(&announced(json!({"textDocument": {"diagnostic": {}}})), "result");
}

#[test]
fn pulled_diagnostics_are_announced_only_to_clients_that_pull() {
    assert_eq!(announced(json!({}))["capabilities"].get("diagnosticProvider"), None);
    let provider = &announced(json!({"textDocument": {"diagnostic": {}}}))["capabilities"]["diagnosticProvider"];
    assert_eq!(provider["interFileDependencies"], false);
    assert_eq!(provider["workspaceDiagnostics"], false);
}

#[test]
fn position_encodings_are_negotiated() {
    for (offered, want) in [
        (json!(null), "utf-16"),
        (json!(["utf-16"]), "utf-16"),
        (json!(["utf-16", "utf-8"]), "utf-8"),
        (json!(["utf-32", "utf-16"]), "utf-32"),
        (json!(["utf-7"]), "utf-16"),
    ] {
        let result = announced(json!({"general": {"positionEncodings": offered}}));
        assert_eq!(result["capabilities"]["positionEncoding"], want, "{offered}");
    }
}

#[test]
fn only_the_first_initialize_counts_and_nothing_works_before_it() {
    let mut client = Client::spawn();
    let early = client.request("textDocument/hover", crate::client::at("file:///a", 0, 0));
    assert_eq!(client.error_code(early), -32002);
    client.open("file:///a", "gc 1");
    client.ask("initialize", json!({"processId": null, "rootUri": null, "capabilities": {}}));
    let again = client.request("initialize", json!({"processId": null, "rootUri": null, "capabilities": {}}));
    assert_eq!(client.error_code(again), -32600);
    client.notify("initialized", json!({}));
    assert_eq!(client.hover("file:///a", 0, 0), Value::Null, "opened before initialize");
    client.finish();
}
