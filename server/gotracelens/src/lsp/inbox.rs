//! The one queue into the owner of the state, and the one way to get an answer out.
//!
//! Posting happens in the synchronous part of a handler, so events are queued in the order of arrival. Nothing here
//! waits for the client.

use std::future::Future;
use std::path::PathBuf;
use std::sync::mpsc;

use ide::godebug::FileKind;
use tokio::sync::{mpsc as answers, oneshot};
use tower_lsp::gen_lsp_types::{Diagnostic, Uri};
use tower_lsp::jsonrpc::{Error, Result};
use tracelog::Log;

use crate::config::project::FileProblem;

use super::capabilities::Profile;
use super::fault::{self, Place};
use super::from_proto::Change;
use super::links::Roots;
use super::world::{Revision, View};

/// Events waiting at most. Past that the connection waits, and the client in its pipe; the owner itself never posts.
const CAPACITY: usize = 4096;

/// Everything that can happen to the state.
pub(super) enum Event {
    /// `initialize`: who the client is, its settings if it sent any, and where files may be looked for.
    Started(Profile, Option<serde_json::Value>, Roots),
    /// `initialized`: requests to the client are allowed from here on.
    Ready,
    Opened {
        uri: Uri,
        version: i32,
        text: String,
        /// None for logs.
        file: Option<FileKind>,
    },
    Changed {
        uri: Uri,
        version: i32,
        changes: Vec<Change>,
    },
    Closed {
        uri: Uri,
    },
    /// `didChangeConfiguration`: what a client that cannot be asked has to say about our settings.
    SettingsChanged(serde_json::Value),
    /// The client's answer to what our settings are.
    Settings(serde_json::Value),
    Asked(Question),
    /// A question about every open document.
    AskedAll(Box<dyn Fn(Uri) -> Question + Send>),
    /// Folders of the workspace came and went.
    FoldersChanged {
        added: Vec<Uri>,
        removed: Vec<Uri>,
    },
    /// Files beside documents were read: which, and what is wrong with each.
    ProjectRead(Vec<(PathBuf, Vec<FileProblem>)>),
    /// Files beside documents came, went or changed.
    ProjectChanged,
    /// A parse on the pool has ended; without a log if it was stopped or panicked.
    Parsed {
        uri: Uri,
        revision: Revision,
        log: Option<Log>,
    },
    /// Findings to push to a client that does not pull; `None` if finding them failed.
    Diagnosed {
        uri: Uri,
        version: i32,
        diagnostics: Option<Vec<Diagnostic>>,
    },
}

/// What a question needs to be answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Needs {
    /// A few lines: answered at once in a text of any size, better once it is parsed.
    Lines,
    /// Likewise, of a text that may be long.
    Text,
    /// The parsed log: waits for the parse of the text that was current when the question came.
    Log,
}

/// Which documents a question is about. All others get the default answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum About {
    Logs,
    /// Files that may set GODEBUG, too.
    Everything,
}

/// What there is to answer a question from.
pub(super) enum Seen<'a> {
    View(&'a View),
    /// The document is not open.
    Closed,
    /// The log is needed and reading it failed.
    Unreadable,
}

/// Answers a question, on the pool.
pub(super) trait Job: Send {
    /// Whether somebody still waits for the answer.
    fn is_wanted(&self) -> bool;

    /// Finds the answer and sends it.
    fn run(self: Box<Self>, seen: Seen<'_>);
}

/// Work that is wanted in any case.
impl<F: FnOnce(Seen<'_>) + Send> Job for F {
    fn is_wanted(&self) -> bool {
        true
    }

    fn run(self: Box<Self>, seen: Seen<'_>) {
        self(seen);
    }
}

/// A client's question. Dropping the receiver of the reply cancels it; dropping this fails it.
struct Ask<T, F> {
    answer: F,
    reply: oneshot::Sender<T>,
}

impl<T: Default + Send, F: FnOnce(&View) -> T + Send> Job for Ask<T, F> {
    fn is_wanted(&self) -> bool {
        !self.reply.is_closed()
    }

