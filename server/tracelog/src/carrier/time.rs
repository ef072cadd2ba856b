//! Time stamps of collectors and loggers.
//!
//! Knows the civil calendar and nothing else: no clock is read, no zone is looked up. A stamp without a zone is taken as
//! UTC and says so, one without a year as of [`YEAR_UNKNOWN`].

use super::scanner::Scanner;

/// A moment as a line's carrier gives it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WallTime {
    /// Nanoseconds since the start of 1970; as if in UTC where the zone is not known.
    pub ns: i64,
    /// The unit of the last digit, ns: the moment lies in `ns..ns + resolution_ns`, since loggers cut and do not round.
    pub resolution_ns: i64,
    /// Whether the stamp named its zone, or counts from 1970.
    pub zone_known: bool,
    /// Whether the stamp named its year.
    pub year_known: bool,
}

impl WallTime {
    /// Of two stamps of a line, which tells more: the greater.
    pub(super) fn rank(&self) -> (bool, bool, i64) {
        (self.year_known, self.zone_known, -self.resolution_ns)
    }

    /// Whether it tells more than a stamp that the program itself put on the line: the year, the zone, or what a unit
    /// above a millisecond hides. Below that a collector's delay is larger than what its digits add.
    pub(crate) fn tells_more_than(&self, own: &Self) -> bool {
        const FINE_NS: i64 = 1_000_000;
        let rank = |time: &Self| (time.year_known, time.zone_known, -time.resolution_ns.max(FINE_NS));
        rank(self) > rank(own)
    }
}

/// The year that stands for one that was not printed: a leap year, so that it has every day.
pub const YEAR_UNKNOWN: i64 = 2000;

const SECOND: i64 = 1_000_000_000;
const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const WEEKDAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];

