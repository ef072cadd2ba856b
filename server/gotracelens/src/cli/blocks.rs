//! `gotracelens blocks`: dumps, scheddetail blocks, profiles and race reports as objects, in JSON Lines. The output is
//! described in `server/docs/blocks.md`; that page and this module change together.

use std::io::{self, BufWriter, Write};

use serde::Serialize;
use tracelog::blocks::{Block, Dump, Group, Node, Profile, Race, SchedBlock};
use tracelog::catalog::{goroutine, heap_profile, memstats, profile, race, sched};
use tracelog::{Blocks, Family, Field, Log, RowId, Runs, blocks};

use super::input::Document;
use super::joined::Files;
use super::{Exit, json, report};

/// Options of `blocks`.
#[derive(clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    files: Files,
}

pub(super) fn run(args: &Args) -> io::Result<Exit> {
    let mut out = BufWriter::with_capacity(1 << 16, io::stdout().lock());
    let mut exit = Exit::Success;
    for document in args.files.documents() {
        let document = match document {
            Ok(document) => document,
            Err(error) => {
                report(&error);
                exit = Exit::Trouble;
                continue;
            }
        };
        let log = Log::read(&document.bytes);
        let runs = Runs::of(&log);
        let reader = Reader { document: &document, log: &log };
        for block in &Blocks::of(&log, &runs).list {
            json::write_line(&reader.block(block), &mut out)?;
        }
        for error in &document.cut {
            report(error);
            exit = Exit::Trouble;
        }
    }
    out.flush()?;
    Ok(exit)
}

#[derive(Serialize)]
struct BlockJson {
    file: String,
    block: &'static str,
    line: u32,
    end_line: u32,
    run: usize,
    #[serde(flatten)]
    content: Content,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Content {
    Sched(SchedJson),
    Dump(DumpJson),
    Profile(ProfileJson),
    Race(RaceJson),
}

#[derive(Serialize)]
struct SchedJson {
    at_ms: Option<i64>,
    ps: usize,
    ms: usize,
    gs: usize,
    links: Vec<LinkJson>,
}

#[derive(Serialize)]
struct LinkJson {
    line: u32,
    field: &'static str,
    from: String,
    to: String,
    resolves: bool,
    agrees: bool,
}

#[derive(Serialize)]
struct DumpJson {
    cause: &'static str,
    goroutines: Vec<GoroutineJson>,
    groups: Vec<GroupJson>,
}

#[derive(Serialize)]
struct GoroutineJson {
    line: u32,
    id: Option<u64>,
    state: String,
    leaked: bool,
    minutes: Option<u64>,
    group: usize,
    created_by: Option<String>,
    creator: Option<u64>,
    frames: usize,
    labels: Option<String>,
}

#[derive(Serialize)]
struct GroupJson {
    count: usize,
    state: String,
    frames: Vec<String>,
    longest_minutes: Option<u64>,
}

#[derive(Serialize)]
struct ProfileJson {
    kind: String,
    total: Option<u64>,
    records: usize,
    in_use_bytes: Option<u64>,
    memstats: bool,
}

#[derive(Serialize)]
struct RaceJson {
    accesses: Vec<AccessJson>,
}

#[derive(Serialize)]
struct AccessJson {
    line: u32,
    access: Option<String>,
    address: Option<String>,
    goroutine: Option<u64>,
    frames: Vec<String>,
}

/// Turns blocks of one document into what is printed.
struct Reader<'a> {
    document: &'a Document,
    log: &'a Log,
}

