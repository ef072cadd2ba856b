//! `check` for machines: every format, and budgets.

#![expect(clippy::unwrap_used, reason = "in helpers as in tests: a test that cannot go on has failed")]

mod program;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use expect_test::expect;
use serde_json::Value;

use program::*;

/// A program that collects every half second and keeps more each time, with one long pause.
fn leak(n_cycles: u64) -> String {
    let line = |n: u64| {
        let live = 20 + n / 5;
        let stop = if n == 150 { "48.0" } else { "0.02" };
        format!(
            "gc {n} @{}.{}00s 1%: {stop}+1.5+0.010 ms clock, {stop}+0/1.5/0+0.010 ms cpu, {2}->{2}->{live} MB, {2} MB goal, \
             0 MB stacks, 0 MB globals, 4 P\n",
            n / 2,
            n % 2 * 5,
            2 * live
        )
    };
    (1..=n_cycles).map(line).collect()
}

fn json(args: &[&str], stdin: &str) -> Value {
    serde_json::from_str(&run_with(args, stdin.as_bytes()).stdout).unwrap()
}

/// The program in this folder, with these files in it.
fn run_in(folder: &Path, args: &[&str]) -> Ran {
    let output = program().current_dir(folder).args(args).output().unwrap();
    Ran {
        code: output.status.code().unwrap(),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

#[test]
fn jsonl_has_the_findings_of_json_one_a_line() {
    let log = leak(200);
    let lines = run_with(&["check", "--show", "hint", "--format", "jsonl", "-"], log.as_bytes()).stdout;
    let lines: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let whole = json(&["check", "--show", "hint", "--format", "json", "-"], &log);
    assert!(lines.len() > 1);
    assert_eq!(Value::Array(lines), whole["files"][0]["findings"]);
    assert_eq!(run_with(&["check", "--format", "jsonl", "-"], b"").stdout, "");
}

/// The schema of the standard. One of its patterns, for the language of messages, has a bracket too many and is no regular
/// expression to a strict reader.
fn standard() -> jsonschema::Validator {
    let schema = include_str!("sarif/sarif-schema-2.1.0.json").replace("[a-zA-Z]{2}]?$", "[a-zA-Z]{2}?$");
    jsonschema::validator_for(&serde_json::from_str(&schema).unwrap()).unwrap()
}

/// A SARIF document; it is asserted to follow the schema of the standard.
fn sarif(folder: &Path, args: &[&str]) -> (i32, Value) {
    let ran = run_in(folder, &[&["check", "--format", "sarif"], args].concat());
    let document: Value = serde_json::from_str(&ran.stdout).unwrap();
    let errors: Vec<String> = standard().iter_errors(&document).map(|error| error.to_string()).collect();
    assert!(errors.is_empty(), "{errors:#?}\n{document:#}");
    (ran.code, document)
}

#[test]
fn the_schema_refuses_what_is_no_sarif() {
    for wrong in [r#"{"version":"2.1.0"}"#, r#"{"version":"2.1.0","runs":[{"tool":{"driver":{}}}]}"#] {
        assert!(!standard().is_valid(&serde_json::from_str(wrong).unwrap()), "{wrong}");
    }
}

#[test]
fn sarif_follows_the_standard() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("logs")).unwrap();
    write(folder.path(), "logs/app 1,é.log", leak(200).as_bytes());
    let (code, document) =
        sarif(folder.path(), &["--show", "hint", "--budget", "max_stw=5ms", "logs/app 1,é.log", "gone.log"]);
    assert_eq!(code, 2);
    let run = &document["runs"][0];
    let artifacts: Vec<&str> =
        run["artifacts"].as_array().unwrap().iter().map(|one| one["location"]["uri"].as_str().unwrap()).collect();
    assert_eq!(artifacts, ["logs/app%201%2C%C3%A9.log", "gone.log"]);
    let invocation = &run["invocations"][0];
    assert_eq!((&invocation["executionSuccessful"], &invocation["exitCode"]), (&false.into(), &2.into()));
    let notification = &invocation["toolExecutionNotifications"][0];
    assert_eq!(notification["level"], "error");
    assert!(notification["message"]["text"].as_str().unwrap().starts_with("open \"gone.log\": "));

    let rules = run["tool"]["driver"]["rules"].as_array().unwrap();
    let results = run["results"].as_array().unwrap();
    for result in results {
        let rule = &rules[result["ruleIndex"].as_u64().unwrap() as usize];
        assert_eq!(rule["id"], result["ruleId"]);
        assert_eq!(result["locations"][0]["physicalLocation"]["artifactLocation"]["index"], 0);
    }
    for rule in rules {
        for key in ["shortDescription", "fullDescription", "help", "helpUri", "defaultConfiguration"] {
            assert!(!rule[key].is_null(), "{key} of {rule}");
        }
    }
    let of = |id: &str| results.iter().find(|result| result["ruleId"] == id).unwrap();
    let leak = of("GC101");
    assert_eq!(leak["level"], "warning");
    assert!(leak["properties"]["numbers"]["gain_mb"].as_f64().unwrap() > 10.0);
    assert!(leak["relatedLocations"].as_array().unwrap().len() > 1);
    let budget = of("budget");
    let region = &budget["locations"][0]["physicalLocation"]["region"];
    assert_eq!((&budget["level"], &region["startLine"]), (&"error".into(), &150.into()));
}

