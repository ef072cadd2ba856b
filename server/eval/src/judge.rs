//! What the rules said about a log, held against what its labels mean.

use std::collections::{BTreeMap, BTreeSet};

use ide::rules::{RULES, Severity};

use crate::corpus::Entry;
use crate::labels::{Demand, Expectations, Opinion, Shown};
use crate::observe::{Observed, Seen};

/// What became of something that a label demands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Outcome {
    /// A rule that was asked for fired.
    Found,
    /// None did.
    Missed,
    /// The log shows too little, or the rule says that it lacks data.
    TooShort,
    /// None of the rules exists.
    NotBuilt,
}

/// A demand of a label, and what became of it.
#[derive(Clone, Debug)]
pub struct Asked {
    /// The label.
    pub label: String,
    /// The rules of which one was asked for.
    pub any: Vec<String>,
    /// What became of it.
    pub outcome: Outcome,
    /// What is missing, or what rules say why they are silent.
    pub why: String,
}

/// A finding that labels say something about, or that none says anything about.
#[derive(Clone, Debug)]
pub struct Weighed {
    /// The finding.
    pub seen: Seen,
    /// What is to be thought of it.
    pub opinion: Opinion,
}

/// A log, judged.
#[derive(Clone, Debug)]
pub struct Judged<'a> {
    /// The log.
    pub entry: &'a Entry,
    /// What it shows.
    pub observed: &'a Observed,
    /// Findings, in the order of lines.
    pub findings: Vec<Weighed>,
    /// Demands, in the order of labels.
    pub asked: Vec<Asked>,
}

/// Whether a rule of this code exists.
pub fn is_built(code: &str) -> bool {
    RULES.iter().any(|rule| rule.code == code)
}

/// Judges a log.
pub fn judge<'a>(table: &Expectations, entry: &'a Entry, observed: &'a Observed) -> Judged<'a> {
    let weigh = |seen: &Seen| {
        let opinion = match table.opinion(entry, seen.code) {
            // A hint says that something is so, not that it is wrong.
            Opinion::Wrong if seen.severity == Severity::Hint => Opinion::None,
            opinion => opinion,
        };
        Weighed { seen: seen.clone(), opinion }
    };
    let mut asked: Vec<Asked> = Vec::new();
    for list in &entry.labels {
        for label in list {
            let Some(expected) = table.of_label(label) else { continue };
            let is_excepted = |demand: &&Demand| demand.unless.as_ref().is_some_and(|other| list.contains(other));
            let demands = expected.must.iter().filter(|demand| !is_excepted(demand));
            let of_label: Vec<Asked> =
                demands.filter_map(|demand| ask(table, entry, observed, label, demand)).collect();
            // Demands of a label are about logs of different kinds: one that can be judged leaves none too short.
            let is_judged = of_label.iter().any(|asked| matches!(asked.outcome, Outcome::Found | Outcome::Missed));
            asked.extend(of_label.into_iter().filter(|asked| !is_judged || asked.outcome != Outcome::TooShort));
        }
    }
    for (code, words) in &entry.expected {
        let says = |seen: &Seen| seen.code == code && seen.message.contains(words.as_str());
        let outcome = match outcome_of([code], observed) {
            Outcome::Found if !observed.findings.iter().any(says) => Outcome::Missed,
            outcome => outcome,
        };
        let why = why_silent(&[code.as_str()], observed);
        asked.push(Asked { label: format!("expected {code}"), any: vec![code.clone()], outcome, why });
    }
    Judged { entry, observed, findings: observed.findings.iter().map(weigh).collect(), asked }
}

