//! Files beside the logs: settings of a project, what is muted, and the actions that mute.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use super::leaking;
use crate::client::{Client, range};

/// A folder with a log that leaks, and the URI of the log. The folder's name needs no escaping.
fn project(files: &[(&str, &str)]) -> (tempfile::TempDir, String) {
    let folder = tempfile::tempdir().expect("a folder");
    for (name, text) in files {
        fs::write(folder.path().join(name), text).expect("a file of the project");
    }
    fs::create_dir(folder.path().join("logs")).expect("a folder for logs");
    let uri = uri(folder.path(), "logs/app.log");
    (folder, uri)
}

fn uri(folder: &Path, name: &str) -> String {
    format!("file://{}/{name}", folder.display())
}

fn start(folder: &Path) -> Client {
    let capabilities = json!({
        "textDocument": {"diagnostic": {}, "publishDiagnostics": {}},
        "workspace": {
            "workspaceEdit": {"documentChanges": true, "resourceOperations": ["create"]},
            "didChangeWatchedFiles": {"dynamicRegistration": true},
        },
    });
    let commands = ["gotracelens.copy", "gotracelens.evidence", "gotracelens.openPage", "gotracelens.saveMutes"];
    let options = json!({ "commands": commands });
    let folders = json!([{"uri": format!("file://{}", folder.display()), "name": "project"}]);
    let (mut client, _) = Client::start_with(json!({"processId": null, "rootUri": null, "capabilities": capabilities,
        "workspaceFolders": folders, "initializationOptions": options}));
    let register = client.server_request("client/registerCapability");
    let registration = &register["params"]["registrations"][0];
    assert_eq!(registration["method"], "workspace/didChangeWatchedFiles");
    let globs: Vec<&Value> = registration["registerOptions"]["watchers"]
        .as_array()
        .expect("watchers")
        .iter()
        .map(|one| &one["globPattern"])
        .collect();
    assert_eq!(globs, ["**/gotracelens.toml", "**/gotracelens.mute.toml"]);
    client.reply(&register, Value::Null);
    client
}

/// Severity of the leak, as the protocol counts it; none where it is not reported.
fn leak(client: &mut Client, uri: &str) -> Option<u64> {
    let report = client.about("textDocument/diagnostic", uri);
    let items = report["items"].as_array().unwrap_or_else(|| panic!("no full report: {report}"));
    items.iter().find(|item| item["code"] == "GC101").and_then(|item| item["severity"].as_u64())
}

fn changed(client: &mut Client) {
    client.notify("workspace/didChangeWatchedFiles", json!({"changes": []}));
}

#[test]
fn the_file_of_the_project_is_put_over_the_settings_of_the_client() {
    let (folder, log) = project(&[("gotracelens.toml", "[rules.live-heap-leak]\nlevel = \"error\"\n")]);
    let mut client = start(folder.path());
    client.open(&log, &leaking());
    assert_eq!(leak(&mut client, &log), Some(1));
    client.notify("workspace/didChangeConfiguration", json!({"settings": {"rules": {"GC101": "hint"}}}));
    assert_eq!(leak(&mut client, &log), Some(1), "the project's level stays");
    fs::remove_file(folder.path().join("gotracelens.toml")).expect("the file is there");
    changed(&mut client);
    assert_eq!(leak(&mut client, &log), Some(4));
    client.finish();
}

#[test]
fn what_is_wrong_with_the_file_of_a_project_is_shown_there_until_it_is_right() {
    let (folder, log) = project(&[("gotracelens.toml", "preset = \"quiet\"\ngoroot = \"/evil\"\npreste = 1\n")]);
    let mut client = start(folder.path());
    client.open(&log, &leaking());
    assert_eq!(leak(&mut client, &log), Some(2), "a trend warning is shown in the preset quiet");
    let told = client.notification("textDocument/publishDiagnostics");
    assert_eq!(told["uri"], uri(folder.path(), "gotracelens.toml"));
    let found: Vec<(u64, &str)> = told["diagnostics"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|one| (one["range"]["start"]["line"].as_u64().unwrap(), one["message"].as_str().unwrap()))
        .collect();
    let expected = [
        (1, "goroot: only the settings of an editor choose this, not a file of a project"),
        (2, "preste: there is no such setting; did you mean preset?"),
    ];
    assert_eq!(found, expected);
    fs::write(folder.path().join("gotracelens.toml"), "preset = \"quiet\"\n").expect("the file can be written");
    changed(&mut client);
    assert_eq!(client.notification("textDocument/publishDiagnostics")["diagnostics"], json!([]));
    client.finish();
}

