//! How sizes, rates and long spans of time are written in messages.

/// A size in MB or a rate in MB/h: whole above 10, one decimal below unless it is whole. No unit.
pub(super) fn amount(value: f64) -> String {
    if value.abs() >= 10.0 || value.fract() == 0.0 { format!("{value:.0}") } else { format!("{value:.1}") }
}

/// A number of goroutines with two significant digits: more would be a lie.
pub(super) fn about(count: f64) -> String {
    let unit = 10f64.powf(count.max(1.0).log10().floor() - 1.0).max(1.0);
    format!("{:.0}", (count / unit).round() * unit)
}

/// Seconds as people say them: `92 s`, `12 min`, `3.4 h`, `5.2 days`.
pub(super) fn span(seconds: f64) -> String {
    const MINUTE: f64 = 60.0;
    const HOUR: f64 = 3600.0;
    const DAY: f64 = 86_400.0;
    match seconds {
        _ if seconds < 2.0 * MINUTE => format!("{seconds:.0} s"),
        _ if seconds < 2.0 * HOUR => format!("{:.0} min", seconds / MINUTE),
        _ if seconds < 2.0 * DAY => format!("{:.1} h", seconds / HOUR),
        _ => format!("{:.1} days", seconds / DAY),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_have_two_digits_or_more() {
        assert_eq!(
            [0.0, 3.0, 3.46, 9.96, 31.4, 1468.6, -4.25].map(amount),
            ["0", "3", "3.5", "10.0", "31", "1469", "-4.2"]
        );
    }

    #[test]
    fn counts_have_two_digits() {
        assert_eq!([0.0, 7.2, 31.4, 1468.6, 39_999.0].map(about), ["0", "7", "31", "1500", "40000"]);
    }

    #[test]
    fn spans_change_unit_at_two() {
        assert_eq!(
            [0.4, 92.0, 119.4, 720.0, 12_240.0, 449_280.0].map(span),
            ["0 s", "92 s", "119 s", "12 min", "3.4 h", "5.2 days"]
        );
    }
}
