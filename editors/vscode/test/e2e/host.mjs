// Runs the mocha suite of test/host inside the extension host of a VS Code server: the web workbench takes the
// extension and the tests in its payload and reports through two functions of its window.
import { format } from "node:util";
import { openBrowser, remoteUri, workbenchUrl } from "./workbench.mjs";

const LIMIT_MS = 300_000;

/** Answers { passed, failed }. Everything that mocha prints is printed. */
export async function runInExtensionHost({ base, chromium, extension, tests, workspace }) {
  const { browser, context } = await openBrowser(chromium);
  try {
    await context.grantPermissions(["clipboard-read", "clipboard-write"], { origin: base });
    const page = await context.newPage();
    let counts;
    const finished = new Promise((resolve, reject) => {
      setTimeout(() => reject(new Error(`no result from the extension host in ${LIMIT_MS / 1000} s`)), LIMIT_MS).unref();
      page.on("crash", () => reject(new Error("the page crashed")));
      page.exposeFunction("codeAutomationExit", resolve).catch(reject);
    });
    await page.exposeFunction("codeAutomationLog", (_type, args) => {
      const line = format(...args);
      const found = /^host tests: (\d+) passed, (\d+) failed$/m.exec(line);
      if (found !== null) counts = { passed: Number(found[1]), failed: Number(found[2]) };
      // The workbench's own chatter comes the same way; mocha's lines are indented or empty.
      else if (/^(\s|$)/.test(line)) console.log(line);
    });
    const payload = [
      ["extensionDevelopmentPath", remoteUri(base, extension)],
      ["extensionTestsPath", remoteUri(base, tests)],
    ];
    await page.goto(workbenchUrl(base, workspace, payload));
    const exitCode = await finished;
    if (counts === undefined) throw new Error(`the extension host ended with ${exitCode} and no count`);
    return counts;
  } finally {
    await browser.close();
  }
}
