//! What blocks say in one line: dumps, profiles and races, and the scheduler with what changed since the block before.

use tracelog::Log;
use tracelog::blocks::{Block, SchedBlock};

use super::{Lens, LensAction, LensKind, is_told, leading};
use crate::blocks;
use crate::snapshot::Parsed;

/// Dumps, profiles and reports that get a lens.
const MAX_BLOCKS: usize = 200;

/// States of the scheduler that get one. Where there are more, those in which most has changed.
const MAX_SCHED: usize = 200;

/// The lenses of blocks, in the order of their lines.
pub(super) fn lenses(parsed: &Parsed) -> Vec<Lens> {
    let log = &parsed.log;
    let list = &parsed.blocks().list;
    let mut lenses: Vec<Lens> = list
        .iter()
        .filter(|block| is_told(block))
        .take(MAX_BLOCKS)
        .map(|block| Lens { action: action(log, block), ..lens(block.lines().0, leading(blocks::parts(log, block))) })
        .collect();
    lenses.extend(of_scheduler(log, list));
    lenses.sort_by_key(|lens| lens.loc.line);
    lenses
}

fn lens(line: u32, title: String) -> Lens {
    Lens::new(LensKind::Block, line, title)
}

fn action(log: &Log, block: &Block) -> Option<LensAction> {
    match block {
        Block::Sched(_) | Block::Dump(_) => Some(LensAction::Narrate { line: block.lines().0 }),
        Block::Profile(profile) => blocks::largest_record(log, profile).map(|line| LensAction::Reveal { line }),
        Block::Race(race) => race.accesses.get(1).map(|access| LensAction::Reveal { line: log.line(access.row) }),
    }
}

fn of_scheduler(log: &Log, list: &[Block]) -> Vec<Lens> {
    let of_block = |(block, before): (&SchedBlock, Option<&SchedBlock>)| {
        let line = block.lines.0;
        let title = leading(blocks::sched_parts(log, block, before));
        Lens { action: Some(LensAction::Narrate { line }), ..lens(line, title) }
    };
    blocks::sched_blocks(log, list, MAX_SCHED).into_iter().map(of_block).collect()
}
