//! ## What it looks for
//!
//! Two or more heap profiles as text (`debug=1`) of one process in which the memory in use at one site grows each time: by
//! 4 MB or more, by 20 % or more, and by more than three times what sampling alone can be wrong by. Info with two
//! profiles; Warning with three or more where the last step is no smaller than half of the average one.
//!
//! ## Why it matters
//!
//! A heap profile shows what is large, not what grows: a cache that was full on the first day stands above the leak. The
//! difference between profiles names the site that took more and gave nothing back.
//!
//! ## What to do next
//!
//! Look who keeps what the site made: a map that nothing is deleted from, a slice of a large array, a list of callbacks.
//! Take one more profile after the load has fallen. The tool of Go compares binary profiles by whole stacks.
//!
//! ```sh
//! # two heap profiles five minutes apart, compared
//! curl -so h1.pb.gz http://HOST/debug/pprof/heap; sleep 300; curl -so h2.pb.gz http://HOST/debug/pprof/heap; go tool pprof -sample_index=inuse_space -diff_base h1.pb.gz -top h2.pb.gz
//! ```
//!
//! ## Limits
//!
//! A site is the innermost function outside the runtime. Heap profiles are samples, one in 512 KB by default; the numbers
//! are scaled up by the rate in the head, as Go's own tool does it, and a site of 10 MB is known to within 2 MB or so.
//! A cache that fills looks alike as long as it fills. Profiles whose total of allocated bytes falls are of different
//! processes and not compared. Both `heap` and `allocs` print this text. At most three sites are reported.
//!
//! ## Example
//!
//! ```text
//! heap profile: 26: 48400 [417: 1076184] @ heap/1048576
//! 2: 16384 [26: 212992] @ 0x5569e01717f0 0x5569e01717f0 0x5569e0177d84
//! #    0x5569dfeb6a06    main.serve+0xb2            /home/dev/tracewl/heap.go:68
//! ```

use std::collections::HashMap;

use tracelog::Family;
use tracelog::blocks::{Block, Profile};
use tracelog::catalog::{heap_profile, heap_record, memstats};

use super::evidence::{Bound, Confidence, Test};
use super::goroutines::{Frame, Stack};
use super::{BlocksView, Check, Finding, Findings, Kind, Limit, Limits, Place, Related, Rule, Severity, limit};
use crate::blocks::{is_of_program, unsampled_bytes};
use crate::words::{self, percent, rough};

/// GC109.
pub(crate) static RULE: Rule = Rule {
    code: "GC109",
    slug: "heap-site-growth",
    title: "Memory in use at one site grows from heap profile to heap profile",
    severity: Severity::Warning,
    kind: Kind::Trend,
    reads: &[heap_record::IN_USE_BYTES, heap_record::IN_USE_OBJECTS, heap_profile::ALLOCATED_BYTES],
    limits: LIMITS,
    check: Check::Blocks(check),
};

const LIMITS: &[Limit] = &[
    limit("min_gain_mb", 4.0, "MB", "By how much a site must grow in all."),
    limit("min_gain_share", 0.2, "of the first size", "By which share it must grow in all."),
    limit("min_errors", 3.0, "times", "How many times the error of sampling the gain must be."),
    limit("warning_profiles", 3.0, "profiles", "Fewest profiles for a warning."),
    limit("last_step", 0.5, "of the average step", "How large the last step must be for a warning."),
    limit("max_findings", 3.0, "sites", "How many sites of one process are reported."),
];

/// Bytes in a megabyte.
const MB: f64 = 1_048_576.0;

/// Sizes that a message shows one by one.
const MAX_SHOWN: usize = 6;

/// What a heap profile says about its sites.
struct Heap {
    line: u32,
    /// Allocated since the program began, as sampled, bytes.
    allocated: f64,
    /// When the last collection before it ended, s, where that is printed.
    at_s: Option<f64>,
    /// Average distance of samples, bytes.
    rate: f64,
    sites: HashMap<String, Site>,
}

/// What is in use at a site.
struct Site {
    bytes: f64,
    /// Of the largest record.
    largest: f64,
    place: Place,
    frame: Frame,
    /// The first function outside the standard library above it, if that is another.
    caller: Option<String>,
}

