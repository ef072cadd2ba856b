import * as assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import * as path from "node:path";
import recognized from "../../../../tests/recognized.json";
import { END_LENGTH, hasTraceLine, isTrace, type TextSource } from "../../src/detect";

const LOGS = process.env["GOTRACELENS_LOGS"] ?? "";

const TRACE_LINES: Record<string, string> = {
  "gctrace of 1.0": "gc3(1): 0+0+0 ms 1 -> 0 MB 8291 -> 361 (8653-8292) objects 0 handoff",
  "gctrace of 1.3": "gc2(2): 5+310+22+8 us, 0 -> 1 MB, 531 (601-70) objects, 23/0/0 sweeps, 2(30) handoff, 1(2) steal, 4/3/2 yields",
  "gctrace of 1.6": "gc 1 @0.012s 2%: 0.018+1.2+0.003 ms clock, 0.14+0.35/1.1/0.22+0.024 ms cpu, 4->4->0 MB, 5 MB goal, 8 P",
  "gctrace with a leak check": "gc 9 @1.500s 4% (checking for goroutine leaks): 0.01+1.2+0.003 ms clock, ",
  "schedtrace": "SCHED 1004ms: gomaxprocs=4 idleprocs=4 threads=7 spinningthreads=0 idlethreads=3 runqueue=0 [0 0 0 0]",
  "scvg inuse": "scvg0: inuse: 2, idle: 58, sys: 60, released: 56, consumed: 4 (MB)",
  "scvg released": "scvg: 0 MB released",
  "scvg released in hexadecimal": "scvg1: 0x1f MB released",
  "scvg forced": "scvg2: GC forced",
  "scav of 1.14": "scav 12 KiB work, 4096 KiB total, 57% util",
  "scav of 1.16": "scav 4 12 KiB work, 4096 KiB total, 57% util (forced)",
  "scav of 1.21": "scav 12 KiB work (bg), 0 KiB work (eager), 4096 KiB now, 57% util",
};

const CARRIERS: Record<string, (line: string) => string> = {
  bare: (line) => line,
  docker: (line) => `${JSON.stringify({ log: `${line}\n`, stream: "stderr" }).replaceAll(">", "\\u003e")}\n`,
  journald: (line) => `Jan 02 03:04:05 host app[7]: ${line}`,
  colored: (line) => `\u001b[2m${line.replaceAll(/\d+/g, "\u001b[35m$&\u001b[0m")}\u001b[22m`,
  "glued to a message": (line) => `listening on :8080${line}`,
};

const FOREIGN = [
  "2026/01/02 03:04:05 GC forced by operator",
  "[GC (Allocation Failure) [PSYoungGen: 65536K->10720K(76288K)] 65536K->12321K(251392K), 0.0155 secs]",
  "[0.012s][info][gc] GC(0) Pause Young (Normal) 24M->4M(256M) 3.1ms",
  "SCHEDULE 10ms: gomaxprocs unset",
  "gc 1 percent done",
  "the scavenger released 12 KiB",
  "sched: 4 idleprocs",
  "2026/01/02 03:04:05 panic: handler failed, recovered",
  'level=error msg="panic: runtime error: index out of range" component=worker',
  "main.c:3:10: fatal error: missing.h: No such file or directory",
  "received SIGQUIT: quitting",
  "SIGTERM: shutting down",
  "started goroutine 7 [worker]: ready",
  "goroutine 7 finished",
  "loading user profile: total 12",
  "cpu profile: 30s",
  "--- mutex: held by 3",
  "pacer: assist ratio is high",
  "init database @12 ms",
  "tracealloc(p, size)",
  "PC=0x45f2a1",
  "exit status 1",
  "Killed",
];

/** Answers parts of `text` and notes how much was asked for. */
function source(text: string): TextSource & { read: number } {
  return {
    length: text.length,
    read: 0,
    slice(start, end) {
      this.read += end - start;
      return text.slice(start, end);
    },
  };
}

describe("hasTraceLine", () => {
  for (const [shape, line] of Object.entries(TRACE_LINES)) {
    for (const [carrier, wrap] of Object.entries(CARRIERS)) {
      it(`recognizes ${shape}, ${carrier}`, () => {
        assert.equal(hasTraceLine(`started\n${wrap(line)}\nready\n`), true);
      });
    }
  }
  for (const { shape, text, carried } of recognized.lines) {
    it(`recognizes ${shape}: ${text.slice(0, 40)}`, () => {
      assert.equal(hasTraceLine(`started\n${text}\r\nready\n`), true);
      if (carried) {
        const docker = JSON.stringify({ log: `${text}\n`, stream: "stderr" });
        assert.equal(hasTraceLine(`started\n${docker}\nready\n`), true, "from Docker");
        assert.equal(hasTraceLine(`Jan 02 03:04:05 host app[7]: ${text}\n`), true, "from journald");
      }
    });
  }
  for (const line of FOREIGN) {
    it(`does not claim: ${line.slice(0, 40)}`, () => {
      assert.equal(hasTraceLine(line), false);
    });
  }
});

describe("isTrace", () => {
  const line = `${TRACE_LINES["schedtrace"] ?? ""}\n`;
  const filler = (length: number): string => "request done status=200\n".repeat(length / 24 + 1).slice(0, length);

  it("finds a line in the first part", () => {
    assert.equal(isTrace(source(filler(END_LENGTH - 1000) + line + filler(1_000_000))), true);
  });
  it("finds a line in the last part", () => {
    assert.equal(isTrace(source(filler(1_000_000) + line)), true);
  });
  it("does not read the middle of a big document", () => {
    const text = source(filler(1_000_000) + line + filler(1_000_000));
    assert.equal(isTrace(text), false);
    assert.equal(text.read, 2 * END_LENGTH);
  });
  it("reads a document shorter than both parts once", () => {
    const text = source(filler(END_LENGTH + 500));
    assert.equal(isTrace(text), false);
    assert.equal(text.read, END_LENGTH + 500);
  });
  it("answers for an empty document", () => {
    assert.equal(isTrace(source("")), false);
  });
  it("finds a line that lies across the border of the two parts", () => {
    assert.equal(isTrace(source(filler(END_LENGTH - 20) + line + filler(1000))), true);
  });
  for (const name of [
    "long/1.24.11-heapleak-p4-s6716.log",
    "runs/1.24.11/runqueue_overload-sched100-p1-s391.log",
    "wrapped/docker-json-gc0-1.18.10-heapleak.log",
  ]) {
    it(`recognizes ${name}`, () => {
      assert.equal(isTrace(source(readFileSync(path.join(LOGS, name), "utf8"))), true);
    });
  }
});
