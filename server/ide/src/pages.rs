//! The pages of the reference, as `server/docs` has them: families, fields, rules, terms. They are compiled in, so that
//! the command line prints and editors open the text of the book without a network.
//!
//! A page is asked for by name: `gc`, `gc.heap_goal_mb`, `GC101`, `term:assist`. People may say less: `gctrace`,
//! `heap goal`, `live-heap-leak`, `assist`.

use tracelog::catalog::FamilyDef;
use tracelog::{Family, Field};

use crate::links::{self, Links};
use crate::rules::{RULES, Rule};

mod generated;

/// A file of the book.
struct File {
    name: &'static str,
    title: &'static str,
    /// Below `server/docs`.
    path: &'static str,
    text: &'static str,
}

/// A word of the glossary.
struct Term {
    id: &'static str,
    title: &'static str,
    also: &'static [&'static str],
    /// Names of pages that belong to it.
    see: &'static [&'static str],
}

/// A page, or a section of one that is shown by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Page(Of);

/// Index into [`generated::FILES`] or [`generated::TERMS`], or a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Of {
    File(usize),
    Field(Field),
    Term(usize),
}

/// What a page is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A family of lines.
    Family,
    /// A field of a family.
    Field,
    /// A rule.
    Rule,
    /// A word of the glossary.
    Term,
    /// A chapter: lists, formats, settings.
    Chapter,
}

const FAMILY_FOLDER: &str = "formats/";
const RULE_FOLDER: &str = "rules/";
const GLOSSARY: &str = "glossary.md";
const TERM: &str = "term:";

impl Page {
    /// The name that only this page has.
    pub fn name(self) -> String {
        match self.0 {
            Of::File(index) => generated::FILES[index].name.to_owned(),
            Of::Field(field) => format!("{}.{}", field.family.def().id, field.def().id),
            Of::Term(index) => format!("{TERM}{}", generated::TERMS[index].id),
        }
    }

    /// What it is called in a list.
    pub fn title(self) -> &'static str {
        match self.0 {
            Of::File(index) => generated::FILES[index].title,
            Of::Field(field) => field.def().title,
            Of::Term(index) => generated::TERMS[index].title,
        }
    }

    /// What it is about.
    pub fn kind(self) -> Kind {
        match self.0 {
            Of::File(index) if generated::FILES[index].path.starts_with(FAMILY_FOLDER) => Kind::Family,
            Of::File(index) if generated::FILES[index].path.starts_with(RULE_FOLDER) => Kind::Rule,
            Of::File(_) => Kind::Chapter,
            Of::Field(_) => Kind::Field,
            Of::Term(_) => Kind::Term,
        }
    }

    /// The text, with links in the given form. The page of a family ends before its fields, which have their own.
    pub fn markdown(self, links: &Links) -> String {
        links.resolve(&self.inside())
    }

    /// The text with links as [`links`] has them inside.
    fn inside(self) -> String {
        let (path, text) = match self.0 {
            Of::File(index) => {
                let file = &generated::FILES[index];
                (file.path, whole(file))
            }
            Of::Field(field) => {
                let file = file_of(field.family);
                (file.path, format!("# {}\n\n{}", self.name(), section(file.text, field.def().id)))
            }
            Of::Term(index) => {
                let title = generated::TERMS[index].title;
                let file = generated::FILES.iter().find(|file| file.path == GLOSSARY);
                (GLOSSARY, format!("# {title}\n\n{}", file.map_or("", |file| section(file.text, title))))
            }
        };
        links::replace(&text, |label, target| {
            if target.contains("://") {
                return None;
            }
            Some(match name_at(path, target) {
                Some(name) => links::inside(label, &name),
                None => label.to_owned(),
            })
        })
    }

    /// What a page may be called, in lower case: its own name first.
    fn names(self) -> Vec<String> {
        let mut names = vec![self.name().to_lowercase()];
        match self.0 {
            Of::File(index) => {
                let file = &generated::FILES[index];
                let stem = file.path.rsplit('/').next().and_then(|name| name.strip_suffix(".md"));
                match self.kind() {
                    Kind::Family => {
                        let family = Family::ALL.iter().find(|family| family.def().id == file.name);
                        names.extend(family.and_then(|family| knob(family.def())).map(str::to_owned));
                    }
                    _ => names.extend(stem.map(str::to_lowercase)),
                }
            }
            Of::Field(field) => names.extend([field.def().id.to_owned(), field.def().title.to_lowercase()]),
            Of::Term(index) => {
                let term = &generated::TERMS[index];
                let own = [term.id.to_owned(), term.title.to_lowercase()];
                for name in own.into_iter().chain(term.also.iter().map(|name| name.to_string())) {
                    names.push(format!("{TERM}{name}"));
                    names.push(name);
                }
            }
        }
        names
    }

    /// Where it stands in the book: file and anchor.
    fn place(self) -> (&'static str, Option<&'static str>) {
        match self.0 {
            Of::File(index) => (generated::FILES[index].path, None),
            Of::Field(field) => (file_of(field.family).path, Some(field.def().id)),
            Of::Term(index) => (GLOSSARY, Some(generated::TERMS[index].id)),
        }
    }
}

