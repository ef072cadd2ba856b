//! The Ps, threads and goroutines of a log: where each is named, by run.
//!
//! Numbers are not reused while a process lives (a P stays the same, threads and goroutines count up), so a number and a
//! run are one thing. Goroutine 0 is the exception: each thread has one. Race reports count goroutines in their own way
//! and stay out of this index.

use std::sync::OnceLock;

use rustc_hash::FxHashMap;
use tracelog::blocks::{Block, Node};
use tracelog::catalog::{
    ancestor, created_by, frame, goroutine, profile_frame, runtime_note, sched_g, sched_m, sched_p, signal_pc,
    stack_note,
};
use tracelog::{Blocks, Family, Field, Item, Kind, LineCol, Loc, Log, Part, RowId, Runs, cells};

use crate::snapshot::{Parsed, Snapshot};

/// How a field names a thing.
struct Naming {
    field: Field,
    to_node: fn(u64) -> Node,
    /// The line is about the thing; otherwise it leads there.
    is_own: bool,
}

const fn own(field: Field, to_node: fn(u64) -> Node) -> Naming {
    Naming { field, to_node, is_own: true }
}

const fn reference(field: Field, to_node: fn(u64) -> Node) -> Naming {
    Naming { field, to_node, is_own: false }
}

/// All fields that hold the number of a P, a thread or a goroutine.
const NAMINGS: [Naming; 16] = [
    own(sched_p::P, Node::P),
    own(sched_m::THREAD, Node::M),
    own(sched_g::G, Node::G),
    own(goroutine::GOROUTINE, Node::G),
    reference(sched_p::M, Node::M),
    reference(sched_m::HELD_P, Node::P),
    reference(sched_m::CURG, Node::G),
    reference(sched_m::LOCKEDG, Node::G),
    reference(sched_g::M, Node::M),
    reference(sched_g::LOCKEDM, Node::M),
    reference(goroutine::M, Node::M),
    reference(created_by::CREATOR, Node::G),
    reference(ancestor::ANCESTOR, Node::G),
    reference(signal_pc::M, Node::M),
    reference(stack_note::GOROUTINE, Node::G),
    reference(runtime_note::GOROUTINE, Node::G),
];

fn naming(field: Field) -> Option<&'static Naming> {
    NAMINGS.iter().find(|naming| naming.field == field)
}

/// The thing that a field of a row names; None for `nil`, `-1`, a number that was not printed, and other fields.
fn named(log: &Log, row: RowId, naming: &Naming) -> Option<Node> {
    let code = log.code(row, naming.field)?;
    let number = match naming.field.def().kind {
        Kind::Ref if cells::is_nil(code) => return None,
        Kind::Ref | Kind::Int => u64::try_from(cells::unzigzag(code)).ok()?,
        _ => code,
    };
    Some((naming.to_node)(number))
}

/// A place where a thing is named: a field of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Mention {
    chunk: u32,
    row: u32,
    family: Family,
    field: u8,
}

impl Mention {
    fn of(row: RowId, field: Field) -> Self {
        Self { chunk: row.chunk, row: row.row, family: row.family, field: field.index }
    }

    /// The row.
    pub(crate) fn row(self) -> RowId {
        RowId { family: self.family, chunk: self.chunk, row: self.row }
    }

    /// The field.
    pub(crate) fn field(self) -> Field {
        Field { family: self.family, index: self.field }
    }

    /// Whether the line is about the thing.
    pub(crate) fn is_own(self) -> bool {
        naming(self.field()).is_some_and(|naming| naming.is_own)
    }
}

/// Where the things of a log are named. Twelve bytes a number.
#[derive(Debug, Default)]
pub(crate) struct Things {
    /// By run; mentions in the order of their lines.
    mentions: Vec<FxHashMap<Node, Vec<Mention>>>,
    /// Indexes into the list of blocks, by run.
    blocks: Vec<Vec<u32>>,
    functions: OnceLock<Vec<Function>>,
}

