//! `gotracelens explain`: what a name means, what a pasted line says, and what happened at a line of a file.

mod around;
mod at;
mod why;

use std::io::{self, Read, Write};
use std::path::PathBuf;

use clap::ValueEnum;
use ide::pages::{self, Page};
use ide::rules;
use ide::{Links, words};
use serde::Serialize;
use tracelog::catalog::FieldDef;
use tracelog::{Field, GoReleases, Item, ItemValue, Log, Part};

use super::input::Document;
use super::terminal::{self, ID, TITLE, VALUE, paragraph};
use super::visible::visible;
use super::{Exit, json, page, report, settings};

mod godebug;

/// Options of `explain`.
#[derive(clap::Args)]
pub(super) struct Args {
    /// A field (`gc.heap_goal_mb`, `heap_goal_mb`, `"heap goal"`), a rule (`GC101`, `live-heap-leak`), a family (`gc`,
    /// `gctrace`), a place in a file (`app.log:4711`, `app.log:4711:8`), a term (`assist`, `P-time`),
    /// what a variable is set to (`GODEBUG=gctrace=1,madvdontneed=1`), or a pasted line; `-` reads lines from standard
    /// input
    #[arg(value_name = "NAME|FILE:LINE[:COLUMN]|LINE", required = true, num_args = 1..)]
    what: Vec<String>,

    /// What was said within this time of FILE:LINE (1s, 250ms), by collector, scheduler and application; further files
    /// of the same process are joined by the wall clock
    #[arg(long, value_name = "TIME", value_parser = around::parse_time)]
    around: Option<std::time::Duration>,

    /// With a rule: what it found in each run of this file, condition by condition, or why it found nothing; `-` reads
    /// standard input
    #[arg(long, value_name = "FILE", conflicts_with = "around")]
    file: Option<PathBuf>,

    /// Text for people, or JSON
    #[arg(long, value_enum, default_value_t = Format::Human)]
    format: Format,

    #[command(flatten)]
    settings: settings::Flags,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    Human,
    Json,
}

pub(super) fn run(args: &Args) -> io::Result<Exit> {
    if let Some(within) = args.around {
        return around::run(&args.what, within, args.format);
    }
    if let Some(file) = &args.file {
        return why::run(&args.what, file, &args.settings, args.format);
    }
    if let Some(place) = at::FilePlace::of(&args.what) {
        return at::run(&place, args.format);
    }
    let mut out = terminal::stdout();
    let mut what = args.what.join(" ");
    let from_stdin = what == "-";
    if from_stdin {
        let mut bytes = Vec::new();
        io::stdin().lock().read_to_end(&mut bytes)?;
        what = String::from_utf8_lossy(&bytes).into_owned();
    }
    let mut explained = match args.format {
        Format::Human => lines(&mut out, &what)?,
        Format::Json => lines_as_json(&mut out, &what)?,
    };
    if !explained {
        explained = name(&mut out, what.trim(), args.format)?;
    }
    if !explained {
        explained = godebug::explain(&mut out, &what)?;
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

/// One item of a pasted line.
#[derive(Serialize)]
struct ItemJson {
    family: &'static str,
    title: &'static str,
    /// Releases that print such a line.
    go: String,
    fields: Vec<ValueJson>,
}

/// One value of it.
#[derive(Serialize)]
struct ValueJson {
    /// Name of the page of its field.
    name: String,
    title: &'static str,
    /// In words, with its unit; none where other output was written into it.
    value: Option<String>,
    meaning: &'static str,
    reading: &'static str,
}

/// The same as one JSON array.
fn lines_as_json(out: &mut impl Write, text: &str) -> io::Result<bool> {
    let log = Log::read(text.as_bytes());
    let document = Document::new(String::new(), text.as_bytes().to_vec());
    let lines = (0..document.n_lines()).flat_map(|line| log.items(line, &document).items);
    let items: Vec<ItemJson> = lines.filter(|item| item.head_line.is_none()).map(|item| item_to_json(&item)).collect();
    if items.is_empty() {
        return Ok(false);
    }
    json::write_line(&items, out)?;
    Ok(true)
}

fn item_to_json(item: &Item) -> ItemJson {
    let family = item.family().def();
    let value = |value: &ItemValue| {
        let def = value.field.def();
        ValueJson {
            name: format!("{}.{}", family.id, def.id),
            title: def.title,
            value: value.datum.as_ref().map(|datum| words::value(value.field, datum)),
            meaning: def.meaning,
            reading: def.reading,
        }
    };
    let fields = item.values.iter().map(value).collect();
    ItemJson { family: family.id, title: family.title, go: item.go().to_string(), fields }
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
    for index in words::field_indices(item.shape) {
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

/// Explains everything that has this name, with the pages of the reference. Says no when nothing has.
fn name(out: &mut impl Write, name: &str, format: Format) -> io::Result<bool> {
    let pages = pages::find(name);
    match format {
        Format::Human => {
            for (at, page) in pages.iter().enumerate() {
                gap(out, at)?;
                page::write(out, &page.markdown(&Links::Named))?;
            }
        }
        Format::Json if pages.is_empty() => {}
        Format::Json => json::write_line(&pages.iter().map(|page| to_json(*page)).collect::<Vec<_>>(), out)?,
    }
    Ok(!pages.is_empty())
}

/// A page of the reference.
#[derive(Serialize)]
struct PageJson {
    /// The name that only it has.
    name: String,
    title: &'static str,
    kind: &'static str,
    markdown: String,
}

fn to_json(page: Page) -> PageJson {
    let kind = pages::kind_name(page.kind());
    PageJson { name: page.name(), title: page.title(), kind, markdown: page.markdown(&Links::None) }
}

/// An empty line before everything but the first.
fn gap(out: &mut impl Write, at: usize) -> io::Result<()> {
    if at > 0 { writeln!(out) } else { Ok(()) }
}

/// What to say about a name that means nothing, with names that look like it.
fn unknown(name: &str) -> String {
    let shown: String = visible(name).chars().take(80).collect();
    if name.split_whitespace().count() > 3 {
        return format!("explain \"{shown}\": no trace line is known that looks like this");
    }
    let similar = pages::similar(name);
    let hint = if similar.is_empty() {
        "; `gotracelens explain index` shows where to begin".to_owned()
    } else {
        format!("; did you mean {}?", similar.join(", "))
    };
    format!("explain \"{shown}\": there is no field, rule, family or term with this name{hint}")
}

/// What to say about a name that is no rule's, with one that looks like it.
fn unknown_rule(name: &str) -> String {
    let shown: String = visible(name).chars().take(80).collect();
    let nearest = rules::nearest(name);
    format!("explain \"{shown}\" --file: there is no such rule; did you mean {} {}?", nearest.code, nearest.slug)
}
