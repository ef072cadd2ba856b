//! Checks of the texts of the catalog: complete, plain, and in sentences. Whether they are true is for people to check.

use super::claims::{ConfusionText, FormulaText};
use super::{FamilyText, FieldText, Kind};
use crate::Outcome;

/// A family says what its line is and where that is known from.
pub(super) fn check_family(family: &FamilyText) -> Outcome {
    required("title", &family.title)?;
    required("knob", &family.knob)?;
    sentences("meaning", &family.meaning)?;
    source(&family.source)?;
    family.shapes.iter().filter(|shape| !shape.note.is_empty()).try_for_each(|shape| sentences("note", &shape.note))
}

/// A field says what it is, how to read it and where that is known from.
pub(super) fn check_field(field: &FieldText) -> Outcome {
    required("title", &field.title)?;
    sentences("meaning", &field.meaning)?;
    sentences("reading", &field.reading)?;
    for (name, text) in [("normal", &field.normal), ("suspect", &field.suspect)] {
        if !text.is_empty() {
            sentences(name, text)?;
        }
    }
    for note in &field.notes {
        sentences("note", &note.text)?;
    }
    for name in &field.names {
        sentences(&format!("name of \"{}\"", name.printed), &name.meaning)?;
    }
    source(&field.source)?;
    unit(field)
}

/// A formula says what comes out of it, in words that can stand before a colon, and where that is known from.
pub(super) fn check_formula(formula: &FormulaText) -> Outcome {
    let name = &formula.name;
    if !name.starts_with(|char: char| char.is_ascii_uppercase()) || name.ends_with(['.', ':']) {
        return Err("its name is no heading".to_owned());
    }
    sentences("name", &format!("{name}."))?;
    source(&formula.source)
}

/// A confusion is a sentence or two and names its source.
pub(super) fn check_confusion(confusion: &ConfusionText) -> Outcome {
    sentences("text", &confusion.text)?;
    source(&confusion.source)
}

fn required(name: &str, text: &str) -> Outcome {
    if text.trim().is_empty() { Err(format!("{name} is empty")) } else { Ok(()) }
}

/// Plain sentences: shown as they are in hovers, on terminals and in Markdown, so no markup of any of them.
pub(super) fn sentences(name: &str, text: &str) -> Outcome {
    required(name, text)?;
    if let Some(markup) = text.chars().find(|char| matches!(char, '`' | '*' | '_' | '<' | '>' | '[' | ']' | '#' | '\n'))
    {
        return Err(format!("{name}: {markup:?} is markup"));
    }
    let begins_well = text.starts_with(|char: char| char.is_uppercase() || char.is_ascii_digit() || char == '-');
    // Names of packages and functions keep their lower case.
    let begins_with_name = text.split_whitespace().next().is_some_and(|word| word.contains('.') || word.contains('='));
    if !begins_well && !begins_with_name || !text.ends_with('.') || text.contains("  ") {
        return Err(format!("{name}: not in sentences: \"{text}\""));
    }
    Ok(())
}

/// A source names a file of Go and releases, or says who prints what Go does not.
pub(super) fn source(text: &str) -> Outcome {
    let names_file = text.contains(".go ") || text.contains(".c ");
    let of_go = ["runtime/", "net/", "cmd/go/"].iter().any(|folder| text.starts_with(folder));
    if names_file && of_go && text.contains(", 1.") || text.starts_with("not Go's runtime: printed by ") {
        Ok(())
    } else {
        Err(format!("source \"{text}\": not of the form \"runtime/mgc.go gcStart, 1.6-\""))
    }
}

/// Endings of ids and the units they stand for.
const UNITS: &[(&str, &str)] = &[
    ("_ms", "ms"),
    ("_us", "us"),
    ("_ns", "ns"),
    ("_s", "s"),
    ("_mb", "MB"),
    ("_kib", "KiB"),
    ("_kb", "kB"),
    ("_bytes", "B"),
    ("_pct", "%"),
];

/// The id of a quantity ends in its unit; counts and flags have none.
fn unit(field: &FieldText) -> Outcome {
    let expected = UNITS.iter().find(|(ending, _)| field.id.ends_with(ending)).map_or("", |(_, unit)| unit);
    if field.unit != expected {
        return Err(format!("its id calls for the unit \"{expected}\", it says \"{}\"", field.unit));
    }
    if matches!(field.kind, Kind::Flag | Kind::Bool) && !field.unit.is_empty() {
        return Err("what is true or false has no unit".to_owned());
    }
    if matches!(field.kind, Kind::Flag | Kind::Bool) && field.cumulative {
        return Err("what is true or false does not add up".to_owned());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_plain_sentences() {
        for text in
            ["In MiB.", "0 to 5.", "runtime.GC was called.", "-1 is no pass. Two sentences.", "gctrace=2 doubles it."]
        {
            assert_eq!(sentences("meaning", text), Ok(()));
        }
        for text in ["", "In `MiB`.", "in words.", "No stop", "Two  blanks.", "A [link](x).", "Two\nlines."] {
            assert!(sentences("meaning", text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_source_names_file_and_releases() {
        for text in [
            "runtime/mgc.go gcStart, 1.6-; gc, 1.5",
            "net/conf.go initConfVal, 1.5-",
            "not Go's runtime: printed by shells",
        ] {
            assert_eq!(source(text), Ok(()));
        }
        for text in ["", "mgc.go gcStart, 1.6-", "runtime/mgc.go gcStart", "runtime gcStart, 1.6-", "not Go's runtime"]
        {
            assert!(source(text).is_err(), "{text}");
        }
    }
}
