//! One time axis: what collector, scheduler and application said around a line.
//!
//! Lines of a process are put by the time they print since it started: a cycle where it began, a sample where it was
//! taken. Lines of the application are put by their stamp, where stamps and the lines of the process can be brought to one
//! clock; else they stand where they stand, between two lines whose times are known. Other documents join by the wall
//! clock only: a process clock says nothing about another process.

pub mod places;

use std::collections::HashMap;
use std::time::Duration;

use tracelog::carrier::WallTime;
use tracelog::catalog::gc;
use tracelog::{Family, Loc, RowId, durations};

use crate::clock;
use crate::markup;
use crate::requests::clock::{Stretch, local_start_ns};
use crate::snapshot::{Parsed, Snapshot};
use crate::words;

/// Something that was said.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// The document: 0 for the one that was asked about, then the others as they were given.
    pub document: usize,
    /// Where it stands.
    pub loc: Loc,
    /// How long after the line that was asked about, ms; before it where negative.
    pub delta_ms: f64,
    /// What printed it; none for the application.
    pub family: Option<Family>,
    /// The text, plain: safe to be shown anywhere.
    pub text: String,
    /// Whether it is what was asked about.
    pub is_focus: bool,
    /// How its time is known.
    pub certainty: Certainty,
}

/// How a time is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Certainty {
    /// The line prints it, on the clock of the process.
    Printed,
    /// From the line's stamp.
    Stamped,
    /// The line stands behind one whose time is known.
    Position,
}

impl Certainty {
    /// In words: `printed`, `by stamp`, `by position`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Printed => "printed",
            Self::Stamped => "by stamp",
            Self::Position => "by position",
        }
    }
}

/// What was said around a line.
#[derive(Clone, Debug, PartialEq)]
pub struct Around {
    /// In the order of time, then of lines.
    pub entries: Vec<Entry>,
    /// Entries further away that there was no room for.
    pub n_left_out: usize,
    /// The time of the line: since its process started, or on the wall clock, in words.
    pub at: String,
    /// What the reader should know: how far clocks agree, what is put by position.
    pub notes: Vec<String>,
    /// Other documents, by number, that say nothing because they have no wall clock there, or this line has none.
    pub not_joined: Vec<usize>,
}

impl Around {
    /// The entries as lines of plain text, with the names of the documents: the time, what printed it, where it stands,
    /// what it says.
    pub fn lines(&self, names: &[&str]) -> Vec<String> {
        let place = |entry: &Entry| {
            let name = names.get(entry.document).copied().unwrap_or_default();
            format!("{}:{}", markup::plain(name), entry.loc.line + 1)
        };
        let width = self.entries.iter().map(|entry| place(entry).chars().count()).max().unwrap_or(0);
        let line = |entry: &Entry| {
            let mark = if entry.is_focus { '>' } else { ' ' };
            let digits = if entry.delta_ms.abs() < 10.0 { 1 } else { 0 };
            let delta = format!("{:+.digits$} ms", entry.delta_ms);
            let family = entry.family.map_or("app", |family| family.def().id);
            let by = if entry.certainty == Certainty::Position { "~" } else { " " };
            format!("{mark} {delta:>10}{by} {family:<9} {:<width$}  {}", place(entry), entry.text).trim_end().to_owned()
        };
        self.entries.iter().map(line).collect()
    }

    /// What stands under the lines.
    pub fn remarks(&self, names: &[&str]) -> Vec<String> {
        let mut remarks = self.notes.clone();
        if self.n_left_out > 0 {
            remarks.push(format!("{} further away are not shown", words::count(self.n_left_out, "line")));
        }
        for document in &self.not_joined {
            let name = names.get(*document).copied().unwrap_or_default();
            remarks.push(format!("{}: no wall clock in common with this line", markup::plain(name)));
        }
        remarks
    }
}

/// Entries of an answer; of more, those that are nearest in time.
pub const MAX_ENTRIES: usize = 200;

/// Lines that are looked at on either side.
const MAX_LINES: u32 = 4000;

/// Characters of a text.
const MAX_CHARS: usize = 200;

