//! Decides what a body is: a request or notification for the service, a response of the client, or nothing valid.
//!
//! The whole body is parsed, with serde_json's depth limit of 128, so that nothing invalid gets past this point.
//! Strings may hold lone surrogate escapes (`JSON.stringify` writes them for broken text); they become U+FFFD, because
//! losing one character is better than losing the document.

use serde_json::{Map, Value};
use tower_lsp::jsonrpc::{Error, ErrorCode, Id, Request, Response};

/// What arrived.
#[derive(Debug)]
pub(super) enum Message {
    /// A request, or a notification if it has no id.
    Request(Request),
    /// The client's answer to a request of ours.
    Response(Response),
    /// The client wants the process to end.
    Exit,
    /// Not a message; the answer that says so.
    Invalid(Response),
    /// Not a message, and nothing that may be answered: a response that cannot be attributed.
    Ignored(&'static str),
}

/// Parses one body. Never fails: what is wrong comes back as the error to send.
pub(super) fn parse(mut body: Vec<u8>) -> Message {
    let mut parsed = serde_json::from_slice(&body);
    if parsed.is_err() && replace_lone_surrogates(&mut body) {
        parsed = serde_json::from_slice(&body);
    }
    match parsed {
        Ok(Value::Object(object)) => classify(object),
        Ok(Value::Array(_)) => invalid(Id::Null, "batches are not part of the protocol"),
        Ok(_) => invalid(Id::Null, "a message is an object"),
        Err(error) => Message::Invalid(parse_error(error.to_string())),
    }
}

/// The answer to bytes that are not JSON, or not even a frame.
pub(super) fn parse_error(reason: String) -> Response {
    Response::from_error(Id::Null, Error { code: ErrorCode::ParseError, message: reason.into(), data: None })
}

fn classify(mut object: Map<String, Value>) -> Message {
    let id = match object.remove("id") {
        None => None,
        Some(Value::String(id)) => Some(Id::String(id)),
        Some(Value::Number(id)) if id.as_i64().is_some() => id.as_i64().map(Id::Number),
        Some(_) if !object.contains_key("method") => return Message::Ignored("response with an invalid id"),
        Some(_) => return invalid(Id::Null, "an id is an integer or a string"),
    };
    if object.get("jsonrpc").is_some_and(|version| version != "2.0") {
        return invalid(id.unwrap_or_default(), "not JSON-RPC 2.0");
    }
    match object.remove("method") {
        Some(Value::String(method)) if method == "exit" => Message::Exit,
        Some(Value::String(method)) => Message::Request(request(method, id, object.remove("params"))),
        Some(_) => invalid(id.unwrap_or_default(), "a method is a string"),
        None => response(id, object),
    }
}

fn request(method: String, id: Option<Id>, params: Option<Value>) -> Request {
    let params = match method.as_str() {
        // Some clients send `{}` or `null` where the protocol has no parameters, or none where it has an empty object.
        "shutdown" => None,
        "initialized" => Some(params.filter(Value::is_object).unwrap_or_else(|| Value::Object(Map::new()))),
        _ => params,
    };
    let mut request = Request::build(method);
    if let Some(params) = params {
        request = request.params(params);
    }
    if let Some(id) = id {
        request = request.id(id);
    }
    request.finish()
}

fn response(id: Option<Id>, mut object: Map<String, Value>) -> Message {
    let (result, error) = (object.remove("result"), object.remove("error"));
    let Some(id) = id else {
        // An error without an id is how a client tells us that it could not read something we sent.
        return if error.is_some() {
            Message::Ignored("error without an id")
        } else {
            invalid(Id::Null, "neither a request nor a response")
        };
    };
    match (result, error.filter(|error| !error.is_null())) {
        (_, Some(error)) => Message::Response(Response::from_error(id, client_error(&error))),
        (Some(result), None) => Message::Response(Response::from_ok(id, result)),
        (None, None) => invalid(id, "neither a request nor a response"),
    }
}

/// The error of a client's response; whatever does not fit the specification is dropped, not refused.
fn client_error(error: &Value) -> Error {
    Error {
        code: error["code"].as_i64().unwrap_or_default().into(),
        message: error["message"].as_str().unwrap_or_default().to_owned().into(),
        data: None,
    }
}

fn invalid(id: Id, reason: &'static str) -> Message {
    let error = Error { code: ErrorCode::InvalidRequest, message: reason.into(), data: None };
    Message::Invalid(Response::from_error(id, error))
}

/// Overwrites every `\uD800`..`\uDFFF` escape that is not half of a pair with `\uFFFD`. True if there was one.
fn replace_lone_surrogates(json: &mut [u8]) -> bool {
    let mut replaced = false;
    let mut idx = 0;
    while let Some(offset) = memchr::memchr(b'\\', &json[idx..]) {
        idx += offset;
        match unicode_escape(&json[idx..]) {
            Some(0xD800..=0xDBFF) if matches!(unicode_escape(&json[idx + 6..]), Some(0xDC00..=0xDFFF)) => idx += 12,
            Some(0xD800..=0xDFFF) => {
                json[idx + 2..idx + 6].copy_from_slice(b"FFFD");
                replaced = true;
                idx += 6;
            }
            Some(_) => idx += 6,
            None => idx = (idx + 2).min(json.len()),
        }
    }
    replaced
}

/// The code unit of a `\uXXXX` escape at the start of `json`.
fn unicode_escape(json: &[u8]) -> Option<u16> {
    let digits = json.strip_prefix(br"\u")?.get(..4)?;
    digits.iter().try_fold(0, |unit, digit| Some(unit << 4 | (*digit as char).to_digit(16)? as u16))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error_of(body: &str) -> (i64, Id) {
        match parse(body.as_bytes().to_vec()) {
            Message::Invalid(response) => {
                let (id, result) = response.into_parts();
                (result.expect_err("an invalid message is answered with an error").code.code(), id)
            }
            other => panic!("{body} was taken for {other:?}"),
        }
    }

    fn text_of(body: &[u8]) -> String {
        match parse(body.to_vec()) {
            Message::Request(request) => request.params().unwrap()["text"].as_str().unwrap().to_owned(),
            other => panic!("not a request: {other:?}"),
        }
    }

    #[test]
    fn text_that_is_not_json_is_a_parse_error() {
        let deep = format!(r#"{{"jsonrpc":"2.0","method":"m","params":{}{}}}"#, "[".repeat(200), "]".repeat(200));
        for body in ["", "{", "nul", "{\"id\":1}x", "\u{feff}{}", deep.as_str()] {
            assert_eq!(error_of(body), (-32700, Id::Null), "{body}");
        }
        let huge = format!(r#"{{"jsonrpc":"2.0","id":1,"method":"m","params":[{}]}}"#, "9".repeat(5000));
        assert_eq!(error_of(&huge).0, -32700);
        assert!(matches!(parse(b"{\"method\":\"\xff\"}".to_vec()), Message::Invalid(_)));
    }

    #[test]
    fn json_that_is_not_a_message_is_an_invalid_request() {
        for body in ["[]", "1", "null", "\"x\"", "{}", r#"[{"jsonrpc":"2.0","id":1,"method":"m"}]"#] {
            assert_eq!(error_of(body), (-32600, Id::Null), "{body}");
        }
        assert_eq!(error_of(r#"{"jsonrpc":"2.0","id":7}"#), (-32600, Id::Number(7)));
        assert_eq!(error_of(r#"{"jsonrpc":"1.0","id":7,"method":"m"}"#), (-32600, Id::Number(7)));
        assert_eq!(error_of(r#"{"jsonrpc":"2.0","id":"a","method":7}"#), (-32600, Id::String("a".into())));
        for id in ["null", "1.5", "true", "[]", "{}", "1e2", "99999999999999999999"] {
            assert_eq!(error_of(&format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"m"}}"#)), (-32600, Id::Null), "{id}");
        }
    }

    #[test]
    fn responses_are_recognized_and_bad_ones_are_not_answered() {
        for body in [r#"{"id":1,"result":null}"#, r#"{"id":1,"result":null,"error":null}"#] {
            assert!(matches!(parse(body.into()), Message::Response(response) if response.is_ok()), "{body}");
        }
        for body in [r#"{"id":1,"error":{"code":1,"message":"x","more":2}}"#, r#"{"id":1,"result":null,"error":"x"}"#] {
            assert!(matches!(parse(body.into()), Message::Response(response) if response.is_error()), "{body}");
        }
        for body in [r#"{"id":null,"result":1}"#, r#"{"id":1.5,"error":{}}"#, r#"{"error":{"code":-32700}}"#] {
            assert!(matches!(parse(body.into()), Message::Ignored(_)), "{body}");
        }
    }

    #[test]
    fn lone_surrogates_become_replacement_characters() {
        let wrap =
            |text: &str| format!(r#"{{"jsonrpc":"2.0","method":"m","params":{{"text":"{text}"}}}}"#).into_bytes();
        for (text, want) in [
            (r"a\ud800b", "a\u{fffd}b"),
            (r"a\uDFFFb", "a\u{fffd}b"),
            (r"\ud83d\ude00", "\u{1f600}"),
            (r"\ude00\ud83d", "\u{fffd}\u{fffd}"),
            (r"\ud83d\ud83d\ude00", "\u{fffd}\u{1f600}"),
            (r"\\ud800\ud800", "\\ud800\u{fffd}"),
            (r"\ud800\n", "\u{fffd}\n"),
            (r"\ud800", "\u{fffd}"),
        ] {
            assert_eq!(text_of(&wrap(text)), want, "{text}");
        }
        for text in [r"\ud8", r"\u", "\\"] {
            assert_eq!(error_of(&String::from_utf8(wrap(text)).unwrap()).0, -32700, "{text}");
        }
    }

    #[test]
    fn parameters_nobody_needs_are_forgiven() {
        for params in ["null", "{}", "[]", "{\"x\":1}"] {
            let body = format!(r#"{{"jsonrpc":"2.0","id":1,"method":"shutdown","params":{params}}}"#);
            assert!(matches!(parse(body.into()), Message::Request(request) if request.params().is_none()));
        }
        let body = r#"{"jsonrpc":"2.0","method":"initialized"}"#;
        assert!(matches!(parse(body.into()), Message::Request(request) if request.params().is_some()));
    }
}
