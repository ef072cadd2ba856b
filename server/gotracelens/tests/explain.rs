//! `gotracelens explain` as a user meets it.

#![expect(clippy::unwrap_used, reason = "in helpers as in tests: a test that cannot go on has failed")]

mod program;

use std::fs;

use expect_test::expect;
use serde_json::Value;

use program::*;

#[test]
fn explains_fields_rules_families_and_lines() {
    for (what, says) in [
        ("gc.heap_goal_mb", "Heap goal, MB; a whole number. Go 1.5 – 1.27."),
        ("heap_goal_mb", "gc.heap_goal_mb"),
        ("Heap Goal", "gc.heap_goal_mb"),
        ("Heap Goal", "Heap goal"),
        ("GC101", "GC101 live-heap-leak"),
        ("live-heap-leak", "- rules.live-heap-leak.min_cycles = 40 cycles: Shorter runs are not judged."),
        ("schedtrace", "Scheduler: sched"),
        ("term:assist", "Source: runtime/mgcmark.go gcAssistAlloc, 1.5-"),
        (GC_3, "  Heap goal: 5 MB  gc.heap_goal_mb"),
        (GC_4, "  Forced: yes  gc.forced"),
        (GC_3, "  Forced: not printed  gc.forced"),
        (SCHED, "  Local run queues: 3 0 4 1  sched.local_runqueues"),
    ] {
        let ran = run(&["explain", what]);
        assert_eq!((ran.code, ran.stderr.as_str()), (0, ""), "{what}");
        assert!(ran.stdout.lines().any(|line| line == says), "{what}: {}", ran.stdout);
    }
    let words: Vec<&str> = ["explain"].into_iter().chain(GC_3.split(' ')).collect();
    assert_eq!(run(&words).stdout, run(&["explain", GC_3]).stdout);
    assert_eq!(run_with(&["explain", "-"], GC_3.as_bytes()).stdout, run(&["explain", GC_3]).stdout);
}

#[test]
fn explains_what_a_variable_is_set_to() {
    for (what, has) in [
        (
            "GODEBUG=gctrace=1,madvdontneed=1",
            ["gctrace=1  runtime", "madvdontneed=1  runtime", "Releases: Go 1.12 and later"],
        ),
        ("GODEBUG=gctraec=1", ["warning[GD101]", "did you mean gctrace?", "GODEBUG"]),
        ("GOMEMLIMIT=512Mi", ["error[GD108]", "write 512MiB", "Soft limit"]),
        ("madvdontneed", ["madvdontneed  runtime", "Default: 1; 0 up to Go 1.15", "RSS"]),
    ] {
        let ran = run(&["explain", what]);
        assert_eq!(ran.code, 0, "{what}: {}", ran.stderr);
        for part in has {
            assert!(ran.stdout.contains(part), "{what}: no {part:?} in\n{}", ran.stdout);
        }
    }
}

#[test]
fn a_name_used_by_several_families_is_explained_for_each() {
    let ran = run(&["explain", "forced"]);
    let headings: Vec<&str> =
        ran.stdout.lines().filter(|line| line.ends_with(".forced") || *line == "Forced GC").collect();
    assert_eq!(headings, ["Forced GC", "gc.forced", "scvg.forced", "scav.forced"]);
}

fn words(text: &str) -> Vec<String> {
    let marks = ["#", "##", "###", "-", "```", "```text", "```sh", "```console"];
    let words = text.split_whitespace().filter(|word| !marks.contains(word));
    words.map(|word| word.replace(['`', '*', '\\'], "")).filter(|word| !word.is_empty()).collect()
}

#[test]
fn explain_prints_the_words_of_the_page() {
    for page in ide::pages::all() {
        let name = page.name();
        // A name that a term shares with a family asks for both.
        if ide::pages::find(&name).len() > 1 || page.kind() == ide::pages::Kind::Chapter {
            continue;
        }
        // Each run is a process: one page of every tenth will do, and all terms and rules.
        if page.kind() == ide::pages::Kind::Field && name.len() % 10 != 0 {
            continue;
        }
        let ran = run(&["explain", &name]);
        assert_eq!((ran.code, ran.stderr.as_str()), (0, ""), "{name}");
        let page = page.markdown(&ide::Links::Named);
        assert_eq!(words(&ran.stdout), words(&page), "{name}");
    }
}

