//! ## What it looks for
//!
//! Panics: of a program that ends by one, because nothing recovered it (an error), and of a handler of net/http, which the
//! server recovers (a warning). A test that ran out of time is one, too.
//!
//! ## Why it matters
//!
//! A panic that nothing recovers ends the whole process, with exit code 2, whichever goroutine it came from. One that a
//! server recovered cost one request; whatever that request held, such as a lock, may be held for ever.
//!
//! ## What to do next
//!
//! Go to the function that is named: it is the innermost one of the program. In a chain of panics the first is the cause,
//! the last one came from a deferred function. For a test that timed out the goroutine of the test is named that has waited
//! longest, not the one that raised the alarm; run that test alone:
//!
//! ```sh
//! # the test alone, with more time and all stacks
//! go test -run TEST -timeout 10m -v PACKAGE
//! ```
//!
//! ## Limits
//!
//! A head without stacks is believed where its process wrote nothing behind it (GOTRACEBACK=none, a log that was cut). A
//! panic that the program itself recovered and logged is text of the program and not reported, unless it printed the
//! stack like a crash.
//!
//! ## Example
//!
//! ```text
//! panic: order 4711: no such customer
//!
//! goroutine 5 [running]:
//! ```

use std::collections::HashMap;

use tracelog::catalog::{frame, http_panic, panic, panic_text};
use tracelog::{Family, Log};

use super::fatal::{self, Told, Words};
use super::{BlocksView, Check, Finding, Findings, Kind, Limits, Rule, Severity};
use crate::ending::{Cause, TEST_TIMEOUT, shown};

/// FT107.
pub(crate) static RULE: Rule = Rule {
    code: "FT107",
    slug: "panic",
    title: "A panic",
    severity: Severity::Error,
    kind: Kind::Point,
    reads: &[panic::TEXT, http_panic::TEXT, frame::FUNCTION],
    limits: &[],
    check: Check::Blocks(check),
};

fn check(view: &BlocksView<'_>, _limits: &Limits, findings: &mut Findings) {
    fatal::report(view, findings, &RULE, &[Cause::Panic], unrecovered);
    let mut recovered = Findings::default();
    fatal::report(view, &mut recovered, &RULE, &[Cause::Recovered], of_handler);
    by_place(recovered.into_vec()).into_iter().for_each(|finding| findings.push(finding));
}

fn unrecovered(told: &Told<'_>) -> Words {
    let (log, crash) = (told.log, told.crash);
    let text = crash.text(log);
    let before = match crash.panics[..] {
        _ if crash.is_raised_again(log) => ", which a deferred function had recovered and raised again".to_owned(),
        [first, .., _] => {
            let first = log.text(first, panic::TEXT).unwrap_or_default();
            format!(", while another was in flight: {}", shown(&first))
        }
        _ => String::new(),
    };
    let what = match text.strip_prefix(TEST_TIMEOUT) {
        Some(after) => format!("A test timed out after {}{}", shown(after), running_tests(told)),
        None => format!("Panic: {}{before}", shown(&text)),
    };
    Words::error(format!("{what}{}", told.somewhere()), "nothing recovered the panic")
}

/// `, running: TestSlow (10m0s)`: the tests that the lines behind name (Go 1.20 and later).
fn running_tests(told: &Told<'_>) -> String {
    const MAX_TESTS: usize = 3;
    let (log, crash) = (told.log, told.crash);
    let head = log.line(crash.head);
    let end = crash.dump.and_then(|dump| dump.goroutines.first()).map_or(u32::MAX, |entry| entry.lines.0);
    let rows = told.run.rows(Family::PanicText);
    let rows = &rows[rows.partition_point(|row| log.line(*row) < head)..];
    let rows = rows.iter().take_while(|row| log.line(**row) < end);
    let texts: Vec<String> = rows.filter_map(|row| Some(log.text(*row, panic_text::TEXT)?.trim().to_owned())).collect();
    let Some(at) = texts.iter().position(|text| text == "running tests:") else { return String::new() };
    let tests = &texts[at + 1..];
    let mut named: Vec<String> = tests.iter().take(MAX_TESTS).map(|test| shown(test)).collect();
    if tests.len() > MAX_TESTS {
        named.push(format!("{} more", tests.len() - MAX_TESTS));
    }
    if named.is_empty() { String::new() } else { format!(", running {}", named.join(", ")) }
}

