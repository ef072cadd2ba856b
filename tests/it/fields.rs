//! Field names and values of one real line per shape, written by hand: the corpus tests compare numbers in order, and
//! only this knows which number is which.
//!
//! Places are in `tests/corpus`; `formats` marks lines recorded for the format reference that no corpus file holds.

mod single_lines;

use tracelog::catalog::NEWEST_MINOR;

use crate::json::Json;
use crate::product::parse_bytes;

/// Fields of the only item of a line as `id=value`, in the order given; absent ones are left out.
fn fields(line: &str) -> (String, String) {
    let parsed = parse_bytes(format!("{line}\n").as_bytes());
    assert_eq!(parsed.len(), 1, "{line}");
    let [item] = parsed[0].items.as_slice() else { panic!("{line}: {} items", parsed[0].items.len()) };
    let fields: Vec<String> = item
        .get("fields")
        .members()
        .iter()
        .filter(|(_, value)| value != &Json::Null)
        .map(|(id, value)| format!("{id}={}", shown(value)))
        .collect();
    (item.get("shape").text().to_owned(), fields.join(" "))
}

fn shown(value: &Json) -> String {
    match value {
        Json::Bool(value) => value.to_string(),
        Json::Integer(value) => value.to_string(),
        Json::Float(value) => value.to_string(),
        Json::Text(value) => format!("{value:?}"),
        Json::List(items) => format!("[{}]", items.iter().map(shown).collect::<Vec<String>>().join(",")),
        other => panic!("no field holds {other:?}"),
    }
}

fn check(line: &str, shape: &str, wanted: &str) {
    let (got_shape, got) = fields(line);
    assert_eq!(got_shape, shape, "{line}");
    assert_eq!(got, wanted, "{line}");
}

// ---------------------------------------------------------------- gc

#[test]
fn names_the_fields_of_gc_1_0() {
    // formats, gctrace.md section 2, Go 1.0
    check(
        "gc27(2): 10+23+0 ms 47 -> 23 MB 1150839 -> 526397 (9367763-8841366) objects 248 handoff",
        "gc_1_0",
        "n=27 gc_threads=2 stw_mark_ms=10 stw_sweep_ms=23 stw_cleanup_ms=0 heap_start_mb=47 heap_after_mb=23 \
         objects_before=1150839 objects_after=526397 mallocs=9367763 frees=8841366 handoffs=248",
    );
}

#[test]
fn names_the_fields_of_gc_1_1() {
    // wrapped/two-procs-bare-gc1-1.2.2-forced.log:100
    check(
        "gc11(2): 0+38+1 ms, 296 -> 148 MB 636297 -> 22892 (5495343-5472451) objects, 6(141) handoff, \
         10(4914) steal, 16/4/0 yields",
        "gc_1_1",
        "n=11 gc_threads=2 stw_mark_ms=0 stw_sweep_ms=38 stw_other_ms=1 heap_start_mb=296 heap_after_mb=148 \
         objects_before=636297 objects_after=22892 mallocs=5495343 frees=5472451 handoffs=6 handoff_objects=141 \
         steals=10 steal_objects=4914 yields_proc=16 yields_os=4 yields_sleep=0",
    );
}

#[test]
fn names_the_fields_of_gc_1_3() {
    // wrapped/torn-gc1-1.3.3-rest5.log:15
    check(
        "gc10(2): 10+59+152+1 us, 0 -> 0 MB, 878 (178765-177887) objects, 3362/3361/0 sweeps, 3(35) handoff, \
         2(3) steal, 16/1/0 yields",
        "gc_1_3",
        "n=10 gc_threads=2 stw_stop_us=10 stw_sweep_us=59 stw_mark_us=152 stw_wait_us=1 heap_prev_live_mb=0 \
         heap_start_mb=0 objects=878 mallocs=178765 frees=177887 spans=3362 spans_swept_background=3361 \
         spans_swept_pause=0 handoffs=3 handoff_objects=35 steals=2 steal_objects=3 yields_proc=16 yields_os=1 \
         yields_sleep=0",
    );
}

