//! Which file of this machine a frame of a log names. A log is not trusted: what it names is looked for below the folders
//! of the workspace and the configured GOROOT only, and nothing else is even looked up, not through a symbolic link
//! either. Only regular files count.

use std::collections::VecDeque;
use std::ffi::OsString;
use std::fs;
use std::io::Read;
use std::path::{Component, Path, PathBuf};
use std::sync::OnceLock;

use tower_lsp::gen_lsp_types::{InitializeParams, Uri, WorkspaceFolders};

use crate::config;

use super::uri::path_of;

/// Symbolic links that are followed on the way to one file.
const MAX_LINKS: usize = 16;
/// Bytes of a `go.mod` that are read; its first line tells.
const MAX_GO_MOD_BYTES: u64 = 64 << 10;
/// Names that are looked up for one question.
const MAX_LOOKED_UP: usize = 2_000;

/// Below what files are looked for.
#[derive(Debug, Default)]
pub(super) struct Roots {
    folders: Vec<Root>,
    goroot: Option<Root>,
}

/// A folder below which files are looked for.
#[derive(Debug)]
struct Root {
    uri: Option<Uri>,
    /// As the client names it.
    path: PathBuf,
    /// Without symbolic links; None where there is no such folder.
    real: OnceLock<Option<PathBuf>>,
    /// The module that its `go.mod` declares.
    module: OnceLock<Option<String>>,
}

impl Roots {
    /// The folders of the workspace, and the GOROOT of the initialization options.
    ///
    /// The settings that clients send later may come from files of the workspace, which must not choose a path.
    pub(super) fn of(params: &InitializeParams) -> Self {
        let folders = match &params.workspace_folders_initialize_params.workspace_folders {
            Some(WorkspaceFolders::WorkspaceFolderList(folders)) => {
                folders.iter().map(|folder| folder.uri.clone()).collect()
            }
            _ => Vec::new(),
        };
        #[expect(deprecated, reason = "older clients have one folder only")]
        let folders = if folders.is_empty() { params.root_uri.clone().into_iter().collect() } else { folders };
        let goroot = params.initialization_options.as_ref().and_then(config::goroot);
        Self {
            folders: folders.into_iter().filter_map(Root::of_uri).collect(),
            goroot: goroot.and_then(|path| Root::of_path(PathBuf::from(path))),
        }
    }

    /// The same with folders that came and without those that went.
    pub(super) fn changed(&self, added: Vec<Uri>, removed: &[Uri]) -> Self {
        let kept = self.folders.iter().filter_map(|root| root.uri.clone()).filter(|uri| !removed.contains(uri));
        let mut uris: Vec<Uri> = kept.collect();
        uris.extend(added);
        uris.dedup();
        Self {
            folders: uris.into_iter().filter_map(Root::of_uri).collect(),
            goroot: self.goroot.as_ref().and_then(|root| Root::of_path(root.path.clone())),
        }
    }

    /// The folder of the workspace that a file lies in; of some the innermost.
    pub(super) fn folder_above(&self, path: &Path) -> Option<&Path> {
        let above = self.folders.iter().map(|root| &*root.path).filter(|folder| path.starts_with(folder));
        above.max_by_key(|folder| folder.as_os_str().len())
    }

    /// Starts to answer one question.
    pub(super) fn look(&self) -> Look<'_> {
        Look { roots: self, n_looked_up: 0 }
    }
}

/// The looking up of files for one question, which is bounded.
pub(super) struct Look<'a> {
    roots: &'a Roots,
    n_looked_up: usize,
}

impl Look<'_> {
    /// The regular file that a printed name means, as the client spells its folder.
    pub(super) fn file(&mut self, printed: &str) -> Option<PathBuf> {
        let name = Name::parse(printed, Style::HERE)?;
        let Roots { folders, goroot } = self.roots;
        if name.is_absolute {
            let roots = folders.iter().chain(goroot);
            return roots.filter_map(|root| Some((root, root.below(&name.parts)?))).find_map(|(root, rest)| {
                self.n_looked_up += 1;
                self.is_allowed().then(|| root.file(&rest)).flatten()
            });
        }
        let candidates: Vec<(&Root, Vec<&str>)> = folders
            .iter()
            .filter_map(|root| Some((root, root.of_module(&name.parts)?)))
            .chain(goroot.iter().filter(|_| name.is_of_std()).map(|root| (root, [&["src"], &name.parts[..]].concat())))
            .collect();
        candidates.into_iter().find_map(|(root, rest)| {
            self.n_looked_up += 1;
            self.is_allowed().then(|| root.file(&rest)).flatten()
        })
    }

    fn is_allowed(&self) -> bool {
        self.n_looked_up <= MAX_LOOKED_UP
    }
}

