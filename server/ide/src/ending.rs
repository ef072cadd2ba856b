//! How processes end: what the runtime prints of a crash, what others say of a process that they killed, and what is left
//! to say when nobody says anything.
//!
//! Nothing here decides whether text is a crash or only mentions one; blocks have decided that when the log was read. What
//! is left open there, a head without stacks, is decided by what follows it.

pub(crate) mod crash;
pub(crate) mod kill;
mod silent;

pub(crate) use crash::{Cause, Crash, Culprit, TEST_TIMEOUT, crashes, shown};
pub(crate) use kill::{Kill, LastWords, Victim, Word, kills};
pub(crate) use silent::silent_ends;
