//! The open documents: their text, and how far the parse of it is.
//!
//! Edits are applied here, in order, by the one owner. The first parse of a text runs on the pool; edits that come
//! meanwhile are kept and applied to its result, so a log that grows faster than it can be parsed still gets parsed.
//! A question that needs the log waits here for exactly the text it was asked about.

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use ide::godebug::FileKind;
use ide::{Parsed, Snapshot};
use tower_lsp::gen_lsp_types::Uri;
use tracelog::{Edited, Log, Text};

use crate::config::{Problem, Settings};

use super::capabilities::{Profile, SummaryPlace};
use super::fault::{self, Place};
use super::from_proto::{self, Change};
use super::inbox::{About, Event, Inbox, Job, Needs, Question, Seen};
use super::links::Roots;
use super::older::OlderParts;
use super::pool::{Lane, Pool};
use super::settled::{Chosen, Settled};
use super::transport::panic_text;

/// Above this many new lines a parse on the pool is better than an incremental one in the owner.
const MAX_EDIT_LINES: u32 = 4096;
/// Above this many changes at once, or kept during a parse, likewise.
const MAX_EDITS: usize = 1000;

/// Up to this many bytes even questions about a line wait for the parse: it takes milliseconds, and they get the better
/// answer every time.
const SMALL_BYTES: usize = 2 << 20;

/// A state of a text; never used twice in a process, not even for another document.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Revision(u64);

/// What a question is answered from. Immutable.
pub(super) struct View {
    pub(super) uri: Uri,
    /// The client's number for this state of the document.
    pub(super) version: i32,
    pub(super) text: Arc<Text>,
    pub(super) snapshot: Snapshot,
    pub(super) profile: Arc<Profile>,
    pub(super) settings: Arc<Settings>,
    /// The file of what is muted, where one lies beside the document.
    pub(super) mute_file: Option<PathBuf>,
    /// Below what files of frames are looked for.
    pub(super) roots: Arc<Roots>,
    /// What the file is if it is no log.
    pub(super) file: Option<FileKind>,
    older: Arc<OlderParts>,
}

impl View {
    /// What the older files of its set add to the summary. The first question that asks reads them.
    pub(super) fn older(&self) -> Option<ide::Older> {
        let parsed = self.snapshot.parsed.as_ref()?;
        self.older.before(&self.uri, &self.settings.join, &parsed.log, &parsed.runs)
    }

    /// Where this client is shown the summary.
    pub(super) fn summary_place(&self) -> SummaryPlace {
        self.profile.summary_place(&self.settings)
    }
}

/// All state that messages change.
pub(super) struct World {
    documents: HashMap<Uri, Document>,
    revisions: Revisions,
    profile: Arc<Profile>,
    settled: Arc<Settled>,
    roots: Arc<Roots>,
    pool: Pool,
    inbox: Inbox,
    /// Parses whose document has moved on or is closed, and which somebody still waits for.
    left_behind: Vec<Parse>,
}

struct Document {
    uri: Uri,
    now: State,
    reading: Reading,
}

/// A text at one moment.
#[derive(Clone)]
struct State {
    revision: Revision,
    version: i32,
    text: Text,
    /// What the file is if it is no log; such a one is never parsed.
    file: Option<FileKind>,
}

/// How far the parse of a document is.
enum Reading {
    Done(Arc<Read>),
    Running(Parse),
    /// Parsing this text panicked. Questions that need the log fail until the text changes.
    Failed,
    /// It is no log.
    Never,
}

/// A parse on the pool.
struct Parse {
    uri: Uri,
    stop: Arc<AtomicBool>,
    /// The text that is being parsed.
    of: State,
    /// What happened to it since.
    edits: Vec<(Edited, State)>,
    /// In the order of the questions.
    waiting: Vec<Waiting>,
    older: Arc<OlderParts>,
}

/// A log and, once somebody has asked, what is found out about it. Shared by all questions about one state of the text.
struct Read {
    log: Log,
    parsed: OnceLock<Arc<Parsed>>,
    /// Shared by all states since the text was last read whole: when a file is rotated, its text is replaced.
    older: Arc<OlderParts>,
}

impl Read {
    fn of(log: Log, older: Arc<OlderParts>) -> Self {
        Read { log, parsed: OnceLock::new(), older }
    }
}

struct Waiting {
    revision: Revision,
    lane: Lane,
    job: Box<dyn Job>,
}

#[derive(Default)]
struct Revisions(u64);

impl Revisions {
    fn next(&mut self) -> Revision {
        self.0 += 1;
        Revision(self.0)
    }
}

