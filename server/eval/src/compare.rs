//! The committed table, read back, and what has become worse since.
//!
//! Counts are compared as shares, so that logs may be added without everything being a change. Of a rule or label that
//! the committed table does not have, nothing can be worse.

use crate::report::{
    BUDGETS_HEADING, Figures, LABELS_HEADING, LabelFigures, RULES_HEADING, RuleFigures, TOTALS_HEADING,
};
use crate::stats::Share;

/// Reads the figures of a report.
///
/// # Errors
/// A row that is not as reports write them.
pub fn parse(markdown: &str) -> Result<Figures, String> {
    let mut figures = Figures::default();
    for cells in rows(markdown, TOTALS_HEADING) {
        let [name, count, ..] = &cells[..] else { return Err(unread(&cells)) };
        let field = match *name {
            "logs" => &mut figures.n_logs,
            "healthy cycles" => &mut figures.healthy_cycles,
            "false findings in them" => &mut figures.healthy_wrong,
            "findings above Hint in them" => &mut figures.healthy_shown,
            _ => return Err(unread(&cells)),
        };
        *field = number(count, &cells)?;
    }
    for cells in rows(markdown, BUDGETS_HEADING) {
        let [name, figure, limit, _] = &cells[..] else { return Err(unread(&cells)) };
        figures.budgets.insert((*name).to_owned(), (number(figure, &cells)?, number(limit, &cells)?));
    }
    for cells in rows(markdown, RULES_HEADING) {
        let [code, _, right, wrong, unjudged, _, found, missed, too_short, _] = &cells[..] else {
            return Err(unread(&cells));
        };
        let n = |cell| number(cell, &cells);
        let (right, wrong, unjudged) = (n(right)?, n(wrong)?, n(unjudged)?);
        let (found, missed, too_short) = (n(found)?, n(missed)?, n(too_short)?);
        let rule = RuleFigures { right, wrong, unjudged, found, missed, too_short };
        figures.rules.insert((*code).to_owned(), rule);
    }
    for cells in rows(markdown, LABELS_HEADING) {
        let [label, logs, found, missed, too_short, _, wrong] = &cells[..] else { return Err(unread(&cells)) };
        let n = |cell| number(cell, &cells);
        let (logs, found, missed) = (n(logs)?, n(found)?, n(missed)?);
        let label_figures = LabelFigures { logs, found, missed, too_short: n(too_short)?, wrong: n(wrong)? };
        figures.labels.insert((*label).to_owned(), label_figures);
    }
    Ok(figures)
}

/// Rows of the table below a heading, without its head.
fn rows<'a>(markdown: &'a str, heading: &str) -> Vec<Vec<&'a str>> {
    let below =
        markdown.lines().skip_while(|line| *line != heading).skip(1).take_while(|line| !line.starts_with("## "));
    let rows = below.filter(|line| line.starts_with('|')).skip(2);
    rows.map(|line| line.trim_matches('|').split('|').map(str::trim).collect()).collect()
}

fn number(cell: &str, cells: &[&str]) -> Result<usize, String> {
    cell.parse().map_err(|_| unread(cells))
}

fn unread(cells: &[&str]) -> String {
    format!("the committed table has a row that is not understood: {}", cells.join(" | "))
}

/// What became worse, and what better, one line each.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// Worse.
    pub worse: Vec<String>,
    /// Better, or of logs and rules that are new.
    pub other: Vec<String>,
}

/// Holds figures against the committed ones.
pub fn compare(committed: &Figures, now: &Figures) -> Changes {
    let mut changes = Changes::default();
    for (name, (figure, limit)) in &now.budgets {
        let before = committed.budgets.get(name).map(|(figure, _)| *figure);
        let line = || format!("{name}: {} -> {figure} (at most {limit})", shown(before));
        match before {
            Some(before) if *figure > before => changes.worse.push(line()),
            None if figure > limit => changes.worse.push(line()),
            Some(before) if *figure == before => {}
            _ => changes.other.push(line()),
        }
    }
    let per_1000 = |figures: &Figures| Share { hits: figures.healthy_wrong, trials: figures.healthy_cycles };
    let (before, after) = (per_1000(committed), per_1000(now));
    share_of_wrong(before, after, &mut changes);
    for (code, rule) in &now.rules {
        let Some(before) = committed.rules.get(code) else {
            changes.other.push(format!("{code} is new"));
            continue;
        };
        changes.share(code, "precision", before.precision(), rule.precision());
        changes.share(code, "recall", before.recall(), rule.recall());
        // A rule must not get better by calling more logs too short.
        let of_all = |rule: &RuleFigures| Share::of(rule.found, rule.missed + rule.too_short);
        changes.share(code, "recall with what is too short", of_all(before), of_all(rule));
    }
    for code in committed.rules.keys().filter(|code| !now.rules.contains_key(*code)) {
        changes.worse.push(format!("{code} is gone"));
    }
    for (label, figures) in &now.labels {
        let before = committed.labels.get(label).copied().unwrap_or_default();
        changes.share(label, "recall", before.recall(), figures.recall());
    }
    if changes.worse.is_empty() && changes.other.is_empty() && committed != now {
        changes.other.push("counts changed, no share did".to_owned());
    }
    changes
}

