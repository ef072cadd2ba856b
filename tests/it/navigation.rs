//! Navigation on recorded logs: every number of a P, a thread or a goroutine leads to the line that an independent
//! reading of the file expects, or is explained.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, LazyLock};

use ide::{Declarations, Resolution, Snapshot};
use regex::Regex;
use tracelog::{LineCol, Log, Text};

use crate::corpus::{Entry, entries, folder};
use crate::dumps::read_dumps;
use crate::grammar::Grammar;
use crate::reading::Wrapping;
use crate::scheddetail::{Block, read_blocks};

fn text_of(entry: &Entry) -> String {
    let path = folder().join(&entry.path);
    let bytes = std::fs::read(&path).unwrap_or_else(|error| panic!("read {}: {error}", path.display()));
    String::from_utf8_lossy(&bytes).into_owned()
}

fn snapshot(entry: &Entry) -> Snapshot {
    let text = text_of(entry);
    Snapshot::new(Arc::new(Text::new(&text)), Log::read(text.as_bytes()), Arc::default())
}

/// Files as they were written, without a collector around them, that hold a text.
fn plain_entries(text: &str) -> Vec<Entry> {
    let plain = entries(&folder()).into_iter().filter(|entry| entry.wrapping() == Wrapping::Plain);
    plain.filter(|entry| text_of(entry).contains(text)).collect()
}

/// The first number of a release or compiler in the path of a file: `1.22`, `gccgo`.
fn era(path: &str) -> String {
    let name = path.split('/').nth(1).unwrap_or_default();
    if name.starts_with("gccgo") {
        return "gccgo".to_owned();
    }
    name.split('.').take(2).collect::<Vec<_>>().join(".")
}

static NOTHING: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r" (?:m|p|curg|lockedg|lockedm)=(?:-1|nil)\b").expect("a constant expression"));

/// Byte of a field in a line of scheddetail. A wait reason is free text, so the search begins behind it.
fn field_at(text: &str, field: &str) -> Option<usize> {
    let from = text.rfind(") ").filter(|_| text.starts_with("  G")).unwrap_or(0);
    let name = format!(" {field}=");
    let colon = format!(": {field}=");
    let at = text[from..].find(&name).map(|at| at + 1).or_else(|| text[from..].find(&colon).map(|at| at + 2))?;
    Some(from + at)
}

fn place(line: usize, byte: usize) -> LineCol {
    LineCol { line: line as u32 - 1, byte: byte as u32 }
}

#[derive(Debug, Default)]
struct Counts {
    here: usize,
    unlisted: usize,
    nothing: usize,
    elsewhere: usize,
}

#[test]
fn every_reference_of_every_scheddetail_block_resolves_or_is_explained() {
    let grammar = Grammar::load();
    let mut counts: BTreeMap<String, Counts> = BTreeMap::new();
    for entry in plain_entries("\n  G") {
        let file = entry.read(&grammar, &folder());
        let blocks = read_blocks(&file);
        if blocks.is_empty() {
            continue;
        }
        let snapshot = snapshot(&entry);
        let counts = counts.entry(era(&entry.path)).or_default();
        for block in &blocks {
            check_block(&entry.path, &snapshot, &file.texts, block, counts);
        }
    }
    println!("{counts:#?}");
    for era in ["1.2", "1.5", "1.20", "1.22", "1.25", "1.27", "gccgo"] {
        let counts = counts.get(era).unwrap_or_else(|| panic!("no scheddetail of {era}"));
        // The one recording of 1.20 shows an idle server.
        assert!(counts.here >= 2 && counts.nothing > 20, "{era}: {counts:?}");
    }
    let elsewhere: usize = counts.values().map(|counts| counts.elsewhere).sum();
    let here: usize = counts.values().map(|counts| counts.here).sum();
    assert!(
        here > 1000 && elsewhere * 1000 < here,
        "{elsewhere} of {here} references stand on other lines than they begin on"
    );
}

