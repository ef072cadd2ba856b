//! The page of a family: a line, its fields, its layouts, then each field with a line in which its place is marked.

use std::fmt::{self, Write};

use super::example;
use super::markdown::{self, paragraph};
use super::names::Names;
use crate::catalog::{Family, Field, Kind, Shape};
use crate::releases::Releases;

/// Begins the part of the page that is also shown field by field; `ide/src/pages.rs` cuts there.
const FIELDS: &str = "## Field by field";

/// Writes the page.
pub fn write(out: &mut String, family: &Family, names: &Names) -> fmt::Result {
    let text = &family.text;
    // With the name behind it no field can have the same anchor.
    writeln!(out, "# {}: {}\n", text.title, text.id)?;
    out.push_str(&paragraph(&text.meaning));
    let go = family.shapes.iter().fold(Releases::NONE, |all, shape| all.union(shape.go));
    let knob = if text.knob.contains('=') { markdown::code(&text.knob) } else { text.knob.clone() };
    writeln!(
        out,
        "\n- Switch: {knob}\n- Name: `{}`\n- Go: {go}\n- Source: {}\n",
        text.id,
        markdown::code(&text.source)
    )?;
    out.push_str(&example::of_family(family));
    see(out, names, &text.id)?;
    if !family.fields.is_empty() {
        writeln!(out, "\n## Fields\n")?;
    }
    for field in &family.fields {
        let text = &field.text;
        let unit = if text.unit.is_empty() { String::new() } else { format!(", {}", text.unit) };
        writeln!(out, "- [`{id}`](#{id}): {}{unit}; Go {}", text.title, field.go, id = text.id)?;
    }
    writeln!(out, "\n## Layouts")?;
    for shape in &family.shapes {
        shape_section(out, shape)?;
    }
    if family.fields.is_empty() {
        return Ok(());
    }
    writeln!(out, "\n{FIELDS}")?;
    family.fields.iter().try_for_each(|field| field_section(out, family, field, names))
}

fn see(out: &mut String, names: &Names, name: &str) -> fmt::Result {
    let links = names.see(name);
    if links.is_empty() { Ok(()) } else { write!(out, "\n{}", markdown::links("See also:", &links)) }
}

fn shape_section(out: &mut String, shape: &Shape) -> fmt::Result {
    writeln!(out, "\n### {}: Go {}\n", markdown::code(&shape.text.id), shape.go)?;
    if !shape.text.note.is_empty() {
        out.push_str(&paragraph(&shape.text.note));
        writeln!(out)?;
    }
    out.push_str(&markdown::fenced(&shape.text.template.replace('~', "")));
    shape.samples.iter().try_for_each(|sample| write!(out, "\n{}", example::show(sample, None)))
}

fn field_section(out: &mut String, family: &Family, field: &Field, names: &Names) -> fmt::Result {
    let text = &field.text;
    writeln!(out, "\n### {}\n", text.id)?;
    let unit = if text.unit.is_empty() { String::new() } else { format!(", {}", text.unit) };
    writeln!(out, "**{}**{unit}; {}. Go {}.\n", text.title, kind_words(text.kind), field.go)?;
    out.push_str(&paragraph(&text.meaning));
    writeln!(out)?;
    out.push_str(&paragraph(&text.reading));
    for (name, text) in [("Normal", &text.normal), ("Suspect", &text.suspect)] {
        if !text.is_empty() {
            writeln!(out)?;
            out.push_str(&paragraph(&format!("{name}: {text}")));
        }
    }
    for (go, confusion) in &field.confusions {
        let label = if *go == field.go { "Often confused".to_owned() } else { format!("Often confused, Go {go}") };
        writeln!(out)?;
        out.push_str(&paragraph(&format!("{label}: {}", confusion.text)));
    }
    if !field.notes.is_empty() {
        writeln!(out)?;
    }
    for (go, note) in &field.notes {
        out.push_str(&markdown::item(&format!("Go {go}: {note}")));
    }
    if !field.formulas.is_empty() {
        writeln!(out, "\nTogether with other values:\n")?;
    }
    for formula in &field.formulas {
        let text = &formula.text;
        let unit = if text.unit.is_empty() { String::new() } else { format!(", {}", text.unit) };
        let go = if formula.go == field.go { String::new() } else { format!(", Go {}", formula.go) };
        let when: Vec<String> = text.when.iter().map(|when| markdown::code(when)).collect();
        let when = if when.is_empty() { String::new() } else { format!("; where {}", when.join(" and ")) };
        out.push_str(&markdown::item(&format!("{}{unit}{go}: {}{when}", text.name, markdown::code(&plain(&text.is)))));
    }
    writeln!(out, "\n{}", example::of_field(family, &text.id).trim_end())?;
    if !field.names.is_empty() {
        writeln!(out, "\nWhat may be printed:\n")?;
    }
    for (go, name) in &field.names {
        let printed = if name.printed.is_empty() { "nothing".to_owned() } else { markdown::code(&name.printed) };
        let called = if name.name.is_empty() { String::new() } else { format!(", {}", name.name) };
        out.push_str(&markdown::item(&format!("{printed}{called} (Go {go}): {}", name.meaning)));
    }
    see(out, names, &format!("{}.{}", family.text.id, text.id))?;
    writeln!(out, "\nSource: {}", markdown::code(&text.source))
}

/// A formula without the marks for numbers that are shown as one: `[procs P]` is `(procs)`.
fn plain(formula: &str) -> String {
    let mut plain = String::new();
    for char in formula.chars() {
        match char {
            '[' => plain.push('('),
            ']' => {
                // The unit is its last word.
                plain.truncate(plain.rfind(' ').unwrap_or(plain.len()));
                plain.push(')');
            }
            char => plain.push(char),
        }
    }
    plain
}

fn kind_words(kind: Kind) -> &'static str {
    match kind {
        Kind::Uint => "a whole number",
        Kind::Int => "a whole number, perhaps negative",
        Kind::Hex => "a hexadecimal number",
        Kind::Seconds3 => "seconds with three decimals",
        Kind::Millis2 => "two significant digits below 10 ms, whole milliseconds above",
        Kind::Bool => "true or false, or 1 or 0",
        Kind::Flag => "true when its words are printed",
        Kind::IntList => "whole numbers separated by blanks",
        Kind::HexList => "hexadecimal numbers, a blank before each",
        Kind::Text | Kind::LongText => "text",
        Kind::FloatE => "a sign, seven digits and an exponent of three digits",
        Kind::FloatG => "as few digits as give the number back",
        Kind::Ref => "a whole number, or nil or -1 for none",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_formula_is_shown_without_units_inside() {
        assert_eq!(plain("a / ([procs P] * [1000 * (b - c) ms])"), "a / ((procs) * (1000 * (b - c)))");
    }
}
