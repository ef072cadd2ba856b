//! ## What it looks for
//!
//! The fatal error with which the runtime ends a program that has as many threads as it may have: 10,000 unless
//! `debug.SetMaxThreads` says otherwise.
//!
//! ## Why it matters
//!
//! The process is gone, with exit code 2. Goroutines share few threads, but one that is inside of a blocking system call or
//! a call of C code takes a thread of its own, and threads are never given back.
//!
//! ## What to do next
//!
//! Look at what the goroutines are in that are in state `syscall`: files on a slow or dead network disk, name lookups in C
//! code, a C library that waits. Bound how many goroutines may do that at a time. Whether the number rises slowly or comes
//! in a burst shows in the threads of `SCHED` lines:
//!
//! ```sh
//! # record threads and run queues every second
//! GODEBUG=schedtrace=1000 PROGRAM
//! ```
//!
//! ```sh
//! # threads of a running process
//! ls /proc/PID/task | wc -l
//! ```
//!
//! ## Limits
//!
//! Go 1.2 and later. A limit of the machine is reached long before on many hosts: `no-thread` tells of that one.
//!
//! ## Example
//!
//! ```text
//! runtime: program exceeds 8-thread limit
//! fatal error: thread exhaustion
//! ```

use tracelog::catalog::{goroutine, panic, runtime_note, shapes};

use super::fatal::{self, Told, Words};
use super::{BlocksView, Check, Findings, Kind, Limits, Rule, Severity};
use crate::ending::Cause;
use crate::words::{self, grouped};

/// FT104.
pub(crate) static RULE: Rule = Rule {
    code: "FT104",
    slug: "thread-limit",
    title: "The program has as many threads as it may have",
    severity: Severity::Error,
    kind: Kind::Point,
    reads: &[runtime_note::THREAD_LIMIT, panic::TEXT, goroutine::STATE],
    limits: &[],
    check: Check::Blocks(check),
};

fn check(view: &BlocksView<'_>, _limits: &Limits, findings: &mut Findings) {
    fatal::report(view, findings, &RULE, &[Cause::ThreadLimit], words);
}

fn words(told: &Told<'_>) -> Words {
    let note = told.crash.note(told.log, shapes::RUNTIME_NOTE_THREADS_1_2);
    let limit = note.and_then(|row| told.log.value(row, runtime_note::THREAD_LIMIT));
    let of_limit = limit.map_or_else(|| "All".to_owned(), |threads| format!("The {}", grouped(threads as usize)));
    let goroutines = match told.n_goroutines() {
        0 => String::new(),
        n => format!("; {} shown: {}", words::count(n, "goroutine"), told.states()),
    };
    let message = format!("{of_limit} threads that the program may have are in use{goroutines}");
    let numbers = limit.map(|threads| ("thread_limit", threads)).into_iter().collect();
    Words { numbers, ..Words::error(message, "the runtime says that the limit of threads is reached") }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;
    use crate::rules::fixture::check;

    #[test]
    fn tells_the_limit_and_what_goroutines_were_in() {
        check(
            &RULE,
            "\
runtime: program exceeds 10000-thread limit
fatal error: thread exhaustion

goroutine 9 [running]:
runtime.throw({0x6d9b8e?, 0x88d1c0?})
\t/usr/local/go/src/runtime/panic.go:992 +0x71

goroutine 7 [syscall]:
syscall.Syscall(0x0, 0x3, 0xc0000140a0)
\t/usr/local/go/src/syscall/asm_linux_amd64.s:20 +0x5

goroutine 8 [syscall]:
syscall.Syscall(0x0, 0x3, 0xc0000140a0)
\t/usr/local/go/src/syscall/asm_linux_amd64.s:20 +0x5
",
            expect![[r#"
                1 Error FT104: The 10,000 threads that the program may have are in use; 3 goroutines shown: 2 syscall, 1 running.
                  4 goroutine 9
                  2 the fatal error
            "#]],
        );
    }

    #[test]
    fn the_text_is_enough_and_other_limits_are_not_meant() {
        check(
            &RULE,
            "fatal error: thread exhaustion\n\ngoroutine 9 [running]:\nmain.f()\n\t/src/a.go:1 +0x1\n",
            expect![[r#"
                1 Error FT104: All threads that the program may have are in use; 1 goroutine shown: 1 running.
                  4:function goroutine 9 in main.f (a.go:1)
            "#]],
        );
        check(
            &RULE,
            "runtime: failed to create new OS thread (have 32 already; errno=11)\nfatal error: newosproc\n",
            expect![""],
        );
    }
}
