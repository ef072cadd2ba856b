//! One regular expression per line format, made from `tests/grammar.ebnf`: the checker's own reading of a line.
//!
//! The grammar is a copy of the reference every format was checked with. Nothing here knows the parser, its catalog
//! or its field names: a line gives its format, the numbers it prints in order, and the notes it carries.

mod ebnf;
mod rules;
mod samples;

use std::collections::BTreeMap;
use std::ops::Range;

use regex::Captures;

use ebnf::parse;
use rules::{Compiled, Said, is_shape};

/// The committed copy of the grammar.
pub const SOURCE: &str = include_str!("../grammar.ebnf");

/// Rules of the families whose shapes are checked too.
const SHAPED_RULES: [&str; 5] = ["gctrace_line", "gc_periodic_line", "scavenger_line", "sched_line", "sched_d_line"];

/// The other rules of sections 2 to 6, whose lines mean the same wherever they stand, and the families of their lines.
const RUNTIME_RULES: [(&str, &str); 14] = [
    ("gc_pause_line", "gc_pause"),
    ("gc_scan_line", "scan"),
    ("checkfin_line", "checkfinalizers"),
    ("pacer_start", "pacer_start"),
    ("pacer_end_old", "pacer_end"),
    ("pacer_end", "pacer_end"),
    ("pacer_sweep", "pacer_sweep"),
    ("p_line", "sched_p"),
    ("m_line", "sched_m"),
    ("g_line", "sched_g"),
    ("tracealloc_line", "tracealloc"),
    ("tracefree_line", "tracefree"),
    ("tracegc_line", "tracegc"),
    ("init_line", "init"),
];

/// Rules that are ordinary English without their line ends.
const WHOLE_ONLY: [&str; 3] = ["gc_periodic_line", "gc_pause_line", "tracegc_line"];

/// One printed value.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// `uint`, `int` or `hex`.
    Integer(i128),
    /// `dec3`, `msval` or `float`.
    Decimal(f64),
    /// `bool01`.
    Flag(bool),
    /// `idref` of no thread, processor or goroutine (`nil`; `-1` is an integer).
    Nobody,
}

/// What one trace line says.
#[derive(Debug, Clone, PartialEq)]
pub struct Reading {
    /// Family the product must name.
    pub family: &'static str,
    /// Shape the product must name; empty where the checker has no opinion.
    pub shape: String,
    /// Every printed number, flag and reference, in order.
    pub values: Vec<Value>,
    /// Notes: `forced`, `leak_check`, `controller_reset`.
    pub notes: Vec<&'static str>,
    /// The line, put together where it was torn.
    pub text: String,
    /// The bytes of `text` that are no literals of the format.
    pub printed: Vec<Range<usize>>,
}

/// A reading and where in the text it stands, in bytes.
#[derive(Debug, Clone, PartialEq)]
pub struct Found {
    pub start: usize,
    pub end: usize,
    pub reading: Reading,
}

/// All line rules, ready to match.
#[derive(Debug)]
pub struct Grammar {
    /// Anchored: the whole line.
    whole: BTreeMap<String, Compiled>,
    /// The rules of sections 2 to 6 that are looked for anywhere in a line.
    inside: Vec<(&'static str, Compiled)>,
}

impl Grammar {
    /// Compiles the committed grammar.
    pub fn load() -> Grammar {
        let rules = parse(SOURCE);
        let is_whole = |name: &&String| name.ends_with("_line") || runtime_rules().any(|rule| rule == name.as_str());
        let whole: BTreeMap<String, Compiled> = rules
            .keys()
            .filter(is_whole)
            .map(|name| (name.clone(), Compiled::rule(&rules, name, "^(?:", ")$")))
            .collect();
        let inside = runtime_rules()
            .filter(|name| !WHOLE_ONLY.contains(name))
            .map(|name| (name, Compiled::rule(&rules, name, "(?:", ")")))
            .collect();
        Grammar { whole, inside }
    }

    /// Names of all line rules.
    pub fn line_rules(&self) -> impl Iterator<Item = &str> {
        self.whole.keys().map(String::as_str).filter(|name| name.ends_with("_line"))
    }

    /// Reads a line that is one trace line of sections 2 to 6 from its first to its last character.
    pub fn read(&self, line: &str) -> Option<Reading> {
        runtime_rules().find_map(|rule| {
            let compiled = &self.whole[rule];
            Some(reading(rule, compiled.said(&compiled.captures(line)?), line))
        })
    }

