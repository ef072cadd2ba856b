//! ## What it looks for
//!
//! 100 goroutines or more that are blocked at one place (on one line of the program, whoever called it) and are half or
//! more of all: Info, and from 20 on a hint. From
//! 1,000 on, where they are three tenths of all or more: Warning; unless the process is old and hardly one of them has
//! waited for 10 minutes, as requests and watches do that come and go.
//!
//! Goroutines that come with a connection are counted as connections, two or three of them each, and never reported for
//! their number: 10,000 keep-alive connections are 10,000 `writeLoop [select]`, and healthy. 100 or more are reported when
//! their goroutines are a fifth or more of all and most of them wait for a response body, or have waited for 10 minutes or
//! longer: Info, and from 1,000 that wait so long on a Warning.
//!
//! ## Why it matters
//!
//! Each goroutine keeps 2 KB of stack or more and everything that it points to. A program that does different things has
//! many small groups; one that leaks has one that outnumbers all others. LeakProf, which searched a large company's
//! services for leaks, is reported to look at 10,000 goroutines on one source line.
//!
//! An idle connection of net/http's client has its `readLoop` in `[IO wait]`. One in `[select]` waits until somebody has
//! read a response body to its end or closed it: a long download, a stream, or a body that nobody closes.
//!
//! ## What to do next
//!
//! One dump cannot tell many from more and more. Take a second one some minutes later and put both into one file: rule
//! `group-grows` compares them.
//!
//! ```sh
//! # two goroutine profiles five minutes apart, in one file
//! (curl -s 'http://HOST/debug/pprof/goroutine?debug=1'; sleep 300; curl -s 'http://HOST/debug/pprof/goroutine?debug=1') > goroutines.txt
//! ```
//!
//! For response bodies: `defer resp.Body.Close()` after each request without an error, and read to the end what is to be
//! reused.
//!
//! ## Limits
//!
//! Only blocked goroutines count, and those that wait for the network only from 10 minutes on; sleeping and running ones
//! do not, nor do those that wait for a lock (`lock-pile-up`) or are proven leaked (`goroutine-leaked`). A goroutine
//! profile prints no states and no minutes, so a place that is no network read counts as blocked. Connections of HTTP/2
//! and gRPC live for long by design and are not reported here. A pool that was given 1,000 workers looks the same as
//! a leak. At most three groups of a process are
//! reported, each at the dump that shows most.
//!
//! ## Example
//!
//! ```text
//! goroutine profile: total 1779
//! 869 @ 0x4c974c 0x4d9228 0x822125 0x4f65c1
//! #    0x822124    net/http.(*persistConn).writeLoop+0x164    /usr/local/go/src/net/http/transport.go:1759
//! ```

use std::collections::HashMap;

use tracelog::catalog::{goroutine, profile_record};

use super::evidence::{Bound, Confidence, Test};
use super::goroutines::connection::{Connections, connections, kind};
use super::goroutines::{Alike, Moment, Wait, Worst, age_minutes, moments};
use super::{BlocksView, Check, Finding, Findings, Kind, Limit, Limits, Rule, Severity, limit};
use crate::blocks::is_of_program;
use crate::words::{grouped, percent};

/// GR102.
pub(crate) static RULE: Rule = Rule {
    code: "GR102",
    slug: "group-large",
    title: "Very many goroutines are blocked at one place",
    severity: Severity::Warning,
    kind: Kind::Point,
    reads: &[goroutine::STATE, profile_record::COUNT],
    limits: LIMITS,
    check: Check::Blocks(check),
};

const LIMITS: &[Limit] = &[
    limit(
        "hint_goroutines",
        20.0,
        "goroutines",
        "Goroutines at one place that are a hint; the share is that of a remark.",
    ),
    limit("info_goroutines", 100.0, "goroutines", "Goroutines at one place, or connections, that are remarked upon."),
    limit("info_share", 0.5, "of all goroutines", "Which share of all they must be."),
    limit("warning_goroutines", 1000.0, "goroutines", "Goroutines at one place, or connections, that are a warning."),
    limit("warning_share", 0.3, "of all goroutines", "Which share of all they must be."),
    limit("connection_share", 0.2, "of all goroutines", "Which share of all those of connections must be."),
    limit("idle_minutes", 10.0, "min", "Wait from which the network counts, longer than any idle timeout."),
    limit("old_share", 0.1, "of the group", "How many must have waited so long where others in the dump have."),
    limit("max_findings", 3.0, "groups", "How many groups of one process are reported."),
];

