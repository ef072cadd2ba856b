//! Puts the handlers into tower-lsp's service. Only the methods we serve are registered; the service refuses all others.
//!
//! Kept apart from the handlers because this is what takes long to compile: every method is instantiated here.

use tower_lsp::{Client, ClientSocket, LanguageServer, LspService};

use super::Server;

/// The service and the socket of its client.
pub(super) fn build(server: impl FnOnce(Client) -> Server) -> (LspService<Server>, ClientSocket) {
    let builder = LspService::build_with_lifecycle_methods(server)
        .custom_method("textDocument/didOpen", Server::did_open)
        .custom_method("textDocument/didChange", Server::did_change)
        .custom_method("textDocument/didClose", Server::did_close)
        .custom_method("workspace/didChangeConfiguration", Server::did_change_configuration)
        .custom_method("workspace/didChangeWatchedFiles", Server::did_change_watched_files)
        .custom_method("textDocument/hover", Server::hover)
        .custom_method("textDocument/codeLens", Server::code_lens)
        .custom_method("textDocument/diagnostic", Server::diagnostic)
        .custom_method("textDocument/documentSymbol", Server::document_symbol)
        .custom_method("textDocument/foldingRange", Server::folding_range)
        .custom_method("textDocument/semanticTokens/full", Server::semantic_tokens_full)
        .custom_method("textDocument/semanticTokens/range", Server::semantic_tokens_range)
        .custom_method("textDocument/inlayHint", Server::inlay_hint)
        .custom_method("textDocument/definition", Server::goto_definition)
        .custom_method("textDocument/references", Server::references)
        .custom_method("textDocument/documentHighlight", Server::document_highlight)
        .custom_method("textDocument/documentLink", Server::document_link)
        .custom_method("textDocument/selectionRange", Server::selection_range)
        .custom_method("textDocument/prepareCallHierarchy", Server::prepare_call_hierarchy)
        .custom_method("callHierarchy/incomingCalls", Server::incoming_calls)
        .custom_method("callHierarchy/outgoingCalls", Server::outgoing_calls)
        .custom_method("workspace/symbol", Server::symbol)
        .custom_method("workspace/didChangeWorkspaceFolders", Server::did_change_workspace_folders)
        .custom_method("textDocument/codeAction", Server::code_action)
        .custom_method("textDocument/completion", Server::completion)
        .custom_method("gotracelens/narrate", Server::narrate)
        .custom_method("gotracelens/tune", Server::tune)
        .custom_method("gotracelens/page", Server::page)
        .custom_method("gotracelens/pages", Server::pages)
        .custom_method("gotracelens/around", Server::around)
        .custom_method("gotracelens/evidence", Server::evidence);
    #[cfg(feature = "fault")]
    let builder = builder.custom_method("gotracelens/fault", Server::fault);
    builder.finish()
}
