// Every test of the extension: pure functions, the suite inside the extension host, and what is on the screen.
//   node test/run.mjs --server FILE [--vsix FILE] [--logs DIR] [--shots DIR] [--expectations FILE]
// Exit status: 0 all passed, 1 something failed, 2 wrong arguments, 3 something cannot be installed here (the last
// line says what and why). Otherwise the last line is "N passed, N failed".
import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { CannotInstall, extensionDir, install, toolsDir } from "./e2e/install.mjs";

const USAGE = "usage: node test/run.mjs --server FILE [--vsix FILE] [--logs DIR] [--shots DIR] [--expectations FILE]";

function readArguments() {
  const text = { type: "string" };
  const { values } = parseArgs({
    options: { server: text, vsix: text, logs: text, shots: text, expectations: text },
  });
  const paths = {
    server: values.server,
    vsix: values.vsix,
    logs: values.logs ?? join(extensionDir, "../../tests/corpus"),
    shots: values.shots ?? join(toolsDir, "shots/vscode"),
    expectations: values.expectations ?? join(extensionDir, "../../tests/editors.json"),
  };
  if (paths.server === undefined) throw new Error("--server is missing");
  for (const [name, path] of Object.entries(paths)) {
    if (path === undefined) continue;
    paths[name] = resolve(path);
    if (name !== "shots" && !existsSync(paths[name])) throw new Error(`--${name}: no such file: "${path}"`);
  }
  return paths;
}

async function main() {
  let paths;
  try {
    paths = readArguments();
  } catch (error) {
    console.error(`${error.message}\n${USAGE}`);
    return 2;
  }
  let tools;
  try {
    tools = await install();
  } catch (error) {
    if (!(error instanceof CannotInstall)) throw error;
    console.log(error.message.replaceAll("\n", " "));
    return 3;
  }
  // Only now: what it imports has just been installed.
  const { runSuites } = await import("./suites.mjs");
  const { passed, failed } = await runSuites(paths, tools);
  console.log(`${passed} passed, ${failed} failed`);
  return failed === 0 && passed > 0 ? 0 : 1;
}

// A browser or server that lingers must not keep a finished run alive.
process.exit(await main());
