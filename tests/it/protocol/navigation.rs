//! Requests about where things are: what their answers look like on the wire, and what they never look at.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use super::{GC_LINE, URI, healthy, leaking};
use crate::client::{Client, at, range};

const BLOCK: &str = "\
SCHED 501ms: gomaxprocs=2 idleprocs=1 threads=2 spinningthreads=0 needspinning=0 idlethreads=0 runqueue=0 gcwaiting=false nmidlelocked=0 stopwait=0 sysmonwait=false
  P0: status=1 schedtick=2 syscalltick=0 m=3 runqsize=0 gfreecnt=0 timerslen=0
  P1: status=0 schedtick=2 syscalltick=0 m=nil runqsize=0 gfreecnt=0 timerslen=0
  M3: p=0 curg=17 mallocing=0 throwing=0 preemptoff= locks=0 dying=0 spinning=false blocked=false lockedg=nil
  M0: p=nil curg=nil mallocing=0 throwing=0 preemptoff= locks=0 dying=0 spinning=false blocked=false lockedg=nil
  G1: status=4(chan receive) m=nil lockedm=nil
  G17: status=2() m=3 lockedm=nil
";

const DUMP: &str = "\
goroutine 1 [chan receive]:
main.main()
\t/src/main.go:12 +0x1d

goroutine 17 [select]:
main.serve(...)
\t/src/main.go:33
created by main.main in goroutine 1
\t/src/main.go:18 +0x1f
";

fn start() -> Client {
    Client::start(json!({"textDocument": {"diagnostic": {}}}))
}

/// Where a text stands in another, as a position of ASCII text.
fn find(text: &str, wanted: &str) -> (u32, u32) {
    let at = text.find(wanted).expect("it is there");
    let line = text[..at].matches('\n').count();
    (line as u32, (at - text[..at].rfind('\n').map_or(0, |end| end + 1)) as u32)
}

#[test]
fn definitions_lead_to_the_line_of_a_thing() {
    let (line, character) = find(BLOCK, "curg=17");
    let mut client = start();
    client.open(URI, BLOCK);
    let definition = client.ask("textDocument/definition", at(URI, line, character));
    assert_eq!(definition, json!({"uri": URI, "range": range(6, 2, 5)}));
    let (line_of_nil, character_of_nil) = find(BLOCK, "m=nil");
    for (line, character) in [(line_of_nil, character_of_nil), (0, 0), (99, 99)] {
        assert_eq!(client.ask("textDocument/definition", at(URI, line, character)), Value::Null);
    }
    client.finish();

    let mut client = Client::start(json!({"textDocument": {"diagnostic": {}, "definition": {"linkSupport": true}}}));
    client.open(URI, BLOCK);
    let definition = client.ask("textDocument/definition", at(URI, line, character));
    let line_of_g = BLOCK.lines().nth(6).expect("G17").len() as u32;
    let want = json!([{
        "originSelectionRange": range(line, character, character + 7),
        "targetUri": URI,
        "targetRange": range(6, 0, line_of_g),
        "targetSelectionRange": range(6, 2, 5),
    }]);
    assert_eq!(definition, want);
    client.finish();
}

#[test]
fn places_count_in_the_negotiated_unit() {
    for (encoding, n_units) in [("utf-8", 7), ("utf-16", 4), ("utf-32", 3)] {
        let capabilities = json!({"general": {"positionEncodings": [encoding]}, "textDocument": {"diagnostic": {}}});
        let mut client = Client::start(capabilities);
        let prefixed: String = BLOCK.lines().map(|line| format!("😀é {line}\n")).collect();
        client.open(URI, &prefixed);
        let (line, character) = find(BLOCK, "curg=17");
        let definition = client.ask("textDocument/definition", at(URI, line, character + n_units));
        assert_eq!(definition["range"], range(6, n_units + 2, n_units + 5), "{encoding}");
        let positions =
            json!({"textDocument": {"uri": URI}, "positions": [at(URI, line, character + n_units + 6)["position"]]});
        let ranges = client.ask("textDocument/selectionRange", positions);
        assert_eq!(ranges[0]["range"], range(line, character + n_units + 5, character + n_units + 7), "{encoding}");
        client.finish();
    }
}

#[test]
fn references_are_with_or_without_the_line_of_the_thing() {
    let mut client = start();
    client.open(URI, &format!("{BLOCK}{}", BLOCK.replace("501ms", "1501ms")));
    let (line, character) = find(BLOCK, "G17");
    let mut ask = |with: bool| {
        let mut params = at(URI, line, character);
        params["context"] = json!({"includeDeclaration": with});
        client.ask("textDocument/references", params)
    };
    let of = |line, start, end| json!({"uri": URI, "range": range(line, start, end)});
    let curg = find(BLOCK, "curg=17").1;
    let all = [of(3, curg, curg + 7), of(6, 2, 5), of(10, curg, curg + 7), of(13, 2, 5)];
    assert_eq!(ask(true), json!(all));
    assert_eq!(ask(false), json!([all[0], all[2]]));
    client.finish();
}