/// A word for a kind of page, for machines.
pub fn kind_name(kind: Kind) -> &'static str {
    match kind {
        Kind::Family => "family",
        Kind::Field => "field",
        Kind::Rule => "rule",
        Kind::Term => "term",
        Kind::Chapter => "chapter",
    }
}

/// Every page: families, rules and chapters, then terms, then fields.
pub fn all() -> impl Iterator<Item = Page> {
    let files = (0..generated::FILES.len()).map(|index| Page(Of::File(index)));
    let terms = (0..generated::TERMS.len()).map(|index| Page(Of::Term(index)));
    let fields = Family::ALL.iter().flat_map(|family| {
        (0..family.def().fields.len()).map(move |index| Page(Of::Field(Field { family: *family, index: index as u8 })))
    });
    files.chain(terms).chain(fields)
}

/// The pages that have this name; several where it is short for several. One that has the name for its own hides fields
/// that are called so in words.
pub fn find(name: &str) -> Vec<Page> {
    let name = name.trim().to_lowercase();
    let found: Vec<Page> = all().filter(|page| page.names().contains(&name)).collect();
    let is_own = |page: &Page| page.name().to_lowercase() == name;
    match found.iter().find(|page| is_own(page)) {
        Some(own) if own.kind() == Kind::Field || name.starts_with(TERM) => vec![*own],
        Some(_) => found.into_iter().filter(|page| is_own(page) || page.kind() == Kind::Term).collect(),
        None => found,
    }
}

/// The terms that a field has to do with, the one that it is called by first.
pub fn terms_of(field: Field) -> Vec<Page> {
    let name = Page(Of::Field(field)).name();
    let terms = generated::TERMS.iter().enumerate().filter(|(_, term)| term.see.contains(&name.as_str()));
    let mut terms: Vec<Page> = terms.map(|(index, _)| Page(Of::Term(index))).collect();
    terms.sort_by_key(|term| !term.title().eq_ignore_ascii_case(field.def().title));
    terms
}

