//! One recognizer for each carrier: the outermost layer of a line.

use std::ops::Range;

use super::scanner::{Scanner, clock, epoch, iso, stamp};
use super::{Carrier, json};
use crate::template;

/// One layer of a line: what it is and what it carries.
pub(super) struct Layer {
    pub(super) carrier: Carrier,
    pub(super) content: Content,
    /// Bytes that name the process.
    pub(super) source: Range<usize>,
}

/// What a layer carries.
pub(super) enum Content {
    /// This part of the bytes, as it stands there.
    Part(Range<usize>),
    /// Decoded bytes, and for each of them and for their end the place it came from.
    Decoded { bytes: Vec<u8>, from: Vec<u32> },
}

type Recognizer = fn(&[u8]) -> Option<Layer>;

/// Tried in this order: the more a form demands, the earlier.
const RECOGNIZERS: [Recognizer; 14] = [
    bom,
    ansi,
    json::layer,
    cri,
    syslog_5424,
    syslog,
    kubectl_prefix,
    compose,
    tagged,
    pid,
    zap_console,
    std_log,
    timestamp,
    logfmt,
];

pub(super) fn outermost(bytes: &[u8]) -> Option<Layer> {
    RECOGNIZERS.iter().find_map(|recognize| recognize(bytes))
}

fn part(carrier: Carrier, content: Range<usize>) -> Option<Layer> {
    Some(Layer { carrier, content: Content::Part(content), source: 0..0 })
}

fn bom(bytes: &[u8]) -> Option<Layer> {
    bytes.starts_with(b"\xef\xbb\xbf").then_some(())?;
    part(Carrier::Bom, 3..bytes.len())
}

/// Removes escape sequences: `ESC [ … letter`, `ESC ] … BEL` and two-byte ones.
fn ansi(bytes: &[u8]) -> Option<Layer> {
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
    from.push(bytes.len() as u32);
    Some(Layer { carrier: Carrier::Ansi, content: Content::Decoded { bytes: kept, from }, source: 0..0 })
}

/// How many bytes there are up to and with the first that ends.
fn until(bytes: &[u8], ends: impl Fn(u8) -> bool) -> usize {
    bytes.iter().position(|byte| ends(*byte)).map_or(bytes.len(), |at| at + 1)
}

fn cri(bytes: &[u8]) -> Option<Layer> {
    let mut scan = Scanner::new(bytes);
    iso(&mut scan)?;
    scan.text(" std")?;
    scan.text("out").or_else(|| scan.text("err"))?;
    scan.text(" ")?;
    scan.one_of(b"FP")?;
    if !scan.rest().is_empty() {
        scan.text(" ")?;
    }
    part(Carrier::Cri, scan.at..bytes.len())
}

fn priority(scan: &mut Scanner<'_>) -> Option<()> {
    scan.text("<")?;
    scan.many(1, |byte| byte.is_ascii_digit())?;
    scan.text(">")
}

fn syslog_5424(bytes: &[u8]) -> Option<Layer> {
    let mut scan = Scanner::new(bytes);
    priority(&mut scan)?;
    scan.text("1 ")?;
    if scan.text("-").is_none() {
        iso(&mut scan)?;
    }
    scan.text(" ")?;
    let source = scan.at;
    for _ in ["host", "application", "process"] {
        scan.word()?;
        scan.text(" ")?;
    }
    let source = source..scan.at - 1;
    scan.word()?;
    scan.text(" ")?;
    if scan.text("-").is_none() {
        // Structured data: bracketed elements, one after the other.
        while scan.maybe(|scan| scan.text("[")).is_some() {
            scan.many(0, |byte| byte != b']')?;
            scan.text("]")?;
        }
    }
    scan.text(" ")?;
    scan.text("\u{feff}");
    Some(Layer { carrier: Carrier::Syslog5424, content: Content::Part(scan.at..bytes.len()), source })
}

