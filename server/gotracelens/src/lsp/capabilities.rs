//! What the client can do, and what we tell it that we can do.

use ide::{Links, Token, TokenKind};
use serde::Deserialize;
use serde_json::Value;
use tower_lsp::gen_lsp_types::{
    CallHierarchyProvider, ChangeNotifications, ClientCapabilities, CodeActionKind, CodeActionOptions,
    CodeActionProvider, CodeLensOptions, CompletionOptions, DefinitionProvider, DiagnosticOptions, DiagnosticProvider,
    DocumentHighlightProvider, DocumentLinkOptions, DocumentSymbolProvider, FoldingRangeProvider, Full, HoverProvider,
    InitializeParams, InitializeResult, InlayHintProvider, MarkupKind, PositionEncodingKind, ReferencesProvider,
    ResourceOperationKind, SelectionRangeProvider, SemanticTokensLegend, SemanticTokensOptions,
    SemanticTokensOptionsRange, SemanticTokensProvider, ServerCapabilities, ServerInfo, TextDocumentSync,
    TextDocumentSyncKind, TextDocumentSyncOptions, WorkspaceFoldersServerCapabilities, WorkspaceOptions,
    WorkspaceSymbolProvider,
};
use tracelog::{Encoding, Role};

use crate::config::{self, Settings};

use super::pages;

/// Names of the token types the server sends, in the order of their numbers. Only standard names: every editor colors
/// them.
const TOKEN_TYPES: [&str; 5] = ["keyword", "number", "enumMember", "function", "string"];
/// Names of the token modifiers the server sends, in the order of their bits: what a number counts, and that it is far
/// above what its run usually has.
const TOKEN_MODIFIERS: [&str; 9] = ["time", "pause", "cpu", "heap", "goal", "count", "id", "file", "outlier"];

/// The number of a token's type and its modifier bits.
pub(super) fn token_numbers(token: &Token) -> (u32, u32) {
    let (number, modifiers) = kind_numbers(token.kind);
    (number, modifiers | u32::from(token.is_outlier) << 8)
}

fn kind_numbers(kind: TokenKind) -> (u32, u32) {
    let role = match kind {
        TokenKind::Keyword => return (0, 0),
        TokenKind::Value(role) => role,
    };
    match role {
        Role::State => (2, 0),
        Role::Time => (1, 1),
        Role::Pause => (1, 1 << 1),
        Role::Cpu => (1, 1 << 2),
        Role::Heap => (1, 1 << 3),
        Role::Goal => (1, 1 << 4),
        Role::Count => (1, 1 << 5),
        Role::Id => (1, 1 << 6),
        Role::Function => (3, 0),
        Role::File => (4, 1 << 7),
        Role::Text => (4, 0),
    }
}

/// The client, as far as it changes what we send. Only what a client announces is used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Profile {
    /// The unit of all characters in positions, both ways.
    pub(super) encoding: Encoding,
    pub(super) hover_markdown: bool,
    pub(super) completion_markdown: bool,
    pub(super) code_lens: bool,
    pub(super) inlay_hint: bool,
    pub(super) hierarchical_symbols: bool,
    /// Asks for diagnostics; otherwise they are pushed.
    pub(super) pulls_diagnostics: bool,
    pub(super) collapsed_text: bool,
    pub(super) related_information: bool,
    pub(super) push_version: bool,
    pub(super) configuration: bool,
    pub(super) registers_configuration: bool,
    /// Can make a file and edit it in one go.
    pub(super) edits_files: bool,
    /// Watches files for us.
    pub(super) registers_watchers: bool,
    /// Shows what a link stands for, not only where it leads.
    pub(super) definition_links: bool,
    /// How it opens pages of the reference.
    pub(super) links: Links,
    pub(super) refresh: Refresh,
    /// Shows the messages of findings at a place above a hover, from the initialization options.
    pub(super) shows_findings_in_hovers: bool,
    /// Commands of ours that the client can run, from the initialization options: a lens or an action with any other
    /// would do nothing when it is chosen.
    pub(super) commands: Vec<String>,
}

