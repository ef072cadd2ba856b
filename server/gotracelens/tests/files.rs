//! Parts of logs, and logs in several files: `--run`, `--from`, `--to`, `--join`, `extract` and `strip`.

#![expect(clippy::unwrap_used, reason = "in helpers as in tests: a test that cannot go on has failed")]

mod program;

use std::fs;
use std::path::Path;

use expect_test::expect;
use serde_json::Value;

use program::*;

/// Two lives of one process, application lines between them, and an item torn by one.
const LOG: &str = "\
starting
SCHED 0ms: gomaxprocs=4 idleprocs=0 threads=7 spinningthreads=0 idlethreads=1 runqueue=12 [3 0 4 1]
gc 1 @0.031s 4%: 0.022+0.27+0.040 ms clock, 0.18+0.10/0.41/0.066+0.32 ms cpu, 4->4->0 MB, 5 MB goal, 8 P
hello
gc 2 @1.045s 3%: 0.10+1.0+10 ms clock, 0.80+0/INFO torn
0.41/0.90+80 ms cpu, 4->4->1 MB, 5 MB goal, 8 P
gc 3 @2.045s 3%: 0.10+1.0+10 ms clock, 0.80+0/0.41/0.90+80 ms cpu, 4->4->1 MB, 5 MB goal, 8 P
shutting down
gc 1 @0.020s 4%: 0.022+0.27+0.040 ms clock, 0.18+0.10/0.41/0.066+0.32 ms cpu, 4->4->0 MB, 5 MB goal, 8 P
gc 2 @1.020s 4%: 0.022+0.27+0.040 ms clock, 0.18+0.10/0.41/0.066+0.32 ms cpu, 4->4->0 MB, 5 MB goal, 8 P
";

/// Line numbers that a verb writes about [`LOG`].
fn lines_of(args: &[&str]) -> Vec<usize> {
    let ran = run_with(&[&["extract", "-n"], args, &["-"]].concat(), LOG.as_bytes());
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""), "{args:?}");
    let extracted: Vec<usize> =
        ran.stdout.lines().map(|line| line.split_once(':').unwrap().0.parse().unwrap()).collect();
    let parsed = run_with(&[&["parse"], args, &["-"]].concat(), LOG.as_bytes()).stdout;
    let parsed: Vec<Value> = parsed.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let parsed = parsed.iter().filter(|line| line["items"] != serde_json::json!([]));
    assert_eq!(extracted, parsed.map(|line| line["line"].as_u64().unwrap() as usize).collect::<Vec<_>>(), "{args:?}");
    extracted
}

#[test]
fn runs_times_and_cycles_are_selected_alike_by_parse_and_extract() {
    assert_eq!(lines_of(&[]), [2, 3, 5, 6, 7, 9, 10]);
    assert_eq!(lines_of(&["--run", "2"]), [9, 10]);
    assert_eq!(lines_of(&["--run", "1", "--run", "2"]), [2, 3, 5, 6, 7, 9, 10]);
    assert_eq!(lines_of(&["--from", "1s"]), [5, 6, 7, 10], "in each run");
    assert_eq!(lines_of(&["--from", "gc2", "--to", "1.5s"]), [5, 6, 10], "a torn item with all its pieces");
    assert_eq!(lines_of(&["--to", "gc1"]), [2, 3, 9]);
    assert_eq!(lines_of(&["--family", "sched", "--to", "0s"]), [2]);
    assert_eq!(lines_of(&["--run", "1", "--from", "gc3"]), [7]);
}

