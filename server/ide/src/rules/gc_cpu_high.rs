//! ## What it looks for
//!
//! Stretches of at least ten seconds and ten cycles in which collecting took 10 % or more of all P-time (dedicated and
//! fractional workers, assists and pauses; with a CPU limit set, idle workers too and the limit instead of GOMAXPROCS).
//! From 20 % on it is a warning.
//!
//! Where the log has fewer cycles, of a program that ran for ten seconds and ten cycles before: the percentage that Go
//! printed last, which is an average since the start of the program, with the same limits.
//!
//! ## Why it matters
//!
//! That share of the machine is not there for requests, and allocating goroutines wait for marking on top. Steady
//! programs spend 0.1 to 3 %. The percentage that Go prints is an average since the start of the program: it hides a bad
//! minute in a good hour.
//!
//! ## What to do next
//!
//! Take a CPU profile (look for `runtime.gcBgMarkWorker`, `runtime.gcAssistAlloc`, `runtime.mallocgc`):
//!
//! ```sh
//! # what the CPU spends on collecting and allocating, thirty seconds
//! go tool pprof -top 'http://HOST/debug/pprof/profile?seconds=30'
//! ```
//!
//! Then see who allocates:
//!
//! ```sh
//! # who allocates most, by bytes since start
//! go tool pprof -sample_index=alloc_space http://HOST/debug/pprof/heap
//! ```
//!
//! Raise GOGC if memory allows: doubling GOGC about halves
//! the cost. When a memory limit is in charge (`memory-limit-active`), only a higher limit or a smaller live heap helps.
//!
//! ## Limits
//!
//! P-time is time during which a P was held, descheduled time included: on a busy or throttled machine the share is an
//! upper bound. Pauses are counted times GOMAXPROCS by the runtime, also the time it takes to stop the program; where
//! they are most of the cost the message says "at most" and the severity stays at Info; it says so too where marking was
//! starved of CPU (`mark-starved`). GOMAXPROCS larger than the real
//! share of CPUs hides cost: set `cpuLimit`. A run shorter than ten seconds is judged as a whole, from three seconds on
//! and as Info. Go 1.0 to 1.4 print no CPU times.
//!
//! ## Example
//!
//! ```text
//! gc 58 @3.959s 25%: 6.3+15+0.10 ms clock, 12+37/14/0+0.20 ms cpu, 75->75->38 MB, 77 MB goal, 4 P
//! ```

use std::borrow::Cow;

use tracelog::catalog::gc;

use super::evidence::{Bound, Confidence, Test};
use super::mark_starved;
use super::point::cycle_name;
use super::{Check, Finding, Findings, Kind, Limit, Limits, Place, Related, Rule, Severity, limit};
use crate::derived::{gc_cpu_and_idle_ms, gc_cpu_of_all_ms, intervals_s};
use crate::view::{Cycles, RunView};
use crate::words::{percent, span};

/// GC201.
pub(crate) static RULE: Rule = Rule {
    code: "GC201",
    slug: "gc-cpu-high",
    title: "Collecting takes a large share of the CPU",
    severity: Severity::Warning,
    kind: Kind::Point,
    reads: &[gc::GC_CPU_PCT, gc::CPU_SWEEP_TERM_MS, gc::CPU_ASSIST_MS, gc::CPU_BACKGROUND_MS, gc::CPU_MARK_TERM_MS],
    limits: LIMITS,
    check: Check::Run(check),
};

const LIMITS: &[Limit] = &[
    limit("info_share", 0.10, "of P-time", "Share from which it is reported."),
    limit("warning_share", 0.20, "of P-time", "Share from which it is a warning."),
    limit("min_span_s", 10.0, "s", "Shortest stretch that is judged, except for a whole run that is shorter."),
    limit("min_cycles", 10.0, "cycles", "Fewest cycles in a stretch."),
    limit("min_run_s", 3.0, "s", "Shortest run that is judged as a whole, as Info."),
];

