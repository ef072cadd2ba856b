//! Names of keys that hold durations, and the units of numbers that are printed without one.

use std::ops::Range;

use memchr::memmem;

use crate::carrier::{Carrier, Peeled};

/// What the name of a key says.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Meaning {
    /// The unit that is part of it, ns; 0 where none is.
    pub(super) unit_ns: f64,
    /// Whether it can be nothing but a duration, so that a writer's unit may be believed for it.
    is_plain: bool,
}

/// The name around a place: letters, digits, `_`, `-` and `.`.
pub(super) fn around(text: &[u8], at: usize) -> Range<usize> {
    let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.');
    let start = at - text[..at].iter().rev().take_while(|byte| is_part(byte)).count();
    let end = at + text[at..].iter().take_while(|byte| is_part(byte)).count();
    start..end
}

/// Words that make a name that of a duration.
const WORDS: [&str; 7] = ["latency", "duration", "elapsed", "took", "dur", "cost", "rt"];

/// Words before `time` that make it one: without them it is a moment.
const BEFORE_TIME: [&str; 24] = [
    "request",
    "response",
    "req",
    "resp",
    "process",
    "processing",
    "exec",
    "execution",
    "query",
    "handle",
    "handler",
    "handling",
    "upstream",
    "service",
    "serve",
    "server",
    "total",
    "run",
    "render",
    "round",
    "trip",
    "wait",
    "db",
    "sql",
];

/// Words behind `time` that do.
const AFTER_TIME: [&str; 4] = ["taken", "spent", "elapsed", "cost"];

/// Words of settings, of moments and of sums: their numbers are no durations of requests.
const NOT: [&str; 66] = [
    "timeout",
    "ttl",
    "interval",
    "uptime",
    "timestamp",
    "ts",
    "start",
    "started",
    "starts",
    "begin",
    "end",
    "deadline",
    "budget",
    "retry",
    "backoff",
    "sleep",
    "since",
    "age",
    "max",
    "min",
    "avg",
    "mean",
    "median",
    "sum",
    "limit",
    "threshold",
    "expire",
    "expires",
    "expiry",
    "expiration",
    "period",
    "epoch",
    "unix",
    "date",
    "now",
    "offset",
    "pause",
    "gc",
    "stw",
    "window",
    "jitter",
    "idle",
    "keepalive",
    "heartbeat",
    "poll",
    "polling",
    "step",
    "count",
    "rate",
    "per",
    "p50",
    "p90",
    "p95",
    "p99",
    "quantile",
    "bucket",
    "delay",
    "cpu",
    "user",
    "sys",
    "target",
    "slo",
    "goal",
    "lease",
    "refresh",
    "cooldown",
];

/// The unit that a word of a name stands for, ns.
fn unit_of(word: &[u8]) -> Option<f64> {
    const UNITS: [(&[&str], f64); 4] = [
        (&["ns", "nanos", "nsec", "nanoseconds"], 1.0),
        (&["us", "micros", "usec", "microseconds"], 1e3),
        (&["ms", "millis", "msec", "milliseconds"], 1e6),
        (&["s", "sec", "secs", "seconds"], 1e9),
    ];
    UNITS.iter().find(|(names, _)| is_one(word, names)).map(|(_, ns)| *ns)
}

fn is_one(word: &[u8], names: &[&str]) -> bool {
    names.iter().any(|name| word.eq_ignore_ascii_case(name.as_bytes()))
}

