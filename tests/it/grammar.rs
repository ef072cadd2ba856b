//! One regular expression per line format, made from `tests/grammar.ebnf`: the checker's own reading of a line.
//!
//! The grammar is a copy of the reference every format was checked with. Nothing here knows the parser, its catalog
//! or its field names: a line gives its format, the numbers it prints in order, and the notes it carries.

mod ebnf;

use std::collections::BTreeMap;

use regex::{Captures, Regex};

use ebnf::{Expr, parse};

/// The committed copy of the grammar.
pub const SOURCE: &str = include_str!("../grammar.ebnf");

/// Rules that print one value. Their matches, in the order printed, are what a line says.
const VALUES: [&str; 8] = ["uint", "int", "hex", "dec3", "msval", "float", "bool01", "idref"];

/// Rules whose presence names the format of the line.
const SHAPES: [&str; 13] = [
    "gc_1_0",
    "gc_1_1",
    "gc_1_3",
    "gc_1_4",
    "gc_1_5",
    "gc_1_6",
    "gc_1_18",
    "scvg_stats",
    "scvg_released",
    "scvg_gcforced",
    "scav_1_14",
    "scav_1_15",
    "scav_1_21",
];

/// Rules that print a note instead of a number.
const NOTES: [&str; 4] = ["gc_leak", "gc_forced", "scvg_tag", "scav_note"];

/// Line rules whose lines belong to a family of the first release of the product.
const TRACE_RULES: [&str; 5] = ["gctrace_line", "gc_periodic_line", "scavenger_line", "sched_line", "sched_d_line"];

/// Line rules of sections 2 to 6: lines that mean the same wherever they stand. The rules of the later sections match
/// ordinary sentences, so their lines cannot be told from an application's by the line alone.
const RUNTIME_RULES: [&str; 14] = [
    "gctrace_line",
    "gc_periodic_line",
    "gc_pause_line",
    "gc_scan_line",
    "checkfin_line",
    "scavenger_line",
    "pacer_line",
    "sched_line",
    "sched_d_line",
    "p_line",
    "m_line",
    "g_line",
    "tracealloc_line",
    "init_line",
];

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
    /// Shape the product must name.
    pub shape: String,
    /// Every printed value, in order.
    pub values: Vec<Value>,
    /// Notes: `forced`, `leak_check`, `controller_reset`.
    pub notes: Vec<&'static str>,
}

/// A reading and where in the text it stands, in bytes.
#[derive(Debug, Clone, PartialEq)]
pub struct Found {
    pub start: usize,
    pub end: usize,
    pub reading: Reading,
}

/// What a capture group of a compiled rule means. Group numbers follow the order of the vector.
#[derive(Debug)]
enum Slot {
    Value(String),
    Mark(String),
    /// A repetition with values inside; a group of its own keeps only the last round, so the rounds are read again.
    List(Box<Compiled>),
}

#[derive(Debug)]
struct Compiled {
    regex: Regex,
    slots: Vec<Slot>,
}

/// All line rules, ready to match.
#[derive(Debug)]
pub struct Grammar {
    /// Anchored: the whole line.
    whole: BTreeMap<String, Compiled>,
    /// The trace rules, anywhere in a line.
    inside: Vec<(String, Compiled)>,
}

impl Grammar {
    /// Compiles the committed grammar.
    pub fn load() -> Grammar {
        let rules = parse(SOURCE);
        let whole = rules
            .keys()
            .filter(|name| name.ends_with("_line"))
            .map(|name| (name.clone(), compile_rule(&rules, name, "^(?:", ")$")))
            .collect();
        let inside = TRACE_RULES
            .iter()
            .filter(|name| **name != "gc_periodic_line")
            .map(|name| ((*name).to_owned(), compile_rule(&rules, name, "(?:", ")")))
            .collect();
        Grammar { whole, inside }
    }

    /// Names of all line rules.
    pub fn line_rules(&self) -> impl Iterator<Item = &str> {
        self.whole.keys().map(String::as_str)
    }

    /// Reads a line that is one trace line from its first to its last character.
    pub fn read(&self, line: &str) -> Option<Reading> {
        TRACE_RULES.iter().find_map(|rule| {
            let compiled = &self.whole[*rule];
            let captures = compiled.regex.captures(line)?;
            Some(reading(rule, compiled, &captures))
        })
    }

