//! Files beside the logs: `gotracelens.toml` with settings and `gotracelens.mute.toml` with what nobody wants to see again.
//!
//! Of each the nearest one counts, in the folder of the log or above. Anybody may have written them.

use std::collections::HashMap;
use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};

use ide::settings::Mute;
use serde_json::{Map, Value};
use toml::de::{DeTable, DeValue};

use super::apply::{nearest, rule};
use super::{Layer, Problem, Settings, Source, globs};

/// The file with settings.
pub(crate) const CONFIG_FILE: &str = "gotracelens.toml";

/// The file with what is muted.
pub(crate) const MUTE_FILE: &str = "gotracelens.mute.toml";

/// More than this in such a file is not for us.
const MAX_BYTES: u64 = 1 << 20;

/// What lies beside a log.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Project {
    /// Settings.
    pub config: Option<ProjectFile<Layer>>,
    /// What is muted.
    pub mute: Option<ProjectFile<Vec<MuteEntry>>>,
}

/// A file of a project, as far as it was understood.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ProjectFile<T> {
    /// Where it is.
    pub path: PathBuf,
    /// What it says.
    pub content: T,
    /// What was not understood.
    pub problems: Vec<FileProblem>,
}

/// Something that was not understood, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FileProblem {
    /// Line, from 0.
    pub line: u32,
    /// Characters before it on its line, in UTF-16 units as protocols count them, and likewise its end there.
    pub columns: (u32, u32),
    /// What is wrong.
    pub text: String,
}

/// One entry of the file of what is muted.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct MuteEntry {
    files: Vec<String>,
    mute: Mute,
}

impl Project {
    /// What lies in this folder or above it.
    pub(crate) fn of(folder: &Path) -> Self {
        let found = |name: &str| folder.ancestors().map(|above| above.join(name)).find(|path| path.is_file());
        Self {
            config: found(CONFIG_FILE).map(|path| read(path, config)),
            mute: found(MUTE_FILE).map(|path| read(path, mutes)),
        }
    }

    /// The settings of a file, put over those of a client and below those of the command line.
    pub(crate) fn settings(&self, user: &Layer, flags: Option<&Layer>, path: Option<&Path>) -> Settings {
        let project = self.config.as_ref().map(|file| &file.content);
        Settings::of([Some(user), project, flags].into_iter().flatten(), path)
    }

    /// What is muted in a file.
    pub(crate) fn mutes(&self, path: &Path) -> Vec<Mute> {
        let Some(file) = &self.mute else { return Vec::new() };
        let folder = file.path.parent();
        let names = |entry: &&MuteEntry| entry.files.is_empty() || globs::is_named(path, &entry.files, folder);
        file.content.iter().filter(names).map(|entry| entry.mute).collect()
    }
}

/// Reads such a file. What cannot be read at all is a problem at its start.
fn read<T>(path: PathBuf, content: fn(&Path, Value) -> (T, Vec<Problem>)) -> ProjectFile<T> {
    let is_small = fs::metadata(&path).is_ok_and(|about| about.len() <= MAX_BYTES);
    let text = match fs::read_to_string(&path) {
        _ if !is_small => Err(format!("more than {} MiB are not read", MAX_BYTES >> 20)),
        read => read.map_err(|error| error.to_string()),
    };
    let (text, mut problems) = match text {
        Ok(text) => (text, Vec::new()),
        Err(error) => (String::new(), vec![at("", 0..0, error)]),
    };
    let mut spans = HashMap::new();
    let value = match DeTable::parse(&text) {
        Ok(table) => plain_table(table.get_ref(), "", &mut spans),
        Err(error) => {
            problems.push(at(&text, error.span().unwrap_or(0..0), error.message().to_owned()));
            Value::Null
        }
    };
    let (content, found) = content(&path, value);
    for problem in found {
        // What is missing has no place of its own; what it is missing from has.
        let mut above = std::iter::successors(Some(&*problem.key), |key| key.rsplit_once('.').map(|(above, _)| above));
        let range = above.find_map(|key| spans.get(key)).cloned().unwrap_or(0..0);
        problems.push(at(&text, range, problem.in_words()));
    }
    ProjectFile { path, content, problems }
}

