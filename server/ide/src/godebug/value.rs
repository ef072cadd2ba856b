//! What stands in a value: the settings of a GODEBUG list, and what of them is certain.
//!
//! A hole is anything that becomes something else before the program sees it: `$NAME`, `${NAME:-x}`, `$(command)`,
//! `{{ .Values.x }}`, `%i`, an escape, a quote. A hole may become nothing, a letter, or several settings.

use tracelog::Loc;

use super::find::{Assignment, Target};

/// Longest value that is looked at; nobody writes such a one.
const MAX_BYTES: usize = 8192;

/// One setting of a list, from comma to comma.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Entry<'a> {
    /// All of it, with blanks.
    pub(super) loc: Loc,
    /// The name, without blanks around; empty where there is none.
    pub(super) key: Part<'a>,
    /// What follows the `=`, without blanks around; none without a `=`.
    pub(super) value: Option<Part<'a>>,
    /// Whether there are blanks around name or value.
    pub(super) has_blanks: bool,
}

/// Some text of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Part<'a> {
    pub(super) text: &'a str,
    pub(super) loc: Loc,
    /// Whether the program sees exactly this.
    pub(super) is_certain: bool,
}

/// The settings of an assignment, in order; `line` is the text of its line.
pub(super) fn entries<'a>(assignment: &Assignment, line: &'a str) -> Vec<Entry<'a>> {
    let (start, end) = (assignment.value.start as usize, assignment.value.end as usize);
    let Some(text) = line.get(start..end).filter(|text| text.len() <= MAX_BYTES) else { return Vec::new() };
    let whole = |text: &'a str, at: usize, holes: &[(usize, usize)]| entry(text, at, holes, assignment.value.line);
    if !matches!(assignment.target, Target::Variable(_)) {
        return vec![whole(text, start, &[])];
    }
    let holes = holes(text);
    let mut entries = Vec::new();
    let mut begin = 0;
    let commas = text.match_indices(',').map(|(at, _)| at).filter(|at| !holes.iter().any(|(a, b)| a <= at && at < b));
    for comma in commas.chain([text.len()]) {
        let inside: Vec<_> = holes
            .iter()
            .filter(|(a, b)| *a < comma && *b > begin)
            .map(|(a, b)| (a.saturating_sub(begin), b - begin))
            .collect();
        entries.push(whole(&text[begin..comma], start + begin, &inside));
        begin = comma + 1;
    }
    entries
}

/// The whole of a value, as one part.
pub(super) fn single<'a>(assignment: &Assignment, line: &'a str) -> Option<Part<'a>> {
    let (start, end) = (assignment.value.start as usize, assignment.value.end as usize);
    let text = line.get(start..end).filter(|text| text.len() <= MAX_BYTES)?;
    Some(part(text, start, holes(text).is_empty(), assignment.value.line))
}

fn entry<'a>(text: &'a str, at: usize, holes: &[(usize, usize)], line: u32) -> Entry<'a> {
    let loc = Loc::new(line, at as u32, (at + text.len()) as u32);
    // A name may begin behind a hole, as in "${GODEBUG:+$GODEBUG,}gctrace=1".
    let equals = text.match_indices('=').map(|(at, _)| at).find(|at| !holes.iter().any(|(a, b)| a <= at && at < b));
    let key_end = equals.unwrap_or(text.len());
    let key_start = holes.iter().filter(|(_, b)| *b <= key_end).map(|(_, b)| *b).max().unwrap_or(0);
    let is_key_certain = !holes.iter().any(|(a, _)| *a < key_end);
    let key_text = text.get(key_start..key_end).unwrap_or_default();
    let key = part(key_text, at + key_start, is_key_certain, line);
    let value_text = equals.map(|equals| (equals + 1, text.get(equals + 1..).unwrap_or_default()));
    let value = value_text.map(|(start, text)| part(text, at + start, !holes.iter().any(|(_, b)| *b > start), line));
    let has_blanks = key.text.len() != key_text.len()
        || value.zip(value_text).is_some_and(|(value, (_, text))| value.text.len() != text.len());
    Entry { loc, key, value, has_blanks }
}

fn part(text: &str, at: usize, is_certain: bool, line: u32) -> Part<'_> {
    let trimmed = text.trim_matches([' ', '\t']);
    let before = if trimmed.is_empty() { 0 } else { text.len() - text.trim_start_matches([' ', '\t']).len() };
    let start = at + before;
    // A blank inside is no part of any setting: something else was meant.
    let is_certain = is_certain && !trimmed.contains([' ', '\t']);
    Part { text: trimmed, loc: Loc::new(line, start as u32, (start + trimmed.len()) as u32), is_certain }
}