/// `unit[pid]: ` or `unit: `, the tag of syslog and journald.
fn tag(scan: &mut Scanner<'_>) -> Option<()> {
    scan.many(1, |byte| !matches!(byte, b' ' | b'\t' | b'[' | b']' | b':' | b'"' | b'@' | b'='))?;
    scan.maybe(|scan| {
        scan.text("[")?;
        scan.many(1, |byte| !matches!(byte, b' ' | b']' | b'['))?;
        scan.text("]")
    });
    scan.text(":")?;
    if scan.rest().is_empty() { Some(()) } else { scan.text(" ") }
}

fn syslog(bytes: &[u8]) -> Option<Layer> {
    let mut scan = Scanner::new(bytes);
    scan.maybe(priority);
    scan.maybe(stamp).or_else(|| scan.maybe(iso)).or_else(|| {
        scan.maybe(|scan| {
            scan.text("[")?;
            scan.many(0, |byte| byte == b' ')?;
            scan.many(1, |byte| byte.is_ascii_digit())?;
            scan.text(".")?;
            scan.digits(6)?;
            scan.text("]")
        })
    })?;
    scan.text(" ")?;
    let start = scan.at;
    scan.many(1, |byte| !matches!(byte, b' ' | b'\t' | b'"' | b':' | b'['))?;
    scan.text(" ")?;
    tag(&mut scan)?;
    // `SCHED 0ms:` and `forced scvg:` behind a time stamp are no host and unit.
    if template::best(&bytes[start..]).is_some_and(|item| item.is_certain()) {
        return None;
    }
    let end = bytes[..scan.at].iter().rposition(|byte| *byte == b':').unwrap_or(scan.at);
    Some(Layer { carrier: Carrier::Syslog, content: Content::Part(scan.at..bytes.len()), source: start..end })
}

/// A tag with a process id and nothing before it, as it is left once a time stamp is peeled: `app[web.1]: `.
fn tagged(bytes: &[u8]) -> Option<Layer> {
    let mut scan = Scanner::new(bytes);
    tag(&mut scan)?;
    let colon = bytes[..scan.at].iter().rposition(|byte| *byte == b':')?;
    bytes[..colon].ends_with(b"]").then_some(())?;
    Some(Layer { carrier: Carrier::Syslog, content: Content::Part(scan.at..bytes.len()), source: 0..colon })
}

fn kubectl_prefix(bytes: &[u8]) -> Option<Layer> {
    let mut scan = Scanner::new(bytes);
    scan.text("[pod/")?;
    scan.many(1, |byte| !matches!(byte, b' ' | b']'))?;
    scan.text("]")?;
    let source = 0..scan.at;
    if !scan.rest().is_empty() {
        scan.text(" ")?;
    }
    Some(Layer { carrier: Carrier::KubectlPrefix, content: Content::Part(scan.at..bytes.len()), source })
}

fn zap_console(bytes: &[u8]) -> Option<Layer> {
    let mut scan = Scanner::new(bytes);
    scan.maybe(iso).or_else(|| scan.maybe(epoch))?;
    scan.text("\t")?;
    scan.many(4, |byte| byte.is_ascii_alphabetic())?;
    scan.text("\t")?;
    scan.maybe(|scan| {
        scan.many(1, |byte| !matches!(byte, b' ' | b'\t' | b':'))?;
        scan.text(":")?;
        scan.many(1, |byte| byte.is_ascii_digit())?;
        scan.text("\t")
    });
    // Fields follow the text after a tab, as one JSON object.
    let end = bytes[scan.at..].windows(2).position(|pair| pair == b"\t{").map_or(bytes.len(), |at| scan.at + at);
    part(Carrier::ZapConsole, scan.at..end)
}

/// `[92723] …`, as wrappers that merge the output of several processes write.
fn pid(bytes: &[u8]) -> Option<Layer> {
    let mut scan = Scanner::new(bytes);
    scan.text("[")?;
    scan.many(1, |byte| byte.is_ascii_digit())?;
    scan.text("]")?;
    let source = 0..scan.at;
    if !scan.rest().is_empty() {
        scan.text(" ")?;
    }
    Some(Layer { carrier: Carrier::Pid, content: Content::Part(scan.at..bytes.len()), source })
}

