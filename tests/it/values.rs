//! Whether the fields of an item are what its line prints, however the fields are cut.
//!
//! The checker knows which bytes of a line are printed and which belong to its format. The fields must stand in the line
//! in their order, letter by letter, and nothing printed may be left between them. So `main.go:22` may be one field or
//! two, but neither can be wrong, missing, or made up.

use std::ops::Range;
use std::sync::LazyLock;

use regex::Regex;

use crate::json::Json;

/// Words that a format may print inside of what the grammar calls text. A flag says that the word is a note: a field
/// must be true instead.
const WORDS: [(&str, &str, bool); 16] = [
    ("goroutine", "leaked", true),
    ("goroutine", "scan", true),
    ("goroutine", "durable", true),
    ("goroutine", "locked to thread", true),
    ("goroutine", "minutes", false),
    ("goroutine", "synctest bubble", false),
    ("goroutine", "synctest group", false),
    ("goroutine", "labels", false),
    ("created_by", "in goroutine", false),
    ("signal", "SIG", false),
    ("panic", "recovered", false),
    ("panic", "repanicked", false),
    ("panic", "goexit", false),
    ("tracealloc", "of", false),
    ("signal", "quit", false),
    ("exit_status", "status", false),
];

/// Families whose words may all belong to the format: only their numbers must be given.
const NUMBERS_ONLY: [&str; 3] = ["runtime_note", "race", "memstats"];

static NUMBER: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"^[-+]?(?:0x[0-9a-f]+|\d+(?:\.\d+)?(?:e[-+]?\d+)?)").expect("a constant expression"));

static NUMBERS: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"\b(?:0x[0-9a-f]+|\d+)\b").expect("a constant expression"));

/// What is wrong with the fields of a line, if anything.
pub fn not_as_printed(family: &str, fields: &Json, text: &str, printed: &[Range<usize>]) -> Option<String> {
    let mut line = Line { family, text, must: must(family, text, printed), cursor: 0, n_words: 0 };
    let mut n_notes = 0;
    for (id, value) in fields.members() {
        let is_note = line.take(value).map_err(|what| format!("field {id}: {what} in {fields:?}"));
        match is_note {
            Ok(is_note) => n_notes += usize::from(is_note),
            Err(difference) => return Some(difference),
        }
    }
    if let Err(what) = line.skip(text.len()) {
        return Some(format!("{what} in {fields:?}"));
    }
    (n_notes != line.n_words).then(|| format!("{n_notes} notes instead of {} in {fields:?}", line.n_words))
}

/// The bytes that fields must give.
fn must(family: &str, text: &str, printed: &[Range<usize>]) -> Vec<bool> {
    let mut must = vec![false; text.len()];
    for span in printed {
        must[span.clone()].fill(true);
    }
    if NUMBERS_ONLY.contains(&family) {
        let mut numbers = vec![false; text.len()];
        let start = if family == "memstats" { text.find(" = ").unwrap_or(0) } else { 0 };
        for number in NUMBERS.find_iter(text).filter(|number| number.start() >= start) {
            numbers[number.range()].fill(true);
        }
        must = must.iter().zip(&numbers).map(|(a, b)| *a && *b).collect();
    }
    must
}

struct Line<'a> {
    family: &'a str,
    text: &'a str,
    must: Vec<bool>,
    cursor: usize,
    /// Notes that stand in the text and that no text field holds.
    n_words: usize,
}

