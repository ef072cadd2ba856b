//! Reading logs from disk and from standard input, packed or not.
//!
//! Files are read at explicit positions, so a file that shrinks meanwhile gives less text and nothing worse. What a file
//! is packed with is told by its first bytes, never by its name.

use std::borrow::Cow;
use std::fmt;
use std::fs::File;
use std::io::{self, IsTerminal, Read};
use std::path::Path;

use flate2::read::MultiGzDecoder;
use tracelog::Lines;
use tracelog::chunk::trim_end;

/// The name that means standard input.
const STDIN: &str = "-";

/// Bytes asked for at a time.
const BLOCK: usize = 4 << 20;

/// A packed log may unpack to this much; a few kilobytes can claim to be terabytes.
const MAX_UNPACKED: u64 = 4 << 30;

/// A log in memory: a file, or several that are one log (see [`crate::joined`]).
pub(crate) struct Document {
    /// The name the user gave; `-` for standard input. Of several files, their names in reading order.
    pub(crate) name: String,
    /// The text, unpacked. Not necessarily UTF-8.
    pub(crate) bytes: Vec<u8>,
    /// The end of each line: the place of its LF, or of the end of the text.
    ends: Vec<usize>,
    /// Why the text is not all there is, for each file that broke off.
    pub(crate) cut: Vec<InputError>,
    /// The files, where the text is that of several.
    parts: Vec<Part>,
}

/// A file of a joined document.
struct Part {
    name: String,
    /// Its first byte in the text.
    start: usize,
    /// The line of the document on which that byte stands; not its own where a line goes on from the file before.
    first_line: u32,
}

/// A place as a user finds it: in a file that was named.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Place<'a> {
    pub(crate) file: &'a str,
    /// Line of the file, from 0.
    pub(crate) line: u32,
    /// Byte of that line, from 0.
    pub(crate) byte: u32,
}

impl Document {
    /// Reads a file, or standard input for `-`.
    pub(crate) fn read(path: &Path) -> Result<Self, InputError> {
        Self::read_within(path, MAX_UNPACKED)
    }

    /// Reads a file that may unpack to this many bytes.
    pub(crate) fn read_within(path: &Path, max_unpacked: u64) -> Result<Self, InputError> {
        let name = path.to_string_lossy().into_owned();
        let fail = |problem| InputError { name: name.clone(), problem };
        let raw = if name == STDIN { read_stdin() } else { read_file(path) }.map_err(fail)?;
        let (bytes, cut) = unpack(raw, max_unpacked).map_err(fail)?;
        let bytes = match utf16(&bytes) {
            Some(order) => decode_utf16(&bytes, order),
            None => bytes,
        };
        let cut = cut.map(fail).into_iter().collect();
        Ok(Self { cut, ..Self::new(name, bytes) })
    }

    /// The documents one behind the other. A line that one leaves unfinished goes on in the next, as when a file is
    /// rotated in the middle of a line; where a packed file broke off, its last line ends.
    pub(crate) fn join(documents: Vec<Self>) -> Self {
        let name = documents.iter().map(|document| document.name.as_str()).collect::<Vec<_>>().join(" + ");
        let (mut bytes, mut cut, mut parts) = (Vec::new(), Vec::new(), Vec::new());
        let mut n_lines = 0;
        for document in documents {
            parts.push(Part { name: document.name, start: bytes.len(), first_line: n_lines });
            n_lines += document.ends.iter().filter(|end| **end < document.bytes.len()).count() as u32;
            if bytes.is_empty() {
                bytes = document.bytes;
            } else {
                bytes.extend_from_slice(&document.bytes);
            }
            if !document.cut.is_empty() && bytes.last().is_some_and(|byte| *byte != b'\n') {
                bytes.push(b'\n');
                n_lines += 1;
            }
            cut.extend(document.cut);
        }
        Self { cut, parts, ..Self::new(name, bytes) }
    }

