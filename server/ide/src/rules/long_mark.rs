//! ## What it looks for
//!
//! Concurrent marks of a second or longer (a warning from ten seconds on), and marks of 100 ms or more that are ten times
//! as long as usual (median of the 31 cycles before).
//!
//! ## Why it matters
//!
//! The program runs during the mark, but not as usual: every pointer write goes through the write barrier, goroutines
//! that allocate help with marking, and a quarter of the CPUs works for the collector. Requests are slow although no pause
//! is long.
//!
//! ## What to do next
//!
//! A mark that is always long has a large live heap to go through, or too little CPU for it: fewer pointers (values
//! instead of pointers, byte slices instead of small objects), or more CPU. A single one points to something else that
//! used the CPU at that time.
//!
//! ```sh
//! # how often the container was out of CPU quota (nr_throttled, throttled_usec)
//! cat /sys/fs/cgroup/cpu.stat
//! ```
//!
//! ## Limits
//!
//! Marks are wall time: on a busy machine they are long because the workers do not run. 39 of 903 recorded logs have
//! such a mark, nearly all on a busy machine; where the run's other marks are short, the message says that it may be the machine's.
//! Usual is known from 15 cycles on. Cycles that check for goroutine leaks are left out. Go 1.5 and later.
//!
//! ## Example
//!
//! ```text
//! gc 20 @1.313s 2%: 2.2+1044+1.1 ms clock, 4.5+0/31/2057+2.2 ms cpu, 84->92->85 MB, 99 MB goal, 0 MB stacks, 0 MB globals, 4 P
//! ```

use tracelog::catalog::gc;

use super::evidence::{Bound, Test};
use super::machine::{LongPhase, origin};
use super::phase::Phase;
use super::point::{Hit, Words, as_finding, cycle_name};
use super::{Check, Finding, Findings, Kind, Limit, Limits, Place, Rule, Severity, limit};
use crate::stats::{Lowest, median};
use crate::view::{Cycles, RunView};
use crate::words::ms;

/// GC306.
pub(crate) static RULE: Rule = Rule {
    code: "GC306",
    slug: "long-mark",
    title: "A concurrent mark took long",
    severity: Severity::Warning,
    kind: Kind::Point,
    reads: &[gc::WALL_MARK_MS],
    limits: LIMITS,
    check: Check::Run(check),
};

const LIMITS: &[Limit] = &[
    limit("info_ms", 1000.0, "ms", "Mark that is reported."),
    limit("warning_ms", 10_000.0, "ms", "Mark that is a warning."),
    limit("factor", 10.0, "times", "How many times the usual mark a shorter one must be."),
    limit("min_ms", 100.0, "ms", "Shortest mark that is reported for its factor."),
    limit("window", 31.0, "cycles", "How many cycles before say what is usual."),
    limit("min_window", 15.0, "cycles", "How many of them must exist."),
];

fn check(run: &RunView, limits: &Limits, findings: &mut Findings) {
    let cycles = &run.cycles;
    let (info_ms, min_ms) = (limits.get("info_ms"), limits.get("min_ms"));
    let out_of_line = OutOfLine::of(cycles, limits);
    // One that is out of line is so many times as long as something before it.
    let least_ms = min_ms.max(out_of_line.factor * out_of_line.lowest.of_all());
    let long: Vec<LongPhase> = Phase::Mark
        .times_from(cycles, info_ms.min(least_ms))
        .map(|(row, ms)| LongPhase { row, phase: Phase::Mark, ms })
        .filter(|one| one.ms >= info_ms || out_of_line.holds(&cycles.mark_ms, one))
        .collect();
    let Some(origin) = origin(cycles, &long, cycles.len()) else { return };
    let hits: Vec<Hit> = long
        .iter()
        .map(|one| Hit {
            row: one.row,
            place: Place { line: cycles.line[one.row], field: Some(gc::WALL_MARK_MS) },
            weight: one.ms,
        })
        .collect();
    let usual = median(&cycles.mark_ms).unwrap_or(f64::NAN);
    let mut test = Test::default();
    let seen = |idx: usize| format!("{} in {}", ms(hits[idx].weight), cycle_name(run, hits[idx].row));
    let finding = as_finding(&RULE, run.run, &hits, seen, |worst| {
        let worst_ms = hits[worst].weight;
        let asked = if worst_ms >= info_ms { info_ms } else { min_ms };
        test.value("longest mark", worst_ms, Bound::AtLeast(asked), "ms");
        if worst_ms < info_ms {
            let usual_then = median(before(&cycles.mark_ms, &long[worst], limits)).unwrap_or(f64::NAN);
            test.value("times the usual mark then", worst_ms / usual_then, Bound::AtLeast(limits.get("factor")), "");
        }
        test.fact(&origin.fact(), true);
        let others = if hits.len() > 1 {
            format!("; {} of {} marks were long", hits.len(), cycles.len())
        } else {
            String::new()
        };
        Words {
            severity: if worst_ms >= limits.get("warning_ms") { Severity::Warning } else { Severity::Info },
            message: format!(
                "Concurrent mark ran {} (median {}): write barriers and assists were on all that time{others}{}.",
                ms(worst_ms),
                ms(usual),
                origin.clause(),
            ),
            numbers: vec![("mark_ms", worst_ms), ("median_ms", usual), ("long_marks", hits.len() as f64)],
        }
    });
    if let Some(finding) = finding {
        findings.push(Finding { test, ..finding });
    }
}

