/** The table tests/editors.json: what the logs must show, in the extension host and on the screen. */

export interface Table {
  /** What no hover may show on the screen. */
  readonly raw_markup: readonly string[];
  readonly logs: readonly [Expectation, ...Expectation[]];
}

export interface Expectation {
  /** Path below the folder given as --logs. */
  readonly log: string;
  /** The parts that each code lens holds, in order; there is no other lens. */
  readonly lenses: readonly (readonly string[])[];
  readonly hovers: readonly HoverExpectation[];
  /** All but the hints, by line. */
  readonly diagnostics: readonly DiagnosticExpectation[];
}

/** The hover over the first `needle` in `line` (from 1). */
export interface HoverExpectation {
  readonly line: number;
  readonly needle: string;
  /** The start of its text, without markup. */
  readonly starts: string;
  readonly has: readonly string[];
}

export interface DiagnosticExpectation {
  readonly line: number;
  readonly code: string;
  readonly severity: "error" | "warning" | "info";
  /** A part of the message. */
  readonly has: string;
}
