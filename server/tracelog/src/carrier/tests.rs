//! Real prefixes, peeled.

use super::*;
use proptest::prelude::*;

const GC: &str =
    "gc 1 @0.050s 0%: 0.013+0.40+0.017 ms clock, 0.027+0.12/0.077/0+0.035 ms cpu, 4->4->0 MB, 5 MB goal, 4 P";

#[track_caller]
fn check(line: &str, layers: &[Carrier], source: &str) {
    let peeled = peel(line.as_bytes());
    assert_eq!(String::from_utf8_lossy(&peeled.content), GC, "content of {line}");
    assert_eq!(peeled.layers, layers, "layers of {line}");
    assert_eq!(&line[peeled.source.clone()], source, "source of {line}");
}

#[test]
fn peels_each_carrier() {
    use Carrier::*;
    check(&format!("web_1    | {GC}"), &[Compose], "web_1");
    check(&format!("[pod/api-867fa82dc-2gbgr/app] {GC}"), &[KubectlPrefix], "[pod/api-867fa82dc-2gbgr/app]");
    check(&format!("2025-01-23T10:25:22.050319161Z stderr F {GC}"), &[Cri], "");
    check(&format!("2024-02-25T17:04:27.017208152Z {GC}"), &[Timestamp], "");
    check(&format!("Jun 24 18:35:16 node-3 api[15609]: {GC}"), &[Syslog], "node-3 api[15609]");
    check(&format!("#12 3.456 {GC}"), &[Buildkit], "#12");
    check(&format!("Mar  4 04:13:23.185324 node-3 api[1143]: {GC}"), &[Syslog], "node-3 api[1143]");
    check(&format!("[86412.507220] node-3 api[7300]: {GC}"), &[Syslog], "node-3 api[7300]");
    check(&format!("2024-03-06T20:32:52+0000 node-3 api[54119]: {GC}"), &[Syslog], "node-3 api[54119]");
    check(&format!("<14>1 2024-09-28T21:01:31.501317Z node-3 api 3507 - - {GC}"), &[Syslog5424], "node-3 api 3507");
    check(&format!("2009/11/10 23:00:00.000000 main.go:23: {GC}"), &[StdLog], "");
    check(&format!("Jan 31 06:08:34 {GC}"), &[Timestamp], "");
    check(&format!("1711205933.007208 {GC}"), &[Timestamp], "");
    check(&format!("00:00:00.024282 {GC}"), &[Timestamp], "");
    check(&format!("\u{feff}{GC}"), &[Bom], "");
    check(&format!("time=2024-06-19T13:58:07.000Z level=INFO msg=\"{GC}\" stream=stderr"), &[Logfmt], "");
    check(&format!("2024-06-19T13:58:07.000Z\tINFO\texec/pipe.go:41\t{GC}"), &[ZapConsole], "");
}

#[test]
fn peels_two_layers() {
    use Carrier::*;
    check(&format!("[pod/api/app] 2024-10-15T15:16:31.000298862Z {GC}"), &[KubectlPrefix, Timestamp], "[pod/api/app]");
    check(&format!("05:08:20 worker.1 | {GC}"), &[Timestamp, Compose], "worker.1");
    check(&format!("2024-06-15T13:41:25.007257+00:00 app[web.1]: {GC}"), &[Timestamp, Syslog], "app[web.1]");
    check(
        &format!("\u{1b}[36mapi-1     | \u{1b}[0m{GC}"),
        &[Ansi, Compose],
        "api-1     | ".trim_end_matches([' ', '|']),
    );
}

