/**
 * Watches the open documents until one of them is a Go trace, then calls back once and is done. Reads the two ends
 * of a document when it opens, and again when it has grown. Never changes a document or its language.
 */
import * as vscode from "vscode";
import { isTrace } from "./detect";

/** Pause after a change before a document is read again, so that a fast growing log costs little. */
const SETTLE_MS = 200;

/** Whether a document may be a trace at all, by its language and where it comes from. */
function isCandidate(document: vscode.TextDocument, selector: vscode.DocumentSelector): boolean {
  return vscode.languages.match(selector, document) > 0;
}

function holdsTrace(document: vscode.TextDocument): boolean {
  // The user has said what it is; nothing to look for.
  if (document.languageId === "gotrace") {
    return true;
  }
  const end = document.lineAt(document.lineCount - 1).range.end;
  return isTrace({
    length: document.offsetAt(end),
    slice: (from, to) => document.getText(new vscode.Range(document.positionAt(from), document.positionAt(to))),
  });
}

/** Calls `found` once, as soon as a document that `selector` matches holds a trace. */
export function watchForTrace(selector: vscode.DocumentSelector, found: () => void): vscode.Disposable {
  const timers = new Map<string, NodeJS.Timeout>();
  let done = false;
  const look = (document: vscode.TextDocument): void => {
    if (!done && !document.isClosed && isCandidate(document, selector) && holdsTrace(document)) {
      watch.dispose();
      found();
    }
  };
  const lookSoon = (document: vscode.TextDocument): void => {
    const key = document.uri.toString();
    if (!timers.has(key) && isCandidate(document, selector)) {
      const later = (): void => {
        timers.delete(key);
        look(document);
      };
      timers.set(key, setTimeout(later, SETTLE_MS));
    }
  };
  const stop = (): void => {
    done = true;
    timers.forEach((timer) => {
      clearTimeout(timer);
    });
  };
  const watch = vscode.Disposable.from(
    vscode.workspace.onDidOpenTextDocument(look),
    vscode.workspace.onDidChangeTextDocument(({ document }) => {
      lookSoon(document);
    }),
    { dispose: stop },
  );
  vscode.workspace.textDocuments.forEach(look);
  return watch;
}
