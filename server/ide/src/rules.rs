//! The rules: what is looked for in a log, one file each.
//!
//! The head comment of a rule's file is its manual page; `cargo xtask codegen` puts it into the documentation, and
//! `gotracelens explain` prints it from there. The list below is the registry: one line per rule.

mod alloc_burst;
mod assist_dominant;
mod assist_ratio_high;
mod blocked_forever;
mod concurrent_map;
mod count_growth;
mod crash_loop_growth;
mod data_race;
mod deadlock;
#[cfg(test)]
pub(crate) mod detail_fixture;
pub mod evidence;
mod fatal;
mod fatal_other;
#[cfg(test)]
pub(crate) mod fixture;
mod forced_gc_storm;
mod forced_scavenge;
mod gc_back_to_back;
mod gc_cost_rising;
mod gc_cpu_high;
mod gc_number_gap;
mod goal_overshoot;
mod gogc_inferred;
mod gomaxprocs_change;
mod goroutine_count_leak;
mod goroutine_hogs_p;
mod goroutine_leaked;
mod goroutine_stack_growth;
mod goroutines;
mod group_grows;
mod group_large;
pub(crate) mod growth;
mod heap_site_growth;
mod heap_spike;
mod heap_underused;
mod idle_while_runnable;
mod imbalance;
mod init_heavy_alloc;
mod interleaved_processes;
pub(crate) mod killed_from_outside;
mod latency_in_gc;
mod latency_not_gc;
mod leak_check_gc;
mod live_heap_compounding;
mod live_heap_growth_slowing;
mod live_heap_leak;
mod live_heap_step;
mod lock_pile_up;
mod locked_threads;
mod long_mark;
mod long_wait;
pub(crate) mod machine;
mod mark_starved;
mod mark_termination_slow;
pub(crate) mod memory_limit_active;
pub(crate) mod memory_limit_thrash;
mod no_thread;
mod out_of_memory;
mod p_mismatch;
mod pacer_missed;
mod panic;
mod pass;
mod percent_misleads;
mod phase;
mod point;
mod restart_in_log;
mod roots_dominate;
mod rss_retained;
mod run_queue_growing;
mod run_queue_saturated;
mod sample_late;
mod samples;
mod scan_estimate_off;
mod scavenge_churn;
mod scavenge_eager;
mod sigquit;
mod slow_init;
pub(crate) mod slow_requests;
mod small_heap_churn;
mod spinning_churn;
mod stack_deep;
mod stack_overflow;
mod stop_is_slow;
mod stw_long;
mod stw_outlier;
mod syscall_threads;
mod test_leak;
mod thread_growth;
mod thread_limit;
mod threads_blocked;
mod throttling_signature;
mod time_jump;
mod timer_gc;
mod timer_growth;
mod torn_line;
mod unknown_dialect;
mod work_shortage;
pub(crate) mod world_not_stopping;

use tracelog::{Blocks, Field, Lines, Log, Runs};

use self::evidence::{Confidence, Declined, Test};
pub use self::growth::so_far::SoFar;
pub use self::pass::pass;
use crate::settings::Preset;
use crate::view::RunView;

