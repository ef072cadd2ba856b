//! One layer of a line, and the order in which carriers are looked for.

use std::ops::Range;

use super::scanner::Scanner;
use super::time::WallTime;
use super::{Carrier, collectors, decode, json, loggers};

/// One layer of a line: what it is and what it carries.
pub(super) struct Layer {
    pub(super) carrier: Carrier,
    pub(super) content: Content,
    /// Bytes that name the process.
    pub(super) source: Range<usize>,
    /// The time stamp, and where it stands.
    pub(super) time: Option<(WallTime, Range<usize>)>,
    pub(super) record: Record,
    /// The last byte of the name of the standard stream.
    pub(super) stream: Option<u8>,
}

/// What a layer carries.
pub(super) enum Content {
    /// This part of the bytes, as it stands there.
    Part(Range<usize>),
    /// Decoded bytes, and for each of them and for their end the place it came from.
    Decoded { bytes: Vec<u8>, from: Vec<u32> },
}

/// What a collector that cuts long lines into records says about the end of this one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Record {
    /// It cuts none, or does not tell.
    #[default]
    Unknown,
    /// The line ends with it.
    Whole,
    /// The line goes on in the next record of its stream.
    Partial,
    /// It has no line end. Where others of its kind have one, the line goes on in the next.
    NoLineEnd,
}

impl Layer {
    pub(super) fn part(carrier: Carrier, content: Range<usize>) -> Self {
        Self {
            carrier,
            content: Content::Part(content),
            source: 0..0,
            time: None,
            record: Record::Unknown,
            stream: None,
        }
    }

    pub(super) fn from(mut self, source: Range<usize>) -> Self {
        self.source = source;
        self
    }

    pub(super) fn at(mut self, time: Option<(WallTime, Range<usize>)>) -> Self {
        self.time = time;
        self
    }
}

/// Reads a time stamp and remembers where it stood.
pub(super) fn timed(
    scan: &mut Scanner<'_>,
    read: fn(&mut Scanner<'_>) -> Option<WallTime>,
) -> Option<(WallTime, Range<usize>)> {
    let start = scan.at;
    let time = scan.maybe(read)?;
    Some((time, start..scan.at))
}

type Recognizer = fn(&[u8]) -> Option<Layer>;

/// What is undone before anything else: these stand anywhere in a line, in front of trace lines and inside them.
const DECODERS: [Recognizer; 4] = [decode::bom, decode::nul, decode::ansi, decode::html];

/// The forms that can begin with a byte, in the order in which they are tried: the more a form demands, the earlier.
fn recognizers(first: u8) -> &'static [Recognizer] {
    use collectors as c;
    use loggers as l;
    match first {
        b'{' => &[json::layer, c::loki],
        b'"' => &[json::member],
        b'#' => &[c::buildkit, c::compose, c::github_run, c::tagged, l::std_log, l::logfmt],
        b'<' => &[c::syslog_5424, c::syslog],
        b' ' | b'\t' => &[json::member, c::journal_export, l::go_test],
        b'[' => &[c::kubectl_prefix, c::syslog, l::pid, l::std_log, l::timestamp, l::level],
        b'0'..=b'9' => &[
            c::cri,
            c::syslog_5424,
            c::syslog,
            c::pm2,
            c::compose,
            c::gitlab,
            c::logcat,
            c::tagged,
            l::zap_console,
            l::std_log,
            l::timestamp,
        ],
        b'A'..=b'Z' => &[
            c::syslog,
            c::compose,
            c::journal_export,
            c::github_run,
            c::logcat,
            c::tagged,
            l::klog,
            l::std_log,
            l::timestamp,
            l::level,
        ],
        _ => &[c::compose, c::github_run, c::tagged, l::std_log, l::logfmt],
    }
}

pub(super) fn decoded(bytes: &[u8]) -> Option<Layer> {
    let may_be = memchr::memchr3(0, 0x1b, b'&', bytes).is_some() || bytes.first() == Some(&0xef);
    DECODERS.iter().filter(|_| may_be).find_map(|recognize| recognize(bytes))
}

pub(super) fn outermost(bytes: &[u8]) -> Option<Layer> {
    // All forms that begin with a small letter have one of these; the texts of loggers mostly do not.
    if bytes.first()?.is_ascii_lowercase() && memchr::memchr3(b'|', b':', b'=', bytes).is_none() {
        return None;
    }
    recognizers(*bytes.first()?).iter().find_map(|recognize| recognize(bytes))
}
