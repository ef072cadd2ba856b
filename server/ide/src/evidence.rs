//! Why a rule found what it found, or why it found nothing: conditions with their numbers, instead of an assertion.
//!
//! Hovers, `gotracelens explain RULE --file FILE`, the request for evidence and the summary write what stands here. What
//! a condition is called is up to the rule, see [`crate::rules::evidence`].

use tracelog::catalog::gc;
use tracelog::{Family, Field, Run};

use crate::diagnostics::locate;
use crate::markup::{Markup, Shown};
use crate::rules::evidence::{Condition, Declined, Test};
use crate::rules::{self, Check, Finding, LEAKS, Rule, Severity};
use crate::snapshot::{Parsed, Snapshot};
use crate::words;

#[cfg(test)]
mod tests;

/// What a rule says about a run, or about the log as a whole.
#[derive(Debug)]
pub enum Verdict<'a> {
    /// What it found, the worst first.
    Found(Vec<&'a Finding>),
    /// What it found, all of which somebody muted.
    Muted(Vec<&'a Finding>),
    /// It found nothing and says which conditions did not hold, the one first that came closest.
    Declined(Vec<&'a Declined>),
    /// It found nothing. Rules of which nobody asks "why not" keep no more than that.
    Nothing,
    /// The run has no line of the families that it reads, or their lines print none of its fields.
    NotRead {
        /// Fields whose lines are here, from a release that does not print them.
        unprinted: Vec<Field>,
        /// Fields whose lines are not here.
        absent: Vec<Field>,
    },
    /// The Go toolchain printed the run: such runs are nobody's program and are not judged.
    Toolchain,
    /// The settings do not have it looked for.
    Off,
}

impl Verdict<'_> {
    /// The word for it, for machines and headings.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Found(_) => "found",
            Self::Muted(_) => "muted",
            Self::Declined(declined) if declined.iter().all(|declined| is_short(declined)) => "too short to judge",
            Self::Declined(_) | Self::Nothing => "not found",
            Self::NotRead { .. } => "nothing to judge",
            Self::Toolchain => "not judged",
            Self::Off => "off",
        }
    }
}

/// Whether data are missing. A rule that lacks data does not say no.
fn is_short(declined: &Declined) -> bool {
    declined.test.missing().next().is_some()
}

/// What a rule says about the run with this number; with none, about the log as a whole.
pub fn verdict<'a>(parsed: &'a Parsed, rule: &'static Rule, run: Option<usize>) -> Verdict<'a> {
    if !parsed.settings().is_on(rule) {
        return Verdict::Off;
    }
    let analysis = parsed.analysis();
    let of_rule = |finding: &&Finding| finding.rule.code == rule.code && finding.run == run;
    let worst_first = |findings: &'a [Finding]| {
        let mut found: Vec<&Finding> = findings.iter().filter(of_rule).collect();
        found.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
        Some(found).filter(|found| !found.is_empty())
    };
    if let Some(found) = worst_first(&analysis.findings) {
        return Verdict::Found(found);
    }
    if let Some(muted) = worst_first(&analysis.muted) {
        return Verdict::Muted(muted);
    }
    let at = run.and_then(|number| index_of(parsed, number));
    if at.is_some_and(|at| parsed.runs.list[at].toolchain) && matches!(rule.check, Check::Run(_)) {
        return Verdict::Toolchain;
    }
    let rows = |family: Family| at.map_or(parsed.log.rows(family).len(), |at| parsed.runs.list[at].rows(family).len());
    let has_lines = |field: &Field| rows(field.family) > 0;
    let is_printed = |field: &Field| {
        has_lines(field) && (field.def().kind.is_text() || at.is_none_or(|at| parsed.series(at, *field).n() > 0))
    };
    if !rule.reads.is_empty() && !rule.reads.iter().any(is_printed) {
        let (unprinted, absent) = rule.reads.iter().partition(|field| has_lines(field));
        return Verdict::NotRead { unprinted, absent };
    }
    let of_rule = |declined: &&Declined| declined.rule.code == rule.code && declined.run == run;
    let mut declined: Vec<&Declined> = analysis.declined.iter().filter(of_rule).collect();
    if !declined.is_empty() {
        declined.sort_by_key(|declined| (is_short(declined), n_failed(&declined.test)));
        return Verdict::Declined(declined);
    }
    Verdict::Nothing
}

