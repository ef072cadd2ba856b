//! ## What it looks for
//!
//! Packages whose initialization took 10 ms or more, or a tenth of all start-up and 1 ms or more; from 100 ms on it is a
//! warning.
//!
//! ## Why it matters
//!
//! The work of package variables and `init` functions runs before `main`, one package after the other, at every start: in
//! each restart, each test binary, each call of a command-line tool.
//!
//! ## What to do next
//!
//! Look for tables that are computed, regular expressions and templates that are compiled, files that are read, names that
//! are looked up. Do it at first use (`sync.OnceValue`), or when the program is built. What the time is spent on shows in a
//! profile of a program that does nothing but start:
//!
//! ```sh
//! # initialization of every package, with its time and allocations
//! GODEBUG=inittrace=1 PROGRAM
//! ```
//!
//! ## Limits
//!
//! Go 1.16 and later. The time is that of the clock: a machine that was busy, or a disk that was slow, makes any package
//! slow once. It holds what the package does itself, without the packages it imports.
//!
//! ## Example
//!
//! ```text
//! init example.com/slow/rules @50 ms, 242 ms clock, 14921352 bytes, 76810 allocs
//! ```

use tracelog::catalog::init;
use tracelog::{Family, Log, RowId};

use super::evidence::{Bound, Test};
use super::{BlocksView, Check, Finding, Findings, Kind, Limit, Limits, Place, Related, Rule, Severity, limit};
use crate::ending::shown;
use crate::words::{ms, percent};

/// IN101.
pub(crate) static RULE: Rule = Rule {
    code: "IN101",
    slug: "slow-init",
    title: "A package takes long to initialize",
    severity: Severity::Warning,
    kind: Kind::Point,
    reads: &[init::INIT_MS, init::START_MS, init::PACKAGE],
    limits: LIMITS,
    check: Check::Blocks(check),
};

const LIMITS: &[Limit] = &[
    limit("min_ms", 10.0, "ms", "Time that is always long."),
    limit("warning_ms", 100.0, "ms", "Time that is a warning."),
    limit("min_share", 0.1, "of start-up", "Share of the time until all packages are initialized that is long."),
    limit("min_share_ms", 1.0, "ms", "Time below which no share is long."),
];

/// Packages of one run that are told one by one; the longest.
const MAX_TOLD: usize = 5;

struct Slow {
    row: RowId,
    init_ms: f64,
}

fn check(view: &BlocksView<'_>, limits: &Limits, findings: &mut Findings) {
    let log = view.log;
    for run in view.runs.list.iter().filter(|run| !run.toolchain) {
        let rows = run.rows(Family::Init);
        let Some(total_ms) = startup_ms(log, rows) else { continue };
        let timed = rows.iter().filter_map(|row| Some(Slow { row: *row, init_ms: log.value(*row, init::INIT_MS)? }));
        let is_slow = |slow: &Slow| {
            slow.init_ms >= limits.get("min_ms")
                || slow.init_ms >= limits.get("min_share_ms") && slow.init_ms >= limits.get("min_share") * total_ms
        };
        let mut slow: Vec<Slow> = timed.filter(is_slow).collect();
        slow.sort_by(|a, b| b.init_ms.total_cmp(&a.init_ms));
        let others = slow.split_off(slow.len().min(MAX_TOLD));
        for (at, package) in slow.iter().enumerate() {
            // The last one told stands for those that are not.
            let further = if at + 1 == MAX_TOLD { &others[..] } else { &[] };
            findings.push(finding(log, run.number, package, total_ms, further, limits));
        }
    }
}

/// When the last package was initialized, ms since the start of the runtime.
fn startup_ms(log: &Log, rows: &[RowId]) -> Option<f64> {
    let end = |row: &RowId| Some(log.value(*row, init::START_MS)? + log.value(*row, init::INIT_MS)?);
    rows.iter().filter_map(end).reduce(f64::max)
}

