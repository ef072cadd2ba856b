//! Questions about a Go runtime trace log, and their plain answers.
//!
//! No protocol types, no files, no clock: same text and settings, same answers, in the same order.

pub mod analysis;
pub mod derived;
pub mod hover;
pub mod markup;
pub mod rules;
pub mod settings;
pub mod snapshot;
pub mod stats;
pub mod summary;
pub mod view;
pub mod words;

pub use hover::{Hover, hover};
pub use settings::Settings;
pub use snapshot::{Parsed, Snapshot};