/// A function that stacks or profiles name.
#[derive(Debug)]
pub(crate) struct Function {
    /// Its name as printed.
    pub(crate) name: String,
    /// The first frame that names it.
    pub(crate) row: RowId,
    /// The field there.
    pub(crate) field: Field,
    /// How many frames name it.
    pub(crate) n_frames: usize,
}

impl Things {
    /// Reads the numbers of all runs.
    pub(crate) fn of(log: &Log, runs: &Runs, blocks: &Blocks) -> Self {
        let mentions = runs.list.iter().map(|run| {
            let mut rows: Vec<(u32, RowId)> = Vec::new();
            for family in FAMILIES {
                rows.extend(run.rows(family).iter().map(|row| (log.line(*row), *row)));
            }
            rows.sort_unstable();
            let mut mentions: FxHashMap<Node, Vec<Mention>> = FxHashMap::default();
            for (_, row) in rows {
                for naming in NAMINGS.iter().filter(|naming| naming.field.family == row.family) {
                    if let Some(node) = named(log, row, naming) {
                        mentions.entry(node).or_default().push(Mention::of(row, naming.field));
                    }
                }
            }
            mentions.values_mut().for_each(Vec::shrink_to_fit);
            mentions
        });
        let mut by_run = vec![Vec::new(); runs.list.len()];
        for (index, block) in blocks.list.iter().enumerate() {
            if let Some(blocks) = by_run.get_mut(block.run()) {
                blocks.push(index as u32);
            }
        }
        Self { mentions: mentions.collect(), blocks: by_run, functions: OnceLock::new() }
    }

    /// All places of a run that name a thing, in the order of the lines.
    pub(crate) fn mentions(&self, run: usize, node: Node) -> &[Mention] {
        self.mentions.get(run).and_then(|run| run.get(&node)).map_or(&[], Vec::as_slice)
    }

    /// All functions on stacks and in profiles; found by the first search.
    pub(crate) fn functions(&self, log: &Log) -> &[Function] {
        self.functions.get_or_init(|| {
            let mut indexes: FxHashMap<String, usize> = FxHashMap::default();
            let mut functions: Vec<Function> = Vec::new();
            for field in [frame::FUNCTION, profile_frame::FUNCTION] {
                for row in log.rows(field.family) {
                    let Some(name) = log.text(row, field) else { continue };
                    if let Some(index) = indexes.get(&*name) {
                        functions[*index].n_frames += 1;
                        continue;
                    }
                    let name = name.into_owned();
                    indexes.insert(name.clone(), functions.len());
                    functions.push(Function { name, row, field, n_frames: 1 });
                }
            }
            functions
        })
    }
}

/// Families of the fields in [`NAMINGS`].
const FAMILIES: [Family; 9] = [
    Family::SchedP,
    Family::SchedM,
    Family::SchedG,
    Family::Goroutine,
    Family::CreatedBy,
    Family::Ancestor,
    Family::SignalPc,
    Family::StackNote,
    Family::RuntimeNote,
];

/// The block that a row is in, with its index.
pub(crate) fn block_of(parsed: &Parsed, run: usize, row: RowId) -> Option<(usize, &Block)> {
    let line = parsed.log.line(row);
    let list = &parsed.blocks().list;
    let of_run = parsed.things().blocks.get(run)?;
    let n_begun = of_run.partition_point(|index| list[*index as usize].lines().0 <= line);
    of_run[..n_begun].iter().rev().map(|index| (*index as usize, &list[*index as usize])).find(|(_, block)| {
        match (row.family, block) {
            (Family::SchedP, Block::Sched(block)) => block.ps.contains(&row),
            (Family::SchedM, Block::Sched(block)) => block.ms.contains(&row),
            (Family::SchedG, Block::Sched(block)) => block.gs.contains(&row),
            (Family::SchedP | Family::SchedM | Family::SchedG, _) | (_, Block::Sched(_)) => false,
            (Family::Race, Block::Race(_)) => line <= block.lines().1,
            (_, Block::Dump(_)) => line <= block.lines().1,
            _ => false,
        }
    })
}

