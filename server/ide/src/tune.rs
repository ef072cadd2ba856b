//! What to set: a line of GOGC, GOMEMLIMIT and GOMAXPROCS for a run and the memory it may use, with its reasons, and what
//! other values would cost. Catalogue section 18.

mod model;
mod outside;
#[cfg(test)]
mod tests;

pub use model::{Collector, Measured, Predicted};

use tracelog::GoReleases;

use crate::ending::kill::{MemoryLimit, memory_limit_mb};
use crate::ending::kills;
use crate::evidence::index_of;
use crate::markup;
use crate::rules::Finding;
use crate::snapshot::Parsed;
use crate::summary::RunSummary;
use crate::words::{capitalized, percent, rough, rough_span};
use outside::Outside;

/// What somebody knows about the place where the program runs.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Place {
    /// Memory limit of the container, MiB.
    pub memory_limit_mb: Option<f64>,
    /// CPU limit of the container.
    pub cpu_limit: Option<f64>,
    /// The process is alone in its container, and the memory is reserved for it.
    pub is_alone: bool,
}

/// A limit of memory and who says so.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ContainerLimit {
    /// MiB.
    pub mb: f64,
    /// Where it is from.
    pub source: LimitSource,
}

/// Where a limit of memory is known from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LimitSource {
    /// A setting or a flag.
    Setting,
    /// The kernel printed it when it killed a process of the container.
    Printed {
        /// That line, from 0.
        line: u32,
    },
    /// The memory that a process had when the kernel killed it because its container was at the limit.
    Resident {
        /// The line of the kill, from 0.
        line: u32,
    },
}

impl Tuning {
    /// A sentence about a limit that was read off the log, without its dot, and the line that tells it; none where somebody
    /// named the limit, and where it does not matter because the heap grows.
    pub fn limit_origin(&self) -> Option<(String, u32)> {
        let limit = self.limit.filter(|_| self.refusal != Some(Refusal::Grows))?;
        let mb = rough(limit.mb);
        match limit.source {
            LimitSource::Setting => None,
            LimitSource::Printed { line } => {
                Some((format!("The limit of {mb} MiB is what the kernel printed when it killed the process"), line))
            }
            LimitSource::Resident { line } => {
                let what =
                    "MiB is the memory that the process had when the kernel killed it at the limit of its container";
                Some((format!("{mb} {what}; the limit is that or a little more"), line))
            }
        }
    }
}

/// Why nothing is to be set.
#[derive(Clone, Debug, PartialEq)]
pub enum Refusal {
    /// The heap grows: no setting cures that.
    Grows,
    /// The live heap leaves no room below the limit.
    TooLarge,
    /// Much of what the process had when it was killed was not Go's: no setting limits that.
    Outside,
}

/// What to set for a run.
#[derive(Clone, Debug, PartialEq)]
pub struct Tuning {
    /// Number of the run.
    pub run: usize,
    /// What the run shows.
    pub measured: Measured,
    /// The memory that the process may use, where that is known.
    pub limit: Option<ContainerLimit>,
    /// The variables, `GOMEMLIMIT=460MiB GOGC=200`; none when there is nothing to set.
    pub line: Option<String>,
    /// Why there is nothing to set, if that is so.
    pub refusal: Option<Refusal>,
    /// The line holds for what the log shows, which is too short to rely on.
    pub is_provisional: bool,
    /// The reasoning in a few words, for a comment behind the line.
    pub reason: String,
    /// More sentences: assumptions and what else could be set.
    pub notes: Vec<String>,
    /// The run under other settings.
    pub what_if: Vec<Predicted>,
}

/// Minor release of Go in which GOMEMLIMIT came.
const FIRST_WITH_LIMIT: u8 = 19;

/// Cycles and seconds from which on a line is more than provisional.
const RELIABLE: (usize, f64) = (40, 600.0);

