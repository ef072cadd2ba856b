//! What to select next: a value, the values it is printed with, the item, the line, the cycle or the goroutine, the
//! phase, the block, the run, the file.

use std::ops::Range;

use tracelog::blocks::Block;
use tracelog::catalog::{Piece, Reader};
use tracelog::{Family, Item, ItemValue, LineCol, Loc, RowId};

use crate::snapshot::{Parsed, Snapshot};

/// Ranges around a place, the smallest first. Each holds the one before it and more.
pub fn selections(snapshot: &Snapshot, at: LineCol) -> Vec<Range<LineCol>> {
    let text = snapshot.lines.line(at.line);
    let end = text.len() as u32;
    let mut ranges: Vec<Range<LineCol>> = Vec::new();
    let mut grow = |range: Range<LineCol>| {
        let holds_cursor = range.start <= at && at <= range.end;
        let is_larger = match ranges.last() {
            Some(last) => range.start <= last.start && last.end <= range.end && range != *last,
            None => range.start < range.end,
        };
        if holds_cursor && is_larger {
            ranges.push(range);
        }
    };
    let items = snapshot.items(at.line);
    if let Some(item) = items.items.iter().find(|item| item.loc.touches(at)) {
        for loc in in_item(snapshot, item, &text, at) {
            grow(range(loc));
        }
        grow(range(item.loc));
    } else {
        grow(range(word(&text, at)));
    }
    grow(range(Loc::new(at.line, 0, end)));
    if let Some(parsed) = &snapshot.parsed {
        let row = items.items.iter().find_map(|item| item.row);
        let mut around = around(parsed, row, at.line);
        around.sort_by_key(|lines| lines.1 - lines.0);
        for lines in around {
            grow(whole_lines(snapshot, lines));
        }
        let last = parsed.log.n_lines().saturating_sub(1);
        grow(whole_lines(snapshot, (0, last)));
    }
    ranges
}

fn range(loc: Loc) -> Range<LineCol> {
    LineCol { line: loc.line, byte: loc.start }..LineCol { line: loc.line, byte: loc.end }
}

fn whole_lines(snapshot: &Snapshot, lines: (u32, u32)) -> Range<LineCol> {
    let end = snapshot.lines.line(lines.1).len() as u32;
    LineCol { line: lines.0, byte: 0 }..LineCol { line: lines.1, byte: end }
}

/// The letters around a place in text of the program.
fn word(text: &[u8], at: LineCol) -> Loc {
    let at_byte = (at.byte as usize).min(text.len());
    let start = text[..at_byte].iter().rposition(u8::is_ascii_whitespace).map_or(0, |blank| blank + 1);
    let end = text[at_byte..].iter().position(u8::is_ascii_whitespace).map_or(text.len(), |blank| at_byte + blank);
    Loc::new(at.line, start as u32, end as u32)
}

/// The value at a place, the values it is printed with, and both with their name and unit.
fn in_item(snapshot: &Snapshot, item: &Item, text: &[u8], at: LineCol) -> Vec<Loc> {
    let head;
    let item = match item.head_line {
        Some(line) => {
            head = snapshot.items(line).items.into_iter().find(|head| head.row == item.row);
            head.as_ref().unwrap_or(item)
        }
        None => item,
    };
    let value = item.value_at(at);
    let mut locs: Vec<Loc> = value.map(|value| value.loc).into_iter().collect();
    let groups = groups(item, text, at.line);
    let holds = |loc: &Loc| match value {
        Some(value) => loc.start <= value.loc.start && value.loc.end <= loc.end,
        None => loc.touches(at),
    };
    if let Some(group) = groups.into_iter().find(|group| holds(&group.labeled)) {
        if holds(&group.values) {
            locs.push(group.values);
        }
        locs.push(group.labeled);
    }
    locs
}

/// Values that are printed as one: `0.02+1.3+0.01 ms clock`.
struct Group {
    /// From the first value to the last.
    values: Loc,
    /// With the name before them and the unit behind them.
    labeled: Loc,
}

