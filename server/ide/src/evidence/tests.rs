//! What rules say about runs, in words.

use std::sync::Arc;

use expect_test::{Expect, expect};
use tracelog::{Log, Text};

use super::*;
use crate::rules::evidence::{Bound, Confidence};
use crate::rules::fixture::{GcLine, gc_lines, sched_lines};
use crate::rules::{Place, RULES, Related};
use crate::settings::{Level, RuleSettings, Settings};
use crate::{Links, markup};

fn open_with(text: &str, settings: Settings) -> Snapshot {
    Snapshot::new(Arc::new(Text::new(text)), Log::read(text.as_bytes()), Arc::new(settings))
}

fn open(text: &str) -> Snapshot {
    open_with(text, Settings::default())
}

fn short_run() -> String {
    gc_lines(12, |idx| GcLine { n: idx + 1, at_s: idx as f64 / 4.0, ..GcLine::default() })
}

/// A leak of 40 MB in 100 s.
fn leak() -> String {
    gc_lines(200, |idx| {
        let live = 20 + idx / 5;
        GcLine {
            n: idx + 1,
            at_s: idx as f64 / 2.0,
            heap_mb: [2 * live, 2 * live, live, 2 * live + 1],
            ..GcLine::default()
        }
    })
}

fn check(text: &str, rule: &str, run: Option<usize>, expected: Expect) {
    let markdown = evidence(&open(text), rule, run).unwrap();
    expected.assert_eq(&(markup::rendered(&Links::None.resolve(&markdown)) + "\n"));
}

