//! `cargo xtask eval`.

fn main() {}
