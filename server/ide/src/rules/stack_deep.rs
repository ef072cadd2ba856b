//! ## What it looks for
//!
//! Stacks that were too deep to be printed in full (`...N frames elided...`), and stacks of 90 frames or more, in which the
//! same functions come again and again: Info, one remark for a process, at the deepest. A stack that was cut but repeats
//! nothing is a hint.
//!
//! ## Why it matters
//!
//! A recursion without an end fills 1 GB of stack (250 MB on 32-bit systems) within seconds and ends the program with
//! `stack overflow`. One that ends copies its stack each time it outgrows it, and the collector scans all of it.
//!
//! ## What to do next
//!
//! The message names the functions that call each other. Look for what should end them: a visited set for data with
//! cycles, a depth limit for input from outside, `String` or `Error` methods that print their own receiver.
//!
//! ## Limits
//!
//! Go prints at most 100 frames of a stack: since Go 1.21 the 50 innermost and the 50 outermost with the number of those
//! between, before that the 100 innermost. Frames of the runtime count although they are hidden, so deep stacks of Go 1.0
//! to 1.20 often end after about 96 frames without a word; hence 90. Deep recursion can be right: a parser, a walk through
//! a deep tree.
//!
//! ## Example
//!
//! ```text
//! goroutine 1 gp=0x153388e661e0 m=2 mp=0x153388ea0808 [running]:
//! main.recurse(0x0?)
//!     /src/main.go:30 +0x39 fp=0x15338908f470 sp=0x15338908f418 pc=0x6c28f9
//! ...11795 frames elided...
//! ```

use std::ops::ControlFlow;

use tracelog::blocks::{Block, Cause, Dump, Goroutine};
use tracelog::catalog::{frame, goroutine, shapes, stack_note};
use tracelog::{Family, RowId};

use super::evidence::{Bound, Confidence, Test};
use super::goroutines::{Stack, Worst};
use super::{BlocksView, Check, Finding, Findings, Kind, Limit, Limits, Place, Rule, Severity, limit};
use crate::words::{count, grouped};

/// GR108.
pub(crate) static RULE: Rule = Rule {
    code: "GR108",
    slug: "stack-deep",
    title: "A stack is very deep and its functions repeat",
    severity: Severity::Info,
    kind: Kind::Point,
    reads: &[goroutine::STATE, stack_note::FRAMES_ELIDED, frame::FUNCTION],
    limits: LIMITS,
    check: Check::Blocks(check),
};

const LIMITS: &[Limit] = &[
    limit("min_frames", 90.0, "frames", "Printed frames from which a stack without a note counts as deep."),
    limit("max_period", 12.0, "functions", "How many functions a repeating part may have."),
    limit("min_repeating", 0.8, "of the frames", "How much of the stack must repeat."),
];

/// Frames that Go prints of a stack that it cuts.
const PRINTED: u64 = 100;

/// A stack that was cut, or is as long as what is printed.
struct Deep<'a> {
    entry: &'a Goroutine,
    /// Frames in all, as far as it is known.
    n: Option<u64>,
    is_cut: bool,
    /// The functions that repeat, innermost first.
    repeating: Vec<String>,
}

fn check(view: &BlocksView, limits: &Limits, findings: &mut Findings) {
    let mut worst = Worst::default();
    for block in &view.blocks.list {
        if let Block::Dump(dump) = block
            && dump.cause != Cause::Allocation
        {
            of_dump(view, dump, limits, &mut worst);
        }
    }
    worst.publish(1.0, findings);
}

fn of_dump(view: &BlocksView, dump: &Dump, limits: &Limits, worst: &mut Worst) {
    let Some(run) = view.runs.list.get(dump.run) else { return };
    let is_note =
        |row: &&RowId| [shapes::STACK_NOTE_ELIDED_1_3, shapes::STACK_NOTE_ELIDED_1_21].contains(&view.log.shape(**row));
    let mut notes: Vec<(u32, RowId)> =
        run.rows(Family::StackNote).iter().filter(is_note).map(|row| (view.log.line(*row), *row)).collect();
    notes.sort_unstable_by_key(|(line, _)| *line);
    let mut deep: Vec<Deep> = dump.goroutines.iter().filter_map(|entry| deep(view, entry, &notes, limits)).collect();
    deep.sort_by_key(|deep| (deep.repeating.is_empty(), std::cmp::Reverse(deep.n), deep.entry.lines.0));
    let n_repeating = deep.iter().filter(|deep| !deep.repeating.is_empty()).count();
    if let Some(deepest) = deep.first() {
        let n_others = if n_repeating > 0 { n_repeating } else { deep.len() } - 1;
        let weight = deepest.n.map_or(usize::MAX, |n| usize::try_from(n).unwrap_or(usize::MAX));
        let seen = deepest.n.map_or_else(|| "a stack that was cut".to_owned(), grouped_frames);
        worst.add(0, weight, seen, finding(view, dump, deepest, n_others, limits));
    }
}

