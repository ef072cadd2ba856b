//! The settings the server itself reads. Unknown or wrong values are reported and change nothing else.

use serde_json::Value;

/// The key under which clients keep our settings.
pub(super) const SECTION: &str = "gotracelens";

/// Where the summary of a file is shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum SummaryWhere {
    /// The first of lens, inlay hint and diagnostic that the client can show.
    #[default]
    Auto,
    Lens,
    Inlay,
    Diagnostic,
    Off,
}

/// Settings in force.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Settings {
    pub(super) summary_where: SummaryWhere,
}

impl Settings {
    /// Reads settings as clients send them, with or without the `gotracelens` key around them, and says what was not
    /// understood. What is not set has its default.
    pub(super) fn parse(value: &Value) -> (Self, Vec<String>) {
        let mut settings = Settings::default();
        let mut problems = Vec::new();
        let value = value.get(SECTION).unwrap_or(value);
        match value {
            Value::Object(_) | Value::Null => {}
            other => problems.push(format!("settings are not an object: {other}")),
        }
        match value.pointer("/summary/where") {
            None | Some(Value::Null) => {}
            Some(place) => match place.as_str() {
                Some("auto") => settings.summary_where = SummaryWhere::Auto,
                Some("lens") => settings.summary_where = SummaryWhere::Lens,
                Some("inlay") => settings.summary_where = SummaryWhere::Inlay,
                Some("diagnostic") => settings.summary_where = SummaryWhere::Diagnostic,
                Some("off") => settings.summary_where = SummaryWhere::Off,
                _ => {
                    problems.push(format!("summary.where: expected auto, lens, inlay, diagnostic or off, got {place}"))
                }
            },
        }
        (settings, problems)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn reads_settings_with_and_without_their_key() {
        for value in [json!({"summary": {"where": "off"}}), json!({"gotracelens": {"summary": {"where": "off"}}})] {
            assert_eq!(Settings::parse(&value), (Settings { summary_where: SummaryWhere::Off }, Vec::new()));
        }
    }

    #[test]
    fn what_is_not_understood_is_said_and_changes_nothing() {
        for (value, n_problems) in [
            (json!(null), 0),
            (json!({}), 0),
            (json!({"gotracelens": null}), 0),
            (json!({"summary": {"where": null}}), 0),
            (json!({"summary": {"where": "top"}}), 1),
            (json!({"summary": {"where": 7}}), 1),
            (json!({"summary": true}), 0),
            (json!([1]), 1),
            (json!("x"), 1),
        ] {
            let (settings, problems) = Settings::parse(&value);
            assert_eq!((settings, problems.len()), (Settings::default(), n_problems), "{value}");
        }
    }
}
