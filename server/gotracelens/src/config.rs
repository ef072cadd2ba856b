//! The settings, declared once. Their JSON schema is `server/docs/settings.schema.json`; from that `cargo xtask codegen`
//! writes both editors' lists of settings and the documentation.
//!
//! They come in layers: what a client sends, then the nearest `gotracelens.toml` above the log, then flags of the command
//! line; each is put over those before, key by key. Anybody may write anything there. What is not understood is reported
//! with the nearest name that exists, and changes nothing else; no setting chooses a command. A path is taken only from
//! the options that a client starts the server with, see [`goroot`].

mod amounts;
mod apply;
mod globs;
pub(crate) mod project;
mod schema;

use std::collections::BTreeMap;

use clap::ValueEnum;
use ide::rules::Severity;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use amounts::{cpus, memory_mib};
pub use apply::{Layer, Problem, Source};
pub(crate) use globs::is_named;

/// The key under which clients keep our settings.
pub const SECTION: &str = "gotracelens";

/// All settings, with the names they have under [`SECTION`].
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Settings {
    /// The summary of a file.
    pub summary: SummarySettings,
    /// What is reported where no rule is set by itself.
    pub preset: Preset,
    /// Memory that the process may use, as Docker, Kubernetes or GOMEMLIMIT write it: `512MiB`, `512Mi`, `2g`. Rules say when
    /// it will be reached. Empty: not known.
    #[serde(rename = "memoryLimit", skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::memory_limit")]
    pub memory_limit_mb: Option<f64>,
    /// Processors that the process may use, such as 2 or 1.5, where that is less than GOMAXPROCS. Shares of processor time
    /// are of these. 0: not known.
    #[serde(rename = "cpuLimit", skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::cpu_limit")]
    pub cpu_limit: Option<f64>,
    /// Levels and limits of rules, by the slug of the rule: `{"stw-long": {"level": "error", "warning_ms": 20}}`; a level
    /// alone may stand without braces. The page of a rule names its limits.
    #[schemars(schema_with = "schema::rules")]
    pub rules: BTreeMap<String, RuleSettings>,
    /// Settings for some files, over those outside: `files` has globs, without a `/` about names, else about paths; `preset`,
    /// `memoryLimit`, `cpuLimit` and `rules` are as outside. Later entries win.
    #[schemars(schema_with = "schema::overrides")]
    pub overrides: Vec<Value>,
    /// Globs of files whose summary includes the older files of their rotated set, in the same folder: `app.log` with
    /// `app.log.1`, `app.log.2.gz`. Without a `/` a glob is about names, else about paths.
    pub join: Vec<String>,
    /// Short texts behind values, each kind by itself; at most 24 characters are added to a line, the most telling first.
    #[serde(rename = "inlayHints")]
    pub inlay_hints: InlayHintSettings,
    /// Absolute path of the Go installation to whose sources stacks lead, as `go env GOROOT` prints it. Read when the
    /// server starts. Empty: stacks lead to files of the workspace only.
    #[schemars(extend("x-scope" = "machine"))]
    pub goroot: String,
    /// Help where GODEBUG is set.
    pub godebug: GodebugSettings,
}

/// A set of defaults of the rules.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Preset {
    /// What the pages of the rules say.
    #[default]
    Default,
    /// Pauses and waiting goroutines are reported from half as much on.
    Latency,
    /// Only errors, and warnings about how a run develops.
    Quiet,
}

impl From<Preset> for ide::settings::Preset {
    fn from(preset: Preset) -> Self {
        match preset {
            Preset::Default => Self::Default,
            Preset::Latency => Self::Latency,
            Preset::Quiet => Self::Quiet,
        }
    }
}

/// Help where GODEBUG is set.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct GodebugSettings {
    /// Completion, hover and problems for GODEBUG, GOGC, GOMAXPROCS, GOMEMLIMIT and GOTRACEBACK in `.env` files,
    /// Dockerfiles, YAML, shell scripts, makefiles, systemd units, `//go:debug` lines, `go.mod` and `go.work`. When off,
    /// such files start no server.
    #[schemars(extend("x-scope" = "window"))]
    pub enable: bool,
}

