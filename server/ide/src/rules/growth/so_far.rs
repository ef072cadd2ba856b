//! What is not sure yet, or is so no more: growth that has too few data for a verdict, and verdicts that were withdrawn.
//!
//! Neither is a finding. Summary and lens say it, with what is missing.

use super::pace::{self, Pace};
use super::{Evidence, Series, Thresholds, Verdict, replay};
use crate::rules::evidence::{Compared, Condition, Test};
use crate::view::RunView;
use crate::words::{count, listed, rough, rough_span};

/// Fewest cycles of which anything is said.
const MIN_CYCLES: usize = 4;

/// Fewest cycles since the first quarter of the time, and the least live heap at the end, MB, of growth that began late.
/// It must last as long as a trend: the first seconds of every program rise.
const MIN_LATE: (usize, f64) = (8, 8.0);

/// How many times the most that was live before growth at the end of a run must reach.
const HIGHER: f64 = 1.2;

/// Where earlier growth was reported and went, how many times its own base growth at the end must reach: batches and days
/// swing, but that a heap does not rise is not said while it has become twice as large.
const AGAIN: f64 = 2.0;

/// How the live heap of a run does that no rule reports.
#[derive(Clone, Debug, PartialEq)]
pub enum SoFar {
    /// It rises like a leak, in too few cycles or too short a time to tell.
    Rising {
        /// First and last live heap, MB.
        mb: (f64, f64),
        /// Cycles between the two.
        n_cycles: usize,
        /// The conditions that ask for more data.
        missing: Vec<Condition>,
    },
    /// It rises at the end of a run that is long, above all that it was before, or again: too late for a trend of the run.
    Late {
        /// Typical of the first and of the last fifth of that end, MB.
        mb: (f64, f64),
        /// Time between the middles of the two, s.
        apart_s: f64,
        /// The most that was live before, MB.
        before_mb: f64,
    },
    /// It was reported to rise, and does so no more.
    NoLonger {
        /// Since when, s since program start.
        since_s: f64,
        /// The line of the cycle at which it was clear.
        line: u32,
    },
}

impl SoFar {
    /// `rising so far: 12→48 MB in 6 cycles, needs 3 cycles in the second half (has 2)`.
    pub fn in_words(&self) -> String {
        match self {
            Self::Rising { mb: (from, to), n_cycles, missing } => {
                let missing: Vec<String> = missing.iter().map(|one| needs(one, true)).collect();
                let (from, to, cycles) = (rough(*from), rough(*to), count(*n_cycles, "cycle"));
                format!("rising so far: {from}→{to} MB in {cycles}, needs {}", listed(&missing))
            }
            Self::Late { mb: (from, to), apart_s, before_mb } => format!(
                "rising at the end: {}→{} MB in {}, at most {} MB before",
                rough(*from),
                rough(*to),
                rough_span(*apart_s),
                rough(*before_mb)
            ),
            Self::NoLonger { since_s, .. } => format!("no longer rising since {}", rough_span(*since_s)),
        }
    }

    /// Likewise beside other numbers: `rising so far, needs 3 cycles in the second half`.
    pub fn in_short(&self) -> String {
        match self {
            Self::Rising { missing, .. } => {
                let first = missing.first().map_or_else(String::new, |one| format!(", needs {}", needs(one, false)));
                format!("rising so far{first}")
            }
            Self::Late { mb: (from, to), apart_s, .. } => {
                format!("rising at the end: {}→{} MB in {}", rough(*from), rough(*to), rough_span(*apart_s))
            }
            Self::NoLonger { .. } => self.in_words(),
        }
    }
}

/// `60 s (has 56)`, `3 cycles in the second half (has 2)`; without what it has `60 s`.
fn needs(condition: &Condition, with_seen: bool) -> String {
    let Compared::Number { seen, unit, bound } = condition.compared else {
        return condition.what.clone();
    };
    let (_, bound) = bound.parts();
    let what = if unit.is_empty() { &condition.what } else { unit };
    let seen = if with_seen { format!(" (has {})", rough(seen.floor())) } else { String::new() };
    format!("{} {what}{seen}", rough(bound))
}

