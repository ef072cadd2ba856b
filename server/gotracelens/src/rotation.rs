//! What the name of a file says about its place in a rotated set.
//!
//! Known are the ways of logrotate (numbers, `dateext`, `extension`), of Docker and kubelet, and of the rotating loggers
//! of Go, Python, Java and Node. Names do not settle everything: the contents are asked too, see
//! [`joined`](crate::joined).

use std::cmp::Reverse;

/// The set a file belongs to, and how old the file is in it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Rotation {
    /// The name of the file that is being written, without its folder.
    pub(crate) stem: String,
    /// The less, the older.
    pub(crate) age: Age,
    /// Only what is not written anymore is packed.
    pub(crate) is_packed: bool,
}

/// How a rotated file is marked. The less, the older.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Age {
    /// `app.log-20261121`, `app-2026-11-21T15-04-05.000.log`: all numbers of the mark, which begin with a date.
    Dated(Vec<u64>),
    /// `part-2.log`: pieces are counted upward.
    Counted(u64),
    /// `app.log.2`, `app.2.log`: rotated files are counted from the newest.
    Numbered(Reverse<u64>),
    /// `app.log`: being written.
    Current,
}

/// What files are packed with; only what follows says how old they are.
const PACKED: [&str; 9] = [".gz", ".zst", ".zstd", ".bz2", ".xz", ".lz4", ".lzma", ".zip", ".Z"];

/// Digits of a number that counts files; longer ones are dates or ids.
const MAX_COUNT: u64 = 99_999;

impl Rotation {
    /// Reads the name of a file; what stands before the last path separator does not matter.
    pub(crate) fn of(name: &str) -> Self {
        let name = name.rsplit(['/', '\\']).next().unwrap_or(name);
        let (name, is_packed) = match PACKED.iter().find_map(|packed| name.strip_suffix(packed)) {
            Some(name) => (name, true),
            None => (name, false),
        };
        if let Some((stem, mark, separator)) = mark_at_end(name)
            && let Some(age) = age(mark, separator)
        {
            return Self { stem: stem.to_owned(), age, is_packed };
        }
        if let Some((base, extension)) = name.rsplit_once('.')
            && let Some((stem, mark, separator)) = mark_at_end(base)
            && let Some(age) = age(mark, separator)
        {
            return Self { stem: format!("{stem}.{extension}"), age, is_packed };
        }
        Self { stem: name.to_owned(), age: Age::Current, is_packed }
    }
}

/// The numbers at the end of a name: what stands before them, they, and the character between.
fn mark_at_end(name: &str) -> Option<(&str, &str, char)> {
    let is_mark = |character: char| character.is_ascii_digit() || "-_.:T+Z".contains(character);
    let begin = name.trim_end_matches(is_mark).len();
    // A separator stands between a name and its mark, or the digits belong to the name: `web2.log`.
    let from = begin + name[begin..].find(['.', '-', '_'])?;
    let separator = name[from..].chars().next()?;
    let mark = name[from..].trim_start_matches(['.', '-', '_']);
    (from > 0 && mark.starts_with(|first: char| first.is_ascii_digit())).then_some((&name[..from], mark, separator))
}

/// What a mark says; None when it is part of the name, such as a version.
fn age(mark: &str, separator: char) -> Option<Age> {
    let digits = mark.split(|character: char| !character.is_ascii_digit()).filter(|digits| !digits.is_empty());
    let numbers: Vec<u64> = digits.map(|digits| digits.parse().ok()).collect::<Option<_>>()?;
    match numbers.as_slice() {
        _ if is_date(&numbers) => Some(Age::Dated(numbers)),
        [count] if *count <= MAX_COUNT && separator == '.' => Some(Age::Numbered(Reverse(*count))),
        [count] if *count <= MAX_COUNT => Some(Age::Counted(*count)),
        _ => None,
    }
}

/// Whether numbers begin with a date: year, month and day in one (a time may follow at once) or apart, or seconds since
/// 1970.
fn is_date(numbers: &[u64]) -> bool {
    let is_year_month = |year: u64, month: u64| (1970..2100).contains(&year) && (1..=12).contains(&month);
    let is_compact = |number: u64| {
        let mut day = number;
        while day > 99_999_999 {
            day /= 100;
        }
        is_year_month(day / 10_000, day / 100 % 100) && (1..=31).contains(&(day % 100))
    };
    match numbers {
        [year, month, day, ..] if is_year_month(*year, *month) => (1..=31).contains(day),
        [year, month] if is_year_month(*year, *month) => true,
        [first, ..] => is_compact(*first) || (1_000_000_000..4_000_000_000).contains(first),
        [] => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sets_are_sorted_from_old_to_new() {
        for oldest_first in [
            &["app.log.10.gz", "app.log.2.gz", "app.log.1", "app.log"][..],
            &["app.log-20251231.gz", "app.log-20261120.gz", "app.log-20261121", "app.log"],
            &["app.log-20261121-1795244400", "app.log-20261121-1795248000", "app.log"],
            &["app.log-2026112013", "app.log-2026112114", "app.log"],
            &["app-2026-11-20.log", "app-2026-11-21.log", "app.log"],
            &["app-2026-11-20T15-04-05.000.log.gz", "app-2026-11-20T15-04-05.010.log", "app.log"],
            &["app-2026-11-20.2.log.gz", "app-2026-11-20.10.log.gz", "app-2026-11-21.0.log", "app.log"],
            &["app.log.2026-11-20", "app.log.2026-11-20_13", "app.log.2026-11-21", "app.log"],
            &["0.log.20261120-150405.gz", "0.log.20261121-150405", "0.log"],
            &["c0ffee-json.log.2.gz", "c0ffee-json.log.1", "c0ffee-json.log"],
            &["app.2.log", "app.1.log", "app.log"],
            &["part-1.log", "part-2.log", "part-10.log"],
            &["REPORT.2", "REPORT.1", "REPORT"],
            &["old/syslog.2", "new/syslog.1", "syslog"],
            &["error.log.1758844800", "error.log.1758931200", "error.log"],
        ] {
            let rotations: Vec<Rotation> = oldest_first.iter().map(|name| Rotation::of(name)).collect();
            assert!(rotations.iter().all(|rotation| rotation.stem == rotations[0].stem), "{rotations:?}");
            assert!(rotations.is_sorted_by(|a, b| a.age < b.age), "{rotations:?}");
        }
    }

    #[test]
    fn numbers_of_other_meaning_stay_in_the_name() {
        for name in
            ["web2.log", "app-v1.2.3.log", "app-1.21.6.log", "0.log", "123456789.log", "-", "a.log", "", ".1", "2026"]
        {
            assert_eq!(Rotation::of(name), Rotation { stem: name.into(), age: Age::Current, is_packed: false });
        }
    }
}