/// Names that look like this one, most alike first.
pub fn similar(name: &str) -> Vec<String> {
    const ENOUGH: f64 = 0.8;
    const N_SHOWN: usize = 3;
    let name = name.trim().to_lowercase();
    let bare = name.rsplit('.').next().unwrap_or(&name);
    let mut scored: Vec<(f64, String)> = Vec::new();
    for page in all() {
        let names = page.names();
        let scores =
            names.iter().flat_map(|known| [&*name, bare].map(|asked| (strsim::jaro_winkler(asked, known), known)));
        let Some((score, known)) = scores.max_by(|a, b| a.0.total_cmp(&b.0)) else { continue };
        // A field is told apart from its namesakes by its family; everything else by what was nearly said.
        let shown = if page.kind() == Kind::Field { page.name() } else { known.clone() };
        scored.push((score, shown));
    }
    scored.retain(|(score, _)| *score >= ENOUGH);
    scored.sort_by(|a, b| b.0.total_cmp(&a.0).then_with(|| a.1.cmp(&b.1)));
    let mut names: Vec<String> = Vec::new();
    for (_, name) in scored {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names.truncate(N_SHOWN);
    names
}

/// Where the site has the page with this name of its own.
pub(crate) fn site_path(name: &str) -> Option<String> {
    let (file, anchor) = named(name)?.place();
    let file = if file == "README.md" { "index.html".to_owned() } else { file.replace(".md", ".html") };
    Some(anchor.map_or(file.clone(), |anchor| format!("{file}#{anchor}")))
}

/// The page with this name of its own.
fn named(name: &str) -> Option<Page> {
    if let Some(id) = name.strip_prefix(TERM) {
        return Some(Page(Of::Term(generated::TERMS.iter().position(|term| term.id == id)?)));
    }
    let Some((family, field)) = name.split_once('.') else {
        return Some(Page(Of::File(generated::FILES.iter().position(|file| file.name == name)?)));
    };
    let family = *Family::ALL.iter().find(|other| other.def().id == family)?;
    let index = family.def().fields.iter().position(|other| other.id == field)?;
    Some(Page(Of::Field(Field { family, index: index as u8 })))
}

/// The setting in `GODEBUG=gctrace=1`.
fn knob(family: &'static FamilyDef) -> Option<&'static str> {
    family.knob.strip_prefix("GODEBUG=")?.split('=').next()
}

fn file_of(family: Family) -> &'static File {
    let name = family.def().id;
    let found = generated::FILES.iter().find(|file| file.name == name && file.path.starts_with(FAMILY_FOLDER));
    found.expect("the generator writes a page for every family")
}

/// A page that is a file: without the mark of the generator, and of a family without its fields.
fn whole(file: &File) -> String {
    let text = match file.text.split_once("-->\n\n") {
        Some((head, text)) if head.starts_with("<!--") => text,
        _ => file.text,
    };
    let text = text.split_once("\n## Field by field\n").map_or(text, |(overview, _)| overview);
    match RULES.iter().find(|rule| rule.code == file.name) {
        Some(rule) => format!("{text}{}", limits(rule)),
        None => text.to_owned(),
    }
}

/// The numbers of a rule that can be set.
fn limits(rule: &Rule) -> String {
    let mut text = String::new();
    for limit in rule.limits {
        if text.is_empty() {
            text.push_str("\n## Settings\n\n");
        }
        let unit = if limit.unit.is_empty() { String::new() } else { format!(" {}", limit.unit) };
        text.push_str(&format!("- `rules.{}.{}` = {}{unit}: {}\n", rule.slug, limit.name, limit.default, limit.doc));
    }
    text
}

/// The section under a heading of the third level.
fn section<'a>(text: &'a str, heading: &str) -> &'a str {
    let Some((_, body)) = text.split_once(&format!("\n### {heading}\n\n")) else {
        debug_assert!(false, "the page has no section {heading}");
        return "";
    };
    let end = [body.find("\n## "), body.find("\n### ")].into_iter().flatten().min();
    body[..end.unwrap_or(body.len())].trim_end_matches('\n')
}

