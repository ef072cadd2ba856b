// Drives VS Code's workbench in Chromium: opens files, reads what is painted. All knowledge of its DOM is here.
import { chromium } from "playwright-core";
import { basename } from "node:path";
import { until } from "./until.mjs";

const LIMIT_MS = 30_000;

/** VS Code paints spaces as U+00A0. */
const plain = (text) => text.replaceAll("\u00a0", " ");

/** Chromium, and a list of the foreign hosts it was not allowed to reach. */
export async function openBrowser(executablePath, viewport = { width: 1400, height: 800 }) {
  const args = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"];
  const browser = await chromium.launch({ executablePath, args });
  const context = await browser.newContext({ viewport });
  const foreignHosts = new Set();
  const local = new Set(["127.0.0.1", "localhost"]);
  await context.route(
    (url) => url.protocol.startsWith("http") && !local.has(url.hostname),
    (route) => {
      foreignHosts.add(new URL(route.request().url()).hostname);
      return route.abort();
    },
  );
  return { browser, context, foreignHosts };
}

/** The address that opens `folder` with `payload`, the workbench's own way to pass files and tests. */
export function workbenchUrl(base, folder, payload) {
  const query = new URLSearchParams({ folder, payload: JSON.stringify(payload) });
  return `${base}/?${query.toString()}`;
}

/** How the workbench names a file. With another authority the file opens, but its squiggles are never painted. */
export function remoteUri(base, path) {
  return `vscode-remote://${new URL(base).host}${path}`;
}

/** The text of a line counted from 1. */
export const lineOf = (text, line) => text.split("\n")[line - 1].replace(/\r$/, "");

/** The shortest start of a line that no other line has: what is painted of a long line is cut. */
export function startOf(text, line) {
  const lines = text.split("\n");
  const wanted = lineOf(text, line);
  for (let length = 4; length < wanted.length; length++) {
    const start = wanted.slice(0, length);
    if (lines.filter((other) => other.startsWith(start)).length === 1) return start;
  }
  return wanted;
}

export class Workbench {
  constructor(page, base) {
    this.page = page;
    this.base = base;
    page.setDefaultTimeout(LIMIT_MS);
  }

  /** Opens a file and waits for its text: the first one with its window, on `folder`, later ones in the same window. */
  async open(folder, path) {
    if (this.editor === undefined) {
      await this.page.goto(workbenchUrl(this.base, folder, [["openFile", remoteUri(this.base, path)]]));
    } else {
      await this.page.keyboard.press("Control+p");
      await this.pick(path, basename(path));
    }
    this.editor = this.page.locator(`.monaco-editor[data-uri$="/${basename(path)}"]`).first();
    await this.editor.locator(".view-line").first().waitFor();
  }

  /** Types into the open quick input and takes the first row once it shows `title`. */
  async pick(text, title) {
    const input = this.page.locator(".quick-input-widget input[type=text]");
    await input.waitFor();
    await input.fill(text);
    await this.page.locator(".quick-input-list .monaco-list-row").first().filter({ hasText: title }).waitFor();
    await this.page.keyboard.press("Enter");
    await input.waitFor({ state: "hidden" });
  }

  /** The titles of the painted code lenses. One without a command is a span, others are links. */
  async lensTitles() {
    const texts = await this.editor.locator(".codelens-decoration > a, .codelens-decoration > span").allTextContents();
    return texts.map((text) => plain(text).trim()).filter((text) => text !== "" && text !== "|");
  }

  /** Waits until the painted lenses pass `test`. */
  async waitForLenses(test) {
    let seen = [];
    const found = async () => {
      seen = await this.lensTitles();
      return test(seen) && seen;
    };
    return until("the expected code lenses", LIMIT_MS, found).catch((error) => {
      throw new Error(`${error.message}; lenses: ${JSON.stringify(seen)}`);
    });
  }

  /** Moves to a line, counted from 1, and waits until it is painted. */
  async goToLine(line) {
    await this.page.keyboard.press("Control+g");
    await this.pick(`:${line}`, `${line}`);
    await until(`line ${line}`, LIMIT_MS, () =>
      this.editor.locator(".line-numbers", { hasText: new RegExp(`^${line}$`) }).first().isVisible(),
    );
  }

