//! JSON as all verbs write it: compact, exact, and safe to show or embed.

use std::io::{self, Write};

use serde::Serialize;
use serde_json::ser::{Formatter, Serializer};

use super::visible::is_hidden;

/// Writes a value as one line of JSON.
///
/// Beyond what JSON demands, `<` and all hidden characters are escaped: a log cannot steer a terminal, reverse the
/// direction of text, end a line in JavaScript or close a script element through this output.
pub(super) fn write_line(value: &impl Serialize, out: &mut impl Write) -> io::Result<()> {
    value.serialize(&mut Serializer::with_formatter(&mut *out, Inert))?;
    out.write_all(b"\n")
}

struct Inert;

impl Formatter for Inert {
    fn write_string_fragment<W: ?Sized + Write>(&mut self, writer: &mut W, fragment: &str) -> io::Result<()> {
        if fragment.bytes().all(|byte| matches!(byte, 0x20..=0x7e) && byte != b'<') {
            return writer.write_all(fragment.as_bytes());
        }
        let mut written = 0;
        for (at, character) in
            fragment.char_indices().filter(|(_, character)| *character == '<' || is_hidden(*character))
        {
            writer.write_all(&fragment.as_bytes()[written..at])?;
            for unit in character.encode_utf16(&mut [0; 2]) {
                write!(writer, "\\u{unit:04x}")?;
            }
            written = at + character.len_utf8();
        }
        writer.write_all(&fragment.as_bytes()[written..])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hidden_characters_are_escaped_and_come_back() {
        let text = "a\u{1b}[0m\u{9b}\u{2028}\u{2029}</script>\u{202e}é😀\u{e0041}\"\\\u{7f}";
        let mut out = Vec::new();
        write_line(&text, &mut out).unwrap();
        let out = String::from_utf8(out).unwrap();
        assert_eq!(out, "\"a\\u001b[0m\\u009b\\u2028\\u2029\\u003c/script>\\u202eé😀\\udb40\\udc41\\\"\\\\\\u007f\"\n");
        assert_eq!(serde_json::from_str::<String>(&out).unwrap(), text);
    }
}
