//! `cargo xtask codegen`: everything that is generated from the catalog, written or compared.

use std::fs;
use std::path::{Path, PathBuf};

use crate::{Outcome, catalog};

mod grammar_tests;
mod rust;
mod textmate;

/// A generated file: its path below the root of the repository and its whole text.
struct Output {
    path: &'static str,
    text: String,
}

/// Writes the files that differ.
pub fn write() -> Outcome {
    for output in outputs()? {
        if is_current(&output) {
            continue;
        }
        let path = root().join(output.path);
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).map_err(|error| format!("create {}: {error}", folder.display()))?;
        }
        fs::write(&path, &output.text).map_err(|error| format!("write {}: {error}", output.path))?;
        crate::report(&format!("wrote {}", output.path));
    }
    Ok(())
}

/// Fails when a committed file is not what [`write`] would write.
pub fn check() -> Outcome {
    let stale: Vec<_> = outputs()?.into_iter().filter(|output| !is_current(output)).map(|output| output.path).collect();
    if stale.is_empty() {
        return Ok(());
    }
    Err(format!("generated files are out of date, run `cargo xtask codegen`: {}", stale.join(", ")))
}

fn outputs() -> Outcome<Vec<Output>> {
    let catalog = catalog::read(&root().join("server/catalog"))?;
    let output = |path, text| Output { path, text };
    Ok(vec![
        output("server/tracelog/src/catalog/generated.rs", rust::generate(&catalog)),
        output("grammars/textmate/gotrace.tmLanguage.json", textmate::grammar(&catalog)),
        output("grammars/textmate/gotrace.injection.json", textmate::injection()),
        output("grammars/textmate/test/samples.log", grammar_tests::scopes(&catalog)),
        output("grammars/textmate/test/samples.json", grammar_tests::spans(&catalog)),
    ])
}

fn is_current(output: &Output) -> bool {
    fs::read_to_string(root().join(output.path)).is_ok_and(|text| text == output.text)
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

#[cfg(test)]
mod tests {
    #[test]
    fn generated_files_are_committed() {
        assert_eq!(super::check(), Ok(()));
    }
}