/// All rules, in the order of their codes.
pub static RULES: &[&Rule] = &[
    &deadlock::RULE,
    &out_of_memory::RULE,
    &stack_overflow::RULE,
    &thread_limit::RULE,
    &concurrent_map::RULE,
    &sigquit::RULE,
    &panic::RULE,
    &fatal_other::RULE,
    &data_race::RULE,
    &no_thread::RULE,
    &killed_from_outside::RULE,
    &live_heap_leak::RULE,
    &live_heap_growth_slowing::RULE,
    &live_heap_step::RULE,
    &goroutine_stack_growth::RULE,
    &heap_spike::RULE,
    &roots_dominate::RULE,
    &live_heap_compounding::RULE,
    &crash_loop_growth::RULE,
    &heap_site_growth::RULE,
    &gc_cpu_high::RULE,
    &gc_back_to_back::RULE,
    &small_heap_churn::RULE,
    &assist_dominant::RULE,
    &mark_starved::RULE,
    &percent_misleads::RULE,
    &gc_cost_rising::RULE,
    &stw_long::RULE,
    &stw_outlier::RULE,
    &stop_is_slow::RULE,
    &mark_termination_slow::RULE,
    &throttling_signature::RULE,
    &long_mark::RULE,
    &goal_overshoot::RULE,
    &memory_limit_active::RULE,
    &memory_limit_thrash::RULE,
    &gogc_inferred::RULE,
    &alloc_burst::RULE,
    &forced_gc_storm::RULE,
    &timer_gc::RULE,
    &leak_check_gc::RULE,
    &scavenge_eager::RULE,
    &scavenge_churn::RULE,
    &heap_underused::RULE,
    &rss_retained::RULE,
    &forced_scavenge::RULE,
    &assist_ratio_high::RULE,
    &pacer_missed::RULE,
    &scan_estimate_off::RULE,
    &latency_not_gc::RULE,
    &latency_in_gc::RULE,
    &goroutine_leaked::RULE,
    &group_large::RULE,
    &long_wait::RULE,
    &group_grows::RULE,
    &blocked_forever::RULE,
    &lock_pile_up::RULE,
    &syscall_threads::RULE,
    &stack_deep::RULE,
    &test_leak::RULE,
    &slow_init::RULE,
    &init_heavy_alloc::RULE,
    &restart_in_log::RULE,
    &gc_number_gap::RULE,
    &interleaved_processes::RULE,
    &time_jump::RULE,
    &torn_line::RULE,
    &unknown_dialect::RULE,
    &run_queue_saturated::RULE,
    &run_queue_growing::RULE,
    &imbalance::RULE,
    &idle_while_runnable::RULE,
    &thread_growth::RULE,
    &threads_blocked::RULE,
    &spinning_churn::RULE,
    &work_shortage::RULE,
    &goroutine_count_leak::RULE,
    &gomaxprocs_change::RULE,
    &p_mismatch::RULE,
    &sample_late::RULE,
    &goroutine_hogs_p::RULE,
    &world_not_stopping::RULE,
    &locked_threads::RULE,
    &timer_growth::RULE,
];

/// How bad a finding is. Maps to the four LSP severities.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// For further lines of a point rule and for remarks.
    Hint,
    /// Worth knowing.
    Info,
    /// Worth acting on.
    Warning,
    /// Only for what catalogue section 0 allows.
    Error,
}

/// A rule: its names, its limits and its test.
#[derive(Debug)]
pub struct Rule {
    /// Permanent code, e.g. `GC101`.
    pub code: &'static str,
    /// Name used in settings, e.g. `live-heap-leak`; the file is the slug in `snake_case`.
    pub slug: &'static str,
    /// One line for lists.
    pub title: &'static str,
    /// The highest severity it publishes with default settings.
    pub severity: Severity,
    /// What its findings are about.
    pub kind: Kind,
    /// Fields whose values it judges; findings are about one of them.
    pub reads: &'static [Field],
    /// Numbers a user may change.
    pub limits: &'static [Limit],
    /// The test.
    pub check: Check,
}

/// The rule with this code or slug, in any case.
pub fn named(name: &str) -> Option<&'static Rule> {
    let is_it = |rule: &&Rule| rule.code.eq_ignore_ascii_case(name) || rule.slug.eq_ignore_ascii_case(name);
    RULES.iter().copied().find(is_it)
}

/// The rule whose code or slug looks most like this.
pub fn nearest(name: &str) -> &'static Rule {
    let name = name.to_lowercase();
    let likeness = |known: &str| strsim::jaro_winkler(&name, &known.to_lowercase());
    let of_rule = |rule: &Rule| likeness(rule.code).max(likeness(rule.slug));
    let nearest = RULES.iter().copied().max_by(|a, b| of_rule(a).total_cmp(&of_rule(b)));
    nearest.expect("there are rules")
}

