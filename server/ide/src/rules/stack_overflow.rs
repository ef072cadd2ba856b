//! ## What it looks for
//!
//! The fatal error with which the runtime ends a program one of whose goroutines needs a larger stack than the limit:
//! 1,000,000,000 bytes on machines of 64 bits, 250,000,000 on those of 32, unless `debug.SetMaxStack` says otherwise.
//!
//! ## Why it matters
//!
//! The process is gone, with exit code 2, and `recover` cannot stop that. A stack of that size is nearly always a recursion
//! without an end: a type whose `String`, `Error` or `MarshalJSON` method formats itself, a structure that contains itself.
//!
//! ## What to do next
//!
//! Look at the function that comes again and again, and at the arguments by which its calls differ. Where they do not
//! differ, the condition that ends the recursion is missing. If the depth is meant, keep the work on a slice instead of on
//! the stack.
//!
//! ## Limits
//!
//! Of a deep stack the runtime prints about a hundred frames: how deep it was is not in the log.
//!
//! ## Example
//!
//! ```text
//! runtime: goroutine stack exceeds 1048576-byte limit
//! runtime: sp=0xc0001e04c8 stack=[0xc0001e0000, 0xc0002e0000]
//! fatal error: stack overflow
//! ```

use tracelog::catalog::{frame, panic, runtime_note, shapes};

use super::fatal::{self, Told, Words};
use super::{BlocksView, Check, Findings, Kind, Limits, Rule, Severity};
use crate::ending::{Cause, shown};
use crate::words::grouped;

/// FT103.
pub(crate) static RULE: Rule = Rule {
    code: "FT103",
    slug: "stack-overflow",
    title: "The stack of a goroutine passed its limit",
    severity: Severity::Error,
    kind: Kind::Point,
    reads: &[runtime_note::STACK_LIMIT_BYTES, panic::TEXT, frame::FUNCTION],
    limits: &[],
    check: Check::Blocks(check),
};

fn check(view: &BlocksView<'_>, _limits: &Limits, findings: &mut Findings) {
    fatal::report(view, findings, &RULE, &[Cause::StackOverflow], words);
}

fn words(told: &Told<'_>) -> Words {
    let note = told.crash.note(told.log, shapes::RUNTIME_NOTE_STACK_1_2);
    let limit = note.and_then(|row| told.log.value(row, runtime_note::STACK_LIMIT_BYTES));
    let of_limit = limit.map_or_else(|| "its limit".to_owned(), |bytes| format!("{} bytes", grouped(bytes as usize)));
    let mut numbers: Vec<(&'static str, f64)> = limit.map(|bytes| ("stack_limit_bytes", bytes)).into_iter().collect();
    let again = repeated(told).map_or_else(String::new, |(function, n, n_frames)| {
        numbers.extend([("repeated_frames", n as f64), ("frames_shown", n_frames as f64)]);
        format!("; {n} of {n_frames} frames shown are {}", shown(&function))
    });
    let message = format!("Stack overflow: a stack passed {of_limit}{}{again}", told.somewhere());
    Words { numbers, ..Words::error(message, "the runtime says that a stack passed its limit") }
}

/// The function that is most often in the stack, if more than once: how often, and of how many frames.
fn repeated(told: &Told<'_>) -> Option<(String, usize, usize)> {
    let entry = told.crash.dump?.goroutines.first()?;
    let functions = entry.functions(told.log);
    let n_frames = functions.len();
    let (function, n) = crate::blocks::counts(functions.into_iter()).into_iter().next()?;
    (n > 1).then_some((function, n, n_frames))
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;
    use crate::rules::fixture::check;

    #[test]
    fn names_the_function_that_calls_itself() {
        check(
            &RULE,
            "\
runtime: goroutine stack exceeds 1000000000-byte limit
runtime: sp=0xc0001e04c8 stack=[0xc0001e0000, 0xc0002e0000]
fatal error: stack overflow

runtime stack:
runtime.throw({0x6d9b8e?, 0x88d1c0?})
\t/usr/local/go/src/runtime/panic.go:992 +0x71

goroutine 18 [running]:
main.recurse(0x3e1, 0x0)
\t/src/dump.go:38 fp=0xc820196440 sp=0xc820196438
main.recurse(0x3e0, 0x0)
\t/src/dump.go:38 +0x74 fp=0xc820196858 sp=0xc820196440
main.main()
\t/src/main.go:8 +0x74 fp=0xc820196858 sp=0xc820196440
",
            expect![[r#"
                1 Error FT103: Stack overflow: a stack passed 1,000,000,000 bytes; goroutine 18 in main.recurse (dump.go:38); 2 of 3 frames shown are main.recurse.
                  10:function goroutine 18 in main.recurse (dump.go:38)
                  3 the fatal error
            "#]],
        );
    }

    #[test]
    fn a_program_that_writes_about_stacks_has_none() {
        check(
            &RULE,
            "runtime: goroutine stack exceeds what we planned for\nfatal error: stack overflow of orders\nnext\n",
            expect![""],
        );
    }
}
