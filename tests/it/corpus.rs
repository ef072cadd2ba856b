//! Every line of the corpus against the checker's own reading, through `gotracelens parse`.
//!
//! `tests/corpus` is the part that is committed. With the whole corpus at hand (`GOTRACELENS_CORPUS`, or
//! `../shared/corpus` beside the clone) the same tests read all of it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use crate::blocks::is_family;
use crate::compare::{Types, compare_file};
use crate::grammar::{Grammar, Reading};
use crate::json::Json;
use crate::product::{ParsedLine, parse_file};
use crate::reading::{FileReading, Wrapping, read_file};
use crate::unwrap;

/// Torn lines of real runs whose pieces cannot be put together again: a release without any lock around its prints,
/// and an application that printed word by word at the same moment. The values of both writers alternate.
const SCRAMBLED: [(&str, &[usize]); 2] = [
    ("runs/1.4.3/steady-gc1+sched10-p4-s648.log", &[450, 451, 741, 742, 927, 928]),
    // Torn between the two blanks that it begins with, so that nobody can tell the first from the program's own; and
    // `lockedm=` right before a date, `nil` on the next line. `torn.toml` says what must be read there.
    ("wrapped/torn-detail4-1.27.3-zoo.log", &[4, 5, 48, 49, 86, 87, 116, 117]),
];

/// What a wrapper does to the order and the completeness of the lines of its sources.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Damage {
    Nothing,
    /// Only the first lines are there.
    EndLost,
    /// Only the last lines are there.
    HeadLost,
    /// Lines of the sources alternate, or come newest first.
    Reordered,
}

fn damage(wrapper: &str, path: &str) -> Damage {
    match wrapper {
        "comment" | "markdown-quote" | "truncated-tail" => Damage::EndLost,
        "truncated-head" | "nul-bytes" => Damage::HeadLost,
        "rotated" if path.ends_with(".1") => Damage::EndLost,
        "rotated" => Damage::HeadLost,
        "compose-v2-two"
        | "compose-v2-ansi"
        | "foreman"
        | "stern"
        | "two-procs-bare"
        | "two-procs-pid"
        | "cloudwatch-insights-csv" => Damage::Reordered,
        _ => Damage::Nothing,
    }
}

/// One file of the corpus.
#[derive(Debug)]
pub struct Entry {
    /// Relative to the corpus folder.
    pub path: String,
    /// `None` for published excerpts and gccgo.
    pub release: Option<(u32, u32)>,
    pub wrapper: String,
    pub sources: Vec<String>,
    pub torn_lines: Vec<usize>,
}

/// The corpus folder that the tests read: the whole one where it is at hand.
pub fn folder() -> PathBuf {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    if let Some(folder) = std::env::var_os("GOTRACELENS_CORPUS") {
        return PathBuf::from(folder);
    }
    let beside = package.join("../../shared/corpus");
    if beside.join("manifest.json").is_file() { beside } else { package.join("corpus") }
}

/// All entries of both manifests.
pub fn entries(folder: &Path) -> Vec<Entry> {
    let read = |name: &str| -> Json {
        let path = folder.join(name);
        let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("read {}: {error}", path.display()));
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("read {}: {error}", path.display()))
    };
    let mut entries: Vec<Entry> = read("manifest.json").list().iter().map(|json| entry(json, "")).collect();
    entries.extend(read("long/manifest.json").list().iter().map(|json| entry(json, "long/")));
    entries.sort_by(|a, b| a.path.cmp(&b.path));
    entries
}

fn entry(json: &Json, prefix: &str) -> Entry {
    let path = format!("{prefix}{}", json.get("path").text());
    let mut numbers = json.get("go").text().split('.').map_while(|part| part.parse().ok());
    // `restart-crash` puts a crash of another release between its sources.
    let is_one = !path.starts_with("published/") && json.get("wrapper").text() != "restart-crash";
    let release = numbers.next().zip(numbers.next()).filter(|_| is_one);
    let torn_lines = json.get("measured").get("torn_lines").list();
    Entry {
        path,
        release,
        wrapper: match json.get("wrapper").text() {
            "" => "none".to_owned(),
            wrapper => wrapper.to_owned(),
        },
        sources: json.get("sources").list().iter().map(|source| format!("runs/{}", source.text())).collect(),
        torn_lines: torn_lines
            .iter()
            .filter_map(|line| if let Json::Integer(line) = line { usize::try_from(*line).ok() } else { None })
            .collect(),
    }
}

