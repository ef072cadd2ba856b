//! ## What it looks for
//!
//! 10 goroutines or more at one place that have been blocked on channels, conditions or wait groups for 10 minutes or
//! longer: Info, one remark for all such places of a process. 100 or more of one place for an hour or longer: Warning;
//! unless they wait to receive and have waited as long as the process is old, as a pool or a set of watchers does that
//! started with it.
//!
//! ## Why it matters
//!
//! Work takes seconds. What has waited for many minutes is idle by design, or waits for somebody who has gone: the usual
//! picture of a goroutine leak. Its stack and all it points to stay in memory.
//!
//! ## What to do next
//!
//! Ask of each place who wakes it, and whether that still exists. Those in `chan send` are the first to look at: nobody
//! idles in a send. A second dump shows whether they become more (`group-grows`); from Go 1.27 on the leak profile proves
//! it.
//!
//! ```sh
//! # every goroutine with its state and its minutes
//! curl -s 'http://HOST/debug/pprof/goroutine?debug=2' > goroutines.txt
//! ```
//!
//! ## Limits
//!
//! Minutes are whole, begin at 1, and count from the first collection after the goroutine blocked, so they are a lower
//! bound; goroutine profiles with `debug=1` and dumps before Go 1.3 have none. Not counted: listeners in `Accept`, loops of
//! os/signal, the openers of database/sql, goroutines of connections, sleepers, goroutines of the runtime, those that wait
//! for a lock (`lock-pile-up`), for nothing (`blocked-forever`) or are proven leaked (`goroutine-leaked`).
//!
//! ## Example
//!
//! ```text
//! goroutine 4711 [chan send, 64 minutes]:
//! main.(*job).run(0xc0000ac2e0)
//!     /src/job.go:59 +0x37
//! ```

use tracelog::catalog::goroutine;

use super::evidence::{Bound, Confidence, Test};
use super::goroutines::{Alike, Moment, Wait, Worst, age_minutes, connection, moments};
use super::{BlocksView, Check, Finding, Findings, Kind, Limit, Limits, Related, Rule, Severity, limit};
use crate::words::{count, grouped};

/// GR103.
pub(crate) static RULE: Rule = Rule {
    code: "GR103",
    slug: "long-wait",
    title: "Many goroutines have waited at one place for long",
    severity: Severity::Warning,
    kind: Kind::Point,
    reads: &[goroutine::STATE, goroutine::MINUTES],
    limits: LIMITS,
    check: Check::Blocks(check),
};

const LIMITS: &[Limit] = &[
    limit("info_minutes", 10.0, "min", "Wait that is remarked upon."),
    limit("info_goroutines", 10.0, "goroutines", "How many must have waited so long at one place."),
    limit("warning_minutes", 60.0, "min", "Wait that is a warning."),
    limit("warning_goroutines", 100.0, "goroutines", "How many must have waited so long at one place."),
    limit("age_share", 0.9, "of the longest wait", "From which wait on goroutines count as old as the process."),
    limit("max_warnings", 3.0, "places", "How many warnings one process gets; the rest joins the remark."),
];

/// Places that a remark names beside the first.
const MAX_NAMED: usize = 4;

fn check(view: &BlocksView, limits: &Limits, findings: &mut Findings) {
    let (mut warnings, mut remarks) = (Worst::default(), Worst::default());
    for moment in moments(view) {
        let groups = moment.groups();
        let age = age_minutes(&groups).unwrap_or(0);
        let is_long = |group: &&Alike| {
            is_judged(group) && group.n_waiting(limits.get("info_minutes")) as f64 >= limits.get("info_goroutines")
        };
        let mut rest: Vec<&Alike> = Vec::new();
        let mut n_warnings = 0.0;
        for group in groups.iter().filter(is_long) {
            let test = very_long(group, &groups, age, limits);
            if test.holds() && n_warnings < limits.get("max_warnings") {
                n_warnings += 1.0;
                let found = warning(&moment, group, test, limits);
                warnings.add(group.stack.key(), group.n, longest(group), found);
            } else {
                rest.push(group);
            }
        }
        if !rest.is_empty() {
            let n: usize = rest.iter().map(|group| group.n).sum();
            let found = remark(&moment, &rest, limits);
            remarks.add(0, n, format!("{} goroutines", grouped(n)), found);
        }
    }
    warnings.publish(limits.get("max_warnings"), findings);
    remarks.publish(1.0, findings);
}

