//! The notation of `tests/grammar.ebnf`: text to expressions.

use std::collections::BTreeMap;

/// An expression of the grammar.
#[derive(Debug, Clone)]
pub enum Expr {
    Literal(String),
    Class(String),
    Rule(String),
    Sequence(Vec<Expr>),
    Choice(Vec<Expr>),
    Repeat(Box<Expr>, char),
}

/// All rules of a grammar by name. A text that is no such grammar panics: it is committed with the tests.
pub fn parse(source: &str) -> BTreeMap<String, Expr> {
    let source = without_comments(source);
    let mut starts: Vec<(usize, usize, &str)> = Vec::new();
    for (at, _) in source.match_indices("::=") {
        let name = source[..at].trim_end();
        let begin = name.rfind(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).map_or(0, |idx| idx + 1);
        starts.push((begin, at + 3, &name[begin..]));
    }
    let mut rules = BTreeMap::new();
    for (idx, (_, body, name)) in starts.iter().enumerate() {
        let end = starts.get(idx + 1).map_or(source.len(), |next| next.0);
        let mut cursor = Cursor { text: &source[*body..end], at: 0 };
        let expr = cursor.choice();
        cursor.blanks();
        assert_eq!(cursor.at, cursor.text.len(), "rule {name}: text left over: {:?}", &cursor.text[cursor.at..]);
        assert!(rules.insert((*name).to_owned(), expr).is_none(), "rule {name} is defined twice");
    }
    rules
}

/// Comments never contain a quoted `*/` and literals never contain `/*`, so a plain search is exact.
fn without_comments(source: &str) -> String {
    let mut out = String::new();
    let mut rest = source;
    while let Some(start) = rest.find("/*") {
        out.push_str(&rest[..start]);
        let len = rest[start..].find("*/").expect("a comment ends");
        rest = &rest[start + len + 2..];
    }
    out.push_str(rest);
    out
}

struct Cursor<'a> {
    text: &'a str,
    at: usize,
}

impl Cursor<'_> {
    fn peek(&self) -> Option<char> {
        self.text[self.at..].chars().next()
    }

    fn take(&mut self) -> char {
        let next = self.peek().expect("the rule goes on");
        self.at += next.len_utf8();
        next
    }

    fn blanks(&mut self) {
        while self.peek().is_some_and(char::is_whitespace) {
            self.take();
        }
    }

    fn choice(&mut self) -> Expr {
        let mut branches = vec![self.sequence()];
        while self.peek() == Some('|') {
            self.take();
            branches.push(self.sequence());
        }
        if branches.len() == 1 { branches.remove(0) } else { Expr::Choice(branches) }
    }

    fn sequence(&mut self) -> Expr {
        let mut parts = Vec::new();
        loop {
            self.blanks();
            let atom = match self.peek() {
                None | Some('|' | ')') => break,
                Some(quote @ ('"' | '\'')) => {
                    self.take();
                    Expr::Literal(self.until(quote))
                }
                Some('[') => self.class(),
                Some('(') => {
                    self.take();
                    let inner = self.choice();
                    assert_eq!(self.take(), ')', "a group ends");
                    inner
                }
                Some(_) => self.name(),
            };
            parts.push(match self.peek() {
                Some(sign @ ('?' | '*' | '+')) => {
                    self.take();
                    Expr::Repeat(Box::new(atom), sign)
                }
                _ => atom,
            });
        }
        Expr::Sequence(parts)
    }

    fn until(&mut self, quote: char) -> String {
        let mut text = String::new();
        loop {
            match self.take() {
                c if c == quote => return text,
                c => text.push(c),
            }
        }
    }

    /// Classes are written as the regex crate writes them.
    fn class(&mut self) -> Expr {
        let mut text = String::from(self.take());
        loop {
            let c = self.take();
            text.push(c);
            match c {
                '\\' => text.push(self.take()),
                ']' => return Expr::Class(text),
                _ => {}
            }
        }
    }

    fn name(&mut self) -> Expr {
        let start = self.at;
        while self.peek().is_some_and(|c| c.is_ascii_alphanumeric() || c == '_') {
            self.take();
        }
        assert!(self.at > start, "not a name: {:?}", &self.text[start..]);
        Expr::Rule(self.text[start..self.at].to_owned())
    }
}
