/** Shows the server's state and version where VS Code shows the language of a document, and explains failures. */
import * as vscode from "vscode";
import { documentSelector, type Server, type ServerState } from "./client";

/** One line for the language status item and for bug reports. */
export function describeState(state: ServerState): string {
  switch (state.kind) {
    case "idle":
      return "not started";
    case "starting":
      return "starting";
    case "running":
      return `running, version ${state.serverVersion}`;
    case "failed":
      return `failed: ${state.reason}`;
  }
}

export function showStatus(server: Server): vscode.Disposable {
  const item = vscode.languages.createLanguageStatusItem("gotracelens.status", documentSelector(true));
  item.name = "gotracelens";
  item.command = { command: "gotracelens.showOutput", title: "Show Output" };
  const show = (state: ServerState): void => {
    item.text = state.kind === "running" ? `gotracelens ${state.serverVersion}` : "gotracelens";
    item.detail = state.kind === "running" ? `running (${state.binary.source})` : describeState(state);
    item.busy = state.kind === "starting";
    item.severity =
      state.kind === "failed" ? vscode.LanguageStatusSeverity.Error : vscode.LanguageStatusSeverity.Information;
    if (state.kind === "failed") {
      void explainFailure(state.reason);
    }
  };
  show(server.state);
  return vscode.Disposable.from(item, server.onDidChangeState(show));
}

async function explainFailure(reason: string): Promise<void> {
  const setting = "Open Setting";
  const output = "Show Output";
  const answer = await vscode.window.showErrorMessage(`gotracelens: ${reason}`, setting, output);
  if (answer === setting) {
    await vscode.commands.executeCommand("workbench.action.openSettings", "gotracelens.server.path");
  } else if (answer === output) {
    await vscode.commands.executeCommand("gotracelens.showOutput");
  }
}
