//! Verdicts that do not flicker: once raised, one is withdrawn only when its test fails clearly.
//!
//! Nothing is remembered between two readings of a log. The verdict is looked for at fixed lengths of the run, each a
//! little longer than the one before, so that the same text gives the same answer whether it was read at once, grew line
//! by line or was edited. It is raised at these looks only: where windows are cut moves with each cycle, and odds with
//! them. Between two looks it falls where it fails more clearly than it has to at one.

use super::trend::Evidence;
use super::{Series, Thresholds, Verdict};
use crate::rules::evidence::Test;
use crate::view::RunView;

/// Each length that is looked at is longer than the one before by this share of it: of a short run, and of a long one
/// from so many points on. What a long run says changes less, and a look at it costs as much.
const LENGTHS_APART: (usize, usize) = (36, 16);
const LONG: usize = 1_000;

/// A verdict that holds now.
#[derive(Clone, Debug)]
pub(crate) struct Standing {
    /// The present numbers.
    pub(in crate::rules) evidence: Evidence,
    /// The point at which the evidence became sufficient.
    pub(in crate::rules) since: usize,
    /// What the present numbers are held against: softer where the verdict was raised earlier.
    pub(in crate::rules) thresholds: Thresholds,
}

/// What a prefix of a series says about a verdict.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::rules) enum Answer {
    /// All conditions hold.
    Yes,
    /// Not all hold, none fails clearly.
    Unclear,
    /// One fails clearly, or there are too few data.
    No,
}

/// Lengths at which a series of `n` points is looked at, the longest first, `n` itself not among them.
fn lengths(shortest: usize, n: usize) -> impl Iterator<Item = usize> {
    let apart = |length: usize| length / if length < LONG { LENGTHS_APART.0 } else { LENGTHS_APART.1 };
    let next = |length: &usize| length.checked_add(apart(*length).max(1));
    let lengths: Vec<usize> =
        std::iter::successors(Some(shortest.max(1)), next).take_while(|length| *length < n).collect();
    lengths.into_iter().rev()
}

/// The point since which a verdict stands, where it does: it was raised there, and has not clearly failed since.
pub(in crate::rules) fn since(n: usize, shortest: usize, now: Answer, at: impl Fn(usize) -> Answer) -> Option<usize> {
    let mut since = match now {
        Answer::No => return None,
        Answer::Yes => Some(n),
        Answer::Unclear => None,
    };
    for length in lengths(shortest, n) {
        match at(length) {
            Answer::Yes => since = Some(length),
            Answer::Unclear => {}
            Answer::No => break,
        }
    }
    since.map(|length| length.max(1) - 1)
}

/// The point at which a verdict that stands no more was withdrawn; nothing where it never stood.
pub(in crate::rules) fn withdrawn(
    n: usize,
    shortest: usize,
    now: Answer,
    at: impl Fn(usize) -> Answer,
) -> Option<usize> {
    let mut failed = (now == Answer::No).then_some(n);
    for length in lengths(shortest, n) {
        match at(length) {
            Answer::Yes => return failed.map(|length| length.max(1) - 1),
            Answer::No => failed = Some(length),
            Answer::Unclear => {}
        }
    }
    None
}

/// The shortest length looked at from which on `holds` is true of every longer one, as the index of its last point. The
/// caller knows that it is true of all points.
pub(in crate::rules) fn first_sufficient(
    points: &[(f64, f64)],
    shortest: usize,
    holds: impl Fn(&[(f64, f64)]) -> bool,
) -> usize {
    let at = |length: usize| if holds(&points[..length]) { Answer::Yes } else { Answer::No };
    since(points.len(), shortest, Answer::Yes, at).unwrap_or(0)
}

/// Whether a run of `n` points is looked at.
fn is_look(n: usize, thresholds: &Thresholds) -> bool {
    lengths(thresholds.min_cycles as usize, n + 1).next() == Some(n)
}

/// What points say about growth or a step.
fn answer(points: &[(f64, f64)], thresholds: &Thresholds, wanted: Verdict) -> Answer {
    Evidence::of(points, thresholds)
        .map_or(Answer::No, |evidence| answer_of(&evidence, thresholds, &thresholds.softened(), wanted))
}

/// What evidence says: by the conditions of a verdict, and by those under which one is kept.
fn answer_of(evidence: &Evidence, thresholds: &Thresholds, kept: &Thresholds, wanted: Verdict) -> Answer {
    // Growth that slows down did not at first: what rises faster speaks for it too.
    let is_wanted = |verdict: Verdict| verdict == wanted || wanted == Verdict::Slowing && verdict > wanted;
    if is_wanted(evidence.verdict(thresholds)) {
        Answer::Yes
    } else if is_wanted(evidence.verdict(kept)) {
        Answer::Unclear
    } else {
        Answer::No
    }
}

/// A verdict that holds now, or held and has not clearly failed.
pub(in crate::rules) fn standing(points: &[(f64, f64)], thresholds: &Thresholds, wanted: Verdict) -> Option<Standing> {
    let evidence = Evidence::of(points, thresholds)?;
    let n = points.len();
    let is_look = is_look(n, thresholds);
    let is_now = evidence.verdict(thresholds) == wanted;
    let kept = if is_look { thresholds.softened() } else { thresholds.between_looks() };
    let now = match answer_of(&evidence, thresholds, &kept, wanted) {
        Answer::Yes if !is_now || !is_look => Answer::Unclear,
        other => other,
    };
    let at = |length: usize| answer(&points[..length], thresholds, wanted);
    let since = since(n, thresholds.min_cycles as usize, now, at)?;
    let thresholds = if is_now { *thresholds } else { kept };
    Some(Standing { evidence, since, thresholds })
}

