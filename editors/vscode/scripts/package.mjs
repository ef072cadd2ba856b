// Builds and packages the extension.
//   node scripts/package.mjs [--out FILE]                              without a server: it is looked up on PATH
//   node scripts/package.mjs --target linux-x64 --server FILE [--out FILE]   with the server for one platform inside
import { spawnSync } from "node:child_process";
import { chmod, copyFile, mkdir, readFile, rm } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { platformOf } from "./platform.mjs";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const { values } = parseArgs({
  options: { target: { type: "string" }, server: { type: "string" }, out: { type: "string" } },
});

function run(program, args) {
  const { status, error } = spawnSync(process.execPath, [program, ...args], { cwd: root, stdio: "inherit" });
  if (error !== undefined || status !== 0) throw new Error(`${program}: ${error?.message ?? `exit status ${status}`}`);
}

if ((values.target === undefined) !== (values.server === undefined)) {
  throw new Error("--target and --server belong together: a package with a server is for one platform");
}
const { version } = JSON.parse(await readFile(join(root, "package.json"), "utf8"));
const out = resolve(values.out ?? join(root, `gotracelens-${values.target ?? "universal"}-${version}.vsix`));

// Only what this call puts there may be packaged.
const bundled = join(root, "server");
await rm(bundled, { recursive: true, force: true });
const args = ["package", "--no-dependencies", "--allow-missing-repository", "--out", out];
if (values.target !== undefined) {
  const platform = platformOf(await readFile(values.server));
  if (platform !== values.target.replace(/^alpine-/, "linux-")) {
    throw new Error(`"${values.server}" is a program for ${platform}, not for ${values.target}`);
  }
  const program = join(bundled, values.target.startsWith("win32-") ? "gotracelens.exe" : "gotracelens");
  await mkdir(bundled, { recursive: true });
  await copyFile(values.server, program);
  await chmod(program, 0o755);
  args.push("--target", values.target);
}
run("scripts/build.mjs", []);
await mkdir(dirname(out), { recursive: true });
run("node_modules/@vscode/vsce/vsce", args);
await rm(bundled, { recursive: true, force: true });
console.log(out);
