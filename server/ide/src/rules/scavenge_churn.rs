//! ## What it looks for
//!
//! A minute in which the scavenger returned at least twice as much memory as was ever returned at one moment of it, while
//! the heap came back to its former size: the same memory is given back and taken again. Off unless a setting gives it a
//! level.
//!
//! ## Why it matters
//!
//! Memory that is returned and needed again costs a system call to return and a page fault a page to take back.
//!
//! ## What to do next
//!
//! A higher GOGC or memory limit keeps the peaks of the heap apart from what is returned; a heap that swings less needs
//! no returning.
//!
//! ```sh
//! # page faults of the process, every ten seconds
//! pidstat -r -p PID 10
//! ```
//!
//! ## Limits
//!
//! Needs `GODEBUG=scavtrace=1` and `gc` lines beside it (Go 1.14 and later), and at least 64 MB a minute. Lines of
//! `debug.FreeOSMemory` are left out.
//!
//! ## Example
//!
//! ```text
//! scav 87320 KiB work (bg), 0 KiB work (eager), 105560 KiB now, 20% util
//! scav 22528 KiB work (bg), 0 KiB work (eager), 128088 KiB now, 59% util
//! scav 0 KiB work (bg), 0 KiB work (eager), 125664 KiB now, 68% util
//! ```

use tracelog::catalog::scav;

use super::evidence::{Bound, Test};
use super::{Check, Finding, Findings, Kind, Limit, Limits, Place, Related, Rule, Severity, limit};
use crate::view::{Cycles, RunView, Scav};
use crate::words::rough;

/// GC602.
pub(crate) static RULE: Rule = Rule {
    code: "GC602",
    slug: "scavenge-churn",
    title: "Memory is returned to the operating system and taken again",
    severity: Severity::Info,
    kind: Kind::Off,
    reads: &[scav::RELEASED_KIB],
    limits: LIMITS,
    check: Check::Run(check),
};

const LIMITS: &[Limit] = &[
    limit("window_s", 60.0, "s", "Over how long it is looked for."),
    limit(
        "min_turns",
        2.0,
        "times",
        "How many times the most that was returned at one moment must be returned in all.",
    ),
    limit("min_mb", 64.0, "MB", "How much must be returned in that time."),
    limit("back_to", 0.9, "of its former size", "How far the heap must come back."),
];

const KIB_PER_MB: f64 = 1024.0;

/// A window that churns, in rows of the series.
struct Churn {
    rows: (usize, usize),
    returned_mb: f64,
    peak_mb: f64,
    back_to: f64,
}

fn check(run: &RunView, limits: &Limits, findings: &mut Findings) {
    let scav = &run.scav;
    let rows: Vec<usize> = (0..scav.len()).filter(|row| !scav.forced[*row] && scav.at_s[*row].is_finite()).collect();
    let Some(churn) = worst(scav, &rows, &run.cycles, limits) else { return };
    let mut test = Test::default();
    test.value("returned", churn.returned_mb, Bound::AtLeast(limits.get("min_mb")), "MB");
    test.value(
        "times the most at one moment",
        churn.returned_mb / churn.peak_mb,
        Bound::AtLeast(limits.get("min_turns")),
        "",
    );
    test.value("the heap came back to", churn.back_to, Bound::AtLeast(limits.get("back_to")), "of its size");
    let place = |row: usize| Place { line: scav.line[row], field: Some(scav::RELEASED_KIB) };
    let (first, last) = churn.rows;
    let related = |row: usize, what: &str| Related {
        place: place(row),
        text: format!("{what}: {} MB are returned", rough(scav.released_kib[row] / KIB_PER_MB)),
    };
    findings.push(Finding {
        run: Some(run.run),
        place: place(last),
        message: format!(
            "Memory is given back and taken again: {} MB were returned within {} s, at no moment more than {} MB of it.",
            rough(churn.returned_mb),
            rough(limits.get("window_s")),
            rough(churn.peak_mb),
        ),
        related: vec![related(first, "first"), related(last, "last")],
        numbers: vec![("returned_mb", churn.returned_mb), ("most_returned_mb", churn.peak_mb)],
        test,
        ..Finding::about(&RULE)
    });
}

