//! ## What it looks for
//!
//! A heap goal that stays where it is (within 10 %) over at least eight cycles while the live heap under it moves by at
//! least 15 % and 4 MB. With GOGC in charge the goal would follow the live heap. Where the live heap never moves, the
//! first cycle decides: nothing was live before it, so GOGC's goal is small there; a goal that already stands at its
//! later level, or up to a third above it, is a limit.
//!
//! ## Why it matters
//!
//! With a memory limit in charge collections come more often the closer the live heap gets to it, whatever GOGC says.
//! That is what the limit is for, and fine while the effective GOGC stays well above 10. The end of that road is
//! `memory-limit-thrash`.
//!
//! ## What to do next
//!
//! Compare the effective GOGC and the share of CPU (`gc-cpu-high`) with what you can afford. Raising GOGC changes nothing
//! here; a higher GOMEMLIMIT or a smaller live heap does.
//!
//! ```sh
//! # what the limit of the running process is set to
//! tr '\0' '\n' < /proc/PID/environ | grep -E 'GOMEMLIMIT|GOGC'
//! ```
//!
//! ## Limits
//!
//! Needs a live heap of 8 MB or more: sizes are printed in whole megabytes. A log whose beginning is cut off and whose
//! live heap stands still cannot tell a limit from a GOGC setting: silent. Before Go 1.19 there is no memory limit.
//!
//! The limit itself is not printed. It is estimated as the goal, the headroom of the release (1 MB in Go 1.19 and 1.20,
//! 3 % since) and the memory that is not heap objects: `Sys − HeapIdle − HeapAlloc` where the log has MemStats, else
//! 3 % to 6 % of the goal, 6.5 to 9 MB and the stacks. On 30 recorded runs of Go 1.19 to 1.27 with limits from 64 to
//! 500 MiB, some with 2,000 deep goroutines, the estimate was 6 % below to 6 % above what was set, and the range named
//! beside it held it each time. Small programs all: a heap with many holes needs more. Under a live heap that stands still
//! the first goal counts, when there were none: 175 MB, then 140 under 200 MiB (Go 1.19), 79, then 70 under 90 MiB
//! (Go 1.22) gave 196 and 91 MB; their later goals had given 158 and 84.
//!
//! ## Example
//!
//! ```text
//! gc 79 @4.925s 0%: 0.043+6.7+0.003 ms clock, 0.087+0.078/0.18/6.3+0.006 ms cpu, 60->61->43 MB, 61 MB goal, 0 MB stacks, 0 MB globals, 2 P
//! gc 204 @9.719s 1%: 0.036+2.4+0.002 ms clock, 0.072+0.031/0.051/2.3+0.004 ms cpu, 59->60->55 MB, 61 MB goal, 0 MB stacks, 0 MB globals, 2 P
//! ```

mod estimate;

use tracelog::catalog::gc;

use self::estimate::limit_for;
use super::evidence::{Bound, Confidence, Test};
use super::point::cycle_name;
use super::{Check, Finding, Findings, Kind, Limit, Limits, Place, Related, Rule, Severity, limit};
use crate::derived::{effective_gogc_pct, goal_is_lifted, live_goal_pair};
use crate::environment::EstimatedLimit;
use crate::stats::median;
use crate::view::{Cycles, RunView};

/// GC402.
pub(crate) static RULE: Rule = Rule {
    code: "GC402",
    slug: "memory-limit-active",
    title: "A memory limit sets the heap goal",
    severity: Severity::Info,
    kind: Kind::Point,
    reads: &[gc::HEAP_GOAL_MB, gc::HEAP_LIVE_MB],
    limits: LIMITS,
    check: Check::Run(check),
};

