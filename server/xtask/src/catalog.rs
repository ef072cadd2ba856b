//! Reads and checks the catalog files. What is here compiles into `tracelog::catalog`; this is its source form.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::Outcome;
use crate::releases::{self, Releases};
use crate::template::{Part, Template};

mod claims;
mod formula;
mod glossary;
pub mod godebug;
mod prose;
mod sample;

pub use claims::{ConfusionText, Formula};
pub use formula::{Expr, Reference};
pub use glossary::{CorpusLine, Term, anchor};
pub use sample::{Origin, Sample};

/// The whole catalog, checked.
pub struct Catalog {
    /// Minor number of the newest release described.
    pub newest: u8,
    /// Kinds of blocks of lines.
    pub blocks: Vec<BlockText>,
    /// In display order.
    pub families: Vec<Family>,
    /// The words of the field, group by group.
    pub terms: Vec<Term>,
    /// Ids of families and shapes by which editors recognize a text.
    pub recognized_by: Vec<String>,
    /// Ids of shapes whose samples do that, and nothing else of them.
    pub recognized_by_samples: Vec<String>,
    /// Settings of GODEBUG.
    pub godebug: godebug::Godebug,
}

/// One kind of line.
pub struct Family {
    /// What the file says.
    pub text: FamilyText,
    /// In display order, which is also their printed order in every shape.
    pub fields: Vec<Field>,
    /// Oldest first.
    pub shapes: Vec<Shape>,
}

/// A kind of block: lines that mean something together.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BlockText {
    pub id: String,
    pub meaning: String,
}

/// One field.
pub struct Field {
    /// What the file says.
    pub text: FieldText,
    /// Releases that print it.
    pub go: Releases,
    /// What differs by release, each note with the releases it is for.
    pub notes: Vec<(Releases, String)>,
    /// What single printed values are called, each with the releases that print it.
    pub names: Vec<(Releases, NameText)>,
    /// What it gives together with other values.
    pub formulas: Vec<Formula>,
    /// What it is commonly taken for, each with the releases of which that must be said.
    pub confusions: Vec<(Releases, ConfusionText)>,
    /// The parts of its source, each with the releases it is for.
    pub sources: Vec<(Releases, String)>,
}

/// One layout.
pub struct Shape {
    /// What the file says.
    pub text: ShapeText,
    /// Releases that print it.
    pub go: Releases,
    /// The template in parts.
    pub template: Template,
    /// Lines of this shape and what is in them.
    pub samples: Vec<Sample>,
}

/// `catalog.toml`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Index {
    newest_release: String,
    documented_samples: usize,
    units: Vec<claims::UnitText>,
    blocks: Vec<BlockText>,
    families: Vec<String>,
    recognized_by: Vec<String>,
    recognized_by_samples: Vec<String>,
}

/// `formats/<family>.toml`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FamilyText {
    pub id: String,
    pub title: String,
    pub knob: String,
    pub meaning: String,
    pub source: String,
    #[serde(default)]
    fields: Vec<FieldText>,
    shapes: Vec<ShapeText>,
}

/// `[[fields]]` of a family.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FieldText {
    pub id: String,
    pub title: String,
    pub unit: String,
    pub kind: Kind,
    pub role: Role,
    #[serde(default)]
    pub cumulative: bool,
    pub go: Option<String>,
    pub meaning: String,
    pub reading: String,
    #[serde(default)]
    pub normal: String,
    #[serde(default)]
    pub suspect: String,
    #[serde(default)]
    notes: Vec<NoteText>,
    /// What single printed values are called.
    #[serde(default)]
    names: Vec<NameText>,
    /// `family.field`: has the names of that field too.
    names_like: Option<String>,
    #[serde(default)]
    formula: Vec<claims::FormulaText>,
    #[serde(default)]
    confusion: Vec<ConfusionText>,
    pub source: String,
}

/// One of the `names` of a field: what one printed value is called and means.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NameText {
    pub printed: String,
    /// Empty where what is printed is the name.
    #[serde(default)]
    pub name: String,
    pub go: String,
    pub meaning: String,
}

/// One of the `notes` of a field.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct NoteText {
    go: String,
    text: String,
}

/// `[[shapes]]` of a family.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ShapeText {
    pub id: String,
    pub go: String,
    pub template: String,
    /// Where in a line it is looked for.
    #[serde(default)]
    pub at: At,
    /// Blocks in which it is claimed; anywhere when there are none.
    #[serde(default)]
    pub within: Vec<String>,
    /// The block that it opens.
    pub opens: Option<String>,
    /// Read by code, because parts of the layout are optional; the template is for people then.
    #[serde(default)]
    pub reader: Reader,
    /// What the line tells where its family has no field for it.
    #[serde(default)]
    pub note: String,
    #[serde(default)]
    samples: Vec<sample::SampleText>,
}

/// Where in a line a shape is looked for; see `tracelog::catalog::At`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum At {
    #[default]
    Anywhere,
    Line,
}

/// What reads a shape; see `tracelog::catalog::Reader`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reader {
    #[default]
    Template,
    Goroutine,
}

