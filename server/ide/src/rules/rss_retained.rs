//! ## What it looks for
//!
//! Free heap that still occupies memory: five lines of the old scavenger in a row (`scvg`, Go 1.0 to 1.13), or five
//! blocks of MemStats, in which idle minus released is at least half of all heap, and at least 16 MB.
//!
//! ## Why it matters
//!
//! The resident size of the process stays far above what the program uses. That is how these releases work, not a leak:
//! up to Go 1.11 a free span was returned after five minutes; in Go 1.12 to 1.15 Linux takes what was returned only when
//! it needs memory (MADV_FREE), so that the resident size stays up even though the runtime has given it back.
//!
//! ## What to do next
//!
//! A newer Go returns memory within seconds. With Go 1.12 to 1.15 the variable below makes the resident size tell the
//! truth. Where the peak is what hurts, lower it: stream large work, or set a lower GOGC.
//!
//! ```sh
//! # Go 1.12 to 1.15: what is returned leaves the resident size at once
//! export GODEBUG=madvdontneed=1
//! ```
//!
//! ## Limits
//!
//! A pass of the scavenger prints a line every minute (Go 1.0 to 1.3) or every two and a half (to 1.12). Go 1.13 prints
//! one each step of returning memory, hundreds a second: there the lines must span a minute by the times of other lines,
//! and no memory be returned meanwhile. MemStats blocks come with heap profiles in text.
//!
//! ## Example
//!
//! ```text
//! scvg2: inuse: 2, idle: 24, sys: 27, released: 0, consumed: 27 (MB)
//! scvg3: inuse: 0, idle: 26, sys: 27, released: 0, consumed: 27 (MB)
//! ```

use std::ops::Range;

use tracelog::Field;
use tracelog::catalog::{memstats, scvg};

use super::evidence::{Bound, Test};
use super::{Check, Finding, Findings, Kind, Limit, Limits, Place, Related, Rule, Severity, limit};
use crate::view::RunView;
use crate::words::{count, percent, rough};

/// GC604.
pub(crate) static RULE: Rule = Rule {
    code: "GC604",
    slug: "rss-retained",
    title: "Half of the heap is free, but not returned to the operating system",
    severity: Severity::Info,
    kind: Kind::Trend,
    reads: &[scvg::IDLE_MB, memstats::HEAP_IDLE_BYTES],
    limits: LIMITS,
    check: Check::Run(check),
};

const LIMITS: &[Limit] = &[
    limit("min_share", 0.5, "of the heap", "How much of the heap must be free and not returned."),
    limit("min_mb", 16.0, "MB", "How much it must be in size."),
    limit("min_in_a_row", 5.0, "lines", "On how many lines or blocks in a row."),
    limit("min_span_s", 60.0, "s", "How long those of Go 1.13 must last."),
];

/// Free heap that is not returned, at one moment.
struct Moment {
    line: u32,
    free_mb: f64,
    sys_mb: f64,
    released_mb: f64,
    at_s: f64,
    is_step: bool,
}

fn check(run: &RunView, limits: &Limits, findings: &mut Findings) {
    const BYTES_PER_MB: f64 = 1_048_576.0;
    let (scvg, stats) = (&run.scvg, &run.memstats);
    let lines: Vec<Moment> = (0..scvg.len())
        .map(|row| Moment {
            line: scvg.line[row],
            free_mb: scvg.idle_mb[row] - scvg.released_mb[row],
            sys_mb: scvg.sys_mb[row],
            released_mb: scvg.released_mb[row],
            at_s: scvg.at_s[row],
            is_step: scvg.is_step[row],
        })
        .collect();
    let blocks: Vec<Moment> = (0..stats.len())
        .map(|block| Moment {
            line: stats.line[block],
            free_mb: (stats.heap_idle_bytes[block] - stats.heap_released_bytes[block]) / BYTES_PER_MB,
            sys_mb: stats.heap_sys_bytes[block] / BYTES_PER_MB,
            released_mb: stats.heap_released_bytes[block] / BYTES_PER_MB,
            at_s: f64::NAN,
            is_step: false,
        })
        .collect();
    for (moments, field, word) in [(lines, scvg::IDLE_MB, "line"), (blocks, memstats::HEAP_IDLE_BYTES, "block")] {
        if !moments.is_empty() {
            judge(run, &moments, (field, word), limits, findings);
        }
    }
}

