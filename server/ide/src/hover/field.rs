//! The text of a hover over a field, the important first.

use tracelog::catalog::gc;
use tracelog::template::Datum;
use tracelog::{Field, GoReleases, Item, ItemValue, Kind, LineCol};

use super::finding::{self, MAX_HEIGHT};
use super::{before, footer, formula, place, releases};
use crate::clock;
use crate::markup::{Markup, Shown};
use crate::narrate;
use crate::navigate;
use crate::snapshot::Snapshot;
use crate::special;
use crate::tune;
use crate::words;

/// Values of a list that are shown.
const MAX_VALUES: usize = 16;

/// What a field is, and what it is here.
pub(super) fn text(snapshot: &Snapshot, item: &Item, value: &ItemValue, above: Option<LineCol>) -> String {
    let def = value.field.def();
    let go = releases(snapshot, item);
    let mut markup = Markup::default();
    let shown =
        shown(value, go).unwrap_or_else(|| Shown::Words("not certain: other output was written into it".to_owned()));
    markup.titled(def.title, &shown);
    if let Some(found) = with_findings(snapshot, item, value, above, &markup) {
        return found;
    }
    let special = value.datum.as_ref().and_then(|datum| special::of(value.field, datum.number()?));
    match special.map(|special| special.text).or(special::on_line(item, value.field)) {
        Some(text) => markup.paragraph(text),
        None => here(&mut markup, snapshot, item, value, go),
    }
    narrate::append(&mut markup, snapshot, item, Some(value.field));
    named(&mut markup, value, go);
    markup.paragraph(def.meaning);
    if special.is_none() {
        markup.labeled("How to read it", def.reading);
        markup.labeled("Normal", def.normal);
        markup.labeled("A bad value suggests", def.suspect);
    }
    let of_run = |releases: &GoReleases| !releases.intersection(go).is_empty();
    for (releases, note) in def.notes.iter().filter(|(releases, _)| of_run(releases)) {
        let label = if releases.contains_all(GoReleases::ALL) { "Note" } else { &format!("Go {releases}") };
        markup.entry(&format!("{label}:"), note);
    }
    for (_, confusion) in def.confusion.iter().filter(|(releases, _)| of_run(releases)) {
        markup.entry("Often confused:", confusion);
    }
    footer::write(&mut markup, value.field, go);
    markup.finish()
}

/// The hover of a field about which something was found: that, the numbers of this place, what the field is, and of the
/// rest what there is room for.
fn with_findings(
    snapshot: &Snapshot,
    item: &Item,
    value: &ItemValue,
    above: Option<LineCol>,
    title: &Markup,
) -> Option<String> {
    // Asked first with all room: mostly there is nothing to tell, and the rest need not be made.
    finding::section(snapshot, value.loc.line, Some(value), MAX_HEIGHT, above)?;
    let go = releases(snapshot, item);
    let def = value.field.def();
    let (mut rest, mut end) = (Markup::default(), Markup::default());
    here(&mut rest, snapshot, item, value, go);
    rest.paragraph(def.meaning);
    finding::write_pages(&mut end, snapshot, value.loc.line);
    footer::write(&mut end, value.field, go);
    let room = MAX_HEIGHT.saturating_sub(title.height() + rest.height() + end.height() + 1);
    let found = finding::section(snapshot, value.loc.line, Some(value), room, above)?;
    let mut markup = Markup::default();
    for part in [title.text(), &found, rest.text()] {
        markup.append(part);
    }
    // Of what is true in general, what there is room for; what speaks of bad values first.
    for general in general(value, go) {
        if markup.height() + general.height() + end.height() <= MAX_HEIGHT {
            markup.append(general.text());
        }
    }
    markup.append(end.text());
    Some(markup.finish())
}

/// What is true of a field in general, part by part.
fn general(value: &ItemValue, go: GoReleases) -> Vec<Markup> {
    let def = value.field.def();
    let of_run = |releases: &GoReleases| !releases.intersection(go).is_empty();
    let mut parts = Vec::new();
    let mut part = |write: &dyn Fn(&mut Markup)| {
        let mut markup = Markup::default();
        write(&mut markup);
        parts.push(markup);
    };
    part(&|markup| markup.labeled("A bad value suggests", def.suspect));
    for (releases, note) in def.notes.iter().filter(|(releases, _)| of_run(releases)) {
        let label = if releases.contains_all(GoReleases::ALL) { "Note" } else { &format!("Go {releases}") };
        part(&|markup| markup.entry(&format!("{label}:"), note));
    }
    part(&|markup| markup.labeled("How to read it", def.reading));
    part(&|markup| markup.labeled("Normal", def.normal));
    for (_, confusion) in def.confusion.iter().filter(|(releases, _)| of_run(releases)) {
        part(&|markup| markup.entry("Often confused:", confusion));
    }
    parts
}