/// The groups of an item on a line. Values belong together when no blank is printed between them.
fn groups(item: &Item, text: &[u8], line: u32) -> Vec<Group> {
    if item.shape.def().reader != Reader::Template {
        return Vec::new();
    }
    let pieces = item.shape.def().pieces;
    let mut groups: Vec<Group> = Vec::new();
    // What is printed before the next value: its name, or what joins it to the values before.
    let mut before = Before::Name("");
    for (index, piece) in pieces.iter().enumerate() {
        match piece {
            Piece::Literal(literal) => {
                let is_last = !matches!(pieces.get(index + 1), Some(Piece::Value(..)));
                let unit;
                (unit, before) = if is_last { (unit_of(literal), Before::Name("")) } else { split(literal) };
                if let Some(group) = groups.last_mut() {
                    group.labeled.end = extended(text, group.labeled.end, unit);
                }
            }
            Piece::Value(field, _) => {
                let value = item.values.iter().find(|value| value.field.index == *field && is_here(value, line));
                match (value, before, groups.last_mut()) {
                    (Some(value), Before::Joint(joint), Some(group)) if is_next(group, value, joint) => {
                        group.values.end = value.loc.end;
                        group.labeled.end = value.loc.end;
                    }
                    (Some(value), before, _) => {
                        let name = if let Before::Name(name) = before { name } else { "" };
                        let named = Loc { start: named_start(text, value.loc.start, name), ..value.loc };
                        groups.push(Group { values: value.loc, labeled: named });
                    }
                    (None, ..) => {}
                }
                before = Before::Name("");
            }
            Piece::Flag(..) | Piece::Pad => before = Before::Name(""),
        }
    }
    groups
}