#[test]
fn decodes_json_and_remembers_where_bytes_came_from() {
    let escaped = GC.replace('>', "\\u003e");
    let line =
        format!("{{\"log\":\"{escaped}\\n\",\"stream\":\"stderr\",\"time\":\"2024-09-19T17:19:42.463339541Z\"}}");
    let peeled = peel(line.as_bytes());
    assert_eq!(String::from_utf8_lossy(&peeled.content), GC);
    assert_eq!(peeled.layers, [Carrier::DockerJson]);
    let at = GC.find(">4").expect("an arrow");
    assert_eq!(&line[peeled.raw(at) as usize..peeled.raw(at + 1) as usize], "\\u003e");
    assert_eq!(&line[peeled.raw(at + 1) as usize..peeled.raw(at + 2) as usize], "4");
}

#[test]
fn finds_the_text_behind_other_keys() {
    let line = format!(
        "{{\"level\": \"info\", \"ts\": 1726325625.17, \"tags\": [\"a,}}\", {{\"b\": 1}}], \"msg\": \"{GC}\"}}"
    );
    assert_eq!(peel(line.as_bytes()).content.as_ref(), GC.as_bytes());
}

#[test]
fn blanks_that_fill_a_line_up_are_no_content() {
    for line in [format!("{GC}{}", " ".repeat(40)), format!("web_1    | {GC}{}", " ".repeat(4))] {
        assert_eq!(peel(line.as_bytes()).content.as_ref(), GC.as_bytes());
    }
    assert!(peel(&[b' '; 60]).content.is_empty());
    assert_eq!(peel(b"one blank ").content.as_ref(), b"one blank ");
}

#[test]
fn what_stands_in_front_of_the_end_of_a_program_is_an_unfinished_line() {
    for (line, content) in [
        ("Enter a number: panic: boom", "panic: boom"),
        ("0-53.4 1-0.0 Total: 53.4 MH/s  SIGABRT: abort", "SIGABRT: abort"),
        ("loading... fatal error: stack overflow", "fatal error: stack overflow"),
    ] {
        let peeled = peel(line.as_bytes());
        assert_eq!((peeled.layers.as_slice(), &*peeled.content), (&[Carrier::Unfinished][..], content.as_bytes()));
    }
    for line in ["[signal SIGSEGV: segmentation violation code=1 addr=8]", "SIGNAL: none", "panicking: no"] {
        assert!(peel(line.as_bytes()).layers.is_empty(), "{line}");
    }
}

#[test]
fn leaves_bare_trace_lines_alone() {
    for line in [GC, "SCHED 0ms: gomaxprocs=1 idleprocs=0", "scvg: inuse: 2, idle: 58", "gc7(2): 0+3+2 ms, 5 -> 5 MB"] {
        assert!(peel(line.as_bytes()).layers.is_empty(), "{line}");
    }
}

#[test]
fn a_trace_line_behind_a_time_stamp_is_no_host_and_unit() {
    for line in ["SCHED 0ms: gomaxprocs=1 idleprocs=0", "forced scvg: inuse: 2, idle: 58"] {
        let stamped = format!("2024-02-25T17:04:27.017208152Z {line}");
        let peeled = peel(stamped.as_bytes());
        assert_eq!(
            (peeled.layers.as_slice(), peeled.content.as_ref()),
            ([Carrier::Timestamp].as_slice(), line.as_bytes())
        );
    }
}

#[test]
fn memory_recognizes_the_same_prefix_with_other_digits_but_not_another_process() {
    let first = format!("Jun 24 18:35:16 node-3 api[15609]: {GC}");
    let mut memory = Memory::default();
    memory.learn(first.as_bytes(), &peel(first.as_bytes()));
    assert_eq!(memory.offset(first.replace("18:35:16", "18:35:59").as_bytes()), Some(35));
    assert_eq!(memory.offset(first.replace("15609", "15610").as_bytes()), None);
}

proptest! {
    #[test]
    fn every_content_byte_has_a_place_in_the_line(line in "[\\PC\\x1b\\t\"{}:\\\\,|]{0,60}") {
        let bytes = line.as_bytes();
        let peeled = peel(bytes);
        let places: Vec<_> = (0..=peeled.content.len()).map(|at| peeled.raw(at)).collect();
        prop_assert!(places.is_sorted());
        prop_assert!(places.last().is_none_or(|last| *last as usize <= bytes.len()));
    }
}

