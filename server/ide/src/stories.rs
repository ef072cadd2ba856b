//! Findings of one run that are one story: one is told first, the others are part of it.
//!
//! A leak of goroutines shows in the live heap, in the stacks and in the counts of a scheduler trace. Said three times
//! it is noise, said once with the others as its evidence it is a case.

use crate::rules::{Finding, Related, Rule, Severity};

/// A story: what is told first, and what is part of it. Of several firsts the one that stands first here is told.
struct Story {
    first: &'static [&'static str],
    parts: &'static [&'static str],
    /// What joins them.
    joined_by: JoinedBy,
}

/// What findings of one story have in common.
#[derive(Clone, Copy, PartialEq)]
enum JoinedBy {
    /// Their run. What is worse than the first is not part of it.
    Run,
    /// The runs that the first is about. It is as bad as the worst of its parts.
    Runs,
    /// Their place, where each is about that one alone. What is worse than the first is not part of it.
    Place,
}

impl Story {
    const fn of_run(first: &'static [&'static str], parts: &'static [&'static str]) -> Self {
        Self { first, parts, joined_by: JoinedBy::Run }
    }
}

/// All stories; what is part of an earlier one is not part of a later one.
const STORIES: [Story; 7] = [
    // The live heap grows; goroutines, timers and the cost of marking grow with it.
    Story::of_run(&["GC101", "GC107"], &["GC102", "GC104", "GC107", "GC207", "SC110", "SC118", "GR104"]),
    // Under a memory limit that is too small the collector takes the processors, by every road at once.
    Story::of_run(&["GC403"], &["GC402", "GC201", "GC202", "GC204", "GC601"]),
    // Threads become more because those that there are block.
    Story::of_run(&["SC106"], &["SC105", "GR107"]),
    // What it died of.
    Story::of_run(&["FT111", "FT102"], &["GC101", "GC102", "GC104", "GC107"]),
    // It dies again and again, of the same.
    Story { first: &["GC108"], parts: &["FT111", "GC101", "GC102", "GC104", "GC107"], joined_by: JoinedBy::Runs },
    // Many wait at one place, and for long: the worse of the two is told, else how many they are.
    Story { first: &["GR102"], parts: &["GR103"], joined_by: JoinedBy::Place },
    Story { first: &["GR103"], parts: &["GR102"], joined_by: JoinedBy::Place },
];

/// Puts findings together. What is part of a story is Info at most, unless it is an error or `is_leveled`: the user said
/// how bad findings of its rule are.
pub(crate) fn join(findings: &mut [Finding], is_leveled: impl Fn(&Rule) -> bool) {
    for story in &STORIES {
        let firsts: Vec<usize> = (0..findings.len()).filter(|&idx| is_first(story, findings, idx)).collect();
        for first in firsts {
            tell(story, findings, first, &is_leveled);
        }
    }
}

/// Whether a finding is one that a story begins with; of one run there is one.
fn is_first(story: &Story, findings: &[Finding], idx: usize) -> bool {
    let rank = |finding: &Finding| story.first.iter().position(|code| *code == finding.rule.code);
    if story.joined_by != JoinedBy::Run {
        return rank(&findings[idx]).is_some();
    }
    let of_run = |other: &&Finding| other.run.is_some() && other.run == findings[idx].run;
    let best = findings.iter().filter(of_run).filter_map(|other| Some((rank(other)?, other.place.line))).min();
    best.is_some_and(|best| rank(&findings[idx]).map(|rank| (rank, findings[idx].place.line)) == Some(best))
}

impl Story {
    /// Whether a finding is part of the story that begins with this one.
    fn has_part(&self, first: &Finding, other: &Finding) -> bool {
        let is_its_own_first =
            first.part_of.is_some_and(|(rule, place)| rule.code == other.rule.code && place == other.place);
        let is_joined = match self.joined_by {
            JoinedBy::Run => other.run == first.run && other.severity <= first.severity,
            JoinedBy::Runs => other.run.is_some_and(|run| first.runs.contains(&run)),
            JoinedBy::Place => {
                let is_about_one = |finding: &Finding| finding.number("places").is_none_or(|n| n <= 1.0);
                let are_about_one = is_about_one(first) && is_about_one(other);
                other.place == first.place && are_about_one && other.severity <= first.severity
            }
        };
        self.parts.contains(&other.rule.code) && other.part_of.is_none() && is_joined && !is_its_own_first
    }
}

