//! ## What it looks for
//!
//! Collections at whose end the heap was 16 MB or more above a goal of at least 16 MB. It is a warning above the bound
//! that the pacer of the release aims at: 1.1 times the goal in Go 1.10 to 1.17; since Go 1.18 1.1 times (1 + GOGC/100)
//! times the goal, so 2.2 times by default. Below that bound, and in releases without one, it is one remark, where two
//! cycles or more are so or one of them by 64 MB.
//!
//! ## Why it matters
//!
//! Memory is planned by the goal. A heap that ends far above it was filled faster than the collector could mark: by a
//! burst of large objects, or because marking did not get the CPU it needed.
//!
//! ## What to do next
//!
//! See who allocates large pieces, and reuse or split those buffers. Where allocation is steady, see whether the
//! collector lacks CPU: quotas, a busy host, `mark-starved`.
//!
//! ```sh
//! # what allocates most, by size, since the program started
//! go tool pprof -sample_index=alloc_space http://HOST/debug/pprof/heap
//! ```
//!
//! ## Limits
//!
//! Forced collections are left out, and so are cycles that a memory limit presses onto the live heap
//! (`memory-limit-thrash`). Since Go 1.18 the goal is pushed out while more turns out to be live than last time, up to
//! what the next cycle would use anyway; hence the wide bound. Where a line of the pacer shows that no more was scanned
//! than expected, 1.1 times is the bound there too. GOGC is read off the goals (`gogc-inferred`) and taken to be 100
//! where they do not tell. On 903 recorded logs nothing above a bound was seen where nobody built one; remarks stood on 6
//! programs that allocate with all their might. A single allocation can be larger than all the room left. Lines of Go 1.6 to 1.17 look alike,
//! so that their bound is not known unless other lines tell the release.
//!
//! ## Example
//!
//! ```text
//! gc 9 @15.363s 0%: 6.4+106+2.2 ms clock, 51+2.0/31/0+17 ms cpu, 334->888->799 MB, 540 MB goal, 8 P
//! ```

use tracelog::catalog::gc;

use super::evidence::{Bound as Asked, Test};
use super::point::{Hit, Words, as_finding, cycle_name};
use super::{Check, Findings, Kind, Limit, Limits, Place, Rule, Severity, limit};
use crate::environment::{self, Gogc, MemoryLimit};
use crate::view::RunView;
use crate::words::count;

/// GC401.
pub(crate) static RULE: Rule = Rule {
    code: "GC401",
    slug: "goal-overshoot",
    title: "The heap ended a collection far above its goal",
    severity: Severity::Warning,
    kind: Kind::Point,
    reads: &[gc::HEAP_END_MB],
    limits: LIMITS,
    check: Check::Run(check),
};

const LIMITS: &[Limit] = &[
    limit("min_over_mb", 16.0, "MB", "How far above its goal the heap must end."),
    limit("min_goal_mb", 16.0, "MB", "Goals below this are not judged: the heap is too small to matter."),
    limit("min_factor", 1.1, "times the goal", "How many times its goal the heap must reach to be remarked upon."),
    limit("remark_cycles", 2.0, "cycles", "Fewest cycles for a remark about what is within the bound or has none."),
    limit("remark_mb", 64.0, "MB", "How far above its goal a single one must end for that."),
];

/// How far the pacer lets the heap go past its goal before it makes allocation wait (`maxOvershoot` in `revise`,
/// `runtime/mgcpacer.go`).
const MAX_OVERSHOOT: f64 = 1.1;

/// GOGC where nothing tells another.
const DEFAULT_GOGC: f64 = 100.0;

/// A cycle that ended above its goal.
struct Over {
    row: usize,
    /// Bound of the pacer, MB; none where there is none or it is not known.
    bound_mb: Option<f64>,
}

