//! Goroutine dumps: what the product prints about them against a reader that knows nothing but the text of a dump.
//!
//! A dump is what one event printed: it begins at a line that says why (a panic, a fatal error, a signal, an event of
//! allocfreetrace) or at a goroutine without one, and ends where the next begins, at the registers, or, without a cause,
//! at a line of the program. The stacks of other threads that GOTRACEBACK=crash adds after `-----` are dumps too. A stack
//! without a goroutine's header (`runtime stack:`, the first of a signal dump of 1.2) is no goroutine.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use regex::Regex;

use crate::corpus::{entries, folder};
use crate::grammar::Grammar;
use crate::json::Json;
use crate::product::blocks_of;

use crate::reading::Wrapping;

#[derive(Debug, Clone, PartialEq)]
pub struct Goroutine {
    pub line: usize,
    pub id: i128,
    /// Without the notes ` (leaked)`, ` (scan)` and ` (durable)`.
    state: String,
    minutes: Option<i128>,
    labels: Option<String>,
    /// Functions, innermost first, and where each stands.
    frames: Vec<(String, String)>,
    created_by: Option<String>,
    pub creator: Option<i128>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Dump {
    line: usize,
    cause: &'static str,
    pub goroutines: Vec<Goroutine>,
}

static HEADER: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"^goroutine (\d+)(?: gp=0x[0-9a-f]+ m=(?:nil|\d+ mp=0x[0-9a-f]+))? \[([^\[\]{]+?)(?: labels:(\{.*\}))?\](?: (\{.*\}))?:$")
        .expect("a constant expression")
});

static CAUSES: [(&str, &str); 8] = [
    ("panic: ", "panic"),
    ("fatal error: ", "fatal error"),
    ("throw: ", "fatal error"),
    ("SIG", "signal"),
    ("Signal ", "signal"),
    ("tracealloc(", "allocation"),
    ("tracefree(", "allocation"),
    ("tracegc(", "allocation"),
];

/// Dumps of a file, by its lines. `is_trace` tells lines of other formats, which belong to no dump and end none.
pub fn read_dumps<'l>(lines: impl Iterator<Item = &'l str>, is_trace: impl Fn(&str) -> bool) -> Vec<Dump> {
    let mut dumps: Vec<Dump> = Vec::new();
    let mut begun: Option<(usize, &str)> = None;
    let (mut is_open, mut is_stack, mut is_origin) = (false, false, false);
    for (line, text) in (1..).zip(lines) {
        let cause = CAUSES.iter().find(|(start, _)| text.starts_with(start)).map(|(_, cause)| *cause);
        if let Some(header) = HEADER.captures(text) {
            let goroutine = goroutine(line, &header);
            let is_again = |dump: &Dump| dump.goroutines.iter().any(|other| other.id == goroutine.id);
            if !is_open || begun.is_some() || dumps.last().is_some_and(is_again) {
                let (line, cause) = begun.take().unwrap_or((line, "stack"));
                dumps.push(Dump { line, cause, goroutines: Vec::new() });
            }
            dumps.last_mut().expect("one was just opened").goroutines.push(goroutine);
            (is_open, is_stack, is_origin) = (true, true, false);
        } else if let Some(cause) = cause.filter(|cause| *cause != "signal" || !text.contains('(')) {
            begun = Some((line, cause));
            is_stack = false;
        } else if text.is_empty() {
            is_stack = false;
        } else if is_stack && !is_trace(text) {
            let goroutine = dumps.last_mut().and_then(|dump| dump.goroutines.last_mut()).expect("it is open");
            if text.starts_with("[originating from") {
                is_origin = true;
            } else if !is_origin {
                stack_line(goroutine, text);
            }
        } else if !is_stack {
            let is_plain = dumps.last().is_some_and(|dump| dump.cause == "stack");
            is_open &= text != "-----" && (!is_plain || is_trace(text));
        }
    }
    // Nor has the last line of a stack, such as a register right below it.
    for goroutine in dumps.iter_mut().flat_map(|dump| &mut dump.goroutines) {
        goroutine.frames.retain(|(_, place)| !place.is_empty());
    }
    dumps
}

