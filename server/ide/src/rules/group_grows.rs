//! ## What it looks for
//!
//! Two or more dumps or goroutine profiles of one process in which the goroutines at one place become more each time: by
//! 10 or more in all, and by 20 % or more. Connections are counted as connections. Info where the last dump is of an old
//! process (some of its goroutines have waited for 10 minutes) and none of these has waited for one: they come and go.
//!
//! ## Why it matters
//!
//! This is what tells a leak from a large number: a pool is full at some time, a leak never is. Two dumps can also show
//! nothing but more load; with each further one that rises too it becomes more certain.
//!
//! ## What to do next
//!
//! Take one more dump after the load has fallen: what stays is leaked. Then see who started the goroutines
//! (`created by`) and which path leaves them behind. For connections of HTTP clients: a response body that nobody closes.
//!
//! ```sh
//! # three goroutine profiles five minutes apart, in one file
//! for i in 1 2 3; do curl -s 'http://HOST/debug/pprof/goroutine?debug=1'; sleep 300; done > goroutines.txt
//! ```
//!
//! ## Limits
//!
//! Dumps of different processes are never compared: what follows a crash or a restart belongs to another one. A dump that
//! was cut is left out; a profile that was cut says nothing about places it does not show. Functions and lines are compared, arguments and states are not, and
//! frames of the runtime are left out, so a dump can be compared with a profile. Goroutines that run or are about to are
//! load and no leak. At most three places are reported, those that gained most.
//!
//! ## Example
//!
//! ```text
//! goroutine profile: total 55
//! goroutine profile: total 1779
//! 869 @ 0x4c974c 0x4d9228 0x822125 0x4f65c1
//! #    0x822124    net/http.(*persistConn).writeLoop+0x164    /usr/local/go/src/net/http/transport.go:1759
//! ```

use std::collections::HashMap;

use tracelog::catalog::{goroutine, profile_record};

use super::evidence::{Bound, Confidence, Test};
use super::goroutines::connection::{self, connections};
use super::goroutines::{Moment, age_minutes, moments};
use super::{BlocksView, Check, Finding, Findings, Kind, Limit, Limits, Place, Related, Rule, Severity, limit};
use crate::words::{grouped, percent};

/// GR104.
pub(crate) static RULE: Rule = Rule {
    code: "GR104",
    slug: "group-grows",
    title: "Goroutines at one place become more from dump to dump",
    severity: Severity::Warning,
    kind: Kind::Trend,
    reads: &[goroutine::STATE, profile_record::COUNT],
    limits: LIMITS,
    check: Check::Blocks(check),
};

const LIMITS: &[Limit] = &[
    limit("min_gain", 10.0, "goroutines", "By how many they must become more in all."),
    limit("min_gain_share", 0.2, "of the first number", "By which share they must become more in all."),
    limit("old_minutes", 10.0, "min", "Wait in the last dump from which its process counts as old."),
    limit("max_findings", 3.0, "places", "How many places of one process are reported."),
];

/// Numbers that a message shows one by one.
const MAX_SHOWN: usize = 6;

/// What is counted in each dump.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Subject {
    /// Goroutines with the same functions at the same lines.
    Place(u64),
    Connections(connection::Kind),
}

/// A number of one dump.
struct Seen {
    n: usize,
    place: Place,
    /// What is counted, in words.
    words: String,
    /// They do not wait but run.
    is_running: bool,
    /// None has waited for a minute, in a process in which others have waited for long.
    is_young: bool,
}

/// A dump or profile that can be compared.
struct Counted {
    line: u32,
    is_whole: bool,
    seen: HashMap<Subject, Seen>,
}

fn check(view: &BlocksView, limits: &Limits, findings: &mut Findings) {
    for process in processes(&moments(view), limits) {
        compare(process.run, &process.counted, limits, findings);
    }
}

/// Dumps and profiles of one process.
#[derive(Default)]
struct Process {
    run: usize,
    has_ended: bool,
    counted: Vec<Counted>,
}