fn check(run: &RunView, limits: &Limits, findings: &mut Findings) {
    let cycles = &run.cycles;
    let (min_goal, min_over, min_factor) =
        (limits.get("min_goal_mb"), limits.get("min_over_mb"), limits.get("min_factor"));
    let is_over = |&row: &usize| {
        let (end, goal) = (cycles.heap_end_mb[row], cycles.heap_goal_mb[row]);
        goal >= min_goal
            && end - goal >= min_over
            && end >= min_factor * goal
            && !cycles.forced[row]
            && !cycles.leak_check[row]
    };
    let mut rows: Vec<usize> = (0..cycles.len()).filter(is_over).collect();
    if rows.is_empty() {
        return;
    }
    if let Some(pressed) = environment::pressed_by_limit(run) {
        rows.retain(|row| !(pressed.rows.0..=pressed.rows.1).contains(row));
    }
    let bounds = Bounds::of(run);
    let over: Vec<Over> = rows.iter().map(|&row| Over { row, bound_mb: bounds.of_cycle(run, row) }).collect();
    // Sizes are printed in whole megabytes, so one more is no more.
    let is_beyond = |over: &&Over| over.bound_mb.is_some_and(|bound| cycles.heap_end_mb[over.row] > bound + 1.0);
    let beyond: Vec<&Over> = over.iter().filter(is_beyond).collect();
    let (severity, told) = match beyond.is_empty() {
        true => (Severity::Info, over.iter().collect()),
        false => (Severity::Warning, beyond),
    };
    let most_over_mb =
        told.iter().map(|over| cycles.heap_end_mb[over.row] - cycles.heap_goal_mb[over.row]).fold(0.0, f64::max);
    let is_worth_a_remark = told.len() as f64 >= limits.get("remark_cycles") || most_over_mb >= limits.get("remark_mb");
    if severity == Severity::Info && !is_worth_a_remark {
        return;
    }
    let hits: Vec<Hit> = told.iter().map(|over| hit(run, over.row)).collect();
    let seen = |idx: usize| {
        let row = hits[idx].row;
        let (end, goal) = (cycles.heap_end_mb[row], cycles.heap_goal_mb[row]);
        format!("{end:.0} MB over a goal of {goal:.0} MB at {}", cycle_name(run, row))
    };
    let finding = as_finding(&RULE, run.run, &hits, seen, |worst| {
        let Over { row, bound_mb } = *told[worst];
        let (end, goal) = (cycles.heap_end_mb[row], cycles.heap_goal_mb[row]);
        let share = 100.0 * (end / goal - 1.0);
        let bound = match (bound_mb, severity) {
            (Some(bound), Severity::Warning) => format!(" (bound {bound:.0} MB)"),
            (Some(bound), _) => format!(": the pacer allows up to {bound:.0} MB while more turns out to be live"),
            (None, _) => String::new(),
        };
        let others = match over.len() {
            1 => String::new(),
            n => format!("; {} of {} ended above their goal", n, count(cycles.len(), "cycle")),
        };
        Words {
            severity,
            message: format!(
                "Heap ended the cycle at {end:.0} MB, {share:.0} % over the goal of {goal:.0} MB{bound}{others}."
            ),
            numbers: vec![
                ("heap_end_mb", end),
                ("heap_goal_mb", goal),
                ("bound_mb", bound_mb.unwrap_or(f64::NAN)),
                ("cycles_over_goal", over.len() as f64),
            ],
        }
    });
    let Some(mut finding) = finding else { return };
    let worst = told.iter().find(|over| cycles.line[over.row] == finding.place.line);
    if let Some(Over { row, bound_mb }) = worst {
        finding.test = evidence(run, *row, *bound_mb, limits);
    }
    findings.push(finding);
}

fn hit(run: &RunView, row: usize) -> Hit {
    let (end, goal) = (run.cycles.heap_end_mb[row], run.cycles.heap_goal_mb[row]);
    Hit { row, place: Place { line: run.cycles.line[row], field: Some(gc::HEAP_END_MB) }, weight: end / goal }
}

fn evidence(run: &RunView, row: usize, bound_mb: Option<f64>, limits: &Limits) -> Test {
    let (end, goal) = (run.cycles.heap_end_mb[row], run.cycles.heap_goal_mb[row]);
    let mut test = Test::default();
    test.value("goal", goal, Asked::AtLeast(limits.get("min_goal_mb")), "MB");
    test.value("heap at the end above the goal", end - goal, Asked::AtLeast(limits.get("min_over_mb")), "MB");
    test.value("heap at the end in goals", end / goal, Asked::AtLeast(limits.get("min_factor")), "");
    if let Some(bound) = bound_mb.filter(|bound| end > bound + 1.0) {
        test.value("heap at the end", end, Asked::Above(bound), "MB");
    }
    test.fact("not forced", true);
    test
}