/// Share of the container's memory for GOMEMLIMIT: what the runtime does not see needs the rest (GC guide).
const LIMIT_SHARE: (f64, f64) = (0.90, 0.95);

/// Effective GOGC at the limit below which no limit is set, and from which on the limit only catches peaks, %.
const ROOM_PCT: (f64, f64) = (10.0, 100.0);

/// Effective GOGC above which its number says nothing: live heaps are printed in whole MB, down to 0.
const MOST_PCT: f64 = 1000.0;

/// Share of P-time from which on memory is worth spending on fewer collections.
const COSTLY: f64 = 0.05;

/// Share of P-time that is a warning.
const VERY_COSTLY: f64 = 0.25;

/// Highest GOGC that is advised, and the lowest, %.
const GOGC_RANGE: (f64, f64) = (25.0, 400.0);

/// Values of GOGC in the table, %.
const TABLE_GOGC: [f64; 4] = [50.0, 100.0, 200.0, 400.0];

/// What to set for each run that shows enough, in the order of runs. A limit of memory that nobody names is the one that
/// the log tells, where somebody killed the process at it.
pub fn tunings(parsed: &Parsed, place: &Place) -> Vec<Tuning> {
    let analysis = parsed.analysis();
    let kills = if place.memory_limit_mb.is_some() { Vec::new() } else { kills(&parsed.log, &parsed.runs) };
    let of_run = |(summary, measured): (&RunSummary, &Option<Measured>)| {
        let findings = analysis.findings.iter().filter(|finding| is_about(finding, summary.run));
        let told = memory_limit_mb(&parsed.log, &kills, index_of(parsed, summary.run));
        let of_place = place.memory_limit_mb.map(|mb| ContainerLimit { mb, source: LimitSource::Setting });
        let limit = of_place.or_else(|| {
            let MemoryLimit { mb, is_printed, line } = told?;
            let source = if is_printed { LimitSource::Printed { line } } else { LimitSource::Resident { line } };
            Some(ContainerLimit { mb, source })
        });
        let place = Place { memory_limit_mb: limit.map(|limit| limit.mb), ..*place };
        let tuning = tuning(summary.run, measured.clone()?, summary.go, &findings.collect::<Vec<_>>(), &place);
        Some(Tuning { limit, ..tuning })
    };
    analysis.summaries.iter().zip(&analysis.measured).filter_map(of_run).collect()
}

fn is_about(finding: &Finding, run: usize) -> bool {
    finding.run == Some(run) || finding.runs.contains(&run)
}

/// What to set for a run where the memory of its container is known, with the reason; plain text.
pub(crate) fn in_a_line(parsed: &Parsed, run: usize) -> Option<String> {
    let settings = parsed.settings();
    let place = Place { memory_limit_mb: settings.memory_limit_mb, cpu_limit: settings.cpu_limit, is_alone: false };
    let number = parsed.runs.list.get(run)?.number;
    let tuning = tunings(parsed, &place).into_iter().find(|tuning| tuning.run == number && tuning.limit.is_some())?;
    let for_now = if tuning.is_provisional { "for now " } else { "" };
    Some(match (tuning.line, tuning.refusal) {
        (Some(line), None) => format!("{for_now}{line} ({}).", tuning.reason),
        _ => format!("{}.", tuning.reason),
    })
}