fn check(view: &BlocksView, limits: &Limits, findings: &mut Findings) {
    let mut series: Vec<(usize, Vec<Heap>)> = Vec::new();
    for block in &view.blocks.list {
        let Block::Profile(profile) = block else { continue };
        if profile.head.family != Family::HeapProfile {
            continue;
        }
        let Some(heap) = heap(view, profile) else { continue };
        match series.iter_mut().rfind(|(run, _)| *run == profile.run) {
            // The same moment twice, as `heap` and as `allocs`.
            Some((_, heaps)) if heaps.last().is_some_and(|last| last.allocated == heap.allocated) => {}
            Some((_, heaps)) if heaps.last().is_some_and(|last| last.allocated < heap.allocated) => heaps.push(heap),
            // What was allocated since the beginning never falls: this is another process.
            _ => series.push((profile.run, vec![heap])),
        }
    }
    for (run, heaps) in &series {
        compare(*run, heaps, limits, findings);
    }
}

fn heap(view: &BlocksView, profile: &Profile) -> Option<Heap> {
    let log = view.log;
    let rate = log.value(profile.head, heap_profile::DOUBLE_RATE_BYTES)? / 2.0;
    let allocated = log.value(profile.head, heap_profile::ALLOCATED_BYTES)?;
    let is_time = |row: &&tracelog::RowId| row.family == memstats::LAST_GC_UNIX_NS.family;
    let at_ns = profile.numbers.iter().filter(is_time).find_map(|row| log.value(*row, memstats::LAST_GC_UNIX_NS));
    let mut sites: HashMap<String, Site> = HashMap::new();
    let mut in_use = 0.0;
    for record in profile.records.iter().filter(|record| record.row.family == Family::HeapRecord) {
        let (Some(objects), Some(sampled)) =
            (log.value(record.row, heap_record::IN_USE_OBJECTS), log.value(record.row, heap_record::IN_USE_BYTES))
        else {
            continue;
        };
        in_use += sampled;
        let stack = Stack::of_record(view, record);
        let Some(frame) = stack.own().cloned() else { continue };
        let bytes = unsampled_bytes(objects, sampled, rate);
        let place = Place { line: log.line(record.row), field: Some(heap_record::IN_USE_BYTES) };
        let caller = stack.frames.iter().find(|frame| is_of_program(&frame.function)).map(Frame::short);
        let caller = caller.filter(|caller| *caller != frame.short());
        let site =
            sites.entry(frame.function.clone()).or_insert(Site { bytes: 0.0, largest: -1.0, place, frame, caller });
        site.bytes += bytes;
        if bytes > site.largest {
            (site.largest, site.place) = (bytes, place);
        }
    }
    // A profile that was cut shows less than its head counts, and would make the next one look like growth.
    let counted = log.value(profile.head, heap_profile::IN_USE_BYTES)?;
    (in_use >= counted * 0.99).then_some(Heap {
        line: profile.lines.0,
        allocated,
        at_s: at_ns.filter(|at_ns| *at_ns > 0.0).map(|at_ns| at_ns / 1e9),
        rate,
        sites,
    })
}

fn compare(run: usize, heaps: &[Heap], limits: &Limits, findings: &mut Findings) {
    let Some(last) = heaps.last() else { return };
    let mut grown: Vec<(f64, Finding)> = Vec::new();
    let mut nearest: Option<(f64, Test)> = None;
    for (name, site) in &last.sites {
        let sizes: Vec<f64> =
            heaps.iter().map(|heap| heap.sites.get(name).map_or(0.0, |site| site.bytes / MB)).collect();
        let gain = sizes[sizes.len() - 1] - sizes[0];
        let test = test(&sizes, last.rate, limits);
        if test.holds() {
            grown.push((gain, finding(run, name, site, heaps, &sizes, test, limits)));
        } else if nearest.as_ref().is_none_or(|(most, _)| gain > *most) {
            nearest = Some((gain, test));
        }
    }
    if let Some((_, test)) = nearest.filter(|_| grown.is_empty()) {
        findings.declined(&RULE, Some(run), test);
    }
    grown.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.place.line.cmp(&b.1.place.line)));
    let max = limits.get("max_findings").max(0.0) as usize;
    grown.into_iter().take(max).for_each(|(_, finding)| findings.push(finding));
}

