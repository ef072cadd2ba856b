//! The checker on real lines of every format.

use super::{Grammar, Value};

#[test]
fn every_line_rule_of_the_grammar_compiles() {
    let grammar = Grammar::load();
    assert_eq!(grammar.line_rules().count(), 43);
}

#[test]
fn reads_the_real_lines_of_the_format_reference() {
    let grammar = Grammar::load();
    let check = |line: &str, family: &str, shape: &str, numbers: &[f64], notes: &[&str]| {
        let reading = grammar.read(line).unwrap_or_else(|| panic!("not read: {line}"));
        assert_eq!((reading.family, reading.shape.as_str()), (family, shape), "{line}");
        let got: Vec<f64> = reading
            .values
            .iter()
            .map(|value| match value {
                Value::Integer(number) => *number as f64,
                Value::Decimal(number) => *number,
                Value::Flag(flag) => f64::from(u8::from(*flag)),
                Value::Nobody => panic!("no trace line here prints nil"),
            })
            .collect();
        assert_eq!(got, numbers, "{line}");
        assert_eq!(reading.notes, notes, "{line}");
        assert_eq!(grammar.find(line).len(), usize::from(family != "gc_forced"), "inside: {line}");
    };
    check(
        "gc27(2): 10+23+0 ms 47 -> 23 MB 1150839 -> 526397 (9367763-8841366) objects 248 handoff",
        "gc",
        "gc_1_0",
        &[27., 2., 10., 23., 0., 47., 23., 1150839., 526397., 9367763., 8841366., 248.],
        &[],
    );
    check(
        "gc7(2): 0+3+2 ms, 5 -> 5 MB 107296 -> 107296 (107316-20) objects, 0(0) handoff, 9(652) steal, 22/4/0 yields",
        "gc",
        "gc_1_1",
        &[7., 2., 0., 3., 2., 5., 5., 107296., 107296., 107316., 20., 0., 0., 9., 652., 22., 4., 0.],
        &[],
    );
    check(
        "gc7(2): 25+3619+2836+0 us, 3 -> 6 MB, 141593 (141616-23) objects, 429/0/0 sweeps, 0(0) handoff, \
         3(13) steal, 16/1/0 yields",
        "gc",
        "gc_1_3",
        &[7., 2., 25., 3619., 2836., 0., 3., 6., 141593., 141616., 23., 429., 0., 0., 0., 0., 3., 13., 16., 1., 0.],
        &[],
    );
    check(
        "gc4(2): 26+1+87+0 us, 0 -> 0 MB, 1603 (1634-31) objects, 4 goroutines, 35/0/0 sweeps, 0(0) handoff, \
         2(4) steal, 16/1/0 yields",
        "gc",
        "gc_1_4",
        &[4., 2., 26., 1., 87., 0., 0., 0., 1603., 1634., 31., 4., 35., 0., 0., 0., 0., 2., 4., 16., 1., 0.],
        &[],
    );
    check(
        "gc 23 @0.957s 49%: 0.047+0+0+0+0.19 ms clock, 0.094+0+0+0/0.015/0.041+0.39 ms cpu, 0->0->0 MB, 0 MB goal, \
         4 P (forced)",
        "gc",
        "gc_1_5",
        &[23., 0.957, 49., 0.047, 0., 0., 0., 0.19, 0.094, 0., 0., 0., 0.015, 0.041, 0.39, 0., 0., 0., 0., 4.],
        &["forced"],
    );
    check(
        "gc 33 @4.338s 78%: 0.069+0.094+0.008 ms clock, 0.13+0/0.084/0+0.016 ms cpu, 0->0->0 MB, 4 MB goal, 4 P",
        "gc",
        "gc_1_6",
        &[33., 4.338, 78., 0.069, 0.094, 0.008, 0.13, 0., 0.084, 0., 0.016, 0., 0., 0., 4., 4.],
        &[],
    );
    check(
        "gc 1 @0.038s 0% (checking for goroutine leaks): 0.19+4.1+0.27 ms clock, 0.39+0/0.12/0.062+0.55 ms cpu, \
         0->0->0 MB, 4 MB goal, 0 MB stacks, 0 MB globals, 2 P (forced)",
        "gc",
        "gc_1_18",
        &[1., 0.038, 0., 0.19, 4.1, 0.27, 0.39, 0., 0.12, 0.062, 0.55, 0., 0., 0., 4., 0., 0., 2.],
        &["leak_check", "forced"],
    );
    check("GC forced", "gc_forced", "gc_forced", &[], &[]);
    check("scvg2: GC forced", "scvg", "scvg_gc_forced", &[2.], &[]);
    check("scvg4: 0x1f MB released", "scvg", "scvg_released_1_0", &[4., 31.], &[]);
    check("scvg6: 40 MB released", "scvg", "scvg_released", &[6., 40.], &[]);
    check("forced scvg: 34 MB released", "scvg", "scvg_released_1_13", &[34.], &["forced"]);
    check(
        "scvg-1: inuse: 1, idle: 50, sys: 52, released: 50, consumed: 1 (MB)",
        "scvg",
        "scvg_stats",
        &[-1., 1., 50., 52., 50., 1.],
        &[],
    );
    check("scav 0 KiB work, 2848 KiB total, 99% util", "scav", "scav_1_14", &[0., 2848., 99.], &[]);
    check("scav 3 0 KiB work, 2848 KiB total, 99% util", "scav", "scav_1_15", &[3., 0., 2848., 99.], &[]);
    check(
        "scav 0 KiB work (bg), 76880 KiB work (eager), 109760 KiB now, 97% util (forced)",
        "scav",
        "scav_1_21",
        &[0., 76880., 109760., 97.],
        &["forced"],
    );
    check(
        "scav 4 KiB work (bg), 0 KiB work (eager), 8 KiB now, 97% util [controller reset]",
        "scav",
        "scav_1_21",
        &[4., 0., 8., 97.],
        &["controller_reset"],
    );
    check(
        "SCHED 1943ms: gomaxprocs=4 idleprocs=4 threads=8 idlethreads=4 runqueue=0 [0 0 0 0]",
        "sched",
        "sched_1_2",
        &[1943., 4., 4., 8., 4., 0., 0., 0., 0., 0.],
        &[],
    );
    check(
        "SCHED 107ms: gomaxprocs=4 idleprocs=0 threads=8 spinningthreads=0 idlethreads=1 runqueue=2 [1 2 0 0]",
        "sched",
        "sched_1_4",
        &[107., 4., 0., 8., 0., 1., 2., 1., 2., 0., 0.],
        &[],
    );
    check(
        "SCHED 955ms: gomaxprocs=4 idleprocs=0 threads=10 spinningthreads=0 needspinning=1 idlethreads=2 runqueue=1 \
         [0 1 0 0]",
        "sched",
        "sched_1_20",
        &[955., 4., 0., 10., 0., 1., 2., 1., 0., 1., 0., 0.],
        &[],
    );
    check(
        "SCHED 851ms: gomaxprocs=4 idleprocs=3 threads=9 spinningthreads=0 needspinning=0 idlethreads=4 runqueue=1 \
         [ 0 0 0 0 ] schedticks=[ 142256 108717 148403 63651 ]",
        "sched",
        "sched_1_25",
        &[851., 4., 3., 9., 0., 0., 4., 1., 0., 0., 0., 0., 142256., 108717., 148403., 63651.],
        &[],
    );
    check(
        "SCHED 67ms: gomaxprocs=4 idleprocs=1 threads=9 spinningthreads=1 needspinning=0 idlethreads=3 runqueue=0 \
         gcwaiting=false nmidlelocked=1 stopwait=0 sysmonwait=false",
        "sched",
        "sched_detail_1_20",
        &[67., 4., 1., 9., 1., 0., 3., 0., 0., 1., 0., 0.],
        &[],
    );
}

