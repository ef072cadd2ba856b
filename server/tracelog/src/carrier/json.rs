//! JSON objects and quoted strings as carriers: finding the text in them and undoing their escapes, with every decoded
//! byte remembering where it came from.
//!
//! Not a JSON parser: it walks over the top level of one object and is content with less than valid JSON, because a
//! collector may have cut the line.

use std::ops::Range;

use super::layer::{Content, Layer, Record};
use super::time::{WallTime, whole};
use super::{Carrier, begins_trace};

/// Keys that hold what the program wrote, by the writers that use them.
const TEXT_KEYS: [&[u8]; 15] = [
    b"log",
    b"msg",
    b"message",
    b"MESSAGE",
    b"textPayload",
    b"@message",
    b"text",
    b"line",
    b"Output",
    b"short_message",
    b"body",
    b"event",
    b"M",
    b"content",
    b"stringValue",
];

/// Keys whose objects hold such keys.
const NESTING_KEYS: [&[u8]; 6] = [b"jsonPayload", b"fields", b"_source", b"body", b"record", b"event"];

/// Keys that name the process.
const SOURCE_KEYS: [&[u8]; 5] = [b"_PID", b"pid", b"container_name", b"container", b"app_name"];

/// Keys that hold the time.
const TIME_KEYS: [&[u8]; 9] =
    [b"time", b"ts", b"timestamp", b"@timestamp", b"Time", b"__REALTIME_TIMESTAMP", b"date", b"t", b"T"];

/// What was found in an object.
#[derive(Default)]
struct Members {
    /// The insides of strings that may be what the program wrote, and whether the key is that of Docker or of `go test`.
    texts: Vec<(Range<usize>, bool)>,
    /// journald prints what is not printable as a list of bytes.
    list: Option<Range<usize>>,
    source: Range<usize>,
    time: Option<(WallTime, Range<usize>)>,
    is_docker: bool,
    stream: Option<u8>,
}

/// How deep objects are looked into.
const MAX_NESTING: usize = 3;

pub(super) fn layer(bytes: &[u8]) -> Option<Layer> {
    let mut found = Members::default();
    found.read(bytes, 0, MAX_NESTING);
    let Members { texts, list, source, time, is_docker, stream } = found;
    let carrier = if is_docker { Carrier::DockerJson } else { Carrier::JsonLog };
    if texts.is_empty()
        && let Some(list) = list
    {
        return Some(Layer { content: byte_list(bytes, list)?, source, time, ..Layer::part(carrier, 0..0) });
    }
    // Of several, the one that is a trace line: loggers add a text of their own to what they carry.
    let of_trace = |(inside, _): &&(Range<usize>, bool)| match unquote(bytes, inside.clone()) {
        Content::Part(range) => begins_trace(&bytes[range]),
        Content::Decoded { bytes, .. } => begins_trace(&bytes),
    };
    let several = texts.len() > 1;
    let (inside, in_records) = texts.iter().find(|text| several && of_trace(text)).or(texts.first())?.clone();
    let record = match (in_records, bytes[inside.clone()].ends_with(b"\\n")) {
        (false, _) => Record::Unknown,
        (true, true) => Record::Whole,
        (true, false) => Record::NoLineEnd,
    };
    Some(Layer { content: unquote(bytes, inside), source, time, record, stream, ..Layer::part(carrier, 0..0) })
}

/// A member that stands on a line of its own, as in pretty-printed JSON: `    "textPayload": "…",`.
pub(super) fn member(bytes: &[u8]) -> Option<Layer> {
    let at = skip_blanks(bytes, 0);
    let key_len = string_len(bytes.get(at + 1..).filter(|_| bytes.get(at) == Some(&b'"'))?)?;
    let key = &bytes[at + 1..at + key_len];
    let colon = skip_blanks(bytes, at + 1 + key_len);
    if bytes.get(colon) != Some(&b':') {
        return None;
    }
    let at = skip_blanks(bytes, colon + 1);
    let is_text = TEXT_KEYS.contains(&key) && bytes.get(at) == Some(&b'"');
    let inside = at + 1..is_text.then(|| string_end(bytes, at))?;
    Some(Layer { content: unquote(bytes, inside), ..Layer::part(Carrier::JsonLog, 0..0) })
}

