//! The JSON of `gotracelens summary`. Its schema is `server/docs/summary.schema.json`; a test holds both equal.
//!
//! Version 1. Fields may be added; a change of an existing one raises the version.

use std::collections::BTreeMap;

use ide::Diagnostic;
use ide::environment::{Environment, Evidence};
use ide::evidence::NotEnough;
use ide::glimpse::Glimpse;
use ide::phases::{Change, Phase};
use ide::requests::clock::Joint;
use ide::requests::split::{Split, Verdict};
use ide::requests::{Requests, Series};
use ide::rules::SoFar;
use ide::summary::{Absent, Distribution, GcSummary, Known, RunSummary, SchedSummary, Trend};
use schemars::JsonSchema;
use serde::Serialize;

use crate::cli::findings::{Asked, FindingJson, by_run};
use crate::cli::input::InputError;
use crate::cli::parse::ends;
use crate::cli::select::{Selection, SelectionJson};
use crate::cli::summary::memstats::MemstatsJson;
use crate::evidence::{ConditionJson, finite};

/// What `summary --format json` writes.
#[derive(Serialize, JsonSchema)]
#[schemars(title = "gotracelens summary")]
pub(in crate::cli) struct SummaryJson {
    /// Version of this layout.
    schema: u32,
    /// What of the files all numbers are about; null for everything.
    selection: Option<SelectionJson>,
    /// One entry a file, in the order of the arguments; files that were joined have one entry.
    files: Vec<FileJson>,
}

/// A file.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "File")]
pub(super) struct FileJson {
    /// Name as it was given; `-` for standard input. Of joined files, their names in reading order with ` + ` between.
    path: String,
    /// The files that were joined, in reading order; empty for a file by itself.
    joined: Vec<String>,
    /// Why the file could not be read, or not to its end; else null.
    error: Option<String>,
    /// Number of lines.
    lines: u32,
    /// Process runs, in the order in which they begin.
    runs: Vec<RunJson>,
    /// Findings about the file as a whole, without hints.
    findings: Vec<FindingJson>,
}