/// Which answers the client can be told to ask for again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Refresh {
    pub(super) code_lens: bool,
    pub(super) diagnostics: bool,
    pub(super) inlay_hint: bool,
    pub(super) folding_range: bool,
    pub(super) semantic_tokens: bool,
}

/// Where the summary goes, after `auto` is resolved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SummaryPlace {
    Lens,
    Inlay,
    Diagnostic,
    Nowhere,
}

impl Profile {
    /// Reads what the client announced, and what it says about itself in the initialization options.
    pub(super) fn of(client: &ClientCapabilities, options: Option<&Value>) -> Self {
        let text_document = client.text_document.as_ref();
        let workspace = client.workspace.as_ref();
        let hover_formats =
            text_document.and_then(|caps| caps.hover.as_ref()).and_then(|hover| hover.content_format.as_ref());
        let pull = text_document.and_then(|caps| caps.diagnostic.as_ref());
        let push = text_document.and_then(|caps| caps.publish_diagnostics.as_ref());
        let related = match (pull, push) {
            (Some(pull), _) if pull.diagnostics_capabilities.related_information.is_some() => {
                pull.diagnostics_capabilities.related_information
            }
            // Editors announced this for the push form long before they had the pull form.
            (_, Some(push)) => push.diagnostics_capabilities.related_information,
            _ => None,
        };
        Profile {
            encoding: negotiate(client.general.as_ref().and_then(|caps| caps.position_encodings.as_deref())),
            hover_markdown: hover_formats.is_some_and(|formats| formats.contains(&MarkupKind::Markdown)),
            completion_markdown: text_document
                .and_then(|caps| caps.completion.as_ref())
                .and_then(|completion| completion.completion_item.as_ref())
                .and_then(|item| item.documentation_format.as_ref())
                .is_some_and(|formats| formats.contains(&MarkupKind::Markdown)),
            code_lens: text_document.is_some_and(|caps| caps.code_lens.is_some()),
            inlay_hint: text_document.is_some_and(|caps| caps.inlay_hint.is_some()),
            hierarchical_symbols: text_document
                .and_then(|caps| caps.document_symbol.as_ref())
                .and_then(|symbol| symbol.hierarchical_document_symbol_support)
                .unwrap_or_default(),
            pulls_diagnostics: pull.is_some(),
            collapsed_text: text_document
                .and_then(|caps| caps.folding_range.as_ref())
                .and_then(|folding| folding.folding_range.as_ref())
                .and_then(|range| range.collapsed_text)
                .unwrap_or_default(),
            related_information: related.unwrap_or_default(),
            push_version: push.and_then(|push| push.version_support).unwrap_or_default(),
            configuration: workspace.and_then(|caps| caps.configuration).unwrap_or_default(),
            registers_configuration: workspace
                .and_then(|caps| caps.did_change_configuration.as_ref())
                .and_then(|change| change.dynamic_registration)
                .unwrap_or_default(),
            edits_files: workspace.and_then(|caps| caps.workspace_edit.as_ref()).is_some_and(|edit| {
                let creates = edit
                    .resource_operations
                    .as_ref()
                    .is_some_and(|known| known.contains(&ResourceOperationKind::Create));
                edit.document_changes == Some(true) && creates
            }),
            registers_watchers: workspace
                .and_then(|caps| caps.did_change_watched_files.as_ref())
                .and_then(|watch| watch.dynamic_registration)
                .unwrap_or_default(),
            definition_links: text_document
                .and_then(|caps| caps.definition.as_ref())
                .and_then(|definition| definition.link_support)
                .unwrap_or_default(),
            refresh: Refresh {
                code_lens: workspace
                    .and_then(|caps| caps.code_lens.as_ref())
                    .and_then(|caps| caps.refresh_support)
                    .unwrap_or_default(),
                diagnostics: workspace
                    .and_then(|caps| caps.diagnostics.as_ref())
                    .and_then(|caps| caps.refresh_support)
                    .unwrap_or_default(),
                inlay_hint: workspace
                    .and_then(|caps| caps.inlay_hint.as_ref())
                    .and_then(|caps| caps.refresh_support)
                    .unwrap_or_default(),
                folding_range: workspace
                    .and_then(|caps| caps.folding_range.as_ref())
                    .and_then(|caps| caps.refresh_support)
                    .unwrap_or_default(),
                semantic_tokens: workspace
                    .and_then(|caps| caps.semantic_tokens.as_ref())
                    .and_then(|caps| caps.refresh_support)
                    .unwrap_or_default(),
            },
            links: pages::links(options),
            shows_findings_in_hovers: options
                .and_then(|options| options.get("findingsInHovers"))
                .and_then(Value::as_bool)
                .unwrap_or_default(),
            commands: options
                .and_then(|options| options.get("commands"))
                .and_then(|commands| Vec::<String>::deserialize(commands).ok())
                .unwrap_or_default(),
        }
    }

