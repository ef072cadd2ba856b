//! Where a finding is, as formats of other tools count and name places.

use std::path::{Component, Path, PathBuf};

use tracelog::{Encoding, Loc};

use crate::cli::input::Document;

/// A stretch of a line.
pub(super) struct Region<'a> {
    /// The file, as it was named.
    pub(super) file: &'a str,
    /// The line, from 1.
    pub(super) line: u32,
    /// The first column in UTF-16 code units, from 1.
    pub(super) start_column: u32,
    /// One past the last column.
    pub(super) end_column: u32,
}

impl<'a> Region<'a> {
    pub(super) fn of(document: &'a Document, loc: Loc) -> Self {
        let place = document.place(loc.line, loc.start);
        // A line that goes on in the next file of a rotated set has its columns counted from where that file begins.
        let shift = loc.start.saturating_sub(place.byte);
        let line = document.bytes_of(loc.line);
        let column = |byte: u32| {
            let before = line.get(shift as usize..(byte as usize).min(line.len())).unwrap_or_default();
            Encoding::Utf16.units(&String::from_utf8_lossy(before)) + 1
        };
        let (start_column, end_column) = (column(loc.start), column(loc.end));
        Self { file: place.file, line: place.line + 1, start_column, end_column: end_column.max(start_column) }
    }
}

/// What standard input is called in formats that name files.
const STDIN: &str = "stdin";

/// The path of a file as tools know it that look for it in a repository: relative to the working directory where it is
/// below, with `/` between its parts.
pub(super) fn artifact_path(name: &str) -> String {
    if name == "-" {
        return STDIN.to_owned();
    }
    let current = std::env::current_dir().unwrap_or_default();
    let absolute = normal(&current.join(name));
    let path = absolute.strip_prefix(normal(&current)).map_or(absolute.as_path(), |below| below);
    let parts: Vec<String> = path
        .components()
        .filter(|part| !matches!(part, Component::RootDir))
        .map(|part| part.as_os_str().to_string_lossy().into_owned())
        .collect();
    // A drive begins a path by itself.
    let root = if matches!(path.components().next(), Some(Component::RootDir)) { "/" } else { "" };
    format!("{root}{}", parts.join("/"))
}

/// A path without `.` and `..`, by its text alone: the file need not be there.
fn normal(path: &Path) -> PathBuf {
    let mut normal = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => {
                normal.pop();
            }
            part => normal.push(part),
        }
    }
    normal
}

/// The address of a file: relative to the working directory where it is below, else absolute. Percent-encoded.
pub(super) fn artifact_uri(name: &str) -> String {
    let path = artifact_path(name);
    let mut uri = String::new();
    if Path::new(&path).is_absolute() {
        uri.push_str(if path.starts_with('/') { "file://" } else { "file:///" });
    }
    for byte in path.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => uri.push(char::from(byte)),
            _ => uri.push_str(&format!("%{byte:02X}")),
        }
    }
    uri
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_below_the_working_directory_have_relative_addresses() {
        assert_eq!(artifact_uri("logs/app.log"), "logs/app.log");
        assert_eq!(artifact_uri("./logs/../app 1,é%.log"), "app%201%2C%C3%A9%25.log");
        assert_eq!(artifact_uri("a:b.log"), "a%3Ab.log", "no scheme");
        assert_eq!(artifact_uri("-"), "stdin");
        let here = std::env::current_dir().unwrap();
        assert_eq!(artifact_uri(here.join("x.log").to_str().unwrap()), "x.log");
        assert_eq!(artifact_path("./logs/app.log"), "logs/app.log");
    }

    #[cfg(unix)]
    #[test]
    fn other_files_have_absolute_addresses() {
        assert_eq!(artifact_uri("/var/log/a b.log"), "file:///var/log/a%20b.log");
        assert_eq!(artifact_path("/var/log/a b.log"), "/var/log/a b.log");
    }

    #[test]
    fn columns_are_counted_in_utf_16() {
        let document = Document::new("app.log".to_owned(), "é😀 gc 1\nx\n".into());
        let region = Region::of(&document, Loc::new(0, 7, 11));
        assert_eq!((region.line, region.start_column, region.end_column), (1, 5, 9));
        let beyond = Region::of(&document, Loc::new(1, 0, 99));
        assert_eq!((beyond.start_column, beyond.end_column), (1, 2));
    }
}
