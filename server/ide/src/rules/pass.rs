//! One pass of rules over a log.

use rayon::prelude::*;
use tracelog::{Blocks, Lines, Log, Runs};

use super::growth::Series;
use super::{BlocksView, Check, Findings, LogView, Rule, memory_limit_active};
use crate::derived;
use crate::settings::Settings;
use crate::view::RunView;

/// Cycles and samples from which on rules share the CPUs; fewer are done before another thread has woken up.
const MANY_ROWS: usize = 20_000;

/// Works out, side by side, what most rules ask for: where the first that asks does it, the others wait.
fn prepare(run: &RunView) {
    rayon::join(
        || rayon::join(|| Series::live_heap(run), || memory_limit_active::points(run)),
        || derived::prepare(&run.cycles),
    );
}

/// Runs `rules` and returns what they find, in their order. `blocks` are asked for where dumps can tell something.
pub fn pass<'a>(
    rules: &[&'static Rule],
    (log, runs): (&Log, &Runs),
    lines: &dyn Lines,
    view: &LogView,
    settings: &Settings,
    blocks: &impl Fn() -> &'a Blocks,
) -> Findings {
    let of_runs = |rule: &&'static Rule| {
        let mut found = Findings::default();
        if let Check::Run(check) = rule.check {
            let limits = settings.limits(rule);
            // What the toolchain prints under `go run` is not the program's: only rules about the log see it.
            view.runs.iter().filter(|run| !run.toolchain).for_each(|run| check(run, &limits, &mut found));
        }
        found
    };
    let n_rows: usize = view.runs.iter().map(|run| run.cycles.len() + run.samples.len()).sum();
    let found: Vec<Findings> = match n_rows >= MANY_ROWS {
        true => {
            view.runs.par_iter().for_each(prepare);
            // One by one: some take a hundred times as long as others.
            rules.par_iter().with_max_len(1).map(of_runs).collect()
        }
        false => rules.iter().map(of_runs).collect(),
    };

    let mut findings = Findings::default();
    for (rule, found) in rules.iter().zip(found) {
        let limits = settings.limits(rule);
        match rule.check {
            Check::Run(_) => findings.append(found),
            Check::Log(check) => check(view, &limits, &mut findings),
            Check::Blocks(check) => {
                check(&BlocksView { log, runs, blocks: blocks(), lines, view }, &limits, &mut findings);
            }
        }
    }
    findings
}
