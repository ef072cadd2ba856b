//! A budget: what a run may cost at most, `p99_stw=5ms,gc_cpu=10%,leak=none`, held against summaries and findings.
//!
//! For tests of a program, where what is normal is known: rules know no program, a budget is about one. What cannot be
//! judged is no violation; whoever wants it to be one says so.

use tracelog::catalog::{gc, sched};
use tracelog::{Family, Field, Loc};

use crate::diagnostics::{Diagnostic, locate};
use crate::evidence::{self, Verdict};
use crate::rules::evidence::{Bound, Condition, Test};
use crate::rules::{self, Finding, LEAKS, Place, Severity};
use crate::series;
use crate::snapshot::{Parsed, Snapshot};
use crate::summary::{Absent, GcSummary, Known, RunSummary};
use crate::words;

/// Code of what a budget says; the slug is the name of the metric.
pub const CODE: &str = "budget";

/// Something that can be limited.
#[derive(Debug)]
pub struct Metric {
    /// Its name in a budget.
    pub name: &'static str,
    /// What it is, a few words.
    pub title: &'static str,
    /// What its limit is written in.
    pub unit: Unit,
    of: Of,
}

/// What a limit is written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// `5ms`; inside, milliseconds.
    Time,
    /// `10%`.
    Percent,
    /// `512MB`, in units of 1024 as Go prints them; inside, MB.
    Size,
    /// `100MB/s`.
    SizeRate,
    /// `2.5`.
    Number,
    /// `none`.
    None,
}

/// Where the value comes from.
#[derive(Clone, Copy, Debug)]
enum Of {
    /// A number of a run, and the line that shows it.
    Run(fn(&Parsed, &RunSummary) -> Known<(f64, Place)>),
    /// What leak rules found in a run.
    Leak,
    /// Warnings and errors in the log.
    Findings,
}

/// All metrics, in the order in which they are listed.
pub static METRICS: [Metric; 11] = [
    metric("p99_stw", "p99 of the stop-the-world times of cycles", Unit::Time, |parsed, summary| {
        let pauses = summary.gc()?.pause_ms?;
        Ok((pauses.p99, at_row(parsed, summary, pauses.max_index)))
    }),
    metric("max_stw", "longest stop-the-world time of a cycle", Unit::Time, |parsed, summary| {
        let pauses = summary.gc()?.pause_ms?;
        Ok((pauses.max, at_row(parsed, summary, pauses.max_index)))
    }),
    metric("gc_cpu", "share of all processor time that went to the collector", Unit::Percent, |_, summary| {
        summary.gc()?.cpu_share.map(|share| (100.0 * share, start(summary)))
    }),
    metric("cycles_per_s", "GC cycles a second", Unit::Number, |_, summary| {
        let gc = summary.gc()?;
        let (first, last) = gc.span_s?;
        let n = gc.n_cycles as f64 + gc.n_missing as f64 - 1.0;
        if last > first { Ok((n / (last - first), start(summary))) } else { Err(Absent::TooFew) }
    }),
    metric("heap_peak", "largest heap", Unit::Size, |parsed, summary| {
        let peak_mb = summary.gc()?.peak_mb?;
        Ok((peak_mb, showing(parsed, summary, &[gc::HEAP_END_MB, gc::HEAP_START_MB], peak_mb)))
    }),
    metric("live_peak", "largest live heap", Unit::Size, |_, summary| {
        summary.gc()?.live_mb.clone().map(|live| (live.range.1, start(summary)))
    }),
    metric("alloc_rate", "allocation rate, median over cycles", Unit::SizeRate, |_, summary| {
        summary.gc()?.alloc_mb_per_s.map(|rate| (rate, start(summary)))
    }),
    metric("threads", "most threads in a scheduler sample", Unit::Number, |parsed, summary| {
        let at = evidence::index_of(parsed, summary.run).ok_or(Absent::NoLines)?;
        let max = parsed.series(at, sched::THREADS).max().ok_or(Absent::NoLines)?;
        Ok((max, showing(parsed, summary, &[sched::THREADS], max)))
    }),
    metric("runnable_p99", "p99 of the goroutines that wait for a P", Unit::Number, |_, summary| {
        let sched = summary.sched.as_ref().ok_or(Absent::NoLines)?;
        sched.runnable.map(|runnable| (runnable.p99, start(summary)))
    }),
    Metric { name: "leak", title: "findings of the leak rules", unit: Unit::None, of: Of::Leak },
    Metric { name: "findings", title: "warnings and errors in the log", unit: Unit::Number, of: Of::Findings },
];