/// What can be compared: the dumps and profiles of each process, in the order of the log.
fn processes(moments: &[Moment], limits: &Limits) -> Vec<Process> {
    let mut all: Vec<Process> = Vec::new();
    for moment in moments {
        let open = all.iter().rposition(|process| process.run == moment.run && !process.has_ended);
        let at = open.unwrap_or_else(|| {
            all.push(Process { run: moment.run, ..Process::default() });
            all.len() - 1
        });
        all[at].has_ended = moment.is_end;
        // One stack is no dump of the process: a recovered panic, debug.Stack.
        let is_single = moment.n < 2;
        // A dump that was cut shows fewer than there were; the records of a profile that was cut are right.
        let is_short = !moment.is_whole && !moment.is_profile();
        if !is_single && !is_short {
            all[at].counted.push(count(moment, limits));
        }
    }
    // A crash alone is no attempt to see growth.
    all.retain(|process| process.counted.len() > 1 || !process.has_ended && !process.counted.is_empty());
    all
}

fn count(moment: &Moment, limits: &Limits) -> Counted {
    let groups = moment.groups();
    let is_old = age_minutes(&groups).is_some_and(|age| age as f64 >= limits.get("old_minutes"));
    let mut seen: HashMap<Subject, Seen> = HashMap::new();
    for own in connections(&groups) {
        let words = format!("{} connections", own.kind.name());
        let is_young = is_old && own.minutes.is_empty();
        let (n, place) = (own.n, own.place);
        seen.insert(Subject::Connections(own.kind), Seen { n, place, words, is_running: false, is_young });
    }
    for group in &groups {
        if connection::kind(&group.stack).is_some() || group.stack.own().is_none() {
            continue;
        }
        let is_running = matches!(group.stack.state.as_deref(), Some("running" | "runnable"));
        let entry = seen.entry(Subject::Place(group.stack.key())).or_insert_with(|| Seen {
            n: 0,
            place: group.place,
            words: format!("goroutines at {}", group.stack.place()),
            is_running: true,
            is_young: is_old,
        });
        entry.n += group.n;
        entry.is_running &= is_running;
        entry.is_young &= group.minutes.is_empty();
    }
    // Goroutines without a stack could be of any place.
    let are_known = groups.iter().all(|group| !group.stack.frames.is_empty() || !moment.is_profile());
    Counted { line: moment.lines.0, is_whole: moment.is_whole && are_known, seen }
}

/// A subject that became more.
struct Growth<'a> {
    numbers: Vec<usize>,
    last: &'a Seen,
    first_place: Place,
    /// In the dump in which it was enough.
    at_place: Place,
    test: Test,
}

impl Growth<'_> {
    fn gain(&self) -> usize {
        self.numbers[self.numbers.len() - 1].saturating_sub(self.numbers[0])
    }
}

fn compare(run: usize, series: &[Counted], limits: &Limits, findings: &mut Findings) {
    let Some(last) = series.last() else { return };
    let mut grown: Vec<Growth> = Vec::new();
    let mut nearest: Option<Trial> = None;
    for (subject, seen) in &last.seen {
        let trial = trial(*subject, seen, series, limits);
        match growth(*subject, seen, series, &trial, limits) {
            Some(growth) => grown.push(growth),
            None if nearest.as_ref().is_none_or(|nearest| nearest.rank(seen) < trial.rank(seen)) => {
                nearest = Some(trial);
            }
            None => {}
        }
    }
    grown.sort_by_key(|growth| (std::cmp::Reverse(growth.gain()), growth.at_place.line));
    let n = grown.len();
    if let Some(nearest) = nearest.filter(|_| n == 0) {
        findings.declined(&RULE, Some(run), nearest.test);
    }
    let max = limits.get("max_findings").max(0.0) as usize;
    for (index, growth) in grown.into_iter().take(max).enumerate() {
        let n_more = if index == 0 { n.saturating_sub(max) } else { 0 };
        findings.push(finding(run, growth, n_more));
    }
}

