//! Properties of reading: what holds for every text, whatever is in it.

mod blocks;
mod edits;
mod lines;
mod matchers;
mod robust;
mod torn;
