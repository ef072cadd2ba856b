//! Every byte of every sample of the catalog has a hover: over a field that of the field, elsewhere that of the line.

use std::fs;
use std::path::{Path, PathBuf};

use tracelog::LineCol;

use crate::catalog_samples::{Family, families};
use crate::document::{assert_readable, hover_at, open, open_corpus};

#[test]
fn every_byte_of_every_sample_has_the_hover_of_its_field() {
    let (mut n_hovers, mut n_named) = (0, 0);
    for family in families() {
        for (shape, sample) in
            family.shapes.iter().flat_map(|shape| shape.samples.iter().map(move |sample| (shape, sample)))
        {
            let spans = shape.spans(sample);
            let snapshot = open(&sample.document());
            for byte in 0..=sample.text.len() {
                let about = format!("{} byte {byte} of {}", family.id, sample.text);
                let hover = hover_at(&snapshot, LineCol { line: sample.line(), byte: byte as u32 })
                    .unwrap_or_else(|| panic!("no hover: {about}"));
                let got = (hover.loc.start as usize, hover.loc.end as usize);
                // Where one field ends and the next begins, the cursor is on the one that begins.
                let on = spans.iter().rfind(|(_, start, end)| *start <= byte && byte <= *end);
                match on {
                    Some((id, start, end)) => {
                        assert_eq!(got, (*start, *end), "{about}");
                        let title = format!("**{}**: ", title(&family, id));
                        assert!(hover.markdown.starts_with(&title), "{about}: {}", hover.markdown);
                    }
                    // The line as a whole, beside the text that stands around the cursor.
                    None if got == between(&spans, byte, sample.text.len()) => {
                        assert!(hover.markdown.contains("printed by Go"), "{about}: {}", hover.markdown);
                    }
                    // A name before a value, or a unit behind it, and the value.
                    None => {
                        let touches = |(_, start, end): &&(String, usize, usize)| got.0 == *start || got.1 == *end;
                        let (id, ..) = spans.iter().find(touches).unwrap_or_else(|| panic!("{about}: {got:?}"));
                        let title = format!("**{}**: ", title(&family, id));
                        assert!(hover.markdown.starts_with(&title), "{about}: {}", hover.markdown);
                        assert!(got.0 <= byte && byte <= got.1, "{about}: {got:?}");
                        n_named += 1;
                    }
                }
                assert_readable(&hover.markdown, &about);
                n_hovers += 1;
            }
        }
    }
    assert!(n_hovers > 3000 && n_named > 500, "{n_hovers} hovers, {n_named} over names and units");
}

/// The text around a byte in which nothing is a value.
fn between(spans: &[(String, usize, usize)], byte: usize, length: usize) -> (usize, usize) {
    let before = spans.iter().map(|(_, _, end)| *end).filter(|end| *end <= byte).max();
    let behind = spans.iter().map(|(_, start, _)| *start).filter(|start| *start >= byte).min();
    (before.unwrap_or(0), behind.unwrap_or(length))
}

fn title<'a>(family: &'a Family, id: &str) -> &'a str {
    family.fields.iter().find(|field| field.id == id).map_or("?", |field| field.title.as_str())
}

/// In a run every hover also tells a place in it, and releases narrow the notes.
#[test]
fn hovers_in_real_runs_fit_on_a_screen() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus");
    let mut n_hovers = 0;
    for path in logs_below(&corpus) {
        let file = path.strip_prefix(&corpus).expect("it is below").to_string_lossy().into_owned();
        let snapshot = open_corpus(&file);
        let parsed = snapshot.parsed.as_ref().expect("it is read");
        for family in tracelog::Family::ALL {
            let rows = parsed.log.rows(*family);
            let Some(row) = rows.get(rows.len() / 2) else { continue };
            let line = parsed.log.line(*row);
            for item in snapshot.items(line).items.iter().filter(|item| item.row == Some(*row)) {
                let starts = item.values.iter().filter(|value| value.loc.end > value.loc.start).map(|value| value.loc);
                for loc in starts.chain([item.loc]) {
                    let at = LineCol { line: loc.line, byte: loc.start };
                    let hover = hover_at(&snapshot, at).unwrap_or_else(|| panic!("no hover: {file} {at:?}"));
                    assert_readable(&hover.markdown, &format!("{file}:{}", line + 1));
                    n_hovers += 1;
                }
            }
        }
    }
    assert!(n_hovers > 2000, "{n_hovers} hovers");
}

/// All logs in a folder and those below it.
pub fn logs_below(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("the corpus is there").map(|entry| entry.expect("an entry").path());
    entries
        .flat_map(|path| if path.is_dir() { logs_below(&path) } else { vec![path] })
        .filter(|path| path.extension().is_some_and(|extension| extension == "log" || extension == "txt"))
        .collect()
}

#[test]
fn nothing_is_said_beside_a_line() {
    let snapshot = open("\nlistening on :8080\nGC forced\n");
    let hover = |line, byte| hover_at(&snapshot, LineCol { line, byte });
    assert_eq!(hover(0, 0), None);
    assert_eq!(hover(1, 3), None);
    assert!(hover(2, 0).is_some());
    assert_eq!(hover(9, 0), None);
    assert_eq!(hover(2, 500), None);
}