/// What is printed before a value.
#[derive(Clone, Copy)]
enum Before {
    /// Its name, perhaps none; a new group begins.
    Name(&'static str),
    /// What joins it to the value before: `+`, `/`, `->`.
    Joint(&'static str),
}

fn is_here(value: &ItemValue, line: u32) -> bool {
    value.loc.line == line && value.loc.start < value.loc.end
}

/// Whether a value stands right behind a group, but for what joins them.
fn is_next(group: &Group, value: &ItemValue, joint: &str) -> bool {
    group.values.end + joint.len() as u32 == value.loc.start
}

/// Splits what is printed between two values into the unit of the first and the name of the second.
fn split(literal: &'static str) -> (&'static str, Before) {
    if !literal.contains(' ') {
        return ("", Before::Joint(literal));
    }
    let unit = unit_of(literal);
    // Without a comma a blank ends the unit.
    let unit = if [", ", ": "].iter().any(|mark| literal.contains(mark)) {
        unit
    } else {
        literal.split(' ').next().unwrap_or_default()
    };
    (unit, Before::Name(literal.rsplit(' ').next().unwrap_or_default()))
}

/// What is printed behind a value up to a comma or colon: ` ms clock`.
fn unit_of(literal: &'static str) -> &'static str {
    let end = [", ", ": "].iter().filter_map(|mark| literal.find(mark)).min();
    &literal[..end.unwrap_or(literal.len())]
}

/// The end of a text that follows here, or here where it does not.
fn extended(text: &[u8], end: u32, unit: &str) -> u32 {
    let follows = text.get(end as usize..).is_some_and(|rest| rest.starts_with(unit.as_bytes()));
    if follows { end + unit.len() as u32 } else { end }
}

/// The start of a name that ends here, or here where it does not.
fn named_start(text: &[u8], start: u32, name: &str) -> u32 {
    let precedes = text.get(..start as usize).is_some_and(|before| before.ends_with(name.as_bytes()));
    if precedes { start - name.len() as u32 } else { start }
}

/// Lines around a line: its cycle or goroutine, its phase, its blocks, its run.
fn around(parsed: &Parsed, row: Option<RowId>, line: u32) -> Vec<(u32, u32)> {
    let covers = |lines: (u32, u32)| lines.0 <= line && line <= lines.1;
    let run = row.and_then(|row| parsed.run_of(row)).or_else(|| parsed.runs.at_line(line));
    let blocks: Vec<&Block> = parsed.blocks().list.iter().filter(|block| covers(block.lines())).collect();
    let mut around: Vec<(u32, u32)> = blocks.iter().map(|block| block.lines()).collect();
    for block in &blocks {
        if let Block::Dump(dump) = block {
            let n_begun = dump.goroutines.partition_point(|entry| entry.lines.0 <= line);
            around.extend(dump.goroutines[..n_begun].last().map(|entry| entry.lines));
        }
    }
    if let Some(run) = run {
        around.extend(cycle(parsed, run, line));
        around.extend(phase(parsed, run, line));
        let lines = parsed.runs.list[run].lines;
        // A run is known by where its items begin; the last of them may go on.
        let ends = blocks.iter().filter(|block| block.run() == run).map(|block| block.lines().1);
        around.push((lines.0, ends.fold(lines.1, u32::max)));
    }
    around.retain(|lines| covers(*lines));
    around
}

/// Families whose lines are printed for a cycle, behind the first.
const OF_CYCLE: [Family; 8] = [
    Family::Gc,
    Family::GcPause,
    Family::Scan,
    Family::PacerEnd,
    Family::PacerSweep,
    Family::Scav,
    Family::Checkfinalizers,
    Family::FinalizerReport,
];

/// The lines of the GC cycle that a line belongs to.
///
/// With gcpacertrace a cycle reaches from its start line to the next one, without it from its `gc` line; a `GC forced`
/// right before is part of it. Of two `scav` lines between two `gc` lines the second is of the cycle behind it.
fn cycle(parsed: &Parsed, run: usize, line: u32) -> Option<(u32, u32)> {
    let run = &parsed.runs.list[run];
    let family = if run.rows(Family::PacerStart).is_empty() { Family::Gc } else { Family::PacerStart };
    let starts = run.rows(family);
    let line_of = |row: &RowId| parsed.log.line(*row);
    // A log whose newest line comes first prints a cycle backwards.
    if starts.first().map(line_of) > starts.last().map(line_of) {
        return None;
    }
    // The lines of a family between two lines, both left out.
    let between = |family: Family, from: u32, to: u32| {
        let rows = run.rows(family);
        let first = rows.partition_point(|row| line_of(row) <= from);
        let lines: Vec<u32> = rows[first..].iter().map(line_of).take_while(|line| *line < to).collect();
        lines
    };
    let cycle = |index: usize| {
        let start = line_of(starts.get(index)?);
        let before = index.checked_sub(1).map_or(0, |index| line_of(&starts[index]));
        let next = starts.get(index + 1).map_or(u32::MAX, line_of);
        let is_of_next = |scavs: &[u32]| family == Family::Gc && scavs.len() == 2;
        let mut first = start;
        let scavs = between(Family::Scav, before, start);
        if index > 0 && is_of_next(&scavs) {
            first = scavs[1];
        }
        let forced = between(Family::GcForced, before, start).pop();
        let is_last = |forced: &u32| OF_CYCLE.iter().all(|family| between(*family, *forced, first).is_empty());
        first = forced.filter(is_last).unwrap_or(first);
        let last_of = |of: &Family| {
            let mut lines = between(*of, start, next);
            if *of == Family::Scav && next < u32::MAX && is_of_next(&lines) {
                lines.pop();
            }
            lines.pop()
        };
        Some((first, OF_CYCLE.iter().filter_map(last_of).max().unwrap_or(start)))
    };
    let index = starts.partition_point(|row| line_of(row) <= line);
    let of_line = |index: usize| cycle(index).filter(|lines| lines.0 <= line && line <= lines.1);
    index.checked_sub(1).and_then(of_line).or_else(|| of_line(index))
}

/// The lines of the phase of the run that a line is in: from its first cycle up to that of the next phase.
fn phase(parsed: &Parsed, run: usize, line: u32) -> Option<(u32, u32)> {
    let mut phases: Vec<(u32, u32)> = parsed.analysis().phases.get(run)?.iter().map(|phase| phase.lines).collect();
    phases.sort_unstable();
    let starts_at = |phase: &(u32, u32)| cycle(parsed, run, phase.0).map_or(phase.0, |lines| lines.0.min(phase.0));
    let starts: Vec<u32> = phases.iter().map(starts_at).collect();
    let index = starts.partition_point(|start| *start <= line).checked_sub(1)?;
    let last = starts.get(index + 1).map_or(parsed.runs.list[run].lines.1, |next| next.saturating_sub(1));
    Some((starts[index], last.max(phases[index].1)))
}
