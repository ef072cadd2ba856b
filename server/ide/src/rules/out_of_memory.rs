//! ## What it looks for
//!
//! The fatal error with which the runtime ends a program that the operating system refused memory, and the note before
//! it that says how much was asked for.
//!
//! ## Why it matters
//!
//! The process is gone, with exit code 2. This is not the kernel's out-of-memory killer, which prints nothing here: the
//! request itself failed. A limit on the address space (`ulimit -v`), no overcommit, or no address space (32 bits) does
//! that, or one request that is too large for anything.
//!
//! ## What to do next
//!
//! Compare the block with what was in use. A block of many megabytes is a single allocation: the goroutine that asked for
//! it is named, look where its size comes from. A small block means that memory ran out bit by bit: see whether the live
//! heap was rising (`live-heap-leak`, `live-heap-compounding`), and which limit the process had:
//!
//! ```sh
//! # limits of a running process
//! cat /proc/PID/limits
//! ```
//!
//! ```sh
//! # how the machine hands out memory: 2 refuses what it cannot back
//! cat /proc/sys/vm/overcommit_memory
//! ```
//!
//! ## Limits
//!
//! Since Go 1.4, and for blocks above 32 KB before, the note tells the sizes; a refusal inside of the runtime has none.
//!
//! ## Example
//!
//! ```text
//! runtime: out of memory: cannot allocate 67108864-byte block (872120320 in use)
//! fatal error: out of memory
//! ```

use tracelog::catalog::{panic, runtime_note, shapes};

use super::fatal::{self, Told, Words};
use super::point::cycle_name;
use super::{BlocksView, Check, Findings, Kind, Limits, Rule, Severity};
use crate::ending::Cause;
use crate::words::{grouped, rough, size};

/// FT102.
pub(crate) static RULE: Rule = Rule {
    code: "FT102",
    slug: "out-of-memory",
    title: "The operating system refused memory",
    severity: Severity::Error,
    kind: Kind::Point,
    reads: &[runtime_note::BLOCK_BYTES, runtime_note::MEMORY_IN_USE_BYTES, panic::TEXT],
    limits: &[],
    check: Check::Blocks(check),
};

fn check(view: &BlocksView<'_>, _limits: &Limits, findings: &mut Findings) {
    fatal::report(view, findings, &RULE, &[Cause::OutOfMemory], words);
}

fn words(told: &Told<'_>) -> Words {
    let mut numbers = Vec::new();
    let note = told.crash.note(told.log, shapes::RUNTIME_NOTE_MEMORY_1_0);
    let bytes = |field| note.and_then(|row| told.log.value(row, field));
    let in_words = |bytes: f64| size(bytes).unwrap_or_else(|| format!("{} bytes", grouped(bytes as usize)));
    let mut message = match (bytes(runtime_note::BLOCK_BYTES), bytes(runtime_note::MEMORY_IN_USE_BYTES)) {
        (Some(block), Some(in_use)) => {
            numbers.extend([("block_bytes", block), ("in_use_bytes", in_use)]);
            format!("Out of memory: {} more were refused with {} in use", in_words(block), in_words(in_use))
        }
        _ => "Out of memory: the operating system refused more".to_owned(),
    };
    if let Some((series, row)) = told.last_cycle {
        let live = series.cycles.heap_live_mb[row];
        if live.is_finite() {
            numbers.push(("live_mb", live));
            message = format!("{message}, {} MB live at {}", rough(live), cycle_name(series, row));
        }
    }
    Words {
        numbers,
        ..Words::error(format!("{message}{}", told.somewhere()), "the runtime says that memory was refused")
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;
    use crate::rules::fixture::check;

    #[test]
    fn stands_at_the_note_with_the_sizes_and_tells_the_last_live_heap() {
        check(
            &RULE,
            "\
gc 3 @0.083s 0%: 0.11+7.1+0.036 ms clock, 0.22+0/0.087/0.10+0.072 ms cpu, 256->256->256 MB, 256 MB goal, 0 MB stacks, 0 MB globals, 2 P
runtime: out of memory: cannot allocate 67108864-byte block (272302080 in use)
fatal error: out of memory

goroutine 1 gp=0x3466bfa481e0 m=0 mp=0xb55ba0 [running]:
runtime.throw({0x775c19?, 0x2000?})
\t/usr/local/go/src/runtime/panic.go:1243 +0x48 fp=0x3466bfb0e4c8 sp=0x3466bfb0e498 pc=0x488c68
main.runOOM(0x3466bfabc0e0)
\t/home/dev/tracewl/dump.go:132 +0x66 fp=0x3466bfb0e630 sp=0x3466bfb0e5c8 pc=0x701a46
",
            expect![[r#"
                2 Error FT102: Out of memory: 64 MiB more were refused with 260 MiB in use, 256 MB live at gc 3 @0.083s; goroutine 1 in main.runOOM (dump.go:132).
                  8:function goroutine 1 in main.runOOM (dump.go:132)
                  3 the fatal error
                  1 the last cycle before: gc 3 @0.083s, live heap 256 MB, goal 256 MB
            "#]],
        );
    }

    #[test]
    fn older_releases_say_no_sizes() {
        check(
            &RULE,
            "fatal error: runtime: out of memory\n\ngoroutine 16 [running]:\nmain.runOOM(0xc208004300)\n\t/src/dump.go:132 +0x66\n",
            expect![[r#"
                1 Error FT102: Out of memory: the operating system refused more; goroutine 16 in main.runOOM (dump.go:132).
                  4:function goroutine 16 in main.runOOM (dump.go:132)
            "#]],
        );
    }

    #[test]
    fn the_note_is_enough_where_the_log_was_cut() {
        check(
            &RULE,
            "runtime: out of memory: cannot allocate 8192-byte block (872120320 in use)",
            expect![[r#"
                1 Error FT102: Out of memory: 8,192 bytes more were refused with 832 MiB in use.
            "#]],
        );
    }

    #[test]
    fn a_program_that_writes_about_memory_has_enough() {
        check(&RULE, "fatal error: worker 3 is out of memory, restarting it\nworker 3 is up\n", expect![""]);
        check(&RULE, "WARN out of memory: cache evicted\n", expect![""]);
    }
}
