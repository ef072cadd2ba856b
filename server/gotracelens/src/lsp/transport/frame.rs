//! Cuts the byte stream of a client into message bodies.
//!
//! A header block is lines up to an empty one; only `Content-Length` matters, in any case of letters. Nothing a client
//! sends ends the reader or makes it deaf: when a header cannot be used, the stream is searched for the next one, and a
//! length that promises more than its message has is noticed by the header that turns up inside the body. That is safe
//! because raw line breaks cannot stand in a JSON string, so a header never is part of a valid body.
//!
//! What a body means is not decided here; see `message.rs`.

use std::io::{self, Read};

use memchr::memmem;

/// Longest body accepted, in bytes. Editors send documents of up to 50 MB.
const MAX_BODY_BYTES: usize = 512 << 20;
/// Longest header block accepted, in bytes.
const MAX_HEADER_BYTES: usize = 64 << 10;
/// Bytes read at once, and the most that is reserved on the word of a header.
const CHUNK_BYTES: usize = 64 << 10;
const LENGTH_NAME: &[u8] = b"content-length:";

/// One step through the stream.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Frame {
    /// A body of exactly the promised length.
    Body(Vec<u8>),
    /// Something that was not a message; the reader has found, or will search for, the next header.
    Broken(&'static str),
    /// The stream ended.
    End,
}

/// Reads frames from a blocking stream.
pub(super) struct FrameReader<R> {
    input: R,
    /// Bytes read and not yet used, from `start`.
    buffer: Vec<u8>,
    start: usize,
    /// Where the next read goes, so that small reads cost little.
    chunk: Box<[u8]>,
}

impl<R: Read> FrameReader<R> {
    pub(super) fn new(input: R) -> Self {
        FrameReader { input, buffer: Vec::new(), start: 0, chunk: vec![0; CHUNK_BYTES].into() }
    }

    /// The next frame; waits for it. A read error counts as the end of the stream.
    pub(super) fn next(&mut self) -> Frame {
        self.read_frame().unwrap_or(Frame::End)
    }

    fn read_frame(&mut self) -> io::Result<Frame> {
        match self.read_header()? {
            Header::Length(n_bytes) => self.read_body(n_bytes),
            Header::Unusable(reason) => {
                self.skip_to_header()?;
                Ok(Frame::Broken(reason))
            }
        }
    }

    /// Reads lines up to the empty one that ends a header block. Empty lines before the block are skipped.
    fn read_header(&mut self) -> io::Result<Header> {
        let mut length = None;
        let mut n_bytes = 0;
        let mut seen_line = false;
        loop {
            let Some(line) = self.read_line(MAX_HEADER_BYTES - n_bytes)? else {
                return Ok(Header::Unusable("header block longer than 64 KiB"));
            };
            n_bytes += line.len();
            let line = line.trim_ascii();
            if !line.is_empty() {
                seen_line = true;
                if let Some(idx) = find_length_name(line) {
                    length = Some(parse_length(&line[idx + LENGTH_NAME.len()..]));
                }
                continue;
            }
            match length {
                Some(Some(n_bytes)) if n_bytes > MAX_BODY_BYTES => {
                    return Ok(Header::Unusable("message longer than 512 MiB"));
                }
                Some(Some(n_bytes)) => return Ok(Header::Length(n_bytes)),
                Some(None) => return Ok(Header::Unusable("Content-Length is not a number")),
                None if seen_line => return Ok(Header::Unusable("header block without Content-Length")),
                None => {}
            }
        }
    }

    /// One line without its LF, or `None` when it is longer than `limit`; then nothing is used up.
    fn read_line(&mut self, limit: usize) -> io::Result<Option<Vec<u8>>> {
        let mut searched = 0;
        loop {
            let unused = &self.buffer[self.start..];
            let line_end = memchr::memchr(b'\n', &unused[searched..]).map(|idx| searched + idx);
            searched = unused.len();
            if line_end.unwrap_or(searched) > limit {
                return Ok(None);
            }
            if let Some(line_end) = line_end {
                let line = unused[..line_end].to_vec();
                self.start += line_end + 1;
                return Ok(Some(line));
            }
            self.fill()?;
        }
    }

