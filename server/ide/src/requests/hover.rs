//! Hover on a duration in a line of the program: what it is among its kind, and whether a collection was under way.

use tracelog::catalog::gc;
use tracelog::durations::{self, Found};
use tracelog::{Family, LineCol, Loc};

use super::{Requests, Series};
use crate::hover::Hover;
use crate::markup::{Markup, Shown};
use crate::series::Rank;
use crate::snapshot::{Parsed, Snapshot};
use crate::words;

/// The duration at a place that no item takes.
pub(crate) fn hover(snapshot: &Snapshot, at: LineCol) -> Option<Hover> {
    let (found, loc) = on_line(snapshot, at.line).into_iter().find(|(_, loc)| loc.touches(at))?;
    let mut markup = Markup::default();
    markup.titled(&found.key, &Shown::Words(words::ms(found.ns as f64 / 1e6)));
    if let Some(parsed) = &snapshot.parsed {
        among_others(&mut markup, parsed, &found.key, at.line);
    }
    markup.paragraph("A duration that the program printed, not the runtime.");
    Some(Hover { loc, markdown: markup.finish() })
}

/// The byte at which the first duration of a line begins, if the program printed one there.
pub fn first_on(snapshot: &Snapshot, line: u32) -> Option<u32> {
    on_line(snapshot, line).first().map(|(_, loc)| loc.start)
}

/// The durations of a line and where they stand.
fn on_line(snapshot: &Snapshot, number: u32) -> Vec<(Found, Loc)> {
    let line = snapshot.lines.line(number);
    let peeled = match &snapshot.parsed {
        Some(parsed) => parsed.log.peel(number, &line),
        None => tracelog::carrier::peel(&line),
    };
    let Some(said) = durations::read(&peeled) else { return Vec::new() };
    let (_, text) = peeled.as_foreign();
    let placed = said.durations.into_iter().filter_map(|found| {
        let loc = place(&line, text, &found, number)?;
        Some((found, loc))
    });
    placed.collect()
}

/// Where a duration stands in the line. The text that was read is a part of the line, or was decoded from it: then the
/// digits are looked for, and a number that stands there twice has no place.
fn place(line: &[u8], text: &[u8], found: &Found, number: u32) -> Option<Loc> {
    let inside = (text.as_ptr() as usize).wrapping_sub(line.as_ptr() as usize);
    let is_part = inside.checked_add(text.len()).is_some_and(|end| end <= line.len());
    let start = if is_part {
        inside + found.at.start
    } else {
        let digits = &text[found.at.clone()];
        let mut places = line.windows(digits.len().max(1)).enumerate().filter(|(_, window)| *window == digits);
        let (start, _) = places.next()?;
        places.next().is_none().then_some(start)?
    };
    Some(Loc::new(number, start as u32, (start + found.at.len()) as u32))
}

fn among_others(markup: &mut Markup, parsed: &Parsed, key: &str, line: u32) {
    let mut requests = parsed.analysis().summaries.iter().filter_map(|of| Some((of.run, of.requests.as_deref()?)));
    let Some((run, requests, series, at)) = requests.find_map(|(run, requests)| {
        let of_key = requests.series.iter().filter(|series| series.key == key);
        let mut holding = of_key.filter_map(|series| Some((series, series.line.binary_search(&line).ok()?)));
        holding.next().map(|(series, at)| (run, requests, series, at))
    }) else {
        return without_place(markup, parsed, line);
    };
    markup.entry(&format!("Among {}:", words::grouped(series.ms.len())), &rank(series, at));
    markup.entry("It began", &begin(parsed, run, series, at));
    if let Some((_, split)) = requests.splits.iter().find(|(index, _)| std::ptr::eq(&requests.series[*index], series)) {
        markup.entry("All of them:", &split.in_short());
    }
}

/// Why a duration is not compared with cycles.
fn without_place(markup: &mut Markup, parsed: &Parsed, line: u32) {
    let near = parsed.analysis().summaries.iter().rfind(|of| of.lines.0 <= line);
    if let Some(Requests { clock: Err(silence), .. }) = near.and_then(|of| of.requests.as_deref()) {
        markup.paragraph(&format!("Not compared with GC cycles: {}.", silence.reason()));
    }
}

/// `slower than 99.2 % · median 12 ms, p99 43 ms, max 98 ms`.
fn rank(series: &Series, at: usize) -> String {
    let Rank { below, above, .. } = series.all.rank(series.ms[at]);
    let n = series.ms.len() as f64;
    // Never "100 %" of them while some are slower.
    let percent = |part: usize| ((part as f64 / n * 1000.0).floor() / 10.0).min(99.9);
    let place = if above == 0 {
        "the slowest".to_owned()
    } else if below == 0 {
        "the fastest".to_owned()
    } else if below >= above {
        format!("slower than {} %", percent(below))
    } else {
        format!("faster than {} %", percent(above))
    };
    let shown = |share| words::ms(series.all.quantile(share).unwrap_or(f64::NAN));
    let name = series.route.as_deref().filter(|route| !route.is_empty()).map(|route| format!(" of {route}"));
    let of_route = name.unwrap_or_default();
    format!("{place}{of_route} · median {}, p99 {}, max {}", shown(0.5), shown(0.99), shown(1.0))
}

/// Which cycle was under way when the request began, and how long it stood still.
fn begin(parsed: &Parsed, run: usize, series: &Series, at: usize) -> String {
    let error = words::ms(series.error_ms);
    let pauses = match series.pause_ms[at] {
        0.0 => String::new(),
        ms => format!("; pauses in it at most {}", words::ms(ms)),
    };
    let Some(cycle) = series.cycle[at] else {
        return format!("outside of all GC cycles (clock known to {error}){pauses}");
    };
    let rows = parsed.runs.list.iter().find(|of| of.number == run).map_or(&[][..], |of| of.rows(Family::Gc));
    let row = rows.get(cycle as usize);
    let number = row.and_then(|row| parsed.log.code(*row, gc::N)).unwrap_or_default();
    let line = row.map_or(0, |row| parsed.log.line(*row) + 1);
    format!("inside gc {number}, whose line is {line} (clock known to {error}){pauses}")
}
