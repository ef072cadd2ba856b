//! What programs themselves put in front of their text. One function for each logger: the outermost layer, if it is its.

use super::layer::{Content, Layer, timed};
use super::scanner::Scanner;
use super::time::{clock, epoch, iso, month_day, slashes, stamp, whole};
use super::{Carrier, begins_trace, collectors, json};
use crate::template;

/// `main.go:23`: a file of Go code without its folders, and a line.
fn go_file(scan: &mut Scanner<'_>) -> Option<()> {
    let file = scan.many(1, |byte| !matches!(byte, b' ' | b'\t' | b':' | b']'))?;
    file.ends_with(b".go").then_some(())?;
    scan.text(":")?;
    scan.many(1, |byte| byte.is_ascii_digit()).map(|_| ())
}

pub(super) fn zap_console(bytes: &[u8]) -> Option<Layer> {
    let mut scan = Scanner::new(bytes);
    let time = timed(&mut scan, iso).or_else(|| timed(&mut scan, epoch))?;
    scan.text("\t")?;
    scan.many(4, |byte| byte.is_ascii_alphabetic())?;
    scan.text("\t")?;
    // The name of the logger may stand before the caller.
    scan.maybe(|scan| {
        scan.maybe(|scan| {
            scan.many(1, |byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-'))?;
            scan.text("\t")
        });
        go_file(scan)?;
        scan.text("\t")
    });
    // Fields follow the text after a tab, as one JSON object.
    let end = bytes[scan.at..].windows(2).position(|pair| pair == b"\t{").map_or(bytes.len(), |at| scan.at + at);
    Some(Layer::part(Carrier::ZapConsole, scan.at..end).at(Some(time)))
}

/// `[92723] …`, as wrappers that merge the output of several processes write.
pub(super) fn pid(bytes: &[u8]) -> Option<Layer> {
    let mut scan = Scanner::new(bytes);
    scan.text("[")?;
    scan.many(1, |byte| byte.is_ascii_digit())?;
    scan.text("]")?;
    let mut source = 0..scan.at;
    if !scan.rest().is_empty() {
        scan.text(" ")?;
    }
    if scan.clone().maybe(fluent_bit).is_some() {
        source = 0..0;
    }
    Some(Layer::part(Carrier::Pid, scan.at..bytes.len()).from(source))
}

/// `kube.shop: [[1700000000.123456789, {}], {"log"=>"…"}]` behind `[0] `, as Fluent Bit prints records on its own standard
/// output: that number counts the records of a chunk and is no process.
fn fluent_bit(scan: &mut Scanner<'_>) -> Option<()> {
    scan.many(1, |byte| !matches!(byte, b' ' | b':'))?;
    scan.text(": [")?;
    scan.text("[");
    scan.many(1, |byte| byte.is_ascii_digit())?;
    scan.text(".")?;
    scan.many(1, |byte| byte.is_ascii_digit())?;
    scan.text(", {")
}

/// `I0102 15:04:05.000000    1234 file.go:23] …`, of klog and glog.
pub(super) fn klog(bytes: &[u8]) -> Option<Layer> {
    let mut scan = Scanner::new(bytes);
    scan.one_of(b"IWEF")?;
    let time = timed(&mut scan, |scan| month_day(scan, ""))?;
    scan.many(1, |byte| byte == b' ')?;
    let start = scan.at;
    scan.many(1, |byte| byte.is_ascii_digit())?;
    let source = start..scan.at;
    scan.text(" ")?;
    go_file(&mut scan)?;
    scan.text("] ")?;
    Some(Layer::part(Carrier::Klog, scan.at..bytes.len()).from(source).at(Some(time)))
}

/// The standard logger's prefix may stand before the date (`log.New`, `log.SetPrefix`): a short word and a blank.
pub(super) fn std_log(bytes: &[u8]) -> Option<Layer> {
    const MAX_PREFIX: usize = 40;
    let within = &bytes[..bytes.len().min(MAX_PREFIX)];
    let after_words = memchr::memchr_iter(b' ', within).map(|blank| blank + 1);
    let start = std::iter::once(0).chain(after_words).find(|start| is_log_date(&bytes[*start..]))?;
    // The head of a trace line that a log line tore is no prefix.
    if template::next_start(&bytes[..start], 0).is_some() {
        return None;
    }
    let mut scan = Scanner::new(bytes);
    scan.at = start;
    let time = timed(&mut scan, slashes)?;
    scan.text(" ")?;
    scan.maybe(|scan| {
        go_file(scan)?;
        scan.text(": ")
    });
    Some(Layer::part(Carrier::StdLog, scan.at..bytes.len()).at(Some(time)))
}

/// Whether bytes begin with `2009/11/10 `.
fn is_log_date(bytes: &[u8]) -> bool {
    matches!(bytes, [a, b, c, d, b'/', e, f, b'/', g, h, b' ', ..]
        if [a, b, c, d, e, f, g, h].iter().all(|byte| byte.is_ascii_digit()))
}

/// `    main_test.go:23: …`, as `go test -v` prints what a test logs: four blanks for every level of subtests.
pub(super) fn go_test(bytes: &[u8]) -> Option<Layer> {
    let mut scan = Scanner::new(bytes);
    let indent = scan.many(4, |byte| byte == b' ')?.len();
    if indent % 4 != 0 {
        return None;
    }
    go_file(&mut scan)?;
    scan.text(": ")?;
    Some(Layer::part(Carrier::GoTest, scan.at..bytes.len()))
}

pub(super) fn timestamp(bytes: &[u8]) -> Option<Layer> {
    let mut scan = Scanner::new(bytes);
    let mut time = None;
    if scan.maybe(collectors::monotonic).is_none() {
        let bracketed = scan.text("[").is_some();
        time = timed(&mut scan, iso).or_else(|| timed(&mut scan, stamp)).or_else(|| timed(&mut scan, epoch));
        if time.is_none() {
            scan.maybe(clock)?;
        }
        if bracketed {
            scan.text("]")?;
        }
    }
    scan.text(":");
    if !scan.rest().is_empty() {
        scan.one_of(b" \t")?;
    }
    Some(Layer::part(Carrier::Timestamp, scan.at..bytes.len()).at(time))
}

/// A level in front of the text, as slog's default handler, logrus on a terminal and zerolog's console writer print it:
/// `INFO …`, `INFO[0000] …`, `INF main.go:23 > …`, `[ERROR] …`, `WARN: …`.
pub(super) fn level(bytes: &[u8]) -> Option<Layer> {
    const LEVELS: [&[u8]; 17] = [
        b"TRACE",
        b"DEBUG",
        b"INFO",
        b"NOTICE",
        b"WARN",
        b"WARNING",
        b"ERROR",
        b"FATAL",
        b"PANIC",
        b"CRITICAL",
        b"TRC",
        b"DBG",
        b"INF",
        b"WRN",
        b"ERR",
        b"FTL",
        b"ERRO",
    ];
    let mut scan = Scanner::new(bytes);
    let bracketed = scan.text("[").is_some();
    let word = scan.many(3, |byte| byte.is_ascii_uppercase())?;
    LEVELS.contains(&word).then_some(())?;
    if bracketed {
        scan.text("]")?;
    } else {
        // logrus: seconds since the program started.
        scan.maybe(|scan| {
            scan.text("[")?;
            scan.digits(4)?;
            scan.many(0, |byte| byte.is_ascii_digit())?;
            scan.text("]")
        });
    }
    scan.text(":");
    scan.text(" ")?;
    scan.maybe(|scan| {
        go_file(scan)?;
        scan.text(" > ").or_else(|| scan.text(": "))
    });
    // zerolog without the caller.
    scan.text("> ");
    Some(Layer::part(Carrier::Level, scan.at..bytes.len()))
}

/// `time=… level=… msg="…" key=value`: the line must begin with a key that loggers write first.
pub(super) fn logfmt(bytes: &[u8]) -> Option<Layer> {
    const FIRST: [&[u8]; 7] = [b"time=", b"ts=", b"t=", b"level=", b"lvl=", b"msg=", b"severity="];
    FIRST.iter().any(|key| bytes.starts_with(key)).then_some(())?;
    let mut stamp: Option<std::ops::Range<usize>> = None;
    let mut at = 0;
    while at < bytes.len() {
        let key_end = at + memchr::memchr(b'=', &bytes[at..])?;
        let key = &bytes[at..key_end];
        let value = key_end + 1;
        let is_quoted = bytes.get(value) == Some(&b'"');
        let (inside, end) = if is_quoted {
            match json::string_len(&bytes[value + 1..]) {
                Some(len) => (value + 1..value + len, value + 1 + len),
                // Cut by a collector.
                None => (value + 1..bytes.len(), bytes.len()),
            }
        } else {
            let end = memchr::memchr(b' ', &bytes[value..]).map_or(bytes.len(), |len| value + len);
            (value..end, end)
        };
        match key {
            b"msg" | b"message" => {
                let content = if is_quoted { json::unquote(bytes, inside) } else { Content::Part(inside) };
                // When other text was written is nobody's question, and most lines are other text.
                let is_trace = match &content {
                    Content::Part(range) => begins_trace(&bytes[range.clone()]),
                    Content::Decoded { .. } => true,
                };
                let time = stamp.filter(|_| is_trace).and_then(|at| Some((whole(&bytes[at.clone()])?, at)));
                return Some(Layer { content, time, ..Layer::part(Carrier::Logfmt, 0..0) });
            }
            b"time" | b"ts" | b"t" => stamp = Some(inside),
            _ => {}
        }
        at = end + bytes[end..].iter().take_while(|byte| **byte == b' ').count();
        if at == end {
            return None;
        }
    }
    None
}
