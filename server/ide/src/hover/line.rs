//! The whole line as an aligned list of its fields, and what its family is.

use tracelog::template::Datum;
use tracelog::{Family, GoReleases, Item, ItemValue, Kind, LineCol, Part};

use super::finding::{self, MAX_HEIGHT};
use super::{footer, releases};
use crate::markup::Markup;
use crate::narrate;
use crate::snapshot::Snapshot;
use crate::special;
use crate::words;
use tracelog::catalog::Role;

/// Fields of a line beyond which two stand beside each other.
const MAX_ROWS: usize = 18;
/// Columns of a value that others are aligned with; longer ones stand out.
const MAX_ALIGNED: usize = 14;
/// Lines of the links at the end.
const FOOTER: usize = 2;
/// Characters of a value that are shown.
const MAX_VALUE: usize = 72;

/// The text of a hover over the keyword of a line.
pub(super) fn text(snapshot: &Snapshot, item: &Item, above: Option<LineCol>) -> String {
    let family = item.family().def();
    let mut markup = Markup::default();
    let go = releases(snapshot, item);
    let printed_by =
        if is_of_go(item.family()) { format!("printed by Go {go}") } else { "not printed by Go".to_owned() };
    markup.title(family.title, &format!(", {printed_by}"));
    if item.torn {
        markup.paragraph(torn_in_words(item));
    }
    let table = table(item, go);
    // What was found comes first, and the table then gives way before anything else.
    let room = MAX_HEIGHT.saturating_sub(markup.height() + table.len() + FOOTER);
    if let Some(found) = finding::section(snapshot, item.loc.line, None, room, above) {
        return with_findings(markup, snapshot, item, &found, &table);
    }
    markup.block(&table);
    narrate::append(&mut markup, snapshot, item, None);
    let note = item.shape.def().note;
    markup.paragraph(if note.is_empty() { family.meaning } else { note });
    if is_of_go(item.family()) {
        markup.labeled("Switched on by", family.knob);
    }
    footer::write_family(&mut markup, item.family());
    markup.finish()
}

/// The hover of a line on which something was found: that, and of the rest what there is room for.
fn with_findings(mut markup: Markup, snapshot: &Snapshot, item: &Item, found: &str, table: &[String]) -> String {
    markup.append(found);
    if markup.height() + table.len() + FOOTER <= MAX_HEIGHT {
        markup.block(table);
    }
    let mut told = Markup::default();
    narrate::append(&mut told, snapshot, item, None);
    if markup.height() + told.height() + FOOTER <= MAX_HEIGHT {
        markup.append(&told.finish());
    }
    finding::write_pages(&mut markup, snapshot, item.loc.line);
    footer::write_family(&mut markup, item.family());
    markup.finish()
}

/// Whether Go prints such lines. What ended a process is also told by the kernel and by those who started it.
fn is_of_go(family: Family) -> bool {
    !matches!(family, Family::Kill)
}

fn torn_in_words(item: &Item) -> &'static str {
    match item.part {
        Part::Tail => "The beginning of this line is lost; these are the fields that can be read.",
        _ => "Other output was written into this line; its pieces were put together, or its end is missing.",
    }
}

