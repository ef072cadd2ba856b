//! Memory of a killed process that no setting of the collector limits.

use super::model::{Measured, non_heap_mb};
use crate::rules::Finding;
use crate::words::rough;

/// A heap takes so many times what its objects take: pages are not full.
const PAGES: f64 = 1.1;

/// Share of the memory at the kill from which on the rest decides.
const MIN_SHARE: f64 = 0.3;

/// What a process had when it was killed, MB.
pub(super) struct Outside {
    rss_mb: f64,
    /// The largest heap of the run.
    heap_mb: f64,
    /// What is left when the heap was as large as ever and the runtime took its share: at least so much was not Go's.
    outside_mb: f64,
}

impl Outside {
    /// Where a kill tells the memory of the run, and much of it was not Go's. Free spans are no way out: they never were
    /// more than the largest heap.
    pub(super) fn of(measured: &Measured, findings: &[&Finding]) -> Option<Self> {
        let kill = findings.iter().find(|finding| finding.rule.code == "FT111")?;
        let number = |name: &str| kill.numbers.iter().find(|(of, _)| *of == name).map(|(_, value)| *value);
        let rss_mb = number("rss_mb")?;
        let heap_mb = number("heap_at_most_mb")?.max(measured.peak_mb);
        let outside_mb = rss_mb - PAGES * heap_mb - measured.roots_mb - non_heap_mb(rss_mb);
        (outside_mb >= MIN_SHARE * rss_mb).then_some(Self { rss_mb, heap_mb, outside_mb })
    }

    pub(super) fn in_words(&self) -> String {
        format!(
            "of the {} MB that the process had when it was killed, about {} MB were neither the Go heap, which never took more \
             than {} MB, nor the runtime's own (C code, mapped memory): no setting of the collector limits that",
            rough(self.rss_mb),
            rough(self.outside_mb),
            rough(self.heap_mb)
        )
    }
}
