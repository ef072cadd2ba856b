//! Lines that only mean something inside of a block: stacks, crashes, race reports, profiles.
//!
//! The checker's own delimiting of those blocks, on standard error as a program wrote it. It is simple on purpose: a
//! goroutine goes from its header to the next blank line, a profile from its head to the first line that fits none of
//! its rules, a crash from its first line, a race report from one row of `=` to the next. Lines of the program and of
//! other traces may stand between. What is a line of a block here must be claimed by the product; every other line of
//! a file must not.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::LazyLock;

use regex::Regex;

use crate::grammar::{Grammar, Reading};

/// Which family the lines of a rule have. Lines that the grammar has no rule for (race reports, gccgo's frames, texts
/// of a panic) are in [`Reader`].
pub const FAMILIES: [(&str, &str); 27] = [
    ("goroutine_line", "goroutine"),
    ("frame_func_line", "frame"),
    ("frame_file_line", "location"),
    ("created_by_line", "created_by"),
    ("origin_line", "ancestor"),
    ("elided_line", "stack_note"),
    ("unavail_line", "stack_note"),
    ("section_line", "stack_note"),
    ("panic_line", "panic"),
    ("signal_line", "signal"),
    ("sig_name_line", "signal"),
    ("sig_pc_line", "signal_pc"),
    ("reg_line", "register"),
    ("exit_line", "exit_status"),
    ("rt_note_line", "runtime_note"),
    ("prof_count_head_line", "profile"),
    ("prof_count_line", "profile_record"),
    ("prof_labels_line", "profile_labels"),
    ("prof_frame_line", "profile_frame"),
    ("prof_heap_head_line", "heap_profile"),
    ("prof_heap_line", "heap_record"),
    ("prof_block_head_line", "contention_profile"),
    ("prof_cps_line", "contention_profile"),
    ("prof_period_line", "contention_profile"),
    ("prof_block_line", "contention_record"),
    ("memstats_head_line", "memstats"),
    ("memstats_line", "memstats"),
];

/// Whether lines of a family only mean something inside of a block.
pub fn is_family(family: &str) -> bool {
    ["race", "panic_text"].contains(&family) || FAMILIES.iter().any(|(_, name)| *name == family)
}

/// Heads of profiles, and the rules of the lines below each.
const PROFILES: [(&str, &[&str]); 4] = [
    ("prof_count_head_line", &["prof_count_line", "prof_labels_line", "prof_frame_line"]),
    ("prof_heap_head_line", &["prof_heap_line", "prof_frame_line", "prof_labels_line"]),
    ("prof_block_head_line", &["prof_cps_line", "prof_period_line", "prof_block_line", "prof_frame_line"]),
    ("memstats_head_line", &["memstats_line"]),
];

/// Lines inside of a goroutine that are no frames.
const STACK_RULES: [&str; 6] =
    ["frame_file_line", "unavail_line", "created_by_line", "origin_line", "elided_line", "section_line"];

/// Delimits a race report.
const RACE_ROW: &str = "==================";

/// Lines of a race report, their family, and what they print as groups.
static RACE_LINES: LazyLock<Vec<(Regex, &str)>> = LazyLock::new(|| {
    [
        (r"^WARNING: DATA RACE$", "race"),
        (r"^(?:Previous )?(?:[Aa]tomic )?(?:[Rr]ead|[Ww]rite) at (0x[0-9a-f]+) by (?:main goroutine|goroutine (\d+)):$", "race"),
        (r"^Goroutine (\d+) \((?:running|finished)\) created at:$", "race"),
        (r"^  \[failed to restore the stack\]$", "race"),
        (r"^  (\S.*)\(\)$", "frame"),
        (r"^      (\S.*):(\d+) \+(0x[0-9a-f]+)$", "location"),
    ]
    .into_iter()
    .map(|(pattern, family)| (Regex::new(pattern).expect("a constant expression"), family))
    .collect()
});

static RACE_COUNT: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"^Found (\d+) data race\(s\)$").expect("a constant expression"));

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Inside {
    Nothing,
    /// After the first line of a crash, up to the blank line before the stacks.
    Head,
    Stack,
    Race,
    /// Index into `PROFILES`.
    Profile(usize),
}

