//! ## What it looks for
//!
//! The fatal error with which the runtime, or the C part of a program with cgo, ends a program that the operating system
//! refused a thread.
//!
//! ## Why it matters
//!
//! The process is gone. Error number 11 (EAGAIN) is a limit on processes or threads: the pids limit of a container,
//! `ulimit -u`, TasksMax of systemd. Other processes of the same container or user count towards it, so the program itself
//! may have few threads. 12 (ENOMEM) is memory; 22 and 38 were seen under emulation and seccomp filters.
//!
//! ## What to do next
//!
//! Compare the program's own threads, which the message names, with the limit:
//!
//! ```sh
//! # limit and use of the container that PID runs in
//! cat /sys/fs/cgroup/$(cut -d: -f3 /proc/PID/cgroup)/pids.max /sys/fs/cgroup/$(cut -d: -f3 /proc/PID/cgroup)/pids.current
//! ```
//!
//! ```sh
//! # limit of the user
//! ulimit -u
//! ```
//!
//! Few threads of its own: raise the limit, or find the other process. Many: something blocks in system calls or C code, see
//! `thread-limit`.
//!
//! ## Limits
//!
//! With cgo the message comes from C code and has no numbers; SIGABRT follows it.
//!
//! ## Example
//!
//! ```text
//! runtime: failed to create new OS thread (have 32 already; errno=11)
//! runtime: may need to increase max user processes (ulimit -u)
//! fatal error: newosproc
//! ```

use tracelog::catalog::{panic, runtime_note, shapes};

use super::fatal::{self, Told, Words};
use super::{BlocksView, Check, Findings, Kind, Limits, Rule, Severity};
use crate::ending::{Cause, shown};
use crate::words::grouped;

/// FT110.
pub(crate) static RULE: Rule = Rule {
    code: "FT110",
    slug: "no-thread",
    title: "The operating system refused a thread",
    severity: Severity::Error,
    kind: Kind::Point,
    reads: &[runtime_note::THREADS_HAD, runtime_note::ERRNO, panic::TEXT],
    limits: &[],
    check: Check::Blocks(check),
};

fn check(view: &BlocksView<'_>, _limits: &Limits, findings: &mut Findings) {
    fatal::report(view, findings, &RULE, &[Cause::NoThread], words);
}

fn words(told: &Told<'_>) -> Words {
    let (log, crash) = (told.log, told.crash);
    let because = "a thread was refused";
    if let Some(note) = crash.note(log, shapes::RUNTIME_NOTE_PTHREAD_1_0) {
        let text = log.text(note, runtime_note::TEXT).unwrap_or_default();
        return Words::error(format!("A thread was refused to C code: {}", shown(&text)), because);
    }
    let note = crash.note(log, shapes::RUNTIME_NOTE_NEWOSPROC_1_0);
    let value = |field| note.and_then(|row| log.value(row, field));
    let (threads, errno) = (value(runtime_note::THREADS_HAD), value(runtime_note::ERRNO));
    let of_threads = threads.map_or_else(String::new, |n| format!(" with {} threads in use", grouped(n as usize)));
    let of_errno = errno.map_or_else(String::new, |errno| {
        let means = match errno as i64 {
            11 => ": a limit on processes or threads is reached, which other processes may share",
            12 => ": there is no memory for it",
            22 | 38 => ": seen under emulation and seccomp filters",
            _ => "",
        };
        format!(" (errno {errno}){means}")
    });
    let numbers =
        [threads.map(|n| ("threads", n)), errno.map(|errno| ("errno", errno))].into_iter().flatten().collect();
    Words { numbers, ..Words::error(format!("A thread was refused{of_threads}{of_errno}"), because) }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;
    use crate::rules::fixture::check;

    #[test]
    fn tells_the_threads_and_the_reason() {
        check(
            &RULE,
            "\
runtime: failed to create new OS thread (have 32 already; errno=11)
runtime: may need to increase max user processes (ulimit -u)
fatal error: newosproc

runtime stack:
runtime.throw({0x4a0b7e?, 0x0?})
\t/usr/local/go/src/runtime/panic.go:1047 +0x5d
",
            expect![[r#"
                1 Error FT110: A thread was refused with 32 threads in use (errno 11): a limit on processes or threads is reached, which other processes may share.
                  3 the fatal error
            "#]],
        );
    }

    #[test]
    fn c_code_says_it_without_numbers() {
        check(
            &RULE,
            "runtime/cgo: pthread_create failed: Resource temporarily unavailable\nSIGABRT: abort\n\
             PC=0x7f6e3b387eec m=5 sigcode=18446744073709551610\n\n\
             goroutine 0 gp=0x5d5551061e0 m=5 mp=0x5d555102008 [idle]:\n",
            expect![[r#"
                1 Error FT110: A thread was refused to C code: Resource temporarily unavailable.
            "#]],
        );
    }

    #[test]
    fn the_text_alone_is_enough_in_old_releases() {
        check(
            &RULE,
            "fatal error: runtime.newosproc\n\ngoroutine 1 [running]:\nmain.main()\n\t/src/main.go:7 +0x20\n",
            expect![[r#"
                1 Error FT110: A thread was refused.
                  4:function goroutine 1 in main.main (main.go:7)
            "#]],
        );
    }
}
