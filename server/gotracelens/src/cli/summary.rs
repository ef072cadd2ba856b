//! `gotracelens summary`: what happened in each run, in numbers.

mod memstats;
mod to_json;

use std::io::{self, BufWriter, Write};

use clap::ValueEnum;
use ide::environment::Environment;
use ide::evidence::NotEnough;
use ide::rules::Severity;
use ide::summary::{Absent, Distribution, GcSummary, Known, RunSummary, SchedSummary, Trend};
use ide::{Diagnostic, Phase, clock, evidence, glimpse, lens, words};
use tracelog::blocks::Block;

#[cfg(test)]
pub(super) use self::to_json::SummaryJson;
use super::findings::{Asked, by_run, name};
use super::question::Question;
use super::select::Selection;
use super::terminal::{self, ID, TITLE, VALUE};
use super::visible::visible;
use super::{Exit, json};

/// Options of `summary`.
#[derive(clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    question: Question,

    /// Text for people, or one JSON object
    #[arg(long, value_enum, default_value_t = Format::Human)]
    format: Format,
}

#[derive(Clone, Copy, ValueEnum)]
enum Format {
    Human,
    Json,
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
                files.push(to_json::unreadable(error));
                return Ok(());
            }
        };
        let mut findings = asked.diagnostics();
        findings.retain(|found| found.severity > Severity::Hint);
        match args.format {
            Format::Human => write_file(&mut out, asked, selection, &findings)?,
            Format::Json => files.push(to_json::file(asked, &findings)),
        }
        Ok(())
    })?;
    out.flush()?;
    if let Format::Json = args.format {
        let mut out = BufWriter::new(io::stdout().lock());
        json::write_line(&to_json::all(selection, files), &mut out)?;
        out.flush()?;
    }
    Ok(exit)
}

fn write_file(out: &mut impl Write, asked: &Asked, selection: &Selection, findings: &[Diagnostic]) -> io::Result<()> {
    let name = visible(&asked.document.name);
    let summaries = asked.snapshot.parsed.as_ref().map_or(&[][..], |parsed| &parsed.analysis().summaries);
    if summaries.is_empty() {
        return writeln!(
            out,
            "{TITLE}{name}{TITLE:#}: {}\n",
            asked.nothing().unwrap_or("no line that tells of a process run")
        );
    }
    writeln!(out, "{TITLE}{name}{TITLE:#}: {}", visible(&lens::file_title(&asked.snapshot)))?;
    if selection.is_partial() {
        writeln!(out, "  selected: {selection}; all numbers are of that alone")?;
    }
    let findings = by_run(findings);
    let of = |run: Option<usize>| findings.get(&run).map_or(&[][..], Vec::as_slice);
    write_findings(out, asked, of(None))?;
    for summary in summaries {
        writeln!(out)?;
        write_run(out, asked, summary, of(Some(summary.run)))?;
    }
    if let Some(words) = asked.snapshot.parsed.as_deref().and_then(glimpse::to_record) {
        writeln!(out, "\n  {ID}{words}{ID:#}")?;
    }
    writeln!(out)
}

fn write_run(out: &mut impl Write, asked: &Asked, summary: &RunSummary, findings: &[&Diagnostic]) -> io::Result<()> {
    let lines = lines(asked, summary.lines);
    let (n_items, n_all) = asked.n_items(summary.run);
    let of_run = if n_items < n_all { format!(", {n_items} of its {n_all} trace lines") } else { String::new() };
    let go = summary.go.map_or("lines of several Go releases".to_owned(), |go| format!("Go {go}"));
    let toolchain = if summary.toolchain { ", printed by the Go toolchain" } else { "" };
    // People count runs from 1, as the outline does; in JSON a run is an id from 0.
    let run = summary.run + 1;
    writeln!(out, "  {TITLE}run {run}{TITLE:#}, {lines}{of_run}, {go}{toolchain}")?;
    if let Some(anchor) = clock::anchor(&asked.snapshot, summary.run) {
        row(out, "started", Ok(clock::moment(&anchor, 0.0)))?;
    }
    if let Some(gc) = &summary.gc {
        write_gc(out, gc)?;
    }
    if let Some(sched) = &summary.sched {
        write_sched(out, sched)?;
    }
    if let Some(memstats) = &summary.memstats {
        memstats::write(out, memstats)?;
    }
    if let Some(requests) = &summary.requests {
        writeln!(out, "    {TITLE}requests{TITLE:#}")?;
        for line in requests.in_words() {
            writeln!(out, "    {}", visible(&line))?;
        }
    }
    write_environment(out, asked, summary.run)?;
    write_phases(out, asked, summary.run)?;
    write_blocks(out, asked, summary.run)?;
    write_findings(out, asked, findings)?;
    if let Some(so_far) = &summary.so_far {
        writeln!(out, "    live heap {}", so_far.in_words())?;
    }
    for glimpse in &summary.glimpses {
        writeln!(out, "    so far: {}", glimpse.in_words())?;
    }
    if let Some(words) = evidence::not_enough_in_words(&not_enough(asked, summary.run)) {
        writeln!(out, "    {ID}{words}{ID:#}")?;
    }
    Ok(())
}

