//! The verdict on a whole file, in one line.

use tracelog::blocks::{Block, Cause};
use tracelog::catalog::init;
use tracelog::{Family, RowId};

use super::phase::begin;
use super::run::has_numbers;
use super::{Lens, LensAction, LensKind, MAX_CHARS, is_told, leading};
use crate::blocks;
use crate::markup;
use crate::phases::{Change, Phase};
use crate::rules::machine::DOUBT;
use crate::rules::{Finding, Severity, SoFar};
use crate::snapshot::{Parsed, Snapshot};
use crate::summary::RunSummary;
use crate::words;

/// The lens of the file.
pub(super) fn lens(parsed: &Parsed) -> Lens {
    let action = match (worst(parsed), verdict_block(parsed)) {
        (Some(worst), _) => Some(LensAction::Findings { line: worst.place.line }),
        (None, Some(block)) => Some(LensAction::Reveal { line: block.lines().0 }),
        (None, None) => largest_change(parsed).map(|(phase, _)| LensAction::Reveal { line: phase.begin }),
    };
    Lens { action, ..Lens::new(LensKind::File, 0, title(parsed)) }
}

/// The verdict on the whole file: the worst that was found, or that nothing was.
pub fn file_title(snapshot: &Snapshot) -> String {
    snapshot.parsed.as_ref().map_or_else(|| "reading…".to_owned(), |parsed| title(parsed))
}

/// Findings that count: remarks do not, nor does what is part of another's story.
fn shown(parsed: &Parsed) -> impl Iterator<Item = &Finding> {
    parsed.analysis().findings.iter().filter(|finding| finding.severity >= Severity::Info && finding.part_of.is_none())
}

pub(super) fn worst(parsed: &Parsed) -> Option<&Finding> {
    shown(parsed).max_by_key(|finding| finding.weight())
}

pub(super) fn title(parsed: &Parsed) -> String {
    let summaries = &parsed.analysis().summaries;
    let runs = if summaries.len() > 1 { format!("{} runs", summaries.len()) } else { String::new() };
    // A verdict on all of them counts them itself.
    let is_counted = runs.is_empty() || worst(parsed).is_some_and(|worst| worst.message.starts_with(&runs));
    let runs = if is_counted { String::new() } else { format!("{runs} · ") };
    let room = MAX_CHARS.saturating_sub(runs.chars().count());
    let verdict = if let Some(worst) = worst(parsed) {
        let more = shown(parsed).count() - 1;
        let more = if more > 0 { format!(" (+{more} more)") } else { String::new() };
        let tail = format!(" · {}{more}", worst.rule.code);
        format!("{}{tail}", headline(&worst.message, room.saturating_sub(tail.chars().count())))
    } else if let Some(block) = verdict_block(parsed) {
        of_block(parsed, block, room)
    } else if summaries.iter().any(has_numbers) {
        let quiet = quiet(summaries);
        let changed = changed(parsed).filter(|changed| quiet.chars().count() + changed.chars().count() <= room);
        quiet + &changed.unwrap_or_default()
    } else {
        held(parsed)
    };
    format!("{runs}{verdict}")
}

/// The first clauses of a message that fit, and the one that puts all in doubt.
fn headline(message: &str, room: usize) -> String {
    let message = message.trim_end_matches('.');
    if message.chars().count() <= room {
        return message.to_owned();
    }
    // What explains a subject is left out before what is said of it: `869 connections (1,735 of 1,779 goroutines): ...`.
    if let Some((before, after)) = message.split_once("): ")
        && let Some((subject, _)) = before.rsplit_once(" (")
    {
        return headline(&format!("{subject}: {after}"), room);
    }
    if let Some(certain) = message.strip_suffix(DOUBT) {
        return headline(certain, room.saturating_sub(DOUBT.chars().count())) + DOUBT;
    }
    // Not inside `1,735` or `main.(*Store).Get`.
    let begins = [" (", "; ", ", "].into_iter().flat_map(|begin| message.match_indices(begin));
    let mut begins: Vec<usize> = begins.map(|(at, _)| at).collect();
    begins.sort_unstable();
    let clauses = begins.into_iter().map(|at| message[..at].trim_end());
    // Nor inside a parenthesis.
    let is_closed = |clause: &str| clause.matches('(').count() == clause.matches(')').count();
    let mut fitting = clauses.filter(|clause| {
        clause.chars().count() <= room && clause.chars().any(|c| c.is_ascii_digit()) && is_closed(clause)
    });
    fitting.next_back().map_or_else(|| words::shorten(message, room), str::to_owned)
}

