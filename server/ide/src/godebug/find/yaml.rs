//! YAML: maps (`GODEBUG: x`), lists (`- GODEBUG=x`), Kubernetes' pairs of `name` and `value`, commands of workflows.
//!
//! Read line by line. Flow collections (`{}`, `[]`), anchors, tags and values over several lines are passed over, block
//! scalars too, but for those of `run` and `script`, which are shell.

use tracelog::Text;

use super::shell::Shell;
use super::{Assignment, numbered, skip_blanks, to_variable, trim_end};

/// Keys whose values are shell scripts: GitHub, Gitea, GitLab, Circle, Taskfile.
const SCRIPTS: [&str; 5] = ["run", "script", "before_script", "after_script", "cmd"];

/// The assignments of a YAML file.
pub(super) fn scan(text: &Text) -> Vec<Assignment> {
    let mut scanner = Scanner::default();
    for (number, line) in numbered(text) {
        scanner.line(&line, number);
    }
    scanner.close(0);
    // Pairs are known when their item ends.
    scanner.out.sort_by_key(|assignment| (assignment.value.line, assignment.value.start));
    scanner.out
}

#[derive(Default)]
struct Scanner {
    out: Vec<Assignment>,
    /// Items of lists that are open, outermost first.
    items: Vec<Item>,
    going_on: GoingOn,
}

/// What the next lines belong to.
#[derive(Default)]
enum GoingOn {
    #[default]
    Nothing,
    /// A block scalar: lines indented by more than this.
    Block { indent: usize, shell: Option<Shell> },
    /// A flow collection with so many brackets open.
    Flow(usize),
    /// A quoted value.
    Quote(u8),
}

/// An item of a list that is a map: its `name` and its `value`.
struct Item {
    column: usize,
    name: Option<(u32, usize, String)>,
    value: Option<(u32, usize, usize)>,
}

/// What stands behind a key or dash.
enum Scalar {
    /// A value on this line, without quotes.
    Text { start: usize, end: usize },
    /// Nothing yet.
    Empty,
    /// What begins a value of several lines.
    Open(GoingOn),
    /// What is not read.
    Other,
}

impl Scanner {
    fn line(&mut self, line: &str, number: u32) {
        let indent = skip_blanks(line, 0);
        let is_empty = indent == line.len();
        match &mut self.going_on {
            GoingOn::Block { indent: outer, shell } if is_empty || indent > *outer => {
                if let Some(shell) = shell {
                    shell.line(line, number, indent, line.len(), &mut self.out);
                }
                return;
            }
            GoingOn::Flow(depth) => {
                *depth = brackets(line, *depth);
                if *depth == 0 {
                    self.going_on = GoingOn::Nothing;
                }
                return;
            }
            GoingOn::Quote(quote) => {
                if yaml_quote_end(line.as_bytes(), 0, *quote).is_some() {
                    self.going_on = GoingOn::Nothing;
                }
                return;
            }
            GoingOn::Block { .. } | GoingOn::Nothing => self.going_on = GoingOn::Nothing,
        }
        if is_empty || line[indent..].starts_with('#') {
            return;
        }
        if line.starts_with("---") || line.starts_with("...") {
            self.close(0);
            return;
        }
        self.entry(line, number, indent);
    }

    /// Reads `key: value`, `- value` or `- key: value`.
    fn entry(&mut self, line: &str, number: u32, indent: usize) {
        let mut column = indent;
        let mut is_item = false;
        while line[column..].starts_with('-') && line[column + 1..].chars().next().is_none_or(|c| c == ' ' || c == '\t')
        {
            self.close(column);
            is_item = true;
            column = skip_blanks(line, column + 1);
        }
        self.close(column + 1);
        let Some((key_start, key_end, colon)) = key(line, column) else {
            if is_item {
                self.element(line, number, column, indent);
            }
            return;
        };
        if is_item {
            self.items.push(Item { column, name: None, value: None });
        }
        let name = &line[key_start..key_end];
        let scalar = scalar(line, colon + 1, column);
        let item = self.items.last_mut().filter(|item| item.column == column);
        match (name, &scalar, item) {
            ("name" | "key", Scalar::Text { start, end }, Some(item)) => {
                item.name = Some((number, *start, line[*start..*end].to_owned()));
            }
            ("value", Scalar::Text { start, end }, Some(item)) => item.value = Some((number, *start, *end)),
            ("value", Scalar::Empty, Some(item)) if line.ends_with(' ') => {
                item.value = Some((number, line.len(), line.len()))
            }
            (_, Scalar::Text { start, end }, _) if SCRIPTS.contains(&name) => {
                Shell::default().line(line, number, *start, *end, &mut self.out);
            }
            (_, Scalar::Text { start, end }, _) => {
                self.out.extend(to_variable(number, (key_start, name), (*start, *end)));
            }
            (_, Scalar::Empty, _) if line.ends_with(' ') => {
                self.out.extend(to_variable(number, (key_start, name), (line.len(), line.len())));
            }
            _ => {}
        }
        if let Scalar::Open(mut going_on) = scalar {
            if let GoingOn::Block { shell, .. } = &mut going_on
                && SCRIPTS.contains(&name)
            {
                *shell = Some(Shell::default());
            }
            self.going_on = going_on;
        }
    }

