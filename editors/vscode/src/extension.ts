/**
 * Entry point. Waits for a document that is a Go trace, or a file that sets GODEBUG where the user wants help with
 * those, then runs one server for all of them. What a document means is never decided here.
 */
import * as vscode from "vscode";
import { watchBigFiles } from "./bigFile";
import { documentSelector, Server, type ServerState } from "./client";
import { registerCommands } from "./commands";
import { godebugSelector } from "./godebug";
import { registerPages } from "./pages";
import { registerPlaces } from "./places";
import { showStatus } from "./status";
import { watchForDocuments } from "./watch";

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
    const configuration = vscode.workspace.getConfiguration("gotracelens");
    const selectors = {
      traces: documentSelector(configuration.get("detect.enable", true)),
      godebug: godebugSelector(configuration.get("godebug.enable", false)),
    };
    watch = watchForDocuments(selectors, () => void started.start());
  };
  context.subscriptions.push(
    started,
    registerCommands(context, started),
    registerPages(started),
    registerPlaces(started),
    showStatus(started),
    watchBigFiles(started.output),
    vscode.workspace.onDidChangeConfiguration((event) => {
      if (event.affectsConfiguration("gotracelens.godebug.enable")) {
        // Whether there is still a document that needs the server is looked at anew.
        void started.stop().then(startWhenNeeded);
        return;
      }
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
