//! What lenses, outline, folds and hints say of one log of every era and kind, readable in review; and where phases of
//! recorded runs begin.
//!
//! The labels come from the manifests; only tests read them.

use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;

use expect_test::expect_file;
use ide::{Kinds, Snapshot, Symbol};
use serde_json::Value;
use tracelog::{Log, Text};

fn corpus() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus")
}

fn snapshot(path: &str) -> Snapshot {
    let file = corpus().join(path);
    let bytes = std::fs::read(&file).unwrap_or_else(|error| panic!("read {}: {error}", file.display()));
    let text = String::from_utf8_lossy(&bytes).into_owned();
    Snapshot::new(Arc::new(Text::new(&text)), Log::read(text.as_bytes()), Arc::default())
}

/// One log of each era of `gc` and `SCHED` lines, of each kind of block, and of what a collector makes of them.
const LOGS: [(&str, &str); 18] = [
    ("gc and dump, Go 1.1", "runs/1.1.2/goroutine_leak-gc1+sched500-sigquit-p2-s258.log"),
    ("gc and SCHED, Go 1.2", "runs/1.2.2/gcthrash-gc1+sched10-p2-s731.log"),
    ("gc, Go 1.3", "runs/1.3.3/forced-gc1-p1-s128.log"),
    ("torn, Go 1.4", "runs/1.4.3/steady-gc1+sched10-p4-s648.log"),
    ("allocfreetrace, Go 1.4", "runs/1.4.3/tiny-allocfree-p1.log"),
    ("gc, Go 1.5", "runs/1.5.4/finalizers-gc1-p4-s816.log"),
    ("gc in journal, Go 1.21", "wrapped/syslog-5424-gc0-1.21.13-gcoff.log"),
    ("plateau, Go 1.22", "runs/1.22.10/memlimit-gc1-p2-s323.log"),
    ("spiral, Go 1.25", "runs/1.25.5/memlimit-gc1-spiral-p4-s278.log"),
    ("scheddetail, Go 1.2", "runs/1.2.2/zoo-sched500+detail-p2-s835.log"),
    ("everything, Go 1.21", "runs/1.21.13/steady-gc1+sched100+detail+pacer+scav+init-all-p2-s560.log"),
    ("load then idle, Go 1.27", "long/1.27.3-load_then_idle-p2-s3861.log"),
    ("scavenger, Go 1.24", "runs/1.24.11/spike_release-scav+gc1-p2-s662.log"),
    ("panic, Go 1.25", "runs/1.25.5/panic_nested-plain-p2-s381.log"),
    ("SIGQUIT, Go 1.5", "runs/1.5.4/zoo-plain-sigquit2-p2-s171.log"),
    ("data race, Go 1.21", "runs/1.21.13/race-plain-p4.log"),
    ("block profile, Go 1.20", "runs/1.20.6/profile-block-debug1.txt"),
    ("finalizers, Go 1.27", "runs/1.27.3/finalizers-checkfinalizers1+gc1-p2-s984.log"),
];

/// Entries that are shown of each question; the rest is a number.
const MAX_SHOWN: usize = 8;

fn show(text: &mut String, title: &str, entries: Vec<String>) {
    writeln!(text, "{title}").unwrap();
    for entry in entries.iter().take(MAX_SHOWN) {
        writeln!(text, "  {entry}").unwrap();
    }
    if entries.len() > MAX_SHOWN {
        writeln!(text, "  and {} more", entries.len() - MAX_SHOWN).unwrap();
    }
}

fn outline(symbols: &[Symbol], depth: usize, entries: &mut Vec<String>) {
    for symbol in symbols {
        let (first, last) = (symbol.lines.0 + 1, symbol.lines.1 + 1);
        entries.push(format!("{}{first}-{last} {} | {}", "  ".repeat(depth), symbol.name, symbol.detail));
        outline(&symbol.children, depth + 1, entries);
    }
}

/// A line, cut, with its hints put in.
fn with_hints(snapshot: &Snapshot, line: u32, kinds: Kinds) -> Option<String> {
    let mut text = String::from_utf8_lossy(&snapshot.lines.line(line)).into_owned();
    let hints = ide::hints(snapshot, line..line + 1, kinds);
    for hint in hints.iter().rev() {
        text.insert_str(hint.at.byte as usize, &format!("<{}>", hint.label));
    }
    (!hints.is_empty()).then_some(text)
}

