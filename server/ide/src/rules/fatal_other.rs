//! ## What it looks for
//!
//! Fatal errors that no other rule has a page for (`sync: unlock of unlocked mutex`, `found bad pointer in Go heap`,
//! `unexpected signal during runtime execution` ...), and signals other than SIGQUIT that ended the process with a dump.
//!
//! ## Why it matters
//!
//! The process is gone. A fatal error is a mistake that the runtime cannot go on after: `recover` does not see it. Texts
//! about pointers, faults and signals mean that memory was damaged, mostly by C code or `unsafe`, and often long before
//! the place that is named.
//!
//! ## What to do next
//!
//! Read the text and go to the function that is named. With C code in the program, look at what it was called with, and
//! let the checks of cgo find pointers that it must not keep:
//!
//! ```sh
//! # a build that checks pointers passed to C code
//! GOEXPERIMENT=cgocheck2 go build ./...
//! ```
//!
//! ```sh
//! # tests under the race detector
//! go test -race ./...
//! ```
//!
//! ## Limits
//!
//! A head without stacks is believed where only the runtime words it so, or where its process wrote nothing behind it. For
//! a signal the goroutine is the one that is printed first, which need not be the one that was hit.
//!
//! ## Example
//!
//! ```text
//! fatal error: sync: unlock of unlocked mutex
//!
//! goroutine 1 [running]:
//! ```

use tracelog::Family;
use tracelog::catalog::{frame, panic, signal};

use super::fatal::{self, Told, Words};
use super::{BlocksView, Check, Findings, Kind, Limits, Rule, Severity};
use crate::ending::{Cause, shown};

/// FT108.
pub(crate) static RULE: Rule = Rule {
    code: "FT108",
    slug: "fatal-other",
    title: "A fatal error or a signal ended the process",
    severity: Severity::Error,
    kind: Kind::Point,
    reads: &[panic::TEXT, signal::SIGNAL, frame::FUNCTION],
    limits: &[],
    check: Check::Blocks(check),
};

fn check(view: &BlocksView<'_>, _limits: &Limits, findings: &mut Findings) {
    fatal::report(view, findings, &RULE, &[Cause::Other], words);
}

fn words(told: &Told<'_>) -> Words {
    let (log, head) = (told.log, told.crash.head);
    let text = shown(&told.crash.text(log));
    if head.family != Family::Signal {
        return Words::error(format!("Fatal error: {text}{}", told.somewhere()), "the runtime calls it fatal");
    }
    let name = match (log.text(head, signal::SIGNAL), log.code(head, signal::SIGNAL_NUMBER)) {
        (Some(name), _) => format!("SIG{} ({text})", shown(&name)),
        (None, Some(number)) => format!("number {number}"),
        (None, None) => text,
    };
    Words::error(format!("Signal {name} ended the process{}", told.somewhere()), "nothing handled the signal")
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;
    use crate::rules::fixture::check;

    const STACK: &str = "
goroutine 1 [running]:
runtime.throw(0x63a780, 0x1e)
\t/usr/local/go/src/runtime/panic.go:605 +0x95
sync.throw(0x63a780, 0x1e)
\t/usr/local/go/src/runtime/panic.go:594 +0x35
sync.(*Mutex).Unlock(0xc42000e1e0)
\t/usr/local/go/src/sync/mutex.go:184 +0xc1
main.release(0x2a)
\t/src/lock.go:12 +0x1d
";

    #[test]
    fn tells_the_text_and_the_place() {
        check(
            &RULE,
            &format!("fatal error: sync: unlock of unlocked mutex\n{STACK}"),
            expect![[r#"
                1 Error FT108: Fatal error: sync: unlock of unlocked mutex; goroutine 1 in main.release (lock.go:12).
                  10:function goroutine 1 in main.release (lock.go:12)
            "#]],
        );
    }

    #[test]
    fn a_panic_whose_line_was_cut_off_is_told_by_its_signal() {
        check(
            &RULE,
            "[signal SIGSEGV: segmentation violation code=0x1 addr=0x8 pc=0x887433]\ngoroutine 26 [running]:\n\
             main.analyze(0x2a)\n\t/src/run.go:55 +0x173\n",
            expect![[r#"
                1 Error FT108: Signal SIGSEGV (segmentation violation) ended the process; goroutine 26 in main.analyze (run.go:55).
                  3:function goroutine 26 in main.analyze (run.go:55)
            "#]],
        );
    }

    #[test]
    fn a_signal_behind_an_unfinished_line() {
        let log = "speed 53.4 MH/s  SIGABRT: abort\nPC=0x501dd42 m=3\nsignal arrived during cgo execution\n\n\
                   goroutine 6 [syscall, locked to thread]:\nmain.mine(0x2a)\n\t/src/mine.go:55 +0x173\n";
        let found = crate::rules::fixture::findings_in_text(&RULE, log);
        assert!(found.starts_with("1 Error FT108: Signal SIGABRT (abort) ended the process; goroutine 6"), "{found}");
        for mentioned in ["got SIGTERM: terminated\nbye\n", "served /\nreceived SIGTERM: terminated\n"] {
            assert_eq!(crate::rules::fixture::findings_in_text(&RULE, mentioned), "");
        }
    }

    #[test]
    fn a_fatal_error_while_panicking_stands_at_its_own_line() {
        check(
            &RULE,
            &format!("panic: first failure\n\tfatal error: sync: unlock of unlocked mutex\n{STACK}"),
            expect![[r#"
                2 Error FT108: Fatal error: sync: unlock of unlocked mutex; goroutine 1 in main.release (lock.go:12).
                  11:function goroutine 1 in main.release (lock.go:12)
                  1 the panic before it
            "#]],
        );
    }

    #[test]
    fn signals_are_named() {
        check(
            &RULE,
            "SIGSEGV: segmentation violation\nPC=0x7f5e3c2a1b3c m=0 sigcode=1 addr=0x0\nsignal arrived during cgo execution\n\n\
             goroutine 1 gp=0xc0000061c0 m=0 mp=0x5ffd20 [syscall]:\nruntime.cgocall(0x4a1b60, 0xc00006ef50)\n\
             \t/usr/local/go/src/runtime/cgocall.go:157 +0x4b\nmain.main()\n\t/src/main.go:9 +0x1d\n",
            expect![[r#"
                1 Error FT108: Signal SIGSEGV (segmentation violation) ended the process; goroutine 1 in main.main (main.go:9).
                  8:function goroutine 1 in main.main (main.go:9)
            "#]],
        );
        check(&RULE, "SIGTERM: shutting down\nclosing listeners\n", expect![""]);
    }

    #[test]
    fn errors_that_a_program_calls_fatal_are_its_own() {
        for text in [
            "fatal error: cannot open config.yaml\nusage: server [flags]\n",
            "2026/01/02 03:04:05 fatal error: no such host\n2026/01/02 03:04:06 retrying\n",
        ] {
            check(&RULE, text, expect![""]);
        }
    }

    #[test]
    fn those_with_a_page_of_their_own_are_left_to_it() {
        for text in
            ["stack overflow", "concurrent map writes", "all goroutines are asleep - deadlock!", "out of memory"]
        {
            check(&RULE, &format!("fatal error: {text}\n{STACK}"), expect![""]);
        }
    }
}