fn check(run: &RunView, limits: &Limits, findings: &mut Findings) {
    let costs = Costs::of(&run.cycles, limits.cpu_limit);
    let min_cycles = limits.get("min_cycles") as usize;
    let mut scan = costs.scan(limits.get("min_span_s"), min_cycles);
    let total_s = scan.total_s;
    let is_short = total_s < limits.get("min_span_s");
    if is_short {
        // Judged as a whole.
        scan = costs.scan(total_s, min_cycles);
    }
    let min_span_s = if is_short { total_s } else { limits.get("min_span_s") };
    let mut test = Test::default();
    let is_long = test.data("time whose cost is known", total_s, limits.get("min_run_s"), "s");
    let worst = scan.worst.filter(|_| is_long).map(|rows| costs.window(&run.cycles, rows));
    // The largest number of cycles there can be where no window holds enough of them.
    let n_cycles = worst.as_ref().map_or(scan.n_known, |worst| worst.n_cycles);
    if is_long {
        test.data(&format!("cycles in {min_span_s:.0} s"), n_cycles as f64, limits.get("min_cycles"), "");
    }
    let Some(worst) = worst else {
        match before_the_log(run, limits) {
            Some(finding) => findings.push(finding),
            None if !test.holds() && !run.cycles.is_empty() => findings.declined(&RULE, Some(run.run), test),
            None => {}
        }
        return;
    };
    let asked = Bound::AtLeast(100.0 * limits.get("info_share"));
    if !test.value("share of CPU in the worst stretch", 100.0 * worst.share, asked, "%") {
        findings.declined(&RULE, Some(run.run), test);
        return;
    }

    let cycles = &run.cycles;
    let (first, last) = (worst.rows.0, worst.rows.1 + 1);
    let is_mostly_pauses = worst.pause_share >= 0.5;
    let is_starved = mark_starved::starved(run)
        .is_some_and(|starved| starved.rows.0 <= worst.rows.1 && worst.rows.0 <= starved.rows.1);
    if is_starved {
        test.fact("marking was starved of CPU then, so P-time is more than CPU (mark-starved)", true);
    }
    let bound = if is_mostly_pauses || is_starved { "at most" } else { "up to" };
    let used = percent(worst.share);
    let (from, to) = (cycles.at_s[first], cycles.at_s[last]);
    let of = match limits.cpu_limit {
        Some(cpus) => format!("of {cpus} CPUs"),
        None => "of CPU".into(),
    };
    let printed = cycles.gc_cpu_pct[last];
    let meaning = match () {
        () if is_mostly_pauses => {
            let share = percent(worst.pause_share);
            format!("; {share} of that are pauses, the time to stop the program included")
        }
        // The first cycles on a coarse clock print nonsense (gctrace.md, section 10).
        () if (0.0..=100.0).contains(&printed) => {
            format!("; the printed {printed:.0} % is an average since start")
        }
        () => String::new(),
    };
    let is_warning = worst.share >= limits.get("warning_share") && !is_short && !is_mostly_pauses;
    findings.push(Finding {
        severity: if is_warning { Severity::Warning } else { Severity::Info },
        run: Some(run.run),
        place: Place { line: cycles.line[last], field: Some(gc::GC_CPU_PCT) },
        message: format!(
            "GC used {bound} {used} {of} between {from:.1} and {to:.1} s ({} cycles){meaning}.",
            worst.n_cycles
        ),
        related: vec![Related {
            place: Place { line: cycles.line[first], field: None },
            text: format!("the stretch begins: {}", cycle_name(run, first)),
        }],
        count: worst.n_cycles,
        numbers: vec![
            ("gc_share", worst.share),
            ("pause_share_of_gc", worst.pause_share),
            ("from_s", from),
            ("to_s", to),
            ("printed_pct", printed),
        ],
        test,
        ..Finding::about(&RULE)
    });
}

