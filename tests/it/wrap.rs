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

const CARRIERS: [Carrier; 63] = [
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
    Carrier { name: "stern", line: |_, text| format!("api-7d9f8c5b6-x2vbn app {text}") },
    Carrier {
        name: "journald monotonic",
        line: |n, text| format!("[{:>5}.{:06}] node-3 api[73]: {text}", n / 1000, n % 1000 * 1000),
    },
    Carrier {
        name: "journald short-full",
        line: |n, text| format!("Fri 2024-03-15 05:{} UTC node-3 api[73]: {text}", min_sec(n)),
    },
    Carrier { name: "journald export", line: |_, text| format!("MESSAGE={text}") },
    Carrier {
        name: "journald JSON",
        line: |n, text| {
            format!(
                r#"{{"_PID":"73","__REALTIME_TIMESTAMP":"{}","MESSAGE":{}}}"#,
                1_735_656_284_000_322 + n,
                json_text(text)
            )
        },
    },
    Carrier {
        name: "journald JSON of bytes",
        line: |_, text| format!(r#"{{"_PID":"73","MESSAGE":{}}}"#, format!("{:?}", text.as_bytes()).replace(' ', "")),
    },
    Carrier {
        name: "rsyslog",
        line: |n, text| format!("Feb  3 08:{} node-3 api[9]: {}", min_sec(n), text.replace('\t', "#011")),
    },
    Carrier { name: "Heroku", line: |n, text| format!("{} app[web.1]: {text}", rfc3339(n).replace('Z', "+00:00")) },
    Carrier {
        name: "Heroku drain",
        line: |n, text| format!("{} <40>1 {} host app web.3 - {text}", text.len(), rfc3339(n).replace('Z', "+00:00")),
    },
    Carrier { name: "CloudWatch CSV", line: |n, text| format!("{},{}", 1_723_777_109_000 + n, csv(text)) },
    Carrier {
        name: "CloudWatch insights",
        line: |n, text| format!("2024-03-15 05:{}.{:03},ecs/api/4f1c,{}", min_sec(n / 1000), n % 1000, csv(text)),
    },
    Carrier {
        name: "aws logs tail",
        line: |n, text| format!("{} ecs/api/4f1c9a {text}", rfc3339(n).replace('Z', "+00:00")),
    },
    Carrier {
        name: "GCP textPayload",
        line: |n, text| format!(r#"{{"textPayload": {}, "timestamp": "{}"}}"#, json_text(text), rfc3339(n)),
    },
    Carrier {
        name: "GCP jsonPayload",
        line: |n, text| format!(r#"{{"jsonPayload":{{"message":{}}},"timestamp":"{}"}}"#, json_text(text), rfc3339(n)),
    },
    Carrier { name: "pretty JSON", line: |_, text| format!("    \"textPayload\": {},", json_text(text)) },
    Carrier { name: "logcli", line: |n, text| format!("{} {{app=\"api\", pod=\"api-1\"}} {text}", rfc3339(n)) },
    Carrier {
        name: "logcli JSON",
        line: |n, text| {
            format!(r#"{{"labels":{{"app":"api"}},"line":{},"timestamp":"{}"}}"#, json_text(text), rfc3339(n))
        },
    },
    Carrier {
        name: "logcat",
        line: |n, text| format!("03-15 05:{}.{:03}  1234  5678 E GoLog   : {text}", min_sec(n / 1000), n % 1000),
    },
    Carrier { name: "GitHub Actions", line: |n, text| format!("{} {text}", rfc3339(n).replace("302538Z", "3025Z")) },
    Carrier { name: "gh run view", line: |n, text| format!("build\tRun tests\t{} {text}", rfc3339(n)) },
    Carrier { name: "GitLab CI", line: |n, text| format!("{} 01E {text}", rfc3339(n)) },
    Carrier { name: "pm2", line: |n, text| format!("0|api  | 2024-03-15 05:{}: {text}", min_sec(n)) },
    Carrier { name: "foreman", line: |n, text| format!("05:{} web.1    | {text}", min_sec(n)) },
    Carrier { name: "go test -v", line: |_, text| format!("    main_test.go:23: {text}") },
    Carrier {
        name: "go test -json",
        line: |n, text| {
            let output = html_escaped(&format!("{text}\n"));
            format!(r#"{{"Time":"{}","Action":"output","Package":"p","Output":{output}}}"#, rfc3339(n))
        },
    },
    Carrier { name: "klog", line: |n, text| format!("I0315 05:{}.000302    1234 pipe.go:23] {text}", min_sec(n)) },
    Carrier { name: "slog default", line: |n, text| format!("2026/11/21 07:{} INFO {text}", min_sec(n)) },
    Carrier { name: "zerolog console", line: |n, text| format!("{} INF pipe.go:41 > {text}", rfc3339(n)) },
    Carrier { name: "HTML", line: |_, text| text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;") },
    Carrier { name: "mail quote", line: |_, text| format!("> {text}") },
    Carrier { name: "comment", line: |_, text| format!("// {text}") },
    Carrier { name: "indented code", line: |_, text| format!("    {text}") },
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

/// A value of CSV, quoted where it must be.
fn csv(text: &str) -> String {
    if text.contains([',', '"']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text.to_owned() }
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

/// Two layers deep: each carrier around one of every kind that changes the text itself or that shows itself only around
/// trace lines.
#[test]
fn pairs_of_carriers_change_nothing_about_the_items() {
    let folder = folder();
    let inner_names =
        ["docker json-file", "CRI", "slog text", "zap JSON", "ANSI numbers", "HTML", "mail quote", "indented code"];
    // A logger's own line has no room for line ends, and names no stream behind a quoting.
    let by_name = |name: &str| CARRIERS.iter().find(|carrier| carrier.name == name).expect("the name of a carrier");
    let (entry, bytes) = unwrapped_runs().into_iter().min_by_key(|(_, bytes)| bytes.len()).expect("a run");
    let wanted = essence(&parse_file(&folder.join(&entry.path)));
    let text = String::from_utf8(bytes).expect("runs are chosen to be UTF-8");
    let mut differences = Vec::new();
    for outer in &CARRIERS {
        // The colors of colors are none.
        for inner in inner_names.map(by_name).into_iter().filter(|inner| inner.name != outer.name) {
            let lines = text.lines().enumerate();
            let wrapped: String = lines.map(|(n, line)| (outer.line)(n, &(inner.line)(n, line)) + "\n").collect();
            check(
                &format!("{} around {}", outer.name, inner.name),
                &entry.path,
                &wanted,
                wrapped.as_bytes(),
                &mut differences,
            );
        }
    }
    finish(&differences);
}

/// Records of collectors that cut long lines: the pieces of a line, however short, are one line.
#[test]
fn lines_cut_into_records_are_put_together() {
    let folder = folder();
    let cri = |n: usize, piece: &str, is_last: bool| {
        format!("{} stderr {} {piece}\n", rfc3339(n), if is_last { 'F' } else { 'P' })
    };
    let docker = |n: usize, piece: &str, is_last: bool| {
        let log = html_escaped(&format!("{piece}{}", if is_last { "\n" } else { "" }));
        format!("{{\"log\":{log},\"stream\":\"stderr\",\"time\":\"{}\"}}\n", rfc3339(n))
    };
    let mut differences = Vec::new();
    // Every line becomes thirty of them: short runs are long enough.
    for (entry, bytes) in unwrapped_runs().into_iter().filter(|(_, bytes)| bytes.len() < 12_000) {
        let text = String::from_utf8(bytes).expect("runs are chosen to be UTF-8");
        let wanted = fields(&parse_file(&folder.join(&entry.path)));
        for (name, write) in [("CRI", &cri as &dyn Fn(usize, &str, bool) -> String), ("docker", &docker)] {
            for len in [3, 7, 33, 64] {
                let mut cut = write(0, "", true);
                for (n, line) in text.lines().enumerate() {
                    let letters: Vec<char> = line.chars().collect();
                    let pieces: Vec<String> = letters.chunks(len).map(|piece| piece.iter().collect()).collect();
                    for (idx, piece) in pieces.iter().enumerate() {
                        cut += &write(n, piece, idx + 1 == pieces.len());
                    }
                }
                let got = fields(&parse_bytes(cut.as_bytes()));
                if got != wanted {
                    let first =
                        got.iter().zip(&wanted).position(|(a, b)| a != b).unwrap_or(got.len().min(wanted.len()));
                    differences.push(format!(
                        "{name} of {len} around {}: {} of {} items\n    {:?}\n    {:?}",
                        entry.path,
                        got.len(),
                        wanted.len(),
                        got.get(first),
                        wanted.get(first)
                    ));
                }
            }
        }
    }
    finish(&differences);
}

/// Family, shape and fields of every item, without the tails of torn ones.
fn fields(parsed: &[ParsedLine]) -> Vec<String> {
    let items = parsed.iter().flat_map(|line| &line.items).filter(|item| item.get("part").text() != "tail");
    items
        .map(|item| format!("{} {} {:?}", item.get("family").text(), item.get("shape").text(), item.get("fields")))
        .collect()
}

/// Broken at a blank that is lost, as mail is, or at a column, as terminals are copied.
#[test]
fn wrapped_lines_are_joined() {
    let folder = folder();
    let mut differences = Vec::new();
    for (entry, bytes) in unwrapped_runs() {
        let text = String::from_utf8(bytes).expect("runs are chosen to be UTF-8");
        let wanted = sure(fields(&parse_file(&folder.join(&entry.path))));
        for (quote, width, fill) in [("", 72, fill as fn(&str, usize) -> Vec<String>), ("> ", 70, fill), ("", 80, cut)]
        {
            let wrapped: String =
                text.lines().flat_map(|line| fill(line, width)).map(|line| format!("{quote}{line}\n")).collect();
            let got = sure(fields(&parse_bytes(wrapped.as_bytes())));
            if got != wanted {
                let first = got.iter().zip(&wanted).position(|(a, b)| a != b).unwrap_or(got.len().min(wanted.len()));
                differences.push(format!(
                    "{quote:?} {width} {}: {} of {} items\n    {:?}\n    {:?}",
                    entry.path,
                    got.len(),
                    wanted.len(),
                    got.get(first),
                    wanted.get(first)
                ));
            }
        }
    }
    finish(&differences);
}

/// Items that a break leaves in no doubt. A P line or a place of a newer release that is broken before its last fields is
/// a whole line of an older one; only the release could tell. A function without its place is not believed.
fn sure(items: Vec<String>) -> Vec<String> {
    let in_doubt = ["sched_p ", "location ", "frame "];
    items.into_iter().filter(|item| !in_doubt.iter().any(|family| item.starts_with(family))).collect()
}

/// Breaks a line at a column.
fn cut(line: &str, width: usize) -> Vec<String> {
    let letters: Vec<char> = line.chars().collect();
    letters.chunks(width).map(|letters| letters.iter().collect()).collect()
}

/// Breaks a line at the last blank within a width.
fn fill(mut line: &str, width: usize) -> Vec<String> {
    let mut lines = Vec::new();
    while line.len() > width {
        let Some(blank) = line[..=width].rfind(' ').filter(|blank| *blank > 0) else { break };
        lines.push(line[..blank].to_owned());
        line = &line[blank + 1..];
    }
    lines.push(line.to_owned());
    lines
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

/// Damage inside of wrappers: line ends of Windows, colors, a torn line, a lost beginning and a lost end. What is read
/// is what is read of the same damage without a wrapper.
#[test]
fn damage_inside_carriers_is_read_as_damage_outside() {
    let folder = folder();
    let (entry, bytes) = unwrapped_runs().into_iter().min_by_key(|(_, bytes)| bytes.len()).expect("a run");
    let text = String::from_utf8(bytes).expect("runs are chosen to be UTF-8");
    assert!(!parse_file(&folder.join(&entry.path)).is_empty());
    let torn = |text: &str| -> String {
        let tear = |(n, line): (usize, &str)| match line.match_indices(' ').nth(5) {
            Some((blank, _)) if n % 2 == 1 => format!("{}GET /healthz\n{}\n", &line[..blank], &line[blank..]),
            _ => format!("{line}\n"),
        };
        text.lines().enumerate().map(tear).collect()
    };
    let damages: [(&str, String); 4] = [
        ("as it is", text.clone()),
        ("torn", torn(&text)),
        ("cut at its end", text[..text.len() - 20].to_owned()),
        ("cut at its beginning", text[20..].to_owned()),
    ];
    // What a carrier does to its own lines besides.
    let and_then: [fn(String) -> String; 2] = [|line| line + "\r", |line| format!("\x1b[36m{line}\x1b[0m")];
    let mut differences = Vec::new();
    for (name, damaged) in &damages {
        let wanted = essence(&parse_bytes(damaged.as_bytes()));
        assert!(!wanted.is_empty(), "{name}: nothing is read");
        // Marks around a piece of a line are no carriers: only what begins like a trace line shows them.
        let shown = [
            "mail quote",
            "comment",
            "indented code",
            "stern",
            "aws logs tail",
            "CloudWatch CSV",
            "CloudWatch insights",
        ];
        for carrier in CARRIERS.iter().filter(|carrier| !shown.contains(&carrier.name) || *name == "as it is") {
            for more in and_then {
                let lines = damaged.lines().enumerate();
                let wrapped: String = lines.map(|(n, line)| more((carrier.line)(n, line)) + "\n").collect();
                check(
                    &format!("{} ({name})", carrier.name),
                    &entry.path,
                    &wanted,
                    wrapped.as_bytes(),
                    &mut differences,
                );
            }
        }
    }
    finish(&differences);
}
