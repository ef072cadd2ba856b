/**
 * Entry point. Waits for a document that is a Go trace, then runs one server for all of them. What a trace means is
 * never decided here.
 */
import * as vscode from "vscode";
import { watchBigFiles } from "./bigFile";
import { documentSelector, Server, type ServerState } from "./client";
import { registerCommands } from "./commands";
import { registerPages } from "./pages";
import { showStatus } from "./status";
import { watchForTrace } from "./watch";

/** What other extensions and the tests can ask. */
export interface Api {
  state(): ServerState;
}

let server: Server | undefined;

export function activate(context: vscode.ExtensionContext): Api {
  const started = new Server(context);
  server = started;
  let watch: vscode.Disposable | undefined;
  const startWhenNeeded = (): void => {
    watch?.dispose();
    const detect = vscode.workspace.getConfiguration("gotracelens").get("detect.enable", true);
    watch = watchForTrace(documentSelector(detect), () => void started.start());
  };
  context.subscriptions.push(
    started,
    registerCommands(context, started),
    registerPages(started),
    showStatus(started),
    watchBigFiles(started.output),
    vscode.workspace.onDidChangeConfiguration((event) => {
      const needed = ["server.path", "detect.enable"].some((key) => event.affectsConfiguration(`gotracelens.${key}`));
      if (needed && started.state.kind === "idle") {
        startWhenNeeded();
      } else if (needed) {
        void started.restart();
      }
    }),
    new vscode.Disposable(() => {
      watch?.dispose();
    }),
  );
  startWhenNeeded();
  return { state: () => started.state };
}

export async function deactivate(): Promise<void> {
  await server?.stop();
}
