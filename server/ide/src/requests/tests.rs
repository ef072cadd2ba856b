//! Requests and cycles whose truth is known: how often each verdict is given, and when nothing is said.

use super::*;
use crate::rules::fixture::{GcLine, findings_in, view, why_not};

/// Random numbers that are the same on every machine (splitmix64).
struct Random(u64);

impl Random {
    fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
    }

    fn normal(&mut self) -> f64 {
        (-2.0 * (1.0 - self.next()).ln()).sqrt() * (std::f64::consts::TAU * self.next()).cos()
    }
}

/// What is generated: requests with a median of 10 ms, 58 a second, and a cycle every 285 ms.
#[derive(Clone, Copy)]
struct World {
    n: usize,
    /// Length of a cycle, ms.
    mark_ms: f64,
    /// How much longer requests take that begin in a cycle.
    slowdown: f64,
    /// The unit of stamps, ns.
    resolution_ns: i64,
    /// How much faster the wall clock goes than that of the process, parts per million.
    drift_ppm: f64,
    /// Lines that the logger holds before it writes them.
    buffer: usize,
    /// Only requests above this are logged, ms.
    logged_above_ms: f64,
}

const PLAIN: World = World {
    n: 3000,
    mark_ms: 20.0,
    slowdown: 1.0,
    resolution_ns: 1000,
    drift_ppm: 0.0,
    buffer: 1,
    logged_above_ms: 0.0,
};

const PERIOD_MS: f64 = 285.0;
const GAP_MS: f64 = 17.2;
/// 2024-05-31 16:08:37 UTC.
const START_NS: i64 = 1_717_171_717_123_456_789;

/// A line: when it is written, ms, and what it is.
enum Line {
    Gc { n: u64, start_ms: f64 },
    Request { end_ms: f64, ms: f64 },
}

impl World {
    /// The lines in the order in which they are written.
    fn lines(&self, seed: u64) -> Vec<Line> {
        let mut random = Random(seed);
        let span_ms = self.n as f64 * GAP_MS;
        let mut events: Vec<(f64, Line)> = Vec::new();
        let n_cycles = (span_ms / PERIOD_MS) as u64 + 3;
        let starts: Vec<f64> =
            (0..n_cycles).map(|n| 100.0 + PERIOD_MS * n as f64 + 40.0 * (random.next() - 0.5)).collect();
        for (n, start_ms) in starts.iter().enumerate() {
            events.push((start_ms + self.mark_ms + 0.05, Line::Gc { n: n as u64 + 1, start_ms: *start_ms }));
        }
        let mut held = Vec::new();
        let mut requests: Vec<(f64, f64)> = Vec::new();
        for _ in 0..self.n {
            let begin_ms = 120.0 + span_ms * random.next();
            let at = starts.partition_point(|start| *start <= begin_ms);
            let is_in = at > 0 && begin_ms < starts[at - 1] + self.mark_ms;
            let ms = 10.0 * (0.9 * random.normal()).exp() * if is_in { self.slowdown } else { 1.0 };
            if ms > self.logged_above_ms {
                requests.push((begin_ms + ms, ms));
            }
        }
        requests.sort_by(|a, b| a.0.total_cmp(&b.0));
        for (end_ms, ms) in requests {
            held.push(Line::Request { end_ms, ms });
            if held.len() == self.buffer {
                events.extend(held.drain(..).map(|line| (end_ms + 0.02, line)));
            }
        }
        events.extend(held.drain(..).map(|line| (span_ms * 2.0, line)));
        // The sort is stable: what is written at once stays in order.
        events.sort_by(|a, b| a.0.total_cmp(&b.0));
        events.into_iter().map(|(_, line)| line).collect()
    }

    fn wall(&self, ms: f64) -> WallTime {
        let ns = START_NS + (ms * (1.0 + self.drift_ppm / 1e6) * 1e6) as i64;
        let ns = ns - ns.rem_euclid(self.resolution_ns);
        WallTime { ns, resolution_ns: self.resolution_ns, zone_known: true, year_known: true }
    }