fn check_block(path: &str, snapshot: &Snapshot, texts: &[String], block: &Block, counts: &mut Counts) {
    for (index, link) in block.links.iter().enumerate() {
        let text = &texts[link.line - 1];
        let Some(byte) = field_at(text, &link.field) else {
            // The line was torn before the field.
            counts.elsewhere += 1;
            continue;
        };
        let what = format!("{path}:{}: {} of {} to {}", link.line, link.field, link.from, link.to);
        let end = text[byte..].find(' ').map_or(text.len(), |length| byte + length);
        // At the number; for some also at the name and behind it.
        let places = [byte + link.field.len() + 1, byte, end];
        for byte in places.into_iter().take(if index % 5 == 0 { 3 } else { 1 }) {
            let resolved = ide::resolve(snapshot, place(link.line, byte)).unwrap_or_else(|| panic!("{what}: nothing"));
            assert_eq!(resolved.origin.line as usize + 1, link.line, "{what}");
            match resolved.resolution {
                Resolution::Here(target) => {
                    let line = target.loc.line as usize + 1;
                    assert!(link.resolves, "{what} leads to line {line}, which the block does not have");
                    assert!((block.line..=block.end_line).contains(&line), "{what} leads out of its block to {line}");
                    assert!(texts[line - 1].starts_with(&format!("  {}:", link.to)), "{what}: {:?}", texts[line - 1]);
                    let named = &texts[line - 1][target.loc.start as usize..target.loc.end as usize];
                    assert_eq!(named, link.to, "{what}");
                }
                Resolution::Unlisted(words) => {
                    assert!(!link.resolves, "{what} is not found: {words}");
                    assert!(words.starts_with(&format!("{} ", link.to)), "{what}: {words}");
                }
                Resolution::Nothing(words) => panic!("{what} is no nothing: {words}"),
            }
        }
        if link.resolves {
            counts.here += 1;
        } else {
            counts.unlisted += 1;
        }
    }
    for line in block.line..=block.end_line {
        let text = &texts[line - 1];
        if !["  P", "  M", "  G"].iter().any(|start| text.starts_with(start)) {
            continue;
        }
        let from = text.rfind(") ").filter(|_| text.starts_with("  G")).unwrap_or(0);
        for found in NOTHING.find_iter(&text[from..]) {
            let resolved = ide::resolve(snapshot, place(line, from + found.start() + 1));
            let resolution = resolved.map(|resolved| resolved.resolution);
            assert!(matches!(resolution, Some(Resolution::Nothing(_))), "{path}:{line}: {text}: {resolution:?}");
            counts.nothing += 1;
        }
    }
}

/// Lines of a file that name a thing in scheddetail.
fn named_on(blocks: &[Block], texts: &[String], name: &str) -> BTreeSet<usize> {
    let own = blocks.iter().flat_map(|block| block.line..=block.end_line);
    let own = own.filter(|line| texts[line - 1].starts_with(&format!("  {name}:")));
    let links = blocks.iter().flat_map(|block| &block.links).filter(|link| link.to == name).map(|link| link.line);
    own.chain(links).collect()
}

#[test]
fn references_are_all_lines_that_name_a_thing_and_each_leads_back() {
    let grammar = Grammar::load();
    let (mut n_names, mut n_references) = (0, 0);
    for entry in plain_entries("\n  G") {
        let file = entry.read(&grammar, &folder());
        let blocks = read_blocks(&file);
        let Some(last) = blocks.last() else { continue };
        let snapshot = snapshot(&entry);
        let parsed = snapshot.parsed.clone().expect("the file is read");
        if parsed.runs.list.len() != 1 {
            continue;
        }
        let names: BTreeSet<&str> =
            last.links.iter().filter(|link| link.resolves).map(|link| link.to.as_str()).collect();
        for name in names.into_iter().take(8) {
            let link = last.links.iter().find(|link| link.to == name && link.resolves).expect("it was just there");
            let Some(byte) = field_at(&file.texts[link.line - 1], &link.field) else { continue };
            let at = place(link.line, byte);
            let all = ide::references(&snapshot, at, Declarations::Included).expect("a thing has references");
            let of_blocks = |line: &usize| blocks.iter().any(|block| (block.line..=block.end_line).contains(line));
            let is_sched = |line: &usize| of_blocks(line) && file.texts[line - 1].starts_with("  ");
            let lines: BTreeSet<usize> =
                all.iter().map(|loc| loc.line as usize + 1).filter(|line| is_sched(line)).collect();
            assert_eq!(lines, named_on(&blocks, &file.texts, name), "{}: {name}", entry.path);
            assert!(all.is_sorted(), "{}: {name}: {all:?}", entry.path);
            let others = ide::references(&snapshot, at, Declarations::Left).expect("a thing has references");
            assert!(others.iter().all(|loc| all.contains(loc)) && others.len() < all.len(), "{}: {name}", entry.path);
            for loc in &all {
                let resolved = ide::resolve(&snapshot, LineCol { line: loc.line, byte: loc.start });
                let resolved = resolved.unwrap_or_else(|| panic!("{}: {loc:?} leads nowhere", entry.path));
                assert_eq!(resolved.origin, *loc, "{}: {name}", entry.path);
                if let Resolution::Here(target) = resolved.resolution {
                    assert!(all.contains(&target.loc), "{}: {name}: {loc:?} leads to {target:?}", entry.path);
                }
            }
            n_names += 1;
            n_references += all.len();
        }
    }
    println!("{n_names} things, {n_references} references");
    assert!(n_names > 100, "{n_names}");
}

