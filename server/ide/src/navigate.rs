//! Navigation: from a number to the line that is about it, and to all lines that name it.
//!
//! A thing is a P, a thread (M) or a goroutine of a run; see [`things`]. Every number leads to a line or is explained:
//! the world keeps running while a block is printed, and a dump may list one goroutine of many.

mod hierarchy;
mod highlight;
mod links;
mod race;
mod search;
mod selection;
#[cfg(test)]
mod tests;
mod things;

use tracelog::blocks::{Block, Dump, Node};
use tracelog::catalog::{sched_g, sched_m, sched_p};
use tracelog::{Family, Field, LineCol, Loc, RowId};

use crate::snapshot::{Parsed, Snapshot};
use crate::words;

pub use hierarchy::{Creation, GoroutineItem, created, creator, goroutine_at};
pub use highlight::{Highlight, HighlightKind, highlights};
pub use links::{FilePlace, file_at, file_links};
pub use search::{Fit, Found, FoundKind, MAX_FOUND, search};
pub use selection::selections;
pub(crate) use things::Things;
use things::{Mention, Scope, Spot, block_of, is_of_scheddetail, locate, scope_of, spoken, spot, spot_of};

/// Where a number leads.
#[derive(Clone, Debug, PartialEq)]
pub enum Resolution {
    /// To the line that is about the thing.
    Here(Target),
    /// Nowhere: the field says that there is nothing, in words.
    Nothing(&'static str),
    /// Nowhere: no line is about the thing. Why, as far as it can be known; a sentence without its period.
    Unlisted(String),
}

/// A line or block that is about a thing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Target {
    /// Its first and last line.
    pub lines: (u32, u32),
    /// Where it is named there.
    pub loc: Loc,
}

/// A number to which somebody points, and where it leads.
#[derive(Clone, Debug, PartialEq)]
pub struct Resolved {
    /// The number with its label.
    pub origin: Loc,
    /// Where it leads.
    pub resolution: Resolution,
}

/// Where the number at a place leads. None where no number of a P, a thread or a goroutine stands, and before the
/// document is read.
pub fn resolve(snapshot: &Snapshot, at: LineCol) -> Option<Resolved> {
    let parsed = snapshot.parsed.as_ref()?;
    if let Some(resolved) = race::resolve(snapshot, at) {
        return Some(resolved);
    }
    let Some(spot) = spot(snapshot, at) else { return spoken_of(snapshot, at) };
    let resolution = match (spot.node, nothing(spot.field)) {
        (Some(node), _) => match target(parsed, &spot, node) {
            Some(mention) => shown(snapshot, spot.run, mention),
            None => Resolution::Unlisted(why_unlisted(parsed, &spot, node)),
        },
        (None, Some(words)) => Resolution::Nothing(words),
        (None, None) => Resolution::Unlisted("the number was lost".to_owned()),
    };
    Some(Resolved { origin: spot.loc, resolution })
}

/// `goroutine 17` in the words of the program. Leads to what the runtime says about it, if it does.
fn spoken_of(snapshot: &Snapshot, at: LineCol) -> Option<Resolved> {
    let parsed = snapshot.parsed.as_ref()?;
    let (run, node, origin) = spoken(snapshot, at)?;
    let own = parsed.things().mentions(run, node).iter().filter(|mention| mention.is_own());
    let entries = own.clone().filter(|mention| mention.row().family == Family::Goroutine);
    let by_distance = |mention: &&Mention| parsed.log.line(mention.row()).abs_diff(at.line);
    let mention = entries.min_by_key(by_distance).or_else(|| own.min_by_key(by_distance))?;
    Some(Resolved { origin, resolution: shown(snapshot, run, *mention) })
}

/// Why a number in a row leads nowhere; None where it leads somewhere, or names nothing.
pub(crate) fn unlisted(parsed: &Parsed, row: RowId, field: Field) -> Option<String> {
    let spot = spot_of(parsed, row, field, Loc::default())?;
    let node = spot.node.filter(|_| !spot.is_own)?;
    let is_unlisted = target(parsed, &spot, node).is_none();
    is_unlisted.then(|| why_unlisted(parsed, &spot, node))
}

