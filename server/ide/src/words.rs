//! Numbers in words, the same everywhere: lenses, hovers, messages, terminal.

use tracelog::catalog::{NameDef, Piece};
use tracelog::template::Datum;
use tracelog::{Field, GoReleases, ItemValue, Kind, Shape, cells};

/// A number with as many digits as mean something: three significant ones, none lost above a thousand.
pub fn number(value: f64) -> String {
    if !value.is_finite() {
        return "?".to_owned();
    }
    let magnitude = value.abs();
    let decimals = if magnitude == 0.0 || magnitude >= 100.0 {
        0
    } else if magnitude >= 10.0 {
        1
    } else if magnitude >= 1.0 {
        2
    } else {
        3
    };
    let text = format!("{value:.decimals$}");
    let short = if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { &text };
    if short == "-0" { "0".to_owned() } else { short.to_owned() }
}

/// A duration in the unit that fits: `0.31 s`, `70 s`, `12 m`, `3.5 h`, `2.1 d`.
pub fn span(seconds: f64) -> String {
    let (value, unit) = fitting_unit(seconds);
    format!("{} {unit}", number(value))
}

/// A duration for a glance, or one that is only an estimate: `68 s`, `6.9 min`.
pub fn rough_span(seconds: f64) -> String {
    let (value, unit) = fitting_unit(seconds);
    format!("{} {unit}", rough(value))
}

fn fitting_unit(seconds: f64) -> (f64, &'static str) {
    match seconds {
        s if s < 120.0 => (s, "s"),
        s if s < 7200.0 => (s / 60.0, "min"),
        s if s < 172_800.0 => (s / 3600.0, "h"),
        s => (s / 86_400.0, "d"),
    }
}

/// A number for a glance: two significant digits, none lost above ten.
pub fn rough(value: f64) -> String {
    if !value.is_finite() {
        return "?".to_owned();
    }
    let decimals = match value.abs() {
        m if m == 0.0 || m >= 9.95 => 0,
        m if m >= 0.095 => 1,
        m if m >= 0.0095 => 2,
        _ => 3,
    };
    let text = format!("{value:.decimals$}");
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

/// A share of one as a percentage.
pub fn percent(share: f64) -> String {
    format!("{} %", rough(share * 100.0))
}

/// A size in a unit that is easier to grasp than bytes: `40.7 MiB`. None below 10 KiB.
pub fn size(bytes: f64) -> Option<String> {
    const KIB: f64 = 1024.0;
    let (value, unit) = match bytes.abs() {
        b if !b.is_finite() || b < 10.0 * KIB => return None,
        b if b < KIB * KIB => (bytes / KIB, "KiB"),
        b if b < KIB * KIB * KIB => (bytes / KIB / KIB, "MiB"),
        b if b < KIB * KIB * KIB * KIB * KIB => (bytes / KIB / KIB / KIB, "GiB"),
        _ => return None,
    };
    Some(format!("{} {unit}", number(value)))
}

/// Milliseconds for a glance, in seconds where they are many: `0.3 ms`, `43 ms`, `1.5 s`.
pub fn ms(value: f64) -> String {
    if value >= 1000.0 { format!("{} s", rough(value / 1000.0)) } else { format!("{} ms", rough(value)) }
}

/// A number of things with its thousands apart: `1,204`.
pub fn grouped(n: usize) -> String {
    let digits = n.to_string();
    let first = digits.len() % 3;
    let mut grouped = digits[..first].to_owned();
    for at in (first..digits.len()).step_by(3) {
        if !grouped.is_empty() {
            grouped.push(',');
        }
        grouped.push_str(&digits[at..at + 3]);
    }
    grouped
}

/// A text that begins a sentence.
pub fn capitalized(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}

/// `1 cycle`, `2 cycles`.
pub fn count(n: usize, word: &str) -> String {
    if n == 1 { format!("1 {word}") } else { format!("{n} {word}s") }
}

/// A printed value with its unit, for people.
pub fn value(field: Field, datum: &Datum) -> String {
    let def = field.def();
    match datum {
        Datum::One(Kind::Flag, code) => if code & 1 == 1 { "yes" } else { "no" }.to_owned(),
        Datum::One(Kind::Bool, code) => if code & 1 == 1 { "yes" } else { "no" }.to_owned(),
        Datum::One(Kind::Hex, _) if def.unit.is_empty() => datum.print(),
        Datum::One(Kind::Hex, code) => {
            format!("{} (printed as {})", with_unit(&code.to_string(), def.unit), datum.print())
        }
        Datum::Text(text) if text.is_empty() => "nothing".to_owned(),
        Datum::List(Kind::HexList, codes) => {
            if codes.len() == 1 {
                "1 address".to_owned()
            } else {
                format!("{} addresses", codes.len())
            }
        }
        _ => with_unit(datum.print().trim_start(), def.unit),
    }
}

/// What a printed value is called in these releases, for states and reasons.
pub fn name_of(value: &ItemValue, go: GoReleases) -> Option<&'static NameDef> {
    let names = value.field.def().names;
    if names.is_empty() {
        return None;
    }
    let printed = value.datum.as_ref()?.print();
    let mut called = names.iter().filter(|name| name.printed == printed);
    called.find(|name| !name.go.intersection(go).is_empty())
}