const fn metric(
    name: &'static str,
    title: &'static str,
    unit: Unit,
    of: fn(&Parsed, &RunSummary) -> Known<(f64, Place)>,
) -> Metric {
    Metric { name, title, unit, of: Of::Run(of) }
}

impl RunSummary {
    fn gc(&self) -> Known<&GcSummary> {
        self.gc.as_ref().ok_or(Absent::NoLines)
    }
}

/// The start of a run, for numbers that no single line shows.
fn start(summary: &RunSummary) -> Place {
    Place { line: summary.lines.0, field: None }
}

/// The line of a cycle of a run.
fn at_row(parsed: &Parsed, summary: &RunSummary, index: usize) -> Place {
    let rows = evidence::index_of(parsed, summary.run).map(|at| parsed.runs.list[at].rows(Family::Gc));
    let row = rows.and_then(|rows| rows.get(index));
    row.map_or(start(summary), |row| Place { line: parsed.log.line(*row), field: None })
}

/// The first line of a run on which one of the fields has a value.
fn showing(parsed: &Parsed, summary: &RunSummary, fields: &[Field], value: f64) -> Place {
    let Some(at) = evidence::index_of(parsed, summary.run) else { return start(summary) };
    let shown = fields.iter().find_map(|field| {
        let mut rows = parsed.runs.list[at].rows(field.family).iter();
        let row = rows.find(|row| series::ordinary(&parsed.log, **row, *field) == Some(value))?;
        Some(Place { line: parsed.log.line(*row), field: Some(*field) })
    });
    shown.unwrap_or_else(|| start(summary))
}

/// A limit of a budget: `p99_stw=5ms`.
#[derive(Clone, Debug)]
pub struct Target {
    /// What is limited.
    pub metric: &'static Metric,
    /// The most that is allowed, in the metric's unit inside.
    pub limit: f64,
    /// As it was written.
    pub written: String,
}

impl Target {
    /// Reads `NAME=LIMIT`. What is wrong is said with the nearest name, or with what a limit looks like.
    pub fn parse(text: &str) -> Result<Self, String> {
        let text = text.trim();
        let (name, limit) =
            text.split_once('=').ok_or_else(|| format!("\"{text}\": expected NAME=LIMIT, as in p99_stw=5ms"))?;
        let (name, limit) = (name.trim_end(), limit.trim_start());
        let metric = METRICS.iter().find(|metric| metric.name == name).ok_or_else(|| unknown(name))?;
        let limit = metric
            .unit
            .parse(limit)
            .ok_or_else(|| format!("{name}=\"{limit}\": expected {}", metric.unit.example()))?;
        Ok(Self { metric, limit, written: text.to_owned() })
    }
}

fn unknown(name: &str) -> String {
    let likeness = |metric: &&Metric| strsim::normalized_damerau_levenshtein(name, metric.name);
    let nearest = METRICS.iter().max_by(|a, b| likeness(a).total_cmp(&likeness(b)));
    let names: Vec<&str> = METRICS.iter().map(|metric| metric.name).collect();
    let hint = nearest.map_or(String::new(), |metric| format!("; did you mean {}?", metric.name));
    format!("\"{name}\": there is no such metric{hint} All are {}", names.join(", "))
}

