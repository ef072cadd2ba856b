//! Labelled logs: which there are, and what their manifests say about them.
//!
//! A corpus is a folder with a `manifest.json`, a list with one object a file, and further ones in folders below it.
//! The committed corpus is `tests/corpus`; the project's whole one lies beside the clone, or where
//! `GOTRACELENS_CORPUS` says.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use serde::Deserialize;

/// Where a corpus is named that lies elsewhere.
pub const VARIABLE: &str = "GOTRACELENS_CORPUS";

/// One labelled log.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Relative to its corpus, with `/` everywhere: how tables name it.
    pub path: String,
    /// Where it is.
    pub file: PathBuf,
    /// Release that printed it; none where the manifest names none or no number (gccgo).
    pub go: Option<(u32, u32)>,
    /// What the program did. One list for each run that the file was made of, at least one.
    pub labels: Vec<Vec<String>>,
    /// What was done to the log; `none` for a plain run.
    pub wrapper: String,
    /// Rules that have to fire, where the manifest names them, with words that they have to say; empty for any.
    pub expected: BTreeMap<String, String>,
    /// The goroutine that keeps the world from stopping, where the program knew.
    pub culprit: Option<u64>,
}

impl Entry {
    /// Whether a label stands in any of its lists.
    pub fn has_label(&self, is_meant: impl Fn(&str) -> bool) -> bool {
        self.labels.iter().flatten().any(|label| is_meant(label))
    }

    /// The bytes of the log: unpacked, and UTF-8 where its byte order mark says that it is UTF-16.
    ///
    /// # Errors
    /// What cannot be read, and why.
    pub fn read(&self) -> Result<Vec<u8>, String> {
        let about = |error: std::io::Error| format!("read {}: {error}", self.path);
        let raw = fs::read(&self.file).map_err(about)?;
        if !self.path.ends_with(".gz") {
            return Ok(utf8(raw));
        }
        let mut bytes = Vec::new();
        flate2::read::MultiGzDecoder::new(&*raw).read_to_end(&mut bytes).map_err(about)?;
        Ok(utf8(bytes))
    }
}

fn utf8(bytes: Vec<u8>) -> Vec<u8> {
    let Some(units) = bytes.strip_prefix(b"\xff\xfe") else { return bytes };
    let units: Vec<u16> = units.chunks_exact(2).map(|unit| u16::from_le_bytes([unit[0], unit[1]])).collect();
    String::from_utf16_lossy(&units).into_bytes()
}

/// What of a manifest is read. Everything may be missing.
#[derive(Deserialize)]
struct Listed {
    path: String,
    #[serde(default)]
    go: String,
    #[serde(default)]
    labels: Vec<Labels>,
    wrapper: Option<String>,
    expected: Option<Expected>,
    #[serde(default)]
    truth: Truth,
}

/// The ways in which manifests name rules.
#[derive(Deserialize)]
#[serde(untagged)]
enum Expected {
    One(String),
    Rules(Vec<String>),
    Saying(BTreeMap<String, String>),
}

impl Expected {
    fn rules(self) -> BTreeMap<String, String> {
        match self {
            Self::One(rule) => [(rule, String::new())].into(),
            Self::Rules(rules) => rules.into_iter().map(|rule| (rule, String::new())).collect(),
            Self::Saying(rules) => rules,
        }
    }
}

#[derive(Default, Deserialize)]
struct Truth {
    culprit_goroutine: Option<u64>,
}

/// Labels of a file, or of one of the runs it was made of.
#[derive(Deserialize)]
#[serde(untagged)]
enum Labels {
    One(String),
    OfRun(Vec<String>),
}

/// The folder of the repository.
pub fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The committed corpus.
pub fn committed() -> PathBuf {
    repository().join("tests/corpus")
}

/// The whole corpus, where it is at hand.
pub fn whole() -> Option<PathBuf> {
    if let Some(folder) = std::env::var_os(VARIABLE) {
        return Some(PathBuf::from(folder));
    }
    let beside = repository().join("../shared/corpus");
    beside.join("manifest.json").is_file().then_some(beside)
}

/// All entries of the manifests in these folders and below, in the order of their paths. A path that an earlier folder
/// has is not taken again: parts of the whole corpus are committed.
///
/// # Errors
/// A manifest that cannot be read, or none at all.
pub fn entries(folders: &[PathBuf]) -> Result<Vec<Entry>, String> {
    let mut all: Vec<Entry> = Vec::new();
    for folder in folders {
        let mut manifests = Vec::new();
        find_manifests(folder, &mut manifests)?;
        if manifests.is_empty() {
            return Err(format!("{}: no manifest.json", folder.display()));
        }
        let known: BTreeSet<String> = all.iter().map(|entry| entry.path.clone()).collect();
        for manifest in manifests {
            all.extend(read_manifest(folder, &manifest)?.into_iter().filter(|entry| !known.contains(&entry.path)));
        }
    }
    all.sort_by(|a, b| a.path.cmp(&b.path));
    all.dedup_by(|a, b| a.path == b.path);
    Ok(all)
}

