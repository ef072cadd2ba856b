//! JSON objects and quoted strings as carriers: finding the text in them and undoing their escapes, with every decoded
//! byte remembering where it came from.
//!
//! Not a JSON parser: it walks over the top level of one object and is content with less than valid JSON, because a
//! collector may have cut the line.

use std::ops::Range;

use super::Carrier;
use super::layer::{Content, Layer};

/// Keys that hold what the program wrote, by the writers that use them.
const TEXT_KEYS: [&[u8]; 8] = [b"log", b"msg", b"message", b"MESSAGE", b"textPayload", b"@message", b"text", b"line"];

/// Keys that name the process.
const SOURCE_KEYS: [&[u8]; 4] = [b"_PID", b"pid", b"container_name", b"container"];

pub(super) fn layer(bytes: &[u8]) -> Option<Layer> {
    if bytes.first() != Some(&b'{') {
        return None;
    }
    let mut text = None;
    let mut source = 0..0;
    let mut is_docker = false;
    let mut at = 1;
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
        let is_string = bytes.get(at) == Some(&b'"') && value.len() >= 2;
        if is_string && text.is_none() && TEXT_KEYS.contains(&key) {
            text = Some(value.start + 1..value.end - 1);
            is_docker |= key == b"log";
        } else if SOURCE_KEYS.contains(&key) {
            source = value.clone();
        }
        at = skip_blanks(bytes, value.end);
        if bytes.get(at) != Some(&b',') {
            break;
        }
        at += 1;
    }
    let carrier = if is_docker { Carrier::DockerJson } else { Carrier::JsonLog };
    Some(Layer { carrier, content: unquote(bytes, text?), source })
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
