//! Hovers over every field of a line of every family and era, as they are read.
//!
//! What the catalog says of a field in every log (its meaning, how to read it) is left out: it is reviewed there. Kept is
//! what depends on the log: the place in the run, formulas, and which notes and confusions are shown.
//! `UPDATE_EXPECT=1 cargo test -p gotracelens-tests hover_snapshots` writes the files; read what changed.

use std::fmt::Write;
use std::path::Path;

use expect_test::expect_file;
use ide::Snapshot;
use tracelog::{Family, Item, LineCol, Loc, RowId};

use crate::catalog_samples::families;
use crate::document::{hover_at, open, open_corpus};

/// Logs that together show each family in the eras in which its lines differ.
const LOGS: &[(&str, &str)] = &[
    ("gc_1_2", "runs/1.2.2/steady-gc1+sched10-p4-s228.log"),
    ("gc_1_3", "runs/1.3.3/rest5-gc1-p4.log"),
    ("gc_1_4", "runs/1.4.3/steady-gc1+sched10-p4-s648.log"),
    ("all_1_5", "runs/1.5.4/steady-gc1+sched100+detail+pacer+scav+init-all-p2-s325.log"),
    ("gc_1_8", "runs/1.8.7/heapleak-gc1+pacer-p4-s402.log"),
    ("gc_1_12", "runs/1.12.17/tightloop-gc1-p2-s995.log"),
    ("scav_1_15", "runs/1.15.15/spike_release-scav-p2-s947.log"),
    ("scav_1_19", "runs/1.19.8/spike_release-scav+gc1-p2-s430.log"),
    ("all_1_21", "runs/1.21.13/steady-gc1+sched100+detail+pacer+scav+init-all-p2-s560.log"),
    ("gc_1_24", "long/1.24.11-heapleak_slow-p2-s9746.log"),
    ("gc_1_25", "runs/1.25.5/memlimit-gc1-spiral-p4-s278.log"),
    ("gc_1_27", "runs/1.27.3/finalizers-checkfinalizers1+gc1-p2-s984.log"),
    ("gccgo", "runs/gccgo12/steady-gc1+sched100+detail+pacer+scav+init-all-p2-s170.log"),
    ("sched_1_20", "runs/1.20.6/web-sched500+detail-p2-s919.log"),
    ("sched_1_27", "runs/1.27.3/web_leak-sched1000-p2-s191.log"),
    ("detail_1_4", "runs/1.4.3/idle-sched1000+detail-p4-s589.log"),
    ("detail_1_27", "long/1.27.3-goroutine_leak-sched1500+detail-p2-s3626.log"),
    ("dump_1_1", "runs/1.1.2/goroutine_leak-gc1+sched500-sigquit-p2-s258.log"),
    ("dump_1_24", "runs/1.24.11/panic_error-plain-tball-p2-s706.log"),
    ("dump_1_27", "runs/1.27.3/profile-goroutineleak-debug2.txt"),
    ("race_1_21", "runs/1.21.13/race-plain-p4.log"),
    ("heap_1_10", "runs/1.10.8/profile-heap-debug1.txt"),
    ("mutex_1_26", "runs/1.26.6/profile-mutex-debug1.txt"),
    ("goroutines_1_22", "runs/1.22.10/profile-goroutine-debug1.txt"),
    ("alloc_1_4", "runs/1.4.3/tiny-allocfree-p1.log"),
];

#[test]
fn hovers_of_every_family_and_era_read_well() {
    for (name, file) in LOGS {
        let snapshot = open_corpus(file);
        let parsed = snapshot.parsed.as_ref().expect("it is read");
        let mut text = format!("{file}\n");
        for family in Family::ALL {
            // A line in the middle has neighbors on both sides.
            let rows = parsed.log.rows(*family);
            if let Some(row) = rows.get(rows.len() / 2) {
                line(&mut text, &snapshot, *row);
            }
        }
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("it/hovers").join(format!("{name}.txt"));
        expect_file![path].assert_eq(&text);
    }
}

