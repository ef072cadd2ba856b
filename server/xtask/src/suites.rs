//! `cargo xtask test`: everything that can be tested here, and the names of what cannot.
//!
//! Each suite is a list of commands. A suite that lacks a tool is skipped and says which; with `CI=true` that is a
//! failure, so that nothing is forgotten where it counts.

use std::env;
use std::io::{BufRead, BufReader, Write, pipe};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::files::root;
use crate::{Outcome, codegen, report, tidy};

/// What became of a suite.
enum Verdict {
    /// How many tests there were; a suite that does not count is one.
    Ran(Count),
    /// What is missing.
    Skipped(String),
}

/// Numbers of tests.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Count {
    passed: usize,
    failed: usize,
}

/// A suite: its name on the command line, what it is, and how it is run.
struct Suite {
    name: &'static str,
    about: &'static str,
    run: fn() -> Outcome<Verdict>,
}

/// In the order of their cost, so that cheap failures come first.
const SUITES: [Suite; 10] = [
    Suite { name: "format", about: "formatting", run: || cargo(&["fmt", "--all", "--check"]) },
    Suite { name: "codegen", about: "generated files are up to date", run: || Ok(outcome(codegen::check())) },
    Suite { name: "tidy", about: "rules of the project", run: || Ok(outcome(tidy::check())) },
    Suite { name: "clippy", about: "lints", run: clippy },
    Suite { name: "rust", about: "Rust tests", run: rust },
    Suite { name: "eval", about: "no rule is less right than the committed tables say", run: eval_check },
    Suite { name: "grammars", about: "grammars of editors", run: grammars },
    Suite { name: "nvim", about: "plugin in a real Neovim", run: nvim },
    Suite { name: "vscode", about: "extension in a real VS Code", run: vscode },
    Suite { name: "vscode-types", about: "types and lints of the extension", run: vscode_types },
];

/// Runs the named suites, or all.
pub fn run(names: &[String]) -> Outcome {
    if let Some(unknown) = names.iter().find(|name| SUITES.iter().all(|suite| suite.name != **name)) {
        let known = SUITES.iter().map(|suite| suite.name).collect::<Vec<_>>().join(", ");
        return Err(format!("no suite \"{unknown}\"; there are {known}"));
    }
    let must_not_skip = env::var_os("CI").is_some_and(|value| value == "true");
    let mut total = Count::default();
    let mut lines = Vec::new();
    for suite in SUITES.iter().filter(|suite| names.is_empty() || names.iter().any(|name| name == suite.name)) {
        report(&format!("{}: {}", suite.name, suite.about));
        let line = match (suite.run)()? {
            Verdict::Ran(count) => {
                total.passed += count.passed;
                total.failed += count.failed;
                format!("{} passed, {} failed", count.passed, count.failed)
            }
            Verdict::Skipped(reason) => {
                total.failed += usize::from(must_not_skip);
                format!("skipped{}: {reason}", if must_not_skip { ", which CI does not allow" } else { "" })
            }
        };
        report(&format!("{}: {line}", suite.name));
        lines.push(format!("{:<12}  {line}", suite.name));
    }
    print_line("");
    for line in lines {
        print_line(&line);
    }
    print_line(&format!("{} passed, {} failed", total.passed, total.failed));
    if total.failed == 0 { Ok(()) } else { Err("some suites failed".to_owned()) }
}

#[expect(clippy::print_stdout, reason = "what a task finds out is its output")]
fn print_line(line: &str) {
    println!("{line}");
}

fn outcome(outcome: Outcome) -> Verdict {
    match outcome {
        Ok(()) => Verdict::Ran(Count { passed: 1, failed: 0 }),
        Err(error) => {
            report(&error);
            Verdict::Ran(Count { passed: 0, failed: 1 })
        }
    }
}

fn clippy() -> Outcome<Verdict> {
    cargo(&["clippy", "--workspace", "--all-targets", "--all-features", "--quiet", "--", "--deny", "warnings"])
}

/// Some tests start the server, so it is built first.
fn rust() -> Outcome<Verdict> {
    build(&[])?;
    // The panics that some tests need exist only under a feature.
    cargo(&["test", "--workspace", "--all-features", "--no-fail-fast", "--quiet"])
}

