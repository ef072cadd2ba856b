//! ## What it looks for
//!
//! A cycle whose heap at its end is at least three times the usual one (median of the 31 cycles before) and at least
//! 64 MB above it, where the live heap is back at its usual size within five cycles. The program must have asked for it:
//! more was live before the cycle than usual, or the heap outgrew its goal.
//!
//! ## Why it matters
//!
//! Memory of a container is reserved for the peak, not for the average: one large request, export or decode can get a
//! process killed that otherwise needs a tenth. The next cycles give the memory back to the Go heap, but to the operating
//! system only slowly, so the resident size stays up for minutes.
//!
//! ## What to do next
//!
//! Find what ran at that time in the application's log. Look for whole files or responses held in memory (`io.ReadAll`,
//! `json.Marshal` of large values), and stream or limit them. A heap profile names who allocates the large pieces:
//!
//! ```sh
//! # who allocates most, by bytes since start
//! go tool pprof -sample_index=alloc_space http://HOST/debug/pprof/heap
//! ```
//!
//! ## Limits
//!
//! Needs 15 cycles before the spike to know what is usual. Growth that stays is no spike: the `live-heap` rules judge
//! it. A heap that only went as far as a goal which was raised (GOGC from 50 to 400 while the program runs, recorded with
//! Go 1.22 at 19 MB live: 29 → 95 MB) is none either. Go 1.0 to 1.4 do not print the numbers.
//!
//! ## Example
//!
//! ```text
//! gc 20 @1.313s 2%: 2.2+44+1.1 ms clock, 4.5+0/31/57+2.2 ms cpu, 84->92->85 MB, 99 MB goal, 0 MB stacks, 0 MB globals, 4 P
//! gc 21 @2.870s 1%: 0.15+0.89+0.004 ms clock, 0.31+0.086/0/0.21+0.009 ms cpu, 145->146->0 MB, 171 MB goal, 0 MB stacks, 0 MB globals, 4 P
//! gc 22 @2.926s 1%: 0.064+0.53+0.004 ms clock, 0.12+0.034/0/0.17+0.008 ms cpu, 2->2->0 MB, 4 MB goal, 0 MB stacks, 0 MB globals, 4 P
//! ```

use std::cmp::Ordering;

use tracelog::catalog::gc;

use super::evidence::{Bound, Test};
use super::point::{Hit, Words, as_finding, cycle_name};
use super::{Check, Finding, Findings, Kind, Limit, Limits, Place, Rule, Severity, limit};
use crate::derived::goal_is_lifted;
use crate::stats::{Lowest, compare_median, median};
use crate::view::RunView;

/// GC105.
pub(crate) static RULE: Rule = Rule {
    code: "GC105",
    slug: "heap-spike",
    title: "The heap peaked far above its usual size and was released",
    severity: Severity::Info,
    kind: Kind::Point,
    reads: &[gc::HEAP_END_MB],
    limits: LIMITS,
    check: Check::Run(check),
};

const LIMITS: &[Limit] = &[
    limit("factor", 3.0, "times", "How many times its usual size the heap must reach."),
    limit("min_above_mb", 64.0, "MB", "How far above its usual size the heap must reach."),
    limit("window", 31.0, "cycles", "How many cycles before the spike say what is usual."),
    limit("min_window", 15.0, "cycles", "How many of them must exist."),
    limit("back_within", 5.0, "cycles", "How many cycles later at most the live heap must be back."),
    limit("back_to", 0.2, "of the usual live heap", "How far above usual counts as back; 2 MB always do."),
];

/// So much above the usual live heap always counts as back, MB: sizes are printed in whole ones.
const BACK_TO_MB: f64 = 2.0;

