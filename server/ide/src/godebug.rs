//! Help where GODEBUG and the variables next to it are set: what a setting does, which there are, what is wrong.
//!
//! Made for `.env` files, Dockerfiles, YAML, shell scripts, makefiles, systemd units, Go files and `go.mod`. Files are
//! read line by line and carefully: where a value may come from elsewhere (a variable, a template, a quote that does
//! not end), nothing is said about it. What the settings are stands in `server/catalog/godebug.toml`.

pub mod catalog;
mod check;
mod complete;
mod explain;
mod find;
mod generated;
mod help;
mod value;

#[cfg(test)]
mod tests;

use tracelog::{LineCol, Loc, Text};

use crate::hover::Hover;
use crate::rules::Severity;

pub use complete::{Completion, CompletionKind};
pub use explain::{Explanation, explain, facts, variable_facts};
pub use generated::{Code, SETTINGS, VARIABLES};

/// What a file is, and so how a setting is written in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FileKind {
    /// `NAME=value` lines.
    Dotenv,
    /// A Dockerfile.
    Dockerfile,
    /// YAML: Kubernetes, compose, workflows, values.
    Yaml,
    /// A script of a POSIX shell.
    Shell,
    /// A makefile.
    Makefile,
    /// A unit or drop-in of systemd.
    Systemd,
    /// A Go file.
    Go,
    /// A Go file whose name ends in `_test.go`.
    GoTest,
    /// `go.mod` or `go.work`.
    GoMod,
}

/// Something that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// What kind it is.
    pub code: Code,
    /// How bad: an error stops a build or a program.
    pub severity: Severity,
    /// Where.
    pub loc: Loc,
    /// One sentence.
    pub message: String,
}

/// What stands at a place: a variable, a setting, or its value.
pub fn hover(text: &Text, kind: FileKind, at: LineCol) -> Option<Hover> {
    help::hover(text, &find::assignments(text, kind), at)
}

/// What can be written at a place.
pub fn completions(text: &Text, kind: FileKind, at: LineCol) -> Vec<Completion> {
    complete::completions(text, &find::assignments(text, kind), at)
}

/// What is wrong in a file, in the order of its lines.
pub fn problems(text: &Text, kind: FileKind) -> Vec<Problem> {
    check::problems(text, &find::assignments(text, kind))
}
