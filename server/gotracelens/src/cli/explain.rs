//! `gotracelens explain`: what a name means, what a pasted line says, and what happened at a line of a file.

mod at;

use std::io::{self, Read, Write};

use ide::rules::RULES;
use ide::words;
use tracelog::catalog::{FieldDef, Piece};
use tracelog::{Family, Field, GoReleases, Item, Log, Part, Shape};

use super::input::Document;
use super::terminal::{self, ID, TITLE, VALUE, paragraph};
use super::visible::visible;
use super::{Exit, knob_of, report, rules};

/// Options of `explain`.
#[derive(clap::Args)]
pub(super) struct Args {
    /// A field (`gc.heap_goal_mb`, `heap_goal_mb`, `"heap goal"`), a rule (`GC101`, `live-heap-leak`), a family (`gc`,
    /// `gctrace`), a place in a file (`app.log:4711`, `app.log:4711:8`), or a pasted line; `-` reads lines from standard
    /// input
    #[arg(value_name = "NAME|FILE:LINE[:COLUMN]|LINE", required = true, num_args = 1..)]
    what: Vec<String>,

    /// Text for people, or one JSON object; that for a place in a file only
    #[arg(long, value_enum, default_value_t = Format::Human)]
    format: Format,
}

#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    Human,
    Json,
}

pub(super) fn run(args: &Args) -> io::Result<Exit> {
    if let Some(place) = at::FilePlace::of(&args.what) {
        return at::run(&place, args.format);
    }
    if args.format == Format::Json {
        report(&"explain --format json: only a place in a file (FILE:LINE) has a JSON form");
        return Ok(Exit::Trouble);
    }
    let mut out = terminal::stdout();
    let mut what = args.what.join(" ");
    let from_stdin = what == "-";
    if from_stdin {
        let mut bytes = Vec::new();
        io::stdin().lock().read_to_end(&mut bytes)?;
        what = String::from_utf8_lossy(&bytes).into_owned();
    }
    let mut explained = lines(&mut out, &what)?;
    if !explained {
        explained = name(&mut out, what.trim())?;
    }
    out.flush()?;
    if explained {
        return Ok(Exit::Success);
    }
    report(&unknown(what.trim()));
    Ok(Exit::Trouble)
}

/// Explains the items of pasted text. Says no when there are none.
fn lines(out: &mut impl Write, text: &str) -> io::Result<bool> {
    let log = Log::read(text.as_bytes());
    let document = Document::new(String::new(), text.as_bytes().to_vec());
    let mut n_items = 0;
    for line in 0..document.n_lines() {
        for item in log.items(line, &document).items {
            // The values of a later piece are told where the item begins.
            if item.head_line.is_some() {
                continue;
            }
            gap(out, n_items)?;
            n_items += 1;
            let shown = document.bytes_of(line).get(item.loc.start as usize..item.loc.end as usize).unwrap_or_default();
            writeln!(out, "{VALUE}{}{VALUE:#}", visible(&String::from_utf8_lossy(shown)))?;
            explain_item(out, &item)?;
        }
    }
    Ok(n_items > 0)
}