/// The name of the page that a link in the file at `from` leads to.
fn name_at(from: &str, target: &str) -> Option<String> {
    let (path, anchor) = target.split_once('#').map_or((target, None), |(path, anchor)| (path, Some(anchor)));
    let path = match (path, path.strip_prefix("../")) {
        ("", _) => from.to_owned(),
        (_, Some(above)) => above.to_owned(),
        (path, None) => match from.rsplit_once('/') {
            Some((folder, _)) => format!("{folder}/{path}"),
            None => path.to_owned(),
        },
    };
    let index = generated::FILES.iter().position(|file| file.path == path)?;
    let file = Page(Of::File(index));
    let Some(anchor) = anchor else { return Some(file.name()) };
    let section = all().find(|page| page.place() == (generated::FILES[index].path, Some(anchor)));
    Some(section.unwrap_or(file).name())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(asked: &str) -> Vec<String> {
        find(asked).into_iter().map(Page::name).collect()
    }

    #[test]
    fn a_page_is_found_by_what_people_call_it() {
        for (asked, found) in [
            ("gc", &["gc"][..]),
            ("gctrace", &["gc", "gc_forced", "scan", "scvg"]),
            ("gc.heap_live_mb", &["gc.heap_live_mb"]),
            (
                "Heap goal",
                &["term:heap-goal", "gc.heap_goal_mb", "pacer_start.heap_goal_mb", "pacer_end.heap_goal_bytes"],
            ),
            ("gc101", &["GC101"]),
            ("live-heap-leak", &["GC101"]),
            ("assist", &["term:assist"]),
            ("term:mark assist", &["term:assist"]),
            ("P-time", &["term:p-time"]),
            ("panic", &["panic", "term:panic"]),
            ("term:panic", &["term:panic"]),
            ("goroutine", &["goroutine", "term:g"]),
            ("index", &["index"]),
            ("rules", &["rules"]),
            ("", &[]),
            ("heap_gaol_mb", &[]),
        ] {
            assert_eq!(names(asked), found, "{asked:?}");
        }
    }

    #[test]
    fn every_page_has_a_name_of_its_own() {
        let mut names: Vec<String> = all().map(Page::name).collect();
        for name in &names {
            assert_eq!(find(name).first().map(|page| page.name()).as_ref(), Some(name));
            assert_eq!(named(name).map(Page::name).as_ref(), Some(name));
        }
        let n = names.len();
        names.sort_by_key(|name| name.to_lowercase());
        names.dedup_by_key(|name| name.to_lowercase());
        assert_eq!(names.len(), n);
    }

    #[test]
    fn every_family_field_and_term_shows_a_line_and_a_source() {
        let mut not_recorded = Vec::new();
        for page in all().filter(|page| !matches!(page.kind(), Kind::Chapter | Kind::Rule)) {
            let text = page.markdown(&Links::None);
            let source = text.split_once("Source: `").map(|(_, source)| source.trim());
            assert!(source.is_some_and(|source| source.len() > 5), "{}: a source", page.name());
            let line = text.split_once("```text\n").and_then(|(_, line)| line.split_once("\n```"));
            assert!(line.is_some_and(|(line, _)| !line.trim().is_empty()), "{}: a line", page.name());
            if page.kind() != Kind::Family {
                assert!(text.contains('^') || text.contains("Printed by"), "{}: the place on the line", page.name());
            }
            if !text.contains("Printed by ") {
                assert!(text.contains(", not recorded:"), "{}", page.name());
                not_recorded.push(page.name());
            }
        }
        // These lines were only read in Go's source so far; the list may only get shorter.
        assert_eq!(not_recorded, NOT_RECORDED);
    }

    const NOT_RECORDED: &[&str] = &[
        "gc_pause",
        "checkmark",
        "gc_pause.pause_ns",
        "scvg.forced",
        "scav.controller_reset",
        "pacer_end.pacer_reset",
        "signal.signal_number",
        "kill.systemd_unit",
        "kill.process",
        "kill.score",
        "kill.total_vm_kb",
        "kill.anon_rss_kb",
        "kill.file_rss_kb",
        "kill.shmem_rss_kb",
        "kill.usage_kb",
        "kill.limit_kb",
        "kill.failcnt",
        "goroutine.scan",
        "frame.fp",
        "stack_note.goroutine",
        "memstats.enable_gc",
        "finalizer_report.pc",
        "checkmark.object",
        "checkmark.base",
        "checkmark.base_offset",
        "checkmark.word_offset",
        "checkmark.word",
    ];

    #[test]
    fn every_rule_has_all_parts_and_an_example() {
        for rule in RULES {
            let [page] = find(rule.code)[..] else { panic!("{}", rule.code) };
            let text = page.markdown(&Links::None);
            assert!(text.starts_with(&format!("# {} {}\n", rule.code, rule.slug)), "{}", rule.code);
            let (_, example) = text.split_once("\n## Example\n").expect(rule.code);
            assert!(example.contains("```text\n") || example.contains("No recorded log shows"), "{}", rule.code);
            for limit in rule.limits {
                assert!(text.contains(&format!("`rules.{}.{}` = ", rule.slug, limit.name)), "{}", rule.code);
            }
        }
    }

    #[test]
    fn every_link_of_every_page_leads_to_a_page() {
        let mut n_links = 0;
        for page in all() {
            links::replace(&page.inside(), |label, target| {
                n_links += 1;
                let name = target.strip_prefix("page:").unwrap_or_else(|| panic!("{}: {target}", page.name()));
                assert!(all().any(|other| other.name() == name), "{}: [{label}]({target})", page.name());
                None
            });
        }
        assert!(n_links > 1000, "{n_links}");
    }

    #[test]
    fn the_page_of_a_field_is_its_section() {
        let text = find("gc.heap_goal_mb")[0].markdown(&Links::Scheme);
        assert!(text.starts_with("# gc.heap_goal_mb\n\n**Heap goal**, MB;"), "{text}");
        assert!(text.contains("[GOGC](gotracelens://page/term%3Agogc)"), "{text}");
        assert!(!text.contains("stacks_mb\n"), "{text}");
        assert!(!find("gc")[0].markdown(&Links::None).contains("### heap_goal_mb"));
    }

    #[test]
    fn the_site_has_sections_of_pages() {
        for (name, path) in [
            ("gc", Some("formats/gc.html")),
            ("gc.n", Some("formats/gc.html#n")),
            ("GC101", Some("rules/live-heap-leak.html")),
            ("term:p-time", Some("glossary.html#p-time")),
            ("index", Some("index.html")),
            ("x", None),
        ] {
            assert_eq!(site_path(name).as_deref(), path, "{name}");
        }
    }

    #[test]
    fn names_that_look_alike_are_suggested() {
        assert_eq!(similar("heap_gaol_mb")[0], "gc.heap_goal_mb");
        assert_eq!(similar("live-heap-leek")[0], "live-heap-leak");
        assert_eq!(similar("asist")[0], "assist");
        assert_eq!(similar("zzz"), [""; 0]);
    }
}
