//! The `gotracelens` program; everything is in the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    gotracelens::cli::run(std::env::args_os().collect())
}