    /// Reads a body. Memory grows with what arrives, never with what the header promises.
    fn read_body(&mut self, n_bytes: usize) -> io::Result<Frame> {
        let mut body = Vec::with_capacity(n_bytes.min(CHUNK_BYTES));
        loop {
            let unused = &self.buffer[self.start..];
            let n_taken = unused.len().min(n_bytes - body.len());
            let search_from = body.len().saturating_sub(3);
            body.extend_from_slice(&unused[..n_taken]);
            self.start += n_taken;
            let is_complete = body.len() == n_bytes;
            let next_header = find_header_inside(&body, search_from)
                .or_else(|| if is_complete { find_header_start_at_end(&body) } else { None });
            if let Some(idx) = next_header {
                let rest = body.split_off(idx);
                self.put_back(&rest);
                return Ok(Frame::Broken("body shorter than its Content-Length"));
            }
            if is_complete {
                return Ok(Frame::Body(body));
            }
            self.fill()?;
        }
    }

    /// Drops bytes until the next thing that looks like the start of a header.
    fn skip_to_header(&mut self) -> io::Result<()> {
        loop {
            let unused = &self.buffer[self.start..];
            if let Some(idx) = find_length_name(unused) {
                self.start += idx;
                return Ok(());
            }
            // The name may be cut at the end of what has arrived.
            self.start += unused.len().saturating_sub(LENGTH_NAME.len() - 1);
            self.fill()?;
        }
    }

    fn put_back(&mut self, bytes: &[u8]) {
        let mut buffer = bytes.to_vec();
        buffer.extend_from_slice(&self.buffer[self.start..]);
        self.buffer = buffer;
        self.start = 0;
    }

