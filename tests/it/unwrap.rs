//! Wrapped files without their wrappers, so that the lines of blocks can be delimited in them too.
//!
//! The tests may know by which wrapper a file was made; the product may not.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use regex::Regex;

use crate::blocks;
use crate::grammar::{Grammar, Reading};
use crate::json::Json;

/// Wrappers whose lines do not tell where a block ends, and why.
const LOST: [(&str, &str); 10] = [
    ("two-procs-pid", "lines of one process change places"),
    ("published", "people cut and change what they paste"),
    ("foreman", "lines of one process change places"),
    ("compose-v2-ansi", "lines of one process change places"),
    ("compose-v2-two", "lines of one process change places"),
    ("stern", "lines of one process change places"),
    ("blank-lines", "a blank line after some lines of a stack, as if the goroutine ended there"),
    ("two-procs-bare", "lines of two stacks alternate, and nothing tells whose they are"),
    ("mail-wrapped", "lines are cut at 72 columns"),
    ("torn", "other lines land inside of those of a stack"),
];

/// Whether nothing can be said about the blocks in a file of a wrapper.
pub fn is_lost(wrapper: &str) -> bool {
    LOST.iter().any(|(lost, _)| *lost == wrapper)
}

/// How a wrapper writes a line. The last group is the text; one before it names the process.
#[derive(Debug)]
enum Form {
    Prefix(Regex),
    /// One JSON object a line; the member with the text.
    Json(&'static str),
    /// The last column of a CSV file.
    Csv(Regex),
    /// The same with the newest line first.
    CsvReversed(Regex),
    /// A text in quotes, in Go's notation.
    Quoted(Regex),
}

static FORMS: LazyLock<BTreeMap<&str, Form>> = LazyLock::new(|| {
    let regex = |pattern: &str| Regex::new(pattern).expect("a constant expression");
    let prefix = |pattern: &str| Form::Prefix(regex(pattern));
    BTreeMap::from([
        ("aws-logs-tail", prefix(r"^\S+ ecs/\S+ (.*)$")),
        ("cloudwatch-csv", Form::Csv(regex(r"^\d+,(.*)$"))),
        ("cloudwatch-insights-csv", Form::CsvReversed(regex(r"^[^,]+,[^,]+,(.*)$"))),
        ("comment", prefix(r"^// ?(.*)$")),
        ("compose-v1", prefix(r"^(\S+) +\| (.*)$")),
        ("cri", prefix(r"^\S+ std(?:err|out) [FP] (.*)$")),
        ("docker-json", Form::Json("log")),
        ("docker-json-attrs", Form::Json("log")),
        ("gcp-json", Form::Json("textPayload")),
        ("github-actions", prefix(r"^\S+Z (.*)$")),
        ("heroku", prefix(r"^\S+ app\[\S+\]: (.*)$")),
        ("indented-tabs", prefix(r"^(?:\t\t)?(.*)$")),
        ("journal-export", prefix(r"^MESSAGE=(.*)$")),
        ("journal-json", Form::Json("MESSAGE")),
        ("journald-monotonic", prefix(r"^\S+ \S+ (api\[\d+\]): (.*)$")),
        ("journald-restart", prefix(r"^.{15} \S+ (api\[\d+\]): (.*)$")),
        ("journald-short", prefix(r"^.{15} \S+ (api\[\d+\]): (.*)$")),
        ("journald-short-iso", prefix(r"^\S+ \S+ (api\[\d+\]): (.*)$")),
        ("journald-short-precise", prefix(r"^.{22} \S+ (api\[\d+\]): (.*)$")),
        ("kubectl-prefix-multi", prefix(r"^\[(\S+)\] (.*)$")),
        ("kubectl-prefix-ts", prefix(r"^\[(\S+)\] \S+ (.*)$")),
        ("kubectl-ts", prefix(r"^\S+Z (.*)$")),
        ("logrus-msg", Form::Quoted(regex(r#"^time="[^"]*" level=\w+ msg=("(?:[^"\\]|\\.)*"|\S*)"#))),
        ("markdown-quote", prefix(r"^(?:> ?)?(.*)$")),
        ("pm2", prefix(r"^\d+\|(\S+) +\| \S+ [\d:]+: (.*)$")),
        ("syslog-3164", prefix(r"^.{15} \S+ (api\[\d+\]): (.*)$")),
        ("syslog-5424", prefix(r"^<\d+>1 \S+ \S+ \S+ (\d+) - - (.*)$")),
        ("ts", prefix(r"^.{15} (.*)$")),
        ("ts-elapsed", prefix(r"^\S+ (.*)$")),
        ("ts-epoch", prefix(r"^\S+ (.*)$")),
        ("zap-json-msg", Form::Json("msg")),
    ])
});

/// Lines of blocks in a wrapped file, by 1-based line, and nothing for the wrappers in [`LOST`]. `texts` are its lines
/// without colors, and `is_other` tells those of other formats.
pub fn blocks_of(
    grammar: &Grammar,
    wrapper: &str,
    texts: &[String],
    is_other: impl Fn(usize) -> bool,
) -> BTreeMap<usize, Reading> {
    if is_lost(wrapper) {
        return BTreeMap::new();
    }
    let form = FORMS.get(wrapper);
    let mut processes: BTreeMap<String, Vec<(usize, String)>> = BTreeMap::new();
    for (line, text) in (1..).zip(texts) {
        let unwrapped = form.map_or_else(|| Some((String::new(), html(wrapper, text))), |form| unwrapped(form, text));
        if let Some((process, text)) = unwrapped {
            processes.entry(process).or_default().push((line, text));
        }
    }
    let mut all = BTreeMap::new();
    for mut lines in processes.into_values() {
        if matches!(form, Some(Form::CsvReversed(_))) {
            lines.reverse();
        }
        let texts: Vec<String> = lines.iter().map(|(_, text)| text.clone()).collect();
        let found = blocks::read(grammar, &texts, |nth| is_other(lines[nth - 1].0));
        all.extend(found.into_iter().map(|(nth, reading)| (lines[nth - 1].0, reading)));
    }
    all
}

/// Process and text of a line; nothing for a line that the wrapper added.
fn unwrapped(form: &Form, line: &str) -> Option<(String, String)> {
    match form {
        Form::Prefix(prefix) => {
            let groups: Vec<&str> =
                prefix.captures(line)?.iter().skip(1).flatten().map(|group| group.as_str()).collect();
            let (text, process) = groups.split_last()?;
            Some((process.concat(), (*text).to_owned()))
        }
        Form::Json(member) => {
            let json: Json = serde_json::from_str(line).ok()?;
            Some((String::new(), json.get(member).text().trim_end_matches('\n').to_owned()))
        }
        Form::Csv(column) | Form::CsvReversed(column) => {
            let text = column.captures(line)?[1].to_owned();
            let quoted = text.strip_prefix('"').and_then(|text| text.strip_suffix('"'));
            Some((String::new(), quoted.map_or_else(|| text.clone(), |text| text.replace("\"\"", "\""))))
        }
        Form::Quoted(quoted) => {
            let text = quoted.captures(line)?[1].to_owned();
            Some((String::new(), serde_json::from_str(&text).unwrap_or(text)))
        }
    }
}

fn html(wrapper: &str, text: &str) -> String {
    let text = text.trim_start_matches('\0');
    if wrapper != "html-escaped" {
        return text.to_owned();
    }
    text.replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&#39;", "'")
        .replace("&quot;", "\"")
        .replace("&#34;", "\"")
        .replace("&amp;", "&")
}

#[test]
fn finds_the_lines_of_blocks_in_wrapped_files() {
    use crate::corpus::{entries, folder};
    use crate::reading::Wrapping;

    let folder = folder();
    let grammar = Grammar::load();
    let mut of_wrapper: BTreeMap<String, usize> = BTreeMap::new();
    let mut differences = Vec::new();
    for entry in entries(&folder).iter().filter(|entry| entry.wrapping() == Wrapping::Carried) {
        let file = entry.read(&grammar, &folder);
        *of_wrapper.entry(entry.wrapper.clone()).or_default() += file.blocks.len();
        // What begins inside of a stack has no header that would tell what its lines are.
        let is_headless = ["rotated", "truncated-head"].contains(&entry.wrapper.as_str());
        let is_expected = !is_headless && entry.path.contains("-dump5-");
        if is_expected && file.blocks.is_empty() && !is_lost(&entry.wrapper) {
            differences.push(format!("{}: no line of a block", entry.path));
        }
    }
    println!("lines of blocks by wrapper: {of_wrapper:?}");
    assert_eq!(differences, Vec::<String>::new());
}
