//! ## What it looks for
//!
//! 10 goroutines or more that wait for a lock of package sync (`Mutex.Lock`, `RWMutex.Lock`, `RWMutex.RLock`) in the same
//! function: Info; Warning where they are 5 % of all goroutines, or 100, or one has waited for a minute. Fewer, or a single
//! one, where one has waited for a minute: Info; Warning from ten minutes on.
//!
//! ## Why it matters
//!
//! At the moment of the dump they stand in a queue, and the function runs one at a time however many CPUs there are. If
//! their holder waits itself, for the network, a channel or another lock, nobody gets on.
//!
//! ## What to do next
//!
//! The related lines name goroutines that may hold the lock: they are inside a method of the same type or the same function
//! and do not wait for a lock. See what they do under it: a request, a write, a log line, a send. A second dump a few
//! seconds later tells a queue that moves from one that stands. The mutex profile names who unlocks late. Where the stacks
//! print which lock it is, the message says whether all wait for the same one: values of one type have a lock each.
//!
//! ```sh
//! # who holds locks that others wait for; needs runtime.SetMutexProfileFraction(1) in the program
//! curl -s 'http://HOST/debug/pprof/mutex?debug=1'
//! ```
//!
//! ## Limits
//!
//! One dump is one moment: a busy lock that is held for microseconds can show a queue as well. Up to Go 1.19 the state is
//! `semacquire` for all of package sync, so the frames decide; wait groups and conditions do not count. Who holds a lock is
//! nowhere printed, so the candidates are a guess. At most three locks of a process are reported.
//!
//! ## Example
//!
//! ```text
//! goroutine 27 [sync.Mutex.Lock]:
//! sync.(*Mutex).lockSlow(0xc0000ac2e0)
//!     /usr/local/go/src/sync/mutex.go:171 +0x15d
//! sync.(*Mutex).Lock(...)
//!     /usr/local/go/src/sync/mutex.go:90
//! main.(*Store).Get(0xc0000ac2e0)
//!     /src/store.go:194 +0x2c
//! ```

use std::hash::{Hash, Hasher};

use rustc_hash::FxHasher;
use tracelog::catalog::{goroutine, profile_record};

use super::evidence::{Bound, Confidence, Test};
use super::goroutines::{Alike, Frame, Moment, Wait, Worst, moments};
use super::{BlocksView, Check, Finding, Findings, Kind, Limit, Limits, Related, Rule, Severity, limit};
use crate::words::grouped;

/// GR106.
pub(crate) static RULE: Rule = Rule {
    code: "GR106",
    slug: "lock-pile-up",
    title: "Goroutines pile up at a lock, or wait long for it",
    severity: Severity::Warning,
    kind: Kind::Point,
    reads: &[goroutine::STATE, profile_record::COUNT],
    limits: LIMITS,
    check: Check::Blocks(check),
};

const LIMITS: &[Limit] = &[
    limit("min_goroutines", 10.0, "goroutines", "Goroutines that wait for a lock in the same function."),
    limit("warning_goroutines", 100.0, "goroutines", "How many are a warning in any case."),
    limit("warning_share", 0.05, "of all goroutines", "Which share of all is a warning."),
    limit("few_minutes", 1.0, "min", "Wait of fewer goroutines that is remarked upon."),
    limit("few_warning_minutes", 10.0, "min", "Wait of fewer goroutines that is a warning."),
    limit("max_findings", 3.0, "locks", "How many locks of one process are reported."),
];

/// Goroutines that a finding names as possible holders.
const MAX_HOLDERS: usize = 3;

