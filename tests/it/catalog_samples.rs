//! The catalog's own files, read without the product: which samples there are and where their fields stand.

use std::path::Path;

use serde::Deserialize;

/// One file of `server/catalog/formats`; only what tests need of it.
#[derive(Deserialize)]
pub struct Family {
    pub id: String,
    #[serde(default)]
    pub fields: Vec<Field>,
    pub shapes: Vec<Shape>,
}

#[derive(Deserialize)]
pub struct Field {
    pub id: String,
    pub title: String,
}

#[derive(Deserialize)]
pub struct Shape {
    pub id: String,
    pub template: String,
    /// Read by code, so that the template is for people.
    #[serde(default)]
    pub reader: String,
    pub samples: Vec<Sample>,
}

#[derive(Deserialize)]
pub struct Sample {
    pub origin: String,
    pub text: String,
    pub want: toml::Table,
    /// Lines before it that make its block.
    #[serde(default)]
    pub before: Vec<String>,
    /// Lines behind it that it needs to be believed.
    #[serde(default)]
    pub after: Vec<String>,
}

impl Sample {
    /// A document in which the sample means what it should.
    pub fn document(&self) -> String {
        let lines: Vec<&str> = self.before.iter().chain([&self.text]).chain(&self.after).map(String::as_str).collect();
        lines.join("\n")
    }

    /// The line of the sample in it, from 0.
    pub fn line(&self) -> u32 {
        self.before.len() as u32
    }
}

/// All families.
pub fn families() -> Vec<Family> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../server/catalog/formats");
    let mut paths: Vec<_> =
        std::fs::read_dir(&folder).expect("the catalog is there").map(|entry| entry.expect("a file").path()).collect();
    paths.sort();
    let read = |path| std::fs::read_to_string(path).expect("a text");
    paths.iter().map(|path| toml::from_str(&read(path)).unwrap_or_else(|error| panic!("{path:?}: {error}"))).collect()
}

impl Shape {
    /// What is printed of each field of a sample, in order: id, first byte, one past the last byte.
    pub fn spans(&self, sample: &Sample) -> Vec<(String, usize, usize)> {
        if !self.reader.is_empty() {
            return self.spans_in_order(sample);
        }
        let template = self.template.replace('~', "");
        let mut spans = Vec::new();
        let mut text = String::new();
        for piece in template.split_inclusive(['{', '}']) {
            match piece.strip_suffix('}') {
                None => text.push_str(piece.strip_suffix('{').unwrap_or(piece)),
                Some(inside) => {
                    let start = text.len();
                    let id = inside.split([':', '?']).next().unwrap_or(inside);
                    if id == "pad" {
                        let rest = &sample.text[start..];
                        text.push_str(&rest[..rest.len() - rest.trim_start_matches([' ', '\t']).len()]);
                        continue;
                    }
                    match sample.want.get(id) {
                        Some(toml::Value::String(printed)) => text.push_str(printed),
                        Some(_) => text.push_str(inside.split_once('?').expect("a flag has a text").1),
                        None => continue,
                    }
                    spans.push((id.to_owned(), start, text.len()));
                }
            }
        }
        assert_eq!(text, sample.text, "{}", self.id);
        spans.retain(|(_, start, end)| start < end);
        spans
    }

    /// The same where only the order of the values is known.
    fn spans_in_order(&self, sample: &Sample) -> Vec<(String, usize, usize)> {
        let mut at = 0;
        let span = |(id, want): (&String, &toml::Value)| {
            let flag = format!("{{{id}?");
            let printed = match want {
                toml::Value::String(printed) => printed.as_str(),
                _ => self.template.split_once(&flag).and_then(|(_, rest)| rest.split_once('}')).expect("a flag").0,
            };
            let start = at + sample.text[at..].find(printed).unwrap_or_else(|| panic!("{printed} in {}", sample.text));
            at = start + printed.len();
            (id.clone(), start, at)
        };
        sample.want.iter().map(span).collect()
    }
}
