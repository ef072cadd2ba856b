//! The live text of a document: a rope, so that an edit costs little and a snapshot nothing.
//!
//! The only module that knows which rope is used. It knows nothing of what the text says.

use std::borrow::Cow;

use ropey::{LineType, Rope};

use crate::position::{Encoding, LineCol};

/// Lines end at LF only; see [`crate::position`].
const LINES: LineType = LineType::LF;

/// A text. Cloning is cheap and gives an independent snapshot.
#[derive(Clone, Default)]
pub struct Text {
    rope: Rope,
}

/// Which lines an edit replaced: old lines `first..first + old` became new lines `first..first + new`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Edited {
    /// First line that may have changed.
    pub first: u32,
    /// How many old lines were touched.
    pub old: u32,
    /// How many lines stand there now.
    pub new: u32,
}

/// The characters of one line in a client's units; see [`Text::characters`].
pub struct Characters<'a> {
    encoding: Encoding,
    text: Cow<'a, str>,
    /// Every byte is a character, or counts like one.
    is_plain: bool,
}

impl Characters<'_> {
    /// The character of a byte. A byte inside a character counts to its start, one past the end is the end.
    pub fn of(&self, byte: u32) -> u32 {
        let byte = Encoding::Utf8.byte(&self.text, byte);
        if self.is_plain { byte } else { self.encoding.units(&self.text[..byte as usize]) }
    }

    /// The character behind the last one of the line, without CRs at its end.
    pub fn end(&self) -> u32 {
        self.of(self.text.trim_end_matches('\r').len() as u32)
    }
}

impl Text {
    /// A text with this content.
    pub fn new(text: &str) -> Self {
        Self { rope: Rope::from_str(text) }
    }

    /// Number of lines: one more than there are LFs, so a text that ends in LF ends with an empty line.
    pub fn n_lines(&self) -> u32 {
        self.rope.len_lines(LINES) as u32
    }

    /// Bytes of UTF-8.
    pub fn n_bytes(&self) -> usize {
        self.rope.len()
    }