    /// Whether the client can run a command.
    pub(super) fn runs(&self, command: &str) -> bool {
        self.commands.iter().any(|known| known == command)
    }

    /// Where this client is shown the summary of a file.
    pub(super) fn summary_place(&self, settings: &Settings) -> SummaryPlace {
        match settings.summary.place {
            config::SummaryPlace::Auto if self.code_lens => SummaryPlace::Lens,
            config::SummaryPlace::Auto if self.inlay_hint => SummaryPlace::Inlay,
            config::SummaryPlace::Auto | config::SummaryPlace::Diagnostic => SummaryPlace::Diagnostic,
            config::SummaryPlace::Lens => SummaryPlace::Lens,
            config::SummaryPlace::Inlay => SummaryPlace::Inlay,
            config::SummaryPlace::Off => SummaryPlace::Nowhere,
        }
    }
}

/// UTF-8 if offered, because that is how the text is kept; else the client's first choice that we know. A client that
/// offers nothing speaks UTF-16.
fn negotiate(offered: Option<&[PositionEncodingKind]>) -> Encoding {
    let known: Vec<Encoding> = offered
        .unwrap_or_default()
        .iter()
        .filter_map(|kind| match kind {
            PositionEncodingKind::UTF8 => Some(Encoding::Utf8),
            PositionEncodingKind::UTF16 => Some(Encoding::Utf16),
            PositionEncodingKind::UTF32 => Some(Encoding::Utf32),
            PositionEncodingKind::Custom(_) => None,
        })
        .collect();
    if known.contains(&Encoding::Utf8) { Encoding::Utf8 } else { known.first().copied().unwrap_or(Encoding::Utf16) }
}

