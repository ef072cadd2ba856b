/** The commands of the palette. */
import * as os from "node:os";
import * as vscode from "vscode";
import type { Server } from "./client";
import { describeState } from "./status";

export function registerCommands(context: vscode.ExtensionContext, server: Server): vscode.Disposable {
  return vscode.Disposable.from(
    vscode.commands.registerCommand("gotracelens.restartServer", () => server.restart()),
    vscode.commands.registerCommand("gotracelens.showOutput", () => {
      server.output.show();
    }),
    vscode.commands.registerCommand("gotracelens.copyDiagnosticsInfo", async () => {
      await vscode.env.clipboard.writeText(diagnosticsInfo(context, server));
      void vscode.window.setStatusBarMessage("gotracelens: information copied", 3_000);
    }),
  );
}

/** What a bug report needs. Holds no log text, no file name of the user's, and no home folder. */
function diagnosticsInfo(context: vscode.ExtensionContext, server: Server): string {
  const { state } = server;
  const { version } = context.extension.packageJSON as { version: string };
  const lines = [
    `extension: ${version}`,
    `server: ${describeState(state)}`,
    `editor: ${vscode.env.appName} ${vscode.version} (${vscode.env.appHost}${vscode.env.remoteName === undefined ? "" : ", remote"})`,
    `system: ${process.platform} ${process.arch} ${os.release()}`,
    `workspace trusted: ${String(vscode.workspace.isTrusted)}`,
  ];
  if (state.kind === "running") {
    lines.push(`program: ${state.binary.path} (${state.binary.source}), ${state.binary.version}`);
  }
  return `${lines.join("\n").replaceAll(os.homedir(), "~")}\n`;
}
