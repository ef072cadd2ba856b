//! Sets of Go releases as the catalog writes them: `1.5`, `1.6-1.17`, `1.18-`, `1.14, 1.19-1.20`.

use std::fmt;

use crate::Outcome;

/// A set of minor releases of Go 1, one bit each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Releases(u64);

impl Releases {
    /// Reads a list of releases and ranges; a range without an end reaches `newest`.
    pub fn parse(text: &str, newest: u8) -> Outcome<Self> {
        let mut bits = 0;
        for part in text.split(',').map(str::trim) {
            let (first, last) = match part.split_once('-') {
                None => {
                    let minor = parse_minor(part)?;
                    (minor, minor)
                }
                Some((first, "")) => (parse_minor(first)?, newest),
                Some((first, last)) => (parse_minor(first)?, parse_minor(last)?),
            };
            if first > last || last > newest {
                return Err(format!("releases \"{part}\": not a range that ends at or below 1.{newest}"));
            }
            for minor in first..=last {
                bits |= 1 << minor;
            }
        }
        Ok(Self(bits))
    }

    /// No release.
    pub const NONE: Self = Self(0);

    /// Every release up to the newest, by its minor number.
    pub fn up_to(newest: u8) -> Self {
        Self(u64::MAX >> (63 - newest))
    }

    /// One release, by its minor number.
    pub fn of_minor(minor: u8) -> Self {
        Self(1 << minor)
    }

    /// Releases that are in either set.
    pub fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Releases that are in both sets.
    pub fn intersection(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// Whether no release is in the set.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Longest ranges of adjacent releases, oldest first.
    pub fn ranges(self) -> Vec<(u8, u8)> {
        let mut ranges: Vec<(u8, u8)> = Vec::new();
        for minor in (0..64).filter(|minor| self.0 & (1 << minor) != 0) {
            match ranges.last_mut() {
                Some((_, last)) if *last + 1 == minor => *last = minor,
                _ => ranges.push((minor, minor)),
            }
        }
        ranges
    }
}

impl fmt::Display for Releases {
    /// `1.18 – 1.27`, or `1.14, 1.19 – 1.20` where the set has gaps.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, (first, last)) in self.ranges().into_iter().enumerate() {
            let separator = if index == 0 { "" } else { ", " };
            match first == last {
                true => write!(f, "{separator}1.{first}")?,
                false => write!(f, "{separator}1.{first} – 1.{last}")?,
            }
        }
        Ok(())
    }
}

/// Reads `1.18` as 18.
pub fn parse_minor(text: &str) -> Outcome<u8> {
    text.strip_prefix("1.")
        .and_then(|minor| minor.parse().ok())
        .filter(|minor| *minor < 64)
        .ok_or_else(|| format!("release \"{text}\": not of the form 1.18"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_lists_with_gaps_and_open_ends() {
        let ranges = |text| Releases::parse(text, 27).unwrap().ranges();
        assert_eq!(ranges("1.5"), [(5, 5)]);
        assert_eq!(ranges("1.14, 1.19-1.20"), [(14, 14), (19, 20)]);
        assert_eq!(ranges("1.18-"), [(18, 27)]);
        assert_eq!(ranges("1.3-1.4, 1.5"), [(3, 5)]);
    }

    #[test]
    fn rejects_what_is_no_release() {
        for text in ["", "18", "1.x", "1.9-1.8", "1.28", "1.0-1.99", "1.64"] {
            assert!(Releases::parse(text, 27).is_err(), "{text}");
        }
    }
}