fn n_failed(test: &Test) -> usize {
    test.conditions.iter().filter(|condition| !condition.holds).count()
}

/// Where the run with this number stands in the list, which may be a part of all.
pub(crate) fn index_of(parsed: &Parsed, number: usize) -> Option<usize> {
    parsed.runs.list.binary_search_by_key(&number, |run| run.number).ok()
}

/// What a rule says about a run as Markdown, see [`of`]; about the log as a whole without one. None where there is no
/// such rule or run, or the document is not read yet.
pub fn evidence(snapshot: &Snapshot, rule: &str, run: Option<usize>) -> Option<String> {
    let (rule, parsed) = (rules::named(rule)?, snapshot.parsed.as_deref()?);
    if run.is_some_and(|number| index_of(parsed, number).is_none()) {
        return None;
    }
    Some(of(parsed, rule, run, &|line| format!("line {}", line + 1)))
}

/// Findings of a rule in one run that are told with their conditions; the others are counted.
const MAX_FOUND: usize = 3;

/// The same where lines have other names: what was found with its conditions, or why nothing was.
pub fn of(parsed: &Parsed, rule: &'static Rule, run: Option<usize>, line_in_words: &dyn Fn(u32) -> String) -> String {
    let mut markup = Markup::default();
    let verdict = verdict(parsed, rule, run);
    let name = format!("{} {}", rule.code, rule.slug);
    match &verdict {
        Verdict::Found(found) | Verdict::Muted(found) => {
            for finding in found.iter().take(MAX_FOUND) {
                title(&mut markup, finding);
                markup.prose(&finding.message);
                conditions(&mut markup, &finding.test, usize::MAX);
                outlook(&mut markup, finding);
                places(&mut markup, finding, line_in_words);
            }
            if found.len() > MAX_FOUND {
                markup.paragraph(&format!("And {} more of it here.", found.len() - MAX_FOUND));
            }
            if matches!(verdict, Verdict::Muted(_)) {
                markup.paragraph("Muted: it is not shown among the findings.");
            }
        }
        Verdict::Declined(declined) => {
            markup.title(&name, &format!(": {}", verdict.name()));
            // Of several series the one that came closest.
            let Some(closest) = declined.first() else { return markup.finish() };
            if let Some(missing) = closest.test.missing_in_words() {
                markup.paragraph(&format!("Not enough data: it {missing}."));
            }
            conditions(&mut markup, &closest.test, usize::MAX);
        }
        Verdict::Nothing => {
            markup.title(&name, ": not found");
            match same_growth(parsed, rule, run) {
                Some(Verdict::Found(_)) => {
                    markup.paragraph(&format!("{SAME_GROWTH} tells of the growth of this run."));
                }
                Some(Verdict::Declined(declined)) => {
                    markup.paragraph(&format!("What {SAME_GROWTH} asked of the same live heap:"));
                    if let Some(closest) = declined.first() {
                        conditions(&mut markup, &closest.test, usize::MAX);
                    }
                }
                _ => markup.paragraph("It read this run and what it looks for did not come up."),
            }
        }
        Verdict::NotRead { unprinted, absent } => {
            markup.title(&name, ": nothing to judge");
            if !unprinted.is_empty() {
                markup.paragraph(&not_printed(unprinted, run.and_then(|number| run_of(parsed, number))));
            }
            if !absent.is_empty() {
                markup.paragraph(&not_recorded(absent));
            }
        }
        Verdict::Toolchain => {
            markup.title(&name, ": not judged");
            markup.paragraph("The Go toolchain printed these lines, not the program: they are left out.");
        }
        Verdict::Off => {
            markup.title(&name, ": off");
            markup.paragraph("It is looked for only where a setting gives it a level.");
        }
    }
    let label = format!("{}: {}", rule.code, rule.title);
    markup.linked(&[(label, Some(rule.code.to_owned())), (": what it looks for, what to do next".to_owned(), None)]);
    markup.finish()
}

