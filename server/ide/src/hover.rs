//! Hover: what a field means, and what it means here.

use tracelog::blocks::SchedBlock;
use tracelog::catalog::Role;
use tracelog::template::Datum;
use tracelog::{Family, Field, GoReleases, Item, ItemValue, Kind, LineCol, Loc, Part, RowId, cells};

use crate::clock;
use crate::markup::{Markup, Shown};
use crate::snapshot::{Parsed, Snapshot};
use crate::special;
use crate::stats;
use crate::words;

/// An answer: Markdown about a range.
#[derive(Clone, Debug, PartialEq)]
pub struct Hover {
    /// What the text is about.
    pub loc: Loc,
    /// Markdown.
    pub markdown: String,
}

/// What stands at a place: a field, or the line's keyword for all of it.
pub fn hover(snapshot: &Snapshot, at: LineCol) -> Option<Hover> {
    let line = snapshot.items(at.line);
    let item = line.items.iter().find(|item| item.loc.touches(at))?;
    if item.part == Part::Tail && item.head_line.is_some() {
        return tail(snapshot, item, at);
    }
    match item.value_at(at) {
        Some(value) => Some(Hover { loc: value.loc, markdown: field(snapshot, item, value) }),
        None => Some(Hover { loc: keyword(item), markdown: whole(snapshot, item) }),
    }
}

/// The values of a tail are known on its head.
fn tail(snapshot: &Snapshot, tail: &Item, at: LineCol) -> Option<Hover> {
    let head_line = tail.head_line?;
    let head = snapshot.items(head_line).items.into_iter().find(|item| item.row == tail.row)?;
    match head.value_at(at) {
        Some(value) => Some(Hover { loc: value.loc, markdown: field(snapshot, &head, value) }),
        None => Some(Hover { loc: tail.loc, markdown: whole(snapshot, &head) }),
    }
}

/// From the start of an item to its first value.
fn keyword(item: &Item) -> Loc {
    let first = item.values.iter().find(|value| value.loc.line == item.loc.line && value.loc.end > value.loc.start);
    let end = first.map_or(item.loc.end, |value| value.loc.start).max(item.loc.start);
    Loc { end, ..item.loc }
}

fn field(snapshot: &Snapshot, item: &Item, value: &ItemValue) -> String {
    let def = value.field.def();
    let mut markup = Markup::default();
    let go = releases(snapshot, item);
    let shown = special::shown(value, go)
        .unwrap_or_else(|| Shown::Words("not certain: other output was written into it".to_owned()));
    markup.titled(def.title, &shown);
    let special = value.datum.as_ref().and_then(|datum| special::of(value.field, datum.number()?));
    match special.map(|special| special.text).or(special::on_line(item, value.field)) {
        Some(text) => markup.paragraph(text),
        None => here(&mut markup, snapshot, item, value),
    }
    named(&mut markup, value, go);
    markup.paragraph(def.meaning);
    if special.is_none() {
        markup.labeled("How to read it", def.reading);
        markup.labeled("Normal", def.normal);
        markup.labeled("A bad value suggests", def.suspect);
    }
    for (releases, note) in def.notes {
        if !releases.intersection(go).is_empty() {
            let label = if releases.contains_all(GoReleases::ALL) { "Note" } else { &format!("Go {releases}") };
            markup.entry(&format!("{label}:"), note);
        }
    }
    markup.paragraph(&format!("{} · {}", def.id, def.source));
    markup.finish()
}

/// What the printed value is called and means: a status number, a wait reason.
fn named(markup: &mut Markup, value: &ItemValue, go: GoReleases) {
    if let Some(name) = words::name_of(value, go) {
        let called = if name.name.is_empty() { name.printed } else { name.name };
        markup.labeled(called, name.meaning);
    }
}

