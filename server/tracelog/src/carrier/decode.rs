//! What is undone in all of a line: colors, escapes of HTML and of rsyslog, bytes that were never written.

use super::Carrier;
use super::layer::{Content, Layer};

pub(super) fn bom(bytes: &[u8]) -> Option<Layer> {
    bytes.starts_with(b"\xef\xbb\xbf").then(|| Layer::part(Carrier::Bom, 3..bytes.len()))
}

/// NULs in front of a line and behind it: logrotate's copytruncate leaves a hole where the file had been.
pub(super) fn nul(bytes: &[u8]) -> Option<Layer> {
    if bytes.first() != Some(&0) && bytes.last() != Some(&0) {
        return None;
    }
    let start = bytes.iter().position(|byte| *byte != 0).unwrap_or(bytes.len());
    let end = bytes.iter().rposition(|byte| *byte != 0).map_or(start, |last| last + 1);
    Some(Layer::part(Carrier::Nul, start..end))
}

/// Undoes what stands at places: `at` gives, for a place of the text, what it stands for and how long it is there.
fn undo(bytes: &[u8], carrier: Carrier, first: usize, at: impl Fn(&[u8]) -> Option<(char, usize)>) -> Option<Layer> {
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut from = Vec::with_capacity(bytes.len() + 1);
    decoded.extend_from_slice(&bytes[..first]);
    from.extend(0..first as u32);
    let mut n_undone = 0;
    let mut place = first;
    while place < bytes.len() {
        let (character, len) = match at(&bytes[place..]) {
            Some((character, len)) => {
                n_undone += 1;
                (Some(character), len)
            }
            None => (None, 1),
        };
        let mut utf8 = [0; 4];
        let text = character.map_or(&bytes[place..=place], |character| character.encode_utf8(&mut utf8).as_bytes());
        decoded.extend_from_slice(text);
        from.extend(text.iter().map(|_| place as u32));
        place += len;
    }
    from.push(bytes.len() as u32);
    let content = Content::Decoded { bytes: decoded, from };
    (n_undone > 0).then_some(Layer { content, ..Layer::part(carrier, 0..0) })
}

/// Removes escape sequences: `ESC [ … letter`, `ESC ] … BEL` and two-byte ones.
pub(super) fn ansi(bytes: &[u8]) -> Option<Layer> {
    memchr::memchr(0x1b, bytes)?;
    let mut kept = Vec::with_capacity(bytes.len());
    let mut from = Vec::with_capacity(bytes.len() + 1);
    let mut at = 0;
    while at < bytes.len() {
        if bytes[at] != 0x1b {
            kept.push(bytes[at]);
            from.push(at as u32);
            at += 1;
            continue;
        }
        at += match bytes.get(at + 1) {
            Some(b'[') => 2 + until(&bytes[at + 2..], |byte| (0x40..=0x7e).contains(&byte)),
            Some(b']') => 2 + until(&bytes[at + 2..], |byte| byte == 0x07),
            Some(_) => 2,
            None => 1,
        };
    }
    // The line end of Windows, in front of the sequence that ends a color.
    while kept.last() == Some(&b'\r') {
        kept.pop();
        from.pop();
    }
    from.push(bytes.len() as u32);
    let content = Content::Decoded { bytes: kept, from };
    Some(Layer { content, ..Layer::part(Carrier::Ansi, 0..0) })
}

/// How many bytes there are up to and with the first that ends.
fn until(bytes: &[u8], ends: impl Fn(u8) -> bool) -> usize {
    bytes.iter().position(|byte| ends(*byte)).map_or(bytes.len(), |at| at + 1)
}

/// Characters that HTML and XML escape, and those that `html/template` writes as numbers.
pub(super) fn html(bytes: &[u8]) -> Option<Layer> {
    const NAMED: [(&[u8], char); 10] = [
        (b"&gt;", '>'),
        (b"&lt;", '<'),
        (b"&amp;", '&'),
        (b"&quot;", '"'),
        (b"&apos;", '\''),
        (b"&nbsp;", ' '),
        (b"&#34;", '"'),
        (b"&#39;", '\''),
        (b"&#43;", '+'),
        (b"&#x27;", '\''),
    ];
    let named = |text: &[u8]| {
        let (name, character) = NAMED.iter().find(|(name, _)| text.starts_with(name))?;
        Some((*character, name.len()))
    };
    let first = memchr::memchr_iter(b'&', bytes).find(|at| named(&bytes[*at..]).is_some())?;
    undo(bytes, Carrier::Html, first, named)
}

/// Control characters as rsyslog writes them, `#011` for a tab. Only to be asked of what a syslog carried.
pub(super) fn octal(bytes: &[u8]) -> Option<Layer> {
    let control = |text: &[u8]| match text {
        [b'#', b'0', tens @ b'0'..=b'3', ones @ b'0'..=b'7', ..] => {
            Some((char::from((tens - b'0') * 8 + ones - b'0'), 4))
        }
        _ => None,
    };
    let first = memchr::memchr_iter(b'#', bytes).find(|at| control(&bytes[*at..]).is_some())?;
    undo(bytes, Carrier::SyslogEscape, first, control)
}
