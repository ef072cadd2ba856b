//! Verdicts that do not flicker: once raised, one is withdrawn only when its test fails clearly.
//!
//! Nothing is remembered between two readings of a log. The verdict is looked for at fixed lengths of the run, each a
//! little longer than the one before, so that the same text gives the same answer whether it was read at once, grew line
//! by line or was edited. It is raised at these looks only: where windows are cut moves with each cycle, and odds with
//! them. Between two looks it falls where it fails more clearly than it has to at one, and where it was withdrawn it takes
//! higher odds to raise it again.

use super::trend::Evidence;
use super::{Series, Thresholds, Verdict};
use crate::rules::evidence::Test;
use crate::view::RunView;

/// Each length that is looked at is longer than the one before by this share of it: of a short run, and of a long one
/// from so many points on. What a long run says changes less, and a look at it costs as much.
const LENGTHS_APART: (usize, usize) = (36, 16);
const LONG: usize = 1_000;

/// Odds that fell to less than this share of those at the last look say more than where the windows are cut: a level was
/// reached.
const FELL: f64 = 1.0 / 30.0;

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

/// Lengths at which a series of `n` points is looked at, `n` itself not among them.
fn lengths(shortest: usize, n: usize) -> impl DoubleEndedIterator<Item = usize> {
    let apart = |length: usize| length / if length < LONG { LENGTHS_APART.0 } else { LENGTHS_APART.1 };
    let next = |length: &usize| length.checked_add(apart(*length).max(1));
    let lengths: Vec<usize> =
        std::iter::successors(Some(shortest.max(1)), next).take_while(|length| *length < n).collect();
    lengths.into_iter()
}

/// The point since which a verdict stands, where it does: it was raised there, and has not clearly failed since.
pub(in crate::rules) fn since(n: usize, shortest: usize, now: Answer, at: impl Fn(usize) -> Answer) -> Option<usize> {
    let mut since = match now {
        Answer::No => return None,
        Answer::Yes => Some(n),
        Answer::Unclear => None,
    };
    for length in lengths(shortest, n).rev() {
        match at(length) {
            Answer::Yes => since = Some(length),
            Answer::Unclear => {}
            Answer::No => break,
        }
    }
    since.map(|length| length.max(1) - 1)
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
    lengths(thresholds.min_cycles as usize, n + 1).next_back() == Some(n)
}

/// What there is to see at a length of a run.
trait Seen {
    /// Whether it is the verdict that is looked for, by these thresholds.
    fn meets(&self, thresholds: &Thresholds) -> bool;
    /// The odds of growth; unknown where the verdict is another one, to which they say nothing.
    fn odds(&self) -> f64;
}

/// Evidence, and the verdict that is looked for.
impl Seen for (Option<&Evidence>, Verdict) {
    fn meets(&self, thresholds: &Thresholds) -> bool {
        let (evidence, wanted) = *self;
        evidence.map(|evidence| evidence.verdict(thresholds)).is_some_and(|verdict| {
            // Growth that slows down did not at first: what rises faster speaks for it too.
            verdict == wanted || wanted == Verdict::Slowing && verdict > wanted
        })
    }

    fn odds(&self) -> f64 {
        let (evidence, wanted) = *self;
        evidence.filter(|_| wanted == Verdict::Rising).map_or(f64::NAN, Evidence::odds)
    }
}

/// A verdict through the looks at a run.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Told {
    /// The length at which it was raised, where it stands.
    since: Option<usize>,
    /// Where it stands, the odds of growth at the last look.
    odds: f64,
    /// The length at which it was withdrawn last.
    withdrawn: Option<usize>,
    n_withdrawn: u32,
}

impl Told {
    /// All looks at points, the last one at their end where that is one.
    fn of(points: &[(f64, f64)], thresholds: &Thresholds, wanted: Verdict) -> Self {
        let mut told = Self::default();
        for length in lengths(thresholds.min_cycles as usize, points.len() + 1) {
            let evidence = Evidence::of(&points[..length], thresholds);
            told.look(length, &(evidence.as_ref(), wanted), thresholds);
        }
        told
    }

    /// A look at a length.
    fn look(&mut self, length: usize, seen: &impl Seen, thresholds: &Thresholds) {
        let stands = match self.since {
            Some(_) => self.keeps(seen, thresholds, &thresholds.softened()),
            None => seen.meets(&thresholds.after_withdrawals(self.n_withdrawn)),
        };
        match self.since {
            Some(_) if !stands => {
                *self = Self { withdrawn: Some(length), n_withdrawn: self.n_withdrawn + 1, ..Self::default() };
            }
            None if !stands => {}
            since => *self = Self { since: since.or(Some(length)), odds: seen.odds(), ..*self },
        }
    }

    /// Whether a verdict that stands is kept: it does not fail clearly.
    fn keeps(&self, seen: &impl Seen, thresholds: &Thresholds, kept: &Thresholds) -> bool {
        // Unknown odds did not fall.
        let has_fallen = seen.odds() < FELL * self.odds;
        seen.meets(kept) && (seen.meets(thresholds) || !has_fallen)
    }
}