fn check(run: &RunView, limits: &Limits, findings: &mut Findings) {
    let cycles = &run.cycles;
    let (min_above, factor) = (limits.get("min_above_mb"), limits.get("factor"));
    let (window_rows, min_window) = (limits.get("window") as usize, limits.get("min_window"));
    let (back_to, back_within) = (limits.get("back_to"), (limits.get("back_within") as usize).saturating_add(1));
    let lowest = Lowest::of(&cycles.heap_end_mb);
    // A peak is so many times as high as something before it.
    let least = min_above.max(factor * lowest.of_all());
    let before = |row: usize| row.saturating_sub(window_rows)..row;
    let mut hits = Vec::new();
    for (row, &heap) in cycles.heap_end_mb.iter().enumerate() {
        // True of nearly all rows: no median is taken for them.
        if heap.is_nan() || heap < least {
            continue;
        }
        let window = before(row);
        if (window.len() as f64) < min_window || factor * lowest.around(window.clone()) > heap {
            continue;
        }
        let most_usual = (heap / factor).min(heap - min_above);
        if compare_median(&cycles.heap_end_mb[window.clone()], most_usual).is_none_or(Ordering::is_gt) {
            continue;
        }
        let after = cycles.heap_live_mb.iter().skip(row).take(back_within).copied().fold(f64::INFINITY, f64::min);
        // It is back at the usual one and a share of that, or at so much more.
        let least_usual = (after / (1.0 + back_to)).min(after - BACK_TO_MB);
        let usual_live = &cycles.heap_live_mb[window];
        if compare_median(usual_live, least_usual).is_none_or(Ordering::is_lt) {
            continue;
        }
        let back = |usual: f64| usual + (back_to * usual).max(BACK_TO_MB);
        if is_within_goal(run, row) && median(usual_live).is_some_and(|usual| live_before(run, row) <= back(usual)) {
            continue;
        }
        // The heap may have been higher in the cycles before, from which the way back took longer.
        let row = climb(&cycles.heap_end_mb, min_window as usize, row);
        if hits.last().is_some_and(|last: &Hit| last.row >= row) {
            continue;
        }
        let place = Place { line: cycles.line[row], field: Some(gc::HEAP_END_MB) };
        hits.push(Hit { row, place, weight: cycles.heap_end_mb[row] });
    }
    let mut test = Test::default();
    let seen = |idx: usize| format!("{:.0} MB at {}", hits[idx].weight, cycle_name(run, hits[idx].row));
    let finding = as_finding(&RULE, run.run, &hits, seen, |worst| {
        let (peak, before) = (hits[worst].weight, before(hits[worst].row));
        let usual = median(&cycles.heap_end_mb[before.clone()]).unwrap_or(f64::NAN);
        let factor = peak / usual.max(1.0);
        test.data("cycles before it", before.len() as f64, limits.get("min_window"), "");
        test.value("times the usual heap", factor, Bound::AtLeast(limits.get("factor")), "");
        test.value("above the usual heap", peak - peak / factor, Bound::AtLeast(min_above), "MB");
        test.fact(&format!("the live heap was back within {} cycles", limits.get("back_within")), true);
        test.fact("more was live before than usual, or the heap outgrew its goal", true);
        let count = match hits.len() {
            1 => String::new(),
            count => format!(" {count} cycles of this run are such peaks."),
        };
        Words {
            severity: Severity::Info,
            message: format!("Heap peaked at {peak:.0} MB, {factor:.0}× usual, and was released.{count}"),
            numbers: vec![("heap_end_mb", peak), ("factor", factor)],
        }
    });
    if let Some(finding) = finding {
        findings.push(Finding { test, ..finding });
    }
}

/// The row from which the heap only fell to this one, none before the first that can be judged.
fn climb(heap_mb: &[f64], first: usize, mut row: usize) -> usize {
    while row > first && heap_mb[row - 1] > heap_mb[row] {
        row -= 1;
    }
    row
}

/// Whether the heap went no further than its goal, and nothing lifted that: with no more live before than usual, somebody
/// raised the goal.
fn is_within_goal(run: &RunView, row: usize) -> bool {
    run.cycles.heap_end_mb[row] <= run.cycles.heap_goal_mb[row] && !goal_is_lifted(&run.cycles, row)
}

