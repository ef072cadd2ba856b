//! Go files (`//go:debug` lines) and `go.mod`, `go.work` (`godebug` lines).
//!
//! Rules: `go/build` reads directives of the file's header, up to the package clause; `cmd/go/internal/load/godebug.go`
//! ParseGoDebug reads one; vet's `directive` pass says which lines are not looked at.

use tracelog::{Loc, Text};

use super::{Assignment, Target, numbered, skip_blanks, trim_end};

const DIRECTIVE: &str = "//go:debug";

/// Whether a file is one of tests: those may have settings in any package.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum IsTest {
    No,
    Yes,
}

/// Where a scan of a Go file stands at the end of a line.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Inside {
    Code,
    Comment,
    RawText,
}

/// The `//go:debug` lines of a Go file.
pub(super) fn file(text: &Text, is_test: IsTest) -> Vec<Assignment> {
    let mut out = Vec::new();
    let mut inside = Inside::Code;
    let mut package: Option<String> = None;
    for (number, line) in numbered(text) {
        if inside == Inside::Code {
            if let Some(found) = directive(&line, number) {
                let target = if package.is_none() { Target::Directive } else { Target::Misplaced };
                out.push(Assignment { target, ..found });
                continue;
            }
            if package.is_none() {
                package = package_name(&line);
            }
        }
        inside = scan(&line, inside);
    }
    let counts = package.is_none_or(|name| name == "main") || is_test == IsTest::Yes;
    if !counts {
        for assignment in &mut out {
            assignment.target = Target::Misplaced;
        }
    }
    out
}

/// A line that begins with the directive and has something behind it.
fn directive(line: &str, number: u32) -> Option<Assignment> {
    let rest = line.strip_prefix(DIRECTIVE)?;
    if !rest.starts_with([' ', '\t']) {
        return None;
    }
    let start = skip_blanks(line, DIRECTIVE.len());
    let loc = |start: usize, end: usize| Loc::new(number, start as u32, end as u32);
    let name = loc(2, DIRECTIVE.len());
    Some(Assignment { target: Target::Directive, name, value: loc(start, trim_end(line, start, line.len())) })
}

fn package_name(line: &str) -> Option<String> {
    let rest = line.trim_start().strip_prefix("package")?;
    let name = rest.strip_prefix([' ', '\t'])?.trim_start();
    Some(name.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect())
}

/// Where the end of a line stands: comments, texts and characters are passed over.
fn scan(line: &str, mut inside: Inside) -> Inside {
    let bytes = line.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        match inside {
            Inside::Comment => match line.as_bytes()[at..].windows(2).position(|pair| pair == b"*/") {
                Some(end) => (inside, at) = (Inside::Code, at + end + 2),
                None => return inside,
            },
            Inside::RawText => match bytes[at..].iter().position(|byte| *byte == b'`') {
                Some(end) => (inside, at) = (Inside::Code, at + end + 1),
                None => return inside,
            },
            Inside::Code => match bytes[at] {
                b'/' if bytes[at..].starts_with(b"//") => return inside,
                b'/' if bytes[at..].starts_with(b"/*") => (inside, at) = (Inside::Comment, at + 2),
                b'`' => (inside, at) = (Inside::RawText, at + 1),
                quote @ (b'"' | b'\'') => {
                    at += 1;
                    while at < bytes.len() && bytes[at] != quote {
                        at += if bytes[at] == b'\\' { 2 } else { 1 };
                    }
                    at += 1;
                }
                _ => at += 1,
            },
        }
    }
    inside
}

/// The `godebug` lines of `go.mod` or `go.work`.
pub(super) fn module(text: &Text) -> Vec<Assignment> {
    let mut out = Vec::new();
    let mut block: Option<Loc> = None;
    for (number, line) in numbered(text) {
        let end = line.find("//").unwrap_or(line.len());
        let start = skip_blanks(&line, 0).min(end);
        let end = trim_end(&line, start, end);
        let content = &line[start..end];
        let loc = |start: usize, end: usize| Loc::new(number, start as u32, end as u32);
        if let Some(name) = block {
            if content.starts_with(')') {
                block = None;
            } else {
                out.push(Assignment { target: Target::Module, name, value: loc(start, end) });
            }
            continue;
        }
        let Some(rest) = content.strip_prefix("godebug") else { continue };
        let name = loc(start, start + "godebug".len());
        let after = rest.trim_start_matches([' ', '\t']);
        if after.starts_with('(') {
            block = Some(name);
        } else if rest.len() != after.len() {
            out.push(Assignment { target: Target::Module, name, value: loc(end - after.len(), end) });
        }
    }
    out
}