/// The answer to `initialize`.
pub(super) fn announce(profile: &Profile) -> InitializeResult {
    let capabilities = ServerCapabilities {
        position_encoding: Some(match profile.encoding {
            Encoding::Utf8 => PositionEncodingKind::UTF8,
            Encoding::Utf16 => PositionEncodingKind::UTF16,
            Encoding::Utf32 => PositionEncodingKind::UTF32,
        }),
        text_document_sync: Some(TextDocumentSync::Options(TextDocumentSyncOptions {
            open_close: Some(true),
            change: Some(TextDocumentSyncKind::Incremental),
            ..Default::default()
        })),
        hover_provider: Some(HoverProvider::Bool(true)),
        // Answered in files that set GODEBUG only, where a setting, a value or a quoted list begins.
        completion_provider: Some(CompletionOptions {
            trigger_characters: Some(["=", ",", "\""].map(str::to_owned).to_vec()),
            ..Default::default()
        }),
        code_lens_provider: Some(CodeLensOptions::default()),
        document_symbol_provider: Some(DocumentSymbolProvider::Bool(true)),
        folding_range_provider: Some(FoldingRangeProvider::Bool(true)),
        semantic_tokens_provider: Some(SemanticTokensProvider::SemanticTokensOptions(SemanticTokensOptions {
            legend: SemanticTokensLegend {
                token_types: TOKEN_TYPES.iter().map(|&name| name.into()).collect(),
                token_modifiers: TOKEN_MODIFIERS.iter().map(|&name| name.into()).collect(),
            },
            range: Some(SemanticTokensOptionsRange::Bool(true)),
            full: Some(Full::Bool(true)),
            ..Default::default()
        })),
        inlay_hint_provider: Some(InlayHintProvider::Bool(true)),
        definition_provider: Some(DefinitionProvider::Bool(true)),
        references_provider: Some(ReferencesProvider::Bool(true)),
        document_highlight_provider: Some(DocumentHighlightProvider::Bool(true)),
        document_link_provider: Some(DocumentLinkOptions::default()),
        selection_range_provider: Some(SelectionRangeProvider::Bool(true)),
        call_hierarchy_provider: Some(CallHierarchyProvider::Bool(true)),
        workspace_symbol_provider: Some(WorkspaceSymbolProvider::Bool(true)),
        workspace: Some(WorkspaceOptions {
            workspace_folders: Some(WorkspaceFoldersServerCapabilities {
                supported: Some(true),
                change_notifications: Some(ChangeNotifications::Bool(true)),
            }),
            ..Default::default()
        }),
        // Commands, which only some clients can run, and edits of a file of our own.
        code_action_provider: (!profile.commands.is_empty() || profile.edits_files).then(|| {
            CodeActionProvider::CodeActionOptions(CodeActionOptions {
                code_action_kinds: Some(vec![CodeActionKind::QuickFix, CodeActionKind::Empty]),
                ..Default::default()
            })
        }),
        // Clients that hear of a provider pull, and would see pushed findings twice.
        diagnostic_provider: profile.pulls_diagnostics.then(|| {
            DiagnosticProvider::DiagnosticOptions(DiagnosticOptions {
                identifier: Some("gotracelens".into()),
                ..Default::default()
            })
        }),
        ..Default::default()
    };
    let server_info = ServerInfo { name: "gotracelens".into(), version: Some(env!("CARGO_PKG_VERSION").into()) };
    InitializeResult { capabilities, server_info: Some(server_info) }
}