fn check(view: &BlocksView, limits: &Limits, findings: &mut Findings) {
    let mut worst = Worst::default();
    for moment in moments(view) {
        let groups = moment.groups();
        for own in connections(&groups) {
            if let Some(finding) = many(&moment, &own, limits) {
                worst.add(own.kind as u64, own.n, format!("{} connections", grouped(own.n)), finding);
            }
        }
        let age = age_minutes(&groups);
        for group in at_one_place(groups) {
            if let Some(finding) = large(&moment, &group, age, limits) {
                worst.add(group.stack.key(), group.n, format!("{} goroutines", grouped(group.n)), finding);
            }
        }
    }
    worst.publish(limits.get("max_findings"), findings);
}

/// Groups that are blocked on one line of a module as one, whoever called it there.
fn at_one_place(groups: Vec<Alike>) -> Vec<Alike> {
    let place = |group: &Alike| {
        let own = group.stack.own().filter(|own| is_of_program(&own.function))?;
        let state = group.stack.state.clone();
        (group.stack.wait() == Wait::Blocked).then(|| (own.function.clone(), own.line, state))
    };
    let mut joined: Vec<Alike> = Vec::new();
    let mut at: HashMap<_, usize> = HashMap::new();
    for group in groups {
        let known = place(&group).map(|place| *at.entry(place).or_insert(joined.len()));
        match known.and_then(|index| joined.get_mut(index)) {
            Some(first) => first.absorb(group),
            None => joined.push(group),
        }
    }
    joined
}

/// How bad so many are, and the conditions that say so.
fn severity(n: usize, is_steady: bool, moment: &Moment, limits: &Limits, test: &mut Test) -> Option<Severity> {
    let share = n as f64 / moment.n.max(1) as f64;
    let is_from = |name: &str| n as f64 >= limits.get(name);
    let (severity, number, least) = match () {
        () if is_steady && is_from("warning_goroutines") && share >= limits.get("warning_share") => {
            (Severity::Warning, "warning_goroutines", "warning_share")
        }
        () if is_from("info_goroutines") => (Severity::Info, "info_goroutines", "info_share"),
        () => (Severity::Hint, "hint_goroutines", "info_share"),
    };
    let is_many = test.value("so many", n as f64, Bound::AtLeast(limits.get(number)), "");
    let is_most = test.value("their share of all goroutines", share, Bound::AtLeast(limits.get(least)), "");
    (is_many && is_most).then_some(severity)
}

fn large(moment: &Moment, group: &Alike, age: Option<u64>, limits: &Limits) -> Option<Finding> {
    let minutes = limits.get("idle_minutes");
    let mut test = Test::default();
    let n = match group.stack.wait() {
        Wait::Blocked => group.n - group.n_leaked,
        Wait::Io => group.n_waiting(minutes),
        Wait::Forever | Wait::Lock | Wait::Syscall | Wait::Other => return None,
    };
    let is_known = test.fact("a place of the program's own", group.stack.own().is_some());
    let is_no_connection = test.fact("not what a connection needs", kind(&group.stack).is_none());
    // What is leaked waits on; a group of young ones in an old process comes and goes.
    let is_old = age.is_some_and(|age| age as f64 >= minutes);
    let is_steady = !is_old || group.n_waiting(minutes) as f64 >= limits.get("old_share") * group.n as f64;
    let severity = severity(n, is_steady, moment, limits, &mut test)?;
    if !is_known || !is_no_connection {
        return None;
    }
    let state =
        group.stack.state.as_deref().map_or_else(String::new, |state| format!(" in {}", crate::markup::plain(state)));
    let longest =
        group.longest_minutes().map_or_else(String::new, |minutes| format!(", the longest for {minutes} min"));
    let of_all = format!("{} of {} goroutines ({})", grouped(n), grouped(moment.n), share(n, moment));
    Some(Finding {
        severity,
        run: Some(moment.run),
        place: group.place,
        message: format!("{of_all} are blocked{state} at {}{longest}.", group.stack.place()),
        numbers: vec![("goroutines", n as f64), ("goroutines_in_all", moment.n as f64)],
        confidence: Some(Confidence::Moderate),
        test,
        ..Finding::about(&RULE)
    })
}