/// Numbers of this place: the wall clock, the place in the run, the value before, formulas.
fn here(markup: &mut Markup, snapshot: &Snapshot, item: &Item, value: &ItemValue, go: GoReleases) {
    if value.datum.is_none() {
        return;
    }
    let parsed = snapshot.parsed.as_deref();
    if let (Some(parsed), Some(row)) = (parsed, item.row)
        && let Some(place) = parsed.index_of(row)
    {
        if let Some(moment) = clock::at(snapshot, row, value.field) {
            markup.entry("Wall clock:", &moment);
        }
        place::write(markup, parsed, place, row, value);
        before::write(markup, parsed, place, row, value);
        if let Some(why) = navigate::unlisted(parsed, row, value.field) {
            markup.entry("Leads nowhere:", &format!("{why}."));
        }
    }
    for (name, filled) in formula::filled(parsed, item, value.field, go) {
        markup.entry(&format!("{name}:"), &filled);
    }
    if value.field == gc::HEAP_GOAL_MB
        && let Some(parsed) = parsed
        && let Some((run, _)) = item.row.and_then(|row| parsed.index_of(row))
        && let Some(advice) = tune::in_a_line(parsed, run)
    {
        markup.entry("What to set:", &advice);
    }
}

/// A value for the title: as printed, with its unit, and in words where that is easier to grasp.
fn shown(value: &ItemValue, go: GoReleases) -> Option<Shown> {
    let shown = special::shown(value, go)?;
    let Some(datum) = &value.datum else { return Some(shown) };
    if let Datum::List(Kind::IntList, codes) = datum
        && codes.len() > MAX_VALUES
    {
        let numbers = codes.iter().map(|code| tracelog::cells::value(Kind::IntList, *code));
        let (low, high) = numbers.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), n| (low.min(n), high.max(n)));
        let ends = format!("from {} to {}", words::number(low), words::number(high));
        return Some(Shown::Words(words::with_unit(&format!("{} values {ends}", codes.len()), value.field.def().unit)));
    }
    if let Datum::One(Kind::Ref, code) = datum
        && tracelog::cells::is_nil(*code)
    {
        return Some(Shown::Words(format!("none (printed as {})", datum.print())));
    }
    let is_ordinary = datum.number().filter(|number| special::of(value.field, *number).is_none());
    let in_words = is_ordinary.and_then(|number| in_words(value.field, datum, number));
    Some(match (shown, in_words) {
        (Shown::Words(printed), Some(words)) => Shown::Words(format!("{printed}, {words}")),
        (shown, _) => shown,
    })
}

/// A number in a unit that is easier to grasp than its own.
fn in_words(field: Field, datum: &Datum, number: f64) -> Option<String> {
    let def = field.def();
    if def.id.ends_with("_unix_ns") && number > 0.0 {
        return Some(format!("{} UTC", clock::date_and_time(number as i64, true)));
    }
    let kind = match datum {
        Datum::One(kind, _) => *kind,
        _ => return None,
    };
    match def.unit {
        "B" => words::size(number),
        "KiB" | "kB" if number >= 10_240.0 => words::size(number * 1024.0),
        "MB" if number >= 10_240.0 => words::size(number * 1024.0 * 1024.0),
        "s" if number >= 600.0 => Some(words::span(number)),
        "ms" if number >= 10_000.0 => Some(words::span(number / 1000.0)),
        "us" if number >= 1000.0 => Some(format!("{} ms", words::number(number / 1000.0))),
        "ns" if number >= 1000.0 => Some(format!("{} ms", words::number(number / 1e6))),
        "" if matches!(kind, Kind::FloatE | Kind::FloatG) && number.is_finite() => {
            let short = words::number(number);
            (number == 0.0 || short != "0")
                .then_some(short)
                .filter(|short| *short != datum.print())
                .map(|n| format!("that is {n}"))
        }
        _ => None,
    }
}

/// What the printed value is called and means: a status number, a wait reason.
fn named(markup: &mut Markup, value: &ItemValue, go: GoReleases) {
    if let Some(name) = words::name_of(value, go) {
        let called = if name.name.is_empty() { name.printed } else { name.name };
        markup.labeled(called, name.meaning);
    }
}