/// Reads `initialize`: the client, and the settings it sent along.
pub(super) fn read(params: InitializeParams) -> (Profile, Option<Value>) {
    (Profile::of(&params.capabilities, params.initialization_options.as_ref()), params.initialization_options)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn profile(capabilities: Value) -> Profile {
        Profile::of(&serde_json::from_value(capabilities).unwrap(), None)
    }

    #[test]
    fn utf_8_is_taken_when_offered_and_else_the_first_choice() {
        for (offered, want) in [
            (json!(["utf-16"]), Encoding::Utf16),
            (json!(["utf-16", "utf-8"]), Encoding::Utf8),
            (json!(["utf-32", "utf-8", "utf-16"]), Encoding::Utf8),
            (json!(["utf-32", "utf-16"]), Encoding::Utf32),
            (json!(["utf-7", "utf-16"]), Encoding::Utf16),
            (json!([]), Encoding::Utf16),
            (json!(null), Encoding::Utf16),
        ] {
            assert_eq!(profile(json!({"general": {"positionEncodings": offered}})).encoding, want, "{offered}");
        }
        assert_eq!(profile(json!({})).encoding, Encoding::Utf16);
    }

    #[test]
    fn the_summary_goes_where_the_client_can_show_it() {
        let auto = Settings::default();
        let lens = profile(json!({"textDocument": {"codeLens": {}, "inlayHint": {}}}));
        let inlay = profile(json!({"textDocument": {"inlayHint": {}}}));
        let neither = profile(json!({}));
        assert_eq!(lens.summary_place(&auto), SummaryPlace::Lens);
        assert_eq!(inlay.summary_place(&auto), SummaryPlace::Inlay);
        assert_eq!(neither.summary_place(&auto), SummaryPlace::Diagnostic);
        let off =
            Settings { summary: config::SummarySettings { place: config::SummaryPlace::Off }, ..Settings::default() };
        assert_eq!(lens.summary_place(&off), SummaryPlace::Nowhere);
    }

    #[test]
    fn token_numbers_stay_inside_the_legend() {
        let roles = [
            Role::Time,
            Role::Pause,
            Role::Cpu,
            Role::Heap,
            Role::Goal,
            Role::Count,
            Role::Id,
            Role::State,
            Role::Function,
            Role::File,
            Role::Text,
        ];
        for kind in roles.map(TokenKind::Value).into_iter().chain([TokenKind::Keyword]) {
            let token = Token { loc: tracelog::Loc::default(), kind, is_outlier: true };
            let (token_type, modifiers) = token_numbers(&token);
            assert!((token_type as usize) < TOKEN_TYPES.len() && modifiers >> TOKEN_MODIFIERS.len() == 0, "{kind:?}");
        }
    }

    #[test]
    fn the_extension_of_vs_code_has_a_scope_for_every_token() {
        let package: Value = serde_json::from_str(include_str!("../../../../editors/vscode/package.json")).unwrap();
        let contributed = &package["contributes"];
        let ids = contributed["semanticTokenModifiers"].as_array().unwrap().iter();
        assert_eq!(ids.map(|modifier| modifier["id"].as_str().unwrap()).collect::<Vec<_>>(), TOKEN_MODIFIERS);
        let scopes = contributed["semanticTokenScopes"][0]["scopes"].as_object().unwrap();
        let has_scope = |name: &str| scopes.keys().any(|key| key.split('.').any(|part| part == name));
        // A keyword has the scope of its family in the grammar, and every theme has a color for the type.
        let names = TOKEN_TYPES.iter().filter(|name| **name != "keyword").chain(&TOKEN_MODIFIERS);
        assert_eq!(names.filter(|name| !has_scope(name)).collect::<Vec<_>>(), [""; 0].iter().collect::<Vec<_>>());
    }

    #[test]
    fn only_commands_that_the_client_announced_are_sent() {
        let options = json!({"commands": ["gotracelens.reveal"], "summary": {"where": "lens"}});
        let profile = Profile::of(&ClientCapabilities::default(), Some(&options));
        assert!(profile.runs("gotracelens.reveal") && !profile.runs("gotracelens.narrate"));
        assert!(!Profile::of(&ClientCapabilities::default(), Some(&json!({"commands": "x"}))).runs("x"));
    }

    #[test]
    fn every_token_is_described_for_authors_of_themes() {
        let page = include_str!("../../../docs/tokens.md");
        let described = |name: &&&str| !page.lines().any(|line| line.starts_with(&format!("- `{name}`")));
        let missing: Vec<&&str> = TOKEN_TYPES.iter().chain(&TOKEN_MODIFIERS).filter(described).collect();
        assert_eq!(missing, [&""; 0]);
        let n_described = page.lines().filter(|line| line.starts_with("- `")).count();
        assert_eq!(n_described, TOKEN_TYPES.len() + TOKEN_MODIFIERS.len(), "the page describes what is never sent");
    }

    #[test]
    fn nothing_is_assumed_of_a_client_that_announces_nothing() {
        let profile = profile(json!({}));
        assert_eq!(profile.refresh, Refresh::default());
        assert!(!profile.hover_markdown && !profile.pulls_diagnostics && !profile.configuration);
        assert!(announce(&profile).capabilities.diagnostic_provider.is_none());
    }
}
