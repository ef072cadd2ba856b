//! How right the rules are: labelled logs and synthetic shapes, held against what the rules say. `cargo xtask eval`.
//!
//! Labels say what the recorded program did; `labels.toml` says which rules have to speak up then, and which must not.
//! It was written from what the labels mean and from what the rules are for, never from what the rules answered.
//! Analysis sees the text of a log and nothing else: no file names, no manifests.

pub mod budgets;
pub mod calm;
pub mod compare;
pub mod corpus;
pub mod judge;
pub mod labels;
pub mod observe;
pub mod report;
pub mod shapes;
pub mod stats;
