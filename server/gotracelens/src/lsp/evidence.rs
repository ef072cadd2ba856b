//! The request `gotracelens/evidence`: why a rule found what it found in a run, or why it found nothing; and the same for
//! machines, in the data of diagnostics.

use std::collections::BTreeMap;

use ide::rules;
use ide::rules::evidence::Confidence;
use serde::{Deserialize, Serialize};
use tower_lsp::gen_lsp_types as proto;

use super::to_proto;
use super::world::View;
use crate::evidence::{ConditionJson, numbers};

/// What is asked. Without a run the line tells which one is meant; without a line, the first run in which the rule
/// found something.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct EvidenceParams {
    pub(super) text_document: proto::TextDocumentIdentifier,
    /// Code or slug of a rule.
    code: String,
    /// Id of a run, from 0, as `data.run` of a diagnostic has it.
    run: Option<usize>,
    /// A line, from 0.
    line: Option<u32>,
}

/// The answer.
#[derive(Debug, Serialize)]
pub(super) struct Evidence {
    /// Code of the rule.
    code: &'static str,
    /// Id of the run; null for the log as a whole.
    run: Option<usize>,
    /// What was found with its conditions, or why nothing was.
    markdown: String,
}

/// What a rule says about a run. None where there is no such rule or run.
pub(super) fn evidence(view: &View, params: &EvidenceParams) -> Option<Evidence> {
    let rule = rules::named(&params.code)?;
    let run = params.run.or_else(|| run_meant(view, rule.code, params.line));
    let markdown = ide::evidence(&view.snapshot, rule.code, run)?;
    Some(Evidence { code: rule.code, run, markdown: view.profile.links.resolve(&markdown) })
}

/// The run that a question is about: of what the rule found on the line, else of the line, else the first that has
/// something to show.
fn run_meant(view: &View, code: &str, line: Option<u32>) -> Option<usize> {
    let parsed = view.snapshot.parsed.as_ref()?;
    let findings = &parsed.analysis().findings;
    let Some(line) = line else {
        let found = findings.iter().find(|finding| finding.rule.code == code);
        return found.map_or_else(|| parsed.runs.list.first().map(|run| run.number), |finding| finding.run);
    };
    let here = ide::evidence::on_line(&view.snapshot, line).into_iter().find(|(found, _)| *found == code);
    match here {
        Some((_, run)) => run,
        None => parsed.runs.at_line(line).map(|at| parsed.runs.list[at].number),
    }
}

/// What a finding rests on, for code actions and other programs.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Data<'a> {
    slug: &'a str,
    run: Option<usize>,
    /// Lines on which the rule fired.
    count: usize,
    /// Whether the finding itself is elsewhere, and this one of its further lines.
    is_further: bool,
    confidence: Option<&'static str>,
    numbers: BTreeMap<&'static str, Option<f64>>,
    conditions: Vec<ConditionJson>,
    part_of: Option<PartOf<'a>>,
}

/// The finding whose story another one is part of.
#[derive(Debug, Serialize)]
struct PartOf<'a> {
    code: &'a str,
    range: proto::Range,
}

pub(super) fn data(view: &View, found: &ide::Diagnostic) -> Option<serde_json::Value> {
    let data = Data {
        slug: found.slug,
        run: found.run,
        count: found.count,
        is_further: found.is_further,
        confidence: found.confidence.map(Confidence::name),
        numbers: numbers(&found.numbers),
        conditions: ConditionJson::all(&found.test.conditions),
        part_of: found.part_of.map(|(code, loc)| PartOf { code, range: to_proto::range(view, loc) }),
    };
    serde_json::to_value(data).ok()
}