/// Releases to speak of: those of the run, or of the line alone while the run is not known.
fn releases(snapshot: &Snapshot, item: &Item) -> GoReleases {
    let of_run = snapshot.parsed.as_ref().and_then(|parsed| {
        let run = parsed.run_of(item.row?)?;
        Some(parsed.runs.list[run].go).filter(|go| !go.is_empty())
    });
    of_run.unwrap_or_else(|| item.go())
}

/// Where the value stands among those of its run, and what it was before.
fn here(markup: &mut Markup, snapshot: &Snapshot, item: &Item, value: &ItemValue) {
    let def = value.field.def();
    let (Some(parsed), Some(row), Some(datum)) = (&snapshot.parsed, item.row, &value.datum) else { return };
    let Some(run) = parsed.run_of(row) else { return };
    if let Some(moment) = clock::at(snapshot, row, value.field) {
        markup.entry("Wall clock:", &moment);
    }
    // A state has nothing to rank or to subtract, and neither has a line of a block: it is one of its kind.
    if def.role == Role::State || def.role == Role::Id && row.family != Family::Gc || row.family.is_of_blocks() {
        return;
    }
    let rows = parsed.runs.list[run].rows(row.family);
    let same = same_thing(parsed, rows, row);
    let rows = same.as_deref().unwrap_or(rows);
    let at = rows.iter().position(|other| *other == row).unwrap_or(0);
    let (kind, number) = match (datum, datum.number()) {
        (Datum::One(kind, _), Some(number)) => (*kind, number),
        _ => return counters_before(markup, parsed, &rows[..at], value.field, datum),
    };
    let ordinary = |row: &RowId| {
        let value_there = parsed.log.value(*row, value.field)?;
        special::of(value.field, value_there).is_none().then_some(value_there)
    };
    if !def.cumulative {
        let values: Vec<f64> = rows.iter().filter_map(ordinary).collect();
        if values.len() >= MIN_RANKED {
            markup.entry("In this run:", &place(&values, number, def.unit));
        }
        if values.iter().all(|other| *other == number) {
            return;
        }
    }
    let Some(before) = rows[..at].iter().rfind(|row| ordinary(row).is_some()) else { return };
    let (Some(code), Some(previous)) = (parsed.log.code(*before, value.field), ordinary(before)) else { return };
    let change = number - previous;
    let change = match words::number(change) {
        same if same == "0" => "no change".to_owned(),
        more if change > 0.0 => format!("+{more}"),
        less => less,
    };
    markup.entry("Before:", &format!("{} ({change})", words::value(value.field, &Datum::One(kind, code))));
}

/// Of lines of scheddetail those about the same P, thread or goroutine.
fn same_thing(parsed: &Parsed, rows: &[RowId], row: RowId) -> Option<Vec<RowId>> {
    let node = SchedBlock::node(&parsed.log, row)?;
    Some(rows.iter().copied().filter(|other| SchedBlock::node(&parsed.log, *other) == Some(node)).collect())
}

/// What counters of all Ps were on the line before, and how far each came since.
fn counters_before(markup: &mut Markup, parsed: &Parsed, before: &[RowId], field: Field, datum: &Datum) {
    let Datum::List(Kind::IntList, codes) = datum else { return };
    let Some(row) = before.iter().rfind(|row| !parsed.log.list(**row, field).is_empty()) else { return };
    let previous = parsed.log.list(*row, field);
    if !field.def().cumulative || previous.len() != codes.len() || codes.len() > MAX_COUNTERS {
        return;
    }
    let now = codes.iter().map(|code| cells::value(Kind::IntList, *code) as i64);
    // Counters of 32 bits wrap.
    let changes: Vec<String> = now.zip(&previous).map(|(now, then)| format!("+{}", (now - then) as u32)).collect();
    let previous: Vec<String> = previous.iter().map(i64::to_string).collect();
    markup.entry("Before:", &format!("{} ({})", previous.join(" "), changes.join(" ")));
}

/// Counters beyond this many would fill the screen.
const MAX_COUNTERS: usize = 16;

