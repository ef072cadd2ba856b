//! ## What it looks for
//!
//! Reports of the race detector (a program built with `-race`), one finding for each pair of stacks.
//!
//! ## Why it matters
//!
//! A report is proof: two goroutines used the same memory, at least one of them wrote, and nothing ordered them. What such
//! a program does is not defined, however harmless the value looks. It runs on and exits with status 66 in the end.
//!
//! ## What to do next
//!
//! Both places are named. Order them with a mutex or a channel, or use `sync/atomic`. A goroutine that is called finished
//! left its access behind: nothing waited for it. Run the test again to see that the report is gone:
//!
//! ```sh
//! # tests under the race detector, more than once
//! go test -race -count 10 ./...
//! ```
//!
//! ## Limits
//!
//! Finds only what happened in this run. Goroutines are numbered by the detector: the numbers mean something in their
//! report only.
//!
//! ## Example
//!
//! ```text
//! WARNING: DATA RACE
//! Read at 0x00c00019c268 by goroutine 10:
//!   main.runRace.func1()
//!       /home/dev/tracewl/dump.go:148 +0xe4
//! ```

use std::collections::HashMap;

use tracelog::blocks::{Access, Block, Race};
use tracelog::catalog::{frame, location, race, shapes};
use tracelog::{Family, Log, RowId, Run};

use super::evidence::Test;
use super::{BlocksView, Check, Finding, Findings, Kind, Limits, Place, Related, Rule, Severity, fatal};
use crate::blocks::is_of_runtime;
use crate::ending::shown;

/// FT109.
pub(crate) static RULE: Rule = Rule {
    code: "FT109",
    slug: "data-race",
    title: "Two goroutines used the same memory without order",
    severity: Severity::Error,
    kind: Kind::Point,
    reads: &[race::ACCESS, race::GOROUTINE, frame::FUNCTION],
    limits: &[],
    check: Check::Blocks(check),
};

fn check(view: &BlocksView<'_>, _limits: &Limits, findings: &mut Findings) {
    let mut groups: Vec<Vec<Finding>> = Vec::new();
    let mut at: HashMap<(usize, Vec<String>), usize> = HashMap::new();
    for block in &view.blocks.list {
        let Block::Race(report) = block else { continue };
        let run = &view.runs.list[report.run];
        let places = Places::of(run);
        let stacks = report.accesses.iter().flat_map(|access| places.stack(view.log, access)).collect();
        let group = *at.entry((report.run, stacks)).or_insert_with(|| {
            groups.push(Vec::new());
            groups.len() - 1
        });
        groups[group].push(finding(view.log, run, report, &places));
    }
    for mut group in groups {
        let others = group.split_off(1);
        let Some(mut first) = group.pop() else { continue };
        fatal::join(&mut first, others);
        findings.push(first);
    }
}

/// Where the functions of a run stand in their files: each file is on the line behind its function.
struct Places<'a>(&'a [RowId]);

impl<'a> Places<'a> {
    fn of(run: &'a Run) -> Self {
        Self(run.rows(Family::Location))
    }

    /// The file of a function and the line in it.
    fn of_frame(&self, log: &Log, row: RowId) -> Option<(String, u64)> {
        let line = log.line(row) + 1;
        let at = self.0.partition_point(|place| log.line(*place) < line);
        let place = self.0.get(at).copied().filter(|place| log.line(*place) == line)?;
        let number = tracelog::cells::value(location::LINE_NO.def().kind, log.code(place, location::LINE_NO)?);
        Some((log.text(place, location::SOURCE_FILE)?.into_owned(), number as u64))
    }

    /// What tells one access from another: what was done, and its stack without addresses.
    fn stack(&self, log: &Log, access: &Access) -> Vec<String> {
        let what = log.text(access.row, race::ACCESS).unwrap_or_default().into_owned();
        let frames = access.frames.iter().map(|row| {
            let (file, line) = self.of_frame(log, *row).unwrap_or_default();
            format!("{} {file}:{line}", log.text(*row, frame::FUNCTION).unwrap_or_default())
        });
        [what].into_iter().chain(frames).collect()
    }

