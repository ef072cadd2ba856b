//! What is set for runs of known numbers.

use std::sync::Arc;

use tracelog::{Log, Text};

use super::*;
use crate::rules::fixture::{GcLine, gc_lines, view};
use crate::snapshot::Snapshot;

/// A steady run: `live_mb` live, GOGC=100, a cycle every `gap_s` that costs `cpu_ms`, 2 Ps.
fn steady(n: u64, live_mb: u64, gap_s: f64, cpu_ms: f64) -> Measured {
    let log = gc_lines(n, |idx| GcLine {
        n: idx + 1,
        at_s: idx as f64 * gap_s,
        clock_ms: [0.0, cpu_ms / 2.0, 0.0],
        cpu_ms: [0.0, cpu_ms],
        heap_mb: [2 * live_mb - 1, 2 * live_mb, live_mb, 2 * live_mb],
        procs: 2,
    });
    Measured::of(&view(&log).runs[0], None).expect("a steady run can be measured")
}

fn asked(measured: Measured, place: Place) -> Tuning {
    tuning(0, measured, Some(GoReleases::range(19, 27)), &[], &place)
}

fn container(memory_limit_mb: f64) -> Place {
    Place { memory_limit_mb: Some(memory_limit_mb), ..Place::default() }
}

#[test]
fn a_limit_that_only_catches_peaks() {
    let tuning = asked(steady(800, 180, 1.0, 60.0), container(512.0));
    assert_eq!(tuning.line.as_deref(), Some("GOMEMLIMIT=460MiB"));
    assert_eq!(
        tuning.reason,
        "512 MiB container, live ≤ 180 MB: effective GOGC 135 at the limit, GC share stays 3 %; the limit only catches \
         peaks"
    );
    assert!(!tuning.is_provisional && tuning.refusal.is_none());
}

#[test]
fn a_live_heap_below_a_megabyte_has_no_number_of_its_own() {
    let measured = Measured { live_mb: 0.0, held_mb: 0.0, gc_share: 0.01, ..steady(800, 10, 1.0, 60.0) };
    let reason = asked(measured, container(128.0)).reason;
    let said = "128 MiB container, live below 1 MB: effective GOGC above 1000 at the limit";
    assert!(reason.starts_with(said), "{reason}");
}

#[test]
fn a_limit_has_to_hold_peaks() {
    let spike = Finding::about(crate::rules::RULES.iter().find(|rule| rule.code == "GC105").expect("a rule"));
    let measured = Measured { highest_mb: 146.0, ..steady(800, 10, 1.0, 6.0) };
    let of = |container_mb: f64, findings: &[&Finding]| {
        let go = Some(GoReleases::range(19, 27));
        tuning(0, measured.clone(), go, findings, &container(container_mb))
    };
    assert_eq!(of(100.0, &[]).line.as_deref(), Some("GOMEMLIMIT=90MiB"), "a high heap alone is garbage");
    let small = of(100.0, &[&spike]);
    assert_eq!((small.line, small.refusal), (None, Some(Refusal::TooLarge)));
    let said = "a heap with peaks of 146 MB in a 100 MiB container leaves effective GOGC 0: do not set GOMEMLIMIT";
    assert!(small.reason.starts_with(said), "{}", small.reason);
    let large = of(512.0, &[&spike]);
    let said = "512 MiB container, live ≤ 10 MB, peaks ≤ 146 MB: effective GOGC 190 at the limit";
    assert!(large.reason.starts_with(said), "{}", large.reason);
    let noted = "The heap has peaks of up to 146 MB";
    assert!(large.notes.iter().any(|note| note.starts_with(noted)), "{:?}", large.notes);
}

#[test]
fn a_limit_has_to_hold_the_start() {
    let log = gc_lines(200, |idx| GcLine {
        n: idx + 1,
        at_s: idx as f64,
        clock_ms: [0.0, 3.0, 0.0],
        cpu_ms: [0.0, 6.0],
        heap_mb: if idx < 12 { [150, 150, 120, 240] } else { [19, 20, 10, 20] },
        procs: 2,
    });
    let measured = Measured::of(&view(&log).runs[0], None).expect("a steady run can be measured");
    assert_eq!((measured.live_mb, measured.held_mb, measured.peak_mb), (10.0, 120.0, 20.0));
    let small = asked(measured.clone(), container(100.0));
    assert!(small.reason.starts_with("live heap 120 MB at the start in a 100 MiB container"), "{}", small.reason);
    let large = asked(measured, container(512.0));
    let said = "512 MiB container, live ≤ 10 MB, at the start ≤ 120 MB: effective GOGC 253 at the limit";
    assert!(large.reason.starts_with(said), "{}", large.reason);
}