#[test]
fn names_the_fields_of_gc_1_4() {
    // runs/1.4.3/steady-gc1+sched10-p4-s648.log:50
    check(
        "gc11(2): 211+27+2558+2 us, 8 -> 17 MB, 80832 (88836-8004) objects, 12 goroutines, 2069/962/0 sweeps, \
         0(0) handoff, 3(8) steal, 16/1/0 yields",
        "gc_1_4",
        "n=11 gc_threads=2 stw_stop_us=211 stw_sweep_us=27 stw_mark_us=2558 stw_wait_us=2 heap_prev_live_mb=8 \
         heap_start_mb=17 objects=80832 mallocs=88836 frees=8004 goroutines=12 spans=2069 \
         spans_swept_background=962 spans_swept_pause=0 handoffs=0 handoff_objects=0 steals=3 steal_objects=8 \
         yields_proc=16 yields_os=1 yields_sleep=0",
    );
}

#[test]
fn names_the_fields_of_gc_1_5() {
    // published/go-12228-go1.5-pacer-a.log:6
    check(
        "gc 337 @48.814s 34%: 1.0+1.0+2.0+12+2.0 ms clock, 8.0+1.0+0+18/12/39+16 ms cpu, 50->50->36 MB, \
         51 MB goal, 8 P",
        "gc_1_5",
        "n=337 at_s=48.814 gc_cpu_pct=34 wall_sweep_term_ms=1 wall_scan_ms=1 wall_sync_ms=2 wall_mark_ms=12 \
         wall_mark_term_ms=2 cpu_sweep_term_ms=8 cpu_scan_ms=1 cpu_sync_ms=0 cpu_assist_ms=18 \
         cpu_background_ms=12 cpu_idle_ms=39 cpu_mark_term_ms=16 heap_start_mb=50 heap_end_mb=50 heap_live_mb=36 \
         heap_goal_mb=51 procs=8 forced=false",
    );
}

#[test]
fn names_the_fields_of_gc_1_6() {
    // published/torn-by-app-log.log:4
    check(
        "gc 25 @0.554s 0%: 0.077+0.071+0.002 ms clock, 0.15+0/0.078/0.036+0.004 ms cpu, 0->0->0 MB, 8 MB goal, \
         2 P (forced)",
        "gc_1_6",
        "n=25 at_s=0.554 gc_cpu_pct=0 wall_sweep_term_ms=0.077 wall_mark_ms=0.071 wall_mark_term_ms=0.002 \
         cpu_sweep_term_ms=0.15 cpu_assist_ms=0 cpu_background_ms=0.078 cpu_idle_ms=0.036 cpu_mark_term_ms=0.004 \
         heap_start_mb=0 heap_end_mb=0 heap_live_mb=0 heap_goal_mb=8 procs=2 forced=true",
    );
}

#[test]
fn names_the_fields_of_gc_1_18() {
    // runs/1.19.8/gotest-gc1-bench.log:22
    check(
        "gc 17 @0.030s 7%: 0.14+0.64+0.002 ms clock, 0.28+0.10/0.61/0.023+0.004 ms cpu, 3->4->0 MB, 4 MB goal, \
         0 MB stacks, 0 MB globals, 2 P (forced)",
        "gc_1_18",
        "n=17 at_s=0.03 gc_cpu_pct=7 leak_check=false wall_sweep_term_ms=0.14 wall_mark_ms=0.64 \
         wall_mark_term_ms=0.002 cpu_sweep_term_ms=0.28 cpu_assist_ms=0.1 cpu_background_ms=0.61 \
         cpu_idle_ms=0.023 cpu_mark_term_ms=0.004 heap_start_mb=3 heap_end_mb=4 heap_live_mb=0 heap_goal_mb=4 \
         stacks_mb=0 globals_mb=0 procs=2 forced=true",
    );
    // formats, gctrace.md section 2, Go 1.26
    check(
        "gc 1 @0.038s 0% (checking for goroutine leaks): 0.19+4.1+0.27 ms clock, 0.39+0/0.12/0.062+0.55 ms cpu, \
         0->0->0 MB, 4 MB goal, 0 MB stacks, 0 MB globals, 2 P (forced)",
        "gc_1_18",
        "n=1 at_s=0.038 gc_cpu_pct=0 leak_check=true wall_sweep_term_ms=0.19 wall_mark_ms=4.1 \
         wall_mark_term_ms=0.27 cpu_sweep_term_ms=0.39 cpu_assist_ms=0 cpu_background_ms=0.12 cpu_idle_ms=0.062 \
         cpu_mark_term_ms=0.55 heap_start_mb=0 heap_end_mb=0 heap_live_mb=0 heap_goal_mb=4 stacks_mb=0 \
         globals_mb=0 procs=2 forced=true",
    );
}

#[test]
fn a_forced_line_of_the_monitor_has_no_fields() {
    // published/idle-two-minute-gcs.log:1
    check("GC forced", "gc_forced", "");
}

