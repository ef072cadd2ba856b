//! The connection: bytes of a client in, calls of the service, bytes out; and when the process ends.
//!
//! tower-lsp's own `Server::serve` is not used. It ends at the first malformed body, runs four requests at most so that
//! handlers waiting for the client stop each other and `$/cancelRequest`, and outlives its client. Here
//!
//! - a thread reads standard input, another writes standard output, everything else runs on the calling thread;
//! - each message is given to the service and **polled once, in place, in arrival order**, so what a handler does before
//!   its first `await` happens in that order; only then is the rest left to the runtime, without a limit in number;
//! - every poll is guarded: a panic costs one answer;
//! - a request gets exactly one answer, whatever the service thinks of it;
//! - `exit`, the end of the input, a dead parent and a broken output end the process.
//!
//! What messages mean for documents is not known here.

mod frame;
mod message;
mod output;
mod parent;

use std::any::Any;
use std::future::{Future, poll_fn};
use std::io::{Read, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::process::ExitCode;
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tower_lsp::jsonrpc::{Error, Id, Request, Response};
use tower_lsp::{ClientSocket, ExitedError, LanguageServer, LspService};
use tower_service::Service;

use frame::{Frame, FrameReader};
use message::Message;
use output::Output;

/// Messages read ahead of the loop. Past that the client waits in its pipe.
const READ_AHEAD: usize = 256;
/// How long answers already made may take to be written when the process ends.
const FLUSH_LIMIT: Duration = Duration::from_millis(80);
/// How long questions still running may take when the input ends; a script that pipes messages in wants its answers.
const DRAIN_LIMIT: Duration = Duration::from_millis(500);

/// Why a connection ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// The client sent `exit`.
    Exit,
    /// The client closed its end, or died.
    InputClosed,
    /// The process that `initialize` named has ended.
    ParentGone,
    /// Nobody takes our messages anymore.
    OutputClosed,
}

enum Arrival {
    Message(Message),
    End(End),
}

type Answer = Pin<Box<dyn Future<Output = Result<Option<Response>, ExitedError>> + Send>>;

/// Serves one client until the connection ends. The exit code is that of the protocol: 0 if `shutdown` came first.
///
/// Must be called inside a current-thread runtime: the order of effects rests on there being one thread.
pub(super) async fn serve<S: LanguageServer>(
    service: LspService<S>,
    socket: ClientSocket,
    input: impl Read + Send + 'static,
    output: impl Write + Send + 'static,
) -> ExitCode {
    let (sender, arrivals) = mpsc::channel(READ_AHEAD);
    let broken = sender.clone();
    let output = Output::start(output, move || {
        // The loop may have ended for another reason.
        let _ = broken.blocking_send(Arrival::End(End::OutputClosed));
    });
    let reader = sender.clone();
    thread::Builder::new()
        .name("lsp-reader".into())
        .spawn(move || read_messages(input, &reader))
        .expect("a thread can be started at process start");
    let mut connection = Connection { service, output, sender, running: JoinSet::new(), is_shut_down: false };
    let end = connection.run(socket, arrivals).await;
    connection.end(end).await
}

fn read_messages(input: impl Read, arrivals: &mpsc::Sender<Arrival>) {
    let mut frames = FrameReader::new(input);
    loop {
        let arrival = match frames.next() {
            Frame::Body(body) => Arrival::Message(message::parse(body)),
            Frame::Broken(reason) => Arrival::Message(Message::Invalid(message::parse_error(reason.into()))),
            Frame::End => Arrival::End(End::InputClosed),
        };
        let is_end = matches!(arrival, Arrival::End(_));
        if arrivals.blocking_send(arrival).is_err() || is_end {
            return;
        }
    }
}

struct Connection<S> {
    service: LspService<S>,
    output: Output,
    sender: mpsc::Sender<Arrival>,
    /// Messages whose handlers are waiting for something.
    running: JoinSet<()>,
    is_shut_down: bool,
}