impl World {
    pub(super) fn new(pool: Pool, inbox: Inbox) -> Self {
        World {
            documents: HashMap::new(),
            revisions: Revisions::default(),
            profile: Arc::new(Profile::of(&Default::default(), None)),
            settled: Arc::default(),
            roots: Arc::default(),
            pool,
            inbox,
            left_behind: Vec::new(),
        }
    }

    pub(super) fn set_profile(&mut self, profile: Profile) {
        self.profile = Arc::new(profile);
    }

    pub(super) fn profile(&self) -> &Profile {
        &self.profile
    }

    pub(super) fn set_roots(&mut self, roots: Roots) {
        self.roots = Arc::new(roots);
    }

    pub(super) fn roots(&self) -> &Roots {
        &self.roots
    }

    /// Puts what the client sent in force. Nothing if that is what was in force before, else what was not understood.
    pub(super) fn set_settings(&mut self, settings: serde_json::Value) -> Option<Vec<Problem>> {
        if self.settled.is_under(&settings) {
            return None;
        }
        let (settled, problems) = Settled::under(settings);
        self.settle(settled);
        Some(problems)
    }

    /// Files that lie beside documents have changed.
    pub(super) fn look_around_again(&mut self) {
        self.settle(self.settled.again());
    }

    fn settle(&mut self, settled: Settled) {
        self.settled = Arc::new(settled);
        for document in self.documents.values_mut() {
            if let Reading::Done(read) = &mut document.reading {
                *read = Arc::new(Read::of(read.log.clone(), Arc::default()));
            }
        }
    }

    pub(super) fn uris(&self) -> impl Iterator<Item = &Uri> {
        self.documents.keys()
    }

    pub(super) fn is_open(&self, uri: &Uri) -> bool {
        self.documents.contains_key(uri)
    }

    /// Bytes of the text; 0 if the document is not open.
    pub(super) fn n_bytes(&self, uri: &Uri) -> usize {
        self.documents.get(uri).map_or(0, |document| document.now.text.n_bytes())
    }

    /// Opens a document. If it is open already it is replaced: some editors reload a file that way.
    pub(super) fn open(&mut self, uri: Uri, version: i32, text: &str, file: Option<FileKind>) {
        self.settled.forget(&uri);
        match self.documents.get(&uri) {
            Some(document) if document.now.file == file => {
                return self.change(&uri, version, vec![Change { range: None, text: text.to_owned() }]);
            }
            Some(_) => self.close(&uri),
            None => {}
        }
        let now = State { revision: self.revisions.next(), version, text: Text::new(text), file };
        let mut document = Document { uri: uri.clone(), now, reading: Reading::Never };
        self.start_parse(&mut document);
        self.documents.insert(uri, document);
    }

    /// Applies the changes of one message. Changes of a document that is not open are ignored.
    ///
    /// If applying them panics the text cannot be trusted anymore: the document counts as closed until it is opened
    /// again, which is wrong for one document and right for all others.
    pub(super) fn change(&mut self, uri: &Uri, version: i32, changes: Vec<Change>) {
        let Some(mut document) = self.documents.remove(uri) else {
            return tracing::warn!("change of a document that is not open: {:?}", uri.0);
        };
        let applied = catch_unwind(AssertUnwindSafe(|| {
            fault::strike(Place::Edit);
            self.apply(&mut document, version, changes);
        }));
        match applied {
            Ok(()) => _ = self.documents.insert(document.uri.clone(), document),
            Err(panic) => {
                tracing::error!("edit of {:?} panicked, the document is dropped: {:?}", uri.0, panic_text(&*panic));
                self.leave_parse_of(document);
            }
        }
    }

    fn apply(&mut self, document: &mut Document, version: i32, changes: Vec<Change>) {
        let is_replaced = changes.iter().any(|change| change.range.is_none());
        let mut is_big = changes.len() > MAX_EDITS || is_replaced && !self.settled.own().join.is_empty();
        let mut edits = Vec::new();
        document.now.version = version;
        for change in changes {
            let text = &mut document.now.text;
            let edited = match change.range {
                Some(range) => {
                    let range = from_proto::range(text, self.profile.encoding, range);
                    text.replace(range.start, range.end, &change.text)
                }
                None => text.replace_all(&change.text),
            };
            document.now.revision = self.revisions.next();
            is_big |= edited.new > MAX_EDIT_LINES;
            if !is_big {
                edits.push((edited, document.now.clone()));
            }
        }
        if is_big {
            return self.start_parse(document);
        }
        for (edited, state) in edits {
            self.follow(document, edited, state);
        }
    }

