//! How pages of the reference are linked from Markdown.
//!
//! Inside, a link is `[label](page:NAME)`, whoever shows it. What becomes of it depends on the client: at the edge
//! [`Links::resolve`] writes it in the form the client announced, or leaves the label alone. A client's form comes with
//! its settings, which nobody vouches for, so only forms that can do nothing but open a page are accepted. Text of a log
//! cannot become a link on the way: its brackets are escaped or stand in code.

use crate::pages;

/// What stands before the name of a page inside.
const INSIDE: &str = "page:";

/// The form of links to pages.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Links {
    /// Labels alone.
    #[default]
    None,
    /// Labels with the names behind them, for people who can ask for a page by name.
    Named,
    /// `command:gotracelens.openPage?["gc"]`, percent-encoded: VS Code.
    Command,
    /// `gotracelens://page/gc`: Neovim.
    Scheme,
    /// `./gc.md`, percent-encoded: pages that are files beside each other.
    Files,
    /// Pages of a site with these pages, at this address.
    Site(String),
}

impl Links {
    /// The form that a client announces, if it is one that is known to be harmless.
    pub fn announced(template: &str) -> Option<Self> {
        match template {
            "command:gotracelens.openPage?{page}" => Some(Self::Command),
            "gotracelens://page/{page}" => Some(Self::Scheme),
            _ => Self::site(template.strip_suffix("{page}")?),
        }
    }

    /// Links to a site: its address, `https://example.org/reference/`.
    pub fn site(address: &str) -> Option<Self> {
        let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_' | '~' | '/' | ':');
        let rest = address.strip_prefix("https://")?;
        let is_harmless = !rest.is_empty() && !rest.starts_with('/') && rest.chars().all(is_plain);
        let slash = if address.ends_with('/') { "" } else { "/" };
        is_harmless.then(|| Self::Site(format!("{address}{slash}")))
    }

    /// The address of a page.
    pub fn uri(&self, name: &str) -> Option<String> {
        match self {
            Self::None | Self::Named => None,
            Self::Command => Some(format!("command:gotracelens.openPage?%5B%22{}%22%5D", encoded(name))),
            Self::Scheme => Some(format!("gotracelens://page/{}", encoded(name))),
            Self::Files => Some(format!("./{}.md", encoded(name))),
            Self::Site(address) => Some(format!("{address}{}", pages::site_path(name)?)),
        }
    }

    /// Markdown as the client gets it.
    pub fn resolve(&self, markdown: &str) -> String {
        replace(markdown, |label, target| {
            let name = target.strip_prefix(INSIDE)?;
            Some(match (self, self.uri(name)) {
                (_, Some(uri)) => format!("[{label}]({uri})"),
                (Self::Named, _) => named(label, name),
                _ => label.to_owned(),
            })
        })
    }
}

/// A link to a page in the inner form. The label is Markdown.
pub(crate) fn inside(label: &str, name: &str) -> String {
    format!("[{label}]({INSIDE}{name})")
}

/// A label, with the name behind it where the label alone would ask for another page.
fn named(label: &str, name: &str) -> String {
    let asked = label.replace('`', "");
    let finds_it = || pages::find(&asked).first().is_some_and(|page| page.name() == name);
    if asked.contains(name) || finds_it() {
        return label.to_owned();
    }
    // A field of another family has its family behind it already.
    let family = name.split_once('.').map(|(family, _)| format!(" ({family})"));
    let bare = family.and_then(|family| label.strip_suffix(&family)).unwrap_or(label);
    format!("{bare} ({name})")
}

/// A name as part of an address.
fn encoded(name: &str) -> String {
    let mut encoded = String::new();
    for byte in name.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' => encoded.push(char::from(byte)),
            _ => encoded.push_str(&format!("%{byte:02X}")),
        }
    }
    encoded
}

/// Replaces links `[label](target)`; those for which `other` says nothing stay. Code and escaped brackets are no links.
pub(crate) fn replace(markdown: &str, mut other: impl FnMut(&str, &str) -> Option<String>) -> String {
    let mut out = String::with_capacity(markdown.len());
    let mut rest = markdown;
    while let Some(at) = rest.find(['\\', '`', '[']) {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        let (replaced, len) = match link(rest) {
            Some((label, target, len)) => (other(label, target), len),
            None => (None, inert(rest)),
        };
        match replaced {
            Some(text) => out.push_str(&text),
            None => out.push_str(&rest[..len]),
        }
        rest = &rest[len..];
    }
    out.push_str(rest);
    out
}