/// The end of the inside of the string that begins at `at`; of the text where a collector cut it.
fn string_end(bytes: &[u8], at: usize) -> usize {
    string_len(&bytes[at + 1..]).map_or(bytes.len(), |len| at + len)
}

impl Members {
    /// Reads the object that begins at `start`.
    fn read(&mut self, bytes: &[u8], start: usize, depth: usize) {
        if depth == 0 || bytes.get(start) != Some(&b'{') {
            return;
        }
        let mut at = start + 1;
        loop {
            at = skip_blanks(bytes, at);
            if bytes.get(at) != Some(&b'"') {
                break;
            }
            let Some(len) = string_len(&bytes[at + 1..]) else { break };
            let key = &bytes[at + 1..at + len];
            at = skip_blanks(bytes, at + 1 + len);
            if bytes.get(at) != Some(&b':') {
                break;
            }
            at = skip_blanks(bytes, at + 1);
            let value = at..value_end(bytes, at);
            self.member(bytes, key, value.clone(), depth);
            at = skip_blanks(bytes, value.end);
            if bytes.get(at) != Some(&b',') {
                break;
            }
            at += 1;
        }
    }

    fn member(&mut self, bytes: &[u8], key: &[u8], value: Range<usize>, depth: usize) {
        let first = bytes.get(value.start);
        let is_string = first == Some(&b'"');
        let inside = if is_string { value.start + 1..string_end(bytes, value.start) } else { value.clone() };
        if is_string && TEXT_KEYS.contains(&key) {
            self.texts.push((inside, matches!(key, b"log" | b"Output")));
            self.is_docker |= key == b"log";
        } else if first == Some(&b'{') && NESTING_KEYS.contains(&key) {
            self.read(bytes, value.start, depth - 1);
        } else if first == Some(&b'[') && key == b"MESSAGE" {
            self.list = Some(value);
        } else if TIME_KEYS.contains(&key) {
            self.time = whole(&bytes[inside.clone()]).map(|time| (time, inside)).or(self.time.take());
        } else if key == b"stream" {
            self.stream = bytes[inside].last().copied();
        } else if SOURCE_KEYS.contains(&key) {
            self.source = value;
        }
    }
}

/// `[103,99,32]`: bytes as numbers.
fn byte_list(bytes: &[u8], list: Range<usize>) -> Option<Content> {
    let mut decoded = Vec::new();
    let mut from = Vec::new();
    let mut at = list.start + 1;
    while at < list.end {
        at = skip_blanks(bytes, at);
        let len = bytes[at..list.end].iter().take_while(|byte| byte.is_ascii_digit()).count();
        let number = std::str::from_utf8(&bytes[at..at + len]).ok().and_then(|text| text.parse().ok());
        decoded.push(number?);
        from.push(at as u32);
        at = skip_blanks(bytes, at + len);
        match bytes.get(at) {
            Some(b',') => at += 1,
            _ => break,
        }
    }
    from.push(list.end as u32);
    Some(Content::Decoded { bytes: decoded, from })
}

fn skip_blanks(bytes: &[u8], at: usize) -> usize {
    at + bytes.get(at..).unwrap_or_default().iter().take_while(|byte| byte.is_ascii_whitespace()).count()
}

/// Length of a quoted string's inside, with its closing quote.
pub(super) fn string_len(bytes: &[u8]) -> Option<usize> {
    let mut at = 0;
    loop {
        at += memchr::memchr2(b'"', b'\\', &bytes[at..])?;
        if bytes[at] == b'"' {
            return Some(at + 1);
        }
        at += 2;
        if at > bytes.len() {
            return None;
        }
    }
}