/// The line or goroutine of a mention that is about its thing.
fn shown(snapshot: &Snapshot, run: usize, mention: Mention) -> Resolution {
    let at = snapshot.parsed.as_ref().and_then(|parsed| {
        let loc = locate(snapshot, mention.row(), mention.field())?;
        Some(Target { lines: lines_of(parsed, run, mention.row()).unwrap_or((loc.line, loc.line)), loc })
    });
    at.map_or_else(|| Resolution::Unlisted("its number was lost".to_owned()), Resolution::Here)
}

/// First and last line of the goroutine whose header a row is.
fn lines_of(parsed: &Parsed, run: usize, row: RowId) -> Option<(u32, u32)> {
    let dump = dump_of(parsed, run, row)?;
    dump.goroutines.iter().find(|goroutine| goroutine.row == row).map(|goroutine| goroutine.lines)
}

fn dump_of(parsed: &Parsed, run: usize, row: RowId) -> Option<&Dump> {
    match block_of(parsed, run, row)?.1 {
        Block::Dump(dump) => Some(dump),
        _ => None,
    }
}

/// The mention to which a number leads: in its own block where that lists the thing. From the line of a goroutine of
/// scheddetail to its entry in a dump.
fn target(parsed: &Parsed, spot: &Spot, node: Node) -> Option<Mention> {
    if node == Node::G(0) {
        // Each thread has one; only its header leads to itself.
        return spot.is_own.then(|| own_mention(parsed, spot, node)).flatten();
    }
    let log = &parsed.log;
    let mentions = parsed.things().mentions(spot.run, node);
    let line = log.line(spot.row);
    let nearest = |family: Family| {
        let of_family = mentions.iter().filter(|mention| mention.is_own() && mention.row().family == family);
        of_family.min_by_key(|mention| log.line(mention.row()).abs_diff(line)).copied()
    };
    let scope = scope_of(parsed, spot.run, spot.row);
    if spot.is_own {
        let entry = if spot.row.family == Family::SchedG { nearest(Family::Goroutine) } else { None };
        return entry.or_else(|| own_mention(parsed, spot, node));
    }
    if is_of_scheddetail(spot.row.family) {
        // A block is one moment; what it does not list is not looked for in another.
        return in_scheddetail(parsed, spot, mentions, &scope?);
    }
    let in_dump = scope.and_then(|scope| {
        let own = |mention: &Mention| mention.is_own() && mention.row().family == Family::Goroutine;
        within(parsed, mentions, scope.lines).find(own)
    });
    in_dump.or_else(|| match node {
        Node::G(_) => nearest(Family::Goroutine).or_else(|| nearest(Family::SchedG)),
        Node::M(_) => nearest(Family::SchedM),
        Node::P(_) => nearest(Family::SchedP),
    })
}

/// The line of a block that is about a thing. Where the SCHED line of the next block is lost there may be two: a block
/// lists Ps, then threads, then goroutines, so the one that was printed with this line stands on the side of its kind.
fn in_scheddetail(parsed: &Parsed, spot: &Spot, mentions: &[Mention], scope: &Scope<'_>) -> Option<Mention> {
    let line = |mention: &Mention| parsed.log.line(mention.row());
    let here = parsed.log.line(spot.row);
    let is_listed = |mention: &Mention| {
        let is_row = mention.is_own() && is_of_scheddetail(mention.row().family);
        is_row && scope_of(parsed, spot.run, mention.row()).is_some_and(|other| scope.is(&other))
    };
    let listed: Vec<Mention> = within(parsed, mentions, scope.lines).filter(is_listed).collect();
    let kind = |family: Family| [Family::SchedP, Family::SchedM, Family::SchedG].iter().position(|of| *of == family);
    let is_below = kind(listed.first()?.row().family) > kind(spot.row.family);
    let beside = match is_below {
        true => listed.iter().find(|mention| here <= line(mention)),
        false => listed.iter().rfind(|mention| line(mention) <= here),
    };
    beside.or(listed.first()).copied()
}

