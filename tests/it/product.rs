//! Runs `gotracelens parse` and hands back what it prints. The checker sees the product only through this.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::json::Json;

/// One physical line of a file, as `gotracelens parse` prints it.
#[derive(Debug, Clone)]
pub struct ParsedLine {
    /// 1-based.
    pub line: i128,
    pub carrier: Json,
    pub items: Vec<Json>,
    pub text: Json,
}

/// The built binary: in the folder of the profile these tests were built with.
pub fn binary() -> PathBuf {
    let test = std::env::current_exe().expect("the test knows its own path");
    let profile = test.ancestors().nth(2).expect("tests are in <target>/<profile>/deps");
    let binary = profile.join(format!("gotracelens{}", std::env::consts::EXE_SUFFIX));
    assert!(binary.is_file(), "{} is missing: run `cargo build -p gotracelens` first", binary.display());
    binary
}

/// `gotracelens parse` on one file. Exit status and standard error are asserted.
pub fn parse_file(path: &Path) -> Vec<ParsedLine> {
    let output = Command::new(binary()).arg("parse").arg(path).output().expect("the binary starts");
    assert!(
        output.status.success(),
        "gotracelens parse {}: {}\n{}",
        path.display(),
        output.status,
        String::from_utf8_lossy(&output.stderr)
    );
    let stdout = String::from_utf8(output.stdout).expect("JSON Lines are UTF-8");
    stdout.lines().map(parsed_line).collect()
}

/// Whether the product has `gotracelens blocks`. Until then what would be compared with it is only read.
const HAS_BLOCKS: bool = true;

/// `gotracelens blocks` on one file, `None` while the product has no such command.
pub fn blocks_of(path: &Path) -> Option<Vec<Json>> {
    HAS_BLOCKS.then(|| {
        let output = Command::new(binary()).arg("blocks").arg(path).output().expect("the binary starts");
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "gotracelens blocks {}: {}\n{errors}", path.display(), output.status);
        let stdout = String::from_utf8(output.stdout).expect("JSON Lines are UTF-8");
        stdout.lines().map(|line| serde_json::from_str(line).expect("a line is JSON")).collect()
    })
}

/// One line of the output. What every line must have is asserted.
pub fn parsed_line(line: &str) -> ParsedLine {
    let json: Json = serde_json::from_str(line).unwrap_or_else(|error| panic!("not JSON: {error}: {line}"));
    let Json::Integer(number) = json.get("line") else { panic!("no line number: {line}") };
    assert!(matches!(json.get("items"), Json::List(_)), "no items: {line}");
    assert!(!json.get("file").text().is_empty(), "no file: {line}");
    ParsedLine {
        line: *number,
        carrier: json.get("carrier").clone(),
        items: json.get("items").list().to_vec(),
        text: json.get("text").clone(),
    }
}

/// `gotracelens parse` on bytes, through a file in a folder of its own.
pub fn parse_bytes(bytes: &[u8]) -> Vec<ParsedLine> {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("wrapped.log");
    std::fs::write(&path, bytes).expect("the temporary file is written");
    parse_file(&path)
}

#[test]
fn blocks_are_compared_as_soon_as_the_product_prints_them() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("empty.log");
    std::fs::write(&path, "").expect("the temporary file is written");
    let output = Command::new(binary()).arg("blocks").arg(&path).output().expect("the binary starts");
    assert_eq!(output.status.success(), HAS_BLOCKS, "the command and HAS_BLOCKS say different things");
}