/// What was said within a time of a line, in its document and in others (all read). None where the line has no time and
/// stands next to none that has.
pub fn around(snapshot: &Snapshot, line: u32, within: Duration, others: &[&Snapshot]) -> Option<Around> {
    let parsed = snapshot.parsed.as_ref()?;
    if line >= parsed.log.n_lines() {
        return None;
    }
    let within_ms = within.as_secs_f64() * 1000.0;
    let axis = Axis::of(snapshot, parsed, line, within_ms)?;
    let focus = axis.place(snapshot, line)?;
    let mut entries = Vec::new();
    axis.collect(snapshot, 0, &focus, within_ms, &mut entries);
    for entry in &mut entries {
        entry.is_focus = entry.loc.line == line;
    }
    let notes = axis.notes(&entries);
    let mut not_joined = Vec::new();
    let wall = axis.wall_of(&focus);
    for (index, other) in (1..).zip(others) {
        if !wall.as_ref().is_some_and(|wall| join(other, index, wall, within_ms, &mut entries)) {
            not_joined.push(index);
        }
    }
    let n_left_out = nearest(&mut entries);
    entries.sort_by(|a, b| {
        a.delta_ms.total_cmp(&b.delta_ms).then((a.document, a.loc.line, a.loc.start).cmp(&(
            b.document,
            b.loc.line,
            b.loc.start,
        )))
    });
    Some(Around { entries, n_left_out, at: axis.in_words(&focus), notes, not_joined })
}

/// Whether anything can be said around a line: it has a stamp, or a process tells the time in this document.
pub fn has_time(snapshot: &Snapshot, line: u32) -> bool {
    let Some(parsed) = &snapshot.parsed else { return false };
    line < parsed.log.n_lines() && (run_near(parsed, line).is_some() || stamp(snapshot, line).is_some())
}

/// Keeps the entries that are nearest in time; gives the number of the others. What was asked about stays.
fn nearest(entries: &mut Vec<Entry>) -> usize {
    let n_left_out = entries.len().saturating_sub(MAX_ENTRIES);
    entries.sort_by(|a, b| b.is_focus.cmp(&a.is_focus).then(a.delta_ms.abs().total_cmp(&b.delta_ms.abs())));
    entries.truncate(MAX_ENTRIES);
    n_left_out
}

/// A moment on an axis.
#[derive(Clone, Debug)]
struct Moment {
    ms: f64,
    certainty: Certainty,
}

/// The clock that entries are put on: that of a run, or the wall clock where no line of a process stands near.
struct Axis<'a> {
    parsed: &'a Parsed,
    /// Rows of the run with their times, ms, and lines, in the order of lines.
    rows: Vec<(RowId, f64, u32)>,
    by_row: HashMap<RowId, f64>,
    /// The lines that are looked at: first, and one past the last.
    lines: (u32, u32),
    /// The wall time of 0 ms: ns since the start of 1970, how far it may be off, and what stamps must name to be
    /// compared with it.
    wall: Option<Wall>,
    is_process: bool,
}

#[derive(Clone, Debug)]
struct Wall {
    start_ns: i64,
    error_ms: f64,
    zone_known: bool,
    year_known: bool,
}

impl<'a> Axis<'a> {
    fn of(snapshot: &Snapshot, parsed: &'a Parsed, line: u32, within_ms: f64) -> Option<Self> {
        let of_line = snapshot.items(line).items.iter().find_map(|item| parsed.run_of(item.row?));
        let run = of_line.or_else(|| run_near(parsed, line));
        let Some(run) = run else { return Self::of_stamps(snapshot, parsed, line) };
        let rows = &places::rows_of_runs(&parsed.log, &parsed.runs)[run];
        let times = places::times(&parsed.log, rows);
        let mut timed: Vec<(RowId, f64, u32)> = Vec::with_capacity(rows.len());
        for (row, time) in rows.iter().zip(times) {
            timed.extend(time.map(|time| (*row, time.as_secs_f64() * 1000.0, parsed.log.line(*row))));
        }
        // Go 1.4 and older print no times.
        if timed.is_empty() {
            return Self::of_stamps(snapshot, parsed, line);
        }
        let at = timed.partition_point(|(_, _, of)| *of <= line).saturating_sub(1);
        let next = timed.get(at + 1).unwrap_or(&timed[at]);
        let (low, high) = (timed[at].1.min(next.1) - within_ms, timed[at].1.max(next.1) + within_ms);
        let is_out = |(_, ms, _): &&(RowId, f64, u32)| *ms < low || *ms > high;
        let first = timed[..=at].iter().rfind(is_out).map_or(0, |(_, _, of)| *of);
        let last = timed[at..].iter().find(is_out).map_or(parsed.log.n_lines(), |(_, _, of)| of + 1);
        let lines = (first.max(line.saturating_sub(MAX_LINES)), last.min(line.saturating_add(MAX_LINES)).max(line + 1));
        let by_row = timed.iter().map(|(row, ms, _)| (*row, *ms)).collect();
        let mut axis = Self { parsed, rows: timed, by_row, lines, wall: None, is_process: true };
        axis.wall = axis.wall_clock(snapshot, run);
        Some(axis)
    }

