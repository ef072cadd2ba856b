//! ## What it looks for
//!
//! The fatal errors with which the runtime ends a program that uses one map from two goroutines at a time: `concurrent map
//! writes`, `concurrent map read and map write`, `concurrent map iteration and map write`.
//!
//! ## Why it matters
//!
//! The process is gone, with exit code 2, and `recover` cannot stop that. The check finds such an access only by chance, so
//! the same mistake has been there in runs that did not end.
//!
//! ## What to do next
//!
//! The goroutine that noticed comes first in the dump; the other one is mostly among those that stand in the same type. Guard
//! the map with a mutex, or use `sync.Map`. The race detector names both sides:
//!
//! ```sh
//! # tests under the race detector
//! go test -race ./...
//! ```
//!
//! ## Limits
//!
//! Go 1.6 and later. The dump shows where the other goroutine is now, which need not be where it touched the map.
//!
//! ## Example
//!
//! ```text
//! fatal error: concurrent map writes
//!
//! goroutine 21 [running]:
//! ```

use tracelog::catalog::{frame, panic};

use super::fatal::{self, Told, Words};
use super::{BlocksView, Check, Findings, Kind, Limits, Rule, Severity};
use crate::ending::{Cause, shown};

/// FT105.
pub(crate) static RULE: Rule = Rule {
    code: "FT105",
    slug: "concurrent-map",
    title: "Two goroutines used one map at a time",
    severity: Severity::Error,
    kind: Kind::Point,
    reads: &[panic::TEXT, frame::FUNCTION],
    limits: &[],
    check: Check::Blocks(check),
};

fn check(view: &BlocksView<'_>, _limits: &Limits, findings: &mut Findings) {
    fatal::report(view, findings, &RULE, &[Cause::ConcurrentMap], words);
}

fn words(told: &Told<'_>) -> Words {
    let text = shown(&told.crash.text(told.log));
    let message = format!("Two goroutines used one map at a time ({text}){}", told.somewhere());
    Words::error(message, "the runtime says that a map was used by two goroutines at a time")
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;
    use crate::rules::fixture::{check, findings_in_text};

    #[test]
    fn names_the_goroutine_that_noticed() {
        check(
            &RULE,
            "\
fatal error: concurrent map iteration and map write

goroutine 21 [running]:
runtime.throw(0x6db75b, 0x15)
\t/usr/local/go/src/runtime/panic.go:617 +0x72 fp=0xc000045f28 sp=0xc000045ef8 pc=0x42cc42
runtime.mapiternext(0xc000045f98)
\t/usr/local/go/src/runtime/map.go:860 +0x5a9 fp=0xc000045f98
main.list(0xc00008e000)
\t/home/dev/cache.go:31 +0x40
created by main.main
\t/home/dev/main.go:12 +0x40
",
            expect![[r#"
                1 Error FT105: Two goroutines used one map at a time (concurrent map iteration and map write); goroutine 21 in main.list (cache.go:31).
                  8:function goroutine 21 in main.list (cache.go:31)
                  10 created by main.main
            "#]],
        );
    }

    #[test]
    fn both_goroutines_may_notice() {
        // Recorded with Go 1.22.
        let log = "\
fatal error: concurrent map writes
fatal error: concurrent map writes

goroutine 6 [running]:
main.record(...)
\t/home/dev/main.go:153
";
        check(
            &RULE,
            log,
            expect![[r#"
                2 Error FT105: Two goroutines used one map at a time (concurrent map writes); goroutine 6 in main.record (main.go:153).
                  5:function goroutine 6 in main.record (main.go:153)
                  further 1
            "#]],
        );
        // Two processes, each with its stacks.
        let stacks = &log[log.find("\n").unwrap() + 1..];
        assert_eq!(findings_in_text(&RULE, &format!("{stacks}exit status 2\n{stacks}")).matches("FT105").count(), 2);
    }

    #[test]
    fn an_error_of_the_program_about_its_maps_is_none() {
        check(&RULE, "fatal error: concurrent map of tiles is stale\nreloading tiles\n", expect![""]);
    }
}
