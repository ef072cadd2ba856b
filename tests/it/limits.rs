//! What is said about goals, limits, forced collections and the scavenger: of recorded runs whose settings are known, and
//! of all labeled logs of the corpus.

use std::io::Read;
use std::path::Path;

use flate2::read::GzDecoder;
use ide::Snapshot;
use ide::rules::{Finding, Severity};
use serde_json::Value;

use crate::document::open;
use crate::trends::labeled;

const RULES: [&str; 16] = [
    "GC401", "GC402", "GC403", "GC404", "GC405", "GC501", "GC502", "GC503", "GC601", "GC602", "GC603", "GC604",
    "GC605", "GC701", "GC702", "GC703",
];

/// The recorded runs with what is known of them.
fn runs() -> Vec<(Value, Snapshot)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus/judged/limits");
    let manifest = std::fs::read_to_string(folder.join("manifest.json")).unwrap();
    let entries: Vec<Value> = serde_json::from_str(&manifest).unwrap();
    let opened = |entry: Value| {
        let packed = std::fs::File::open(folder.join(entry["path"].as_str().unwrap())).unwrap();
        let mut text = String::new();
        GzDecoder::new(packed).read_to_string(&mut text).unwrap();
        (entry, open(&text))
    };
    entries.into_iter().map(opened).collect()
}

fn findings(snapshot: &Snapshot) -> Vec<&Finding> {
    let findings = &snapshot.parsed.as_ref().unwrap().analysis().findings;
    findings.iter().filter(|finding| RULES.contains(&finding.rule.code)).collect()
}

fn number(finding: &Finding, name: &str) -> f64 {
    finding.numbers.iter().find(|(found, _)| *found == name).map_or(f64::NAN, |(_, value)| *value)
}

#[test]
fn runs_are_judged_by_what_was_set() {
    for (entry, snapshot) in runs() {
        let path = entry["path"].as_str().unwrap();
        let mut codes: Vec<&str> = findings(&snapshot).iter().map(|finding| finding.rule.code).collect();
        codes.sort_unstable();
        let expected: Vec<&str> =
            entry["expected"].as_array().unwrap().iter().map(|code| code.as_str().unwrap()).collect();
        assert_eq!(codes, expected, "{path}");
        let is_severe = |finding: &&&Finding| finding.severity >= Severity::Warning;
        let all = findings(&snapshot);
        let severe: Vec<&str> = all.iter().filter(is_severe).map(|finding| finding.rule.code).collect();
        let expected: Vec<&str> =
            entry["severe"].as_array().unwrap().iter().map(|code| code.as_str().unwrap()).collect();
        assert_eq!(severe, expected, "{path}");
        for finding in findings(&snapshot) {
            assert!(!finding.test.conditions.is_empty() && finding.test.holds(), "{path}: {}", finding.rule.code);
        }
    }
}

#[test]
fn the_memory_limit_is_estimated_within_a_tenth() {
    let mut n_limits = 0;
    for (entry, snapshot) in runs() {
        let Some(limit_mb) = entry["limit_mb"].as_f64() else { continue };
        let found = findings(&snapshot);
        let Some(finding) = found.iter().find(|finding| finding.rule.code == "GC402") else { continue };
        n_limits += 1;
        let estimate = number(finding, "estimated_limit_mb");
        let range = (number(finding, "estimated_limit_low_mb"), number(finding, "estimated_limit_high_mb"));
        let path = &entry["path"];
        assert!((estimate / limit_mb - 1.0).abs() <= 0.1, "{path}: {estimate}");
        assert!(range.0 <= limit_mb && limit_mb <= range.1, "{path}: {range:?}");
    }
    assert_eq!(n_limits, 16);
}

#[test]
fn gogc_is_read_off_the_goals() {
    for (entry, snapshot) in runs() {
        let Some(set) = entry["gogc"].as_array() else { continue };
        let found = findings(&snapshot);
        let finding = found.iter().find(|finding| finding.rule.code == "GC404").unwrap();
        let read = match set.len() {
            1 => vec![number(finding, "gogc_pct")],
            _ => vec![number(finding, "gogc_before_pct"), number(finding, "gogc_after_pct")],
        };
        for (set, read) in set.iter().zip(&read) {
            let set = set.as_f64().unwrap();
            assert!((read / set - 1.0).abs() <= 0.05, "{}: {set} set, {read} read", entry["path"]);
        }
    }
}

/// The labels say what the programs did; nothing else may be told.
#[test]
fn labels_of_the_corpus_decide_what_is_told() {
    let all = labeled("manifest.json", "").into_iter().chain(labeled("long/manifest.json", "long"));
    let mut n_storms = 0;
    for (path, labels) in all {
        let bytes = std::fs::read(&path).unwrap();
        let snapshot = open(&String::from_utf8_lossy(&bytes));
        let is = |wanted: &str| labels.iter().any(|label| label == wanted);
        for finding in findings(&snapshot) {
            let place = format!("{}: {} {}", path.display(), finding.rule.code, finding.message);
            match finding.rule.code {
                "GC401" => assert!(!is("healthy"), "{place}"),
                "GC402" => {
                    assert!(is("gc.memlimit_spiral") || is("gc.memlimit_near") || is("gc.memlimit_only"), "{place}")
                }
                "GC403" => assert!(is("gc.memlimit_spiral"), "{place}"),
                "GC404" => assert!(is("gc.off_then_on"), "{place}"),
                "GC405" => assert!(is("spike"), "{place}"),
                "GC501" | "GC605" => assert!(is("gc.forced"), "{place}"),
                "GC502" => assert!(is("gc.periodic_forced"), "{place}"),
                "GC503" => assert!(path.to_string_lossy().contains("leak"), "{place}"),
                _ => panic!("{place}"),
            }
            n_storms += usize::from(finding.rule.code == "GC501");
        }
    }
    assert!(n_storms > 5, "{n_storms}");
}
