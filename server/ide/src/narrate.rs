//! What happened at a line, told in a few sentences of numbers: a collection, a sample of the scheduler, a block of
//! scheddetail, a goroutine of a dump, the end of a process.
//!
//! Every sentence is made of numbers of the log. What a line does not show is left out: releases before 1.5 do not say
//! why a collection started, so nothing is said about it. Advice and judgment are for rules.

mod cycle;
mod fatal;
mod goroutine;
mod sample;
mod sched_block;

use tracelog::blocks::Block;
use tracelog::catalog::{Field, gc};
use tracelog::{Family, GoReleases, Item, LineCol, Loc, RowId};

use crate::markup::{self, Markup, Shown};
use crate::snapshot::{Parsed, Snapshot};
use crate::words;

/// Sentences of a narration at most.
pub const MAX_SENTENCES: usize = 6;

/// Characters of a text of the log that a sentence holds.
const MAX_LOG_TEXT: usize = 100;

/// What happened at a place.
#[derive(Clone, Debug, PartialEq)]
pub struct Narration {
    /// The item it was asked for.
    pub loc: Loc,
    /// What is told about: `gc 412 @31.204s`. Without text of the log.
    pub title: String,
    /// At most [`MAX_SENTENCES`].
    pub sentences: Vec<Sentence>,
}

/// A sentence: words of ours, with text of the log between them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sentence {
    parts: Vec<Shown>,
}

impl Sentence {
    fn new(words: impl Into<String>) -> Self {
        Self::default().words(words)
    }

    /// Goes on with words.
    fn words(mut self, words: impl Into<String>) -> Self {
        let words = words.into();
        match self.parts.last_mut() {
            Some(Shown::Words(last)) => last.push_str(&words),
            _ => self.parts.push(Shown::Words(words)),
        }
        self
    }

    /// Goes on with text of the log.
    fn log(mut self, text: &str) -> Self {
        self.parts.push(Shown::Verbatim(words::shorten(text, MAX_LOG_TEXT)));
        self
    }

    /// With a full stop, unless the text of the log before it has a mark.
    fn end(self) -> Self {
        let is_ended = self.parts.last().is_some_and(|part| part.text().ends_with(['.', '!', '?']));
        if is_ended { self } else { self.words(".") }
    }

    /// As plain text in which nothing is hidden.
    pub fn text(&self) -> String {
        self.parts.iter().map(|part| markup::plain(part.text())).collect()
    }
}

impl Narration {
    /// As Markdown: a title and a list.
    pub fn markdown(&self) -> String {
        let mut markup = Markup::default();
        markup.title(&self.title, "");
        self.write(&mut markup);
        markup.finish()
    }

    /// As it stands in a hover, with a heading of its own.
    pub fn in_hover(&self) -> String {
        let mut markup = Markup::default();
        self.append(&mut markup);
        markup.finish()
    }

    fn append(&self, markup: &mut Markup) {
        markup.paragraph("What happened:");
        self.write(markup);
    }

    fn write(&self, markup: &mut Markup) {
        self.sentences.iter().for_each(|sentence| markup.sentence(&sentence.parts));
    }
}

/// Tells what happened at a place; at the first item of the line where none stands there.
///
/// None for lines that tell nothing by themselves, and as long as the document is not read.
pub fn narrate(snapshot: &Snapshot, at: LineCol) -> Option<Narration> {
    let items = snapshot.items(at.line).items;
    let item = items.iter().find(|item| item.loc.touches(at)).or(items.first())?;
    of_item(snapshot, item)
}

/// Appends the narration of an item to its hover, where `field` is what stands there (none: the line's keyword).
pub fn append(markup: &mut Markup, snapshot: &Snapshot, item: &Item, field: Option<Field>) {
    const BY_KEYWORD: [Family; 4] = [Family::Sched, Family::Panic, Family::Signal, Family::GcForced];
    let is_told = match field {
        Some(field) => field == gc::N,
        None => BY_KEYWORD.contains(&item.family()),
    };
    if let Some(narration) = is_told.then(|| of_item(snapshot, item)).flatten() {
        narration.append(markup);
    }
}