#[test]
fn a_logger_prefix_and_a_pid_are_peeled() {
    use Carrier::*;
    check(&format!("[api] 2009/11/10 23:00:00.000000 main.go:23: {GC}"), &[StdLog], "");
    check(&format!("[92723] {GC}"), &[Pid], "[92723]");
    for record in
        ["[0] kube.shop: [[1700000000.123456789, {}], {\"log\"=>\"", "[7] cpu.0: [1469562000.107895000, {\"log\"=>\""]
    {
        let line = format!("{record}{GC}\"}}]");
        let peeled = peel(line.as_bytes());
        assert!(peeled.source.is_empty(), "the number of a record is no process: {line}");
    }
}

#[test]
fn what_a_programs_own_logger_wrote_stays_whole_without_a_trace() {
    for (line, layers, text) in [
        ("2026/11/21 07:35:02 GET /healthz 200", &[][..], "2026/11/21 07:35:02 GET /healthz 200"),
        ("web-1  | 2026/11/21 07:35:02 GET /", &[Carrier::Compose][..], "2026/11/21 07:35:02 GET /"),
        ("{\"log\":\"level=info msg=x\\n\",\"stream\":\"stdout\"}", &[Carrier::DockerJson][..], "level=info msg=x"),
    ] {
        let peeled = peel(line.as_bytes());
        assert_eq!(peeled.as_foreign(), (layers, text.as_bytes()));
    }
}

#[test]
fn peels_more_collectors_and_loggers() {
    use Carrier::*;
    check(&format!("0|api  | 2024-03-09 15:40:21: {GC}"), &[Pm2, Timestamp], "0|api");
    check(&format!("17:37:07 web.1    | {GC}"), &[Timestamp, Compose], "web.1");
    check(&format!("api.1.x7k2@node-1    | {GC}"), &[Compose], "api.1.x7k2@node-1");
    check(&format!("MESSAGE={GC}"), &[JournalExport], "");
    check(&format!("build\tRun tests\t2024-01-17T02:56:46.0000000Z {GC}"), &[GithubRun, Timestamp], "");
    check(&format!("2024-01-17T02:56:46.000000Z 01E {GC}"), &[Gitlab], "");
    check(&format!("01-02 15:04:05.123  1234  5678 E GoLog   : {GC}"), &[Logcat], "1234");
    check(&format!("E/GoLog   ( 1234): {GC}"), &[Logcat], "1234");
    check(&format!("2024-01-02 15:04:05.123  1234-5678  GoLog   com.example   E  {GC}"), &[Logcat], "1234");
    check(&format!("2024-05-10T17:12:46Z {{app=\"api\", pod=\"api-1\"}} {GC}"), &[Timestamp, Loki], "api-1");
    check(&format!("I0102 15:04:05.000000    1234 pipe.go:23] {GC}"), &[Klog], "1234");
    check(&format!("INFO[0000] {GC}"), &[Level], "");
    check(&format!("2024-01-17T02:56:46Z INF pipe.go:41 > {GC}"), &[Timestamp, Level], "");
    check(&format!("2009/11/10 23:00:00 INFO {GC}"), &[StdLog, Level], "");
    check(&format!("    main_test.go:23: {GC}"), &[GoTest], "");
    check(&format!("Sat 2024-03-09 15:40:21 UTC node-3 api[7]: {GC}"), &[Syslog], "node-3 api[7]");
    check(&format!("1710753411.000436 node-3 api[7]: {GC}"), &[Syslog], "node-3 api[7]");
    check(&format!("83 <40>1 2012-11-30T06:45:29+00:00 host app web.3 - {GC}"), &[Syslog5424], "host app web.3");
    check(&format!("<14>1 2024-09-28T21:01:31Z h a 7 - [x@1 a=\"]\\\"\"][y@2] {GC}"), &[Syslog5424], "h a 7");
    check(&format!("\0\0\0{GC}"), &[Nul], "");
    check(&GC.replace('>', "&gt;"), &[Html], "");
    check(&GC.replace('>', "&amp;gt;"), &[Html, Html], "");
    check(&format!("<td><code>{}</code></td>", GC.replace('>', "&gt;")), &[Html, Html], "");
    check(&format!("Jan  2 15:04:05 h api[7]: #033[36m{GC}#033[0m"), &[Syslog, SyslogEscape, Ansi], "h api[7]");
}

