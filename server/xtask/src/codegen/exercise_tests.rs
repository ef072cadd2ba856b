//! The exercise of CONTRIBUTING.md: its diff, applied to the catalog in memory, gives a new shape and nothing else is
//! needed.

use std::fs;

use super::{Names, docs, root, rules, rust, textmate};
use crate::catalog;

/// The first block of CONTRIBUTING.md that is a diff.
fn diff() -> String {
    let text = fs::read_to_string(root().join("CONTRIBUTING.md")).unwrap();
    let (_, rest) = text.split_once("```diff\n").expect("a diff");
    rest.split_once("```").expect("its end").0.to_owned()
}

/// The file `name` with the hunks that the diff has for it; how many these are is added to `n_hunks`.
fn applied(diff: &str, name: &str, mut text: String, n_hunks: &mut usize) -> String {
    let path = format!("a/server/catalog/{name}\n");
    let hunks = diff.split("--- ").find_map(|file| file.strip_prefix(path.as_str())).unwrap_or_default();
    for hunk in hunks.split("@@\n").skip(1) {
        let with = |signs: &[char]| -> String {
            let lines = hunk.lines().filter_map(|line| line.strip_prefix(signs));
            lines.map(|line| format!("{line}\n")).collect()
        };
        let (before, after) = (with(&[' ', '-']), with(&[' ', '+']));
        if before.is_empty() {
            text = format!("{text}\n{after}");
        } else {
            assert_eq!(text.matches(&before).count(), 1, "{name} holds this once: {before}");
            text = text.replace(&before, &after);
        }
        *n_hunks += 1;
    }
    text
}

#[test]
fn the_exercise_adds_a_shape_of_the_next_release() {
    let diff = diff();
    let n_hunks = std::cell::Cell::new(0);
    let edit = |name: &str, text| {
        let mut n = n_hunks.get();
        let text = applied(&diff, name, text, &mut n);
        n_hunks.set(n);
        text
    };
    let folder = root().join("server/catalog");
    let today = catalog::read(&folder).unwrap();
    let catalog = catalog::read_edited(&folder, edit).unwrap();
    assert_eq!(n_hunks.get(), diff.matches("@@\n").count());
    assert_eq!(catalog.newest, today.newest + 1, "the exercise is about the next release; move it on");

    let gc = &catalog.families[0];
    let shape = gc.shapes.last().unwrap();
    let added: Vec<_> = shape.samples[0].spans.iter().filter(|(id, ..)| id == "pinned_mb").collect();
    let [(_, start, end)] = added[..] else { panic!("{added:?}") };
    assert_eq!(&shape.samples[0].text[*start..*end], "3");
    let field = gc.fields.iter().find(|field| field.text.id == "pinned_mb").unwrap();
    assert_eq!(field.go, shape.go);

    let rules = rules::read(&root().join("server/ide/src/rules")).unwrap();
    let names = Names::of(&catalog, &rules).unwrap();
    let mut pages = docs::generate(&catalog, &rules, &names).unwrap().into_iter();
    let page = pages.find(|page| page.path.ends_with("formats/gc.md")).unwrap();
    for generated in [rust::generate(&catalog), textmate::grammar(&catalog), page.text] {
        assert!(generated.contains("pinned"), "{}", &generated[..80]);
    }
}