fn of_item(snapshot: &Snapshot, item: &Item) -> Option<Narration> {
    let parsed = snapshot.parsed.as_deref()?;
    let row = item.row?;
    let (run, index) = parsed.index_of(row)?;
    let told = Told { parsed, run, row, index };
    let (title, mut sentences) = match row.family {
        Family::Gc => cycle::tell(&told)?,
        Family::GcForced => cycle::tell_announced(&told)?,
        Family::Sched if told.block().is_none() => sample::tell(&told)?,
        Family::Sched | Family::SchedP | Family::SchedM | Family::SchedG => match told.block()? {
            Block::Sched(block) => sched_block::tell(&told, block)?,
            _ => return None,
        },
        Family::Goroutine
        | Family::Frame
        | Family::Location
        | Family::CreatedBy
        | Family::Ancestor
        | Family::StackNote => match told.block()? {
            Block::Dump(dump) => goroutine::tell(&told, dump, item.loc.line)?,
            _ => return None,
        },
        Family::Panic
        | Family::PanicText
        | Family::Signal
        | Family::SignalPc
        | Family::Register
        | Family::HttpPanic => fatal::tell(&told)?,
        _ => return None,
    };
    sentences.truncate(MAX_SENTENCES);
    (!sentences.is_empty()).then_some(Narration { loc: item.loc, title, sentences })
}

/// What is told about: a row, and where it stands.
struct Told<'a> {
    parsed: &'a Parsed,
    /// Index of the run.
    run: usize,
    row: RowId,
    /// Among the rows of its family in the run.
    index: usize,
}

impl<'a> Told<'a> {
    /// The rows of a family in the run.
    fn rows(&self, family: Family) -> &'a [RowId] {
        self.parsed.runs.list[self.run].rows(family)
    }

    /// Releases that can have printed the run, or the row where no single one can have printed the run.
    fn go(&self) -> GoReleases {
        let of_run = self.parsed.runs.list[self.run].go;
        if of_run.is_empty() { self.parsed.log.shape(self.row).def().go } else { of_run }
    }

    /// The block that the row is in.
    fn block(&self) -> Option<&'a Block> {
        let line = self.parsed.log.line(self.row);
        let block = self.parsed.blocks().at_line(line).filter(|block| block.run() == self.run)?;
        // A sample without lines of its own may stand within a dump.
        let is_sched = matches!(self.row.family, Family::Sched | Family::SchedP | Family::SchedM | Family::SchedG);
        match block {
            Block::Sched(sched) if self.row.family == Family::Sched => (sched.head == self.row).then_some(block),
            Block::Sched(_) => is_sched.then_some(block),
            _ => (!is_sched).then_some(block),
        }
    }

    /// A number of the row.
    fn value(&self, field: Field) -> Option<f64> {
        self.parsed.log.value(self.row, field).filter(|value| value.is_finite())
    }
}

/// Whole megabytes, as Go prints them: truncated.
fn mb(value: f64) -> String {
    if value < 1.0 { "less than 1 MB".to_owned() } else { format!("{} MB", words::number(value)) }
}

/// A duration as Go prints it.
fn ms(value: f64) -> String {
    format!("{} ms", words::number(value))
}

/// A sum of durations, or a duration that was computed: two digits, as many as the printed ones have.
fn about_ms(value: f64) -> String {
    let decimals = match value.abs() {
        value if value >= 9.95 => 0,
        value if value >= 0.995 => 1,
        value if value >= 0.0995 => 2,
        _ => 3,
    };
    format!("{value:.decimals$} ms")
}

/// A time between two lines: `25 ms`, `3.2 s`, `4.1 min`.
fn span(seconds: f64) -> String {
    if seconds < 1.0 { format!("{} ms", words::number((seconds * 1000.0).round())) } else { words::span(seconds) }
}