    fn requests(&self, seed: u64) -> Requests {
        let mut view = RunView::default();
        let cycles = &mut view.cycles;
        let mut rows = Vec::new();
        let name: Arc<[u8]> = Arc::from(b"took".as_slice());
        let none: Arc<[u8]> = Arc::from([].as_slice());
        for (line, what) in (0..).zip(self.lines(seed)) {
            match what {
                Line::Gc { n, start_ms } => {
                    cycles.line.push(line);
                    cycles.n.push(n);
                    cycles.at_s.push(start_ms.floor() / 1000.0);
                    cycles.sweep_term_ms.push(0.05);
                    cycles.mark_ms.push(self.mark_ms - 0.1);
                    cycles.mark_term_ms.push(0.05);
                    cycles.pause_ms.push(0.1);
                }
                Line::Request { end_ms, ms } => rows.push(Row {
                    line,
                    ns: (ms * 1e6) as u64,
                    time: Some(self.wall(end_ms)),
                    is_begin: false,
                    key: name.clone(),
                    route: none.clone(),
                }),
            }
        }
        Requests::of(&view, false, |_| None, &rows).compared(0.0)
    }

    /// Of a hundred runs, or of so many as say enough, those with each verdict in percent: not the collector, the
    /// collector; the rest is neither or silence.
    fn verdicts(&self, n_runs: u64) -> (u64, u64) {
        let mut counts = (0, 0);
        for seed in 0..n_runs {
            let requests = self.requests(seed);
            match requests.splits.first().map(|(_, split)| split.verdict) {
                Some(Verdict::NotGc) => counts.0 += 1,
                Some(Verdict::InGc) => counts.1 += 1,
                Some(Verdict::CannotTell(_)) | None => {}
            }
        }
        (counts.0 * 100 / n_runs, counts.1 * 100 / n_runs)
    }
}

/// The table of the catalogue's section 17: 25/0/0/0 and 0/0/30/98 with 3,000 requests, 78/0/0/0 and 0/1/98/100 with
/// 16,500.
#[test]
fn verdicts_are_as_often_right_as_measured() {
    let cell = |n: usize, slowdown: f64| {
        // Between the ends few runs say enough.
        let is_end = slowdown == 1.0 || slowdown == 2.0;
        World { n, slowdown, ..PLAIN }.verdicts(if n > 10_000 {
            20
        } else if is_end {
            100
        } else {
            40
        })
    };
    let (not_gc, in_gc) = cell(3000, 1.0);
    assert!((10..=45).contains(&not_gc) && in_gc == 0, "{not_gc} {in_gc}");
    let (not_gc, in_gc) = cell(3000, 1.3);
    assert!(not_gc <= 4 && in_gc <= 4, "{not_gc} {in_gc}");
    let (not_gc, in_gc) = cell(3000, 1.6);
    assert!(not_gc == 0 && in_gc >= 10, "{not_gc} {in_gc}");
    let (not_gc, in_gc) = cell(3000, 2.0);
    assert!(not_gc == 0 && in_gc >= 80, "{not_gc} {in_gc}");
    let (not_gc, in_gc) = cell(16_500, 1.0);
    assert!(not_gc >= 65 && in_gc == 0, "{not_gc} {in_gc}");
    let (not_gc, in_gc) = cell(16_500, 2.0);
    assert!(not_gc == 0 && in_gc >= 98, "{not_gc} {in_gc}");
}

#[test]
fn a_clock_that_drifts_gives_the_right_answer_or_none() {
    for drift_ppm in [-30.0, 30.0, 300.0] {
        let (_, in_gc) = World { drift_ppm, ..PLAIN }.verdicts(20);
        assert_eq!(in_gc, 0, "{drift_ppm} ppm");
        let (not_gc, in_gc) = World { drift_ppm, slowdown: 2.0, ..PLAIN }.verdicts(20);
        assert_eq!(not_gc, 0, "{drift_ppm} ppm");
        assert!(drift_ppm.abs() > 100.0 || in_gc >= 60, "{drift_ppm} ppm: {in_gc}");
    }
    // 300 ppm are 15 ms in a minute.
    let unclear = World { drift_ppm: 300.0, ..PLAIN }.requests(1).clock.unwrap_err();
    assert!(matches!(unclear, Silence::Clock(Unclear::Coarse { .. })), "{unclear:?}");
}

