//! The settings of both editors and their documentation, from the JSON schema of `gotracelens/src/config.rs`.
//!
//! Only what the server reads comes from there. What a client alone reads (where the program is, what it looks at) is
//! declared by that client.

use std::fmt::Write;
use std::fs;

use serde_json::{Map, Value};

use super::Output;
use super::markdown;
use crate::Outcome;
use crate::files::root;

/// A setting that the server reads.
#[derive(Clone, Debug, PartialEq)]
struct Setting {
    /// Its full name below the section, e.g. `summary.where`.
    name: String,
    doc: String,
    /// Where VS Code lets it be set: `resource` unless the declaration says otherwise.
    scope: String,
    kind: Kind,
    default: Value,
}

#[derive(Clone, Debug, PartialEq)]
enum Kind {
    /// One of these, each with what it does.
    Choice(Vec<(String, String)>),
    Bool,
    Number,
    Text,
    /// A list of strings.
    List,
    /// An object or a list of objects that is set in whole: the part of the schema that says what may be in it.
    Table(Value),
}

/// Settings whose keys are no settings of their own.
const TABLES: [&str; 2] = ["rules", "overrides"];

/// What of the schema of such a setting an editor checks.
const TABLE_KEYS: [&str; 4] = ["type", "properties", "items", "additionalProperties"];

pub(super) fn generate() -> Outcome<Vec<Output>> {
    let settings = read(&fs::read_to_string(root().join(SCHEMA)).map_err(|error| format!("read {SCHEMA}: {error}"))?)?;
    let between = |path: &str, begin: &str, end: &str, text: &str| -> Outcome<Output> {
        let old = fs::read_to_string(root().join(path)).map_err(|error| format!("read {path}: {error}"))?;
        Ok(Output { path: path.to_owned(), text: replaced(path, &old, begin, end, text)? })
    };
    let lua = between(
        CONFIG_LUA,
        "-- generated: begin server settings\n",
        "  -- generated: end server settings",
        &lua(&settings),
    )?;
    let lua_types = replaced(
        CONFIG_LUA,
        &lua.text,
        "-- generated: begin server setting types\n",
        "-- generated: end server setting types",
        &lua_types(&settings),
    )?;
    Ok(vec![
        Output { text: lua_types, ..lua },
        between("editors/vscode/package.json", PACKAGE_BEGIN, PACKAGE_END, &package(&settings))?,
        between("editors/vscode/README.md", TABLE_BEGIN, TABLE_END, &table(&settings))?,
        between("editors/nvim/doc/gotracelens.txt", HELP_BEGIN, HELP_END, &help(&settings))?,
        Output { path: "server/docs/settings.md".to_owned(), text: page(&settings) },
    ])
}

const SCHEMA: &str = "server/docs/settings.schema.json";
const CONFIG_LUA: &str = "editors/nvim/lua/gotracelens/config.lua";
/// JSON has no comments: the last setting that is the client's own, and what follows the settings.
const PACKAGE_BEGIN: &str = "When off, only documents whose language is *Go Runtime Trace* are read.\"\n        },\n";
const PACKAGE_END: &str = "      }\n    },\n    \"configurationDefaults\"";
const TABLE_BEGIN: &str = "<!-- generated: begin settings of the server -->\n";
const TABLE_END: &str = "<!-- generated: end -->";
/// Help has no comments either, but tags.
const HELP_BEGIN: &str = "                                                *gotracelens-server-settings*\n";
const HELP_END: &str = "                                                  *gotracelens-more-settings*";

/// A text with what stands between two marks replaced.
fn replaced(path: &str, old: &str, begin: &str, end: &str, new: &str) -> Outcome<String> {
    let start = old.find(begin).map(|at| at + begin.len());
    let start = start.ok_or_else(|| format!("{path}: the mark {begin:?} is missing"))?;
    let stop = old[start..].find(end).map(|at| start + at);
    let stop = stop.ok_or_else(|| format!("{path}: the mark {end:?} is missing"))?;
    Ok(format!("{}{new}{}", &old[..start], &old[stop..]))
}

