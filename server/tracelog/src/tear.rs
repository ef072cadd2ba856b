//! Items of one line's content, and the joining of items that other output tore apart.
//!
//! The runtime writes a line in many pieces, and other writers get between them. A line that begins like a template and
//! stops following it is a *head*; a later line that goes on from that very point is its *tail*. Both become one item;
//! what stands between them stays foreign text. A head whose tail never comes keeps the values that a complete literal
//! follows; the value before the tear is not believed, since the first digits of foreign text look like more of it.

use crate::chunk::PartAt;
use crate::template::{self, Match};

/// Heads that are kept open at a time.
const MAX_OPEN: usize = 4;

/// Lines after which an open head is given up.
const MAX_AGE: i64 = 32;

/// What the lines so far leave open. Lines are counted from the end of the chunk, so they are negative.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Carry {
    open: Vec<Open>,
}

/// A head whose tail has not come yet.
#[derive(Clone, Debug, PartialEq)]
struct Open {
    /// All pieces so far, up to the furthest byte that agrees with the template.
    text: Vec<u8>,
    /// Where the head may really have ended, most likely first.
    cuts: Vec<Cut>,
    parts: Vec<PartAt>,
    /// Enough to be an item without its tail.
    certain: bool,
    source: u32,
}

/// A place where a head may have been torn.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Cut {
    at: usize,
    /// The value before the cut may hold foreign digits.
    doubtful: bool,
}

/// What a line gives.
pub enum Found {
    /// An item that stands on this line completely.
    Whole(Match),
    /// A piece of an item whose other pieces are lost, or all pieces of a torn one.
    Fragment {
        /// The values that are certain.
        item: Match,
        /// Where its pieces stand, head first.
        parts: Vec<PartAt>,
        /// The first piece begins in the middle of the template.
        headless: bool,
        /// The field whose value may hold foreign digits.
        doubtful: Option<u8>,
        /// The process, as the carrier of the head names it.
        source: u32,
    },
}

/// Reads content line by line, remembering open heads.
pub struct Tears {
    open: Vec<Open>,
}

impl Tears {
    /// Goes on after `n_lines` lines of a chunk that was left with this carry.
    pub fn resume(carry: Carry, n_lines: u32) -> Self {
        let mut open = carry.open;
        for open in &mut open {
            open.parts.iter_mut().for_each(|part| part.line += i64::from(n_lines));
        }
        Self { open }
    }

    /// What is left open at the end of a chunk of `n_lines` lines.
    pub fn finish(mut self, n_lines: u32) -> Carry {
        for open in &mut self.open {
            open.parts.iter_mut().for_each(|part| part.line -= i64::from(n_lines));
            // Sources are numbered by chunk; a head that crosses a border is rare enough to lose its name.
            open.source = 0;
        }
        Carry { open: self.open }
    }

    /// The items of one line's content.
    pub fn read(&mut self, content: &[u8], line: i64, source: u32) -> Vec<Found> {
        let mut found = Vec::new();
        self.give_up(line, &mut found);
        let from = self.join(content, line, &mut found);
        let n_before = found.len();
        self.items(content, from, line, source, &mut found);
        if from == 0 && found.len() == n_before && self.open.last().is_none_or(|open| open.parts[0].line != line) {
            found.extend(headless(content, line, source));
        }
        found
    }

    /// Heads that waited too long become what was read of them.
    fn give_up(&mut self, line: i64, found: &mut Vec<Found>) {
        while let Some(open) = self.open.first() {
            let age = line - open.parts.last().map_or(line, |part| part.line);
            if age <= MAX_AGE && self.open.len() <= MAX_OPEN {
                break;
            }
            found.extend(self.open.remove(0).abandon());
        }
    }

    /// What is known of the heads that are still open when the text ends.
    pub fn end(&mut self) -> Vec<Found> {
        self.open.drain(..).filter_map(Open::abandon).collect()
    }

    /// Joins the start of a line to an open head, newest first. Returns how many bytes the tail takes.
    fn join(&mut self, content: &[u8], line: i64, found: &mut Vec<Found>) -> usize {
        if content.is_empty() {
            return 0;
        }
        for index in (0..self.open.len()).rev() {
            let open = &self.open[index];
            let Some((cut, item)) = open.cuts.iter().find_map(|cut| Some((*cut, open.with(*cut, content)?))) else {
                continue;
            };
            let mut open = self.open.remove(index);
            let taken = item.end.max(if item.is_complete() { 0 } else { item.furthest }) - cut.at;
            open.cut_parts(cut.at);
            open.parts.push(PartAt { line, start: 0, end: taken as u32 });
            if item.is_complete() {
                let doubtful = cut.doubtful.then(|| value_before(&item, cut.at)).flatten();
                let Open { parts, source, .. } = open;
                found.push(Found::Fragment { item, parts, headless: false, doubtful, source });
            } else {
                // Torn again: more of the head, still without its end.
                open.text.truncate(cut.at);
                open.text.extend_from_slice(&content[..taken]);
                open.cuts = cuts(&item, &content[taken..], open.text.len());
                open.certain |= item.is_certain();
                self.open.push(open);
            }
            return taken;
        }
        0
    }

