//! Texts of a chunk: every text is stored once, and columns hold its number.

use std::hash::BuildHasher;

use hashbrown::HashTable;
use rustc_hash::FxBuildHasher;

/// Texts by number.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Texts {
    bytes: Vec<u8>,
    ends: Vec<u32>,
}

impl Texts {
    /// The text with this number.
    pub fn get(&self, number: u64) -> &[u8] {
        let at = number as usize;
        let end = self.ends.get(at).copied().unwrap_or(0) as usize;
        let start = if at == 0 { 0 } else { self.ends.get(at - 1).copied().unwrap_or(0) as usize };
        self.bytes.get(start..end).unwrap_or_default()
    }

    /// Gives back memory kept for further texts.
    pub(crate) fn shrink(&mut self) {
        self.bytes.shrink_to_fit();
        self.ends.shrink_to_fit();
    }

    /// Bytes of heap memory held.
    pub(crate) fn n_bytes(&self) -> usize {
        self.bytes.capacity() + self.ends.capacity() * 4
    }
}

/// Finds the number of a text, for as long as texts are added.
#[derive(Default)]
pub(crate) struct Numbers {
    table: HashTable<u32>,
}

impl Numbers {
    /// The numbers of these texts.
    pub(crate) fn of(texts: &Texts) -> Self {
        let mut numbers = Self::default();
        for number in 0..texts.ends.len() as u32 {
            let hash = hash(texts.get(u64::from(number)));
            numbers.table.insert_unique(hash, number, |other| self::hash(texts.get(u64::from(*other))));
        }
        numbers
    }

    /// Forgets all texts, keeping the memory.
    pub(crate) fn clear(&mut self) {
        self.table.clear();
    }

    /// The number of a text, which is added if it is new.
    pub(crate) fn number(&mut self, text: &[u8], texts: &mut Texts) -> u64 {
        let hash = hash(text);
        if let Some(number) = self.table.find(hash, |number| texts.get(u64::from(*number)) == text) {
            return u64::from(*number);
        }
        let number = texts.ends.len() as u32;
        texts.bytes.extend_from_slice(text);
        texts.ends.push(texts.bytes.len() as u32);
        self.table.insert_unique(hash, number, |other| self::hash(texts.get(u64::from(*other))));
        u64::from(number)
    }
}

fn hash(text: &[u8]) -> u64 {
    FxBuildHasher.hash_one(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_stored_once_and_found_again_after_more_are_added_later() {
        let mut texts = Texts::default();
        let mut numbers = Numbers::default();
        let words = ["select", "chan receive", "", "select", "sleep", ""];
        let first: Vec<u64> = words.iter().map(|word| numbers.number(word.as_bytes(), &mut texts)).collect();
        assert_eq!(first, [0, 1, 2, 0, 3, 2]);
        let mut numbers = Numbers::of(&texts);
        assert_eq!(numbers.number(b"sleep", &mut texts), 3);
        assert_eq!(numbers.number(b"IO wait", &mut texts), 4);
        for (number, word) in first.iter().zip(words) {
            assert_eq!(texts.get(*number), word.as_bytes());
        }
    }
}