impl Reader<'_> {
    fn block(&self, block: &Block) -> BlockJson {
        let (first, last) = block.lines();
        let place = self.document.place(first, 0);
        let (name, content) = match block {
            Block::Sched(block) => ("scheddetail", Content::Sched(self.sched(block))),
            Block::Dump(dump) => ("dump", Content::Dump(self.dump(dump))),
            Block::Profile(profile) => ("profile", Content::Profile(self.profile(profile))),
            Block::Race(race) => ("race", Content::Race(self.race(race))),
        };
        BlockJson {
            file: place.file.to_owned(),
            block: name,
            line: place.line + 1,
            end_line: self.line(last),
            run: block.run(),
            content,
        }
    }

    /// The number of a line in its own file, from 1.
    fn line(&self, line: u32) -> u32 {
        self.document.place(line, 0).line + 1
    }

    fn line_of(&self, row: RowId) -> u32 {
        self.line(self.log.line(row))
    }

    fn text(&self, row: RowId, field: Field) -> Option<String> {
        self.log.text(row, field).map(|text| text.into_owned())
    }

    fn sched(&self, block: &SchedBlock) -> SchedJson {
        let link = |link: &blocks::Link| LinkJson {
            line: self.line_of(link.row),
            field: printed_name(link),
            from: link.from.to_string(),
            to: link.to.to_string(),
            resolves: link.target.is_some(),
            agrees: link.agrees,
        };
        SchedJson {
            at_ms: self.log.value(block.head, sched::AT_MS).map(|at_ms| at_ms as i64),
            ps: block.ps.len(),
            ms: block.ms.len(),
            gs: block.gs.len(),
            links: block.links(self.log).iter().map(link).collect(),
        }
    }

    fn dump(&self, dump: &Dump) -> DumpJson {
        let goroutine = |goroutine: &blocks::Goroutine| GoroutineJson {
            line: self.line_of(goroutine.row),
            id: goroutine.id(self.log),
            state: goroutine.state(self.log),
            leaked: self.log.code(goroutine.row, goroutine::LEAKED) == Some(1),
            minutes: goroutine.minutes(self.log),
            group: goroutine.group,
            created_by: goroutine.created_by(self.log),
            creator: goroutine.creator(self.log),
            frames: goroutine.frames.len(),
            labels: self.text(goroutine.row, goroutine::LABELS),
        };
        let group = |group: &Group| {
            let first = group.goroutines.first().and_then(|index| dump.goroutines.get(*index));
            GroupJson {
                count: group.goroutines.len(),
                state: first.map(|first| first.state(self.log)).unwrap_or_default(),
                frames: first.map(|first| first.functions(self.log)).unwrap_or_default(),
                longest_minutes: group.longest_minutes,
            }
        };
        DumpJson {
            cause: dump.cause.name(),
            goroutines: dump.goroutines.iter().map(goroutine).collect(),
            groups: dump.groups.iter().map(group).collect(),
        }
    }

    fn profile(&self, profile: &Profile) -> ProfileJson {
        let number = |family: Family, field: Field| {
            (profile.head.family == family).then(|| self.log.code(profile.head, field)).flatten()
        };
        let is_memstats = |row: &RowId| row.family == memstats::ALLOC_BYTES.family;
        ProfileJson {
            kind: profile.kind(self.log),
            total: number(Family::Profile, profile::TOTAL),
            records: profile.records.len(),
            in_use_bytes: number(Family::HeapProfile, heap_profile::IN_USE_BYTES)
                .map(|code| tracelog::cells::value(heap_profile::IN_USE_BYTES.def().kind, code) as u64),
            memstats: profile.numbers.iter().any(is_memstats),
        }
    }

    fn race(&self, race: &Race) -> RaceJson {
        let name = |row: &RowId| self.text(*row, tracelog::catalog::frame::FUNCTION);
        let access = |access: &blocks::Access| AccessJson {
            line: self.line_of(access.row),
            access: self.text(access.row, race::ACCESS),
            address: self.text(access.row, race::RACE_ADDR),
            goroutine: self.log.code(access.row, race::GOROUTINE),
            frames: access.frames.iter().filter_map(name).collect(),
        };
        RaceJson { accesses: race.accesses.iter().map(access).collect() }
    }
}

/// The name of a reference as Go prints it.
fn printed_name(link: &blocks::Link) -> &'static str {
    match (link.from, link.field.def().id) {
        (Node::M(_), "held_p") => "p",
        (_, id) => id,
    }
}