#[test]
fn what_cannot_be_selected_is_said() {
    refuses(
        &["extract", "--run", "3", "-"],
        LOG,
        expect![[r#"
            error: select from "-": there is no run 3; runs in it: 2
        "#]],
    );
    refuses(
        &["parse", "--from", "2s", "--to", "1s", "-"],
        LOG,
        expect![[r#"
            error: nothing is from 2s to 1s: the end comes before the start
        "#]],
    );
    refuses(
        &["summary", "--from", "412", "-"],
        LOG,
        expect![[r#"
            error: invalid value '412' for '--from <WHEN>': no unit: 412s is a time, gc412 a cycle

            For more information, try '--help'.
        "#]],
    );
    let old = "gc1(1): 0+0+0 ms, 0 -> 0 MB 16 -> 20 (21-1) objects, 0(0) handoff, 0(0) steal, 0/0/0 yields\n";
    let ran = run_with(&["extract", "--from", "1s", "-"], old.as_bytes());
    assert_eq!((ran.code, ran.stdout.as_str()), (0, ""));
    assert_eq!(ran.stderr, "note: run 1 of \"-\" prints no time: nothing of it is selected\n");
    assert_eq!(run_with(&["extract", "--from", "gc1", "-"], old.as_bytes()).stdout, old);
}

#[test]
fn a_summary_of_a_part_says_so_and_has_its_numbers_alone() {
    check(
        &["summary", "--run", "1", "--from", "gc2", "-"],
        LOG,
        expect![[r#"
            -: Mark termination stopped the world for 10 ms; 2 of 2 cycles had 10 ms or more; it may be the machine's · GC301
              selected: run 1, from gc2; all numbers are of that alone

              run 1, lines 5 to 7, 2 of its 4 trace lines, Go 1.6 – 1.17
                GC cycles       2, gc 2 to gc 3
                time            1 s, from 1.04 s to 2.04 s
                GC CPU          1 % of all processor time
                GC CPU printed  3 % since the start
                pauses          p50 10.1 ms, p99 10.1 ms, max 10.1 ms
                live heap       1 MB
                peak heap       4 MB
                last goal       5 MB
                allocation      3.03 MB/s, median over cycles
                GOMAXPROCS      8  (line 5)
                GOGC            unknown: there are too few gc lines
                memory limit    none: it came with Go 1.19
                GODEBUG         gctrace=1 or more  (line 5)
                info[GC301] line 5: Mark termination stopped the world for 10 ms; 2 of 2 cycles had 10 ms or more; it may be the machine's.
                not enough data: GC101 needs 40 cycles and 30 s, has 2 and 1 s; GC107 needs 10 cycles, 60 s and 3 cycles in the second half, has 2, 1 s and 1

              to know more: 40 cycles and 30 s of one process with GODEBUG=gctrace=1

        "#]],
    );
    check(
        &["summary", "--from", "5s", "-"],
        LOG,
        expect![[r#"
            -: no trace line is selected

        "#]],
    );
}

/// Every number of a part is the number that the part has as a log of its own.
#[test]
fn a_summary_of_a_part_is_that_of_its_lines() {
    for (log, selection) in [
        ("long/1.21.13-goroutine_leak-p4-s9324.log", &["--from", "5s", "--to", "gc19"][..]),
        ("long/1.10.8-heapleak_slow-p4-s9790.log", &["--from", "gc20", "--to", "30s"]),
        ("wrapped/rotated-mixed2-1.9.7-web.log.1", &["--from", "1s", "--to", "2.5s"]),
        ("wrapped/rotated-mixed2-1.9.7-web.log.1", &["--from", "1s", "--family", "sched"]),
        ("wrapped/journald-restart-sched3-1.17.6-goroutine_leak.log", &["--run", "2"]),
    ] {
        let log = corpus(log);
        let summary = |args: &[&str], stdin: &[u8]| -> Value {
            let ran = run_with(&[&["summary", "--format", "json"], args].concat(), stdin);
            assert_eq!((ran.code, ran.stderr.as_str()), (0, ""), "{args:?}");
            serde_json::from_str(&ran.stdout).unwrap()
        };
        let part = summary(&[selection, &[log.as_str()]].concat(), b"");
        let (_, lines, _) = output(&[&["extract"], selection, &[log.as_str()]].concat(), b"");
        let alone = summary(&["-"], &lines);
        let numbers = |summary: &Value| {
            let runs = summary["files"][0]["runs"].as_array().unwrap().clone();
            runs.iter().map(|run| [run["gc"].clone(), run["sched"].clone(), run["items"].clone()]).collect::<Vec<_>>()
        };
        assert_eq!(numbers(&part), numbers(&alone), "{log} {selection:?}");
        let whole = summary(&[log.as_str()], b"");
        assert_ne!(numbers(&part), numbers(&whole), "{log} {selection:?}");
        assert!(whole["selection"].is_null() && part["selection"].is_object());
    }
}

#[test]
fn check_looks_at_the_selected_part_alone() {
    let args = ["check", "--show", "hint", "--format", "json"];
    let codes = |selection: &[&str]| {
        let ran = run_with(&[&args, selection, &["-"]].concat(), LOG.as_bytes());
        let value: Value = serde_json::from_str(&ran.stdout).unwrap();
        let findings = value["files"][0]["findings"].as_array().unwrap().clone();
        findings
            .iter()
            .map(|found| format!("{} {}", found["code"].as_str().unwrap(), found["line"]))
            .collect::<Vec<_>>()
    };
    let all = codes(&[]);
    assert!(all.contains(&"LG101 9".to_owned()) && all.contains(&"LG105 5".to_owned()), "{all:?}");
    let second = codes(&["--run", "2"]);
    assert!(!second.iter().any(|found| found.starts_with("LG10")), "{second:?}");
    let part = codes(&["--from", "gc2", "--to", "gc2"]);
    assert!(part.contains(&"LG105 5".to_owned()), "{part:?}");
    assert!(
        !part.iter().any(|found| found.starts_with("LG101")),
        "the start of the second life is not in it: {part:?}"
    );
}

#[test]
fn extract_and_strip_write_lines_as_they_stand() {
    check(
        &["strip", "-"],
        LOG,
        expect![[r#"
        starting
        hello
        shutting down
    "#]],
    );
    let crlf = "a\r\n\x1b[31mgc 1 @0.031s 4%: 0.022+0.27+0.040 ms clock, 0.18+0.10/0.41/0.066+0.32 ms cpu, 4->4->0 MB, 5 MB goal, 8 P\x1b[0m\r\n\tb";
    let lines: Vec<&str> = crlf.split_inclusive('\n').collect();
    assert_eq!(run_with(&["extract", "-"], crlf.as_bytes()).stdout, lines[1]);
    assert_eq!(run_with(&["strip", "-"], crlf.as_bytes()).stdout, [lines[0], lines[2]].concat());
    let folder = tempfile::tempdir().unwrap();
    let packed = write(folder.path(), "a.gz", &gzip(crlf.as_bytes()));
    let text = write(folder.path(), "b", b"c");
    let both = run(&["strip", "-n", &packed, &text]).stdout;
    assert_eq!(both, format!("{packed}:1:a\r\n{packed}:3:\tb\n{text}:1:c"), "files do not run into each other");
}

#[test]
fn bare_output_has_no_carriers_and_torn_items_are_put_together() {
    let items: Vec<String> = LOG.lines().map(str::to_owned).collect();
    let torn = format!("{}{}", items[4].strip_suffix("INFO torn").unwrap(), items[5]);
    let expected = [&items[1], &items[2], &torn, &items[6], &items[8], &items[9]];
    let carried: String =
        LOG.lines().map(|line| format!("web-1  | 2024-01-02T15:04:05.123456789Z stderr F {line}\n")).collect();
    for log in [LOG, &carried] {
        let bare = run_with(&["extract", "--bare", "-"], log.as_bytes()).stdout;
        assert_eq!(bare.lines().collect::<Vec<_>>(), expected);
        let rest = run_with(&["strip", "--bare", "-n", "-"], log.as_bytes()).stdout;
        assert_eq!(rest, "1:starting\n4:hello\n5:INFO torn\n8:shutting down\n");
    }
}

/// The files of a rotated log in the corpus, older part first.
fn rotated() -> Vec<[String; 2]> {
    let names = fs::read_dir(corpus("wrapped")).unwrap().map(|file| file.unwrap().path().to_str().unwrap().to_owned());
    let older = names.filter(|name| name.ends_with(".log.1"));
    older.map(|older| [older.clone(), older.strip_suffix(".1").unwrap().to_owned()]).collect()
}

#[test]
fn joined_files_are_read_as_the_log_they_were() {
    let sets = rotated();
    assert!(sets.len() >= 4, "the corpus has rotated logs");
    let folder = tempfile::tempdir().unwrap();
    for [older, newer] in &sets {
        let parts = [older, newer].map(|path| fs::read(path).unwrap());
        let whole = write(folder.path(), "whole.log", &parts.concat());
        let n_older = parts[0].iter().filter(|byte| **byte == b'\n').count();
        // Only what says where a line stands differs.
        let at = |line: usize| if line <= n_older + 1 { (older, line) } else { (newer, line - n_older) };
        let expected: Vec<Value> = run(&["parse", &whole])
            .stdout
            .lines()
            .map(|line| {
                let mut line: Value = serde_json::from_str(line).unwrap();
                let (file, number) = at(line["line"].as_u64().unwrap() as usize);
                (line["file"], line["line"]) = (file.as_str().into(), number.into());
                for item in line["items"].as_array_mut().unwrap() {
                    if let Some(head) = item["head_line"].as_u64() {
                        let (head_file, head) = at(head as usize);
                        item["head_line"] = head.into();
                        if head_file != file {
                            item["head_file"] = head_file.as_str().into();
                        }
                    }
                }
                line
            })
            .collect();
        let packed =
            write(folder.path(), &format!("{}.gz", Path::new(older).file_name().unwrap().display()), &gzip(&parts[0]));
        for files in [[newer, older], [older, newer], [newer, &packed]] {
            let ran = run(&["parse", "--join", files[0], files[1]]);
            assert_eq!((ran.code, ran.stderr.as_str()), (0, ""));
            let found: Vec<Value> =
                ran.stdout.replace(&packed, older).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
            assert_eq!(found, expected);
            let summary = |args: &[&str]| -> Value {
                serde_json::from_str(&run(&[&["summary", "--format", "json"], args].concat()).stdout).unwrap()
            };
            let (joined, whole) = (summary(&["--join", files[0], files[1]]), summary(&[&whole]));
            let numbers = |summary: &Value| {
                let file = &summary["files"][0];
                let runs = file["runs"].as_array().unwrap().iter();
                (file["lines"].clone(), runs.map(|run| [run["gc"].clone(), run["sched"].clone()]).collect::<Vec<_>>())
            };
            assert_eq!(numbers(&joined), numbers(&whole));
            let (_, extracted, _) = output(&["extract", "--join", files[0], files[1]], b"");
            assert_eq!(extracted, output(&["extract", whole["files"][0]["path"].as_str().unwrap()], b"").1);
        }
    }
}

#[test]
fn a_joined_log_tells_places_in_its_files() {
    let folder = tempfile::tempdir().unwrap();
    let (older, newer) = LOG.split_at(LOG.find("0.41/0.90+80 ms cpu, 4->4->1 MB, 5 MB goal, 8 P\ngc 3").unwrap());
    let older = write(folder.path(), "app.log.1", older.as_bytes());
    let newer = write(folder.path(), "app.log", newer.as_bytes());
    let text = |args: &[&str]| {
        let ran = run(&[args, &["--join", &newer, &older]].concat());
        assert_eq!((ran.code, ran.stderr.as_str()), (0, ""));
        ran.stdout.replace(folder.path().to_str().unwrap(), "DIR")
    };
    expect![[r#"
        DIR/app.log.1 + DIR/app.log: 2 runs · Mark termination stopped the world for 10 ms (median 10 ms); it may be the machine's · GC301 (+1 more)

          run 1, DIR/app.log.1:2 to DIR/app.log:2, Go 1.6 – 1.17
            GC cycles       3, gc 1 to gc 3
            time            2.01 s, from 0.031 s to 2.04 s
            GC CPU          0.5 % of all processor time
            GC CPU printed  3 % since the start
            pauses          p50 10.1 ms, p99 10.1 ms, max 10.1 ms
            live heap       0 → 1 MB, between 0 and 1 MB  ▁██
            peak heap       4 MB
            last goal       5 MB
            allocation      3.49 MB/s, median over cycles
            sched samples   1
            time            at 0 s
            busy            100 % of the Ps, mean over samples
            runnable        p50 20, p99 20, max 20
            threads         7 → 7
            GOMAXPROCS      4 → 8  (DIR/app.log.1:2, DIR/app.log.1:3)
            GOGC            unknown: there are too few gc lines
            memory limit    none: it came with Go 1.19
            GODEBUG         gctrace=1 or more  (DIR/app.log.1:3)
            GODEBUG         schedtrace=1 or more  (DIR/app.log.1:2)
            info[GC301] DIR/app.log.1:5: Mark termination stopped the world for 10 ms (median 10 ms); 2 of 3 cycles had 10 ms or more; it may be the machine's.
            not enough data: GC101 needs 40 cycles and 30 s, has 3 and 2.01 s; GC107 needs 10 cycles, 60 s and 3 cycles in the second half, has 3, 2.01 s and 2

          run 2, DIR/app.log:4 to DIR/app.log:5, Go 1.6 – 1.17
            GC cycles       2, gc 1 to gc 2
            time            1 s, from 0.02 s to 1.02 s
            GC CPU          0.01 % of all processor time
            GC CPU printed  4 % since the start
            pauses          p50 0.062 ms, p99 0.062 ms, max 0.062 ms
            live heap       0 MB
            peak heap       4 MB
            last goal       5 MB
            allocation      4 MB/s, median over cycles
            GOMAXPROCS      8  (DIR/app.log:4)
            GOGC            unknown: there are too few gc lines
            memory limit    none: it came with Go 1.19
            GODEBUG         gctrace=1 or more  (DIR/app.log:4)
            info[LG101] DIR/app.log:4: New process run starts here (gc 3 @2.045s, then gc 1 @0.020s).
            not enough data: GC101 needs 40 cycles and 30 s, has 2 and 1 s; GC107 needs 10 cycles, 60 s and 3 cycles in the second half, has 2, 1 s and 1

          to know more: 40 cycles and 30 s of one process with GODEBUG=gctrace=1; 10 samples with GODEBUG=schedtrace=1000,scheddetail=1

    "#]].assert_eq(&text(&["summary"]));
    expect![[r#"
        hint[LG105]: 1 line is torn by other output, and put together again.
         --> DIR/app.log.1:5:1
          |
        5 | gc 2 @1.045s 3%: 0.10+1.0+10 ms clock, 0.80+0/INFO torn
          | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
          |
         ::: DIR/app.log:1:1
          |
        1 | 0.41/0.90+80 ms cpu, 4->4->1 MB, 5 MB goal, 8 P
          | ----------------------------------------------- the rest is here
          |
          = note: torn-line, see `gotracelens explain LG105`

        info[GC301]: Mark termination stopped the world for 10 ms (median 10 ms); 2 of 3 cycles had 10 ms or more; it may be the machine's.
         --> DIR/app.log.1:5:27
          |
        5 | gc 2 @1.045s 3%: 0.10+1.0+10 ms clock, 0.80+0/INFO torn
          |                           ^^
          |
         ::: DIR/app.log:2:27
          |
        2 | gc 3 @2.045s 3%: 0.10+1.0+10 ms clock, 0.80+0/0.41/0.90+80 ms cpu, 4->4->1 MB, 5 MB goal, 8 P
          |                           -- as bad: mark termination 10 ms in gc 3 @2.045s
          |
          = note: stw-long, see `gotracelens explain GC301`

        hint[GC301]: A phase of a collection stopped the world for long here too; the worst is on DIR/app.log.1:5
         --> DIR/app.log:2:27
          |
        2 | gc 3 @2.045s 3%: 0.10+1.0+10 ms clock, 0.80+0/0.41/0.90+80 ms cpu, 4->4->1 MB, 5 MB goal, 8 P
          |                           ^^
          |
         ::: DIR/app.log.1:5:27
          |
        5 | gc 2 @1.045s 3%: 0.10+1.0+10 ms clock, 0.80+0/INFO torn
          |                           -- Mark termination stopped the world for 10 ms (median 10 ms); 2 of 3 cycles had 10 ms or more; it may be the machine's.
          |
          = note: stw-long, see `gotracelens explain GC301`

        info[LG101]: New process run starts here (gc 3 @2.045s, then gc 1 @0.020s).
         --> DIR/app.log:4:4
          |
        4 | gc 1 @0.020s 4%: 0.022+0.27+0.040 ms clock, 0.18+0.10/0.41/0.066+0.32 ms cpu, 4->4->0 MB, 5 MB goal, 8 P
          |    ^
          |
         ::: DIR/app.log:2:1
          |
        2 | gc 3 @2.045s 3%: 0.10+1.0+10 ms clock, 0.80+0/0.41/0.90+80 ms cpu, 4->4->1 MB, 5 MB goal, 8 P
          | ---- the run before ends here
          |
          = note: restart-in-log, see `gotracelens explain LG101`

        2 infos, 2 hints in 2 files
        for the numbers behind a finding, try `gotracelens explain GC301 --file FILE`
    "#]].assert_eq(&text(&["check", "--show", "hint"]));
    let found: Value = serde_json::from_str(&text(&["check", "--show", "hint", "--format", "json"])).unwrap();
    let file = &found["files"][0];
    assert_eq!(file["path"], "DIR/app.log.1 + DIR/app.log");
    assert_eq!(file["joined"], serde_json::json!(["DIR/app.log.1", "DIR/app.log"]));
    let restart = file["findings"].as_array().unwrap().iter().find(|found| found["code"] == "LG101").unwrap();
    assert_eq!((&restart["file"], &restart["line"], &restart["col"]), (&"DIR/app.log".into(), &4.into(), &4.into()));
}

#[test]
fn a_part_that_cannot_be_read_does_not_hide_the_others() {
    let folder = tempfile::tempdir().unwrap();
    let missing = folder.path().join("app.log.3").to_str().unwrap().to_owned();
    let cycles = |range: std::ops::Range<u64>| -> String {
        range.map(|n| format!("gc {n} @{n}.000s 4%: 0.022+0.27+0.040 ms clock, 0.18+0.10/0.41/0.066+0.32 ms cpu, 4->4->0 MB, 5 MB goal, 8 P\n")).collect()
    };
    let packed = gzip(cycles(1..2000).as_bytes());
    let cut = write(folder.path(), "app.log.2.gz", &packed[..packed.len() - 100]);
    let rest = write(folder.path(), "app.log.1", cycles(2000..2010).as_bytes());
    for verb in ["parse", "summary", "check", "extract"] {
        let ran = run(&[verb, "--join", &rest, &missing, &cut]);
        assert_eq!(ran.code, 2, "{verb}");
        let complaints: Vec<&str> = ran.stderr.lines().collect();
        assert!(complaints[0].starts_with(&format!("error: open \"{missing}\": ")), "{}", ran.stderr);
        assert!(complaints[1].starts_with(&format!("error: unpack \"{cut}\" (gzip): ")), "{}", ran.stderr);
        assert_eq!(complaints.len(), 2);
        match verb {
            "extract" => assert!(ran.stdout.contains("gc 1 ") && ran.stdout.contains("\ngc 2000 ")),
            "summary" => assert!(ran.stdout.contains("gc 1 to gc 2009"), "{}", ran.stdout),
            _ => {}
        }
    }
}

#[test]
fn contents_that_contradict_names_decide_and_the_user_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let lines: Vec<&str> = LOG.split_inclusive('\n').collect();
    let second = write(folder.path(), "app.log.1", lines[4..7].concat().as_bytes());
    let first = write(folder.path(), "app.log", lines[..4].concat().as_bytes());
    let ran = run(&["extract", "--join", &first, &second]);
    assert_eq!(ran.code, 0);
    assert_eq!(ran.stdout, [lines[1], lines[2], lines[4], lines[5], lines[6]].concat());
    assert_eq!(
        ran.stderr,
        format!("note: files are read in the order in which their cycles and samples go on: {first} and {second}\n")
    );
}
