//! What pages of the reference are called, where they stand, and which of them name each other.
//!
//! The same names are known to `gotracelens explain` and to editors: `gc`, `gc.heap_goal_mb`, `GC101`, `term:assist`.

use std::collections::BTreeMap;

use super::rules::RulePage;
use crate::Outcome;
use crate::catalog::Catalog;

/// A page, or a section of one.
pub struct Target {
    pub name: String,
    /// Below `server/docs`.
    pub file: String,
    pub anchor: Option<String>,
    /// What a link to it is called; a field also has its family for links from elsewhere.
    pub label: String,
}

/// All pages by name.
pub struct Names {
    targets: Vec<Target>,
    by_name: BTreeMap<String, usize>,
    /// For each page those that it names, then those that name it.
    see: Vec<Vec<usize>>,
}

impl Names {
    /// Says which page names one that does not exist.
    pub fn of(catalog: &Catalog, rules: &[RulePage]) -> Outcome<Self> {
        let mut targets = Vec::new();
        for family in &catalog.families {
            let (id, file) = (&family.text.id, format!("formats/{}.md", family.text.id));
            let label = format!("{} lines", family.text.title);
            targets.push(Target { name: id.clone(), file: file.clone(), anchor: None, label });
            for field in &family.fields {
                targets.push(Target {
                    name: format!("{id}.{}", field.text.id),
                    file: file.clone(),
                    anchor: Some(field.text.id.clone()),
                    label: field.text.title.clone(),
                });
            }
        }
        for rule in rules {
            let label = format!("{} {}", rule.code, rule.slug);
            let file = format!("rules/{}.md", rule.slug);
            targets.push(Target { name: rule.code.clone(), file, anchor: None, label });
        }
        for term in &catalog.terms {
            targets.push(Target {
                name: format!("term:{}", term.id),
                file: "glossary.md".to_owned(),
                anchor: Some(term.id.clone()),
                label: term.title.clone(),
            });
        }
        let by_name = targets.iter().enumerate().map(|(index, target)| (target.name.clone(), index)).collect();
        let see = vec![Vec::new(); targets.len()];
        let mut names = Self { targets, by_name, see };
        names.connect(catalog, rules)?;
        Ok(names)
    }

    fn connect(&mut self, catalog: &Catalog, rules: &[RulePage]) -> Outcome {
        let mut pairs = Vec::new();
        for term in &catalog.terms {
            pairs.extend(term.see.iter().map(|name| (format!("term:{}", term.id), name.clone())));
        }
        for rule in rules {
            pairs.extend(rule.reads.iter().map(|field| (rule.code.clone(), field.clone())));
        }
        let mut edges = Vec::new();
        for (from, to) in &pairs {
            let find = |name: &String| self.by_name.get(name).copied();
            let (Some(a), Some(b)) = (find(from), find(to)) else {
                return Err(format!("\"{from}\" sees \"{to}\": there is no such page"));
            };
            if a == b || edges.contains(&(a, b)) {
                return Err(format!("\"{from}\" sees \"{to}\": itself, or twice"));
            }
            edges.push((a, b));
        }
        for (from, to) in edges.iter().copied().chain(edges.iter().map(|(from, to)| (*to, *from))) {
            if !self.see[from].contains(&to) {
                self.see[from].push(to);
            }
        }
        Ok(())
    }

    /// Links from the page of this name to all that belong to it.
    pub fn see(&self, name: &str) -> Vec<String> {
        let Some(&index) = self.by_name.get(name) else { return Vec::new() };
        self.see[index].iter().map(|&other| self.link(&self.targets[index], &self.targets[other])).collect()
    }

    fn link(&self, from: &Target, to: &Target) -> String {
        let family = |target: &Target| target.name.split_once('.').map(|(family, _)| family.to_owned());
        let label = match (family(from), family(to)) {
            (_, None) => to.label.clone(),
            (Some(here), Some(there)) if here == there => to.label.clone(),
            (_, Some(there)) => format!("{} ({there})", to.label),
        };
        format!("[{label}]({})", path(&from.file, &to.file, to.anchor.as_deref()))
    }
}

/// The way from one file below `server/docs` to another, or to a place in it.
pub fn path(from: &str, to: &str, anchor: Option<&str>) -> String {
    let anchor = anchor.map(|anchor| format!("#{anchor}")).unwrap_or_default();
    if from == to && !anchor.is_empty() {
        return anchor;
    }
    let folder = |path: &str| path.rsplit_once('/').map(|(folder, _)| folder.to_owned());
    match (folder(from), folder(to)) {
        (None, _) => format!("{to}{anchor}"),
        (Some(here), Some(there)) if here == there => format!("{}{anchor}", &to[there.len() + 1..]),
        (Some(_), _) => format!("../{to}{anchor}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_relative() {
        assert_eq!(path("formats/gc.md", "formats/gc.md", Some("n")), "#n");
        assert_eq!(path("formats/gc.md", "formats/sched.md", None), "sched.md");
        assert_eq!(path("formats/gc.md", "rules/stw-long.md", None), "../rules/stw-long.md");
        assert_eq!(path("glossary.md", "formats/gc.md", Some("n")), "formats/gc.md#n");
        assert_eq!(path("rules/stw-long.md", "glossary.md", Some("assist")), "../glossary.md#assist");
    }
}
