//! Hover: what a setting, a value or a variable is. The text is the catalog's; of the file it shows names only.

use tracelog::{LineCol, Loc, Text};

use super::catalog::{Setting, Value, Variable, old_default, releases, similar};
use super::find::{Assignment, Target};
use super::value::{self, Entry};
use crate::hover::Hover;
use crate::markup::{Markup, Shown};

pub(super) fn hover(text: &Text, assignments: &[Assignment], at: LineCol) -> Option<Hover> {
    for assignment in assignments {
        if let Target::Variable(variable) = assignment.target
            && assignment.name.touches(at)
        {
            return Some(Hover { loc: assignment.name, markdown: variable_help(variable, None) });
        }
        if !assignment.value.touches(at) {
            continue;
        }
        let line = text.line(at.line);
        match assignment.target {
            Target::Variable(variable) if !variable.values.is_empty() => {
                let value = value::single(assignment, &line)?;
                return Some(Hover { loc: value.loc, markdown: variable_help(variable, Some(value.text)) });
            }
            _ => {
                let entries = value::entries(assignment, &line);
                let entry = entries.iter().find(|entry| entry.loc.touches(at) && !entry.key.text.is_empty())?;
                return entry_hover(entry);
            }
        }
    }
    None
}

fn entry_hover(entry: &Entry) -> Option<Hover> {
    let end = entry.value.map_or(entry.key.loc.end, |value| value.loc.end);
    let loc = Loc { end: end.max(entry.key.loc.end), ..entry.key.loc };
    let value = entry.value.map(|value| value.text);
    let markdown = match Setting::named(entry.key.text) {
        Some(setting) => setting_help(setting, entry.key.text, value),
        None => {
            // Not known: perhaps it was meant to be one that is.
            let setting = similar(entry.key.text)?;
            let mut markup = Markup::default();
            markup.paragraph(&format!("No Go release knows this setting. Did you mean {}?", setting.key));
            markup.paragraph(setting.meaning);
            markup.finish()
        }
    };
    Some(Hover { loc, markdown })
}

/// All that is known about a setting; `key` is what is written, for CPU features have names of their own.
pub(super) fn setting_help(setting: &Setting, key: &str, value: Option<&str>) -> String {
    let mut markup = Markup::default();
    let key = if key.starts_with("cpu.") { key } else { setting.key };
    match value.filter(|value| !value.is_empty()) {
        Some(value) => markup.titled(key, &Shown::Verbatim(value.to_owned())),
        None => markup.title(key, ""),
    }
    if let Some(known) = value.and_then(|value| setting.value(value)) {
        markup.paragraph(known.meaning);
    }
    markup.paragraph(setting.meaning);
    others(&mut markup, setting.values, value, setting.default);
    markup.labeled("Cost", setting.cost);
    lines(&mut markup, setting);
    if let Some(old) = old_default(setting) {
        markup.labeled("Default", &format!("{}; {old}.", setting.default));
    } else if !setting.default.is_empty() && setting.value(setting.default).is_none() {
        markup.labeled("Default", setting.default);
    }
    if !setting.refused.is_empty() {
        let refused = setting.refused.join(" or ");
        markup.labeled("Stops", &format!("programs and builds of Go 1.27 and later, when the value is {refused}."));
    }
    let place = if setting.build { " · also in //go:debug lines and go.mod" } else { "" };
    markup.paragraph(&format!("{}{place} · {}", releases(setting), setting.source));
    markup.finish()
}

/// The values that are not the one that stands there.
fn others(markup: &mut Markup, values: &[Value], here: Option<&str>, default: &str) {
    for Value { value, meaning } in values.iter().filter(|known| Some(known.value) != here) {
        let default = if *value == default { " (default)" } else { "" };
        markup.entry(&format!("{value}{default}:"), meaning);
    }
}

/// Which lines of a log the setting switches on, each with its page.
fn lines(markup: &mut Markup, setting: &Setting) {
    let mut words = vec![("gotracelens reads its lines: ".to_owned(), None)];
    for (at, family) in setting.families.iter().enumerate() {
        let def = family.def();
        words.push((if at == 0 { "" } else { "; " }.to_owned(), None));
        words.push((def.title.to_owned(), Some(def.id.to_owned())));
    }
    if !setting.families.is_empty() {
        markup.linked(&words);
    }
}

/// All that is known about a variable.
pub(super) fn variable_help(variable: &Variable, value: Option<&str>) -> String {
    let mut markup = Markup::default();
    match value.filter(|value| !value.is_empty()) {
        Some(value) => markup.titled(variable.name, &Shown::Verbatim(value.to_owned())),
        None => markup.title(variable.name, ""),
    }
    if let Some(known) = value.and_then(|value| variable.values.iter().find(|known| known.value == value)) {
        markup.paragraph(known.meaning);
    }
    markup.paragraph(variable.meaning);
    others(&mut markup, variable.values, value, variable.default);
    markup.paragraph(variable.source);
    markup.finish()
}
