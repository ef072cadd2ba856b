//! `gotracelens extract` and `gotracelens strip`: a log cut in two, the trace and all else.
//!
//! Both work on lines and choose them alike, so every line of a file is in exactly one of the two outputs, byte for byte.
//! A line that holds any piece of a wanted item is a trace line. `--bare` works on what stands in the lines instead.

use std::collections::HashMap;
use std::io::{self, BufWriter, IsTerminal, Write};
use std::ops::Range;

use tracelog::carrier::Peeled;
use tracelog::chunk::Fragment;
use tracelog::{Item, Log, Part, RowId, Runs};

use super::input::Document;
use super::joined::Files;
use super::lines::{self, ParsedItem, ParsedLine};
use super::select::{Chosen, Selection};
use super::visible::visible;
use super::{Exit, report};

/// Options of `extract` and `strip`.
#[derive(clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    files: Files,

    #[command(flatten)]
    selection: Selection,

    /// Write the number of the line in its file before each line, and before that the file's name if there are several
    #[arg(short = 'n', long)]
    line_number: bool,

    /// Write what the program wrote, without what containers, collectors and loggers put around it: `extract` puts torn
    /// items together, one a line; `strip` keeps what else stands on their lines
    #[arg(long)]
    bare: bool,
}

/// The two halves of a log.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Half {
    Trace,
    Rest,
}

/// Writes the trace lines.
pub(super) fn extract(args: &Args) -> io::Result<Exit> {
    run(args, Half::Trace)
}

/// Writes all other lines.
pub(super) fn strip(args: &Args) -> io::Result<Exit> {
    run(args, Half::Rest)
}

fn run(args: &Args, half: Half) -> io::Result<Exit> {
    if let Some(exit) = args.selection.refused() {
        return Ok(exit);
    }
    let mut exit = Exit::Success;
    let stdout = io::stdout().lock();
    let is_shown = stdout.is_terminal();
    let mut out = Output {
        out: BufWriter::with_capacity(1 << 16, stdout),
        is_shown,
        is_line_open: false,
        numbering: match (args.line_number, args.files.are_several()) {
            (false, _) => Numbering::None,
            (true, false) => Numbering::Line,
            (true, true) => Numbering::FileAndLine,
        },
    };
    for document in args.files.documents() {
        let document = match document {
            Ok(document) => document,
            Err(error) => {
                report(&error);
                exit = Exit::Trouble;
                continue;
            }
        };
        let log = Log::read(&document.bytes);
        let runs = Runs::of(&log);
        let (chosen, selected) = args.selection.of(&visible(&document.name), &log, &runs);
        exit = exit.max(selected);
        let half = Cut { document: &document, log: &log, chosen: &chosen, half };
        if args.bare {
            half.write_bare(&runs, &mut out)?
        } else {
            half.write_lines(&runs, &mut out)?
        }
        for error in &document.cut {
            report(error);
            exit = Exit::Trouble;
        }
    }
    out.out.flush()?;
    Ok(exit)
}

/// A document, and which half of it is wanted.
struct Cut<'a> {
    document: &'a Document,
    log: &'a Log,
    chosen: &'a Chosen,
    half: Half,
}