#[test]
fn a_finding_keeps_its_fingerprint_when_lines_are_appended() {
    let folder = tempfile::tempdir().unwrap();
    let fingerprints = |text: &str| {
        write(folder.path(), "app.log", text.as_bytes());
        let (_, document) = sarif(folder.path(), &["--show", "hint", "app.log"]);
        let results = document["runs"][0]["results"].as_array().unwrap().clone();
        let of_one = |result: &Value| result["partialFingerprints"]["primaryLocationLineHash"].to_string();
        let all: Vec<String> = results.iter().map(of_one).collect();
        let distinct: BTreeSet<String> = all.iter().cloned().collect();
        assert_eq!(all.len(), distinct.len(), "{all:?}");
        distinct
    };
    let mut short = fingerprints(&leak(200));
    // That a log ends without a word is true of its last run alone.
    short.retain(|fingerprint| !fingerprint.contains("FT111"));
    assert!(!short.is_empty());
    // The process starts again, and what was found in its first life is still the same.
    let long = fingerprints(&(leak(200) + &leak(200)));
    assert!(short.is_subset(&long), "{short:?} {long:?}");
    assert!(long.len() > short.len());
}

#[test]
fn sarif_of_every_corpus_log_follows_the_standard() {
    let root = corpus("");
    for part in ["long", "published", "wrapped"] {
        let mut files: Vec<String> =
            fs::read_dir(corpus(part)).unwrap().map(|file| file.unwrap().path().to_str().unwrap().to_owned()).collect();
        files.sort();
        let args = [&["--show", "hint"], files.iter().map(String::as_str).collect::<Vec<_>>().as_slice()].concat();
        sarif(Path::new(&root), &args);
    }
}

#[test]
fn github_gets_a_command_a_finding() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "a,b.log", leak(200).as_bytes());
    let ran =
        run_in(folder.path(), &["check", "--format", "github", "--budget", "gc_cpu=0.01%", "a,b.log", "gone.log"]);
    assert_eq!(ran.code, 2);
    let commands: Vec<&str> = ran.stdout.lines().collect();
    assert!(commands.iter().all(|line| ["::error ", "::warning ", "::notice "].iter().any(|c| line.starts_with(c))));
    let leak = commands.iter().find(|line| line.contains("GC101")).unwrap();
    assert!(leak.starts_with("::warning file=a%2Cb.log,line="), "{leak}");
    assert!(leak.contains(",title=GC101 live-heap-leak::Live heap keeps rising: "), "{leak}");
    assert!(!leak.contains("\u{1b}"));
    assert!(commands.iter().any(|line| line.contains(",title=budget gc_cpu::share of all processor time")));
    assert!(commands.last().unwrap().starts_with("::error file=gone.log,title=gotracelens::open \"gone.log\": "));
}

