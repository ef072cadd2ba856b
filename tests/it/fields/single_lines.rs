//! The lines of scheddetail, the pacer, package initialization, finalizers and allocfreetrace.

use super::check;

// ---------------------------------------------------------------- scheddetail

#[test]
fn names_the_fields_of_p_lines() {
    // runs/1.2.2/zoo-sched500+detail-p2-s835.log:11
    check(
        "  P1: status=1 schedtick=207 syscalltick=11 m=5 runqsize=0/128 gfreecnt=2",
        "sched_p_1_2",
        "p=1 p_status=1 schedtick=207 syscalltick=11 m=5 runqsize=0 runqcap=128 gfreecnt=2",
    );
    // runs/1.8.7/zoo-sched500+detail-p2-s224.log:63; no thread is -1
    check(
        "  P0: status=3 schedtick=9135 syscalltick=12 m=-1 runqsize=1 gfreecnt=0",
        "sched_p_1_3",
        "p=0 p_status=3 schedtick=9135 syscalltick=12 m=-1 runqsize=1 gfreecnt=0",
    );
    // runs/1.20.6/web-sched500+detail-p2-s919.log:13; no thread is nil
    check(
        "  P0: status=0 schedtick=487 syscalltick=1080 m=nil runqsize=0 gfreecnt=1 timerslen=3",
        "sched_p_1_14",
        "p=0 p_status=0 schedtick=487 syscalltick=1080 runqsize=0 gfreecnt=1 timerslen=3",
    );
}

#[test]
fn names_the_fields_of_m_lines() {
    // runs/1.2.2/zoo-sched500+detail-p2-s835.log:13
    check(
        "  M6: p=0 curg=24 mallocing=0 throwing=0 gcing=0 locks=0 dying=0 helpgc=0 spinning=0 lockedg=-1",
        "sched_m_1_2",
        "thread=6 held_p=0 curg=24 mallocing=0 throwing=0 gcing=0 locks=0 dying=0 helpgc=0 spinning=false lockedg=-1",
    );
    // runs/1.4.3/idle-sched1000+detail-p4-s589.log:8
    check(
        "  M0: p=0 curg=1 mallocing=0 throwing=0 gcing=1 locks=1 dying=0 helpgc=0 spinning=0 blocked=0 lockedg=1",
        "sched_m_1_3",
        "thread=0 held_p=0 curg=1 mallocing=0 throwing=0 gcing=1 locks=1 dying=0 helpgc=0 spinning=false \
         blocked=false lockedg=1",
    );
    // runs/1.7.6/lockedthreads-sched500+detail-p2-s911.log:12 of the whole corpus
    check(
        "  M30: p=-1 curg=-1 mallocing=0 throwing=0 preemptoff= locks=0 dying=0 helpgc=0 spinning=false blocked=true \
         lockedg=-1",
        "sched_m_1_5",
        "thread=30 held_p=-1 curg=-1 mallocing=0 throwing=0 preemptoff=\"\" locks=0 dying=0 helpgc=0 spinning=false \
         blocked=true lockedg=-1",
    );
    // formats, scheddetail.md section 4: the reason may hold blanks
    check(
        "  M41: p=0 curg=6 mallocing=0 throwing=0 preemptoff=read mem stats locks=0 dying=0 spinning=false \
         blocked=true lockedg=nil",
        "sched_m_1_12",
        "thread=41 held_p=0 curg=6 mallocing=0 throwing=0 preemptoff=\"read mem stats\" locks=0 dying=0 \
         spinning=false blocked=true",
    );
}

#[test]
fn names_the_fields_of_g_lines() {
    // runs/1.2.2/zoo-sched500+detail-p2-s835.log:21
    check("  G2: status=3() m=3 lockedm=-1", "sched_g", "g=2 g_status=3 reason=\"\" m=3 lockedm=-1");
    // runs/1.5.4/idle-sched1000+detail-p4-s500.log:20; the reason ends at the last parenthesis
    check(
        "  G2: status=4(force gc (idle)) m=-1 lockedm=-1",
        "sched_g",
        "g=2 g_status=4 reason=\"force gc (idle)\" m=-1 lockedm=-1",
    );
    // wrapped/kubectl-ts-detail4-1.4.3-steady.log of the whole corpus; with the scan bit
    check(
        "  G11: status=4100(sleep) m=-1 lockedm=-1",
        "sched_g",
        "g=11 g_status=4100 reason=\"sleep\" m=-1 lockedm=-1",
    );
    // runs/1.26.6/idle-sched1000+detail-p4-s819.log:13
    check("  G3: status=4(GC sweep wait) m=nil lockedm=nil", "sched_g", "g=3 g_status=4 reason=\"GC sweep wait\"");
}

// ---------------------------------------------------------------- pacer