/// Whether waiting long means anything for these.
fn is_judged(group: &Alike) -> bool {
    const IDLERS: [&str; 3] = ["database/sql.DB.connection", "os/signal.", "os_1signal."];
    let is_idler =
        |function: &str| function.ends_with(".Accept") || IDLERS.iter().any(|idler| function.starts_with(idler));
    group.stack.wait() == Wait::Blocked
        && group.n_leaked == 0
        && group.stack.own().is_some()
        && connection::kind(&group.stack).is_none()
        && !group.stack.has(is_idler)
}

fn very_long(group: &Alike, groups: &[Alike], age: u64, limits: &Limits) -> Test {
    let minutes = limits.get("warning_minutes");
    let mut test = Test::default();
    let bound = Bound::AtLeast(limits.get("warning_goroutines"));
    test.value(
        &format!("goroutines that have waited {minutes} min or longer"),
        group.n_waiting(minutes) as f64,
        bound,
        "",
    );
    let since_start = age as f64 * limits.get("age_share");
    // Half of them, so that a few that came later do not make a pool look like a leak.
    let is_old = |group: &Alike| 2 * group.n_waiting(since_start) > group.n;
    // The age of the process shows in others: one place alone could as well be one burst of leaks.
    let are_others_old = groups.iter().any(|other| other.place != group.place && other.n_waiting(since_start) > 0);
    let is_sending = group.stack.state.as_deref() == Some("chan send");
    test.fact("not waiting to receive since the process began", is_sending || !is_old(group) || !are_others_old);
    test
}

/// `up to 64 min`
fn longest(group: &Alike) -> String {
    format!("{} min", group.longest_minutes().unwrap_or(0))
}

fn state(group: &Alike) -> String {
    group.stack.state.as_deref().map(crate::markup::plain).unwrap_or_default()
}

fn warning(moment: &Moment, group: &Alike, test: Test, limits: &Limits) -> Finding {
    let minutes = limits.get("warning_minutes");
    let n = group.n_waiting(minutes);
    Finding {
        run: Some(moment.run),
        place: group.place,
        message: format!(
            "{} goroutines have waited {minutes} min or longer in {} at {}, the longest for {}.",
            grouped(n),
            state(group),
            group.stack.place(),
            longest(group)
        ),
        numbers: vec![
            ("goroutines", n as f64),
            ("longest_min", group.longest_minutes().unwrap_or(0) as f64),
            ("goroutines_at_place", group.n as f64),
        ],
        confidence: Some(Confidence::Moderate),
        test,
        ..Finding::about(&RULE)
    }
}

