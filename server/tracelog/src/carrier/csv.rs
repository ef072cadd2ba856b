//! Exports of CloudWatch, Grafana and Kibana: comma-separated values with the line in one of the columns.
//!
//! Only values that end on their line are read; a quoted value that holds line ends is cut into lines like any text.

use std::ops::Range;

use super::json::quoted_value;
use super::layer::{Content, Layer};
use super::wrap::carries_trace;
use super::{Carrier, time};

/// Which column holds the line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Columns {
    message: usize,
}

/// Columns beyond this are not looked at.
const MAX_COLUMNS: usize = 16;

/// The heading of such an export: it names a column for the time and one for the text.
pub(super) fn heading(line: &[u8]) -> Option<Columns> {
    const MAX_LEN: usize = 400;
    const TIMES: [&[u8]; 8] =
        [b"timestamp", b"@timestamp", b"time", b"Time", b"date", b"Date", b"@ingestionTime", b"tsNs"];
    const TEXTS: [&[u8]; 9] =
        [b"message", b"@message", b"Line", b"line", b"msg", b"log", b"Message", b"textPayload", b"Content"];
    // Few lines have no blanks; nearly no log line has such a name.
    if line.len() > MAX_LEN || memchr::memchr(b',', line).is_none() || memchr::memchr(b' ', line).is_some() {
        return None;
    }
    let names: Vec<&[u8]> = values(line).map(|value| &line[value.inside]).collect();
    let has_time = names.iter().any(|name| TIMES.contains(name));
    let message = names.iter().position(|name| TEXTS.contains(name)).filter(|_| has_time)?;
    Some(Columns { message })
}

struct Value {
    /// Without quotes.
    inside: Range<usize>,
    is_quoted: bool,
}

/// The values of a row; the last takes what is left.
fn values(bytes: &[u8]) -> impl Iterator<Item = Value> {
    let mut at = Some(0);
    std::iter::from_fn(move || {
        let start = at?;
        if bytes.get(start) != Some(&b'"') {
            let end = memchr::memchr(b',', &bytes[start..]).map(|len| start + len);
            at = end.map(|end| end + 1);
            return Some(Value { inside: start..end.unwrap_or(bytes.len()), is_quoted: false });
        }
        let mut end = start + 1;
        // A quote in the text is doubled.
        while let Some(len) = memchr::memchr(b'"', &bytes[end..]) {
            end += len;
            if bytes.get(end + 1) != Some(&b'"') {
                at = (bytes.get(end + 1) == Some(&b',')).then_some(end + 2);
                return Some(Value { inside: start + 1..end, is_quoted: true });
            }
            end += 2;
        }
        at = None;
        Some(Value { inside: start + 1..bytes.len(), is_quoted: true })
    })
    .take(MAX_COLUMNS)
}

/// A row whose columns are known, or whose first value is a time and one other a trace line.
pub(super) fn layer(bytes: &[u8], known: Option<Columns>) -> Option<(Layer, Columns)> {
    if !bytes.first().is_some_and(|first| first.is_ascii_digit() || *first == b'"') {
        return None;
    }
    memchr::memchr(b',', bytes)?;
    let mut values = values(bytes);
    let first = values.next()?;
    let stamp = time::whole(&bytes[first.inside.clone()]).map(|time| (time, first.inside.clone()));
    if known.is_none() && stamp.is_none() {
        return None;
    }
    let mut row = vec![first];
    row.extend(values);
    let of_trace = |value: &Value| match content(bytes, value) {
        Content::Part(range) => carries_trace(&bytes[range], 1),
        Content::Decoded { bytes, .. } => carries_trace(&bytes, 1),
    };
    let message = match known {
        Some(columns) => Some(columns.message),
        None => row.iter().position(of_trace),
    }?;
    let value = row.get(message)?;
    let time = stamp.or_else(|| {
        row.iter().find_map(|value| Some((time::whole(&bytes[value.inside.clone()])?, value.inside.clone())))
    });
    let layer = Layer { content: content(bytes, value), time, ..Layer::part(Carrier::Csv, 0..0) };
    Some((layer, Columns { message }))
}

fn content(bytes: &[u8], value: &Value) -> Content {
    if value.is_quoted { quoted_value(bytes, value.inside.clone()) } else { Content::Part(value.inside.clone()) }
}
