//! What the project promises about its findings, as numbers with a limit.

use ide::rules::Severity;

use crate::calm;
use crate::judge::Judged;
use crate::labels::Expectations;
use crate::observe::Observed;

/// Rules that call something a leak.
const LEAK_RULES: [&str; 5] = ["GC101", "GC104", "GC107", "GC108", "SC110"];

/// Labels of runs in which nothing leaks.
const HARMLESS: [&str; 6] = ["healthy", "not_leak", "growth.plateau", "sawtooth", "spike", "ballast"];

/// Logs that a folder of the healthiest ones holds.
const N_HEALTHIEST: usize = 100;

/// Collections of a log that is long.
const LONG_CYCLES: usize = 1000;

/// Time from which a recorded leak has to be found, s.
const LEAK_SECONDS: f64 = 60.0;

/// Collections in its second half from which it has to.
const LEAK_LATE_CYCLES: f64 = 3.0;

/// Samples with goroutines from which growth in them has to be found.
const LEAK_DETAIL_SAMPLES: f64 = 20.0;

/// A promise and how it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Budget {
    /// What is counted.
    pub name: &'static str,
    /// How many there are.
    pub figure: usize,
    /// How many there may be.
    pub limit: usize,
    /// Which they are.
    pub which: Vec<String>,
}

impl Budget {
    fn of(name: &'static str, limit: usize, which: Vec<String>) -> Self {
        Self { name, figure: which.len(), limit, which }
    }

    /// Whether the promise is kept.
    pub fn is_kept(&self) -> bool {
        self.figure <= self.limit
    }
}

/// All promises, over these logs.
pub fn budgets(table: &Expectations, judged: &[Judged]) -> Vec<Budget> {
    let mut budgets = vec![
        Budget::of("harmless runs that are called a leak", 0, harmless_called_leaks(judged)),
        Budget::of("long leaks without a verdict", 0, leaks_without_verdict(judged)),
        Budget::of("growing lists of goroutines without SC110 and its wait reason", 0, waiting_without_reason(judged)),
        Budget::of("goroutines that keep the world from stopping and are not named", 0, culprits_not_named(judged)),
    ];
    budgets.extend(healthiest(table, judged));
    let long = judged.iter().filter(|log| table.is_healthy(log.entry) && log.observed.n_cycles >= LONG_CYCLES);
    let loud = long.map(|log| above_hint(log.observed, &log.entry.path)).max_by_key(Vec::len).unwrap_or_default();
    budgets.push(Budget::of("findings above Hint on the worst recorded healthy log of 1,000 cycles", 5, loud));
    let calm = calm::logs().into_iter().map(|(name, log)| (name, Observed::of(log.as_bytes())));
    let loud = calm.map(|(name, observed)| above_hint(&observed, &name)).max_by_key(Vec::len).unwrap_or_default();
    budgets.push(Budget::of("findings above Hint on the worst of the made calm logs of 1,000 cycles", 5, loud));
    budgets
}

fn harmless_called_leaks(judged: &[Judged]) -> Vec<String> {
    let harmless = judged.iter().filter(|log| {
        log.entry.labels.iter().all(|list| list.iter().any(|label| HARMLESS.contains(&label.as_str())))
            && !log.entry.has_label(|label| label.starts_with("leak."))
    });
    let calls = |log: &Judged| {
        let findings = log.observed.findings.iter().filter(|seen| LEAK_RULES.contains(&seen.code));
        findings.map(|seen| format!("{}:{} {}", log.entry.path, seen.line, seen.code)).collect::<Vec<_>>()
    };
    harmless.flat_map(calls).collect()
}

fn leaks_without_verdict(judged: &[Judged]) -> Vec<String> {
    let is_long = |log: &&Judged| {
        let facts = &log.observed.facts;
        log.entry.wrapper == "none" && facts.seconds >= LEAK_SECONDS && facts.late_cycles >= LEAK_LATE_CYCLES
    };
    let leaks = judged.iter().filter(|log| log.entry.has_label(|label| label.starts_with("leak."))).filter(is_long);
    let silent = leaks.filter(|log| !LEAK_RULES.iter().any(|code| log.observed.fired(code)));
    silent.map(|log| log.entry.path.clone()).collect()
}

fn waiting_without_reason(judged: &[Judged]) -> Vec<String> {
    let leaks = judged.iter().filter(|log| {
        let facts = &log.observed.facts;
        let is_long = facts.detail_samples >= LEAK_DETAIL_SAMPLES && facts.sample_seconds >= 30.0;
        is_long && log.entry.wrapper == "none" && log.entry.has_label(|label| label == "leak.goroutine")
    });
    let names_reason = |log: &&Judged| {
        // As in `48 % in "chan send"`.
        let mut found = log.observed.findings.iter().filter(|seen| seen.code == "SC110");
        found.any(|seen| seen.message.contains('"') || seen.message.contains('“') || seen.message.contains('`'))
    };
    leaks.filter(|log| !names_reason(log)).map(|log| log.entry.path.clone()).collect()
}

