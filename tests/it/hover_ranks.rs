//! Every number of a run is told apart by where it stands, and every formula of the catalog can be filled in somewhere.

use std::collections::BTreeSet;
use std::path::Path;

use tracelog::catalog::{At, Kind, Piece, Role};
use tracelog::fixture::{Printed, line_of};
use tracelog::{Family, Field, LineCol, Shape};

use crate::catalog_samples::families;
use crate::document::{hover, hover_at, open, open_corpus};
use crate::hover_everywhere::logs_below;

const N_LINES: usize = 200;

/// A log of one layout in which every number takes 200 values, each field in another order.
fn varied(shape: Shape) -> String {
    let def = shape.def();
    let line = |n: usize| {
        let value = |index: u8, kind: Kind| {
            let field = Field { family: def.family, index };
            let varied = 5.0 + ((n * 73 + usize::from(index) * 11) % N_LINES) as f64;
            let printed = match kind {
                Kind::IntList | Kind::HexList => Printed::List(vec![1, 2]),
                // A counter that falls would be another run.
                _ if field.def().cumulative => Printed::Number(1.0 + n as f64),
                Kind::Text | Kind::LongText => Printed::Text("x".to_owned()),
                _ => Printed::Number(varied),
            };
            (field, printed)
        };
        let values: Vec<_> = def
            .pieces
            .iter()
            .filter_map(|piece| match *piece {
                Piece::Value(index, kind) => Some(value(index, kind)),
                _ => None,
            })
            .collect();
        line_of(shape, &values)
    };
    (0..N_LINES).map(|n| format!("{}\n", line(n))).collect()
}

/// Whether a value of the field has a rank: a number that neither counts up, nor is a name or a state.
fn is_ranked(field: Field, kind: Kind) -> bool {
    let def = field.def();
    let is_number =
        matches!(kind, Kind::Uint | Kind::Int | Kind::Millis2 | Kind::FloatE | Kind::FloatG | Kind::Seconds3)
            || kind == Kind::Hex && !def.unit.is_empty();
    let is_quantity = !matches!(def.role, Role::Id | Role::State | Role::File | Role::Function | Role::Text);
    is_number && is_quantity && !def.cumulative
}

#[test]
fn a_median_value_reads_otherwise_than_one_that_few_exceed() {
    let mut n_fields = 0;
    let shapes = Family::ALL.iter().flat_map(|family| family.def().shapes);
    for shape in shapes.copied().filter(|shape| shape.def().at == At::Anywhere) {
        let snapshot = open(&varied(shape));
        let parsed = snapshot.parsed.as_ref().expect("it is read");
        let family = shape.def().family;
        let rows = parsed.log.rows(family);
        for piece in shape.def().pieces {
            let Piece::Value(index, kind) = *piece else { continue };
            let field = Field { family, index };
            if !is_ranked(field, kind) {
                continue;
            }
            let about = format!("{} of {}", field.def().id, shape.def().id);
            let mut lines: Vec<(f64, u32)> = rows
                .iter()
                .filter_map(|row| Some((parsed.log.value(*row, field)?, parsed.log.line(*row) + 1)))
                .collect();
            lines.sort_by(|a, b| a.0.total_cmp(&b.0));
            assert!(lines.len() >= N_LINES * 9 / 10, "{about}: {} lines are read", lines.len());
            let place = |share: f64| {
                let (_, line) = lines[(share * lines.len() as f64) as usize];
                let markdown = hover(&snapshot, line, field.def().id).markdown;
                let place = markdown.lines().find_map(|line| line.strip_prefix("- **In this run:** "));
                place.unwrap_or_else(|| panic!("{about}: no place in\n{markdown}")).to_owned()
            };
            let (median, p99) = (place(0.5), place(0.99));
            assert!(median.contains("ordinary: about the median"), "{about}: {median}");
            assert!(p99.contains("high: higher than 9"), "{about}: {p99}");
            n_fields += 1;
        }
    }
    assert!(n_fields > 150, "{n_fields} fields");
}

#[test]
fn every_formula_is_filled_in_by_some_real_line() {
    let mut missing: BTreeSet<(&str, &str, &str)> = BTreeSet::new();
    for family in Family::ALL {
        for field in family.def().fields {
            missing.extend(field.formula.iter().map(|formula| (family.def().id, field.id, formula.name)));
        }
    }
    let n_formulas = missing.len();
    let mut look = |snapshot: &ide::Snapshot| {
        let parsed = snapshot.parsed.as_ref().expect("it is read");
        for family in Family::ALL {
            if !missing.iter().any(|(id, ..)| *id == family.def().id) {
                continue;
            }
            let rows = parsed.log.rows(*family);
            for row in rows.iter().step_by(rows.len().div_ceil(40).max(1)) {
                let line = parsed.log.line(*row);
                for value in snapshot.items(line).items.iter().flat_map(|item| &item.values) {
                    let id = value.field.def().id;
                    let is_missing = |(of, field, _): &(&str, &str, &str)| *of == family.def().id && *field == id;
                    if value.field.family != *family
                        || value.loc.start == value.loc.end
                        || !missing.iter().any(is_missing)
                    {
                        continue;
                    }
                    let at = LineCol { line: value.loc.line, byte: value.loc.start };
                    let markdown = hover_at(snapshot, at).expect("a value has a hover").markdown;
                    missing.retain(|known| !is_missing(known) || !markdown.contains(&format!("**{}:**", known.2)));
                }
            }
        }
    };
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus");
    for path in logs_below(&corpus) {
        look(&open_corpus(&path.strip_prefix(&corpus).expect("it is below").to_string_lossy()));
    }
    for sample in families().into_iter().flat_map(|family| family.shapes).flat_map(|shape| shape.samples) {
        look(&open(&sample.document()));
    }
    assert!(n_formulas > 80, "{n_formulas} formulas");
    assert!(missing.is_empty(), "never filled in: {missing:?}");
}
