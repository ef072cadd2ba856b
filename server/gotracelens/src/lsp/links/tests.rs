//! Folders of a test, frames that name what is in them and beside them, and what is looked up.

use serde_json::json;

use super::*;

fn roots(folders: &[&Path], goroot: Option<&Path>) -> Roots {
    let folders: Vec<_> =
        folders.iter().map(|path| json!({"uri": format!("file://{}", path.display()), "name": "folder"})).collect();
    let options = goroot.map(|path| json!({"goroot": path}));
    let params =
        json!({"processId": null, "capabilities": {}, "workspaceFolders": folders, "initializationOptions": options});
    Roots::of(&serde_json::from_value(params).unwrap())
}

fn write(path: &Path, text: &str) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

/// A folder with a file in it, and one beside it.
fn two_folders() -> (tempfile::TempDir, PathBuf, PathBuf) {
    let temp = tempfile::tempdir().unwrap();
    let base = fs::canonicalize(temp.path()).unwrap();
    let (inside, outside) = (base.join("inside"), base.join("outside"));
    write(&inside.join("pkg/a b.go"), "package pkg");
    write(&inside.join("main.go"), "package main");
    write(&outside.join("secret.go"), "package secret");
    (temp, inside, outside)
}

fn name(path: &Path) -> &str {
    path.to_str().unwrap()
}

#[test]
fn regular_files_below_a_folder_are_found() {
    let (_temp, inside, outside) = two_folders();
    let roots = roots(&[&inside], None);
    let found = |path: &Path| roots.look().file(name(path));
    assert_eq!(found(&inside.join("pkg/a b.go")), Some(inside.join("pkg/a b.go")));
    assert_eq!(found(&inside.join("main.go")), Some(inside.join("main.go")));
    assert_eq!(found(&outside.join("secret.go")), None, "it is there, but not below the folder");
    assert_eq!(found(&inside.join("no.go")), None);
    assert_eq!(found(&inside.join("pkg")), None, "a directory is no file");
    assert_eq!(found(&inside), None);
}

#[test]
fn names_that_lead_out_are_refused() {
    let (_temp, inside, _outside) = two_folders();
    let roots = roots(&[&inside], None);
    let inside = name(&inside);
    for printed in [
        format!("{inside}/../outside/secret.go"),
        format!("{inside}/pkg/../main.go"),
        format!("{inside}/./main.go"),
        format!("{inside}//main.go"),
        format!("/{inside}/main.go"),
        format!("//server{inside}/main.go"),
        format!("\\\\server\\share{inside}/main.go"),
        format!("{inside}-not/main.go"),
        format!("{inside}/main.go\0"),
        format!("{inside}/pkg\\a b.go"),
        "../outside/secret.go".to_owned(),
        "C:/main.go".to_owned(),
        String::new(),
        "/".to_owned(),
    ] {
        assert_eq!(roots.look().file(&printed), None, "{printed:?}");
    }
}

#[cfg(unix)]
#[test]
fn symbolic_links_are_followed_inside_and_never_out() {
    use std::os::unix::fs::symlink;
    let (_temp, inside, outside) = two_folders();
    let link = |to: &str, at: &str| symlink(to, inside.join(at)).unwrap();
    link("pkg", "alias");
    link(name(&inside.join("main.go")), "absolute.go");
    link("../main.go", "pkg/up.go");
    link("alias/../main.go", "over.go");
    link("../outside", "out");
    link(name(&outside.join("secret.go")), "secret.go");
    link("out/../inside/main.go", "back.go");
    link("pkg/../../outside/secret.go", "far.go");
    link("loop-b", "loop-a");
    link("loop-a", "loop-b");
    let roots = roots(&[&inside], None);
    let is_found = |at: &str| roots.look().file(name(&inside.join(at))).is_some();
    for at in ["alias/a b.go", "absolute.go", "pkg/up.go", "over.go"] {
        assert!(is_found(at), "{at} stays inside");
    }
    for at in ["out/secret.go", "secret.go", "back.go", "far.go", "loop-a", "out"] {
        assert!(!is_found(at), "{at} leads out or nowhere");
    }
}

#[cfg(unix)]
#[test]
fn a_folder_may_itself_be_a_link() {
    let (temp, inside, _outside) = two_folders();
    let alias = temp.path().join("alias");
    std::os::unix::fs::symlink(&inside, &alias).unwrap();
    let roots = roots(&[&alias], None);
    for spelled in [alias.join("main.go"), inside.join("main.go")] {
        assert_eq!(roots.look().file(name(&spelled)), Some(alias.join("main.go")), "as the client spells the folder");
    }
}