impl Unit {
    /// What a limit looks like.
    pub const fn example(self) -> &'static str {
        match self {
            Self::Time => "a time with its unit, as in 5ms, 800us, 1.5s",
            Self::Percent => "a percentage up to 100, as in 10%",
            Self::Size => "a size with its unit, as in 512MB, 1.5GB (units of 1024, as Go prints them)",
            Self::SizeRate => "a size a second, as in 100MB/s",
            Self::Number => "a number without a unit, as in 20",
            Self::None => "none, which is all it can be",
        }
    }

    /// As shown behind a value.
    pub const fn shown(self) -> &'static str {
        match self {
            Self::Time => "ms",
            Self::Percent => "%",
            Self::Size => "MB",
            Self::SizeRate => "MB/s",
            Self::Number | Self::None => "",
        }
    }

    fn parse(self, text: &str) -> Option<f64> {
        const TIMES_MS: [(&str, f64); 7] =
            [("ns", 1e-6), ("us", 1e-3), ("µs", 1e-3), ("ms", 1.0), ("s", 1e3), ("m", 60e3), ("h", 3600e3)];
        const SIZES_MB: [(&str, f64); 9] = [
            ("B", 1.0 / 1_048_576.0),
            ("KB", 1.0 / 1024.0),
            ("KiB", 1.0 / 1024.0),
            ("MB", 1.0),
            ("MiB", 1.0),
            ("GB", 1024.0),
            ("GiB", 1024.0),
            ("TB", 1_048_576.0),
            ("TiB", 1_048_576.0),
        ];
        let in_units = |text: &str, units: &[(&str, f64)]| {
            let (number, unit) = text.split_at(text.find(|c: char| c != '.' && !c.is_ascii_digit())?);
            let (_, factor) = units.iter().find(|(name, _)| *name == unit)?;
            Some(decimal(number)? * factor)
        };
        match self {
            Self::Time => in_units(text, &TIMES_MS),
            Self::Percent => decimal(text.strip_suffix('%')?).filter(|percent| *percent <= 100.0),
            Self::Size => in_units(text, &SIZES_MB),
            Self::SizeRate => in_units(text.strip_suffix("/s")?, &SIZES_MB),
            Self::Number => decimal(text),
            Self::None => (text == "none").then_some(0.0),
        }
    }
}

/// Digits, perhaps with more behind a dot; nothing else that Rust reads as a number.
fn decimal(text: &str) -> Option<f64> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let is_digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    (is_digits(whole) && is_digits(fraction)).then(|| text.parse().ok()).flatten()
}

/// A target held against a run, or against the log as a whole.
#[derive(Clone, Debug)]
pub struct Judged {
    /// The target.
    pub target: Target,
    /// Number of the run; none for what is about the log.
    pub run: Option<usize>,
    /// What was seen, or why it cannot be judged.
    pub outcome: Outcome,
    place: Place,
    /// Codes of the findings that violate it.
    codes: Vec<&'static str>,
}

/// How a run stands to a target.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// Within it; the value.
    Met(f64),
    /// Above it; the value.
    Exceeded(f64),
    /// Not to be said, and why.
    Unknown(String),
}

/// Holds a budget against every run, those of the Go toolchain left out. What cannot be judged is said once for each
/// target: of a run for `leak`, else only where no run can be judged.
pub fn judge(snapshot: &Snapshot, targets: &[Target]) -> Vec<Judged> {
    let Some(parsed) = snapshot.parsed.as_deref() else { return Vec::new() };
    targets.iter().flat_map(|target| judge_target(parsed, target)).collect()
}

fn judge_target(parsed: &Parsed, target: &Target) -> Vec<Judged> {
    let nothing = Place { line: 0, field: None };
    let judged = |run, place, outcome, codes| Judged { target: target.clone(), run, outcome, place, codes };
    if let Of::Findings = target.metric.of {
        return vec![findings(parsed, target)];
    }
    let runs: Vec<&RunSummary> = parsed.analysis().summaries.iter().filter(|summary| !summary.toolchain).collect();
    let outcomes: Vec<Judged> = runs
        .iter()
        .map(|summary| {
            let of_run = |place, outcome| judged(Some(summary.run), place, outcome, Vec::new());
            let Of::Run(of) = target.metric.of else {
                let (place, outcome, codes) = leak(parsed, summary);
                return judged(Some(summary.run), place, outcome, codes);
            };
            match of(parsed, summary) {
                Ok((value, place)) => of_run(place, held(target, value)),
                Err(absent) => of_run(start(summary), Outcome::Unknown(absent.reason().to_owned())),
            }
        })
        .collect();
    let is_unknown = |judged: &&Judged| matches!(judged.outcome, Outcome::Unknown(_));
    let unknown: Vec<Judged> = outcomes.iter().filter(is_unknown).cloned().collect();
    let mut told: Vec<Judged> = outcomes.into_iter().filter(|judged| !is_unknown(&judged)).collect();
    if let Of::Leak = target.metric.of {
        // What dumps or several lives show together is about no single run.
        let is_leak = |finding: &&Finding| {
            finding.run.is_none() && finding.severity > Severity::Hint && LEAKS.contains(&finding.rule.code)
        };
        let of_log: Vec<&Finding> = parsed.analysis().findings.iter().filter(is_leak).collect();
        if let Some(worst) = of_log.iter().max_by_key(|finding| finding.severity) {
            told.push(judged(None, worst.place, Outcome::Exceeded(of_log.len() as f64), codes_of(&of_log)));
        }
    }
    // A run without lines of a kind is no gap in the evidence where other runs have them.
    let is_gap = told.is_empty() || matches!(target.metric.of, Of::Leak);
    match unknown.first() {
        Some(first) if is_gap => {
            let Outcome::Unknown(why) = &first.outcome else { return told };
            let others = match unknown.len() - 1 {
                0 => String::new(),
                n => format!(" (and {})", words::count(n, "more run")),
            };
            let why = format!("{why}{others}");
            told.push(Judged { outcome: Outcome::Unknown(why), ..first.clone() });
        }
        None if told.is_empty() => {
            told.push(judged(None, nothing, Outcome::Unknown("no trace line of a process run".to_owned()), Vec::new()));
        }
        _ => {}
    }
    told
}

