//! The files of the repository.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::Outcome;

/// The root of the repository.
pub fn root() -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    folder.ancestors().nth(2).unwrap_or(folder).to_owned()
}

/// All files below a folder of the repository, sorted; none when there is no such folder.
pub fn below(folder: &str) -> Outcome<Vec<String>> {
    let mut files = Vec::new();
    let mut open = vec![folder.to_owned()];
    while let Some(folder) = open.pop() {
        let path = root().join(&folder);
        if !path.is_dir() {
            continue;
        }
        let about = |error| format!("read {folder}: {error}");
        for entry in fs::read_dir(&path).map_err(about)? {
            let entry = entry.map_err(about)?;
            let name = format!("{folder}/{}", entry.file_name().to_string_lossy());
            if entry.path().is_dir() { open.push(name) } else { files.push(name) }
        }
    }
    files.sort();
    Ok(files)
}

/// Every file that git tracks or would track.
pub fn tracked() -> Outcome<Vec<String>> {
    let listed = Command::new("git")
        .args(["ls-files", "--cached", "--others", "--exclude-standard"])
        .current_dir(root())
        .output()
        .map_err(|error| format!("run git ls-files: {error}"))?;
    if !listed.status.success() {
        return Err(format!("git ls-files: {}", String::from_utf8_lossy(&listed.stderr).trim()));
    }
    let names = String::from_utf8_lossy(&listed.stdout).lines().map(str::to_owned).collect::<Vec<_>>();
    Ok(names.into_iter().filter(|name| root().join(name).is_file()).collect())
}
