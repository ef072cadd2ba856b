//! ## What it looks for
//!
//! Threads that become ever more: the lowest number in each of 8 to 20 equal stretches of the run rises (Mann–Kendall,
//! p < 0.01) by 32 or more, and by four for each P. The first stretch is left out: every program begins with a few
//! threads. When the second half of the run adds less than a tenth of the growth, it is a remark: that is the peak of the
//! past.
//!
//! ## Why it matters
//!
//! Go makes a thread for each goroutine that is in a system call or in C at the same time, and keeps it. Threads cost
//! kernel memory and stacks; at 10000 the program ends (`thread exhaustion`), a limit of the container or the user may
//! come earlier.
//!
//! ## What to do next
//!
//! See where threads are made, and what the goroutines in system calls do. Usual causes: file I/O on a slow disk, DNS
//! through C, calls of C, LockOSThread.
//!
//! ```sh
//! # where threads were created
//! go tool pprof -top 'http://HOST/debug/pprof/threadcreate'
//! ```
//!
//! ```sh
//! # goroutines that are in system calls, with their stacks
//! curl -s 'http://HOST/debug/pprof/goroutine?debug=2' | grep -A 20 '\[syscall'
//! ```
//!
//! ```sh
//! # look names up in Go rather than through C
//! GODEBUG=netdns=go ./PROGRAM
//! ```
//!
//! ## Limits
//!
//! Idle threads are kept, so this is about the highest number so far, not about how many are in use; `threads-blocked` is
//! about those. Since Go 1.10 a thread ends with a goroutine that is locked to it.
//!
//! ## Example
//!
//! ```text
//! SCHED 303ms: gomaxprocs=2 idleprocs=1 threads=11 spinningthreads=0 idlethreads=0 runqueue=0 [0 0]
//! SCHED 5929ms: gomaxprocs=2 idleprocs=1 threads=151 spinningthreads=0 idlethreads=0 runqueue=0 [0 0]
//! ```

use tracelog::catalog::sched;

use super::evidence::{Bound, Test};
use super::growth::first_sufficient;
use super::{Check, Finding, Findings, Kind, Limit, Limits, Place, Related, Rule, Severity, limit};
use crate::stats::mann_kendall;
use crate::view::RunView;
use crate::words::rough_span;

/// SC105.
pub(crate) static RULE: Rule = Rule {
    code: "SC105",
    slug: "thread-growth",
    title: "Ever more threads",
    severity: Severity::Warning,
    kind: Kind::Trend,
    reads: &[sched::THREADS],
    limits: LIMITS,
    check: Check::Run(check),
};

const LIMITS: &[Limit] = &[
    limit("min_samples", 16.0, "samples", "Shorter runs are not judged."),
    limit("max_p", 0.01, "", "Largest probability of the trend by chance."),
    limit("min_gain", 32.0, "threads", "Smaller growth is not reported."),
    limit("min_gain_per_p", 4.0, "threads per P", "Growth below so many for each P is not reported."),
    limit("min_late_share", 0.10, "of the gain", "Growth of which the second half makes less is a remark."),
];

/// Fewest windows, most windows, and the samples of one.
const WINDOWS: (usize, usize) = (8, 20);
const SAMPLES_PER_WINDOW: usize = 2;

/// Points among which the place is looked for at which the growth was evident.
const MAX_POINTS: usize = 1_000;

struct Growth {
    from: f64,
    to: f64,
    p: f64,
    tau: f64,
    late_share: f64,
}

fn check(run: &RunView, limits: &Limits, out: &mut Findings) {
    let samples = &run.samples;
    let whole = |row: &usize| (samples.at_s[*row] + samples.threads[*row]).is_finite();
    let rows: Vec<usize> = (0..samples.len()).filter(whole).collect();
    let (Some(&first), Some(&last)) = (rows.first(), rows.last()) else { return };
    let procs = rows.iter().map(|&row| samples.gomaxprocs[row]).filter(|procs| procs.is_finite()).fold(1.0, f64::max);
    let points: Vec<(f64, f64)> = rows.iter().map(|&row| (samples.at_s[row], samples.threads[row])).collect();
    let min_samples = limits.get("min_samples");
    let needed = limits.get("min_gain").max(limits.get("min_gain_per_p") * procs);

    let mut test = Test::default();
    if !test.data("samples", rows.len() as f64, min_samples, "") {
        out.declined(&RULE, Some(run.run), test);
        return;
    }
    let growth = growth(&points);
    let number = |value: fn(&Growth) -> f64| growth.as_ref().map_or(f64::NAN, value);
    test.value(
        "chance that the lowest numbers rise by accident (p)",
        number(|growth| growth.p),
        Bound::Below(limits.get("max_p")),
        "",
    );
    test.value(
        "growth of the lowest number",
        number(|growth| growth.to - growth.from),
        Bound::AtLeast(needed),
        "threads",
    );
    let Some(growth) = growth.filter(|_| test.holds()) else {
        out.declined(&RULE, Some(run.run), test);
        return;
    };
    let holds = |points: &[(f64, f64)]| {
        self::growth(points).is_some_and(|found| found.p < limits.get("max_p") && found.to - found.from >= needed)
    };
    // Prefixes of all samples of a long run would take long.
    let step = points.len().div_ceil(MAX_POINTS);
    let lowest = |part: &[(f64, f64)]| (part[0].0, part.iter().map(|point| point.1).fold(f64::INFINITY, f64::min));
    let thinned: Vec<(f64, f64)> = points.chunks(step).map(lowest).collect();
    let evident = first_sufficient(&thinned, (min_samples.max(1.0) as usize).div_ceil(step), holds);
    let evident = rows[((evident + 1) * step - 1).min(rows.len() - 1)];
    let place = |row: usize| Place { line: samples.line[row], field: Some(sched::THREADS) };
    let related = [("first", first), ("last", last)].map(|(what, row)| Related {
        place: place(row),
        text: format!("{what}: {:.0} threads at {:.1} s", samples.threads[row], samples.at_s[row]),
    });
    let goes_on = growth.late_share >= limits.get("min_late_share");
    let span_s = samples.at_s[last] - samples.at_s[first];
    out.push(Finding {
        severity: if goes_on { Severity::Warning } else { Severity::Info },
        run: Some(run.run),
        place: place(evident),
        message: format!(
            "Threads grew {:.0} → {:.0} in {}{}.",
            growth.from,
            growth.to,
            rough_span(span_s),
            if goes_on { "" } else { ", nearly all of it in the first half" }
        ),
        related: related.into(),
        count: rows.len(),
        numbers: vec![
            ("threads_early", growth.from),
            ("threads_late", growth.to),
            ("span_s", span_s),
            ("p", growth.p),
            ("tau", growth.tau),
            ("late_share", growth.late_share),
        ],
        test,
        ..Finding::about(&RULE)
    });
}

