//! Cells: printed values as integers that give back exactly what was printed.
//!
//! Every kind of value is coded as one `u64` (see [`read`]), chosen so that usual values are small: columns (`column.rs`)
//! store them narrow. Spans are not stored; they are found again by reading the line.

mod column;
mod float;

use std::fmt::Write as _;

use crate::catalog::Kind;
use crate::word::Word;

pub use column::{Column, ListColumn};

/// Reads a value of this kind at the start of `bytes`: its code and how many bytes it takes.
///
/// Follows the terminals of the format reference to the letter, so a value that Go's routines cannot print is refused
/// (`0.0010`, `10.0`, a lone `5` as milliseconds).
#[inline]
pub fn read(kind: Kind, bytes: &[u8]) -> Option<(u64, usize)> {
    match kind {
        Kind::Uint => read_uint(bytes),
        Kind::Millis2 => read_millis2(bytes),
        Kind::Seconds3 => read_seconds3(bytes),
        Kind::Int => read_int(bytes),
        Kind::Hex => read_hex(bytes),
        Kind::Bool => {
            const WORDS: [(&[u8], u64); 4] = [(b"0", 0), (b"1", 1), (b"false", 2), (b"true", 3)];
            WORDS.iter().find(|(word, _)| bytes.starts_with(word)).map(|(word, code)| (*code, word.len()))
        }
        Kind::Ref => read_ref(bytes),
        Kind::FloatE | Kind::FloatG => float::read(kind, bytes),
        Kind::Flag | Kind::IntList | Kind::HexList | Kind::Text | Kind::LongText => None,
    }
}

/// Code of `nil` in [`Kind::Ref`]. References are small, so the numbers come first.
pub const NIL: u64 = u64::MAX;

/// Whether a code of [`Kind::Ref`] says that there is none: `nil`, or `-1` up to Go 1.19.
pub fn is_nil(code: u64) -> bool {
    code == NIL || unzigzag(code) < 0
}

#[inline]
fn read_ref(bytes: &[u8]) -> Option<(u64, usize)> {
    if bytes.starts_with(b"nil") { Some((NIL, 3)) } else { read_int(bytes) }
}

#[inline]
pub(crate) fn read_uint(bytes: &[u8]) -> Option<(u64, usize)> {
    let word = Word::of(bytes);
    // Go prints no leading zeros: what follows a zero does not belong to the number.
    let len = if word.byte(0) == b'0' { 1 } else { word.n_digits() };
    match len {
        0 => None,
        1..8 => Some((word.decimal(len), len)),
        _ => read_long_uint(bytes),
    }
}

#[inline]
pub(crate) fn read_int(bytes: &[u8]) -> Option<(u64, usize)> {
    if let [b'-', digits @ ..] = bytes {
        return match read_uint(digits)? {
            (0, _) => None,
            (magnitude, len) => Some((zigzag(magnitude, true)?, len + 1)),
        };
    }
    let (n, len) = read_uint(bytes)?;
    Some((zigzag(n, false)?, len))
}

/// A number of any length, digit by digit.
#[cold]
fn read_long_uint(bytes: &[u8]) -> Option<(u64, usize)> {
    let digits = bytes.iter().map(|byte| byte.wrapping_sub(b'0')).take_while(|digit| *digit < 10);
    let mut value: u64 = 0;
    let mut len = 0;
    for digit in digits {
        value = value.checked_mul(10)?.checked_add(u64::from(digit))?;
        len += 1;
    }
    Some((value, len))
}

/// Integers separated by single blanks at the start of `bytes`, given to `push` as codes: how many bytes they take.
#[inline]
pub fn read_list(bytes: &[u8], mut push: impl FnMut(u64)) -> Option<usize> {
    let mut at = 0;
    loop {
        let (code, len) = read_int(&bytes[at..])?;
        push(code);
        at += len;
        // A blank that no number follows belongs to the next literal.
        if !matches!(bytes[at..], [b' ', b'-' | b'0'..=b'9', ..]) {
            return Some(at);
        }
        at += 1;
    }
}

/// Hexadecimal numbers at the start of `bytes`, a blank before each, given to `push`: how many bytes they take.
#[inline]
pub fn read_hex_list(bytes: &[u8], mut push: impl FnMut(u64)) -> usize {
    let mut at = 0;
    while let Some((code, len)) = bytes[at..].strip_prefix(b" ").and_then(read_hex) {
        push(code);
        at += 1 + len;
    }
    at
}

