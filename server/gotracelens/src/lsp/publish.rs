//! When findings are pushed to clients that do not pull them: some time after the last change, one run at a time for a
//! document, so that typing and a growing log do not flood anybody.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use tower_lsp::gen_lsp_types::Uri;

/// Quiet time after a change before findings are looked for.
const QUIET: Duration = Duration::from_millis(150);
/// A log that grows without a pause gets its findings this often.
const LONGEST_DELAY: Duration = Duration::from_secs(2);

/// The push schedule of all documents. It knows times, not findings.
#[derive(Default)]
pub(super) struct Schedule(HashMap<Uri, Entry>);

#[derive(Default)]
struct Entry {
    /// First change that has not been looked at, and when it is due.
    pending: Option<(Instant, Instant)>,
    is_running: bool,
    /// The client was sent findings that an empty list must take back.
    has_findings: bool,
}

impl Schedule {
    /// Something changed that may change the findings.
    pub(super) fn touch(&mut self, uri: &Uri, now: Instant) {
        let entry = self.0.entry(uri.clone()).or_default();
        let first = entry.pending.map_or(now, |(first, _)| first);
        entry.pending = Some((first, (now + QUIET).min(first + LONGEST_DELAY)));
    }

    /// When [`Schedule::start_due`] should be called next.
    pub(super) fn next_due(&self) -> Option<Instant> {
        self.0.values().filter(|entry| !entry.is_running).filter_map(|entry| entry.pending).map(|(_, due)| due).min()
    }

    /// The documents whose findings are to be looked for now; each counts as running from here on.
    pub(super) fn start_due(&mut self, now: Instant) -> Vec<Uri> {
        let mut due_uris = Vec::new();
        for (uri, entry) in &mut self.0 {
            if !entry.is_running && entry.pending.is_some_and(|(_, due)| due <= now) {
                entry.pending = None;
                entry.is_running = true;
                due_uris.push(uri.clone());
            }
        }
        due_uris
    }

    /// A run has ended with this many findings, or failed. True if the client has to be told.
    pub(super) fn finish(&mut self, uri: &Uri, n_findings: Option<usize>) -> bool {
        let Some(entry) = self.0.get_mut(uri) else { return false };
        entry.is_running = false;
        let Some(n_findings) = n_findings else { return false };
        let had_findings = std::mem::replace(&mut entry.has_findings, n_findings > 0);
        had_findings || n_findings > 0
    }

    /// The document was closed. True if the client still shows findings of it.
    pub(super) fn forget(&mut self, uri: &Uri) -> bool {
        self.0.remove(uri).is_some_and(|entry| entry.has_findings)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_for_a_pause_but_not_for_ever() {
        let (mut schedule, uri, start) = (Schedule::default(), Uri::from("file:///a"), Instant::now());
        schedule.touch(&uri, start);
        assert_eq!(schedule.next_due(), Some(start + QUIET));
        for n_ms in (100..5_000).step_by(100) {
            schedule.touch(&uri, start + Duration::from_millis(n_ms));
        }
        assert_eq!(schedule.next_due(), Some(start + LONGEST_DELAY));
    }

    #[test]
    fn runs_one_at_a_time_for_a_document() {
        let (mut schedule, uri, start) = (Schedule::default(), Uri::from("file:///a"), Instant::now());
        schedule.touch(&uri, start);
        assert!(schedule.start_due(start).is_empty());
        assert_eq!(schedule.start_due(start + QUIET), std::slice::from_ref(&uri));
        schedule.touch(&uri, start + QUIET);
        assert_eq!(schedule.next_due(), None);
        assert!(schedule.start_due(start + 9 * QUIET).is_empty());
        schedule.finish(&uri, Some(1));
        assert_eq!(schedule.start_due(start + 9 * QUIET), [uri]);
    }

    #[test]
    fn an_empty_list_is_sent_only_to_take_findings_back() {
        let (mut schedule, uri, now) = (Schedule::default(), Uri::from("file:///a"), Instant::now());
        schedule.touch(&uri, now);
        assert!(!schedule.finish(&uri, Some(0)));
        assert!(schedule.finish(&uri, Some(2)));
        assert!(!schedule.finish(&uri, None));
        assert!(schedule.finish(&uri, Some(0)));
        assert!(!schedule.forget(&uri));
        schedule.touch(&uri, now);
        schedule.finish(&uri, Some(1));
        assert!(schedule.forget(&uri));
        assert!(!schedule.forget(&uri));
    }
}
