//! A client that never answers, or never reads, stops nobody but itself.

use std::time::Duration;

use serde_json::{Value, json};

use super::{GC_LINE, N_LENSES, URI, healthy};
use crate::client::{Client, at};

fn refreshing_client() -> Value {
    json!({
        "textDocument": {"codeLens": {}, "inlayHint": {}, "diagnostic": {}},
        "workspace": {
            "configuration": true,
            "didChangeConfiguration": {"dynamicRegistration": true},
            "codeLens": {"refreshSupport": true},
            "diagnostics": {"refreshSupport": true},
            "inlayHint": {"refreshSupport": true},
            "foldingRange": {"refreshSupport": true},
            "semanticTokens": {"refreshSupport": true},
        },
    })
}

#[test]
fn unanswered_requests_of_the_server_hold_up_nothing() {
    let mut client = Client::start(refreshing_client());
    client.server_request("client/registerCapability");
    client.server_request("workspace/configuration");
    client.open(URI, GC_LINE);
    for _ in 0..50 {
        client.notify("workspace/didChangeConfiguration", json!({"settings": null}));
    }
    let hovers: Vec<i64> = (0..1_000).map(|_| client.request("textDocument/hover", at(URI, 0, 3))).collect();
    for id in hovers {
        assert!(client.result(id)["contents"]["value"].is_string());
    }
    for _ in 0..50 {
        client.server_request("workspace/configuration");
    }
    client.finish();
}

#[test]
fn an_answer_that_comes_after_the_server_gave_up_is_harmless() {
    let mut client = Client::start(refreshing_client());
    let register = client.server_request("client/registerCapability");
    let configuration = client.server_request("workspace/configuration");
    client.expect_quiet(Duration::from_millis(2_300));
    client.reply(&register, Value::Null);
    client.reply(&configuration, json!([{"summary": {"where": "off"}}]));
    client.open(URI, GC_LINE);
    assert!(client.hover(URI, 0, 3)["contents"]["value"].is_string());
    assert_eq!(
        client.about("textDocument/codeLens", URI).as_array().map(Vec::len),
        Some(N_LENSES),
        "the answer came too late"
    );
    client.finish();
}

#[test]
fn a_client_that_reads_nothing_until_it_has_sent_everything_gets_every_answer() {
    let mut client = Client::spawn_unread();
    let capabilities = json!({"textDocument": {"diagnostic": {}}});
    let hello = client.request("initialize", json!({"processId": null, "rootUri": null, "capabilities": capabilities}));
    client.notify("initialized", json!({}));
    client.open(URI, &healthy(100));
    // Some 30 KB each: far more than a pipe holds, both ways.
    let tokens = json!({"textDocument": {"uri": URI}, "unknown": "x".repeat(10_000)});
    let asked: Vec<i64> =
        (0..200).map(|_| client.request("textDocument/semanticTokens/full", tokens.clone())).collect();
    client.begin_reading();
    client.result(hello);
    for id in asked {
        assert!(client.result(id)["data"].as_array().is_some_and(|data| data.len() > 1_000));
    }
    client.finish();
}
