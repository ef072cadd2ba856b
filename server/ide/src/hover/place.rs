//! Where a value stands among those of its run: in words, as a bar, as small charts.

use tracelog::blocks::SchedBlock;
use tracelog::catalog::Role;
use tracelog::template::Datum;
use tracelog::{Field, ItemValue, Kind, RowId};

use super::before;
use crate::markup::{Markup, Shown};
use crate::series::{N_SHAPE, Series, ordinary};
use crate::snapshot::Parsed;
use crate::words;

/// Values a run must have before a place among them means anything.
const MIN_RANKED: usize = 5;
/// Lines on either side of the cursor in the chart of what is near.
const NEAR: usize = 10;
/// Spreads above the median from which a value is called unusual. One value of a hundred is always the highest; that
/// alone is not unusual.
const UNUSUAL_Z: f64 = 2.5;

/// Writes the place of a value in its run; nothing where it has none.
pub(super) fn write(markup: &mut Markup, parsed: &Parsed, (run, index): (usize, usize), row: RowId, value: &ItemValue) {
    let (field, Some(Datum::One(kind, _))) = (value.field, &value.datum) else { return };
    let def = field.def();
    let Some(number) = value.datum.as_ref().and_then(Datum::number).filter(|number| number.is_finite()) else { return };
    if def.cumulative || kind.is_text() {
        return;
    }
    let series = parsed.series(run, field);
    let is_state = def.role == Role::State || matches!(kind, Kind::Flag | Kind::Bool);
    if is_state && *kind != Kind::Ref {
        if let Some(text) = how_many(&series, number, *kind) {
            markup.entry("In this run:", &text);
        }
        return;
    }
    let is_name = matches!(def.role, Role::Id | Role::File | Role::Function | Role::Text);
    if is_name || matches!(kind, Kind::Ref | Kind::Hex) && def.unit.is_empty() || series.n() < MIN_RANKED {
        return;
    }
    markup.entry("In this run:", &in_words(&series, number));
    if series.min() == series.max() {
        return;
    }
    let mut parts = charts(parsed, &series, (run, index), row, field);
    let size = |value: f64| if def.unit == "B" { words::size(value) } else { None };
    let text =
        |value: Option<f64>| value.map_or("?".to_owned(), |value| size(value).unwrap_or_else(|| words::number(value)));
    let shown = |value: Option<f64>| Shown::Words(text(value));
    let max = series.max().and_then(size).unwrap_or_else(|| words::with_unit(&text(series.max()), def.unit));
    // Beside one chart there is room for the numbers.
    if parts.len() > 1 {
        markup.row(&parts);
        parts.clear();
    }
    parts.extend([
        ("min", shown(series.min())),
        ("median", shown(series.median())),
        ("p99", shown(series.quantile(0.99))),
        ("max", Shown::Words(max)),
    ]);
    markup.row(&parts);
}

/// On how many lines a flag is set, or a state is the same.
fn how_many(series: &Series, number: f64, kind: Kind) -> Option<String> {
    let n = series.n();
    let equal = series.rank(number).equal;
    if n < 2 {
        return None;
    }
    let (n, same) = (words::grouped(n), words::grouped(equal));
    Some(match kind {
        Kind::Flag if number == 1.0 => format!("set on {same} of {n} lines"),
        Kind::Flag => return None,
        _ if equal == series.n() => format!("the same on all {n} lines"),
        _ => format!("as on {same} of {n} lines"),
    })
}

/// `▮▮▮▮▮▮▮▮▮▯ high: higher than 93 % of 1,204 lines, 2.1 × the median`.
fn in_words(series: &Series, number: f64) -> String {
    let n = series.n();
    let rank = series.rank(number);
    if rank.equal == n {
        return format!("the same in all {} lines", words::grouped(n));
    }
    let lines = format!("{} lines", words::grouped(n));
    // How far from the median; where that is 0 every other value is far away.
    let ratio = series.median().filter(|median| *median > 0.0 && number > 0.0).map(|median| number / median);
    let times = match ratio {
        Some(ratio) if !(0.8..1.25).contains(&ratio) => format!(", {} × the median", words::rough(ratio)),
        _ => String::new(),
    };
    let is_near = ratio.is_some_and(|ratio| (0.9..=1.1).contains(&ratio));
    let is_double = ratio.is_none_or(|ratio| !(0.5..2.0).contains(&ratio));
    let is_far = ratio.is_none() || series.z(number).is_none_or(|z| z.abs() >= UNUSUAL_Z);
    let share = (rank.below as f64 + rank.equal as f64 / 2.0) / n as f64;
    let (below, above) = (rank.below * 100 / n, rank.above * 100 / n);
    let extreme = |which: &str| {
        let unusual = if is_far && rank.equal * 10 <= n && n >= 20 { "unusual: " } else { "" };
        match rank.equal {
            1 => format!("{unusual}the {which} of {lines}{times}"),
            equal => format!("{unusual}the {which}, as in {} of {lines}{times}", words::grouped(equal)),
        }
    };
    let text = if rank.equal * 2 >= n {
        format!("ordinary: as in {} of {lines}", words::grouped(rank.equal))
    } else if rank.above == 0 {
        extreme("highest")
    } else if rank.below == 0 {
        extreme("lowest")
    } else if is_near && below >= 60 {
        format!("ordinary: near the median, higher than {below} % of {lines}")
    } else if is_near && above >= 60 {
        format!("ordinary: near the median, lower than {above} % of {lines}")
    } else if below >= 90 || below >= 75 && is_double {
        let word = if below >= 98 && is_far { "unusual" } else { "high" };
        format!("{word}: higher than {below} % of {lines}{times}")
    } else if above >= 90 || above >= 75 && is_double {
        let word = if above >= 98 && is_far { "unusual" } else { "low" };
        format!("{word}: lower than {above} % of {lines}{times}")
    } else if (0.4..=0.6).contains(&share) {
        format!("ordinary: about the median of {lines}")
    } else if below >= above {
        format!("ordinary: higher than {below} % of {lines}{times}")
    } else {
        format!("ordinary: lower than {above} % of {lines}{times}")
    };
    format!("{} {text}", bar(series, number))
}