    /// Brings the log, or the list of what it will need, up to the next state of the text.
    fn follow(&mut self, document: &mut Document, edited: Edited, state: State) {
        match &mut document.reading {
            Reading::Done(read) => match edit(&read.log, edited, &state) {
                Some(log) => document.reading = Reading::Done(Arc::new(Read::of(log, read.older.clone()))),
                None => self.start_parse(document),
            },
            Reading::Running(parse) if parse.edits.len() < MAX_EDITS => parse.edits.push((edited, state)),
            Reading::Running(_) | Reading::Failed | Reading::Never => self.start_parse(document),
        }
    }

    /// Parses the whole text of a log on the pool.
    fn start_parse(&mut self, document: &mut Document) {
        if document.now.file.is_some() {
            return;
        }
        let stop = Arc::new(AtomicBool::new(false));
        let of = document.now.clone();
        let (uri, state, inbox, stopped) = (document.uri.clone(), of.clone(), self.inbox.clone(), stop.clone());
        self.pool.run(Lane::Slow, move || {
            let parsed = catch_unwind(AssertUnwindSafe(|| {
                fault::strike(Place::Parse);
                Log::read_text(&state.text, || !stopped.load(Ordering::Relaxed))
            }));
            let log = parsed.unwrap_or_else(|panic| {
                tracing::error!("parse of {:?} panicked: {:?}", uri.0, panic_text(&*panic));
                None
            });
            inbox.post(Event::Parsed { uri, revision: state.revision, log });
        });
        let parse = Parse {
            uri: document.uri.clone(),
            stop,
            of,
            edits: Vec::new(),
            waiting: Vec::new(),
            older: Arc::default(),
        };
        if let Reading::Running(parse) = std::mem::replace(&mut document.reading, Reading::Running(parse)) {
            self.leave(parse);
        }
    }

    /// Stops a parse that is of no use to its document anymore, unless a question waits for it.
    fn leave(&mut self, mut parse: Parse) {
        parse.waiting.retain(|waiting| waiting.job.is_wanted());
        if parse.waiting.is_empty() {
            parse.stop.store(true, Ordering::Relaxed);
        } else {
            self.left_behind.push(parse);
        }
    }

    fn leave_parse_of(&mut self, document: Document) {
        if let Reading::Running(parse) = document.reading {
            self.leave(parse);
        }
    }

    /// Takes the result of a parse and answers those who waited for it. True if the document has a log now.
    pub(super) fn parsed(&mut self, uri: &Uri, revision: Revision, log: Option<Log>) -> bool {
        if let Some(idx) = self.left_behind.iter().position(|parse| parse.of.revision == revision) {
            let parse = self.left_behind.swap_remove(idx);
            if let Err(waiting) = self.catch_up(parse, log) {
                self.fail(waiting);
            }
            return false;
        }
        let Some(mut document) = self.documents.remove(uri) else { return false };
        match std::mem::replace(&mut document.reading, Reading::Failed) {
            Reading::Running(parse) if parse.of.revision == revision => {
                let is_read = log.is_some();
                match self.catch_up(parse, log) {
                    Ok(read) => document.reading = Reading::Done(read),
                    Err(waiting) if is_read => {
                        self.start_parse(&mut document);
                        if let Reading::Running(parse) = &mut document.reading {
                            parse.waiting = waiting;
                        }
                    }
                    Err(waiting) => self.fail(waiting),
                }
            }
            reading => document.reading = reading,
        }
        let has_log = matches!(document.reading, Reading::Done(_));
        self.documents.insert(uri.clone(), document);
        has_log
    }

    /// Applies the edits made during a parse one by one, and answers each question from the text it was asked about.
    /// Gives the log of the newest text, or the questions that are left if it cannot be had.
    fn catch_up(&self, mut parse: Parse, log: Option<Log>) -> Result<Arc<Read>, Vec<Waiting>> {
        let Some(log) = log else { return Err(parse.waiting) };
        let mut read = Arc::new(Read::of(log, parse.older));
        self.answer_up_to(&parse.of, &parse.uri, &read, &mut parse.waiting);
        for (edited, state) in parse.edits {
            match edit(&read.log, edited, &state) {
                Some(log) => read = Arc::new(Read::of(log, read.older.clone())),
                None => return Err(parse.waiting),
            }
            self.answer_up_to(&state, &parse.uri, &read, &mut parse.waiting);
        }
        Ok(read)
    }

    /// Answers whoever waits for this state of a text.
    fn answer_up_to(&self, state: &State, uri: &Uri, read: &Arc<Read>, waiting: &mut Vec<Waiting>) {
        let n_ready = waiting.partition_point(|waiting| waiting.revision <= state.revision);
        for ready in waiting.drain(..n_ready) {
            self.answer(ready.lane, uri, state, Some(read.clone()), ready.job);
        }
    }