impl<S: LanguageServer> Connection<S> {
    async fn run(&mut self, socket: ClientSocket, mut arrivals: mpsc::Receiver<Arrival>) -> End {
        let (mut requests, mut responses) = socket.split();
        let output = self.output.clone();
        tokio::spawn(async move {
            while let Some(request) = requests.next().await {
                output.request(request);
            }
        });
        while let Some(arrival) = arrivals.recv().await {
            match arrival {
                Arrival::Message(Message::Request(request)) => self.call(request),
                Arrival::Message(Message::Response(response)) => {
                    // Fails only after `exit`. A response nobody waits for anymore is dropped inside.
                    let _ = responses.start_send_unpin(response);
                }
                Arrival::Message(Message::Exit) => return End::Exit,
                Arrival::Message(Message::Invalid(answer)) => self.output.respond(answer),
                Arrival::Message(Message::Ignored(reason)) => tracing::warn!("message ignored: {reason}"),
                Arrival::End(end) => return end,
            }
            while self.running.try_join_next().is_some() {}
        }
        End::InputClosed
    }

    /// Starts a request or notification: everything up to its first real wait happens here.
    fn call(&mut self, request: Request) {
        if request.method() == "initialize" {
            self.watch_parent(&request);
        }
        let is_shutdown = request.method() == "shutdown";
        let mut call = Call { id: request.id().cloned(), method: request.method().to_owned(), answer: None };
        let first = match catch_unwind(AssertUnwindSafe(|| self.service.call(request))) {
            Ok(answer) => {
                call.answer = Some(answer);
                call.poll(&mut Context::from_waker(Waker::noop()))
            }
            Err(panic) => Poll::Ready(call.panicked(&*panic)),
        };
        let output = self.output.clone();
        match first {
            Poll::Ready(response) => {
                // A handler of `shutdown` has nothing to wait for, so its answer is always here.
                self.is_shut_down |= is_shutdown && response.as_ref().is_some_and(Response::is_ok);
                response.into_iter().for_each(|response| output.respond(response));
            }
            Poll::Pending => {
                self.running.spawn(async move {
                    let response = poll_fn(|context| call.poll(context)).await;
                    response.into_iter().for_each(|response| output.respond(response));
                });
            }
        }
    }

    fn watch_parent(&self, initialize: &Request) {
        let process_id = initialize.params().and_then(|params| params["processId"].as_i64());
        if let Some(process_id) = process_id.and_then(|id| i32::try_from(id).ok()) {
            let sender = self.sender.clone();
            tokio::spawn(async move {
                parent::ended(process_id).await;
                // The loop may have ended for another reason.
                let _ = sender.send(Arrival::End(End::ParentGone)).await;
            });
        }
    }

    async fn end(mut self, end: End) -> ExitCode {
        if end == End::InputClosed {
            // Whoever is not answered in time stays so.
            let all_answered = async { while self.running.join_next().await.is_some() {} };
            let _ = tokio::time::timeout(DRAIN_LIMIT, all_answered).await;
        }
        if end != End::OutputClosed {
            self.output.flush(FLUSH_LIMIT);
        }
        tracing::info!("connection ended: {end:?}, after shutdown: {}", self.is_shut_down);
        let is_orderly = self.is_shut_down && matches!(end, End::Exit | End::InputClosed);
        if is_orderly { ExitCode::SUCCESS } else { ExitCode::FAILURE }
    }
}

/// A message the service is working on.
struct Call {
    /// Taken by the answer, so that there is only one.
    id: Option<Id>,
    method: String,
    answer: Option<Answer>,
}

impl Call {
    /// Polls once. Ready with the response to send, if the message was a request.
    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Option<Response>> {
        let Some(answer) = &mut self.answer else { return Poll::Ready(None) };
        let response = match catch_unwind(AssertUnwindSafe(|| answer.as_mut().poll(context))) {
            Ok(Poll::Pending) => return Poll::Pending,
            Ok(Poll::Ready(Ok(Some(response)))) => self.id.take().map(|_| response),
            // The service keeps silent about unknown `$/` requests; the client would wait for ever.
            Ok(Poll::Ready(Ok(None) | Err(_))) => {
                self.id.take().map(|id| Response::from_error(id, Error::method_not_found()))
            }
            Err(panic) => self.panicked(&*panic),
        };
        self.answer = None;
        Poll::Ready(response)
    }