    /// The axis of a document in which no process tells the time.
    fn of_stamps(snapshot: &Snapshot, parsed: &'a Parsed, line: u32) -> Option<Self> {
        let time = stamp(snapshot, line)?;
        let wall = Wall {
            start_ns: time.ns,
            error_ms: time.resolution_ns as f64 / 1e6,
            zone_known: time.zone_known,
            year_known: time.year_known,
        };
        let lines = (line.saturating_sub(MAX_LINES), line.saturating_add(MAX_LINES).min(parsed.log.n_lines()));
        let (rows, by_row) = Default::default();
        Some(Self { parsed, rows, by_row, lines, wall: Some(wall), is_process: false })
    }

    /// The wall clock of the run: from stamps on its lines, else from stamped lines around them.
    fn wall_clock(&self, snapshot: &Snapshot, run: usize) -> Option<Wall> {
        if let Some(anchor) = clock::anchor(snapshot, run) {
            return Some(Wall {
                start_ns: anchor.start_ns,
                error_ms: anchor.error_ns as f64 / 1e6,
                zone_known: anchor.zone_known,
                year_known: anchor.year_known,
            });
        }
        let stamps: Vec<(u32, WallTime)> =
            (self.lines.0..self.lines.1).filter_map(|line| Some((line, stamp(snapshot, line)?))).collect();
        let kind = stamps.first().map(|(_, time)| (time.zone_known, time.year_known))?;
        if let Some(stretch) = self.clock_of_requests(run) {
            let (start_ns, error_ms) = (stretch.start_ns, stretch.error_ms);
            return Some(Wall { start_ns, error_ms, zone_known: kind.0, year_known: kind.1 });
        }
        let alike: Vec<(u32, WallTime)> =
            stamps.into_iter().filter(|(_, time)| (time.zone_known, time.year_known) == kind).collect();
        let near = self.rows.iter().filter(|(_, _, line)| (self.lines.0..self.lines.1).contains(line));
        let ticks = near.filter_map(|(row, ms, line)| {
            let told = matches!(row.family, Family::Gc | Family::Sched);
            let end_ms = ms + length_ms(self.parsed, *row).unwrap_or(0.0);
            let next = alike.partition_point(|(of, _)| of < line);
            let between = (next.checked_sub(1).map(|at| alike[at].1), alike.get(next).map(|(_, time)| *time));
            told.then_some((end_ms, between))
        });
        let (start_ns, error_ms) = local_start_ns(&ticks.collect::<Vec<_>>())?;
        Some(Wall { start_ns, error_ms, zone_known: kind.0, year_known: kind.1 })
    }

    /// The clock that the requests of the run were compared on: it is made of the whole run.
    fn clock_of_requests(&self, run: usize) -> Option<Stretch> {
        let number = self.parsed.runs.list.get(run)?.number;
        let analysis = self.parsed.analysis();
        let requests = analysis.summaries.iter().find(|of| of.run == number)?.requests.as_ref()?;
        let near = self.rows.iter().find(|(_, _, line)| (self.lines.0..self.lines.1).contains(line));
        let ms = near.map_or(0.0, |(_, ms, _)| *ms);
        let stretches = &requests.clock.as_ref().ok()?.stretches;
        stretches.iter().find(|stretch| (stretch.from_ms..=stretch.to_ms).contains(&ms)).copied()
    }

