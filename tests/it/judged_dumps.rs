//! What the rules say about dumps and profiles, against a table that was read by hand.
//!
//! A file of the table has the findings of its rows and no others of these rules, so that silence is tested too. Files of
//! the whole corpus that are not committed are read where it is at hand.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use ide::analysis::Analysis;
use ide::settings::Settings;
use serde::Deserialize;
use tracelog::catalog::goroutine;
use tracelog::{Blocks, Family, Log, Runs};

use crate::corpus::folder;

/// The rules that the table is about.
const RULES: [&str; 10] = ["GC109", "GR101", "GR102", "GR103", "GR104", "GR105", "GR106", "GR107", "GR108", "GR109"];

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    rows: Vec<Row>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    file: String,
    /// What the program did, as the manifest says.
    label: String,
    rule: Option<String>,
    severity: Option<String>,
    /// From 1.
    line: Option<u32>,
    /// Number of the goroutine whose header stands on the line.
    goroutine: Option<u64>,
    /// A part of the message.
    says: Option<String>,
    /// No finding, and why.
    #[serde(default)]
    none: bool,
    why: Option<String>,
}

/// What was found: rule, line from 1, severity, number of the goroutine, message.
#[derive(Debug)]
struct Found {
    rule: &'static str,
    line: u32,
    severity: String,
    goroutine: Option<u64>,
    message: String,
}

impl Row {
    fn is_hit_by(&self, found: &Found) -> bool {
        self.rule.as_deref() == Some(found.rule)
            && self.line == Some(found.line)
            && self.severity.as_deref() == Some(&found.severity)
            && self.goroutine.is_none_or(|goroutine| found.goroutine == Some(goroutine))
            && self.says.as_deref().is_none_or(|says| found.message.contains(says))
    }
}

fn table() -> Vec<Row> {
    let table: Table = toml::from_str(include_str!("judged/dumps.toml")).expect("the table is TOML");
    table.rows
}

fn path(file: &str) -> Option<PathBuf> {
    let committed = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(file);
    [committed, folder().join(file)].into_iter().find(|path| path.is_file())
}

fn found(path: &Path) -> Vec<Found> {
    let bytes = std::fs::read(path).unwrap_or_else(|error| panic!("read {}: {error}", path.display()));
    let log = Log::read(&bytes);
    let lines: Vec<&[u8]> = bytes.split(|byte| *byte == b'\n').collect();
    let runs = Runs::of(&log);
    let blocks = Blocks::of(&log, &runs);
    let analysis = Analysis::of(&log, &runs, &lines, &Settings::default(), || &blocks);
    let numbers: BTreeMap<u32, u64> = log
        .rows(Family::Goroutine)
        .into_iter()
        .filter_map(|row| Some((log.line(row), log.code(row, goroutine::GOROUTINE)?)))
        .collect();
    let of_dumps = analysis.findings.iter().filter(|finding| RULES.contains(&finding.rule.code));
    of_dumps
        .map(|finding| Found {
            rule: finding.rule.code,
            line: finding.place.line + 1,
            severity: format!("{:?}", finding.severity).to_lowercase(),
            goroutine: numbers.get(&finding.place.line).copied(),
            message: finding.message.clone(),
        })
        .collect()
}

#[test]
fn every_row_is_hit_at_its_line_and_nothing_else_is_found() {
    let rows = table();
    let files: BTreeSet<&str> = rows.iter().map(|row| row.file.as_str()).collect();
    let mut n_files = 0;
    let mut faults = Vec::new();
    for file in files {
        let Some(path) = path(file) else { continue };
        n_files += 1;
        let expected: Vec<&Row> = rows.iter().filter(|row| row.file == file && !row.none).collect();
        let found = found(&path);
        for row in &expected {
            if !found.iter().any(|found| row.is_hit_by(found)) {
                faults.push(format!("{file}: not found: {row:?}"));
            }
        }
        for found in &found {
            if !expected.iter().any(|row| row.is_hit_by(found)) {
                faults.push(format!("{file}: not in the table: {found:?}"));
            }
        }
    }
    assert!(faults.is_empty(), "{} faults:\n{}", faults.len(), faults.join("\n"));
    // A clone without the shared corpus beside it has 60.
    assert!(n_files >= 50, "only {n_files} files of the table are there");
}

#[test]
fn a_row_says_what_is_found_or_why_nothing_is() {
    for row in table() {
        let is_hit = row.rule.is_some() && row.line.is_some() && row.severity.is_some() && row.why.is_none();
        let is_silent = row.none && row.why.is_some() && row.rule.is_none() && row.line.is_none();
        assert!(is_hit != is_silent, "{row:?}");
        assert!(!row.label.is_empty(), "{row:?}");
    }
}

#[test]
fn nothing_harmless_has_more_than_a_hint() {
    // One dump cannot tell a pool of 150 workers from a leak; it is a remark.
    let harmless = ["healthy", "not_leak", "idle", "busy"];
    let loud = table().into_iter().filter(|row| harmless.contains(&row.label.as_str()));
    let loud: Vec<Row> =
        loud.filter(|row| row.severity.as_deref().is_some_and(|severity| severity != "hint")).collect();
    assert!(loud.is_empty(), "{loud:?}");
    let pools: Vec<Row> = table().into_iter().filter(|row| row.label == "pool").collect();
    assert!(!pools.is_empty() && pools.iter().all(|row| row.severity.as_deref() == Some("info")), "{pools:?}");
}