impl Cut<'_> {
    fn write_lines(&self, runs: &Runs, out: &mut Output<impl Write>) -> io::Result<()> {
        lines::each_line(self.document, self.log, runs, |line| {
            let is_trace = line.items.iter().any(|item| self.chosen.has(item));
            if is_trace == (self.half == Half::Trace) {
                out.line(self.document, line.line)?;
            }
            Ok(())
        })
    }

    fn write_bare(&self, runs: &Runs, out: &mut Output<impl Write>) -> io::Result<()> {
        let fragments: HashMap<RowId, (u32, &Fragment)> =
            self.log.fragments().map(|(start, row, fragment)| (row, (start, fragment))).collect();
        lines::each_line(self.document, self.log, runs, |line| match self.half {
            Half::Trace => self.write_items(line, &fragments, out),
            Half::Rest => self.write_rest(line, out),
        })
    }

    fn write_items(
        &self,
        line: &ParsedLine<'_>,
        fragments: &HashMap<RowId, (u32, &Fragment)>,
        out: &mut Output<impl Write>,
    ) -> io::Result<()> {
        let peeled = self.log.peel(line.line, self.document.bytes_of(line.line));
        if let [item] = line.items.as_slice()
            && is_all_of(item, line)
        {
            let is_wanted = self.chosen.has(item);
            return if is_wanted { out.bare(self.document, line.line, item.start, &peeled.content) } else { Ok(()) };
        }
        if line.items.is_empty() {
            return Ok(());
        }
        // A later piece of an item stands with its head.
        let items = self.log.items(line.line, self.document).items;
        for item in items.iter().filter(|item| item.head_line.is_none() && self.chosen.has_row(item.family(), item.row))
        {
            let text = match item.row.and_then(|row| fragments.get(&row)) {
                Some((start, fragment)) => self.text_of_pieces(*start, fragment),
                None => peeled.content[content_range(item, &peeled)].to_vec(),
            };
            out.bare(self.document, line.line, item.loc.start, &text)?;
        }
        Ok(())
    }

    /// The pieces of an item that was torn, one behind the other.
    fn text_of_pieces(&self, chunk_start: u32, fragment: &Fragment) -> Vec<u8> {
        let mut text = Vec::new();
        for part in &fragment.parts {
            let line = (i64::from(chunk_start) + part.line).max(0) as u32;
            let peeled = self.log.peel(line, self.document.bytes_of(line));
            let end = (part.end as usize).min(peeled.content.len());
            text.extend(part.blank.then_some(b' '));
            text.extend_from_slice(peeled.content.get(part.start as usize..end).unwrap_or_default());
        }
        text
    }

    /// What the program wrote on a line, without the wanted items.
    fn write_rest(&self, line: &ParsedLine<'_>, out: &mut Output<impl Write>) -> io::Result<()> {
        let peeled = self.log.peel(line.line, self.document.bytes_of(line.line));
        if !line.items.iter().any(|item| self.chosen.has(item)) {
            let text = if line.items.is_empty() { peeled.as_foreign().1 } else { &peeled.content };
            return out.bare(self.document, line.line, 0, text);
        }
        if let [item] = line.items.as_slice()
            && is_all_of(item, line)
        {
            return Ok(());
        }
        let mut is_rest = vec![true; peeled.content.len()];
        let items = self.log.items(line.line, self.document).items;
        for item in items.iter().filter(|item| self.chosen.has_row(item.family(), item.row)) {
            is_rest[content_range(item, &peeled)].fill(false);
        }
        let rest = peeled.content.iter().zip(is_rest).filter(|(_, is_rest)| *is_rest).map(|(byte, _)| *byte);
        let rest: Vec<u8> = rest.collect();
        if rest.is_empty() { Ok(()) } else { out.bare(self.document, line.line, 0, &rest) }
    }
}

/// Whether a line says nothing but one whole item.
fn is_all_of(item: &ParsedItem, line: &ParsedLine<'_>) -> bool {
    !item.torn && item.part == Part::Whole && line.foreign.is_none()
}

/// Where a piece of an item stands in the content of its line.
fn content_range(item: &Item, peeled: &Peeled<'_>) -> Range<usize> {
    let n_bytes = peeled.content.len();
    let first_at = |raw: u32| (0..n_bytes).find(|at| peeled.raw(*at) >= raw).unwrap_or(n_bytes);
    let start = first_at(item.loc.start);
    start..first_at(item.loc.end).max(start)
}

/// What stands before each line.
#[derive(Clone, Copy)]
enum Numbering {
    None,
    Line,
    FileAndLine,
}

/// Where lines go.
struct Output<W> {
    out: W,
    /// To a terminal: what it would obey is spelled out. Anything else gets every byte as it is.
    is_shown: bool,
    numbering: Numbering,
    /// The last line had no line end, as the last one of a file may have none.
    is_line_open: bool,
}