    /// Trace lines inside a line: behind a prefix, in quotes, or glued to other text. `GC forced` is not looked for:
    /// without its line ends it is ordinary English.
    pub fn find(&self, line: &str) -> Vec<Found> {
        let mut all: Vec<Found> = Vec::new();
        for (rule, compiled) in &self.inside {
            for captures in compiled.regex.captures_iter(line) {
                all.push(found(rule, compiled, &captures, line));
            }
        }
        all.sort_by_key(|found| (found.start, std::cmp::Reverse(found.end)));
        let mut end = 0;
        all.retain(|found| {
            let free = found.start >= end;
            if free {
                end = found.end;
            }
            free
        });
        all
    }

    /// Bytes of a line that are no literals of a rule, or nothing when the rule does not match the whole line.
    pub fn printed(&self, rule: &str, line: &str) -> Option<Vec<Range<usize>>> {
        let compiled = &self.whole[rule];
        Some(compiled.said(&compiled.captures(line)?).printed)
    }

    /// Whether a rule matches the whole line.
    pub fn is(&self, rule: &str, line: &str) -> bool {
        self.whole[rule].is_match(line)
    }

    /// The values of a line by one rule, or nothing when the rule does not match the whole line.
    pub fn values(&self, rule: &str, line: &str) -> Option<Vec<Value>> {
        let compiled = &self.whole[rule];
        Some(compiled.said(&compiled.captures(line)?).values)
    }
}

/// Rules of sections 2 to 6 in the order they are tried.
fn runtime_rules() -> impl Iterator<Item = &'static str> {
    SHAPED_RULES.into_iter().chain(RUNTIME_RULES.into_iter().map(|(rule, _)| rule))
}

fn found(rule: &str, compiled: &Compiled, captures: &Captures<'_>, line: &str) -> Found {
    let whole = captures.get(0).expect("group 0 is the match").range();
    let mut said = compiled.said(captures);
    for span in &mut said.printed {
        *span = span.start - whole.start..span.end - whole.start;
    }
    Found { start: whole.start, end: whole.end, reading: reading(rule, said, &line[whole]) }
}

fn reading(rule: &str, said: Said, text: &str) -> Reading {
    let Said { values, marks, printed } = said;
    let shape = marks.iter().find(|(name, _)| is_shape(name)).map(|(name, _)| name.as_str());
    let (family, shape) = match (rule, shape) {
        ("gctrace_line", Some(shape)) => ("gc", shape.to_owned()),
        ("gc_periodic_line", _) => ("gc_forced", "gc_forced".to_owned()),
        ("scavenger_line", Some(shape)) if shape.starts_with("scvg") => ("scvg", scvg_shape(shape, text)),
        ("scavenger_line", Some(shape)) => ("scav", shape.to_owned()),
        ("sched_line" | "sched_d_line", _) => ("sched", sched_shape(text)),
        (rule, _) => {
            let family = RUNTIME_RULES.iter().find(|(name, _)| *name == rule).map(|(_, family)| *family);
            (family.unwrap_or_else(|| panic!("rule {rule} has no family")), String::new())
        }
    };
    let notes = marks
        .iter()
        .filter_map(|(name, text)| match (name.as_str(), text.as_str()) {
            ("gc_forced", _) | ("scav_note", " (forced)") | ("scvg_tag", "forced scvg") => Some("forced"),
            ("gc_leak", _) => Some("leak_check"),
            ("scav_note", " [controller reset]") => Some("controller_reset"),
            _ => None,
        })
        .collect();
    Reading { family, shape, values, notes, text: text.to_owned(), printed }
}

/// The grammar has one rule for all releases; formats/scavenger.md section 1 tells them apart.
fn scvg_shape(rule: &str, line: &str) -> String {
    let is_1_13 = line.starts_with("forced scvg") || line.starts_with("scvg:");
    match rule {
        "scvg_gcforced" => "scvg_gc_forced".to_owned(),
        _ if is_1_13 => format!("{rule}_1_13"),
        "scvg_released" if line.contains(": 0x") => "scvg_released_1_0".to_owned(),
        _ => rule.to_owned(),
    }
}

/// The grammar has one rule for all shapes of the scheduler line; formats/schedtrace.md and formats/scheddetail.md
/// section 1 tell them apart.
fn sched_shape(line: &str) -> String {
    let is_detail = line.contains(" gcwaiting=");
    let release = if line.contains("schedticks=[") {
        "1_25"
    } else if line.contains(" needspinning=") {
        "1_20"
    } else if line.contains(" spinningthreads=") {
        "1_4"
    } else {
        "1_2"
    };
    if is_detail { format!("sched_detail_{release}") } else { format!("sched_{release}") }
}