fn read(schema: &str) -> Outcome<Vec<Setting>> {
    let schema: Value = serde_json::from_str(schema).map_err(|error| format!("{SCHEMA}: {error}"))?;
    let none = Map::new();
    let defs = schema["$defs"].as_object().unwrap_or(&none);
    let mut settings = Vec::new();
    collect("", &schema, defs, &mut settings)?;
    if settings.is_empty() {
        return Err(format!("{SCHEMA}: there is no setting in it"));
    }
    Ok(settings)
}

/// Settings below an object, areas first to last.
fn collect(prefix: &str, object: &Value, defs: &Map<String, Value>, settings: &mut Vec<Setting>) -> Outcome {
    for (key, property) in object["properties"].as_object().into_iter().flatten() {
        let name = format!("{prefix}{key}");
        let target = property["$ref"].as_str().and_then(|target| defs.get(target.trim_start_matches("#/$defs/")));
        let declared = target.unwrap_or(property);
        let is_table = TABLES.contains(&name.as_str());
        if declared["properties"].is_object() && !is_table {
            collect(&format!("{name}."), declared, defs, settings)?;
            continue;
        }
        let text = |value: &Value| value.as_str().unwrap_or_default().split_whitespace().collect::<Vec<_>>().join(" ");
        let kind = match (declared["type"].as_str(), declared["oneOf"].as_array()) {
            _ if is_table => Kind::Table(
                declared
                    .as_object()
                    .into_iter()
                    .flatten()
                    .filter(|(key, _)| TABLE_KEYS.contains(&key.as_str()))
                    .map(|(key, value)| (key.clone(), value.clone()))
                    .collect(),
            ),
            (_, Some(values)) => {
                Kind::Choice(values.iter().map(|one| (text(&one["const"]), text(&one["description"]))).collect())
            }
            (Some("boolean"), _) => Kind::Bool,
            (Some("number"), _) => Kind::Number,
            (Some("string"), _) => Kind::Text,
            (Some("array"), _) if declared["items"]["type"] == "string" => Kind::List,
            _ => return Err(format!("{SCHEMA}: {name} is of a type that no editor has a form for")),
        };
        let scope = property["x-scope"].as_str().unwrap_or("resource").to_owned();
        settings.push(Setting {
            name,
            doc: text(&property["description"]),
            scope,
            kind,
            default: property["default"].clone(),
        });
    }
    Ok(())
}

/// As `contributes.configuration.properties` of VS Code's extension wants them.
fn package(settings: &[Setting]) -> String {
    let one = |setting: &Setting| {
        let json =
            |value: &Value| serde_json::to_string_pretty(value).unwrap_or_default().replace('\n', "\n          ");
        let mut entries = Vec::new();
        match &setting.kind {
            Kind::Choice(values) => {
                entries.push(("type", Value::from("string")));
                entries.push(("enum", values.iter().map(|(value, _)| value.as_str()).collect::<Vec<_>>().into()));
                entries
                    .push(("enumDescriptions", values.iter().map(|(_, doc)| doc.as_str()).collect::<Vec<_>>().into()));
            }
            Kind::Bool => entries.push(("type", "boolean".into())),
            Kind::Number => entries.push(("type", "number".into())),
            Kind::Text => entries.push(("type", "string".into())),
            Kind::List => {
                entries.push(("type", "array".into()));
                entries.push(("items", serde_json::json!({"type": "string"})));
            }
            Kind::Table(schema) => {
                entries.extend(TABLE_KEYS.iter().filter_map(|key| Some((*key, schema.get(*key)?.clone()))));
            }
        }
        entries.push(("default", setting.default.clone()));
        entries.push(("scope", setting.scope.as_str().into()));
        entries.push(("markdownDescription", setting.doc.as_str().into()));
        let entries: Vec<String> =
            entries.iter().map(|(key, value)| format!("          \"{key}\": {}", json(value))).collect();
        format!("        \"gotracelens.{}\": {{\n{}\n        }}", setting.name, entries.join(",\n"))
    };
    settings.iter().map(one).collect::<Vec<_>>().join(",\n") + "\n"
}

