//! The files of a command line, one by one or as one log.
//!
//! With `--join` all named files are one log, in the order that [`joined`](crate::joined) finds. No other file is looked
//! for: what is read is what was named.

use std::path::PathBuf;

use crate::joined::Order;

use super::input::{Document, InputError};
use super::visible::visible;
use super::{note, words_of};

/// The files to read, and how.
#[derive(clap::Args)]
pub(super) struct Files {
    /// Logs to read, packed with gzip or zstd or not; `-` is standard input
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,

    /// Read all files as one log, oldest first: the files of a rotated set, or the pieces of one log. The order is
    /// told by their names and checked against what is in them
    #[arg(long)]
    join: bool,
}

impl Files {
    /// The documents to work on. A file that cannot be read is an error of its own and keeps no other from being read.
    pub(super) fn documents(&self) -> Box<dyn Iterator<Item = Result<Document, InputError>> + '_> {
        let documents = self.files.iter().map(|path| Document::read(path));
        if !self.join {
            return Box::new(documents);
        }
        // `app.log app.log*` names a file twice.
        let is_first = |index: usize| !self.files[..index].contains(&self.files[index]);
        let documents = documents.enumerate().filter(|(index, _)| is_first(*index)).map(|(_, document)| document);
        let (read, unread): (Vec<_>, Vec<_>) = documents.partition(Result::is_ok);
        let read: Vec<Document> = read.into_iter().flatten().collect();
        let joined = (!read.is_empty()).then(|| Ok(Document::join(in_order(read))));
        Box::new(unread.into_iter().chain(joined))
    }

    /// Whether what is written comes from more than one file.
    pub(super) fn are_several(&self) -> bool {
        self.files.len() > 1
    }
}

/// The documents, oldest first.
fn in_order(documents: Vec<Document>) -> Vec<Document> {
    let (documents, order) = crate::joined::in_order(documents);
    if order == Order::OfContents {
        let names = words_of(documents.iter().map(|document| visible(&document.name).into_owned()));
        note(&format!("files are read in the order in which their cycles and samples go on: {names}"));
    }
    documents
}
