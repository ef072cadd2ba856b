//! Items of one line's content, and the joining of items that other output tore apart.
//!
//! The runtime writes a line in many pieces, and other writers get between them. A line that begins like a template and
//! stops following it is a *head*; a later line that goes on from that very point is its *tail*. Both become one item;
//! what stands between them stays foreign text. A head whose tail never comes keeps the values that a complete literal
//! follows; the value before the tear is not believed, since the first digits of foreign text look like more of it.

mod record;
mod wrapped;

use std::cmp::Reverse;
use std::sync::Arc;

use crate::block::Blocks;
use crate::carrier::Context;
use crate::catalog::{Field, Kind, Piece};
use crate::chunk::PartAt;
use crate::template::{self, Datum, Match};

/// Heads that are kept open at a time.
const MAX_OPEN: usize = 4;

/// Lines after which an open head is given up.
const MAX_AGE: i64 = 32;

/// What the lines so far leave open. Lines are counted from the end of the chunk, so they are negative.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Carry {
    open: Vec<Open>,
    held: Vec<record::Held>,
    /// Blocks that are open.
    pub(crate) blocks: Blocks,
    /// What the lines have shown about those that follow.
    pub context: Arc<Context>,
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
    /// What follows to the end of its line, where that may be the beginning of a value: the line may have been wrapped.
    rest: Option<Vec<u8>>,
    source: Arc<[u8]>,
}

/// A place where a head may have been torn.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Cut {
    at: usize,
    doubt: Doubt,
}

/// Which value next to a cut may be wrong.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Doubt {
    None,
    /// The one before it may hold foreign digits.
    Before,
    /// The one behind it may lack digits that were taken for foreign.
    Behind,
    /// None, if a text ends here.
    TextEnd(usize),
}

/// What a line gives.
pub enum Found {
    /// An item that stands on this line completely.
    Whole(Match),
    /// An item that stands completely on an earlier line, whose end was not known until now.
    Late {
        /// The item.
        item: Match,
        /// Its line.
        line: i64,
        /// The process, as the carrier of that line names it.
        source: Arc<[u8]>,
    },
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
        source: Arc<[u8]>,
    },
}

/// Reads content line by line, remembering open heads.
pub struct Tears {
    open: Vec<Open>,
    /// Ends of records whose lines go on in the next one.
    held: Vec<record::Held>,
}

impl Tears {
    /// Goes on after `n_lines` lines of a chunk that was left with this carry.
    pub fn resume(carry: Carry, n_lines: u32) -> Self {
        let Carry { mut open, mut held, .. } = carry;
        let parts = open.iter_mut().map(|open| &mut open.parts).chain(held.iter_mut().map(|held| &mut held.parts));
        parts.flatten().for_each(|part| part.line += i64::from(n_lines));
        Self { open, held }
    }

    /// What is left open at the end of a chunk of `n_lines` lines that have shown this.
    pub fn finish(self, n_lines: u32, context: Arc<Context>) -> Carry {
        let Self { mut open, mut held } = self;
        let parts = open.iter_mut().map(|open| &mut open.parts).chain(held.iter_mut().map(|held| &mut held.parts));
        parts.flatten().for_each(|part| part.line -= i64::from(n_lines));
        Carry { open, held, blocks: Blocks::default(), context }
    }

    /// The items of one line's content, which this process has written.
    pub fn read(&mut self, content: &[u8], line: i64, source: &Arc<[u8]>) -> Vec<Found> {
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
        let mut found = Vec::new();
        while let Some(held) = self.held.pop() {
            self.give_back(held, &mut found);
        }
        found.extend(self.open.drain(..).filter_map(Open::abandon));
        found
    }

