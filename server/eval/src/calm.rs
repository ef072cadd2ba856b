//! Logs of a service in which nothing happens, for the promise that such a log is quiet.
//!
//! Numbers come from a fixed sequence, so the same logs are made everywhere. Pauses and marking times are spread as
//! those of real runs on a shared machine are: most are short, one in some hundred is ten times longer. What real
//! machines do beyond that is for recorded logs to show.

use tracelog::fixture::{Cycle, LogBuilder, Sample};

/// Collections of each log.
const N_CYCLES: u32 = 1000;

/// What is varied: the release, Ps, live heap in MB, and the mean time between collections in s.
const SHAPES: [(u8, u32, f64, f64); 6] = [
    (8, 4, 40.0, 0.4),
    (14, 8, 120.0, 0.9),
    (18, 2, 12.0, 0.25),
    (21, 4, 400.0, 2.0),
    (25, 16, 45.0, 0.3),
    (27, 2, 6.0, 1.1),
];

/// The logs with their names.
pub fn logs() -> Vec<(String, String)> {
    let log = |(seed, shape): (usize, &(u8, u32, f64, f64))| {
        let (minor, procs, live_mb, every_s) = *shape;
        let name = format!("calm 1.{minor}, {procs} P, {live_mb} MB live");
        (name, log(minor, procs, live_mb, every_s, Random(seed as u64 + 1)))
    };
    SHAPES.iter().enumerate().map(log).collect()
}

fn log(minor: u8, procs: u32, live_mb: f64, every_s: f64, mut random: Random) -> String {
    let mut log = LogBuilder::new(minor);
    let (mut at_s, mut cpu_s, mut next_sample_s) = (0.01, 0.0, 0.0);
    // A process starts small: everything survives until what it needs is there.
    let mut prev_live_mb = 2.0f64;
    for n in 1..=N_CYCLES {
        at_s += every_s * (0.8 + 0.4 * random.uniform());
        while next_sample_s < at_s {
            log.sched(&sample(next_sample_s, procs, &mut random));
            next_sample_s += 1.0;
        }
        // Requests that are under way keep a little more or less alive.
        let goal = (2.0 * prev_live_mb).max(4.0);
        let live = (live_mb * (1.0 + 0.02 * random.normal())).min(0.9 * goal);
        let start = goal * (0.96 + 0.03 * random.uniform());
        let mark_ms = (0.3 + 0.1 * live) * (0.3 * random.normal()).exp();
        let pauses_ms = [0.05 * (0.7 * random.normal()).exp(), 0.03 * (0.7 * random.normal()).exp()];
        let background_ms = 0.25 * f64::from(procs) * mark_ms;
        let assist_ms = 0.1 * background_ms * random.uniform();
        cpu_s += (background_ms + assist_ms + f64::from(procs) * (pauses_ms[0] + pauses_ms[1])) / 1000.0;
        log.gc(&Cycle {
            n,
            at_s,
            gc_cpu_pct: (100.0 * cpu_s / (at_s * f64::from(procs))).floor(),
            sweep_term_ms: pauses_ms[0],
            mark_ms,
            mark_term_ms: pauses_ms[1],
            mark_cpu_ms: [assist_ms, background_ms, 0.3 * mark_ms * random.uniform()],
            heap_mb: [start.floor(), (start + 0.01 * live).floor(), live.floor()],
            goal_mb: goal.floor(),
            procs,
            forced: false,
        });
        prev_live_mb = live;
    }
    log.text().to_owned()
}

fn sample(at_s: f64, procs: u32, random: &mut Random) -> Sample {
    let busy = (f64::from(procs) * 0.6 * random.uniform()).ceil() as u32;
    Sample {
        at_ms: (at_s * 1000.0) as u64,
        procs,
        idle_procs: procs - busy.min(procs),
        threads: procs + 5,
        spinning_threads: u32::from(random.uniform() < 0.1),
        idle_threads: procs + 3 - busy.min(procs),
        runqueue: 0,
        local: (0..procs).map(|_| i64::from(random.uniform() < 0.05)).collect(),
    }
}

/// A sequence of numbers that looks random and is the same everywhere: splitmix64.
struct Random(u64);

impl Random {
    /// In [0, 1).
    fn uniform(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((bits ^ (bits >> 31)) >> 11) as f64 / (1u64 << 53) as f64
    }

    /// About normal, mean 0 and deviation 1: the sum of twelve.
    fn normal(&mut self) -> f64 {
        (0..12).map(|_| self.uniform()).sum::<f64>() - 6.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observe::Observed;

    #[test]
    fn the_logs_have_all_their_cycles_and_samples() {
        for (name, log) in logs() {
            let observed = Observed::of(log.as_bytes());
            assert_eq!(observed.n_cycles, N_CYCLES as usize, "{name}");
            assert!(observed.facts.samples > 200.0 && observed.facts.seconds > 200.0, "{name}: {:?}", observed.facts);
        }
    }
}
