//! ## What it looks for
//!
//! A share of CPU for collecting that rises through the run: after warm-up, in 8 to 20 windows of equal length, it has a
//! rising trend (Mann-Kendall p below 0.01, tau 0.5 or more), ends at least twice as high as it began and at 5 % or more,
//! rises in the second half too, and was not given back in between.
//!
//! ## Why it matters
//!
//! The cost of collecting follows the live heap times the number of cycles. When it rises under the same load, more and
//! more is kept alive, or the room between live heap and limit shrinks; either ends in a program that mostly collects.
//!
//! ## What to do next
//!
//! See which of the two it is: `live-heap-leak` and `goroutine-stack-growth` for growth, `memory-limit-active` for a
//! limit. When neither speaks, the load rose: compare the allocation rate early and late.
//!
//! ```sh
//! # who allocates most, by bytes since start
//! go tool pprof -sample_index=alloc_space http://HOST/debug/pprof/heap
//! ```
//!
//! ## Limits
//!
//! Needs 40 cycles and 30 s. A daily curve that is still rising when the log ends looks alike. Cycles that the program
//! asked for count: they cost the same. Go 1.5 and later.
//!
//! ## Example
//!
//! ```text
//! gc 58 @3.959s 25%: 6.3+15+0.10 ms clock, 12+37/14/0+0.20 ms cpu, 75->75->38 MB, 77 MB goal, 4 P
//! ```

use tracelog::catalog::gc;

use super::evidence::{Bound, Test};
use super::{Check, Finding, Findings, Kind, Limit, Limits, Place, Related, Rule, Severity, limit};
use crate::derived::{gc_cpu_of_all_ms, intervals_s};
use crate::stats::{mann_kendall, median};
use crate::view::{Cycles, RunView};
use crate::words::{percent, rough_span};

/// GC207.
pub(crate) static RULE: Rule = Rule {
    code: "GC207",
    slug: "gc-cost-rising",
    title: "The share of CPU for collecting keeps rising",
    severity: Severity::Info,
    kind: Kind::Trend,
    reads: &[gc::GC_CPU_PCT],
    limits: LIMITS,
    check: Check::Run(check),
};

const LIMITS: &[Limit] = &[
    limit("min_cycles", 40.0, "cycles", "Shorter runs are not judged."),
    limit("min_span_s", 30.0, "s", "Runs that span less time are not judged."),
    limit("max_p", 0.01, "", "Largest one-sided Mann-Kendall p of the windows that counts as a trend."),
    limit("min_tau", 0.5, "", "Smallest Kendall tau-a of the windows that counts as a trend."),
    limit("factor", 2.0, "times", "How many times its beginning the end must be."),
    limit("min_share", 0.05, "of P-time", "What the end must cost."),
    limit("max_given_back", 0.35, "of the rise", "A rise is not reported when so much of it was given back."),
];

/// Windows: fewest and most, and cycles that should fall into one.
const WINDOWS: (usize, usize, usize) = (8, 20, 5);

/// Warm-up: share of the time, and cycles.
const WARM_UP: (f64, usize) = (0.15, 10);

/// Smallest tau of the second half that is still a rise.
const LATE_TAU: f64 = 0.4;

/// The share of CPU in one window.
#[derive(Clone, Copy)]
struct Window {
    share: f64,
    /// Last row.
    last: usize,
}

