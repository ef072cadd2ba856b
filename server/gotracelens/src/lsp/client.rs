//! What the server asks of the client and tells it, beyond answers.
//!
//! Requests run in tasks of their own with a time limit, so a client that never answers costs nothing. Nobody waits for
//! them but the task.

use std::future::Future;
use std::time::Duration;

use serde_json::json;
use tokio::runtime::Handle;
use tower_lsp::gen_lsp_types::{ConfigurationItem, Diagnostic, MessageType, Registration, Uri};
use tower_lsp::jsonrpc;

use crate::config::SECTION;
use crate::config::project::{CONFIG_FILE, MUTE_FILE};

use super::capabilities::Refresh;
use super::inbox::{Event, Inbox};

/// How long the client may take to answer.
const LIMIT: Duration = Duration::from_secs(2);

/// The client as the owner of the state sees it: calls return at once.
pub(super) struct Client {
    client: tower_lsp::Client,
    runtime: Handle,
}

impl Client {
    pub(super) fn new(client: tower_lsp::Client, runtime: Handle) -> Self {
        Client { client, runtime }
    }

    /// Asks for our settings; they arrive as [`Event::Settings`].
    pub(super) fn pull_settings(&self, inbox: Inbox) {
        let client = self.client.clone();
        self.runtime.spawn(async move {
            let item = ConfigurationItem { scope_uri: None, section: Some(SECTION.into()) };
            if let Some(values) = within_limit("workspace/configuration", client.configuration(vec![item])).await {
                inbox.post(Event::Settings(values.into_iter().next().unwrap_or_default()));
            }
        });
    }

    /// Asks to be told when our settings change.
    pub(super) fn register_for_settings(&self) {
        let client = self.client.clone();
        self.runtime.spawn(async move {
            let registration = Registration {
                id: "settings".into(),
                method: "workspace/didChangeConfiguration".into(),
                register_options: Some(json!({ "section": SECTION })),
            };
            within_limit("client/registerCapability", client.register_capability(vec![registration])).await;
        });
    }

    /// Asks to be told when files with settings change beside documents.
    pub(super) fn register_for_project_files(&self) {
        let client = self.client.clone();
        self.runtime.spawn(async move {
            let watchers: Vec<_> =
                [CONFIG_FILE, MUTE_FILE].iter().map(|name| json!({ "globPattern": format!("**/{name}") })).collect();
            let registration = Registration {
                id: "project-files".into(),
                method: "workspace/didChangeWatchedFiles".into(),
                register_options: Some(json!({ "watchers": watchers })),
            };
            within_limit("client/registerCapability", client.register_capability(vec![registration])).await;
        });
    }

    /// Shows a message to whoever sits in front of the client.
    pub(super) fn warn(&self, text: String) {
        let client = self.client.clone();
        self.runtime.spawn(async move { client.show_message(MessageType::Warning, text).await });
    }

    /// Tells the client to ask again for what it announced it can be told to.
    pub(super) fn refresh(&self, refresh: Refresh) {
        let client = self.client.clone();
        self.runtime.spawn(async move {
            if refresh.code_lens {
                within_limit("workspace/codeLens/refresh", client.code_lens_refresh()).await;
            }
            if refresh.diagnostics {
                within_limit("workspace/diagnostic/refresh", client.workspace_diagnostic_refresh()).await;
            }
            if refresh.inlay_hint {
                within_limit("workspace/inlayHint/refresh", client.inlay_hint_refresh()).await;
            }
            if refresh.folding_range {
                within_limit("workspace/foldingRange/refresh", client.folding_range_refresh()).await;
            }
            if refresh.semantic_tokens {
                within_limit("workspace/semanticTokens/refresh", client.semantic_tokens_refresh()).await;
            }
        });
    }

    /// Pushes findings. Calls take effect in their order.
    pub(super) fn publish_diagnostics(&self, uri: Uri, diagnostics: Vec<Diagnostic>, version: Option<i32>) {
        let client = self.client.clone();
        self.runtime.spawn(async move { client.publish_diagnostics(uri, diagnostics, version).await });
    }
}

async fn within_limit<T>(method: &str, answer: impl Future<Output = jsonrpc::Result<T>>) -> Option<T> {
    match tokio::time::timeout(LIMIT, answer).await {
        Ok(Ok(answer)) => Some(answer),
        Ok(Err(error)) => {
            tracing::warn!("{method}: the client answered {:?}", error.message);
            None
        }
        Err(_) => {
            tracing::warn!("{method}: no answer within {} s", LIMIT.as_secs());
            None
        }
    }
}
