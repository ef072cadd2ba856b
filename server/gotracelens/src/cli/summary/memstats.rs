//! Numbers of MemStats that a run printed several times, for people and as JSON.

use std::io::{self, Write};

use ide::summary::MemstatsSummary;
use ide::words;
use schemars::JsonSchema;
use serde::Serialize;

use super::to_json::{self, TrendJson};
use super::{row, trend};

pub(super) fn write(out: &mut impl Write, memstats: &MemstatsSummary) -> io::Result<()> {
    row(out, "MemStats", Ok(words::count(memstats.n_blocks, "time")))?;
    row(out, "heap objects", memstats.heap_objects_mb.as_ref().map(trend).map_err(|absent| *absent))?;
    row(out, "from the system", memstats.sys_mb.map(|mb| format!("{} MB", words::number(mb))))?;
    let collections = |(first, last)| format!("{} → {}", words::number(first), words::number(last));
    row(out, "collections", memstats.num_gc.map(collections))
}

/// Numbers of MemStats that were printed several times.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Memstats")]
pub(super) struct MemstatsJson {
    /// How often.
    blocks: usize,
    /// Heap objects, MB.
    heap_objects_mb: Option<TrendJson>,
    /// Obtained from the system in all the last time, MB.
    sys_mb: Option<f64>,
    /// Completed collections, the first and the last time.
    num_gc: Option<[u64; 2]>,
}

pub(super) fn json(memstats: &MemstatsSummary) -> MemstatsJson {
    MemstatsJson {
        blocks: memstats.n_blocks,
        heap_objects_mb: memstats.heap_objects_mb.clone().ok().map(to_json::trend),
        sys_mb: memstats.sys_mb.ok(),
        num_gc: memstats.num_gc.ok().map(|(first, last)| [first as u64, last as u64]),
    }
}