#[test]
fn refuses_what_the_number_formats_exclude() {
    let grammar = Grammar::load();
    for line in [
        "gc 33 @4.338s 78%: 0.0690+0.094+0.008 ms clock, 0.13+0/0.084/0+0.016 ms cpu, 0->0->0 MB, 4 MB goal, 4 P",
        "gc 33 @4.33s 78%: 0.069+0.094+0.008 ms clock, 0.13+0/0.084/0+0.016 ms cpu, 0->0->0 MB, 4 MB goal, 4 P",
        "gc 33 @4.338s 78%: 10.0+0.094+0.008 ms clock, 0.13+0/0.084/0+0.016 ms cpu, 0->0->0 MB, 4 MB goal, 4 P",
        "gc 33 @4.338s 78%: 0.069+0.094+0.008 ms clock, 0.13+0/0.084/0+0.016 ms cpu, 0->0->0 MB, 4 MB goal, 4 P ",
        "GC forced by the operator",
        "SCHED 107ms: gomaxprocs=4 idleprocs=0 threads=8 spinningthreads=0 idlethreads=1 runqueue=2 [1 2 0 0",
    ] {
        assert_eq!(grammar.read(line), None, "{line}");
    }
}

#[test]
fn finds_trace_lines_inside_other_text() {
    let grammar = Grammar::load();
    let line = "gc176(2): 0+0+1 ms, 3 -> 3 MB 20912SCHED 673ms: gomaxprocs=2 idleprocs=0 threads=7 idlethreads=4 \
                runqueue=1 [2 1]";
    let found = grammar.find(line);
    assert_eq!(found.len(), 1);
    assert_eq!((&line[..found[0].start], found[0].end), ("gc176(2): 0+0+1 ms, 3 -> 3 MB 20912", line.len()));
    assert_eq!(found[0].reading.shape, "sched_1_2");
    assert!(grammar.find("GC forced").is_empty());
}

