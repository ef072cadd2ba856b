//! Turns answers of `ide` into what the protocol sends. Every place goes through the text it was found in, so each range
//! lies inside that text and on borders of characters, in the client's unit.

use std::hash::{DefaultHasher, Hash, Hasher};

use ide::rules::Severity;
use ide::{LensAction, Links, SymbolKind, markup};
use tower_lsp::gen_lsp_types::{self as proto, Code, Contents, Label, MarkupContent, MarkupKind};

use tracelog::{LineCol, Loc};

use crate::config::project::FileProblem;

use super::world::View;
use super::{capabilities, evidence, pages, questions};

/// What diagnostics name as their origin.
pub(super) const SOURCE: &str = "gotracelens";

pub(super) fn position(view: &View, at: LineCol) -> proto::Position {
    // Most places of outlines and lenses are the starts of lines, which need not be looked up.
    let character = if at.byte == 0 { 0 } else { view.text.character(view.profile.encoding, at) };
    proto::Position { line: at.line, character }
}

pub(super) fn range(view: &View, loc: Loc) -> proto::Range {
    let (line, start, end) = if loc.end == 0 {
        (loc.line, 0, 0)
    } else {
        let characters = view.text.characters(view.profile.encoding, loc.line);
        (loc.line, characters.of(loc.start), characters.of(loc.end))
    };
    proto::Range { start: proto::Position { line, character: start }, end: proto::Position { line, character: end } }
}

pub(super) fn hover(view: &View, hover: ide::Hover) -> proto::Hover {
    let contents = if view.profile.hover_markdown {
        MarkupContent { kind: MarkupKind::Markdown, value: view.profile.links.resolve(&hover.markdown) }
    } else {
        MarkupContent { kind: MarkupKind::PlainText, value: markup::rendered(&Links::None.resolve(&hover.markdown)) }
    };
    proto::Hover { contents: Contents::MarkupContent(contents), range: Some(range(view, hover.loc)) }
}

/// The answer to `gotracelens/narrate`.
#[derive(serde::Serialize)]
pub(super) struct Narration {
    /// What is told about.
    title: String,
    /// Plain text.
    sentences: Vec<String>,
    /// Title and sentences, as Markdown.
    markdown: String,
    /// What it was asked for.
    range: proto::Range,
}

pub(super) fn narration(view: &View, narration: &ide::Narration) -> Narration {
    Narration {
        title: narration.title.clone(),
        sentences: narration.sentences.iter().map(ide::narrate::Sentence::text).collect(),
        markdown: narration.markdown(),
        range: range(view, narration.loc),
    }
}

/// A command of the client about a place, as an action without a kind: it changes nothing.
pub(super) fn command_action(
    view: &View,
    title: String,
    command: &str,
    position: proto::Position,
) -> proto::CodeActionResponse {
    let command = proto::Command {
        title: title.clone(),
        command: command.into(),
        arguments: Some(vec![place_params(view, position)]),
        ..Default::default()
    };
    proto::CodeActionResponse::CodeAction(proto::CodeAction {
        title,
        kind: Some(proto::CodeActionKind::Empty),
        command: Some(command),
        ..Default::default()
    })
}

/// What is wrong with a file beside the documents, at its place there.
pub(super) fn file_problem(problem: &FileProblem) -> proto::Diagnostic {
    let at = |character| proto::Position { line: problem.line, character };
    proto::Diagnostic {
        range: proto::Range { start: at(problem.columns.0), end: at(problem.columns.1) },
        severity: Some(proto::DiagnosticSeverity::Warning),
        source: Some(SOURCE.into()),
        message: problem.text.clone().into(),
        ..Default::default()
    }
}

/// Goes to a line: `[uri, line]`.
const REVEAL: &str = "gotracelens.reveal";
/// Shows what was found, the worst on a line first: `[uri, line]`.
const SHOW_FINDINGS: &str = "gotracelens.showFindings";