fn goroutine(line: usize, header: &regex::Captures<'_>) -> Goroutine {
    let mut parts = header[2].split(", ");
    let state = parts.next().expect("split gives one part at least").to_owned();
    let minutes = parts.find_map(|part| part.strip_suffix(" minutes")?.parse().ok());
    Goroutine {
        line,
        id: header[1].parse().expect("digits"),
        state: bare(&state),
        minutes,
        labels: header.get(3).or(header.get(4)).map(|labels| labels.as_str().to_owned()),
        frames: Vec::new(),
        created_by: None,
        creator: None,
    }
}

/// A state without its notes.
fn bare(state: &str) -> String {
    state.replace(" (leaked)", "").replace(" (scan)", "").replace(" (durable)", "")
}

/// A line below a header: `function(args)`, then the file after a tab; gccgo prints no arguments.
fn stack_line(goroutine: &mut Goroutine, text: &str) {
    if let Some(function) = text.strip_prefix("created by ") {
        let (function, creator) = match function.split_once(" in goroutine ") {
            Some((function, id)) => (function, id.parse().ok()),
            None => (function, None),
        };
        (goroutine.created_by, goroutine.creator) = (Some(function.to_owned()), creator);
    } else if let Some(place) = text.strip_prefix('\t') {
        let is_frame = goroutine.created_by.is_none() && place.contains(':');
        if let Some(frame) = goroutine.frames.last_mut().filter(|frame| is_frame && frame.1.is_empty()) {
            frame.1 =
                place.split(" +0x").next().unwrap_or_default().split(" fp=").next().unwrap_or_default().to_owned();
        }
    } else {
        // What is no frame has no file below it.
        goroutine.frames.retain(|(_, place)| !place.is_empty());
        let name = if text.ends_with(')') { text.rsplit_once('(').map_or(text, |(name, _)| name) } else { text };
        let name = if name.starts_with("[fp=") { name.split_once("] ").map_or(name, |(_, name)| name) } else { name };
        goroutine.frames.push((name.to_owned(), String::new()));
    }
}

/// State and frames.
type Key = (String, Vec<(String, String)>);

/// Goroutines of a dump with the same state and the same frames without arguments and offsets.
fn groups(dump: &Dump) -> BTreeMap<Key, Vec<usize>> {
    let mut groups = BTreeMap::new();
    for goroutine in &dump.goroutines {
        let key = (goroutine.state.clone(), goroutine.frames.clone());
        groups.entry(key).or_insert_with(Vec::new).push(goroutine.line);
    }
    groups
}

/// What a dump prints of a group, whatever its number: count, state, functions, longest wait.
type Group = (usize, String, Vec<String>, Option<i128>);

fn group_of(goroutines: &[&Goroutine]) -> Group {
    let functions = goroutines[0].frames.iter().map(|(function, _)| function.clone()).collect();
    let longest = goroutines.iter().filter_map(|goroutine| goroutine.minutes).max();
    (goroutines.len(), goroutines[0].state.clone(), functions, longest)
}

fn compare(dump: &Dump, json: &Json, differences: &mut Vec<String>) {
    let mut check = |what: String, got: String, wanted: String| {
        if got != wanted {
            differences.push(format!("{what}: {got} instead of {wanted}"));
        }
    };
    if dump.cause != "allocation" {
        check("cause".to_owned(), json.get("cause").text().to_owned(), dump.cause.to_owned());
    }
    let goroutines = json.get("goroutines").list();
    check("goroutines".to_owned(), goroutines.len().to_string(), dump.goroutines.len().to_string());
    let mut by_group: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for (json, goroutine) in goroutines.iter().zip(&dump.goroutines) {
        by_group.entry(format!("{:?}", json.get("group"))).or_default().push(goroutine.line);
        let text = |text: &Option<String>| text.clone().map_or(Json::Null, Json::Text);
        let number = |number: Option<i128>| number.map_or(Json::Null, Json::Integer);
        let count = |count: usize| Json::Integer(i128::try_from(count).expect("a count fits"));
        for (id, wanted) in [
            ("line", count(goroutine.line)),
            ("id", Json::Integer(goroutine.id)),
            ("minutes", number(goroutine.minutes)),
            ("created_by", text(&goroutine.created_by)),
            ("creator", number(goroutine.creator)),
            ("frames", count(goroutine.frames.len())),
            ("labels", text(&goroutine.labels)),
        ] {
            check(format!("goroutine {} {id}", goroutine.id), format!("{:?}", json.get(id)), format!("{wanted:?}"));
        }
        let state = format!("goroutine {} state", goroutine.id);
        check(state, bare(json.get("state").text()), goroutine.state.clone());
    }
    let groups = groups(dump);
    let mut wanted: Vec<&Vec<usize>> = groups.values().collect();
    let mut got: Vec<&Vec<usize>> = by_group.values().collect();
    wanted.sort();
    got.sort();
    check("lines by group".to_owned(), format!("{got:?}"), format!("{wanted:?}"));
    let of_line = |line: &usize| dump.goroutines.iter().find(|goroutine| goroutine.line == *line);
    let mut wanted: Vec<Group> =
        groups.values().map(|lines| group_of(&lines.iter().filter_map(of_line).collect::<Vec<_>>())).collect();
    let mut got: Vec<Group> = json.get("groups").list().iter().map(group_of_json).collect();
    wanted.sort();
    got.sort();
    check("groups".to_owned(), format!("{got:?}"), format!("{wanted:?}"));
}