fn many(moment: &Moment, own: &Connections, limits: &Limits) -> Option<Finding> {
    if !own.kind.is_closed_when_idle() {
        return None;
    }
    let minutes = limits.get("idle_minutes");
    let n_long = own.minutes.iter().filter(|waited| **waited as f64 >= minutes).count();
    let are_long = 2 * n_long > own.n;
    let are_with_body = 2 * own.n_waiting_for_body > own.n;
    let mut test = Test::default();
    let share = own.n_goroutines as f64 / moment.n.max(1) as f64;
    test.value("so many connections", own.n as f64, Bound::AtLeast(limits.get("info_goroutines")), "");
    test.value("share of all goroutines that serve them", share, Bound::AtLeast(limits.get("connection_share")), "");
    test.fact("most wait for a response body, or for longer than any idle timeout", are_long || are_with_body);
    if !test.holds() {
        return None;
    }
    // A number alone never warns, and what a body is waited for may be a stream: time tells.
    let is_warning = are_long && own.n as f64 >= limits.get("warning_goroutines");
    let mut message = format!(
        "{} {} connections ({} of {} goroutines)",
        grouped(own.n),
        own.kind.name(),
        grouped(own.n_goroutines),
        grouped(moment.n)
    );
    if are_with_body {
        let (k, n) = (grouped(own.n_waiting_for_body), grouped(own.n));
        message += &format!(": {k} of {n} connections wait for their response body to be read to its end or closed");
    }
    if are_long {
        let joint = if are_with_body { "," } else { ":" };
        message += &format!("{joint} {} of them have waited for {minutes} min or longer", grouped(n_long));
    }
    Some(Finding {
        severity: if is_warning { Severity::Warning } else { Severity::Info },
        run: Some(moment.run),
        place: own.place,
        message: message + ".",
        numbers: vec![
            ("connections", own.n as f64),
            ("connections_waiting_for_body", own.n_waiting_for_body as f64),
            ("goroutines", own.n_goroutines as f64),
            ("goroutines_in_all", moment.n as f64),
        ],
        confidence: Some(Confidence::Moderate),
        test,
        ..Finding::about(&RULE)
    })
}

