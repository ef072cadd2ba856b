//! Reads and checks `godebug.toml`: the settings of GODEBUG and the variables next to it.

use serde::Deserialize;

use super::prose::sentences;
use crate::Outcome;
use crate::releases::parse_minor;

/// The whole file, checked.
pub struct Godebug {
    /// Sorted by key.
    pub settings: Vec<Setting>,
    /// Sorted by name.
    pub variables: Vec<VariableText>,
    /// Keys that are read and about which nothing is said; sorted.
    pub unlisted: Vec<String>,
    /// What can be wrong, sorted by code.
    pub problems: Vec<ProblemText>,
}

/// A setting with its releases read.
pub struct Setting {
    /// What the file says.
    pub text: SettingText,
    /// Minor number of the first release that reads it.
    pub since: u8,
    /// Of the first that does not any more.
    pub removed: Option<u8>,
    /// Of the one that changed the default.
    pub changed: Option<u8>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    unlisted: Vec<String>,
    settings: Vec<SettingText>,
    variables: Vec<VariableText>,
    problems: Vec<ProblemText>,
}

/// `[[problems]]`.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProblemText {
    pub code: String,
    pub slug: String,
    pub title: String,
    pub meaning: String,
}

/// `[[settings]]`.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SettingText {
    pub key: String,
    pub package: String,
    pub since: String,
    /// Patch releases that have it too.
    #[serde(default)]
    pub also: String,
    pub removed: Option<String>,
    #[serde(default)]
    pub refused: Vec<String>,
    pub changed: Option<String>,
    #[serde(default)]
    pub old: String,
    #[serde(default)]
    pub build: bool,
    pub form: Form,
    pub default: String,
    pub values: Vec<ValueText>,
    pub meaning: String,
    #[serde(default)]
    pub cost: String,
    #[serde(default)]
    pub families: Vec<String>,
    pub source: String,
}

/// `[[variables]]`.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VariableText {
    pub name: String,
    pub since: String,
    pub form: VariableForm,
    pub default: String,
    #[serde(default)]
    pub values: Vec<ValueText>,
    pub meaning: String,
    pub source: String,
}

/// One of the `values`.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ValueText {
    pub value: String,
    pub meaning: String,
}

/// What is read as the value of a setting; see `ide::godebug::Form`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Form {
    Number,
    Limit,
    Choice,
    Netdns,
    Feature,
    Release,
}

/// What is read as the value of a variable; see `ide::godebug::VariableForm`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum VariableForm {
    Settings,
    Percent,
    Procs,
    Bytes,
    Level,
}

/// Reads the text of `godebug.toml`; `families` are the ids that it may refer to.
pub fn parse(text: &str, newest: u8, families: &[&str]) -> Outcome<Godebug> {
    let File { unlisted, settings, variables, problems } =
        toml::from_str(text).map_err(|error| format!("read godebug.toml: {error}"))?;
    sorted("unlisted", unlisted.iter())?;
    sorted("settings", settings.iter().map(|setting| &setting.key))?;
    sorted("variables", variables.iter().map(|variable| &variable.name))?;
    let settings = settings.into_iter().map(|setting| {
        let key = setting.key.clone();
        check_setting(setting, newest, families).map_err(|error| format!("GODEBUG setting \"{key}\": {error}"))
    });
    let settings = settings.collect::<Outcome<Vec<Setting>>>()?;
    if let Some(key) = unlisted.iter().find(|key| settings.iter().any(|setting| setting.text.key == **key)) {
        return Err(format!("GODEBUG setting \"{key}\": both described and unlisted"));
    }
    for variable in &variables {
        check_variable(variable, newest).map_err(|error| format!("variable \"{}\": {error}", variable.name))?;
    }
    sorted("problems", problems.iter().map(|problem| &problem.code))?;
    for problem in &problems {
        sentences("meaning", &problem.meaning).map_err(|error| format!("problem {}: {error}", problem.code))?;
    }
    Ok(Godebug { settings, variables, unlisted, problems })
}

fn sorted<'a>(what: &str, mut names: impl Iterator<Item = &'a String>) -> Outcome {
    let Some(mut before) = names.next() else { return Ok(()) };
    for name in names {
        if name <= before {
            return Err(format!("godebug.toml: {what}: \"{name}\" stands behind \"{before}\""));
        }
        before = name;
    }
    Ok(())
}