fn config(path: &Path, value: Value) -> (Layer, Vec<Problem>) {
    let layer = Layer { value, source: Source::Project, folder: path.parent().map(Path::to_owned) };
    let problems = Settings::default().apply(&layer, None);
    (layer, problems)
}

/// Names that an entry may have.
const MUTE_KEYS: [&str; 4] = ["rule", "files", "lines", "reason"];

fn mutes(_: &Path, value: Value) -> (Vec<MuteEntry>, Vec<Problem>) {
    let mut problems = Vec::new();
    let mut problem = |key: String, text: String| problems.push(Problem { key, text });
    let mut entries = Vec::new();
    for (key, value) in value.as_object().into_iter().flatten() {
        let Some(list) = value.as_array().filter(|_| key == "mute") else {
            problem(key.clone(), "there is no such setting; entries begin with [[mute]]".to_owned());
            continue;
        };
        for (index, one) in list.iter().enumerate() {
            let name = format!("mute.{index}");
            match mute(&name, one, &mut problem) {
                Ok(entry) => entries.push(entry),
                Err((key, text)) => problem(key, text),
            }
        }
    }
    (entries, problems)
}

/// One entry. An entry that is not wholly understood mutes nothing: it could mute more than was meant.
fn mute(name: &str, value: &Value, problem: &mut dyn FnMut(String, String)) -> Result<MuteEntry, (String, String)> {
    let none = Map::new();
    let entry = value.as_object().unwrap_or(&none);
    if let Some(unknown) = entry.keys().find(|key| !MUTE_KEYS.contains(&key.as_str())) {
        let meant = nearest(unknown, &MUTE_KEYS).map(|key| format!("; did you mean {key}?")).unwrap_or_default();
        return Err((format!("{name}.{unknown}"), format!("there is no such setting{meant}")));
    }
    let rule_name = entry.get("rule").and_then(Value::as_str);
    let rule_name =
        rule_name.ok_or_else(|| (format!("{name}.rule"), "missing: the code or name of a rule".to_owned()))?;
    let rule = rule(rule_name).ok_or_else(|| {
        let names: Vec<&str> = ide::rules::RULES.iter().flat_map(|rule| [rule.slug, rule.code]).collect();
        let meant = nearest(rule_name, &names).map(|rule| format!("; did you mean {rule}?")).unwrap_or_default();
        (format!("{name}.rule"), format!("there is no rule {rule_name:?}{meant}"))
    })?;
    let files = match entry.get("files") {
        None => Vec::new(),
        Some(Value::String(one)) => vec![one.clone()],
        Some(list) => {
            let texts = list.as_array().map(|list| list.iter().filter_map(Value::as_str).map(str::to_owned).collect());
            let texts: Option<Vec<String>> = texts;
            texts
                .filter(|texts| texts.len() == list.as_array().map_or(0, Vec::len))
                .ok_or_else(|| (format!("{name}.files"), "expected a glob or a list of globs".to_owned()))?
        }
    };
    if let Some(wrong) = files.iter().find_map(|glob| globs::problem(glob)) {
        return Err((format!("{name}.files"), wrong));
    }
    let lines = entry.get("lines").map(lines).transpose().map_err(|text| (format!("{name}.lines"), text))?;
    if lines.is_some() && files.is_empty() {
        problem(format!("{name}.lines"), "these lines are muted in every file; name one with files".to_owned());
    }
    Ok(MuteEntry { files, mute: Mute { rule, lines } })
}

/// Lines as people count them, `120-180` or `120`, to lines from 0.
fn lines(value: &Value) -> Result<(u32, u32), String> {
    let wrong = || format!("expected lines such as \"120-180\", got {value}");
    let number = |text: &str| text.trim().parse::<u32>().ok().and_then(|line| line.checked_sub(1)).ok_or_else(wrong);
    let text = value.as_str().map(str::to_owned).or_else(|| value.as_u64().map(|line| line.to_string()));
    let text = text.ok_or_else(wrong)?;
    let (first, last) = text.split_once('-').unwrap_or((&text, &text));
    let lines = (number(first)?, number(last)?);
    if lines.0 <= lines.1 { Ok(lines) } else { Err(wrong()) }
}