    /// A line without its LF and without the CRs directly before it; empty when there is no such line.
    pub fn line(&self, line: u32) -> Cow<'_, str> {
        let mut text = self.raw_line(line);
        let keep = text.trim_end_matches('\r').len();
        match &mut text {
            Cow::Borrowed(part) => *part = &part[..keep],
            Cow::Owned(owned) => owned.truncate(keep),
        }
        text
    }

    /// A line without its LF, with the CRs before it.
    fn raw_line(&self, line: u32) -> Cow<'_, str> {
        if line >= self.n_lines() {
            return Cow::Borrowed("");
        }
        let slice = self.rope.line(line as usize, LINES);
        let mut text = Cow::from(slice);
        if text.ends_with('\n') {
            match &mut text {
                Cow::Borrowed(part) => *part = &part[..part.len() - 1],
                Cow::Owned(owned) => owned.truncate(owned.len() - 1),
            }
        }
        text
    }

    /// The bytes of lines `first..last` with their line ends, appended to `buffer`.
    pub fn copy_lines(&self, first: u32, last: u32, buffer: &mut Vec<u8>) {
        let (from, to) = (self.line_start(first), self.line_start(last));
        for chunk in self.rope.slice(from..to).chunks() {
            buffer.extend_from_slice(chunk.as_bytes());
        }
    }

    /// The first byte of a line, or the length of the text past the last line.
    pub fn line_start(&self, line: u32) -> usize {
        if line >= self.n_lines() { self.rope.len() } else { self.rope.line_to_byte_idx(line as usize, LINES) }
    }

    /// The place a protocol position means. Never fails: it is clamped to the text and to a character border.
    ///
    /// A count past the end of a line that ends in CR LF goes before the CRs, since editors that count so see no CR.
    pub fn place(&self, encoding: Encoding, line: u32, character: u32) -> LineCol {
        let last = self.n_lines() - 1;
        if line > last {
            return LineCol { line: last, byte: self.raw_line(last).len() as u32 };
        }
        let text = self.raw_line(line);
        if character > encoding.units(&text) && line < last {
            return LineCol { line, byte: text.trim_end_matches('\r').len() as u32 };
        }
        LineCol { line, byte: encoding.byte(&text, character) }
    }

    /// The character of a place, in the client's units. A byte inside a character counts to its start.
    pub fn character(&self, encoding: Encoding, at: LineCol) -> u32 {
        self.characters(encoding, at.line).of(at.byte)
    }

    /// The characters of a line, for those who ask about many of its places: the line is looked up once.
    pub fn characters(&self, encoding: Encoding, line: u32) -> Characters<'_> {
        let text = self.raw_line(line);
        Characters { encoding, is_plain: encoding == Encoding::Utf8 || text.is_ascii(), text }
    }

    /// Replaces the text between two places. A range whose ends are swapped is taken the right way round.
    pub fn replace(&mut self, a: LineCol, b: LineCol, new: &str) -> Edited {
        let (start, end) = if a <= b { (a, b) } else { (b, a) };
        let from = self.line_start(start.line) + start.byte as usize;
        let to = (self.line_start(end.line) + end.byte as usize).max(from);
        if self.rope.try_remove(from..to).is_err() || self.rope.try_insert(from, new).is_err() {
            debug_assert!(false, "places are clamped to character borders before an edit");
        }
        Edited {
            first: start.line,
            old: end.line - start.line + 1,
            new: memchr::memchr_iter(b'\n', new.as_bytes()).count() as u32 + 1,
        }
    }

    /// Replaces everything. Lines the old and the new text begin with are kept, so a log that was read again
    /// because it grew counts as an append.
    pub fn replace_all(&mut self, new: &str) -> Edited {
        let kept = self.common_prefix(new);
        let first = memchr::memchr_iter(b'\n', &new.as_bytes()[..kept]).count() as u32;
        let line_start = self.line_start(first);
        let old = self.n_lines() - first;
        self.rope.remove(line_start..);
        self.rope.insert(line_start, &new[line_start..]);
        Edited { first, old, new: self.n_lines() - first }
    }

    /// How many bytes at the start of `new` stand in the text already, cut at a character border.
    fn common_prefix(&self, new: &str) -> usize {
        let mut passed = 0;
        for chunk in self.rope.chunks() {
            let rest = &new.as_bytes()[passed..];
            let same = chunk.as_bytes().iter().zip(rest).take_while(|(a, b)| a == b).count();
            passed += same;
            if same < chunk.len() {
                break;
            }
        }
        while !new.is_char_boundary(passed) {
            passed -= 1;
        }
        passed
    }
}

impl std::fmt::Display for Text {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.rope.chunks().try_for_each(|chunk| f.write_str(chunk))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(line: u32, byte: u32) -> LineCol {
        LineCol { line, byte }
    }

    #[test]
    fn only_lf_ends_a_line() {
        let text = Text::new("a\rb\u{2028}c\u{c}d\r\r\ne\r");
        assert_eq!(text.n_lines(), 2);
        assert_eq!(text.line(0), "a\rb\u{2028}c\u{c}d");
        assert_eq!(text.line(1), "e");
    }

    #[test]
    fn a_character_past_the_end_of_a_crlf_line_goes_before_the_cr() {
        let text = Text::new("ab\r\ncd");
        assert_eq!(text.place(Encoding::Utf16, 0, 99), at(0, 2));
        assert_eq!(text.place(Encoding::Utf16, 0, 3), at(0, 3));
        assert_eq!(text.place(Encoding::Utf16, 9, 9), at(1, 2));
    }

    #[test]
    fn a_swapped_range_is_an_edit_all_the_same() {
        let mut text = Text::new("one\ntwo\nthree\n");
        let edited = text.replace(at(2, 1), at(0, 1), "X\nY");
        assert_eq!(text.to_string(), "oX\nYhree\n");
        assert_eq!(edited, Edited { first: 0, old: 3, new: 2 });
    }

    #[test]
    fn reading_a_grown_log_again_is_an_append() {
        let mut text = Text::new("gc 1\ngc 2\n");
        let edited = text.replace_all("gc 1\ngc 2\ngc 3\n");
        assert_eq!(edited, Edited { first: 2, old: 1, new: 2 });
        assert_eq!(text.to_string(), "gc 1\ngc 2\ngc 3\n");
    }

    #[test]
    fn a_common_prefix_that_ends_inside_a_character_is_cut_before_it() {
        let mut text = Text::new("x\né");
        text.replace_all("x\nè");
        assert_eq!(text.to_string(), "x\nè");
    }
}
