//! Lines of applications in; durations with unit, key and route out.

use super::*;
use crate::Log;

/// Durations, route and time of a line: `took 43000000 GET /x @1717171717000000000±1`.
fn said(line: &str) -> String {
    let Some(said) = read(&crate::carrier::peel(line.as_bytes())) else { return String::new() };
    let mut shown: Vec<String> = said.durations.iter().map(|found| format!("{} {}", found.key, found.ns)).collect();
    shown.extend(said.route.map(|route| format!("[{route}]")));
    let edge = if said.is_begin { "from" } else { "to" };
    shown.extend(said.time.map(|time| format!("{edge} {}±{}", time.ns, time.resolution_ns)));
    shown.join(", ")
}

#[test]
fn reads_what_loggers_write() {
    for (line, wanted) in [
        // log/slog, text and JSON.
        (
            r#"time=2024-05-31T16:08:37.250Z level=INFO msg=request method=GET path=/items/17 took=43.1ms"#,
            "took 43100000, [GET /items/*], to 1717171717250000000±1000000",
        ),
        (
            r#"{"time":"2024-05-31T16:08:37.25Z","level":"INFO","msg":"request","path":"/items/17?q=1","took":43100000}"#,
            "took 43100000, [/items/*], to 1717171717250000000±10000000",
        ),
        // zap, production: seconds as a float; Caddy writes with it.
        (
            r#"{"level":"info","ts":1717171717.25,"caller":"http/log.go:7","msg":"handled","uri":"/","duration":0.0431}"#,
            "duration 43100000, [/], to 1717171717250000000±10000000",
        ),
        // zap, console form: the same encoder.
        (
            "2024-05-31T16:08:37.250Z\tINFO\thttp/log.go:7\thandled\t{\"elapsed\": 0.0431}",
            "elapsed 43100000, to 1717171717250000000±1000000",
        ),
        // zerolog: milliseconds.
        (
            r#"{"level":"info","latency":43.1,"time":"2024-05-31T16:08:37Z","message":"request"}"#,
            "latency 43100000, to 1717171717000000000±1000000000",
        ),
        // logrus, text.
        (
            r#"time="2024-05-31T16:08:37Z" level=info msg=done duration=1m2.5s"#,
            "duration 62500000000, to 1717171717000000000±1000000000",
        ),
        // Units in keys.
        (
            "2024/05/31 16:08:37.250000 done duration_ms=43 status=200",
            "duration_ms 43000000, to 1717171717250000000±1000",
        ),
        (r#"{"msg":"x","elapsedMs":43,"db_us":120.5}"#, "elapsedMs 43000000, db_us 120500"),
        ("grpc.code=OK grpc.method=Get grpc.time_ms=0.043", "grpc.time_ms 43000, [Get]"),
        (
            "response_time_seconds=0.25 rt=0.043 cost: 12 ms",
            "response_time_seconds 250000000, rt 43000000, cost 12000000",
        ),
        // Words.
        ("2024/05/31 16:08:37 GET /x took 43.1µs", "took 43100, [GET /x], to 1717171717000000000±1000000000"),
        ("took 1.5 seconds.", "took 1500000000"),
        // Access logs.
        (
            r#"[GIN] 2024/05/31 - 16:08:37 | 200 |      43.125µs |       127.0.0.1 | GET      "/ping/12""#,
            "latency 43125, [GET /ping/*], to 1717171717000000000±1000000000",
        ),
        (
            r#"2024/05/31 16:08:37 "GET http://localhost:3000/ping HTTP/1.1" from 127.0.0.1:50000 - 200 5B in 43.1µs"#,
            "duration 43100, [GET /ping], to 1717171717000000000±1000000000",
        ),
        (
            r#"10.0.0.1 - - [31/May/2024:16:08:37 +0000] "GET /x HTTP/1.1" 200 12 "-" "-" 1 "web@docker" "http://10.0.0.2" 43ms"#,
            "duration 43000000, [GET /x], to 1717171717000000000±1000000000",
        ),
        (
            r#"[2024-05-31T16:08:37.250Z] "POST /api/v1/locations HTTP/2" 204 - 154 0 226 100 "10.0.35.28" "nsq2http""#,
            "duration 226000000, [POST /api/v1/locations], from 1717171717250000000±1000000",
        ),
        (
            r#"{"time":"2024-05-31T16:08:37.25Z","method":"GET","uri":"/","status":200,"latency":43100,"latency_human":"43.1µs"}"#,
            "latency_human 43100, [GET /], to 1717171717250000000±10000000",
        ),
    ] {
        assert_eq!(said(line), wanted, "{line}");
    }
}

#[test]
fn a_number_without_a_known_unit_is_no_duration() {
    for line in [
        "took=43",
        "latency: 43",
        r#"{"msg":"x","latency":43}"#,
        // logrus: its users put ns and ms there.
        r#"{"latency":43,"level":"info","msg":"x","time":"2024-05-31T16:08:37Z"}"#,
        // Integers are no durations of zap's production encoder, and floats none of slog's.
        r#"{"level":"info","ts":1717171717.25,"msg":"x","latency":43}"#,
        r#"{"time":"2024-05-31T16:08:37.25Z","level":"INFO","msg":"x","took":43.5}"#,
        // Prices are not durations.
        r#"{"time":"2024-05-31T16:08:37.25Z","level":"INFO","msg":"x","cost":1299}"#,
        r#"10.0.0.1 - - [31/May/2024:16:08:37 +0000] "GET /x HTTP/1.1" 200 1234 "-" "curl" 4711"#,
    ] {
        assert_eq!(said(line), "", "{line}");
    }
}

#[test]
fn settings_and_moments_are_no_durations() {
    for line in [
        "timeout=30s read_timeout_ms=500 keepalive_ms=1000",
        "retry in 5s, retry_after_ms=250, backoff_duration=3s",
        "gc_pause_ms=0.4 uptime_seconds=300 timestamp_ms=1717171717250 start_time_ms=1717171717250",
        "GET /x?took=43ms&duration=2s HTTP/1.1",
        "took=5m cost=12MB duration=3x elapsed=1.2.3s",
        "time=43ms created_time=12ms",
        "p99_ms=12 max_latency=4ms",
        "it took a while, duration unknown",
    ] {
        assert_eq!(said(line), "", "{line}");
    }
}

#[test]
fn what_carries_a_line_is_peeled_first() {
    let inner = r#"{\"time\":\"2024-05-31T16:08:37.25Z\",\"level\":\"INFO\",\"msg\":\"x\",\"took\":43100000}"#;
    let line = format!(r#"{{"log":"{inner}\n","stream":"stdout","time":"2024-05-31T16:08:37.251000001Z"}}"#);
    assert!(said(&line).starts_with("took 43100000, to 1717171717251000001"), "{}", said(&line));
    let line = "2024-05-31T16:08:37.251000001Z stdout F took=43ms";
    assert_eq!(said(line), "took 43000000, to 1717171717251000001±1");
    let line = "May 31 16:08:37 host api[12]: level=info took=43ms";
    assert!(said(line).starts_with("took 43000000, to "), "{}", said(line));
}

#[test]
fn at_most_a_few_durations_are_read_of_a_line() {
    assert_eq!(read(&crate::carrier::peel(b"took=1ms ".repeat(50).as_slice())).unwrap().durations.len(), MAX_PER_LINE);
}

#[test]
fn rows_of_a_log_name_their_line_source_and_route() {
    const LOG: &str = "\
May 31 16:08:37 host api[12]: path=/a/1 took=43ms
gc 1 @0.020s 0%: 0.01+0.10+0.01 ms clock, 0.02+0/0.1/0.1+0.02 ms cpu, 4->4->0 MB, 5 MB goal, 2 P
init internal/bytealg @0.008 ms, 0.5 ms clock, 0 bytes, 0 allocs
May 31 16:08:38 host api[13]: path=/a/2 took=44ms
goroutine 1 [running]:
main.main()
\t/src/took=3s.go:7 +0x1d
";
    let log = Log::read(LOG.as_bytes());
    let rows: Vec<String> = log
        .chunks()
        .flat_map(|(start, chunk)| {
            let of = chunk.durations();
            of.rows().iter().map(move |row| {
                let name = |name: &Arc<[u8]>| String::from_utf8_lossy(name).into_owned();
                let tag = of.tag(row);
                let (key, source, route) = (name(&tag.key), name(&tag.source), name(&tag.route));
                format!("{} {key} {} {source} {route}", start + row.line, row.ns)
            })
        })
        .collect();
    assert_eq!(rows, ["0 took 43000000 host api[12] /a/*", "3 took 44000000 host api[13] /a/*"]);
}
