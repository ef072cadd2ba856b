//! One finding for what several dumps of a run show: whoever takes a dump each minute wants to be told once.

use crate::rules::{Finding, Findings, Related};

/// Collects what dumps show and keeps the worst of each place.
#[derive(Default)]
pub(in crate::rules) struct Worst {
    list: Vec<Kept>,
}

/// What was found at a place.
struct Kept {
    key: u64,
    weight: usize,
    finding: Finding,
    /// The first dump that shows it.
    first: Related,
    n_dumps: usize,
}

impl Worst {
    /// Adds what a dump shows at a place: `key` says where, `weight` how bad, `seen` what in few words.
    pub fn add(&mut self, key: u64, weight: usize, seen: String, finding: Finding) {
        let known = self.list.iter_mut().find(|kept| kept.key == key && kept.finding.run == finding.run);
        let Some(kept) = known else {
            let first = Related { place: finding.place, text: format!("first: {seen}") };
            self.list.push(Kept { key, weight, finding, first, n_dumps: 1 });
            return;
        };
        kept.n_dumps += 1;
        if (finding.severity, weight) > (kept.finding.severity, kept.weight) {
            (kept.weight, kept.finding) = (weight, finding);
        }
    }

    /// Publishes the worst of each place, at most `max` a run, those before that are worse.
    pub fn publish(mut self, max: f64, findings: &mut Findings) {
        let max = max.max(0.0) as usize;
        self.list.sort_by_key(|kept| std::cmp::Reverse((kept.finding.severity, kept.weight)));
        let mut n_of_run: Vec<(Option<usize>, usize)> = Vec::new();
        for Kept { mut finding, first, n_dumps, .. } in self.list {
            let at = n_of_run.iter().position(|(run, _)| *run == finding.run).unwrap_or_else(|| {
                n_of_run.push((finding.run, 0));
                n_of_run.len() - 1
            });
            n_of_run[at].1 += 1;
            if n_of_run[at].1 > max {
                continue;
            }
            if n_dumps > 1 {
                finding.message = format!("{} (in {n_dumps} dumps).", finding.message.trim_end_matches('.'));
                finding.count = finding.count.max(n_dumps);
            }
            if first.place != finding.place {
                finding.related.insert(0, first);
            }
            findings.push(finding);
        }
    }
}
