//! Text → lines → items → rows in columns.
//!
//! Reads the text a Go program prints about itself. Everything here is a function of its input: no files, no clock, no
//! protocol. Parsing never fails and never panics; what is not understood is kept as foreign text.

pub mod carrier;
pub mod catalog;
pub mod cells;
mod lex;
pub mod position;
pub mod template;
pub mod text;

pub use catalog::{Family, Field, GoReleases, Kind, Role, Shape};
pub use position::{Encoding, LineCol, Loc};
pub use text::{Edited, Text};
