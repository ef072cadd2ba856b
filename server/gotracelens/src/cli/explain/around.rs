//! `gotracelens explain FILE:LINE --around 1s [FILE...]`: what was said around a line, on one time axis.

use std::io::{self, BufWriter, Write};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use ide::timeline::{self, Around};
use ide::{Settings, Snapshot};
use schemars::JsonSchema;
use serde::Serialize;
use tracelog::Log;

use super::Format;
use super::at::FilePlace;
use crate::cli::input::{Document, InputError};
use crate::cli::select::duration;
use crate::cli::terminal::{self, TITLE, VALUE};
use crate::cli::visible::visible;
use crate::cli::{Exit, json, report};

pub(super) fn parse_time(text: &str) -> Result<Duration, String> {
    duration(text).ok_or_else(|| "expected a time with its unit: 1s, 250ms, 1m30s".to_owned())
}

/// What `explain FILE:LINE --around TIME --format json` writes.
#[derive(Serialize, JsonSchema)]
#[schemars(title = "gotracelens explain FILE:LINE --around TIME")]
pub(in crate::cli) struct AroundJson {
    /// Version of this layout.
    schema: u32,
    /// The time of the line, in words.
    at: String,
    /// What was said, in the order of time.
    entries: Vec<EntryJson>,
    /// Entries further away that there was no room for.
    left_out: usize,
    /// How far clocks agree, and what could not be joined.
    notes: Vec<String>,
}

/// Something that was said.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Entry")]
struct EntryJson {
    /// Name of the file, as it was given.
    file: String,
    /// Line, from 1.
    line: u32,
    /// How long after the line that was asked about, ms; before it where negative.
    delta_ms: f64,
    /// Id of the family; `app` for lines of the program itself.
    family: &'static str,
    /// The text, without what carries it.
    text: String,
    /// Whether it is the line that was asked about.
    is_focus: bool,
    /// How its time is known: `printed`, `by stamp`, `by position`.
    certainty: &'static str,
}

pub(super) fn run(what: &[String], within: Duration, format: Format) -> io::Result<Exit> {
    let place = what.first().and_then(|first| FilePlace::of(std::slice::from_ref(first)));
    let Some(place) = place else {
        report(&"explain --around: expected a place in a file first: app.log:4711");
        return Ok(Exit::Trouble);
    };
    let read = std::iter::once(place.file.as_path()).chain(what[1..].iter().map(Path::new)).map(Document::read);
    let documents = match read.collect::<Result<Vec<Document>, InputError>>() {
        Ok(documents) => documents.into_iter().map(Arc::new).collect::<Vec<_>>(),
        Err(error) => {
            report(&error);
            return Ok(Exit::Trouble);
        }
    };
    let name = visible(&documents[0].name);
    if place.line == 0 || place.line > documents[0].n_lines() {
        report(&format!("explain {name}:{}: the file has {} lines", place.line, documents[0].n_lines()));
        return Ok(Exit::Trouble);
    }
    let snapshot = |document: &Arc<Document>| {
        Snapshot::new(document.clone(), Log::read(&document.bytes), Arc::new(Settings::default()))
    };
    let snapshots: Vec<Snapshot> = documents.iter().map(snapshot).collect();
    let others: Vec<&Snapshot> = snapshots[1..].iter().collect();
    let Some(found) = timeline::around(&snapshots[0], place.line - 1, within, &others) else {
        report(&format!("explain {name}:{}: neither this line nor any near it tells a time", place.line));
        return Ok(Exit::Trouble);
    };
    let names: Vec<&str> = documents.iter().map(|document| document.name.as_str()).collect();
    match format {
        Format::Human => write(&found, &names)?,
        Format::Json => {
            let mut out = BufWriter::new(io::stdout().lock());
            json::write_line(&to_json(&found, &names), &mut out)?;
            out.flush()?;
        }
    }
    Ok(Exit::Success)
}

fn write(found: &Around, names: &[&str]) -> io::Result<()> {
    let mut out = terminal::stdout();
    writeln!(out, "{TITLE}{}{TITLE:#}", visible(&found.at))?;
    for (entry, line) in found.entries.iter().zip(found.lines(names)) {
        let line = visible(&line);
        if entry.is_focus { writeln!(out, "{VALUE}{line}{VALUE:#}")? } else { writeln!(out, "{line}")? }
    }
    for remark in found.remarks(names) {
        writeln!(out, "{}", visible(&remark))?;
    }
    out.flush()
}

fn to_json(found: &Around, names: &[&str]) -> AroundJson {
    let entries = found.entries.iter().map(|entry| EntryJson {
        file: names.get(entry.document).copied().unwrap_or_default().to_owned(),
        line: entry.loc.line + 1,
        delta_ms: entry.delta_ms,
        family: entry.family.map_or("app", |family| family.def().id),
        text: entry.text.clone(),
        is_focus: entry.is_focus,
        certainty: entry.certainty.name(),
    });
    let entries = entries.collect();
    AroundJson { schema: 1, at: found.at.clone(), entries, left_out: found.n_left_out, notes: found.remarks(names) }
}