/// Ten marks, filled up to the rank of the value.
fn bar(series: &Series, number: f64) -> String {
    const WIDTH: usize = 10;
    let rank = series.rank(number);
    let filled = match (rank.below, rank.above) {
        (0, _) => 1,
        (_, 0) => WIDTH,
        (below, _) => {
            let share = (below as f64 + rank.equal as f64 / 2.0) / series.n() as f64;
            ((share * WIDTH as f64).round() as usize).clamp(1, WIDTH)
        }
    };
    format!("{}{}", "▮".repeat(filled), "▯".repeat(WIDTH - filled))
}

/// The values near the cursor and those of the run, the place of the cursor between brackets.
fn charts(
    parsed: &Parsed,
    series: &Series,
    (run, index): (usize, usize),
    row: RowId,
    field: Field,
) -> Vec<(&'static str, Shown)> {
    let rows = parsed.runs.list[run].rows(row.family);
    let value = |row: RowId| ordinary(&parsed.log, row, field).unwrap_or(f64::NAN);
    if SchedBlock::node(&parsed.log, row).is_some() {
        let mut near: Vec<f64> = before::same_thing(parsed, rows, index).take(NEAR).map(value).collect();
        near.reverse();
        let at = near.len();
        near.push(value(row));
        near.extend(before::same_thing_behind(parsed, rows, index).take(NEAR).map(value));
        let is_chart = near.len() >= MIN_RANKED;
        return Vec::from_iter(is_chart.then(|| ("Block by block:", Shown::Verbatim(marked(&near, at)))));
    }
    if rows.len() <= N_SHAPE {
        let all: Vec<f64> = rows.iter().map(|row| value(*row)).collect();
        return vec![("Line by line:", Shown::Verbatim(marked(&all, index)))];
    }
    let (start, end) = (index.saturating_sub(NEAR), (index + NEAR + 1).min(rows.len()));
    let near: Vec<f64> = rows[start..end].iter().map(|row| value(*row)).collect();
    vec![
        ("Lines around:", Shown::Verbatim(marked(&near, index - start))),
        ("whole run:", Shown::Verbatim(marked(series.shape(), series.stretch_of(index)))),
    ]
}

/// A chart with one of its values between brackets.
fn marked(values: &[f64], at: usize) -> String {
    let chart: Vec<char> = words::sparkline(values).chars().collect();
    let part = |part: &[char]| part.iter().collect::<String>();
    let at = at.min(chart.len().saturating_sub(1));
    format!("{}[{}]{}", part(&chart[..at]), part(&chart[at..=at]), part(&chart[at + 1..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_follow_the_rank() {
        let values: Vec<f64> = (1..=200).map(|n| if n == 200 { 900.0 } else { 100.0 + f64::from(n) }).collect();
        let series = Series::of_values(&values);
        let said = |number| in_words(&series, number);
        assert_eq!(said(200.0), "▮▮▮▮▮▯▯▯▯▯ ordinary: about the median of 200 lines");
        assert_eq!(said(260.0), "▮▮▮▮▮▮▮▮▯▯ ordinary: higher than 79 % of 200 lines, 1.3 × the median");
        assert_eq!(said(285.0), "▮▮▮▮▮▮▮▮▮▯ high: higher than 92 % of 200 lines, 1.4 × the median");
        assert_eq!(
            said(299.0),
            "▮▮▮▮▮▮▮▮▮▮ high: higher than 99 % of 200 lines, 1.5 × the median",
            "it is not far away"
        );
        assert_eq!(said(900.0), "▮▮▮▮▮▮▮▮▮▮ unusual: the highest of 200 lines, 4.5 × the median");
        assert_eq!(said(101.0), "▮▯▯▯▯▯▯▯▯▯ the lowest of 200 lines, 0.5 × the median");
        assert_eq!(said(110.0), "▮▯▯▯▯▯▯▯▯▯ low: lower than 95 % of 200 lines, 0.6 × the median");
    }

    #[test]
    fn a_value_that_most_lines_have_is_ordinary() {
        let mut values = vec![0.0; 90];
        values.extend([1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 30.0, 40.0]);
        let series = Series::of_values(&values);
        assert_eq!(in_words(&series, 0.0), "▮▯▯▯▯▯▯▯▯▯ ordinary: as in 90 of 100 lines");
        assert!(
            in_words(&series, 30.0).ends_with("unusual: higher than 98 % of 100 lines"),
            "{}",
            in_words(&series, 30.0)
        );
    }

    #[test]
    fn the_cursor_stands_between_brackets() {
        assert_eq!(marked(&[0.0, 7.0, 0.0], 1), "▁[█]▁");
        assert_eq!(marked(&[0.0, 7.0], 0), "[▁]█");
    }
}