/// As the table of Neovim's plugin wants them.
fn lua(settings: &[Setting]) -> String {
    let mut lua = String::new();
    for setting in settings {
        let mut entries = vec![format!("type = \"{}\"", lua_type(&setting.kind))];
        if let Kind::Choice(values) = &setting.kind {
            let values: Vec<String> = values.iter().map(|(value, _)| format!("\"{value}\"")).collect();
            entries.push(format!("values = {{ {} }}", values.join(", ")));
        }
        if !setting.default.is_array() && !setting.default.is_object() && !setting.default.is_null() {
            entries.push(format!("default = {}", setting.default));
        }
        entries.push("sent = true".to_owned());
        let name = &setting.name;
        let line = format!("  [\"{name}\"] = {{ {} }},\n", entries.join(", "));
        if line.len() <= 120 {
            lua.push_str(&line);
        } else {
            let _ = writeln!(lua, "  [\"{name}\"] = {{\n    {},\n  }},", entries.join(",\n    "));
        }
    }
    lua
}

const fn lua_type(kind: &Kind) -> &'static str {
    match kind {
        Kind::Choice(_) | Kind::Text => "string",
        Kind::Bool => "boolean",
        Kind::Number => "number",
        Kind::List => "list",
        Kind::Table(_) => "table",
    }
}

/// Names of areas as class names: `inlayHints` becomes `InlayHints`.
fn class(area: &str) -> String {
    let mut chars = area.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}

/// Classes for those who write settings, one an area, and the fields of the whole.
fn lua_types(settings: &[Setting]) -> String {
    let mut lua = String::from("---@class (exact) gotracelens.ServerOpts\n");
    let area = |setting: &Setting| setting.name.split_once('.').map(|(area, _)| area.to_owned());
    let mut areas: Vec<String> = settings.iter().filter_map(area).collect();
    areas.dedup();
    for setting in settings.iter().filter(|setting| area(setting).is_none()) {
        let _ = writeln!(lua, "{}", lua_field(&setting.name, setting));
    }
    for area in &areas {
        let _ = writeln!(lua, "---@field {area}? gotracelens.Opts.{}", class(area));
    }
    for area in &areas {
        let _ = writeln!(lua, "\n---@class (exact) gotracelens.Opts.{}", class(area));
        for setting in settings {
            if let Some(key) = setting.name.strip_prefix(&format!("{area}.")) {
                let _ = writeln!(lua, "{}", lua_field(key, setting));
            }
        }
    }
    lua
}

fn lua_field(key: &str, setting: &Setting) -> String {
    let kind = match &setting.kind {
        Kind::Choice(values) => values.iter().map(|(value, _)| format!("\"{value}\"")).collect::<Vec<_>>().join("|"),
        Kind::List => "string[]".to_owned(),
        kind => lua_type(kind).to_owned(),
    };
    format!("---@field {key}? {kind} {}", setting.doc)
}

/// Rows of the table in the extension's page.
fn table(settings: &[Setting]) -> String {
    let row = |setting: &Setting| {
        format!("| `gotracelens.{}` | `{}` | {} |\n", setting.name, shown(&setting.default), setting.doc)
    };
    format!(
        "\n| setting of the server | default | meaning |\n|---|---|---|\n{}\n",
        settings.iter().map(row).collect::<String>()
    )
}