/// A new entry, as text to put at the start of the file.
pub(crate) fn mute_text(rule: &str, files: Option<&str>, lines: Option<(u32, u32)>) -> String {
    let quoted = |text: &str| toml::Value::from(text).to_string();
    let mut text = format!("[[mute]]\nrule = {}\n", quoted(rule));
    if let Some(files) = files {
        text.push_str(&format!("files = {}\n", quoted(files)));
    }
    if let Some((first, last)) = lines {
        let lines = if first == last { format!("{}", first + 1) } else { format!("{}-{}", first + 1, last + 1) };
        text.push_str(&format!("lines = {}\n", quoted(&lines)));
    }
    text
}

/// TOML as the JSON of settings, and where each key stands, by its path with dots.
fn plain_table(table: &DeTable<'_>, prefix: &str, spans: &mut HashMap<String, Range<usize>>) -> Value {
    let mut object = Map::new();
    for (key, value) in table {
        let path = format!("{prefix}{}", key.get_ref());
        spans.insert(path.clone(), key.span());
        object.insert(key.get_ref().to_string(), plain(value.get_ref(), &path, spans));
    }
    Value::Object(object)
}

fn plain(value: &DeValue<'_>, path: &str, spans: &mut HashMap<String, Range<usize>>) -> Value {
    match value {
        DeValue::String(text) => Value::from(text.as_ref()),
        DeValue::Integer(number) => {
            i64::from_str_radix(number.as_str(), number.radix()).map_or(Value::Null, Value::from)
        }
        DeValue::Float(number) => number.as_str().parse::<f64>().map_or(Value::Null, Value::from),
        DeValue::Boolean(is_so) => Value::from(*is_so),
        DeValue::Datetime(time) => Value::from(time.to_string()),
        DeValue::Array(list) => {
            let one = |(index, value): (usize, &toml::Spanned<DeValue<'_>>)| {
                let path = format!("{path}.{index}");
                spans.insert(path.clone(), value.span());
                plain(value.get_ref(), &path, spans)
            };
            list.iter().enumerate().map(one).collect()
        }
        DeValue::Table(table) => plain_table(table, &format!("{path}."), spans),
    }
}