#[test]
fn junit_has_a_suite_a_file_and_a_case_a_rule() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "app.log", leak(200).as_bytes());
    write(folder.path(), "short.log", leak(12).as_bytes());
    let of = |args: &[&str]| run_in(folder.path(), &[&["check", "--format", "junit"], args].concat());
    let failed = of(&["--fail-on", "warning", "--budget", "p99_stw=1ms,leak=none", "app.log"]);
    assert_eq!(failed.code, 1);
    let case = |xml: &str, name: &str| {
        let start = xml.find(&format!("<testcase name=\"{name}")).unwrap_or_else(|| panic!("no {name} in {xml}"));
        let case = &xml[start..];
        case[..case
            .find("<testcase name=\"")
            .map_or(case.len(), |_| case[1..].find("<testcase").map_or(case.len(), |at| at + 1))]
            .to_owned()
    };
    assert!(case(&failed.stdout, "GC101 live-heap-leak").contains("<failure message=\"Live heap keeps rising: "));
    assert!(case(&failed.stdout, "budget leak=none").contains("<failure "));
    assert!(!case(&failed.stdout, "budget p99_stw=1ms").contains("<failure "));
    let passed = of(&["app.log"]);
    assert_eq!(passed.code, 0);
    let leak = case(&passed.stdout, "GC101 live-heap-leak");
    assert!(!leak.contains("<failure") && leak.contains("app.log:") && leak.contains("warning: Live heap"), "{leak}");
    let short = of(&["short.log", "gone.log"]);
    assert_eq!(short.code, 2);
    assert!(
        case(&short.stdout, "GC101 live-heap-leak").contains("<skipped message=\"too short to judge: needs 40 cycles")
    );
    assert!(!short.stdout.contains("SC101"), "there is nothing that it reads");
    assert!(case(&short.stdout, "read the file").contains("<error message=\"open &quot;gone.log&quot;"));
}

#[test]
fn a_budget_is_kept_or_not() {
    let log = leak(200);
    let code = |args: &[&str]| run_with(&[&["check"], args, &["-"]].concat(), log.as_bytes()).code;
    for (args, expected) in [
        (vec!["--budget", "max_stw=48.1ms"], 0),
        (vec!["--budget", "max_stw=48ms"], 1),
        (vec!["--budget", "max_stw=48ms", "--fail-on", "never"], 1),
        (vec!["--budget", "p99_stw=1ms,heap_peak=120MB,live_peak=0.1GiB,cycles_per_s=2,gc_cpu=10%"], 0),
        (vec!["--budget", "heap_peak=119MB"], 1),
        (vec!["--budget", "cycles_per_s=1.9"], 1),
        (vec!["--budget", "leak=none"], 1),
        (vec!["--budget", "findings=0"], 1),
        (vec!["--budget", "findings=9"], 0),
        // Nobody knows: there is no scheduler line.
        (vec!["--budget", "threads=10"], 0),
        (vec!["--budget", "threads=10", "--budget-strict"], 1),
    ] {
        assert_eq!(code(&args), expected, "{args:?}");
    }
}

