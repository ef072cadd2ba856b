//! What the point rules about scheduler samples share.

use tracelog::Field;

use super::evidence::Test;
use super::point::{Hit, Words, report};
use super::{Findings, Place, Rule};
use crate::view::RunView;

/// A field of a sample.
pub(super) fn place(run: &RunView, row: usize, field: Field) -> Place {
    Place { line: run.samples.line[row], field: Some(field) }
}

/// Like [`report`], with the conditions that were met.
pub(super) fn report_tested(
    out: &mut Findings,
    rule: &'static Rule,
    run: usize,
    hits: &[Hit],
    seen: impl Fn(usize) -> String,
    test: Test,
    words: impl FnOnce(usize) -> Words,
) {
    let n_before = out.list.len();
    report(out, rule, run, hits, seen, words);
    // Nothing was reported without hits.
    if let Some(finding) = out.list.get_mut(n_before) {
        finding.test = test;
    }
}
