//! ## What it looks for
//!
//! Lines of the scavenger that say the program called `debug.FreeOSMemory`: `(forced)` at the end of a `scav` line since
//! Go 1.14, `forced scvg:` in Go 1.13, pass -1 in Go 1.2 to 1.12.
//!
//! ## Why it matters
//!
//! The call collects, and then returns all free memory to the operating system. The program takes it back as it
//! allocates, and pays a page fault for each page. The runtime returns what stays unused by itself.
//!
//! ## What to do next
//!
//! Look for the call. Where it is there to stay below a container's limit, GOMEMLIMIT does that (Go 1.19 and later).
//! The collections that go with it are counted by `forced-gc-storm`.
//!
//! ```sh
//! # who calls debug.FreeOSMemory, in code and dependencies
//! grep -rn 'FreeOSMemory' . "$(go env GOMODCACHE)"
//! ```
//!
//! ## Limits
//!
//! Go 1.14 and later print these lines with `GODEBUG=scavtrace=1` only. One call alone is a hint.
//!
//! ## Example
//!
//! ```text
//! scav 0 KiB work (bg), 28240 KiB work (eager), 35160 KiB now, 100% util (forced)
//! ```

use tracelog::catalog::{scav, scvg};

use super::evidence::{Bound, Test};
use super::point::{Hit, Words, as_finding};
use super::{Check, Finding, Findings, Kind, Limit, Limits, Place, Rule, Severity, limit};
use crate::view::RunView;
use crate::words::{count, rough};

/// GC605.
pub(crate) static RULE: Rule = Rule {
    code: "GC605",
    slug: "forced-scavenge",
    title: "The program returns its free memory to the operating system itself",
    severity: Severity::Info,
    kind: Kind::Point,
    reads: &[scav::FORCED, scvg::FORCED, scvg::PASS],
    limits: LIMITS,
    check: Check::Run(check),
};

const LIMITS: &[Limit] = &[limit("min_calls", 2.0, "calls", "From how many calls on it is Info; fewer are a hint.")];

fn check(run: &RunView, limits: &Limits, findings: &mut Findings) {
    let (scav, scvg) = (&run.scav, &run.scvg);
    let mut times: Vec<f64> = Vec::new();
    let mut hits: Vec<Hit> = Vec::new();
    for row in (0..scav.len()).filter(|row| scav.forced[*row]) {
        let returned_mb = scav.returned_kib(row) / 1024.0;
        let weight = if returned_mb.is_finite() { returned_mb } else { 0.0 };
        let place = Place { line: scav.line[row], field: Some(scav::FORCED) };
        hits.push(Hit { row, place, weight });
        times.push(scav.at_s[row]);
    }
    let n_scav = hits.len();
    for row in (0..scvg.len()).filter(|row| scvg.forced[*row]) {
        let field = if scvg.is_step[row] { scvg::FORCED } else { scvg::PASS };
        let place = Place { line: scvg.line[row], field: Some(field) };
        hits.push(Hit { row, place, weight: 0.0 });
        times.push(scvg.at_s[row]);
    }
    let n_calls = hits.len();
    let returned_mb: f64 = hits.iter().map(|hit| hit.weight).sum();
    let span_s = times.last().zip(times.first()).map_or(f64::NAN, |(last, first)| last - first);
    let seen = |idx: usize| match hits[idx] {
        Hit { row, .. } if idx < n_scav => format!("{} MB returned", rough(scav.returned_kib(row) / 1024.0)),
        Hit { row, .. } => format!("{} MB are returned at present", rough(scvg.released_mb[row])),
    };
    let finding = as_finding(&RULE, run.run, &hits, seen, |_| {
        let rate = match span_s > 0.0 && n_calls > 1 {
            true => format!(" ({}/min)", rough(60.0 * (n_calls - 1) as f64 / span_s)),
            false => String::new(),
        };
        let amount = match returned_mb > 0.0 {
            true => format!(", which returned {} MB in all", rough(returned_mb)),
            false => String::new(),
        };
        let is_repeated = n_calls as f64 >= limits.get("min_calls");
        Words {
            severity: if is_repeated { Severity::Info } else { Severity::Hint },
            message: format!("{} of debug.FreeOSMemory{rate}{amount}.", count(n_calls, "call")),
            numbers: vec![("calls", n_calls as f64), ("returned_mb", returned_mb)],
        }
    });
    if let Some(finding) = finding {
        let mut test = Test::default();
        test.value("forced lines of the scavenger", n_calls as f64, Bound::AtLeast(1.0), "");
        findings.push(Finding { test, ..finding });
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;
    use crate::rules::fixture::{GcLine, check, findings_in};

    #[test]
    fn calls_are_counted_and_what_they_returned() {
        let log: String = (0..4)
            .map(|idx| {
                let line = GcLine { n: idx + 1, at_s: idx as f64 * 0.5, ..GcLine::default() };
                let eager = 10_240 * (idx + 1);
                format!("{line}scav 0 KiB work (bg), {eager} KiB work (eager), 99999 KiB now, 97% util (forced)\n")
            })
            .collect();
        check(
            &RULE,
            &log,
            expect![[r#"
                8:forced Info GC605: 4 calls of debug.FreeOSMemory (120/min), which returned 100 MB in all.
                  2:forced first: 10 MB returned
                  6:forced next worst: 30 MB returned
                  further 6:forced, 4:forced, 2:forced
            "#]],
        );
    }

    #[test]
    fn one_call_is_a_hint() {
        check(
            &RULE,
            "scav 3560 KiB work, 64856 KiB total, 100% util (forced)\n",
            expect![[r#"
                1:forced Hint GC605: 1 call of debug.FreeOSMemory, which returned 3.5 MB in all.
            "#]],
        );
    }

    #[test]
    fn a_normal_line_with_the_same_generation_is_no_call() {
        // Go 1.14 to 1.18 print two lines.
        let text = findings_in(
            &RULE,
            "scav 7 0 KiB work, 60808 KiB total, 17% util\nscav 7 576 KiB work, 60808 KiB total, 17% util (forced)\n",
        );
        assert!(text.starts_with("2:forced Hint GC605: 1 call"), "{text}");
    }

    #[test]
    fn older_releases_say_it_otherwise() {
        let passes = "scvg-1: inuse: 1, idle: 50, sys: 52, released: 50, consumed: 1 (MB)\n".repeat(2);
        assert!(findings_in(&RULE, &passes).starts_with("1:pass Info GC605: 2 calls of debug.FreeOSMemory."));
        let steps = "forced scvg: inuse: 1, idle: 62, sys: 63, released: 61, consumed: 2 (MB)\n";
        assert!(findings_in(&RULE, steps).starts_with("1:forced Hint GC605: 1 call"));
        let periodic = "scvg7: inuse: 42, idle: 0, sys: 43, released: 0, consumed: 42 (MB)\n\
                        scvg: inuse: 0, idle: 63, sys: 63, released: 28, consumed: 35 (MB)\n";
        assert_eq!(findings_in(&RULE, periodic), "");
    }
}
