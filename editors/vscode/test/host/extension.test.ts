import * as assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import * as os from "node:os";
import * as vscode from "vscode";
import type { Api } from "../../src/extension";
import type { Expectation } from "../expectations";

const LIMIT_MS = 60_000;
const EXPECTATIONS = process.env["GOTRACELENS_EXPECTATIONS"] ?? "";
const SEVERITIES = {
  error: vscode.DiagnosticSeverity.Error,
  warning: vscode.DiagnosticSeverity.Warning,
  info: vscode.DiagnosticSeverity.Information,
  hint: vscode.DiagnosticSeverity.Hint,
};

/** Asks again and again until the answer passes `test`. */
async function until<T>(what: string, probe: () => T | Thenable<T>, test: (answer: T) => boolean): Promise<T> {
  for (const end = Date.now() + LIMIT_MS; ; ) {
    const answer = await probe();
    if (test(answer)) {
      return answer;
    }
    if (Date.now() > end) {
      throw new Error(`waited ${LIMIT_MS / 1000} s for ${what}; last: ${JSON.stringify(answer)}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

function folder(): vscode.Uri {
  const uri = vscode.workspace.workspaceFolders?.[0]?.uri;
  assert.ok(uri !== undefined, "the tests need a workspace folder");
  return uri;
}

async function show(path: string): Promise<vscode.TextDocument> {
  const document = await vscode.workspace.openTextDocument(vscode.Uri.joinPath(folder(), path));
  await vscode.window.showTextDocument(document);
  return document;
}

/** The text of all hovers at the first `needle` of a line counted from 0. */
async function hoverText(document: vscode.TextDocument, line: number, needle: string): Promise<string> {
  const character = document.lineAt(line).text.indexOf(needle);
  assert.ok(character >= 0, `no "${needle}" in line ${line + 1}`);
  const at = new vscode.Position(line, character);
  const hovers = await vscode.commands.executeCommand<vscode.Hover[]>("vscode.executeHoverProvider", document.uri, at);
  const texts = hovers.flatMap((hover) => hover.contents).map((part) => (part instanceof vscode.MarkdownString ? part.value : ""));
  return texts.join("\n");
}

const code = (diagnostic: vscode.Diagnostic): string | number | undefined =>
  typeof diagnostic.code === "object" ? diagnostic.code.value : diagnostic.code;

describe("gotracelens in the extension host", () => {
  let extension: vscode.Extension<Api>;
  const state = (): string => extension.exports.state().kind;
  const runs = (): Promise<string> => until("the server to run", state, (kind) => kind === "running");

  before(() => {
    const found = vscode.extensions.getExtension<Api>("gotracelens.gotracelens");
    assert.ok(found !== undefined);
    extension = found;
  });
  afterEach(async () => {
    await vscode.commands.executeCommand("workbench.action.revertAndCloseActiveEditor");
  });

  it("starts no server for a foreign log", async () => {
    const document = await show("foreign.log");
    assert.equal(document.languageId, "log");
    await until("activation", () => extension.isActive, (active) => active);
    assert.equal(await hoverText(document, 0, "listening"), "");
    assert.equal(state(), "idle");
  });

  it("starts the server when an untitled document grows into a trace", async () => {
    const document = await vscode.workspace.openTextDocument({ content: "listening on :8080\n" });
    const editor = await vscode.window.showTextDocument(document);
    assert.equal(state(), "idle");
    const [expectation] = JSON.parse(readFileSync(EXPECTATIONS, "utf8")) as [Expectation];
    const log = await vscode.workspace.openTextDocument(vscode.Uri.joinPath(folder(), expectation.log));
    const { line, needle, includes } = expectation.hover;
    const traced = log.lineAt(line - 1).text;
    await editor.edit((edit) => {
      edit.insert(document.lineAt(document.lineCount - 1).range.end, `${traced}\n`);
    });
    await runs();
    await until("a hover", () => hoverText(document, 1, needle), (text) => includes.every((part) => text.includes(part)));
    assert.equal(document.languageId, "plaintext");
  });

  for (const expected of JSON.parse(readFileSync(EXPECTATIONS, "utf8")) as Expectation[]) {
    describe(expected.log, () => {
      let document: vscode.TextDocument;
      beforeEach(async () => {
        document = await show(expected.log);
        await runs();
      });

      it("keeps its language", () => {
        assert.equal(document.languageId, "log");
      });
      it("has the code lens", async () => {
        const titles = async (): Promise<string[]> => {
          const lenses = await vscode.commands.executeCommand<vscode.CodeLens[]>(
            "vscode.executeCodeLensProvider",
            document.uri,
            100,
          );
          return lenses.map((lens) => lens.command?.title ?? "");
        };
        await until("the code lens", titles, (all) => all.some((title) => new RegExp(expected.lens).test(title)));
      });
      it("explains the field under the cursor", async () => {
        const { line, needle, includes, excludes } = expected.hover;
        const text = await until("the hover", () => hoverText(document, line - 1, needle), (answer) => answer !== "");
        for (const part of includes) {
          assert.ok(text.includes(part), `no "${part}" in: ${text}`);
        }
        for (const part of excludes) {
          assert.ok(!text.includes(part), `"${part}" in: ${text}`);
        }
      });
      it("has the diagnostic", async () => {
        const wanted = expected.diagnostic;
        const all = await until(
          `a diagnostic ${wanted.code}`,
          () => vscode.languages.getDiagnostics(document.uri),
          (diagnostics) => diagnostics.some((diagnostic) => code(diagnostic) === wanted.code),
        );
        const severity = SEVERITIES[wanted.severity];
        const found = all.filter((diagnostic) => code(diagnostic) === wanted.code && diagnostic.severity === severity);
        assert.deepEqual(found.map((diagnostic) => diagnostic.range.start.line + 1), [wanted.line]);
        for (const diagnostic of found) {
          assert.ok(diagnostic.message.includes(wanted.message), diagnostic.message);
          assert.equal(diagnostic.source, "gotracelens");
        }
      });
    });
  }

  it("answers again after a restart", async () => {
    const [expected] = JSON.parse(readFileSync(EXPECTATIONS, "utf8")) as [Expectation];
    const document = await show(expected.log);
    await vscode.commands.executeCommand("gotracelens.restartServer");
    assert.equal(state(), "running");
    const { line, needle } = expected.hover;
    await until("a hover", () => hoverText(document, line - 1, needle), (text) => text !== "");
  });

  it("copies information without the home folder", async () => {
    await vscode.commands.executeCommand("gotracelens.copyDiagnosticsInfo");
    const text = await vscode.env.clipboard.readText();
    assert.match(text, /^extension: \d+\.\d+\.\d+\nserver: running, version /);
    assert.match(text, /^program: .+ \(PATH\), /m);
    assert.ok(!text.includes(os.homedir()));
  });

  it("gives files of its own extension its own language", async () => {
    const document = await show("own.gctrace");
    assert.equal(document.languageId, "gotrace");
  });

  it("says why the server does not start", async () => {
    const configuration = vscode.workspace.getConfiguration("gotracelens");
    await configuration.update("server.path", "/nowhere/gotracelens", vscode.ConfigurationTarget.Global);
    await until("the failure", state, (kind) => kind === "failed");
    const failed = extension.exports.state();
    assert.ok(failed.kind === "failed");
    assert.match(failed.reason, /gotracelens\.server\.path.*"\/nowhere\/gotracelens"/);
    await configuration.update("server.path", undefined, vscode.ConfigurationTarget.Global);
    await runs();
  });
});