/// The standard logger's prefix may stand before the date (`log.New`, `log.SetPrefix`): a short word and a blank.
fn std_log(bytes: &[u8]) -> Option<Layer> {
    const MAX_PREFIX: usize = 40;
    let within = &bytes[..bytes.len().min(MAX_PREFIX)];
    let after_words = memchr::memchr_iter(b' ', within).map(|blank| blank + 1);
    let start = std::iter::once(0).chain(after_words).find(|start| is_log_date(&bytes[*start..]))?;
    // The head of a trace line that a log line tore is no prefix.
    if template::next_start(&bytes[..start], 0).is_some() {
        return None;
    }
    std_log_at(bytes, start)
}

/// Whether bytes begin with `2009/11/10 `.
fn is_log_date(bytes: &[u8]) -> bool {
    matches!(bytes, [a, b, c, d, b'/', e, f, b'/', g, h, b' ', ..]
        if [a, b, c, d, e, f, g, h].iter().all(|byte| byte.is_ascii_digit()))
}

fn std_log_at(bytes: &[u8], start: usize) -> Option<Layer> {
    let mut scan = Scanner::new(bytes);
    scan.at = start;
    scan.digits(4)?;
    scan.text("/")?;
    scan.digits(2)?;
    scan.text("/")?;
    scan.digits(2)?;
    scan.text(" ")?;
    clock(&mut scan)?;
    scan.text(" ")?;
    scan.maybe(|scan| {
        let file = scan.many(1, |byte| !matches!(byte, b' ' | b':'))?;
        file.ends_with(b".go").then_some(())?;
        scan.text(":")?;
        scan.many(1, |byte| byte.is_ascii_digit())?;
        scan.text(": ")
    });
    part(Carrier::StdLog, scan.at..bytes.len())
}

fn timestamp(bytes: &[u8]) -> Option<Layer> {
    let mut scan = Scanner::new(bytes);
    let bracketed = scan.text("[").is_some();
    scan.maybe(iso).or_else(|| scan.maybe(stamp)).or_else(|| scan.maybe(clock)).or_else(|| scan.maybe(epoch))?;
    if bracketed {
        scan.text("]")?;
    }
    scan.text(":");
    if !scan.rest().is_empty() {
        scan.one_of(b" \t")?;
    }
    part(Carrier::Timestamp, scan.at..bytes.len())
}

fn compose(bytes: &[u8]) -> Option<Layer> {
    let mut scan = Scanner::new(bytes);
    let name = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-');
    scan.many(1, name)?;
    let source = 0..scan.at;
    scan.many(1, |byte| byte == b' ')?;
    scan.text("|")?;
    if !scan.rest().is_empty() {
        scan.text(" ")?;
    }
    Some(Layer { carrier: Carrier::Compose, content: Content::Part(scan.at..bytes.len()), source })
}

/// `time=… level=… msg="…" key=value`: the line must begin with a key that loggers write first.
fn logfmt(bytes: &[u8]) -> Option<Layer> {
    const FIRST: [&[u8]; 5] = [b"time=", b"ts=", b"t=", b"level=", b"msg="];
    FIRST.iter().any(|key| bytes.starts_with(key)).then_some(())?;
    let mut at = 0;
    while at < bytes.len() {
        let key_end = at + memchr::memchr(b'=', &bytes[at..])?;
        let key = &bytes[at..key_end];
        let value = key_end + 1;
        let end = if bytes.get(value) == Some(&b'"') {
            value + 1 + json::string_len(&bytes[value + 1..])?
        } else {
            memchr::memchr(b' ', &bytes[value..]).map_or(bytes.len(), |len| value + len)
        };
        if key == b"msg" {
            let content = if bytes.get(value) == Some(&b'"') {
                json::unquote(bytes, value + 1..end - 1)
            } else {
                Content::Part(value..end)
            };
            return Some(Layer { carrier: Carrier::Logfmt, content, source: 0..0 });
        }
        at = end + bytes[end..].iter().take_while(|byte| **byte == b' ').count();
        if at == end {
            return None;
        }
    }
    None
}
