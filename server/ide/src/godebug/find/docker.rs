//! Dockerfiles: `ENV`, `ARG`, and the commands of `RUN`, `CMD` and `ENTRYPOINT`, in both their forms.

use tracelog::Text;

use super::shell::Shell;
use super::words::{self, Quoted, Style, quote_end};
use super::{Assignment, numbered, skip_blanks, to_variable, trim_end};

const WORDS: Style = Style { has_comments: false, has_operators: false, quoted: Quoted::IsValue };

/// What the words of an instruction are.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Instruction {
    /// `NAME=value` pairs.
    Pairs,
    /// `ENV NAME value`.
    Single,
    /// A command line.
    Command,
    /// A JSON list.
    List,
    /// Nothing that sets variables.
    Other,
}

/// The assignments of a Dockerfile.
pub(super) fn scan(text: &Text) -> Vec<Assignment> {
    let mut out = Vec::new();
    let mut escape = '\\';
    let mut shell = Shell::default();
    let mut going_on = None;
    for (number, line) in numbered(text) {
        if shell.in_document() {
            shell.line(&line, number, 0, line.len(), &mut out);
            continue;
        }
        let start = skip_blanks(&line, 0);
        if let Some(comment) = line[start..].strip_prefix('#') {
            // A directive at the top; elsewhere it is a comment, which this is unlikely to be.
            if let Some((_, value)) = comment.split_once('=').filter(|(name, _)| name.trim() == "escape") {
                escape = value.trim().chars().next().unwrap_or('\\');
            }
            continue;
        }
        // Empty lines between lines that go on are passed over by Docker too.
        if start == line.len() {
            continue;
        }
        let (instruction, from) = match going_on {
            Some(instruction) => (instruction, start),
            None => {
                shell = Shell::default();
                begin(&line, start)
            }
        };
        let shown = line.trim_end();
        let is_continued = shown.ends_with(escape);
        let to = if is_continued { shown.len() - escape.len_utf8() } else { shown.len() };
        match instruction {
            Instruction::Pairs => {
                words::scan(&line, number, from, to, WORDS, &mut out);
            }
            Instruction::Single if !is_continued && going_on.is_none() => out.extend(single(&line, number, from, to)),
            Instruction::Command => shell.line(&line, number, from, to.max(from), &mut out),
            Instruction::List => list(&line, number, from, to, &mut out),
            Instruction::Single | Instruction::Other => {}
        }
        going_on = is_continued.then_some(instruction);
    }
    out
}

/// What an instruction is, and where its words begin.
fn begin(line: &str, start: usize) -> (Instruction, usize) {
    let first_word = |at: usize| line[at..].split([' ', '\t']).next().unwrap_or_default();
    let mut word = first_word(start);
    let mut from = skip_blanks(line, start + word.len());
    if word.eq_ignore_ascii_case("ONBUILD") {
        word = first_word(from);
        from = skip_blanks(line, from + word.len());
    }
    let words = &line[from..];
    let instruction = match word.to_ascii_uppercase().as_str() {
        "ENV" if words.split([' ', '\t']).next().is_some_and(|first| !first.contains('=')) => Instruction::Single,
        "ENV" | "ARG" => Instruction::Pairs,
        "RUN" | "CMD" | "ENTRYPOINT" | "HEALTHCHECK" => {
            // Options of the instruction itself, such as --mount=type=cache.
            while line[from..].starts_with("--") {
                from = skip_blanks(line, from + line[from..].find([' ', '\t']).unwrap_or(line.len() - from));
            }
            if line[from..].starts_with('[') { Instruction::List } else { Instruction::Command }
        }
        _ => Instruction::Other,
    };
    (instruction, from)
}

/// `NAME value with blanks`.
fn single(line: &str, number: u32, from: usize, to: usize) -> Option<Assignment> {
    let name = line.get(from..to)?.split([' ', '\t']).next()?;
    let start = skip_blanks(line, from + name.len());
    to_variable(number, (from, name), (start, trim_end(line, start, to)))
}

/// `"NAME=value"` among the texts of a JSON list.
fn list(line: &str, number: u32, from: usize, to: usize, out: &mut Vec<Assignment>) {
    let bytes = line.as_bytes();
    let mut at = from;
    while let Some(open) = line.get(at..to).and_then(|rest| rest.find('"')).map(|open| at + open) {
        let Some(close) = quote_end(bytes, open + 1, to, b'"') else { return };
        // Of a command in quotes only the first word is certain to be the value.
        let inner = &line[open + 1..close];
        let end = open + 1 + inner.find([' ', '\t']).unwrap_or(inner.len());
        if let Some((name, value)) = line[open + 1..end].split_once('=') {
            out.extend(to_variable(number, (open + 1, name), (end - value.len(), end)));
        }
        at = close + 1;
    }
}
