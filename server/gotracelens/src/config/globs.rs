//! Which files a glob names.

use std::path::Path;

use glob::{MatchOptions, Pattern};

/// Why a text is no glob.
pub(super) fn problem(glob: &str) -> Option<String> {
    Pattern::new(glob).err().map(|error| format!("{glob:?} is no glob: {}", error.msg))
}

/// Whether one of the globs names this file: by its name, or by its path where the glob has a separator. A path begins
/// in `folder` where the globs come from a file there, else anywhere.
pub(crate) fn is_named(path: &Path, globs: &[String], folder: Option<&Path>) -> bool {
    let options = MatchOptions {
        case_sensitive: !cfg!(windows),
        require_literal_separator: true,
        require_literal_leading_dot: false,
    };
    globs.iter().any(|glob| {
        let is_path = glob.contains(['/', '\\']);
        let inside = folder.and_then(|folder| path.strip_prefix(folder).ok());
        let (name, anchored) = match (is_path, inside, folder) {
            (false, _, _) => (path.file_name().map(Path::new), glob.clone()),
            (true, Some(inside), _) => (Some(inside), glob.trim_start_matches("./").to_owned()),
            // Files of a folder say nothing about those outside.
            (true, None, Some(_)) => (None, String::new()),
            (true, None, None) if Path::new(glob).is_absolute() || glob.starts_with("**") => (Some(path), glob.clone()),
            (true, None, None) => (Some(path), format!("**/{glob}")),
        };
        let Ok(pattern) = Pattern::new(&anchored) else { return false };
        name.is_some_and(|name| pattern.matches_path_with(name, options))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(unix)]
    fn globs_name_files_by_name_or_by_path() {
        let named = |glob: &str, folder: Option<&str>| {
            is_named(Path::new("/src/app/logs/gc.log"), &[glob.to_owned()], folder.map(Path::new))
        };
        for (glob, folder, expected) in [
            ("*.log", None, true),
            ("gc.*", Some("/elsewhere"), true),
            ("logs/*.log", None, true),
            ("app/*.log", None, false),
            ("/src/**/*.log", None, true),
            ("logs/*.log", Some("/src/app"), true),
            ("./logs/gc.log", Some("/src/app"), true),
            ("app/logs/*.log", Some("/src/app"), false),
            ("**/*.log", Some("/src"), true),
            ("**/*.log", Some("/other"), false),
            ("[", None, false),
        ] {
            assert_eq!(named(glob, folder), expected, "{glob} {folder:?}");
        }
    }
}
