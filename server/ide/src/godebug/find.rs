//! Finds where a file sets GODEBUG or a variable next to it.
//!
//! One scanner for each kind of file. None is a full parser: each knows enough of quotes, comments and continued lines to
//! be right about what it finds, and passes over what it does not understand.

mod docker;
mod go;
mod lines;
mod shell;
mod systemd;
mod words;
mod yaml;

use tracelog::{Loc, Text};

use super::FileKind;
use super::catalog::Variable;

/// A place where something is set.
#[derive(Clone, Debug)]
pub(super) struct Assignment {
    /// What is set.
    pub(super) target: Target,
    /// The name of the variable, or the words before a build setting.
    pub(super) name: Loc,
    /// The value, without quotes around it; may be empty.
    pub(super) value: Loc,
}

/// What an assignment sets.
#[derive(Clone, Copy, Debug)]
pub(super) enum Target {
    /// A variable of the environment.
    Variable(&'static Variable),
    /// One setting of a program, in a `//go:debug` line: the value is `key=value`.
    Directive,
    /// As `Directive`, in a line that the build does not look at.
    Misplaced,
    /// One setting of the programs of a module, in `go.mod` or `go.work`.
    Module,
}

/// Every place of a text that sets something, in the order of the lines.
pub(super) fn assignments(text: &Text, kind: FileKind) -> Vec<Assignment> {
    match kind {
        FileKind::Dotenv => lines::dotenv(text),
        FileKind::Makefile => lines::makefile(text),
        FileKind::Dockerfile => docker::scan(text),
        FileKind::Shell => shell::scan(text),
        FileKind::Systemd => systemd::scan(text),
        FileKind::Yaml => yaml::scan(text),
        FileKind::Go => go::file(text, go::IsTest::No),
        FileKind::GoTest => go::file(text, go::IsTest::Yes),
        FileKind::GoMod => go::module(text),
    }
}

/// An assignment to the variable of this name, if it is one that we know.
fn to_variable(line: u32, name: (usize, &str), value: (usize, usize)) -> Option<Assignment> {
    let (at, name) = name;
    let variable = Variable::named(name)?;
    let loc = |start: usize, end: usize| Loc::new(line, start as u32, end as u32);
    let (start, end) = value;
    Some(Assignment {
        target: Target::Variable(variable),
        name: loc(at, at + name.len()),
        value: loc(start, end.max(start)),
    })
}

/// The lines of a text with their numbers.
fn numbered(text: &Text) -> impl Iterator<Item = (u32, String)> {
    (0..text.n_lines()).map(|line| (line, text.line(line).into_owned()))
}

/// First byte at or behind `from` that is no blank; the length of the line when there is none.
fn skip_blanks(line: &str, from: usize) -> usize {
    let rest = line.get(from..).unwrap_or_default();
    from + (rest.len() - rest.trim_start_matches([' ', '\t']).len())
}

/// The end of `line[start..end]` without blanks at its end.
fn trim_end(line: &str, start: usize, end: usize) -> usize {
    start + line.get(start..end).unwrap_or_default().trim_end_matches([' ', '\t']).len()
}
