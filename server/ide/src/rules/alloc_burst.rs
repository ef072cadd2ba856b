//! ## What it looks for
//!
//! Three cycles or more in a row between which the program allocated at least three times as fast as it usually does, and
//! clearly outside of how its rate spreads: a robust z of 5 or more on its logarithm. What is usual is counted by time
//! (the median over the time of the run), so that the many cycles of a burst do not make it usual.
//!
//! ## Why it matters
//!
//! Garbage collection costs what is allocated. A burst explains more frequent cycles, more assists and slower requests
//! for its time, and it names the moment to look for in the application's own log.
//!
//! ## What to do next
//!
//! Look at what the application did at that time: an export, a reload, a retry storm, a batch. If it comes again, a
//! profile of that time names who allocates.
//!
//! ```sh
//! # what was allocated within the next 30 seconds
//! curl -so burst.pb.gz 'http://HOST/debug/pprof/allocs?seconds=30' && go tool pprof -sample_index=alloc_space burst.pb.gz
//! ```
//!
//! ## Limits
//!
//! Needs 20 cycles with times (Go 1.5 and later). The first ten are start-up and are left out. More than three bursts,
//! or bursts that last more than a quarter of the time, are how the program works and no news. Bursts that last less than
//! half a second, and less than 64 MB, are left out. Of 1,192 recorded logs two have a burst that counts; 23 more have
//! a shorter one, of 3 to 27 cycles in at most 0.8 s, nearly all of which fill a spike or one swing of a sawtooth.
//!
//! ## Example
//!
//! ```text
//! gc 29 @17.802s 1%: 0.081+20+0.004 ms clock, 0.16+0.85/3.2/18+0.008 ms cpu, 75->76->41 MB, 82 MB goal, 0 MB stacks, 0 MB globals, 2 P
//! gc 33 @18.595s 1%: 0.070+85+0.090 ms clock, 0.14+0.054/55/23+0.18 ms cpu, 92->105->52 MB, 106 MB goal, 0 MB stacks, 0 MB globals, 2 P
//! ```

use std::ops::Range;

use tracelog::catalog::gc;

use super::evidence::{Bound, Test};
use super::point::cycle_name;
use super::{Check, Finding, Findings, Kind, Limit, Limits, Place, Related, Rule, Severity, limit};
use crate::derived::{alloc_rate_over, alloc_rates_mb_per_s, interval_s, intervals_s};
use crate::stats::{LogHistogram, LogScale};
use crate::view::{Cycles, RunView};
use crate::words::{count, rough, rough_span};

/// GC405.
pub(crate) static RULE: Rule = Rule {
    code: "GC405",
    slug: "alloc-burst",
    title: "The program allocated far faster than usual for a while",
    severity: Severity::Info,
    kind: Kind::Point,
    reads: &[gc::HEAP_START_MB],
    limits: LIMITS,
    check: Check::Run(check),
};

const LIMITS: &[Limit] = &[
    limit("min_cycles", 20.0, "cycles", "Fewest cycles that tell what is usual."),
    limit("min_factor", 3.0, "times", "How many times the usual rate it must be."),
    limit("min_z", 5.0, "spreads", "How far outside of the usual spread it must be."),
    limit("min_in_a_row", 3.0, "cycles", "How many cycles in a row must show it."),
    limit("min_span_s", 0.5, "s", "How long it must last."),
    limit("min_mb", 64.0, "MB", "How much must be allocated in it."),
    limit("max_bursts", 3.0, "bursts", "More of them are how the program works."),
    limit("max_share", 0.25, "of the time", "Bursts that last longer in all are how the program works."),
];

/// Cycles at the start of a run, in which it builds what it needs.
const START_UP: u64 = 10;

