//! The small Markdown writer that hovers share.
//!
//! Only this module writes Markdown syntax. Text that may come from a log goes through [`escape`], so it can become
//! neither link nor image nor HTML, and carries no control or direction-changing character.

use std::fmt::Write as _;

use crate::links;

/// Something to show behind a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Shown {
    /// Words of ours.
    Words(String),
    /// Text of the log, to be shown as it is.
    Verbatim(String),
    /// A sentence with words of the log among ours: those that Markdown would read are shown as they are.
    Prose(String),
}

impl Shown {
    /// The text alone.
    pub fn text(&self) -> &str {
        match self {
            Self::Words(text) | Self::Verbatim(text) | Self::Prose(text) => text,
        }
    }

    fn markdown(&self) -> String {
        match self {
            Self::Words(text) => escape(text),
            Self::Verbatim(text) => format!("`{}`", verbatim(text)),
            Self::Prose(text) => prose(text),
        }
    }
}

/// A sentence whose words are plain, or stand between backticks where Markdown would read them as something else.
fn prose(text: &str) -> String {
    let word = |word: &str| {
        if escape(word) == word {
            return word.to_owned();
        }
        let code = word.trim_end_matches(['.', ',', ';', ':']);
        if code.is_empty() { escape(word) } else { format!("`{}`{}", verbatim(code), &word[code.len()..]) }
    };
    text.split(char::is_whitespace).map(word).collect::<Vec<_>>().join(" ")
}

/// Text that can stand between backticks.
fn verbatim(text: &str) -> String {
    text.chars().map(|c| if c == '`' || is_unsafe(c) { '\u{fffd}' } else { c }).collect()
}

/// Columns that editors give a hover, about.
pub const WIDTH: usize = 100;

/// Builds a Markdown text: a heading, paragraphs and lists. No tables: half of the editors show their pipes.
#[derive(Debug, Default)]
pub struct Markup {
    text: String,
}

impl Markup {
    /// A bold title with something after it.
    pub fn title(&mut self, title: &str, rest: &str) {
        self.blank();
        let _ = write!(self.text, "**{}**{}", escape(title), escape(rest));
    }

    /// A bold title with what it has.
    pub fn titled(&mut self, title: &str, shown: &Shown) {
        self.blank();
        let _ = write!(self.text, "**{}**: {}", escape(title), shown.markdown());
    }

    /// A paragraph.
    pub fn paragraph(&mut self, text: &str) {
        if !text.is_empty() {
            self.blank();
            self.text.push_str(&escape(text));
        }
    }

    /// A paragraph with words of the log in it.
    pub fn prose(&mut self, text: &str) {
        if !text.is_empty() {
            self.blank();
            self.text.push_str(&prose(text));
        }
    }

    /// A paragraph that begins with an emphasized word.
    pub fn labeled(&mut self, label: &str, text: &str) {
        if !text.is_empty() {
            self.blank();
            let _ = write!(self.text, "*{}:* {}", escape(label), escape(text));
        }
    }

    /// A list entry with a bold beginning.
    pub fn entry(&mut self, label: &str, text: &str) {
        self.row(&[(label, Shown::Words(text.to_owned()))]);
    }

    /// A list entry of several parts, each with a bold beginning.
    pub fn row(&mut self, parts: &[(&str, Shown)]) {
        let continues = self.text.lines().last().is_some_and(|line| line.starts_with("- "));
        if continues {
            self.text.push('\n');
        } else {
            self.blank();
        }
        let parts: Vec<String> =
            parts.iter().map(|(label, shown)| format!("**{}** {}", escape(label), shown.markdown())).collect();
        let _ = write!(self.text, "- {}", parts.join(" · "));
    }

    /// Lines of characters that must keep their width and their columns.
    pub fn block(&mut self, lines: &[String]) {
        if lines.is_empty() {
            return;
        }
        self.blank();
        self.text.push_str("```text\n");
        for line in lines {
            self.text.push_str(&verbatim(line));
            self.text.push('\n');
        }
        self.text.push_str("```");
    }

    /// A list entry that is a sentence, with text of the log in it.
    pub fn sentence(&mut self, parts: &[Shown]) {
        let continues = self.text.lines().last().is_some_and(|line| line.starts_with("- "));
        if continues {
            self.text.push('\n');
        } else {
            self.blank();
        }
        self.text.push_str("- ");
        parts.iter().for_each(|part| self.text.push_str(&part.markdown()));
    }

    /// A line of characters that must keep their width.
    pub fn code(&mut self, text: &str) {
        self.blank();
        let _ = write!(self.text, "`{}`", verbatim(text));
    }

    /// Links to pages of the reference, each a label and a name, in one paragraph. What they become is decided where the
    /// client is known, see [`crate::Links`].
    pub fn links(&mut self, links: &[(&str, &str)]) {
        if !links.is_empty() {
            self.blank();
            let links: Vec<String> = links.iter().map(|(label, name)| links::inside(&escape(label), name)).collect();
            self.text.push_str(&links.join(" · "));
        }
    }

    /// A paragraph in which some words are links to pages of the reference.
    pub fn linked(&mut self, words: &[(String, Option<String>)]) {
        self.blank();
        for (text, page) in words {
            let text = escape(text);
            self.text.push_str(&page.as_ref().map_or(text.clone(), |page| links::inside(&text, page)));
        }
    }

    /// Appends Markdown that was made by another one of these.
    pub fn append(&mut self, markdown: &str) {
        if !markdown.is_empty() {
            self.blank();
            self.text.push_str(markdown);
        }
    }