/// How a field is printed; see `tracelog::catalog::Kind`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    Uint,
    Int,
    Hex,
    Seconds3,
    Millis2,
    Bool,
    Flag,
    IntList,
    HexList,
    Text,
    LongText,
    FloatE,
    FloatG,
    Ref,
}

impl Kind {
    /// Reads the kind after the colon of `{id:hex}`.
    pub fn parse(name: &str) -> Outcome<Self> {
        use serde::de::IntoDeserializer;
        let name: serde::de::value::StrDeserializer<'_, serde::de::value::Error> = name.into_deserializer();
        Self::deserialize(name).map_err(|error| error.to_string())
    }

    /// The JSON type of the field, which an id keeps everywhere.
    fn json_type(self) -> &'static str {
        match self {
            Self::Uint | Self::Int | Self::Hex | Self::Ref => "integer",
            Self::Seconds3 | Self::Millis2 | Self::FloatE | Self::FloatG => "number",
            Self::Bool | Self::Flag => "boolean",
            Self::IntList | Self::HexList => "array of integers",
            Self::Text | Self::LongText => "string",
        }
    }
}

/// What a value is; see `tracelog::catalog::Role`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    Time,
    Pause,
    Cpu,
    Heap,
    Goal,
    Count,
    Id,
    State,
    Function,
    File,
    Text,
}

/// Reads `catalog.toml` and the files of its families below `folder`.
pub fn read(folder: &Path) -> Outcome<Catalog> {
    read_edited(folder, |_, text| text)
}

/// Reads the catalog as it would be after an edit, which is given the name of each file below `folder` and its text.
pub fn read_edited(folder: &Path, edit: impl Fn(&str, String) -> String) -> Outcome<Catalog> {
    let index: Index = read_toml(folder, "catalog.toml", &edit)?;
    let newest = releases::parse_minor(&index.newest_release)?;
    let mut families = Vec::new();
    for id in &index.families {
        let text: FamilyText = read_toml(folder, &format!("formats/{id}.toml"), &edit)?;
        if text.id != *id {
            return Err(format!("family \"{}\" in {id}.toml: its id is not the name of the file", text.id));
        }
        families.push(check_family(text, newest, &index).map_err(|error| format!("family \"{id}\": {error}"))?);
    }
    share_names(&mut families)?;
    check_json_types(&families)?;
    claims::check(&families)?;
    check_documented(&families, index.documented_samples)?;
    let Index { blocks, recognized_by, recognized_by_samples, .. } = index;
    check_recognized(&families, &recognized_by, &recognized_by_samples)?;
    let terms = glossary::check(read_toml(folder, "glossary.toml", &edit)?)?;
    let text =
        fs::read_to_string(folder.join("godebug.toml")).map_err(|error| format!("read godebug.toml: {error}"))?;
    let ids: Vec<&str> = families.iter().map(|family| family.text.id.as_str()).collect();
    let godebug = godebug::parse(&text, newest, &ids)?;
    Ok(Catalog { newest, blocks, families, terms, recognized_by, recognized_by_samples, godebug })
}

fn read_toml<T: DeserializeOwned>(folder: &Path, name: &str, edit: impl Fn(&str, String) -> String) -> Outcome<T> {
    let text = fs::read_to_string(folder.join(name)).map_err(|error| format!("read {name}: {error}"))?;
    toml::from_str(&edit(name, text)).map_err(|error| format!("read {name}: {error}"))
}

fn check_family(text: FamilyText, newest: u8, index: &Index) -> Outcome<Family> {
    prose::check_family(&text)?;
    let mut shapes: Vec<Shape> = Vec::new();
    for shape in &text.shapes {
        let about = |error| format!("shape \"{}\": {error}", shape.id);
        let go = Releases::parse(&shape.go, newest).map_err(about)?;
        let template = match shape.at {
            At::Anywhere => Template::parse(&shape.template),
            At::Line => Template::parse_line(&shape.template),
        }
        .map_err(about)?;
        check_shape(shape, &template, &text).map_err(about)?;
        let unknown = |block: &&String| !index.blocks.iter().any(|known| known.id == **block);
        if let Some(block) = shape.within.iter().chain(&shape.opens).find(unknown) {
            return Err(about(format!("block \"{block}\" is not in catalog.toml")));
        }
        if shape.at == At::Anywhere && shape.reader != Reader::Template {
            return Err(about("only whole lines are read by code".to_owned()));
        }
        if shapes.iter().any(|other| other.text.id == shape.id) {
            return Err(about("id used twice".to_owned()));
        }
        shapes.push(Shape { text: shape.clone(), go, template, samples: Vec::new() });
    }
    let mut fields: Vec<Field> = Vec::new();
    for field in &text.fields {
        let about = |error| format!("field \"{}\": {error}", field.id);
        prose::check_field(field).map_err(about)?;
        let printed = shapes
            .iter()
            .filter(|shape| shape.template.fields().any(|id| id == field.id))
            .fold(Releases::NONE, |all, shape| all.union(shape.go));
        let go = match &field.go {
            Some(go) => Releases::parse(go, newest).map_err(about)?.intersection(printed),
            None => printed,
        };
        if go.is_empty() {
            return Err(about("no shape prints it".to_owned()));
        }
        if fields.iter().any(|other| other.text.id == field.id) {
            return Err(about("id used twice".to_owned()));
        }
        let notes = read_notes(field, go, newest).map_err(about)?;
        let names = field.names.iter().map(|name| Ok((Releases::parse(&name.go, newest)?, name.clone())));
        let names = names.collect::<Outcome<_>>().map_err(about)?;
        let formulas = claims::formulas(field, go, newest).map_err(about)?;
        let mut confusions = claims::confusions(field, go, newest).map_err(about)?;
        for unit in index.units.iter().filter(|unit| unit.unit == field.unit) {
            confusions.push(unit.confusion(go).map_err(about)?);
        }
        let sources = claims::sources(&field.source, newest);
        fields.push(Field { text: field.clone(), go, notes, names, formulas, confusions, sources });
    }
    for shape in &mut shapes {
        let about = |error| format!("shape \"{}\": {error}", shape.text.id);
        shape.samples = sample::read(&shape.text.samples, shape, &fields).map_err(about)?;
    }
    Ok(Family { text, fields, shapes })
}

