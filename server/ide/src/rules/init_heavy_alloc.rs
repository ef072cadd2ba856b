//! ## What it looks for
//!
//! Packages that allocate 10 MB or more while they are initialized.
//!
//! ## Why it matters
//!
//! What a package keeps from its initialization is there for the whole life of the process, in every instance of it, and is
//! scanned by every collection. It raises the live heap that the program starts from, and by that the first goals.
//!
//! ## What to do next
//!
//! See whether the tables are needed at each start. Load them at first use, keep them in the binary as constants or
//! embedded files, or make them smaller. A heap profile taken right after the start shows what was kept:
//!
//! ```sh
//! # what is in use, by who allocated it
//! curl -so heap.pb.gz http://HOST/debug/pprof/heap && go tool pprof -sample_index=inuse_space -top heap.pb.gz
//! ```
//!
//! ## Limits
//!
//! Go 1.16 and later. Counts what was allocated, not what was kept, and only what the initializing goroutine allocated itself.
//!
//! ## Example
//!
//! ```text
//! init example.com/slow/geo @0.41 ms, 49 ms clock, 25228472 bytes, 6051 allocs
//! ```

use tracelog::Family;
use tracelog::catalog::init;

use super::evidence::{Bound, Test};
use super::{BlocksView, Check, Finding, Findings, Kind, Limit, Limits, Place, Rule, Severity, limit};
use crate::ending::shown;
use crate::words::{grouped, rough};

/// IN102.
pub(crate) static RULE: Rule = Rule {
    code: "IN102",
    slug: "init-heavy-alloc",
    title: "A package allocates much while it is initialized",
    severity: Severity::Info,
    kind: Kind::Point,
    reads: &[init::INIT_ALLOC_BYTES, init::INIT_ALLOCS, init::PACKAGE],
    limits: LIMITS,
    check: Check::Blocks(check),
};

const LIMITS: &[Limit] = &[limit("min_mb", 10.0, "MB", "Allocated memory from which on it is told.")];

/// Bytes of a megabyte.
const MB: f64 = 1_048_576.0;

fn check(view: &BlocksView<'_>, limits: &Limits, findings: &mut Findings) {
    let log = view.log;
    for run in view.runs.list.iter().filter(|run| !run.toolchain) {
        for row in run.rows(Family::Init) {
            let Some(mb) = log.value(*row, init::INIT_ALLOC_BYTES).map(|bytes| bytes / MB) else { continue };
            let mut test = Test::default();
            if !test.value("allocated by the package", mb, Bound::AtLeast(limits.get("min_mb")), "MB") {
                continue;
            }
            let package = log.text(*row, init::PACKAGE).unwrap_or_default();
            let allocs = log.value(*row, init::INIT_ALLOCS);
            let in_allocs =
                allocs.map_or_else(String::new, |n| format!(" in {} allocations", grouped(n.max(0.0) as usize)));
            findings.push(Finding {
                run: Some(run.number),
                place: Place { line: log.line(*row), field: Some(init::INIT_ALLOC_BYTES) },
                message: format!("{} MB allocated{in_allocs} to initialize {}.", rough(mb), shown(&package)),
                numbers: [("allocated_mb", mb)].into_iter().chain(allocs.map(|n| ("allocs", n))).collect(),
                test,
                ..Finding::about(&RULE)
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;
    use crate::rules::fixture::{check, findings_in_text};

    #[test]
    fn tells_the_package_that_allocates_much() {
        check(
            &RULE,
            "init example.com/slow/geo @0.41 ms, 49 ms clock, 25228472 bytes, 6051 allocs\n",
            expect![[r#"
                1:init_alloc_bytes Info IN102: 24 MB allocated in 6,051 allocations to initialize example.com/slow/geo.
            "#]],
        );
    }

    #[test]
    fn silent_just_below_the_limit() {
        let of =
            |bytes: u64| findings_in_text(&RULE, &format!("init a @3.1 ms, 41 ms clock, {bytes} bytes, 1 allocs\n"));
        assert_eq!(of(10 * 1_048_576 - 1), "");
        assert_ne!(of(10 * 1_048_576), "");
    }
}