fn eval_check() -> Outcome<Verdict> {
    execute(eval_command(&["--check".to_owned()]).stdin(Stdio::null()))
}

/// Runs `eval` with these arguments.
pub fn eval(arguments: &[String]) -> Outcome {
    let status = eval_command(arguments).status().map_err(|error| format!("run cargo run: {error}"))?;
    if status.success() { Ok(()) } else { Err(format!("eval: {status}")) }
}

/// Labelled logs are some megabytes and need no optimized build; thousands of synthetic runs do.
fn eval_command(arguments: &[String]) -> Command {
    let mut command = cargo_command();
    command.args(["run", "--quiet", "--package", "eval"]);
    if arguments.first().is_some_and(|task| task == "shapes") {
        command.arg("--release");
    }
    command.arg("--").args(arguments);
    command
}

fn grammars() -> Outcome<Verdict> {
    let folder = root().join("grammars");
    if let Some(reason) = npm_install(&folder)? {
        return Ok(Verdict::Skipped(reason));
    }
    execute(npm()?.args(["test", "--silent"]).current_dir(folder))
}

fn nvim() -> Outcome<Verdict> {
    if cfg!(windows) {
        return Ok(Verdict::Skipped("its runner is a shell script".to_owned()));
    }
    let server = build(&[])?;
    execute(Command::new("sh").arg(root().join("editors/nvim/test/run.sh")).arg("--server").arg(server))
}

fn vscode() -> Outcome<Verdict> {
    let server = build(&[])?;
    if !has_program("node") {
        return Ok(Verdict::Skipped("Node.js is not installed".to_owned()));
    }
    execute(Command::new("node").arg(root().join("editors/vscode/test/run.mjs")).arg("--server").arg(server))
}

fn vscode_types() -> Outcome<Verdict> {
    let folder = root().join("editors/vscode");
    if let Some(reason) = npm_install(&folder)? {
        return Ok(Verdict::Skipped(reason));
    }
    execute(npm()?.args(["run", "--silent", "check"]).current_dir(folder))
}

/// Builds the server and says where it is.
pub fn build(arguments: &[&str]) -> Outcome<PathBuf> {
    let built = cargo_command()
        .args(["build", "--quiet", "--package", "gotracelens"])
        .args(arguments)
        .status()
        .map_err(|error| format!("run cargo build: {error}"))?;
    if !built.success() {
        return Err(format!("cargo build: {built}"));
    }
    let target = env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from);
    let profile = if arguments.contains(&"--release") { "release" } else { "debug" };
    Ok(target.join(profile).join(format!("gotracelens{}", env::consts::EXE_SUFFIX)))
}

fn cargo_command() -> Command {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(root());
    command
}

fn cargo(arguments: &[&str]) -> Outcome<Verdict> {
    execute(cargo_command().args(arguments))
}

/// Whether a program is on the path and starts.
pub fn has_program(name: &str) -> bool {
    Command::new(name).arg("--version").output().is_ok_and(|output| output.status.success())
}

fn npm() -> Outcome<Command> {
    // npm is a script on Windows, which only a shell can start.
    if cfg!(windows) {
        let mut command = Command::new("cmd");
        command.args(["/C", "npm"]);
        return Ok(command);
    }
    Ok(Command::new("npm"))
}

/// Installs the pinned packages of a folder; gives the reason when that is not possible here.
pub fn npm_install(folder: &Path) -> Outcome<Option<String>> {
    if !has_program("node") {
        return Ok(Some("Node.js is not installed".to_owned()));
    }
    let lock = folder.join("package-lock.json");
    let installed = folder.join("node_modules/.package-lock.json");
    let modified = |path: &Path| path.metadata().and_then(|data| data.modified()).ok();
    if modified(&installed).is_some_and(|time| Some(time) >= modified(&lock)) {
        return Ok(None);
    }
    let output = npm()?
        .args(["ci", "--no-audit", "--no-fund"])
        .current_dir(folder)
        .output()
        .map_err(|error| format!("run npm: {error}"))?;
    if output.status.success() {
        return Ok(None);
    }
    let errors = String::from_utf8_lossy(&output.stderr);
    let last = errors.lines().rfind(|line| !line.trim().is_empty()).unwrap_or("npm ci failed");
    Ok(Some(format!("npm packages cannot be installed: {last}")))
}