    fn run(self: Box<Self>, seen: Seen<'_>) {
        if !self.is_wanted() {
            return;
        }
        let answer = match seen {
            Seen::View(view) => {
                fault::strike(Place::Answer);
                (self.answer)(view)
            }
            Seen::Closed => T::default(),
            Seen::Unreadable => return,
        };
        // The asker may have cancelled meanwhile.
        let _ = self.reply.send(answer);
    }
}

/// A client's question about all documents. Dropping the receiver cancels it; a document that fails has no answer.
struct AskAll<T, F> {
    answer: F,
    reply: answers::UnboundedSender<T>,
}

impl<T: Send, F: FnOnce(&View) -> T + Send> Job for AskAll<T, F> {
    fn is_wanted(&self) -> bool {
        !self.reply.is_closed()
    }

    fn run(self: Box<Self>, seen: Seen<'_>) {
        if let (true, Seen::View(view)) = (self.is_wanted(), seen) {
            fault::strike(Place::Answer);
            // The asker may have cancelled meanwhile.
            let _ = self.reply.send((self.answer)(view));
        }
    }
}

/// A request about one document.
pub(super) struct Question {
    pub(super) uri: Uri,
    pub(super) needs: Needs,
    pub(super) about: About,
    pub(super) job: Box<dyn Job>,
}

/// The sending end of the queue; cheap to clone.
#[derive(Clone)]
pub(super) struct Inbox(mpsc::SyncSender<Event>);

impl Inbox {
    pub(super) fn new() -> (Self, mpsc::Receiver<Event>) {
        let (sender, receiver) = mpsc::sync_channel(CAPACITY);
        (Inbox(sender), receiver)
    }

    /// Queues an event. After the owner has ended this has no effect: the process is about to end.
    pub(super) fn post(&self, event: Event) {
        let _ = self.0.send(event);
    }

    /// Queues a question about a log before it returns; the future is only the wait for the answer.
    ///
    /// Dropping the future cancels the question. A document that is not open, or no log, gets the default answer. If
    /// answering panics, the asker gets an internal error.
    pub(super) fn ask<T: Default + Send + 'static>(
        &self,
        uri: Uri,
        needs: Needs,
        answer: impl FnOnce(&View) -> T + Send + 'static,
    ) -> impl Future<Output = Result<T>> + Send {
        self.ask_about(About::Logs, uri, needs, answer)
    }

    /// The same about these documents.
    pub(super) fn ask_about<T: Default + Send + 'static>(
        &self,
        about: About,
        uri: Uri,
        needs: Needs,
        answer: impl FnOnce(&View) -> T + Send + 'static,
    ) -> impl Future<Output = Result<T>> + Send {
        fault::strike(Place::Handler);
        let (reply, receiver) = oneshot::channel();
        let job = Box::new(Ask { answer, reply });
        self.post(Event::Asked(Question { uri, needs, about, job }));
        async move { receiver.await.map_err(|_| Error::internal_error()) }
    }

    /// The same about every open log. Their answers come in no order.
    pub(super) fn ask_all<T: Send + 'static>(
        &self,
        needs: Needs,
        answer: impl Fn(&View) -> T + Clone + Send + 'static,
    ) -> impl Future<Output = Result<Vec<T>>> + Send {
        fault::strike(Place::Handler);
        let (reply, mut receiver) = answers::unbounded_channel();
        let question = move |uri| {
            let job = Box::new(AskAll { answer: answer.clone(), reply: reply.clone() });
            Question { uri, needs, about: About::Logs, job }
        };
        self.post(Event::AskedAll(Box::new(question)));
        async move {
            let mut answers = Vec::new();
            while let Some(answer) = receiver.recv().await {
                answers.push(answer);
            }
            Ok(answers)
        }
    }
}