#[test]
fn goroutines_of_dumps_lead_to_their_creators_and_back() {
    let grammar = Grammar::load();
    let (mut n_found, mut n_gone, mut n_created) = (0, 0, 0);
    for entry in plain_entries(" in goroutine ") {
        let file = entry.read(&grammar, &folder());
        let dumps = read_dumps(file.texts.iter().map(String::as_str), |text| grammar.read(text).is_some());
        if dumps.iter().all(|dump| dump.goroutines.iter().all(|goroutine| goroutine.creator.is_none())) {
            continue;
        }
        let snapshot = snapshot(&entry);
        for dump in &dumps {
            for goroutine in &dump.goroutines {
                let what = format!("{}:{}: goroutine {}", entry.path, goroutine.line, goroutine.id);
                let header = place(goroutine.line, 3);
                let resolved = ide::resolve(&snapshot, header).unwrap_or_else(|| panic!("{what} has no number"));
                let Resolution::Here(target) = resolved.resolution else { panic!("{what} leads nowhere") };
                assert_eq!(target.loc.line as usize + 1, goroutine.line, "{what} leads to itself");
                let item = ide::goroutine_at(&snapshot, header).unwrap_or_else(|| panic!("{what} is no goroutine"));
                assert_eq!(item.loc, target.loc, "{what}");
                let wanted: Vec<usize> = dump
                    .goroutines
                    .iter()
                    .filter(|other| goroutine.id != 0 && other.creator == Some(goroutine.id))
                    .map(|other| other.line)
                    .collect();
                let created = ide::created(&snapshot, header);
                let got: Vec<usize> = created.iter().map(|created| created.item.lines.0 as usize + 1).collect();
                assert_eq!(got, wanted, "{what} created others");
                n_created += got.len();
                let Some(creator) = goroutine.creator else { continue };
                let text = format!(" in goroutine {creator}");
                let created_by = (goroutine.line..).zip(&file.texts[goroutine.line - 1..]);
                let (line, text_of) = created_by
                    .into_iter()
                    .find(|(_, line)| line.starts_with("created by ") && line.ends_with(&text))
                    .unwrap_or_else(|| panic!("{what} has no creator"));
                let resolved = ide::resolve(&snapshot, place(line, text_of.len() - 1)).expect("it is a number");
                let listed = dump.goroutines.iter().find(|other| other.id == creator && creator != 0);
                match (resolved.resolution, listed) {
                    (Resolution::Here(target), Some(listed)) => {
                        assert_eq!(target.loc.line as usize + 1, listed.line, "{what}: its creator");
                        n_found += 1;
                    }
                    (Resolution::Here(target), None) => {
                        let line = target.loc.line as usize + 1;
                        let text = &file.texts[line - 1];
                        let is_it = text.starts_with(&format!("goroutine {creator} "))
                            || text.starts_with(&format!("  G{creator}:"));
                        assert!(is_it, "{what}: its creator is not on line {line}: {text}");
                    }
                    (Resolution::Unlisted(words), None) => {
                        assert!(words.contains(&format!("goroutine {creator} ")), "{what}: {words}");
                        n_gone += 1;
                    }
                    (resolution, listed) => panic!("{what}: {resolution:?} instead of {listed:?}"),
                }
                let up = ide::creator(&snapshot, header).unwrap_or_else(|| panic!("{what} has no creator"));
                assert!(up.item.name.starts_with(&format!("goroutine {creator}")), "{what}: {}", up.item.name);
            }
        }
    }
    println!("{n_found} creators found, {n_gone} gone, {n_created} created");
    assert!(n_found > 20 && n_gone > 5 && n_created == n_found, "{n_found} {n_gone} {n_created}");
}

