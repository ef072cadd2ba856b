//! `gotracelens fields`: every field of every family.

use std::io::{self, BufWriter, Write};

use clap::ValueEnum;
use ide::words;
use serde::Serialize;
use tracelog::{Family, Field, Kind, Role, Shape};

use super::terminal::{self, ID, TITLE};
use super::{Exit, FamilyArg, json};

/// Options of `fields`.
#[derive(clap::Args)]
pub(super) struct Args {
    /// Only fields of this family; may be given more than once
    #[arg(long, value_name = "FAMILY")]
    family: Vec<FamilyArg>,

    /// A table for people, or one JSON array
    #[arg(long, value_enum, default_value_t = Format::Human)]
    format: Format,
}

#[derive(Clone, Copy, ValueEnum)]
enum Format {
    Human,
    Json,
}

#[derive(Serialize)]
struct FieldJson {
    family: &'static str,
    id: &'static str,
    title: &'static str,
    unit: Option<&'static str>,
    r#type: &'static str,
    role: &'static str,
    go: String,
    shapes: Vec<&'static str>,
    meaning: &'static str,
    reading: Option<&'static str>,
    normal: Option<&'static str>,
    suspect: Option<&'static str>,
    source: &'static str,
}

pub(super) fn run(args: &Args) -> io::Result<Exit> {
    let wanted = |family: &Family| args.family.is_empty() || args.family.iter().any(|arg| arg.0 == *family);
    let families: Vec<Family> = Family::ALL.iter().copied().filter(wanted).collect();
    match args.format {
        Format::Human => human(&families)?,
        Format::Json => {
            let fields: Vec<FieldJson> = families.iter().flat_map(|family| fields_of(*family)).map(to_json).collect();
            let mut out = BufWriter::new(io::stdout().lock());
            json::write_line(&fields, &mut out)?;
            out.flush()?;
        }
    }
    Ok(Exit::Success)
}

fn fields_of(family: Family) -> impl Iterator<Item = Field> {
    (0..family.def().fields.len()).map(move |index| Field { family, index: index as u8 })
}

fn human(families: &[Family]) -> io::Result<()> {
    let mut out = terminal::stdout();
    let mut first = true;
    for family in families.iter().filter(|family| !family.def().fields.is_empty()) {
        let def = family.def();
        if !std::mem::take(&mut first) {
            writeln!(out)?;
        }
        writeln!(out, "{TITLE}{}{TITLE:#}  {ID}{}, {}{ID:#}", def.title, def.id, def.knob)?;
        let id_width = def.fields.iter().map(|field| field.id.len()).max().unwrap_or(0);
        let title_width = def.fields.iter().map(|field| field.title.len()).max().unwrap_or(0);
        for field in fields_of(*family) {
            let def = field.def();
            let (id, unit, title) = (def.id, def.unit, def.title);
            writeln!(
                out,
                "  {id:id_width$}  {unit:4} {title:title_width$}  {ID}Go {}{ID:#}",
                words::printed_by(field)
            )?;
        }
    }
    out.flush()
}

fn to_json(field: Field) -> FieldJson {
    let def = field.def();
    let family = field.family.def();
    let some = |text: &'static str| Some(text).filter(|text| !text.is_empty());
    let has_field = |shape: &&Shape| words::field_indices(**shape).any(|index| index == field.index);
    FieldJson {
        family: family.id,
        id: def.id,
        title: def.title,
        unit: some(def.unit),
        r#type: json_type(def.kind),
        role: role(def.role),
        go: words::printed_by(field).to_string(),
        shapes: family.shapes.iter().filter(has_field).map(|shape| shape.def().id).collect(),
        meaning: def.meaning,
        reading: some(def.reading),
        normal: some(def.normal),
        suspect: some(def.suspect),
        source: def.source,
    }
}

/// The JSON type of a field in the output of `parse`.
pub(super) fn json_type(kind: Kind) -> &'static str {
    match kind {
        Kind::Uint | Kind::Int | Kind::Hex | Kind::Ref => "integer",
        Kind::Seconds3 | Kind::Millis2 | Kind::FloatE | Kind::FloatG => "number",
        Kind::Bool | Kind::Flag => "boolean",
        Kind::IntList | Kind::HexList => "array",
        Kind::Text | Kind::LongText => "string",
    }
}

fn role(role: Role) -> &'static str {
    match role {
        Role::Time => "time",
        Role::Pause => "pause",
        Role::Cpu => "cpu",
        Role::Heap => "heap",
        Role::Goal => "goal",
        Role::Count => "count",
        Role::Id => "id",
        Role::State => "state",
        Role::Function => "function",
        Role::File => "file",
        Role::Text => "text",
    }
}
