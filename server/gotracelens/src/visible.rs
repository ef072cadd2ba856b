//! Text of logs, made safe to show: what a terminal would obey or a reader could not see is spelled out.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::ops::Range;

/// Whether a character is a control character, changes the direction of text, or cannot be seen.
///
/// The general categories Cc, Cf, Zl and Zp of Unicode 16, and the characters it lists as default ignorable.
pub(crate) const fn is_hidden(character: char) -> bool {
    matches!(
        character,
        '\0'..='\u{1f}'
            | '\u{7f}'..='\u{9f}'
            | '\u{ad}'
            | '\u{34f}'
            | '\u{600}'..='\u{605}'
            | '\u{61c}'
            | '\u{6dd}'
            | '\u{70f}'
            | '\u{890}'..='\u{891}'
            | '\u{8e2}'
            | '\u{115f}'..='\u{1160}'
            | '\u{17b4}'..='\u{17b5}'
            | '\u{180b}'..='\u{180f}'
            | '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{3164}'
            | '\u{fe00}'..='\u{fe0f}'
            | '\u{feff}'
            | '\u{ffa0}'
            | '\u{fff0}'..='\u{fffb}'
            | '\u{110bd}'
            | '\u{110cd}'
            | '\u{13430}'..='\u{1343f}'
            | '\u{1bca0}'..='\u{1bca3}'
            | '\u{1d173}'..='\u{1d17a}'
            | '\u{e0000}'..='\u{e0fff}'
    )
}

/// The text with every hidden character spelled out: `\t`, `\r`, `\n`, else `\u{1b}`.
pub(crate) fn visible(text: &str) -> Cow<'_, str> {
    if !text.contains(is_hidden) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 16);
    for character in text.chars() {
        match character {
            '\t' => shown.push_str("\\t"),
            '\r' => shown.push_str("\\r"),
            '\n' => shown.push_str("\\n"),
            hidden if is_hidden(hidden) => {
                let written = write!(shown, "\\u{{{:x}}}", u32::from(hidden));
                debug_assert!(written.is_ok(), "writing to a string does not fail");
            }
            plain => shown.push(plain),
        }
    }
    Cow::Owned(shown)
}

/// A line made visible, and where a range of its bytes stands then. The range is clamped to character borders.
pub(crate) fn visible_range(line: &str, range: Range<usize>) -> (String, Range<usize>) {
    let start = line.floor_char_boundary(range.start);
    let end = line.ceil_char_boundary(range.end).max(start);
    let mut shown = visible(&line[..start]).into_owned();
    let shown_start = shown.len();
    shown.push_str(&visible(&line[start..end]));
    let shown_end = shown.len();
    shown.push_str(&visible(&line[end..]));
    (shown, shown_start..shown_end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spells_out_what_terminals_obey_and_readers_cannot_see() {
        for (text, shown) in [
            ("gc 1 \u{1b}[31mred\u{7}", "gc 1 \\u{1b}[31mred\\u{7}"),
            ("a\tb\rc\nd", "a\\tb\\rc\\nd"),
            ("\u{9b}2J \u{85}", "\\u{9b}2J \\u{85}"),
            ("\u{202e}evil\u{2066}", "\\u{202e}evil\\u{2066}"),
            ("a\u{200b}b\u{feff}\u{e0041}", "a\\u{200b}b\\u{feff}\\u{e0041}"),
            ("\u{2028}\u{2029}", "\\u{2028}\\u{2029}"),
        ] {
            assert_eq!(visible(text), shown);
        }
    }

    #[test]
    fn leaves_what_can_be_seen() {
        let text = "żółw 漢字 😀 é → ~!\u{a0}";
        assert!(matches!(visible(text), Cow::Borrowed(same) if same == text));
    }

    #[test]
    fn a_range_moves_with_the_text_around_it() {
        let line = "\u{1b}[1mgc\u{0} 7\u{1b}";
        let (shown, range) = visible_range(line, 4..7);
        assert_eq!(shown, "\\u{1b}[1mgc\\u{0} 7\\u{1b}");
        assert_eq!(&shown[range], "gc\\u{0}");
    }

    #[test]
    fn a_range_beyond_the_line_or_inside_a_character_is_clamped() {
        let (shown, range) = visible_range("é7", 1..99);
        assert_eq!((shown.as_str(), range), ("é7", 0..3));
        let (_, range) = visible_range("ab", 9..12);
        assert_eq!(range, 2..2);
    }
}
