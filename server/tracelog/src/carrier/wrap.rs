//! What people and tools put around a line that they show: comments, quotes, indentation, names of files and streams.
//!
//! These forms are so plain that any text may begin like that. So they are carriers only around what begins like a trace
//! line, and from there on as long as the same bytes stand in front of the lines that follow ([`Context`]).

use super::context::{Context, Lesson, NOTHING};
use super::layer::{Content, Layer};
use super::{Carrier, begins_item, begins_trace, json};

/// The layer that earlier lines have shown.
pub(super) fn known(bytes: &[u8], context: &Context, depth: usize, lesson: &mut Lesson) -> Option<Layer> {
    if let Some(wrap) = context.wrap_at(depth).filter(|_| !lesson.wrapped) {
        let bare = wrap.trim_ascii_end();
        if bytes.starts_with(wrap) || (bytes.starts_with(bare) && bytes[bare.len()..].trim_ascii().is_empty()) {
            let prefix_len = wrap.len().min(bytes.len());
            lesson.wrapped = true;
            return Some(wrapped(bytes, prefix_len));
        }
    }
    let name = context.names().find(|name| bytes.starts_with(name))?;
    Some(named(bytes, name.len()))
}

/// A layer around what begins like a trace line, perhaps inside some more such layers. `is_stamped`: a time stamp stood
/// in front of it.
pub(super) fn shown(bytes: &[u8], depth: usize, is_stamped: bool, more: usize, lesson: &mut Lesson) -> Option<Layer> {
    let first = *bytes.first()?;
    if let Some(len) = place(bytes).filter(|len| carries_trace(&bytes[*len..], more)) {
        return Some(Layer::part(Carrier::Grep, len..bytes.len()));
    }
    let is_mark = matches!(
        first,
        b' ' | b'\t' | b'/' | b'#' | b'>' | b'*' | b';' | b'-' | b'+' | b'%' | b'|' | b'"' | b'\'' | b'`' | b'<'
    );
    if is_mark
        && !lesson.wrapped
        && let Some(prefix_len) = marks(bytes, more)
    {
        lesson.wrapped = true;
        lesson.wrap = Some((depth, bytes[..prefix_len].into()));
        return Some(wrapped(bytes, prefix_len));
    }
    let name_len = stream(bytes, is_stamped)?;
    carries_trace(&bytes[name_len..], more).then_some(())?;
    lesson.name = Some(bytes[..name_len].into());
    Some(named(bytes, name_len))
}

/// What a program wrote without a line end, in front of the words with which it ends. What those words are is decided by
/// the lines behind: many programs write them.
pub(super) fn unfinished(bytes: &[u8]) -> Option<Layer> {
    const WORDS: [&[u8]; 2] = [b"panic", b"fatal error"];
    // Colons are few in a line, and behind each of these words there is one.
    let at = memchr::memchr_iter(b':', bytes).filter(|colon| bytes.get(colon + 1) == Some(&b' ')).find_map(|colon| {
        let before = &bytes[..colon];
        if let Some(word) = WORDS.iter().find(|word| before.ends_with(word)) {
            return Some(colon - word.len());
        }
        let name = before.iter().rev().take_while(|byte| byte.is_ascii_uppercase()).count();
        let at = colon - name;
        // Behind a panic it stands in brackets.
        let is_signal = name > 4 && before[at..].starts_with(b"SIG") && !before[..at].ends_with(b"[signal ");
        is_signal.then_some(at)
    });
    let at = at.filter(|at| *at > 0)?;
    Some(Layer::part(Carrier::Unfinished, at..bytes.len()))
}

/// Whether some bytes are a trace line once carriers are peeled, with so many layers of this kind among them at most.
pub(super) fn carries_trace(bytes: &[u8], more: usize) -> bool {
    let is_carried = || {
        let peeled = super::peel_to(bytes, &NOTHING, more);
        !peeled.is_unfinished() && begins_trace(&peeled.content)
    };
    begins_trace(bytes) || is_carried()
}

/// The length of the marks in front of what begins like a trace line.
fn marks(bytes: &[u8], more: usize) -> Option<usize> {
    const MAX_LEN: usize = 80;
    let mut at = 0;
    let mut blanks = 0;
    let end = bytes.len().min(MAX_LEN);
    while at < end {
        let rest = &bytes[at..];
        let len = match rest[0] {
            b' ' | b'\t' => {
                blanks += 1;
                at += 1;
                continue;
            }
            // Numbers of MemStats begin with this mark themselves.
            b'#' if rest.starts_with(b"# ") && begins_trace(rest) => break,
            b'#' | b'>' | b'*' | b';' | b'-' | b'+' | b'%' | b'|' | b'"' | b'\'' | b'`' => 1,
            b'/' if rest.starts_with(b"//") || rest.starts_with(b"/*") => 2,
            b'<' if rest.starts_with(b"<!--") => 4,
            b'<' => tag(rest)?,
            _ => break,
        };
        at += len;
        blanks = 0;
    }
    if at == bytes.len() {
        return None;
    }
    // Blanks may belong to the line: those of scheddetail begin with two, goroutines of goleak with one. Lines of blocks
    // that begin with a tab show nothing by themselves.
    let begins = |kept: &usize| {
        let rest = &bytes[at - kept..];
        begins_item(rest) || rest.starts_with(b" Goroutine ") && begins_trace(rest)
    };
    let kept = (1..=blanks.min(8)).find(begins).unwrap_or(0);
    let is_shown = if kept > 0 { at > kept } else { at > 0 && carries_trace(&bytes[at..], more) };
    is_shown.then_some(at - kept)
}

