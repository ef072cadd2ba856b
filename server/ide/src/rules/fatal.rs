//! What rules about crashes share: a finding for each, at its head, with the goroutine it happened in.

use tracelog::catalog::frame;
use tracelog::{Log, Run};

use super::evidence::Test;
use super::point::cycle_name;
use super::{BlocksView, Finding, Findings, Place, Related, Rule, Severity};
use crate::ending::{Cause, Crash, Culprit, crashes, shown};
use crate::view::RunView;
use crate::view::detail::OF_RUNTIME;
use crate::words;

/// What a rule says about a crash.
pub(super) struct Words {
    /// How bad it is.
    pub(super) severity: Severity,
    /// One sentence without its final dot, which follows what all crashes have.
    pub(super) message: String,
    /// Numbers of the message.
    pub(super) numbers: Vec<(&'static str, f64)>,
    /// What makes it this rule's.
    pub(super) because: &'static str,
}

impl Words {
    /// An error that says this.
    pub(super) fn error(message: String, because: &'static str) -> Self {
        Self { severity: Severity::Error, message, numbers: Vec::new(), because }
    }
}

/// A crash with what rules need to tell about it.
pub(super) struct Told<'a> {
    /// The log.
    pub(super) log: &'a Log,
    /// The crash.
    pub(super) crash: &'a Crash<'a>,
    /// Where it happened.
    pub(super) culprit: Option<Culprit>,
    /// The series of its run and the last cycle before it.
    pub(super) last_cycle: Option<(&'a RunView, usize)>,
    /// Its run.
    pub(super) run: &'a Run,
}

impl Told<'_> {
    /// `; goroutine 21 in bytes.Repeat (bytes.go:672), called by main.write (cache.go:31)`; nothing where the stacks do not
    /// tell.
    pub(super) fn somewhere(&self) -> String {
        let Some(culprit) = &self.culprit else { return String::new() };
        let caller = culprit.caller_in_words().map_or_else(String::new, |caller| format!(", {caller}"));
        format!("; {}{caller}", culprit.in_words())
    }

    /// Number of goroutines that were printed.
    pub(super) fn n_goroutines(&self) -> usize {
        self.crash.dump.map_or(0, |dump| dump.goroutines.len())
    }

    /// What the only goroutine did that was printed.
    pub(super) fn state(&self) -> String {
        self.all_states().next().map_or_else(String::new, |state| shown(&state))
    }

    fn all_states(&self) -> impl Iterator<Item = String> {
        let entries = self.crash.dump.map_or(&[][..], |dump| &dump.goroutines);
        entries.iter().map(|entry| entry.state(self.log))
    }

    /// What the goroutines did that were printed, those of the runtime left out: up to Go 1.3 it printed its own.
    pub(super) fn own_states(&self) -> Vec<String> {
        self.all_states().filter(|state| !OF_RUNTIME.contains(&state.as_str())).collect()
    }

    /// All of it in counts, see [`in_counts`].
    pub(super) fn states(&self) -> String {
        in_counts(self.all_states())
    }
}

/// `5 chan receive, 3 select, 2 other`: what goroutines do.
pub(super) fn in_counts(states: impl Iterator<Item = String>) -> String {
    const MAX_STATES: usize = 3;
    let counts = crate::blocks::counts(states);
    let mut parts: Vec<String> =
        counts.iter().take(MAX_STATES).map(|(state, n)| format!("{n} {}", shown(state))).collect();
    let rest: usize = counts.iter().skip(MAX_STATES).map(|(_, n)| n).sum();
    if rest > 0 {
        parts.push(format!("{rest} other"));
    }
    parts.join(", ")
}

/// Crashes of one run that say the same are shown one by one up to this number, then together.
const MAX_ALIKE: usize = 10;

/// Lines at which further threads or crashes that are alike are shown.
const MAX_FURTHER: usize = super::point::MAX_FURTHER;