/// One life of one process, as far as the log shows it.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Run")]
struct RunJson {
    /// Id in this file, from 0; the same as in the output of `parse`.
    run: usize,
    /// File of the first line.
    first_file: String,
    /// First line, from 1.
    first_line: u32,
    /// File of the last line.
    last_file: String,
    /// Last line on which an item of the run begins, from 1.
    last_line: u32,
    /// Trace lines that are selected.
    items: usize,
    /// Trace lines of the whole run.
    items_in_run: usize,
    /// Oldest and newest Go release that can have printed all its lines.
    go: Option<[&'static str; 2]>,
    /// Printed by the Go toolchain (`go run`, `go test`) and not by the program.
    toolchain: bool,
    /// When the process started, as what carries its lines tells: date and time, in UTC where `started_in_utc`, else in
    /// the zone of the log. Without the year where no line has one.
    started: Option<String>,
    /// How far `started` may be off, s.
    started_error_s: Option<f64>,
    /// Whether the lines name their zone.
    started_in_utc: Option<bool>,
    /// Garbage collection; null without `gc` lines.
    gc: Option<GcJson>,
    /// Scheduler; null without `SCHED` lines.
    sched: Option<SchedJson>,
    /// Numbers of MemStats; null unless they were printed twice or more.
    memstats: Option<MemstatsJson>,
    /// How long requests took, and whether those that begin in a GC cycle are slower; null where no line of the program
    /// holds a duration.
    requests: Option<RequestsJson>,
    /// The configuration as far as the log shows it: Go releases, GOMAXPROCS, GOGC, memory limit, switches.
    environment: Vec<EnvironmentJson>,
    /// Stretches in which the levels of all series stay, in the order of time; empty where no level changes.
    phases: Vec<PhaseJson>,
    /// Dumps, profiles, states of the scheduler and data races; `gotracelens blocks` prints what is in them.
    blocks: Vec<BlockJson>,
    /// Findings about the run, without hints.
    findings: Vec<FindingJson>,
    /// Growth of the live heap that is not sure yet or is no more, in words: `rising so far: 12→48 MB in 6 cycles, needs
    /// 3 cycles in the second half (has 2)`; null where there is nothing of the kind to say.
    so_far: Option<String>,
    /// What else stands out in a run that is too short for the rules that would say it, in words: `969 of 1,003 threads in
    /// system calls or C, in 1 of 4 samples (SC106 needs 5 samples)`.
    glimpses: Vec<String>,
    /// Leak rules that could not judge the run for want of data; empty where all could, and without `gc` lines.
    not_enough_data: Vec<NotEnoughJson>,
    /// Why fields of this object are null, by field.
    absent: BTreeMap<&'static str, &'static str>,
}

/// A rule that lacks data.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "NotEnough")]
struct NotEnoughJson {
    /// Code of the rule.
    code: &'static str,
    /// What it needs and what there is: `needs 40 cycles and 30 s, has 12 and 3 s`.
    words: String,
    /// The conditions on data that do not hold.
    missing: Vec<ConditionJson>,
}

/// An item of the configuration.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Environment")]
struct EnvironmentJson {
    /// `go`, `gomaxprocs`, `gogc`, `memory_limit`, `switch`, `leak_checks`, `throttling`, `race`, `cgo`, `gotraceback`.
    id: &'static str,
    /// What it is called; for a switch the variable it stands in.
    name: &'static str,
    /// Its value in words; null where it is unknown.
    value: Option<String>,
    /// Why it is unknown; else null.
    unknown: Option<String>,
    /// Lines that show it, the most telling first.
    evidence: Vec<EvidenceJson>,
}

/// A line that shows something.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Evidence")]
struct EvidenceJson {
    /// Name of the file, as it was given.
    file: String,
    /// The line, from 1.
    line: u32,
    /// What is seen there.
    words: String,
}

/// A stretch of a run in which the levels of all series stay.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Phase")]
struct PhaseJson {
    /// Name of the file of its first line, as it was given.
    file: String,
    /// First line, from 1.
    line: u32,
    /// Time of its first and last cycle or sample, seconds since the process started; null where not printed.
    span_s: Option<SpanJson>,
    /// GC number of its first cycle; null without cycles.
    first_cycle: Option<u64>,
    /// GC cycles in it.
    cycles: usize,
    /// Scheduler samples in it.
    samples: usize,
    /// What differs from the phase before, the largest difference first; empty in the first phase.
    changes: Vec<ChangeJson>,
}

/// A series whose level changed.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Change")]
struct ChangeJson {
    /// Name of the series, with its unit.
    series: &'static str,
    /// Level in the phase before: the median; of shares and rates all of it over all the time.
    before: Option<f64>,
    /// Level in this phase.
    after: Option<f64>,
}

/// A block of lines that say something together.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Block")]
struct BlockJson {
    /// Name of the file, as it was given.
    file: String,
    /// First line, from 1.
    line: u32,
    /// What it is, in short.
    name: String,
    /// What it says, in one line.
    title: String,
}

/// Garbage collection of a run.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Gc")]
struct GcJson {
    /// Cycles that have a line.
    cycles: usize,
    /// Cycles between the first and the last one that have none.
    missing_cycles: u64,
    /// GC number of the first cycle.
    first_cycle: u64,
    /// GC number of the last cycle.
    last_cycle: u64,
    /// Start of the first and of the last cycle, seconds since the process started.
    span_s: Option<SpanJson>,
    /// Share of all processor time that went to the collector between the first and the last cycle, 0 to 1.
    cpu_share: Option<f64>,
    /// The percentage that the last line prints, since the process started.
    printed_cpu_pct: Option<f64>,
    /// Stop-the-world time of a cycle, ms.
    pause_ms: Option<DistributionJson>,
    /// Live heap, MB.
    live_mb: Option<TrendJson>,
    /// Largest heap, MB.
    peak_mb: Option<f64>,
    /// Goal of the last cycle that has one, MB.
    goal_mb: Option<f64>,
    /// GOGC in effect, inferred from goals; median over lines that tell, percent.
    gogc_pct: Option<f64>,
    /// Allocation rate, median over cycles, MB/s.
    alloc_mb_per_s: Option<f64>,
    /// Cycles that a call forced.
    forced_cycles: usize,
    /// Cycles that the two-minute timer started.
    timer_cycles: usize,
    /// GOMAXPROCS of the last cycle.
    gomaxprocs: Option<f64>,
    /// Why fields of this object are null, by field.
    absent: BTreeMap<&'static str, &'static str>,
}

/// Scheduler samples of a run.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Sched")]
struct SchedJson {
    /// Samples.
    samples: usize,
    /// Time of the first and of the last sample, seconds since the first sample of the process.
    span_s: Option<SpanJson>,
    /// GOMAXPROCS of the last sample.
    gomaxprocs: Option<f64>,
    /// Share of Ps that were not idle, mean over samples, 0 to 1.
    busy_share: Option<f64>,
    /// Goroutines that waited in run queues.
    runnable: Option<DistributionJson>,
    /// Threads in the first and in the last sample.
    threads: Option<SpanJson>,
    /// Why fields of this object are null, by field.
    absent: BTreeMap<&'static str, &'static str>,
}

/// Durations in lines of the program.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Requests")]
struct RequestsJson {
    /// Durations that were read.
    durations: usize,
    /// How far the common clock of cycles and requests may be off, ms; null where there is none.
    clock_error_ms: Option<f64>,
    /// What joins the clocks: `collector` for stamps on the gc lines, `position` for the order of the lines.
    clock_by: Option<&'static str>,
    /// Why requests cannot be compared with cycles; null where they can.
    silence: Option<String>,
    /// One entry for each key, or for each key and route where few routes are nearly all.
    series: Vec<RequestSeriesJson>,
}

/// Requests that are compared with each other.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "RequestSeries")]
struct RequestSeriesJson {
    /// The key that holds the duration.
    key: String,
    /// The route, where routes are told apart.
    route: Option<String>,
    /// `not-gc`, `gc` or `cannot-tell`.
    verdict: &'static str,
    /// About how many requests it would take to tell, where more would help.
    needed: Option<usize>,
    /// Whether the clock and the numbers are good enough to rely on.
    strong: bool,
    /// Requests that begin in a cycle.
    in_cycle: usize,
    /// Requests that begin outside.
    outside: usize,
    /// 99th percentile of those that begin in a cycle, ms.
    p99_in_cycle_ms: Option<f64>,
    /// 99th percentile of the others, ms.
    p99_outside_ms: Option<f64>,
    /// Requests that count as slow.
    slow: usize,
    /// Slow ones that begin in a cycle.
    slow_in_cycle: usize,
    /// Share that would begin in one by chance, 0 to 1.
    expected_share: Option<f64>,
    /// Lower end of the 95 % interval of the share of slow ones that do.
    slow_share_low: Option<f64>,
    /// Its upper end.
    slow_share_high: Option<f64>,
    /// Pauses inside slow requests, as a share of their time.
    pause_share: Option<f64>,
    /// Only requests above this seem to be logged, ms.
    logged_above_ms: Option<f64>,
}

/// The first and the last value of a series.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Span")]
struct SpanJson {
    /// The first.
    first: f64,
    /// The last.
    last: f64,
}

/// How values are spread, by nearest rank.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Distribution")]
struct DistributionJson {
    /// Median.
    p50: f64,
    /// 99th percentile.
    p99: f64,
    /// Largest.
    max: f64,
}

/// How a level moved.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Trend")]
pub(super) struct TrendJson {
    /// Median of the first sixth of the cycles after warm-up.
    first: f64,
    /// Median of the last sixth.
    last: f64,
    /// Smallest.
    min: f64,
    /// Largest.
    max: f64,
    /// Medians of up to 16 equal stretches.
    shape: Vec<f64>,
}

pub(super) fn all(selection: &Selection, files: Vec<FileJson>) -> SummaryJson {
    SummaryJson { schema: 1, selection: selection.to_json(), files }
}

pub(super) fn unreadable(error: &InputError) -> FileJson {
    FileJson {
        path: error.name().to_owned(),
        joined: Vec::new(),
        error: Some(error.to_string()),
        lines: 0,
        runs: Vec::new(),
        findings: Vec::new(),
    }
}

pub(super) fn file(asked: &Asked, findings: &[Diagnostic]) -> FileJson {
    let summaries = asked.snapshot.parsed.as_ref().map_or(&[][..], |parsed| &parsed.analysis().summaries);
    let document = &asked.document;
    let findings = by_run(findings);
    let of = |run: Option<usize>| {
        let of_run = findings.get(&run).into_iter().flatten();
        of_run.map(|found| FindingJson::of(found, document)).collect()
    };
    FileJson {
        path: document.name.clone(),
        joined: document.joined(),
        error: document.cut_in_words(),
        lines: document.n_lines(),
        runs: summaries.iter().map(|summary| run(asked, summary, of(Some(summary.run)))).collect(),
        findings: of(None),
    }
}

fn run(asked: &Asked, summary: &RunSummary, findings: Vec<FindingJson>) -> RunJson {
    let mut absent = BTreeMap::new();
    if summary.go.is_none() {
        absent.insert("go", "no single release prints all these lines");
    }
    if summary.gc.is_none() {
        absent.insert("gc", Absent::NoLines.reason());
    }
    if summary.sched.is_none() {
        absent.insert("sched", Absent::NoLines.reason());
    }
    let [first, last] = [summary.lines.0, summary.lines.1].map(|line| asked.document.place(line, 0));
    let (items, items_in_run) = asked.n_items(summary.run);
    let anchor = ide::clock::anchor(&asked.snapshot, summary.run);
    if anchor.is_none() {
        for field in ["started", "started_error_s", "started_in_utc"] {
            absent.insert(field, "what carries the lines does not tell");
        }
    }
    RunJson {
        started: anchor.map(|anchor| ide::clock::date_and_time(anchor.start_ns, anchor.year_known)),
        started_error_s: anchor.map(|anchor| anchor.error_ns as f64 / 1e9),
        started_in_utc: anchor.map(|anchor| anchor.zone_known),
        run: summary.run,
        first_file: first.file.to_owned(),
        first_line: first.line + 1,
        last_file: last.file.to_owned(),
        last_line: last.line + 1,
        items,
        items_in_run,
        go: summary.go.and_then(ends),
        toolchain: summary.toolchain,
        gc: summary.gc.as_ref().map(gc),
        sched: summary.sched.as_ref().map(sched),
        memstats: summary.memstats.as_ref().map(super::memstats::json),
        requests: summary.requests.as_deref().map(requests),
        environment: environment(asked, summary.run),
        phases: super::phases(asked, summary.run).iter().map(|phase| phase_json(asked, phase)).collect(),
        blocks: blocks(asked, summary.run),
        findings,
        so_far: summary.so_far.as_ref().map(SoFar::in_words),
        glimpses: summary.glimpses.iter().map(Glimpse::in_words).collect(),
        not_enough_data: super::not_enough(asked, summary.run).into_iter().map(not_enough).collect(),
        absent,
    }
}

fn not_enough(lacking: NotEnough) -> NotEnoughJson {
    let NotEnough { code, words, missing } = lacking;
    NotEnoughJson { code, words, missing: ConditionJson::all(&missing) }
}

fn environment(asked: &Asked, run: usize) -> Vec<EnvironmentJson> {
    let Some(parsed) = &asked.snapshot.parsed else { return Vec::new() };
    let of_run = parsed.analysis().environments.iter().find(|environment| environment.run == run);
    let evidence = |shown: &Evidence| {
        let place = asked.document.place(shown.line, 0);
        EvidenceJson { file: place.file.to_owned(), line: place.line + 1, words: shown.words.clone() }
    };
    let items = of_run.map(Environment::items).unwrap_or_default();
    let items = items.into_iter().map(|item| {
        let (value, unknown) = match item.value {
            Ok(value) => (Some(value), None),
            Err(why) => (None, Some(why)),
        };
        let evidence = item.evidence.iter().map(evidence).collect();
        EnvironmentJson { id: item.id, name: item.name, value, unknown, evidence }
    });
    items.collect()
}

fn phase_json(asked: &Asked, phase: &Phase) -> PhaseJson {
    let place = asked.document.place(phase.begin, 0);
    let change = |change: &Change| ChangeJson {
        series: change.measure.id(),
        before: finite(change.before),
        after: finite(change.after),
    };
    PhaseJson {
        file: place.file.to_owned(),
        line: place.line + 1,
        span_s: phase.span_s.and_then(span),
        first_cycle: phase.first_cycle,
        cycles: phase.n_cycles,
        samples: phase.n_samples,
        changes: phase.changes.iter().map(change).collect(),
    }
}

fn blocks(asked: &Asked, run: usize) -> Vec<BlockJson> {
    let Some(parsed) = &asked.snapshot.parsed else { return Vec::new() };
    let of_run = parsed.blocks().list.iter().filter(|block| block.run() == run);
    of_run
        .map(|block| {
            let place = asked.document.place(block.lines().0, 0);
            BlockJson {
                file: place.file.to_owned(),
                line: place.line + 1,
                name: ide::blocks::name(&parsed.log, block),
                title: ide::blocks::title(&parsed.log, block),
            }
        })
        .collect()
}

fn gc(gc: &GcSummary) -> GcJson {
    let mut absent = Reasons::default();
    GcJson {
        cycles: gc.n_cycles,
        missing_cycles: gc.n_missing,
        first_cycle: gc.numbers.0,
        last_cycle: gc.numbers.1,
        span_s: absent.known("span_s", &gc.span_s).and_then(span),
        cpu_share: absent.known("cpu_share", &gc.cpu_share).and_then(finite),
        printed_cpu_pct: absent.known("printed_cpu_pct", &gc.printed_pct).and_then(finite),
        pause_ms: absent.known("pause_ms", &gc.pause_ms).map(distribution),
        live_mb: absent.known("live_mb", &gc.live_mb).map(trend),
        peak_mb: absent.known("peak_mb", &gc.peak_mb).and_then(finite),
        goal_mb: absent.known("goal_mb", &gc.goal_mb).and_then(finite),
        gogc_pct: absent.known("gogc_pct", &gc.gogc_pct).and_then(finite),
        alloc_mb_per_s: absent.known("alloc_mb_per_s", &gc.alloc_mb_per_s).and_then(finite),
        forced_cycles: gc.n_forced,
        timer_cycles: gc.n_timer,
        gomaxprocs: absent.known("gomaxprocs", &gc.procs).and_then(finite),
        absent: absent.0,
    }
}

fn sched(sched: &SchedSummary) -> SchedJson {
    let mut absent = Reasons::default();
    let known = |value: Option<SpanJson>| value.ok_or(Absent::NotPrinted);
    let (span_s, threads) = (known(span(sched.span_s)), known(span(sched.threads)));
    let gomaxprocs = finite(sched.gomaxprocs).ok_or(Absent::NotPrinted);
    SchedJson {
        samples: sched.n_samples,
        span_s: absent.take("span_s", span_s),
        gomaxprocs: absent.take("gomaxprocs", gomaxprocs),
        busy_share: absent.known("busy_share", &sched.busy).and_then(finite),
        runnable: absent.known("runnable", &sched.runnable).map(distribution),
        threads: absent.take("threads", threads),
        absent: absent.0,
    }
}

fn requests(requests: &Requests) -> RequestsJson {
    let clock = requests.clock.as_ref();
    RequestsJson {
        durations: requests.n_read,
        clock_error_ms: clock.ok().and_then(|clock| finite(clock.error_ms())),
        clock_by: clock.ok().map(|clock| match clock.joint {
            Joint::Collector => "collector",
            Joint::Position => "position",
        }),
        silence: clock.err().map(|silence| silence.reason()),
        series: requests.splits.iter().map(|(index, split)| request_series(&requests.series[*index], split)).collect(),
    }
}

fn request_series(series: &Series, split: &Split) -> RequestSeriesJson {
    let (verdict, needed) = match split.verdict {
        Verdict::NotGc => ("not-gc", None),
        Verdict::InGc => ("gc", None),
        Verdict::CannotTell(needed) => ("cannot-tell", needed),
    };
    RequestSeriesJson {
        key: series.key.clone(),
        route: series.route.clone(),
        verdict,
        needed,
        strong: split.is_strong,
        in_cycle: split.n.0,
        outside: split.n.1,
        p99_in_cycle_ms: finite(split.p99_ms.0),
        p99_outside_ms: finite(split.p99_ms.1),
        slow: split.slow.0,
        slow_in_cycle: split.slow.1,
        expected_share: finite(split.expected),
        slow_share_low: finite(split.interval.0),
        slow_share_high: finite(split.interval.1),
        pause_share: finite(split.pauses),
        logged_above_ms: split.logged_above_ms,
    }
}

/// Why fields are null.
#[derive(Default)]
struct Reasons(BTreeMap<&'static str, &'static str>);

impl Reasons {
    fn take<T>(&mut self, field: &'static str, value: Known<T>) -> Option<T> {
        value.map_err(|absent| self.0.insert(field, absent.reason())).ok()
    }

    fn known<T: Clone>(&mut self, field: &'static str, value: &Known<T>) -> Option<T> {
        self.take(field, value.clone())
    }
}

fn span((first, last): (f64, f64)) -> Option<SpanJson> {
    Some(SpanJson { first: finite(first)?, last: finite(last)? })
}

fn distribution(values: Distribution) -> DistributionJson {
    DistributionJson { p50: values.p50, p99: values.p99, max: values.max }
}

pub(super) fn trend(values: Trend) -> TrendJson {
    TrendJson { first: values.first, last: values.last, min: values.range.0, max: values.range.1, shape: values.shape }
}
