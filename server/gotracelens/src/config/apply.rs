//! One layer of settings put over those before it.

use std::path::{Path, PathBuf};

use ide::rules::{RULES, Rule};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::{RuleSettings, SECTION, Settings, amounts, globs};

/// Where a layer comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// The client, or flags of the command line: somebody who may choose what is read from the disk.
    User,
    /// A file that lies beside the logs and that anybody may have written.
    Project,
}

/// Settings from one place.
#[derive(Clone, Debug, PartialEq)]
pub struct Layer {
    /// What was written there; see [`Settings`] for the names.
    pub value: Value,
    /// Who wrote it.
    pub source: Source,
    /// Where paths in globs begin; anywhere when none.
    pub folder: Option<PathBuf>,
}

/// Something in a layer that was not understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The setting, with dots between its parts; the parts of lists are numbers from 0.
    pub key: String,
    /// What is wrong with it.
    pub text: String,
}

impl Problem {
    /// Both in one line.
    pub fn in_words(&self) -> String {
        format!("{}: {}", self.key, self.text)
    }
}

/// Keys that an entry of `overrides` may have.
const OVERRIDABLE: [&str; 5] = ["files", "preset", "memoryLimit", "cpuLimit", "rules"];

/// What the clients of editors keep under the section for themselves.
const OF_CLIENTS: [&str; 7] = ["server", "trace", "enable", "detect", "commands", "pageUri", "findingsInHovers"];

/// What a file of a project does not choose: what is read from the disk, and whether other files start a server.
const OF_USERS: [&str; 3] = ["goroot", "godebug", "join"];

impl Settings {
    /// The settings for a file, or for what is no file, from all layers, the strongest last.
    pub fn of<'a>(layers: impl IntoIterator<Item = &'a Layer>, path: Option<&Path>) -> Self {
        let mut settings = Self::default();
        for layer in layers {
            settings.apply(layer, path);
        }
        settings
    }

    /// Puts a layer over these settings and says what was not understood, whichever file it is about.
    pub fn apply(&mut self, layer: &Layer, path: Option<&Path>) -> Vec<Problem> {
        let mut applying = Applying { source: layer.source, problems: Vec::new() };
        let value = layer.value.get(SECTION).unwrap_or(&layer.value);
        applying.all(self, value);
        let overrides = value.get("overrides").filter(|overrides| !overrides.is_null());
        for (index, one) in overrides.and_then(Value::as_array).into_iter().flatten().enumerate() {
            let name = format!("overrides.{index}");
            let files = applying.files(&name, one);
            if path.is_some_and(|path| globs::is_named(path, &files, layer.folder.as_deref())) {
                applying.one_override(self, &name, one);
            } else {
                applying.one_override(&mut Self::default(), &name, one);
            }
        }
        applying.problems
    }
}

struct Applying {
    source: Source,
    problems: Vec<Problem>,
}

impl Applying {
    fn all(&mut self, settings: &mut Settings, value: &Value) {
        for (key, value) in self.object("", value) {
            match key.as_str() {
                key if self.source == Source::Project && (OF_USERS.contains(&key) || OF_CLIENTS.contains(&key)) => {
                    self.problem(key, "only the settings of an editor choose this, not a file of a project");
                }
                "summary" => {
                    for (key, value) in self.object("summary", value) {
                        match key.as_str() {
                            "where" => self.take("summary.where", value, &mut settings.summary.place),
                            key => self.unknown("summary.", key, &["where"]),
                        }
                    }
                }
                "inlayHints" => self.inlay_hints(settings, value),
                "join" => self.globs("join", value, &mut settings.join),
                "godebug" => {
                    for (key, value) in self.object("godebug", value) {
                        match key.as_str() {
                            "enable" => self.take("godebug.enable", value, &mut settings.godebug.enable),
                            key => self.unknown("godebug.", key, &["enable"]),
                        }
                    }
                }
                "goroot" => self.take("goroot", value, &mut settings.goroot),
                "overrides" => self.take("overrides", value, &mut settings.overrides),
                key if OF_CLIENTS.contains(&key) => {}
                key if OVERRIDABLE[1..].contains(&key) => self.judging(settings, "", key, value),
                key => {
                    let own = ["summary", "inlayHints", "join", "godebug", "goroot", "overrides"];
                    self.unknown("", key, &[&own, &OVERRIDABLE[1..]].concat());
                }
            }
        }
    }

