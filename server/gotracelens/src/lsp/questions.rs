//! One function for each request: convert, ask `ide`, convert back. They run on the pool, over an immutable view.

use tower_lsp::gen_lsp_types as proto;

use super::around::AROUND;
use super::capabilities::SummaryPlace;
use super::from_proto;
use super::godebug;
use super::to_proto;
use super::world::View;

/// Longest text, in bytes, for which all tokens are sent at once; above it editors ask for what they show.
const MAX_FULL_TOKENS_BYTES: usize = 2 << 20;

pub(super) fn hover(view: &View, position: proto::Position) -> Option<proto::Hover> {
    let at = from_proto::position(&view.text, view.profile.encoding, position);
    if let Some(kind) = view.file {
        return godebug::hover(view, kind, at);
    }
    let hover = if view.profile.shows_findings_in_hovers {
        ide::hover_below_findings(&view.snapshot, at)?
    } else {
        ide::hover(&view.snapshot, at)?
    };
    Some(to_proto::hover(view, hover))
}

/// The command of clients that show a narration.
pub(super) const NARRATE: &str = "gotracelens.narrate";

/// What happened at a place.
pub(super) fn narrate(view: &View, position: proto::Position) -> Option<to_proto::Narration> {
    let at = from_proto::position(&view.text, view.profile.encoding, position);
    let narration = ide::narrate(&view.snapshot, at)?;
    Some(to_proto::narration(view, &narration))
}

/// The command that tells what to set for the run at a place.
const TUNE: &str = "gotracelens.tune";

/// What to set for the run that a line belongs to, with the limits of the settings.
fn tuning(view: &View, line: u32) -> Option<ide::tune::Tuning> {
    let parsed = view.snapshot.parsed.as_ref()?;
    let run = parsed.runs.list.get(parsed.runs.at_line(line)?)?.number;
    let place = ide::tune::Place {
        memory_limit_mb: view.settings.memory_limit_mb,
        cpu_limit: view.settings.cpu_limit,
        is_alone: false,
    };
    ide::tune::tunings(parsed, &place).into_iter().find(|tuning| tuning.run == run)
}

/// The answer to `gotracelens/tune`.
#[derive(serde::Serialize)]
pub(super) struct Tuned {
    /// What it is about.
    title: String,
    /// The variables to set, where there is something to set.
    line: Option<String>,
    /// All of it, as Markdown.
    markdown: String,
}

/// What to set for the run at a place.
pub(super) fn tune(view: &View, position: proto::Position) -> Option<Tuned> {
    let tuning = tuning(view, position.line)?;
    let title = format!("What to set for run {}", tuning.run + 1);
    Some(Tuned { title, markdown: tuning.markdown(), line: tuning.line })
}

/// What can be told about the start of a range, by clients that can run the commands.
pub(super) fn told(view: &View, range: proto::Range) -> Vec<proto::CodeActionResponse> {
    let at = from_proto::position(&view.text, view.profile.encoding, range.start);
    let mut actions = Vec::new();
    if view.profile.runs(NARRATE)
        && let Some(narration) = ide::narrate(&view.snapshot, at)
    {
        let title = format!("Tell what happened: {}", narration.title);
        actions.push(to_proto::command_action(view, title, NARRATE, range.start));
    }
    if view.profile.runs(TUNE) && tuning(view, at.line).is_some() {
        actions.push(to_proto::command_action(view, "What to set for this run".to_owned(), TUNE, range.start));
    }
    if view.profile.runs(AROUND) && ide::timeline::has_time(&view.snapshot, at.line) {
        let title = "What happened within 1 s of this line".to_owned();
        actions.push(to_proto::command_action(view, title, AROUND, range.start));
    }
    actions
}

pub(super) fn code_lens(view: &View) -> Option<Vec<proto::CodeLens>> {
    if view.summary_place() != SummaryPlace::Lens {
        return None;
    }
    Some(lenses(view).into_iter().map(|lens| to_proto::code_lens(view, lens)).collect())
}

/// The summary, over all files of the set where the settings say so.
fn lenses(view: &View) -> Vec<ide::Lens> {
    match view.older() {
        Some(older) => ide::lenses_over(&view.snapshot, &older),
        None => ide::lenses(&view.snapshot),
    }
}