fn check_setting(text: SettingText, newest: u8, families: &[&str]) -> Outcome<Setting> {
    let release = |text: &str| match parse_minor(text)? {
        minor if minor <= newest => Ok(minor),
        _ => Err(format!("release \"{text}\": newer than 1.{newest}")),
    };
    let since = release(&text.since)?;
    let removed = text.removed.as_deref().map(release).transpose()?;
    let changed = text.changed.as_deref().map(release).transpose()?;
    if removed.is_some_and(|removed| removed <= since) {
        return Err("removed before it was there".to_owned());
    }
    if changed.is_some() == text.old.is_empty() {
        return Err("`changed` and `old` go together".to_owned());
    }
    if !text.refused.is_empty() && removed.is_none() {
        return Err("only values of removed settings are refused".to_owned());
    }
    if let Some(family) = text.families.iter().find(|family| !families.contains(&family.as_str())) {
        return Err(format!("there is no family \"{family}\""));
    }
    let has = |value: &String| text.values.iter().any(|known| known.value == *value);
    if text.form == Form::Choice
        && let Some(value) =
            text.refused.iter().chain([&text.default, &text.old]).find(|value| !value.is_empty() && !has(value))
    {
        return Err(format!("value \"{value}\" is not explained"));
    }
    check_prose(&text.meaning, &text.values, &text.source)?;
    if !text.cost.is_empty() {
        sentences("cost", &text.cost)?;
    }
    Ok(Setting { text, since, removed, changed })
}

fn check_variable(text: &VariableText, newest: u8) -> Outcome {
    if parse_minor(&text.since)? > newest {
        return Err(format!("release \"{}\": newer than 1.{newest}", text.since));
    }
    check_prose(&text.meaning, &text.values, &text.source)
}

fn check_prose(meaning: &str, values: &[ValueText], source: &str) -> Outcome {
    // Inside of a word an underscore is no markup: SSL_CERT_FILE.
    let words: Vec<&str> = meaning.split(' ').collect();
    let is_inside = |word: &&str| !word.starts_with('_') && !word.ends_with('_');
    let meaning = if words.iter().all(is_inside) { meaning.replace('_', "-") } else { meaning.to_owned() };
    sentences("meaning", &meaning)?;
    for value in values {
        sentences(&format!("value \"{}\"", value.value), &value.meaning)?;
    }
    let names_file = source.contains(".go") || source.contains(".c ");
    if names_file && source.contains('/') && source.contains(", 1.") {
        return Ok(());
    }
    Err(format!("source \"{source}\": not of the form \"runtime/runtime1.go dbgvars, 1.5-\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = r#"
unlisted = ["a"]

[[settings]]
key = "gctrace"
package = "runtime"
since = "1.2"
removed = "1.20"
changed = "1.4"
old = "0"
form = "choice"
default = "1"
values = [{ value = "0", meaning = "Off." }, { value = "1", meaning = "On." }]
meaning = "Lines."
families = ["gc"]
source = "runtime/runtime1.go dbgvars, 1.5-"

[[variables]]
name = "GOGC"
since = "1.0"
form = "percent"
default = "100"
meaning = "Growth."
source = "runtime/mgc.go readgogc, 1.5-"

[[problems]]
code = "GD101"
slug = "unknown"
title = "Unknown"
meaning = "It is not known."
"#;

    fn read(from: &str, to: &str) -> Outcome<usize> {
        assert!(FILE.contains(from), "{from}");
        parse(&FILE.replace(from, to), 27, &["gc"]).map(|file| file.settings.len())
    }

    #[test]
    fn reads_a_file() {
        assert_eq!(read("Growth", "Growth"), Ok(1));
    }

    #[test]
    fn rejects_what_cannot_be_true() {
        for (from, to) in [
            ("\"1.2\"", "\"1.28\""),
            ("\"1.20\"", "\"1.2\""),
            ("[\"gc\"]", "[\"gcc\"]"),
            ("old = \"0\"", "old = \"2\""),
            ("old = \"0\"\n", ""),
            ("unlisted = [\"a\"]", "unlisted = [\"b\", \"a\"]"),
            ("unlisted = [\"a\"]", "unlisted = [\"gctrace\"]"),
            ("meaning = \"Lines.\"", "meaning = \"lines\""),
            ("meaning = \"Growth.\"", "meaning = \"Growth\""),
            ("runtime/mgc.go readgogc, 1.5-", "somewhere"),
            ("It is not known.", "it"),
            ("since = \"1.0\"", "since = \"1.99\""),
        ] {
            assert!(read(from, to).is_err(), "{to}");
        }
    }
}