impl Entry {
    pub fn wrapping(&self) -> Wrapping {
        if self.wrapper == "mail-wrapped" {
            Wrapping::HardWrapped
        } else if self.path.starts_with("wrapped/") || self.path.starts_with("published/") {
            Wrapping::Carried
        } else {
            Wrapping::Plain
        }
    }

    /// Whether the blocks of the sources are there, one after the other; `restart-crash` puts another one between them.
    fn keeps_blocks(&self) -> bool {
        !unwrap::is_lost(&self.wrapper) && self.wrapper != "restart-crash"
    }

    pub fn read(&self, grammar: &Grammar, folder: &Path) -> FileReading {
        let path = folder.join(&self.path);
        let bytes = std::fs::read(&path).unwrap_or_else(|error| panic!("read {}: {error}", path.display()));
        let mut file = read_file(grammar, &bytes, self.wrapping());
        for line in scrambled(&self.path) {
            file.expected.remove(line);
        }
        if self.wrapping() == Wrapping::Carried {
            let is_other = |line| file.expected.contains_key(&line) || file.tails.contains_key(&line);
            file.blocks = unwrap::blocks_of(grammar, &self.wrapper, &file.texts, is_other);
        }
        file
    }
}

/// 1-based lines of a file that are excluded from comparison, for the reason [`SCRAMBLED`] gives.
pub fn scrambled(path: &str) -> &'static [usize] {
    SCRAMBLED.iter().find(|(file, _)| *file == path).map_or(&[], |(_, lines)| lines)
}

/// What a test counted, and what was wrong.
#[derive(Default)]
struct Tally {
    n_files: usize,
    n_lines: usize,
    /// Trace lines by family and shape.
    n_shapes: BTreeMap<String, usize>,
    differences: Vec<String>,
}

impl Tally {
    fn count(&mut self, file: &FileReading) {
        self.n_files += 1;
        self.n_lines += file.n_lines;
        for reading in file.readings().into_iter().chain(file.blocks.values()) {
            let name = if reading.shape.is_empty() { reading.family } else { &reading.shape };
            *self.n_shapes.entry(name.to_owned()).or_default() += 1;
        }
    }

    fn finish(self, what: &str) {
        let mut report = format!("{what}: {} files, {} lines;", self.n_files, self.n_lines);
        for (shape, n) in &self.n_shapes {
            write!(report, " {shape} {n}").expect("a string takes everything");
        }
        println!("{report}");
        assert!(self.n_files > 0, "{what}: no file was read");
        if !self.differences.is_empty() {
            let shown: Vec<&str> = self.differences.iter().take(20).map(String::as_str).collect();
            panic!("{report}\n{} differences, the first of them:\n{}", self.differences.len(), shown.join("\n"));
        }
    }
}

/// The checker checked: in the real runs every beginning of a trace line is read, joined, or listed, and every torn
/// line that the manifest measured is one of them.
#[test]
fn reads_or_explains_every_beginning_of_a_trace_line() {
    let folder = folder();
    let grammar = Grammar::load();
    let mut tally = Tally::default();
    for entry in entries(&folder).iter().filter(|entry| entry.wrapping() == Wrapping::Plain) {
        let file = entry.read(&grammar, &folder);
        tally.count(&file);
        let explained = scrambled(&entry.path);
        for line in file.open_heads.iter().filter(|line| !explained.contains(line)) {
            tally.differences.push(format!("{}:{line}: not read: {}", entry.path, file.texts[line - 1]));
        }
        for line in &entry.torn_lines {
            let is_read = file.expected.contains_key(line) || file.tails.contains_key(line);
            if !is_read && !explained.contains(line) {
                tally.differences.push(format!("{}:{line}: torn, not read: {}", entry.path, file.texts[line - 1]));
            }
        }
    }
    tally.finish("beginnings of trace lines");
}

/// A wrapped file holds what its sources hold, minus the damage its wrapper does. This is about the corpus and the
/// checker: it makes the readings of wrapped files trustworthy where the sources are not at hand.
#[test]
fn wrapped_files_hold_the_lines_of_their_sources() {
    let folder = folder();
    let grammar = Grammar::load();
    let mut tally = Tally::default();
    for entry in &entries(&folder) {
        let Some(sources) = sources_of(entry, &grammar, &folder) else { continue };
        let file = entry.read(&grammar, &folder);
        tally.count(&file);
        let found = differences_from_sources(entry, &file, &sources);
        tally.differences.extend(found.into_iter().map(|difference| format!("{}: {difference}", entry.path)));
    }
    tally.finish("wrapped files and their sources");
}

