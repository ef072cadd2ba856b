//! What a whole file must give, read by the grammar alone: trace lines behind any prefix, lines glued to other text,
//! and lines that another writer tore in two.
//!
//! This is the expectation of the corpus tests. It repairs only what `formats/README.md` section 3 calls repairable,
//! and knows the two kinds of writers that tear lines in the corpus: the runtime itself and an application's log.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use regex::Regex;

use crate::blocks;
use crate::grammar::{Grammar, Reading};

/// How the text of a file is turned into lines that the grammar can read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wrapping {
    /// Standard error as the program wrote it.
    Plain,
    /// Behind a log collector's prefix, in JSON, colored, escaped.
    Carried,
    /// As in mail: lines are broken at a blank, which is lost.
    HardWrapped,
}

/// One trace line that the product must report.
#[derive(Debug, Clone, PartialEq)]
pub struct Expected {
    pub reading: Reading,
    /// 1-based line of its tail, when another writer tore it.
    pub tail_line: Option<usize>,
}

/// What a file must give.
#[derive(Debug, Clone, Default)]
pub struct FileReading {
    /// Number of physical lines: LF ends a line, a last piece without LF is one too.
    pub n_lines: usize,
    /// By 1-based line, in the order they stand there.
    pub expected: BTreeMap<usize, Vec<Expected>>,
    /// 1-based lines that begin with the tail of a torn line; the value is the line of its head.
    pub tails: BTreeMap<usize, usize>,
    /// Trace lines whose beginning stands on the line but whose rest is not there to be joined.
    pub open_heads: BTreeSet<usize>,
    /// Lines of stacks, crashes, race reports and profiles, by 1-based line. In a wrapped file they are found by those
    /// who know its wrapper.
    pub blocks: BTreeMap<usize, Reading>,
    /// Physical lines as the grammar saw them.
    pub texts: Vec<String>,
}

impl FileReading {
    /// What must be given on a line, in order.
    pub fn on_line(&self, line: usize) -> Vec<Expected> {
        let block = self.blocks.get(&line).map(|reading| Expected { reading: reading.clone(), tail_line: None });
        self.expected.get(&line).into_iter().flatten().cloned().chain(block).collect()
    }

    /// All readings in order.
    pub fn readings(&self) -> Vec<&Reading> {
        self.expected.values().flatten().map(|expected| &expected.reading).collect()
    }
}

/// A line of one of the writers that tore the runtime's lines in the corpus: Go's standard `log` and a bare print.
static APPLICATION_LINE: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"(?:\[api\] )?\d{4}/\d\d/\d\d \d\d:\d\d:\d\d").expect("a constant expression"));

/// The beginning of a trace line, complete enough to be sure of it.
static TRACE_HEAD: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(
        r"gc\d+\(\d+\): |gc \d+ @|SCHED \d+ms|forced scvg: |scvg-?\d*: |scav \d+ |  [PMG]\d+: |pacer: |init \S+ @|trace(?:alloc|free)\(0x",
    )
    .expect("a constant expression")
});

/// `GC forced` behind a prefix: the text of the collector's line ends with it.
static CARRIED_GC_FORCED: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r#"(?:[\t :|=",])GC forced(?:\\n)?(?:"|[ \t]*$)"#).expect("a constant expression"));

/// A line of CRI: `P` when the runtime cut it and the rest follows, else `F`.
static CRI: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"^\S+ std(?:out|err) ([PF]) (.*)$").expect("a constant expression"));

static ANSI: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"\x1b\[[0-9;]*[A-Za-z]").expect("a constant expression"));

