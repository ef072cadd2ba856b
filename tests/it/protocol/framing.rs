//! Bytes that are no messages: each costs one answer, none costs the server.

use serde_json::{Value, json};

use super::{GC_LINE, URI};
use crate::client::{Client, frame};

/// A client with a document open, and proof that it is understood.
fn start() -> Client {
    let mut client = Client::start_pulling();
    client.open(URI, GC_LINE);
    assert_alive(&mut client);
    client
}

fn assert_alive(client: &mut Client) {
    let hover = client.hover(URI, 0, 3);
    assert!(hover["contents"]["value"].is_string(), "{hover}");
}

/// Each body alone must be answered with this code, and leave the server as it was.
fn check_bodies(code: i64, bodies: &[&[u8]]) {
    let mut client = start();
    for body in bodies {
        client.raw(frame(body));
        assert_eq!(client.error_code(Value::Null), code, "{}", String::from_utf8_lossy(body));
        assert_alive(&mut client);
    }
    client.finish();
}

#[test]
fn bodies_that_are_not_json() {
    let deep = "[".repeat(100_000);
    let deep_params =
        format!(r#"{{"jsonrpc":"2.0","id":9,"method":"x","params":{}1{}}}"#, "[".repeat(500), "]".repeat(500));
    let digits = format!(r#"{{"jsonrpc":"2.0","id":9,"method":"x","params":[{}]}}"#, "9".repeat(5_000));
    check_bodies(
        -32700,
        &[
            b"",
            b" ",
            b"{",
            b"}",
            b"nope",
            b"{\"jsonrpc\":\"2.0\"",
            b"{\"jsonrpc\":\"2.0\",}",
            b"{'jsonrpc':'2.0'}",
            b"{\"jsonrpc\":\"2.0\",\"id\":9,\"method\":\"x\"} trailing",
            b"\xef\xbb\xbf{\"jsonrpc\":\"2.0\",\"id\":9,\"method\":\"x\"}",
            b"\xff\xfe",
            b"{\"jsonrpc\":\"2.0\",\"method\":\"\xc3\x28\"}",
            b"{\"jsonrpc\":\"2.0\",\"method\":\"a\x01b\"}",
            b"{\"jsonrpc\":\"2.0\",\"method\":\"a\nb\"}",
            b"{\"jsonrpc\":\"2.0\",\"id\":NaN,\"method\":\"x\"}",
            b"{\"jsonrpc\":\"2.0\",\"id\":9,\"method\":\"x\",\"params\":[1e999]}",
            b"\0\0\0\0",
            deep.as_bytes(),
            deep_params.as_bytes(),
            digits.as_bytes(),
        ],
    );
}

#[test]
fn json_that_is_not_a_message() {
    check_bodies(
        -32600,
        &[
            b"[]",
            b"{}",
            b"1",
            b"null",
            b"true",
            b"\"shutdown\"",
            br#"[{"jsonrpc":"2.0","id":9,"method":"shutdown"}]"#,
            br#"{"jsonrpc":"2.0"}"#,
            br#"{"jsonrpc":"2.0","params":{}}"#,
            br#"{"jsonrpc":"2.0","id":null,"method":"shutdown"}"#,
            br#"{"jsonrpc":"2.0","id":1.5,"method":"shutdown"}"#,
            br#"{"jsonrpc":"2.0","id":{},"method":"shutdown"}"#,
            br#"{"jsonrpc":"2.0","id":[1],"method":"shutdown"}"#,
            br#"{"jsonrpc":"2.0","method":7}"#,
        ],
    );
}

#[test]
fn a_bad_request_with_a_usable_id_is_answered_by_that_id() {
    let mut client = start();
    client.raw(frame(r#"{"jsonrpc":"1.0","id":"a","method":"shutdown"}"#));
    assert_eq!(client.error_code("a"), -32600);
    client.raw(frame(r#"{"jsonrpc":"2.0","id":"b","method":null}"#));
    assert_eq!(client.error_code("b"), -32600);
    client.raw(frame(r#"{"jsonrpc":"2.0","id":"c"}"#));
    assert_eq!(client.error_code("c"), -32600);
    client.finish();
}

#[test]
fn headers_in_any_form_are_read() {
    let mut client = start();
    for (idx, header) in [
        "content-length: {n}\r\n\r\n",
        "CONTENT-LENGTH:{n}\r\n\r\n",
        "Content-Length:  {n} \r\n\r\n",
        "Content-Type: application/vscode-jsonrpc; charset=utf-8\r\nContent-Length: {n}\r\n\r\n",
        "Content-Length: {n}\r\nContent-Type: application/vscode-jsonrpc; charset=utf-8\r\n\r\n",
        "Content-Length: {n}\nX: y\n\n",
        "\r\n\r\nContent-Length: {n}\r\n\r\n",
        "a line of another program\nContent-Length: {n}\r\n\r\n",
    ]
    .iter()
    .enumerate()
    {
        let body = format!(r#"{{"jsonrpc":"2.0","id":"h{idx}","method":"$/nothing"}}"#);
        client.raw(header.replace("{n}", &body.len().to_string()) + &body);
        assert_eq!(client.error_code(format!("h{idx}")), -32601, "{header:?}");
    }
    client.finish();
}

#[test]
fn after_a_bad_header_the_next_message_is_found() {
    let lost = r#"{"jsonrpc":"2.0","method":"$/lost"}"#;
    let long_header = format!("X: {}\r\n\r\n", "y".repeat(100_000));
    for bad in [
        &format!("Content-Length: -1\r\n\r\n{lost}"),
        &format!("Content-Length: many\r\n\r\n{lost}"),
        &format!("Content-Length:\r\n\r\n{lost}"),
        &format!("Content-Length: 0x23\r\n\r\n{lost}"),
        &format!("Content-Length: 4294967296\r\n\r\n{lost}"),
        &format!("Content-Length: 18446744073709551616\r\n\r\n{lost}"),
        &format!("Content-Length: 999999999999999999999999999999\r\n\r\n{lost}"),
        &format!("Content-Type: x\r\n\r\n{lost}"),
        &format!("X\r\n\r\n{lost}"),
        &long_header,
    ] {
        let mut client = start();
        client.raw(bad);
        assert_alive(&mut client);
        assert_eq!(client.error_code(Value::Null), -32700, "{bad:.60}");
        client.finish();
    }
}

#[test]
fn a_length_that_promises_too_much_does_not_make_the_server_deaf() {
    for promised in [36, 40, 52, 56, 60, 1_000, 400_000_000] {
        let mut client = start();
        client.raw(format!("Content-Length: {promised}\r\n\r\n{}", r#"{"jsonrpc":"2.0","method":"$/lost"}"#));
        assert_alive(&mut client);
        assert_eq!(client.error_code(Value::Null), -32700, "{promised}");
        client.finish();
    }
}

#[test]
fn messages_may_arrive_in_any_pieces() {
    let mut client = start();
    let bytes = frame(r#"{"jsonrpc":"2.0","id":"p","method":"$/nothing"}"#);
    for byte in &bytes {
        client.raw([*byte]);
    }
    assert_eq!(client.error_code("p"), -32601);
    client.raw([bytes.repeat(1), frame(r#"{"jsonrpc":"2.0","id":"q","method":"$/nothing"}"#)].concat());
    assert_eq!(client.error_code("p"), -32601);
    assert_eq!(client.error_code("q"), -32601);
    client.finish();
}

#[test]
fn lone_surrogates_cost_one_character_and_not_the_document() {
    let mut client = start();
    let body = r#"{"jsonrpc":"2.0","method":"textDocument/didOpen","params":{"textDocument":{"uri":"file:///s.log","languageId":"log","version":1,"text":"\ud800\n"#;
    client.raw(frame(format!("{body}{GC_LINE}\"}}}}}}")));
    assert!(client.hover("file:///s.log", 1, 3)["contents"]["value"].is_string());
    client.finish();
}

#[test]
fn every_request_is_answered_once_whatever_its_method() {
    let mut client = start();
    for (method, params, code) in [
        ("$/unknown", json!({}), -32601),
        ("$/cancelRequest", json!({"id": 1}), -32600),
        ("unknown/method", json!(null), -32601),
        ("", json!(null), -32601),
        ("textDocument/didOpen", json!({}), -32600),
        ("textDocument/rename", json!({}), -32601),
        ("workspace/executeCommand", json!({"command": "x"}), -32601),
        ("textDocument/hover", json!(null), -32602),
        ("textDocument/hover", json!([]), -32602),
        ("textDocument/hover", json!({"textDocument": {"uri": URI}}), -32602),
        ("textDocument/hover", json!({"textDocument": {"uri": URI}, "position": {"line": -1, "character": 0}}), -32602),
    ] {
        let id = client.request(method, params);
        assert_eq!(client.error_code(id), code, "{method}");
    }
    client.finish();
}

#[test]
fn notifications_and_responses_nobody_expects_are_ignored() {
    let mut client = start();
    for message in [
        json!({"jsonrpc": "2.0", "method": "$/setTrace", "params": {"value": "verbose"}}),
        json!({"jsonrpc": "2.0", "method": "unknown/notification"}),
        json!({"jsonrpc": "2.0", "method": "textDocument/hover", "params": {}}),
        json!({"jsonrpc": "2.0", "method": "textDocument/didChange", "params": null}),
        json!({"jsonrpc": "2.0", "method": "$/cancelRequest", "params": {"id": "never sent"}}),
        json!({"jsonrpc": "2.0", "method": "$/cancelRequest", "params": 7}),
        json!({"jsonrpc": "2.0", "id": 99, "result": null}),
        json!({"jsonrpc": "2.0", "id": "x", "error": {"code": 1, "message": "late"}}),
        json!({"jsonrpc": "2.0", "id": null, "error": {"code": -32700, "message": "?"}}),
        json!({"jsonrpc": "2.0", "id": 0, "result": null}),
    ] {
        client.send(&message);
        assert_alive(&mut client);
    }
    client.finish();
}
