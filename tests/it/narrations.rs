//! Narrations: over the whole corpus none is unreadable, and on lines chosen by hand each says what is true.

use std::panic::{AssertUnwindSafe, catch_unwind};

use ide::narrate::{MAX_SENTENCES, Sentence};
use ide::{Narration, Snapshot, narrate};
use serde::Deserialize;
use tracelog::{Family, LineCol};

use crate::corpus;
use crate::document::{assert_readable, line, open, open_corpus};

/// Narrations of a file that are looked at, spread over it.
const MAX_LINES: usize = 25;

#[test]
fn every_narration_of_the_corpus_is_readable() {
    let folder = corpus::folder();
    let mut n_told = 0;
    let mut wrong = Vec::new();
    for entry in corpus::entries(&folder) {
        let bytes = std::fs::read(folder.join(&entry.path)).expect("a file of the corpus");
        let snapshot = open(&String::from_utf8_lossy(&bytes));
        for at in lines_with_items(&snapshot) {
            let Ok(narration) = catch_unwind(AssertUnwindSafe(|| narrate(&snapshot, at))) else {
                wrong.push(format!("{}:{}: panicked", entry.path, at.line + 1));
                continue;
            };
            let Some(narration) = narration else { continue };
            n_told += 1;
            let about = format!("{}:{}", entry.path, at.line + 1);
            wrong.extend(problems(&narration).into_iter().map(|problem| format!("{about}: {problem}")));
        }
    }
    assert!(n_told > 1000, "{n_told} narrations");
    println!("{n_told} narrations");
    let shown: Vec<&str> = wrong.iter().take(30).map(String::as_str).collect();
    assert!(wrong.is_empty(), "{} problems:\n{}", wrong.len(), shown.join("\n"));
}

/// Places of items, spread over the file.
fn lines_with_items(snapshot: &Snapshot) -> Vec<LineCol> {
    let parsed = snapshot.parsed.as_ref().expect("it is read");
    let mut lines: Vec<u32> =
        Family::ALL.iter().flat_map(|family| parsed.log.rows(*family)).map(|row| parsed.log.line(row)).collect();
    lines.sort_unstable();
    lines.dedup();
    let step = lines.len().div_ceil(MAX_LINES).max(1);
    let places = lines.into_iter().step_by(step).map(|line| {
        let items = snapshot.items(line).items;
        LineCol { line, byte: items.first().map_or(0, |item| item.loc.start) }
    });
    places.collect()
}

fn problems(narration: &Narration) -> Vec<String> {
    let mut problems = Vec::new();
    let n = narration.sentences.len();
    if n == 0 || n > MAX_SENTENCES {
        problems.push(format!("{n} sentences"));
    }
    let markdown = narration.markdown();
    // What stands between backticks is text of the log; what is left are our words and numbers.
    let ours = markdown.split('`').step_by(2).collect::<Vec<_>>().join("text");
    for word in ["NaN", "inf ", "?", " ms ms", "  ", "()", " ,", " .", "-0", "<", "18446744073"] {
        if ours.contains(word) {
            problems.push(format!("{word:?} in {ours}"));
        }
    }
    let is_hidden = |c: char| c.is_control() && c != '\n';
    if narration.sentences.iter().any(|sentence| sentence.text().contains(is_hidden)) {
        problems.push("a control character".to_owned());
    }
    for sentence in narration.sentences.iter().map(Sentence::text) {
        if !sentence.ends_with(['.', '!', '?']) || sentence.chars().count() > 400 {
            problems.push(format!("no sentence: {sentence}"));
        }
    }
    if let Err(error) = catch_unwind(|| assert_readable(&markdown, "a narration")) {
        problems.push(format!("not readable: {:?}", error.downcast_ref::<String>()));
    }
    problems
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    narration: Vec<Truth>,
}

/// A narration: of which line, and what it says.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Truth {
    file: String,
    line: u32,
    begins: String,
    says: Vec<String>,
    never: Vec<String>,
}

#[test]
fn narrations_say_what_is_true_and_nothing_that_is_not() {
    let table: Table = toml::from_str(include_str!("narrate_truths.toml")).expect("the table is TOML");
    assert!(table.narration.len() >= 25, "{} lines", table.narration.len());
    let mut wrong = Vec::new();
    for truth in &table.narration {
        let about = format!("{}:{}", truth.file, truth.line);
        let snapshot = open_corpus(&truth.file);
        let printed = line(&snapshot, truth.line);
        assert!(printed.contains(truth.begins.as_str()), "{about} is another line: {printed}");
        assert!(!truth.says.is_empty() && !truth.never.is_empty(), "{about}: says and never");
        let byte = printed.find(truth.begins.as_str()).map_or(0, |at| at as u32);
        let narration = narrate(&snapshot, LineCol { line: truth.line - 1, byte })
            .unwrap_or_else(|| panic!("{about}: nothing is told"));
        let sentences: Vec<String> = narration.sentences.iter().map(Sentence::text).collect();
        let text = format!("{}\n{}", narration.title, sentences.join("\n"));
        let missing = truth.says.iter().filter(|said| !text.contains(said.as_str()));
        wrong.extend(missing.map(|said| format!("{about} does not say {said:?}\n{text}\n")));
        let said = truth.never.iter().filter(|never| text.contains(never.as_str()));
        wrong.extend(said.map(|never| format!("{about} says {never:?}\n{text}\n")));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