impl Root {
    fn of_uri(uri: Uri) -> Option<Self> {
        let path = path_of(&uri.0)?;
        Some(Self { uri: Some(uri), ..Self::of_path(path)? })
    }

    /// None for paths of other machines, of devices, and for relative ones.
    fn of_path(path: PathBuf) -> Option<Self> {
        let text = path.to_str()?;
        let is_elsewhere = text.starts_with("//") || text.starts_with("\\\\") || text.contains('\0');
        let is_usable =
            path.is_absolute() && !is_elsewhere && !path.components().any(|part| part == Component::ParentDir);
        is_usable.then(|| Self { uri: None, path, real: OnceLock::new(), module: OnceLock::new() })
    }

    fn real(&self) -> Option<&Path> {
        self.real.get_or_init(|| fs::canonicalize(&self.path).ok()).as_deref()
    }

    /// What of an absolute name is below this folder, however the folder is spelled.
    fn below<'n>(&self, parts: &[&'n str]) -> Option<Vec<&'n str>> {
        let spelled = [Some(self.path.as_path()), self.real()];
        spelled.into_iter().flatten().find_map(|root| {
            let root = Name::parse(root.to_str()?, Style::HERE)?;
            let (start, rest) = parts.split_at_checked(root.parts.len())?;
            let is_same = start.iter().zip(&root.parts).all(|(a, b)| Style::HERE.is_same(a, b));
            (is_same && !rest.is_empty()).then(|| rest.to_vec())
        })
    }

    /// Where below this folder a file is that was compiled with -trimpath: `module/package/file.go`, or
    /// `module@version/package/file.go` where the module is vendored.
    fn of_module<'n>(&self, parts: &[&'n str]) -> Option<Vec<&'n str>> {
        if let Some(at) = parts.iter().position(|part| part.contains('@')) {
            let name = parts[at].split('@').next().filter(|name| !name.is_empty())?;
            return Some([&["vendor"], &parts[..at], &[name], &parts[at + 1..]].concat());
        }
        match self.module() {
            Some(module) => {
                let module: Vec<&str> = module.split('/').collect();
                let is_below = parts.len() > module.len() && parts.starts_with(&module);
                is_below.then(|| parts[module.len()..].to_vec())
            }
            // A GOPATH, or the folder of several modules: the name as it stands.
            None => Some(parts.to_vec()),
        }
    }

    /// The module that `go.mod` in this folder declares.
    fn module(&self) -> Option<&str> {
        let read = || {
            let path = self.file(&["go.mod"])?;
            let mut text = String::new();
            fs::File::open(path).ok()?.take(MAX_GO_MOD_BYTES).read_to_string(&mut text).ok()?;
            let declared = text.lines().find_map(|line| line.trim().strip_prefix("module"))?;
            let name = declared.split("//").next()?.trim().trim_matches('"');
            (!name.is_empty()).then(|| name.to_owned())
        };
        self.module.get_or_init(read).as_deref()
    }

    /// The file with this name below the folder, if it is a regular one.
    fn file(&self, rest: &[&str]) -> Option<PathBuf> {
        let is_file = is_regular_file(self.real()?, rest.iter().map(OsString::from).collect());
        is_file.then(|| rest.iter().fold(self.path.clone(), |path, part| path.join(part)))
    }
}

