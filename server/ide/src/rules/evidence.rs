//! What a rule asked of a log and what the log showed, condition by condition.
//!
//! A verdict without its numbers is an assertion. Every finding carries the conditions that it met, and a rule that
//! was near to one says which it did not meet: hover, `explain`, `check --format json` and the summary read both.

use super::Rule;
use crate::words::rough;

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
                let (sign, bound) = bound.parts();
                let space = if unit.is_empty() { "" } else { " " };
                let seen = if seen.is_nan() { "not known".to_owned() } else { format!("{}{space}{unit}", rough(seen)) };
                format!("{}: {seen} ({sign} {}{space}{unit} needed)", self.what, rough(bound))
            }
        }
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
            "time: 12 s (≥ 30 s needed)",
            "p of the trend: 0.2 (< 0.01 needed)",
            "nothing was given back",
        ];
        assert_eq!(words, expected);
        assert_eq!(test.missing().map(|condition| &*condition.what).collect::<Vec<_>>(), ["time"]);
        assert!(!test.holds());
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
