//! What labels mean for rules, read from `labels.toml`.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use crate::corpus::Entry;
use crate::observe::Facts;

/// The table.
const TABLE: &str = include_str!("../labels.toml");

/// What is expected of the rules, by label and by wrapper.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Expectations {
    /// Lists of rules that share a name.
    groups: BTreeMap<String, Vec<String>>,
    /// What holds for every log whose labels do not say otherwise.
    every: Expected,
    /// By label.
    labels: BTreeMap<String, Expected>,
    /// By what was done to the log afterwards.
    wrappers: BTreeMap<String, Expected>,
    /// Rules of which at most one is right.
    #[serde(default)]
    contradictions: Vec<[String; 2]>,
    /// Labels that are not true.
    #[serde(default)]
    corrections: Vec<Correction>,
}

/// A label of one log that reading the log proved wrong.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Correction {
    path: String,
    without: String,
    why: String,
}

/// What is expected of the rules where a label stands.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Expected {
    /// The label in words.
    #[serde(default)]
    pub means: String,
    /// Whether nothing at all happens in such a run: what is found there is held against its number of cycles.
    #[serde(default)]
    pub calm: bool,
    /// Whether a part of the log is lost, so that what is demanded may stand in that part.
    #[serde(default)]
    pub loses: bool,
    /// What has to be found.
    #[serde(default)]
    pub must: Vec<Demand>,
    /// Rules that are right when they speak up, and are not asked to.
    #[serde(default)]
    may: Vec<Named>,
    /// Rules that are wrong when they say more than a hint.
    #[serde(default)]
    must_not: Vec<Named>,
}

/// Rules, and the reason why they stand in a list.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Named {
    rules: Vec<String>,
    why: String,
}

/// Something that has to be found.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Demand {
    /// One of these rules has to fire.
    pub any: Vec<String>,
    /// Where the log shows as much as one of these; always when there is none.
    #[serde(default)]
    pub needs: Vec<Needs>,
    /// Not where this label stands too.
    pub unless: Option<String>,
    /// Why.
    pub why: String,
}

/// Amounts that a log has to show before a demand is made. See [`Facts`] for units.
#[derive(Clone, Debug, Default, Deserialize, PartialEq)]
#[serde(default, deny_unknown_fields)]
pub struct Needs {
    cycles: Option<f64>,
    fewer_cycles_than: Option<f64>,
    seconds: Option<f64>,
    late_cycles: Option<f64>,
    forced_cycles: Option<f64>,
    timer_cycles: Option<f64>,
    pause_ms: Option<f64>,
    samples: Option<f64>,
    sample_seconds: Option<f64>,
    detail_samples: Option<f64>,
    goroutines: Option<f64>,
    /// Minor releases of Go 1, from and to.
    go: Option<(u32, u32)>,
}

/// Whether a log shows what a demand needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Shown {
    /// It has no such lines at all, or comes from another release.
    NotAtAll,
    /// It has too little of it.
    TooLittle,
    /// It does.
    Enough,
}

impl Needs {
    fn met_by(&self, facts: &Facts, go: Option<(u32, u32)>) -> Shown {
        if let Some((from, to)) = self.go
            && !go.is_some_and(|(major, minor)| major == 1 && (from..=to).contains(&minor))
        {
            return Shown::NotAtAll;
        }
        if self.fewer_cycles_than.is_some_and(|below| facts.cycles >= below) {
            return Shown::NotAtAll;
        }
        self.amounts(facts)
            .into_iter()
            .filter_map(|(_, needed, seen)| Some((needed?, seen)))
            .map(|(needed, seen)| match seen {
                seen if seen >= needed => Shown::Enough,
                seen if seen > 0.0 => Shown::TooLittle,
                _ => Shown::NotAtAll,
            })
            .min()
            .unwrap_or(Shown::Enough)
    }