/// What the pacer of a run aims at.
enum Bounds<'a> {
    /// Go up to 1.9, and lines that may be of it.
    None,
    /// Go 1.10 to 1.17.
    Fixed,
    /// Go 1.18 and later: it depends on GOGC, which may change.
    ByGogc { levels: &'a [Gogc], under_limit: Option<(usize, usize)> },
}

impl<'a> Bounds<'a> {
    fn of(run: &'a RunView) -> Self {
        match run.go.and_then(|go| go.oldest().zip(go.newest())) {
            Some((18.., _)) => {
                let settings = environment::goal_settings(run);
                let under_limit = match settings.memory_limit.value {
                    Ok(MemoryLimit::InCharge { rows, .. }) => Some(rows),
                    _ => None,
                };
                Self::ByGogc { levels: settings.gogc.value.as_deref().unwrap_or_default(), under_limit }
            }
            Some((10.., ..=17)) => Self::Fixed,
            _ => Self::None,
        }
    }

    /// The bound of a cycle, MB.
    fn of_cycle(&self, run: &RunView, row: usize) -> Option<f64> {
        let goal = run.cycles.heap_goal_mb[row];
        match self {
            Self::None => None,
            Self::Fixed => Some(MAX_OVERSHOOT * goal),
            Self::ByGogc { .. } if scanned_as_expected(run, row) => Some(MAX_OVERSHOOT * goal),
            Self::ByGogc { levels, under_limit } => {
                let n = run.cycles.n[row];
                let level = levels.iter().rev().find(|level| level.n <= n).or_else(|| levels.first());
                let is_under_limit = under_limit.is_some_and(|(first, last)| (first..=last).contains(&row));
                let gogc = match level {
                    Some(level) => level.percent?,
                    // GOGC may well be off there.
                    None if is_under_limit => return None,
                    None => DEFAULT_GOGC,
                };
                Some(MAX_OVERSHOOT * (1.0 + gogc / 100.0) * goal)
            }
        }
    }
}

