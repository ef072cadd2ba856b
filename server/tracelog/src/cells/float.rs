//! Floats as Go prints them. A code is the number's bits; what is read is exactly what [`print`] gives back, so a text in
//! any other notation is refused.

use std::fmt::Write as _;

use crate::catalog::Kind;

/// No float is longer: a sign, 17 digits, a point, zeros down to 1e-4, an exponent.
const MAX_LEN: usize = 26;

/// Reads a float at the start of `bytes`: its bits and how many bytes it takes.
pub(super) fn read(kind: Kind, bytes: &[u8]) -> Option<(u64, usize)> {
    for (word, value) in [("NaN", f64::NAN), ("+Inf", f64::INFINITY), ("-Inf", f64::NEG_INFINITY)] {
        if bytes.starts_with(word.as_bytes()) {
            return Some((value.to_bits(), word.len()));
        }
    }
    let window = &bytes[..bytes.len().min(MAX_LEN)];
    let digits = |from: usize| window[from..].iter().take_while(|byte| byte.is_ascii_digit()).count();
    let mut len = usize::from(matches!(window.first(), Some(b'-' | b'+')));
    len += digits(len);
    if window.get(len) == Some(&b'.') && digits(len + 1) > 0 {
        len += 1 + digits(len + 1);
    }
    if let Some([b'e', b'+' | b'-', b'0'..=b'9', ..]) = window.get(len..) {
        // Three digits up to Go 1.25; what follows is not of the number.
        let n_exponent = digits(len + 2);
        len += 2 + if kind == Kind::FloatE { n_exponent.min(3) } else { n_exponent };
    }
    let text = std::str::from_utf8(&window[..len]).ok()?;
    let code = text.parse::<f64>().ok()?.to_bits();
    let mut again = String::with_capacity(len);
    print(kind, code, &mut again).ok()?;
    (again == text).then_some((code, len))
}

/// Writes a float as Go prints it: `print` of a float64, `runtime/print.go` printfloat up to 1.25, in seven digits; since
/// 1.26 the shortest digits that give it back.
pub(super) fn print(kind: Kind, code: u64, out: &mut String) -> std::fmt::Result {
    let value = f64::from_bits(code);
    if value.is_nan() {
        return out.write_str("NaN");
    }
    if value.is_infinite() {
        return out.write_str(if value > 0.0 { "+Inf" } else { "-Inf" });
    }
    if kind == Kind::FloatE {
        let sign = if value.is_sign_negative() { '-' } else { '+' };
        let (mantissa, exponent) = parts(&format!("{:.6e}", value.abs()));
        let exponent_sign = if exponent < 0 { '-' } else { '+' };
        return write!(out, "{sign}{mantissa}e{exponent_sign}{:03}", exponent.abs());
    }
    let (mantissa, exponent) = parts(&format!("{value:e}"));
    if value != 0.0 && !(-4..6).contains(&exponent) {
        let sign = if exponent < 0 { '-' } else { '+' };
        return write!(out, "{mantissa}e{sign}{:02}", exponent.abs());
    }
    write!(out, "{value}")
}

/// Digits and exponent of a number that Rust printed.
fn parts(text: &str) -> (String, i32) {
    let (mantissa, exponent) = text.split_once('e').unwrap_or((text, "0"));
    (mantissa.to_owned(), exponent.parse().unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floats_of_both_notations_are_read_to_the_letter() {
        for text in ["+6.308436e-003", "-9.716935e-001", "+0.000000e+000", "+Inf", "-Inf", "NaN", "+1.500000e+010"] {
            let (code, len) = read(Kind::FloatE, text.as_bytes()).unwrap();
            let mut again = String::new();
            print(Kind::FloatE, code, &mut again).unwrap();
            assert_eq!((again.as_str(), len), (text, text.len()));
        }
        for text in ["0.25", "0", "1", "-0.97", "2.8279382555724246e-05", "1e+06", "0.06581960293949422", "123456.5"] {
            let (code, len) = read(Kind::FloatG, format!("{text} pages").as_bytes()).unwrap();
            let mut again = String::new();
            print(Kind::FloatG, code, &mut again).unwrap();
            assert_eq!((again.as_str(), len), (text, text.len()));
        }
    }

    #[test]
    fn each_notation_refuses_the_other() {
        for text in ["0.25", "1", "6.308436e-003", "+6.30843e-003", "+6.308436e-03"] {
            assert_eq!(read(Kind::FloatE, text.as_bytes()), None, "{text}");
        }
        for text in ["+0.25", "0.250", "+6.308436e-003", "1000000", "00.5", "-", "e5"] {
            assert_eq!(read(Kind::FloatG, text.as_bytes()), None, "{text}");
        }
    }
}
