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

/// `15:04:05` with an optional fraction after a point or a comma.
pub(super) fn clock(scan: &mut Scanner<'_>) -> Option<()> {
    scan.digits(2)?;
    scan.text(":")?;
    scan.digits(2)?;
    scan.text(":")?;
    scan.digits(2)?;
    fraction(scan);
    Some(())
}

fn fraction(scan: &mut Scanner<'_>) {
    scan.maybe(|scan| {
        scan.one_of(b".,")?;
        scan.many(1, |byte| byte.is_ascii_digit())
    });
}

/// `2006-01-02T15:04:05` or with a blank for the `T`, with an optional fraction and zone.
pub(super) fn iso(scan: &mut Scanner<'_>) -> Option<()> {
    scan.digits(4)?;
    scan.text("-")?;
    scan.digits(2)?;
    scan.text("-")?;
    scan.digits(2)?;
    scan.one_of(b"T ")?;
    clock(scan)?;
    scan.maybe(|scan| {
        if scan.text("Z").is_some() {
            return Some(());
        }
        scan.one_of(b"+-")?;
        scan.digits(2)?;
        scan.text(":");
        scan.digits(2)
    });
    Some(())
}

/// `Jan _2 15:04:05`, with an optional fraction.
pub(super) fn stamp(scan: &mut Scanner<'_>) -> Option<()> {
    const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    // Most lines begin otherwise, and this is asked of all of them.
    scan.rest().first().filter(|first| first.is_ascii_uppercase())?;
    MONTHS.iter().find_map(|month| scan.text(month))?;
    scan.text(" ")?;
    if scan.text(" ").is_some() {
        scan.digits(1)?
    } else {
        scan.many(1, |byte| byte.is_ascii_digit()).map(|_| ())?
    }
    scan.text(" ")?;
    clock(scan)
}

/// Seconds since 1970 with a fraction, as `ts %.s` writes them.
pub(super) fn epoch(scan: &mut Scanner<'_>) -> Option<()> {
    scan.digits(10)?;
    scan.text(".")?;
    scan.many(3, |byte| byte.is_ascii_digit()).map(|_| ())
}
