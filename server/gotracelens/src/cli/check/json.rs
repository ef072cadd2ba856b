//! Findings for machines: one JSON object for everything, or JSON Lines with one object a finding.
//!
//! Version 1. Fields may be added; a change of an existing one raises the version. The schema is
//! `server/docs/check.schema.json`; a test holds both equal.

use std::io::{self, Write};

use ide::budget::{Judged, Outcome};
use schemars::JsonSchema;
use serde::Serialize;

use super::{Checked, Report};
use crate::cli::findings::FindingJson;
use crate::cli::input::{Document, InputError};
use crate::cli::select::{Selection, SelectionJson};
use crate::cli::{Exit, json};
use crate::evidence::finite;

/// What `check --format json` writes.
#[derive(Serialize, JsonSchema)]
#[schemars(title = "gotracelens check")]
pub(in crate::cli) struct CheckJson {
    /// Version of this layout.
    schema: u32,
    /// What of the files was looked at; null for everything.
    selection: Option<SelectionJson>,
    /// One entry a file, in the order of the arguments; files that were joined have one entry.
    files: Vec<CheckedFileJson>,
}

/// The findings of one file.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "CheckedFile")]
struct CheckedFileJson {
    /// Name as it was given; `-` for standard input. Of joined files, their names in reading order with ` + ` between.
    path: String,
    /// The files that were joined, in reading order; empty for a file by itself.
    joined: Vec<String>,
    /// Why the file could not be read, or not to its end; else null.
    error: Option<String>,
    /// What was found, in the order of lines; what exceeds the budget has the code `budget`.
    findings: Vec<FindingJson>,
    /// What each limit of the budget came to; empty without a budget.
    budget: Vec<JudgedJson>,
}

/// A limit of the budget, held against a run.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Judged")]
struct JudgedJson {
    /// Name of the metric, e.g. `p99_stw`.
    metric: &'static str,
    /// The limit as it was written, e.g. `p99_stw=5ms`.
    written: String,
    /// Id of the run; null for a metric of the whole file, and where there is no run.
    run: Option<usize>,
    /// `met`, `exceeded` or `unknown`.
    verdict: &'static str,
    /// What was seen; null where it cannot be judged.
    value: Option<f64>,
    /// The most that is allowed, in the same unit; null for `leak`.
    limit: Option<f64>,
    /// Unit of `value` and `limit`: `ms`, `%`, `MB` (of 1,048,576 bytes), `MB/s`, or empty for counts.
    unit: &'static str,
    /// Why it cannot be judged; else null.
    unknown: Option<String>,
}

impl JudgedJson {
    fn of(judged: &Judged) -> Self {
        let (verdict, unknown) = match &judged.outcome {
            Outcome::Met(_) => ("met", None),
            Outcome::Exceeded(_) => ("exceeded", None),
            Outcome::Unknown(why) => ("unknown", Some(why.clone())),
        };
        let metric = judged.target.metric;
        let limit = Some(judged.target.limit).filter(|_| metric.unit != ide::budget::Unit::None);
        Self {
            metric: metric.name,
            written: judged.target.written.clone(),
            run: judged.run,
            verdict,
            value: judged.value().and_then(finite),
            limit,
            unit: metric.unit.shown(),
            unknown,
        }
    }
}

/// One object, written when all files are read.
pub(super) struct Json<W> {
    out: W,
    json: CheckJson,
}

impl<W: Write> Json<W> {
    pub(super) fn new(out: W, selection: &Selection) -> Self {
        Self { out, json: CheckJson { schema: 1, selection: selection.to_json(), files: Vec::new() } }
    }
}

impl<W: Write> Report for Json<W> {
    fn file(&mut self, checked: &Checked<'_>) -> io::Result<()> {
        let document = &checked.asked.document;
        self.json.files.push(CheckedFileJson {
            path: document.name.clone(),
            joined: document.joined(),
            error: document.cut_in_words(),
            findings: findings(checked, document).collect(),
            budget: checked.judged.iter().map(JudgedJson::of).collect(),
        });
        Ok(())
    }

    fn unreadable(&mut self, error: &InputError) -> io::Result<()> {
        self.json.files.push(CheckedFileJson {
            path: error.name().to_owned(),
            joined: Vec::new(),
            error: Some(error.to_string()),
            findings: Vec::new(),
            budget: Vec::new(),
        });
        Ok(())
    }

    fn finish(&mut self, _: Exit) -> io::Result<()> {
        json::write_line(&self.json, &mut self.out)?;
        self.out.flush()
    }
}

/// One object a finding, written when its file is read. A file without findings, or one that cannot be read, has no line.
pub(super) struct JsonLines<W> {
    out: W,
}

impl<W: Write> JsonLines<W> {
    pub(super) fn new(out: W) -> Self {
        Self { out }
    }
}

impl<W: Write> Report for JsonLines<W> {
    fn file(&mut self, checked: &Checked<'_>) -> io::Result<()> {
        findings(checked, &checked.asked.document).try_for_each(|finding| json::write_line(&finding, &mut self.out))
    }

    fn unreadable(&mut self, _: &InputError) -> io::Result<()> {
        Ok(())
    }

    fn finish(&mut self, _: Exit) -> io::Result<()> {
        self.out.flush()
    }
}

fn findings<'a>(checked: &'a Checked<'_>, document: &'a Document) -> impl Iterator<Item = FindingJson> + 'a {
    checked.shown().map(|found| FindingJson::of(found, document))
}
