//! `gotracelens parse`: what every line says, as JSON Lines or as a table. The output is described in
//! `server/docs/parse.md`; that page and this module change together.

use std::io::{self, BufWriter, Write};
use std::sync::LazyLock;

use clap::ValueEnum;
use serde::ser::{SerializeMap, SerializeSeq, Serializer};
use serde::{Serialize, ser};
use serde_json::value::RawValue;
use tracelog::carrier::Carrier;
use tracelog::catalog::{NEWEST_MINOR, Piece};
use tracelog::template;
use tracelog::{Family, Field, GoReleases, Kind, Log, Part, Runs, Shape, cells};

use super::input::{Document, Place};
use super::joined::Files;
use super::lines::{self, ParsedItem, ParsedLine, Values};
use super::select::{Chosen, Selection};
use super::visible::visible;
use super::{Exit, json, report};

/// Options of `parse`.
#[derive(clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    files: Files,

    #[command(flatten)]
    selection: Selection,

    /// One object for each item instead of each line, with its fields beside the rest
    #[arg(long)]
    flat: bool,

    /// JSON Lines, or a table of items with a heading
    #[arg(long, value_enum, default_value_t = Format::Json)]
    format: Format,
}

#[derive(Clone, Copy, ValueEnum)]
enum Format {
    Json,
    Csv,
}

pub(super) fn run(args: &Args) -> io::Result<Exit> {
    if let Some(exit) = args.selection.refused() {
        return Ok(exit);
    }
    let out = BufWriter::with_capacity(1 << 16, io::stdout().lock());
    match args.format {
        Format::Json => {
            let filtered = args.selection.is_partial();
            each_file(&args.files, &args.selection, JsonLines { out, filtered, flat: args.flat })
        }
        Format::Csv => each_file(&args.files, &args.selection, Table::new(out, &args.selection.families())?),
    }
}

/// A line of a document, and which of its items are wanted.
struct Read<'a> {
    document: &'a Document,
    line: &'a ParsedLine<'a>,
    chosen: &'a Chosen,
}

impl Read<'_> {
    /// The file and line that a user finds it in.
    fn place(&self) -> Place<'_> {
        self.document.place(self.line.line, 0)
    }

    fn items(&self) -> impl Iterator<Item = &ParsedItem> {
        self.line.items.iter().filter(|item| self.chosen.has(item))
    }
}

/// Where parsed lines go.
trait Sink {
    fn line(&mut self, read: &Read<'_>) -> io::Result<()>;
    fn finish(&mut self) -> io::Result<()>;
}

fn each_file(files: &Files, selection: &Selection, mut sink: impl Sink) -> io::Result<Exit> {
    let mut exit = Exit::Success;
    for document in files.documents() {
        let document = match document {
            Ok(document) => document,
            Err(error) => {
                report(&error);
                exit = Exit::Trouble;
                continue;
            }
        };
        let log = Log::read(&document.bytes);
        let runs = Runs::of(&log);
        let (chosen, selected) = selection.of(&visible(&document.name), &log, &runs);
        exit = exit.max(selected);
        lines::each_line(&document, &log, &runs, |line| {
            sink.line(&Read { document: &document, line, chosen: &chosen })
        })?;
        for error in &document.cut {
            report(error);
            exit = Exit::Trouble;
        }
    }
    sink.finish()?;
    Ok(exit)
}

struct JsonLines<W> {
    out: W,
    /// Lines without a wanted item are left out.
    filtered: bool,
    flat: bool,
}

impl<W: Write> Sink for JsonLines<W> {
    fn line(&mut self, read: &Read<'_>) -> io::Result<()> {
        if self.flat {
            for item in read.items().filter(|item| is_item(item)) {
                json::write_line(&FlatJson { read, item }, &mut self.out)?;
            }
            return Ok(());
        }
        if self.filtered && read.items().next().is_none() {
            return Ok(());
        }
        json::write_line(&LineJson(read), &mut self.out)
    }

