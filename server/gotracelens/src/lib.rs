//! The language server and the command line.

pub mod lsp;
