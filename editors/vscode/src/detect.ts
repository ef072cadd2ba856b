/**
 * Recognizes the trace lines of a Go program in text, so that no server is started for somebody else's log.
 * It only answers "is there one"; what a line means is the server's business.
 *
 * Lines may stand behind any prefix (Docker, journald, JSON) and hold color codes, so nothing is anchored to the
 * line's start. Each pattern asks for enough punctuation that an application does not print it by accident.
 */

/** How much of each end of a document is looked at, in UTF-16 code units. */
export const END_LENGTH = 64 * 1024;

/** One pattern per line family. The shapes are those of Go 1.0 to 1.27. */
const FAMILIES: readonly RegExp[] = [
  // gctrace since 1.5: gc 18 @2.104s 3%: ...
  /gc \d+ @\d+\.\d{3}s -?\d+%(?: \(checking for goroutine leaks\))?: /,
  // gctrace of 1.0 to 1.4: gc18(4): 0+1+0 ms ... and gc18(4): 5+310+22+8 us, ...
  /gc\d+\(\d+\): \d+\+\d+\+\d+(?:\+\d+)? [mu]s/,
  // schedtrace: SCHED 1004ms: gomaxprocs=4 ...
  /SCHED \d+ms: gomaxprocs=\d/,
  // Scavenger of 1.0 to 1.13: scvg3: inuse: ..., scvg0: 1 MB released, scvg2: GC forced
  /scvg-?\d*: (?:inuse: \d+, idle: |(?:0x)?[0-9a-f]+ MB released|GC forced)/,
  // Scavenger since 1.14: scav 12 KiB work, ... and scav 12 KiB work (bg), ...
  /scav (?:\d+ )?\d+ KiB work(?: \(bg\))?, \d+ KiB (?:total|work \(eager\)), /,
];

// eslint-disable-next-line no-control-regex -- color codes start with the escape character
const COLOR = /\u001b\[[0-9;]*m/g;

/** True if `text` holds at least one trace line. */
export function hasTraceLine(text: string): boolean {
  const plain = text.includes("\u001b[") ? text.replace(COLOR, "") : text;
  return FAMILIES.some((family) => family.test(plain));
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
