//! What a text profile says: how much in all, and the functions that most of it is in.

use std::collections::BTreeMap;

use tracelog::blocks::{Profile, Record};
use tracelog::catalog::{
    contention_record, heap_profile, heap_record, memstats, profile, profile_frame, profile_record,
};
use tracelog::{Field, Log, RowId};

use super::{MAX_FUNCTION, is_of_program, is_own};
use crate::markup;
use crate::words;

/// Functions that a title names.
const MAX_SITES: usize = 2;

/// Bytes in a megabyte.
const MB: f64 = 1_048_576.0;

/// What a profile says, the most telling first.
pub(super) fn parts(log: &Log, profile: &Profile) -> Vec<String> {
    let mut parts = vec![format!("{} profile", markup::plain(&profile.kind(log)))];
    match profile.head.family {
        family if family == profile::TOTAL.family => {
            let is_of_leaks = profile.kind(log) == "goroutineleak";
            parts.extend(log.code(profile.head, profile::TOTAL).map(|total| match total {
                // Not an empty profile but the answer of a check.
                0 if is_of_leaks => "checked: no goroutine is leaked".to_owned(),
                _ => format!("total {total}"),
            }));
        }
        family if family == heap_profile::IN_USE_BYTES.family => parts.extend(heap(log, profile)),
        family if family == memstats::HEAP_ALLOC_BYTES.family => return statistics(log, profile),
        family if family == profile_record::COUNT.family => {
            parts[0] = "records of a profile without its head".to_owned();
            parts.push(format!("{} shown", words::grouped(shown(log, profile, profile_record::COUNT) as usize)));
        }
        _ => parts.extend(contention(log, profile)),
    }
    parts.extend(sites(log, profile));
    let stacks = words::count(profile.records.len(), "stack");
    parts.push(if is_cut(log, profile) { format!("{stacks} shown") } else { stacks });
    parts
}

/// In use against allocated, as far as the samples tell; what the heap really holds is a number of MemStats.
fn heap(log: &Log, profile: &Profile) -> Vec<String> {
    // The samples of a profile that was cut stand for too little: its head counts them all.
    let is_whole = !is_cut(log, profile);
    let megabytes = |head, weight| {
        let bytes = if is_whole { shown(log, profile, weight) } else { log.value(profile.head, head)? };
        Some(words::number(bytes / MB))
    };
    let in_use = megabytes(heap_profile::IN_USE_BYTES, heap_record::IN_USE_BYTES);
    let allocated = megabytes(heap_profile::ALLOCATED_BYTES, heap_record::ALLOCATED_BYTES);
    let how = if is_whole { "by its samples" } else { "as sampled" };
    let mut parts = Vec::new();
    match (in_use, allocated) {
        (Some(in_use), Some(allocated)) => {
            parts.push(format!("{in_use} MB in use of {allocated} MB allocated, {how}"));
        }
        (Some(in_use), None) => parts.push(format!("{in_use} MB in use, {how}")),
        _ => {}
    }
    let is_heap = |row: &&RowId| row.family == memstats::HEAP_ALLOC_BYTES.family;
    let heap = profile.numbers.iter().filter(is_heap).find_map(|row| log.value(*row, memstats::HEAP_ALLOC_BYTES));
    parts.extend(heap.map(|bytes| format!("heap {} MB", words::number(bytes / MB))));
    parts
}

/// Numbers of MemStats that stand alone.
fn statistics(log: &Log, profile: &Profile) -> Vec<String> {
    let rows = || [profile.head].into_iter().chain(profile.numbers.iter().copied());
    let rows = || rows().filter(|row| row.family == memstats::HEAP_ALLOC_BYTES.family);
    let value = |field: Field| rows().find_map(|row| log.value(row, field));
    let megabytes = |field: Field| value(field).map(|bytes| format!("{} MB", words::number(bytes / MB)));
    // Without a goal, with GOGC=off, it is the largest number there is.
    let goal = value(memstats::NEXT_GC_BYTES).filter(|bytes| *bytes < NO_GOAL);
    let parts = [
        megabytes(memstats::HEAP_ALLOC_BYTES)
            .or_else(|| megabytes(memstats::ALLOC_BYTES))
            .map(|it| format!("heap {it}")),
        goal.map(|bytes| format!("next collection at {} MB", words::number(bytes / MB))),
        megabytes(memstats::SYS_BYTES).map(|it| format!("{it} from the system")),
        value(memstats::NUM_GC).map(|n| words::count(n as usize, "collection")),
    ];
    [Some("MemStats".to_owned())].into_iter().chain(parts).flatten().collect()
}

/// From here on a goal is none: 2^62 bytes.
const NO_GOAL: f64 = 4_611_686_018_427_387_904.0;