/// Where a text is replaced before the program sees it: byte ranges in order.
fn holes(text: &str) -> Vec<(usize, usize)> {
    let mut holes: Vec<(usize, usize)> = Vec::new();
    let mut at = 0;
    while let Some(c) = text[at..].chars().next() {
        let rest = &text[at..];
        let len = if rest.starts_with("{{") {
            rest.find("}}").map_or(rest.len(), |end| end + 2)
        } else if rest.starts_with("${") {
            balanced(rest, 1, b'{', b'}')
        } else if rest.starts_with("$(") {
            balanced(rest, 1, b'(', b')')
        } else {
            match c {
                '$' => {
                    1 + rest[1..].find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(rest.len() - 1).max(
                        // "$$" and "$?".
                        rest[1..].chars().next().map_or(0, char::len_utf8),
                    )
                }
                '`' => rest[1..].find('`').map_or(rest.len(), |end| end + 2),
                '<' => rest.find('>').map_or(rest.len(), |end| end + 1),
                '\\' => 1 + rest[1..].chars().next().map_or(0, char::len_utf8),
                // A specifier of systemd, as "%i"; a percent sign of people stands alone.
                '%' if rest[1..].starts_with(|c: char| c.is_ascii_alphanumeric() || c == '%') => 2,
                '%' => 0,
                c if is_plain(c) => 0,
                c => c.len_utf8(),
            }
        };
        if len == 0 {
            at += 1;
            continue;
        }
        match holes.last_mut() {
            Some((_, end)) if *end == at => *end = at + len,
            _ => holes.push((at, at + len)),
        }
        at += len;
    }
    holes
}

/// Characters that every kind of file leaves as they are.
fn is_plain(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-' | '+' | '#' | '/' | '=' | ':' | ',' | '*' | ' ' | '\t')
}

/// Length of a text up to the end of the bracket that opens at `from`; all of it when that does not close.
fn balanced(text: &str, from: usize, open: u8, close: u8) -> usize {
    let mut depth = 0usize;
    for (at, byte) in text.bytes().enumerate().skip(from) {
        if byte == open {
            depth += 1;
        } else if byte == close {
            depth = depth.saturating_sub(1);
            if depth == 0 {
                return at + 1;
            }
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::godebug::catalog::Variable;

    /// Each entry as `key=value`, with `?` behind what is not certain and `_` for blanks around.
    fn check(text: &str, expected: &str) {
        let assignment = Assignment {
            target: Target::Variable(Variable::named("GODEBUG").unwrap()),
            name: Loc::default(),
            value: Loc::new(0, 0, text.len() as u32),
        };
        let entries = entries(&assignment, text);
        let shown: Vec<String> = entries
            .iter()
            .map(|entry| {
                let part = |part: Part| {
                    assert_eq!(&text[part.loc.start as usize..part.loc.end as usize], part.text);
                    format!("{}{}", part.text, if part.is_certain { "" } else { "?" })
                };
                let blanks = if entry.has_blanks { "_" } else { "" };
                let value = entry.value.map(|value| format!("={}", part(value))).unwrap_or_default();
                format!("{blanks}{}{value}", part(entry.key))
            })
            .collect();
        assert_eq!(shown.join(" "), expected, "{text}");
    }

    #[test]
    fn cuts_at_commas() {
        check("gctrace=1,schedtrace=1000", "gctrace=1 schedtrace=1000");
        check("gctrace=1, schedtrace=1000", "gctrace=1 _schedtrace=1000");
        check("gctrace = 1", "_gctrace=1");
        check("gctrace", "gctrace");
        check("", "");
        check("gctrace=1,", "gctrace=1 ");
    }

    #[test]
    fn what_is_replaced_is_not_certain() {
        check("$BASE,gctrace=1", "? gctrace=1");
        check("gctrace=$LEVEL,x=1", "gctrace=$LEVEL? x=1");
        check("${GODEBUG:+$GODEBUG,}gctrace=1", "gctrace?=1");
        check("${X:-gctrace=1,schedtrace=5}", "?");
        check("{{ .Values.debug }},gctrace=1", "? gctrace=1");
        check("gctrace={{ .a, .b }}", "gctrace={{ .a, .b }}?");
        check("$(BASE),gctrace=1$(MORE)", "? gctrace=1$(MORE)?");
        check("gctrace=%i,sbrk=1%", "gctrace=%i? sbrk=1%");
        check("`cat x`,a=1", "? a=1");
        check("gctrace=1 ./app", "gctrace=1 ./app?");
        check("$", "?");
        check("${", "?");
        check("<settings>", "?");
        check("gctrace=\"1\"", "gctrace=\"1\"?");
        check("é=1", "?=1");
    }
}
