//! Figures over all judged logs, and the Markdown that shows them.
//!
//! Counts are logs, not findings: a rule that fires twice on a log is right or wrong about it once. Percentages are made
//! from the counts when a table is written and are never read back.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use ide::rules::RULES;

use crate::budgets::Budget;
use crate::judge::{Judged, Outcome, is_built};
use crate::labels::{Expectations, Opinion};
use crate::observe::Seen;
use crate::stats::Share;

/// Logs that are named as examples of those too short to judge.
const N_EXAMPLES: usize = 2;

/// Everything that is compared with the committed table.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Figures {
    /// Logs.
    pub n_logs: usize,
    /// Collections in logs of which the labels say that nothing happens.
    pub healthy_cycles: usize,
    /// Wrong findings in those logs.
    pub healthy_wrong: usize,
    /// All findings above Hint in those logs.
    pub healthy_shown: usize,
    /// By code of the rule.
    pub rules: BTreeMap<String, RuleFigures>,
    /// By label.
    pub labels: BTreeMap<String, LabelFigures>,
    /// Promises: how many there are, and how many there may be.
    pub budgets: BTreeMap<String, (usize, usize)>,
}

/// How right a rule is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RuleFigures {
    /// Logs on which it fired and the labels explain it.
    pub right: usize,
    /// Logs on which it fired and the labels say that it is not so.
    pub wrong: usize,
    /// Logs on which it fired and the labels say nothing about it.
    pub unjudged: usize,
    /// Logs of which a label asks for it, and it fired.
    pub found: usize,
    /// Logs of which a label asks for it, and neither it nor another rule that would do fired.
    pub missed: usize,
    /// Logs of which a label asks for it, and that are too short.
    pub too_short: usize,
}

impl RuleFigures {
    /// How often it is right when it fires.
    pub const fn precision(&self) -> Share {
        Share::of(self.right, self.wrong)
    }

    /// How often it fires when it is asked for.
    pub const fn recall(&self) -> Share {
        Share::of(self.found, self.missed)
    }
}

/// What is found of what a label asks for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LabelFigures {
    /// Logs with the label.
    pub logs: usize,
    /// Logs on which everything was found that it asks for.
    pub found: usize,
    /// Logs on which something was not.
    pub missed: usize,
    /// Logs that are too short for all of it.
    pub too_short: usize,
    /// Wrong findings on logs with this label.
    pub wrong: usize,
}

impl LabelFigures {
    /// On how many logs it is found.
    pub const fn recall(&self) -> Share {
        Share::of(self.found, self.missed)
    }
}

impl Figures {
    /// Counts.
    pub fn of(table: &Expectations, judged: &[Judged], budgets: &[Budget]) -> Self {
        let mut figures = Self { n_logs: judged.len(), ..Self::default() };
        figures.rules = RULES.iter().map(|rule| (rule.code.to_owned(), RuleFigures::default())).collect();
        for log in judged {
            figures.add_to_rules(log);
            figures.add_to_labels(log);
            if table.is_healthy(log.entry) {
                figures.healthy_cycles += log.observed.n_cycles;
                figures.healthy_wrong += log.wrong().count();
                let shown = log.findings.iter().filter(|one| one.seen.is_default && one.seen.severity > HINT);
                figures.healthy_shown += shown.count();
            }
        }
        figures.budgets =
            budgets.iter().map(|budget| (budget.name.to_owned(), (budget.figure, budget.limit))).collect();
        figures
    }

    fn add_to_rules(&mut self, log: &Judged) {
        let mut fired: BTreeMap<&str, Vec<Opinion>> = BTreeMap::new();
        for weighed in &log.findings {
            fired.entry(weighed.seen.code).or_default().push(weighed.opinion);
        }
        for (code, opinions) in fired {
            let rule = self.rules.entry(code.to_owned()).or_default();
            let count = match () {
                () if opinions.contains(&Opinion::Wrong) => &mut rule.wrong,
                () if opinions.contains(&Opinion::Right) => &mut rule.right,
                () => &mut rule.unjudged,
            };
            *count += 1;
        }
        for (code, outcome) in log.by_rule() {
            let rule = self.rules.entry(code.to_owned()).or_default();
            match outcome {
                Outcome::Found => rule.found += 1,
                Outcome::Missed => rule.missed += 1,
                Outcome::TooShort => rule.too_short += 1,
                Outcome::NotBuilt => {}
            }
        }
    }