fn test(sizes: &[f64], rate: f64, limits: &Limits) -> Test {
    let (first, last) = (sizes[0], sizes[sizes.len() - 1]);
    let gain = last - first;
    // Samples come one in `rate` bytes, so n bytes are known to within √(n · rate).
    let error = ((first + last) * rate / MB).sqrt();
    let mut test = Test::default();
    if !test.data("heap profiles of one process", sizes.len() as f64, 2.0, "") {
        return test;
    }
    test.fact("more in each profile", sizes.windows(2).all(|pair| pair[0] < pair[1]));
    test.value("gain", gain, Bound::AtLeast(limits.get("min_gain_mb")), "MB");
    test.value("gain, times the first size", gain / first.max(1e-9), Bound::AtLeast(limits.get("min_gain_share")), "");
    test.value(
        "gain, times the error of sampling",
        gain / error.max(1e-9),
        Bound::AtLeast(limits.get("min_errors")),
        "",
    );
    test
}

fn finding(run: usize, name: &str, site: &Site, heaps: &[Heap], sizes: &[f64], test: Test, limits: &Limits) -> Finding {
    let n = sizes.len();
    let gain = sizes[n - 1] - sizes[0];
    let step = gain / (n - 1) as f64;
    let goes_on = sizes[n - 1] - sizes[n - 2] >= step * limits.get("last_step");
    let is_warning = n as f64 >= limits.get("warning_profiles") && goes_on;
    let span_s = heaps[0].at_s.zip(heaps[n - 1].at_s).map(|(first, last)| last - first).filter(|span| *span >= 1.0);
    let over = span_s.map_or_else(String::new, |span| format!(" over {}", words::rough_span(span)));
    let caller = site.caller.as_deref().map_or_else(String::new, |caller| format!(", called from {caller}"));
    let how_much = if sizes[0] > 0.0 { format!(" (+{})", percent(gain / sizes[0])) } else { String::new() };
    let first_place = heaps[0].sites.get(name).map_or(Place { line: heaps[0].line, field: None }, |site| site.place);
    let mut numbers = vec![("first_mb", sizes[0]), ("last_mb", sizes[n - 1]), ("profiles", n as f64)];
    numbers.extend(span_s.map(|span| ("mb_per_h", gain / span * 3600.0)));
    Finding {
        severity: if is_warning { Severity::Warning } else { Severity::Info },
        run: Some(run),
        place: site.place,
        message: format!(
            "{} MB in use at {}{caller}, in {n} heap profiles{over}{how_much}.",
            shown(sizes),
            site.frame.in_words()
        ),
        related: vec![Related { place: first_place, text: format!("first: {} MB", rough(sizes[0])) }],
        count: n,
        numbers,
        confidence: Some(if is_warning { Confidence::Strong } else { Confidence::Moderate }),
        test,
        ..Finding::about(&RULE)
    }
}