/// What is to say about the live heap of a run about which no rule on growth says anything.
pub fn so_far(run: &RunView) -> Option<SoFar> {
    let series = Series::live_heap(run);
    let points = &series.points[..];
    let thresholds = Thresholds::DEFAULT;
    if points.len() as f64 >= thresholds.min_cycles {
        let is_higher = |evidence: &Evidence, before_mb: f64| evidence.end_mb >= HIGHER * before_mb;
        if let Some(late) = late(points, &thresholds, is_higher) {
            return Some(late);
        }
        let idx = replay::no_longer_rising(points, &thresholds)?;
        if let Some(again) = late(points, &thresholds, |evidence, _| evidence.end_mb >= AGAIN * evidence.base_mb) {
            return Some(again);
        }
        return Some(SoFar::NoLonger { since_s: points.get(idx)?.0, line: series.line(&run.cycles, idx) });
    }
    if points.len() < MIN_CYCLES {
        return None;
    }
    let (pace, mut test) = (Pace::of(points), Test::default());
    pace.test(&pace::Thresholds::DEFAULT, run.last_seen_s, &mut test);
    let (missing, asked): (Vec<Condition>, Vec<Condition>) =
        test.conditions.into_iter().partition(|condition| condition.is_about_data && !condition.holds);
    if !missing.is_empty() && asked.iter().all(|condition| condition.holds) {
        return Some(SoFar::Rising { mb: (pace.start_mb, pace.end_mb), n_cycles: points.len(), missing });
    }
    let from_s = points[0].0 + pace.span_s / 4.0;
    let n_cycles = points.iter().filter(|point| point.0 >= from_s).count();
    let is_enough = n_cycles >= MIN_LATE.0 && pace.span_s >= thresholds.min_span_s;
    let is_late = is_enough && pace.end_mb >= MIN_LATE.1 && pace.still_rises(thresholds.min_gain_mb);
    is_late.then(|| {
        let mut test = Test::default();
        series.is_enough(&thresholds, &mut test);
        let missing = test.conditions.into_iter().filter(|condition| !condition.holds).collect();
        SoFar::Rising { mb: (pace.quarter_mb, pace.end_mb), n_cycles, missing }
    })
}

/// Growth that began in the second half of a run and passes the trend test by itself, where it is large enough beside the
/// most that was live before, MB. What came and went before is a load that may come again; what was never there is not.
fn late(points: &[(f64, f64)], thresholds: &Thresholds, is_large: impl Fn(&Evidence, f64) -> bool) -> Option<SoFar> {
    let ends = std::iter::successors(Some(points.len() / 2), |n| Some(n / 2));
    ends.take_while(|n| *n as f64 >= thresholds.min_cycles).find_map(|n| {
        let (before, end) = points.split_at(points.len() - n);
        let span_s = end.last()?.0 - end.first()?.0;
        let before_s = before.last()?.0 - before.first()?.0;
        if span_s < thresholds.min_span_s || span_s > before_s {
            return None;
        }
        let before_mb = before.iter().map(|point| point.1).fold(0.0, f64::max);
        let evidence = Evidence::of(end, thresholds)?;
        (is_large(&evidence, before_mb) && evidence.verdict(thresholds) == Verdict::Rising).then_some(SoFar::Late {
            mb: (evidence.base_mb, evidence.end_mb),
            apart_s: evidence.apart_s,
            before_mb,
        })
    })
}

#[cfg(test)]
mod tests {
    use super::super::shapes::{cycles, run};
    use super::*;

    fn words(points: &[(f64, f64)]) -> Option<String> {
        so_far(&run(points)).map(|so_far| so_far.in_words())
    }

    /// Cycles that come when as much was allocated as lives, of a heap that grows by 1 MB/s.
    fn leak(to_s: f64) -> Vec<(f64, f64)> {
        let mut points = vec![(4.0, 4.0)];
        while let Some(&(at_s, live)) = points.last() {
            if at_s + live / 1.5 > to_s {
                break;
            }
            points.push((at_s + live / 1.5, (at_s + live / 1.5).floor()));
        }
        points
    }

    #[test]
    fn a_leak_with_too_few_cycles_rises_so_far() {
        assert_eq!(
            words(&leak(90.0)).unwrap(),
            "rising so far: 4→78 MB in 7 cycles, needs 10 cycles (has 7) and 3 cycles in the second half (has 2)"
        );
    }

