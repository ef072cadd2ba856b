//! The settings, declared once. Their JSON schema is `server/docs/settings.schema.json`; from that `cargo xtask codegen`
//! writes both editors' lists of settings and the documentation.
//!
//! Clients may send anything. What is not understood is reported and changes nothing else; no setting chooses a
//! command. A path is taken only from the options that a client starts the server with, see [`goroot`].

use std::collections::BTreeMap;

use ide::rules::Severity;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// The key under which clients keep our settings.
pub const SECTION: &str = "gotracelens";

/// All settings, with the names they have under [`SECTION`].
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Settings {
    /// The summary of a file.
    pub summary: SummarySettings,
    /// Levels and limits of rules, by the slug of the rule, e.g. `stw-long`.
    pub rules: BTreeMap<String, RuleSettings>,
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
        ide::Settings { rules: self.rules.iter().map(rule).collect(), ..ide::Settings::default() }
    }

    /// Reads settings as clients send them, with or without the section's key around them, and says what was not
    /// understood. What is not set, or not understood, has its default.
    pub fn parse(value: &Value) -> (Self, Vec<String>) {
        let mut problems = Vec::new();
        let mut settings = Self::default();
        let value = value.get(SECTION).unwrap_or(value);
        for (key, value) in object("settings", value, &mut problems) {
            match key.as_str() {
                "summary" => {
                    for (key, value) in object("summary", value, &mut problems) {
                        match key.as_str() {
                            "where" => take("summary.where", value, &mut settings.summary.place, &mut problems),
                            _ => problems.push(format!("summary.{key}: there is no such setting")),
                        }
                    }
                }
                "inlayHints" => {
                    let hints = &mut settings.inlay_hints;
                    for (key, value) in object("inlayHints", value, &mut problems) {
                        let name = format!("inlayHints.{key}");
                        match key.as_str() {
                            "liveHeapDelta" => take(&name, value, &mut hints.live_heap_delta, &mut problems),
                            "interval" => take(&name, value, &mut hints.interval, &mut problems),
                            "outliers" => take(&name, value, &mut hints.outliers, &mut problems),
                            "wallClock" => take(&name, value, &mut hints.wall_clock, &mut problems),
                            "states" => take(&name, value, &mut hints.states, &mut problems),
                            _ => problems.push(format!("{name}: there is no such setting")),
                        }
                    }
                }
                "rules" => {
                    for (slug, value) in object("rules", value, &mut problems) {
                        let rule = parse_rule(slug, value, &mut problems);
                        settings.rules.insert(slug.clone(), rule);
                    }
                }
                "join" => {
                    let mut globs: Vec<String> = Vec::new();
                    take("join", value, &mut globs, &mut problems);
                    let (known, wrong): (Vec<_>, Vec<_>) = globs
                        .into_iter()
                        .map(|glob| (glob::Pattern::new(&glob), glob))
                        .partition(|(read, _)| read.is_ok());
                    settings.join = known.into_iter().map(|(_, glob)| glob).collect();
                    let wrong = wrong.into_iter().filter_map(|(read, glob)| Some((glob, read.err()?)));
                    problems.extend(wrong.map(|(glob, error)| format!("join: {glob:?} is no glob: {}", error.msg)));
                }
                "godebug" => {
                    for (key, value) in object("godebug", value, &mut problems) {
                        match key.as_str() {
                            "enable" => take("godebug.enable", value, &mut settings.godebug.enable, &mut problems),
                            _ => problems.push(format!("godebug.{key}: there is no such setting")),
                        }
                    }
                }
                "goroot" => take("goroot", value, &mut settings.goroot, &mut problems),
                // Read by the editors' clients, not by the server; what the client can do stands beside the settings.
                "server" | "trace" | "enable" | "detect" | "commands" | "pageUri" => {}
                _ => problems.push(format!("{key}: there is no such setting")),
            }
        }
        (settings, problems)
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

fn parse_rule(slug: &str, value: &Value, problems: &mut Vec<String>) -> RuleSettings {
    let mut rule = RuleSettings::default();
    for (key, value) in object(&format!("rules.{slug}"), value, problems) {
        let name = format!("rules.{slug}.{key}");
        if key == "level" {
            take(&name, value, &mut rule.level, problems);
            continue;
        }
        match value.as_f64() {
            Some(limit) => {
                rule.limits.insert(key.clone(), limit);
            }
            None if value.is_null() => {}
            None => problems.push(format!("{name}: expected a number, got {value}")),
        }
    }
    rule
}

/// The entries of an object. Null counts as not set.
fn object<'a>(
    name: &str,
    value: &'a Value,
    problems: &mut Vec<String>,
) -> impl Iterator<Item = (&'a String, &'a Value)> + use<'a> {
    if !value.is_object() && !value.is_null() {
        problems.push(format!("{name}: expected an object, got {value}"));
    }
    value.as_object().into_iter().flat_map(Map::iter)
}