/// The marks that say what was usual at that time.
fn before<'a>(marks_ms: &'a [f64], one: &LongPhase, limits: &Limits) -> &'a [f64] {
    &marks_ms[one.row.saturating_sub(limits.get("window") as usize)..one.row]
}

/// Whether a mark is so many times the median of those before it.
struct OutOfLine {
    factor: f64,
    window: usize,
    min_window: f64,
    lowest: Lowest,
}

impl OutOfLine {
    fn of(cycles: &Cycles, limits: &Limits) -> Self {
        Self {
            factor: limits.get("factor"),
            window: limits.get("window") as usize,
            min_window: limits.get("min_window"),
            lowest: Lowest::of(&cycles.mark_ms),
        }
    }

    fn holds(&self, marks_ms: &[f64], one: &LongPhase) -> bool {
        let before = one.row.saturating_sub(self.window)..one.row;
        if self.lowest.around(before.clone()) * self.factor > one.ms {
            return false;
        }
        let known = marks_ms[before.clone()].iter().filter(|ms| ms.is_finite()).count();
        // A median is at most x where at least half of the values are: no need to sort.
        let short = marks_ms[before].iter().filter(|ms| **ms * self.factor <= one.ms).count();
        known as f64 >= self.min_window && 2 * short > known
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;
    use crate::rules::fixture::{GcLine, check, findings_in, gc_lines};

    /// 60 cycles 20 s apart whose marks take 5 ms but the 40th, which takes so many.
    fn one(ms: f64) -> String {
        marks(60, |idx| if idx == 39 { ms } else { 5.0 })
    }

    fn marks(n: u64, mark_ms: impl Fn(u64) -> f64) -> String {
        gc_lines(n, |idx| GcLine {
            n: idx + 1,
            at_s: 20.0 * idx as f64,
            clock_ms: [0.02, mark_ms(idx), 0.01],
            ..GcLine::default()
        })
    }

    #[test]
    fn one_mark_out_of_line_may_be_the_machines() {
        check(
            &RULE,
            &one(187.0),
            expect![[r#"
            40:wall_mark_ms Info GC306: Concurrent mark ran 187 ms (median 5 ms): write barriers and assists were on all that time; it may be the machine's.
        "#]],
        );
    }

    #[test]
    fn marks_that_are_always_long_are_the_programs() {
        check(
            &RULE,
            &marks(20, |idx| if idx == 7 { 1500.0 } else { 1100.0 }),
            expect![[r#"
            8:wall_mark_ms Info GC306: Concurrent mark ran 1.5 s (median 1.1 s): write barriers and assists were on all that time; 20 of 20 marks were long.
              1:wall_mark_ms first: 1.1 s in gc 1 @0.000s
              2:wall_mark_ms next worst: 1.1 s in gc 2 @20.000s
              further 1:wall_mark_ms, 2:wall_mark_ms, 3:wall_mark_ms, 4:wall_mark_ms, 5:wall_mark_ms, 6:wall_mark_ms, 7:wall_mark_ms, 9:wall_mark_ms, 10:wall_mark_ms, 11:wall_mark_ms, 12:wall_mark_ms, 13:wall_mark_ms, 14:wall_mark_ms, 15:wall_mark_ms, 16:wall_mark_ms, 17:wall_mark_ms, 18:wall_mark_ms, 19:wall_mark_ms, 20:wall_mark_ms
        "#]],
        );
        assert!(findings_in(&RULE, &one(10_000.0)).contains("Warning GC306"));
        assert!(findings_in(&RULE, &one(9900.0)).contains("Info GC306"));
    }

    #[test]
    fn silent_just_below_each_limit() {
        assert_ne!(findings_in(&RULE, &one(100.0)), "");
        assert_eq!(findings_in(&RULE, &one(99.0)), "");
        assert_eq!(findings_in(&RULE, &marks(60, |idx| if idx == 39 { 199.0 } else { 20.0 })), "", "not ten times");
        assert_eq!(findings_in(&RULE, &marks(20, |_| 999.0)), "");
        // Fourteen marks before it.
        assert_eq!(findings_in(&RULE, &marks(60, |idx| if idx == 14 { 500.0 } else { 5.0 })), "");
        assert_ne!(findings_in(&RULE, &marks(60, |idx| if idx == 15 { 500.0 } else { 5.0 })), "");
    }

    #[test]
    fn leak_checks_do_not_count() {
        let log = one(187.0);
        let checked = log.replace("gc 40 @780.000s 1%:", "gc 40 @780.000s 1% (checking for goroutine leaks):");
        assert_ne!(log, checked);
        assert_eq!(findings_in(&RULE, &checked), "");
    }

    #[test]
    fn silent_for_releases_that_stop_the_world() {
        let line = |n| format!("gc{n}(2): 0+3000+2 ms, 5 -> 5 MB 107296 -> 107296 (107316-20) objects, 0(0) handoff\n");
        assert_eq!(findings_in(&RULE, &(1..60).map(line).collect::<String>()), "");
    }
}
