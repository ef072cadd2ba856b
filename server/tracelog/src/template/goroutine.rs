//! The header line of a goroutine. Most of its parts are optional, each with its own words, so code reads it. Package
//! goleak words it in its own way.

use super::{Datum, Match, Value};
use crate::catalog::{Field, Kind, Piece, Shape, goroutine, shapes};
use crate::cells;

/// Reads all of `text` as `goroutine 18 gp=0xc000102380 m=3 mp=0xc000100008 [chan receive (leaked), 3 minutes]:` and its
/// simpler forms (`runtime/traceback.go` goroutineheader). Gives a match without any piece where it is something else.
pub(super) fn read(shape: Shape, text: &[u8]) -> Match {
    let mut found = Match { shape, pieces: 0, end: 0, furthest: 0, doubtful: None, values: Vec::new() };
    let is_of_goleak = shape != shapes::GOROUTINE_1_0;
    if let Some(mut values) = if is_of_goleak { values_of_goleak(shape, text) } else { values(text) } {
        values.sort_by_key(|value| value.field.index);
        found.pieces = shape.def().pieces.len();
        found.end = text.len();
        found.furthest = text.len();
        found.values = values;
    }
    found
}

/// Flags at the end of the state, in the order in which Go appends them.
const STATE_FLAGS: [(Field, &str); 3] =
    [(goroutine::LEAKED, " (leaked)"), (goroutine::SCAN, " (scan)"), (goroutine::DURABLE, " (durable)")];

fn values(text: &[u8]) -> Option<Vec<Value>> {
    let mut scan = Scan { text, at: 0, values: Vec::new() };
    scan.literal("goroutine ")?;
    scan.value(goroutine::GOROUTINE, Kind::Uint)?;
    if scan.literal(" gp=").is_some() {
        scan.value(goroutine::GP, Kind::Hex)?;
        scan.literal(" m=")?;
        scan.value(goroutine::M, Kind::Ref)?;
        if scan.literal(" mp=").is_some() {
            scan.value(goroutine::MP, Kind::Hex)?;
        }
    }
    scan.literal(" [")?;
    let mut end = text.len() - 1;
    if text[end] != b':' {
        return None;
    }
    // Labels stand behind the bracket in braces, or (1.26) inside it.
    let labels_inside = memchr::memmem::find(&text[scan.at..end], b" labels:{").map(|at| scan.at + at);
    let labels_behind = memchr::memmem::find(&text[scan.at..end], b"] {").map(|at| scan.at + at);
    let mut labels = None;
    if let (Some(at), true) = (labels_inside, text[..end].ends_with(b"}]")) {
        labels = Some((at + b" labels:".len(), end - 1));
        end = at;
    } else if let (Some(at), true) = (labels_behind, text[..end].ends_with(b"}")) {
        labels = Some((at + b"] ".len(), end));
        end = at;
    } else {
        end -= 1;
        if text[end] != b']' {
            return None;
        }
    }
    scan.state(end)?;
    if let Some((start, end)) = labels {
        scan.text(goroutine::LABELS, start, end);
    }
    Some(scan.values)
}

/// `[Goroutine 4 in state chan receive, with main.listen on top of the stack:`, of go.uber.org/goleak (internal/stack
/// Stack.String). The state is what stands between the brackets of the runtime's own header.
fn values_of_goleak(shape: Shape, text: &[u8]) -> Option<Vec<Value>> {
    let mut scan = Scan { text, at: 0, values: Vec::new() };
    let Some(Piece::Literal(start)) = shape.def().pieces.first() else { return None };
    scan.literal(start)?;
    scan.value(goroutine::GOROUTINE, Kind::Uint)?;
    scan.literal(" in state ")?;
    let top_end = text.strip_suffix(b" on top of the stack:")?.len();
    let with = scan.at + memchr::memmem::rfind(text.get(scan.at..top_end)?, b", with ")?;
    let top_start = with + b", with ".len();
    if top_start == top_end {
        return None;
    }
    // Of labels behind the bracket (1.27) the bracket was left in.
    let labels = memchr::memmem::find(&text[scan.at..with], b"] {").map(|at| scan.at + at);
    let labels = labels.filter(|_| text[..with].ends_with(b"}"));
    scan.state(labels.unwrap_or(with))?;
    if let Some(at) = labels {
        scan.text(goroutine::LABELS, at + b"] ".len(), with);
    }
    scan.text(goroutine::TOP_FUNCTION, top_start, top_end);
    Some(scan.values)
}

/// Reads along the text, keeping values.
struct Scan<'a> {
    text: &'a [u8],
    at: usize,
    values: Vec<Value>,
}

impl Scan<'_> {
    fn literal(&mut self, literal: &str) -> Option<()> {
        self.text[self.at..].starts_with(literal.as_bytes()).then(|| self.at += literal.len())
    }

    fn value(&mut self, field: Field, kind: Kind) -> Option<()> {
        let (code, len) = cells::read(kind, &self.text[self.at..])?;
        let (start, end) = (self.at, self.at + len);
        self.values.push(Value { field, start, end, datum: Datum::One(kind, code) });
        self.at = end;
        Some(())
    }

    fn text(&mut self, field: Field, start: usize, end: usize) {
        let datum = Datum::Text(String::from_utf8_lossy(&self.text[start..end]).into_owned());
        self.values.push(Value { field, start, end, datum });
    }

    fn flag(&mut self, field: Field, start: usize, end: usize) {
        let code = u64::from(end > start);
        self.values.push(Value { field, start, end, datum: Datum::One(Kind::Flag, code) });
    }

    /// What stands in the brackets, up to `end`, without labels: the state and what is appended to it.
    fn state(&mut self, end: usize) -> Option<()> {
        let start = self.at;
        let inside = self.text.get(start..end)?;
        let mut state_end = memchr::memmem::find(inside, b", ").map_or(end, |at| start + at);
        let mut rest = state_end;
        let (mut locked, mut minutes, mut bubble) = (None, None, None);
        while rest < end {
            let from = rest + 2;
            let until = memchr::memmem::find(&self.text[from..end], b", ").map_or(end, |at| from + at);
            let part = &self.text[from..until];
            if part == b"locked to thread" {
                locked = Some((rest, until));
            } else if part.ends_with(b" minutes") {
                minutes = Some(from);
            } else if let Some(word) =
                [&b"synctest bubble "[..], b"synctest group "].iter().find(|word| part.starts_with(word))
            {
                bubble = Some(from + word.len());
            } else {
                // A comma that belongs to the state itself.
                state_end = until;
            }
            rest = until;
        }
        for (field, words) in STATE_FLAGS.iter().rev() {
            let printed = self.text[start..state_end].ends_with(words.as_bytes());
            // `chan receive (durable)` is a reason by itself in 1.25 and later; the flag says the same of both.
            let flag_start = if printed { state_end - words.len() } else { state_end };
            self.flag(*field, flag_start, state_end);
            state_end = flag_start;
        }
        if state_end == start || self.text[start..state_end].contains(&b'\t') {
            return None;
        }
        self.text(goroutine::STATE, start, state_end);
        for (field, at) in [(goroutine::MINUTES, minutes), (goroutine::BUBBLE, bubble)] {
            let Some(at) = at else { continue };
            self.at = at;
            self.value(field, Kind::Uint)?;
        }
        let (locked_start, locked_end) = locked.unwrap_or((end, end));
        self.flag(goroutine::LOCKED_TO_THREAD, locked_start, locked_end);
        Some(())
    }
}
