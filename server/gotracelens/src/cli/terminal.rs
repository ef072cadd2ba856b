//! What human output looks like: colors, width and wrapped paragraphs.

use std::io::{self, BufWriter, StdoutLock, Write};

use anstream::AutoStream;
use anstyle::{AnsiColor, Style};
use ide::rules::Severity;

/// Names and headings.
pub(super) const TITLE: Style = Style::new().bold();
/// Values of a log.
pub(super) const VALUE: Style = AnsiColor::Cyan.on_default();
/// Ids and other things to look up.
pub(super) const ID: Style = AnsiColor::BrightBlack.on_default();
/// The word before a problem.
pub(super) const ERROR: Style = AnsiColor::BrightRed.on_default().bold();

/// The word before what is no problem.
pub(super) const NOTE: Style = AnsiColor::BrightBlue.on_default().bold();

/// The color of a level.
pub(super) const fn style_of(severity: Severity) -> Style {
    match severity {
        Severity::Error => ERROR,
        Severity::Warning => AnsiColor::Yellow.on_default().bold(),
        Severity::Info => AnsiColor::BrightBlue.on_default().bold(),
        Severity::Hint => AnsiColor::BrightGreen.on_default().bold(),
    }
}

/// Width where none is known, and the widest that text is made: longer lines are hard to read.
const TEXT_WIDTH: usize = 100;

/// Standard output for people: styles are removed where they are not wanted.
pub(super) fn stdout() -> BufWriter<AutoStream<StdoutLock<'static>>> {
    BufWriter::new(anstream::stdout().lock())
}

/// Columns of the terminal on standard output, if there is one.
pub(super) fn width() -> Option<usize> {
    terminal_size::terminal_size().map(|(width, _)| usize::from(width.0)).filter(|width| *width > 20)
}

/// Columns that text may take.
pub(super) fn text_width() -> usize {
    width().unwrap_or(TEXT_WIDTH).min(TEXT_WIDTH)
}

/// Writes a paragraph, indented and wrapped at blanks; nothing for an empty one.
pub(super) fn paragraph(out: &mut impl Write, indent: usize, text: &str) -> io::Result<()> {
    for line in wrap(text, text_width().saturating_sub(indent)) {
        writeln!(out, "{:indent$}{line}", "")?;
    }
    Ok(())
}

/// Lines of at most `width` characters. A longer word has a line of its own.
fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wraps_at_blanks_and_leaves_long_words_whole() {
        assert_eq!(wrap("one two  three", 7), ["one two", "three"]);
        assert_eq!(wrap("a abcdefghij b", 5), ["a", "abcdefghij", "b"]);
        assert_eq!(wrap("é é é", 3), ["é é", "é"]);
        assert_eq!(wrap(" ", 3), [""; 0]);
    }
}
