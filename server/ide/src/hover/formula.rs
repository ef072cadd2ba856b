//! Formulas of the catalog with the numbers of this line filled in.

use tracelog::blocks::SchedBlock;
use tracelog::catalog::{Expr, Of, Values};
use tracelog::template::Datum;
use tracelog::{Field, GoReleases, Item, RowId};

use super::before;
use crate::series::ordinary;
use crate::snapshot::Parsed;
use crate::special;
use crate::words;

/// Rows before and behind a row among which others of its block are looked for: MemStats has 30 lines.
const NEAR: usize = 40;
/// Values of a list beyond which its sum is shown instead.
const MAX_TERMS: usize = 8;

/// What every formula of a field gives here: its name, and the formula filled in with its result.
pub(super) fn filled(
    parsed: Option<&Parsed>,
    item: &Item,
    field: Field,
    go: GoReleases,
) -> Vec<(&'static str, String)> {
    let known = Known::of(parsed, item);
    let formulas = field.def().formula.iter().filter(|formula| !formula.go.intersection(go).is_empty());
    let holds = formulas.filter(|formula| formula.when.iter().all(|when| when.holds(&known)));
    // A run whose releases are not known may fit two layouts of a formula: the first that can be filled in counts.
    let mut filled: Vec<(&'static str, String)> = Vec::new();
    for formula in holds {
        let result = formula.is.evaluate(&known);
        if result.is_finite() && filled.iter().all(|(name, _)| *name != formula.name) {
            let shown = Shown::of(formula.is, &known).finished();
            filled.push((formula.name, format!("{shown} = {}", with_unit(result, formula.unit))));
        }
    }
    filled
}

/// A result with its unit; shares are shown in percent.
fn with_unit(result: f64, unit: &str) -> String {
    match unit {
        "%" => format!("{} %", words::number(result * 100.0)),
        "s" => format!("{} s", operand(result)),
        "B" => {
            let printed = format!("{result:.0} B");
            words::size(result).map_or(printed.clone(), |size| format!("{printed} ({size})"))
        }
        _ => words::with_unit(&words::number(result), unit),
    }
}

/// A number as it goes into a formula: with the digits that were printed, at most three decimals.
fn operand(number: f64) -> String {
    if number == number.trunc() || number.abs() < 0.001 {
        return words::number(number);
    }
    format!("{number:.3}").trim_end_matches('0').to_owned()
}

/// Values that a line and its neighbors have.
struct Known<'a> {
    item: &'a Item,
    /// Log, run, row and its index in the run, once they are known.
    place: Option<(&'a Parsed, usize, RowId, usize)>,
}

impl<'a> Known<'a> {
    fn of(parsed: Option<&'a Parsed>, item: &'a Item) -> Self {
        let place = parsed.and_then(|parsed| {
            let row = item.row?;
            let (run, index) = parsed.index_of(row)?;
            Some((parsed, run, row, index))
        });
        Self { item, place }
    }

    /// The row on which a value stands.
    fn row(&self, of: Of, field: Field) -> Option<RowId> {
        let (parsed, run, row, index) = self.place?;
        let rows = parsed.runs.list[run].rows(row.family);
        let prints = |row: &&RowId| parsed.log.code(**row, field).is_some();
        match of {
            Of::This => Some(row),
            Of::Before if SchedBlock::node(&parsed.log, row).is_some() => {
                before::same_thing(parsed, rows, index).next()
            }
            Of::Before => rows.get(index.checked_sub(1)?).copied(),
            Of::Next => rows.get(index + 1).copied(),
            Of::Near => {
                let up = rows[..=index].iter().rev().take(NEAR).find(prints);
                let down = || rows[index..].iter().take(NEAR).find(prints);
                up.or_else(down).copied()
            }
            Of::Last => {
                let others = parsed.runs.list[run].rows(field.family);
                let line = parsed.log.line(row);
                let end = others.partition_point(|other| parsed.log.line(*other) <= line);
                others[..end].iter().rev().take(NEAR).find(prints).copied()
            }
        }
    }
}

impl Values for Known<'_> {
    fn number(&self, of: Of, field: Field) -> Option<f64> {
        let ordinary_here = |number: &f64| number.is_finite() && special::of(field, *number).is_none();
        if of == Of::This || of == Of::Near && self.item.get(field).is_some() {
            return self.item.get(field)?.number().filter(ordinary_here);
        }
        let (parsed, ..) = self.place?;
        ordinary(&parsed.log, self.row(of, field)?, field)
    }

    fn list(&self, of: Of, field: Field) -> Vec<i64> {
        if of == Of::This {
            return match self.item.get(field) {
                Some(Datum::List(kind, codes)) => {
                    codes.iter().map(|code| tracelog::cells::value(*kind, *code) as i64).collect()
                }
                _ => Vec::new(),
            };
        }
        let row = self.place.and_then(|(parsed, ..)| Some((parsed, self.row(of, field)?)));
        row.map_or(Vec::new(), |(parsed, row)| parsed.log.list(row, field))
    }
}