// ---------------------------------------------------------------- scvg and scav

#[test]
fn names_the_fields_of_scvg_lines() {
    // published/idle-two-minute-gcs.log:3
    check(
        "scvg0: inuse: 0, idle: 959, sys: 959, released: 447, consumed: 512 (MB)",
        "scvg_stats",
        "pass=0 inuse_mb=0 idle_mb=959 sys_mb=959 released_mb=447 consumed_mb=512",
    );
    // published/idle-two-minute-gcs.log:7
    check("scvg1: 512 MB released", "scvg_released", "pass=1 released_pass_mb=512");
    // runs/1.7.6/forced-gc1-p4-s306.log:24
    check("scvg-1: 8 MB released", "scvg_released", "pass=-1 released_pass_mb=8");
    // formats, scavenger.md section 1, Go 1.0; the number is hexadecimal
    check("scvg4: 0x1f MB released", "scvg_released_1_0", "pass=4 released_pass_mb=31");
    // wrapped/torn-gc1-1.3.3-rest5.log:12
    check("scvg2: GC forced", "scvg_gc_forced", "pass=2");
    // runs/1.13.10/goroutine_leak-gc1-p4-s184.log:2, 3
    check("scvg: 0 MB released", "scvg_released_1_13", "forced=false released_pass_mb=0");
    check(
        "scvg: inuse: 2, idle: 58, sys: 60, released: 56, consumed: 4 (MB)",
        "scvg_stats_1_13",
        "forced=false inuse_mb=2 idle_mb=58 sys_mb=60 released_mb=56 consumed_mb=4",
    );
    // formats, README.md section 1, Go 1.13
    check("forced scvg: 34 MB released", "scvg_released_1_13", "forced=true released_pass_mb=34");
}

#[test]
fn names_the_fields_of_scav_lines() {
    // runs/1.20.6/spike_release-scav-p2-s662.log:1 of the whole corpus
    check(
        "scav 0 KiB work, 3872 KiB total, 22% util",
        "scav_1_14",
        "work_kib=0 released_kib=3872 util_pct=22 forced=false controller_reset=false",
    );
    // runs/1.18.10/spike_release-scav-p2-s145.log:3
    check(
        "scav 2 0 KiB work, 3072 KiB total, 16% util",
        "scav_1_15",
        "gen=2 work_kib=0 released_kib=3072 util_pct=16 forced=false controller_reset=false",
    );
    // runs/1.24.11/spike_release-scav+gc1-p2-s662.log:5
    check(
        "scav 256 KiB work (bg), 0 KiB work (eager), 3328 KiB now, 18% util",
        "scav_1_21",
        "work_background_kib=256 work_eager_kib=0 released_kib=3328 util_pct=18 forced=false controller_reset=false",
    );
    // formats, scavenger.md section 2, Go 1.21
    check(
        "scav 0 KiB work (bg), 76880 KiB work (eager), 109760 KiB now, 97% util (forced)",
        "scav_1_21",
        "work_background_kib=0 work_eager_kib=76880 released_kib=109760 util_pct=97 forced=true \
         controller_reset=false",
    );
    // formats, scavenger.md section 2: documented, never recorded
    check(
        "scav 0 KiB work (bg), 0 KiB work (eager), 109760 KiB now, 97% util [controller reset]",
        "scav_1_21",
        "work_background_kib=0 work_eager_kib=0 released_kib=109760 util_pct=97 forced=false controller_reset=true",
    );
}

// ---------------------------------------------------------------- sched