struct Reader<'a> {
    grammar: &'a Grammar,
    texts: &'a [String],
    inside: Inside,
    /// A signal has been printed, so registers come at the end.
    is_signal_dump: bool,
    /// A crash has begun.
    is_crash: bool,
    n_races: usize,
    found: BTreeMap<usize, Reading>,
}

/// Lines of blocks by 1-based number. `is_other` tells lines of other formats, which may stand between.
pub fn read(grammar: &Grammar, texts: &[String], is_other: impl Fn(usize) -> bool) -> BTreeMap<usize, Reading> {
    let mut reader = Reader {
        grammar,
        texts,
        inside: Inside::Nothing,
        is_signal_dump: false,
        is_crash: false,
        n_races: 0,
        found: BTreeMap::new(),
    };
    for idx in 0..texts.len() {
        if !is_other(idx + 1) {
            reader.line(idx);
        }
    }
    reader.found
}

impl<'a> Reader<'a> {
    fn line(&mut self, idx: usize) {
        if !(self.opens(idx) || self.goes_on(idx)) && self.texts[idx].is_empty() {
            match self.inside {
                Inside::Head | Inside::Stack => self.inside = Inside::Nothing,
                Inside::Nothing | Inside::Race | Inside::Profile(_) => {}
            }
        }
    }

    /// Lines that open a block wherever they stand.
    fn opens(&mut self, idx: usize) -> bool {
        let text = &self.texts[idx];
        let next = self.text(idx + 1);
        if text == RACE_ROW {
            let is_open = self.inside == Inside::Race;
            if is_open || next == "WARNING: DATA RACE" {
                self.inside = if is_open { Inside::Nothing } else { Inside::Race };
                self.n_races += 1;
                self.give(idx, "race", Vec::new());
            }
            return is_open || self.inside == Inside::Race;
        }
        if self.take(idx, &["goroutine_line"]) || text == "runtime stack:" && self.take(idx, &["section_line"]) {
            self.inside = Inside::Stack;
            return true;
        }
        if !text.starts_with('\t') && self.take(idx, &["panic_line"]) {
            self.inside = Inside::Head;
            (self.is_crash, self.is_signal_dump) = (true, false);
            return true;
        }
        if self.grammar.is("sig_name_line", text) && self.grammar.is("sig_pc_line", next) {
            self.inside = Inside::Head;
            (self.is_crash, self.is_signal_dump) = (true, true);
            return self.take(idx, &["sig_name_line"]);
        }
        if self.grammar.is("rt_note_line", text) && self.leads_to_a_crash(idx) {
            return self.take(idx, &["rt_note_line"]);
        }
        let profile = PROFILES.iter().position(|(head, _)| self.grammar.is(head, text));
        if let Some(profile) = profile {
            self.inside = Inside::Profile(profile);
            return self.take(idx, &[PROFILES[profile].0]);
        }
        false
    }

    /// Lines of the block that is open.
    fn goes_on(&mut self, idx: usize) -> bool {
        let text = &self.texts[idx];
        if text.is_empty() {
            return false;
        }
        match self.inside {
            Inside::Head => {
                let is_known = self.take(idx, &["panic_line", "signal_line", "sig_pc_line"]);
                if !is_known && self.stack_follows(idx) {
                    self.give(idx, "panic_text", whole(text));
                }
                true
            }
            Inside::Stack => {
                self.take(idx, &STACK_RULES)
                    || self.no_stack(idx)
                    || self.register(idx)
                    || self.take(idx, &["exit_line"])
                    || self.frame(idx)
            }
            Inside::Race => {
                let found = RACE_LINES.iter().find_map(|(line, family)| Some((line.captures(text)?, family)));
                let is_race = found.is_some();
                if let Some((captures, family)) = found {
                    let printed = captures.iter().skip(1).flatten().map(|group| group.range()).collect();
                    self.give(idx, family, printed);
                }
                is_race
            }
            Inside::Profile(profile) => {
                let is_profile = self.take(idx, PROFILES[profile].1);
                if !is_profile {
                    self.inside = Inside::Nothing;
                }
                is_profile
            }
            Inside::Nothing => {
                let before = self.text(idx.wrapping_sub(1));
                if self.register(idx) || self.is_crash && before.is_empty() && self.take(idx, &["section_line"]) {
                    return true;
                }
                // Go 1.2 prints the interrupted stack without a header.
                if self.is_signal_dump && self.grammar.is("frame_file_line", self.text(idx + 1)) && self.frame(idx) {
                    self.inside = Inside::Stack;
                    return true;
                }
                if let Some(captures) = RACE_COUNT.captures(text).filter(|_| self.n_races > 0) {
                    let printed = vec![captures.get(1).expect("the group always takes part").range()];
                    self.give(idx, "race", printed);
                    return true;
                }
                let last = (0..idx).rev().find(|idx| !self.texts[*idx].is_empty());
                last.is_some_and(|last| self.family(last).is_some()) && self.take(idx, &["exit_line"])
            }
        }
    }