/// A term as people write it.
struct Shown {
    text: String,
    /// Unit of the whole text that it does not name yet: `1 + 2` of ms.
    unit: String,
    binds: Binding,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Binding {
    Sum,
    Product,
    Atom,
}

impl Shown {
    fn of(expr: &Expr, known: &Known<'_>) -> Self {
        let atom = |text: String, unit: &str| Self { text, unit: unit.to_owned(), binds: Binding::Atom };
        match expr {
            Expr::Number(number) => atom(operand(*number), ""),
            Expr::Value(_, field) => atom(operand(expr.evaluate(known)), field.def().unit),
            Expr::Sum(of, field) => {
                let terms = known.list(*of, *field);
                if terms.len() > MAX_TERMS {
                    return atom(operand(expr.evaluate(known)), field.def().unit);
                }
                let text = terms.iter().map(i64::to_string).collect::<Vec<_>>().join(" + ");
                let binds = if terms.len() > 1 { Binding::Sum } else { Binding::Atom };
                Self { text, unit: field.def().unit.to_owned(), binds }
            }
            Expr::Max(..) => atom(operand(expr.evaluate(known)), ""),
            Expr::Named(term, unit) => atom(words::number(term.evaluate(known)), unit),
            Expr::Add(a, b) => Self::sum(Self::of(a, known), "+", Self::of(b, known)),
            Expr::Sub(a, b) => Self::sum(Self::of(a, known), "-", Self::of(b, known)),
            Expr::Mul(a, b) => Self::product(Self::of(a, known), "×", Self::of(b, known)),
            Expr::Div(a, b) => Self::product(Self::of(a, known), "/", Self::of(b, known)),
        }
    }

    /// Two terms of one unit name it once, behind the last.
    fn sum(left: Self, sign: &str, right: Self) -> Self {
        let is_group = sign == "-" && right.binds == Binding::Sum;
        let right = if right.text.starts_with('-') { right.in_its_parentheses() } else { right };
        if left.unit == right.unit {
            let right_text = if is_group { format!("({})", right.text) } else { right.text };
            return Self { text: format!("{} {sign} {right_text}", left.text), unit: left.unit, binds: Binding::Sum };
        }
        let right = if is_group { right.in_parentheses() } else { right.finished() };
        Self { text: format!("{} {sign} {right}", left.finished()), unit: String::new(), binds: Binding::Sum }
    }

    fn product(left: Self, sign: &str, right: Self) -> Self {
        let side = |side: Self, loosest: Binding| {
            if side.binds <= loosest { side.in_parentheses() } else { side.finished() }
        };
        let loosest_right = if sign == "/" { Binding::Product } else { Binding::Sum };
        let text = format!("{} {sign} {}", side(left, Binding::Sum), side(right, loosest_right));
        Self { text, unit: String::new(), binds: Binding::Product }
    }

    /// A negative number behind a sign.
    fn in_its_parentheses(self) -> Self {
        Self { text: format!("({})", self.text), binds: Binding::Atom, ..self }
    }

    fn in_parentheses(self) -> String {
        format!("({})", self.finished())
    }

    fn finished(self) -> String {
        words::with_unit(&self.text, &self.unit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use tracelog::catalog::gc;
    use tracelog::{Log, Text};

    use crate::{Settings, Snapshot};

    const LOG: &str = "\
gc 7 @1.000s 0%: 0.024+10+0.003 ms clock, 0.048+1.3/2.1/0.5+0.006 ms cpu, 60->61->30 MB, 62 MB goal, 2 MB stacks, 3 MB globals, 4 P
gc 8 @1.250s 0%: 0.020+10+0.003 ms clock, 0.040+0/2.0/0+0.006 ms cpu, 60->64->35 MB, 65 MB goal, 2 MB stacks, 3 MB globals, 4 P
gc 10 @1.500s 0%: 0.020+10+0.003 ms clock, 0.040+0/2.0/0+0.006 ms cpu, 70->64->35 MB, 9000000000 MB goal, 2 MB stacks, 3 MB globals, 4 P
";

    fn filled_on(line: u32, field: Field) -> Vec<String> {
        let text = Arc::new(Text::new(LOG));
        let snapshot = Snapshot::new(text, Log::read(LOG.as_bytes()), Arc::new(Settings::default()));
        let item = snapshot.items(line).items.remove(0);
        let filled = filled(snapshot.parsed.as_deref(), &item, field, item.go());
        filled.into_iter().map(|(name, text)| format!("{name}: {text}")).collect()
    }

    #[test]
    fn numbers_of_this_line_and_its_neighbors_are_filled_in() {
        assert_eq!(
            filled_on(0, gc::GC_CPU_PCT),
            ["Share from this start to the next: (0.048 + 1.3 + 2.1 + 0.006 ms) / (4 P × 250 ms) = 0.345 %"]
        );
        assert_eq!(
            filled_on(1, gc::HEAP_GOAL_MB),
            ["GOGC that would give this goal: (65 - 30 MB) / (30 + 2 + 3 MB) = 100 %"]
        );
        assert_eq!(
            filled_on(1, gc::HEAP_START_MB),
            [
                "Allocated since the cycle before it: 60 - 30 MB = 30 MB",
                "Rate of allocation between the two: (60 - 30 MB) / 0.24 s = 125 MB/s"
            ]
        );
        assert_eq!(filled_on(1, gc::HEAP_LIVE_MB)[0], "Survived: 35 MB / 64 MB = 54.7 %");
    }

    #[test]
    fn nothing_is_filled_in_over_a_gap_or_with_a_goal_that_is_none() {
        assert_eq!(filled_on(1, gc::GC_CPU_PCT), [] as [String; 0], "the next line is lost");
        assert_eq!(filled_on(2, gc::HEAP_GOAL_MB), [] as [String; 0]);
        assert_eq!(filled_on(2, gc::HEAP_END_MB), ["Allocated while marking: 64 - 70 MB = -6 MB"]);
        assert_eq!(filled_on(0, gc::HEAP_START_MB), [] as [String; 0], "it is the first line");
    }
}