    fn one_override(&mut self, settings: &mut Settings, name: &str, value: &Value) {
        for (key, value) in self.object(name, value) {
            match key.as_str() {
                "files" => {}
                key if OVERRIDABLE.contains(&key) => self.judging(settings, &format!("{name}."), key, value),
                key => self.unknown(&format!("{name}."), key, &OVERRIDABLE),
            }
        }
    }

    /// The globs of an override; none of what is not understood.
    fn files(&mut self, name: &str, value: &Value) -> Vec<String> {
        let mut files = Vec::new();
        let name = format!("{name}.files");
        match value.get("files") {
            Some(Value::String(one)) => self.globs(&name, &Value::from(vec![one.as_str()]), &mut files),
            Some(value) => self.globs(&name, value, &mut files),
            None if value.is_object() => self.problem(&name, "missing: which files is this about?"),
            None => {}
        }
        files
    }

    /// What decides which findings there are.
    fn judging(&mut self, settings: &mut Settings, prefix: &str, key: &str, value: &Value) {
        let name = format!("{prefix}{key}");
        match key {
            "preset" => self.take(&name, value, &mut settings.preset),
            "memoryLimit" => self.amount(&name, value, amounts::memory_mib, &mut settings.memory_limit_mb),
            "cpuLimit" => self.amount(&name, value, amounts::cpus, &mut settings.cpu_limit),
            _ => {
                for (key, value) in self.object(&name, value) {
                    let Some(rule) = rule(key) else {
                        let names: Vec<&str> = RULES.iter().flat_map(|rule| [rule.slug, rule.code]).collect();
                        self.unknown(&format!("{name}."), key, &names);
                        continue;
                    };
                    let entry = settings.rules.entry(rule.slug.to_owned()).or_default();
                    self.rule(entry, rule, &format!("{name}.{key}"), value);
                }
            }
        }
    }

    /// A level by itself, or a level and limits.
    fn rule(&mut self, settings: &mut RuleSettings, rule: &Rule, name: &str, value: &Value) {
        if value.is_string() {
            return self.take(name, value, &mut settings.level);
        }
        for (key, value) in self.object(name, value) {
            if key == "level" {
                self.take(&format!("{name}.level"), value, &mut settings.level);
                continue;
            }
            let limits: Vec<&str> = rule.limits.iter().map(|limit| limit.name).collect();
            if !limits.contains(&key.as_str()) {
                self.unknown(&format!("{name}."), key, &[&limits[..], &["level"]].concat());
                continue;
            }
            match value.as_f64() {
                Some(limit) if limit < 0.0 => {
                    self.problem(&format!("{name}.{key}"), format!("expected a number from 0 on, got {value}"));
                }
                Some(limit) => {
                    settings.limits.insert(key.clone(), limit);
                }
                None if value.is_null() => {}
                None => self.problem(&format!("{name}.{key}"), format!("expected a number, got {value}")),
            }
        }
    }

    fn inlay_hints(&mut self, settings: &mut Settings, value: &Value) {
        let hints = &mut settings.inlay_hints;
        for (key, value) in self.object("inlayHints", value) {
            let name = format!("inlayHints.{key}");
            match key.as_str() {
                "liveHeapDelta" => self.take(&name, value, &mut hints.live_heap_delta),
                "interval" => self.take(&name, value, &mut hints.interval),
                "outliers" => self.take(&name, value, &mut hints.outliers),
                "wallClock" => self.take(&name, value, &mut hints.wall_clock),
                "states" => self.take(&name, value, &mut hints.states),
                key => {
                    let names = ["liveHeapDelta", "interval", "outliers", "wallClock", "states"];
                    self.unknown("inlayHints.", key, &names);
                }
            }
        }
    }

    /// The globs that are some.
    fn globs(&mut self, name: &str, value: &Value, place: &mut Vec<String>) {
        let mut globs: Option<Vec<String>> = None;
        self.take(name, value, &mut globs);
        let Some(mut globs) = globs else { return };
        globs.retain(|glob| match globs::problem(glob) {
            Some(problem) => {
                self.problem(name, problem);
                false
            }
            None => true,
        });
        *place = globs;
    }