/// The rule that goes through the conditions of growth of the live heap, of which others tell other ends.
const SAME_GROWTH: &str = "GC101";

/// What that rule says, where the one that found nothing looks at the same growth.
fn same_growth<'a>(parsed: &'a Parsed, rule: &Rule, run: Option<usize>) -> Option<Verdict<'a>> {
    let looks_at_it = ["GC102", "GC103"].contains(&rule.code);
    Some(verdict(parsed, rules::named(SAME_GROWTH).filter(|_| looks_at_it)?, run))
}

fn run_of(parsed: &Parsed, number: usize) -> Option<&Run> {
    Some(&parsed.runs.list[index_of(parsed, number)?])
}

/// Fields of which the release of a run prints none, and the releases that do.
fn not_printed(fields: &[Field], run: Option<&Run>) -> String {
    let go = run.map(|run| run.go).filter(|go| !go.is_empty());
    let seen = go.map_or("The releases of this run print".to_owned(), |go| format!("Go {go} prints"));
    let wanted = fields.iter().map(|field| format!("{} (Go {})", field.def().title, words::printed_by(*field)));
    format!("{seen} none of what it reads: {}.", wanted.collect::<Vec<_>>().join(", "))
}

/// Fields of which the log has no line, and what would make the program print them.
fn not_recorded(fields: &[Field]) -> String {
    let mut families: Vec<Family> = Vec::new();
    for field in fields {
        if !families.contains(&field.family) {
            families.push(field.family);
        }
    }
    let titles: Vec<&str> = families.iter().map(|family| family.def().title).collect();
    let knobs = || families.iter().map(|family| family.def().knob);
    let how = match (knobs().find(|knob| knob.starts_with("GODEBUG=")), knobs().next()) {
        (Some(switch), _) => format!(" {switch} makes the program print them."),
        (None, Some(other)) => format!(" They come with {other}."),
        (None, None) => String::new(),
    };
    format!("No line of the kind that it reads is here ({}).{how}", titles.join(", "))
}

/// `FT111 killed-from-outside: error, strong evidence`. A message that says how sure it is says it alone.
pub(crate) fn title(markup: &mut Markup, finding: &Finding) {
    let confidence = finding.confidence.map(|sure| format!("{} evidence", sure.name()));
    let confidence = confidence.filter(|words| !finding.message.contains(words.as_str()));
    let confidence = confidence.map_or(String::new(), |words| format!(", {words}"));
    let rest = format!(": {}{confidence}", level(finding.severity));
    markup.title(&format!("{} {}", finding.rule.code, finding.rule.slug), &rest);
}

const fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Hint => "hint",
        Severity::Info => "info",
        Severity::Warning => "warning",
        Severity::Error => "error",
    }
}

/// The conditions, each with its mark, those first that do not hold; at most so many lines.
pub(crate) fn conditions(markup: &mut Markup, test: &Test, max: usize) {
    let all = &test.conditions;
    let n_shown = if all.len() <= max { all.len() } else { max.saturating_sub(1) };
    // Which are left out is a matter of room; those that do not hold are what is asked for.
    let mut order: Vec<usize> = (0..all.len()).collect();
    if n_shown < all.len() {
        order.sort_by_key(|index| all[*index].holds);
        order.truncate(n_shown);
        order.sort_unstable();
    }
    for index in order {
        markup.sentence(&[Shown::Prose(all[index].marked())]);
    }
    if n_shown < all.len() && max > 0 {
        let left = words::count(all.len() - n_shown, "more condition");
        markup.sentence(&[Shown::Words(format!("and {left}"))]);
    }
}

/// How fast it goes on, and when it ends: what a finding's numbers say, if they do.
pub(crate) fn outlook(markup: &mut Markup, finding: &Finding) {
    let parts: Vec<(&str, Shown)> =
        outlook_of(&finding.numbers).into_iter().map(|(label, text)| (label, Shown::Words(text))).collect();
    if !parts.is_empty() {
        markup.row(&parts);
    }
}

