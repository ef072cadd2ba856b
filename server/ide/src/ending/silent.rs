//! What is left to say when nobody says anything: a log that ends while its live heap was rising.

use std::collections::HashSet;

use tracelog::Runs;

use super::{Cause, crashes, kills};
use crate::rules::evidence::{Confidence, Test};
use crate::rules::{BlocksView, Finding, Place, Related, Rule, Severity, killed_from_outside};
use crate::settings::Settings;

/// Rules whose verdict makes an end without a word suspect: growth, and a heap that stands at the memory limit.
const SUSPECT: [&str; 3] = ["GC101", "GC107", "GC403"];

/// Hints at logs that end without a word, by findings of other rules. Each process that is still there at the end of the
/// log has one end.
///
/// `view` is asked for where a finding makes an end suspect: most logs need no blocks for that.
pub(crate) fn silent_ends<'a>(
    view: &dyn Fn() -> BlocksView<'a>,
    settings: &Settings,
    findings: &[Finding],
) -> Vec<Finding> {
    let rule = &killed_from_outside::RULE;
    let suspects: Vec<&Finding> = findings.iter().filter(|finding| SUSPECT.contains(&finding.rule.code)).collect();
    if suspects.is_empty() || !settings.is_on(rule) {
        return Vec::new();
    }
    let view = &view();
    let number = |index: usize| view.runs.list[index].number;
    let crashed =
        crashes(view).into_iter().filter(|crash| crash.cause != Cause::Recovered).map(|crash| number(crash.run));
    let killed = kills(view.log, view.runs).into_iter().filter_map(|kill| kill.victim.run()).map(number);
    let ended: HashSet<usize> = crashed.chain(killed).chain(restarted(view.runs)).collect();
    let mut silent: Vec<Finding> = Vec::new();
    for suspect in suspects {
        let Some(run) = suspect.run.filter(|run| !ended.contains(run)) else { continue };
        if silent.iter().all(|finding| finding.run != Some(run))
            && let Some(index) = view.view.index_of(run)
        {
            silent.push(finding(rule, run, view.view.runs[index].lines.1, suspect));
        }
    }
    silent
}

/// Numbers of the runs that are followed by another life of their process: their end is told by that.
fn restarted(runs: &Runs) -> impl Iterator<Item = usize> {
    runs.list.iter().filter_map(|run| run.restarts)
}

fn finding(rule: &'static Rule, run: usize, line: u32, suspect: &Finding) -> Finding {
    let mut test = Test::default();
    test.fact(&format!("{} stands when the log ends", suspect.rule.slug), true);
    test.fact("no exit message, no signal, nobody who says that it was killed", true);
    Finding {
        severity: Severity::Hint,
        run: Some(run),
        place: Place { line, field: None },
        message: "The log ends without an exit message; an out-of-memory kill leaves no trace here.".to_owned(),
        related: vec![Related { place: suspect.place, text: suspect.rule.title.to_owned() }],
        test,
        confidence: Some(Confidence::Moderate),
        ..Finding::about(rule)
    }
}

#[cfg(test)]
mod tests {
    use tracelog::{Blocks, Log, Runs, Text};

    use crate::analysis::Analysis;
    use crate::rules::Severity;
    use crate::rules::fixture::{GcLine, gc_lines};
    use crate::settings::{Level, RuleSettings, Settings};

    fn leak(n: u64) -> String {
        gc_lines(n, |idx| {
            let live = 10 + idx;
            GcLine { n: idx + 1, at_s: idx as f64, heap_mb: [live, live + 1, live, 2 * live], ..GcLine::default() }
        })
    }

    /// Code, severity and line (from 1) of what is said of the end.
    fn ends(text: &str, settings: &Settings) -> Vec<(u32, Severity, String)> {
        let (lines, log) = (Text::new(text), Log::read(text.as_bytes()));
        let runs = Runs::of(&log);
        let blocks = Blocks::of(&log, &runs);
        let analysis = Analysis::of(&log, &runs, &lines, settings, || &blocks);
        let of_end = analysis.findings.iter().filter(|finding| finding.rule.code.starts_with("FT"));
        of_end.map(|finding| (finding.place.line + 1, finding.severity, finding.message.clone())).collect()
    }

    #[test]
    fn a_leak_that_ends_without_a_word_is_a_hint_at_the_last_line() {
        let found = ends(&leak(120), &Settings::default());
        let said = "The log ends without an exit message; an out-of-memory kill leaves no trace here.";
        assert_eq!(found, [(120, Severity::Hint, said.to_owned())]);
    }

    #[test]
    fn an_end_that_is_told_is_no_silent_one() {
        for word in ["panic: boom\n", "SIGQUIT: quit\n", "Killed\n", "OOMKilled\n"] {
            let found = ends(&(leak(120) + word), &Settings::default());
            assert!(!found.is_empty(), "{word}");
            assert!(found.iter().all(|(_, severity, _)| *severity != Severity::Hint), "{word}: {found:?}");
        }
    }

    #[test]
    fn a_steady_program_may_end_as_it_likes() {
        let steady = gc_lines(120, |idx| GcLine { n: idx + 1, at_s: idx as f64, ..GcLine::default() });
        assert_eq!(ends(&steady, &Settings::default()), []);
        // The first life leaks; what follows it shows that it ended.
        assert_eq!(ends(&(leak(120) + &steady), &Settings::default()), []);
    }

    #[test]
    fn a_setting_turns_it_off() {
        let off = RuleSettings { slug: "killed-from-outside".into(), level: Some(Level::Off), limits: Vec::new() };
        assert_eq!(ends(&leak(120), &Settings { rules: vec![off], ..Settings::default() }), []);
    }
}
