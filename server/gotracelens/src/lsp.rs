//! The language server: every handler posts an event or asks a question, and nothing else.
//!
//! Reading order: `transport` (bytes in and out, the life of the process), `service` (which methods there are), `inbox`
//! (everything that can happen), `main_loop` (the owner takes it in order), `world` (the documents), `questions` (one
//! function for each request), `navigate` (those about where things are), `from_proto`, `to_proto` and `capabilities` (all knowledge of the protocol).
//!
//! **A handler's first statement posts; nothing is awaited, locked or logged before it.** The transport polls each
//! message once in the order of arrival, so this is what makes a question see exactly the edits sent before it. No
//! handler waits for the client.

mod actions;
mod around;
mod capabilities;
mod client;
mod evidence;
mod fault;
mod from_proto;
mod godebug;
mod inbox;
mod links;
mod main_loop;
mod navigate;
mod older;
mod pages;
mod pool;
mod publish;
mod questions;
mod service;
mod settled;
mod to_proto;
mod transport;
mod uri;
mod world;
mod written;

use std::collections::HashSet;
use std::io::{self, IsTerminal};
use std::process::ExitCode;
use std::sync::OnceLock;
use std::{panic, thread};

use ide::Links;
use serde::Serialize;
use tower_lsp::LanguageServer;
use tower_lsp::gen_lsp_types::{
    CallHierarchyIncomingCall, CallHierarchyIncomingCallsParams, CallHierarchyItem, CallHierarchyOutgoingCall,
    CallHierarchyOutgoingCallsParams, CallHierarchyPrepareParams, CodeActionParams, CodeActionResponse, CodeLensParams,
    CompletionParams, CompletionResponse, DefinitionParams, DefinitionResponse, DidChangeConfigurationParams,
    DidChangeTextDocumentParams, DidChangeWatchedFilesParams, DidChangeWorkspaceFoldersParams,
    DidCloseTextDocumentParams, DidOpenTextDocumentParams, DocumentDiagnosticParams, DocumentDiagnosticReport,
    DocumentHighlight, DocumentHighlightParams, DocumentLink, DocumentLinkParams, DocumentSymbolParams,
    FoldingRangeParams, Hover, HoverParams, InitializeParams, InitializeResult, InitializedParams, InlayHint,
    InlayHintParams, Location, ReferenceParams, SelectionRange, SelectionRangeParams, SemanticTokensParams,
    SemanticTokensRangeParams, TextDocumentPositionParams, Uri, WorkspaceFolder, WorkspaceSymbolParams,
    WorkspaceSymbolResponse,
};
use tower_lsp::jsonrpc::Result;

use around::{AroundParams, Other};
use client::Client;
use evidence::{Evidence, EvidenceParams};
use inbox::{About, Event, Inbox, Needs};
use links::Roots;
use main_loop::MainLoop;
use pages::{PageAnswer, PageEntry, PageParams};
use pool::Pool;
use publish::Schedule;
use world::{View, World};
use written::Written;

/// Stack of the owner of the state, which parses incrementally.
const OWNER_STACK_BYTES: usize = 16 << 20;

/// Serves one client on standard input and output until it leaves. The exit code is the protocol's: 0 if the client
/// asked for a shutdown first, else 1.
///
/// Must be called from the thread that started the process, before anything is written to standard output. Diagnostics
/// about the server itself go to standard error; `GOTRACELENS_LOG` sets their level (`error`, `warn`, `info`, ...).
pub fn run() -> ExitCode {
    start_log();
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_time().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            tracing::error!("start the runtime: {error}");
            return ExitCode::FAILURE;
        }
    };
    let (inbox, events) = Inbox::new();
    let handle = runtime.handle().clone();
    let (service, socket) = service::build(|client| {
        let owner = MainLoop {
            world: World::new(Pool::start(), inbox.clone()),
            client: Client::new(client, handle),
            inbox: inbox.clone(),
            schedule: Schedule::default(),
            faulty: HashSet::new(),
        };
        thread::Builder::new()
            .name("lsp-owner".into())
            .stack_size(OWNER_STACK_BYTES)
            .spawn(move || owner.run(&events))
            .expect("a thread can be started at process start");
        Server { inbox, links: OnceLock::new() }
    });
    let exit_code = runtime.block_on(transport::serve(service, socket, io::stdin(), io::stdout()));
    // Whatever still runs is of no use to anybody: the process ends with the return of `main`.
    runtime.shutdown_background();
    exit_code
}

/// Sends `tracing` to standard error. What documents contain is escaped there, and a closed standard error is no error.
fn start_log() {
    let filter = tracing_subscriber::EnvFilter::builder()
        .with_default_directive(tracing_subscriber::filter::LevelFilter::WARN.into())
        .with_env_var("GOTRACELENS_LOG")
        .from_env_lossy();
    // A second call in one process keeps the first log.
    let _ = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr)
        .with_ansi(io::stderr().is_terminal())
        .try_init();
    panic::set_hook(Box::new(|info| {
        let place = info.location().map(ToString::to_string).unwrap_or_default();
        tracing::error!("panic at {place}: {:?}", transport::panic_text(info.payload()));
    }));
}

