//! The catalog against the parser: every sample of `server/catalog` is read back as its shape, value by value.

use std::fs;
use std::path::Path;

use toml::{Table, Value};
use tracelog::catalog::{At, Family, SHAPES, Shape};
use tracelog::template::{self, Codes};
use tracelog::{Log, Text};

/// A sample as its file has it.
struct Sample {
    shape: Shape,
    text: String,
    want: Table,
    /// The sample between the lines that it needs, and its line.
    document: (String, u32),
}

impl Sample {
    /// What the matcher of its shape says, or for one that is found anywhere the best of all.
    fn read(&self) -> template::Match {
        match self.shape.def().at {
            At::Anywhere => template::best(self.text.as_bytes()).unwrap_or_else(|| panic!("{}", self.text)),
            At::Line => template::longest(self.shape, self.text.as_bytes()),
        }
    }
}

fn samples() -> Vec<Sample> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../server/catalog/formats");
    let mut samples = Vec::new();
    for family in Family::ALL {
        let file = fs::read_to_string(folder.join(format!("{}.toml", family.def().id))).unwrap();
        let file: Table = file.parse().unwrap();
        for shape in file["shapes"].as_array().unwrap() {
            for sample in shape["samples"].as_array().unwrap() {
                let lines = |key: &str| -> Vec<String> {
                    let lines = sample.get(key).and_then(Value::as_array).into_iter().flatten();
                    lines.map(|line| line.as_str().unwrap().to_owned()).collect()
                };
                let (before, after) = (lines("before"), lines("after"));
                let text = sample["text"].as_str().unwrap().to_owned();
                let line = before.len() as u32;
                let document = before.into_iter().chain([text.clone()]).chain(after).collect::<Vec<_>>().join("\n");
                samples.push(Sample {
                    document: (document, line),
                    shape: Shape::by_id(shape["id"].as_str().unwrap()).unwrap(),
                    text,
                    want: sample["want"].as_table().unwrap().clone(),
                });
            }
        }
    }
    samples
}

/// What stands in a line, the way samples say it.
fn printed(found: &template::Match, text: &str) -> Table {
    let mut printed = Table::new();
    for value in &found.values {
        let is_flag = matches!(value.datum, template::Datum::One(tracelog::Kind::Flag, _));
        // An empty text is a value; a flag that is not printed is none.
        if is_flag && value.start == value.end {
            continue;
        }
        let seen = if is_flag { Value::Boolean(true) } else { Value::String(value.datum.print()) };
        if let Value::String(seen) = &seen {
            assert_eq!(&text[value.start..value.end], seen, "{text}: {:?}", value.field);
        }
        printed.insert(value.field.def().id.to_owned(), seen);
    }
    printed
}

#[test]
fn every_shape_has_a_sample() {
    let samples = samples();
    for number in 0..SHAPES.len() {
        let shape = Shape(number as u16);
        assert!(samples.iter().any(|sample| sample.shape == shape), "{}", shape.def().id);
    }
}

#[test]
fn samples_are_read_as_their_shape_with_their_values_in_order() {
    for sample in samples() {
        let found = sample.read();
        assert_eq!(found.shape, sample.shape, "{}", sample.text);
        assert!(found.is_complete() && found.end == sample.text.len(), "{}", sample.text);
        let printed = printed(&found, &sample.text);
        assert!(printed.iter().eq(sample.want.iter()), "{}\nread {printed:?}\nwant {:?}", sample.text, sample.want);
    }
}

#[test]
fn numbers_of_samples_are_what_people_read() {
    for sample in samples() {
        for value in sample.read().values {
            let Some(number) = value.datum.number() else { continue };
            let want = match sample.want.get(value.field.def().id) {
                Some(Value::String(text)) => match (text.as_str(), text.strip_prefix("0x")) {
                    ("true", _) => 1.0,
                    ("false", _) => 0.0,
                    ("nil", _) => -1.0,
                    (_, Some(digits)) => u64::from_str_radix(digits, 16).unwrap() as f64,
                    (text, None) => text.parse().unwrap(),
                },
                printed => f64::from(u8::from(printed == Some(&Value::Boolean(true)))),
            };
            assert!((number - want).abs() <= want.abs() * 1e-6, "{}: {:?} is {number}", sample.text, value.field);
        }
    }
}

