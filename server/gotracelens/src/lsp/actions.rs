//! What a client may do about a place: have it told, and for each finding there copy what to run next, read about it,
//! see its evidence, or mute it.
//!
//! Muting adds to `gotracelens.mute.toml`, the nearest one, else a new one in the folder of the workspace. Logs are never
//! edited. An entry is put at the start of the file: no other place is known to be right without reading it.

use std::path::{Path, PathBuf};

use ide::{Diagnostic, advice};
use serde_json::{Value, json};
use tower_lsp::gen_lsp_types::{self as proto, CodeActionKind, CodeActionResponse};

use crate::config::project::{MUTE_FILE, mute_text};

use super::uri::{path_of, uri_of};
use super::world::View;
use super::{from_proto, questions, to_proto};

/// Puts a text into the clipboard: `[text]`.
const COPY: &str = "gotracelens.copy";
/// Shows the answer to `gotracelens/evidence`: `[its parameters]`.
const EVIDENCE: &str = "gotracelens.evidence";
/// Opens a page of the reference: `[name]`.
const OPEN_PAGE: &str = "gotracelens.openPage";
/// Saves the file of what is muted, which an edit has left unsaved in some editors: `[uri]`.
const SAVE_MUTES: &str = "gotracelens.saveMutes";

/// Actions that make sense in a range.
pub(super) fn code_action(view: &View, params: &proto::CodeActionParams) -> Option<Vec<CodeActionResponse>> {
    let only = params.context.only.as_ref();
    let is_asked_for = |kind: CodeActionKind| only.is_none_or(|only| only.contains(&kind));
    let mut actions = Vec::new();
    if is_asked_for(CodeActionKind::QuickFix) {
        let start = from_proto::position(&view.text, view.profile.encoding, params.range.start);
        let end = from_proto::position(&view.text, view.profile.encoding, params.range.end);
        for finding in findings(view, start.line, end.line) {
            about_finding(view, &finding, (start.line, end.line), &mut actions);
        }
    }
    // Those that are only told have no kind, so that none is offered to a client that asks for a certain one.
    if is_asked_for(CodeActionKind::Empty) {
        actions.extend(questions::told(view, params.range));
    }
    Some(actions)
}

/// The findings that are shown on these lines, one of each rule and line; their further lines are not findings.
fn findings(view: &View, first: u32, last: u32) -> Vec<Diagnostic> {
    let all = ide::diagnostics(&view.snapshot);
    all.into_iter().filter(|found| (first..=last).contains(&found.loc.line) && !found.is_further).collect()
}

fn about_finding(view: &View, finding: &Diagnostic, lines: (u32, u32), actions: &mut Vec<CodeActionResponse>) {
    let shown = to_proto::diagnostic(view, finding.clone());
    let mut add = |title: String, edit: Option<proto::WorkspaceEdit>, command: Option<(&str, Value)>| {
        let command = command.filter(|(name, _)| view.profile.runs(name)).map(|(name, argument)| proto::Command {
            title: title.clone(),
            command: name.into(),
            arguments: Some(vec![argument]),
            ..Default::default()
        });
        if edit.is_some() || command.is_some() {
            actions.push(CodeActionResponse::CodeAction(proto::CodeAction {
                title,
                kind: Some(CodeActionKind::QuickFix),
                diagnostics: Some(vec![shown.clone()]),
                edit,
                command,
                ..Default::default()
            }));
        }
    };
    for advice::Command { title, text } in advice::commands(finding.code) {
        add(format!("Copy the command: {title}"), None, Some((COPY, json!(text))));
    }
    let rule = format!("{} {}", finding.code, finding.slug);
    let asked =
        json!({"textDocument": {"uri": view.uri}, "code": finding.code, "run": finding.run, "line": finding.loc.line});
    add(format!("Show the evidence of {rule}"), None, Some((EVIDENCE, asked)));
    add(format!("Explain {rule}"), None, Some((OPEN_PAGE, json!(finding.code))));
    if !view.profile.edits_files {
        return;
    }
    let Some(muting) = Muting::of(view) else { return };
    let mut mute = |what: &str, files: Option<&str>, lines: Option<(u32, u32)>| {
        let Some(uri) = uri_of(&muting.file) else { return };
        let entry = mute_text(finding.code, files, lines);
        // Before other entries a blank line follows.
        let text = if view.mute_file.is_some() { entry + "\n" } else { entry };
        let edit = insert(&uri, text);
        add(format!("Mute {rule} {what}"), Some(edit), Some((SAVE_MUTES, json!(uri))));
    };
    let selected = if lines.0 < lines.1 { lines } else { (finding.loc.line, finding.loc.line) };
    let on = if lines.0 < lines.1 { "on these lines" } else { "on this line" };
    mute(on, muting.glob.as_deref(), Some(selected));
    mute("in this file", muting.glob.as_deref(), None);
    mute("in the workspace", None, None);
}

/// Where something can be muted.
struct Muting {
    /// The file that says so; it need not exist yet.
    file: PathBuf,
    /// The log, as a glob of that file names it.
    glob: Option<String>,
}

impl Muting {
    /// None for texts that are no files.
    fn of(view: &View) -> Option<Self> {
        let log = path_of(&view.uri.0)?;
        let folder = log.parent()?;
        let file = match &view.mute_file {
            Some(file) => file.clone(),
            None => view.roots.folder_above(&log).unwrap_or(folder).join(MUTE_FILE),
        };
        let inside = log.strip_prefix(file.parent()?).ok()?;
        let parts: Option<Vec<&str>> = inside.iter().map(|part| part.to_str()).collect();
        let glob = glob::Pattern::escape(&parts?.join("/"));
        // A name alone would mean files of that name in every folder below.
        let glob = if inside.parent() == Some(Path::new("")) { format!("./{glob}") } else { glob };
        Some(Self { file, glob: Some(glob) })
    }
}

/// Puts a text at the start of a file, which is made where there is none.
fn insert(uri: &proto::Uri, text: String) -> proto::WorkspaceEdit {
    let start = proto::Position { line: 0, character: 0 };
    let edit = proto::TextEdit { range: proto::Range { start, end: start }, new_text: text };
    let document = proto::OptionalVersionedTextDocumentIdentifier {
        version: None,
        text_document_identifier: proto::TextDocumentIdentifier { uri: uri.clone() },
    };
    let create = proto::CreateFile {
        uri: uri.clone(),
        // VS Code heeds that a file exists only where nothing at all is said about overwriting, and else refuses the edit.
        options: Some(proto::CreateFileOptions { overwrite: None, ignore_if_exists: Some(true) }),
        annotation_id: None,
    };
    proto::WorkspaceEdit {
        document_changes: Some(vec![
            create.into(),
            proto::TextDocumentEdit { text_document: document, edits: vec![edit.into()] }.into(),
        ]),
        ..Default::default()
    }
}
