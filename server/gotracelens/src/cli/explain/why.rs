//! `gotracelens explain GC101 --file FILE`: what a rule found in each run with its conditions, or why it found nothing.

use std::collections::BTreeMap;
use std::io::{self, BufWriter, Write};
use std::path::Path;

use ide::rules::{self, Check, Rule};
use ide::snapshot::Parsed;
use ide::{Links, Verdict, evidence, words};
use serde::Serialize;

use super::Format;
use crate::cli::findings::{Asked, FindingJson};
use crate::cli::input::Document;
use crate::cli::select::Selection;
use crate::cli::terminal::{self, ID, TITLE};
use crate::cli::visible::visible;
use crate::cli::{Exit, json, page, report, settings};
use crate::evidence::ConditionJson;

/// Runs that are told one by one; a crash loop has thousands, and they end alike.
const MAX_RUNS: usize = 20;

/// What `explain RULE --file FILE --format json` writes.
#[derive(Serialize)]
struct WhyJson<'a> {
    /// Version of this layout.
    schema: u32,
    /// Name as it was given.
    file: &'a str,
    code: &'static str,
    slug: &'static str,
    /// One entry a run, in the order in which they begin; the log as a whole last, for rules about it.
    runs: Vec<RunJson>,
}

#[derive(Serialize)]
struct RunJson {
    /// Id of the run, from 0; null for the log as a whole.
    run: Option<usize>,
    /// First and last line, from 1; null for the log as a whole.
    lines: Option<[u32; 2]>,
    /// `found`, `not found`, `too short to judge`, `nothing to judge`, `not judged` or `off`.
    verdict: &'static str,
    /// What was found.
    findings: Vec<FindingJson>,
    /// Where nothing was found: the conditions that were looked at; empty for rules that keep none.
    conditions: Vec<ConditionJson>,
    /// The same in words.
    markdown: String,
}

pub(super) fn run(what: &[String], file: &Path, settings: &settings::Flags, format: Format) -> io::Result<Exit> {
    let name = what.join(" ");
    let Some(rule) = rules::named(name.trim()) else {
        report(&super::unknown_rule(name.trim()));
        return Ok(Exit::Trouble);
    };
    let mut chooser = match settings.chooser() {
        Ok(chooser) => chooser,
        Err(problem) => {
            report(&visible(&problem));
            return Ok(Exit::Trouble);
        }
    };
    let document = match Document::read(file) {
        Ok(document) => document,
        Err(error) => {
            report(&error);
            return Ok(Exit::Trouble);
        }
    };
    let mut exit = Exit::Success;
    for error in &document.cut {
        report(error);
        exit = Exit::Trouble;
    }
    let settings = chooser.of(&document);
    let asked = Asked::of(document, &Selection::default(), settings);
    let Some(parsed) = asked.snapshot.parsed.as_deref() else { return Ok(exit) };
    let subjects = subjects(parsed, rule);
    match format {
        Format::Human => write(&asked, parsed, rule, &subjects)?,
        Format::Json => {
            let mut out = BufWriter::new(io::stdout().lock());
            let runs = subjects.iter().map(|run| to_json(&asked, parsed, rule, *run)).collect();
            let (file, code, slug) = (asked.document.name.as_str(), rule.code, rule.slug);
            json::write_line(&WhyJson { schema: 1, file, code, slug, runs }, &mut out)?;
            out.flush()?;
        }
    }
    Ok(exit)
}

/// What there is to tell about: every run for a rule about runs, and whatever else a rule had something to say about.
fn subjects(parsed: &Parsed, rule: &'static Rule) -> Vec<Option<usize>> {
    let numbers = parsed.runs.list.iter().map(|run| run.number);
    if let Check::Run(_) = rule.check {
        return numbers.map(Some).collect();
    }
    let is_told =
        |run: &Option<usize>| matches!(evidence::verdict(parsed, rule, *run), Verdict::Found(_) | Verdict::Declined(_));
    let mut subjects: Vec<Option<usize>> = numbers.map(Some).filter(is_told).collect();
    if subjects.is_empty() || is_told(&None) {
        subjects.push(None);
    }
    subjects
}

fn write(asked: &Asked, parsed: &Parsed, rule: &'static Rule, subjects: &[Option<usize>]) -> io::Result<()> {
    let mut out = terminal::stdout();
    let document = &asked.document;
    if let Some(nothing) = asked.nothing().or_else(|| subjects.is_empty().then_some("no line of a process run")) {
        writeln!(out, "{}: {nothing}", visible(&document.name))?;
        return out.flush();
    }
    // The runs with something to show first: of thousands they are what is looked for.
    let is_found = |run: &&Option<usize>| matches!(evidence::verdict(parsed, rule, **run), Verdict::Found(_));
    let (found, others): (Vec<_>, Vec<_>) = subjects.iter().partition(is_found);
    let mut told: Vec<&Option<usize>> = found.into_iter().chain(others).collect();
    let rest = told.split_off(told.len().min(MAX_RUNS));
    told.sort_by_key(|run| (run.is_none(), **run));
    for run in told {
        let name = visible(&document.name);
        writeln!(out, "{TITLE}{name}{TITLE:#}, {ID}{}{ID:#}", visible(&subject(asked, parsed, *run)))?;
        let markdown = evidence::of(parsed, rule, *run, &|line| document.line_in_words(line));
        // Markdown of `ide` holds nothing of a log that a terminal would act on.
        page::write(&mut out, &Links::Named.resolve(&markdown))?;
        writeln!(out)?;
    }
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for run in rest {
        *counts.entry(evidence::verdict(parsed, rule, *run).name()).or_default() += 1;
    }
    for (verdict, n) in counts {
        writeln!(out, "{}: {verdict}", words::count(n, "more run"))?;
    }
    out.flush()
}

/// `run 2, lines 31 to 904`.
fn subject(asked: &Asked, parsed: &Parsed, run: Option<usize>) -> String {
    let of_run = run.and_then(|number| parsed.runs.list.iter().find(|run| run.number == number));
    let Some(run) = of_run else { return "the log as a whole".to_owned() };
    let [first, last] = [run.lines.0, run.lines.1].map(|line| asked.document.place(line, 0).line + 1);
    format!("run {}, lines {first} to {last}", run.number + 1)
}

fn to_json(asked: &Asked, parsed: &Parsed, rule: &'static Rule, run: Option<usize>) -> RunJson {
    let document = &asked.document;
    let verdict = evidence::verdict(parsed, rule, run);
    let conditions = match &verdict {
        Verdict::Declined(declined) => declined.first().map(|closest| ConditionJson::all(&closest.test.conditions)),
        _ => None,
    };
    let found = asked.diagnostics();
    let found = found.iter().filter(|found| found.code == rule.code && found.run == run && !found.is_further);
    let of_run = run.and_then(|number| parsed.runs.list.iter().find(|run| run.number == number));
    let line = |line: u32| document.place(line, 0).line + 1;
    RunJson {
        run,
        lines: of_run.map(|run| [line(run.lines.0), line(run.lines.1)]),
        verdict: verdict.name(),
        findings: found.map(|found| FindingJson::of(found, document)).collect(),
        conditions: conditions.unwrap_or_default(),
        markdown: Links::None.resolve(&evidence::of(parsed, rule, run, &|line| document.line_in_words(line))),
    }
}