impl Line<'_> {
    /// Goes past a field. Tells whether it stands for a note.
    fn take(&mut self, value: &Json) -> Result<bool, String> {
        match value {
            Json::Null => {
                let next = self.next_must();
                for word in ["nil", "NaN", "+Inf", "-Inf"] {
                    if self.text[next..].starts_with(word) {
                        self.skip(next)?;
                        self.cursor = next + word.len();
                        break;
                    }
                }
            }
            Json::Bool(flag) => {
                let next = self.next_must();
                let words: [&str; 2] = if *flag { ["true", "1"] } else { ["false", "0"] };
                let is_alone = |len: usize| !self.text[next + len..].starts_with(char::is_alphanumeric);
                let word = words.into_iter().find(|word| self.text[next..].starts_with(word) && is_alone(word.len()));
                match word {
                    Some(word) => {
                        self.skip(next)?;
                        self.cursor = next + word.len();
                    }
                    None => return Ok(*flag),
                }
            }
            Json::Integer(number) => self.number(|text| integer(text) == Some(*number), value)?,
            Json::Float(number) => {
                self.number(|text| text.parse().is_ok_and(|printed| is_near(printed, *number)), value)?
            }
            Json::Text(text) => {
                let found = self.text[self.cursor..].find(text.as_str());
                let at = self.cursor + found.ok_or_else(|| format!("{text:?} is not printed there"))?;
                self.skip(at)?;
                self.cursor = at + text.len();
            }
            Json::List(items) => {
                for item in items {
                    self.take(item)?;
                }
            }
            Json::Map(_) => return Err("an object is no value".to_owned()),
        }
        Ok(false)
    }

    fn number(&mut self, is_it: impl Fn(&str) -> bool, value: &Json) -> Result<(), String> {
        for (offset, _) in self.text[self.cursor..].char_indices() {
            let at = self.cursor + offset;
            let is_start = !self.text[..at].ends_with(|c: char| c.is_ascii_alphanumeric()) || self.begins(at);
            let Some(number) = NUMBER.find(&self.text[at..]).filter(|number| is_start && is_it(number.as_str())) else {
                continue;
            };
            self.skip(at)?;
            self.cursor = at + number.end();
            return Ok(());
        }
        Err(format!("{value:?} is not printed there"))
    }

    /// Whether something printed begins at a place.
    fn begins(&self, at: usize) -> bool {
        self.must[at] && at.checked_sub(1).is_none_or(|before| !self.must[before])
    }

    /// The next printed byte that is no blank, bracket or the like.
    fn next_must(&self) -> usize {
        let rest = self.text[self.cursor..].char_indices().map(|(offset, c)| (self.cursor + offset, c));
        let mut printed = rest.filter(|(at, c)| self.must[*at] && (c.is_alphanumeric() || "+-".contains(*c)));
        printed.next().map_or(self.text.len(), |(at, _)| at)
    }

    /// Goes on to a place. Nothing printed may stand before it but words of the format.
    fn skip(&mut self, to: usize) -> Result<(), String> {
        let mut left: String = (self.cursor..to)
            .map(|at| if self.must[at] { char::from(self.text.as_bytes()[at]) } else { ' ' })
            .collect();
        for (_, word, is_note) in WORDS.iter().filter(|(family, ..)| *family == self.family) {
            if let Some(at) = left.find(word) {
                left.replace_range(at..at + word.len(), "");
                self.n_words += usize::from(*is_note);
            }
        }
        if left.contains(|c: char| c.is_alphanumeric()) {
            return Err(format!("{:?} is not given", &self.text[self.cursor..to]));
        }
        Ok(())
    }
}

/// The JSON reader of these tests may be off by the last bit of a number of 17 digits.
fn is_near(a: f64, b: f64) -> bool {
    (a - b).abs() <= 2.0 * f64::EPSILON * a.abs()
}

fn integer(text: &str) -> Option<i128> {
    match text.strip_prefix("0x") {
        Some(hex) => i128::from_str_radix(hex, 16).ok(),
        None => text.parse().ok(),
    }
}