fn check(view: &BlocksView, limits: &Limits, findings: &mut Findings) {
    let mut worst = Worst::default();
    for moment in moments(view) {
        let groups = moment.groups();
        let mut queues: Vec<(&Frame, Vec<&Alike>)> = Vec::new();
        for group in groups.iter().filter(|group| group.stack.wait() == Wait::Lock && group.n_leaked == 0) {
            let Some(frame) = group.stack.lock_depth().and_then(|at| group.stack.frames.get(at)) else { continue };
            match queues.iter_mut().find(|(other, _)| other.function == frame.function) {
                Some((_, queue)) => queue.push(group),
                None => queues.push((frame, vec![group])),
            }
        }
        for (frame, queue) in &queues {
            let n = length(queue);
            let mut test = Test::default();
            let longest = longest_minutes(queue).map_or(f64::NAN, |minutes| minutes as f64);
            let is_queue = n as f64 >= limits.get("min_goroutines");
            let asked = if is_queue || longest.is_nan() {
                ("goroutines that wait for a lock there", n as f64, limits.get("min_goroutines"), "")
            } else {
                ("longest wait for a lock there", longest, limits.get("few_minutes"), "min")
            };
            if test.value(asked.0, asked.1, Bound::AtLeast(asked.2), asked.3) {
                let found = finding(&moment, &groups, (frame, queue), test, limits);
                worst.add(hash(&frame.function), n, format!("{} goroutines", grouped(n)), found);
            }
        }
    }
    worst.publish(limits.get("max_findings"), findings);
}

fn hash(function: &str) -> u64 {
    let mut hasher = FxHasher::default();
    function.hash(&mut hasher);
    hasher.finish()
}

fn longest_minutes(queue: &[&Alike]) -> Option<u64> {
    queue.iter().filter_map(|group| group.longest_minutes()).max()
}

fn length(queue: &[&Alike]) -> usize {
    queue.iter().map(|group| group.n).sum()
}

fn finding(
    moment: &Moment,
    groups: &[Alike],
    (frame, queue): (&Frame, &[&Alike]),
    test: Test,
    limits: &Limits,
) -> Finding {
    let n = length(queue);
    let longest = longest_minutes(queue);
    let share = n as f64 / moment.n.max(1) as f64;
    // In a service of 10,000 goroutines some always meet at a lock.
    let is_warning = if n as f64 >= limits.get("min_goroutines") {
        longest.is_some() || share >= limits.get("warning_share") || n as f64 >= limits.get("warning_goroutines")
    } else {
        longest.is_some_and(|minutes| minutes as f64 >= limits.get("few_warning_minutes"))
    };
    let (waits, the_longest) = if n == 1 { ("waits", "") } else { ("wait", "the longest ") };
    let longest = longest.map_or_else(String::new, |minutes| format!(", {the_longest}for {minutes} min"));
    let holders = holders(groups, frame);
    let named = holders.first().filter(|_| !moment.is_profile()).map_or_else(String::new, |group| {
        let state = group.stack.state.as_deref().map(crate::markup::plain).unwrap_or_default();
        format!("; {} [{state}] may hold it", group.name())
    });
    // Where it holds the lock is above what it waits for.
    let inside = |group: &Alike| {
        let own = group.stack.frames.iter().find(|own| own.receiver() == frame.receiver());
        own.map_or_else(|| group.stack.place(), Frame::in_words)
    };
    let related = holders.iter().take(MAX_HOLDERS).map(|group| Related {
        place: group.place,
        text: format!("may hold the lock: {} in {}", group.name(), inside(group)),
    });
    Finding {
        severity: if is_warning { Severity::Warning } else { Severity::Info },
        run: Some(moment.run),
        place: queue[0].place,
        message: format!(
            "{} of {} goroutines {waits} for a lock at {}{}{longest}{named}.",
            grouped(n),
            grouped(moment.n),
            frame.in_words(),
            which(queue),
        ),
        related: related.collect(),
        numbers: vec![("goroutines", n as f64), ("goroutines_in_all", moment.n as f64)],
        confidence: Some(if longest.is_empty() { Confidence::Moderate } else { Confidence::Strong }),
        test,
        ..Finding::about(&RULE)
    }
}