const LIMITS: &[Limit] = &[
    limit("min_pairs", 8.0, "cycles", "Fewest cycles over which the goal must stay."),
    limit("goal_spread", 0.10, "of the goal", "How far the goal may move and still count as staying."),
    limit("live_spread", 0.15, "of the live heap", "How far the live heap must move meanwhile."),
    limit("live_spread_mb", 4.0, "MB", "How far the live heap must move meanwhile, in size."),
    limit("max_slope", 0.2, "MB per MB", "How much the goal may follow the live heap; with GOGC=100 it is 2."),
];

/// Points used for the slope: it is a median over pairs, so its cost grows with the square.
const MAX_SLOPE_POINTS: usize = 100;

/// Points of which the usual goal is taken.
const MAX_USUAL: usize = 4000;

/// GOGC's goal at the first cycle, for GOGC=100 and without roots (`heapMinimum` in `runtime/mgcpacer.go`).
const FIRST_GOAL_MB: f64 = 4.0;

/// How far above the later ones the goal of the first cycle may be under a limit, for a heap without holes leaves more to
/// objects. Recorded: 79, then 70 MB under 90 MiB (Go 1.22, 16 MB live); 175, then 140 MB under 200 MiB (Go 1.19, 59 MB).
const FIRST_GOAL_ABOVE: f64 = 1.35;

fn check(run: &RunView, limits: &Limits, findings: &mut Findings) {
    if run.cycles.is_empty() {
        return;
    }
    let points = points(run);
    let plateaus = plateaus(points, limits);
    match steered(run, &plateaus, limits).filter(|_| may_have_memory_limit(run)) {
        Some(steered) => findings.push(steered.finding(run, limits)),
        None => findings.declined(&RULE, Some(run.run), why_not(run, points.len(), &plateaus, limits)),
    }
}

/// What the longest stretch with a goal that stays does not show.
fn why_not(run: &RunView, n_points: usize, plateaus: &[&[Point]], limits: &Limits) -> Test {
    let mut test = Test::default();
    if !test.fact("Go 1.19 or later, which knows memory limits", may_have_memory_limit(run)) {
        return test;
    }
    let longest = plateaus.iter().max_by_key(|plateau| plateau.len());
    let n_points = longest.map_or(n_points, |plateau| plateau.len());
    let Some(plateau) = longest else {
        if test.data("cycles with a goal and 8 MB live before", n_points as f64, limits.get("min_pairs"), "") {
            test.fact("the goal stays within its spread over so many cycles", false);
        }
        return test;
    };
    test.data("cycles with a goal that stays", n_points as f64, limits.get("min_pairs"), "");
    let mut live = Range::default();
    plateau.iter().for_each(|point| live.include(point.live_mb()));
    conditions(&mut test, live, slope(plateau, limits), limits);
    if test.holds() {
        // Moved enough in all, but not by the time that there were enough cycles.
        test.fact("the live heap moves within the stretch", false);
    }
    test
}

/// What is asked of a stretch with a goal that stays and a live heap that moves.
fn conditions(test: &mut Test, live: Range, slope: Option<f64>, limits: &Limits) {
    let moved_mb = live.high - live.low;
    test.value("the live heap moves by", moved_mb, Bound::AtLeast(limits.get("live_spread_mb")), "MB");
    test.value(
        "that is, of its size",
        100.0 * moved_mb / live.low,
        Bound::AtLeast(100.0 * limits.get("live_spread")),
        "%",
    );
    let slope = slope.unwrap_or(f64::NAN);
    test.value("the goal follows each MB of it by", slope, Bound::AtMost(limits.get("max_slope")), "MB");
}

/// The longest stretch in which a memory limit sets the goal.
fn steered<'a>(run: &RunView, plateaus: &[&'a [Point]], limits: &Limits) -> Option<Steered<'a>> {
    let moving = plateaus.iter().filter_map(|plateau| under_moving_live_heap(plateau, limits));
    moving
        .max_by_key(|steered| steered.points.len())
        .or_else(|| plateaus.iter().filter_map(|plateau| since_first_cycle(&run.cycles, plateau, limits)).next())
}