/// What leak rules lack in a run.
fn not_enough(asked: &Asked, run: usize) -> Vec<NotEnough> {
    asked.snapshot.parsed.as_ref().map_or_else(Vec::new, |parsed| evidence::not_enough(parsed, run))
}

/// Lines that are named for an item of the configuration.
const MAX_EVIDENCE: usize = 2;

/// The configuration as far as the log shows it, with the lines that show it.
fn write_environment(out: &mut impl Write, asked: &Asked, run: usize) -> io::Result<()> {
    let Some(parsed) = &asked.snapshot.parsed else { return Ok(()) };
    let of_run = parsed.analysis().environments.iter().find(|environment| environment.run == run);
    // The releases stand in the head of the run.
    for item in of_run.map(Environment::items).unwrap_or_default().iter().filter(|item| item.id != "go") {
        let shown = item.evidence.iter().take(MAX_EVIDENCE);
        let lines: Vec<String> = shown.map(|shown| asked.document.line_in_words(shown.line)).collect();
        let lines =
            if lines.is_empty() { String::new() } else { format!("  {ID}({}){ID:#}", visible(&lines.join(", "))) };
        match &item.value {
            Ok(value) => writeln!(out, "    {:15} {VALUE}{value}{VALUE:#}{lines}", item.name)?,
            Err(why) => writeln!(out, "    {:15} {ID}unknown: {why}{ID:#}{lines}", item.name)?,
        }
    }
    Ok(())
}

/// What changed in the run, and where.
fn write_phases(out: &mut impl Write, asked: &Asked, run: usize) -> io::Result<()> {
    for phase in phases(asked, run).iter().skip(1) {
        let line = asked.document.line_in_words(phase.begin);
        writeln!(out, "    {}: {}", visible(&line), lens::phase_title(phase))?;
    }
    Ok(())
}

/// The phases of a run; none where no level changes.
fn phases(asked: &Asked, run: usize) -> &[Phase] {
    let Some(parsed) = &asked.snapshot.parsed else { return &[] };
    let analysis = parsed.analysis();
    let of_run = analysis.summaries.iter().zip(&analysis.phases).find(|(summary, _)| summary.run == run);
    of_run.map_or(&[], |(_, phases)| phases)
}

/// Blocks of a run that are listed; the rest is a number.
const MAX_BLOCKS: usize = 8;

/// Dumps, profiles and the like, each in one line. Samples of the scheduler are in the numbers above.
fn write_blocks(out: &mut impl Write, asked: &Asked, run: usize) -> io::Result<()> {
    let Some(parsed) = &asked.snapshot.parsed else { return Ok(()) };
    let is_listed = |block: &&Block| block.run() == run && !matches!(block, Block::Sched(_));
    let listed: Vec<&Block> = parsed.blocks().list.iter().filter(is_listed).collect();
    for block in listed.iter().take(MAX_BLOCKS) {
        let line = asked.document.line_in_words(block.lines().0);
        writeln!(out, "    {}: {}", visible(&line), visible(&ide::blocks::title(&parsed.log, block)))?;
    }
    if listed.len() > MAX_BLOCKS {
        writeln!(out, "    and {} more dumps, profiles and reports", listed.len() - MAX_BLOCKS)?;
    }
    Ok(())
}

fn lines(asked: &Asked, (first, last): (u32, u32)) -> String {
    let document = &asked.document;
    if !document.is_joined() {
        return format!("lines {} to {}", first + 1, last + 1);
    }
    let [first, last] = [first, last].map(|line| document.line_in_words(line));
    format!("{} to {}", visible(&first), visible(&last))
}

