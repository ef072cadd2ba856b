//! Whether a long phase may be the machine's doing.
//!
//! On a host with more work than CPUs the operating system stops threads of the program in the middle of a phase, and
//! the phase lasts until they run again: pauses of 10 to 300 ms in healthy programs. The log of one process cannot prove
//! that. It can show the opposite: phases of that length that come regularly, or in the cycles of a kind that always take
//! so long. Where it does not, a finding says that the pause may be the machine's.
//!
//! Measured on 190 recorded runs with a pause of 10 ms or more that the program did not cause (all are said to be perhaps
//! the machine's), and on 10 runs of a loop that could not be stopped (45 to 82 % of their cycles, one phase only; none is).

use super::phase::Phase;
use crate::stats::median;
use crate::view::Cycles;
use crate::words::{percent, rough};

/// A phase that took long.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LongPhase {
    /// Row of the cycle.
    pub(crate) row: usize,
    /// Which.
    pub(crate) phase: Phase,
    /// How long, ms.
    pub(crate) ms: f64,
}

/// From how many times the usual length on a phase is out of line.
const OUT_OF_LINE: f64 = 2.0;

/// Long first pauses are a habit of the program from this number on, this share of the cycles, and this share of all long
/// ones. Only of the first pause: it waits for what does not stop.
const HABIT: (usize, f64, f64) = (6, 0.4, 0.9);

/// From how many cycles, and which share of them, on nearly every one has a long phase.
const ALWAYS: (usize, f64) = (5, 0.8);

/// Up to Go 1.4, where the whole collection is the pause, those of so many ms are a habit: a collection of an old release
/// takes tens of milliseconds by itself.
const OLD_HABIT_MS: f64 = 100.0;

/// Cycles on each side of a long mark that are looked at.
const AROUND: usize = 4;

/// Values from which the usual length is taken, at most and at least.
const USUAL: (usize, usize) = (2000, 8);

/// The end of a message about what nothing ties to the program.
pub(crate) const DOUBT: &str = "; it may be the machine's";

/// What the log says about where the longest of some phases came from.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Origin {
    /// Nothing ties it to the program; what speaks for that, for the evidence.
    MayBeTheMachines(String),
    /// Nothing ties it to the program, but nearly every cycle has one: a machine would have to be busy all the time.
    NearlyAlways(String),
    /// Phases of this length belong to this program; what shows it.
    TheProgram(String),
}

impl Origin {
    /// For the end of a message: empty, or a clause that begins with a semicolon.
    pub(crate) fn clause(&self) -> &'static str {
        match self {
            Self::MayBeTheMachines(_) => DOUBT,
            Self::NearlyAlways(_) => {
                "; so long in nearly every cycle, it may be the machine's only if that is always busy"
            }
            Self::TheProgram(_) => "",
        }
    }

    /// As a condition that the finding met.
    pub(crate) fn fact(&self) -> String {
        match self {
            Self::MayBeTheMachines(why) => format!("may be the machine's: {why}"),
            Self::NearlyAlways(why) => format!("may be the machine's where that is always busy: {why}"),
            Self::TheProgram(why) => format!("tied to the program and hardly the machine's: {why}"),
        }
    }
}