fn outlook_of(numbers: &[(&'static str, f64)]) -> Vec<(&'static str, String)> {
    let known = |wanted: &str| numbers.iter().find(|(name, value)| *name == wanted && value.is_finite());
    let rate = numbers.iter().find(|(name, value)| name.starts_with("rate_") && value.is_finite());
    let mut parts = Vec::new();
    if let Some((name, value)) = rate {
        let unit = name.trim_start_matches("rate_").replace("_per_", "/").replace("mb", "MB").replace("kb", "kB");
        let unit = unit.strip_prefix("per_").map_or(format!(" {unit}"), |time| format!("/{time}"));
        parts.push(("Pace:", format!("{}{unit}", words::rough(*value))));
    }
    if let Some((_, left_s)) = known("to_limit_s") {
        let when = if *left_s > 0.0 { format!("in {}", words::rough_span(*left_s)) } else { "now".to_owned() };
        parts.push(("Limit reached:", when));
    }
    if let Some((_, peak_mb)) = known("heap_peak_mb") {
        parts.push(("Heap peaks:", format!("about {} MB", words::rough(*peak_mb))));
    }
    parts
}

/// The story it is part of, and the lines that it used.
fn places(markup: &mut Markup, finding: &Finding, line_in_words: &dyn Fn(u32) -> String) {
    if let Some((rule, place)) = finding.part_of {
        markup.entry("Part of:", &format!("{} {}, {}", rule.code, rule.slug, line_in_words(place.line)));
    }
    markup.entry("Shown at:", &line_in_words(finding.place.line));
    for related in &finding.related {
        let line = line_in_words(related.place.line);
        markup.sentence(&[Shown::Prose(format!("{line}: {}", related.text))]);
    }
}

/// A leak rule that could not judge a run, and what it lacks.
#[derive(Clone, Debug, PartialEq)]
pub struct NotEnough {
    /// Code of the rule.
    pub code: &'static str,
    /// `needs 40 cycles and 30 s, has 12 and 3 s`.
    pub words: String,
    /// The conditions on data that do not hold.
    pub missing: Vec<Condition>,
}

/// What leak rules lack in a run that has cycles; nothing where one of them found a leak. That one has judged the run
/// clean is no reason to leave the others out: each asks for other data.
pub fn not_enough(parsed: &Parsed, run: usize) -> Vec<NotEnough> {
    let has_cycles = run_of(parsed, run).is_some_and(|run| !run.toolchain && !run.rows(Family::Gc).is_empty());
    let analysis = parsed.analysis();
    let is_leak = |finding: &Finding| {
        finding.run == Some(run) && finding.severity > Severity::Hint && LEAKS.contains(&finding.rule.code)
    };
    // A crash loop has thousands of runs: what was declined in this one is looked up once.
    let declined: Vec<&Declined> = analysis.declined.iter().filter(|declined| declined.run == Some(run)).collect();
    if !has_cycles || declined.is_empty() || analysis.findings.iter().any(is_leak) {
        return Vec::new();
    }
    let is_untimed = run_of(parsed, run).is_some_and(|run| {
        let at_s = parsed.log.values(run.rows(Family::Gc), gc::AT_S);
        at_s.iter().all(|at_s| at_s.is_nan())
    });
    let of_rule = |code: &'static str| declined.iter().filter(move |declined| declined.rule.code == code);
    let of_run = LEAKS.into_iter().filter_map(|code| {
        // Where one of several series was long enough, the rule has judged.
        let test = &of_rule(code).next()?.test;
        let (mut words, missing) = (test.missing_in_words()?, test.missing().cloned().collect());
        if is_untimed && missing_time(test) {
            words = "needs the times of the cycles, which Go prints since 1.5".to_owned();
        }
        of_rule(code).all(|declined| is_short(declined)).then_some(NotEnough { code, words, missing })
    });
    of_run.collect()
}

/// Whether time is among what a rule lacks.
fn missing_time(test: &Test) -> bool {
    test.missing().any(|condition| condition.what.starts_with("time"))
}

/// `not enough data: GC101 needs 40 cycles and 30 s, has 12 and 3 s`; nothing where no leak rule lacks any.
pub fn not_enough_in_words(lacking: &[NotEnough]) -> Option<String> {
    let parts: Vec<String> = lacking
        .chunk_by(|a, b| a.words == b.words)
        .map(|alike| {
            let codes: Vec<String> = alike.iter().map(|one| one.code.to_owned()).collect();
            let words = match alike {
                [one] => one.words.clone(),
                several => several[0].words.replacen("needs", "need", 1).replacen(", has", ", the run has", 1),
            };
            format!("{} {words}", words::listed(&codes))
        })
        .collect();
    (!parts.is_empty()).then(|| format!("not enough data: {}", parts.join("; ")))
}

/// Runs that are asked whether their lines print what a rule reads; runs of one log are mostly of one release.
const MAX_ASKED: usize = 50;

/// Whether a rule that found nothing in a log could have found something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Overall {
    /// It judged a run, or the log.
    Judged,
    /// All runs that it could read were too short; what the first one lacked.
    TooShort(String),
    /// There was nothing for it to read, or it is off.
    NotRead,
}

/// The same of a log as a whole. Thousands of runs cost one pass.
pub fn overall(parsed: &Parsed, rule: &'static Rule) -> Overall {
    if !parsed.settings().is_on(rule) {
        return Overall::NotRead;
    }
    let has_lines = |run: &&Run| {
        let is_judged = !run.toolchain || !matches!(rule.check, Check::Run(_));
        is_judged && (rule.reads.is_empty() || rule.reads.iter().any(|field| !run.rows(field.family).is_empty()))
    };
    let readable: Vec<&Run> = parsed.runs.list.iter().filter(has_lines).collect();
    let is_read = |run: &&Run| !matches!(verdict(parsed, rule, Some(run.number)), Verdict::NotRead { .. });
    if !readable.iter().take(MAX_ASKED).any(is_read) {
        return Overall::NotRead;
    }
    let declined = || parsed.analysis().declined.iter().filter(|declined| declined.rule.code == rule.code);
    let missing = declined().find_map(|declined| declined.test.missing_in_words());
    match missing {
        Some(words) if declined().all(is_short) && declined().count() >= readable.len() => Overall::TooShort(words),
        _ => Overall::Judged,
    }
}

/// Where the findings of a rule are shown, for those that ask by line: the code and run of each on a line.
pub fn on_line(snapshot: &Snapshot, line: u32) -> Vec<(&'static str, Option<usize>)> {
    let Some(parsed) = &snapshot.parsed else { return Vec::new() };
    let mut found: Vec<(&'static str, Option<usize>)> = Vec::new();
    for finding in &parsed.analysis().findings {
        let is_here = finding.place.line == line || finding.further.iter().any(|place| place.line == line);
        if is_here && !found.contains(&(finding.rule.code, finding.run)) {
            found.push((finding.rule.code, finding.run));
        }
    }
    found
}

/// A finding, or one of its further lines, as it stands at a place.
#[derive(Clone, Copy)]
pub(crate) struct Here<'a> {
    /// The finding.
    pub(crate) finding: &'a Finding,
    /// The field that is underlined here; the whole item when none.
    pub(crate) field: Option<Field>,
    /// Whether the finding itself is on another line.
    pub(crate) is_further: bool,
}

/// What is underlined on a line, the worst first.
pub(crate) fn here(parsed: &Parsed, line: u32) -> Vec<Here<'_>> {
    let mut here = Vec::new();
    for finding in &parsed.analysis().findings {
        if finding.place.line == line {
            here.push(Here { finding, field: finding.place.field, is_further: false });
        }
        let further = finding.further.iter().filter(|place| place.line == line);
        here.extend(further.map(|place| Here { finding, field: place.field, is_further: true }));
    }
    here.sort_by_key(|here| (here.is_further, std::cmp::Reverse(here.finding.severity)));
    here
}

/// Whether something that was found covers a byte of a line, though no trace line may stand there.
pub(crate) fn covering(snapshot: &Snapshot, parsed: &Parsed, at: tracelog::LineCol) -> Option<tracelog::Loc> {
    let places = here(parsed, at.line).into_iter();
    let locs = places.map(|here| locate(snapshot, rules::Place { line: at.line, field: here.field }));
    locs.into_iter().find(|loc| loc.touches(at))
}