/// Codes of the rules that find what is never given back: heap, stacks, goroutines.
pub const LEAKS: [&str; 6] = ["GC101", "GC104", "GC107", "GC108", "GR101", "SC110"];

/// What the findings of a rule are about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Single lines or short stretches.
    Point,
    /// How a run develops. The preset `quiet` keeps the warnings of these.
    Trend,
    /// Like `Point`, and not looked for unless a setting gives the rule a level.
    Off,
}

/// What a rule looks at.
#[derive(Debug)]
pub enum Check {
    /// One process run at a time.
    Run(fn(&RunView, &Limits, &mut Findings)),
    /// The whole log: restarts, mixtures, damaged lines.
    Log(fn(&LogView, &Limits, &mut Findings)),
    /// The whole log with its dumps, profiles and messages, whose texts stand in no view.
    Blocks(fn(&BlocksView<'_>, &Limits, &mut Findings)),
}

/// What rules about dumps, profiles and messages read.
#[derive(Clone, Copy)]
pub struct BlocksView<'a> {
    /// Rows and their values.
    pub log: &'a Log,
    /// Which rows belong together.
    pub runs: &'a Runs,
    /// Dumps, profiles, samples of the scheduler, data races.
    pub blocks: &'a Blocks,
    /// The text, for what is no value.
    pub lines: &'a dyn Lines,
    /// The series of the runs.
    pub view: &'a LogView,
}

/// A number of a rule that a setting may change.
#[derive(Debug)]
pub struct Limit {
    /// Name under the rule's slug, e.g. `min_cycles`.
    pub name: &'static str,
    /// Its value when nobody changes it.
    pub default: f64,
    /// Its value in the preset `latency`, where that differs.
    pub latency: Option<f64>,
    /// Unit as shown to people.
    pub unit: &'static str,
    /// What it does, one sentence.
    pub doc: &'static str,
}

/// Short form for a rule file's list.
pub(crate) const fn limit(name: &'static str, default: f64, unit: &'static str, doc: &'static str) -> Limit {
    Limit { name, default, latency: None, unit, doc }
}

impl Limit {
    /// With this value in the preset `latency`, which asks half as much of pauses and scheduling.
    pub(crate) const fn in_latency(self, value: f64) -> Self {
        Self { latency: Some(value), ..self }
    }
}

/// A place as rules name it: the editor's range is found later, by reading the line again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// Line in the document, from 0.
    pub line: u32,
    /// The field to underline; the whole item when none.
    pub field: Option<Field>,
}

/// A second place that belongs to a finding.
#[derive(Clone, Debug, PartialEq)]
pub struct Related {
    /// Where.
    pub place: Place,
    /// What is seen there, a few words with numbers.
    pub text: String,
}