    /// Registers end a signal dump. Those of the other threads, and all of 1.1, follow the stack without a blank line.
    fn register(&mut self, idx: usize) -> bool {
        let before = idx.wrapping_sub(1);
        let is_end = self.text(before).is_empty() || matches!(self.family(before), Some("register" | "location"));
        self.is_signal_dump && is_end && self.take(idx, &["reg_line"])
    }

    /// What gccgo prints instead of frames; the grammar is that of the other compiler.
    fn no_stack(&mut self, idx: usize) -> bool {
        let is_note = self.texts[idx] == "\tgoroutine in C code; stack unavailable";
        if is_note {
            self.give(idx, "stack_note", Vec::new());
        }
        is_note
    }

    /// A function line has `(…)`; gccgo prints the bare name, so there the location below decides.
    fn frame(&mut self, idx: usize) -> bool {
        if self.take(idx, &["frame_func_line"]) {
            return true;
        }
        let text = &self.texts[idx];
        let is_second = idx > 0 && matches!(self.family(idx - 1), Some("frame" | "created_by"));
        let is_name = !text.starts_with('\t') && !text.contains(' ');
        let is_frame = is_name && !is_second && self.grammar.is("frame_file_line", self.text(idx + 1));
        if is_frame {
            self.give(idx, "frame", whole(text));
        }
        is_frame
    }

    /// Whether a stack is printed after the text of a crash, behind the next blank line.
    fn stack_follows(&self, idx: usize) -> bool {
        let rest = &self.texts[idx..];
        let Some(blank) = rest.iter().position(String::is_empty) else { return false };
        let after = rest[blank..].iter().find(|text| !text.is_empty() && self.grammar.read(text).is_none());
        after.is_some_and(|text| text == "runtime stack:" || self.grammar.is("goroutine_line", text))
    }

    /// Notes of the runtime stand in front of most fatal errors, or inside of a stack.
    fn leads_to_a_crash(&self, idx: usize) -> bool {
        let next = self.texts[idx..].iter().find(|text| !self.grammar.is("rt_note_line", text));
        self.inside == Inside::Stack || next.is_some_and(|text| text.starts_with("fatal error: "))
    }

    fn text(&self, idx: usize) -> &'a str {
        self.texts.get(idx).map_or("", String::as_str)
    }

    fn family(&self, idx: usize) -> Option<&'static str> {
        self.found.get(&idx.wrapping_add(1)).map(|reading| reading.family)
    }

    /// Gives a line to the first of the rules that matches it.
    fn take(&mut self, idx: usize, rules: &[&str]) -> bool {
        let text = &self.texts[idx];
        let found = rules.iter().find_map(|rule| Some((rule, self.grammar.printed(rule, text)?)));
        let is_taken = found.is_some();
        if let Some((rule, printed)) = found {
            let (_, family) = FAMILIES.iter().find(|(name, _)| name == rule).expect("every block rule has a family");
            self.give(idx, family, printed);
        }
        is_taken
    }

    fn give(&mut self, idx: usize, family: &'static str, printed: Vec<Range<usize>>) {
        let reading = Reading {
            family,
            shape: String::new(),
            values: Vec::new(),
            notes: Vec::new(),
            text: self.texts[idx].clone(),
            printed,
        };
        self.found.insert(idx + 1, reading);
    }
}

/// All of a line is printed.
fn whole(text: &str) -> Vec<Range<usize>> {
    std::iter::once(0..text.len()).collect()
}

/// Rules whose lines no program writes by chance: outside of a block there may be none.
const UNMISTAKABLE: [&str; 12] = [
    "goroutine_line",
    "frame_file_line",
    "created_by_line",
    "origin_line",
    "elided_line",
    "unavail_line",
    "signal_line",
    "sig_pc_line",
    "reg_line",
    "prof_frame_line",
    "prof_heap_line",
    "memstats_line",
];

