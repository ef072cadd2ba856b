//! The command line: the same questions as in an editor, asked of files.
//!
//! Exit codes: 0, or 1 when `check` found something, or 2 for wrong arguments and for input that could not be read; a file
//! that cannot be read does not keep the others from being read. Output to a pipe that is closed ends the work silently.

mod blocks;
mod check;
mod explain;
mod extract;
mod fields;
mod findings;
mod joined;
mod json;
mod lines;
mod page;
mod parse;
mod question;
mod rules;
mod select;
mod settings;
mod summary;
mod terminal;
mod tune;

use std::ffi::OsString;
use std::fmt::Display;
use std::io::{self, ErrorKind, IsTerminal, Write};
use std::process::ExitCode;

use clap::builder::PossibleValue;
use clap::{CommandFactory, FromArgMatches, Parser, Subcommand, ValueEnum};
use tracelog::Family;

use crate::{input, lsp, visible};

/// The arguments. Comments here and in the verbs are the text of `--help`.
#[derive(Parser)]
#[command(name = "gotracelens", version, about, propagate_version = true)]
struct Cli {
    /// When to use colors; NO_COLOR and CLICOLOR_FORCE are heeded too
    #[arg(long, global = true, value_name = "WHEN", value_enum, default_value_t = Color::Auto)]
    color: Color,

    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Tell what happened in each process run, in numbers
    Summary(summary::Args),
    /// Look for anomalies and show them at their lines
    Check(check::Args),
    /// Tell what to set for the memory and processors a program may use, and what other values would cost
    Tune(tune::Args),
    /// Explain a field, a rule, a family, a term, a pasted line, or what happened at a line of a file
    Explain(explain::Args),
    /// Print what every line says, as JSON Lines or as a table
    Parse(parse::Args),
    /// Write the trace lines of a log, as they stand
    Extract(extract::Args),
    /// Write all lines of a log but the trace lines, as they stand
    Strip(extract::Args),
    /// Print dumps, scheddetail blocks, profiles and race reports as objects, in JSON Lines
    Blocks(blocks::Args),
    /// List the fields of all families
    Fields(fields::Args),
    /// List the rules that `check` applies
    Rules(rules::Args),
    /// Serve an editor over standard input and output; `--stdio` does the same
    Lsp {
        /// What clients add, such as `--clientProcessId=1`; not needed
        #[arg(hide = true, trailing_var_arg = true, allow_hyphen_values = true)]
        _added: Vec<OsString>,
    },
    /// Print a completion script for a shell
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Color {
    Auto,
    Always,
    Never,
}

impl Color {
    fn anstream(self) -> anstream::ColorChoice {
        match self {
            Self::Auto => anstream::ColorChoice::Auto,
            Self::Always => anstream::ColorChoice::Always,
            Self::Never => anstream::ColorChoice::Never,
        }
    }

    fn clap(self) -> clap::ColorChoice {
        match self {
            Self::Auto => clap::ColorChoice::Auto,
            Self::Always => clap::ColorChoice::Always,
            Self::Never => clap::ColorChoice::Never,
        }
    }
}

/// How a verb ended; the greater, the worse.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Exit {
    /// Everything was done.
    Success,
    /// Something was found that was asked to count as a failure.
    Findings,
    /// Some input could not be read, or an argument means nothing.
    Trouble,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        match exit {
            Exit::Success => Self::SUCCESS,
            Exit::Findings => Self::from(1),
            Exit::Trouble => Self::from(2),
        }
    }
}

/// Runs the program with these arguments, its own name first.
pub fn run(args: Vec<OsString>) -> ExitCode {
    if is_for_an_editor(&args) {
        return lsp::run();
    }
    if args.len() < 2 && io::stdin().is_terminal() {
        return finish(Cli::command().print_help().map(|()| Exit::Success));
    }
    let cli = match parse_args(&args) {
        Ok(cli) => cli,
        Err(error) => return refuse(&error, &args),
    };
    cli.color.anstream().write_global();
    finish(match &cli.verb {
        Verb::Summary(args) => summary::run(args),
        Verb::Tune(args) => tune::run(args),
        Verb::Check(args) => check::run(args),
        Verb::Explain(args) => explain::run(args),
        Verb::Parse(args) => parse::run(args),
        Verb::Extract(args) => extract::extract(args),
        Verb::Strip(args) => extract::strip(args),
        Verb::Blocks(args) => blocks::run(args),
        Verb::Fields(args) => fields::run(args),
        Verb::Rules(args) => rules::run(args),
        Verb::Lsp { .. } => return lsp::run(),
        Verb::Completions { shell } => completions(*shell),
    })
}

