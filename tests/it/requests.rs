//! What is said about the latency of recorded services: programs whose requests are slow for a known reason, and all logs
//! of the corpus, in which nobody's requests are slow because of the collector.

use std::io::Read;
use std::path::Path;
use std::time::Duration;

use flate2::read::GzDecoder;
use ide::{Snapshot, timeline};
use serde_json::Value;
use tracelog::LineCol;

use crate::corpus;
use crate::document::{line, open};

const RULES: [&str; 2] = ["GC801", "GC802"];

/// The recorded services with what is known of them.
fn services() -> Vec<(Value, Snapshot)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus/latency");
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

/// Which of the two rules fire.
fn codes(snapshot: &Snapshot) -> Vec<&'static str> {
    let findings = &snapshot.parsed.as_ref().unwrap().analysis().findings;
    findings.iter().map(|finding| finding.rule.code).filter(|code| RULES.contains(code)).collect()
}

#[test]
fn services_are_judged_by_why_their_requests_were_slow() {
    let services = services();
    assert_eq!(services.len(), 11);
    for (entry, snapshot) in &services {
        let path = entry["path"].as_str().unwrap();
        let codes = codes(snapshot);
        let expected: Vec<&str> = entry["expected"].as_str().into_iter().collect();
        assert_eq!(codes, expected, "{path}");
        // Whatever is expected here: what the program did rules one answer out.
        let mode = entry["mode"].as_str().unwrap();
        let impossible = if matches!(mode, "assists" | "both") { "GC801" } else { "GC802" };
        assert!(!codes.contains(&impossible), "{path}: slow because of {mode}, and {codes:?}");
        let assist_share =
            entry["truth"]["assist_cpu_s"].as_f64().unwrap() / entry["truth"]["gc_cpu_s"].as_f64().unwrap();
        assert_eq!(assist_share > 0.1, matches!(mode, "assists" | "both"), "{path}: {assist_share}");
        let summaries = &snapshot.parsed.as_ref().unwrap().analysis().summaries;
        let requests = summaries[0].requests.as_ref().unwrap();
        let n_requests = entry["truth"]["requests"].as_u64().unwrap() as usize;
        // The last lines may have been written by requests that the program did not count any more.
        assert!(requests.n_read.abs_diff(n_requests) <= 3, "{path}: {} read, {n_requests} made", requests.n_read);
    }
}

#[test]
fn the_wall_clock_of_a_cycle_is_that_of_its_line() {
    // A collector stamps a line when it reads it, soon after the cycle has ended.
    let (_, snapshot) =
        services().into_iter().find(|(entry, _)| entry["path"] == "1.27.3-assists-slog-cri.log.gz").unwrap();
    let n_lines = snapshot.parsed.as_ref().unwrap().log.n_lines();
    let is_cycle = |number: &u32| line(&snapshot, *number).contains(" F gc 60 @");
    let number = (1..=n_lines).find(is_cycle).expect("the cycle is there");
    let found = timeline::around(&snapshot, number - 1, Duration::from_millis(300), &[]).unwrap();
    let focus: Vec<_> = found.entries.iter().filter(|entry| entry.is_focus).collect();
    assert_eq!((focus.len(), focus[0].delta_ms), (1, 0.0));
    let requests = found.entries.iter().filter(|entry| entry.family.is_none()).count();
    // A hundred requests come in a second.
    assert!((20..=120).contains(&requests), "{requests} requests within 300 ms");
    assert!(found.entries.is_sorted_by(|a, b| a.delta_ms <= b.delta_ms));
}

#[test]
fn hover_on_a_duration_says_whether_a_collection_was_under_way() {
    let (_, snapshot) =
        services().into_iter().find(|(entry, _)| entry["path"] == "1.27.3-assists-text.log.gz").unwrap();
    let text = line(&snapshot, 3150);
    let byte = text.find("took=").unwrap() as u32 + 5;
    let hover = ide::hover(&snapshot, LineCol { line: 3149, byte }).unwrap();
    assert_eq!(&text[hover.loc.start as usize..hover.loc.end as usize], "114.150207ms");
    for part in ["**took**: 114 ms", "the slowest", "inside gc 100", "→ GC"] {
        assert!(hover.markdown.contains(part), "{part}: {}", hover.markdown);
    }
    // The slowest and a typical one do not read the same.
    let typical = (1..4000).find(|number| line(&snapshot, *number).contains("took=1")).unwrap();
    let byte = line(&snapshot, typical).find("took=").unwrap() as u32 + 5;
    let other = ide::hover(&snapshot, LineCol { line: typical - 1, byte }).unwrap();
    assert!(other.markdown.contains("slower than") || other.markdown.contains("faster than"), "{}", other.markdown);
    // No hover on the rest of the line, but where a rule found something about the line.
    assert_eq!(ide::hover(&snapshot, LineCol { line: typical - 1, byte: 3 }), None);
    let found = ide::hover(&snapshot, LineCol { line: 3149, byte: 3 }).unwrap();
    assert!(found.markdown.starts_with("**GC802 latency-in-gc**: info\n"), "{}", found.markdown);
}

/// The programs of the corpus were not made to be slow, and most of their lines hold no duration.
#[test]
fn nothing_is_said_about_the_logs_of_the_corpus() {
    let folder = corpus::folder();
    let mut n_with_durations = 0;
    for entry in corpus::entries(&folder) {
        let bytes = std::fs::read(folder.join(&entry.path)).unwrap();
        let log = tracelog::Log::read(&bytes);
        if log.chunks().all(|(_, chunk)| chunk.durations().rows().is_empty()) {
            continue;
        }
        n_with_durations += 1;
        assert_eq!(codes(&open(&String::from_utf8_lossy(&bytes))), [""; 0], "{}", entry.path);
    }
    // The workload `web` logs requests.
    assert!(n_with_durations > 0);
}