    /// When a line was written or what it tells of happened.
    fn place(&self, snapshot: &Snapshot, line: u32) -> Option<Moment> {
        let items = snapshot.items(line);
        let of_item = items.items.iter().find_map(|item| self.of_row(item.row?));
        of_item.or_else(|| self.of_stamp(snapshot, line)).or_else(|| self.by_position(line))
    }

    fn of_row(&self, row: RowId) -> Option<Moment> {
        let ms = *self.by_row.get(&row)?;
        let is_printed = places::printed_time(&self.parsed.log, row).is_some();
        Some(Moment { ms, certainty: if is_printed { Certainty::Printed } else { Certainty::Position } })
    }

    fn of_stamp(&self, snapshot: &Snapshot, line: u32) -> Option<Moment> {
        let wall = self.wall.as_ref()?;
        let time = stamp(snapshot, line)?;
        let alike = (time.zone_known, time.year_known) == (wall.zone_known, wall.year_known);
        alike.then(|| Moment { ms: (time.ns - wall.start_ns) as f64 / 1e6, certainty: Certainty::Stamped })
    }

    fn by_position(&self, line: u32) -> Option<Moment> {
        let at = self.rows.partition_point(|(_, _, of)| *of <= line);
        let (_, ms, _) = at.checked_sub(1).map_or_else(|| self.rows.first(), |at| self.rows.get(at))?;
        Some(Moment { ms: *ms, certainty: Certainty::Position })
    }

    /// Everything near a moment. Of dumps and profiles their headers are enough.
    fn collect(&self, snapshot: &Snapshot, document: usize, focus: &Moment, within_ms: f64, entries: &mut Vec<Entry>) {
        for line in self.lines.0..self.lines.1 {
            let items = snapshot.items(line);
            let text = snapshot.lines.line(line);
            let is_frame = |row: &RowId| {
                let shape = self.parsed.log.shape(*row).def();
                let is_head = shape.opens.is_some_and(|block| !shape.within.contains(&block));
                row.family.is_of_blocks() && !is_head
            };
            for item in items.items.iter().filter(|item| item.head_line.is_none()) {
                if item.row.as_ref().is_some_and(is_frame) {
                    continue;
                }
                let moment = item.row.and_then(|row| self.of_row(row)).or_else(|| self.by_position(line));
                // A cycle that was under way is near, however early it began.
                let lasts_ms = item.row.and_then(|row| length_ms(self.parsed, row)).unwrap_or(0.0);
                let is_near = |at: &Moment| at.ms - focus.ms <= within_ms && focus.ms - (at.ms + lasts_ms) <= within_ms;
                let Some(moment) = moment.filter(is_near) else { continue };
                let shown = text.get(item.loc.start as usize..item.loc.end as usize).unwrap_or_default();
                entries.push(Entry {
                    document,
                    loc: item.loc,
                    delta_ms: moment.ms - focus.ms,
                    family: Some(item.family()),
                    text: plain(&String::from_utf8_lossy(shown)),
                    is_focus: false,
                    certainty: moment.certainty,
                });
            }
            let Some(said) = items.foreign.filter(|said| items.items.is_empty() && !said.trim().is_empty()) else {
                continue;
            };
            let Some(moment) = self.of_stamp(snapshot, line).or_else(|| self.by_position(line)) else { continue };
            if (moment.ms - focus.ms).abs() > within_ms {
                continue;
            }
            entries.push(Entry {
                document,
                loc: Loc::new(line, 0, text.len() as u32),
                delta_ms: moment.ms - focus.ms,
                family: None,
                text: plain(&said),
                is_focus: false,
                certainty: moment.certainty,
            });
        }
    }

    /// A moment on the wall clock, with what it names.
    fn wall_of(&self, moment: &Moment) -> Option<Wall> {
        let wall = self.wall.clone()?;
        Some(Wall { start_ns: wall.start_ns + (moment.ms * 1e6) as i64, ..wall })
    }

    fn in_words(&self, moment: &Moment) -> String {
        let wall = self.wall_of(moment).map(|wall| clock::date_and_time(wall.start_ns, wall.year_known));
        match (self.is_process, wall) {
            (true, Some(wall)) => format!("{:.3} s after the start of the process, {wall}", moment.ms / 1000.0),
            (true, None) => format!("{:.3} s after the start of the process", moment.ms / 1000.0),
            (false, wall) => wall.unwrap_or_default(),
        }
    }