fn group_of_json(json: &Json) -> Group {
    let number = |json: &Json| if let Json::Integer(number) = json { Some(*number) } else { None };
    let count = number(json.get("count")).and_then(|count| usize::try_from(count).ok()).unwrap_or_default();
    let functions = json.get("frames").list().iter().map(|frame| frame.text().to_owned()).collect();
    (count, bare(json.get("state").text()), functions, number(json.get("longest_minutes")))
}

/// Dumps of one file, product against reader.
fn compare_file(dumps: &[Dump], blocks: &[Json]) -> Vec<String> {
    let is_dump = |json: &&Json| json.get("block").text() == "dump" && json.get("cause").text() != "race";
    let got: Vec<&Json> = blocks.iter().filter(is_dump).collect();
    let mut differences = Vec::new();
    if got.len() != dumps.len() {
        let lines = |json: &&Json| format!("{:?}", json.get("line"));
        let got: Vec<String> = got.iter().map(lines).collect();
        let wanted: Vec<usize> = dumps.iter().map(|dump| dump.line).collect();
        return vec![format!("dumps at {got:?} instead of {wanted:?}")];
    }
    for (json, dump) in got.into_iter().zip(dumps) {
        let n_before = differences.len();
        compare(dump, json, &mut differences);
        for difference in &mut differences[n_before..] {
            *difference = format!("{}: {difference}", dump.line);
        }
    }
    differences
}

#[test]
fn every_dump_is_what_an_independent_reader_reads() {
    let folder = folder();
    let grammar = Grammar::load();
    let (mut n_dumps, mut n_goroutines, mut n_groups, mut n_created, mut n_minutes) = (0, 0, 0, 0, 0);
    let mut differences = Vec::new();
    for entry in entries(&folder).iter().filter(|entry| entry.wrapping() == Wrapping::Plain) {
        let file = entry.read(&grammar, &folder);
        let dumps = read_dumps(file.texts.iter().map(String::as_str), |text| grammar.read(text).is_some());
        n_dumps += dumps.len();
        n_groups += dumps.iter().map(|dump| groups(dump).len()).sum::<usize>();
        let goroutines: Vec<&Goroutine> = dumps.iter().flat_map(|dump| &dump.goroutines).collect();
        n_created += goroutines.iter().filter(|goroutine| goroutine.created_by.is_some()).count();
        n_minutes += goroutines.iter().filter(|goroutine| goroutine.minutes.is_some()).count();
        n_goroutines += goroutines.len();
        // The reader read: as many goroutines as the grammar finds headers, each once.
        let headers: Vec<usize> = (1..)
            .zip(&file.texts)
            .filter(|(_, text)| grammar.is("goroutine_line", text))
            .map(|(line, _)| line)
            .collect();
        let lines: Vec<usize> = goroutines.iter().map(|goroutine| goroutine.line).collect();
        assert_eq!(lines, headers, "{}", entry.path);
        if let Some(blocks) = blocks_of(&folder.join(&entry.path)) {
            let found = compare_file(&dumps, &blocks);
            differences.extend(found.into_iter().map(|difference| format!("{}:{difference}", entry.path)));
        }
    }
    println!(
        "{n_dumps} dumps, {n_goroutines} goroutines in {n_groups} groups, {n_created} with a creator, \
         {n_minutes} with minutes"
    );
    assert!(n_dumps > 10 && n_created > 100, "only {n_dumps} dumps were read");
    let shown: Vec<&str> = differences.iter().take(20).map(String::as_str).collect();
    assert!(differences.is_empty(), "{} differences, the first of them:\n{}", differences.len(), shown.join("\n"));
}