/// A rule's result.
#[derive(Clone, Debug)]
pub struct Finding {
    /// The rule.
    pub rule: &'static Rule,
    /// How bad it is here.
    pub severity: Severity,
    /// Number of the run, from 0; none for findings about the whole log.
    pub run: Option<usize>,
    /// Numbers of all its runs, where it is about several of them together.
    pub runs: Vec<usize>,
    /// Where it is shown: the worst line of a point rule, the line where a trend first had enough evidence.
    pub place: Place,
    /// Number first, baseline second, meaning third, no instructions.
    pub message: String,
    /// First, worst and last line used.
    pub related: Vec<Related>,
    /// Further lines of a point rule, worst first; at most 20 are published, as Hint.
    pub further: Vec<Place>,
    /// How many lines it fired on, itself included.
    pub count: usize,
    /// The numbers of the message and the evidence, by name with unit, for machines.
    pub numbers: Vec<(&'static str, f64)>,
    /// The conditions that it met.
    pub test: Test,
    /// How sure it is, where that differs from case to case.
    pub confidence: Option<Confidence>,
    /// The finding whose story this one is part of, by its rule and place; set when findings of a run are put together.
    pub part_of: Option<(&'static Rule, Place)>,
}

impl Finding {
    /// How much it says about a whole run or log; the greatest is told first. Of equally bad ones that is how a process
    /// ended, then leaks, then how it develops or who keeps it from stopping, then single places from the first on.
    pub(crate) fn weight(&self) -> impl Ord + use<> {
        let told = match self.rule.code {
            code if code.starts_with("FT") => 3,
            code if LEAKS.contains(&code) => 2,
            // It names the goroutine behind the pauses of other findings.
            "SC116" => 1,
            _ => u8::from(self.rule.kind == Kind::Trend),
        };
        (self.severity, told, std::cmp::Reverse(self.place.line))
    }

    /// The number with this name.
    pub(crate) fn number(&self, name: &str) -> Option<f64> {
        self.numbers.iter().find(|(known, _)| *known == name).map(|(_, number)| *number)
    }

    /// A finding of a rule with nothing in it yet: its severity is the rule's, it fired once.
    pub fn about(rule: &'static Rule) -> Self {
        Self {
            rule,
            severity: rule.severity,
            run: None,
            runs: Vec::new(),
            place: Place { line: 0, field: None },
            message: String::new(),
            related: Vec::new(),
            further: Vec::new(),
            count: 1,
            numbers: Vec::new(),
            test: Test::default(),
            confidence: None,
            part_of: None,
        }
    }
}

/// The limits of one rule: defaults, with the user's changes over them.
#[derive(Clone, Copy, Debug)]
pub struct Limits<'a> {
    /// The rule's own list.
    pub declared: &'static [Limit],
    /// What the user changed, by name.
    pub changed: &'a [(String, f64)],
    /// Memory the process may use, MB, where known.
    pub memory_limit_mb: Option<f64>,
    /// CPUs the process may use, where known.
    pub cpu_limit: Option<f64>,
    /// Which defaults hold for what was not changed.
    pub preset: Preset,
}

impl Limits<'_> {
    /// The declared limits of a rule, as if nobody had set anything.
    pub(crate) const fn defaults(declared: &'static [Limit]) -> Self {
        Self { declared, changed: &[], memory_limit_mb: None, cpu_limit: None, preset: Preset::Default }
    }

    /// The value of a limit. Asking for a name that the rule does not declare is a defect; it answers NaN.
    pub fn get(&self, name: &str) -> f64 {
        if let Some((_, value)) = self.changed.iter().find(|(changed, _)| changed == name) {
            return *value;
        }
        let declared = self.declared.iter().find(|limit| limit.name == name);
        debug_assert!(declared.is_some(), "limit {name} is not declared");
        declared.map_or(f64::NAN, |limit| match self.preset {
            Preset::Latency => limit.latency.unwrap_or(limit.default),
            Preset::Default | Preset::Quiet => limit.default,
        })
    }
}

/// Collects what rules find.
#[derive(Debug, Default)]
pub struct Findings {
    list: Vec<Finding>,
    declined: Vec<Declined>,
}

impl Findings {
    /// Adds a finding.
    pub fn push(&mut self, finding: Finding) {
        let is_read = |field| finding.rule.reads.contains(&field);
        debug_assert!(
            finding.place.field.is_none_or(is_read),
            "{} is about a field it does not read",
            finding.rule.code
        );
        debug_assert!(finding.severity <= finding.rule.severity, "{} is worse than its page says", finding.rule.code);
        self.list.push(finding);
    }

    /// Adds a finding, where there is one.
    pub(crate) fn extend(&mut self, finding: Option<Finding>) {
        if let Some(finding) = finding {
            self.push(finding);
        }
    }

    /// Keeps why a rule found nothing in a run, or in the log: for rules of which people ask "why not".
    pub fn declined(&mut self, rule: &'static Rule, run: Option<usize>, test: Test) {
        debug_assert!(!test.holds(), "{} declines although all it asks holds", rule.code);
        self.declined.push(Declined { rule, run, test });
    }