    /// A document with this text.
    pub(crate) fn new(name: String, bytes: Vec<u8>) -> Self {
        let mut ends: Vec<usize> = memchr::memchr_iter(b'\n', &bytes).collect();
        if bytes.last().is_some_and(|byte| *byte != b'\n') {
            ends.push(bytes.len());
        }
        Self { name, bytes, ends, cut: Vec::new(), parts: Vec::new() }
    }

    /// Number of lines. What follows the last LF is a line only when there is something.
    pub(crate) fn n_lines(&self) -> u32 {
        u32::try_from(self.ends.len()).unwrap_or(u32::MAX)
    }

    /// A line without its LF and the CRs before it; empty when there is no such line.
    pub(crate) fn bytes_of(&self, line: u32) -> &[u8] {
        let Some(end) = self.ends.get(line as usize) else { return b"" };
        trim_end(&self.bytes[self.start_of(line)..*end])
    }

    /// A line as it stands in the file, with its line end if it has one; empty when there is no such line.
    pub(crate) fn raw_line(&self, line: u32) -> &[u8] {
        let Some(end) = self.ends.get(line as usize) else { return b"" };
        &self.bytes[self.start_of(line)..(*end + 1).min(self.bytes.len())]
    }

    /// The place of a line's first byte in the text.
    fn start_of(&self, line: u32) -> usize {
        (line as usize).checked_sub(1).and_then(|before| self.ends.get(before)).map_or(0, |end| end + 1)
    }

    /// Where a byte of a line stands, in the file and line in which a user finds it.
    pub(crate) fn place(&self, line: u32, byte: u32) -> Place<'_> {
        let start = self.start_of(line);
        let at = start + byte as usize;
        // Of files that begin at one place all but the last are empty.
        let index = self.parts.partition_point(|part| part.start <= at);
        match index.checked_sub(1).map(|index| &self.parts[index]) {
            None => Place { file: &self.name, line, byte },
            Some(part) if part.start <= start => Place { file: &part.name, line: line - part.first_line, byte },
            Some(part) => Place { file: &part.name, line: 0, byte: (at - part.start) as u32 },
        }
    }

    /// The place of a line in words: `line 7`, or `app.log.1:7` where there are several files. Not yet safe to show.
    pub(crate) fn line_in_words(&self, line: u32) -> String {
        let place = self.place(line, 0);
        if self.is_joined() { format!("{}:{}", place.file, place.line + 1) } else { format!("line {}", line + 1) }
    }

    /// Whether this is the text of several files.
    pub(crate) fn is_joined(&self) -> bool {
        !self.parts.is_empty()
    }

    /// The names of the files that are joined here, in order; none for a file by itself.
    pub(crate) fn joined(&self) -> Vec<String> {
        self.parts.iter().map(|part| part.name.clone()).collect()
    }

    /// Why the text is not all there is, in words.
    pub(crate) fn cut_in_words(&self) -> Option<String> {
        let problems: Vec<String> = self.cut.iter().map(ToString::to_string).collect();
        (!problems.is_empty()).then(|| problems.join("; "))
    }
}

impl Lines for Document {
    fn line(&self, line: u32) -> Cow<'_, [u8]> {
        Cow::Borrowed(self.bytes_of(line))
    }
}

/// Why a log could not be read, or not all of it.
#[derive(Debug)]
pub(crate) struct InputError {
    name: String,
    problem: Problem,
}

