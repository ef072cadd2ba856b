//! How a server ends: with the right code, soon, and never as an orphan.

use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};

use super::{GC_LINE, URI, healthy};
use crate::client::{Client, Ended, at, frame, server};

/// Limits are ten times what is promised, because test machines are shared; the promise is measured elsewhere.
fn check(ended: &Ended, code: i32, within: Duration) {
    assert_eq!(ended.code, Some(code), "{}", ended.stderr);
    assert!(ended.took < within, "took {:?}", ended.took);
}

fn exit(client: &mut Client) {
    client.send(&json!({"jsonrpc": "2.0", "method": "exit"}));
}

#[test]
fn exit_after_shutdown_is_success_even_if_the_input_stays_open() {
    for params in [None, Some(Value::Null), Some(json!({})), Some(json!([]))] {
        let mut client = Client::start(json!({}));
        let mut shutdown = json!({"jsonrpc": "2.0", "id": "bye", "method": "shutdown"});
        if let Some(params) = params {
            shutdown["params"] = params;
        }
        client.send(&shutdown);
        assert_eq!(client.response("bye")["result"], Value::Null);
        exit(&mut client);
        check(&client.wait(), 0, Duration::from_secs(1));
    }
}

#[test]
fn exit_without_shutdown_is_failure() {
    let mut client = Client::start(json!({}));
    exit(&mut client);
    check(&client.wait(), 1, Duration::from_secs(1));

    let mut client = Client::spawn();
    exit(&mut client);
    check(&client.wait(), 1, Duration::from_secs(1));
}

#[test]
fn a_shutdown_that_was_refused_does_not_count() {
    let mut client = Client::spawn();
    let early = client.request("shutdown", Value::Null);
    assert_eq!(client.error_code(early), -32002);
    exit(&mut client);
    check(&client.wait(), 1, Duration::from_secs(1));
}

#[test]
fn after_shutdown_only_exit_is_left() {
    let mut client = Client::start_pulling();
    client.open(URI, GC_LINE);
    client.ask("shutdown", Value::Null);
    let late = client.request("textDocument/hover", at(URI, 0, 3));
    assert_eq!(client.error_code(late), -32600);
    let again = client.request("shutdown", Value::Null);
    assert_eq!(client.error_code(again), -32600);
    exit(&mut client);
    check(&client.wait(), 0, Duration::from_secs(1));
}

#[test]
fn the_end_of_the_input_ends_the_server() {
    let mut client = Client::start(json!({}));
    client.close_input();
    check(&client.wait(), 1, Duration::from_secs(2));

    let mut client = Client::start(json!({}));
    client.ask("shutdown", Value::Null);
    client.close_input();
    check(&client.wait(), 0, Duration::from_secs(2));

    let mut client = Client::spawn();
    client.raw("Content-Length: 100\r\n\r\n{");
    client.close_input();
    check(&client.wait(), 1, Duration::from_secs(2));
}

#[test]
fn questions_asked_before_the_input_ends_are_answered() {
    let mut client = Client::start_pulling();
    client.open(URI, GC_LINE);
    let hovers: Vec<i64> = (0..100).map(|_| client.request("textDocument/hover", at(URI, 0, 3))).collect();
    client.close_input();
    for id in hovers {
        assert!(client.result(id)["contents"]["value"].is_string());
    }
    check(&client.wait(), 1, Duration::from_secs(5));
}

#[test]
fn the_end_of_the_input_during_work_ends_the_server_all_the_same() {
    let mut client = Client::start_pulling();
    client.open(URI, &healthy(50_000));
    client.close_input();
    check(&client.wait(), 1, Duration::from_secs(10));
}

#[test]
#[cfg(unix)]
fn a_dead_parent_ends_the_server_though_its_pipes_stay_open() {
    let mut parent = Command::new("sleep").arg("600").stdin(Stdio::null()).spawn().expect("sleep can be started");
    let params = json!({"processId": parent.id(), "rootUri": null, "capabilities": {}});
    let (mut client, _) = Client::start_with(params);
    client.expect_quiet(Duration::from_millis(1500));
    assert_eq!(client.hover(URI, 0, 0), Value::Null, "a living parent changes nothing");
    parent.kill().and_then(|()| parent.wait()).expect("sleep can be ended");
    check(&client.wait(), 1, Duration::from_secs(10));
}

#[test]
fn a_parent_that_is_dead_already_or_makes_no_sense_is_coped_with() {
    for process_id in [json!(0), json!(-1), json!(null)] {
        let params = json!({"processId": process_id, "rootUri": null, "capabilities": {}});
        let (client, _) = Client::start_with(params);
        client.finish();
    }
}

#[test]
fn a_client_that_takes_no_more_messages_ends_the_server() {
    let mut child = server().stderr(Stdio::null()).spawn().expect("the server starts");
    drop(child.stdout.take());
    let mut stdin = child.stdin.take().expect("standard input is a pipe");
    let initialize = json!({"jsonrpc": "2.0", "id": 1, "method": "initialize",
        "params": {"processId": null, "rootUri": null, "capabilities": {}}});
    std::io::Write::write_all(&mut stdin, &frame(initialize.to_string())).expect("the server reads");
    let start = std::time::Instant::now();
    let status = loop {
        if let Some(status) = child.try_wait().expect("a child can be waited for") {
            break status;
        }
        assert!(start.elapsed() < Duration::from_secs(10), "the server does not end");
        std::thread::sleep(Duration::from_millis(5));
    };
    assert_eq!(status.code(), Some(1));
    drop(stdin);
}

#[test]
#[cfg(unix)]
fn sigterm_ends_the_server() {
    let client = Client::start(json!({}));
    let pid = rustix::process::Pid::from_raw(client.process_id() as i32).expect("a process has an id");
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).expect("the server runs");
    let ended = client.wait();
    assert_eq!(ended.code, None, "ended by the signal");
    assert!(ended.took < Duration::from_secs(2));
}
