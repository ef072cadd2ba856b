//! What was found at the place of a hover: message, conditions with their numbers, what its numbers say about the future.
//!
//! It stands before everything general, and takes the room of what a rule's page says better.

use tracelog::{ItemValue, LineCol, Loc};

use super::Hover;
use crate::diagnostics::locate;
use crate::evidence::{self, Here};
use crate::markup::Markup;
use crate::rules::Place;
use crate::snapshot::Snapshot;

/// Lines of a hover: it fits on a screen.
pub(super) const MAX_HEIGHT: usize = 25;
/// Conditions are cut to no fewer lines, whatever else there is to tell.
const MIN_CONDITIONS: usize = 3;
/// Findings at one place that are told; the outline and the list of problems have all.
const MAX_FINDINGS: usize = 3;

/// What was found about a value on a line, or underlines it; where none is named, about the line as a whole, and in a line
/// each what was found about its fields. `room` is for how many lines; messages of what covers the place `above` are
/// known already.
pub(super) fn section(
    snapshot: &Snapshot,
    line: u32,
    value: Option<&ItemValue>,
    room: usize,
    above: Option<LineCol>,
) -> Option<String> {
    let parsed = snapshot.parsed.as_deref()?;
    let mut here = evidence::here(parsed, line);
    let underlined = |here: &Here<'_>| locate(snapshot, Place { line, field: here.field });
    if let Some(value) = value {
        let covers = |loc: Loc| loc.line == value.loc.line && loc.start <= value.loc.start && value.loc.end <= loc.end;
        here.retain(|here| here.field == Some(value.field) || here.field.is_none() && covers(underlined(here)));
    }
    if here.is_empty() {
        return None;
    }
    here.truncate(MAX_FINDINGS);
    let is_whole = |here: &Here<'_>| (value.is_some() || here.field.is_none()) && !here.is_further;
    let n_whole = here.iter().filter(|here| is_whole(here)).count().max(1);
    let mut markup = Markup::default();
    for here in &here {
        let finding = here.finding;
        evidence::title(&mut markup, finding);
        if here.is_further {
            let line = finding.place.line + 1;
            markup.prose(&format!("Here too; the worst is on line {line}: {}", finding.message));
            continue;
        }
        let loc = above.map(|_| underlined(here));
        let is_above = |at: LineCol| loc.is_some_and(|loc| loc.touches(at));
        if !above.is_some_and(is_above) {
            markup.prose(&finding.message);
        }
        if is_whole(here) {
            let used = markup.height();
            evidence::conditions(
                &mut markup,
                &finding.test,
                (room.saturating_sub(used + 1) / n_whole).max(MIN_CONDITIONS),
            );
            evidence::outlook(&mut markup, finding);
        }
    }
    Some(markup.finish())
}

/// What was found where no trace line stands.
pub(super) fn alone(snapshot: &Snapshot, at: LineCol, above: Option<LineCol>) -> Option<Hover> {
    let loc = evidence::covering(snapshot, snapshot.parsed.as_deref()?, at)?;
    let mut markdown = section(snapshot, at.line, None, MAX_HEIGHT, above)?;
    let mut footer = Markup::default();
    write_pages(&mut footer, snapshot, at.line);
    markdown.push_str("\n\n");
    markdown.push_str(&footer.finish());
    Some(Hover { loc, markdown })
}

