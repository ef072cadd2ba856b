//! Fixtures of the rules' tests: log text in, findings out as text; and builders of long logs.

use std::fmt::{self, Write};

use tracelog::{Blocks, Log, Runs, Text};

use super::{BlocksView, Check, Findings, Limits, LogView, Place, Rule};
use crate::requests;

/// The findings of `rule` in `log`, one line each with its places.
pub(crate) fn findings_in(rule: &'static Rule, log: &str) -> String {
    findings_with(rule, &view(log), &[])
}

/// The findings of `rule` in a log view, with changed limits.
pub(crate) fn findings_with(rule: &'static Rule, log: &LogView, changed: &[(String, f64)]) -> String {
    show_findings(rule, log, Limits { changed, ..Limits::defaults(rule.limits) })
}

/// The findings of `rule` in a log view of a process that may use so many CPUs.
pub(crate) fn findings_limited(rule: &'static Rule, log: &LogView, cpu_limit: Option<f64>) -> String {
    show_findings(rule, log, Limits { cpu_limit, ..Limits::defaults(rule.limits) })
}

fn show_findings(rule: &'static Rule, log: &LogView, limits: Limits) -> String {
    let mut findings = Findings::default();
    match rule.check {
        Check::Run(check) => log.runs.iter().for_each(|run| check(run, &limits, &mut findings)),
        Check::Log(check) => check(log, &limits, &mut findings),
        Check::Blocks(_) => panic!("{} reads blocks: use findings_in_text", rule.code),
    }
    show_all(findings)
}

/// The findings of a rule that reads blocks, in a log.
pub(crate) fn findings_in_text(rule: &'static Rule, log: &str) -> String {
    findings_in_blocks(rule, log, &Limits::defaults(rule.limits))
}

/// The same under these limits.
pub(crate) fn findings_in_blocks(rule: &'static Rule, text: &str, limits: &Limits) -> String {
    show_all(blocks_checked(rule, text, limits))
}

fn blocks_checked(rule: &'static Rule, text: &str, limits: &Limits) -> Findings {
    let (lines, log) = (Text::new(text), Log::read(text.as_bytes()));
    let runs = Runs::of(&log);
    let blocks = Blocks::of(&log, &runs);
    let view = LogView::of(&log, &runs);
    let mut findings = Findings::default();
    let Check::Blocks(check) = rule.check else { panic!("{} reads no blocks: use findings_in", rule.code) };
    check(&BlocksView { log: &log, runs: &runs, blocks: &blocks, lines: &lines, view: &view }, limits, &mut findings);
    findings
}

fn show_all(findings: Findings) -> String {
    let mut text = String::new();
    for finding in findings.into_vec() {
        let place = show(finding.place);
        writeln!(text, "{place} {:?} {}: {}", finding.severity, finding.rule.code, finding.message).unwrap();
        for related in &finding.related {
            writeln!(text, "  {} {}", show(related.place), related.text).unwrap();
        }
        if !finding.further.is_empty() {
            let further: Vec<String> = finding.further.iter().map(|place| show(*place)).collect();
            writeln!(text, "  further {}", further.join(", ")).unwrap();
        }
    }
    text
}

/// Why `rule` finds nothing in `log`, a line each condition with ✓ or ✗; empty where it does not say.
pub(crate) fn why_not(rule: &'static Rule, log: &LogView) -> String {
    let limits = Limits::defaults(rule.limits);
    let mut findings = Findings::default();
    match rule.check {
        Check::Run(check) => log.runs.iter().for_each(|run| check(run, &limits, &mut findings)),
        Check::Log(check) => check(log, &limits, &mut findings),
        Check::Blocks(_) => panic!("{} reads blocks: use why_not_in_text", rule.code),
    }
    declined_all(rule, findings)
}

/// The same for a rule that reads blocks.
pub(crate) fn why_not_in_text(rule: &'static Rule, text: &str) -> String {
    declined_all(rule, blocks_checked(rule, text, &Limits::defaults(rule.limits)))
}

