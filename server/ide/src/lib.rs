//! Questions about a Go runtime trace log, and their plain answers.
//!
//! No protocol types, no files, no clock: same text and settings, same answers, in the same order.

pub mod advice;
pub mod analysis;
pub mod blocks;
pub mod budget;
pub mod clock;
pub mod derived;
pub mod diagnostics;
mod ending;
pub mod environment;
pub mod evidence;
pub mod folding;
pub mod glimpse;
pub mod godebug;
pub mod hover;
pub mod inlay;
pub mod lens;
pub mod links;
pub mod markup;
pub mod narrate;
pub mod navigate;
pub mod older;
mod outlier;
pub mod outline;
pub mod pages;
pub mod phases;
pub mod requests;
pub mod rules;
pub mod series;
pub mod settings;
pub mod snapshot;
mod special;
pub mod stats;
mod stories;
pub mod summary;
pub mod timeline;
pub mod tokens;
pub mod tune;
pub mod view;
pub mod words;

pub use diagnostics::{Diagnostic, diagnostics, diagnostics_naming};
pub use evidence::{Verdict, evidence};
pub use folding::{Fold, folds};
pub use hover::{Hover, hover, hover_below_findings};
pub use inlay::{InlayHint, Kinds, hints, summary_hints};
pub use lens::{Lens, LensAction, LensKind, lenses};
pub use links::Links;
pub use narrate::{Narration, narrate};
pub use navigate::{
    Creation, Declarations, FilePlace, Found, FoundKind, GoroutineItem, Highlight, HighlightKind, Resolution, Resolved,
    Target, created, creator, file_at, file_links, goroutine_at, highlights, references, resolve, search, selections,
};
pub use older::{Before, Older, lenses_over};
pub use outline::{Symbol, SymbolKind, symbols};
pub use phases::Phase;
pub use series::{Rank, Series};
pub use settings::Settings;
pub use snapshot::{Parsed, Snapshot};
pub use tokens::{Token, TokenKind, tokens};
