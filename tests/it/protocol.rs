//! The server as a client sees it: real processes, real pipes, no knowledge of the inside.

mod answers;
mod cancellation;
mod encodings;
mod framing;
mod handshake;
mod lifecycle;
mod mute_client;
mod order;
#[cfg(feature = "fault")]
mod panics;
mod settings;

/// A line every version of this product explains; the GC number stands at characters 3..4.
const GC_LINE: &str =
    "gc 7 @1.204s 3%: 0.022+1.1+0.040 ms clock, 0.17+0.9/1.0/0.2+0.32 ms cpu, 9->10->4 MB, 10 MB goal, 8 P";

/// A document for tests that need one.
const URI: &str = "file:///app.log";

/// A line like [`GC_LINE`] with another number.
fn gc_line(n: u32) -> String {
    GC_LINE.replacen('7', &n.to_string(), 1)
}