    /// Reads more bytes; an error when the stream has ended.
    fn fill(&mut self) -> io::Result<()> {
        self.buffer.drain(..self.start);
        self.start = 0;
        loop {
            match self.input.read(&mut self.chunk) {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(n_read) => {
                    self.buffer.extend_from_slice(&self.chunk[..n_read]);
                    return Ok(());
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }
}

enum Header {
    Length(usize),
    Unusable(&'static str),
}

/// Where `content-length:` stands in `bytes`, in any case of letters.
fn find_length_name(bytes: &[u8]) -> Option<usize> {
    memchr::memchr2_iter(b'c', b'C', bytes)
        .find(|&idx| bytes[idx..].get(..LENGTH_NAME.len()).is_some_and(|name| name.eq_ignore_ascii_case(LENGTH_NAME)))
}

fn parse_length(digits: &[u8]) -> Option<usize> {
    let digits = digits.trim_ascii();
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    // More digits than a usize holds is a length all the same, only one above every limit.
    Some(str::from_utf8(digits).ok()?.parse().unwrap_or(usize::MAX))
}

/// Where a header block with a length starts inside what was taken for a body; looks at ends of blocks from `from` on.
fn find_header_inside(body: &[u8], from: usize) -> Option<usize> {
    memmem::find_iter(&body[from..], b"\r\n\r\n").find_map(|idx| {
        let block_end = from + idx;
        let line_start = memchr::memrchr(b'\n', &body[..block_end]).map_or(0, |idx| idx + 1);
        let line = &body[line_start..block_end];
        let name_idx = find_length_name(line)?;
        parse_length(&line[name_idx + LENGTH_NAME.len()..])?;
        Some(line_start + name_idx)
    })
}

/// Where the first bytes of a header stand at the end of a body that was promised a few bytes too many. The body of a
/// message ends in a brace or a blank, so no valid one is hit.
fn find_header_start_at_end(body: &[u8]) -> Option<usize> {
    const LONGEST: usize = 40;
    let from = body.len().saturating_sub(LONGEST);
    (from..body.len()).find(|&idx| {
        let (name, rest) = body[idx..].split_at(LENGTH_NAME.len().min(body.len() - idx));
        let is_rest = |byte: &u8| byte.is_ascii_digit() || byte.is_ascii_whitespace();
        name.eq_ignore_ascii_case(&LENGTH_NAME[..name.len()]) && rest.iter().all(is_rest)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Frames of a stream that arrives in pieces of `n_bytes`.
    fn frames(stream: &[u8], n_bytes: usize) -> Vec<Frame> {
        struct Pieces<'a>(&'a [u8], usize);
        impl Read for Pieces<'_> {
            fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
                let n = self.1.min(self.0.len()).min(out.len());
                out[..n].copy_from_slice(&self.0[..n]);
                self.0 = &self.0[n..];
                Ok(n)
            }
        }
        let mut reader = FrameReader::new(Pieces(stream, n_bytes));
        let mut frames = Vec::new();
        loop {
            match reader.next() {
                Frame::End => return frames,
                frame => frames.push(frame),
            }
        }
    }

    /// The same frames must come out however the stream is cut.
    fn check(stream: &str, want: &[Result<&str, &'static str>]) {
        let want: Vec<Frame> = want
            .iter()
            .map(|frame| match frame {
                Ok(body) => Frame::Body(body.as_bytes().to_vec()),
                Err(reason) => Frame::Broken(reason),
            })
            .collect();
        for n_bytes in [1, 2, 3, 7, 64, 100_000] {
            assert_eq!(frames(stream.as_bytes(), n_bytes), want, "in pieces of {n_bytes} bytes");
        }
    }

    #[test]
    fn reads_bodies_behind_headers_of_any_shape() {
        check("Content-Length: 2\r\n\r\n{}content-length:3\r\n\r\n[1]", &[Ok("{}"), Ok("[1]")]);
        check("CONTENT-LENGTH:   2  \r\nContent-Type: x; charset=utf-8\r\n\r\n{}", &[Ok("{}")]);
        check("Content-Type: x\nContent-Length: 2\n\n{}", &[Ok("{}")]);
        check("\r\n\r\nContent-Length: 2\r\n\r\n{}", &[Ok("{}")]);
        check("Content-Length: 0\r\n\r\nContent-Length: 2\r\n\r\n{}", &[Ok(""), Ok("{}")]);
    }

    #[test]
    fn ignores_text_another_program_wrote_into_the_stream() {
        check("hello\nContent-Length: 2\r\n\r\n{}", &[Ok("{}")]);
        check("helloContent-Length: 2\r\n\r\n{}", &[Ok("{}")]);
    }

    #[test]
    fn finds_the_next_message_after_an_unusable_header() {
        for bad in ["-5", "abc", "", "1e3", "0x10", "+2"] {
            let stream = format!("Content-Length: {bad}\r\n\r\n{{\"a\":1}}Content-Length: 2\r\n\r\n{{}}");
            check(&stream, &[Err("Content-Length is not a number"), Ok("{}")]);
        }
        check(
            "Content-Type: x\r\n\r\n{\"a\":1}Content-Length: 2\r\n\r\n{}",
            &[Err("header block without Content-Length"), Ok("{}")],
        );
    }

    #[test]
    fn a_length_above_the_limit_is_not_believed() {
        for huge in ["4294967296", "99999999999999999999999999"] {
            let stream = format!("Content-Length: {huge}\r\n\r\n{{}}Content-Length: 2\r\n\r\n{{}}");
            check(&stream, &[Err("message longer than 512 MiB"), Ok("{}")]);
        }
    }

    #[test]
    fn a_length_that_promises_too_much_costs_one_message() {
        let stream =
            "Content-Length: 400000000\r\n\r\n{\"a\":1}Content-Length: 2\r\n\r\n{}Content-Length: 3\r\n\r\n[1]";
        check(stream, &[Err("body shorter than its Content-Length"), Ok("{}"), Ok("[1]")]);
        for promised in 8..40 {
            let stream = format!(
                "Content-Length: {promised}\r\n\r\n{{\"a\":1}}Content-Length: 2\r\n\r\n{{}}Content-Length: 3\r\n\r\n[1]"
            );
            check(&stream, &[Err("body shorter than its Content-Length"), Ok("{}"), Ok("[1]")]);
        }
    }

    #[test]
    fn a_length_that_promises_too_little_costs_the_rest_of_that_message() {
        check(
            "Content-Length: 3\r\n\r\n{\"a\":1}Content-Length: 2\r\n\r\n{}Content-Length: 3\r\n\r\n[1]",
            &[Ok("{\"a"), Ok("{}"), Ok("[1]")],
        );
    }

    #[test]
    fn an_endless_header_is_given_up() {
        let stream = format!("{}Content-Length: 2\r\n\r\n{{}}", "x".repeat(70_000));
        check(&stream, &[Err("header block longer than 64 KiB"), Ok("{}")]);
    }

    #[test]
    fn a_message_cut_by_the_end_of_the_stream_is_no_message() {
        check("Content-Length: 10\r\n\r\n{}", &[]);
        check("Content-Length: 10", &[]);
    }
}
