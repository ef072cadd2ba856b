//! What lines have shown about the lines that follow them.
//!
//! Most carriers show themselves on every line. Those that do not are remembered here: decided where a line leaves no
//! doubt, kept for the lines behind it. A context depends on the lines before it and on nothing else.

use super::csv::Columns;
use super::{Carrier, Peeled};

/// What the lines before one have shown.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Context {
    /// Marks in front of the lines of a stretch: a comment, a quote, an indentation. The stretch ends at the first line
    /// without them. With the number of layers outside of them.
    wrap: Option<(usize, Box<[u8]>)>,
    /// Names of streams that stand in front of lines.
    names: Vec<Box<[u8]>>,
    /// The column of CSV that holds the lines.
    columns: Option<Columns>,
    /// Records of Docker and of `go test -json` have line ends, so that one without is cut.
    has_line_ends: bool,
}

/// What is known before any line.
pub static NOTHING: Context = Context { wrap: None, names: Vec::new(), columns: None, has_line_ends: false };

/// What one line teaches.
#[derive(Debug, Default)]
pub(super) struct Lesson {
    /// The marks of a stretch stood on the line.
    pub(super) wrapped: bool,
    /// They are these, seen for the first time.
    pub(super) wrap: Option<(usize, Box<[u8]>)>,
    pub(super) name: Option<Box<[u8]>>,
    pub(super) columns: Option<Columns>,
}

/// Names that are remembered. A file of more streams has them read by what follows them.
const MAX_NAMES: usize = 16;

impl Context {
    /// The marks that stand inside so many layers.
    pub(super) fn wrap_at(&self, depth: usize) -> Option<&[u8]> {
        self.wrap.as_ref().filter(|(outside, _)| *outside == depth).map(|(_, marks)| &**marks)
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &[u8]> {
        self.names.iter().map(AsRef::as_ref)
    }

    pub(super) fn columns(&self) -> Option<Columns> {
        self.columns
    }

    /// Whether a record without a line end goes on in the next one.
    pub fn has_line_ends(&self) -> bool {
        self.has_line_ends
    }

    /// The context behind a line; none when it is the same.
    pub fn after(&self, peeled: &Peeled<'_>) -> Option<Self> {
        let lesson = &peeled.lesson;
        let is_blank = peeled.content.trim_ascii().is_empty();
        let ends = self.wrap.is_some() && !lesson.wrapped && !is_blank;
        let wrap = lesson.wrap.as_ref().filter(|wrap| self.wrap.as_ref() != Some(*wrap));
        let has_room = self.names.len() < MAX_NAMES;
        let name = lesson.name.as_ref().filter(|name| has_room && !self.names.contains(name));
        let columns = lesson.columns.filter(|columns| self.columns != Some(*columns));
        let line_end = !self.has_line_ends && peeled.has_line_end();
        if !ends && wrap.is_none() && name.is_none() && columns.is_none() && !line_end {
            return None;
        }
        let mut after = self.clone();
        if ends || wrap.is_some() {
            after.wrap = wrap.cloned();
        }
        after.names.extend(name.cloned());
        after.columns = columns.or(after.columns);
        after.has_line_ends |= line_end;
        Some(after)
    }
}

/// Recognizes, cheaply, a line that is carried like the one before: the same bytes in front of the content, digits
/// aside. Only ever a shortcut: what it accepts, [`super::peel_in`] would have given too.
#[derive(Debug, Default)]
pub struct Memory {
    prefix: Vec<u8>,
    /// Positions in `prefix` that name the process and must be the same to the letter.
    source: std::ops::Range<usize>,
}

impl Memory {
    /// Forgets, because the context has changed.
    pub fn forget(&mut self) {
        self.prefix.clear();
    }

    /// Remembers how this line was carried, if its content stands in it as it is and reaches to its end.
    pub fn learn(&mut self, line: &[u8], peeled: &Peeled<'_>) {
        let fits = peeled.offset().is_some_and(|offset| offset + peeled.content.len() == line.len());
        let is_decoded = peeled.layers.iter().any(|layer| matches!(layer, Carrier::Bom | Carrier::Ansi | Carrier::Nul));
        self.prefix.clear();
        if let Some(offset) = peeled.offset().filter(|_| fits && !is_decoded && !peeled.is_partial()) {
            self.prefix.extend_from_slice(&line[..offset]);
            self.source = peeled.source.clone();
        }
    }

    /// Where the content starts, if the line is carried like the remembered one.
    #[inline]
    pub fn offset(&self, line: &[u8]) -> Option<usize> {
        let n = self.prefix.len();
        if n == 0 || line.len() < n {
            return None;
        }
        let alike = |(a, b): (&u8, &u8)| a == b || a.is_ascii_digit() && b.is_ascii_digit();
        let same = self.prefix.iter().zip(line).all(alike)
            && self.prefix[self.source.clone()] == line[self.source.clone()]
            // A blank after a padded prefix may belong to it or to the content: let the full reading decide.
            && line.get(n).is_some_and(|byte| *byte != b' ');
        same.then_some(n)
    }
}
