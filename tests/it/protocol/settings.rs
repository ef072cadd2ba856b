//! Settings arrive in three ways, and a wrong one breaks nothing.

use serde_json::{Value, json};

use super::{GC_LINE, N_LENSES, URI};
use crate::client::{Client, range};

const LENSES: &str = "textDocument/codeLens";

fn lens_client(more: Value) -> Value {
    let mut capabilities = json!({"textDocument": {"codeLens": {}, "inlayHint": {}, "diagnostic": {}}});
    capabilities["workspace"] = more;
    capabilities
}

#[test]
fn settings_come_with_initialize() {
    for (options, n_lenses) in [
        (json!(null), Some(N_LENSES)),
        (json!({"summary": {"where": "off"}}), None),
        (json!({"gotracelens": {"summary": {"where": "off"}}}), None),
        (json!({"summary": {"where": "nowhere"}, "unknown": {"x": [1]}}), Some(N_LENSES)),
        (json!("nonsense"), Some(N_LENSES)),
    ] {
        let (mut client, _) = Client::start_with(
            json!({"processId": null, "rootUri": null, "capabilities": lens_client(json!({})), "initializationOptions": options}),
        );
        client.open(URI, GC_LINE);
        assert_eq!(client.about(LENSES, URI).as_array().map(Vec::len), n_lenses, "{options}");
        if options["summary"]["where"] == "nowhere" || options == "nonsense" {
            let message = client.notification("window/showMessage");
            assert!(
                message["message"].as_str().is_some_and(|text| text.starts_with("gotracelens settings: ")),
                "{message}"
            );
        }
        client.finish();
    }
}

#[test]
fn hints_are_shown_by_kind_and_lenses_carry_the_commands_that_the_client_has() {
    let log = format!("{GC_LINE}\n{}\n", GC_LINE.replace("gc 7 @14", "gc 8 @15").replace("->4 MB", "->7 MB"));
    let hints = |client: &mut Client| {
        client.ask("textDocument/inlayHint", json!({"textDocument": {"uri": URI}, "range": {"start": {"line": 0, "character": 0}, "end": {"line": 9, "character": 0}}}))
    };
    let options = json!({"commands": ["gotracelens.reveal"], "inlayHints": {"liveHeapDelta": true}});
    let (mut client, _) = Client::start_with(
        json!({"processId": null, "rootUri": null, "capabilities": lens_client(json!({})), "initializationOptions": options}),
    );
    client.open(URI, &log);
    let shown = hints(&mut client);
    assert_eq!(shown.as_array().map(Vec::len), Some(1), "{shown}");
    assert_eq!((&shown[0]["label"], &shown[0]["position"]["line"]), (&json!("+3 MB"), &json!(1)));
    let lenses = client.about(LENSES, URI);
    let commands: Vec<&Value> = lenses.as_array().unwrap().iter().map(|lens| &lens["command"]).collect();
    let reveal = commands.iter().find(|command| command["command"] == "gotracelens.reveal");
    assert!(
        reveal.is_some_and(|command| command["arguments"][0] == URI && command["arguments"][1].is_u64()),
        "{lenses}"
    );
    assert!(commands.iter().all(|command| ["", "gotracelens.reveal"].contains(&command["command"].as_str().unwrap())));
    client.notify("workspace/didChangeConfiguration", json!({"settings": {"gotracelens": {}}}));
    assert_eq!(hints(&mut client), Value::Null);
    client.finish();
}

#[test]
fn settings_are_pushed_to_servers_that_cannot_ask() {
    let mut client = Client::start(lens_client(json!({})));
    client.open(URI, GC_LINE);
    client.notify(
        "workspace/didChangeConfiguration",
        json!({"settings": {"gotracelens": {"summary": {"where": "off"}}}}),
    );
    assert_eq!(client.about(LENSES, URI), Value::Null);
    client.notify("workspace/didChangeConfiguration", json!({"settings": {"gotracelens": {"summary": {"where": 7}}}}));
    assert_eq!(client.about(LENSES, URI).as_array().map(Vec::len), Some(N_LENSES));
    let message = client.notification("window/showMessage");
    assert!(message["message"].as_str().is_some_and(|text| text.contains("summary.where")), "{message}");
    let ended = client.finish();
    assert!(ended.stderr.contains("summary.where"), "{}", ended.stderr);
}

