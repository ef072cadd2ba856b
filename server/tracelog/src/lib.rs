//! Reads the text a Go program prints about itself into lines, items and columns.

pub mod catalog;