/// Cycles whose goal a memory limit set, as the configuration of a run tells it: whatever the rule's settings are.
#[derive(Clone, Debug)]
pub(crate) struct InCharge {
    /// First and last row of the cycles.
    pub rows: (usize, usize),
    /// Where the goal stays, MB.
    pub goal_mb: f64,
    /// What the limit is set to, as far as the goals tell. Under a limit that the live heap has reached the goal is the
    /// live heap and says nothing.
    pub limit: Option<EstimatedLimit>,
}

const DEFAULTS: Limits = Limits::defaults(LIMITS);

/// Finds the cycles whose goal a memory limit set.
pub(crate) fn in_charge(run: &RunView) -> Option<InCharge> {
    if !may_have_memory_limit(run) {
        return None;
    }
    let steered = steered(run, &plateaus(points(run), &DEFAULTS), &DEFAULTS)?;
    Some(InCharge {
        rows: (steered.points.first()?.row(), steered.points.last()?.row()),
        goal_mb: steered.goal_mb()?,
        limit: steered.limit(run),
    })
}

/// By how many MB the goal follows a MB of live heap over these rows, late starts left out; none where the live heap
/// does not move enough. With GOGC in charge it is 1 + GOGC/100.
pub(crate) fn slope_of_goal(cycles: &Cycles, rows: impl Iterator<Item = usize>) -> Option<f64> {
    let points: Vec<Point> =
        rows.filter(|row| !goal_is_lifted(cycles, *row)).filter_map(|row| Point::of(cycles, row)).collect();
    slope(&points, &DEFAULTS)
}

/// Whether a release that knows memory limits (Go 1.19) can have printed the run.
pub(crate) fn may_have_memory_limit(run: &RunView) -> bool {
    run.go.and_then(|go| go.newest()).is_none_or(|newest| newest >= 19)
}

/// A cycle's goal and the live heap it was set from.
///
/// Sizes are whole megabytes, so that these halves of a `f64` hold them: a long run has many points.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Point {
    row: u32,
    live_mb: f32,
    goal_mb: f32,
}

impl Point {
    fn of(cycles: &Cycles, row: usize) -> Option<Self> {
        let (live_mb, goal_mb) = live_goal_pair(cycles, row)?;
        Some(Self { row: row as u32, live_mb: live_mb as f32, goal_mb: goal_mb as f32 })
    }

    fn row(&self) -> usize {
        self.row as usize
    }

    fn live_mb(&self) -> f64 {
        self.live_mb.into()
    }

    fn goal_mb(&self) -> f64 {
        self.goal_mb.into()
    }
}

/// The points of a run, once.
pub(crate) fn points(run: &RunView) -> &[Point] {
    run.goal_points.get_or_init(|| points_of(&run.cycles))
}

fn points_of(cycles: &Cycles) -> Vec<Point> {
    let mut points = Vec::with_capacity(cycles.len());
    points.extend((0..cycles.len()).filter(|row| !cycles.forced[*row]).filter_map(|row| Point::of(cycles, row)));
    points
}

/// The stretches, long enough and one after the other, in which the goal stays.
fn plateaus<'a>(points: &'a [Point], limits: &Limits) -> Vec<&'a [Point]> {
    let spread = 1.0 + limits.get("goal_spread");
    let mut plateaus = Vec::new();
    let mut rest = points;
    while !rest.is_empty() {
        let mut range = Range::default();
        let stays = |point: &&Point| {
            range.include(point.goal_mb());
            range.high <= spread * range.low
        };
        let length = rest.iter().take_while(stays).count().max(1);
        let (plateau, later) = rest.split_at(length);
        if length as f64 >= limits.get("min_pairs") {
            plateaus.push(plateau);
        }
        rest = later;
    }
    plateaus
}

/// Least and greatest of some values.
#[derive(Clone, Copy)]
struct Range {
    low: f64,
    high: f64,
}

