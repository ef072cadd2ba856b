//! A cursor over bytes for recognizing prefixes: every step either advances or fails.

/// A position in some bytes.
#[derive(Clone, Copy)]
pub(super) struct Scanner<'a> {
    bytes: &'a [u8],
    /// Bytes passed.
    pub(super) at: usize,
}

impl<'a> Scanner<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    pub(super) fn rest(&self) -> &'a [u8] {
        &self.bytes[self.at..]
    }

    /// Exactly this text.
    pub(super) fn text(&mut self, text: &str) -> Option<()> {
        self.rest().starts_with(text.as_bytes()).then(|| self.at += text.len())
    }

    /// One of these bytes.
    pub(super) fn one_of(&mut self, bytes: &[u8]) -> Option<u8> {
        let byte = *self.rest().first()?;
        bytes.contains(&byte).then(|| self.at += 1)?;
        Some(byte)
    }

    /// As many bytes as fit, at least `min`.
    pub(super) fn many(&mut self, min: usize, fits: impl Fn(u8) -> bool) -> Option<&'a [u8]> {
        let rest = self.rest();
        let len = rest.iter().take_while(|byte| fits(**byte)).count();
        (len >= min).then(|| self.at += len)?;
        Some(&rest[..len])
    }

    /// Exactly `n` decimal digits.
    pub(super) fn digits(&mut self, n: usize) -> Option<()> {
        let rest = self.rest();
        let fits = rest.len() >= n && rest[..n].iter().all(u8::is_ascii_digit);
        fits.then(|| self.at += n)
    }

    /// A word: anything but blanks and tabs, at least one byte.
    pub(super) fn word(&mut self) -> Option<&'a [u8]> {
        self.many(1, |byte| byte != b' ' && byte != b'\t')
    }

    /// Tries a step and goes back if it fails.
    pub(super) fn maybe<T>(&mut self, step: impl FnOnce(&mut Self) -> Option<T>) -> Option<T> {
        let before = self.at;
        let result = step(self);
        if result.is_none() {
            self.at = before;
        }
        result
    }
}