    /// Reads `- NAME=value`.
    fn element(&mut self, line: &str, number: u32, column: usize, indent: usize) {
        match scalar(line, column, indent) {
            Scalar::Text { start, end } => {
                if let Some((name, value)) = line[start..end].split_once('=') {
                    self.out.extend(to_variable(number, (start, name), (end - value.len(), end)));
                }
            }
            Scalar::Open(going_on) => self.going_on = going_on,
            Scalar::Empty | Scalar::Other => {}
        }
    }

    /// Ends the items whose keys stand at this column or further in.
    fn close(&mut self, column: usize) {
        while let Some(item) = self.items.pop_if(|item| item.column >= column) {
            if let (Some((line, at, name)), Some((value_line, start, end))) = (item.name, item.value)
                && let Some(found) = to_variable(line, (at, &name), (start, end))
            {
                let value = tracelog::Loc { line: value_line, ..found.value };
                self.out.push(Assignment { value, ..found });
            }
        }
    }
}

/// Start and end of a key, without quotes, and its colon.
fn key(line: &str, from: usize) -> Option<(usize, usize, usize)> {
    let bytes = line.as_bytes();
    let (start, end, colon) = match *bytes.get(from)? {
        quote @ (b'"' | b'\'') => {
            let end = yaml_quote_end(bytes, from + 1, quote)?;
            (from + 1, end, skip_blanks(line, end + 1))
        }
        b'{' | b'[' | b'#' | b'|' | b'>' | b'&' | b'*' | b'!' | b'%' | b'@' | b'`' => return None,
        _ => {
            let ends = |at: &usize| bytes.get(at + 1).is_none_or(|byte| *byte == b' ' || *byte == b'\t');
            let colon = line[from..].match_indices(':').map(|(at, _)| from + at).find(ends)?;
            // A colon in a comment or quote is none of a key.
            if line[from..colon].contains(" #") || line[from..colon].contains(['"', '\'']) {
                return None;
            }
            (from, trim_end(line, from, colon), colon)
        }
    };
    (bytes.get(colon) == Some(&b':')).then_some((start, end, colon))
}

/// What stands at or behind `from`; `indent` is that of the key or dash it belongs to.
fn scalar(line: &str, from: usize, indent: usize) -> Scalar {
    let start = skip_blanks(line, from);
    let bytes = line.as_bytes();
    match bytes.get(start) {
        None | Some(b'#') => Scalar::Empty,
        Some(b'|' | b'>') => Scalar::Open(GoingOn::Block { indent, shell: None }),
        Some(b'{' | b'[') => match brackets(&line[start..], 0) {
            0 => Scalar::Other,
            depth => Scalar::Open(GoingOn::Flow(depth)),
        },
        Some(quote @ (b'"' | b'\'')) => match yaml_quote_end(bytes, start + 1, *quote) {
            Some(end) => {
                let rest = line[end + 1..].trim_start();
                if rest.is_empty() || rest.starts_with('#') {
                    Scalar::Text { start: start + 1, end }
                } else {
                    Scalar::Other
                }
            }
            None => Scalar::Open(GoingOn::Quote(*quote)),
        },
        Some(b'&' | b'*' | b'!' | b'%' | b'@' | b'`') => Scalar::Other,
        Some(_) => {
            let end = line[start..].find(" #").map_or(line.len(), |at| start + at);
            Scalar::Text { start, end: trim_end(line, start, end) }
        }
    }
}

/// Where a YAML quote ends that began before `from`: `''` is a quote inside of single ones.
fn yaml_quote_end(bytes: &[u8], from: usize, quote: u8) -> Option<usize> {
    let mut at = from;
    while at < bytes.len() {
        match bytes[at] {
            b'\\' if quote == b'"' => at += 2,
            b'\'' if quote == b'\'' && bytes.get(at + 1) == Some(&b'\'') => at += 2,
            byte if byte == quote => return Some(at),
            _ => at += 1,
        }
    }
    None
}

/// How many brackets are open behind a line, when so many were before. Quotes and comments are passed over.
fn brackets(line: &str, mut depth: usize) -> usize {
    let bytes = line.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        match bytes[at] {
            b'{' | b'[' => depth += 1,
            b'}' | b']' => depth = depth.saturating_sub(1),
            b'#' if at > 0 && bytes[at - 1] == b' ' => return depth,
            // An apostrophe inside of a word is no quote.
            quote @ (b'"' | b'\'') if at == 0 || !bytes[at - 1].is_ascii_alphanumeric() => {
                match yaml_quote_end(bytes, at + 1, quote) {
                    Some(end) => at = end,
                    None => return depth,
                }
            }
            _ => {}
        }
        at += 1;
    }
    depth
}