#[cfg(unix)]
#[test]
fn only_regular_files_count() {
    let (_temp, inside, _outside) = two_folders();
    let fifo = inside.join("fifo.go");
    rustix::fs::mkfifoat(rustix::fs::CWD, &fifo, rustix::fs::Mode::RWXU).unwrap();
    let socket = inside.join("socket.go");
    let _listener = std::os::unix::net::UnixListener::bind(&socket).unwrap();
    std::os::unix::fs::symlink("/dev/null", inside.join("null.go")).unwrap();
    let roots = roots(&[&inside], None);
    for path in [fifo, socket, inside.join("null.go"), PathBuf::from("/dev/null"), PathBuf::from("/proc/self/mem")] {
        assert_eq!(roots.look().file(name(&path)), None, "{}", path.display());
    }
}

#[test]
fn a_module_that_was_built_with_trimpath_is_found_by_its_name() {
    let (_temp, inside, outside) = two_folders();
    write(&inside.join("go.mod"), "// a comment\nmodule example.com/acme/app // v0\n\ngo 1.27\n");
    write(&inside.join("vendor/github.com/pkg/errors/errors.go"), "package errors");
    write(&outside.join("src/runtime/proc.go"), "package runtime");
    let roots = roots(&[&inside], Some(&outside));
    let found = |printed: &str| roots.look().file(printed);
    assert_eq!(found("example.com/acme/app/main.go"), Some(inside.join("main.go")));
    assert_eq!(found("example.com/acme/application/main.go"), None);
    assert_eq!(found("example.com/other/main.go"), None, "another module");
    assert_eq!(found("main.go"), None);
    let vendored = inside.join("vendor/github.com/pkg/errors/errors.go");
    assert_eq!(found("github.com/pkg/errors@v0.9.1/errors.go"), Some(vendored));
    assert_eq!(found("github.com/other/errors@v0.9.1/main.go"), None, "not a file of the same name elsewhere");
    assert_eq!(found("runtime/proc.go"), Some(outside.join("src/runtime/proc.go")));
    let printed = outside.join("src/runtime/proc.go");
    assert_eq!(found(name(&printed)), Some(printed.clone()));
}

#[test]
fn folders_come_and_go() {
    let (_temp, inside, outside) = two_folders();
    let uri = |path: &Path| Uri::from(format!("file://{}", path.display()));
    let before = roots(&[&inside], None);
    let after = before.changed(vec![uri(&outside)], &[uri(&inside)]);
    assert_eq!(after.look().file(name(&inside.join("main.go"))), None);
    assert!(after.look().file(name(&outside.join("secret.go"))).is_some());
}

#[test]
fn folders_of_other_machines_are_no_folders() {
    for uri in ["file://server/share", "file:////server/share", "vscode-remote://a/b", "untitled:a"] {
        assert!(Root::of_uri(Uri::from(uri.to_owned())).is_none(), "{uri}");
    }
    for path in ["relative", "//server/share", "\\\\server\\share", "\\\\.\\pipe\\a", "/a/../b", ""] {
        assert!(Root::of_path(PathBuf::from(path)).is_none(), "{path:?}");
    }
}

#[test]
fn what_is_looked_up_for_one_question_is_bounded() {
    let (_temp, inside, _outside) = two_folders();
    let roots = roots(&[&inside], None);
    let mut look = roots.look();
    for n in 0..MAX_LOOKED_UP {
        assert_eq!(look.file(&format!("{}/{n}.go", name(&inside))), None);
    }
    assert_eq!(look.file(name(&inside.join("main.go"))), None);
    assert!(roots.look().file(name(&inside.join("main.go"))).is_some(), "the next question starts anew");
}

#[test]
fn names_of_windows_are_read_as_such() {
    let parse = |printed| Name::parse(printed, Style::Windows).map(|name| (name.is_absolute, name.parts));
    assert_eq!(parse("C:/src/a/main.go"), Some((true, vec!["C:", "src", "a", "main.go"])));
    assert_eq!(parse(r"\\?\C:\src\a"), Some((true, vec!["C:", "src", "a"])));
    assert_eq!(parse("example.com/app/main.go"), Some((false, vec!["example.com", "app", "main.go"])));
    for refused in [
        r"\\server\share\main.go",
        "//server/share/main.go",
        r"\\?\UNC\server\share\main.go",
        r"\\.\PhysicalDrive0",
        "C:/a/../b.go",
        "C:/a/nul",
        "C:/a/NUL.go",
        "C:/a/aux/b.go",
        "C:/a/com1.go",
        "C:/a/LPT9",
        "C:/a/conin$",
        "C:/a/main.go:stream",
        "C:/a/main.go.",
        "C:/a/main.go ",
        "C:main.go",
        "/main.go",
        "C:/a?.go",
        "D:/C:/a.go",
    ] {
        assert_eq!(parse(refused), None, "{refused:?}");
    }
    assert!(Style::Windows.is_same("c:", "C:") && !Style::Unix.is_same("a", "A"));
}
