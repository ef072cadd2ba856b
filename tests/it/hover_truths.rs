//! Hovers say what is true of the field in the release at hand, and nothing that is not: `hover_truths.toml`.

use std::collections::BTreeSet;

use serde::Deserialize;

use crate::catalog_samples::families;
use crate::document::{assert_readable, hover, line, open, open_corpus, plain};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    hover: Vec<Truth>,
}

/// One hover: where, and what it says.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Truth {
    file: Option<String>,
    line: Option<u32>,
    begins: Option<String>,
    sample: Option<String>,
    field: String,
    says: Vec<String>,
    never: Vec<String>,
}

impl Truth {
    /// The text of the hover, and where it is.
    fn ask(&self) -> (String, String) {
        match (&self.file, self.line, &self.begins, &self.sample) {
            (Some(file), Some(number), Some(begins), None) => {
                let snapshot = open_corpus(file);
                let text = line(&snapshot, number);
                let about = format!("{file}:{number} {}", self.field);
                assert!(text.contains(begins.as_str()), "{about} is another line: {text}");
                (hover(&snapshot, number, &self.field).markdown, about)
            }
            (None, None, None, Some(begins)) => {
                let samples: Vec<String> = families()
                    .into_iter()
                    .flat_map(|family| family.shapes)
                    .flat_map(|shape| shape.samples)
                    .filter(|sample| sample.origin == "recorded" && sample.text.starts_with(begins.as_str()))
                    .map(|sample| sample.text)
                    .collect();
                let [sample] = samples.as_slice() else { panic!("{begins}: {} recorded samples", samples.len()) };
                (hover(&open(sample), 1, &self.field).markdown, format!("{begins} {}", self.field))
            }
            _ => panic!("{}: either a file with its line, or a sample", self.field),
        }
    }
}

#[test]
fn hovers_say_what_is_true_and_nothing_that_is_not() {
    let table: Table = toml::from_str(include_str!("hover_truths.toml")).expect("the table is TOML");
    let lines: BTreeSet<_> = table.hover.iter().filter_map(|truth| Some((truth.file.as_ref()?, truth.line?))).collect();
    assert!(lines.len() >= 100, "{} lines of the corpus", lines.len());
    let mut wrong = Vec::new();
    for truth in &table.hover {
        assert!(!truth.says.is_empty() && !truth.never.is_empty(), "{}: says and never", truth.field);
        let (markdown, about) = truth.ask();
        assert_readable(&markdown, &about);
        let text = plain(&markdown).to_lowercase();
        let missing = truth.says.iter().filter(|said| !text.contains(&said.to_lowercase()));
        wrong.extend(missing.map(|said| format!("{about} does not say {said:?}\n{markdown}\n")));
        let said = truth.never.iter().filter(|never| text.contains(&never.to_lowercase()));
        wrong.extend(said.map(|never| format!("{about} says {never:?}\n{markdown}\n")));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Lines of one run with the value of a field at the given quantile (nearest rank), and that value.
fn line_at_quantile(file: &str, field: tracelog::Field, share: f64) -> (u32, f64) {
    let snapshot = open_corpus(file);
    let parsed = snapshot.parsed.as_ref().expect("it is read");
    let rows = parsed.log.rows(field.family);
    let mut lines: Vec<(f64, u32)> =
        rows.iter().filter_map(|row| Some((parsed.log.value(*row, field)?, parsed.log.line(*row) + 1))).collect();
    lines.sort_by(|a, b| a.0.total_cmp(&b.0));
    let rank = (share * lines.len() as f64).ceil() as usize;
    let (value, line) = lines[rank.max(1) - 1];
    (line, value)
}

#[test]
fn the_hover_of_a_median_differs_from_that_of_an_extreme() {
    let file = "long/1.24.11-heapleak_slow-p2-s9746.log";
    let field = tracelog::catalog::gc::WALL_MARK_MS;
    let (median_line, median) = line_at_quantile(file, field, 0.5);
    let (p99_line, p99) = line_at_quantile(file, field, 0.99);
    assert!(median < p99, "{median} {p99}");
    let snapshot = open_corpus(file);
    // The sentences of the field are the same in both; value, place in the run and value before are not.
    let said_of = |line| hover(&snapshot, line, "wall_mark_ms").markdown;
    let (of_median, of_p99) = (said_of(median_line), said_of(p99_line));
    let place = |markdown: &str| {
        let place = markdown.lines().find_map(|line| line.strip_prefix("- **In this run:** ")).expect("a place");
        place.split(" · ").next().map(str::to_owned).expect("words")
    };
    assert_ne!(place(&of_median), place(&of_p99));
    assert!(place(&of_p99).contains("unusual: higher than 9"), "{of_p99}");
    assert!(place(&of_median).contains("ordinary: "), "{of_median}");
    assert!(of_median.contains(&format!("**median** {median} · **p99** {p99}")), "{of_median}");
    assert!(of_p99.starts_with(&format!("**Concurrent mark**: {p99} ms\n")), "{of_p99}");
    assert!(of_median.starts_with(&format!("**Concurrent mark**: {median} ms\n")), "{of_median}");
}

#[test]
fn impossible_values_are_called_invalid() {
    let wrapped = "gc 2 @18446744073.709s -9223372036854775808%: 18446744073709+0.31+0.002 ms clock, \
                   0.039+0/0.21/0.065+0.004 ms cpu, 4->4->0 MB, 4 MB goal, 0 MB stacks, 0 MB globals, 4 P";
    let snapshot = open(wrapped);
    for (field, said) in [
        ("at_s", "invalid (printed as 18446744073.709)"),
        ("gc_cpu_pct", "invalid (printed as -9223372036854775808)"),
        ("wall_sweep_term_ms", "invalid (printed as 18446744073709)"),
    ] {
        let markdown = hover(&snapshot, 1, field).markdown;
        assert!(markdown.contains(said), "{field}:\n{markdown}");
        assert!(!markdown.contains("How to read it") && !markdown.contains("709 ms"), "{field}:\n{markdown}");
    }
    let whole = hover(&snapshot, 1, "").markdown;
    assert_eq!(whole.matches("invalid").count(), 3, "{whole}");
}

#[test]
fn hexadecimal_sizes_are_shown_as_decimal() {
    let snapshot = open("scvg12: 0x1f MB released");
    let markdown = hover(&snapshot, 1, "released_pass_mb").markdown;
    assert!(markdown.starts_with("**Released in this pass**: 31 MB (printed as 0x1f)\n"), "{markdown}");
}