fn of_handler(told: &Told<'_>) -> Words {
    let text = shown(&recovered_text(told.log, told));
    Words {
        severity: Severity::Warning,
        ..Words::error(
            format!("A handler panicked and net/http recovered it: {text}{}", told.somewhere()),
            "net/http says that it recovered the panic",
        )
    }
}

fn recovered_text(log: &Log, told: &Told<'_>) -> String {
    log.text(told.crash.head, http_panic::TEXT).map(|text| text.into_owned()).unwrap_or_default()
}

/// The process goes on after a panic that was recovered: those of one run that say the same are one finding. Goroutines
/// differ from request to request.
fn by_place(findings: Vec<Finding>) -> Vec<Finding> {
    let key = |finding: &Finding| {
        let place = finding.message.rsplit_once(" in ").map(|(_, place)| place.to_owned());
        let value = finding.message.split("; goroutine ").next().unwrap_or_default().to_owned();
        (finding.run, value, place)
    };
    let mut groups: Vec<Vec<Finding>> = Vec::new();
    let mut at: HashMap<_, usize> = HashMap::new();
    for finding in findings {
        let group = *at.entry(key(&finding)).or_insert_with(|| {
            groups.push(Vec::new());
            groups.len() - 1
        });
        groups[group].push(finding);
    }
    let first_of = |mut group: Vec<Finding>| {
        let others = group.split_off(1);
        let mut first = group.pop()?;
        fatal::join(&mut first, others);
        Some(first)
    };
    groups.into_iter().filter_map(first_of).collect()
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;
    use crate::rules::fixture::check;

    const STACK: &str = "
goroutine 5 [running]:
main.order(0x1267)
\t/src/order.go:31 +0x1d
created by main.main
\t/src/main.go:12 +0x40
";

    #[test]
    fn a_panic_in_the_standard_library_names_who_called_it() {
        check(
            &RULE,
            "\
panic: strings: negative Repeat count

goroutine 1 [running]:
strings.Repeat({0x47bd1f, 0x1}, 0xffffffffffffffff)
\t/usr/local/go/src/strings/strings.go:624 +0x4e5
main.indent(...)
\t/home/dev/print.go:9
main.main()
\t/home/dev/main.go:12 +0x2b
exit status 2
",
            expect![[r#"
                1 Error FT107: Panic: strings: negative Repeat count; goroutine 1 in strings.Repeat (strings.go:624), called by main.indent (print.go:9).
                  4:function goroutine 1 in strings.Repeat (strings.go:624)
                  6:function called by main.indent (print.go:9)
            "#]],
        );
    }

    #[test]
    fn names_the_value_and_the_place() {
        check(
            &RULE,
            &format!("panic: order 4711: no such customer\n{STACK}exit status 2\n"),
            expect![[r#"
                1 Error FT107: Panic: order 4711: no such customer; goroutine 5 in main.order (order.go:31).
                  4:function goroutine 5 in main.order (order.go:31)
                  6 created by main.main
            "#]],
        );
    }

    #[test]
    fn of_a_chain_the_last_one_ended_the_process() {
        check(
            &RULE,
            &format!("panic: first failure [recovered]\n\tpanic: first failure\n\tpanic: while cleaning up\n{STACK}"),
            expect![[r#"
                1 Error FT107: Panic: while cleaning up, while another was in flight: first failure; goroutine 5 in main.order (order.go:31).
                  6:function goroutine 5 in main.order (order.go:31)
                  8 created by main.main
                  3 the last panic, which ended the process
            "#]],
        );
        for text in ["panic: boom [recovered]\n\tpanic: boom\n", "panic: boom [recovered, repanicked]\n"] {
            let found = crate::rules::fixture::findings_in_text(&RULE, &format!("{text}{STACK}"));
            assert!(
                found.contains("boom, which a deferred function had recovered and raised again; goroutine 5"),
                "{found}"
            );
        }
    }

    #[test]
    fn names_the_tests_that_were_running() {
        check(
            &RULE,
            "panic: test timed out after 1s\n\trunning tests:\n\t\tTestStuck (1s)\n\n\
             goroutine 19 [running]:\ntesting.(*M).startAlarm.func1()\n\t/usr/local/go/src/testing/testing.go:2961 +0x34a\n",
            expect![[r#"
                1 Error FT107: A test timed out after 1s, running TestStuck (1s).
                  6 the alarm: goroutine 19 in testing.(*M).startAlarm.func1 (testing.go:2961)
            "#]],
        );
    }

    #[test]
    fn names_the_goroutine_of_the_test_that_has_waited_longest() {
        let test = |id: u32, minutes: u32, name: &str| {
            format!(
                "\ngoroutine {id} [chan receive, {minutes} minutes]:\nexample.org/queue.{name}(0xc00012a4e0)\n\
                 \t/src/queue/queue_test.go:{id} +0x2b0\ntesting.tRunner(0xc00012a4e0, 0x617d10)\n\
                 \t/usr/local/go/src/testing/testing.go:956 +0x19c\ncreated by testing.(*T).Run\n\
                 \t/usr/local/go/src/testing/testing.go:1005 +0x35b\n"
            )
        };
        let log = format!(
            "panic: test timed out after 10m0s\n\ngoroutine 40 [running]:\ntesting.(*M).startAlarm.func1()\n\
             \t/usr/local/go/src/testing/testing.go:1422 +0x145\ncreated by time.goFunc\n\
             \t/usr/local/go/src/time/sleep.go:168 +0x46\n\n\
             goroutine 1 [chan receive, 9 minutes]:\ntesting.(*T).Run(0xc00014c7e0, 0x60f12e)\n\
             \t/usr/local/go/src/testing/testing.go:1006 +0x68e\ntesting.tRunner(0xc00014c7e0, 0x617d10)\n\
             \t/usr/local/go/src/testing/testing.go:956 +0x19c\n{}{}",
            test(18, 2, "TestPush"),
            test(19, 8, "TestPop"),
        );
        let found = crate::rules::fixture::findings_in_text(&RULE, &log);
        let want = "A test timed out after 10m0s; goroutine 19 in example.org/queue.TestPop (queue_test.go:19).";
        assert!(found.contains(want), "{found}");
    }

    #[test]
    fn panics_that_a_server_recovered_are_warnings_and_told_once() {
        let served = |id: u32| {
            format!(
                "2026/01/02 03:04:05 http: panic serving 127.0.0.1:5236{id}: boom\ngoroutine {id} [running]:\n\
                 net/http.(*conn).serve.func1()\n\t/usr/local/go/src/net/http/server.go:1850 +0xbf\n\
                 panic({{0x729780?, 0xc00001c1d0?}})\n\t/usr/local/go/src/runtime/panic.go:890 +0x262\n\
                 main.buy(0x1)\n\t/src/shop.go:9 +0x1d\n\nserved /\n"
            )
        };
        check(
            &RULE,
            &format!("{}{}", served(4), served(7)),
            expect![[r#"
                1 Warning FT107: A handler panicked and net/http recovered it: boom; goroutine 4 in main.buy (shop.go:9) (2 times).
                  7:function goroutine 4 in main.buy (shop.go:9)
                  11 the last one like it
                  further 11
            "#]],
        );
    }

    #[test]
    fn a_head_alone_is_believed_as_the_last_word() {
        for text in ["panic: boom", "panic: boom\n", "served /\npanic: boom\n\n", "panic: boom\nexit status 2\n"] {
            let found = crate::rules::fixture::findings_in_text(&RULE, text);
            assert!(found.contains("Error FT107: Panic: boom."), "{text:?}: {found}");
        }
        let restarted = "panic: boom\n\
            gc 1 @0.020s 1%: 0.31+1.6+0.004 ms clock, 0.62+0.030/1.7/0.002+0.008 ms cpu, 4->4->2 MB, 5 MB goal, 2 P\n";
        let lives = format!("{}{restarted}", restarted.split_once('\n').unwrap().1);
        let found = crate::rules::fixture::findings_in_text(&RULE, &lives);
        assert!(found.contains("2 Error FT107"), "{found}");
    }

    #[test]
    fn a_program_that_writes_about_panics_has_none() {
        for text in [
            "panic: recovered in worker 3: boom\nworker 3 goes on\n",
            "2026/01/02 03:04:05 panic: recovered in worker 3: boom\n",
            "level=error msg=\"panic: boom\" worker=3\n",
            "don't panic: boom\n",
            "goroutine 5 [running]:\nmain.order(0x1267)\n\t/src/order.go:31 +0x1d\n",
        ] {
            check(&RULE, text, expect![""]);
        }
        let goes_on = "panic: boom\n\
            gc 2 @0.120s 1%: 0.31+1.6+0.004 ms clock, 0.62+0.030/1.7/0.002+0.008 ms cpu, 4->4->2 MB, 5 MB goal, 2 P\n";
        let before = goes_on.split_once('\n').unwrap().1.replace("gc 2 @0.120s", "gc 1 @0.020s");
        check(&RULE, &format!("{before}{goes_on}"), expect![""]);
    }

    #[test]
    fn a_panic_behind_an_unfinished_line_is_one() {
        let found = |log: &str| crate::rules::fixture::findings_in_text(&RULE, log);
        for log in [
            format!("Enter a number: panic: order 4711: no such customer\n{STACK}exit status 2\n"),
            format!(
                "50 % done  panic: boom\n[signal SIGSEGV: segmentation violation code=0x1 addr=0x0 pc=0x4d]\n{STACK}"
            ),
        ] {
            assert!(found(&log).starts_with("1 Error FT107: Panic: "), "{log}{}", found(&log));
            assert!(found(&log).contains("goroutine 5 in main.order (order.go:31)"), "{log}{}", found(&log));
        }
        let logged = STACK.trim_start();
        for log in [
            // What a program recovered and logged, with the stack right behind it.
            format!("recovered from panic: boom\n{logged}"),
            format!("worker 3: panic: boom\nworker 3 goes on\n{STACK}"),
            format!("worker 3: panic: boom\n\nSIGQUIT: quit\nPC=0x45a6d1 m=0 sigcode=0\n{STACK}"),
            "worker 3: panic: boom\n".to_owned(),
        ] {
            assert_eq!(found(&log), "", "{log}");
        }
    }

    #[test]
    fn text_of_the_log_cannot_draw_on_a_terminal() {
        let found = crate::rules::fixture::findings_in_text(&RULE, "panic: \u{1b}[31mred\u{202e}\n");
        assert!(!found.contains('\u{1b}') && !found.contains('\u{202e}'), "{found:?}");
    }

    #[test]
    fn many_that_say_the_same_are_one() {
        let log = format!("panic: boom\n{STACK}exit status 2\n").repeat(400);
        let found = crate::rules::fixture::findings_in_text(&RULE, &log);
        assert_eq!(found.matches("Error FT107").count(), 1);
        assert!(found.contains("(order.go:31) (400 times)."), "{found}");
        let log = format!("panic: boom\n{STACK}exit status 2\n").repeat(3);
        assert_eq!(crate::rules::fixture::findings_in_text(&RULE, &log).matches("Error FT107").count(), 3);
    }
}