/// A default, as people would write it.
fn shown(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// Entries of Neovim's help, wrapped at 78 columns.
fn help(settings: &[Setting]) -> String {
    let mut help = String::new();
    for setting in settings {
        let tag = format!("*gotracelens.{}*", setting.name);
        let gap = 78_usize.saturating_sub(setting.name.len() + tag.len()).max(1);
        let _ = writeln!(help, "{}{}{tag}", setting.name, " ".repeat(gap));
        let kind = match &setting.kind {
            Kind::Choice(values) => {
                values.iter().map(|(value, _)| format!("\"{value}\"")).collect::<Vec<_>>().join(" | ")
            }
            Kind::List => "list of strings".to_owned(),
            kind => lua_type(kind).to_owned(),
        };
        let is_table = setting.default.is_array() || setting.default.is_object();
        let default = if is_table { "empty".to_owned() } else { setting.default.to_string() };
        let mut text = format!("{kind}, default {default}. {}", setting.doc);
        if let Kind::Choice(values) = &setting.kind {
            text.extend(values.iter().map(|(value, doc)| format!(" \"{value}\": {doc}")));
        }
        let mut column = usize::MAX;
        for word in text.split_whitespace() {
            if column.saturating_add(1 + word.chars().count()) > 78 {
                help.push_str(if column == usize::MAX { "        " } else { "\n        " });
                column = 8;
            } else {
                help.push(' ');
                column += 1;
            }
            help.push_str(word);
            column += word.chars().count();
        }
        help.push_str("\n\n");
    }
    help
}

/// The page about all of them.
fn page(settings: &[Setting]) -> String {
    let mut page = String::from(markdown::HEAD);
    page.push_str("# Settings\n\n");
    page.push_str(&markdown::paragraph(
        "What the server reads, the same in every editor. In VS Code their names begin with `gotracelens.`; in Neovim \
         they are keys of `vim.g.gotracelens`; other clients answer `workspace/configuration` for the section \
         `gotracelens` with them. Levels and limits of rules stand under `rules`, by the slug of the rule; see the \
         page of the rule. What is not understood is reported and changes nothing else. No setting chooses a command. \
         Those about judging can stand in a file of the project, too: [gotracelens.toml](project.md).",
    ));
    for setting in settings {
        let _ = write!(page, "\n## {}\n\n", setting.name);
        page.push_str(&markdown::paragraph(&setting.doc));
        page.push('\n');
        if let Kind::Choice(values) = &setting.kind {
            for (value, doc) in values {
                page.push_str(&markdown::item(&format!("`{value}`: {doc}")));
            }
            page.push('\n');
        }
        let _ = writeln!(page, "Default: `{}`", shown(&setting.default));
    }
    page
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_read_with_their_areas_values_and_scopes() {
        let schema = r##"{"properties": {
            "a": {"type": "boolean", "default": false, "description": "One\ntwo.", "x-scope": "window"},
            "b": {"$ref": "#/$defs/B"},
            "rules": {"type": "object", "default": {}, "properties": {"x": {"type": "number"}}, "title": "no"}
        }, "$defs": {
            "B": {"properties": {"c": {"$ref": "#/$defs/C", "default": "x", "description": "Which."}}},
            "C": {"oneOf": [{"const": "x", "description": "It."}]}
        }}"##;
        let settings = read(schema).unwrap();
        let names: Vec<&str> = settings.iter().map(|setting| setting.name.as_str()).collect();
        assert_eq!(names, ["a", "b.c", "rules"]);
        let Kind::Table(table) = &settings[2].kind else { panic!("{:?}", settings[2]) };
        assert_eq!(*table, serde_json::json!({"type": "object", "properties": {"x": {"type": "number"}}}));
        assert_eq!((settings[0].doc.as_str(), settings[0].scope.as_str()), ("One two.", "window"));
        assert_eq!(settings[1].kind, Kind::Choice(vec![("x".to_owned(), "It.".to_owned())]));
        assert_eq!(
            lua(&settings[1..2]),
            "  [\"b.c\"] = { type = \"string\", values = { \"x\" }, default = \"x\", sent = true },\n"
        );
    }

    #[test]
    fn a_setting_without_a_form_is_refused() {
        let schema = r#"{"properties": {"a": {"type": "array", "items": {"type": "number"}}}}"#;
        assert!(read(schema).unwrap_err().contains("a is of a type"));
    }

    #[test]
    fn a_lost_mark_is_an_error() {
        assert!(replaced("x", "begin end", "begin ", "fin", "").unwrap_err().contains("\"fin\" is missing"));
        assert_eq!(replaced("x", "a[old]b", "[", "]", "new"), Ok("a[new]b".to_owned()));
    }
}