#[test]
fn no_line_of_a_block_is_left_out() {
    use crate::corpus::{entries, folder};
    use crate::reading::Wrapping;

    let folder = folder();
    let grammar = Grammar::load();
    let mut left = Vec::new();
    let mut n_lines = 0;
    for entry in entries(&folder).iter().filter(|entry| entry.wrapping() == Wrapping::Plain) {
        let file = entry.read(&grammar, &folder);
        n_lines += file.blocks.len();
        for (line, text) in (1..).zip(&file.texts) {
            let is_left = file.on_line(line).is_empty() && !file.tails.contains_key(&line);
            if is_left && UNMISTAKABLE.iter().any(|rule| grammar.is(rule, text)) {
                left.push(format!("{}:{line}: {text}", entry.path));
            }
        }
    }
    assert!(n_lines > 1000, "only {n_lines} lines of blocks: is there no dump in the corpus?");
    assert_eq!(left, Vec::<String>::new());
}

#[test]
fn delimits_blocks_with_other_output_in_between() {
    let log = "\
served /a 200
rax    0x1
created by the cache warmer
gc 1 objects
runtime: goroutine stack exceeds 1048576-byte limit
fatal error: stack overflow

runtime stack:
runtime.throw(0x6e9e32, 0xe)
\t/usr/local/go/src/runtime/panic.go:616 +0x81

goroutine 1 [running]:
main.recurse(0x3d2, 0x0)
2026/11/21 07:01:08 GET /metrics 200 6.3ms
\t/home/dev/dump.go:38 +0xf7 fp=0xc42020a5f0 sp=0xc42020a5e8 pc=0x63e5c7
...additional frames elided...
created by main.main
\t/home/dev/main.go:9 +0x1

exit status 2
exit status 2 of the worker
panic: first

goroutine is not what follows
panic: a
b
\tpanic: c
[signal SIGSEGV: segmentation violation code=0x1 addr=0x0 pc=0x4013d5]

goroutine 5 [select]:
main.f
\t/home/dev/main.go:9
not a frame
SIGQUIT: quit
PC=0x45a6d1 m=0 sigcode=0

goroutine 0 [idle]:
runtime.futex()
\t/x.s:1 +0x1

rax    0xca
rip    0x1
ripe   tomatoes
goroutine profile: total 3
3 @ 0x1 0x2
# labels: {\"a\":\"b\"}
#\t0x1\tmain.f+0x1\t/x.go:1

served 3 @ home
3 @ 0x1
==================
WARNING: DATA RACE
Read at 0x00c00019c268 by goroutine 10:
  main.f()
      /x.go:1 +0x1

Goroutine 10 (running) created at:
  main.main()
      /x.go:2 +0x1
==================
Found 1 data race(s)
";
    let grammar = Grammar::load();
    let texts: Vec<String> = log.lines().map(str::to_owned).collect();
    let found = read(&grammar, &texts, |line| line == 4);
    let got: Vec<(usize, &str)> = found.iter().map(|(line, reading)| (*line, reading.family)).collect();
    let wanted = [
        (5, "runtime_note"),
        (6, "panic"),
        (8, "stack_note"),
        (9, "frame"),
        (10, "location"),
        (12, "goroutine"),
        (13, "frame"),
        (15, "location"),
        (16, "stack_note"),
        (17, "created_by"),
        (18, "location"),
        (20, "exit_status"),
        (22, "panic"),
        (25, "panic"),
        (26, "panic_text"),
        (27, "panic"),
        (28, "signal"),
        (30, "goroutine"),
        (31, "frame"),
        (32, "location"),
        (34, "signal"),
        (35, "signal_pc"),
        (37, "goroutine"),
        (38, "frame"),
        (39, "location"),
        (41, "register"),
        (42, "register"),
        (44, "profile"),
        (45, "profile_record"),
        (46, "profile_labels"),
        (47, "profile_frame"),
        (51, "race"),
        (52, "race"),
        (53, "race"),
        (54, "frame"),
        (55, "location"),
        (57, "race"),
        (58, "frame"),
        (59, "location"),
        (60, "race"),
        (61, "race"),
    ];
    assert_eq!(got, wanted);
}