/// Several things in words: `a, b and c`.
fn list(mut things: Vec<String>) -> String {
    match things.pop() {
        Some(last) if !things.is_empty() => format!("{} and {last}", things.join(", ")),
        last => last.unwrap_or_default(),
    }
}

/// `is` or `are`.
fn is_are(n: usize) -> &'static str {
    if n == 1 { "is" } else { "are" }
}

/// `has` or `have`.
fn has_have(n: usize) -> &'static str {
    if n == 1 { "has" } else { "have" }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use expect_test::{Expect, expect};
    use tracelog::{Log, Text};

    use super::*;
    use crate::Settings;

    /// Asserts the narration of the first item on a line, from 1.
    fn check(log: &str, line: u32, expected: Expect) {
        expected.assert_eq(&told(log, line));
    }

    fn told(log: &str, line: u32) -> String {
        let snapshot =
            Snapshot::new(Arc::new(Text::new(log)), Log::read(log.as_bytes()), Arc::new(Settings::default()));
        let Some(narration) = narrate(&snapshot, LineCol { line: line - 1, byte: 0 }) else { return String::new() };
        let sentences: Vec<String> = narration.sentences.iter().map(Sentence::text).collect();
        format!("{}\n{}\n", narration.title, sentences.join("\n"))
    }

    /// Two cycles of Go 1.18 or later; `end` stands behind the number of Ps of the second.
    fn two_cycles(between: &str, end: &str) -> String {
        format!(
            "gc 7 @1.000s 3%: 0.10+2.0+0.020 ms clock, 0.40+0/2.0/0+0.080 ms cpu, 19->20->10 MB, 20 MB goal, \
             0 MB stacks, 0 MB globals, 4 P\n{between}\
             gc 8 @2.000s 3%: 0.10+2.0+0.020 ms clock, 0.40+1.0/2.0/0.50+0.080 ms cpu, 19->22->11 MB, 20 MB goal, \
             0 MB stacks, 0 MB globals, 4 P{end}\n"
        )
    }

    #[test]
    fn a_cycle_that_the_heap_started() {
        check(
            &two_cycles("", ""),
            2,
            expect![[r#"
                Collection gc 8 @2.000s
                It started because the heap had grown from the 10 MB that gc 7 left to 19 MB, 1 MB below its goal of 20 MB.
                Of a heap of 22 MB it found 11 MB live and 11 MB garbage, 50 %; while it marked, the program allocated 3 MB, all of which counts as live.
                The heap ended 2 MB above the goal of 20 MB, 10 % more.
                It ran for 2.1 ms; the program was stopped for 0.12 ms of that, 0.1 ms to begin and 0.02 ms to end marking.
                It took at most 3.5 ms of CPU: its workers marked for 2 ms, allocating goroutines had to help for 1 ms (33 % of the two); idle Ps added 0.5 ms.
            "#]],
        );
    }

    #[test]
    fn what_started_a_cycle_is_said_where_the_log_says_it() {
        let first_sentence = |log: &str, line: u32| told(log, line).lines().nth(1).unwrap_or_default().to_owned();
        let forced = two_cycles("", " (forced)");
        assert!(first_sentence(&forced, 2).starts_with("A call asked for it: runtime.GC"), "{forced}");
        let timer = two_cycles("GC forced\n", "");
        assert!(first_sentence(&timer, 3).starts_with("The two-minute timer started it"), "{timer}");
        assert_eq!(told(&timer, 2), told(&timer, 3), "the announcement and the cycle tell the same");
        // The announcement is for the next cycle and no other.
        assert!(!first_sentence(&timer, 1).contains("timer"), "{timer}");
        let leaks = two_cycles("", " (forced)").replace("@2.000s 3%:", "@2.000s 3% (checking for goroutine leaks):");
        assert!(first_sentence(&leaks, 2).contains("look for leaked goroutines"), "{leaks}");
        // Far below the goal after two minutes, with the line of the timer lost.
        let lost = two_cycles("", "").replace("@2.000s", "@121.000s").replace("19->22->11", "5->6->1");
        assert!(first_sentence(&lost, 2).contains("the log does not say what started it"), "{lost}");
    }

    #[test]
    fn a_line_that_lost_numbers_says_less_and_nothing_wrong() {
        // Durations that wrapped are none.
        let wrapped = two_cycles("", "").replace("0.10+2.0+0.020 ms clock", "18446744073709+2.0+0.020 ms clock");
        let text = told(&wrapped, 2);
        assert!(!text.contains("18446744073709") && !text.contains("It ran for"), "{text}");
        assert!(text.contains("Of a heap of 22 MB"), "{text}");
    }

    #[test]
    fn a_cycle_of_1_3_is_one_pause_and_gives_no_reason() {
        let line = |n: u32, live: u32, heap: u32| {
            format!(
                "gc{n}(2): 25+3619+2836+0 us, {live} -> {heap} MB, 141593 (141616-23) objects, 429/0/0 sweeps, \
                 0(0) handoff, 3(13) steal, 16/1/0 yields\n"
            )
        };
        check(
            &(line(1, 3, 6) + &line(2, 4, 8)),
            1,
            expect![[r#"
                Collection gc 1
                It stopped the program for 6.48 ms in all: 25 µs stopping, 2836 µs marking and 3619 µs sweeping, on 2 threads.
                The heap had grown from the 3 MB that the collection before left to 6 MB; the next line says that it left 4 MB.
            "#]],
        );
    }

    #[test]
    fn a_sample_and_what_changed_since_the_one_before() {
        let sample = |ms: u32, idle: u32, queues: &str, ticks: &str| {
            format!(
                "SCHED {ms}ms: gomaxprocs=4 idleprocs={idle} threads=9 spinningthreads=1 needspinning=0 idlethreads=4 \
                 runqueue=1 [ {queues} ] schedticks=[ {ticks} ]\n"
            )
        };
        check(
            &(sample(0, 3, "0 0 0 0", "10 20 30 4294967290") + &sample(500, 1, "9 0 0 1", "15 20 31 4")),
            2,
            expect![[r#"
                Scheduler at 0.5 s
                Of 4 Ps 3 are in use and 1 is idle.
                11 goroutines wait to run (2.8 for each P), 1 in the global queue and 10 in those of the Ps, although 1 P is idle; it is spread unevenly: P0 has 9 of them, and 2 of 4 queues are empty.
                9 threads: 4 parked, 3 with a P (1 looks for work); 2 in system calls or C, or the runtime's own.
                Since the sample 500 ms before: idle Ps 3 → 1 and the queues of the Ps 0 → 10.
                Since then the Ps started at least 16 goroutines, 32 a second; 1 of 4 Ps started none.
            "#]],
        );
    }

    /// A block of two Ps in which P1 does not stop.
    fn block(ms: u32, ticks: u32) -> String {
        format!(
            "SCHED {ms}ms: gomaxprocs=2 idleprocs=0 threads=3 spinningthreads=0 needspinning=0 idlethreads=0 runqueue=0 \
             gcwaiting=true nmidlelocked=1 stopwait=1 sysmonwait=false\n  \
             P0: status=3 schedtick=5 syscalltick=0 m=0 runqsize=0 gfreecnt=0 timerslen=0\n  \
             P1: status=1 schedtick={ticks} syscalltick=0 m=2 runqsize=0 gfreecnt=0 timerslen=0\n  \
             M2: p=1 curg=7 mallocing=0 throwing=0 preemptoff= locks=0 dying=0 spinning=false blocked=false lockedg=nil\n  \
             M1: p=nil curg=3 mallocing=0 throwing=0 preemptoff= locks=0 dying=0 spinning=false blocked=false lockedg=nil\n  \
             M0: p=0 curg=nil mallocing=0 throwing=0 preemptoff= locks=0 dying=0 spinning=false blocked=true lockedg=1\n  \
             G1: status=4(chan receive) m=nil lockedm=0\n  \
             G2: status=4(force gc (idle)) m=nil lockedm=nil\n  \
             G3: status=3() m=1 lockedm=nil\n  \
             G7: status=2(sleep) m=2 lockedm=nil\n  \
             G8: status=6() m=nil lockedm=nil\n"
        )
    }

    #[test]
    fn a_block_says_who_runs_where_and_who_is_in_the_way() {
        check(
            &(block(0, 9) + &block(1000, 9)),
            20,
            expect![[r#"
                Scheduler at 1 s, with all it knows
                4 goroutines: 1 running, 0 runnable, 1 in system calls and 2 waiting. All of 2 Ps are in use.
                Running: G7 on M2 with P1; in system calls or C: G3 on M1.
                Waiting: 1 in chan receive; 1 of the runtime's own idle.
                The world is being stopped (gcwaiting), and 1 P has not stopped yet: P1 on M2 running G7.
                1 thread is locked: M0 to G1.
                Since the block 1 s before: P1 still runs G7 and started nothing else.
            "#]],
        );
    }

    const DUMP: &str = "\
panic: boom <b> `x` [y](command:z)

goroutine 9 [running]:
main.work(0x1)
\t/src/main.go:7 +0x1d
created by main.main in goroutine 1
\t/src/main.go:3 +0x2e

goroutine 1 [chan receive, 3 minutes]:
main.main()
\t/src/main.go:9 +0x1d

goroutine 10 [sync.Mutex.Lock, 2 minutes]:
sync.runtime_SemacquireMutex(0x1)
\t/go/src/runtime/sema.go:77 +0x25
sync.(*Mutex).Lock(...)
\t/go/src/sync/mutex.go:90
main.wait()
\t/src/main.go:17 +0x1d
created by main.main in goroutine 1
\t/src/main.go:4 +0x2e

goroutine 11 [sync.Mutex.Lock, 5 minutes]:
sync.runtime_SemacquireMutex(0x1)
\t/go/src/runtime/sema.go:77 +0x25
sync.(*Mutex).Lock(...)
\t/go/src/sync/mutex.go:90
main.wait()
\t/src/main.go:17 +0x1d
created by main.main in goroutine 1
\t/src/main.go:4 +0x2e
";

    #[test]
    fn a_panic_says_where_it_happened() {
        check(
            DUMP,
            1,
            expect![[r#"
                Panic
                A panic that nothing recovered ended the process: boom <b> `x` [y](command:z).
                It happened in goroutine 9, in main.work (/src/main.go:7).
                The dump shows 4 goroutines: 2 in sync.Mutex.Lock, 1 in chan receive, 1 running.
                Go prints the stacks and ends the process with exit code 2.
            "#]],
        );
    }

    #[test]
    fn a_goroutine_says_what_it_waits_for_and_who_is_like_it() {
        check(
            DUMP,
            16,
            expect![[r#"
                Goroutine 10
                Goroutine 10 is in state sync.Mutex.Lock: waits for a sync.Mutex that another goroutine holds, for 2 minutes or longer.
                It is in main.wait (/src/main.go:17), inside of sync.(*Mutex).Lock.
                It was started by main.main in goroutine 1, which is in this dump.
                1 other goroutine has the same state and frames, of 4 in the dump, the longest for 5 minutes.
            "#]],
        );
    }

    #[test]
    fn text_of_the_log_becomes_no_markdown() {
        let snapshot =
            Snapshot::new(Arc::new(Text::new(DUMP)), Log::read(DUMP.as_bytes()), Arc::new(Settings::default()));
        let markdown = narrate(&snapshot, LineCol { line: 0, byte: 0 }).unwrap().markdown();
        assert!(markdown.contains("`boom <b> \u{fffd}x\u{fffd} [y](command:z)`"), "{markdown}");
    }

    #[test]
    fn lines_that_tell_nothing_have_no_narration() {
        assert_eq!(told("scav 0 KiB work (bg), 0 KiB work (eager), 2848 KiB now, 99% util\n", 1), "");
        assert_eq!(told("just text\n", 1), "");
    }
}
