//! Findings as workflow commands of GitHub Actions: `::error file=app.log,line=3,...::message`.
//!
//! A runner obeys every line of its log that begins with `::`, and messages hold text of logs. So every hidden character is
//! spelled out, line ends among them, and what separates parts of a command is encoded as the runner decodes it.

use std::io::{self, Write};

use ide::rules::Severity;

use super::place::{Region, artifact_path};
use super::{Checked, Report};
use crate::cli::Exit;
use crate::cli::input::InputError;
use crate::cli::visible::visible;

/// Writes as files are read.
pub(super) struct GitHub<W> {
    out: W,
}

impl<W: Write> GitHub<W> {
    pub(super) fn new(out: W) -> Self {
        Self { out }
    }
}

impl<W: Write> Report for GitHub<W> {
    fn file(&mut self, checked: &Checked<'_>) -> io::Result<()> {
        let document = &checked.asked.document;
        for found in checked.shown() {
            let region = Region::of(document, found.loc);
            writeln!(
                self.out,
                "::{} file={},line={line},endLine={line},col={},endColumn={},title={}::{}",
                command(found.severity),
                property(&artifact_path(region.file)),
                region.start_column,
                region.end_column,
                property(&format!("{} {}", found.code, found.slug)),
                data(&found.message),
                line = region.line,
            )?;
        }
        if let Some(nothing) = checked.asked.nothing() {
            let file = property(&artifact_path(&document.name));
            writeln!(self.out, "::notice file={file},title=gotracelens::{}", data(nothing))?;
        }
        for error in &document.cut {
            self.unreadable(error)?;
        }
        Ok(())
    }

    fn unreadable(&mut self, error: &InputError) -> io::Result<()> {
        let file = property(&artifact_path(error.name()));
        writeln!(self.out, "::error file={file},title=gotracelens::{}", data(&error.to_string()))
    }

    fn finish(&mut self, _: Exit) -> io::Result<()> {
        self.out.flush()
    }
}

const fn command(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Info | Severity::Hint => "notice",
    }
}

/// The message of a command.
fn data(text: &str) -> String {
    // Line ends are spelled out already; encoding them too costs nothing and does not rely on it.
    visible(text).replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// The value of a property, which a comma or a colon would end.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_begins_another_command() {
        let hostile = "50 %\n::add-mask::x\r::set-env name=A,b:c\u{1b}[2J";
        assert_eq!(data(hostile), "50 %25\\n::add-mask::x\\r::set-env name=A,b:c\\u{1b}[2J");
        assert_eq!(property("C:\\a,b\n::error::"), "C%3A\\a%2Cb\\n%3A%3Aerror%3A%3A",);
    }
}
