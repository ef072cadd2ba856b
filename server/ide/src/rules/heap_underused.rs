//! ## What it looks for
//!
//! Ten `scav` lines or more in a row on which at most 40 % of the heap that is held are in use, and less than a fifth of
//! the free rest has been returned. Off unless a setting gives it a level.
//!
//! ## Why it matters
//!
//! The process holds free memory that it does not use and has not returned: after a recent spike, which passes, or
//! because few objects keep many spans (fragmentation), which does not.
//!
//! ## What to do next
//!
//! Compare `HeapIdle − HeapReleased` and `HeapInuse − HeapAlloc` of MemStats: the first is free memory that is not
//! returned, the second are holes in spans that are in use.
//!
//! ```sh
//! # the numbers of MemStats, at the end of the heap profile in text
//! curl -s 'http://HOST/debug/pprof/heap?debug=1' | grep -E '^# Heap'
//! ```
//!
//! ## Limits
//!
//! Needs `GODEBUG=scavtrace=1` and `gc` lines beside it: the `scav` line alone does not say how large the heap is. What
//! is free is estimated from the live heap, and must be 16 MB or more.
//!
//! ## Example
//!
//! ```text
//! scav 0 KiB work (bg), 0 KiB work (eager), 6104 KiB now, 55% util
//! ```

use tracelog::catalog::scav;

use super::evidence::{Bound, Test};
use super::{Check, Finding, Findings, Kind, Limit, Limits, Place, Related, Rule, Severity, limit};
use crate::view::RunView;
use crate::words::{count, rough};

/// GC603.
pub(crate) static RULE: Rule = Rule {
    code: "GC603",
    slug: "heap-underused",
    title: "Most of the heap that is held is free",
    severity: Severity::Info,
    kind: Kind::Off,
    reads: &[scav::UTIL_PCT],
    limits: LIMITS,
    check: Check::Run(check),
};

const LIMITS: &[Limit] = &[
    limit("max_util_pct", 40.0, "%", "Utilization up to which a line counts."),
    limit("max_returned", 0.2, "of the free heap", "Part of it that may be returned already."),
    limit("min_free_mb", 16.0, "MB", "How much must be free."),
    limit("min_in_a_row", 10.0, "lines", "How many lines in a row must show it."),
];

fn check(run: &RunView, limits: &Limits, findings: &mut Findings) {
    let scav = &run.scav;
    let is_underused = |row: usize| {
        let free_mb = free_mb(run, row);
        scav.util_pct[row] <= limits.get("max_util_pct")
            && free_mb >= limits.get("min_free_mb")
            && scav.released_kib[row] / 1024.0 < limits.get("max_returned") * free_mb
    };
    let mut longest = 0..0;
    let mut start = 0;
    for row in 0..scav.len() {
        if !is_underused(row) {
            start = row + 1;
        } else if row + 1 - start > longest.len() {
            longest = start..row + 1;
        }
    }
    let mut test = Test::default();
    let in_a_row = longest.len() as f64;
    if longest.is_empty() || !test.value("lines in a row", in_a_row, Bound::AtLeast(limits.get("min_in_a_row")), "") {
        return;
    }
    let worst = longest.clone().min_by(|a, b| scav.util_pct[*a].total_cmp(&scav.util_pct[*b])).unwrap_or(longest.start);
    test.value("utilization at its lowest", scav.util_pct[worst], Bound::AtMost(limits.get("max_util_pct")), "%");
    test.value("free there", free_mb(run, worst), Bound::AtLeast(limits.get("min_free_mb")), "MB");
    let place = |row: usize| Place { line: scav.line[row], field: Some(scav::UTIL_PCT) };
    let related = |row: usize, what: &str| Related {
        place: place(row),
        text: format!("{what}: {} % in use", scav.util_pct[row]),
    };
    let evident = longest.start + (limits.get("min_in_a_row") as usize).clamp(1, longest.len()) - 1;
    findings.push(Finding {
        run: Some(run.run),
        place: place(evident),
        message: format!(
            "{} % of the heap that is held are in use, about {} MB are free and hardly any of them returned ({} in a row).",
            scav.util_pct[worst],
            rough(free_mb(run, worst)),
            count(longest.len(), "line"),
        ),
        related: vec![related(longest.start, "first"), related(worst, "least"), related(longest.end - 1, "last")],
        count: longest.len(),
        numbers: vec![("util_pct", scav.util_pct[worst]), ("free_mb", free_mb(run, worst))],
        test,
        ..Finding::about(&RULE)
    });
}

/// About how much of the heap that is held is free, MB: what is in use is the live heap and the spans around it.
fn free_mb(run: &RunView, row: usize) -> f64 {
    let Some(cycle) = run.scav.cycle[row] else { return f64::NAN };
    let in_use = run.cycles.heap_live_mb[cycle];
    in_use * (100.0 / run.scav.util_pct[row].max(1.0) - 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::fixture::{GcLine, findings_with, view};

    fn cycles(n: u64, live: u64, util: u64, now_kib: u64) -> String {
        let cycle = |idx: u64| {
            let line = GcLine { n: idx + 1, at_s: idx as f64, heap_mb: [60, 60, live, 60], ..GcLine::default() };
            format!("{line}scav 0 KiB work (bg), 0 KiB work (eager), {now_kib} KiB now, {util}% util\n")
        };
        (0..n).map(cycle).collect()
    }

    fn found(log: &str) -> String {
        findings_with(&RULE, &view(log), &[])
    }

    #[test]
    fn a_heap_that_is_mostly_free_is_told() {
        let text = found(&cycles(12, 20, 25, 1024));
        assert!(
            text.starts_with("20:util_pct Info GC603: 25 % of the heap that is held are in use, about 60 MB are free"),
            "{text}"
        );
        assert!(text.contains("(12 lines in a row)"), "{text}");
    }

    #[test]
    fn silent_just_below_the_limits() {
        assert_eq!(found(&cycles(9, 20, 25, 1024)), "");
        assert_ne!(found(&cycles(10, 20, 40, 1024)), "");
        assert_eq!(found(&cycles(10, 20, 41, 1024)), "");
        assert_eq!(found(&cycles(10, 20, 25, 12 * 1024)), "", "a fifth is returned");
        assert_eq!(found(&cycles(10, 5, 25, 0)), "", "15 MB");
    }

    #[test]
    fn silent_without_gc_lines() {
        assert_eq!(found(&"scav 0 KiB work, 1024 KiB total, 16% util\n".repeat(40)), "");
    }
}