fn deep<'a>(view: &BlocksView, entry: &'a Goroutine, notes: &[(u32, RowId)], limits: &Limits) -> Option<Deep<'a>> {
    let at = notes.partition_point(|(line, _)| *line < entry.lines.0);
    let note = notes.get(at).filter(|(line, _)| *line <= entry.lines.1).map(|(_, row)| *row);
    let is_long = entry.frames.len() as f64 >= limits.get("min_frames");
    if note.is_none() && !is_long {
        return None;
    }
    let elided = note.and_then(|note| view.log.code(note, stack_note::FRAMES_ELIDED));
    let functions = entry.functions(view.log);
    let repeating = repeating(&functions, limits);
    let n = match (note, elided) {
        (Some(_), Some(elided)) => Some(elided.saturating_add(PRINTED)),
        (Some(_), None) => None,
        (None, _) => Some(entry.frames.len() as u64),
    };
    let is_cut = note.is_some();
    (is_cut || !repeating.is_empty()).then_some(Deep { entry, n, is_cut, repeating })
}

/// The shortest list of functions that comes again and again through most of a stack.
fn repeating(functions: &[String], limits: &Limits) -> Vec<String> {
    let share = |period: usize| {
        let pairs = functions.iter().zip(&functions[period..]);
        let n_same = pairs.filter(|(inner, outer)| inner == outer).count();
        n_same as f64 / (functions.len() - period) as f64
    };
    let max = (limits.get("max_period").clamp(1.0, 1000.0) as usize).min(functions.len() / 3);
    let found = (1..=max).try_for_each(|period| {
        if share(period) >= limits.get("min_repeating") {
            ControlFlow::Break(period)
        } else {
            ControlFlow::Continue(())
        }
    });
    let ControlFlow::Break(period) = found else { return Vec::new() };
    // The innermost frames may be of what the recursion calls.
    let same = |at: &usize| functions[*at] == functions[at + period];
    let at = (0..functions.len() - period).find(same).unwrap_or(0);
    functions[at..at + period].to_vec()
}

fn finding(view: &BlocksView, dump: &Dump, deepest: &Deep, n_others: usize, limits: &Limits) -> Finding {
    let entry = deepest.entry;
    let name = entry.id(view.log).map_or_else(|| "A goroutine".to_owned(), |id| format!("Goroutine {id}"));
    let depth = match deepest.n {
        Some(n) => format!("is {} deep", grouped_frames(n)),
        None => format!("is more than {PRINTED} frames deep"),
    };
    let what = match deepest.repeating.as_slice() {
        [] => format!(" at {}", Stack::of_goroutine(view.log, entry).place()),
        [only] => format!(": {} calls itself", short(only)),
        several => format!(": {} call each other, {}", count(several.len(), "function"), chain(several)),
    };
    let others = if n_others == 0 { String::new() } else { format!("; {} too", count(n_others, "other goroutine")) };
    let mut test = Test::default();
    if deepest.is_cut {
        test.fact("the stack was too deep to be printed in full", true);
    } else {
        test.value("printed frames", entry.frames.len() as f64, Bound::AtLeast(limits.get("min_frames")), "");
    }
    if !deepest.repeating.is_empty() {
        test.fact("its functions repeat", true);
    }
    Finding {
        severity: if deepest.repeating.is_empty() { Severity::Hint } else { Severity::Info },
        run: Some(dump.run),
        place: Place { line: view.log.line(entry.row), field: Some(goroutine::STATE) },
        message: format!("{name} {depth}{what}{others}."),
        count: n_others + 1,
        numbers: deepest.n.map(|n| ("frames", n as f64)).into_iter().collect(),
        confidence: Some(Confidence::Strong),
        test,
        ..Finding::about(&RULE)
    }
}