/// How a subject went.
struct Trial {
    /// Dumps that tell its number, and the numbers.
    known: Vec<(usize, usize)>,
    test: Test,
}

impl Trial {
    /// How near it came, for "why not"; the line decides between equals.
    fn rank(&self, seen: &Seen) -> (i64, i64) {
        let first = self.known.first().map_or(0, |(_, n)| *n as i64);
        let last = self.known.last().map_or(0, |(_, n)| *n as i64);
        (last - first, -i64::from(seen.place.line))
    }
}

fn trial(subject: Subject, last: &Seen, series: &[Counted], limits: &Limits) -> Trial {
    // What a cut profile does not show is unknown, not zero.
    let known: Vec<(usize, usize)> = (0..series.len())
        .filter_map(|at| match series[at].seen.get(&subject) {
            Some(seen) => Some((at, seen.n)),
            None => series[at].is_whole.then_some((at, 0)),
        })
        .collect();
    let mut test = Test::default();
    if test.data("dumps of one process that show the place", known.len() as f64, 2.0, "") {
        let (first, n) = (known[0].1 as f64, known[known.len() - 1].1 as f64);
        test.fact("more in each dump", known.windows(2).all(|pair| pair[0].1 < pair[1].1));
        test.value("gain", n - first, Bound::AtLeast(limits.get("min_gain")), "goroutines");
        let share = (n - first) / first.max(1.0);
        test.value("gain, times the first number", share, Bound::AtLeast(limits.get("min_gain_share")), "");
        test.fact("they wait", !last.is_running);
    }
    Trial { known, test }
}

fn growth<'a>(
    subject: Subject,
    last: &'a Seen,
    series: &'a [Counted],
    trial: &Trial,
    limits: &Limits,
) -> Option<Growth<'a>> {
    let known = &trial.known;
    let (begin, first) = known.first().filter(|_| trial.test.holds())?;
    let is_enough = |n: usize| {
        let gain = n as f64 - *first as f64;
        gain >= limits.get("min_gain") && gain / (*first as f64).max(1.0) >= limits.get("min_gain_share")
    };
    let at = known[1..].iter().find(|(_, n)| is_enough(*n))?.0;
    let at_place = series[at].seen.get(&subject)?.place;
    let begin_place = Place { line: series[*begin].line, field: None };
    let first_place = series[*begin].seen.get(&subject).map_or(begin_place, |seen| seen.place);
    let numbers = known.iter().map(|(_, n)| *n).collect();
    Some(Growth { numbers, last, first_place, at_place, test: trial.test.clone() })
}

fn finding(run: usize, growth: Growth, n_more: usize) -> Finding {
    let Growth { numbers, last, first_place, at_place, test } = growth;
    let (first, n) = (numbers[0], numbers[numbers.len() - 1]);
    let gain = (n - first) as f64;
    let how_much = if first == 0 { String::new() } else { format!(" (+{})", percent(gain / first as f64)) };
    let more = match n_more {
        0 => String::new(),
        1 => "; 1 more place grows".to_owned(),
        n => format!("; {n} more places grow"),
    };
    let message = format!("{} {} in {} dumps{how_much}{more}.", shown(&numbers), last.words, numbers.len());
    let mut related = vec![Related { place: first_place, text: format!("first: {}", grouped(first)) }];
    if last.place != at_place {
        related.push(Related { place: last.place, text: format!("last: {}", grouped(n)) });
    }
    Finding {
        severity: if last.is_young { Severity::Info } else { Severity::Warning },
        run: Some(run),
        place: at_place,
        message,
        related,
        count: numbers.len(),
        numbers: vec![("first", first as f64), ("last", n as f64), ("dumps", numbers.len() as f64)],
        confidence: Some(if numbers.len() > 2 { Confidence::Strong } else { Confidence::Moderate }),
        test,
        ..Finding::about(&RULE)
    }
}