fn held(target: &Target, value: f64) -> Outcome {
    match value {
        value if value.is_nan() => Outcome::Unknown("the values do not tell".to_owned()),
        value if value <= target.limit => Outcome::Met(value),
        value => Outcome::Exceeded(value),
    }
}

fn codes_of(found: &[&Finding]) -> Vec<&'static str> {
    let mut codes: Vec<&str> = found.iter().map(|finding| finding.rule.code).collect();
    codes.sort_unstable();
    codes.dedup();
    codes
}

/// What leak rules found in a run; a run that they could not judge is not called clean.
fn leak(parsed: &Parsed, summary: &RunSummary) -> (Place, Outcome, Vec<&'static str>) {
    let verdicts: Vec<(&str, Verdict<'_>)> = LEAKS
        .iter()
        .filter_map(|code| Some((*code, evidence::verdict(parsed, rules::named(code)?, Some(summary.run)))))
        .collect();
    let is_shown = |finding: &&&Finding| finding.severity > Severity::Hint;
    let found: Vec<&Finding> = verdicts
        .iter()
        .filter_map(|(_, verdict)| match verdict {
            Verdict::Found(found) => Some(found),
            _ => None,
        })
        .flat_map(|found| found.iter().filter(is_shown).copied())
        .collect();
    if let Some(worst) = found.iter().max_by_key(|finding| finding.severity) {
        return (worst.place, Outcome::Exceeded(found.len() as f64), codes_of(&found));
    }
    // With `gc` lines it takes a verdict on the live heap; without them any other leak rule will do.
    let has_judged = |(_, verdict): &(&str, Verdict<'_>)| {
        matches!(verdict, Verdict::Found(_) | Verdict::Muted(_)) || verdict.name() == "not found"
    };
    let heap = |(code, verdict): &(&str, Verdict<'_>)| {
        let says_why = matches!(verdict, Verdict::Declined(_)) && verdict.name() == "not found";
        *code == "GC101" && (matches!(verdict, Verdict::Nothing | Verdict::Found(_) | Verdict::Muted(_)) || says_why)
            || *code == "GC107" && (matches!(verdict, Verdict::Found(_) | Verdict::Muted(_)) || says_why)
    };
    let is_judged = match summary.gc {
        Some(_) => verdicts.iter().any(heap),
        None => verdicts.iter().any(has_judged),
    };
    if is_judged {
        return (start(summary), Outcome::Met(0.0), Vec::new());
    }
    let lacking = evidence::not_enough(parsed, summary.run);
    let why = match lacking.first() {
        Some(first) => format!("too short to judge: {} {}", first.code, first.words),
        None => "no lines that leak rules read; GODEBUG=gctrace=1 makes the program print them".to_owned(),
    };
    (start(summary), Outcome::Unknown(why), Vec::new())
}

fn findings(parsed: &Parsed, target: &Target) -> Judged {
    let counted = || parsed.analysis().findings.iter().filter(|finding| finding.severity >= Severity::Warning);
    let worst = counted().max_by_key(|finding| (finding.severity, std::cmp::Reverse(finding.place.line)));
    let place = worst.map_or(Place { line: 0, field: None }, |finding| finding.place);
    let outcome = if parsed.log.has_items() {
        held(target, counted().count() as f64)
    } else {
        Outcome::Unknown("no trace line".to_owned())
    };
    Judged { target: target.clone(), run: None, outcome, place, codes: Vec::new() }
}

impl Judged {
    /// Whether the budget is violated.
    pub const fn is_exceeded(&self) -> bool {
        matches!(self.outcome, Outcome::Exceeded(_))
    }

    /// Whether nothing can be said.
    pub const fn is_unknown(&self) -> bool {
        matches!(self.outcome, Outcome::Unknown(_))
    }

    /// Where it shows.
    pub fn loc(&self, snapshot: &Snapshot) -> Loc {
        locate(snapshot, self.place)
    }

    /// `p99 of the stop-the-world times of cycles: 7.3 ms (≤ 5 ms needed)`, or why it cannot be judged.
    pub fn in_words(&self) -> String {
        let metric = self.target.metric;
        let run = self.run.map_or(String::new(), |run| format!(" in run {}", run + 1));
        match &self.outcome {
            Outcome::Unknown(why) => format!("{} cannot be judged{run}: {why}.", self.target.written),
            Outcome::Exceeded(n) if metric.unit == Unit::None => {
                let (n, codes) = (words::count(*n as usize, "finding"), self.codes.join(", "));
                format!("{n} of the leak rules{run} ({codes}), none is allowed.")
            }
            Outcome::Met(_) if metric.unit == Unit::None => format!("no finding of the leak rules{run}."),
            Outcome::Met(_) | Outcome::Exceeded(_) => {
                let test = self.test();
                let seen = test.conditions.first().map(Condition::in_words).unwrap_or_default();
                format!("{seen}{run}.")
            }
        }
    }

    /// What was seen, in the unit of the metric.
    pub const fn value(&self) -> Option<f64> {
        match self.outcome {
            Outcome::Met(value) | Outcome::Exceeded(value) => Some(value),
            Outcome::Unknown(_) => None,
        }
    }

    fn test(&self) -> Test {
        let mut test = Test::default();
        if let Some(value) = self.value() {
            let metric = self.target.metric;
            test.value(metric.title, value, Bound::AtMost(self.target.limit), metric.unit.shown());
        }
        test
    }

    /// As a finding of this severity.
    pub fn diagnostic(&self, snapshot: &Snapshot, severity: Severity) -> Diagnostic {
        let numbers = self.value().map(|value| vec![("value", value), ("limit", self.target.limit)]);
        Diagnostic {
            loc: self.loc(snapshot),
            severity,
            code: CODE,
            slug: self.target.metric.name,
            message: if self.is_unknown() {
                self.in_words()
            } else {
                format!("{} Budget: {}.", self.in_words(), self.target.written)
            },
            related: Vec::new(),
            numbers: numbers.unwrap_or_default(),
            count: 1,
            run: self.run,
            test: self.test(),
            confidence: None,
            part_of: None,
            is_further: false,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tracelog::{Log, Text};

    use super::*;
    use crate::rules::fixture::{GcLine, gc_lines, sched_lines};
    use crate::settings::Settings;

    fn open(text: &str) -> Snapshot {
        Snapshot::new(Arc::new(Text::new(text)), Log::read(text.as_bytes()), Arc::new(Settings::default()))
    }

    /// A line for each run and limit: `1 max_stw=5ms exceeded 48`.
    fn judged(text: &str, budget: &[&str]) -> Vec<String> {
        let targets: Vec<Target> = budget.iter().map(|target| Target::parse(target).unwrap()).collect();
        let line = |judged: Judged| {
            let run = judged.run.map_or("-".to_owned(), |run| run.to_string());
            let outcome = match judged.outcome {
                Outcome::Met(value) => format!("met {value}"),
                Outcome::Exceeded(value) => format!("exceeded {value}"),
                Outcome::Unknown(why) => format!("unknown: {why}"),
            };
            format!("{run} {} {outcome}", judged.target.written)
        };
        judge(&open(text), &targets).into_iter().map(line).collect()
    }

    fn run(n: u64, stop_ms: f64) -> String {
        let clock_ms = [stop_ms, 1.5, 0.0];
        gc_lines(n, |idx| GcLine { n: idx + 1, at_s: idx as f64, clock_ms, ..GcLine::default() })
    }

    #[test]
    fn limits_are_read_in_their_units() {
        for (text, limit) in [
            ("max_stw=5ms", 5.0),
            ("max_stw=800us", 0.8),
            ("max_stw=800µs", 0.8),
            ("max_stw=1.5s", 1500.0),
            ("p99_stw=1m", 60_000.0),
            ("gc_cpu=2.5%", 2.5),
            ("heap_peak=512MB", 512.0),
            ("heap_peak=512MiB", 512.0),
            ("heap_peak=1.5GB", 1536.0),
            ("heap_peak=1048576B", 1.0),
            ("alloc_rate=512KB/s", 0.5),
            ("cycles_per_s=0.25", 0.25),
            (" findings=0", 0.0),
            ("max_stw = 5ms ", 5.0),
        ] {
            let target = Target::parse(text).unwrap();
            assert!((target.limit - limit).abs() < 1e-9, "{text}: {}", target.limit);
            assert_eq!(target.written, text.trim());
        }
    }

    #[test]
    fn every_example_of_a_limit_is_one() {
        for metric in &METRICS {
            let example = metric.unit.example();
            let shown = example.rsplit(" as in ").next().unwrap_or(example).split(" (").next().unwrap_or(example);
            for limit in shown.split(", ").filter(|limit| !limit.contains(' ')) {
                assert!(Target::parse(&format!("{}={limit}", metric.name)).is_ok(), "{}={limit}", metric.name);
            }
        }
    }

    #[test]
    fn each_run_is_held_against_each_limit() {
        let text = run(9, 1.0) + &run(5, 48.0);
        assert_eq!(
            judged(&text, &["max_stw=5ms", "cycles_per_s=1"]),
            ["0 max_stw=5ms met 1", "1 max_stw=5ms exceeded 48", "0 cycles_per_s=1 met 1", "1 cycles_per_s=1 met 1"]
        );
    }

    #[test]
    fn what_shows_a_violation_is_its_place() {
        let slow = |idx| if idx == 6 { 48.0 } else { 1.0 };
        let log = gc_lines(9, |idx| GcLine {
            n: idx + 1,
            at_s: idx as f64,
            clock_ms: [slow(idx), 1.5, 0.0],
            ..GcLine::default()
        });
        let snapshot = open(&log);
        let judged = judge(&snapshot, &[Target::parse("max_stw=5ms").unwrap()]);
        let told = judged[0].diagnostic(&snapshot, Severity::Error);
        assert_eq!(told.loc.line, 6);
        assert_eq!(
            told.message,
            "longest stop-the-world time of a cycle: 48 ms (≤ 5 ms needed) in run 1. Budget: max_stw=5ms."
        );
    }

    #[test]
    fn a_run_too_short_for_a_verdict_on_leaks_is_not_called_clean() {
        let flat = gc_lines(60, |idx| GcLine { n: idx + 1, at_s: idx as f64, ..GcLine::default() });
        assert_eq!(judged(&flat, &["leak=none"]), ["0 leak=none met 0"]);
        assert_eq!(
            judged(&(flat + &run(12, 1.0) + &run(3, 1.0)), &["leak=none"]),
            [
                "0 leak=none met 0",
                "1 leak=none unknown: too short to judge: GC101 needs 40 cycles and 30 s, has 12 and 11 s \
                 (and 1 more run)"
            ]
        );
    }

    #[test]
    fn lines_of_one_kind_in_one_run_are_no_gap_in_another() {
        let text = sched_lines(9, 2, 0.1, |_| (1, 3)) + &run(9, 1.0);
        let said = judged(&text, &["runnable_p99=5", "max_stw=5ms"]);
        assert_eq!(said.len(), 2, "{said:?}");
        assert!(said.iter().all(|line| line.contains(" met ")), "{said:?}");
        assert_eq!(judged(&run(9, 1.0), &["runnable_p99=5"]), ["0 runnable_p99=5 unknown: no such lines in the run"]);
    }

    #[test]
    fn without_a_run_nothing_is_judged() {
        assert_eq!(judged("starting\n", &["max_stw=5ms"]), ["- max_stw=5ms unknown: no trace line of a process run"]);
        assert_eq!(judged("starting\n", &["findings=0"]), ["- findings=0 unknown: no trace line"]);
        assert_eq!(judged("starting\n", &[]), [""; 0]);
    }
}
