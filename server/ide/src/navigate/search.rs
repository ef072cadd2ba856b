//! Search by name over a whole document: a cycle by its number, a thing, a finding, a run, a block, a function.

use tracelog::blocks::{Block, Node};
use tracelog::catalog::gc;
use tracelog::{Family, Loc};

use super::dump_of;
use super::things::{locate, locate_value};
use crate::diagnostics;
use crate::markup;
use crate::snapshot::{Parsed, Snapshot};
use crate::{blocks, words};

/// Most answers to one search.
pub const MAX_FOUND: usize = 200;

/// Longest name, in characters.
const MAX_CHARS: usize = 120;

/// Something with a name.
#[derive(Clone, Debug, PartialEq)]
pub struct Found {
    /// Its name. What was asked for is part of it, because some editors look again.
    pub name: String,
    /// What it is part of.
    pub container: String,
    /// What it is.
    pub kind: FoundKind,
    /// Where it is.
    pub loc: Loc,
    /// How well it fits, the best first.
    pub fit: Fit,
}

/// What was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum FoundKind {
    /// A finding.
    Finding,
    /// A GC cycle.
    Cycle,
    /// A goroutine of a dump or of scheddetail.
    Goroutine,
    /// A thread of scheddetail.
    Thread,
    /// A P of scheddetail.
    Processor,
    /// A run.
    Run,
    /// A dump, a profile, a data race, the state of the scheduler.
    Block,
    /// A function on a stack or in a profile.
    Function,
}

/// How well a name fits what was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fit {
    /// It is what was asked for.
    Exact,
    /// It begins with it.
    Start,
    /// A word of it does.
    Word,
    /// It holds it somewhere.
    Inside,
}

/// What was asked for.
struct Query {
    /// In lower case, without blanks at its ends.
    text: String,
    /// A number, and what it is the number of; nothing where any thing will do.
    number: Option<(String, u64)>,
}

impl Query {
    fn parse(query: &str) -> Self {
        let text = query.trim().to_lowercase();
        let n_digits = text.bytes().rev().take_while(u8::is_ascii_digit).count();
        let (word, digits) = text.split_at(text.len() - n_digits);
        let word = word.trim_end_matches([' ', '#', '=']).to_owned();
        let number = digits.parse().ok().map(|number| (word, number));
        Self { text, number }
    }

    /// The number, if it may be that of such a thing.
    fn number_of(&self, names: &[&str]) -> Option<u64> {
        let (word, number) = self.number.as_ref()?;
        (word.is_empty() || names.contains(&word.as_str())).then_some(*number)
    }

    /// How well a name fits. Every word must be in it.
    fn fit(&self, name: &str) -> Option<Fit> {
        let name = name.to_lowercase();
        if name == self.text {
            return Some(Fit::Exact);
        }
        if name.starts_with(&self.text) {
            return Some(Fit::Start);
        }
        let fits = self.text.split_whitespace().map(|word| {
            let mut at = name.match_indices(word).map(|(at, _)| at).peekable();
            at.peek()?;
            let is_start = |at: usize| !name[..at].chars().next_back().is_some_and(char::is_alphanumeric);
            Some(if at.any(is_start) { Fit::Word } else { Fit::Inside })
        });
        fits.collect::<Option<Vec<Fit>>>()?.into_iter().max()
    }
}

/// What fits a query in a document, the best first. An empty query gives runs and findings.
pub fn search(snapshot: &Snapshot, query: &str) -> Vec<Found> {
    let Some(parsed) = &snapshot.parsed else { return Vec::new() };
    let query = Query::parse(query);
    let mut found = Vec::new();
    cycles(parsed, snapshot, &query, &mut found);
    things(parsed, snapshot, &query, &mut found);
    runs(parsed, &query, &mut found);
    findings(parsed, snapshot, &query, &mut found);
    if !query.text.is_empty() {
        of_blocks(parsed, &query, &mut found);
        functions(parsed, snapshot, &query, &mut found);
    }
    found.sort_by_key(|found| (found.fit, found.kind, found.loc.line));
    found.truncate(MAX_FOUND);
    found
}

/// What a run is called where it is the container.
fn run_name(parsed: &Parsed, run: usize) -> String {
    let source = String::from_utf8_lossy(&parsed.runs.list[run].source).into_owned();
    let name = format!("run {} {}", run + 1, markup::plain(&words::shorten(&source, MAX_CHARS)));
    name.trim_end().to_owned()
}

fn cycles(parsed: &Parsed, snapshot: &Snapshot, query: &Query, found: &mut Vec<Found>) {
    let Some(number) = query.number_of(&["gc", "cycle", "gc cycle"]) else { return };
    let log = &parsed.log;
    for (index, run) in parsed.runs.list.iter().enumerate() {
        let rows = run.rows(Family::Gc).iter().filter(|row| log.code(**row, gc::N) == Some(number));
        for row in rows.take(MAX_FOUND) {
            let at_s = log.value(*row, gc::AT_S).map_or_else(String::new, |at_s| format!(" @{at_s}s"));
            let Some(loc) = locate(snapshot, *row, gc::N) else { continue };
            found.push(Found {
                name: format!("gc {number}{at_s}"),
                container: run_name(parsed, index),
                kind: FoundKind::Cycle,
                loc,
                fit: Fit::Exact,
            });
        }
    }
}

