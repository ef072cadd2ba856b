//! Which items of a log are asked for: `--run`, `--from`, `--to`, `--family`.
//!
//! Times and cycles are those of a process, so a stretch is a stretch of each run by itself. Every row of a run has a
//! place on both scales, see [`ide::timeline::places`]. Both ends of a stretch belong to it.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use ide::timeline::places::{cycles, rows_of_runs, times};
use ide::words;
use schemars::JsonSchema;
use serde::Serialize;
use tracelog::{Family, Log, RowId, Runs};

use super::lines::ParsedItem;
use super::{Exit, FamilyArg, note, report, words_of};

/// What of a log is asked for.
#[derive(clap::Args, Default)]
pub(super) struct Selection {
    /// Only this process run, counted from 1 as `summary` shows them; may be given more than once. In JSON the same run
    /// has the id 0
    #[arg(long = "run", value_name = "N", value_parser = parse_run)]
    runs: Vec<usize>,

    /// Only from here on, in each run: a time since the process started (12.5s, 800ms, 1m30s) or a cycle (gc412)
    #[arg(long, value_name = "WHEN")]
    from: Option<When>,

    /// Only up to here, in each run, itself included: a time or a cycle
    #[arg(long, value_name = "WHEN")]
    to: Option<When>,

    /// Only items of this family, e.g. gc, sched, goroutine (`gotracelens fields` names all); may be given more than once
    #[arg(long, value_name = "FAMILY", hide_possible_values = true)]
    family: Vec<FamilyArg>,
}

/// A point in the life of a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum When {
    /// Time since the process started.
    Time(Duration),
    /// A garbage collection.
    Cycle(u64),
}

/// What of a log was asked for, as JSON tells it; null when nothing was left out.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Selection")]
pub(super) struct SelectionJson {
    /// Ids of the runs, from 0; empty for all.
    runs: Vec<usize>,
    /// Where each run begins: `12.5s` after the start of the process, or `gc412`; null for its first line.
    from: Option<String>,
    /// Where each run ends, itself included; null for its last line.
    to: Option<String>,
    /// Ids of families; empty for all.
    families: Vec<&'static str>,
}

impl Selection {
    /// Says what is wrong with the arguments together, if anything is.
    pub(super) fn refused(&self) -> Option<Exit> {
        let is_backwards = match (self.from, self.to) {
            (Some(When::Time(from)), Some(When::Time(to))) => from > to,
            (Some(When::Cycle(from)), Some(When::Cycle(to))) => from > to,
            _ => false,
        };
        let (Some(from), Some(to), true) = (self.from, self.to, is_backwards) else { return None };
        report(&format!("nothing is from {from} to {to}: the end comes before the start"));
        Some(Exit::Trouble)
    }

    /// Whether anything is left out.
    pub(super) fn is_partial(&self) -> bool {
        self.is_stretch() || !self.family.is_empty()
    }

    /// Whether rows are left out that are of a wanted family.
    fn is_stretch(&self) -> bool {
        !self.runs.is_empty() || self.from.is_some() || self.to.is_some()
    }

    /// The families that are asked for.
    pub(super) fn families(&self) -> Vec<Family> {
        if self.family.is_empty() {
            return Family::ALL.to_vec();
        }
        self.family.iter().map(|family| family.0).collect()
    }

    /// The items that are asked for in a log. Tells the user about runs that do not exist or do not tell the time; the
    /// name must be safe to show.
    pub(super) fn of(&self, name: &str, log: &Log, runs: &Runs) -> (Chosen, Exit) {
        let families = self.families();
        let is_wanted = Family::ALL.iter().map(|family| families.contains(family)).collect();
        if !self.is_stretch() {
            return (Chosen { is_wanted, rows: None }, Exit::Success);
        }
        let mut exit = Exit::Success;
        let n_runs = runs.list.len();
        for run in self.runs.iter().filter(|run| **run > n_runs) {
            report(&format!("select from \"{name}\": there is no run {run}; runs in it: {n_runs}"));
            exit = Exit::Trouble;
        }
        if n_runs == 0 && self.runs.is_empty() && log.has_items() {
            note(&format!("no line of \"{name}\" tells of a process run: nothing of it is selected"));
        }
        let mut rows = Vec::new();
        let mut untold = Untold::default();
        for (run, of_run) in runs.list.iter().zip(rows_of_runs(log, runs)) {
            if self.runs.is_empty() || self.runs.contains(&(run.number + 1)) {
                rows.extend(self.stretch(log, of_run, run.number + 1, &mut untold));
            }
        }
        untold.tell(name);
        rows.sort_unstable();
        (Chosen { is_wanted, rows: Some(rows) }, exit)
    }

