//! The server as a client sees it: real processes, real pipes, no knowledge of the inside.

mod answers;
mod cancellation;
mod encodings;
mod framing;
mod godebug;
mod handshake;
mod lifecycle;
mod mute_client;
mod navigation;
mod order;
mod pages;
#[cfg(feature = "fault")]
mod panics;
mod project;
mod samples;
mod settings;

/// A line every version of this product explains; the GC number stands at characters 3..4.
const GC_LINE: &str = "gc 7 @14.000s 3%: 0.022+1.1+0.040 ms clock, 0.17+0.92/1.0/0.21+0.32 ms cpu, 9->10->4 MB, 10 MB goal, \
                       0 MB stacks, 0 MB globals, 8 P";

/// A document for tests that need one.
const URI: &str = "file:///app.log";

/// The n-th line of a program that collects every two seconds and keeps so much alive.
fn gc_line(n: u32, live_mb: u32) -> String {
    let (at_s, top_mb) = (2 * n, 2 * live_mb);
    format!(
        "gc {n} @{at_s}.000s 3%: 0.022+1.1+0.040 ms clock, 0.17+0.92/1.0/0.21+0.32 ms cpu, \
         {top_mb}->{top_mb}->{live_mb} MB, {top_mb} MB goal, 0 MB stacks, 0 MB globals, 8 P"
    )
}

/// A program that behaves.
fn healthy(n_cycles: u32) -> String {
    (1..=n_cycles).map(|n| gc_line(n, 4) + "\n").collect()
}

/// A program that keeps more with every cycle: one finding, GC101, and perhaps others as rules are added.
fn leaking() -> String {
    (1..=100).map(|n| gc_line(n, n + 4) + "\n").collect()
}

/// Lenses of a document with one run: one of the file, one of the run.
const N_LENSES: usize = 2;