pub(super) fn code_lens(view: &View, lens: ide::Lens) -> proto::CodeLens {
    let range = range(view, lens.loc);
    // A lens without a command is not shown by some editors; one with an empty name is text in all of them.
    let mut command = proto::Command { title: lens.title, ..Default::default() };
    if let Some((name, arguments)) = lens.action.and_then(|action| lens_command(view, action)) {
        command.command = name.to_owned();
        command.arguments = Some(arguments);
    }
    proto::CodeLens { range, command: Some(command), data: None }
}

/// The command of a lens and its arguments, where the client has it.
fn lens_command(view: &View, action: LensAction) -> Option<(&'static str, Vec<serde_json::Value>)> {
    let of_line = |line: u32| vec![view.uri.0.clone().into(), line.into()];
    let known = |name: &'static str, line: u32| view.profile.runs(name).then(|| (name, of_line(line)));
    match action {
        LensAction::Reveal { line } => known(REVEAL, line),
        LensAction::Findings { line } => known(SHOW_FINDINGS, line).or_else(|| known(REVEAL, line)),
        LensAction::Narrate { line } => {
            let position = proto::Position { line, character: 0 };
            let name = questions::NARRATE;
            view.profile.runs(name).then(|| (name, vec![place_params(view, position)]))
        }
    }
}

/// The parameters of a request about a place, as an argument of a command.
fn place_params(view: &View, position: proto::Position) -> serde_json::Value {
    serde_json::json!({"textDocument": {"uri": view.uri}, "position": position})
}

pub(super) fn diagnostic(view: &View, diagnostic: ide::Diagnostic) -> proto::Diagnostic {
    let data = evidence::data(view, &diagnostic);
    let related_information = view.profile.related_information.then(|| {
        let related = diagnostic.related.into_iter().map(|(loc, message)| proto::DiagnosticRelatedInformation {
            location: proto::Location { uri: view.uri.clone(), range: range(view, loc) },
            message,
        });
        related.collect::<Vec<_>>()
    });
    proto::Diagnostic {
        range: range(view, diagnostic.loc),
        severity: Some(severity(diagnostic.severity)),
        code: Some(Code::String(diagnostic.code.into())),
        code_description: pages::code_description(diagnostic.code),
        source: Some(SOURCE.into()),
        message: proto::Message::String(diagnostic.message),
        related_information: related_information.filter(|related| !related.is_empty()),
        data,
        ..Default::default()
    }
}

pub(super) fn severity(severity: Severity) -> proto::DiagnosticSeverity {
    match severity {
        Severity::Hint => proto::DiagnosticSeverity::Hint,
        Severity::Info => proto::DiagnosticSeverity::Information,
        Severity::Warning => proto::DiagnosticSeverity::Warning,
        Severity::Error => proto::DiagnosticSeverity::Error,
    }
}

/// A line of the summary as a finding, for clients that can show it no other way.
pub(super) fn summary_diagnostic(view: &View, lens: ide::Lens) -> proto::Diagnostic {
    proto::Diagnostic {
        range: range(view, lens.loc),
        severity: Some(proto::DiagnosticSeverity::Information),
        source: Some(SOURCE.into()),
        message: proto::Message::String(lens.title),
        ..Default::default()
    }
}

/// A name for a list of findings: equal lists have equal names, so the client need not be sent the same list twice.
pub(super) fn result_id(diagnostics: &[proto::Diagnostic]) -> String {
    let mut hasher = DefaultHasher::new();
    for diagnostic in diagnostics {
        // The JSON is what the client would be sent; the types themselves have no hash.
        serde_json::to_string(diagnostic).unwrap_or_default().hash(&mut hasher);
    }
    format!("{:016x}", hasher.finish())
}

