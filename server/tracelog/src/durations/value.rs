//! The value of a duration: Go's own form (`43ms`, `1m2.5s`), a number with a unit behind a blank (`43 ms`), or a bare
//! number.

/// A number, read.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Value {
    /// With its unit: ns.
    WithUnit(f64),
    /// Without one.
    Bare {
        /// As it is printed.
        number: f64,
        /// Digits behind the point; none without a point or an exponent.
        decimals: Option<usize>,
    },
}

/// Units as `time.Duration` prints them, and what people write for the same.
const UNITS: [(&[u8], f64); 16] = [
    (b"h", 3.6e12),
    (b"m", 6e10),
    (b"s", 1e9),
    (b"ms", 1e6),
    ("µs".as_bytes(), 1e3),
    ("μs".as_bytes(), 1e3),
    (b"us", 1e3),
    (b"ns", 1.0),
    (b"sec", 1e9),
    (b"secs", 1e9),
    (b"seconds", 1e9),
    (b"msec", 1e6),
    (b"millis", 1e6),
    (b"milliseconds", 1e6),
    (b"microseconds", 1e3),
    (b"nanoseconds", 1.0),
];

/// Reads a value at the start of some bytes; gives its length.
pub(super) fn read(bytes: &[u8]) -> Option<(Value, usize)> {
    let (first, decimals, mut at) = number(bytes)?;
    if ends(bytes, at) {
        // `43 ms` is one value, but in `43 s3` and in `43 sent` the blank ends it.
        if let Some(rest) = bytes.get(at + 1..).filter(|_| bytes[at] == b' ')
            && let Some((unit_ns, len)) = unit(rest)
            && !matches!(&rest[..len], b"h" | b"m")
            && ends(rest, len)
        {
            return Some((Value::WithUnit(first * unit_ns), at + 1 + len));
        }
        return Some((Value::Bare { number: first, decimals }, at));
    }
    let mut total = 0.0;
    let mut number_now = first;
    loop {
        let (unit_ns, len) = unit(&bytes[at..])?;
        total += number_now * unit_ns;
        at += len;
        if ends(bytes, at) {
            // Go ends every duration in seconds or a part of them; `5m` is something else.
            return (unit_ns < 6e10).then_some((Value::WithUnit(total), at));
        }
        let (next, _, len) = number(&bytes[at..])?;
        number_now = next;
        at += len;
    }
}

/// Digits, a fraction, an exponent: the number, its decimals, its length.
fn number(bytes: &[u8]) -> Option<(f64, Option<usize>, usize)> {
    let digits = |from: usize| bytes.get(from..).unwrap_or_default().iter().take_while(|b| b.is_ascii_digit()).count();
    let whole = digits(0);
    if whole == 0 || whole > 18 {
        return None;
    }
    let mut end = whole;
    let mut decimals = None;
    if bytes.get(end) == Some(&b'.') && digits(end + 1) > 0 {
        decimals = Some(digits(end + 1));
        end += 1 + digits(end + 1);
    }
    if matches!(bytes.get(end), Some(b'e' | b'E')) {
        let signed = end + 1 + usize::from(matches!(bytes.get(end + 1), Some(b'+' | b'-')));
        if digits(signed) > 0 {
            decimals = decimals.or(Some(0));
            end = signed + digits(signed);
        }
    }
    let number: f64 = std::str::from_utf8(&bytes[..end]).ok()?.parse().ok()?;
    number.is_finite().then_some((number, decimals, end))
}

/// The longest unit at the start of some bytes.
fn unit(bytes: &[u8]) -> Option<(f64, usize)> {
    let fitting = UNITS.iter().filter(|(name, _)| bytes.starts_with(name));
    fitting.max_by_key(|(name, _)| name.len()).map(|(name, ns)| (*ns, name.len()))
}

/// Whether a value may end here: what follows belongs to no word and no number.
fn ends(bytes: &[u8], at: usize) -> bool {
    match bytes.get(at) {
        None | Some(b' ' | b'\t' | b',' | b'}' | b']' | b')' | b'"' | b'\'' | b'\\' | b';' | b'|') => true,
        // The end of a sentence.
        Some(b'.') => matches!(bytes.get(at + 1), None | Some(b' ')),
        _ => false,
    }
}
