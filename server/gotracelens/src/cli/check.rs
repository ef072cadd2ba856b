//! `gotracelens check`: what is wrong, at the lines where it shows.

mod github;
mod human;
mod json;
mod junit;
mod place;
mod sarif;

use std::io::{self, BufWriter};

use clap::ValueEnum;
use clap::builder::PossibleValue;
use ide::Diagnostic;
use ide::budget::{self, Judged, Target};
use ide::rules::Severity;

#[cfg(test)]
pub(super) use self::json::CheckJson;
use super::findings::{Asked, Level};
use super::input::InputError;
use super::question::Question;
use super::{Exit, report, terminal};

/// Options of `check`.
#[derive(clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    question: Question,

    /// How findings are written
    #[arg(long, value_enum, default_value_t = Format::Human)]
    format: Format,

    /// Exit with 1 when something of this level or above is found
    #[arg(long, value_name = "LEVEL", value_enum, default_value_t = FailOn(Some(Level(Severity::Error))))]
    fail_on: FailOn,

    /// Leave out what is below this level; what makes the command fail is always shown
    #[arg(long, value_name = "LEVEL", value_enum, default_value_t = Level(Severity::Info))]
    show: Level,

    /// What each run may cost at most, e.g. p99_stw=5ms,gc_cpu=10%,leak=none; exit with 1 when it costs more
    /// (`gotracelens explain ci` lists all names)
    #[arg(long, value_name = "NAME=LIMIT,...", value_delimiter = ',', value_parser = Target::parse)]
    budget: Vec<Target>,

    /// Exit with 1 also where the budget cannot be judged: too few lines, or none of the kind
    #[arg(long, requires = "budget")]
    budget_strict: bool,
}

#[derive(Clone, Copy, ValueEnum)]
enum Format {
    /// Lines of the log with what was found
    Human,
    /// One JSON object
    Json,
    /// One JSON object a finding, each on a line
    Jsonl,
    /// SARIF 2.1.0, for code scanning
    Sarif,
    /// Workflow commands of GitHub Actions, which become annotations
    Github,
    /// JUnit XML, for the test reports of other CI systems
    Junit,
}

/// A level, or none.
#[derive(Clone, Copy)]
struct FailOn(Option<Level>);

impl ValueEnum for FailOn {
    fn value_variants<'a>() -> &'a [Self] {
        &[
            Self(Some(Level(Severity::Error))),
            Self(Some(Level(Severity::Warning))),
            Self(Some(Level(Severity::Info))),
            Self(Some(Level(Severity::Hint))),
            Self(None),
        ]
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        match self.0 {
            Some(level) => level.to_possible_value(),
            None => Some(PossibleValue::new("never")),
        }
    }
}

/// A file that was read and judged.
struct Checked<'a> {
    asked: &'a Asked,
    /// All findings, and what the budget says, in the order of lines.
    all: Vec<Diagnostic>,
    /// The lowest level that is shown.
    show: Severity,
    judged: Vec<Judged>,
    is_strict: bool,
}

impl Checked<'_> {
    /// What is shown of the findings.
    fn shown(&self) -> impl Iterator<Item = &Diagnostic> {
        self.all.iter().filter(|found| found.severity >= self.show)
    }

    /// Whether this makes the command fail.
    fn violates(&self, judged: &Judged) -> bool {
        judged.is_exceeded() || self.is_strict && judged.is_unknown()
    }
}

/// A format: what it does with files as they are read, in the order of the arguments.
trait Report {
    fn file(&mut self, checked: &Checked<'_>) -> io::Result<()>;

    /// A file of which nothing could be read. What is wrong with it is on standard error already.
    fn unreadable(&mut self, error: &InputError) -> io::Result<()>;

    /// Everything was read, and the command ends so.
    fn finish(&mut self, exit: Exit) -> io::Result<()>;
}

pub(super) fn run(args: &Args) -> io::Result<Exit> {
    let asking = match args.question.asking() {
        Ok(asking) => asking,
        Err(exit) => return Ok(exit),
    };
    if let Some(name) = named_twice(&args.budget) {
        report(&format!("--budget: {name} is limited twice"));
        return Ok(Exit::Trouble);
    }
    let fail_on = args.fail_on.0.map(|level| level.0);
    let show = fail_on.map_or(args.show.0, |level| level.min(args.show.0));
    let mut has_failed = false;
    let mut format = writer(args, fail_on);
    let exit = asking.each(|asked| {
        let asked = match asked {
            Ok(asked) => asked,
            Err(error) => return format.unreadable(error),
        };
        let checked = check(asked, args, show);
        let fails = |found: &Diagnostic| fail_on.is_some_and(|level| found.severity >= level);
        has_failed |= checked.all.iter().any(fails) || checked.judged.iter().any(|judged| checked.violates(judged));
        format.file(&checked)
    })?;
    let exit = if exit == Exit::Success && has_failed { Exit::Findings } else { exit };
    format.finish(exit)?;
    Ok(exit)
}

/// The findings of a file, and what it has to do with the budget.
fn check<'a>(asked: &'a Asked, args: &Args, show: Severity) -> Checked<'a> {
    let judged = budget::judge(&asked.snapshot, &args.budget);
    let mut checked = Checked { asked, all: asked.diagnostics(), show, judged, is_strict: args.budget_strict };
    let told = checked.judged.iter().filter_map(|judged| match (checked.violates(judged), judged.is_unknown()) {
        (true, _) => Some(judged.diagnostic(&asked.snapshot, Severity::Error)),
        (false, true) => Some(judged.diagnostic(&asked.snapshot, Severity::Info)),
        (false, false) => None,
    });
    let told: Vec<Diagnostic> = told.collect();
    checked.all.extend(told);
    checked.all.sort_by_key(|found| (found.loc.line, found.loc.start));
    checked
}

fn named_twice(budget: &[Target]) -> Option<&'static str> {
    let names: Vec<&str> = budget.iter().map(|target| target.metric.name).collect();
    let twice = budget.iter().enumerate().find(|(at, target)| names[..*at].contains(&target.metric.name));
    twice.map(|(_, target)| target.metric.name)
}

fn writer(args: &Args, fail_on: Option<Severity>) -> Box<dyn Report> {
    let out = || BufWriter::new(io::stdout().lock());
    match args.format {
        Format::Human => {
            let selection = &args.question.selection;
            let selected = if selection.is_partial() { format!(" ({selection})") } else { String::new() };
            Box::new(human::Human::new(terminal::stdout(), selected))
        }
        Format::Json => Box::new(json::Json::new(out(), &args.question.selection)),
        Format::Jsonl => Box::new(json::JsonLines::new(out())),
        Format::Sarif => Box::new(sarif::Sarif::new(out())),
        Format::Github => Box::new(github::GitHub::new(out())),
        Format::Junit => Box::new(junit::JUnit::new(out(), fail_on)),
    }
}