#[test]
fn the_story_of_one_log_of_every_kind() {
    let all = Kinds { live_heap_delta: true, interval: true, outliers: true, wall_clock: true, states: true };
    let mut text = String::new();
    for (name, path) in LOGS {
        let snapshot = snapshot(path);
        writeln!(text, "## {name}: {path}\n").unwrap();
        let lens = |lens: ide::Lens| {
            assert!(lens.title.chars().count() <= ide::lens::MAX_CHARS, "{}", lens.title);
            format!("{} {}", lens.loc.line + 1, lens.title)
        };
        show(&mut text, "lenses", ide::lenses(&snapshot).into_iter().map(lens).collect());
        let mut entries = Vec::new();
        outline(&ide::symbols(&snapshot), 0, &mut entries);
        show(&mut text, "outline", entries);
        let folds = ide::folds(&snapshot).into_iter();
        show(
            &mut text,
            "folds",
            folds.map(|fold| format!("{}-{} {}", fold.first + 1, fold.last + 1, fold.text)).collect(),
        );
        let n_lines = snapshot.parsed.as_ref().unwrap().log.n_lines();
        let hinted = (0..n_lines).filter_map(|line| with_hints(&snapshot, line, all));
        show(&mut text, "hints", hinted.take(4).collect());
        text.push('\n');
    }
    expect_file!["story.txt"].assert_eq(&text);
}

/// Paths and labels of the plain runs of a manifest.
fn runs(manifest: &str, folder: &str) -> Vec<(String, Vec<String>)> {
    let text = std::fs::read_to_string(corpus().join(manifest)).unwrap();
    let files: Vec<Value> = serde_json::from_str(&text).unwrap();
    let plain = files.iter().filter(|file| file["wrapper"].as_str().is_none_or(|wrapper| wrapper == "none"));
    let labels = |file: &Value| -> Vec<String> {
        file["labels"].as_array().into_iter().flatten().filter_map(|label| Some(label.as_str()?.to_owned())).collect()
    };
    plain.map(|file| (format!("{folder}{}", file["path"].as_str().unwrap()), labels(file))).collect()
}

/// First lines, from 1, of the phases of the first run of a log, but for its first phase.
fn changes(path: &str) -> Vec<u32> {
    let snapshot = snapshot(path);
    let phases = &snapshot.parsed.as_ref().unwrap().analysis().phases;
    phases.first().into_iter().flatten().skip(1).map(|phase| phase.begin + 1).collect()
}

#[test]
fn healthy_runs_have_hardly_any_phases() {
    let healthy: Vec<String> = [runs("manifest.json", ""), runs("long/manifest.json", "long/")]
        .concat()
        .into_iter()
        .filter(|(_, labels)| labels.iter().any(|label| label == "healthy"))
        .map(|(path, _)| path)
        .collect();
    assert!(healthy.len() >= 12, "only {} healthy runs: were the manifests read?", healthy.len());
    let cut: Vec<&String> = healthy.iter().filter(|path| !changes(path).is_empty()).collect();
    assert!(cut.len() <= 1, "{} of {}: {cut:?}", cut.len(), healthy.len());
}

#[test]
fn phases_begin_where_programs_changed_what_they_do() {
    // The program loads its data for about five seconds and then only answers.
    assert_eq!(changes("long/1.22.10-load_then_idle-p4-s9631.log"), [6]);
    assert_eq!(changes("long/1.27.3-load_then_idle-p2-s3861.log"), [5]);
    // GOGC was off for the first half: the first cycle is the one that ended that.
    let switched: Vec<(String, Vec<u32>)> = runs("manifest.json", "")
        .into_iter()
        .filter(|(path, labels)| labels.iter().any(|label| label == "gc.off_then_on") && !path.contains("/1.4"))
        .map(|(path, _)| (path.clone(), changes(&path)))
        .collect();
    assert!(!switched.is_empty());
    for (path, changes) in switched {
        assert!(changes.contains(&2), "{path}: {changes:?}");
    }
}
