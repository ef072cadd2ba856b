//! When a line of the program was written, as it says itself.

use memchr::memmem;

use crate::carrier::{Peeled, WallTime, access_log_time, whole_time};

/// The time of a line: its own, unless what carries it knows better.
pub fn stamp(peeled: &Peeled<'_>) -> Option<WallTime> {
    let (_, text) = peeled.as_foreign();
    let own = own(text, peeled);
    match (own, peeled.time) {
        (Some(own), Some(carried)) if carried.tells_more_than(&own) => Some(carried),
        (own, carried) => own.or(carried),
    }
}

fn own(text: &[u8], peeled: &Peeled<'_>) -> Option<WallTime> {
    match text.first()? {
        b'{' if peeled.is_logged() && peeled.time.is_some() => None,
        b'{' => json(text),
        b'[' => bracketed(text),
        _ => logfmt(text).or_else(|| clf(text)),
    }
}

/// `"time":"…"`, `"ts":1700000000.25`, of objects that no carrier reads because they have no message.
fn json(text: &[u8]) -> Option<WallTime> {
    const KEYS: [&str; 6] =
        ["\"time\":", "\"ts\":", "\"timestamp\":", "\"@timestamp\":", "\"StartUTC\":", "\"time_local\":"];
    KEYS.iter().find_map(|key| {
        let at = memmem::find(text, key.as_bytes())? + key.len();
        let rest = text[at..].strip_prefix(b" ").unwrap_or(&text[at..]);
        let rest = rest.strip_prefix(b"\"").unwrap_or(rest);
        let end = rest.iter().position(|byte| matches!(byte, b'"' | b',' | b'}'))?;
        whole_time(&rest[..end])
    })
}

/// `time=…`, `ts=…`, `t=…`: the first key, or one of the first.
fn logfmt(text: &[u8]) -> Option<WallTime> {
    const NEAR: usize = 200;
    let near = &text[..text.len().min(NEAR)];
    ["time=", "ts=", "t=", "timestamp="].iter().find_map(|key| {
        let is_whole = |at: &usize| *at == 0 || near[at - 1] == b' ';
        let at = memmem::find_iter(near, key.as_bytes()).find(is_whole)? + key.len();
        let rest = &text[at..];
        let (rest, end) = match rest.strip_prefix(b"\"") {
            Some(rest) => (rest, b'"'),
            None => (rest, b' '),
        };
        whole_time(&rest[..memchr::memchr(end, rest).unwrap_or(rest.len())])
    })
}

/// `10.0.0.1 - - [10/Oct/2000:13:55:36 -0700] …`.
fn clf(text: &[u8]) -> Option<WallTime> {
    let at = memmem::find(&text[..text.len().min(200)], b" [")? + 2;
    access_log_time(&text[at..])
}

/// `[2016-04-15T20:17:00.310Z] …` of Envoy, `[GIN] 2024/01/02 - 15:04:05 |` of gin, `[negroni] 2024-… |`.
pub(super) fn bracketed(text: &[u8]) -> Option<WallTime> {
    let inside = text.strip_prefix(b"[")?;
    let end = memchr::memchr(b']', &inside[..inside.len().min(40)])?;
    if let Some(time) = whole_time(&inside[..end]) {
        return Some(time);
    }
    access_log_time(inside[end + 1..].strip_prefix(b" ")?)
}
