//! Text profiles: kind, total and number of records against the checker's reading of their lines.

use crate::corpus::{entries, folder};
use crate::grammar::Grammar;
use crate::json::Json;
use crate::product::blocks_of;
use crate::reading::{FileReading, Wrapping};

#[derive(Debug, Clone, PartialEq)]
struct Profile {
    line: usize,
    /// As its head names it: `goroutine`, `heap`, `contention` or `mutex`.
    kind: String,
    /// Only count profiles have one.
    total: Option<i128>,
    records: usize,
}

fn read_profiles(file: &FileReading) -> Vec<Profile> {
    let mut profiles: Vec<Profile> = Vec::new();
    for (line, reading) in &file.blocks {
        let text = reading.text.as_str();
        let mut open = |kind: &str, total| {
            profiles.push(Profile { line: *line, kind: kind.to_owned(), total, records: 0 });
        };
        match reading.family {
            "profile" => {
                let (name, total) = text.split_once(" profile: total ").expect("the rule has this text");
                open(name, total.parse().ok());
            }
            "heap_profile" => open("heap", None),
            "contention_profile" if text.starts_with("---") => open(text.trim_matches(['-', ':', ' ']), None),
            "profile_record" | "heap_record" | "contention_record" => {
                profiles.last_mut().expect("records stand below a head").records += 1;
            }
            _ => {}
        }
    }
    profiles
}

fn compare(profiles: &[Profile], blocks: &[Json]) -> Vec<String> {
    let got: Vec<&Json> = blocks.iter().filter(|json| json.get("block").text() == "profile").collect();
    if got.len() != profiles.len() {
        return vec![format!("{} profiles instead of {}", got.len(), profiles.len())];
    }
    let count = |count: usize| Json::Integer(i128::try_from(count).expect("a count fits"));
    let mut differences = Vec::new();
    for (json, profile) in got.into_iter().zip(profiles) {
        let total = profile.total.map_or_else(|| json.get("total").clone(), Json::Integer);
        for (id, wanted) in [
            ("line", count(profile.line)),
            ("kind", Json::Text(profile.kind.clone())),
            ("total", total),
            ("records", count(profile.records)),
        ] {
            if json.get(id) != &wanted {
                differences.push(format!("{}: {id} {:?} instead of {wanted:?}", profile.line, json.get(id)));
            }
        }
    }
    differences
}

#[test]
fn every_profile_has_its_kind_total_and_records() {
    let folder = folder();
    let grammar = Grammar::load();
    let (mut n_profiles, mut n_records) = (0, 0);
    let mut differences = Vec::new();
    for entry in entries(&folder).iter().filter(|entry| entry.wrapping() == Wrapping::Plain) {
        let file = entry.read(&grammar, &folder);
        let profiles = read_profiles(&file);
        n_profiles += profiles.len();
        n_records += profiles.iter().map(|profile| profile.records).sum::<usize>();
        if let Some(blocks) = blocks_of(&folder.join(&entry.path)) {
            let found = compare(&profiles, &blocks);
            differences.extend(found.into_iter().map(|difference| format!("{}:{difference}", entry.path)));
        }
    }
    println!("{n_profiles} profiles, {n_records} records");
    assert!(n_profiles > 5 && n_records > 20, "only {n_profiles} profiles were read");
    assert_eq!(differences, Vec::<String>::new());
}

#[test]
fn finds_every_kind_of_difference_between_profiles() {
    let log = "goroutine profile: total 3\n2 @ 0x1\n#\t0x1\tmain.f+0x1\t/x.go:1\n\n1 @ 0x2\n\n--- mutex:\ncycles/second=1\n\
               sampling period=1\n7 1 @ 0x1\n";
    let file = crate::reading::read_file(&Grammar::load(), log.as_bytes(), Wrapping::Plain);
    let profiles = read_profiles(&file);
    let right = r#"[{"block":"profile","line":1,"end_line":5,"kind":"goroutine","total":3,"records":2},
        {"block":"profile","line":7,"end_line":10,"kind":"mutex","total":7,"records":1}]"#;
    let differences = |text: &str| {
        let json: Json = serde_json::from_str(text).expect("it is JSON");
        compare(&profiles, json.list())
    };
    assert_eq!(differences(right), Vec::<String>::new());
    for (from, to) in [
        (r#""line":7"#, r#""line":8"#),
        (r#""total":3"#, r#""total":2"#),
        (r#""records":2"#, r#""records":3"#),
        ("mutex", "contention"),
        (r#""block":"profile""#, r#""block":"dump""#),
    ] {
        assert!(!differences(&right.replacen(from, to, 1)).is_empty(), "{to} instead of {from} goes unnoticed");
    }
}
