//! What a rule asked of a log and what the log showed, condition by condition.
//!
//! A verdict without its numbers is an assertion. Every finding carries the conditions that it met, and a rule that
//! was near to one says which it did not meet: hover, `explain`, `check --format json` and the summary read both.

use super::Rule;
use crate::words::{listed, number, with_unit};

/// What a value is held against.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Bound {
    /// ≥
    AtLeast(f64),
    /// >
    Above(f64),
    /// ≤
    AtMost(f64),
    /// <
    Below(f64),
}

impl Bound {
    /// Whether a value is within. NaN, which is what a release does not print, never is.
    pub fn admits(self, value: f64) -> bool {
        match self {
            Self::AtLeast(bound) => value >= bound,
            Self::Above(bound) => value > bound,
            Self::AtMost(bound) => value <= bound,
            Self::Below(bound) => value < bound,
        }
    }

    /// The sign and the number.
    pub const fn parts(self) -> (&'static str, f64) {
        match self {
            Self::AtLeast(bound) => ("≥", bound),
            Self::Above(bound) => (">", bound),
            Self::AtMost(bound) => ("≤", bound),
            Self::Below(bound) => ("<", bound),
        }
    }

    /// What stands before the number in words. Where a sign would begin HTML, or has to be escaped, it is a word.
    const fn word(self) -> &'static str {
        match self {
            Self::AtLeast(_) => "≥",
            Self::Above(_) => "above",
            Self::AtMost(_) => "≤",
            Self::Below(_) => "below",
        }
    }
}

/// What a condition compares.
#[derive(Clone, Debug, PartialEq)]
pub enum Compared {
    /// A number, its unit, and what it is held against.
    Number {
        /// What the log shows; NaN where it cannot be told.
        seen: f64,
        /// As shown to people.
        unit: &'static str,
        /// What is asked.
        bound: Bound,
    },
    /// Something that is so or is not.
    Fact,
}

/// One condition of a rule.
#[derive(Clone, Debug, PartialEq)]
pub struct Condition {
    /// What it is about, a few words: `cycles after warm-up`, `p of the trend`, `not given back`.
    pub what: String,
    /// Its numbers, if it has any.
    pub compared: Compared,
    /// Whether the log meets it.
    pub holds: bool,
    /// Whether it asks for data rather than for what the data show. A rule that lacks data does not say no.
    pub is_about_data: bool,
}

impl Condition {
    /// `cycles after warm-up: 34 (≥ 40 needed)`. Without the mark; that is up to where it is shown.
    pub fn in_words(&self) -> String {
        match self.compared {
            Compared::Fact => self.what.clone(),
            Compared::Number { seen, unit, bound } => {
                let (shown, limit) = told_apart(seen, bound.parts().1);
                let shown = if seen.is_nan() { "not known".to_owned() } else { with_unit(&shown, unit) };
                let limit = with_unit(&limit, short_unit(unit));
                format!("{}: {shown} ({} {limit} needed)", self.what, bound.word())
            }
        }
    }

    /// With a mark for whether it holds: `✗ cycles after warm-up: 34 (≥ 40 needed)`.
    pub fn marked(&self) -> String {
        format!("{} {}", if self.holds { '✓' } else { '✗' }, self.in_words())
    }
}

/// Two numbers with as many digits as show which is the greater: 39.96 of 40 is not 40.
fn told_apart(seen: f64, bound: f64) -> (String, String) {
    const MAX_DECIMALS: usize = 6;
    let limit = exact(bound);
    if seen > 0.0 && number(seen) == "0" {
        return ("less than 0.001".to_owned(), limit);
    }
    let mut shown = number(seen);
    let mut decimals = 2;
    while shown.parse() == Ok(bound) && seen != bound && decimals <= MAX_DECIMALS {
        shown = format!("{seen:.decimals$}");
        decimals += 1;
    }
    (shown, limit)
}

