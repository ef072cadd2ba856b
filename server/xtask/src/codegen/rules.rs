//! Manual pages of the rules: the head comment of a rule's file is its page.

use std::fs;
use std::path::Path;

use super::Output;
use super::markdown::{self, HEAD};
use super::names::Names;
use crate::Outcome;

/// A rule and its manual page.
pub struct RulePage {
    /// Permanent code, `GC101`.
    pub code: String,
    /// Name in settings, `live-heap-leak`.
    pub slug: String,
    /// One line for lists.
    pub title: String,
    /// Highest severity, in lower case.
    pub severity: String,
    /// Whether it is run only where a setting gives it a level.
    pub off: bool,
    /// Names of the fields that it reads, such as `gc.n`.
    pub reads: Vec<String>,
    /// The head comment, in Markdown.
    pub body: String,
}

/// Headings of a page, in order.
const HEADINGS: [&str; 5] =
    ["## What it looks for", "## Why it matters", "## What to do next", "## Limits", "## Example"];

/// Reads the pages of all rule files in `folder`, in the order of their codes.
pub fn read(folder: &Path) -> Outcome<Vec<RulePage>> {
    let about = |error| format!("read {}: {error}", folder.display());
    let mut pages = Vec::new();
    for entry in fs::read_dir(folder).map_err(about)? {
        let path = entry.map_err(about)?.path();
        if path.extension().is_none_or(|extension| extension != "rs") {
            continue;
        }
        let text = fs::read_to_string(&path).map_err(|error| format!("read {}: {error}", path.display()))?;
        let file = path.file_stem().and_then(|name| name.to_str()).unwrap_or_default();
        if let Some(page) = parse(file, &text).map_err(|error| format!("rule file {file}.rs: {error}"))? {
            pages.push(page);
        }
    }
    pages.sort_by(|a, b| a.code.cmp(&b.code));
    if let Some(pair) = pages.windows(2).find(|pair| pair[0].code == pair[1].code) {
        return Err(format!("rules {} and {} have the same code {}", pair[0].slug, pair[1].slug, pair[0].code));
    }
    Ok(pages)
}

/// The page of a file that declares a rule.
fn parse(file: &str, text: &str) -> Outcome<Option<RulePage>> {
    let Some((_, declaration)) = text.split_once("RULE: Rule = Rule {") else { return Ok(None) };
    let value = |name: &str| {
        let line = declaration
            .lines()
            .map(str::trim)
            .take_while(|line| *line != "};")
            .find_map(|line| line.strip_prefix(name)?.strip_prefix(": ")?.strip_suffix(','));
        line.ok_or_else(|| format!("its RULE has no line \"{name}: …,\""))
    };
    let text_value = |name: &str| {
        let value = value(name)?;
        let inside = value.strip_prefix('"').and_then(|value| value.strip_suffix('"'));
        inside.map(str::to_owned).ok_or_else(|| format!("its {name} is not a plain text: {value}"))
    };
    let slug = text_value("slug")?;
    if slug.replace('-', "_") != file {
        return Err(format!("its slug is \"{slug}\", so it belongs into {}.rs", slug.replace('-', "_")));
    }
    let severity = value("severity")?.trim_start_matches("Severity::").to_lowercase();
    let body = head_comment(text);
    let headings: Vec<&str> = body.lines().filter(|line| line.starts_with("## ")).collect();
    if headings != HEADINGS {
        return Err(format!("its head comment has the headings {headings:?} instead of {HEADINGS:?}"));
    }
    let reads = reads(declaration)?;
    let off = value("kind")? == "Kind::Off";
    Ok(Some(RulePage { code: text_value("code")?, slug, title: text_value("title")?, severity, off, reads, body }))
}

/// The fields that a declaration names: `reads: &[gc::N, sched::AT_MS]`.
fn reads(declaration: &str) -> Outcome<Vec<String>> {
    let list = declaration.split_once("reads: &[").and_then(|(_, list)| list.split_once(']'));
    let (list, _) = list.ok_or("its RULE has no list \"reads: &[…],\"")?;
    let names = list.split(',').map(str::trim).filter(|name| !name.is_empty());
    names
        .map(|name| {
            let (family, field) =
                name.split_once("::").ok_or_else(|| format!("it reads \"{name}\", which is no field"))?;
            Ok(format!("{family}.{}", field.to_lowercase()))
        })
        .collect()
}

/// The `//!` lines at the top, without their marks.
fn head_comment(text: &str) -> String {
    let mut body = String::new();
    for line in text.lines().map_while(|line| line.strip_prefix("//!")) {
        body.push_str(line.strip_prefix(' ').unwrap_or(line));
        body.push('\n');
    }
    body
}

/// The documentation of all rules.
pub fn generate(rules: &[RulePage], names: &Names) -> Vec<Output> {
    let mut outputs = vec![Output { path: "server/docs/rules.md".to_owned(), text: index(rules) }];
    for rule in rules {
        let path = format!("server/docs/rules/{}.md", rule.slug);
        outputs.push(Output { path, text: format!("{HEAD}{}", page(rule, names)) });
    }
    outputs
}

fn page(rule: &RulePage, names: &Names) -> String {
    let RulePage { code, slug, title, severity, off, body, .. } = rule;
    let off = if *off { " Off: it is looked for only where a setting gives it a level." } else { "" };
    let links = names.see(code);
    let see =
        if links.is_empty() { String::new() } else { format!("\n## See also\n\n{}", markdown::links("", &links)) };
    format!("# {code} {slug}\n\n{title}. Severity: at most {severity}.{off}\n\n{body}{see}")
}

fn index(rules: &[RulePage]) -> String {
    let mut text = format!("{HEAD}# Rules\n\n");
    for RulePage { code, slug, title, severity, off, .. } in rules {
        let off = if *off { ", off" } else { "" };
        text.push_str(&markdown::item(&format!("[{code} {slug}](rules/{slug}.md), at most {severity}{off}: {title}.")));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = r#"//! ## What it looks for
//!
//! Pauses.
//! ## Why it matters
//! ## What to do next
//! ## Limits
//! ## Example

pub(crate) static RULE: Rule = Rule {
    code: "GC301",
    slug: "stw-long",
    title: "Long pause",
    severity: Severity::Warning,
    kind: Kind::Point,
    reads: &[
        gc::WALL_MARK_TERM_MS,
        gc::N,
    ],
    limits: &[limit("pause_ms", 10.0, "ms", "pause that is long")],
    check: Check::Run(check),
};
"#;

    #[test]
    fn reads_a_page_from_a_rule_file() {
        let page = parse("stw_long", FILE).unwrap().unwrap();
        assert_eq!((page.code.as_str(), page.slug.as_str(), page.severity.as_str()), ("GC301", "stw-long", "warning"));
        assert_eq!(page.reads, ["gc.wall_mark_term_ms", "gc.n"]);
        assert!(!page.off);
        assert!(parse("stw_long", &FILE.replace("Kind::Point", "Kind::Off")).unwrap().unwrap().off);
        assert!(page.body.starts_with("## What it looks for\n\nPauses.\n## Why it matters\n"));
    }

    #[test]
    fn a_file_without_a_rule_has_no_page() {
        assert!(parse("amounts", "//! Helpers.\nfn f() {}\n").unwrap().is_none());
    }

    #[test]
    fn rejects_a_wrong_file_name_and_missing_headings() {
        assert!(parse("long_pause", FILE).is_err());
        assert!(parse("stw_long", &FILE.replace("//! ## Limits\n", "")).is_err());
    }
}
