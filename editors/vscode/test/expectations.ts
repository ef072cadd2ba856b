/** The table expectations.json: what each log must show, in the extension host and on the screen. */

export interface Expectation {
  /** Path below the folder given as --logs. */
  readonly log: string;
  /** A regular expression that one of the code lenses matches. */
  readonly lens: string;
  /** The hover over the first `needle` in `line` (from 1). */
  readonly hover: {
    readonly line: number;
    readonly needle: string;
    readonly includes: readonly string[];
    readonly excludes: readonly string[];
  };
  /** A diagnostic that must be there. */
  readonly diagnostic: {
    readonly code: string;
    readonly severity: "error" | "warning" | "info" | "hint";
    readonly line: number;
    /** A part of the message. */
    readonly message: string;
  };
}
