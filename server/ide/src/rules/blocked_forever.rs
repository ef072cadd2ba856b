//! ## What it looks for
//!
//! Goroutines that wait for what never comes: a channel that is nil (`chan receive (nil chan)`, `chan send (nil chan)`),
//! or `select (no cases)`. One finding for each place. In the main goroutine `select {}` is a common way to let others
//! run, and only a hint; so is a nil channel in `main.main` itself.
//!
//! ## Why it matters
//!
//! Nothing can wake them, whatever the program does next. A nil channel is nearly always one that was never made: a field
//! left out in a constructor, a variable shadowed by `:=`, a receive that ran before the set-up.
//!
//! ## What to do next
//!
//! Open the place and follow the channel to where it should have been made. Where waiting forever is meant, `select {}`
//! says so, and a context or a signal lets the program end in order.
//!
//! ## Limits
//!
//! Only the state is read, so dumps of every release say it, and goroutine profiles with `debug=1` never do. At most five
//! places of a process are reported.
//!
//! ## Example
//!
//! ```text
//! goroutine 23 [chan receive (nil chan)]:
//! main.runZoo.func5()
//!     /home/dev/tracewl/dump.go:185 +0x1d
//! ```

use tracelog::catalog::goroutine;

use super::evidence::{Confidence, Test};
use super::goroutines::{Alike, Moment, Wait, Worst, moments};
use super::{BlocksView, Check, Finding, Findings, Kind, Limit, Limits, Rule, Severity, limit};
use crate::words::count;

/// GR105.
pub(crate) static RULE: Rule = Rule {
    code: "GR105",
    slug: "blocked-forever",
    title: "A goroutine waits for a channel that is nil, or for nothing",
    severity: Severity::Warning,
    kind: Kind::Point,
    reads: &[goroutine::STATE],
    limits: LIMITS,
    check: Check::Blocks(check),
};

const LIMITS: &[Limit] = &[limit("max_findings", 5.0, "places", "How many places of one process are reported.")];

fn check(view: &BlocksView, limits: &Limits, findings: &mut Findings) {
    let mut worst = Worst::default();
    for moment in moments(view) {
        for group in moment.groups().iter().filter(|group| group.stack.wait() == Wait::Forever) {
            let seen = count(group.n, "goroutine");
            worst.add(group.stack.key(), group.n, seen, finding(&moment, group));
        }
    }
    worst.publish(limits.get("max_findings"), findings);
}

/// Whether it is the main goroutine that was let to wait on purpose.
fn is_of_main(group: &Alike) -> bool {
    let is_in_main = || group.stack.own().is_some_and(|own| own.function == "main.main");
    group.id == Some(1) && (group.stack.state.as_deref() == Some("select (no cases)") || is_in_main())
}

fn finding(moment: &Moment, group: &Alike) -> Finding {
    let is_of_main = is_of_main(group);
    let state = group.stack.state.clone().unwrap_or_default();
    let mut test = Test::default();
    test.fact("the state is one that nothing ends", true);
    if !is_of_main {
        test.fact("not the main goroutine that lets others run", true);
    }
    let who = if group.n == 1 {
        let name = group.name();
        name.replacen('g', "G", 1) + " waits"
    } else {
        count(group.n, "goroutine") + " wait"
    };
    let why = if state == "select (no cases)" { "a select without cases" } else { "a nil channel" };
    Finding {
        severity: if is_of_main { Severity::Hint } else { Severity::Warning },
        run: Some(moment.run),
        place: group.place,
        message: format!("{who} forever at {}: {why}.", group.stack.place()),
        numbers: vec![("goroutines", group.n as f64)],
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
    use crate::rules::goroutines::fixture::{alike, asking, goroutine};

    #[test]
    fn each_place_is_told_once() {
        let log = asking()
            + &alike(2, 5, "chan receive (nil chan)", &["main.(*feed).next"])
            + &goroutine(7, "chan send (nil chan), 3 minutes", &["main.(*feed).publish"])
            + &goroutine(8, "select (no cases), locked to thread", &["main.park"]);
        check(
            &RULE,
            &log,
            expect![[r#"
                7:state Warning GR105: 2 goroutines wait forever at main.(*feed).next (/src/mainfeednext.go:10): a nil channel.
                19:state Warning GR105: Goroutine 7 waits forever at main.(*feed).publish (/src/mainfeedpublish.go:10): a nil channel.
                25:state Warning GR105: Goroutine 8 waits forever at main.park (/src/mainpark.go:10): a select without cases.
            "#]],
        );
    }

    #[test]
    fn main_may_wait_forever() {
        let found = |state, functions: &[&str]| findings_in_text(&RULE, &goroutine(1, state, functions));
        assert!(found("select (no cases)", &["main.main"]).contains("Hint GR105: Goroutine 1 waits forever"));
        assert!(found("select (no cases)", &["main.run", "main.main"]).contains("Hint GR105"));
        assert!(found("chan receive (nil chan)", &["main.main"]).contains("Hint GR105"));
        // Not on purpose: main called something that waits for what was never made.
        assert!(found("chan receive (nil chan)", &["main.(*feed).next", "main.main"]).contains("Warning GR105"));
    }

    #[test]
    fn other_waits_end() {
        let states = ["chan receive", "chan send", "select", "semacquire", "IO wait", "running", "sleep"];
        for state in states {
            assert_eq!(findings_in_text(&RULE, &goroutine(5, state, &["main.work"])), "", "{state}");
        }
    }

    #[test]
    fn a_deadlock_is_judged_too() {
        let log = format!(
            "fatal error: all goroutines are asleep - deadlock!\n\n{}",
            goroutine(1, "chan send (nil chan)", &["main.start", "main.main"])
        );
        assert!(findings_in_text(&RULE, &log).contains("Warning GR105: Goroutine 1 waits forever at main.start"));
    }

    #[test]
    fn at_most_five_places_are_told_and_main_last() {
        let mut log = goroutine(1, "select (no cases)", &["main.main"]);
        for (idx, name) in ["main.a", "main.b", "main.c", "main.d", "main.e", "main.f"].iter().enumerate() {
            log += &goroutine(10 + idx, "chan send (nil chan)", &[name]);
        }
        let found = findings_in_text(&RULE, &log);
        assert_eq!((found.lines().count(), found.contains("Hint")), (5, false), "{found}");
    }
}