/// A field as it stands in the list.
struct Row {
    label: &'static str,
    value: String,
    unit: &'static str,
    /// Numbers end in one column, texts begin there.
    is_number: bool,
    group: (&'static str, bool),
}

/// The known values, a line each, in groups; nothing for a line without any.
fn table(item: &Item, go: GoReleases) -> Vec<String> {
    let rows: Vec<Row> = item.values.iter().filter(|value| is_printed(value)).map(|value| row(value, go)).collect();
    let columns = if rows.len() > MAX_ROWS { 2 } else { 1 };
    let mut lines: Vec<String> = Vec::new();
    let groups: Vec<&[Row]> = rows.chunk_by(|a, b| a.group == b.group).collect();
    // Groups of one field each are no groups.
    let is_apart = columns == 1 && rows.len() + groups.len() <= MAX_ROWS + 2 && groups.len() * 2 <= rows.len();
    let label_width = rows.iter().map(|row| row.label.chars().count()).max().unwrap_or(0);
    let aligned = |row: &&Row| row.is_number && row.value.chars().count() <= MAX_ALIGNED;
    let value_width = rows.iter().filter(aligned).map(|row| row.value.chars().count()).max().unwrap_or(0);
    let cell = |row: &Row| {
        let value = if row.is_number { format!("{:>value_width$}", row.value) } else { row.value.clone() };
        format!("{:<label_width$}  {}", row.label, words::with_unit(&value, row.unit))
    };
    for group in groups {
        if is_apart && !lines.is_empty() {
            lines.push(String::new());
        }
        for pair in group.chunks(columns) {
            let cells: Vec<String> = pair.iter().map(cell).collect();
            let width = label_width + 2 + value_width + 4;
            let (last, others) = cells.split_last().map_or(("", &[][..]), |(last, others)| (last.as_str(), others));
            let others: String = others.iter().map(|cell| format!("{cell:<width$}  ")).collect();
            lines.push(format!("{others}{last}").trim_end().to_owned());
        }
    }
    lines
}

/// Values that are known; of the flags only those that are set.
fn is_printed(value: &ItemValue) -> bool {
    !matches!(value.datum, None | Some(Datum::One(Kind::Flag, 0)))
}

fn row(value: &ItemValue, go: GoReleases) -> Row {
    let def = value.field.def();
    // What neighbors must share to stand together: the unit, and whether it is P-time.
    let group = (def.unit, def.role == Role::Cpu);
    let row = |value: String, unit, is_number| Row {
        label: def.title,
        value: words::shorten(&value, MAX_VALUE),
        unit,
        is_number,
        group,
    };
    let Some(datum) = &value.datum else { return row(String::new(), "", false) };
    let number = datum.number().filter(|number| number.is_finite());
    if let Some(special) = number.and_then(|number| special::of(value.field, number)) {
        return row(special.name.to_owned(), "", true);
    }
    let name = words::name_of(value, go).map(|name| name.name).filter(|name| !name.is_empty());
    match (name, datum.print()) {
        (Some(name), printed) if printed.is_empty() => return row(name.to_owned(), "", false),
        (Some(name), printed) => return row(format!("{printed} ({name})"), "", false),
        (None, _) => {}
    }
    match datum {
        Datum::One(Kind::Ref, code) if tracelog::cells::is_nil(*code) => row("none".to_owned(), "", true),
        Datum::One(Kind::Hex, code) if !def.unit.is_empty() => row(code.to_string(), def.unit, true),
        Datum::One(Kind::Hex, _) => row(datum.print(), "", false),
        Datum::One(Kind::FloatE | Kind::FloatG, _) => match number {
            Some(number) => row(words::number(number), def.unit, true),
            None => row(datum.print(), "", true),
        },
        Datum::One(Kind::Flag | Kind::Bool, _) => row(words::value(value.field, datum), "", true),
        Datum::One(..) => row(datum.print(), def.unit, true),
        Datum::List(Kind::HexList, _) => row(words::value(value.field, datum), "", false),
        Datum::List(..) => row(datum.print(), def.unit, false),
        Datum::Text(_) => row(words::value(value.field, datum), "", false),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tracelog::{Log, Text};

    use crate::{Settings, Snapshot, hover};

    fn over_first_word(line: &str, word: &str) -> String {
        let text = Arc::new(Text::new(line));
        let snapshot = Snapshot::new(text, Log::read(line.as_bytes()), Arc::new(Settings::default()));
        let byte = line.find(word).expect("the word is there") as u32;
        hover(&snapshot, tracelog::LineCol { line: 0, byte }).expect("a hover").markdown
    }

    #[test]
    fn what_the_kernel_says_is_not_called_a_line_of_go() {
        let kill = "Memory cgroup out of memory: Killed process 4711 (api) total-vm:1851204kB, anon-rss:252160kB, \
                    file-rss:8192kB, shmem-rss:0kB, UID:0 pgtables:820kB oom_score_adj:0";
        let kill = over_first_word(kill, "Killed");
        assert!(kill.starts_with("**Killed**, not printed by Go\n") && !kill.contains("Switched on by"), "{kill}");
        let gc = "gc 1 @0.1s 4%: 0.1+1.0+0.1 ms clock, 0.1+0.1/0.4/0.1+0.1 ms cpu, 4->4->0 MB, 5 MB goal, 8 P";
        assert!(over_first_word(gc, "gc").starts_with("**Garbage collection**, printed by Go 1.6 – 1.17\n"));
    }
}
