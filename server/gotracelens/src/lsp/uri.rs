//! URIs of files and their paths.

use std::path::{Path, PathBuf};

use tower_lsp::gen_lsp_types::Uri;

/// The path of a URI that names a file of this machine. None for other schemes and for files of other machines.
pub(super) fn path_of(uri: &str) -> Option<PathBuf> {
    let path = uri.strip_prefix("file://")?;
    let path = path.strip_prefix("localhost").unwrap_or(path);
    let path = String::from_utf8(decoded(path.as_bytes())?).ok()?;
    if !path.starts_with('/') || path.contains('\0') {
        return None;
    }
    Some(PathBuf::from(if cfg!(windows) { path.trim_start_matches('/') } else { &path }))
}

/// Bytes without percent signs; None when one is followed by anything but two hexadecimal digits.
fn decoded(escaped: &[u8]) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(escaped.len());
    let mut rest = escaped.iter();
    while let Some(byte) = rest.next() {
        let mut digit = || rest.next().and_then(|digit| char::from(*digit).to_digit(16));
        bytes.push(if *byte == b'%' { u8::try_from(digit()? * 16 + digit()?).ok()? } else { *byte });
    }
    Some(bytes)
}

/// The URI of an absolute path. None where the path is no text.
pub(super) fn uri_of(path: &Path) -> Option<Uri> {
    let path = path.to_str()?;
    let path = if cfg!(windows) { format!("/{}", path.replace('\\', "/")) } else { path.to_owned() };
    let mut uri = "file://".to_owned();
    for byte in path.bytes() {
        match byte {
            b'/' | b'-' | b'.' | b'_' | b'~' | b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z' => uri.push(char::from(byte)),
            _ => uri.push_str(&format!("%{byte:02X}")),
        }
    }
    Some(Uri::from(uri))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(unix)]
    fn paths_are_kept_through_uris() {
        for path in ["/src/main.go", "/a b/100%/ü#?.go", "/c:/x"] {
            let uri = uri_of(Path::new(path)).unwrap();
            assert!(uri.0.is_ascii() && !uri.0.contains([' ', '#', '?']), "{}", uri.0);
            assert_eq!(path_of(&uri.0), Some(PathBuf::from(path)));
        }
    }

    #[test]
    fn only_files_of_this_machine_have_a_path() {
        let path = |uri: &str| path_of(uri).map(|path| path.to_string_lossy().replace('\\', "/"));
        let root = if cfg!(windows) { "" } else { "/" };
        assert_eq!(path("file:///c%3A/a%20b/%C3%A4.log"), Some(format!("{root}c:/a b/ä.log")));
        for uri in [
            "untitled:1",
            "http://a/b",
            "file://host/a",
            "file:a",
            "file:///a%",
            "file:///a%0",
            "file:///a%zz",
            "file:///%ff",
            "file:///a%00",
        ] {
            assert_eq!(path(uri), None, "{uri}");
        }
    }
}
