/**
 * Commands about a place in a document: to go there, to have told what happened there, and what was said around it.
 * Lenses and actions of the server carry them with the place; from the palette they take the cursor's.
 */
import * as vscode from "vscode";
import type { Server } from "./client";

/** Commands that the server may put into its lenses and actions. */
export const SERVER_COMMANDS = [
  "gotracelens.around",
  "gotracelens.copy",
  "gotracelens.evidence",
  "gotracelens.narrate",
  "gotracelens.openPage",
  "gotracelens.reveal",
  "gotracelens.saveMutes",
  "gotracelens.showFindings",
  "gotracelens.tune",
];

/** A place as the protocol has it. */
interface Place {
  readonly textDocument: { readonly uri: string };
  readonly position: Position;
}

interface Position {
  readonly line: number;
  readonly character: number;
}

/** The answer to `gotracelens/narrate` and `gotracelens/tune`. */
interface Narration {
  readonly title: string;
  readonly markdown: string;
}

/** The answer to `gotracelens/around`. */
interface Around {
  readonly at: string;
  readonly entries: readonly AroundEntry[];
}

interface AroundEntry {
  readonly uri: string;
  readonly range: { readonly start: Position };
  readonly deltaMs: number;
  readonly family: string;
  readonly text: string;
  readonly isFocus: boolean;
}

/** The scheme of texts that the server wrote about a place. */
const SCHEME = "gotracelens-told";

/** How far around a line is looked. */
const WITHIN_MS = 1_000;

export function registerPlaces(server: Server): vscode.Disposable {
  const texts = new Texts();
  return vscode.Disposable.from(
    texts,
    vscode.workspace.registerTextDocumentContentProvider(SCHEME, texts),
    vscode.commands.registerCommand("gotracelens.reveal", reveal),
    vscode.commands.registerCommand("gotracelens.evidence", async (asked: { readonly code: string }) => {
      const told = await server.request<{ readonly markdown: string } | null>("gotracelens/evidence", asked);
      if (told) {
        await texts.show(`Evidence of ${asked.code}`, told.markdown);
      }
    }),
    vscode.commands.registerCommand("gotracelens.copy", async (text: string) => {
      await vscode.env.clipboard.writeText(text);
      void vscode.window.setStatusBarMessage(`gotracelens: copied ${text.split("\n", 1)[0] ?? ""}`, 5_000);
    }),
    // The edit that muted something left the file unsaved; the server reads it from the disk.
    vscode.commands.registerCommand("gotracelens.saveMutes", async (uri: string) => {
      const document = await vscode.workspace.openTextDocument(vscode.Uri.parse(uri));
      await document.save();
    }),
    vscode.commands.registerCommand("gotracelens.showFindings", async (uri: string, line: number) => {
      await reveal(uri, line);
      await vscode.commands.executeCommand("workbench.actions.view.problems");
    }),
    vscode.commands.registerCommand("gotracelens.narrate", async (place?: Place) => {
      const told = await ask<Narration>(server, "gotracelens/narrate", place ?? cursor(), {});
      if (told !== undefined) {
        await texts.show(told.title, told.markdown);
      }
    }),
    vscode.commands.registerCommand("gotracelens.tune", async (place?: Place) => {
      const told = await ask<Narration>(server, "gotracelens/tune", place ?? cursor(), {});
      if (told !== undefined) {
        await texts.show(told.title, told.markdown);
      }
    }),
    vscode.commands.registerCommand("gotracelens.around", async (place?: Place) => {
      const more = { withinMs: WITHIN_MS, allDocuments: true };
      const around = await ask<Around>(server, "gotracelens/around", place ?? cursor(), more);
      if (around !== undefined) {
        choose(around);
      }
    }),
  );
}

/** The place of the cursor. */
function cursor(): Place | undefined {
  const editor = vscode.window.activeTextEditor;
  const { line, character } = editor?.selection.active ?? {};
  return editor && line !== undefined && character !== undefined
    ? { textDocument: { uri: editor.document.uri.toString() }, position: { line, character } }
    : undefined;
}

/** Asks about a place; says so when there is no answer. */
async function ask<T>(server: Server, method: string, place: Place | undefined, more: object): Promise<T | undefined> {
  const answer = place && (await server.request<T | null>(method, { ...place, ...more }));
  if (answer === null || answer === undefined) {
    void vscode.window.setStatusBarMessage("gotracelens: nothing is known about this line", 3_000);
    return undefined;
  }
  return answer;
}

/** Shows a line, counted from 0, of a document that is open. */
async function reveal(uri: string, line: number, preserveFocus = false): Promise<void> {
  const wanted = vscode.Uri.parse(uri).toString();
  const document = vscode.workspace.textDocuments.find((open) => open.uri.toString() === wanted);
  if (document === undefined) {
    return;
  }
  const at = new vscode.Position(Math.min(line, document.lineCount - 1), 0);
  const editor = await vscode.window.showTextDocument(document, { preserveFocus });
  editor.selection = new vscode.Selection(at, at);
  editor.revealRange(new vscode.Range(at, at), vscode.TextEditorRevealType.InCenterIfOutsideViewport);
}

interface Choice extends vscode.QuickPickItem {
  readonly entry: AroundEntry;
}

/** Lists what was said; the editor follows the choice, and goes back to where it was when nothing is chosen. */
function choose(around: Around): void {
  const back = vscode.window.activeTextEditor;
  const selection = back?.selection;
  const pick = vscode.window.createQuickPick<Choice>();
  pick.title = `Around ${around.at}`;
  pick.placeholder = "What collector, scheduler and application said, in the order of time";
  pick.matchOnDescription = true;
  pick.items = around.entries.map((entry) => {
    const seconds = entry.deltaMs / 1_000;
    return { label: `${seconds < 0 ? "" : "+"}${seconds.toFixed(3)} s`, description: entry.text, entry };
  });
  pick.activeItems = pick.items.filter(({ entry }) => entry.isFocus);
  let accepted = false;
  pick.onDidChangeActive(([active]) => {
    if (active !== undefined) {
      void reveal(active.entry.uri, active.entry.range.start.line, true);
    }
  });
  pick.onDidAccept(() => {
    accepted = true;
    const [active] = pick.activeItems;
    pick.hide();
    if (active !== undefined) {
      void reveal(active.entry.uri, active.entry.range.start.line);
    }
  });
  pick.onDidHide(() => {
    if (!accepted && back !== undefined && selection !== undefined) {
      back.selection = selection;
      back.revealRange(selection, vscode.TextEditorRevealType.InCenterIfOutsideViewport);
    }
    pick.dispose();
  });
  pick.show();
}

/** Markdown that the server wrote, shown beside the log; a new text about the same replaces the old one. */
class Texts implements vscode.TextDocumentContentProvider, vscode.Disposable {
  private readonly texts = new Map<string, string>();
  private readonly changed = new vscode.EventEmitter<vscode.Uri>();
  readonly onDidChange = this.changed.event;

  provideTextDocumentContent(uri: vscode.Uri): string {
    return this.texts.get(uri.toString()) ?? "";
  }

  async show(title: string, markdown: string): Promise<void> {
    const uri = vscode.Uri.from({ scheme: SCHEME, path: `/${title.replaceAll("/", " ")}.md` });
    this.texts.set(uri.toString(), markdown);
    this.changed.fire(uri);
    await vscode.commands.executeCommand("markdown.showPreviewToSide", uri);
  }

  dispose(): void {
    this.changed.dispose();
  }
}
