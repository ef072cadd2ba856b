//! Samples: lines of a shape together with every value that is in them.
//!
//! A sample is checked here by printing: its values put into the template give its text. That the product's parser reads
//! the same values from the text is checked in `tests/it/catalog.rs`.

use serde::Deserialize;

use super::{Field, Reader, Shape};
use crate::Outcome;
use crate::releases::{Releases, parse_minor};
use crate::template::Part;

/// Where a sample comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// A program built with the named release printed this line.
    Recorded,
    /// Made from what Go's source says; nobody here has seen such a line.
    Documented,
}

/// `[[shapes.samples]]`.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SampleText {
    origin: Origin,
    from: String,
    text: String,
    /// Lines before it that make the block in which it means something.
    #[serde(default)]
    before: Vec<String>,
    /// Lines behind it that it needs to be believed.
    #[serde(default)]
    after: Vec<String>,
    /// Values as printed, in printed order; of the flags only those that are printed, as `true`.
    want: toml::Table,
}

/// A line and what is in it.
pub struct Sample {
    /// Where it comes from.
    pub origin: Origin,
    /// The release that printed it (`1.21.13`, `gccgo12`), or that would (`1.21`).
    pub from: String,
    /// The line.
    pub text: String,
    /// Lines before it that make its block.
    pub before: Vec<String>,
    /// Lines behind it that it needs.
    pub after: Vec<String>,
    /// Bytes after which a torn line is certain to be of the shape.
    pub certain: usize,
    /// What is printed of each field, in order: id, first byte, one past the last byte.
    pub spans: Vec<(String, usize, usize)>,
}

/// Checks the samples of a shape; there must be one, and every flag must be seen printed and not printed.
pub(super) fn read(samples: &[SampleText], shape: &Shape, fields: &[Field]) -> Outcome<Vec<Sample>> {
    let mut read = Vec::new();
    for sample in samples {
        read.push(read_one(sample, shape, fields).map_err(|error| format!("sample \"{}\": {error}", sample.text))?);
    }
    if read.is_empty() {
        return Err("no sample".to_owned());
    }
    for part in &shape.template.parts {
        let Part::Flag { field, .. } = part else { continue };
        let printed = |sample: &Sample| sample.spans.iter().any(|(id, ..)| id == field);
        if !read.iter().any(printed) || read.iter().all(printed) {
            return Err(format!("flag \"{field}\": needs a sample that prints it and one that does not"));
        }
    }
    Ok(read)
}

fn read_one(sample: &SampleText, shape: &Shape, fields: &[Field]) -> Outcome<Sample> {
    if shape.text.reader != Reader::Template {
        return read_by_code(sample, shape, fields);
    }
    let mut text = String::new();
    let mut spans = Vec::new();
    let mut want = sample.want.iter().peekable();
    let mut releases = shape.go;
    let mut certain = 0;
    for (index, part) in shape.template.parts.iter().enumerate() {
        if index == shape.template.certain_after {
            certain = text.len();
        }
        let start = text.len();
        match part {
            Part::Literal(literal) => text.push_str(literal),
            Part::Pad => {
                let rest = sample.text.get(start..).unwrap_or_default();
                text.push_str(&rest[..rest.len() - rest.trim_start_matches([' ', '\t']).len()]);
                if text.len() == start {
                    return Err(format!("no blank or tab behind \"{text}\""));
                }
            }
            Part::Value { field, .. } => {
                let Some((_, toml::Value::String(printed))) = want.next_if(|(id, _)| *id == field) else {
                    return Err(format!("want: \"{field}\" as text is missing or out of order"));
                };
                text.push_str(printed);
                spans.push((field.clone(), start, text.len()));
            }
            Part::Flag { field, text: literal } => {
                let Some((_, value)) = want.next_if(|(id, _)| *id == field) else { continue };
                if *value != toml::Value::Boolean(true) {
                    return Err(format!("want: \"{field}\" is a flag, so true or left out"));
                }
                text.push_str(literal);
                spans.push((field.clone(), start, text.len()));
                let printed_by = fields.iter().find(|other| other.text.id == *field).map(|field| field.go);
                releases = releases.intersection(printed_by.unwrap_or(Releases::NONE));
            }
        }
    }
    if let Some((id, _)) = want.next() {
        return Err(format!("want: \"{id}\" is not printed there"));
    }
    if text != sample.text {
        return Err(format!("its values give another line: \"{text}\""));
    }
    if shape.template.certain_after == shape.template.parts.len() {
        certain = text.len();
    }
    check_release(sample, releases)?;
    Ok(made(sample, certain, spans))
}

/// A sample whose layout code reads: its values stand in it in the order of the fields.
fn read_by_code(sample: &SampleText, shape: &Shape, fields: &[Field]) -> Outcome<Sample> {
    let mut spans = Vec::new();
    let mut from = 0;
    for (id, value) in &sample.want {
        if !fields.iter().any(|field| field.text.id == *id) {
            return Err(format!("want: field \"{id}\" is not declared"));
        }
        let flag = |part: &Part| match part {
            Part::Flag { field, text } if field == id => Some(text.clone()),
            _ => None,
        };
        let printed = match value {
            toml::Value::String(printed) => printed.clone(),
            _ => shape.template.parts.iter().find_map(flag).ok_or_else(|| format!("want: \"{id}\" is no flag"))?,
        };
        let Some(at) = sample.text[from..].find(printed.as_str()) else {
            return Err(format!("want: \"{id}\" is not printed there, or out of order"));
        };
        spans.push((id.clone(), from + at, from + at + printed.len()));
        from += at + printed.len();
    }
    check_release(sample, shape.go)?;
    Ok(made(sample, sample.text.len(), spans))
}

fn made(sample: &SampleText, certain: usize, spans: Vec<(String, usize, usize)>) -> Sample {
    let SampleText { origin, from, text, before, after, .. } = sample.clone();
    Sample { origin, from, text, before, after, certain, spans }
}

/// Recorded lines name the exact release, documented ones the minor release; either must print such a line. What gccgo
/// printed names its release (`gccgo12`), whose library is of some release of Go but differs from it.
fn check_release(sample: &SampleText, releases: Releases) -> Outcome {
    if sample.origin == Origin::Recorded && sample.from.starts_with("gccgo") {
        return Ok(());
    }
    let (minor, patch) = match sample.from.match_indices('.').nth(1) {
        Some((at, _)) => (&sample.from[..at], Some(&sample.from[at + 1..])),
        None => (sample.from.as_str(), None),
    };
    if patch.is_some_and(|patch| patch.parse::<u8>().is_err()) || patch.is_some() != (sample.origin == Origin::Recorded)
    {
        return Err(format!(
            "from \"{}\": recorded lines name a release like 1.21.13, documented ones 1.21",
            sample.from
        ));
    }
    if Releases::of_minor(parse_minor(minor)?).intersection(releases).is_empty() {
        return Err(format!("from \"{}\": that release prints no such line", sample.from));
    }
    Ok(())
}
