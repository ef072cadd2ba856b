//! ## What it looks for
//!
//! Goroutines in a report of goleak (`found unexpected goroutines`). One finding for each place and state, at the first
//! goroutine there, with who created them.
//!
//! ## Why it matters
//!
//! goleak looks at the end of a test, or of all tests, and waits a moment for goroutines to end by themselves. What is
//! still there was started by the code under test and not stopped. In a service that runs the same code for each request,
//! their number grows until the memory is gone.
//!
//! ## What to do next
//!
//! Go to the line that created them (the related lines) and ask what was to end them: a channel to be closed, a context to
//! be canceled, a `Stop` or `Close` that the test did not call. Wait for the end there, with a wait group, so that the test
//! does not depend on time. `readLoop` and `writeLoop` of net/http are connections that are kept open: close the body of
//! every response, and call `CloseIdleConnections` at the end.
//!
//! ```sh
//! # one test alone tells whether it is the one that leaves them
//! go test -run '^TestNAME$' -count=1 ./PACKAGE
//! ```
//!
//! ## Limits
//!
//! goleak proves that they were there, not that they never end: one that needs longer than goleak waits is reported too.
//! A goroutine that an earlier test left is in the reports of later tests as well; it is told once, at the first. With
//! `VerifyTestMain` any test of the package may have started them; the function that created them tells which.
//! Goroutines that the report does not show (ignored ones) are unknown.
//!
//! ## Example
//!
//! ```text
//! found unexpected goroutines:
//! [Goroutine 4 in state chan receive, with example.com/leaky.listen on top of the stack:
//! example.com/leaky.listen(0xc00006a2a0)
//!     /src/leaky_test.go:17 +0x94
//! created by example.com/leaky.TestReceive in goroutine 3
//!     /src/leaky_test.go:24 +0xad
//! ]
//! ```

use std::collections::HashSet;

use tracelog::blocks::{Block, Cause, Dump, Goroutine};
use tracelog::catalog::{created_by, goroutine, location};
use tracelog::{Log, RowId};

use super::evidence::{Bound, Confidence, Test};
use super::goroutines::{Frame, Stack};
use super::{BlocksView, Check, Finding, Findings, Kind, Limits, Place, Related, Rule, Severity};
use crate::blocks::is_of_program;
use crate::markup;
use crate::words::count;

/// GR109.
pub(crate) static RULE: Rule = Rule {
    code: "GR109",
    slug: "test-leak",
    title: "Goroutines were left behind by a test, as goleak reports",
    severity: Severity::Warning,
    kind: Kind::Point,
    reads: &[goroutine::STATE, goroutine::TOP_FUNCTION, created_by::CREATOR_FUNCTION],
    limits: &[],
    check: Check::Blocks(check),
};

/// Creators that the related lines name.
const MAX_CREATORS: usize = 4;

/// Goroutines that stand at one place in one state.
struct Leak {
    run: usize,
    key: u64,
    stack: Stack,
    place: Place,
    /// Their numbers; the same one in a later report is the same goroutine.
    ids: HashSet<u64>,
    n: usize,
    creators: Vec<Creator>,
    /// Reports that show any of them, by first line.
    reports: Vec<u32>,
}

/// Where goroutines were created.
struct Creator {
    /// Function, file and line.
    at: String,
    line: u32,
    n: usize,
}

fn check(view: &BlocksView, _limits: &Limits, findings: &mut Findings) {
    let mut leaks: Vec<Leak> = Vec::new();
    for block in &view.blocks.list {
        if let Block::Dump(dump) = block
            && dump.cause == Cause::Goleak
        {
            of_report(view.log, dump, &mut leaks);
        }
    }
    leaks.into_iter().for_each(|leak| findings.push(finding(leak)));
}

fn of_report(log: &Log, dump: &Dump, leaks: &mut Vec<Leak>) {
    for entry in &dump.goroutines {
        let stack = Stack::of_goroutine(log, entry);
        let key = stack.key();
        let is_same = |leak: &&mut Leak| {
            leak.run == dump.run && leak.key == key && leak.stack.state == stack.state && !stack.frames.is_empty()
        };
        let leak = match leaks.iter_mut().find(is_same) {
            Some(leak) => leak,
            None => {
                let place = Place { line: log.line(entry.row), field: Some(goroutine::STATE) };
                let (run, ids) = (dump.run, HashSet::new());
                leaks.push(Leak { run, key, stack, place, ids, n: 0, creators: Vec::new(), reports: Vec::new() });
                let Some(leak) = leaks.last_mut() else { continue };
                leak
            }
        };
        if !leak.reports.contains(&dump.lines.0) {
            leak.reports.push(dump.lines.0);
        }
        if entry.id(log).is_none_or(|id| leak.ids.insert(id)) {
            leak.n += 1;
            leak.created(log, entry);
        }
    }
}

