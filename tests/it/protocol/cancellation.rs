//! A cancelled request is answered at once, and nothing else changes.

use std::time::{Duration, Instant};

use serde_json::json;

use super::{GC_LINE, N_LENSES, URI, healthy};
use crate::client::{Client, at};

#[test]
fn cancelled_requests_are_answered_at_once_however_many_there_are() {
    let mut client = Client::start_pulling();
    client.open(URI, &healthy(30_000));
    let waiting: Vec<i64> =
        (0..20).map(|_| client.request("textDocument/codeLens", json!({"textDocument": {"uri": URI}}))).collect();
    let start = Instant::now();
    for id in &waiting {
        client.notify("$/cancelRequest", json!({"id": id}));
    }
    for id in waiting {
        assert_eq!(client.error_code(id), -32800);
    }
    assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
    assert_eq!(client.about("textDocument/codeLens", URI).as_array().map(Vec::len), Some(N_LENSES));
    client.finish();
}

#[test]
fn a_request_is_answered_once_however_late_it_is_cancelled() {
    let mut client = Client::start_pulling();
    client.open(URI, GC_LINE);
    for _ in 0..500 {
        let id = client.request("textDocument/hover", at(URI, 0, 3));
        client.notify("$/cancelRequest", json!({"id": id}));
        client.response(id);
    }
    client.finish();
}

#[test]
fn an_id_that_is_in_use_is_refused() {
    let mut client = Client::start_pulling();
    client.open(URI, &healthy(30_000));
    let question = json!({"jsonrpc": "2.0", "id": "twin", "method": "textDocument/codeLens",
        "params": {"textDocument": {"uri": URI}}});
    client.send(&question);
    client.send(&question);
    assert_eq!(client.error_code("twin"), -32600);
    assert!(client.response("twin")["result"].is_array());
    client.finish();
}
