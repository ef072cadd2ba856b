//! ## What it looks for
//!
//! Twenty cycles in a row in which allocating goroutines did 30 % or more of the marking themselves, where that is 1 % or
//! more of all P-time; for a second or longer in all, in runs below five seconds for a fifth of the run. It must still be
//! so without the costliest of the twenty, and the first ten cycles of a run are left out. Less than ten
//! seconds and a fifth of the run is a remark, more a warning. Up to Go 1.17 they must cost 5 % of the P-time.
//!
//! ## Why it matters
//!
//! A goroutine that allocates faster than the collector marks is made to mark before it gets its memory. The request it
//! works for waits meanwhile. Since Go 1.18 the pacer aims at no assists at all in the steady state; before, a sixth of
//! the marking was by design, and more of it in small programs: recorded runs of steady programs of Go 1.5 to 1.17 have up
//! to 57 %, at 1 to 5 % of the P-time. Later ones have 0 to 16 %, programs that only allocate 42 to 69 %.
//!
//! ## What to do next
//!
//! An execution trace shows which goroutines help and for how long (look for `MARK ASSIST`):
//!
//! ```sh
//! # five seconds of execution trace, opened in the browser
//! curl -so t.out 'http://HOST/debug/pprof/trace?seconds=5' && go tool trace t.out
//! ```
//!
//! Then cut allocation on that path, or give the heap more room with GOGC:
//!
//! ```sh
//! # who allocates most, by bytes since start
//! go tool pprof -sample_index=alloc_space http://HOST/debug/pprof/heap
//! ```
//!
//! ## Limits
//!
//! Silent where a memory limit makes cycles run back to back (`memory-limit-thrash`), and for cycles that the program
//! asked for. A step in load makes a few cycles with many assists until the pacer has learned. Single cycles on a busy
//! machine show assists of hundreds of milliseconds: in 8 recorded runs that are steady one such cycle carried its twenty
//! beyond 30 %, hence the condition about the costliest. P-time includes time in which the thread did not run. Go 1.5 and
//! later.
//!
//! ## Example
//!
//! ```text
//! gc 17 @1.268s 29%: 8.9+58+0.056 ms clock, 17+65/29/0+0.11 ms cpu, 84->95->51 MB, 103 MB goal, 0 MB stacks, 0 MB globals, 4 P
//! ```

use std::ops::Range;

use tracelog::catalog::gc;

use super::evidence::{Bound, Test};
use super::gc_back_to_back::enough_s;
use super::point::cycle_name;
use super::{Check, Finding, Findings, Kind, Limit, Limits, Place, Related, Rule, Severity, limit};
use crate::derived::{assist_share_over, interval_s, intervals_s};
use crate::environment;
use crate::view::{Cycles, RunView};
use crate::words::{ms, percent};

/// GC204.
pub(crate) static RULE: Rule = Rule {
    code: "GC204",
    slug: "assist-dominant",
    title: "Allocating goroutines do much of the marking",
    severity: Severity::Warning,
    kind: Kind::Point,
    reads: &[gc::CPU_ASSIST_MS],
    limits: LIMITS,
    check: Check::Run(check),
};

const LIMITS: &[Limit] = &[
    limit("min_share", 0.30, "of the marking", "Share of the concurrent marking that is assists."),
    limit("min_cost", 0.01, "of P-time", "What the assists must cost."),
    limit("old_min_cost", 0.05, "of P-time", "What they must cost up to Go 1.17."),
    limit("window", 20.0, "cycles", "How many cycles in a row are judged together."),
    limit("warm_up", 10.0, "cycles", "How many cycles at the start of a run are left out."),
    limit("min_span_s", 1.0, "s", "How long such stretches must last in all."),
    limit("min_share_of_run", 0.2, "of the run", "How much of a shorter run they must be instead."),
];

/// From how many seconds in all on a long run has more than a remark about it, s.
const LONG_S: f64 = 10.0;

/// Up to this release the pacer plans with assists (the pacer was made new in 1.18).
const LAST_WITH_ASSISTS_BY_DESIGN: u8 = 17;