fn share(n: usize, moment: &Moment) -> String {
    percent(n as f64 / moment.n.max(1) as f64)
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;
    use crate::rules::fixture::{check, findings_in_blocks, findings_in_text};
    use crate::rules::goroutines::fixture::{alike, asking, profile};

    const READ_LOOP: &[&str] = &["net/http.(*persistConn).readLoop"];
    const WRITE_LOOP: &[&str] = &["net/http.(*persistConn).writeLoop"];
    const IDLE_READ_LOOP: &[&str] = &[
        "internal/poll.runtime_pollWait",
        "internal/poll.(*FD).Read",
        "net.(*conn).Read",
        "net/http.(*persistConn).Read",
        "bufio.(*Reader).Peek",
        "net/http.(*persistConn).readLoop",
    ];
    const IDLE_SERVE: &[&str] =
        &["internal/poll.runtime_pollWait", "net.(*conn).Read", "bufio.(*Reader).Peek", "net/http.(*conn).serve"];

    #[test]
    fn half_of_all_goroutines_at_one_place_is_a_remark() {
        let log = asking() + &alike(99, 1000, "IO wait", &["net.(*conn).Read", "main.read"]);
        check(
            &RULE,
            &(log + &alike(100, 5, "chan receive, 3 minutes", &["main.work"])),
            expect![[r#"
                799:state Info GR102: 100 of 200 goroutines (50 %) are blocked in chan receive at main.work (/src/mainwork.go:10), the longest for 3 min.
            "#]],
        );
    }

    #[test]
    fn silent_just_below() {
        let group = |n| alike(n, 5, "chan receive", &["main.work"]);
        assert_eq!(findings_in_text(&RULE, &(asking() + &group(19))), "");
        assert!(findings_in_text(&RULE, &(asking() + &group(20))).contains("Hint GR102: 20 of 21"));
        assert!(findings_in_text(&RULE, &(asking() + &group(99))).contains("Hint GR102: 99 of 100"));
        let others = |n| alike(n, 5000, "IO wait", &["net.(*conn).Read", "main.read"]);
        assert_eq!(findings_in_text(&RULE, &(asking() + &others(100) + &group(100))), "");
        let warned = findings_in_text(&RULE, &(asking() + &group(1000)));
        assert!(warned.contains("Warning GR102: 1,000 of 1,001 goroutines"), "{warned}");
        let remarked = findings_in_text(&RULE, &(asking() + &group(999)));
        assert!(remarked.contains("Info GR102: 999 of 1,000 goroutines"), "{remarked}");
    }

    #[test]
    fn one_line_that_several_functions_call_is_one_place() {
        let handlers: [&[&str]; 2] = [&["main.transport", "main.tcp"], &["main.transport", "main.socks"]];
        let others: &[&str] = &["internal/poll.runtime_pollWait", "net.(*conn).Read", "io.Copy"];
        let log = profile("goroutine", &[(797, handlers[0]), (797, handlers[1]), (3226, others)]);
        let found = findings_in_text(&RULE, &log);
        assert!(
            found.contains("Warning GR102: 1,594 of 4,820 goroutines (33 %) are blocked at main.transport"),
            "{found}"
        );
        let apart: [&[&str]; 2] = [&["main.accept", "main.tcp"], &["main.transport", "main.socks"]];
        assert_eq!(
            findings_in_text(&RULE, &profile("goroutine", &[(797, apart[0]), (797, apart[1]), (3226, others)])),
            ""
        );
    }

    #[test]
    fn a_thousand_among_many_thousands_are_a_part_of_a_large_program() {
        let part = |n, idx: usize| (n, ["main.a", "main.b", "main.c", "main.d", "main.e", "main.f"][idx]);
        let records: Vec<(usize, [&str; 1])> = (0..6).map(|idx| part(1500, idx)).map(|(n, name)| (n, [name])).collect();
        let records: Vec<(usize, &[&str])> = records.iter().map(|(n, name)| (*n, &name[..])).collect();
        assert_eq!(findings_in_text(&RULE, &profile("goroutine", &records)), "");
    }

    #[test]
    fn requests_that_come_and_go_in_an_old_process_are_no_warning() {
        let watches = |minutes: &str| alike(2000, 5, &format!("select{minutes}"), &["main.(*watch).serve"]);
        let others = alike(2500, 5000, "chan receive, 4200 minutes", &["main.(*informer).run"]);
        let found = |minutes: &str| findings_in_text(&RULE, &(asking() + &watches(minutes) + &others));
        assert!(!found(", 9 minutes").contains("watch"), "{}", found(", 9 minutes"));
        assert!(found(", 10 minutes").contains("Warning GR102: 2,000 of 4,501 goroutines (44 %)"));
        // Nobody knows how old this process is.
        let young = findings_in_text(&RULE, &(asking() + &watches("")));
        assert!(young.contains("Warning GR102: 2,000 of 2,001 goroutines"), "{young}");
    }

    #[test]
    fn three_equal_parts_of_a_large_leak_are_each_a_warning() {
        let records: &[(usize, &[&str])] =
            &[(36_222, &["main.recv"]), (36_221, &["main.send"]), (36_220, &["main.watch"]), (60, &["main.serve"])];
        let found = findings_in_text(&RULE, &profile("goroutine", records));
        assert_eq!(found.matches("Warning GR102: 36,22").count(), 3, "{found}");
    }

    #[test]
    fn running_and_sleeping_goroutines_are_not_blocked_nor_are_those_of_other_rules() {
        let states = [
            "running",
            "runnable",
            "sleep",
            "IO wait, 9 minutes",
            "syscall",
            "select (no cases)",
            "chan receive (leaked)",
            "sync.Mutex.Lock",
        ];
        for state in states {
            let log = asking() + &alike(200, 5, state, &["main.work"]);
            assert_eq!(findings_in_text(&RULE, &log), "", "{state}");
        }
        let io = findings_in_text(&RULE, &(asking() + &alike(200, 5, "IO wait, 10 minutes", &["main.work"])));
        assert!(io.contains("200 of 201 goroutines (100 %) are blocked in IO wait at main.work"), "{io}");
    }

    #[test]
    fn bodies_that_nobody_reads_are_told_by_where_their_connections_wait() {
        let records: &[(usize, &[&str])] = &[(869, WRITE_LOOP), (866, READ_LOOP), (44, &["main.serve"])];
        check(
            &RULE,
            &profile("goroutine", records),
            expect![[r#"
                2:count Info GR102: 869 HTTP client connections (1,735 of 1,779 goroutines): 866 of 869 connections wait for their response body to be read to its end or closed.
            "#]],
        );
    }

    #[test]
    fn a_pasted_profile_has_lost_its_number_signs() {
        let records: &[(usize, &[&str])] = &[(869, WRITE_LOOP), (866, READ_LOOP)];
        let pasted = profile("goroutine", records).replace('#', "   ");
        let found = findings_in_text(&RULE, &pasted);
        assert!(found.contains("866 of 869 connections wait for their response body"), "{found}");
    }

    #[test]
    fn idle_connections_are_not_many_goroutines() {
        let records: &[(usize, &[&str])] = &[(10_000, WRITE_LOOP), (10_000, IDLE_READ_LOOP), (4000, IDLE_SERVE)];
        assert_eq!(findings_in_text(&RULE, &profile("goroutine", records)), "");
        let dump = |minutes: &str| {
            asking()
                + &alike(1000, 5, &format!("select{minutes}"), WRITE_LOOP)
                + &alike(1000, 5000, &format!("IO wait{minutes}"), IDLE_READ_LOOP)
        };
        assert_eq!(findings_in_text(&RULE, &dump(", 1 minutes")), "");
        let idle = findings_in_text(&RULE, &dump(", 10 minutes"));
        assert!(
            idle.contains("Warning GR102: 1,000 HTTP client connections (2,000 of 2,001 goroutines): 1,000 of them"),
            "{idle}"
        );
    }

    #[test]
    fn connections_of_http2_and_grpc_live_for_long() {
        let dump = asking()
            + &alike(500, 5, "select, 700 minutes", &["google.golang.org/grpc/internal/transport.(*loopyWriter).run"])
            + &alike(
                500,
                1000,
                "IO wait, 700 minutes",
                &[
                    "internal/poll.runtime_pollWait",
                    "golang.org/x/net/http2.(*Framer).ReadFrame",
                    "k8s.io/x/vendor/golang.org/x/net/http2.(*ClientConn).readLoop",
                ],
            );
        assert_eq!(findings_in_text(&RULE, &dump), "");
    }

    #[test]
    fn a_handler_at_work_is_a_goroutine_of_the_program() {
        let handler = ["main.(*api).list", "net/http.HandlerFunc.ServeHTTP", "net/http.(*conn).serve"];
        let found = findings_in_text(&RULE, &(asking() + &alike(120, 5, "chan receive", &handler)));
        assert!(
            found.contains("120 of 121 goroutines (99 %) are blocked in chan receive at main.(*api).list"),
            "{found}"
        );
    }

    #[test]
    fn the_limits_can_be_changed() {
        let log = asking() + &alike(12, 5, "chan receive", &["main.work"]);
        let changed = [("info_goroutines".to_owned(), 12.0)];
        let limits = Limits { changed: &changed, ..Limits::defaults(RULE.limits) };
        assert!(findings_in_blocks(&RULE, &log, &limits).contains("Info GR102: 12 of 13 goroutines"));
        assert_eq!(findings_in_text(&RULE, &log), "");
    }
}