fn judge(run: &RunView, moments: &[Moment], (field, word): (Field, &str), limits: &Limits, findings: &mut Findings) {
    let stretch = longest(moments, limits);
    let mut test = Test::default();
    let what = format!("{word}s in a row with half of the heap free and not returned");
    test.value(&what, stretch.len() as f64, Bound::AtLeast(limits.get("min_in_a_row")), "");
    let (Some(first), Some(last)) = (moments.get(stretch.start), stretch.clone().last().map(|at| &moments[at])) else {
        findings.declined(&RULE, Some(run.run), test);
        return;
    };
    if first.is_step {
        test.value("time they last", last.at_s - first.at_s, Bound::AtLeast(limits.get("min_span_s")), "s");
    }
    if !test.holds() {
        findings.declined(&RULE, Some(run.run), test);
        return;
    }
    let place = |moment: &Moment| Place { line: moment.line, field: Some(field) };
    let evident = &moments[stretch.start + (limits.get("min_in_a_row") as usize).clamp(1, stretch.len()) - 1];
    let worst = moments[stretch.clone()].iter().max_by(|a, b| a.free_mb.total_cmp(&b.free_mb)).unwrap_or(evident);
    let related = |moment: &Moment, what: &str| Related {
        place: place(moment),
        text: format!("{what}: {} of {} MB", rough(moment.free_mb), rough(moment.sys_mb)),
    };
    findings.push(Finding {
        run: Some(run.run),
        place: place(evident),
        message: format!(
            "{} of {} MB heap ({}) are free, but not returned to the operating system ({}): the resident size stays up.",
            rough(worst.free_mb),
            rough(worst.sys_mb),
            percent(worst.free_mb / worst.sys_mb),
            count(stretch.len(), word),
        ),
        related: vec![related(first, "first"), related(worst, "most"), related(last, "last")],
        count: stretch.len(),
        numbers: vec![("free_mb", worst.free_mb), ("heap_sys_mb", worst.sys_mb), ("lines", stretch.len() as f64)],
        test,
        ..Finding::about(&RULE)
    });
}

/// The longest stretch in which much is free and not returned; of steps, the longest in which nothing is returned.
fn longest(moments: &[Moment], limits: &Limits) -> Range<usize> {
    let is_much = |moment: &Moment| {
        moment.free_mb >= limits.get("min_mb") && moment.free_mb >= limits.get("min_share") * moment.sys_mb
    };
    let mut longest = 0..0;
    let mut start = 0;
    for (at, moment) in moments.iter().enumerate() {
        let before = at.checked_sub(1).map(|before| &moments[before]);
        if moment.is_step && before.is_some_and(|before| before.released_mb != moment.released_mb) {
            start = at;
        }
        if !is_much(moment) {
            start = at + 1;
        } else if at + 1 - start > longest.len() {
            longest = start..at + 1;
        }
    }
    longest
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;
    use crate::rules::fixture::{GcLine, check, findings_in};

    fn passes(n: u64, idle: u64, released: u64) -> String {
        (0..n)
            .map(|pass| {
                let sys = 100;
                let inuse = sys - idle;
                format!(
                    "scvg{pass}: inuse: {inuse}, idle: {idle}, sys: {sys}, released: {released}, consumed: {} (MB)\n",
                    sys - released
                )
            })
            .collect()
    }

    #[test]
    fn free_heap_that_stays_is_told() {
        check(
            &RULE,
            &passes(6, 80, 10),
            expect![[r#"
                5:idle_mb Info GC604: 70 of 100 MB heap (70 %) are free, but not returned to the operating system (6 lines): the resident size stays up.
                  1:idle_mb first: 70 of 100 MB
                  6:idle_mb most: 70 of 100 MB
                  6:idle_mb last: 70 of 100 MB
            "#]],
        );
    }

    #[test]
    fn silent_just_below_the_limits() {
        assert_eq!(findings_in(&RULE, &passes(4, 80, 10)), "");
        assert_eq!(findings_in(&RULE, &passes(9, 60, 11)), "", "49 %");
        assert_ne!(findings_in(&RULE, &passes(5, 60, 10)), "");
        let small = passes(9, 80, 0).replace("idle: 80, sys: 100", "idle: 15, sys: 16");
        assert_eq!(findings_in(&RULE, &small), "", "15 MB");
    }

    #[test]
    fn steps_of_go_1_13_are_no_state() {
        let step = "scvg: inuse: 0, idle: 63, sys: 63, released: 28, consumed: 35 (MB)\n";
        let gc = |n: u64, at_s: f64| {
            GcLine { n, at_s, ..GcLine::default() }.to_string().replace(", 0 MB stacks, 0 MB globals", "")
        };
        let within = |seconds: f64| gc(1, 1.0) + &step.repeat(5) + &gc(2, 1.0 + seconds) + step;
        assert_eq!(findings_in(&RULE, &within(59.0)), "");
        assert_ne!(findings_in(&RULE, &within(60.0)), "");
        let progress = within(60.0).replacen("released: 28", "released: 27", 4);
        assert_eq!(findings_in(&RULE, &progress), "");
        assert_eq!(findings_in(&RULE, &step.repeat(500)), "", "no times");
    }

    #[test]
    fn memstats_tell_it_too() {
        let block = |idle_mb: u64| {
            format!(
                "heap profile: 27: 6272 [74: 140128] @ heap/1048576\n\n# runtime.MemStats\n# Alloc = 9000000\n\
                 # HeapSys = 104857600\n# HeapIdle = {}\n# HeapReleased = 1048576\n\n",
                idle_mb << 20
            )
        };
        let text = findings_in(&RULE, &block(90).repeat(5));
        assert!(text.contains("heap_idle_bytes Info GC604: 89 of 100 MB heap (89 %) are free"), "{text}");
        assert_eq!(findings_in(&RULE, &block(90).repeat(4)), "");
        assert_eq!(findings_in(&RULE, &block(40).repeat(9)), "");
    }
}