fn check(run: &RunView, limits: &Limits, findings: &mut Findings) {
    let cycles = &run.cycles;
    let (Some(first_s), Some(last_s)) = (finite(cycles.at_s.iter()), finite(cycles.at_s.iter().rev())) else { return };
    let mut test = Test::default();
    let has_data = test.data("cycles", cycles.len() as f64, limits.get("min_cycles"), "")
        && test.data("time", last_s - first_s, limits.get("min_span_s"), "s");
    if !has_data {
        findings.declined(&RULE, Some(run.run), test);
        return;
    }
    let windows = windows(cycles, first_s, last_s);
    let shares: Vec<f64> = windows.iter().map(|window| window.share).collect();
    let fifth = (shares.len() / 5).max(1);
    let (Some(trend), Some(late)) = (mann_kendall(&shares), mann_kendall(&shares[shares.len() / 2..])) else { return };
    let (Some(start), Some(end)) = (median(&shares[..fifth]), median(&shares[shares.len() - fifth..])) else { return };
    let holds = test.data("windows", shares.len() as f64, WINDOWS.0 as f64, "")
        && test.value("share of CPU at the end", 100.0 * end, Bound::AtLeast(100.0 * limits.get("min_share")), "%")
        && test.value("times its beginning", end / start, Bound::AtLeast(limits.get("factor")), "")
        && test.value("chance that it rises by accident (p)", trend.p_rising, Bound::Below(limits.get("max_p")), "")
        && test.value("how steadily it rises (tau, at most 1)", trend.tau, Bound::AtLeast(limits.get("min_tau")), "")
        && test.value("how steadily it does in the second half (tau)", late.tau, Bound::AtLeast(LATE_TAU), "")
        && test.value(
            "given back",
            100.0 * given_back(&shares, start),
            Bound::Below(100.0 * limits.get("max_given_back")),
            "% of the rise",
        );
    if !holds {
        findings.declined(&RULE, Some(run.run), test);
        return;
    }
    let place = |row: usize| Place { line: cycles.line[row], field: Some(gc::GC_CPU_PCT) };
    let related = |window: &Window, what: &str| Related {
        place: place(window.last),
        text: format!("{what}: {} of CPU up to {:.0} s", percent(window.share), cycles.at_s[window.last]),
    };
    let (Some(early), Some(latest)) = (windows.first(), windows.last()) else { return };
    let worst = windows.iter().max_by(|a, b| a.share.total_cmp(&b.share)).unwrap_or(latest);
    findings.push(Finding {
        run: Some(run.run),
        place: place(latest.last),
        message: format!(
            "Collecting takes {} of CPU, {} at the beginning, and has been rising for {}.",
            percent(end),
            percent(start),
            rough_span(last_s - first_s),
        ),
        related: vec![related(early, "first"), related(worst, "most"), related(latest, "last")],
        count: windows.len(),
        numbers: vec![("start_share", start), ("end_share", end), ("tau", trend.tau), ("p", trend.p_rising)],
        test,
        ..Finding::about(&RULE)
    });
}

fn finite<'a>(mut values: impl Iterator<Item = &'a f64>) -> Option<f64> {
    values.find(|value| value.is_finite()).copied()
}

/// The share of CPU in each of 8 to 20 windows of equal length after warm-up; windows without a cycle are left out.
fn windows(cycles: &Cycles, first_s: f64, last_s: f64) -> Vec<Window> {
    let warm_s = first_s + WARM_UP.0 * (last_s - first_s);
    let first = cycles.at_s.iter().position(|at_s| *at_s >= warm_s).unwrap_or(cycles.len()).max(WARM_UP.1);
    let Some(from_s) = cycles.at_s.get(first).copied().filter(|at_s| at_s.is_finite()) else { return Vec::new() };
    let n_windows = ((cycles.len() - first) / WINDOWS.2).clamp(WINDOWS.0, WINDOWS.1);
    let width_s = (last_s - from_s) / n_windows as f64;
    let mut sums = vec![(0.0, 0.0, 0); n_windows];
    let (all_gc_ms, intervals_s) = (gc_cpu_of_all_ms(cycles), intervals_s(cycles));
    for row in first..cycles.len() {
        let (gc_ms, cpu_ms) = (all_gc_ms[row], 1000.0 * intervals_s[row] * cycles.procs[row]);
        let idx = ((cycles.at_s[row] - from_s) / width_s).max(0.0) as usize;
        if (gc_ms + cpu_ms).is_finite() {
            let (gc, cpu, last) = &mut sums[idx.min(n_windows - 1)];
            *gc += gc_ms;
            *cpu += cpu_ms;
            *last = row;
        }
    }
    let with_cycles = sums.into_iter().filter(|(_, cpu_ms, _)| *cpu_ms > 0.0);
    with_cycles.map(|(gc_ms, cpu_ms, last)| Window { share: gc_ms / cpu_ms, last }).collect()
}