    fn panicked(&mut self, panic: &(dyn Any + Send)) -> Option<Response> {
        tracing::error!("{} panicked: {:?}", self.method, panic_text(panic));
        self.id.take().map(|id| Response::from_error(id, Error::internal_error()))
    }
}

/// What a panic said, for the log. It may quote the document: print it escaped.
pub(super) fn panic_text(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("no message")
}

#[cfg(test)]
mod tests {
    use std::io::pipe;

    use serde_json::{Value, json};
    use tower_lsp::gen_lsp_types::{InitializeParams, InitializeResult};
    use tower_lsp::jsonrpc;

    use super::*;

    /// A server with a bug.
    struct Buggy;

    impl LanguageServer for Buggy {
        async fn initialize(&self, _: InitializeParams) -> jsonrpc::Result<InitializeResult> {
            Ok(InitializeResult::default())
        }

        async fn shutdown(&self) -> jsonrpc::Result<()> {
            Ok(())
        }
    }

    impl Buggy {
        async fn at_once(&self) -> jsonrpc::Result<()> {
            panic!("on purpose");
        }

        async fn later(&self) -> jsonrpc::Result<()> {
            tokio::task::yield_now().await;
            panic!("on purpose");
        }

        async fn in_a_notification(&self) {
            panic!("on purpose");
        }
    }

    /// Gives the server these bodies, then the end of the input. The answers, by id, and the exit code.
    fn converse(bodies: &[Value]) -> (Vec<Value>, ExitCode) {
        let (input, mut to_server) = pipe().unwrap();
        let (mut from_server, output) = pipe().unwrap();
        for body in bodies {
            let body = body.to_string();
            write!(to_server, "Content-Length: {}\r\n\r\n{body}", body.len()).unwrap();
        }
        drop(to_server);
        let (service, socket) = LspService::build_with_lifecycle_methods(|_| Buggy)
            .custom_method("test/atOnce", Buggy::at_once)
            .custom_method("test/later", Buggy::later)
            .custom_method("test/inANotification", Buggy::in_a_notification)
            .finish();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        let exit_code = runtime.block_on(serve(service, socket, input, output));
        drop(runtime);
        let mut bytes = Vec::new();
        from_server.read_to_end(&mut bytes).unwrap();
        let mut frames = FrameReader::new(&*bytes);
        let mut answers = Vec::new();
        while let Frame::Body(body) = frames.next() {
            answers.push(serde_json::from_slice(&body).unwrap());
        }
        answers.sort_by_key(|answer: &Value| answer["id"].as_i64());
        (answers, exit_code)
    }

    fn request(id: i64, method: &str) -> Value {
        json!({"jsonrpc": "2.0", "id": id, "method": method})
    }

    fn initialize() -> Value {
        let mut request = request(0, "initialize");
        request["params"] = json!({"processId": null, "rootUri": null, "capabilities": {}});
        request
    }

    #[test]
    fn a_panicking_handler_costs_one_answer() {
        let (answers, _) = converse(&[
            initialize(),
            request(1, "test/atOnce"),
            request(2, "test/later"),
            json!({"jsonrpc": "2.0", "method": "test/inANotification"}),
            request(3, "shutdown"),
        ]);
        let codes: Vec<Option<i64>> = answers.iter().map(|answer| answer["error"]["code"].as_i64()).collect();
        assert_eq!(codes, [None, Some(-32603), Some(-32603), None], "{answers:?}");
    }

    #[test]
    fn only_an_orderly_end_is_success() {
        let exit = json!({"jsonrpc": "2.0", "method": "exit"});
        let code = |bodies: &[Value]| format!("{:?}", converse(bodies).1);
        let (success, failure) = (format!("{:?}", ExitCode::SUCCESS), format!("{:?}", ExitCode::FAILURE));
        assert_eq!(code(&[initialize(), request(1, "shutdown"), exit.clone()]), success);
        assert_eq!(code(&[initialize(), request(1, "shutdown")]), success);
        assert_eq!(code(&[initialize(), exit.clone()]), failure);
        assert_eq!(code(&[request(1, "shutdown"), exit]), failure);
        assert_eq!(code(&[]), failure);
    }
}
