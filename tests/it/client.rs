//! A strict language client over a spawned server: it speaks bytes, and it forgives nothing.
//!
//! Every frame must have the exact form of the protocol. Every message the server sends must be taken by the test:
//! [`Client::finish`] fails if one is left. Requests are answered by the test or not at all.

use std::collections::{HashMap, VecDeque};
use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

/// Longest wait for a message that must come. Generous: test machines are busy.
pub const LIMIT: Duration = Duration::from_secs(60);

/// The command that starts the server under test.
pub fn server() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_server-under-test"));
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).env("GOTRACELENS_LOG", "info");
    command
}

/// The bytes of one message.
pub fn frame(body: impl AsRef<[u8]>) -> Vec<u8> {
    let body = body.as_ref();
    [format!("Content-Length: {}\r\n\r\n", body.len()).as_bytes(), body].concat()
}

/// A connection to a server.
pub struct Client {
    child: Child,
    stdin: Option<ChildStdin>,
    arrivals: Receiver<Value>,
    /// Lets the reader of the server's output begin.
    gate: Option<Sender<()>>,
    stderr: Option<JoinHandle<String>>,
    next_id: i64,
    responses: HashMap<String, Value>,
    requests: VecDeque<Value>,
    notifications: VecDeque<Value>,
    is_finished: bool,
}

impl Client {
    /// Starts a server and sends nothing.
    pub fn spawn() -> Self {
        let mut client = Self::spawn_unread();
        client.begin_reading();
        client
    }

    /// Starts a server whose output nobody reads until [`Client::begin_reading`].
    pub fn spawn_unread() -> Self {
        let mut child = server().spawn().expect("the server starts");
        let (sender, arrivals) = channel();
        let (gate, begin) = channel();
        let stdout = child.stdout.take().expect("standard output is a pipe");
        thread::spawn(move || {
            // A client that is dropped before it reads has failed for another reason.
            if begin.recv().is_ok() {
                read_messages(BufReader::new(stdout), &sender);
            }
        });
        let mut stderr_pipe = child.stderr.take().expect("standard error is a pipe");
        let stderr = thread::spawn(move || {
            let mut bytes = Vec::new();
            stderr_pipe.read_to_end(&mut bytes).expect("standard error can be read");
            String::from_utf8_lossy(&bytes).into_owned()
        });
        Client {
            stdin: child.stdin.take(),
            child,
            arrivals,
            gate: Some(gate),
            stderr: Some(stderr),
            next_id: 1,
            responses: HashMap::new(),
            requests: VecDeque::new(),
            notifications: VecDeque::new(),
            is_finished: false,
        }
    }

    pub fn begin_reading(&mut self) {
        let gate = self.gate.take().expect("reading begins once");
        gate.send(()).expect("the reader waits");
    }

    /// Starts a server and shakes hands, announcing these capabilities.
    pub fn start(capabilities: Value) -> Self {
        Self::start_with(json!({"processId": null, "rootUri": null, "capabilities": capabilities})).0
    }

    /// Starts a server for a client that asks for diagnostics, so that none arrive unasked.
    pub fn start_pulling() -> Self {
        Self::start(json!({"textDocument": {"codeLens": {}, "diagnostic": {}}}))
    }

    /// Starts a server and shakes hands. Also gives the answer to `initialize`.
    pub fn start_with(params: Value) -> (Self, Value) {
        let mut client = Self::spawn();
        let result = client.ask("initialize", params);
        client.notify("initialized", json!({}));
        (client, result)
    }

    /// Writes bytes as they are. A server that has ended does not mind, and neither does this.
    pub fn raw(&mut self, bytes: impl AsRef<[u8]>) {
        let stdin = self.stdin.as_mut().expect("the input has not been closed by the test");
        let _ = stdin.write_all(bytes.as_ref()).and_then(|()| stdin.flush());
    }

    pub fn send(&mut self, message: &Value) {
        self.raw(frame(message.to_string()));
    }

    pub fn notify(&mut self, method: &str, params: Value) {
        self.send(&json!({"jsonrpc": "2.0", "method": method, "params": params}));
    }

