//! Rules of the grammar as regular expressions, and what their groups say about a line.

use std::collections::BTreeMap;
use std::ops::Range;

use regex::{Captures, Regex};

use super::Value;
use super::ebnf::Expr;

/// Rules that print one value. Their matches, in the order printed, are what a line says.
const VALUES: [&str; 8] = ["uint", "int", "hex", "dec3", "msval", "float", "bool01", "idref"];

/// Rules that print text, taken as a whole. Classes outside of these and of `VALUES` are text too.
const TEXTS: [&str; 4] = ["quoted", "text", "word", "args"];

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

/// Whether a rule names the format of a line.
pub fn is_shape(rule: &str) -> bool {
    SHAPES.contains(&rule)
}

/// What a capture group of a compiled rule means. Group numbers follow the order of the vector.
#[derive(Debug)]
enum Slot {
    Value(String),
    Text,
    Mark(String),
    /// A repetition with values inside; a group of its own keeps only the last round, so the rounds are read again.
    List(Box<Compiled>),
}

/// A rule that is ready to match.
#[derive(Debug)]
pub struct Compiled {
    pub regex: Regex,
    slots: Vec<Slot>,
    /// What every match begins with: most lines are told apart by it alone.
    start: String,
}

/// What the groups of one match say.
#[derive(Debug, Default)]
pub struct Said {
    /// Numbers and flags in order.
    pub values: Vec<Value>,
    /// Notes and format names with their text.
    pub marks: Vec<(String, String)>,
    /// Bytes of the line that are no literal of the rule: numbers, flags, references, text. In order.
    pub printed: Vec<Range<usize>>,
}

impl Compiled {
    /// Compiles a rule between two pieces of an expression.
    pub fn rule(rules: &BTreeMap<String, Expr>, name: &str, before: &str, after: &str) -> Compiled {
        let start = if before.starts_with('^') { start(rules, &rules[name]).0 } else { String::new() };
        Compiled { start, ..compile(rules, &rules[name], before, after) }
    }

    /// The match of a whole line.
    pub fn captures<'l>(&self, line: &'l str) -> Option<Captures<'l>> {
        if line.starts_with(&self.start) { self.regex.captures(line) } else { None }
    }

    /// Whether the whole line matches.
    pub fn is_match(&self, line: &str) -> bool {
        line.starts_with(&self.start) && self.regex.is_match(line)
    }

    /// What a match says, in the order printed.
    pub fn said(&self, captures: &Captures<'_>) -> Said {
        let mut said = Said::default();
        self.collect(captures, 0, &mut said);
        said
    }

    fn collect(&self, captures: &Captures<'_>, offset: usize, said: &mut Said) {
        for (idx, slot) in self.slots.iter().enumerate() {
            let Some(group) = captures.get(idx + 1) else { continue };
            let text = group.as_str();
            let span = offset + group.start()..offset + group.end();
            match slot {
                Slot::Value(kind) => {
                    said.values.push(value(kind, text));
                    said.printed.push(span);
                }
                // Two classes in a row spell one word: a name's first character and the rest.
                Slot::Text => match said.printed.last_mut().filter(|last| last.end == span.start) {
                    Some(last) => last.end = span.end,
                    None => said.printed.push(span),
                },
                Slot::Mark(name) => said.marks.push((name.clone(), text.to_owned())),
                Slot::List(round) => {
                    for captures in round.regex.captures_iter(text) {
                        round.collect(&captures, span.start, said);
                    }
                }
            }
        }
    }
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

