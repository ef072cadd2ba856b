//! ## What it looks for
//!
//! 50 goroutines or more in system calls or in C at the moment of a dump.
//!
//! ## Why it matters
//!
//! Each of them holds an OS thread for itself, unlike one in `IO wait`, which holds none. Threads cost memory and memory
//! of the kernel, count against limits of the container and the user, and at 10,000 the runtime ends the program.
//!
//! ## What to do next
//!
//! Look at what they do: files on a slow or dead network disk, name lookups through C, blocking calls into a library,
//! descriptors that are not in non-blocking mode. A semaphore around the call bounds the threads.
//!
//! ```sh
//! # threads of the process, and how many it may have
//! grep Threads /proc/PID/status; cat /proc/PID/limits | grep processes
//! ```
//!
//! ## Limits
//!
//! A call that is short is rarely seen in a dump, so that many at once are a state and no accident; a burst of file
//! operations looks the same. Rules about schedtrace (`threads-blocked`, `thread-growth`) see the course over time. In
//! a goroutine profile only calls of package syscall can be told.
//!
//! ## Example
//!
//! ```text
//! goroutine 8 [syscall]:
//! syscall.read(0x7, 0xc2080a6fb7, 0x1, 0x1, 0x0, 0x0, 0x0)
//!     /usr/local/go/src/syscall/zsyscall_linux_amd64.go:867 +0x6e
//! ```

use tracelog::catalog::{goroutine, profile_record};

use super::evidence::{Bound, Confidence, Test};
use super::goroutines::{Alike, Wait, Worst, moments};
use super::{BlocksView, Check, Finding, Findings, Kind, Limit, Limits, Rule, Severity, limit};
use crate::words::grouped;

/// GR107.
pub(crate) static RULE: Rule = Rule {
    code: "GR107",
    slug: "syscall-threads",
    title: "Many goroutines hold a thread in a system call",
    severity: Severity::Info,
    kind: Kind::Point,
    reads: &[goroutine::STATE, profile_record::COUNT],
    limits: LIMITS,
    check: Check::Blocks(check),
};

const LIMITS: &[Limit] = &[limit("min_goroutines", 50.0, "goroutines", "Goroutines in system calls at once.")];

fn check(view: &BlocksView, limits: &Limits, findings: &mut Findings) {
    let mut worst = Worst::default();
    for moment in moments(view) {
        let groups = moment.groups();
        let inside: Vec<&Alike> = groups.iter().filter(|group| group.stack.wait() == Wait::Syscall).collect();
        let n: usize = inside.iter().map(|group| group.n).sum();
        let mut test = Test::default();
        let bound = Bound::AtLeast(limits.get("min_goroutines"));
        let Some(largest) = inside.first().filter(|_| test.value("goroutines in system calls", n as f64, bound, ""))
        else {
            continue;
        };
        let finding = Finding {
            run: Some(moment.run),
            place: largest.place,
            message: format!(
                "{} of {} goroutines are in system calls, each on a thread of its own; {} of them at {}.",
                grouped(n),
                grouped(moment.n),
                grouped(largest.n),
                largest.stack.place()
            ),
            numbers: vec![("goroutines", n as f64), ("goroutines_in_all", moment.n as f64)],
            confidence: Some(Confidence::Strong),
            test,
            ..Finding::about(&RULE)
        };
        // One finding a process: the system calls may be others each time.
        worst.add(0, n, format!("{} goroutines", grouped(n)), finding);
    }
    worst.publish(1.0, findings);
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;
    use crate::rules::fixture::{check, findings_in_text};
    use crate::rules::goroutines::fixture::{alike, asking, profile};

    const READ: &[&str] = &["syscall.Syscall", "syscall.read", "main.tail"];

    #[test]
    fn all_that_are_in_system_calls_count() {
        let log = asking()
            + &alike(20, 5, "syscall", &["runtime.cgocall", "main._Cfunc_query", "main.query"])
            + &alike(30, 100, "syscall, 5 minutes, locked to thread", READ);
        check(
            &RULE,
            &log,
            expect![[r#"
                207:state Info GR107: 50 of 51 goroutines are in system calls, each on a thread of its own; 30 of them at main.tail (/src/maintail.go:12).
            "#]],
        );
    }

    #[test]
    fn silent_below_and_for_the_network() {
        assert_eq!(findings_in_text(&RULE, &(asking() + &alike(49, 5, "syscall", READ))), "");
        assert_eq!(findings_in_text(&RULE, &(asking() + &alike(500, 5, "IO wait", &["net.(*conn).Read"]))), "");
    }

    #[test]
    fn a_profile_tells_calls_by_their_frames() {
        let found = findings_in_text(&RULE, &profile("goroutine", &[(60, READ), (400, &["main.wait"])]));
        assert!(found.starts_with("2:count Info GR107: 60 of 460 goroutines are in system calls"), "{found}");
    }
}