    /// Lines that the text takes in a window of [`WIDTH`] columns, empty ones left out.
    pub fn height(&self) -> usize {
        let plain = rendered(&self.text);
        plain.lines().filter(|line| !line.trim().is_empty()).map(wrapped).sum()
    }

    fn blank(&mut self) {
        if !self.text.is_empty() {
            self.text.push_str("\n\n");
        }
    }

    /// The text so far.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The text.
    pub fn finish(self) -> String {
        self.text
    }
}

/// Lines that a line takes when it is wrapped at blanks.
fn wrapped(line: &str) -> usize {
    let (mut n_lines, mut used) = (1, 0);
    for word in line.split_whitespace() {
        let length = word.chars().count();
        if used > 0 && used + 1 + length > WIDTH {
            (n_lines, used) = (n_lines + 1, 0);
        }
        used += length + usize::from(used > 0);
    }
    n_lines
}

/// The Markdown of this module as it reads when rendered: no marks, no escapes.
pub fn rendered(markdown: &str) -> String {
    let mut plain = String::with_capacity(markdown.len());
    // A fenced list has nothing to take away but its fences.
    let unfenced = markdown.replace("```text\n", "`").replace("\n```", "`");
    let mut chars = unfenced.chars();
    let mut in_code = false;
    while let Some(c) = chars.next() {
        match c {
            '`' => in_code = !in_code,
            '*' if !in_code => {}
            '\\' if !in_code => plain.extend(chars.next()),
            c => plain.push(c),
        }
    }
    plain
}

/// Text that shows as itself in Markdown.
///
/// Only what can begin a construct is escaped, since some editors show the escapes: `[` begins links and images, `<` HTML
/// and autolinks, `&` entities, `` ` `` code, `*`, `_` and `~` emphasis. Their closing halves are plain text without them.
pub fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len() + 8);
    let mut chars = text.chars().peekable();
    let mut before = ' ';
    while let Some(c) = chars.next() {
        let next = chars.peek().copied().unwrap_or(' ');
        match c {
            '\\' | '`' | '*' | '[' | '<' => escaped.extend(['\\', c]),
            '&' if next.is_alphanumeric() || next == '#' => escaped.extend(['\\', c]),
            '~' if next == '~' || before == '~' => escaped.extend(['\\', c]),
            // Inside a word an underscore is plain text, and so are field ids.
            '_' if !(before.is_alphanumeric() && next.is_alphanumeric()) => escaped.extend(['\\', c]),
            '\n' | '\t' => escaped.push(' '),
            c if is_unsafe(c) => escaped.push('\u{fffd}'),
            c => escaped.push(c),
        }
        before = c;
    }
    escaped
}

/// Characters that change how other text is shown, or are not shown at all.
pub fn is_unsafe(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{ad}'
            | '\u{61c}' | '\u{180e}' | '\u{e0000}'..='\u{e007f}')
}

/// Text that shows as itself in a plain place: a lens, a symbol, a message, a terminal.
pub fn plain(text: &str) -> String {
    text.chars().map(|c| if is_unsafe(c) { '\u{fffd}' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn log_text_stays_text() {
        assert_eq!(escape("[x](command:y) <img> `a` a_b _c_"), r"\[x](command:y) \<img> \`a\` a_b \_c\_");
        assert_eq!(escape("4->5 & 6 &lt; ~~x~~ R&D"), r"4->5 & 6 \&lt; \~\~x\~\~ R\&D");
        assert_eq!(plain("a\u{202e}b\u{1b}[2J"), "a\u{fffd}b\u{fffd}[2J");
    }

    #[test]
    fn a_block_cannot_be_left() {
        let mut markup = Markup::default();
        markup.block(&["a  1".to_owned(), "```\n<b>".to_owned()]);
        assert_eq!(markup.finish(), "```text\na  1\n\u{fffd}\u{fffd}\u{fffd}\u{fffd}<b>\n```");
    }

    #[test]
    fn entries_form_one_list() {
        let mut markup = Markup::default();
        markup.title("gc", " cycle");
        markup.entry("a", "1");
        markup.entry("b", "2");
        assert_eq!(markup.finish(), "**gc** cycle\n\n- **a** 1\n- **b** 2");
    }

    #[test]
    fn words_of_a_log_in_a_sentence_are_code_where_markdown_would_read_them() {
        assert_eq!(prose("calls main.(*node).walk."), "calls `main.(*node).walk`.");
        assert_eq!(
            prose("[x](command:y) <img\u{1b} `a` 1 < 2"),
            "`[x](command:y)` `<img\u{fffd}` `\u{fffd}a\u{fffd}` 1 `<` 2"
        );
        assert_eq!(prose("28→56 MB (strong evidence); at_s 5 %"), "28→56 MB (strong evidence); at_s 5 %");
    }

    #[test]
    fn the_height_is_that_of_wrapped_lines() {
        let mut markup = Markup::default();
        markup.title("gc", "");
        markup.paragraph(&["word"; 41].join(" "));
        markup.entry("a", "1");
        // 20 words of 4 letters fit into 100 columns.
        assert_eq!(markup.height(), 1 + 3 + 1);
    }

    #[test]
    fn plain_text_has_neither_marks_nor_escapes() {
        assert_eq!(
            rendered("**Heap goal**: 4 MB\n\n*Note:* a\\*b \\[x\\]\n\n- **a** `x\\*`"),
            "Heap goal: 4 MB\n\nNote: a*b [x]\n\n- a x\\*"
        );
        assert_eq!(rendered("\\"), "");
        assert_eq!(rendered("**a**\n\n```text\nb  1 *\n```\n\nc"), "a\n\nb  1 *\n\nc");
    }
}
