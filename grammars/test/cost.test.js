// Editors match without a time limit, so no text may make a pattern slow.

import assert from "node:assert/strict";
import { test } from "node:test";

import { counted, steps } from "../steps.js";
import { readJson, readSamples, tokenizer } from "../tokenize.js";

const samples = readSamples();
const LENGTH = 8_000;
const SHORTER = LENGTH / 4;

/** Steps that the matcher takes for a line. */
function cost(tokenize, line) {
  const before = steps();
  tokenize(line);
  return steps() - before;
}

/**
 * Four times the text may cost six times as much, not the sixteen times of a pattern that starts over at every
 * character.
 */
function assertCheap(tokenize, lineOf, name) {
  tokenize(lineOf(SHORTER)); // Compiles the patterns that it takes.
  const shorter = cost(tokenize, lineOf(SHORTER));
  const longer = cost(tokenize, lineOf(LENGTH));
  assert.ok(shorter > 0 && longer < 6 * shorter, `${name}: ${shorter} steps, four times as long ${longer}`);
}

const filled = (text) => (length) => text.repeat(Math.ceil(length / text.length)).slice(0, length);

test("no quantifier repeats a group that holds one", () => {
  const { repository } = readJson("./textmate/gotrace.tmLanguage.json");
  const patterns = Object.values(repository).flatMap((rules) => rules.patterns.map((rule) => rule.match));
  assert.ok(patterns.length > 0);
  for (const pattern of patterns) {
    assert.doesNotMatch(pattern, /\)[*+{]/, pattern);
  }
});

test("long lines of any alphabet cost little", async () => {
  const tokenize = await tokenizer("text.log.gotrace", counted);
  const alphabets = ["0", "1", "9 ", "gc", "gc ", "gc 1", "gc1(", "SCHED ", "scvg", "scvg1", "scav ", "scav 1 ", "forced "];
  const others = [" ", "\t", "[0 ", "->", "\\", "\\u003e", '"', "GC forced", "a", "\u00e9", "(forced)"];
  const heads = samples.map((sample) => sample.text.slice(0, sample.certain));
  for (const text of [...alphabets, ...others, ...heads]) {
    assertCheap(tokenize, filled(text), JSON.stringify(text));
  }
});

test("samples with a digit, a blank or a letter that goes on for long cost little", async () => {
  const tokenize = await tokenizer("text.log.gotrace", counted);
  // Samples of a family with as many fields take the same rules; the longest goes furthest.
  const longest = new Map();
  for (const sample of samples) {
    const layout = `${sample.family} ${sample.spans.length}`;
    const known = longest.get(layout);
    if (!known || known.text.length < sample.text.length) longest.set(layout, sample);
  }
  for (const { text } of longest.values()) {
    for (const char of ["0", "1", " ", "a"]) {
      for (const part of [0.3, 0.6, 0.95]) {
        const place = Math.floor(text.length * part);
        const line = (length) => text.slice(0, place) + char.repeat(length) + text.slice(place);
        assertCheap(tokenize, line, `${text}: "${char}" at ${place}`);
      }
    }
  }
});