fn read_hex(bytes: &[u8]) -> Option<(u64, usize)> {
    let digits = bytes.strip_prefix(b"0x")?;
    if digits.first() == Some(&b'0') {
        return Some((0, 3));
    }
    let len = digits.iter().take_while(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')).count();
    let text = std::str::from_utf8(&digits[..len]).ok()?;
    Some((u64::from_str_radix(text, 16).ok()?, len + 2))
}

#[inline]
fn read_seconds3(bytes: &[u8]) -> Option<(u64, usize)> {
    let (seconds, len) = read_uint(bytes)?;
    let fraction = Word::of(&bytes[len..]);
    if fraction.byte(0) != b'.' || fraction.skip(1).n_digits() < 3 {
        return None;
    }
    let millis = fraction.skip(1).decimal(3);
    Some((seconds.checked_mul(1000)?.checked_add(millis)?, len + 4))
}

/// Code of the first value printed with two decimals, 0.10 ms; below it codes are microseconds.
const CODE_0_10: u64 = 100;
/// Code of the first value printed with one decimal, 1.0 ms.
const CODE_1_0: u64 = 190;
/// Code of the first value printed without decimals, 10 ms.
const CODE_10: u64 = 280;

/// `fmtNSAsMS` of `runtime/mgc.go` prints `0`, `0.001` – `0.099`, `0.10` – `0.99`, `1.0` – `9.9`, then whole numbers from
/// 10. The codes count these values in order.
#[inline]
pub(crate) fn read_millis2(bytes: &[u8]) -> Option<(u64, usize)> {
    let word = Word::of(bytes);
    if word.byte(1) != b'.' {
        let (value, len) = read_uint(bytes)?;
        return match value {
            0 => Some((0, 1)),
            1..10 => None,
            _ => Some((value + (CODE_10 - 10), len)),
        };
    }
    // Two digits count: the first that is not a zero and the one behind it, at the latest the third and fourth.
    let digits = word.without(1);
    let n_zeros = digits.n_zeros().min(2);
    if digits.n_digits() < n_zeros + 2 {
        return None;
    }
    const FIRST_CODES: [u64; 3] = [CODE_1_0 - 10, CODE_0_10 - 10, 0];
    let code = FIRST_CODES[n_zeros] + digits.skip(n_zeros).two_digits();
    (code > 0).then_some((code, n_zeros + 3))
}

/// Marks the code of a decimal that Go's routines do not print: digits and how many of them are decimals.
const LOOSE: u64 = 1 << 63;
/// Where the number of decimals stands in a loose code.
const LOOSE_DECIMALS: u32 = 48;

/// Reads all of `text` as a time that Go would have printed otherwise (`48.0` ms, `2.1` s): a line that was edited, or
/// written by hand into an issue or a document. Only for lines that are whole otherwise: it cannot tell a torn number.
pub fn read_loose(kind: Kind, text: &[u8]) -> Option<u64> {
    if !matches!(kind, Kind::Millis2 | Kind::Seconds3) {
        return None;
    }
    let text = std::str::from_utf8(text).ok()?;
    let (whole, decimals) = text.split_once('.').unwrap_or((text, ""));
    let digits: u64 = format!("{whole}{decimals}").parse().ok()?;
    let has_leading_zero = whole.len() > 1 && whole.starts_with('0');
    let fits = digits < 1 << LOOSE_DECIMALS && decimals.len() <= 9 && !has_leading_zero;
    fits.then_some(LOOSE | (decimals.len() as u64) << LOOSE_DECIMALS | digits)
}

/// Digits and number of decimals of a loose code.
fn loose(kind: Kind, code: u64) -> Option<(u64, u32)> {
    let is_loose = matches!(kind, Kind::Millis2 | Kind::Seconds3) && code & LOOSE != 0;
    is_loose.then_some((code & ((1 << LOOSE_DECIMALS) - 1), (code >> LOOSE_DECIMALS & 0xf) as u32))
}

/// The value of a code.
pub fn value(kind: Kind, code: u64) -> f64 {
    if let Some((digits, decimals)) = loose(kind, code) {
        return digits as f64 / 10_f64.powi(decimals as i32);
    }
    match kind {
        Kind::Uint | Kind::Hex | Kind::HexList => code as f64,
        Kind::FloatE | Kind::FloatG => f64::from_bits(code),
        Kind::Ref if code == NIL => -1.0,
        Kind::Ref => unzigzag(code) as f64,
        // The number of a text says nothing.
        Kind::Text | Kind::LongText => f64::NAN,
        Kind::Int | Kind::IntList => unzigzag(code) as f64,
        Kind::Seconds3 => code as f64 / 1000.0,
        Kind::Bool | Kind::Flag => (code & 1) as f64,
        Kind::Millis2 => match code {
            0..CODE_0_10 => code as f64 / 1000.0,
            CODE_0_10..CODE_1_0 => (code - CODE_0_10 + 10) as f64 / 100.0,
            CODE_1_0..CODE_10 => (code - CODE_1_0 + 10) as f64 / 10.0,
            _ => (code - CODE_10 + 10) as f64,
        },
    }
}

/// Writes the value of a code exactly as it was printed.
pub fn print(kind: Kind, code: u64, out: &mut String) {
    if let Some((digits, decimals)) = loose(kind, code) {
        let point = 10_u64.pow(decimals);
        out.push_str(&(digits / point).to_string());
        if decimals > 0 {
            out.push('.');
            out.push_str(&format!("{:0width$}", digits % point, width = decimals as usize));
        }
        return;
    }
    let written = match kind {
        Kind::Uint => write!(out, "{code}"),
        Kind::Hex | Kind::HexList => write!(out, "{code:#x}"),
        Kind::FloatE | Kind::FloatG => float::print(kind, code, out),
        Kind::Ref if code == NIL => write!(out, "nil"),
        Kind::Ref => write!(out, "{}", unzigzag(code)),
        Kind::Text | Kind::LongText => Ok(()),
        Kind::Int | Kind::IntList => write!(out, "{}", unzigzag(code)),
        Kind::Seconds3 => write!(out, "{}.{:03}", code / 1000, code % 1000),
        Kind::Bool => write!(out, "{}", ["0", "1", "false", "true"][(code & 3) as usize]),
        Kind::Flag => Ok(()),
        Kind::Millis2 => match code {
            0 => write!(out, "0"),
            1..CODE_0_10 => write!(out, "0.{code:03}"),
            CODE_0_10..CODE_1_0 => write!(out, "0.{}", code - CODE_0_10 + 10),
            CODE_1_0..CODE_10 => write!(out, "{}.{}", (code - CODE_1_0 + 10) / 10, (code - CODE_1_0 + 10) % 10),
            _ => write!(out, "{}", code - CODE_10 + 10),
        },
    };
    debug_assert!(written.is_ok(), "writing to a string does not fail");
}

/// Signed values as unsigned ones, small magnitudes first: 0, -1, 1, -2 … become 0, 1, 2, 3 …
///
/// None for magnitudes of 2^63 and more: no `int` of the runtime prints one.
#[inline]
pub fn zigzag(magnitude: u64, negative: bool) -> Option<u64> {
    if magnitude >= 1 << 63 {
        // The most negative integer is the one magnitude of 2^63 that exists.
        return (negative && magnitude == 1 << 63).then_some(u64::MAX);
    }
    Some(if negative && magnitude > 0 { magnitude * 2 - 1 } else { magnitude * 2 })
}

/// The signed value of a [`zigzag`] code.
#[inline]
pub fn unzigzag(code: u64) -> i64 {
    (code >> 1) as i64 ^ -((code & 1) as i64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn printed(kind: Kind, code: u64) -> String {
        let mut text = String::new();
        print(kind, code, &mut text);
        text
    }

    #[test]
    fn milliseconds_follow_the_two_digit_table() {
        let cases = [
            ("0", 0.0),
            ("0.001", 0.001),
            ("0.042", 0.042),
            ("0.13", 0.13),
            ("9.9", 9.9),
            ("10", 10.0),
            ("61000", 61000.0),
        ];
        for (text, expected) in cases {
            let (code, len) = read(Kind::Millis2, text.as_bytes()).expect(text);
            assert_eq!((len, value(Kind::Millis2, code)), (text.len(), expected));
            assert_eq!(printed(Kind::Millis2, code), text);
        }
    }

    #[test]
    fn milliseconds_that_go_cannot_print_are_refused_or_cut() {
        assert_eq!(read(Kind::Millis2, b"5+"), None);
        assert_eq!(read(Kind::Millis2, b"0.000"), None);
        assert_eq!(read(Kind::Millis2, b"0.0010").map(|(_, len)| len), Some(5));
        assert_eq!(read(Kind::Millis2, b"10.0").map(|(_, len)| len), Some(2));
    }

    #[test]
    fn times_that_go_would_print_otherwise_come_back_as_they_are() {
        for (kind, text, expected) in [
            (Kind::Millis2, "48.0", 48.0),
            (Kind::Millis2, "5", 5.0),
            (Kind::Millis2, "0.02", 0.02),
            (Kind::Seconds3, "2.1", 2.1),
        ] {
            let code = read_loose(kind, text.as_bytes()).expect(text);
            assert_eq!((printed(kind, code).as_str(), value(kind, code)), (text, expected));
        }
        assert_eq!(read_loose(Kind::Millis2, b"1.2.3"), None);
        assert_eq!(read_loose(Kind::Uint, b"48.0"), None);
    }

    #[test]
    fn wrapped_counters_come_back_exactly() {
        for (kind, text) in [
            (Kind::Millis2, "18446744073709"),
            (Kind::Seconds3, "18446744073.709"),
            (Kind::Uint, "18446744073709551615"),
            (Kind::Int, "-9223372036854775808"),
            (Kind::Hex, "0xffffffffffffffff"),
        ] {
            let (code, len) = read(kind, text.as_bytes()).expect(text);
            assert_eq!((printed(kind, code).as_str(), len), (text, text.len()));
        }
        assert_eq!(read(Kind::Uint, b"18446744073709551616"), None);
    }

    proptest! {
        #[test]
        fn every_code_of_milliseconds_prints_and_reads_back(code in 0_u64..1_000_000) {
            let text = printed(Kind::Millis2, code);
            prop_assert_eq!(read(Kind::Millis2, text.as_bytes()), Some((code, text.len())));
        }

        #[test]
        fn reading_never_panics(text in "[-+.0-9a-fx]{0,24}") {
            for kind in [Kind::Uint, Kind::Int, Kind::Hex, Kind::Seconds3, Kind::Millis2, Kind::Bool] {
                if let Some((code, len)) = read(kind, text.as_bytes()) {
                    prop_assert_eq!(printed(kind, code), &text[..len]);
                }
            }
        }
    }
}
