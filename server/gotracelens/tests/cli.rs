//! The program as a user meets it: arguments in, text and exit code out.

#![expect(clippy::unwrap_used, reason = "in helpers as in tests: a test that cannot go on has failed")]

mod program;

use std::fs;
use std::io::Read;
use std::path::Path;
use std::process::Stdio;

use expect_test::expect;
use serde_json::Value;
use tracelog::catalog::NEWEST_MINOR;

use program::*;

#[test]
fn says_which_version_it_is() {
    for option in ["-V", "--version"] {
        check(&[option], "", expect![["gotracelens 0.1.0\n"]]);
    }
}

#[test]
fn wrong_arguments_exit_with_2() {
    for args in
        [&[][..], &["pars"], &["parse"], &["parse", "--family", "gcc", "-"], &["check", "--fail-on", "bad", "-"]]
    {
        let ran = run(args);
        assert_eq!((ran.code, ran.stdout.as_str()), (2, ""), "{args:?}");
        assert!(ran.stderr.starts_with("error: ") || ran.stderr.contains("Usage: gotracelens"), "{}", ran.stderr);
    }
}

#[test]
fn parse_gives_one_object_a_line() {
    check(
        &["parse", "-"],
        &format!("starting\n{GC_3}\r\n\n{SCHED}\nlast"),
        expect![[r#"
            {"file":"-","line":1,"carrier":null,"items":[],"text":"starting"}
            {"file":"-","line":2,"carrier":null,"items":[{"family":"gc","shape":"gc_1_6","go":["1.6","1.17"],"run":0,"fields":{"n":3,"at_s":0.031,"gc_cpu_pct":4,"wall_sweep_term_ms":0.022,"wall_mark_ms":0.27,"wall_mark_term_ms":0.040,"cpu_sweep_term_ms":0.18,"cpu_assist_ms":0.10,"cpu_background_ms":0.41,"cpu_idle_ms":0.066,"cpu_mark_term_ms":0.32,"heap_start_mb":4,"heap_end_mb":4,"heap_live_mb":0,"heap_goal_mb":5,"procs":8,"forced":false},"torn":false,"part":"whole","col":1,"head_line":null}],"text":null}
            {"file":"-","line":3,"carrier":null,"items":[],"text":null}
            {"file":"-","line":4,"carrier":null,"items":[{"family":"sched","shape":"sched_1_4","go":["1.4","1.19"],"run":0,"fields":{"at_ms":1004,"gomaxprocs":4,"idleprocs":0,"threads":7,"spinningthreads":0,"idlethreads":1,"runqueue":12,"local_runqueues":[3,0,4,1]},"torn":false,"part":"whole","col":1,"head_line":null}],"text":null}
            {"file":"-","line":5,"carrier":null,"items":[],"text":"last"}
        "#]],
    );
}

#[test]
fn parse_names_carriers_and_counts_columns_from_one() {
    check(
        &["parse", "-"],
        &format!("web-1  | 2024-01-02T15:04:05.123456789Z stderr F {SCHED}\n"),
        expect![[r#"
        {"file":"-","line":1,"carrier":"compose+cri","items":[{"family":"sched","shape":"sched_1_4","go":["1.4","1.19"],"run":0,"fields":{"at_ms":1004,"gomaxprocs":4,"idleprocs":0,"threads":7,"spinningthreads":0,"idlethreads":1,"runqueue":12,"local_runqueues":[3,0,4,1]},"torn":false,"part":"whole","col":50,"head_line":null}],"text":null}
    "#]],
    );
}

#[test]
fn a_torn_item_has_its_fields_on_the_head_and_its_tail_names_the_head() {
    let (head, tail) = GC_3.split_at(GC_3.find("0.27").unwrap());
    check(
        &["parse", "-"],
        &format!("{head}2024/01/02 15:04:05 hello\n{tail}\n"),
        expect![[r#"
        {"file":"-","line":1,"carrier":null,"items":[{"family":"gc","shape":"gc_1_6","go":["1.6","1.17"],"run":0,"fields":{"n":3,"at_s":0.031,"gc_cpu_pct":4,"wall_sweep_term_ms":0.022,"wall_mark_ms":0.27,"wall_mark_term_ms":0.040,"cpu_sweep_term_ms":0.18,"cpu_assist_ms":0.10,"cpu_background_ms":0.41,"cpu_idle_ms":0.066,"cpu_mark_term_ms":0.32,"heap_start_mb":4,"heap_end_mb":4,"heap_live_mb":0,"heap_goal_mb":5,"procs":8,"forced":false},"torn":true,"part":"head","col":1,"head_line":null}],"text":"2024/01/02 15:04:05 hello"}
        {"file":"-","line":2,"carrier":null,"items":[{"family":"gc","shape":"gc_1_6","go":["1.6","1.17"],"run":0,"fields":{"n":null,"at_s":null,"gc_cpu_pct":null,"wall_sweep_term_ms":null,"wall_mark_ms":null,"wall_mark_term_ms":null,"cpu_sweep_term_ms":null,"cpu_assist_ms":null,"cpu_background_ms":null,"cpu_idle_ms":null,"cpu_mark_term_ms":null,"heap_start_mb":null,"heap_end_mb":null,"heap_live_mb":null,"heap_goal_mb":null,"procs":null,"forced":null},"torn":true,"part":"tail","col":1,"head_line":1}],"text":null}
    "#]],
    );
}

#[test]
fn what_was_not_read_of_a_torn_item_is_null() {
    let head = &GC_4[..GC_4.find("80 ms cpu").unwrap()];
    check(
        &["parse", "--flat", "-"],
        head,
        expect![[r#"
            {"file":"-","line":1,"col":1,"carrier":null,"family":"gc","shape":"gc_1_18","go":["1.5","newest"],"run":0,"torn":true,"part":"head","n":4,"at_s":0.045,"gc_cpu_pct":3,"leak_check":null,"wall_sweep_term_ms":0.10,"wall_mark_ms":1.0,"wall_mark_term_ms":10.0,"cpu_sweep_term_ms":0.80,"cpu_assist_ms":0.0,"cpu_background_ms":0.41,"cpu_idle_ms":0.90,"cpu_mark_term_ms":null,"heap_start_mb":null,"heap_end_mb":null,"heap_live_mb":null,"heap_goal_mb":null,"stacks_mb":null,"globals_mb":null,"procs":null,"forced":null}
        "#]],
    );
}

#[test]
fn flat_output_has_one_object_an_item_and_fields_beside_the_rest() {
    let (head, tail) = GC_3.split_at(GC_3.find("0.27").unwrap());
    check(
        &["parse", "--flat", "-"],
        &format!("x\n{head}y\n{tail}\n{SCHED}{GC_4}\n"),
        expect![[r#"
            {"file":"-","line":2,"col":1,"carrier":null,"family":"gc","shape":"gc_1_6","go":["1.6","1.17"],"run":0,"torn":true,"part":"head","n":3,"at_s":0.031,"gc_cpu_pct":4,"wall_sweep_term_ms":0.022,"wall_mark_ms":0.27,"wall_mark_term_ms":0.040,"cpu_sweep_term_ms":0.18,"cpu_assist_ms":0.10,"cpu_background_ms":0.41,"cpu_idle_ms":0.066,"cpu_mark_term_ms":0.32,"heap_start_mb":4,"heap_end_mb":4,"heap_live_mb":0,"heap_goal_mb":5,"procs":8,"forced":false}
            {"file":"-","line":4,"col":1,"carrier":null,"family":"sched","shape":"sched_1_4","go":["1.4","1.19"],"run":0,"torn":false,"part":"whole","at_ms":1004,"gomaxprocs":4,"idleprocs":0,"threads":7,"spinningthreads":0,"idlethreads":1,"runqueue":12,"local_runqueues":[3,0,4,1]}
            {"file":"-","line":4,"col":103,"carrier":null,"family":"gc","shape":"gc_1_6","go":["1.6","1.17"],"run":0,"torn":false,"part":"whole","n":4,"at_s":0.045,"gc_cpu_pct":3,"wall_sweep_term_ms":0.10,"wall_mark_ms":1.0,"wall_mark_term_ms":10.0,"cpu_sweep_term_ms":0.80,"cpu_assist_ms":0.0,"cpu_background_ms":0.41,"cpu_idle_ms":0.90,"cpu_mark_term_ms":80.0,"heap_start_mb":4,"heap_end_mb":4,"heap_live_mb":1,"heap_goal_mb":5,"procs":8,"forced":true}
        "#]],
    );
}

#[test]
fn a_family_can_be_named_by_its_godebug_setting() {
    let text = format!("x\n{GC_3}\n{SCHED}\n{GC_4}\n");
    let by_id = run_with(&["parse", "--family", "gc", "-"], text.as_bytes());
    let by_knob = run_with(&["parse", "--family", "gctrace", "-"], text.as_bytes());
    assert_eq!(by_id.stdout.lines().count(), 2);
    assert_eq!(by_id.stdout, by_knob.stdout);
    let both = run_with(&["parse", "--family", "gctrace", "--family", "schedtrace", "-"], text.as_bytes());
    assert_eq!(both.stdout.lines().count(), 3);
}

#[test]
fn csv_is_a_table_of_the_family() {
    check(
        &["parse", "--family", "schedtrace", "--format", "csv", "-"],
        &format!("x\n{GC_3}\n{SCHED}\n"),
        expect![[r#"
            file,line,col,carrier,family,shape,go,run,torn,part,at_ms,gomaxprocs,idleprocs,threads,spinningthreads,needspinning,idlethreads,runqueue,local_runqueues,schedticks,gcwaiting,nmidlelocked,nmspinning,stopwait,sysmonwait
            -,3,1,,sched,sched_1_4,1.4 1.19,0,false,whole,1004,4,0,7,0,,1,12,3 0 4 1,,,,,,
        "#]],
    );
}

#[test]
fn every_line_of_the_corpus_is_valid_json_with_its_number() {
    for path in ["published", "wrapped"] {
        for file in fs::read_dir(corpus(path)).unwrap().take(60) {
            let path = file.unwrap().path();
            let ran = run(&["parse", path.to_str().unwrap()]);
            assert_eq!(ran.code, 0, "{}: {}", path.display(), ran.stderr);
            for (at, line) in ran.stdout.lines().enumerate() {
                let value: Value = serde_json::from_str(line).unwrap();
                assert_eq!(value["line"], at + 1, "{}", path.display());
            }
            let bytes = fs::read(&path).unwrap();
            // In UTF-16 a zero stands behind the last line's LF.
            let text = bytes.strip_suffix(b"\n\0").map_or(bytes.as_slice(), |_| &bytes[..bytes.len() - 1]);
            let n_lines = text.split_inclusive(|byte| *byte == b'\n').count();
            assert_eq!(ran.stdout.lines().count(), n_lines, "{}", path.display());
        }
    }
}

#[test]
fn packed_files_say_what_plain_ones_say() {
    let folder = tempfile::tempdir().unwrap();
    let text = format!("{GC_3}\n{SCHED}\n").repeat(1000);
    let (a, b) = text.split_at(text.len() / 2);
    let members = [gzip(a.as_bytes()), gzip(b.as_bytes())].concat();
    let frames = zstd::encode_all(text.as_bytes(), 1).unwrap();
    let plain = run_with(&["parse", "-"], text.as_bytes());
    // What a file is called does not matter.
    for (name, bytes) in
        [("a.gz", &members), ("b.zst", &frames), ("c.log", &members), ("d.gz", &text.clone().into_bytes())]
    {
        let path = write(folder.path(), name, bytes);
        let ran = run(&["parse", &path]);
        assert_eq!((ran.code, ran.stderr.as_str()), (0, ""));
        assert_eq!(ran.stdout.replace(&path, "-"), plain.stdout, "{name}");
        assert_eq!(run_with(&["parse", "-"], bytes).stdout, plain.stdout, "{name}");
    }
}

#[test]
fn utf16_is_read_like_utf8() {
    let folder = tempfile::tempdir().unwrap();
    let utf16 = GC_3.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<_>>();
    let wide = run(&["parse", &write(folder.path(), "a.log", &utf16)]);
    let plain = run(&["parse", &write(folder.path(), "a.log", GC_3.as_bytes())]);
    assert_eq!((wide.code, wide.stdout), (0, plain.stdout));
}

#[test]
fn a_file_that_cannot_be_read_does_not_hide_the_others() {
    let folder = tempfile::tempdir().unwrap();
    let good = write(folder.path(), "good.log", GC_3.as_bytes());
    let missing = folder.path().join("missing.log").to_str().unwrap().to_owned();
    let packed = gzip(format!("{GC_3}\n").repeat(20_000).as_bytes());
    let cut = write(folder.path(), "cut.log.gz", &packed[..packed.len() / 2]);
    let dir = folder.path().to_str().unwrap();
    for verb in ["parse", "summary", "check"] {
        let ran = run(&[verb, &missing, dir, &cut, &good]);
        assert_eq!(ran.code, 2, "{verb}");
        let complaints: Vec<&str> = ran.stderr.lines().collect();
        assert_eq!(complaints.len(), 3, "{}", ran.stderr);
        assert!(complaints[0].starts_with(&format!("error: open \"{missing}\": ")));
        assert_eq!(complaints[1], format!("error: read \"{dir}\": is a directory"));
        assert!(complaints[2].starts_with(&format!("error: unpack \"{cut}\" (gzip): ")), "{}", complaints[2]);
        if verb == "parse" {
            assert_eq!(ran.stdout.lines().filter(|line| line.contains("good.log")).count(), 1);
            assert!(ran.stdout.lines().filter(|line| line.contains("cut.log.gz")).count() > 1000);
        }
    }
}

#[test]
fn check_fails_on_what_it_is_told_to_fail_on() {
    let leak = corpus("long/1.10.8-heapleak_slow-p4-s9790.log");
    let folder = tempfile::tempdir().unwrap();
    let quiet = write(folder.path(), "quiet.log", format!("{GC_3}\n").as_bytes());
    for (args, code) in [
        (vec!["check", leak.as_str()], 0),
        (vec!["check", "--fail-on", "warning", &leak], 1),
        (vec!["check", "--fail-on", "hint", &leak], 1),
        (vec!["check", "--fail-on", "never", &leak], 0),
        (vec!["check", "--fail-on", "warning", &quiet], 0),
        (vec!["check", "--fail-on", "warning", &quiet, &leak], 1),
        (vec!["check", "--fail-on", "warning", &leak, "missing"], 2),
        (vec!["check", "--fail-on", "warning", "--show", "error", "--format", "json", &leak], 1),
    ] {
        assert_eq!(run(&args).code, code, "{args:?}");
    }
}

#[test]
fn check_shows_the_line_with_marks_under_it() {
    let leak = corpus("long/1.10.8-heapleak_slow-p4-s9790.log");
    let shown = run(&["check", &leak]).stdout;
    assert!(shown.contains("\nwarning[GC101]: Live heap keeps rising: "), "{shown}");
    let lines: Vec<&str> = shown.lines().collect();
    let at = lines.iter().position(|line| line.contains("warning[GC101]")).expect("the leak is shown");
    let (line, marks) = (lines[at + 3], lines[at + 4]);
    let live = line.split("->").nth(2).and_then(|rest| rest.split(" MB, ").next()).expect("a gc line is shown");
    assert_eq!(marks.find('^'), line.find(&format!("->{live} MB, ")).map(|arrow| arrow + 2), "{line}\n{marks}");
    assert_eq!(marks.matches('^').count(), live.len(), "{line}\n{marks}");
    let [.., count, hint] = lines.as_slice() else { panic!("{shown}") };
    assert!(count.starts_with("1 warning, "), "{shown}");
    assert!(hint.contains("`gotracelens explain GC101 --file "), "{shown}");
}

/// Asserts that a value follows a schema. Knows the keywords that our schemas use and refuses others, so that none is
/// overlooked.
fn fits(root: &Value, schema: &Value, value: &Value, place: &str) {
    let Value::Object(keywords) = schema else { panic!("{place}: {schema} is no schema") };
    for (keyword, expected) in keywords {
        match keyword.as_str() {
            "$schema" | "$defs" | "title" | "description" | "format" => {}
            "$ref" => {
                let target = root.pointer(expected.as_str().unwrap().trim_start_matches('#')).unwrap();
                fits(root, target, value, place);
            }
            "type" => {
                let found = match value {
                    Value::Null => "null",
                    Value::Bool(_) => "boolean",
                    Value::Number(number) if number.is_u64() || number.is_i64() => "integer",
                    Value::Number(_) => "number",
                    Value::String(_) => "string",
                    Value::Array(_) => "array",
                    Value::Object(_) => "object",
                };
                let allowed = |name: &Value| name == found || found == "integer" && name == "number";
                let one_of = expected.as_array().map_or(allowed(expected), |types| types.iter().any(allowed));
                assert!(one_of, "{place}: {value} is not {expected}");
            }
            "minimum" => assert!(value.is_null() || value.as_f64() >= expected.as_f64(), "{place}: {value}"),
            "minItems" => assert!(value.as_array().is_none_or(|all| all.len() as u64 >= expected.as_u64().unwrap())),
            "maxItems" => assert!(value.as_array().is_none_or(|all| all.len() as u64 <= expected.as_u64().unwrap())),
            "items" => {
                for (at, item) in value.as_array().into_iter().flatten().enumerate() {
                    fits(root, expected, item, &format!("{place}[{at}]"));
                }
            }
            "properties" => {
                for (name, item) in value.as_object().into_iter().flatten() {
                    let schema = expected.get(name).unwrap_or_else(|| panic!("{place}.{name} is not described"));
                    fits(root, schema, item, &format!("{place}.{name}"));
                }
            }
            "additionalProperties" => {
                for (name, item) in value.as_object().into_iter().flatten() {
                    fits(root, expected, item, &format!("{place}.{name}"));
                }
            }
            "required" => {
                for name in expected.as_array().unwrap() {
                    assert!(value.get(name.as_str().unwrap()).is_some(), "{place}: {name} is missing");
                }
            }
            "anyOf" => {
                // Only ever "this or null".
                let [schema, null] = &expected.as_array().unwrap()[..] else { panic!("{place}: {expected}") };
                assert_eq!(null["type"], "null");
                if !value.is_null() {
                    fits(root, schema, value, place);
                }
            }
            _ => panic!("{place}: the test does not know the keyword {keyword}"),
        }
    }
}

#[test]
fn json_of_summary_and_check_follows_the_committed_schema() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs");
    let files = [
        corpus("long/1.10.8-heapleak_slow-p4-s9790.log"),
        corpus("long/1.21.13-goroutine_leak-p4-s9324.log"),
        corpus("wrapped/compose-v2-two-sched3-1.26.6-web.log"),
        corpus("wrapped/crlf-sched3-1.25.5-web_leak.log"),
        "missing.log".to_owned(),
    ];
    for verb in ["summary", "check"] {
        let schema = fs::read_to_string(folder.join(format!("{verb}.schema.json"))).unwrap();
        let schema: Value = serde_json::from_str(&schema).unwrap();
        let args: Vec<&str> = [verb, "--format", "json"].into_iter().chain(files.iter().map(String::as_str)).collect();
        let ran = run(&args);
        assert_eq!(ran.code, 2);
        let value: Value = serde_json::from_str(&ran.stdout).unwrap();
        fits(&schema, &schema, &value, verb);
        assert_eq!(value["files"].as_array().unwrap().len(), files.len());
        assert!(!ran.stdout.contains("NaN") && !ran.stdout.contains("inf "));
    }
}

#[test]
fn summary_tells_numbers_and_why_others_are_missing() {
    let sched = corpus("wrapped/crlf-sched3-1.25.5-web_leak.log");
    let value: Value = serde_json::from_str(&run(&["summary", "--format", "json", &sched]).stdout).unwrap();
    let run_0 = &value["files"][0]["runs"][0];
    assert_eq!(run_0["gc"], Value::Null);
    assert_eq!(run_0["absent"]["gc"], "no such lines in the run");
    assert!(run_0["sched"]["samples"].as_u64().unwrap() > 0);
    assert_eq!(run_0["go"], serde_json::json!(["1.25", format!("1.{NEWEST_MINOR}")]));

    let old = format!("{SCHED}\n");
    let text = run_with(&["summary", "-"], old.as_bytes()).stdout;
    assert!(text.contains("run 1, lines 1 to 1, Go 1.4 – 1.19"), "{text}");
    assert!(text.contains("runnable        p50 20, p99 20, max 20"), "{text}");
}

#[test]
fn a_log_without_trace_lines_is_said_to_have_none() {
    for verb in ["summary", "check"] {
        let ran = run_with(&[verb, "-"], b"hello\n");
        assert_eq!(ran.code, 0);
        assert!(ran.stdout.contains("-: no trace line"), "{}", ran.stdout);
    }
}

/// What is read of Markdown and of its form in a terminal: words without marks.
#[test]
fn lists_are_json_too() {
    let fields: Value = serde_json::from_str(&run(&["fields", "--format", "json"]).stdout).unwrap();
    let goal = fields.as_array().unwrap().iter().find(|field| field["id"] == "heap_goal_mb").unwrap();
    assert_eq!((&goal["family"], &goal["type"], &goal["unit"]), (&"gc".into(), &"integer".into(), &"MB".into()));
    assert_eq!(goal["go"], format!("1.5 – 1.{NEWEST_MINOR}"));
    let rules: Value = serde_json::from_str(&run(&["rules", "--format", "json"]).stdout).unwrap();
    let leak = rules.as_array().unwrap().iter().find(|rule| rule["code"] == "GC101").unwrap();
    assert_eq!((&leak["slug"], &leak["severity"]), (&"live-heap-leak".into(), &"error".into()));
    let text = run(&["rules"]).stdout;
    assert!(text.contains("GC101  live-heap-leak"), "{text}");
    assert!(run(&["fields", "--family", "gctrace"]).stdout.contains("  heap_goal_mb "));
}

#[test]
fn completions_exist_for_every_shell() {
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let ran = run(&["completions", shell]);
        assert_eq!((ran.code, ran.stderr.as_str()), (0, ""));
        for word in ["summary", "fail-on", "completions"] {
            assert!(ran.stdout.contains(word), "{shell} does not know {word}");
        }
    }
}

/// Things that a terminal would obey or a reader would not see.
const HOSTILE: &str =
    "\u{1b}]0;title\u{7}\u{1b}[2J\u{9b}31m\u{202e}evil\u{2066}\u{200b}\u{ad}\u{feff}\u{85}\u{2028}\u{8}\u{e0041}";

fn is_forbidden(character: char) -> bool {
    let named = ['\u{202e}', '\u{2066}', '\u{200b}', '\u{ad}', '\u{feff}', '\u{2028}', '\u{e0041}'];
    character.is_control() && character != '\n' || named.contains(&character)
}

#[test]
fn nothing_of_a_log_reaches_the_terminal_raw() {
    let folder = tempfile::tempdir().unwrap();
    let leak = fs::read_to_string(corpus("long/1.10.8-heapleak_slow-p4-s9790.log")).unwrap();
    let lines: Vec<String> = leak.lines().map(|line| format!("{HOSTILE} {line}\t{HOSTILE}")).collect();
    let log = write(folder.path(), &format!("a{HOSTILE}.log"), lines.join("\n").as_bytes());
    let missing = format!("{log}.missing");
    let mut n_shown = 0;
    for args in [
        vec!["parse", log.as_str()],
        vec!["parse", "--flat", &log],
        vec!["parse", "--format", "csv", &log],
        vec!["summary", &log],
        vec!["summary", "--format", "json", &log],
        vec!["check", "--show", "hint", &log],
        vec!["check", "--show", "hint", "--format", "json", &log],
        vec!["explain", &lines[3]],
        vec!["explain", HOSTILE],
        vec!["parse", &missing],
        vec!["parse", "--nothing", &log],
        vec![HOSTILE],
    ] {
        let ran = run(&args);
        let text = ran.stdout + &ran.stderr;
        n_shown += text.contains("evil") as usize;
        let found: Vec<char> = text.chars().filter(|character| is_forbidden(*character)).collect();
        assert_eq!(found, [], "{args:?}");
    }
    assert!(n_shown >= 8, "the hostile text is shown, made visible, by {n_shown} commands");
}

#[test]
fn colors_come_only_when_asked_for() {
    let leak = corpus("long/1.10.8-heapleak_slow-p4-s9790.log");
    for args in [vec!["check", leak.as_str()], vec!["summary", &leak], vec!["explain", GC_3], vec!["--help"]] {
        let plain = run(&args).stdout;
        assert!(!plain.contains('\u{1b}'), "{args:?}");
        let colored = run(&[&["--color", "always"], &args[..]].concat()).stdout;
        assert!(colored.contains('\u{1b}'), "{args:?}");
        let stripped: String = anstream::adapter::strip_str(&colored).to_string();
        assert_eq!(stripped, plain, "{args:?}");
        let forced = program().args(&args).env("CLICOLOR_FORCE", "1").output().unwrap();
        assert_eq!(String::from_utf8(forced.stdout).unwrap(), colored, "{args:?}");
        let never = program().args(&args).args(["--color=never"]).env("CLICOLOR_FORCE", "1").output().unwrap();
        assert_eq!(String::from_utf8(never.stdout).unwrap(), plain, "{args:?}");
    }
}

#[test]
fn a_reader_who_leaves_is_no_error() {
    let folder = tempfile::tempdir().unwrap();
    let log = write(folder.path(), "a.log", format!("{GC_3}\n").repeat(20_000).as_bytes());
    let mut child = program()
        .args(["parse", &log])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    let mut first = [0; 100];
    child.stdout.take().unwrap().read_exact(&mut first).unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), output.stderr.as_slice()), (Some(0), b"".as_slice()));
}

#[test]
fn serves_an_editor_wherever_stdio_stands() {
    let body = r#"{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"processId":null,"rootUri":null,"capabilities":{}}}"#;
    let exit = r#"{"jsonrpc":"2.0","method":"exit"}"#;
    let input: String = [body, exit].map(|body| format!("Content-Length: {}\r\n\r\n{body}", body.len())).concat();
    for args in [&["lsp"][..], &["--stdio"], &["lsp", "--stdio", "--clientProcessId=1"], &["check", "--stdio"]] {
        let ran = run_with(args, input.as_bytes());
        assert!(ran.stdout.starts_with("Content-Length: "), "{args:?}: {} {}", ran.stdout, ran.stderr);
        assert!(ran.stdout.contains(r#""id":1"#), "{args:?}");
    }
}

#[test]
fn gogc_is_not_inferred_where_a_memory_limit_steers() {
    for (log, is_known) in
        [("runs/1.25.5/memlimit-gc1-spiral-p4-s278.log", false), ("long/1.24.11-heapleak-p4-s6716.log", true)]
    {
        let ran = run(&["summary", "--format", "json", &corpus(log)]);
        let summary: Value = serde_json::from_str(&ran.stdout).unwrap();
        let gc = &summary["files"][0]["runs"][0]["gc"];
        assert_eq!((gc["gogc_pct"].is_number(), gc["absent"]["gogc_pct"].is_null()), (is_known, is_known), "{log}");
    }
}

#[test]
fn tune_takes_the_limit_that_a_kill_tells() {
    let cycle = |n: u32, live_mb: u32| {
        let heap_mb = 2 * live_mb;
        format!(
            "gc {n} @{}.000s 0%: 0.01+10+0.01 ms clock, 0.02+0/20/0+0.02 ms cpu, {heap_mb}->{heap_mb}->{live_mb} MB, \
             {heap_mb} MB goal, 0 MB stacks, 0 MB globals, 2 P\n",
            20 * n
        )
    };
    let kill = "memory: usage 524288kB, limit 524288kB, failcnt 1031\n\
                Memory cgroup out of memory: Killed process 4711 (server) total-vm:1724312kB, anon-rss:520416kB, \
                file-rss:8964kB, shmem-rss:0kB, UID:0 pgtables:1188kB oom_score_adj:968\n";
    let log_of = |live_mb| (1..=60).map(|n| cycle(n, live_mb)).collect::<String>() + kill;
    let log = log_of(210);
    let ran = run_with(&["tune", "-"], log.as_bytes());
    assert!(ran.stdout.contains("GOMEMLIMIT=460MiB"), "{}", ran.stdout);
    assert!(ran.stdout.contains("what the kernel printed when it killed the process, line 61."), "{}", ran.stdout);
    let json: Value =
        serde_json::from_str(&run_with(&["tune", "--format", "json", "-"], log.as_bytes()).stdout).unwrap();
    let run = &json["files"][0]["runs"][0];
    assert_eq!(
        (&run["memory_limit_mb"], &run["memory_limit_from"]),
        (&serde_json::json!(512.0), &serde_json::json!("kill"))
    );
    let named = run_with(&["tune", "--memory", "1GiB", "-"], log.as_bytes()).stdout;
    assert!(named.contains("1024 MiB container") && !named.contains("kernel printed"), "{named}");
    // Of a small heap in a large process.
    let outside = run_with(&["tune", "--format", "json", "-"], log_of(50).as_bytes()).stdout;
    let json: Value = serde_json::from_str(&outside).unwrap();
    assert_eq!(json["files"][0]["runs"][0]["refused"], "outside", "{outside}");
}
