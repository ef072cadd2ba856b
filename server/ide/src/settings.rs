//! What a user may change about the analysis. Where settings come from is not known here.

use crate::rules::{Finding, Kind, Limits, Rule, Severity};

/// Settings of the analysis.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Settings {
    /// Changes to rules, by slug.
    pub rules: Vec<RuleSettings>,
    /// Memory the process may use, MB, where the user says so.
    pub memory_limit_mb: Option<f64>,
    /// CPUs the process may use, where the user says so.
    pub cpu_limit: Option<f64>,
    /// What is asked of logs where nothing else is set.
    pub preset: Preset,
    /// What is not to be shown.
    pub mutes: Vec<Mute>,
}

/// Findings that nobody wants to see again.
#[derive(Clone, Copy, Debug)]
pub struct Mute {
    /// Their rule.
    pub rule: &'static Rule,
    /// First and last line on which they stand, from 0; all when none.
    pub lines: Option<(u32, u32)>,
}

impl PartialEq for Mute {
    fn eq(&self, other: &Self) -> bool {
        (self.rule.code, self.lines) == (other.rule.code, other.lines)
    }
}

impl Mute {
    fn is_about(&self, finding: &Finding) -> bool {
        let line = finding.place.line;
        self.rule.code == finding.rule.code && self.lines.is_none_or(|(first, last)| (first..=last).contains(&line))
    }
}

/// A set of defaults.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Preset {
    /// Those of the rules.
    #[default]
    Default,
    /// Pauses and scheduling are reported from half as much on.
    Latency,
    /// Only errors, and warnings about how a run develops.
    Quiet,
}

impl Preset {
    /// Whether a finding is shown.
    pub(crate) fn shows(self, finding: &Finding) -> bool {
        match self {
            Self::Default | Self::Latency => true,
            Self::Quiet => {
                let is_trend = finding.rule.kind == Kind::Trend;
                finding.severity == Severity::Error || is_trend && finding.severity == Severity::Warning
            }
        }
    }
}

/// Changes to one rule.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RuleSettings {
    /// Slug of the rule, e.g. `live-heap-leak`.
    pub slug: String,
    /// Its level: the highest severity it may publish, or nothing at all.
    pub level: Option<Level>,
    /// Its limits, by name.
    pub limits: Vec<(String, f64)>,
}

/// What a rule may publish.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// Nothing: the rule does not run.
    Off,
    /// What it finds, with this severity and no other.
    At(Severity),
}

impl Settings {
    fn rule(&self, rule: &Rule) -> Option<&RuleSettings> {
        self.rules.iter().find(|changed| changed.slug == rule.slug)
    }

    /// The level a user gave to a rule.
    pub fn level(&self, rule: &Rule) -> Option<Level> {
        self.rule(rule)?.level
    }

    /// Whether somebody muted a finding.
    pub fn mutes(&self, finding: &Finding) -> bool {
        self.mutes.iter().any(|mute| mute.is_about(finding))
    }

    /// Whether a rule is run at all.
    pub fn is_on(&self, rule: &Rule) -> bool {
        match self.level(rule) {
            Some(level) => level != Level::Off,
            None => rule.kind != Kind::Off,
        }
    }

    /// The limits of a rule under these settings.
    pub fn limits<'a>(&'a self, rule: &'static Rule) -> Limits<'a> {
        Limits {
            declared: rule.limits,
            changed: self.rule(rule).map_or(&[], |changed| &changed.limits),
            memory_limit_mb: self.memory_limit_mb,
            cpu_limit: self.cpu_limit,
            preset: self.preset,
        }
    }
}