impl<W: Write> Output<W> {
    /// Writes text that may stand in the middle of a line of the document, and ends the line.
    fn bare(&mut self, document: &Document, line: u32, byte: u32, text: &[u8]) -> io::Result<()> {
        self.text(document, line, byte, text)?;
        self.out.write_all(b"\n")
    }

    /// Writes a line with its line end, if it has one.
    fn line(&mut self, document: &Document, line: u32) -> io::Result<()> {
        let raw = document.raw_line(line);
        if self.is_shown {
            return self.bare(document, line, 0, document.bytes_of(line));
        }
        self.text(document, line, 0, raw)?;
        self.is_line_open = !raw.ends_with(b"\n");
        Ok(())
    }

    fn text(&mut self, document: &Document, line: u32, byte: u32, text: &[u8]) -> io::Result<()> {
        // Only what follows from another file ends the line: alone, a file comes back as it is.
        if std::mem::take(&mut self.is_line_open) {
            self.out.write_all(b"\n")?;
        }
        let place = document.place(line, byte);
        match self.numbering {
            Numbering::None => {}
            Numbering::Line => write!(self.out, "{}:", place.line + 1)?,
            Numbering::FileAndLine => write!(self.out, "{}:{}:", visible(place.file), place.line + 1)?,
        }
        if self.is_shown {
            return self.out.write_all(visible(&String::from_utf8_lossy(text)).as_bytes());
        }
        self.out.write_all(text)
    }
}

#[cfg(test)]
mod tests {
    use tracelog::{Family, Field};

    use super::*;

    fn written(text: &[u8], is_shown: bool, numbering: Numbering) -> String {
        let mut out = Output { out: Vec::new(), is_shown, numbering, is_line_open: false };
        let document = Document::new("a\u{1b}.log".into(), text.to_vec());
        for line in 0..document.n_lines() {
            out.line(&document, line).unwrap();
        }
        String::from_utf8(out.out).unwrap()
    }

    #[test]
    fn a_terminal_is_shown_what_it_would_obey() {
        let text = b"a\x1b[2J\tb\r\n\xff";
        let shown = written(text, true, Numbering::FileAndLine);
        assert_eq!(shown, "a\\u{1b}.log:1:a\\u{1b}[2J\\tb\na\\u{1b}.log:2:\u{fffd}\n");
    }

    #[test]
    fn anything_else_gets_lines_as_they_are() {
        let text = "a\u{1b}[2J\tb\r\nlast";
        assert_eq!(written(text.as_bytes(), false, Numbering::None), text);
        assert_eq!(written(text.as_bytes(), false, Numbering::Line), "1:a\u{1b}[2J\tb\r\n2:last");
    }

    /// What both halves of a document hold, by line.
    fn halves(document: &Document, args: &[&str], is_bare: bool) -> [Vec<(u32, Vec<u8>)>; 2] {
        #[derive(clap::Parser)]
        struct Options {
            #[command(flatten)]
            selection: Selection,
        }
        let args = ["test"].iter().chain(args);
        let selection = <Options as clap::Parser>::parse_from(args).selection;
        let log = Log::read(&document.bytes);
        let runs = Runs::of(&log);
        let (chosen, _) = selection.of("test", &log, &runs);
        [Half::Trace, Half::Rest].map(|half| {
            let cut = Cut { document, log: &log, chosen: &chosen, half };
            let mut out = Output { out: Vec::new(), is_shown: false, numbering: Numbering::Line, is_line_open: false };
            if is_bare {
                cut.write_bare(&runs, &mut out).unwrap()
            } else {
                cut.write_lines(&runs, &mut out).unwrap()
            }
            let numbered = out.out.split_inclusive(|byte| *byte == b'\n');
            let parted = numbered.map(|line| {
                let colon = line.iter().position(|byte| *byte == b':').unwrap();
                (std::str::from_utf8(&line[..colon]).unwrap().parse().unwrap(), line[colon + 1..].to_vec())
            });
            parted.collect()
        })
    }