fn find_manifests(folder: &Path, found: &mut Vec<PathBuf>) -> Result<(), String> {
    let about = |error: std::io::Error| format!("read {}: {error}", folder.display());
    for entry in fs::read_dir(folder).map_err(about)? {
        let path = entry.map_err(about)?.path();
        if path.is_dir() {
            find_manifests(&path, found)?;
        } else if path.file_name().is_some_and(|name| name == "manifest.json") {
            found.push(path);
        }
    }
    found.sort();
    Ok(())
}

fn read_manifest(corpus: &Path, manifest: &Path) -> Result<Vec<Entry>, String> {
    let about = |error: String| format!("read {}: {error}", manifest.display());
    let text = fs::read_to_string(manifest).map_err(|error| about(error.to_string()))?;
    let list: Vec<Listed> = serde_json::from_str(&text).map_err(|error| about(error.to_string()))?;
    let folder = manifest.parent().unwrap_or(corpus);
    let below = folder.strip_prefix(corpus).unwrap_or(Path::new(""));
    let mut prefix: String = below.iter().map(|part| format!("{}/", part.to_string_lossy())).collect();
    if prefix == "/" {
        prefix.clear();
    }
    Ok(list.into_iter().map(|listed| entry(listed, folder, &prefix)).collect())
}

fn entry(listed: Listed, folder: &Path, prefix: &str) -> Entry {
    let mut labels: Vec<Vec<String>> = Vec::new();
    let mut own = Vec::new();
    for label in listed.labels {
        match label {
            Labels::One(label) => own.push(label),
            Labels::OfRun(list) => labels.push(list),
        }
    }
    if labels.is_empty() || !own.is_empty() {
        labels.push(own);
    }
    Entry {
        path: format!("{prefix}{}", listed.path),
        file: folder.join(&listed.path),
        go: release(&listed.go),
        labels,
        wrapper: listed.wrapper.unwrap_or_else(|| "none".to_owned()),
        expected: listed.expected.map(Expected::rules).unwrap_or_default(),
        culprit: listed.truth.culprit_goroutine,
    }
}

/// `1.22.10`, `1.15 beta era`: the first two numbers. `gccgo12` has none.
fn release(text: &str) -> Option<(u32, u32)> {
    let start = text.starts_with(|char: char| char.is_ascii_digit());
    let mut numbers = text.split(|char: char| !char.is_ascii_digit()).filter(|_| start);
    Some((numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn releases_are_read_off_what_manifests_write() {
        assert_eq!(release("1.22.10"), Some((1, 22)));
        assert_eq!(release("1.15 beta era (Jul 2020)"), Some((1, 15)));
        assert_eq!(release("1.11/1.12, 2 P"), Some((1, 11)));
        assert_eq!(release("gccgo12"), None);
        assert_eq!(release(""), None);
    }

    #[test]
    fn labels_of_one_run_and_of_several_are_told_apart() {
        let read = |json: &str| entry(serde_json::from_str(json).unwrap(), Path::new("x"), "long/");
        let one = read(r#"{"path": "a.log", "go": "1.5.4", "labels": ["leak.heap", "torn"]}"#);
        assert_eq!((one.path.as_str(), one.labels), ("long/a.log", vec![vec!["leak.heap".into(), "torn".into()]]));
        let two = read(r#"{"path": "b.log", "labels": [["idle"], ["healthy"]], "wrapper": "rotated"}"#);
        assert_eq!((two.labels, two.wrapper), (vec![vec!["idle".into()], vec!["healthy".into()]], "rotated".into()));
        let none = read(r#"{"path": "c.log", "expected": null, "truth": {"culprit_goroutine": 23, "slept": 0}}"#);
        assert_eq!((none.labels, none.expected, none.culprit), (vec![vec![]], [].into(), Some(23)));
    }

    #[test]
    fn expected_rules_are_named_in_three_ways() {
        let read = |expected: &str| {
            let json = format!(r#"{{"path": "a.log", "expected": {expected}}}"#);
            entry(serde_json::from_str(&json).unwrap(), Path::new("x"), "").expected
        };
        let rule = |words: &str| BTreeMap::from([("SC118".to_owned(), words.to_owned())]);
        assert_eq!(read(r#""SC118""#), rule(""));
        assert_eq!(read(r#"["SC118"]"#), rule(""));
        assert_eq!(read(r#"{"SC118": "Pending timers grow"}"#), rule("Pending timers grow"));
    }

    #[test]
    fn the_committed_corpus_is_there_with_all_its_folders() {
        let entries = entries(&[committed()]).unwrap();
        for folder in ["runs/", "long/", "wrapped/", "published/", "latency/"] {
            assert!(entries.iter().any(|entry| entry.path.starts_with(folder)), "{folder}");
        }
        let missing: Vec<&str> = entries.iter().filter(|e| !e.file.is_file()).map(|e| e.path.as_str()).collect();
        assert_eq!(missing, [""; 0]);
    }
}