#[test]
fn fields_may_be_cut_in_any_way_but_not_be_wrong() {
    let json = |text: &str| -> Json { serde_json::from_str(text).expect("it is JSON") };
    let header = "goroutine 18 gp=0xc000007340 m=nil [chan receive (leaked), 3 minutes, locked to thread]:";
    let printed = [10..12, 16..28, 31..34, 36..87];
    let check = |fields: &str| not_as_printed("goroutine", &json(fields), header, &printed);
    for right in [
        r#"{"id":18,"gp":824633750336,"m":null,"state":"chan receive (leaked), 3 minutes, locked to thread"}"#,
        r#"{"id":18,"gp":824633750336,"m":null,"state":"chan receive","leaked":true,"minutes":3,"locked":true}"#,
        r#"{"id":18,"gp":"0xc000007340","m":null,"state":"chan receive","leaked":true,"scan":false,"minutes":3,
            "locked":true,"labels":null}"#,
    ] {
        assert_eq!(check(right), None, "{right}");
    }
    for wrong in [
        r#"{"id":18,"gp":824633750336,"m":null,"state":"chan receive","leaked":true,"minutes":3,"locked":false}"#,
        r#"{"id":18,"gp":824633750336,"m":null,"state":"chan","leaked":true,"minutes":3,"locked":true}"#,
        r#"{"id":18,"gp":824633750336,"m":0,"state":"chan receive","leaked":true,"minutes":3,"locked":true}"#,
        r#"{"id":18,"m":null,"state":"chan receive","leaked":true,"minutes":3,"locked":true}"#,
        r#"{"gp":824633750336,"id":18,"m":null,"state":"chan receive","leaked":true,"minutes":3,"locked":true}"#,
        r#"{"id":1,"gp":824633750336,"m":null,"state":"chan receive","leaked":true,"minutes":3,"locked":true}"#,
        r#"{"id":18,"gp":824633750336,"m":null,"state":"chan receive","leaked":true,"locked":true}"#,
        r#"{"id":18,"gp":824633750336,"m":null,"state":"chan receive","leaked":true,"minutes":3,"locked":true,"n":7}"#,
    ] {
        assert!(check(wrong).is_some(), "{wrong}");
    }
    let frame = "main.(*T).run({0xc0000a, 0x2?}, ...)";
    let check = |fields: &str| not_as_printed("frame", &json(fields), frame, &[0..13, 14..35]);
    assert_eq!(check(r#"{"function":"main.(*T).run","args":"{0xc0000a, 0x2?}, ..."}"#), None);
    assert_eq!(check(r#"{"package":"main","function":"(*T).run","args":"{0xc0000a, 0x2?}, ..."}"#), None);
    assert!(check(r#"{"function":"main.(*T).run","args":"..."}"#).is_some());
    assert!(check(r#"{"function":"run","args":"{0xc0000a, 0x2?}, ..."}"#).is_some());
}

/// The printed pieces of every line of the corpus, as texts and as numbers, are right; with one of them changed they are
/// not.
#[test]
fn pieces_of_every_line_are_as_printed() {
    use crate::corpus::{entries, folder};
    use crate::grammar::Grammar;

    let folder = folder();
    let grammar = Grammar::load();
    let mut n_lines = 0;
    for entry in entries(&folder) {
        let file = entry.read(&grammar, &folder);
        let lines = (1..=file.n_lines).flat_map(|line| file.on_line(line)).map(|expected| expected.reading);
        for reading in lines.filter(|reading| reading.shape.is_empty()) {
            let texts = pieces(&reading.text, &reading.printed, |piece| Json::Text(piece.to_owned()));
            let numbers = pieces(&reading.text, &reading.printed, |piece| match (integer(piece), piece) {
                (Some(number), _) => Json::Integer(number),
                (None, "nil") => Json::Null,
                (None, "true") => Json::Bool(true),
                (None, "false") => Json::Bool(false),
                (None, text) => text.parse().map_or_else(|_| Json::Text(text.to_owned()), Json::Float),
            });
            let check = |pieces: &[(String, Json)]| {
                not_as_printed(reading.family, &Json::Map(pieces.to_vec()), &reading.text, &reading.printed)
            };
            assert_eq!((check(&texts), check(&numbers)), (None, None), "{}", reading.text);
            let last = numbers.iter().rposition(|(_, piece)| matches!(piece, Json::Integer(_)));
            if let Some(last) = last {
                let mut wrong = numbers.clone();
                wrong[last].1 = Json::Integer(987_654_321_987_654_321);
                assert!(check(&wrong).is_some(), "{}", reading.text);
                wrong.remove(last);
                assert!(check(&wrong).is_some(), "{}", reading.text);
            }
            n_lines += 1;
        }
    }
    assert!(n_lines > 10_000, "only {n_lines} lines");
}

fn pieces(text: &str, printed: &[Range<usize>], value: impl Fn(&str) -> Json) -> Vec<(String, Json)> {
    printed.iter().enumerate().map(|(nth, span)| (nth.to_string(), value(&text[span.clone()]))).collect()
}
