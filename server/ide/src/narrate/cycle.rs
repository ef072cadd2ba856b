//! A garbage collection: why it started, what it did, what it cost, who paid, and what is unusual about it in its run.

use tracelog::catalog::{gc, scvg, shapes};
use tracelog::{Family, Field};

use super::{Sentence, Told, about_ms, list, mb, ms, span};
use crate::derived;
use crate::view::{Cycles, NO_GOAL_MB};
use crate::words;

/// A cycle with its neighbors.
struct Cycle<'a> {
    told: &'a Told<'a>,
    /// The cycle, with the one before and the one behind it where the log has them.
    cycles: Cycles,
    /// Where it stands in `cycles`.
    at: usize,
}

/// Title and sentences for a `gc` line.
pub(super) fn tell(told: &Told) -> Option<(String, Vec<Sentence>)> {
    let first = told.index.saturating_sub(1);
    let run = &told.parsed.runs.list[told.run];
    let cycles = Cycles::window(&told.parsed.log, run, first..told.index + 2);
    let cycle = Cycle { told, cycles, at: told.index - first };
    let title = format!("Collection {}", cycle.name(cycle.at));
    let is_concurrent = told.value(gc::HEAP_GOAL_MB).is_some() || told.go().oldest()? >= 5;
    let sentences = if is_concurrent {
        [cycle.reason(), cycle.work(), cycle.overshoot(), cycle.time(), cycle.payers(), cycle.place_in_run()]
            .into_iter()
            .flatten()
            .collect()
    } else {
        [cycle.reason_before_1_5(), cycle.pause_before_1_5(), cycle.heap_before_1_5(), cycle.place_in_run()]
            .into_iter()
            .flatten()
            .collect()
    };
    Some((title, sentences))
}

/// For a line `GC forced`: the cycle it announces.
pub(super) fn tell_announced(told: &Told) -> Option<(String, Vec<Sentence>)> {
    let line = told.parsed.log.line(told.row);
    let rows = told.rows(Family::Gc);
    let next = rows.iter().position(|row| told.parsed.log.line(*row) > line)?;
    let announced = Told { parsed: told.parsed, run: told.run, row: rows[next], index: next };
    tell(&announced)
}

