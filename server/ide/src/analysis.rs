//! One pass over a log: views of all runs, then every rule.

use std::collections::HashMap;

use tracelog::{Blocks, Lines, Log, Runs};

use crate::ending;
use crate::environment::{self, Environment};
use crate::phases::{self, Phase};
use crate::requests;
use crate::rules::evidence::Declined;
use crate::rules::{self, BlocksView, Finding, LogView, RULES, Rule, slow_requests};
use crate::settings::{Level, Settings};
use crate::stories;
use crate::summary::{self, RunSummary};
use crate::tune;
use crate::view::RunView;

/// What is found out about a document once.
#[derive(Debug, Default)]
pub struct Analysis {
    /// All findings, in the order of their lines.
    pub findings: Vec<Finding>,
    /// Findings that somebody muted, in the order of their lines.
    pub muted: Vec<Finding>,
    /// Why rules found nothing where people ask for the reason, in the order of the rules.
    pub declined: Vec<Declined>,
    /// One summary a run, in the order of runs.
    pub summaries: Vec<RunSummary>,
    /// What the cost of each run's collections depends on, in the order of runs; none where the log does not show it.
    pub measured: Vec<Option<tune::Measured>>,
    /// The configuration of each run as far as the log shows it, in the order of runs.
    pub environments: Vec<Environment>,
    /// The phases of each run, in the order of runs; none where no level changes, or the toolchain printed the run.
    pub phases: Vec<Vec<Phase>>,
}

impl Analysis {
    /// Fills the views, runs the rules and writes the summaries. `blocks` are asked for where dumps can tell something.
    pub fn of<'a>(
        log: &Log,
        runs: &Runs,
        lines: &dyn Lines,
        settings: &Settings,
        blocks: impl Fn() -> &'a Blocks,
    ) -> Self {
        let mut view = LogView::of(log, runs);
        let slow_ms = settings.limits(slow_requests::RULE).get(slow_requests::LIMIT);
        requests::fill(&mut view.runs, log, runs, lines, slow_ms);
        let (findings, declined) = check(log, runs, lines, &view, settings, &blocks);
        let (muted, findings): (Vec<_>, Vec<_>) = findings.into_iter().partition(|finding| settings.mutes(finding));
        let by_run = by_run(&findings);
        let of_run = |run: usize| by_run.get(&run).map_or(&[][..], Vec::as_slice);
        let summaries = view.runs.iter().map(|run| summary::of(run, of_run(run.run))).collect();
        let environments =
            view.runs.iter().zip(&runs.list).map(|(view, run)| environment::of(log, run, view, &blocks)).collect();
        let measured = view.runs.iter().map(|run| tune::Measured::of(run, settings.cpu_limit)).collect();
        let told = |run: &RunView| if run.toolchain { Vec::new() } else { phases::phases(run) };
        let phases = view.runs.iter().map(told).collect();
        Self { findings, muted, declined, summaries, measured, environments, phases }
    }
}

/// Findings about runs, by the number of the run. A crash loop has a run and a finding every few lines.
fn by_run(findings: &[Finding]) -> HashMap<usize, Vec<&Finding>> {
    let mut by_run: HashMap<usize, Vec<&Finding>> = HashMap::new();
    for finding in findings {
        if let Some(run) = finding.run {
            by_run.entry(run).or_default().push(finding);
        }
    }
    by_run
}

fn check<'a>(
    log: &Log,
    runs: &Runs,
    lines: &dyn Lines,
    view: &LogView,
    settings: &Settings,
    blocks: &impl Fn() -> &'a Blocks,
) -> (Vec<Finding>, Vec<Declined>) {
    let rules: Vec<&'static Rule> = RULES.iter().copied().filter(|rule| settings.is_on(rule)).collect();
    let findings = rules::pass(&rules, (log, runs), lines, view, settings, blocks);
    let (mut findings, declined) = findings.into_parts();
    findings.extend(ending::silent_ends(
        &|| BlocksView { log, runs, blocks: blocks(), lines, view },
        settings,
        &findings,
    ));
    for finding in &mut findings {
        if let Some(Level::At(severity)) = settings.level(finding.rule) {
            finding.severity = severity;
        }
    }
    findings.sort_by_key(|finding| (finding.place.line, finding.rule.code));
    stories::join(&mut findings, |rule| settings.level(rule).is_some());
    // A level that the user gave is shown in every preset.
    findings.retain(|finding| settings.level(finding.rule).is_some() || settings.preset.shows(finding));
    (findings, declined)
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;
    use std::cell::Cell;

    use tracelog::Text;
    use tracelog::fixture::{Cycle, LogBuilder, Sample};

    use super::*;

    /// Counts the lines that are looked up.
    struct Counted<'a>(&'a Text, Cell<usize>);

    impl Lines for Counted<'_> {
        fn line(&self, line: u32) -> Cow<'_, [u8]> {
            self.1.set(self.1.get() + 1);
            Lines::line(self.0, line)
        }
    }

    /// A run that leaks, with a sample behind every cycle.
    fn leak(n_cycles: u32) -> String {
        let mut log = LogBuilder::new(25);
        for n in 1..=n_cycles {
            let at_s = f64::from(n) * 0.5;
            let live_mb = (40.0 + f64::from(n) / 20.0).floor();
            log.gc(&Cycle { n, at_s, heap_mb: [2.0 * live_mb, 2.0 * live_mb, live_mb], ..Cycle::default() });
            log.sched(&Sample { at_ms: u64::from(n) * 500, idle_procs: 0, runqueue: n / 8, ..Sample::default() });
        }
        log.text().to_owned()
    }

    #[test]
    fn a_log_that_grows_is_judged_by_its_columns_and_not_by_its_text() {
        let looked_up = |n_cycles| {
            let text = leak(n_cycles);
            let (lines, log) = (Text::new(&text), Log::read(text.as_bytes()));
            let runs = Runs::of(&log);
            let blocks = Blocks::of(&log, &runs);
            let counted = Counted(&lines, Cell::new(0));
            let analysis = Analysis::of(&log, &runs, &counted, &Settings::default(), || &blocks);
            assert!(analysis.findings.iter().any(|finding| finding.rule.code == "GC101"), "{n_cycles}");
            counted.1.get()
        };
        assert_eq!(looked_up(200), looked_up(400));
    }
}
