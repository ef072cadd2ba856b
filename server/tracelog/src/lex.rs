//! The alphabet of trace lines: few kinds of token, for one line at a time.
//!
//! What a word means is decided by templates, not here. Every byte belongs to exactly one token.

use logos::Logos;

/// A kind of token.
#[derive(Logos, Clone, Copy, Debug, PartialEq, Eq)]
#[logos(utf8 = false)]
pub enum Token {
    /// Decimal digits.
    #[regex(b"[0-9]+")]
    Int,
    /// Digits, a point, digits.
    #[regex(b"[0-9]+\\.[0-9]+")]
    Float,
    /// `0x` and lower-case hexadecimal digits.
    #[regex(b"0x[0-9a-f]+")]
    Hex,
    /// ASCII letters.
    #[regex(b"[A-Za-z_]+")]
    Word,
    /// One or more blanks.
    #[regex(b" +")]
    Blank,
    /// Any other ASCII character.
    #[regex(b"[\\x00-\\x1f!-/:-@\\[-^`{-\\x7f]")]
    Punct,
    /// Bytes of characters beyond ASCII, or of no character at all.
    #[regex(b"[\\x80-\\xff]+")]
    Other,
}

/// The tokens of a piece of a line, each with its bytes.
pub fn tokens(bytes: &[u8]) -> impl Iterator<Item = (Token, &[u8])> {
    let mut lexer = Token::lexer(bytes);
    std::iter::from_fn(move || {
        let token = lexer.next()?;
        // The alphabet is total, so an error cannot occur; were one to, its bytes would still be kept.
        Some((token.unwrap_or(Token::Other), lexer.slice()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_gctrace_head_falls_into_words_and_numbers() {
        let kinds: Vec<_> = tokens(b"gc7(2): 0x1f 0.13+").map(|(token, _)| token).collect();
        use Token::*;
        assert_eq!(kinds, [Word, Int, Punct, Int, Punct, Punct, Blank, Hex, Blank, Float, Punct]);
    }

    proptest! {
        #[test]
        fn every_byte_belongs_to_a_token(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            let joined: Vec<u8> = tokens(&bytes).flat_map(|(_, text)| text.iter().copied()).collect();
            prop_assert_eq!(joined, bytes);
        }
    }
}