fn tuning(run: usize, mut measured: Measured, go: Option<GoReleases>, findings: &[&Finding], place: &Place) -> Tuning {
    let found = |codes: &[&str]| findings.iter().any(|finding| codes.contains(&finding.rule.code));
    let limit_mb = place.memory_limit_mb.map(|container| {
        let share = if place.is_alone { LIMIT_SHARE.1 } else { LIMIT_SHARE.0 };
        (share * container).floor()
    });
    // The goal of a limit says nothing about GOGC.
    if found(&["GC402", "GC403"]) {
        measured.gogc_pct = None;
    }
    let has_spikes = found(&["GC105"]);
    if has_spikes {
        // How much of a peak is live cannot be told: all of it may be.
        measured.held_mb = measured.held_mb.max(measured.highest_mb);
    }
    let knows_limit = go.is_none_or(|go| go.newest().is_some_and(|newest| newest >= FIRST_WITH_LIMIT));
    let mut tuning = Tuning {
        run,
        limit: None,
        line: None,
        refusal: None,
        is_provisional: measured.n_cycles < RELIABLE.0 || measured.span_s < RELIABLE.1,
        reason: String::new(),
        notes: Vec::new(),
        what_if: what_if(&measured, limit_mb.filter(|_| knows_limit)),
        measured,
    };
    if found(&["GC101", "GC104", "GC107", "GC108"]) {
        tuning.refusal = Some(Refusal::Grows);
        // What is predicted holds while the live heap stays what it was.
        tuning.what_if.clear();
        tuning.reason =
            "the heap keeps growing, and no setting cures that; a limit only turns the kill into collections \
                         without end"
                .to_owned();
    } else if let Some(outside) = Outside::of(&tuning.measured, findings) {
        tuning.refusal = Some(Refusal::Outside);
        // What a limit would make of the heap does not matter beside the rest.
        tuning.what_if.retain(|predicted| matches!(predicted.collector, Collector::Gogc(_)));
        tuning.reason = outside.in_words();
    } else if let (Some(container), Some(limit_mb)) = (place.memory_limit_mb, limit_mb) {
        tuning.for_container(container, limit_mb, knows_limit, place.is_alone);
    } else {
        tuning.without_container();
    }
    // Fewer than two are never advised.
    let procs = place.cpu_limit.map(|cpus| cpus.ceil().max(2.0));
    if let Some(procs) = procs.filter(|procs| *procs < tuning.measured.procs) {
        let line = tuning.line.take().map(|line| format!("{line} ")).unwrap_or_default();
        tuning.line = Some(format!("{line}GOMAXPROCS={procs}"));
        tuning.notes.push(format!(
            "GOMAXPROCS is {} where the CPU limit is {}; since Go 1.25 a module whose go.mod says 1.25 or later follows the \
             limit by itself.",
            tuning.measured.procs,
            rough(place.cpu_limit.unwrap_or(procs)),
        ));
    }
    if has_spikes {
        tuning.notes.push(format!(
            "The heap has peaks of up to {} MB, which count for the container although the average does not.",
            rough(tuning.measured.highest_mb)
        ));
    }
    if found(&["GC402", "GC403"]) {
        tuning.notes.push("A memory limit already sets the goal of this run, so its GOGC cannot be told.".to_owned());
    }
    if go.is_some_and(|go| go.contains(FIRST_WITH_LIMIT - 1))
        && tuning.line.as_ref().is_some_and(|line| line.contains("GOMEMLIMIT"))
    {
        tuning.notes.push("GOMEMLIMIT exists since Go 1.19; the log may be of 1.18.".to_owned());
    }
    if tuning.is_provisional {
        tuning.notes.push(format!(
            "This rests on {} and {} cycles of log. To rely on it, record at least 10 minutes and 40 cycles that hold the \
             busiest load.",
            rough_span(tuning.measured.span_s),
            tuning.measured.n_cycles
        ));
    }
    tuning
}

/// What must fit below a limit.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Held {
    /// The live heap behind warm-up.
    Live,
    /// What was live before, which was more.
    Start,
    /// Peaks.
    Peaks,
}

impl Held {
    fn of(measured: &Measured) -> Self {
        match measured.held_mb {
            held if held <= measured.live_mb => Self::Live,
            held if held < measured.highest_mb => Self::Start,
            _ => Self::Peaks,
        }
    }

    /// `live ≤ 44 MB, peaks ≤ 146 MB`.
    fn in_words(self, measured: &Measured) -> String {
        let live = match measured.live_mb {
            live if live < 1.0 => "live below 1 MB".to_owned(),
            live => format!("live ≤ {} MB", rough(live)),
        };
        let held = rough(measured.held_mb);
        match self {
            Self::Live => live,
            Self::Start => format!("{live}, at the start ≤ {held} MB"),
            Self::Peaks => format!("{live}, peaks ≤ {held} MB"),
        }
    }