/// How often goroutines waited.
fn contention(log: &Log, profile: &Profile) -> Option<String> {
    let counts = profile.records.iter().filter_map(|record| log.code(record.row, contention_record::COUNT));
    let total: u64 = counts.sum();
    (total > 0).then(|| words::count(total as usize, "wait"))
}

/// What all records say together, by the head: a profile is often shown without its smaller records.
fn printed_total(log: &Log, profile: &Profile, weight: Field) -> Option<f64> {
    let field = match weight {
        profile_record::COUNT if profile.head.family == profile::TOTAL.family => profile::TOTAL,
        heap_record::IN_USE_BYTES => heap_profile::IN_USE_BYTES,
        heap_record::ALLOCATED_BYTES => heap_profile::ALLOCATED_BYTES,
        _ => return None,
    };
    log.value(profile.head, field)
}

/// What the records say that are in the log, together.
fn printed(log: &Log, profile: &Profile, weight: Field) -> f64 {
    profile.records.iter().filter_map(|record| log.value(record.row, weight)).filter(|value| *value > 0.0).sum()
}

/// What the records weigh that are in the log.
fn shown(log: &Log, profile: &Profile, weight: Field) -> f64 {
    profile.records.iter().filter_map(|record| weighed(log, profile, record, weight)).sum()
}

/// Whether the head counts more than the records that are in the log.
fn is_cut(log: &Log, profile: &Profile) -> bool {
    let lacks = |weight| printed_total(log, profile, weight).is_some_and(|total| total > printed(log, profile, weight));
    weight(log, profile).is_some_and(lacks)
}

/// What a record weighs, if anything: of a heap profile what its samples stand for, so that a site of many small objects
/// does not seem less than one large object.
fn weighed(log: &Log, profile: &Profile, record: &Record, weight: Field) -> Option<f64> {
    let value = log.value(record.row, weight).filter(|value| *value > 0.0)?;
    let objects = match weight {
        heap_record::IN_USE_BYTES => heap_record::IN_USE_OBJECTS,
        heap_record::ALLOCATED_BYTES => heap_record::ALLOCATED_OBJECTS,
        _ => return Some(value),
    };
    let rate = log.value(profile.head, heap_profile::DOUBLE_RATE_BYTES).map_or(1.0, |double| double / 2.0);
    Some(unsampled_bytes(log.value(record.row, objects).unwrap_or(0.0), value, rate))
}

/// What a sampled record stands for, bytes: an object of size s is sampled with probability 1 − e^(−s/rate)
/// (`scaleHeapSample` in `runtime/pprof/protomem.go`, Go 1.27).
pub(crate) fn unsampled_bytes(objects: f64, bytes: f64, rate: f64) -> f64 {
    if objects <= 0.0 || bytes <= 0.0 || rate <= 1.0 {
        return bytes.max(0.0);
    }
    bytes / (1.0 - (-bytes / objects / rate).exp())
}

/// The functions of the program that most is in, each with its share of all that the head counts.
fn sites(log: &Log, profile: &Profile) -> Vec<String> {
    let Some(field) = weight(log, profile) else { return Vec::new() };
    let mut by_site: BTreeMap<String, f64> = BTreeMap::new();
    // What was left out is taken to be sampled as what is shown.
    let left_out = printed_total(log, profile, field).unwrap_or_default() / printed(log, profile, field);
    let total = shown(log, profile, field) * left_out.max(1.0);
    for record in &profile.records {
        let Some(value) = weighed(log, profile, record, field) else { continue };
        if let Some(site) = site(log, record) {
            *by_site.entry(site).or_default() += value;
        }
    }
    let mut sites: Vec<(String, f64)> = by_site.into_iter().collect();
    sites.sort_by(|a, b| b.1.total_cmp(&a.1));
    let name = |site: &str| words::shorten(&markup::plain(site), MAX_FUNCTION);
    sites.iter().take(MAX_SITES).map(|(site, n)| format!("{} {}", words::percent(n / total), name(site))).collect()
}

/// What the records of a profile are weighed by: bytes in use where any are, cycles waited, goroutines or threads.
fn weight(log: &Log, profile: &Profile) -> Option<Field> {
    let first = profile.records.first()?.row.family;
    let fields =
        [heap_record::IN_USE_BYTES, heap_record::ALLOCATED_BYTES, contention_record::CYCLES, profile_record::COUNT];
    let is_used = |field: &&Field| profile.records.iter().any(|record| log.value(record.row, **field) > Some(0.0));
    fields.iter().filter(|field| field.family == first).find(is_used).copied()
}