fn finding(log: &Log, run: usize, slow: &Slow, total_ms: f64, further: &[Slow], limits: &Limits) -> Finding {
    let package = log.text(slow.row, init::PACKAGE).unwrap_or_default();
    let share = slow.init_ms / total_ms;
    let mut test = Test::default();
    if slow.init_ms >= limits.get("min_ms") {
        test.value("initialization of the package", slow.init_ms, Bound::AtLeast(limits.get("min_ms")), "ms");
    } else {
        test.value("share of start-up", share, Bound::AtLeast(limits.get("min_share")), "");
        test.value("initialization of the package", slow.init_ms, Bound::AtLeast(limits.get("min_share_ms")), "ms");
    }
    let related = |slow: &Slow| Related {
        place: Place { line: log.line(slow.row), field: Some(init::INIT_MS) },
        text: format!("{}: {}", shown(&log.text(slow.row, init::PACKAGE).unwrap_or_default()), ms(slow.init_ms)),
    };
    Finding {
        severity: if slow.init_ms >= limits.get("warning_ms") { Severity::Warning } else { Severity::Info },
        run: Some(run),
        place: Place { line: log.line(slow.row), field: Some(init::INIT_MS) },
        message: format!(
            "{} to initialize {}, {} of the {} until all packages were.",
            ms(slow.init_ms),
            shown(&package),
            percent(share),
            ms(total_ms)
        ),
        related: further.iter().take(MAX_TOLD).map(related).collect(),
        further: further.iter().map(|slow| Place { line: log.line(slow.row), field: Some(init::INIT_MS) }).collect(),
        count: 1 + further.len(),
        numbers: vec![("init_ms", slow.init_ms), ("startup_ms", total_ms), ("share", share)],
        test,
        ..Finding::about(&RULE)
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;
    use crate::rules::fixture::{check, findings_in_text};

    fn line(package: &str, start_ms: &str, init_ms: &str) -> String {
        format!("init {package} @{start_ms} ms, {init_ms} ms clock, 4096 bytes, 12 allocs\n")
    }

    #[test]
    fn tells_the_packages_that_take_long() {
        // Recorded with Go 1.27.3.
        let log = "\
init runtime @0.023 ms, 0.14 ms clock, 0 bytes, 0 allocs
init example.com/slow/geo @0.41 ms, 49 ms clock, 25228472 bytes, 6051 allocs
init example.com/slow/rules @50 ms, 242 ms clock, 14921352 bytes, 76810 allocs
";
        check(
            &RULE,
            log,
            expect![[r#"
                3:init_ms Warning IN101: 242 ms to initialize example.com/slow/rules, 83 % of the 292 ms until all packages were.
                2:init_ms Info IN101: 49 ms to initialize example.com/slow/geo, 17 % of the 292 ms until all packages were.
            "#]],
        );
    }

    #[test]
    fn silent_just_below_each_limit() {
        let found = |init_ms: &str, last: &str| {
            findings_in_text(&RULE, &(line("a", "1.0", init_ms) + &line("b", last, "0.001")))
        };
        assert_eq!(found("9.9", "100"), "", "9.9 ms of 100");
        assert_ne!(found("10", "500"), "", "10 ms of 500");
        assert_ne!(found("9.9", "98"), "", "9.9 ms of 98");
        assert_eq!(found("0.99", "2.0"), "", "half of it, but short");
        assert_ne!(found("1.0", "2.0"), "");
        assert!(found("99", "200").contains("Info"), "99 ms");
        assert!(found("100", "200").contains("Warning"), "100 ms");
    }

    #[test]
    fn a_program_that_starts_at_once_has_none() {
        let log = line("internal/bytealg", "0.008", "0.001")
            + &line("runtime", "0.023", "0.14")
            + &line("main", "1.2", "0.3");
        assert_eq!(findings_in_text(&RULE, &log), "");
        assert_eq!(findings_in_text(&RULE, "init database @ 3 ms, done\n"), "");
    }

    #[test]
    fn many_are_told_as_five_with_the_others_behind() {
        let log: String =
            (0..30).map(|n| line(&format!("p{n}"), &format!("{}", n * 20), &format!("{}", 20 + n))).collect();
        let found = findings_in_text(&RULE, &log);
        assert_eq!(found.matches("IN101").count(), 5);
        assert_eq!(found.matches("further").count(), 1);
    }
}