impl Cycle<'_> {
    fn get(&self, series: &[f64]) -> Option<f64> {
        series.get(self.at).copied().filter(|value| value.is_finite())
    }

    /// `gc 31 @3.876s`, as people find it in the log.
    fn name(&self, at: usize) -> String {
        let (n, at_s) = (self.cycles.n[at], self.cycles.at_s[at]);
        if at_s.is_finite() { format!("gc {n} @{at_s:.3}s") } else { format!("gc {n}") }
    }

    /// The cycle directly before, if its line is there.
    fn before(&self) -> Option<usize> {
        let before = self.at.checked_sub(1)?;
        (self.cycles.n[before] + 1 == self.cycles.n[self.at]).then_some(before)
    }

    /// Seconds since the start of the cycle directly before.
    fn since_before_s(&self) -> Option<f64> {
        Some(derived::interval_s(&self.cycles, self.before()?)).filter(|interval| interval.is_finite())
    }

    fn is_stopped_throughout(&self) -> bool {
        self.cycles.mark_ms[self.at] == 0.0
    }

    fn reason(&self) -> Option<Sentence> {
        let cycles = &self.cycles;
        if cycles.leak_check[self.at] {
            return Some(Sentence::new(
                "It was run to look for leaked goroutines: somebody fetched the goroutineleak profile.",
            ));
        }
        if cycles.forced[self.at] {
            let mut text = self.forced_by().to_owned();
            if self.told.value(gc::HEAP_GOAL_MB).is_some_and(|goal| goal >= NO_GOAL_MB) {
                text += "; GOGC was off, so there was no goal";
            } else if let Some(heap) = self.get(&cycles.heap_start_mb) {
                text += &format!("; the heap held {} then", mb(heap));
            }
            return Some(Sentence::new(text + "."));
        }
        if cycles.timer[self.at] {
            let waited = self.since_before_s().map(|s| format!(", {} after the last one began", span(s)));
            let heap = self.get(&cycles.heap_start_mb).zip(self.get(&cycles.heap_goal_mb));
            let heap =
                heap.map(|(heap, goal)| format!("; the heap had reached {} of its goal of {}", mb(heap), mb(goal)));
            return Some(Sentence::new(format!(
                "The two-minute timer started it: the line GC forced stands before it{}{}.",
                waited.unwrap_or_default(),
                heap.unwrap_or_default()
            )));
        }
        self.reason_by_heap()
    }

    /// What `(forced)` says, which depends on the release (formats reference, gctrace 4).
    fn forced_by(&self) -> &'static str {
        let go = self.told.go();
        if go.oldest().is_some_and(|oldest| oldest >= 9) {
            return "A call asked for it: runtime.GC, debug.FreeOSMemory, or a library that calls one of them";
        }
        if go.newest().is_some_and(|newest| newest <= 8) || self.is_stopped_throughout() {
            return "It stopped the world throughout, which is what (forced) says up to Go 1.8: a call of runtime.GC or \
                    debug.FreeOSMemory, or GODEBUG=gcstoptheworld";
        }
        "It is marked as forced: a call of runtime.GC or debug.FreeOSMemory, or up to Go 1.8 GODEBUG=gcstoptheworld"
    }

    /// Neither a call nor the timer: the heap had grown towards the goal.
    fn reason_by_heap(&self) -> Option<Sentence> {
        let cycles = &self.cycles;
        let (start, goal) = (self.get(&cycles.heap_start_mb)?, self.get(&cycles.heap_goal_mb)?);
        let first = (cycles.n[self.at] == 1).then_some("The first collection of the process: ");
        let grown = match self.before().map(|before| cycles.heap_live_mb[before]).filter(|live| live.is_finite()) {
            Some(live) if start > live => {
                format!(
                    "the heap had grown from the {} that gc {} left to {}",
                    mb(live),
                    cycles.n[self.at] - 1,
                    mb(start)
                )
            }
            _ => format!("the heap had reached {}", mb(start)),
        };
        let limit = self.limit_in_charge();
        let below = goal - start;
        let near = match below {
            below if below < 0.0 => format!("{} MB above its goal of {}", words::number(-below), mb(goal)),
            below if below < 1.0 => format!("its goal of {}", mb(goal)),
            below => format!("{} MB below its goal of {}", words::number(below), mb(goal)),
        };
        // Far below the goal, with the line of the timer lost or cut off, the line itself does not tell.
        if below > 0.5 * goal && goal >= 4.0 && self.since_before_s().is_none_or(|waited| waited >= 119.0) {
            return Some(Sentence::new(format!(
                "When it started, {grown}, {near}; the log does not say what started it."
            )));
        }
        let start = first.map_or_else(|| format!("It started because {grown}"), |first| format!("{first}{grown}"));
        let by_limit = if limit { ", which a memory limit sets here and not GOGC" } else { "" };
        Some(Sentence::new(format!("{start}, {near}{by_limit}.")))
    }

    /// Whether a memory limit was seen setting the goal around this cycle.
    fn limit_in_charge(&self) -> bool {
        let environments = &self.told.parsed.analysis().environments;
        environments.get(self.told.run).is_some_and(|environment| environment.limit_sets_goal_of(self.told.index))
    }

    fn work(&self) -> Option<Sentence> {
        let cycles = &self.cycles;
        let (end, live) = (self.get(&cycles.heap_end_mb)?, self.get(&cycles.heap_live_mb)?);
        if end < 1.0 {
            return Some(Sentence::new("The whole heap was below 1 MB."));
        }
        let freed = end - live;
        let mut text = match freed {
            freed if freed < 1.0 => format!("It found all of the heap live, {} (sizes are whole megabytes)", mb(end)),
            _ if live < 1.0 => format!("Of a heap of {} {} was live, so nearly all was garbage", mb(end), mb(live)),
            freed => format!(
                "Of a heap of {} it found {} live and {} garbage, {}",
                mb(end),
                mb(live),
                mb(freed),
                words::percent(freed / end)
            ),
        };
        let grown = self.get(&cycles.heap_start_mb).map(|start| end - start).unwrap_or_default();
        if grown >= 1.0 {
            let counted = if grown > 2.0 && grown > 0.05 * live { ", all of which counts as live" } else { "" };
            text += &format!("; while it marked, the program allocated {}{counted}", mb(grown));
        }
        Some(Sentence::new(text + "."))
    }

    fn overshoot(&self) -> Option<Sentence> {
        let (end, goal) = (self.get(&self.cycles.heap_end_mb)?, self.get(&self.cycles.heap_goal_mb)?);
        let over = end - goal;
        // A stop-the-world cycle of 1.5 to 1.8 prints the heap as its goal.
        let is_meant = goal >= 1.0 && !(self.cycles.forced[self.at] && self.is_stopped_throughout());
        // Both are whole megabytes, cut.
        (is_meant && over >= 2.0).then(|| {
            let share = if goal >= 16.0 { format!(", {} more", words::percent(over / goal)) } else { String::new() };
            Sentence::new(format!("The heap ended {} above the goal of {}{share}.", mb(over), mb(goal)))
        })
    }

    fn time(&self) -> Option<Sentence> {
        let cycles = &self.cycles;
        let (begin, end) = (self.get(&cycles.sweep_term_ms)?, self.get(&cycles.mark_term_ms)?);
        if self.is_stopped_throughout() {
            return Some(Sentence::new(format!(
                "The program was stopped for all of it, {} ({} + {}): nothing was marked concurrently.",
                about_ms(begin + end),
                ms(begin),
                ms(end)
            )));
        }
        let wall = self.get(&cycles.mark_ms).map(|mark| begin + mark + end);
        let pauses = format!(
            "the program was stopped for {} of that, {} to begin and {} to end marking",
            about_ms(begin + end),
            ms(begin),
            ms(end)
        );
        // Go 1.5 prints three parts of what later releases print as one.
        let parts = self.told.value(gc::WALL_SCAN_MS).zip(self.told.value(gc::WALL_SYNC_MS));
        let parts = parts.map_or_else(String::new, |(scan, sync)| {
            format!(" ({} scanning, {} until all Ps had write barriers on)", ms(scan), ms(sync))
        });
        Some(Sentence::new(match wall {
            Some(wall) => format!("It ran for {}{parts}; {pauses}.", about_ms(wall)),
            None => format!("{} {} to begin and {} to end marking.", "The program was stopped for", ms(begin), ms(end)),
        }))
    }

    fn payers(&self) -> Option<Sentence> {
        let cycles = &self.cycles;
        if self.is_stopped_throughout() {
            // The three numbers of the workers are left from the last concurrent cycle.
            return None;
        }
        let assist = self.get(&cycles.cpu_assist_ms)?;
        let (background, idle) = (self.get(&cycles.cpu_background_ms)?, self.get(&cycles.cpu_idle_ms)?);
        let share = derived::gc_share(cycles, self.at);
        let total = derived::gc_cpu_ms(cycles, self.at);
        if !total.is_finite() {
            return None;
        }
        let until = if share.is_finite() {
            let interval = derived::interval_s(cycles, self.at);
            format!(", {} of what the Ps had in the {} until the next one", words::percent(share), span(interval))
        } else {
            String::new()
        };
        let helped = match assist {
            0.0 => "allocating goroutines did not have to help".to_owned(),
            assist => {
                let part = words::percent(assist / (assist + background));
                format!("allocating goroutines had to help for {} ({part} of the two)", ms(assist))
            }
        };
        let spare = if idle > 0.0 { format!("; idle Ps added {}", ms(idle)) } else { String::new() };
        Some(Sentence::new(format!(
            "It took at most {} of CPU{until}: its workers marked for {}, {helped}{spare}.",
            about_ms(total),
            ms(background)
        )))
    }

    /// The only reason that releases before 1.5 tell: the timer.
    fn reason_before_1_5(&self) -> Option<Sentence> {
        if self.cycles.timer[self.at] {
            return Some(Sentence::new("The two-minute timer started it: the line GC forced stands before it."));
        }
        // In 1.0 to 1.3 the scavenger says so on a line behind the collection.
        let log = &self.told.parsed.log;
        let line = log.line(self.told.row);
        let rows = self.told.rows(Family::Scvg);
        let next = rows.partition_point(|row| log.line(*row) <= line);
        let forced = rows.get(next).filter(|row| log.line(**row) == line + 1)?;
        let is_forced = log.shape(*forced) == shapes::SCVG_GC_FORCED && log.code(*forced, scvg::PASS).is_some();
        is_forced.then(|| {
            Sentence::new("No collection had run for two minutes, so the scavenger ran it, as the next line says.")
        })
    }

    fn pause_before_1_5(&self) -> Option<Sentence> {
        const PHASES: [(Field, &str); 8] = [
            (gc::STW_STOP_US, "stopping"),
            (gc::STW_MARK_MS, "marking"),
            (gc::STW_MARK_US, "marking"),
            (gc::STW_SWEEP_MS, "sweeping"),
            (gc::STW_SWEEP_US, "sweeping"),
            (gc::STW_CLEANUP_MS, "cleanup"),
            (gc::STW_OTHER_MS, "stopping and waiting"),
            (gc::STW_WAIT_US, "waiting for threads"),
        ];
        let pause = self.get(&self.cycles.pause_ms)?;
        let phase = |(field, what): &(Field, &str)| {
            let value = self.told.value(*field).filter(|value| *value > 0.0)?;
            Some(format!("{} {what}", shown(*field, value)))
        };
        let phases: Vec<String> = PHASES.iter().filter_map(phase).collect();
        let threads = self.told.value(gc::GC_THREADS).map(|threads| words::count(threads as usize, "thread"));
        let on = threads.map(|threads| format!(", on {threads}")).unwrap_or_default();
        if phases.is_empty() {
            return Some(Sentence::new(format!("It stopped the program for less than 1 ms in each phase{on}.")));
        }
        Some(Sentence::new(format!("It stopped the program for {} in all: {}{on}.", ms(pause), list(phases))))
    }

    fn heap_before_1_5(&self) -> Option<Sentence> {
        let number = |field: Field| self.told.value(field);
        let objects = number(gc::OBJECTS_BEFORE).zip(number(gc::OBJECTS_AFTER));
        if let (Some(before), Some(after)) = (number(gc::HEAP_START_MB), number(gc::HEAP_AFTER_MB)) {
            let objects = objects
                .map(|(before, after)| format!(", and {} objects to {}", words::number(before), words::number(after)));
            return Some(Sentence::new(format!(
                "It took the heap from {} to {}{}.",
                mb(before),
                mb(after),
                objects.unwrap_or_default()
            )));
        }
        let (live, start) = (number(gc::HEAP_PREV_LIVE_MB)?, number(gc::HEAP_START_MB)?);
        let grown = if start < 1.0 {
            "The heap was below 1 MB when it started".to_owned()
        } else {
            format!("The heap had grown from the {} that the collection before left to {}", mb(live), mb(start))
        };
        let left = match self.get(&self.cycles.heap_live_mb) {
            Some(left) if self.is_next_there() => format!("; the next line says that it left {}", mb(left)),
            _ => "; what it freed shows on the next line only".to_owned(),
        };
        let goroutines = number(gc::GOROUTINES).map(|n| words::count(n as usize, "goroutine"));
        let there = goroutines.map_or_else(String::new, |n| format!("; {n} existed"));
        Some(Sentence::new(format!("{grown}{left}{there}.")))
    }

    fn is_next_there(&self) -> bool {
        self.cycles.n.get(self.at + 1).is_some_and(|next| *next == self.cycles.n[self.at] + 1)
    }

    /// What stands out among the cycles of the run, or that nothing does.
    fn place_in_run(&self) -> Option<Sentence> {
        let n = self.told.rows(Family::Gc).len();
        if n < MIN_COMPARED {
            return None;
        }
        let stands_out = |compared: &Compared| {
            let value = self.told.value(compared.field).filter(|value| *value >= compared.least)?;
            if self.is_stopped_throughout() && compared.field == gc::CPU_ASSIST_MS {
                return None;
            }
            let series = self.told.parsed.series(self.told.run, compared.field);
            let median = series.median()?;
            let rank = series.rank(value);
            let is_high = rank.above * 20 <= series.n() && value >= 2.0 * median;
            is_high.then(|| {
                let exceeded = match rank.above {
                    0 if rank.equal == 1 => "the most".to_owned(),
                    0 => "none exceeds it".to_owned(),
                    1 => "1 exceeds it".to_owned(),
                    above => format!("{above} exceed it"),
                };
                let (shown, usual) = (shown(compared.field, value), shown(compared.field, median));
                format!("{shown} {} (median {usual}, {exceeded})", compared.what)
            })
        };
        let mut outliers: Vec<String> = COMPARED.iter().filter_map(stands_out).collect();
        outliers.truncate(MAX_OUTLIERS);
        if !outliers.is_empty() {
            return Some(Sentence::new(format!("Unusual among the {n} cycles of the run: {}.", list(outliers))));
        }
        if let Some(sentence) = self.long_as_ever(n) {
            return Some(sentence);
        }
        let usual = |compared: &Compared| {
            let value = self.told.value(compared.field)?;
            let median = self.told.parsed.series(self.told.run, compared.field).median()?;
            let (shown, usual) = (shown(compared.field, value), shown(compared.field, median));
            Some(format!("{shown} {} (median {usual})", compared.what))
        };
        let usual: Vec<String> = USUAL.iter().filter_map(usual).take(2).collect();
        (!usual.is_empty())
            .then(|| Sentence::new(format!("Nothing stands out among the {n} cycles of the run: {}.", list(usual))))
    }

    /// A pause that is as long as those of the other cycles, and too long all the same.
    fn long_as_ever(&self, n_cycles: usize) -> Option<Sentence> {
        self.told.go().oldest().filter(|oldest| *oldest >= SHORT_SINCE)?;
        let pause = |compared: &&Compared| PAUSES.contains(&compared.field);
        COMPARED.iter().filter(pause).find_map(|compared| {
            let value = self.told.value(compared.field).filter(|value| *value >= LONG_MS)?;
            let median = self.told.parsed.series(self.told.run, compared.field).median()?;
            let (shown, usual) = (shown(compared.field, value), shown(compared.field, median));
            (median >= LONG_MS).then(|| {
                Sentence::new(format!(
                    "{shown} {} is long, but as in most of the {n_cycles} cycles of the run (median {usual}).",
                    compared.what
                ))
            })
        })
    }
}

