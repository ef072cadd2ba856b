// Starts the VS Code server with fresh data in a folder of its own, so that no run sees another's edits or settings.
import { spawn, spawnSync } from "node:child_process";
import { rmSync } from "node:fs";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { until } from "./until.mjs";

/** Everything that would talk to the network, ask, or move the text is off. */
const SETTINGS = {
  "chat.disableAIFeatures": true,
  "editor.cursorBlinking": "solid",
  "editor.hover.delay": 100,
  "editor.inlayHints.enabled": "on",
  "editor.minimap.enabled": false,
  "editor.wordWrap": "off",
  "extensions.autoCheckUpdates": false,
  "extensions.autoUpdate": false,
  "extensions.ignoreRecommendations": true,
  "files.autoSave": "off",
  "files.hotExit": "off",
  "git.enabled": false,
  "npm.fetchOnlinePackageInfo": false,
  "security.workspace.trust.enabled": false,
  "telemetry.telemetryLevel": "off",
  "update.mode": "none",
  "window.confirmBeforeClose": "never",
  "workbench.colorTheme": "Default Dark Modern",
  "workbench.editorLargeFileConfirmation": 1024,
  "workbench.enableExperiments": false,
  "workbench.reduceMotion": "on",
  "workbench.secondarySideBar.defaultVisibility": "hidden",
  "workbench.settings.enableNaturalLanguageSearch": false,
  "workbench.startupEditor": "none",
  "workbench.tips.enabled": false,
  "workbench.welcomePage.walkthroughs.openOnInstall": false,
};

/** The servers that run, with their data folders. */
const running = new Map();

/** Ends every server that still runs and removes its data; for exit paths that cannot wait. */
export function killAll() {
  for (const [child, data] of running) {
    killGroup(child, "SIGKILL");
    rmSync(data, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
  }
  running.clear();
}

/** The server forks an extension host, which runs our server: all of them are one process group. */
function killGroup(child, signal) {
  try {
    process.kill(-child.pid, signal);
  } catch {
    // It is gone already.
  }
}

/**
 * Starts a server.
 * @param codeServer its folder
 * @param options.vsix an extension to install first
 * @param options.machineSettings settings of machine scope
 * @param options.path a folder to put in front of PATH
 * @param options.userSettings settings besides SETTINGS
 */
export async function startServer(codeServer, options = {}) {
  const data = await mkdtemp(join(tmpdir(), "gotracelens-vscode-"));
  const writeJson = async (folder, value) => {
    await mkdir(join(data, folder), { recursive: true });
    await writeFile(join(data, folder, "settings.json"), JSON.stringify(value));
  };
  await writeJson("user/User", { ...SETTINGS, ...options.userSettings });
  await writeJson("user/Machine", options.machineSettings ?? {});
  await mkdir(join(data, "home"));
  const env = {
    ...process.env,
    HOME: join(data, "home"),
    PATH: [...(options.path === undefined ? [] : [options.path]), process.env.PATH].join(delimiter),
    // Without this, recent versions ask the extension gallery for updates.
    EXTENSIONS_GALLERY: '{"serviceUrl":""}',
  };
  const program = join(codeServer, "out/server-main.js");
  const folders = ["--server-data-dir", "server", "--user-data-dir", "user", "--extensions-dir", "extensions"].map(
    (word) => (word.startsWith("--") ? word : join(data, word)),
  );
  if (options.vsix !== undefined) {
    const { status, stdout, stderr } = spawnSync(
      process.execPath,
      [program, ...folders, "--accept-server-license-terms", "--install-extension", options.vsix],
      { env, encoding: "utf8" },
    );
    if (status !== 0) throw new Error(`install ${options.vsix}: ${stderr}${stdout}`);
  }
  const quiet = ["--without-connection-token", "--accept-server-license-terms", "--disable-telemetry"];
  // The workbench heeds a test payload only with the smoke test flag. The last one keeps our PATH: else the extension
  // host takes the one of a login shell.
  const flags = [...quiet, "--disable-workspace-trust", "--enable-smoke-test-driver", "--force-disable-user-env"];
  const child = spawn(
    process.execPath,
    [program, "--host", "127.0.0.1", "--port", "0", ...flags, ...folders],
    { env, detached: true, stdio: ["ignore", "pipe", "pipe"] },
  );
  running.set(child, data);
  let log = "";
  const exited = new Promise((resolve) => {
    child.on("exit", () => {
      running.delete(child);
      resolve();
    });
  });
  const read = (chunk) => {
    log += chunk;
  };
  child.stdout.on("data", read);
  child.stderr.on("data", read);
  const stop = async () => {
    killGroup(child, "SIGTERM");
    const timer = setTimeout(() => killGroup(child, "SIGKILL"), 10_000);
    await exited;
    clearTimeout(timer);
    killGroup(child, "SIGKILL");
    await rm(data, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
  };
  const port = await until(
    "the address of the VS Code server",
    120_000,
    () => /^Extension host agent listening on (\d+)$/m.exec(log)?.[1] ?? (running.has(child) ? undefined : "none"),
  ).catch(() => "none");
  if (port === "none") {
    await stop();
    throw new Error(`the VS Code server does not start: ${log}`);
  }
  return {
    url: `http://127.0.0.1:${port}`,
    /** What the server has printed so far. */
    log: () => log,
    stop,
  };
}