/// Lines of every format, each of which is walked byte by byte.
#[test]
fn selections_nest_strictly_at_every_byte_of_recorded_lines() {
    let mut n_places = 0;
    for entry in entries(&folder()).iter().step_by(23) {
        let snapshot = snapshot(entry);
        let n_lines = snapshot.parsed.as_ref().expect("the file is read").log.n_lines();
        for line in (0..n_lines).step_by((n_lines as usize / 7).max(1)) {
            let n_bytes = snapshot.lines.line(line).len().min(300) as u32;
            for byte in 0..=n_bytes {
                let at = LineCol { line, byte };
                let ranges = ide::selections(&snapshot, at);
                let what = || format!("{}:{}:{byte}: {ranges:?}", entry.path, line + 1);
                assert!(
                    !ranges.is_empty() && ranges.iter().all(|range| range.start <= at && at <= range.end),
                    "{}",
                    what()
                );
                let is_nested = ranges
                    .windows(2)
                    .all(|pair| pair[1].start <= pair[0].start && pair[0].end <= pair[1].end && pair[0] != pair[1]);
                assert!(is_nested, "{}", what());
                n_places += 1;
            }
        }
    }
    assert!(n_places > 10_000, "{n_places}");
}

static NUMBERED: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"  (?:P\d+: .* (m)=(\d+) runqsize|M\d+: (p)=(\d+) curg|M\d+: p=\S+ (curg)=(\d+) mallocing|M\d+: p=.* (lockedg)=(\d+)\b|G\d+: status=.*\) (m)=(\d+) lockedm)")
        .expect("a constant expression")
});

static COLOR: LazyLock<Regex> = LazyLock::new(|| Regex::new("\x1b\\[[0-9;]*m").expect("a constant expression"));

/// What a field of scheddetail leads to.
fn letter(line: &str, field: &str) -> char {
    match field {
        "p" => 'P',
        "curg" | "lockedg" => 'G',
        "m" if line.starts_with("  P") || line.starts_with("  G") => 'M',
        _ => panic!("{field} in {line}"),
    }
}

#[test]
fn numbers_lead_to_their_lines_behind_every_carrier_and_through_tears() {
    let (mut n_here, mut unlisted) = (0, Vec::new());
    let carried = entries(&folder()).into_iter().filter(|entry| entry.wrapping() != Wrapping::Plain);
    for entry in carried.filter(|entry| text_of(entry).contains("  G1: status=")) {
        let text = text_of(&entry);
        let snapshot = snapshot(&entry);
        let lines: Vec<&str> = text.split('\n').collect();
        for (line, text) in lines.iter().enumerate() {
            let Some(found) = NUMBERED.captures(text) else { continue };
            let groups: Vec<regex::Match<'_>> = found.iter().skip(1).flatten().collect();
            let [field, number] = groups[..] else { panic!("a field and its number: {text}") };
            let want =
                format!("{}{}", letter(&text[found.get(0).expect("all").start()..], field.as_str()), number.as_str());
            let what = format!("{}:{}: {} to {want}", entry.path, line + 1, field.as_str());
            let resolved = ide::resolve(&snapshot, place(line + 1, number.start()));
            // A line that other output was written into is read as far as it is certain.
            let Some(resolved) = resolved else { continue };
            match resolved.resolution {
                Resolution::Here(target) => {
                    let there = lines[target.loc.line as usize];
                    let named = &there[target.loc.start as usize..target.loc.end as usize];
                    assert_eq!(COLOR.replace_all(named, ""), want, "{what} leads to {there}");
                    n_here += 1;
                }
                Resolution::Unlisted(words) => unlisted.push(format!("{what}: {words}")),
                Resolution::Nothing(words) => panic!("{what} is no nothing: {words}"),
            }
        }
    }
    println!("{n_here} lead to their line, {} are explained", unlisted.len());
    assert!(n_here > 50 && unlisted.len() * 20 < n_here, "{n_here} found; explained: {unlisted:#?}");
}
