//! ## What it looks for
//!
//! The fatal error with which the runtime ends a program in which no goroutine can ever run again: all wait for each other
//! or for something that nobody will do, or the main goroutine ended itself and no other is left.
//!
//! ## Why it matters
//!
//! The process is gone, with exit code 2. The runtime notices only when every goroutine is stuck: one that waits for the
//! network, a signal handler or C code is enough to hide the same mistake, and then the program hangs without a word.
//!
//! ## What to do next
//!
//! Read the states: `chan receive` and `chan send` wait for the other side of a channel, `semacquire` and
//! `sync.Mutex.Lock` for a lock or a WaitGroup, `select (no cases)` for nothing at all. Start with the main goroutine,
//! which comes first, and ask who was to wake it. The line `created by` says where each of the others was started.
//!
//! ## Limits
//!
//! A head alone is believed, because only the runtime words it so. Nothing is printed with cgo, with signals that the
//! program listens for, or with the network poller in use.
//!
//! ## Example
//!
//! ```text
//! fatal error: all goroutines are asleep - deadlock!
//!
//! goroutine 1 [semacquire]:
//! ```

use tracelog::catalog::{goroutine, panic};

use super::fatal::{self, Told, Words};
use super::{BlocksView, Check, Findings, Kind, Limits, Rule, Severity};
use crate::blocks::is_own;
use crate::ending::{Cause, shown};
use crate::words::grouped;

/// FT101.
pub(crate) static RULE: Rule = Rule {
    code: "FT101",
    slug: "deadlock",
    title: "All goroutines are blocked for ever",
    severity: Severity::Error,
    kind: Kind::Point,
    reads: &[panic::TEXT, goroutine::STATE],
    limits: &[],
    check: Check::Blocks(check),
};

fn check(view: &BlocksView<'_>, _limits: &Limits, findings: &mut Findings) {
    fatal::report(view, findings, &RULE, &[Cause::Deadlock], words);
}

fn words(told: &Told<'_>) -> Words {
    let states = told.own_states();
    let message = match states.len() {
        _ if told.crash.text(told.log).starts_with("no goroutines") => {
            "No goroutine is left: the main goroutine ended itself with runtime.Goexit".to_owned()
        }
        0 => "All goroutines are blocked and nothing can wake them".to_owned(),
        1 => {
            let first = told.crash.first(told.log).filter(|first| first.function.as_deref().is_some_and(is_own));
            let place = first.map_or_else(String::new, |first| format!("; {}", first.in_words()));
            format!("The only goroutine printed is blocked and nothing can wake it: {}{place}", shown(&states[0]))
        }
        n => {
            let counts = fatal::in_counts(states.into_iter());
            format!("All {} goroutines are blocked and nothing can wake them: {counts}", grouped(n))
        }
    };
    Words::error(message, "the runtime says that no goroutine can run")
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;
    use crate::rules::fixture::check;

    #[test]
    fn goroutines_are_counted_by_what_they_wait_for() {
        check(
            &RULE,
            "\
gc 1 @0.020s 1%: 0.31+1.6+0.004 ms clock, 0.62+0.030/1.7/0.002+0.008 ms cpu, 4->4->2 MB, 5 MB goal, 2 P
fatal error: all goroutines are asleep - deadlock!

goroutine 1 [chan receive]:
main.main()
\t/src/main.go:7 +0x20

goroutine 6 [semacquire]:
sync.runtime_Semacquire(0xc000012345)
\t/usr/local/go/src/runtime/sema.go:56 +0x42
main.wait()
\t/src/main.go:17 +0x20
created by main.main
\t/src/main.go:5 +0x20

goroutine 7 [chan receive]:
main.main()
\t/src/main.go:7 +0x20
exit status 2
",
            expect![[r#"
                2 Error FT101: All 3 goroutines are blocked and nothing can wake them: 2 chan receive, 1 semacquire.
                  5 first comes goroutine 1 in main.main (main.go:7)
                  1 the last cycle before: gc 1 @0.020s, live heap 2 MB, goal 5 MB
            "#]],
        );
    }

    #[test]
    fn says_it_for_a_head_alone_and_for_the_oldest_wording() {
        check(
            &RULE,
            "fatal error: all goroutines are asleep - deadlock!\n",
            expect![[r#"
                1 Error FT101: All goroutines are blocked and nothing can wake them.
            "#]],
        );
        check(
            &RULE,
            "throw: all goroutines are asleep - deadlock!\n\ngoroutine 1 [chan receive]:\nmain.main()\n\t/src/main.go:7 +0x20\n",
            expect![[r#"
                1 Error FT101: The only goroutine printed is blocked and nothing can wake it: chan receive; goroutine 1 in main.main (main.go:7).
                  4 first comes goroutine 1 in main.main (main.go:7)
            "#]],
        );
        check(
            &RULE,
            "fatal error: no goroutines (main called runtime.Goexit) - deadlock!\n",
            expect![[r#"
                1 Error FT101: No goroutine is left: the main goroutine ended itself with runtime.Goexit.
            "#]],
        );
    }

    #[test]
    fn a_program_that_writes_about_deadlocks_has_none() {
        for text in [
            "2026-01-02T03:04:05Z deadlock detected in transaction 4711\n",
            "fatal error: database deadlock, giving up\nclosing 4 connections\n",
            "INFO fatal error: all goroutines are asleep - deadlock! was fixed in v2\n",
        ] {
            check(&RULE, text, expect![""]);
        }
    }
}
