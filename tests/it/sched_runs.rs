//! What the rules about the scheduler say about recorded runs whose program did one thing each: what they have to find,
//! and nothing else above Hint.

use std::collections::BTreeMap;
use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use ide::analysis::Analysis;
use ide::rules::{Finding, Severity};
use ide::settings::Settings;
use serde::Deserialize;
use tracelog::{Blocks, Log, Runs};

/// A run, as its manifest describes it.
#[derive(Deserialize)]
struct Recorded {
    path: String,
    /// Codes of the rules that must fire, with a part of their message.
    finds: BTreeMap<String, String>,
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus/judged/sched")
}

fn recorded() -> Vec<Recorded> {
    serde_json::from_str(&fs::read_to_string(folder().join("manifest.json")).unwrap()).unwrap()
}

fn unpacked(path: &str) -> Vec<u8> {
    let packed = fs::read(folder().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"));
    let mut bytes = Vec::new();
    flate2::read::GzDecoder::new(packed.as_slice()).read_to_end(&mut bytes).unwrap();
    bytes
}

/// Findings about the scheduler above Hint.
fn findings(bytes: &[u8]) -> Vec<Finding> {
    let log = Log::read(bytes);
    let lines: Vec<&[u8]> = bytes.split(|byte| *byte == b'\n').collect();
    let runs = Runs::of(&log);
    let blocks = Blocks::of(&log, &runs);
    let findings = Analysis::of(&log, &runs, &lines, &Settings::default(), || &blocks).findings;
    findings
        .into_iter()
        .filter(|finding| finding.rule.code.starts_with("SC") && finding.severity > Severity::Hint)
        .collect()
}

#[test]
fn each_recorded_run_shows_what_its_program_did_and_nothing_else() {
    let mut wrong = Vec::new();
    let recorded = recorded();
    assert!(recorded.len() >= 20, "only {} runs", recorded.len());
    for Recorded { path, finds } in &recorded {
        let findings = findings(&unpacked(path));
        for finding in findings.iter().filter(|finding| !finds.contains_key(finding.rule.code)) {
            wrong.push(format!("{path}: {} {}", finding.rule.code, finding.message));
        }
        for (code, says) in finds {
            if !findings.iter().any(|finding| finding.rule.code == code && finding.message.contains(says)) {
                wrong.push(format!("{path}: no {code} that says {says}"));
            }
        }
    }
    assert_eq!(wrong, [] as [String; 0]);
}

#[test]
fn a_recorded_run_that_is_cut_anywhere_shows_nothing_else_either() {
    for Recorded { path, finds } in recorded() {
        let bytes = unpacked(&path);
        for share in [0.31, 0.55, 0.83] {
            let found = findings(&bytes[..(bytes.len() as f64 * share) as usize]);
            let other: Vec<&str> =
                found.iter().map(|finding| finding.rule.code).filter(|code| !finds.contains_key(*code)).collect();
            // What fills looks like growth while it fills; in these two that ends at a third of the run.
            let fills = path.starts_with("pool-") && share < 0.5;
            assert!(other.is_empty() || fills, "{path} up to {share}: {other:?}");
        }
    }
}

#[test]
fn the_loop_of_the_long_recording_is_named() {
    let long = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus/long");
    let path = long.join("1.22.10-tightloop-asyncpreemptoff1+gctrace1+sched500+detail-p4-s3796.log");
    let findings = findings(&fs::read(path).unwrap());
    let stop = findings.iter().find(|finding| finding.rule.code == "SC116").expect("the world does not stop");
    assert!(stop.message.contains("G23 on "), "{}", stop.message);
    assert!(stop.numbers.contains(&("goroutine", 23.0)), "{:?}", stop.numbers);
    assert_eq!(findings.len(), 1);
}

#[test]
fn the_goroutine_leaks_of_the_long_recordings_are_found_by_their_wait_reason() {
    let long = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus/long");
    for name in
        ["1.22.10-goroutine_leak-sched1500+detail-p4-s6924.log", "1.27.3-goroutine_leak-sched1500+detail-p2-s3626.log"]
    {
        let findings = findings(&fs::read(long.join(name)).unwrap());
        assert_eq!(findings.len(), 1, "{name}");
        assert_eq!(findings[0].rule.code, "SC110");
        assert!(findings[0].message.contains(r#"100 % of it in "chan receive""#), "{}", findings[0].message);
    }
    let web = findings(&fs::read(long.join("1.25.5-web-sched1500+detail-p2-s6742.log")).unwrap());
    assert!(web.is_empty(), "{:?}", web[0].message);
}