#[test]
fn silent_with_a_logger_that_buffers() {
    for slowdown in [1.0, 2.0] {
        assert_eq!(World { buffer: 40, slowdown, ..PLAIN }.verdicts(20), (0, 0), "{slowdown}");
    }
    let silence = World { buffer: 40, ..PLAIN }.requests(1).clock.unwrap_err();
    assert!(
        silence.reason().starts_with("cycles and requests have no common clock: known to "),
        "{}",
        silence.reason()
    );
}

#[test]
fn silent_with_stamps_in_whole_seconds() {
    for slowdown in [1.0, 2.0] {
        assert_eq!(World { resolution_ns: 1_000_000_000, slowdown, ..PLAIN }.verdicts(20), (0, 0), "{slowdown}");
    }
}

#[test]
fn milliseconds_are_enough() {
    let (not_gc, in_gc) = World { resolution_ns: 1_000_000, slowdown: 2.0, ..PLAIN }.verdicts(20);
    assert!(not_gc == 0 && in_gc >= 80, "{not_gc} {in_gc}");
}

#[test]
fn silent_where_collections_run_back_to_back() {
    for slowdown in [1.0, 2.0] {
        assert_eq!(World { mark_ms: 170.0, slowdown, ..PLAIN }.verdicts(20), (0, 0), "{slowdown}");
    }
}

#[test]
fn where_only_slow_requests_are_logged_time_is_compared() {
    let logged = World { n: 30_000, logged_above_ms: 50.0, ..PLAIN };
    let (_, in_gc) = logged.verdicts(10);
    assert_eq!(in_gc, 0);
    let (not_gc, in_gc) = World { slowdown: 2.5, ..logged }.verdicts(10);
    assert!(not_gc == 0 && in_gc >= 80, "{not_gc} {in_gc}");
    let requests = World { slowdown: 2.5, ..logged }.requests(1);
    assert_eq!(requests.splits[0].1.logged_above_ms, Some(50.0));
}

/// The same worlds as text.
fn text(world: World, seed: u64) -> String {
    let mut text = String::new();
    for line in world.lines(seed) {
        match line {
            Line::Gc { n, start_ms } => {
                let at_s = start_ms.floor() / 1000.0;
                let clock_ms = [0.05, world.mark_ms - 0.1, 0.05];
                text += &GcLine { n, at_s, clock_ms, procs: 2, ..GcLine::default() }.to_string();
            }
            Line::Request { end_ms, ms } => {
                let time = world.wall(end_ms).ns;
                let stamp = crate::clock::date_and_time(time, true).replace(' ', "T");
                text += &format!("time={stamp}Z level=INFO msg=request path=/items took={ms:.3}ms\n");
            }
        }
    }
    text
}

