//! Opens texts in-process and asks what stands at a field of a line.

use std::path::Path;
use std::sync::Arc;

use ide::{Hover, Links, Settings, Snapshot};
use tracelog::{LineCol, Log, Text};

/// A text as an editor would open it.
pub fn open(text: &str) -> Snapshot {
    let text = Text::new(text);
    let log = Log::read_text(&text, || true).expect("nothing interrupts the reading");
    Snapshot::new(Arc::new(text), log, Arc::new(Settings::default()))
}

/// What stands at a place, as a client shows it that cannot open pages.
pub fn hover_at(snapshot: &Snapshot, at: LineCol) -> Option<Hover> {
    let hover = ide::hover(snapshot, at)?;
    Some(Hover { markdown: Links::None.resolve(&hover.markdown), ..hover })
}

/// A file of `tests/corpus`. Bytes that are not UTF-8 become the replacement character, as in editors.
pub fn open_corpus(file: &str) -> Snapshot {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(file);
    let bytes = std::fs::read(&path).unwrap_or_else(|error| panic!("{file}: {error}"));
    open(&String::from_utf8_lossy(&bytes))
}

/// A line, from 1, without its line end.
pub fn line(snapshot: &Snapshot, number: u32) -> String {
    String::from_utf8_lossy(&snapshot.lines.line(number - 1)).into_owned()
}

/// The hover over a field on a line (from 1); with an empty id, over the keyword of the line's first item.
///
/// The range of the answer is asserted to be that of the field.
pub fn hover(snapshot: &Snapshot, number: u32, field: &str) -> Hover {
    let items = snapshot.items(number - 1).items;
    let item = items.first().unwrap_or_else(|| panic!("line {number}: no item"));
    if field.is_empty() {
        let at = LineCol { line: item.loc.line, byte: item.loc.start };
        return hover_at(snapshot, at).expect("a keyword has a hover");
    }
    let mut values = items.iter().flat_map(|item| &item.values);
    let value = values
        .find(|value| value.field.def().id == field && value.loc.start < value.loc.end)
        .unwrap_or_else(|| panic!("line {number}: no field {field}"));
    let hover = hover_at(snapshot, LineCol { line: value.loc.line, byte: value.loc.start })
        .unwrap_or_else(|| panic!("line {number}: no hover over {field}"));
    assert_eq!(hover.loc, value.loc, "line {number}: hover over {field}");
    hover
}

/// A hover as it is read: without the emphasis of its Markdown, fences, and blanks that align columns.
pub fn plain(markdown: &str) -> String {
    let line = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(" ");
    let lines: Vec<String> = markdown.lines().filter(|line| !line.starts_with("```")).map(line).collect();
    lines.join("\n").replace('*', "")
}

/// Columns of a hover: editors give it about that many.
const WIDTH: usize = 100;

/// Lines that a text takes, empty ones left out.
pub fn height(markdown: &str) -> usize {
    let mut n_lines = 0;
    for paragraph in plain(markdown).lines().filter(|line| !line.is_empty()) {
        let mut used = 0;
        n_lines += 1;
        for word in paragraph.split(' ') {
            let length = word.chars().count();
            if used > 0 && used + 1 + length > WIDTH {
                n_lines += 1;
                used = 0;
            }
            used += length + usize::from(used > 0);
        }
    }
    n_lines
}

/// A hover takes a screen at most.
pub const MAX_HEIGHT: usize = 25;

/// A Markdown text without what stands between backticks: text of the log, shown as it is.
fn without_code(markdown: &str) -> String {
    markdown.split('`').step_by(2).collect::<Vec<_>>().join("code")
}

/// The aligned list of a hover over a keyword, and the hover without it.
fn without_block(markdown: &str) -> (Vec<&str>, String) {
    let (mut block, mut rest, mut is_inside) = (Vec::new(), Vec::new(), false);
    for line in markdown.lines() {
        match line {
            "```text" if !is_inside => is_inside = true,
            "```" if is_inside => is_inside = false,
            line if is_inside => block.push(line),
            line => rest.push(line),
        }
    }
    (block, rest.join("\n").replace("\n\n\n", "\n"))
}

/// Only plain Markdown that every editor shows: no table, no HTML, no escape, no entity, no fence but that of the aligned
/// list. Text of the log stands between backticks, on one line, or in that list.
pub fn assert_readable(markdown: &str, about: &str) {
    // As a client without pages is sent it.
    let markdown = &Links::None.resolve(markdown);
    let height = height(markdown);
    assert!(height <= MAX_HEIGHT, "{about}: {height} lines\n{markdown}");
    let (block, rest) = without_block(markdown);
    let is_narrow = |line: &&str| line.chars().count() <= WIDTH + 10;
    assert!(block.iter().all(|line| is_narrow(line) && !line.contains('`')), "{about}: the list of\n{markdown}");
    let markdown = rest.as_str();
    assert!(markdown.lines().all(|line| line.matches('`').count() % 2 == 0), "{about}: backticks in\n{markdown}");
    assert!(!markdown.contains("``"), "{about}: a fence, or nothing between backticks, in\n{markdown}");
    let own = without_code(markdown);
    for raw in ["|", "<", "\\", "&", "[", "\t", "\r", "  ", "\n\n\n"] {
        assert!(!own.contains(raw), "{about}: {raw:?} in\n{markdown}");
    }
    assert!(!markdown.ends_with('\n') && markdown.starts_with("**"), "{about}:\n{markdown}");
}