#[test]
fn reads_headers_frames_and_creators_of_every_era() {
    let log = "\
fatal error: all goroutines are asleep - deadlock!

goroutine 1 [chan receive (leaked), 3 minutes, locked to thread] {job: import}:
main.(*T).run[...](0x1, {0x2?, _}, ...)
\t/src/a b.go:22 +0x34 fp=0x1 sp=0x2 pc=0x3
gc 9 @1.0s
main.main()
\t/src/main.go:9 +0x1

goroutine 18 gp=0xc000007340 m=nil [select (no cases) labels:{\"a\": \"b\"}]:
[fp=0x7f] main.f()
\t/src/x.go:1 +0x1
created by main.main in goroutine 1
\t/src/main.go:8 +0x2
[originating from goroutine 1]:
main.main(...)
\t/src/main.go:9 +0x1

served /a
goroutine 19 [select (no cases)]:
main.f
\t/src/x.go:1
created by main.main
\t/src/main.go:8 +0x2

goroutine 20 [running]:
\tgoroutine running on other thread; stack unavailable
";
    let dumps = read_dumps(log.lines(), |text| text.starts_with("gc "));
    assert_eq!(dumps.len(), 1);
    let shown: Vec<String> = dumps[0]
        .goroutines
        .iter()
        .map(|goroutine| {
            let Goroutine { line, id, state, minutes, labels, frames, created_by, creator } = goroutine;
            format!("{line} {id} {state} {minutes:?} {labels:?} {frames:?} {created_by:?} {creator:?}")
        })
        .collect();
    assert_eq!(
        shown,
        [
            r#"3 1 chan receive Some(3) Some("{job: import}") [("main.(*T).run[...]", "/src/a b.go:22"), ("main.main", "/src/main.go:9")] None None"#,
            r#"10 18 select (no cases) None Some("{\"a\": \"b\"}") [("main.f", "/src/x.go:1")] Some("main.main") Some(1)"#,
            r#"20 19 select (no cases) None None [("main.f", "/src/x.go:1")] Some("main.main") None"#,
            "26 20 running None None [] None None",
        ]
    );
    assert_eq!(groups(&dumps[0]).len(), 3);
    let again = log.to_owned() + "\n" + log;
    assert_eq!(read_dumps(again.lines(), |_| false).len(), 2);
}

#[test]
fn finds_every_kind_of_difference_between_dumps() {
    let log =
        "panic: x\n\ngoroutine 7 [select, 2 minutes]:\nmain.f()\n\t/x.go:1 +0x1\ncreated by main.g in goroutine 1\n";
    let dumps = read_dumps(log.lines(), |_| false);
    let right = r#"{"block":"dump","line":1,"end_line":6,"cause":"panic","goroutines":[{"line":3,"id":7,"state":"select",
        "minutes":2,"group":0,"created_by":"main.g","creator":1,"frames":1,"labels":null}],
        "groups":[{"count":1,"state":"select","frames":["main.f"],"longest_minutes":2}]}"#;
    let differences = |text: &str| compare_file(&dumps, &[serde_json::from_str(text).expect("it is JSON")]);
    assert_eq!(differences(right), Vec::<String>::new());
    for (from, to) in [
        (r#""panic""#, r#""signal""#),
        (r#""line":3"#, r#""line":4"#),
        (r#""id":7"#, r#""id":8"#),
        (r#""state":"select","#, r#""state":"sleep","#),
        (r#""minutes":2,"#, r#""minutes":null,"#),
        ("main.g", "main.h"),
        (r#""creator":1"#, r#""creator":2"#),
        (r#""frames":1"#, r#""frames":2"#),
        (r#""labels":null"#, r#""labels":"{}""#),
        (r#""count":1"#, r#""count":2"#),
        ("main.f", "main.g"),
        (r#""longest_minutes":2"#, r#""longest_minutes":3"#),
        (r#""block":"dump""#, r#""block":"profile""#),
    ] {
        let wrong = right.replace(from, to);
        assert_ne!(wrong, right, "{from}");
        assert!(!differences(&wrong).is_empty(), "{to} instead of {from} goes unnoticed");
    }
}
