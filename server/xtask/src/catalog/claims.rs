//! What the catalog claims of a field beyond its meaning: formulas, common confusions, sources by release.
//!
//! Each claim names its source, and a sample must show the field in a release that the claim is for.

use serde::Deserialize;

use super::formula::{Comparison, Expr, Reference};
use super::{Family, Field, FieldText, Kind, prose};
use crate::Outcome;
use crate::releases::Releases;

/// One of the `formula` of a field.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FormulaText {
    pub go: String,
    pub name: String,
    #[serde(default)]
    pub unit: String,
    pub is: String,
    #[serde(default)]
    pub when: Vec<String>,
    pub source: String,
}

/// One of the `confusion` of a field: what it is taken for and what it is.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConfusionText {
    pub go: String,
    pub text: String,
    pub source: String,
}

/// One of the `units` of the catalog: what is commonly confused about it, in every field.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UnitText {
    pub unit: String,
    pub text: String,
    pub source: String,
}

impl UnitText {
    /// The confusion of a field with this unit.
    pub(super) fn confusion(&self, go: Releases) -> Outcome<(Releases, ConfusionText)> {
        let confusion = ConfusionText { go: go.to_string(), text: self.text.clone(), source: self.source.clone() };
        prose::check_confusion(&confusion)?;
        Ok((go, confusion))
    }
}

/// A formula, read.
pub struct Formula {
    /// Releases for which it holds.
    pub go: Releases,
    /// What the file says.
    pub text: FormulaText,
    /// How it is computed.
    pub is: Expr,
    /// What must hold.
    pub when: Vec<Comparison>,
}

impl Formula {
    fn references(&self) -> impl Iterator<Item = &Reference> {
        let sides = self.when.iter().flat_map(|when| [&when.left, &when.right]);
        std::iter::once(&self.is).chain(sides).flat_map(Expr::references)
    }
}

/// Reads the formulas of a field that these releases print.
pub(super) fn formulas(field: &FieldText, printed: Releases, newest: u8) -> Outcome<Vec<Formula>> {
    let read = |text: &FormulaText| {
        let about = |error| format!("formula \"{}\": {error}", text.name);
        prose::check_formula(text).map_err(about)?;
        let go = claimed(&text.go, printed, newest).map_err(about)?;
        let is = Expr::parse(&text.is).map_err(about)?;
        let when = text.when.iter().map(|when| Comparison::parse(when)).collect::<Outcome<_>>().map_err(about)?;
        Ok(Formula { go, text: text.clone(), is, when })
    };
    field.formula.iter().map(read).collect()
}

/// Reads the confusions of a field that these releases print.
pub(super) fn confusions(field: &FieldText, printed: Releases, newest: u8) -> Outcome<Vec<(Releases, ConfusionText)>> {
    let read = |confusion: &ConfusionText| {
        prose::check_confusion(confusion)?;
        Ok((claimed(&confusion.go, printed, newest)?, confusion.clone()))
    };
    field.confusion.iter().map(read).collect::<Outcome<_>>().map_err(|error| format!("confusion: {error}"))
}

/// The releases of a claim, all of which print the field.
fn claimed(go: &str, printed: Releases, newest: u8) -> Outcome<Releases> {
    let claimed = Releases::parse(go, newest)?;
    if claimed.intersection(printed) == claimed {
        Ok(claimed)
    } else {
        Err(format!("{go} names a release that does not print the field"))
    }
}

/// The parts of a source, each with its releases: `runtime/mgc.go gcMarkTermination, 1.6-; gc, 1.5` has two, both in
/// mgc.go.
pub(super) fn sources(text: &str, newest: u8) -> Vec<(Releases, String)> {
    let mut file = "";
    let mut sources = Vec::new();
    for part in text.split("; ") {
        let mut words = part;
        let mut go = Releases::NONE;
        while let Some((before, last)) = words.rsplit_once(", ") {
            let Ok(releases) = Releases::parse(last, newest) else { break };
            go = go.union(releases);
            words = before;
        }
        if go.is_empty() {
            sources.push((Releases::up_to(newest), part.to_owned()));
            continue;
        }
        let mut files = words.split_whitespace().filter(|word| word.contains('/'));
        if words.starts_with(files.next().unwrap_or(" ")) {
            sources.push((go, words.to_owned()));
        } else {
            sources.push((go, format!("{file} {words}")));
        }
        // What follows without a file is in the one named last.
        file = words.split_whitespace().rfind(|word| word.contains('/')).unwrap_or(file);
    }
    sources
}

/// Every value that a formula names exists and is of its kind, and a sample shows what each claim is about.
pub(super) fn check(families: &[Family]) -> Outcome {
    for family in families {
        for field in &family.fields {
            check_field(field, family, families)
                .map_err(|error| format!("field \"{}\" of family \"{}\": {error}", field.text.id, family.text.id))?;
        }
    }
    Ok(())
}

fn check_field(field: &Field, family: &Family, families: &[Family]) -> Outcome {
    check_sample(&field.text.id, field.go, family)?;
    for formula in &field.formulas {
        let about = |error| format!("formula \"{}\": {error}", formula.text.name);
        formula.references().try_for_each(|reference| check_reference(reference, family, families)).map_err(about)?;
        check_sample(&field.text.id, formula.go, family).map_err(about)?;
    }
    field.confusions.iter().try_for_each(|(go, _)| {
        check_sample(&field.text.id, *go, family).map_err(|error| format!("confusion for {go}: {error}"))
    })
}

