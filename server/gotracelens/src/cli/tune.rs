//! `gotracelens tune`: what to set for the memory and the processors that a program may use, and what other values cost.

use std::io::{self, BufWriter, Write};

use clap::ValueEnum;
use ide::tune::{self, Collector, LimitSource, Measured, Place, Predicted, Refusal, Tuning};
use ide::words::{capitalized, count, percent, rough, rough_span};
use schemars::JsonSchema;
use serde::Serialize;

use super::findings::Asked;
use super::question::Question;
use super::select::SelectionJson;
use super::terminal::{self, ID, TITLE, VALUE};
use super::visible::visible;
use super::{Exit, json};
use crate::evidence::finite;

/// Options of `tune`.
#[derive(clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    question: Question,

    /// The process is alone in its container, and the memory is reserved for it
    #[arg(long)]
    alone: bool,

    /// Text for people, or one JSON object
    #[arg(long, value_enum, default_value_t = Format::Human)]
    format: Format,
}

#[derive(Clone, Copy, ValueEnum)]
enum Format {
    Human,
    Json,
}

/// What `tune --format json` writes. Sizes are MiB, which Go prints as MB.
#[derive(Serialize, JsonSchema)]
#[schemars(title = "gotracelens tune")]
pub(super) struct TuneJson {
    /// Version of this layout.
    schema: u32,
    /// What of the files was looked at; null for everything.
    selection: Option<SelectionJson>,
    /// One entry a file, in the order of the arguments; files that were joined have one entry.
    files: Vec<TunedFileJson>,
}

/// What to set for the runs of one file.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "TunedFile")]
struct TunedFileJson {
    /// Name as it was given; `-` for standard input. Of joined files, their names in reading order with ` + ` between.
    path: String,
    /// Why the file could not be read, or not to its end; else null.
    error: Option<String>,
    /// The runs that show enough, in order.
    runs: Vec<TunedRunJson>,
}

/// What to set for one run.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "TunedRun")]
struct TunedRunJson {
    /// Id of the run.
    run: usize,
    /// The variables to set, e.g. `GOMEMLIMIT=460MiB GOGC=200`; null where there is nothing to set, or the log is too
    /// short to say so.
    line: Option<String>,
    /// The same, where the log is too short to rely on it.
    provisional_line: Option<String>,
    /// Why there is nothing to set: `grows`, `too_large` or `outside` (the heap); else null.
    refused: Option<&'static str>,
    /// The reasoning.
    reason: String,
    /// Assumptions and alternatives.
    notes: Vec<String>,
    /// Memory limit of the container.
    memory_limit_mb: Option<f64>,
    /// Where that is from: `setting` (settings and flags), `kill` (printed by the kernel when it killed the process), or
    /// `kill_rss` (the memory of the process when it was killed at its limit); null where there is none.
    memory_limit_from: Option<&'static str>,
    /// CPU limit of the container.
    cpu_limit: Option<f64>,
    /// What the run shows.
    measured: MeasuredJson,
    /// The run under other settings.
    what_if: Vec<WhatIfJson>,
}

/// A run in the numbers that its future depends on.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Measured")]
struct MeasuredJson {
    /// Cycles behind warm-up.
    n_cycles: usize,
    /// The time they span.
    span_s: Option<f64>,
    /// 95th percentile of the live heap without what was allocated while it was marked.
    live_mb: Option<f64>,
    /// What has to fit below a limit: the same, or what the start or a peak needed, where that is more.
    held_mb: Option<f64>,
    /// Stacks and globals.
    roots_mb: Option<f64>,
    /// Objects allocated.
    alloc_mb_per_s: Option<f64>,
    /// P-time of a collection, idle workers included.
    cycle_cpu_ms: Option<f64>,
    /// Share of P-time (of the CPU limit, where there is one) that collecting took.
    gc_share: Option<f64>,
    /// Median goal.
    goal_mb: Option<f64>,
    /// Largest heap.
    peak_mb: Option<f64>,
    /// GOGC in effect, where goals tell it.
    gogc_pct: Option<f64>,
}

/// A run as it would be under a setting.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "WhatIf")]
struct WhatIfJson {
    /// The variables.
    set: String,
    /// GOGC; null for `off`.
    gogc_pct: Option<f64>,
    /// GOMEMLIMIT; null for none.
    limit_mb: Option<f64>,
    /// Share of P-time that collecting takes.
    gc_share: Option<f64>,
    /// The goal of its cycles: about its peak heap.
    peak_mb: Option<f64>,
}

pub(super) fn run(args: &Args) -> io::Result<Exit> {
    let asking = match args.question.asking() {
        Ok(asking) => asking,
        Err(exit) => return Ok(exit),
    };
    let selection = &args.question.selection;
    let mut files = Vec::new();
    let mut out = terminal::stdout();
    let exit = asking.each(|asked| {
        let asked = match asked {
            Ok(asked) => asked,
            Err(error) => {
                let path = error.name().to_owned();
                files.push(TunedFileJson { path, error: Some(error.to_string()), runs: Vec::new() });
                return Ok(());
            }
        };
        let settings = &asked.settings;
        let place =
            Place { memory_limit_mb: settings.memory_limit_mb, cpu_limit: settings.cpu_limit, is_alone: args.alone };
        let parsed = asked.snapshot.parsed.as_ref();
        let tunings = parsed.map_or_else(Vec::new, |parsed| tune::tunings(parsed, &place));
        match args.format {
            Format::Human => write_file(&mut out, asked, &tunings)?,
            Format::Json => files.push(TunedFileJson {
                path: asked.document.name.clone(),
                error: asked.document.cut_in_words(),
                runs: tunings.into_iter().map(|tuning| TunedRunJson::of(tuning, &place)).collect(),
            }),
        }
        Ok(())
    })?;
    out.flush()?;
    if let Format::Json = args.format {
        let mut out = BufWriter::new(io::stdout().lock());
        json::write_line(&TuneJson { schema: 1, selection: selection.to_json(), files }, &mut out)?;
        out.flush()?;
    }
    Ok(exit)
}

