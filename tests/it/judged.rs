//! What rules say about logs whose truth was read by hand: each row of `judged/*.toml` is found at its line, and nothing
//! of that kind is found in any other file.
//!
//! Reads the whole corpus where it is at hand, see [`crate::corpus::folder`].

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;
use std::path::Path;

use flate2::read::GzDecoder;
use ide::analysis::Analysis;
use ide::rules::{Finding, Severity};
use ide::settings::Settings;
use serde::Deserialize;
use serde_json::Value;
use tracelog::{Blocks, Log, Runs};

use crate::corpus;

/// A row of a table.
#[derive(Debug, Deserialize)]
struct Row {
    file: String,
    label: String,
    rule: String,
    /// From 1.
    line: u32,
    goroutine: Option<u64>,
    /// A part of the message.
    says: String,
}

#[derive(Deserialize)]
struct Table {
    rows: Vec<Row>,
}

fn table(text: &str) -> Vec<Row> {
    toml::from_str::<Table>(text).expect("the table is TOML").rows
}

/// All findings in a text.
fn findings(bytes: &[u8]) -> Vec<Finding> {
    let log = Log::read(bytes);
    let lines: Vec<&[u8]> = bytes.split(|byte| *byte == b'\n').collect();
    let runs = Runs::of(&log);
    let blocks = Blocks::of(&log, &runs);
    Analysis::of(&log, &runs, &lines, &Settings::default(), || &blocks).findings
}

fn read(path: &Path) -> Vec<u8> {
    std::fs::read(path).unwrap_or_else(|error| panic!("read {}: {error}", path.display()))
}

/// What is wrong with the findings of a file, whose rows these are. `is_of_table` tells the rules that the table is about.
fn compare(file: &str, rows: &[&Row], findings: &[Finding], is_of_table: fn(&str) -> bool) -> Vec<String> {
    let mut wrong = Vec::new();
    let wanted: BTreeSet<(u32, &str)> = rows.iter().map(|row| (row.line, row.rule.as_str())).collect();
    let of_table = findings.iter().filter(|finding| is_of_table(finding.rule.code));
    for finding in of_table.filter(|finding| !wanted.contains(&(finding.place.line + 1, finding.rule.code))) {
        let (line, code) = (finding.place.line + 1, finding.rule.code);
        wrong.push(format!("{file}:{line}: {code} is not in the table: {}", finding.message));
    }
    for row in rows {
        let is_it = |finding: &&Finding| finding.place.line + 1 == row.line && finding.rule.code == row.rule;
        let Some(finding) = findings.iter().find(is_it) else {
            wrong.push(format!("{file}:{}: no {} for {}", row.line, row.rule, row.label));
            continue;
        };
        let number = finding.numbers.iter().find(|(name, _)| *name == "goroutine").map(|(_, id)| *id as u64);
        if row.goroutine.is_some() && number != row.goroutine {
            wrong.push(format!("{file}:{}: goroutine {number:?} instead of {:?}", row.line, row.goroutine));
        }
        if !finding.message.contains(&row.says) {
            wrong.push(format!("{file}:{}: {:?} does not say {:?}", row.line, finding.message, row.says));
        }
    }
    wrong
}

#[test]
fn every_end_of_a_process_is_found_at_its_line_and_nowhere_else() {
    let folder = corpus::folder();
    let rows = table(include_str!("judged/fatal.toml"));
    let mut by_file: BTreeMap<&str, Vec<&Row>> = BTreeMap::new();
    for row in &rows {
        by_file.entry(&row.file).or_default().push(row);
    }
    let (mut n_files, mut n_rows) = (0, 0);
    let mut wrong = Vec::new();
    for entry in corpus::entries(&folder) {
        let of_file = by_file.remove(entry.path.as_str()).unwrap_or_default();
        n_files += 1;
        n_rows += of_file.len();
        let mut found = findings(&read(&folder.join(&entry.path)));
        // That a log ends without a word where its heap was rising is a remark on another finding, not an end.
        found.retain(|finding| finding.severity > Severity::Hint);
        wrong.extend(compare(&entry.path, &of_file, &found, |code| code.starts_with("FT")));
    }
    println!("{n_rows} of {} rows in {n_files} files", rows.len());
    assert!(n_rows >= 60, "only {n_rows} rows belong to files that are there");
    assert!(wrong.is_empty(), "{} differences:\n{}", wrong.len(), wrong.join("\n"));
}