/// `12 → 40 → 97`; of many the first and the last ones.
fn shown(numbers: &[usize]) -> String {
    let words = |numbers: &[usize]| numbers.iter().map(|n| grouped(*n)).collect::<Vec<_>>().join(" → ");
    if numbers.len() <= MAX_SHOWN {
        return words(numbers);
    }
    let half = MAX_SHOWN / 2;
    format!("{} → … → {}", words(&numbers[..half]), words(&numbers[numbers.len() - half..]))
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;
    use crate::rules::fixture::{check, findings_in_text, why_not_in_text};
    use crate::rules::goroutines::fixture::{alike, asking, goroutine, profile};

    fn dump(n: usize) -> String {
        asking() + &alike(16, 5, "chan receive", &["main.worker"]) + &alike(n, 100, "chan send", &["main.first.func1"])
    }

    fn dumps(numbers: &[usize]) -> String {
        numbers.iter().map(|n| dump(*n)).collect()
    }

    #[test]
    fn what_is_more_in_each_dump_is_a_warning() {
        check(
            &RULE,
            &dumps(&[15, 30, 45]),
            expect![[r#"
                295:state Warning GR104: 15 → 30 → 45 goroutines at main.first.func1 (/src/mainfirstfunc1.go:10) in 3 dumps (+200 %).
                  103:state first: 15
                  577:state last: 45
            "#]],
        );
    }

    #[test]
    fn silent_just_below_and_where_it_falls_once() {
        assert_eq!(findings_in_text(&RULE, &dumps(&[15, 24])), "");
        assert!(findings_in_text(&RULE, &dumps(&[15, 25])).contains("15 → 25 goroutines"));
        assert_eq!(findings_in_text(&RULE, &dumps(&[100, 119])), "");
        assert!(findings_in_text(&RULE, &dumps(&[100, 120])).contains("100 → 120 goroutines"));
        assert_eq!(findings_in_text(&RULE, &dumps(&[15, 30, 29, 60, 90])), "");
        assert_eq!(findings_in_text(&RULE, &dumps(&[40, 40, 80])), "");
        assert_eq!(findings_in_text(&RULE, &dumps(&[40])), "");
    }

    #[test]
    fn says_why_not() {
        let one = why_not_in_text(&RULE, &dumps(&[40]));
        assert_eq!(one, "✗ dumps of one process that show the place: 1 (≥ 2 needed)\n");
        let steady = why_not_in_text(&RULE, &dumps(&[40, 44]));
        let expected = "\
            ✓ dumps of one process that show the place: 2 (≥ 2 needed)\n\
            ✓ more in each dump\n\
            ✗ gain: 4 goroutines (≥ 10 needed)\n\
            ✗ gain, times the first number: 0.1 (≥ 0.2 needed)\n\
            ✓ they wait\n";
        assert_eq!(steady, expected);
        let crash = format!("panic: boom\n\n{}exit status 2\n", dump(40));
        assert_eq!(why_not_in_text(&RULE, &crash), "");
    }

    #[test]
    fn profiles_and_dumps_can_be_compared() {
        let counted = |n| profile("goroutine", &[(n, &["main.first.func1"]), (2, &["main.worker"])]);
        let found = findings_in_text(&RULE, &(counted(15) + &counted(40)));
        assert!(found.contains("15 → 40 goroutines at main.first.func1"), "{found}");
        let found = findings_in_text(&RULE, &(counted(15) + &dump(40)));
        assert!(found.contains("15 → 40 goroutines at main.first.func1"), "{found}");
        // The total of another profile is none of goroutines.
        let leaks = |n| profile("threadcreate", &[(n, &["main.first.func1"])]);
        assert_eq!(findings_in_text(&RULE, &(leaks(15) + &leaks(40))), "");
    }

    #[test]
    fn connections_count_as_connections() {
        let counted = |n| {
            let records: &[(usize, &[&str])] =
                &[(n, &["net/http.(*persistConn).writeLoop"]), (n - 3, &["net/http.(*persistConn).readLoop"])];
            profile("goroutine", records)
        };
        check(
            &RULE,
            &(counted(27) + &counted(869)),
            expect![[r#"
                9:count Warning GR104: 27 → 869 HTTP client connections in 2 dumps (+3119 %).
                  2:count first: 27
            "#]],
        );
    }

    #[test]
    fn a_crash_ends_what_is_compared() {
        let crash = |n| format!("panic: boom\n\n{}exit status 2\n", dump(n));
        assert_eq!(findings_in_text(&RULE, &(crash(15) + &crash(60))), "");
        let single = format!("panic: boom\n\n{}exit status 2\n", goroutine(7, "running", &["main.handle"]));
        assert_eq!(findings_in_text(&RULE, &(dump(15) + &single + &dump(60))), "");
        // Dumps before the crash are of the same process.
        assert!(findings_in_text(&RULE, &(dump(15) + &crash(60))).contains("15 → 60 goroutines"));
    }

    #[test]
    fn a_dump_that_was_cut_says_nothing_of_what_it_does_not_show() {
        let cut = |text: String| text[..text.rfind("created by").unwrap()].to_owned() + "\n";
        let without = asking() + &cut(alike(3, 5, "chan receive", &["main.worker"]));
        assert_eq!(findings_in_text(&RULE, &(without.clone() + &dump(60))), "");
        assert!(findings_in_text(&RULE, &(dump(15) + &without + &dump(60))).contains("15 → 60 goroutines"));
        // Numbers of the records that a profile shows are right.
        let counted = |n| profile("goroutine", &[(n, &["main.first.func1"]), (30, &["main.worker"])]);
        let lost = |n: usize| counted(n).split_once("30 @").unwrap().0.to_owned();
        let found = findings_in_text(&RULE, &(lost(15) + &counted(60)));
        assert!(found.contains("15 → 60 goroutines at main.first.func1") && !found.contains("worker"), "{found}");
        let whole = asking() + &alike(3, 5, "chan receive", &["main.other"]);
        assert!(findings_in_text(&RULE, &(whole + &dump(60))).contains("0 → 60 goroutines at main.first.func1"));
    }

    #[test]
    fn goroutines_that_run_are_load() {
        let busy = |n| asking() + &alike(n, 5, "runnable", &["main.handle"]);
        assert_eq!(findings_in_text(&RULE, &(busy(10) + &busy(80))), "");
    }

    #[test]
    fn what_comes_and_goes_in_an_old_process_is_a_remark() {
        let dump = |n, state: &str| {
            asking() + &goroutine(4, "select, 700 minutes", &["main.loop"]) + &alike(n, 5, state, &["main.handle"])
        };
        let found = |state| findings_in_text(&RULE, &(dump(20, state) + &dump(80, state)));
        assert!(found("select").contains("Info GR104: 20 → 80"), "{}", found("select"));
        assert!(found("select, 1 minutes").contains("Warning GR104: 20 → 80"));
    }

    #[test]
    fn single_stacks_are_no_dumps_of_the_process() {
        let one = |id| format!("http: panic serving 127.0.0.1:1: boom\n{}", goroutine(id, "running", &["main.handle"]));
        let log: String = (5..40).map(one).collect();
        assert_eq!(findings_in_text(&RULE, &log), "");
    }

    #[test]
    fn at_most_three_places_are_told() {
        let all = |n| {
            asking() + &(0..9).map(|at| alike(n, 100 * at + 5, "select", &[&format!("main.f{at}")])).collect::<String>()
        };
        let found = findings_in_text(&RULE, &(all(10) + &all(40)));
        assert_eq!(found.matches("GR104").count(), 3, "{found}");
        assert!(found.contains("; 6 more places grow."), "{found}");
    }
}
