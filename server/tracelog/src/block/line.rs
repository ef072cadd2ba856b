//! What single lines of blocks are, told by their shape or by their bytes.

use crate::catalog::{Family, Shape, shapes};

/// Whether a line is the file of a frame beyond doubt, wherever it stands.
pub(super) fn is_place(content: &[u8]) -> bool {
    content[0] == b'\t' && memchr::memmem::find(content, b" +0x").is_some()
}

pub(super) fn is_frame(shape: Shape) -> bool {
    shape.def().family == Family::Frame
}

/// Whether this is the line behind a panic that tells its signal.
pub(super) fn is_signal_of_panic(shape: Shape) -> bool {
    shape == shapes::SIGNAL_PANIC_1_7 || shape == shapes::SIGNAL_PANIC_1_0
}

/// Whether a goroutine's header is worded by goleak.
pub(super) fn is_of_goleak(shape: Shape) -> bool {
    shape == shapes::GOROUTINE_GOLEAK_FIRST_1_0 || shape == shapes::GOROUTINE_GOLEAK_NEXT_1_0
}

/// Whether numbers of MemStats can begin with this one, where their heading was cut off.
pub(super) fn begins_numbers(shape: Shape) -> bool {
    shape == shapes::MEMSTATS_ALLOC_1_0 || shape == shapes::MEMSTATS_HEAP_ALLOC_1_0
}

/// Whether this is the line that stands around a report of the race detector.
pub(super) fn is_delimiter(shape: Shape) -> bool {
    shape.def().family == Family::Race && shape.def().template.starts_with("====")
}

/// Whether a line can be a function with its arguments: names hold no blanks, and arguments are hexadecimal words,
/// `...`, `_` and groups of them in braces (`runtime/traceback.go` printArgs). gccgo prints the name only, and C functions
/// have no package.
pub(super) fn is_frame_text(content: &[u8]) -> bool {
    let text = match content.strip_prefix(b"[fp=") {
        Some(rest) => memchr::memmem::find(rest, b"] ").map_or(rest, |at| &rest[at + 2..]),
        None => content,
    };
    if text.first().is_none_or(u8::is_ascii_whitespace) {
        return false;
    }
    const IS_ARGUMENT: [bool; 256] = {
        let mut is_argument = [false; 256];
        let bytes = b"0123456789abcdefx?.,_ {}";
        let mut at = 0;
        while at < bytes.len() {
            is_argument[bytes[at] as usize] = true;
            at += 1;
        }
        is_argument
    };
    let is_argument = |byte: &u8| IS_ARGUMENT[usize::from(*byte)];
    match (text.strip_suffix(b")"), memchr::memrchr(b'(', text)) {
        (Some(rest), Some(open)) => {
            open > 0 && memchr::memchr(b' ', &text[..open]).is_none() && rest[open + 1..].iter().all(is_argument)
        }
        _ => {
            !text.is_empty()
                && !text.iter().any(|byte| matches!(byte, b' ' | b'(' | b')' | b':' | b'=' | b',' | b'|' | b'"'))
        }
    }
}
