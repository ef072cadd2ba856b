//! Fixtures of inlay hints: log text in; lines with their hints out.

use std::sync::Arc;

use expect_test::{Expect, expect};
use tracelog::{Log, Text};

use super::*;
use crate::rules::fixture::{GcLine, gc_lines};

const ALL: Kinds = Kinds { live_heap_delta: true, interval: true, outliers: true, wall_clock: true, states: true };

/// A line with its hints put in, between angle brackets.
fn shown(text: &str, line: u32, kinds: Kinds) -> String {
    let snapshot = Snapshot::new(Arc::new(Text::new(text)), Log::read(text.as_bytes()), Arc::default());
    let mut shown = text.lines().nth(line as usize).unwrap().to_owned();
    for hint in hints(&snapshot, line..line + 1, kinds).iter().rev() {
        shown.insert_str(hint.at.byte as usize, &format!("<{}>", hint.label));
    }
    shown
}

fn check(text: &str, line: u32, kinds: Kinds, expect: Expect) {
    expect.assert_eq(&shown(text, line, kinds));
}

/// Cycles of a steady program, one of which has a long pause and leaves more alive.
fn cycles() -> String {
    gc_lines(40, |idx| GcLine {
        n: idx + 1,
        at_s: idx as f64 / 4.0,
        clock_ms: [0.02, 1.5, if idx == 30 { 25.0 } else { 0.01 }],
        cpu_ms: [0.0, 90.0],
        heap_mb: [39, 40, if idx == 30 { 24 } else { 20 }, 40],
        ..GcLine::default()
    })
}

#[test]
fn each_kind_stands_behind_the_whole_group() {
    let only = |set: fn(&mut Kinds)| {
        let mut kinds = Kinds::default();
        set(&mut kinds);
        kinds
    };
    let text = cycles();
    check(
        &text,
        30,
        only(|kinds| kinds.outliers = true),
        expect![
            "gc 31 @7.500s 1%: 0.020+1.5+25 ms clock<2500× median>, 0.020+0/90/0+25 ms cpu, 39->40->24 MB, 40 MB goal, 0 MB stacks, 0 MB globals, 4 P"
        ],
    );
    check(
        &text,
        30,
        only(|kinds| kinds.live_heap_delta = true),
        expect![
            "gc 31 @7.500s 1%: 0.020+1.5+25 ms clock, 0.020+0/90/0+25 ms cpu, 39->40->24 MB<+4 MB>, 40 MB goal, 0 MB stacks, 0 MB globals, 4 P"
        ],
    );
    check(
        &text,
        30,
        only(|kinds| kinds.interval = true),
        expect![
            "gc 31 @7.500s 1%: 0.020+1.5+25 ms clock, 0.020+0/90/0+25 ms cpu<12 % CPU>, 39->40->24 MB, 40 MB goal, 0 MB stacks, 0 MB globals, 4 P"
        ],
    );
    check(
        &text,
        29,
        ALL,
        expect![
            "gc 30 @7.250s 1%: 0.020+1.5+0.010 ms clock, 0.020+0/90/0+0.010 ms cpu<9 % CPU>, 39->40->20 MB, 40 MB goal, 0 MB stacks, 0 MB globals, 4 P"
        ],
    );
}

#[test]
fn nothing_is_shown_unasked() {
    let text = cycles();
    assert_eq!(shown(&text, 30, Kinds::default()), text.lines().nth(30).unwrap());
}

#[test]
fn a_line_gets_the_most_telling_hints_and_no_more_than_fit() {
    let stamped: String = (0_u64..)
        .zip(cycles().lines())
        .map(|(idx, line)| {
            let ms = 120 + idx * 250;
            format!("2024-04-12T16:36:{:02}.{:03}000000Z {line}\n", 46 + ms / 1000, ms % 1000)
        })
        .collect();
    check(
        &stamped,
        30,
        ALL,
        expect![
            "2024-04-12T16:36:53.620000000Z gc 31 @7.500s 1%: 0.020+1.5+25 ms clock<2500× median>, 0.020+0/90/0+25 ms cpu, 39->40->24 MB<+4 MB>, 40 MB goal, 0 MB stacks, 0 MB globals, 4 P"
        ],
    );
    check(
        &stamped,
        29,
        Kinds { wall_clock: true, ..Kinds::default() },
        expect![
            "2024-04-12T16:36:53.370000000Z gc 30 @7.250s<16:36:53.343> 1%: 0.020+1.5+0.010 ms clock, 0.020+0/90/0+0.010 ms cpu, 39->40->20 MB, 40 MB goal, 0 MB stacks, 0 MB globals, 4 P"
        ],
    );
}

#[test]
fn arrows_with_blanks_are_part_of_a_group() {
    let live = Kinds { live_heap_delta: true, ..Kinds::default() };
    let text = "\
gc8(1): 1+0+997+0 us, 4 -> 8 MB, 57109 (57190-81) objects, 583/0/0 sweeps, 0(0) handoff, 0(0) steal, 0/0/0 yields
gc9(1): 0+0+3751+0 us, 8 -> 17 MB, 88235 (88698-463) objects, 1132/0/0 sweeps, 0(0) handoff, 0(0) steal, 0/0/0 yields
";
    check(
        text,
        1,
        live,
        expect![
            "gc9(1): 0+0+3751+0 us, 8 -> 17 MB<+4 MB>, 88235 (88698-463) objects, 1132/0/0 sweeps, 0(0) handoff, 0(0) steal, 0/0/0 yields"
        ],
    );
}

#[test]
fn status_numbers_have_names() {
    let block = "\
SCHED 501ms: gomaxprocs=1 idleprocs=1 threads=2 spinningthreads=0 needspinning=0 idlethreads=0 runqueue=0 gcwaiting=false nmidlelocked=0 stopwait=0 sysmonwait=false
  P0: status=0 schedtick=2 syscalltick=0 m=nil runqsize=0 gfreecnt=0 timerslen=0
  M0: p=nil curg=1 mallocing=0 throwing=0 preemptoff= locks=0 dying=0 spinning=false blocked=false lockedg=nil
  G2: status=4(force gc (idle)) m=nil lockedm=nil
  G5: status=1() m=nil lockedm=nil
";
    let states = Kinds { states: true, ..Kinds::default() };
    let all: Vec<String> = (0..5).map(|line| shown(block, line, states)).collect();
    expect![[r#"
        SCHED 501ms: gomaxprocs=1 idleprocs=1 threads=2 spinningthreads=0 needspinning=0 idlethreads=0 runqueue=0 gcwaiting=false nmidlelocked=0 stopwait=0 sysmonwait=false
          P0: status=0<idle> schedtick=2 syscalltick=0 m=nil runqsize=0 gfreecnt=0 timerslen=0
          M0: p=nil curg=1 mallocing=0 throwing=0 preemptoff= locks=0 dying=0 spinning=false blocked=false lockedg=nil
          G2: status=4(force gc (idle))<waiting> m=nil lockedm=nil
          G5: status=1()<runnable> m=nil lockedm=nil"#]].assert_eq(&all.join("\n"));
}