    /// `read in main.count (stat.go:14) by goroutine 10`, and the line of the log to look at.
    fn in_words(&self, log: &Log, access: &Access) -> (String, u32) {
        let mut words = shown(&log.text(access.row, race::ACCESS).unwrap_or_default()).to_lowercase();
        let is_own = |row: &&RowId| log.text(**row, frame::FUNCTION).is_some_and(|name| !is_of_runtime(&name));
        let own = access.frames.iter().find(is_own).or(access.frames.first());
        if let Some(row) = own {
            words = format!("{words} in {}", shown(&log.text(*row, frame::FUNCTION).unwrap_or_default()));
            if let Some((file, line)) = self.of_frame(log, *row) {
                words = format!("{words} ({}:{line})", shown(file.rsplit(['/', '\\']).next().unwrap_or(&file)));
            }
        }
        let by = goroutine_of(log, access).map_or_else(String::new, |id| format!(" by goroutine {id}"));
        (format!("{words}{by}"), own.map_or_else(|| log.line(access.row), |row| log.line(*row)))
    }
}

/// The goroutine of an access; the main goroutine is number 1.
fn goroutine_of(log: &Log, access: &Access) -> Option<u64> {
    let is_main = log.shape(access.row) == shapes::RACE_ACCESS_MAIN_1_1;
    if is_main { Some(1) } else { log.code(access.row, race::GOROUTINE) }
}

fn finding(log: &Log, run: &Run, report: &Race, places: &Places<'_>) -> Finding {
    // The warning stands behind the delimiter, which may have been lost.
    let rows = run.rows(Family::Race);
    let from = rows.partition_point(|row| log.line(*row) < report.lines.0);
    let is_head = |row: &&RowId| log.shape(**row) == shapes::RACE_WARNING_1_1;
    let line = rows[from..].iter().find(is_head).map_or(report.lines.0, |row| log.line(*row));
    let accesses: Vec<(String, u32)> = report.accesses.iter().map(|access| places.in_words(log, access)).collect();
    let message = match &accesses[..] {
        [] => "Data race; where it is could not be read from the report.".to_owned(),
        [(only, _)] => format!("Data race: {only}; the other access is not in the log."),
        [(later, _), (earlier, _), ..] => format!("Data race: {later}, and {earlier}, with nothing that orders them."),
    };
    let mut test = Test::default();
    test.fact("a report of the race detector, which is proof", true);
    let related = |(text, line): (String, u32)| Related { place: Place { line, field: None }, text };
    let goroutine = report.accesses.first().and_then(|access| goroutine_of(log, access));
    Finding {
        run: Some(run.number),
        place: Place { line, field: None },
        message,
        related: accesses.into_iter().map(related).collect(),
        numbers: goroutine.map(|id| ("goroutine", id as f64)).into_iter().collect(),
        test,
        ..Finding::about(&RULE)
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;
    use crate::rules::fixture::check;

    fn report(line: u32, goroutine: u32) -> String {
        format!(
            "==================\nWARNING: DATA RACE\nRead at 0x00c00019c268 by goroutine {goroutine}:\n  runtime.growslice()\n      \
             /usr/local/go/src/runtime/slice.go:178 +0x0\n  main.count()\n      /src/stat.go:{line} +0xe4\n\n\
             Previous write at 0x00c00019c268 by main goroutine:\n  main.main()\n      /src/main.go:7 +0xf9\n\n\
             Goroutine {goroutine} (running) created at:\n  main.main()\n      /src/main.go:6 +0xeb\n==================\n"
        )
    }

    #[test]
    fn names_both_accesses() {
        check(
            &RULE,
            &report(14, 10),
            expect![[r#"
                2 Error FT109: Data race: read in main.count (stat.go:14) by goroutine 10, and previous write in main.main (main.go:7) by goroutine 1, with nothing that orders them.
                  6 read in main.count (stat.go:14) by goroutine 10
                  10 previous write in main.main (main.go:7) by goroutine 1
            "#]],
        );
    }

    #[test]
    fn reports_with_the_same_stacks_are_one_finding() {
        let log = report(14, 10) + &report(15, 10) + &report(14, 12);
        check(
            &RULE,
            &log,
            expect![[r#"
                2 Error FT109: Data race: read in main.count (stat.go:14) by goroutine 10, and previous write in main.main (main.go:7) by goroutine 1, with nothing that orders them (2 times).
                  6 read in main.count (stat.go:14) by goroutine 10
                  10 previous write in main.main (main.go:7) by goroutine 1
                  34 the last one like it
                  further 34
                18 Error FT109: Data race: read in main.count (stat.go:15) by goroutine 10, and previous write in main.main (main.go:7) by goroutine 1, with nothing that orders them.
                  22 read in main.count (stat.go:15) by goroutine 10
                  26 previous write in main.main (main.go:7) by goroutine 1
            "#]],
        );
    }

    #[test]
    fn rows_of_signs_and_words_about_races_are_none() {
        check(&RULE, "==================\nsummary of 3 races\n==================\n", expect![""]);
        check(&RULE, "INFO: WARNING: DATA RACE was fixed\n", expect![""]);
    }
}
