//! The words of the field, as `glossary.toml` has them. That the pages named under `see` exist is checked where the
//! pages are written (`codegen/names.rs`), since rules and pages are not known here.

use std::collections::BTreeSet;

use serde::Deserialize;

use super::prose;
use crate::Outcome;

/// `glossary.toml`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct GlossaryText {
    terms: Vec<Term>,
}

/// One word.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Term {
    /// Its anchor on the page of the glossary.
    pub id: String,
    /// The word as it is written.
    pub title: String,
    /// Heading under which it stands.
    pub group: String,
    /// Other names it is looked up by.
    #[serde(default)]
    pub also: Vec<String>,
    pub meaning: String,
    /// What it is mixed up with.
    pub confusion: String,
    /// Names of pages.
    pub see: Vec<String>,
    /// `family`, `family.field` or `family.field=value`: a recorded line of the catalog.
    pub example: Option<String>,
    /// A line of `tests/corpus`, where no recorded line of the catalog shows it.
    pub line: Option<CorpusLine>,
    pub source: String,
}

/// A line of a recorded log.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CorpusLine {
    /// Below `tests/corpus`.
    pub file: String,
    pub text: String,
    /// The part of it that is meant.
    pub mark: String,
}

/// Checks what can be checked of the words alone.
pub(super) fn check(glossary: GlossaryText) -> Outcome<Vec<Term>> {
    let mut names = BTreeSet::new();
    let mut groups: Vec<&str> = Vec::new();
    for term in &glossary.terms {
        let about = |error| format!("term \"{}\": {error}", term.id);
        check_term(term).map_err(about)?;
        for name in [&term.id].into_iter().chain(&term.also) {
            if !names.insert(name) {
                return Err(about(format!("two terms are called \"{name}\"")));
            }
        }
        if groups.last() != Some(&term.group.as_str()) {
            if groups.contains(&term.group.as_str()) {
                return Err(about(format!("its group \"{}\" stands in two places", term.group)));
            }
            groups.push(&term.group);
        }
    }
    Ok(glossary.terms)
}

fn check_term(term: &Term) -> Outcome {
    if anchor(&term.title) != term.id {
        return Err(format!("its title \"{}\" gives the anchor \"{}\"", term.title, anchor(&term.title)));
    }
    prose::sentences("meaning", &term.meaning)?;
    prose::sentences("confusion", &term.confusion)?;
    let is_ours = term.source.strip_prefix("a term of gotracelens: ").is_some_and(|place| place.contains(".md"));
    if !is_ours {
        prose::source(&term.source)?;
    }
    if let Some(name) = term.also.iter().find(|name| **name != name.to_lowercase()) {
        return Err(format!("\"{name}\": names are looked up in lower case"));
    }
    match (&term.example, &term.line) {
        (Some(_), None) => Ok(()),
        (None, Some(line)) if line.text.contains(&line.mark) && !line.mark.is_empty() => Ok(()),
        (None, Some(line)) => Err(format!("its line does not hold \"{}\"", line.mark)),
        _ => Err("it has either an example or a line".to_owned()),
    }
}

/// The anchor that renderers of Markdown give a heading.
pub fn anchor(heading: &str) -> String {
    let kept = heading.chars().filter(|char| char.is_alphanumeric() || matches!(char, ' ' | '-' | '_'));
    kept.map(|char| if char == ' ' { '-' } else { char.to_ascii_lowercase() }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TERM: &str = r#"
        [[terms]]
        id = "p-time"
        title = "P-time"
        group = "Collector"
        meaning = "Time with a P."
        confusion = "Not CPU time."
        see = []
        example = "gc.cpu_assist_ms"
        source = "runtime/mgc.go gcBgMarkWorker, 1.6-"
    "#;

    fn read(text: &str) -> Outcome<usize> {
        check(toml::from_str(text).unwrap()).map(|terms| terms.len())
    }

    #[test]
    fn a_term_is_complete_or_refused() {
        assert_eq!(read(TERM), Ok(1));
        for (old, new) in [
            ("id = \"p-time\"", "id = \"ptime\""),
            ("Time with a P.", "Time with a *P*."),
            ("example = \"gc.cpu_assist_ms\"", ""),
            ("runtime/mgc.go gcBgMarkWorker, 1.6-", "I know"),
            ("see = []", "see = []\nalso = [\"CPU\"]"),
            ("example = ", "line = { file = \"a.log\", text = \"gc 1\", mark = \"x\" }\n#"),
        ] {
            assert!(TERM.contains(old) && read(&TERM.replace(old, new)).is_err(), "{new}");
        }
    }

    #[test]
    fn a_name_means_one_term_and_a_group_is_one_piece() {
        assert!(read(&[TERM, TERM].concat()).is_err());
        let other = |title: &str, group: &str| {
            TERM.replace("P-time", title).replace("p-time", &anchor(title)).replace("Collector", group)
        };
        assert_eq!(read(&[TERM, &other("A", "Logs"), &other("B", "Logs")].concat()), Ok(3));
        assert!(read(&[TERM, &other("A", "Logs"), &other("B", "Collector")].concat()).is_err());
    }
}