/// The line of the largest record.
pub(crate) fn largest_record(log: &Log, profile: &Profile) -> Option<u32> {
    let field = weight(log, profile)?;
    let value = |record: &&Record| weighed(log, profile, record, field).unwrap_or(0.0);
    let largest = profile.records.iter().max_by(|a, b| value(a).total_cmp(&value(b)))?;
    Some(log.line(largest.row))
}

/// The innermost function of a module; where there is none, the innermost that is neither of the runtime nor of what
/// programs wait with.
fn site(log: &Log, record: &Record) -> Option<String> {
    let functions = || record.frames.iter().filter_map(|row| log.text(*row, profile_frame::FUNCTION));
    let of_module = functions().find(|function| is_of_program(function));
    let own = || functions().find(|function| is_own(function));
    of_module.or_else(own).or_else(|| functions().next()).map(|function| function.into_owned())
}

#[cfg(test)]
mod tests {
    use tracelog::{Blocks, Runs};

    use super::*;

    fn title(text: &str) -> String {
        let log = Log::read(text.as_bytes());
        super::super::title(&log, &Blocks::of(&log, &Runs::of(&log)).list[0])
    }

    #[test]
    fn shares_are_of_what_the_head_counts_where_records_were_left_out() {
        let text = "\
goroutine profile: total 200
150 @ 0x4379d0 0x43276a
#\t0x54aa4e\tnet.(*netFD).Read+0x4e\t/usr/local/go/src/net/fd_unix.go:202
#\t0x97a90b\texample.org/ping.wait.func1+0x7b\t/src/ping/ping.go:36
";
        assert_eq!(title(text), "goroutine profile · total 200 · 75 % example.org/ping.wait.func1 · 1 stack shown");
        let headless = text.split_once('\n').unwrap().1;
        let want = "records of a profile without its head · 150 shown · 100 % example.org/ping.wait.func1 · 1 stack";
        assert_eq!(title(headless), want);
        let whole = text.replace("total 200", "total 150");
        assert_eq!(title(&whole), "goroutine profile · total 150 · 100 % example.org/ping.wait.func1 · 1 stack");
    }

    /// Recorded with Go 1.22.10 and shortened: 20 MB in rows of 0.4 to 0.7 KB, and the slice that holds them.
    const HEAP: &str = "\
heap profile: 31: 281376 [31: 281376] @ heap/1048576
1: 262144 [1: 262144] @ 0x694765 0x699f6c 0x69ab1f 0x43c25d 0x46ee21
#\t0x694764\tmain.fill+0x44\t\tblind/main.go:69

12: 8448 [12: 8448] @ 0x694825 0x694783 0x699f6c 0x69ab1f 0x43c25d 0x46ee21
#\t0x694824\tmain.newRow+0x104\tblind/main.go:63

9: 5184 [9: 5184] @ 0x694825 0x694783 0x699f6c 0x69ab1f 0x43c25d 0x46ee21
#\t0x694824\tmain.newRow+0x104\tblind/main.go:63

8: 5120 [8: 5120] @ 0x694825 0x694783 0x699f6c 0x69ab1f 0x43c25d 0x46ee21
#\t0x694824\tmain.newRow+0x104\tblind/main.go:63

1: 480 [1: 480] @ 0x694825 0x694783 0x699f6c 0x69ab1f 0x43c25d 0x46ee21
#\t0x694824\tmain.newRow+0x104\tblind/main.go:63
";

    #[test]
    fn a_site_of_small_objects_weighs_what_its_samples_stand_for() {
        assert_eq!(
            title(HEAP),
            "heap profile · 15.6 MB in use of 15.6 MB allocated, by its samples · 96 % main.newRow · 4.1 % main.fill · 5 stacks"
        );
        let every_one = HEAP.replace("heap/1048576", "heap/2");
        assert!(title(&every_one).contains("0.268 MB in use"), "{}", title(&every_one));
        assert!(title(&every_one).contains("93 % main.fill"), "{}", title(&every_one));
        let cut = HEAP.replace("31: 281376", "62: 562752");
        assert!(
            title(&cut).contains("0.537 MB in use of 0.537 MB allocated, as sampled · 48 % main.newRow"),
            "{}",
            title(&cut)
        );
    }

    #[test]
    fn samples_stand_for_more_than_they_count() {
        // One in 512 KB: objects of 1 KB are sampled one in 512 times.
        assert!((unsampled_bytes(1.0, 1024.0, 524_288.0) - 524_800.0).abs() < 1.0);
        assert!((unsampled_bytes(1.0, 100.0 * MB, 524_288.0) - 100.0 * MB).abs() < 1.0);
        assert_eq!(unsampled_bytes(0.0, 0.0, 524_288.0), 0.0);
    }
}
