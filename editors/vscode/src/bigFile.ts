/**
 * Says in the status bar why nothing happens for a trace above 50 MB: VS Code sends no such document to extensions,
 * so only its tab is known here. The two ends are read from disk to tell a trace from another big file.
 */
import { type FileHandle, open } from "node:fs/promises";
import * as vscode from "vscode";
import { END_LENGTH, hasTraceLine } from "./detect";

/** VS Code's limit for sending a document to extensions, in bytes. */
const LIMIT_BYTES = 50 * 1024 * 1024;

async function readUtf8(file: FileHandle, position: number): Promise<string> {
  const { buffer, bytesRead } = await file.read(Buffer.alloc(END_LENGTH), 0, END_LENGTH, position);
  return buffer.toString("utf8", 0, bytesRead);
}

/** The size in megabytes if the file is a trace above the limit. */
export async function bigTraceSizeMb(path: string): Promise<number | undefined> {
  const file = await open(path, "r");
  try {
    const stat = await file.stat();
    if (!stat.isFile() || stat.size <= LIMIT_BYTES) {
      return undefined;
    }
    const isTrace =
      hasTraceLine(await readUtf8(file, 0)) || hasTraceLine(await readUtf8(file, stat.size - END_LENGTH));
    return isTrace ? Math.round(stat.size / 1024 / 1024) : undefined;
  } finally {
    await file.close();
  }
}

/** Shows the status bar item while the active tab is such a file. */
export function watchBigFiles(output: vscode.LogOutputChannel): vscode.Disposable {
  const item = vscode.window.createStatusBarItem("gotracelens.bigFile", vscode.StatusBarAlignment.Right, 100);
  item.name = "gotracelens: large trace";
  const activeFile = (): vscode.Uri | undefined => {
    const input = vscode.window.tabGroups.activeTabGroup.activeTab?.input;
    return input instanceof vscode.TabInputText && input.uri.scheme === "file" ? input.uri : undefined;
  };
  const update = async (): Promise<void> => {
    const uri = activeFile();
    item.hide();
    if (uri === undefined) {
      return;
    }
    try {
      const sizeMb = await bigTraceSizeMb(uri.fsPath);
      if (sizeMb !== undefined && activeFile()?.toString() === uri.toString()) {
        item.text = `$(warning) ${sizeMb} MB Go trace: too large for extensions`;
        item.tooltip =
          "VS Code sends no document above 50 MB to extensions, so gotracelens cannot show anything here. " +
          "Run `gotracelens summary FILE` in a terminal to read this file.";
        item.show();
      }
    } catch (error) {
      output.debug(`look at the file of the active tab: ${String(error)}`);
    }
  };
  void update();
  return vscode.Disposable.from(
    item,
    vscode.window.tabGroups.onDidChangeTabs(() => void update()),
    vscode.window.tabGroups.onDidChangeTabGroups(() => void update()),
  );
}
