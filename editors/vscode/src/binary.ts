/**
 * Finds the server: the setting `gotracelens.server.path`, then the one bundled with this extension, then `PATH`.
 * A setting that names no usable file is an error and never falls through to another server.
 *
 * Nothing here reads the workspace: the setting has machine scope, and `PATH` is searched by hand because
 * Windows would otherwise look into the current folder first. Entries of `PATH` that are not absolute are skipped.
 */
import { execFile } from "node:child_process";
import { constants } from "node:fs";
import { access, stat } from "node:fs/promises";
import * as path from "node:path";

export type Source = "setting" | "bundled" | "PATH";

/** A server program that exists, and what it said about itself. */
export interface Binary {
  readonly path: string;
  readonly source: Source;
  /** The answer to `--version`, or why there is none. */
  readonly version: string;
}

/** What the lookup depends on. */
export interface Lookup {
  /** The value of `gotracelens.server.path`; empty when unset. */
  readonly setting: string;
  readonly extensionPath: string;
  readonly homeDir: string;
  readonly env: NodeJS.ProcessEnv;
  readonly platform: NodeJS.Platform;
}

export class BinaryNotFound extends Error {}

/** The program files to try, in order. */
export function candidates(lookup: Lookup): { path: string; source: Source }[] {
  const files = lookup.platform === "win32" ? path.win32 : path.posix;
  const program = lookup.platform === "win32" ? "gotracelens.exe" : "gotracelens";
  if (lookup.setting !== "") {
    const expanded = lookup.setting.replace(/^~(?=[/\\])/, () => lookup.homeDir);
    return [{ path: expanded, source: "setting" }];
  }
  const onPath = (lookup.env["PATH"] ?? lookup.env["Path"] ?? "")
    .split(files.delimiter)
    .filter((folder) => files.isAbsolute(folder))
    .map((folder) => ({ path: files.join(folder, program), source: "PATH" as const }));
  return [{ path: files.join(lookup.extensionPath, "server", program), source: "bundled" }, ...onPath];
}

/** The first candidate that can be run. */
export async function findBinary(lookup: Lookup): Promise<Binary> {
  for (const candidate of candidates(lookup)) {
    if (path.isAbsolute(candidate.path) && (await isProgram(candidate.path))) {
      return { ...candidate, version: await versionOf(candidate.path) };
    }
  }
  throw new BinaryNotFound(
    lookup.setting === ""
      ? "no gotracelens program is bundled with this extension or found on PATH"
      : `the setting gotracelens.server.path names no program that can be run: "${lookup.setting}" (an absolute path is needed)`,
  );
}

async function isProgram(file: string): Promise<boolean> {
  try {
    await access(file, constants.X_OK);
    return (await stat(file)).isFile();
  } catch {
    return false;
  }
}

function versionOf(file: string): Promise<string> {
  return new Promise((resolve) => {
    execFile(file, ["--version"], { timeout: 5_000, windowsHide: true }, (error, stdout) => {
      const line = stdout.split("\n", 1)[0]?.trim() ?? "";
      if (error !== null) {
        resolve(`unknown (--version failed: ${error.message.split("\n", 1)[0] ?? ""})`);
      } else {
        resolve(line === "" ? "unknown (--version said nothing)" : line.slice(0, 100));
      }
    });
  });
}