/// Whether the live heap of a run keeps rising. What holds by the thresholds that nobody changed is found out once: the
/// rules about growth that does not go on are silent where it does.
pub(in crate::rules) fn live_heap_rising(run: &RunView, thresholds: &Thresholds) -> Option<Standing> {
    let rising = || standing(&Series::live_heap(run).points, thresholds, Verdict::Rising);
    if *thresholds == Thresholds::DEFAULT { run.rising.get_or_init(rising).clone() } else { rising() }
}

/// Odds of growth that say it is over beyond doubt.
const OVER: f64 = 0.1;

/// Whether growth is over beyond doubt: it was given back, or the odds are far against it.
pub(in crate::rules) fn is_over(points: &[(f64, f64)]) -> bool {
    let thresholds = Thresholds::DEFAULT.softened();
    Evidence::of(points, &thresholds).is_none_or(|evidence| {
        let has_risen = evidence.verdict(&thresholds) > Verdict::Flat;
        evidence.given_back >= thresholds.max_given_back || has_risen && evidence.odds() <= OVER
    })
}

/// Adds the conditions of growth to a test, of which at least one does not hold.
pub(in crate::rules) fn why_not_rising(points: &[(f64, f64)], thresholds: &Thresholds, test: &mut Test) {
    match Evidence::of(points, thresholds) {
        Some(evidence) => {
            evidence.test_rising(thresholds, test);
            if test.holds() {
                test.fact("all of that held too at the last look at the run", false);
            }
        }
        None => _ = test.fact("the cycles are spread over the time of the run", false),
    }
}

/// The point at which growth that was reported was no longer; nothing where it is, or never was.
pub(in crate::rules) fn no_longer_rising(points: &[(f64, f64)], thresholds: &Thresholds) -> Option<usize> {
    let at = |length: usize| answer(&points[..length], thresholds, Verdict::Rising);
    withdrawn(points.len(), thresholds.min_cycles as usize, at(points.len()), at)
}

#[cfg(test)]
mod tests {
    use super::super::shapes::{Heap, Random, heap};
    use super::*;

    /// Answers by length: `+` yes, `~` unclear, `-` no; the last one is now.
    fn answers(of: &'static str) -> (usize, Answer, impl Fn(usize) -> Answer) {
        let at = |length: usize| match of.as_bytes()[length - 1] {
            b'+' => Answer::Yes,
            b'~' => Answer::Unclear,
            _ => Answer::No,
        };
        (of.len(), at(of.len()), at)
    }

    fn since_of(of: &'static str) -> Option<usize> {
        let (n, now, at) = answers(of);
        since(n, 1, now, at)
    }

    fn withdrawn_of(of: &'static str) -> Option<usize> {
        let (n, now, at) = answers(of);
        withdrawn(n, 1, now, at)
    }

    #[test]
    fn a_verdict_stands_until_it_clearly_fails() {
        assert_eq!(since_of("--+"), Some(2));
        assert_eq!(since_of("-+~~"), Some(1));
        assert_eq!(since_of("-~~~"), None, "what was never sure is not raised");
        assert_eq!(since_of("++-+~"), Some(3), "raised anew after a clear failure");
        assert_eq!(since_of("+++-"), None);
        assert_eq!(since_of("+~+~+"), Some(0));
    }

    #[test]
    fn a_withdrawn_verdict_is_remembered() {
        assert_eq!(withdrawn_of("-+~-~-"), Some(3), "at its first clear failure");
        assert_eq!(withdrawn_of("-+~~"), None, "it stands");
        assert_eq!(withdrawn_of("-~--"), None, "it never stood");
        assert_eq!(withdrawn_of("+-~~"), Some(1), "what is unclear does not raise it again");
    }

    #[test]
    fn a_verdict_is_raised_at_looks_only() {
        let (thresholds, calm) = (Thresholds::DEFAULT, Heap { base_mb: 100.0, sigma_mb: 2.0 });
        let mut n_held_back = 0;
        for seed in 0..4 {
            let points = heap(&mut Random(seed), 200, 300.0, calm, |share| 0.2 * share);
            let rises = |n: usize| standing(&points[..n], &thresholds, Verdict::Rising).is_some();
            let mut at_look = false;
            for n in 40..=points.len() {
                if is_look(n, &thresholds) {
                    at_look = rises(n);
                    continue;
                }
                assert!(at_look || !rises(n), "seed {seed}: raised at {n}");
                let is_met = answer(&points[..n], &thresholds, Verdict::Rising) == Answer::Yes;
                if is_met && !rises(n) {
                    n_held_back += 1;
                    let mut test = Test::default();
                    why_not_rising(&points[..n], &thresholds, &mut test);
                    assert!(!test.holds(), "seed {seed}: nothing says why it is not raised at {n}");
                }
            }
        }
        assert!(n_held_back > 0, "no run met the conditions between two looks");
    }

    #[test]
    fn lengths_do_not_depend_on_the_end() {
        let of = |n: usize| lengths(40, n).collect::<Vec<_>>();
        assert_eq!(of(46), [45, 44, 43, 42, 41, 40]);
        assert_eq!(of(114)[..3], [111, 108, 106]);
        assert!(of(100_000).ends_with(&of(9_000)));
        assert!(of(360_000).len() < 240);
        assert_eq!(lengths(0, 0).count(), 0);
    }
}