/// Whether a line of the pacer shows that no more was scanned than expected, so that the goal was never pushed out.
fn scanned_as_expected(run: &RunView, row: usize) -> bool {
    let pacer = &run.pacer;
    let at = pacer.cycle.iter().position(|cycle| *cycle == Some(row));
    at.is_some_and(|at| pacer.scanned_bytes[at] <= pacer.expected_bytes[at])
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;
    use crate::rules::fixture::{GcLine, check, findings_in, gc_lines};

    /// Forty cycles with 30 MB live; one of them ends at `end` MB over a goal of 60.
    fn ends_at(end: u64) -> String {
        gc_lines(40, |idx| {
            let end = if idx == 30 { end } else { 61 };
            GcLine {
                n: idx + 1,
                at_s: idx as f64,
                heap_mb: [58, end, 30, if idx == 0 { 4 } else { 60 }],
                ..GcLine::default()
            }
        })
    }

    #[test]
    fn a_heap_above_the_bound_of_the_pacer() {
        check(
            &RULE,
            &ends_at(140),
            expect![[r#"
                31:heap_end_mb Warning GC401: Heap ended the cycle at 140 MB, 133 % over the goal of 60 MB (bound 132 MB).
            "#]],
        );
    }

    #[test]
    fn within_the_bound_it_is_a_remark() {
        check(
            &RULE,
            &ends_at(133),
            expect![[r#"
                31:heap_end_mb Info GC401: Heap ended the cycle at 133 MB, 122 % over the goal of 60 MB: the pacer allows up to 132 MB while more turns out to be live.
            "#]],
        );
        assert_ne!(findings_in(&RULE, &ends_at(124)), "");
        assert_eq!(findings_in(&RULE, &ends_at(123)), "", "one cycle by 63 MB");
    }

    #[test]
    fn a_remark_needs_two_cycles() {
        let two = |end: u64| {
            let log = gc_lines(40, |idx| {
                let end = if idx == 30 || idx == 31 { end } else { 61 };
                GcLine {
                    n: idx + 1,
                    at_s: idx as f64,
                    heap_mb: [58, end, 30, if idx == 0 { 4 } else { 60 }],
                    ..GcLine::default()
                }
            });
            findings_in(&RULE, &log)
        };
        assert_eq!(two(75), "", "15 MB over");
        assert!(two(76).contains("2 of 40 cycles ended above their goal"), "{}", two(76));
    }

    #[test]
    fn releases_that_look_alike_have_no_known_bound() {
        check(
            &RULE,
            "\
gc 7 @15.286s 0%: 0.23+39+0.24 ms clock, 1.9+12/17/0+1.9 ms cpu, 126->182->174 MB, 135 MB goal, 8 P
gc 8 @15.327s 0%: 7.2+27+0.20 ms clock, 58+7.4/17/0+1.6 ms cpu, 182->302->270 MB, 348 MB goal, 8 P
gc 9 @15.363s 0%: 6.4+106+2.2 ms clock, 51+2.0/31/0+17 ms cpu, 334->888->799 MB, 540 MB goal, 8 P
",
            expect![[r#"
                3:heap_end_mb Info GC401: Heap ended the cycle at 888 MB, 64 % over the goal of 540 MB; 2 of 3 cycles ended above their goal.
                  1:heap_end_mb first: 182 MB over a goal of 135 MB at gc 7 @15.286s
                  further 1:heap_end_mb
            "#]],
        );
    }

    #[test]
    fn between_go_1_10_and_1_17_the_bound_is_a_tenth() {
        // A scav line with a generation and the old gc line leave Go 1.15 to 1.17.
        let log =
            ends_at(80).replace(", 0 MB stacks, 0 MB globals", "") + "scav 1 576 KiB work, 60808 KiB total, 17% util\n";
        let text = findings_in(&RULE, &log);
        assert!(
            text.contains("Warning GC401: Heap ended the cycle at 80 MB, 33 % over the goal of 60 MB (bound 66 MB)"),
            "{text}"
        );
    }

    #[test]
    fn a_pacer_line_that_shows_no_surprise_narrows_the_bound() {
        let end = "pacer: 25% CPU (25 exp.) for 30000000+0+0 B work (31000000 B exp.) in 60817408 B -> 94371840 B \
                   (∆goal 1, cons/mark +1.0e+000)\n";
        let with = |end: &str| -> String {
            let cycle =
                |line: &str| if line.starts_with("gc 31 ") { format!("{end}{line}\n") } else { format!("{line}\n") };
            ends_at(90).lines().map(cycle).collect()
        };
        let text = findings_in(&RULE, &with(end));
        assert!(text.contains("Warning") && text.contains("(bound 66 MB)"), "{text}");
        assert_eq!(findings_in(&RULE, &with(&end.replace("30000000+", "32000000+"))), "");
    }

    #[test]
    fn forced_cycles_and_small_goals_are_left_out() {
        assert_eq!(findings_in(&RULE, &ends_at(140).replace(" P\n", " P (forced)\n")), "");
        let small =
            gc_lines(9, |idx| GcLine { n: idx + 1, at_s: idx as f64, heap_mb: [15, 60, 7, 15], ..GcLine::default() });
        assert_eq!(findings_in(&RULE, &small), "");
        assert_ne!(findings_in(&RULE, &small.replace("15 MB goal", "16 MB goal")), "");
    }

    #[test]
    fn a_wider_gogc_widens_the_bound() {
        let log = gc_lines(40, |idx| {
            let live = 30 + idx % 9;
            let before = if idx == 0 { 30 } else { 30 + (idx - 1) % 9 };
            let end = if idx == 30 { 500 } else { 4 * before };
            GcLine { n: idx + 7, at_s: idx as f64, heap_mb: [100, end, live, 4 * before], ..GcLine::default() }
        });
        let text = findings_in(&RULE, &log);
        // GOGC=300: 1.1 × 4 × goal.
        assert!(text.contains("Info") && text.contains("the pacer allows up to"), "{text}");
    }

    #[test]
    fn silent_where_no_goal_is_printed() {
        let log = "gc7(2): 25+3619+2836+0 us, 3 -> 600 MB, 141593 (141616-23) objects, 429/0/0 sweeps, 0(0) handoff, \
                   3(13) steal, 16/1/0 yields\n";
        assert_eq!(findings_in(&RULE, log), "");
        assert_eq!(findings_in(&RULE, &ends_at(500).replace("60 MB goal", "17592186044415 MB goal")), "");
    }
}