fn check_reference(reference: &Reference, family: &Family, families: &[Family]) -> Outcome {
    let of = reference.family.as_ref().unwrap_or(&family.text.id);
    let family = families.iter().find(|family| family.text.id == *of);
    let field = family.and_then(|family| family.fields.iter().find(|field| field.text.id == reference.field));
    match field.map(|field| field.text.kind) {
        None => Err(format!("there is no field \"{}\" of family \"{of}\"", reference.field)),
        Some(Kind::Text | Kind::LongText | Kind::HexList) => Err(format!("\"{}\" is no number", reference.field)),
        Some(_) => Ok(()),
    }
}

/// A sample of one of these releases prints the field.
fn check_sample(field: &str, go: Releases, family: &Family) -> Outcome {
    let shapes = family.shapes.iter().filter(|shape| !shape.go.intersection(go).is_empty());
    let mut samples = shapes.flat_map(|shape| &shape.samples);
    if samples.any(|sample| sample.spans.iter().any(|(id, ..)| id == field)) {
        Ok(())
    } else {
        Err(format!("no sample of Go {go} prints it"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::read_edited;
    use crate::files::root;

    /// What is wrong with the catalog once the file of a family is edited.
    fn error_of(family: &str, edit: impl Fn(String) -> String) -> String {
        let file = format!("formats/{family}.toml");
        let read = read_edited(&root().join("server/catalog"), |name, text| {
            if name != file {
                return text;
            }
            let edited = edit(text.clone());
            assert_ne!(edited, text, "the edit finds what it changes");
            edited
        });
        read.err().unwrap_or_default()
    }

    #[test]
    fn a_claim_without_a_source_is_refused() {
        let without_source = |kind: &'static str| {
            move |text: String| {
                let at = text.find(kind).unwrap_or(text.len());
                let (before, after) = text.split_at(at);
                let source = after.find(", source = ").unwrap_or(0);
                let end = source + after[source..].find(" }").unwrap_or(0);
                format!("{before}{}{}", &after[..source], &after[end..])
            }
        };
        let error = error_of("gc", without_source("formula = ["));
        assert!(error.contains("missing field `source`"), "{error}");
        let error = error_of("gc", without_source("confusion = ["));
        assert!(error.contains("missing field `source`"), "{error}");
        let error = error_of("scav", |text| {
            text.replacen("source = \"runtime/mgcscavenge.go printScavTrace, 1.21-\"", "source = \"\"", 1)
        });
        assert!(error.contains("work_background_kib") && error.contains("source \"\""), "{error}");
    }

    #[test]
    fn a_field_that_no_sample_shows_is_refused() {
        let without_minutes = |text: String| {
            let samples = text.split("\n[[shapes.samples]]\n");
            let kept: Vec<&str> = samples.filter(|sample| !sample.contains("minutes = \"")).collect();
            kept.join("\n[[shapes.samples]]\n")
        };
        let error = error_of("goroutine", without_minutes);
        assert!(error.contains("\"minutes\"") && error.contains("no sample"), "{error}");
    }

    #[test]
    fn a_formula_names_numbers_that_exist() {
        let error = error_of("gc", |text| {
            text.replacen("(mallocs - frees)", "", 1).replacen(
                "is = \"mallocs - frees\"",
                "is = \"mallocs - freed\"",
                1,
            )
        });
        assert!(error.contains("there is no field \"freed\""), "{error}");
        let error =
            error_of("init", |text| text.replacen("is = \"start_ms + init_ms\"", "is = \"start_ms + package\"", 1));
        assert!(error.contains("\"package\" is no number"), "{error}");
    }

    fn split(text: &str) -> Vec<(String, String)> {
        sources(text, 27).into_iter().map(|(go, source)| (go.to_string(), source)).collect()
    }

    #[test]
    fn a_source_is_split_by_release() {
        let both = split("runtime/mgc.go gcMarkTermination, 1.6-; gc, 1.5");
        let want = [("1.6 – 1.27", "runtime/mgc.go gcMarkTermination"), ("1.5", "runtime/mgc.go gc")];
        assert_eq!(both, want.map(|(go, source)| (go.to_owned(), source.to_owned())));
        let one = split("runtime/mgc0.c gc, gcprocs in runtime/proc.c, MaxGcproc, 1.0-1.4");
        assert_eq!(
            one,
            [("1.0 – 1.4".to_owned(), "runtime/mgc0.c gc, gcprocs in runtime/proc.c, MaxGcproc".to_owned())]
        );
        let two = split("runtime/mgcmark.go gcAssistAlloc1, runtime/mgc.go gcMarkTermination, 1.6-; gc, 1.5");
        assert_eq!(two[1], ("1.5".to_owned(), "runtime/mgc.go gc".to_owned()));
        let other = split("not Go's runtime: printed by shells");
        assert_eq!(other, [("1.0 – 1.27".to_owned(), "not Go's runtime: printed by shells".to_owned())]);
    }
}