    fn amount(&mut self, name: &str, value: &Value, read: fn(&str) -> Result<f64, String>, place: &mut Option<f64>) {
        match amounts::setting(value, read) {
            _ if value.is_null() => {}
            Ok(amount) => *place = amount,
            Err(error) => self.problem(name, error),
        }
    }

    /// The entries of an object. Null counts as not set.
    fn object<'v>(&mut self, name: &str, value: &'v Value) -> impl Iterator<Item = (&'v String, &'v Value)> + use<'v> {
        if !value.is_object() && !value.is_null() {
            let name = if name.is_empty() { "settings" } else { name };
            self.problem(name, format!("expected an object, got {value}"));
        }
        value.as_object().into_iter().flat_map(Map::iter)
    }

    /// Reads a value into its place; null counts as not set.
    fn take<T: for<'de> Deserialize<'de>>(&mut self, name: &str, value: &Value, place: &mut T) {
        if value.is_null() {
            return;
        }
        match T::deserialize(value) {
            Ok(read) => *place = read,
            Err(error) => self.problem(name, refused(&error.to_string())),
        }
    }

    fn unknown(&mut self, prefix: &str, key: &str, names: &[&str]) {
        let nearest = nearest(key, names);
        let meant = nearest.map(|name| format!("; did you mean {prefix}{name}?")).unwrap_or_default();
        self.problem(&format!("{prefix}{key}"), format!("there is no such setting{meant}"));
    }

    fn problem(&mut self, key: &str, text: impl Into<String>) {
        self.problems.push(Problem { key: key.to_owned(), text: text.into() });
    }
}

/// The rule with this slug or code.
pub(crate) fn rule(name: &str) -> Option<&'static Rule> {
    RULES.iter().copied().find(|rule| rule.slug == name || rule.code.eq_ignore_ascii_case(name))
}

/// How alike two names must be for one to be meant by the other.
const MIN_LIKENESS: f64 = 0.7;

/// The name that somebody most probably meant.
pub(crate) fn nearest<'a>(written: &str, names: &[&'a str]) -> Option<&'a str> {
    let likeness = |name: &str| strsim::jaro_winkler(&written.to_lowercase(), &name.to_lowercase());
    let scored = names.iter().map(|name| (likeness(name), *name)).filter(|(likeness, _)| *likeness >= MIN_LIKENESS);
    scored.max_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, name)| name)
}