#[test]
fn names_the_fields_of_sched_lines() {
    // wrapped/cri-sched3-1.2.2-steady.log:6
    check(
        "SCHED 514ms: gomaxprocs=4 idleprocs=0 threads=8 idlethreads=4 runqueue=1 [0 0 0 0]",
        "sched_1_2",
        "at_ms=514 gomaxprocs=4 idleprocs=0 threads=8 idlethreads=4 runqueue=1 local_runqueues=[0,0,0,0]",
    );
    // runs/1.9.7/steady-gc1+sched10-p4-s382.log:10 of the whole corpus
    check(
        "SCHED 26ms: gomaxprocs=4 idleprocs=2 threads=6 spinningthreads=1 idlethreads=2 runqueue=2 [0 3 0 0]",
        "sched_1_4",
        "at_ms=26 gomaxprocs=4 idleprocs=2 threads=6 spinningthreads=1 idlethreads=2 runqueue=2 \
         local_runqueues=[0,3,0,0]",
    );
    // runs/1.22.10/timers-sched100-p2-s527.log:25 of the whole corpus
    check(
        "SCHED 2504ms: gomaxprocs=2 idleprocs=0 threads=5 spinningthreads=1 needspinning=0 idlethreads=2 \
         runqueue=1 [0 48]",
        "sched_1_20",
        "at_ms=2504 gomaxprocs=2 idleprocs=0 threads=5 spinningthreads=1 needspinning=0 idlethreads=2 runqueue=1 \
         local_runqueues=[0,48]",
    );
    // wrapped/crlf-sched3-1.25.5-web_leak.log:9
    check(
        "SCHED 8076ms: gomaxprocs=2 idleprocs=0 threads=4 spinningthreads=1 needspinning=1 idlethreads=1 \
         runqueue=2 [ 3 0 ] schedticks=[ 11406 42570 ]",
        "sched_1_25",
        "at_ms=8076 gomaxprocs=2 idleprocs=0 threads=4 spinningthreads=1 needspinning=1 idlethreads=1 runqueue=2 \
         local_runqueues=[3,0] schedticks=[11406,42570]",
    );
}

#[test]
fn names_the_fields_of_scheddetail_heads() {
    // runs/1.2.2/zoo-sched500+detail-p2-s835.log:1
    check(
        "SCHED 0ms: gomaxprocs=2 idleprocs=0 threads=3 idlethreads=0 runqueue=0 gcwaiting=1 nmidlelocked=0 \
         nmspinning=1 stopwait=1 sysmonwait=0",
        "sched_detail_1_2",
        "at_ms=0 gomaxprocs=2 idleprocs=0 threads=3 idlethreads=0 runqueue=0 gcwaiting=true nmidlelocked=0 \
         nmspinning=1 stopwait=1 sysmonwait=false",
    );
    // runs/1.17.6/zoo-sched500+detail-p2-s277.log:9
    check(
        "SCHED 506ms: gomaxprocs=2 idleprocs=0 threads=8 spinningthreads=0 idlethreads=1 runqueue=0 gcwaiting=1 \
         nmidlelocked=1 stopwait=1 sysmonwait=0",
        "sched_detail_1_4",
        "at_ms=506 gomaxprocs=2 idleprocs=0 threads=8 spinningthreads=0 idlethreads=1 runqueue=0 gcwaiting=true \
         nmidlelocked=1 stopwait=1 sysmonwait=false",
    );
    // long/1.25.5-web-sched1500+detail-p2-s6742.log:276
    check(
        "SCHED 12049ms: gomaxprocs=2 idleprocs=0 threads=5 spinningthreads=1 needspinning=0 idlethreads=2 \
         runqueue=0 gcwaiting=true nmidlelocked=0 stopwait=1 sysmonwait=false",
        "sched_detail_1_20",
        "at_ms=12049 gomaxprocs=2 idleprocs=0 threads=5 spinningthreads=1 needspinning=0 idlethreads=2 runqueue=0 \
         gcwaiting=true nmidlelocked=0 stopwait=1 sysmonwait=false",
    );
}

/// The range is that of the line alone, as narrow as its shape and its notes make it.
#[test]
fn names_the_releases_that_print_a_line() {
    let range = |line: &str| {
        let parsed = parse_bytes(format!("{line}\n").as_bytes());
        let go = parsed[0].items[0].get("go");
        go.list().iter().map(Json::text).collect::<Vec<&str>>().join("-")
    };
    let tail = "0.14+0.64+0.002 ms clock, 0.28+0.10/0.61/0.023+0.004 ms cpu, 3->4->0 MB, 4 MB goal";
    assert_eq!(range(&format!("gc 17 @0.030s 7%: {tail}, 2 P")), "1.6-1.17");
    assert_eq!(range(&format!("gc 17 @0.030s 7%: {tail}, 0 MB stacks, 0 MB globals, 2 P")), "1.18-1.27");
    assert_eq!(
        range(&format!("gc 17 @0.030s 7% (checking for goroutine leaks): {tail}, 0 MB stacks, 0 MB globals, 2 P")),
        "1.26-1.27"
    );
    assert_eq!(range("GC forced"), format!("1.4-1.{NEWEST_MINOR}"));
    assert_eq!(range("scvg2: GC forced"), "1.0-1.3");
    assert_eq!(range("SCHED 0ms: gomaxprocs=1 idleprocs=0 threads=2 idlethreads=0 runqueue=0 [3]"), "1.2-1.3");
}
