//! Fixtures of folding: log text in; folds out.

use std::sync::Arc;

use expect_test::{Expect, expect};
use tracelog::{Log, Text};

use super::*;
use crate::rules::fixture::{GcLine, gc_lines, sched_lines};

fn folds_of(text: &str) -> Vec<Fold> {
    folds(&Snapshot::new(Arc::new(Text::new(text)), Log::read(text.as_bytes()), Arc::default()))
}

/// Folds, one line each, indented as they nest.
fn check(text: &str, expect: Expect) {
    let folds = folds_of(text);
    let depth = |fold: &Fold| folds.iter().filter(|outer| outer.first < fold.first && fold.last <= outer.last).count();
    let shown = folds
        .iter()
        .map(|fold| format!("{}{}-{} {}\n", "  ".repeat(depth(fold)), fold.first + 1, fold.last + 1, fold.text));
    expect.assert_eq(&shown.collect::<String>());
}

fn cycles(n: u64, pause_ms: impl Fn(u64) -> f64) -> String {
    gc_lines(n, |idx| GcLine {
        n: idx + 1,
        at_s: idx as f64 / 4.0,
        clock_ms: [pause_ms(idx), 1.5, 0.01],
        heap_mb: [19, 20, 10 + idx % 2, 20],
        ..GcLine::default()
    })
}

#[test]
fn cycles_without_findings_fold_under_their_numbers() {
    check(
        &cycles(38, |_| 0.2),
        expect![[r#"
            1-38 38 cycles, live 10–11 MB, pause max 0.2 ms
        "#]],
    );
    // The line on which something was found stays, and other output ends a fold.
    let text = cycles(38, |idx| if idx == 20 { 80.0 } else { 0.2 });
    let (before, behind) = text.split_at(text.match_indices('\n').nth(9).unwrap().0 + 1);
    check(
        &format!("{before}listening on :8080\n{behind}"),
        expect![[r#"
            1-10 10 cycles, live 10–11 MB, pause max 0.2 ms
            12-21 10 cycles, live 10–11 MB, pause max 0.2 ms
            23-39 17 cycles, live 10–11 MB, pause max 0.2 ms
        "#]],
    );
}

#[test]
fn samples_fold_with_the_cycles_they_stand_among() {
    check(
        &sched_lines(12, 4, 1.0, |_| (2, 0)),
        expect![[r#"
        1-12 12 samples
    "#]],
    );
}

#[test]
fn long_stretches_are_cut_so_that_each_fold_tells_of_its_part() {
    let folds = folds_of(&cycles(1_050, |_| 0.2));
    assert_eq!(folds.len(), 11);
    assert!(folds.windows(2).all(|pair| pair[0].last + 1 == pair[1].first));
    assert!(folds_of(&cycles(9_000, |_| 0.2)).len() <= 90);
}

const DUMP: &str = "\
panic: boom

goroutine 1 [running]:
panic(0x1, 0x2)
\t/go/src/runtime/panic.go:1 +0x1
runtime.goPanicIndex(0x1, 0x2)
\t/go/src/runtime/panic.go:2 +0x1
main.handle(0x1)
\t/src/main.go:7 +0x1
main.main()
\t/src/main.go:3 +0x1

goroutine 17 [chan receive]:
main.worker(0x1)
\t/src/main.go:20 +0x1
created by main.main
\t/src/main.go:2 +0x1

goroutine 18 [chan receive]:
main.worker(0x2)
\t/src/main.go:20 +0x1
created by main.main
\t/src/main.go:2 +0x1

goroutine 19 [chan receive]:
main.worker(0x3)
\t/src/main.go:20 +0x1
created by main.main
\t/src/main.go:2 +0x1
exit status 2
";

#[test]
fn stacks_fold_with_what_repeats_in_them() {
    check(
        DUMP,
        expect![[r#"
        1-29 panic: boom · 4 goroutines in 2 groups · 3 chan receive · 1 running · 3 in main…
          3-11 4 frames
            4-7 2 runtime frames
          13-17 1 frame
          18-29 2 more like goroutine 17
            19-23 1 frame
            25-29 1 frame
    "#]],
    );
}

#[test]
fn folds_never_cross_and_stay_bounded() {
    let mut text = String::new();
    for _ in 0..3 {
        text.push_str(&cycles(40, |_| 0.2));
        text.push_str(DUMP);
        text.push_str(&"other\n".repeat(9));
        text.push_str(&sched_lines(40, 2, 0.1, |idx| (0, 30 * (idx / 20))));
    }
    let list = folds_of(&text);
    for (idx, fold) in list.iter().enumerate() {
        assert!(fold.first < fold.last, "{fold:?}");
        for other in &list[idx + 1..] {
            let is_behind = other.first > fold.last;
            assert!(is_behind || other.last <= fold.last, "{fold:?} and {other:?} cross");
        }
    }
    let many = format!(
        "{}x\n",
        "SCHED 0ms: gomaxprocs=1 idleprocs=0 threads=3 idlethreads=0 runqueue=0 [0]\nx\nx\nx\nx\n".repeat(6_000)
    );
    assert!(folds_of(&many).len() <= MAX_FOLDS);
}
