//! The only writer to the client: a thread that joins what is waiting into few writes.
//!
//! Sending never blocks, so a client that stops reading stops nobody but itself.

use std::io::{self, Write};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use tower_lsp::jsonrpc::{Request, Response};

use crate::lsp::written;

/// Messages are joined until a write has this many bytes.
const WRITE_BYTES: usize = 64 << 10;

enum Outgoing {
    Response(Response),
    Request(Request),
    /// Confirms that everything sent before has been written.
    Flush(mpsc::SyncSender<()>),
}

/// A handle to the writer; cheap to clone.
#[derive(Clone)]
pub(super) struct Output(mpsc::Sender<Outgoing>);

impl Output {
    /// Starts the writer. `on_broken` is called once if the client no longer takes messages.
    pub(super) fn start(writer: impl Write + Send + 'static, on_broken: impl FnOnce() + Send + 'static) -> Self {
        let (sender, receiver) = mpsc::channel();
        thread::Builder::new()
            .name("lsp-writer".into())
            .spawn(move || {
                if let Err(error) = write_all(writer, &receiver) {
                    tracing::warn!("write to the client: {error}");
                    on_broken();
                }
            })
            .expect("a thread can be started at process start");
        Output(sender)
    }

    /// Queues an answer. Sending after the writer has ended has no effect: the process is about to end.
    pub(super) fn respond(&self, response: Response) {
        let _ = self.0.send(Outgoing::Response(response));
    }

    /// Queues a request or notification of ours.
    pub(super) fn request(&self, request: Request) {
        let _ = self.0.send(Outgoing::Request(request));
    }

    /// Waits until everything queued so far is written, at most for `limit`.
    pub(super) fn flush(&self, limit: Duration) {
        let (sender, receiver) = mpsc::sync_channel(1);
        if self.0.send(Outgoing::Flush(sender)).is_ok() {
            // Whether it was written or time ran out, there is nothing left to do.
            let _ = receiver.recv_timeout(limit);
        }
    }
}

fn write_all(mut writer: impl Write, receiver: &mpsc::Receiver<Outgoing>) -> io::Result<()> {
    let mut bytes = Vec::new();
    while let Ok(first) = receiver.recv() {
        let mut flushed = Vec::new();
        let mut next = Some(first);
        while let Some(outgoing) = next {
            match outgoing {
                Outgoing::Response(response) => push_frame(&mut bytes, &written::json(&response)?)?,
                Outgoing::Request(request) => push_frame(&mut bytes, &serde_json::to_vec(&request)?)?,
                Outgoing::Flush(sender) => flushed.push(sender),
            }
            next = if bytes.len() < WRITE_BYTES { receiver.try_recv().ok() } else { None };
        }
        writer.write_all(&bytes)?;
        writer.flush()?;
        bytes.clear();
        bytes.shrink_to(WRITE_BYTES);
        for sender in flushed {
            // The asker may have stopped waiting.
            let _ = sender.send(());
        }
    }
    Ok(())
}

fn push_frame(bytes: &mut Vec<u8>, body: &[u8]) -> io::Result<()> {
    write!(bytes, "Content-Length: {}\r\n\r\n", body.len())?;
    bytes.extend_from_slice(body);
    Ok(())
}
