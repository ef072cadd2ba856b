//! ## What it looks for
//!
//! Goroutines whose header says `(leaked)`, and records of a `goroutineleak` profile. One finding for each place and
//! state, at the first goroutine there.
//!
//! ## Why it matters
//!
//! The runtime has proven it: no goroutine that can still run holds what these wait for. They never end, and their stacks
//! and everything they point to stay in memory. What leaks once in a request ends in an out-of-memory kill.
//!
//! ## What to do next
//!
//! Open the place of the finding and look for who was to send, receive, close or unlock there, and on which path it
//! returned before it did: an error, a timeout, a `break`. A buffer of one, a `select` with the context, or a `defer`
//! usually mends it. The line `created by` names who started the goroutines.
//!
//! ```sh
//! # leaked goroutines and where they wait (Go 1.27)
//! curl -s 'http://HOST/debug/pprof/goroutineleak?debug=1'
//! ```
//!
//! ## Limits
//!
//! Go 1.26 needs `GOEXPERIMENT=goroutineleakprofile`, Go 1.27 has it always; older releases print nothing of it. Only a
//! leak check sets the mark, so a dump without any proves nothing. Goroutines that wait for something a global variable
//! still holds are not found. A profile with `total 0` was checked and is clean: no finding.
//!
//! ## Example
//!
//! ```text
//! goroutine 25 [chan receive (leaked)]:
//! main.runGoroutineLeak.func1()
//!     /home/dev/tracewl/sched.go:59 +0x37
//! ```

use std::collections::HashMap;

use tracelog::blocks::{Block, Dump, Profile};
use tracelog::catalog::{goroutine, profile, profile_record};

use super::evidence::{Bound, Confidence, Test};
use super::goroutines::{self, Stack};
use super::{BlocksView, Check, Finding, Findings, Kind, Limits, Place, Related, Rule, Severity};
use crate::words::count;

/// GR101.
pub(crate) static RULE: Rule = Rule {
    code: "GR101",
    slug: "goroutine-leaked",
    title: "Goroutines are leaked: the runtime has proven that nothing can wake them",
    severity: Severity::Error,
    kind: Kind::Point,
    reads: &[goroutine::STATE, goroutine::LEAKED, profile::TOTAL, profile_record::COUNT],
    limits: &[],
    check: Check::Blocks(check),
};

/// Leaked goroutines at one place.
struct Leak {
    n: usize,
    stack: Stack,
    place: Place,
    created_by: Option<String>,
}

fn check(view: &BlocksView, _limits: &Limits, findings: &mut Findings) {
    // Where in the findings of this rule a place of a run is already.
    let mut known: HashMap<(usize, u64), usize> = HashMap::new();
    let mut found: Vec<Finding> = Vec::new();
    for block in &view.blocks.list {
        let leaks = match block {
            Block::Dump(dump) => of_dump(view, dump),
            Block::Profile(profile) if goroutines::is_of(view.log, profile, "goroutineleak") => {
                of_profile(view, profile)
            }
            _ => continue,
        };
        for leak in leaks {
            // Later dumps of a process show what earlier ones have shown.
            match known.get(&(block.run(), leak.stack.key())).filter(|_| !leak.stack.frames.is_empty()) {
                Some(at) => {
                    let text = format!("here {} are", leak.n);
                    let later = Related { place: leak.place, text };
                    found[*at].related.retain(|related| !related.text.starts_with("here "));
                    found[*at].related.push(later);
                    found[*at].count += 1;
                }
                None => {
                    known.insert((block.run(), leak.stack.key()), found.len());
                    found.push(finding(block.run(), leak));
                }
            }
        }
    }
    found.into_iter().for_each(|finding| findings.push(finding));
}

fn of_dump(view: &BlocksView, dump: &Dump) -> Vec<Leak> {
    let log = view.log;
    let mut leaks: Vec<(usize, Leak)> = Vec::new();
    for entry in dump.goroutines.iter().filter(|entry| log.code(entry.row, goroutine::LEAKED) == Some(1)) {
        // A group may have some that are leaked and some that something can still wake.
        match leaks.iter_mut().find(|(group, _)| *group == entry.group) {
            Some((_, leak)) => leak.n += 1,
            None => {
                let place = Place { line: log.line(entry.row), field: Some(goroutine::STATE) };
                let stack = Stack::of_goroutine(log, entry);
                leaks.push((entry.group, Leak { n: 1, stack, place, created_by: entry.created_by(log) }));
            }
        }
    }
    leaks.into_iter().map(|(_, leak)| leak).collect()
}

