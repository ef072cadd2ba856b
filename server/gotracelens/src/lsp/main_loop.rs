//! The owner of the state: one thread takes events in order. It computes little and waits for nobody.

use std::collections::HashSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use tower_lsp::gen_lsp_types::Uri;

use crate::config::Problem;
use crate::config::project::FileProblem;

use super::capabilities::Profile;
use super::client::Client;
use super::fault::{self, Place};
use super::inbox::{About, Event, Inbox, Needs, Question, Seen};
use super::publish::Schedule;
use super::questions;
use super::to_proto;
use super::transport::panic_text;
use super::uri::uri_of;
use super::world::World;

/// After the parse of a text of this size clients are told to ask again: they may have given up waiting.
const BIG_BYTES: usize = 4 << 20;
/// An event that takes longer is a bug worth a line in the log: everybody else waits behind it.
const LONG_TURN: Duration = Duration::from_millis(100);

/// The owner and what it needs.
pub(super) struct MainLoop {
    pub(super) world: World,
    pub(super) client: Client,
    pub(super) inbox: Inbox,
    pub(super) schedule: Schedule,
    /// Files beside documents about which the client was told something.
    pub(super) faulty: HashSet<Uri>,
}

impl MainLoop {
    /// Runs until every sender of the inbox is gone.
    pub(super) fn run(mut self, events: &Receiver<Event>) {
        loop {
            let event = match self.schedule.next_due() {
                Some(due) => events.recv_timeout(due.saturating_duration_since(Instant::now())),
                None => events.recv().map_err(|_| RecvTimeoutError::Disconnected),
            };
            let start = Instant::now();
            match event {
                Ok(event) => self.handle_guarded(event),
                Err(RecvTimeoutError::Timeout) => self.find_due(start),
                Err(RecvTimeoutError::Disconnected) => return,
            }
            let turn = start.elapsed();
            if turn > LONG_TURN {
                tracing::warn!("an event took {} ms", turn.as_millis());
            }
        }
    }

    /// Whatever goes wrong with one event, the next one is taken.
    fn handle_guarded(&mut self, event: Event) {
        let handled = catch_unwind(AssertUnwindSafe(|| {
            fault::strike(Place::Owner);
            self.handle(event);
        }));
        if let Err(panic) = handled {
            tracing::error!("an event panicked: {:?}", panic_text(&*panic));
        }
    }

    fn handle(&mut self, event: Event) {
        match event {
            Event::Started(profile, settings, roots) => {
                self.world.set_profile(profile);
                self.world.set_roots(roots);
                self.set_settings(settings.unwrap_or_default());
            }
            Event::Ready => {
                if self.profile().registers_configuration {
                    self.client.register_for_settings();
                }
                if self.profile().registers_watchers {
                    self.client.register_for_project_files();
                }
                if self.profile().configuration {
                    self.client.pull_settings(self.inbox.clone());
                }
            }
            Event::Opened { uri, version, text, file } => {
                self.touch(&uri);
                self.world.open(uri, version, &text, file);
            }
            Event::Changed { uri, version, changes } => {
                self.touch(&uri);
                self.world.change(&uri, version, changes);
            }
            Event::Closed { uri } => {
                self.world.close(&uri);
                if self.schedule.forget(&uri) {
                    self.client.publish_diagnostics(uri, Vec::new(), None);
                }
            }
            // A client that can be asked sends notifications whose content is empty, or not ours.
            Event::SettingsChanged(_) if self.profile().configuration => self.client.pull_settings(self.inbox.clone()),
            Event::SettingsChanged(settings) | Event::Settings(settings) => self.set_settings(settings),
            Event::Asked(question) => self.world.ask(question),
            Event::AskedAll(question) => {
                let uris: Vec<Uri> = self.world.uris().cloned().collect();
                uris.into_iter().for_each(|uri| self.world.ask(question(uri)));
            }
            Event::FoldersChanged { added, removed } => {
                let roots = self.world.roots().changed(added, &removed);
                self.world.set_roots(roots);
            }
            Event::ProjectRead(files) => files.into_iter().for_each(|(path, problems)| self.tell(&path, &problems)),
            Event::ProjectChanged => {
                for uri in std::mem::take(&mut self.faulty) {
                    self.client.publish_diagnostics(uri, Vec::new(), None);
                }
                self.world.look_around_again();
                self.ask_again();
            }
            Event::Parsed { uri, revision, log } => {
                if self.world.parsed(&uri, revision, log) && self.world.n_bytes(&uri) >= BIG_BYTES {
                    self.client.refresh(self.profile().refresh);
                }
            }
            Event::Diagnosed { uri, version, diagnostics } => {
                let n_findings = diagnostics.as_ref().map(Vec::len);
                if self.schedule.finish(&uri, n_findings) && self.world.is_open(&uri) {
                    let version = self.profile().push_version.then_some(version);
                    self.client.publish_diagnostics(uri, diagnostics.unwrap_or_default(), version);
                }
            }
        }
    }

    fn profile(&self) -> &Profile {
        self.world.profile()
    }

    fn set_settings(&mut self, settings: serde_json::Value) {
        if let Some(problems) = self.world.set_settings(settings) {
            if !problems.is_empty() {
                let problems: Vec<String> = problems.iter().map(Problem::in_words).collect();
                let problems = problems.join("; ");
                tracing::warn!("settings: {problems}");
                self.client.warn(format!("gotracelens settings: {problems}"));
            }
            self.ask_again();
        }
    }

    /// Other answers are to be had for every document.
    fn ask_again(&mut self) {
        let uris: Vec<Uri> = self.world.uris().cloned().collect();
        uris.iter().for_each(|uri| self.touch(uri));
        if !uris.is_empty() {
            self.client.refresh(self.profile().refresh);
        }
    }

    /// Says at their places what is wrong with a file of the project.
    fn tell(&mut self, path: &Path, problems: &[FileProblem]) {
        let Some(uri) = uri_of(path) else { return };
        let is_faulty = !problems.is_empty();
        if is_faulty || self.faulty.contains(&uri) {
            let problems = problems.iter().map(to_proto::file_problem).collect();
            self.client.publish_diagnostics(uri.clone(), problems, None);
        }
        if is_faulty {
            self.faulty.insert(uri)
        } else {
            self.faulty.remove(&uri)
        };
    }

    /// Findings of this document are to be pushed, if the client does not ask for them.
    fn touch(&mut self, uri: &Uri) {
        if !self.profile().pulls_diagnostics {
            self.schedule.touch(uri, Instant::now());
        }
    }

    fn find_due(&mut self, now: Instant) {
        for uri in self.schedule.start_due(now) {
            let (inbox, asked) = (self.inbox.clone(), uri.clone());
            let job = Box::new(move |seen: Seen<'_>| {
                let (version, diagnostics) = match seen {
                    Seen::View(view) => {
                        // The schedule waits for this event, whatever happens.
                        (view.version, catch_unwind(AssertUnwindSafe(|| questions::diagnostics(view))).ok())
                    }
                    Seen::Closed | Seen::Unreadable => (0, None),
                };
                inbox.post(Event::Diagnosed { uri: asked, version, diagnostics });
            });
            self.world.ask(Question { uri, needs: Needs::Log, about: About::Everything, job });
        }
    }
}