fn things(parsed: &Parsed, snapshot: &Snapshot, query: &Query, found: &mut Vec<Found>) {
    let nodes = [
        query.number_of(&["g", "goroutine", "goroutines"]).map(Node::G),
        query.number_of(&["m", "thread"]).map(Node::M),
        query.number_of(&["p", "processor"]).map(Node::P),
    ];
    for node in nodes.into_iter().flatten() {
        for run in 0..parsed.runs.list.len().min(MAX_FOUND) {
            thing(parsed, snapshot, run, node, found);
        }
    }
}

/// The entries of a thing in the dumps of a run, and the first of its lines in scheddetail.
fn thing(parsed: &Parsed, snapshot: &Snapshot, run: usize, node: Node, found: &mut Vec<Found>) {
    let log = &parsed.log;
    let own = || parsed.things().mentions(run, node).iter().filter(|mention| mention.is_own());
    let (kind, name) = match node {
        Node::G(number) => (FoundKind::Goroutine, format!("goroutine {number}")),
        Node::M(number) => (FoundKind::Thread, format!("thread M{number}")),
        Node::P(number) => (FoundKind::Processor, format!("processor P{number}")),
    };
    let entries = own().filter(|mention| mention.row().family == Family::Goroutine);
    for mention in entries.take(MAX_FOUND) {
        let Some(loc) = locate(snapshot, mention.row(), mention.field()) else { continue };
        let dump = dump_of(parsed, run, mention.row());
        let entry = dump.and_then(|dump| dump.goroutines.iter().find(|entry| entry.row == mention.row()));
        let state = entry.map_or_else(String::new, |entry| markup::plain(&entry.state(log)));
        found.push(Found {
            name: format!("{name} [{}]", words::shorten(&state, MAX_CHARS)),
            container: format!("dump, {}", run_name(parsed, run)),
            kind,
            loc,
            fit: Fit::Exact,
        });
    }
    let in_blocks = || own().filter(|mention| mention.row().family != Family::Goroutine);
    if let Some(loc) = in_blocks().find_map(|mention| locate(snapshot, mention.row(), mention.field())) {
        found.push(Found {
            name: format!("{name}, {}", words::count(in_blocks().count(), "line")),
            container: format!("scheddetail, {}", run_name(parsed, run)),
            kind,
            loc,
            fit: Fit::Exact,
        });
    }
}

fn runs(parsed: &Parsed, query: &Query, found: &mut Vec<Found>) {
    let named = parsed.runs.list.iter().enumerate().filter_map(|(index, run)| {
        let name = run_name(parsed, index);
        let fit = query.fit(&name)?;
        let loc = Loc::new(run.lines.0, 0, 0);
        let container = words::count(run.n_rows(), "trace line");
        Some(Found { name, container, kind: FoundKind::Run, loc, fit })
    });
    found.extend(named.take(MAX_FOUND));
}

fn findings(parsed: &Parsed, snapshot: &Snapshot, query: &Query, found: &mut Vec<Found>) {
    let fitting = parsed.analysis().findings.iter().filter_map(|finding| {
        let name = format!("{} {}: {}", finding.rule.code, finding.rule.slug, finding.message);
        let is_named = [finding.rule.code, finding.rule.slug].iter().any(|id| id.eq_ignore_ascii_case(&query.text));
        let fit = if is_named { Fit::Exact } else { query.fit(&name)? };
        Some((finding, name, fit))
    });
    let mut fitting: Vec<_> = fitting.collect();
    fitting.sort_by_key(|(finding, _, fit)| (*fit, std::cmp::Reverse(finding.severity)));
    for (finding, name, fit) in fitting.into_iter().take(MAX_FOUND) {
        found.push(Found {
            name: markup::plain(&words::shorten(&name, MAX_CHARS)),
            container: finding.run.map_or_else(String::new, |run| run_name(parsed, run)),
            kind: FoundKind::Finding,
            loc: diagnostics::locate(snapshot, finding.place),
            fit,
        });
    }
}

fn of_blocks(parsed: &Parsed, query: &Query, found: &mut Vec<Found>) {
    let named = parsed.blocks().list.iter().filter_map(|block| {
        let name = match block {
            Block::Dump(_) => words::shorten(&blocks::title(&parsed.log, block), MAX_CHARS),
            _ => blocks::name(&parsed.log, block),
        };
        let fit = query.fit(&name)?;
        let loc = Loc::new(block.lines().0, 0, 0);
        Some(Found { name, container: run_name(parsed, block.run()), kind: FoundKind::Block, loc, fit })
    });
    found.extend(named.take(MAX_FOUND));
}

fn functions(parsed: &Parsed, snapshot: &Snapshot, query: &Query, found: &mut Vec<Found>) {
    let functions = parsed.things().functions(&parsed.log).iter();
    let mut fitting: Vec<_> = functions.filter_map(|function| Some((query.fit(&function.name)?, function))).collect();
    fitting.sort_by_key(|(fit, function)| (*fit, std::cmp::Reverse(function.n_frames)));
    for (fit, function) in fitting.into_iter().take(MAX_FOUND) {
        let Some(loc) = locate_value(snapshot, function.row, function.field) else { continue };
        found.push(Found {
            name: markup::plain(&words::shorten(&function.name, MAX_CHARS)),
            container: words::count(function.n_frames, "frame"),
            kind: FoundKind::Function,
            loc,
            fit,
        });
    }
}