/// Short texts behind values.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "camelCase")]
pub struct InlayHintSettings {
    /// How much the live heap changed since the cycle before: `+3 MB`.
    pub live_heap_delta: bool,
    /// Share of processor time that collecting took from this cycle to the next: `9 % CPU`.
    pub interval: bool,
    /// How many times its median a value is that is far above the others of its run: `25× median`.
    pub outliers: bool,
    /// Wall clock at the time of a cycle or sample, where what carries the lines tells it: `16:36:46.120`.
    pub wall_clock: bool,
    /// Names of states that are printed as numbers: `waiting`.
    pub states: bool,
}

impl InlayHintSettings {
    /// The kinds that are shown.
    pub fn kinds(self) -> ide::Kinds {
        ide::Kinds {
            live_heap_delta: self.live_heap_delta,
            interval: self.interval,
            outliers: self.outliers,
            wall_clock: self.wall_clock,
            states: self.states,
        }
    }
}

/// The summary of a file.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct SummarySettings {
    /// Where the summary of a file and its runs is shown.
    #[serde(rename = "where")]
    pub place: SummaryPlace,
}

/// Where the summary of a file is shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum SummaryPlace {
    /// The first of lens, inlay hint and diagnostic that the editor can show.
    #[default]
    Auto,
    /// Code lenses above the file and above each run.
    Lens,
    /// Inlay hints at the end of the first line of the file and of each run.
    Inlay,
    /// An information diagnostic on the first line of the file and of each run.
    Diagnostic,
    /// Nowhere.
    Off,
}

/// What a user changed about one rule.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct RuleSettings {
    /// The level of its findings; not set, the rule chooses.
    pub level: Option<Level>,
    /// Its limits, by name; see the page of the rule.
    #[serde(flatten)]
    pub limits: BTreeMap<String, f64>,
}

/// The level of a rule's findings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// The rule is not run.
    Off,
    /// Hint.
    Hint,
    /// Information.
    Info,
    /// Warning.
    Warning,
    /// Error.
    Error,
}

impl From<Level> for ide::settings::Level {
    fn from(level: Level) -> Self {
        match level {
            Level::Off => Self::Off,
            Level::Hint => Self::At(Severity::Hint),
            Level::Info => Self::At(Severity::Info),
            Level::Warning => Self::At(Severity::Warning),
            Level::Error => Self::At(Severity::Error),
        }
    }
}

impl Settings {
    /// What of them the analysis reads.
    pub fn analysis(&self) -> ide::Settings {
        let rule = |(slug, rule): (&String, &RuleSettings)| ide::settings::RuleSettings {
            slug: slug.clone(),
            level: rule.level.map(Into::into),
            limits: rule.limits.clone().into_iter().collect(),
        };
        ide::Settings {
            rules: self.rules.iter().map(rule).collect(),
            memory_limit_mb: self.memory_limit_mb,
            cpu_limit: self.cpu_limit,
            preset: self.preset.into(),
            ..ide::Settings::default()
        }
    }
}

