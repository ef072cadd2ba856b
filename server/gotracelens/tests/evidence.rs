//! `explain RULE --file FILE`, and what `summary` says about data that are missing.

#![expect(clippy::unwrap_used, reason = "in helpers as in tests: a test that cannot go on has failed")]

mod program;

use expect_test::expect;
use serde_json::Value;

use program::*;

fn cycles(n_cycles: u64) -> String {
    let line = |n: u64| {
        format!(
            "gc {n} @{n}.000s 1%: 0.02+1.5+0.010 ms clock, 0.02+0/1.5/0+0.010 ms cpu, 40->40->20 MB, 40 MB goal, \
             0 MB stacks, 0 MB globals, 4 P\n"
        )
    };
    (1..=n_cycles).map(line).collect()
}

#[test]
fn a_rule_tells_of_each_run_why_it_found_nothing() {
    check(
        &["explain", "GC101", "--file", "-"],
        &(cycles(12) + &cycles(3)),
        expect![[r#"
        -, run 1, lines 1 to 12
        GC101 live-heap-leak: too short to judge

        Not enough data: it needs 40 cycles and 30 s, has 12 and 11 s.

        - ✗ cycles: 12 (≥ 40 needed)
        - ✗ time: 11 s (≥ 30 s needed)

        GC101: Live heap keeps rising: what it looks for, what to do next

        -, run 2, lines 13 to 15
        GC101 live-heap-leak: too short to judge

        Not enough data: it needs 40 cycles and 30 s, has 3 and 2 s.

        - ✗ cycles: 3 (≥ 40 needed)
        - ✗ time: 2 s (≥ 30 s needed)

        GC101: Live heap keeps rising: what it looks for, what to do next

    "#]],
    );
}

#[test]
fn a_rule_tells_what_would_record_what_it_reads() {
    check(
        &["explain", "run-queue-growing", "--file", "-"],
        &cycles(12),
        expect![[r#"
        -, run 1, lines 1 to 12
        SC102 run-queue-growing: nothing to judge

        No line of the kind that it reads is here (Scheduler). GODEBUG=schedtrace=1000 makes the program
        print them.

        SC102: The backlog of runnable goroutines grows: what it looks for, what to do next

    "#]],
    );
}

#[test]
fn a_file_without_a_trace_line_has_nothing_to_judge() {
    check(&["explain", "GC101", "--file", "-"], "starting\n", expect![["-: no trace line\n"]]);
}

#[test]
fn a_rule_tells_what_it_found_and_where() {
    let leak = corpus("long/1.10.8-heapleak_slow-p4-s9790.log");
    let ran = run(&["explain", "gc101", "--file", &leak]);
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""));
    assert!(ran.stdout.contains("GC101 live-heap-leak: warning"), "{}", ran.stdout);
    assert!(ran.stdout.contains("Live heap keeps rising: ") && ran.stdout.contains("first used: "), "{}", ran.stdout);
}

#[test]
fn the_same_as_json() {
    let ran = run_with(&["explain", "GC101", "--file", "-", "--format", "json"], cycles(12).as_bytes());
    let value: Value = serde_json::from_str(&ran.stdout).unwrap();
    let run = &value["runs"][0];
    assert_eq!((&value["code"], &run["run"], &run["lines"]), (&"GC101".into(), &0.into(), &serde_json::json!([1, 12])));
    assert_eq!(run["verdict"], "too short to judge");
    let cycles = &run["conditions"][0];
    assert_eq!((&cycles["seen"], &cycles["sign"], &cycles["bound"]), (&12.0.into(), &">=".into(), &40.0.into()));
    assert_eq!((&cycles["holds"], &cycles["about_data"]), (&false.into(), &true.into()));
}

#[test]
fn a_name_that_is_no_rule_is_refused_with_one_that_is() {
    refuses(
        &["explain", "live-heap-leek", "--file", "-"],
        "",
        expect![[
            "error: explain \"live-heap-leek\" --file: there is no such rule; did you mean GC101 live-heap-leak?\n"
        ]],
    );
    let missing = run(&["explain", "GC101", "--file", "gone.log"]);
    assert_eq!(missing.code, 2);
    assert!(missing.stderr.starts_with("error: open \"gone.log\": "), "{}", missing.stderr);
}

#[test]
fn the_summary_says_what_leak_rules_lack() {
    let shown = run_with(&["summary", "-"], cycles(12).as_bytes()).stdout;
    assert!(shown.contains("not enough data: GC101 needs 40 cycles and 30 s, has 12 and 11 s"), "{shown}");
    let enough = run_with(&["summary", "-"], cycles(60).as_bytes()).stdout;
    assert!(!enough.contains("GC101 needs"), "{enough}");
    let ran = run_with(&["summary", "--format", "json", "-"], cycles(12).as_bytes());
    let value: Value = serde_json::from_str(&ran.stdout).unwrap();
    let lacking = &value["files"][0]["runs"][0]["not_enough_data"][0];
    assert_eq!((&lacking["code"], &lacking["missing"][1]["seen"]), (&"GC101".into(), &11.0.into()));
}

/// A run of hostile names: nothing of them reaches the terminal as it is.
#[test]
fn text_of_a_log_reaches_no_terminal() {
    let folder = tempfile::tempdir().unwrap();
    let path = write(folder.path(), "a\u{1b}[2Jb.log", (cycles(12) + &cycles(12)).as_bytes());
    for rule in ["GC101", "LG101"] {
        let ran = run(&["explain", rule, "--file", &path, "--color", "never"]);
        assert_eq!(ran.code, 0);
        assert!(!ran.stdout.contains('\u{1b}') && ran.stdout.contains("a\\u{1b}[2Jb.log"), "{}", ran.stdout);
    }
}
