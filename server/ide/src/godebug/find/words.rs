//! Words as shells, Dockerfiles and systemd cut them, and assignments in them.

use super::{Assignment, skip_blanks, to_variable};

/// What a blank in a word that is quoted as a whole separates.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Quoted {
    /// Nothing: `Environment="GODEBUG=a, b"`.
    IsValue,
    /// Perhaps a command: `sh -c "GODEBUG=a ./app"`.
    MayBeCommand,
}

/// Where a scan of one line ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// At the end of the line, or at a comment.
    Line,
    /// Inside of this quote, which the next lines go on with.
    Quote(u8),
}

/// How words are cut.
#[derive(Clone, Copy)]
pub(super) struct Style {
    /// `#` at the start of a word begins a comment.
    pub(super) has_comments: bool,
    /// `;`, `&`, `|`, `(`, `)`, `<`, `>` end words.
    pub(super) has_operators: bool,
    /// What a blank in a quoted word separates.
    pub(super) quoted: Quoted,
}

/// Adds the assignments among the words of `line[from..to]`.
pub(super) fn scan(line: &str, number: u32, from: usize, to: usize, style: Style, out: &mut Vec<Assignment>) -> End {
    let bytes = line.as_bytes();
    let to = to.min(bytes.len());
    let mut at = from;
    loop {
        at = skip_blanks(line, at);
        if at >= to || (style.has_comments && bytes[at] == b'#') {
            return End::Line;
        }
        if style.has_operators && is_operator(bytes[at]) {
            at += 1;
            continue;
        }
        match word_end(bytes, at, to, style) {
            Ok(end) => {
                out.extend(assignment(line, number, at, end, style.quoted));
                at = end;
            }
            Err(quote) => return End::Quote(quote),
        }
    }
}

/// Where the word that begins at `from` ends, or the quote in it that does not end on the line.
fn word_end(bytes: &[u8], from: usize, to: usize, style: Style) -> Result<usize, u8> {
    let mut at = from;
    while at < to {
        match bytes[at] {
            b' ' | b'\t' => return Ok(at),
            b'\\' => at += 2,
            quote @ (b'"' | b'\'') => at = quote_end(bytes, at + 1, to, quote).ok_or(quote)? + 1,
            b'`' => at = quote_end(bytes, at + 1, to, b'`').ok_or(b'`')? + 1,
            b'$' if at + 1 < to && matches!(bytes[at + 1], b'(' | b'{') => at = bracket_end(bytes, at + 1, to),
            b'{' if at + 1 < to && bytes[at + 1] == b'{' => at = bracket_end(bytes, at, to),
            byte if style.has_operators && is_operator(byte) => return Ok(at),
            _ => at += 1,
        }
    }
    Ok(to)
}

fn is_operator(byte: u8) -> bool {
    matches!(byte, b';' | b'&' | b'|' | b'(' | b')' | b'<' | b'>')
}

/// Where a quote ends that began before `from`.
pub(super) fn quote_end(bytes: &[u8], from: usize, to: usize, quote: u8) -> Option<usize> {
    let mut at = from;
    while at < to {
        match bytes[at] {
            byte if byte == quote => return Some(at),
            b'\\' if quote != b'\'' => at += 2,
            _ => at += 1,
        }
    }
    None
}

/// One past the end of the brackets that open at `from`; the end when they do not close.
fn bracket_end(bytes: &[u8], from: usize, to: usize) -> usize {
    let (open, close) = if bytes[from] == b'(' { (b'(', b')') } else { (b'{', b'}') };
    let mut depth = 0usize;
    for (at, byte) in bytes.iter().enumerate().take(to).skip(from) {
        if *byte == open {
            depth += 1;
        } else if *byte == close {
            depth -= 1;
            if depth == 0 {
                return at + 1;
            }
        }
    }
    to
}

/// The assignment that a word is, or holds: `NAME=value`, `"NAME=value"`, `--env=NAME=value`, `-eNAME=value`.
fn assignment(line: &str, number: u32, start: usize, end: usize, quoted: Quoted) -> Option<Assignment> {
    let word = line.get(start..end)?;
    if let Some((from, to)) = unquoted(word, start)
        && from > start
    {
        // Of a command in quotes only the first word is certain to be the value.
        let inner = line.get(from..to)?;
        let to = match quoted {
            Quoted::MayBeCommand => inner.find([' ', '\t']).map_or(to, |at| from + at),
            Quoted::IsValue => to,
        };
        return named(line, number, from, to);
    }
    if let Some(found) = named(line, number, start, end) {
        return Some(found);
    }
    if !word.starts_with('-') {
        return None;
    }
    let flag = if word.starts_with("--") { word.find('=')? + 1 } else { 2 };
    let inner = word.get(flag..)?;
    match unquoted(inner, start + flag) {
        Some((from, to)) => named(line, number, from, to),
        None => named(line, number, start + flag, end),
    }
}

/// The inside of a text that is one quote from end to end; the text itself when it begins with none.
fn unquoted(text: &str, at: usize) -> Option<(usize, usize)> {
    let bytes = text.as_bytes();
    match bytes.first()? {
        quote @ (b'"' | b'\'') => {
            let end = quote_end(bytes, 1, bytes.len(), *quote)?;
            (end + 1 == bytes.len()).then_some((at + 1, at + end))
        }
        _ => Some((at, at + bytes.len())),
    }
}

/// `NAME=value` in `line[start..end]`; quotes around the value are taken off.
fn named(line: &str, number: u32, start: usize, end: usize) -> Option<Assignment> {
    let text = line.get(start..end)?;
    let (name, value) = text.split_once('=')?;
    // `NAME+=value` of shells adds to what is there.
    let name = name.strip_suffix('+').unwrap_or(name);
    let at = end - value.len();
    let value = unquoted(value, at).unwrap_or((at, end));
    to_variable(number, (start, name), value)
}