/// The block that is the verdict where no rule found anything: why a process ended, or what a file without numbers has
/// first.
fn verdict_block(parsed: &Parsed) -> Option<&Block> {
    const ENDS: [Cause; 3] = [Cause::Panic, Cause::FatalError, Cause::Signal];
    let list = &parsed.blocks().list;
    let ends = |block: &&Block| matches!(block, Block::Dump(dump) if ENDS.contains(&dump.cause));
    let mut ended = list.iter().rev().filter(ends);
    // Under GOTRACEBACK=crash each thread answers with a dump of its own; the first one has the goroutines.
    let is_signal = |block: &Block| matches!(block, Block::Dump(dump) if dump.cause == Cause::Signal);
    let mut last = ended.next();
    while let (Some(block), Some(before)) = (last, ended.next()) {
        if !(is_signal(block) && is_signal(before) && block.run() == before.run()) {
            break;
        }
        last = Some(before);
    }
    let ended = last;
    let has_numbers = || parsed.analysis().summaries.iter().any(has_numbers);
    ended.or_else(|| if has_numbers() { None } else { list.iter().find(|block| is_told(block)).or(list.first()) })
}

/// A block at the first line is told whole, for it has no lens of its own then; one further down by what it is and where.
fn of_block(parsed: &Parsed, block: &Block, room: usize) -> String {
    let n_told = parsed.blocks().list.iter().filter(|block| is_told(block)).count();
    let more = if n_told > 1 { format!(" (+{} more)", n_told - 1) } else { String::new() };
    let parts = blocks::parts(&parsed.log, block);
    if block.lines().0 == 0 && n_told <= 1 {
        return words::shorten(&leading(parts), room);
    }
    let tail = format!(" · line {}{more}", block.lines().0 + 1);
    let what = parts.first().map_or("", String::as_str);
    words::shorten(what, room.saturating_sub(tail.chars().count())) + &tail
}

/// Nothing was found; that means little when there was little to look at, and less when that little rises.
fn quiet(summaries: &[RunSummary]) -> String {
    let is_rising = |so_far: &&SoFar| matches!(so_far, SoFar::Rising { .. } | SoFar::Late { .. });
    if let Some(rising) = summaries.iter().rev().filter_map(|summary| summary.so_far.as_ref()).find(is_rising) {
        return format!("live heap {}", rising.in_words());
    }
    if let Some(glimpse) = summaries.iter().flat_map(|summary| &summary.glimpses).next() {
        return format!("too short to judge · so far {}", glimpse.words);
    }
    let most_samples = summaries.iter().map(RunSummary::n_samples).max().unwrap_or_default();
    let gc = summaries.iter().filter_map(|summary| summary.gc.as_ref());
    let longest = gc.filter_map(|gc| gc.span_s.ok().map(|(first, last)| (gc.n_cycles, last - first)));
    let longest = longest.max_by(|a, b| a.1.total_cmp(&b.1));
    match longest {
        Some((1, _)) => "nothing found, but 1 cycle says nothing about growth".to_owned(),
        Some((n, span)) if n < TREND_CYCLES || span < TREND_SPAN_S => format!(
            "nothing found, but {} in {} are too few to judge growth (needs {TREND_CYCLES} and {})",
            words::count(n, "cycle"),
            words::span(span),
            words::span(TREND_SPAN_S)
        ),
        None if (1..SAMPLES).contains(&most_samples) => {
            format!(
                "nothing found, but {} {} too few to judge (needs {SAMPLES})",
                words::count(most_samples, "sample"),
                if most_samples == 1 { "is" } else { "are" }
            )
        }
        _ => "nothing found".to_owned(),
    }
}

/// What GC101 asks for before it judges (diagnostics catalogue, section 4).
const TREND_CYCLES: usize = 40;
/// See [`TREND_CYCLES`].
const TREND_SPAN_S: f64 = 30.0;

/// What the rules about queues ask for before they judge (diagnostics catalogue, section 11).
const SAMPLES: usize = 10;