fn declined_all(rule: &'static Rule, findings: Findings) -> String {
    let (found, declined) = findings.into_parts();
    assert!(found.is_empty(), "{} was found", rule.code);
    let conditions = declined.iter().flat_map(|declined| &declined.test.conditions);
    conditions.map(|one| one.marked() + "\n").collect()
}

/// Asserts the findings of `rule` in `log`.
pub(crate) fn check(rule: &'static Rule, log: &str, expect: expect_test::Expect) {
    expect.assert_eq(&match rule.check {
        Check::Blocks(_) => findings_in_text(rule, log),
        Check::Run(_) | Check::Log(_) => findings_in(rule, log),
    });
}

/// A log as rules see it.
pub(crate) fn view(log: &str) -> LogView {
    let (lines, log) = (Text::new(log), Log::read(log.as_bytes()));
    let runs = Runs::of(&log);
    let mut view = LogView::of(&log, &runs);
    requests::fill(&mut view.runs, &log, &runs, &lines, 0.0);
    view
}

/// Lines counted from 1, as people do, with the id of the field.
fn show(place: Place) -> String {
    let line = place.line + 1;
    place.field.map_or_else(|| line.to_string(), |field| format!("{line}:{}", field.def().id))
}

/// A `gc` line of Go 1.18 or later for long series; its defaults are those of a small healthy program.
#[derive(Clone, Copy)]
pub(crate) struct GcLine {
    /// GC number.
    pub n: u64,
    /// Start, s.
    pub at_s: f64,
    /// Clock of the three phases, ms.
    pub clock_ms: [f64; 3],
    /// P-time of assists and background workers, ms.
    pub cpu_ms: [f64; 2],
    /// Heap at start, at end, live; goal, MB.
    pub heap_mb: [u64; 4],
    /// GOMAXPROCS.
    pub procs: u64,
}

impl Default for GcLine {
    fn default() -> Self {
        Self { n: 1, at_s: 0.0, clock_ms: [0.02, 1.5, 0.01], cpu_ms: [0.0, 1.5], heap_mb: [19, 20, 10, 20], procs: 4 }
    }
}

impl fmt::Display for GcLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { n, at_s, clock_ms, cpu_ms, heap_mb: [start, end, live, goal], procs } = self;
        let [p1, mark, p2] = clock_ms.map(as_go_prints);
        let [assist, background] = cpu_ms.map(as_go_prints);
        write!(f, "gc {n} @{at_s:.3}s 1%: {p1}+{mark}+{p2} ms clock, {p1}+{assist}/{background}/0+{p2} ms cpu, ")?;
        writeln!(f, "{start}->{end}->{live} MB, {goal} MB goal, 0 MB stacks, 0 MB globals, {procs} P")
    }
}

/// Milliseconds with two significant digits below 10 (`fmtNSAsMS` in `runtime/mgc.go`).
fn as_go_prints(ms: f64) -> String {
    match ms {
        _ if ms >= 10.0 => format!("{ms:.0}"),
        _ if ms >= 1.0 => format!("{ms:.1}"),
        _ if ms >= 0.1 => format!("{ms:.2}"),
        _ if ms > 0.0 => format!("{ms:.3}"),
        _ => "0".into(),
    }
}

/// `n` lines, each made from its index.
pub(crate) fn gc_lines(n: u64, line: impl Fn(u64) -> GcLine) -> String {
    (0..n).map(|idx| line(idx).to_string()).collect()
}

/// `n` samples of a program with `procs` Ps, `period_s` apart; `sample` gives idle Ps and the global run queue.
pub(crate) fn sched_lines(n: u64, procs: u64, period_s: f64, sample: impl Fn(u64) -> (u64, u64)) -> String {
    (0..n)
        .map(|idx| {
            let (idle, runqueue) = sample(idx);
            let local = vec!["0"; procs as usize].join(" ");
            let ms = (idx as f64 * period_s * 1000.0) as u64;
            format!(
                "SCHED {ms}ms: gomaxprocs={procs} idleprocs={idle} threads=8 spinningthreads=0 idlethreads=3 \
                 runqueue={runqueue} [{local}]\n"
            )
        })
        .collect()
}
