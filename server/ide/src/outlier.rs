//! Values far above what their run usually has: the same ones for coloring and for hints.

use tracelog::{Field, Role};

use crate::snapshot::Parsed;

/// Robust z scores from which a value counts: far out for any shape that pauses and sizes have.
const MIN_Z: f64 = 4.0;

/// Values of a run that tell what is usual.
const MIN_VALUES: usize = 20;

/// A value of a run that is far above the others.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Outlier {
    /// How many times the median it is; endless above a median of 0.
    pub(crate) multiple: f64,
}

/// The least value of a role that a reader cares for, in the unit of the field: below it, a multiple of the median is
/// noise. None: no value of the role is an outlier, because it only rises, or is a name.
fn least(field: Field) -> Option<f64> {
    let def = field.def();
    match (def.role, def.unit) {
        (Role::Pause, "ms") => Some(0.5),
        (Role::Pause, "us") => Some(500.0),
        (Role::Cpu, "ms") => Some(2.0),
        (Role::Heap, "MB") => Some(8.0),
        (Role::Count, _) => Some(8.0),
        _ => None,
    }
}

/// Whether a value is large enough to be looked at.
pub(crate) fn is_candidate(field: Field, value: f64) -> bool {
    least(field).is_some_and(|least| value >= least)
}

/// Whether a value of a run is far above its others.
pub(crate) fn outlier(parsed: &Parsed, run: usize, field: Field, value: f64) -> Option<Outlier> {
    if !is_candidate(field, value) || crate::special::of(field, value).is_some() {
        return None;
    }
    let series = parsed.series(run, field);
    if series.n() < MIN_VALUES || series.z(value)? < MIN_Z {
        return None;
    }
    Some(Outlier { multiple: value / series.median()? })
}