fn check(run: &RunView, limits: &Limits, findings: &mut Findings) {
    let cycles = &run.cycles;
    let rates = rates(cycles);
    if !may_have_bursts(cycles, &rates, limits) {
        return;
    }
    let by_time = by_time(cycles, &rates);
    let usual = weighted_median(&by_time);
    let Some((usual, scale)) = usual.zip(LogScale::of_counted(&by_time)) else { return };
    if (by_time.len() as f64) < limits.get("min_cycles") {
        return;
    }
    let (min_rate, min_z) = (limits.get("min_factor") * usual, limits.get("min_z"));
    let is_high = |row: usize| {
        rates[row] >= min_rate && scale.z(rates[row]).is_some_and(|z| z >= min_z) && cycles.n[row] > START_UP
    };
    let mut bursts = stretches(cycles.len(), is_high);
    bursts.retain(|rows| {
        rows.len() as f64 >= limits.get("min_in_a_row")
            && span_s(cycles, rows.clone()) >= limits.get("min_span_s")
            && allocated_mb(cycles, rows.clone()) >= limits.get("min_mb")
    });
    let in_bursts_s: f64 = bursts.iter().map(|rows| span_s(cycles, rows.clone())).sum();
    let share = in_bursts_s / span_s(cycles, 0..cycles.len());
    if bursts.len() as f64 > limits.get("max_bursts") || share > limits.get("max_share") {
        return;
    }
    let rate_of = |rows: &Range<usize>| alloc_rate_over(cycles, rows.clone());
    let Some(worst) = bursts.iter().max_by(|a, b| rate_of(a).total_cmp(&rate_of(b))) else { return };
    let rate = rate_of(worst);
    let span = span_s(cycles, worst.clone());
    // What was allocated behind a cycle stands on the line of the next.
    let place = |rows: &Range<usize>| Place {
        line: cycles.line[(rows.start + 1).min(cycles.len() - 1)],
        field: Some(gc::HEAP_START_MB),
    };
    let z = scale.z(rate).unwrap_or(f64::NAN);
    let mut test = Test::default();
    test.data("cycles with a rate", by_time.len() as f64, limits.get("min_cycles"), "");
    test.value("times the usual rate", rate / usual, Bound::AtLeast(limits.get("min_factor")), "");
    test.value("out of the ordinary by (robust z)", z, Bound::AtLeast(limits.get("min_z")), "");
    test.value("cycles in a row", worst.len() as f64, Bound::AtLeast(limits.get("min_in_a_row")), "");
    test.value("time", span, Bound::AtLeast(limits.get("min_span_s")), "s");
    test.value("bursts in the run", bursts.len() as f64, Bound::AtMost(limits.get("max_bursts")), "");
    test.value("their share of the time", share, Bound::AtMost(limits.get("max_share")), "");
    test.value("allocated", allocated_mb(cycles, worst.clone()), Bound::AtLeast(limits.get("min_mb")), "MB");
    let times = match bursts.len() {
        1 => String::new(),
        n => format!("; {n} such bursts"),
    };
    let others = bursts.iter().filter(|rows| *rows != worst);
    findings.push(Finding {
        run: Some(run.run),
        place: place(worst),
        message: format!(
            "Allocation rate {} MB/s for {} ({}), usual {}{times}.",
            rough(rate),
            rough_span(span),
            count(worst.len(), "cycle"),
            rough(usual),
        ),
        related: others
            .clone()
            .take(2)
            .map(|rows| Related {
                place: place(rows),
                text: format!("{} MB/s from {} on", rough(rate_of(rows)), cycle_name(run, rows.start)),
            })
            .collect(),
        further: others.take(super::point::MAX_FURTHER).map(place).collect(),
        count: bursts.len(),
        numbers: vec![("alloc_mb_per_s", rate), ("usual_mb_per_s", usual), ("span_s", span)],
        test,
        ..Finding::about(&RULE)
    });
}

/// The rate behind each cycle, MB/s; NaN where something else than allocation ended the time.
fn rates(cycles: &Cycles) -> Vec<f64> {
    let mut rates = alloc_rates_mb_per_s(cycles);
    let ends = cycles.forced.iter().zip(&cycles.timer).skip(1);
    for (rate, (forced, timer)) in rates.iter_mut().zip(ends) {
        if *forced || *timer {
            *rate = f64::NAN;
        }
    }
    rates
}

/// Whether rates are high in a row, by a usual rate that is known to within half a percent: sorting all of a long run to
/// find nothing takes longer than all else here.
fn may_have_bursts(cycles: &Cycles, rates: &[f64], limits: &Limits) -> bool {
    const SLACK: f64 = 0.98;
    // Where for half of the time the rate was not far below the highest, the usual one is not either.
    let near = rates.iter().copied().fold(0.0, f64::max) / limits.get("min_factor");
    let (mut all_ms, mut near_ms) = (0, 0);
    for (rate, interval_s) in rates.iter().zip(intervals_s(cycles)) {
        let weight_ms = weight_ms(*interval_s);
        all_ms += if *rate > 0.0 { weight_ms } else { 0 };
        near_ms += if *rate > near { weight_ms } else { 0 };
    }
    if near_ms >= all_ms - all_ms / 2 {
        return false;
    }
    let mut histogram = LogHistogram::default();
    for (row, rate) in rates.iter().enumerate().filter(|(_, rate)| **rate > 0.0) {
        histogram.add(*rate, weight_ms(interval_s(cycles, row)) as u64);
    }
    let Some(usual) = weighted_median(&histogram.counted()) else { return false };
    let high = SLACK * limits.get("min_factor") * usual;
    let longest = stretches(rates.len(), |row| rates[row] >= high).iter().map(ExactSizeIterator::len).max();
    longest.is_some_and(|rows| rows as f64 >= limits.get("min_in_a_row"))
}

/// Milliseconds for which a rate held, at least one.
fn weight_ms(interval_s: f64) -> usize {
    (1000.0 * interval_s).max(1.0) as usize
}

/// The rates above 0, ascending, each with the milliseconds for which it held.
fn by_time(cycles: &Cycles, rates: &[f64]) -> Vec<(f64, usize)> {
    let rows = (0..rates.len()).filter(|row| rates[*row] > 0.0 && rates[*row].is_finite());
    let mut by_time: Vec<(f64, usize)> = rows.map(|row| (rates[row], weight_ms(interval_s(cycles, row)))).collect();
    by_time.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
    by_time
}