/// Live heap that the cycle before found, MB.
fn live_before(run: &RunView, row: usize) -> f64 {
    row.checked_sub(1).map_or(f64::NAN, |before| run.cycles.heap_live_mb[before])
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;
    use crate::rules::fixture::{GcLine, check, findings_in, gc_lines};

    /// A program with 20 MB live whose cycles reach 40 MB, except where `peak` gives heap at end and live heap.
    fn cycles(n: u64, peak: impl Fn(u64) -> Option<(u64, u64)>) -> String {
        gc_lines(n, |idx| {
            let (end, live) = peak(idx).unwrap_or((40, 20));
            GcLine { n: idx + 1, at_s: idx as f64, heap_mb: [end, end, live, 40], ..GcLine::default() }
        })
    }

    #[test]
    fn a_peak_that_was_given_back() {
        check(
            &RULE,
            &cycles(60, |idx| (idx == 40).then_some((420, 20))),
            expect![[r#"
            41:heap_end_mb Info GC105: Heap peaked at 420 MB, 10× usual, and was released.
        "#]],
        );
    }

    #[test]
    fn the_highest_of_several() {
        let peak = |idx| match idx {
            30 => Some((420, 300)),
            31 => Some((480, 300)),
            50 => Some((300, 20)),
            _ => None,
        };
        check(
            &RULE,
            &cycles(60, peak),
            expect![[r#"
            32:heap_end_mb Info GC105: Heap peaked at 480 MB, 12× usual, and was released. 3 cycles of this run are such peaks.
              31:heap_end_mb first: 420 MB at gc 31 @30.000s
              51:heap_end_mb next worst: 300 MB at gc 51 @50.000s
              further 31:heap_end_mb, 51:heap_end_mb
        "#]],
        );
    }

    #[test]
    fn the_peak_of_a_slow_way_back_is_its_top() {
        // A queue that is worked off: from the top it takes seven cycles, two more than may pass.
        let peak = |idx| match idx {
            40..=47 => Some((420 - 30 * (idx - 40), 360 - 40 * (idx - 40))),
            _ => None,
        };
        check(
            &RULE,
            &cycles(60, peak),
            expect![[r#"
                41:heap_end_mb Info GC105: Heap peaked at 420 MB, 10× usual, and was released.
            "#]],
        );
    }

    #[test]
    fn silent_just_below_each_limit() {
        assert_eq!(findings_in(&RULE, &cycles(60, |idx| (idx == 40).then_some((119, 20)))), "", "less than 3 times");
        let small = |idx: u64| {
            gc_lines(60, |n| GcLine {
                n: n + 1,
                at_s: n as f64,
                heap_mb: if n == 40 { [idx, idx, 5, 10] } else { [9, 10, 5, 10] },
                ..GcLine::default()
            })
        };
        assert_eq!(findings_in(&RULE, &small(73)), "", "63 MB above");
        assert_ne!(findings_in(&RULE, &small(74)), "");
    }

    #[test]
    fn growth_that_stays_is_no_spike() {
        assert_eq!(findings_in(&RULE, &cycles(60, |idx| (idx >= 40).then_some((420, 200)))), "");
        // Back at the sixth cycle after it.
        assert_eq!(
            findings_in(
                &RULE,
                &cycles(60, |idx| (idx == 40 || (41..46).contains(&idx))
                    .then_some((if idx == 40 { 420 } else { 110 }, 55)))
            ),
            ""
        );
    }

    #[test]
    fn silent_without_a_usual_size() {
        assert_eq!(findings_in(&RULE, &cycles(60, |idx| (idx == 14).then_some((420, 20)))), "");
        assert_ne!(findings_in(&RULE, &cycles(60, |idx| (idx == 15).then_some((420, 20)))), "");
    }

    #[test]
    fn a_goal_that_was_raised_is_no_spike() {
        let raised = |start: u64, goal: u64| {
            gc_lines(60, |idx| {
                let heap_mb = if idx >= 40 { [start, start + 2, 20, goal] } else { [40, 40, 20, 40] };
                GcLine { n: idx + 1, at_s: idx as f64, heap_mb, ..GcLine::default() }
            })
        };
        assert_eq!(findings_in(&RULE, &raised(140, 145)), "", "GOGC is 600 now");
        assert_ne!(findings_in(&RULE, &raised(140, 141)), "", "the heap outgrew its goal");
        assert_ne!(findings_in(&RULE, &raised(140, 140)), "", "one allocation took it there and lifted the goal");
    }

    #[test]
    fn a_peak_at_the_end_of_the_log_is_not_yet_given_back() {
        assert_eq!(findings_in(&RULE, &cycles(41, |idx| (idx == 40).then_some((420, 400)))), "");
    }

    #[test]
    fn releases_that_do_not_print_it_say_nothing() {
        let line = |n| {
            format!(
                "gc{n}(2): 26+1+87+0 us, 400 -> 800 MB, 30 (30-0) objects, 2 goroutines, 21/0/0 sweeps, 0(0) handoff, \
                 1(2) steal, 16/1/0 yields\n"
            )
        };
        assert_eq!(findings_in(&RULE, &(1..60).map(line).collect::<String>()), "");
    }
}