/// Where the longest of `long` came from; `n_judged` cycles were looked at. None without any.
pub(crate) fn origin(cycles: &Cycles, long: &[LongPhase], n_judged: usize) -> Option<Origin> {
    // Reversed: of equally long ones the first is the worst, as findings have it.
    let worst = long.iter().rev().max_by(|a, b| a.ms.total_cmp(&b.ms))?;
    let n_same = long.iter().filter(|one| one.phase == worst.phase).count();
    let name = worst.phase.name().to_lowercase();
    let n_habitual = match worst.phase {
        Phase::SweepTermination if n_same as f64 >= HABIT.2 * long.len() as f64 => long.len(),
        Phase::Collection => long.iter().filter(|one| one.ms >= OLD_HABIT_MS).count(),
        _ => 0,
    };
    let share = n_habitual as f64 / n_judged.max(1) as f64;
    if n_habitual >= HABIT.0 && share >= HABIT.1 {
        let (n, all) = (n_habitual, percent(share));
        return Some(Origin::TheProgram(format!("{n} of {n_judged} cycles ({all}), and {name} in {n_same} of them")));
    }
    let usual = usual_ms(cycles, worst);
    if let Some(usual) = usual.filter(|usual| worst.ms < OUT_OF_LINE * usual) {
        return Some(Origin::TheProgram(format!("{name} takes {} ms in most cycles of this kind", rough(usual))));
    }

    if worst.phase == Phase::Mark {
        if take_as_long_around(cycles, worst) {
            return Some(Origin::TheProgram("the marks around it take about as long".to_owned()));
        }
        if is_usual_for_its_heap(cycles, worst) {
            return Some(Origin::TheProgram("a MB of live heap takes as long in the other cycles".to_owned()));
        }
    }

    let mut why = vec![format!("{} of {n_judged} cycles", long.len())];
    if n_same < long.len() {
        why.push("not always the same phase".to_owned());
    }
    if !cycles.forced[worst.row] {
        why.push("no forced cycle".to_owned());
    }
    let around = [worst.row.checked_sub(1), Some(worst.row + 1)];
    let mut around = around.into_iter().flatten().filter_map(|row| worst.phase.series(cycles).get(row));
    if cycles.len() > 1 && around.all(|ms| *ms < worst.ms / OUT_OF_LINE) {
        why.push("the cycles around it as usual".to_owned());
    }
    let mark = LongPhase { row: worst.row, phase: Phase::Mark, ms: cycles.mark_ms[worst.row] };
    let is_other_phase = worst.phase != Phase::Mark;
    if is_other_phase && usual_ms(cycles, &mark).is_some_and(|usual| mark.ms < OUT_OF_LINE * usual) {
        why.push("its mark took the usual time".to_owned());
    }
    let why = why.join(", ");
    let is_nearly_always = n_judged >= ALWAYS.0 && long.len() as f64 >= ALWAYS.1 * n_judged as f64;
    Some(if is_nearly_always { Origin::NearlyAlways(why) } else { Origin::MayBeTheMachines(why) })
}

/// Whether the marks before and after take at least half as long: marks grow with the heap.
fn take_as_long_around(cycles: &Cycles, one: &LongPhase) -> bool {
    let from = one.row.saturating_sub(AROUND);
    let around: Vec<f64> = (from..cycles.len().min(one.row + AROUND + 1))
        .filter(|row| *row != one.row)
        .map(|row| cycles.mark_ms[row])
        .collect();
    around.len() >= AROUND && median(&around).is_some_and(|ms| ms >= one.ms / OUT_OF_LINE)
}

/// Whether the other marks take at least half as long for a MB that survives: a large heap takes long to mark, and that
/// shows in three cycles already.
fn is_usual_for_its_heap(cycles: &Cycles, one: &LongPhase) -> bool {
    /// Live heap from which on it tells, MB, and fewest others.
    const LEAST: (f64, usize) = (64.0, 2);
    let ms_per_mb = |row: usize| cycles.mark_ms[row] / cycles.heap_live_mb[row];
    let tells =
        |row: &usize| cycles.heap_live_mb[*row] >= LEAST.0 && cycles.mark_ms[*row] > 0.0 && !cycles.leak_check[*row];
    if !tells(&one.row) {
        return false;
    }
    let others: Vec<f64> = (0..cycles.len())
        .filter(|row| *row != one.row)
        .filter(tells)
        .step_by(1 + cycles.len() / USUAL.0)
        .map(ms_per_mb)
        .collect();
    others.len() >= LEAST.1 && median(&others).is_some_and(|usual| usual >= ms_per_mb(one.row) / OUT_OF_LINE)
}

