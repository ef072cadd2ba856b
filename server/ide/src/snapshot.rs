//! What every question is asked of: a text, what was read of it, and the settings. Immutable and cheap to clone.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use tracelog::anchor::{self, Anchor};
use tracelog::{Blocks, Family, Field, LineItems, Lines, Log, RowId, Runs};

use crate::analysis::Analysis;
use crate::folding::{self, Fold};
use crate::lens::{self, Lens};
use crate::navigate::Things;
use crate::outline::{self, Symbol};
use crate::series::{self, Series};
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
    lines: Arc<dyn Lines + Send + Sync>,
    settings: Arc<Settings>,
    analysis: OnceLock<Analysis>,
    blocks: OnceLock<Blocks>,
    series: Mutex<HashMap<(usize, Field), Arc<Series>>>,
    things: OnceLock<Things>,
    anchors: Mutex<HashMap<usize, Option<Anchor>>>,
    lenses: OnceLock<Vec<Lens>>,
    symbols: OnceLock<Vec<Symbol>>,
    folds: OnceLock<Vec<Fold>>,
}

impl Parsed {
    /// Deals the rows of a log of these lines to runs. Rules run when the first question needs them.
    pub fn new(lines: Arc<dyn Lines + Send + Sync>, log: Log, settings: Arc<Settings>) -> Self {
        let runs = Runs::of(&log);
        Self::of_runs(lines, log, runs, settings)
    }

    /// With these runs of the log, which may be a part of them.
    pub fn of_runs(lines: Arc<dyn Lines + Send + Sync>, log: Log, runs: Runs, settings: Arc<Settings>) -> Self {
        Self {
            log,
            runs,
            lines,
            settings,
            analysis: OnceLock::new(),
            blocks: OnceLock::new(),
            things: OnceLock::new(),
            series: Mutex::default(),
            anchors: Mutex::default(),
            lenses: OnceLock::new(),
            symbols: OnceLock::new(),
            folds: OnceLock::new(),
        }
    }

    /// What rules and summaries say; computed by the first question that asks.
    pub fn analysis(&self) -> &Analysis {
        self.analysis
            .get_or_init(|| Analysis::of(&self.log, &self.runs, &*self.lines, &self.settings, || self.blocks()))
    }

    /// Dumps, profiles and the like; put together by the first question that asks.
    pub fn blocks(&self) -> &Blocks {
        self.blocks.get_or_init(|| Blocks::of(&self.log, &self.runs))
    }

    /// Where the log names Ps, threads and goroutines; put together by the first question that asks.
    pub(crate) fn things(&self) -> &Things {
        self.things.get_or_init(|| Things::of(&self.log, &self.runs, self.blocks()))
    }

    /// What stands above lines; told by the first question that asks.
    pub(crate) fn lenses(&self) -> &[Lens] {
        self.lenses.get_or_init(|| lens::all(self))
    }

    /// The outline; made by the first question that asks, of a document whose text is that of this one.
    pub(crate) fn symbols(&self, snapshot: &Snapshot) -> &[Symbol] {
        self.symbols.get_or_init(|| outline::all(snapshot, self))
    }

    /// What can be folded; found by the first question that asks.
    pub(crate) fn folds(&self) -> &[Fold] {
        self.folds.get_or_init(|| folding::all(self))
    }

    /// The values of a field in a run, to compare one with; counted by the first question that asks.
    pub fn series(&self, run: usize, field: Field) -> Arc<Series> {
        let kept = || self.series.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(series) = kept().get(&(run, field)) {
            return series.clone();
        }
        // Not under the lock: two may count the same, nobody waits.
        let series = Arc::new(Series::of(&self.log, self.runs.list[run].rows(field.family), field));
        kept().entry((run, field)).or_insert(series).clone()
    }

    /// When the clock of a run stood at zero, if its lines tell; found out by the first question that asks.
    pub fn anchor(&self, run: usize, lines: &(impl Lines + ?Sized)) -> Option<Anchor> {
        let kept = || self.anchors.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(anchor) = kept().get(&run) {
            return *anchor;
        }
        let anchor = anchor::anchor(&anchor::points(&self.log, self.runs.list.get(run)?, lines));
        *kept().entry(run).or_insert(anchor)
    }

    /// Finds out what questions about single lines need, so that none of them has to.
    pub fn warm(&self) {
        self.analysis();
        self.blocks();
        self.lenses();
        self.things();
        for (number, run) in self.runs.list.iter().enumerate() {
            for family in Family::ALL.iter().filter(|family| run.rows(**family).len() >= MIN_WARM_ROWS) {
                for (index, field) in family.def().fields.iter().enumerate() {
                    if !field.kind.is_text() {
                        self.series(number, Field { family: *family, index: index as u8 });
                    }
                }
            }
        }
    }

    /// The run of a row and its index among the rows of its family there.
    pub fn index_of(&self, row: RowId) -> Option<(usize, usize)> {
        let run = self.run_of(row)?;
        let rows = self.runs.list[run].rows(row.family);
        let at = rows.binary_search(&row).ok();
        Some((run, at.or_else(|| rows.iter().position(|other| *other == row))?))
    }

    /// The last value of a field before the row with this index in its run, and its row.
    pub fn value_before(&self, run: usize, field: Field, index: usize) -> Option<(RowId, f64)> {
        let rows = self.runs.list[run].rows(field.family).get(..index)?;
        rows.iter().rev().find_map(|row| Some((*row, series::ordinary(&self.log, *row, field)?)))
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

/// Rows of a family for which counting values takes long enough to be noticed.
const MIN_WARM_ROWS: usize = 10_000;

impl Snapshot {
    /// A document that was read completely.
    pub fn new(lines: Arc<dyn Lines + Send + Sync>, log: Log, settings: Arc<Settings>) -> Self {
        let parsed = Parsed::new(lines.clone(), log, settings);
        Self { lines, parsed: Some(Arc::new(parsed)) }
    }

    /// A document of which these runs are looked at, see [`Runs::part`].
    pub fn of_runs(lines: Arc<dyn Lines + Send + Sync>, log: Log, runs: Runs, settings: Arc<Settings>) -> Self {
        let parsed = Parsed::of_runs(lines.clone(), log, runs, settings);
        Self { lines, parsed: Some(Arc::new(parsed)) }
    }

    /// The items of a line: with the pieces of torn ones once the document is read, of the line alone before.
    pub fn items(&self, line: u32) -> LineItems {
        match &self.parsed {
            Some(parsed) => parsed.log.items(line, &*self.lines),
            None => tracelog::item::alone(line, &self.lines.line(line)),
        }
    }
}
