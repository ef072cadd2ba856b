//! Whole-product tests.

#[cfg(test)]
mod grammar;
#[cfg(test)]
mod json;
#[cfg(test)]
mod product;