/// All places of a dump where goroutines wait long, as one.
fn remark(moment: &Moment, groups: &[&Alike], limits: &Limits) -> Finding {
    let minutes = limits.get("info_minutes");
    // Who waits in a send comes first: nobody idles there.
    let mut groups = groups.to_vec();
    groups.sort_by_key(|group| {
        (group.stack.state.as_deref() != Some("chan send"), std::cmp::Reverse(group.n_waiting(minutes)))
    });
    let n: usize = groups.iter().map(|group| group.n_waiting(minutes)).sum();
    let first = groups[0];
    let of_first = format!("in {} at {}, the longest for {}", state(first), first.stack.place(), longest(first));
    let message = if groups.len() == 1 {
        format!("{} goroutines have waited {minutes} min or longer {of_first}.", grouped(n))
    } else {
        let places = count(groups.len(), "place");
        let of_them = grouped(first.n_waiting(minutes));
        format!("{} goroutines at {places} have waited {minutes} min or longer; {of_them} {of_first}.", grouped(n))
    };
    let mut test = Test::default();
    let bound = Bound::AtLeast(limits.get("info_goroutines"));
    let what = format!("goroutines at one place that have waited {minutes} min or longer");
    test.value(&what, first.n_waiting(minutes) as f64, bound, "");
    let others = groups[1..].iter().take(MAX_NAMED).map(|group| Related {
        place: group.place,
        text: format!(
            "{} in {} at {}, the longest for {}",
            grouped(group.n_waiting(minutes)),
            state(group),
            group.stack.place(),
            longest(group)
        ),
    });
    Finding {
        severity: Severity::Info,
        run: Some(moment.run),
        place: first.place,
        message,
        related: others.collect(),
        count: groups.len(),
        numbers: vec![("goroutines", n as f64), ("places", groups.len() as f64)],
        confidence: Some(Confidence::Moderate),
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

    fn waiting(n: usize, first_id: usize, state: &str, minutes: u64, function: &str) -> String {
        alike(n, first_id, &format!("{state}, {minutes} minutes"), &[function])
    }

    #[test]
    fn places_where_ten_wait_for_ten_minutes_are_one_remark() {
        let log = asking()
            + &waiting(30, 100, "select", 90, "main.watch")
            + &waiting(10, 200, "chan send", 10, "main.send")
            + &waiting(9, 300, "chan receive", 90, "main.few")
            + &waiting(50, 400, "chan receive", 9, "main.short");
        check(
            &RULE,
            &log,
            expect![[r#"
                187:state Info GR103: 40 goroutines at 2 places have waited 10 min or longer; 10 in chan send at main.send (/src/mainsend.go:10), the longest for 10 min.
                  7:state 30 in select at main.watch (/src/mainwatch.go:10), the longest for 90 min
            "#]],
        );
    }

    #[test]
    fn a_hundred_for_an_hour_are_a_warning() {
        let log = |n, minutes| asking() + &waiting(n, 5, "chan receive", minutes, "main.work");
        check(
            &RULE,
            &log(100, 60),
            expect![[r#"
                7:state Warning GR103: 100 goroutines have waited 60 min or longer in chan receive at main.work (/src/mainwork.go:10), the longest for 60 min.
            "#]],
        );
        assert!(findings_in_text(&RULE, &log(99, 60)).contains("Info GR103: 99 goroutines have waited 10 min"));
        assert!(findings_in_text(&RULE, &log(100, 59)).contains("Info GR103: 100 goroutines have waited 10 min"));
    }

    #[test]
    fn a_pool_that_is_as_old_as_the_process_is_a_remark() {
        let main = goroutine(1, "select, 700 minutes", &["main.main"]);
        let log = |state, minutes| main.clone() + &waiting(200, 5, state, minutes, "main.(*pool).work");
        for state in ["chan receive", "select", "sync.Cond.Wait"] {
            let found = findings_in_text(&RULE, &log(state, 698));
            assert!(found.contains("Info GR103: 200 goroutines"), "{found}");
        }
        // Nobody idles in a send, and what came later did not begin with the process.
        assert!(findings_in_text(&RULE, &log("chan send", 698)).contains("Warning GR103"));
        assert!(findings_in_text(&RULE, &log("chan receive", 300)).contains("Warning GR103"));
    }

    #[test]
    fn idlers_by_design_do_not_count() {
        let idlers: [(&str, &[&str]); 8] = [
            ("chan receive", &["net.(*pipeListener).Accept", "main.serve"]),
            ("select", &["os/signal.loop", "main.signals"]),
            ("select", &["database/sql.(*DB).connectionOpener"]),
            ("select", &["net/http.(*persistConn).writeLoop"]),
            ("IO wait", &["golang.org/x/net/http2.(*ClientConn).readLoop"]),
            ("sleep", &["time.Sleep", "main.tick"]),
            ("chan receive", &["runtime.goparkunlock", "runtime.bgsweep"]),
            ("semacquire", &["sync.(*Mutex).Lock", "main.(*store).get"]),
        ];
        for (state, functions) in idlers {
            let log = asking() + &alike(300, 5, &format!("{state}, 600 minutes"), functions);
            assert_eq!(findings_in_text(&RULE, &log), "", "{functions:?}");
        }
    }

    #[test]
    fn a_service_with_hundreds_of_old_places_gets_one_remark() {
        let mut log = goroutine(1, "select, 1400 minutes", &["main.main"]);
        for idx in 0..200 {
            log += &waiting(12, 100 * idx + 5, "select", 1400 - idx as u64, &format!("main.loop{idx}"));
        }
        let found = findings_in_text(&RULE, &log);
        let own: Vec<&str> = found.lines().filter(|line| !line.starts_with(' ')).collect();
        assert_eq!(own.len(), 1, "{found}");
        assert!(own[0].contains("Info GR103: 2,400 goroutines at 200 places"), "{found}");
    }

    #[test]
    fn silent_without_minutes() {
        assert_eq!(findings_in_text(&RULE, &(asking() + &alike(5000, 5, "chan receive", &["main.work"]))), "");
    }

    #[test]
    fn several_dumps_of_a_process_have_one_remark() {
        let dump = |n, minutes| asking() + &waiting(n, 5, "chan send", minutes, "main.send");
        let found = findings_in_text(&RULE, &(dump(20, 12) + &dump(30, 17) + &dump(30, 22)));
        let own: Vec<&str> = found.lines().filter(|line| !line.starts_with(' ')).collect();
        assert_eq!(own.len(), 1, "{found}");
        assert!(
            own[0].contains("Info GR103: 30 goroutines have waited") && own[0].ends_with("(in 3 dumps)."),
            "{found}"
        );
    }
}
