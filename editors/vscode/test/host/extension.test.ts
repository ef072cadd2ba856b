import * as assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import * as os from "node:os";
import * as vscode from "vscode";
import type { Api } from "../../src/extension";
import type { HoverExpectation, Table } from "../expectations";

const LIMIT_MS = 20_000;
const EXPECTATIONS = (JSON.parse(readFileSync(process.env["GOTRACELENS_EXPECTATIONS"] ?? "", "utf8")) as Table).logs;
const SEVERITIES = {
  error: vscode.DiagnosticSeverity.Error,
  warning: vscode.DiagnosticSeverity.Warning,
  info: vscode.DiagnosticSeverity.Information,
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

/** The text of all hovers at the first `needle` of a line counted from 0; what is bold there is plain here, and columns are one blank apart. */
async function hoverText(document: vscode.TextDocument, line: number, needle: string): Promise<string> {
  const character = document.lineAt(line).text.indexOf(needle);
  assert.ok(character >= 0, `no "${needle}" in line ${line + 1}`);
  const at = new vscode.Position(line, character);
  const hovers = await vscode.commands.executeCommand<vscode.Hover[]>("vscode.executeHoverProvider", document.uri, at);
  const texts = hovers.flatMap((hover) => hover.contents).map((part) => (part instanceof vscode.MarkdownString ? part.value : ""));
  return texts.join("\n").replaceAll("**", "").replaceAll(/\s+/g, " ");
}

/** The first hover that the table asks for in its first log. */
function firstHover(): HoverExpectation {
  const [hover] = EXPECTATIONS[0].hovers;
  assert.ok(hover !== undefined);
  return hover;
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

  it("starts no server for a file that sets GODEBUG", async () => {
    const document = await show("deploy.yaml");
    assert.equal(document.languageId, "yaml");
    assert.equal(await hoverText(document, 2, "gctrace"), "");
    assert.deepEqual(vscode.languages.getDiagnostics(document.uri), []);
    assert.equal(state(), "idle");
  });

  it("helps to set GODEBUG once that is switched on, and no longer when it is switched off", async () => {
    const document = await show("deploy.yaml");
    const configuration = vscode.workspace.getConfiguration("gotracelens");
    await configuration.update("godebug.enable", true, vscode.ConfigurationTarget.Global);
    try {
      await runs();
      const hover = await until("a hover", () => hoverText(document, 2, "gctrace"), (text) => text !== "");
      assert.ok(hover.includes("every garbage collection"), hover);
      const problems = (): vscode.Diagnostic[] => vscode.languages.getDiagnostics(document.uri);
      const [problem] = await until("the problem", problems, (all) => all.length === 1);
      assert.ok(problem !== undefined);
      assert.deepEqual([code(problem), problem.range.start.line, problem.range.start.character], ["GD101", 2, 22]);
      const end = new vscode.Position(2, document.lineAt(2).text.length - 1);
      const list = await vscode.commands.executeCommand<vscode.CompletionList>(
        "vscode.executeCompletionItemProvider",
        document.uri,
        end,
      );
      const offered = list.items.map(({ label }) => (typeof label === "string" ? label : label.label));
      assert.ok(offered.includes("schedtrace") && !offered.includes("gctrace"), offered.join(" "));
    } finally {
      await configuration.update("godebug.enable", undefined, vscode.ConfigurationTarget.Global);
    }
    await until("the server to stop", state, (kind) => kind === "idle");
    assert.deepEqual(vscode.languages.getDiagnostics(document.uri), []);
  });

  it("starts the server when an untitled document grows into a trace", async () => {
    const document = await vscode.workspace.openTextDocument({ content: "listening on :8080\n" });
    const editor = await vscode.window.showTextDocument(document);
    assert.equal(state(), "idle");
    const log = await vscode.workspace.openTextDocument(vscode.Uri.joinPath(folder(), EXPECTATIONS[0].log));
    const hover = firstHover();
    const traced = log.lineAt(hover.line - 1).text;
    await editor.edit((edit) => {
      edit.insert(document.lineAt(document.lineCount - 1).range.end, `${traced}\n`);
    });
    await runs();
    await until("a hover", () => hoverText(document, 1, hover.needle), (text) => text.startsWith(hover.starts));
    assert.equal(document.languageId, "plaintext");
  });

  it("opens pages of the reference, which lead to each other", async () => {
    await vscode.commands.executeCommand("gotracelens.openPage", "asist of evil](command:x)");
    await vscode.commands.executeCommand("gotracelens.openPage", "heap_goal_mb");
    const label = (): string => vscode.window.tabGroups.activeTabGroup.activeTab?.label ?? "no tab";
    await until("the preview", label, (text) => text.includes("gc.heap_goal_mb.md"));
    const page = vscode.Uri.from({ scheme: "gotracelens-page", path: "/gc.heap_goal_mb.md" });
    const document = await vscode.workspace.openTextDocument(page);
    assert.ok(document.getText().startsWith("# gc.heap_goal_mb\n"), document.getText());
    assert.equal(vscode.workspace.fs.isWritableFileSystem("gotracelens-page"), false);
    const [, target] = /\[GOGC\]\(\.\/([^)]+)\)/.exec(document.getText()) ?? [];
    assert.equal(target, "term%3Agogc.md");
    const term = await vscode.workspace.openTextDocument(page.with({ path: `/${decodeURIComponent(target)}` }));
    assert.ok(term.getText().startsWith("# GOGC\n"), term.getText());
    const missing = page.with({ path: "/nothing of that name.md" });
    await assert.rejects(async () => vscode.workspace.fs.stat(missing));
  });

  it("trusts hovers with the command that opens a page, and with no other", async () => {
    const document = await show(EXPECTATIONS[0].log);
    await runs();
    const hover = firstHover();
    const at = new vscode.Position(hover.line - 1, document.lineAt(hover.line - 1).text.indexOf(hover.needle));
    const ask = async (): Promise<vscode.MarkdownString[]> => {
      const hovers = await vscode.commands.executeCommand<vscode.Hover[]>("vscode.executeHoverProvider", document.uri, at);
      return hovers.flatMap((one) => one.contents).filter((part) => part instanceof vscode.MarkdownString);
    };
    const [text] = await until("the hover", ask, (parts) => parts.length > 0);
    assert.ok(text !== undefined);
    assert.match(text.value, /\]\(command:gotracelens\.openPage\?%5B%22[a-z_.]+%22%5D\)/);
    assert.deepEqual(text.isTrusted, { enabledCommands: ["gotracelens.openPage"] });
    assert.notEqual(text.supportHtml, true);
  });

  for (const expected of EXPECTATIONS) {
    describe(expected.log, () => {
      let document: vscode.TextDocument;
      beforeEach(async () => {
        document = await show(expected.log);
        await runs();
      });

      it("keeps its language", () => {
        assert.equal(document.languageId, "log");
      });
      it("has its code lenses and no others", async () => {
        const titles = async (): Promise<string[]> => {
          const lenses = await vscode.commands.executeCommand<vscode.CodeLens[]>(
            "vscode.executeCodeLensProvider",
            document.uri,
            100,
          );
          return lenses.map((lens) => lens.command?.title ?? "");
        };
        const seen = await until("the code lenses", titles, (all) => all.length === expected.lenses.length);
        expected.lenses.forEach((parts, i) => {
          for (const part of parts) {
            assert.ok(seen[i]?.includes(part), `no "${part}" in: ${seen[i]}`);
          }
        });
      });
      for (const { line, needle, starts, has } of expected.hovers) {
        it(`explains "${needle}" in line ${line}`, async () => {
          const text = await until("the hover", () => hoverText(document, line - 1, needle), (answer) => answer !== "");
          assert.ok(text.startsWith(starts), `it starts otherwise: ${text}`);
          for (const part of has) {
            assert.ok(text.includes(part), `no "${part}" in: ${text}`);
          }
        });
      }
      it("has its diagnostics and no others", async () => {
        const aboveHints = (): vscode.Diagnostic[] =>
          vscode.languages
            .getDiagnostics(document.uri)
            .filter((diagnostic) => diagnostic.severity !== vscode.DiagnosticSeverity.Hint)
            .sort((a, b) => a.range.start.line - b.range.start.line);
        const found = await until("diagnostics", aboveHints, (all) => all.length === expected.diagnostics.length);
        expected.diagnostics.forEach((wanted, i) => {
          const diagnostic = found[i];
          assert.ok(diagnostic !== undefined);
          assert.deepEqual(
            [diagnostic.range.start.line + 1, code(diagnostic), diagnostic.severity, diagnostic.source],
            [wanted.line, wanted.code, SEVERITIES[wanted.severity], "gotracelens"],
          );
          assert.ok(diagnostic.message.includes(wanted.has), diagnostic.message);
        });
      });
    });
  }

  it("mutes one finding after the other", async () => {
    const expected = EXPECTATIONS.find(({ diagnostics }) => new Set(diagnostics.map((one) => one.code)).size > 1);
    assert.ok(expected !== undefined, "no log of the table has two findings");
    const document = await show(expected.log);
    await runs();
    const found = (): vscode.Diagnostic[] =>
      vscode.languages.getDiagnostics(document.uri).filter((one) => one.severity !== vscode.DiagnosticSeverity.Hint);
    const isWhole = (all: vscode.Diagnostic[]): boolean => all.length === expected.diagnostics.length;
    await until("diagnostics", found, isWhole);
    try {
      for (const rule of [...new Set(expected.diagnostics.map((one) => one.code))].slice(0, 2)) {
        const range = found().find((one) => code(one) === rule)?.range;
        assert.ok(range !== undefined, rule);
        const offered = await vscode.commands.executeCommand<vscode.CodeAction[]>(
          "vscode.executeCodeActionProvider",
          document.uri,
          range,
        );
        const mute = offered.find(({ title }) => title.startsWith(`Mute ${rule} `) && title.endsWith(" in this file"));
        assert.ok(mute?.edit !== undefined && mute.command !== undefined, offered.map(({ title }) => title).join("; "));
        assert.ok(await vscode.workspace.applyEdit(mute.edit), `the edit for ${rule} was refused`);
        await vscode.commands.executeCommand(mute.command.command, ...((mute.command.arguments ?? []) as unknown[]));
        await until(`${rule} to be gone`, found, (left) => left.every((one) => code(one) !== rule));
      }
    } finally {
      await vscode.workspace.fs.delete(vscode.Uri.joinPath(folder(), "gotracelens.mute.toml"));
    }
    await until("all to be back", found, isWhole);
  });

  it("goes where a lens leads", async () => {
    const document = await show(EXPECTATIONS[0].log);
    await runs();
    const lensesOf = (): Thenable<vscode.CodeLens[]> =>
      vscode.commands.executeCommand<vscode.CodeLens[]>("vscode.executeCodeLensProvider", document.uri, 100);
    const isCommand = (lens: vscode.CodeLens): boolean => lens.command?.command.startsWith("gotracelens.") === true;
    const lenses = await until("lenses with commands", lensesOf, (all) => all.some(isCommand));
    const command = lenses.find(isCommand)?.command;
    assert.ok(command !== undefined);
    const all = await vscode.commands.getCommands(true);
    assert.ok(all.includes(command.command), command.command);
    await vscode.commands.executeCommand("gotracelens.reveal", document.uri.toString(), 346);
    assert.equal(vscode.window.activeTextEditor?.selection.active.line, 346);
  });

  it("tells what happened at the cursor", async () => {
    const document = await show(EXPECTATIONS[0].log);
    await runs();
    await vscode.commands.executeCommand("gotracelens.reveal", document.uri.toString(), 346);
    await vscode.commands.executeCommand("gotracelens.narrate");
    const told = (): vscode.TextDocument | undefined =>
      vscode.workspace.textDocuments.find((open) => open.uri.scheme === "gotracelens-told");
    const text = (await until("the text", told, (open) => open !== undefined))?.getText() ?? "";
    assert.ok(text.includes("347") && text.includes("MB"), text);
    await vscode.commands.executeCommand("workbench.action.closeActiveEditor");
  });

  it("answers again after a restart", async () => {
    const document = await show(EXPECTATIONS[0].log);
    await vscode.commands.executeCommand("gotracelens.restartServer");
    assert.equal(state(), "running");
    const { line, needle } = firstHover();
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