/// Why a value is refused. Of names that are not known the nearest one is said.
fn refused(error: &str) -> String {
    let names: Vec<&str> = error.split('`').skip(1).step_by(2).collect();
    match names.split_first() {
        Some((given, known)) if error.starts_with("unknown variant") && !known.is_empty() => {
            let meant = nearest(given, known).map(|name| format!("; did you mean {name}?")).unwrap_or_default();
            format!("\"{given}\" is none of {}{meant}", known.join(", "))
        }
        _ => error.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::config::{Level, Preset};

    fn layer(value: Value) -> Layer {
        Layer { value, source: Source::User, folder: None }
    }

    fn problems(layer: &Layer) -> Vec<String> {
        Settings::default().apply(layer, None).iter().map(Problem::in_words).collect()
    }

    #[test]
    fn the_last_layer_wins_key_by_key() {
        let client = layer(json!({"preset": "latency", "rules": {"stw-long": {"level": "error", "info_ms": 3}}}));
        let project = Layer {
            value: json!({"memoryLimit": "512MiB", "rules": {"GC301": {"level": "warning"}}}),
            source: Source::Project,
            folder: None,
        };
        let flags = layer(json!({"cpuLimit": "500m", "rules": {"stw-long": "off"}}));
        let settings = Settings::of([&client, &project, &flags], None);
        assert_eq!(settings.preset, Preset::Latency);
        assert_eq!((settings.memory_limit_mb, settings.cpu_limit), (Some(512.0), Some(0.5)));
        let rule = &settings.rules["stw-long"];
        assert_eq!((rule.level, rule.limits["info_ms"]), (Some(Level::Off), 3.0));
    }

    #[test]
    fn overrides_are_about_the_files_they_name_and_weaker_than_the_next_layer() {
        let project = Layer {
            value: json!({"preset": "latency", "overrides": [
                {"files": ["bench/*.log"], "preset": "quiet", "memoryLimit": "1GiB"},
                {"files": "*.txt", "rules": {"stw-long": "off"}},
            ]}),
            source: Source::Project,
            folder: Some(PathBuf::from("/src")),
        };
        let of = |path: &str| Settings::of([&project], Some(Path::new(path)));
        assert_eq!(of("/src/bench/a.log").preset, Preset::Quiet);
        assert_eq!(of("/src/bench/a.log").memory_limit_mb, Some(1024.0));
        assert_eq!(of("/other/bench/a.log").preset, Preset::Latency);
        assert_eq!(of("/src/a.txt").rules["stw-long"].level, Some(Level::Off));
        assert!(of("/src/a.log").rules.is_empty());
        let flags = layer(json!({"preset": "default"}));
        assert_eq!(Settings::of([&project, &flags], Some(Path::new("/src/bench/a.log"))).preset, Preset::Default);
    }

    #[test]
    fn a_wrong_value_leaves_the_layer_before_in_force() {
        let good = layer(json!({"preset": "quiet", "memoryLimit": "1GiB", "join": ["*.log"]}));
        let bad = layer(json!({"preset": "loud", "memoryLimit": "much", "join": 7}));
        assert_eq!(Settings::of([&good, &bad], None), Settings::of([&good], None));
    }

    #[test]
    fn an_unknown_value_is_answered_with_those_that_are_known() {
        let found = problems(&layer(json!({"preset": "latncy", "rules": {"GC301": "of"}, "goroot": 7})));
        let expected = [
            "goroot: invalid type: integer `7`, expected a string",
            "preset: \"latncy\" is none of default, latency, quiet; did you mean latency?",
            "rules.GC301: \"of\" is none of off, hint, info, warning, error; did you mean off?",
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn unknown_names_are_answered_with_the_nearest_one() {
        let found = problems(&layer(json!({
            "presets": "quiet",
            "rules": {"live-heap-leek": "off", "stw-long": {"info_mz": 1}, "zzz": "off"},
            "inlayHints": {"wallclock": true},
            "overrides": [{"files": ["*"], "rule": {}}, {"preset": "quiet"}],
        })));
        let expected = [
            "inlayHints.wallclock: there is no such setting; did you mean inlayHints.wallClock?",
            "presets: there is no such setting; did you mean preset?",
            "rules.live-heap-leek: there is no such setting; did you mean rules.live-heap-leak?",
            "rules.stw-long.info_mz: there is no such setting; did you mean rules.stw-long.info_ms?",
            "rules.zzz: there is no such setting",
            "overrides.0.rule: there is no such setting; did you mean overrides.0.rules?",
            "overrides.1.files: missing: which files is this about?",
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn a_project_chooses_no_path() {
        let project = Layer { value: json!({"goroot": "/evil"}), source: Source::Project, folder: None };
        assert_eq!(Settings::of([&project], None).goroot, "");
        assert_eq!(problems(&project).len(), 1);
    }

    #[test]
    fn what_clients_keep_for_themselves_is_no_setting_of_a_project() {
        let value = json!({"server": {"path": "/evil"}, "pageUri": "evil", "preset": "quiet"});
        let client = Layer { value: value.clone(), source: Source::User, folder: None };
        assert_eq!(problems(&client), [] as [&str; 0]);
        let project = Layer { value, source: Source::Project, folder: None };
        let refused = ["pageUri", "server"]
            .map(|key| format!("{key}: only the settings of an editor choose this, not a file of a project"));
        assert_eq!(problems(&project), refused);
        assert_eq!(Settings::of([&project], None).preset, Preset::Quiet);
    }

    #[test]
    fn limits_are_numbers_from_0_on() {
        let wrong = layer(json!({"rules": {"stw-long": {"warning_ms": -5, "info_ms": "nan"}}}));
        let expected = [
            "rules.stw-long.info_ms: expected a number, got \"nan\"",
            "rules.stw-long.warning_ms: expected a number from 0 on, got -5",
        ];
        assert_eq!(problems(&wrong), expected);
        assert!(Settings::of([&wrong], None).rules["stw-long"].limits.is_empty());
    }
}
