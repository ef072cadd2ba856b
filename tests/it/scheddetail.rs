//! Blocks of scheddetail: counts and links against a reading of its own.
//!
//! A block is a SCHED line with the state of the collector at its end, and the P, M and G lines up to the next SCHED
//! line. Other lines may stand between. A link is a reference that is not `nil` or `-1`; it resolves when its target
//! is in the block, and agrees when the target names its source in turn. The world keeps running while a block is
//! printed, so links that do neither are no errors of the reader.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use regex::Regex;

use crate::corpus::{entries, folder};
use crate::grammar::Grammar;
use crate::json::Json;
use crate::product::blocks_of;
use crate::reading::{FileReading, Wrapping};

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Link {
    pub line: usize,
    pub field: String,
    pub from: String,
    pub to: String,
    pub resolves: bool,
    agrees: bool,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Block {
    pub line: usize,
    pub end_line: usize,
    at_ms: i128,
    /// Number of lines that begin with P, M, G.
    counts: [usize; 3],
    pub links: Vec<Link>,
}

/// Where the fields of each kind of line lead, and the field that leads back.
const FIELDS: [(char, &str, char, &str); 6] = [
    ('P', "m", 'M', "p"),
    ('M', "p", 'P', "m"),
    ('M', "curg", 'G', "m"),
    ('M', "lockedg", 'G', "lockedm"),
    ('G', "m", 'M', "curg"),
    ('G', "lockedm", 'M', "lockedg"),
];

static REFERENCE: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r" (m|p|curg|lockedg|lockedm)=(\d+)\b").expect("a constant expression"));

/// Names that are known in a block: where each line stands, and where its references lead.
type Names = BTreeMap<String, (usize, BTreeMap<String, String>)>;

pub fn read_blocks(file: &FileReading) -> Vec<Block> {
    let mut blocks: Vec<(Block, Names)> = Vec::new();
    for (line, expected) in file.expected.iter().flat_map(|(line, all)| all.iter().map(move |one| (*line, one))) {
        let text = expected.reading.text.as_str();
        if let Some(rest) = text.strip_prefix("SCHED ") {
            if text.contains(" gcwaiting=") {
                let at_ms = rest.split("ms").next().and_then(|at| at.parse().ok()).expect("the line was read");
                let block = Block { line, end_line: line, at_ms, counts: [0; 3], links: Vec::new() };
                blocks.push((block, Names::new()));
            }
        } else if let (Some((block, names)), Some(rest)) = (blocks.last_mut(), text.strip_prefix("  ")) {
            let Some(kind) = ["P", "M", "G"].iter().position(|kind| rest.starts_with(kind)) else { continue };
            let name = rest.split(':').next().unwrap_or_default().to_owned();
            // A wait reason is free text.
            let fields = rest.rsplit_once(") ").filter(|_| kind == 2).map_or(rest, |(_, fields)| fields);
            let fields = format!(" {fields}");
            let references = REFERENCE.captures_iter(&fields).map(|found| (found[1].to_owned(), found[2].to_owned()));
            let references: BTreeMap<String, String> = references.collect();
            block.counts[kind] += 1;
            block.end_line = line + usize::from(expected.tail_line.is_some());
            names.insert(name, (line, references));
        }
    }
    blocks.into_iter().map(|(block, names)| Block { links: links(&names), ..block }).collect()
}

fn links(names: &Names) -> Vec<Link> {
    let mut links = Vec::new();
    for (from, (line, references)) in names {
        for (kind, field, target, back) in FIELDS {
            let Some(number) = references.get(field).filter(|_| from.starts_with(kind)) else { continue };
            let to = format!("{target}{number}");
            let found = names.get(&to);
            let agrees =
                found.is_some_and(|(_, references)| references.get(back).map(String::as_str) == Some(&from[1..]));
            let (field, from, resolves) = (field.to_owned(), from.clone(), found.is_some());
            links.push(Link { line: *line, field, from, to, resolves, agrees });
        }
    }
    links.sort();
    links
}

fn compare(block: &Block, json: &Json) -> Vec<String> {
    let count = |count: usize| i128::try_from(count).expect("a count fits");
    let [ps, ms, gs] = block.counts.map(count);
    let numbers = [
        ("line", count(block.line)),
        ("end_line", count(block.end_line)),
        ("at_ms", block.at_ms),
        ("ps", ps),
        ("ms", ms),
        ("gs", gs),
    ];
    let mut differences: Vec<String> = numbers
        .into_iter()
        .filter(|(id, wanted)| json.get(id) != &Json::Integer(*wanted))
        .map(|(id, wanted)| format!("{id}: {:?} instead of {wanted}", json.get(id)))
        .collect();
    let mut got: Vec<String> = json
        .get("links")
        .list()
        .iter()
        .map(|link| {
            let text = |id: &str| link.get(id).text().to_owned();
            format!(
                "{:?} {} {} {} {:?} {:?}",
                link.get("line"),
                text("field"),
                text("from"),
                text("to"),
                link.get("resolves"),
                link.get("agrees")
            )
        })
        .collect();
    let mut wanted: Vec<String> = block
        .links
        .iter()
        .map(|link| {
            let Link { line, field, from, to, resolves, agrees } = link;
            format!(
                "{:?} {field} {from} {to} {:?} {:?}",
                Json::Integer(count(*line)),
                Json::Bool(*resolves),
                Json::Bool(*agrees)
            )
        })
        .collect();
    got.sort();
    wanted.sort();
    differences.extend(wanted.iter().filter(|link| !got.contains(link)).map(|link| format!("no link {link}")));
    differences.extend(got.iter().filter(|link| !wanted.contains(link)).map(|link| format!("wrong link {link}")));
    differences
}