/// The trend of the lowest numbers of the windows; none where there are too few.
fn growth(points: &[(f64, f64)]) -> Option<Growth> {
    let (start_s, end_s) = (points.first()?.0, points.last()?.0);
    let n_windows = (points.len() / SAMPLES_PER_WINDOW).clamp(WINDOWS.0, WINDOWS.1);
    let width = (end_s - start_s) / n_windows as f64;
    if width.is_nan() || width <= 0.0 {
        return None;
    }
    let mut floors = vec![f64::NAN; n_windows];
    for &(at_s, threads) in points {
        let window = (((at_s - start_s) / width) as usize).min(n_windows - 1);
        // `min` leaves NaN out.
        floors[window] = floors[window].min(threads);
    }
    floors.retain(|floor| floor.is_finite());
    // Every program begins with a few threads.
    let floors = floors.get(1..).filter(|floors| floors.len() >= WINDOWS.0 - 1)?;
    let trend = mann_kendall(floors)?;
    let (from, to) = (*floors.first()?, *floors.last()?);
    let middle = floors[floors.len() / 2];
    Some(Growth { from, to, p: trend.p_rising, tau: trend.tau, late_share: (to - middle) / (to - from) })
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;
    use crate::rules::fixture::{check, findings_in, sched_lines, view, why_not};

    /// Samples 100 ms apart of a program with two Ps and so many threads.
    fn threads(n: u64, threads: impl Fn(u64) -> u64) -> String {
        let lines = sched_lines(n, 2, 0.1, |_| (1, 0));
        let with = |(line, idx): (&str, u64)| line.replace("threads=8 ", &format!("threads={} ", threads(idx))) + "\n";
        lines.lines().zip(0..).map(with).collect()
    }

    #[test]
    fn threads_that_become_ever_more() {
        check(
            &RULE,
            &threads(60, |idx| 4 + 5 * idx / 2),
            expect![[r#"
            17:threads Warning SC105: Threads grew 11 → 146 in 5.9 s.
              1:threads first: 4 threads at 0.0 s
              60:threads last: 151 threads at 5.9 s
        "#]],
        );
    }

    #[test]
    fn a_peak_of_the_past_is_a_remark() {
        let text = threads(100, |idx| 4 + (8 * idx).min(200));
        assert!(findings_in(&RULE, &text).contains("Info SC105: Threads grew"), "{}", findings_in(&RULE, &text));
    }

    #[test]
    fn silent_just_below_each_limit() {
        assert_eq!(findings_in(&RULE, &threads(60, |idx| 4 + idx / 2)), "", "less than 32");
        assert_ne!(findings_in(&RULE, &threads(60, |idx| 4 + idx * 2 / 3)), "");
        assert_eq!(findings_in(&RULE, &threads(15, |idx| 4 + 20 * idx)), "", "fifteen samples");
        assert_ne!(findings_in(&RULE, &threads(16, |idx| 4 + 20 * idx)), "");
        let many_ps =
            |per_sample: u64| threads(60, |idx| 4 + per_sample * idx).replace("gomaxprocs=2", "gomaxprocs=64");
        assert_eq!(findings_in(&RULE, &many_ps(4)), "", "less than four for each P");
        assert_ne!(findings_in(&RULE, &many_ps(6)), "");
    }

    #[test]
    fn silent_about_a_start_a_steady_number_and_what_ends_again() {
        assert_eq!(findings_in(&RULE, &threads(60, |idx| if idx < 2 { 3 } else { 70 })), "");
        assert_eq!(findings_in(&RULE, &threads(60, |_| 300)), "");
        assert_eq!(findings_in(&RULE, &threads(60, |idx| 10 + 10 * (idx % 10))), "");
    }

    #[test]
    fn says_why_not() {
        expect![[r#"
            ✓ samples: 40 (≥ 16 needed)
            ✗ chance that the lowest numbers rise by accident (p): 0.5 (below 0.01 needed)
            ✗ growth of the lowest number: 0 threads (≥ 32 needed)
        "#]]
        .assert_eq(&why_not(&RULE, &view(&threads(40, |_| 9))));
    }

    #[test]
    fn samples_without_threads_are_left_out() {
        let text = threads(60, |idx| 4 + 5 * idx / 2);
        let torn = text.replacen("threads=54 spinningthreads=0 idlethreads=3 runqueue=0 [0 0]", "thre", 1);
        assert_ne!(text, torn);
        assert!(findings_in(&RULE, &torn).contains("Warning SC105"));
    }
}
