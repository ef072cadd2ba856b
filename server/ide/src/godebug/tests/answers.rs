//! Completion and hover for every setting, and answers about any text.

use expect_test::expect;
use proptest::prelude::*;
use tracelog::{LineCol, Loc, Text};

use crate::godebug::{CompletionKind, FileKind, SETTINGS, completions, find, hover, problems};

const KINDS: [FileKind; 9] = [
    FileKind::Dotenv,
    FileKind::Dockerfile,
    FileKind::Yaml,
    FileKind::Shell,
    FileKind::Makefile,
    FileKind::Systemd,
    FileKind::Go,
    FileKind::GoTest,
    FileKind::GoMod,
];

/// Every setting, at the place where it belongs.
#[test]
fn every_setting_completes_and_hovers() {
    for setting in &SETTINGS {
        let (kind, before) = match setting.in_environment() {
            true => (FileKind::Dotenv, "GODEBUG="),
            false => (FileKind::GoMod, "godebug "),
        };
        let text = Text::new(&format!("{before}x"));
        let at = LineCol { line: 0, byte: before.len() as u32 };
        let names = completions(&text, kind, at);
        let offered = names.iter().find(|completion| completion.label == setting.key);
        assert_eq!(offered.is_some(), setting.removed.is_none(), "{}", setting.key);
        if let Some(completion) = offered {
            assert_eq!(completion.kind, CompletionKind::Setting);
            assert_eq!(completion.insert, format!("{}={}", setting.key, setting.offered()));
            // What is offered is right.
            let file = format!("{before}{}", completion.insert);
            assert_eq!(problems(&Text::new(&file), kind), [], "{file}");
        }
        let file = format!("{before}{}=", setting.key);
        let text = Text::new(&file);
        let at = LineCol { line: 0, byte: file.len() as u32 };
        let values: Vec<_> = completions(&text, kind, at).into_iter().map(|completion| completion.label).collect();
        let known: Vec<_> = setting.values.iter().map(|value| value.value).collect();
        assert_eq!(values, known, "{}", setting.key);
        let shown = hover(&text, kind, LineCol { line: 0, byte: before.len() as u32 + 1 }).unwrap();
        assert_eq!(shown.loc, Loc::new(0, before.len() as u32, file.len() as u32));
        assert!(shown.markdown.contains(&crate::markup::escape(setting.meaning)), "{}", shown.markdown);
        assert!(shown.markdown.contains(&format!("1.{}", setting.since)), "{}", shown.markdown);
    }
}

/// Values that are offered are read, and removed settings are told apart from those.
#[test]
fn every_value_is_right_and_every_removed_setting_is_told() {
    for setting in SETTINGS.iter().filter(|setting| setting.in_environment()) {
        for value in setting.values {
            let file = format!("GODEBUG={}={}", setting.key, value.value);
            let codes: Vec<_> =
                problems(&Text::new(&file), FileKind::Dotenv).iter().map(|problem| problem.code.id()).collect();
            let expected: &[&str] = if setting.removed.is_some() { &["GD102"] } else { &[] };
            assert_eq!(codes, expected, "{file}");
        }
    }
}

#[test]
fn completion_offers_what_is_not_set_yet() {
    let complete = |file: &str| {
        let at = file.find("$0").unwrap();
        let file = file.replacen("$0", "", 1);
        let list = completions(&Text::new(&file), FileKind::Dotenv, LineCol { line: 0, byte: at as u32 });
        list.into_iter().map(|c| (c.label, c.insert, (c.replace.start, c.replace.end))).collect::<Vec<_>>()
    };
    let has = |file: &str, label: &str| complete(file).iter().any(|(found, ..)| *found == label);
    assert!(!has("GODEBUG=gctrace=1,$0", "gctrace") && has("GODEBUG=gctrace=1,$0", "schedtrace"));
    // The setting that is being edited may be replaced; its value stays.
    assert!(complete("GODEBUG=gct$0race=1,x=1").contains(&("gctrace", "gctrace".to_owned(), (8, 15))));
    assert!(complete("GODEBUG=gct$0").contains(&("gctrace", "gctrace=1".to_owned(), (8, 11))));
    assert!(complete("GODEBUG=\"a=1, gc$0\"").contains(&("gctrace", "gctrace=1".to_owned(), (14, 16))));
    let levels = complete("GODEBUG=gctrace=$0,x=1");
    assert_eq!(levels.first(), Some(&("0", "0".to_owned(), (16, 16))));
    assert!(complete("GOTRACEBACK=cr$0").contains(&("crash", "crash".to_owned(), (12, 14))));
    for nothing in
        ["$0GODEBUG=x", "OTHER=$0", "GODEBUG=gctraec=$0", "GODEBUG=${X:-gc$0}", "GODEBUG=gctrace=$X$0", "# GODEBUG=$0"]
    {
        assert_eq!(complete(nothing), [], "{nothing}");
    }
}

