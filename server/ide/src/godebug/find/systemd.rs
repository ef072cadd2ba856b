//! Units of systemd: `Environment=` lines, and commands that run `env`.

use tracelog::Text;

use super::words::{self, Quoted, Style};
use super::{Assignment, numbered, skip_blanks};

/// The assignments of a unit.
pub(super) fn scan(text: &Text) -> Vec<Assignment> {
    let mut out = Vec::new();
    // Which words the lines that go on hold.
    let mut going_on = None;
    for (number, line) in numbered(text) {
        let start = skip_blanks(&line, 0);
        // Comments may stand between lines that go on.
        if line[start..].starts_with(['#', ';']) {
            continue;
        }
        let (style, from) = match going_on {
            Some(style) => (style, start),
            None => match line.split_once('=') {
                Some((key, rest)) => (style_of(key.trim()), line.len() - rest.len()),
                None => (None, start),
            },
        };
        let is_continued = line.ends_with('\\');
        if let Some(style) = style {
            let to = if is_continued { line.len() - 1 } else { line.len() };
            // A quote that does not end on the line is passed over: what is in it is not known.
            words::scan(&line, number, from, to, style, &mut out);
        }
        going_on = is_continued.then_some(style);
    }
    out
}

/// How the words of a setting of a unit are cut; none for settings that set no variables.
fn style_of(key: &str) -> Option<Style> {
    let quoted = match key {
        "Environment" | "DefaultEnvironment" | "ManagerEnvironment" => Quoted::IsValue,
        _ if key.starts_with("Exec") => Quoted::MayBeCommand,
        _ => return None,
    };
    Some(Style { has_comments: false, has_operators: false, quoted })
}