    /// Joins the start of a line to an open head, newest first. Returns how many bytes the tail takes.
    fn join(&mut self, content: &[u8], line: i64, found: &mut Vec<Found>) -> usize {
        if content.is_empty() {
            return 0;
        }
        for index in (0..self.open.len()).rev() {
            let open = &self.open[index];
            if let Some(wrapped) = open.wrapped(content, line) {
                return self.keep_wrapped(index, wrapped, content, line, found);
            }
            let Some((cut, joined)) = open.cuts.iter().find_map(|cut| Some((*cut, open.with(*cut, content)?))) else {
                continue;
            };
            let Joined { mut text, item } = joined;
            let mut open = self.open.remove(index);
            open.cut_parts(cut.at);
            if item.is_complete() {
                let taken = item.end - cut.at;
                open.parts.push(PartAt { line, start: 0, end: taken as u32, blank: false });
                let doubtful = item.values.iter().find(|value| match cut.doubt {
                    Doubt::None | Doubt::TextEnd(_) => false,
                    // A list goes on behind the cut.
                    Doubt::Before => value.start < cut.at && cut.at <= value.end,
                    Doubt::Behind => value.start == cut.at,
                });
                // A text that Go has is whole: it is printed in one go.
                let doubtful = doubtful.filter(|value| !is_known_text(value)).map(|value| value.field.index);
                let Open { parts, source, .. } = open;
                found.push(Found::Fragment { item, parts, headless: false, doubtful, source });
                return taken;
            }
            // Torn again: more of the head, still without its end.
            let (item, cuts) = head(item, &text);
            let taken = item.furthest.saturating_sub(cut.at);
            // A blank with which it would go on may as well begin another item.
            let read = item.doubtful.unwrap_or(item.end).saturating_sub(cut.at);
            open.parts.push(PartAt { line, start: 0, end: taken as u32, blank: false });
            open.rest = rest_of_value(&content[taken..]);
            text.truncate(item.furthest);
            open.text = text;
            open.cuts = cuts;
            open.certain |= item.is_certain();
            self.open.push(open);
            return read;
        }
        0
    }

    /// Items that begin on this line and end on it, behind the tail that takes the first `from` bytes.
    pub fn whole_items(content: &[u8], from: usize) -> Vec<Match> {
        let mut found = Vec::new();
        Self { open: Vec::new(), held: Vec::new() }.items(content, from, 0, &Arc::default(), &mut found);
        let whole = |found| match found {
            Found::Whole(item) => Some(item),
            Found::Late { .. } | Found::Fragment { .. } => None,
        };
        found.into_iter().filter_map(whole).collect()
    }

    /// Items that begin on this line.
    fn items(&mut self, content: &[u8], from: usize, line: i64, source: &Arc<[u8]>, found: &mut Vec<Found>) {
        let mut at = from;
        // End of the last item: what stands alone may follow it directly.
        let mut edge = from;
        while let Some(start) = template::next_start(content, at) {
            let text = &content[start..];
            let Some(mut item) = template::best(text) else {
                at = start + 1;
                continue;
            };
            if item.pieces > 1 && !item.is_complete() {
                item = template::handwritten(text).unwrap_or(item);
            }
            if item.is_complete() && has_doubtful_end(&item, text) {
                item = without_last(item);
            } else if item.is_complete() {
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
            let (item, cuts) = head(item, text);
            let certain = item.is_certain();
            self.open.push(Open {
                text: text[..item.furthest].to_vec(),
                cuts,
                parts: vec![PartAt { line, start: start as u32, end: (start + item.furthest) as u32, blank: false }],
                certain,
                rest: rest_of_value(&text[item.furthest..]),
                source: source.clone(),
            });
            if self.open.len() > MAX_OPEN {
                // Other text often begins like an item: it must not push out what is known to be one.
                let weakest = self.open.iter().position(|open| !open.certain).unwrap_or(0);
                found.extend(self.open.remove(weakest).abandon());
            }
            at = if certain { start + item.end } else { start + 1 };
            edge = at;
        }
    }
}

/// Whether a number at the very end of a template may be other output: text follows it directly, and no item does.
fn has_doubtful_end(item: &Match, text: &[u8]) -> bool {
    let ends_in_value = matches!(item.shape.def().pieces.last(), Some(Piece::Value(..)));
    ends_in_value
        && !text[item.end..].trim_ascii().is_empty()
        && text[item.end - 1].is_ascii_digit()
        && template::next_start(text, item.end) != Some(item.end)
}

/// A complete item as if its last number had not been printed.
fn without_last(mut item: Match) -> Match {
    if let Some(last) = item.values.pop() {
        item.pieces -= 1;
        item.end = last.start;
        item.furthest = last.end;
        item.doubtful = Some(last.end);
    }
    item
}

/// What stands behind the furthest byte that agrees with a template, if all of it may be the beginning of a value: `0.`.
fn rest_of_value(rest: &[u8]) -> Option<Vec<u8>> {
    const MAX_LEN: usize = 24;
    let may_be = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'+');
    // A list goes on behind a blank.
    let value = rest.strip_suffix(b" ").unwrap_or(rest);
    (rest.len() <= MAX_LEN && value.iter().all(may_be)).then(|| rest.to_vec())
}

