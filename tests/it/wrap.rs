//! Carriers put around runs that nobody wrapped in the corpus: what the product gives must not change.
//!
//! Every writer here is made from the documentation of the collector or logger and from the wrapped files of the
//! corpus, not from the parser. Time stamps are made up and rise by one millisecond a line.

use std::fmt::Write as _;

use crate::corpus::{Entry, entries, folder};
use crate::grammar::Grammar;
use crate::json::Json;
use crate::product::{ParsedLine, parse_bytes, parse_file};
use crate::reading::{Wrapping, read_file};

/// A carrier: its name, and how one line of it looks. The number is the 0-based line.
struct Carrier {
    name: &'static str,
    line: fn(usize, &str) -> String,
}

const CARRIERS: [Carrier; 31] = [
    Carrier { name: "docker json-file", line: |n, text| docker_json(n, text, "") },
    Carrier { name: "docker json-file with attrs", line: |n, text| docker_json(n, text, r#""attrs":{"tag":"api"},"#) },
    Carrier { name: "compose v1", line: |_, text| format!("web_1     | {text}") },
    Carrier { name: "compose v2", line: |_, text| format!("myapp-web-1  | {text}") },
    Carrier { name: "compose v2 colored", line: |_, text| format!("\x1b[36mweb-1  | \x1b[0m{text}") },
    Carrier { name: "compose v2 with --timestamps", line: |n, text| format!("web-1  | {} {text}", rfc3339(n)) },
    Carrier { name: "kubectl --prefix", line: |_, text| format!("[pod/api-7d9f8-x2vbn/app] {text}") },
    Carrier { name: "kubectl --timestamps", line: |n, text| format!("{} {text}", rfc3339(n)) },
    Carrier {
        name: "kubectl --prefix --timestamps",
        line: |n, text| format!("[pod/api-7d9f8-x2vbn/app] {} {text}", rfc3339(n)),
    },
    Carrier { name: "CRI", line: |n, text| format!("{} stderr F {text}", rfc3339(n)) },
    Carrier {
        name: "CRI with a zone",
        line: |n, text| format!("2024-03-15T05:59:20.{:09}+02:00 stderr F {text}", n * 1_000_000),
    },
    Carrier { name: "journald short", line: |n, text| format!("Feb 03 08:{} node-3 api[87308]: {text}", min_sec(n)) },
    Carrier { name: "syslog RFC 3164", line: |n, text| format!("Feb  3 08:{} node-3 api[901]: {text}", min_sec(n)) },
    Carrier { name: "syslog without a pid", line: |n, text| format!("Feb  3 08:{} node-3 api: {text}", min_sec(n)) },
    Carrier { name: "syslog RFC 5424", line: |n, text| format!("<14>1 {} node-3 api 3507 - - {text}", rfc3339(n)) },
    Carrier {
        name: "syslog RFC 5424 with structured data",
        line: |n, text| format!(r#"<14>1 {} node-3 api 3507 ID47 [x@1 a="b"] {text}"#, rfc3339(n)),
    },
    Carrier { name: "ts", line: |n, text| format!("Oct 23 15:{} {text}", min_sec(n)) },
    Carrier { name: "ts elapsed", line: |n, text| format!("00:{}.000348 {text}", min_sec(n)) },
    Carrier { name: "ts epoch", line: |n, text| format!("{}.000262 {text}", 1_714_594_375 + n) },
    Carrier { name: "log", line: |n, text| format!("2026/11/21 07:{} {text}", min_sec(n)) },
    Carrier { name: "log with microseconds", line: |n, text| format!("2026/11/21 07:{}.053760 {text}", min_sec(n)) },
    Carrier {
        name: "log with a prefix and a file",
        line: |n, text| format!("[api] 2026/11/21 07:{}.053760 pipe.go:21: {text}", min_sec(n)),
    },
    Carrier {
        name: "slog text",
        line: |n, text| format!("time={} level=INFO msg={} stream=stderr", rfc3339(n), quoted(text)),
    },
    Carrier {
        name: "slog JSON",
        line: |n, text| format!(r#"{{"time":"{}","level":"INFO","msg":{},"pid":7}}"#, rfc3339(n), json_text(text)),
    },
    Carrier {
        name: "zap JSON",
        line: |n, text| {
            let msg = json_text(text);
            format!(r#"{{"level":"info","ts":{}.171324,"caller":"exec/pipe.go:41","msg":{msg}}}"#, 1_726_325_625 + n)
        },
    },
    Carrier { name: "zap console", line: |n, text| format!("{}\tINFO\texec/pipe.go:41\t{text}", rfc3339(n)) },
    Carrier {
        name: "logrus text",
        line: |n, text| format!("time=\"{}\" level=info msg={} stream=stderr", rfc3339(n), quoted(text)),
    },
    Carrier {
        name: "logrus JSON",
        line: |n, text| format!(r#"{{"level":"info","msg":{},"time":"{}"}}"#, html_escaped(text), rfc3339(n)),
    },
    Carrier { name: "ANSI dim", line: |_, text| format!("\x1b[2m{text}\x1b[22m") },
    Carrier { name: "ANSI numbers", line: |_, text| colored_numbers(text) },
    Carrier { name: "CRLF", line: |_, text| format!("{text}\r") },
];

fn rfc3339(n: usize) -> String {
    format!("2024-03-15T05:{}.{:09}Z", min_sec(n / 1000), n % 1000 * 1_000_000 + 302_538)
}

fn min_sec(n: usize) -> String {
    format!("{:02}:{:02}", n / 60 % 60, n % 60)
}

/// Docker's json-file driver, as all that use Go's `encoding/json` with its defaults, escapes HTML characters.
fn docker_json(n: usize, text: &str, attrs: &str) -> String {
    let log = html_escaped(&format!("{text}\n"));
    format!(r#"{{"log":{log},"stream":"stderr",{attrs}"time":"{}"}}"#, rfc3339(n))
}

fn html_escaped(text: &str) -> String {
    json_text(text).replace('<', "\\u003c").replace('>', "\\u003e").replace('&', "\\u0026")
}

fn json_text(text: &str) -> String {
    serde_json::to_string(text).expect("every text is JSON")
}

/// slog and logrus quote a value that needs it as Go's `strconv.Quote` does; for the lines here that equals JSON.
fn quoted(text: &str) -> String {
    if text.is_empty() || text.contains([' ', '"', '=', '\t', '%', '[']) { json_text(text) } else { text.to_owned() }
}

fn colored_numbers(text: &str) -> String {
    let mut out = String::new();
    let mut is_number = false;
    for c in text.chars() {
        let goes_on = c.is_ascii_digit() || (is_number && c == '.');
        match (is_number, goes_on) {
            (false, true) => out.push_str("\x1b[35m"),
            (true, false) => out.push_str("\x1b[0m"),
            _ => {}
        }
        is_number = goes_on;
        out.push(c);
    }
    if is_number {
        out.push_str("\x1b[0m");
    }
    out + "\x1b[K"
}

/// Runs that no wrapped file of the corpus is made of: one of every shape, application lines between where there are.
fn unwrapped_runs() -> Vec<(Entry, Vec<u8>)> {
    let folder = folder();
    let all = entries(&folder);
    let grammar = Grammar::load();
    let wrapped: Vec<&String> = all.iter().flat_map(|entry| &entry.sources).collect();
    let mut seen = std::collections::BTreeSet::new();
    let mut runs = Vec::new();
    for entry in &all {
        let is_run = entry.path.starts_with("runs/") && !wrapped.contains(&&entry.path);
        if !is_run || !entry.torn_lines.is_empty() {
            continue;
        }
        let bytes = std::fs::read(folder.join(&entry.path)).expect("the entry is a file");
        if bytes.len() > 60_000 || std::str::from_utf8(&bytes).is_err() {
            continue;
        }
        let file = read_file(&grammar, &bytes, Wrapping::Plain);
        let shapes: Vec<String> = file.readings().iter().map(|reading| reading.shape.clone()).collect();
        let n_seen = seen.len();
        seen.extend(shapes);
        if seen.len() > n_seen {
            runs.push((
                Entry {
                    path: entry.path.clone(),
                    sources: Vec::new(),
                    torn_lines: Vec::new(),
                    wrapper: entry.wrapper.clone(),
                    release: entry.release,
                },
                bytes,
            ));
        }
    }
    assert!(seen.len() >= 14, "the runs at hand show only {seen:?}");
    runs
}

/// What must survive a carrier: family, shape and fields of every item, by line.
fn essence(parsed: &[ParsedLine]) -> Vec<String> {
    let mut all = Vec::new();
    for line in parsed {
        for item in &line.items {
            let fields = item.get("fields");
            all.push(format!("{} {} {} {fields:?}", line.line, item.get("family").text(), item.get("shape").text()));
        }
    }
    all
}

fn check(name: &str, path: &str, wanted: &[String], wrapped: &[u8], differences: &mut Vec<String>) {
    let got = essence(&parse_bytes(wrapped));
    if got != wanted {
        let first = got.iter().zip(wanted).position(|(a, b)| a != b).unwrap_or(got.len().min(wanted.len()));
        let (got_one, wanted_one) = (got.get(first), wanted.get(first));
        let n = (got.len(), wanted.len());
        differences
            .push(format!("{name} around {path}: {} of {} items\n    {got_one:?}\n    {wanted_one:?}", n.0, n.1));
    }
}

fn finish(differences: &[String]) {
    let shown: Vec<&str> = differences.iter().take(20).map(String::as_str).collect();
    assert!(differences.is_empty(), "{} differences, the first of them:\n{}", differences.len(), shown.join("\n"));
}

#[test]
fn carriers_change_nothing_about_the_items() {
    let folder = folder();
    let grammar = Grammar::load();
    let mut differences = Vec::new();
    for (entry, bytes) in unwrapped_runs() {
        let plain = parse_file(&folder.join(&entry.path));
        let wanted = essence(&plain);
        let file = read_file(&grammar, &bytes, Wrapping::Plain);
        let n_read = file.readings().len();
        assert!(wanted.len() >= n_read && n_read > 0, "{}: {} of {n_read} items", entry.path, wanted.len());
        let text = String::from_utf8(bytes).expect("runs are chosen to be UTF-8");
        for carrier in &CARRIERS {
            let mut wrapped = String::new();
            for (n, line) in text.lines().enumerate() {
                writeln!(wrapped, "{}", (carrier.line)(n, line)).expect("a string takes everything");
            }
            check(carrier.name, &entry.path, &wanted, wrapped.as_bytes(), &mut differences);
        }
        let with_bom = [b"\xef\xbb\xbf", text.as_bytes()].concat();
        check("BOM", &entry.path, &wanted, &with_bom, &mut differences);
        let without_end = text.trim_end_matches('\n');
        check("no newline at the end", &entry.path, &wanted, without_end.as_bytes(), &mut differences);
    }
    finish(&differences);
}

/// Each carrier but colors and line ends, which carry nothing, is named on every line it stands on.
#[test]
fn carriers_are_named_on_every_line() {
    let line = "gc 33 @4.338s 78%: 0.069+0.094+0.008 ms clock, 0.13+0/0.084/0+0.016 ms cpu, 0->0->0 MB, 4 MB goal, 4 P";
    for carrier in CARRIERS.iter().filter(|carrier| !carrier.name.starts_with("ANSI") && carrier.name != "CRLF") {
        let wrapped: String = (0..3).map(|n| (carrier.line)(n, line) + "\n").collect();
        let parsed = parse_bytes(wrapped.as_bytes());
        assert_eq!(parsed.len(), 3, "{}", carrier.name);
        for parsed in parsed {
            assert!(!parsed.carrier.text().is_empty(), "{}: carrier {:?}", carrier.name, parsed.carrier);
        }
    }
}

fn two_runs() -> [String; 2] {
    let gc = |n: u32, at: &str, procs: u32| {
        format!(
            "gc {n} @{at}s 1%: 0.069+0.94+0.008 ms clock, 0.13+0/0.84/0+0.016 ms cpu, 4->4->1 MB, 5 MB goal, {procs} P\n"
        )
    };
    [
        [gc(1, "0.010", 4), gc(2, "1.020", 4), gc(3, "2.030", 4), gc(4, "3.040", 4)].concat(),
        [gc(1, "0.110", 2), gc(2, "1.120", 2), gc(3, "2.130", 2), gc(4, "3.140", 2)].concat(),
    ]
}

fn runs_by_line(parsed: &[ParsedLine]) -> Vec<Json> {
    parsed.iter().flat_map(|line| line.items.iter().map(|item| item.get("run").clone())).collect()
}

#[test]
fn a_restart_begins_a_second_run() {
    let [first, second] = two_runs();
    let runs = runs_by_line(&parse_bytes((first + &second).as_bytes()));
    assert_eq!(runs.len(), 8);
    assert!(runs[..4].iter().all(|run| run == &runs[0]) && runs[4..].iter().all(|run| run == &runs[4]), "{runs:?}");
    assert_ne!(runs[0], runs[4]);
}

#[test]
fn two_processes_in_one_file_are_two_runs() {
    let [first, second] = two_runs();
    let interleave = |first_prefix: &str, second_prefix: &str| -> String {
        let pairs = first.lines().zip(second.lines());
        pairs.map(|(a, b)| format!("{first_prefix}{a}\n{second_prefix}{b}\n")).collect()
    };
    for (a, b) in [("", ""), ("web-1   | ", "jobs-1  | "), ("[pod/a-1/app] ", "[pod/a-2/app] ")] {
        let runs = runs_by_line(&parse_bytes(interleave(a, b).as_bytes()));
        assert_eq!(runs.len(), 8, "{a:?} {b:?}");
        for (idx, run) in runs.iter().enumerate() {
            assert_eq!(run, &runs[idx % 2], "{a:?} {b:?}: {runs:?}");
        }
        assert_ne!(runs[0], runs[1], "{a:?} {b:?}");
    }
}

#[test]
fn missing_cycles_and_a_lost_head_keep_one_run() {
    let [run, _] = two_runs();
    let lines: Vec<&str> = run.lines().collect();
    let log = format!("clock, 0.13+0/0.84/0+0.016 ms cpu, 4->4->1 MB, 5 MB goal, 4 P\n{}\n{}\n", lines[1], lines[3]);
    let parsed = parse_bytes(log.as_bytes());
    let whole: Vec<&Json> =
        parsed.iter().flat_map(|line| &line.items).filter(|item| item.get("part").text() == "whole").collect();
    assert_eq!(whole.len(), 2);
    assert_eq!(whole[0].get("run"), whole[1].get("run"));
    assert!(parsed[0].items.iter().all(|item| item.get("torn") == &Json::Bool(true)), "{:?}", parsed[0].items);
}

#[test]
fn noise_of_go_run_and_go_test_is_foreign() {
    let [run, _] = two_runs();
    let lines: Vec<&str> = run.lines().collect();
    let log = format!(
        "# example.com/app\n./main.go:7:2: declared and not used: x\n=== RUN   TestAlloc\n{}\nBenchmarkAlloc-2   \t{}\n\
         --- PASS: TestAlloc (0.01s)\nPASS\nok  \texample.com/app\t0.012s\nexit status 2\nFAIL\texample.com/app\t0.012s\n",
        lines[0], lines[1]
    );
    let parsed = parse_bytes(log.as_bytes());
    let with_items: Vec<i128> = parsed.iter().filter(|line| !line.items.is_empty()).map(|line| line.line).collect();
    assert_eq!(with_items, [4, 5]);
    assert_eq!(parsed[0].text.text(), "# example.com/app");
    assert!(parsed[4].text.text().starts_with("BenchmarkAlloc-2"), "{:?}", parsed[4].text);
}