#[test]
fn marks_tell_the_line_of_a_thing_from_those_that_lead_there() {
    let mut client = start();
    client.open(URI, &format!("{BLOCK}{}", BLOCK.replace("501ms", "1501ms")));
    let (line, character) = find(BLOCK, "curg=17");
    let marks = client.ask("textDocument/documentHighlight", at(URI, line, character));
    let want = json!([
        {"range": range(3, character, character + 7), "kind": 2},
        {"range": range(6, 2, 5), "kind": 3},
    ]);
    assert_eq!(marks, want, "of this block only");
    assert_eq!(client.ask("textDocument/documentHighlight", at(URI, 0, 9)), Value::Null, "the editor may mark words");
    client.finish();
}

#[test]
fn goroutines_are_a_hierarchy_of_who_created_whom() {
    let mut client = start();
    client.open(URI, DUMP);
    let items = client.ask("textDocument/prepareCallHierarchy", at(URI, 4, 3));
    let item = &items[0];
    assert_eq!(item["name"], "goroutine 17 [select]");
    assert_eq!((&item["detail"], &item["uri"]), (&json!("main.serve"), &json!(URI)));
    assert_eq!(item["selectionRange"], range(4, 0, 12));
    assert_eq!((&item["range"]["start"]["line"], &item["range"]["end"]["line"]), (&json!(4), &json!(8)));
    let incoming = client.ask("callHierarchy/incomingCalls", json!({"item": item}));
    assert_eq!(incoming[0]["from"]["name"], "goroutine 1 [chan receive]");
    assert_eq!(incoming[0]["fromRanges"], json!([range(1, 0, 9)]), "its frame of the creating function");
    assert_eq!(client.ask("callHierarchy/outgoingCalls", json!({"item": item})), json!([]));
    let outgoing = client.ask("callHierarchy/outgoingCalls", json!({"item": incoming[0]["from"]}));
    assert_eq!(outgoing.as_array().map(Vec::len), Some(1));
    assert_eq!(&outgoing[0]["to"], item);
    assert_eq!(client.ask("textDocument/prepareCallHierarchy", at(URI, 1, 3)), Value::Null);
    client.finish();
}

#[test]
fn a_search_asks_every_open_document() {
    let mut client = start();
    assert_eq!(client.ask("workspace/symbol", json!({"query": "gc 3"})), json!([]));
    let other = "file:///other.log";
    client.open(URI, &healthy(5));
    client.open(other, &format!("{}{DUMP}", leaking()));
    let found = client.ask("workspace/symbol", json!({"query": "gc 3"}));
    let places: Vec<_> = found.as_array().expect("a list").iter().take(2).map(|found| &found["location"]).collect();
    let want = [URI, other].map(|uri| json!({"uri": uri, "range": range(2, 0, 4)}));
    assert_eq!(places, want.iter().collect::<Vec<_>>());
    for (query, name) in [
        ("goroutine 17", "goroutine 17 [select]"),
        ("GC101", "GC101 live-heap-leak"),
        ("live-heap-leak", "GC101 live-heap-leak"),
        ("main.serve", "main.serve"),
    ] {
        let found = client.ask("workspace/symbol", json!({"query": query}));
        assert!(found[0]["name"].as_str().is_some_and(|found| found.starts_with(name)), "{query}: {found}");
        assert_eq!(found[0]["location"]["uri"], other, "{query}");
    }
    client.close(other);
    assert_eq!(client.ask("workspace/symbol", json!({"query": "goroutine 17"})), json!([]));
    client.finish();
}

#[test]
fn every_position_has_a_selection_range() {
    let mut client = start();
    client.open(URI, &format!("{GC_LINE}\n\n{GC_LINE}\n"));
    let (_, character) = find(GC_LINE, "1.1+");
    let positions: Vec<Value> =
        [(0, character), (1, 0), (99, 99)].map(|(line, character)| at(URI, line, character)["position"].clone()).into();
    let ranges =
        client.ask("textDocument/selectionRange", json!({"textDocument": {"uri": URI}, "positions": positions}));
    assert_eq!(ranges.as_array().map(Vec::len), Some(3));
    let mut widths = Vec::new();
    let mut range = &ranges[0];
    while range.is_object() {
        let side = |side: &str| {
            let position = &range["range"][side];
            (position["line"].as_u64().expect("a line"), position["character"].as_u64().expect("a character"))
        };
        widths.push((side("start"), side("end")));
        range = &range["parent"];
    }
    assert_eq!(widths.first(), Some(&((0, u64::from(character)), (0, u64::from(character) + 3))), "the value");
    assert_eq!(widths.last(), Some(&((0, 0), (3, 0))), "the file");
    assert!(widths.len() > 4, "{widths:?}");
    client.finish();
}