/// The handlers. All state is behind the inbox.
struct Server {
    inbox: Inbox,
    /// How the client opens pages of the reference; known once it has introduced itself.
    links: OnceLock<Links>,
}

/// Requests of our own.
impl Server {
    async fn page(&self, params: PageParams) -> Result<PageAnswer> {
        pages::page(self.links.get().unwrap_or(&Links::None), &params)
    }

    async fn pages(&self) -> Result<Vec<PageEntry>> {
        Ok(pages::all())
    }
}

/// Requests of our own.
impl Server {
    async fn narrate(&self, params: TextDocumentPositionParams) -> Result<Option<to_proto::Narration>> {
        let position = params.position;
        self.inbox.ask(params.text_document.uri, Needs::Log, move |view| questions::narrate(view, position)).await
    }

    async fn tune(&self, params: TextDocumentPositionParams) -> Result<Option<questions::Tuned>> {
        let position = params.position;
        self.inbox.ask(params.text_document.uri, Needs::Log, move |view| questions::tune(view, position)).await
    }

    async fn evidence(&self, params: EvidenceParams) -> Result<Option<Evidence>> {
        let uri = params.text_document.uri.clone();
        self.inbox.ask(uri, Needs::Log, move |view| evidence::evidence(view, &params)).await
    }

    async fn around(&self, params: AroundParams) -> Result<Option<around::Around>> {
        let uri = params.text_document.uri.clone();
        if !params.all_documents {
            return self.inbox.ask(uri, Needs::Log, move |view| around::around(view, &params, Vec::new())).await;
        }
        // What the others hold is gathered first; a document that is still being read holds nothing yet.
        let others = self.inbox.ask_all(Needs::Text, Other::of).await?;
        self.inbox.ask(uri, Needs::Log, move |view| around::around(view, &params, others)).await
    }
}

#[cfg(feature = "fault")]
impl Server {
    async fn fault(&self, params: fault::FaultParams) -> Result<()> {
        fault::arm(&params);
        Ok(())
    }
}

impl Server {
    async fn code_lens(&self, params: CodeLensParams) -> Result<Written> {
        self.written(params.text_document.uri, Needs::Log, questions::code_lens).await
    }

    async fn document_symbol(&self, params: DocumentSymbolParams) -> Result<Written> {
        self.written(params.text_document.uri, Needs::Log, questions::document_symbol).await
    }

    async fn folding_range(&self, params: FoldingRangeParams) -> Result<Written> {
        self.written(params.text_document.uri, Needs::Log, questions::folding_range).await
    }

    async fn semantic_tokens_full(&self, params: SemanticTokensParams) -> Result<Written> {
        self.written(params.text_document.uri, Needs::Text, questions::semantic_tokens_full).await
    }

    async fn semantic_tokens_range(&self, params: SemanticTokensRangeParams) -> Result<Written> {
        let (uri, range) = (params.text_document.uri, params.range);
        self.written(uri, Needs::Lines, move |view| questions::semantic_tokens_range(view, range)).await
    }

    /// Asks for an answer that may be long.
    async fn written<T: Serialize>(
        &self,
        uri: Uri,
        needs: Needs,
        answer: impl FnOnce(&View) -> T + Send + 'static,
    ) -> Result<Written> {
        self.inbox.ask(uri, needs, move |view| Written::of(&answer(view))).await
    }
}

impl LanguageServer for Server {
    async fn initialize(&self, params: InitializeParams) -> Result<InitializeResult> {
        let roots = Roots::of(&params);
        let (profile, settings) = capabilities::read(params);
        let announced = capabilities::announce(&profile);
        // A second handshake is refused before it gets here.
        let _ = self.links.set(profile.links.clone());
        self.inbox.post(Event::Started(profile, settings, roots));
        Ok(announced)
    }

    async fn initialized(&self, _: InitializedParams) {
        self.inbox.post(Event::Ready);
    }

    async fn shutdown(&self) -> Result<()> {
        Ok(())
    }

    async fn did_open(&self, params: DidOpenTextDocumentParams) {
        let document = params.text_document;
        let file = godebug::file_kind(&document.language_id, &document.uri);
        self.inbox.post(Event::Opened { uri: document.uri, version: document.version, text: document.text, file });
    }

    async fn did_change(&self, params: DidChangeTextDocumentParams) {
        let document = params.text_document;
        self.inbox.post(Event::Changed {
            uri: document.text_document_identifier.uri,
            version: document.version,
            changes: from_proto::changes(params.content_changes),
        });
    }

    async fn did_close(&self, params: DidCloseTextDocumentParams) {
        self.inbox.post(Event::Closed { uri: params.text_document.uri });
    }

    async fn did_change_configuration(&self, params: DidChangeConfigurationParams) {
        self.inbox.post(Event::SettingsChanged(params.settings));
    }

