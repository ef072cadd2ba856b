//! What was requested: `GET /users/*`. Requests of different routes cost different times, so they are told apart; two users
//! of one route are not.

use std::sync::LazyLock;

use aho_corasick::{AhoCorasick, MatchKind};

/// Keys of routes, the one that says most first, and methods of HTTP.
const SIGNS: [&str; 16] = [
    "grpc.method",
    "route",
    "endpoint",
    "handler",
    "rpc",
    "path",
    "uri",
    "url",
    "method",
    "GET",
    "POST",
    "PUT",
    "PATCH",
    "DELETE",
    "HEAD",
    "OPTIONS",
];
const METHOD_KEY: usize = 8;
const FIRST_METHOD: usize = 9;

static SEARCH: LazyLock<AhoCorasick> = LazyLock::new(|| {
    AhoCorasick::builder()
        .match_kind(MatchKind::LeftmostFirst)
        .build(SIGNS)
        .expect("a few short words make a small automaton")
});

/// Longer names say no more.
const MAX_BYTES: usize = 80;

/// The route of a line, without numbers and queries; none where it has none.
pub(super) fn of(text: &[u8]) -> Option<String> {
    let mut best: Option<(usize, &[u8])> = None;
    let mut method: Option<&[u8]> = None;
    for sign in SEARCH.find_iter(text) {
        let kind = sign.pattern().as_usize();
        if kind >= FIRST_METHOD {
            let rest = &text[sign.end()..];
            let blanks = rest.iter().take_while(|byte| **byte == b' ').count();
            let target = rest[blanks..].strip_prefix(b"\"").unwrap_or(&rest[blanks..]);
            if blanks > 0 && (target.starts_with(b"/") || target.starts_with(b"http")) {
                method.get_or_insert(&text[sign.range()]);
                if best.is_none() {
                    best = Some((kind, until(target)));
                }
            }
            continue;
        }
        let Some(value) = value_of(&text[sign.end()..]) else { continue };
        if kind == METHOD_KEY {
            if value.iter().all(u8::is_ascii_uppercase) && (3..=7).contains(&value.len()) {
                method = Some(value);
            }
        } else if best.is_none_or(|(known, _)| kind < known) {
            best = Some((kind, value));
        }
    }
    let path = plain(best?.1);
    let method = method.map(|method| format!("{} ", String::from_utf8_lossy(method))).unwrap_or_default();
    Some(format!("{method}{path}")).filter(|route| !route.is_empty())
}

/// The value behind a key: `":"/x"`, `=/x`.
fn value_of(rest: &[u8]) -> Option<&[u8]> {
    let rest = rest.strip_prefix(b"\"").unwrap_or(rest);
    let rest = rest.strip_prefix(b":").or(rest.strip_prefix(b"="))?;
    let rest = rest.strip_prefix(b" ").unwrap_or(rest);
    let rest = rest.strip_prefix(b"\"").unwrap_or(rest);
    Some(until(rest)).filter(|value| !value.is_empty())
}

fn until(rest: &[u8]) -> &[u8] {
    let ends = |byte: &u8| matches!(byte, b'"' | b' ' | b'?' | b'#' | b',' | b'}' | b'\\' | b'\t');
    &rest[..rest.iter().position(ends).unwrap_or(rest.len())]
}

/// A path without host and without what differs from request to request.
fn plain(path: &[u8]) -> String {
    let path = String::from_utf8_lossy(path);
    let path = match path.split_once("://") {
        Some((_, rest)) => rest.find('/').map_or("/", |at| &rest[at..]),
        None => &path,
    };
    let segments: Vec<&str> = path.split('/').map(|segment| if is_value(segment) { "*" } else { segment }).collect();
    let plain = segments.join("/");
    let end = (0..=plain.len().min(MAX_BYTES)).rev().find(|at| plain.is_char_boundary(*at)).unwrap_or(0);
    plain[..end].to_owned()
}

/// Numbers, identifiers, hashes: at least a quarter of it are digits. `v1` is a name.
fn is_value(segment: &str) -> bool {
    let n_digits = segment.bytes().filter(u8::is_ascii_digit).count();
    let is_version = segment.starts_with('v') && n_digits + 1 == segment.len() && n_digits <= 2;
    n_digits * 4 >= segment.len() && n_digits > 0 && !is_version
}