impl Leak {
    /// Notes where a goroutine of it was created.
    fn created(&mut self, log: &Log, entry: &Goroutine) {
        let (Some(row), Some(function)) = (entry.created_by, entry.created_by(log)) else { return };
        let at = match entry.created_at.and_then(|place| in_words(log, place)) {
            Some(place) => format!("{} ({place})", markup::plain(&function)),
            None => markup::plain(&function),
        };
        match self.creators.iter_mut().find(|creator| creator.at == at) {
            Some(creator) => creator.n += 1,
            None => self.creators.push(Creator { at, line: log.line(row), n: 1 }),
        }
    }
}

/// `/src/leaky_test.go:24`.
fn in_words(log: &Log, place: RowId) -> Option<String> {
    let file = log.text(place, location::SOURCE_FILE)?;
    let line = tracelog::cells::value(location::LINE_NO.def().kind, log.code(place, location::LINE_NO)?);
    Some(format!("{}:{}", markup::plain(&file), crate::words::number(line)))
}

/// The function of the program that waits; where all of the stack is of libraries, the one that was started as a goroutine.
fn waits_at(stack: &Stack) -> String {
    let of_program = stack.frames.iter().find(|frame| is_of_program(&frame.function));
    of_program.or(stack.frames.last()).map_or_else(|| stack.place(), Frame::in_words)
}