    /// Items that begin on this line and end on it, behind the tail that takes the first `from` bytes.
    pub fn whole_items(content: &[u8], from: usize) -> Vec<Match> {
        let mut found = Vec::new();
        Self { open: Vec::new() }.items(content, from, 0, 0, &mut found);
        let whole = |found| match found {
            Found::Whole(item) => Some(item),
            Found::Fragment { .. } => None,
        };
        found.into_iter().filter_map(whole).collect()
    }

    /// Items that begin on this line.
    fn items(&mut self, content: &[u8], from: usize, line: i64, source: u32, found: &mut Vec<Found>) {
        let mut at = from;
        // End of the last item: what stands alone may follow it directly.
        let mut edge = from;
        while let Some(start) = template::next_start(content, at) {
            let text = &content[start..];
            let Some(mut item) = template::best(text) else {
                at = start + 1;
                continue;
            };
            if item.is_complete() {
                if item.values.is_empty() && !stands_alone(content, edge, start, start + item.end) {
                    at = start + 1;
                    continue;
                }
                at = start + item.end;
                edge = at;
                shift(&mut item, start);
                found.push(Found::Whole(item));
                continue;
            }
            let certain = item.is_certain();
            self.open.push(Open::new(&item, text, PartAt { line, start: start as u32, end: 0 }, source));
            at = if certain { start + item.end } else { start + 1 };
            edge = at;
        }
    }
}

/// A text without any value is too common to be claimed inside other text: it must be all there is, or touch an item.
fn stands_alone(content: &[u8], edge: usize, start: usize, end: usize) -> bool {
    let begins = start == edge;
    let ends = end == content.len() || template::next_start(content, end) == Some(end);
    begins && ends
}

fn shift(item: &mut Match, by: usize) {
    item.end += by;
    item.furthest += by;
    for value in &mut item.values {
        value.start += by;
        value.end += by;
    }
}

fn headless(content: &[u8], line: i64, source: u32) -> Option<Found> {
    let item = template::rest_of(content)?;
    let parts = vec![PartAt { line, start: 0, end: item.end as u32 }];
    Some(Found::Fragment { item, parts, headless: true, doubtful: None, source })
}

/// The field whose value ends at a byte.
fn value_before(item: &Match, at: usize) -> Option<u8> {
    item.values.iter().find(|value| value.end == at && value.start < at).map(|value| value.field.index)
}

impl Open {
    fn new(item: &Match, text: &[u8], part: PartAt, source: u32) -> Self {
        let end = part.start + item.furthest as u32;
        Self {
            text: text[..item.furthest].to_vec(),
            cuts: cuts(item, &text[item.furthest..], item.furthest),
            parts: vec![PartAt { end, ..part }],
            certain: item.is_certain(),
            source,
        }
    }

    /// The item that this head makes with a line that follows, if it is complete or goes on for a value or more.
    fn with(&self, cut: Cut, content: &[u8]) -> Option<Match> {
        let head = &self.text[..cut.at];
        // A tear lies between pieces: it never leaves half a number on each side.
        if head.last().is_some_and(u8::is_ascii_digit) && content[0].is_ascii_digit() {
            return None;
        }
        let mut text = Vec::with_capacity(head.len() + content.len());
        text.extend_from_slice(head);
        text.extend_from_slice(content);
        let item = template::best(&text)?;
        let alone = template::longest(item.shape, head);
        let went_on = item.is_complete() && item.end > cut.at;
        let torn_again = self.certain && item.pieces >= alone.pieces + 3 && item.end > cut.at;
        (went_on || torn_again).then_some(item)
    }

    /// Shortens the last piece to what lies before the cut.
    fn cut_parts(&mut self, at: usize) {
        let surplus = (self.text.len() - at) as u32;
        if let Some(last) = self.parts.last_mut() {
            last.end = last.end.saturating_sub(surplus).max(last.start);
        }
    }

    /// What is known when no tail came.
    fn abandon(mut self) -> Option<Found> {
        if !self.certain {
            return None;
        }
        let item = template::best(&self.text)?;
        self.cut_parts(item.end.min(self.text.len()));
        Some(Found::Fragment { item, parts: self.parts, headless: false, doubtful: None, source: self.source })
    }
}

/// Where the head may have been torn. `after` is what follows the furthest byte that agrees with the template.
fn cuts(item: &Match, after: &[u8], furthest: usize) -> Vec<Cut> {
    let mut cuts = Vec::new();
    let mut add = |at, doubtful| {
        if !cuts.iter().any(|cut: &Cut| cut.at == at) {
            cuts.push(Cut { at, doubtful });
        }
    };
    match item.doubtful {
        // The text stops right behind a number: the number may go on into foreign text, or be foreign altogether.
        Some(value_end) if value_end == furthest => {
            let is_date = matches!(after, [b'/' | b'-', b'0'..=b'9', b'0'..=b'9', ..]);
            if is_date {
                // `12026/11/21` is a 1 and a date.
                let before_year = value_end.saturating_sub(4);
                if before_year > item.end {
                    add(before_year, false);
                }
            } else {
                let may_go_on = matches!(after, [b'/' | b'-' | b':' | b'.' | b' ' | b',', ..]);
                add(value_end, may_go_on);
            }
        }
        Some(value_end) => {
            add(furthest, false);
            add(value_end, false);
        }
        None => add(furthest, false),
    }
    add(item.end, false);
    cuts
}
