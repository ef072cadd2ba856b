/**
 * Watches the open documents until one of them needs the server, then calls back once and is done. A trace is
 * recognized by its text: the two ends of a document are read when it opens, and again when it has grown. Never changes
 * a document or its language.
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

/** Which documents may need the server. */
export interface Selectors {
  /** Those that may hold a trace. */
  readonly traces: vscode.DocumentSelector;
  /** Those that need it whatever they hold. */
  readonly godebug: vscode.DocumentSelector;
}

/** Calls `found` once, as soon as there is a document that needs the server. */
export function watchForDocuments(selectors: Selectors, found: () => void): vscode.Disposable {
  const selector = selectors.traces;
  const timers = new Map<string, NodeJS.Timeout>();
  let done = false;
  const look = (document: vscode.TextDocument): void => {
    const isNeeded =
      isCandidate(document, selectors.godebug) || (isCandidate(document, selector) && holdsTrace(document));
    if (!done && !document.isClosed && isNeeded) {
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