impl Default for Range {
    fn default() -> Self {
        Self { low: f64::INFINITY, high: f64::NEG_INFINITY }
    }
}

impl Range {
    fn include(&mut self, value: f64) {
        // Values that are no numbers are in no point; `min` would ask for them each time.
        if value < self.low {
            self.low = value;
        }
        if value > self.high {
            self.high = value;
        }
    }
}

/// A stretch in which a memory limit sets the goal.
struct Steered<'a> {
    points: &'a [Point],
    /// The point at which there was enough to say so.
    evident: usize,
    live: Range,
    /// How the live heap under the goal is described.
    is_still: bool,
}

/// The live heap moves, the goal does not follow.
fn under_moving_live_heap<'a>(plateau: &'a [Point], limits: &Limits) -> Option<Steered<'a>> {
    let (min_mb, min_share, min_pairs) =
        (limits.get("live_spread_mb"), limits.get("live_spread"), limits.get("min_pairs"));
    // Of few points only, and nearly always enough to say no.
    if slope(plateau, limits).is_none_or(|slope| slope > limits.get("max_slope")) {
        return None;
    }
    let mut live = Range::default();
    let mut evident = None;
    for (idx, point) in plateau.iter().enumerate() {
        live.include(point.live_mb());
        let moved_mb = live.high - live.low;
        let has_moved = moved_mb >= min_mb && moved_mb >= min_share * live.low;
        if evident.is_none() && has_moved && (idx + 1) as f64 >= min_pairs {
            evident = Some(idx);
        }
    }
    Some(Steered { points: plateau, evident: evident?, live, is_still: false })
}

/// By how many MB the goal follows a MB of live heap: the median over pairs of points whose live heaps clearly differ.
fn slope(plateau: &[Point], limits: &Limits) -> Option<f64> {
    let step = plateau.len().div_ceil(MAX_SLOPE_POINTS).max(1);
    let points: Vec<Point> = plateau.iter().copied().step_by(step).collect();
    let min_mb = limits.get("live_spread_mb");
    let mut slopes = Vec::new();
    for (idx, early) in points.iter().enumerate() {
        for late in &points[idx + 1..] {
            let moved_mb = late.live_mb() - early.live_mb();
            let is_clear = moved_mb.abs() >= (0.1 * early.live_mb().max(late.live_mb())).max(min_mb);
            if is_clear {
                slopes.push((late.goal_mb() - early.goal_mb()) / moved_mb);
            }
        }
    }
    median(&slopes)
}

/// The goal stands where it already stood at the first cycle, far from where GOGC would have put it since.
fn since_first_cycle<'a>(cycles: &Cycles, plateau: &'a [Point], limits: &Limits) -> Option<Steered<'a>> {
    let (first, last) = (plateau.first()?, plateau.last()?);
    let goal_mb = *cycles.heap_goal_mb.first()?;
    // A late start lifts the goal to just above the heap (gctrace.md, section 5).
    let is_lifted = goal_mb <= cycles.heap_start_mb[0] + 1.0;
    let spread = 1.0 + limits.get("goal_spread");
    let stayed = goal_mb <= first.goal_mb() * FIRST_GOAL_ABOVE && first.goal_mb() <= goal_mb * spread;
    if cycles.n[0] != 1 || cycles.forced[0] || is_lifted || !stayed {
        return None;
    }
    let roots_mb: f64 = [cycles.stacks_mb[0], cycles.globals_mb[0]].into_iter().filter(|mb| mb.is_finite()).sum();
    let gogc = goal_mb / (FIRST_GOAL_MB + roots_mb);
    let goal_by_gogc_mb = last.live_mb() + (last.live_mb() + roots_mb) * gogc;
    if goal_by_gogc_mb < 2.0 * last.goal_mb() {
        return None;
    }
    let mut live = Range::default();
    plateau.iter().for_each(|point| live.include(point.live_mb()));
    let evident = (limits.get("min_pairs") as usize).clamp(1, plateau.len()) - 1;
    Some(Steered { points: plateau, evident, live, is_still: true })
}

