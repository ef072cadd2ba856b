//! Text → lines → items → rows in columns.
//!
//! Reads the text a Go program prints about itself. Everything here is a function of its input: no files, no clock, no
//! protocol. Parsing never fails and never panics; what is not understood is kept as foreign text.

pub mod anchor;
mod block;
pub mod blocks;
pub mod carrier;
pub mod catalog;
pub mod cells;
pub mod chunk;
pub mod durations;
#[cfg(any(test, feature = "fixture"))]
pub mod fixture;
pub mod item;
mod lex;
pub mod log;
pub mod position;
pub mod runs;
mod table;
pub mod tear;
pub mod template;
pub mod text;
mod texts;
mod word;

pub use blocks::Blocks;
pub use catalog::{Family, Field, GoReleases, Kind, Role, Shape};
pub use item::{Item, ItemValue, LineItems, Lines, Part};
pub use log::{Log, RowId};
pub use position::{Encoding, LineCol, Loc};
pub use runs::{Run, Runs};
pub use text::{Characters, Edited, Text};
