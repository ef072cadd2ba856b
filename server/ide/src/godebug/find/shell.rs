//! Shell scripts: `export`, assignments before a command, `env`, `docker run -e`, quotes over lines, here-documents.

use std::collections::VecDeque;

use tracelog::Text;

use super::words::{self, End, Quoted, Style, quote_end};
use super::{Assignment, lines, numbered};

const STYLE: Style = Style { has_comments: true, has_operators: true, quoted: Quoted::MayBeCommand };

/// The assignments of a script.
pub(super) fn scan(text: &Text) -> Vec<Assignment> {
    let mut out = Vec::new();
    let mut shell = Shell::default();
    for (number, line) in numbered(text) {
        shell.line(&line, number, 0, line.len(), &mut out);
    }
    out
}

/// What is open between lines of a script.
#[derive(Default)]
pub(super) struct Shell {
    quote: Option<u8>,
    documents: VecDeque<Document>,
}

/// A here-document that has begun.
struct Document {
    end: String,
    is_indented: bool,
}

impl Shell {
    /// Whether a here-document is open.
    pub(super) fn in_document(&self) -> bool {
        !self.documents.is_empty()
    }

    /// Reads `line[from..to]`.
    pub(super) fn line(&mut self, line: &str, number: u32, from: usize, to: usize, out: &mut Vec<Assignment>) {
        if let Some(document) = self.documents.front() {
            let inside = line.get(from..to).unwrap_or_default();
            let shown = if document.is_indented { inside.trim_start_matches('\t') } else { inside };
            if shown == document.end {
                self.documents.pop_front();
            } else {
                // Often the text of a file that is written: `cat > .env <<EOF`.
                out.extend(lines::dotenv_line(line, number, from, to));
            }
            return;
        }
        let mut from = from;
        if let Some(quote) = self.quote {
            let Some(end) = quote_end(line.as_bytes(), from, to, quote) else { return };
            self.quote = None;
            // The rest of a word that began in a quote on an earlier line is no assignment.
            from = end + 1;
            let rest = line.get(from..to).unwrap_or_default();
            from += rest.find([' ', '\t', ';', '&', '|', ')']).unwrap_or(rest.len());
        }
        self.quote = match words::scan(line, number, from, to, STYLE, out) {
            End::Line => None,
            End::Quote(quote) => Some(quote),
        };
        if self.quote.is_none() {
            self.documents.extend(documents(line.get(from..to).unwrap_or_default()));
        }
    }
}

/// The here-documents that begin on a line.
fn documents(line: &str) -> Vec<Document> {
    let mut found = Vec::new();
    let bytes = line.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        match bytes[at] {
            b'\\' => at += 2,
            quote @ (b'"' | b'\'') => {
                at = quote_end(bytes, at + 1, bytes.len(), quote).map_or(bytes.len(), |end| end + 1)
            }
            b'#' if at == 0 || bytes[at - 1] == b' ' => break,
            b'<' if line[at..].starts_with("<<<") => at += 3,
            b'<' if line[at..].starts_with("<<") => {
                let rest = &line[at + 2..];
                let is_indented = rest.starts_with('-');
                let word = rest.trim_start_matches('-').trim_start();
                let name: String = word
                    .trim_start_matches(['"', '\'', '\\'])
                    .chars()
                    .take_while(|c| c.is_alphanumeric() || *c == '_')
                    .collect();
                // A number is a shift: $((1 << 4)).
                if name.starts_with(|c: char| c.is_alphabetic() || c == '_') {
                    found.push(Document { end: name, is_indented });
                }
                at += 2;
            }
            _ => at += 1,
        }
    }
    found
}
