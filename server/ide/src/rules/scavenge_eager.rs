//! ## What it looks for
//!
//! Ten `scav` lines or more in a row that say 8 MB or more was returned eagerly; or 60 s in which more was returned
//! eagerly than in the background, and at least 64 MB.
//!
//! ## Why it matters
//!
//! Eager work is done on the allocation path: before a goroutine gets its memory, it has to give other memory back to
//! the operating system. That is how a process stays below its memory limit, and it costs system calls now and page
//! faults later.
//!
//! ## What to do next
//!
//! See what `memory-limit-active` and `memory-limit-thrash` say about the same time. A higher GOMEMLIMIT or a smaller
//! heap ends it; large buffers of different sizes make it worse, reused ones better.
//!
//! ```sh
//! # what the limit of the running process is set to
//! tr '\0' '\n' < /proc/PID/environ | grep -E 'GOMEMLIMIT|GOGC'
//! ```
//!
//! ## Limits
//!
//! Needs `GODEBUG=scavtrace=1` and Go 1.21 or later; before, the line does not tell eager from background work. Lines of
//! `debug.FreeOSMemory` are left out (`forced-scavenge`). The 60 s need `gc` or `SCHED` lines beside them, since `scav`
//! lines carry no time. Where a memory limit is seen in charge it is Info: the limit is the story then.
//!
//! ## Example
//!
//! ```text
//! scav 96 KiB work (bg), 14848 KiB work (eager), 41000 KiB now, 89% util
//! scav 0 KiB work (bg), 13608 KiB work (eager), 39680 KiB now, 88% util
//! ```

use std::ops::Range;

use tracelog::catalog::scav;

use super::evidence::{Bound, Test};
use super::{Check, Finding, Findings, Kind, Limit, Limits, Place, Related, Rule, Severity, limit};
use crate::environment::{self, MemoryLimit};
use crate::view::{RunView, Scav};
use crate::words::{count, rough};

/// GC601.
pub(crate) static RULE: Rule = Rule {
    code: "GC601",
    slug: "scavenge-eager",
    title: "Allocation has to return memory to the operating system first",
    severity: Severity::Warning,
    kind: Kind::Point,
    reads: &[scav::WORK_EAGER_KIB],
    limits: LIMITS,
    check: Check::Run(check),
};

const LIMITS: &[Limit] = &[
    limit("min_mb", 8.0, "MB", "How much a line must say was returned eagerly."),
    limit("min_in_a_row", 10.0, "lines", "How many such lines in a row are a warning."),
    limit("window_s", 60.0, "s", "Or over how long more must be returned eagerly than in the background."),
    limit("min_window_mb", 64.0, "MB", "And how much in that time."),
];

const KIB_PER_MB: f64 = 1024.0;

fn check(run: &RunView, limits: &Limits, findings: &mut Findings) {
    let scav = &run.scav;
    let rows: Vec<usize> =
        (0..scav.len()).filter(|row| !scav.forced[*row] && scav.eager_kib[*row].is_finite()).collect();
    if rows.is_empty() {
        return;
    }
    let (streak, window) = (longest_streak(scav, &rows, limits), dearest_window(scav, &rows, limits));
    let mut test = Test::default();
    let in_a_row = streak.len() as f64;
    let is_streak = in_a_row >= limits.get("min_in_a_row");
    let found = if is_streak || window.is_none() {
        test.value(
            "lines in a row with enough returned eagerly",
            in_a_row,
            Bound::AtLeast(limits.get("min_in_a_row")),
            "",
        );
        streak
    } else {
        window.unwrap_or_default()
    };
    let used = &rows[found.clone()];
    let sum_mb = |series: &[f64]| used.iter().map(|row| series[*row]).sum::<f64>() / KIB_PER_MB;
    let (eager_mb, background_mb) = (sum_mb(&scav.eager_kib), sum_mb(&scav.background_kib));
    if !is_streak && test.conditions.is_empty() {
        test.value("returned eagerly", eager_mb, Bound::AtLeast(limits.get("min_window_mb")), "MB");
        test.value("returned eagerly, against in the background", eager_mb, Bound::Above(background_mb), "MB");
    }
    if !test.holds() || used.is_empty() {
        findings.declined(&RULE, Some(run.run), test);
        return;
    }
    let is_limit = matches!(environment::goal_settings(run).memory_limit.value, Ok(MemoryLimit::InCharge { .. }));
    let severity = if is_streak && !is_limit { Severity::Warning } else { Severity::Info };
    let evident = match is_streak {
        true => used[(limits.get("min_in_a_row") as usize).clamp(1, used.len()) - 1],
        false => used[used.len() - 1],
    };
    let place = |row: usize| Place { line: scav.line[row], field: Some(scav::WORK_EAGER_KIB) };
    let worst =
        used.iter().copied().max_by(|a, b| scav.eager_kib[*a].total_cmp(&scav.eager_kib[*b])).unwrap_or(evident);
    let related = |row: usize, what: &str| Related {
        place: place(row),
        text: format!("{what}: {} MB eagerly", rough(scav.eager_kib[row] / KIB_PER_MB)),
    };
    let per_line_mb = eager_mb / used.len() as f64;
    findings.push(Finding {
        severity,
        run: Some(run.run),
        place: place(evident),
        message: if is_streak {
            format!(
                "{} MB per cycle were returned to the OS on the allocation path ({} in a row, {} MB in all).",
                rough(per_line_mb),
                count(used.len(), "line"),
                rough(eager_mb),
            )
        } else {
            format!(
                "{} MB were returned to the OS on the allocation path within {} s, {} MB in the background.",
                rough(eager_mb),
                rough(limits.get("window_s")),
                rough(background_mb),
            )
        },
        related: vec![related(used[0], "first"), related(worst, "most"), related(used[used.len() - 1], "last")],
        count: used.len(),
        numbers: vec![
            ("eager_mb", eager_mb),
            ("background_mb", background_mb),
            ("eager_mb_per_line", per_line_mb),
            ("lines_in_a_row", in_a_row),
        ],
        test,
        ..Finding::about(&RULE)
    });
}