#[test]
fn pages_and_lines_are_explained_in_json_too() {
    let json = |what: &str| -> Value {
        let ran = run(&["explain", "--format", "json", what]);
        assert_eq!((ran.code, ran.stderr.as_str()), (0, ""), "{what}");
        serde_json::from_str(&ran.stdout).unwrap()
    };
    let pages = json("heap goal");
    assert_eq!(pages[0]["name"], "term:heap-goal");
    assert_eq!(pages[1]["kind"], "field");
    assert!(pages[1]["markdown"].as_str().unwrap().starts_with("# gc.heap_goal_mb\n\n**Heap goal**, MB"));
    let items = json(GC_3);
    assert_eq!((&items[0]["family"], items.as_array().unwrap().len()), (&"gc".into(), 1));
    let fields = items[0]["fields"].as_array().unwrap();
    let goal = fields.iter().find(|field| field["name"] == "gc.heap_goal_mb").unwrap();
    assert_eq!(goal["value"], "5 MB");
}

#[test]
fn unknown_names_are_met_with_similar_ones() {
    refuses(
        &["explain", "heap_gaol_mb"],
        "",
        expect![[r#"
            error: explain "heap_gaol_mb": there is no field, rule, family or term with this name; did you mean gc.heap_goal_mb, pacer_start.heap_goal_mb, pacer_end.heap_goal_bytes?
        "#]],
    );
    refuses(
        &["explain", "live-heap-leek"],
        "",
        expect![[r#"
        error: explain "live-heap-leek": there is no field, rule, family or term with this name; did you mean live-heap-leak, live-heap, live-heap-step?
    "#]],
    );
    refuses(
        &["explain", "zzz"],
        "",
        expect![[r#"
        error: explain "zzz": there is no field, rule, family or term with this name; `gotracelens explain index` shows where to begin
    "#]],
    );
    refuses(
        &["explain", "this is no trace line"],
        "",
        expect![[r#"
        error: explain "this is no trace line": no trace line is known that looks like this
    "#]],
    );
}

#[test]
fn explain_around_merges_what_was_said_by_time() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str, text: &str| {
        let path = folder.path().join(name);
        fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let log = path("app.log", &format!("ready\n{GC_3}\n\u{1b}[31mhello\u{1b}[0m\n"));
    let ran = run(&["explain", &format!("{log}:2"), "--around", "1s"]);
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""));
    let lines: Vec<&str> = ran.stdout.lines().collect();
    assert!(lines[0].ends_with(" s after the start of the process"), "{}", ran.stdout);
    let is_focus: Vec<bool> = lines[1..4].iter().map(|line| line.starts_with('>')).collect();
    assert_eq!(is_focus, [false, true, false], "{}", ran.stdout);
    assert!(lines[3].ends_with("hello") && !ran.stdout.contains('\u{1b}'), "{}", ran.stdout);
    let json = run(&["explain", &format!("{log}:2"), "--around", "1s", "--format", "json"]);
    let json: Value = serde_json::from_str(&json.stdout).unwrap();
    let families: Vec<&str> =
        json["entries"].as_array().unwrap().iter().map(|entry| entry["family"].as_str().unwrap()).collect();
    assert_eq!(families, ["app", "gc", "app"]);
    for (what, complaint) in [
        (format!("{log}:9"), "the file has 3 lines"),
        ("heap_goal_mb".to_owned(), "expected a place in a file first: app.log:4711"),
        (format!("{}:1", path("none.log", "hello\n")), "neither this line nor any near it tells a time"),
    ] {
        let ran = run(&["explain", &what, "--around", "1s"]);
        assert_eq!(ran.code, 2, "{what}");
        assert!(ran.stderr.contains(complaint), "{}", ran.stderr);
    }
    assert_eq!(run(&["explain", &format!("{log}:2"), "--around", "5"]).code, 2, "a time has a unit");
}