/// What no log of the corpus holds, from the samples of the catalog.
#[test]
fn hovers_of_other_families_read_well() {
    let in_logs: Vec<Family> = LOGS
        .iter()
        .flat_map(|(_, file)| {
            let snapshot = open_corpus(file);
            let parsed = snapshot.parsed.clone().expect("it is read");
            Family::ALL.iter().copied().filter(move |family| parsed.log.n_rows(*family) > 0).collect::<Vec<_>>()
        })
        .collect();
    let mut text = String::from("samples of the catalog\n");
    for family in families() {
        let known = Family::by_id(&family.id).expect("the catalog is compiled in");
        if in_logs.contains(&known) {
            continue;
        }
        // The one that prints most tells most.
        let samples = family.shapes.iter().flat_map(|shape| &shape.samples);
        let sample = samples.max_by_key(|sample| sample.want.len()).expect("a family has samples");
        let snapshot = open(&sample.document());
        let parsed = snapshot.parsed.as_ref().expect("it is read");
        let is_here = |row: &RowId| parsed.log.line(*row) == sample.line();
        let row = parsed.log.rows(known).into_iter().find(is_here).expect("a sample is read");
        line(&mut text, &snapshot, row);
    }
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("it/hovers/samples.txt");
    expect_file![path].assert_eq(&text);
}

/// The hover over the keyword of a row's line, and those over its values.
fn line(text: &mut String, snapshot: &Snapshot, row: RowId) {
    let parsed = snapshot.parsed.as_ref().expect("it is read");
    let number = parsed.log.line(row);
    let items = snapshot.items(number).items;
    let Some(item) = items.iter().find(|item| item.row == Some(row)) else { return };
    let printed = snapshot.lines.line(number);
    let shown: String = String::from_utf8_lossy(&printed).trim_end().chars().take(160).collect();
    let hover = |loc: Loc| {
        let at = LineCol { line: loc.line, byte: loc.start };
        without_narration(&hover_at(snapshot, at).expect("an item has a hover").markdown)
    };
    let _ = write!(text, "\n======== {}: {shown}\n\n{}\n", item.family().def().id, keyword(item, &hover(item.loc)));
    for value in item.values.iter().filter(|value| value.loc.end > value.loc.start && value.loc.line == number) {
        let _ = writeln!(text, "\n{}", of_this_log(&hover(value.loc), value.field));
    }
}

/// A hover without the narration of the line, which has tests of its own.
fn without_narration(markdown: &str) -> String {
    let mut is_narrated = false;
    let is_kept = |line: &&str| {
        is_narrated = *line == "What happened:" || is_narrated && (line.is_empty() || line.starts_with("- "));
        !is_narrated
    };
    markdown.lines().filter(is_kept).collect::<Vec<_>>().join("\n")
}

/// The list of the line; the meaning of its family is left out.
fn keyword(item: &Item, markdown: &str) -> String {
    let meaning = item.family().def().meaning;
    let starts_with_value = !markdown.contains("printed by Go");
    let kept = markdown.lines().filter(|line| starts_with_value || !line.is_empty() && !meaning.starts_with(*line));
    let kept: Vec<&str> = kept.filter(|line| !line.starts_with("```") && !line.starts_with("*Switched")).collect();
    if starts_with_value { String::new() } else { kept.join("\n") }
}

/// Title, place and formulas, then the labels of what follows.
fn of_this_log(markdown: &str, field: tracelog::Field) -> String {
    let def = field.def();
    let texts = [def.meaning, def.reading, def.normal, def.suspect];
    let mut labels = Vec::new();
    let mut kept = Vec::new();
    for line in markdown.lines().filter(|line| !line.is_empty()) {
        let entry = line.strip_prefix("- **").and_then(|entry| entry.split_once(":** "));
        let is_note = |(_, text): &(_, &str)| entry.is_some_and(|(_, entry)| entry == *text);
        if texts.iter().any(|text| !text.is_empty() && line.ends_with(text)) {
            continue;
        } else if def.notes.iter().any(is_note) || def.confusion.iter().any(is_note) {
            labels.push(entry.map_or("?", |(label, _)| label));
        } else {
            kept.push(line);
        }
    }
    if !labels.is_empty() {
        kept.push("");
    }
    let labels = if labels.is_empty() { String::new() } else { format!("(and: {})", labels.join(", ")) };
    format!("{}{labels}", kept.join("\n"))
}