    /// `live heap 44 MB`.
    fn in_a_sentence(self, measured: &Measured) -> String {
        let held = rough(measured.held_mb);
        match self {
            Self::Live => format!("live heap {held} MB"),
            Self::Start => format!("live heap {held} MB at the start"),
            Self::Peaks => format!("a heap with peaks of {held} MB"),
        }
    }
}

impl Tuning {
    fn for_container(&mut self, container: f64, limit_mb: f64, has_limit: bool, is_alone: bool) {
        let measured = &self.measured;
        let room_pct = measured.gogc_at_limit_pct(limit_mb);
        let container_mb = rough(container);
        let held = Held::of(measured);
        let roots =
            if measured.roots_mb >= 1.0 { format!(" + {} MB roots", rough(measured.roots_mb)) } else { String::new() };
        let limit = format!("GOMEMLIMIT={limit_mb}MiB");
        if room_pct < ROOM_PCT.0 {
            self.refusal = Some(Refusal::TooLarge);
            let room_for = |live_mb: f64| (live_mb + 0.5 * (live_mb + measured.roots_mb)) / (1.0 - 0.03);
            let needed = (room_for(measured.held_mb) + 10.0) / (1.0 - 0.03) / LIMIT_SHARE.0;
            // The live heap that leaves effective GOGC 50 in this container.
            let fits = (measured.goal_of_limit(limit_mb) - 0.5 * measured.roots_mb) / 1.5;
            self.reason = format!(
                "{} in a {container_mb} MiB container leaves effective GOGC {:.0}: do not set GOMEMLIMIT; needs about {} \
                 MiB, or a live heap below {} MB",
                held.in_a_sentence(measured),
                room_pct.max(0.0),
                rough(needed),
                rough(fits.max(0.0)),
            );
            return;
        }
        let base = format!("{container_mb} MiB container, {}{roots}", held.in_words(measured));
        if !has_limit {
            let gogc = 100.0 * (0.9 * container - model::non_heap_mb(container) - measured.held_mb)
                / (measured.held_mb + measured.roots_mb);
            let gogc = (gogc / 5.0).floor() * 5.0;
            if gogc < GOGC_RANGE.0 {
                self.refusal = Some(Refusal::TooLarge);
                self.reason =
                    format!("{base}: too little room for any GOGC, and before Go 1.19 there is no memory limit");
                return;
            }
            let gogc = gogc.min(GOGC_RANGE.1);
            let share = percent(measured.under(Collector::Gogc(gogc)).gc_share);
            self.line = Some(format!("GOGC={gogc}"));
            self.reason = format!(
                "{base}: the heap stays below the container, GC share about {share}; before Go 1.19 there is no memory limit"
            );
            return;
        }
        let now = percent(measured.gc_share);
        if room_pct < ROOM_PCT.1 {
            let at_limit = measured.under(Collector::LimitOnly(limit_mb)).gc_share;
            self.line = Some(limit);
            self.reason = format!(
                "{base}: effective GOGC {} at the limit, GC share about {} there ({now} now)",
                rough(room_pct),
                percent(at_limit)
            );
            if at_limit > VERY_COSTLY {
                self.notes.push(format!(
                    "At the limit collecting would take {} of the processors: a larger container is better.",
                    percent(at_limit)
                ));
            }
        } else if measured.gc_share < COSTLY {
            self.line = Some(limit);
            self.reason = format!(
                "{base}: effective GOGC {} at the limit, GC share stays {now}; the limit only catches peaks",
                if room_pct > MOST_PCT { format!("above {MOST_PCT}") } else { rough(room_pct) }
            );
        } else {
            let gogc = (0.8 * room_pct / 50.0).floor() * 50.0;
            let gogc = gogc.clamp(100.0, GOGC_RANGE.1);
            let then = measured.under(Collector::Both { gogc_pct: gogc, limit_mb });
            self.line = Some(format!("{limit} GOGC={gogc}"));
            self.reason = format!(
                "{base}: GC share {now} → about {}, heap up to {} MB",
                percent(then.gc_share),
                rough(then.peak_mb)
            );
        }
        if is_alone && room_pct >= ROOM_PCT.1 && !self.is_provisional {
            let alone = measured.under(Collector::LimitOnly(limit_mb));
            self.notes.push(format!(
                "With the memory reserved for this process, GOMEMLIMIT={limit_mb}MiB GOGC=off collects least: GC share about \
                 {}, and the heap always fills to {} MB.",
                percent(alone.gc_share),
                rough(alone.peak_mb)
            ));
        }
    }

