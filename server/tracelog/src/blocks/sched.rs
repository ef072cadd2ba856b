//! Blocks of scheddetail: a SCHED line with the state of the collector, then a line for each P, thread and goroutine.
//!
//! The world keeps running while a block is printed (`runtime/proc.go` schedtrace), so a link may lead to something that
//! has moved on meanwhile, or is not listed.

use rustc_hash::FxHashMap;

use crate::catalog::{Family, Field, sched, sched_g, sched_m, sched_p};
use crate::cells;
use crate::log::{Log, RowId};

pub(super) const FAMILIES: [Family; 4] = [Family::Sched, Family::SchedP, Family::SchedM, Family::SchedG];

/// The state of the scheduler at one moment.
#[derive(Clone, Debug, PartialEq)]
pub struct SchedBlock {
    /// Index of its run.
    pub run: usize,
    /// First and last line.
    pub lines: (u32, u32),
    /// Its SCHED line.
    pub head: RowId,
    /// Its P lines.
    pub ps: Vec<RowId>,
    /// Its M lines.
    pub ms: Vec<RowId>,
    /// Its G lines.
    pub gs: Vec<RowId>,
}

/// What a line of a block is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Node {
    /// A processor.
    P(u64),
    /// A thread.
    M(u64),
    /// A goroutine.
    G(u64),
}

impl std::fmt::Display for Node {
    /// `P0`, `M3`, `G17`, as the lines begin.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::P(number) => write!(f, "P{number}"),
            Self::M(number) => write!(f, "M{number}"),
            Self::G(number) => write!(f, "G{number}"),
        }
    }
}

/// A reference from one line of a block to another.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Link {
    /// The row that holds it.
    pub row: RowId,
    /// The field that holds it.
    pub field: Field,
    /// What the row is about.
    pub from: Node,
    /// What it leads to.
    pub to: Node,
    /// The row of that, if the block has one.
    pub target: Option<RowId>,
    /// Whether the target leads back.
    pub agrees: bool,
}

/// Makes a node of its number.
type ToNode = fn(u64) -> Node;

/// Fields that lead somewhere: what they lead to, and the field there that leads back.
const REFERENCES: [(Field, ToNode, Field); 6] = [
    (sched_p::M, Node::M, sched_m::HELD_P),
    (sched_m::HELD_P, Node::P, sched_p::M),
    (sched_m::CURG, Node::G, sched_g::M),
    (sched_m::LOCKEDG, Node::G, sched_g::LOCKEDM),
    (sched_g::M, Node::M, sched_m::CURG),
    (sched_g::LOCKEDM, Node::M, sched_m::LOCKEDG),
];

/// Where a field of scheddetail leads, if it is a reference to something: `m=3` to M3. None for `nil`, `-1` and other
/// fields.
pub(super) fn reference(log: &Log, row: RowId, field: Field) -> Option<Node> {
    let (_, to, _) = REFERENCES.iter().find(|(known, ..)| *known == field)?;
    let code = log.code(row, field)?;
    (!cells::is_nil(code)).then(|| to(cells::unzigzag(code).unsigned_abs()))
}

/// What a row of scheddetail is about; None where its number was lost.
pub(super) fn node(log: &Log, row: RowId) -> Option<Node> {
    let number = |field: Field| log.value(row, field).filter(|number| *number >= 0.0).map(|number| number as u64);
    match row.family {
        Family::SchedP => number(sched_p::P).map(Node::P),
        Family::SchedM => number(sched_m::THREAD).map(Node::M),
        Family::SchedG => number(sched_g::G).map(Node::G),
        _ => None,
    }
}

impl SchedBlock {
    /// Where a field of one of its rows leads; None for `nil`, `-1` and fields that are no references.
    pub fn reference(log: &Log, row: RowId, field: Field) -> Option<Node> {
        reference(log, row, field)
    }

    /// What one of its rows is about.
    pub fn node(log: &Log, row: RowId) -> Option<Node> {
        node(log, row)
    }

    /// Its P, M and G lines.
    pub fn rows(&self) -> impl Iterator<Item = RowId> + '_ {
        self.ps.iter().chain(&self.ms).chain(&self.gs).copied()
    }

    /// The row of each thing that the block lists.
    pub fn nodes(&self, log: &Log) -> FxHashMap<Node, RowId> {
        self.rows().filter_map(|row| Some((node(log, row)?, row))).collect()
    }

    /// All references between its lines, in the order of the lines.
    pub fn links(&self, log: &Log) -> Vec<Link> {
        let nodes = self.nodes(log);
        let mut links = Vec::new();
        for row in self.rows() {
            let Some(from) = node(log, row) else { continue };
            for (field, _, back) in REFERENCES.iter().filter(|(field, ..)| field.family == row.family) {
                let Some(to) = reference(log, row, *field) else { continue };
                let target = nodes.get(&to).copied();
                let agrees = target.is_some_and(|target| reference(log, target, *back) == Some(from));
                links.push(Link { row, field: *field, from, to, target, agrees });
            }
        }
        links
    }
}

/// The blocks among the rows of a run.
pub(super) fn blocks<'a>(log: &'a Log, run: usize, rows: &[(u32, RowId)]) -> impl Iterator<Item = SchedBlock> + 'a {
    let mut blocks: Vec<SchedBlock> = Vec::new();
    for (line, row) in rows {
        if row.family == Family::Sched {
            // Only the head of a block tells whether somebody stops the world.
            if log.code(*row, sched::GCWAITING).is_some() || log.code(*row, sched::STOPWAIT).is_some() {
                let end = last_line(log, *row, *line);
                blocks.push(SchedBlock {
                    run,
                    lines: (*line, end),
                    head: *row,
                    ps: Vec::new(),
                    ms: Vec::new(),
                    gs: Vec::new(),
                });
            }
            continue;
        }
        let Some(block) = blocks.last_mut() else { continue };
        match row.family {
            Family::SchedP => block.ps.push(*row),
            Family::SchedM => block.ms.push(*row),
            _ => block.gs.push(*row),
        }
        block.lines.1 = block.lines.1.max(last_line(log, *row, *line));
    }
    blocks.into_iter()
}

/// The line on which the item of a row ends, which may have been torn.
fn last_line(log: &Log, row: RowId, line: u32) -> u32 {
    log.last_line(row).unwrap_or(line)
}