    /// Adds what was found and declined elsewhere, behind what is here.
    fn append(&mut self, other: Self) {
        self.list.extend(other.list);
        self.declined.extend(other.declined);
    }

    /// All findings so far, in the order they were made.
    pub fn into_vec(self) -> Vec<Finding> {
        self.list
    }

    /// The findings, and what was declined.
    pub fn into_parts(self) -> (Vec<Finding>, Vec<Declined>) {
        (self.list, self.declined)
    }
}

/// What rules about the log as a whole read.
#[derive(Debug, Default)]
pub struct LogView {
    /// All runs, in the order in which they start.
    pub runs: Vec<RunView>,
    /// Lines that broke off or were broken into, in order.
    pub torn: Vec<Torn>,
    /// Lines that begin like a known family and go on like none of its shapes, in order.
    pub unknown: Vec<Unknown>,
}

impl LogView {
    /// Where the run with this number stands among the runs; none where it was left out.
    pub(crate) fn index_of(&self, number: usize) -> Option<usize> {
        // Runs that are left out leave the others in the order of their numbers.
        self.runs.binary_search_by_key(&number, |run| run.run).ok()
    }
}

/// A line that begins as a known shape and breaks off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Torn {
    /// The line of the head, or of the tail where the head is lost.
    pub line: u32,
    /// The line of the rest, where it was found and joined.
    pub tail: Option<u32>,
    /// What it is.
    pub family: tracelog::Family,
    /// The last field that was read before the tear.
    pub last_field: Option<Field>,
}

/// A line with a known head and an unknown continuation that is not a tear.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unknown {
    /// The line.
    pub line: u32,
    /// What it begins like.
    pub family: tracelog::Family,
    /// The last field that was read.
    pub last_field: Option<Field>,
}

#[cfg(test)]
mod tests {
    use super::fixture::{GcLine, findings_in_blocks, findings_with, gc_lines, sched_lines, view};
    use super::*;

    #[test]
    fn codes_and_slugs_are_unique_and_in_order() {
        let codes: Vec<&str> = RULES.iter().map(|rule| rule.code).collect();
        assert!(codes.is_sorted_by(|a, b| a < b), "{codes:?}");
        let mut slugs: Vec<&str> = RULES.iter().map(|rule| rule.slug).collect();
        slugs.sort_unstable();
        slugs.dedup();
        assert_eq!(slugs.len(), RULES.len());
    }

    #[test]
    fn no_limit_that_a_user_may_set_makes_a_rule_panic() {
        let cycles = gc_lines(60, |idx| GcLine {
            n: idx + 1 + idx / 30,
            at_s: idx as f64 / 4.0,
            clock_ms: [12.0, 200.0, 0.1],
            cpu_ms: [40.0, 300.0],
            heap_mb: [60, 61 + 300 * (idx % 20 / 19), 30 + idx / 2, 60],
            ..GcLine::default()
        });
        let dump = "fatal error: all goroutines are asleep - deadlock!\n\ngoroutine 1 [chan receive, 61 minutes]:\n\
                    main.main()\n\t/src/main.go:7 +0x20\nexit status 2\n";
        let text = cycles + &sched_lines(40, 2, 0.1, |idx| (0, 3 * idx)) + dump;
        let log = view(&text);
        for rule in RULES {
            let check = |changed: &[(String, f64)]| match rule.check {
                Check::Blocks(_) => {
                    findings_in_blocks(rule, &text, &Limits { changed, ..Limits::defaults(rule.limits) })
                }
                Check::Run(_) | Check::Log(_) => findings_with(rule, &log, changed),
            };
            for value in [0.0, -1.0, 0.5, 1e12, f64::INFINITY] {
                let changed: Vec<(String, f64)> =
                    rule.limits.iter().map(|limit| (limit.name.to_owned(), value)).collect();
                check(&changed);
                for one in &changed {
                    check(std::slice::from_ref(one));
                }
            }
        }
    }
}