fn share_of_wrong(before: Share, after: Share, changes: &mut Changes) {
    let line = || {
        let words = |share: Share| format!("{} in {} cycles", share.hits, share.trials);
        format!("false findings in healthy logs: {} -> {}", words(before), words(after))
    };
    if before.is_below(after) {
        changes.worse.push(line());
    } else if after.is_below(before) {
        changes.other.push(line());
    }
}

fn shown(before: Option<usize>) -> String {
    before.map_or_else(|| "new".to_owned(), |before| before.to_string())
}

impl Changes {
    fn share(&mut self, of: &str, what: &str, before: Share, after: Share) {
        let line =
            || format!("{of}: {what} {} of {} -> {} of {}", before.hits, before.trials, after.hits, after.trials);
        if after.is_below(before) {
            self.worse.push(line());
        } else if before.is_below(after) {
            self.other.push(line());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::budgets::Budget;
    use crate::labels::Expectations;
    use crate::report;

    fn rule(right: usize, wrong: usize, found: usize, missed: usize, too_short: usize) -> RuleFigures {
        RuleFigures { right, wrong, unjudged: 3, found, missed, too_short }
    }

    fn figures(of: RuleFigures) -> Figures {
        Figures {
            n_logs: 4,
            healthy_cycles: 1000,
            healthy_wrong: 2,
            healthy_shown: 5,
            rules: [("GC101".to_owned(), of)].into(),
            labels: [("leak.heap".to_owned(), LabelFigures { logs: 9, found: 4, missed: 1, too_short: 2, wrong: 1 })]
                .into(),
            budgets: [("warnings".to_owned(), (3, 10))].into(),
        }
    }

    #[test]
    fn a_table_is_read_back_as_it_was_written() {
        let figures = figures(rule(5, 1, 4, 2, 6));
        let budgets = [Budget { name: "warnings", figure: 3, limit: 10, which: vec!["a.log:3 GC301".into()] }];
        let table = Expectations::read().unwrap();
        let markdown = report::markdown("T", "cargo xtask eval", &table, &[], &budgets, &figures);
        assert_eq!(parse(&markdown), Ok(figures));
    }

    #[test]
    fn nothing_changed_is_no_change() {
        let same = figures(rule(5, 1, 4, 2, 6));
        assert_eq!(compare(&same, &same), Changes::default());
    }

    #[test]
    fn a_lower_share_is_worse_and_a_higher_one_is_not() {
        let before = figures(rule(5, 1, 4, 2, 6));
        let worse = compare(&before, &figures(rule(5, 2, 4, 3, 5)));
        assert_eq!(worse.worse, ["GC101: precision 5 of 6 -> 5 of 7", "GC101: recall 4 of 6 -> 4 of 7"]);
        let better = compare(&before, &figures(rule(6, 1, 5, 1, 6)));
        assert_eq!((better.worse.len(), better.other.len()), (0, 3));
    }

    #[test]
    fn a_rule_does_not_get_better_by_saying_less() {
        let changes = compare(&figures(rule(5, 1, 4, 2, 0)), &figures(rule(5, 1, 3, 1, 2)));
        assert_eq!(changes.worse, ["GC101: recall with what is too short 4 of 6 -> 3 of 6"]);
    }

    #[test]
    fn promises_and_false_findings_are_held() {
        let before = figures(rule(5, 1, 4, 2, 6));
        let mut now = before.clone();
        now.budgets.insert("warnings".to_owned(), (4, 10));
        now.budgets.insert("errors".to_owned(), (1, 0));
        now.healthy_wrong = 3;
        let expected = [
            "errors: new -> 1 (at most 0)",
            "warnings: 3 -> 4 (at most 10)",
            "false findings in healthy logs: 2 in 1000 cycles -> 3 in 1000 cycles",
        ];
        assert_eq!(compare(&before, &now).worse, expected);
    }

    #[test]
    fn a_rule_that_is_gone_is_worse() {
        let before = figures(rule(5, 1, 4, 2, 6));
        let now = Figures { rules: [].into(), ..before.clone() };
        assert_eq!(compare(&before, &now).worse, ["GC101 is gone"]);
    }
}
