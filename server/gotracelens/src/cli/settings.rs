//! Settings of the command line: those of the project a file lies in, and flags over them.

use std::collections::HashMap;
use std::env;
use std::path::{Path, PathBuf};

use clap::ValueEnum;
use serde_json::{Map, Value, json};

use super::input::Document;
use super::{report, visible::visible};
use crate::config::project::{FileProblem, Project};
use crate::config::{Layer, Preset, Problem, Settings, Source, cpus, memory_mib};

/// Flags about what is asked of a log. They win over `gotracelens.toml`.
#[derive(clap::Args)]
#[command(next_help_heading = "Settings")]
pub(super) struct Flags {
    /// Memory that the process may use: 512MiB, 512Mi, 2g
    #[arg(long, value_name = "SIZE", value_parser = memory_mib)]
    memory: Option<f64>,

    /// Processors that the process may use: 2, 1.5, 500m
    #[arg(long, value_name = "CPUS", value_parser = cpus)]
    cpus: Option<f64>,

    /// Defaults of the rules
    #[arg(long, value_enum, value_name = "NAME")]
    preset: Option<Preset>,

    /// Level or limit of a rule: stw-long=off, GC301=error, stw-long.warning_ms=20
    #[arg(long = "rule", value_name = "RULE[.LIMIT]=VALUE")]
    rules: Vec<String>,

    /// Leave gotracelens.toml and gotracelens.mute.toml aside
    #[arg(long)]
    no_project: bool,
}

/// Where settings of documents come from; each folder is looked at once.
pub(super) struct Chooser {
    flags: Layer,
    uses_projects: bool,
    projects: HashMap<PathBuf, Project>,
}

impl Flags {
    /// Reads the flags. What is wrong with them is an error, unlike in files: nobody else has to live with it.
    pub(super) fn chooser(&self) -> Result<Chooser, String> {
        let mut rules = Map::new();
        for one in &self.rules {
            let (name, value) = one
                .split_once('=')
                .ok_or_else(|| format!("--rule {one}: write it like stw-long=off or stw-long.info_ms=5"))?;
            let (rule, key) = name.split_once('.').unwrap_or((name, "level"));
            // What is no number for JSON stays a word, and is refused as one.
            let number = value.parse::<f64>().ok().filter(|number| number.is_finite());
            let value = number.map_or_else(|| Value::from(value), Value::from);
            let entry = rules.entry(rule.to_owned()).or_insert_with(|| json!({}));
            entry[key] = value;
        }
        let mut value = json!({ "rules": rules });
        if let Some(preset) = self.preset.and_then(|preset| preset.to_possible_value()) {
            value["preset"] = Value::from(preset.get_name());
        }
        if let Some(mib) = self.memory {
            value["memoryLimit"] = Value::from(format!("{mib}MiB"));
        }
        if let Some(cpus) = self.cpus {
            value["cpuLimit"] = Value::from(cpus);
        }
        let flags = Layer { value, source: Source::User, folder: None };
        match Settings::default().apply(&flags, None).first() {
            Some(Problem { key, text }) => Err(format!("--rule {}: {text}", key.trim_start_matches("rules."))),
            None => Ok(Chooser { flags, uses_projects: !self.no_project, projects: HashMap::new() }),
        }
    }
}

impl Chooser {
    /// The settings for a document. What is wrong with files of its project is reported once.
    pub(super) fn of(&mut self, document: &Document) -> ide::Settings {
        let here = env::current_dir().unwrap_or_default();
        // Joined files are judged as the first one.
        let path = document.joined().into_iter().next().unwrap_or_else(|| document.name.clone());
        let path = here.join(path);
        let folder = if document.name == "-" { &here } else { path.parent().unwrap_or(&here) };
        let none = Layer { value: Value::Null, source: Source::User, folder: None };
        let project = match self.uses_projects {
            true => self.projects.entry(folder.to_owned()).or_insert_with(|| read(folder)).clone(),
            false => Project::default(),
        };
        let settings = project.settings(&none, Some(&self.flags), Some(&path));
        ide::Settings { mutes: project.mutes(&path), ..settings.analysis() }
    }
}

fn read(folder: &Path) -> Project {
    let project = Project::of(folder);
    let config = project.config.iter().map(|file| (&file.path, &file.problems));
    let mute = project.mute.iter().map(|file| (&file.path, &file.problems));
    for (path, problems) in config.chain(mute) {
        for FileProblem { line, text, .. } in problems {
            report(&format!("{}:{}: {}", visible(&path.to_string_lossy()), line + 1, visible(text)));
        }
    }
    project
}