/// Lines that were printed together.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scope<'a> {
    /// The block with its index; None for lines of scheddetail whose SCHED line stands before the log begins.
    pub(crate) block: Option<(usize, &'a Block)>,
    /// First and last line.
    pub(crate) lines: (u32, u32),
}

impl Scope<'_> {
    /// Whether both are the same lines of one run.
    pub(crate) fn is(&self, other: &Scope<'_>) -> bool {
        self.block.map(|(index, _)| index) == other.block.map(|(index, _)| index)
    }
}

/// What was printed together with a row.
pub(crate) fn scope_of(parsed: &Parsed, run: usize, row: RowId) -> Option<Scope<'_>> {
    if let Some((index, block)) = block_of(parsed, run, row) {
        return Some(Scope { block: Some((index, block)), lines: block.lines() });
    }
    if !is_of_scheddetail(row.family) {
        return None;
    }
    let list = &parsed.blocks().list;
    let blocks = parsed.things().blocks.get(run)?.iter().map(|index| &list[*index as usize]);
    let head = blocks.filter(|block| matches!(block, Block::Sched(_))).map(|block| block.lines().0).next();
    let lines = (parsed.runs.list.get(run)?.lines.0, head.map_or(u32::MAX, |head| head.saturating_sub(1)));
    Some(Scope { block: None, lines })
}

/// Whether lines of a family are about a P, a thread or a goroutine of the scheduler.
pub(crate) fn is_of_scheddetail(family: Family) -> bool {
    matches!(family, Family::SchedP | Family::SchedM | Family::SchedG)
}

/// A number of a P, a thread or a goroutine to which somebody points.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Spot {
    /// The run.
    pub(crate) run: usize,
    /// The row.
    pub(crate) row: RowId,
    /// The field.
    pub(crate) field: Field,
    /// What it names; None for `nil` and `-1`.
    pub(crate) node: Option<Node>,
    /// Whether the line is about it.
    pub(crate) is_own: bool,
    /// The number with its label.
    pub(crate) loc: Loc,
}

/// The number at a place, or behind the label at a place.
pub(crate) fn spot(snapshot: &Snapshot, at: LineCol) -> Option<Spot> {
    let parsed = snapshot.parsed.as_ref()?;
    let (item, field, loc) = labeled_at(snapshot, at, |field| naming(field).is_some())?;
    spot_of(parsed, item.row?, field, loc)
}

/// A goroutine that the program speaks of: `goroutine 17`, `goroutine=17`, `goroutine: 17`. The run is the one around the line.
pub(crate) fn spoken(snapshot: &Snapshot, at: LineCol) -> Option<(usize, Node, Loc)> {
    const WORD: &[u8] = b"goroutine";
    const MAX_BETWEEN: usize = 2;
    let parsed = snapshot.parsed.as_ref()?;
    let text = snapshot.lines.line(at.line);
    let starts = text.windows(WORD.len()).enumerate().filter(|(_, window)| window.eq_ignore_ascii_case(WORD));
    let (number, loc) = starts.map(|(start, _)| start).find_map(|start| {
        let rest = &text[start + WORD.len()..];
        let n_between = rest.iter().take(MAX_BETWEEN).take_while(|byte| b" =:#".contains(byte)).count();
        let n_digits = rest[n_between..].iter().take_while(|byte| byte.is_ascii_digit()).count();
        let number = std::str::from_utf8(&rest[n_between..n_between + n_digits]).ok()?.parse().ok()?;
        let end = start + WORD.len() + n_between + n_digits;
        let loc = Loc::new(at.line, start as u32, end as u32);
        loc.touches(at).then_some((number, loc))
    })?;
    let run = parsed.runs.at_line(at.line)?;
    (number != 0).then_some((run, Node::G(number), loc))
}

