//! `cargo xtask try`: builds everything and opens a real leak in the first editor that is here.
//!
//! Editors are started with folders of their own below `.tools/try`: nothing of the user's setup is read or changed.

use std::env;
use std::fs;
use std::io::IsTerminal;
use std::path::Path;
use std::process::Command;

use clap::ValueEnum;

use crate::files::root;
use crate::{Outcome, report, suites};

/// Where the log is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Place {
    /// VS Code.
    Vscode,
    /// Neovim.
    Nvim,
    /// The terminal.
    Terminal,
}

/// Seventy seconds of a program that keeps what it should drop.
const LOG: &str = "tests/corpus/long/1.24.11-heapleak-p4-s6716.log";

/// Shows the log in the given place, or in the best one there is.
pub fn run(place: Option<Place>) -> Outcome {
    report("building");
    let server = suites::build(&["--release"])?;
    // A copy: whoever tries things out may edit.
    let folder = root().join(".tools/try");
    fs::create_dir_all(&folder).map_err(|error| format!("create {}: {error}", folder.display()))?;
    let log = folder.join("heapleak.log");
    fs::copy(root().join(LOG), &log).map_err(|error| format!("copy {LOG}: {error}"))?;
    match place.unwrap_or_else(best) {
        Place::Vscode => vscode(&server, &folder, &log),
        Place::Nvim => nvim(&server, &log),
        Place::Terminal => terminal(&server, &log),
    }
}

fn best() -> Place {
    if has_screen() && suites::has_program(CODE) {
        Place::Vscode
    } else if std::io::stdout().is_terminal() && has_new_nvim() {
        Place::Nvim
    } else {
        Place::Terminal
    }
}

/// VS Code's command is a script on Windows.
const CODE: &str = if cfg!(windows) { "code.cmd" } else { "code" };

fn has_screen() -> bool {
    cfg!(any(windows, target_os = "macos"))
        || env::var_os("DISPLAY").is_some()
        || env::var_os("WAYLAND_DISPLAY").is_some()
}

/// Neovim 0.11 is the first that starts language servers the way the plugin asks for.
fn has_new_nvim() -> bool {
    let Ok(output) = Command::new("nvim").arg("--version").output() else { return false };
    let text = String::from_utf8_lossy(&output.stdout);
    text.strip_prefix("NVIM v").and_then(is_new_nvim).unwrap_or(false)
}

fn is_new_nvim(version: &str) -> Option<bool> {
    let mut numbers = version.split(|char: char| !char.is_ascii_digit()).map(str::parse::<u32>);
    let (major, minor) = (numbers.next()?.ok()?, numbers.next()?.ok()?);
    Some((major, minor) >= (0, 11))
}

fn vscode(server: &Path, folder: &Path, log: &Path) -> Outcome {
    let extension = root().join("editors/vscode");
    if let Some(reason) = suites::npm_install(&extension)? {
        return Err(format!("package the extension: {reason}"));
    }
    let package = folder.join("gotracelens.vsix");
    report("packaging the extension");
    succeed(Command::new("node").arg("scripts/package.mjs").arg("--out").arg(&package).current_dir(&extension))?;
    let settings = folder.join("user/User/settings.json");
    let text = serde_json::json!({ "gotracelens.server.path": server, "workbench.startupEditor": "none" }).to_string();
    fs::create_dir_all(folder.join("user/User")).map_err(|error| format!("create the folder of settings: {error}"))?;
    fs::write(&settings, text).map_err(|error| format!("write {}: {error}", settings.display()))?;
    let code = || {
        let mut code = Command::new(CODE);
        code.arg("--extensions-dir").arg(folder.join("extensions")).arg("--user-data-dir").arg(folder.join("user"));
        code
    };
    succeed(code().arg("--install-extension").arg(&package).arg("--force"))?;
    report("opening VS Code with folders of its own");
    succeed(code().args(["--new-window", "--disable-workspace-trust", "--skip-welcome"]).arg(log))
}

fn nvim(server: &Path, log: &Path) -> Outcome {
    let paths = env::var_os("PATH").unwrap_or_default();
    let folder = server.parent().map(Path::to_owned);
    let paths = env::join_paths(folder.into_iter().chain(env::split_paths(&paths)))
        .map_err(|error| format!("set PATH: {error}"))?;
    let plugin = root().join("editors/nvim");
    let prepend = format!("lua vim.opt.runtimepath:prepend([==[{}]==])", plugin.display());
    succeed(Command::new("nvim").arg("--clean").arg("--cmd").arg(prepend).arg(log).env("PATH", paths))
}

fn terminal(server: &Path, log: &Path) -> Outcome {
    succeed(Command::new(server).arg("summary").arg(log))?;
    // Findings make `check` exit with 1, and this log has some.
    let status = Command::new(server).arg("check").arg(log).status();
    match status.map_err(|error| format!("run gotracelens check: {error}"))?.code() {
        Some(0 | 1) => Ok(()),
        code => Err(format!("gotracelens check: exit status {code:?}")),
    }
}

fn succeed(command: &mut Command) -> Outcome {
    let name = command.get_program().to_string_lossy().into_owned();
    let status = command.status().map_err(|error| format!("run {name}: {error}"))?;
    if status.success() { Ok(()) } else { Err(format!("run {name}: {status}")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neovim_is_new_from_0_11_on() {
        for (version, expected) in [("0.10.4", false), ("0.11.0-dev", true), ("0.12.1", true), ("1.0.0", true)] {
            assert_eq!(is_new_nvim(version), Some(expected), "{version}");
        }
        assert_eq!(is_new_nvim("nightly"), None);
    }

    #[test]
    fn the_bundled_log_exists() {
        assert!(root().join(LOG).is_file());
    }
}