/// Reads a value into its place; null counts as not set.
fn take<T: for<'a> Deserialize<'a>>(name: &str, value: &Value, place: &mut T, problems: &mut Vec<String>) {
    if value.is_null() {
        return;
    }
    match T::deserialize(value) {
        Ok(read) => *place = read,
        Err(error) => problems.push(format!("{name}: {error}")),
    }
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};
    use serde_json::json;

    use super::*;

    fn check(value: Value, expected: Expect) {
        let (settings, problems) = Settings::parse(&value);
        let settings = serde_json::to_string(&settings).unwrap();
        expected.assert_eq(&[vec![settings], problems].concat().join("\n"));
    }

    #[test]
    fn reads_settings_with_and_without_their_key() {
        let all = json!({"summary": {"where": "off"}, "rules": {"stw-long": {"level": "error", "limit_ms": 20}}, "join": ["app*.log"], "godebug": {"enable": true}});
        assert_eq!(Settings::parse(&json!({ "gotracelens": all })), Settings::parse(&all));
        check(
            all,
            expect![[r#"{"summary":{"where":"off"},"rules":{"stw-long":{"level":"error","limit_ms":20.0}},"join":["app*.log"],"inlayHints":{"liveHeapDelta":false,"interval":false,"outliers":false,"wallClock":false,"states":false},"goroot":"","godebug":{"enable":true}}"#]],
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
            assert_eq!(Settings::parse(&value), (Settings::default(), Vec::new()), "{value}");
        }
    }

    #[test]
    fn what_is_not_understood_is_said_and_changes_nothing_else() {
        check(
            json!({
                "summary": {"where": "top", "size": 1},
                "rules": {"a": {"level": "loud", "limit_ms": "7", "min_cycles": 7}, "b": 3},
                "sumary": {},
                "join": ["*.log", "[", "a***"],
                "godebug": {"enable": "yes", "enabled": true},
            }),
            expect![[r#"
                {"summary":{"where":"auto"},"rules":{"a":{"level":null,"min_cycles":7.0},"b":{"level":null}},"join":["*.log"],"inlayHints":{"liveHeapDelta":false,"interval":false,"outliers":false,"wallClock":false,"states":false},"goroot":"","godebug":{"enable":false}}
                godebug.enable: invalid type: string "yes", expected a boolean
                godebug.enabled: there is no such setting
                join: "[" is no glob: invalid range pattern
                join: "a***" is no glob: wildcards are either regular `*` or recursive `**`
                rules.a.level: unknown variant `loud`, expected one of `off`, `hint`, `info`, `warning`, `error`
                rules.a.limit_ms: expected a number, got "7"
                rules.b: expected an object, got 3
                sumary: there is no such setting
                summary.size: there is no such setting
                summary.where: unknown variant `top`, expected one of `auto`, `lens`, `inlay`, `diagnostic`, `off`"#]],
        );
        check(
            json!([1]),
            expect![[r#"
                {"summary":{"where":"auto"},"rules":{},"join":[],"inlayHints":{"liveHeapDelta":false,"interval":false,"outliers":false,"wallClock":false,"states":false},"goroot":"","godebug":{"enable":false}}
                settings: expected an object, got [1]"#]],
        );
    }
}