    fn finish(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

/// An item, and not just a later piece of one that has been counted.
fn is_item(item: &ParsedItem) -> bool {
    item.head_line.is_none()
}

struct LineJson<'a>(&'a Read<'a>);

impl Serialize for LineJson<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let ParsedLine { carriers, foreign, .. } = self.0.line;
        let place = self.0.place();
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("file", place.file)?;
        map.serialize_entry("line", &(place.line + 1))?;
        map.serialize_entry("carrier", &CarrierJson(carriers))?;
        map.serialize_entry("items", &ItemsJson(self.0))?;
        map.serialize_entry("text", foreign)?;
        map.end()
    }
}

struct ItemsJson<'a>(&'a Read<'a>);

impl Serialize for ItemsJson<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut seq = serializer.serialize_seq(None)?;
        for item in self.0.items() {
            seq.serialize_element(&ItemJson { read: self.0, item })?;
        }
        seq.end()
    }
}

struct ItemJson<'a> {
    read: &'a Read<'a>,
    item: &'a ParsedItem,
}

impl Serialize for ItemJson<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let item = self.item;
        let head = item.head_line.map(|line| self.read.document.place(line, 0));
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("family", item.family().def().id)?;
        map.serialize_entry("shape", item.shape.def().id)?;
        map.serialize_entry("go", &GoJson(item.go))?;
        map.serialize_entry("run", &item.run)?;
        map.serialize_entry("fields", &FieldsJson(item))?;
        map.serialize_entry("torn", &item.torn)?;
        map.serialize_entry("part", part(item.part))?;
        map.serialize_entry("col", &(item.start + 1))?;
        map.serialize_entry("head_line", &head.as_ref().map(|head| head.line + 1))?;
        if let Some(head) = head.filter(|head| head.file != self.read.place().file) {
            map.serialize_entry("head_file", head.file)?;
        }
        map.end()
    }
}

struct FieldsJson<'a>(&'a ParsedItem);

impl Serialize for FieldsJson<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        serialize_fields(self.0, &mut map)?;
        map.end()
    }
}

struct FlatJson<'a> {
    read: &'a Read<'a>,
    item: &'a ParsedItem,
}

impl Serialize for FlatJson<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let item = self.item;
        let place = self.read.place();
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("file", place.file)?;
        map.serialize_entry("line", &(place.line + 1))?;
        map.serialize_entry("col", &(item.start + 1))?;
        map.serialize_entry("carrier", &CarrierJson(&self.read.line.carriers))?;
        map.serialize_entry("family", item.family().def().id)?;
        map.serialize_entry("shape", item.shape.def().id)?;
        map.serialize_entry("go", &GoJson(item.go))?;
        map.serialize_entry("run", &item.run)?;
        map.serialize_entry("torn", &item.torn)?;
        map.serialize_entry("part", part(item.part))?;
        serialize_fields(item, &mut map)?;
        map.end()
    }
}

/// All fields of the shape, in template order; null where a value is missing or not certain.
fn serialize_fields<M: SerializeMap>(item: &ParsedItem, map: &mut M) -> Result<(), M::Error> {
    for (field, value) in values(item.shape, &item.values) {
        map.serialize_entry(field.def().id, &value)?;
    }
    Ok(())
}

/// A printed value, or nothing.
enum Value<'a> {
    Absent,
    One(Kind, u64),
    List(Kind, &'a [u64]),
    Text(&'a str),
}

/// The fields of a shape with their values. Both are in template order, so one pass finds them all.
fn values<'a>(shape: Shape, values: &'a Values) -> impl Iterator<Item = (Field, Value<'a>)> {
    let family = shape.def().family;
    let mut single = values.single.iter().peekable();
    let mut lists = values.lists.iter().peekable();
    shape.def().pieces.iter().filter_map(move |piece| {
        let (field, kind) = match *piece {
            Piece::Literal(_) | Piece::Pad => return None,
            Piece::Value(field, kind) => (field, kind),
            Piece::Flag(field, _) => (field, Kind::Flag),
        };
        let value = if kind.is_list() {
            lists
                .next_if(|(found, _)| *found == field)
                .map_or(Value::Absent, |(_, range)| Value::List(kind, &values.pool[range.clone()]))
        } else if kind.is_text() {
            single
                .next_if(|(found, _)| *found == field)
                .map_or(Value::Absent, |(_, code)| Value::Text(&values.texts[template::span(*code)]))
        } else {
            single.next_if(|(found, _)| *found == field).map_or(Value::Absent, |(_, code)| Value::One(kind, *code))
        };
        Some((Field { family, index: field }, value))
    })
}