fn finding(mut leak: Leak) -> Finding {
    let mut test = Test::default();
    test.value("goroutines that goleak reports there", leak.n as f64, Bound::AtLeast(1.0), "");
    leak.creators.sort_by_key(|creator| (std::cmp::Reverse(creator.n), creator.line));
    let state = leak.stack.state.as_deref().filter(|state| !state.is_empty());
    let blocked = state.map_or_else(String::new, |state| format!(", in state {}", markup::plain(state)));
    let created = leak.creators.first().map_or_else(String::new, |creator| {
        let others = match leak.creators.len() {
            1 => String::new(),
            2 => " and at another place".to_owned(),
            n => format!(" and at {} other places", n - 1),
        };
        format!("; created by {}{others}", creator.at)
    });
    let again = match leak.reports.len() {
        1 => String::new(),
        n => format!(" (in {n} reports)"),
    };
    let related = leak.creators.iter().take(MAX_CREATORS).map(|creator| Related {
        place: Place { line: creator.line, field: Some(created_by::CREATOR_FUNCTION) },
        text: match leak.creators.len() {
            1 => format!("created by {}", creator.at),
            _ => format!("{} created by {}", creator.n, creator.at),
        },
    });
    Finding {
        run: Some(leak.run),
        place: leak.place,
        message: format!(
            "{} left behind by a test at {}{blocked}{created}{again}.",
            count(leak.n, "goroutine"),
            waits_at(&leak.stack)
        ),
        related: related.collect(),
        numbers: vec![("goroutines", leak.n as f64)],
        confidence: Some(Confidence::Strong),
        test,
        ..Finding::about(&RULE)
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;
    use crate::rules::fixture::{check, findings_in_text};
    use crate::rules::{group_grows, group_large, long_wait};

    /// A goroutine of a report, with the file's line that created it.
    fn goroutine(id: usize, state: &str, function: &str, created_at: usize) -> String {
        format!(
            "Goroutine {id} in state {state}, with {function} on top of the stack:\n{function}(0xc00006a2a0)\n\
             \t/src/leaky_test.go:17 +0x94\ncreated by example.com/leaky.TestA in goroutine 3\n\
             \t/src/leaky_test.go:{created_at} +0xad\n"
        )
    }

    fn report(goroutines: &[String]) -> String {
        format!("goleak: Errors on successful test run: found unexpected goroutines:\n[{}]\n", goroutines.join(" "))
    }

    #[test]
    fn names_where_they_wait_and_who_created_them() {
        let listen = |id, at| goroutine(id, "chan receive", "example.com/leaky.listen", at);
        let loop_of = |id| goroutine(id, "select", "net/http.(*persistConn).writeLoop", 30);
        check(
            &RULE,
            &report(&[listen(4, 24), listen(5, 25), loop_of(6), listen(7, 25)]),
            expect![[r#"
                2:state Warning GR109: 3 goroutines left behind by a test at example.com/leaky.listen (/src/leaky_test.go:17), in state chan receive; created by example.com/leaky.TestA (/src/leaky_test.go:25) and at another place.
                  10:creator_function 2 created by example.com/leaky.TestA (/src/leaky_test.go:25)
                  5:creator_function 1 created by example.com/leaky.TestA (/src/leaky_test.go:24)
                12:state Warning GR109: 1 goroutine left behind by a test at net/http.(*persistConn).writeLoop (/src/leaky_test.go:17), in state select; created by example.com/leaky.TestA (/src/leaky_test.go:30).
                  15:creator_function created by example.com/leaky.TestA (/src/leaky_test.go:30)
            "#]],
        );
    }

    #[test]
    fn what_a_later_report_shows_again_is_told_once() {
        let listen = |id| goroutine(id, "chan receive", "example.com/leaky.listen", 24);
        let log = report(&[listen(4)]) + "--- FAIL: TestB (0.45s)\n" + &report(&[listen(4), listen(9)]);
        check(
            &RULE,
            &log,
            expect![[r#"
            2:state Warning GR109: 2 goroutines left behind by a test at example.com/leaky.listen (/src/leaky_test.go:17), in state chan receive; created by example.com/leaky.TestA (/src/leaky_test.go:24) (in 2 reports).
              5:creator_function created by example.com/leaky.TestA (/src/leaky_test.go:24)
        "#]],
        );
    }

    #[test]
    fn a_connection_is_named_by_what_was_started_and_not_by_the_read() {
        let text = "[Goroutine 23 in state IO wait, with internal/poll.runtime_pollWait on top of the stack:\n\
                    internal/poll.runtime_pollWait(0x7f5d80480d40, 0x72)\n\t/usr/local/go/src/runtime/netpoll.go:345 +0x85\n\
                    net.(*conn).Read(0xc0000d4020, {0xc000273000?, 0x0?, 0xc000007500?})\n\t/usr/local/go/src/net/net.go:185 +0x45\n\
                    net/http.(*persistConn).readLoop(0xc0001166c0)\n\t/usr/local/go/src/net/http/transport.go:2141 +0x1b9\n\
                    created by net/http.(*Transport).dialConn in goroutine 13\n\t/usr/local/go/src/net/http/transport.go:1799 +0x152f\n]\n";
        let found = findings_in_text(&RULE, text);
        assert!(found.contains(" at net/http.(*persistConn).readLoop (/usr/local/go/src/net/http/transport.go:2141), in state IO wait; created by net/http.(*Transport).dialConn"), "{found}");
    }

    #[test]
    fn two_places_and_two_states_are_two() {
        let found = |state, function| {
            let first = goroutine(4, "select", "example.com/leaky.listen", 24);
            findings_in_text(&RULE, &report(&[first, goroutine(5, state, function, 24)])).matches("GR109").count()
        };
        assert_eq!(found("select", "example.com/leaky.listen"), 1);
        assert_eq!(found("chan receive", "example.com/leaky.listen"), 2);
        assert_eq!(found("select", "example.com/leaky.write"), 2);
    }

    #[test]
    fn silent_about_dumps_that_goleak_did_not_print() {
        let dump = "goroutine 4 [chan receive]:\nmain.listen()\n\t/src/a.go:17 +0x94\ncreated by main.main\n\t/src/a.go:9 +0x2\n";
        assert_eq!(findings_in_text(&RULE, dump), "");
        assert_eq!(findings_in_text(&RULE, "found unexpected goroutines:\n"), "");
    }

    #[test]
    fn a_report_whose_head_an_assertion_wrote_is_read() {
        let text = "Error: Received unexpected error: found unexpected goroutines:\n[".to_owned()
            + &goroutine(4, "select, 2 minutes", "example.com/leaky.listen", 24)
            + "]\n";
        check(
            &RULE,
            &text,
            expect![[r#"
            2:state Warning GR109: 1 goroutine left behind by a test at example.com/leaky.listen (/src/leaky_test.go:17), in state select; created by example.com/leaky.TestA (/src/leaky_test.go:24).
              5:creator_function created by example.com/leaky.TestA (/src/leaky_test.go:24)
        "#]],
        );
    }

    #[test]
    fn rules_about_all_goroutines_of_a_process_do_not_judge_a_report() {
        let listen = |id| goroutine(id, "chan receive, 90 minutes", "example.com/leaky.listen", 24);
        let many: Vec<String> = (4..200).map(listen).collect();
        for rule in [&group_large::RULE, &long_wait::RULE, &group_grows::RULE] {
            let log = report(&many[..20]) + &report(&many[..60]) + &report(&many);
            assert_eq!(findings_in_text(rule, &log), "", "{}", rule.code);
        }
    }
}
