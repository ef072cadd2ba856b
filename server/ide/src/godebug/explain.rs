//! The same help for a text given on its own: `GODEBUG=gctrace=1,madvdontneed=1`, `gctrace=1`, `GOMEMLIMIT=512Mi`.

use tracelog::{Loc, Text};

use super::catalog::{Setting, Value, Variable, VariableForm, old_default, releases};
use super::find::{Assignment, Target};
use super::generated::VARIABLES;
use super::{Problem, check, value};

/// What is known about a text that sets something.
#[derive(Clone, Debug, PartialEq)]
pub struct Explanation {
    /// The variable, unless only settings were given.
    pub variable: Option<&'static Variable>,
    /// The settings in it that are known, each with the value that is given, in order.
    pub settings: Vec<(&'static Setting, Option<String>)>,
    /// What is wrong.
    pub problems: Vec<Problem>,
}

impl PartialEq for Variable {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl PartialEq for Setting {
    fn eq(&self, other: &Self) -> bool {
        self.key == other.key
    }
}

/// Explains a text that sets a variable or names settings. None when it does neither.
pub fn explain(text: &str) -> Option<Explanation> {
    let text = text.trim();
    if text.contains(['\n', '\r']) {
        return None;
    }
    let (variable, start) = match text.split_once('=') {
        Some((name, value)) if Variable::named(name).is_some() => (Variable::named(name), text.len() - value.len()),
        _ => match Variable::named(text) {
            Some(variable) => (Some(variable), text.len()),
            // Only settings: the first one must be known, or this is something else.
            None => {
                Setting::named(text.split(['=', ',']).next().unwrap_or_default())?;
                (None, 0)
            }
        },
    };
    let target = variable.or_else(|| VARIABLES.iter().find(|variable| variable.form == VariableForm::Settings))?;
    let assignment = Assignment {
        target: Target::Variable(target),
        name: Loc::new(0, 0, 0),
        value: Loc::new(0, start as u32, text.len() as u32),
    };
    let entries = value::entries(&assignment, text);
    let settings = entries
        .iter()
        .filter(|_| target.form == VariableForm::Settings)
        .filter_map(|entry| Some((Setting::named(entry.key.text)?, entry.value.map(|value| value.text.to_owned()))));
    let settings = settings.collect();
    let is_name = variable.is_none() && !text.contains('=');
    let problems = if is_name { Vec::new() } else { check::problems(&Text::new(text), &[assignment]) };
    Some(Explanation { variable, settings, problems })
}

/// What is known about a variable, as label and text; a part without label stands for itself.
pub fn variable_facts(variable: &Variable) -> Vec<(String, String)> {
    let mut facts = vec![(String::new(), variable.meaning.to_owned())];
    facts.extend(variable.values.iter().map(|Value { value, meaning }| ((*value).to_owned(), (*meaning).to_owned())));
    if !variable.default.is_empty() {
        facts.push(("Default".to_owned(), variable.default.to_owned()));
    }
    facts.push(("Source".to_owned(), variable.source.to_owned()));
    facts
}

/// The same about a setting.
pub fn facts(setting: &Setting) -> Vec<(String, String)> {
    let mut facts = vec![(String::new(), setting.meaning.to_owned())];
    facts.extend(setting.values.iter().map(|Value { value, meaning }| ((*value).to_owned(), (*meaning).to_owned())));
    if !setting.default.is_empty() {
        let old = old_default(setting).map_or_else(String::new, |old| format!("; {old}"));
        facts.push(("Default".to_owned(), format!("{}{old}", setting.default)));
    }
    if !setting.cost.is_empty() {
        facts.push(("Cost".to_owned(), setting.cost.to_owned()));
    }
    let titles: Vec<&str> = setting.families.iter().map(|family| family.def().title).collect();
    if !titles.is_empty() {
        facts.push(("Lines".to_owned(), titles.join("; ")));
    }
    facts.push(("Releases".to_owned(), releases(setting)));
    facts.push(("Source".to_owned(), setting.source.to_owned()));
    facts
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &str) {
        let shown = explain(text).map(|explanation| {
            let mut parts: Vec<String> = explanation.variable.iter().map(|variable| variable.name.to_owned()).collect();
            parts.extend(explanation.settings.iter().map(|(setting, value)| match value {
                Some(value) => format!("{}={value}", setting.key),
                None => setting.key.to_owned(),
            }));
            parts.extend(explanation.problems.iter().map(|problem| problem.code.id().to_owned()));
            parts.join(" ")
        });
        assert_eq!(shown.as_deref().unwrap_or("nothing"), expected, "{text}");
    }

    #[test]
    fn explains_variables_and_settings() {
        check("GODEBUG=gctrace=1,madvdontneed=1", "GODEBUG gctrace=1 madvdontneed=1");
        check("gctrace=1", "gctrace=1");
        check("gctrace", "gctrace");
        check("GODEBUG", "GODEBUG");
        check("GODEBUG=gctraec=1", "GODEBUG GD101");
        check("GOMEMLIMIT=512Mi", "GOMEMLIMIT GD108");
        check("GOGC=50", "GOGC");
        check("heap_goal_mb", "nothing");
        check("gc 1 @0.01s 0%: 1+1+1 ms clock", "nothing");
        check("level=info msg=x", "nothing");
        check("", "nothing");
    }

    #[test]
    fn every_setting_has_its_facts() {
        for setting in &crate::godebug::SETTINGS {
            let facts = facts(setting);
            assert!(facts.len() >= 3 && facts.iter().all(|(_, text)| !text.is_empty()), "{}", setting.key);
        }
    }
}