/// Exit status of a suite that lacks something; its last line says what.
const LACKS_SOMETHING: i32 = 3;

/// Runs a command, passes on what it prints, and counts the tests it reports.
fn execute(command: &mut Command) -> Outcome<Verdict> {
    let name = command.get_program().to_string_lossy().into_owned();
    let about = |error| format!("run {name}: {error}");
    let (reader, writer) = pipe().map_err(about)?;
    let mut child = command.stdout(writer.try_clone().map_err(about)?).stderr(writer).spawn().map_err(about)?;
    // The command keeps the writing ends, without which reading would never end.
    command.stdout(Stdio::null()).stderr(Stdio::null());
    let mut count = Count::default();
    let mut last = String::new();
    let mut lines = BufReader::new(reader);
    let mut bytes = Vec::new();
    while lines.read_until(b'\n', &mut bytes).map_err(about)? > 0 {
        std::io::stderr().write_all(&bytes).map_err(about)?;
        let line = String::from_utf8_lossy(&bytes);
        let line = line.trim_end();
        count_line(line, &mut count);
        if !line.is_empty() {
            last = line.to_owned();
        }
        bytes.clear();
    }
    let status = child.wait().map_err(about)?;
    if status.code() == Some(LACKS_SOMETHING) {
        return Ok(Verdict::Skipped(last));
    }
    if !status.success() {
        count.failed = count.failed.max(1);
    } else if count == Count::default() {
        count.passed = 1;
    }
    Ok(Verdict::Ran(count))
}

/// Adds the tests that a closing line reports: of cargo, of node's test runner, or of our own runners.
fn count_line(line: &str, count: &mut Count) {
    let number = |text: &str| text.trim().parse::<usize>().ok();
    if let Some(numbers) = line.strip_prefix("test result: ").and_then(|rest| rest.split_once(". ")) {
        for part in numbers.1.split(';') {
            match part.trim().split_once(' ') {
                Some((n, "passed")) => count.passed += number(n).unwrap_or(0),
                Some((n, "failed")) => count.failed += number(n).unwrap_or(0),
                _ => {}
            }
        }
    } else if let Some(n) = line.strip_prefix("# pass ").or_else(|| line.strip_prefix("ℹ pass ")) {
        count.passed += number(n).unwrap_or(0);
    } else if let Some(n) = line.strip_prefix("# fail ").or_else(|| line.strip_prefix("ℹ fail ")) {
        count.failed += number(n).unwrap_or(0);
    } else if let Some((passed, failed)) = line.split_once(" passed, ") {
        let failed = failed.strip_suffix(" failed").and_then(number);
        if let (Some(passed), Some(failed)) = (number(passed), failed) {
            count.passed += passed;
            count.failed += failed;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counted(lines: &str) -> Count {
        let mut count = Count::default();
        lines.lines().for_each(|line| count_line(line, &mut count));
        count
    }

    #[test]
    fn counts_what_runners_report() {
        let cargo = "test result: ok. 44 passed; 0 failed; 0 ignored; 0 measured; 1 filtered out; finished in 0.59s\n\
                     test result: FAILED. 6 passed; 1 failed; 0 ignored; 0 measured; 37 filtered out; finished in 0.5s";
        assert_eq!(counted(cargo), Count { passed: 50, failed: 1 });
        assert_eq!(counted("# tests 9\n# pass 8\n# fail 1"), Count { passed: 8, failed: 1 });
        assert_eq!(counted("31 passed, 0 failed"), Count { passed: 31, failed: 0 });
    }

    #[test]
    fn other_lines_count_nothing() {
        assert_eq!(
            counted("no test passed, none failed\npassed\n12 passed, 3 skipped\n# pass the salt"),
            Count::default()
        );
    }

    #[cfg(unix)]
    #[test]
    fn a_suite_that_lacks_something_says_what() {
        let script = |text: &str| execute(Command::new("sh").args(["-c", text])).unwrap();
        assert!(matches!(script("echo missing: x; exit 3"), Verdict::Skipped(reason) if reason == "missing: x"));
        assert!(matches!(script("exit 1"), Verdict::Ran(Count { passed: 0, failed: 1 })));
        assert!(matches!(script("true"), Verdict::Ran(Count { passed: 1, failed: 0 })));
    }
}