#[test]
fn names_the_fields_of_pacer_start_lines() {
    // runs/1.6.4/steady-gc1+sched100+detail+pacer+scav+init-all-p2-s763.log:50 of the whole corpus
    check(
        "pacer: assist ratio=+1.839035e+000 (scan 1 MB in 17->18 MB) workers=0+1",
        "pacer_start_1_5",
        "assist_ratio=1.839035 scannable_mb=1 heap_start_mb=17 heap_goal_mb=18 workers_dedicated=0 \
         workers_fractional=1",
    );
    // runs/1.21.13/heapleak-gc1+pacer-p2-s170.log:13 of the whole corpus; the second plus belongs to the number
    check(
        "pacer: assist ratio=+5.060330e-001 (scan 0 MB in 7->9 MB) workers=0++2.500000e-001",
        "pacer_start_1_10",
        "assist_ratio=0.506033 scannable_mb=0 heap_start_mb=7 heap_goal_mb=9 workers_dedicated=0 \
         fractional_share=0.25",
    );
    // runs/1.27.3/sawtooth-gc1+pacer+scav-p4-s789.log:21 of the whole corpus
    check(
        "pacer: assist ratio=0.45987368489064534 (scan 0 MB in 3->4 MB) workers=1+0",
        "pacer_start_1_26",
        "assist_ratio=0.45987368489064534 scannable_mb=0 heap_start_mb=3 heap_goal_mb=4 workers_dedicated=1 \
         fractional_share=0",
    );
}

#[test]
fn names_the_fields_of_pacer_end_lines() {
    // runs/1.5.4/steady-gc1+sched100+detail+pacer+scav+init-all-p2-s325.log:47 of the whole corpus
    check(
        "pacer: H_m_prev=9668520 h_t=+9.500000e-001 H_T=17664535 h_a=+8.686666e-001 H_a=18067240 h_g=+1.000000e+000 \
         H_g=19337040 u_a=+2.512215e-001 u_g=+2.500000e-001 W_a=1015088 goalΔ=+5.000000e-002 \
         actualΔ=-8.133344e-002 u_a/u_g=+1.004886e+000",
        "pacer_end_1_5",
        "heap_marked_prev_bytes=9668520 trigger_ratio=0.95 heap_trigger_bytes=17664535 growth_ratio=0.8686666 \
         heap_end_bytes=18067240 goal_ratio=1 heap_goal_bytes=19337040 mark_utilization=0.2512215 \
         goal_utilization=0.25 scan_work_bytes=1015088 goal_margin=0.05 growth_margin=-0.08133344 \
         utilization_ratio=1.004886",
    );
    // runs/1.19.8/sawtooth-gc1+pacer+scav-p4-s619.log:18 of the whole corpus; a minus before the last float
    check(
        "pacer: 25% CPU (25 exp.) for 96968+11256+253520 B work (361320 B exp.) in 3013270 B -> 3456520 B \
         (∆goal -737784, cons/mark -1.898401e-001)",
        "pacer_end_1_18",
        "mark_cpu_pct=25 mark_cpu_goal_pct=25 heap_work_bytes=96968 stack_work_bytes=11256 \
         globals_work_bytes=253520 expected_work_bytes=361320 heap_trigger_bytes=3013270 heap_end_bytes=3456520 \
         goal_overshoot_bytes=-737784 cons_mark=-0.1898401 pacer_reset=false",
    );
    // formats, pacer.md section 5
    check(
        "pacer: 25% CPU (25 exp.) for 27576+1880+201544 B work (243320 B exp.) in 42659448 B -> 42667544 B \
         (∆goal -38562480, cons/mark +6.272626e+000)[controller reset]",
        "pacer_end_1_18",
        "mark_cpu_pct=25 mark_cpu_goal_pct=25 heap_work_bytes=27576 stack_work_bytes=1880 \
         globals_work_bytes=201544 expected_work_bytes=243320 heap_trigger_bytes=42659448 heap_end_bytes=42667544 \
         goal_overshoot_bytes=-38562480 cons_mark=6.272626 pacer_reset=true",
    );
    // runs/1.26.6/gcthrash-pacer+gc1-p2-s352.log:18 of the whole corpus
    check(
        "pacer: 29% CPU (25 exp.) for 530064+12152+203722 B work (746146 B exp.) in 4290232 B -> 4355480 B \
         (∆goal -288, cons/mark 2.745227705409513)",
        "pacer_end_1_26",
        "mark_cpu_pct=29 mark_cpu_goal_pct=25 heap_work_bytes=530064 stack_work_bytes=12152 \
         globals_work_bytes=203722 expected_work_bytes=746146 heap_trigger_bytes=4290232 heap_end_bytes=4355480 \
         goal_overshoot_bytes=-288 cons_mark=2.745227705409513",
    );
}

