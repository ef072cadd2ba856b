//! Values that are not what their field says: a goal that is none, a duration that is none.

use tracelog::catalog::{Kind, gc};
use tracelog::template::Datum;
use tracelog::{Field, GoReleases, Item, ItemValue};

use crate::markup::Shown;
use crate::view::{NO_GOAL_MB, WRAPPED_MS};
use crate::words;

/// A range of values with a meaning of its own.
pub(crate) struct Special {
    applies: fn(Field, f64) -> bool,
    /// Stands where the value would.
    pub(crate) name: &'static str,
    /// What it means, in sentences.
    pub(crate) text: &'static str,
}

/// The first that applies counts.
const SPECIAL: &[Special] = &[
    Special {
        applies: |field, value| field == gc::HEAP_GOAL_MB && value >= NO_GOAL_MB,
        name: "none",
        text: "There was no goal: GOGC=off, and the program asked for this collection. The number stands for no \
               limit and is not an amount of memory.",
    },
    Special {
        applies: |field, value| {
            field == gc::AT_S && value >= WRAPPED_S || field.def().kind == Kind::Millis2 && value >= WRAPPED_MS
        },
        name: "invalid",
        text: "The clock jumped back, and the negative difference was printed as a huge number. It says nothing.",
    },
    Special {
        applies: |field, value| field == gc::GC_CPU_PCT && value < 0.0,
        name: "invalid",
        text: "The first collection came at time 0 of a coarse clock, so there was no time to take a share of.",
    },
];

/// A time of this many seconds since start and more is a wrapped negative one: it would be 31 years.
const WRAPPED_S: f64 = 1e9;

/// The special meaning of a value, if it has one.
pub(crate) fn of(field: Field, value: f64) -> Option<&'static Special> {
    SPECIAL.iter().find(|special| (special.applies)(field, value))
}

/// What a value means on this line, where its neighbors show that it is not what the field says.
pub(crate) fn on_line(item: &Item, field: Field) -> Option<&'static str> {
    let number = |field| item.get(field).and_then(Datum::number);
    let left_over = [gc::CPU_ASSIST_MS, gc::CPU_BACKGROUND_MS, gc::CPU_IDLE_MS].contains(&field)
        && number(gc::FORCED) == Some(1.0)
        && number(gc::WALL_MARK_MS) == Some(0.0)
        && number(gc::HEAP_GOAL_MB) == number(gc::HEAP_START_MB);
    left_over.then_some(
        "Not of this cycle, which stopped the world throughout: the value is left from the last concurrent one.",
    )
}

/// A printed value with its unit, for people; one with a special meaning by name, one with a name with that.
pub(crate) fn shown(value: &ItemValue, go: GoReleases) -> Option<Shown> {
    let datum = value.datum.as_ref()?;
    if let Datum::Text(text) = datum
        && !text.is_empty()
    {
        return Some(Shown::Verbatim(words::shorten(text, MAX_TEXT)));
    }
    if let Some(special) = datum.number().and_then(|number| of(value.field, number)) {
        return Some(Shown::Words(format!("{} (printed as {})", special.name, datum.print())));
    }
    let printed = words::value(value.field, datum);
    let name = words::name_of(value, go).map(|name| name.name).filter(|name| !name.is_empty());
    Some(Shown::Words(name.map_or(printed.clone(), |name| format!("{printed} ({name})"))))
}

/// Characters of a text of the log that are shown.
const MAX_TEXT: usize = 120;
