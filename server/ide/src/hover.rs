//! Hover: what a field means, and what it means here.

use tracelog::{Family, Field, GoReleases, Item, ItemValue, LineCol, Loc, Part};

use crate::markup::Markup;
use crate::snapshot::{Parsed, Snapshot};
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
    let shown = value
        .datum
        .as_ref()
        .map_or("not certain: other output was written into it".to_owned(), |datum| words::value(value.field, datum));
    markup.title(def.title, &format!(": {shown}"));
    if let Some(parsed) = &snapshot.parsed {
        here(&mut markup, parsed, item, value);
    }
    markup.paragraph(def.meaning);
    markup.labeled("How to read it", def.reading);
    markup.labeled("Normal", def.normal);
    markup.labeled("A bad value suggests", def.suspect);
    let go = releases(snapshot, item);
    for (releases, note) in def.notes {
        if !releases.intersection(go).is_empty() {
            let label =
                if releases.contains_all(GoReleases::ALL) { "Note".to_owned() } else { format!("Go {releases}") };
            markup.labeled(&label, note);
        }
    }
    markup.paragraph(&format!("{} · {}", def.id, def.source));
    markup.finish()
}

/// Releases to speak of: those of the run, or of the line alone while the run is not known.
fn releases(snapshot: &Snapshot, item: &Item) -> GoReleases {
    let of_run = snapshot.parsed.as_ref().and_then(|parsed| {
        let run = parsed.run_of(item.row?)?;
        Some(parsed.runs.list[run].go).filter(|go| !go.is_empty())
    });
    of_run.unwrap_or_else(|| item.go())
}

/// Where the value stands among those of its run.
fn here(markup: &mut Markup, parsed: &Parsed, item: &Item, value: &ItemValue) {
    let (Some(row), Some(number)) = (item.row, value.datum.as_ref().and_then(tracelog::template::Datum::number)) else {
        return;
    };
    if value.field.def().is_ordinal() {
        return;
    }
    let Some(run) = parsed.run_of(row) else { return };
    let rows = parsed.runs.list[run].rows(row.family);
    let values: Vec<f64> = rows.iter().filter_map(|row| parsed.log.value(*row, value.field)).collect();
    if values.len() < MIN_RANKED {
        return;
    }
    let unit = value.field.def().unit;
    let shown = |share| stats::quantile(&values, share).map_or("?".to_owned(), words::number);
    let below = values.iter().filter(|other| **other < number).count();
    let equal = values.iter().filter(|other| **other == number).count();
    let rank = (below as f64 + equal as f64 / 2.0) / values.len() as f64;
    let place = if equal == values.len() {
        format!("the same in all {} lines of this run", values.len())
    } else {
        format!(
            "{} · min {}, median {}, p99 {}, max {}",
            rank_in_words(rank, values.len()),
            shown(0.0),
            shown(0.5),
            shown(0.99),
            words::with_unit(&shown(1.0), unit)
        )
    };
    markup.labeled("In this run", &place);
    let before = rows.iter().position(|other| *other == row).and_then(|at| at.checked_sub(1)).map(|at| rows[at]);
    if let Some(previous) = before.and_then(|row| parsed.log.value(row, value.field))
        && equal < values.len()
    {
        let change = number - previous;
        let sign = if change > 0.0 { "+" } else { "" };
        let text = format!("{} ({sign}{})", words::with_unit(&words::number(previous), unit), words::number(change));
        markup.labeled("Line before", &text);
    }
}

/// Values a run must have before a place among them means anything.
const MIN_RANKED: usize = 5;

fn rank_in_words(rank: f64, n: usize) -> String {
    let bar = {
        const WIDTH: usize = 10;
        let filled = ((rank * WIDTH as f64).round() as usize).clamp(1, WIDTH);
        format!("{}{}", "▮".repeat(filled), "▯".repeat(WIDTH - filled))
    };
    let of = format!("of {n} lines");
    let place = match rank {
        r if r >= 0.99 => "among the highest 1 %".to_owned(),
        r if r > 0.55 => format!("higher than {:.0} %", r * 100.0),
        r if r >= 0.45 => "in the middle".to_owned(),
        r if r > 0.01 => format!("lower than {:.0} %", (1.0 - r) * 100.0),
        _ => "among the lowest 1 %".to_owned(),
    };
    format!("{bar} {place} {of}")
}

/// The whole line, field by field.
fn whole(snapshot: &Snapshot, item: &Item) -> String {
    let family = item.family().def();
    let mut markup = Markup::default();
    markup.title(family.title, &format!(", printed by Go {}", releases(snapshot, item)));
    if item.torn {
        markup.paragraph(torn_in_words(item));
    }
    for value in &item.values {
        let Some(datum) = &value.datum else { continue };
        let is_unset = matches!(datum, tracelog::template::Datum::One(tracelog::Kind::Flag, 0));
        if !is_unset {
            markup.entry(value.field.def().title, &words::value(value.field, datum));
        }
    }
    markup.paragraph(family.meaning);
    markup.paragraph(family.knob);
    markup.finish()
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
        let shown = |value: &ItemValue| Some((value.field, words::value(value.field, value.datum.as_ref()?)));
        (item.family(), item.values.iter().filter_map(shown).collect())
    };
    tracelog::item::alone(0, text).items.iter().map(explained).collect()
}