/// Gives fields the names of those they are like.
fn share_names(families: &mut [Family]) -> Outcome {
    let find = |families: &[Family], path: &str| {
        let (family, field) = path.split_once('.')?;
        let family = families.iter().find(|other| other.text.id == family)?;
        Some(family.fields.iter().find(|other| other.text.id == field)?.names.clone())
    };
    for at in 0..families.len() {
        for field in 0..families[at].fields.len() {
            let Some(path) = families[at].fields[field].text.names_like.clone() else { continue };
            let names =
                find(families, &path).ok_or_else(|| format!("names_like \"{path}\": there is no such field"))?;
            families[at].fields[field].names.extend(names);
        }
    }
    Ok(())
}

fn read_notes(field: &FieldText, printed: Releases, newest: u8) -> Outcome<Vec<(Releases, String)>> {
    let mut notes = Vec::new();
    for note in &field.notes {
        let go = Releases::parse(&note.go, newest)?;
        if go.intersection(printed) != go {
            return Err(format!("the note for {} names a release that does not print the field", note.go));
        }
        notes.push((go, note.text.clone()));
    }
    Ok(notes)
}

/// Every field of the template is declared, is printed in the order of declaration, and flags are flags.
fn check_shape(shape: &ShapeText, template: &Template, family: &FamilyText) -> Outcome {
    if !shape.id.starts_with(&family.id) {
        return Err(format!("its id does not begin with \"{}\"", family.id));
    }
    let mut previous = None;
    for part in &template.parts {
        let (id, is_flag) = match part {
            Part::Literal(_) | Part::Pad => continue,
            Part::Value { field, kind } => {
                if let Some(kind) = kind {
                    Kind::parse(kind)?;
                }
                (field, false)
            }
            Part::Flag { field, .. } => (field, true),
        };
        let Some(index) = family.fields.iter().position(|field| field.id == *id) else {
            return Err(format!("field \"{id}\" is not declared"));
        };
        if (family.fields[index].kind == Kind::Flag) != is_flag {
            return Err(format!("field \"{id}\": flags, and only flags, are written {{id?text}}"));
        }
        if previous >= Some(index) {
            return Err(format!("field \"{id}\": printed twice, or not in the order of declaration"));
        }
        previous = Some(index);
    }
    Ok(())
}

/// Samples that no recording backs are counted, and the count is committed: it may only fall.
fn check_documented(families: &[Family], committed: usize) -> Outcome {
    let samples = families.iter().flat_map(|family| &family.shapes).flat_map(|shape| &shape.samples);
    let count = samples.filter(|sample| sample.origin == Origin::Documented).count();
    if count == committed {
        return Ok(());
    }
    let advice = if count > committed { "record the new ones instead" } else { "lower the number in catalog.toml" };
    Err(format!("documented samples: {count}, while catalog.toml says {committed}; {advice}"))
}

/// What editors recognize a text by exists, and means something outside of a block.
fn check_recognized(families: &[Family], by: &[String], by_samples: &[String]) -> Outcome {
    for id in by.iter().chain(by_samples) {
        let shapes = families.iter().flat_map(|family| &family.shapes);
        let mut named = shapes.filter(|shape| shape.text.id == *id);
        let is_family = by.contains(id) && families.iter().any(|family| family.text.id == *id);
        if !is_family && !named.any(|shape| shape.text.within.is_empty()) {
            return Err(format!("recognized by \"{id}\": there is no such family, or shape outside of blocks"));
        }
    }
    Ok(())
}

/// One id has one JSON type in all families, so that rows of different families fit into one table.
fn check_json_types(families: &[Family]) -> Outcome {
    let mut types = BTreeMap::new();
    for family in families {
        for field in &family.fields {
            let json_type = field.text.kind.json_type();
            if *types.entry(&field.text.id).or_insert(json_type) != json_type {
                return Err(format!(
                    "field \"{}\" of family \"{}\": another JSON type elsewhere",
                    field.text.id, family.text.id
                ));
            }
        }
    }
    Ok(())
}