/// Editors start the server with `--stdio`, wherever their users put other arguments.
fn is_for_an_editor(args: &[OsString]) -> bool {
    args.iter().skip(1).take_while(|arg| *arg != "--").any(|arg| arg == "--stdio")
}

fn parse_args(args: &[OsString]) -> Result<Cli, clap::Error> {
    let command = Cli::command().color(color_asked_for(args).clap());
    Cli::from_arg_matches(&command.try_get_matches_from(args)?)
}

/// The value of `--color`, found without reading the other arguments: it is for messages about them too.
fn color_asked_for(args: &[OsString]) -> Color {
    let text = |at: usize| args.get(at).and_then(|arg| arg.to_str()).unwrap_or_default();
    let mut values = (1..args.len()).filter_map(|at| match text(at) {
        "--color" => Some(text(at + 1)),
        arg => arg.strip_prefix("--color="),
    });
    values.next_back().and_then(|value| Color::from_str(value, true).ok()).unwrap_or(Color::Auto)
}

/// Prints help, version or what is wrong with the arguments.
fn refuse(error: &clap::Error, args: &[OsString]) -> ExitCode {
    let hostile = args.iter().any(|arg| arg.to_string_lossy().contains(visible::is_hidden));
    let printed = if hostile && error.use_stderr() {
        // The message repeats arguments, which may be names of files from anywhere.
        let text = error.to_string();
        let lines = text.lines().map(visible::visible).collect::<Vec<_>>().join("\n");
        writeln!(anstream::stderr(), "{lines}")
    } else {
        error.print()
    };
    finish(printed.map(|()| if error.use_stderr() { Exit::Trouble } else { Exit::Success }))
}

fn finish(result: io::Result<Exit>) -> ExitCode {
    match result {
        Ok(exit) => exit.into(),
        // Whoever read the output has seen enough.
        Err(error) if error.kind() == ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(error) => {
            report(&format!("write output: {error}"));
            Exit::Trouble.into()
        }
    }
}

/// Tells about a problem on standard error. The text must be safe to show.
fn report(problem: &impl Display) {
    let style = terminal::ERROR;
    // There is nobody left to tell when this fails.
    let _ = writeln!(anstream::stderr(), "{style}error:{style:#} {problem}");
}

/// Tells on standard error what a user may not expect, and what is no problem. The text must be safe to show.
fn note(text: &str) {
    let style = terminal::NOTE;
    // There is nobody left to tell when this fails.
    let _ = writeln!(anstream::stderr(), "{style}note:{style:#} {text}");
}

/// Several things in words: `a, b and c`.
fn words_of(things: impl Iterator<Item = impl Display>) -> String {
    let mut words: Vec<String> = things.map(|thing| thing.to_string()).collect();
    match words.pop() {
        Some(last) if !words.is_empty() => format!("{} and {last}", words.join(", ")),
        last => last.unwrap_or_default(),
    }
}

fn completions(shell: clap_complete::Shell) -> io::Result<Exit> {
    // The generator panics when it cannot write, so it writes to memory.
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "gotracelens", &mut script);
    io::stdout().lock().write_all(&script)?;
    Ok(Exit::Success)
}

/// A family on the command line: its id, or the GODEBUG setting that makes a program print it.
#[derive(Clone, Copy)]
struct FamilyArg(Family);

static FAMILY_ARGS: std::sync::LazyLock<Vec<FamilyArg>> =
    std::sync::LazyLock::new(|| Family::ALL.iter().map(|family| FamilyArg(*family)).collect());

impl ValueEnum for FamilyArg {
    fn value_variants<'a>() -> &'a [Self] {
        &FAMILY_ARGS
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        let def = self.0.def();
        let value = PossibleValue::new(def.id).help(def.title);
        Some(match knob_of(self.0).filter(|knob| *knob != def.id && family_of_knob(knob) == Some(self.0)) {
            Some(knob) => value.alias(knob),
            None => value,
        })
    }
}

/// The name of the GODEBUG setting in `GODEBUG=gctrace=1`.
fn knob_of(family: Family) -> Option<&'static str> {
    family.def().knob.strip_prefix("GODEBUG=")?.split('=').next()
}

/// The first family that a GODEBUG setting makes a program print.
fn family_of_knob(knob: &str) -> Option<Family> {
    Family::ALL.iter().copied().find(|family| knob_of(*family) == Some(knob))
}