fn of_profile(view: &BlocksView, profile: &Profile) -> Vec<Leak> {
    let groups = goroutines::of_profile(view, profile);
    let total = view.log.code(profile.head, profile::TOTAL).unwrap_or(0) as usize;
    if groups.is_empty() && total > 0 {
        // Its records are lost, but what it counted was proven all the same.
        let place = Place { line: view.log.line(profile.head), field: Some(profile::TOTAL) };
        let stack = Stack { state: None, frames: Vec::new() };
        return vec![Leak { n: total, stack, place, created_by: None }];
    }
    let of_group = |group: goroutines::Alike| {
        (group.n > 0).then_some(Leak { n: group.n, stack: group.stack, place: group.place, created_by: None })
    };
    groups.into_iter().filter_map(of_group).collect()
}

fn finding(run: usize, leak: Leak) -> Finding {
    let mut test = Test::default();
    test.value("goroutines that the leak check found", leak.n as f64, Bound::AtLeast(1.0), "");
    let state = leak.stack.state.as_deref().filter(|state| !state.is_empty());
    let blocked = state.map_or_else(String::new, |state| format!(", blocked in {}", crate::markup::plain(state)));
    let started = leak
        .created_by
        .as_deref()
        .map(|function| Related { place: leak.place, text: format!("started by {}", crate::markup::plain(function)) });
    Finding {
        run: Some(run),
        place: leak.place,
        message: format!("{} leaked at {}{blocked}.", count(leak.n, "goroutine"), leak.stack.place()),
        related: started.into_iter().collect(),
        numbers: vec![("goroutines", leak.n as f64)],
        confidence: Some(Confidence::Strong),
        test,
        ..Finding::about(&RULE)
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;
    use crate::rules::fixture::{check, findings_in_text};
    use crate::rules::goroutines::fixture::{alike, asking, goroutine, profile};

    #[test]
    fn one_error_for_each_place_at_its_first_leaked_goroutine() {
        let log = asking()
            + &goroutine(5, "chan send", &["main.first.func1"])
            + &alike(3, 6, "chan send (leaked)", &["main.first.func1"])
            + &goroutine(9, "select (leaked)", &["main.(*feed).next"])
            + &goroutine(10, "sync.Mutex.Lock (leaked)", &["sync.(*Mutex).Lock", "main.(*feed).next"]);
        check(
            &RULE,
            &log,
            expect![[r#"
                13:state Error GR101: 3 goroutines leaked at main.first.func1 (/src/mainfirstfunc1.go:10), blocked in chan send.
                  13:state started by main.main
                31:state Error GR101: 1 goroutine leaked at main.(*feed).next (/src/mainfeednext.go:10), blocked in select.
                  31:state started by main.main
                37:state Error GR101: 1 goroutine leaked at main.(*feed).next (/src/mainfeednext.go:11), blocked in sync.Mutex.Lock.
                  37:state started by main.main
            "#]],
        );
    }

    #[test]
    fn a_leak_profile_tells_each_record() {
        let log = profile("goroutineleak", &[(12, &["main.first.func1"]), (4, &["main.leak.func2"])]);
        check(
            &RULE,
            &log,
            expect![[r#"
                2:count Error GR101: 12 goroutines leaked at main.first.func1 (/src/mainfirstfunc1.go:10).
                5:count Error GR101: 4 goroutines leaked at main.leak.func2 (/src/mainleakfunc2.go:10).
            "#]],
        );
    }

    #[test]
    fn silent_where_the_check_was_clean_or_was_not_made() {
        assert_eq!(findings_in_text(&RULE, "goroutineleak profile: total 0\n"), "");
        assert_eq!(findings_in_text(&RULE, &profile("goroutine", &[(500, &["main.first.func1"])])), "");
        let dump = asking() + &alike(500, 5, "chan send, 600 minutes", &["main.first.func1"]);
        assert_eq!(findings_in_text(&RULE, &dump), "");
    }

    #[test]
    fn a_leak_profile_without_its_records_still_says_how_many() {
        let found = findings_in_text(&RULE, "goroutineleak profile: total 7\n");
        assert_eq!(found, "1:total Error GR101: 7 goroutines leaked at a place that is not shown.\n");
    }

    #[test]
    fn what_a_later_dump_shows_again_is_related() {
        let dump = |n| asking() + &alike(n, 6, "chan send (leaked)", &["main.first.func1"]);
        check(
            &RULE,
            &(dump(2) + &dump(5) + &dump(9)),
            expect![[r#"
                7:state Error GR101: 2 goroutines leaked at main.first.func1 (/src/mainfirstfunc1.go:10), blocked in chan send.
                  7:state started by main.main
                  61:state here 9 are
            "#]],
        );
    }
}
