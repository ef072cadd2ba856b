// What a user sees: the packaged extension in VS Code in Chromium, read from the screen, with pictures.
import { mkdir, open, readFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { lineOf, openBrowser, startOf, Workbench } from "./workbench.mjs";

const BIG_BYTES = 51 * 1024 * 1024;

/** One test per thing seen; the rest of a log's tests still run after a failure. */
class Tally {
  passed = 0;
  failed = 0;

  async test(name, body) {
    const start = Date.now();
    try {
      await body();
      this.passed++;
      console.log(`    ok  ${name} (${((Date.now() - start) / 1000).toFixed(1)} s)`);
    } catch (error) {
      this.failed++;
      console.log(`    FAILED  ${name}: ${error.message}`);
    }
  }
}

async function testLog(tally, workbench, { workspace, shots, rawMarkup }, expected) {
  const path = join(workspace, expected.log);
  const text = await readFile(path, "utf8");
  const name = basename(expected.log, ".log");
  console.log(`  ${expected.log}`);

  await tally.test("opens", () => workbench.open(workspace, path));
  await tally.test("lenses", async () => {
    const isRight = (seen) =>
      seen.length === expected.lenses.length &&
      expected.lenses.every((parts, i) => parts.every((part) => seen[i].includes(part)));
    for (const title of await workbench.waitForLenses(isRight)) console.log(`        ${title}`);
    await workbench.screenshot(join(shots, `${name}-lenses.png`));
  });
  for (const { line, needle, starts, has } of expected.hovers) {
    await tally.test(`hover over "${needle}" in line ${line}`, async () => {
      await workbench.goToLine(line);
      const isRight = (parts) =>
        parts.some((part) => part.startsWith(starts) && has.every((wanted) => part.includes(wanted))) &&
        parts.every((part) => rawMarkup.every((markup) => !part.includes(markup)));
      const seen = await workbench.hover(startOf(text, line), needle, isRight);
      console.log(`        ${seen.join(" / ")}`);
      await workbench.screenshot(join(shots, `${name}-hover-${line}-${needle.replaceAll(/\W/g, "-")}.png`));
      await workbench.page.keyboard.press("Escape");
    });
  }
  for (const { line, code, severity, has } of expected.diagnostics) {
    await tally.test(`${severity} ${code} in line ${line}`, async () => {
      const place = `gotracelens${code}[Ln ${line},`;
      const row = await workbench.waitForProblem(has, (seen) => seen.includes(has) && seen.includes(place));
      await workbench.focusEditor();
      await workbench.goToLine(line);
      await workbench.waitForSquiggle(severity);
      console.log(`        ${row}`);
      await workbench.screenshot(join(shots, `${name}-${code}.png`));
    });
  }
}

/** A file above VS Code's limit: the traced line stands at both ends. */
async function writeBigTrace(path, line) {
  const file = await open(path, "w");
  const block = `${line}\n`.repeat(10_000);
  for (let size = 0; size < BIG_BYTES; size += block.length) await file.write(block);
  await file.close();
}

export async function runOnScreen({ base, chromium, workspace, expectations, rawMarkup, shots }) {
  await mkdir(shots, { recursive: true });
  const tally = new Tally();
  const { browser, context, foreignHosts } = await openBrowser(chromium);
  try {
    const workbench = new Workbench(await context.newPage(), base);
    for (const expected of expectations) {
      await testLog(tally, workbench, { workspace, shots, rawMarkup }, expected);
    }
    console.log("  a trace above 50 MB");
    const big = join(workspace, "big.log");
    const first = await readFile(join(workspace, expectations[0].log), "utf8");
    await writeBigTrace(big, lineOf(first, 1));
    await tally.test("is explained in the status bar", async () => {
      await workbench.open(workspace, big);
      await workbench.waitForStatusBar((seen) => /5[12] MB Go trace: too large for extensions/.test(seen));
      await workbench.screenshot(join(shots, "big.png"));
    });
    console.log("  the network");
    await tally.test("is left alone", () => {
      if (foreignHosts.size > 0) throw new Error(`refused requests to ${[...foreignHosts].join(", ")}`);
    });
    if (tally.failed > 0) await workbench.screenshot(join(shots, "failure.png"));
  } finally {
    await browser.close();
  }
  return { passed: tally.passed, failed: tally.failed };
}