/// Releases that print a field.
pub fn printed_by(field: Field) -> GoReleases {
    let none = GoReleases::range(0, 0).intersection(GoReleases::range(1, 1));
    let shapes = field.family.def().shapes.iter();
    shapes
        .filter(|shape| field_indices(**shape).any(|index| index == field.index))
        .fold(none, |go, shape| go.union(shape.def().go))
        .intersection(field.def().go)
}

/// The fields of a shape, in template order.
pub fn field_indices(shape: Shape) -> impl Iterator<Item = u8> {
    shape.def().pieces.iter().filter_map(|piece| match piece {
        Piece::Literal(_) | Piece::Pad => None,
        Piece::Value(index, _) | Piece::Flag(index, _) => Some(*index),
    })
}

/// A number with its unit.
pub fn with_unit(text: &str, unit: &str) -> String {
    if unit.is_empty() { text.to_owned() } else { format!("{text} {unit}") }
}

/// The text of a cell as it was printed.
pub fn printed(kind: Kind, code: u64) -> String {
    let mut text = String::new();
    cells::print(kind, code, &mut text);
    text
}

/// A text of at most `max` characters; a longer one ends in an ellipsis.
pub fn shorten(text: &str, max: usize) -> String {
    if text.chars().count() <= max {
        return text.to_owned();
    }
    let kept: String = text.chars().take(max.saturating_sub(1)).collect();
    format!("{}…", kept.trim_end())
}

/// `a`, `a and b`, `a, b and c`.
pub fn listed(parts: &[String]) -> String {
    match parts {
        [before @ .., last] if !before.is_empty() => format!("{} and {last}", before.join(", ")),
        parts => parts.concat(),
    }
}

/// A small chart of up to a few dozen values: eight heights.
pub fn sparkline(values: &[f64]) -> String {
    const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    let finite = || values.iter().copied().filter(|value| value.is_finite());
    let low = finite().fold(f64::INFINITY, f64::min);
    let high = finite().fold(f64::NEG_INFINITY, f64::max);
    let bar = |value: &f64| {
        if !value.is_finite() {
            return ' ';
        }
        // A level that hardly moves is flat, not a mountain range.
        let range = (high - low).max(high.abs() * 0.1);
        let step = if range > 0.0 { (value - low) / range * 7.0 } else { 0.0 };
        BARS[(step.round() as usize).min(7)]
    };
    values.iter().map(bar).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_keep_three_digits() {
        let shown: Vec<_> = [0.0, 0.0421, 0.5, 1.25, 12.34, 123.4, 17_592_186.0, -0.0001].map(number).into();
        assert_eq!(shown, ["0", "0.042", "0.5", "1.25", "12.3", "123", "17592186", "0"]);
    }

    #[test]
    fn sizes_and_counts_are_easy_to_grasp() {
        let sizes = [9000.0, 20_480.0, 42_659_448.0, -38_562_480.0, 9.3e9, 9.2e18, f64::NAN].map(size);
        let sizes = sizes.map(|size| size.unwrap_or_default());
        assert_eq!(sizes, ["", "20 KiB", "40.7 MiB", "-36.8 MiB", "8.66 GiB", "", ""]);
        assert_eq!([0, 12, 999, 1204, 1_234_567].map(grouped), ["0", "12", "999", "1,204", "1,234,567"]);
    }

    #[test]
    fn rough_numbers_keep_two_digits() {
        let shown: Vec<_> = [0.0, 0.0421, 0.536, 1.03, 9.96, 23.44, 812.0].map(rough).into();
        assert_eq!(shown, ["0", "0.04", "0.5", "1", "10", "23", "812"]);
    }

    #[test]
    fn thousands_stand_apart() {
        assert_eq!([0, 999, 1204, 1_000_000].map(grouped), ["0", "999", "1,204", "1,000,000"]);
        assert_eq!([0.02, 43.4, 999.0, 1500.0].map(ms), ["0.02 ms", "43 ms", "999 ms", "1.5 s"]);
    }

    #[test]
    fn a_flat_series_has_a_flat_sparkline() {
        assert_eq!(sparkline(&[100.0, 101.0, 100.0]), "▁▂▁");
        assert_eq!(sparkline(&[0.0, 7.0]), "▁█");
        assert_eq!(sparkline(&[0.0, 0.0]), "▁▁");
    }
}
