//! What a value was on the line before, and how far it has come since.

use tracelog::blocks::SchedBlock;
use tracelog::catalog::{Role, gc};
use tracelog::template::Datum;
use tracelog::{Family, Field, ItemValue, Kind, RowId, cells};

use crate::markup::Markup;
use crate::series::ordinary;
use crate::snapshot::Parsed;
use crate::words;

/// Values of a list beyond which they would fill the screen.
const MAX_VALUES: usize = 16;
/// Lines that are searched for the last one about the same P, thread or goroutine.
const MAX_SEARCHED: usize = 4096;

/// Writes the value before, where there is one to compare with.
pub(super) fn write(markup: &mut Markup, parsed: &Parsed, (run, index): (usize, usize), row: RowId, value: &ItemValue) {
    let (field, Some(datum)) = (value.field, &value.datum) else { return };
    let def = field.def();
    // A state has nothing to subtract, and neither has a number that is a name; one that counts up has.
    if def.role == Role::State || def.role == Role::Id && !def.cumulative || is_one_of_a_kind(row.family) {
        return;
    }
    let rows = parsed.runs.list[run].rows(row.family);
    let is_node = SchedBlock::node(&parsed.log, row).is_some();
    let (kind, number) = match (datum, datum.number()) {
        (Datum::One(kind, _), Some(number)) => (*kind, number),
        (Datum::List(..), _) => return list_before(markup, parsed, &rows[..index], field, datum),
        _ => return,
    };
    let before = if is_node {
        same_thing(parsed, rows, index).find_map(|row| Some((row, ordinary(&parsed.log, row, field)?)))
    } else {
        parsed.value_before(run, field, index)
    };
    let Some((before, previous)) = before else { return };
    let Some(code) = parsed.log.code(before, field) else { return };
    let is_the_same_everywhere = !is_node && {
        let series = parsed.series(run, field);
        series.min() == series.max()
    };
    if is_the_same_everywhere && !def.cumulative {
        return;
    }
    let size = Some(number - previous).filter(|_| def.unit == "B").and_then(words::size);
    let change = match size.unwrap_or_else(|| words::number(number - previous)) {
        same if same == "0" => "no change".to_owned(),
        more if number > previous => format!("+{more}"),
        less => less,
    };
    let mut text = format!("{} ({change})", words::value(field, &Datum::One(kind, code)));
    if field == gc::N
        && let (Some(at_s), Some(now_s)) =
            (ordinary(&parsed.log, before, gc::AT_S), ordinary(&parsed.log, row, gc::AT_S))
        && now_s >= at_s
    {
        text.push_str(&format!(", {} earlier", words::span(now_s - at_s)));
    }
    markup.entry("Before:", &text);
}

/// Whether the line before is about something else: another goroutine, frame or record.
fn is_one_of_a_kind(family: Family) -> bool {
    family.is_of_blocks() && !matches!(family, Family::Memstats | Family::HeapProfile | Family::Profile)
}

/// The lines before this one about the same P, thread or goroutine, the nearest first.
pub(super) fn same_thing<'a>(parsed: &'a Parsed, rows: &'a [RowId], index: usize) -> impl Iterator<Item = RowId> + 'a {
    let node = rows.get(index).and_then(|row| SchedBlock::node(&parsed.log, *row));
    let is_same = move |row: &RowId| node.is_some() && SchedBlock::node(&parsed.log, *row) == node;
    rows[..index.min(rows.len())].iter().rev().take(MAX_SEARCHED).copied().filter(is_same)
}

/// The lines behind this one about the same P, thread or goroutine.
pub(super) fn same_thing_behind<'a>(
    parsed: &'a Parsed,
    rows: &'a [RowId],
    index: usize,
) -> impl Iterator<Item = RowId> + 'a {
    let node = rows.get(index).and_then(|row| SchedBlock::node(&parsed.log, *row));
    let is_same = move |row: &RowId| node.is_some() && SchedBlock::node(&parsed.log, *row) == node;
    rows.iter().skip(index + 1).take(MAX_SEARCHED).copied().filter(is_same)
}

/// What the numbers of all Ps were on the line before; of counters also how far each came since.
fn list_before(markup: &mut Markup, parsed: &Parsed, before: &[RowId], field: Field, datum: &Datum) {
    let Datum::List(Kind::IntList, codes) = datum else { return };
    let Some(row) = before.iter().rfind(|row| !parsed.log.list(**row, field).is_empty()) else { return };
    let previous = parsed.log.list(*row, field);
    if previous.len() != codes.len() || codes.len() > MAX_VALUES {
        return;
    }
    let shown: Vec<String> = previous.iter().map(i64::to_string).collect();
    let mut text = shown.join(" ");
    if field.def().cumulative {
        let now = codes.iter().map(|code| cells::value(Kind::IntList, *code) as i64);
        // Counters of 32 bits wrap.
        let changes: Vec<String> = now.zip(&previous).map(|(now, then)| format!("+{}", (now - then) as u32)).collect();
        text.push_str(&format!(" ({})", changes.join(" ")));
    }
    markup.entry("Before:", &text);
}