#[test]
fn settings_are_asked_for_where_the_client_can_be_asked_and_a_change_is_shown() {
    let mut client = Client::start(lens_client(json!({
        "configuration": true,
        "didChangeConfiguration": {"dynamicRegistration": true},
        "codeLens": {"refreshSupport": true},
    })));
    let register = client.server_request("client/registerCapability");
    assert_eq!(register["params"]["registrations"][0]["method"], "workspace/didChangeConfiguration");
    assert_eq!(register["params"]["registrations"][0]["registerOptions"], json!({"section": "gotracelens"}));
    client.reply(&register, Value::Null);
    let configuration = client.server_request("workspace/configuration");
    assert_eq!(configuration["params"]["items"], json!([{"section": "gotracelens"}]));
    client.reply(&configuration, json!([null]));
    client.open(URI, GC_LINE);
    assert_eq!(client.about(LENSES, URI).as_array().map(Vec::len), Some(N_LENSES));

    client.notify("workspace/didChangeConfiguration", json!({"settings": null}));
    let configuration = client.server_request("workspace/configuration");
    client.reply(&configuration, json!([{"summary": {"where": "off"}}]));
    let refresh = client.server_request("workspace/codeLens/refresh");
    client.reply(&refresh, Value::Null);
    assert_eq!(client.about(LENSES, URI), Value::Null);
    client.finish();
}

#[test]
fn the_summary_goes_where_the_settings_say() {
    let summary_of = |capabilities: Value, place: &str| {
        let (mut client, _) = Client::start_with(json!({"processId": null, "rootUri": null,
            "capabilities": {"textDocument": capabilities}, "initializationOptions": {"summary": {"where": place}}}));
        client.open(URI, GC_LINE);
        let lenses = client.about(LENSES, URI);
        let hints =
            client.ask("textDocument/inlayHint", json!({"textDocument": {"uri": URI}, "range": range(0, 0, 0)}));
        let findings = client.about("textDocument/diagnostic", URI);
        client.finish();
        let n = |list: &Value| list.as_array().map_or(0, Vec::len);
        (n(&lenses), n(&hints), n(&findings["items"]))
    };
    let all = json!({"codeLens": {}, "inlayHint": {}, "diagnostic": {}});
    assert_eq!(summary_of(all.clone(), "auto"), (N_LENSES, 0, 0));
    assert_eq!(summary_of(all.clone(), "lens"), (N_LENSES, 0, 0));
    assert_eq!(summary_of(all.clone(), "inlay"), (0, N_LENSES, 0));
    assert_eq!(summary_of(all.clone(), "diagnostic"), (0, 0, N_LENSES));
    assert_eq!(summary_of(all, "off"), (0, 0, 0));
    assert_eq!(summary_of(json!({"inlayHint": {}, "diagnostic": {}}), "auto"), (0, N_LENSES, 0));
    assert_eq!(summary_of(json!({"diagnostic": {}}), "auto"), (0, 0, N_LENSES));
}

#[test]
fn older_files_of_a_rotated_set_are_in_the_summary_where_the_settings_say_so() {
    let cycles = |numbers: std::ops::Range<u64>| -> String {
        let gc = |n: u64| GC_LINE.replacen("gc 7 @14.000s", &format!("gc {n} @{n}.000s"), 1) + "\n";
        numbers.map(gc).collect()
    };
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("app.log.2"), cycles(1..101)).unwrap();
    std::fs::write(folder.path().join("app.log.1"), cycles(101..201)).unwrap();
    let path = folder.path().to_string_lossy().replace('\\', "/");
    let uri = format!("file:///{}/app.log", path.trim_start_matches('/'));
    let lenses = |join: Value| {
        let (mut client, _) = Client::start_with(json!({"processId": null, "rootUri": null,
            "capabilities": lens_client(json!({})), "initializationOptions": {"join": join}}));
        client.open(&uri, &cycles(201..251));
        let titles = |client: &mut Client| {
            let lenses = client.about(LENSES, &uri);
            let titles =
                lenses.as_array().unwrap().iter().map(|lens| lens["command"]["title"].as_str().unwrap().to_owned());
            titles.collect::<Vec<_>>()
        };
        let opened = titles(&mut client);
        client.change(&uri, 2, json!([{"range": range(50, 0, 0), "text": cycles(251..261)}]));
        let grown = titles(&mut client);
        let findings = client.about("textDocument/diagnostic", &uri);
        for finding in findings["items"].as_array().unwrap() {
            assert!(finding["range"]["end"]["line"].as_u64().unwrap() <= 60, "{finding}");
        }
        client.finish();
        (opened, grown)
    };
    let (opened, grown) = lenses(json!(["*.log"]));
    assert!(opened[1].ends_with("with 2 older files: 250 GC cycles in 4.15 min"), "{opened:?}");
    assert!(grown[1].ends_with("with 2 older files: 260 GC cycles in 4.32 min"), "{grown:?}");
    for join in [json!([]), json!(["other.log"]), json!(null)] {
        let (opened, _) = lenses(join);
        assert!(!opened.iter().any(|title| title.contains("older")), "{opened:?}");
    }
}