fn own_mention(parsed: &Parsed, spot: &Spot, node: Node) -> Option<Mention> {
    let mentions = parsed.things().mentions(spot.run, node);
    mentions.iter().copied().find(|mention| mention.row() == spot.row && mention.field() == spot.field)
}

/// The mentions on some lines; `mentions` are in the order of their lines.
fn within<'a>(
    parsed: &'a Parsed,
    mentions: &'a [Mention],
    lines: (u32, u32),
) -> impl Iterator<Item = Mention> + use<'a> {
    let first = mentions.partition_point(|mention| parsed.log.line(mention.row()) < lines.0);
    mentions[first..].iter().copied().take_while(move |mention| parsed.log.line(mention.row()) <= lines.1)
}

/// What `nil` and `-1` say.
fn nothing(field: Field) -> Option<&'static str> {
    Some(match field {
        sched_p::M => "no thread holds this P",
        sched_m::HELD_P => "this thread holds no P",
        sched_m::CURG => "this thread runs no goroutine",
        sched_m::LOCKEDG => "no goroutine is locked to this thread",
        sched_g::M | tracelog::catalog::goroutine::M => "this goroutine is on no thread",
        sched_g::LOCKEDM => "this goroutine is not locked to a thread",
        _ => return None,
    })
}

fn why_unlisted(parsed: &Parsed, spot: &Spot, node: Node) -> String {
    let block = block_of(parsed, spot.run, spot.row).map(|(_, block)| block);
    let is_of_scheddetail = is_of_scheddetail(spot.row.family);
    match (node, block) {
        (Node::G(0), _) => "goroutine 0 is the system stack of a thread; each thread has one".to_owned(),
        (Node::P(_), Some(Block::Sched(block))) => {
            let n = words::count(block.ps.len(), "P");
            format!("{node} has no line in this block, which lists {n}: their number has changed, or a line was lost")
        }
        (Node::P(_), _) if is_of_scheddetail => format!("{node} has no line in this block, whose beginning is lost"),
        (Node::M(_), _) if is_of_scheddetail => format!(
            "{node} has no line in this block: the world keeps running while a block is printed, or the line was lost"
        ),
        (Node::G(_), _) if is_of_scheddetail => format!(
            "{node} has no line in this block: it was created or ended while the block was printed, or the line was lost"
        ),
        (Node::G(number), Some(Block::Dump(dump))) => {
            let n = words::count(dump.goroutines.len(), "goroutine");
            format!(
                "goroutine {number} is in no dump of this run; this one lists {n}, and a goroutine that has ended is in \
                 none"
            )
        }
        (Node::G(number), _) => format!("no line of this run is about goroutine {number}"),
        (Node::M(_) | Node::P(_), _) => format!("no block of scheddetail in this run has a line for {node}"),
    }
}

/// Whether the lines that are about a thing count as references to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Declarations {
    /// They do.
    Included,
    /// Only lines that lead to them do.
    Left,
}

/// All places of the run that name the thing at a place, in the order of the lines. None where there is no thing.
pub fn references(snapshot: &Snapshot, at: LineCol, declarations: Declarations) -> Option<Vec<Loc>> {
    if let Some(references) = race::references(snapshot, at, declarations) {
        return Some(references);
    }
    let parsed = snapshot.parsed.as_ref()?;
    let (run, node, row) = match spot(snapshot, at) {
        Some(spot) => (spot.run, spot.node?, Some(spot.row)),
        None => spoken(snapshot, at).map(|(run, node, _)| (run, node, None))?,
    };
    let mentions = parsed.things().mentions(run, node).iter().copied();
    let is_wanted = |mention: &Mention| {
        let is_same = node != Node::G(0) || Some(mention.row()) == row;
        is_same && (declarations == Declarations::Included || !mention.is_own())
    };
    let locs = mentions.filter(is_wanted).filter_map(|mention| locate(snapshot, mention.row(), mention.field()));
    Some(locs.collect())
}