fn explain_item(out: &mut impl Write, item: &Item) -> io::Result<()> {
    let family = item.family().def();
    let shape = item.shape.def();
    writeln!(out, "{TITLE}{}{TITLE:#}, printed by Go {}  {ID}{}{ID:#}", family.title, item.go(), shape.id)?;
    paragraph(out, 0, family.meaning)?;
    match item.part {
        Part::Whole => {}
        Part::Head => paragraph(
            out,
            0,
            "The line is torn, or not quite what Go prints: it was read up to where it stops being a trace line.",
        )?,
        Part::Tail => paragraph(out, 0, "The beginning of the line is missing.")?,
    }
    let (mut unset, mut unread) = (Vec::new(), Vec::new());
    for index in field_indices(item.shape) {
        let field = Field { family: item.family(), index };
        let def = field.def();
        let Some(value) = item.values.iter().find(|value| value.field == field) else {
            unread.push(def.title);
            continue;
        };
        let shown = match &value.datum {
            Some(_) if value.loc.start == value.loc.end && value.loc.line == item.loc.line => {
                unset.push(def);
                continue;
            }
            Some(datum) => words::value(field, datum),
            None => "not certain, other output was written into it".to_owned(),
        };
        writeln!(out)?;
        writeln!(out, "  {TITLE}{}:{TITLE:#} {VALUE}{shown}{VALUE:#}  {ID}{}.{}{ID:#}", def.title, family.id, def.id)?;
        paragraph(out, 4, def.meaning)?;
        paragraph(out, 4, def.reading)?;
        for (releases, note) in notes(def, item.go()) {
            let label = if releases.contains_all(item.go()) { "Note".to_owned() } else { format!("Go {releases}") };
            paragraph(out, 4, &format!("{label}: {note}"))?;
        }
    }
    for def in unset {
        writeln!(out)?;
        writeln!(out, "  {TITLE}{}:{TITLE:#} not printed  {ID}{}.{}{ID:#}", def.title, family.id, def.id)?;
        paragraph(out, 4, def.meaning)?;
    }
    if !unread.is_empty() {
        writeln!(out)?;
        paragraph(out, 2, &format!("Could not be read: {}", unread.join(", ")))?;
    }
    Ok(())
}

fn notes(def: &FieldDef, go: GoReleases) -> impl Iterator<Item = &(GoReleases, &'static str)> {
    def.notes.iter().filter(move |(releases, _)| !releases.intersection(go).is_empty())
}

/// Explains everything that has this name. Says no when nothing has.
fn name(out: &mut impl Write, name: &str) -> io::Result<bool> {
    let name = name.to_lowercase();
    if let Some(rule) = rules::by_name(&name) {
        rules::explain(out, rule)?;
        return Ok(true);
    }
    let families = Family::ALL.iter().filter(|family| family.def().id == name || knob_of(**family) == Some(&name));
    let families: Vec<Family> = families.copied().collect();
    let fields: Vec<Field> = all_fields().filter(|field| names_of(*field).contains(&name)).collect();
    for (at, family) in families.iter().enumerate() {
        gap(out, at)?;
        explain_family(out, *family)?;
    }
    for (at, field) in fields.iter().enumerate() {
        gap(out, at + families.len())?;
        explain_field(out, *field)?;
    }
    Ok(!families.is_empty() || !fields.is_empty())
}

/// An empty line before everything but the first.
fn gap(out: &mut impl Write, at: usize) -> io::Result<()> {
    if at > 0 { writeln!(out) } else { Ok(()) }
}

fn all_fields() -> impl Iterator<Item = Field> {
    Family::ALL.iter().flat_map(|family| {
        (0..family.def().fields.len()).map(move |index| Field { family: *family, index: index as u8 })
    })
}

/// What a field may be called, in lower case.
fn names_of(field: Field) -> [String; 3] {
    let def = field.def();
    [format!("{}.{}", field.family.def().id, def.id), def.id.to_owned(), def.title.to_lowercase()]
}

fn explain_family(out: &mut impl Write, family: Family) -> io::Result<()> {
    let def = family.def();
    writeln!(out, "{TITLE}{}{TITLE:#}  {ID}{}{ID:#}", def.title, def.id)?;
    paragraph(out, 0, def.meaning)?;
    writeln!(out, "Printed with {}", def.knob)?;
    for shape in def.shapes {
        let shape = shape.def();
        writeln!(out)?;
        writeln!(out, "  {TITLE}Go {}{TITLE:#}  {ID}{}{ID:#}", shape.go, shape.id)?;
        writeln!(out, "    {}", shape.template)?;
    }
    if !def.fields.is_empty() {
        writeln!(out)?;
        writeln!(out, "Fields: {}", def.fields.iter().map(|field| field.id).collect::<Vec<_>>().join(", "))?;
    }
    Ok(())
}