/// The phase in which most changed, and what changed most.
fn largest_change(parsed: &Parsed) -> Option<(&Phase, &Change)> {
    let phases = parsed.analysis().phases.iter().flatten();
    let changes = phases.filter_map(|phase| Some((phase, phase.changes.first()?)));
    changes.max_by(|a, b| a.1.size().total_cmp(&b.1.size()))
}

/// What changed most in a file in which nothing was found.
fn changed(parsed: &Parsed) -> Option<String> {
    let (phase, change) = largest_change(parsed)?;
    let n = parsed.analysis().phases.iter().map(|phases| phases.iter().skip(1).count()).sum::<usize>();
    let more = if n > 1 { format!(" (+{} more)", n - 1) } else { String::new() };
    let begin = begin(phase);
    let from = if begin.is_empty() { String::new() } else { format!(" from {begin}") };
    Some(format!(" · {}{from}{more}", change.in_words()))
}

/// Families that are named in a file without numbers and blocks.
const MAX_HELD: usize = 3;

/// What a file holds whose lines no rule reads and no block gathers.
fn held(parsed: &Parsed) -> String {
    if let Some(slowest) = of_init(parsed) {
        return slowest;
    }
    let count = |family: &Family| (rows(parsed, *family).count(), *family);
    let mut families: Vec<(usize, Family)> = Family::ALL.iter().map(count).filter(|(n, _)| *n > 0).collect();
    families.sort_by_key(|(n, _)| std::cmp::Reverse(*n));
    let held = families.iter().take(MAX_HELD).map(|(n, family)| words::count(*n, &format!("{} line", family.def().id)));
    let held: Vec<String> = held.collect();
    if held.is_empty() { "nothing found".to_owned() } else { format!("{}, no gc or SCHED line", held.join(", ")) }
}

/// Rows of all runs that are looked at.
fn rows(parsed: &Parsed, family: Family) -> impl Iterator<Item = RowId> + Clone {
    parsed.runs.list.iter().flat_map(move |run| run.rows(family)).copied()
}

/// How long the packages of a program took to start, where nothing else is told.
fn of_init(parsed: &Parsed) -> Option<String> {
    let log = &parsed.log;
    let timed = rows(parsed, Family::Init).filter_map(|row| Some((row, log.value(row, init::INIT_MS)?)));
    let (slowest, longest_ms) = timed.clone().max_by(|a, b| a.1.total_cmp(&b.1))?;
    let total_ms: f64 = timed.map(|(_, ms)| ms).sum();
    let package = log.text(slowest, init::PACKAGE).unwrap_or_default();
    Some(format!(
        "{} initialized in {} ms · longest {} {} ms",
        words::count(rows(parsed, Family::Init).count(), "package"),
        words::number(total_ms),
        markup::plain(&words::shorten(&package, 50)),
        words::number(longest_ms)
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_fit_is_cut_but_not_the_doubt() {
        let message = "Mark termination stopped the world for 27 ms (median 0.003 ms); 19 of 464 cycles had 10 ms or more; it \
                       may be the machine's.";
        assert_eq!(headline(message, 200), message.trim_end_matches('.'));
        assert_eq!(
            headline(message, 100),
            "Mark termination stopped the world for 27 ms (median 0.003 ms); it may be the machine's"
        );
        assert_eq!(headline(message, 80), "Mark termination stopped the world for 27 ms; it may be the machine's");
        assert_eq!(headline("12 MB of it (3 times), then 7 MB", 14), "12 MB of it");
        assert_eq!(headline("12 MB of it (3 times, 4 %), then 7 MB", 21), "12 MB of it");
        assert_eq!(
            headline("12 connections (24 of 30 goroutines): 7 of 12 wait, long", 32),
            "12 connections: 7 of 12 wait"
        );
    }

    #[test]
    fn who_stops_the_world_is_told_before_how_long() {
        let of = |code: &str, line| {
            let rule = crate::rules::named(code).unwrap();
            let place = crate::rules::Place { line, field: None };
            Finding { severity: Severity::Warning, place, ..Finding::about(rule) }.weight()
        };
        assert!(of("SC116", 343) > of("GC303", 69));
        assert!(of("GC101", 343) > of("SC116", 69));
        assert!(of("GC301", 68) > of("GC303", 69), "the first of two places");
    }
}