fn ask(table: &Expectations, entry: &Entry, observed: &Observed, label: &str, demand: &Demand) -> Option<Asked> {
    let done = |outcome, why| Some(Asked { label: label.to_owned(), any: demand.any.clone(), outcome, why });
    let shown = demand.met_by(&observed.facts, entry.go);
    let outcome = outcome_of(&demand.any, observed);
    if matches!(outcome, Outcome::Found | Outcome::NotBuilt) {
        return done(outcome, String::new());
    }
    match shown {
        Shown::NotAtAll => None,
        Shown::TooLittle => done(Outcome::TooShort, format!("needs {}", demand.needs_in_words())),
        Shown::Enough if table.of_wrapper(&entry.wrapper).is_some_and(|wrapper| wrapper.loses) => {
            done(Outcome::TooShort, "a part of the log is lost".to_owned())
        }
        // Amounts are those of the largest run, which may be another one's.
        Shown::Enough
            if !demand.needs.is_empty() && !entry.labels.iter().all(|list| list.iter().any(|l| l == label)) =>
        {
            done(Outcome::TooShort, "one of several runs".to_owned())
        }
        Shown::Enough => {
            let codes: Vec<&str> = demand.any.iter().map(String::as_str).collect();
            let why = why_silent(&codes, observed);
            // A demand that names amounts says itself how much is enough.
            let outcome = if demand.needs.is_empty() { outcome } else { Outcome::Missed };
            done(outcome, why)
        }
    }
}

/// What became of asking for one of these rules, whatever the log shows.
fn outcome_of<S: AsRef<str>>(any: impl IntoIterator<Item = S>, observed: &Observed) -> Outcome {
    let mut best = Outcome::NotBuilt;
    for code in any {
        let code = code.as_ref();
        let too_short = observed.silent.iter().any(|silent| silent.code == code && silent.is_too_short);
        best = best.min(match () {
            () if observed.fired(code) => Outcome::Found,
            () if !is_built(code) => Outcome::NotBuilt,
            () if too_short => Outcome::TooShort,
            () => Outcome::Missed,
        });
    }
    best
}

fn why_silent(codes: &[&str], observed: &Observed) -> String {
    let named = observed.silent.iter().filter(|silent| codes.contains(&silent.code));
    let words: BTreeSet<String> = named.map(|silent| format!("{}: {}", silent.code, silent.why)).collect();
    words.into_iter().collect::<Vec<_>>().join("; ")
}

