//! Running the program, for all tests that do.

#![allow(dead_code, reason = "each test binary uses some of it")]

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use expect_test::Expect;
use tracelog::catalog::NEWEST_MINOR;

pub struct Ran {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

pub fn program() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_gotracelens"));
    for name in ["NO_COLOR", "CLICOLOR_FORCE", "CLICOLOR", "COLUMNS"] {
        command.env_remove(name);
    }
    command
}

/// Runs with this input; gives the exit code, and what came out, as bytes.
pub fn output(args: &[&str], stdin: &[u8]) -> (i32, Vec<u8>, String) {
    let mut child = program()
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    // A program that refuses its arguments does not read its input.
    let _ = child.stdin.take().unwrap().write_all(stdin);
    let output = child.wait_with_output().unwrap();
    let code = output.status.code().expect("the program is not killed");
    (code, output.stdout, String::from_utf8(output.stderr).unwrap())
}

pub fn run_with(args: &[&str], stdin: &[u8]) -> Ran {
    let (code, stdout, stderr) = output(args, stdin);
    Ran { code, stdout: String::from_utf8(stdout).unwrap(), stderr }
}

pub fn run(args: &[&str]) -> Ran {
    run_with(args, b"")
}

/// Runs and expects output, no complaint and success.
pub fn check(args: &[&str], stdin: &str, expected: Expect) {
    let ran = run_with(args, stdin.as_bytes());
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""));
    // Ranges that are open today end at a later release when the catalog knows one.
    expected.assert_eq(&ran.stdout.replace(&format!("\"1.{NEWEST_MINOR}\""), "\"newest\""));
}

/// Runs and expects a complaint and exit code 2.
pub fn refuses(args: &[&str], stdin: &str, expected: Expect) {
    let ran = run_with(args, stdin.as_bytes());
    assert_eq!((ran.code, ran.stdout.as_str()), (2, ""));
    expected.assert_eq(&ran.stderr);
}

pub fn corpus(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/corpus").join(path).canonicalize().unwrap();
    path.to_str().unwrap().to_owned()
}

pub fn write(folder: &Path, name: &str, bytes: &[u8]) -> String {
    let path: PathBuf = folder.join(name);
    fs::write(&path, bytes).unwrap();
    path.to_str().unwrap().to_owned()
}

pub fn gzip(text: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(text).unwrap();
    encoder.finish().unwrap()
}

pub const GC_3: &str =
    "gc 3 @0.031s 4%: 0.022+0.27+0.040 ms clock, 0.18+0.10/0.41/0.066+0.32 ms cpu, 4->4->0 MB, 5 MB goal, 8 P";
pub const GC_4: &str =
    "gc 4 @0.045s 3%: 0.10+1.0+10 ms clock, 0.80+0/0.41/0.90+80 ms cpu, 4->4->1 MB, 5 MB goal, 8 P (forced)";
pub const SCHED: &str =
    "SCHED 1004ms: gomaxprocs=4 idleprocs=0 threads=7 spinningthreads=0 idlethreads=1 runqueue=12 [3 0 4 1]";