#[test]
fn the_goal_of_a_limit_is_not_taken_for_gogc() {
    let finding = Finding::about(crate::rules::RULES.iter().find(|rule| rule.code == "GC402").expect("a rule"));
    assert_eq!(tuning(0, steady(800, 50, 1.0, 60.0), None, &[&finding], &container(512.0)).measured.gogc_pct, None);
}

#[test]
fn a_live_heap_that_is_too_large_is_refused_with_what_it_needs() {
    let tuning = asked(steady(800, 420, 1.0, 60.0), container(512.0));
    assert_eq!((tuning.line, tuning.refusal), (None, Some(Refusal::TooLarge)));
    assert_eq!(
        tuning.reason,
        "live heap 420 MB in a 512 MiB container leaves effective GOGC 1: do not set GOMEMLIMIT; needs about 755 MiB, or a \
         live heap below 282 MB"
    );
}

#[test]
fn memory_that_is_there_buys_fewer_collections() {
    let tuning = asked(steady(800, 50, 1.0, 200.0), container(512.0));
    assert_eq!(tuning.line.as_deref(), Some("GOMEMLIMIT=460MiB GOGC=400"));
    let then = tuning.what_if.iter().find(|one| one.collector == Collector::Gogc(400.0)).expect("in the table");
    let now = tuning.measured.gc_share;
    assert!((now - 0.1).abs() < 0.005, "{now}");
    assert!((then.gc_share / now - 0.25).abs() < 0.01, "four times the room, a quarter of the cost: {then:?}");
    assert_eq!(then.peak_mb, 250.0);
}

#[test]
fn half_a_room_steers_at_peaks_and_little_is_a_warning() {
    let tuning = asked(steady(800, 250, 0.1, 30.0), container(512.0));
    assert_eq!(tuning.line.as_deref(), Some("GOMEMLIMIT=460MiB"));
    assert!(
        tuning.reason.contains("effective GOGC 69 at the limit, GC share about 22 % there (15 % now)"),
        "{}",
        tuning.reason
    );
    let tuning = asked(steady(800, 300, 0.1, 30.0), container(512.0));
    assert!(tuning.notes.iter().any(|note| note.contains("a larger container is better")), "{:?}", tuning.notes);
}

#[test]
fn before_the_limit_came_there_is_gogc() {
    let place = container(512.0);
    let tuning = tuning(0, steady(800, 100, 1.0, 60.0), Some(GoReleases::range(12, 16)), &[], &place);
    // 0.9 · 512 − (10 + 0.03 · 512) − 100, over 100.
    assert_eq!(tuning.line.as_deref(), Some("GOGC=335"));
    assert!(tuning.what_if.iter().all(|one| matches!(one.collector, Collector::Gogc(_))));
}

#[test]
fn growth_is_not_cured_by_settings() {
    let finding = Finding::about(crate::rules::RULES.iter().find(|rule| rule.code == "GC101").expect("a rule"));
    let tuning = tuning(0, steady(800, 100, 1.0, 60.0), None, &[&finding], &container(512.0));
    assert_eq!((tuning.line, tuning.refusal), (None, Some(Refusal::Grows)));
    assert!(tuning.what_if.is_empty(), "the live heap will be another");
}

#[test]
fn a_cpu_limit_below_gomaxprocs_is_set_and_never_below_two() {
    for (cpu_limit, line) in [(1.5, None), (0.5, None)] {
        let place = Place { cpu_limit: Some(cpu_limit), ..Place::default() };
        let mut measured = steady(800, 100, 1.0, 60.0);
        measured.procs = 8.0;
        assert_eq!(asked(measured, place).line.as_deref(), line.or(Some("GOMAXPROCS=2")), "{cpu_limit}");
    }
    let place = Place { cpu_limit: Some(2.0), ..Place::default() };
    assert_eq!(asked(steady(800, 100, 1.0, 60.0), place).line, None, "2 Ps are right");
    let place = Place { cpu_limit: Some(1.0), ..Place::default() };
    assert_eq!(asked(steady(800, 100, 1.0, 60.0), place).line, None, "2 Ps are as few as are advised");
}