  /**
   * The middle of `needle` in the painted line that starts with `start`. A line is cut into token spans and lines are
   * not in document order, so the box is taken from a DOM range over the line's text.
   */
  async boxOf(start, needle) {
    return this.page.evaluate(
      ([lineStart, text]) => {
        const unpaint = (value) => value.replaceAll("\u00a0", " ");
        for (const line of document.querySelectorAll(".monaco-editor .view-line")) {
          const content = unpaint(line.textContent);
          const from = content.indexOf(text);
          if (!content.startsWith(lineStart) || from < 0) continue;
          const range = document.createRange();
          const walker = document.createTreeWalker(line, NodeFilter.SHOW_TEXT);
          let seen = 0;
          for (let node = walker.nextNode(); node !== null; node = walker.nextNode()) {
            const next = seen + node.data.length;
            if (from >= seen && from < next) range.setStart(node, from - seen);
            const end = from + text.length;
            if (end > seen && end <= next) {
              range.setEnd(node, end - seen);
              break;
            }
            seen = next;
          }
          const box = range.getBoundingClientRect();
          return { x: box.x + box.width / 2, y: box.y + box.height / 2 };
        }
        return undefined;
      },
      [start, needle],
    );
  }

  /** The parts of the open hover, as a reader sees them: problems, then explanations. */
  async hoverParts() {
    const rows = this.page.locator(".monaco-hover:not(.hidden) .monaco-hover-content .hover-row");
    return (await rows.allInnerTexts()).map((text) => plain(text).replaceAll(/\s+/g, " ").trim());
  }

  /**
   * Hovers over `needle` until the hover's parts pass `test`. A repaint closes a hover or swallows the mouse move
   * that would open it, so the mouse leaves and comes back until it stays.
   */
  async hover(start, needle, test) {
    const end = Date.now() + LIMIT_MS;
    let seen = [];
    while (Date.now() < end) {
      const box = await until(`"${needle}" on the screen`, LIMIT_MS, () => this.boxOf(start, needle));
      await this.page.mouse.move(box.x, 780);
      await this.page.mouse.move(box.x - 3, box.y);
      await this.page.mouse.move(box.x, box.y, { steps: 4 });
      try {
        return await until("the hover", 3_000, async () => {
          seen = await this.hoverParts();
          return test(seen) && seen;
        });
      } catch {
        // Leave and come back.
      }
    }
    throw new Error(`no hover with the expected text over "${needle}"; last: ${JSON.stringify(seen)}`);
  }

  /** Waits for a squiggle of that severity (error, warning, info, hint) on the screen. */
  async waitForSquiggle(severity) {
    await this.editor.locator(`.squiggly-${severity}`).first().waitFor({ state: "attached" });
  }

  /** Runs a command of the palette by its title. */
  async command(title) {
    await this.page.keyboard.press("F1");
    await this.pick(`>${title}`, title);
  }

  /** Folds a range of lines, counted from 1, into its first. */
  async fold(first, last) {
    await this.goToLine(first);
    await this.command("Set Selection Anchor");
    // The start of the line behind, so that all of the last one is selected.
    await this.goToLine(last + 1);
    await this.command("Select from Anchor to Cursor");
    await this.command("Create Folding Range from Selection");
  }

  /** Puts the keyboard focus back into the text. */
  async focusEditor() {
    await this.command("View: Focus Active Editor Group");
  }

  /** Opens the Problems panel and waits for a row with `text` that passes `test`. What does not fit is not painted. */
  async waitForProblem(text, test) {
    await this.command("Problems: Focus on Problems View");
    await this.page.locator(".viewpane-filter input").fill(text);
    const rows = this.page.locator(".markers-panel .monaco-list-row");
    let seen = [];
    const found = async () => {
      seen = (await rows.allTextContents()).map(plain);
      return seen.find(test);
    };
    return until("the expected row in the Problems panel", LIMIT_MS, found).catch((error) => {
      throw new Error(`${error.message}; rows: ${JSON.stringify(seen)}`);
    });
  }

  /** Waits for a status bar entry that passes `test`. */
  async waitForStatusBar(test) {
    const items = this.page.locator(".statusbar-item");
    return until("the expected status bar entry", LIMIT_MS, async () =>
      (await items.allTextContents()).map(plain).find(test),
    );
  }

  async screenshot(path) {
    // A hover fades in; a picture taken at once shows half of it.
    await this.page.evaluate(() => {
      const ends = (animation) => animation.effect?.getComputedTiming().endTime !== Infinity;
      return Promise.allSettled(document.getAnimations().filter(ends).map((animation) => animation.finished));
    });
    await this.page.screenshot({ path });
  }
}
