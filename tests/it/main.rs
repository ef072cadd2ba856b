//! Whole-product tests.

#[cfg(test)]
mod blocks;
#[cfg(test)]
mod catalog;
#[cfg(test)]
mod catalog_samples;
#[cfg(test)]
mod client;
#[cfg(test)]
mod compare;
#[cfg(test)]
mod corpus;
#[cfg(test)]
mod document;
#[cfg(test)]
mod dumps;
#[cfg(test)]
mod environment;
#[cfg(test)]
mod fields;
#[cfg(test)]
mod grammar;
#[cfg(test)]
mod hover_everywhere;
#[cfg(test)]
mod hover_ranks;
#[cfg(test)]
mod hover_snapshots;
#[cfg(test)]
mod hover_truths;
#[cfg(test)]
mod json;
#[cfg(test)]
mod judged;
#[cfg(test)]
mod judged_dumps;
#[cfg(test)]
mod limits;
#[cfg(test)]
mod narrations;
#[cfg(test)]
mod navigation;
#[cfg(test)]
mod product;
#[cfg(test)]
mod profiles;
#[cfg(test)]
mod protocol;
#[cfg(test)]
mod reading;
#[cfg(test)]
mod requests;
#[cfg(test)]
mod sched_runs;
#[cfg(test)]
mod scheddetail;
#[cfg(test)]
mod story;
#[cfg(test)]
mod torn;
#[cfg(test)]
mod trends;
#[cfg(test)]
mod tune;
#[cfg(test)]
mod unwrap;
#[cfg(test)]
mod values;
#[cfg(test)]
mod wrap;