fn explain_field(out: &mut impl Write, field: Field) -> io::Result<()> {
    let def = field.def();
    let family = field.family.def();
    let unit = if def.unit.is_empty() { String::new() } else { format!(", {}", def.unit) };
    writeln!(out, "{TITLE}{}{TITLE:#}{unit}  {ID}{}.{}{ID:#}", def.title, family.id, def.id)?;
    paragraph(out, 2, def.meaning)?;
    for (label, text) in
        [("How to read it", def.reading), ("Normal", def.normal), ("A bad value suggests", def.suspect)]
    {
        if !text.is_empty() {
            paragraph(out, 2, &format!("{label}: {text}"))?;
        }
    }
    for (releases, note) in def.notes {
        let label = if releases.contains_all(GoReleases::ALL) { "Note".to_owned() } else { format!("Go {releases}") };
        paragraph(out, 2, &format!("{label}: {note}"))?;
    }
    paragraph(out, 2, &format!("Printed by: Go {}, with {}", printed_by(field), family.knob))?;
    if !def.source.is_empty() {
        paragraph(out, 2, &format!("Source: {}", def.source))?;
    }
    Ok(())
}

/// Releases that print a field.
pub(super) fn printed_by(field: Field) -> GoReleases {
    let none = GoReleases::range(0, 0).intersection(GoReleases::range(1, 1));
    let shapes = field.family.def().shapes.iter();
    shapes
        .filter(|shape| field_indices(**shape).any(|index| index == field.index))
        .fold(none, |go, shape| go.union(shape.def().go))
        .intersection(field.def().go)
}

/// The fields of a shape, in template order.
pub(super) fn field_indices(shape: Shape) -> impl Iterator<Item = u8> {
    shape.def().pieces.iter().filter_map(|piece| match piece {
        Piece::Literal(_) | Piece::Pad => None,
        Piece::Value(index, _) | Piece::Flag(index, _) => Some(*index),
    })
}

/// What to say about a name that means nothing, with names that look like it.
fn unknown(name: &str) -> String {
    let shown: String = visible(name).chars().take(80).collect();
    if name.split_whitespace().count() > 3 {
        return format!("explain \"{shown}\": no trace line is known that looks like this");
    }
    let similar = similar(&name.to_lowercase());
    let hint = if similar.is_empty() {
        "; `gotracelens fields` and `gotracelens rules` list all".to_owned()
    } else {
        format!("; did you mean {}?", similar.join(", "))
    };
    format!("explain \"{shown}\": there is no field, rule or family with this name{hint}")
}

fn similar(name: &str) -> Vec<String> {
    const ENOUGH: f64 = 0.8;
    const N_SHOWN: usize = 3;
    let bare = name.rsplit('.').next().unwrap_or(name);
    let mut names: Vec<(f64, String)> = Vec::new();
    for field in all_fields() {
        let [full, id, title] = names_of(field);
        let score = strsim::jaro_winkler(name, &full)
            .max(strsim::jaro_winkler(bare, &id))
            .max(strsim::jaro_winkler(name, &title));
        names.push((score, full));
    }
    for family in Family::ALL {
        for known in [Some(family.def().id), knob_of(*family)].into_iter().flatten() {
            names.push((strsim::jaro_winkler(name, known), known.to_owned()));
        }
    }
    for known in RULES.iter().flat_map(|rule| [rule.code, rule.slug]) {
        names.push((strsim::jaro_winkler(name, &known.to_lowercase()), known.to_owned()));
    }
    names.retain(|(score, _)| *score >= ENOUGH);
    names.sort_by(|a, b| b.0.total_cmp(&a.0).then_with(|| a.1.cmp(&b.1)));
    names.dedup();
    names.into_iter().take(N_SHOWN).map(|(_, name)| name).collect()
}