fn culprits_not_named(judged: &[Judged]) -> Vec<String> {
    let known = judged.iter().filter_map(|log| Some((log, log.entry.culprit?)));
    let is_named = |log: &Judged, culprit: u64| {
        let name = format!("G{culprit}");
        let words = |message: &str| message.split(|char: char| !char.is_alphanumeric()).any(|word| word == name);
        log.observed.findings.iter().any(|seen| seen.code == "SC116" && words(&seen.message))
    };
    let silent = known.filter(|(log, culprit)| !is_named(log, *culprit));
    silent.map(|(log, culprit)| format!("{}: G{culprit}", log.entry.path)).collect()
}

/// The longest logs of which the labels say nothing but that they are healthy. Where these are fewer than a hundred,
/// those follow whose machine was busy, the one with the shortest longest pause first.
fn healthiest(table: &Expectations, judged: &[Judged]) -> [Budget; 2] {
    let mut logs: Vec<&Judged> = judged.iter().filter(|log| table.is_healthy(log.entry)).collect();
    let n_rows = |log: &Judged| log.observed.n_cycles + log.observed.facts.samples as usize;
    let noise_ms = |log: &Judged| if table.is_calm(log.entry) { 0.0 } else { log.observed.facts.pause_ms };
    logs.sort_by(|a, b| {
        let by_noise = table.is_calm(b.entry).cmp(&table.is_calm(a.entry)).then(noise_ms(a).total_cmp(&noise_ms(b)));
        by_noise.then(n_rows(b).cmp(&n_rows(a))).then_with(|| a.entry.path.cmp(&b.entry.path))
    });
    logs.truncate(N_HEALTHIEST);
    let of = |severity: Severity| {
        let all = logs.iter().flat_map(|log| log.observed.findings.iter().map(move |seen| (log, seen)));
        let these = all.filter(|(_, seen)| seen.is_default && seen.severity == severity);
        these.map(|(log, seen)| format!("{}:{} {}", log.entry.path, seen.line, seen.code)).collect()
    };
    [
        Budget::of("errors in the 100 healthiest logs", 0, of(Severity::Error)),
        Budget::of("warnings in the 100 healthiest logs", 10, of(Severity::Warning)),
    ]
}

fn above_hint(observed: &Observed, name: &str) -> Vec<String> {
    let shown = observed.findings.iter().filter(|seen| seen.is_default && seen.severity > Severity::Hint);
    shown.map(|seen| format!("{name}:{} {}", seen.line, seen.code)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::corpus::Entry;
    use crate::judge::judge;
    use crate::observe::{Facts, Seen};

    fn entry(path: &str, labels: &[&str]) -> Entry {
        Entry {
            path: path.into(),
            file: path.into(),
            go: Some((1, 22)),
            labels: vec![labels.iter().map(|label| (*label).to_owned()).collect()],
            wrapper: "none".into(),
            expected: [].into(),
            culprit: None,
        }
    }

    fn fired(code: &'static str, severity: Severity, message: &str) -> Observed {
        let seen = Seen { code, line: 3, severity, message: message.into(), is_default: true };
        let facts = Facts { cycles: 90.0, seconds: 80.0, late_cycles: 40.0, ..Facts::default() };
        Observed { facts, n_cycles: 90, findings: vec![seen], ..Observed::default() }
    }

    /// The figures of the promises that are not kept, for one log.
    fn broken(entry: &Entry, observed: &Observed) -> Vec<(&'static str, Vec<String>)> {
        let table = Expectations::read().unwrap();
        let budgets = budgets(&table, &[judge(&table, entry, observed)]);
        budgets.into_iter().filter(|budget| !budget.is_kept()).map(|budget| (budget.name, budget.which)).collect()
    }

    #[test]
    fn a_harmless_run_is_not_called_a_leak() {
        let leak = fired("GC101", Severity::Warning, "");
        let expected = [("harmless runs that are called a leak", vec!["a:3 GC101".to_owned()])];
        assert_eq!(broken(&entry("a", &["spike", "not_leak"]), &leak), expected);
        assert_eq!(broken(&entry("a", &["leak.heap"]), &leak), []);
    }

    #[test]
    fn a_long_leak_gets_a_verdict() {
        let pause = fired("GC301", Severity::Warning, "");
        let expected = [("long leaks without a verdict", vec!["a".to_owned()])];
        assert_eq!(broken(&entry("a", &["leak.heap"]), &pause), expected);
        let short = Observed { facts: Facts { seconds: 59.0, ..pause.facts.clone() }, ..pause };
        assert_eq!(broken(&entry("a", &["leak.heap"]), &short), []);
    }

    #[test]
    fn who_keeps_the_world_from_stopping_is_named_by_its_number() {
        let culprit = Entry { culprit: Some(23), ..entry("a", &["stw.no_preempt"]) };
        assert_eq!(broken(&culprit, &fired("SC116", Severity::Warning, "the world waits; G23 on M2/P1 runs.")), []);
        let other = fired("SC116", Severity::Warning, "the world waits; G231 on M2/P1 runs.");
        assert_eq!(broken(&culprit, &other)[0].1, ["a: G23"]);
    }

    #[test]
    fn no_error_stands_in_a_healthy_log() {
        let broken = broken(&entry("a", &["healthy"]), &fired("GC403", Severity::Error, ""));
        assert_eq!(broken, [("errors in the 100 healthiest logs", vec!["a:3 GC403".to_owned()])]);
    }
}