/// Where a date begins into which the template was followed: `0.40/2026/11/21 07:01:08` is no number but a tear.
fn date_in(item: &Match, text: &[u8]) -> Option<usize> {
    let is_date = |at: &usize| {
        let digit = |at: usize| text.get(at).is_some_and(u8::is_ascii_digit);
        let separator = |at: usize| matches!(text.get(at), Some(b'/' | b'-'));
        matches!(text[*at..], [b'2', b'0', ..] | [b'1', b'9', ..])
            && (2..4).chain(5..7).chain(8..DATE_LEN).all(|byte| digit(at + byte))
            && separator(at + 4)
            && separator(at + 7)
    };
    // A date that a complete literal follows would be numbers of the line after all.
    let complete = item.doubtful.unwrap_or(item.end);
    // With the year, a number may be too large to be one, or not as Go prints it: `02026`, `1e-102026`.
    let of_number = |byte: &u8| matches!(byte, b'-' | b'+' | b'.' | b'e' | b'0'..=b'9');
    let n_digits = text[item.furthest..].iter().take(MAX_NUMBER_LEN).take_while(|byte| of_number(byte)).count();
    (complete.saturating_sub(DATE_LEN)..item.furthest + n_digits).rev().find(is_date)
}

/// Bytes of `2026/11/21`.
const DATE_LEN: usize = 10;

/// No number is longer, with the year of a date behind it.
const MAX_NUMBER_LEN: usize = 32;

/// A text without any value is too common to be claimed inside other text: it must be all there is, or touch an item.
fn stands_alone(content: &[u8], edge: usize, start: usize, end: usize) -> bool {
    let begins = start == edge;
    let ends = end == content.len() || template::next_start(content, end) == Some(end);
    begins && ends
}

pub(crate) fn shift(item: &mut Match, by: usize) {
    item.end += by;
    item.furthest += by;
    for value in &mut item.values {
        value.start += by;
        value.end += by;
    }
}

fn headless(content: &[u8], line: i64, source: &Arc<[u8]>) -> Option<Found> {
    let item = template::rest_of(content)?;
    let parts = vec![PartAt { line, start: 0, end: item.end as u32, blank: false }];
    Some(Found::Fragment { item, parts, headless: true, doubtful: None, source: source.clone() })
}

/// A head and a line that follows, as one text.
struct Joined {
    text: Vec<u8>,
    item: Match,
}

impl Open {
    /// The item that this head makes with a line that follows, if it is complete or goes on for a value or more.
    fn with(&self, cut: Cut, content: &[u8]) -> Option<Joined> {
        let head = &self.text[..cut.at];
        // A tear lies between pieces: it never leaves half a number on each side.
        if head.last().is_some_and(u8::is_ascii_digit) && content[0].is_ascii_digit() {
            return None;
        }
        let mut text = Vec::with_capacity(head.len() + content.len());
        text.extend_from_slice(head);
        text.extend_from_slice(content);
        let item = template::best(&text)?;
        if let Doubt::TextEnd(end) = cut.doubt
            && !item.values.iter().any(|value| value.end == end)
        {
            return None;
        }
        let alone = template::longest(item.shape, head);
        let went_on = item.is_complete() && item.end > cut.at;
        let torn_again = self.certain && item.pieces >= alone.pieces + 3 && item.end > cut.at;
        (went_on || torn_again).then_some(Joined { text, item })
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
        let Match { shape, end, .. } = template::best(&self.text)?;
        let item = template::agreed(shape, &self.text[..end]);
        // The number at its end may be more than was printed.
        let is_doubtful = item.is_complete() && self.cuts.iter().any(|cut| cut.at == end && cut.doubt == Doubt::Before);
        let doubtful = item.values.last().filter(|_| is_doubtful).map(|value| value.field.index);
        self.cut_parts(end);
        Some(Found::Fragment { item, parts: self.parts, headless: false, doubtful, source: self.source })
    }
}