/// A value with its unit, as people write it.
fn shown(field: Field, value: f64) -> String {
    let unit = match field.def().unit {
        "us" => "µs",
        unit => unit,
    };
    words::with_unit(&words::number(value), unit)
}

/// The pauses of a concurrent cycle.
const PAUSES: [Field; 2] = [gc::WALL_SWEEP_TERM_MS, gc::WALL_MARK_TERM_MS];

/// Go 1.8 took the stacks out of the last pause (formats reference, gctrace): below a millisecond since then.
const SHORT_SINCE: u8 = 8;

/// A pause of this length is worth a look.
const LONG_MS: f64 = 1.0;

/// Cycles a run must have before one is compared with the others.
const MIN_COMPARED: usize = 10;

/// Unusual numbers that are told.
const MAX_OUTLIERS: usize = 3;

/// A number that is compared with those of the other cycles.
struct Compared {
    field: Field,
    what: &'static str,
    /// Below this a value is small whatever the others are.
    least: f64,
}

const fn compared(field: Field, what: &'static str, least: f64) -> Compared {
    Compared { field, what, least }
}

/// Pauses first. Durations below these limits are printed with one or two digits and are nobody's trouble.
const COMPARED: [Compared; 12] = [
    compared(gc::WALL_SWEEP_TERM_MS, "in the first pause", 0.2),
    compared(gc::WALL_MARK_TERM_MS, "in the last pause", 0.2),
    compared(gc::STW_MARK_MS, "of marking", 2.0),
    compared(gc::STW_SWEEP_MS, "of sweeping", 2.0),
    compared(gc::STW_OTHER_MS, "of stopping and waiting", 2.0),
    compared(gc::STW_STOP_US, "of stopping", 500.0),
    compared(gc::STW_MARK_US, "of marking", 1000.0),
    compared(gc::STW_SWEEP_US, "of sweeping", 1000.0),
    compared(gc::WALL_MARK_MS, "of marking", 5.0),
    compared(gc::CPU_ASSIST_MS, "of assists", 5.0),
    compared(gc::HEAP_LIVE_MB, "live", 8.0),
    compared(gc::HEAP_END_MB, "of heap", 8.0),
];

/// Numbers that are told where nothing stands out.
const USUAL: [Compared; 4] = [
    compared(gc::WALL_MARK_MS, "of marking", 0.0),
    compared(gc::HEAP_LIVE_MB, "live", 0.0),
    compared(gc::STW_MARK_MS, "of marking", 0.0),
    compared(gc::STW_MARK_US, "of marking", 0.0),
];
