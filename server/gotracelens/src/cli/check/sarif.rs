//! Findings as SARIF 2.1.0, the exchange format of code scanning. The structures below are the part of it that is used;
//! a test holds the output against the schema of the standard.
//!
//! Texts are plain: hidden characters are spelled out, and nothing of a log can become a link. Markdown holds pages of the
//! reference only, never text of a log.

use std::collections::{BTreeMap, HashMap};
use std::io::{self, Write};

use ide::rules::evidence::Confidence;
use ide::rules::{RULES, Severity};
use ide::{Diagnostic, Links, budget, pages};
use serde::Serialize;
use tracelog::Loc;

use super::place::{Region, artifact_uri};
use super::{Checked, Report};
use crate::cli::input::{Document, InputError};
use crate::cli::visible::visible;
use crate::cli::{Exit, json};
use crate::evidence::{ConditionJson, numbers};
use crate::site::site;

/// The schema of the standard.
const SCHEMA: &str = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";

#[derive(Serialize)]
struct SarifLog {
    #[serde(rename = "$schema")]
    schema: &'static str,
    version: &'static str,
    runs: [Run; 1],
}

/// One run of this program, not of the program whose log it reads.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Run {
    tool: Tool,
    invocations: [Invocation; 1],
    artifacts: Vec<Artifact>,
    results: Vec<SarifResult>,
    column_kind: &'static str,
}