fn grouped_frames(n: u64) -> String {
    format!("{} frames", grouped(usize::try_from(n).unwrap_or(usize::MAX)))
}

fn short(function: &str) -> String {
    crate::words::shorten(&crate::markup::plain(function), 60)
}

/// The outermost calls the next, and the innermost the outermost again.
fn chain(functions: &[String]) -> String {
    const MAX_NAMED: usize = 4;
    let mut names: Vec<String> = functions.iter().rev().take(MAX_NAMED).map(|function| short(function)).collect();
    if functions.len() > MAX_NAMED {
        names.push("…".to_owned());
    }
    names.join(" → ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::fixture::findings_in_text;
    use crate::rules::goroutines::fixture::goroutine;

    fn stack(functions: &[&str]) -> String {
        goroutine(7, "running", functions)
    }

    /// `n` frames of functions that come one after another, again and again.
    fn cycle<'a>(n: usize, functions: &[&'a str]) -> Vec<&'a str> {
        functions.iter().copied().cycle().take(n).collect()
    }

    #[test]
    fn a_function_that_calls_itself_is_named_with_the_depth() {
        let log = "\
fatal error: stack overflow

goroutine 1 gp=0x153388e661e0 m=2 mp=0x153388ea0808 [running]:
main.recurse(0x0?)
	/src/main.go:30 +0x39 fp=0x15338908f470 sp=0x15338908f418 pc=0x6c28f9
main.recurse(0x0?)
	/src/main.go:30 +0x39 fp=0x15338908f4d0 sp=0x15338908f478 pc=0x6c28f9
main.recurse(0x0?)
	/src/main.go:30 +0x39 fp=0x15338908f530 sp=0x15338908f4d8 pc=0x6c28f9
...11795 frames elided...
main.recurse(0x0?)
	/src/main.go:30 +0x39 fp=0x1533890ff530 sp=0x1533890ff4d8 pc=0x6c28f9
";
        let found = findings_in_text(&RULE, log);
        assert_eq!(found, "3:state Info GR108: Goroutine 1 is 11,895 frames deep: main.recurse calls itself.\n");
    }

    #[test]
    fn old_releases_cut_without_a_word() {
        let found = findings_in_text(&RULE, &stack(&cycle(90, &["main.(*node).walk", "main.(*node).visit"])));
        let expected = "1:state Info GR108: Goroutine 7 is 90 frames deep: 2 functions call each other, \
                        main.(*node).visit → main.(*node).walk.\n";
        assert_eq!(found, expected);
        assert_eq!(findings_in_text(&RULE, &stack(&cycle(89, &["main.(*node).walk"]))), "");
    }

    #[test]
    fn a_deep_stack_that_repeats_nothing_is_a_hint_where_it_was_cut() {
        let names: Vec<String> = (0..95).map(|idx| format!("main.filter{idx}")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        assert_eq!(findings_in_text(&RULE, &stack(&names)), "");
        let cut = stack(&names).replace("created by", "...additional frames elided...\ncreated by");
        let expected =
            "1:state Hint GR108: Goroutine 7 is more than 100 frames deep at main.filter0 (/src/mainfilter0.go:10).\n";
        assert_eq!(findings_in_text(&RULE, &cut), expected);
    }

    #[test]
    fn what_the_recursion_calls_does_not_hide_it() {
        let mut functions = vec!["runtime.growslice", "main.(*visit).note"];
        functions.extend(cycle(95, &["main.parse"]));
        assert!(findings_in_text(&RULE, &stack(&functions)).contains("97 frames deep: main.parse calls itself"));
    }

    #[test]
    fn a_dump_has_one_remark() {
        let one = |id, n| goroutine(id, "runnable", &cycle(n, &["main.parse"]));
        let found = findings_in_text(&RULE, &(one(5, 91) + &one(6, 99) + &one(7, 95)));
        assert_eq!(found.lines().count(), 1, "{found}");
        assert!(
            found.contains("Goroutine 6 is 99 frames deep: main.parse calls itself; 2 other goroutines too."),
            "{found}"
        );
    }
}