/// The number in a field of a row, which stands at `loc`.
pub(crate) fn spot_of(parsed: &Parsed, row: RowId, field: Field, loc: Loc) -> Option<Spot> {
    let naming = naming(field)?;
    let node = named(&parsed.log, row, naming);
    Some(Spot { run: parsed.run_of(row)?, row, field, node, is_own: naming.is_own, loc })
}

/// The field at a place, of those that are wanted: its item, and its value with its label.
pub(crate) fn labeled_at(
    snapshot: &Snapshot,
    at: LineCol,
    is_wanted: impl Fn(Field) -> bool,
) -> Option<(Item, Field, Loc)> {
    let text = snapshot.lines.line(at.line);
    for item in heads(snapshot, at.line) {
        let values = item.values.iter().filter(|value| is_wanted(value.field) && value.loc.line == at.line);
        let locs = values.map(|value| (value.field, labeled(&text, value.loc), value.loc.start < value.loc.end));
        let mut touching = locs.filter(|(_, loc, is_printed)| *is_printed && loc.touches(at));
        // Between two values that touch, the one that begins here is meant.
        let first = touching.next();
        let second = touching.next();
        if let Some((field, loc, _)) = second.filter(|(_, loc, _)| loc.start <= at.byte).or(first) {
            return Some((item, field, loc));
        }
    }
    None
}

/// The items of a line; for the later piece of a torn one, its head, which knows the values.
fn heads(snapshot: &Snapshot, line: u32) -> impl Iterator<Item = Item> {
    snapshot.items(line).items.into_iter().filter_map(move |item| match item.head_line {
        Some(head_line) if item.part == Part::Tail => {
            snapshot.items(head_line).items.into_iter().find(|head| head.row == item.row)
        }
        _ => Some(item),
    })
}

/// A value with the word that says what it is: `m=3`, `G17`, `goroutine 17`. Colors may stand between the two.
fn labeled(text: &[u8], value: Loc) -> Loc {
    let before = without_color(text.get(..value.start as usize).unwrap_or_default());
    let rest = match before {
        [rest @ .., b'=' | b' '] => without_color(rest),
        rest => rest,
    };
    let n_letters = rest.iter().rev().take_while(|byte| byte.is_ascii_alphabetic()).count();
    let start = rest.len() - n_letters;
    // Letters behind a digit or a bracket are the end of something else, such as a color that a collector has spelled out.
    let is_word = n_letters > 0 && !rest[..start].ends_with(b"[") && !rest[..start].ends_with(b";");
    let is_word = is_word && !rest[..start].last().is_some_and(u8::is_ascii_digit);
    if is_word { Loc { start: start as u32, ..value } } else { value }
}

/// A text without the escape sequences at its end.
fn without_color(mut text: &[u8]) -> &[u8] {
    while let Some(start) = text.iter().rposition(|byte| *byte == 0x1b) {
        let [0x1b, b'[', parameters @ .., last] = &text[start..] else { return text };
        let is_escape = parameters.iter().all(|byte| byte.is_ascii_digit() || *byte == b';');
        if !is_escape || !last.is_ascii_alphabetic() {
            return text;
        }
        text = &text[..start];
    }
    text
}

/// Where a row names something: the value with its label.
pub(crate) fn locate(snapshot: &Snapshot, row: RowId, field: Field) -> Option<Loc> {
    let value = locate_value(snapshot, row, field)?;
    Some(labeled(&snapshot.lines.line(value.line), value))
}

/// Where a value of a row stands.
pub(crate) fn locate_value(snapshot: &Snapshot, row: RowId, field: Field) -> Option<Loc> {
    let line = snapshot.parsed.as_ref()?.log.line(row);
    let item = snapshot.items(line).items.into_iter().find(|item| item.row == Some(row))?;
    Some(item.values.iter().find(|value| value.field == field)?.loc)
}