/// `12 → 40 → 97`; of many the first and the last ones.
fn shown(sizes: &[f64]) -> String {
    let words = |sizes: &[f64]| sizes.iter().map(|size| rough(*size)).collect::<Vec<_>>().join(" → ");
    if sizes.len() <= MAX_SHOWN {
        return words(sizes);
    }
    let half = MAX_SHOWN / 2;
    format!("{} → … → {}", words(&sizes[..half]), words(&sizes[sizes.len() - half..]))
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;
    use crate::rules::fixture::{check, findings_in_text, why_not_in_text};

    /// A heap profile: objects of 1 MB each by site, so that each is sampled nearly always.
    fn heap(allocated_mb: u64, sites: &[(&str, u64)]) -> String {
        let mb: u64 = sites.iter().map(|(_, mb)| mb).sum();
        let allocated = format!("{allocated_mb}: {}", allocated_mb << 20);
        let mut text = format!("heap profile: {mb}: {} [{allocated}] @ heap/1048576\n", mb << 20);
        for (function, mb) in sites {
            text += &format!("{mb}: {} [{allocated}] @ 0x46a881 0x46a882 0x46a883\n", mb << 20);
            text += &format!(
                "#\t0x46a881\tbytes.growSlice+0x36\t/go/bytes/buffer.go:7\n#\t0x46a882\t{function}+0x1\t/src/a.go:12\n\n"
            );
        }
        text
    }

    fn named(allocated_mb: u64, sites: &[(&str, u64)]) -> String {
        heap(allocated_mb, sites).replace("#\t0x46a881\tbytes.growSlice+0x36\t/go/bytes/buffer.go:7\n", "")
    }

    #[test]
    fn the_site_that_grows_is_named_and_the_large_one_is_not() {
        let log = named(500, &[("main.(*table).load", 300), ("main.(*cache).add", 20)])
            + &named(700, &[("main.(*table).load", 300), ("main.(*cache).add", 40)])
            + &named(900, &[("main.(*table).load", 300), ("main.(*cache).add", 62)]);
        check(
            &RULE,
            &log,
            expect![[r#"
                19:in_use_bytes Warning GC109: 23 → 46 → 72 MB in use at main.(*cache).add (/src/a.go:12), in 3 heap profiles (+210 %).
                  5:in_use_bytes first: 23 MB
            "#]],
        );
    }

    #[test]
    fn a_site_of_the_standard_library_is_named_with_who_calls_it() {
        let found = findings_in_text(
            &RULE,
            &(heap(500, &[("example.org/app.Read", 20)]) + &heap(900, &[("example.org/app.Read", 60)])),
        );
        assert!(found.contains("Info GC109: 23 → 69 MB in use at bytes.growSlice (/go/bytes/buffer.go:7), called from example.org/app.Read, in 2 heap profiles"), "{found}");
    }

    #[test]
    fn silent_just_below_and_where_it_falls_once() {
        let logs = |sizes: &[u64]| -> String {
            sizes.iter().zip(1..).map(|(mb, at)| named(1000 * at, &[("main.(*cache).add", *mb)])).collect()
        };
        assert_eq!(findings_in_text(&RULE, &logs(&[2, 5])), "");
        assert_eq!(findings_in_text(&RULE, &logs(&[100, 119])), "");
        // More than a fifth and more than 4 MB, but sampling alone can do that.
        assert_eq!(findings_in_text(&RULE, &logs(&[20, 26])), "");
        assert_ne!(findings_in_text(&RULE, &logs(&[20, 40])), "");
        assert_eq!(findings_in_text(&RULE, &logs(&[20, 80, 60, 90])), "");
        assert_eq!(findings_in_text(&RULE, &logs(&[20])), "");
        // A cache that is about full.
        assert!(findings_in_text(&RULE, &logs(&[20, 60, 80, 83])).contains("Info GC109"));
    }

    #[test]
    fn says_why_not() {
        let one = why_not_in_text(&RULE, &named(900, &[("main.(*cache).add", 20)]));
        assert_eq!(one, "✗ heap profiles of one process: 1 (≥ 2 needed)\n");
    }

    #[test]
    fn another_process_is_not_compared() {
        let log = named(900, &[("main.(*cache).add", 20)]) + &named(100, &[("main.(*cache).add", 60)]);
        assert_eq!(findings_in_text(&RULE, &log), "");
    }

    #[test]
    fn heap_and_allocs_of_one_moment_are_one_profile() {
        let first = named(500, &[("main.(*cache).add", 20)]);
        let last = named(900, &[("main.(*cache).add", 60)]);
        let found = findings_in_text(&RULE, &(first.clone() + &first + &last + &last));
        assert!(found.contains("in 2 heap profiles"), "{found}");
    }

    #[test]
    fn a_profile_that_was_cut_is_left_out() {
        let whole = named(500, &[("main.(*table).load", 300), ("main.(*cache).add", 20)]);
        let cut: String = whole.lines().take(3).map(|line| format!("{line}\n")).collect();
        let last = named(900, &[("main.(*table).load", 300), ("main.(*cache).add", 60)]);
        assert_eq!(findings_in_text(&RULE, &(cut + "\n" + &last)), "");
    }
}