/// Values a run must have before a place among them means anything.
const MIN_RANKED: usize = 5;

/// `▮▮▮▮▮▮▮▮▯▯ higher than in 79 % of 70 lines · min 1, median 4, p99 9, max 12 MB`.
fn place(values: &[f64], number: f64, unit: &str) -> String {
    let n = values.len();
    let below = values.iter().filter(|other| **other < number).count();
    let above = values.iter().filter(|other| **other > number).count();
    let equal = n - below - above;
    if equal == n {
        return format!("the same in all {n} lines");
    }
    let bar = {
        const WIDTH: usize = 10;
        let rank = if above == 0 { 1.0 } else { (below as f64 + equal as f64 / 2.0) / n as f64 };
        let filled = if below == 0 { 1 } else { ((rank * WIDTH as f64).round() as usize).clamp(1, WIDTH) };
        format!("{}{}", "▮".repeat(filled), "▯".repeat(WIDTH - filled))
    };
    let extreme = |which: &str| match equal {
        1 => format!("the {which} of {n} lines"),
        _ => format!("the {which}, as in {equal} of {n} lines"),
    };
    let words = if below == 0 {
        extreme("lowest")
    } else if above == 0 {
        extreme("highest")
    } else if equal * 2 >= n {
        format!("as in {equal} of {n} lines")
    } else if below >= above {
        format!("higher than in {} % of {n} lines", below * 100 / n)
    } else {
        format!("lower than in {} % of {n} lines", above * 100 / n)
    };
    let shown = |share| stats::quantile(values, share).map_or("?".to_owned(), words::number);
    let max = words::with_unit(&shown(1.0), unit);
    format!("{bar} {words} · min {}, median {}, p99 {}, max {max}", shown(0.0), shown(0.5), shown(0.99))
}

/// The whole line, field by field.
fn whole(snapshot: &Snapshot, item: &Item) -> String {
    let family = item.family().def();
    let mut markup = Markup::default();
    let go = releases(snapshot, item);
    markup.title(family.title, &format!(", printed by Go {go}"));
    if item.torn {
        markup.paragraph(torn_in_words(item));
    }
    let printed: Vec<&ItemValue> = item.values.iter().filter(|value| is_printed(value)).collect();
    for group in printed.chunk_by(|a, b| together(a) == together(b)) {
        let shown = |value: &&ItemValue| Some((value.field.def().title, special::shown(value, go)?));
        markup.row(&group.iter().filter_map(shown).collect::<Vec<_>>());
    }
    let note = item.shape.def().note;
    markup.paragraph(if note.is_empty() { family.meaning } else { note });
    markup.labeled("Switched on by", family.knob);
    markup.finish()
}

/// Values that are known; of the flags only those that are set.
fn is_printed(value: &ItemValue) -> bool {
    !matches!(value.datum, None | Some(Datum::One(Kind::Flag, 0)))
}

/// What neighbors must share to be read in one row: the unit, and whether it is P-time.
fn together(value: &ItemValue) -> (&'static str, bool) {
    let def = value.field.def();
    (def.unit, def.role == Role::Cpu)
}

fn torn_in_words(item: &Item) -> &'static str {
    match (item.part, item.shape.def().pieces.len()) {
        (Part::Tail, _) => "The beginning of this line is lost; these are the fields that can be read.",
        _ => "Other output was written into this line; its pieces were put together, or its end is missing.",
    }
}

/// What a pasted line says, field by field, without a run to compare with.
pub fn explain(text: &[u8]) -> Vec<(Family, Vec<(Field, String)>)> {
    let explained = |item: &Item| {
        let shown = |value: &ItemValue| Some((value.field, special::shown(value, item.go())?.text().to_owned()));
        (item.family(), item.values.iter().filter_map(shown).collect())
    };
    tracelog::item::alone(0, text).items.iter().map(explained).collect()
}