/// The largest fall below the running maximum, as a share of the rise up to it.
fn given_back(shares: &[f64], start: f64) -> f64 {
    let mut most = start;
    let mut worst: f64 = 0.0;
    for &share in shares {
        most = most.max(share);
        if most > start {
            worst = worst.max((most - share) / (most - start));
        }
    }
    worst
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;
    use crate::rules::fixture::{GcLine, check, findings_in, gc_lines, view, why_not};

    /// `n` cycles 0.5 s apart on 4 Ps (2000 ms), which cost so many percent of the P-time.
    fn costs(n: u64, pct: impl Fn(f64) -> f64) -> String {
        gc_lines(n, |idx| GcLine {
            n: idx + 1,
            at_s: idx as f64 / 2.0,
            clock_ms: [0.0, 50.0, 0.0],
            cpu_ms: [0.0, 20.0 * pct(idx as f64 / n as f64)],
            ..GcLine::default()
        })
    }

    #[test]
    fn tells_beginning_and_end() {
        check(
            &RULE,
            &costs(400, |at| 1.0 + 9.0 * at),
            expect![[r#"
            399:gc_cpu_pct Info GC207: Collecting takes 9.2 % of CPU, 3.1 % at the beginning, and has been rising for 3.3 min.
              77:gc_cpu_pct first: 2.5 % of CPU up to 38 s
              399:gc_cpu_pct most: 9.8 % of CPU up to 199 s
              399:gc_cpu_pct last: 9.8 % of CPU up to 199 s
        "#]],
        );
    }

    #[test]
    fn silent_just_below_each_limit() {
        assert_eq!(findings_in(&RULE, &costs(400, |at| 1.0 + 3.9 * at)), "", "ends below 5 %");
        assert_eq!(findings_in(&RULE, &costs(400, |at| 8.0 + 8.0 * at)), "", "less than twice");
        assert_eq!(findings_in(&RULE, &costs(400, |at| if at < 0.5 { 2.0 } else { 8.0 })), "", "a step");
        assert_eq!(findings_in(&RULE, &costs(400, |at| 2.0 + 10.0 * (at * 2.0).min(1.0))), "", "levelled off");
        let half_given_back = |at: f64| if at < 0.6 { 1.0 + 20.0 * at } else { 6.0 + 18.0 * (at - 0.6) };
        assert_eq!(findings_in(&RULE, &costs(400, half_given_back)), "");
        assert_eq!(findings_in(&RULE, &costs(400, |_| 12.0)), "");
    }

    #[test]
    fn says_what_it_asked_where_it_finds_nothing() {
        expect![[r#"
            ✓ cycles: 400 (≥ 40 needed)
            ✓ time: 200 s (≥ 30 s needed)
            ✓ windows: 20 (≥ 8 needed)
            ✓ share of CPU at the end: 11.7 % (≥ 5 % needed)
            ✗ times its beginning: 1.3 (≥ 2 needed)
        "#]]
        .assert_eq(&why_not(&RULE, &view(&costs(400, |at| 8.0 + 4.0 * at))));
        expect![[r#"
            ✗ cycles: 30 (≥ 40 needed)
        "#]]
        .assert_eq(&why_not(&RULE, &view(&costs(30, |at| 8.0 + 4.0 * at))));
    }

    #[test]
    fn silent_with_too_little_data() {
        assert_ne!(findings_in(&RULE, &costs(64, |at| 1.0 + 19.0 * at)), "");
        assert_eq!(findings_in(&RULE, &costs(39, |at| 1.0 + 19.0 * at)), "", "39 cycles");
        assert_eq!(findings_in(&RULE, &costs(58, |at| 1.0 + 19.0 * at)), "", "28.5 s");
    }

    #[test]
    fn silent_for_releases_without_times() {
        let line = |n| format!("gc{n}(2): 0+{n}+2 ms, 5 -> 5 MB 107296 -> 107296 (107316-20) objects, 0(0) handoff\n");
        assert_eq!(findings_in(&RULE, &(1..200).map(line).collect::<String>()), "");
    }
}