fn write_gc(out: &mut impl Write, gc: &GcSummary) -> io::Result<()> {
    let missing = if gc.n_missing > 0 { format!(", {} missing", gc.n_missing) } else { String::new() };
    let (first, last) = gc.numbers;
    let numbers = if first == last { format!("gc {first}") } else { format!("gc {first} to gc {last}") };
    row(out, "GC cycles", Ok(format!("{}{missing}, {numbers}", gc.n_cycles)))?;
    row(out, "time", gc.span_s.map(span))?;
    row(out, "GC CPU", gc.cpu_share.map(|share| format!("{} of all processor time", words::percent(share))))?;
    row(out, "GC CPU printed", gc.printed_pct.map(|pct| format!("{} % since the start", words::number(pct))))?;
    row(out, "pauses", gc.pause_ms.as_ref().map(|pauses| distribution(pauses, " ms")).map_err(|absent| *absent))?;
    row(out, "live heap", gc.live_mb.as_ref().map(trend).map_err(|absent| *absent))?;
    row(out, "peak heap", gc.peak_mb.map(|mb| format!("{} MB", words::number(mb))))?;
    row(out, "last goal", gc.goal_mb.map(|mb| format!("{} MB", words::number(mb))))?;
    let allocation = |rate: f64| match rate {
        // Sizes are printed in whole MB.
        0.0 => "less than 1 MB a cycle".to_owned(),
        rate => format!("{} MB/s, median over cycles", words::number(rate)),
    };
    row(out, "allocation", gc.alloc_mb_per_s.map(allocation))?;
    if gc.n_forced + gc.n_timer > 0 {
        row(out, "forced", Ok(forced(gc)))?;
    }
    Ok(())
}

/// `30 by a call, 2 by the two-minute timer`.
fn forced(gc: &GcSummary) -> String {
    let started = [(gc.n_forced, "by a call"), (gc.n_timer, "by the two-minute timer")];
    let told = started.iter().filter(|(n, _)| *n > 0).map(|(n, by)| format!("{n} {by}"));
    told.collect::<Vec<_>>().join(", ")
}

fn write_sched(out: &mut impl Write, sched: &SchedSummary) -> io::Result<()> {
    let ends = |(first, last): (f64, f64)| (first.is_finite() && last.is_finite()).then_some((first, last));
    row(out, "sched samples", Ok(sched.n_samples.to_string()))?;
    row(out, "time", ends(sched.span_s).ok_or(Absent::TooFew).map(span))?;
    row(out, "busy", sched.busy.map(|share| format!("{} of the Ps, mean over samples", words::percent(share))))?;
    row(out, "runnable", sched.runnable.as_ref().map(|all| distribution(all, "")).map_err(|absent| *absent))?;
    let threads = ends(sched.threads).ok_or(Absent::NotPrinted);
    row(out, "threads", threads.map(|(first, last)| format!("{} → {}", words::number(first), words::number(last))))
}

/// A number with its name, or why there is none.
fn row(out: &mut impl Write, label: &str, value: Known<String>) -> io::Result<()> {
    match value {
        Ok(value) => writeln!(out, "    {label:15} {VALUE}{value}{VALUE:#}"),
        Err(absent) => writeln!(out, "    {label:15} {ID}- ({}){ID:#}", absent.reason()),
    }
}

fn span((first, last): (f64, f64)) -> String {
    if first == last {
        return format!("at {} s", words::number(first));
    }
    format!("{}, from {} s to {} s", words::span(last - first), words::number(first), words::number(last))
}

fn distribution(values: &Distribution, unit: &str) -> String {
    let [p50, p99, max] = [values.p50, values.p99, values.max].map(words::number);
    format!("p50 {p50}{unit}, p99 {p99}{unit}, max {max}{unit}")
}

fn trend(values: &Trend) -> String {
    let [first, last, low, high] = [values.first, values.last, values.range.0, values.range.1].map(words::number);
    if low == high {
        return format!("{first} MB");
    }
    format!("{first} → {last} MB, between {low} and {high} MB  {}", words::sparkline(&values.shape))
}

fn write_findings(out: &mut impl Write, asked: &Asked, findings: &[&Diagnostic]) -> io::Result<()> {
    for found in findings {
        let style = terminal::style_of(found.severity);
        let (severity, message) = (name(found.severity), visible(&found.message));
        let line = asked.document.line_in_words(found.loc.line);
        writeln!(out, "    {style}{severity}[{}]{style:#} {}: {message}", found.code, visible(&line))?;
    }
    Ok(())
}