/// Readings of all sources one after the other, when all of them are in the corpus.
fn sources_of(entry: &Entry, grammar: &Grammar, folder: &Path) -> Option<Vec<FileReading>> {
    let is_complete = entry.sources.iter().all(|source| folder.join(source).is_file());
    let read = |source: &String| {
        let bytes = std::fs::read(folder.join(source)).expect("the source is a file");
        read_file(grammar, &bytes, Wrapping::Plain)
    };
    (is_complete && !entry.sources.is_empty()).then(|| entry.sources.iter().map(read).collect())
}

fn differences_from_sources(entry: &Entry, file: &FileReading, sources: &[FileReading]) -> Vec<String> {
    let wanted: Vec<&Reading> = sources.iter().flat_map(FileReading::readings).collect();
    let mut results = vec![same_as_sources(entry, &file.readings(), &wanted)];
    if entry.keeps_blocks() {
        let wanted: Vec<&Reading> = sources.iter().flat_map(|source| source.blocks.values()).collect();
        let got: Vec<&Reading> = file.blocks.values().collect();
        results.push(same_as_sources(entry, &got, &wanted));
    }
    results.into_iter().filter_map(Result::err).collect()
}

fn same_as_sources<T: std::fmt::Debug + PartialEq>(entry: &Entry, got: &[T], sources: &[T]) -> Result<(), String> {
    let is_same = match damage(&entry.wrapper, &entry.path) {
        Damage::Nothing => got == sources,
        Damage::EndLost => sources.starts_with(got),
        Damage::HeadLost => sources.ends_with(got),
        Damage::Reordered => {
            let sorted = |all: &[T]| {
                let mut all: Vec<String> = all.iter().map(|one| format!("{one:?}")).collect();
                all.sort();
                all
            };
            sorted(got) == sorted(sources)
        }
    };
    if is_same {
        return Ok(());
    }
    let first = got.iter().zip(sources).position(|(a, b)| a != b).unwrap_or(got.len().min(sources.len()));
    Err(format!(
        "{} items, {} in {:?}; first difference at {first}: {:?} instead of {:?}",
        got.len(),
        sources.len(),
        entry.sources,
        got.get(first),
        sources.get(first)
    ))
}

/// Family, shape, values, notes and Go range of every trace line of every file; application lines claimed: 0.
#[test]
fn gives_every_trace_line_and_claims_no_other() {
    let folder = folder();
    let grammar = Grammar::load();
    let mut tally = Tally::default();
    let mut types = Types::default();
    for entry in &entries(&folder) {
        let file = entry.read(&grammar, &folder);
        let parsed = parse_file(&folder.join(&entry.path));
        tally.count(&file);
        compare_file(entry, &file, &parsed, &mut types, &mut tally.differences);
    }
    tally.differences.extend(types.conflicts());
    tally.finish("trace lines");
}

/// What was put around the lines changes nothing about the items: a wrapped file gives what its sources give. Here the
/// product is compared with itself, so that it holds for all families; what it gives for the sources is compared above.
#[test]
fn wrapped_files_give_the_items_of_their_sources() {
    let folder = folder();
    let mut tally = Tally::default();
    let mut of_source: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for entry in entries(&folder).iter().filter(|entry| !entry.sources.is_empty()) {
        if !entry.sources.iter().all(|source| folder.join(source).is_file()) {
            continue;
        }
        let mut sources = Vec::new();
        for source in &entry.sources {
            let items = of_source.entry(source.clone()).or_insert_with(|| items(&parse_file(&folder.join(source))));
            sources.extend(items.iter().cloned());
        }
        let mut got = items(&parse_file(&folder.join(&entry.path)));
        if !entry.keeps_blocks() {
            let is_line = |item: &String| !item.split(' ').next().is_some_and(is_family);
            got.retain(is_line);
            sources.retain(is_line);
        }
        tally.n_files += 1;
        tally.n_lines += got.len();
        if let Err(difference) = same_as_sources(entry, &got, &sources) {
            tally.differences.push(format!("{}: {difference}", entry.path));
        }
    }
    tally.finish("items of wrapped files and of their sources");
}

/// Family, shape and fields of every item; the half of one that a cut left over is none.
fn items(parsed: &[ParsedLine]) -> Vec<String> {
    let is_cut = |item: &&Json| {
        let is_torn = item.get("torn") == &Json::Bool(true);
        is_torn && item.get("fields").members().iter().any(|(_, value)| value == &Json::Null)
    };
    let items = parsed.iter().flat_map(|parsed| &parsed.items);
    items
        .filter(|item| item.get("part").text() != "tail" && !is_cut(item))
        .map(|item| format!("{} {} {:?}", item.get("family").text(), item.get("shape").text(), item.get("fields")))
        .collect()
}

