// Installs what the tests need: npm tools and a VS Code server below /.tools, Chromium, ripgrep and a font from apt.
// Every version is pinned. `node test/e2e/install.mjs` does it alone; run.mjs calls it first.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { lstat, mkdir, readFile, rename, rm, symlink, writeFile } from "node:fs/promises";
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

/** The folder of the extension. */
export const extensionDir = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
/** The git-ignored folder that holds everything installed. */
export const toolsDir = join(extensionDir, "../../.tools");

// VS Code 1.110: the newest whose server runs on Node 20. The npm package carries a complete server in lib/vscode.
const CODE_SERVER = {
  version: "4.110.0",
  integrity: "sha512-Sc3ZIUZgaFLOl5nX7aJVt/MWNPJOOysFnheWhawd8JkbHvJKOgHSpxDIm7fFx55k9GjHwqS3oLABNztwiBogSg==",
};

/** Something that is missing and cannot be installed here. */
export class CannotInstall extends Error {}

function run(program, args, options = {}) {
  const result = spawnSync(program, args, {
    encoding: "utf8",
    maxBuffer: 64 * 1024 * 1024,
    shell: process.platform === "win32" && program === "npm",
    ...options,
  });
  if (result.error !== undefined || result.status !== 0) {
    const said = result.error?.message ?? `${result.stderr}${result.stdout}`.trim().split("\n").slice(-3).join(" | ");
    throw new CannotInstall(`${program} ${args.slice(0, 2).join(" ")}: ${said}`);
  }
  return result.stdout;
}

function onPath(names) {
  for (const folder of (process.env.PATH ?? "").split(delimiter)) {
    for (const name of names) {
      if (folder !== "" && existsSync(join(folder, name))) return join(folder, name);
    }
  }
  return undefined;
}

const findChromium = () => process.env.CHROMIUM ?? onPath(["chromium", "chromium-browser", "google-chrome"]);
const hasFont = () =>
  process.platform !== "linux" || ["/usr/share/fonts", "/usr/local/share/fonts"].some((folder) => existsSync(folder));

/** Chromium and its like come from the system: installed by apt when that is possible, else named. */
function installSystemPackages() {
  const missing = [];
  if (findChromium() === undefined) missing.push("chromium");
  if (onPath(["rg", "rg.exe"]) === undefined) missing.push("ripgrep");
  if (!hasFont()) missing.push("fonts-dejavu-core");
  if (missing.length === 0) return;
  const names = missing.join(" ");
  if (process.getuid?.() !== 0 || onPath(["apt-get"]) === undefined) {
    throw new CannotInstall(`missing: ${names}; install them (on Debian: apt-get install ${names})`);
  }
  console.log(`apt-get install ${names}`);
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
  try {
    run("apt-get", ["update"], { env });
    run("apt-get", ["install", "-y", "--no-install-recommends", ...missing], { env });
  } catch (error) {
    throw new CannotInstall(`missing: ${names}; ${error.message}`);
  }
}

/** The packages of package-lock.json, in /.tools/npm, and linked as node_modules of the extension. */
export async function installNpmTools() {
  const target = join(toolsDir, "npm");
  const lock = await readFile(join(extensionDir, "package-lock.json"));
  const stamp = createHash("sha256").update(lock).digest("hex");
  const stampFile = join(target, "installed");
  const link = join(extensionDir, "node_modules");
  const own = await lstat(link).catch(() => undefined);
  // A developer's own `npm ci` is as good.
  if (own !== undefined && !own.isSymbolicLink()) return;
  if ((await readFile(stampFile, "utf8").catch(() => "")) !== stamp) {
    console.log("npm ci (tools of the VS Code extension)");
    await mkdir(target, { recursive: true });
    for (const name of ["package.json", "package-lock.json", ".npmrc"]) {
      await writeFile(join(target, name), await readFile(join(extensionDir, name)));
    }
    run("npm", ["ci", "--loglevel=error"], { cwd: target });
    await writeFile(stampFile, stamp);
  }
  if (own === undefined) await symlink(join(target, "node_modules"), link, "junction");
}