/// Which lock, where the arguments tell it of all in the queue: locks of many values may be one field of one type.
fn which(queue: &[&Alike]) -> String {
    let mut locks: Vec<u64> = queue.iter().flat_map(|group| group.locks.iter().copied()).collect();
    if locks.len() < length(queue) || locks.len() < 2 {
        return String::new();
    }
    locks.sort_unstable();
    let by_address: Vec<&[u64]> = locks.chunk_by(|a, b| a == b).collect();
    match by_address.iter().max_by_key(|same| same.len()) {
        Some([address, ..]) if by_address.len() == 1 => format!(", all for the one at {address:#x}"),
        Some(most) if most.len() > 1 => {
            format!(
                ", for {} locks, {} goroutines for the one at {:#x}",
                by_address.len(),
                grouped(most.len()),
                most[0]
            )
        }
        _ => ", each for another one".to_owned(),
    }
}

/// Goroutines that may hold the lock: inside a method of the same type, or the same function, and not in its queue. Those
/// that are at work come before those that wait for something else.
fn holders<'a>(groups: &'a [Alike], frame: &Frame) -> Vec<&'a Alike> {
    let receiver = frame.receiver();
    let is_inside = |group: &&Alike| {
        let mut frames = group.stack.frames.iter();
        group.stack.wait() != Wait::Lock && frames.any(|frame| frame.receiver() == receiver)
    };
    let is_at_work =
        |group: &Alike| matches!(group.stack.state.as_deref(), Some("running" | "runnable" | "IO wait" | "syscall"));
    let mut holders: Vec<&Alike> = groups.iter().filter(is_inside).collect();
    holders.sort_by_key(|group| (!is_at_work(group), group.n, group.place.line));
    holders
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;
    use crate::rules::fixture::{check, findings_in_text};
    use crate::rules::goroutines::fixture::{alike, asking, goroutine, profile};

    const LOCK: &[&str] =
        &["sync.runtime_SemacquireMutex", "sync.(*Mutex).lockSlow", "sync.(*Mutex).Lock", "main.(*store).get"];

    #[test]
    fn names_the_function_and_who_may_hold_the_lock() {
        let log = asking()
            + &goroutine(4, "chan receive", &["main.(*store).watch"])
            + &goroutine(
                5,
                "IO wait, 2 minutes",
                &["internal/poll.runtime_pollWait", "net.(*conn).Read", "main.(*store).refresh"],
            )
            + &alike(8, 6, "sync.Mutex.Lock", LOCK)
            + &alike(
                2,
                20,
                "sync.Mutex.Lock, 3 minutes",
                &["internal/sync.(*Mutex).Lock", "sync.(*Mutex).Lock", "main.(*store).get", "main.handle"],
            );
        check(
            &RULE,
            &log,
            expect![[r#"
                23:state Warning GR106: 10 of 13 goroutines wait for a lock at main.(*store).get (/src/mainstoreget.go:13), all for the one at 0xc000012345, the longest for 3 min; goroutine 5 [IO wait] may hold it.
                  13:state may hold the lock: goroutine 5 in main.(*store).refresh (/src/mainstorerefresh.go:12)
                  7:state may hold the lock: goroutine 4 in main.(*store).watch (/src/mainstorewatch.go:10)
            "#]],
        );
    }

    #[test]
    fn tells_which_lock_where_the_arguments_do() {
        let found = |args: [&str; 3]| {
            let queue: String = (0..12)
                .map(|at| goroutine(6 + at, "sync.Mutex.Lock", LOCK).replace("0xc000012345", args[at % 3]))
                .collect();
            let found = findings_in_text(&RULE, &(asking() + &queue));
            let told = found.lines().next().unwrap_or_default().split(":13)").nth(1);
            told.unwrap_or_else(|| panic!("{found}")).to_owned()
        };
        let one = "0xc0000ac2e0";
        assert_eq!(found([one, one, one]), ", all for the one at 0xc0000ac2e0.");
        assert_eq!(
            found([one, "0xc0000ac2e0, 0x1", "0xc0000ac2e0, 0xc000010120?"]),
            ", all for the one at 0xc0000ac2e0."
        );
        assert_eq!(
            found([one, one, "0xc0000ad000"]),
            ", for 2 locks, 8 goroutines for the one at 0xc0000ac2e0.",
            "a lock of each of several values"
        );
        assert_eq!(found([one, one, "0xc0000ac2e0?"]), ".", "it may be out of date");
        assert_eq!(found(["...", "...", "..."]), ".", "inlined");
    }

    #[test]
    fn silent_below_and_for_other_waits_of_package_sync() {
        assert_eq!(findings_in_text(&RULE, &(asking() + &alike(9, 6, "sync.Mutex.Lock", LOCK))), "");
        let waits: [(&str, &[&str]); 4] = [
            ("semacquire", &["sync.runtime_Semacquire", "sync.(*WaitGroup).Wait", "main.all"]),
            ("sync.WaitGroup.Wait", &["sync.runtime_SemacquireWaitGroup", "sync.(*WaitGroup).Wait", "main.all"]),
            ("sync.Cond.Wait", &["sync.runtime_notifyListWait", "sync.(*Cond).Wait", "main.queue"]),
            ("chan receive", &["main.(*store).get"]),
        ];
        for (state, functions) in waits {
            assert_eq!(findings_in_text(&RULE, &(asking() + &alike(50, 6, state, functions))), "", "{state}");
        }
    }

    #[test]
    fn a_few_of_very_many_that_meet_at_a_lock_are_a_remark() {
        let found = |n, state| {
            let others = alike(1000, 500, "select", &["main.serve"]);
            findings_in_text(&RULE, &(asking() + &alike(n, 6, state, LOCK) + &others))
        };
        assert!(found(12, "sync.Mutex.Lock").contains("Info GR106: 12 of 1,013"));
        assert!(found(12, "sync.Mutex.Lock, 1 minutes").contains("Warning GR106: 12 of 1,013"));
        assert!(found(53, "sync.Mutex.Lock").contains("Warning GR106: 53 of 1,054"));
    }

    #[test]
    fn older_releases_call_it_semacquire() {
        let found = |functions: &[&str]| findings_in_text(&RULE, &(asking() + &alike(12, 6, "semacquire", functions)));
        assert!(found(LOCK).contains("12 of 13 goroutines wait for a lock at main.(*store).get"));
        let read = ["sync.runtime_Semacquire", "sync.(*RWMutex).RLock", "main.(*store).get"];
        assert!(found(&read).contains("12 of 13 goroutines wait for a lock at main.(*store).get"));
        let gccgo = ["sync.runtime__SemacquireMutex", "sync.Mutex.lockSlow", "sync.Mutex.Lock", "main.store.get"];
        assert!(found(&gccgo).contains("12 of 13 goroutines wait for a lock at main.store.get"));
    }

    #[test]
    fn queues_in_different_functions_are_different() {
        let other = ["sync.(*Mutex).Lock", "main.(*index).get"];
        let log = asking() + &alike(9, 6, "sync.Mutex.Lock", LOCK) + &alike(9, 60, "sync.Mutex.Lock", &other);
        assert_eq!(findings_in_text(&RULE, &log), "");
    }

    #[test]
    fn a_profile_tells_the_queue_and_no_states() {
        let found = findings_in_text(&RULE, &profile("goroutine", &[(14, LOCK), (1, &["main.(*store).refresh"])]));
        assert!(found.starts_with("2:count Warning GR106: 14 of 15 goroutines wait for a lock at main.(*store).get (/src/mainstoreget.go:13).\n"), "{found}");
    }

    #[test]
    fn several_dumps_of_a_process_are_told_once_at_the_longest_queue() {
        let dump = |n| asking() + &alike(n, 6, "sync.Mutex.Lock", LOCK);
        check(
            &RULE,
            &(dump(12) + &dump(40) + &dump(9) + &dump(30)),
            expect![[r#"
                157:state Warning GR106: 40 of 41 goroutines wait for a lock at main.(*store).get (/src/mainstoreget.go:13), all for the one at 0xc000012345 (in 3 dumps).
                  7:state first: 12 goroutines
            "#]],
        );
    }
}
