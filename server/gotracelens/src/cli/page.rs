//! Pages of the reference in a terminal: Markdown without its marks, wrapped.

use std::io::{self, Write};

use anstyle::Style;
use pulldown_cmark::{Event, Parser, Tag, TagEnd};

use super::terminal::{self, TITLE, VALUE};

/// Writes the text of a page.
pub(super) fn write(out: &mut impl Write, markdown: &str) -> io::Result<()> {
    let mut page =
        Page { out, words: Vec::new(), glued: false, style: Style::new(), items: Vec::new(), is_first: true };
    let mut code: Option<String> = None;
    for event in Parser::new(markdown) {
        match (event, &mut code) {
            (Event::Start(Tag::CodeBlock(_)), _) => code = Some(String::new()),
            (Event::Text(text), Some(code)) => code.push_str(&text),
            (Event::End(TagEnd::CodeBlock), code) => page.code(&code.take().unwrap_or_default())?,
            (event, _) => page.event(event)?,
        }
    }
    Ok(())
}

/// What is being written.
struct Page<'a, W> {
    out: &'a mut W,
    /// Words of the paragraph, each in pieces of different style.
    words: Vec<Vec<(Style, String)>>,
    /// Whether the next text goes on with the last word.
    glued: bool,
    style: Style,
    /// For each list that is open the number of its next item; none without numbers.
    items: Vec<Option<u64>>,
    is_first: bool,
}

impl<W: Write> Page<'_, W> {
    fn event(&mut self, event: Event<'_>) -> io::Result<()> {
        match event {
            Event::Start(Tag::Heading { .. } | Tag::Strong) => self.style = TITLE,
            Event::End(TagEnd::Strong) => self.style = Style::new(),
            Event::End(TagEnd::Heading(_)) => {
                self.style = Style::new();
                self.gap()?;
                self.flush("", "")?;
            }
            Event::End(TagEnd::Paragraph) if self.items.is_empty() => {
                self.gap()?;
                self.flush("", "")?;
            }
            Event::Start(Tag::List(first)) => {
                if self.items.is_empty() {
                    self.gap()?;
                } else {
                    self.item()?;
                }
                self.items.push(first);
            }
            Event::End(TagEnd::List(_)) => drop(self.items.pop()),
            Event::End(TagEnd::Item) => self.item()?,
            Event::Text(text) => self.styled(self.style, &text),
            Event::Code(text) => self.styled(VALUE, &text),
            Event::SoftBreak | Event::HardBreak => self.glued = false,
            _ => {}
        }
        Ok(())
    }

    /// Adds text to the paragraph.
    fn styled(&mut self, style: Style, text: &str) {
        let mut glued = self.glued && !text.starts_with(char::is_whitespace);
        for word in text.split_whitespace() {
            match self.words.last_mut() {
                Some(last) if glued => last.push((style, word.to_owned())),
                _ => self.words.push(vec![(style, word.to_owned())]),
            }
            glued = false;
        }
        self.glued = !text.ends_with(char::is_whitespace);
    }

    /// Writes what was collected of an item of a list; nothing when it was written already.
    fn item(&mut self) -> io::Result<()> {
        if self.words.is_empty() {
            return Ok(());
        }
        let indent = "  ".repeat(self.items.len().saturating_sub(1));
        let mark = match self.items.last_mut() {
            Some(Some(number)) => {
                let mark = format!("{number}. ");
                *number += 1;
                mark
            }
            _ => "- ".to_owned(),
        };
        let others = format!("{indent}{}", " ".repeat(mark.len()));
        self.flush(&format!("{indent}{mark}"), &others)
    }

    /// Writes the paragraph, wrapped.
    fn flush(&mut self, first: &str, others: &str) -> io::Result<()> {
        let width = terminal::text_width();
        let mut column = first.chars().count();
        write!(self.out, "{first}")?;
        for (index, word) in std::mem::take(&mut self.words).into_iter().enumerate() {
            let len: usize = word.iter().map(|(_, piece)| piece.chars().count()).sum();
            if index > 0 && column + 1 + len > width {
                write!(self.out, "\n{others}")?;
                column = others.chars().count();
            } else if index > 0 {
                write!(self.out, " ")?;
                column += 1;
            }
            for (style, piece) in word {
                write!(self.out, "{style}{piece}{style:#}")?;
            }
            column += len;
        }
        self.glued = false;
        writeln!(self.out)
    }

    /// Writes text that keeps its form. A line with a line of marks under it is broken where the terminal ends, so that
    /// each mark stays under what it marks.
    fn code(&mut self, text: &str) -> io::Result<()> {
        const INDENT: usize = 4;
        self.gap()?;
        let width = terminal::width().map_or(usize::MAX, |width| width.saturating_sub(INDENT));
        let lines: Vec<&str> = text.lines().collect();
        let mut at = 0;
        while let Some(line) = lines.get(at) {
            let marks = lines.get(at + 1).filter(|marks| is_marks(marks));
            match marks {
                Some(marks) => {
                    for (line, marks) in pieces(line, width).into_iter().zip(pieces_of(marks, line, width)) {
                        writeln!(self.out, "{:INDENT$}{VALUE}{line}{VALUE:#}", "")?;
                        if !marks.trim().is_empty() {
                            writeln!(self.out, "{:INDENT$}{TITLE}{}{TITLE:#}", "", marks.trim_end())?;
                        }
                    }
                    at += 2;
                }
                None => {
                    writeln!(self.out, "{:INDENT$}{VALUE}{line}{VALUE:#}", "")?;
                    at += 1;
                }
            }
        }
        Ok(())
    }

    /// An empty line before every block but the first.
    fn gap(&mut self) -> io::Result<()> {
        if std::mem::take(&mut self.is_first) { Ok(()) } else { writeln!(self.out) }
    }
}

fn is_marks(line: &str) -> bool {
    line.contains('^') && line.chars().all(|c| matches!(c, ' ' | '\t' | '^'))
}

fn pieces(line: &str, width: usize) -> Vec<String> {
    let chars: Vec<char> = line.chars().collect();
    chars.chunks(width.clamp(1, chars.len().max(1))).map(|piece| piece.iter().collect()).collect()
}

/// The marks under each piece of a line.
fn pieces_of(marks: &str, line: &str, width: usize) -> Vec<String> {
    pieces(&format!("{marks:n$}", n = line.chars().count()), width)
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;

    fn shown(markdown: &str) -> String {
        let mut out = Vec::new();
        write(&mut out, markdown).unwrap();
        String::from_utf8(anstream::adapter::strip_bytes(&out).into_vec()).unwrap()
    }

    #[test]
    fn pages_are_wrapped_and_keep_their_structure() {
        let shown = shown(
            "# GC1 slug\n\nOne **two**,\n`three four`.\n\n## Do\n\n1. First\n   more.\n2. Second.\n\n- a\n- b (c)\n\n\
             ```text\ngc 1  x\n      ^\n```\n\nSee [this](x).\n",
        );
        expect![[r#"
            GC1 slug

            One two, three four.

            Do

            1. First more.
            2. Second.

            - a
            - b (c)

                gc 1  x
                      ^

            See this.
        "#]]
        .assert_eq(&shown);
    }

    #[test]
    fn marks_stay_under_what_they_mark() {
        let line = "abcdefghij";
        assert_eq!(pieces(line, 4), ["abcd", "efgh", "ij"]);
        assert_eq!(pieces_of("     ^^^^", line, 4), ["    ", " ^^^", "^ "]);
        assert_eq!(pieces(line, usize::MAX), [line]);
        assert_eq!(pieces("", 4), [""; 0]);
    }
}