    fn without_container(&mut self) {
        self.reason =
            "no memory limit is known: with the setting memoryLimit, or --memory, there is a line to set".to_owned();
        self.notes
            .push("A higher GOGC buys processor time with memory, a lower one memory with processor time.".to_owned());
    }
}

impl Tuning {
    /// All of it in Markdown: the line, its reasons, the table as a list, and the notes.
    pub fn markdown(&self) -> String {
        let Self { measured, line, refusal, reason, is_provisional, notes, what_if, .. } = self;
        let mut text = match (line, refusal) {
            (Some(line), None) if *is_provisional => {
                format!("For now: `{line}`\n\n{}.\n", markup::escape(&capitalized(reason)))
            }
            (Some(line), None) => format!("`{line}`\n\n{}.\n", markup::escape(&capitalized(reason))),
            (Some(line), Some(_)) => format!("{}.\n\n`{line}`\n", markup::escape(&capitalized(reason))),
            (None, _) => format!("{}.\n", markup::escape(&capitalized(reason))),
        };
        let now = measured.gogc_pct.map_or_else(|| "Now".to_owned(), |gogc| format!("Now, GOGC near {}", rough(gogc)));
        let one = |set: String, share: f64, peak_mb: f64| {
            format!("- {set}: {} of the processors, heap up to {} MB\n", percent(share), rough(peak_mb))
        };
        if !what_if.is_empty() {
            text.push_str("\n**What if**\n\n");
            text.push_str(&one(now, measured.gc_share, measured.peak_mb));
        }
        for predicted in what_if {
            text.push_str(&one(
                format!("`{}`", predicted.collector.variables()),
                predicted.gc_share,
                predicted.peak_mb,
            ));
        }
        if let Some((origin, line)) = self.limit_origin() {
            text.push_str(&format!("\n{}, line {}.\n", markup::escape(&origin), line + 1));
        }
        for note in notes {
            text.push_str(&format!("\n{}\n", markup::escape(note)));
        }
        text
    }
}

fn what_if(measured: &Measured, limit_mb: Option<f64>) -> Vec<Predicted> {
    let mut collectors: Vec<Collector> = TABLE_GOGC.map(Collector::Gogc).to_vec();
    if let Some(limit_mb) = limit_mb.filter(|limit| measured.gogc_at_limit_pct(*limit) >= ROOM_PCT.0) {
        collectors.push(Collector::LimitOnly(limit_mb));
    }
    collectors.into_iter().map(|collector| measured.under(collector)).collect()
}

impl Collector {
    /// As the variables are written: `GOGC=200`, `GOGC=off GOMEMLIMIT=460MiB`.
    pub fn variables(self) -> String {
        match self {
            Self::Gogc(gogc_pct) => format!("GOGC={gogc_pct}"),
            Self::LimitOnly(limit_mb) => format!("GOGC=off GOMEMLIMIT={limit_mb}MiB"),
            Self::Both { gogc_pct, limit_mb } => format!("GOGC={gogc_pct} GOMEMLIMIT={limit_mb}MiB"),
        }
    }
}