#[test]
fn a_budget_that_cannot_be_judged_says_why() {
    let budget = |args: &[&str], text: &str| {
        let value = json(&[&["check", "--format", "json"], args, &["-"]].concat(), text);
        value["files"][0]["budget"].clone()
    };
    let short = budget(&["--budget", "leak=none"], &leak(12));
    assert_eq!((&short[0]["verdict"], &short[0]["value"]), (&"unknown".into(), &Value::Null));
    assert_eq!(short[0]["unknown"], "too short to judge: GC101 needs 40 cycles and 30 s, has 12 and 5.5 s");
    let none = budget(&["--budget", "max_stw=5ms"], "nothing here\n");
    assert_eq!(none[0]["unknown"], "no trace line of a process run");
    let met = budget(&["--budget", "max_stw=50ms"], &leak(200));
    assert_eq!((&met[0]["verdict"], &met[0]["limit"], &met[0]["unit"]), (&"met".into(), &50.0.into(), &"ms".into()));
    let leaks = json(&["check", "--format", "json", "--budget", "leak=none", "-"], &leak(200));
    let findings = leaks["files"][0]["findings"].as_array().unwrap();
    let told = findings.iter().find(|found| found["code"] == "budget").unwrap();
    assert!(
        told["message"].as_str().unwrap().contains("of the leak rules in run 1 (GC101), none is allowed."),
        "{told}"
    );
    let shown = run_with(&["check", "--budget", "leak=none", "-"], leak(12).as_bytes());
    assert_eq!(shown.code, 0);
    assert!(shown.stdout.contains("info[budget]: leak=none cannot be judged in run 1: too short"), "{}", shown.stdout);
}

#[test]
fn a_budget_that_means_nothing_is_refused() {
    let refused = |budget: &str| {
        let ran = run_with(&["check", "--budget", budget, "-"], b"");
        assert_eq!((ran.code, ran.stdout.as_str()), (2, ""), "{budget}");
        let message = ran.stderr.lines().next().unwrap().to_owned();
        message.split_once("': ").map_or(message.clone(), |(_, why)| why.to_owned())
    };
    expect![[r#""p99_stv": there is no such metric; did you mean p99_stw? All are p99_stw, max_stw, gc_cpu, cycles_per_s, heap_peak, live_peak, alloc_rate, threads, runnable_p99, leak, findings"#]]
        .assert_eq(&refused("p99_stv=5ms"));
    expect![[r#"max_stw="5": expected a time with its unit, as in 5ms, 800us, 1.5s"#]].assert_eq(&refused("max_stw=5"));
    expect![[r#"gc_cpu="0.1": expected a percentage up to 100, as in 10%"#]].assert_eq(&refused("gc_cpu=0.1"));
    expect![[r#"leak="1": expected none, which is all it can be"#]].assert_eq(&refused("leak=1"));
    expect![[r#""leak": expected NAME=LIMIT, as in p99_stw=5ms"#]].assert_eq(&refused("leak"));
    for wrong in
        ["max_stw=-5ms", "max_stw=5 ms", "max_stw=1e3ms", "max_stw=.5ms", "heap_peak=5mb", "gc_cpu=101%", "threads=inf"]
    {
        refused(wrong);
    }
    let twice = run_with(&["check", "--budget", "max_stw=5ms,max_stw=6ms", "-"], b"");
    assert_eq!((twice.code, twice.stderr.as_str()), (2, "error: --budget: max_stw is limited twice\n"));
}

/// What a log may hold to be obeyed by whoever shows it, in a line that a rule quotes.
#[test]
fn text_of_a_log_is_obeyed_by_no_format() {
    let folder = tempfile::tempdir().unwrap();
    let hostile = "\u{1b}[2J::error::x<script>]]>&\u{202e}%0A";
    let text = format!(
        "panic: {hostile}\n\ngoroutine 1 [running]:\nmain.main()\n\t/src/{hostile}.go:7 +0x20\nexit status 2\n{}",
        leak(200)
    );
    write(folder.path(), "app.log", text.as_bytes());
    for format in ["human", "json", "jsonl", "sarif", "github", "junit"] {
        let ran =
            run_in(folder.path(), &["check", "--color", "never", "--show", "hint", "--format", format, "app.log"]);
        assert!(!ran.stdout.contains(['\u{1b}', '\u{202e}']), "{format}: {}", ran.stdout);
        assert!(!ran.stdout.contains("<script>") || format == "human" || format == "github", "{format}");
        if format == "github" {
            assert!(ran.stdout.lines().all(|line| !line.starts_with("::error::")), "{}", ran.stdout);
        }
    }
}