/// Reads a whole file.
pub fn read_file(grammar: &Grammar, bytes: &[u8], wrapping: Wrapping) -> FileReading {
    let texts = lines(bytes, wrapping);
    let mut file = FileReading { n_lines: texts.len(), ..FileReading::default() };
    let mut wrapped_until = 0;
    for (idx, text) in texts.iter().enumerate() {
        let line = idx + 1;
        if idx < wrapped_until {
            continue;
        }
        if wrapping == Wrapping::HardWrapped
            && let Some((reading, end)) = read_wrapped(grammar, &texts, idx)
        {
            file.tails.extend((line + 1..=end).map(|tail| (tail, line)));
            file.expected.insert(line, vec![Expected { reading, tail_line: Some(line + 1) }]);
            wrapped_until = end;
            continue;
        }
        let rest = texts.get(idx + 1).map(String::as_str);
        let (expected, is_open) = read_line(grammar, text, rest, line, wrapping);
        for item in &expected {
            if let Some(tail_line) = item.tail_line {
                file.tails.insert(tail_line, line);
            }
        }
        if !expected.is_empty() {
            file.expected.insert(line, expected);
        }
        if is_open {
            file.open_heads.insert(line);
        }
    }
    if wrapping == Wrapping::Plain {
        let is_other = |line| file.expected.contains_key(&line) || file.tails.contains_key(&line);
        file.blocks = blocks::read(grammar, &texts, is_other);
    }
    file.texts = texts;
    file
}

/// The trace line that begins on a line and goes on for some more, and the last of them, from 1.
fn read_wrapped(grammar: &Grammar, texts: &[String], idx: usize) -> Option<(Reading, usize)> {
    const MAX_LINES: usize = 8;
    let begins = |text: &String| TRACE_HEAD.find(text).is_some_and(|head| head.start() == 0);
    if !begins(&texts[idx]) {
        return None;
    }
    let next = (idx + 1..texts.len()).find(|next| begins(&texts[*next])).unwrap_or(texts.len());
    // The longest: a note stands behind what is a whole line without it.
    let last = (idx + MAX_LINES).min(next);
    (idx + 2..=last).rev().find_map(|end| Some((grammar.read(&texts[idx..end].join(" "))?, end)))
}

/// The trace lines that begin on a line, and whether one of them has no end.
fn read_line(
    grammar: &Grammar,
    text: &str,
    next: Option<&str>,
    line: usize,
    wrapping: Wrapping,
) -> (Vec<Expected>, bool) {
    if let Some(reading) = grammar.read(text) {
        return (vec![Expected { reading, tail_line: None }], false);
    }
    if let Some(reading) = next.and_then(|next| read_parts(grammar, text, next)) {
        return (vec![Expected { reading, tail_line: Some(line + 1) }], false);
    }
    if wrapping == Wrapping::Carried && CARRIED_GC_FORCED.is_match(text) {
        let reading = grammar.read("GC forced").expect("the grammar has this line");
        return (vec![Expected { reading, tail_line: None }], false);
    }
    let found = grammar.find(text);
    let glued_at = found.first().map_or(text.len(), |found| found.start);
    let foreign_at = APPLICATION_LINE.find(text).map_or(text.len(), |found| found.start());
    let head = &text[..glued_at.min(foreign_at)];
    let mut expected = Vec::new();
    // An application line in front of a whole trace line has no head to join.
    let joined = next
        .and_then(|next| grammar.read(&format!("{head}{next}")))
        .filter(|_| !head.is_empty() && head.len() < text.len());
    let is_joined = joined.is_some();
    if let Some(reading) = joined {
        expected.push(Expected { reading, tail_line: Some(line + 1) });
    }
    let claimed: usize = found.iter().map(|found| found.end - found.start).sum();
    expected.extend(found.into_iter().map(|found| Expected { reading: found.reading, tail_line: None }));
    let is_open = !is_joined && claimed < text.len() && TRACE_HEAD.is_match(head);
    (expected, is_open)
}

/// The trace line of two records of CRI.
fn read_parts(grammar: &Grammar, text: &str, next: &str) -> Option<Reading> {
    let part = |text, sign| CRI.captures(text).filter(|part| &part[1] == sign).map(|part| part[2].to_owned());
    grammar.read(&format!("{}{}", part(text, "P")?, part(next, "F")?))
}