/// The value below which the values of half of the weight lie; values ascending.
fn weighted_median(values: &[(f64, usize)]) -> Option<f64> {
    let half = values.iter().map(|(_, weight)| weight).sum::<usize>() / 2;
    let mut seen = 0;
    values
        .iter()
        .find(|(_, weight)| {
            seen += weight;
            seen > half
        })
        .map(|(value, _)| *value)
}

fn span_s(cycles: &Cycles, rows: Range<usize>) -> f64 {
    rows.map(|row| interval_s(cycles, row)).filter(|span| span.is_finite()).sum()
}

fn allocated_mb(cycles: &Cycles, rows: Range<usize>) -> f64 {
    rows.map(|row| cycles.heap_start_mb[row + 1] - cycles.heap_live_mb[row]).filter(|mb| mb.is_finite()).sum()
}

/// The longest stretches of rows that all are so.
fn stretches(n: usize, is_so: impl Fn(usize) -> bool) -> Vec<Range<usize>> {
    let mut found: Vec<Range<usize>> = Vec::new();
    for row in (0..n).filter(|row| is_so(*row)) {
        match found.last_mut() {
            Some(last) if last.end == row => last.end += 1,
            _ => found.push(row..row + 1),
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;
    use crate::rules::fixture::{GcLine, check, findings_in, gc_lines};

    /// Sixty cycles that allocate 40 MB each; `apart_s` is the time behind each.
    fn paced(apart_s: impl Fn(u64) -> f64) -> String {
        gc_lines(60, |idx| GcLine {
            n: idx + 1,
            at_s: (0..idx).map(&apart_s).sum(),
            heap_mb: [80, 81, 40, 80],
            ..GcLine::default()
        })
    }

    #[test]
    fn a_burst_is_told_with_its_rate() {
        check(
            &RULE,
            &paced(|idx| if (30..38).contains(&idx) { 0.1 } else { 1.0 }),
            expect![[r#"
                32:heap_start_mb Info GC405: Allocation rate 406 MB/s for 0.8 s (8 cycles), usual 40.
            "#]],
        );
    }

    #[test]
    fn silent_just_below_the_limits() {
        let burst = |cycles: u64, apart_s: f64| {
            findings_in(&RULE, &paced(|idx| if (30..30 + cycles).contains(&idx) { apart_s } else { 1.0 }))
        };
        assert_ne!(burst(5, 0.12), "");
        assert_eq!(burst(4, 0.12), "", "0.48 s");
        assert_ne!(burst(3, 0.2), "");
        assert_eq!(burst(2, 0.25), "", "two cycles");
        assert_eq!(burst(5, 0.35), "", "2.9 times");
        // 3.2 times is within five spreads of at least a quarter.
        assert_eq!(burst(5, 0.31), "");
    }

    #[test]
    fn silent_about_the_start_and_about_programs_that_work_in_bursts() {
        assert_eq!(findings_in(&RULE, &paced(|idx| if idx < 10 { 0.1 } else { 1.0 })), "");
        let bursts = |n: u64| {
            findings_in(&RULE, &paced(|idx| if idx >= 12 && idx % 12 < 6 && idx / 12 <= n { 0.1 } else { 4.0 }))
        };
        assert!(bursts(3).contains("3 such bursts"), "{}", bursts(3));
        assert_eq!(bursts(4), "", "four of them");
        // 30 cycles of 0.5 s are a third of the time.
        assert_eq!(findings_in(&RULE, &paced(|idx| if idx >= 30 { 0.25 } else { 0.75 })), "");
    }

    #[test]
    fn many_cycles_in_little_time_do_not_make_a_burst_usual() {
        let text = findings_in(&RULE, &paced(|idx| if idx >= 20 { 0.1 } else { 2.0 }));
        assert!(text.contains("for 3.9 s (39 cycles), usual 20"), "{text}");
    }

    #[test]
    fn too_few_cycles_say_nothing() {
        let log: String =
            paced(|idx| if idx >= 12 { 0.1 } else { 1.0 }).lines().take(20).map(|line| format!("{line}\n")).collect();
        assert_eq!(findings_in(&RULE, &log), "");
    }

    #[test]
    fn forced_cycles_do_not_make_a_rate() {
        let log = paced(|idx| if (30..38).contains(&idx) { 0.1 } else { 1.0 });
        let forced: String = log
            .lines()
            .enumerate()
            .map(|(idx, line)| if (31..39).contains(&idx) { format!("{line} (forced)\n") } else { format!("{line}\n") })
            .collect();
        assert_eq!(findings_in(&RULE, &forced), "");
    }

    #[test]
    fn silent_without_times() {
        let line = |n: u64| {
            format!(
                "gc{n}(2): 26+1+87+0 us, 0 -> {n} MB, 30 (30-0) objects, 2 goroutines, 21/0/0 sweeps, 0(0) handoff, \
                 1(2) steal, 16/1/0 yields\n"
            )
        };
        assert_eq!(findings_in(&RULE, &(1..60).map(line).collect::<String>()), "");
    }
}
