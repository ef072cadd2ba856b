//! The settings of each document: what the client sent, and what lies beside the file.
//!
//! Files are looked for on the pool, when a document is first asked about, and again when the client says that one of
//! them changed or the document is opened anew.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::Value;
use tower_lsp::gen_lsp_types::Uri;

use crate::config::project::{FileProblem, Project};
use crate::config::{Layer, Problem, Settings, Source};

use super::inbox::{Event, Inbox};
use super::uri::path_of;

/// The settings in force for one document.
pub(super) struct Chosen {
    pub(super) settings: Arc<Settings>,
    /// What the analysis reads of them, and what is muted.
    pub(super) analysis: Arc<ide::Settings>,
    /// The file of what is muted, where there is one.
    pub(super) mute_file: Option<PathBuf>,
}

/// The client's settings, and those of the documents that were asked about under them.
pub(super) struct Settled {
    user: Layer,
    /// Those of a document without files beside it.
    own: Arc<Settings>,
    by_uri: Mutex<HashMap<Uri, Arc<Chosen>>>,
}

impl Settled {
    /// Under these settings of a client; what of them was not understood comes back.
    pub(super) fn under(value: Value) -> (Self, Vec<Problem>) {
        let user = Layer { value, source: Source::User, folder: None };
        let mut own = Settings::default();
        let problems = own.apply(&user, None);
        (Self { user, own: Arc::new(own), by_uri: Mutex::default() }, problems)
    }

    /// The same settings of the client, with nothing known about files.
    pub(super) fn again(&self) -> Self {
        Self { user: self.user.clone(), own: self.own.clone(), by_uri: Mutex::default() }
    }

    /// What the client sent, as far as it was understood.
    pub(super) fn own(&self) -> &Arc<Settings> {
        &self.own
    }

    /// Whether a client sent the same.
    pub(super) fn is_under(&self, value: &Value) -> bool {
        self.user.value == *value
    }

    /// The settings of a document. Files are read where they were not; what is wrong with them is posted.
    pub(super) fn of(&self, uri: &Uri, inbox: &Inbox) -> Arc<Chosen> {
        let known = || self.by_uri.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(chosen) = known().get(uri) {
            return chosen.clone();
        }
        let path = path_of(&uri.0);
        let project = path.as_deref().and_then(|path| path.parent()).map(Project::of).unwrap_or_default();
        let settings = project.settings(&self.user, None, path.as_deref());
        let mut analysis = settings.analysis();
        analysis.mutes = path.as_deref().map(|path| project.mutes(path)).unwrap_or_default();
        let chosen = Arc::new(Chosen {
            settings: Arc::new(settings),
            analysis: Arc::new(analysis),
            mute_file: project.mute.as_ref().map(|file| file.path.clone()),
        });
        let config = project.config.map(|file| (file.path, file.problems));
        let mute = project.mute.map(|file| (file.path, file.problems));
        let files: Vec<(PathBuf, Vec<FileProblem>)> = config.into_iter().chain(mute).collect();
        if !files.is_empty() {
            inbox.post(Event::ProjectRead(files));
        }
        known().entry(uri.clone()).or_insert(chosen).clone()
    }

    /// Looks for the files beside a document again when it is next asked about.
    pub(super) fn forget(&self, uri: &Uri) {
        self.by_uri.lock().unwrap_or_else(PoisonError::into_inner).remove(uri);
    }
}

impl Default for Settled {
    fn default() -> Self {
        Self::under(Value::Null).0
    }
}
