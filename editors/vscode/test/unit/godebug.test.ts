import * as assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { godebugSelector } from "../../src/godebug";

describe("godebugSelector", () => {
  it("matches nothing unless it is switched on", () => {
    assert.deepEqual(godebugSelector(false), []);
  });

  it("matches files only, and the extension is there for each of them", () => {
    const root = process.env["GOTRACELENS_EXTENSION"];
    assert.ok(root !== undefined);
    const manifest = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as { activationEvents: string[] };
    const selected = godebugSelector(true);
    assert.deepEqual(new Set(selected.map(({ scheme }) => scheme)), new Set(["file"]));
    const events = selected.map(({ language }) => `onLanguage:${language}`);
    const others = ["gotrace", "log", "plaintext"].map((language) => `onLanguage:${language}`);
    assert.deepEqual([...manifest.activationEvents].sort(), [...events, ...others].sort());
  });
});