#[derive(Debug)]
enum Problem {
    Open(io::Error),
    Read(io::Error),
    Directory,
    Terminal,
    Unpack(&'static str, io::Error),
    TooBig(&'static str, u64),
    Unsupported(&'static str),
}

impl InputError {
    /// The name of the file, as the user gave it.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }
}

impl fmt::Display for InputError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = crate::visible::visible(&self.name);
        match &self.problem {
            Problem::Open(error) => write!(f, "open \"{name}\": {error}"),
            Problem::Read(error) => write!(f, "read \"{name}\": {error}"),
            Problem::Directory => write!(f, "read \"{name}\": is a directory"),
            Problem::Terminal => write!(f, "read standard input: it is a terminal; pipe a log into it or name a file"),
            Problem::Unpack(format, error) => {
                write!(f, "unpack \"{name}\" ({format}): {error}; what came before is used")
            }
            Problem::TooBig(format, max_unpacked) => write!(
                f,
                "unpack \"{name}\" ({format}): more than {} MiB; what came before is used",
                max_unpacked >> 20
            ),
            Problem::Unsupported(format) => write!(f, "read \"{name}\": packed with {format}; unpack it first"),
        }
    }
}

impl std::error::Error for InputError {}

fn read_stdin() -> Result<Vec<u8>, Problem> {
    let stdin = io::stdin();
    if stdin.is_terminal() {
        return Err(Problem::Terminal);
    }
    let mut bytes = Vec::new();
    stdin.lock().read_to_end(&mut bytes).map_err(Problem::Read)?;
    Ok(bytes)
}

fn read_file(path: &Path) -> Result<Vec<u8>, Problem> {
    let mut file = File::open(path).map_err(Problem::Open)?;
    let metadata = file.metadata().map_err(Problem::Open)?;
    if metadata.is_dir() {
        return Err(Problem::Directory);
    }
    if metadata.is_file() && metadata.len() > 0 {
        return read_regular(&file, metadata.len()).map_err(Problem::Read);
    }
    // Pipes have no positions; files of /proc have them, but say that they are empty.
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes).map_err(Problem::Read)?;
    Ok(bytes)
}

