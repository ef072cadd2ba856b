// Takes one picture of a log in VS Code with a lens and an open hover, as for the README.
//   node test/e2e/screenshot.mjs --server FILE --vsix FILE --log FILE --line N --needle TEXT --out FILE.png
//     [--contains TEXT]     the hover must hold this text
//     [--problems]          with the Problems panel
//     [--fold FIRST-LAST]   these lines are folded away, so that the lens above line 1 and a late line are both seen
//     [--size 1400x800]
import { copyFile, mkdir, mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, dirname, join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { install } from "./install.mjs";

const text = { type: "string" };
const { values } = parseArgs({
  options: {
    server: text,
    vsix: text,
    log: text,
    line: text,
    needle: text,
    out: text,
    contains: { ...text, default: "" },
    problems: { type: "boolean", default: false },
    fold: text,
    size: { ...text, default: "1400x800" },
  },
});
for (const name of ["server", "vsix", "log", "line", "needle", "out"]) {
  if (values[name] === undefined) throw new Error(`--${name} is missing`);
}

const { codeServer, chromium } = await install();
const { killAll, startServer } = await import("./server.mjs");
const { openBrowser, startOf, Workbench } = await import("./workbench.mjs");
process.on("exit", killAll);
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => process.exit(1));

const work = await mkdtemp(join(tmpdir(), "gotracelens-shot-"));
const log = join(work, basename(values.log));
await copyFile(values.log, log);
const [width, height] = values.size.split("x").map(Number);
const vscode = await startServer(codeServer, {
  vsix: resolve(values.vsix),
  machineSettings: { "gotracelens.server.path": resolve(values.server) },
  // Below, so that a hover near the top does not cover the lens.
  userSettings: {
    "editor.hover.above": false,
    "editor.occurrencesHighlight": "off",
    "editor.stickyScroll.enabled": false,
    "workbench.activityBar.location": "hidden",
    "window.commandCenter": false,
    "window.title": "${activeEditorShort}",
  },
});
const { browser, context } = await openBrowser(chromium, { width, height });
try {
  const workbench = new Workbench(await context.newPage(), vscode.url);
  await workbench.open(work, log);
  await workbench.command("View: Close Primary Side Bar");
  await workbench.waitForLenses((seen) => seen.length > 0);
  if (values.problems) await workbench.waitForProblem("", () => true);
  await workbench.focusEditor();
  if (values.fold !== undefined) {
    const [first, last] = values.fold.split("-").map(Number);
    await workbench.fold(first, last);
  }
  await workbench.goToLine(1);
  await workbench.goToLine(Number(values.line));
  const start = startOf(await readFile(log, "utf8"), Number(values.line));
  await workbench.hover(start, values.needle, (parts) => parts.some((part) => part.includes(values.contains)));
  await mkdir(dirname(resolve(values.out)), { recursive: true });
  await workbench.screenshot(values.out);
  console.log(values.out);
} finally {
  await browser.close();
  await vscode.stop();
  await rm(work, { recursive: true, force: true });
}
process.exit(0);