#[test]
fn a_short_log_gives_a_line_for_now_only() {
    let tuning = asked(steady(60, 180, 1.0, 60.0), container(512.0));
    assert!(tuning.is_provisional);
    assert!(tuning.markdown().starts_with("For now: `GOMEMLIMIT=460MiB`"), "{}", tuning.markdown());
    assert!(tuning.notes.iter().any(|note| note.contains("50 cycles of log")), "{:?}", tuning.notes);
    let log = gc_lines(9, |idx| GcLine { n: idx + 1, at_s: idx as f64, ..GcLine::default() });
    assert_eq!(Measured::of(&view(&log).runs[0], None), None, "nine cycles, one of them start-up");
}

/// What is said of a log of 60 steady cycles with these lines behind them.
fn told(live_mb: u64, behind: &str, place: Place) -> Tuning {
    let log = gc_lines(60, |idx| GcLine {
        n: idx + 1,
        at_s: 20.0 * idx as f64,
        clock_ms: [0.0, 10.0, 0.0],
        cpu_ms: [0.0, 20.0],
        heap_mb: [2 * live_mb, 2 * live_mb, live_mb, 2 * live_mb],
        ..GcLine::default()
    });
    let text = log + behind;
    let lines = Arc::new(Text::new(&text));
    let snapshot = Snapshot::new(lines, Log::read(text.as_bytes()), Arc::default());
    let parsed = snapshot.parsed.unwrap();
    tunings(&parsed, &place).pop().unwrap()
}

const USAGE: &str = "memory: usage 524288kB, limit 524288kB, failcnt 1031\n";
const KILL: &str = "Memory cgroup out of memory: Killed process 4711 (server) total-vm:1724312kB, anon-rss:520192kB, \
                    file-rss:0kB, shmem-rss:0kB, UID:0 pgtables:1188kB oom_score_adj:968\n";

#[test]
fn the_limit_of_a_kill_is_taken_where_nobody_names_one() {
    let printed = told(210, &(USAGE.to_owned() + KILL), Place::default());
    assert_eq!(printed.limit, Some(ContainerLimit { mb: 512.0, source: LimitSource::Printed { line: 60 } }));
    assert_eq!(printed.line.as_deref(), Some("GOMEMLIMIT=460MiB"));
    let said = "The limit of 512 MiB is what the kernel printed when it killed the process";
    assert_eq!(printed.limit_origin(), Some((said.to_owned(), 60)));
    assert!(printed.markdown().contains(&format!("{said}, line 61.")), "{}", printed.markdown());

    let resident = told(210, KILL, Place::default());
    assert_eq!(resident.limit, Some(ContainerLimit { mb: 508.0, source: LimitSource::Resident { line: 60 } }));
    assert!(resident.limit_origin().unwrap().0.contains("508 MiB is the memory that the process had"));

    let named = told(210, KILL, container(1024.0));
    assert_eq!(named.limit, Some(ContainerLimit { mb: 1024.0, source: LimitSource::Setting }));
    assert_eq!(named.limit_origin(), None);
    assert_eq!(named.line.as_deref(), Some("GOMEMLIMIT=921MiB"));
    assert_eq!(told(210, "Killed\n", Place::default()).limit, None, "who killed it and why is not said");
}

#[test]
fn memory_that_is_not_the_heap_is_not_limited_by_settings() {
    let told = told(50, KILL, Place::default());
    assert_eq!((told.line, told.refusal), (None, Some(Refusal::Outside)));
    assert_eq!(
        told.reason,
        "of the 508 MB that the process had when it was killed, about 373 MB were neither the Go heap, which never took \
         more than 100 MB, nor the runtime's own (C code, mapped memory): no setting of the collector limits that"
    );
    assert!(!told.what_if.iter().any(|one| matches!(one.collector, Collector::LimitOnly(_))), "{:?}", told.what_if);
}
