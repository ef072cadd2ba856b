//! The configuration that is read off a log, against what the programs of the corpus were really run with.
//!
//! The manifest knows it; the analysis never sees the manifest. Wrong is worse than unknown: nothing may be wrong.

use std::collections::BTreeMap;
use std::sync::Arc;

use ide::environment::{Environment, MemoryLimit, Traceback};
use ide::{Settings, Snapshot};
use tracelog::{Log, Text};

use crate::corpus::{self, Entry};
use crate::json::Json;

/// How a program was run.
struct Truth {
    gomaxprocs: u64,
    /// GODEBUG, and GOGCTRACE of Go 1.1 as gctrace.
    switches: BTreeMap<String, String>,
    memory_limit: bool,
    /// The live heap was at the limit.
    is_pressed: bool,
    /// Percent; none where it changed, or was off for a while.
    gogc: Option<f64>,
    traceback: Option<String>,
    is_race: bool,
}

/// What each program was run with, by path; those of several programs or of unknown ones left out.
fn truths() -> BTreeMap<String, Truth> {
    let folder = corpus::folder();
    let read = |name: &str, prefix: &str| -> Vec<(String, Truth)> {
        let text = std::fs::read_to_string(folder.join(name)).expect("the corpus has a manifest");
        let manifest: Json = serde_json::from_str(&text).expect("the manifest is JSON");
        let one = |json: &Json| Some((format!("{prefix}{}", json.get("path").text()), truth(json)?));
        manifest.list().iter().filter_map(one).collect()
    };
    read("manifest.json", "").into_iter().chain(read("long/manifest.json", "long/")).collect()
}

fn truth(json: &Json) -> Option<Truth> {
    let Json::Integer(gomaxprocs) = json.get("gomaxprocs") else { return None };
    let sources = json.get("sources").list();
    if sources.len() > 1 || matches!(json.get("wrapper").text(), "restart-crash" | "two-procs-bare") {
        return None;
    }
    let set = json.get("godebug").text().split(',').filter_map(|one| one.split_once('='));
    let mut switches: BTreeMap<String, String> = set.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    // A wrapped file says nothing of the environment; its source does.
    let env = json.get("env");
    if !env.get("GOGCTRACE").text().is_empty() || json.get("go").text().starts_with("1.1.") {
        switches.entry("gctrace".to_owned()).or_insert_with(|| "1".to_owned());
    }
    let labels: Vec<&str> = json.get("labels").list().iter().map(Json::text).collect();
    let workload = json.get("workload").text();
    let memory_limit = !env.get("GOMEMLIMIT").text().is_empty() || workload == "memlimit";
    let traceback = env.get("GOTRACEBACK").text();
    Some(Truth {
        gomaxprocs: u64::try_from(*gomaxprocs).ok()?,
        switches,
        memory_limit,
        is_pressed: labels.contains(&"gc.memlimit_spiral"),
        gogc: match workload {
            "gcthrash" => Some(2.0),
            "gcoff" => None,
            _ => Some(100.0),
        },
        traceback: (!traceback.is_empty() || env != &Json::Null).then(|| traceback.to_owned()),
        is_race: labels.contains(&"race"),
    })
}

/// What was right, wrong or unknown, by what was asked.
#[derive(Default)]
struct Tally {
    counts: BTreeMap<&'static str, [usize; 3]>,
    wrong: Vec<String>,
}

impl Tally {
    /// Counts a claim; without one it is unknown.
    fn count(&mut self, what: &'static str, path: &str, claim: Option<(bool, String)>) {
        let counts = self.counts.entry(what).or_default();
        match claim {
            Some((true, _)) => counts[0] += 1,
            Some((false, said)) => {
                counts[1] += 1;
                self.wrong.push(format!("{path}: {what}: {said}"));
            }
            None => counts[2] += 1,
        }
    }
}

fn environments(entry: &Entry) -> Vec<Environment> {
    let path = corpus::folder().join(&entry.path);
    let bytes = std::fs::read(&path).unwrap_or_else(|error| panic!("read {}: {error}", path.display()));
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let log = Log::read(text.as_bytes());
    let snapshot = Snapshot::new(Arc::new(Text::new(&text)), log, Arc::new(Settings::default()));
    let parsed = snapshot.parsed.as_ref().expect("it is read");
    let is_toolchain = |index: usize| parsed.runs.list[index].toolchain;
    let all = parsed.analysis().environments.iter().enumerate();
    all.filter(|(index, _)| !is_toolchain(*index)).map(|(_, environment)| environment.clone()).collect()
}