    fn amounts(&self, facts: &Facts) -> [(&'static str, Option<f64>, f64); 10] {
        [
            ("cycles", self.cycles, facts.cycles),
            ("s of cycles", self.seconds, facts.seconds),
            ("cycles in the second half", self.late_cycles, facts.late_cycles),
            ("forced cycles", self.forced_cycles, facts.forced_cycles),
            ("timer cycles", self.timer_cycles, facts.timer_cycles),
            ("ms of pause", self.pause_ms, facts.pause_ms),
            ("samples", self.samples, facts.samples),
            ("s of samples", self.sample_seconds, facts.sample_seconds),
            ("samples with goroutines", self.detail_samples, facts.detail_samples),
            ("goroutines in a dump", self.goroutines, facts.goroutines),
        ]
    }

    fn in_words(&self) -> String {
        let amounts = self.amounts(&Facts::default());
        let mut words: Vec<String> =
            amounts.iter().filter_map(|(unit, needed, _)| Some(format!("{} {unit}", (*needed)?))).collect();
        words.extend(self.fewer_cycles_than.map(|below| format!("fewer than {below} cycles")));
        words.extend(self.go.map(|(from, to)| format!("Go 1.{from} to 1.{to}")));
        words.join(", ")
    }
}

impl Demand {
    /// Whether the log shows enough for one of the alternatives.
    pub fn met_by(&self, facts: &Facts, go: Option<(u32, u32)>) -> Shown {
        self.needs.iter().map(|needs| needs.met_by(facts, go)).max().unwrap_or(Shown::Enough)
    }

    /// What is needed.
    pub fn needs_in_words(&self) -> String {
        self.needs.iter().map(Needs::in_words).collect::<Vec<_>>().join(", or ")
    }
}

/// What labels say about a rule that fired.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Opinion {
    /// The labels explain it.
    Right,
    /// It says what is not so.
    Wrong,
    /// They say nothing about it.
    None,
}

impl Expected {
    fn explains(&self, code: &str) -> bool {
        self.must.iter().any(|demand| demand.any.iter().any(|rule| rule == code)) || names(&self.may, code)
    }

    /// Its lists of names with the groups in them replaced by their rules.
    fn resolve(&mut self, groups: &BTreeMap<String, Vec<String>>) -> Result<(), String> {
        let lists = self.may.iter_mut().chain(&mut self.must_not).map(|named| &mut named.rules);
        for list in lists.chain(self.must.iter_mut().map(|demand| &mut demand.any)) {
            *list = expanded(list, groups)?;
        }
        Ok(())
    }

    /// Whether every list names rules and a reason.
    fn is_complete(&self) -> bool {
        let named = self.may.iter().chain(&self.must_not).map(|named| (&named.rules, &named.why));
        let demands = self.must.iter().map(|demand| (&demand.any, &demand.why));
        named.chain(demands).all(|(rules, why)| !rules.is_empty() && !why.is_empty())
    }
}

/// The names with their groups replaced by what stands in them. A group may name those above it.
fn expanded(names: &[String], groups: &BTreeMap<String, Vec<String>>) -> Result<Vec<String>, String> {
    let mut rules = Vec::new();
    for name in names {
        match groups.get(name) {
            Some(group) if group.contains(name) => return Err(format!("labels.toml: group \"{name}\" names itself")),
            Some(group) => rules.extend(expanded(group, groups)?),
            None if is_code(name) => rules.push(name.clone()),
            None => return Err(format!("labels.toml: \"{name}\" is neither a group nor a rule's code")),
        }
    }
    Ok(rules)
}

fn names(lists: &[Named], code: &str) -> bool {
    lists.iter().any(|named| named.rules.iter().any(|rule| rule == code))
}

fn is_code(name: &str) -> bool {
    name.len() == 5
        && name[..2].bytes().all(|b| b.is_ascii_uppercase())
        && name[2..].bytes().all(|b| b.is_ascii_digit())
}

impl Expectations {
    /// Those of `labels.toml`.
    ///
    /// # Errors
    /// What in the table is wrong.
    pub fn read() -> Result<Self, String> {
        Self::parse(TABLE)
    }

    fn parse(table: &str) -> Result<Self, String> {
        let mut read: Self = toml::from_str(table).map_err(|error| format!("read labels.toml: {error}"))?;
        let groups = read.groups.clone();
        let all = read.labels.values_mut().chain(read.wrappers.values_mut()).chain([&mut read.every]);
        for expected in all {
            expected.resolve(&groups)?;
            if !expected.is_complete() {
                return Err(format!("labels.toml: a list without rules or without a reason: {}", expected.means));
            }
        }
        match read.corrections.iter().find(|correction| correction.why.is_empty()) {
            Some(correction) => Err(format!("labels.toml: a correction without a reason: {}", correction.path)),
            None => Ok(read),
        }
    }

    /// Takes labels away that are not true.
    pub fn correct(&self, entries: &mut [Entry]) {
        for entry in entries {
            for correction in self.corrections.iter().filter(|correction| correction.path == entry.path) {
                entry.labels.iter_mut().for_each(|list| list.retain(|label| *label != correction.without));
            }
        }
    }

