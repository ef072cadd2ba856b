//! Eight bytes of a line as one integer, so that short literals and numbers are read without a branch for every byte.
//!
//! The first byte of the text is the lowest byte of the word; past the end of the text there are zeros, which are
//! neither digits nor part of any literal.

/// The first eight bytes of a text.
#[derive(Clone, Copy)]
pub(crate) struct Word(u64);

/// The same byte eight times.
const fn each(byte: u8) -> u64 {
    u64::from_le_bytes([byte; 8])
}

impl Word {
    /// The first bytes of `text`.
    #[inline(always)]
    pub(crate) fn of(text: &[u8]) -> Self {
        Self(match text.first_chunk::<8>() {
            Some(bytes) => u64::from_le_bytes(*bytes),
            None => text.iter().rev().fold(0, |word, byte| word << 8 | u64::from(*byte)),
        })
    }

    /// The byte at an index below eight.
    #[inline(always)]
    pub(crate) fn byte(self, index: usize) -> u8 {
        (self.0 >> (8 * index)) as u8
    }

    /// The word of the text that begins `n` bytes later, ending in zeros; `n` is below eight.
    #[inline(always)]
    pub(crate) fn skip(self, n: usize) -> Self {
        Self(self.0 >> (8 * n))
    }

    /// The word without one of its bytes.
    #[inline(always)]
    pub(crate) fn without(self, index: usize) -> Self {
        let before = (1 << (8 * index)) - 1;
        Self(self.0 & before | self.0 >> 8 & !before)
    }

    /// Number of decimal digits at the start.
    #[inline(always)]
    pub(crate) fn n_digits(self) -> usize {
        let digits = self.0 ^ each(b'0');
        // The high bit of every byte above 9. A carry can only reach bytes behind the first of them.
        let others = (digits.wrapping_add(each(0x7f - 9)) | digits) & each(0x80);
        others.trailing_zeros() as usize / 8
    }

    /// Number of zeros (the digit) at the start.
    #[inline(always)]
    pub(crate) fn n_zeros(self) -> usize {
        (self.0 ^ each(b'0')).trailing_zeros() as usize / 8
    }

    /// The number that the first two bytes spell, which are digits.
    #[inline(always)]
    pub(crate) fn two_digits(self) -> u64 {
        let digits = self.0 ^ each(b'0');
        (digits & 0xff) * 10 + (digits >> 8 & 0xff)
    }

    /// The number that the first `n` bytes spell, which are digits; `n` is 1 to 8.
    #[inline(always)]
    pub(crate) fn decimal(self, n: usize) -> u64 {
        // With the last digit in the highest byte, neighbors are joined three times: to pairs, fours and eight.
        let digits = (self.0 ^ each(b'0')) << (64 - 8 * n);
        let pairs = (digits * 10 + (digits >> 8)) & 0x00ff_00ff_00ff_00ff;
        let fours = (pairs * 100 + (pairs >> 16)) & 0x0000_ffff_0000_ffff;
        (fours * 10_000 + (fours >> 32)) & 0xffff_ffff
    }
}

/// Up to eight bytes that a text must have.
#[derive(Clone, Copy)]
pub(crate) struct Expected {
    word: u64,
    mask: u64,
    /// Number of bytes.
    pub(crate) len: usize,
}

impl Expected {
    /// Expects these bytes, of which there are 1 to 8 and none is zero.
    pub(crate) fn new(text: &[u8]) -> Self {
        debug_assert!(matches!(text.len(), 1..=8) && !text.contains(&0), "a literal comes in eights and has no zeros");
        Self { word: Word::of(text).0, mask: u64::MAX >> (64 - 8 * text.len()), len: text.len() }
    }

    /// Expects nothing, so that every text begins with it.
    pub(crate) const NOTHING: Self = Self { word: 0, mask: 0, len: 0 };

    /// Whether a text begins with them.
    #[inline(always)]
    pub(crate) fn begins(self, text: &[u8]) -> bool {
        (Word::of(text).0 ^ self.word) & self.mask == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn digits_are_counted_and_read(text in prop_oneof!["[0-9]{0,9}[ -~]{0,9}", "\\PC{0,9}"]) {
            let word = Word::of(text.as_bytes());
            let n = text.bytes().take(8).take_while(u8::is_ascii_digit).count();
            prop_assert_eq!(word.n_digits(), n);
            prop_assert_eq!(word.n_zeros(), text.bytes().take(8).take_while(|byte| *byte == b'0').count());
            if n >= 2 {
                prop_assert_eq!(word.two_digits(), text[..2].parse::<u64>().unwrap());
            }
            if n > 0 {
                prop_assert_eq!(word.decimal(n), text[..n].parse::<u64>().unwrap());
            }
        }

        #[test]
        fn expects_exactly_the_first_bytes(literal in "[ -~]{1,8}", text in "[ -~]{0,12}") {
            let expected = Expected::new(literal.as_bytes());
            let joined = format!("{literal}{text}");
            prop_assert!(expected.begins(joined.as_bytes()));
            prop_assert_eq!(expected.begins(text.as_bytes()), text.starts_with(&literal));
        }

        #[test]
        fn a_byte_is_left_out(bytes in any::<[u8; 8]>(), index in 0_usize..8) {
            let mut expected = bytes.to_vec();
            expected.remove(index);
            let word = Word::of(&bytes).without(index);
            let left: Vec<u8> = (0..7).map(|index| word.byte(index)).collect();
            prop_assert_eq!(left, expected);
        }
    }
}
