//! Durations in lines of the program itself: `took=43ms`, `"latency":0.043`, access logs.
//!
//! What a GC log is most often opened for is whether requests were slow because of the collector, and how long they took
//! stands in the application's own lines. Read while a line is read, like items: a row names its line, its key, its route
//! and when the line says it was written. A byte search for the names of keys comes first, since most lines have none.
//!
//! A number counts only where its unit is known: printed behind it, part of its key, or fixed by a writer whose lines are
//! told by their shape ([`keys`]). What a request is, and what a duration says about it, is not known here.

mod keys;
mod route;
mod stamp;
mod value;

use std::ops::Range;
use std::sync::{Arc, LazyLock};

use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};

use crate::carrier::{Peeled, WallTime};
use keys::Writer;
use value::Value;

pub use stamp::stamp;

/// A duration in a line of the program, as the columns of a log keep it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AppDuration {
    /// Line, counted from the chunk's first line.
    pub line: u32,
    /// The duration, ns.
    pub ns: u64,
    /// The number of its [`Tag`].
    tag: u32,
    time_ns: i64,
}

/// What durations share: lines of one writer about one route differ in their numbers only.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tag {
    /// The key: `took`, `duration_ms`, or `latency` where a column says it.
    pub key: Arc<[u8]>,
    /// What was requested, without numbers and queries: `GET /users/*`; empty where the line does not say.
    pub route: Arc<[u8]>,
    /// What the carrier says about the process; empty where it says nothing.
    pub source: Arc<[u8]>,
    /// What the lines say of when they were written, all but the time; none where they say nothing.
    stamp: Option<WallTime>,
    /// The time is when what took so long began, and not when it ended.
    pub is_begin: bool,
}

/// The durations of a chunk's lines, in the order of the text.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AppDurations {
    rows: Vec<AppDuration>,
    tags: Vec<Tag>,
}

impl AppDurations {
    /// The rows, in the order of the text.
    pub fn rows(&self) -> &[AppDuration] {
        &self.rows
    }

    /// What a row shares with others.
    pub fn tag(&self, row: &AppDuration) -> &Tag {
        &self.tags[row.tag as usize]
    }

    /// When the line of a row says that it was written; none where it does not.
    pub fn time(&self, row: &AppDuration) -> Option<WallTime> {
        self.tag(row).stamp.map(|stamp| WallTime { ns: row.time_ns, ..stamp })
    }

    /// Takes over what a line says.
    pub(crate) fn push(&mut self, line: u32, source: &[u8], said: &Said) {
        let route = said.route.as_deref().unwrap_or_default().as_bytes();
        let stamp = said.time.map(|time| WallTime { ns: 0, ..time });
        let time_ns = said.time.map_or(0, |time| time.ns);
        for found in &said.durations {
            let is_tag = |tag: &Tag| {
                (&*tag.key, &*tag.route, &*tag.source) == (found.key.as_bytes(), route, source)
                    && (tag.stamp, tag.is_begin) == (stamp, said.is_begin)
            };
            // Further back is not looked: with many routes a tag more is cheaper.
            let recent = self.tags.len().saturating_sub(MAX_RECENT);
            let known = self.tags[recent..].iter().rposition(is_tag).map(|at| recent + at);
            let tag = known.unwrap_or_else(|| {
                let (key, route, source) = (Arc::from(found.key.as_bytes()), Arc::from(route), Arc::from(source));
                self.tags.push(Tag { key, route, source, stamp, is_begin: said.is_begin });
                self.tags.len() - 1
            });
            self.rows.push(AppDuration { line, ns: found.ns, tag: tag as u32, time_ns });
        }
    }

    pub(crate) fn shrink(&mut self) {
        self.rows.shrink_to_fit();
    }

    /// Bytes of heap memory held.
    pub(crate) fn n_bytes(&self) -> usize {
        let of_tag = |tag: &Tag| size_of::<Tag>() + tag.key.len() + tag.route.len() + tag.source.len() + 48;
        self.rows.capacity() * size_of::<AppDuration>() + self.tags.iter().map(of_tag).sum::<usize>()
    }
}

/// Tags among which one is looked for.
const MAX_RECENT: usize = 32;