/// Physical lines without their line ends, made readable: colors and escapes removed.
fn lines(bytes: &[u8], wrapping: Wrapping) -> Vec<String> {
    let text = match bytes.strip_prefix(b"\xff\xfe") {
        Some(utf16) => {
            let units: Vec<u16> = utf16.chunks_exact(2).map(|pair| u16::from_le_bytes([pair[0], pair[1]])).collect();
            String::from_utf16_lossy(&units)
        }
        None => String::from_utf8_lossy(bytes).into_owned(),
    };
    let mut lines: Vec<&str> = text.split('\n').collect();
    if lines.last() == Some(&"") {
        lines.pop();
    }
    lines
        .into_iter()
        .map(|line| {
            let line = line.trim_end_matches('\r');
            match wrapping {
                Wrapping::Plain | Wrapping::HardWrapped => line.to_owned(),
                Wrapping::Carried => {
                    let line = line.trim_start_matches('\u{feff}');
                    ANSI.replace_all(line, "").replace("\\u003e", ">").replace("&gt;", ">")
                }
            }
        })
        .collect()
}

#[test]
fn joins_lines_that_other_writers_tore() {
    let grammar = Grammar::load();
    let log = "\
gc 202 @1.155s 47%: 2.3+0.0902026/11/21 06:56:30 GET /healthz 500 4.5ms
+0.24+0.91+0.29 ms clock, 4.6+0.090+0+0.061/0.55/0+0.59 ms cpu, 13->13->3 MB, 3 MB goal, 2 P
gc257(2): 0+0+SCHED 809ms: gomaxprocs=2 idleprocs=0 threads=7 idlethreads=3 runqueue=1 [2 1]
0 ms, 3 -> 3 MB 20920 -> 20605 (76197-55592) objects, 0(0) handoff, 8(421) steal, 16/4/0 yields
[api] 2026/11/21 06:56:30.059532 applog.go:21: request done path=/healthz in 32467us
served /metrics SCHED 954ms: gomaxprocs=1 idleprocs=1 threads=7 spinningthreads=1 idlethreads=3 runqueue=0 [0]
200 388
";
    let file = read_file(&grammar, log.as_bytes(), Wrapping::Plain);
    let shapes: Vec<(usize, &str, Option<usize>)> = file
        .expected
        .iter()
        .flat_map(|(line, items)| items.iter().map(|item| (*line, item.reading.shape.as_str(), item.tail_line)))
        .collect();
    assert_eq!(
        shapes,
        [(1, "gc_1_5", Some(2)), (3, "gc_1_1", Some(4)), (3, "sched_1_2", None), (6, "sched_1_4", None)]
    );
    assert!(file.open_heads.is_empty());
}

#[test]
fn leaves_the_beginning_of_a_lost_line_open() {
    let grammar = Grammar::load();
    let file = read_file(&grammar, b"app started\nSCHED 107ms: gomaxprocs=4 idleprocs=0 thre", Wrapping::Plain);
    assert_eq!(file.n_lines, 2);
    assert!(file.expected.is_empty());
    assert_eq!(file.open_heads, BTreeSet::from([2]));
}

#[test]
fn reads_behind_prefixes_escapes_and_colors() {
    let grammar = Grammar::load();
    for line in [
        r#"{"log":"gc 1 @0.014s 0%: 0.067+4.3+0.001 ms clock, 0.13+0.53/0/0+0.003 ms cpu, 4-\u003e4-\u003e3 MB, 4 MB goal, 4 P\n","stream":"stderr"}"#,
        "\u{1b}[36mapi-1     | \u{1b}[0mgc \u{1b}[35m1\u{1b}[0m @0.014s 0%: 0.067+4.3+0.001 ms clock, \
         0.13+0.53/0/0+0.003 ms cpu, 4->4->3 MB, 4 MB goal, 4 P\r",
        "Feb 03 08:33:59 node-3 api[87308]: GC forced",
    ] {
        let file = read_file(&grammar, line.as_bytes(), Wrapping::Carried);
        assert_eq!(file.readings().len(), 1, "{line}");
    }
}