/** Plain JavaScript in place of a native module: without one, VS Code's Output panel stays empty. */
const SPDLOG = `
const fs = require("node:fs");
const path = require("node:path");
const LEVELS = ["trace", "debug", "info", "warning", "error", "critical"];
class Logger {
  constructor(file) {
    this.file = file;
    this.level = 2;
    this.plain = false;
    fs.mkdirSync(path.dirname(file), { recursive: true });
  }
  write(level, message) {
    if (level < this.level) return;
    const time = new Date().toISOString().replace("T", " ").replace("Z", "");
    try {
      fs.appendFileSync(this.file, this.plain ? message : time + " [" + LEVELS[level] + "] " + message + "\\n");
    } catch {}
  }
  trace(message) { this.write(0, message); }
  debug(message) { this.write(1, message); }
  info(message) { this.write(2, message); }
  warn(message) { this.write(3, message); }
  error(message) { this.write(4, message); }
  critical(message) { this.write(5, message); }
  getLevel() { return this.level; }
  setLevel(level) { this.level = level; }
  setPattern() {}
  clearFormatters() { this.plain = true; }
  flush() {}
  drop() {}
}
const create = async (name, file) => new Logger(file);
// One "exports.x =" per name: the module is import()ed, and Node finds a CommonJS module's names by reading its text.
exports.version = 0;
exports.setLevel = () => {};
exports.setFlushOn = () => {};
exports.Logger = Logger;
exports.createRotatingLogger = create;
exports.createAsyncRotatingLogger = create;
`;
const WATCHDOG = "exports.start = () => {};\nexports.exit = (code) => process.exit(code ?? 0);\n";

/** The folder of the VS Code server; installed when it is not there yet. */
async function installCodeServer() {
  const { version, integrity } = CODE_SERVER;
  const target = join(toolsDir, `code-server-${version}`);
  if (existsSync(target)) return target;
  console.log(`npm pack code-server@${version} (VS Code 1.${version.split(".")[1]})`);
  const work = `${target}.${process.pid}`;
  await rm(work, { recursive: true, force: true });
  await mkdir(work, { recursive: true });
  const [packed] = JSON.parse(run("npm", ["pack", "--json", "--loglevel=error", `code-server@${version}`], { cwd: work }));
  const archive = join(work, packed.filename);
  const digest = `sha512-${createHash("sha512").update(await readFile(archive)).digest("base64")}`;
  if (digest !== integrity) throw new CannotInstall(`code-server@${version}: checksum is ${digest}, not ${integrity}`);
  // The wrapper above lib/vscode (argon2, express, ...) is left out; it needs a compiler and downloads.
  const only = ["--strip-components=3", "--exclude=*.map", "package/lib/vscode"];
  run("tar", ["xzf", packed.filename, ...only], { cwd: work });
  await rm(archive);
  // Versions are fixed by the shrinkwrap beside package.json. Scripts stay off: they would compile and download.
  const quiet = ["--no-save", "--legacy-peer-deps", "--no-audit", "--no-fund", "--loglevel=error"];
  run("npm", ["install", "--omit=dev", "--ignore-scripts", ...quiet], { cwd: work });
  const modules = join(work, "node_modules");
  await writeFile(join(modules, "@vscode/spdlog/index.js"), SPDLOG);
  for (const name of ["native-watchdog", "@vscode/native-watchdog"]) {
    if (existsSync(join(modules, name))) await writeFile(join(modules, name, "index.js"), WATCHDOG);
  }
  await mkdir(join(modules, "@vscode/ripgrep/bin"), { recursive: true });
  await symlink(onPath(["rg", "rg.exe"]), join(modules, "@vscode/ripgrep/bin/rg"));
  await rename(work, target);
  return target;
}

/** Installs what is missing; answers where the server and Chromium are. Throws CannotInstall. */
export async function install() {
  if (Number(process.versions.node.split(".")[0]) < 20) {
    throw new CannotInstall(`missing: Node 20 or newer (this is ${process.version})`);
  }
  await installNpmTools();
  installSystemPackages();
  return { codeServer: await installCodeServer(), chromium: findChromium() };
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  try {
    console.log(await install());
  } catch (error) {
    if (!(error instanceof CannotInstall)) throw error;
    console.error(error.message);
    process.exitCode = 3;
  }
}