/// Links to the pages of the rules that found something on a line.
pub(super) fn write_pages(markup: &mut Markup, snapshot: &Snapshot, line: u32) {
    let mut words: Vec<(String, Option<String>)> = Vec::new();
    for (code, _) in evidence::on_line(snapshot, line) {
        let lead = if words.is_empty() { "What to do next: " } else { ", " };
        words.push((lead.to_owned(), None));
        words.push((code.to_owned(), Some(code.to_owned())));
    }
    if !words.is_empty() {
        markup.linked(&words);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use expect_test::{Expect, expect};
    use tracelog::catalog::gc;
    use tracelog::{Field, Log, Text};

    use super::*;
    use crate::rules::fixture::{GcLine, gc_lines};
    use crate::settings::Settings;
    use crate::{Links, hover, markup};

    fn open(text: &str) -> Snapshot {
        Snapshot::new(Arc::new(Text::new(text)), Log::read(text.as_bytes()), Arc::new(Settings::default()))
    }

    /// The hover over a field of a line (from 0), or over its keyword.
    fn hover_over(snapshot: &Snapshot, line: u32, field: Option<Field>) -> String {
        let items = snapshot.items(line).items;
        let byte = match field {
            Some(field) => items[0].values.iter().find(|value| value.field == field).unwrap().loc.start,
            None => items[0].loc.start,
        };
        let markdown = hover(snapshot, LineCol { line, byte }).unwrap().markdown;
        let mut measured = Markup::default();
        measured.append(&markdown);
        assert!(measured.height() <= MAX_HEIGHT, "{markdown}");
        markup::rendered(&Links::None.resolve(&markdown)) + "\n"
    }

    fn check(snapshot: &Snapshot, line: u32, field: Option<Field>, expected: Expect) {
        expected.assert_eq(&hover_over(snapshot, line, field));
    }

    /// A leak with one long pause.
    fn leak() -> Snapshot {
        open(&gc_lines(200, |idx| {
            let live = 20 + idx / 5;
            let stop = if idx == 150 { 90.0 } else { 0.02 };
            GcLine {
                n: idx + 1,
                at_s: idx as f64 / 2.0,
                clock_ms: [stop, 1.5, 0.01],
                heap_mb: [2 * live, 2 * live, live, 2 * live],
                ..GcLine::default()
            }
        }))
    }

    #[test]
    fn the_field_that_a_finding_is_about_tells_it_first() {
        let snapshot = leak();
        let finding = &snapshot.parsed.as_ref().unwrap().analysis().findings[0];
        assert_eq!((finding.rule.code, finding.place.field), ("GC101", Some(gc::HEAP_LIVE_MB)));
        check(
            &snapshot,
            finding.place.line,
            finding.place.field,
            expect![[r#"
                Live heap: 32 MB

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
                - Pace: 1435 MB/h

                - In this run: ▮▮▮▯▯▯▯▯▯▯ ordinary: lower than 67 % of 200 lines
                - Lines around: ▁▁▁▁▁▃▃▃▃▃[▅]▅▅▅▅▆▆▆▆▆█ · whole run: ▁▁▂▂▂▃▃[▃]▄▄▄▄▅▅▅▅▆▆▆▇▇▇██
                - min 20 · median 39 · p99 59 · max 59 MB
                - Before: 31 MB (+1)
                - Survived: 32 MB / 64 MB = 50 %

                Bytes this cycle marked, that is the live heap it found, in MiB rounded down. Objects allocated while marking ran count as live.

                A bad value suggests: Steady growth over cycles that were not forced suggests memory that is kept. Close to the heap at end again and again means that the collector finds little garbage.

                What to do next: GC101

                gc.heap_live_mb · read by 8 rules · see Live heap · runtime/mgc.go gcMarkTermination (bytesMarked)
            "#]],
        );
    }

    #[test]
    fn a_value_that_is_underlined_with_its_line_tells_what_was_found_there() {
        let panic = open("panic: boom\n\ngoroutine 1 [running]:\nmain.main()\n\t/src/main.go:7 +0x1d\n");
        let over = |byte| hover(&panic, LineCol { line: 0, byte }).unwrap().markdown;
        assert!(over(8).starts_with("**Text**") && over(8).contains("**FT107 panic**"), "{}", over(8));
        let first = |idx| GcLine { n: idx + 1, at_s: idx as f64, ..GcLine::default() };
        let restart = open(&(gc_lines(9, first) + &gc_lines(9, first)));
        let number = hover_over(&restart, 9, Some(gc::N));
        assert!(number.contains("LG101 restart-in-log") && number.contains("✓"), "{number}");
        assert!(!hover_over(&restart, 9, Some(gc::PROCS)).contains("LG101"));
    }

    #[test]
    fn a_message_that_stands_above_the_hover_is_not_said_again() {
        let snapshot = leak();
        let finding = &snapshot.parsed.as_ref().unwrap().analysis().findings[0];
        let items = snapshot.items(finding.place.line).items;
        let loc = items[0].values.iter().find(|value| value.field == gc::HEAP_LIVE_MB).unwrap().loc;
        let over = |byte| crate::hover_below_findings(&snapshot, LineCol { line: loc.line, byte }).unwrap().markdown;
        for on_value in [over(loc.start), over(loc.end)] {
            assert!(on_value.contains("GC101 live-heap-leak") && on_value.contains("✓ cycles"), "{on_value}");
            assert!(!on_value.contains("Live heap keeps rising:"), "{on_value}");
        }
        for byte in [0, loc.end + 1] {
            assert!(over(byte).contains("Live heap keeps rising:"), "nothing is underlined there: {}", over(byte));
        }
    }

    #[test]
    fn other_fields_of_the_line_tell_what_they_always_tell() {
        let snapshot = leak();
        let line = snapshot.parsed.as_ref().unwrap().analysis().findings[0].place.line;
        let goal = hover_over(&snapshot, line, Some(gc::HEAP_GOAL_MB));
        assert!(!goal.contains("GC101 live-heap-leak:") && goal.contains("How to read it"), "{goal}");
    }

    #[test]
    fn the_keyword_tells_what_was_found_on_the_line() {
        let snapshot = leak();
        let line = snapshot.parsed.as_ref().unwrap().analysis().findings[0].place.line;
        check(
            &snapshot,
            line,
            None,
            expect![[r#"
                Garbage collection, printed by Go 1.18 – 1.27

                GC101 live-heap-leak: warning

                Live heap keeps rising: 29→56 MB over 67 s (1435 MB/h, strong evidence); still rising in the second half, so far no release seen in 100 s.

                GC number                     61
                Start time                30.000 s
                GC CPU share                   1 %
                Sweep termination          0.020 ms
                Concurrent mark              1.5 ms
                Mark termination           0.010 ms
                Sweep termination P-time   0.020 ms
                Assist P-time                  0 ms
                Background mark P-time       1.5 ms
                Idle mark P-time               0 ms
                Mark termination P-time    0.010 ms
                Heap at start                 64 MB
                Heap at end                   64 MB
                Live heap                     32 MB
                Heap goal                     64 MB
                Stacks                         0 MB
                Globals                        0 MB
                Ps                             4

                What to do next: GC101

                gc: every field and layout, by release
            "#]],
        );
    }

    #[test]
    fn what_is_found_on_a_whole_line_is_told_over_its_keyword() {
        let first = |idx| GcLine { n: idx + 1, at_s: idx as f64, ..GcLine::default() };
        let snapshot = open(&(gc_lines(9, first) + &gc_lines(9, first)));
        let finding = &snapshot.parsed.as_ref().unwrap().analysis().findings[0];
        assert_eq!(finding.rule.code, "LG101");
        let text = hover_over(&snapshot, finding.place.line, None);
        assert!(text.contains("LG101 restart-in-log: info") && text.contains(&finding.message), "{text}");
    }
}
