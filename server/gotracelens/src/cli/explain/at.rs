//! `gotracelens explain FILE:LINE`: the hover of a place, and what happened there.

use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ide::{Hover, Links, Narration, Settings, Snapshot};
use schemars::JsonSchema;
use serde::Serialize;
use tracelog::{LineCol, Log};

use super::Format;
use crate::cli::input::Document;
use crate::cli::terminal::{self, TITLE, VALUE, paragraph};
use crate::cli::visible::visible;
use crate::cli::{Exit, json, page, report};

/// A place in a file, as it was given.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct FilePlace {
    pub(super) file: PathBuf,
    /// From 1.
    pub(super) line: u32,
    /// In characters, from 1.
    column: Option<u32>,
}

impl FilePlace {
    /// Reads `app.log:4711` and `app.log:4711:8`. Something else may look so: with blanks in it, the file must be there.
    pub(super) fn of(what: &[String]) -> Option<Self> {
        let [what] = what else { return None };
        let (rest, last) = what.rsplit_once(':')?;
        let last: u32 = last.parse().ok()?;
        let with_column = rest.rsplit_once(':').and_then(|(file, line)| Some((file, line.parse().ok()?)));
        // A file may be called `app:1`.
        let place = match with_column.filter(|_| !Path::new(rest).is_file()) {
            Some((file, line)) => Self { file: file.into(), line, column: Some(last) },
            None => Self { file: rest.into(), line: last, column: None },
        };
        (place.file.is_file() || !what.contains(char::is_whitespace)).then_some(place)
    }
}

/// What `explain FILE:LINE --format json` writes.
#[derive(Serialize, JsonSchema)]
#[schemars(title = "gotracelens explain FILE:LINE")]
pub(in crate::cli) struct PlaceJson<'a> {
    /// Version of this layout.
    schema: u32,
    /// Name as it was given.
    file: &'a str,
    /// The line, from 1.
    line: u32,
    /// The column in characters, from 1; null for the line's first trace item.
    column: Option<u32>,
    /// Explanation of what stands there, in Markdown; null where nothing stands that can be explained.
    hover: Option<String>,
    /// What happened there; null for lines that tell nothing by themselves.
    narration: Option<NarrationJson>,
}

/// What happened at a line.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Narration")]
struct NarrationJson {
    /// What is told about.
    title: String,
    /// Sentences of plain text.
    sentences: Vec<String>,
}

pub(super) fn run(place: &FilePlace, format: Format) -> io::Result<Exit> {
    let document = match Document::read(&place.file) {
        Ok(document) => Arc::new(document),
        Err(error) => {
            report(&error);
            return Ok(Exit::Trouble);
        }
    };
    let name = visible(&document.name);
    if place.line == 0 || place.line > document.n_lines() {
        report(&format!("explain {name}:{}: the file has {} lines", place.line, document.n_lines()));
        return Ok(Exit::Trouble);
    }
    let snapshot = Snapshot::new(document.clone(), Log::read(&document.bytes), Arc::new(Settings::default()));
    let at = position(&snapshot, &document, place);
    let (hover, narration) = (ide::hover(&snapshot, at), ide::narrate(&snapshot, at));
    if hover.is_none() && narration.is_none() {
        report(&format!("explain {name}:{}: no trace line stands there", place.line));
        return Ok(Exit::Trouble);
    }
    match format {
        Format::Human => write(&document, at, hover.as_ref(), narration.as_ref())?,
        Format::Json => {
            let narration = narration.map(|told| NarrationJson {
                title: told.title.clone(),
                sentences: told.sentences.iter().map(ide::narrate::Sentence::text).collect(),
            });
            let hover = hover.as_ref().map(|hover| Links::None.resolve(&hover.markdown));
            let (file, line, column) = (document.name.as_str(), place.line, place.column);
            let mut out = BufWriter::new(io::stdout().lock());
            json::write_line(&PlaceJson { schema: 1, file, line, column, hover, narration }, &mut out)?;
            out.flush()?;
        }
    }
    Ok(Exit::Success)
}

/// The place that was asked for; without a column, the first item or duration of the line.
fn position(snapshot: &Snapshot, document: &Document, place: &FilePlace) -> LineCol {
    let line = place.line - 1;
    let byte = match place.column {
        Some(column) => {
            let text = String::from_utf8_lossy(document.bytes_of(line)).into_owned();
            text.chars().take((column as usize).saturating_sub(1)).map(char::len_utf8).sum::<usize>() as u32
        }
        None => {
            let item = snapshot.items(line).items.first().map(|item| item.loc.start);
            item.or_else(|| ide::requests::first_on(snapshot, line)).unwrap_or(0)
        }
    };
    LineCol { line, byte }
}

fn write(document: &Document, at: LineCol, hover: Option<&Hover>, narration: Option<&Narration>) -> io::Result<()> {
    let mut out = terminal::stdout();
    let line = String::from_utf8_lossy(document.bytes_of(at.line)).into_owned();
    writeln!(out, "{VALUE}{}{VALUE:#}", visible(&line))?;
    if let Some(narration) = narration {
        writeln!(out)?;
        writeln!(out, "{TITLE}{}{TITLE:#}", visible(&narration.title))?;
        for sentence in &narration.sentences {
            paragraph(&mut out, 2, &visible(&sentence.text()))?;
        }
    }
    if let Some(hover) = hover {
        writeln!(out)?;
        // What the hover tells of the same is not told twice.
        let told = narration.map(Narration::in_hover).unwrap_or_default();
        let markdown = if told.is_empty() { hover.markdown.clone() } else { hover.markdown.replace(&told, "") };
        // Markdown of `ide` holds nothing of a log that a terminal would act on.
        page::write(&mut out, &Links::Named.resolve(&markdown))?;
    }
    out.flush()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(file: &str, line: u32, column: Option<u32>) -> Option<FilePlace> {
        Some(FilePlace { file: file.into(), line, column })
    }

    #[test]
    fn a_place_is_a_file_a_line_and_perhaps_a_column() {
        let of = |what: &str| FilePlace::of(&[what.to_owned()]);
        assert_eq!(of("app.log:12"), place("app.log", 12, None));
        assert_eq!(of("dir/app.log:12:3"), place("dir/app.log", 12, Some(3)));
        assert_eq!(of(r"C:\app.log:12"), place(r"C:\app.log", 12, None));
        // Names, pasted lines and several words are no places.
        assert_eq!(of("gc.heap_goal_mb"), None);
        assert_eq!(of("GC101"), None);
        assert_eq!(of("SCHED 0ms: gomaxprocs=1 idleprocs:3"), None);
        assert_eq!(FilePlace::of(&["heap".to_owned(), "goal:1".to_owned()]), None);
    }
}