/// A verdict that holds now, or held and has not clearly failed.
pub(in crate::rules) fn standing(points: &[(f64, f64)], thresholds: &Thresholds, wanted: Verdict) -> Option<Standing> {
    let evidence = Evidence::of(points, thresholds)?;
    let seen = (Some(&evidence), wanted);
    let kept = if is_look(points.len(), thresholds) { thresholds.softened() } else { thresholds.between_looks() };
    // Most runs are decided by their present moment.
    if !seen.meets(&kept) {
        return None;
    }
    let told = Told::of(points, thresholds, wanted);
    let since = told.since.filter(|_| told.keeps(&seen, thresholds, &kept))? - 1;
    let is_now = evidence.verdict(thresholds) == wanted;
    Some(Standing { since, thresholds: if is_now { *thresholds } else { kept }, evidence })
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
    let Some(evidence) = Evidence::of(points, thresholds) else {
        test.fact("the cycles are spread over the time of the run", false);
        return;
    };
    evidence.test_rising(thresholds, test);
    if test.holds() {
        test.fact(held_back(points, &evidence, thresholds), false);
    }
}

/// What growth lacks that meets all conditions and is not told.
pub(in crate::rules) fn held_back(points: &[(f64, f64)], evidence: &Evidence, thresholds: &Thresholds) -> &'static str {
    let needed = thresholds.after_withdrawals(Told::of(points, thresholds, Verdict::Rising).n_withdrawn);
    if evidence.verdict(&needed) == Verdict::Rising {
        "all of that held too at the last look at the run"
    } else {
        "the odds are as high as they must be after a verdict was withdrawn"
    }
}

/// The point at which growth that was reported was no longer; nothing where it is, or never was.
pub(in crate::rules) fn no_longer_rising(points: &[(f64, f64)], thresholds: &Thresholds) -> Option<usize> {
    if standing(points, thresholds, Verdict::Rising).is_some() {
        return None;
    }
    let told = Told::of(points, thresholds, Verdict::Rising);
    // Where it stood at the last look it fell just now.
    let fell = told.since.map(|_| points.len());
    fell.or(told.withdrawn).map(|length| length - 1)
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

    /// Odds, where all else speaks for growth.
    impl Seen for f64 {
        fn meets(&self, thresholds: &Thresholds) -> bool {
            *self >= thresholds.min_odds
        }

        fn odds(&self) -> f64 {
            *self
        }
    }

    /// What is told after looks at which the odds are these.
    fn told_of(odds: &[f64]) -> Told {
        let mut told = Told::default();
        odds.iter().enumerate().for_each(|(idx, odds)| told.look(idx + 1, odds, &Thresholds::DEFAULT));
        told
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
    fn a_withdrawn_verdict_is_remembered_and_takes_higher_odds() {
        let told = |odds: &[f64]| {
            let told = told_of(odds);
            (told.since, told.withdrawn, told.n_withdrawn)
        };
        assert_eq!(told(&[1.6, 1.6]), (None, None, 0), "it was never raised");
        assert_eq!(told(&[1.6, 1.7, 0.9, 1.1]), (Some(2), None, 0), "even odds keep it");
        assert_eq!(told(&[2.0, 0.8, 0.1, 1.5]), (None, Some(2), 1), "at its first clear failure");
        assert_eq!(told(&[2.0, 0.8, 2.5]), (None, Some(2), 1), "1.7 are too few now");
        assert_eq!(told(&[2.0, 0.8, 2.6, 1.0]), (Some(3), Some(2), 1));
        assert_eq!(told(&[2.0, 0.8, 2.6, 0.8, 2.6, 3.9]), (Some(6), Some(4), 2));
        let flickers: Vec<f64> = [1000.0, 0.0].repeat(20);
        assert_eq!(told(&[flickers, vec![13.7]].concat()).0, Some(41), "eight times the odds are always enough");
    }

    #[test]
    fn odds_that_fall_steeply_end_growth() {
        assert_eq!(told_of(&[28.0, 1.0]).since, Some(1));
        assert_eq!(told_of(&[40.0, 1.0]).since, None, "a fortieth");
        assert_eq!(told_of(&[1000.0, 2.0]).since, Some(1), "they are enough by themselves");
        assert_eq!(told_of(&[1000.0, 2.0, 1.0]).since, Some(1), "since the last look they halved");
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
                let evidence = Evidence::of(&points[..n], &thresholds).unwrap();
                if evidence.verdict(&thresholds) == Verdict::Rising && !rises(n) {
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
        assert_eq!(of(46), [40, 41, 42, 43, 44, 45]);
        assert!(of(114).ends_with(&[106, 108, 111]));
        assert!(of(100_000).starts_with(&of(9_000)));
        assert!(of(360_000).len() < 240);
        assert_eq!(lengths(0, 0).count(), 0);
    }
}