    fn notes(&self, entries: &[Entry]) -> Vec<String> {
        let mut notes = Vec::new();
        let has = |certainty| entries.iter().any(|entry| entry.family.is_none() && entry.certainty == certainty);
        if let Some(wall) = self.wall.as_ref().filter(|_| self.is_process && has(Certainty::Stamped)) {
            notes.push(format!("stamps and the clock of the process agree to {}", words::ms(wall.error_ms)));
        }
        if has(Certainty::Position) {
            notes.push(
                "~ by position: a line without a usable stamp is put at the time of the line before it".to_owned(),
            );
        }
        notes
    }
}

/// Puts what another document says near a wall time. No where it has no wall clock there.
fn join(snapshot: &Snapshot, document: usize, wall: &Wall, within_ms: f64, entries: &mut Vec<Entry>) -> bool {
    let Some(parsed) = &snapshot.parsed else { return false };
    let mut is_joined = false;
    let Some(line) = line_at(snapshot, parsed, wall) else { return false };
    let Some(mut axis) = Axis::of(snapshot, parsed, line, within_ms) else { return false };
    if let Some(own) = &axis.wall
        && (own.zone_known, own.year_known) == (wall.zone_known, wall.year_known)
    {
        let focus = Moment { ms: (wall.start_ns - own.start_ns) as f64 / 1e6, certainty: Certainty::Stamped };
        axis.lines = (line.saturating_sub(MAX_LINES), line.saturating_add(MAX_LINES).min(parsed.log.n_lines()));
        axis.collect(snapshot, document, &focus, within_ms, entries);
        is_joined = true;
    }
    is_joined
}

/// The last line of a document that was stamped before a wall time, found by halves: stamps rise, and lines without one
/// are passed over.
fn line_at(snapshot: &Snapshot, parsed: &Parsed, wall: &Wall) -> Option<u32> {
    /// Lines without a stamp in a row that are passed over.
    const MAX_BARE: u32 = 256;
    let stamp_from = |from: u32| {
        (from..parsed.log.n_lines().min(from + MAX_BARE)).find_map(|line| Some((line, stamp(snapshot, line)?)))
    };
    let (mut low, mut high) = (0, parsed.log.n_lines());
    let mut found = stamp_from(0).map(|(line, _)| line);
    while low < high {
        let middle = low + (high - low) / 2;
        match stamp_from(middle) {
            Some((line, time)) if time.ns <= wall.start_ns => {
                found = Some(line);
                low = line + 1;
            }
            _ => high = middle,
        }
    }
    found
}

/// The run whose rows stand around a line.
fn run_near(parsed: &Parsed, line: u32) -> Option<usize> {
    let runs = &parsed.runs.list;
    let told =
        |index: &usize| !runs[*index].rows(Family::Gc).is_empty() || !runs[*index].rows(Family::Sched).is_empty();
    let begun = (0..runs.len()).filter(told).filter(|index| runs[*index].lines.0 <= line);
    begun.max_by_key(|index| runs[*index].lines.0).or_else(|| (0..runs.len()).find(told))
}

/// When a line says that it was written.
fn stamp(snapshot: &Snapshot, line: u32) -> Option<WallTime> {
    let text = snapshot.lines.line(line);
    match &snapshot.parsed {
        Some(parsed) => durations::stamp(&parsed.log.peel(line, &text)),
        None => durations::stamp(&tracelog::carrier::peel(&text)),
    }
}

/// How long a cycle took, ms; none where its phases are not printed.
fn length_ms(parsed: &Parsed, row: RowId) -> Option<f64> {
    if row.family != Family::Gc {
        return None;
    }
    let phases = [gc::WALL_SWEEP_TERM_MS, gc::WALL_SCAN_MS, gc::WALL_SYNC_MS, gc::WALL_MARK_MS, gc::WALL_MARK_TERM_MS];
    let printed: Vec<f64> = phases.iter().filter_map(|phase| parsed.log.value(row, *phase)).collect();
    (!printed.is_empty()).then(|| printed.iter().sum())
}

/// A text that can be shown anywhere, in one line.
fn plain(text: &str) -> String {
    words::shorten(markup::plain(text.trim()).trim(), MAX_CHARS)
}

#[cfg(test)]
mod tests;