/// What a line of the program says about time.
#[derive(Clone, Debug, PartialEq)]
pub struct Said {
    /// Its durations, in order; at most [`MAX_PER_LINE`].
    pub durations: Vec<Found>,
    /// What was requested, without numbers and queries.
    pub route: Option<String>,
    /// When the line was written.
    pub time: Option<WallTime>,
    /// The time is when the request began.
    pub is_begin: bool,
}

/// A duration, found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// Its key.
    pub key: String,
    /// The duration, ns.
    pub ns: u64,
    /// Where the number and its unit stand in the text that was read.
    pub at: Range<usize>,
}

/// Durations that are read from one line.
pub const MAX_PER_LINE: usize = 4;

/// Longer ones are no requests: 30 days.
const MAX_NS: f64 = 30.0 * 86_400.0 * 1e9;

/// What a line may hold that can be a duration.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Sign {
    /// Part of the name of a key.
    Key,
    /// The end of a column, as gin, fiber and negroni print it: `|   43.1µs |`.
    Column,
    /// `200 5B in 43.1µs`, of chi.
    BytesIn,
    /// The protocol in a request line: an access log.
    Access,
}

const SIGNS: [(&str, Sign); 26] = [
    ("latency", Sign::Key),
    ("duration", Sign::Key),
    ("elapsed", Sign::Key),
    ("took", Sign::Key),
    ("cost", Sign::Key),
    ("dur=", Sign::Key),
    ("dur\"", Sign::Key),
    ("dur:", Sign::Key),
    ("rt=", Sign::Key),
    ("rt\"", Sign::Key),
    ("_time", Sign::Key),
    ("time_", Sign::Key),
    ("stTime", Sign::Key),
    ("seTime", Sign::Key),
    ("_ms", Sign::Key),
    ("_us", Sign::Key),
    ("_ns", Sign::Key),
    ("_sec", Sign::Key),
    ("Ms\"", Sign::Key),
    ("Ms=", Sign::Key),
    ("s |", Sign::Column),
    ("B in ", Sign::BytesIn),
    ("HTTP/1.1\"", Sign::Access),
    ("HTTP/1.0\"", Sign::Access),
    ("HTTP/2\"", Sign::Access),
    ("HTTP/2.0\"", Sign::Access),
];

static SEARCH: LazyLock<AhoCorasick> = LazyLock::new(|| {
    AhoCorasick::builder()
        .ascii_case_insensitive(true)
        .match_kind(MatchKind::LeftmostFirst)
        .kind(Some(AhoCorasickKind::DFA))
        .build(SIGNS.map(|(text, _)| text))
        .expect("a few short words make a small automaton")
});

/// What a line that holds no item says about time; nothing where it has no duration.
pub fn read(peeled: &Peeled<'_>) -> Option<Said> {
    let (_, text) = peeled.as_foreign();
    let mut durations: Vec<Found> = Vec::new();
    let mut writer = None;
    let mut is_begin = false;
    let mut from = 0;
    for sign in SEARCH.find_iter(text) {
        if sign.start() < from || durations.len() == MAX_PER_LINE {
            continue;
        }
        let found = match SIGNS[sign.pattern().as_usize()].1 {
            Sign::Key => {
                let key = keys::around(text, sign.start());
                from = key.end;
                of_key(text, key, || *writer.get_or_insert_with(|| Writer::of(text, peeled)))
            }
            Sign::Column => column(text, sign.start()),
            Sign::BytesIn => bytes_in(text, sign.end()),
            Sign::Access if durations.is_empty() => access(text, sign.end(), &mut is_begin),
            Sign::Access => None,
        };
        // Two signs may point to one number.
        let is_new = |found: &Found| durations.iter().all(|known| known.at.start != found.at.start);
        durations.extend(found.filter(is_new));
    }
    if durations.is_empty() {
        return None;
    }
    let time = if is_begin { stamp::bracketed(text) } else { stamp(peeled) };
    Some(Said { durations, route: route::of(text), time, is_begin })
}

