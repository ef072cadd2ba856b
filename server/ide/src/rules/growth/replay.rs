//! Verdicts that do not flicker: once raised, one is withdrawn only when its test fails clearly.
//!
//! Nothing is remembered between two readings of a log. The verdict is looked for at fixed lengths of the run, each a
//! little longer than the one before, so that the same text gives the same answer whether it was read at once, grew line
//! by line or was edited. Looked for backwards: most runs are decided by their last moments.

use super::trend::Evidence;
use super::{Thresholds, Verdict};
use crate::rules::evidence::Test;

/// Each length that is looked at is longer than the one before by this part of it: of long series a sixteenth, of those
/// of fewer points a thirty-sixth where a trend is looked for, so that the last points count.
const LENGTHS_APART: usize = 16;
const LENGTHS_APART_OF_FEW: usize = 36;
const FEW: usize = 2_000;

/// Odds of growth that are so many times those asked for need no second look. A step and growth that slows down, which
/// warn of nothing, never need one.
const CLEARLY: f64 = 3.0;

/// Odds of growth that say it is over beyond doubt, and how far they must fall from one look to the next to say so too.
const OVER: f64 = 0.1;
const FALLEN: f64 = 0.01;

/// A verdict that holds now.
#[derive(Clone, Debug)]
pub(in crate::rules) struct Standing {
    /// The present numbers; where they fail, but not clearly enough, the last ones that did not.
    pub evidence: Evidence,
    /// How many points these are of.
    pub n_points: usize,
    /// The point at which the evidence became sufficient.
    pub since: usize,
    /// What they are held against: softer where the verdict was raised earlier.
    pub thresholds: Thresholds,
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

/// By how much the next length is longer where a trend is looked for.
const fn apart(length: usize) -> usize {
    length / if length < FEW { LENGTHS_APART_OF_FEW } else { LENGTHS_APART }
}

/// Lengths at which a series of `n` points is looked at, the longest first, `n` itself not among them.
fn lengths(shortest: usize, n: usize, apart: impl Fn(usize) -> usize) -> impl Iterator<Item = usize> {
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
    for length in lengths(shortest, n, |length| length / LENGTHS_APART) {
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

/// How far a verdict has been borne out by the looks at it so far, the last ones above all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Borne {
    /// It does not stand.
    Nothing,
    /// It does not stand, one look speaks for it.
    Once,
    /// It stands: one clear failure withdraws it, or two, or three.
    Weakly,
    Well,
    Firmly,
}

impl Borne {
    const fn stands(self) -> bool {
        matches!(self, Self::Weakly | Self::Well | Self::Firmly)
    }

    const fn after(self, look: Look) -> Self {
        match (look, self) {
            (Look::Unclear, _) => self,
            (Look::Yes, Self::Nothing) => Self::Once,
            (Look::Yes, Self::Once | Self::Weakly) | (Look::Clearly, Self::Nothing) | (Look::No, Self::Firmly) => {
                Self::Well
            }
            (Look::Yes | Look::Clearly, _) => Self::Firmly,
            (Look::No, Self::Well) => Self::Weakly,
            (Look::No | Look::Ended | Look::Over | Look::Blind, _) => Self::Nothing,
        }
    }
}

/// What a prefix of a series says about growth or a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Look {
    /// All conditions hold, the odds by far.
    Clearly,
    /// All conditions hold.
    Yes,
    /// Not all hold, none fails clearly.
    Unclear,
    /// One fails clearly.
    No,
    /// Likewise, and a level is the likelier story, or it is about growth that slows down: one look withdraws the verdict.
    Ended,
    /// The gain was given back, or the odds are far against growth.
    Over,
    /// There are too few data.
    Blind,
}

/// What a prefix says, and the odds of growth where these tell something, else NaN.
fn look(points: &[(f64, f64)], thresholds: &Thresholds, wanted: Verdict) -> (Look, f64) {
    Evidence::of(points, thresholds).map_or((Look::Blind, f64::NAN), |evidence| seen(&evidence, thresholds, wanted))
}

fn seen(evidence: &Evidence, thresholds: &Thresholds, wanted: Verdict) -> (Look, f64) {
    let softened = thresholds.softened();
    // Growth that slows down did not at first: what rises faster speaks for it too.
    let is_wanted = |verdict: Verdict| verdict == wanted || wanted == Verdict::Slowing && verdict > wanted;
    let (is_met, soft) = (is_wanted(evidence.verdict(thresholds)), evidence.verdict(&softened));
    let odds = if wanted == Verdict::Rising && soft > Verdict::Flat { evidence.odds() } else { f64::NAN };
    let look = match () {
        () if is_met && (wanted != Verdict::Rising || odds >= CLEARLY * thresholds.min_odds) => Look::Clearly,
        () if is_met => Look::Yes,
        () if evidence.given_back >= softened.max_given_back || odds <= OVER => Look::Over,
        () if is_wanted(soft) => Look::Unclear,
        () if wanted == Verdict::Slowing || odds <= 1.0 => Look::Ended,
        () => Look::No,
    };
    (look, odds)
}

/// A look beside the one before, with the odds of both: odds that fell off say that it is over, and where nothing could
/// be seen before, there is nothing that a first look might contradict.
fn beside((look, odds): (Look, f64), before: Option<(Look, f64)>) -> Look {
    match (look, before) {
        (Look::Yes, None | Some((Look::Blind, _))) => Look::Clearly,
        (Look::No | Look::Ended, Some((_, odds_before))) if odds <= FALLEN * odds_before => Look::Over,
        _ => look,
    }
}

/// What the looks at a series say, from the first one that matters to the last.
struct Looks {
    /// Length and what was seen there, the longest first.
    all: Vec<(usize, Look)>,
    /// The last of them, and the odds there.
    last: Option<(Look, f64)>,
    /// The length at which the verdict that stands was raised.
    raised: Option<usize>,
    /// The length at which the last one that stood was withdrawn.
    withdrawn: Option<usize>,
}

impl Looks {
    /// Looks back from the end until what was before can make no difference, or with `to_begin` over the whole series.
    fn back(n: usize, shortest: usize, to_begin: bool, at: impl Fn(usize) -> (Look, f64)) -> Self {
        let mut all: Vec<(usize, Look)> = Vec::new();
        // `n` itself may be one of the lengths.
        let mut lengths = lengths(shortest, n.saturating_add(1), apart).map(|length| (length, at(length))).peekable();
        let last = lengths.peek().map(|&(_, seen)| seen);
        while let Some((length, seen)) = lengths.next() {
            all.push((length, beside(seen, lengths.peek().map(|&(_, before)| before))));
            if !to_begin && is_decided(&all) {
                break;
            }
        }
        let (mut borne, mut raised, mut withdrawn) = (Borne::Nothing, None, None);
        for &(length, look) in all.iter().rev() {
            let after = borne.after(look);
            match (borne.stands(), after.stands()) {
                (false, true) => raised = Some(length),
                (true, false) => (raised, withdrawn) = (None, Some(length)),
                _ => {}
            }
            borne = after;
        }
        Self { all, last, raised, withdrawn }
    }
}

/// Whether looks, the last one first, leave nothing standing somewhere, however firmly it stood before the earliest.
fn is_decided(looks: &[(usize, Look)]) -> bool {
    let mut borne = Borne::Firmly;
    for &(_, look) in looks.iter().rev() {
        borne = borne.after(look);
        match borne {
            Borne::Nothing => return true,
            // The looks from here on were asked before.
            Borne::Firmly => return false,
            _ => {}
        }
    }
    false
}

/// A verdict that was raised and has not clearly failed since.
///
/// What holds at one cycle and fails at the next is chance. So a verdict is raised by two looks that speak for it, or by
/// one that does so clearly, and withdrawn by as many clear failures as it was borne out before, at most three; by one
/// where the odds are against growth. Between two looks it goes where the gain was given back or the odds are far against
/// it. `server/eval/shapes.md` has what that
/// changes.
pub(in crate::rules) fn standing(points: &[(f64, f64)], thresholds: &Thresholds, wanted: Verdict) -> Option<Standing> {
    let now = Evidence::of(points, thresholds)?;
    let softened = thresholds.softened();
    let is_met = |evidence: &Evidence, thresholds: &Thresholds| evidence.verdict(thresholds) == wanted;
    let at = |length: usize| look(&points[..length], thresholds, wanted);
    let looks = Looks::back(points.len(), thresholds.min_cycles as usize, false, at);
    if beside(seen(&now, thresholds, wanted), looks.last) == Look::Over {
        return None;
    }
    let raised = looks.raised?;
    // The present numbers, or where they fail for the moment the last ones that do not.
    let earlier = looks.all.iter().map(|&(length, _)| length).take_while(|length| *length >= raised);
    let earlier = earlier.filter_map(|length| Some((length, Evidence::of(&points[..length], thresholds)?)));
    std::iter::once((points.len(), now)).chain(earlier).find_map(|(n_points, evidence)| {
        let thresholds = [*thresholds, softened].into_iter().find(|thresholds| is_met(&evidence, thresholds))?;
        Some(Standing { evidence, n_points, since: raised.max(1) - 1, thresholds })
    })
}

/// Whether growth is over beyond doubt.
pub(in crate::rules) fn is_over(points: &[(f64, f64)]) -> bool {
    look(points, &Thresholds::DEFAULT, Verdict::Rising).0 == Look::Over
}

/// Adds the conditions of growth to a test, of which at least one does not hold.
pub(in crate::rules) fn why_not_rising(points: &[(f64, f64)], thresholds: &Thresholds, test: &mut Test) {
    match Evidence::of(points, thresholds) {
        Some(evidence) => evidence.test_rising(thresholds, test),
        None => _ = test.fact("the cycles are spread over the time of the run", false),
    }
    if test.holds() {
        test.fact("the same some cycles ago", false);
    }
}

/// The point at which growth that was reported was no longer; nothing where it is, or never was.
pub(in crate::rules) fn no_longer_rising(points: &[(f64, f64)], thresholds: &Thresholds) -> Option<usize> {
    let at = |length: usize| look(&points[..length], thresholds, Verdict::Rising);
    let looks = Looks::back(points.len(), thresholds.min_cycles as usize, true, at);
    let withdrawn = match looks.raised {
        Some(_) if standing(points, thresholds, Verdict::Rising).is_some() => None,
        Some(_) => Some(points.len()),
        None => looks.withdrawn,
    };
    withdrawn.map(|length| length.max(1) - 1)
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

    /// Looks by length: `*` clearly, `+` yes, `~` unclear, `-` no, `0` over, `.` too few data. Where what stands was raised, and where
    /// the last one was withdrawn.
    fn looks_of(of: &'static str) -> (Option<usize>, Option<usize>) {
        let look = |length: usize| match of.as_bytes()[length - 1] {
            b'*' => Look::Clearly,
            b'+' => Look::Yes,
            b'~' => Look::Unclear,
            b'0' => Look::Over,
            b'.' => Look::Blind,
            _ => Look::No,
        };
        let at = |length: usize| (look(length), f64::NAN);
        let [near, far] = [false, true].map(|to_begin| Looks::back(of.len(), 1, to_begin, at));
        assert_eq!(near.raised, far.raised, "what was before makes no difference: {of}");
        (far.raised, far.withdrawn)
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
    fn one_look_raises_a_verdict_where_it_is_clear() {
        assert_eq!(looks_of("--+"), (None, None));
        assert_eq!(looks_of("--++"), (Some(4), None));
        assert_eq!(looks_of("--+~~+"), (Some(6), None), "what is unclear says nothing");
        assert_eq!(looks_of("-+-+-+-"), (None, None), "chance");
        assert_eq!(looks_of("--*"), (Some(3), None));
        assert_eq!(looks_of("..+"), (Some(3), None), "the first one");
    }

    #[test]
    fn a_verdict_is_withdrawn_by_as_many_failures_as_it_was_borne_out() {
        assert_eq!(looks_of("-++-"), (Some(3), None));
        assert_eq!(looks_of("-++--"), (None, Some(5)));
        assert_eq!(looks_of("-++++--"), (Some(3), None));
        assert_eq!(looks_of("-++++-~-~-"), (None, Some(10)));
        assert_eq!(looks_of("-++++-+-+-+"), (Some(3), None));
        assert_eq!(looks_of("-++++0"), (None, Some(6)), "over");
        assert_eq!(looks_of("-++++0-++"), (Some(9), Some(6)), "raised anew");
        assert_eq!(looks_of("-++++---++---~~"), (None, Some(12)), "the last one");
        assert_eq!(looks_of(""), (None, None));
    }

    #[test]
    fn odds_that_fall_off_say_that_it_is_over() {
        let before = Some((Look::Clearly, 200.0));
        assert_eq!(beside((Look::No, 1.9), before), Look::Over);
        assert_eq!(beside((Look::No, 2.1), before), Look::No);
        assert_eq!(beside((Look::Ended, 0.9), before), Look::Over);
        assert_eq!(beside((Look::Unclear, 1.9), before), Look::Unclear);
        assert_eq!(beside((Look::No, f64::NAN), before), Look::No);
    }

    #[test]
    fn lengths_do_not_depend_on_the_end() {
        let of = |n: usize| lengths(40, n, |length| length / LENGTHS_APART).collect::<Vec<_>>();
        assert_eq!(of(46), [44, 42, 40]);
        assert!(of(100_000).ends_with(&of(9_000)));
        assert!(of(360_000).len() < 170);
        assert_eq!(lengths(0, 0, apart).count(), 0);
        assert!(lengths(40, 360_000, apart).count() < 250);
    }

    /// Verdicts that are withdrawn while runs are read line by line: by the test alone, and with what is remembered.
    fn withdrawals(growth: fn(f64) -> f64) -> (usize, usize) {
        let count = |told: &[bool]| told.windows(2).filter(|pair| pair[0] && !pair[1]).count();
        let (mut alone, mut remembered) = (0, 0);
        for seed in 0..10 {
            let mut random = Random(seed);
            let cycles = random.uniform(60.0, 200.0) as usize;
            let points = heap(&mut random, cycles, 600.0, Heap { base_mb: 100.0, sigma_mb: 2.0 }, growth);
            let met = |length: usize| {
                Evidence::of(&points[..length], &Thresholds::DEFAULT)
                    .is_some_and(|evidence| evidence.verdict(&Thresholds::DEFAULT) == Verdict::Rising)
            };
            let stands = |length: usize| {
                let standing = standing(&points[..length], &Thresholds::DEFAULT, Verdict::Rising);
                let told = standing.as_ref().map(|standing| standing.evidence.verdict(&standing.thresholds));
                assert!(told.is_none_or(|told| told == Verdict::Rising), "numbers that say otherwise: {told:?}");
                standing.is_some()
            };
            alone += count(&(40..=points.len()).map(met).collect::<Vec<_>>());
            remembered += count(&(40..=points.len()).map(stands).collect::<Vec<_>>());
        }
        (alone, remembered)
    }

    #[test]
    fn few_verdicts_are_withdrawn_while_a_log_grows() {
        // Of 24 runs of 60 to 600 cycles 0.21, 0.46 and 1.96 a run; catalogue, section 0: 0.3, 0.4 and 1.6.
        let growths: [fn(f64) -> f64; 3] =
            [|share| 0.2 * share, |share| 0.5 * share, |share| 1.0 - (-share / 0.25).exp()];
        let counts = growths.map(withdrawals);
        let alone: usize = counts.iter().map(|count| count.0).sum();
        let remembered: usize = counts.iter().map(|count| count.1).sum();
        assert!(remembered * 2 <= alone, "{counts:?}");
    }
}