    /// What a label expects.
    pub fn of_label(&self, label: &str) -> Option<&Expected> {
        self.labels.get(label)
    }

    /// What the way expects in which a log was changed.
    pub fn of_wrapper(&self, wrapper: &str) -> Option<&Expected> {
        self.wrappers.get(wrapper)
    }

    /// Labels of an entry that the table does not know.
    pub fn unknown<'a>(&self, entry: &'a Entry) -> Vec<&'a str> {
        let all = entry.labels.iter().flatten().map(String::as_str);
        all.filter(|label| !self.labels.contains_key(*label)).collect()
    }

    fn is_calm_label(&self, label: &str) -> bool {
        self.labels.get(label).is_some_and(|expected| expected.calm)
    }

    /// Whether nothing happens in any run of a log, whatever its machine did.
    pub fn is_healthy(&self, entry: &Entry) -> bool {
        entry.labels.iter().all(|list| list.iter().any(|label| self.is_calm_label(label)))
    }

    /// Whether nothing else is said of a log either.
    pub fn is_calm(&self, entry: &Entry) -> bool {
        self.is_healthy(entry) && entry.labels.iter().flatten().all(|label| self.is_calm_label(label))
    }

    /// What is to be thought of a rule that fired on a log. Of a log made of several runs each may explain it; it is
    /// wrong when none of them can.
    pub fn opinion(&self, entry: &Entry, code: &str) -> Opinion {
        let is_expected = |rule: &String| entry.expected.contains_key(rule);
        if entry.expected.contains_key(code) {
            return Opinion::Right;
        }
        if self.contradictions.iter().any(|pair| pair.iter().any(|rule| rule == code) && pair.iter().any(is_expected)) {
            return Opinion::Wrong;
        }
        let wrapper = self.wrappers.get(&entry.wrapper);
        let of_list = |labels: &Vec<String>| {
            // Nobody said what the program did.
            if labels.is_empty() {
                return Opinion::None;
            }
            let known = || labels.iter().filter_map(|label| self.labels.get(label)).chain(wrapper);
            if known().any(|expected| expected.explains(code)) || self.every.explains(code) {
                Opinion::Right
            } else if known().chain([&self.every]).any(|expected| names(&expected.must_not, code)) {
                Opinion::Wrong
            } else {
                Opinion::None
            }
        };
        let opinions: Vec<Opinion> = entry.labels.iter().map(of_list).collect();
        if opinions.contains(&Opinion::Right) {
            Opinion::Right
        } else if opinions.iter().all(|opinion| *opinion == Opinion::Wrong) {
            Opinion::Wrong
        } else {
            Opinion::None
        }
    }

    /// All codes that the table names.
    pub fn codes(&self) -> BTreeSet<&str> {
        let all = self.labels.values().chain(self.wrappers.values()).chain([&self.every]);
        let lists = all.flat_map(|expected| {
            let named = expected.may.iter().chain(&expected.must_not).map(|named| &named.rules);
            named.chain(expected.must.iter().map(|demand| &demand.any))
        });
        lists.flatten().map(String::as_str).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::corpus;

    fn of(table: &str) -> Expectations {
        Expectations::parse(&format!("[groups]\nleaks = [\"GC101\", \"GC107\"]\n[every]\n[wrappers]\n{table}")).unwrap()
    }

    fn entry(labels: &[&[&str]]) -> Entry {
        Entry {
            path: "a.log".into(),
            file: "a.log".into(),
            go: Some((1, 22)),
            labels: labels.iter().map(|list| list.iter().map(|label| (*label).to_owned()).collect()).collect(),
            wrapper: "none".into(),
            expected: [].into(),
            culprit: None,
        }
    }

    const TABLE: &str = r#"
        [labels.flat]
        must_not = [{ rules = ["leaks", "GC301"], why = "nothing grows" }]
        [labels.busy]
        may = [{ rules = ["GC301"], why = "the machine" }]
        [labels.leak]
        must = [{ any = ["leaks"], needs = [{ cycles = 40, seconds = 30 }, { cycles = 10, seconds = 60 }], why = "it grows" }]
    "#;

    #[test]
    fn a_label_that_explains_a_finding_outweighs_one_that_forbids_it() {
        let table = of(TABLE);
        assert_eq!(table.opinion(&entry(&[&["flat"]]), "GC301"), Opinion::Wrong);
        assert_eq!(table.opinion(&entry(&[&["flat", "busy"]]), "GC301"), Opinion::Right);
        assert_eq!(table.opinion(&entry(&[&["flat"]]), "GC302"), Opinion::None);
        assert_eq!(table.opinion(&entry(&[&["flat"]]), "GC107"), Opinion::Wrong);
    }

    #[test]
    fn of_several_runs_each_may_explain_a_finding() {
        let table = of(TABLE);
        assert_eq!(table.opinion(&entry(&[&["flat"], &["leak"]]), "GC101"), Opinion::Right);
        assert_eq!(table.opinion(&entry(&[&["flat"], &["busy"]]), "GC101"), Opinion::None);
        assert_eq!(table.opinion(&entry(&[&["flat"], &["flat"]]), "GC101"), Opinion::Wrong);
    }

    #[test]
    fn a_demand_is_made_where_the_log_shows_enough_for_one_alternative() {
        let table = of(TABLE);
        let demand = &table.of_label("leak").unwrap().must[0];
        let met = |cycles, seconds| demand.met_by(&Facts { cycles, seconds, ..Facts::default() }, None);
        assert_eq!(met(45.0, 31.0), Shown::Enough);
        assert_eq!(met(12.0, 61.0), Shown::Enough);
        assert_eq!(met(12.0, 31.0), Shown::TooLittle);
        // Releases before 1.5 print no time.
        assert_eq!(met(45.0, 0.0), Shown::NotAtAll);
        assert_eq!(demand.needs_in_words(), "40 cycles, 30 s of cycles, or 10 cycles, 60 s of cycles");
    }

    #[test]
    fn releases_and_upper_bounds_say_whom_a_demand_is_made_of() {
        let needs = Needs { go: Some((6, 99)), goroutines: Some(1.0), ..Needs::default() };
        let facts = Facts { goroutines: 9.0, ..Facts::default() };
        assert_eq!(needs.met_by(&facts, Some((1, 22))), Shown::Enough);
        assert_eq!(needs.met_by(&facts, Some((1, 4))), Shown::NotAtAll);
        assert_eq!(needs.met_by(&facts, None), Shown::NotAtAll);
        let few = Needs { cycles: Some(10.0), fewer_cycles_than: Some(40.0), ..Needs::default() };
        let met = |cycles| few.met_by(&Facts { cycles, ..Facts::default() }, None);
        assert_eq!((met(9.0), met(39.0), met(40.0)), (Shown::TooLittle, Shown::Enough, Shown::NotAtAll));
    }

    #[test]
    fn a_log_without_labels_is_judged_by_the_rule_that_is_expected_only() {
        let table = Expectations::read().unwrap();
        assert_eq!(table.opinion(&entry(&[&[]]), "GR101"), Opinion::None);
        let expected = Entry { expected: [("GC802".into(), String::new())].into(), ..entry(&[&[]]) };
        let opinions = ["GC802", "GC801", "GC301"].map(|code| table.opinion(&expected, code));
        assert_eq!(opinions, [Opinion::Right, Opinion::Wrong, Opinion::None]);
    }

    #[test]
    fn a_label_that_is_not_true_is_taken_away_from_its_log_only() {
        let table = of(&format!("{TABLE}\n[[corrections]]\npath = \"a.log\"\nwithout = \"busy\"\nwhy = \"read\""));
        let mut entries = [entry(&[&["flat", "busy"]]), Entry { path: "b.log".into(), ..entry(&[&["flat", "busy"]]) }];
        table.correct(&mut entries);
        assert_eq!(entries.map(|entry| entry.labels[0].len()), [1, 2]);
    }

    #[test]
    fn names_that_are_no_rules_are_found() {
        let wrong = "[groups]\n[every]\n[wrappers]\n[labels.a]\nmay = [{ rules = [\"leeks\"], why = \"x\" }]";
        let error = Expectations::parse(wrong).unwrap_err();
        assert_eq!(error, "labels.toml: \"leeks\" is neither a group nor a rule's code");
    }

    #[test]
    fn the_table_knows_every_label_of_the_committed_corpus() {
        let table = Expectations::read().unwrap();
        let entries = corpus::entries(&[corpus::committed()]).unwrap();
        let unknown: BTreeSet<&str> = entries.iter().flat_map(|entry| table.unknown(entry)).collect();
        assert_eq!(unknown, BTreeSet::new());
    }
}
