//! What older files of a rotated set add to the summary of the file that is open.
//!
//! Only numbers come from them: findings and places are those of the open file.

use crate::lens::{Lens, LensKind, MAX_CHARS, lenses};
use crate::snapshot::Snapshot;
use crate::summary::RunSummary;
use crate::words;

/// Older files of the set of a document, in numbers.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Older {
    /// Files that were read.
    pub n_files: usize,
    /// Files of the set that were left out: they could not be read, or are too big.
    pub n_left_out: usize,
    /// Runs in them.
    pub n_runs: usize,
    /// GC cycles in them, of all runs.
    pub n_cycles: usize,
    /// Scheduler samples in them, of all runs.
    pub n_samples: usize,
    /// For each run of the document, what of it is in older files.
    pub before: Vec<Option<Before>>,
}

/// The part of a run that is in older files.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Before {
    /// GC cycles in them.
    pub n_cycles: usize,
    /// Scheduler samples in them.
    pub n_samples: usize,
    /// Start of the first cycle, s since process start, as printed by the releases that do.
    pub first_cycle_s: Option<f64>,
    /// Time of the first sample, s.
    pub first_sample_s: Option<f64>,
}

/// The lenses of a document; those of the file and of runs that began in older files tell what happened in all of them.
pub fn lenses_over(snapshot: &Snapshot, older: &Older) -> Vec<Lens> {
    let mut lenses = lenses(snapshot);
    let Some(parsed) = &snapshot.parsed else { return lenses };
    let summaries = &parsed.analysis().summaries;
    for lens in &mut lenses {
        match lens.kind {
            LensKind::File => append(&mut lens.title, &over_file(older, summaries)),
            LensKind::Run(run) => {
                let of_run = summaries.iter().zip(&older.before).find(|(summary, _)| summary.run == run);
                if let Some((summary, Some(before))) = of_run {
                    append(&mut lens.title, &format!("with {}: {}", files(older), over_run(before, summary)));
                }
            }
            LensKind::Requests | LensKind::Phase | LensKind::Block | LensKind::Init => {}
        }
    }
    lenses
}

/// Puts a part behind a title. Parts that leave no room for it are left out whole, from the end.
fn append(title: &mut String, part: &str) {
    let tail = format!("{SEPARATOR}{part}");
    let room = MAX_CHARS.saturating_sub(tail.chars().count());
    while title.chars().count() > room
        && let Some(at) = title.rfind(SEPARATOR)
    {
        title.truncate(at);
    }
    *title = words::shorten(title, room) + &tail;
}

/// What stands between the parts of a lens.
const SEPARATOR: &str = " · ";

fn files(older: &Older) -> String {
    let left_out = match older.n_left_out {
        0 => String::new(),
        n => format!(" ({n} more left out)"),
    };
    format!("{}{left_out}", words::count(older.n_files, "older file"))
}

fn over_file(older: &Older, summaries: &[RunSummary]) -> String {
    if older.n_files == 0 {
        return format!("{} left out", words::count(older.n_left_out, "older file"));
    }
    let n_shared = older.before.iter().flatten().count();
    let n_runs = older.n_runs + summaries.len() - n_shared;
    if let ([Some(before)], 1) = (older.before.as_slice(), n_runs) {
        return format!("with {}: {}", files(older), over_run(before, &summaries[0]));
    }
    let n_cycles = older.n_cycles + summaries.iter().filter_map(|run| Some(run.gc.as_ref()?.n_cycles)).sum::<usize>();
    let n_samples =
        older.n_samples + summaries.iter().filter_map(|run| Some(run.sched.as_ref()?.n_samples)).sum::<usize>();
    let mut parts = vec![words::count(n_runs, "run")];
    if n_cycles > 0 {
        parts.push(words::count(n_cycles, "GC cycle"));
    } else if n_samples > 0 {
        parts.push(words::count(n_samples, "scheduler sample"));
    }
    format!("with {}: {}", files(older), parts.join(", "))
}

fn over_run(before: &Before, summary: &RunSummary) -> String {
    let spanned = |text: String, first: Option<f64>, last: Option<f64>| match first.zip(last) {
        Some((first, last)) => format!("{text} in {}", words::span(last - first)),
        None => text,
    };
    let cycles = summary.gc.as_ref().map_or(0, |gc| gc.n_cycles);
    let samples = summary.sched.as_ref().map_or(0, |sched| sched.n_samples);
    if before.n_cycles + cycles > 0 {
        let last_s = summary.gc.as_ref().and_then(|gc| Some(gc.span_s.ok()?.1));
        return spanned(words::count(before.n_cycles + cycles, "GC cycle"), before.first_cycle_s, last_s);
    }
    let last_s = summary.sched.as_ref().map(|sched| sched.span_s.1);
    spanned(words::count(before.n_samples + samples, "scheduler sample"), before.first_sample_s, last_s)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tracelog::{Log, Text};

    use super::*;

    fn gc(n: u64) -> String {
        format!(
            "gc {n} @{}.000s 4%: 0.022+0.27+0.040 ms clock, 0.18+0.10/0.41/0.066+0.32 ms cpu, 4->4->0 MB, 5 MB goal, 8 P\n",
            n * 60
        )
    }

    fn titles(text: &str, older: &Older) -> Vec<String> {
        let log = Log::read(text.as_bytes());
        let snapshot = Snapshot::new(Arc::new(Text::new(text)), log, Arc::default());
        lenses_over(&snapshot, older).into_iter().map(|lens| lens.title).collect()
    }

    fn older() -> Older {
        let before = Before { n_cycles: 9, first_cycle_s: Some(60.0), ..Before::default() };
        Older { n_files: 2, n_runs: 1, n_cycles: 9, before: vec![Some(before)], ..Older::default() }
    }

    #[test]
    fn a_run_that_began_in_older_files_is_told_over_all_of_them() {
        let text: String = (10..=62).map(gc).collect();
        let titles = titles(&text, &older());
        assert_eq!(titles.len(), 2);
        for title in &titles {
            assert!(title.ends_with(" · with 2 older files: 62 GC cycles in 61 min"), "{title}");
            assert!(title.chars().count() <= MAX_CHARS, "{title}");
        }
        assert!(titles[1].starts_with("53 GC cycles in "), "the numbers of this file stay: {}", titles[1]);
        assert!(!titles[1].contains('…'), "parts are left out whole: {}", titles[1]);
    }

    #[test]
    fn runs_that_ended_in_older_files_are_counted() {
        let older = Older { n_runs: 3, n_cycles: 30, before: vec![None], ..older() };
        let titles = titles(&gc(1), &older);
        assert!(titles[0].ends_with(" · with 2 older files: 4 runs, 31 GC cycles"), "{}", titles[0]);
        assert!(!titles[1].contains("older"), "{}", titles[1]);
    }

    #[test]
    fn files_that_are_left_out_are_told() {
        let some = Older { n_left_out: 1, ..older() };
        assert!(titles(&gc(10), &some)[1].contains("with 2 older files (1 more left out): 10 GC cycles"));
        let none = Older { n_left_out: 2, before: vec![None], ..Older::default() };
        let titles = titles(&gc(10), &none);
        assert!(titles[0].ends_with(" · 2 older files left out"), "{}", titles[0]);
    }

    #[test]
    fn a_document_without_a_trace_has_no_lens() {
        assert!(titles("hello\n", &older()).is_empty());
    }
}