pub(super) fn diagnostics(view: &View) -> Vec<proto::Diagnostic> {
    if let Some(kind) = view.file {
        return godebug::diagnostics(view, kind);
    }
    let findings = ide::diagnostics(&view.snapshot).into_iter().map(|finding| to_proto::diagnostic(view, finding));
    if view.summary_place() != SummaryPlace::Diagnostic {
        return findings.collect();
    }
    let summary = lenses(view).into_iter().map(|lens| to_proto::summary_diagnostic(view, lens));
    summary.chain(findings).collect()
}

/// The findings, or that they are the ones the client has.
pub(super) fn diagnostic_report(view: &View, previous_result_id: Option<String>) -> DiagnosticReport {
    let items = diagnostics(view);
    let result_id = to_proto::result_id(&items);
    if previous_result_id.as_ref() == Some(&result_id) {
        let unchanged_document_diagnostic_report = proto::UnchangedDocumentDiagnosticReport { result_id };
        let report = proto::RelatedUnchangedDocumentDiagnosticReport {
            related_documents: None,
            unchanged_document_diagnostic_report,
        };
        return DiagnosticReport(report.into());
    }
    let full_document_diagnostic_report = proto::FullDocumentDiagnosticReport { result_id: Some(result_id), items };
    DiagnosticReport(
        proto::RelatedFullDocumentDiagnosticReport { related_documents: None, full_document_diagnostic_report }.into(),
    )
}

/// A report whose default is that there are no findings.
pub(super) struct DiagnosticReport(pub(super) proto::DocumentDiagnosticReport);

impl Default for DiagnosticReport {
    fn default() -> Self {
        let full_document_diagnostic_report =
            proto::FullDocumentDiagnosticReport { result_id: None, items: Vec::new() };
        DiagnosticReport(
            proto::RelatedFullDocumentDiagnosticReport { related_documents: None, full_document_diagnostic_report }
                .into(),
        )
    }
}

pub(super) fn document_symbol(view: &View) -> Option<proto::DocumentSymbolResponse> {
    let symbols = ide::symbols(&view.snapshot);
    if symbols.is_empty() {
        return None;
    }
    if !view.profile.hierarchical_symbols {
        let flat = symbols.into_iter().flat_map(|symbol| to_proto::symbol_information(view, symbol)).collect();
        return Some(proto::DocumentSymbolResponse::SymbolInformationList(flat));
    }
    let tree = symbols.into_iter().map(|symbol| to_proto::document_symbol(view, symbol)).collect();
    Some(proto::DocumentSymbolResponse::DocumentSymbolList(tree))
}

pub(super) fn folding_range(view: &View) -> Option<Vec<proto::FoldingRange>> {
    Some(ide::folds(&view.snapshot).into_iter().map(|fold| to_proto::folding_range(view, fold)).collect())
}

pub(super) fn semantic_tokens_full(view: &View) -> Option<proto::SemanticTokens> {
    let text = &view.text;
    if text.n_bytes() > MAX_FULL_TOKENS_BYTES {
        return None;
    }
    Some(to_proto::semantic_tokens(view, &ide::tokens(&view.snapshot, 0..text.n_lines())))
}

pub(super) fn semantic_tokens_range(view: &View, range: proto::Range) -> Option<proto::SemanticTokens> {
    let lines = from_proto::lines(&view.text, range);
    Some(to_proto::semantic_tokens(view, &ide::tokens(&view.snapshot, lines)))
}

pub(super) fn inlay_hint(view: &View, range: proto::Range) -> Option<Vec<proto::InlayHint>> {
    let kinds = view.settings.inlay_hints.kinds();
    let has_summary = view.summary_place() == SummaryPlace::Inlay;
    if !has_summary && kinds == ide::Kinds::default() {
        return None;
    }
    let lines = from_proto::lines(&view.text, range);
    let mut hints = ide::hints(&view.snapshot, lines.clone(), kinds);
    if has_summary {
        let summary = ide::summary_hints(&view.snapshot, lenses(view)).into_iter();
        hints.extend(summary.filter(|hint| lines.contains(&hint.at.line)));
    }
    Some(hints.into_iter().map(|hint| to_proto::inlay_hint(view, hint)).collect())
}