/// A key and its value: `took=43ms`, `"duration_ms":43`, `elapsed: 1.2s`, `took 43ms`.
fn of_key(text: &[u8], key: Range<usize>, writer: impl FnOnce() -> Writer) -> Option<Found> {
    let name = &text[key.clone()];
    // The query of an address has keys as well.
    if key.start > 0 && matches!(text[key.start - 1], b'?' | b'&' | b'/' | b'%' | b'$') {
        return None;
    }
    let meaning = keys::meaning(name)?;
    let (start, is_apart) = value_after(text, key.end)?;
    let (value, len) = value::read(&text[start..])?;
    let ns = match value {
        Value::WithUnit(ns) => ns,
        // Between words a number needs a unit of its own.
        _ if is_apart => return None,
        Value::Bare { number, .. } if meaning.unit_ns > 0.0 => number * meaning.unit_ns,
        Value::Bare { number, decimals } => number * keys::unit_of_bare(name, &meaning, decimals, writer)?,
    };
    found(&String::from_utf8_lossy(name), ns, start..start + len)
}

/// Where the value of a key begins, and whether nothing but a blank stands between them.
fn value_after(text: &[u8], key_end: usize) -> Option<(usize, bool)> {
    let skip = |mut at: usize, skipped: &[u8]| {
        while text.get(at).is_some_and(|byte| skipped.contains(byte)) {
            at += 1;
        }
        at
    };
    let closed = skip(key_end, b"\\\"'");
    let separator = skip(closed, b" ");
    match text.get(separator)? {
        b'=' | b':' => Some((skip(skip(separator + 1, b" "), b"\\\"'"), false)),
        _ if closed == key_end && separator > closed => Some((separator, true)),
        _ => None,
    }
}

/// The text between two bars is a duration.
fn column(text: &[u8], end: usize) -> Option<Found> {
    let bar = memchr::memrchr(b'|', &text[..end])?;
    let blank = |byte: &&u8| matches!(**byte, b' ' | b'\t');
    let start = bar + 1 + text[bar + 1..end].iter().take_while(blank).count();
    let (value, len) = value::read(&text[start..])?;
    match value {
        Value::WithUnit(ns) if start + len == end + 1 => found("latency", ns, start..start + len),
        _ => None,
    }
}

fn bytes_in(text: &[u8], start: usize) -> Option<Found> {
    match value::read(&text[start..])? {
        (Value::WithUnit(ns), len) if text[start + len..].iter().all(u8::is_ascii_whitespace) => {
            found("duration", ns, start..start + len)
        }
        _ => None,
    }
}

/// Access logs in which a position tells: Traefik ends its lines with `43ms`; Envoy prints ms behind status, flags and two
/// numbers of bytes, and the time at which the request began in front.
fn access(text: &[u8], after_request: usize, is_begin: &mut bool) -> Option<Found> {
    let last = memchr::memrchr(b' ', text).map_or(0, |blank| blank + 1);
    if last > after_request
        && let Some((Value::WithUnit(ns), len)) = value::read(&text[last..])
        && last + len == text.len()
    {
        return found("duration", ns, last..text.len());
    }
    let is_number = |word: &[u8]| !word.is_empty() && word.iter().all(u8::is_ascii_digit);
    let is_flags = |word: &[u8]| word.iter().all(|byte| byte.is_ascii_uppercase() || matches!(byte, b'-' | b','));
    let mut at = after_request;
    let mut word = || {
        let start = at + 1;
        let rest = text.get(start..)?;
        at = start + memchr::memchr(b' ', rest).unwrap_or(rest.len());
        (text.get(start - 1) == Some(&b' ')).then_some(start..at)
    };
    let words = [word()?, word()?, word()?, word()?, word()?];
    let [status, flags, received, sent, duration] = words.clone().map(|word| &text[word]);
    let is_envoy = text.starts_with(b"[")
        && [status, received, sent, duration].into_iter().all(is_number)
        && is_flags(flags)
        && stamp::bracketed(text).is_some();
    let ms: f64 = std::str::from_utf8(duration).ok().filter(|_| is_envoy)?.parse().ok()?;
    *is_begin = true;
    found("duration", ms * 1e6, words[4].clone())
}

fn found(key: &str, ns: f64, at: Range<usize>) -> Option<Found> {
    (0.0..=MAX_NS).contains(&ns).then(|| Found { key: key.to_owned(), ns: ns.round() as u64, at })
}

#[cfg(test)]
mod tests;