/// How long the phase usually takes in cycles of that kind, ms; none for too few of them.
fn usual_ms(cycles: &Cycles, one: &LongPhase) -> Option<f64> {
    let series = one.phase.series(cycles);
    let is_stopped = |mark_ms: f64| mark_ms == 0.0;
    let (forced, stopped) = (cycles.forced[one.row], is_stopped(cycles.mark_ms[one.row]));
    let kinds = cycles.forced.iter().zip(&cycles.mark_ms).map(|(one, mark_ms)| (*one, is_stopped(*mark_ms)));
    let is_one = |(kind, ms): (_, &f64)| kind == (forced, stopped) && ms.is_finite();
    let values = kinds.zip(series).filter(|one| is_one(*one)).map(|(_, ms)| *ms);
    let n = values.clone().count();
    // Evenly spread ones, without the division of a remainder in each step.
    let (step, mut n_left) = (n.div_ceil(USUAL.0), 0);
    let is_next = |_: &f64| {
        let is_next = n_left == 0;
        n_left = if is_next { step - 1 } else { n_left - 1 };
        is_next
    };
    let few: Vec<f64> = values.filter(is_next).collect();
    (n >= USUAL.1).then(|| median(&few)).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::fixture::{GcLine, gc_lines, view};

    /// What is said about pauses of 10 ms or more.
    fn origin_of(n: u64, clock_ms: impl Fn(u64) -> [f64; 3]) -> Option<String> {
        let line = |idx| GcLine { n: idx + 1, at_s: idx as f64, clock_ms: clock_ms(idx), ..GcLine::default() };
        origin_in(&gc_lines(n, line))
    }

    fn origin_in(log: &str) -> Option<String> {
        let log = view(log);
        let cycles = &log.runs[0].cycles;
        let phases = [Phase::SweepTermination, Phase::MarkTermination];
        let all = (0..cycles.len()).flat_map(|row| phases.map(|phase| (row, phase)));
        let long: Vec<LongPhase> = all
            .map(|(row, phase)| LongPhase { row, phase, ms: phase.series(cycles)[row] })
            .filter(|one| one.ms >= 10.0)
            .collect();
        origin(cycles, &long, cycles.len()).map(|origin| origin.fact())
    }

    #[test]
    fn one_pause_among_many_may_be_the_machines() {
        assert_eq!(
            origin_of(50, |idx| [if idx == 20 { 43.0 } else { 0.02 }, 1.0, 0.01]).as_deref(),
            Some(
                "may be the machine's: 1 of 50 cycles, no forced cycle, the cycles around it as usual, its mark took the \
                 usual time"
            )
        );
        assert_eq!(origin_of(50, |_| [0.02, 1.0, 0.01]), None);
    }

    #[test]
    fn what_comes_in_most_cycles_is_the_programs() {
        let every_second = |idx: u64| [if idx.is_multiple_of(2) { 200.0 } else { 0.02 }, 1.0, 0.01];
        assert_eq!(
            origin_of(20, every_second).as_deref(),
            Some(
                "tied to the program and hardly the machine's: 10 of 20 cycles (50 %), and sweep termination in 10 of them"
            )
        );
        // Just below: 38 %.
        let fewer = |idx: u64| [if idx < 15 { 200.0 } else { 0.02 }, 1.0, 0.01];
        assert!(origin_of(39, fewer).unwrap().starts_with("may be the machine's: 15 of 39 cycles"));
        // Both phases in turn: the program was not running at all.
        let both = |idx: u64| match idx % 4 {
            0 => [200.0, 1.0, 0.01],
            1 => [0.02, 1.0, 200.0],
            _ => [0.02, 1.0, 0.01],
        };
        assert!(origin_of(20, both).unwrap().contains("not always the same phase"));
    }

    #[test]
    fn the_whole_collection_of_old_releases_takes_tens_of_milliseconds_by_itself() {
        let log = |long_ms: u32| -> String {
            let pause = |n: u32| if n.is_multiple_of(2) { long_ms } else { 1 };
            let line = |n| {
                format!("gc{n}(2): 0+{}+0 ms, 5 -> 5 MB 107296 -> 107296 (107316-20) objects, 0(0) handoff\n", pause(n))
            };
            (1..30).map(line).collect()
        };
        let origin_of = |long_ms| {
            let view = view(&log(long_ms));
            let cycles = &view.runs[0].cycles;
            let all = cycles.pause_ms.iter().enumerate().filter(|(_, ms)| **ms >= 10.0);
            let long: Vec<LongPhase> =
                all.map(|(row, ms)| LongPhase { row, phase: Phase::Collection, ms: *ms }).collect();
            origin(cycles, &long, cycles.len()).unwrap().fact()
        };
        assert!(origin_of(200).starts_with("tied to the program"), "{}", origin_of(200));
        assert!(origin_of(50).starts_with("may be the machine's"), "{}", origin_of(50));
    }

    #[test]
    fn marks_that_grow_with_the_heap_are_the_programs() {
        let longest = |mark_ms: fn(u64) -> f64| {
            let line = |idx| GcLine {
                n: idx + 1,
                at_s: 9.0 * idx as f64,
                clock_ms: [0.02, mark_ms(idx), 0.01],
                ..GcLine::default()
            };
            let view = view(&gc_lines(60, line));
            let cycles = &view.runs[0].cycles;
            let long = LongPhase { row: 59, phase: Phase::Mark, ms: cycles.mark_ms[59] };
            origin(cycles, &[long], cycles.len()).unwrap().fact()
        };
        assert!(longest(|idx| if idx < 50 { 20.0 } else { 100.0 * (idx - 48) as f64 }).contains("the marks around it"));
        assert!(longest(|idx| if idx < 59 { 20.0 } else { 1100.0 }).starts_with("may be the machine's"));
    }

    #[test]
    fn marks_of_a_large_heap_are_the_programs_in_three_cycles_already() {
        let longest = |marks_ms: [f64; 3], live_mb: u64| {
            let line = |idx: u64| GcLine {
                n: 84 + idx,
                at_s: 100.0 * idx as f64,
                clock_ms: [0.2, marks_ms[idx as usize], 0.3],
                heap_mb: [2 * live_mb, 2 * live_mb, live_mb, 2 * live_mb],
                ..GcLine::default()
            };
            let view = view(&gc_lines(3, line));
            let long = LongPhase { row: 0, phase: Phase::Mark, ms: marks_ms[0] };
            origin(&view.runs[0].cycles, &[long], 3).unwrap().fact()
        };
        assert!(longest([4138.0, 3538.0, 3306.0], 8000).contains("a MB of live heap takes as long"));
        assert!(longest([4138.0, 1538.0, 1306.0], 8000).starts_with("may be the machine's"));
        assert!(longest([4138.0, 3538.0, 3306.0], 40).starts_with("may be the machine's"), "a small heap");
    }

    #[test]
    fn a_cycle_is_compared_with_those_of_its_kind() {
        // Forced cycles mark inside the pause in old releases: 20 ms are usual there.
        let log: String = (1..40)
            .map(|n| match n % 4 {
                0 => format!("gc {n} @{n}.000s 1%: 0.02+0+20 ms clock, 0.1+0/0/0+40 ms cpu, 4->4->2 MB, 4 MB goal, 4 P (forced)\n"),
                _ => format!("gc {n} @{n}.000s 1%: 0.02+1.0+0.01 ms clock, 0.1+0/0/0+0.1 ms cpu, 4->4->2 MB, 4 MB goal, 4 P\n"),
            })
            .collect();
        assert_eq!(
            origin_in(&log).as_deref(),
            Some(
                "tied to the program and hardly the machine's: mark termination takes 20 ms in most cycles of this kind"
            )
        );
        let log = log.replacen("0+20 ms clock", "0+90 ms clock", 1);
        assert!(origin_in(&log).unwrap().starts_with("may be the machine's: "));
    }
}
