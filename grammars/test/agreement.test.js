// The grammar and the parser see the same fields at the same places. Where the parser sees them is in samples.json, which
// tests/it/catalog.rs compares with the parser itself.

import assert from "node:assert/strict";
import { test } from "node:test";

import { readSamples, tokenizer, values } from "../tokenize.js";

const samples = readSamples();
const spansOf = (sample) => sample.spans.map(({ start, end, scope }) => ({ start, end, scope }));
const moved = (spans, by) => spans.map((span) => ({ ...span, start: span.start + by, end: span.end + by }));

test("every sample is colored field by field", async () => {
  const tokenize = await tokenizer("text.log.gotrace");
  assert.ok(samples.length > 0);
  for (const sample of samples) {
    assert.deepEqual(values(tokenize, sample.text), spansOf(sample), sample.text);
    const first = tokenize(sample.text).find((token) => token.scopes.at(-1).startsWith("keyword."));
    assert.equal(first.scopes.at(-1), `keyword.other.${sample.family}.gotrace`, sample.text);
  }
});

const CARRIERS = [
  ["", ""],
  ["web-1  | ", ""],
  ["2024-05-01T10:00:00.123456789Z stderr F ", ""],
  ["2024-05-01T10:00:00.123456789Z ", ""],
  ["May  1 10:00:00 host app[4711]: ", ""],
  ['{"log":"', '\\n","stream":"stderr","time":"2024-05-01T10:00:00Z"}'],
  ['time=2024-05-01T10:00:00Z level=INFO msg="', '"'],
];

test("carriers do not hide a line, in plain logs either", async () => {
  const own = await tokenizer("text.log.gotrace");
  const injected = await tokenizer("text.log");
  for (const sample of samples) {
    for (const [before, after] of CARRIERS) {
      // Quotes in a text are escaped in JSON, and a text ends at the first that is not: no sample stands there as it is.
      if (after !== "" && sample.text.includes('"')) continue;
      const line = before + sample.text + after;
      const want = moved(spansOf(sample), before.length);
      assert.deepEqual(values(own, line), want, line);
      assert.deepEqual(values(injected, line), want, line);
    }
  }
});

test("arrows that JSON has escaped are arrows", async () => {
  const tokenize = await tokenizer("text.log.gotrace");
  for (const arrow of ["\\u003e", "\\\\u003e"]) {
    for (const sample of samples) {
      const line = sample.text.replaceAll(">", arrow);
      const place = (at) => sample.text.slice(0, at).replaceAll(">", arrow).length;
      const want = spansOf(sample).map((span) => ({ ...span, start: place(span.start), end: place(span.end) }));
      assert.deepEqual(values(tokenize, line), want, line);
    }
  }
});

test("a torn line is colored up to the last value that is certain", async () => {
  const tokenize = await tokenizer("text.log.gotrace");
  // A whole line is claimed only as a whole.
  for (const { text, certain, spans } of samples.filter((sample) => !sample.is_line)) {
    for (const [index, span] of spans.entries()) {
      const next = spans[index + 1];
      if (next === undefined || next.start === span.end) {
        continue;
      }
      // Torn inside the next value: this one and the literal behind it are complete.
      const line = text.slice(0, next.start) + "the program writes";
      const want = next.start < certain ? [] : spansOf({ spans: spans.slice(0, index + 1) });
      assert.deepEqual(values(tokenize, line), want, line);
    }
  }
});

test("text that only looks like a trace line stays plain", async () => {
  const tokenize = await tokenizer("text.log.gotrace");
  const lines = [
    "gc 7 is done",
    "gc 7 @home",
    "the runtime said GC forced, twice",
    "GC forced by the operator",
    "scav 12 files",
    "SCHED 12ms: done",
    "scvg12: nothing",
    "12 MB released",
    "gc7(2) is a function call",
  ];
  for (const line of lines) {
    assert.deepEqual(tokenize(line).filter((token) => token.scopes.length > 1), [], line);
  }
});

test("two items glued together are both colored", async () => {
  const tokenize = await tokenizer("text.log.gotrace");
  const numbered = samples.filter((sample) => sample.spans.length > 0 && !sample.is_line);
  for (const [index, first] of numbered.entries()) {
    const second = numbered[(index + 7) % numbered.length];
    const line = first.text + second.text;
    const want = [...spansOf(first), ...moved(spansOf(second), first.text.length)];
    assert.deepEqual(values(tokenize, line), want, line);
  }
});
