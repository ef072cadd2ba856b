//! ## What it looks for
//!
//! Five cycles or more whose marking used 40 % of the CPU or more, where the pacer aims at 25 % (30 % in Go 1.10 to
//! 1.17). Off unless a setting gives it a level.
//!
//! ## Why it matters
//!
//! What goes beyond the share of the background workers was done by goroutines that allocate: they were slower for it.
//! The program allocated faster than the collector had planned for.
//!
//! ## What to do next
//!
//! See `assist-dominant` for what the `gc` lines say about it. Allocate less where it is hot, or raise GOGC so that there
//! is more room between cycles.
//!
//! ```sh
//! # what allocates most, by size, within 30 seconds
//! curl -so allocs.pb.gz 'http://HOST/debug/pprof/allocs?seconds=30' && go tool pprof -sample_index=alloc_space allocs.pb.gz
//! ```
//!
//! ## Limits
//!
//! Needs `GODEBUG=gcpacertrace=1`. Go 1.18 and later leave the line out where the heap did not grow during the mark. The
//! line describes the cycle of the next `gc` line.
//!
//! ## Example
//!
//! ```text
//! pacer: 51% CPU (25 exp.) for 551464+10872+253520 B work (816440 B exp.) in 10275864 B -> 10648240 B (∆goal -1465048, cons/mark -1.049652e-001)
//! ```

use tracelog::catalog::pacer_end;

use super::evidence::{Bound, Test};
use super::point::{Hit, Words, as_finding};
use super::{Check, Finding, Findings, Kind, Limit, Limits, Place, Rule, Severity, limit};
use crate::view::RunView;
use crate::words::percent;

/// GC702.
pub(crate) static RULE: Rule = Rule {
    code: "GC702",
    slug: "pacer-missed",
    title: "Marking used more CPU than the pacer aims at",
    severity: Severity::Info,
    kind: Kind::Off,
    reads: &[pacer_end::MARK_CPU_PCT, pacer_end::MARK_UTILIZATION],
    limits: LIMITS,
    check: Check::Run(check),
};

const LIMITS: &[Limit] = &[
    limit("min_cpu", 0.4, "of the CPU", "Share of the CPU from which on marking took too much."),
    limit("min_cycles", 5.0, "cycles", "How many cycles must show it."),
];

fn check(run: &RunView, limits: &Limits, findings: &mut Findings) {
    let pacer = &run.pacer;
    let min_cpu = limits.get("min_cpu");
    let mut hits = Vec::new();
    let mut n_ends = 0_usize;
    for row in 0..pacer.len() {
        let (cpu, Some(line)) = (pacer.mark_cpu[row], pacer.end_line[row]) else { continue };
        n_ends += 1;
        if cpu >= min_cpu && cpu.is_finite() {
            let is_old = pacer.expected_bytes[row].is_nan();
            let field = if is_old { pacer_end::MARK_UTILIZATION } else { pacer_end::MARK_CPU_PCT };
            hits.push(Hit { row, place: Place { line, field: Some(field) }, weight: cpu });
        }
    }
    let mut test = Test::default();
    if !test.value("cycles with so much", hits.len() as f64, Bound::AtLeast(limits.get("min_cycles")), "") {
        return;
    }
    let finding = as_finding(
        &RULE,
        run.run,
        &hits,
        |idx| percent(hits[idx].weight),
        |worst| Words {
            severity: Severity::Info,
            message: format!(
                "Marking used {} of the CPU, {} are planned; {} of {n_ends} cycles used {} or more: assists made up the \
             difference.",
                percent(hits[worst].weight),
                percent(pacer.mark_cpu_goal[hits[worst].row]),
                hits.len(),
                percent(min_cpu),
            ),
            numbers: vec![("mark_cpu", hits[worst].weight), ("cycles", hits.len() as f64)],
        },
    );
    if let Some(finding) = finding {
        test.value(
            "share of the CPU at most",
            hits.iter().map(|hit| hit.weight).fold(0.0, f64::max),
            Bound::AtLeast(min_cpu),
            "",
        );
        findings.push(Finding { test, ..finding });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::fixture::{findings_with, view};

    fn ends(n_high: usize, high: u32) -> String {
        (0..40)
            .map(|idx| {
                let cpu = if idx < n_high { high } else { 25 };
                format!(
                    "pacer: {cpu}% CPU (25 exp.) for 123352+11968+206314 B work (341674 B exp.) in 3469128 B -> 4409576 B \
                     (∆goal 215272, cons/mark 0.7285619681331793)\n"
                )
            })
            .collect()
    }

    fn found(log: &str) -> String {
        findings_with(&RULE, &view(log), &[])
    }

    #[test]
    fn cycles_that_took_much_more() {
        let text = found(&ends(5, 47));
        assert!(
            text.starts_with("1:mark_cpu_pct Info GC702: Marking used 47 % of the CPU, 25 % are planned; 5 of 40 cycles used 40 % or more"),
            "{text}"
        );
    }

    #[test]
    fn silent_just_below_the_limits() {
        assert_eq!(found(&ends(4, 99)), "");
        assert_eq!(found(&ends(40, 39)), "");
        assert_ne!(found(&ends(5, 40)), "");
    }

    #[test]
    fn before_go_1_18_the_utilization_tells() {
        let line = |used: &str| {
            format!(
                "pacer: H_m_prev=2150925 h_t=+9.500000e-001 H_T=4194304 h_a=+1.100000e+000 H_a=4516942 h_g=+1.000000e+000 \
                 H_g=4301850 u_a=+{used} u_g=+3.000000e-001 W_a=1118208 goalΔ=+5.000000e-002 actualΔ=+1.500000e-001 \
                 u_a/u_g=+1.800000e+000\n"
            )
        };
        let text = found(&line("4.500000e-001").repeat(5));
        assert!(
            text.starts_with("1:mark_utilization Info GC702: Marking used 45 % of the CPU, 30 % are planned"),
            "{text}"
        );
        assert_eq!(found(&line("3.900000e-001").repeat(5)), "");
    }
}
