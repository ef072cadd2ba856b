//! Findings as `check` and `summary` write them to JSON, and the reading of a file that both share.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use clap::ValueEnum;
use clap::builder::PossibleValue;
use ide::rules::Severity;
use ide::rules::evidence::Confidence;
use ide::{Diagnostic, Settings, Snapshot, diagnostics_naming};
use schemars::JsonSchema;
use serde::Serialize;
use tracelog::{Loc, Log, Run, Runs};

use super::Exit;
use super::input::Document;
use super::select::Selection;
use super::visible::visible;
use crate::evidence::{ConditionJson, numbers};

/// A document, read for questions about what was selected of it.
pub(super) struct Asked {
    pub(super) document: Arc<Document>,
    pub(super) snapshot: Snapshot,
    pub(super) settings: Arc<Settings>,
    /// Whether it holds any item, whatever was selected.
    has_items: bool,
    is_partial: bool,
    /// Items of each of its runs, by number, whatever was selected.
    n_items: Vec<usize>,
    /// Whether everything selected exists.
    pub(super) exit: Exit,
}

impl Asked {
    /// Reads a document.
    pub(super) fn of(document: Document, selection: &Selection, settings: Settings) -> Self {
        let document = Arc::new(document);
        let log = Log::read(&document.bytes);
        let runs = Runs::of(&log);
        let (chosen, exit) = selection.of(&visible(&document.name), &log, &runs);
        let n_items = runs.list.iter().map(Run::n_rows).collect();
        let (has_items, is_partial) = (log.has_items(), selection.is_partial());
        let part = if is_partial { chosen.part(&log, &runs) } else { runs };
        let settings = Arc::new(settings);
        let snapshot = Snapshot::of_runs(document.clone(), log, part, settings.clone());
        Self { document, snapshot, settings, has_items, is_partial, n_items, exit }
    }

    /// Findings about what was selected, with the files and lines a user knows.
    pub(super) fn diagnostics(&self) -> Vec<Diagnostic> {
        diagnostics_naming(&self.snapshot, &|line| self.document.line_in_words(line))
    }

    /// The runs, as far as they were selected.
    fn runs(&self) -> &[Run] {
        self.snapshot.parsed.as_ref().map_or(&[], |parsed| &parsed.runs.list)
    }

    /// Number of items of a run: those that were selected, and all.
    pub(super) fn n_items(&self, number: usize) -> (usize, usize) {
        let runs = self.runs();
        let n_selected = runs.binary_search_by_key(&number, |run| run.number).map_or(0, |at| runs[at].n_rows());
        (n_selected, self.n_items.get(number).copied().unwrap_or(n_selected))
    }

    /// Why there is nothing to tell, if there is nothing.
    pub(super) fn nothing(&self) -> Option<&'static str> {
        match (self.has_items, self.is_partial) {
            (false, _) => Some("no trace line"),
            (true, true) if self.runs().is_empty() => Some("no trace line is selected"),
            (true, _) => None,
        }
    }
}

/// Findings by the run they are about; those about the file are under none.
pub(super) fn by_run(findings: &[Diagnostic]) -> HashMap<Option<usize>, Vec<&Diagnostic>> {
    let mut by_run: HashMap<Option<usize>, Vec<&Diagnostic>> = HashMap::new();
    for found in findings {
        by_run.entry(found.run).or_default().push(found);
    }
    by_run
}

/// A level on the command line.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Level(pub(super) Severity);

impl ValueEnum for Level {
    fn value_variants<'a>() -> &'a [Self] {
        &[Self(Severity::Hint), Self(Severity::Info), Self(Severity::Warning), Self(Severity::Error)]
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(PossibleValue::new(name(self.0)))
    }
}

/// The name of a level in output and options.
pub(super) const fn name(severity: Severity) -> &'static str {
    match severity {
        Severity::Hint => "hint",
        Severity::Info => "info",
        Severity::Warning => "warning",
        Severity::Error => "error",
    }
}

/// Something a rule found.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Finding")]
pub(super) struct FindingJson {
    /// Permanent code of the rule, e.g. `GC101`.
    code: &'static str,
    /// Name of the rule in settings, e.g. `live-heap-leak`.
    slug: &'static str,
    /// `error`, `warning`, `info` or `hint`.
    severity: &'static str,
    /// Id of the run; null for findings about the whole file.
    run: Option<usize>,
    /// Where it is shown.
    #[serde(flatten)]
    place: PlaceJson,
    /// The numbers, what they are compared with, and what that means.
    message: String,
    /// Lines on which the rule fired.
    count: usize,
    /// The numbers behind the message, by name with unit; null where one is not a number.
    numbers: BTreeMap<&'static str, Option<f64>>,
    /// The conditions that were met, in the order in which the rule goes through them; empty for rules that keep none.
    conditions: Vec<ConditionJson>,
    /// How sure it is: `moderate` or `strong`; null where that does not differ from case to case.
    confidence: Option<&'static str>,
    /// The finding whose story it is part of; null for one by itself.
    part_of: Option<PartOfJson>,
    /// Other places that belong to it.
    related: Vec<RelatedJson>,
}

/// A range of one line.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Place")]
struct PlaceJson {
    /// Name of the file, as it was given.
    file: String,
    /// Line, from 1.
    line: u32,
    /// First byte of the line, from 1.
    col: u32,
    /// One past the last byte, from 1.
    end_col: u32,
}

/// A place that belongs to a finding.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Related")]
struct RelatedJson {
    #[serde(flatten)]
    place: PlaceJson,
    /// What is seen there.
    text: String,
}

/// The finding whose story another one is part of.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "PartOf")]
struct PartOfJson {
    /// Code of its rule.
    code: &'static str,
    #[serde(flatten)]
    place: PlaceJson,
}

impl FindingJson {
    pub(super) fn of(found: &Diagnostic, document: &Document) -> Self {
        let related = |(loc, text): &(Loc, String)| RelatedJson { place: place(*loc, document), text: text.clone() };
        Self {
            code: found.code,
            slug: found.slug,
            severity: name(found.severity),
            run: found.run,
            place: place(found.loc, document),
            message: found.message.clone(),
            count: found.count,
            numbers: numbers(&found.numbers),
            conditions: ConditionJson::all(&found.test.conditions),
            confidence: found.confidence.map(Confidence::name),
            part_of: found.part_of.map(|(code, loc)| PartOfJson { code, place: place(loc, document) }),
            related: found.related.iter().map(related).collect(),
        }
    }
}

fn place(loc: Loc, document: &Document) -> PlaceJson {
    let place = document.place(loc.line, loc.start);
    let end_col = place.byte + (loc.end - loc.start) + 1;
    PlaceJson { file: place.file.to_owned(), line: place.line + 1, col: place.byte + 1, end_col }
}

#[cfg(test)]
mod tests {
    use expect_test::expect_file;

    use crate::cli::check::CheckJson;
    use crate::cli::summary::SummaryJson;
    use crate::cli::tune::TuneJson;

    fn text(schema: schemars::Schema) -> String {
        serde_json::to_string_pretty(&schema).unwrap() + "\n"
    }

    /// `UPDATE_EXPECT=1 cargo test -p gotracelens` writes them.
    #[test]
    fn committed_schemas_are_those_of_the_output() {
        expect_file!["../../../docs/summary.schema.json"].assert_eq(&text(schemars::schema_for!(SummaryJson)));
        expect_file!["../../../docs/tune.schema.json"].assert_eq(&text(schemars::schema_for!(TuneJson)));
        expect_file!["../../../docs/check.schema.json"].assert_eq(&text(schemars::schema_for!(CheckJson)));
    }
}