/// A bound as it was set: nothing of it is rounded away that a user may have typed, only what arithmetic added.
fn exact(bound: f64) -> String {
    const MAX_DECIMALS: usize = 6;
    let same = |decimals: &usize| {
        let text = format!("{bound:.decimals$}");
        text.parse::<f64>().is_ok_and(|rounded| (rounded - bound).abs() <= 1e-9 * bound.abs())
    };
    match (0..=MAX_DECIMALS).find(same) {
        Some(decimals) => format!("{bound:.decimals$}"),
        None => number(bound),
    }
}

/// A unit that is said a second time, behind the bound: symbols are, words are not.
fn short_unit(unit: &'static str) -> &'static str {
    const MAX_SYMBOL: usize = 4;
    let is_symbol = |unit: &str| unit.chars().count() <= MAX_SYMBOL && !unit.contains(' ');
    match unit.split(' ').next() {
        _ if is_symbol(unit) => unit,
        Some("%") => "%",
        _ => "",
    }
}

/// The conditions of a rule as they are gone through, in the order in which its page names them.
///
/// Each method answers whether the condition holds, so that a rule reads as a test and documents itself by it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Test {
    /// All that were looked at.
    pub conditions: Vec<Condition>,
}

impl Test {
    /// Data that the rule needs before it says anything: cycles, seconds, samples.
    pub fn data(&mut self, what: &str, seen: f64, at_least: f64, unit: &'static str) -> bool {
        self.number(what, seen, unit, Bound::AtLeast(at_least), true)
    }

    /// A value that must be within a bound.
    pub fn value(&mut self, what: &str, seen: f64, bound: Bound, unit: &'static str) -> bool {
        self.number(what, seen, unit, bound, false)
    }

    /// Something that must be so.
    pub fn fact(&mut self, what: &str, holds: bool) -> bool {
        let compared = Compared::Fact;
        self.conditions.push(Condition { what: what.to_owned(), compared, holds, is_about_data: false });
        holds
    }

    fn number(&mut self, what: &str, seen: f64, unit: &'static str, bound: Bound, is_about_data: bool) -> bool {
        let holds = bound.admits(seen);
        let compared = Compared::Number { seen, unit, bound };
        self.conditions.push(Condition { what: what.to_owned(), compared, holds, is_about_data });
        holds
    }

    /// Whether all conditions so far hold.
    pub fn holds(&self) -> bool {
        self.conditions.iter().all(|condition| condition.holds)
    }

    /// The data that are missing; nothing when there are enough.
    pub fn missing(&self) -> impl Iterator<Item = &Condition> {
        self.conditions.iter().filter(|condition| condition.is_about_data && !condition.holds)
    }

    /// `needs 40 cycles and 30 s, has 12 and 3 s`; nothing where data are enough.
    pub fn missing_in_words(&self) -> Option<String> {
        let parts = self.missing().filter_map(|condition| match condition.compared {
            Compared::Fact => None,
            Compared::Number { seen, unit, bound } => {
                let (shown, limit) = told_apart(seen, bound.parts().1);
                let shown = if seen.is_nan() { "an unknown number".to_owned() } else { with_unit(&shown, unit) };
                let needed = match (unit, condition.what.as_str()) {
                    ("", what) => format!("{limit} {what}"),
                    (unit, "time") => with_unit(&limit, unit),
                    (unit, what) => format!("{} ({what})", with_unit(&limit, unit)),
                };
                Some((needed, shown))
            }
        });
        let (needed, has): (Vec<String>, Vec<String>) = parts.unzip();
        (!needed.is_empty()).then(|| format!("needs {}, has {}", listed(&needed), listed(&has)))
    }
}

/// How sure a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Confidence {
    /// What was seen fits other causes too.
    Moderate,
    /// What was seen hardly fits anything else.
    Strong,
}

impl Confidence {
    /// The word for it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Moderate => "moderate",
            Self::Strong => "strong",
        }
    }
}