#[test]
fn reads_the_real_lines_of_the_other_families() {
    let grammar = Grammar::load();
    let check = |line: &str, family: &str, printed: &[&str]| {
        let reading = grammar.read(line).unwrap_or_else(|| panic!("not read: {line}"));
        assert_eq!(reading.family, family, "{line}");
        let spans: Vec<&str> = reading.printed.iter().map(|span| &line[span.clone()]).collect();
        assert_eq!(spans, printed, "{line}");
    };
    check(
        "  P0: status=1 schedtick=15 syscalltick=0 m=nil runqsize=0/128 gfreecnt=0",
        "sched_p",
        &["0", "1", "15", "0", "nil", "0", "128", "0"],
    );
    check(
        "  M0: p=1 curg=6 mallocing=0 throwing=0 preemptoff=GC worker init locks=17 dying=0 spinning=false \
         blocked=true lockedg=nil",
        "sched_m",
        &["0", "1", "6", "0", "0", "GC worker init", "17", "0", "false", "true", "nil"],
    );
    check("  G17: status=4(force gc (idle)) m=nil lockedm=-1", "sched_g", &["17", "4", "force gc (idle)", "nil", "-1"]);
    check(
        "pacer: assist ratio=+6.308436e-003 (scan 0 MB in 40->77 MB) workers=0++2.500000e-001",
        "pacer_start",
        &["+6.308436e-003", "0", "40", "77", "0", "+2.500000e-001"],
    );
    check(
        "pacer: 25% CPU (25 exp.) for 27576+1880+201544 B work (243320 B exp.) in 42659448 B -> 42667544 B \
         (\u{2206}goal -38562480, cons/mark +6.272626e+000)",
        "pacer_end",
        &["25", "25", "27576", "1880", "201544", "243320", "42659448", "42667544", "-38562480", "+6.272626e+000"],
    );
    check(
        "pacer: sweep done at heap size 0MB; allocated 0MB during sweep; swept 51 pages at \
         2.8279382555724246e-05 pages/byte",
        "pacer_sweep",
        &["0", "0", "51", "2.8279382555724246e-05"],
    );
    check(
        "init internal/godebug @0.18 ms, 0.069 ms clock, 6808 bytes, 129 allocs",
        "init",
        &["internal/godebug", "0.18", "0.069", "6808", "129"],
    );
    check("tracealloc(0xc000012010, 0x10, *runtime.p)", "tracealloc", &["0xc000012010", "0x10", "*runtime.p"]);
    check("tracefree(0xc000012010, 0x10)", "tracefree", &["0xc000012010", "0x10"]);
    check("end tracegc", "tracegc", &[]);
    check("pause 1204", "gc_pause", &["1204"]);
    check("checkfinalizers: queue: 0 finalizers + 5 cleanups", "checkfinalizers", &["0", "5"]);
    check(
        "scan: class 48B 438+4721+31443=36602 objs, 794+664=1458 spans",
        "scan",
        &["48", "438", "4721", "31443", "36602", "794", "664", "1458"],
    );
}

#[test]
fn tells_runtime_lines_from_application_lines() {
    let grammar = Grammar::load();
    assert_eq!(grammar.read("2026/11/21 07:01:08 GET /metrics 200 6.3ms"), None);
    assert_eq!(grammar.read("init of the cache @5 ms"), None);
    let line = "  P0: status=1 schedtick=15 syscalltick=0 m=nil runqsize=0 gfreecnt=0 timerslen=1";
    let values = grammar.values("p_line", line).expect("the rule matches");
    assert_eq!(values[4], Value::Nobody);
}