    async fn hover(&self, params: HoverParams) -> Result<Option<Hover>> {
        let at = params.text_document_position_params;
        let position = at.position;
        let answer = move |view: &View| questions::hover(view, position);
        self.inbox.ask_about(About::Everything, at.text_document.uri, Needs::Lines, answer).await
    }

    async fn code_action(&self, params: CodeActionParams) -> Result<Option<Vec<CodeActionResponse>>> {
        let uri = params.text_document.uri.clone();
        self.inbox.ask(uri, Needs::Log, move |view| actions::code_action(view, &params)).await
    }

    async fn diagnostic(&self, params: DocumentDiagnosticParams) -> Result<DocumentDiagnosticReport> {
        let previous = params.previous_result_id;
        let uri = params.text_document.uri;
        let answer = move |view: &View| questions::diagnostic_report(view, previous);
        self.inbox.ask_about(About::Everything, uri, Needs::Log, answer).await.map(|report| report.0)
    }

    async fn inlay_hint(&self, params: InlayHintParams) -> Result<Option<Vec<InlayHint>>> {
        let (uri, range) = (params.text_document.uri, params.range);
        self.inbox.ask(uri, Needs::Log, move |view| questions::inlay_hint(view, range)).await
    }

    async fn goto_definition(&self, params: DefinitionParams) -> Result<Option<DefinitionResponse>> {
        let at = params.text_document_position_params;
        let position = at.position;
        self.inbox.ask(at.text_document.uri, Needs::Log, move |view| navigate::definition(view, position)).await
    }

    async fn references(&self, params: ReferenceParams) -> Result<Option<Vec<Location>>> {
        let at = params.text_document_position_params;
        let (position, context) = (at.position, params.context);
        self.inbox
            .ask(at.text_document.uri, Needs::Log, move |view| navigate::references(view, position, &context))
            .await
    }

    async fn document_highlight(&self, params: DocumentHighlightParams) -> Result<Option<Vec<DocumentHighlight>>> {
        let at = params.text_document_position_params;
        let position = at.position;
        self.inbox.ask(at.text_document.uri, Needs::Log, move |view| navigate::highlights(view, position)).await
    }

    async fn document_link(&self, params: DocumentLinkParams) -> Result<Option<Vec<DocumentLink>>> {
        self.inbox.ask(params.text_document.uri, Needs::Log, navigate::document_links).await
    }

    async fn selection_range(&self, params: SelectionRangeParams) -> Result<Option<Vec<SelectionRange>>> {
        let (uri, positions) = (params.text_document.uri, params.positions);
        self.inbox.ask(uri, Needs::Log, move |view| navigate::selection_ranges(view, &positions)).await
    }

    async fn prepare_call_hierarchy(
        &self,
        params: CallHierarchyPrepareParams,
    ) -> Result<Option<Vec<CallHierarchyItem>>> {
        let at = params.text_document_position_params;
        let position = at.position;
        self.inbox.ask(at.text_document.uri, Needs::Log, move |view| navigate::goroutine(view, position)).await
    }

    async fn incoming_calls(
        &self,
        params: CallHierarchyIncomingCallsParams,
    ) -> Result<Option<Vec<CallHierarchyIncomingCall>>> {
        let (uri, position) = (params.item.uri, params.item.selection_range.start);
        self.inbox.ask(uri, Needs::Log, move |view| navigate::creator(view, position)).await
    }

    async fn outgoing_calls(
        &self,
        params: CallHierarchyOutgoingCallsParams,
    ) -> Result<Option<Vec<CallHierarchyOutgoingCall>>> {
        let (uri, position) = (params.item.uri, params.item.selection_range.start);
        self.inbox.ask(uri, Needs::Log, move |view| navigate::created(view, position)).await
    }

    async fn symbol(&self, params: WorkspaceSymbolParams) -> Result<Option<WorkspaceSymbolResponse>> {
        // A document that is still being read has nothing to find yet, and holds up no other.
        let query = params.query;
        let found = self.inbox.ask_all(Needs::Text, move |view| navigate::search(view, &query)).await?;
        Ok(Some(navigate::merged(found)))
    }

    async fn did_change_workspace_folders(&self, params: DidChangeWorkspaceFoldersParams) {
        let uris = |folders: Vec<WorkspaceFolder>| folders.into_iter().map(|folder| folder.uri).collect();
        let (added, removed) = (uris(params.event.added), uris(params.event.removed));
        self.inbox.post(Event::FoldersChanged { added, removed });
    }

    async fn did_change_watched_files(&self, _: DidChangeWatchedFilesParams) {
        self.inbox.post(Event::ProjectChanged);
    }

    async fn completion(&self, params: CompletionParams) -> Result<Option<CompletionResponse>> {
        let at = params.text_document_position_params;
        let position = at.position;
        let answer = move |view: &View| godebug::completion(view, position);
        self.inbox.ask_about(About::Everything, at.text_document.uri, Needs::Lines, answer).await
    }
}