/// Whether a name leads from a folder, which has no symbolic links in it, to a regular file below that folder. Every step
/// is looked at before it is taken, so that a link that leads out is not followed.
fn is_regular_file(root: &Path, rest: Vec<OsString>) -> bool {
    enum Step {
        Name(OsString),
        Up,
    }
    let mut done: Vec<OsString> = Vec::new();
    let mut todo: VecDeque<Step> = rest.into_iter().map(Step::Name).collect();
    let mut n_links = 0;
    while let Some(step) = todo.pop_front() {
        let Step::Name(name) = step else {
            if done.pop().is_none() {
                return false;
            }
            continue;
        };
        let path = done.iter().chain([&name]).fold(root.to_owned(), |path, part| path.join(part));
        let Ok(metadata) = fs::symlink_metadata(&path) else { return false };
        if metadata.is_symlink() {
            n_links += 1;
            let Ok(target) = fs::read_link(&path) else { return false };
            let relative = match target.strip_prefix(root) {
                Ok(below) => {
                    done.clear();
                    below
                }
                Err(_) => &target,
            };
            if n_links > MAX_LINKS {
                return false;
            }
            for part in relative.components().rev() {
                match part {
                    Component::Normal(name) => todo.push_front(Step::Name(name.to_owned())),
                    Component::ParentDir => todo.push_front(Step::Up),
                    Component::CurDir => {}
                    Component::RootDir | Component::Prefix(_) => return false,
                }
            }
        } else if todo.is_empty() {
            return metadata.is_file();
        } else if metadata.is_dir() {
            done.push(name);
        } else {
            return false;
        }
    }
    false
}

/// How names of files are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Style {
    Unix,
    Windows,
}

impl Style {
    const HERE: Self = if cfg!(windows) { Self::Windows } else { Self::Unix };

    fn is_same(self, a: &str, b: &str) -> bool {
        match self {
            Self::Unix => a == b,
            Self::Windows => a.eq_ignore_ascii_case(b),
        }
    }
}

/// A name of a file, cut at its separators.
#[derive(Debug, PartialEq)]
struct Name<'a> {
    /// On Windows the drive is the first part.
    parts: Vec<&'a str>,
    is_absolute: bool,
}

impl<'a> Name<'a> {
    /// None for names that could mean anything but a file below a folder: those of other machines and of devices, and
    /// those with steps up.
    fn parse(printed: &'a str, style: Style) -> Option<Self> {
        let bare = match style {
            // The form without limits that Windows gives for the real path of a folder.
            Style::Windows => printed.strip_prefix(r"\\?\").filter(|rest| !rest.starts_with("UNC")).unwrap_or(printed),
            Style::Unix => printed,
        };
        if bare.starts_with("//") || bare.starts_with("\\\\") || bare.contains(|c: char| c.is_control()) {
            return None;
        }
        let is_separator = |c: char| c == '/' || style == Style::Windows && c == '\\';
        let is_drive = |part: &str| matches!(part.as_bytes(), [letter, b':'] if letter.is_ascii_alphabetic());
        let mut parts: Vec<&str> = bare.split(is_separator).collect();
        let is_absolute = match style {
            Style::Unix => parts.first() == Some(&""),
            Style::Windows => parts.first().is_some_and(|first| is_drive(first)),
        };
        if is_absolute && style == Style::Unix {
            parts.remove(0);
        }
        if parts.last() == Some(&"") && parts.len() > 1 {
            parts.pop();
        }
        let names = if is_absolute && style == Style::Windows { &parts[1..] } else { &parts[..] };
        let is_plain = |part: &&str| !["", ".", ".."].contains(part) && is_file_name(part, style);
        names.iter().all(is_plain).then_some(Self { parts, is_absolute })
    }

    /// `runtime/proc.go`: packages of the standard library have no dot in their first part.
    fn is_of_std(&self) -> bool {
        self.parts.len() > 1 && !self.parts[0].contains('.')
    }
}

/// Whether a part of a path names a file. On Windows some names are those of devices, in every folder, and a colon
/// begins a stream.
fn is_file_name(part: &str, style: Style) -> bool {
    const DEVICES: [&str; 6] = ["con", "prn", "aux", "nul", "conin$", "conout$"];
    match style {
        // Go prints slashes on every system; a drive is one of another machine.
        Style::Unix => {
            !part.contains('\\') && !matches!(part.as_bytes(), [letter, b':'] if letter.is_ascii_alphabetic())
        }
        Style::Windows => {
            let stem = part.split('.').next().unwrap_or(part).trim_end().to_ascii_lowercase();
            let is_port = ["com", "lpt"]
                .iter()
                .any(|port| stem.strip_prefix(port).is_some_and(|number| number.chars().count() == 1 && number != "0"));
            let is_device = is_port || DEVICES.contains(&stem.as_str());
            !is_device && !part.ends_with(['.', ' ']) && !part.contains([':', '<', '>', '"', '|', '?', '*'])
        }
    }
}

#[cfg(test)]
mod tests;