impl Serialize for Value<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match *self {
            Self::Absent => serializer.serialize_none(),
            Self::List(Kind::HexList, codes) => serializer.collect_seq(codes),
            Self::List(_, codes) => serializer.collect_seq(codes.iter().map(|code| cells::unzigzag(*code))),
            Self::Text(text) => serializer.serialize_str(text),
            Self::One(kind, code) => match kind {
                // Hexadecimal in Go 1.0 and 1.1 only: one id has one type everywhere.
                Kind::Uint | Kind::Hex | Kind::HexList => serializer.serialize_u64(code),
                Kind::Ref if code == cells::NIL => serializer.serialize_none(),
                Kind::FloatE | Kind::FloatG => serializer.serialize_f64(cells::value(kind, code)),
                Kind::Text | Kind::LongText => serializer.serialize_none(),
                Kind::Int | Kind::Ref | Kind::IntList => serializer.serialize_i64(cells::unzigzag(code)),
                Kind::Bool | Kind::Flag => serializer.serialize_bool(code & 1 == 1),
                // A float would turn 0.10 into 0.1.
                Kind::Seconds3 | Kind::Millis2 => {
                    let mut text = String::with_capacity(16);
                    print_number(kind, code, &mut text);
                    RawValue::from_string(text).map_err(ser::Error::custom)?.serialize(serializer)
                }
            },
        }
    }
}

/// Writes the digits of a number as they were printed. Whole milliseconds get a decimal point, or readers that guess
/// types from values would take some for integers; hexadecimal numbers become decimal.
fn print_number(kind: Kind, code: u64, text: &mut String) {
    let start = text.len();
    match kind {
        Kind::Hex => cells::print(Kind::Uint, code, text),
        // Without the sign and the third digit of the exponent that Go printed up to 1.25.
        Kind::FloatE => text.push_str(&cells::value(kind, code).to_string()),
        Kind::Ref if code == cells::NIL => {}
        _ => cells::print(kind, code, text),
    }
    if matches!(kind, Kind::Seconds3 | Kind::Millis2) && !text[start..].contains('.') {
        text.push_str(".0");
    }
}

struct CarrierJson<'a>(&'a [Carrier]);

impl Serialize for CarrierJson<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            [] => serializer.serialize_none(),
            [one] => serializer.serialize_str(one.name()),
            several => serializer.serialize_str(&carrier_names(several)),
        }
    }
}

fn carrier_names(carriers: &[Carrier]) -> String {
    carriers.iter().map(|carrier| carrier.name()).collect::<Vec<_>>().join("+")
}

struct GoJson(GoReleases);

impl Serialize for GoJson {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        ends(self.0).serialize(serializer)
    }
}

/// The oldest and the newest release of a set.
pub(super) fn ends(go: GoReleases) -> Option<[&'static str; 2]> {
    static NAMES: LazyLock<Vec<String>> =
        LazyLock::new(|| (0..=NEWEST_MINOR).map(|minor| format!("1.{minor}")).collect());
    let name = |minor: u8| NAMES.get(usize::from(minor)).map(String::as_str);
    Some([name(go.oldest()?)?, name(go.newest()?)?])
}

fn part(part: Part) -> &'static str {
    match part {
        Part::Whole => "whole",
        Part::Head => "head",
        Part::Tail => "tail",
    }
}

/// Columns of a table before those of the fields.
const BASE_COLUMNS: [&str; 10] = ["file", "line", "col", "carrier", "family", "shape", "go", "run", "torn", "part"];

