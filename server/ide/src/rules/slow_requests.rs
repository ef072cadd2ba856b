//! What the two rules about the latency of requests share: their limit, their conditions, and the words of their findings.
//!
//! Which requests are slow is one question for both, so there is one setting for it.

use crate::requests::clock::Joint;
use crate::requests::split::{self, Split, Verdict};
use crate::requests::{Requests, Series};
use crate::view::RunView;
use crate::words;

use super::evidence::{Bound, Confidence, Test};
use super::point::cycle_name;
use super::{Finding, Findings, Place, Related, Rule, Severity};

/// The rule that declares [`LIMIT`].
pub(crate) static RULE: &Rule = &super::latency_in_gc::RULE;

/// Name of the limit that says which requests are slow.
pub(crate) const LIMIT: &str = "slow_ms";

/// Reports the comparisons of a run that end with a verdict: the one that says most, with the number of all. Where none
/// does, what is missing of it.
pub(super) fn report(
    rule: &'static Rule,
    run: &RunView,
    verdict: Verdict,
    findings: &mut Findings,
    message: fn(&Series, &Split) -> String,
) {
    let Some(requests) = &run.requests else { return };
    let mut hits = requests.splits.iter().filter(|(_, split)| split.verdict == verdict);
    let Some((index, split)) = hits.next() else {
        if let Some((index, split)) = requests.splits.first() {
            findings.declined(rule, Some(run.run), conditions(split, &requests.series[*index], verdict));
        }
        return;
    };
    let series = &requests.series[*index];
    let is_in_gc = verdict == Verdict::InGc;
    let told = (0..series.ms.len()).filter(|at| !is_in_gc || series.cycle[*at].is_some());
    let Some(slowest) = told.reduce(|a, b| if series.ms[b] > series.ms[a] { b } else { a }) else { return };
    let place = |line| Place { line, field: None };
    let mut related = Vec::new();
    if let Some(cycle) = series.cycle[slowest].filter(|_| is_in_gc).map(|cycle| cycle as usize) {
        let text = format!("the slowest request began in this cycle: {}", cycle_name(run, cycle));
        related.push(Related { place: place(run.cycles.line[cycle]), text });
    }
    let others = hits.count();
    let more = if others == 0 {
        String::new()
    } else {
        format!(" The same holds for {}.", words::count(others, "other key or route"))
    };
    findings.push(Finding {
        severity: Severity::Info,
        run: Some(run.run),
        place: place(series.line[slowest]),
        message: format!("{}{}{more}", message(series, split), joint(requests, split)),
        related,
        count: 1 + others,
        numbers: numbers(series, split),
        test: conditions(split, series, verdict),
        confidence: Some(confidence(split)),
        ..Finding::about(rule)
    });
}

/// The conditions of one of the two verdicts with the numbers of a comparison.
fn conditions(split: &Split, series: &Series, verdict: Verdict) -> Test {
    let (k, x) = split.slow;
    let (inside, outside) = split.n;
    let (low, high) = (100.0 * split.interval.0, 100.0 * split.interval.1);
    let expected = 100.0 * split.expected;
    let is_cut = split.logged_above_ms.is_some();
    let mut test = Test::default();
    test.data("slow requests", k as f64, split::MIN_SLOW as f64, "");
    let what = if is_cut { "share of time in cycles" } else { "share of all requests that begin in a cycle" };
    test.value(what, expected, Bound::AtLeast(100.0 * split::EXPECTED.start()), "%");
    test.value(what, expected, Bound::AtMost(100.0 * split::EXPECTED.end()), "%");
    if verdict == Verdict::InGc {
        let least = Bound::AtLeast(split::IN_ABOVE * expected);
        test.value("share of the slow ones that do, at least (95 %)", low, least, "%");
        test.value("slow ones that do", x as f64, Bound::AtLeast(split::MIN_IN as f64), "");
        test.value("cycles in which they begin", split.n_cycles as f64, Bound::AtLeast(split::MIN_CYCLES as f64), "");
        if !is_cut {
            let slower = split.p99_ms.0 / split.p99_ms.1;
            test.value("p99 in a cycle, times that outside", slower, Bound::AtLeast(split::MIN_SLOWER), "");
        }
        test.fact("the clocks are joined to half of a typical cycle", series.is_sharp);
    } else {
        let most = Bound::AtMost(split::NOT_ABOVE * expected);
        test.value("share of the slow ones that do, at most (95 %)", high, most, "%");
        let most = Bound::AtMost(100.0 * split::MAX_INSIDE);
        test.value("pauses in the time of slow ones", 100.0 * split.pauses, most, "%");
        let begin_in = inside as f64 / (inside + outside) as f64;
        let most = split::NOT_ABOVE * series.share_of_time;
        test.fact("requests begin in cycles about as often as time is spent there", begin_in <= most);
    }
    if test.holds() && split.verdict != verdict {
        test.fact("the slow ones stand out from the others, and from what the clocks blur", false);
    }
    test
}

const fn confidence(split: &Split) -> Confidence {
    if split.is_strong { Confidence::Strong } else { Confidence::Moderate }
}

/// How far the verdict can be relied on.
fn joint(requests: &Requests, split: &Split) -> String {
    let Ok(clock) = &requests.clock else { return String::new() };
    let by = match clock.joint {
        Joint::Collector => "stamps on the gc lines",
        Joint::Position => "the order of the lines",
    };
    let (error, grade) = (words::ms(clock.error_ms()), confidence(split).name());
    format!(" Clocks joined by {by}, to {error}; {grade} evidence.")
}

/// `12 of the 165 slowest began in a cycle, 7 % of all do`.
pub(super) fn of_slowest(split: &Split) -> String {
    let (k, x) = split.slow;
    let expected = words::percent(split.expected);
    match split.logged_above_ms {
        Some(above_ms) => format!(
            "{} of {} began in a cycle, cycles take {expected} of the time; only requests above {} seem to be logged",
            words::grouped(x),
            words::grouped(k),
            words::ms(above_ms)
        ),
        None => {
            format!("{} of the {} slowest began in a cycle, {expected} of all do", words::grouped(x), words::grouped(k))
        }
    }
}

fn numbers(series: &Series, split: &Split) -> Vec<(&'static str, f64)> {
    vec![
        ("p99_in_cycle_ms", split.p99_ms.0),
        ("p99_outside_ms", split.p99_ms.1),
        ("requests_in_cycle", split.n.0 as f64),
        ("requests_outside", split.n.1 as f64),
        ("slow_requests", split.slow.0 as f64),
        ("slow_in_cycle", split.slow.1 as f64),
        ("expected_share", split.expected),
        ("slow_share_low", split.interval.0),
        ("slow_share_high", split.interval.1),
        ("pause_share", split.pauses),
        ("clock_error_ms", series.error_ms),
    ]
}