    fn add_to_labels(&mut self, log: &Judged) {
        let n_wrong = log.wrong().count();
        for label in log.labels() {
            let figures = self.labels.entry(label.to_owned()).or_default();
            figures.logs += 1;
            figures.wrong += n_wrong;
            match log.of_label(label) {
                Some(Outcome::Found) => figures.found += 1,
                Some(Outcome::Missed) => figures.missed += 1,
                Some(Outcome::TooShort) => figures.too_short += 1,
                Some(Outcome::NotBuilt) | None => {}
            }
        }
    }

    /// Wrong findings per 1,000 collections in which nothing happens; none without such logs.
    pub fn wrong_per_1000(&self) -> Option<f64> {
        (self.healthy_cycles > 0).then(|| 1000.0 * self.healthy_wrong as f64 / self.healthy_cycles as f64)
    }
}

const HINT: ide::rules::Severity = ide::rules::Severity::Hint;

/// Heading of the table of rules.
pub const RULES_HEADING: &str = "## Rules";
/// Heading of the table of labels.
pub const LABELS_HEADING: &str = "## Labels";
/// Heading of the table of promises.
pub const BUDGETS_HEADING: &str = "## Promises";
/// Heading of the counts over all logs.
pub const TOTALS_HEADING: &str = "## Totals";

/// The whole report. `title` says of which logs, `command` how it is made.
pub fn markdown(
    title: &str,
    command: &str,
    table: &Expectations,
    judged: &[Judged],
    budgets: &[Budget],
    figures: &Figures,
) -> String {
    let mut text = format!(
        "# {title}\n\nWritten by `{command}`; do not edit. What labels ask for stands in `labels.toml`.\nCounts are \
         logs. A rule is right or wrong where the labels of a log say so, else unjudged; it is found or missed where a\n\
         label asks for it and the log shows enough. Intervals are Wilson's at 95 %.\n"
    );
    totals(&mut text, figures);
    promises(&mut text, budgets);
    rules(&mut text, figures);
    labels(&mut text, figures);
    confusion(&mut text, judged);
    too_short(&mut text, judged);
    leftovers(&mut text, table, judged);
    text
}

fn totals(text: &mut String, figures: &Figures) {
    let per_1000 = figures.wrong_per_1000().map_or_else(|| "–".to_owned(), |wrong| format!("{wrong:.2}"));
    let shown = if figures.healthy_cycles == 0 {
        "–".to_owned()
    } else {
        format!("{:.2}", 1000.0 * figures.healthy_shown as f64 / figures.healthy_cycles as f64)
    };
    section(text, TOTALS_HEADING, &["figure", "count", "per 1,000 healthy cycles"]);
    row(text, &["logs", &figures.n_logs.to_string(), ""]);
    row(text, &["healthy cycles", &figures.healthy_cycles.to_string(), ""]);
    row(text, &["false findings in them", &figures.healthy_wrong.to_string(), &per_1000]);
    row(text, &["findings above Hint in them", &figures.healthy_shown.to_string(), &shown]);
}

fn promises(text: &mut String, budgets: &[Budget]) {
    section(text, BUDGETS_HEADING, &["what", "how many", "at most", "kept"]);
    for budget in budgets {
        let kept = if budget.is_kept() { "yes" } else { "no" };
        row(text, &[budget.name, &budget.figure.to_string(), &budget.limit.to_string(), kept]);
    }
    for budget in budgets.iter().filter(|budget| budget.figure > 0) {
        let _ = write!(text, "\n{}:\n\n", budget.name);
        budget.which.iter().for_each(|one| {
            let _ = writeln!(text, "- {}", code(one));
        });
    }
}

fn rules(text: &mut String, figures: &Figures) {
    let columns = ["rule", "slug", "right", "wrong", "unjudged", "precision", "found", "missed", "too short", "recall"];
    section(text, RULES_HEADING, &columns);
    for (name, rule) in &figures.rules {
        let slug = RULES.iter().find(|known| known.code == name).map_or("", |known| known.slug);
        let [right, wrong, unjudged] = [rule.right, rule.wrong, rule.unjudged].map(|n| n.to_string());
        let [found, missed, too_short] = [rule.found, rule.missed, rule.too_short].map(|n| n.to_string());
        let (precision, recall) = (rule.precision().in_words(), rule.recall().in_words());
        row(text, &[name, slug, &right, &wrong, &unjudged, &precision, &found, &missed, &too_short, &recall]);
    }
}

