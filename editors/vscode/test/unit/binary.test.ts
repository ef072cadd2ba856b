import * as assert from "node:assert/strict";
import { chmod, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import * as path from "node:path";
import { BinaryNotFound, candidates, findBinary, type Lookup } from "../../src/binary";

function lookup(overrides: Partial<Lookup>): Lookup {
  return { setting: "", extensionPath: "/ext", homeDir: "/home/me", env: {}, platform: "linux", ...overrides };
}

describe("candidates", () => {
  it("tries the bundled program, then PATH in order", () => {
    const found = candidates(lookup({ env: { PATH: "/usr/local/bin:/usr/bin" } }));
    assert.deepEqual(found, [
      { path: "/ext/server/gotracelens", source: "bundled" },
      { path: "/usr/local/bin/gotracelens", source: "PATH" },
      { path: "/usr/bin/gotracelens", source: "PATH" },
    ]);
  });
  it("tries nothing else when the setting names a program", () => {
    const found = candidates(lookup({ setting: "/opt/gotracelens", env: { PATH: "/usr/bin" } }));
    assert.deepEqual(found, [{ path: "/opt/gotracelens", source: "setting" }]);
  });
  it("expands the home folder in the setting", () => {
    assert.deepEqual(candidates(lookup({ setting: "~/bin/gotracelens" })), [
      { path: "/home/me/bin/gotracelens", source: "setting" },
    ]);
  });
  it("skips relative and empty entries of PATH", () => {
    const found = candidates(lookup({ env: { PATH: ".::bin:/usr/bin" } }));
    assert.deepEqual(found.map((candidate) => candidate.path), ["/ext/server/gotracelens", "/usr/bin/gotracelens"]);
  });
  it("knows Windows", () => {
    const windows = lookup({ platform: "win32", extensionPath: "C:\\ext", env: { Path: "C:\\bin;.;D:\\go" } });
    assert.deepEqual(candidates(windows).map((candidate) => candidate.path), [
      "C:\\ext\\server\\gotracelens.exe",
      "C:\\bin\\gotracelens.exe",
      "D:\\go\\gotracelens.exe",
    ]);
  });
});

describe("findBinary", () => {
  let folder = "";
  const program = async (name: string, text: string, mode = 0o755): Promise<string> => {
    const file = path.join(folder, name);
    await mkdir(path.dirname(file), { recursive: true });
    await writeFile(file, text);
    await chmod(file, mode);
    return file;
  };

  beforeEach(async () => {
    folder = await mkdtemp(path.join(tmpdir(), "gotracelens-binary-"));
  });
  afterEach(async () => {
    await rm(folder, { recursive: true });
  });

  it("prefers the bundled program and reads its version", async () => {
    const bundled = await program("ext/server/gotracelens", "#!/bin/sh\necho gotracelens 1.2.3\n");
    await program("bin/gotracelens", "#!/bin/sh\necho gotracelens 9.9.9\n");
    const env = { PATH: path.join(folder, "bin") };
    assert.deepEqual(await findBinary(lookup({ extensionPath: path.join(folder, "ext"), env })), {
      path: bundled,
      source: "bundled",
      version: "gotracelens 1.2.3",
    });
  });
  it("passes over a file that cannot be run and a folder of that name", async () => {
    await program("a/gotracelens", "text", 0o644);
    await mkdir(path.join(folder, "b/gotracelens"), { recursive: true });
    const runs = await program("c/gotracelens", "#!/bin/sh\nexit 3\n");
    const env = { PATH: ["a", "b", "c"].map((name) => path.join(folder, name)).join(":") };
    const found = await findBinary(lookup({ extensionPath: folder, env }));
    assert.equal(found.path, runs);
    assert.match(found.version, /^unknown \(--version failed/);
  });
  it("does not fall through from a setting that names nothing", async () => {
    await program("bin/gotracelens", "#!/bin/sh\n");
    const setting = path.join(folder, "missing");
    await assert.rejects(findBinary(lookup({ setting, env: { PATH: path.join(folder, "bin") } })), (error) => {
      assert.ok(error instanceof BinaryNotFound);
      assert.match(error.message, /gotracelens\.server\.path.*missing/);
      return true;
    });
  });
  it("refuses a relative setting", async () => {
    await assert.rejects(findBinary(lookup({ setting: "bin/gotracelens" })), /an absolute path is needed/);
  });
  it("says so when there is none", async () => {
    await assert.rejects(findBinary(lookup({ extensionPath: folder })), /no gotracelens program is bundled/);
  });
});
