//! What `check`, `summary` and `tune` ask of files: which, what of them, and under which settings.

use std::io;

use super::findings::Asked;
use super::input::InputError;
use super::joined::Files;
use super::select::Selection;
use super::settings::{self, Chooser};
use super::visible::visible;
use super::{Exit, report};

/// Options of a question about files.
#[derive(clap::Args)]
pub(super) struct Question {
    #[command(flatten)]
    files: Files,

    #[command(flatten)]
    pub(super) selection: Selection,

    #[command(flatten)]
    settings: settings::Flags,
}

/// A question whose options make sense.
pub(super) struct Asking<'a> {
    question: &'a Question,
    chooser: Chooser,
}

impl Question {
    /// Looks at the options; what is wrong with them is reported, and the command ends so.
    pub(super) fn asking(&self) -> Result<Asking<'_>, Exit> {
        if let Some(exit) = self.selection.refused() {
            return Err(exit);
        }
        match self.settings.chooser() {
            Ok(chooser) => Ok(Asking { question: self, chooser }),
            Err(problem) => {
                report(&visible(&problem));
                Err(Exit::Trouble)
            }
        }
    }
}

impl Asking<'_> {
    /// Answers for one file after the other, in the order of the arguments; what cannot be read is reported here, too. The
    /// exit is of the reading: what is found does not change it.
    pub(super) fn each(
        mut self,
        mut answer: impl FnMut(Result<&Asked, &InputError>) -> io::Result<()>,
    ) -> io::Result<Exit> {
        let mut exit = Exit::Success;
        for document in self.question.files.documents() {
            let asked = match document {
                Ok(document) => {
                    let settings = self.chooser.of(&document);
                    Asked::of(document, &self.question.selection, settings)
                }
                Err(error) => {
                    report(&error);
                    exit = Exit::Trouble;
                    answer(Err(&error))?;
                    continue;
                }
            };
            exit = exit.max(asked.exit);
            answer(Ok(&asked))?;
            for error in &asked.document.cut {
                report(error);
                exit = Exit::Trouble;
            }
        }
        Ok(exit)
    }
}