    /// Those rows of a run that are asked for.
    fn stretch(&self, log: &Log, mut rows: Vec<RowId>, run: usize, untold: &mut Untold) -> Vec<RowId> {
        if self.from.is_none() && self.to.is_none() {
            return rows;
        }
        let times = times(log, &rows);
        let cycles = cycles(log, &rows);
        let bounds = [self.from, self.to];
        let is_asked = |kind: fn(&When) -> bool| bounds.iter().flatten().any(kind);
        if is_asked(|when| matches!(when, When::Time(_))) && times.iter().all(Option::is_none) {
            untold.times.push(run);
        }
        if is_asked(|when| matches!(when, When::Cycle(_))) && cycles.iter().all(Option::is_none) {
            untold.cycles.push(run);
        }
        let is_after = |bound: When, at: usize| match bound {
            When::Time(from) => times[at].is_some_and(|time| time >= from),
            When::Cycle(from) => cycles[at].is_some_and(|cycle| cycle >= from),
        };
        let is_before = |bound: When, at: usize| match bound {
            When::Time(to) => times[at].is_some_and(|time| time <= to),
            When::Cycle(to) => cycles[at].is_some_and(|cycle| cycle <= to),
        };
        let is_inside =
            |at: usize| self.from.is_none_or(|from| is_after(from, at)) && self.to.is_none_or(|to| is_before(to, at));
        let mut at = 0..rows.len();
        rows.retain(|_| at.next().is_some_and(is_inside));
        rows
    }

    /// What was asked for, as JSON tells it.
    pub(super) fn to_json(&self) -> Option<SelectionJson> {
        self.is_partial().then(|| SelectionJson {
            runs: self.runs.iter().map(|run| run - 1).collect(),
            from: self.from.map(|when| when.to_string()),
            to: self.to.map(|when| when.to_string()),
            families: self.family.iter().map(|family| family.0.def().id).collect(),
        })
    }
}

/// What was asked for, in words: `run 2, from 10s to gc412, family gc`.
impl fmt::Display for Selection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut words = Vec::new();
        if !self.runs.is_empty() {
            words.push(format!("run {}", words_of(self.runs.iter())));
        }
        match (self.from, self.to) {
            (Some(from), Some(to)) => words.push(format!("from {from} to {to}")),
            (Some(from), None) => words.push(format!("from {from}")),
            (None, Some(to)) => words.push(format!("to {to}")),
            (None, None) => {}
        }
        if !self.family.is_empty() {
            words.push(format!("family {}", words_of(self.family.iter().map(|family| family.0.def().id))));
        }
        f.write_str(&words.join(", "))
    }
}

/// Runs of which nothing can be told apart.
#[derive(Default)]
struct Untold {
    times: Vec<usize>,
    cycles: Vec<usize>,
}

impl Untold {
    fn tell(&self, name: &str) {
        for (runs, what) in [(&self.times, "time"), (&self.cycles, "GC number")] {
            match runs.as_slice() {
                [] => {}
                [run] => note(&format!("run {run} of \"{name}\" prints no {what}: nothing of it is selected")),
                [first, .., last] => note(&format!(
                    "{} of \"{name}\" (run {first} to {last}) print no {what}: nothing of them is selected",
                    words::count(runs.len(), "run")
                )),
            }
        }
    }
}

/// The items that were asked for.
pub(super) struct Chosen {
    /// By family: whether it was asked for.
    is_wanted: Vec<bool>,
    /// The rows, sorted; all when none.
    rows: Option<Vec<RowId>>,
}

impl Chosen {
    /// Whether an item was asked for. A piece of an item counts as the item.
    pub(super) fn has(&self, item: &ParsedItem) -> bool {
        self.has_row(item.family(), item.row)
    }

    /// Whether the item of a row was asked for.
    pub(super) fn has_row(&self, family: Family, row: Option<RowId>) -> bool {
        self.is_wanted[family as usize] && self.is_inside(row)
    }

    /// The runs of a log as far as they were asked for. Lines `GC forced` say something about cycles and stay with them.
    pub(super) fn part(&self, log: &Log, runs: &Runs) -> Runs {
        let is_of_family = |family: Family| {
            self.is_wanted[family as usize] || family == Family::GcForced && self.is_wanted[Family::Gc as usize]
        };
        runs.part(log, |row| is_of_family(row.family) && self.is_inside(Some(row)))
    }

    fn is_inside(&self, row: Option<RowId>) -> bool {
        let Some(rows) = &self.rows else { return true };
        row.is_some_and(|row| rows.binary_search(&row).is_ok())
    }
}