/// What of an incomplete item belongs to it for sure, and where it may have been torn, most likely first.
fn head(item: Match, text: &[u8]) -> (Match, Vec<Cut>) {
    let date = date_in(&item, text);
    let (item, text) = match date {
        // Without the date it may be a line of another release, in whose notation the last number is one.
        Some(date) => {
            let text = &text[..date];
            let same = template::longest(item.shape, text);
            (template::best(text).filter(|other| other.furthest > same.furthest).unwrap_or(same), text)
        }
        None => (item, text),
    };
    let item = if item.is_complete() { without_last(item) } else { item };
    if let Some(field) = next_text(&item) {
        return head_before_text(item, field, text);
    }
    let after = &text[item.furthest..];
    let value_end = item.doubtful.unwrap_or(item.end);
    // Foreign text may begin with the letters with which the next literal goes on.
    let in_literal = (value_end + 1..=item.furthest).rev();
    let mut cuts: Vec<Cut> = in_literal.map(|at| Cut { at, doubt: Doubt::None }).collect();
    if item.doubtful.is_some() {
        // Foreign text that begins with digits looks like more of the number; a date is known to be none of it.
        let goes_on = value_end < item.furthest || matches!(after, [] | [b'/' | b'-' | b':' | b'.' | b' ' | b',', ..]);
        let doubt = if date.is_none() && goes_on { Doubt::Before } else { Doubt::None };
        cuts.push(Cut { at: value_end, doubt });
    }
    // Or all of the number is foreign; or it is the beginning of the next, a sign or digits, after all. How a float is
    // written tells the release, so half of one is worse than none.
    let may_lack = item.doubtful.is_some() || matches!(after, [b'+' | b'-' | b'0'..=b'9', ..]);
    let next = item.shape.def().pieces.get(item.pieces - usize::from(item.doubtful.is_some()));
    let is_float = matches!(next, Some(Piece::Value(_, Kind::FloatE | Kind::FloatG)));
    if !(may_lack && is_float) {
        cuts.push(Cut { at: item.end, doubt: if may_lack { Doubt::Behind } else { Doubt::None } });
    }
    (item, cuts)
}

/// The text with which an incomplete item goes on.
fn next_text(item: &Match) -> Option<Field> {
    let def = item.shape.def();
    match def.pieces.get(item.pieces) {
        Some(Piece::Value(index, kind)) if kind.is_text() => Some(Field { family: def.family, index: *index }),
        _ => None,
    }
}

/// An item that was torn where a text stands. What follows may be all of a text that Go has, or none of it.
fn head_before_text(mut item: Match, field: Field, text: &[u8]) -> (Match, Vec<Cut>) {
    let start = item.end;
    let after = &text[start..];
    let literal = match item.shape.def().pieces.get(item.pieces + 1) {
        Some(Piece::Literal(literal)) => literal.as_bytes(),
        _ => &[],
    };
    let mut cuts = vec![Cut { at: start, doubt: Doubt::Behind }];
    let names = field.def().names.iter().map(|name| name.printed.as_bytes()).filter(|name| !name.is_empty());
    for name in names.filter(|name| after.starts_with(name)).chain([&[][..]]) {
        let end = start + name.len();
        // Of what follows the text, a part may have been printed too; that alone tells that there is no text.
        let n_more = literal.iter().zip(&text[end..]).take_while(|(a, b)| a == b).count();
        let least = usize::from(name.is_empty());
        cuts.extend((least..=n_more).map(|more| Cut { at: end + more, doubt: Doubt::TextEnd(end) }));
    }
    cuts.sort_by_key(|cut| Reverse(cut.at));
    item.furthest = cuts[0].at;
    (item, cuts)
}

fn is_known_text(value: &template::Value) -> bool {
    match &value.datum {
        // Nothing between two pieces may be what was lost.
        Datum::Text(text) if !text.is_empty() => value.field.def().names.iter().any(|name| name.printed == text),
        _ => false,
    }
}