fn check(run: &RunView, limits: &Limits, findings: &mut Findings) {
    let cycles = &run.cycles;
    let (mut stretches, worst) = stretches(cycles, limits);
    let Some(mut worst) = worst else { return };
    if let Some(pressed) = environment::pressed_by_limit(run) {
        stretches.retain(|stretch| stretch.end <= pressed.rows.0 || stretch.start > pressed.rows.1);
        let Some(first) = stretches.first() else { return };
        if !stretches.iter().any(|stretch| stretch.contains(&worst.start)) {
            worst = first.clone();
        }
    }
    let cost = Cost::of(cycles, worst.clone());
    let in_all_s: f64 = stretches.iter().flat_map(Clone::clone).map(|row| interval_s(cycles, row)).sum();

    let is_by_design = run.go.and_then(|go| go.newest()).is_some_and(|newest| newest <= LAST_WITH_ASSISTS_BY_DESIGN);
    let min_cost = limits.get(if is_by_design { "old_min_cost" } else { "min_cost" });
    let mut test = Test::default();
    let needed_s = enough_s(cycles, limits.get("min_span_s"), limits.get("min_share_of_run"));
    let holds = test.data("cycles in a row", worst.len() as f64, limits.get("window"), "")
        && test.value(
            "assists",
            100.0 * cost.share(),
            Bound::AtLeast(100.0 * limits.get("min_share")),
            "% of the marking",
        )
        && test.value(
            "assists without the costliest cycle",
            100.0 * cost.without_costliest().share(),
            Bound::AtLeast(100.0 * limits.get("min_share")),
            "% of the marking",
        )
        && test.value("cost of assists", 100.0 * cost.of_cpu(), Bound::AtLeast(100.0 * min_cost), "% of P-time")
        && test.data("such stretches last in all", in_all_s, needed_s, "s");
    if !holds {
        return;
    }
    let (first, last) = (worst.start, worst.end - 1);
    let n_cycles: usize = stretches.iter().map(ExactSizeIterator::len).sum();
    let whole = assist_share_over(cycles, 0..cycles.len());
    let place = |row: usize| Place { line: cycles.line[row], field: Some(gc::CPU_ASSIST_MS) };
    let costliest = (first..=last).rev().max_by(|&a, &b| cycles.cpu_assist_ms[a].total_cmp(&cycles.cpu_assist_ms[b]));
    let is_short = in_all_s < enough_s(cycles, LONG_S, limits.get("min_share_of_run"));
    findings.push(Finding {
        severity: if is_short { Severity::Info } else { Severity::Warning },
        run: Some(run.run),
        place: place(costliest.unwrap_or(last)),
        message: format!(
            "Allocating goroutines did {} of the marking themselves between {:.1} and {:.1} s ({} per cycle; {} over the whole \
             run): what allocates during a collection waits for it.",
            percent(cost.share()),
            cycles.at_s[first],
            cycles.at_s[last],
            ms(cost.assist_ms / worst.len() as f64),
            percent(whole),
        ),
        related: vec![
            Related { place: place(first), text: format!("the worst stretch begins: {}", cycle_name(run, first)) },
            Related { place: place(last), text: format!("and ends: {}", cycle_name(run, last)) },
        ],
        count: n_cycles,
        numbers: vec![
            ("assist_share", cost.share()),
            ("assist_share_of_run", whole),
            ("assist_of_cpu", cost.of_cpu()),
            ("span_s", in_all_s),
        ],
        test,
        ..Finding::about(&RULE)
    });
}

/// What marking cost over some cycles.
#[derive(Clone, Copy, Debug, Default)]
struct Cost {
    assist_ms: f64,
    background_ms: f64,
    cpu_ms: f64,
    /// The cycle with the most assists.
    costliest: (f64, f64),
}

impl Cost {
    fn of(cycles: &Cycles, rows: Range<usize>) -> Self {
        let mut cost = Self::default();
        let parts = Parts::of(cycles);
        for row in rows {
            let (assist_ms, background_ms, cpu_ms) = parts.at(row);
            cost.assist_ms += assist_ms;
            cost.background_ms += background_ms;
            cost.cpu_ms += cpu_ms;
            if assist_ms > cost.costliest.0 {
                cost.costliest = (assist_ms, background_ms);
            }
        }
        cost
    }

    fn share(&self) -> f64 {
        self.assist_ms / (self.assist_ms + self.background_ms)
    }

    fn of_cpu(&self) -> f64 {
        self.assist_ms / self.cpu_ms
    }

    fn without_costliest(self) -> Self {
        let (assist_ms, background_ms) = self.costliest;
        Self { assist_ms: self.assist_ms - assist_ms, background_ms: self.background_ms - background_ms, ..self }
    }
}

/// What the rule reads, row by row.
struct Parts<'a> {
    mark_ms: &'a [f64],
    assist_ms: &'a [f64],
    background_ms: &'a [f64],
    procs: &'a [f64],
    intervals_s: &'a [f64],
    forced: &'a [bool],
    leak_check: &'a [bool],
}