/// Programs that were killed and started again, four lives in a log each: `judged/crash`.
#[test]
fn a_crash_loop_is_found_where_every_life_grows_and_nowhere_else() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus/judged/crash");
    let manifest = String::from_utf8(read(&folder.join("manifest.json"))).expect("UTF-8");
    let entries: Vec<Value> = serde_json::from_str(&manifest).expect("JSON");
    let (mut n_leaks, mut n_others) = (0, 0);
    for entry in &entries {
        let path = entry["path"].as_str().expect("a path");
        let mut bytes = Vec::new();
        GzDecoder::new(&read(&folder.join(path))[..]).read_to_end(&mut bytes).expect("gzip");
        let findings = findings(&bytes);
        let found: Vec<&Finding> = findings.iter().filter(|finding| finding.rule.code == "GC108").collect();
        let Some(code) = entry["expected"].as_str() else {
            n_others += 1;
            assert!(found.is_empty(), "{path}: {}", found[0].message);
            continue;
        };
        n_leaks += 1;
        assert_eq!((found.len(), code), (1, "GC108"), "{path}");
        let number = |name: &str| found[0].numbers.iter().find(|(id, _)| *id == name).map(|(_, value)| *value);
        let seconds: Vec<f64> =
            entry["truth"]["seconds"].as_array().expect("a list").iter().filter_map(Value::as_f64).collect();
        assert_eq!(number("runs"), Some(seconds.len() as f64), "{path}: {}", found[0].message);
        // A life lasts a little longer than its last cycle.
        let longest = seconds.iter().copied().fold(0.0, f64::max);
        let last_cycle = number("longest_s").expect("it is told");
        assert!(last_cycle <= longest && last_cycle >= 0.5 * longest, "{path}: {last_cycle} of {longest} s");
        println!("{path}: {}", found[0].message);
    }
    assert!(n_leaks >= 5 && n_others >= 6, "{n_leaks} leaks and {n_others} others");
}

/// A service that was stopped for 60 of every 100 ms from 25 s on, and the same service left alone: `judged/cost`.
#[test]
fn a_service_in_the_rhythm_of_a_quota_is_found_and_the_same_one_left_alone_is_not() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus/judged/cost");
    for release in ["1.22.10", "1.27.3"] {
        let found = |name: &str, keep: fn(&str) -> bool| {
            let mut text = String::new();
            let packed = read(&folder.join(format!("{release}-service-{name}-p2.log.gz")));
            GzDecoder::new(&packed[..]).read_to_string(&mut text).expect("packed text");
            let text: String = text.lines().filter(|line| keep(line)).flat_map(|line| [line, "\n"]).collect();
            let mut of_quota = findings(text.as_bytes());
            of_quota.retain(|finding| ["GC205", "GC305"].contains(&finding.rule.code));
            let words = |finding: Finding| format!("{} {}", finding.rule.code, finding.message);
            of_quota.into_iter().map(words).collect::<Vec<_>>().join("\n")
        };
        let stopped = found("stopped", |_| true);
        assert!(stopped.contains("between 25.1 and 50.2 s: the process is stopped in the rhythm"), "{stopped}");
        assert!(stopped.contains("GC205 Marking went 3."), "{stopped}");
        // Of the gc lines alone the speed of marking tells it, and the length of marks in one of the two.
        let in_cycles = found("stopped", |line| line.starts_with("gc "));
        assert!(in_cycles.contains("GC205 Marking went 3."), "{in_cycles}");
        assert_eq!(in_cycles.contains("long phases cluster just under 100 ms"), release == "1.27.3", "{in_cycles}");
        let in_samples = found("stopped", |line| line.starts_with("SCHED "));
        assert!(in_samples.contains("in the rhythm of a CPU quota") && !in_samples.contains("GC205"), "{in_samples}");
        assert_eq!(found("running", |_| true), "", "{release}");
    }
}
