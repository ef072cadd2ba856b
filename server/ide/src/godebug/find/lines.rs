//! Files of `NAME=value` lines: `.env` files and makefiles.

use tracelog::Text;

use super::shell::Shell;
use super::words::quote_end;
use super::{Assignment, numbered, skip_blanks, to_variable, trim_end};

/// The assignments of a `.env` file.
pub(super) fn dotenv(text: &Text) -> Vec<Assignment> {
    let mut out = Vec::new();
    // A quote may go on over lines.
    let mut open = None;
    for (number, line) in numbered(text) {
        let bytes = line.as_bytes();
        if let Some(quote) = open {
            if quote_end(bytes, 0, bytes.len(), quote).is_some() {
                open = None;
            }
            continue;
        }
        out.extend(dotenv_line(&line, number, 0, line.len()));
        let value = line.split_once('=').map_or("", |(_, value)| value.trim_start());
        if let Some(quote @ (b'"' | b'\'' | b'`')) = value.bytes().next()
            && !line.trim_start().starts_with('#')
            && quote_end(value.as_bytes(), 1, value.len(), quote).is_none()
        {
            open = Some(quote);
        }
    }
    out
}

/// `NAME=value` or `export NAME=value`; quotes around the value are taken off, a comment behind it too.
pub(super) fn dotenv_line(line: &str, number: u32, from: usize, to: usize) -> Option<Assignment> {
    let mut start = skip_blanks(line, from);
    let text = line.get(start..to)?;
    if let Some(rest) = text.strip_prefix("export").filter(|rest| rest.starts_with([' ', '\t'])) {
        start = skip_blanks(line, to - rest.len());
    }
    let equals = start + line.get(start..to)?.find('=')?;
    let name = &line[start..trim_end(line, start, equals)];
    let begin = skip_blanks(line, equals + 1).min(to);
    let value = &line[begin..to];
    let region = match value.bytes().next() {
        Some(quote @ (b'"' | b'\'' | b'`')) => {
            let end = quote_end(value.as_bytes(), 1, value.len(), quote)?;
            (begin + 1, begin + end)
        }
        Some(b'#') => (equals + 1, equals + 1),
        _ => {
            let end = value.find(" #").map_or(to, |at| begin + at);
            (begin, trim_end(line, begin, end))
        }
    };
    to_variable(number, (start, name), region)
}

/// The assignments of a makefile: its variables, those of single targets, and the shell lines of recipes.
pub(super) fn makefile(text: &Text) -> Vec<Assignment> {
    let mut out = Vec::new();
    let mut recipe = Shell::default();
    let mut is_continued = false;
    for (number, line) in numbered(text) {
        let was_continued = is_continued;
        is_continued = ends_with_backslash(&line);
        if line.starts_with('\t') {
            if !was_continued {
                recipe = Shell::default();
            }
            let from = line.len() - line.trim_start_matches(['\t', ' ', '@', '-', '+']).len();
            let to = if is_continued { line.len() - 1 } else { line.len() };
            recipe.line(&line, number, from, to, &mut out);
            continue;
        }
        // What a line that goes on will be is not known here.
        if !was_continued && !is_continued {
            out.extend(make_variable(&line, number));
        }
    }
    out
}

/// Whether the line goes on: an odd number of backslashes at its end.
fn ends_with_backslash(line: &str) -> bool {
    (line.len() - line.trim_end_matches('\\').len()) % 2 == 1
}

/// `NAME := value`, `export NAME = value`, `target: NAME = value`.
fn make_variable(line: &str, number: u32) -> Option<Assignment> {
    let comment = line.match_indices('#').map(|(at, _)| at).find(|at| !line[..*at].ends_with('\\'));
    let end = comment.unwrap_or(line.len());
    let equals = line[..end].find('=')?;
    // `!=` takes the output of a command.
    let left = line[..equals].trim_end_matches(['?', '+', ':']);
    if left.ends_with('!') {
        return None;
    }
    let start = left.find(':').map_or(0, |colon| colon + 1);
    let words = left.get(start..)?;
    let name = words.split_whitespace().last()?;
    let at = start + words.rfind(name)?;
    let is_plain = words.split_whitespace().rev().skip(1).all(|word| matches!(word, "export" | "override" | "private"));
    if !is_plain {
        return None;
    }
    let begin = skip_blanks(line, equals + 1).min(end);
    to_variable(number, (at, name), (begin, trim_end(line, begin, end)))
}
