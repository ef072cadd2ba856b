//! The conditions of a finding for machines, the same in JSON output and in the data of diagnostics.

use std::collections::BTreeMap;

use ide::rules::evidence::{Compared, Condition};
use schemars::JsonSchema;
use serde::Serialize;

/// A condition that a rule asks of a log.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Condition")]
pub(crate) struct ConditionJson {
    /// What it is about.
    what: String,
    /// Whether the log meets it.
    holds: bool,
    /// Whether it asks for enough data rather than for what the data show.
    about_data: bool,
    /// What the log shows; null for a condition without numbers, and where the log does not tell.
    seen: Option<f64>,
    /// Unit of `seen` and `bound`; empty for counts and bare numbers, null for a condition without numbers.
    unit: Option<&'static str>,
    /// How `seen` is held against `bound`: `>=`, `>`, `<=` or `<`.
    sign: Option<&'static str>,
    /// What is asked.
    bound: Option<f64>,
}

impl ConditionJson {
    /// All conditions of a test, in the order in which the rule goes through them.
    pub(crate) fn all(conditions: &[Condition]) -> Vec<Self> {
        conditions.iter().map(Self::of).collect()
    }

    fn of(condition: &Condition) -> Self {
        let Condition { what, compared, holds, is_about_data } = condition;
        let (seen, unit, sign, bound) = match *compared {
            Compared::Fact => (None, None, None, None),
            Compared::Number { seen, unit, bound } => {
                let (sign, bound) = bound.parts();
                let sign = match sign {
                    "≥" => ">=",
                    "≤" => "<=",
                    sign => sign,
                };
                (finite(seen), Some(unit), Some(sign), finite(bound))
            }
        };
        Self { what: what.clone(), holds: *holds, about_data: *is_about_data, seen, unit, sign, bound }
    }
}

/// Numbers by name.
pub(crate) fn numbers(numbers: &[(&'static str, f64)]) -> BTreeMap<&'static str, Option<f64>> {
    numbers.iter().map(|(name, value)| (*name, finite(*value))).collect()
}

/// JSON knows neither infinity nor NaN.
pub(crate) fn finite(value: f64) -> Option<f64> {
    value.is_finite().then_some(value)
}