/// Days from 1970-01-01 to a day of the proleptic Gregorian calendar.
fn days(year: i64, month: i64, day: i64) -> i64 {
    // Years are counted from March, so that the leap day is the last of its year.
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let of_era = year.rem_euclid(400);
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

/// A time of day.
struct Clock {
    ns: i64,
    resolution_ns: i64,
}

/// Moments outside of this are no time stamps of logs: 1970 to 2200.
const MAX_NS: i64 = 7_258_118_400 * SECOND;

fn moment(days: i64, clock: &Clock, offset_s: Option<i64>, year_known: bool) -> Option<WallTime> {
    let ns = (days * 86_400 - offset_s.unwrap_or(0)).checked_mul(SECOND)?.checked_add(clock.ns)?;
    (0..MAX_NS).contains(&ns).then_some(WallTime {
        ns,
        resolution_ns: clock.resolution_ns,
        zone_known: offset_s.is_some(),
        year_known,
    })
}

/// `n` digits as a number in a range.
fn number(scan: &mut Scanner<'_>, n: usize, range: std::ops::RangeInclusive<i64>) -> Option<i64> {
    let text = scan.rest().get(..n)?;
    scan.digits(n)?;
    let number = text.iter().fold(0, |number, digit| number * 10 + i64::from(digit - b'0'));
    range.contains(&number).then_some(number)
}

/// `15:04:05` with an optional fraction after a point or a comma: ns since midnight.
fn time_of_day(scan: &mut Scanner<'_>) -> Option<Clock> {
    let hour = number(scan, 2, 0..=24)?;
    scan.text(":")?;
    let minute = number(scan, 2, 0..=59)?;
    scan.text(":")?;
    let second = number(scan, 2, 0..=60)?;
    let (fraction, resolution_ns) = fraction(scan, b".,").unwrap_or((0, SECOND));
    Some(Clock { ns: ((hour * 60 + minute) * 60 + second) * SECOND + fraction, resolution_ns })
}

/// Digits behind a separator: ns, and the unit of the last digit. Digits below a nanosecond are passed over.
fn fraction(scan: &mut Scanner<'_>, separators: &[u8]) -> Option<(i64, i64)> {
    scan.maybe(|scan| {
        scan.one_of(separators)?;
        let digits = scan.many(1, |byte| byte.is_ascii_digit())?;
        let mut unit = SECOND;
        let mut ns = 0;
        for digit in digits.iter().take(9) {
            unit /= 10;
            ns += i64::from(digit - b'0') * unit;
        }
        Some((ns, unit))
    })
}

/// A time of day without a day, as `ts -s` and foreman write it: it is no moment.
pub(super) fn clock(scan: &mut Scanner<'_>) -> Option<()> {
    time_of_day(scan).map(|_| ())
}

/// `Z`, `+02:00`, `+0200`, ` +0200`, ` UTC`: seconds east of Greenwich.
fn zone(scan: &mut Scanner<'_>) -> Option<i64> {
    scan.maybe(|scan| {
        if scan.text("Z").is_some() {
            return Some(0);
        }
        let apart = scan.text(" ").is_some();
        if apart && (scan.text("UTC").is_some() || scan.text("GMT").is_some()) {
            return matches!(scan.rest().first(), None | Some(b' ' | b']' | b':' | b',')).then_some(0);
        }
        let sign = if scan.one_of(b"+-")? == b'-' { -1 } else { 1 };
        let hours = number(scan, 2, 0..=14)?;
        scan.text(":");
        let minutes = number(scan, 2, 0..=59)?;
        // What goes on behind it was no zone.
        let ends = matches!(scan.rest().first(), None | Some(b' ' | b']' | b':' | b'\t' | b','));
        (ends || !apart).then_some(sign * (hours * 60 + minutes) * 60)
    })
}

fn weekday(scan: &mut Scanner<'_>) -> Option<()> {
    scan.rest().first().filter(|first| first.is_ascii_uppercase())?;
    scan.maybe(|scan| {
        WEEKDAYS.iter().find_map(|day| scan.text(day))?;
        scan.text(",");
        scan.text(" ")
    })
}

/// `2006-01-02T15:04:05` or with a blank for the `T`, with an optional weekday, fraction and zone.
pub(super) fn iso(scan: &mut Scanner<'_>) -> Option<WallTime> {
    weekday(scan);
    let year = number(scan, 4, 1970..=2199)?;
    scan.text("-")?;
    let month = number(scan, 2, 1..=12)?;
    scan.text("-")?;
    let day = number(scan, 2, 1..=31)?;
    scan.one_of(b"T ")?;
    let clock = time_of_day(scan)?;
    let offset_s = zone(scan);
    moment(days(year, month, day), &clock, offset_s, true)
}

/// `2009/11/10 23:00:00`, as Go's standard `log` writes it.
pub(super) fn slashes(scan: &mut Scanner<'_>) -> Option<WallTime> {
    let year = number(scan, 4, 1970..=2199)?;
    scan.text("/")?;
    let month = number(scan, 2, 1..=12)?;
    scan.text("/")?;
    let day = number(scan, 2, 1..=31)?;
    scan.text(" ")?;
    let clock = time_of_day(scan)?;
    moment(days(year, month, day), &clock, None, true)
}

/// `Jan _2 15:04:05`, with an optional weekday, fraction, and year at the end.
pub(super) fn stamp(scan: &mut Scanner<'_>) -> Option<WallTime> {
    // Most lines begin otherwise, and this is asked of all of them.
    scan.rest().first().filter(|first| first.is_ascii_uppercase())?;
    weekday(scan);
    let month = (1..).zip(MONTHS).find_map(|(number, name)| scan.text(name).map(|()| number))?;
    scan.text(" ")?;
    let day = if scan.text(" ").is_some() {
        number(scan, 1, 1..=9)?
    } else {
        scan.maybe(|scan| number(scan, 2, 1..=31)).or_else(|| number(scan, 1, 1..=9))?
    };
    scan.text(" ")?;
    let year_first = scan.maybe(|scan| {
        let year = number(scan, 4, 1970..=2199)?;
        scan.text(" ").map(|()| year)
    });
    let clock = time_of_day(scan)?;
    let year = year_first.or_else(|| {
        scan.maybe(|scan| {
            scan.text(" ")?;
            let year = number(scan, 4, 1970..=2199)?;
            matches!(scan.rest().first(), None | Some(b']' | b' ')).then_some(year)
        })
    });
    moment(days(year.unwrap_or(YEAR_UNKNOWN), month, day), &clock, None, year.is_some())
}

/// `01-02 15:04:05.123` and the `0102 15:04:05.123456` of klog, without a year.
pub(super) fn month_day(scan: &mut Scanner<'_>, separator: &str) -> Option<WallTime> {
    let month = number(scan, 2, 1..=12)?;
    scan.text(separator)?;
    let day = number(scan, 2, 1..=31)?;
    scan.text(" ")?;
    let clock = time_of_day(scan)?;
    moment(days(YEAR_UNKNOWN, month, day), &clock, None, false)
}

/// `10/Oct/2000:13:55:36 -0700`, of access logs.
fn clf(scan: &mut Scanner<'_>) -> Option<WallTime> {
    let day = number(scan, 2, 1..=31)?;
    scan.text("/")?;
    let month = (1..).zip(MONTHS).find_map(|(number, name)| scan.text(name).map(|()| number))?;
    scan.text("/")?;
    let year = number(scan, 4, 1970..=2199)?;
    scan.text(":")?;
    let clock = time_of_day(scan)?;
    let offset_s = zone(scan);
    moment(days(year, month, day), &clock, offset_s, true)
}

/// `2024/01/02 - 15:04:05`, of gin.
fn gin(scan: &mut Scanner<'_>) -> Option<WallTime> {
    let year = number(scan, 4, 1970..=2199)?;
    scan.text("/")?;
    let month = number(scan, 2, 1..=12)?;
    scan.text("/")?;
    let day = number(scan, 2, 1..=31)?;
    scan.text(" - ")?;
    let clock = time_of_day(scan)?;
    moment(days(year, month, day), &clock, None, true)
}

/// A time stamp at the start of some text, in a form that only access logs have, or in the usual one.
pub(super) fn of_access_log(text: &[u8]) -> Option<WallTime> {
    [clf, gin, iso].iter().find_map(|read| read(&mut Scanner::new(text)))
}

/// Seconds since 1970 with a fraction, as `ts %.s` writes them, or milliseconds or nanoseconds without one.
pub(super) fn epoch(scan: &mut Scanner<'_>) -> Option<WallTime> {
    let digits = scan.rest().iter().take_while(|byte| byte.is_ascii_digit()).count();
    let has_fraction = matches!(scan.rest().get(digits..digits + 4), Some([b'.', rest @ ..])
        if rest.iter().all(u8::is_ascii_digit));
    let is_epoch = if has_fraction { digits == 10 } else { matches!(digits, 13 | 16 | 19) };
    if !is_epoch {
        return None;
    }
    let len = digits
        + if has_fraction {
            scan.rest()[digits + 1..].iter().take_while(|byte| byte.is_ascii_digit()).count() + 1
        } else {
            0
        };
    let time = since_1970(&scan.rest()[..len])?;
    scan.at += len;
    Some(time)
}

/// A number of seconds, or of thousandth, millionth or billionth parts of them, since 1970: `1714594375.000262`,
/// `1.7952449384714088e+09`, `1723777109003`. Its size tells the unit.
pub(super) fn since_1970(text: &[u8]) -> Option<WallTime> {
    let (mantissa, exponent) = match text.iter().position(|byte| matches!(byte, b'e' | b'E')) {
        Some(at) => (&text[..at], std::str::from_utf8(&text[at + 1..]).ok()?.trim_start_matches('+').parse().ok()?),
        None => (text, 0_i64),
    };
    let point = mantissa.iter().position(|byte| *byte == b'.').unwrap_or(mantissa.len());
    let mut value = 0_i128;
    let mut n_digits = 0_i64;
    for byte in mantissa.iter().filter(|byte| **byte != b'.') {
        // More digits than these are below a nanosecond in any unit.
        if n_digits < 30 {
            value = value * 10 + i128::from(char::from(*byte).to_digit(10)?);
            n_digits += 1;
        }
    }
    let scale = exponent - (mantissa.len().saturating_sub(point + 1) as i64).min(n_digits);
    // `value * 10^scale` is the number; its whole digits tell its unit.
    let whole_digits = value.checked_ilog10().map_or(0, |log| i64::from(log) + 1) + scale;
    let unit = match whole_digits {
        9 | 10 => 9,
        12 | 13 => 6,
        15 | 16 => 3,
        18 | 19 => 0,
        _ => return None,
    };
    let shift = scale + unit;
    let power = |n: i64| 10_i128.checked_pow(u32::try_from(n).ok()?);
    let ns = if shift >= 0 { value.checked_mul(power(shift)?)? } else { value / power(-shift)? };
    let resolution_ns = if shift > 0 { power(shift)? } else { 1 };
    let ns = i64::try_from(ns).ok().filter(|ns| (0..MAX_NS).contains(ns))?;
    Some(WallTime { ns, resolution_ns: i64::try_from(resolution_ns).ok()?, zone_known: true, year_known: true })
}

/// A whole text that is a time stamp, as the value of a key in JSON or logfmt.
pub(super) fn whole(text: &[u8]) -> Option<WallTime> {
    [iso, slashes, stamp]
        .iter()
        .find_map(|read| {
            let mut scan = Scanner::new(text);
            read(&mut scan).filter(|_| scan.rest().is_empty())
        })
        .or_else(|| since_1970(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The moment, its resolution, and what is known of it.
    fn shown(time: Option<WallTime>) -> String {
        time.map_or("no time".to_owned(), |time| {
            let known = |what: &str, is: bool| if is { format!(" {what}") } else { String::new() };
            format!(
                "{} ±{}{}{}",
                time.ns,
                time.resolution_ns,
                known("zone", time.zone_known),
                known("year", time.year_known)
            )
        })
    }

    #[test]
    fn reads_what_collectors_and_loggers_print() {
        for (text, wanted) in [
            ("1970-01-01T00:00:00Z", "0 ±1000000000 zone year"),
            ("2000-02-29T12:00:00.5+02:00", "951818400500000000 ±100000000 zone year"),
            ("2024-03-06T20:32:52+0000", "1709757172000000000 ±1000000000 zone year"),
            ("2024-03-09 15:40:21,250", "1709998821250000000 ±1000000 year"),
            ("Sat 2024-03-09 15:40:21 UTC", "1709998821000000000 ±1000000000 zone year"),
            ("2024-12-19T15:59:28.0003488Z", "1734623968000348800 ±100 zone year"),
            ("2009/11/10 23:00:00.000000", "1257894000000000000 ±1000 year"),
            ("Mar  4 04:13:23.185324", "952143203185324000 ±1000"),
            ("Mon Jan  2 15:04:05 2006", "1136214245000000000 ±1000000000 year"),
            ("1714594375.000262", "1714594375000262000 ±1000 zone year"),
            ("1723777109003", "1723777109003000000 ±1000000 zone year"),
            ("1735656284000322", "1735656284000322000 ±1000 zone year"),
            ("1714594375000000262", "1714594375000000262 ±1 zone year"),
            ("1.7952449384714088e+09", "1795244938471408800 ±100 zone year"),
            ("1714594375", "1714594375000000000 ±1000000000 zone year"),
            ("2024-13-01T00:00:00Z", "no time"),
            ("2024-01-01T25:00:00Z", "no time"),
            ("17", "no time"),
            ("1e99999999999999999999", "no time"),
            ("9e400", "no time"),
            ("", "no time"),
        ] {
            assert_eq!(shown(whole(text.as_bytes())), wanted, "{text}");
        }
        assert_eq!(shown(month_day(&mut Scanner::new(b"0102 15:04:05.000000"), "")), "946825445000000000 ±1000");
    }
}