/// The link that a text begins with: label, target, length.
fn link(text: &str) -> Option<(&str, &str, usize)> {
    let label_start = text.strip_prefix('[')?;
    let mut depth = 1;
    let mut at = 0;
    while depth > 0 {
        at += label_start[at..].find(['\\', '`', '[', ']'])?;
        match label_start.as_bytes()[at] {
            b'[' => (depth, at) = (depth + 1, at + 1),
            b']' => (depth, at) = (depth - 1, at + 1),
            _ => at += inert(&label_start[at..]),
        }
    }
    let (label, behind) = (&label_start[..at - 1], &label_start[at..]);
    let target = behind.strip_prefix('(')?;
    let target = &target[..target.find(|c: char| c == ')' || c == '(' || c.is_whitespace())?];
    let len = 1 + at + 1 + target.len() + 1;
    text[..len].ends_with(')').then_some((label, target, len))
}

/// Bytes of what a text begins with and that is no link: an escaped character, code, or one character.
fn inert(text: &str) -> usize {
    let first = text.chars().next().map_or(0, char::len_utf8);
    match text.as_bytes().first() {
        Some(b'\\') => first + text[first..].chars().next().map_or(0, char::len_utf8),
        Some(b'`') => {
            let ticks = text.len() - text.trim_start_matches('`').len();
            code_end(&text[ticks..], ticks).map_or(ticks, |end| ticks + end)
        }
        _ => first,
    }
}

/// Where code ends that so many backticks have begun, behind those that end it.
fn code_end(text: &str, ticks: usize) -> Option<usize> {
    let mut at = 0;
    loop {
        at += text[at..].find('`')?;
        let run = text[at..].len() - text[at..].trim_start_matches('`').len();
        at += run;
        if run == ticks {
            return Some(at);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::markup::Markup;

    fn all() -> [Links; 6] {
        let site = Links::site("https://example.org/go").unwrap();
        [Links::None, Links::Named, Links::Command, Links::Scheme, Links::Files, site]
    }

    #[test]
    fn a_link_has_the_form_of_the_client() {
        let inside = inside("Assist", "term:assist");
        assert_eq!(
            all().map(|links| links.resolve(&inside)),
            [
                "Assist",
                "Assist",
                "[Assist](command:gotracelens.openPage?%5B%22term%3Aassist%22%5D)",
                "[Assist](gotracelens://page/term%3Aassist)",
                "[Assist](./term%3Aassist.md)",
                "[Assist](https://example.org/go/glossary.html#assist)",
            ]
        );
    }

    #[test]
    fn a_name_is_added_where_the_label_would_not_do() {
        for (label, name, shown) in [
            ("Assist", "term:assist", "Assist"),
            ("GC201 gc-cpu-high", "GC201", "GC201 gc-cpu-high"),
            ("`gc_cpu_pct`", "gc.gc_cpu_pct", "`gc_cpu_pct`"),
            ("`text`", "panic_text.text", "`text` (panic_text.text)"),
            ("Assist ratio (pacer_start)", "pacer_start.assist_ratio", "Assist ratio (pacer_start.assist_ratio)"),
            ("Heap goal", "gc.heap_goal_mb", "Heap goal (gc.heap_goal_mb)"),
        ] {
            assert_eq!(Links::Named.resolve(&inside(label, name)), shown);
        }
    }

    #[test]
    fn only_harmless_forms_are_accepted() {
        for template in [
            "command:gotracelens.openPage?{page}",
            "gotracelens://page/{page}",
            "https://example.org/go/{page}",
            "https://localhost:8080/{page}",
        ] {
            assert!(Links::announced(template).is_some(), "{template}");
        }
        for template in [
            "",
            "{page}",
            "command:workbench.action.terminal.sendSequence?{page}",
            "command:gotracelens.openPage?{page}) [x](command:y",
            "http://example.org/{page}",
            "https://{page}",
            "https:///{page}",
            "https://example.org/) [x](command:y?{page}",
            "https://example.org/a b/{page}",
            "https://example.org/?q={page}",
            "https://example.org/\n{page}",
            "file:///etc/{page}",
            "javascript:{page}",
        ] {
            assert_eq!(Links::announced(template), None, "{template}");
        }
    }

    #[test]
    fn text_of_a_log_becomes_no_link() {
        let hostile = "[x](page:gc) `[y](page:gc)` ![z](page:gc) \\[w](page:gc) [[v](page:gc)";
        let mut markup = Markup::default();
        markup.paragraph(hostile);
        markup.code(hostile);
        markup.entry(hostile, hostile);
        let markdown = markup.finish();
        for links in all() {
            assert_eq!(links.resolve(&markdown), markdown, "{links:?}");
        }
    }

    #[test]
    fn what_is_no_link_to_a_page_stays() {
        for text in ["[a](b c)", "[a]", "[a](page:gc", "](page:gc)", "`", "\\", "[a](https://x/)", "é[é]"] {
            for links in all() {
                assert_eq!(links.resolve(text), text, "{links:?}");
            }
        }
        assert_eq!(Links::Command.resolve("```\n[a](page:gc)\n```"), "```\n[a](page:gc)\n```");
        assert_eq!(Links::None.resolve("[`n` [x]](page:gc.n) [b](page:gc)"), "`n` [x] b");
    }
}