    /// Sends a request and gives its id.
    pub fn request(&mut self, method: &str, params: Value) -> i64 {
        let id = self.next_id;
        self.next_id += 1;
        self.send(&json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params}));
        id
    }

    /// The response with this id, a number or a string or null.
    pub fn response(&mut self, id: impl Into<Value>) -> Value {
        let key = id.into().to_string();
        let deadline = Instant::now() + LIMIT;
        loop {
            if let Some(response) = self.responses.remove(&key) {
                return response;
            }
            self.receive(deadline, &format!("response {key}"));
        }
    }

    /// Whether the response with this id came while others were waited for.
    pub fn has_response(&self, id: i64) -> bool {
        self.responses.contains_key(&id.to_string())
    }

    /// The result of a request that must succeed.
    pub fn result(&mut self, id: i64) -> Value {
        let mut response = self.response(id);
        assert!(response.get("error").is_none(), "request {id} failed: {response}");
        response["result"].take()
    }

    /// The code of the error of a request that must fail.
    pub fn error_code(&mut self, id: impl Into<Value>) -> i64 {
        let response = self.response(id);
        response["error"]["code"].as_i64().unwrap_or_else(|| panic!("not an error: {response}"))
    }

    /// Sends a request that must succeed and waits for its result.
    pub fn ask(&mut self, method: &str, params: Value) -> Value {
        let id = self.request(method, params);
        self.result(id)
    }

    /// The next request of the server, which must be this one.
    pub fn server_request(&mut self, method: &str) -> Value {
        let deadline = Instant::now() + LIMIT;
        loop {
            if let Some(request) = self.requests.pop_front() {
                assert_eq!(request["method"], method, "{request}");
                return request;
            }
            self.receive(deadline, method);
        }
    }

    /// Answers a request of the server.
    pub fn reply(&mut self, request: &Value, result: Value) {
        self.send(&json!({"jsonrpc": "2.0", "id": request["id"], "result": result}));
    }

    /// The next notification of the server, which must be this one; its parameters.
    pub fn notification(&mut self, method: &str) -> Value {
        let deadline = Instant::now() + LIMIT;
        loop {
            if let Some(mut notification) = self.notifications.pop_front() {
                assert_eq!(notification["method"], method, "{notification}");
                return notification["params"].take();
            }
            self.receive(deadline, method);
        }
    }

    pub fn open(&mut self, uri: &str, text: &str) {
        let document = json!({"uri": uri, "languageId": "log", "version": 1, "text": text});
        self.notify("textDocument/didOpen", json!({"textDocument": document}));
    }

    pub fn change(&mut self, uri: &str, version: i64, changes: Value) {
        let document = json!({"uri": uri, "version": version});
        self.notify("textDocument/didChange", json!({"textDocument": document, "contentChanges": changes}));
    }

    pub fn close(&mut self, uri: &str) {
        self.notify("textDocument/didClose", json!({"textDocument": {"uri": uri}}));
    }

    /// Asks for a hover and waits for it.
    pub fn hover(&mut self, uri: &str, line: u32, character: u32) -> Value {
        self.ask("textDocument/hover", at(uri, line, character))
    }

    /// Asks a question about a whole document and waits for the answer.
    pub fn about(&mut self, method: &str, uri: &str) -> Value {
        self.ask(method, json!({"textDocument": {"uri": uri}}))
    }

    /// Lets the server send what it wants for a while and fails if that is anything.
    pub fn expect_quiet(&mut self, time: Duration) {
        match self.arrivals.recv_timeout(time) {
            Ok(message) => panic!("the server was to be quiet: {message}"),
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {}
        }
    }

    /// Closes the server's standard input.
    pub fn close_input(&mut self) {
        self.stdin = None;
    }

    pub fn process_id(&self) -> u32 {
        self.child.id()
    }

    /// Waits for the server to end by itself. Gives its exit code, the time it took and what it wrote to standard error.
    /// Fails if a message is left that the test did not take.
    pub fn wait(mut self) -> Ended {
        let start = Instant::now();
        let status = self.wait_for_exit(start + LIMIT);
        let took = start.elapsed();
        while let Ok(message) = self.arrivals.recv_timeout(LIMIT) {
            self.sort_in(message);
        }
        self.is_finished = true;
        let left: Vec<&Value> = self.responses.values().chain(&self.requests).chain(&self.notifications).collect();
        assert!(left.is_empty(), "messages nobody took: {left:#?}");
        let stderr = self.stderr.take().expect("taken once").join().expect("the reader of standard error ends");
        Ended { code: status.code(), took, stderr }
    }

    /// Ends the session as the protocol wants it, checks that the server does its part and that nothing is left.
    pub fn finish(mut self) -> Ended {
        assert_eq!(self.ask("shutdown", Value::Null), Value::Null);
        self.send(&json!({"jsonrpc": "2.0", "method": "exit"}));
        let ended = self.wait();
        assert_eq!(ended.code, Some(0), "{}", ended.stderr);
        ended
    }

    fn wait_for_exit(&mut self, deadline: Instant) -> ExitStatus {
        loop {
            if let Some(status) = self.child.try_wait().expect("a child can be waited for") {
                return status;
            }
            assert!(Instant::now() < deadline, "the server does not end");
            thread::sleep(Duration::from_millis(1));
        }
    }

    fn receive(&mut self, deadline: Instant, what: &str) {
        match self.arrivals.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
            Ok(message) => self.sort_in(message),
            Err(RecvTimeoutError::Timeout) => panic!("waited in vain for {what}"),
            Err(RecvTimeoutError::Disconnected) => panic!("the server ended before {what}"),
        }
    }

    fn sort_in(&mut self, message: Value) {
        assert_eq!(message["jsonrpc"], "2.0", "{message}");
        match (message.get("id"), message.get("method")) {
            (Some(_), Some(_)) => self.requests.push_back(message),
            (None, Some(_)) => self.notifications.push_back(message),
            (Some(id), None) => {
                assert!(message.get("result").is_some() != message.get("error").is_some(), "{message}");
                let key = id.to_string();
                // Broken bodies have no id, so several answers with a null id are in order.
                let twice = self.responses.insert(key, message);
                assert!(twice.is_none_or(|response| response["id"].is_null()), "two responses to one request");
            }
            (None, None) => panic!("neither request nor response: {message}"),
        }
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        // A server left over by a failing test must not outlive it; it may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
        if !thread::panicking() {
            assert!(self.is_finished, "a test ends its client with `finish` or `wait`");
        } else if let Some(stderr) = self.stderr.take() {
            eprintln!("server: {}", stderr.join().unwrap_or_default());
        }
    }
}

