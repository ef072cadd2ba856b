//! ## What it looks for
//!
//! Lines of the program that say how long a request took (`took=43ms`, `"duration_ms":43`, access logs), beside the `gc`
//! lines of the same process. Each request is put by the moment at which it *began* inside a garbage collection or
//! outside. The finding says that the slowest requests began in a collection no more often than all requests do: the 95 %
//! interval of their share ends below one and a half times the share of all, and pauses are at most a tenth of their time.
//!
//! ## Why it matters
//!
//! "Is it the GC?" is what a GC log is most often opened for. Here the answer is no, with numbers, and the search can go
//! on elsewhere.
//!
//! ## What to do next
//!
//! Look at what slow requests wait for: a database, a lock, another service, a queue. An execution trace
//! (`runtime/trace`) or spans show it; a goroutine dump taken while requests are slow often does too. Run queues in a
//! schedtrace say whether processors are short.
//!
//! ```sh
//! # five seconds of execution trace, opened in the browser
//! curl -so t.out 'http://HOST/debug/pprof/trace?seconds=5' && go tool trace t.out
//! ```
//!
//! ## Limits
//!
//! A request counts by its beginning and not by the collections it overlaps, because a long request overlaps more of
//! them just by being long. Numbers without a known unit are no durations: see the page on requests. It needs some
//! thousand requests, and a common clock of requests and collections to a quarter of a typical collection; with stamps in
//! whole seconds, with a logger that buffers, or with several processes in one log it is silent. Requests that a
//! collection slowed down although they began before it are not seen by the share, only by their pauses. Which requests
//! are slow can be set: `slow_ms` of `latency-in-gc`.
//!
//! ## Example
//!
//! ```text
//! time=2026-11-21T20:29:28.771Z level=INFO msg=request path=/items took=163.050504ms
//! gc 33 @19.263s 7%: 7.6+350+0.003 ms clock, 15+0.39/183/441+0.006 ms cpu, 181->189->104 MB, 212 MB goal, 0 MB stacks, 0 MB globals, 2 P
//! ```

use tracelog::catalog::gc;

use crate::requests::Series;
use crate::requests::split::{Split, Verdict};
use crate::view::RunView;
use crate::words::{grouped, ms};

use super::slow_requests::{of_slowest, report};
use super::{Check, Findings, Kind, Limits, Rule, Severity};

/// GC801.
pub(crate) static RULE: Rule = Rule {
    code: "GC801",
    slug: "latency-not-gc",
    title: "Slow requests are not the collector's",
    severity: Severity::Info,
    kind: Kind::Point,
    limits: &[],
    reads: &[gc::AT_S, gc::WALL_SWEEP_TERM_MS, gc::WALL_MARK_MS, gc::WALL_MARK_TERM_MS],
    check: Check::Run(check),
};

fn check(run: &RunView, _limits: &Limits, findings: &mut Findings) {
    report(&RULE, run, Verdict::NotGc, findings, message);
}

fn message(series: &Series, split: &Split) -> String {
    let (inside, outside) = split.n;
    format!(
        "Slow requests ({}) are not GC: begun in a cycle p99 {} (n={}), outside {} (n={}); {}.",
        series.name(),
        ms(split.p99_ms.0),
        grouped(inside),
        ms(split.p99_ms.1),
        grouped(outside),
        of_slowest(split)
    )
}