fn parse_run(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(0) => Err("runs are counted from 1; the id 0 of JSON output is run 1".to_owned()),
        Ok(run) => Ok(run),
        Err(_) => Err("expected a number, as `summary` shows it: 1".to_owned()),
    }
}

const EXPECTED: &str = "expected a time since the process started (12.5s, 800ms, 1m30s) or a cycle (gc412)";

impl FromStr for When {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let text = text.trim();
        if let Some(number) = text.strip_prefix("gc") {
            return number.trim_start().parse().map(Self::Cycle).map_err(|_| EXPECTED.to_owned());
        }
        if let Some(number) = text.strip_prefix('#').filter(|number| number.parse::<u64>().is_ok()) {
            return Err(format!("a cycle is written gc{number}"));
        }
        if text.parse::<f64>().is_ok() {
            return Err(format!("no unit: {text}s is a time, gc{text} a cycle"));
        }
        duration(text).map(Self::Time).ok_or_else(|| EXPECTED.to_owned())
    }
}

/// A duration as Go prints it: numbers with units, from large to small. None for anything else.
pub(super) fn duration(text: &str) -> Option<Duration> {
    const UNITS: [(&str, u64); 4] = [("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)];
    let mut total = Duration::ZERO;
    let mut rest = text;
    let mut left = UNITS.as_slice();
    while !rest.is_empty() {
        let (number, behind) = rest.split_at(rest.find(|character: char| character.is_ascii_alphabetic())?);
        let (unit, behind) =
            behind.split_at(behind.find(|character: char| !character.is_ascii_alphabetic()).unwrap_or(behind.len()));
        let at = left.iter().position(|(name, _)| *name == unit)?;
        total = total.checked_add(in_unit(number, left[at].1)?)?;
        left = &left[at + 1..];
        rest = behind;
    }
    (!text.is_empty()).then_some(total)
}

/// A decimal number of a unit of so many milliseconds, exact to the nanosecond.
fn in_unit(number: &str, unit_ms: u64) -> Option<Duration> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, "0"));
    let is_number = |digits: &str| !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    if !is_number(whole) || !is_number(fraction) || fraction.len() > 9 {
        return None;
    }
    let unit = Duration::from_millis(unit_ms);
    let parts = unit.as_nanos() * fraction.parse::<u128>().ok()? / 10_u128.pow(fraction.len() as u32);
    let whole = Duration::from_millis(whole.parse::<u64>().ok()?.checked_mul(unit_ms)?);
    whole.checked_add(Duration::from_nanos(u64::try_from(parts).ok()?))
}

impl fmt::Display for When {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Time(time) => write!(f, "{}s", time.as_secs_f64()),
            Self::Cycle(number) => write!(f, "gc{number}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_times_and_cycles() {
        for (text, shown) in [
            ("12.5s", "12.5s"),
            ("800ms", "0.8s"),
            ("1m30s", "90s"),
            ("1h0m0.25s", "3600.25s"),
            ("1.5m", "90s"),
            ("0s", "0s"),
            ("2s7ms", "2.007s"),
            (" 0.031s ", "0.031s"),
            ("gc412", "gc412"),
            ("gc 412", "gc412"),
        ] {
            assert_eq!(text.parse::<When>().unwrap().to_string(), shown, "{text}");
        }
    }

    #[test]
    fn says_what_was_expected() {
        for text in
            ["", "s", "-5s", "1.s", ".5s", "5x", "5s 3", "1s1m", "1s1s", "gc", "gc-1", "gc1.5", "#x", "1e3s", "µs"]
        {
            assert_eq!(text.parse::<When>().unwrap_err(), EXPECTED, "{text}");
        }
        assert!("99999999999999999999h".parse::<When>().is_err());
        assert!("18446744073709551615h".parse::<When>().is_err());
        assert_eq!("412".parse::<When>().unwrap_err(), "no unit: 412s is a time, gc412 a cycle");
        assert_eq!("#412".parse::<When>().unwrap_err(), "a cycle is written gc412");
        assert_eq!(parse_run("0").unwrap_err(), "runs are counted from 1; the id 0 of JSON output is run 1");
        assert!(parse_run("-1").is_err() && parse_run("x").is_err());
        assert_eq!(parse_run("7"), Ok(7));
    }