impl Steered<'_> {
    /// Where the goal stays, MB.
    fn goal_mb(&self) -> Option<f64> {
        self.usual(|point| point.goal_mb())
    }

    /// The median over the points; of many, over some of them, for they differ little.
    fn usual(&self, value: impl Fn(&Point) -> f64) -> Option<f64> {
        let step = self.points.len().div_ceil(MAX_USUAL);
        let values: Vec<f64> = self.points.iter().step_by(step.max(1)).map(value).collect();
        median(&values)
    }

    fn limit(&self, run: &RunView) -> Option<EstimatedLimit> {
        // The first goal, where it counts, is the one that the heap had least holes for.
        let first_mb = run.cycles.heap_goal_mb.first().copied().filter(|_| self.is_still).unwrap_or(0.0);
        let goal_mb = self.goal_mb()?.max(first_mb);
        let stacks_mb = self.usual(|point| run.cycles.stacks_mb[point.row()]).unwrap_or(0.0);
        let stats = &run.memstats;
        let non_heap_mb = stats.len().checked_sub(1).map(|last| stats.non_heap_bytes(last) / f64::from(1 << 20));
        let non_heap_mb = non_heap_mb.filter(|mb| *mb > 0.0);
        let (oldest, newest) = run.go.and_then(|go| go.oldest().zip(go.newest())).unwrap_or((0, u8::MAX));
        // Releases differ in three ways only.
        let estimates = [19, 21, 22].into_iter().filter(|minor| match minor {
            19 => oldest <= 20,
            21 => oldest <= 21 && newest >= 21,
            _ => newest >= 22,
        });
        let estimates: Vec<[f64; 3]> =
            estimates.map(|minor| limit_for(goal_mb, stacks_mb, non_heap_mb, minor)).collect();
        let likely: Vec<f64> = estimates.iter().map(|estimate| estimate[1]).collect();
        Some(EstimatedLimit {
            mb: median(&likely)?,
            low_mb: estimates.iter().map(|estimate| estimate[0]).fold(f64::INFINITY, f64::min),
            high_mb: estimates.iter().map(|estimate| estimate[2]).fold(0.0, f64::max),
        })
    }

    fn test(&self, run: &RunView, limits: &Limits) -> Test {
        let mut test = Test::default();
        test.data("cycles with a goal that stays", self.points.len() as f64, limits.get("min_pairs"), "");
        if self.is_still {
            test.fact("the first cycle, before which nothing was live, had this goal already", true);
            test.fact("with GOGC in charge the goal would be twice as high or more", true);
        } else {
            conditions(&mut test, self.live, slope(self.points, limits), limits);
        }
        test.fact("Go 1.19 or later, which knows memory limits", may_have_memory_limit(run));
        test
    }

    fn finding(&self, run: &RunView, limits: &Limits) -> Finding {
        let cycles = &run.cycles;
        let goal = self.goal_mb().unwrap_or(f64::NAN);
        let limit = self.limit(run);
        let estimated = limit.map_or(String::new(), |EstimatedLimit { mb, low_mb, high_mb }| {
            format!(", about {mb:.0} MB, {low_mb:.0} to {high_mb:.0}")
        });
        let Range { low, high } = self.live;
        let live = if self.is_still {
            format!("from gc 1 on with {high:.0} MB live")
        } else {
            format!("while live goes {low:.0} → {high:.0} MB")
        };
        // At the end of the stretch; it falls as the live heap rises.
        let gogc =
            self.points.iter().rev().map(|point| effective_gogc_pct(cycles, point.row())).find(|e| e.is_finite());
        let effect = gogc.map_or(String::new(), |gogc| format!("; effective GOGC is {gogc:.0}"));
        let place = |idx: usize| Place { line: cycles.line[self.points[idx].row()], field: Some(gc::HEAP_GOAL_MB) };
        let related = |idx: usize, what: &str| {
            let point = &self.points[idx];
            let (name, live_mb, goal_mb) = (cycle_name(run, point.row()), point.live_mb, point.goal_mb);
            let text = format!("{what}: {name}, {live_mb:.0} MB live, goal {goal_mb:.0} MB");
            Related { place: place(idx), text }
        };
        Finding {
            severity: Severity::Info,
            run: Some(run.run),
            place: place(self.evident),
            message: format!(
                "The goal stays near {goal:.0} MB {live} ({} cycles): a memory limit (GOMEMLIMIT{estimated}) is steering\
                 {effect}.",
                self.points.len()
            ),
            related: vec![related(0, "first"), related(self.points.len() - 1, "last")],
            count: self.points.len(),
            numbers: vec![
                ("heap_goal_mb", goal),
                ("live_min_mb", low),
                ("live_max_mb", high),
                ("effective_gogc_pct", gogc.unwrap_or(f64::NAN)),
                ("estimated_limit_mb", limit.map_or(f64::NAN, |limit| limit.mb)),
                ("estimated_limit_low_mb", limit.map_or(f64::NAN, |limit| limit.low_mb)),
                ("estimated_limit_high_mb", limit.map_or(f64::NAN, |limit| limit.high_mb)),
            ],
            test: self.test(run, limits),
            // What a still live heap shows, an unusual start can show too.
            confidence: Some(if self.is_still { Confidence::Moderate } else { Confidence::Strong }),
            ..Finding::about(&RULE)
        }
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;
    use crate::rules::fixture::{GcLine, check, findings_in, gc_lines};

    /// Cycles whose live heap grows by a megabyte each, from 30 MB on; `goal` gives the goal for the live heap before.
    fn growing(n: u64, goal: impl Fn(u64) -> u64) -> String {
        gc_lines(n, |idx| {
            let live = 30 + idx;
            let goal = goal(live - 1);
            GcLine { n: idx + 7, at_s: idx as f64, heap_mb: [goal - 1, goal, live, goal], ..GcLine::default() }
        })
    }

    #[test]
    fn the_goal_stays_while_the_live_heap_grows() {
        check(
            &RULE,
            &growing(20, |_| 60),
            expect![[r#"
                9:heap_goal_mb Info GC402: The goal stays near 60 MB while live goes 30 → 48 MB (19 cycles): a memory limit (GOMEMLIMIT, about 74 MB, 65 to 86) is steering; effective GOGC is 25.
                  2:heap_goal_mb first: gc 8 @1.000s, 30 MB live, goal 60 MB
                  20:heap_goal_mb last: gc 26 @19.000s, 48 MB live, goal 60 MB
            "#]],
        );
    }

    #[test]
    fn silent_while_gogc_sets_the_goal() {
        for gogc in [50, 100, 400] {
            assert_eq!(findings_in(&RULE, &growing(200, |live| live + live * gogc / 100)), "", "GOGC={gogc}");
        }
    }

    #[test]
    fn the_part_before_the_limit_takes_over_is_left_out() {
        let log = growing(60, |live| (2 * live).min(80));
        let text = findings_in(&RULE, &log);
        assert!(text.contains("stays near 80 MB while live goes"), "{text}");
        assert!(text.contains("→ 88 MB"), "{text}");
    }

    #[test]
    fn large_roots_make_the_goal_follow_less_but_it_follows() {
        // 200 MB of globals: live 10 → 18 MB moves the goal from 220 to 236 MB, by 7 % only.
        let log: String = (0..9)
            .map(|idx| {
                let (live, goal) = (10 + idx, 218 + 2 * idx);
                GcLine { n: idx + 7, at_s: idx as f64, heap_mb: [goal - 1, goal, live, goal], ..GcLine::default() }
            })
            .map(|line| line.to_string().replace("0 MB globals", "200 MB globals"))
            .collect();
        assert_eq!(findings_in(&RULE, &log), "");
    }

    #[test]
    fn silent_just_below_the_limits() {
        // 7 pairs; and a live heap that moves by 3 MB.
        assert_eq!(findings_in(&RULE, &growing(8, |_| 60)), "");
        let still = gc_lines(50, |idx| GcLine {
            n: idx + 7,
            at_s: idx as f64,
            heap_mb: [59, 60, 30 + idx % 4, 60],
            ..GcLine::default()
        });
        assert_eq!(findings_in(&RULE, &still), "");
    }

    /// A live heap that stands still under a goal, with this first line.
    fn standing(first: &str, goal: u64) -> String {
        let rest = gc_lines(12, |idx| GcLine {
            n: idx + 2,
            at_s: 2.0 + idx as f64,
            heap_mb: [goal - 4, goal - 4, 57, goal],
            ..GcLine::default()
        });
        format!("{first}\n{rest}")
    }

    const FIRST_AT_LIMIT: &str = "gc 1 @1.203s 0%: 0.058+11+0.002 ms clock, 0.11+0/7.6/0.11+0.005 ms cpu, \
                                  362->362->57 MB, 366 MB goal, 0 MB stacks, 0 MB globals, 4 P";

    #[test]
    fn a_goal_that_stood_there_at_the_first_cycle_is_a_limit() {
        check(
            &RULE,
            &standing(FIRST_AT_LIMIT, 366),
            expect![[r#"
                9:heap_goal_mb Info GC402: The goal stays near 366 MB from gc 1 on with 57 MB live (12 cycles): a memory limit (GOMEMLIMIT, about 398 MB, 385 to 444) is steering; effective GOGC is 542.
                  2:heap_goal_mb first: gc 2 @2.000s, 57 MB live, goal 366 MB
                  13:heap_goal_mb last: gc 13 @13.000s, 57 MB live, goal 366 MB
            "#]],
        );
    }

    #[test]
    fn the_first_goal_may_be_higher_and_tells_the_limit() {
        // Recorded with GOGC=off and 90 MiB.
        let first = FIRST_AT_LIMIT.replace("362->362->57 MB, 366", "76->76->16 MB, 79");
        let text = findings_in(&RULE, &standing(&first, 70).replace("->57 MB", "->16 MB"));
        assert!(text.contains("stays near 70 MB from gc 1 on with 16 MB live"), "{text}");
        assert!(text.contains("GOMEMLIMIT, about 9"), "{text}");
        let high = FIRST_AT_LIMIT.replace("362->362->57 MB, 366", "96->96->16 MB, 99");
        assert_eq!(findings_in(&RULE, &standing(&high, 70).replace("->57 MB", "->16 MB")), "");
    }

    #[test]
    fn a_first_goal_lifted_by_one_large_allocation_says_nothing() {
        let lifted = FIRST_AT_LIMIT.replace("362->362", "366->366");
        assert_eq!(findings_in(&RULE, &standing(&lifted, 366)), "");
    }

    #[test]
    fn a_live_heap_that_stands_still_in_a_log_without_beginning_says_nothing() {
        let cut = FIRST_AT_LIMIT.replace("gc 1 ", "gc 118 ").replace("@1.2", "@0.2");
        assert_eq!(findings_in(&RULE, &standing(&cut, 366)), "");
        // GOGC=100 from the first cycle on.
        let healthy = FIRST_AT_LIMIT.replace("366 MB goal", "4 MB goal").replace("362->362", "3->3");
        assert_eq!(findings_in(&RULE, &standing(&healthy, 114)), "");
    }

    #[test]
    fn releases_before_memory_limits_are_left_out() {
        let log = growing(20, |_| 60).replace(", 0 MB stacks, 0 MB globals", "");
        assert_eq!(findings_in(&RULE, &log), "");
    }
}