    fn corpus() -> Vec<Document> {
        let corpus = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/corpus");
        let files = ["wrapped", "published", "runs/1.4.3", "runs/1.26.6"]
            .into_iter()
            .flat_map(|folder| std::fs::read_dir(corpus.join(folder)).unwrap());
        files.filter_map(|file| Document::read(&file.unwrap().path()).ok()).collect()
    }

    #[test]
    fn both_halves_together_are_the_file() {
        let documents = corpus();
        assert!(documents.len() > 100);
        let mut n_lines = [0; 2];
        for document in &documents {
            for args in [&[][..], &["--run", "1"], &["--from", "1s", "--to", "gc5"], &["--family", "sched"]] {
                let halves = halves(document, args, false);
                n_lines[0] += halves[0].len();
                n_lines[1] += halves[1].len();
                let mut lines = halves.concat();
                lines.sort_by_key(|(number, _)| *number);
                assert!(lines.iter().map(|(number, _)| *number).eq(1..=document.n_lines()), "{}", document.name);
                let together: Vec<u8> = lines.into_iter().flat_map(|(_, line)| line).collect();
                assert!(together == document.bytes, "{} {args:?}", document.name);
            }
        }
        assert!(n_lines.iter().all(|n| *n > 5_000), "{n_lines:?}");
    }

    #[test]
    fn bare_halves_hold_all_that_the_program_wrote_and_nothing_twice() {
        for document in corpus() {
            let log = Log::read(&document.bytes);
            let written: usize = (0..document.n_lines())
                .map(|line| {
                    let peeled = log.peel(line, document.bytes_of(line));
                    let has_items = !log.items(line, &document).items.is_empty();
                    if has_items { peeled.content.len() } else { peeled.as_foreign().1.len() }
                })
                .sum();
            // Blanks that were lost when a line was wrapped come back.
            let parts = log.fragments().flat_map(|(_, _, fragment)| fragment.parts.iter());
            let written = written + parts.filter(|part| part.blank).count();
            let halves = halves(&document, &[], true);
            let kept: usize = halves.iter().flatten().map(|(_, line)| line.len() - 1).sum();
            assert_eq!(kept, written, "{}", document.name);
        }
    }

    /// What a field says; texts by themselves, because their codes differ from log to log.
    fn told_of(log: &Log, row: RowId, field: Field) -> String {
        match log.text(row, field) {
            Some(text) => text.into_owned(),
            None => format!("{:?} {:?}", log.code(row, field), log.list(row, field)),
        }
    }

    #[test]
    fn bare_items_say_what_they_said_in_the_file() {
        let mut n_compared = 0;
        for document in corpus() {
            let log = Log::read(&document.bytes);
            // Without carriers nobody can tell the blocks of two processes apart.
            let mut sources = Family::ALL.iter().flat_map(|family| log.rows(*family)).map(|row| log.source(row));
            let first = sources.next();
            if sources.any(|source| Some(source) != first) {
                continue;
            }
            if log.fragments().any(|(_, _, fragment)| !fragment.is_joined() || fragment.doubtful.is_some()) {
                continue;
            }
            let bare: Vec<u8> = halves(&document, &[], true)[0].iter().flat_map(|(_, line)| line.clone()).collect();
            let bare = Log::read(&bare);
            for family in Family::ALL {
                let told = |log: &Log| -> Vec<String> {
                    let fields = 0..family.def().fields.len() as u8;
                    let fields: Vec<Field> = fields.map(|index| Field { family: *family, index }).collect();
                    let told = |row: RowId| {
                        format!("{:?}", fields.iter().map(|field| told_of(log, row, *field)).collect::<Vec<_>>())
                    };
                    log.rows(*family).into_iter().map(told).collect()
                };
                assert_eq!(told(&bare), told(&log), "{}", document.name);
                n_compared += log.n_rows(*family);
            }
        }
        assert!(n_compared > 4_000, "only {n_compared} items were compared");
    }
}