#[test]
fn what_is_said_about_a_process_is_what_it_was_run_with() {
    let truths = truths();
    let mut tally = Tally::default();
    let mut n_files = 0;
    for entry in corpus::entries(&corpus::folder()) {
        let Some(truth) = truths.get(&entry.path) else { continue };
        n_files += 1;
        for environment in environments(&entry) {
            judge(&mut tally, &entry, truth, &environment);
        }
    }
    for (what, [right, wrong, unknown]) in &tally.counts {
        println!("{what}: {right} right, {wrong} wrong, {unknown} unknown");
    }
    assert!(n_files >= 100, "{n_files} files");
    assert!(tally.wrong.is_empty(), "{} wrong:\n{}", tally.wrong.len(), tally.wrong.join("\n"));
    // An answer that is always "unknown" is never wrong.
    for (what, at_least) in [("Go", 0.9), ("GOMAXPROCS", 0.5), ("switches", 0.9), ("memory limit", 0.2), ("GOGC", 0.15)]
    {
        let [right, _, unknown] = tally.counts[what];
        assert!(right as f64 >= at_least * (right + unknown) as f64, "{what}: {right} right, {unknown} unknown");
    }
}

fn judge(tally: &mut Tally, entry: &Entry, truth: &Truth, environment: &Environment) {
    let path = entry.path.as_str();
    let known = |value: &Result<_, String>| value.as_ref().ok().cloned();
    if let Some((1, minor)) = entry.release {
        let go = known(&environment.go.value);
        let minor = u8::try_from(minor).expect("a minor release is a small number");
        tally.count("Go", path, go.map(|go| (go.contains(minor), go.to_string())));
    }
    let procs = environment.gomaxprocs.value.as_ref().ok();
    let values = procs.map(|procs| procs.iter().map(|procs| procs.n).collect::<Vec<u64>>());
    tally.count("GOMAXPROCS", path, values.map(|values| (values == [truth.gomaxprocs], format!("{values:?}"))));

    for switch in &environment.switches {
        let value = truth.switches.get(switch.name).and_then(|value| value.parse().ok());
        let is_right = value.is_some_and(|value| switch.level.allows(value));
        tally.count(
            "switches",
            path,
            Some((is_right, format!("{} {:?}, was {value:?}", switch.in_words(), switch.level))),
        );
    }
    const PRINTED: [&str; 6] = ["gctrace", "schedtrace", "scheddetail", "gcpacertrace", "scavtrace", "inittrace"];
    let is_seen = |name: &str| environment.switches.iter().any(|switch| switch.name == name);
    for _ in PRINTED.iter().filter(|name| truth.switches.contains_key(**name) && !is_seen(name)) {
        tally.count("switches", path, None);
    }

    let is_of_gc = is_seen("gctrace");
    if is_of_gc {
        let limit = environment.memory_limit.value.as_ref().ok();
        let claim = limit.map(|limit| match limit {
            MemoryLimit::InCharge { .. } => truth.memory_limit,
            // A limit that is close may still leave the goal to GOGC.
            MemoryLimit::NotInCharge => !truth.is_pressed,
            MemoryLimit::NotKnownToGo => !truth.memory_limit,
        });
        tally.count("memory limit", path, claim.map(|is_right| (is_right, format!("{limit:?}"))));

        let gogc = environment.gogc.value.as_ref().ok();
        let claim = gogc.map(|levels| match truth.gogc {
            Some(percent) => levels
                .iter()
                .all(|level| level.percent.is_some_and(|said| (said - percent).abs() <= GOGC_TOLERANCE * percent)),
            // Off, then the default.
            None => levels.iter().all(|level| level.percent.is_none_or(|said| (said - 100.0).abs() <= 15.0)),
        });
        tally.count("GOGC", path, claim.map(|is_right| (is_right, format!("{gogc:?}"))));
    }

    if let (Some(set), Some(traceback)) = (&truth.traceback, &environment.traceback) {
        let is_old = entry.release.is_some_and(|release| release < (1, 6));
        let set = if set.is_empty() { if is_old { "all" } else { "single" } } else { set.as_str() };
        let claim = traceback.value.as_ref().ok().map(|said| match said {
            Traceback::Single => set == "single",
            Traceback::All => set == "all",
            Traceback::SystemOrCrash => set == "system" || set == "crash",
            Traceback::Crash => set == "crash",
        });
        tally.count("GOTRACEBACK", path, claim.map(|is_right| (is_right, format!("{:?}, was {set}", traceback.value))));
    }
    if environment.race.is_some() {
        tally.count("race", path, Some((truth.is_race, "built with -race".to_owned())));
    }
    // The detector needs cgo; no other program of the corpus was built with it.
    if environment.cgo.is_some() {
        tally.count("cgo", path, Some((truth.is_race, "built with cgo".to_owned())));
    }
    // No program of the corpus ran under a quota, busy as their machine was.
    if environment.throttling.is_some() {
        tally.count("throttling", path, Some((false, "a quota".to_owned())));
    }
}

/// How far an inferred GOGC may be off: sizes are whole megabytes, and 20 MB are enough to infer it.
const GOGC_TOLERANCE: f64 = 0.15;