#[test]
fn names_the_fields_of_pacer_sweep_lines() {
    // runs/1.6.4/steady-gc1+sched100+detail+pacer+scav+init-all-p2-s763.log:53 of the whole corpus
    check(
        "pacer: sweep done at heap size 10MB; allocated 0MB of spans; swept 2268 pages",
        "pacer_sweep_1_6",
        "heap_sweep_end_mb=10 spans_allocated_mb=0 pages_swept=2268",
    );
    // runs/1.8.7/heapleak-gc1+pacer-p4-s402.log:20 of the whole corpus
    check(
        "pacer: sweep done at heap size 10MB; allocated 0MB of spans; swept 1981 pages at +2.246524e-004 pages/byte",
        "pacer_sweep_1_7",
        "heap_sweep_end_mb=10 spans_allocated_mb=0 pages_swept=1981 pages_per_byte=0.0002246524",
    );
    // runs/1.10.8/heapleak-gc1+pacer-p4-s488.log:20 of the whole corpus
    check(
        "pacer: sweep done at heap size 7MB; allocated 0MB during sweep; swept 1842 pages at +2.934356e-004 pages/byte",
        "pacer_sweep_1_9",
        "heap_sweep_end_mb=7 sweep_growth_mb=0 pages_swept=1842 pages_per_byte=0.0002934356",
    );
    // formats, pacer.md section 6, Go 1.27
    check(
        "pacer: sweep done at heap size 0MB; allocated 0MB during sweep; swept 51 pages at 2.8279382555724246e-05 \
         pages/byte",
        "pacer_sweep_1_26",
        "heap_sweep_end_mb=0 sweep_growth_mb=0 pages_swept=51 pages_per_byte=0.000028279382555724246",
    );
}

// ---------------------------------------------------------------- init, checkfinalizers, scan

#[test]
fn names_the_fields_of_init_lines() {
    // formats, inittrace.md
    check(
        "init internal/godebug @0.18 ms, 0.069 ms clock, 6808 bytes, 129 allocs",
        "init",
        "package=\"internal/godebug\" start_ms=0.18 init_ms=0.069 init_alloc_bytes=6808 init_allocs=129",
    );
}

#[test]
fn names_the_fields_of_checkfinalizers_lines() {
    // formats, README.md section 1
    check(
        "checkfinalizers: queue: 0 finalizers + 5 cleanups",
        "checkfinalizers",
        "finalizers_queued=0 cleanups_queued=5",
    );
}

#[test]
fn names_the_fields_of_scan_lines() {
    // formats, gctrace.md section 8
    check("scan: total 36602 objs", "scan_total", "objects_scanned=36602");
    check("scan: class L 12 objs", "scan_class", "size_class=\"L\" objects_scanned=12");
    check("scan: class 48B 1458 objs", "scan_class", "size_class=\"48B\" objects_scanned=1458");
    check(
        "scan: total 438+4721+31443=36602 objs, 794+664=1458 spans",
        "scan_total_green",
        "objects_scanned_single=438 objects_scanned_sparse=4721 objects_scanned_dense=31443 objects_scanned=36602 \
         spans_sparse=794 spans_dense=664 spans_scanned=1458",
    );
    check(
        "scan: class 48B 438+4721+31443=36602 objs, 794+664=1458 spans",
        "scan_class_green",
        "size_class=\"48B\" objects_scanned_single=438 objects_scanned_sparse=4721 objects_scanned_dense=31443 \
         objects_scanned=36602 spans_sparse=794 spans_dense=664 spans_scanned=1458",
    );
}

// ---------------------------------------------------------------- allocfreetrace

#[test]
fn names_the_fields_of_allocfreetrace_lines() {
    // runs/1.3.3/tiny-allocfree-p1.log:57 of the whole corpus; no type is known
    check(
        "tracealloc(0xc208018000, 0x50, single object)",
        "tracealloc_typed",
        "address=833357971456 size_bytes=80 type=\"single object\"",
    );
    // runs/1.20.6/tiny-allocfree-p1.log of the whole corpus
    check(
        "tracealloc(0xc000016020, 0x10, struct { F uintptr; .autotmp_1 chan int })",
        "tracealloc_typed",
        "address=824633810976 size_bytes=16 type=\"struct { F uintptr; .autotmp_1 chan int }\"",
    );
    // formats, allocfree.md: the type ends at the last parenthesis
    check(
        "tracealloc(0xc000016020, 0x10, func(int) (string, error))",
        "tracealloc_typed",
        "address=824633810976 size_bytes=16 type=\"func(int) (string, error)\"",
    );
    // formats, allocfree.md, Go 1.10
    check("tracealloc(0xc420058000, 0x70)", "tracealloc", "address=842350821376 size_bytes=112");
    // runs/1.5.4/tiny-allocfree-p1.log:1543 of the whole corpus
    check("tracefree(0xc820010330, 0x30)", "tracefree", "address=859530396464 size_bytes=48");
    // runs/1.14.2/tiny-allocfree-p1.log of the whole corpus
    check("tracegc()", "tracegc_begin", "");
    check("end tracegc", "tracegc_end", "");
}