/// The window in which most was returned, of those that churn.
fn worst(scav: &Scav, rows: &[usize], cycles: &Cycles, limits: &Limits) -> Option<Churn> {
    let mut found: Option<Churn> = None;
    let mut start = 0;
    let mut returned_mb = 0.0;
    for (at, &row) in rows.iter().enumerate() {
        let amount_mb =
            |row: usize| Some(scav.returned_kib(row) / KIB_PER_MB).filter(|mb| mb.is_finite()).unwrap_or(0.0);
        returned_mb += amount_mb(row);
        while start < at && scav.at_s[row] - scav.at_s[rows[start]] > limits.get("window_s") {
            returned_mb -= amount_mb(rows[start]);
            start += 1;
        }
        let is_more = found.as_ref().is_none_or(|found| returned_mb > found.returned_mb);
        if returned_mb < limits.get("min_mb") || !is_more {
            continue;
        }
        let window = &rows[start..=at];
        let peak_mb = window.iter().map(|row| scav.released_kib[*row]).fold(f64::NAN, f64::max) / KIB_PER_MB;
        let back_to = came_back(window, scav, cycles);
        if returned_mb >= limits.get("min_turns") * peak_mb && back_to >= limits.get("back_to") {
            found = Some(Churn { rows: (rows[start], row), returned_mb, peak_mb, back_to });
        }
    }
    found
}

/// The highest heap of the second half of a window over that of the first; NaN without `gc` lines.
fn came_back(window: &[usize], scav: &Scav, cycles: &Cycles) -> f64 {
    let (early, late) = window.split_at(window.len() / 2);
    let highest = |rows: &[usize]| {
        let heaps = rows.iter().filter_map(|row| scav.cycle[*row]).map(|cycle| cycles.heap_end_mb[cycle]);
        heaps.fold(f64::NAN, f64::max)
    };
    highest(late) / highest(early)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::fixture::{GcLine, findings_with, view};

    /// A cycle every two seconds, with a heap of `heap` MB, and what the scavenger returned, KiB.
    fn cycles(n: u64, heap: impl Fn(u64) -> u64, returned: u64, now: u64) -> String {
        let cycle = |idx: u64| {
            let line = GcLine {
                n: idx + 1,
                at_s: idx as f64 * 2.0,
                heap_mb: [heap(idx), heap(idx), 10, heap(idx)],
                ..GcLine::default()
            };
            format!("{line}scav {returned} KiB work (bg), 0 KiB work (eager), {now} KiB now, 90% util\n")
        };
        (0..n).map(cycle).collect()
    }

    fn found(log: &str) -> String {
        findings_with(&RULE, &view(log), &[])
    }

    #[test]
    fn memory_that_goes_and_comes_is_told() {
        let text = found(&cycles(40, |_| 80, 4096, 40_960));
        assert!(
            text.contains("Info GC602: Memory is given back and taken again: 124 MB were returned within 60 s, at no moment more than 40"),
            "{text}"
        );
    }

    #[test]
    fn silent_just_below_the_limits() {
        assert_ne!(found(&cycles(40, |_| 80, 4096, 62 * 1024)), "");
        assert_eq!(found(&cycles(40, |_| 80, 4096, 63 * 1024)), "", "less than twice");
        assert_eq!(found(&cycles(40, |_| 80, 2048, 1024)), "", "62 MB");
        let falls = |to: u64| found(&cycles(31, move |idx| if idx < 10 { 100 } else { to }, 4096, 40_960));
        assert_ne!(falls(90), "");
        assert_eq!(falls(89), "", "the heap does not come back");
    }

    #[test]
    fn calls_and_lines_without_a_time_say_nothing() {
        assert_eq!(found(&cycles(40, |_| 80, 4096, 40_960).replace(" util\n", " util (forced)\n")), "");
        assert_eq!(found(&"scav 7 4096 KiB work, 40960 KiB total, 17% util\n".repeat(40)), "");
    }
}