pub(super) fn document_symbol(view: &View, symbol: ide::Symbol) -> proto::DocumentSymbol {
    let selection_range = range(view, symbol.loc);
    let children: Vec<_> = symbol.children.into_iter().map(|child| document_symbol(view, child)).collect();
    #[expect(deprecated, reason = "the generated struct has no other constructor that leaves the field out")]
    proto::DocumentSymbol {
        name: symbol.name,
        detail: Some(symbol.detail).filter(|detail| !detail.is_empty()),
        kind: symbol_kind(symbol.kind),
        tags: None,
        deprecated: None,
        range: lines(view, symbol.lines, selection_range),
        selection_range,
        children: Some(children).filter(|children| !children.is_empty()),
    }
}

/// A symbol and all below it, for clients that cannot show a tree.
pub(super) fn symbol_information(view: &View, symbol: ide::Symbol) -> Vec<proto::SymbolInformation> {
    let location = proto::Location { uri: view.uri.clone(), range: range(view, symbol.loc) };
    let base = proto::BaseSymbolInformation {
        name: symbol.name,
        kind: symbol_kind(symbol.kind),
        tags: None,
        container_name: None,
    };
    #[expect(deprecated, reason = "the generated struct has no other constructor that leaves the field out")]
    let this = proto::SymbolInformation { deprecated: None, location, base_symbol_information: base };
    let below = symbol.children.into_iter().flat_map(|child| symbol_information(view, child));
    [this].into_iter().chain(below).collect()
}

fn symbol_kind(kind: SymbolKind) -> proto::SymbolKind {
    match kind {
        SymbolKind::Run => proto::SymbolKind::Namespace,
        SymbolKind::Phase => proto::SymbolKind::Module,
        SymbolKind::Finding => proto::SymbolKind::Event,
        SymbolKind::Block => proto::SymbolKind::Object,
        SymbolKind::Goroutine => proto::SymbolKind::Function,
    }
}

/// Whole lines, first and last. `inside` is what the protocol wants to be in the range.
pub(super) fn lines(view: &View, (first, last): (u32, u32), inside: proto::Range) -> proto::Range {
    let start = proto::Position { line: first, character: 0 };
    let end = proto::Position { line: last, character: view.text.characters(view.profile.encoding, last).end() };
    proto::Range { start: start.min(inside.start), end: end.max(inside.end) }
}

pub(super) fn folding_range(view: &View, fold: ide::Fold) -> proto::FoldingRange {
    proto::FoldingRange {
        start_line: fold.first,
        end_line: fold.last,
        kind: Some(proto::FoldingRangeKind::Region),
        collapsed_text: view.profile.collapsed_text.then_some(fold.text),
        ..Default::default()
    }
}

/// Tokens in the relative form of the protocol. `tokens` must be in the order of the text.
pub(super) fn semantic_tokens(view: &View, tokens: &[ide::Token]) -> proto::SemanticTokens {
    let (mut previous_line, mut data) = (0, Vec::with_capacity(tokens.len()));
    for of_line in tokens.chunk_by(|a, b| a.loc.line == b.loc.line) {
        let line = of_line[0].loc.line;
        let characters = view.text.characters(view.profile.encoding, line);
        let mut previous = 0;
        for token in of_line {
            let (start, end) = (characters.of(token.loc.start), characters.of(token.loc.end));
            let (token_type, token_modifiers_bitset) = capabilities::token_numbers(token);
            data.push(proto::SemanticToken {
                delta_line: line - previous_line,
                delta_start: start - previous,
                length: end - start,
                token_type,
                token_modifiers_bitset,
            });
            (previous_line, previous) = (line, start);
        }
    }
    proto::SemanticTokens { result_id: None, data }
}

pub(super) fn inlay_hint(view: &View, hint: ide::InlayHint) -> proto::InlayHint {
    proto::InlayHint {
        position: position(view, hint.at),
        label: Label::String(hint.label),
        kind: None,
        text_edits: None,
        tooltip: None,
        padding_left: Some(true),
        padding_right: None,
        data: None,
    }
}
