//! Tasks of the project, run as `cargo xtask <task>`. Never shipped.
//!
//! Depends on no crate of the product, so that code can be generated when the product does not compile.

use std::process::ExitCode;

use clap::{Parser, Subcommand};

mod book;
mod catalog;
mod codegen;
mod demo;
mod files;
mod releases;
mod suites;
mod template;
mod tidy;

/// Generation and checks of gotracelens.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Write everything that is generated from the catalog.
    Codegen {
        /// Write nothing; fail when a generated file differs from what would be written.
        #[arg(long)]
        check: bool,
    },
    /// Check the rules of the project that no compiler checks.
    Tidy,
    /// Run everything that can be tested here; say what cannot.
    Test {
        /// Only these suites.
        suites: Vec<String>,
    },
    /// Hold the rules against labelled logs and write how right they are.
    Eval {
        /// Passed on; `--help` names them.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// Build everything and open a real leak log in VS Code, else in Neovim, else in the terminal.
    Try {
        /// There and nowhere else.
        #[arg(long = "in", value_name = "PLACE")]
        place: Option<demo::Place>,
    },
}

fn main() -> ExitCode {
    let done = match Arguments::parse().task {
        Task::Codegen { check: false } => codegen::write(),
        Task::Codegen { check: true } => codegen::check(),
        Task::Tidy => tidy::check(),
        Task::Test { suites } => suites::run(&suites),
        Task::Eval { arguments } => suites::eval(&arguments),
        Task::Try { place } => demo::run(place),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            report(&error);
            ExitCode::FAILURE
        }
    }
}

/// What every task returns: nothing, or what was tried and why it failed.
type Outcome<T = ()> = Result<T, String>;

#[expect(clippy::print_stderr, reason = "a task speaks to the person who started it")]
fn report(message: &str) {
    eprintln!("xtask: {message}");
}
