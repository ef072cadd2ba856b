//! ## What it looks for
//!
//! Lines of the program that say how long a request took (`took=43ms`, `"duration_ms":43`, access logs), beside the `gc`
//! lines of the same process. Each request is put by the moment at which it *began* inside a garbage collection or
//! outside. The finding says that the slowest requests began in a collection clearly more often than all requests do: the
//! 95 % interval of their share begins above twice the share of all, with at least ten of them in at least five
//! collections.
//!
//! ## Why it matters
//!
//! During a collection a request may have to do marking work for what it allocates (assists), shares the processors with
//! the workers of the collector, and stands still in the pauses. Here that is long enough to be seen in the slowest
//! requests.
//!
//! ## What to do next
//!
//! See what the collection costs. Much assist time (the first number of the middle group of `ms cpu`): allocate less in
//! requests, or let collections start earlier and be rarer (GOGC, GOMEMLIMIT). Little processor time for the collector or
//! for anybody: fewer processors than GOMAXPROCS, or a CPU limit. Long pauses: `stw-long`. An execution trace
//! (`runtime/trace`) shows the assists of single requests.
//!
//! ```sh
//! # five seconds of execution trace, opened in the browser
//! curl -so t.out 'http://HOST/debug/pprof/trace?seconds=5' && go tool trace t.out
//! ```
//!
//! ## Limits
//!
//! It compares, and does not prove: work and collections may be started by the same timer, and processors may be short at
//! such times for everybody. Numbers without a known unit are no durations. It needs a common clock of requests and
//! collections to a quarter of a typical collection; with stamps in whole seconds, with a logger that buffers, or with
//! several processes in one log it is silent. Where only slow requests are logged, the share of all is not known, and the
//! share of time that collections take stands for it.
//!
//! ## Example
//!
//! ```text
//! time=2026-11-21T20:26:17.208Z level=INFO msg=request path=/items took=114.150207ms
//! gc 100 @30.402s 14%: 0.73+202+0.010 ms clock, 1.4+235/117/0+0.021 ms cpu, 154->171->113 MB, 171 MB goal, 0 MB stacks, 0 MB globals, 2 P
//! ```

use tracelog::catalog::gc;

use crate::requests::Series;
use crate::requests::split::{Split, Verdict};
use crate::view::RunView;
use crate::words::{grouped, ms, percent};

use super::slow_requests::{LIMIT, of_slowest, report};
use super::{Check, Findings, Kind, Limit, Limits, Rule, Severity, limit};

/// GC802.
pub(crate) static RULE: Rule = Rule {
    code: "GC802",
    slug: "latency-in-gc",
    title: "Requests that begin in a collection are slower",
    severity: Severity::Info,
    kind: Kind::Point,
    limits: LIMITS,
    reads: &[gc::AT_S, gc::WALL_SWEEP_TERM_MS, gc::WALL_MARK_MS, gc::WALL_MARK_TERM_MS],
    check: Check::Run(check),
};

const LIMITS: &[Limit] = &[limit(
    LIMIT,
    0.0,
    "ms",
    "Requests that took longer are slow, for `latency-not-gc` too; 0 for the slowest in a hundred or twenty.",
)];

fn check(run: &RunView, _limits: &Limits, findings: &mut Findings) {
    report(&RULE, run, Verdict::InGc, findings, message);
}

fn message(series: &Series, split: &Split) -> String {
    format!(
        "Requests ({}) that begin in a GC cycle are slower: p99 {} (n={}) against {}; {}; pauses explain at most {}.",
        series.name(),
        ms(split.p99_ms.0),
        grouped(split.n.0),
        ms(split.p99_ms.1),
        of_slowest(split),
        percent(split.pauses)
    )
}
