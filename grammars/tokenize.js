// Colors lines with the committed grammars, the way VS Code does.

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

// Both are CommonJS modules.
const require = createRequire(import.meta.url);
const textmate = require("vscode-textmate");
const oniguruma = require("vscode-oniguruma");

const FILES = {
  "text.log.gotrace": "./textmate/gotrace.tmLanguage.json",
  "gotrace.injection": "./textmate/gotrace.injection.json",
};

export const SCOPES_OF_VALUES = /^(constant\.(numeric|language)|entity\.name|string\.unquoted)\..*\.gotrace$/;

/** Reads a JSON file, by its path from this one. */
export function readJson(path) {
  return JSON.parse(readFileSync(new URL(path, import.meta.url), "utf8"));
}

/** The samples of the catalog. Their file counts in bytes, editors count in UTF-16 units. */
export function readSamples() {
  const { samples } = readJson("./textmate/test/samples.json");
  return samples.map((sample) => {
    const bytes = Buffer.from(sample.text);
    const column = (at) => bytes.subarray(0, at).toString().length;
    const spans = sample.spans.map((span) => ({ ...span, start: column(span.start), end: column(span.end) }));
    return { ...sample, certain: column(sample.certain), spans };
  });
}

/** A stand-in for VS Code's own grammar of log files: it colors dates and numbers. */
const PLAIN_LOG = {
  scopeName: "text.log",
  patterns: [
    { name: "constant.language.date", match: "[0-9]{4}-[0-9]{2}-[0-9]{2}" },
    { name: "constant.language.number", match: "\\b[0-9.]+\\b" },
  ],
};

/** Oniguruma as it is shipped. */
const shipped = () => readFileSync(require.resolve("vscode-oniguruma/release/onig.wasm"));

async function registry(engine) {
  await oniguruma.loadWASM(engine(shipped()));
  return new textmate.Registry({
    onigLib: Promise.resolve({
      createOnigScanner: (patterns) => new oniguruma.OnigScanner(patterns),
      createOnigString: (text) => new oniguruma.OnigString(text),
    }),
    loadGrammar: async (scope) => (scope === "text.log" ? PLAIN_LOG : readJson(FILES[scope])),
    // As the extension's manifest asks for it.
    getInjections: (scope) => (scope === "text.log" ? ["gotrace.injection"] : undefined),
  });
}

let loaded;

/**
 * A function that gives the tokens of a line: start, end, and scopes from the outside in. `engine` makes what is loaded
 * out of the bytes of the matcher; it is loaded once in a process.
 */
export async function tokenizer(scope, engine = (bytes) => bytes) {
  loaded ??= registry(engine);
  const grammar = await (await loaded).loadGrammar(scope);
  return (line) =>
    grammar
      .tokenizeLine(line, null)
      .tokens.map((token) => ({ start: token.startIndex, end: token.endIndex, scopes: token.scopes }))
      .filter((token) => token.start < line.length);
}

/** The values that a tokenizer colors in a line. */
export function values(tokenize, line) {
  return tokenize(line)
    .map((token) => ({ start: token.start, end: token.end, scope: token.scopes.at(-1) }))
    .filter((token) => SCOPES_OF_VALUES.test(token.scope));
}