/// Reads what the file held when it was opened: a log that is being written never ends.
fn read_regular(file: &File, len: u64) -> io::Result<Vec<u8>> {
    let len = usize::try_from(len).map_err(|_| io::Error::from(io::ErrorKind::FileTooLarge))?;
    let mut bytes = Vec::new();
    bytes.try_reserve_exact(len)?;
    let mut at = 0;
    while at < len {
        let end = len.min(at + BLOCK);
        bytes.resize(end, 0);
        match read_at(file, &mut bytes[at..end], at as u64) {
            Ok(0) => break,
            Ok(n) => at += n,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    bytes.truncate(at);
    Ok(bytes)
}

#[cfg(unix)]
fn read_at(file: &File, buffer: &mut [u8], at: u64) -> io::Result<usize> {
    std::os::unix::fs::FileExt::read_at(file, buffer, at)
}

#[cfg(windows)]
fn read_at(file: &File, buffer: &mut [u8], at: u64) -> io::Result<usize> {
    std::os::windows::fs::FileExt::seek_read(file, buffer, at)
}

/// Unpacks what is packed. A stream that breaks off gives what came before, and the reason.
fn unpack(raw: Vec<u8>, max_unpacked: u64) -> Result<(Vec<u8>, Option<Problem>), Problem> {
    match raw.as_slice() {
        [0x1f, 0x8b, 8, ..] => Ok(unpack_from("gzip", &mut MultiGzDecoder::new(raw.as_slice()), max_unpacked)),
        [0x28, 0xb5, 0x2f, 0xfd, ..] => match zstd::stream::read::Decoder::with_buffer(raw.as_slice()) {
            Ok(mut decoder) => Ok(unpack_from("zstd", &mut decoder, max_unpacked)),
            Err(error) => Err(Problem::Unpack("zstd", error)),
        },
        [b'B', b'Z', b'h', b'1'..=b'9', 0x31, 0x41, ..] => Err(Problem::Unsupported("bzip2")),
        [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => Err(Problem::Unsupported("xz")),
        [b'P', b'K', 3, 4, ..] => Err(Problem::Unsupported("zip")),
        [0x04, 0x22, 0x4d, 0x18, ..] => Err(Problem::Unsupported("lz4")),
        _ => Ok((raw, None)),
    }
}

fn unpack_from(format: &'static str, decoder: &mut impl Read, max_unpacked: u64) -> (Vec<u8>, Option<Problem>) {
    let mut bytes = Vec::new();
    let problem = match decoder.take(max_unpacked + 1).read_to_end(&mut bytes) {
        Err(error) => Some(Problem::Unpack(format, error)),
        Ok(n) if n as u64 > max_unpacked => {
            bytes.truncate(max_unpacked as usize);
            Some(Problem::TooBig(format, max_unpacked))
        }
        Ok(_) => None,
    };
    (bytes, problem)
}

/// The order of the two bytes of a UTF-16 unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ByteOrder {
    Little,
    Big,
}

/// The byte order of a text that is UTF-16 by its byte order mark, or by a zero in every other byte of its start, as
/// Windows consoles write it.
fn utf16(bytes: &[u8]) -> Option<ByteOrder> {
    match bytes {
        [0xff, 0xfe, ..] => return Some(ByteOrder::Little),
        [0xfe, 0xff, ..] => return Some(ByteOrder::Big),
        _ => {}
    }
    let pairs: Vec<(bool, bool)> = bytes.chunks_exact(2).take(64).map(|pair| (pair[0] == 0, pair[1] == 0)).collect();
    if pairs.len() < 4 {
        return None;
    }
    if pairs.iter().all(|pair| *pair == (false, true)) {
        return Some(ByteOrder::Little);
    }
    pairs.iter().all(|pair| *pair == (true, false)).then_some(ByteOrder::Big)
}

/// The text in UTF-8; what is no character becomes the replacement character. Columns refer to the decoded text.
fn decode_utf16(bytes: &[u8], order: ByteOrder) -> Vec<u8> {
    let unit = |pair: &[u8]| match order {
        ByteOrder::Little => u16::from_le_bytes([pair[0], pair[1]]),
        ByteOrder::Big => u16::from_be_bytes([pair[0], pair[1]]),
    };
    let units = bytes.chunks_exact(2).map(unit);
    let characters = char::decode_utf16(units).map(|decoded| decoded.unwrap_or(char::REPLACEMENT_CHARACTER));
    characters.skip_while(|character| *character == '\u{feff}').collect::<String>().into_bytes()
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn gzip(text: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(text).unwrap();
        encoder.finish().unwrap()
    }

    fn lines(document: &Document) -> Vec<&[u8]> {
        (0..document.n_lines()).map(|line| document.bytes_of(line)).collect()
    }

    #[test]
    fn only_lf_ends_a_line_and_the_last_one_needs_none() {
        for (text, expected) in [
            ("", [].as_slice()),
            ("\n", &[b"".as_slice()]),
            ("a\r\nb\rc\r\r\n", &[b"a".as_slice(), b"b\rc"]),
            ("a\n\nb", &[b"a".as_slice(), b"", b"b"]),
        ] {
            let document = Document::new("x".into(), text.into());
            assert_eq!(lines(&document), expected, "{text:?}");
            assert_eq!(document.bytes_of(99), b"");
        }
    }

    #[test]
    fn a_joined_document_knows_the_file_and_line_of_every_place() {
        let document = |name: &str, text: &str| Document::new(name.into(), text.into());
        let documents = [("c", ""), ("b", "b1\nb2\nb3 torn"), ("empty", ""), ("a", " apart\r\na2\n"), ("last", "l1")];
        let joined = Document::join(documents.map(|(name, text)| document(name, text)).into());
        assert_eq!(joined.name, "c + b + empty + a + last");
        assert_eq!(lines(&joined), [b"b1".as_slice(), b"b2", b"b3 torn apart", b"a2", b"l1"]);
        let place = |line, byte| {
            let place = joined.place(line, byte);
            (place.file, place.line, place.byte)
        };
        assert_eq!([place(0, 0), place(1, 1), place(2, 6)], [("b", 0, 0), ("b", 1, 1), ("b", 2, 6)]);
        assert_eq!([place(2, 7), place(2, 8), place(3, 1)], [("a", 0, 0), ("a", 0, 1), ("a", 1, 1)]);
        assert_eq!(place(4, 0), ("last", 0, 0));
        assert_eq!(joined.raw_line(2), b"b3 torn apart\r\n");
        assert_eq!(joined.raw_line(4), b"l1");
        assert_eq!((joined.line_in_words(3), document("x", "").line_in_words(3)), ("a:2".into(), "line 4".into()));
    }

    #[test]
    fn where_a_packed_part_broke_off_its_line_ends() {
        let folder = tempfile::tempdir().unwrap();
        let read = |name: &str, bytes: &[u8]| {
            let path = folder.path().join(name);
            std::fs::write(&path, bytes).unwrap();
            Document::read(&path).unwrap()
        };
        let packed = gzip("abcdefg\n".repeat(20_000).as_bytes());
        let cut = read("cut", &packed[..packed.len() - 30]);
        assert_eq!(cut.cut.len(), 1);
        let n_before = cut.n_lines();
        let joined = Document::join(vec![cut, read("whole", b"next\n")]);
        assert_eq!((joined.bytes_of(n_before), joined.n_lines()), (b"next".as_slice(), n_before + 1));
        assert_eq!((joined.place(n_before, 0).line, joined.cut.len()), (0, 1));
    }

    #[test]
    fn all_members_and_frames_are_unpacked() {
        let members = [gzip(b"gc 1\n"), gzip(b"gc 2\n")].concat();
        let frames =
            [zstd::encode_all(&b"gc 1\n"[..], 1).unwrap(), zstd::encode_all(&b"gc 2\n"[..], 1).unwrap()].concat();
        for packed in [members, frames] {
            let (bytes, problem) = unpack(packed, MAX_UNPACKED).unwrap();
            assert!(problem.is_none());
            assert_eq!(bytes, b"gc 1\ngc 2\n");
        }
    }

    #[test]
    fn a_stream_that_breaks_off_gives_what_came_before() {
        let text = "gc 1 @0.1s 0%: and so on\n".repeat(20_000);
        for mut packed in [gzip(text.as_bytes()), zstd::encode_all(text.as_bytes(), 1).unwrap()] {
            packed.truncate(packed.len() - 5);
            let (bytes, problem) = unpack(packed, MAX_UNPACKED).unwrap();
            assert!(text.as_bytes().starts_with(&bytes));
            assert!(matches!(problem, Some(Problem::Unpack(..))));
        }
        let (bytes, problem) = unpack([gzip(b"gc 1\n"), b"garbage".to_vec()].concat(), MAX_UNPACKED).unwrap();
        assert_eq!(bytes, b"gc 1\n");
        assert!(matches!(problem, Some(Problem::Unpack(..))));
    }

    #[test]
    fn utf16_is_told_from_other_text() {
        let utf16_of = |text: &str| text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>();
        assert_eq!(utf16(&[b"\xff\xfe".to_vec(), utf16_of("gc 1")].concat()), Some(ByteOrder::Little));
        assert_eq!(utf16(b"\xfe\xff\0g\0c"), Some(ByteOrder::Big));
        assert_eq!(utf16(&utf16_of("gc 1 @0.1s")), Some(ByteOrder::Little));
        assert_eq!(utf16(b"\0g\0c\0 \x001\0"), Some(ByteOrder::Big));
        for text in [b"".as_slice(), b"gc", b"\0\0\0\0\0\0\0\0", b"gc 1 @0.1s\0\0", b"a\0b\0cdefgh"] {
            assert_eq!(utf16(text), None);
        }
        let text = "\u{feff}gc 1 \u{1f600}";
        assert_eq!(decode_utf16(&utf16_of(text), ByteOrder::Little), "gc 1 \u{1f600}".as_bytes());
    }

    #[test]
    fn a_file_that_shrank_gives_what_is_left() {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(b"gc 1\n").unwrap();
        assert_eq!(read_regular(&file, 1_000_000).unwrap(), b"gc 1\n");
        assert_eq!(read_regular(&file, 3).unwrap(), b"gc ");
    }
}
