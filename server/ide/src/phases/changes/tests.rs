//! Simulated series: noise that must not be cut, and steps that must be found.

use super::*;
use crate::phases::random::Random;

const FLOOR: f64 = 0.05;

/// How many of so many series have a cut, in percent.
fn cut_pct(n: usize, reps: usize, random: &mut Random, series: impl Fn(&mut Random, usize) -> Vec<f64>) -> f64 {
    let n_cut = (0..reps).filter(|_| !cuts(&series(random, n), FLOOR).is_empty()).count();
    100.0 * n_cut as f64 / reps as f64
}

/// Each value keeps a part of the distance of the one before.
fn with_inertia(random: &mut Random, n: usize, inertia: f64) -> Vec<f64> {
    let mut last = random.normal();
    let fresh = (1.0 - inertia * inertia).sqrt();
    let mut next = || {
        last = inertia * last + fresh * random.normal();
        last
    };
    (0..n).map(|_| next()).collect()
}

#[test]
fn series_that_are_only_noisy_are_not_cut() {
    type Series = fn(&mut Random, usize) -> Vec<f64>;
    let kinds: [(&str, Series); 8] = [
        ("white", |random, n| (0..n).map(|_| random.normal()).collect()),
        ("inertia", |random, n| with_inertia(random, n, 0.6)),
        ("log-normal", |random, n| (0..n).map(|_| (0.1 * (0.8 * random.normal()).exp() + 0.05).ln()).collect()),
        ("whole megabytes", |random, n| (0..n).map(|_| (20.0 + random.normal()).floor().ln()).collect()),
        ("two kinds", |random, n| {
            (0..n).map(|_| 0.3 * random.normal() + if random.unit() < 0.3 { 3.0 } else { 0.0 }).collect()
        }),
        ("bursts", |random, n| {
            (0..n).map(|_| if random.unit() < 0.1 { (1.0 + 20.0 * random.unit()).ln() } else { 0.0 }).collect()
        }),
        ("growth", |random, n| (0..n).map(|idx| (4.0 + 60.0 * idx as f64 / n as f64 + random.unit()).ln()).collect()),
        ("growth that slows down", |random, n| {
            (0..n).map(|idx| (4.0 + 60.0 * (idx as f64 / n as f64).sqrt() + random.unit()).ln()).collect()
        }),
    ];
    let mut random = Random::new(7);
    for (name, series) in kinds {
        for n in [12, 40, 120] {
            let pct = cut_pct(n, 250, &mut random, series);
            assert!(pct <= 2.0, "{name}, {n} values: {pct} % are cut");
        }
    }
}

#[test]
fn the_teeth_of_a_saw_are_no_changes() {
    let mut random = Random::new(11);
    for n in [60, 200] {
        let pct = cut_pct(n, 100, &mut random, |random, n| {
            let len = n / 8 + (random.unit() * n as f64 / 16.0) as usize;
            let first = (random.unit() * len as f64) as usize;
            (0..n).map(|idx| 5.0 * ((idx + first) % len) as f64 / len as f64 + 0.3 * random.normal()).collect()
        });
        assert!(pct <= 2.0, "{n} values: {pct} % are cut");
    }
}

#[test]
fn a_step_is_found_where_it_is() {
    let mut random = Random::new(13);
    for (n, step, least_pct) in [(20, 8.0, 80.0), (40, 4.0, 85.0), (120, 3.0, 95.0)] {
        let reps = 100;
        let near = (0..reps).filter(|_| {
            let at = n / 3 + (random.unit() * n as f64 / 3.0) as usize;
            let series: Vec<f64> = (0..n).map(|idx| random.normal() + if idx < at { 0.0 } else { step }).collect();
            matches!(cuts(&series, FLOOR)[..], [cut] if cut.at.abs_diff(at) <= 2)
        });
        let pct = 100.0 * near.count() as f64 / reps as f64;
        assert!(pct >= least_pct, "{n} values, {step} deviations: found in {pct} %");
    }
}

#[test]
fn a_level_that_comes_back_is_found_from_its_begin_to_its_end() {
    let series: Vec<f64> = (0..70).map(|idx| if (16..22).contains(&idx) { 3.0 } else { 0.0 }).collect();
    let at: Vec<usize> = cuts(&series, FLOOR).into_iter().map(|cut| cut.at).collect();
    assert_eq!(at, [16, 22]);
}

#[test]
fn a_jump_of_something_that_grows_is_found() {
    let mut random = Random::new(17);
    let series: Vec<f64> =
        (0..100).map(|idx| 0.02 * f64::from(idx) + 0.1 * random.normal() + if idx < 60 { 0.0 } else { 2.0 }).collect();
    let at: Vec<usize> = cuts(&series, FLOOR).into_iter().map(|cut| cut.at).collect();
    assert_eq!(at, [60]);
}

#[test]
fn one_value_is_no_level_and_a_few_are_no_series() {
    let mut series = vec![1.0; 50];
    series[20] = 100.0;
    assert_eq!(cuts(&series, FLOOR), []);
    assert_eq!(cuts(&[0.0, 0.0, 0.0, 9.0, 9.0, 9.0], FLOOR), []);
    assert_eq!(cuts(&[], FLOOR), []);
}