/// What the printed percentage tells of a program that ran long before the few cycles that the log has: it is an average
/// since start.
fn before_the_log(run: &RunView, limits: &Limits) -> Option<Finding> {
    let cycles = &run.cycles;
    let last = cycles.len().checked_sub(1)?;
    let (at_s, printed_pct) = (cycles.at_s[last], cycles.gc_cpu_pct[last]);
    // A share of one quota cannot be told from a share of all processors.
    if limits.cpu_limit.is_some() || !(0.0..=100.0).contains(&printed_pct) {
        return None;
    }
    let mut test = Test::default();
    let is_old = test.data("time since start", at_s, limits.get("min_span_s"), "s")
        && test.data("cycles since start", cycles.n[last] as f64, limits.get("min_cycles"), "");
    let asked = Bound::AtLeast(100.0 * limits.get("info_share"));
    if !is_old || !test.value("printed share of CPU", printed_pct, asked, "%") {
        return None;
    }
    let shown_s = at_s - cycles.at_s[0];
    Some(Finding {
        severity: if printed_pct >= 100.0 * limits.get("warning_share") { Severity::Warning } else { Severity::Info },
        run: Some(run.run),
        place: Place { line: cycles.line[last], field: Some(gc::GC_CPU_PCT) },
        message: format!(
            "GC used {printed_pct:.0} % of CPU in the {} since the program started, as {} prints it; the log shows {} of \
             that time.",
            span(at_s),
            cycle_name(run, last),
            span(shown_s),
        ),
        numbers: vec![("printed_pct", printed_pct), ("since_start_s", at_s), ("shown_s", shown_s)],
        test,
        confidence: Some(Confidence::Moderate),
        ..Finding::about(&RULE)
    })
}

/// What a cycle cost until the next one started.
struct Cost {
    /// Time to the next cycle.
    wall_s: f64,
    /// CPU there was in that time.
    cpu_s: f64,
    /// CPU that collecting took of it, ms.
    gc_ms: f64,
}

/// What all cycles of a run cost.
struct Costs<'a> {
    wall_s: &'a [f64],
    procs: &'a [f64],
    cpu_limit: Option<f64>,
    gc_ms: Cow<'a, [f64]>,
}

/// What one pass over all cycles tells.
struct Scan {
    /// Cycles whose cost is known, and how long they lasted, s.
    n_known: usize,
    total_s: f64,
    /// First and last row of the worst window.
    worst: Option<(usize, usize)>,
}

/// A stretch of cycles.
struct Window {
    /// First and last row; the stretch ends when the row after the last begins.
    rows: (usize, usize),
    n_cycles: usize,
    share: f64,
    pause_share: f64,
}

impl<'a> Costs<'a> {
    fn of(cycles: &'a Cycles, cpu_limit: Option<f64>) -> Self {
        let gc_ms = match cpu_limit {
            Some(_) => (0..cycles.len()).map(|row| gc_cpu_and_idle_ms(cycles, row)).collect(),
            None => Cow::Borrowed(gc_cpu_of_all_ms(cycles)),
        };
        Self { wall_s: intervals_s(cycles), procs: &cycles.procs, cpu_limit, gc_ms }
    }

    /// Of a cycle; none where a number is absent, or its successor is not in the log.
    #[inline]
    fn get(&self, row: usize) -> Option<Cost> {
        let (wall_s, gc_ms) = (self.wall_s[row], self.gc_ms[row]);
        let cpu_s = wall_s * self.cpu_limit.unwrap_or(self.procs[row]);
        (cpu_s + gc_ms).is_finite().then_some(Cost { wall_s, cpu_s, gc_ms })
    }

    /// Goes over all cycles once. The worst of the shortest windows with enough time and cycles is the one in which
    /// collecting took the largest share.
    fn scan(&self, min_span_s: f64, min_cycles: usize) -> Scan {
        let mut scan = Scan { n_known: 0, total_s: 0.0, worst: None };
        // Sums are taken anew for the window that is reported: differences of running sums would drift.
        let (mut wall_s, mut cpu_s, mut gc_ms, mut n, mut first) = (0.0, 0.0, 0.0, 0, 0);
        // Milliseconds a second of CPU.
        let mut most = f64::NEG_INFINITY;
        // Tolerance: the run as a whole must reach its own length.
        let min_span_s = min_span_s - 1e-6;
        for last in 0..self.wall_s.len() {
            let Some(cost) = self.get(last) else { continue };
            scan.n_known += 1;
            scan.total_s += cost.wall_s;
            wall_s += cost.wall_s;
            cpu_s += cost.cpu_s;
            gc_ms += cost.gc_ms;
            n += 1;
            while first < last {
                match self.get(first) {
                    None => first += 1,
                    // It goes where what is left is enough without it.
                    Some(cost) if n > min_cycles && wall_s - cost.wall_s >= min_span_s => {
                        wall_s -= cost.wall_s;
                        cpu_s -= cost.cpu_s;
                        gc_ms -= cost.gc_ms;
                        n -= 1;
                        first += 1;
                    }
                    Some(_) => break,
                }
            }
            if gc_ms > most * cpu_s && wall_s >= min_span_s && n >= min_cycles && cpu_s > 0.0 {
                most = gc_ms / cpu_s;
                scan.worst = Some((first, last));
            }
        }
        scan
    }

