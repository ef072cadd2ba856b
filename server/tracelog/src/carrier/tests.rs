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
