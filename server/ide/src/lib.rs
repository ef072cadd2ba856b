//! Questions about a Go runtime trace log, and their plain answers.
//!
//! No protocol types, no files, no clock: same text and settings, same answers, in the same order.

pub mod derived;
pub mod rules;
pub mod stats;
pub mod view;