    /// Trace lines inside a line: behind a prefix, in quotes, or glued to other text. `GC forced` is not looked for:
    /// without its line ends it is ordinary English.
    pub fn find(&self, line: &str) -> Vec<Found> {
        let mut all: Vec<Found> = Vec::new();
        for (rule, compiled) in &self.inside {
            for captures in compiled.regex.captures_iter(line) {
                let whole = captures.get(0).expect("group 0 is the match");
                all.push(Found { start: whole.start(), end: whole.end(), reading: reading(rule, compiled, &captures) });
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

    /// Whether any format of the runtime that stands alone on its line (sections 2 to 6) matches the whole line.
    pub fn is_runtime_line(&self, line: &str) -> bool {
        RUNTIME_RULES
            .iter()
            .chain(&["tracefree_line", "tracegc_line"])
            .any(|rule| self.whole[*rule].regex.is_match(line))
    }

    /// Whether any rule at all matches the whole line, also those of section 7 and 8 that match many sentences.
    pub fn is_any_line(&self, line: &str) -> bool {
        self.whole.values().any(|compiled| compiled.regex.is_match(line))
    }

    /// The values of a line by one rule, or nothing when the rule does not match the whole line.
    pub fn values(&self, rule: &str, line: &str) -> Option<Vec<Value>> {
        let compiled = &self.whole[rule];
        let captures = compiled.regex.captures(line)?;
        Some(collect(compiled, &captures).0)
    }
}

fn reading(rule: &str, compiled: &Compiled, captures: &Captures<'_>) -> Reading {
    let text = &captures[0];
    let (values, marks) = collect(compiled, captures);
    let shape = marks.iter().find(|(name, _)| SHAPES.contains(&name.as_str())).map(|(name, _)| name.as_str());
    let (family, shape) = match (rule, shape) {
        ("gctrace_line", Some(shape)) => ("gc", shape.to_owned()),
        ("gc_periodic_line", _) => ("gc_forced", "gc_forced".to_owned()),
        ("scavenger_line", Some(shape)) if shape.starts_with("scvg") => ("scvg", scvg_shape(shape, text)),
        ("scavenger_line", Some(shape)) => ("scav", shape.to_owned()),
        ("sched_line" | "sched_d_line", _) => ("sched", sched_shape(text)),
        (rule, shape) => panic!("rule {rule} has no family for shape {shape:?}"),
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
    Reading { family, shape, values, notes }
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

/// Values in order, and the marks that took part with their text.
fn collect(compiled: &Compiled, captures: &Captures<'_>) -> (Vec<Value>, Vec<(String, String)>) {
    let mut values = Vec::new();
    let mut marks = Vec::new();
    for (idx, slot) in compiled.slots.iter().enumerate() {
        let Some(text) = captures.get(idx + 1).map(|group| group.as_str()) else { continue };
        match slot {
            Slot::Value(kind) => values.push(value(kind, text)),
            Slot::Mark(name) => marks.push((name.clone(), text.to_owned())),
            Slot::List(round) => {
                for captures in round.regex.captures_iter(text) {
                    let (inner_values, inner_marks) = collect(round, &captures);
                    values.extend(inner_values);
                    marks.extend(inner_marks);
                }
            }
        }
    }
    (values, marks)
}

fn value(kind: &str, text: &str) -> Value {
    match kind {
        "bool01" => Value::Flag(text == "1" || text == "true"),
        "idref" if text == "nil" => Value::Nobody,
        "uint" | "int" | "idref" => Value::Integer(text.parse().expect("the rule allows digits only")),
        "hex" => Value::Integer(i128::from_str_radix(&text[2..], 16).expect("the rule allows hex digits only")),
        _ => Value::Decimal(text.parse().expect("the rule allows decimal numbers only")),
    }
}

fn compile_rule(rules: &BTreeMap<String, Expr>, name: &str, before: &str, after: &str) -> Compiled {
    compile(rules, &rules[name], before, after)
}

fn compile(rules: &BTreeMap<String, Expr>, expr: &Expr, before: &str, after: &str) -> Compiled {
    let mut slots = Vec::new();
    let mut pattern = String::from(before);
    write(rules, expr, &mut pattern, Some(&mut slots));
    pattern.push_str(after);
    Compiled { regex: Regex::new(&pattern).expect("the grammar gives valid expressions"), slots }
}

/// Appends the expression. Without `slots` nothing is captured.
fn write(rules: &BTreeMap<String, Expr>, expr: &Expr, out: &mut String, mut slots: Option<&mut Vec<Slot>>) {
    match expr {
        Expr::Literal(text) => out.push_str(&regex::escape(text)),
        Expr::Class(class) => out.push_str(class),
        Expr::Rule(name) if name == "TAB" => out.push_str(r"\t"),
        Expr::Rule(name) if name == "SP" => out.push(' '),
        Expr::Rule(name) => {
            let rule = rules.get(name).unwrap_or_else(|| panic!("rule {name} is not defined"));
            let is_value = VALUES.contains(&name.as_str());
            let is_mark = SHAPES.contains(&name.as_str()) || NOTES.contains(&name.as_str());
            match slots.as_deref_mut() {
                Some(slots) if is_value => {
                    slots.push(Slot::Value(name.clone()));
                    out.push('(');
                    write(rules, rule, out, None);
                }
                Some(slots) if is_mark => {
                    slots.push(Slot::Mark(name.clone()));
                    out.push('(');
                    write(rules, rule, out, Some(slots));
                }
                slots => {
                    out.push_str("(?:");
                    write(rules, rule, out, slots);
                }
            }
            out.push(')');
        }
        Expr::Sequence(parts) => {
            for part in parts {
                write(rules, part, out, slots.as_deref_mut());
            }
        }
        Expr::Choice(branches) => {
            out.push_str("(?:");
            for (idx, branch) in branches.iter().enumerate() {
                if idx > 0 {
                    out.push('|');
                }
                write(rules, branch, out, slots.as_deref_mut());
            }
            out.push(')');
        }
        Expr::Repeat(inner, sign) => {
            let is_list = *sign != '?' && prints_values(rules, inner);
            match slots {
                Some(slots) if is_list => {
                    slots.push(Slot::List(Box::new(compile(rules, inner, "", ""))));
                    out.push_str("((?:");
                    write(rules, inner, out, None);
                    out.push(')');
                    out.push(*sign);
                    out.push(')');
                }
                slots => {
                    out.push_str("(?:");
                    write(rules, inner, out, slots);
                    out.push(')');
                    out.push(*sign);
                }
            }
        }
    }
}

fn prints_values(rules: &BTreeMap<String, Expr>, expr: &Expr) -> bool {
    match expr {
        Expr::Literal(_) | Expr::Class(_) => false,
        Expr::Rule(name) => {
            VALUES.contains(&name.as_str()) || rules.get(name).is_some_and(|rule| prints_values(rules, rule))
        }
        Expr::Sequence(parts) | Expr::Choice(parts) => parts.iter().any(|part| prints_values(rules, part)),
        Expr::Repeat(inner, _) => prints_values(rules, inner),
    }
}

#[test]
fn every_line_rule_of_the_grammar_compiles() {
    let grammar = Grammar::load();
    assert_eq!(grammar.line_rules().count(), 43);
}

#[test]
fn reads_the_real_lines_of_the_format_reference() {
    let grammar = Grammar::load();
    let check = |line: &str, family: &str, shape: &str, numbers: &[f64], notes: &[&str]| {
        let reading = grammar.read(line).unwrap_or_else(|| panic!("not read: {line}"));
        assert_eq!((reading.family, reading.shape.as_str()), (family, shape), "{line}");
        let got: Vec<f64> = reading
            .values
            .iter()
            .map(|value| match value {
                Value::Integer(number) => *number as f64,
                Value::Decimal(number) => *number,
                Value::Flag(flag) => f64::from(u8::from(*flag)),
                Value::Nobody => panic!("no trace line here prints nil"),
            })
            .collect();
        assert_eq!(got, numbers, "{line}");
        assert_eq!(reading.notes, notes, "{line}");
        assert_eq!(grammar.find(line).len(), usize::from(family != "gc_forced"), "inside: {line}");
    };
    check(
        "gc27(2): 10+23+0 ms 47 -> 23 MB 1150839 -> 526397 (9367763-8841366) objects 248 handoff",
        "gc",
        "gc_1_0",
        &[27., 2., 10., 23., 0., 47., 23., 1150839., 526397., 9367763., 8841366., 248.],
        &[],
    );
    check(
        "gc7(2): 0+3+2 ms, 5 -> 5 MB 107296 -> 107296 (107316-20) objects, 0(0) handoff, 9(652) steal, 22/4/0 yields",
        "gc",
        "gc_1_1",
        &[7., 2., 0., 3., 2., 5., 5., 107296., 107296., 107316., 20., 0., 0., 9., 652., 22., 4., 0.],
        &[],
    );
    check(
        "gc7(2): 25+3619+2836+0 us, 3 -> 6 MB, 141593 (141616-23) objects, 429/0/0 sweeps, 0(0) handoff, \
         3(13) steal, 16/1/0 yields",
        "gc",
        "gc_1_3",
        &[7., 2., 25., 3619., 2836., 0., 3., 6., 141593., 141616., 23., 429., 0., 0., 0., 0., 3., 13., 16., 1., 0.],
        &[],
    );
    check(
        "gc4(2): 26+1+87+0 us, 0 -> 0 MB, 1603 (1634-31) objects, 4 goroutines, 35/0/0 sweeps, 0(0) handoff, \
         2(4) steal, 16/1/0 yields",
        "gc",
        "gc_1_4",
        &[4., 2., 26., 1., 87., 0., 0., 0., 1603., 1634., 31., 4., 35., 0., 0., 0., 0., 2., 4., 16., 1., 0.],
        &[],
    );
    check(
        "gc 23 @0.957s 49%: 0.047+0+0+0+0.19 ms clock, 0.094+0+0+0/0.015/0.041+0.39 ms cpu, 0->0->0 MB, 0 MB goal, \
         4 P (forced)",
        "gc",
        "gc_1_5",
        &[23., 0.957, 49., 0.047, 0., 0., 0., 0.19, 0.094, 0., 0., 0., 0.015, 0.041, 0.39, 0., 0., 0., 0., 4.],
        &["forced"],
    );
    check(
        "gc 33 @4.338s 78%: 0.069+0.094+0.008 ms clock, 0.13+0/0.084/0+0.016 ms cpu, 0->0->0 MB, 4 MB goal, 4 P",
        "gc",
        "gc_1_6",
        &[33., 4.338, 78., 0.069, 0.094, 0.008, 0.13, 0., 0.084, 0., 0.016, 0., 0., 0., 4., 4.],
        &[],
    );
    check(
        "gc 1 @0.038s 0% (checking for goroutine leaks): 0.19+4.1+0.27 ms clock, 0.39+0/0.12/0.062+0.55 ms cpu, \
         0->0->0 MB, 4 MB goal, 0 MB stacks, 0 MB globals, 2 P (forced)",
        "gc",
        "gc_1_18",
        &[1., 0.038, 0., 0.19, 4.1, 0.27, 0.39, 0., 0.12, 0.062, 0.55, 0., 0., 0., 4., 0., 0., 2.],
        &["leak_check", "forced"],
    );
    check("GC forced", "gc_forced", "gc_forced", &[], &[]);
    check("scvg2: GC forced", "scvg", "scvg_gc_forced", &[2.], &[]);
    check("scvg4: 0x1f MB released", "scvg", "scvg_released_1_0", &[4., 31.], &[]);
    check("scvg6: 40 MB released", "scvg", "scvg_released", &[6., 40.], &[]);
    check("forced scvg: 34 MB released", "scvg", "scvg_released_1_13", &[34.], &["forced"]);
    check(
        "scvg-1: inuse: 1, idle: 50, sys: 52, released: 50, consumed: 1 (MB)",
        "scvg",
        "scvg_stats",
        &[-1., 1., 50., 52., 50., 1.],
        &[],
    );
    check("scav 0 KiB work, 2848 KiB total, 99% util", "scav", "scav_1_14", &[0., 2848., 99.], &[]);
    check("scav 3 0 KiB work, 2848 KiB total, 99% util", "scav", "scav_1_15", &[3., 0., 2848., 99.], &[]);
    check(
        "scav 0 KiB work (bg), 76880 KiB work (eager), 109760 KiB now, 97% util (forced)",
        "scav",
        "scav_1_21",
        &[0., 76880., 109760., 97.],
        &["forced"],
    );
    check(
        "scav 4 KiB work (bg), 0 KiB work (eager), 8 KiB now, 97% util [controller reset]",
        "scav",
        "scav_1_21",
        &[4., 0., 8., 97.],
        &["controller_reset"],
    );
    check(
        "SCHED 1943ms: gomaxprocs=4 idleprocs=4 threads=8 idlethreads=4 runqueue=0 [0 0 0 0]",
        "sched",
        "sched_1_2",
        &[1943., 4., 4., 8., 4., 0., 0., 0., 0., 0.],
        &[],
    );
    check(
        "SCHED 107ms: gomaxprocs=4 idleprocs=0 threads=8 spinningthreads=0 idlethreads=1 runqueue=2 [1 2 0 0]",
        "sched",
        "sched_1_4",
        &[107., 4., 0., 8., 0., 1., 2., 1., 2., 0., 0.],
        &[],
    );
    check(
        "SCHED 955ms: gomaxprocs=4 idleprocs=0 threads=10 spinningthreads=0 needspinning=1 idlethreads=2 runqueue=1 \
         [0 1 0 0]",
        "sched",
        "sched_1_20",
        &[955., 4., 0., 10., 0., 1., 2., 1., 0., 1., 0., 0.],
        &[],
    );
    check(
        "SCHED 851ms: gomaxprocs=4 idleprocs=3 threads=9 spinningthreads=0 needspinning=0 idlethreads=4 runqueue=1 \
         [ 0 0 0 0 ] schedticks=[ 142256 108717 148403 63651 ]",
        "sched",
        "sched_1_25",
        &[851., 4., 3., 9., 0., 0., 4., 1., 0., 0., 0., 0., 142256., 108717., 148403., 63651.],
        &[],
    );
    check(
        "SCHED 67ms: gomaxprocs=4 idleprocs=1 threads=9 spinningthreads=1 needspinning=0 idlethreads=3 runqueue=0 \
         gcwaiting=false nmidlelocked=1 stopwait=0 sysmonwait=false",
        "sched",
        "sched_detail_1_20",
        &[67., 4., 1., 9., 1., 0., 3., 0., 0., 1., 0., 0.],
        &[],
    );
}

#[test]
fn refuses_what_the_number_formats_exclude() {
    let grammar = Grammar::load();
    for line in [
        "gc 33 @4.338s 78%: 0.0690+0.094+0.008 ms clock, 0.13+0/0.084/0+0.016 ms cpu, 0->0->0 MB, 4 MB goal, 4 P",
        "gc 33 @4.33s 78%: 0.069+0.094+0.008 ms clock, 0.13+0/0.084/0+0.016 ms cpu, 0->0->0 MB, 4 MB goal, 4 P",
        "gc 33 @4.338s 78%: 10.0+0.094+0.008 ms clock, 0.13+0/0.084/0+0.016 ms cpu, 0->0->0 MB, 4 MB goal, 4 P",
        "gc 33 @4.338s 78%: 0.069+0.094+0.008 ms clock, 0.13+0/0.084/0+0.016 ms cpu, 0->0->0 MB, 4 MB goal, 4 P ",
        "GC forced by the operator",
        "SCHED 107ms: gomaxprocs=4 idleprocs=0 threads=8 spinningthreads=0 idlethreads=1 runqueue=2 [1 2 0 0",
    ] {
        assert_eq!(grammar.read(line), None, "{line}");
    }
}

#[test]
fn finds_trace_lines_inside_other_text() {
    let grammar = Grammar::load();
    let line = "gc176(2): 0+0+1 ms, 3 -> 3 MB 20912SCHED 673ms: gomaxprocs=2 idleprocs=0 threads=7 idlethreads=4 \
                runqueue=1 [2 1]";
    let found = grammar.find(line);
    assert_eq!(found.len(), 1);
    assert_eq!((&line[..found[0].start], found[0].end), ("gc176(2): 0+0+1 ms, 3 -> 3 MB 20912", line.len()));
    assert_eq!(found[0].reading.shape, "sched_1_2");
    assert!(grammar.find("GC forced").is_empty());
}

#[test]
fn tells_runtime_lines_of_later_families_from_application_lines() {
    let grammar = Grammar::load();
    assert!(grammar.is_runtime_line("  P0: status=1 schedtick=15 syscalltick=0 m=3 runqsize=0 gfreecnt=0 timerslen=1"));
    assert!(grammar.is_runtime_line("init internal/godebug @0.18 ms, 0.069 ms clock, 6808 bytes, 129 allocs"));
    assert!(!grammar.is_runtime_line("2026/11/21 07:01:08 GET /metrics 200 6.3ms"));
    let line = "  P0: status=1 schedtick=15 syscalltick=0 m=nil runqsize=0 gfreecnt=0 timerslen=1";
    let values = grammar.values("p_line", line).expect("the rule matches");
    assert_eq!(values[4], Value::Nobody);
}