impl Judged<'_> {
    /// What became of each rule that was asked for: found where it fired, missed where none of its demand did.
    pub fn by_rule(&self) -> BTreeMap<&str, Outcome> {
        let mut rules: BTreeMap<&str, Outcome> = BTreeMap::new();
        for asked in &self.asked {
            for code in asked.any.iter().filter(|code| is_built(code)) {
                let outcome = match asked.outcome {
                    // Another rule of the demand answered.
                    Outcome::Found if !self.observed.fired(code) => continue,
                    outcome => outcome,
                };
                let best = rules.entry(code).or_insert(outcome);
                *best = outcome.min(*best);
            }
        }
        rules
    }

    /// The labels, each once, in their order.
    pub fn labels(&self) -> Vec<&str> {
        let mut labels: Vec<&str> = Vec::new();
        for label in self.entry.labels.iter().flatten() {
            if !labels.contains(&label.as_str()) {
                labels.push(label);
            }
        }
        labels
    }

    /// What became of what a label asks for, all demands together; none where it asks for nothing that this log shows.
    pub fn of_label(&self, label: &str) -> Option<Outcome> {
        let outcomes = || self.asked.iter().filter(|asked| asked.label == label).map(|asked| asked.outcome);
        let is_missed = outcomes().any(|outcome| outcome == Outcome::Missed);
        if is_missed { Some(Outcome::Missed) } else { outcomes().min() }
    }

    /// Its labels as tables name them.
    pub fn labels_in_words(&self) -> String {
        let lists = self.entry.labels.iter().map(|list| list.join(" "));
        lists.collect::<Vec<_>>().join(" / ")
    }

    /// Findings that labels say are wrong.
    pub fn wrong(&self) -> impl Iterator<Item = &Seen> {
        self.findings.iter().filter(|weighed| weighed.opinion == Opinion::Wrong).map(|weighed| &weighed.seen)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observe::{Facts, Silent};

    fn entry(labels: &[&str], wrapper: &str) -> Entry {
        Entry {
            path: "a.log".into(),
            file: "a.log".into(),
            go: Some((1, 22)),
            labels: vec![labels.iter().map(|label| (*label).to_owned()).collect()],
            wrapper: wrapper.into(),
            expected: [].into(),
            culprit: None,
        }
    }

    fn seen(code: &'static str, severity: Severity) -> Seen {
        Seen { code, line: 7, severity, message: String::new(), is_default: true }
    }

    fn outcomes(entry: &Entry, observed: &Observed) -> Vec<(String, Outcome)> {
        let table = Expectations::read().unwrap();
        judge(&table, entry, observed).asked.iter().map(|asked| (asked.any.join(" "), asked.outcome)).collect()
    }

    fn long() -> Facts {
        Facts { cycles: 400.0, seconds: 90.0, late_cycles: 200.0, ..Facts::default() }
    }

    #[test]
    fn a_leak_that_a_long_log_shows_is_found_or_missed() {
        let found = Observed { facts: long(), findings: vec![seen("GC101", Severity::Warning)], ..Observed::default() };
        assert_eq!(outcomes(&entry(&["leak.heap"], "none"), &found), [("GC101".into(), Outcome::Found)]);
        let why = Silent { code: "GC101", is_too_short: true, why: "cycles: 38 (≥ 40 needed)".into() };
        let silent = Observed { facts: long(), silent: vec![why], ..Observed::default() };
        assert_eq!(outcomes(&entry(&["leak.heap"], "none"), &silent), [("GC101".into(), Outcome::Missed)]);
    }

    #[test]
    fn short_logs_and_lost_parts_are_no_misses() {
        let short = Observed { facts: Facts { cycles: 60.0, seconds: 4.0, ..long() }, ..Observed::default() };
        assert_eq!(outcomes(&entry(&["leak.heap"], "none"), &short)[0].1, Outcome::TooShort);
        let lost = Observed { facts: long(), ..Observed::default() };
        assert_eq!(outcomes(&entry(&["leak.heap"], "rotated"), &lost)[0].1, Outcome::TooShort);
        // No cycles at all: the label cannot be seen in this log.
        assert_eq!(outcomes(&entry(&["leak.heap"], "none"), &Observed::default()), []);
    }

    #[test]
    fn a_rule_that_lacks_data_is_excused_only_where_the_table_names_no_amounts() {
        let why = Silent { code: "LG105", is_too_short: true, why: String::new() };
        let observed = Observed { silent: vec![why], ..Observed::default() };
        assert_eq!(outcomes(&entry(&["torn"], "none"), &observed), [("LG105".into(), Outcome::TooShort)]);
        assert_eq!(outcomes(&entry(&["torn"], "none"), &Observed::default())[0].1, Outcome::Missed);
    }

    #[test]
    fn a_rule_that_is_expected_has_to_say_the_words() {
        let mut observed = Observed { findings: vec![seen("SC110", Severity::Warning)], ..Observed::default() };
        let expected = [("SC110".to_owned(), "chan send".to_owned())].into();
        let entry = Entry { expected, ..entry(&[], "none") };
        assert_eq!(outcomes(&entry, &observed), [("SC110".into(), Outcome::Missed)]);
        observed.findings[0].message = "97 % in \"chan send\"".into();
        assert_eq!(outcomes(&entry, &observed), [("SC110".into(), Outcome::Found)]);
    }

    #[test]
    fn hints_are_never_wrong() {
        let table = Expectations::read().unwrap();
        let findings = vec![seen("GC101", Severity::Hint), seen("GC101", Severity::Info)];
        let observed = Observed { findings, ..Observed::default() };
        let entry = entry(&["healthy"], "none");
        let opinions: Vec<Opinion> = judge(&table, &entry, &observed).findings.iter().map(|w| w.opinion).collect();
        assert_eq!(opinions, [Opinion::None, Opinion::Wrong]);
    }

    #[test]
    fn a_demand_is_not_made_where_another_label_excepts_it() {
        let observed = Observed { facts: Facts { forced_cycles: 9.0, ..long() }, ..Observed::default() };
        assert_eq!(outcomes(&entry(&["gc.forced"], "none"), &observed)[0].1, Outcome::Missed);
        assert_eq!(outcomes(&entry(&["gc.forced", "interleaved"], "none"), &observed), []);
    }

    #[test]
    fn another_rule_that_answers_a_demand_is_no_miss_of_this_one() {
        let table = Expectations::read().unwrap();
        let facts = Facts { cycles: 12.0, seconds: 80.0, late_cycles: 4.0, ..Facts::default() };
        let observed = Observed { facts, findings: vec![seen("GC104", Severity::Warning)], ..Observed::default() };
        let entry = entry(&["leak.heap"], "none");
        assert_eq!(judge(&table, &entry, &observed).by_rule(), BTreeMap::from([("GC104", Outcome::Found)]));
    }
}
