//! Answers that are long: written as JSON on the pool, and passed on as that text.
//!
//! The service turns every answer into a tree of values before it is written, which took two thirds of the time of an
//! outline of some thousand entries. A text passes through it as it is, and the writer puts it in place.

use serde::{Serialize, Serializer};
use serde_json::Value;
use tower_lsp::jsonrpc::{Id, Response};

/// The first character of an answer that is JSON already. No answer of ours is a text.
const MARK: char = '\0';

/// An answer, written.
#[derive(Debug)]
pub(super) struct Written(String);

impl Written {
    /// Writes an answer. One that cannot be written is none.
    pub(super) fn of(answer: &impl Serialize) -> Self {
        let mut text = vec![MARK as u8];
        match serde_json::to_writer(&mut text, answer).map(|()| String::from_utf8(text)) {
            Ok(Ok(text)) => Self(text),
            _ => Self::default(),
        }
    }
}

impl Default for Written {
    fn default() -> Self {
        Self(format!("{MARK}null"))
    }
}

impl Serialize for Written {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

/// The JSON of a response, with an answer that is written in its place.
pub(super) fn json(response: &Response) -> serde_json::Result<Vec<u8>> {
    let written = match response.result() {
        Some(Value::String(text)) => text.strip_prefix(MARK),
        _ => None,
    };
    let Some(result) = written else { return serde_json::to_vec(response) };
    let result: &serde_json::value::RawValue = serde_json::from_str(result)?;
    serde_json::to_vec(&Reply { jsonrpc: "2.0", result, id: response.id() })
}

#[derive(Serialize)]
struct Reply<'a> {
    jsonrpc: &'static str,
    result: &'a serde_json::value::RawValue,
    id: &'a Id,
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_written_answer_arrives_as_any_other() {
        let answer = json!({"a": [1, "\u{0}x", null]});
        let of = |result: Value| -> Value {
            serde_json::from_slice(&json(&Response::from_ok(Id::Number(7), result)).unwrap()).unwrap()
        };
        let written = serde_json::to_value(Written::of(&answer)).unwrap();
        assert_eq!(of(written), of(answer));
        assert_eq!(of(serde_json::to_value(Written::default()).unwrap())["result"], Value::Null);
        assert_eq!(of(json!("plain"))["result"], "plain");
    }
}