/// A rule that found nothing, and why.
#[derive(Clone, Debug)]
pub struct Declined {
    /// The rule.
    pub rule: &'static Rule,
    /// Number of the run; none for rules about the whole log.
    pub run: Option<usize>,
    /// What it asked, at least one condition of which does not hold.
    pub test: Test,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_condition_tells_its_numbers_and_whether_it_holds() {
        let mut test = Test::default();
        assert!(test.data("cycles", 55.0, 40.0, ""));
        assert!(!test.data("time", 12.5, 30.0, "s"));
        assert!(!test.value("p of the trend", 0.2, Bound::Below(0.01), ""));
        assert!(test.fact("nothing was given back", true));
        let words: Vec<String> = test.conditions.iter().map(Condition::in_words).collect();
        let expected = [
            "cycles: 55 (≥ 40 needed)",
            "time: 12.5 s (≥ 30 s needed)",
            "p of the trend: 0.2 (below 0.01 needed)",
            "nothing was given back",
        ];
        assert_eq!(words, expected);
        assert_eq!(test.missing().map(|condition| &*condition.what).collect::<Vec<_>>(), ["time"]);
        assert!(!test.holds());
    }

    #[test]
    fn a_number_that_misses_its_bound_never_reads_like_it() {
        let words = |seen, bound| {
            let mut test = Test::default();
            test.value("x", seen, bound, "");
            test.conditions[0].marked()
        };
        assert_eq!(words(39.96, Bound::AtLeast(40.0)), "✗ x: 39.96 (≥ 40 needed)");
        assert_eq!(words(0.3499, Bound::AtLeast(0.35)), "✗ x: 0.3499 (≥ 0.35 needed)");
        assert_eq!(words(40.0, Bound::AtLeast(40.0)), "✓ x: 40 (≥ 40 needed)");
        assert_eq!(words(0.001, Bound::AtMost(0.0005)), "✗ x: 0.001 (≤ 0.0005 needed)");
    }

    #[test]
    fn units_of_several_words_are_said_once() {
        let words = |seen, bound, unit| {
            let mut test = Test::default();
            test.value("x", seen, Bound::AtLeast(bound), unit);
            test.conditions[0].in_words()
        };
        assert_eq!(words(64.6, 30.0, "% of the marking"), "x: 64.6 % of the marking (≥ 30 % needed)");
        assert_eq!(words(99.0, 28.5, "goroutines"), "x: 99 goroutines (≥ 28.5 needed)");
        assert_eq!(words(17.5, 5.0, "a second"), "x: 17.5 a second (≥ 5 needed)");
        assert_eq!(words(3.2, 0.65 * 3.0, "ms"), "x: 3.2 ms (≥ 1.95 ms needed)");
        assert_eq!(words(3.2, 1.0, "MB/s"), "x: 3.2 MB/s (≥ 1 MB/s needed)");
    }

    #[test]
    fn what_is_almost_nothing_is_not_called_nothing() {
        let mut test = Test::default();
        test.value("p of the trend", 1e-9, Bound::Below(0.01), "");
        test.value("given back", 0.0, Bound::Below(0.35), "");
        let words: Vec<String> = test.conditions.iter().map(Condition::in_words).collect();
        assert_eq!(words, ["p of the trend: less than 0.001 (below 0.01 needed)", "given back: 0 (below 0.35 needed)"]);
    }

    #[test]
    fn missing_data_are_told_in_one_sentence() {
        let mut test = Test::default();
        test.data("cycles", 12.0, 40.0, "");
        test.data("time", 3.0, 30.0, "s");
        assert_eq!(test.missing_in_words().unwrap(), "needs 40 cycles and 30 s, has 12 and 3 s");
        let mut one = Test::default();
        one.data("cycles", 60.0, 40.0, "");
        one.data("time after warm-up", 3.0, 30.0, "s");
        one.value("gain", 1.0, Bound::AtLeast(2.0), "MB");
        assert_eq!(one.missing_in_words().unwrap(), "needs 30 s (time after warm-up), has 3 s");
        let mut none = Test::default();
        none.data("cycles", 60.0, 40.0, "");
        assert_eq!(none.missing_in_words(), None);
    }

    #[test]
    fn what_is_not_known_meets_no_bound() {
        for bound in [Bound::AtLeast(0.0), Bound::Above(0.0), Bound::AtMost(0.0), Bound::Below(0.0)] {
            let mut test = Test::default();
            assert!(!test.value("roots", f64::NAN, bound, "MB"), "{bound:?}");
            assert!(test.conditions[0].in_words().contains("not known"));
        }
    }
}
