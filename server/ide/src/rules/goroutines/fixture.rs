//! Dumps and profiles of many goroutines, for the tests of the rules.

use std::fmt::Write;

/// A goroutine of a dump: its functions innermost first, each on a line of a file of its own.
pub(in crate::rules) fn goroutine(id: usize, state: &str, functions: &[&str]) -> String {
    let mut text = format!("goroutine {id} [{state}]:\n");
    for (at, function) in functions.iter().enumerate() {
        writeln!(text, "{function}(0xc000012345)\n\t/src/{}.go:{} +0x1d", file(function), 10 + at).unwrap();
    }
    if id != 1 {
        text += "created by main.main in goroutine 1\n\t/src/main.go:9 +0x2a\n";
    }
    text + "\n"
}

/// `n` goroutines that are alike.
pub(in crate::rules) fn alike(n: usize, first_id: usize, state: &str, functions: &[&str]) -> String {
    (0..n).map(|idx| goroutine(first_id + idx, state, functions)).collect()
}

/// The goroutine that asks for the dump.
pub(in crate::rules) fn asking() -> String {
    goroutine(1, "running", &["runtime/pprof.writeGoroutineStacks", "main.main"])
}

/// A profile with `debug=1`: numbers and functions of its records.
pub(in crate::rules) fn profile(name: &str, records: &[(usize, &[&str])]) -> String {
    let total: usize = records.iter().map(|(n, _)| n).sum();
    let mut text = format!("{name} profile: total {total}\n");
    for (n, functions) in records {
        let pcs: Vec<String> = (0..functions.len()).map(|at| format!("{:#x}", 0x46_0000 + at)).collect();
        writeln!(text, "{n} @ {}", pcs.join(" ")).unwrap();
        for (at, (function, pc)) in functions.iter().zip(&pcs).enumerate() {
            writeln!(text, "#\t{pc}\t{function}+0x36\t/src/{}.go:{}", file(function), 10 + at).unwrap();
        }
        text.push('\n');
    }
    text
}

fn file(function: &str) -> String {
    function.chars().filter(char::is_ascii_alphanumeric).collect()
}