#[test]
fn hover_says_what_is_written_and_what_else_could_be() {
    let shown = |file: &str, kind: FileKind| {
        let at = file.find("$0").unwrap();
        let line = file[..at].matches('\n').count() as u32;
        let byte = (at - file[..at].rfind('\n').map_or(0, |end| end + 1)) as u32;
        hover(&Text::new(&file.replacen("$0", "", 1)), kind, LineCol { line, byte }).map(|hover| hover.markdown)
    };
    expect![[r#"
        **gctrace**: `1`

        One line a cycle.

        Prints one line to standard error for every garbage collection.

        - **0 (default):** No lines.
        - **2:** Go 1.25 and later: scan statistics behind each line. Go 1.2 to 1.11: every collection marks twice.

        *Cost:* One line a cycle. Programs that collect hundreds of times a second write a lot of them.

        gotracelens reads its lines: [Garbage collection](page:gc); [Periodic collection](page:gc_forced); [Scan statistics](page:scan); [Scavenger, Go 1.0 to 1.13](page:scvg)

        Go 1.2 and later · runtime/runtime1.go dbgvars, 1.5-; runtime/mgc.go gcMarkTermination, 1.5-; runtime/runtime.c dbgvar, 1.2-1.4"#]].assert_eq(&shown("GODEBUG=gctr$0ace=1", FileKind::Dotenv).unwrap());
    expect![[r#"
        **asynctimerchan**: `1`

        Channels of timers have a buffer of one, as before Go 1.23.

        Whether the channels of timers and tickers keep a stale tick after Stop or Reset.

        - **0 (default):** Channels of timers are synchronous.
        - **2:** As 1, made on top of the timers of Go 1.23, to look for faults in them.

        *Default:* 0; 1 in modules whose go line is older than 1.23.

        *Stops:* programs and builds of Go 1.27 and later, when the value is 1 or 2.

        Go 1.23 to 1.26, removed in 1.27 · also in //go:debug lines and go.mod · internal/godebugs/table.go All, 1.23-1.26; Removed, 1.27-; time/sleep.go syncTimer, 1.23-1.26"#]].assert_eq(&shown("//go:debug asynctimerchan=$01\npackage main\n", FileKind::Go).unwrap());
    expect![[r#"
        **GOMEMLIMIT**

        Soft limit of the memory that the Go runtime uses: the collector works harder near it. A whole number of bytes, or one with B, KiB, MiB, GiB or TiB right behind it. Any other value stops the program at start.

        - **512MiB:** 512 times 1,048,576 bytes.
        - **1GiB:** 1,073,741,824 bytes.
        - **4GiB:** Four times 1,073,741,824 bytes.
        - **off (default):** No limit.

        runtime/mgcpacer.go readGOMEMLIMIT, 1.19-; runtime/string.go parseByteCount, 1.19-"#]].assert_eq(&shown("- name: GOMEM$0LIMIT\n  value: 512Mi\n", FileKind::Yaml).unwrap());
    expect![[r#"
        No Go release knows this setting. Did you mean gctrace?

        Prints one line to standard error for every garbage collection."#]]
    .assert_eq(&shown("GODEBUG=gctr$0aec=1", FileKind::Dotenv).unwrap());
    expect![[r#"
        **cpu.avx2**: `off`

        The feature is not used.

        Switches off optional instructions: cpu.all for all of them, cpu.avx2, cpu.sse41 and so on for one. The runtime prints a line about a feature or value that it does not know.

        - **on (default):** The feature is used where the CPU has it.

        Go 1.12 and later · internal/cpu/cpu.go processOptions, 1.12-"#]].assert_eq(&shown("GODEBUG=cpu.av$0x2=off", FileKind::Dotenv).unwrap());
    assert_eq!(shown("GODEBUG=myown$0=1", FileKind::Dotenv), None);
    // What a file says is shown as it is written.
    let evil = shown("GODEBUG=gctrace$0=`[x](command:y)<img>", FileKind::Dotenv).unwrap();
    assert!(evil.starts_with("**gctrace**: `\u{fffd}[x](command:y)<img>`\n"), "{evil}");
}

/// Pieces of which random files are made: what files of all kinds are written with, and what breaks readers.
fn file() -> impl Strategy<Value = String> {
    let pieces = vec![
        "GODEBUG",
        "GOGC",
        "GOMEMLIMIT",
        "=",
        "gctrace=1",
        "x509ignoreCN",
        ",",
        ":",
        "- ",
        "name: ",
        "value: ",
        "\n",
        "\n",
        "  ",
        "\t",
        "\"",
        "'",
        "`",
        "\\",
        "\\\n",
        "$",
        "${",
        "}",
        "{{",
        "}}",
        "$(",
        ")",
        "<<EOF\n",
        "EOF\n",
        "#",
        "//go:debug ",
        "package main\n",
        "godebug (",
        "ENV ",
        "RUN ",
        "CMD [",
        "]",
        "|",
        ">",
        "{",
        "[",
        "%",
        "run: ",
        "Environment=",
        "export ",
        "--env=",
        "-",
        "é",
        "\u{1d54f}",
        "\u{202e}",
        "\r",
        "+",
        "/*",
        "*/",
        "ONBUILD ",
        "---",
    ];
    let piece = prop_oneof![8 => prop::sample::select(pieces).prop_map(str::to_owned), 1 => "\\PC{0,3}"];
    prop::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn any_text_is_read_and_every_place_lies_in_it(file in file(), at in 0usize..200) {
        let text = Text::new(&file);
        let inside = |loc: Loc| {
            assert!(loc.line < text.n_lines());
            let line = text.line(loc.line);
            assert!(line.get(loc.start as usize..loc.end as usize).is_some(), "{loc:?} {line:?}");
        };
        for kind in KINDS {
            for assignment in find::assignments(&text, kind) {
                inside(assignment.name);
                inside(assignment.value);
            }
            for problem in problems(&text, kind) {
                inside(problem.loc);
            }
            let line = (at as u32) % text.n_lines();
            let at = LineCol { line, byte: (at % (text.line(line).len() + 1)) as u32 };
            for completion in completions(&text, kind, at) {
                inside(completion.replace);
            }
            if let Some(hover) = hover(&text, kind, at) {
                inside(hover.loc);
            }
        }
    }
}