#[test]
fn what_was_found_is_told_with_its_places() {
    check(
        &leak(),
        "GC101",
        Some(0),
        expect![[r#"
            GC101 live-heap-leak: warning

            Live heap keeps rising: 29→56 MB over 67 s (1435 MB/h, strong evidence); still rising in the second half, so far no release seen in 100 s.

            - ✓ cycles: 200 (≥ 40 needed)
            - ✓ time: 99.5 s (≥ 30 s needed)
            - ✓ chance that the lows rise by accident (p): less than 0.001 (below 0.01 needed)
            - ✓ how steadily the lows rise (tau, at most 1): 1 (≥ 0.4 needed)
            - ✓ growth of the lows: 26.7 MB (≥ 2.9 MB needed)
            - ✓ of that given back again: 0 % (below 35 % needed)
            - ✓ pace of the second half, times that of the first: 1 (≥ 0.3 needed)
            - ✓ odds that it goes on rising, against a level that was reached: 1000 (≥ 1.7 needed)
            - Pace: 1435 MB/h · Heap peaks: about 112 MB
            - Shown at: line 61
            - line 31: first used: 26 MB at 15.0 s
            - line 196: highest: 59 MB at 97.5 s
            - line 200: last used: 59 MB at 99.5 s

            GC101: Live heap keeps rising: what it looks for, what to do next
        "#]],
    );
}

#[test]
fn what_was_not_found_for_want_of_data_says_what_is_missing() {
    check(
        &short_run(),
        "live-heap-leak",
        Some(0),
        expect![[r#"
        GC101 live-heap-leak: too short to judge

        Not enough data: it needs 40 cycles and 30 s, has 12 and 2.75 s.

        - ✗ cycles: 12 (≥ 40 needed)
        - ✗ time: 2.75 s (≥ 30 s needed)

        GC101: Live heap keeps rising: what it looks for, what to do next
    "#]],
    );
}

#[test]
fn a_rule_without_its_lines_says_what_would_record_them() {
    check(
        &short_run(),
        "SC101",
        Some(0),
        expect![[r#"
        SC101 run-queue-saturated: nothing to judge

        No line of the kind that it reads is here (Scheduler). GODEBUG=schedtrace=1000 makes the program print them.

        SC101: All Ps are busy and many goroutines wait for one: what it looks for, what to do next
    "#]],
    );
    check(
        &sched_lines(9, 2, 0.1, |_| (1, 0)),
        "gc101",
        Some(0),
        expect![[r#"
            GC101 live-heap-leak: nothing to judge

            No line of the kind that it reads is here (Garbage collection). GODEBUG=gctrace=1 makes the program print them.

            GC101: Live heap keeps rising: what it looks for, what to do next
        "#]],
    );
}

#[test]
fn a_release_that_does_not_print_what_is_read_is_named() {
    let old =
        "gc 3 @0.031s 4%: 0.022+0.27+0.040 ms clock, 0.18+0.10/0.41/0.066+0.32 ms cpu, 4->4->0 MB, 5 MB goal, 8 P\n";
    check(
        old,
        "GC104",
        Some(0),
        expect![[r#"
        GC104 goroutine-stack-growth: nothing to judge

        Go 1.6 – 1.17 prints none of what it reads: Stacks (Go 1.18 – 1.27).

        GC104: Goroutine stacks keep growing: what it looks for, what to do next
    "#]],
    );
}

#[test]
fn what_a_release_does_not_print_and_what_was_not_recorded_are_told_apart() {
    check(
        &short_run(),
        "SC110",
        Some(0),
        expect![[r#"
            SC110 goroutine-count-leak: nothing to judge

            Go 1.18 – 1.27 prints none of what it reads: Goroutines (Go 1.4).

            No line of the kind that it reads is here (Scheduler: G). GODEBUG=schedtrace=1000,scheddetail=1 makes the program print them.

            SC110: Ever more goroutines wait: what it looks for, what to do next
        "#]],
    );
}

#[test]
fn rules_about_other_ends_of_growth_say_what_the_leak_rule_asked() {
    check(
        &short_run(),
        "GC102",
        Some(0),
        expect![[r#"
        GC102 live-heap-growth-slowing: too short to judge

        Not enough data: it needs 40 cycles and 30 s, has 12 and 2.75 s.

        - ✗ cycles: 12 (≥ 40 needed)
        - ✗ time: 2.75 s (≥ 30 s needed)

        GC102: Live heap still rises, but ever slower: what it looks for, what to do next
    "#]],
    );
    let steady = gc_lines(60, |idx| GcLine { n: idx + 1, at_s: idx as f64, ..GcLine::default() });
    check(
        &steady,
        "GC103",
        Some(0),
        expect![[r#"
            GC103 live-heap-step: not found

            What GC101 asked of the same live heap:

            - ✓ cycles: 60 (≥ 40 needed)
            - ✓ time: 59 s (≥ 30 s needed)
            - ✗ chance that the lows rise by accident (p): 0.5 (below 0.01 needed)
            - ✗ how steadily the lows rise (tau, at most 1): 0 (≥ 0.4 needed)
            - ✗ growth of the lows: 0 MB (≥ 2 MB needed)
            - ✗ the second half rises
            - ✗ odds that it goes on rising, against a level that was reached: 1.29 (≥ 1.7 needed)

            GC103: Live heap jumped once and stayed there: what it looks for, what to do next
        "#]],
    );
    check(
        &leak(),
        "GC102",
        Some(0),
        expect![[r#"
        GC102 live-heap-growth-slowing: not found

        GC101 tells of the growth of this run.

        GC102: Live heap still rises, but ever slower: what it looks for, what to do next
    "#]],
    );
}

#[test]
fn a_rule_that_looked_in_vain_says_no_more_than_that() {
    check(
        &short_run(),
        "GC502",
        Some(0),
        expect![[r#"
        GC502 timer-gc: not found

        It read this run and what it looks for did not come up.

        GC502: The runtime collected because two minutes had passed: what it looks for, what to do next
    "#]],
    );
}

#[test]
fn a_rule_that_is_off_was_not_looked_for() {
    let off = RuleSettings { slug: "live-heap-leak".to_owned(), level: Some(Level::Off), ..RuleSettings::default() };
    let snapshot = open_with(&leak(), Settings { rules: vec![off], ..Settings::default() });
    let markdown = evidence(&snapshot, "GC101", Some(0)).unwrap();
    assert!(markdown.starts_with("**GC101 live-heap-leak**: off\n"), "{markdown}");
}

#[test]
fn no_such_rule_or_run_has_no_evidence() {
    let snapshot = open(&short_run());
    assert_eq!(evidence(&snapshot, "GC999", Some(0)), None);
    assert_eq!(evidence(&snapshot, "GC101", Some(7)), None);
    for rule in RULES {
        for run in [None, Some(0)] {
            assert!(evidence(&snapshot, rule.slug, run).is_some_and(|text| text.contains(rule.code)));
        }
    }
}

#[test]
fn leak_rules_that_lack_data_are_named_where_there_are_cycles() {
    let words = |text: &str| {
        let snapshot = open(text);
        not_enough_in_words(&not_enough(snapshot.parsed.as_deref().unwrap(), 0))
    };
    let said = words(&short_run()).unwrap();
    assert!(said.starts_with("not enough data: GC101 needs 40 cycles and 30 s, has 12 and 2.75 s"), "{said}");
    assert_eq!(words(&leak()).filter(|said| said.contains("GC101")), None);
    assert_eq!(words(&sched_lines(9, 2, 0.1, |_| (1, 0))), None);

    let brief = gc_lines(60, |idx| GcLine { n: idx + 1, at_s: idx as f64 / 10.0, ..GcLine::default() });
    let brief = brief.replace("MB goal, ", "MB goal, 1 MB stacks, 0 MB globals, ");
    assert_eq!(words(&brief).as_deref(), Some("not enough data: GC101 and GC104 need 30 s, the run has 5.9 s"));
}

#[test]
fn a_rule_has_judged_a_log_when_it_judged_one_run_of_it() {
    let of = |text: &str, rule: &str| overall(open(text).parsed.as_deref().unwrap(), rules::named(rule).unwrap());
    let short = "needs 40 cycles and 30 s, has 12 and 2.75 s".to_owned();
    let flat = gc_lines(60, |idx| GcLine { n: idx + 1, at_s: idx as f64, ..GcLine::default() });
    assert_eq!(of(&short_run(), "GC101"), Overall::TooShort(short));
    assert_eq!(of(&(flat + &short_run()), "GC101"), Overall::Judged);
    assert_eq!(of(&short_run(), "GC502"), Overall::Judged);
    assert_eq!(of(&short_run(), "SC101"), Overall::NotRead);
    assert_eq!(of("starting\n", "GC101"), Overall::NotRead);
}

#[test]
fn conditions_that_do_not_hold_are_kept_where_there_is_no_room() {
    let mut test = Test::default();
    for cycles in 0..6 {
        test.data("cycles", 40.0 + f64::from(cycles), 40.0, "");
    }
    test.value("tau", 0.2, Bound::AtLeast(0.4), "");
    let shown = |max| {
        let mut markup = Markup::default();
        conditions(&mut markup, &test, max);
        markup.finish()
    };
    assert_eq!(shown(9).lines().count(), 7);
    let expected = ["- ✓ cycles: 40 (≥ 40 needed)", "- ✗ tau: 0.2 (≥ 0.4 needed)", "- and 5 more conditions"];
    assert_eq!(shown(3).lines().collect::<Vec<_>>(), expected);
}

#[test]
fn pace_and_end_are_read_off_the_numbers() {
    let numbers = [("rate_mb_per_h", 1431.2), ("to_limit_s", 10_440.0)];
    assert_eq!(outlook_of(&numbers), [("Pace:", "1431 MB/h".to_owned()), ("Limit reached:", "in 2.9 h".to_owned())]);
    assert_eq!(outlook_of(&[("to_limit_s", 0.0)]), [("Limit reached:", "now".to_owned())]);
    assert_eq!(outlook_of(&[("rate_goroutines_per_min", 12.0)]), [("Pace:", "12 goroutines/min".to_owned())]);
    assert_eq!(outlook_of(&[("rate_per_s", 3.0)]), [("Pace:", "3/s".to_owned())]);
    assert_eq!(outlook_of(&[("base_mb", 3.0), ("to_limit_s", f64::INFINITY)]), []);
}

#[test]
fn text_of_a_log_stays_text() {
    let hostile = "[x](command:y) <img src=z> `a`";
    let mut finding = Finding { message: hostile.to_owned(), ..Finding::about(rules::named("GC101").unwrap()) };
    finding.test.fact(hostile, true);
    finding.confidence = Some(Confidence::Strong);
    let place = Place { line: 3, field: None };
    finding.related.push(Related { place, text: hostile.to_owned() });
    let mut markup = Markup::default();
    title(&mut markup, &finding);
    markup.prose(&finding.message);
    conditions(&mut markup, &finding.test, 9);
    places(&mut markup, &finding, &|line| format!("{hostile}:{line}"));
    let markdown = markup.finish();
    // The name of a file is in a place of its own, which is escaped; sentences show such words as code.
    assert_eq!(markdown.matches("`[x](command:y)` `<img` src=z>").count(), 4, "{markdown}");
    assert_eq!(markdown.matches("\\[x](command:y) \\<img src=z>").count(), 1, "{markdown}");
    assert!(markdown.starts_with("**GC101 live-heap-leak**: error, strong evidence\n"), "{markdown}");
}
