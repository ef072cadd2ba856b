/**
 * Recognizes the lines of a Go program's runtime in text, so that no server is started for somebody else's log.
 * It only answers "is there one"; what a line means is the server's business, and what they start with comes from its
 * catalog. Most may stand behind any prefix (Docker, journald, JSON) and hold color codes.
 */
import { STARTS } from "./starts";

/** How much of each end of a document is looked at, in UTF-16 code units. */
export const END_LENGTH = 64 * 1024;

// eslint-disable-next-line no-control-regex -- color codes start with the escape character
const COLOR = /\u001b\[[0-9;]*m/g;

/** True if `text` holds at least one trace line. */
export function hasTraceLine(text: string): boolean {
  const plain = text.includes("\u001b[") ? text.replace(COLOR, "") : text;
  return STARTS.some(({ needle, pattern }) => plain.includes(needle) && pattern.test(plain));
}

/** The part of a text document that detection reads; `vscode.TextDocument` is one. */
export interface TextSource {
  /** Length in UTF-16 code units. */
  readonly length: number;
  /** The text between two offsets in UTF-16 code units. */
  slice(start: number, end: number): string;
}

/** True if the first or the last {@link END_LENGTH} of `source` holds a trace line. */
export function isTrace(source: TextSource): boolean {
  const { length } = source;
  if (length <= 2 * END_LENGTH) {
    return hasTraceLine(source.slice(0, length));
  }
  return hasTraceLine(source.slice(0, END_LENGTH)) || hasTraceLine(source.slice(length - END_LENGTH, length));
}
