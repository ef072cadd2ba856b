//! Panics on purpose, for the tests of panic safety. Without the feature `fault` nothing here does anything.

/// Where the server can be made to panic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "fault", derive(serde::Deserialize), serde(rename_all = "camelCase"))]
pub(super) enum Place {
    /// In a handler, before it posts.
    Handler,
    /// While a question is answered.
    Answer,
    /// In the owner, while an event is taken.
    Owner,
    /// While the text is edited.
    Edit,
    /// While the log follows an edit.
    Follow,
    /// While the whole text is parsed.
    Parse,
}

#[cfg(feature = "fault")]
mod armed {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::Place;

    static STRIKES: [AtomicU32; 6] = [const { AtomicU32::new(0) }; 6];

    /// Parameters of the request `gotracelens/fault`.
    #[derive(Debug, serde::Deserialize)]
    pub(in super::super) struct FaultParams {
        place: Place,
        times: u32,
    }

    /// Makes the next calls of [`strike`] at a place panic.
    pub(in super::super) fn arm(params: &FaultParams) {
        STRIKES[params.place as usize].fetch_add(params.times, Ordering::SeqCst);
    }

    /// Panics if the place is armed.
    pub(in super::super) fn strike(place: Place) {
        let strikes = &STRIKES[place as usize];
        if strikes.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |n| n.checked_sub(1)).is_ok() {
            panic!("fault at {place:?}");
        }
    }
}
#[cfg(feature = "fault")]
pub(super) use armed::{FaultParams, arm, strike};

/// Does nothing.
#[cfg(not(feature = "fault"))]
pub(super) fn strike(_place: Place) {}