/// The length of `<pre>`, `</td>` and the like.
fn tag(bytes: &[u8]) -> Option<usize> {
    const MAX_LEN: usize = 60;
    let within = &bytes[..bytes.len().min(MAX_LEN)];
    let is_tag = within.get(1).is_some_and(|byte| byte.is_ascii_alphabetic() || *byte == b'/');
    memchr::memchr(b'>', within).filter(|_| is_tag).map(|at| at + 1)
}

/// The layer that some marks make, named for the strongest of them.
fn wrapped(bytes: &[u8], prefix_len: usize) -> Layer {
    let prefix = &bytes[..prefix_len];
    let quote = prefix.iter().rev().find(|byte| !matches!(byte, b' ' | b'\t'));
    let has = |marks: &[u8]| prefix.iter().any(|byte| marks.contains(byte));
    if let Some(quote @ (b'"' | b'\'' | b'`')) = quote {
        return quoted(bytes, prefix_len, *quote);
    }
    let carrier = if prefix.contains(&b'<') {
        Carrier::Html
    } else if has(b">") {
        Carrier::Quote
    } else if has(b"/#*;-+%|") {
        Carrier::Comment
    } else {
        Carrier::Indent
    };
    let mut end = bytes.len();
    for closing in [b"*/".as_slice(), b"-->"] {
        let opened = carrier == Carrier::Comment || carrier == Carrier::Html;
        if opened && bytes[prefix_len..].ends_with(closing) {
            end -= closing.len();
        }
    }
    while carrier == Carrier::Html && bytes[prefix_len..end].ends_with(b">") {
        let Some(start) = memchr::memrchr(b'<', &bytes[prefix_len..end]) else { break };
        end = prefix_len + start;
    }
    let trimmed = bytes[prefix_len..end].trim_ascii_end().len();
    Layer::part(carrier, prefix_len..if end < bytes.len() { prefix_len + trimmed } else { end })
}

/// A string of a program, with what may follow it.
fn quoted(bytes: &[u8], prefix_len: usize, quote: u8) -> Layer {
    let inside = match quote {
        b'"' => json::string_len(&bytes[prefix_len..]).map_or(bytes.len(), |len| prefix_len + len - 1),
        _ => memchr::memchr(quote, &bytes[prefix_len..]).map_or(bytes.len(), |len| prefix_len + len),
    };
    let content = match quote {
        b'"' => json::unquote(bytes, prefix_len..inside),
        _ => Content::Part(prefix_len..inside),
    };
    Layer { content, ..Layer::part(Carrier::Quoted, 0..0) }
}

/// The length of `app.log:12:`, `app.log:`, `12:` or `  12<TAB>`, of grep and `cat -n`.
fn place(bytes: &[u8]) -> Option<usize> {
    const MAX_PATH: usize = 120;
    let within = &bytes[..bytes.len().min(MAX_PATH)];
    let start = within.iter().position(|byte| *byte != b' ')?;
    let colon = start + within[start..].iter().position(|byte| matches!(byte, b':' | b' ' | b'\t'))?;
    let path = &within[start..colon];
    let is_number = |text: &[u8]| !text.is_empty() && text.iter().all(u8::is_ascii_digit);
    if within[colon] == b' ' {
        return None;
    }
    if is_number(path) {
        return Some(colon + 1);
    }
    if !path.iter().any(|byte| matches!(byte, b'.' | b'/')) {
        return None;
    }
    let number = within[colon + 1..].iter().take_while(|byte| byte.is_ascii_digit()).count();
    let numbered = number > 0 && within.get(colon + 1 + number) == Some(&b':');
    Some(if numbered { colon + 2 + number } else { colon + 1 })
}

/// The length of a name in front of the text that says which stream it is from.
fn stream(bytes: &[u8], is_stamped: bool) -> Option<usize> {
    const MAX_NAME: usize = 160;
    let within = &bytes[..bytes.len().min(MAX_NAME)];
    let blank = memchr::memchr(b' ', within)?;
    let first = &within[..blank];
    let plain = |text: &[u8]| text.iter().all(|byte| byte.is_ascii_alphanumeric() || b"-._/$[]:@".contains(byte));
    // `[api] `, of concurrently and other runners.
    if let [b'[', name @ .., b']'] = first {
        return (!name.is_empty() && plain(name) && !name.contains(&b'[')).then_some(blank + 1);
    }
    // `aws logs tail`: the name of a log stream behind the time.
    if is_stamped && plain(first) && first.iter().any(|byte| matches!(byte, b'/' | b'[' | b'-')) {
        return Some(blank + 1);
    }
    // stern: the pod, whose name ends in a part made by machine, and the container.
    let small = |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'.');
    let is_pod = first.iter().all(small) && first.contains(&b'-') && first.iter().any(u8::is_ascii_digit);
    let second = memchr::memchr(b' ', &within[blank + 1..]).filter(|_| is_pod)?;
    let container = &within[blank + 1..blank + 1 + second];
    (!container.is_empty() && container.iter().all(small)).then_some(blank + second + 2)
}

fn named(bytes: &[u8], name_len: usize) -> Layer {
    let source = bytes[..name_len].trim_ascii_end().len();
    Layer::part(Carrier::Stream, name_len..bytes.len()).from(0..source)
}