/// Reports the crashes with this cause.
pub(super) fn report(
    view: &BlocksView<'_>,
    findings: &mut Findings,
    rule: &'static Rule,
    causes: &[Cause],
    words: impl Fn(&Told<'_>) -> Words,
) {
    let mut made: Vec<Finding> = Vec::new();
    for crash in crashes(view).iter().filter(|crash| causes.contains(&crash.cause)) {
        let run = &view.runs.list[crash.run];
        let last_cycle = view.view.index_of(run.number).and_then(|index| {
            let series = &view.view.runs[index];
            let before = series.cycles.line.partition_point(|line| *line < crash.line(view.log));
            Some((series, before.checked_sub(1)?))
        });
        let told = Told { log: view.log, crash, culprit: crash.culprit(view.log), last_cycle, run };
        let finding = finding(rule, &told, words(&told));
        made.push(finding);
    }
    for finding in together(made) {
        findings.push(finding);
    }
}

fn finding(rule: &'static Rule, told: &Told<'_>, words: Words) -> Finding {
    let (log, crash) = (told.log, told.crash);
    let mut test = Test::default();
    test.fact(words.because, true);
    if let Some(dump) = crash.dump {
        test.fact(&format!("{} behind it", words::count(dump.goroutines.len(), "stack")), true);
    }
    let mut numbers = words.numbers;
    if let Some(id) = told.culprit.as_ref().and_then(|culprit| culprit.id) {
        numbers.push(("goroutine", id as f64));
    }
    if crash.dump.is_some() {
        numbers.push(("goroutines_shown", told.n_goroutines() as f64));
    }
    Finding {
        severity: words.severity,
        run: Some(told.run.number),
        place: Place { line: crash.line(log), field: None },
        message: format!("{}.", words.message),
        related: related(told),
        further: crash.relays.iter().map(|line| Place { line: *line, field: None }).take(MAX_FURTHER).collect(),
        count: 1 + crash.relays.len(),
        numbers,
        test,
        ..Finding::about(rule)
    }
}

/// The goroutine, who created it, the panics before the last, the head where that is another line, the last cycle.
fn related(told: &Told<'_>) -> Vec<Related> {
    let (log, crash) = (told.log, told.crash);
    let at = |line: u32, text: String| Related { place: Place { line, field: None }, text };
    let mut related = Vec::new();
    if let Some(culprit) = &told.culprit {
        let field = culprit.function.is_some().then_some(frame::FUNCTION);
        related.push(Related { place: Place { line: culprit.line, field }, text: culprit.in_words() });
        if let (Some(of), Some(caller)) = (&culprit.caller, culprit.caller_in_words()) {
            related.push(Related { place: Place { line: of.line, field: Some(frame::FUNCTION) }, text: caller });
        }
        if let Some((line, function)) = &culprit.created_by {
            related.push(at(*line, format!("created by {}", shown(function))));
        }
    }
    if crash.cause == Cause::Deadlock
        && let Some(first) = crash.first(log)
    {
        related.push(at(first.line, format!("first comes {}", first.in_words())));
    }
    if crash.is_test_timeout(log)
        && let Some(alarm) = crash.first(log)
    {
        related.push(at(alarm.line, format!("the alarm: {}", alarm.in_words())));
    }
    let line = crash.line(log);
    match crash.panics[..] {
        [_, .., last] if log.line(last) != line => {
            related.push(at(log.line(last), "the last panic, which ended the process".to_owned()));
        }
        [first, .., _] => related.push(at(log.line(first), "the panic before it".to_owned())),
        [only] if log.line(only) != line => {
            related.push(at(log.line(only), "the fatal error".to_owned()));
        }
        _ => {}
    }
    if let Some((series, row)) = told.last_cycle {
        related.push(at(series.cycles.line[row], format!("the last cycle before: {}", last_cycle(series, row))));
    }
    related
}

/// `gc 31 @3.876s, live heap 64 MB, goal 128 MB`.
fn last_cycle(series: &RunView, row: usize) -> String {
    let mut text = cycle_name(series, row);
    for (what, mb) in [("live heap", &series.cycles.heap_live_mb), ("goal", &series.cycles.heap_goal_mb)] {
        if mb[row].is_finite() {
            text = format!("{text}, {what} {} MB", words::rough(mb[row]));
        }
    }
    text
}

/// Findings that say the same in one run are one, when there are many: a crash loop writes thousands.
fn together(findings: Vec<Finding>) -> Vec<Finding> {
    let mut n_alike: std::collections::HashMap<(Option<usize>, String), Vec<usize>> = std::collections::HashMap::new();
    for (index, finding) in findings.iter().enumerate() {
        n_alike.entry((finding.run, finding.message.clone())).or_default().push(index);
    }
    let mut kept: Vec<Option<Finding>> = findings.into_iter().map(Some).collect();
    for alike in n_alike.into_values().filter(|alike| alike.len() > MAX_ALIKE) {
        let others: Vec<Finding> = alike[1..].iter().filter_map(|index| kept[*index].take()).collect();
        if let Some(first) = kept[alike[0]].as_mut() {
            join(first, others);
        }
    }
    kept.into_iter().flatten().collect()
}

/// Makes one finding of several that say the same: the first, which names how many and where the last is.
pub(super) fn join(first: &mut Finding, others: Vec<Finding>) {
    let Some(last) = others.last() else { return };
    first.related.push(Related { place: last.place, text: "the last one like it".to_owned() });
    first.count += others.len();
    let message = first.message.trim_end_matches('.');
    first.message = format!("{message} ({} times).", words::grouped(others.len() + 1));
    first.further.extend(others.iter().map(|other| other.place));
    first.further.truncate(MAX_FURTHER);
}