fn tell(story: &Story, findings: &mut [Finding], first: usize, is_leveled: &impl Fn(&Rule) -> bool) {
    let Finding { rule, place, severity: mut worst, .. } = findings[first];
    let is_part = |idx: &usize| *idx != first && story.has_part(&findings[first], &findings[*idx]);
    let parts: Vec<usize> = (0..findings.len()).filter(is_part).collect();
    let mut related = Vec::new();
    for idx in parts {
        let finding = &mut findings[idx];
        worst = worst.max(finding.severity);
        finding.part_of = Some((rule, place));
        if finding.severity == Severity::Warning && !is_leveled(finding.rule) {
            finding.severity = Severity::Info;
        }
        related.push(Related { place: finding.place, text: format!("{}: {}", finding.rule.code, finding.message) });
    }
    if !is_leveled(rule) {
        findings[first].severity = worst;
    }
    findings[first].related.extend(related);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::{Place, RULES};

    fn finding(code: &str, run: Option<usize>, line: u32, severity: Severity) -> Finding {
        let rule = RULES.iter().find(|rule| rule.code == code).unwrap();
        let (place, message) = (Place { line, field: None }, format!("{line} seen."));
        Finding { run, place, severity, message, ..Finding::about(rule) }
    }

    /// Code, severity and what it is part of, one a finding.
    fn joined(mut findings: Vec<Finding>) -> Vec<String> {
        join(&mut findings, |rule| rule.code == "GC207");
        let words = |finding: &Finding| {
            let part_of =
                finding.part_of.map_or_else(String::new, |(rule, place)| format!(" of {}:{}", rule.code, place.line));
            format!("{} {:?}{part_of}", finding.rule.code, finding.severity)
        };
        findings.iter().map(words).collect()
    }

    #[test]
    fn growth_is_told_once() {
        let run = |code, line| finding(code, Some(0), line, Severity::Warning);
        let told = joined(vec![run("GC104", 3), run("GC101", 7), run("GC207", 8), run("GC301", 9)]);
        assert_eq!(told, ["GC104 Info of GC101:7", "GC101 Warning", "GC207 Warning of GC101:7", "GC301 Warning"]);
    }

    #[test]
    fn the_parts_are_related_places_of_the_first() {
        let mut findings =
            vec![finding("GC107", Some(0), 4, Severity::Warning), finding("GC104", Some(0), 5, Severity::Warning)];
        join(&mut findings, |_| false);
        let related: Vec<(u32, &str)> =
            findings[0].related.iter().map(|related| (related.place.line, &*related.text)).collect();
        assert_eq!(related, [(5, "GC104: 5 seen.")]);
    }

    #[test]
    fn errors_stay_errors_and_runs_stay_apart() {
        let told = joined(vec![
            finding("GC403", Some(1), 2, Severity::Error),
            finding("GC402", Some(1), 3, Severity::Error),
            finding("GC402", Some(2), 4, Severity::Warning),
            finding("GC402", None, 5, Severity::Warning),
        ]);
        assert_eq!(told, ["GC403 Error", "GC402 Error of GC403:2", "GC402 Warning", "GC402 Warning"]);
    }

    #[test]
    fn a_warning_is_not_hidden_in_a_remark() {
        let told =
            joined(vec![finding("GC101", Some(0), 2, Severity::Warning), finding("FT111", Some(0), 9, Severity::Info)]);
        assert_eq!(told, ["GC101 Warning", "FT111 Info"]);
    }

    #[test]
    fn what_it_died_of_is_part_of_its_end() {
        let told = joined(vec![
            finding("GC101", Some(0), 2, Severity::Warning),
            finding("GC104", Some(0), 3, Severity::Warning),
            finding("FT111", Some(0), 9, Severity::Error),
        ]);
        assert_eq!(told, ["GC101 Info of FT111:9", "GC104 Info of GC101:2", "FT111 Error"]);
    }

    #[test]
    fn a_crash_loop_tells_of_the_ends_of_its_runs_and_is_as_bad() {
        let of = |code, run, line, severity| finding(code, Some(run), line, severity);
        let told = joined(vec![
            of("GC107", 0, 2, Severity::Warning),
            of("FT111", 0, 3, Severity::Error),
            Finding { runs: vec![0, 1, 2], ..of("GC108", 0, 7, Severity::Warning) },
            of("FT111", 2, 9, Severity::Hint),
            of("FT111", 3, 11, Severity::Error),
        ]);
        assert_eq!(
            told,
            ["GC107 Info of FT111:3", "FT111 Error of GC108:7", "GC108 Error", "FT111 Hint of GC108:7", "FT111 Error"]
        );
    }

    #[test]
    fn many_that_wait_long_at_one_place_are_told_once() {
        let of = |code, line, severity| finding(code, Some(0), line, severity);
        let told = joined(vec![of("GR102", 4, Severity::Info), of("GR103", 4, Severity::Info)]);
        assert_eq!(told, ["GR102 Info", "GR103 Info of GR102:4"]);
        let told = joined(vec![of("GR102", 4, Severity::Info), of("GR103", 4, Severity::Warning)]);
        assert_eq!(told, ["GR102 Info of GR103:4", "GR103 Warning"]);
        let told = joined(vec![of("GR102", 4, Severity::Info), of("GR103", 9, Severity::Info)]);
        assert_eq!(told, ["GR102 Info", "GR103 Info"]);
        let of_several = Finding { numbers: vec![("places", 3.0)], ..of("GR103", 4, Severity::Info) };
        assert_eq!(joined(vec![of("GR102", 4, Severity::Info), of_several]), ["GR102 Info", "GR103 Info"]);
    }

    #[test]
    fn every_code_of_a_story_is_a_rule() {
        for code in STORIES.iter().flat_map(|story| story.first.iter().chain(story.parts)) {
            assert!(RULES.iter().any(|rule| rule.code == *code), "{code}");
        }
    }
}
