//! ## What it looks for
//!
//! A dump of all goroutines that somebody asked for with SIGQUIT, which also ends the process.
//!
//! ## Why it matters
//!
//! This is no fault of the program: a person pressed Ctrl-\, or `go test` or a supervisor gave up on it. What is asked for
//! that way is mostly a program that hangs, and the dump shows it at that moment.
//!
//! ## What to do next
//!
//! Look at the largest groups of goroutines with the same stack, at those with many minutes, and at who waits for a lock
//! that somebody holds who waits himself. Goroutine 0 is the thread that took the signal and means nothing.
//!
//! ## Limits
//!
//! Minutes are whole ones and count from the first collection behind the wait. With GOTRACEBACK=crash every thread answers
//! with a dump of its own; they are one finding.
//!
//! ## Example
//!
//! ```text
//! SIGQUIT: quit
//! PC=0x45a6d1 m=0 sigcode=0
//!
//! goroutine 0 [idle]:
//! ```

use tracelog::catalog::{goroutine, signal};

use super::fatal::{self, Told, Words};
use super::{BlocksView, Check, Findings, Kind, Limits, Rule, Severity};
use crate::ending::Cause;
use crate::words::{count, grouped};

/// FT106.
pub(crate) static RULE: Rule = Rule {
    code: "FT106",
    slug: "sigquit",
    title: "Somebody asked for all stacks and ended the process",
    severity: Severity::Info,
    kind: Kind::Point,
    reads: &[signal::SIGNAL, goroutine::STATE],
    limits: &[],
    check: Check::Blocks(check),
};

fn check(view: &BlocksView<'_>, _limits: &Limits, findings: &mut Findings) {
    fatal::report(view, findings, &RULE, &[Cause::Quit], words);
}

fn words(told: &Told<'_>) -> Words {
    let message = match told.n_goroutines() {
        0 => "SIGQUIT ended the process; it printed no stacks".to_owned(),
        1 => format!("1 goroutine printed on SIGQUIT, which ended the process: {}", told.state()),
        n => format!("{} goroutines printed on SIGQUIT, which ended the process: {}", grouped(n), told.states()),
    };
    let threads = match told.crash.relays.len() {
        0 => String::new(),
        n => format!("; {} answered too", count(n, "thread")),
    };
    Words { severity: Severity::Info, ..Words::error(format!("{message}{threads}"), "SIGQUIT asks for all stacks") }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;
    use crate::rules::fixture::check;

    const DUMP: &str = "\
SIGQUIT: quit
PC=0x45a6d1 m=0 sigcode=0

goroutine 0 [idle]:
runtime.futex(0x9440e8, 0x80)
\t/usr/local/go/src/runtime/sys_linux_amd64.s:588 +0x23

goroutine 1 [chan receive, 2 minutes]:
main.main()
\t/src/main.go:7 +0x20

rax    0xca
";

    #[test]
    fn a_dump_on_request_is_told_and_no_error() {
        check(
            &RULE,
            DUMP,
            expect![[r#"
                1 Info FT106: 2 goroutines printed on SIGQUIT, which ended the process: 1 chan receive, 1 idle.
            "#]],
        );
    }

    #[test]
    fn threads_that_answer_are_one_dump() {
        let threads =
            format!("{DUMP}\n-----\n\n{}\n-----\n\n{}", DUMP.replace("m=0", "m=1"), DUMP.replace("m=0", "m=2"));
        check(
            &RULE,
            &threads,
            expect![[r#"
                1 Info FT106: 2 goroutines printed on SIGQUIT, which ended the process: 1 chan receive, 1 idle; 2 threads answered too.
                  further 16, 31
            "#]],
        );
    }

    #[test]
    fn two_dumps_are_two() {
        check(
            &RULE,
            &format!("{DUMP}exit status 2\n{DUMP}"),
            expect![[r#"
                1 Info FT106: 2 goroutines printed on SIGQUIT, which ended the process: 1 chan receive, 1 idle.
                14 Info FT106: 2 goroutines printed on SIGQUIT, which ended the process: 1 chan receive, 1 idle.
            "#]],
        );
    }

    #[test]
    fn a_signal_that_the_program_tells_of_is_none() {
        check(&RULE, "SIGQUIT: ignored, use SIGTERM\nserving\n", expect![""]);
    }
}
