//! How right the rules are: labelled logs and synthetic shapes, held against what the rules say.
//! `cargo xtask eval`.

use std::io::Write;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// How right the rules are.
#[derive(Parser)]
struct Command {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// Synthetic live heaps; fails when a cell is worse than the catalogue's test.
    Shapes(eval::shapes::Args),
}

fn main() -> ExitCode {
    let Command { what: What::Shapes(args) } = Command::parse();
    let (text, is_fine) = eval::shapes::run(&args);
    let is_written = std::io::stdout().write_all(text.as_bytes()).is_ok();
    if is_fine && is_written { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