#[test]
fn the_rules_say_what_the_text_shows() {
    use crate::rules::RULES;
    let rule = |code: &str| *RULES.iter().find(|rule| rule.code == code).unwrap();
    let fast = World { resolution_ns: 1_000_000, mark_ms: 60.0, ..PLAIN };
    let innocent = text(fast, 3);
    expect_test::expect![[r#"
        728 Info GC801: Slow requests (took) are not GC: begun in a cycle p99 91 ms (n=644), outside 82 ms (n=2,355); 25 of the 149 slowest began in a cycle, 21 % of all do. Clocks joined by the order of the lines, to 1.5 ms; moderate evidence.
    "#]].assert_eq(&findings_in(rule("GC801"), &innocent));
    assert_eq!(findings_in(rule("GC802"), &innocent), "");
    let guilty = text(World { slowdown: 2.5, ..fast }, 3);
    assert_eq!(findings_in(rule("GC801"), &guilty), "");
    expect_test::expect![[r#"
        753 Info GC802: Requests (took) that begin in a GC cycle are slower: p99 228 ms (n=644) against 82 ms; 95 of the 149 slowest began in a cycle, 21 % of all do; pauses explain at most 0.05 %. Clocks joined by the order of the lines, to 1.5 ms; moderate evidence.
          716 the slowest request began in this cycle: gc 40 @11.209s
    "#]].assert_eq(&findings_in(rule("GC802"), &guilty));
    // What each of the two asks, where the other one is right.
    expect_test::expect![[r#"
        ✓ slow requests: 149 (≥ 30 needed)
        ✓ share of all requests that begin in a cycle: 21.5 % (≥ 0.5 % needed)
        ✓ share of all requests that begin in a cycle: 21.5 % (≤ 50 % needed)
        ✗ share of the slow ones that do, at least (95 %): 11.6 % (≥ 42.9 % needed)
        ✓ slow ones that do: 25 (≥ 10 needed)
        ✓ cycles in which they begin: 22 (≥ 5 needed)
        ✗ p99 in a cycle, times that outside: 1.11 (≥ 1.2 needed)
        ✓ the clocks are joined to half of a typical cycle
    "#]]
    .assert_eq(&why_not(rule("GC802"), &view(&innocent)));
    expect_test::expect![[r#"
        ✓ slow requests: 149 (≥ 30 needed)
        ✓ share of all requests that begin in a cycle: 21.5 % (≥ 0.5 % needed)
        ✓ share of all requests that begin in a cycle: 21.5 % (≤ 50 % needed)
        ✗ share of the slow ones that do, at most (95 %): 71 % (≤ 32.2 % needed)
        ✓ pauses in the time of slow ones: 0.048 % (≤ 10 % needed)
        ✓ requests begin in cycles about as often as time is spent there
    "#]]
    .assert_eq(&why_not(rule("GC801"), &view(&guilty)));
}

#[test]
fn verdicts_have_their_conditions() {
    use crate::rules::{Check, Findings, Limits, RULES};
    let fast = World { resolution_ns: 1_000_000, mark_ms: 60.0, ..PLAIN };
    for (code, world) in [("GC801", fast), ("GC802", World { slowdown: 2.5, ..fast })] {
        let rule = *RULES.iter().find(|rule| rule.code == code).unwrap();
        let Check::Run(check) = rule.check else { panic!("{code} reads runs") };
        let mut findings = Findings::default();
        check(&view(&text(world, 3)).runs[0], &Limits::defaults(rule.limits), &mut findings);
        let found = findings.into_vec().pop().unwrap();
        assert!(found.test.holds() && found.test.conditions.len() >= 6, "{code}: {:?}", found.test);
        assert!(found.confidence.is_some());
    }
}

#[test]
fn nothing_is_said_without_durations_or_with_few() {
    let few = text(World { n: 100, ..PLAIN }, 1);
    for code in ["GC801", "GC802"] {
        let rule = *crate::rules::RULES.iter().find(|rule| rule.code == code).unwrap();
        assert_eq!(findings_in(rule, &few), "");
        assert_eq!(findings_in(rule, &few.replace("took=", "size=")), "");
        assert_eq!(findings_in(rule, ""), "");
    }
}

#[test]
fn routes_are_told_apart_where_few_hold_most_requests() {
    let name = |text: &str| -> Arc<[u8]> { Arc::from(text.as_bytes()) };
    let row = |route: &str| Row { line: 0, ns: 1, time: None, is_begin: false, key: name("took"), route: name(route) };
    let shown = |routes: &[(&str, usize)]| {
        let rows: Vec<Row> = routes.iter().flat_map(|(route, n)| vec![row(route); *n]).collect();
        let groups = grouped(&rows).into_iter().map(|(_, route, rows)| (route, rows.len())).collect::<Vec<_>>();
        format!("{groups:?}")
    };
    assert_eq!(shown(&[("/a", 10)]), r#"[(None, 10)]"#);
    assert_eq!(
        shown(&[("/a", 4), ("/b", 3), ("/c", 2), ("/d", 1)]),
        r#"[(Some("/a"), 4), (Some("/b"), 3), (Some("/c"), 2)]"#
    );
    assert_eq!(shown(&[("/a", 3), ("/b", 3), ("/c", 2), ("/d", 2), ("/e", 2)]), "[(None, 12)]");
}