fn write_file(out: &mut impl Write, asked: &Asked, tunings: &[Tuning]) -> io::Result<()> {
    let name = visible(&asked.document.name);
    if tunings.is_empty() {
        let nothing = asked.nothing().unwrap_or(
            "no run shows what its collections cost: needs gctrace lines of Go 1.5 or later, 8 cycles after start-up",
        );
        return writeln!(out, "{TITLE}{name}{TITLE:#}: {nothing}\n");
    }
    for tuning in tunings {
        let Measured { n_cycles, span_s, .. } = tuning.measured;
        writeln!(
            out,
            "{TITLE}{name}{TITLE:#} {ID}run {}, {} after start-up, {}{ID:#}",
            tuning.run + 1,
            count(n_cycles, "cycle"),
            rough_span(span_s)
        )?;
        write_tuning(out, asked, tuning)?;
        writeln!(out)?;
    }
    Ok(())
}

fn write_tuning(out: &mut impl Write, asked: &Asked, tuning: &Tuning) -> io::Result<()> {
    let Tuning { line, refusal, reason, is_provisional, .. } = tuning;
    match (line, refusal) {
        (Some(line), None) if *is_provisional => writeln!(out, "  for now: {VALUE}{line}{VALUE:#}  # {reason}")?,
        (Some(line), None) => writeln!(out, "  {VALUE}{line}{VALUE:#}  # {reason}")?,
        (Some(line), Some(_)) => writeln!(out, "  {}.\n  {VALUE}{line}{VALUE:#}", capitalized(reason))?,
        (None, _) => writeln!(out, "  {}.", capitalized(reason))?,
    }
    if !tuning.what_if.is_empty() {
        write_what_if(out, tuning)?;
    }
    if let Some((origin, line)) = tuning.limit_origin() {
        let line = asked.document.line_in_words(line);
        writeln!(out, "  {ID}{origin}, {}.{ID:#}", visible(&line))?;
    }
    for note in &tuning.notes {
        writeln!(out, "  {ID}{note}{ID:#}")?;
    }
    Ok(())
}

fn write_what_if(out: &mut impl Write, tuning: &Tuning) -> io::Result<()> {
    let measured = &tuning.measured;
    let rows = [(now(measured), measured.gc_share, measured.peak_mb)];
    let what_if = tuning.what_if.iter().map(|one| (one.collector.variables(), one.gc_share, one.peak_mb));
    let rows: Vec<(String, f64, f64)> = rows.into_iter().chain(what_if).collect();
    let width = rows.iter().map(|(set, ..)| set.len()).max().unwrap_or_default();
    writeln!(out, "\n  {ID}{:width$}  GC share  peak heap{ID:#}", "what if")?;
    for (set, share, peak_mb) in rows {
        writeln!(out, "  {set:width$}  {:>8}  {:>6} MB", percent(share), rough(peak_mb))?;
    }
    Ok(())
}

fn now(measured: &Measured) -> String {
    measured.gogc_pct.map_or_else(|| "now".to_owned(), |gogc| format!("now, GOGC near {}", rough(gogc)))
}

impl TunedRunJson {
    fn of(tuning: Tuning, place: &Place) -> Self {
        let (line, provisional_line) = if tuning.is_provisional { (None, tuning.line) } else { (tuning.line, None) };
        let Measured { n_cycles, span_s, live_mb, roots_mb, alloc_mb_per_s, cycle_cpu_ms, gc_share, goal_mb, .. } =
            tuning.measured;
        Self {
            run: tuning.run,
            line,
            provisional_line,
            refused: tuning.refusal.map(|refusal| match refusal {
                Refusal::Grows => "grows",
                Refusal::TooLarge => "too_large",
                Refusal::Outside => "outside",
            }),
            reason: tuning.reason,
            notes: tuning.notes,
            memory_limit_mb: tuning.limit.map(|limit| limit.mb),
            memory_limit_from: tuning.limit.map(|limit| match limit.source {
                LimitSource::Setting => "setting",
                LimitSource::Printed { .. } => "kill",
                LimitSource::Resident { .. } => "kill_rss",
            }),
            cpu_limit: place.cpu_limit,
            measured: MeasuredJson {
                n_cycles,
                span_s: finite(span_s),
                live_mb: finite(live_mb),
                held_mb: finite(tuning.measured.held_mb),
                roots_mb: finite(roots_mb),
                alloc_mb_per_s: finite(alloc_mb_per_s),
                cycle_cpu_ms: finite(cycle_cpu_ms),
                gc_share: finite(gc_share),
                goal_mb: finite(goal_mb),
                peak_mb: finite(tuning.measured.peak_mb),
                gogc_pct: tuning.measured.gogc_pct,
            },
            what_if: tuning.what_if.iter().map(WhatIfJson::of).collect(),
        }
    }
}

impl WhatIfJson {
    fn of(predicted: &Predicted) -> Self {
        let (gogc_pct, limit_mb) = match predicted.collector {
            Collector::Gogc(gogc_pct) => (Some(gogc_pct), None),
            Collector::LimitOnly(limit_mb) => (None, Some(limit_mb)),
            Collector::Both { gogc_pct, limit_mb } => (Some(gogc_pct), Some(limit_mb)),
        };
        Self {
            set: predicted.collector.variables(),
            gogc_pct,
            limit_mb,
            gc_share: finite(predicted.gc_share),
            peak_mb: finite(predicted.peak_mb),
        }
    }
}
