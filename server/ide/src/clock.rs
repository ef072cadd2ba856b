//! The wall clock of a run, where what carries its lines tells the time.

use tracelog::anchor::Anchor;
use tracelog::catalog::{gc, sched};
use tracelog::{Field, RowId};

use crate::snapshot::Snapshot;
use crate::words;

/// When the clock of a run stood at zero, if its lines tell.
pub fn anchor(snapshot: &Snapshot, run: usize) -> Option<Anchor> {
    snapshot.parsed.as_ref()?.anchor(run, &*snapshot.lines)
}

/// The wall clock at a time that a row prints, in words: `2024-04-12 16:36:46.120 UTC, give or take 12 ms`.
pub(crate) fn at(snapshot: &Snapshot, row: RowId, field: Field) -> Option<String> {
    let parsed = snapshot.parsed.as_ref()?;
    let at_ms = match field {
        gc::AT_S => parsed.log.value(row, field)? * 1000.0,
        sched::AT_MS => parsed.log.value(row, field)?,
        _ => return None,
    };
    let anchor = anchor(snapshot, parsed.run_of(row)?)?;
    Some(moment(&anchor, at_ms))
}

/// A time since the start of the process on the wall clock, in words.
pub fn moment(anchor: &Anchor, at_ms: f64) -> String {
    let zone = if anchor.zone_known { " UTC" } else { " in the zone of the log" };
    let error = error_in_words(anchor.error_ns);
    format!("{}{zone}, give or take {error}", date_and_time(anchor.at(at_ms), anchor.year_known))
}

/// An error of a time, rounded up.
pub fn error_in_words(error_ns: i64) -> String {
    let ms = error_ns.max(0) as f64 / 1e6;
    if ms >= 1000.0 { format!("{} s", words::rough((ms / 100.0).ceil() / 10.0)) } else { format!("{} ms", ms.ceil()) }
}

/// `2024-04-12 16:36:46.120`, or without the year where no line has one. `ns` counts from the start of 1970.
pub fn date_and_time(ns: i64, year_known: bool) -> String {
    const DAY_NS: i64 = 86_400 * 1_000_000_000;
    let (year, month, day) = civil(ns.div_euclid(DAY_NS));
    let ms = ns.rem_euclid(DAY_NS) / 1_000_000;
    let (hours, minutes, seconds, ms) = (ms / 3_600_000, ms / 60_000 % 60, ms / 1000 % 60, ms % 1000);
    let date = if year_known { format!("{year:04}-{month:02}-{day:02}") } else { format!("{month:02}-{day:02}") };
    format!("{date} {hours:02}:{minutes:02}:{seconds:02}.{ms:03}")
}

/// Year, month and day of a number of days since the start of 1970, in the Gregorian calendar.
fn civil(days: i64) -> (i64, i64, i64) {
    // Counted from March, the leap day is the last day of a year; 400 years have 146,097 days.
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    (era * 400 + year_of_era + i64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tracelog::{LineCol, Log, Text};

    use super::*;
    use crate::Settings;

    #[test]
    fn days_become_dates() {
        for (days, date) in [
            (0, (1970, 1, 1)),
            (59, (1970, 3, 1)),
            (11_016, (2000, 2, 29)),
            (19_782, (2024, 2, 29)),
            (-1, (1969, 12, 31)),
            (20_778, (2026, 11, 21)),
        ] {
            assert_eq!(civil(days), date);
        }
        assert_eq!(date_and_time(1_712_939_806_120_000_000, true), "2024-04-12 16:36:46.120");
        assert_eq!(date_and_time(1_712_939_806_120_000_000, false), "04-12 16:36:46.120");
    }

    #[test]
    fn the_start_of_a_cycle_has_its_wall_clock_where_lines_are_stamped() {
        let stamped = "\
2024-04-12T16:36:46.120000000Z gc 1 @0.020s 0%: 0.01+0.10+0.01 ms clock, 0.02+0/0.1/0.1+0.02 ms cpu, 4->4->0 MB, 5 MB goal, 2 P
2024-04-12T16:36:47.125000000Z gc 2 @1.024s 0%: 0.01+0.10+0.01 ms clock, 0.02+0/0.1/0.1+0.02 ms cpu, 4->4->0 MB, 5 MB goal, 2 P
";
        let hover = |text: &str, byte: u32| {
            let snapshot =
                Snapshot::new(Arc::new(Text::new(text)), Log::read(text.as_bytes()), Arc::new(Settings::default()));
            crate::hover(&snapshot, LineCol { line: 1, byte }).unwrap().markdown
        };
        let with = hover(stamped, 31 + 6);
        assert!(with.contains("**Wall clock:** 2024-04-12 16:36:47.12"), "{with}");
        assert!(with.contains("UTC, give or take"), "{with}");
        let bare: String = stamped.lines().map(|line| format!("{}\n", &line[31..])).collect();
        let without = hover(&bare, 6);
        assert!(!without.contains("Wall clock"), "{without}");
    }
}
