//! Goroutines of a race report. They are numbered by the race detector and mean something inside their report only.

use tracelog::blocks::{Block, Race};
use tracelog::catalog::{race, shapes};
use tracelog::{Family, LineCol, Loc, RowId};

use super::highlight::{Highlight, HighlightKind};
use super::things::{block_of, labeled_at, locate};
use super::{Declarations, Resolution, Resolved, Target};
use crate::snapshot::{Parsed, Snapshot};

/// A goroutine's number in a report to which somebody points.
struct Spot<'a> {
    run: usize,
    report: &'a Race,
    number: u64,
    loc: Loc,
}

fn spot(snapshot: &Snapshot, at: LineCol) -> Option<Spot<'_>> {
    let parsed = snapshot.parsed.as_ref()?;
    let (item, field, loc) = labeled_at(snapshot, at, |field| field == race::GOROUTINE)?;
    let row = item.row?;
    let run = parsed.run_of(row)?;
    let (_, Block::Race(report)) = block_of(parsed, run, row)? else { return None };
    Some(Spot { run, report, number: parsed.log.code(row, field)?, loc })
}

/// The lines of the report that name the goroutine, and whether they tell where it was created.
fn mentions(parsed: &Parsed, spot: &Spot<'_>) -> Vec<(RowId, bool)> {
    let rows = parsed.runs.list[spot.run].rows(Family::Race).iter().copied();
    let (first, last) = spot.report.lines;
    rows.filter(|row| (first..=last).contains(&parsed.log.line(*row)))
        .filter(|row| parsed.log.code(*row, race::GOROUTINE) == Some(spot.number))
        .map(|row| (row, parsed.log.shape(row) == shapes::RACE_CREATED_1_1))
        .collect()
}

/// To the line that tells where the goroutine was created.
pub(super) fn resolve(snapshot: &Snapshot, at: LineCol) -> Option<Resolved> {
    let spot = spot(snapshot, at)?;
    let parsed = snapshot.parsed.as_ref()?;
    let created = mentions(parsed, &spot).into_iter().find(|(_, is_created)| *is_created);
    let target = created.and_then(|(row, _)| locate(snapshot, row, race::GOROUTINE));
    let resolution = match target {
        Some(loc) => Resolution::Here(Target { lines: (loc.line, loc.line), loc }),
        None => Resolution::Unlisted(format!("the report does not tell where goroutine {} was created", spot.number)),
    };
    Some(Resolved { origin: spot.loc, resolution })
}

/// The lines of the report that name the goroutine.
pub(super) fn references(snapshot: &Snapshot, at: LineCol, declarations: Declarations) -> Option<Vec<Loc>> {
    let spot = spot(snapshot, at)?;
    let parsed = snapshot.parsed.as_ref()?;
    let mentions = mentions(parsed, &spot).into_iter();
    let wanted = mentions.filter(|(_, is_created)| declarations == Declarations::Included || !is_created);
    Some(wanted.filter_map(|(row, _)| locate(snapshot, row, race::GOROUTINE)).collect())
}

/// The same, to be marked.
pub(super) fn highlights(snapshot: &Snapshot, at: LineCol) -> Option<Vec<Highlight>> {
    let spot = spot(snapshot, at)?;
    let parsed = snapshot.parsed.as_ref()?;
    let marked = mentions(parsed, &spot).into_iter().filter_map(|(row, is_created)| {
        let kind = if is_created { HighlightKind::Own } else { HighlightKind::Reference };
        Some(Highlight { loc: locate(snapshot, row, race::GOROUTINE)?, kind })
    });
    Some(marked.collect())
}
