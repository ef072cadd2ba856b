//! The book in `server/docs`: every link leads somewhere, and every page can be reached from the table of contents.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use pulldown_cmark::{Event, LinkType, Parser, Tag, TagEnd};

use crate::Outcome;
use crate::catalog::anchor;
use crate::files::{self, root};

/// Where the book is.
const FOLDER: &str = "server/docs/";

/// What is wrong with the links of the book.
pub fn problems() -> Outcome<Vec<String>> {
    let mut texts = BTreeMap::new();
    for path in files::below(FOLDER.trim_end_matches('/'))? {
        let text = match path.ends_with(".md") {
            true => fs::read_to_string(root().join(&path)).map_err(|error| format!("read {path}: {error}"))?,
            false => String::new(),
        };
        texts.insert(path[FOLDER.len()..].to_owned(), text);
    }
    Ok(check(&texts))
}

/// Headings and links of a page.
#[derive(Default)]
struct Page {
    anchors: Vec<String>,
    links: Vec<String>,
}

/// The same of files by their paths below the folder.
fn check(texts: &BTreeMap<String, String>) -> Vec<String> {
    let pages: BTreeMap<&str, Page> = texts.iter().map(|(path, text)| (path.as_str(), read(text))).collect();
    let mut problems = Vec::new();
    for (path, page) in &pages {
        let mut seen = BTreeSet::new();
        for anchor in page.anchors.iter().filter(|anchor| !seen.insert(*anchor)) {
            problems.push(format!("{FOLDER}{path}: two headings give the anchor \"{anchor}\""));
        }
        for link in page.links.iter().filter(|link| !link.contains("://")) {
            let (to, anchor) = link.split_once('#').map_or((&**link, None), |(to, anchor)| (to, Some(anchor)));
            let to = if to.is_empty() { Some((*path).to_owned()) } else { resolve(path, to) };
            let is_there = to.as_deref().and_then(|to| pages.get(to)).is_some_and(|there| match anchor {
                Some(anchor) => there.anchors.iter().any(|other| other == anchor),
                None => true,
            });
            if !is_there {
                problems.push(format!("{FOLDER}{path}: dead link to {link}"));
            } else if to.as_deref() == Some("README.md") && *path != "SUMMARY.md" {
                problems.push(format!("{FOLDER}{path}: mdBook makes index.html of README.md and leaves the link"));
            }
        }
    }
    let contents: Vec<&str> =
        pages.get("SUMMARY.md").into_iter().flat_map(|page| &page.links).map(|link| &**link).collect();
    for path in pages.keys().filter(|path| path.ends_with(".md") && **path != "SUMMARY.md") {
        match contents.iter().filter(|link| *link == path).count() {
            1 => {}
            n => problems.push(format!("{FOLDER}{path}: {n} times in SUMMARY.md")),
        }
    }
    problems
}

fn read(text: &str) -> Page {
    let mut page = Page::default();
    let mut heading: Option<String> = None;
    for event in Parser::new(text) {
        match event {
            Event::Start(Tag::Heading { .. }) => heading = Some(String::new()),
            Event::End(TagEnd::Heading(_)) => page.anchors.extend(heading.take().map(|heading| anchor(&heading))),
            Event::Text(text) | Event::Code(text) => {
                if let Some(heading) = &mut heading {
                    heading.push_str(&text);
                }
            }
            Event::Start(Tag::Link { link_type, dest_url, .. }) if link_type != LinkType::Autolink => {
                page.links.push(dest_url.into_string());
            }
            _ => {}
        }
    }
    page
}

/// The file that a relative path leads to; none when it leaves the folder.
fn resolve(from: &str, to: &str) -> Option<String> {
    let mut parts: Vec<&str> = from.split('/').collect();
    parts.pop();
    for part in to.split('/') {
        match part {
            ".." => drop(parts.pop()?),
            "." => {}
            part => parts.push(part),
        }
    }
    Some(parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check_files(files: &[(&str, &str)]) -> Vec<String> {
        check(&files.iter().map(|(path, text)| (path.to_string(), text.to_string())).collect())
    }

    #[test]
    fn the_book_has_no_dead_link_and_no_orphan() {
        assert_eq!(problems(), Ok(Vec::new()));
    }

    #[test]
    fn dead_links_and_orphans_are_found() {
        let summary = ("SUMMARY.md", "[a](a.md) [b](x/b.md)");
        let good = [summary, ("a.md", "# A b\n[x](x/b.md#c_d) [y](#a-b)"), ("x/b.md", "# c_d\n[z](../a.md) `[q](q)`")];
        assert_eq!(check_files(&good), [""; 0]);
        let with = |path, text| check_files(&[summary, good[1], good[2], (path, text)]);
        assert_eq!(with("c.json", ""), [""; 0]);
        assert_eq!(with("c.md", ""), ["server/docs/c.md: 0 times in SUMMARY.md"]);
        assert_eq!(with("SUMMARY.md", "[a](a.md)"), ["server/docs/x/b.md: 0 times in SUMMARY.md"]);
        assert_eq!(with("SUMMARY.md", "[a](a.md) [a](a.md) [b](x/b.md)"), ["server/docs/a.md: 2 times in SUMMARY.md"]);
        let of_b = |text| check_files(&[summary, good[1], ("x/b.md", text)]);
        assert_eq!(of_b("# c_d\n[z](a.md)"), ["server/docs/x/b.md: dead link to a.md"]);
        assert_eq!(of_b("# c_d\n[z](../a.md#b)"), ["server/docs/x/b.md: dead link to ../a.md#b"]);
        assert_eq!(of_b("# c_d\n[z](../../../y)"), ["server/docs/x/b.md: dead link to ../../../y"]);
        let to_index = [("SUMMARY.md", "[r](README.md) [a](a.md)"), ("README.md", ""), ("a.md", "[r](README.md)")];
        assert_eq!(
            check_files(&to_index),
            ["server/docs/a.md: mdBook makes index.html of README.md and leaves the link"]
        );
        assert_eq!(of_b("# c_d\n# `c_d`"), ["server/docs/x/b.md: two headings give the anchor \"c_d\""]);
        assert_eq!(of_b("# c"), ["server/docs/a.md: dead link to x/b.md#c_d"]);
    }
}
