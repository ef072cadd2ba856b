//! `cargo xtask codegen`: everything that is generated from the catalog, written or compared.

use std::fs;

use crate::files::{self, root};
use crate::{Outcome, catalog, report};

use names::Names;

mod detection;
mod docs;
mod example;
mod family_page;
mod godebug;
mod grammar_tests;
mod markdown;
mod names;
mod pages;
mod rules;
mod rust;
mod settings;
mod textmate;

/// A generated file: its path below the root of the repository and its whole text.
struct Output {
    path: String,
    text: String,
}

/// Writes the files that differ and removes pages of what no longer exists.
pub fn write() -> Outcome {
    let outputs = outputs()?;
    for output in outputs.iter().filter(|output| !is_current(output)) {
        let path = root().join(&output.path);
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).map_err(|error| format!("create {}: {error}", folder.display()))?;
        }
        fs::write(&path, &output.text).map_err(|error| format!("write {}: {error}", output.path))?;
        report(&format!("wrote {}", output.path));
    }
    for path in left_over(&outputs)? {
        fs::remove_file(root().join(&path)).map_err(|error| format!("remove {path}: {error}"))?;
        report(&format!("removed {path}"));
    }
    Ok(())
}

/// Fails when a committed file is not what [`write`] would write.
pub fn check() -> Outcome {
    let outputs = outputs()?;
    let mut stale: Vec<_> =
        outputs.iter().filter(|output| !is_current(output)).map(|output| output.path.clone()).collect();
    stale.extend(left_over(&outputs)?);
    if stale.is_empty() {
        return Ok(());
    }
    Err(format!("generated files are out of date, run `cargo xtask codegen`: {}", stale.join(", ")))
}

fn outputs() -> Outcome<Vec<Output>> {
    let catalog = catalog::read(&root().join("server/catalog"))?;
    let rules = rules::read(&root().join("server/ide/src/rules"))?;
    let output = |path: &str, text| Output { path: path.to_owned(), text };
    let mut outputs = vec![
        output("server/tracelog/src/catalog/generated.rs", rust::generate(&catalog)),
        output("grammars/textmate/gotrace.tmLanguage.json", textmate::grammar(&catalog)),
        output("grammars/textmate/gotrace.injection.json", textmate::injection()),
        output("grammars/textmate/test/samples.log", grammar_tests::scopes(&catalog)),
        output("grammars/textmate/test/samples.json", grammar_tests::spans(&catalog)),
    ];
    outputs.extend(detection::generate(&catalog));
    let names = Names::of(&catalog, &rules)?;
    outputs.extend(docs::generate(&catalog, &rules, &names)?);
    outputs.extend(rules::generate(&rules, &names));
    outputs.extend(settings::generate()?);
    outputs.extend(godebug::generate(&catalog));
    outputs.push(pages::generate(&catalog, &rules));
    Ok(outputs)
}

/// Generated pages that nothing generates any more.
fn left_over(outputs: &[Output]) -> Outcome<Vec<String>> {
    let is_generated =
        |path: &str| fs::read_to_string(root().join(path)).is_ok_and(|text| text.starts_with(markdown::HEAD));
    let pages = files::below("server/docs")?;
    Ok(pages
        .into_iter()
        .filter(|path| is_generated(path) && outputs.iter().all(|output| output.path != *path))
        .collect())
}

fn is_current(output: &Output) -> bool {
    fs::read_to_string(root().join(&output.path)).is_ok_and(|text| text == output.text)
}

#[cfg(test)]
mod exercise_tests;

#[cfg(test)]
mod tests {
    #[test]
    fn generated_files_are_committed() {
        assert_eq!(super::check(), Ok(()));
    }
}