struct Table<W: Write> {
    out: csv::Writer<W>,
    /// By family and field: its column behind the base columns. Fields of one name share a column.
    columns: Vec<Vec<usize>>,
    cells: Vec<String>,
}

impl<W: Write> Table<W> {
    fn new(out: W, families: &[Family]) -> io::Result<Self> {
        let mut fields: Vec<&'static str> = Vec::new();
        for field in families.iter().flat_map(|family| family.def().fields) {
            if !fields.contains(&field.id) {
                fields.push(field.id);
            }
        }
        let mut out = csv::Writer::from_writer(out);
        out.write_record(BASE_COLUMNS.iter().chain(&fields))?;
        let column = |id| fields.iter().position(|field| *field == id).unwrap_or(usize::MAX);
        let of_family = |family: &Family| family.def().fields.iter().map(|field| column(field.id)).collect();
        let columns = Family::ALL.iter().map(of_family).collect();
        let cells = vec![String::new(); fields.len()];
        Ok(Self { out, columns, cells })
    }
}

impl<W: Write> Sink for Table<W> {
    fn line(&mut self, read: &Read<'_>) -> io::Result<()> {
        for item in read.items().filter(|item| is_item(item)) {
            self.cells.iter_mut().for_each(String::clear);
            for (field, value) in values(item.shape, &item.values) {
                let column = self.columns[field.family as usize][usize::from(field.index)];
                if let Some(cell) = self.cells.get_mut(column) {
                    print_cell(&value, cell);
                }
            }
            let place = read.place();
            let base: [&str; BASE_COLUMNS.len()] = [
                &visible(place.file),
                &(place.line + 1).to_string(),
                &(item.start + 1).to_string(),
                &carrier_names(&read.line.carriers),
                item.family().def().id,
                item.shape.def().id,
                &ends(item.go).map_or(String::new(), |ends| ends.join(" ")),
                &item.run.map_or(String::new(), |run| run.to_string()),
                if item.torn { "true" } else { "false" },
                part(item.part),
            ];
            self.out.write_record(base.into_iter().chain(self.cells.iter().map(String::as_str)))?;
        }
        Ok(())
    }

    fn finish(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

fn print_cell(value: &Value<'_>, cell: &mut String) {
    match *value {
        Value::Absent => {}
        Value::One(Kind::Bool | Kind::Flag, code) => cell.push_str(if code & 1 == 1 { "true" } else { "false" }),
        Value::One(kind, code) => print_number(kind, code, cell),
        Value::Text(text) => cell.push_str(text),
        Value::List(kind, codes) => {
            for (at, code) in codes.iter().enumerate() {
                if at > 0 {
                    cell.push(' ');
                }
                cells::print(kind, *code, cell);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::super::fields::json_type;
    use super::*;

    fn all_fields() -> impl Iterator<Item = &'static tracelog::catalog::FieldDef> {
        Family::ALL.iter().flat_map(|family| family.def().fields)
    }

    #[test]
    fn flat_output_has_no_name_twice() {
        for field in all_fields() {
            assert!(!BASE_COLUMNS.contains(&field.id), "{} is a column of every item", field.id);
        }
    }

    #[test]
    fn an_id_has_one_json_type_everywhere() {
        let mut types: BTreeMap<&str, &str> = BTreeMap::new();
        for field in all_fields() {
            let found = json_type(field.kind);
            assert_eq!(*types.entry(field.id).or_insert(found), found, "{}", field.id);
        }
        for shape in Family::ALL.iter().flat_map(|family| family.def().shapes) {
            let def = shape.def();
            for piece in def.pieces {
                if let Piece::Value(field, kind) = piece {
                    let field = &def.family.def().fields[usize::from(*field)];
                    let found = json_type(*kind);
                    // A number may be printed without decimals: to JSON that is a number too.
                    let fits = found == types[field.id] || (found, types[field.id]) == ("integer", "number");
                    assert!(fits, "{} in {} is {found}, elsewhere {}", field.id, def.id, types[field.id]);
                }
            }
        }
    }
}
