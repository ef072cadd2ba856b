//! Lines that show something: which recorded line is best for a field, and how its place is marked.

use std::fs;

use super::markdown::fenced;
use crate::Outcome;
use crate::catalog::{Catalog, CorpusLine, Family, Kind, Origin, Sample, Term};
use crate::files::root;
use crate::releases;

/// The line that shows what a family prints: of the newest layout, ordinary, recorded.
pub fn of_family(family: &Family) -> String {
    let samples = family.shapes.iter().flat_map(|shape| &shape.samples);
    let best = samples.max_by_key(|sample| (is_recorded(sample), n_unset(family, sample, ""), release(sample)));
    best.map(|sample| show(sample, None)).unwrap_or_default()
}

/// The line that shows a field, with a mark under its value.
pub fn of_field(family: &Family, id: &str) -> String {
    let with_value = spans_of(family, id);
    let best = with_value.max_by_key(|(sample, span)| {
        let is_telling = !matches!(&sample.text[span.0..span.1], "" | "0" | "-1" | "nil" | "0x0" | "false" | "none");
        (is_recorded(sample), is_telling, n_unset(family, sample, id), release(sample))
    });
    best.map(|(sample, span)| show(sample, Some(span))).unwrap_or_default()
}

/// The line of a term.
pub fn of_term(catalog: &Catalog, term: &Term) -> Outcome<String> {
    let about = |error: String| format!("term \"{}\": {error}", term.id);
    let (Some(example), None) = (&term.example, &term.line) else {
        let line = term.line.as_ref().ok_or_else(|| about("no line".to_owned()))?;
        return of_corpus(line).map_err(about);
    };
    let (name, value) = match example.split_once('=') {
        Some((name, value)) => (name, Some(value)),
        None => (example.as_str(), None),
    };
    let (family, field) = match name.split_once('.') {
        Some((family, field)) => (family, Some(field)),
        None => (name, None),
    };
    let none = || about(format!("no recorded line shows \"{example}\""));
    let family = catalog.families.iter().find(|other| other.text.id == family).ok_or_else(none)?;
    let shown = match (field, value) {
        (None, _) => of_family(family),
        (Some(field), None) => of_field(family, field),
        (Some(field), Some(value)) => {
            let mut with_value = spans_of(family, field);
            let found = with_value.find(|(sample, span)| is_recorded(sample) && &sample.text[span.0..span.1] == value);
            found.map(|(sample, span)| show(sample, Some(span))).unwrap_or_default()
        }
    };
    if shown.is_empty() || !shown.starts_with("Printed by ") { Err(none()) } else { Ok(shown) }
}

/// A sample with where it comes from and all lines that it needs.
pub fn show(sample: &Sample, mark: Option<(usize, usize)>) -> String {
    let origin = match sample.origin {
        Origin::Recorded if sample.from.starts_with("gccgo") => format!("Printed by {}:", sample.from),
        Origin::Recorded => format!("Printed by Go {}:", sample.from),
        Origin::Documented => format!("From the source of Go {}, not recorded:", sample.from),
    };
    let mut lines: Vec<String> = sample.before.clone();
    lines.push(sample.text.clone());
    lines.extend(mark.map(|(start, end)| carets(&sample.text, start, end)));
    lines.extend(sample.after.iter().cloned());
    format!("{origin}\n\n{}", fenced(&lines.join("\n")))
}

fn of_corpus(line: &CorpusLine) -> Outcome<String> {
    let read = |path: String| fs::read_to_string(root().join(&path)).map_err(|error| format!("read {path}: {error}"));
    let log = read(format!("tests/corpus/{}", line.file))?;
    if !log.lines().any(|other| other == line.text) {
        return Err(format!("tests/corpus/{} has no such line: {}", line.file, line.text));
    }
    let manifest: serde_json::Value =
        serde_json::from_str(&read("tests/corpus/manifest.json".to_owned())?).map_err(|error| error.to_string())?;
    let entries = manifest.as_array().into_iter().flatten();
    let mut of_file = entries.filter(|entry| entry["path"] == line.file.as_str());
    let entry = of_file.next().ok_or_else(|| format!("{} is not in the manifest", line.file))?;
    let go = entry["go"].as_str().unwrap_or_default();
    // What others published is dated by hand: `1.7/1.8 (Sep 2017)`.
    let go = go.split_once([' ', ',']).map_or(go, |(go, _)| go);
    let start = line.text.find(&line.mark).unwrap_or_default();
    let marked = carets(&line.text, start, start + line.mark.trim_end().len());
    Ok(format!("Printed by Go {go}:\n\n{}", fenced(&format!("{}\n{marked}", line.text))))
}

/// Places of a field in the samples of its family, oldest layout first.
fn spans_of<'a>(family: &'a Family, id: &str) -> impl Iterator<Item = (&'a Sample, (usize, usize))> {
    let samples = family.shapes.iter().flat_map(|shape| &shape.samples);
    samples.filter_map(move |sample| {
        let (_, start, end) = sample.spans.iter().find(|(other, ..)| other == id)?;
        Some((sample, (*start, *end)))
    })
}

fn is_recorded(sample: &Sample) -> bool {
    sample.origin == Origin::Recorded
}

/// How ordinary a line is: the negative number of switches that are printed on it, beside the one that is asked for.
fn n_unset(family: &Family, sample: &Sample, id: &str) -> i32 {
    let is_flag = |other: &str| {
        family.fields.iter().any(|field| field.text.id == other && other != id && field.text.kind == Kind::Flag)
    };
    -(sample.spans.iter().filter(|(other, ..)| is_flag(other)).count() as i32)
}

/// Minor number of the release of a sample; those of gccgo come first.
fn release(sample: &Sample) -> u8 {
    let mut parts = sample.from.splitn(3, '.');
    let minor =
        parts.next().zip(parts.next()).and_then(|(one, minor)| releases::parse_minor(&format!("{one}.{minor}")).ok());
    minor.unwrap_or_default()
}

/// A line of carets under these bytes. Tabs stay tabs, so that it stands right however wide they are shown.
fn carets(text: &str, start: usize, end: usize) -> String {
    let indent: String = text[..start].chars().map(|char| if char == '\t' { '\t' } else { ' ' }).collect();
    let width = text[start..end].chars().count().max(1);
    format!("{indent}{}", "^".repeat(width))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn carets_stand_under_characters() {
        assert_eq!(carets("gc 1 @0.038s", 6, 11), "      ^^^^^");
        assert_eq!(carets("\t∆goal x", 7, 8), "\t    ^");
        assert_eq!(carets("a  b", 2, 2), "  ^");
    }
}
