//! Findings at their places in the text, as an editor shows them.

use tracelog::{Family, Item, Loc, Part};

use crate::rules::evidence::{Confidence, Test};
use crate::rules::{Finding, Place, Severity};
use crate::snapshot::Snapshot;

/// A finding, or one of its further lines.
#[derive(Clone, Debug)]
pub struct Diagnostic {
    /// What to underline.
    pub loc: Loc,
    /// How bad it is.
    pub severity: Severity,
    /// Code of the rule.
    pub code: &'static str,
    /// Slug of the rule.
    pub slug: &'static str,
    /// Number first, baseline second, meaning third.
    pub message: String,
    /// Other places that belong to it.
    pub related: Vec<(Loc, String)>,
    /// The numbers behind the message, by name with unit.
    pub numbers: Vec<(&'static str, f64)>,
    /// How many lines the rule fired on.
    pub count: usize,
    /// The run, from 0.
    pub run: Option<usize>,
    /// The conditions that were met.
    pub test: Test,
    /// How sure it is, where that differs from case to case.
    pub confidence: Option<Confidence>,
    /// The finding whose story it is part of: the code of its rule, and its place.
    pub part_of: Option<(&'static str, Loc)>,
    /// Whether this is one of the further lines of a finding, which is at its first related place.
    pub is_further: bool,
}

/// Further lines of one finding that are shown.
const MAX_FURTHER: usize = 20;

/// What is wrong, in the order of the lines.
pub fn diagnostics(snapshot: &Snapshot) -> Vec<Diagnostic> {
    diagnostics_naming(snapshot, &|line| format!("line {}", line + 1))
}

/// The same, where lines are called otherwise in messages: the text may come from several files.
pub fn diagnostics_naming(snapshot: &Snapshot, line_in_words: &dyn Fn(u32) -> String) -> Vec<Diagnostic> {
    let Some(parsed) = &snapshot.parsed else { return Vec::new() };
    let mut shown: Vec<Diagnostic> = Vec::new();
    for finding in &parsed.analysis().findings {
        shown.push(of(snapshot, finding));
        for place in finding.further.iter().take(MAX_FURTHER) {
            shown.push(further(snapshot, finding, *place, line_in_words));
        }
    }
    shown.sort_by_key(|diagnostic| (diagnostic.loc.line, diagnostic.loc.start, diagnostic.code));
    shown
}

fn of(snapshot: &Snapshot, finding: &Finding) -> Diagnostic {
    let related = finding.related.iter().map(|related| (locate(snapshot, related.place), related.text.clone()));
    Diagnostic {
        loc: locate(snapshot, finding.place),
        severity: finding.severity,
        code: finding.rule.code,
        slug: finding.rule.slug,
        message: finding.message.clone(),
        related: related.collect(),
        numbers: finding.numbers.clone(),
        count: finding.count,
        run: finding.run,
        test: finding.test.clone(),
        confidence: finding.confidence,
        part_of: finding.part_of.map(|(rule, place)| (rule.code, locate(snapshot, place))),
        is_further: false,
    }
}

fn further(snapshot: &Snapshot, finding: &Finding, place: Place, line_in_words: &dyn Fn(u32) -> String) -> Diagnostic {
    Diagnostic {
        loc: locate(snapshot, place),
        severity: Severity::Hint,
        code: finding.rule.code,
        slug: finding.rule.slug,
        message: format!("{} here too; the worst is on {}", finding.rule.title, line_in_words(finding.place.line)),
        related: vec![(locate(snapshot, finding.place), finding.message.clone())],
        numbers: Vec::new(),
        count: 1,
        run: finding.run,
        test: Test::default(),
        confidence: None,
        part_of: None,
        is_further: true,
    }
}

/// The range of a place: its field, else the head of its item, else its line.
pub fn locate(snapshot: &Snapshot, place: Place) -> Loc {
    let line = snapshot.items(place.line);
    if let Some(field) = place.field {
        let of_field = line.items.iter().flat_map(|item| &item.values).find(|value| value.field == field);
        if let Some(value) = of_field.filter(|value| value.loc.line == place.line && value.loc.start < value.loc.end) {
            return value.loc;
        }
    }
    match line.items.first() {
        Some(item) => head(item),
        None => Loc::new(place.line, 0, snapshot.lines.line(place.line).len() as u32),
    }
}

/// Of a collection or a sample its name and number, `gc 18`: what is said about such a line as a whole need not underline
/// all of its values. Other items as they are.
fn head(item: &Item) -> Loc {
    let is_long = matches!(item.family(), Family::Gc | Family::Sched) && !item.torn && item.part != Part::Tail;
    let first = item.values.iter().find(|value| value.loc.line == item.loc.line && value.loc.start < value.loc.end);
    match first.filter(|_| is_long) {
        Some(first) => Loc { end: first.loc.end, ..item.loc },
        None => item.loc,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tracelog::{Log, Text};

    use super::*;
    use crate::settings::Settings;

    #[test]
    fn of_a_line_as_a_whole_its_head_is_underlined() {
        let check = |line: &str, expected: &str| {
            let text = Arc::new(Text::new(line));
            let snapshot = Snapshot::new(text, Log::read(line.as_bytes()), Arc::new(Settings::default()));
            let loc = locate(&snapshot, Place { line: 0, field: None });
            assert_eq!(&line[loc.start as usize..loc.end as usize], expected);
        };
        check(
            "api | SCHED 34ms: gomaxprocs=2 idleprocs=0 threads=4 spinningthreads=0 idlethreads=1 runqueue=1 [35 44]",
            "SCHED 34",
        );
        let gc = "gc 1 @0.1s 4%: 0.1+1.0+0.1 ms clock, 0.1+0.1/0.4/0.1+0.1 ms cpu, 4->4->0 MB, 5 MB goal, 8 P";
        check(gc, "gc 1");
        check(&gc[..70], &gc[..70]);
        check("panic: boom", "panic: boom");
        check("no trace", "no trace");
    }
}
