//! What every question is asked of: a text, what was read of it, and the settings. Immutable and cheap to clone.

use std::sync::{Arc, OnceLock};

use tracelog::{Blocks, LineItems, Lines, Log, RowId, Runs};

use crate::analysis::Analysis;
use crate::settings::Settings;

/// A document at one moment.
#[derive(Clone)]
pub struct Snapshot {
    /// The text, line by line.
    pub lines: Arc<dyn Lines + Send + Sync>,
    /// What was read of it. None while a big document is still being read: only questions about one line have answers.
    pub parsed: Option<Arc<Parsed>>,
}

/// A document, read, with everything that is found out about it once.
pub struct Parsed {
    /// Lines, rows and columns.
    pub log: Log,
    /// Which rows belong together.
    pub runs: Runs,
    settings: Arc<Settings>,
    analysis: OnceLock<Analysis>,
    blocks: OnceLock<Blocks>,
}

impl Parsed {
    /// Deals the rows of a log to runs. Rules run when the first question needs them.
    pub fn new(log: Log, settings: Arc<Settings>) -> Self {
        let runs = Runs::of(&log);
        Self::of_runs(log, runs, settings)
    }

    /// With these runs of the log, which may be a part of them.
    pub fn of_runs(log: Log, runs: Runs, settings: Arc<Settings>) -> Self {
        Self { log, runs, settings, analysis: OnceLock::new(), blocks: OnceLock::new() }
    }

    /// What rules and summaries say; computed by the first question that asks.
    pub fn analysis(&self) -> &Analysis {
        self.analysis.get_or_init(|| Analysis::of(&self.log, &self.runs, &self.settings))
    }

    /// Dumps, profiles and the like; put together by the first question that asks.
    pub fn blocks(&self) -> &Blocks {
        self.blocks.get_or_init(|| Blocks::of(&self.log, &self.runs))
    }

    /// The settings it was read under.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The run of a row.
    pub fn run_of(&self, row: RowId) -> Option<usize> {
        self.runs.of_row(row)
    }
}

impl Snapshot {
    /// A document that was read completely.
    pub fn new(lines: Arc<dyn Lines + Send + Sync>, log: Log, settings: Arc<Settings>) -> Self {
        Self { lines, parsed: Some(Arc::new(Parsed::new(log, settings))) }
    }

    /// A document of which these runs are looked at, see [`Runs::part`].
    pub fn of_runs(lines: Arc<dyn Lines + Send + Sync>, log: Log, runs: Runs, settings: Arc<Settings>) -> Self {
        Self { lines, parsed: Some(Arc::new(Parsed::of_runs(log, runs, settings))) }
    }

    /// The items of a line: with the pieces of torn ones once the document is read, of the line alone before.
    pub fn items(&self, line: u32) -> LineItems {
        match &self.parsed {
            Some(parsed) => parsed.log.items(line, &*self.lines),
            None => tracelog::item::alone(line, &self.lines.line(line)),
        }
    }
}
