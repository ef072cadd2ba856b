//! Completion inside of values: settings that are not set yet, and the values of one.

use tracelog::{LineCol, Loc, Text};

use super::catalog::{Setting, Value, VariableForm, releases};
use super::find::{Assignment, Target};
use super::generated::SETTINGS;
use super::help;
use super::value::{self, Entry};

/// Something that can be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Completion {
    /// What it is called in the list.
    pub label: &'static str,
    /// What it is.
    pub kind: CompletionKind,
    /// What it is about, short.
    pub detail: String,
    /// What is known about it, in Markdown.
    pub documentation: String,
    /// What is replaced, on one line.
    pub replace: Loc,
    /// By what.
    pub insert: String,
}

/// What a completion is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CompletionKind {
    /// The name of a setting, with its first useful value.
    Setting,
    /// A value.
    Value,
}

pub(super) fn completions(text: &Text, assignments: &[Assignment], at: LineCol) -> Vec<Completion> {
    let Some(assignment) = assignments.iter().find(|assignment| assignment.value.touches(at)) else {
        return Vec::new();
    };
    let line = text.line(at.line);
    match assignment.target {
        Target::Variable(variable) if variable.form != VariableForm::Settings => {
            let Some(value) = value::single(assignment, &line).filter(|value| value.is_certain) else {
                return Vec::new();
            };
            let offer = |known: &'static Value| Completion {
                label: known.value,
                kind: CompletionKind::Value,
                detail: known.meaning.to_owned(),
                documentation: help::variable_help(variable, Some(known.value)),
                replace: value.loc,
                insert: known.value.to_owned(),
            };
            variable.values.iter().map(offer).collect()
        }
        _ => in_list(&value::entries(assignment, &line), at, assignment.target),
    }
}

fn in_list(entries: &[Entry], at: LineCol, target: Target) -> Vec<Completion> {
    let Some(entry) = entries.iter().find(|entry| entry.loc.touches(at)) else { return Vec::new() };
    match &entry.value {
        Some(value) if at.byte >= value.loc.start => {
            let setting = Setting::named(entry.key.text);
            match setting.filter(|_| value.is_certain || value.text.is_empty()) {
                Some(setting) => values(setting, value.loc),
                None => Vec::new(),
            }
        }
        _ if entry.key.is_certain => names(entries, entry, target),
        _ => Vec::new(),
    }
}

/// Settings that the list does not have yet and that the newest release reads.
fn names(entries: &[Entry], entry: &Entry, target: Target) -> Vec<Completion> {
    let is_set = |setting: &Setting| {
        let others = entries.iter().filter(|other| other.loc != entry.loc);
        others.into_iter().any(|other| other.key.text == setting.key)
    };
    let is_variable = matches!(target, Target::Variable(_));
    let fits = |setting: &&'static Setting| {
        setting.removed.is_none()
            && if is_variable { setting.in_environment() } else { setting.build }
            && !is_set(setting)
    };
    let offer = |setting: &'static Setting| Completion {
        label: setting.key,
        kind: CompletionKind::Setting,
        detail: releases(setting),
        documentation: help::setting_help(setting, setting.key, None),
        replace: entry.key.loc,
        // A value that is there stays.
        insert: match entry.value {
            Some(_) => setting.key.to_owned(),
            None => format!("{}={}", setting.key, setting.offered()),
        },
    };
    // What prints lines first: that is what this tool reads.
    let mut settings: Vec<&Setting> = SETTINGS.iter().filter(fits).collect();
    settings.sort_by_key(|setting| setting.families.is_empty());
    settings.into_iter().map(offer).collect()
}

fn values(setting: &'static Setting, replace: Loc) -> Vec<Completion> {
    let offer = |known: &'static Value| Completion {
        label: known.value,
        kind: CompletionKind::Value,
        detail: known.meaning.to_owned(),
        documentation: help::setting_help(setting, setting.key, Some(known.value)),
        replace,
        insert: known.value.to_owned(),
    };
    setting.values.iter().map(offer).collect()
}