/// Applies the edit of an action to the disk, as an editor does.
fn apply(folder: &Path, action: &Value) {
    let changes = action["edit"]["documentChanges"].as_array().unwrap_or_else(|| panic!("no edit: {action}"));
    let [create, edit] = changes.as_slice() else { panic!("{changes:?}") };
    assert_eq!((&create["kind"], &create["options"]), (&json!("create"), &json!({"ignoreIfExists": true})));
    assert_eq!(create["uri"], uri(folder, "gotracelens.mute.toml"));
    assert_eq!(edit["edits"][0]["range"], range(0, 0, 0));
    let path = folder.join("gotracelens.mute.toml");
    let old = fs::read_to_string(&path).unwrap_or_default();
    fs::write(path, format!("{}{old}", edit["edits"][0]["newText"].as_str().unwrap()))
        .expect("the file can be written");
}

#[test]
fn a_finding_is_muted_on_a_line_in_a_file_and_in_the_workspace() {
    for (what, muted_here, muted_elsewhere) in
        [("on this line", true, false), ("in this file", true, false), ("in the workspace", true, true)]
    {
        let (folder, log) = project(&[]);
        let other = uri(folder.path(), "logs/other.log");
        let mut client = start(folder.path());
        client.open(&log, &leaking());
        client.open(&other, &leaking());
        let report = client.about("textDocument/diagnostic", &log);
        let found = report["items"].as_array().unwrap().iter().find(|item| item["code"] == "GC101").expect("a leak");
        let params = json!({"textDocument": {"uri": log}, "range": found["range"],
            "context": {"diagnostics": [], "only": ["quickfix"]}});
        let actions = client.ask("textDocument/codeAction", params);
        let actions = actions.as_array().expect("actions");
        let title = format!("Mute GC101 live-heap-leak {what}");
        let action = actions.iter().find(|action| action["title"] == title).unwrap_or_else(|| panic!("{actions:?}"));
        assert_eq!(action["diagnostics"][0]["code"], "GC101");
        assert_eq!(action["command"]["command"], "gotracelens.saveMutes");
        apply(folder.path(), action);
        changed(&mut client);
        assert_eq!(leak(&mut client, &log).is_none(), muted_here, "{what}");
        assert_eq!(leak(&mut client, &other).is_none(), muted_elsewhere, "{what}");
        client.finish();
    }
}

#[test]
fn a_finding_is_explained_and_its_commands_are_copied_and_nothing_is_offered_beside_it() {
    let (folder, log) = project(&[]);
    let mut client = start(folder.path());
    client.open(&log, &leaking());
    let report = client.about("textDocument/diagnostic", &log);
    let found = report["items"].as_array().unwrap().iter().find(|item| item["code"] == "GC101").expect("a leak");
    let ask = |client: &mut Client, range: &Value| {
        let params =
            json!({"textDocument": {"uri": log}, "range": range, "context": {"diagnostics": [], "only": ["quickfix"]}});
        client.ask("textDocument/codeAction", params)
    };
    let actions = ask(&mut client, &found["range"]);
    let explain = actions.as_array().unwrap().iter().find(|action| action["title"] == "Explain GC101 live-heap-leak");
    let command = &explain.unwrap_or_else(|| panic!("{actions}"))["command"];
    assert_eq!((&command["command"], &command["arguments"]), (&json!("gotracelens.openPage"), &json!(["GC101"])));
    let copied: Vec<&str> = actions
        .as_array()
        .unwrap()
        .iter()
        .filter(|action| action["command"]["command"] == "gotracelens.copy")
        .filter_map(|action| action["command"]["arguments"][0].as_str())
        .collect();
    assert!(
        copied.iter().any(|command| command.contains("go tool pprof") && command.contains("-diff_base")),
        "{actions}"
    );
    // What the action carries is what the request takes.
    let shows =
        actions.as_array().unwrap().iter().find(|action| action["command"]["command"] == "gotracelens.evidence");
    let asked = shows.unwrap_or_else(|| panic!("{actions}"))["command"]["arguments"][0].clone();
    let evidence = client.ask("gotracelens/evidence", asked);
    assert!(evidence["markdown"].as_str().is_some_and(|text| text.contains("✓ cycles: 100")), "{evidence}");
    assert_eq!(ask(&mut client, &range(1, 0, 0)), json!([]));
    client.finish();
}
