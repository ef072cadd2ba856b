//! `gotracelens/around`: what was said around a line, in its document and, on request, in all that are open.

use std::sync::Arc;
use std::time::Duration;

use ide::{Snapshot, timeline};
use serde::{Deserialize, Serialize};
use tower_lsp::gen_lsp_types as proto;
use tracelog::{Encoding, LineCol, Loc, Text};

use super::from_proto;
use super::world::View;

/// The command of the code action.
pub(super) const AROUND: &str = "gotracelens.around";

/// What the code action asks for.
const DEFAULT_MS: u64 = 1000;

/// The most that is asked for: an hour.
const MAX_MS: u64 = 3_600_000;

/// Parameters of the request.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct AroundParams {
    pub(super) text_document: proto::TextDocumentIdentifier,
    position: proto::Position,
    /// How far, ms; a second where it is not said.
    within_ms: Option<u64>,
    /// Whether other open documents are looked at, too.
    #[serde(default)]
    pub(super) all_documents: bool,
}

/// The answer.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Around {
    /// The time of the line, in words.
    at: String,
    entries: Vec<Entry>,
    /// Entries further away that there was no room for.
    left_out: usize,
    /// How far clocks agree, and what could not be joined.
    notes: Vec<String>,
    /// All of it as plain text.
    text: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Entry {
    uri: proto::Uri,
    range: proto::Range,
    delta_ms: f64,
    /// Id of the family; `app` for lines of the program.
    family: &'static str,
    text: String,
    is_focus: bool,
    certainty: &'static str,
}

/// A document beside the one that is asked about.
#[derive(Clone)]
pub(super) struct Other {
    uri: proto::Uri,
    text: Arc<Text>,
    snapshot: Snapshot,
}

impl Other {
    pub(super) fn of(view: &View) -> Self {
        Self { uri: view.uri.clone(), text: view.text.clone(), snapshot: view.snapshot.clone() }
    }
}

pub(super) fn around(view: &View, params: &AroundParams, mut others: Vec<Other>) -> Option<Around> {
    others.retain(|other| other.uri != view.uri);
    // Their answers came in no order.
    others.sort_by(|a, b| a.uri.0.cmp(&b.uri.0));
    let at = from_proto::position(&view.text, view.profile.encoding, params.position);
    let within = Duration::from_millis(params.within_ms.unwrap_or(DEFAULT_MS).min(MAX_MS));
    let snapshots: Vec<&Snapshot> = others.iter().map(|other| &other.snapshot).collect();
    let found = timeline::around(&view.snapshot, at.line, within, &snapshots)?;
    let documents: Vec<(&proto::Uri, &Text)> = std::iter::once((&view.uri, &*view.text))
        .chain(others.iter().map(|other| (&other.uri, &*other.text)))
        .collect();
    let names: Vec<&str> = documents.iter().map(|(uri, _)| uri.0.rsplit('/').next().unwrap_or(&uri.0)).collect();
    let entry = |entry: &timeline::Entry| {
        let (uri, text) = documents[entry.document];
        Entry {
            uri: uri.clone(),
            range: range(text, view.profile.encoding, entry.loc),
            delta_ms: entry.delta_ms,
            family: entry.family.map_or("app", |family| family.def().id),
            text: entry.text.clone(),
            is_focus: entry.is_focus,
            certainty: entry.certainty.name(),
        }
    };
    let mut lines = found.lines(&names);
    let notes = found.remarks(&names);
    lines.extend_from_slice(&notes);
    Some(Around {
        entries: found.entries.iter().map(entry).collect(),
        left_out: found.n_left_out,
        notes,
        text: format!("{}\n{}", found.at, lines.join("\n")),
        at: found.at,
    })
}

fn range(text: &Text, encoding: Encoding, loc: Loc) -> proto::Range {
    let position = |byte| {
        let at = LineCol { line: loc.line, byte };
        proto::Position { line: at.line, character: text.character(encoding, at) }
    };
    proto::Range { start: position(loc.start), end: position(loc.end) }
}
