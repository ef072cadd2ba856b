//! What the two rules about the latency of requests share: their limit, and the words of their findings.
//!
//! Which requests are slow is one question for both, so there is one setting for it.

use crate::requests::clock::Joint;
use crate::requests::split::{Split, Verdict};
use crate::requests::{Requests, Series};
use crate::view::RunView;
use crate::words;

use super::point::cycle_name;
use super::{Finding, Findings, Place, Related, Rule, Severity};

/// The rule that declares [`LIMIT`].
pub(crate) static RULE: &Rule = &super::latency_in_gc::RULE;

/// Name of the limit that says which requests are slow.
pub(crate) const LIMIT: &str = "slow_ms";

/// Reports the comparisons of a run that end with a verdict: the one that says most, with the number of all.
pub(super) fn report(
    rule: &'static Rule,
    run: &RunView,
    verdict: Verdict,
    findings: &mut Findings,
    message: fn(&Series, &Split) -> String,
) {
    let Some(requests) = &run.requests else { return };
    let mut hits = requests.splits.iter().filter(|(_, split)| split.verdict == verdict);
    let Some((index, split)) = hits.next() else { return };
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
        message: format!("{}{}{more}", message(series, split), confidence(requests, split)),
        related,
        count: 1 + others,
        numbers: numbers(series, split),
        ..Finding::about(rule)
    });
}

/// How far the verdict can be relied on.
fn confidence(requests: &Requests, split: &Split) -> String {
    let Ok(clock) = &requests.clock else { return String::new() };
    let by = match clock.joint {
        Joint::Collector => "stamps on the gc lines",
        Joint::Position => "the order of the lines",
    };
    let grade = if split.is_strong { "strong" } else { "moderate" };
    format!(" Confidence {grade}; clocks joined by {by}, to {}.", words::ms(clock.error_ms()))
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