/// Where the value that starts at `at` ends. Brackets inside strings do not count.
fn value_end(bytes: &[u8], mut at: usize) -> usize {
    let mut depth = 0_usize;
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'"' => match string_len(&bytes[at + 1..]) {
                Some(len) => at += len,
                None => return bytes.len(),
            },
            b'{' | b'[' => depth += 1,
            b'}' | b']' | b',' if depth == 0 => return at,
            b'}' | b']' => depth -= 1,
            _ => {}
        }
        at += 1;
        if depth == 0 && matches!(byte, b'"' | b'}' | b']') {
            return at;
        }
    }
    bytes.len()
}

/// The inside of a quoted string, decoded; line ends at its end are dropped.
pub(super) fn unquote(bytes: &[u8], inside: Range<usize>) -> Content {
    let quoted = &bytes[inside.clone()];
    if memchr::memchr(b'\\', quoted).is_none() {
        return Content::Part(inside);
    }
    let mut decoded = Vec::with_capacity(quoted.len());
    let mut from = Vec::with_capacity(quoted.len() + 1);
    let mut at = 0;
    while at < quoted.len() {
        let start = (inside.start + at) as u32;
        if quoted[at] != b'\\' {
            decoded.push(quoted[at]);
            from.push(start);
            at += 1;
            continue;
        }
        let (character, len) = escape(&quoted[at..]);
        let mut utf8 = [0; 4];
        for byte in character.encode_utf8(&mut utf8).bytes() {
            decoded.push(byte);
            from.push(start);
        }
        at += len;
    }
    while matches!(decoded.last(), Some(b'\n' | b'\r')) {
        decoded.pop();
        from.pop();
    }
    from.push(inside.end as u32);
    Content::Decoded { bytes: decoded, from }
}

/// The inside of a quoted value of CSV: a quote in it is doubled.
pub(super) fn quoted_value(bytes: &[u8], inside: Range<usize>) -> Content {
    let quoted = &bytes[inside.clone()];
    if memchr::memchr(b'"', quoted).is_none() {
        return Content::Part(inside);
    }
    let mut decoded = Vec::with_capacity(quoted.len());
    let mut from = Vec::with_capacity(quoted.len() + 1);
    let mut at = 0;
    while at < quoted.len() {
        decoded.push(quoted[at]);
        from.push((inside.start + at) as u32);
        at += if quoted[at..].starts_with(b"\"\"") { 2 } else { 1 };
    }
    from.push(inside.end as u32);
    Content::Decoded { bytes: decoded, from }
}

/// What an escape at the start of `bytes` stands for, and its length. Unknown escapes stand for their letter.
fn escape(bytes: &[u8]) -> (char, usize) {
    let simple = |character| (character, 2);
    match bytes.get(1) {
        None => ('\\', 1),
        Some(b'n') => simple('\n'),
        Some(b't') => simple('\t'),
        Some(b'r') => simple('\r'),
        Some(b'b') => simple('\u{8}'),
        Some(b'f') => simple('\u{c}'),
        Some(b'u') => {
            let Some(unit) = hex(bytes, 2, 4) else { return ('\u{fffd}', 2) };
            if !(0xd800..0xe000).contains(&unit) {
                return (char::from_u32(unit).unwrap_or('\u{fffd}'), 6);
            }
            match (bytes.get(6..8) == Some(b"\\u")).then(|| hex(bytes, 8, 4)).flatten() {
                Some(low) if unit < 0xdc00 && (0xdc00..0xe000).contains(&low) => {
                    let scalar = 0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00);
                    (char::from_u32(scalar).unwrap_or('\u{fffd}'), 12)
                }
                _ => ('\u{fffd}', 6),
            }
        }
        Some(b'x') => match hex(bytes, 2, 2).and_then(char::from_u32) {
            Some(character) => (character, 4),
            None => ('\u{fffd}', 2),
        },
        Some(byte) if byte.is_ascii() => simple(char::from(*byte)),
        // The bytes of a character beyond ASCII follow by themselves.
        Some(_) => ('\\', 1),
    }
}

fn hex(bytes: &[u8], from: usize, digits: usize) -> Option<u32> {
    let text = std::str::from_utf8(bytes.get(from..from + digits)?).ok()?;
    u32::from_str_radix(text, 16).ok()
}