fn compare_file(blocks: &[Block], json: &[Json]) -> Vec<String> {
    let got: Vec<&Json> = json.iter().filter(|json| json.get("block").text() == "scheddetail").collect();
    if got.len() != blocks.len() {
        return vec![format!("{} blocks of scheddetail instead of {}", got.len(), blocks.len())];
    }
    let pairs = blocks.iter().zip(got);
    pairs
        .flat_map(|(block, json)| {
            compare(block, json).into_iter().map(|difference| format!("{}: {difference}", block.line))
        })
        .collect()
}

#[test]
fn every_block_has_the_lines_and_links_of_an_independent_reading() {
    let folder = folder();
    let grammar = Grammar::load();
    let (mut n_blocks, mut n_lines, mut n_links, mut n_unresolved, mut n_disagreeing) = (0, [0; 3], 0, 0, 0);
    let mut differences = Vec::new();
    for entry in entries(&folder).iter().filter(|entry| entry.wrapping() == Wrapping::Plain) {
        let file = entry.read(&grammar, &folder);
        let blocks = read_blocks(&file);
        n_blocks += blocks.len();
        for block in &blocks {
            for (all, count) in n_lines.iter_mut().zip(block.counts) {
                *all += count;
            }
            n_links += block.links.len();
            n_unresolved += block.links.iter().filter(|link| !link.resolves).count();
            n_disagreeing += block.links.iter().filter(|link| link.resolves && !link.agrees).count();
            // The reader read: a block of the runtime has every P and every thread.
            let head = &file.texts[block.line - 1];
            let is_cut = file.n_lines == block.end_line;
            let procs = format!("gomaxprocs={} ", block.counts[0]);
            assert!(is_cut || head.contains(&procs), "{}:{}: {:?}: {head}", entry.path, block.line, block.counts);
        }
        if let Some(json) = blocks_of(&folder.join(&entry.path)) {
            let found = compare_file(&blocks, &json);
            differences.extend(found.into_iter().map(|difference| format!("{}:{difference}", entry.path)));
        }
    }
    let [ps, ms, gs] = n_lines;
    println!(
        "{n_blocks} blocks of {ps} P, {ms} M, {gs} G; {n_links} links, {n_unresolved} without a target, \
         {n_disagreeing} that are not returned"
    );
    assert!(n_blocks > 10 && n_links > 100, "only {n_blocks} blocks were read");
    let shown: Vec<&str> = differences.iter().take(20).map(String::as_str).collect();
    assert!(differences.is_empty(), "{} differences, the first of them:\n{}", differences.len(), shown.join("\n"));
}

/// A block whose links were read by eye, and every way to get one wrong.
#[test]
fn finds_every_kind_of_difference_between_blocks() {
    let log = "\
SCHED 67ms: gomaxprocs=2 idleprocs=1 threads=3 spinningthreads=1 needspinning=0 idlethreads=3 runqueue=0 gcwaiting=false nmidlelocked=1 stopwait=0 sysmonwait=false
  P0: status=0 schedtick=15 syscalltick=0 m=nil runqsize=0 gfreecnt=0 timerslen=1
  P1: status=1 schedtick=22986 syscalltick=0 m=8 runqsize=0 gfreecnt=0 timerslen=0
served m=3 p=1
  M8: p=1 curg=12 mallocing=0 throwing=0 preemptoff= locks=0 dying=0 spinning=false blocked=false lockedg=nil
  M0: p=nil curg=nil mallocing=0 throwing=0 preemptoff= locks=0 dying=0 spinning=false blocked=true lockedg=39
  G12: status=2(chan m=0 (x)) m=7 lockedm=nil
  G39: status=4(sleep) m=nil lockedm=0
served
";
    let grammar = Grammar::load();
    let file = crate::reading::read_file(&grammar, log.as_bytes(), Wrapping::Plain);
    let blocks = read_blocks(&file);
    let right = r#"{"block":"scheddetail","line":1,"end_line":8,"at_ms":67,"ps":2,"ms":2,"gs":2,"links":[
        {"line":3,"field":"m","from":"P1","to":"M8","resolves":true,"agrees":true},
        {"line":5,"field":"p","from":"M8","to":"P1","resolves":true,"agrees":true},
        {"line":5,"field":"curg","from":"M8","to":"G12","resolves":true,"agrees":false},
        {"line":6,"field":"lockedg","from":"M0","to":"G39","resolves":true,"agrees":true},
        {"line":7,"field":"m","from":"G12","to":"M7","resolves":false,"agrees":false},
        {"line":8,"field":"lockedm","from":"G39","to":"M0","resolves":true,"agrees":true}]}"#;
    let differences = |text: &str| compare_file(&blocks, &[serde_json::from_str(text).expect("it is JSON")]);
    assert_eq!(differences(right), Vec::<String>::new());
    for (from, to) in [
        (r#""line":1"#, r#""line":2"#),
        (r#""end_line":8"#, r#""end_line":9"#),
        (r#""at_ms":67"#, r#""at_ms":6"#),
        (r#""gs":2"#, r#""gs":3"#),
        (r#""M8","resolves":true"#, r#""M8","resolves":false"#),
        (r#""M7","resolves":false"#, r#""M7","resolves":true"#),
        (r#""G12","resolves":true,"agrees":false"#, r#""G12","resolves":true,"agrees":true"#),
        (r#""to":"G39""#, r#""to":"G3""#),
        (r#""field":"curg""#, r#""field":"lockedg""#),
        (r#"{"line":7,"field":"m","from":"G12","to":"M7","resolves":false,"agrees":false},"#, ""),
    ] {
        let wrong = right.replacen(from, to, 1);
        assert_ne!(wrong, right, "{from}");
        assert!(!differences(&wrong).is_empty(), "{to} instead of {from} goes unnoticed");
    }
}
