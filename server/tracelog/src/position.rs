//! Places in a text, and the only conversion between them and what protocols count.
//!
//! Notations:
//! - [`LineCol`]: line from 0, **bytes** of UTF-8 from the start of the line. Used everywhere inside.
//! - [`Loc`]: a range inside one line, in the same unit. Every answer of `ide` is made of these.
//! - protocol position: line from 0, *character* in units of an [`Encoding`]. Exists only at the edge.
//!
//! A line ends only at LF. CRs directly before the LF are not part of the line; a CR anywhere else is.

/// A point: line and byte inside that line, both from 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LineCol {
    /// Line, from 0.
    pub line: u32,
    /// Bytes of UTF-8 from the start of the line.
    pub byte: u32,
}

/// A range of bytes inside one line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Loc {
    /// Line, from 0.
    pub line: u32,
    /// First byte.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
}

impl Loc {
    /// The range `start..end` of a line.
    pub const fn new(line: u32, start: u32, end: u32) -> Self {
        Self { line, start, end }
    }

    /// Whether the byte lies in the range or touches its end.
    pub const fn touches(&self, at: LineCol) -> bool {
        self.line == at.line && self.start <= at.byte && at.byte <= self.end
    }
}

/// The unit in which a client counts characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Encoding {
    /// Bytes.
    Utf8,
    /// UTF-16 code units, the protocol's default.
    Utf16,
    /// Unicode scalar values.
    Utf32,
}

impl Encoding {
    /// How many units the text takes.
    pub fn units(self, text: &str) -> u32 {
        let n = match self {
            Self::Utf8 => text.len(),
            _ if text.is_ascii() => text.len(),
            Self::Utf16 => text.chars().map(char::len_utf16).sum(),
            Self::Utf32 => text.chars().count(),
        };
        n as u32
    }

    /// The byte of a line at which `units` units have passed.
    ///
    /// Never fails: a count past the end gives the end, a count inside a character gives the start of that character.
    pub fn byte(self, line: &str, units: u32) -> u32 {
        let wanted = units as usize;
        if self == Self::Utf8 || line.is_ascii() {
            let mut byte = wanted.min(line.len());
            while !line.is_char_boundary(byte) {
                byte -= 1;
            }
            return byte as u32;
        }
        let mut passed = 0;
        for (byte, character) in line.char_indices() {
            passed += if self == Self::Utf16 { character.len_utf16() } else { 1 };
            if passed > wanted {
                return byte as u32;
            }
        }
        line.len() as u32
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn counts_astral_characters_in_each_unit() {
        let line = "a😀∆b";
        let counts = [Encoding::Utf8, Encoding::Utf16, Encoding::Utf32].map(|encoding| encoding.units(line));
        assert_eq!(counts, [9, 5, 4]);
    }

    #[test]
    fn a_position_inside_a_character_goes_to_its_start() {
        assert_eq!(Encoding::Utf16.byte("😀x", 1), 0);
        assert_eq!(Encoding::Utf8.byte("😀x", 2), 0);
    }

    #[test]
    fn a_position_past_the_end_goes_to_the_end() {
        assert_eq!(Encoding::Utf16.byte("∆", 9), 3);
        assert_eq!(Encoding::Utf32.byte("", u32::MAX), 0);
    }

    proptest! {
        #[test]
        fn round_trips_at_every_character_border(line in "\\PC{0,40}") {
            for encoding in [Encoding::Utf8, Encoding::Utf16, Encoding::Utf32] {
                for (byte, _) in line.char_indices().chain([(line.len(), ' ')]) {
                    let units = encoding.units(&line[..byte]);
                    prop_assert_eq!(encoding.byte(&line, units), byte as u32);
                }
            }
        }
    }
}