/// How a server ended.
pub struct Ended {
    pub code: Option<i32>,
    pub took: Duration,
    pub stderr: String,
}

/// Parameters that name a place in a document.
pub fn at(uri: &str, line: u32, character: u32) -> Value {
    json!({"textDocument": {"uri": uri}, "position": {"line": line, "character": character}})
}

/// A range inside one line.
pub fn range(line: u32, start: u32, end: u32) -> Value {
    json!({"start": {"line": line, "character": start}, "end": {"line": line, "character": end}})
}

fn read_messages(mut stdout: impl BufRead, arrivals: &Sender<Value>) {
    loop {
        let mut header = String::new();
        if stdout.read_line(&mut header).expect("headers are text") == 0 {
            return;
        }
        let length = header.strip_prefix("Content-Length: ").and_then(|rest| rest.strip_suffix("\r\n"));
        let length: usize =
            length.and_then(|digits| digits.parse().ok()).unwrap_or_else(|| panic!("header {header:?}"));
        let mut blank = [0; 2];
        let mut body = vec![0; length];
        stdout.read_exact(&mut blank).and_then(|()| stdout.read_exact(&mut body)).expect("a frame is sent whole");
        assert_eq!(&blank, b"\r\n");
        if arrivals.send(serde_json::from_slice(&body).expect("bodies are JSON")).is_err() {
            return;
        }
    }
}