    #[test]
    fn what_does_not_rise_gets_no_word() {
        assert_eq!(words(&leak(10.0)), None, "three cycles");
        let idle: Vec<(f64, f64)> = leak(90.0).into_iter().map(|(at_s, live)| (at_s, live.min(20.0))).collect();
        assert_eq!(words(&idle), None);
        assert_eq!(words(&[]), None);
    }

    #[test]
    fn growth_that_began_late_rises_so_far() {
        // Recorded with Go 1.22: 60 MB leak from two fifths of the time on.
        let late = "0:3 0:7 2:7 5:7 7:7 10:7 12:7 15:7 18:7 21:7 23:7 27:7 31:7 34:7 38:7 41:7 45:7 48:8 51:10 54:13 58:16 \
                    64:21 71:27 79:34 90:43 105:55";
        // A cache that is asked for keys of which ever more are there.
        let few = "1:1 2:2 4:4 7:7 11:12 17:18 25:27 35:34 48:41 66:46 88:50";
        let points = |text: &str| -> Vec<(f64, f64)> {
            let pair = |pair: &str| pair.split_once(':').map(|(s, mb)| (s.parse().unwrap(), mb.parse().unwrap()));
            text.split(' ').filter_map(pair).collect()
        };
        assert_eq!(words(&points(late)).unwrap(), "rising so far: 7→55 MB in 15 cycles, needs 40 cycles (has 26)");
        assert_eq!(words(&points(few)), None);
        let start: Vec<(f64, f64)> = points(late).into_iter().map(|(at_s, mb)| (at_s / 10.0, mb)).collect();
        assert_eq!(words(&start), None, "ten seconds");
        let full = points(late).into_iter().map(|(at_s, mb)| (at_s, mb.min(27.0))).collect::<Vec<_>>();
        assert_eq!(words(&full), None, "full since 71 s");
    }

    #[test]
    fn growth_that_was_reported_and_ended_is_remembered() {
        let points = cycles(400, 400.0, |share| 20.0 + 80.0 * (share / 0.4).min(1.0));
        let SoFar::NoLonger { since_s, line } = so_far(&run(&points)).unwrap() else { panic!("it rose") };
        assert!((160.0..260.0).contains(&since_s), "{since_s}");
        assert_eq!(points[line as usize].0, since_s);
        assert_eq!(words(&cycles(400, 400.0, |_| 20.0)), None);
        let rises = cycles(400, 400.0, |share| 20.0 + 80.0 * share);
        let said = words(&rises).unwrap_or_default();
        assert!(!said.contains("no longer"), "it does, though the rule that says so may be off: {said}");
    }

    #[test]
    fn growth_that_ended_and_began_again_is_told_with_its_end() {
        // It rises to 300 MB in the first 40 % of the time, falls, and rises from 20 MB in the last tenth.
        let twice = |to_mb: f64| {
            cycles(800, 4000.0, move |share| match share {
                ..0.4 => 20.0 + 700.0 * share,
                ..0.9 => 20.0,
                _ => 20.0 + (to_mb - 20.0) * (share - 0.9) / 0.1,
            })
        };
        assert_eq!(words(&twice(120.0)).unwrap(), "rising at the end: 20→96 MB in 11 min, at most 299 MB before");
        assert!(words(&twice(32.0)).unwrap().starts_with("no longer rising since "), "half as much again");
        assert!(words(&twice(20.0)).unwrap().starts_with("no longer rising since "));
    }

    #[test]
    fn growth_at_the_end_of_a_long_run_is_told_where_nothing_was_so_high_before() {
        let with_before = |most: f64| {
            let wave = move |share: f64| if (0.2..0.3).contains(&share) { most } else { 30.0 };
            cycles(800, 4000.0, move |share| if share < 0.9 { wave(share) } else { 30.0 + 900.0 * (share - 0.9) })
        };
        assert_eq!(words(&with_before(80.0)).unwrap(), "rising at the end: 30→98 MB in 11 min, at most 80 MB before");
        assert_eq!(words(&with_before(120.0)), None, "as much was live before, and went");
        let stays =
            cycles(800, 4000.0, |share| if share < 0.9 { 30.0 } else { (30.0 + 3000.0 * (share - 0.9)).min(80.0) });
        assert_eq!(words(&stays), None, "it rose and stays");
        let short = cycles(800, 4000.0, |share| if share < 0.985 { 30.0 } else { 30.0 + 4000.0 * (share - 0.985) });
        assert_eq!(words(&short), None, "fewer cycles than a trend needs");
    }
}
