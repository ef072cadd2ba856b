//! How long the packages of a run took to initialize: all together, and the three that took longest.

use tracelog::catalog::init;
use tracelog::{Family, Log, RowId};

use super::{Lens, LensAction, LensKind, leading};
use crate::markup;
use crate::snapshot::Parsed;
use crate::words;

/// Packages that are named.
const MAX_NAMED: usize = 3;

/// Characters of the name of a package.
const MAX_NAME: usize = 30;

/// Runs that get a lens.
const MAX_RUNS: usize = 200;

/// A lens at the first line about a package in each run.
pub(super) fn lenses(parsed: &Parsed) -> Vec<Lens> {
    let rows = parsed.runs.list.iter().map(|run| run.rows(Family::Init)).filter(|rows| !rows.is_empty());
    rows.take(MAX_RUNS).filter_map(|rows| lens(&parsed.log, rows)).collect()
}

fn lens(log: &Log, rows: &[RowId]) -> Option<Lens> {
    let timed = rows.iter().filter_map(|row| Some((*row, log.value(*row, init::INIT_MS)?)));
    let mut timed: Vec<(RowId, f64)> = timed.collect();
    timed.sort_by(|a, b| b.1.total_cmp(&a.1));
    let first = rows.iter().map(|row| log.line(*row)).min()?;
    let (slowest, _) = *timed.first()?;
    let total_ms: f64 = timed.iter().map(|(_, ms)| ms).sum();
    let named = timed.iter().take(MAX_NAMED).filter(|(_, ms)| *ms > 0.0).map(|(row, ms)| {
        let package = log.text(*row, init::PACKAGE).unwrap_or_default();
        format!("{} {}", markup::plain(&words::shorten(&package, MAX_NAME)), words::ms(*ms))
    });
    let all = format!("{} initialized in {}", words::count(timed.len(), "package"), words::ms(total_ms));
    let title = leading([all].into_iter().chain(named).collect());
    let action = Some(LensAction::Reveal { line: log.line(slowest) });
    Some(Lens { action, ..Lens::new(LensKind::Init, first, title) })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tracelog::{Log, Text};

    use crate::{LensKind, Settings, Snapshot};

    #[test]
    fn names_the_total_and_the_three_that_took_longest() {
        let text = "\
starting
init runtime @0.023 ms, 0.14 ms clock, 0 bytes, 0 allocs
init unicode @22 ms, 0.13 ms clock, 11400 bytes, 16 allocs
init regexp/syntax @22 ms, 0 ms clock, 2344 bytes, 6 allocs
init example.com/slow/geo @0.41 ms, 49 ms clock, 25228472 bytes, 6051 allocs
init example.com/slow/rules @50 ms, 242 ms clock, 14921352 bytes, 76810 allocs
";
        let snapshot =
            Snapshot::new(Arc::new(Text::new(text)), Log::read(text.as_bytes()), Arc::new(Settings::default()));
        let lenses = crate::lenses(&snapshot);
        let of_init: Vec<_> = lenses.iter().filter(|lens| lens.kind == LensKind::Init).collect();
        assert_eq!(of_init.len(), 1);
        assert_eq!(of_init[0].loc.line, 1);
        let want = "5 packages initialized in 291 ms · example.com/slow/rules 242 ms · example.com/slow/geo 49 ms · runtime 0.1 ms";
        assert_eq!(of_init[0].title, want);
    }
}