    const LOG: &str = "\
scvg0: inuse: 4, idle: 58, sys: 63, released: 58, consumed: 4 (MB)
SCHED 0ms: gomaxprocs=4 idleprocs=0 threads=7 spinningthreads=0 idlethreads=1 runqueue=12 [3 0 4 1]
gc 7 @0.031s 4%: 0.022+0.27+0.040 ms clock, 0.18+0.10/0.41/0.066+0.32 ms cpu, 4->4->0 MB, 5 MB goal, 8 P
scvg0: inuse: 4, idle: 58, sys: 63, released: 58, consumed: 4 (MB)
GC forced
gc 8 @120.045s 3%: 0.10+1.0+10 ms clock, 0.80+0/0.41/0.90+80 ms cpu, 4->4->1 MB, 5 MB goal, 8 P
SCHED 120040ms: gomaxprocs=4 idleprocs=0 threads=7 spinningthreads=0 idlethreads=1 runqueue=12 [3 0 4 1]
scvg0: inuse: 4, idle: 58, sys: 63, released: 58, consumed: 4 (MB)
gc 9 @121.000s 3%: 0.10+1.0+10 ms clock, 0.80+0/0.41/0.90+80 ms cpu, 4->4->1 MB, 5 MB goal, 8 P
";

    fn chosen(from: &str, to: &str) -> Vec<u32> {
        chosen_of(LOG, from, to)
    }

    /// Lines of a log, from 1, that are chosen.
    fn chosen_of(log: &str, from: &str, to: &str) -> Vec<u32> {
        let when = |text: &str| (!text.is_empty()).then(|| text.parse().unwrap());
        let selection = Selection { runs: Vec::new(), from: when(from), to: when(to), family: Vec::new() };
        let log = Log::read(log.as_bytes());
        let (chosen, exit) = selection.of("log", &log, &Runs::of(&log));
        assert_eq!(exit, Exit::Success);
        let rows = Family::ALL.iter().flat_map(|family| log.rows(*family));
        let mut lines: Vec<u32> =
            rows.filter(|row| chosen.is_inside(Some(*row))).map(|row| log.line(row) + 1).collect();
        lines.sort_unstable();
        lines
    }

    #[test]
    fn every_row_of_a_run_has_a_time() {
        assert_eq!(chosen("0s", "31ms"), [1, 2, 3, 4], "a row without a time has that of the row before it");
        assert_eq!(chosen("31ms", "2m"), [3, 4]);
        assert_eq!(chosen("2m0.041s", "2m0.045s"), [5, 6], "GC forced goes with the cycle it announces");
        assert_eq!(chosen("", "2m0.04s"), [1, 2, 3, 4, 7, 8], "a cycle is dated by its start");
        assert_eq!(chosen("3m", ""), [0; 0]);
    }

    #[test]
    fn a_dump_goes_with_the_run_that_printed_it() {
        let dump = "goroutine 1 [running]:\nmain.main()\n\t/src/main.go:7 +0x1d\n";
        let lines: Vec<&str> = LOG.split_inclusive('\n').collect();
        let log = format!("{dump}{}{dump}{}", lines[..3].concat(), lines[5]);
        assert_eq!(chosen_of(&log, "", "gc6"), [1, 2, 3, 4, 5], "what stands in front of all lines of a run");
        assert_eq!(chosen_of(&log, "gc7", "gc7"), [6, 7, 8, 9]);
        assert_eq!(chosen_of(&log, "gc8", ""), [10]);
        assert_eq!(chosen_of(dump, "0s", ""), [0; 0]);
    }

    #[test]
    fn what_go_prints_of_a_cycle_before_its_line_goes_with_it() {
        const PACED: &str = "\
init internal/bytealg @0.008 ms, 0 ms clock, 0 bytes, 0 allocs
pacer: assist ratio=+1.000000e+000 (scan 0 MB in 4->5 MB) workers=1++2.500000e-001
pacer: sweep done at heap size 0MB; allocated 0MB during sweep; swept 12 pages at +0.000000e+000 pages/byte
gc 1 @0.031s 4%: 0.022+0.27+0.040 ms clock, 0.18+0.10/0.41/0.066+0.32 ms cpu, 4->4->0 MB, 5 MB goal, 8 P
pacer: assist ratio=+1.000000e+000 (scan 0 MB in 4->5 MB) workers=1++2.500000e-001
";
        assert_eq!(chosen_of(PACED, "gc1", ""), [2, 3, 4, 5]);
        assert_eq!(chosen_of(PACED, "", "gc0"), [1]);
        assert_eq!(chosen_of(PACED, "", "0.008ms"), [1]);
    }

    #[test]
    fn every_row_of_a_run_has_a_cycle() {
        assert_eq!(chosen("gc8", "gc8"), [5, 6, 7, 8]);
        assert_eq!(chosen("", "gc6"), [1, 2], "what stands before the first cycle");
        assert_eq!(chosen("gc7", "2m0.044s"), [3, 4, 7, 8]);
        assert_eq!(chosen("gc10", ""), [0; 0]);
    }
}