    /// A stretch from its first row to its last.
    fn window(&self, cycles: &Cycles, (first, last): (usize, usize)) -> Window {
        let costs: Vec<(usize, Cost)> = (first..=last).filter_map(|row| Some((row, self.get(row)?))).collect();
        let sum = |part: fn(&Cost) -> f64| costs.iter().map(|(_, cost)| part(cost)).sum::<f64>();
        let gc_s = sum(|cost| cost.gc_ms) / 1000.0;
        let pause_ms = |row: usize| cycles.cpu_sweep_term_ms[row] + cycles.cpu_mark_term_ms[row];
        let pause_s = costs.iter().map(|(row, _)| pause_ms(*row)).sum::<f64>() / 1000.0;
        Window {
            rows: (first, last),
            n_cycles: costs.len(),
            share: gc_s / sum(|cost| cost.cpu_s),
            pause_share: if gc_s > 0.0 { pause_s / gc_s } else { 0.0 },
        }
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;
    use crate::rules::fixture::{GcLine, check, findings_in, findings_limited, gc_lines, view, why_not};

    /// Cycles 0.5 s apart on 4 Ps: `background` ms of P-time in 2000. The heap is too small to tell a speed of marking.
    fn every_half_second(n: u64, background: impl Fn(u64) -> f64) -> String {
        gc_lines(n, |idx| GcLine {
            n: idx + 1,
            at_s: idx as f64 / 2.0,
            clock_ms: [0.0, 80.0, 0.0],
            cpu_ms: [0.0, background(idx)],
            heap_mb: [13, 14, 7, 14],
            ..GcLine::default()
        })
    }

    #[test]
    fn p_time_is_an_upper_bound_where_marking_was_starved() {
        let busy = |idx| if (40..70).contains(&idx) { 500.0 } else { 20.0 };
        let log = every_half_second(200, busy).replace("13->14->7 MB, 14 MB", "130->140->70 MB, 140 MB");
        let text = findings_in(&RULE, &log);
        assert!(text.contains("Warning GC201: GC used at most 25 % of CPU between 20.0 and 30.0 s"), "{text}");
    }

    #[test]
    fn says_what_it_asked_where_it_finds_nothing() {
        expect![[r#"
            ✓ time whose cost is known: 50 s (≥ 3 s needed)
            ✓ cycles in 10 s: 20 (≥ 10 needed)
            ✗ share of CPU in the worst stretch: 4 % (≥ 10 % needed)
        "#]]
        .assert_eq(&why_not(&RULE, &view(&every_half_second(101, |_| 80.0))));
        expect![[r#"
            ✗ time whose cost is known: 2 s (≥ 3 s needed)
        "#]]
        .assert_eq(&why_not(&RULE, &view(&every_half_second(5, |_| 80.0))));
    }

    #[test]
    fn finds_the_worst_ten_seconds() {
        let busy = |idx| if (40..70).contains(&idx) { 500.0 } else { 20.0 };
        check(
            &RULE,
            &every_half_second(200, busy),
            expect![[r#"
                61:gc_cpu_pct Warning GC201: GC used up to 25 % of CPU between 20.0 and 30.0 s (20 cycles); the printed 1 % is an average since start.
                  41 the stretch begins: gc 41 @20.000s
            "#]],
        );
    }

    #[test]
    fn info_below_a_fifth() {
        let text = findings_in(&RULE, &every_half_second(100, |_| 201.0));
        assert!(
            text.starts_with("21:gc_cpu_pct Info GC201: GC used up to 10 % of CPU between 0.0 and 10.0 s"),
            "{text}"
        );
    }

    #[test]
    fn silent_just_below_the_limit() {
        assert_eq!(findings_in(&RULE, &every_half_second(100, |_| 198.0)), "");
    }

    #[test]
    fn a_run_below_ten_seconds_is_judged_as_a_whole_and_as_info() {
        check(
            &RULE,
            &every_half_second(15, |_| 600.0),
            expect![[r#"
                15:gc_cpu_pct Info GC201: GC used up to 30 % of CPU between 0.0 and 7.0 s (14 cycles); the printed 1 % is an average since start.
                  1 the stretch begins: gc 1 @0.000s
            "#]],
        );
        let burst_at_start = |idx| if idx < 3 { 600.0 } else { 20.0 };
        assert_eq!(findings_in(&RULE, &every_half_second(15, burst_at_start)), "");
    }

    #[test]
    fn silent_with_too_little_data() {
        // 10 cycles make 9 intervals; 2.9 s are less than three.
        assert_eq!(findings_in(&RULE, &every_half_second(10, |_| 600.0)), "");
        let hurried = gc_lines(30, |idx| GcLine {
            n: idx + 1,
            at_s: idx as f64 / 10.0,
            cpu_ms: [0.0, 200.0],
            ..GcLine::default()
        });
        assert_eq!(findings_in(&RULE, &hurried), "");
    }

    #[test]
    fn time_with_missing_cycles_is_left_out() {
        // Every second number is missing: what those cycles cost is not known.
        let log = gc_lines(100, |idx| GcLine {
            n: 2 * idx + 1,
            at_s: idx as f64 / 2.0,
            cpu_ms: [0.0, 900.0],
            ..GcLine::default()
        });
        assert_eq!(findings_in(&RULE, &log), "");
    }

    #[test]
    fn a_cpu_limit_replaces_gomaxprocs() {
        let log = view(&every_half_second(100, |_| 100.0));
        assert_eq!(findings_limited(&RULE, &log, None), "");
        expect![[r#"
            21:gc_cpu_pct Warning GC201: GC used up to 20 % of 1 CPUs between 0.0 and 10.0 s (20 cycles); the printed 1 % is an average since start.
              1 the stretch begins: gc 1 @0.000s
        "#]]
        .assert_eq(&findings_limited(&RULE, &log, Some(1.0)));
    }

    #[test]
    fn cost_that_is_mostly_pauses_is_an_upper_bound() {
        let log = gc_lines(40, |idx| GcLine {
            n: idx + 1,
            at_s: idx as f64 / 2.0,
            clock_ms: [400.0, 1.0, 0.0],
            ..GcLine::default()
        });
        let text = findings_in(&RULE, &log);
        assert!(text.contains("Info GC201: GC used at most 20 % of CPU"), "{text}");
        assert!(text.contains("100 % of that are pauses, the time to stop the program included."), "{text}");
    }

    #[test]
    fn stale_numbers_of_forced_cycles_do_not_count() {
        // Go 1.8: no concurrent mark took place, the worker times are those of an earlier cycle.
        let log: String = (0..40)
            .map(|idx| {
                let at_s = f64::from(idx) / 2.0;
                let n = idx + 1;
                format!(
                    "gc {n} @{at_s:.3}s 2%: 0.10+0+6.6 ms clock, 0.21+1045/1583/374+13 ms cpu, \
                     40->40->21 MB, 40 MB goal, 2 P (forced)\n"
                )
            })
            .collect();
        assert_eq!(findings_in(&RULE, &log), "");
    }

    #[test]
    fn silent_for_releases_without_cpu_times() {
        let line = |n| {
            format!(
                "gc{n}(2): 0+3+2 ms, 5 -> 5 MB 107296 -> 107296 (107316-20) objects, 0(0) handoff, 9(652) steal, \
                 22/4/0 yields\n"
            )
        };
        assert_eq!(findings_in(&RULE, &(1..60).map(line).collect::<String>()), "");
    }
}