impl<'a> Parts<'a> {
    fn of(cycles: &'a Cycles) -> Self {
        Self {
            mark_ms: &cycles.mark_ms,
            assist_ms: &cycles.cpu_assist_ms,
            background_ms: &cycles.cpu_background_ms,
            procs: &cycles.procs,
            intervals_s: intervals_s(cycles),
            forced: &cycles.forced,
            leak_check: &cycles.leak_check,
        }
    }

    /// P-time of assists and of background workers, and P-time there was until the next cycle, ms; NaN where not to be
    /// told.
    fn at(&self, row: usize) -> (f64, f64, f64) {
        // Without a concurrent mark the worker times are those of an earlier cycle (gctrace.md, section 10).
        let is_judged = self.mark_ms[row] > 0.0 && !self.forced[row] && !self.leak_check[row];
        if !is_judged {
            return (f64::NAN, f64::NAN, f64::NAN);
        }
        let cpu_ms = 1000.0 * self.intervals_s[row] * self.procs[row];
        (self.assist_ms[row], self.background_ms[row], cpu_ms)
    }
}

/// The stretches with too many assists, and the window among them with the largest share.
fn stretches(cycles: &Cycles, limits: &Limits) -> (Vec<Range<usize>>, Option<Range<usize>>) {
    let (length, min_share, min_cost) =
        (limits.get("window") as usize, limits.get("min_share"), limits.get("min_cost"));
    let warm_up = limits.get("warm_up");
    let mut stretches: Vec<Range<usize>> = Vec::new();
    let mut worst: Option<(f64, Range<usize>)> = None;
    let (mut rows, mut sums) = (0, Cost::default());
    if length == 0 || length > cycles.len() {
        return (stretches, None);
    }
    // Sums have no larger share than the largest of their rows: most runs have none with so many assists.
    let mut assisted = cycles.cpu_assist_ms.iter().zip(&cycles.cpu_background_ms);
    if !assisted
        .any(|(assist_ms, background_ms)| *assist_ms > 0.0 && *assist_ms >= min_share * (assist_ms + background_ms))
    {
        return (stretches, None);
    }
    let parts = Parts::of(cycles);
    // The parts of the rows of the window.
    let mut window_parts = vec![(0.0, 0.0, 0.0); length];
    for row in 0..cycles.len() {
        let (assist_ms, background_ms, cpu_ms) = parts.at(row);
        // Numbers count from the start of the program: a log that begins later has no warm-up.
        let is_usable = (assist_ms + background_ms + cpu_ms).is_finite() && cycles.n[row] as f64 > warm_up;
        if !is_usable {
            (rows, sums) = (0, Cost::default());
            continue;
        }
        rows += 1;
        sums.assist_ms += assist_ms;
        sums.background_ms += background_ms;
        sums.cpu_ms += cpu_ms;
        let oldest = std::mem::replace(&mut window_parts[row % length], (assist_ms, background_ms, cpu_ms));
        if rows > length {
            let (assist_ms, background_ms, cpu_ms) = oldest;
            rows -= 1;
            sums.assist_ms -= assist_ms;
            sums.background_ms -= background_ms;
            sums.cpu_ms -= cpu_ms;
        }
        let marking_ms = sums.assist_ms + sums.background_ms;
        let is_dominant = sums.assist_ms > 0.0
            && sums.assist_ms >= min_share * marking_ms
            && sums.assist_ms >= min_cost * sums.cpu_ms;
        if rows < length || !is_dominant {
            continue;
        }
        let window = row + 1 - length..row + 1;
        if Cost::of(cycles, window.clone()).without_costliest().share() < min_share {
            continue;
        }
        if worst.as_ref().is_none_or(|(share, _)| sums.share() > *share) {
            worst = Some((sums.share(), window.clone()));
        }
        match stretches.last_mut().filter(|last| window.start <= last.end) {
            Some(last) => last.end = window.end,
            None => stretches.push(window),
        }
    }
    // What is quiet at the ends came in with a window whose other rows are not.
    let is_quiet = |row: usize| Cost::of(cycles, row..row + 1).share() < min_share;
    for stretch in &mut stretches {
        while stretch.start < stretch.end && is_quiet(stretch.start) {
            stretch.start += 1;
        }
        while stretch.start < stretch.end && is_quiet(stretch.end - 1) {
            stretch.end -= 1;
        }
    }
    (stretches, worst.map(|(_, window)| window))
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;
    use crate::rules::fixture::{GcLine, check, findings_in, gc_lines};

    /// `n` cycles 0.5 s apart on 4 Ps (2000 ms of P-time), with so many ms of assists beside 70 ms of workers.
    fn assists(n: u64, assist_ms: impl Fn(u64) -> f64) -> String {
        gc_lines(n, |idx| GcLine {
            n: idx + 1,
            at_s: idx as f64 / 2.0,
            clock_ms: [0.1, 40.0, 0.1],
            cpu_ms: [assist_ms(idx), 70.0],
            ..GcLine::default()
        })
    }

    #[test]
    fn tells_the_worst_twenty_cycles() {
        let log = assists(100, |idx| if (40..80).contains(&idx) { 70.0 + idx as f64 / 10.0 } else { 5.0 });
        check(
            &RULE,
            &log,
            expect![[r#"
            76:cpu_assist_ms Warning GC204: Allocating goroutines did 52 % of the marking themselves between 30.0 and 39.5 s (77 ms per cycle; 32 % over the whole run): what allocates during a collection waits for it.
              61:cpu_assist_ms the worst stretch begins: gc 61 @30.000s
              80:cpu_assist_ms and ends: gc 80 @39.500s
        "#]],
        );
    }

    #[test]
    fn a_remark_where_it_is_a_small_part_of_the_run() {
        let log = |n: u64| assists(400, |idx| if (40..40 + n).contains(&idx) { 70.0 } else { 5.0 });
        assert!(findings_in(&RULE, &log(18)).contains("Info GC204"), "9 s");
        assert!(findings_in(&RULE, &log(40)).contains("Warning GC204"), "20 s");
    }

    #[test]
    fn silent_where_assists_were_by_design_and_cost_little() {
        let old = |n| assists(100, |_| n).replace(", 0 MB stacks, 0 MB globals", "");
        assert_eq!(findings_in(&RULE, &old(99.0)), "");
        assert!(findings_in(&RULE, &old(110.0)).contains("Warning GC204"));
        assert!(findings_in(&RULE, &assists(100, |_| 99.0)).contains("Warning GC204"));
    }

    #[test]
    fn silent_just_below_each_limit() {
        assert_ne!(findings_in(&RULE, &assists(100, |_| 31.0)), "");
        assert_eq!(findings_in(&RULE, &assists(100, |_| 29.0)), "", "29 %");
        // 31 lines: cycles 11 to 30, and the last has no successor.
        assert_ne!(findings_in(&RULE, &assists(31, |_| 70.0)), "");
        assert_eq!(findings_in(&RULE, &assists(30, |_| 70.0)), "", "nineteen cycles after warm-up");
        let cheap = |assist: f64| {
            gc_lines(100, |idx| GcLine {
                n: idx + 1,
                at_s: idx as f64 / 2.0,
                cpu_ms: [assist, 30.0],
                ..GcLine::default()
            })
        };
        assert_ne!(findings_in(&RULE, &cheap(20.0)), "");
        assert_eq!(findings_in(&RULE, &cheap(19.0)), "", "0.95 % of the P-time");
    }

    #[test]
    fn one_costly_cycle_does_not_speak_for_twenty() {
        let log = assists(100, |idx| if idx == 50 { 2000.0 } else { 5.0 });
        assert_eq!(findings_in(&RULE, &log), "");
    }

    #[test]
    fn the_start_of_a_program_is_left_out() {
        assert_eq!(findings_in(&RULE, &assists(100, |idx| if idx < 10 { 500.0 } else { 5.0 })), "");
    }

    #[test]
    fn less_than_a_second_does_not_count() {
        let end = |n_busy: u64| {
            gc_lines(1000 + n_busy, |idx| GcLine {
                n: idx + 1,
                at_s: if idx < 1000 { idx as f64 / 20.0 } else { 50.0 + (idx - 1000) as f64 / 200.0 },
                cpu_ms: if idx < 1000 { [0.1, 5.0] } else { [5.0, 5.0] },
                ..GcLine::default()
            })
        };
        assert_eq!(findings_in(&RULE, &end(100)), "", "half a second of fifty");
        assert_ne!(findings_in(&RULE, &end(220)), "");
    }

    #[test]
    fn stale_numbers_of_forced_cycles_do_not_count() {
        let log = assists(100, |_| 70.0).replace("0.10+40+0.10 ms clock", "0.10+0+6.0 ms clock");
        assert_eq!(findings_in(&RULE, &log), "");
        assert_eq!(findings_in(&RULE, &assists(100, |_| 70.0).replace(" P\n", " P (forced)\n")), "");
    }

    #[test]
    fn silent_for_releases_without_cpu_times() {
        let line = |n| format!("gc{n}(2): 0+3+2 ms, 5 -> 5 MB 107296 -> 107296 (107316-20) objects, 0(0) handoff\n");
        assert_eq!(findings_in(&RULE, &(1..600).map(line).collect::<String>()), "");
    }
}