#[test]
fn samples_are_no_line_of_another_shape() {
    let mut codes = Codes::default();
    for sample in samples() {
        let (document, line) = &sample.document;
        let text = Text::new(document);
        let items = Log::read(document.as_bytes()).items(*line, &text).items;
        let shapes: Vec<&str> = items.iter().map(|item| item.shape.def().id).collect();
        assert_eq!(shapes, [sample.shape.def().id], "line {line} of\n{document}");
        for number in 0..SHAPES.len() {
            let shape = Shape(number as u16);
            if shape.def().at == At::Anywhere {
                let matches = template::whole(shape, sample.text.as_bytes(), &mut codes);
                assert_eq!(matches, shape == sample.shape, "{} as {}", sample.text, shape.def().id);
            }
        }
    }
}

#[test]
fn lines_of_blocks_are_claimed_in_their_blocks_only() {
    for sample in samples().iter().filter(|sample| !sample.shape.def().within.is_empty()) {
        let text = Text::new(&sample.text);
        let items = Log::read(sample.text.as_bytes()).items(0, &text).items;
        assert_eq!(items, [], "{}: {} without its block", sample.shape.def().id, sample.text);
    }
}

#[test]
fn every_field_can_be_explained() {
    for family in Family::ALL {
        for field in family.def().fields {
            assert!(!field.title.is_empty() && !field.meaning.is_empty(), "{}", field.id);
            assert!(!field.reading.is_empty() && !field.source.is_empty(), "{}", field.id);
        }
    }
}

/// `grammars/textmate/test/samples.json`: what the tests of the TextMate grammar expect.
fn grammar_samples() -> Vec<serde_json::Value> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../grammars/textmate/test/samples.json");
    let file: serde_json::Value = serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap();
    file["samples"].as_array().unwrap().clone()
}

/// Fields of a sample with start and end, as the tests of the grammar expect them.
fn grammar_spans(sample: &serde_json::Value) -> Vec<(String, usize, usize)> {
    let number = |value: &serde_json::Value| usize::try_from(value.as_u64().unwrap()).unwrap();
    let spans = sample["spans"].as_array().unwrap().iter();
    spans
        .map(|span| (span["field"].as_str().unwrap().to_owned(), number(&span["start"]), number(&span["end"])))
        .collect()
}

/// Printed fields with start and end, as the parser finds them.
fn parser_spans(found: &template::Match) -> Vec<(String, usize, usize)> {
    let printed = found.values.iter().filter(|value| value.start < value.end);
    printed.map(|value| (value.field.def().id.to_owned(), value.start, value.end)).collect()
}

#[test]
fn grammar_and_parser_see_fields_at_the_same_places() {
    let n_anywhere = samples().iter().filter(|sample| sample.shape.def().at == At::Anywhere).count();
    assert!(grammar_samples().len() > n_anywhere, "the grammar has whole lines too");
    for sample in grammar_samples() {
        let text = sample["text"].as_str().unwrap();
        let found = read_as(text, sample["family"].as_str().unwrap());
        assert_eq!(parser_spans(&found), grammar_spans(&sample), "{text}");
    }
}

/// A text as a line of a family.
fn read_as(text: &str, family: &str) -> template::Match {
    let shapes = Family::by_id(family).unwrap().def().shapes.iter();
    let mut found = shapes.map(|shape| template::longest(*shape, text.as_bytes()));
    found.find(|found| found.is_complete() && found.end == text.len()).unwrap_or_else(|| panic!("{family}: {text}"))
}

#[test]
fn grammar_and_parser_believe_the_same_values_of_a_torn_line() {
    for sample in grammar_samples() {
        let text = sample["text"].as_str().unwrap();
        if read_as(text, sample["family"].as_str().unwrap()).shape.def().at == At::Line {
            continue;
        }
        let certain = usize::try_from(sample["certain"].as_u64().unwrap()).unwrap();
        let spans = grammar_spans(&sample);
        for (index, pair) in spans.windows(2).enumerate().filter(|(_, pair)| pair[0].2 < pair[1].1) {
            let torn = format!("{}the program writes", &text[..pair[1].1]);
            let found = template::best(torn.as_bytes()).unwrap();
            assert_eq!(found.is_certain(), pair[1].1 >= certain, "{torn}");
            if found.is_certain() {
                // Which of two shapes it is, and so the name of a field, may still be open.
                let places = |spans: &[(String, usize, usize)]| -> Vec<(usize, usize)> {
                    spans.iter().map(|(_, start, end)| (*start, *end)).collect()
                };
                assert_eq!(places(&parser_spans(&found)), places(&spans[..=index]), "{torn}");
            }
        }
    }
}