/// The GOROOT among the options that a client starts the server with.
///
/// Later settings may come from files of a workspace that nobody trusts yet, so they do not choose what is looked up on
/// the disk.
pub fn goroot(options: &Value) -> Option<String> {
    let options = options.get(SECTION).unwrap_or(options);
    let path = options.get("goroot")?.as_str()?;
    (!path.is_empty()).then(|| path.to_owned())
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};
    use serde_json::json;

    use super::*;

    fn parse(value: &Value) -> (Settings, Vec<Problem>) {
        let layer = Layer { value: value.clone(), source: Source::User, folder: None };
        let mut settings = Settings::default();
        let problems = settings.apply(&layer, None);
        (settings, problems)
    }

    fn check(value: Value, expected: Expect) {
        let (settings, problems) = parse(&value);
        let settings = serde_json::to_string(&settings).unwrap();
        let problems = problems.iter().map(Problem::in_words).collect();
        expected.assert_eq(&[vec![settings], problems].concat().join("\n"));
    }

    #[test]
    fn reads_settings_with_and_without_their_key() {
        let all = json!({"summary": {"where": "off"}, "rules": {"stw-long": {"level": "error", "warning_ms": 20}}, "join": ["app*.log"], "godebug": {"enable": true}});
        assert_eq!(parse(&json!({ "gotracelens": all })), parse(&all));
        check(
            all,
            expect![[
                r#"{"summary":{"where":"off"},"preset":"default","rules":{"stw-long":{"level":"error","warning_ms":20.0}},"overrides":[],"join":["app*.log"],"inlayHints":{"liveHeapDelta":false,"interval":false,"outliers":false,"wallClock":false,"states":false},"goroot":"","godebug":{"enable":true}}"#
            ]],
        );
    }

    /// `UPDATE_EXPECT=1 cargo test -p gotracelens` writes it, then `cargo xtask codegen` what comes from it.
    #[test]
    fn the_committed_schema_is_that_of_the_settings() {
        let schema = serde_json::to_string_pretty(&schemars::schema_for!(Settings)).unwrap() + "\n";
        expect_test::expect_file!["../../docs/settings.schema.json"].assert_eq(&schema);
    }

    #[test]
    fn the_goroot_is_read_with_and_without_the_key_of_the_settings() {
        for options in [json!({"goroot": "/go"}), json!({"gotracelens": {"goroot": "/go"}})] {
            assert_eq!(goroot(&options).as_deref(), Some("/go"));
        }
        for options in
            [json!(null), json!({}), json!({"goroot": ""}), json!({"goroot": 1}), json!({"a": {"goroot": "/go"}})]
        {
            assert_eq!(goroot(&options), None, "{options}");
        }
    }

    #[test]
    fn null_is_the_default() {
        for value in [json!(null), json!({}), json!({"gotracelens": null}), json!({"summary": {"where": null}})] {
            assert_eq!(parse(&value), (Settings::default(), Vec::new()), "{value}");
        }
    }

    #[test]
    fn what_is_not_understood_is_said_and_changes_nothing_else() {
        check(
            json!({
                "summary": {"where": "top", "size": 1},
                "rules": {"stw-long": {"level": "loud", "info_ms": "7", "info_cycles": 7}, "GC101": 3},
                "sumary": {},
                "join": ["*.log", "[", "a***"],
                "godebug": {"enable": "yes", "enabled": true},
            }),
            expect![[r#"
                {"summary":{"where":"auto"},"preset":"default","rules":{"live-heap-leak":{"level":null},"stw-long":{"level":null,"info_cycles":7.0}},"overrides":[],"join":["*.log"],"inlayHints":{"liveHeapDelta":false,"interval":false,"outliers":false,"wallClock":false,"states":false},"goroot":"","godebug":{"enable":false}}
                godebug.enable: invalid type: string "yes", expected a boolean
                godebug.enabled: there is no such setting; did you mean godebug.enable?
                join: "[" is no glob: invalid range pattern
                join: "a***" is no glob: wildcards are either regular `*` or recursive `**`
                rules.GC101: expected an object, got 3
                rules.stw-long.info_ms: expected a number, got "7"
                rules.stw-long.level: "loud" is none of off, hint, info, warning, error
                sumary: there is no such setting; did you mean summary?
                summary.size: there is no such setting
                summary.where: "top" is none of auto, lens, inlay, diagnostic, off"#]],
        );
        check(
            json!([1]),
            expect![[r#"
                {"summary":{"where":"auto"},"preset":"default","rules":{},"overrides":[],"join":[],"inlayHints":{"liveHeapDelta":false,"interval":false,"outliers":false,"wallClock":false,"states":false},"goroot":"","godebug":{"enable":false}}
                settings: expected an object, got [1]"#]],
        );
    }
}
