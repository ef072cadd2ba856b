// Builds the tests and runs the three suites one after the other.
import { build } from "esbuild";
import Mocha from "mocha";
import { spawnSync } from "node:child_process";
import { rmSync } from "node:fs";
import { copyFile, mkdir, mkdtemp, readFile, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { runInExtensionHost } from "./e2e/host.mjs";
import { extensionDir } from "./e2e/install.mjs";
import { runOnScreen } from "./e2e/screen.mjs";
import { killAll, startServer } from "./e2e/server.mjs";

/** Everything together takes about one minute on two cores; whatever hangs must not hang a whole test run. */
const LIMIT_MS = 480_000;

const FOREIGN_LOG = "2026/01/02 03:04:05 listening on :8080\n2026/01/02 03:04:06 GET /healthz 200 1.2ms\n".repeat(50);

const DEPLOY = 'env:\n  - name: GODEBUG\n    value: "gctrace=1,gctraec=1,"\n';

for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => process.exit(1));
process.on("exit", killAll);

async function buildTests() {
  const common = { absWorkingDir: extensionDir, bundle: true, platform: "node", format: "cjs", target: "node20" };
  const unit = ["detect", "binary", "platform", "godebug"].map((name) => `test/unit/${name}.test.ts`);
  await build({ ...common, entryPoints: unit, outdir: "dist/test/unit", sourcemap: "inline" });
  await build({
    ...common,
    entryPoints: ["test/host/index.ts"],
    outfile: "dist/test/host.js",
    external: ["vscode", "mocha"],
    sourcemap: "inline",
  });
  return unit.map((file) => join(extensionDir, "dist/test/unit", file.replace(/^.*\/(.*)\.ts$/, "$1.js")));
}

async function runUnitTests(files) {
  const mocha = new Mocha({ ui: "bdd", color: false, reporter: "dot" });
  files.forEach((file) => mocha.addFile(file));
  let passed = 0;
  const failed = await new Promise((done) => {
    mocha.run(done).on("pass", () => passed++);
  });
  return { passed, failed };
}

/** A fresh folder with the logs and a few small files. */
async function makeWorkspace(folder, logs, expectations) {
  for (const { log } of expectations) {
    await mkdir(dirname(join(folder, log)), { recursive: true });
    await copyFile(join(logs, log), join(folder, log));
  }
  await writeFile(join(folder, "foreign.log"), FOREIGN_LOG);
  await writeFile(join(folder, "own.gctrace"), "starting\n");
  await writeFile(join(folder, "deploy.yaml"), DEPLOY);
  return folder;
}

/** Runs a suite; an error of the suite itself counts as one failure. */
async function suite(name, body) {
  console.log(`== ${name}`);
  const start = Date.now();
  let counts;
  try {
    counts = await body();
  } catch (error) {
    console.log(`FAILED  ${name}: ${error.stack}`);
    counts = { passed: 0, failed: 1 };
  }
  const seconds = ((Date.now() - start) / 1000).toFixed(0);
  console.log(`-- ${counts.passed} passed, ${counts.failed} failed in ${seconds} s`);
  return counts;
}

export async function runSuites({ server, vsix, logs, shots, expectations: table }, { codeServer, chromium }) {
  const { logs: expectations, raw_markup: rawMarkup } = JSON.parse(await readFile(table, "utf8"));
  const work = await mkdtemp(join(tmpdir(), "gotracelens-test-"));
  setTimeout(() => {
    console.log(`FAILED  the suites have taken more than ${LIMIT_MS / 1000} s`);
    process.exit(1);
  }, LIMIT_MS).unref();
  process.on("exit", () => rmSync(work, { recursive: true, force: true }));
  process.env.GOTRACELENS_EXTENSION = extensionDir;
  process.env.GOTRACELENS_LOGS = logs;
  process.env.GOTRACELENS_EXPECTATIONS = table;
  const packaged = vsix ?? join(work, "gotracelens.vsix");
  if (vsix === undefined) {
    const script = join(extensionDir, "scripts/package.mjs");
    const { status } = spawnSync(process.execPath, [script, "--out", packaged], { stdio: "inherit" });
    if (status !== 0) throw new Error("package the extension: see above");
  }
  const unit = await suite("pure functions", async () => runUnitTests(await buildTests()));

  // The extension host suite runs the unpackaged extension and finds the server on PATH, ...
  const host = await suite("extension host", async () => {
    const bin = join(work, "bin");
    await mkdir(bin);
    await symlink(server, join(bin, "gotracelens"));
    const vscode = await startServer(codeServer, { path: bin });
    try {
      return await runInExtensionHost({
        base: vscode.url,
        chromium,
        extension: extensionDir,
        tests: join(extensionDir, "dist/test/host.js"),
        workspace: await makeWorkspace(join(work, "host"), logs, expectations),
      });
    } finally {
      await vscode.stop();
    }
  });

  // ... the screen suite the installed package and a server named by the machine's settings.
  const screen = await suite("screen", async () => {
    const machineSettings = { "gotracelens.server.path": server };
    const vscode = await startServer(codeServer, { vsix: packaged, machineSettings });
    try {
      const workspace = await makeWorkspace(join(work, "screen"), logs, expectations);
      return await runOnScreen({ base: vscode.url, chromium, workspace, expectations, rawMarkup, shots });
    } finally {
      await vscode.stop();
    }
  });
  const total = (key) => unit[key] + host[key] + screen[key];
  return { passed: total("passed"), failed: total("failed") };
}
