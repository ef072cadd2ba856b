//! The language server and the command line.

pub mod cli;
pub mod config;
pub mod lsp;

mod evidence;
mod input;
mod joined;
mod rotation;
mod site;
mod visible;