fn uri_of(path: &Path) -> String {
    format!("file://{}", path.display())
}

/// Starts a server that may look for files below these folders.
fn start_in(folders: &[&Path], options: Value) -> Client {
    let folders: Vec<Value> = folders.iter().map(|path| json!({"uri": uri_of(path), "name": "folder"})).collect();
    let params = json!({"processId": null, "capabilities": {"textDocument": {"diagnostic": {}}},
        "workspaceFolders": folders, "initializationOptions": options});
    Client::start_with(params).0
}

#[cfg(unix)]
#[test]
fn frames_link_to_files_of_the_workspace_and_of_goroot_only() {
    let temp = tempfile::tempdir().expect("a folder");
    let base = fs::canonicalize(temp.path()).expect("it is there");
    let (inside, outside, goroot) = (base.join("inside"), base.join("outside"), base.join("goroot"));
    for (path, text) in [
        (inside.join("main.go"), "package main"),
        (outside.join("secret.go"), "package secret"),
        (goroot.join("src/runtime/proc.go"), "package runtime"),
    ] {
        fs::create_dir_all(path.parent().expect("it has a folder")).expect("it can be made");
        fs::write(path, text).expect("it can be written");
    }
    std::os::unix::fs::symlink(&outside, inside.join("out")).expect("a link can be made");
    let frame = |path: &Path, line: u32| format!("main.f()\n\t{}:{line} +0x1d\n", path.display());
    let frames = [
        frame(&inside.join("main.go"), 12),
        frame(&outside.join("secret.go"), 1),
        frame(&inside.join("out/secret.go"), 1),
        frame(&inside.join("../outside/secret.go"), 1),
        frame(Path::new("/etc/hostname"), 1),
        frame(Path::new("/dev/null"), 1),
        frame(Path::new("//server/share/main.go"), 1),
        frame(&inside.join("no.go"), 1),
        frame(&goroot.join("src/runtime/proc.go"), 7),
        frame(Path::new("runtime/proc.go"), 8),
    ];
    let dump = format!("goroutine 1 [running]:\n{}", frames.concat());
    let target = |path: &Path, line: u32| json!(format!("{}#L{line}", uri_of(path)));
    let targets = |links: &Value| -> Vec<Value> {
        links.as_array().expect("a list").iter().map(|link| link["target"].clone()).collect()
    };
    let in_main = target(&inside.join("main.go"), 12);
    let proc_go = goroot.join("src/runtime/proc.go");

    let mut client = start_in(&[&inside], json!({"goroot": goroot}));
    client.open(URI, &dump);
    let links = client.about("textDocument/documentLink", URI);
    assert_eq!(targets(&links), [in_main.clone(), target(&proc_go, 7), target(&proc_go, 8)]);
    let length = inside.join("main.go").as_os_str().len() as u32 + 3;
    assert_eq!(links[0]["range"], range(2, 1, 1 + length), "the file and the line");
    let definition = client.ask("textDocument/definition", at(URI, 2, 5));
    assert_eq!(definition, json!({"uri": uri_of(&inside.join("main.go")), "range": range(11, 0, 0)}));
    for frame in 1..=7 {
        assert_eq!(client.ask("textDocument/definition", at(URI, 2 + 2 * frame, 5)), Value::Null, "{frame}");
    }
    let event =
        json!({"added": [{"uri": uri_of(&outside), "name": "b"}], "removed": [{"uri": uri_of(&inside), "name": "a"}]});
    client.notify("workspace/didChangeWorkspaceFolders", json!({"event": event}));
    let links = client.about("textDocument/documentLink", URI);
    assert_eq!(targets(&links)[0], target(&outside.join("secret.go"), 1));
    client.finish();

    // A folder of its own may hold settings; they choose no path.
    let mut client = start_in(&[&inside], Value::Null);
    client.open(URI, &dump);
    let settings = json!({"settings": {"gotracelens": {"goroot": goroot}}});
    client.notify("workspace/didChangeConfiguration", settings);
    assert_eq!(targets(&client.about("textDocument/documentLink", URI)), [in_main]);
    client.finish();

    let mut client = start();
    client.open(URI, &dump);
    assert_eq!(client.about("textDocument/documentLink", URI), json!([]), "no folder, no links");
    client.finish();
}

#[test]
fn documents_that_are_not_open_lead_nowhere() {
    let mut client = start();
    let mut params = at(URI, 0, 0);
    params["context"] = json!({"includeDeclaration": true});
    for method in ["definition", "references", "documentHighlight", "prepareCallHierarchy", "documentLink"] {
        assert_eq!(client.ask(&format!("textDocument/{method}"), params.clone()), Value::Null, "{method}");
    }
    let positions = json!({"textDocument": {"uri": URI}, "positions": [{"line": 0, "character": 0}]});
    assert_eq!(client.ask("textDocument/selectionRange", positions), Value::Null);
    client.finish();
}
