//! The reference in `server/docs`: families, layouts, fields, and the scopes of the grammar. mdBook can build it.

use std::fmt::{self, Write};

use super::Output;
use super::markdown::{self, HEAD, paragraph};
use super::rules::RulePage;
use super::textmate::{SCOPE, is_seen, keyword_scope, value_scope};
use crate::catalog::{Catalog, Family, Field, Kind, Origin, Role, Shape};

/// All pages but those of the rules.
pub fn generate(catalog: &Catalog, rules: &[RulePage]) -> Vec<Output> {
    let mut outputs = vec![
        page("server/docs/README.md", |out| index(out, catalog)),
        page("server/docs/SUMMARY.md", |out| summary(out, catalog, rules)),
        page("server/docs/scopes.md", |out| scopes(out, catalog)),
    ];
    for family in &catalog.families {
        outputs.push(page(&format!("server/docs/formats/{}.md", family.text.id), |out| family_page(out, family)));
    }
    outputs
}

fn page(path: &str, write: impl FnOnce(&mut String) -> fmt::Result) -> Output {
    let mut text = String::from(HEAD);
    // Writing to a String cannot fail.
    let written = write(&mut text);
    debug_assert!(written.is_ok());
    Output { path: path.to_owned(), text }
}

fn index(out: &mut String, catalog: &Catalog) -> fmt::Result {
    writeln!(out, "# Reference\n")?;
    out.push_str(&paragraph(&format!(
        "What a Go program prints about itself, Go 1.0 – 1.{}: every layout of every line, every field, and what can be \
         wrong. The texts are those that hovers and `gotracelens explain` show.",
        catalog.newest
    )));
    writeln!(out, "\n## Lines\n\n| family | switch | Go | fields |\n| --- | --- | --- | ---: |")?;
    for family in &catalog.families {
        let text = &family.text;
        let go = family.shapes.iter().map(|shape| shape.go).reduce(|all, go| all.union(go));
        let go = go.map(|go| go.to_string()).unwrap_or_default();
        writeln!(
            out,
            "| [{}](formats/{}.md) | `{}` | {go} | {} |",
            text.title,
            text.id,
            text.knob,
            family.fields.len()
        )?;
    }
    writeln!(out, "\n## Switches\n\n[GODEBUG](godebug.md): every setting, release by release.")?;
    writeln!(out, "\n## Findings\n\n[All rules](rules.md): what each looks for, why it matters, what to do next.")?;
    writeln!(out, "\n## Colors\n\n[Scopes of the TextMate grammar](scopes.md), for authors of color themes.")
}

fn summary(out: &mut String, catalog: &Catalog, rules: &[RulePage]) -> fmt::Result {
    writeln!(out, "# Summary\n\n[Reference](README.md)\n\n# Lines\n")?;
    for family in &catalog.families {
        writeln!(out, "- [{}](formats/{}.md)", family.text.title, family.text.id)?;
    }
    writeln!(out, "\n# Switches\n\n- [GODEBUG](godebug.md)")?;
    writeln!(out, "\n# Findings\n\n- [All rules](rules.md)")?;
    for rule in rules {
        writeln!(out, "  - [{} {}](rules/{}.md)", rule.code, rule.slug, rule.slug)?;
    }
    writeln!(out, "\n# Settings\n\n- [Settings](settings.md)")?;
    writeln!(out, "\n# Colors\n\n- [Scopes](scopes.md)")
}

fn scopes(out: &mut String, catalog: &Catalog) -> fmt::Result {
    writeln!(out, "# Scopes of the TextMate grammar\n")?;
    out.push_str(&paragraph(&format!(
        "The grammar `{SCOPE}` colors trace lines, also behind the prefixes of log collectors and inside JSON. In plain \
         log files an injection adds the same scopes to `text.log`. A torn line is colored as far as its values are \
         certain. A theme that knows `constant.numeric` colors all numbers; these are the finer names.",
    )));
    writeln!(out, "\n| scope | what |\n| --- | --- |")?;
    for (role, what) in ROLES {
        writeln!(out, "| `{}` | {what} |", value_scope(*role))?;
    }
    let is_colored = |family: &&Family| family.shapes.iter().any(is_seen);
    for family in catalog.families.iter().filter(is_colored) {
        writeln!(out, "| `{}` | first word of a line: {} |", keyword_scope(family), family.text.title)?;
    }
    for family in catalog.families.iter().filter(is_colored) {
        writeln!(out, "| `meta.line.{}.gotrace` | whole line: {} |", family.text.id, family.text.title)?;
    }
    Ok(())
}