/// The literal text that every match of an expression begins with, and whether that is all of the expression.
fn start(rules: &BTreeMap<String, Expr>, expr: &Expr) -> (String, bool) {
    match expr {
        Expr::Literal(text) => (text.clone(), true),
        Expr::Rule(name) if name == "TAB" => ("\t".to_owned(), true),
        Expr::Rule(name) => rules.get(name).map_or((String::new(), false), |rule| start(rules, rule)),
        Expr::Sequence(parts) => {
            let mut all = String::new();
            for part in parts {
                let (text, is_all) = start(rules, part);
                all.push_str(&text);
                if !is_all {
                    return (all, false);
                }
            }
            (all, true)
        }
        Expr::Choice(branches) => {
            let starts: Vec<String> = branches.iter().map(|branch| start(rules, branch).0).collect();
            let n_common = (0..=starts[0].len())
                .rev()
                .find(|n| {
                    starts[0].is_char_boundary(*n) && starts.iter().all(|other| other.starts_with(&starts[0][..*n]))
                })
                .unwrap_or(0);
            (starts[0][..n_common].to_owned(), false)
        }
        Expr::Class(_) | Expr::Repeat(..) => (String::new(), false),
    }
}

fn compile(rules: &BTreeMap<String, Expr>, expr: &Expr, before: &str, after: &str) -> Compiled {
    let mut slots = Vec::new();
    let mut pattern = String::from(before);
    write(rules, expr, &mut pattern, Some(&mut slots));
    pattern.push_str(after);
    let regex = Regex::new(&pattern).expect("the grammar gives valid expressions");
    Compiled { regex, slots, start: String::new() }
}

/// Appends the expression. Without `slots` nothing is captured.
fn write(rules: &BTreeMap<String, Expr>, expr: &Expr, out: &mut String, mut slots: Option<&mut Vec<Slot>>) {
    match expr {
        Expr::Literal(text) => out.push_str(&regex::escape(text)),
        Expr::Class(class) => {
            open(out, slots, Slot::Text);
            out.push_str(class);
            out.push(')');
        }
        Expr::Rule(name) if name == "TAB" => out.push_str(r"\t"),
        Expr::Rule(name) if name == "SP" => out.push(' '),
        Expr::Rule(name) => {
            let rule = rules.get(name).unwrap_or_else(|| panic!("rule {name} is not defined"));
            let name = name.as_str();
            if VALUES.contains(&name) {
                open(out, slots, Slot::Value(name.to_owned()));
                write(rules, rule, out, None);
            } else if TEXTS.contains(&name) {
                open(out, slots, Slot::Text);
                write(rules, rule, out, None);
            } else if SHAPES.contains(&name) || NOTES.contains(&name) {
                open(out, slots.as_deref_mut(), Slot::Mark(name.to_owned()));
                write(rules, rule, out, slots);
            } else {
                out.push_str("(?:");
                write(rules, rule, out, slots);
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
            let is_class = matches!(**inner, Expr::Class(_));
            let is_list = *sign != '?' && prints_values(rules, inner);
            match slots {
                Some(slots) if is_class => {
                    open(out, Some(slots), Slot::Text);
                    write(rules, inner, out, None);
                    out.push(*sign);
                    out.push(')');
                }
                Some(slots) if is_list => {
                    open(out, Some(slots), Slot::List(Box::new(compile(rules, inner, "", ""))));
                    out.push_str("(?:");
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

/// Opens a group, one that captures where somebody asks for it.
fn open(out: &mut String, slots: Option<&mut Vec<Slot>>, slot: Slot) {
    match slots {
        Some(slots) => {
            slots.push(slot);
            out.push('(');
        }
        None => out.push_str("(?:"),
    }
}

fn prints_values(rules: &BTreeMap<String, Expr>, expr: &Expr) -> bool {
    match expr {
        Expr::Literal(_) => false,
        Expr::Class(_) => true,
        Expr::Rule(name) => {
            VALUES.contains(&name.as_str()) || rules.get(name).is_some_and(|rule| prints_values(rules, rule))
        }
        Expr::Sequence(parts) | Expr::Choice(parts) => parts.iter().any(|part| prints_values(rules, part)),
        Expr::Repeat(inner, _) => prints_values(rules, inner),
    }
}