#[test]
fn peels_marks_and_names_around_a_trace_line_only() {
    use Carrier::*;
    for (prefix, layers, source) in [
        ("// ", &[Comment][..], ""),
        ("# ", &[Comment], ""),
        ("> > ", &[Quote], ""),
        (">> ", &[Quote], ""),
        ("    ", &[Indent], ""),
        ("\t\t", &[Indent], ""),
        ("> web-1  | ", &[Quote, Compose], "web-1"),
        ("web-1  |     ", &[Compose, Indent], "web-1"),
        ("[api] ", &[Stream], "[api]"),
        ("app.log:12:", &[Grep], ""),
        ("logs/app.log:", &[Grep], ""),
        ("  12\t", &[Grep], ""),
        ("api-42e2e72fb-wd564 app ", &[Stream], "api-42e2e72fb-wd564 app"),
        ("2024-05-10T17:12:46.000301+00:00 ecs/api/4f1c9a ", &[Timestamp, Stream], "ecs/api/4f1c9a"),
    ] {
        check(&format!("{prefix}{GC}"), layers, source);
        let other = format!("{prefix}served /healthz in 3 ms");
        let plain: Vec<Carrier> = layers.iter().copied().filter(|layer| matches!(layer, Timestamp | Compose)).collect();
        let found = peel(other.as_bytes()).layers;
        assert!(found.is_empty() || plain.starts_with(&found), "{other}: {found:?}");
    }
    for line in [format!("\t\"{GC}\","), format!("'{GC}'"), format!("`{GC}`")] {
        assert_eq!(peel(line.as_bytes()).content.as_ref(), GC.as_bytes());
    }
}

/// What lines are once those before them are known.
fn peel_all(lines: &[&str]) -> Vec<String> {
    let mut context = Context::default();
    let mut contents = Vec::new();
    for line in lines {
        let peeled = peel_in(line.as_bytes(), &context);
        contents.push(String::from_utf8_lossy(&peeled.content).into_owned());
        if let Some(after) = context.after(&peeled) {
            context = after;
        }
    }
    contents
}

#[test]
fn marks_hold_until_the_first_line_without_them() {
    let frame = "\t/src/main.go:18 +0x44";
    let lines = [
        format!("// {GC}"),
        format!("// {frame}"),
        "//".to_owned(),
        "// main.main()".to_owned(),
        frame.to_owned(),
        "// x".to_owned(),
    ];
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    assert_eq!(peel_all(&lines), [GC, frame, "", "main.main()", frame, "// x"]);
}

#[test]
fn indentation_of_a_dump_stays_outside_of_an_indented_stretch() {
    for line in [
        "\t/src/main.go:18 +0x44",
        "  P0: status=1",
        "      /src/main.go:18 +0x44",
        "# runtime.MemStats",
        "#\t0x45 main.f+0x1",
    ] {
        assert_eq!(peel(line.as_bytes()).content.as_ref(), line.as_bytes());
        assert_eq!(peel_all(&[GC, line]), [GC, line]);
    }
}

#[test]
fn names_of_streams_hold_for_all_lines() {
    let first = format!("2024-05-10T17:12:46.000301+00:00 ecs/api/4f1c9a {GC}");
    let other = "2024-05-10T17:12:47.000301+00:00 ecs/api/4f1c9a main.main()";
    assert_eq!(peel_all(&[&first, "x", other]), [GC, "x", "main.main()"]);
    assert_eq!(peel_all(&[other]), ["ecs/api/4f1c9a main.main()"]);
}