fn labels(text: &mut String, figures: &Figures) {
    section(text, LABELS_HEADING, &["label", "logs", "found", "missed", "too short", "recall", "wrong findings"]);
    for (name, label) in &figures.labels {
        let [logs, found, missed] = [label.logs, label.found, label.missed].map(|n| n.to_string());
        let [too_short, wrong] = [label.too_short, label.wrong].map(|n| n.to_string());
        row(text, &[name, &logs, &found, &missed, &too_short, &label.recall().in_words(), &wrong]);
    }
}

/// Every log about which a rule is wrong or silent, with its labels.
fn confusion(text: &mut String, judged: &[Judged]) {
    text.push_str("\n## Wrong\n\nFindings that the labels contradict.\n\n");
    let mut any = false;
    for log in judged {
        for seen in log.wrong() {
            any = true;
            let place = code(&format!("{}:{}", log.entry.path, seen.line));
            let _ = writeln!(text, "- {place}, {}: {}", code(&log.labels_in_words()), finding(seen));
        }
    }
    none_if(text, !any);
    text.push_str("\n## Missed\n\nWhat labels ask for and the log shows, and no rule says.\n\n");
    any = false;
    for log in judged {
        for asked in log.asked.iter().filter(|asked| asked.outcome == Outcome::Missed) {
            any = true;
            let why = if asked.why.is_empty() { String::new() } else { format!(" ({})", plain(&asked.why)) };
            let rules = asked.any.join(" or ");
            let _ = writeln!(text, "- {}, {}: no {rules}{why}", code(&log.entry.path), code(&asked.label));
        }
    }
    none_if(text, !any);
}

/// What is too short to judge, by label and reason.
fn too_short(text: &mut String, judged: &[Judged]) {
    text.push_str("\n## Too short to judge\n\nCounted neither as found nor as missed.\n\n");
    let mut groups: BTreeMap<(&str, String, &str), Vec<&str>> = BTreeMap::new();
    for log in judged {
        for asked in log.asked.iter().filter(|asked| asked.outcome == Outcome::TooShort) {
            let why = if asked.why.starts_with("needs") || !asked.why.contains(':') {
                &*asked.why
            } else {
                "the rule lacks data"
            };
            groups.entry((&asked.label, asked.any.join(" or "), why)).or_default().push(&log.entry.path);
        }
    }
    for ((label, rules, why), paths) in &groups {
        let examples = paths.iter().take(N_EXAMPLES).map(|path| code(path)).collect::<Vec<_>>().join(", ");
        let more = if paths.len() > N_EXAMPLES { ", ..." } else { "" };
        let _ = writeln!(text, "- {}, {rules}, {}: {} ({examples}{more})", code(label), plain(why), paths.len());
    }
    none_if(text, groups.is_empty());
}

/// Labels that nobody knows, rules that do not exist yet.
fn leftovers(text: &mut String, table: &Expectations, judged: &[Judged]) {
    let unknown: BTreeSet<&str> = judged.iter().flat_map(|log| table.unknown(log.entry)).collect();
    if !unknown.is_empty() {
        let names = unknown.iter().map(|label| code(label)).collect::<Vec<_>>().join(", ");
        let _ = write!(text, "\n## Unknown labels\n\n`labels.toml` says nothing about {names}.\n");
    }
    let missing: Vec<&str> = table.codes().into_iter().filter(|code| !is_built(code)).collect();
    if !missing.is_empty() {
        let _ = write!(text, "\n## Not built\n\nRules that `labels.toml` names: {}.\n", missing.join(", "));
    }
}

fn finding(seen: &Seen) -> String {
    format!("{:?} {}: {}", seen.severity, seen.code, plain(&seen.message))
}

fn none_if(text: &mut String, is_none: bool) {
    if is_none {
        text.push_str("None.\n");
    }
}

fn section(text: &mut String, heading: &str, columns: &[&str]) {
    let _ = write!(text, "\n{heading}\n\n");
    row(text, columns);
    row(text, &vec!["---"; columns.len()]);
}

fn row(text: &mut String, cells: &[&str]) {
    let _ = writeln!(text, "| {} |", cells.join(" | "));
}

/// A code span; what stands in it cannot end it.
fn code(text: &str) -> String {
    format!("`{}`", text.replace('`', "'"))
}

/// Words that may hold text of a log: nothing in them is Markdown.
fn plain(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for char in text.chars() {
        match char {
            '\\' | '`' | '*' | '_' | '<' | '>' | '[' | ']' | '|' | '#' => {
                escaped.push('\\');
                escaped.push(char);
            }
            char if char.is_control() => escaped.push(' '),
            char => escaped.push(char),
        }
    }
    escaped
}