/// What a name says; none where it is not that of a duration.
pub(super) fn meaning(name: &[u8]) -> Option<Meaning> {
    const MAX_WORDS: usize = 8;
    let mut all: [&[u8]; MAX_WORDS] = [b""; MAX_WORDS];
    let mut n = 0;
    for word in words(name) {
        *all.get_mut(n)? = word;
        n += 1;
    }
    let words = &all[..n];
    if words.iter().any(|word| is_one(word, &NOT)) {
        return None;
    }
    let unit_ns = words.last().filter(|_| n > 1).and_then(|word| unit_of(word)).unwrap_or(0.0);
    let is_time = |at: usize| words[at].eq_ignore_ascii_case(b"time");
    let is_span = |at: usize| {
        let before = at.checked_sub(1).is_some_and(|at| is_one(words[at], &BEFORE_TIME));
        let after = words.get(at + 1).is_some_and(|word| is_one(word, &AFTER_TIME));
        is_time(at) && (before || after || unit_ns > 0.0 && at + 2 == n)
    };
    let is_named = words.iter().any(|word| is_one(word, &WORDS)) || (0..n).any(is_span);
    // `render_ms`, `db_us`: a number of milliseconds is a duration; `size_s` need not be one.
    let last = words.last().copied().unwrap_or_default();
    let is_counted = unit_ns > 0.0 && !last.eq_ignore_ascii_case(b"s") && !(0..n).any(is_time);
    if !is_named && !is_counted {
        return None;
    }
    let is_plain = words.iter().any(|word| is_one(word, &["latency", "duration", "elapsed", "took", "dur"]));
    Some(Meaning { unit_ns, is_plain })
}

/// The words of a name: `response_time_ms`, `grpc.time_ms`, `durationMs`.
fn words(name: &[u8]) -> impl Iterator<Item = &[u8]> {
    let parts = name.split(|byte| matches!(byte, b'_' | b'-' | b'.'));
    let camel = |a: &u8, b: &u8| !(a.is_ascii_lowercase() && b.is_ascii_uppercase());
    parts.flat_map(move |part| part.chunk_by(camel)).filter(|word| !word.is_empty())
}

/// A writer whose form fixes the unit of a bare number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Writer {
    /// `log/slog`, `JSONHandler`: a duration is an integer of ns.
    SlogJson,
    /// `zap`, production encoder: seconds as a float.
    Zap,
    /// `zerolog`: `DurationFieldUnit` is a millisecond.
    Zerolog,
    /// Traefik's access log in JSON: ns.
    Traefik,
    /// Another one, or none.
    Unknown,
}

impl Writer {
    /// Who wrote a line.
    pub(super) fn of(text: &[u8], peeled: &Peeled<'_>) -> Self {
        let has = |part: &str| memmem::find(text, part.as_bytes()).is_some();
        if peeled.layers.contains(&Carrier::ZapConsole) {
            return Self::Zap;
        }
        if !text.starts_with(b"{") {
            return Self::Unknown;
        }
        let upper = ["INFO", "DEBUG", "WARN", "ERROR"];
        if text.starts_with(b"{\"time\":\"") && upper.iter().any(|level| has(&format!(",\"level\":\"{level}"))) {
            return Self::SlogJson;
        }
        let has_level = text.starts_with(b"{\"level\":\"") && text.get(10).is_some_and(u8::is_ascii_lowercase);
        if has_level && has(",\"ts\":") && has(",\"msg\":\"") {
            return Self::Zap;
        }
        if has_level && has(",\"time\":") && has(",\"message\":\"") && !has(",\"msg\":\"") {
            return Self::Zerolog;
        }
        if has("\"StartUTC\":\"") && has("\"DownstreamStatus\":") { Self::Traefik } else { Self::Unknown }
    }
}

/// The unit of a number that neither its key nor anything behind it names, ns.
pub(super) fn unit_of_bare(
    name: &[u8],
    meaning: &Meaning,
    decimals: Option<usize>,
    writer: impl FnOnce() -> Writer,
) -> Option<f64> {
    // nginx prints seconds with three decimals.
    if decimals == Some(3) && is_one(name, &["request_time", "upstream_response_time", "rt", "urt"]) {
        return Some(1e9);
    }
    if !meaning.is_plain {
        return None;
    }
    match (writer(), decimals) {
        (Writer::SlogJson | Writer::Traefik, None) => Some(1.0),
        (Writer::Zap, Some(_)) => Some(1e9),
        (Writer::Zerolog, _) => Some(1e6),
        _ => None,
    }
}