#[derive(Serialize)]
struct Tool {
    driver: Driver,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Driver {
    name: &'static str,
    version: &'static str,
    semantic_version: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    information_uri: Option<String>,
    /// Those with results.
    rules: Vec<Descriptor>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Descriptor {
    id: &'static str,
    name: &'static str,
    short_description: Text,
    full_description: Text,
    help: Help,
    help_uri: String,
    default_configuration: Configuration,
    properties: RuleProperties,
}

#[derive(Serialize)]
struct Text {
    text: String,
}

#[derive(Serialize)]
struct Help {
    text: String,
    markdown: String,
}

#[derive(Serialize)]
struct Configuration {
    level: &'static str,
}

#[derive(Serialize)]
struct RuleProperties {
    tags: [&'static str; 2],
    /// How GitHub sorts rules that are not about security.
    #[serde(rename = "problem.severity")]
    problem_severity: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Invocation {
    execution_successful: bool,
    exit_code: u8,
    tool_execution_notifications: Vec<Notification>,
}

#[derive(Serialize)]
struct Notification {
    level: &'static str,
    message: Text,
    locations: Vec<Location>,
}

#[derive(Serialize)]
struct Artifact {
    location: ArtifactLocation,
    roles: [&'static str; 1],
}

#[derive(Clone, Serialize)]
struct ArtifactLocation {
    uri: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    index: Option<usize>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SarifResult {
    rule_id: &'static str,
    rule_index: usize,
    level: &'static str,
    message: Text,
    locations: [Location; 1],
    #[serde(skip_serializing_if = "Vec::is_empty")]
    related_locations: Vec<Location>,
    partial_fingerprints: BTreeMap<&'static str, String>,
    properties: ResultProperties,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Location {
    physical_location: PhysicalLocation,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<Text>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PhysicalLocation {
    artifact_location: ArtifactLocation,
    #[serde(skip_serializing_if = "Option::is_none")]
    region: Option<SarifRegion>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SarifRegion {
    start_line: u32,
    start_column: u32,
    end_line: u32,
    end_column: u32,
}

#[derive(Serialize)]
struct ResultProperties {
    /// Id of the run of the program, from 0.
    run: Option<usize>,
    /// Lines on which the rule fired.
    count: usize,
    numbers: BTreeMap<&'static str, Option<f64>>,
    conditions: Vec<ConditionJson>,
    confidence: Option<&'static str>,
}

/// One document, written when all files are read.
pub(super) struct Sarif<W> {
    out: W,
    rules: Vec<Descriptor>,
    artifacts: Vec<Artifact>,
    results: Vec<SarifResult>,
    notifications: Vec<Notification>,
}

impl<W: Write> Sarif<W> {
    pub(super) fn new(out: W) -> Self {
        Self { out, rules: Vec::new(), artifacts: Vec::new(), results: Vec::new(), notifications: Vec::new() }
    }
}

impl<W: Write> Report for Sarif<W> {
    fn file(&mut self, checked: &Checked<'_>) -> io::Result<()> {
        let document = &checked.asked.document;
        let joined = document.joined();
        let names = if joined.is_empty() { std::slice::from_ref(&document.name) } else { joined.as_slice() };
        for name in names {
            self.artifact(name);
        }
        if let Some(nothing) = checked.asked.nothing() {
            self.notify("note", nothing, &document.name);
        }
        for error in &document.cut {
            self.notify("error", &error.to_string(), error.name());
        }
        let mut seen: HashMap<String, usize> = HashMap::new();
        for found in checked.shown() {
            let rule_index = self.rule(found.code);
            let related = found.related.iter().map(|(loc, text)| self.location(document, *loc, Some(text)));
            let related_locations: Vec<Location> = related.collect();
            let identity = identity(found, document, &mut seen);
            let location = self.location(document, found.loc, None);
            self.results.push(SarifResult {
                rule_id: found.code,
                rule_index,
                level: level(found.severity),
                message: text(&found.message),
                locations: [location],
                related_locations,
                partial_fingerprints: BTreeMap::from([
                    ("gotracelensFinding/v1", identity.clone()),
                    // The one that GitHub compares; without it the line's text would count.
                    ("primaryLocationLineHash", identity),
                ]),
                properties: ResultProperties {
                    run: found.run,
                    count: found.count,
                    numbers: numbers(&found.numbers),
                    conditions: ConditionJson::all(&found.test.conditions),
                    confidence: found.confidence.map(Confidence::name),
                },
            });
        }
        Ok(())
    }

    fn unreadable(&mut self, error: &InputError) -> io::Result<()> {
        self.artifact(error.name());
        self.notify("error", &error.to_string(), error.name());
        Ok(())
    }

    fn finish(&mut self, exit: Exit) -> io::Result<()> {
        let version = env!("CARGO_PKG_VERSION");
        let driver = Driver {
            name: "gotracelens",
            version,
            semantic_version: version,
            information_uri: site().and_then(|site| site.uri("index")),
            rules: std::mem::take(&mut self.rules),
        };
        let run = Run {
            tool: Tool { driver },
            invocations: [Invocation {
                execution_successful: exit != Exit::Trouble,
                exit_code: exit as u8,
                tool_execution_notifications: std::mem::take(&mut self.notifications),
            }],
            artifacts: std::mem::take(&mut self.artifacts),
            results: std::mem::take(&mut self.results),
            column_kind: "utf16CodeUnits",
        };
        json::write_line(&SarifLog { schema: SCHEMA, version: "2.1.0", runs: [run] }, &mut self.out)?;
        self.out.flush()
    }
}

impl<W> Sarif<W> {
    /// The index of a rule among those with results.
    fn rule(&mut self, code: &'static str) -> usize {
        let known = self.rules.iter().position(|rule| rule.id == code);
        known.unwrap_or_else(|| {
            self.rules.push(descriptor(code));
            self.rules.len() - 1
        })
    }

    /// The index of a file.
    fn artifact(&mut self, name: &str) -> usize {
        let uri = artifact_uri(name);
        let known = self.artifacts.iter().position(|artifact| artifact.location.uri == uri);
        known.unwrap_or_else(|| {
            let location = ArtifactLocation { uri, index: None };
            self.artifacts.push(Artifact { location, roles: ["analysisTarget"] });
            self.artifacts.len() - 1
        })
    }

    fn location(&self, document: &Document, loc: Loc, message: Option<&str>) -> Location {
        let region = Region::of(document, loc);
        let uri = artifact_uri(region.file);
        let index = self.artifacts.iter().position(|artifact| artifact.location.uri == uri);
        Location {
            physical_location: PhysicalLocation {
                artifact_location: ArtifactLocation { uri, index },
                region: Some(SarifRegion {
                    start_line: region.line,
                    start_column: region.start_column,
                    end_line: region.line,
                    end_column: region.end_column,
                }),
            },
            message: message.map(text),
        }
    }

    fn notify(&mut self, level: &'static str, message: &str, file: &str) {
        let artifact_location = ArtifactLocation { uri: artifact_uri(file), index: None };
        let location =
            Location { physical_location: PhysicalLocation { artifact_location, region: None }, message: None };
        self.notifications.push(Notification { level, message: text(message), locations: vec![location] });
    }
}

/// What stays of a finding when lines are appended: its rule and its run, and which one it is there. Not the text of its
/// line: the worst line of a rule is another one when a worse one comes.
fn identity(found: &Diagnostic, document: &Document, seen: &mut HashMap<String, usize>) -> String {
    let run = found.run.map_or("file".to_owned(), |run| format!("run{}", run + 1));
    let mut identity = format!("{}/{}/{run}", found.code, found.slug);
    if found.is_further {
        // A line has no other name than its number, which appended lines leave alone.
        identity.push_str(&format!("/line{}", document.place(found.loc.line, 0).line + 1));
    }
    let nth = seen.entry(identity.clone()).and_modify(|n| *n += 1).or_insert(1);
    if *nth > 1 { format!("{identity}/{nth}") } else { identity }
}

fn descriptor(code: &'static str) -> Descriptor {
    let rule = RULES.iter().find(|rule| rule.code == code);
    let (name, title, severity) = match rule {
        Some(rule) => (rule.slug, rule.title, rule.severity),
        None => (budget::CODE, "A run costs more than its budget allows", Severity::Error),
    };
    let page = if rule.is_some() { code } else { "ci" };
    let no_links = Links::None;
    let links = site().unwrap_or(&no_links);
    let markdown = pages::find(page).first().map(|page| page.markdown(links)).unwrap_or_default();
    let full_description = first_section(&markdown).unwrap_or_else(|| title.to_owned());
    Descriptor {
        id: code,
        name,
        short_description: Text { text: title.to_owned() },
        full_description: Text { text: full_description },
        help: Help { text: markdown.clone(), markdown },
        // Without a site, the name under which editors and `gotracelens explain` know the page.
        help_uri: links.uri(page).or_else(|| Links::Scheme.uri(page)).unwrap_or_default(),
        default_configuration: Configuration { level: level(severity) },
        properties: RuleProperties {
            tags: ["performance", "go"],
            problem_severity: match severity {
                Severity::Error => "error",
                Severity::Warning => "warning",
                Severity::Info | Severity::Hint => "recommendation",
            },
        },
    }
}

/// The text of a page's first section, on one line.
fn first_section(markdown: &str) -> Option<String> {
    let (_, behind) = markdown.split_once("\n## ")?;
    let (_, section) = behind.split_once("\n\n")?;
    let section = section.split("\n## ").next()?.trim();
    Some(section.split_whitespace().collect::<Vec<_>>().join(" "))
}

const fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Info | Severity::Hint => "note",
    }
}

/// Plain text. `[label](target)` would be a link in a message.
fn text(text: &str) -> Text {
    Text { text: visible(text).replace("](", "] (") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_of_a_log_is_no_link() {
        assert_eq!(text("[x](command:y)\n\u{1b}[2J").text, "[x] (command:y)\\n\\u{1b}[2J");
    }

    #[test]
    fn every_rule_describes_itself() {
        for rule in RULES {
            let descriptor = descriptor(rule.code);
            assert!(descriptor.full_description.text.len() > 20, "{}", rule.code);
            assert!(descriptor.help.markdown.contains("## What to do next"), "{}", rule.code);
            assert!(descriptor.help_uri.contains("://"), "{}", rule.code);
        }
        assert!(descriptor(budget::CODE).help.markdown.contains("p99_stw"));
    }
}