/// Lines of different processes are never put into one run where the collector names the process.
#[test]
fn runs_never_mix_processes() {
    let folder = folder();
    let mut tally = Tally::default();
    for entry in &entries(&folder) {
        let Some(process) = process_pattern(&entry.wrapper) else { continue };
        let bytes = std::fs::read(folder.join(&entry.path)).expect("the entry is a file");
        let text = String::from_utf8_lossy(&bytes).replace("\u{1b}[0m", "");
        let lines: Vec<&str> = text.split('\n').collect();
        let parsed = parse_file(&folder.join(&entry.path));
        let (of_run, of_process) = runs_and_processes(&process, &lines, &parsed);
        tally.n_files += 1;
        for (run, processes) in of_run.iter().filter(|(_, processes)| processes.len() > 1) {
            tally.differences.push(format!("{}: run {run} holds lines of {processes:?}", entry.path));
        }
        for (process, runs) in of_process.iter().filter(|(_, runs)| runs.len() > 1) {
            tally.differences.push(format!("{}: {process} is split into runs {runs:?}", entry.path));
        }
    }
    tally.finish("processes");
}

/// Where the prefix of a wrapper names the process.
fn process_pattern(wrapper: &str) -> Option<regex::Regex> {
    let pattern = match wrapper {
        "compose-v2-two" | "compose-v2-ansi" => r"^(?:\x1b\[\d+m)?(\S+) +\| ",
        "kubectl-prefix-multi" => r"^\[(pod/\S+)\] ",
        "two-procs-pid" => r"^\[(\d+)\] ",
        "journald-restart" => r"api\[(\d+)\]: ",
        _ => return None,
    };
    Some(regex::Regex::new(pattern).expect("a constant expression"))
}

type Sets = BTreeMap<String, BTreeSet<String>>;

fn runs_and_processes(process: &regex::Regex, lines: &[&str], parsed: &[ParsedLine]) -> (Sets, Sets) {
    let mut of_run = Sets::new();
    let mut of_process = Sets::new();
    for parsed in parsed {
        let idx = usize::try_from(parsed.line - 1).expect("lines count from 1");
        let Some(name) = process.captures(lines[idx]).map(|captures| captures[1].to_owned()) else { continue };
        for item in &parsed.items {
            let run = format!("{:?}", item.get("run"));
            of_run.entry(run.clone()).or_default().insert(name.clone());
            of_process.entry(name.clone()).or_default().insert(run);
        }
    }
    (of_run, of_process)
}

/// In files where one process follows another, a new run begins exactly where the numbers start over.
#[test]
fn a_new_run_begins_where_the_numbers_start_over() {
    let folder = folder();
    let mut tally = Tally::default();
    for entry in entries(&folder).iter().filter(|entry| entry.wrapper.starts_with("restart-")) {
        let parsed = parse_file(&folder.join(&entry.path));
        tally.n_files += 1;
        let mut before: BTreeMap<String, i128> = BTreeMap::new();
        let mut run = None;
        for (line, item) in parsed.iter().flat_map(|parsed| parsed.items.iter().map(|item| (parsed.line, item))) {
            let counter = match item.get("family").text() {
                "gc" => "n",
                "sched" => "at_ms",
                _ => continue,
            };
            let Json::Integer(number) = *item.get("fields").get(counter) else { continue };
            let starts_over = before.get(counter).is_some_and(|last| number < *last);
            if starts_over {
                before.clear();
            }
            before.insert(counter.to_owned(), number);
            let is_new = run.as_ref().is_some_and(|run| run != item.get("run"));
            if is_new != starts_over {
                let what = if is_new { "a new run without a restart" } else { "a restart without a new run" };
                tally.differences.push(format!("{}:{line}: {what} at {counter}={number}", entry.path));
            }
            run = Some(item.get("run").clone());
        }
    }
    tally.finish("restarts");
}

/// What is committed stays small: a clone is paid for by everybody.
#[test]
fn the_committed_part_is_below_6_mb_and_what_rules_are_judged_by_below_2_5() {
    fn size(folder: &Path) -> u64 {
        let entries =
            std::fs::read_dir(folder).expect("the folder is there").map(|entry| entry.expect("an entry").path());
        entries.map(|path| if path.is_dir() { size(&path) } else { path.metadata().expect("a file").len() }).sum()
    }
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus");
    let n_judged = size(&folder.join("judged"));
    let n_bytes = size(&folder) - n_judged;
    assert!(n_bytes <= 6_000_000, "{n_bytes} bytes in tests/corpus beside judged");
    assert!(n_judged <= 2_500_000, "{n_judged} bytes in tests/corpus/judged");
}
