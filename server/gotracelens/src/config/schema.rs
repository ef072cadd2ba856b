//! Parts of the schema that no type says: the rules with their limits, and amounts that are written as text.

use ide::rules::RULES;
use schemars::{Schema, SchemaGenerator, json_schema};
use serde_json::{Map, Value, json};

/// Levels that a rule may be given.
const LEVELS: [&str; 5] = ["off", "hint", "info", "warning", "error"];

pub(super) fn memory_limit(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "string",
        "default": "",
    })
}

pub(super) fn cpu_limit(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "number",
        "default": 0,
    })
}

/// Every rule with its limits, so that editors complete and check what is written.
pub(super) fn rules(_: &mut SchemaGenerator) -> Schema {
    let mut schema = rules_by_slug();
    schema["default"] = json!({});
    Schema::try_from(schema).unwrap_or_default()
}

/// Settings for some files.
pub(super) fn overrides(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "array",
        "default": [],
        "items": {
            "type": "object",
            "required": ["files"],
            "additionalProperties": false,
            "properties": {
                "files": {"type": "array", "items": {"type": "string"}},
                "preset": {"type": "string", "enum": ["default", "latency", "quiet"]},
                "memoryLimit": {"type": "string"},
                "cpuLimit": {"type": "number"},
                "rules": {"type": "object"},
            },
        },
    })
}

fn rules_by_slug() -> Value {
    let mut properties = Map::new();
    for rule in RULES {
        let mut limits = Map::new();
        limits.insert("level".to_owned(), json!({"type": "string", "enum": LEVELS}));
        for limit in rule.limits {
            let unit = if limit.unit.is_empty() { String::new() } else { format!(" ({})", limit.unit) };
            let description = format!("{}{unit}", limit.doc.trim_end_matches('.'));
            limits.insert(
                limit.name.to_owned(),
                json!({"type": "number", "default": limit.default, "description": description}),
            );
        }
        let one = json!({
            "description": format!("{}: {}", rule.code, rule.title),
            "type": ["object", "string"],
            "properties": limits,
            "additionalProperties": false,
        });
        properties.insert(rule.slug.to_owned(), one);
    }
    json!({"type": "object", "properties": properties, "additionalProperties": false})
}