const ROLES: &[(Role, &str)] = &[
    (Role::Time, "points in time and durations that are no pause"),
    (Role::Pause, "time during which the program was stopped"),
    (Role::Cpu, "P-time of the collector, and shares of it"),
    (Role::Heap, "sizes of heap and memory"),
    (Role::Goal, "heap goals"),
    (Role::Count, "numbers of things"),
    (Role::Id, "numbers that identify something: a cycle, a pass"),
    (Role::State, "switches, modes and states, such as (forced) and chan receive"),
    (Role::Function, "names of functions"),
    (Role::File, "paths of source files"),
    (Role::Text, "text of the program, such as the value of a panic"),
];

fn family_page(out: &mut String, family: &Family) -> fmt::Result {
    let text = &family.text;
    writeln!(out, "# {}\n", text.title)?;
    out.push_str(&paragraph(&text.meaning));
    writeln!(
        out,
        "\n- Switch: `{}`\n- Family: `{}`\n- Source: {}\n",
        text.knob,
        text.id,
        markdown::code(&text.source)
    )?;
    writeln!(out, "## Layouts\n")?;
    for shape in &family.shapes {
        shape_section(out, shape)?;
    }
    if family.fields.is_empty() {
        return Ok(());
    }
    writeln!(out, "## Fields\n\n| field | name | unit | Go |\n| --- | --- | --- | --- |")?;
    for field in &family.fields {
        let text = &field.text;
        writeln!(out, "| [`{id}`](#{id}) | {} | {} | {} |", text.title, text.unit, field.go, id = text.id)?;
    }
    for field in &family.fields {
        field_section(out, field)?;
    }
    Ok(())
}

fn shape_section(out: &mut String, shape: &Shape) -> fmt::Result {
    writeln!(out, "### {}: Go {}\n", markdown::code(&shape.text.id), shape.go)?;
    if !shape.text.note.is_empty() {
        out.push_str(&paragraph(&shape.text.note));
        writeln!(out)?;
    }
    writeln!(out, "```text\n{}\n```\n", shape.text.template.replace('~', ""))?;
    for sample in &shape.samples {
        let origin = match sample.origin {
            Origin::Recorded if sample.from.starts_with("gccgo") => format!("Printed by {}:", sample.from),
            Origin::Recorded => format!("Printed by Go {}:", sample.from),
            Origin::Documented => format!("From the source of Go {}, not recorded:", sample.from),
        };
        let lines: Vec<&str> =
            sample.before.iter().chain([&sample.text]).chain(&sample.after).map(String::as_str).collect();
        writeln!(out, "{origin}\n\n```text\n{}\n```\n", lines.join("\n"))?;
    }
    Ok(())
}

fn field_section(out: &mut String, field: &Field) -> fmt::Result {
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
    if !field.notes.is_empty() {
        writeln!(out)?;
    }
    for (go, note) in &field.notes {
        out.push_str(&markdown::item(&format!("Go {go}: {note}")));
    }
    if !field.names.is_empty() {
        writeln!(out, "\n| printed | name | Go | meaning |\n| --- | --- | --- | --- |")?;
    }
    for (go, name) in &field.names {
        let code = |text: &str| if text.is_empty() { String::new() } else { markdown::code(text) };
        let (printed, called) = (code(&name.printed), code(&name.name));
        writeln!(out, "| {printed} | {called} | {go} | {} |", name.meaning)?;
    }
    writeln!(out, "\nSource: {}", markdown::code(&text.source))
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