fn at(text: &str, range: Range<usize>, about: String) -> FileProblem {
    let clamp = |at: usize| (0..=at.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    let (start, end) = (clamp(range.start), clamp(range.end));
    let line_start = text[..start].rfind('\n').map_or(0, |at| at + 1);
    // Of what spans lines the first one is shown.
    let line_end = text[start..].find('\n').map_or(text.len(), |at| start + at);
    let units = |text: &str| text.encode_utf16().count() as u32;
    let column = units(&text[line_start..start]);
    FileProblem {
        line: text[..start].matches('\n').count() as u32,
        columns: (column, column + units(&text[start..end.clamp(start, line_end)])),
        text: about,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Preset;

    fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        folder
    }

    fn problems<T>(file: &ProjectFile<T>) -> Vec<String> {
        let one = |problem: &FileProblem| {
            format!("{}:{}-{} {}", problem.line + 1, problem.columns.0, problem.columns.1, problem.text)
        };
        file.problems.iter().map(one).collect()
    }

    #[test]
    fn the_nearest_files_count() {
        let folder = folder(&[
            ("gotracelens.toml", "preset = \"latency\"\n"),
            ("logs/gotracelens.toml", "memoryLimit = \"1GiB\"\n[rules]\nstw-long = \"off\"\n"),
            ("gotracelens.mute.toml", "[[mute]]\nrule = \"GC101\"\nfiles = \"logs/*.log\"\nlines = \"3-7\"\n"),
        ]);
        let logs = folder.path().join("logs");
        let project = Project::of(&logs);
        let user = Layer { value: Value::Null, source: Source::User, folder: None };
        let settings = project.settings(&user, None, Some(&logs.join("a.log")));
        assert_eq!((settings.preset, settings.memory_limit_mb), (Preset::Default, Some(1024.0)));
        let mutes = project.mutes(&logs.join("a.log"));
        assert_eq!(
            mutes.iter().map(|mute| (mute.rule.code, mute.lines)).collect::<Vec<_>>(),
            [("GC101", Some((2, 6)))]
        );
        assert!(project.mutes(&folder.path().join("a.log")).is_empty());
        assert!(project.config.is_some_and(|file| file.problems.is_empty()));
    }

    #[test]
    fn problems_are_told_at_their_places() {
        let text = "preset = \"loud\"\n# ü\n[rules.stw-lang]\nlevel = \"off\"\n[[overrides]]\nfiles = [\"[\"]\n";
        let folder = folder(&[("gotracelens.toml", text)]);
        let found = problems(&Project::of(folder.path()).config.unwrap());
        let expected = [
            "1:0-6 preset: \"loud\" is none of default, latency, quiet",
            "3:7-15 rules.stw-lang: there is no such setting; did you mean rules.stw-long?",
            "6:0-5 overrides.0.files: \"[\" is no glob: invalid range pattern",
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn a_file_that_cannot_be_read_changes_nothing() {
        let folder = folder(&[("gotracelens.toml", "preset = \n"), ("gotracelens.mute.toml", "\u{fffd}=")]);
        let project = Project::of(folder.path());
        let user = Layer { value: serde_json::json!({"preset": "quiet"}), source: Source::User, folder: None };
        assert_eq!(project.settings(&user, None, None).preset, Preset::Quiet);
        assert_eq!(project.config.unwrap().problems.len(), 1);
        assert_eq!(project.mute.unwrap().problems.len(), 1);
    }

    #[test]
    fn an_entry_that_is_not_understood_mutes_nothing() {
        let text = "[[mute]]\nrule = \"nonsense\"\n[[mute]]\nrule = \"stw-long\"\nfile = \"*\"\n[[mute]]\nrule = \"stw-long\"\n\
                    files = [1]\n[[mute]]\nrule = \"stw-long\"\nfiles = \"a\"\nlines = \"7-3\"\n[[mute]]\nfiles = \"a\"\n";
        let folder = folder(&[("gotracelens.mute.toml", text)]);
        let file = Project::of(folder.path()).mute.unwrap();
        assert!(file.content.is_empty());
        let expected = [
            "2:0-4 mute.0.rule: there is no rule \"nonsense\"",
            "5:0-4 mute.1.file: there is no such setting; did you mean files?",
            "8:0-5 mute.2.files: expected a glob or a list of globs",
            "12:0-5 mute.3.lines: expected lines such as \"120-180\", got \"7-3\"",
            "13:0-8 mute.4.rule: missing: the code or name of a rule",
        ];
        assert_eq!(problems(&file), expected);
    }

    #[test]
    fn what_is_written_is_read_back() {
        let text = mute_text("GC101", Some("logs/a\"b.log"), Some((2, 6))) + &mute_text("stw-long", None, None);
        let folder = folder(&[("gotracelens.mute.toml", &text)]);
        let file = Project::of(folder.path()).mute.unwrap();
        assert_eq!(file.problems, []);
        assert_eq!(file.content[0].files, ["logs/a\"b.log"]);
        assert_eq!(file.content[0].mute.lines, Some((2, 6)));
        assert_eq!(file.content[1].mute.rule.code, "GC301");
    }

    #[test]
    fn the_examples_of_the_page_are_understood() {
        let page = include_str!("../../../docs/project.md");
        let examples: Vec<&str> = page.split("```toml\n").skip(1).filter_map(|rest| rest.split("```").next()).collect();
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(examples.len(), 2);
        for (name, example) in [CONFIG_FILE, MUTE_FILE].into_iter().zip(examples) {
            fs::write(folder.path().join(name), example).unwrap();
        }
        let project = Project::of(folder.path());
        let (config, mute) = (project.config.clone().unwrap(), project.mute.clone().unwrap());
        assert_eq!((config.problems, mute.problems), (Vec::new(), Vec::new()));
        let none = Layer { value: Value::Null, source: Source::User, folder: None };
        let settings = |name: &str| project.settings(&none, None, Some(&folder.path().join(name)));
        assert_eq!(settings("load-1.log").preset, Preset::Quiet);
        assert_eq!(settings("app.log").rules["stw-long"].limits["warning_ms"], 20.0);
        assert_eq!(project.mutes(&folder.path().join("load/a.log")).len(), 2);
        assert_eq!(project.mutes(&folder.path().join("a.log")).len(), 1);
    }
}
