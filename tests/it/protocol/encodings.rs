//! Positions in three units: each range lies where the same text lies, and edits hit what they name.

use serde_json::{Value, json};

use super::{GC_LINE, URI, leaking};
use crate::client::{Client, range};

const ENCODINGS: [&str; 3] = ["utf-8", "utf-16", "utf-32"];

fn start(encoding: &str) -> Client {
    Client::start(json!({"general": {"positionEncodings": [encoding]}, "textDocument": {"diagnostic": {}}}))
}

/// How many characters a text has in an encoding.
fn units(encoding: &str, text: &str) -> u32 {
    let n = match encoding {
        "utf-8" => text.len(),
        "utf-16" => text.encode_utf16().count(),
        _ => text.chars().count(),
    };
    n as u32
}

#[test]
fn ranges_count_in_the_negotiated_unit() {
    for encoding in ENCODINGS {
        for prefix in ["", "é ", "😀 ", "a\u{301}∆😀\u{2028}\r "] {
            let mut client = start(encoding);
            client.open(URI, &format!("{prefix}{GC_LINE}\n"));
            let start = units(encoding, prefix);
            let hover = client.hover(URI, 0, start);
            assert_eq!(hover["range"]["start"], json!({"line": 0, "character": start}), "{encoding} {prefix:?}");
            client.finish();
        }
    }
}

#[test]
fn positions_outside_the_text_are_moved_inside() {
    for encoding in ENCODINGS {
        let mut client = start(encoding);
        client.open(URI, &format!("{GC_LINE}\r\n😀"));
        let numbers = [0, 1, 2, 50, 1_000, i32::MAX as u32, u32::MAX];
        for line in numbers {
            for character in numbers {
                client.hover(URI, line, character);
                let range =
                    json!({"start": {"line": line, "character": character}, "end": {"line": 0, "character": 9}});
                let params = json!({"textDocument": {"uri": URI}, "range": range});
                client.ask("textDocument/semanticTokens/range", params.clone());
                client.ask("textDocument/inlayHint", params);
            }
        }
        client.finish();
    }
}

#[test]
fn a_character_past_the_line_end_edits_before_the_line_break() {
    let mut client = start("utf-16");
    client.open(URI, &format!("x\r\n{GC_LINE}"));
    client.change(URI, 2, json!([{"range": range(0, 500, 900), "text": "y"}]));
    client.change(URI, 3, json!([{"range": {"start": {"line": 90, "character": 3}, "end": {"line": 99, "character": 0}}, "text": "\nend"}]));
    assert!(client.hover(URI, 1, 3)["contents"]["value"].is_string(), "the lines are still apart");
    client.finish();
}

#[test]
fn a_range_whose_ends_are_swapped_is_taken_the_right_way_round() {
    let mut client = start("utf-16");
    client.open(URI, &format!("one\ntwo\n{GC_LINE}"));
    client.change(
        URI,
        2,
        json!([{"range": {"start": {"line": 2, "character": 0}, "end": {"line": 0, "character": 0}}, "text": ""}]),
    );
    assert!(client.hover(URI, 0, 3)["contents"]["value"].is_string());
    client.finish();
}

/// A small generator, so that a failure names a seed that shows it again.
struct Random(u64);

impl Random {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % n
    }
}

/// Everything a server says about a document.
fn everything(client: &mut Client, uri: &str, n_lines: u32) -> Vec<Value> {
    let mut answers: Vec<Value> = (0..n_lines).map(|line| client.hover(uri, line, 4)).collect();
    for method in ["documentSymbol", "foldingRange", "semanticTokens/full", "diagnostic"] {
        answers.push(client.about(&format!("textDocument/{method}"), uri));
    }
    answers
}

/// After any edits, every answer equals that about the same text freshly opened.
#[test]
fn edited_documents_equal_fresh_ones_in_every_encoding() {
    const PIECES: [&str; 12] =
        ["", "x", "é", "😀", "\n", "\r\n", "\r", "\u{2028}", "\u{b}\u{c}\u{85}", GC_LINE, "gc 12 @1.5s\n", " (forced)"];
    for (seed, encoding) in (1..=6).zip(ENCODINGS.iter().cycle()) {
        let mut random = Random(seed);
        let mut client = start(encoding);
        let mut model = format!("{GC_LINE}\né\n{GC_LINE} (forced)\n{}", leaking());
        client.open(URI, &model);
        for version in 2..100 {
            let border = |random: &mut Random, model: &str| {
                let mut byte = random.below(model.len() + 1);
                while !model.is_char_boundary(byte) {
                    byte -= 1;
                }
                byte
            };
            let (a, b) = (border(&mut random, &model), border(&mut random, &model));
            let (from, to) = (a.min(b), if random.below(3) == 0 { a.max(b) } else { a.min(b) });
            let new = PIECES[random.below(PIECES.len())];
            let position = |byte: usize| {
                let line_start = model[..byte].rfind('\n').map_or(0, |idx| idx + 1);
                let line = model[..byte].matches('\n').count();
                json!({"line": line, "character": units(encoding, &model[line_start..byte])})
            };
            let change = json!([{"range": {"start": position(from), "end": position(to)}, "text": new}]);
            client.change(URI, version, change);
            model.replace_range(from..to, new);
        }
        let n_lines = model.matches('\n').count() as u32 + 1;
        let edited = everything(&mut client, URI, n_lines);
        client.close(URI);
        client.open(URI, &model);
        let fresh = everything(&mut client, URI, n_lines);
        assert_eq!(edited, fresh, "seed {seed}, {encoding}: {model:?}");
        client.finish();
    }
}
