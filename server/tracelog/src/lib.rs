//! Text → lines → items → rows in columns.
//!
//! Reads the text a Go program prints about itself. Everything here is a function of its input: no files, no clock, no
//! protocol. Parsing never fails and never panics; what is not understood is kept as foreign text.

pub mod catalog;
pub mod cells;
pub mod position;
pub mod text;

pub use catalog::{Family, Field, GoReleases, Kind, Role, Shape};
pub use position::{Encoding, LineCol, Loc};
pub use text::{Edited, Text};