/// The longest stretch of `rows` each of which returned enough, as places in `rows`.
fn longest_streak(scav: &Scav, rows: &[usize], limits: &Limits) -> Range<usize> {
    let mut longest = 0..0;
    let mut start = 0;
    for (at, &row) in rows.iter().enumerate() {
        if scav.eager_kib[row] < limits.get("min_mb") * KIB_PER_MB {
            start = at + 1;
        } else if at + 1 - start > longest.len() {
            longest = start..at + 1;
        }
    }
    longest
}

/// The window in which most was returned eagerly, and more than in the background; as places in `rows`.
fn dearest_window(scav: &Scav, rows: &[usize], limits: &Limits) -> Option<Range<usize>> {
    let window_s = limits.get("window_s");
    let mut found: Option<(f64, Range<usize>)> = None;
    let (mut start, mut eager, mut background) = (0, 0.0, 0.0);
    let at_s = |at: usize| scav.at_s[rows[at]];
    for (at, &row) in rows.iter().enumerate() {
        eager += scav.eager_kib[row];
        background += scav.background_kib[row];
        while start < at && at_s(at) - at_s(start) > window_s {
            eager -= scav.eager_kib[rows[start]];
            background -= scav.background_kib[rows[start]];
            start += 1;
        }
        let is_timed = at_s(at).is_finite() && at_s(start).is_finite();
        let is_enough = eager >= limits.get("min_window_mb") * KIB_PER_MB && eager > background;
        if is_timed && is_enough && found.as_ref().is_none_or(|(most, _)| eager > *most) {
            found = Some((eager, start..at + 1));
        }
    }
    found.map(|(_, range)| range)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::fixture::{GcLine, findings_in};

    /// `n` cycles `apart_s` apart, each followed by a `scav` line with these amounts in KiB.
    fn cycles(n: u64, apart_s: f64, returned: impl Fn(u64) -> (u64, u64)) -> String {
        let cycle = |idx: u64| {
            let (background, eager) = returned(idx);
            let line = GcLine { n: idx + 1, at_s: idx as f64 * apart_s, ..GcLine::default() };
            format!("{line}scav {background} KiB work (bg), {eager} KiB work (eager), 2168 KiB now, 98% util\n")
        };
        (0..n).map(cycle).collect()
    }

    #[test]
    fn a_row_of_lines_is_a_warning() {
        let text = findings_in(&RULE, &cycles(20, 0.1, |idx| (9000, if idx < 12 { 12_288 } else { 0 })));
        let expected = "\
20:work_eager_kib Warning GC601: 12 MB per cycle were returned to the OS on the allocation path (12 lines in a row, 144 MB in all).
  2:work_eager_kib first: 12 MB eagerly
";
        assert!(text.starts_with(expected), "{text}");
    }

    #[test]
    fn silent_just_below_the_limits() {
        let streak =
            |n: u64, kib: u64| findings_in(&RULE, &cycles(20, 9.0, |idx| (99_999, if idx < n { kib } else { 0 })));
        assert_eq!(streak(9, 8192), "");
        assert_eq!(streak(10, 8191), "");
        assert_ne!(streak(10, 8192), "");
    }

    #[test]
    fn more_eagerly_than_in_the_background_is_a_remark() {
        let most = |eager: u64, background: u64| findings_in(&RULE, &cycles(20, 5.0, |_| (background, eager)));
        let text = most(6000, 5000);
        assert!(
            text.contains("Info GC601: 76 MB were returned to the OS on the allocation path within 60 s, 63 MB"),
            "{text}"
        );
        assert_eq!(most(6000, 6000), "");
        assert_eq!(most(5000, 0), "", "63 MB in 60 s");
        // The same lines without a time.
        let bare: String = cycles(20, 5.0, |_| (0, 6000))
            .lines()
            .filter(|line| line.starts_with("scav"))
            .map(|line| format!("{line}\n"))
            .collect();
        assert_eq!(findings_in(&RULE, &bare), "");
    }

    #[test]
    fn under_a_memory_limit_it_is_part_of_that_story() {
        // The goal stays at 60 MB while the live heap rises.
        let log: String = (0..20)
            .map(|idx| {
                let line =
                    GcLine { n: idx + 7, at_s: idx as f64, heap_mb: [59, 60, 30 + idx, 60], ..GcLine::default() };
                format!("{line}scav 0 KiB work (bg), 9000 KiB work (eager), 2168 KiB now, 98% util\n")
            })
            .collect();
        assert!(findings_in(&RULE, &log).contains("Info GC601"));
    }

    #[test]
    fn calls_and_older_releases_are_left_out() {
        let forced = cycles(20, 0.1, |_| (0, 12_288)).replace(" util\n", " util (forced)\n");
        assert_eq!(findings_in(&RULE, &forced), "");
        let old = "scav 12288 KiB work, 64856 KiB total, 100% util\n".repeat(20);
        assert_eq!(findings_in(&RULE, &old), "");
    }
}
