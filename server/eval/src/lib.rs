//! How right the rules are: labelled logs and synthetic shapes, held against what the rules say.

pub mod shapes;
