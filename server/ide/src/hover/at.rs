//! Which value the text between values belongs to: a name before it (`gomaxprocs=`), a unit behind it (` MB goal`).

use tracelog::{Item, ItemValue, LineCol, Loc};

/// The value whose printed name or unit stands at a place, and where name or unit and value stand.
///
/// None where the text belongs to all of the line, or to several values (` ms clock`).
pub(super) fn named<'a>(item: &'a Item, line: &[u8], at: LineCol) -> Option<(&'a ItemValue, Loc)> {
    let printed = |value: &&ItemValue| value.loc.line == at.line && value.loc.end > value.loc.start;
    let values = || item.values.iter().filter(printed);
    let next = values().find(|value| value.loc.start >= at.byte);
    let previous = values().rfind(|value| value.loc.end <= at.byte);
    let start = previous.map_or(item.loc.start, |value| value.loc.end) as usize;
    let end = next.map_or(item.loc.end, |value| value.loc.start) as usize;
    let between = std::str::from_utf8(line.get(start..end)?).ok()?;
    if let Some(next) = next
        && let Some(name_at) = name(between)
        && start + name_at <= at.byte as usize
    {
        return Some((next, Loc::new(at.line, (start + name_at) as u32, next.loc.end)));
    }
    let previous = previous?;
    let len = unit(between)?;
    let is_one_of_several =
        line.get(previous.loc.start.checked_sub(1)? as usize).is_some_and(|byte| b"+/>".contains(byte));
    let is_on_unit = (at.byte as usize) < start + len && !is_one_of_several;
    is_on_unit.then(|| (previous, Loc::new(at.line, previous.loc.start, (start + len) as u32)))
}

/// Where the name begins that stands directly before a value: `idleprocs=`, `idle: `, `(scan `.
fn name(between: &str) -> Option<usize> {
    let is_of_name = |c: char| c.is_alphanumeric() || "_/∆".contains(c);
    for sign in ["=", ": ", " = "] {
        if let Some(before) = between.strip_suffix(sign) {
            let at = before.trim_end_matches(is_of_name).len();
            return (at < before.len()).then_some(at);
        }
    }
    // A word alone is a name only where a part of the line begins; elsewhere it may be the unit of what stands before.
    let before = between.strip_suffix(' ')?;
    let at = before.trim_end_matches(is_of_name).len();
    let begins_part = before[..at].ends_with('(') || before[..at].ends_with(", ") || before[..at].ends_with("; ");
    (at < before.len() && begins_part).then_some(at)
}

/// Length of the unit, and the words that belong to it, directly behind a value: `%`, ` MB goal`, ` KiB work`.
fn unit(between: &str) -> Option<usize> {
    let len = between.find([',', ';', ':', '(', ')', '=', '[', ']', '+', '-', '@']).unwrap_or(between.len());
    let unit = between[..len].trim_end();
    let has_words = unit.contains(|c: char| c.is_alphabetic() || c == '%');
    // A name may follow without a comma: the unit ends before it.
    let ends = name(between).map_or(unit.len(), |at| unit.len().min(between[..at].trim_end().len()));
    (has_words && ends > 0).then_some(ends)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tracelog::{Log, Text};

    use crate::{Settings, Snapshot};

    /// The fields over which the hover is about when the cursor is on each of these words.
    #[track_caller]
    fn check(line: &str, words: &[(&str, &str)]) {
        let text = Arc::new(Text::new(line));
        let snapshot = Snapshot::new(text, Log::read(line.as_bytes()), Arc::new(Settings::default()));
        for (word, title) in words {
            let byte = (line.find(word).expect("the word is there") + word.len() / 2) as u32;
            let hover = super::super::hover(&snapshot, tracelog::LineCol { line: 0, byte }).unwrap();
            let got = hover.markdown.trim_start_matches("**").split("**").next().unwrap_or_default().to_owned();
            assert_eq!(got, *title, "over {word:?} of {line}");
            assert!(hover.loc.start <= byte && byte <= hover.loc.end, "{word}: {:?}", hover.loc);
        }
    }

    #[test]
    fn the_name_before_a_value_is_that_of_its_field() {
        check(
            "SCHED 34ms: gomaxprocs=2 idleprocs=0 threads=4 spinningthreads=0 needspinning=1 idlethreads=1 runqueue=1 [35 44]",
            &[
                ("SCHED", "Scheduler"),
                ("ms:", "Time"),
                ("gomaxprocs", "GOMAXPROCS"),
                ("idleprocs", "Idle Ps"),
                ("spinningthreads", "Spinning threads"),
                (" runqueue", "Global run queue"),
            ],
        );
        check(
            "scvg1: inuse: 4, idle: 9, sys: 13, released: 9, consumed: 4 (MB)",
            &[("idle", "Idle"), ("consumed", "Consumed")],
        );
        check(
            "pacer: sweep done at heap size 0MB; allocated 0MB during sweep; swept 51 pages at 2.8279382555724246e-05 pages/byte",
            &[("swept 51", "Pages swept"), (" pages at", "Pages swept"), ("sweep done", "Pacer: end of the sweep")],
        );
    }

    #[test]
    fn the_unit_behind_a_value_is_its_own_where_no_other_shares_it() {
        check(
            "gc 10 @18.747s 3%: 0.047+7.5+0.003 ms clock, 0.094+0.011/3.9/8.8+0.007 ms cpu, 16->16->9 MB, 16 MB goal, 0 MB stacks, 0 MB globals, 2 P",
            &[
                ("gc", "Garbage collection"),
                ("%", "GC CPU share"),
                ("ms clock", "Garbage collection"),
                ("ms cpu", "Garbage collection"),
                (" MB goal", "Heap goal"),
                ("goal", "Heap goal"),
                ("MB globals", "Globals"),
                (" P", "Ps"),
            ],
        );
    }
}