    fn fail(&self, waiting: Vec<Waiting>) {
        waiting.into_iter().for_each(|waiting| self.answer_without_view(waiting.job, Seen::Unreadable));
    }

    /// Closes a document. Questions about it that came before are still answered.
    pub(super) fn close(&mut self, uri: &Uri) {
        if let Some(document) = self.documents.remove(uri) {
            self.leave_parse_of(document);
        }
    }

    /// Answers a question now, or when the log it needs is there.
    pub(super) fn ask(&mut self, question: Question) {
        let Question { uri, needs, about, job } = question;
        let Some(document) = self.documents.get_mut(&uri) else {
            return self.answer_without_view(job, Seen::Closed);
        };
        let lane = if needs == Needs::Lines { Lane::Quick } else { Lane::Slow };
        let waits = needs == Needs::Log || document.now.text.n_bytes() <= SMALL_BYTES;
        let read = match &mut document.reading {
            Reading::Done(read) => Some(read.clone()),
            Reading::Running(parse) if waits => {
                return parse.waiting.push(Waiting { revision: document.now.revision, lane, job });
            }
            Reading::Failed if needs == Needs::Log => return self.answer_without_view(job, Seen::Unreadable),
            Reading::Never if about == About::Logs => return self.answer_without_view(job, Seen::Closed),
            Reading::Running(_) | Reading::Failed | Reading::Never => None,
        };
        self.answer(lane, &uri, &self.documents[&uri].now, read, job);
    }

    /// Answers a question on the pool. The first question about a state pays for what is found out about it; a question
    /// about lines of a big text does without until somebody has paid, so that it is answered while the text is edited.
    fn answer(&self, lane: Lane, uri: &Uri, state: &State, read: Option<Arc<Read>>, job: Box<dyn Job>) {
        let (uri, version, text, file) = (uri.clone(), state.version, Arc::new(state.text.clone()), state.file);
        let (profile, roots) = (self.profile.clone(), self.roots.clone());
        let (settled, inbox) = (self.settled.clone(), self.inbox.clone());
        let older = read.as_ref().map(|read| read.older.clone()).unwrap_or_default();
        let pays = lane == Lane::Slow || text.n_bytes() <= SMALL_BYTES;
        self.pool.run(lane, move || {
            let seen = catch_unwind(AssertUnwindSafe(|| {
                let chosen = settled.of(&uri, &inbox);
                let parsed = read.and_then(|read| {
                    let parse = || Arc::new(Parsed::new(text.clone(), read.log.clone(), chosen.analysis.clone()));
                    if pays { Some(read.parsed.get_or_init(parse).clone()) } else { read.parsed.get().cloned() }
                });
                (chosen, parsed)
            }));
            match seen {
                Ok((chosen, parsed)) => {
                    let snapshot = Snapshot { lines: text.clone(), parsed: parsed.clone() };
                    let Chosen { settings, mute_file, .. } = &*chosen;
                    let (settings, mute_file) = (settings.clone(), mute_file.clone());
                    let view = View { uri, version, text, snapshot, profile, settings, mute_file, roots, file, older };
                    job.run(Seen::View(&view));
                    // The asker has its answer; questions about single lines that follow find everything counted.
                    if let Some(parsed) = parsed.filter(|_| pays) {
                        let warmed = catch_unwind(AssertUnwindSafe(|| parsed.warm()));
                        let _ = warmed
                            .inspect_err(|panic| tracing::error!("counting panicked: {:?}", panic_text(&**panic)));
                    }
                }
                Err(panic) => {
                    tracing::error!("finding the runs of {:?} panicked: {:?}", uri.0, panic_text(&*panic));
                    job.run(Seen::Unreadable);
                }
            }
        });
    }

    fn answer_without_view(&self, job: Box<dyn Job>, seen: Seen<'static>) {
        self.pool.run(Lane::Quick, move || job.run(seen));
    }
}

/// The log after one edit, or `None` if finding it panicked and the text has to be parsed again.
fn edit(log: &Log, edited: Edited, state: &State) -> Option<Log> {
    let edited = catch_unwind(AssertUnwindSafe(|| {
        fault::strike(Place::Follow);
        log.edited(&state.text, edited)
    }));
    edited
        .inspect_err(|panic| tracing::error!("incremental parse panicked, parsing again: {:?}", panic_text(&**panic)))
        .ok()
}

#[cfg(test)]
mod tests;