#[test]
fn columns_of_csv_are_learned_from_the_heading_or_from_a_trace_line() {
    let text = "he said \"\"no\"\", twice";
    let row = format!("2024-10-03 08:45:32.001,\"{text}\",ecs/api");
    assert_eq!(peel_all(&["@timestamp,@message,@logStream", &row])[1], "he said \"no\", twice");
    let trace = format!("1723777109003,ecs,\"{GC}\"");
    assert_eq!(peel_all(&[&trace, "1723777109004,ecs,main.main()"]), [GC, "main.main()"]);
    assert_eq!(peel_all(&["1723777109004,ecs,main.main()"]), ["1723777109004,ecs,main.main()"]);
}

#[test]
fn reads_text_in_nested_cut_and_pretty_json() {
    let escaped = GC.replace('>', "\\u003e");
    for line in [
        format!("{{\"jsonPayload\":{{\"level\":\"info\",\"message\":\"{escaped}\"}},\"logName\":\"x\"}}"),
        format!("{{\"Time\":\"2024-01-02T15:04:05Z\",\"Action\":\"output\",\"Output\":\"{escaped}\\n\"}}"),
        format!("{{\"message\":\"line of the child\",\"text\":\"{escaped}\"}}"),
        format!("    \"textPayload\": \"{escaped}\","),
        format!("{{\"log\":\"{escaped}"),
        format!("{{\"MESSAGE\":{:?}}}", GC.as_bytes()),
    ] {
        assert_eq!(String::from_utf8_lossy(&peel(line.as_bytes()).content), GC, "{line}");
    }
}

#[test]
fn tells_when_a_line_was_written_and_where_that_stands() {
    for (line, stamp, known) in [
        (format!("2025-01-23T10:25:22.050319161Z stderr F {GC}"), "2025-01-23T10:25:22.050319161Z", (true, true)),
        (format!("Jun 24 18:35:16 node-3 api[15609]: {GC}"), "Jun 24 18:35:16", (false, false)),
        (format!("{{\"msg\":\"{GC}\",\"ts\":1726325625.171324}}"), "1726325625.171324", (true, true)),
        (format!("1723777109003,{GC}"), "1723777109003", (true, true)),
        // The logger inside is nearer to the event and counts finer.
        (
            format!("2024-01-02T15:04:05Z time=2024-01-02T15:04:04.250Z msg=\"{GC}\""),
            "2024-01-02T15:04:04.250Z",
            (true, true),
        ),
        (
            format!("{{\"log\":\"2009/11/10 23:00:00 {GC}\\n\",\"time\":\"2009-11-10T23:00:00.5Z\"}}"),
            "2009-11-10T23:00:00.5Z",
            (true, true),
        ),
    ] {
        let peeled = peel(line.as_bytes());
        assert_eq!(&line[peeled.time_at.clone()], stamp, "{line}");
        let time = peeled.time.expect("a time stamp");
        assert_eq!((time.zone_known, time.year_known), known, "{line}");
    }
    assert_eq!(peel(format!("00:00:00.024282 {GC}").as_bytes()).time, None);
}

#[test]
fn records_say_whether_their_line_goes_on() {
    let goes_on = |line: &str, context: &Context| peel_in(line.as_bytes(), context).goes_on(context);
    assert!(goes_on("2025-01-23T10:25:22Z stderr P gc 1", &NOTHING));
    assert!(!goes_on("2025-01-23T10:25:22Z stderr F gc 1", &NOTHING));
    let open = "{\"log\":\"gc 1\",\"stream\":\"stderr\"}";
    // A collector that drops line ends cuts nothing.
    assert!(!goes_on(open, &NOTHING));
    let after = NOTHING.after(&peel(b"{\"log\":\"x\\n\",\"stream\":\"stderr\"}")).expect("a line end was seen");
    assert!(goes_on(open, &after));
}
