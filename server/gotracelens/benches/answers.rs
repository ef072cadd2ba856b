//! How long the server takes to answer about a 50 MB log while nothing else goes on: `cargo bench -p gotracelens`.
//!
//! Whole round trips as an editor has them, from the first byte of a request to the last of its answer, the JSON of the
//! client left out. Places are chosen by a fixed seed. Prints median, 99th percentile and the longest.
#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a bench may end with a panic, and prints its result")]

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

#[expect(dead_code, reason = "the bench of tracelog makes the other kinds")]
#[path = "../../tracelog/benches/log/lines.rs"]
mod lines;

/// Size of the log, unless the variable `GOTRACELENS_BENCH_MB` says otherwise.
const MB: usize = 50;

/// Lines an editor shows.
const VIEWPORT: u64 = 60;

const URI: &str = "file:///bench.log";

struct Editor {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    n_sent: i64,
}

impl Editor {
    fn start() -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_gotracelens"))
            .arg("lsp")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let input = child.stdin.take().unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        let mut editor = Self { child, input, output, n_sent: 0 };
        let capabilities = json!({"textDocument": {
            "codeLens": {},
            "diagnostic": {},
            "documentSymbol": {"hierarchicalDocumentSymbolSupport": true},
            "hover": {"contentFormat": ["markdown"]},
        }});
        editor.ask("initialize", &json!({"processId": null, "rootUri": null, "capabilities": capabilities}));
        editor.send(&json!({"jsonrpc": "2.0", "method": "initialized", "params": {}}));
        editor
    }

    fn send(&mut self, message: &Value) {
        let body = serde_json::to_vec(message).unwrap();
        write!(self.input, "Content-Length: {}\r\n\r\n", body.len()).unwrap();
        self.input.write_all(&body).unwrap();
        self.input.flush().unwrap();
    }

    fn receive(&mut self) -> Vec<u8> {
        let mut length = 0;
        loop {
            let mut line = String::new();
            assert!(self.output.read_line(&mut line).unwrap() > 0, "the server ended");
            match line.trim().split_once(": ") {
                Some(("Content-Length", value)) => length = value.parse().unwrap(),
                Some(_) => {}
                None => break,
            }
        }
        let mut body = vec![0; length];
        self.output.read_exact(&mut body).unwrap();
        body
    }

    /// Asks and waits for the answer; what else the server sends meanwhile is left out.
    fn ask(&mut self, method: &str, params: &Value) -> (Duration, Value) {
        self.n_sent += 1;
        let id = self.n_sent;
        let request = json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params});
        let begin = Instant::now();
        self.send(&request);
        loop {
            let body = self.receive();
            let took = begin.elapsed();
            let answer: Value = serde_json::from_slice(&body).unwrap();
            if answer["id"] == id && answer.get("method").is_none() {
                assert!(answer.get("error").is_none(), "{method}: {}", answer["error"]);
                return (took, answer["result"].clone());
            }
        }
    }
}

impl Drop for Editor {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Numbers that look random and are the same every time (splitmix64).
struct Random(u64);

impl Random {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        (mixed ^ (mixed >> 31)) % end
    }
}

fn main() {
    let mb = std::env::var("GOTRACELENS_BENCH_MB").ok().and_then(|mb| mb.parse().ok()).unwrap_or(MB);
    println!("{:<32} {:>6} {:>10} {:>10} {:>10}", "request", "n", "median ms", "p99 ms", "max ms");
    for (name, kind) in [("gctrace", lines::Lines::Gctrace), ("everything", lines::Lines::Everything)] {
        measure(name, &kind.make(mb));
    }
}

fn measure(name: &str, log: &str) {
    let mut editor = Editor::start();
    let document = json!({"uri": URI, "languageId": "gotrace", "version": 1, "text": log});
    editor.send(&json!({"jsonrpc": "2.0", "method": "textDocument/didOpen", "params": {"textDocument": document}}));
    let text_document = json!({"uri": URI});
    let whole = json!({"textDocument": text_document});
    // An editor asks for these when it opens the file; afterwards the server is left alone until it has nothing to do.
    let (opened, _) = editor.ask("textDocument/codeLens", &whole);
    println!("{name}: {} MB, first lenses after {:.0} ms", log.len() / 1_000_000, opened.as_secs_f64() * 1e3);
    std::thread::sleep(Duration::from_secs(10));
    let widths: Vec<u64> = log.lines().map(|line| line.len() as u64).collect();
    let n_lines = widths.len() as u64;
    let mut random = Random(7);
    let mut report = |editor: &mut Editor, method: &str, n: usize, params: &mut dyn FnMut(&mut Random) -> Value| {
        let mut took: Vec<f64> =
            (0..n).map(|_| editor.ask(method, &params(&mut random)).0.as_secs_f64() * 1e3).collect();
        took.sort_by(f64::total_cmp);
        let at = |share: f64| took[((share * n as f64).ceil() as usize).clamp(1, n) - 1];
        println!("{:<32} {n:>6} {:>10.3} {:>10.3} {:>10.3}", format!("  {method}"), at(0.5), at(0.99), at(1.0));
    };
    report(&mut editor, "textDocument/hover", 3000, &mut |random| {
        let line = random.below(n_lines);
        let character = random.below(widths[line as usize].max(1));
        json!({"textDocument": text_document, "position": {"line": line, "character": character}})
    });
    report(&mut editor, "textDocument/codeLens", 300, &mut |_| whole.clone());
    report(&mut editor, "textDocument/documentSymbol", 300, &mut |_| whole.clone());
    report(&mut editor, "textDocument/semanticTokens/range", 1000, &mut |random| {
        let line = random.below(n_lines);
        let range = json!({"start": {"line": line, "character": 0}, "end": {"line": line + VIEWPORT, "character": 0}});
        json!({"textDocument": text_document, "range": range})
    });
    report(&mut editor, "textDocument/foldingRange", 100, &mut |_| whole.clone());
}
